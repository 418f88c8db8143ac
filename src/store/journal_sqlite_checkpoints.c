/* Checkpoints: saved cells in a file of their own, onhand-cells.db, which may vanish at any time.
 *
 * It is apart from the ledger so that the truth stays small and its commits never wait for derived
 * data. It is dropped, not repaired: when it is damaged, when it belongs to another ledger (a
 * restored backup has a new identity) or knows more than the ledger does (an older copy of the
 * ledger was put back). Every blob has a checksum, as the file is written without waiting for the
 * disk. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
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

static enum status open_connection(struct journal *journal, struct error *error) {
    int flags = journal->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    enum status status = connection_open(&journal->cells, journal->cells_path, flags, error);
    if (status == STATUS_OK) {
        status = connection_run(&journal->cells, CELLS_PRAGMAS, error);
    }
    if (status == STATUS_OK && !journal->read_only) {
        sqlite3_wal_autocheckpoint(journal->cells.db, CELLS_AUTOCHECKPOINT_PAGES);
    }
    return status;
}

/* An empty file in the place of whatever is there. */
static enum status create(struct journal *journal, struct error *error) {
    static const char *const suffixes[] = {"-wal", "-shm", "-journal", ""};
    connection_close(&journal->cells);
    journal->cells_changed = false;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        enum status status = remove_file(journal->cells_path, suffixes[i], error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    enum status status = create_private(journal->cells_path, error);
    if (status == STATUS_OK) {
        status = open_connection(journal, error);
    }
    if (status == STATUS_OK) {
        char sql[1024];
        snprintf(sql, sizeof sql, CELLS_SCHEMA, journal->ledger_id, CELLS_APPLICATION_ID,
                 CELLS_VERSION);
        status = connection_run(&journal->cells, sql, error);
    }
    return status;
}

/* Why what is there cannot be used; NULL: it can. */
static const char *unfit(struct journal *journal, int64_t last_seq) {
    struct connection *cells = &journal->cells;
    struct error error;
    int64_t application, version, through, ours;
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM meta WHERE ledger_id = '%s'",
             journal->ledger_id);
    if (connection_number(cells, "PRAGMA application_id", &application, &error) != STATUS_OK ||
        connection_number(cells, "PRAGMA user_version", &version, &error) != STATUS_OK ||
        application != CELLS_APPLICATION_ID || version != CELLS_VERSION) {
        return "unreadable or of another version";
    }
    if (connection_number(cells, sql, &ours, &error) != STATUS_OK || ours != 1) {
        return "of another ledger";
    }
    if (connection_number(cells, "SELECT through_seq FROM meta", &through, &error) != STATUS_OK ||
        through > last_seq) {
        return "newer than the ledger";
    }
    return NULL;
}

static enum status last_seq_of(struct journal *journal, int64_t *last_out, struct error *error) {
    int64_t row = 0, correction = 0;
    struct connection *connection;
    enum status status = reader_borrow(journal, false, &connection, error);
    if (status != STATUS_OK) {
        return status;
    }
    status = connection_number(connection, LAST_ROW_QUERY, &row, error);
    if (status == STATUS_OK) {
        status = connection_number(connection,
                                   "SELECT first_seq + corrected FROM correction "
                                   "ORDER BY first_seq DESC LIMIT 1",
                                   &correction, error);
    }
    reader_return(journal, connection);
    *last_out = row > correction ? row : correction;
    return status;
}

enum status cells_open(struct journal *journal, struct error *error) {
    int64_t last_seq;
    enum status status = last_seq_of(journal, &last_seq, error);
    if (status != STATUS_OK) {
        return status;
    }
    bool there = access(journal->cells_path, F_OK) == 0;
    const char *reason = NULL;
    if (there) {
        struct error unused;
        reason = open_connection(journal, &unused) == STATUS_OK ? unfit(journal, last_seq)
                                                                : "unreadable";
        if (reason != NULL) {
            log_warn("saved cells dropped", "path=%s reason=%s",
                     log_quote(text_from(journal->cells_path)), log_quote(text_from(reason)));
        }
    }
    if (there && reason == NULL) {
        return STATUS_OK;
    }
    if (journal->read_only) {
        connection_close(&journal->cells);
        return STATUS_OK;
    }
    return create(journal, error);
}

void cells_close(struct journal *journal) {
    if (journal->cells.db != NULL && journal->cells_changed) {
        (void)sqlite3_exec(journal->cells.db, "ROLLBACK", NULL, NULL, NULL);
    }
    connection_close(&journal->cells);
}

/* ---- operations ---- */

/* With the lock held: after a failure, what was put since the last sync is not there. */
static enum status give_up(struct journal *journal, enum status status) {
    if (!sqlite3_get_autocommit(journal->cells.db)) {
        (void)sqlite3_exec(journal->cells.db, "ROLLBACK", NULL, NULL, NULL);
    }
    journal->cells_changed = false;
    return status;
}

static enum status open_change(struct journal *journal, enum sql sql, sqlite3_stmt **statement_out,
                               struct error *error) {
    struct connection *cells = &journal->cells;
    require(!journal->read_only);
    if (cells->db == NULL) {
        return error_set(error, STATUS_IO, "%s is not open", journal->cells_path);
    }
    enum status status = STATUS_OK;
    if (!journal->cells_changed) {
        status = connection_run(cells, "BEGIN IMMEDIATE", error);
        journal->cells_changed = status == STATUS_OK;
    }
    return status == STATUS_OK ? connection_statement(cells, sql, statement_out, error) : status;
}

enum status sqlite_checkpoint_put(struct journal *journal, uint32_t kind, uint64_t key,
                                  uint64_t through_seq, struct text blob, struct error *error) {
    sqlite3_stmt *put;
    pthread_mutex_lock(&journal->cells_lock);
    enum status status = open_change(journal, SQL_PUT_CHECKPOINT, &put, error);
    if (status == STATUS_OK) {
        sqlite3_bind_int64(put, 1, kind);
        sqlite3_bind_int64(put, 2, (int64_t)key);
        sqlite3_bind_int64(put, 3, (int64_t)through_seq);
        sqlite3_bind_int64(put, 4, checksum_of(kind, key, through_seq, blob));
        bind_blob(put, 5, blob);
        status = statement_run(&journal->cells, put, error);
    }
    if (status == STATUS_OK && through_seq > journal->cells_through_seq) {
        journal->cells_through_seq = through_seq;
    }
    if (status != STATUS_OK && journal->cells.db != NULL) {
        status = give_up(journal, status);
    }
    pthread_mutex_unlock(&journal->cells_lock);
    return status;
}

enum status sqlite_checkpoint_delete(struct journal *journal, uint32_t kind, uint64_t key,
                                     struct error *error) {
    sqlite3_stmt *delete;
    pthread_mutex_lock(&journal->cells_lock);
    enum status status = open_change(journal, SQL_DELETE_CHECKPOINT, &delete, error);
    if (status == STATUS_OK) {
        sqlite3_bind_int64(delete, 1, kind);
        sqlite3_bind_int64(delete, 2, (int64_t)key);
        status = statement_run(&journal->cells, delete, error);
    }
    if (status != STATUS_OK && journal->cells.db != NULL) {
        status = give_up(journal, status);
    }
    pthread_mutex_unlock(&journal->cells_lock);
    return status;
}

static enum status sync_changes(struct journal *journal, struct error *error) {
    char sql[128];
    snprintf(sql, sizeof sql, "UPDATE meta SET through_seq = max(through_seq, %" PRIu64 ")",
             journal->cells_through_seq);
    enum status status = connection_run(&journal->cells, sql, error);
    if (status == STATUS_OK) {
        status = connection_run(&journal->cells, "COMMIT", error);
    }
    return status;
}

enum status sqlite_checkpoint_sync(struct journal *journal, struct error *error) {
    enum status status = STATUS_OK;
    pthread_mutex_lock(&journal->cells_lock);
    if (journal->cells_changed) {
        status = sync_changes(journal, error);
        status = give_up(journal, status); /* after a success there is nothing left to undo */
    }
    pthread_mutex_unlock(&journal->cells_lock);
    return status;
}

static enum status scan(struct journal *journal, uint32_t kind, journal_checkpoint_visitor *visitor,
                        void *context, struct error *error) {
    struct connection *cells = &journal->cells;
    sqlite3_stmt *row;
    enum status status = connection_statement(cells, SQL_SCAN_CHECKPOINTS, &row, error);
    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(row, 1, kind);
    for (;;) {
        bool found;
        status = statement_next(cells, row, &found, error);
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
static void drop_damaged(struct journal *journal) {
    struct error error;
    log_warn("saved cells dropped", "path=%s reason=damaged",
             log_quote(text_from(journal->cells_path)));
    if (journal->read_only || create(journal, &error) != STATUS_OK) {
        connection_close(&journal->cells);
    }
}

enum status sqlite_checkpoint_scan(struct journal *journal, uint32_t kind,
                                   journal_checkpoint_visitor *visitor, void *context,
                                   struct error *error) {
    enum status status = STATUS_OK;
    pthread_mutex_lock(&journal->cells_lock);
    if (journal->cells.db != NULL) {
        status = scan(journal, kind, visitor, context, error);
    }
    if (status == STATUS_CORRUPT) {
        drop_damaged(journal);
        status = STATUS_OK;
    }
    pthread_mutex_unlock(&journal->cells_lock);
    return status;
}
