/* The rows of statements that were unpacked lately, for readers of histories.
 *
 * What a cell was at some time is asked cell after cell of one location, and every answer looks
 * into each of the location's statements: unpacked anew, 60,000 rows cost 2 ms a cell. So the last
 * ones stay, up to a number of bytes, the one unused for longest going first. A statement's rows
 * never change once it is committed, so nothing here is ever stale; ids of statements that are not
 * committed must not be asked for. Any thread; unpacking happens outside of the lock. */
#ifndef ONHAND_STORE_ROWS_CACHE_H
#define ONHAND_STORE_ROWS_CACHE_H

#include <pthread.h>

#include "base/arena.h"
#include "core/statement.h"

/* As it was unpacked. Read-only while borrowed. */
struct cached_rows {
    uint32_t statement;
    struct stated *rows; /* sorted by product */
    size_t row_count;
    uint32_t *excluded; /* sorted */
    size_t excluded_count;

    /* the cache's */
    struct arena arena;
    size_t bytes, borrowers;
    struct cached_rows *next_in_bucket, *newer, *older;
};

/* Fills rows and excluded from `statement`, in the arena. */
typedef enum status rows_unpacker(void *context, struct cached_rows *rows, struct error *error);

#define ROWS_CACHE_BUCKETS 256u

/* Invariants: an entry is in its bucket and in the list of ages, or it is only its borrowers';
 * `bytes` is the sum over the list and at most bytes_most. */
struct rows_cache {
    pthread_mutex_t lock;
    rows_unpacker *unpack;
    void *context;
    size_t bytes, bytes_most;
    uint64_t unpacked; /* how often it was not there */
    struct cached_rows *buckets[ROWS_CACHE_BUCKETS];
    struct cached_rows *newest, *oldest;
};

void rows_cache_init(struct rows_cache *cache, size_t bytes_most, rows_unpacker *unpack,
                     void *context);
void rows_cache_deinit(struct rows_cache *cache); /* nothing may be borrowed */
must_check enum status rows_cache_borrow(struct rows_cache *cache, uint32_t statement,
                                         struct cached_rows **rows_out, struct error *error);
void rows_cache_return(struct rows_cache *cache, struct cached_rows *rows);
size_t rows_cache_memory(struct rows_cache *cache);

#endif
