/* Names told once: an open table of numbers over an array of texts.
 *
 * A slot holds the number and 32 bits of the hash. The bits settle nearly every comparison without
 * touching the text, and let the table grow without hashing anything again. Nothing is ever
 * removed, so there are no tombstones and a text's number and address last as long as the set. */
#include "base/intern.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/status.h"

#include <stdlib.h>

#define FIRST_SLOTS 64

struct slot {
    uint32_t tag;    /* the lower half of the hash */
    uint32_t number; /* 0: free */
};

/* count <= 3/4 of the slots, so a probe always ends; slot_count is a power of two. */
struct intern {
    struct slot *slots;
    size_t slot_count;
    struct text *texts; /* number n is at n - 1 */
    uint32_t count;
    uint32_t capacity;
    struct arena arena;
};

struct intern *intern_new(void) {
    struct intern *set = memory_alloc_zero(1, sizeof *set);
    set->slot_count = FIRST_SLOTS;
    set->slots = memory_alloc_zero(set->slot_count, sizeof *set->slots);
    return set;
}

void intern_free(struct intern *set) {
    if (set != NULL) {
        arena_deinit(&set->arena);
        free(set->texts);
        free(set->slots);
        free(set);
    }
}

/* The slot that holds the text, or the free one where it belongs. */
static struct slot *slot_find(const struct intern *set, struct text text, uint32_t tag) {
    size_t mask = set->slot_count - 1;
    for (size_t i = tag & mask;; i = (i + 1) & mask) {
        struct slot *slot = &set->slots[i];
        if (slot->number == 0 ||
            (slot->tag == tag && text_equal(set->texts[slot->number - 1], text))) {
            return slot;
        }
    }
}

uint32_t intern_find(const struct intern *set, struct text text) {
    return slot_find(set, text, (uint32_t)hash_text(text))->number;
}

static void slots_grow(struct intern *set) {
    size_t count = set->slot_count * 2;
    struct slot *slots = memory_alloc_zero(count, sizeof *slots);
    for (size_t old = 0; old < set->slot_count; old++) {
        if (set->slots[old].number == 0) {
            continue;
        }
        size_t i = set->slots[old].tag & (count - 1);
        while (slots[i].number != 0) {
            i = (i + 1) & (count - 1);
        }
        slots[i] = set->slots[old];
    }
    free(set->slots);
    set->slots = slots;
    set->slot_count = count;
}

uint32_t intern_add(struct intern *set, struct text text) {
    uint32_t tag = (uint32_t)hash_text(text);
    struct slot *slot = slot_find(set, text, tag);
    if (slot->number != 0) {
        return slot->number;
    }
    require(set->count < UINT32_MAX / 2);
    if ((size_t)set->count + 1 > set->slot_count / 4 * 3) {
        slots_grow(set);
        slot = slot_find(set, text, tag);
    }
    if (set->count == set->capacity) {
        set->capacity = set->capacity > 0 ? set->capacity * 2 : FIRST_SLOTS;
        set->texts = memory_grow(set->texts, set->capacity * sizeof *set->texts);
    }
    set->texts[set->count++] = arena_copy(&set->arena, text);
    *slot = (struct slot){tag, set->count};
    return set->count;
}

struct text intern_text(const struct intern *set, uint32_t number) {
    require(number >= 1 && number <= set->count);
    return set->texts[number - 1];
}

uint32_t intern_count(const struct intern *set) {
    return set->count;
}

size_t intern_memory(const struct intern *set) {
    return sizeof *set + set->slot_count * sizeof *set->slots + set->capacity * sizeof *set->texts +
           arena_memory(&set->arena);
}
