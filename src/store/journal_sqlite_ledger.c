/* The ledger's rows: written many to a statement, read by column number.
 *
 * Rows of an open transaction wait in journal->pending until there are enough of them for one
 * insert; their texts are copied, so the caller's may go. Absent fields are NULL, which takes one
 * byte; a figure that is really 0 takes one byte too. */
#include <inttypes.h>

#include "store/journal_sqlite_internal.h"

enum ledger_column {
    COLUMN_SEQ,
    COLUMN_LOCATION,
    COLUMN_PRODUCT,
    COLUMN_PREVIOUS,
    COLUMN_TYPE,
    COLUMN_STATUS,
    COLUMN_SOURCE,
    COLUMN_ID,
    COLUMN_DELTA,
    COLUMN_ON_HAND,
    COLUMN_RESERVED,
    COLUMN_ON_HAND_CHANGE,
    COLUMN_RESERVED_CHANGE,
    COLUMN_OCCURRED_AT,
    COLUMN_RECEIVED_AT,
    COLUMN_REGISTER,
    COLUMN_SEQUENCE,
    COLUMN_DOCUMENT,
    COLUMN_ORDER,
    COLUMN_REASON,
    COLUMN_ACKNOWLEDGES,
    COLUMN_FLAGS,
    COLUMN_REQUEST,
    COLUMN_COUNT
};
_Static_assert(COLUMN_COUNT == LEDGER_COLUMN_COUNT, "the list of columns and their enum");

#define FLAGS_STANDING 3 /* enum event_standing */
#define FLAG_OCCURRED_AT_GIVEN 4

static void bind_figure(sqlite3_stmt *statement, int column, int64_t value) {
    require(sqlite3_bind_int64(statement, column, value) == SQLITE_OK);
}

/* `before`: parameters that belong to rows before this one. */
static void bind_row(sqlite3_stmt *statement, int before, const struct journal_row *row) {
    const struct event *event = &row->event;
    int first = before + 1;
    int flags = (int)event->standing | (event->occurred_at_given ? FLAG_OCCURRED_AT_GIVEN : 0);
    bind_figure(statement, first + COLUMN_SEQ, (int64_t)row->seq);
    bind_number(statement, first + COLUMN_LOCATION, event->location);
    bind_number(statement, first + COLUMN_PRODUCT, event->product);
    bind_number(statement, first + COLUMN_PREVIOUS, (int64_t)row->previous);
    bind_figure(statement, first + COLUMN_TYPE, row->type);
    bind_figure(statement, first + COLUMN_STATUS, (int64_t)row->status);
    bind_number(statement, first + COLUMN_SOURCE, event->source);
    bind_text(statement, first + COLUMN_ID, event->id);
    bind_figure(statement, first + COLUMN_DELTA, event->delta_milli);
    bind_figure(statement, first + COLUMN_ON_HAND, row->on_hand_milli);
    bind_figure(statement, first + COLUMN_RESERVED, row->reserved_milli);
    bind_figure(statement, first + COLUMN_ON_HAND_CHANGE, row->on_hand_change_milli);
    bind_figure(statement, first + COLUMN_RESERVED_CHANGE, row->reserved_change_milli);
    bind_figure(statement, first + COLUMN_OCCURRED_AT, event->occurred_at_us);
    bind_figure(statement, first + COLUMN_RECEIVED_AT, event->received_at_us);
    bind_number(statement, first + COLUMN_REGISTER, event->register_id);
    if (event->register_id != 0) {
        bind_figure(statement, first + COLUMN_SEQUENCE, event->register_sequence);
    } else {
        bind_number(statement, first + COLUMN_SEQUENCE, event->register_sequence);
    }
    bind_text(statement, first + COLUMN_DOCUMENT, event->document);
    bind_text(statement, first + COLUMN_ORDER, event->order);
    bind_text(statement, first + COLUMN_REASON, event->reason);
    bind_text(statement, first + COLUMN_ACKNOWLEDGES, event->acknowledges);
    bind_figure(statement, first + COLUMN_FLAGS, flags);
    bind_number(statement, first + COLUMN_REQUEST, (int64_t)row->request);
}

static enum status insert_rows(struct journal *journal, enum sql sql,
                               const struct journal_row *rows, size_t count, struct error *error) {
    sqlite3_stmt *statement;
    enum status status = connection_statement(&journal->writer, sql, &statement, error);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        bind_row(statement, (int)i * COLUMN_COUNT, &rows[i]);
    }
    return statement_run(&journal->writer, statement, error);
}

static enum status insert_pending(struct journal *journal, struct error *error) {
    static const struct {
        size_t rows;
        enum sql sql;
    } inserts[] = {{32, SQL_INSERT_32_ROWS}, {8, SQL_INSERT_8_ROWS}, {1, SQL_INSERT_ROW}};
    enum status status = STATUS_OK;
    size_t done = 0;
    for (size_t k = 0; k < sizeof inserts / sizeof *inserts; k++) {
        for (; journal->pending_count - done >= inserts[k].rows && status == STATUS_OK;
             done += inserts[k].rows) {
            status = insert_rows(journal, inserts[k].sql, &journal->pending[done], inserts[k].rows,
                                 error);
        }
    }
    journal->pending_count = 0;
    arena_reset(&journal->pending_texts);
    return transaction_note(journal, status);
}

enum status sqlite_flush_rows(struct journal *journal, struct error *error) {
    require(journal->pending_count <= ROWS_PER_INSERT);
    return journal->pending_count > 0 ? insert_pending(journal, error) : STATUS_OK;
}

static void keep_text(struct arena *arena, struct text *text) {
    *text = text->length > 0 ? arena_copy(arena, *text) : (struct text){NULL, 0};
}

static void keep_texts(struct arena *arena, struct event *event) {
    keep_text(arena, &event->id);
    keep_text(arena, &event->document);
    keep_text(arena, &event->order);
    keep_text(arena, &event->reason);
    keep_text(arena, &event->acknowledges);
}

enum status sqlite_append_row(struct journal *journal, const struct journal_row *row,
                              struct error *error) {
    enum status status = transaction_failed(journal, error);
    if (status != STATUS_OK) {
        return status;
    }
    require(row->seq > 0 && row->seq <= INT64_MAX);
    struct journal_row *pending = &journal->pending[journal->pending_count++];
    *pending = *row;
    keep_texts(&journal->pending_texts, &pending->event);
    return journal->pending_count == ROWS_PER_INSERT ? insert_pending(journal, error) : STATUS_OK;
}

/* ---- reading ---- */

static uint32_t column_u32(sqlite3_stmt *statement, int column) {
    return (uint32_t)sqlite3_column_int64(statement, column);
}

/* The texts are SQLite's, until the next step. */
static enum status row_from(sqlite3_stmt *statement, struct journal_row *row, struct error *error) {
    int type = sqlite3_column_int(statement, COLUMN_TYPE);
    int flags = sqlite3_column_int(statement, COLUMN_FLAGS);
    bool is_event = type >= 0 && type < EVENT_TYPE_COUNT;
    *row = (struct journal_row){
        .seq = (uint64_t)sqlite3_column_int64(statement, COLUMN_SEQ),
        .previous = (uint64_t)sqlite3_column_int64(statement, COLUMN_PREVIOUS),
        .type = type,
        .status = (enum outcome_status)sqlite3_column_int(statement, COLUMN_STATUS),
        .on_hand_change_milli = sqlite3_column_int64(statement, COLUMN_ON_HAND_CHANGE),
        .reserved_change_milli = sqlite3_column_int64(statement, COLUMN_RESERVED_CHANGE),
        .on_hand_milli = sqlite3_column_int64(statement, COLUMN_ON_HAND),
        .reserved_milli = sqlite3_column_int64(statement, COLUMN_RESERVED),
        .request = (uint64_t)sqlite3_column_int64(statement, COLUMN_REQUEST),
        .event =
            {
                .location = column_u32(statement, COLUMN_LOCATION),
                .product = column_u32(statement, COLUMN_PRODUCT),
                .source = column_u32(statement, COLUMN_SOURCE),
                .register_id = column_u32(statement, COLUMN_REGISTER),
                .register_sequence = sqlite3_column_int64(statement, COLUMN_SEQUENCE),
                .delta_milli = sqlite3_column_int64(statement, COLUMN_DELTA),
                .occurred_at_us = sqlite3_column_int64(statement, COLUMN_OCCURRED_AT),
                .received_at_us = sqlite3_column_int64(statement, COLUMN_RECEIVED_AT),
                .type = is_event ? (enum event_type)type : (enum event_type)0,
                .standing = (enum event_standing)(flags & FLAGS_STANDING),
                .occurred_at_given = (flags & FLAG_OCCURRED_AT_GIVEN) != 0,
                .id = column_text(statement, COLUMN_ID),
                .document = column_text(statement, COLUMN_DOCUMENT),
                .order = column_text(statement, COLUMN_ORDER),
                .reason = column_text(statement, COLUMN_REASON),
                .acknowledges = column_text(statement, COLUMN_ACKNOWLEDGES),
            },
    };
    if (!is_event && type != ROW_ACKNOWLEDGEMENT && type != ROW_ACKNOWLEDGEMENT_EFFECT) {
        return error_set(error, STATUS_CORRUPT, "ledger row %" PRIu64 " has the unknown type %d",
                         row->seq, type);
    }
    return STATUS_OK;
}

static enum status read_row(struct connection *connection, uint64_t seq, struct arena *arena,
                            struct journal_row *row_out, struct error *error) {
    sqlite3_stmt *statement;
    enum status status = connection_statement(connection, SQL_READ_ROW, &statement, error);
    if (status != STATUS_OK) {
        return status;
    }
    bind_figure(statement, 1, (int64_t)seq);
    bool found;
    status = statement_next(connection, statement, &found, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (!found) {
        return error_set(error, STATUS_NOT_FOUND, "there is no ledger row %" PRIu64, seq);
    }
    status = row_from(statement, row_out, error);
    keep_texts(arena, &row_out->event);
    sqlite3_reset(statement);
    return status;
}

enum status sqlite_read_row(struct journal *journal, bool writer, uint64_t seq, struct arena *arena,
                            struct journal_row *row_out, struct error *error) {
    struct connection *connection;
    enum status status = reader_borrow(journal, writer, &connection, error);
    if (status == STATUS_OK) {
        status = read_row(connection, seq, arena, row_out, error);
        reader_return(journal, connection);
    }
    return status;
}

static enum status scan_rows(struct connection *connection, uint64_t after,
                             journal_row_visitor *visitor, void *context, struct error *error) {
    sqlite3_stmt *statement;
    enum status status = connection_statement(connection, SQL_SCAN_ROWS, &statement, error);
    if (status != STATUS_OK) {
        return status;
    }
    bind_figure(statement, 1, (int64_t)after);
    for (;;) {
        bool found;
        struct journal_row row;
        status = statement_next(connection, statement, &found, error);
        if (status == STATUS_OK && found) {
            status = row_from(statement, &row, error);
        }
        if (status != STATUS_OK || !found || !visitor(context, &row)) {
            break;
        }
    }
    sqlite3_reset(statement);
    return status;
}

enum status sqlite_scan_rows(struct journal *journal, uint64_t after, journal_row_visitor *visitor,
                             void *context, struct error *error) {
    if (after > INT64_MAX) {
        return STATUS_OK;
    }
    struct connection *connection;
    enum status status = reader_borrow(journal, false, &connection, error);
    if (status == STATUS_OK) {
        status = scan_rows(connection, after, visitor, context, error);
        reader_return(journal, connection);
    }
    return status;
}
