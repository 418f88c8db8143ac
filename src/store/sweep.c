/* Eviction: memory keeps what is younger than the window, the ledger keeps the rest.
 *
 * A movement may go once it is old and its cell's statement covers it: then a newer statement of
 * the same author covers it too. For the rare decision about an older time each location remembers
 * up to when something is missing. The writer sweeps a little after each commit, so that no sale
 * waits for it. Under the lock for writing. */
#include "store/embedded_internal.h"

#define SLOTS_PER_SWEEP 8192u
#define SWEEPS_PER_WINDOW 32

static const struct statement *ground_of(const struct state *state, const struct location *location,
                                         uint32_t product) {
    const struct cell *cell = location_find_cell(location, product);
    return cell != NULL ? state->statements.heads[cell->statement] : NULL;
}

static void note_evicted(struct state *state, struct location *location,
                         const struct movement *movement, int64_t until_us) {
    if (until_us > location->evicted_max_us)
        location->evicted_max_us = until_us;
    state_note_register(state, movement->register_id, movement->register_sequence);
}

static void sweep_movements(struct state *state, struct location *location, int64_t before_us) {
    size_t kept = 0;
    for (size_t i = 0; i < location->movement_count; i++) {
        const struct movement *movement = &location->movements[i];
        const struct statement *ground = NULL;
        if (movement->effective_at_us < before_us)
            ground = ground_of(state, location, movement->product);
        if (ground != NULL && statement_covers_movement(ground, movement))
            note_evicted(state, location, movement, movement->effective_at_us);
        else
            location->movements[kept++] = *movement;
    }
    location->movement_count = kept;
}

/* It stood until `source` acknowledged it; by time where it is that source's own. */
static bool pending_may_go(const struct state *state, const struct location *location,
                           const struct pending *pending, int64_t before_us, int64_t *until_out) {
    *until_out = pending->movement.effective_at_us;
    if (*until_out >= before_us)
        return false;
    const struct statement *ground = ground_of(state, location, pending->movement.product);
    if (ground == NULL)
        return false;
    int64_t at_us =
        documents_acknowledged_at(&state->documents, ground->source, pending->document, NEVER_US);
    struct pending_movement movement = {.movement = pending->movement,
                                        .source = pending->source,
                                        .standing = pending->standing,
                                        .acknowledged_at_us = at_us};
    if (at_us != NEVER_US && at_us > *until_out)
        *until_out = at_us;
    return *until_out < before_us && statement_covers_pending(ground, &movement);
}

static void sweep_pendings(struct state *state, struct location *location, int64_t before_us) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < location->pending_count; i++) {
        uint32_t number = location->pendings[i];
        const struct pending *pending = &state->documents.pendings[number];
        int64_t until_us;
        if (!pending_may_go(state, location, pending, before_us, &until_us)) {
            location->pendings[kept++] = number;
            continue;
        }
        uint32_t source = ground_of(state, location, pending->movement.product)->source;
        if (location->evicted_source == 0)
            location->evicted_source = source;
        else if (location->evicted_source != source)
            location->evicted_source = EVICTED_SOURCES_MIXED;
        note_evicted(state, location, &pending->movement, until_us);
        documents_remove_pending(&state->documents, number);
    }
    location->pending_count = kept;
}

static void sweep_keys(struct embedded *embedded, int64_t before_us) {
    struct state *state = &embedded->state;
    uint32_t hour = key_hour(before_us);
    int64_t hour_us = (int64_t)hour * 3600 * US_PER_SECOND;
    /* Said before the first is dropped: an event before it is looked for in the ledger. */
    if (hour_us > state->keys_evicted_us)
        state->keys_evicted_us = hour_us;
    if (keys_sweep(&state->keys, hour, SLOTS_PER_SWEEP))
        embedded->swept_before_us = before_us;
}

void embedded_sweep(struct embedded *embedded) {
    struct state *state = &embedded->state;
    int64_t window_us = embedded->options.dedup_window_us;
    if (embedded->sweep_location == 0) {
        int64_t before_us = clock_now_us(&embedded->options.clock) - window_us;
        if (before_us <= 0 ||
            before_us - embedded->sweep_before_us <= window_us / SWEEPS_PER_WINDOW)
            goto keys;
        embedded->sweep_before_us = before_us;
        embedded->sweep_location = 1;
    }
    for (; embedded->sweep_location < state->locations.limit; embedded->sweep_location++) {
        struct location *location = state->locations.table[embedded->sweep_location];
        if (location == NULL || location->movement_count + location->pending_count == 0)
            continue;
        sweep_movements(state, location, embedded->sweep_before_us);
        sweep_pendings(state, location, embedded->sweep_before_us);
        embedded->sweep_location++;
        break;
    }
    if (embedded->sweep_location >= state->locations.limit)
        embedded->sweep_location = 0;
keys:
    if (embedded->swept_before_us < embedded->sweep_before_us)
        sweep_keys(embedded, embedded->sweep_before_us);
}
