/* What was unpacked lately, for readers of histories: rows of statements, and what applying them
 * changed.
 *
 * What a cell was at some time is asked cell after cell of one location, and every answer looks
 * into each of the location's statements: unpacked anew, 60,000 rows cost half a millisecond a cell
 * and more. So the last ones stay, up to a number of bytes, the one unused for longest going first.
 * What is committed never changes, so nothing here is ever stale; what is not must not be asked
 * for. Any thread; unpacking happens outside of the lock. */
#ifndef ONHAND_STORE_UNPACKED_CACHE_H
#define ONHAND_STORE_UNPACKED_CACHE_H

#include <pthread.h>

#include "base/arena.h"
#include "base/status.h"

/* Read-only while borrowed. */
struct unpacked {
    uint64_t key;
    void *content; /* in the arena */
    struct arena arena;

    /* the cache's */
    size_t bytes, borrowers;
    struct unpacked *next_in_bucket, *newer, *older;
};

/* Fills content and arena by the key. */
typedef enum status unpack_function(void *context, struct unpacked *unpacked, struct error *error);

#define UNPACKED_CACHE_BUCKETS 256u

/* Invariants: an entry is in its bucket and in the list of ages, or it is only its borrowers';
 * `bytes` is the sum over the list and at most bytes_most. */
struct unpacked_cache {
    pthread_mutex_t lock;
    unpack_function *unpack;
    void *context;
    size_t bytes, bytes_most;
    uint64_t misses; /* how often it was not there */
    struct unpacked *buckets[UNPACKED_CACHE_BUCKETS];
    struct unpacked *newest, *oldest;
};

void unpacked_cache_init(struct unpacked_cache *cache, size_t bytes_most, unpack_function *unpack,
                         void *context);
void unpacked_cache_deinit(struct unpacked_cache *cache); /* nothing may be borrowed */
must_check enum status unpacked_cache_borrow(struct unpacked_cache *cache, uint64_t key,
                                             struct unpacked **unpacked_out, struct error *error);
void unpacked_cache_return(struct unpacked_cache *cache, struct unpacked *unpacked);
size_t unpacked_cache_memory(struct unpacked_cache *cache);

#endif
