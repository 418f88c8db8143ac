/* Text as a pointer and a length: never NUL-terminated by promise, never owned.
 *
 * Whoever hands out a `struct text` says how long it lives; most live in an arena. An absent text
 * has length 0 (data may be NULL). `struct buffer` is the growable, owned counterpart. */
#ifndef ONHAND_BASE_TEXT_H
#define ONHAND_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *data;
    size_t length;
};

/* For printf: "%.*s", TEXT_ARG(t) */
#define TEXT_ARG(t) (int)(t).length, (t).data != NULL ? (t).data : ""
/* From a string literal. */
#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

static inline struct text text_from(const char *string) {
    return (struct text){string, string != NULL ? strlen(string) : 0};
}

/* Codes and identifiers are short, and comparing them is what a reset does most: up to 16 bytes by
 * two words that may overlap, without a call. */
static inline bool text_equal(struct text a, struct text b) {
    uint64_t a_word, b_word, a_last, b_last;
    if (a.length != b.length)
        return false;
    if (a.length == 3) /* "SKU" and "UPC", ten million times */
        return a.data[0] == b.data[0] && a.data[1] == b.data[1] && a.data[2] == b.data[2];
    if (a.length < sizeof a_word || a.length > 2 * sizeof a_word)
        return a.length == 0 || memcmp(a.data, b.data, a.length) == 0;
    memcpy(&a_word, a.data, sizeof a_word);
    memcpy(&b_word, b.data, sizeof b_word);
    memcpy(&a_last, a.data + a.length - sizeof a_last, sizeof a_last);
    memcpy(&b_last, b.data + b.length - sizeof b_last, sizeof b_last);
    return ((a_word ^ b_word) | (a_last ^ b_last)) == 0;
}

static inline bool text_equal_string(struct text a, const char *b) {
    return text_equal(a, text_from(b));
}

bool text_equal_ignore_case(struct text a, struct text b); /* ASCII only */
struct text text_trim(struct text t);                      /* ASCII white space, both ends */
bool text_is_utf8(struct text t);
int text_compare(struct text a, struct text b); /* bytes, shorter first on a tie */

/* Bytes of the well-formed UTF-8 character that `t` begins with; 0 where there is none. */
size_t text_utf8_length(struct text t);

/* The decimal digits of `value`; returns their number, `out` is NUL-terminated. */
#define U64_TEXT_SIZE 21
size_t text_format_u64(uint64_t value, char out[U64_TEXT_SIZE]);

/* A growable byte string; out of memory ends the process. Zero-initialise, deinit when done. */
struct buffer {
    char *data; /* NUL-terminated once anything was appended */
    size_t length, capacity;
};

void buffer_deinit(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* keeps the memory */
void buffer_reserve(struct buffer *buffer, size_t additional);
void buffer_append(struct buffer *buffer, const void *data, size_t length);
void buffer_append_text(struct buffer *buffer, struct text text);
void buffer_append_string(struct buffer *buffer, const char *string);
void buffer_append_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buffer_append_uint(struct buffer *buffer, uint64_t value);
void buffer_append_int(struct buffer *buffer, int64_t value);
/* Removes the first `length` bytes. */
void buffer_consume(struct buffer *buffer, size_t length);

static inline struct text buffer_text(const struct buffer *buffer) {
    return (struct text){buffer->data, buffer->length};
}

/* A field of CSV output: quoted when it must be; a leading = + - @ is left as it is. */
void buffer_append_csv(struct buffer *buffer, struct text field);

#endif
