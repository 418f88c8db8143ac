/* Ledger rows as text: many rows of a batch in one row of the database, as a JSON array of arrays.
 *
 * SQLite asks half a microsecond for a row of 23 columns, however it is inserted, and no more for
 * a group of thirteen. The text is JSON so that whoever has nothing but sqlite3 can read it: the
 * view `ledger` takes it apart into the columns it always had. Numbers of a group follow each
 * other, so a row's place is its number; times are told from the group's own, which keeps them
 * short. What is empty at the end of a row is left out. Reading checks every byte: it gives the
 * rows that were written or STATUS_CORRUPT. */
#ifndef ONHAND_STORE_LEDGER_TEXT_H
#define ONHAND_STORE_LEDGER_TEXT_H

#include "base/arena.h"
#include "store/journal_internal.h"

/* The order of a row's fields in the text. The view `ledger` names them by number: see
 * journal_sqlite_schema.c. */
enum ledger_field {
    FIELD_LOCATION,
    FIELD_PRODUCT,
    FIELD_PREVIOUS,
    FIELD_TYPE,
    FIELD_STATUS,
    FIELD_SOURCE,
    FIELD_ID,
    FIELD_DELTA,
    FIELD_ON_HAND,
    FIELD_RESERVED,
    FIELD_ON_HAND_CHANGE,
    FIELD_RESERVED_CHANGE,
    FIELD_OCCURRED_AT, /* from here on minus the group's base */
    FIELD_RECEIVED_AT,
    FIELD_FLAGS,
    FIELD_REQUEST, /* the last that every row has */
    FIELD_REGISTER,
    FIELD_SEQUENCE,
    FIELD_DOCUMENT,
    FIELD_ORDER,
    FIELD_REASON,
    FIELD_ACKNOWLEDGES,
    FIELD_COUNT
};

/* Of an event's standing and whether its time was given, in one number. */
int ledger_flags(const struct event *event);
void ledger_set_flags(struct event *event, int64_t flags);

/* Whether the row's times can be told from base_us; every row's can from 0. */
bool ledger_text_fits(const struct journal_row *row, int64_t base_us);
/* Appends to the group: rows->length 0 begins it. */
void ledger_text_append(struct buffer *rows, const struct journal_row *row, int64_t base_us);
/* Closes the group's array. */
void ledger_text_end(struct buffer *rows);

struct ledger_text_reader {
    const char *at, *end;
    uint64_t next_seq;
    int64_t base_us;
    struct arena *arena; /* of texts that had escapes; others point into the group */
};

void ledger_text_read(struct ledger_text_reader *reader, struct text rows, uint64_t first_seq,
                      int64_t base_us, struct arena *arena);
/* STATUS_END after the last row. */
must_check enum status ledger_text_next(struct ledger_text_reader *reader,
                                        struct journal_row *row_out, struct error *error);
/* Goes past `count` rows without looking into them. */
must_check enum status ledger_text_skip(struct ledger_text_reader *reader, uint64_t count,
                                        struct error *error);

#endif
