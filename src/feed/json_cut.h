/* Where one JSON value ends, in bytes that come in pieces of any size.
 *
 * Only brackets and strings are looked at; whether what lies between is JSON is for the reader of
 * the whole value (base/json.h) to say. */
#ifndef ONHAND_FEED_JSON_CUT_H
#define ONHAND_FEED_JSON_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_cut {
    enum json_cut_shape { JSON_CUT_NONE, JSON_CUT_NESTED, JSON_CUT_STRING, JSON_CUT_WORD } shape;
    bool quoted, escaped;
    uint64_t depth;
};

/* Before the first byte of a value, which must be no white space. */
void json_cut_begin(struct json_cut *cut);

/* Goes on; returns the offset behind the value, or behind the piece. *ended_out: the value is over
 * (a number or word ends at the first byte that is none of it, which is not taken). */
size_t json_cut_go_on(struct json_cut *cut, const char *data, size_t length, bool *ended_out);

static inline bool json_is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

#endif
