/* A state of four flags instead of a table: each byte asks at most three questions. */
#include "feed/csv_record.h"

void csv_cursor_begin(struct csv_cursor *cursor) {
    *cursor = (struct csv_cursor){.field_begin = true};
}

static bool begins_field(char c, char delimiter) {
    return delimiter != 0 ? c == delimiter : c == ',' || c == ';' || c == '\t' || c == '|';
}

size_t csv_cursor_find_end(struct csv_cursor *cursor, const char *data, size_t length,
                           char delimiter) {
    for (size_t i = 0; i < length; i++) {
        char c = data[i];
        if (cursor->quoted) {
            if (c == '"') {
                cursor->quoted = false;
                cursor->quote_ended = true;
            } else {
                cursor->feeds += c == '\n';
            }
        } else if (c == '\n') {
            cursor->begun = true;
            return i;
        } else if (c == '"' && (cursor->field_begin || cursor->quote_ended)) {
            cursor->quoted = true;
            cursor->quote_ended = cursor->field_begin = false;
        } else {
            cursor->quote_ended = false;
            cursor->field_begin = begins_field(c, delimiter);
        }
        cursor->begun = true;
    }
    return length;
}

/* The field that begins with the quote at *at; *at then is behind its closing quote. */
static struct text quoted_field(struct text record, size_t *at, struct arena *arena) {
    size_t begin = *at + 1, doubled = 0, i = begin;
    for (; i < record.length; i++) {
        if (record.data[i] != '"') {
            continue;
        }
        if (i + 1 < record.length && record.data[i + 1] == '"') {
            doubled++;
            i++;
            continue;
        }
        break;
    }
    *at = i < record.length ? i + 1 : i;
    struct text field = {record.data + begin, i - begin};
    if (doubled == 0) {
        return field;
    }
    char *out = arena_alloc(arena, field.length);
    size_t length = 0;
    for (size_t k = 0; k < field.length; k++) {
        out[length++] = field.data[k];
        k += field.data[k] == '"';
    }
    return (struct text){out, length};
}

enum csv_split csv_split(struct text record, char delimiter, struct arena *arena,
                         struct text *fields_out, size_t room, size_t *count_out) {
    size_t at = 0, count = 0;
    for (;;) {
        if (count == room) {
            *count_out = count;
            return CSV_SPLIT_TOO_MANY;
        }
        if (at < record.length && record.data[at] == '"') {
            fields_out[count++] = quoted_field(record, &at, arena);
        } else {
            size_t rest = record.length - at;
            const char *begin = record.data + at;
            const char *end = rest > 0 ? memchr(begin, delimiter, rest) : NULL;
            size_t length = end != NULL ? (size_t)(end - begin) : rest;
            fields_out[count++] = (struct text){begin, length};
            at += length;
        }
        *count_out = count;
        if (at == record.length) {
            return CSV_SPLIT_OK;
        }
        if (record.data[at] != delimiter) {
            return CSV_SPLIT_TEXT_AFTER_QUOTE;
        }
        at++;
    }
}
