/* Pages of cells and vectors of movements. Nothing here is ever given back while the store is open
 * but the vectors' own growth: cells are not deleted. */
#include "store/state_locations.h"

#include "base/arena.h"

#include <stdlib.h>
#include <sys/mman.h>

#define PAGE_BYTES (CELLS_PER_PAGE * sizeof(struct cell))
#define CHUNK_BYTES ((size_t)2 << 20)
#define CHUNK_PAGES (CHUNK_BYTES / PAGE_BYTES)
#define SMALL_VECTOR 64u
#define SMALL_CHUNK_PAGES 8u /* the first few: a small shop needs no huge page */

_Static_assert(sizeof(struct cell) == 32, "two cells to a cache line");

struct cell_chunk {
    struct cell_chunk *next;
    struct cell *memory;
};

void locations_deinit(struct locations *locations) {
    for (uint32_t i = 0; i < locations->limit; i++) {
        struct location *location = locations->table[i];
        if (location == NULL)
            continue;
        free(location->pages);
        free(location->movements);
        free(location->pendings);
        free(location->statements);
        free(location);
    }
    for (struct cell_chunk *chunk = locations->chunks; chunk != NULL;) {
        struct cell_chunk *next = chunk->next;
        free(chunk->memory);
        free(chunk);
        chunk = next;
    }
    free(locations->table);
    *locations = (struct locations){0};
}

/* Room for one more in a vector that doubles while it is small and then grows by a quarter, since
 * half of the movements' memory must not lie idle; counts the bytes. */
static void *grow(struct locations *locations, void *vector, size_t *capacity, size_t needed,
                  size_t size) {
    if (needed <= *capacity)
        return vector;
    size_t wanted = *capacity < SMALL_VECTOR ? *capacity * 2 : *capacity + *capacity / 4;
    if (wanted < needed)
        wanted = needed + 4;
    locations->memory_bytes += (wanted - *capacity) * size;
    *capacity = wanted;
    return memory_grow(vector, wanted * size);
}

static void *grow_u32(struct locations *locations, void *vector, uint32_t *capacity,
                      uint32_t needed, size_t size) {
    size_t wide = *capacity;
    vector = grow(locations, vector, &wide, needed, size);
    require(wide <= UINT32_MAX);
    *capacity = (uint32_t)wide;
    return vector;
}

struct location *locations_add(struct locations *locations, uint32_t number) {
    require(number != UINT32_MAX);
    if (number >= locations->limit) {
        locations->table = grow_u32(locations, locations->table, &locations->capacity, number + 1,
                                    sizeof *locations->table);
        for (uint32_t i = locations->limit; i <= number; i++)
            locations->table[i] = NULL;
        locations->limit = number + 1;
    }
    if (locations->table[number] == NULL) {
        struct location *location = memory_alloc_zero(1, sizeof *location);
        location->evicted_max_us = EVICTED_NONE_US;
        locations->table[number] = location;
        locations->memory_bytes += sizeof *location;
    }
    return locations->table[number];
}

static struct cell *page_new(struct locations *locations) {
    if (locations->chunk_free == 0) {
        bool small = locations->memory_bytes < CHUNK_BYTES;
        uint32_t pages = small ? SMALL_CHUNK_PAGES : (uint32_t)CHUNK_PAGES;
        struct cell_chunk *chunk = memory_alloc(sizeof *chunk);
        chunk->memory = aligned_alloc(small ? 64 : CHUNK_BYTES, pages * PAGE_BYTES);
        require(chunk->memory != NULL);
        if (!small)
            (void)madvise(chunk->memory, CHUNK_BYTES, MADV_HUGEPAGE); /* a wish, no more */
        chunk->next = locations->chunks;
        locations->chunks = chunk;
        locations->chunk_free = pages;
        locations->memory_bytes += pages * PAGE_BYTES + sizeof *chunk;
    }
    locations->chunk_free--;
    struct cell *page = locations->chunks->memory + (size_t)locations->chunk_free * CELLS_PER_PAGE;
    memset(page, 0, PAGE_BYTES);
    return page;
}

struct cell *location_add_cell(struct locations *locations, struct location *location,
                               uint32_t product) {
    require(product != UINT32_MAX);
    uint32_t page = product / CELLS_PER_PAGE;
    if (page >= location->page_count) {
        size_t capacity = location->page_count;
        location->pages =
            grow(locations, location->pages, &capacity, page + 1, sizeof *location->pages);
        for (size_t i = location->page_count; i < capacity; i++)
            location->pages[i] = NULL;
        location->page_count = (uint32_t)capacity;
    }
    if (location->pages[page] == NULL)
        location->pages[page] = page_new(locations);
    if (product >= location->product_limit)
        location->product_limit = product + 1;
    return &location->pages[page][product % CELLS_PER_PAGE];
}

void location_add_movement(struct locations *locations, struct location *location,
                           const struct movement *movement) {
    require(movement->delta_milli != 0);
    location->movements = grow(locations, location->movements, &location->movement_capacity,
                               location->movement_count + 1, sizeof *location->movements);
    location->movements[location->movement_count++] = *movement;
}

void location_add_pending(struct locations *locations, struct location *location, uint32_t number) {
    location->pendings = grow_u32(locations, location->pendings, &location->pending_capacity,
                                  location->pending_count + 1, sizeof *location->pendings);
    location->pendings[location->pending_count++] = number;
}

void location_add_statement(struct locations *locations, struct location *location,
                            const struct statement *const *statements, uint32_t id) {
    location->statements = grow_u32(locations, location->statements, &location->statement_capacity,
                                    location->statement_count + 1, sizeof *location->statements);
    uint32_t at = location->statement_count++;
    for (; at > 0; at--) {
        uint32_t before = location->statements[at - 1];
        if (statement_is_newer(statements[id], statements[before]))
            break;
        location->statements[at] = before;
    }
    location->statements[at] = id;
}

uint64_t location_count_cells(const struct location *location) {
    uint64_t count = 0;
    for (uint32_t page = 0; page < location->page_count; page++) {
        const struct cell *cells = location->pages[page];
        for (uint32_t i = 0; cells != NULL && i < CELLS_PER_PAGE; i++)
            count += cell_exists(&cells[i]);
    }
    return count;
}

void location_clear_cells(struct location *location) {
    for (uint32_t page = 0; page < location->page_count; page++) {
        if (location->pages[page] != NULL)
            memset(location->pages[page], 0, PAGE_BYTES);
    }
}
