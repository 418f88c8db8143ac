/* JSON trees: one pass of the pull reader, a node per value. */
#include "channel/tree.h"

#include <stdlib.h>

#include "base/quantity.h"

#define MEMBERS_COMPARED                                                                           \
    64u /* a larger object is a map of theirs, whose keys nobody asks by name */

static enum status read_value(struct json_reader *r, struct tree *node);

static bool is_repeated(const struct tree *first, struct text key) {
    unsigned compared = 0;
    for (; first != NULL && compared < MEMBERS_COMPARED; first = first->next, compared++) {
        if (text_equal(first->key, key)) {
            return true;
        }
    }
    return false;
}

/* The depth is bounded by the reader. */
static enum status read_members(struct json_reader *r, struct tree *node) {
    struct tree *last = NULL;
    for (;;) {
        struct text key = {NULL, 0};
        enum status status = node->kind == JSON_OBJECT ? json_next_key(r, &key) : json_next_item(r);
        if (status != STATUS_OK) {
            return status == STATUS_END ? STATUS_OK : status;
        }
        if (node->kind == JSON_OBJECT && is_repeated(node->child, key)) {
            return error_set(r->error, STATUS_BAD_JSON, "'%.*s' comes twice",
                             key.length > 80 ? 80 : (int)key.length, key.data);
        }
        struct tree *member = arena_alloc_zero(r->arena, sizeof(*member));
        member->key = key;
        status = read_value(r, member);
        if (status != STATUS_OK) {
            return status;
        }
        if (last != NULL) {
            last->next = member;
        } else {
            node->child = member;
        }
        last = member;
    }
}

static enum status read_value(struct json_reader *r, struct tree *node) {
    struct json_value value;
    enum status status = json_read(r, &value);
    if (status != STATUS_OK) {
        return status;
    }
    node->kind = value.kind;
    node->text = value.text;
    bool has_members = value.kind == JSON_OBJECT || value.kind == JSON_ARRAY;
    return has_members ? read_members(r, node) : STATUS_OK;
}

enum status tree_read(struct text json, struct arena *arena, const struct tree **tree_out,
                      struct error *error) {
    struct json_reader reader;
    struct tree *root = arena_alloc_zero(arena, sizeof(*root));
    json_reader_init(&reader, json, arena, error);
    enum status status = read_value(&reader, root);
    if (status == STATUS_OK) {
        status = json_finish(&reader);
    }
    if (status == STATUS_OK) {
        *tree_out = root;
    }
    return status;
}

static const struct tree *member_of(const struct tree *object, struct text key) {
    const struct tree *at = object != NULL && object->kind == JSON_OBJECT ? object->child : NULL;
    while (at != NULL && !text_equal(at->key, key)) {
        at = at->next;
    }
    return at != NULL && at->kind != JSON_NULL ? at : NULL;
}

const struct tree *tree_get(const struct tree *object, const char *key) {
    return member_of(object, text_from(key));
}

const struct tree *tree_at(const struct tree *object, const char *path) {
    while (object != NULL && *path != '\0') {
        size_t length = strcspn(path, ".");
        object = member_of(object, (struct text){path, length});
        path += length + (path[length] == '.');
    }
    return object;
}

const struct tree *tree_first(const struct tree *array) {
    return array != NULL ? array->child : NULL;
}

bool tree_is_array(const struct tree *tree) {
    return tree != NULL && tree->kind == JSON_ARRAY;
}

struct text tree_text(const struct tree *tree) {
    bool has_text = tree != NULL && (tree->kind == JSON_STRING || tree->kind == JSON_NUMBER);
    return has_text ? tree->text : (struct text){NULL, 0};
}

bool tree_true(const struct tree *tree) {
    return tree != NULL && tree->kind == JSON_TRUE;
}

bool tree_milli(const struct tree *tree, int64_t *milli_out) {
    struct text text = tree_text(tree);
    return text.length > 0 && quantity_parse_json(text, milli_out) == STATUS_OK;
}

bool tree_count(const struct tree *tree, uint64_t *count_out) {
    int64_t milli = 0;
    if (!tree_milli(tree, &milli) || milli < 0 || milli % 1000 != 0) {
        return false;
    }
    *count_out = (uint64_t)(milli / 1000);
    return true;
}

double tree_double(const struct tree *tree, double otherwise) {
    char copy[40];
    struct text text = tree_text(tree);
    if (text.length == 0 || text.length >= sizeof(copy)) {
        return otherwise;
    }
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    char *end = NULL;
    double value = strtod(copy, &end);
    return *end == '\0' ? value : otherwise;
}
