/* Which events were heard: (source, id) of every event of the window, in memory.
 *
 * A key is kept as 64 bits of keyed hash, the ledger row that has the truth, and the hour it takes
 * effect: 16 bytes. A hit is a candidate only; the row decides. The table is 256 small ones, so
 * that growing one costs a writer a millisecond and never half a second, and keys that grew too old
 * are swept out a few thousand slots at a time. */
#ifndef ONHAND_STORE_STATE_KEYS_H
#define ONHAND_STORE_STATE_KEYS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_SHARDS 256u
#define KEY_SEQ_BITS 40

struct key {
    uint64_t hash;
    uint64_t place; /* sequence above, hour of effect in the lower 24 bits; 0: a free slot */
};

struct key_shard {
    struct key *keys; /* open addressing, at most 3/4 full; mask + 1 of them */
    size_t mask;
    size_t count;
};

struct keys {
    struct key_shard shards[KEY_SHARDS];
    uint64_t count;
    uint64_t memory_bytes;
    uint32_t sweep_shard; /* where the sweep stands */
    size_t sweep_slot;
};

void keys_init(struct keys *keys);
void keys_deinit(struct keys *keys);
/* `hour`: key_hour of the event's effect. The hash may be there already, of another event. */
void keys_add(struct keys *keys, uint64_t hash, uint64_t seq, uint32_t hour);

static inline uint32_t key_hour(int64_t effective_at_us) {
    int64_t hour = effective_at_us / (INT64_C(3600) * 1000000);
    return hour < 0 ? 0 : hour > 0xffffff ? 0xffffff : (uint32_t)hour;
}

static inline void keys_prefetch(const struct keys *keys, uint64_t hash) {
    const struct key_shard *shard = &keys->shards[hash >> 56];
    __builtin_prefetch(&shard->keys[hash & shard->mask]);
}

/* The candidates of a hash, one after the other: start with *slot = SIZE_MAX; 0: no more. */
uint64_t keys_next(const struct keys *keys, uint64_t hash, size_t *slot);

/* Looks at up to `budget` slots and drops keys of hours before `hour`. True when it has been all
 * the way round since it last said so. */
bool keys_sweep(struct keys *keys, uint32_t hour, size_t budget);

#endif
