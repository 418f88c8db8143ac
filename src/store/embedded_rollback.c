/* Rollback: what the location would hold had the statement never been applied.
 *
 * Every cell it governs falls back to the newest other statement that names it, or to the sum of
 * all its movements. A statement with names_absent also governs products that have no cell at all,
 * and an older row for such a product comes to count again. */
#include "store/embedded_internal.h"

#include "base/quantity.h"

#include <stdlib.h>

/* By product. */
struct fallen {
    bool governed, resolved;
    uint32_t statement;
    int64_t stated_milli;
};

struct plan {
    struct embedded *embedded;
    const struct statement_record *record;
    const struct location *location;
    struct fallen *cells;
    uint32_t limit; /* of products */
    size_t unresolved;
    struct arena scratch;
};

static void make_room(struct plan *plan, uint32_t product) {
    if (product < plan->limit)
        return;
    uint32_t limit = product + CELLS_PER_PAGE;
    plan->cells = memory_grow(plan->cells, limit * sizeof *plan->cells);
    memset(&plan->cells[plan->limit], 0, (limit - plan->limit) * sizeof *plan->cells);
    plan->limit = limit;
}

static void find_governed(struct plan *plan) {
    for (uint32_t product = 0; product < plan->location->product_limit; product++) {
        const struct cell *cell = location_find_cell(plan->location, product);
        if (cell == NULL || cell->statement != plan->record->head.id)
            continue;
        make_room(plan, product);
        plan->cells[product].governed = true;
        plan->unresolved++;
    }
}

/* A product without a cell stands on the absence the statement stated, and without it would stand
 * on the older statement's row, unless an absence in between names it too. */
static enum status governs_unseen(struct plan *plan, uint32_t product,
                                  const struct statement *older, bool *governs_out,
                                  struct error *error) {
    uint32_t ground = 0, next = 0;
    *governs_out = false;
    const struct cell *cell = location_find_cell(plan->location, product);
    if (cell != NULL && cell_exists(cell))
        return STATUS_OK;
    enum status status = embedded_absent_ground(plan->embedded, plan->record->head.location,
                                                product, &ground, error);
    if (status != STATUS_OK || ground != plan->record->head.id)
        return status;
    status = embedded_absent_ground_without(plan->embedded, plan->record->head.location, product,
                                            ground, &next, error);
    const struct statement *absence = plan->embedded->state.statements.heads[next];
    *governs_out = next == 0 || !statement_is_newer(absence, older);
    return status;
}

static void resolve(struct plan *plan, uint32_t product, uint32_t statement, int64_t stated_milli) {
    struct fallen *cell = &plan->cells[product];
    if (!cell->governed || cell->resolved)
        return;
    cell->resolved = true;
    cell->statement = statement;
    cell->stated_milli = stated_milli;
    plan->unresolved--;
}

/* Gives their ground to the cells that an older statement names. */
static enum status resolve_by(struct plan *plan, const struct statement *statement,
                              struct error *error) {
    struct stated *rows;
    uint32_t *excluded;
    size_t row_count, excluded_count;
    arena_reset(&plan->scratch);
    enum status status = embedded_read_rows(plan->embedded, statement->id, &plan->scratch, &rows,
                                            &row_count, &excluded, &excluded_count, error);
    for (size_t i = 0; i < row_count && status == STATUS_OK; i++) {
        bool unseen = false;
        if (plan->record->head.names_absent)
            status = governs_unseen(plan, rows[i].product, statement, &unseen, error);
        make_room(plan, rows[i].product);
        struct fallen *cell = &plan->cells[rows[i].product];
        if (unseen && !cell->governed) {
            cell->governed = true;
            plan->unresolved++;
        }
        resolve(plan, rows[i].product, statement->id, rows[i].quantity_milli);
    }
    for (uint32_t product = 0; status == STATUS_OK && statement->names_absent &&
                               plan->unresolved > 0 && product < plan->limit;
         product++) {
        if (!product_in(excluded, excluded_count, product))
            resolve(plan, product, statement->id, 0);
    }
    return status;
}

static enum status resolve_all(struct plan *plan, struct error *error) {
    const struct state *state = &plan->embedded->state;
    for (uint32_t i = plan->location->statement_count; i-- > 0;) {
        const struct statement_record *record =
            statements_find(&state->statements, plan->location->statements[i]);
        if (record == plan->record || !statement_stands(record))
            continue;
        if (plan->unresolved == 0 && !plan->record->head.names_absent)
            break;
        enum status status = resolve_by(plan, &record->head, error);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Adds to each cell of this ground the movements it does not cover; NULL: all of them. */
static enum status add_open(struct plan *plan, const struct statement *ground,
                            struct error *error) {
    struct location_books books;
    uint32_t id = ground != NULL ? ground->id : 0;
    arena_reset(&plan->scratch);
    enum status status = embedded_books(plan->embedded, plan->record->head.location, ground,
                                        &plan->scratch, &books, error);
    for (size_t i = 0; i < books.movement_count && status == STATUS_OK; i++) {
        const struct movement *movement = &books.movements[i];
        struct fallen *cell =
            movement->product < plan->limit ? &plan->cells[movement->product] : NULL;
        if (cell == NULL || !cell->governed || cell->statement != id ||
            (ground != NULL && statement_covers_movement(ground, movement)))
            continue;
        status = balance_add(cell->stated_milli, movement->delta_milli, &cell->stated_milli);
    }
    for (size_t i = 0; i < books.pending_count && status == STATUS_OK; i++) {
        const struct pending_movement *pending = &books.pending[i];
        struct fallen *cell = pending->movement.product < plan->limit
                                  ? &plan->cells[pending->movement.product]
                                  : NULL;
        if (cell == NULL || !cell->governed || cell->statement != id ||
            (ground != NULL && statement_covers_pending(ground, pending)))
            continue;
        status =
            balance_add(cell->stated_milli, pending->movement.delta_milli, &cell->stated_milli);
    }
    if (status == STATUS_OUT_OF_RANGE)
        return error_set(error, status, "a balance would leave the range that is kept exactly");
    return status;
}

/* Once for every ground that any cell falls back to. */
static enum status add_all_open(struct plan *plan, struct error *error) {
    const struct state *state = &plan->embedded->state;
    bool *used = memory_alloc_zero(state->statements.limit + 1, sizeof *used);
    enum status status = STATUS_OK;
    for (uint32_t product = 0; product < plan->limit; product++) {
        if (plan->cells[product].governed)
            used[plan->cells[product].statement] = true;
    }
    for (uint32_t id = 0; id < state->statements.limit && status == STATUS_OK; id++) {
        if (used[id])
            status = add_open(plan, state->statements.heads[id], error);
    }
    free(used);
    return status;
}

static enum status write_outcome(const struct plan *plan, struct arena *arena,
                                 struct statement_outcome *outcome, struct error *error) {
    size_t count = 0;
    for (uint32_t product = 0; product < plan->limit; product++)
        count += plan->cells[product].governed;
    *outcome = (struct statement_outcome){
        .changes = arena_alloc(arena, count * sizeof *outcome->changes + 1)};
    for (uint32_t product = 0; product < plan->limit; product++) {
        const struct fallen *fallen = &plan->cells[product];
        if (!fallen->governed)
            continue;
        const struct cell *cell = location_find_cell(plan->location, product);
        int64_t before_milli = cell != NULL ? cell->on_hand_milli : 0, correction_milli;
        int64_t after_milli = fallen->stated_milli;
        enum status status = balance_add(after_milli, -before_milli, &correction_milli);
        if (status == STATUS_OK)
            status = balance_add(outcome->variance_milli, llabs(correction_milli),
                                 &outcome->variance_milli);
        if (status == STATUS_OK)
            status = balance_add(outcome->units_before_milli, before_milli,
                                 &outcome->units_before_milli);
        if (status == STATUS_OK)
            status =
                balance_add(outcome->units_after_milli, after_milli, &outcome->units_after_milli);
        if (status != STATUS_OK)
            return error_set(error, status, "a balance would leave the range kept exactly");
        outcome->changes[outcome->change_count++] = (struct cell_change){
            .product = product,
            .statement = fallen->statement,
            .correction_milli = correction_milli,
        };
        outcome->changed += correction_milli != 0;
        outcome->unchanged += correction_milli == 0;
        outcome->nonzero += before_milli != 0;
        outcome->to_zero += before_milli != 0 && after_milli == 0;
    }
    return STATUS_OK;
}

enum status embedded_plan_rollback(struct store *store, uint32_t statement, struct arena *arena,
                                   struct statement_outcome *outcome, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    if (embedded->transaction.open)
        transaction_enter(&embedded->transaction, TRANSACTION_BOOKS);
    const struct statement_record *record = statements_find(&embedded->state.statements, statement);
    if (record == NULL)
        return error_set(error, STATUS_NOT_FOUND, "no statement %u", (unsigned)statement);
    if (!statement_stands(record))
        return error_set(error, STATUS_CONFLICT, "statement %u is not applied",
                         (unsigned)statement);
    struct plan plan = {
        .embedded = embedded,
        .record = record,
        .location = locations_find(&embedded->state.locations, record->head.location),
    };
    require(plan.location != NULL);
    find_governed(&plan);
    enum status status = resolve_all(&plan, error);
    if (status == STATUS_OK)
        status = add_all_open(&plan, error);
    if (status == STATUS_OK)
        status = write_outcome(&plan, arena, outcome, error);
    arena_deinit(&plan.scratch);
    free(plan.cells);
    return status;
}
