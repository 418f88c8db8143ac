/* Checkpoints: saved cells in a file of their own, which may vanish at any time; see saved_cells.h.
 *
 * It is dropped, not repaired: when it is damaged, when it belongs to another ledger (a backup of
 * an embedded store that was restored has a new identity) or knows more than the ledger does (an
 * older copy of the ledger was put back). Every blob has a checksum, as the file is written without
 * waiting for the disk. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/log.h"
#include "store/journal_sqlite_internal.h"

#define CELLS_VERSION 1
#define CELLS_APPLICATION_ID 0x4F6E4863 /* "OnHc" */
#define CELLS_SCHEMA                                                                               \
    "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;"                                                  \
    "CREATE TABLE meta(ledger_id TEXT, through_seq INTEGER);"                                      \
    "CREATE TABLE checkpoint(rowid INTEGER PRIMARY KEY, kind INTEGER, key INTEGER,"                \
    " through_seq INTEGER, checksum INTEGER, blob BLOB);"                                          \
    "CREATE UNIQUE INDEX checkpoint_key ON checkpoint(kind, key);"                                 \
    "INSERT INTO meta VALUES ('%s', 0);"                                                           \
    "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT"
#define CELLS_PRAGMAS                                                                              \
    "PRAGMA cache_size = -16000; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = "        \
    "16777216"
#define CELLS_AUTOCHECKPOINT_PAGES 1000

struct saved_cells {
    char *path, ledger_id[33];
    bool read_only;
    pthread_mutex_t lock;
    struct connection connection; /* not open: checkpoints are off (read-only, none there) */
    bool changed;                 /* a transaction is open */
    uint64_t through_seq;         /* the highest that was put */
};

static int64_t checksum_of(uint32_t kind, uint64_t key, uint64_t through_seq, struct text blob) {
    XXH64_hash_t seed = (key * 31 + kind) * 31 + through_seq;
    return (int64_t)XXH3_64bits_withSeed(blob.data, blob.length, seed);
}

/* ---- the file ---- */

static enum status remove_file(const char *path, const char *suffix, struct error *error) {
    struct buffer name = {0};
    buffer_append_format(&name, "%s%s", path, suffix);
    enum status status = STATUS_OK;
    if (unlink(name.data) != 0 && errno != ENOENT) {
        status = error_set_errno(error, "removing %s", name.data);
    }
    buffer_deinit(&name);
    return status;
}

static enum status open_connection(struct saved_cells *cells, struct error *error) {
    int flags = cells->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    enum status status = connection_open(&cells->connection, cells->path, flags, error);
    if (status == STATUS_OK) {
        status = connection_run(&cells->connection, CELLS_PRAGMAS, error);
    }
    if (status == STATUS_OK && !cells->read_only) {
        sqlite3_wal_autocheckpoint(cells->connection.db, CELLS_AUTOCHECKPOINT_PAGES);
    }
    return status;
}

/* An empty file in the place of whatever is there. */
static enum status create(struct saved_cells *cells, struct error *error) {
    static const char *const suffixes[] = {"-wal", "-shm", "-journal", ""};
    connection_close(&cells->connection);
    cells->changed = false;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        enum status status = remove_file(cells->path, suffixes[i], error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    enum status status = create_private(cells->path, error);
    if (status == STATUS_OK) {
        status = open_connection(cells, error);
    }
    if (status == STATUS_OK) {
        char sql[1024];
        snprintf(sql, sizeof sql, CELLS_SCHEMA, cells->ledger_id, CELLS_APPLICATION_ID,
                 CELLS_VERSION);
        status = connection_run(&cells->connection, sql, error);
    }
    return status;
}

/* Why what is there cannot be used; NULL: it can. */
static const char *unfit(struct saved_cells *cells, uint64_t last_seq) {
    struct connection *connection = &cells->connection;
    struct error error;
    int64_t application, version, through, ours;
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM meta WHERE ledger_id = '%s'", cells->ledger_id);
    if (connection_number(connection, "PRAGMA application_id", &application, &error) != STATUS_OK ||
        connection_number(connection, "PRAGMA user_version", &version, &error) != STATUS_OK ||
        application != CELLS_APPLICATION_ID || version != CELLS_VERSION) {
        return "unreadable or of another version";
    }
    if (connection_number(connection, sql, &ours, &error) != STATUS_OK || ours != 1) {
        return "of another ledger";
    }
    if (connection_number(connection, "SELECT through_seq FROM meta", &through, &error) !=
            STATUS_OK ||
        (uint64_t)through > last_seq) {
        return "newer than the ledger";
    }
    return NULL;
}

static enum status open_or_create(struct saved_cells *cells, uint64_t last_seq,
                                  struct error *error) {
    bool there = access(cells->path, F_OK) == 0;
    const char *reason = NULL;
    if (there) {
        struct error unused;
        reason =
            open_connection(cells, &unused) == STATUS_OK ? unfit(cells, last_seq) : "unreadable";
        if (reason != NULL) {
            log_warn("saved cells dropped", "path=%s reason=%s", log_quote(text_from(cells->path)),
                     log_quote(text_from(reason)));
        }
    }
    if (there && reason == NULL) {
        return STATUS_OK;
    }
    if (cells->read_only) {
        connection_close(&cells->connection);
        return STATUS_OK;
    }
    return create(cells, error);
}

enum status saved_cells_open(const char *directory, const char *ledger_id, uint64_t last_seq,
                             bool read_only, struct saved_cells **cells_out, struct error *error) {
    struct saved_cells *cells = memory_alloc_zero(1, sizeof *cells);
    struct buffer path = {0};
    buffer_append_format(&path, "%s/onhand-cells.db", directory);
    cells->path = path.data;
    cells->read_only = read_only;
    snprintf(cells->ledger_id, sizeof cells->ledger_id, "%s", ledger_id);
    pthread_mutex_init(&cells->lock, NULL);
    enum status status = open_or_create(cells, last_seq, error);
    if (status != STATUS_OK) {
        saved_cells_close(cells);
        return status;
    }
    *cells_out = cells;
    return STATUS_OK;
}

void saved_cells_close(struct saved_cells *cells) {
    if (cells == NULL) {
        return;
    }
    if (cells->connection.db != NULL && cells->changed) {
        (void)sqlite3_exec(cells->connection.db, "ROLLBACK", NULL, NULL, NULL);
    }
    connection_close(&cells->connection);
    pthread_mutex_destroy(&cells->lock);
    free(cells->path);
    free(cells);
}

const char *saved_cells_path(const struct saved_cells *cells) {
    return cells->path;
}

/* ---- operations ---- */

/* With the lock held: after a failure, what was put since the last sync is not there. */
static enum status give_up(struct saved_cells *cells, enum status status) {
    if (!sqlite3_get_autocommit(cells->connection.db)) {
        (void)sqlite3_exec(cells->connection.db, "ROLLBACK", NULL, NULL, NULL);
    }
    cells->changed = false;
    return status;
}

static enum status open_change(struct saved_cells *cells, enum sql sql,
                               sqlite3_stmt **statement_out, struct error *error) {
    struct connection *connection = &cells->connection;
    require(!cells->read_only);
    if (connection->db == NULL) {
        return error_set(error, STATUS_IO, "%s is not open", cells->path);
    }
    enum status status = STATUS_OK;
    if (!cells->changed) {
        status = connection_run(connection, "BEGIN IMMEDIATE", error);
        cells->changed = status == STATUS_OK;
    }
    return status == STATUS_OK ? connection_statement(connection, sql, statement_out, error)
                               : status;
}

enum status saved_cells_put(struct saved_cells *cells, uint32_t kind, uint64_t key,
                            uint64_t through_seq, struct text blob, struct error *error) {
    sqlite3_stmt *put;
    pthread_mutex_lock(&cells->lock);
    enum status status = open_change(cells, SQL_PUT_CHECKPOINT, &put, error);
    if (status == STATUS_OK) {
        sqlite3_bind_int64(put, 1, kind);
        sqlite3_bind_int64(put, 2, (int64_t)key);
        sqlite3_bind_int64(put, 3, (int64_t)through_seq);
        sqlite3_bind_int64(put, 4, checksum_of(kind, key, through_seq, blob));
        bind_blob(put, 5, blob);
        status = statement_run(&cells->connection, put, error);
    }
    if (status == STATUS_OK && through_seq > cells->through_seq) {
        cells->through_seq = through_seq;
    }
    if (status != STATUS_OK && cells->connection.db != NULL) {
        status = give_up(cells, status);
    }
    pthread_mutex_unlock(&cells->lock);
    return status;
}

enum status saved_cells_delete(struct saved_cells *cells, uint32_t kind, uint64_t key,
                               struct error *error) {
    sqlite3_stmt *delete;
    pthread_mutex_lock(&cells->lock);
    enum status status = open_change(cells, SQL_DELETE_CHECKPOINT, &delete, error);
    if (status == STATUS_OK) {
        sqlite3_bind_int64(delete, 1, kind);
        sqlite3_bind_int64(delete, 2, (int64_t)key);
        status = statement_run(&cells->connection, delete, error);
    }
    if (status != STATUS_OK && cells->connection.db != NULL) {
        status = give_up(cells, status);
    }
    pthread_mutex_unlock(&cells->lock);
    return status;
}

static enum status sync_changes(struct saved_cells *cells, struct error *error) {
    char sql[128];
    snprintf(sql, sizeof sql, "UPDATE meta SET through_seq = max(through_seq, %" PRIu64 ")",
             cells->through_seq);
    enum status status = connection_run(&cells->connection, sql, error);
    if (status == STATUS_OK) {
        status = connection_run(&cells->connection, "COMMIT", error);
    }
    return status;
}

enum status saved_cells_sync(struct saved_cells *cells, struct error *error) {
    enum status status = STATUS_OK;
    pthread_mutex_lock(&cells->lock);
    if (cells->changed) {
        status = sync_changes(cells, error);
        status = give_up(cells, status); /* after a success there is nothing left to undo */
    }
    pthread_mutex_unlock(&cells->lock);
    return status;
}

static enum status scan(struct saved_cells *cells, uint32_t kind,
                        journal_checkpoint_visitor *visitor, void *context, struct error *error) {
    struct connection *connection = &cells->connection;
    sqlite3_stmt *row;
    enum status status = connection_statement(connection, SQL_SCAN_CHECKPOINTS, &row, error);
    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(row, 1, kind);
    for (;;) {
        bool found;
        status = statement_next(connection, row, &found, error);
        if (status != STATUS_OK || !found) {
            break;
        }
        uint64_t key = (uint64_t)sqlite3_column_int64(row, 0);
        uint64_t through_seq = (uint64_t)sqlite3_column_int64(row, 1);
        struct text blob = column_blob(row, 3);
        if (checksum_of(kind, key, through_seq, blob) != sqlite3_column_int64(row, 2)) {
            status = error_set(error, STATUS_CORRUPT, "%s: a torn checkpoint", cells->path);
            break;
        }
        if (!visitor(context, kind, key, through_seq, blob)) {
            break;
        }
    }
    sqlite3_reset(row);
    return status;
}

/* A damaged file is dropped in the middle of the scan, which then ends early: to the engine the
 * rest has vanished, as it may at any time. */
static void drop_damaged(struct saved_cells *cells) {
    struct error error;
    log_warn("saved cells dropped", "path=%s reason=damaged", log_quote(text_from(cells->path)));
    if (cells->read_only || create(cells, &error) != STATUS_OK) {
        connection_close(&cells->connection);
    }
}

enum status saved_cells_scan(struct saved_cells *cells, uint32_t kind,
                             journal_checkpoint_visitor *visitor, void *context,
                             struct error *error) {
    enum status status = STATUS_OK;
    pthread_mutex_lock(&cells->lock);
    if (cells->connection.db != NULL) {
        status = scan(cells, kind, visitor, context, error);
    }
    if (status == STATUS_CORRUPT) {
        drop_damaged(cells);
        status = STATUS_OK;
    }
    pthread_mutex_unlock(&cells->lock);
    return status;
}
