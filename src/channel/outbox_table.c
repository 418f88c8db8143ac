/* The outbox's memory: pages of cells by place and product, works, and heaps of works.
 *
 * Works are numbered, not pointed to, so that a cell needs four bytes to know its own, and the
 * array may grow. A pointer to a work is good until the next one is added. */
#include <stdlib.h>

#include "base/arena.h"
#include "channel/outbox_internal.h"

#define WORKS_KEPT 4096u

/* ---- cells ---- */

struct slot *table_find(const struct outbox *outbox, uint32_t place, uint32_t product) {
    uint32_t page = product / PAGE_PRODUCTS;
    if (place >= outbox->place_count || page >= outbox->places[place].page_count ||
        outbox->places[place].pages[page] == NULL) {
        return NULL;
    }
    return &outbox->places[place].pages[page]->slots[product % PAGE_PRODUCTS];
}

static struct outbox_place *add_place(struct outbox *outbox, uint32_t place) {
    if (place >= outbox->place_count) {
        uint32_t count = place + 1;
        outbox->places = memory_grow(outbox->places, count * sizeof(*outbox->places));
        for (uint32_t i = outbox->place_count; i < count; i++) {
            outbox->places[i] = (struct outbox_place){0};
        }
        outbox->place_count = count;
    }
    return &outbox->places[place];
}

struct slot *table_add(struct outbox *outbox, uint32_t place, uint32_t product) {
    struct outbox_place *at = add_place(outbox, place);
    uint32_t page = product / PAGE_PRODUCTS;
    if (page >= at->page_count) {
        uint32_t count = page < 8 ? 8 : page + page / 2;
        at->pages = memory_grow(at->pages, count * sizeof(*at->pages));
        for (uint32_t i = at->page_count; i < count; i++) {
            at->pages[i] = NULL;
        }
        at->page_count = count;
    }
    if (at->pages[page] == NULL) {
        at->pages[page] = memory_alloc_zero(1, sizeof(**at->pages));
        for (uint32_t i = 0; i < PAGE_PRODUCTS; i++) {
            at->pages[page]->slots[i].told_milli = CHANNEL_UNKNOWN_MILLI;
        }
        outbox->page_count++;
    }
    return &at->pages[page]->slots[product % PAGE_PRODUCTS];
}

void table_touch(struct outbox *outbox, const struct work *work) {
    outbox->places[work->place].pages[work->product / PAGE_PRODUCTS]->dirty = true;
}

/* ---- heaps ---- */

/* Whether a comes before b: by rank and age where it is to be sent, else by when it is due. */
static bool is_before(const struct work *a, const struct work *b) {
    if (a->heap != HEAP_READY) {
        return a->due_us < b->due_us;
    }
    return a->rank != b->rank ? a->rank < b->rank : a->since_us < b->since_us;
}

static void heap_put(struct outbox *outbox, struct heap *heap, size_t at, uint32_t item) {
    heap->items[at] = item;
    outbox->works[item].heap_index = (uint32_t)at;
}

static void heap_up(struct outbox *outbox, struct heap *heap, size_t at) {
    uint32_t item = heap->items[at];
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!is_before(&outbox->works[item], &outbox->works[heap->items[parent]])) {
            break;
        }
        heap_put(outbox, heap, at, heap->items[parent]);
        at = parent;
    }
    heap_put(outbox, heap, at, item);
}

static void heap_down(struct outbox *outbox, struct heap *heap, size_t at) {
    uint32_t item = heap->items[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < heap->count &&
            is_before(&outbox->works[heap->items[child + 1]], &outbox->works[heap->items[child]])) {
            child++;
        }
        if (child >= heap->count ||
            !is_before(&outbox->works[heap->items[child]], &outbox->works[item])) {
            break;
        }
        heap_put(outbox, heap, at, heap->items[child]);
        at = child;
    }
    heap_put(outbox, heap, at, item);
}

static void heap_remove(struct outbox *outbox, struct work *work) {
    if (work->heap == HEAP_NONE) {
        return;
    }
    struct heap *heap = &outbox->heaps[work->heap];
    size_t at = work->heap_index;
    require(at < heap->count && &outbox->works[heap->items[at]] == work);
    uint32_t last = heap->items[--heap->count];
    if (at < heap->count) {
        heap_put(outbox, heap, at, last);
        heap_up(outbox, heap, at);
        heap_down(outbox, heap, outbox->works[last].heap_index);
    }
    work->heap = HEAP_NONE;
}

static void heap_add(struct outbox *outbox, enum heap_kind kind, struct work *work) {
    struct heap *heap = &outbox->heaps[kind];
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? 64 : heap->capacity * 2;
        heap->items = memory_grow(heap->items, heap->capacity * sizeof(*heap->items));
    }
    work->heap = (uint8_t)kind;
    heap->items[heap->count] = (uint32_t)(work - outbox->works);
    heap_up(outbox, heap, heap->count++);
}

struct work *heap_first(const struct outbox *outbox, enum heap_kind kind) {
    const struct heap *heap = &outbox->heaps[kind];
    return heap->count > 0 ? &outbox->works[heap->items[0]] : NULL;
}

/* ---- works ---- */

struct work *work_of(const struct outbox *outbox, const struct slot *slot) {
    return slot != NULL && slot->work != 0 ? &outbox->works[slot->work] : NULL;
}

struct work *work_add(struct outbox *outbox, uint32_t place, uint32_t product, int64_t now_us) {
    struct slot *slot = table_add(outbox, place, product);
    require(slot->work == 0);
    uint32_t index = outbox->free_work;
    if (index != 0) {
        outbox->free_work = outbox->works[index].next_free;
    } else {
        if (outbox->work_count + 1 >= outbox->work_capacity) {
            outbox->work_capacity = outbox->work_capacity == 0 ? 256 : outbox->work_capacity * 2;
            outbox->works =
                memory_grow(outbox->works, outbox->work_capacity * sizeof(*outbox->works));
        }
        index = ++outbox->work_count;
    }
    outbox->works[index] = (struct work){.place = place,
                                         .product = product,
                                         .wanted_milli = CHANNEL_UNKNOWN_MILLI,
                                         .sent_milli = CHANNEL_UNKNOWN_MILLI,
                                         .since_us = now_us};
    slot->work = index;
    outbox->works_used++;
    return &outbox->works[index];
}

/* After a great many at once (a first start, a resync) their memory goes back. */
static void release_works(struct outbox *outbox) {
    free(outbox->works);
    outbox->works = NULL;
    outbox->work_count = outbox->work_capacity = outbox->free_work = 0;
    for (unsigned i = 0; i < HEAP_COUNT; i++) {
        require(outbox->heaps[i].count == 0);
        free(outbox->heaps[i].items);
        outbox->heaps[i] = (struct heap){0};
    }
}

void work_drop(struct outbox *outbox, struct work *work) {
    struct slot *slot = table_find(outbox, work->place, work->product);
    uint32_t index = (uint32_t)(work - outbox->works);
    require(slot != NULL && slot->work == index);
    work_set_state(outbox, work, OUTBOX_CLEAN, 0);
    free(work->words);
    *work = (struct work){.next_free = outbox->free_work};
    outbox->free_work = index;
    slot->work = 0;
    if (--outbox->works_used == 0 && outbox->work_capacity > WORKS_KEPT) {
        release_works(outbox);
    }
}

static enum heap_kind heap_of(enum outbox_state state, int64_t due_us) {
    switch (state) {
    case OUTBOX_WANTING:
        return HEAP_READY;
    case OUTBOX_HELD:
    case OUTBOX_LATER:
    case OUTBOX_UNMAPPED:
        return due_us == NEVER_US ? HEAP_NONE : HEAP_TIMED;
    case OUTBOX_UNCERTAIN:
    case OUTBOX_VERIFYING:
        return HEAP_DOUBT;
    case OUTBOX_CLEAN:
    case OUTBOX_SENDING:
    case OUTBOX_PARKED:
    case OUTBOX_STATE_COUNT:
        break;
    }
    return HEAP_NONE;
}

void work_set_state(struct outbox *outbox, struct work *work, enum outbox_state state,
                    int64_t due_us) {
    heap_remove(outbox, work);
    if (work->state != OUTBOX_CLEAN) {
        require(outbox->counts[work->state] > 0);
        outbox->counts[work->state]--;
    }
    work->state = (uint8_t)state;
    work->due_us = due_us;
    if (state == OUTBOX_CLEAN) {
        return;
    }
    outbox->counts[state]++;
    enum heap_kind kind = heap_of(state, due_us);
    if (kind != HEAP_NONE) {
        heap_add(outbox, kind, work);
    }
}

void work_set_words(struct work *work, struct text words) {
    size_t length = words.length < CHANNEL_WORDS_MAX ? words.length : CHANNEL_WORDS_MAX;
    free(work->words);
    work->words = NULL;
    if (length > 0) {
        work->words = memory_alloc(length + 1);
        for (size_t i = 0; i < length; i++) {
            unsigned char c = (unsigned char)words.data[i];
            work->words[i] = (char)(c < ' ' || c == 0x7f ? ' ' : c); /* a line is a record */
        }
        work->words[length] = '\0';
    }
}
