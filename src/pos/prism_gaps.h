/* The numbers of one register: which came, which are missing, when that was seen and made up for.
 *
 * Pure. A register counts from the first number seen; what came before is not missed. Numbers that
 * jump far, or begin anew with newer documents, are a new count and no gap. */
#ifndef ONHAND_POS_PRISM_GAPS_H
#define ONHAND_POS_PRISM_GAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GAPS_OPEN_MAX 64u   /* per register; the oldest are forgotten, and counted */
#define GAPS_FILLED_MAX 8u  /* how many of the last ones are remembered */
#define GAP_JUMP_MAX 10000u /* a longer one is a new count */

struct gap {
    int64_t from, to; /* numbers, both missing */
    int64_t seen_us;
    int64_t filled_us; /* of a filled one */
    bool is_told;
};

/* Invariant: open gaps are sorted, apart from each other, and below `last`. */
struct gaps {
    int64_t last, last_at_us; /* the highest number and when its document occurred */
    bool has_last;
    struct gap *open; /* owned */
    unsigned open_count, open_room;
    struct gap filled[GAPS_FILLED_MAX]; /* newest first */
    unsigned filled_count;
    uint64_t filled_total, forgotten;
};

void gaps_deinit(struct gaps *gaps);
void gaps_note(struct gaps *gaps, int64_t number, int64_t occurred_us, int64_t now_us);
/* As it was saved; in order. */
void gaps_restore_open(struct gaps *gaps, const struct gap *gap);
uint64_t gaps_missing(const struct gaps *gaps); /* how many numbers */

#endif
