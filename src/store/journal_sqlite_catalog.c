/* Names, locations, products with their identifiers, and items.
 *
 * Small tables, read once at start (the catalog) or by key (items). An item's key has no affinity
 * in the schema: it compares bytewise, and after every number and before every blob, which gives
 * the two ends of the range without a special case. */
#include "store/journal_sqlite_internal.h"

static const char *const kind_words[NAME_KIND_COUNT] = {
    [NAME_SOURCE] = "source",
    [NAME_REGISTER] = "register",
};

/* A statement of the open transaction, or its failure. */
static enum status open_statement(struct journal *journal, enum sql sql,
                                  sqlite3_stmt **statement_out, struct error *error) {
    enum status status = transaction_failed(journal, error);
    return status == STATUS_OK ? connection_statement(&journal->writer, sql, statement_out, error)
                               : status;
}

static enum status run_noted(struct journal *journal, sqlite3_stmt *statement,
                             struct error *error) {
    return transaction_note(journal, statement_run(&journal->writer, statement, error));
}

enum status sqlite_append_name(struct journal *journal, enum name_kind kind, uint32_t number,
                               struct text name, struct error *error) {
    require(kind < NAME_KIND_COUNT);
    sqlite3_stmt *insert;
    enum status status = open_statement(journal, SQL_INSERT_NAME, &insert, error);
    if (status != STATUS_OK) {
        return transaction_note(journal, status);
    }
    bind_full_text(insert, 1, text_from(kind_words[kind]));
    bind_number(insert, 2, number);
    bind_full_text(insert, 3, name);
    return run_noted(journal, insert, error);
}

enum status sqlite_append_location(struct journal *journal, uint32_t number, struct text code,
                                   struct error *error) {
    sqlite3_stmt *insert;
    enum status status = open_statement(journal, SQL_INSERT_LOCATION, &insert, error);
    if (status != STATUS_OK) {
        return transaction_note(journal, status);
    }
    bind_number(insert, 1, number);
    bind_full_text(insert, 2, code);
    return run_noted(journal, insert, error);
}

enum status sqlite_append_product(struct journal *journal, uint32_t number, struct error *error) {
    sqlite3_stmt *insert;
    enum status status = open_statement(journal, SQL_INSERT_PRODUCT, &insert, error);
    if (status != STATUS_OK) {
        return transaction_note(journal, status);
    }
    bind_number(insert, 1, number);
    return run_noted(journal, insert, error);
}

enum status sqlite_append_identifier(struct journal *journal, uint32_t product,
                                     const struct identifier *identifier, struct error *error) {
    sqlite3_stmt *insert;
    enum status status = open_statement(journal, SQL_INSERT_IDENTIFIER, &insert, error);
    if (status != STATUS_OK) {
        return transaction_note(journal, status);
    }
    bind_number(insert, 1, product);
    bind_full_text(insert, 2, identifier->type);
    bind_full_text(insert, 3, identifier->value);
    return run_noted(journal, insert, error);
}

enum status sqlite_item_put(struct journal *journal, struct text kind, struct text key,
                            struct text value, struct error *error) {
    sqlite3_stmt *put;
    enum status status = open_statement(journal, SQL_PUT_ITEM, &put, error);
    if (status != STATUS_OK) {
        return transaction_note(journal, status);
    }
    bind_full_text(put, 1, kind);
    bind_full_text(put, 2, key);
    bind_full_text(put, 3, value);
    return run_noted(journal, put, error);
}

enum status sqlite_item_delete(struct journal *journal, struct text kind, struct text key,
                               struct error *error) {
    sqlite3_stmt *delete;
    enum status status = open_statement(journal, SQL_DELETE_ITEM, &delete, error);
    if (status != STATUS_OK) {
        return transaction_note(journal, status);
    }
    bind_full_text(delete, 1, kind);
    bind_full_text(delete, 2, key);
    return run_noted(journal, delete, error);
}

/* ---- reading ---- */

typedef bool row_reader(const struct catalog_visitor *visitor, sqlite3_stmt *row);

static bool read_name(const struct catalog_visitor *visitor, sqlite3_stmt *row) {
    struct text word = column_text(row, 0);
    for (int kind = 0; kind < NAME_KIND_COUNT; kind++) {
        if (text_equal_string(word, kind_words[kind])) {
            visitor->name(visitor->context, (enum name_kind)kind,
                          (uint32_t)sqlite3_column_int64(row, 1), column_text(row, 2));
            return true;
        }
    }
    return false;
}

static bool read_location(const struct catalog_visitor *visitor, sqlite3_stmt *row) {
    visitor->location(visitor->context, (uint32_t)sqlite3_column_int64(row, 0),
                      column_text(row, 1));
    return true;
}

static bool read_product(const struct catalog_visitor *visitor, sqlite3_stmt *row) {
    visitor->product(visitor->context, (uint32_t)sqlite3_column_int64(row, 0));
    return true;
}

static bool read_identifier(const struct catalog_visitor *visitor, sqlite3_stmt *row) {
    struct identifier identifier = {column_text(row, 1), column_text(row, 2)};
    visitor->identifier(visitor->context, (uint32_t)sqlite3_column_int64(row, 0), &identifier);
    return true;
}

static enum status scan_table(struct connection *connection, enum sql sql, row_reader *reader,
                              const struct catalog_visitor *visitor, struct error *error) {
    sqlite3_stmt *row;
    bool found = true;
    enum status status = connection_statement(connection, sql, &row, error);
    while (status == STATUS_OK && found) {
        status = statement_next(connection, row, &found, error);
        if (status == STATUS_OK && found && !reader(visitor, row)) {
            status =
                error_set(error, STATUS_CORRUPT, "%s: a name of an unknown kind", connection->path);
            sqlite3_reset(row);
        }
    }
    return status;
}

/* One read transaction, so that no identifier comes without its product. */
static enum status scan_catalog(struct connection *connection,
                                const struct catalog_visitor *visitor, struct error *error) {
    static const struct {
        enum sql sql;
        row_reader *reader;
    } tables[] = {
        {SQL_SCAN_NAMES, read_name},
        {SQL_SCAN_LOCATIONS, read_location},
        {SQL_SCAN_PRODUCTS, read_product},
        {SQL_SCAN_IDENTIFIERS, read_identifier},
    };
    enum status status = connection_run(connection, "BEGIN", error);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; status == STATUS_OK && i < sizeof tables / sizeof tables[0]; i++) {
        status = scan_table(connection, tables[i].sql, tables[i].reader, visitor, error);
    }
    (void)sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

enum status sqlite_scan_catalog(struct journal *journal, const struct catalog_visitor *visitor,
                                struct error *error) {
    struct connection *connection;
    enum status status = reader_borrow(journal, false, &connection, error);
    if (status == STATUS_OK) {
        status = scan_catalog(connection, visitor, error);
        reader_return(journal, connection);
    }
    return status;
}

static enum status item_get(struct connection *connection, struct text kind, struct text key,
                            struct buffer *value, struct error *error) {
    sqlite3_stmt *row;
    enum status status = connection_statement(connection, SQL_GET_ITEM, &row, error);
    if (status != STATUS_OK) {
        return status;
    }
    bool found;
    bind_full_text(row, 1, kind);
    bind_full_text(row, 2, key);
    status = statement_next(connection, row, &found, error);
    if (status == STATUS_OK && !found) {
        return error_set(error, STATUS_NOT_FOUND, "no %.*s \"%.*s\"", TEXT_ARG(kind),
                         TEXT_ARG(key));
    }
    if (status == STATUS_OK) {
        buffer_clear(value);
        buffer_append_text(value, column_text(row, 0));
        sqlite3_reset(row);
    }
    return status;
}

enum status sqlite_item_get(struct journal *journal, struct text kind, struct text key,
                            struct buffer *value, struct error *error) {
    struct connection *connection;
    enum status status = reader_borrow(journal, false, &connection, error);
    if (status == STATUS_OK) {
        status = item_get(connection, kind, key, value, error);
        reader_return(journal, connection);
    }
    return status;
}

static enum status item_scan(struct connection *connection, struct text kind, struct text after,
                             bool newest_first, store_item_visitor *visitor, void *context,
                             struct error *error) {
    sqlite3_stmt *row;
    enum status status = connection_statement(
        connection, newest_first ? SQL_SCAN_ITEMS_DOWN : SQL_SCAN_ITEMS_UP, &row, error);
    if (status != STATUS_OK) {
        return status;
    }
    bind_full_text(row, 1, kind);
    if (after.length > 0) {
        bind_full_text(row, 2, after);
    } else if (newest_first) {
        bind_blob(row, 2, TEXT(""));
    } else {
        sqlite3_bind_int(row, 2, 0);
    }
    for (;;) {
        bool found;
        status = statement_next(connection, row, &found, error);
        if (status != STATUS_OK || !found ||
            !visitor(context, column_text(row, 0), column_text(row, 1))) {
            break;
        }
    }
    sqlite3_reset(row);
    return status;
}

enum status sqlite_item_scan(struct journal *journal, struct text kind, struct text after,
                             bool newest_first, store_item_visitor *visitor, void *context,
                             struct error *error) {
    struct connection *connection;
    enum status status = reader_borrow(journal, false, &connection, error);
    if (status == STATUS_OK) {
        status = item_scan(connection, kind, after, newest_first, visitor, context, error);
        reader_return(journal, connection);
    }
    return status;
}

static enum status item_kinds(struct connection *connection, journal_kind_visitor *visitor,
                              void *context, struct error *error) {
    sqlite3_stmt *row;
    enum status status = connection_statement(connection, SQL_ITEM_KINDS, &row, error);
    if (status != STATUS_OK) {
        return status;
    }
    for (bool found = true; found;) {
        status = statement_next(connection, row, &found, error);
        found = status == STATUS_OK && found && visitor(context, column_text(row, 0));
    }
    sqlite3_reset(row);
    return status;
}

enum status sqlite_item_kinds(struct journal *journal, journal_kind_visitor *visitor, void *context,
                              struct error *error) {
    struct connection *connection;
    enum status status = reader_borrow(journal, false, &connection, error);
    if (status == STATUS_OK) {
        status = item_kinds(connection, visitor, context, error);
        reader_return(journal, connection);
    }
    return status;
}
