/* Arenas and the malloc family that does not fail.
 *
 * Blocks double up to a bound, so that a request costs one or two of them; what is larger than a
 * quarter of a block gets a block of its own behind the current one, whose rest stays in use.
 * Under AddressSanitizer what is not handed out is poisoned: a use after arena_reset is seen. */
#include "base/arena.h"

#include "base/log.h"
#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif

#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

#define ARENA_ALIGNMENT 16
#define ARENA_FIRST_SIZE ((size_t)4096)
#define ARENA_LARGEST_SIZE ((size_t)1 << 20)

struct arena_block {
    struct arena_block *previous;
    size_t size; /* of the data that follows */
};

_Static_assert(sizeof(struct arena_block) % ARENA_ALIGNMENT == 0, "data behind it is aligned");

static char *block_data(struct arena_block *block) {
    return (char *)(block + 1);
}

static struct arena_block *block_new(size_t size) {
    struct arena_block *block = memory_alloc(sizeof *block + size);
    block->previous = NULL;
    block->size = size;
    ASAN_POISON_MEMORY_REGION(block_data(block), size);
    return block;
}

static void block_free(struct arena_block *block) {
    ASAN_UNPOISON_MEMORY_REGION(block_data(block), block->size);
    free(block);
}

static void arena_use(struct arena *arena, struct arena_block *block) {
    arena->head = block;
    arena->next = block_data(block);
    arena->end = arena->next + block->size;
}

void arena_deinit(struct arena *arena) {
    struct arena_block *block = arena->head;
    while (block != NULL) {
        struct arena_block *previous = block->previous;
        block_free(block);
        block = previous;
    }
    *arena = (struct arena){0};
}

/* Keeps the largest block of ordinary size: one huge request must not hold its memory for ever. */
void arena_reset(struct arena *arena) {
    struct arena_block *kept = NULL;
    struct arena_block *block = arena->head;
    while (block != NULL) {
        struct arena_block *previous = block->previous;
        struct arena_block *gone = block;
        if (block->size <= ARENA_LARGEST_SIZE && (kept == NULL || block->size > kept->size)) {
            gone = kept;
            kept = block;
        }
        if (gone != NULL) {
            block_free(gone);
        }
        block = previous;
    }
    *arena = (struct arena){0};
    if (kept != NULL) {
        kept->previous = NULL;
        ASAN_POISON_MEMORY_REGION(block_data(kept), kept->size);
        arena_use(arena, kept);
    }
}

/* `size` is what was asked for, rounded up. */
static void *arena_alloc_slow(struct arena *arena, size_t size) {
    size_t usual = arena->head == NULL ? ARENA_FIRST_SIZE : 2 * arena->head->size;
    if (usual > ARENA_LARGEST_SIZE) {
        usual = ARENA_LARGEST_SIZE;
    }
    if (arena->head != NULL && size > usual / 4) {
        struct arena_block *own = block_new(size);
        own->previous = arena->head->previous;
        arena->head->previous = own;
        return block_data(own);
    }
    struct arena_block *block = block_new(size > usual ? size : usual);
    block->previous = arena->head;
    arena_use(arena, block);
    arena->next += size;
    return block_data(block);
}

void *arena_alloc(struct arena *arena, size_t size) {
    require(size < PTRDIFF_MAX / 2);
    size_t rounded = (size + (ARENA_ALIGNMENT - 1)) & ~(size_t)(ARENA_ALIGNMENT - 1);
    void *memory = arena->next;
    if (memory == NULL || rounded > (size_t)(arena->end - arena->next)) {
        memory = arena_alloc_slow(arena, rounded);
    } else {
        arena->next += rounded;
    }
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
    return memory;
}

void *arena_alloc_zero(struct arena *arena, size_t size) {
    return memset(arena_alloc(arena, size), 0, size);
}

struct text arena_copy(struct arena *arena, struct text text) {
    char *copy = arena_alloc(arena, text.length + 1);
    if (text.length > 0) {
        memcpy(copy, text.data, text.length);
    }
    copy[text.length] = '\0';
    return (struct text){copy, text.length};
}

struct text arena_format(struct arena *arena, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    require(length >= 0);
    char *out = arena_alloc(arena, (size_t)length + 1);
    (void)vsnprintf(out, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return (struct text){out, (size_t)length};
}

size_t arena_memory(const struct arena *arena) {
    size_t total = 0;
    for (const struct arena_block *block = arena->head; block != NULL; block = block->previous) {
        total += sizeof *block + block->size;
    }
    return total;
}

static _Noreturn void memory_exhausted(size_t size) {
    log_error("out of memory", "bytes=%zu", size);
    abort();
}

void *memory_alloc(size_t size) {
    void *memory = malloc(size > 0 ? size : 1);
    if (memory == NULL) {
        memory_exhausted(size);
    }
    return memory;
}

void *memory_alloc_zero(size_t count, size_t size) {
    void *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
    if (memory == NULL) {
        memory_exhausted(size > 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size);
    }
    return memory;
}

void *memory_grow(void *pointer, size_t size) {
    void *memory = realloc(pointer, size > 0 ? size : 1);
    if (memory == NULL) {
        memory_exhausted(size);
    }
    return memory;
}
