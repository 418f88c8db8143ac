/* Open addressing with linear probing; removal shifts the cluster back, so there are no tombstones
 * and a sweep leaves a table as if the old keys had never been. */
#include "store/state_keys.h"

#include "base/arena.h"

#include <stdlib.h>

#define FIRST_SLOTS 16u
#define HOUR_BITS 24
#define HOUR_MASK ((UINT64_C(1) << HOUR_BITS) - 1)

static void shard_init(struct keys *keys, struct key_shard *shard, size_t slots) {
    shard->keys = memory_alloc_zero(slots, sizeof *shard->keys);
    shard->mask = slots - 1;
    shard->count = 0;
    keys->memory_bytes += slots * sizeof *shard->keys;
}

void keys_init(struct keys *keys) {
    *keys = (struct keys){0};
    for (unsigned i = 0; i < KEY_SHARDS; i++)
        shard_init(keys, &keys->shards[i], FIRST_SLOTS);
}

void keys_deinit(struct keys *keys) {
    for (unsigned i = 0; i < KEY_SHARDS; i++)
        free(keys->shards[i].keys);
    *keys = (struct keys){0};
}

static void shard_put(struct key_shard *shard, struct key key) {
    size_t i = key.hash & shard->mask;
    while (shard->keys[i].place != 0)
        i = (i + 1) & shard->mask;
    shard->keys[i] = key;
    shard->count++;
}

static void shard_grow(struct keys *keys, struct key_shard *shard) {
    struct key_shard old = *shard;
    shard_init(keys, shard, 2 * (old.mask + 1));
    for (size_t i = 0; i <= old.mask; i++) {
        if (old.keys[i].place != 0)
            shard_put(shard, old.keys[i]);
    }
    require(shard->count == old.count);
    keys->memory_bytes -= (old.mask + 1) * sizeof *old.keys;
    free(old.keys);
}

void keys_add(struct keys *keys, uint64_t hash, uint64_t seq, uint32_t hour) {
    require(seq != 0 && seq >> KEY_SEQ_BITS == 0 && hour <= HOUR_MASK);
    struct key_shard *shard = &keys->shards[hash >> 56];
    if ((shard->count + 1) * 4 > (shard->mask + 1) * 3)
        shard_grow(keys, shard);
    shard_put(shard, (struct key){hash, seq << HOUR_BITS | hour});
    keys->count++;
}

uint64_t keys_next(const struct keys *keys, uint64_t hash, size_t *slot) {
    const struct key_shard *shard = &keys->shards[hash >> 56];
    size_t i = *slot == SIZE_MAX ? hash & shard->mask : (*slot + 1) & shard->mask;
    for (; shard->keys[i].place != 0; i = (i + 1) & shard->mask) {
        if (shard->keys[i].hash == hash) {
            *slot = i;
            return shard->keys[i].place >> HOUR_BITS;
        }
    }
    return 0;
}

/* Frees slot `hole` and moves back what probed past it. */
static void shard_remove(struct key_shard *shard, size_t hole) {
    for (size_t i = (hole + 1) & shard->mask; shard->keys[i].place != 0;
         i = (i + 1) & shard->mask) {
        size_t home = shard->keys[i].hash & shard->mask;
        if (((i - home) & shard->mask) >= ((i - hole) & shard->mask)) {
            shard->keys[hole] = shard->keys[i];
            hole = i;
        }
    }
    shard->keys[hole] = (struct key){0, 0};
    shard->count--;
}

bool keys_sweep(struct keys *keys, uint32_t hour, size_t budget) {
    while (budget-- > 0) {
        struct key_shard *shard = &keys->shards[keys->sweep_shard];
        if (keys->sweep_slot > shard->mask) {
            keys->sweep_slot = 0;
            keys->sweep_shard = (keys->sweep_shard + 1) % KEY_SHARDS;
            if (keys->sweep_shard == 0)
                return true;
            continue;
        }
        struct key *key = &shard->keys[keys->sweep_slot];
        if (key->place != 0 && (key->place & HOUR_MASK) < hour) {
            shard_remove(shard, keys->sweep_slot); /* look at what moved here next */
            keys->count--;
        } else {
            keys->sweep_slot++;
        }
    }
    return false;
}
