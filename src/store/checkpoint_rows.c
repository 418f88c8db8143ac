/* Segments: the ledger boiled down to what keys and movements need, a quarter million rows each.
 *
 * They are made from the ledger itself, without touching the state, so that nobody waits. Only the
 * last one grows; when one has grown too old it is made once more without what left memory. */
#include "store/checkpoint_internal.h"

#include <stdlib.h>

size_t checkpoint_segment_rows = 262144;

enum { DIGEST_KEY = 1, DIGEST_MOVEMENT = 2 };

struct digest {
    uint64_t key_hash;
    struct movement movement;
    uint32_t location;
    unsigned flags;
};

struct digester {
    struct checkpointer *checkpointer;
    struct digest *digests;
    size_t count, capacity;
    uint64_t through; /* wanted */
    uint64_t last;    /* seen */
    int64_t max_effective_us;
};

static bool digest_row(void *context, const struct journal_row *row) {
    struct digester *digester = context;
    const struct state *state = &digester->checkpointer->embedded->state;
    const struct event *event = &row->event;
    if (row->seq > digester->through)
        return false;
    digester->last = row->seq;
    if (row->type >= EVENT_TYPE_COUNT)
        return true;
    struct pending pending = state_movement(state, event, row->seq);
    bool movement = event->standing == STANDS_UNTIL_RESET && pending.movement.delta_milli != 0;
    unsigned flags = (event->id.length > 0 ? DIGEST_KEY : 0) | (movement ? DIGEST_MOVEMENT : 0);
    if (flags == 0)
        return true;
    if (digester->count == digester->capacity) {
        digester->capacity = 2 * digester->capacity + 1024;
        digester->digests =
            memory_grow(digester->digests, digester->capacity * sizeof *digester->digests);
    }
    uint64_t hash = event->id.length > 0 ? state_event_hash(state, event->source, event->id) : 0;
    digester->digests[digester->count++] =
        (struct digest){hash, pending.movement, event->location, flags};
    if (pending.movement.effective_at_us > digester->max_effective_us)
        digester->max_effective_us = pending.movement.effective_at_us;
    return digester->count < checkpoint_segment_rows;
}

static void write_digests(const struct digester *digester, struct buffer *raw) {
    uint64_t seq = 0;
    int64_t effective_us = 0;
    for (size_t i = 0; i < digester->count; i++) {
        const struct digest *digest = &digester->digests[i];
        const struct movement *movement = &digest->movement;
        put(raw, digest->flags);
        put(raw, movement->seq - seq);
        put(raw, zigzag(movement->effective_at_us - effective_us));
        if (digest->flags & DIGEST_KEY)
            buffer_append(raw, &digest->key_hash, sizeof digest->key_hash);
        if (digest->flags & DIGEST_MOVEMENT) {
            put(raw, digest->location);
            put(raw, movement->product);
            put(raw, zigzag(movement->delta_milli));
            put(raw, movement->register_id);
            if (movement->register_id != 0)
                put(raw, zigzag(movement->register_sequence));
        }
        seq = movement->seq;
        effective_us = movement->effective_at_us;
    }
}

static bool read_digest(struct packed_reader *reader, struct digest *digest) {
    struct movement *movement = &digest->movement;
    digest->flags = (unsigned)varint_get(reader);
    movement->seq += varint_get(reader);
    movement->effective_at_us += unzigzag(varint_get(reader));
    if (digest->flags & DIGEST_KEY) {
        if ((size_t)(reader->end - reader->at) < sizeof digest->key_hash)
            return false;
        memcpy(&digest->key_hash, reader->at, sizeof digest->key_hash);
        reader->at += sizeof digest->key_hash;
    }
    if (digest->flags & DIGEST_MOVEMENT) {
        digest->location = (uint32_t)varint_get(reader);
        movement->product = (uint32_t)varint_get(reader);
        movement->delta_milli = unzigzag(varint_get(reader));
        movement->register_id = (uint32_t)varint_get(reader);
        movement->register_sequence = movement->register_id != 0 ? unzigzag(varint_get(reader)) : 0;
        if (movement->delta_milli == 0 || digest->location == UINT32_MAX)
            return false;
    }
    return !reader->broken && movement->seq != 0 && movement->seq >> KEY_SEQ_BITS == 0;
}

bool rows_read(struct packed_reader *reader, struct state *state) {
    struct digest digest = {0};
    uint32_t evicted_hour = key_hour(state->keys_evicted_us);
    while (reader->at < reader->end) {
        if (!read_digest(reader, &digest))
            return false;
        uint32_t hour = key_hour(digest.movement.effective_at_us);
        if ((digest.flags & DIGEST_KEY) && hour >= evicted_hour)
            keys_add(&state->keys, digest.key_hash, digest.movement.seq, hour);
        if (digest.flags & DIGEST_MOVEMENT)
            location_add_movement(&state->locations,
                                  locations_add(&state->locations, digest.location),
                                  &digest.movement);
    }
    return true;
}

/* ---- leaving out what left memory ---- */

/* Only what the location knows to be missing may be missing. */
static bool has_left(const struct state *state, const struct digest *digest) {
    const struct movement *movement = &digest->movement;
    const struct location *location = locations_find(&state->locations, digest->location);
    const struct cell *cell = location_find_cell(location, movement->product);
    if (cell == NULL || location->evicted_max_us < movement->effective_at_us ||
        movement->effective_at_us >= state->keys_evicted_us)
        return false;
    if (movement->register_id != 0 &&
        (movement->register_id >= state->register_limit ||
         state->register_evicted[movement->register_id] < movement->register_sequence))
        return false;
    const struct statement *ground = state->statements.heads[cell->statement];
    return ground != NULL && statement_covers_movement(ground, movement);
}

static void filter(struct embedded *embedded, struct digester *digester) {
    const struct state *state = &embedded->state;
    size_t kept = 0;
    for (size_t from = 0; from < digester->count; from += 1024) {
        size_t end = from + 1024 < digester->count ? from + 1024 : digester->count;
        require(pthread_rwlock_rdlock(&embedded->lock) == 0);
        for (size_t i = from; i < end; i++) {
            struct digest *digest = &digester->digests[i];
            if (digest->movement.effective_at_us < state->keys_evicted_us)
                digest->flags &= ~(unsigned)DIGEST_KEY;
            if ((digest->flags & DIGEST_MOVEMENT) && has_left(state, digest))
                digest->flags &= ~(unsigned)DIGEST_MOVEMENT;
            if (digest->flags != 0)
                digester->digests[kept++] = *digest;
        }
        require(pthread_rwlock_unlock(&embedded->lock) == 0);
    }
    digester->count = kept;
}

/* ---- segments ---- */

static enum status save_segment(struct digester *digester, struct segment *segment,
                                struct error *error) {
    const struct embedded *embedded = digester->checkpointer->embedded;
    segment->rows = digester->count;
    segment->max_effective_us = digester->max_effective_us;
    struct buffer raw = {0}, blob = {0};
    write_digests(digester, &raw);
    packed_frame_write('G', buffer_text(&raw), &blob);
    enum status status = embedded->ops->checkpoint_put(embedded->journal, BLOB_ROWS, segment->after,
                                                       segment->through, buffer_text(&blob), error);
    buffer_deinit(&raw);
    buffer_deinit(&blob);
    return status;
}

static struct segment *add_segment(struct checkpoint_meta *meta, uint64_t after) {
    if (meta->segment_count == meta->segment_capacity) {
        meta->segment_capacity = 2 * meta->segment_capacity + 8;
        meta->segments =
            memory_grow(meta->segments, meta->segment_capacity * sizeof *meta->segments);
    }
    require(meta->segments != NULL);
    struct segment *segment = &meta->segments[meta->segment_count++];
    *segment = (struct segment){.after = after, .through = after, .max_effective_us = INT64_MIN};
    return segment;
}

/* Digests from the last open segment on. */
static enum status extend(struct digester *digester, uint64_t through, struct error *error) {
    struct checkpoint_meta *meta = &digester->checkpointer->meta;
    const struct embedded *embedded = digester->checkpointer->embedded;
    enum status status = STATUS_OK;
    for (;;) {
        struct segment *last =
            meta->segment_count > 0 ? &meta->segments[meta->segment_count - 1] : NULL;
        if (last != NULL && last->through >= through)
            return STATUS_OK;
        if (last == NULL || last->rows >= checkpoint_segment_rows || last->filtered)
            last = add_segment(meta, last != NULL ? last->through : 0);
        digester->count = 0;
        digester->max_effective_us = INT64_MIN;
        digester->through = through;
        digester->last = last->after;
        status =
            embedded->ops->scan_rows(embedded->journal, last->after, digest_row, digester, error);
        if (status != STATUS_OK)
            return status;
        last->through = digester->count < checkpoint_segment_rows ? through : digester->last;
        status = save_segment(digester, last, error);
        if (status != STATUS_OK)
            return status;
    }
}

/* Makes the oldest full segment that is all too old once more; one at a time. */
static enum status shrink(struct digester *digester, struct error *error) {
    struct checkpoint_meta *meta = &digester->checkpointer->meta;
    struct embedded *embedded = digester->checkpointer->embedded;
    require(pthread_rwlock_rdlock(&embedded->lock) == 0);
    int64_t before_us = embedded->state.keys_evicted_us;
    require(pthread_rwlock_unlock(&embedded->lock) == 0);
    size_t i = 0;
    while (i < meta->segment_count &&
           (meta->segments[i].filtered || meta->segments[i].max_effective_us >= before_us))
        i++;
    if (i + 1 >= meta->segment_count)
        return STATUS_OK; /* the last one still grows */
    struct segment *segment = &meta->segments[i];
    digester->count = 0;
    digester->through = segment->through;
    digester->max_effective_us = INT64_MIN;
    enum status status =
        embedded->ops->scan_rows(embedded->journal, segment->after, digest_row, digester, error);
    if (status != STATUS_OK)
        return status;
    filter(embedded, digester);
    segment->filtered = true;
    return save_segment(digester, segment, error);
}

enum status rows_save(struct checkpointer *checkpointer, uint64_t through, struct error *error) {
    struct digester digester = {.checkpointer = checkpointer};
    enum status status = extend(&digester, through, error);
    if (status == STATUS_OK)
        status = shrink(&digester, error);
    free(digester.digests);
    return status;
}
