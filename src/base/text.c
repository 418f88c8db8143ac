/* Text and growable buffers: what every layer above speaks in.
 *
 * Nothing here fails: a buffer that cannot grow ends the process (base/arena.h), so callers build
 * answers without checking each step. Numbers are written without printf because every line of
 * every answer holds several. */
#include "base/text.h"

#include "base/arena.h"
#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>

#define BUFFER_FIRST_CAPACITY 256

static unsigned char ascii_lower(unsigned char c) {
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

bool text_equal_ignore_case(struct text a, struct text b) {
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        if (ascii_lower((unsigned char)a.data[i]) != ascii_lower((unsigned char)b.data[i])) {
            return false;
        }
    }
    return true;
}

static bool is_ascii_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_trim(struct text t) {
    while (t.length > 0 && is_ascii_space(t.data[0])) {
        t.data++;
        t.length--;
    }
    while (t.length > 0 && is_ascii_space(t.data[t.length - 1])) {
        t.length--;
    }
    return t;
}

static bool is_continuation(unsigned char c) {
    return (c & 0xC0) == 0x80;
}

/* The bounds of the second byte keep out overlong forms, surrogates and what is beyond U+10FFFF. */
size_t text_utf8_length(struct text t) {
    const unsigned char *p = (const unsigned char *)t.data;
    if (t.length == 0) {
        return 0;
    }
    unsigned char c = p[0];
    if (c < 0x80) {
        return 1;
    }
    if (c >= 0xC2 && c <= 0xDF) {
        return t.length >= 2 && is_continuation(p[1]) ? 2 : 0;
    }
    if (c >= 0xE0 && c <= 0xEF) {
        unsigned char least = c == 0xE0 ? 0xA0 : 0x80;
        unsigned char most = c == 0xED ? 0x9F : 0xBF;
        return t.length >= 3 && p[1] >= least && p[1] <= most && is_continuation(p[2]) ? 3 : 0;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        unsigned char least = c == 0xF0 ? 0x90 : 0x80;
        unsigned char most = c == 0xF4 ? 0x8F : 0xBF;
        return t.length >= 4 && p[1] >= least && p[1] <= most && is_continuation(p[2]) &&
                       is_continuation(p[3])
                   ? 4
                   : 0;
    }
    return 0;
}

bool text_is_utf8(struct text t) {
    while (t.length > 0) {
        uint64_t word;
        while (t.length >= sizeof word) { /* nearly all of it is ASCII: eight at a time */
            memcpy(&word, t.data, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) != 0) {
                break;
            }
            t.data += sizeof word;
            t.length -= sizeof word;
        }
        if (t.length > 0) {
            size_t length = text_utf8_length(t);
            if (length == 0) {
                return false;
            }
            t.data += length;
            t.length -= length;
        }
    }
    return true;
}

int text_compare(struct text a, struct text b) {
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    if (order != 0) {
        return order;
    }
    return (a.length > b.length) - (a.length < b.length);
}

/* ---- numbers as text ---- */

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

static size_t digits_of(uint64_t value) {
    size_t digits = 1;
    while (value >= 10000) {
        value /= 10000;
        digits += 4;
    }
    return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

size_t text_format_u64(uint64_t value, char out[U64_TEXT_SIZE]) {
    size_t length = digits_of(value);
    char *p = out + length;
    *p = '\0';
    while (value >= 100) {
        p -= 2;
        memcpy(p, digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        memcpy(out, digit_pairs + 2 * value, 2);
    } else {
        out[0] = (char)('0' + value);
    }
    return length;
}

/* ---- buffers ---- */

void buffer_deinit(struct buffer *buffer) {
    free(buffer->data);
    *buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer) {
    buffer->length = 0;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

static void buffer_enlarge(struct buffer *buffer, size_t needed) {
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : BUFFER_FIRST_CAPACITY;
    while (capacity < needed) {
        capacity *= 2;
    }
    buffer->data = memory_grow(buffer->data, capacity);
    buffer->capacity = capacity;
}

void buffer_reserve(struct buffer *buffer, size_t additional) {
    require(additional < PTRDIFF_MAX / 4 && buffer->length < PTRDIFF_MAX / 4);
    size_t needed = buffer->length + additional + 1; /* and the NUL */
    if (needed > buffer->capacity) {
        buffer_enlarge(buffer, needed);
    }
}

void buffer_append(struct buffer *buffer, const void *data, size_t length) {
    buffer_reserve(buffer, length);
    if (length > 0) {
        memcpy(buffer->data + buffer->length, data, length);
        buffer->length += length;
    }
    buffer->data[buffer->length] = '\0';
}

void buffer_append_text(struct buffer *buffer, struct text text) {
    buffer_append(buffer, text.data, text.length);
}

void buffer_append_string(struct buffer *buffer, const char *string) {
    buffer_append(buffer, string, strlen(string));
}

void buffer_append_uint(struct buffer *buffer, uint64_t value) {
    buffer_reserve(buffer, U64_TEXT_SIZE);
    buffer->length += text_format_u64(value, buffer->data + buffer->length);
}

void buffer_append_int(struct buffer *buffer, int64_t value) {
    buffer_reserve(buffer, U64_TEXT_SIZE + 1);
    if (value < 0) {
        buffer->data[buffer->length++] = '-';
    }
    uint64_t magnitude = value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
    buffer->length += text_format_u64(magnitude, buffer->data + buffer->length);
}

void buffer_append_format(struct buffer *buffer, const char *format, ...) {
    buffer_reserve(buffer, 128);
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    size_t room = buffer->capacity - buffer->length;
    int length = vsnprintf(buffer->data + buffer->length, room, format, arguments);
    require(length >= 0);
    if ((size_t)length >= room) {
        buffer_reserve(buffer, (size_t)length);
        room = buffer->capacity - buffer->length;
        (void)vsnprintf(buffer->data + buffer->length, room, format, again);
    }
    buffer->length += (size_t)length;
    va_end(again);
    va_end(arguments);
}

void buffer_consume(struct buffer *buffer, size_t length) {
    require(length <= buffer->length);
    if (length == 0) {
        return;
    }
    buffer->length -= length;
    memmove(buffer->data, buffer->data + length, buffer->length + 1); /* with the NUL */
}

void buffer_append_csv(struct buffer *buffer, struct text field) {
    bool quoted = false;
    for (size_t i = 0; i < field.length && !quoted; i++) {
        char c = field.data[i];
        quoted = c == ',' || c == '"' || c == '\n' || c == '\r';
    }
    if (!quoted) {
        buffer_append_text(buffer, field);
        return;
    }
    buffer_append(buffer, "\"", 1);
    while (field.length > 0) {
        const char *quote = memchr(field.data, '"', field.length);
        size_t upto = quote != NULL ? (size_t)(quote - field.data) + 1 : field.length;
        buffer_append(buffer, field.data, upto);
        if (quote != NULL) {
            buffer_append(buffer, "\"", 1);
        }
        field.data += upto;
        field.length -= upto;
    }
    buffer_append(buffer, "\"", 1);
}
