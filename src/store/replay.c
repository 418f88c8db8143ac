/* Rebuilding the state from the ledger: all of it, or what came after the checkpoint.
 *
 * Rows and corrections are two streams numbered as one; they are taken in order of number, since a
 * new cell's ground depends on which statements stood at that moment. */
#include "store/embedded_internal.h"

#include <stdlib.h>

struct tail_correction {
    uint64_t first_seq;
    uint32_t statement, location;
    enum ledger_kind kind;
    int64_t at_us;
};

struct replayer {
    struct embedded *embedded;
    const struct restored *restored;
    struct tail_correction *corrections;
    size_t correction_count, correction_capacity;
    uint64_t position, stop_seq; /* rows up to position are done; none from stop_seq on yet */
    enum status status;
    struct error *error;
};

static uint64_t location_through(const struct restored *restored, uint32_t location) {
    return location < restored->location_limit ? restored->locations_through[location]
                                               : restored->others_through;
}

static uint64_t earliest_through(const struct restored *restored) {
    uint64_t through = restored->others_through;
    for (uint32_t i = 0; i < restored->location_limit; i++) {
        if (restored->locations_through[i] < through)
            through = restored->locations_through[i];
    }
    if (restored->rows_through < through)
        through = restored->rows_through;
    if (restored->orders_through < through)
        through = restored->orders_through;
    return restored->documents_through < through ? restored->documents_through : through;
}

/* ---- rows ---- */

static enum status replay_cell(struct replayer *replayer, const struct journal_row *row) {
    struct locations *locations = &replayer->embedded->state.locations;
    struct location *location = locations_add(locations, row->event.location);
    struct cell *cell = location_add_cell(locations, location, row->event.product);
    enum status status = STATUS_OK;
    if (!cell_exists(cell))
        status = embedded_absent_ground(replayer->embedded, row->event.location, row->event.product,
                                        &cell->statement, replayer->error);
    if (status != STATUS_OK)
        return status;
    locations->cell_count += !cell_exists(cell);
    cell->on_hand_milli = row->on_hand_milli;
    cell->reserved_milli = row->reserved_milli;
    cell->head = row->seq;
    cell->updated_at_s = seconds_from_us(row->event.received_at_us);
    location->changed_seq = row->seq;
    return STATUS_OK;
}

static void replay_order(struct state *state, const struct event *event) {
    int64_t delta_milli = event_order_delta_milli(event);
    if (delta_milli == 0)
        return;
    struct order_key key = state_order_key(state, event);
    orders_set(&state->orders, &key, orders_get(&state->orders, &key) + delta_milli);
}

static void replay_documents(struct state *state, const struct journal_row *row) {
    const struct event *event = &row->event;
    if (row->type == ROW_ACKNOWLEDGEMENT)
        documents_acknowledge(&state->documents, event->source,
                              state_document_key(state, event->document), event->occurred_at_us,
                              event->received_at_us);
    else if (row->type < EVENT_TYPE_COUNT && event->acknowledges.length > 0)
        documents_acknowledge(&state->documents, event->source,
                              state_document_key(state, event->acknowledges),
                              event_effective_at_us(event), event->received_at_us);
    else if (row->type < EVENT_TYPE_COUNT && event->standing != STANDS_UNTIL_RESET) {
        struct pending pending = state_movement(state, event, row->seq);
        state_add_movement(state, &pending);
    }
}

static bool replay_row(void *context, const struct journal_row *row) {
    struct replayer *replayer = context;
    struct state *state = &replayer->embedded->state;
    const struct restored *restored = replayer->restored;
    const struct event *event = &row->event;
    if (row->seq >= replayer->stop_seq)
        return false;
    replayer->position = row->seq;
    bool is_event = row->type < EVENT_TYPE_COUNT;
    if (event->location != 0 && row->seq > location_through(restored, event->location))
        replayer->status = replay_cell(replayer, row);
    if (replayer->status != STATUS_OK)
        return false; /* nothing of the row has been taken in */
    if (is_event && row->seq > restored->orders_through)
        replay_order(state, event);
    if (row->seq > restored->documents_through)
        replay_documents(state, row);
    if (is_event && row->seq > restored->rows_through) {
        if (event->id.length > 0)
            keys_add(&state->keys, state_event_hash(state, event->source, event->id), row->seq,
                     key_hour(event_effective_at_us(event)));
        if (event->standing == STANDS_UNTIL_RESET) {
            struct pending movement = state_movement(state, event, row->seq);
            state_add_movement(state, &movement);
        }
    }
    return replayer->status == STATUS_OK;
}

/* ---- corrections ---- */

static bool replay_correction(void *context, const struct journal_correction *correction) {
    struct replayer *replayer = context;
    struct state *state = &replayer->embedded->state;
    struct statement_record *record = statements_find(&state->statements, correction->statement);
    if (record == NULL) {
        replayer->status = error_set(replayer->error, STATUS_CORRUPT, "statement %u is missing",
                                     (unsigned)correction->statement);
        return false;
    }
    if (correction->kind == LEDGER_RESET)
        record->applied_at_us = correction->at_us;
    else
        record->rolled_back_at_us = correction->at_us;
    if (correction->first_seq <= location_through(replayer->restored, correction->location))
        return false;
    struct arena scratch = {0};
    struct packed_changes changes;
    replayer->status = packed_read_changes(correction->packed, &scratch, &changes, replayer->error);
    if (replayer->status == STATUS_OK)
        state_apply_changes(state, correction->location, &changes, correction->first_seq,
                            correction->at_us);
    arena_deinit(&scratch);
    return false; /* one at a time */
}

static bool note_correction(void *context, const struct journal_correction *correction) {
    struct replayer *replayer = context;
    if (replayer->correction_count == replayer->correction_capacity) {
        replayer->correction_capacity = 2 * replayer->correction_capacity + 64;
        replayer->corrections = memory_grow(
            replayer->corrections, replayer->correction_capacity * sizeof *replayer->corrections);
    }
    replayer->corrections[replayer->correction_count++] =
        (struct tail_correction){correction->first_seq, correction->statement, correction->location,
                                 correction->kind, correction->at_us};
    return true;
}

static bool add_statement(void *context, const struct journal_statement *statement) {
    struct replayer *replayer = context;
    struct state *state = &replayer->embedded->state;
    statements_add(&state->statements, statement);
    location_add_statement(&state->locations,
                           locations_add(&state->locations, statement->head.location),
                           state->statements.heads, statement->head.id);
    return true;
}

/* What the tail does to statements has not happened yet where the replay begins. */
static void rewind_statements(struct replayer *replayer) {
    for (size_t i = 0; i < replayer->correction_count; i++) {
        const struct tail_correction *correction = &replayer->corrections[i];
        struct statement_record *record =
            statements_find(&replayer->embedded->state.statements, correction->statement);
        if (record == NULL)
            continue;
        if (correction->kind == LEDGER_RESET)
            record->applied_at_us = NEVER_US;
        else
            record->rolled_back_at_us = NEVER_US;
    }
}

/* ---- in order ---- */

static enum status replay_rows(struct replayer *replayer, uint64_t stop_seq) {
    const struct embedded *embedded = replayer->embedded;
    replayer->stop_seq = stop_seq;
    enum status status = embedded->ops->scan_rows(embedded->journal, replayer->position, replay_row,
                                                  replayer, replayer->error);
    return status != STATUS_OK ? status : replayer->status;
}

static enum status replay_all(struct replayer *replayer) {
    const struct embedded *embedded = replayer->embedded;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < replayer->correction_count && status == STATUS_OK; i++) {
        uint64_t first_seq = replayer->corrections[i].first_seq;
        if (first_seq > replayer->position + 1)
            status = replay_rows(replayer, first_seq);
        if (status == STATUS_OK)
            status = embedded->ops->scan_corrections(embedded->journal, first_seq - 1,
                                                     replay_correction, replayer, replayer->error);
        if (status == STATUS_OK)
            status = replayer->status;
        if (first_seq > replayer->position)
            replayer->position = first_seq;
    }
    return status == STATUS_OK ? replay_rows(replayer, UINT64_MAX) : status;
}

static void count_cells(struct locations *locations) {
    locations->cell_count = 0;
    for (uint32_t i = 0; i < locations->limit; i++) {
        if (locations->table[i] != NULL)
            locations->cell_count += location_count_cells(locations->table[i]);
    }
}

enum status replay(struct embedded *embedded, const struct restored *restored,
                   struct error *error) {
    struct replayer replayer = {.embedded = embedded, .restored = restored, .error = error};
    replayer.position = earliest_through(restored);
    enum status status =
        embedded->ops->scan_statements(embedded->journal, 0, add_statement, &replayer, error);
    if (status == STATUS_OK)
        status = embedded->ops->scan_corrections(embedded->journal, replayer.position,
                                                 note_correction, &replayer, error);
    if (status == STATUS_OK) {
        rewind_statements(&replayer);
        status = replay_all(&replayer);
    }
    count_cells(&embedded->state.locations);
    free(replayer.corrections);
    return status;
}

/* ---- what other hubs appended ---- */

static void add_new_statements(struct replayer *replayer, const struct journal_delta *delta) {
    struct statements *statements = &replayer->embedded->state.statements;
    for (size_t i = 0; i < delta->statement_count; i++)
        if (statements_find(statements, delta->statements[i].head.id) == NULL)
            (void)add_statement(replayer, &delta->statements[i]);
    /* Times and numbers of an application come with its correction, in its place among the rows. */
    for (size_t i = 0; i < delta->state_count; i++) {
        struct statement_record *record = statements_find(statements, delta->states[i].head.id);
        if (record != NULL)
            record->state = delta->states[i].state;
    }
}

static enum status replay_next_correction(struct replayer *replayer,
                                          const struct journal_correction *correction) {
    struct state *state = &replayer->embedded->state;
    (void)replay_correction(replayer, correction);
    if (replayer->status != STATUS_OK)
        return replayer->status;
    if (correction->kind == LEDGER_RESET)
        statements_find(&state->statements, correction->statement)->applied_seq =
            correction->first_seq;
    state->last_seq = correction->first_seq + correction->corrected_count;
    return STATUS_OK;
}

enum status replay_delta(struct embedded *embedded, const struct journal_delta *delta,
                         struct error *error) {
    static const struct restored nothing = {0};
    struct replayer replayer = {
        .embedded = embedded, .restored = &nothing, .stop_seq = UINT64_MAX, .error = error};
    size_t row = 0, correction = 0;
    add_new_statements(&replayer, delta);
    while (row < delta->row_count || correction < delta->correction_count) {
        bool is_row = correction == delta->correction_count ||
                      (row < delta->row_count &&
                       delta->rows[row].seq < delta->corrections[correction].first_seq);
        if (!is_row) {
            enum status status =
                replay_next_correction(&replayer, &delta->corrections[correction++]);
            if (status != STATUS_OK)
                return status;
            continue;
        }
        if (!replay_row(&replayer, &delta->rows[row]))
            return replayer.status;
        embedded->state.last_seq = delta->rows[row++].seq;
    }
    embedded->state.last_seq = delta->through_seq;
    return STATUS_OK;
}
