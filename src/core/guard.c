/* Guard rails: a file that is wrong does the most harm when it is applied in full, at five in the
 * morning, with nobody there. Whatever would look wrong to a person holds the location instead.
 * Percentages are compared by multiplying out, never by dividing, so that limits are exact. */
#include "core/guard.h"

/* Two totals of units times a percentage need more than 64 bits. */
__extension__ typedef __int128 wide;

struct guard_row {
    const char *word, *meaning;
};

static const struct guard_row guard_rows[] = {
#define X(name, word, meaning) [GUARD_##name] = {word, meaning},
    GUARD_LIST(X)
#undef X
};

const struct guard_limits guard_limits_default = {
    .min_rows_percent = 80,
    .max_zeroed_percent = 10,
    .min_units_percent = 50,
    .max_units_percent = 200,
    .max_unreadable_percent = 1,
    .missing_location = true,
    .future = true,
    .manifest = true,
    .cut_off = true,
    .trailer = true,
    .enabled = true,
};

/* -1, 0, +1: `part` is less than, exactly, more than `percent` of `whole`. */
static int compare_percent(wide part, unsigned percent, wide whole) {
    wide scaled = part * 100, limit = whole * percent;
    return (scaled > limit) - (scaled < limit);
}

/* What the file says about itself; needs nothing to compare it with. */
static unsigned judge_file(const struct guard_limits *limits, const struct guard_facts *facts) {
    unsigned tripped = 0;
    if (facts->rows == 0 && !facts->location_missing)
        tripped |= 1u << GUARD_NO_ROWS;
    if (limits->future && facts->as_of_us > facts->received_at_us)
        tripped |= 1u << GUARD_FUTURE;
    if (limits->manifest && facts->manifest_mismatch)
        tripped |= 1u << GUARD_MANIFEST;
    if (limits->trailer && facts->trailer_mismatch)
        tripped |= 1u << GUARD_TRAILER;
    if (limits->cut_off && facts->cut_off)
        tripped |= 1u << GUARD_CUT_OFF;
    if (facts->as_of_uncertain)
        tripped |= 1u << GUARD_AS_OF_UNCERTAIN;
    if (facts->as_of_ancient)
        tripped |= 1u << GUARD_AS_OF_ANCIENT;
    if (facts->as_of_mismatch)
        tripped |= 1u << GUARD_AS_OF_MISMATCH;
    return tripped;
}

/* A first file is taken as far as it goes: what it lacks is not there to be harmed. */
static unsigned judge_reading(const struct guard_limits *limits, const struct guard_facts *facts) {
    unsigned percent = limits->max_unreadable_percent;
    bool many = compare_percent((wide)facts->unreadable_rows, percent, facts->rows) > 0;
    return percent != 0 && many ? 1u << GUARD_UNREADABLE : 0;
}

/* Against the location's last full reset. A location that is missing has no rows to count. */
static unsigned judge_extent(const struct guard_limits *limits, const struct guard_facts *facts) {
    if (!facts->full)
        return 0;
    if (facts->location_missing)
        return limits->missing_location ? 1u << GUARD_MISSING_LOCATION : 0;
    bool few = compare_percent(facts->rows, limits->min_rows_percent, facts->last_rows) < 0;
    return few ? 1u << GUARD_FEW_ROWS : 0;
}

/* Against the stock that the books hold. */
static unsigned judge_figures(const struct guard_limits *limits,
                              const struct statement_outcome *outcome) {
    unsigned tripped = 0;
    unsigned most = limits->max_zeroed_percent;
    if (most != 0 && compare_percent((wide)outcome->to_zero, most, (wide)outcome->nonzero) > 0)
        tripped |= 1u << GUARD_ZEROED;
    wide before = outcome->units_before_milli, after = outcome->units_after_milli;
    if (before <= 0)
        return tripped;
    unsigned low = limits->min_units_percent, high = limits->max_units_percent;
    if ((low != 0 && compare_percent(after, low, before) < 0) ||
        (high != 0 && compare_percent(after, high, before) > 0))
        tripped |= 1u << GUARD_UNITS;
    return tripped;
}

unsigned guard_judge(const struct guard_limits *limits, const struct guard_facts *facts) {
    require(limits != NULL && facts != NULL);
    if (!limits->enabled)
        return 0;
    unsigned tripped = judge_file(limits, facts);
    if (!facts->had_reset)
        return tripped;
    tripped |= judge_reading(limits, facts) | judge_extent(limits, facts);
    if (facts->outcome != NULL)
        tripped |= judge_figures(limits, facts->outcome);
    return tripped;
}

const char *guard_word(enum guard guard) {
    require((unsigned)guard < GUARD_COUNT);
    return guard_rows[guard].word;
}

const char *guard_meaning(enum guard guard) {
    require((unsigned)guard < GUARD_COUNT);
    return guard_rows[guard].meaning;
}
