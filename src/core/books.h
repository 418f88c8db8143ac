/* The books of one cell from scratch: the rule of the ledger, written once more as plainly as can
 * be, from its whole history. Slow and simple on purpose: `verify`, rollback, explain and questions
 * about the past use it, and the tests hold the fast path against it. */
#ifndef ONHAND_CORE_BOOKS_H
#define ONHAND_CORE_BOOKS_H

#include "core/cell.h"

enum ledger_kind {
    LEDGER_EVENT,           /* an event, with what it changed */
    LEDGER_ACKNOWLEDGEMENT, /* on-hand moved because a movement became covered */
    LEDGER_RESET,           /* a statement corrected the cell */
    LEDGER_ROLLBACK         /* a statement was taken out again */
};

/* One change of a cell, as the ledger tells it. `event` is filled for LEDGER_EVENT; for the others
 * only location, product, source, received_at_us and (acknowledgement) document. */
struct ledger_entry {
    uint64_t seq, previous; /* previous entry of the same cell; 0: none */
    enum ledger_kind kind;
    enum outcome_status status;
    struct event event;
    uint32_t statement; /* LEDGER_RESET, LEDGER_ROLLBACK: which */
    int64_t on_hand_change_milli;
    int64_t on_hand_milli, reserved_milli; /* after */
    int64_t acknowledged_at_us;            /* LEDGER_ACKNOWLEDGEMENT: that took effect */
};

/* A statement's word about one cell. */
struct statement_word {
    const struct statement *statement;
    struct stated stated;
    int64_t applied_at_us;     /* when the hub applied it; NEVER_US: it never was */
    int64_t rolled_back_at_us; /* NEVER_US: still stands */
    uint64_t applied_seq;
};

/* When source acknowledged a document: the earliest, as known at known_at_us; NEVER_US. */
struct acknowledgement_times {
    int64_t (*find)(void *context, uint32_t source, struct text document, int64_t known_at_us);
    void *context;
};

struct cell_history {
    const struct ledger_entry *entries; /* any order; only LEDGER_EVENT ones matter here */
    size_t entry_count;
    const struct statement_word *words; /* every statement that ever named the cell */
    size_t word_count;
    struct acknowledgement_times acknowledged;
};

struct cell_figures {
    int64_t on_hand_milli, reserved_milli;
    const struct statement_word *word; /* the ground; NULL: none */
};

/* What stood at `at_us` (only events effective and statements as of then or before), as known at
 * `known_at_us` (only what had been received by then). NEVER_US for either: no limit. `scratch`
 * holds one uint32 per entry. STATUS_OUT_OF_RANGE on overflow. */
must_check enum status books_figures(const struct cell_history *history, int64_t at_us,
                                     int64_t known_at_us, uint32_t *scratch,
                                     struct cell_figures *figures_out);

/* Whether the word's statement covers the event, with the acknowledgements known now. */
bool books_covers(const struct cell_history *history, const struct statement_word *word,
                  const struct event *event);

#endif
