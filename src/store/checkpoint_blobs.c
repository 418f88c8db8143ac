/* The state's parts as bytes. Cells and entries are written as they lie in memory: a checkpoint is
 * read by the machine that wrote it, and the version says which layout it was. */
#include "store/checkpoint_internal.h"

#include <stdlib.h>

static bool get_bytes(struct packed_reader *reader, void *out, size_t size) {
    if (reader->broken || (size_t)(reader->end - reader->at) < size) {
        reader->broken = true;
        return false;
    }
    memcpy(out, reader->at, size);
    reader->at += size;
    return true;
}

static bool complete(const struct packed_reader *reader) {
    return !reader->broken && reader->at == reader->end;
}

static uint64_t elements_left(const struct packed_reader *reader, size_t size) {
    return (uint64_t)(reader->end - reader->at) / size;
}

/* ---- cells ---- */

void blob_write_cells(const struct location *location, struct buffer *raw) {
    uint32_t pages = 0;
    for (uint32_t i = 0; i < location->page_count; i++)
        pages += location->pages[i] != NULL;
    buffer_reserve(raw, 32 + pages * (CELLS_PER_PAGE * sizeof(struct cell) + VARINT_SIZE));
    put(raw, location->product_limit);
    for (uint32_t i = 0; i < location->page_count; i++) {
        if (location->pages[i] == NULL)
            continue;
        put(raw, i);
        buffer_append(raw, location->pages[i], CELLS_PER_PAGE * sizeof(struct cell));
    }
}

bool blob_read_cells(struct packed_reader *reader, struct state *state, uint32_t number) {
    uint64_t limit = varint_get(reader);
    if (reader->broken || limit > UINT32_MAX - CELLS_PER_PAGE)
        return false;
    struct location *location = locations_add(&state->locations, number);
    while (reader->at < reader->end && !reader->broken) {
        uint64_t page = varint_get(reader);
        if (page * CELLS_PER_PAGE >= limit)
            return false;
        struct cell *cells =
            location_add_cell(&state->locations, location, (uint32_t)page * CELLS_PER_PAGE);
        if (!get_bytes(reader, cells, CELLS_PER_PAGE * sizeof *cells))
            return false;
    }
    if (location->product_limit < limit)
        location->product_limit = (uint32_t)limit;
    return complete(reader);
}

/* ---- orders ---- */

void blob_write_orders(const struct orders *orders, struct buffer *raw) {
    buffer_reserve(raw, orders->count * sizeof *orders->slots + 1);
    for (size_t i = 0; i <= orders->mask; i++) {
        if (orders->slots[i].net_milli != 0)
            buffer_append(raw, &orders->slots[i], sizeof orders->slots[i]);
    }
}

bool blob_read_orders(struct packed_reader *reader, struct state *state) {
    while (reader->at < reader->end && !reader->broken) {
        struct order_net order;
        if (get_bytes(reader, &order, sizeof order))
            orders_set(&state->orders, &order.key, order.net_milli);
    }
    return complete(reader);
}

/* ---- documents ---- */

static int by_seq(const void *a, const void *b) {
    uint64_t x = ((const struct pending *)a)->movement.seq;
    uint64_t y = ((const struct pending *)b)->movement.seq;
    return x < y ? -1 : x > y;
}

/* In order of sequence, as the locations' lists are. */
void blob_write_pendings(const struct documents *documents, struct buffer *raw) {
    buffer_reserve(raw, documents->pending_count * sizeof *documents->pendings + 1);
    for (uint32_t i = 0; i < documents->pending_limit; i++) {
        if (documents->pendings[i].movement.seq != 0)
            buffer_append(raw, &documents->pendings[i], sizeof documents->pendings[i]);
    }
    if (documents->pending_count > 1)
        qsort(raw->data, documents->pending_count, sizeof *documents->pendings, by_seq);
}

bool blob_read_pendings(struct packed_reader *reader, struct state *state) {
    while (reader->at < reader->end && !reader->broken) {
        struct pending pending;
        if (!get_bytes(reader, &pending, sizeof pending))
            break;
        if (pending.movement.seq == 0 || pending.movement.delta_milli == 0 ||
            pending.standing == STANDS_UNTIL_RESET || pending.location == UINT32_MAX)
            return false;
        state_add_movement(state, &pending);
    }
    return complete(reader);
}

void blob_write_acknowledged(const struct documents *documents, size_t from, size_t count,
                             struct buffer *raw) {
    require(from + count <= documents->acknowledged_count);
    for (size_t i = from; i < from + count; i++)
        buffer_append(raw, &documents->acknowledged[i], sizeof documents->acknowledged[i]);
}

/* Chunks come in any order; the entries of one document and source only get earlier, and each knows
 * how many there were, so the caller sorts chunks first. */
bool blob_read_acknowledged(struct packed_reader *reader, struct documents *documents) {
    while (reader->at < reader->end && !reader->broken) {
        struct acknowledged entry;
        if (!get_bytes(reader, &entry, sizeof entry))
            break;
        if (document_key_empty(entry.document))
            return false;
        documents_acknowledge(documents, entry.source, entry.document, entry.at_us,
                              entry.received_at_us);
    }
    return complete(reader);
}

/* ---- meta ---- */

static void put_evicted(const struct state *state, struct buffer *raw) {
    put(raw, state->locations.limit);
    for (uint32_t i = 0; i < state->locations.limit; i++) {
        const struct location *location = state->locations.table[i];
        put(raw, zigzag(location != NULL ? location->evicted_max_us : EVICTED_NONE_US));
        put(raw, location != NULL ? location->evicted_source : 0);
    }
    put(raw, state->register_limit);
    for (uint32_t i = 0; i < state->register_limit; i++)
        put(raw, zigzag(state->register_evicted[i]));
}

static void get_evicted(struct packed_reader *reader, struct state *state) {
    uint64_t limit = varint_get(reader);
    for (uint64_t i = 0; i < limit && !reader->broken; i++) {
        int64_t max_us = unzigzag(varint_get(reader));
        uint64_t source = varint_get(reader);
        if (max_us == EVICTED_NONE_US || reader->broken || i >= UINT32_MAX)
            continue;
        struct location *location = locations_add(&state->locations, (uint32_t)i);
        location->evicted_max_us = max_us;
        location->evicted_source = (uint32_t)source;
    }
    limit = varint_get(reader);
    for (uint64_t i = 0; i < limit && !reader->broken; i++) {
        int64_t sequence = unzigzag(varint_get(reader));
        if (sequence != INT64_MIN && i < UINT32_MAX / 2)
            state_note_register(state, (uint32_t)i, sequence);
    }
}

void blob_write_meta(const struct checkpoint_meta *meta, const struct state *state,
                     struct buffer *raw) {
    put(raw, CHECKPOINT_VERSION);
    put(raw, meta->through);
    put(raw, meta->latest);
    put(raw, meta->fingerprint);
    put(raw, state->key_seed);
    put(raw, zigzag(state->keys_evicted_us));
    put(raw, meta->acknowledged_count);
    put(raw, meta->saved_limit);
    for (uint32_t i = 0; i < meta->saved_limit; i++)
        put(raw, meta->saved[i]);
    put(raw, meta->segment_count);
    for (size_t i = 0; i < meta->segment_count; i++) {
        const struct segment *segment = &meta->segments[i];
        put(raw, segment->after);
        put(raw, segment->through);
        put(raw, segment->rows);
        put(raw, zigzag(segment->max_effective_us));
        put(raw, segment->filtered);
    }
    put_evicted(state, raw);
}

bool blob_read_meta(struct packed_reader *reader, struct checkpoint_meta *meta,
                    struct state *state) {
    if (varint_get(reader) != CHECKPOINT_VERSION)
        return false;
    meta->through = varint_get(reader);
    meta->latest = varint_get(reader);
    meta->fingerprint = varint_get(reader);
    state->key_seed = varint_get(reader);
    state->keys_evicted_us = unzigzag(varint_get(reader));
    meta->acknowledged_count = varint_get(reader);
    uint64_t limit = varint_get(reader);
    if (reader->broken || limit > elements_left(reader, 1))
        return false;
    meta->saved = memory_alloc((limit + 1) * sizeof *meta->saved);
    meta->saved_limit = (uint32_t)limit;
    for (uint64_t i = 0; i < limit; i++)
        meta->saved[i] = varint_get(reader);
    uint64_t count = varint_get(reader);
    if (reader->broken || count > elements_left(reader, 5))
        return false;
    meta->segments = memory_alloc((count + 1) * sizeof *meta->segments);
    meta->segment_count = meta->segment_capacity = count;
    for (uint64_t i = 0; i < count; i++) {
        struct segment *segment = &meta->segments[i];
        segment->after = varint_get(reader);
        segment->through = varint_get(reader);
        segment->rows = varint_get(reader);
        segment->max_effective_us = unzigzag(varint_get(reader));
        segment->filtered = varint_get(reader) != 0;
    }
    get_evicted(reader, state);
    return complete(reader);
}
