/* When was a file cut? The books know every movement of a location, so each instant since its
 * last statement can be asked: how many of the stated figures are just what the books held then?
 * Where most agree, there the file was cut.
 *
 * A stated cell agrees at an instant when the statement, taken as of it, would correct nothing
 * there: the rule of statement_decide, watermarks and acknowledgements included. A movement that
 * time does not decide (by register number, or not acknowledged) is the same at every instant and
 * so no evidence; it is only reckoned with. Cells that no statement ever spoke of, and cells that
 * somebody counted since most others were stated, say nothing and are left out. One pass over the
 * movements; no allocation. */
#ifndef ONHAND_CORE_CUT_H
#define ONHAND_CORE_CUT_H

#include "core/cell.h"

struct cut_question {
    const struct statement *statement; /* its source and watermarks; its as_of does not matter */
    const struct stated *rows;         /* sorted by product */
    size_t row_count;
    const struct location_books *books; /* with every movement since oldest_us */
    int64_t oldest_us;                  /* no instant before it is asked about */
    int64_t now_us;                     /* none after it */
    int64_t given_us; /* as others say: wins among instants as good; NEVER_US: nobody does */
    int64_t near_us;  /* instants this near to each other are the same cut */
};

/* One movement of a compared cell in the span asked about. */
struct cut_event {
    int64_t at_us;
    uint64_t delta_milli; /* two's complement: sums wrap, and only zero matters */
    uint32_t product;
    uint32_t score; /* moved cells that agree once all movements of its instant are in */
};

struct cut_cell {
    uint64_t rest_milli; /* what the books held less what is stated; 0: agrees */
    bool open;           /* has movements after the floor */
    bool compared, moved;
};

/* Caller's memory. `cells`: one per product of the books' pages, all zero, and zero again after;
 * `events`, `spare` and `open`: one per movement and pending movement each. */
struct cut_room {
    struct cut_cell *cells;
    struct cut_event *events, *spare;
    uint32_t *open;
};

struct cut {
    size_t events;          /* 0: nothing moved, nothing below is known */
    size_t compared;        /* stated cells that could be compared */
    size_t moved;           /* those of them with movements in the span: the evidence */
    size_t agreeing;        /* compared cells that agree at the best instants */
    size_t moved_agreeing;  /* those of them that moved */
    size_t runner_up;       /* most moved cells that agree at an instant farther than near_us */
    int64_t floor_us;       /* where the span begins */
    int64_t from_us, to_us; /* the best instants, [from, to) */
    int64_t at_us;          /* the last movement in them: the as_of to take; never before floor */
    unsigned confidence_milli; /* see cut_confidence_milli */
    bool holds_given;          /* given_us lies in [from, to) */
    bool thin;                 /* fewer than 3 agree, or less than half of those that moved */
    bool ambiguous;            /* the runner-up is as good */
};

void cut_find(const struct cut_question *question, const struct cut_room *room,
              struct cut *cut_out);

/* agreeing / (moved + 1) * 10^d / (10^d + 1), d = agreeing - runner_up: the share that agrees, with
 * one doubtful cell added, times the odds that the runner-up is wrong when one cell in ten lies. */
unsigned cut_confidence_milli(size_t agreeing, size_t moved, size_t runner_up);

#define CUT_VERDICT_LIST(X)                                                                        \
    X(NO_EVIDENCE, "no_evidence") /* nothing moved since the ground, or as_of lies before it */    \
    X(UNCERTAIN, "uncertain")     /* thin, or two instants as good */                              \
    X(AGREES, "agrees")                                                                            \
    X(DIFFERS, "differs")

#define CUT_CAUSE_LIST(X)                                                                          \
    X(NONE, "none")                                                                                \
    X(ZONE, "zone")               /* off by what a zone is off from Greenwich */                   \
    X(SUMMER_TIME, "summer_time") /* off by exactly one hour */                                    \
    X(BEHIND, "behind")           /* counted earlier than said: a store that lags */               \
    X(AHEAD, "ahead")             /* counted later than said */

enum cut_verdict {
#define X(name, word) CUT_##name,
    CUT_VERDICT_LIST(X)
#undef X
        CUT_VERDICT_COUNT
};
enum cut_cause {
#define X(name, word) CUT_CAUSE_##name,
    CUT_CAUSE_LIST(X)
#undef X
        CUT_CAUSE_COUNT
};

struct cut_check {
    enum cut_verdict verdict;
    enum cut_cause cause;  /* of a difference */
    int64_t distance_us;   /* from given to the nearest of the best instants; + : later */
    int64_t shift_minutes; /* ZONE, SUMMER_TIME: what to add to given */
};

/* Holds an as_of that was given against the evidence; `limit_us`: how far apart they may be. */
struct cut_check cut_check(const struct cut *cut, int64_t given_us, int64_t limit_us);

#endif
