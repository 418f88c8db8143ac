/* One lock, buckets by the statement's number (they are given out in order, so they spread by
 * themselves), and a list by age. A borrowed entry that has to go leaves the list at once and is
 * freed by its last borrower. */
#include "store/rows_cache.h"

#include <stdlib.h>

/* What an entry counts at least, so that many small ones do not make long buckets. */
#define ENTRY_BYTES_LEAST 4096u

void rows_cache_init(struct rows_cache *cache, size_t bytes_most, rows_unpacker *unpack,
                     void *context) {
    *cache = (struct rows_cache){.bytes_most = bytes_most, .unpack = unpack, .context = context};
    require(pthread_mutex_init(&cache->lock, NULL) == 0);
}

static void lock(struct rows_cache *cache) {
    require(pthread_mutex_lock(&cache->lock) == 0);
}

static void unlock(struct rows_cache *cache) {
    require(pthread_mutex_unlock(&cache->lock) == 0);
}

static void free_rows(struct cached_rows *rows) {
    arena_deinit(&rows->arena);
    free(rows);
}

/* ---- with the lock held ---- */

static struct cached_rows **place_of(struct rows_cache *cache, uint32_t statement) {
    struct cached_rows **place = &cache->buckets[statement % ROWS_CACHE_BUCKETS];
    while (*place != NULL && (*place)->statement != statement)
        place = &(*place)->next_in_bucket;
    return place;
}

static void unlink_age(struct rows_cache *cache, struct cached_rows *rows) {
    if (rows->newer != NULL)
        rows->newer->older = rows->older;
    else
        cache->newest = rows->older;
    if (rows->older != NULL)
        rows->older->newer = rows->newer;
    else
        cache->oldest = rows->newer;
}

static void link_newest(struct rows_cache *cache, struct cached_rows *rows) {
    rows->newer = NULL;
    rows->older = cache->newest;
    if (cache->newest != NULL)
        cache->newest->newer = rows;
    else
        cache->oldest = rows;
    cache->newest = rows;
}

static void evict_oldest(struct rows_cache *cache) {
    struct cached_rows *rows = cache->oldest;
    struct cached_rows **place = place_of(cache, rows->statement);
    require(*place == rows && cache->bytes >= rows->bytes);
    *place = rows->next_in_bucket;
    cache->oldest = rows->newer;
    if (rows->newer != NULL)
        rows->newer->older = NULL;
    else
        cache->newest = NULL;
    cache->bytes -= rows->bytes;
    rows->bytes = 0; /* its last borrower frees it */
    if (rows->borrowers == 0)
        free_rows(rows);
}

static struct cached_rows *find(struct rows_cache *cache, uint32_t statement) {
    struct cached_rows *found = *place_of(cache, statement);
    if (found != NULL) {
        unlink_age(cache, found);
        link_newest(cache, found);
        found->borrowers++;
    }
    return found;
}

/* What does not fit even alone is its borrower's only. */
static void keep(struct rows_cache *cache, struct cached_rows *rows) {
    size_t bytes = arena_memory(&rows->arena) + sizeof *rows;
    rows->bytes = bytes > ENTRY_BYTES_LEAST ? bytes : ENTRY_BYTES_LEAST;
    if (rows->bytes > cache->bytes_most) {
        rows->bytes = 0;
        return;
    }
    while (cache->bytes + rows->bytes > cache->bytes_most)
        evict_oldest(cache);
    struct cached_rows **place = place_of(cache, rows->statement);
    require(*place == NULL);
    *place = rows;
    link_newest(cache, rows);
    cache->bytes += rows->bytes;
}

/* ---- without ---- */

void rows_cache_deinit(struct rows_cache *cache) {
    while (cache->oldest != NULL) {
        require(cache->oldest->borrowers == 0);
        evict_oldest(cache);
    }
    require(cache->bytes == 0);
    pthread_mutex_destroy(&cache->lock);
}

enum status rows_cache_borrow(struct rows_cache *cache, uint32_t statement,
                              struct cached_rows **rows_out, struct error *error) {
    lock(cache);
    *rows_out = find(cache, statement);
    cache->unpacked += *rows_out == NULL;
    unlock(cache);
    if (*rows_out != NULL)
        return STATUS_OK;
    struct cached_rows *made = memory_alloc_zero(1, sizeof *made);
    made->statement = statement;
    enum status status = cache->unpack(cache->context, made, error);
    if (status != STATUS_OK) {
        free_rows(made);
        return status;
    }
    lock(cache);
    struct cached_rows *other = find(cache, statement); /* unpacked by another thread meanwhile */
    if (other == NULL) {
        made->borrowers = 1;
        keep(cache, made);
    }
    unlock(cache);
    if (other != NULL)
        free_rows(made);
    *rows_out = other != NULL ? other : made;
    return STATUS_OK;
}

void rows_cache_return(struct rows_cache *cache, struct cached_rows *rows) {
    lock(cache);
    require(rows->borrowers > 0);
    bool last = --rows->borrowers == 0 && rows->bytes == 0;
    unlock(cache);
    if (last)
        free_rows(rows);
}

size_t rows_cache_memory(struct rows_cache *cache) {
    lock(cache);
    size_t bytes = cache->bytes;
    unlock(cache);
    return bytes;
}
