/* The embedded engine: state in memory over a journal on disk.
 *
 * Who may touch what:
 *  - `state` (everything derived) changes only under `lock` held for writing, and only by the
 * writer thread, when it publishes a transaction that is durable (or sweeps). So the writer reads
 * it without the lock, all others hold the lock for reading.
 *  - `transaction` is the writer thread's own.
 * What a transaction says is kept apart in slots until then: nobody sees what is not on disk, and
 * to abort is to forget the slots. */
#ifndef ONHAND_STORE_EMBEDDED_INTERNAL_H
#define ONHAND_STORE_EMBEDDED_INTERNAL_H

#include "store/journal_internal.h"
#include "store/packed.h"
#include "store/state_documents.h"
#include "store/state_keys.h"
#include "store/state_locations.h"
#include "store/state_orders.h"
#include "store/state_statements.h"
#include "store/store_internal.h"
#include "store/unpacked_cache.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- state ---- */
struct state {
    struct locations locations;
    struct keys keys;
    struct orders orders;
    struct documents documents;
    struct statements statements;
    uint64_t last_seq;
    uint64_t key_seed;         /* of all hashes here; kept with the checkpoint */
    int64_t keys_evicted_us;   /* keys of effects before this may be gone; INT64_MIN: none are */
    int64_t *register_evicted; /* by register: highest number that left memory */
    uint32_t register_limit;
};

void state_init(struct state *state);
void state_deinit(struct state *state);
struct document_key state_document_key(const struct state *state, struct text document);
struct order_key state_order_key(const struct state *state, const struct event *event);
uint64_t state_event_hash(const struct state *state, uint32_t source, struct text id);
uint64_t state_memory(const struct state *state);
/* An event's movement, as if pending; its document only where it stands until acknowledged. */
struct pending state_movement(const struct state *state, const struct event *event, uint64_t seq);
/* Keeps it with the movements or the pending ones; nothing where it does not move on-hand. */
void state_add_movement(struct state *state, const struct pending *pending);
void state_note_register(struct state *state, uint32_t register_id, int64_t sequence);
/* What an application or a rollback, numbered first_seq, did to the location of that number. */
void state_apply_changes(struct state *state, uint32_t number, const struct packed_changes *changes,
                         uint64_t first_seq, int64_t at_us);

/* ---- a transaction's slots ---- */
struct slot {
    uint64_t hash;
    struct slot *next; /* of its kind, in order of making; NULL: the last */
};

/* Open addressing of pointers; list in order of making. */
struct slot_table {
    struct slot **slots;
    size_t mask, count;
    struct slot *first, *last;
};

struct cell_slot {
    struct slot slot;
    uint32_t location, product;
    struct cell cell;
    struct cell *home;       /* where it is published; NULL: not made yet */
    int64_t unwritten_milli; /* of on-hand, while an acknowledgement's rows are being written */
    bool dirty;
};

struct order_slot {
    struct slot slot;
    struct order_key key;
    int64_t net_milli;
};

/* An event's (source, id): seen in this transaction. */
struct key_slot {
    struct slot slot;
    uint32_t source;
    struct text id;
    uint64_t seq; /* 0: not written (yet) */
    int64_t effective_at_us;
    uint64_t group; /* the load that saw it last, and its index there */
    uint32_t index;
};

struct acknowledged_slot {
    struct slot slot;
    struct document_key document;
    uint32_t source;
    int64_t at_us, received_at_us;
};

/* A movement written in this transaction. */
struct movement_slot {
    struct slot slot;
    struct pending pending;
};

/* The same, found by its document. */
struct pending_slot {
    struct slot slot;
    const struct movement_slot *movement;
};

struct statement_slot {
    struct slot slot;
    struct journal_statement statement; /* as it will be */
    bool added;
};

/* An applied or rolled back statement. */
struct application {
    struct application *next;
    uint32_t location;
    uint64_t first_seq;
    int64_t at_us;
    struct packed_changes changes;
};

/* What load found out about an event of the group, for write. */
struct group_entry {
    struct cell_slot *cell;
    struct order_slot *order;
    struct key_slot *key;
    uint64_t key_hash;
};

/* Corrections that the transaction came past (embedded_chain.c), sorted by first_seq. It writes
 * events only, so those it knows stay true. */
struct passages {
    struct passage *items;
    size_t count, capacity, bytes;
};

enum transaction_kind { TRANSACTION_ANY, TRANSACTION_EVENTS, TRANSACTION_BOOKS };

struct transaction {
    bool open;
    enum transaction_kind kind;
    struct arena arena;
    uint64_t last_seq;
    uint32_t last_statement;
    uint32_t names[NAME_KIND_COUNT], products, locations;
    struct slot_table cells, orders, keys, acknowledged, pendings, statements;
    struct slot_table movements; /* a list only */
    struct application *applications, **applications_tail;
    struct passages passages;
    uint64_t groups;
    const struct event_slot *group_slots;
    struct group_entry *group;
    size_t group_count;
};

/* ---- the engine ---- */
struct checkpointer; /* checkpoint.c */

struct embedded {
    struct store store; /* first */
    const struct journal_ops *ops;
    struct journal *journal;
    struct store_options options;
    pthread_rwlock_t lock;
    struct state state;
    struct unpacked_cache unpacked; /* of what is committed; it has a lock of its own */
    /* the writer's */
    struct transaction transaction;
    uint32_t last_statement;
    uint32_t names[NAME_KIND_COUNT], products, locations;
    struct arena books_arena; /* what the last load_books lent */
    uint32_t sweep_location;  /* where the sweep of movements stands; 0: none under way */
    int64_t sweep_before_us, swept_before_us;
    uint64_t corrections_unpacked; /* by the writer, on the way to old events */
    /* under the lock */
    uint64_t commits;
    int64_t commit_us_sum;
    uint64_t checkpoint_seq;
    bool checkpoints;             /* the journal has a place for them */
    int64_t applied_monotonic_us; /* when a statement was last applied; 0: not since the start */
    struct checkpointer *checkpointer;
    /* of a shared journal */
    struct store_follower follower;
    _Atomic int64_t looked_monotonic_us; /* the state is what the journal said then, or later */
};

static inline struct embedded *embedded_of(struct store *store) {
    return (struct embedded *)(void *)store;
}

/* Whether this thread is in the store's transaction, and so sees its rows. */
bool embedded_is_writing(const struct embedded *embedded);

/* ---- transaction.c ---- */
void transaction_init(struct transaction *transaction);
void transaction_deinit(struct transaction *transaction);
void transaction_reset(struct transaction *transaction);
/* require()s that the transaction is open and of this kind, or becomes it. */
void transaction_enter(struct transaction *transaction, enum transaction_kind kind);
struct cell_slot *transaction_cell(struct embedded *embedded, uint32_t location, uint32_t product);
struct order_slot *transaction_order(struct embedded *embedded, const struct order_key *key);
struct statement_slot *transaction_statement(struct embedded *embedded, uint32_t id); /* or NULL */
struct slot *slot_first(const struct slot_table *table, uint64_t hash, size_t *at);
struct slot *slot_after(const struct slot_table *table, uint64_t hash, size_t *at);
/* A zeroed slot of `size` in the transaction's arena, in the table. */
void *slot_add(struct transaction *transaction, struct slot_table *table, uint64_t hash,
               size_t size);
/* Makes state of it, under the lock for writing. */
void transaction_publish(struct embedded *embedded);

/* ---- embedded_follow.c ---- */
/* Takes in what others appended, up to the journal's last look. */
must_check enum status embedded_take_in(struct embedded *embedded, struct error *error);
enum status embedded_follow(struct store *store, struct error *error);
void embedded_set_follower(struct store *store, const struct store_follower *follower);
int64_t embedded_age_us(struct store *store);

/* ---- embedded_chain.c ---- */
/* The row of an event that is older than the window, from the head of its cell's rows down; 0: it
 * was never heard. */
must_check enum status embedded_find_in_chain(struct embedded *embedded, const struct event *event,
                                              uint64_t head, uint64_t *seq_out,
                                              struct error *error);
void passages_reset(struct passages *passages);

/* ---- embedded_*.c: the functions of store.h ---- */
enum status embedded_load_events(struct store *store, struct event_slot *slots, size_t count,
                                 struct error *error);
enum status embedded_write_events(struct store *store, struct event_slot *slots, size_t count,
                                  struct error *error);
enum status embedded_load_acknowledgement(struct store *store,
                                          struct acknowledgement *acknowledgement,
                                          struct error *error);
enum status embedded_write_acknowledgement(struct store *store,
                                           struct acknowledgement *acknowledgement,
                                           struct error *error);
enum status embedded_add_statement(struct store *store, struct statement *statement,
                                   struct text reset, enum statement_state state, size_t row_count,
                                   struct text packed, struct error *error);
enum status embedded_set_statement_state(struct store *store, uint32_t statement,
                                         enum statement_state state, struct error *error);
enum status embedded_load_books(struct store *store, const struct statement *statement,
                                struct location_books *books_out, struct error *error);
enum status embedded_write_statement(struct store *store, uint32_t statement,
                                     const struct statement_outcome *outcome, int64_t applied_at_us,
                                     uint64_t *seq_out, struct error *error);
enum status embedded_plan_rollback(struct store *store, uint32_t statement, struct arena *arena,
                                   struct statement_outcome *outcome, struct error *error);
enum status embedded_write_rollback(struct store *store, uint32_t statement,
                                    const struct statement_outcome *outcome, int64_t at_us,
                                    uint64_t *seq_out, struct error *error);
uint64_t embedded_last_seq(struct store *store);
struct cell embedded_cell(struct store *store, uint32_t location, uint32_t product);
const struct statement *embedded_statement(struct store *store, uint32_t id);
size_t embedded_cells(struct store *store, uint32_t location, uint32_t from,
                      struct located_cell *cells_out, size_t room, uint32_t *next_out);
uint32_t embedded_location_limit(struct store *store);
uint32_t embedded_product_limit(struct store *store, uint32_t location);
enum status embedded_read_row(struct store *store, uint64_t seq, struct arena *arena,
                              struct ledger_entry *entry_out, struct error *error);
enum status embedded_history(struct store *store, uint32_t location, uint32_t product,
                             uint64_t before, size_t most, struct arena *arena,
                             struct ledger_entry **entries_out, size_t *count_out,
                             struct error *error);
enum status embedded_cell_history(struct store *store, uint32_t location, uint32_t product,
                                  struct arena *arena, struct cell_history *history_out,
                                  struct error *error);
enum status embedded_statement_info(struct store *store, uint32_t id,
                                    struct statement_info *info_out, struct error *error);
enum status embedded_statement_rows(struct store *store, uint32_t id, struct arena *arena,
                                    struct stated **rows_out, size_t *row_count_out,
                                    uint32_t **excluded_out, size_t *excluded_count_out,
                                    struct cell_change **changes_out, size_t *change_count_out,
                                    struct error *error);
enum status embedded_changes(struct store *store, uint64_t after, size_t most, struct arena *arena,
                             struct change **changes_out, size_t *count_out, struct error *error);
enum status embedded_checkpoint(struct store *store, struct error *error);
enum status embedded_verify(struct store *store, struct arena *arena,
                            struct verify_report *report_out, struct error *error);

/* ---- shared by them ---- */

/* The statement whose absence names a cell that does not exist yet; 0: none. The writer's, or while
 * the store opens. */
must_check enum status embedded_absent_ground(struct embedded *embedded, uint32_t location,
                                              uint32_t product, uint32_t *statement_out,
                                              struct error *error);
/* The same, had the statement `without` never been. */
must_check enum status embedded_absent_ground_without(struct embedded *embedded, uint32_t location,
                                                      uint32_t product, uint32_t without,
                                                      uint32_t *statement_out, struct error *error);
/* Unpacked rows of a statement. */
must_check enum status embedded_read_rows(struct embedded *embedded, uint32_t statement,
                                          struct arena *arena, struct stated **rows_out,
                                          size_t *row_count_out, uint32_t **excluded_out,
                                          size_t *excluded_count_out, struct error *error);
/* ---- embedded_unpacked.c ---- */
struct unpacked_rows { /* of a statement */
    struct stated *rows;
    uint32_t *excluded;
    size_t row_count, excluded_count;
};
struct unpacked_correction {
    struct journal_correction head;
    struct packed_changes changes;
};
void embedded_unpacked_init(struct embedded *embedded);
/* Content: struct unpacked_rows. To be returned to embedded->unpacked, like the next. */
must_check enum status embedded_borrow_rows(struct embedded *embedded, uint32_t statement,
                                            struct unpacked **unpacked_out, struct error *error);
/* Content: struct unpacked_correction. first_seq: of a committed one. */
must_check enum status embedded_borrow_correction(struct embedded *embedded, uint64_t first_seq,
                                                  struct unpacked **unpacked_out,
                                                  struct error *error);

/* Books as memory has them, or from the ledger where memory is not enough; statement NULL: every
 * movement of the location. In *arena, or lent by the state until the next store call. */
must_check enum status embedded_books(struct embedded *embedded, uint32_t location,
                                      const struct statement *statement, struct arena *arena,
                                      struct location_books *books_out, struct error *error);
/* Before another hub's application of the statement (NULL: a rollback) is taken in: what the one
 * that decided it took back into memory, an acknowledgement must find here too. */
must_check enum status embedded_restore_pendings(struct embedded *embedded, uint32_t number,
                                                 const struct statement *statement,
                                                 struct error *error);
int64_t embedded_acknowledged_at(struct embedded *embedded, uint32_t source,
                                 struct document_key document);
/* A row's change of its cell; state of replay and of publishing alike. */
uint32_t seconds_from_us(int64_t us);
/* Entry of a cell's history that a row is. */
struct ledger_entry entry_from_row(const struct journal_row *row);
/* The row is this event's, heard before. */
static inline bool row_is_event(const struct journal_row *row, const struct event *event) {
    return row->type < EVENT_TYPE_COUNT && row->event.source == event->source &&
           text_equal(row->event.id, event->id);
}
/* Row number `product` in sorted rows; NULL. */
const struct stated *stated_find(const struct stated *rows, size_t count, uint32_t product);
bool product_in(const uint32_t *products, size_t count, uint32_t product);

/* Drops a bounded part of what is older than the window. Under the lock for writing. */
void embedded_sweep(struct embedded *embedded);

/* ---- replay.c, checkpoint.c ---- */
/* What of the ledger a checkpoint gave already. */
struct restored {
    uint64_t rows_through; /* keys, movements */
    uint64_t orders_through, documents_through;
    uint64_t *locations_through; /* by location; beyond location_limit: others_through */
    uint32_t location_limit;
    uint64_t others_through;
};
struct checkpoint_meta;
/* What it cannot use it leaves to the ledger; *meta tells what is there. */
must_check enum status checkpoint_restore(struct embedded *embedded, struct checkpoint_meta *meta,
                                          struct restored *restored, struct error *error);
must_check enum status replay(struct embedded *embedded, const struct restored *restored,
                              struct error *error);
/* What others appended, all or up to where it failed: state.last_seq says. Under the lock. */
must_check enum status replay_delta(struct embedded *embedded, const struct journal_delta *delta,
                                    struct error *error);
struct checkpointer *checkpointer_new(struct embedded *embedded);
struct checkpoint_meta *checkpointer_meta(struct checkpointer *checkpointer);
must_check enum status checkpointer_start(struct embedded *embedded, struct error *error);
void checkpointer_finish(struct embedded *embedded); /* stops, after a last checkpoint */
void checkpointer_free(struct checkpointer *checkpointer);

#endif
