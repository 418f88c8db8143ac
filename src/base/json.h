/* JSON: a writer into a buffer, and a strict streaming pull reader with exact decimals.
 *
 * The reader is the hot path of the bulk bodies: it never builds a tree, never allocates except to
 * unescape, gives numbers as their text, refuses depth beyond JSON_DEPTH_MAX, invalid UTF-8, NUL in
 * strings, and anything RFC 8259 does not allow. Duplicate keys are the caller's to refuse, with a
 * bitmask of the fields it has seen. It reads one complete value from memory; whoever streams
 * (NDJSON) cuts lines first. Parsers of whole documents off the hot path may use jansson; several
 * names here are names there too, so one file includes one of the two headers, never both. */
#ifndef ONHAND_BASE_JSON_H
#define ONHAND_BASE_JSON_H

#include "base/arena.h"
#include "base/status.h"

#define JSON_DEPTH_MAX 32

/* jansson has functions of these names: neither library may be linked to the other's. */
#define JSON_LINKED_AS(symbol) __asm__(symbol)

/* ---- writing: commas and colons are put by the writer ---- */
struct json_writer {
    struct buffer *out;
    unsigned depth;
    bool need_comma;
};

void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_text(struct json_writer *w, struct text value); /* invalid UTF-8 becomes U+FFFD */
void json_string(struct json_writer *w, const char *value) JSON_LINKED_AS("onhand_json_string");
void json_int(struct json_writer *w, int64_t value);
void json_uint(struct json_writer *w, uint64_t value);
void json_quantity(struct json_writer *w, int64_t milli);
void json_timestamp(struct json_writer *w, int64_t us);
void json_double(struct json_writer *w, double value, int decimals); /* never for stock */
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w) JSON_LINKED_AS("onhand_json_null");
void json_raw(struct json_writer *w, struct text json); /* a value that is JSON already */
/* `text` or null when it is empty */
void json_text_or_null(struct json_writer *w, struct text value);

/* ---- reading ---- */
enum json_kind {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

struct json_value {
    enum json_kind kind;
    struct text text; /* string: unescaped; number: as written; else empty. Into the input, or into
                         the arena where an escape had to be undone */
};

struct json_reader {
    struct text input;
    size_t position;
    struct arena *arena;
    unsigned depth;
    struct error *error; /* detail says "at byte N: ..."; may be NULL */
    bool first[JSON_DEPTH_MAX + 1];
};

void json_reader_init(struct json_reader *r, struct text input, struct arena *arena,
                      struct error *error);

/* Reads the next value. For an object or array only its opening bracket: go on with json_next_key
 * or json_next_item until STATUS_END. */
must_check enum status json_read(struct json_reader *r, struct json_value *value_out);
/* STATUS_OK: *key_out is the key, the value is to be read next. STATUS_END: the object closed. */
must_check enum status json_next_key(struct json_reader *r, struct text *key_out);
/* STATUS_OK: an item is to be read next. STATUS_END: the array closed. */
must_check enum status json_next_item(struct json_reader *r);
/* Skips the next value whole, whatever it is. */
must_check enum status json_skip(struct json_reader *r);
/* The text of the next value, skipped whole: for values kept as they came. */
must_check enum status json_read_raw(struct json_reader *r, struct text *raw_out);
/* STATUS_OK when only white space is left. */
must_check enum status json_finish(struct json_reader *r);

#endif
