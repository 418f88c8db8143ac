/* Records of CSV, the careful way: where one ends, and what its fields are.
 *
 * A field that begins with a quote ends with one; two quotes inside stand for one; delimiters and
 * line ends inside belong to it. A quote anywhere else is an ordinary character (12" SHELF). */
#ifndef ONHAND_FEED_CSV_RECORD_H
#define ONHAND_FEED_CSV_RECORD_H

#include "base/arena.h"

/* Where in a record the bytes so far have led; goes on from piece to piece. */
struct csv_cursor {
    bool quoted;      /* inside quotes */
    bool quote_ended; /* the last byte was a quote that ends the field, unless another follows */
    bool field_begin; /* the next byte begins a field */
    bool begun;       /* at least one byte */
    uint64_t feeds;   /* line feeds inside quotes so far */
};

void csv_cursor_begin(struct csv_cursor *cursor);
static inline bool csv_cursor_at_begin(const struct csv_cursor *cursor) {
    return !cursor->begun;
}

/* The offset of the line feed that ends the record, or `length`. Delimiter 0: not known yet, then
 * each of , ; tab | begins a field. */
size_t csv_cursor_find_end(struct csv_cursor *cursor, const char *data, size_t length,
                           char delimiter);

enum csv_split { CSV_SPLIT_OK, CSV_SPLIT_TOO_MANY, CSV_SPLIT_TEXT_AFTER_QUOTE };

/* The fields of a whole record without its line end. They are slices of it, or in *arena where
 * doubled quotes had to be undone. */
enum csv_split csv_split(struct text record, char delimiter, struct arena *arena,
                         struct text *fields_out, size_t room, size_t *count_out);

#endif
