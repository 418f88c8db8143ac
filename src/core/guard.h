/* Guard rails: what must look wrong before a reset is held back from a location.
 *
 * Pure: facts and limits in, verdict out. A limit of 0 switches its guard off. */
#ifndef ONHAND_CORE_GUARD_H
#define ONHAND_CORE_GUARD_H

#include "core/cell.h"

/* name, word on the wire, what it says */
#define GUARD_LIST(X)                                                                              \
    X(NO_ROWS, "no_rows", "the file has no row for this location")                                 \
    X(FEW_ROWS, "few_rows", "far fewer rows than the last applied reset")                          \
    X(ZEROED, "zeroed", "too many products with stock would go to zero")                           \
    X(UNITS, "units", "the total of units changed beyond belief")                                  \
    X(MISSING_LOCATION, "missing_location", "a known location is missing from a full file")        \
    X(FUTURE, "future", "as_of lies in the future")                                                \
    X(MANIFEST, "manifest", "the manifest or trailer does not match the file")                     \
    X(UNREADABLE, "unreadable", "too many rows could not be read")                                 \
    X(AS_OF_UNCERTAIN, "as_of_uncertain", "when the stock was counted cannot be told for sure")    \
    X(AS_OF_MISMATCH, "as_of_mismatch", "the figures are those of another time than as_of")        \
    X(CUT_OFF, "cut_off", "the last row has no line end: the file may have been cut off in it")    \
    X(AS_OF_ANCIENT, "as_of_ancient",                                                              \
      "as_of lies before the year 2000: a clock or a column is wrong")                             \
    X(TRAILER, "trailer", "the trailer does not count what the file has")

enum guard {
#define X(name, word, meaning) GUARD_##name,
    GUARD_LIST(X)
#undef X
        GUARD_COUNT
};

struct guard_limits {
    unsigned min_rows_percent;       /* 80: fewer rows than this of the last applied reset */
    unsigned max_zeroed_percent;     /* 10: more than this of the non-zero cells going to zero */
    unsigned min_units_percent;      /* 50 */
    unsigned max_units_percent;      /* 200 */
    unsigned max_unreadable_percent; /* 1 */
    bool missing_location, future, manifest, cut_off, trailer, enabled;
};

extern const struct guard_limits guard_limits_default;

struct guard_facts {
    bool had_reset;        /* the location has had an applied reset before */
    bool full;             /* mode=full */
    bool location_missing; /* expected in a full file, and not there */
    bool manifest_mismatch;
    bool as_of_uncertain;     /* it was to be told from the figures, and they do not say */
    bool as_of_mismatch;      /* it was given, and the figures say otherwise (and shall hold) */
    bool as_of_ancient;       /* before there was anything to count it with */
    bool trailer_mismatch;    /* the file's last line counts other rows, or is missing */
    bool cut_off;             /* its feed's files end with a line end, and this one does not */
    uint64_t rows, last_rows; /* rows of this location now, and in its last applied full reset */
    uint64_t unreadable_rows; /* rejected rows of this location (or of unknown location) */
    int64_t as_of_us, received_at_us;
    const struct statement_outcome *outcome;
};

/* A bit set of the guards that tripped, (1u << GUARD_X); 0: apply. NO_ROWS, FUTURE,
 * MANIFEST, TRAILER, CUT_OFF and AS_OF_* need no earlier reset; the others guard what one has
 * brought. */
unsigned guard_judge(const struct guard_limits *limits, const struct guard_facts *facts);

const char *guard_word(enum guard guard);
const char *guard_meaning(enum guard guard);

#endif
