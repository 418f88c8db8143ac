/* One arena per request or batch: everything in it goes at once.
 *
 * Allocation never fails (running out of memory ends the process, and the ledger brings it back).
 * Memory is aligned for any type and not zeroed unless said so. Not thread-safe. */
#ifndef ONHAND_BASE_ARENA_H
#define ONHAND_BASE_ARENA_H

#include "base/text.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    char *next, *end;
};

void arena_deinit(struct arena *arena);
void arena_reset(struct arena *arena); /* empties, keeps one block for reuse */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_alloc_zero(struct arena *arena, size_t size);
struct text arena_copy(struct arena *arena, struct text text); /* NUL-terminated as a courtesy */
struct text arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

size_t arena_memory(const struct arena *arena); /* bytes taken from the system */

/* malloc family that ends the process when there is no memory left. */
void *memory_alloc(size_t size);
void *memory_alloc_zero(size_t count, size_t size);
void *memory_grow(void *pointer, size_t size);

#endif
