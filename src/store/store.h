/* The store: load these cells, decide in core, commit this batch.
 *
 * The ledger is the truth; everything else here is derived from it and can be rebuilt. An engine
 * (sqlite, memory; PostgreSQL fits) keeps: the catalog's numbers, the append-only ledger, packed
 * statements with what they corrected, small named documents (items), and the cells.
 *
 * Writing: one thread (the hub's writer) opens a transaction, loads and writes groups, commits.
 * Nothing is visible to readers before store_commit returned STATUS_OK, and then it is on disk.
 *   store_begin
 *     store_add_*, store_item_put                            any time
 *     store_load_events -> event_decide ... -> store_write_events      } either of these kinds,
 *     store_load_acknowledgement -> ... -> store_write_acknowledgement } any number, or
 *     store_load_books -> statement_decide -> store_write_statement    } these, each location once
 *     store_plan_rollback -> store_write_rollback                      } in one transaction
 *   store_commit | store_abort
 * Commit answers: STATUS_OK; STATUS_NO_SPACE (nothing written, the store still works for reading
 * and may be tried again); STATUS_RETRY (another hub was quicker: run the whole batch again, load
 * included); STATUS_UNAVAILABLE (the database is away: the sender sends the same again later, as it
 * may or may not have been written; begin answers it too); STATUS_UNCERTAIN and STATUS_IO: the
 * process must end without a further answer; what is on disk decides after the restart.
 *
 * Reading: any thread, any time, sees committed state only. */
#ifndef ONHAND_STORE_STORE_H
#define ONHAND_STORE_STORE_H

#include "base/arena.h"
#include "base/timestamp.h"
#include "core/books.h"

struct store;

struct store_options {
    int64_t dedup_window_us;        /* keys of events younger than this stay in memory */
    int64_t checkpoint_interval_us; /* how often cells are saved; 0: only when asked */
    bool read_only;                 /* verify, inspection: no writing, no checkpoints */
    bool unfinished;                /* opens also what a migration has not finished */
    bool unsafe_no_sync;            /* control runs of durability tests only */
    /* This process's own, which must be there: where a store whose truth is elsewhere (PostgreSQL)
     * saves what it derived from it. NULL: nowhere, every opening reads the whole ledger. */
    const char *directory;
    struct clock clock;
};

void store_options_default(struct store_options *options);

/* `uri`: "sqlite:DIR" (files DIR/onhand.db*), "postgresql://..." as PostgreSQL's own programs take
 * it, which any number of hubs may share, or "memory:" for tests ("memory:NAME" may be opened again
 * in the same process). STATUS_NEWER for a file of a later version, with the two versions in
 * the error; an older one is migrated. */
must_check enum status store_open(const char *uri, const struct store_options *options,
                                  struct store **store_out, struct error *error);
void store_close(struct store *store); /* checkpoints first; NULL is fine */
/* Frees what the closed store "memory:NAME" left in the process; nothing where there is none. */
void store_forget_memory(const char *name);

/* ---- writing (the writer thread only) ---- */
must_check enum status store_begin(struct store *store, struct error *error);
must_check enum status store_commit(struct store *store, struct error *error);
void store_abort(struct store *store);

/* Names: small sets of texts that are many times said (sources, registers). Numbers from 1. */
enum name_kind { NAME_SOURCE, NAME_REGISTER, NAME_KIND_COUNT };
must_check enum status store_add_name(struct store *store, enum name_kind kind, struct text name,
                                      uint32_t *number_out, struct error *error);

struct identifier {
    struct text type, value; /* "sku", "WH09-XL"; type in lower case */
};
/* A product with its identifiers (at least one); a location with its code. Numbers from 1. Found
 * again by the same first identifier or code when another hub was quicker. */
must_check enum status store_add_product(struct store *store, const struct identifier *identifiers,
                                         size_t count, uint32_t *number_out, struct error *error);
must_check enum status store_add_identifier(struct store *store, uint32_t product,
                                            const struct identifier *identifier,
                                            struct error *error);
must_check enum status store_add_location(struct store *store, struct text code,
                                          uint32_t *number_out, struct error *error);

/* Items: named documents of any kind that is not stock: tokens, jobs' states, resets, rejected
 * rows. Keys sort bytewise. */
must_check enum status store_item_put(struct store *store, struct text kind, struct text key,
                                      struct text value, struct error *error);
must_check enum status store_item_delete(struct store *store, struct text kind, struct text key,
                                         struct error *error);

/* One event of a group and everything the store knows about it. */
struct event_slot {
    const struct event *event;  /* in */
    struct event_ground ground; /* out, of load: shared by all slots of one cell */
    uint64_t seen_seq;          /* out: ledger row of the same (source, id); 0: new */
    uint32_t seen_index; /* out: 1 + index of an earlier slot of this group with it; 0: new */
    struct event_outcome outcome; /* in, for write: REJECTED and DUPLICATE are not written */
    uint64_t seq;                 /* out, of write */
    uint64_t request;             /* in: number of the request, kept with the row; 0: none */
};

/* No event of a group but its last may acknowledge a document: an acknowledgement is its own step,
 * so that what follows sees it. */
must_check enum status store_load_events(struct store *store, struct event_slot *slots,
                                         size_t count, struct error *error);
must_check enum status store_write_events(struct store *store, struct event_slot *slots,
                                          size_t count, struct error *error);

/* A pending movement that the acknowledgement speaks of. */
struct acknowledged_cell {
    struct pending_movement pending; /* acknowledged_at_us: by this source, as of now */
    uint32_t location;
    struct cell *cell;                 /* changed in place by the caller */
    const struct statement *statement; /* of the cell; NULL */
    int64_t change_milli;              /* in, for write: 0 writes no row */
};

struct acknowledgement {
    uint32_t source;
    struct text document;
    int64_t acknowledged_at_us, received_at_us;
    bool by_event;       /* an event with `acknowledges` has just been written for it: its row is
                            the record, no row of its own is written; load takes
                            acknowledged_at_us down to received_at_us, as the event's effect */
    bool known;          /* out, of load: the source acknowledged it before */
    int64_t known_at_us; /* out: when; NEVER_US */
    struct acknowledged_cell *cells; /* out: valid until the transaction ends */
    size_t cell_count;
    uint64_t seq; /* out, of write */
};

must_check enum status store_load_acknowledgement(struct store *store,
                                                  struct acknowledgement *acknowledgement,
                                                  struct error *error);
must_check enum status store_write_acknowledgement(struct store *store,
                                                   struct acknowledgement *acknowledgement,
                                                   struct error *error);

/* The rows of a statement as the store keeps them (sorted by product; so are the excluded). Any
 * thread may pack, ahead of time. */
void store_pack_rows(const struct stated *rows, size_t row_count, const uint32_t *excluded,
                     size_t excluded_count, struct buffer *packed);
/* Keeps a statement with its packed rows, without applying it; gives it its number. `statement->id`
 * is filled; `through` is copied. `reset` is the reset it belongs to. */
enum statement_state {
    STATEMENT_HELD,
    STATEMENT_APPLIED,
    STATEMENT_STALE,
    STATEMENT_REJECTED,
    STATEMENT_ROLLED_BACK
};
must_check enum status store_add_statement(struct store *store, struct statement *statement,
                                           struct text reset, enum statement_state state,
                                           size_t row_count, struct text packed,
                                           struct error *error);
must_check enum status store_set_statement_state(struct store *store, uint32_t statement,
                                                 enum statement_state state, struct error *error);

/* The books of statement->location for deciding this statement; valid until the next store call. */
must_check enum status store_load_books(struct store *store, const struct statement *statement,
                                        struct location_books *books_out, struct error *error);
/* Applies: state APPLIED, the cells take their new ground and figures. seq_out: the number of the
 * application itself; the changed cells follow in order of product: seq + 1, seq + 2 ... */
must_check enum status store_write_statement(struct store *store, uint32_t statement,
                                             const struct statement_outcome *outcome,
                                             int64_t applied_at_us, uint64_t *seq_out,
                                             struct error *error);
/* What taking an applied statement out would change: changes are in *arena. Then write it. */
must_check enum status store_plan_rollback(struct store *store, uint32_t statement,
                                           struct arena *arena, struct statement_outcome *outcome,
                                           struct error *error);
must_check enum status store_write_rollback(struct store *store, uint32_t statement,
                                            const struct statement_outcome *outcome, int64_t at_us,
                                            uint64_t *seq_out, struct error *error);

/* ---- reading (any thread) ---- */
struct catalog_visitor {
    void (*name)(void *context, enum name_kind kind, uint32_t number, struct text name);
    void (*product)(void *context, uint32_t number);
    void (*identifier)(void *context, uint32_t product, const struct identifier *identifier);
    void (*location)(void *context, uint32_t number, struct text code);
    void *context;
};
must_check enum status
store_scan_catalog(struct store *store, const struct catalog_visitor *visitor, struct error *error);

/* NOT_FOUND when there is none. The value is copied into *value. */
must_check enum status store_item_get(struct store *store, struct text kind, struct text key,
                                      struct buffer *value, struct error *error);
/* In order of key (newest_first: downward), after `after` (empty: from the end it starts at); the
 * visitor returns false to stop and must not call the store. */
typedef bool store_item_visitor(void *context, struct text key, struct text value);
must_check enum status store_item_scan(struct store *store, struct text kind, struct text after,
                                       bool newest_first, store_item_visitor *visitor,
                                       void *context, struct error *error);

uint64_t store_last_seq(struct store *store);

/* The cell as committed; zeros when it does not exist. */
struct cell store_cell(struct store *store, uint32_t location, uint32_t product);
/* The statement's head by number, alive as long as the store; NULL for 0. */
const struct statement *store_statement(struct store *store, uint32_t id);

/* Copies the existing cells of one location, products from `from` on, at most `room`; returns how
 * many, and where to go on in *next_out (0: no more). A location's reset is seen all or not at all
 * as long as one call covers it. */
struct located_cell {
    uint32_t product;
    struct cell cell;
};
size_t store_cells(struct store *store, uint32_t location, uint32_t from,
                   struct located_cell *cells_out, size_t room, uint32_t *next_out);
uint32_t store_location_limit(struct store *store); /* 1 + highest location with cells */
uint32_t store_product_limit(struct store *store, uint32_t location); /* 1 + highest product */

/* One ledger row by its sequence (texts in *arena); NOT_FOUND for numbers of packed corrections. */
must_check enum status store_read_row(struct store *store, uint64_t seq, struct arena *arena,
                                      struct ledger_entry *entry_out, struct error *error);

/* A cell's history, newest change first, `before` exclusive (0: from the head), at most `most`; in
 * *arena. Corrections by resets are entries too. */
must_check enum status store_history(struct store *store, uint32_t location, uint32_t product,
                                     uint64_t before, size_t most, struct arena *arena,
                                     struct ledger_entry **entries_out, size_t *count_out,
                                     struct error *error);
/* Everything books_figures needs about a cell: all entries and all statements' words. */
must_check enum status store_cell_history(struct store *store, uint32_t location, uint32_t product,
                                          struct arena *arena, struct cell_history *history_out,
                                          struct error *error);

struct statement_info {
    const struct statement *statement;
    struct text reset; /* alive as long as the store */
    enum statement_state state;
    uint32_t row_count;
    uint64_t applied_seq;
    int64_t applied_at_us, rolled_back_at_us; /* NEVER_US */
};
must_check enum status store_statement_info(struct store *store, uint32_t id,
                                            struct statement_info *info_out, struct error *error);
/* The rows as stated (sorted by product), the excluded, and what applying it changed (corrections
 * other than 0; empty when not applied); in *arena. Any out-parameter may be NULL. */
must_check enum status store_statement_rows(struct store *store, uint32_t id, struct arena *arena,
                                            struct stated **rows_out, size_t *row_count_out,
                                            uint32_t **excluded_out, size_t *excluded_count_out,
                                            struct cell_change **changes_out,
                                            size_t *change_count_out, struct error *error);

/* Every change of a cell after `after`, in order of sequence, at most `most`. */
struct change {
    uint64_t seq;
    uint32_t location, product;
    enum ledger_kind kind;
    int64_t on_hand_milli, reserved_milli;
    int64_t at_us;
};
must_check enum status store_changes(struct store *store, uint64_t after, size_t most,
                                     struct arena *arena, struct change **changes_out,
                                     size_t *count_out, struct error *error);

/* ---- several hubs on one store ---- */
/* What others changed, told to this hub: by the writer thread, from within store_begin and
 * store_follow, never inside a transaction's deciding. A change may be told twice. */
struct store_follower {
    struct catalog_visitor catalog; /* its own context; all functions or none */
    /* value NULL: it was deleted */
    void (*item)(void *context, struct text kind, struct text key, const struct text *value);
    void (*changes)(void *context, const struct change *changes, size_t count);
    void *context;
};
/* Before the first store_begin. */
void store_set_follower(struct store *store, const struct store_follower *follower);
/* (writer, outside a transaction) Takes in what others committed; nothing to do where the store is
 * not shared. STATUS_UNAVAILABLE: what is in memory is still good, and of before. */
must_check enum status store_follow(struct store *store, struct error *error);
/* How old what is read from memory may be; -1 where the store is not shared and nothing is old. */
int64_t store_age_us(struct store *store);

/* ---- keeping it well (any thread) ---- */
must_check enum status store_checkpoint(struct store *store, struct error *error);
must_check enum status store_backup(struct store *store, const char *path, struct error *error);

struct verify_report {
    uint64_t cells, rows, statements, differences;
    struct text first; /* words about the first difference, in the caller's arena */
};
/* Rebuilds every cell from the ledger by core/books and compares. */
must_check enum status store_verify(struct store *store, struct arena *arena,
                                    struct verify_report *report_out, struct error *error);

struct store_stats {
    uint64_t last_seq, checkpoint_seq, cells, memory_bytes, disk_bytes, wal_bytes;
    uint64_t keys_in_memory, pending_movements, commits;
    int64_t commit_us_sum; /* time spent in store_commit */
};
void store_stats(struct store *store, struct store_stats *stats_out);

#endif
