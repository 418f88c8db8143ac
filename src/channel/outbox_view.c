/* Looking at an outbox: one cell, its counts, when it wants attention; and its invariants. */
#include "base/arena.h"
#include "channel/outbox_internal.h"

bool outbox_look(const struct outbox *outbox, struct outbox_ref ref, struct outbox_view *view_out) {
    const struct slot *slot = table_find(outbox, ref.place, ref.product);
    const struct work *work = work_of(outbox, slot);
    if (slot == NULL || (slot->told_milli == CHANNEL_UNKNOWN_MILLI && work == NULL)) {
        return false;
    }
    *view_out = (struct outbox_view){.wanted_milli = slot->told_milli,
                                     .told_milli = slot->told_milli,
                                     .sent_milli = slot->told_milli,
                                     .wanted_version = slot->version,
                                     .told_version = slot->version,
                                     .sent_version = slot->version,
                                     .told_request = slot->request,
                                     .sent_request = slot->request,
                                     .told_at_us = (int64_t)slot->told_at_s * US_PER_SECOND,
                                     .sent_at_us = (int64_t)slot->told_at_s * US_PER_SECOND};
    if (work != NULL) {
        view_out->state = (enum outbox_state)work->state;
        view_out->wanted_milli = work->wanted_milli;
        view_out->wanted_version = work->wanted_version;
        view_out->since_us = work->since_us;
        view_out->due_us = work->due_us;
        view_out->attempts = work->attempts;
        view_out->hinted = work->hinted;
        view_out->words = text_from(work->words);
        if (work->request != 0) {
            view_out->sent_milli = work->sent_milli;
            view_out->sent_version = work->sent_version;
            view_out->sent_request = work->request;
            view_out->sent_at_us = work->sent_at_us;
        }
    }
    return true;
}

uint64_t outbox_count(const struct outbox *outbox, enum outbox_state state) {
    return outbox->counts[state];
}

static bool is_pending(enum outbox_state state) {
    return state == OUTBOX_WANTING || state == OUTBOX_HELD || state == OUTBOX_SENDING ||
           state == OUTBOX_LATER || state == OUTBOX_UNCERTAIN;
}

uint64_t outbox_pending(const struct outbox *outbox) {
    uint64_t pending = 0;
    for (unsigned i = 0; i < OUTBOX_STATE_COUNT; i++) {
        pending += is_pending((enum outbox_state)i) ? outbox->counts[i] : 0;
    }
    return pending;
}

uint64_t outbox_told_count(const struct outbox *outbox) {
    return outbox->told_count;
}

int64_t outbox_oldest_us(const struct outbox *outbox) {
    int64_t oldest_us = 0;
    if (outbox_pending(outbox) == 0) {
        return 0;
    }
    for (uint32_t i = 1; i <= outbox->work_count; i++) {
        const struct work *work = &outbox->works[i];
        if (is_pending((enum outbox_state)work->state) && work->state != OUTBOX_HELD &&
            (oldest_us == 0 || work->since_us < oldest_us)) {
            oldest_us = work->since_us;
        }
    }
    return oldest_us;
}

int64_t outbox_next_due_us(const struct outbox *outbox) {
    const struct work *work = heap_first(outbox, HEAP_TIMED);
    return work != NULL ? work->due_us : NEVER_US;
}

int64_t outbox_next_doubt_us(const struct outbox *outbox) {
    const struct work *work = heap_first(outbox, HEAP_DOUBT);
    return work != NULL ? work->due_us : NEVER_US;
}

size_t outbox_memory(const struct outbox *outbox) {
    size_t bytes = outbox->page_count * sizeof(struct slot_page) +
                   outbox->work_capacity * sizeof(struct work) + outbox->journal.capacity;
    for (unsigned i = 0; i < HEAP_COUNT; i++) {
        bytes += outbox->heaps[i].capacity * sizeof(uint32_t);
    }
    return bytes;
}

void outbox_each_told(const struct outbox *outbox, uint32_t place, outbox_visitor *visit,
                      void *context) {
    if (place >= outbox->place_count) {
        return;
    }
    for (uint32_t k = 0; k < outbox->places[place].page_count; k++) {
        const struct slot_page *page = outbox->places[place].pages[k];
        for (uint32_t p = 0; page != NULL && p < PAGE_PRODUCTS; p++) {
            if (page->slots[p].told_milli != CHANNEL_UNKNOWN_MILLI) {
                visit(context, place, k * PAGE_PRODUCTS + p);
            }
        }
    }
}

/* ---- invariants ---- */

static void check_heap(const struct outbox *outbox, enum heap_kind kind) {
    const struct heap *heap = &outbox->heaps[kind];
    for (size_t i = 0; i < heap->count; i++) {
        const struct work *work = &outbox->works[heap->items[i]];
        require(work->heap == kind && work->heap_index == i);
        if (i > 0) {
            const struct work *parent = &outbox->works[heap->items[(i - 1) / 2]];
            require(kind == HEAP_READY ? parent->rank <= work->rank
                                       : parent->due_us <= work->due_us);
        }
    }
}

void outbox_check(const struct outbox *outbox) {
    uint64_t counts[OUTBOX_STATE_COUNT] = {0}, told = 0;
    for (uint32_t i = 1; i <= outbox->work_count; i++) {
        const struct work *work = &outbox->works[i];
        if (work->state != OUTBOX_CLEAN) {
            const struct slot *slot = table_find(outbox, work->place, work->product);
            require(slot != NULL && slot->work == i);
            counts[work->state]++;
        }
    }
    for (unsigned i = 1; i < OUTBOX_STATE_COUNT; i++) {
        require(counts[i] == outbox->counts[i]);
    }
    for (uint32_t i = 0; i < outbox->place_count; i++) {
        for (uint32_t k = 0; k < outbox->places[i].page_count; k++) {
            const struct slot_page *page = outbox->places[i].pages[k];
            for (uint32_t p = 0; page != NULL && p < PAGE_PRODUCTS; p++) {
                told += page->slots[p].told_milli != CHANNEL_UNKNOWN_MILLI;
            }
        }
    }
    require(told == outbox->told_count);
    check_heap(outbox, HEAP_READY);
    check_heap(outbox, HEAP_TIMED);
    check_heap(outbox, HEAP_DOUBT);
}
