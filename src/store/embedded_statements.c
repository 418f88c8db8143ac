/* Statements: kept packed, applied to a location, and what they are judged against. */
#include "store/embedded_internal.h"

#include <stdlib.h>

/* ---- rows ---- */

enum status embedded_read_rows(struct embedded *embedded, uint32_t statement, struct arena *arena,
                               struct stated **rows_out, size_t *row_count_out,
                               uint32_t **excluded_out, size_t *excluded_count_out,
                               struct error *error) {
    struct text packed;
    enum status status =
        embedded->ops->read_packed_rows(embedded->journal, statement, arena, &packed, error);
    if (status != STATUS_OK)
        return status;
    return packed_read_rows(packed, arena, rows_out, row_count_out, excluded_out,
                            excluded_count_out, error);
}

const struct stated *stated_find(const struct stated *rows, size_t count, uint32_t product) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].product < product)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && rows[low].product == product ? &rows[low] : NULL;
}

bool product_in(const uint32_t *products, size_t count, uint32_t product) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (products[middle] < product)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && products[low] == product;
}

static enum status know_excluded(struct embedded *embedded, struct statement_record *record,
                                 struct error *error) {
    if (record->excluded_known)
        return STATUS_OK;
    struct arena scratch = {0};
    struct stated *rows;
    uint32_t *excluded;
    size_t row_count, count;
    enum status status = embedded_read_rows(embedded, record->head.id, &scratch, &rows, &row_count,
                                            &excluded, &count, error);
    if (status == STATUS_OK) {
        record->excluded = memory_alloc(count * sizeof *excluded + 1);
        memcpy(record->excluded, excluded, count * sizeof *excluded);
        record->excluded_count = count;
        record->excluded_known = true;
    }
    arena_deinit(&scratch);
    return status;
}

enum status embedded_absent_ground_without(struct embedded *embedded, uint32_t location,
                                           uint32_t product, uint32_t without,
                                           uint32_t *statement_out, struct error *error) {
    const struct state *state = &embedded->state;
    const struct location *at = locations_find(&state->locations, location);
    *statement_out = 0;
    for (uint32_t i = at != NULL ? at->statement_count : 0; i-- > 0;) {
        struct statement_record *record = statements_find(&state->statements, at->statements[i]);
        if (!record->head.names_absent || !statement_stands(record) || record->head.id == without)
            continue;
        enum status status = know_excluded(embedded, record, error);
        if (status != STATUS_OK)
            return status;
        if (!product_in(record->excluded, record->excluded_count, product)) {
            *statement_out = record->head.id;
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

enum status embedded_absent_ground(struct embedded *embedded, uint32_t location, uint32_t product,
                                   uint32_t *statement_out, struct error *error) {
    return embedded_absent_ground_without(embedded, location, product, 0, statement_out, error);
}

/* ---- keeping ---- */

enum status embedded_add_statement(struct store *store, struct statement *statement,
                                   struct text reset, enum statement_state state, size_t row_count,
                                   struct text packed, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct transaction *t = &embedded->transaction;
    require(t->open && statement->location != 0 && row_count <= UINT32_MAX);
    require(state != STATEMENT_APPLIED && state != STATEMENT_ROLLED_BACK);
    struct statement_slot *slot = transaction_statement(embedded, t->last_statement + 1);
    statement->id = t->last_statement + 1;
    size_t through_size = statement->through_count * sizeof *statement->through;
    struct watermark *through = arena_alloc(&t->arena, through_size + 1);
    if (through_size > 0)
        memcpy(through, statement->through, through_size);
    slot->added = true;
    slot->statement = (struct journal_statement){
        .head = *statement,
        .reset = arena_copy(&t->arena, reset),
        .state = state,
        .row_count = (uint32_t)row_count,
        .applied_at_us = NEVER_US,
        .rolled_back_at_us = NEVER_US,
    };
    slot->statement.head.through = through;
    enum status status =
        embedded->ops->append_statement(embedded->journal, &slot->statement, packed, error);
    if (status == STATUS_OK)
        t->last_statement++;
    return status;
}

enum status embedded_set_statement_state(struct store *store, uint32_t statement,
                                         enum statement_state state, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    require(embedded->transaction.open);
    struct statement_slot *slot = transaction_statement(embedded, statement);
    if (slot == NULL)
        return error_set(error, STATUS_NOT_FOUND, "no statement %u", (unsigned)statement);
    slot->statement.state = state;
    return embedded->ops->update_statement(embedded->journal, &slot->statement, error);
}

/* ---- books ---- */

/* Whether memory holds every movement that the statement may not cover. */
static bool memory_suffices(const struct state *state, const struct location *location,
                            const struct statement *statement) {
    if (location->evicted_max_us == EVICTED_NONE_US)
        return true;
    if (statement == NULL || statement->as_of_us < location->evicted_max_us)
        return false;
    if (location->evicted_source != 0 && location->evicted_source != statement->source)
        return false;
    for (uint32_t i = 0; i < statement->through_count; i++) {
        const struct watermark *watermark = &statement->through[i];
        if (watermark->register_id < state->register_limit &&
            state->register_evicted[watermark->register_id] > watermark->through)
            return false;
    }
    return true;
}

/* The movements of one location, gathered from the ledger. */
struct gathering {
    struct embedded *embedded;
    uint32_t location;
    struct movement *movements;
    struct pending *pendings;
    size_t movement_count, movement_capacity, pending_count, pending_capacity;
};

static void gather_pending(struct gathering *gathering, const struct pending *pending) {
    if (gathering->pending_count == gathering->pending_capacity) {
        gathering->pending_capacity = 2 * gathering->pending_capacity + 64;
        gathering->pendings = memory_grow(gathering->pendings, gathering->pending_capacity *
                                                                   sizeof *gathering->pendings);
    }
    gathering->pendings[gathering->pending_count++] = *pending;
}

static bool gather_row(void *context, const struct journal_row *row) {
    struct gathering *gathering = context;
    if (row->event.location != gathering->location || row->type >= EVENT_TYPE_COUNT ||
        event_on_hand_delta_milli(&row->event) == 0)
        return true;
    struct pending pending = state_movement(&gathering->embedded->state, &row->event, row->seq);
    if (pending.standing != STANDS_UNTIL_RESET) {
        gather_pending(gathering, &pending);
        return true;
    }
    if (gathering->movement_count == gathering->movement_capacity) {
        gathering->movement_capacity = 2 * gathering->movement_capacity + 64;
        gathering->movements = memory_grow(gathering->movements, gathering->movement_capacity *
                                                                     sizeof *gathering->movements);
    }
    gathering->movements[gathering->movement_count++] = pending.movement;
    return true;
}

/* Takes all of the location's pending movements back into memory: an acknowledgement must find
 * those that count again. They leave by the next sweep when they may. */
static void restore_pendings(const struct gathering *gathering, struct location *location) {
    struct embedded *embedded = gathering->embedded;
    struct state *state = &embedded->state;
    require(pthread_rwlock_wrlock(&embedded->lock) == 0);
    for (uint32_t i = 0; i < location->pending_count; i++)
        documents_remove_pending(&state->documents, location->pendings[i]);
    location->pending_count = 0;
    for (size_t i = 0; i < gathering->pending_count; i++)
        state_add_movement(state, &gathering->pendings[i]);
    location->evicted_source = 0;
    require(pthread_rwlock_unlock(&embedded->lock) == 0);
}

/* Slow and exact: the whole ledger, for one decision about a time before memory's. */
static enum status gather_movements(struct embedded *embedded, uint32_t number,
                                    struct location *location, struct arena *arena,
                                    struct location_books *books, struct error *error) {
    struct gathering gathering = {.embedded = embedded, .location = number};
    enum status status =
        embedded->ops->scan_rows(embedded->journal, 0, gather_row, &gathering, error);
    size_t size = gathering.movement_count * sizeof *gathering.movements;
    struct movement *movements = arena_alloc(arena, size + 1);
    if (size > 0)
        memcpy(movements, gathering.movements, size);
    if (status == STATUS_OK)
        restore_pendings(&gathering, location);
    free(gathering.movements);
    free(gathering.pendings);
    books->movements = movements;
    books->movement_count = gathering.movement_count;
    return status;
}

enum status embedded_restore_pendings(struct embedded *embedded, uint32_t number,
                                      const struct statement *statement, struct error *error) {
    struct location *location = locations_find(&embedded->state.locations, number);
    if (location == NULL || location->evicted_source == 0 ||
        memory_suffices(&embedded->state, location, statement))
        return STATUS_OK;
    struct arena scratch = {0};
    struct location_books books;
    enum status status = gather_movements(embedded, number, location, &scratch, &books, error);
    arena_deinit(&scratch);
    return status;
}

static void lend_pendings(struct embedded *embedded, const struct location *location,
                          const struct statement *statement, struct arena *arena,
                          struct location_books *books) {
    const struct documents *documents = &embedded->state.documents;
    struct pending_movement *pendings =
        arena_alloc(arena, location->pending_count * sizeof *pendings + 1);
    uint32_t source = statement != NULL ? statement->source : 0;
    for (uint32_t i = 0; i < location->pending_count; i++) {
        const struct pending *pending = &documents->pendings[location->pendings[i]];
        pendings[i] = (struct pending_movement){
            .movement = pending->movement,
            .source = pending->source,
            .standing = pending->standing,
            .acknowledged_at_us = embedded_acknowledged_at(embedded, source, pending->document),
        };
    }
    books->pending = pendings;
    books->pending_count = location->pending_count;
}

/* Products that the newest absence excluded stand on the next older one, if on any. */
static enum status lend_exceptions(struct embedded *embedded, uint32_t location,
                                   struct statement_record *newest, struct arena *arena,
                                   struct location_books *books, struct error *error) {
    enum status status = know_excluded(embedded, newest, error);
    if (status != STATUS_OK || newest->excluded_count == 0)
        return status;
    struct absent_exception *exceptions =
        arena_alloc(arena, newest->excluded_count * sizeof *exceptions);
    for (size_t i = 0; i < newest->excluded_count && status == STATUS_OK; i++) {
        exceptions[i].product = newest->excluded[i];
        status = embedded_absent_ground(embedded, location, newest->excluded[i],
                                        &exceptions[i].statement, error);
    }
    books->absent_exceptions = exceptions;
    books->absent_exception_count = newest->excluded_count;
    return status;
}

enum status embedded_books(struct embedded *embedded, uint32_t location,
                           const struct statement *statement, struct arena *arena,
                           struct location_books *books_out, struct error *error) {
    const struct state *state = &embedded->state;
    struct location *at = locations_find(&state->locations, location);
    *books_out = (struct location_books){.statements = state->statements.heads,
                                         .statement_count = state->statements.limit};
    if (at == NULL)
        return STATUS_OK;
    books_out->pages = at->pages;
    books_out->page_count = at->page_count;
    enum status status = STATUS_OK;
    for (uint32_t i = at->statement_count; i-- > 0 && books_out->absent_default == NULL;) {
        struct statement_record *record = statements_find(&state->statements, at->statements[i]);
        if (!record->head.names_absent || !statement_stands(record))
            continue;
        books_out->absent_default = &record->head;
        status = lend_exceptions(embedded, location, record, arena, books_out, error);
        if (status != STATUS_OK)
            return status;
    }
    books_out->movements = at->movements;
    books_out->movement_count = at->movement_count;
    if (!memory_suffices(state, at, statement))
        status = gather_movements(embedded, location, at, arena, books_out, error);
    lend_pendings(embedded, at, statement, arena, books_out);
    return status;
}

enum status embedded_load_books(struct store *store, const struct statement *statement,
                                struct location_books *books_out, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    require(statement->location != 0);
    /* A dry run may ask outside of a transaction, a decision to be written asks within. */
    if (embedded->transaction.open)
        transaction_enter(&embedded->transaction, TRANSACTION_BOOKS);
    arena_reset(&embedded->books_arena);
    return embedded_books(embedded, statement->location, statement, &embedded->books_arena,
                          books_out, error);
}

/* ---- applying ---- */

/* How the new grounds run, and the corrected cells with what history needs of them. */
static struct packed_changes complete_changes(struct embedded *embedded, uint32_t location,
                                              const struct statement_outcome *outcome) {
    struct transaction *t = &embedded->transaction;
    const struct location *at = locations_find(&embedded->state.locations, location);
    const struct cell_change *change = outcome->changes, *end = change + outcome->change_count;
    size_t runs = 0, corrected = 0;
    for (const struct cell_change *c = change; c < end; c++) {
        runs += c == change || c->product != c[-1].product + 1 || c->statement != c[-1].statement;
        corrected += c->correction_milli != 0;
    }
    struct packed_changes changes = {
        .runs = arena_alloc(&t->arena, (runs + 1) * sizeof *changes.runs),
        .corrected = arena_alloc(&t->arena, (corrected + 1) * sizeof *changes.corrected)};
    for (const struct cell_change *c = change; c < end; c++) {
        if (c == change || c->product != c[-1].product + 1 || c->statement != c[-1].statement)
            changes.runs[changes.run_count++] = (struct change_run){c->product, 0, c->statement};
        changes.runs[changes.run_count - 1].count++;
        if (c->correction_milli == 0)
            continue;
        const struct cell *cell = location_find_cell(at, c->product);
        struct cell before = cell != NULL ? *cell : (struct cell){0};
        changes.corrected[changes.corrected_count++] = (struct packed_change){
            .product = c->product,
            .statement = c->statement,
            .correction_milli = c->correction_milli,
            .on_hand_milli = before.on_hand_milli + c->correction_milli,
            .reserved_milli = before.reserved_milli,
            .previous = before.head,
        };
    }
    require(changes.run_count == runs && changes.corrected_count == corrected);
    return changes;
}

static enum status write_application(struct embedded *embedded, struct statement_slot *slot,
                                     enum ledger_kind kind, const struct statement_outcome *outcome,
                                     int64_t at_us, struct error *error) {
    struct transaction *t = &embedded->transaction;
    struct journal_correction correction = {
        .first_seq = t->last_seq + 1,
        .statement = slot->statement.head.id,
        .location = slot->statement.head.location,
        .kind = kind,
        .at_us = at_us,
    };
    struct application *application = arena_alloc_zero(&t->arena, sizeof *application);
    *application =
        (struct application){.location = correction.location,
                             .first_seq = correction.first_seq,
                             .at_us = at_us,
                             .changes = complete_changes(embedded, correction.location, outcome)};
    correction.corrected_count = (uint32_t)application->changes.corrected_count;
    struct buffer packed = {0};
    packed_write_changes(&application->changes, &packed);
    correction.packed = buffer_text(&packed);
    enum status status = embedded->ops->append_correction(embedded->journal, &correction, error);
    buffer_deinit(&packed);
    if (status == STATUS_OK)
        status = embedded->ops->update_statement(embedded->journal, &slot->statement, error);
    if (status != STATUS_OK)
        return status;
    *t->applications_tail = application;
    t->applications_tail = &application->next;
    t->last_seq = correction.first_seq + correction.corrected_count;
    return STATUS_OK;
}

static bool applied_here(const struct transaction *t, uint32_t location) {
    for (const struct application *a = t->applications; a != NULL; a = a->next) {
        if (a->location == location)
            return true;
    }
    return false;
}

enum status embedded_write_statement(struct store *store, uint32_t statement,
                                     const struct statement_outcome *outcome, int64_t applied_at_us,
                                     uint64_t *seq_out, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct transaction *t = &embedded->transaction;
    transaction_enter(t, TRANSACTION_BOOKS);
    struct statement_slot *slot = transaction_statement(embedded, statement);
    if (slot == NULL)
        return error_set(error, STATUS_NOT_FOUND, "no statement %u", (unsigned)statement);
    require(slot->statement.applied_at_us == NEVER_US);
    require(!applied_here(t, slot->statement.head.location));
    slot->statement.state = STATEMENT_APPLIED;
    slot->statement.applied_seq = *seq_out = t->last_seq + 1;
    slot->statement.applied_at_us = applied_at_us;
    return write_application(embedded, slot, LEDGER_RESET, outcome, applied_at_us, error);
}

enum status embedded_write_rollback(struct store *store, uint32_t statement,
                                    const struct statement_outcome *outcome, int64_t at_us,
                                    uint64_t *seq_out, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct transaction *t = &embedded->transaction;
    transaction_enter(t, TRANSACTION_BOOKS);
    struct statement_slot *slot = transaction_statement(embedded, statement);
    if (slot == NULL)
        return error_set(error, STATUS_NOT_FOUND, "no statement %u", (unsigned)statement);
    require(slot->statement.applied_at_us != NEVER_US);
    require(slot->statement.rolled_back_at_us == NEVER_US);
    require(!applied_here(t, slot->statement.head.location));
    slot->statement.state = STATEMENT_ROLLED_BACK;
    slot->statement.rolled_back_at_us = at_us;
    *seq_out = t->last_seq + 1;
    return write_application(embedded, slot, LEDGER_ROLLBACK, outcome, at_us, error);
}
