/* The journal in PostgreSQL: opening, readers' connections, and where in the log what lies.
 *
 * A hub needs one connection to write and follow with and at most READERS_MAX to read the past
 * with; what is in memory is read without any. Derived data is not kept in the database: each hub
 * saves its own in its own directory, where it has one. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "store/journal_postgres_internal.h"

static void lock(struct journal *journal) {
    require(pthread_mutex_lock(&journal->lock) == 0);
}

static void unlock(struct journal *journal) {
    require(pthread_mutex_unlock(&journal->lock) == 0);
}

/* ---- chapters ---- */

struct known journal_known(struct journal *journal) {
    lock(journal);
    struct known known = journal->known;
    unlock(journal);
    return known;
}

struct chapter journal_chapter(struct journal *journal, uint32_t chapter) {
    lock(journal);
    require(chapter < journal->chapter_count);
    struct chapter found = journal->chapters[chapter];
    unlock(journal);
    return found;
}

/* The last chapter that was opened before number `value` was given. */
static uint32_t chapter_with(struct journal *journal, size_t field, uint64_t value) {
    lock(journal);
    uint32_t low = 1, high = journal->chapter_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t opened;
        memcpy(&opened, (const char *)&journal->chapters[middle] + field, sizeof opened);
        if (opened < value)
            low = middle + 1;
        else
            high = middle;
    }
    unlock(journal);
    return low - 1;
}

uint32_t chapter_of_seq(struct journal *journal, uint64_t seq) {
    return chapter_with(journal, offsetof(struct chapter, opened_seq), seq);
}

uint32_t chapter_of_statement(struct journal *journal, uint32_t statement) {
    return chapter_with(journal, offsetof(struct chapter, opened_statement), statement);
}

void journal_note_chapter(struct journal *journal, const struct turn *turn) {
    lock(journal);
    if (turn->chapter == journal->chapter_count) {
        if (journal->chapter_count == journal->chapter_room) {
            journal->chapter_room = 2 * journal->chapter_room + 64;
            journal->chapters =
                memory_grow(journal->chapters, journal->chapter_room * sizeof *journal->chapters);
        }
        journal->chapters[journal->chapter_count++] =
            (struct chapter){turn->opened_batch, turn->opened_seq, turn->opened_statement};
    }
    unlock(journal);
}

/* ---- readers ---- */

#define READERS_AWAY_US (US_PER_SECOND / 2) /* between tries while the server is away */

/* A free one; -1 while the server is away, so that not everybody waits for it in turn. */
static int take_reader(struct journal *journal) {
    int at = -1;
    lock(journal);
    while (at < 0 && monotonic_us() >= journal->readers_away_until_us) {
        for (at = READERS_MAX - 1; at >= 0 && journal->reader_taken[at]; at--) {
        }
        if (at < 0)
            require(pthread_cond_wait(&journal->returned, &journal->lock) == 0);
    }
    if (at >= 0)
        journal->reader_taken[at] = true;
    unlock(journal);
    return at;
}

enum status pg_reader_borrow(struct journal *journal, struct pg_connection **connection_out,
                             struct error *error) {
    int at = take_reader(journal);
    if (at < 0)
        return error_set(error, STATUS_UNAVAILABLE, "PostgreSQL at %s is away",
                         pg_server_name(journal->server));
    enum status status = pg_open(&journal->readers[at], journal->server, error);
    if (status == STATUS_OK) {
        *connection_out = &journal->readers[at];
        return STATUS_OK;
    }
    lock(journal);
    journal->readers_away_until_us = monotonic_us() + READERS_AWAY_US;
    require(pthread_cond_broadcast(&journal->returned) == 0);
    unlock(journal);
    pg_reader_return(journal, &journal->readers[at]);
    return status;
}

void pg_reader_return(struct journal *journal, struct pg_connection *connection) {
    lock(journal);
    journal->reader_taken[connection - journal->readers] = false;
    require(pthread_cond_signal(&journal->returned) == 0);
    unlock(journal);
}

#define READ_ATTEMPTS 3

enum status pg_reader_query(struct journal *journal, enum sql sql,
                            const struct parameters *parameters, PGresult **result_out,
                            struct error *error) {
    enum status status = STATUS_UNAVAILABLE;
    *result_out = NULL;
    for (int attempt = 0; status == STATUS_UNAVAILABLE && attempt < READ_ATTEMPTS; attempt++) {
        struct pg_connection *connection;
        status = pg_reader_borrow(journal, &connection, error);
        if (status != STATUS_OK)
            return status;
        status = pg_query(connection, sql, parameters, result_out, error);
        pg_reader_return(journal, connection);
    }
    return status;
}

/* ---- opening ---- */

static enum status read_turns(struct journal *journal, struct error *error) {
    struct parameters p = {.count = 0};
    parameter_i32(&p, 0);
    PGresult *result;
    enum status status = pg_reader_query(journal, SQL_TURNS, &p, &result, error);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < PQntuples(result) && status == STATUS_OK; i++) {
        if (!turn_from(result, i, &journal->turn) || journal->turn.chapter != (uint32_t)i)
            status = error_set(error, STATUS_CORRUPT, "chapter %d of the log is missing", i);
        else
            journal_note_chapter(journal, &journal->turn);
    }
    if (status == STATUS_OK && journal->chapter_count == 0)
        status = error_set(error, STATUS_CORRUPT, "the log has no first chapter");
    PQclear(result);
    const struct turn *turn = &journal->turn;
    journal->known =
        (struct known){turn->batch, turn->last_seq, turn->last_statement, turn->chapter};
    journal->others_batch = turn->batch;
    return status;
}

static void postgres_close(struct journal *journal) {
    saved_cells_close(journal->cells);
    pg_close(&journal->writer);
    for (size_t i = 0; i < READERS_MAX; i++)
        pg_close(&journal->readers[i]);
    pending_deinit(&journal->pending);
    pg_server_free(journal->server);
    pthread_cond_destroy(&journal->returned);
    pthread_mutex_destroy(&journal->lock);
    free(journal->chapters);
    free(journal);
}

/* ---- checkpoints ---- */

#define LEDGER_ID_BYTES 16
#define LEDGER_ID_SIZE (2 * LEDGER_ID_BYTES + 1) /* as text */

static enum status read_ledger_id(struct journal *journal, char id[LEDGER_ID_SIZE],
                                  struct error *error) {
    struct parameters p = {.count = 0};
    PGresult *result;
    parameter_bytes(&p, TEXT("ledger"));
    parameter_bytes(&p, TEXT("id"));
    enum status status = pg_reader_query(journal, SQL_GET_ITEM, &p, &result, error);
    if (status != STATUS_OK)
        return status;
    struct text value = PQntuples(result) == 1 ? pg_bytes(result, 0, 0) : (struct text){0};
    if (value.length == LEDGER_ID_BYTES)
        hex_encode((const unsigned char *)value.data, LEDGER_ID_BYTES, id);
    else
        status = error_set(error, STATUS_NOT_FOUND, "the database has no id of its ledger");
    PQclear(result);
    return status;
}

/* Drawn once for each database, outside of the log: batch 0 is none that others wait for. */
static enum status draw_ledger_id(struct journal *journal, struct error *error) {
    struct parameters p = {.count = 0};
    unsigned char drawn[LEDGER_ID_BYTES];
    PGresult *result;
    random_bytes(drawn, sizeof drawn);
    parameter_i16(&p, 0);
    parameter_bytes(&p, TEXT("ledger"));
    parameter_bytes(&p, TEXT("id"));
    parameter_bytes(&p, (struct text){(const char *)drawn, sizeof drawn});
    enum status status = pg_reader_query(journal, SQL_ADD_LEDGER_ID, &p, &result, error);
    PQclear(result);
    return status;
}

static enum status find_ledger_id(struct journal *journal, char id[LEDGER_ID_SIZE],
                                  struct error *error) {
    enum status status = read_ledger_id(journal, id, error);
    if (status != STATUS_NOT_FOUND || journal->read_only)
        return status;
    status = draw_ledger_id(journal, error);
    return status == STATUS_OK ? read_ledger_id(journal, id, error) : status;
}

/* A start without them is only longer. */
static void open_cells(struct journal *journal, const char *directory) {
    char id[LEDGER_ID_SIZE];
    struct error error = {0};
    enum status status = find_ledger_id(journal, id, &error);
    if (status == STATUS_OK)
        status = saved_cells_open(directory, id, journal->known.seq, journal->read_only,
                                  &journal->cells, &error);
    if (status != STATUS_OK)
        log_warn("no checkpoints: every start reads the whole ledger", "directory=%s detail=%s",
                 log_quote(text_from(directory)), log_quote(text_from(error.detail)));
}

static bool postgres_keeps_checkpoints(const struct journal *journal) {
    return journal->cells != NULL;
}

static enum status postgres_checkpoint_put(struct journal *journal, uint32_t kind, uint64_t key,
                                           uint64_t through_seq, struct text blob,
                                           struct error *error) {
    if (atomic_load(&journal->went_back))
        return error_set(error, STATUS_CORRUPT, "the database has lost what this hub knows");
    return saved_cells_put(journal->cells, kind, key, through_seq, blob, error);
}

static enum status postgres_checkpoint_delete(struct journal *journal, uint32_t kind, uint64_t key,
                                              struct error *error) {
    return saved_cells_delete(journal->cells, kind, key, error);
}

static enum status postgres_checkpoint_sync(struct journal *journal, struct error *error) {
    return saved_cells_sync(journal->cells, error);
}

static enum status postgres_checkpoint_scan(struct journal *journal, uint32_t kind,
                                            journal_checkpoint_visitor *visitor, void *context,
                                            struct error *error) {
    return saved_cells_scan(journal->cells, kind, visitor, context, error);
}

/* ---- opening and closing ---- */

static enum status postgres_open(const char *location, const struct store_options *options,
                                 struct journal **journal_out, struct error *error) {
    struct journal *journal = memory_alloc_zero(1, sizeof *journal);
    require(pthread_mutex_init(&journal->lock, NULL) == 0);
    require(pthread_cond_init(&journal->returned, NULL) == 0);
    pending_init(&journal->pending);
    journal->read_only = options->read_only;
    random_bytes(journal->hub, sizeof journal->hub);
    enum status status = pg_server_new(location, options->unsafe_no_sync, &journal->server, error);
    if (status == STATUS_OK)
        status = pg_server_prepare_schema(journal->server, options->read_only, error);
    if (status == STATUS_OK)
        status = read_turns(journal, error);
    if (status != STATUS_OK) {
        postgres_close(journal);
        return status;
    }
    if (options->directory != NULL)
        open_cells(journal, options->directory);
    *journal_out = journal;
    return STATUS_OK;
}

static enum status postgres_last_numbers(struct journal *journal, uint64_t *last_seq_out,
                                         uint32_t *last_statement_out, struct error *error) {
    (void)error;
    struct known known = journal_known(journal);
    *last_seq_out = known.seq;
    *last_statement_out = (uint32_t)known.statement;
    return STATUS_OK;
}

/* ---- about itself ---- */

static enum status postgres_backup(struct journal *journal, const char *path, struct error *error) {
    (void)journal, (void)path;
    return error_set(error, STATUS_CONFLICT,
                     "the data is in PostgreSQL: back it up with pgBackRest or pg_basebackup, or "
                     "with pg_dump --schema=onhand");
}

static void postgres_sizes(struct journal *journal, uint64_t *disk_bytes_out,
                           uint64_t *wal_bytes_out) {
    *disk_bytes_out = atomic_load(&journal->disk_bytes);
    *wal_bytes_out = 0;
}

const struct journal_ops journal_postgres = {
    .open = postgres_open,
    .close = postgres_close,
    .last_numbers = postgres_last_numbers,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .abort = postgres_abort,
    .look = postgres_look,
    .catch_up = postgres_catch_up,
    .caught_up = postgres_caught_up,
    .append_row = postgres_append_row,
    .append_statement = postgres_append_statement,
    .update_statement = postgres_update_statement,
    .append_correction = postgres_append_correction,
    .append_name = postgres_append_name,
    .append_location = postgres_append_location,
    .append_product = postgres_append_product,
    .append_identifier = postgres_append_identifier,
    .item_put = postgres_item_put,
    .item_delete = postgres_item_delete,
    .scan_catalog = postgres_scan_catalog,
    .item_get = postgres_item_get,
    .item_scan = postgres_item_scan,
    .item_kinds = postgres_item_kinds,
    .read_row = postgres_read_row,
    .scan_rows = postgres_scan_rows,
    .scan_statements = postgres_scan_statements,
    .read_packed_rows = postgres_read_packed_rows,
    .scan_corrections = postgres_scan_corrections,
    .find_correction = postgres_find_correction,
    .statement_corrections = postgres_statement_corrections,
    .keeps_checkpoints = postgres_keeps_checkpoints,
    .checkpoint_put = postgres_checkpoint_put,
    .checkpoint_delete = postgres_checkpoint_delete,
    .checkpoint_sync = postgres_checkpoint_sync,
    .checkpoint_scan = postgres_checkpoint_scan,
    .backup = postgres_backup,
    .sizes = postgres_sizes,
};
