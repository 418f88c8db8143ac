/* The journal in SQLite: opening and closing it, and its transactions.
 *
 * onhand.db is the truth, in WAL mode with synchronous=FULL: one fdatasync per commit, and nothing
 * is answered before it. onhand-cells.db is derived (saved_cells.c). One hub at a
 * time has the directory, by a lock on onhand.lock; readers of other processes may look on. The
 * rules of failure: no room is told and undone; a failed commit that may or may not be on disk is
 * STATUS_UNCERTAIN, and then nothing is written any more, as only a restart can tell. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/journal_sqlite_internal.h"

/* Of the writer: room for the pages of a big batch before they go to the log. */
#define WRITER_PRAGMAS "PRAGMA cache_size = -16000"

/* ---- opening ---- */

static char *path_in(const char *directory, const char *name) {
    struct buffer path = {0};
    buffer_append_format(&path, "%s/%s", directory, name);
    return path.data;
}

/* Whose lock it is, as far as the file says. */
static enum status refuse_lock(int fd, const char *directory, struct error *error) {
    char pid[32] = "unknown";
    ssize_t length = pread(fd, pid, sizeof pid - 1, 0);
    if (length > 0) {
        pid[length] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
    }
    return error_set(error, STATUS_CONFLICT,
                     "%s is in use by another hub (process %s): stop it first, or give this one "
                     "another directory",
                     directory, pid);
}

static enum status take_lock(struct journal *journal, struct error *error) {
    char *path = path_in(journal->directory, "onhand.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum status status = STATUS_OK;
    if (fd < 0) {
        status = error_set_errno(error, "opening %s", path);
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        status = errno == EWOULDBLOCK ? refuse_lock(fd, journal->directory, error)
                                      : error_set_errno(error, "locking %s", path);
        close(fd);
    } else {
        char pid[32];
        int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
        /* only words for a message: a full disk must not keep the hub from starting */
        if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)length, 0) != length) {
            log_debug("no process id in the lock file", "path=%s", log_quote(text_from(path)));
        }
        journal->lock_fd = fd;
    }
    free(path);
    return status;
}

static enum status make_directory(const char *directory, struct error *error) {
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        return error_set_errno(error, "creating the directory %s", directory);
    }
    return STATUS_OK;
}

static enum status set_durability(struct journal *journal, struct error *error) {
    int64_t level;
    int wanted = journal->no_sync ? 0 : 2;
    enum status status = connection_run(&journal->writer,
                                        wanted == 0 ? "PRAGMA synchronous = OFF; " WRITER_PRAGMAS
                                                    : "PRAGMA synchronous = FULL; " WRITER_PRAGMAS,
                                        error);
    if (status == STATUS_OK) {
        status = connection_number(&journal->writer, "PRAGMA synchronous", &level, error);
    }
    require(status != STATUS_OK || level == wanted);
    return status;
}

static enum status set_wal_mode(struct journal *journal, struct error *error) {
    sqlite3_stmt *statement;
    struct connection *writer = &journal->writer;
    int result = sqlite3_prepare_v2(writer->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
    if (result != SQLITE_OK) {
        return connection_error(writer, result, error);
    }
    bool row;
    enum status status = statement_next(writer, statement, &row, error);
    if (status == STATUS_OK && (!row || !text_equal_string(column_text(statement, 0), "wal"))) {
        status = error_set(error, STATUS_IO,
                           "%s: this file system cannot share memory between processes, which the "
                           "write-ahead log needs: use a local disk",
                           journal->path);
    }
    sqlite3_finalize(statement);
    return status;
}

/* What an earlier process left in the log may be in the system's cache and not on disk, if its last
 * sync failed: copying it into the database and syncing makes it sure before anyone builds on it.
 */
static enum status settle_log(struct journal *journal, struct error *error) {
    int result =
        sqlite3_wal_checkpoint_v2(journal->writer.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (result != SQLITE_OK && result != SQLITE_BUSY) {
        enum status status = connection_error(&journal->writer, result, error);
        if (status != STATUS_NO_SPACE) { /* reading must go on; writing will say it again */
            return status;
        }
    }
    if (journal->no_sync) {
        return STATUS_OK;
    }
    struct buffer wal = {0};
    buffer_append_format(&wal, "%s-wal", journal->path);
    enum status status = STATUS_OK;
    if (access(wal.data, F_OK) == 0) {
        status = sync_path(wal.data, error);
    }
    buffer_deinit(&wal);
    return status == STATUS_OK ? sync_path(journal->directory, error) : status;
}

static enum status open_writer(struct journal *journal, struct error *error) {
    enum status status = make_directory(journal->directory, error);
    if (status == STATUS_OK) {
        status = take_lock(journal, error);
    }
    if (status == STATUS_OK) {
        status = create_private(journal->path, error);
    }
    if (status == STATUS_OK) {
        status = connection_open(&journal->writer, journal->path, SQLITE_OPEN_READWRITE, error);
    }
    if (status == STATUS_OK) {
        status = schema_prepare(&journal->writer, false, error);
    }
    if (status == STATUS_OK) {
        status = set_wal_mode(journal, error);
    }
    if (status == STATUS_OK) {
        status = set_durability(journal, error);
    }
    if (status == STATUS_OK) {
        status = settle_log(journal, error);
    }
    if (status == STATUS_OK) {
        status = schema_read_ledger_id(&journal->writer, journal->ledger_id, error);
    }
    return status;
}

static enum status open_read_only(struct journal *journal, struct error *error) {
    if (access(journal->path, F_OK) != 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no %s", journal->path);
    }
    struct connection *connection;
    enum status status = reader_borrow(journal, false, &connection, error);
    if (status != STATUS_OK) {
        return status;
    }
    status = schema_prepare(connection, true, error);
    if (status == STATUS_OK) {
        status = schema_read_ledger_id(connection, journal->ledger_id, error);
    }
    reader_return(journal, connection);
    return status;
}

static void close_pool(struct journal *journal) {
    while (journal->pool != NULL) {
        struct connection *connection = journal->pool;
        journal->pool = connection->next;
        connection_close(connection);
        free(connection);
    }
    journal->pool_count = 0;
}

static void sqlite_abort(struct journal *journal);

static void sqlite_close(struct journal *journal) {
    if (journal == NULL) {
        return;
    }
    sqlite_abort(journal);
    wal_stop(journal);
    saved_cells_close(journal->cells);
    close_pool(journal);
    if (journal->writer.db != NULL && journal->uncertain) {
        /* leave the files as they are: the next start decides */
        sqlite3_db_config(journal->writer.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    connection_close(&journal->writer);
    if (journal->lock_fd >= 0) {
        close(journal->lock_fd);
    }
    pthread_mutex_destroy(&journal->pool_lock);
    buffer_deinit(&journal->pending.text);
    free(journal->directory);
    free(journal->path);
    free(journal);
}

static enum status sqlite_last_numbers(struct journal *journal, uint64_t *last_seq_out,
                                       uint32_t *last_statement_out, struct error *error) {
    static const enum sql sqls[] = {SQL_LAST_ROW, SQL_LAST_CORRECTION, SQL_LAST_STATEMENT};
    int64_t numbers[3] = {0};
    struct connection *connection;
    enum status status = reader_borrow(journal, false, &connection, error);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; status == STATUS_OK && i < 3; i++) {
        sqlite3_stmt *statement;
        bool row = false;
        status = connection_statement(connection, sqls[i], &statement, error);
        if (status == STATUS_OK) {
            status = statement_next(connection, statement, &row, error);
        }
        if (row) {
            numbers[i] = sqlite3_column_int64(statement, 0);
            sqlite3_reset(statement);
        }
    }
    reader_return(journal, connection);
    *last_seq_out = (uint64_t)(numbers[0] > numbers[1] ? numbers[0] : numbers[1]);
    *last_statement_out = (uint32_t)numbers[2];
    return status;
}

static enum status open_cells(struct journal *journal, struct error *error) {
    uint64_t last_seq;
    uint32_t last_statement;
    enum status status = sqlite_last_numbers(journal, &last_seq, &last_statement, error);
    if (status != STATUS_OK) {
        return status;
    }
    return saved_cells_open(journal->directory, journal->ledger_id, last_seq, journal->read_only,
                            &journal->cells, error);
}

static enum status sqlite_open(const char *location, const struct store_options *options,
                               struct journal **journal_out, struct error *error) {
    struct journal *journal = memory_alloc_zero(1, sizeof *journal);
    struct buffer directory = {0};
    buffer_append_string(&directory, location[0] != '\0' ? location : ".");
    journal->directory = directory.data;
    journal->path = path_in(directory.data, "onhand.db");
    journal->lock_fd = -1;
    journal->read_only = options->read_only;
    journal->no_sync = options->unsafe_no_sync;
    pthread_mutex_init(&journal->pool_lock, NULL);
    enum status status =
        journal->read_only ? open_read_only(journal, error) : open_writer(journal, error);
    if (status == STATUS_OK) {
        status = open_cells(journal, error);
    }
    if (status == STATUS_OK && !journal->read_only) {
        status = wal_start(journal, error);
    }
    if (status != STATUS_OK) {
        sqlite_close(journal);
        return status;
    }
    *journal_out = journal;
    return STATUS_OK;
}

/* ---- transactions ---- */

enum status transaction_failed(struct journal *journal, struct error *error) {
    require(journal_in_own_transaction(journal));
    if (journal->failed != STATUS_OK) {
        return error_set(error, journal->failed, "the transaction has failed already");
    }
    return STATUS_OK;
}

enum status transaction_note(struct journal *journal, enum status status) {
    if (status != STATUS_OK && journal->failed == STATUS_OK) {
        journal->failed = status;
    }
    return status;
}

static enum status sqlite_begin(struct journal *journal, struct error *error) {
    require(!journal->read_only && atomic_load(&journal->transaction_thread) == 0);
    if (journal->uncertain) {
        return error_set(error, STATUS_UNCERTAIN,
                         "%s: an earlier commit failed: only a restart can tell what is on disk",
                         journal->path);
    }
    wal_before_begin(journal);
    sqlite3_stmt *begin;
    enum status status = connection_statement(&journal->writer, SQL_BEGIN, &begin, error);
    if (status == STATUS_OK) {
        status = statement_run(&journal->writer, begin, error);
    }
    if (status == STATUS_OK) {
        journal->failed = STATUS_OK;
        atomic_store(&journal->transaction_thread, (uintptr_t)pthread_self());
    }
    return status;
}

static void sqlite_abort(struct journal *journal) {
    if (atomic_load(&journal->transaction_thread) == 0) {
        return;
    }
    pending_rows_clear(&journal->pending);
    /* SQLite itself has rolled back after some errors */
    if (!sqlite3_get_autocommit(journal->writer.db)) {
        (void)sqlite3_exec(journal->writer.db, "ROLLBACK", NULL, NULL, NULL);
    }
    atomic_store(&journal->transaction_thread, 0);
}

/* COMMIT writes the log and syncs it. A write refused for want of space comes before the page that
 * makes the transaction valid, so it is surely not there; after any other failure nobody knows. */
static enum status commit_error(struct journal *journal, int result, struct error *error) {
    struct connection *writer = &journal->writer;
    int primary = result & 0xff;
    bool quota = result == SQLITE_IOERR_WRITE && sqlite3_system_errno(writer->db) == EDQUOT;
    if (primary == SQLITE_FULL || primary == SQLITE_BUSY || quota) {
        return connection_error(writer, result, error);
    }
    journal->uncertain = true;
    return error_set(error, STATUS_UNCERTAIN, "%s: the commit failed: %s (code %d)", writer->path,
                     sqlite3_errmsg(writer->db), result);
}

static enum status run_commit(struct journal *journal, struct error *error) {
    sqlite3_stmt *commit;
    enum status status = connection_statement(&journal->writer, SQL_COMMIT, &commit, error);
    if (status != STATUS_OK) {
        return status;
    }
    int result = sqlite3_step(commit);
    if (result != SQLITE_DONE) {
        status = commit_error(journal, result, error);
    }
    sqlite3_reset(commit);
    return status;
}

static enum status sqlite_commit(struct journal *journal, struct error *error) {
    enum status status = transaction_failed(journal, error);
    if (status == STATUS_OK) {
        status = sqlite_flush_rows(journal, error);
    }
    if (status == STATUS_OK) {
        status = wal_before_commit(journal, error);
    }
    if (status == STATUS_OK) {
        status = run_commit(journal, error);
    }
    sqlite_abort(journal); /* after a success there is nothing left to undo */
    return status;
}

/* ---- checkpoints ---- */

static enum status sqlite_checkpoint_put(struct journal *journal, uint32_t kind, uint64_t key,
                                         uint64_t through_seq, struct text blob,
                                         struct error *error) {
    return saved_cells_put(journal->cells, kind, key, through_seq, blob, error);
}

static enum status sqlite_checkpoint_delete(struct journal *journal, uint32_t kind, uint64_t key,
                                            struct error *error) {
    return saved_cells_delete(journal->cells, kind, key, error);
}

static enum status sqlite_checkpoint_sync(struct journal *journal, struct error *error) {
    return saved_cells_sync(journal->cells, error);
}

static enum status sqlite_checkpoint_scan(struct journal *journal, uint32_t kind,
                                          journal_checkpoint_visitor *visitor, void *context,
                                          struct error *error) {
    return saved_cells_scan(journal->cells, kind, visitor, context, error);
}

/* ---- sizes ---- */

static uint64_t size_of(const char *path, const char *suffix) {
    struct buffer name = {0};
    struct stat information;
    buffer_append_format(&name, "%s%s", path, suffix);
    uint64_t size = stat(name.data, &information) == 0 ? (uint64_t)information.st_size : 0;
    buffer_deinit(&name);
    return size;
}

static void sqlite_sizes(struct journal *journal, uint64_t *disk_bytes_out,
                         uint64_t *wal_bytes_out) {
    *wal_bytes_out = size_of(journal->path, "-wal");
    *disk_bytes_out = size_of(journal->path, "") + *wal_bytes_out +
                      size_of(saved_cells_path(journal->cells), "") +
                      size_of(saved_cells_path(journal->cells), "-wal");
}

const struct journal_ops journal_sqlite = {
    .open = sqlite_open,
    .close = sqlite_close,
    .last_numbers = sqlite_last_numbers,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .abort = sqlite_abort,
    .append_row = sqlite_append_row,
    .append_statement = sqlite_append_statement,
    .update_statement = sqlite_update_statement,
    .append_correction = sqlite_append_correction,
    .append_name = sqlite_append_name,
    .append_location = sqlite_append_location,
    .append_product = sqlite_append_product,
    .append_identifier = sqlite_append_identifier,
    .item_put = sqlite_item_put,
    .item_delete = sqlite_item_delete,
    .scan_catalog = sqlite_scan_catalog,
    .item_get = sqlite_item_get,
    .item_scan = sqlite_item_scan,
    .item_kinds = sqlite_item_kinds,
    .read_row = sqlite_read_row,
    .scan_rows = sqlite_scan_rows,
    .scan_statements = sqlite_scan_statements,
    .read_packed_rows = sqlite_read_packed_rows,
    .scan_corrections = sqlite_scan_corrections,
    .find_correction = sqlite_find_correction,
    .statement_corrections = sqlite_statement_corrections,
    .checkpoint_put = sqlite_checkpoint_put,
    .checkpoint_delete = sqlite_checkpoint_delete,
    .checkpoint_sync = sqlite_checkpoint_sync,
    .checkpoint_scan = sqlite_checkpoint_scan,
    .backup = sqlite_backup,
    .sizes = sqlite_sizes,
};
