/* A cell: one product at one location. 32 bytes, ten million of them in memory.
 *
 * Invariant: on_hand = quantity in `statement` (0 when none) + deltas of all events of the cell
 * that it does not cover; reserved = sum over orders of max(0, net). available may be negative
 * here: only what goes to a channel is floored. */
#ifndef ONHAND_CORE_CELL_H
#define ONHAND_CORE_CELL_H

#include "core/statement.h"

struct cell {
    int64_t on_hand_milli;
    int64_t reserved_milli;
    uint64_t head;         /* sequence of its last change (its version); 0: never changed */
    uint32_t statement;    /* newest statement that names it; 0: none yet */
    uint32_t updated_at_s; /* when the hub made that last change, seconds since 1970 */
};

/* It has been spoken of: by an event or by a statement. */
static inline bool cell_exists(const struct cell *cell) {
    return cell->head != 0 || cell->statement != 0;
}

static inline int64_t cell_available_milli(const struct cell *cell, int64_t safety_stock_milli) {
    return cell->on_hand_milli - cell->reserved_milli - safety_stock_milli;
}

/* Cells are kept in pages of 256 products: cell of product p is pages[p >> 8][p & 255]; a page may
 * be NULL (none of its cells exists). */
#define CELLS_PER_PAGE 256u

/* ---- events ---- */
enum outcome_status {
    OUTCOME_APPLIED,
    OUTCOME_COVERED,      /* recorded; the newest statement includes it already */
    OUTCOME_ACKNOWLEDGED, /* it is an acknowledgement and moves no stock */
    OUTCOME_DUPLICATE,
    OUTCOME_REJECTED
};

struct event_outcome {
    enum outcome_status status;
    enum status error; /* when rejected */
    int64_t on_hand_change_milli, reserved_change_milli;
    int64_t on_hand_milli, reserved_milli; /* after */
};

/* Everything about an event's surroundings that decides its effect. */
struct event_ground {
    struct cell *cell;        /* changed in place */
    int64_t *order_net_milli; /* of (cell, order); changed in place; NULL when not needed */
    const struct statement *statement; /* that cell->statement names; NULL: none */
    int64_t acknowledged_at_us;        /* of event->document by statement->source; NEVER_US */
};

/* The event must be valid (event_validate). Changes cell and order net, and fills *outcome_out; on
 * overflow nothing changes and the outcome is rejected, out_of_range. Leaves head, statement and
 * updated_at to the store. */
void event_decide(const struct event *event, const struct event_ground *ground,
                  struct event_outcome *outcome_out);

/* An acknowledgement moved from `old_at_us` (NEVER_US: none) to the earlier `new_at_us`: the change
 * to on-hand of the pending movement's cell, 0 when its statement judges it the same as before. */
int64_t acknowledgement_change_milli(const struct statement *statement,
                                     const struct pending_movement *pending, int64_t old_at_us,
                                     int64_t new_at_us);

/* ---- statements ---- */

/* A product without a cell that the newest statement by absence excluded: `statement` is the newest
 * one that did name it by absence; 0: none. */
struct absent_exception {
    uint32_t product, statement;
};

/* The books of one location, as the store lends them for one decision. `movements` and `pending`
 * hold at least every movement of the location that the statement in question does not cover. */
struct location_books {
    struct cell *const *pages;
    uint32_t page_count;
    const struct movement *movements;
    size_t movement_count;
    const struct pending_movement *pending;
    size_t pending_count;
    const struct statement *const *statements;        /* by id; [0] is NULL */
    uint32_t statement_count;                         /* length of that table */
    const struct statement *absent_default;           /* newest with names_absent; NULL */
    const struct absent_exception *absent_exceptions; /* to that, sorted by product */
    size_t absent_exception_count;
};

/* One cell that changes its ground: correction = on_hand after - on_hand before, which is exactly
 * the variance of the statement (stated - what the books said at as_of). */
struct cell_change {
    uint32_t product;
    uint32_t statement; /* the new ground; 0: none */
    int64_t correction_milli;
};

struct statement_outcome {
    struct cell_change *changes; /* sorted by product; caller's memory, room for every cell */
    size_t change_count;
    size_t changed;   /* named by a row, figure differs */
    size_t unchanged; /* named by a row, figure the same */
    size_t begun;     /* of those: there was no cell, and now there is one of nothing */
    size_t stale;     /* named by a row, a newer statement governs: counted in unchanged too */
    size_t zeroed;    /* set to zero by absence, from something else */
    size_t to_zero;   /* non-zero on-hand before, stated zero (rows and absence) */
    size_t nonzero;   /* non-zero on-hand before, among the cells it governs */
    int64_t units_before_milli, units_after_milli; /* of the cells it governs */
    int64_t variance_milli;                        /* sum of absolute corrections */
};

/* Decides a statement for its location. `rows` sorted by product; `excluded` (sorted) are products
 * that a names_absent statement does not name because their row was rejected. `open_milli` is
 * scratch: one int64 per product of books->page_count pages plus those in rows, all zero, and all
 * zero again on return. STATUS_OUT_OF_RANGE when a balance would overflow: nothing may be used. */
must_check enum status statement_decide(const struct statement *s, const struct stated *rows,
                                        size_t row_count, const uint32_t *excluded,
                                        size_t excluded_count, const struct location_books *books,
                                        int64_t *open_milli, struct statement_outcome *outcome);

#endif
