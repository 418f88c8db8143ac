/* Inside the journal in PostgreSQL: connections, turns, and what a transaction has to say.
 *
 * Several hubs keep one log. It is cut into chapters, each wholly in one bucket (`bkt`), and each
 * with a row in `turn` that carries the numbers given so far. Whoever holds the lock on that row
 * has the turn: it first takes in what others wrote since it looked last, then decides, then
 * writes with the next batch number. So numbers have no gaps and are the same on every hub.
 *
 * A transaction's writing waits in memory (struct pending) until commit and goes out as one
 * pipeline. A commit that failed can therefore be said again, as long as nobody else has had the
 * turn; and whether a commit that was never answered took place is told by the row in `writer`,
 * which each hub signs with the number of its batch. */
#ifndef ONHAND_STORE_JOURNAL_POSTGRES_INTERNAL_H
#define ONHAND_STORE_JOURNAL_POSTGRES_INTERNAL_H

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>

#include "store/journal_internal.h"
#include "store/journal_postgres_sql.h"
#include "store/saved_cells.h"

#define BUCKETS 64u
#define READERS_MAX 4u
#define HUB_ID_SIZE 16

enum sql {
#define X(name, text) SQL_##name,
    SQL_LIST(X)
#undef X
        SQL_COUNT
};

/* ---- connections ---- */

/* What has to be done about a failure. */
enum failure {
    FAILURE_NONE,
    FAILURE_AGAIN,    /* the server said so: roll back and say it again */
    FAILURE_LOST,     /* the connection is gone, or said nothing in time */
    FAILURE_FULL,     /* no room on the server's disk */
    FAILURE_PERMANENT /* it would be refused again */
};

struct pg_connection {
    PGconn *conn; /* NULL: none */
    enum failure failure;
    char sqlstate[6];
};

/* Arguments of one statement, all in binary. Texts are not copied. */
#define PARAMETERS_MAX 20
struct parameters {
    const char *values[PARAMETERS_MAX];
    int lengths[PARAMETERS_MAX];
    int count;
    char room[PARAMETERS_MAX][8];
};

void parameter_i16(struct parameters *parameters, int16_t value);
void parameter_i32(struct parameters *parameters, int32_t value);
void parameter_i64(struct parameters *parameters, int64_t value);
void parameter_bool(struct parameters *parameters, bool value);
void parameter_bytes(struct parameters *parameters, struct text value); /* never NULL */
void parameter_null(struct parameters *parameters);
void parameter_time(struct parameters *parameters, int64_t at_us); /* NULL for NEVER_US */

/* An array in binary, for unnest. */
enum element { ELEMENT_I32 = 23, ELEMENT_I64 = 20, ELEMENT_BYTES = 17 };
struct array {
    struct buffer bytes;
    uint32_t count;
};
void array_clear(struct array *array, enum element element);
void array_add_i32(struct array *array, int32_t value);
void array_add_i64(struct array *array, int64_t value);
void array_add_bytes(struct array *array, const struct text *value); /* NULL is NULL */
void parameter_array(struct parameters *parameters, struct array *array);

int32_t pg_i32(const PGresult *result, int row, int column);
int64_t pg_i64(const PGresult *result, int row, int column);
bool pg_bool(const PGresult *result, int row, int column);
struct text pg_bytes(const PGresult *result, int row, int column);
int64_t pg_time(const PGresult *result, int row, int column); /* NEVER_US for NULL */

struct pg_server; /* where the server is */
must_check enum status pg_server_new(const char *uri, bool unsafe_no_sync,
                                     struct pg_server **server_out, struct error *error);
void pg_server_free(struct pg_server *server);
const char *pg_server_name(const struct pg_server *server); /* host and database, no secrets */

/* Without what a hub prepares, for plain texts (pg_ask); close it whatever comes of it. */
must_check enum status pg_connect(struct pg_connection *connection, const struct pg_server *server,
                                  struct error *error);
/* The answer, in text, is the caller's to clear in any case. */
must_check enum status pg_ask(struct pg_connection *connection, const char *text,
                              PGresult **result_out, struct error *error);
/* Opens it unless it is open. */
must_check enum status pg_open(struct pg_connection *connection, const struct pg_server *server,
                               struct error *error);
void pg_close(struct pg_connection *connection);
/* Queues a statement or a plain command of the pipeline; what fails is told by pg_sync. */
void pg_send(struct pg_connection *connection, enum sql sql, const struct parameters *parameters);
void pg_send_command(struct pg_connection *connection, const char *command);
/* Sends what is queued and waits for `count` answers; results[i] may be NULL where it failed, and
 * are the caller's to clear in any case. connection->failure tells why. */
must_check enum status pg_sync(struct pg_connection *connection, PGresult **results, size_t count,
                               struct error *error);
/* One statement by itself. */
must_check enum status pg_query(struct pg_connection *connection, enum sql sql,
                                const struct parameters *parameters, PGresult **result_out,
                                struct error *error);
/* A text of several statements, without arguments, on a connection of its own. */
must_check enum status pg_server_prepare_schema(struct pg_server *server, bool read_only,
                                                struct error *error);
enum status failure_status(const struct pg_connection *connection);

/* ---- what a transaction writes ---- */

struct pending_group {
    uint64_t first_seq;
    uint32_t count;
    int64_t base_us;
    size_t from, length; /* in pending.text */
};

struct pending_statement {
    struct pending_statement *next;
    struct journal_statement statement;
    struct text packed;
};

struct pending_state {
    struct pending_state *next;
    uint32_t statement;
    enum statement_state state;
    uint64_t applied_seq;
    int64_t applied_at_us, rolled_back_at_us;
};

struct pending_correction {
    struct pending_correction *next;
    struct journal_correction correction;
};

struct pending_item {
    struct pending_item *next;
    struct text kind, key, value;
    bool deleted, replaced;
};

struct pending {
    struct arena arena;
    struct buffer text;
    struct pending_group *groups;
    size_t group_count, group_room;
    bool group_open;
    struct pending_statement *statements, **statements_tail;
    struct pending_state *states, **states_tail;
    struct pending_correction *corrections, **corrections_tail;
    struct pending_item *items, **items_tail;
    struct array name_places, name_kinds, name_numbers, name_words, name_values;
    struct array first_seqs, row_counts, bases, entries; /* while they are sent */
    struct array item_kinds, item_keys, item_values;
};

void pending_init(struct pending *pending);
void pending_deinit(struct pending *pending);
void pending_clear(struct pending *pending);

/* ---- turns ---- */

/* A row of `turn`: how far its chapter is. */
struct turn {
    uint32_t chapter;
    uint64_t opened_batch, opened_seq, opened_statement;
    bool closed;
    unsigned char hub[HUB_ID_SIZE]; /* who wrote last */
    uint64_t batch, last_seq, last_statement;
    /* the last batches, or number, with something of the kind: what need not be asked for */
    uint64_t name_batch, item_batch, statement_batch, correction_seq;
};

static inline int16_t chapter_bucket(uint32_t chapter) {
    return (int16_t)(chapter % BUCKETS);
}

struct chapter {
    uint64_t opened_batch, opened_seq, opened_statement;
};

/* How far this hub has taken the log in. */
struct known {
    uint64_t batch, seq, statement;
    uint32_t chapter;
};

struct journal {
    struct pg_server *server;
    bool read_only;
    struct saved_cells *cells; /* in the hub's own directory; NULL: it keeps no checkpoints */
    atomic_bool went_back;     /* what is in memory is not what the database says */
    unsigned char hub[HUB_ID_SIZE];
    /* the writer's */
    struct pg_connection writer;
    bool in_transaction;
    struct turn turn;      /* as last read; of `known.chapter` or a later one */
    uint64_t others_batch; /* names, documents and statements' states are known through this */
    struct pending pending;
    int64_t away_until_us; /* monotonic: no connection is tried before */
    unsigned failures;
    char away[256]; /* why */
    /* readers' */
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t returned;
    struct pg_connection readers[READERS_MAX];
    int64_t readers_away_until_us;
    _Atomic uint64_t disk_bytes; /* as of the last time it was asked */
    int64_t sized_at_us;         /* the writer's: when that was */
    bool reader_taken[READERS_MAX];
    struct known known;
    struct chapter *chapters; /* by number */
    uint32_t chapter_count, chapter_room;
};

/* A reader's connection; waits for one. */
must_check enum status pg_reader_borrow(struct journal *journal,
                                        struct pg_connection **connection_out, struct error *error);
void pg_reader_return(struct journal *journal, struct pg_connection *connection);
/* Borrows, asks and returns; asks once more on a new connection where the old one was lost. */
must_check enum status pg_reader_query(struct journal *journal, enum sql sql,
                                       const struct parameters *parameters, PGresult **result_out,
                                       struct error *error);

struct known journal_known(struct journal *journal);
/* The chapter in which a number, a batch or a statement lies. */
uint32_t chapter_of_seq(struct journal *journal, uint64_t seq);
uint32_t chapter_of_statement(struct journal *journal, uint32_t statement);
struct chapter journal_chapter(struct journal *journal, uint32_t chapter);
void journal_note_chapter(struct journal *journal, const struct turn *turn);
/* This thread is in its transaction, and so sees its rows. */
bool journal_is_mine(const struct journal *journal);

/* ---- the operations, by file ---- */
enum status postgres_begin(struct journal *journal, struct error *error);
enum status postgres_commit(struct journal *journal, struct error *error);
void postgres_abort(struct journal *journal);
enum status postgres_look(struct journal *journal, struct error *error);
enum status postgres_catch_up(struct journal *journal, uint64_t after_seq,
                              struct journal_delta *delta, struct error *error);
void postgres_caught_up(struct journal *journal, const struct journal_delta *delta);
bool turn_from(const PGresult *result, int row, struct turn *turn);

enum status postgres_append_row(struct journal *journal, const struct journal_row *row,
                                struct error *error);
enum status postgres_read_row(struct journal *journal, bool writer, uint64_t seq,
                              struct arena *arena, struct journal_row *row_out,
                              struct error *error);
enum status postgres_scan_rows(struct journal *journal, uint64_t after,
                               journal_row_visitor *visitor, void *context, struct error *error);
/* Rows of the group after `after`, its texts in *arena. */
enum status group_rows(const PGresult *result, int row, uint64_t after, struct arena *arena,
                       journal_row_visitor *visitor, void *context, bool *stopped_out,
                       struct error *error);

enum status postgres_append_statement(struct journal *journal,
                                      const struct journal_statement *statement,
                                      struct text packed_rows, struct error *error);
enum status postgres_update_statement(struct journal *journal,
                                      const struct journal_statement *statement,
                                      struct error *error);
enum status postgres_append_correction(struct journal *journal,
                                       const struct journal_correction *correction,
                                       struct error *error);
enum status postgres_scan_statements(struct journal *journal, uint32_t after,
                                     journal_statement_visitor *visitor, void *context,
                                     struct error *error);
enum status postgres_read_packed_rows(struct journal *journal, uint32_t statement,
                                      struct arena *arena, struct text *packed_out,
                                      struct error *error);
enum status postgres_scan_corrections(struct journal *journal, uint64_t after,
                                      journal_correction_visitor *visitor, void *context,
                                      struct error *error);
enum status postgres_find_correction(struct journal *journal, bool writer, uint64_t seq,
                                     struct arena *arena, struct journal_correction *correction_out,
                                     struct error *error);
enum status postgres_statement_corrections(struct journal *journal, uint32_t statement,
                                           journal_correction_visitor *visitor, void *context,
                                           struct error *error);
void correction_from(const PGresult *result, int row, struct journal_correction *out);
enum status statement_from(const PGresult *result, int row, struct arena *arena,
                           struct journal_statement *out, struct error *error);
void state_from(const PGresult *result, int row, struct journal_statement *statement);
/* Statements' words as they are sent. */
void write_through(const struct statement *head, struct buffer *out);

enum status postgres_append_name(struct journal *journal, enum name_kind kind, uint32_t number,
                                 struct text name, struct error *error);
enum status postgres_append_location(struct journal *journal, uint32_t number, struct text code,
                                     struct error *error);
enum status postgres_append_product(struct journal *journal, uint32_t number, struct error *error);
enum status postgres_append_identifier(struct journal *journal, uint32_t product,
                                       const struct identifier *identifier, struct error *error);
enum status postgres_item_put(struct journal *journal, struct text kind, struct text key,
                              struct text value, struct error *error);
enum status postgres_item_delete(struct journal *journal, struct text kind, struct text key,
                                 struct error *error);
enum status postgres_scan_catalog(struct journal *journal, const struct catalog_visitor *visitor,
                                  struct error *error);
enum status postgres_item_get(struct journal *journal, struct text kind, struct text key,
                              struct buffer *value, struct error *error);
enum status postgres_item_kinds(struct journal *journal, journal_kind_visitor *visitor,
                                void *context, struct error *error);
enum status postgres_item_scan(struct journal *journal, struct text kind, struct text after,
                               bool newest_first, store_item_visitor *visitor, void *context,
                               struct error *error);
/* Names of batches after `after` up to `through`, all in the chapter, in order. */
enum status postgres_scan_names(struct journal *journal, uint32_t chapter, uint64_t after,
                                uint64_t through,
                                void (*visit)(void *context, const struct journal_name *name),
                                void *context, struct error *error);

#endif
