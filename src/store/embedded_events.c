/* Events: everything known about a group of them, and their rows.
 *
 * Loading takes two passes: the first computes where everything is and asks the processor for it,
 * the second finds it there, so that a thousand cells at random among ten million cost their misses
 * side by side and not one after the other. */
#include "store/embedded_internal.h"

/* ---- was it heard before? ---- */

/* By the index: a hash that is there is a candidate, its row decides. */
static enum status find_in_index(struct embedded *embedded, const struct event *event,
                                 uint64_t hash, uint64_t *seq_out, struct error *error) {
    size_t slot = SIZE_MAX;
    *seq_out = 0;
    for (uint64_t seq; (seq = keys_next(&embedded->state.keys, hash, &slot)) != 0;) {
        struct journal_row row;
        enum status status = embedded->ops->read_row(embedded->journal, true, seq,
                                                     &embedded->transaction.arena, &row, error);
        if (status == STATUS_NOT_FOUND)
            return error_set(error, STATUS_CORRUPT, "ledger row %llu is missing",
                             (unsigned long long)seq);
        if (status != STATUS_OK)
            return status;
        if (row_is_event(&row, event)) {
            *seq_out = seq;
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

/* This transaction's own slot of the key; made when it is new here. */
static struct key_slot *own_key(struct transaction *t, const struct event *event, uint64_t hash) {
    size_t at;
    for (struct slot *slot = slot_first(&t->keys, hash, &at); slot != NULL;
         slot = slot_after(&t->keys, hash, &at)) {
        struct key_slot *found = (struct key_slot *)(void *)slot;
        if (found->source == event->source && text_equal(found->id, event->id))
            return found;
    }
    struct key_slot *made = slot_add(t, &t->keys, hash, sizeof *made);
    made->source = event->source;
    made->id = arena_copy(&t->arena, event->id);
    return made;
}

static enum status find_seen(struct embedded *embedded, struct event_slot *slot, size_t index,
                             struct group_entry *entry, struct error *error) {
    struct transaction *t = &embedded->transaction;
    const struct event *event = slot->event;
    struct key_slot *key = own_key(t, event, entry->key_hash);
    entry->key = key;
    if (key->seq != 0) {
        slot->seen_seq = key->seq;
        return STATUS_OK;
    }
    enum status status = find_in_index(embedded, event, entry->key_hash, &slot->seen_seq, error);
    if (status == STATUS_OK && slot->seen_seq == 0 &&
        event_effective_at_us(event) < embedded->state.keys_evicted_us)
        status =
            embedded_find_in_chain(embedded, event, entry->cell->cell.head, &slot->seen_seq, error);
    if (key->group == t->groups)
        slot->seen_index = key->index + 1;
    else
        key->index = (uint32_t)index;
    key->group = t->groups;
    return status;
}

/* ---- loading ---- */

static void prefetch(struct embedded *embedded, const struct event *event,
                     struct group_entry *entry) {
    const struct state *state = &embedded->state;
    const struct location *location = locations_find(&state->locations, event->location);
    const struct cell *cell = location_find_cell(location, event->product);
    if (cell != NULL)
        __builtin_prefetch(cell);
    if (event->id.length > 0) {
        entry->key_hash = state_event_hash(state, event->source, event->id);
        keys_prefetch(&state->keys, entry->key_hash);
    }
}

static enum status load_event(struct embedded *embedded, struct event_slot *slot, size_t index,
                              struct group_entry *entry, struct error *error) {
    const struct event *event = slot->event;
    require(event->location != 0 && event->product != 0 && event->source != 0);
    struct cell_slot *cell = transaction_cell(embedded, event->location, event->product);
    entry->cell = cell;
    if (!cell_exists(&cell->cell)) {
        enum status status = embedded_absent_ground(embedded, event->location, event->product,
                                                    &cell->cell.statement, error);
        if (status != STATUS_OK)
            return status;
    }
    slot->seen_seq = 0;
    slot->seen_index = 0;
    slot->ground.cell = &cell->cell;
    slot->ground.statement = embedded->state.statements.heads[cell->cell.statement];
    slot->ground.order_net_milli = NULL;
    slot->ground.acknowledged_at_us = NEVER_US;
    if (event_order_delta_milli(event) != 0) {
        struct order_key key = state_order_key(&embedded->state, event);
        entry->order = transaction_order(embedded, &key);
        slot->ground.order_net_milli = &entry->order->net_milli;
    }
    if (event->standing != STANDS_UNTIL_RESET && slot->ground.statement != NULL)
        slot->ground.acknowledged_at_us =
            embedded_acknowledged_at(embedded, slot->ground.statement->source,
                                     state_document_key(&embedded->state, event->document));
    if (event->id.length == 0)
        return STATUS_OK;
    return find_seen(embedded, slot, index, entry, error);
}

enum status embedded_load_events(struct store *store, struct event_slot *slots, size_t count,
                                 struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct transaction *t = &embedded->transaction;
    transaction_enter(t, TRANSACTION_EVENTS);
    require(count < UINT32_MAX);
    t->groups++;
    t->group = arena_alloc_zero(&t->arena, (count + 1) * sizeof *t->group);
    t->group_slots = slots;
    t->group_count = count;
    for (size_t i = 0; i < count; i++)
        prefetch(embedded, slots[i].event, &t->group[i]);
    for (size_t i = 0; i < count; i++) {
        enum status status = load_event(embedded, &slots[i], i, &t->group[i], error);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* ---- writing ---- */

/* Keeps what a later statement, acknowledgement or copy of the event must find. */
static void remember(struct embedded *embedded, const struct event_slot *slot,
                     struct group_entry *entry) {
    struct transaction *t = &embedded->transaction;
    const struct event *event = slot->event;
    if (entry->key != NULL) {
        entry->key->seq = slot->seq;
        entry->key->effective_at_us = event_effective_at_us(event);
    }
    if (event_on_hand_delta_milli(event) == 0)
        return;
    struct movement_slot *movement = slot_add(t, &t->movements, 0, sizeof *movement);
    movement->pending = state_movement(&embedded->state, event, slot->seq);
    if (document_key_empty(movement->pending.document))
        return;
    struct pending_slot *pending =
        slot_add(t, &t->pendings, movement->pending.document.hash[0], sizeof *pending);
    pending->movement = movement;
}

static enum status write_event(struct embedded *embedded, struct event_slot *slot,
                               struct group_entry *entry, struct error *error) {
    struct transaction *t = &embedded->transaction;
    const struct event_outcome *outcome = &slot->outcome;
    struct cell *cell = &entry->cell->cell;
    struct journal_row row = {
        .seq = t->last_seq + 1,
        .previous = cell->head,
        .type = (int)slot->event->type,
        .status = outcome->status,
        .event = *slot->event,
        .on_hand_change_milli = outcome->on_hand_change_milli,
        .reserved_change_milli = outcome->reserved_change_milli,
        .on_hand_milli = outcome->on_hand_milli,
        .reserved_milli = outcome->reserved_milli,
        .request = slot->request,
    };
    enum status status = embedded->ops->append_row(embedded->journal, &row, error);
    if (status != STATUS_OK)
        return status;
    slot->seq = ++t->last_seq;
    cell->head = slot->seq;
    cell->updated_at_s = seconds_from_us(slot->event->received_at_us);
    entry->cell->dirty = true;
    remember(embedded, slot, entry);
    return STATUS_OK;
}

enum status embedded_write_events(struct store *store, struct event_slot *slots, size_t count,
                                  struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct transaction *t = &embedded->transaction;
    transaction_enter(t, TRANSACTION_EVENTS);
    require(t->group_slots == slots && t->group_count == count);
    for (size_t i = 0; i < count; i++) {
        enum outcome_status outcome = slots[i].outcome.status;
        if (outcome == OUTCOME_REJECTED || outcome == OUTCOME_DUPLICATE)
            continue;
        enum status status = write_event(embedded, &slots[i], &t->group[i], error);
        if (status != STATUS_OK)
            return status;
    }
    t->group_slots = NULL;
    return STATUS_OK;
}
