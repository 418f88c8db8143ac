/* What is in memory per location: cells in pages, and the movements a later statement must know.
 *
 * Ten million cells are looked up at random, so a cell costs one cache miss: pages never move, are
 * aligned so that no cell straddles two cache lines, and come from huge pages where the system has
 * them. Not thread-safe: embedded.c's lock says who may look and who may change. */
#ifndef ONHAND_STORE_STATE_LOCATIONS_H
#define ONHAND_STORE_STATE_LOCATIONS_H

#include "core/cell.h"

#define EVICTED_NONE_US INT64_MIN
#define EVICTED_SOURCES_MIXED UINT32_MAX

struct location {
    struct cell **pages;
    uint32_t page_count;
    uint32_t product_limit; /* 1 + highest product with a page asked for */
    uint64_t changed_seq;   /* last change of a cell */
    uint64_t saved_seq;     /* of the checkpoint's blob; 0: there is none */
    /* On-hand movements that stand until a reset, in order of sequence. */
    struct movement *movements;
    size_t movement_count, movement_capacity;
    /* Numbers of pending movements (state_documents.h), in order of sequence. */
    uint32_t *pendings;
    uint32_t pending_count, pending_capacity;
    /* Statements of the location, the newest (statement_is_newer) last. */
    uint32_t *statements;
    uint32_t statement_count, statement_capacity;
    /* Of the movements that left memory: until when a statement might not cover them all, and who
     * acknowledged the pending ones (0: none left, or EVICTED_SOURCES_MIXED). */
    int64_t evicted_max_us;
    uint32_t evicted_source;
};

struct cell_chunk;

/* table[n] may be NULL below `limit`. */
struct locations {
    struct location **table;
    uint32_t limit, capacity;
    struct cell_chunk *chunks; /* memory of the pages */
    uint32_t chunk_free;       /* pages left in the first chunk */
    uint64_t memory_bytes;
    uint64_t cell_count; /* existing ones; kept by who makes them */
};

void locations_deinit(struct locations *locations);
/* Made when it is not there yet. */
struct location *locations_add(struct locations *locations, uint32_t number);

static inline struct location *locations_find(const struct locations *locations, uint32_t number) {
    return number < locations->limit ? locations->table[number] : NULL;
}

static inline struct cell *location_find_cell(const struct location *location, uint32_t product) {
    uint32_t page = product / CELLS_PER_PAGE;
    if (location == NULL || page >= location->page_count || location->pages[page] == NULL)
        return NULL;
    return &location->pages[page][product % CELLS_PER_PAGE];
}

/* Made, all zero, when it is not there yet. */
struct cell *location_add_cell(struct locations *locations, struct location *location,
                               uint32_t product);
void location_add_movement(struct locations *locations, struct location *location,
                           const struct movement *movement);
void location_add_pending(struct locations *locations, struct location *location, uint32_t number);
void location_add_statement(struct locations *locations, struct location *location,
                            const struct statement *const *statements, uint32_t id);
uint64_t location_count_cells(const struct location *location);

/* Forgets all cells (a damaged checkpoint is rebuilt from the ledger). */
void location_clear_cells(struct location *location);

#endif
