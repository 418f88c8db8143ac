/* Taking a checkpoint back: blob by blob, each only if it is whole and what the meta blob names. */
#include "store/checkpoint_internal.h"

#include <stdlib.h>

/* ---- is it of this ledger? ---- */

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 31;
}

enum status checkpoint_fingerprint(struct embedded *embedded, uint64_t through,
                                   uint64_t *fingerprint_out, struct error *error) {
    struct arena scratch = {0};
    struct journal_row row = {0};
    struct journal_correction correction;
    *fingerprint_out = 0;
    enum status status = STATUS_OK;
    if (through > 0)
        status = embedded->ops->read_row(embedded->journal, false, through, &scratch, &row, error);
    if (through > 0 && status == STATUS_OK) {
        uint64_t hash = mix(row.seq, (uint64_t)row.event.received_at_us);
        hash = mix(hash, (uint64_t)row.event.occurred_at_us);
        hash = mix(hash, (uint64_t)row.event.location << 32 | row.event.product);
        *fingerprint_out = mix(hash, (uint64_t)row.on_hand_milli);
    } else if (status == STATUS_NOT_FOUND) {
        status = embedded->ops->find_correction(embedded->journal, false, through, &scratch,
                                                &correction, error);
        if (status == STATUS_OK) {
            uint64_t hash = mix(correction.first_seq, (uint64_t)correction.at_us);
            *fingerprint_out =
                mix(hash, (uint64_t)correction.location << 32 | correction.corrected_count);
        }
    }
    arena_deinit(&scratch);
    return status;
}

/* ---- blobs ---- */

struct restorer {
    struct embedded *embedded;
    struct restored *restored;
    struct checkpoint_meta *meta;
    struct arena scratch;
    bool found;     /* meta, orders, pendings */
    uint64_t count; /* segments, chunks that came */
    struct buffer *chunks;
    uint64_t chunk_count;
    uint64_t through;
};

static bool open_blob(struct restorer *restorer, char mark, struct text blob,
                      struct packed_reader *reader_out) {
    arena_reset(&restorer->scratch);
    return packed_frame_read(mark, blob, &restorer->scratch, reader_out, NULL) == STATUS_OK;
}

static bool take_meta(void *context, uint32_t kind, uint64_t key, uint64_t through_seq,
                      struct text blob) {
    struct restorer *restorer = context;
    struct packed_reader reader;
    (void)kind;
    restorer->found = key == 0 && open_blob(restorer, 'M', blob, &reader) &&
                      blob_read_meta(&reader, restorer->meta, &restorer->embedded->state) &&
                      restorer->meta->through == through_seq;
    return false;
}

static bool take_cells(void *context, uint32_t kind, uint64_t key, uint64_t through_seq,
                       struct text blob) {
    struct restorer *restorer = context;
    struct packed_reader reader;
    (void)kind;
    if (key >= restorer->meta->saved_limit || restorer->meta->saved[key] != through_seq ||
        through_seq == 0)
        return true;
    if (!open_blob(restorer, 'L', blob, &reader))
        return true;
    struct state *state = &restorer->embedded->state;
    if (!blob_read_cells(&reader, state, (uint32_t)key)) {
        struct location *location = locations_find(&state->locations, (uint32_t)key);
        if (location != NULL)
            location_clear_cells(location);
        return true;
    }
    uint64_t through =
        through_seq > restorer->meta->through ? through_seq : restorer->meta->through;
    restorer->restored->locations_through[key] = through;
    locations_find(&state->locations, (uint32_t)key)->changed_seq = through_seq;
    return true;
}

static bool take_rows(void *context, uint32_t kind, uint64_t key, uint64_t through_seq,
                      struct text blob) {
    struct restorer *restorer = context;
    const struct checkpoint_meta *meta = restorer->meta;
    struct packed_reader reader;
    (void)kind;
    for (size_t i = 0; i < meta->segment_count; i++) {
        if (meta->segments[i].after == key && meta->segments[i].through == through_seq)
            restorer->count += open_blob(restorer, 'G', blob, &reader) &&
                               rows_read(&reader, &restorer->embedded->state);
    }
    return true;
}

static bool take_orders(void *context, uint32_t kind, uint64_t key, uint64_t through_seq,
                        struct text blob) {
    struct restorer *restorer = context;
    struct packed_reader reader;
    (void)kind, (void)key;
    restorer->found = open_blob(restorer, 'O', blob, &reader) &&
                      blob_read_orders(&reader, &restorer->embedded->state);
    restorer->through = through_seq;
    return false;
}

static bool take_pendings(void *context, uint32_t kind, uint64_t key, uint64_t through_seq,
                          struct text blob) {
    struct restorer *restorer = context;
    struct packed_reader reader;
    (void)kind, (void)key;
    restorer->found = open_blob(restorer, 'P', blob, &reader) &&
                      blob_read_pendings(&reader, &restorer->embedded->state);
    restorer->through = through_seq;
    return false;
}

/* Set aside: they are read in order of chunk. */
static bool take_acknowledged(void *context, uint32_t kind, uint64_t key, uint64_t through_seq,
                              struct text blob) {
    struct restorer *restorer = context;
    (void)kind, (void)through_seq;
    if (key < restorer->chunk_count) {
        buffer_clear(&restorer->chunks[key]);
        buffer_append_text(&restorer->chunks[key], blob);
    }
    return true;
}

/* ---- parts ---- */

static enum status scan(struct restorer *restorer, enum blob_kind kind,
                        journal_checkpoint_visitor *visitor, struct error *error) {
    const struct embedded *embedded = restorer->embedded;
    restorer->found = false;
    restorer->count = 0;
    return embedded->ops->checkpoint_scan(embedded->journal, kind, visitor, restorer, error);
}

/* Keys and movements go by the segments all together or not at all. */
static enum status restore_rows(struct restorer *restorer, struct error *error) {
    struct state *state = &restorer->embedded->state;
    const struct checkpoint_meta *meta = restorer->meta;
    enum status status = scan(restorer, BLOB_ROWS, take_rows, error);
    if (status == STATUS_OK && restorer->count == meta->segment_count) {
        restorer->restored->rows_through = meta->through;
        return STATUS_OK;
    }
    keys_deinit(&state->keys);
    keys_init(&state->keys);
    for (uint32_t i = 0; i < state->locations.limit; i++) {
        if (state->locations.table[i] != NULL)
            state->locations.table[i]->movement_count = 0;
    }
    state->keys_evicted_us = INT64_MIN; /* the ledger gives them all */
    restorer->meta->segment_count = 0;
    return status;
}

static bool read_chunks(struct restorer *restorer) {
    struct documents *documents = &restorer->embedded->state.documents;
    for (uint64_t i = 0; i < restorer->chunk_count; i++) {
        struct packed_reader reader;
        if (!open_blob(restorer, 'A', buffer_text(&restorer->chunks[i]), &reader) ||
            !blob_read_acknowledged(&reader, documents))
            return false;
    }
    return documents->acknowledged_count == restorer->meta->acknowledged_count;
}

static enum status restore_documents(struct restorer *restorer, struct error *error) {
    struct state *state = &restorer->embedded->state;
    uint64_t count = restorer->meta->acknowledged_count;
    restorer->chunk_count = count / ACKNOWLEDGED_PER_BLOB + (count % ACKNOWLEDGED_PER_BLOB != 0);
    restorer->chunks = memory_alloc_zero(restorer->chunk_count + 1, sizeof *restorer->chunks);
    enum status status = scan(restorer, BLOB_ACKNOWLEDGED, take_acknowledged, error);
    bool whole = status == STATUS_OK && read_chunks(restorer);
    if (whole)
        status = scan(restorer, BLOB_PENDINGS, take_pendings, error);
    if (status == STATUS_OK && whole && restorer->found) {
        restorer->restored->documents_through = restorer->through;
    } else {
        documents_deinit(&state->documents);
        documents_init(&state->documents);
        for (uint32_t i = 0; i < state->locations.limit; i++) {
            if (state->locations.table[i] != NULL)
                state->locations.table[i]->pending_count = 0;
        }
        restorer->meta->acknowledged_count = 0;
    }
    for (uint64_t i = 0; i < restorer->chunk_count; i++)
        buffer_deinit(&restorer->chunks[i]);
    free(restorer->chunks);
    return status;
}

static enum status restore_orders(struct restorer *restorer, struct error *error) {
    struct orders *orders = &restorer->embedded->state.orders;
    enum status status = scan(restorer, BLOB_ORDERS, take_orders, error);
    if (status == STATUS_OK && restorer->found) {
        restorer->restored->orders_through = restorer->through;
        return STATUS_OK;
    }
    orders_deinit(orders);
    orders_init(orders);
    return status;
}

/* A location without a blob had no cells then; one whose blob is lost is rebuilt from its first
 * row.
 */
static void expect_locations(const struct checkpoint_meta *meta, struct restored *restored) {
    restored->location_limit = meta->saved_limit;
    restored->locations_through =
        memory_alloc_zero((size_t)meta->saved_limit + 1, sizeof *restored->locations_through);
    for (uint32_t i = 0; i < meta->saved_limit; i++)
        restored->locations_through[i] = meta->saved[i] == 0 ? meta->through : 0;
    restored->others_through = meta->through;
}

static enum status restore_parts(struct restorer *restorer, struct error *error) {
    expect_locations(restorer->meta, restorer->restored);
    enum status status = scan(restorer, BLOB_CELLS, take_cells, error);
    for (uint32_t i = 0; i < restorer->meta->saved_limit; i++) {
        if (restorer->restored->locations_through[i] == 0)
            restorer->meta->saved[i] = 0;
    }
    if (status == STATUS_OK)
        status = restore_rows(restorer, error);
    if (status == STATUS_OK)
        status = restore_documents(restorer, error);
    return status == STATUS_OK ? restore_orders(restorer, error) : status;
}

enum status checkpoint_restore(struct embedded *embedded, struct checkpoint_meta *meta,
                               struct restored *restored, struct error *error) {
    struct restorer restorer = {.embedded = embedded, .restored = restored, .meta = meta};
    enum status status = scan(&restorer, BLOB_META, take_meta, error);
    uint64_t fingerprint = 0;
    bool usable = status == STATUS_OK && restorer.found &&
                  meta->latest <= embedded->state.last_seq && meta->through <= meta->latest &&
                  meta->through > 0;
    if (usable)
        usable = checkpoint_fingerprint(embedded, meta->latest, &fingerprint, NULL) == STATUS_OK &&
                 fingerprint == meta->fingerprint;
    if (usable) {
        status = restore_parts(&restorer, error);
        embedded->checkpoint_seq = meta->through;
    } else {
        uint64_t last_seq = embedded->state.last_seq;
        free(meta->saved);
        free(meta->segments);
        *meta = (struct checkpoint_meta){0};
        state_deinit(&embedded->state);
        state_init(&embedded->state);
        embedded->state.last_seq = last_seq;
    }
    arena_deinit(&restorer.scratch);
    return status;
}
