/* Missing numbers as sorted ranges. */
#include "pos/prism_gaps.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/status.h"

void gaps_deinit(struct gaps *gaps) {
    free(gaps->open);
    *gaps = (struct gaps){0};
}

static void remove_open(struct gaps *gaps, unsigned at) {
    gaps->open_count--;
    memmove(&gaps->open[at], &gaps->open[at + 1], (gaps->open_count - at) * sizeof *gaps->open);
}

static void insert_open(struct gaps *gaps, unsigned at, struct gap gap) {
    if (gaps->open_count == GAPS_OPEN_MAX) {
        remove_open(gaps, 0);
        gaps->forgotten++;
        at -= at > 0;
    }
    if (gaps->open_count == gaps->open_room) {
        gaps->open_room = gaps->open_room == 0 ? 4 : gaps->open_room * 2;
        gaps->open = memory_grow(gaps->open, gaps->open_room * sizeof *gaps->open);
    }
    memmove(&gaps->open[at + 1], &gaps->open[at], (gaps->open_count - at) * sizeof *gaps->open);
    gaps->open[at] = gap;
    gaps->open_count++;
}

void gaps_restore_open(struct gaps *gaps, const struct gap *gap) {
    unsigned count = gaps->open_count;
    bool apart = gap->from <= gap->to && gaps->has_last && gap->to < gaps->last &&
                 (count == 0 || gaps->open[count - 1].to < gap->from);
    if (apart) {
        insert_open(gaps, count, *gap);
    }
}

static void fill(struct gaps *gaps, unsigned at, int64_t number, int64_t now_us) {
    struct gap gap = gaps->open[at];
    gaps->filled_total++;
    if (gap.from == gap.to) {
        remove_open(gaps, at);
        memmove(&gaps->filled[1], &gaps->filled[0], (GAPS_FILLED_MAX - 1) * sizeof gap);
        gap.filled_us = now_us;
        gaps->filled[0] = gap;
        gaps->filled_count += gaps->filled_count < GAPS_FILLED_MAX;
    } else if (number == gap.from) {
        gaps->open[at].from++;
    } else if (number == gap.to) {
        gaps->open[at].to--;
    } else {
        struct gap upper = gap;
        upper.from = number + 1;
        gaps->open[at].to = number - 1;
        insert_open(gaps, at + 1, upper);
    }
}

static void begin_count(struct gaps *gaps, int64_t number, int64_t occurred_us) {
    gaps->open_count = 0;
    gaps->last = number;
    gaps->last_at_us = occurred_us;
    gaps->has_last = true;
}

void gaps_note(struct gaps *gaps, int64_t number, int64_t occurred_us, int64_t now_us) {
    require(number >= 0);
    if (!gaps->has_last || number - gaps->last > (int64_t)GAP_JUMP_MAX) {
        begin_count(gaps, number, occurred_us);
        return;
    }
    if (number > gaps->last) {
        if (number > gaps->last + 1) {
            struct gap gap = {.from = gaps->last + 1, .to = number - 1, .seen_us = now_us};
            insert_open(gaps, gaps->open_count, gap);
        }
        gaps->last = number;
        gaps->last_at_us = occurred_us;
        return;
    }
    for (unsigned i = 0; i < gaps->open_count; i++) {
        if (number >= gaps->open[i].from && number <= gaps->open[i].to) {
            fill(gaps, i, number, now_us);
            return;
        }
    }
    /* Low and yet newer than the highest: the register was set up anew. */
    if (number < gaps->last && occurred_us > gaps->last_at_us) {
        begin_count(gaps, number, occurred_us);
    }
}

uint64_t gaps_missing(const struct gaps *gaps) {
    uint64_t missing = 0;
    for (unsigned i = 0; i < gaps->open_count; i++) {
        missing += (uint64_t)(gaps->open[i].to - gaps->open[i].from) + 1;
    }
    return missing;
}
