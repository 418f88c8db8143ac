/* A JSON document as a tree: for the answers of shops and what they send us, which are small, of
 * deep shape, and read by name rather than in order.
 *
 * Numbers stay as they were written, so a quantity is never a float. Everything lives in the arena;
 * texts may point into the input. Every function takes NULL for "not there", so that a path may be
 * walked without asking at each step. */
#ifndef ONHAND_CHANNEL_TREE_H
#define ONHAND_CHANNEL_TREE_H

#include "base/json.h"

struct tree {
    enum json_kind kind;
    struct text key;  /* of a member of an object */
    struct text text; /* string: unescaped; number: as written; else empty */
    const struct tree *child, *next;
};

/* STATUS_BAD_JSON and the like as json.h; a key that comes twice is refused. */
must_check enum status tree_read(struct text json, struct arena *arena,
                                 const struct tree **tree_out, struct error *error);

/* NULL: not an object, or no such member, or null. */
const struct tree *tree_get(const struct tree *object, const char *key);
/* Several steps: "data.shop.name". */
const struct tree *tree_at(const struct tree *object, const char *path);
/* The first of an array (or object), to be followed by ->next; NULL: empty, or neither. */
const struct tree *tree_first(const struct tree *array);
bool tree_is_array(const struct tree *tree);
/* A string's, or a number's as it was written; empty for anything else. */
struct text tree_text(const struct tree *tree);
bool tree_true(const struct tree *tree);
/* A quantity, also where it is written as a string; false: none. */
must_check bool tree_milli(const struct tree *tree, int64_t *milli_out);
/* A whole number within a page or so, also as a string; false: none, or negative. */
must_check bool tree_count(const struct tree *tree, uint64_t *count_out);
/* A figure of a limit; `otherwise` where there is none. Never for stock. */
double tree_double(const struct tree *tree, double otherwise);

#endif
