/* What the files of the SQLite journal share. None of it leaves this folder.
 *
 * One writer connection, used by the writer thread alone; a pool of read-only connections, each
 * borrowed by one thread at a time; one connection of the WAL's keeper; and one of the file of
 * saved cells. No connection is ever used by two threads at once, so SQLite's own mutexes are off.
 *
 * Invariants: `transaction_thread` is 0 outside of begin ... commit or abort. Rows in `pending` are
 * rows of the open transaction that SQLite does not have yet: whoever reads through the writer
 * connection, and commit, flushes them first. Once `uncertain` is set nothing is written again. */
#ifndef ONHAND_STORE_JOURNAL_SQLITE_INTERNAL_H
#define ONHAND_STORE_JOURNAL_SQLITE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "store/journal_internal.h"
#include "store/saved_cells.h"

#define LEDGER_COLUMNS                                                                             \
    "seq, location, product, previous, type, status, source, id, delta, on_hand, reserved, "       \
    "on_hand_change, reserved_change, occurred_at, received_at, register, sequence, document, "    \
    "\"order\", reason, acknowledges, flags, request"
#define LEDGER_COLUMN_COUNT 23
#define GROUP_COLUMNS "first_seq, row_count, base_at, rows"

#define STATEMENT_COLUMNS                                                                          \
    "id, location, source, as_of, names_absent, through, reset, state, row_count, applied_seq, "   \
    "applied_at, rolled_back_at"
#define CORRECTION_COLUMNS "first_seq, corrected, statement, location, kind, at, packed"

/* Every statement that is run more than once; prepared on first use, one copy per connection.
 * LAST_ROW: groups are newer than all single rows. */
#define SQL_LIST(X)                                                                                \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(BEGIN_READ, "BEGIN")                                                                         \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(INSERT_GROUP, "INSERT OR FAIL INTO ledger_group(" GROUP_COLUMNS ") VALUES (?,?,?,?)")        \
    X(READ_GROUP, "SELECT " GROUP_COLUMNS " FROM ledger_group WHERE first_seq <= ? "               \
                  "ORDER BY first_seq DESC LIMIT 1")                                               \
    X(SCAN_GROUPS,                                                                                 \
      "SELECT " GROUP_COLUMNS " FROM ledger_group WHERE first_seq >= ifnull((SELECT "              \
      "max(first_seq) FROM ledger_group WHERE first_seq <= ?), 0) ORDER BY first_seq")             \
    X(READ_SINGLE, "SELECT " LEDGER_COLUMNS " FROM ledger_single WHERE seq = ?")                   \
    X(SCAN_SINGLES, "SELECT " LEDGER_COLUMNS " FROM ledger_single WHERE seq > ? ORDER BY seq")     \
    X(LAST_ROW,                                                                                    \
      "SELECT max(ifnull((SELECT max(seq) FROM ledger_single), 0), ifnull((SELECT first_seq + "    \
      "row_count - 1 FROM ledger_group ORDER BY first_seq DESC LIMIT 1), 0))")                     \
    X(LAST_CORRECTION,                                                                             \
      "SELECT first_seq + corrected FROM correction ORDER BY first_seq DESC LIMIT 1")              \
    X(LAST_STATEMENT, "SELECT ifnull(max(id), 0) FROM statement")                                  \
    X(INSERT_STATEMENT,                                                                            \
      "INSERT INTO statement(" STATEMENT_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?)")             \
    X(INSERT_PACKED, "INSERT INTO statement_rows(statement, packed) VALUES (?, ?)")                \
    X(UPDATE_STATEMENT, "UPDATE statement SET state = ?2, applied_seq = ?3, applied_at = ?4, "     \
                        "rolled_back_at = ?5 WHERE id = ?1")                                       \
    X(SCAN_STATEMENTS, "SELECT " STATEMENT_COLUMNS " FROM statement WHERE id > ? ORDER BY id")     \
    X(READ_PACKED, "SELECT packed FROM statement_rows WHERE statement = ?")                        \
    X(INSERT_CORRECTION, "INSERT INTO correction(" CORRECTION_COLUMNS ") VALUES (?,?,?,?,?,?,?)")  \
    X(SCAN_CORRECTIONS,                                                                            \
      "SELECT " CORRECTION_COLUMNS " FROM correction WHERE first_seq > ? ORDER BY first_seq")      \
    X(FIND_CORRECTION, "SELECT " CORRECTION_COLUMNS " FROM correction WHERE first_seq <= ? "       \
                       "ORDER BY first_seq DESC LIMIT 1")                                          \
    X(STATEMENT_CORRECTIONS, "SELECT " CORRECTION_COLUMNS " FROM correction WHERE statement = ? "  \
                             "ORDER BY first_seq")                                                 \
    X(INSERT_NAME, "INSERT INTO name(kind, number, name) VALUES (?, ?, ?)")                        \
    X(INSERT_LOCATION, "INSERT INTO location(number, code) VALUES (?, ?)")                         \
    X(INSERT_PRODUCT, "INSERT INTO product(number) VALUES (?)")                                    \
    X(INSERT_IDENTIFIER, "INSERT INTO identifier(product, type, value) VALUES (?, ?, ?)")          \
    X(SCAN_NAMES, "SELECT kind, number, name FROM name ORDER BY kind, number")                     \
    X(SCAN_LOCATIONS, "SELECT number, code FROM location ORDER BY number")                         \
    X(SCAN_PRODUCTS, "SELECT number FROM product ORDER BY number")                                 \
    X(SCAN_IDENTIFIERS, "SELECT product, type, value FROM identifier ORDER BY rowid")              \
    X(PUT_ITEM, "INSERT INTO item(kind, key, value) VALUES (?1, ?2, ?3) "                          \
                "ON CONFLICT(kind, key) DO UPDATE SET value = ?3")                                 \
    X(DELETE_ITEM, "DELETE FROM item WHERE kind = ? AND key = ?")                                  \
    X(GET_ITEM, "SELECT value FROM item WHERE kind = ? AND key = ?")                               \
    X(ITEM_KINDS, "SELECT DISTINCT kind FROM item ORDER BY kind")                                  \
    X(SCAN_ITEMS_UP, "SELECT key, value FROM item WHERE kind = ? AND key > ? ORDER BY key")        \
    X(SCAN_ITEMS_DOWN, "SELECT key, value FROM item WHERE kind = ? AND key < ? ORDER BY key DESC") \
    X(PUT_CHECKPOINT,                                                                              \
      "INSERT INTO checkpoint(kind, key, through_seq, checksum, blob) VALUES (?1, ?2, ?3, ?4, "    \
      "?5) "                                                                                       \
      "ON CONFLICT(kind, key) DO UPDATE SET through_seq = ?3, checksum = ?4, blob = ?5")           \
    X(DELETE_CHECKPOINT, "DELETE FROM checkpoint WHERE kind = ? AND key = ?")                      \
    X(SCAN_CHECKPOINTS, "SELECT key, through_seq, checksum, blob FROM checkpoint WHERE kind = ?")

enum sql {
#define X(name, text) SQL_##name,
    SQL_LIST(X)
#undef X
        SQL_COUNT
};

struct connection {
    sqlite3 *db; /* NULL: not open */
    const char *path;
    struct connection *next; /* in the pool */
    sqlite3_stmt *statements[SQL_COUNT];
};

/* Copies the WAL into the database in the background: see journal_sqlite_wal.c. */
struct wal_keeper {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool running, stopping;
    int frames;    /* in the WAL, as of the last commit */
    int attempted; /* `frames` at the keeper's last attempt */
    int copied;    /* of them, how many are in the database */
    struct connection connection;
    int finish_tried;   /* writer only: `frames` when it last finished a WAL beyond its limit */
    int shared_regions; /* writer only: of the shared-memory index, that have their disk space */
};

/* The group that is being filled: its rows' text, without the closing bracket. */
struct pending_rows {
    uint64_t first_seq, count; /* count 0: none */
    int64_t base_us;
    struct buffer text;
};

struct journal {
    char *directory, *path; /* onhand.db in the directory */
    int lock_fd;            /* -1: read-only, no lock */
    bool read_only, no_sync;
    char ledger_id[33];

    struct connection writer; /* the writer thread's; in a read-only journal not open */
    atomic_uintptr_t transaction_thread;
    enum status failed; /* of the open transaction: the first failure, which commit repeats */
    bool uncertain;     /* a commit failed so that only a restart can tell what happened */
    struct pending_rows pending;

    pthread_mutex_t pool_lock;
    struct connection *pool; /* idle connections for reading */
    size_t pool_count;

    struct wal_keeper keeper;

    struct saved_cells *cells; /* checkpoints, in the directory too */
};

/* For tests: the name of the VFS for everything opened from now on; NULL: SQLite's own. */
void journal_sqlite_use_vfs(const char *name);

/* ---- journal_sqlite_connection.c ---- */
must_check enum status connection_open(struct connection *connection, const char *path, int flags,
                                       struct error *error);
void connection_close(struct connection *connection);
must_check enum status connection_run(struct connection *connection, const char *sql,
                                      struct error *error);
/* The first column of the first row; 0 when there is no row. */
must_check enum status connection_number(struct connection *connection, const char *sql,
                                         int64_t *number_out, struct error *error);
/* What a result code of SQLite's means, outside of COMMIT; with words. */
enum status connection_error(struct connection *connection, int result, struct error *error);
/* Ready to be bound. */
must_check enum status connection_statement(struct connection *connection, enum sql sql,
                                            sqlite3_stmt **statement_out, struct error *error);
/* Runs it to its end and resets it. */
must_check enum status statement_run(struct connection *connection, sqlite3_stmt *statement,
                                     struct error *error);
/* Steps to the next row; false in *row_out and reset when there is none, reset on error too. */
must_check enum status statement_next(struct connection *connection, sqlite3_stmt *statement,
                                      bool *row_out, struct error *error);

/* A connection for reading: the writer's own when `writer`, else one from the pool. */
must_check enum status reader_borrow(struct journal *journal, bool writer,
                                     struct connection **connection_out, struct error *error);
void reader_return(struct journal *journal, struct connection *connection);
/* The caller is the thread that has the transaction open. */
bool journal_in_own_transaction(struct journal *journal);

void bind_number(sqlite3_stmt *statement, int column, int64_t value);       /* 0: NULL */
void bind_time(sqlite3_stmt *statement, int column, int64_t us);            /* NEVER_US: NULL */
void bind_text(sqlite3_stmt *statement, int column, struct text text);      /* borrowed; "": NULL */
void bind_full_text(sqlite3_stmt *statement, int column, struct text text); /* borrowed */
void bind_blob(sqlite3_stmt *statement, int column, struct text bytes);     /* borrowed */
int64_t column_time(sqlite3_stmt *statement, int column);                   /* NULL: NEVER_US */
struct text column_text(sqlite3_stmt *statement, int column); /* until the next step */
struct text column_blob(sqlite3_stmt *statement, int column);

/* ---- journal_sqlite_schema.c ---- */
/* Makes an empty file ours, migrates an older one, refuses foreign and newer ones. */
must_check enum status schema_prepare(struct connection *connection, bool read_only,
                                      struct error *error);
must_check enum status schema_read_ledger_id(struct connection *connection, char ledger_id[33],
                                             struct error *error);
must_check enum status schema_new_ledger_id(struct connection *connection, struct error *error);
#define SCHEMA_APPLICATION_ID 0x4F6E4864 /* "OnHd" */
extern const int schema_version;

/* ---- journal_sqlite_wal.c ---- */
must_check enum status wal_start(struct journal *journal, struct error *error);
void wal_stop(struct journal *journal);
/* Writer: before a transaction begins, lets a WAL beyond its limit start again from its front. */
void wal_before_begin(struct journal *journal);
/* Writer: before COMMIT, makes sure that its index has the disk space it will need. */
must_check enum status wal_before_commit(struct journal *journal, struct error *error);

/* ---- operations, by file ---- */
/* A writing call's frame: STATUS_OK or the failure the transaction already has. */
must_check enum status transaction_failed(struct journal *journal, struct error *error);
/* Remembers a failure, so that commit cannot succeed after it. */
enum status transaction_note(struct journal *journal, enum status status);

/* _ledger.c */
void pending_rows_clear(struct pending_rows *pending);
must_check enum status sqlite_flush_rows(struct journal *journal, struct error *error);
must_check enum status sqlite_append_row(struct journal *journal, const struct journal_row *row,
                                         struct error *error);
must_check enum status sqlite_read_row(struct journal *journal, bool writer, uint64_t seq,
                                       struct arena *arena, struct journal_row *row_out,
                                       struct error *error);
must_check enum status sqlite_scan_rows(struct journal *journal, uint64_t after,
                                        journal_row_visitor *visitor, void *context,
                                        struct error *error);
/* _statements.c */
must_check enum status sqlite_append_statement(struct journal *journal,
                                               const struct journal_statement *statement,
                                               struct text packed_rows, struct error *error);
must_check enum status sqlite_update_statement(struct journal *journal,
                                               const struct journal_statement *statement,
                                               struct error *error);
must_check enum status sqlite_append_correction(struct journal *journal,
                                                const struct journal_correction *correction,
                                                struct error *error);
must_check enum status sqlite_scan_statements(struct journal *journal, uint32_t after,
                                              journal_statement_visitor *visitor, void *context,
                                              struct error *error);
must_check enum status sqlite_read_packed_rows(struct journal *journal, uint32_t statement,
                                               struct arena *arena, struct text *packed_out,
                                               struct error *error);
must_check enum status sqlite_scan_corrections(struct journal *journal, uint64_t after,
                                               journal_correction_visitor *visitor, void *context,
                                               struct error *error);
must_check enum status sqlite_find_correction(struct journal *journal, bool writer, uint64_t seq,
                                              struct arena *arena,
                                              struct journal_correction *correction_out,
                                              struct error *error);
must_check enum status sqlite_statement_corrections(struct journal *journal, uint32_t statement,
                                                    journal_correction_visitor *visitor,
                                                    void *context, struct error *error);
/* _catalog.c */
must_check enum status sqlite_append_name(struct journal *journal, enum name_kind kind,
                                          uint32_t number, struct text name, struct error *error);
must_check enum status sqlite_append_location(struct journal *journal, uint32_t number,
                                              struct text code, struct error *error);
must_check enum status sqlite_append_product(struct journal *journal, uint32_t number,
                                             struct error *error);
must_check enum status sqlite_append_identifier(struct journal *journal, uint32_t product,
                                                const struct identifier *identifier,
                                                struct error *error);
must_check enum status sqlite_scan_catalog(struct journal *journal,
                                           const struct catalog_visitor *visitor,
                                           struct error *error);
must_check enum status sqlite_item_put(struct journal *journal, struct text kind, struct text key,
                                       struct text value, struct error *error);
must_check enum status sqlite_item_delete(struct journal *journal, struct text kind,
                                          struct text key, struct error *error);
must_check enum status sqlite_item_get(struct journal *journal, struct text kind, struct text key,
                                       struct buffer *value, struct error *error);
must_check enum status sqlite_item_kinds(struct journal *journal, journal_kind_visitor *visitor,
                                         void *context, struct error *error);
enum status sqlite_item_scan(struct journal *journal, struct text kind, struct text after,
                             bool newest_first, store_item_visitor *visitor, void *context,
                             struct error *error);
/* _backup.c */
must_check enum status sqlite_backup(struct journal *journal, const char *path,
                                     struct error *error);
/* fsync of what is at `path`, a file or a directory. Never of a database that SQLite has open here:
 * closing it would drop SQLite's locks. */
must_check enum status sync_path(const char *path, struct error *error);
/* Creates an empty file of mode 0600 unless there is one. */
must_check enum status create_private(const char *path, struct error *error);

#endif
