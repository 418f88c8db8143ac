/* One lock, buckets by the key (keys are numbers given out in order, so they spread by
 * themselves), and a list by age. A borrowed entry that has to go leaves the list at once and is
 * freed by its last borrower. */
#include "store/unpacked_cache.h"

#include <stdlib.h>

/* What an entry counts at least, so that many small ones do not make long buckets. */
#define ENTRY_BYTES_LEAST 4096u

void unpacked_cache_init(struct unpacked_cache *cache, size_t bytes_most, unpack_function *unpack,
                         void *context) {
    *cache =
        (struct unpacked_cache){.bytes_most = bytes_most, .unpack = unpack, .context = context};
    require(pthread_mutex_init(&cache->lock, NULL) == 0);
}

static void lock(struct unpacked_cache *cache) {
    require(pthread_mutex_lock(&cache->lock) == 0);
}

static void unlock(struct unpacked_cache *cache) {
    require(pthread_mutex_unlock(&cache->lock) == 0);
}

static void free_unpacked(struct unpacked *unpacked) {
    arena_deinit(&unpacked->arena);
    free(unpacked);
}

/* ---- with the lock held ---- */

static struct unpacked **place_of(struct unpacked_cache *cache, uint64_t key) {
    struct unpacked **place = &cache->buckets[key % UNPACKED_CACHE_BUCKETS];
    while (*place != NULL && (*place)->key != key)
        place = &(*place)->next_in_bucket;
    return place;
}

static void unlink_age(struct unpacked_cache *cache, struct unpacked *unpacked) {
    if (unpacked->newer != NULL)
        unpacked->newer->older = unpacked->older;
    else
        cache->newest = unpacked->older;
    if (unpacked->older != NULL)
        unpacked->older->newer = unpacked->newer;
    else
        cache->oldest = unpacked->newer;
}

static void link_newest(struct unpacked_cache *cache, struct unpacked *unpacked) {
    unpacked->newer = NULL;
    unpacked->older = cache->newest;
    if (cache->newest != NULL)
        cache->newest->newer = unpacked;
    else
        cache->oldest = unpacked;
    cache->newest = unpacked;
}

static void evict_oldest(struct unpacked_cache *cache) {
    struct unpacked *unpacked = cache->oldest;
    struct unpacked **place = place_of(cache, unpacked->key);
    require(*place == unpacked && cache->bytes >= unpacked->bytes);
    *place = unpacked->next_in_bucket;
    cache->oldest = unpacked->newer;
    if (unpacked->newer != NULL)
        unpacked->newer->older = NULL;
    else
        cache->newest = NULL;
    cache->bytes -= unpacked->bytes;
    unpacked->bytes = 0; /* its last borrower frees it */
    if (unpacked->borrowers == 0)
        free_unpacked(unpacked);
}

static struct unpacked *find(struct unpacked_cache *cache, uint64_t key) {
    struct unpacked *found = *place_of(cache, key);
    if (found != NULL) {
        unlink_age(cache, found);
        link_newest(cache, found);
        found->borrowers++;
    }
    return found;
}

/* What does not fit even alone is its borrower's only. */
static void keep(struct unpacked_cache *cache, struct unpacked *unpacked) {
    size_t bytes = arena_memory(&unpacked->arena) + sizeof *unpacked;
    unpacked->bytes = bytes > ENTRY_BYTES_LEAST ? bytes : ENTRY_BYTES_LEAST;
    if (unpacked->bytes > cache->bytes_most) {
        unpacked->bytes = 0;
        return;
    }
    while (cache->bytes + unpacked->bytes > cache->bytes_most)
        evict_oldest(cache);
    struct unpacked **place = place_of(cache, unpacked->key);
    require(*place == NULL);
    *place = unpacked;
    link_newest(cache, unpacked);
    cache->bytes += unpacked->bytes;
}

/* ---- without ---- */

void unpacked_cache_deinit(struct unpacked_cache *cache) {
    while (cache->oldest != NULL) {
        require(cache->oldest->borrowers == 0);
        evict_oldest(cache);
    }
    require(cache->bytes == 0);
    pthread_mutex_destroy(&cache->lock);
}

enum status unpacked_cache_borrow(struct unpacked_cache *cache, uint64_t key,
                                  struct unpacked **unpacked_out, struct error *error) {
    lock(cache);
    *unpacked_out = find(cache, key);
    cache->misses += *unpacked_out == NULL;
    unlock(cache);
    if (*unpacked_out != NULL)
        return STATUS_OK;
    struct unpacked *made = memory_alloc_zero(1, sizeof *made);
    made->key = key;
    enum status status = cache->unpack(cache->context, made, error);
    if (status != STATUS_OK) {
        free_unpacked(made);
        return status;
    }
    lock(cache);
    struct unpacked *other = find(cache, key); /* unpacked by another thread meanwhile */
    if (other == NULL) {
        made->borrowers = 1;
        keep(cache, made);
    }
    unlock(cache);
    if (other != NULL)
        free_unpacked(made);
    *unpacked_out = other != NULL ? other : made;
    return STATUS_OK;
}

void unpacked_cache_return(struct unpacked_cache *cache, struct unpacked *unpacked) {
    lock(cache);
    require(unpacked->borrowers > 0);
    bool last = --unpacked->borrowers == 0 && unpacked->bytes == 0;
    unlock(cache);
    if (last)
        free_unpacked(unpacked);
}

size_t unpacked_cache_memory(struct unpacked_cache *cache) {
    lock(cache);
    size_t bytes = cache->bytes;
    unlock(cache);
    return bytes;
}
