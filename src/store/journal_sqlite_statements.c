/* Statements and what they corrected.
 *
 * The heads of statements are small and read all at every start; the packed rows, megabytes each,
 * lie in a table of their own so that this reading does not pass over them. Watermarks are kept as
 * text, "register:through register:through", for whoever looks into the file. */
#include <inttypes.h>
#include <stdlib.h>

#include "store/journal_sqlite_internal.h"

enum statement_column {
    STATEMENT_COLUMN_ID,
    STATEMENT_COLUMN_LOCATION,
    STATEMENT_COLUMN_SOURCE,
    STATEMENT_COLUMN_AS_OF,
    STATEMENT_COLUMN_NAMES_ABSENT,
    STATEMENT_COLUMN_THROUGH,
    STATEMENT_COLUMN_RESET,
    STATEMENT_COLUMN_STATE,
    STATEMENT_COLUMN_ROW_COUNT,
    STATEMENT_COLUMN_APPLIED_SEQ,
    STATEMENT_COLUMN_APPLIED_AT,
    STATEMENT_COLUMN_ROLLED_BACK_AT
};

enum correction_column {
    CORRECTION_COLUMN_FIRST_SEQ,
    CORRECTION_COLUMN_CORRECTED,
    CORRECTION_COLUMN_STATEMENT,
    CORRECTION_COLUMN_LOCATION,
    CORRECTION_COLUMN_KIND,
    CORRECTION_COLUMN_AT,
    CORRECTION_COLUMN_PACKED
};

static void write_through(const struct statement *head, struct buffer *out) {
    for (uint32_t i = 0; i < head->through_count; i++) {
        buffer_append_format(out, "%s%" PRIu32 ":%" PRId64, i > 0 ? " " : "",
                             head->through[i].register_id, head->through[i].through);
    }
}

/* The text is NUL-terminated, as SQLite's texts are. False when it is not of that form. */
static bool read_through(struct text text, struct arena *arena, struct statement *head) {
    size_t count = text.length > 0 ? 1 : 0;
    for (size_t i = 0; i < text.length; i++) {
        count += text.data[i] == ' ';
    }
    if (count == 0) {
        return true;
    }
    struct watermark *marks = arena_alloc(arena, count * sizeof *marks);
    const char *at = text.data;
    for (size_t i = 0; i < count; i++) {
        char *end;
        marks[i].register_id = (uint32_t)strtoul(at, &end, 10);
        if (end == at || *end != ':') {
            return false;
        }
        at = end + 1;
        marks[i].through = strtoll(at, &end, 10);
        if (end == at || *end != (i + 1 < count ? ' ' : '\0')) {
            return false;
        }
        at = end + 1;
    }
    head->through = marks;
    head->through_count = (uint32_t)count;
    return true;
}

static enum status insert_head(struct journal *journal, const struct journal_statement *statement,
                               struct error *error) {
    const struct statement *head = &statement->head;
    sqlite3_stmt *insert;
    enum status status =
        connection_statement(&journal->writer, SQL_INSERT_STATEMENT, &insert, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct buffer through = {0};
    write_through(head, &through);
    bind_number(insert, 1 + STATEMENT_COLUMN_ID, head->id);
    bind_number(insert, 1 + STATEMENT_COLUMN_LOCATION, head->location);
    bind_number(insert, 1 + STATEMENT_COLUMN_SOURCE, head->source);
    sqlite3_bind_int64(insert, 1 + STATEMENT_COLUMN_AS_OF, head->as_of_us);
    sqlite3_bind_int(insert, 1 + STATEMENT_COLUMN_NAMES_ABSENT, head->names_absent);
    bind_text(insert, 1 + STATEMENT_COLUMN_THROUGH, buffer_text(&through));
    bind_text(insert, 1 + STATEMENT_COLUMN_RESET, statement->reset);
    sqlite3_bind_int(insert, 1 + STATEMENT_COLUMN_STATE, (int)statement->state);
    sqlite3_bind_int64(insert, 1 + STATEMENT_COLUMN_ROW_COUNT, statement->row_count);
    bind_number(insert, 1 + STATEMENT_COLUMN_APPLIED_SEQ, (int64_t)statement->applied_seq);
    bind_time(insert, 1 + STATEMENT_COLUMN_APPLIED_AT, statement->applied_at_us);
    bind_time(insert, 1 + STATEMENT_COLUMN_ROLLED_BACK_AT, statement->rolled_back_at_us);
    status = statement_run(&journal->writer, insert, error);
    buffer_deinit(&through);
    return status;
}

enum status sqlite_append_statement(struct journal *journal,
                                    const struct journal_statement *statement,
                                    struct text packed_rows, struct error *error) {
    enum status status = transaction_failed(journal, error);
    if (status != STATUS_OK) {
        return status;
    }
    require(statement->head.id > 0);
    status = insert_head(journal, statement, error);
    sqlite3_stmt *insert;
    if (status == STATUS_OK) {
        status = connection_statement(&journal->writer, SQL_INSERT_PACKED, &insert, error);
    }
    if (status == STATUS_OK) {
        bind_number(insert, 1, statement->head.id);
        bind_blob(insert, 2, packed_rows);
        status = statement_run(&journal->writer, insert, error);
    }
    return transaction_note(journal, status);
}

enum status sqlite_update_statement(struct journal *journal,
                                    const struct journal_statement *statement,
                                    struct error *error) {
    enum status status = transaction_failed(journal, error);
    sqlite3_stmt *update;
    if (status == STATUS_OK) {
        status = connection_statement(&journal->writer, SQL_UPDATE_STATEMENT, &update, error);
    }
    if (status == STATUS_OK) {
        bind_number(update, 1, statement->head.id);
        sqlite3_bind_int(update, 2, (int)statement->state);
        bind_number(update, 3, (int64_t)statement->applied_seq);
        bind_time(update, 4, statement->applied_at_us);
        bind_time(update, 5, statement->rolled_back_at_us);
        status = statement_run(&journal->writer, update, error);
    }
    if (status == STATUS_OK) {
        require(sqlite3_changes(journal->writer.db) == 1);
    }
    return transaction_note(journal, status);
}

enum status sqlite_append_correction(struct journal *journal,
                                     const struct journal_correction *correction,
                                     struct error *error) {
    enum status status = transaction_failed(journal, error);
    sqlite3_stmt *insert;
    if (status == STATUS_OK) {
        status = connection_statement(&journal->writer, SQL_INSERT_CORRECTION, &insert, error);
    }
    if (status == STATUS_OK) {
        require(correction->first_seq > 0 && correction->first_seq <= INT64_MAX);
        sqlite3_bind_int64(insert, 1 + CORRECTION_COLUMN_FIRST_SEQ, (int64_t)correction->first_seq);
        sqlite3_bind_int64(insert, 1 + CORRECTION_COLUMN_CORRECTED, correction->corrected_count);
        bind_number(insert, 1 + CORRECTION_COLUMN_STATEMENT, correction->statement);
        bind_number(insert, 1 + CORRECTION_COLUMN_LOCATION, correction->location);
        sqlite3_bind_int(insert, 1 + CORRECTION_COLUMN_KIND, (int)correction->kind);
        sqlite3_bind_int64(insert, 1 + CORRECTION_COLUMN_AT, correction->at_us);
        bind_blob(insert, 1 + CORRECTION_COLUMN_PACKED, correction->packed);
        status = statement_run(&journal->writer, insert, error);
    }
    return transaction_note(journal, status);
}

/* ---- reading ---- */

static enum status statement_from(sqlite3_stmt *row, struct arena *arena,
                                  struct journal_statement *out, struct error *error) {
    *out = (struct journal_statement){
        .head =
            {
                .id = (uint32_t)sqlite3_column_int64(row, STATEMENT_COLUMN_ID),
                .location = (uint32_t)sqlite3_column_int64(row, STATEMENT_COLUMN_LOCATION),
                .source = (uint32_t)sqlite3_column_int64(row, STATEMENT_COLUMN_SOURCE),
                .as_of_us = sqlite3_column_int64(row, STATEMENT_COLUMN_AS_OF),
                .names_absent = sqlite3_column_int(row, STATEMENT_COLUMN_NAMES_ABSENT) != 0,
            },
        .reset = column_text(row, STATEMENT_COLUMN_RESET),
        .state = (enum statement_state)sqlite3_column_int(row, STATEMENT_COLUMN_STATE),
        .row_count = (uint32_t)sqlite3_column_int64(row, STATEMENT_COLUMN_ROW_COUNT),
        .applied_seq = (uint64_t)sqlite3_column_int64(row, STATEMENT_COLUMN_APPLIED_SEQ),
        .applied_at_us = column_time(row, STATEMENT_COLUMN_APPLIED_AT),
        .rolled_back_at_us = column_time(row, STATEMENT_COLUMN_ROLLED_BACK_AT),
    };
    if (!read_through(column_text(row, STATEMENT_COLUMN_THROUGH), arena, &out->head)) {
        return error_set(error, STATUS_CORRUPT, "statement %" PRIu32 " has unreadable watermarks",
                         out->head.id);
    }
    return STATUS_OK;
}

static enum status scan_statements(struct connection *connection, uint32_t after,
                                   journal_statement_visitor *visitor, void *context,
                                   struct error *error) {
    sqlite3_stmt *row;
    enum status status = connection_statement(connection, SQL_SCAN_STATEMENTS, &row, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct arena arena = {0};
    sqlite3_bind_int64(row, 1, after);
    for (;;) {
        bool found;
        struct journal_statement statement;
        status = statement_next(connection, row, &found, error);
        if (status == STATUS_OK && found) {
            status = statement_from(row, &arena, &statement, error);
        }
        if (status != STATUS_OK || !found || !visitor(context, &statement)) {
            break;
        }
        arena_reset(&arena);
    }
    sqlite3_reset(row);
    arena_deinit(&arena);
    return status;
}

enum status sqlite_scan_statements(struct journal *journal, uint32_t after,
                                   journal_statement_visitor *visitor, void *context,
                                   struct error *error) {
    struct connection *connection;
    enum status status =
        reader_borrow(journal, journal_in_own_transaction(journal), &connection, error);
    if (status == STATUS_OK) {
        status = scan_statements(connection, after, visitor, context, error);
        reader_return(journal, connection);
    }
    return status;
}

static enum status read_packed(struct connection *connection, uint32_t statement,
                               struct arena *arena, struct text *packed_out, struct error *error) {
    sqlite3_stmt *row;
    enum status status = connection_statement(connection, SQL_READ_PACKED, &row, error);
    if (status != STATUS_OK) {
        return status;
    }
    bool found;
    sqlite3_bind_int64(row, 1, statement);
    status = statement_next(connection, row, &found, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (!found) {
        return error_set(error, STATUS_NOT_FOUND, "there is no statement %" PRIu32, statement);
    }
    *packed_out = arena_copy(arena, column_blob(row, 0));
    sqlite3_reset(row);
    return STATUS_OK;
}

enum status sqlite_read_packed_rows(struct journal *journal, uint32_t statement,
                                    struct arena *arena, struct text *packed_out,
                                    struct error *error) {
    struct connection *connection;
    enum status status =
        reader_borrow(journal, journal_in_own_transaction(journal), &connection, error);
    if (status == STATUS_OK) {
        status = read_packed(connection, statement, arena, packed_out, error);
        reader_return(journal, connection);
    }
    return status;
}

/* All but `packed`, which may be megabytes that nobody asked for. */
static void correction_from(sqlite3_stmt *row, struct journal_correction *out) {
    *out = (struct journal_correction){
        .first_seq = (uint64_t)sqlite3_column_int64(row, CORRECTION_COLUMN_FIRST_SEQ),
        .corrected_count = (uint32_t)sqlite3_column_int64(row, CORRECTION_COLUMN_CORRECTED),
        .statement = (uint32_t)sqlite3_column_int64(row, CORRECTION_COLUMN_STATEMENT),
        .location = (uint32_t)sqlite3_column_int64(row, CORRECTION_COLUMN_LOCATION),
        .kind = (enum ledger_kind)sqlite3_column_int(row, CORRECTION_COLUMN_KIND),
        .at_us = sqlite3_column_int64(row, CORRECTION_COLUMN_AT),
    };
}

static enum status visit_corrections(struct connection *connection, enum sql sql, int64_t argument,
                                     journal_correction_visitor *visitor, void *context,
                                     struct error *error) {
    sqlite3_stmt *row;
    enum status status = connection_statement(connection, sql, &row, error);
    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(row, 1, argument);
    for (;;) {
        bool found;
        status = statement_next(connection, row, &found, error);
        if (status != STATUS_OK || !found) {
            break;
        }
        struct journal_correction correction;
        correction_from(row, &correction);
        correction.packed = column_blob(row, CORRECTION_COLUMN_PACKED);
        if (!visitor(context, &correction)) {
            break;
        }
    }
    sqlite3_reset(row);
    return status;
}

enum status sqlite_scan_corrections(struct journal *journal, uint64_t after,
                                    journal_correction_visitor *visitor, void *context,
                                    struct error *error) {
    if (after > INT64_MAX) {
        return STATUS_OK;
    }
    struct connection *connection;
    enum status status = reader_borrow(journal, false, &connection, error);
    if (status == STATUS_OK) {
        status = visit_corrections(connection, SQL_SCAN_CORRECTIONS, (int64_t)after, visitor,
                                   context, error);
        reader_return(journal, connection);
    }
    return status;
}

enum status sqlite_statement_corrections(struct journal *journal, uint32_t statement,
                                         journal_correction_visitor *visitor, void *context,
                                         struct error *error) {
    struct connection *connection;
    enum status status =
        reader_borrow(journal, journal_in_own_transaction(journal), &connection, error);
    if (status == STATUS_OK) {
        status = visit_corrections(connection, SQL_STATEMENT_CORRECTIONS, statement, visitor,
                                   context, error);
        reader_return(journal, connection);
    }
    return status;
}

static enum status find_correction(struct connection *connection, uint64_t seq, struct arena *arena,
                                   struct journal_correction *out, struct error *error) {
    sqlite3_stmt *row;
    enum status status = connection_statement(connection, SQL_FIND_CORRECTION, &row, error);
    if (status != STATUS_OK) {
        return status;
    }
    bool found;
    sqlite3_bind_int64(row, 1, seq <= INT64_MAX ? (int64_t)seq : INT64_MAX);
    status = statement_next(connection, row, &found, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (found) {
        correction_from(row, out);
        found = seq - out->first_seq <= out->corrected_count;
    }
    if (found) {
        out->packed = arena_copy(arena, column_blob(row, CORRECTION_COLUMN_PACKED));
    } else {
        status = error_set(error, STATUS_NOT_FOUND, "no correction has the number %" PRIu64, seq);
    }
    sqlite3_reset(row);
    return status;
}

enum status sqlite_find_correction(struct journal *journal, bool writer, uint64_t seq,
                                   struct arena *arena, struct journal_correction *correction_out,
                                   struct error *error) {
    struct connection *connection;
    enum status status = reader_borrow(journal, writer, &connection, error);
    if (status == STATUS_OK) {
        status = find_correction(connection, seq, arena, correction_out, error);
        reader_return(journal, connection);
    }
    return status;
}
