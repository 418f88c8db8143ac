/* Statements: "at instant as_of, this location held these quantities", said by one source.
 *
 * The newest statement (by as_of) that names a cell is the ground its on-hand stands on. Of two
 * with the same as_of the one accepted later wins: it is the author's correction, and order of
 * arrival is the only evidence of which one is meant.
 * Coverage, the heart of the rule, is the one function statement_covers. */
#ifndef ONHAND_CORE_STATEMENT_H
#define ONHAND_CORE_STATEMENT_H

#include "core/event.h"

#define NEVER_US INT64_MAX /* not acknowledged */

/* The statement includes the documents of this register up to and with this number. */
struct watermark {
    uint32_t register_id;
    int64_t through;
};

struct statement {
    uint32_t id; /* from 1, in order of acceptance */
    uint32_t location, source;
    uint32_t through_count;
    const struct watermark *through; /* sorted by register_id */
    int64_t as_of_us;
    bool names_absent; /* absent=zero: names every product of the location, seen or not */
};

/* One row of a statement, normalised to on-hand. Rows are sorted by product, each product once. */
struct stated {
    uint32_t product;
    uint32_t line; /* of the file, from 1; 0: named by absence */
    int64_t quantity_milli;
};

/* What of an event matters to a later statement: kept in memory while it may. */
struct movement {
    int64_t effective_at_us;
    int64_t delta_milli; /* of on-hand; never 0 */
    int64_t register_sequence;
    uint64_t seq; /* its ledger row */
    uint32_t product;
    uint32_t register_id;
};

/* A movement that stands until it is acknowledged. */
struct pending_movement {
    struct movement movement;
    uint32_t source;
    enum event_standing standing;
    int64_t acknowledged_at_us; /* by the source of the statement in question; NEVER_US */
};

bool statement_is_newer(const struct statement *a, const struct statement *b); /* b may be NULL */

/* By time, or by number where the statement has a watermark for the movement's register. */
bool statement_covers_movement(const struct statement *s, const struct movement *m);

/* By acknowledgement (or, for its own source's shipments, as above). */
bool statement_covers_pending(const struct statement *s, const struct pending_movement *p);

/* Of any event. `acknowledged_at_us`: when s->source acknowledged event->document, NEVER_US if not.
 */
bool statement_covers(const struct statement *s, const struct event *event,
                      int64_t acknowledged_at_us);

#endif
