/* Connections to SQLite: opening them, their prepared statements, and what their errors mean.
 *
 * The one place that knows SQLite's result codes. Readers borrow a connection from a small pool, so
 * any number of threads may read at once and none waits for the writer. */
#include <errno.h>
#include <stdlib.h>

#include "store/journal_sqlite_internal.h"

#define POOL_MAX 8 /* idle connections kept */
#define BUSY_TIMEOUT_MS 5000
/* Of one reader: enough for the upper levels of every tree; the pages themselves are the kernel's.
 */
#define CONNECTION_PRAGMAS                                                                         \
    "PRAGMA cache_size = -2000; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; "         \
    "PRAGMA secure_delete = OFF"

static const char *const sql_texts[SQL_COUNT] = {
#define X(name, text) [SQL_##name] = (text),
    SQL_LIST(X)
#undef X
};

static const char *vfs_name;
static pthread_once_t configured = PTHREAD_ONCE_INIT;

void journal_sqlite_use_vfs(const char *name) {
    vfs_name = name;
}

/* Its memory statistics cost a mutex per allocation, shared by all threads. Ignored when SQLite is
 * already in use: it is only slower then. */
static void configure_sqlite(void) {
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static bool means_disk_full(struct connection *connection, int result) {
    if ((result & 0xff) == SQLITE_FULL) {
        return true;
    }
    int number = (result & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(connection->db) : 0;
    return number == ENOSPC || number == EDQUOT;
}

enum status connection_error(struct connection *connection, int result, struct error *error) {
    const char *path = connection->path;
    const char *words =
        connection->db != NULL ? sqlite3_errmsg(connection->db) : sqlite3_errstr(result);
    if (means_disk_full(connection, result)) {
        return error_set(error, STATUS_NO_SPACE,
                         "%s: the disk is full: make room and send it again", path);
    }
    switch (result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(error, STATUS_CORRUPT,
                         "%s: damaged or not a database (%s): restore a backup into an empty "
                         "directory, or save its rows with `sqlite3 FILE .recover`",
                         path, words);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(error, STATUS_BUSY, "%s: another program holds it (%s)", path, words);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return error_set(error, STATUS_IO, "%s: %s (code %d)", path, words, result);
    default:
        return error_set(error, STATUS_INTERNAL, "%s: %s (code %d)", path, words, result);
    }
}

enum status connection_open(struct connection *connection, const char *path, int flags,
                            struct error *error) {
    pthread_once(&configured, configure_sqlite);
    *connection = (struct connection){.path = path};
    int result = sqlite3_open_v2(path, &connection->db,
                                 flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs_name);
    if (result != SQLITE_OK) {
        enum status status = connection_error(connection, result, error);
        connection_close(connection);
        return status;
    }
    sqlite3_busy_timeout(connection->db, BUSY_TIMEOUT_MS);
    sqlite3_wal_autocheckpoint(connection->db, 0);
    enum status status = connection_run(connection, CONNECTION_PRAGMAS, error);
    if (status != STATUS_OK) {
        connection_close(connection);
    }
    return status;
}

void connection_close(struct connection *connection) {
    if (connection->db == NULL) {
        return;
    }
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(connection->statements[i]);
        connection->statements[i] = NULL;
    }
    int result = sqlite3_close(connection->db);
    require(result == SQLITE_OK);
    connection->db = NULL;
}

enum status connection_run(struct connection *connection, const char *sql, struct error *error) {
    int result = sqlite3_exec(connection->db, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? STATUS_OK : connection_error(connection, result, error);
}

enum status connection_number(struct connection *connection, const char *sql, int64_t *number_out,
                              struct error *error) {
    sqlite3_stmt *statement;
    *number_out = 0;
    int result = sqlite3_prepare_v2(connection->db, sql, -1, &statement, NULL);
    if (result != SQLITE_OK) {
        return connection_error(connection, result, error);
    }
    bool row;
    enum status status = statement_next(connection, statement, &row, error);
    if (status == STATUS_OK && row) {
        *number_out = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return status;
}

enum status connection_statement(struct connection *connection, enum sql sql,
                                 sqlite3_stmt **statement_out, struct error *error) {
    sqlite3_stmt **cached = &connection->statements[sql];
    if (*cached == NULL) {
        int result = sqlite3_prepare_v3(connection->db, sql_texts[sql], -1,
                                        SQLITE_PREPARE_PERSISTENT, cached, NULL);
        if (result != SQLITE_OK) {
            return connection_error(connection, result, error);
        }
    }
    require(!sqlite3_stmt_busy(*cached)); /* a visitor called back into its own scan */
    *statement_out = *cached;
    return STATUS_OK;
}

enum status statement_run(struct connection *connection, sqlite3_stmt *statement,
                          struct error *error) {
    int result = sqlite3_step(statement);
    enum status status = STATUS_OK;
    if (result != SQLITE_DONE && result != SQLITE_ROW) {
        status = connection_error(connection, result, error);
    }
    sqlite3_reset(statement);
    return status;
}

enum status statement_next(struct connection *connection, sqlite3_stmt *statement, bool *row_out,
                           struct error *error) {
    int result = sqlite3_step(statement);
    *row_out = result == SQLITE_ROW;
    if (result == SQLITE_ROW) {
        return STATUS_OK;
    }
    enum status status =
        result == SQLITE_DONE ? STATUS_OK : connection_error(connection, result, error);
    sqlite3_reset(statement);
    return status;
}

/* ---- who reads through what ---- */

bool journal_in_own_transaction(struct journal *journal) {
    return atomic_load(&journal->transaction_thread) == (uintptr_t)pthread_self();
}

enum status reader_borrow(struct journal *journal, bool writer, struct connection **connection_out,
                          struct error *error) {
    if (writer) {
        require(journal->writer.db != NULL);
        *connection_out = &journal->writer;
        return sqlite_flush_rows(journal, error);
    }
    pthread_mutex_lock(&journal->pool_lock);
    struct connection *connection = journal->pool;
    if (connection != NULL) {
        journal->pool = connection->next;
        journal->pool_count--;
    }
    pthread_mutex_unlock(&journal->pool_lock);
    if (connection == NULL) {
        connection = memory_alloc_zero(1, sizeof *connection);
        enum status status =
            connection_open(connection, journal->path, SQLITE_OPEN_READONLY, error);
        if (status != STATUS_OK) {
            free(connection);
            return status;
        }
    }
    *connection_out = connection;
    return STATUS_OK;
}

void reader_return(struct journal *journal, struct connection *connection) {
    if (connection == &journal->writer) {
        return;
    }
    require(sqlite3_get_autocommit(connection->db));
    pthread_mutex_lock(&journal->pool_lock);
    bool keep = journal->pool_count < POOL_MAX;
    if (keep) {
        connection->next = journal->pool;
        journal->pool = connection;
        journal->pool_count++;
    }
    pthread_mutex_unlock(&journal->pool_lock);
    if (!keep) {
        connection_close(connection);
        free(connection);
    }
}

/* ---- values in and out ---- */
/* Binding borrowed memory to a parameter that exists cannot fail, and a text too long for SQLite is
 * refused by the limits on what comes in; require() holds it. */

void bind_number(sqlite3_stmt *statement, int column, int64_t value) {
    int result = value != 0 ? sqlite3_bind_int64(statement, column, value)
                            : sqlite3_bind_null(statement, column);
    require(result == SQLITE_OK);
}

void bind_time(sqlite3_stmt *statement, int column, int64_t us) {
    int result = us != NEVER_US ? sqlite3_bind_int64(statement, column, us)
                                : sqlite3_bind_null(statement, column);
    require(result == SQLITE_OK);
}

void bind_full_text(sqlite3_stmt *statement, int column, struct text text) {
    const char *data = text.data != NULL ? text.data : "";
    int result =
        sqlite3_bind_text64(statement, column, data, text.length, SQLITE_STATIC, SQLITE_UTF8);
    require(result == SQLITE_OK);
}

void bind_text(sqlite3_stmt *statement, int column, struct text text) {
    if (text.length > 0) {
        bind_full_text(statement, column, text);
    } else {
        require(sqlite3_bind_null(statement, column) == SQLITE_OK);
    }
}

void bind_blob(sqlite3_stmt *statement, int column, struct text bytes) {
    const char *data = bytes.data != NULL ? bytes.data : "";
    int result = sqlite3_bind_blob64(statement, column, data, bytes.length, SQLITE_STATIC);
    require(result == SQLITE_OK);
}

int64_t column_time(sqlite3_stmt *statement, int column) {
    return sqlite3_column_type(statement, column) == SQLITE_NULL
               ? NEVER_US
               : sqlite3_column_int64(statement, column);
}

struct text column_text(sqlite3_stmt *statement, int column) {
    const char *data = (const char *)sqlite3_column_text(statement, column);
    return (struct text){data, data != NULL ? (size_t)sqlite3_column_bytes(statement, column) : 0};
}

struct text column_blob(sqlite3_stmt *statement, int column) {
    const char *data = sqlite3_column_blob(statement, column);
    return (struct text){data, data != NULL ? (size_t)sqlite3_column_bytes(statement, column) : 0};
}
