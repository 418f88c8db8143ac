/* The journal: what an embedded engine keeps on disk, and nothing else.
 *
 * The embedded engine (embedded.c) is two halves. State (state_*.c) is everything derived: cells,
 * keys, movements, open orders; it lives in memory and knows no disk. The journal is the truth:
 * ledger rows, packed statements and corrections, names, items; it knows no rule. journal_sqlite.c
 * keeps it in SQLite, journal_memory.c in vectors for tests and simulations, journal_postgres.c in
 * PostgreSQL, where several hubs append to one journal in turns.
 *
 * Writing calls come from the writer thread between begin and commit. Reading calls may come from
 * any thread; those marked (writer) may also be made inside a transaction and then see its rows.
 * Texts and arrays that come out are copied into the given arena. All numbers (seq, ids) are
 * assigned by embedded.c, so both journals hold the same truth to the letter. */
#ifndef ONHAND_STORE_JOURNAL_INTERNAL_H
#define ONHAND_STORE_JOURNAL_INTERNAL_H

#include "store/store.h"

/* A ledger row: an event, an acknowledgement, or the effect of an acknowledgement on a cell. */
enum row_type_extra {
    /* row.type below EVENT_TYPE_COUNT is an event of that type */
    ROW_ACKNOWLEDGEMENT = 100,       /* location 0: source acknowledged document at occurred_at */
    ROW_ACKNOWLEDGEMENT_EFFECT = 101 /* on-hand of a cell moved by it */
};

struct journal_row {
    uint64_t seq, previous;
    int type;
    enum outcome_status status;
    struct event event; /* all fields as far as they apply; texts empty where not */
    int64_t on_hand_change_milli, reserved_change_milli;
    int64_t on_hand_milli, reserved_milli; /* after */
    uint64_t request;
};

struct journal_statement {
    struct statement head; /* through: in the arena */
    struct text reset;
    enum statement_state state;
    uint32_t row_count;
    uint64_t applied_seq;
    int64_t applied_at_us, rolled_back_at_us; /* NEVER_US */
};

/* An application or a rollback of a statement: occupies the sequence numbers first_seq (itself) and
 * first_seq + 1 ... + corrected_count (the changed cells, in order of product). `packed` is opaque
 * to the journal (packed.h). */
struct journal_correction {
    uint64_t first_seq;
    uint32_t corrected_count;
    uint32_t statement, location;
    enum ledger_kind kind; /* LEDGER_RESET or LEDGER_ROLLBACK */
    int64_t at_us;
    struct text packed;
};

typedef bool journal_row_visitor(void *context, const struct journal_row *row);
typedef bool journal_kind_visitor(void *context, struct text kind);
typedef bool journal_statement_visitor(void *context, const struct journal_statement *statement);
typedef bool journal_correction_visitor(void *context, const struct journal_correction *correction);
/* through_seq: every row up to and with it is in the blob. */
typedef bool journal_checkpoint_visitor(void *context, uint32_t kind, uint64_t key,
                                        uint64_t through_seq, struct text blob);

/* What others appended, for a hub that shares its journal: everything after a position, in order.
 * Taken in more than once it changes nothing the second time. */
enum journal_name_kind {
    JOURNAL_SOURCE, /* as enum name_kind */
    JOURNAL_REGISTER,
    JOURNAL_LOCATION,
    JOURNAL_PRODUCT,
    JOURNAL_IDENTIFIER /* of product `number` */
};

struct journal_name {
    enum journal_name_kind kind;
    uint32_t number;
    struct text type, value;
};

struct journal_item {
    struct text kind, key, value;
    bool deleted;
};

struct journal_delta {
    struct arena arena; /* of all below */
    struct journal_row *rows;
    struct journal_correction *corrections;
    struct journal_statement *statements; /* new ones, in the state they were accepted in */
    struct journal_statement *states;     /* of known or new ones: id, state, numbers and times */
    struct journal_name *names;
    struct journal_item *items;
    size_t row_count, correction_count, statement_count, state_count, name_count, item_count;
    uint64_t through_seq; /* the last number that rows and corrections reach */
    bool more;            /* there is another part behind it */
};

struct journal;

struct journal_ops {
    /* Opens or creates; migrates. Fills *last_seq_out with the highest sequence number in use. */
    enum status (*open)(const char *location, const struct store_options *options,
                        struct journal **journal_out, struct error *error);
    void (*close)(struct journal *journal);
    enum status (*last_numbers)(struct journal *journal, uint64_t *last_seq_out,
                                uint32_t *last_statement_out, struct error *error);

    enum status (*begin)(struct journal *journal, struct error *error);
    enum status (*commit)(struct journal *journal, struct error *error);
    void (*abort)(struct journal *journal);

    /* ---- sharing: only where several hubs keep one journal, else NULL ---- */
    /* (writer) Sees whether others appended; outside a transaction (begin does it too). */
    enum status (*look)(struct journal *journal, struct error *error);
    /* (writer) The next part of what others appended behind number after_seq, up to the last look;
     * the delta is empty and zeroed before. */
    enum status (*catch_up)(struct journal *journal, uint64_t after_seq,
                            struct journal_delta *delta, struct error *error);
    /* (writer) It has been taken in. */
    void (*caught_up)(struct journal *journal, const struct journal_delta *delta);

    /* ---- writing ---- */
    enum status (*append_row)(struct journal *journal, const struct journal_row *row,
                              struct error *error);
    /* rows and excluded are packed (packed.h), opaque here */
    enum status (*append_statement)(struct journal *journal,
                                    const struct journal_statement *statement,
                                    struct text packed_rows, struct error *error);
    /* state, applied_seq, applied_at_us, rolled_back_at_us of statement->head.id */
    enum status (*update_statement)(struct journal *journal,
                                    const struct journal_statement *statement, struct error *error);
    enum status (*append_correction)(struct journal *journal,
                                     const struct journal_correction *correction,
                                     struct error *error);
    enum status (*append_name)(struct journal *journal, enum name_kind kind, uint32_t number,
                               struct text name, struct error *error);
    enum status (*append_location)(struct journal *journal, uint32_t number, struct text code,
                                   struct error *error);
    enum status (*append_product)(struct journal *journal, uint32_t number, struct error *error);
    enum status (*append_identifier)(struct journal *journal, uint32_t product,
                                     const struct identifier *identifier, struct error *error);
    enum status (*item_put)(struct journal *journal, struct text kind, struct text key,
                            struct text value, struct error *error);
    enum status (*item_delete)(struct journal *journal, struct text kind, struct text key,
                               struct error *error);

    /* ---- reading ---- */
    enum status (*scan_catalog)(struct journal *journal, const struct catalog_visitor *visitor,
                                struct error *error);
    enum status (*item_get)(struct journal *journal, struct text kind, struct text key,
                            struct buffer *value, struct error *error);
    enum status (*item_scan)(struct journal *journal, struct text kind, struct text after,
                             bool newest_first, store_item_visitor *visitor, void *context,
                             struct error *error);
    /* Kinds of items that there may be, in order; only where a store can be migrated, else NULL. */
    enum status (*item_kinds)(struct journal *journal, journal_kind_visitor *visitor, void *context,
                              struct error *error);
    /* (writer) `writer` says the call is the writer's, inside its transaction. NOT_FOUND if none.
     */
    enum status (*read_row)(struct journal *journal, bool writer, uint64_t seq, struct arena *arena,
                            struct journal_row *row_out, struct error *error);
    /* Rows with seq > after in order; the row's texts live only during the visit. */
    enum status (*scan_rows)(struct journal *journal, uint64_t after, journal_row_visitor *visitor,
                             void *context, struct error *error);
    enum status (*scan_statements)(struct journal *journal, uint32_t after,
                                   journal_statement_visitor *visitor, void *context,
                                   struct error *error);
    enum status (*read_packed_rows)(struct journal *journal, uint32_t statement,
                                    struct arena *arena, struct text *packed_out,
                                    struct error *error);
    enum status (*scan_corrections)(struct journal *journal, uint64_t after,
                                    journal_correction_visitor *visitor, void *context,
                                    struct error *error);
    /* (writer) The correction whose numbers include seq; NOT_FOUND if none does. */
    enum status (*find_correction)(struct journal *journal, bool writer, uint64_t seq,
                                   struct arena *arena, struct journal_correction *correction_out,
                                   struct error *error);
    /* (writer) Those of one statement, in order. */
    enum status (*statement_corrections)(struct journal *journal, uint32_t statement,
                                         journal_correction_visitor *visitor, void *context,
                                         struct error *error);

    /* ---- checkpoints: derived data, apart from the truth, may vanish at any time ---- */
    /* Whether there is a place for them, as of open; NULL: always. Without, none below is called.
     */
    bool (*keeps_checkpoints)(const struct journal *journal);
    enum status (*checkpoint_put)(struct journal *journal, uint32_t kind, uint64_t key,
                                  uint64_t through_seq, struct text blob, struct error *error);
    enum status (*checkpoint_delete)(struct journal *journal, uint32_t kind, uint64_t key,
                                     struct error *error);
    /* Makes the puts and deletes since the last call durable together; one thread only. */
    enum status (*checkpoint_sync)(struct journal *journal, struct error *error);
    enum status (*checkpoint_scan)(struct journal *journal, uint32_t kind,
                                   journal_checkpoint_visitor *visitor, void *context,
                                   struct error *error);

    enum status (*backup)(struct journal *journal, const char *path, struct error *error);
    void (*sizes)(struct journal *journal, uint64_t *disk_bytes_out, uint64_t *wal_bytes_out);
};

/* Hands it to the visitor's function of its kind. */
void journal_name_visit(const struct catalog_visitor *visitor, const struct journal_name *name);

/* Batches to a chapter of the log in PostgreSQL; smaller in tests. */
extern unsigned journal_chapter_batches;

extern const struct journal_ops journal_sqlite;
extern const struct journal_ops journal_memory;
extern const struct journal_ops journal_postgres;

/* "memory:NAME" stays in the process after store_close, to be opened again, until forgotten (then
 * no store may have it open). Without a name it goes with its store. */
void journal_memory_forget(const char *name);

#endif
