/* The ledger's rows: written a group to a row of the database, read one by one.
 *
 * Rows of an open transaction wait as text in journal->pending until they are a group
 * (ledger_text.h): a quarter of a page, so that four lie on one and little room is lost. Files from
 * before the groups have rows of their own, in ledger_single: all older than the first group, and
 * read before it. */
#include <inttypes.h>

#include "store/journal_sqlite_internal.h"
#include "store/ledger_text.h"

/* A text of this length, its key and its lengths take a quarter of a page of 4,096 bytes. */
#define GROUP_BYTES 990

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

static void bind_figure(sqlite3_stmt *statement, int column, int64_t value) {
    require(sqlite3_bind_int64(statement, column, value) == SQLITE_OK);
}

/* ---- writing ---- */

static enum status insert_group(struct journal *journal, struct error *error) {
    struct pending_rows *pending = &journal->pending;
    sqlite3_stmt *statement;
    enum status status =
        connection_statement(&journal->writer, SQL_INSERT_GROUP, &statement, error);
    if (status == STATUS_OK) {
        ledger_text_end(&pending->text);
        bind_figure(statement, 1, (int64_t)pending->first_seq);
        bind_figure(statement, 2, (int64_t)pending->count);
        bind_figure(statement, 3, pending->base_us);
        bind_full_text(statement, 4, buffer_text(&pending->text));
        status = statement_run(&journal->writer, statement, error);
    }
    pending_rows_clear(pending);
    return transaction_note(journal, status);
}

void pending_rows_clear(struct pending_rows *pending) {
    pending->count = 0;
    buffer_clear(&pending->text);
}

enum status sqlite_flush_rows(struct journal *journal, struct error *error) {
    return journal->pending.count > 0 ? insert_group(journal, error) : STATUS_OK;
}

static bool joins(const struct pending_rows *pending, const struct journal_row *row) {
    return row->seq == pending->first_seq + pending->count &&
           ledger_text_fits(row, pending->base_us);
}

enum status sqlite_append_row(struct journal *journal, const struct journal_row *row,
                              struct error *error) {
    struct pending_rows *pending = &journal->pending;
    enum status status = transaction_failed(journal, error);
    if (status == STATUS_OK && pending->count > 0 && !joins(pending, row)) {
        status = insert_group(journal, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    require(row->seq > 0 && row->seq <= INT64_MAX);
    if (pending->count == 0) {
        pending->first_seq = row->seq;
        pending->base_us = row->event.received_at_us;
        if (!ledger_text_fits(row, pending->base_us)) {
            pending->base_us = 0;
        }
    }
    size_t before = pending->text.length;
    ledger_text_append(&pending->text, row, pending->base_us);
    pending->count++;
    /* The next one will be about as long: rows of a batch are alike. */
    size_t expected = 2 * pending->text.length - before;
    return expected > GROUP_BYTES ? insert_group(journal, error) : STATUS_OK;
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

/* ---- reading ---- */

static uint32_t column_u32(sqlite3_stmt *statement, int column) {
    return (uint32_t)sqlite3_column_int64(statement, column);
}

/* The texts are SQLite's, until the next step. */
static enum status row_from(sqlite3_stmt *statement, struct journal_row *row, struct error *error) {
    int type = sqlite3_column_int(statement, COLUMN_TYPE);
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
                .id = column_text(statement, COLUMN_ID),
                .document = column_text(statement, COLUMN_DOCUMENT),
                .order = column_text(statement, COLUMN_ORDER),
                .reason = column_text(statement, COLUMN_REASON),
                .acknowledges = column_text(statement, COLUMN_ACKNOWLEDGES),
            },
    };
    ledger_set_flags(&row->event, sqlite3_column_int(statement, COLUMN_FLAGS));
    if (!is_event && type != ROW_ACKNOWLEDGEMENT && type != ROW_ACKNOWLEDGEMENT_EFFECT) {
        return error_set(error, STATUS_CORRUPT, "ledger row %" PRIu64 " has the unknown type %d",
                         row->seq, type);
    }
    return STATUS_OK;
}

static enum status short_group(uint64_t seq, struct error *error) {
    return error_set(error, STATUS_CORRUPT, "ledger row %" PRIu64 " is missing from its group",
                     seq);
}

/* The group that the statement stands on; its text is SQLite's, until the next step. */
static uint64_t open_group(sqlite3_stmt *statement, struct arena *arena,
                           struct ledger_text_reader *reader) {
    uint64_t first_seq = (uint64_t)sqlite3_column_int64(statement, 0);
    ledger_text_read(reader, column_text(statement, 3), first_seq,
                     sqlite3_column_int64(statement, 2), arena);
    return first_seq + (uint64_t)sqlite3_column_int64(statement, 1);
}

static enum status read_from_group(struct connection *connection, uint64_t seq, struct arena *arena,
                                   struct journal_row *row_out, struct error *error) {
    sqlite3_stmt *statement;
    enum status status = connection_statement(connection, SQL_READ_GROUP, &statement, error);
    if (status != STATUS_OK) {
        return status;
    }
    bind_figure(statement, 1, (int64_t)seq);
    bool found;
    status = statement_next(connection, statement, &found, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct ledger_text_reader reader;
    if (!found || open_group(statement, arena, &reader) <= seq) {
        sqlite3_reset(statement);
        return STATUS_NOT_FOUND;
    }
    status = ledger_text_skip(&reader, seq - reader.next_seq, error);
    if (status == STATUS_OK) {
        status = ledger_text_next(&reader, row_out, error);
    }
    if (status == STATUS_OK) {
        keep_texts(arena, &row_out->event);
    }
    sqlite3_reset(statement);
    return status == STATUS_END ? short_group(seq, error) : status;
}

static enum status read_single(struct connection *connection, uint64_t seq, struct arena *arena,
                               struct journal_row *row_out, struct error *error) {
    sqlite3_stmt *statement;
    enum status status = connection_statement(connection, SQL_READ_SINGLE, &statement, error);
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

static enum status read_row(struct connection *connection, uint64_t seq, struct arena *arena,
                            struct journal_row *row_out, struct error *error) {
    enum status status = read_from_group(connection, seq, arena, row_out, error);
    return status == STATUS_NOT_FOUND ? read_single(connection, seq, arena, row_out, error)
                                      : status;
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

/* What a scan carries: whose rows, and whether they want more. */
struct row_scan {
    uint64_t after;
    journal_row_visitor *visitor;
    void *context;
    bool stopped;
    struct arena arena;
};

static enum status visit_single(struct row_scan *scan, sqlite3_stmt *statement,
                                struct error *error) {
    struct journal_row row;
    enum status status = row_from(statement, &row, error);
    scan->stopped = status == STATUS_OK && !scan->visitor(scan->context, &row);
    return status;
}

static enum status visit_group(struct row_scan *scan, sqlite3_stmt *statement,
                               struct error *error) {
    struct ledger_text_reader reader;
    struct journal_row row;
    arena_reset(&scan->arena);
    uint64_t end_seq = open_group(statement, &scan->arena, &reader);
    enum status status = STATUS_OK;
    if (end_seq <= scan->after + 1) {
        return STATUS_OK;
    }
    if (reader.next_seq <= scan->after) {
        status = ledger_text_skip(&reader, scan->after + 1 - reader.next_seq, error);
    }
    while (status == STATUS_OK && !scan->stopped) {
        status = ledger_text_next(&reader, &row, error);
        scan->stopped = status == STATUS_OK && !scan->visitor(scan->context, &row);
    }
    if (status == STATUS_END) {
        status = reader.next_seq == end_seq ? STATUS_OK : short_group(reader.next_seq, error);
    }
    return status;
}

typedef enum status row_visit(struct row_scan *scan, sqlite3_stmt *statement, struct error *error);

static enum status scan_with(struct connection *connection, enum sql sql, row_visit *visit,
                             struct row_scan *scan, struct error *error) {
    sqlite3_stmt *statement;
    enum status status = connection_statement(connection, sql, &statement, error);
    if (status != STATUS_OK) {
        return status;
    }
    bind_figure(statement, 1, (int64_t)scan->after);
    while (!scan->stopped) {
        bool found;
        status = statement_next(connection, statement, &found, error);
        if (status == STATUS_OK && found) {
            status = visit(scan, statement, error);
        }
        if (status != STATUS_OK || !found) {
            break;
        }
    }
    sqlite3_reset(statement);
    return status;
}

enum status sqlite_scan_rows(struct journal *journal, uint64_t after, journal_row_visitor *visitor,
                             void *context, struct error *error) {
    if (after >= INT64_MAX) {
        return STATUS_OK;
    }
    struct row_scan scan = {.after = after, .visitor = visitor, .context = context};
    struct connection *connection;
    enum status status = reader_borrow(journal, false, &connection, error);
    if (status != STATUS_OK) {
        return status;
    }
    status = scan_with(connection, SQL_SCAN_SINGLES, visit_single, &scan, error);
    if (status == STATUS_OK && !scan.stopped) {
        status = scan_with(connection, SQL_SCAN_GROUPS, visit_group, &scan, error);
    }
    reader_return(journal, connection);
    arena_deinit(&scan.arena);
    return status;
}
