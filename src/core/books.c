/* The books of one cell, recomputed. It shares no code with core/cell.c on purpose: it is the
 * second opinion, written from the sentences of the rule, that verify and the tests rely on. */
#include "core/books.h"

#include "base/quantity.h"

/* Read from the event itself and not through event_on_hand_delta_milli: a second opinion. */
static int64_t on_hand_delta_milli(const struct event *event) {
    if (event->acknowledges.length > 0)
        return 0;
    switch (event->type) {
    case EVENT_RESERVATION:
    case EVENT_RELEASE:
        return 0;
    default:
        return event->delta_milli;
    }
}

static int64_t order_delta_milli(const struct event *event) {
    if (event->acknowledges.length > 0)
        return 0;
    int64_t size_milli = event->delta_milli > 0 ? event->delta_milli : -event->delta_milli;
    switch (event->type) {
    case EVENT_RESERVATION:
        return size_milli;
    case EVENT_RELEASE:
    case EVENT_SHIPMENT:
        return -size_milli;
    default:
        return 0;
    }
}

static int64_t effective_at_us(const struct event *event) {
    if (event->occurred_at_us > event->received_at_us)
        return event->received_at_us;
    return event->occurred_at_us;
}

static bool covered_when_known(const struct cell_history *history, const struct statement *s,
                               const struct event *event, int64_t known_at_us) {
    bool by_acknowledgement = event->standing == STANDS_UNTIL_ACKNOWLEDGED;
    if (event->standing == STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS)
        by_acknowledgement = event->source != s->source;
    if (by_acknowledgement) {
        if (event->document.length == 0)
            return false; /* nothing that anybody could acknowledge */
        int64_t at_us = history->acknowledged.find(history->acknowledged.context, s->source,
                                                   event->document, known_at_us);
        return at_us < NEVER_US && at_us <= s->as_of_us;
    }
    for (uint32_t i = 0; i < s->through_count; i++) {
        if (event->register_id != 0 && s->through[i].register_id == event->register_id)
            return event->register_sequence <= s->through[i].through;
    }
    return effective_at_us(event) <= s->as_of_us;
}

/* The newest statement as of `at_us` or before, among those that stood at known_at_us. */
static const struct statement_word *find_ground(const struct cell_history *history, int64_t at_us,
                                                int64_t known_at_us) {
    const struct statement_word *best = NULL;
    for (size_t i = 0; i < history->word_count; i++) {
        const struct statement_word *word = &history->words[i];
        if (word->applied_at_us == NEVER_US || word->applied_at_us > known_at_us)
            continue;
        if (word->rolled_back_at_us != NEVER_US && word->rolled_back_at_us <= known_at_us)
            continue;
        const struct statement *s = word->statement;
        if (s->as_of_us > at_us)
            continue;
        if (best == NULL || s->as_of_us > best->statement->as_of_us ||
            (s->as_of_us == best->statement->as_of_us && s->id > best->statement->id))
            best = word;
    }
    return best;
}

static bool counts(const struct ledger_entry *entry, int64_t at_us, int64_t known_at_us) {
    return entry->kind == LEDGER_EVENT && entry->event.received_at_us <= known_at_us &&
           effective_at_us(&entry->event) <= at_us;
}

static void sift_down(const struct ledger_entry *entries, uint32_t *heap, size_t root, size_t end) {
    for (size_t child; (child = 2 * root + 1) < end; root = child) {
        if (child + 1 < end && text_compare(entries[heap[child]].event.order,
                                            entries[heap[child + 1]].event.order) < 0)
            child++;
        if (text_compare(entries[heap[root]].event.order, entries[heap[child]].event.order) >= 0)
            return;
        uint32_t moved = heap[root];
        heap[root] = heap[child];
        heap[child] = moved;
    }
}

/* Heap sort: needs no memory and has no bad case, however many orders a cell has seen. */
static void sort_by_order(const struct ledger_entry *entries, uint32_t *indexes, size_t count) {
    for (size_t i = count / 2; i-- > 0;)
        sift_down(entries, indexes, i, count);
    for (size_t end = count; end-- > 1;) {
        uint32_t last = indexes[0];
        indexes[0] = indexes[end];
        indexes[end] = last;
        sift_down(entries, indexes, 0, end);
    }
}

/* Sum over orders of max(0, reserved - released - shipped). */
static enum status sum_reserved(const struct cell_history *history, int64_t at_us,
                                int64_t known_at_us, uint32_t *scratch, int64_t *reserved_out) {
    const struct ledger_entry *entries = history->entries;
    size_t count = 0;
    for (size_t i = 0; i < history->entry_count; i++) {
        if (counts(&entries[i], at_us, known_at_us) && order_delta_milli(&entries[i].event) != 0)
            scratch[count++] = (uint32_t)i;
    }
    sort_by_order(entries, scratch, count);
    *reserved_out = 0;
    for (size_t i = 0; i < count;) {
        struct text order = entries[scratch[i]].event.order;
        int64_t net_milli = 0;
        for (; i < count && text_equal(entries[scratch[i]].event.order, order); i++) {
            enum status status =
                balance_add(net_milli, order_delta_milli(&entries[scratch[i]].event), &net_milli);
            if (status != STATUS_OK)
                return status;
        }
        enum status status =
            balance_add(*reserved_out, net_milli > 0 ? net_milli : 0, reserved_out);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status books_figures(const struct cell_history *history, int64_t at_us, int64_t known_at_us,
                          uint32_t *scratch, struct cell_figures *figures_out) {
    require(history->entry_count <= UINT32_MAX);
    const struct statement_word *ground = find_ground(history, at_us, known_at_us);
    int64_t on_hand_milli = ground != NULL ? ground->stated.quantity_milli : 0;
    for (size_t i = 0; i < history->entry_count; i++) {
        const struct ledger_entry *entry = &history->entries[i];
        if (!counts(entry, at_us, known_at_us))
            continue;
        int64_t delta_milli = on_hand_delta_milli(&entry->event);
        if (delta_milli == 0 || (ground != NULL && covered_when_known(history, ground->statement,
                                                                      &entry->event, known_at_us)))
            continue;
        enum status status = balance_add(on_hand_milli, delta_milli, &on_hand_milli);
        if (status != STATUS_OK)
            return status;
    }
    int64_t reserved_milli;
    enum status status = sum_reserved(history, at_us, known_at_us, scratch, &reserved_milli);
    if (status != STATUS_OK)
        return status;
    *figures_out = (struct cell_figures){
        .on_hand_milli = on_hand_milli, .reserved_milli = reserved_milli, .word = ground};
    return STATUS_OK;
}

bool books_covers(const struct cell_history *history, const struct statement_word *word,
                  const struct event *event) {
    require(word != NULL && event != NULL);
    return covered_when_known(history, word->statement, event, NEVER_US);
}
