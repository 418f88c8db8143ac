/* State as a whole: the hashes its parts share, and where a movement belongs. */
#include "store/embedded_internal.h"

#include "base/hash.h"

#include <stdlib.h>

/* Two hashes of one text must differ in their seeds. */
#define SEED_SECOND UINT64_C(0x632be59bd9b4e019)
#define SEED_ORDER UINT64_C(0x2545f4914f6cdd1d)
#define SEED_SOURCE UINT64_C(0x9e3779b97f4a7c15)

void state_init(struct state *state) {
    *state = (struct state){.keys_evicted_us = INT64_MIN};
    keys_init(&state->keys);
    orders_init(&state->orders);
    documents_init(&state->documents);
    statements_init(&state->statements);
    /* Drawn once and kept with the checkpoint, which is why it is not the process's own seed. */
    state->key_seed = hash_text(TEXT("keys of events, orders and documents"));
}

void state_deinit(struct state *state) {
    locations_deinit(&state->locations);
    keys_deinit(&state->keys);
    orders_deinit(&state->orders);
    documents_deinit(&state->documents);
    statements_deinit(&state->statements);
    free(state->register_evicted);
}

struct document_key state_document_key(const struct state *state, struct text document) {
    if (document.length == 0)
        return (struct document_key){{0, 0}};
    uint64_t first = hash_text_more(state->key_seed, document);
    uint64_t second = hash_text_more(state->key_seed ^ SEED_SECOND, document);
    return (struct document_key){{first, first == 0 && second == 0 ? 1 : second}};
}

struct order_key state_order_key(const struct state *state, const struct event *event) {
    return (struct order_key){
        .order = {hash_text_more(state->key_seed ^ SEED_ORDER, event->order),
                  hash_text_more(state->key_seed ^ SEED_ORDER ^ SEED_SECOND, event->order)},
        .location = event->location,
        .product = event->product,
    };
}

uint64_t state_event_hash(const struct state *state, uint32_t source, struct text id) {
    return hash_text_more(state->key_seed + source * SEED_SOURCE, id);
}

uint64_t state_memory(const struct state *state) {
    return state->locations.memory_bytes + state->keys.memory_bytes +
           (state->orders.mask + 1) * sizeof *state->orders.slots +
           documents_memory(&state->documents) + arena_memory(&state->statements.arena) +
           state->statements.capacity * 2 * sizeof(void *) +
           state->register_limit * sizeof *state->register_evicted;
}

struct pending state_movement(const struct state *state, const struct event *event, uint64_t seq) {
    struct pending pending = {
        .movement = {.effective_at_us = event_effective_at_us(event),
                     .delta_milli = event_on_hand_delta_milli(event),
                     .register_sequence = event->register_sequence,
                     .seq = seq,
                     .product = event->product,
                     .register_id = event->register_id},
        .location = event->location,
        .source = event->source,
        .standing = event->standing,
    };
    if (event->standing != STANDS_UNTIL_RESET)
        pending.document = state_document_key(state, event->document);
    return pending;
}

void state_add_movement(struct state *state, const struct pending *pending) {
    if (pending->movement.delta_milli == 0)
        return;
    struct location *location = locations_add(&state->locations, pending->location);
    if (pending->standing == STANDS_UNTIL_RESET)
        location_add_movement(&state->locations, location, &pending->movement);
    else
        location_add_pending(&state->locations, location,
                             documents_add_pending(&state->documents, pending));
}

void state_note_register(struct state *state, uint32_t register_id, int64_t sequence) {
    if (register_id == 0)
        return;
    if (register_id >= state->register_limit) {
        uint32_t limit = register_id + 64;
        state->register_evicted =
            memory_grow(state->register_evicted, limit * sizeof *state->register_evicted);
        for (uint32_t i = state->register_limit; i < limit; i++)
            state->register_evicted[i] = INT64_MIN;
        state->register_limit = limit;
    }
    if (sequence > state->register_evicted[register_id])
        state->register_evicted[register_id] = sequence;
}

/* A page's worth of neighbours is given its ground in one go. */
static void apply_run(struct locations *locations, struct location *location,
                      const struct change_run *run) {
    uint64_t end = (uint64_t)run->product + run->count;
    for (uint64_t product = run->product; product < end;) {
        uint64_t page_end = (product | (CELLS_PER_PAGE - 1)) + 1;
        uint64_t until = page_end < end ? page_end : end;
        struct cell *last = location_add_cell(locations, location, (uint32_t)(until - 1));
        uint64_t made = 0;
        for (struct cell *cell = last - (until - 1 - product); cell <= last; cell++) {
            made += !cell_exists(cell);
            cell->statement = run->statement;
            made -= !cell_exists(cell);
        }
        locations->cell_count += made;
        product = until;
    }
}

void state_apply_changes(struct state *state, uint32_t number, const struct packed_changes *changes,
                         uint64_t first_seq, int64_t at_us) {
    struct locations *locations = &state->locations;
    struct location *location = locations_add(locations, number);
    for (size_t i = 0; i < changes->run_count; i++)
        apply_run(locations, location, &changes->runs[i]);
    for (size_t i = 0; i < changes->corrected_count; i++) {
        const struct packed_change *change = &changes->corrected[i];
        struct cell *cell = location_find_cell(location, change->product);
        require(cell != NULL && cell->statement == change->statement);
        locations->cell_count += !cell_exists(cell);
        cell->on_hand_milli = change->on_hand_milli;
        cell->head = first_seq + 1 + i;
        cell->updated_at_s = seconds_from_us(at_us);
    }
    if (changes->run_count > 0)
        location->changed_seq = first_seq + changes->corrected_count;
}
