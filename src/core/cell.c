/* Decisions: what an event, an acknowledgement or a statement does to cells. This is the fast path,
 * taken for every sale and for ten million rows each morning; core/books.c says the same slowly,
 * and the tests hold the two together. */
#include "core/cell.h"

#include "base/quantity.h"

/* ---- events ---- */

static int64_t at_least_zero(int64_t milli) {
    return milli > 0 ? milli : 0;
}

/* The order's net after the event, and what that does to reserved: an order that has shipped more
 * than it reserved holds nothing back, but remembers it for a reservation that arrives late. */
static enum status reserve(const struct event *event, const struct event_ground *ground,
                           int64_t *net_out, int64_t *reserved_out) {
    int64_t order_delta_milli = event_order_delta_milli(event);
    *reserved_out = ground->cell->reserved_milli;
    if (order_delta_milli == 0) {
        *net_out = 0;
        return STATUS_OK;
    }
    require(ground->order_net_milli != NULL);
    int64_t old_milli = *ground->order_net_milli;
    enum status status = balance_add(old_milli, order_delta_milli, net_out);
    if (status != STATUS_OK)
        return status;
    int64_t change_milli = at_least_zero(*net_out) - at_least_zero(old_milli);
    return balance_add(ground->cell->reserved_milli, change_milli, reserved_out);
}

void event_decide(const struct event *event, const struct event_ground *ground,
                  struct event_outcome *outcome_out) {
    struct cell *cell = ground->cell;
    const struct statement *statement = ground->statement;
    require(cell->statement == (statement != NULL ? statement->id : 0));
    int64_t delta_milli = event_on_hand_delta_milli(event);
    bool covered = delta_milli != 0 && statement != NULL &&
                   statement_covers(statement, event, ground->acknowledged_at_us);
    if (covered)
        delta_milli = 0;
    *outcome_out = (struct event_outcome){.on_hand_milli = cell->on_hand_milli,
                                          .reserved_milli = cell->reserved_milli};
    int64_t on_hand_milli, net_milli, reserved_milli;
    enum status status = balance_add(cell->on_hand_milli, delta_milli, &on_hand_milli);
    if (status == STATUS_OK)
        status = reserve(event, ground, &net_milli, &reserved_milli);
    if (status != STATUS_OK) {
        outcome_out->status = OUTCOME_REJECTED;
        outcome_out->error = status;
        return;
    }
    outcome_out->status = event->acknowledges.length != 0 ? OUTCOME_ACKNOWLEDGED
                          : covered                       ? OUTCOME_COVERED
                                                          : OUTCOME_APPLIED;
    outcome_out->on_hand_change_milli = delta_milli;
    outcome_out->reserved_change_milli = reserved_milli - cell->reserved_milli;
    outcome_out->on_hand_milli = cell->on_hand_milli = on_hand_milli;
    outcome_out->reserved_milli = cell->reserved_milli = reserved_milli;
    if (event_order_delta_milli(event) != 0)
        *ground->order_net_milli = net_milli;
}

int64_t acknowledgement_change_milli(const struct statement *statement,
                                     const struct pending_movement *pending, int64_t old_at_us,
                                     int64_t new_at_us) {
    require(new_at_us <= old_at_us);
    if (statement == NULL)
        return 0;
    struct pending_movement then = *pending, now = *pending;
    then.acknowledged_at_us = old_at_us;
    now.acknowledged_at_us = new_at_us;
    bool newly_covered =
        statement_covers_pending(statement, &now) && !statement_covers_pending(statement, &then);
    return newly_covered ? -pending->movement.delta_milli : 0;
}

/* ---- statements ---- */

struct decision {
    const struct statement *statement;
    const struct location_books *books;
    const int64_t *open_milli; /* by product: movements the statement does not cover */
    struct statement_outcome *outcome;
    const uint32_t *excluded;
    size_t excluded_count, excluded_next; /* next: those before it were passed by */
    uint32_t product_limit;               /* of the pages */
    uint32_t judged_ground; /* neighbours share their ground: remember the last verdict */
    bool judged_governs;
};

static enum status add_open(const struct location_books *books, const struct movement *movement,
                            int64_t *open_milli) {
    require(movement->product < books->page_count * CELLS_PER_PAGE);
    int64_t *open = &open_milli[movement->product];
    return balance_add(*open, movement->delta_milli, open);
}

static enum status sum_open(const struct statement *s, const struct location_books *books,
                            int64_t *open_milli) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < books->movement_count && status == STATUS_OK; i++) {
        const struct movement *movement = &books->movements[i];
        if (!statement_covers_movement(s, movement))
            status = add_open(books, movement, open_milli);
    }
    for (size_t i = 0; i < books->pending_count && status == STATUS_OK; i++) {
        const struct pending_movement *pending = &books->pending[i];
        if (!statement_covers_pending(s, pending))
            status = add_open(books, &pending->movement, open_milli);
    }
    return status;
}

static void clear_open(const struct statement *s, const struct location_books *books,
                       int64_t *open_milli) {
    for (size_t i = 0; i < books->movement_count; i++) {
        if (!statement_covers_movement(s, &books->movements[i]))
            open_milli[books->movements[i].product] = 0;
    }
    for (size_t i = 0; i < books->pending_count; i++) {
        if (!statement_covers_pending(s, &books->pending[i]))
            open_milli[books->pending[i].movement.product] = 0;
    }
}

/* Whether the statement becomes the ground of a cell that stands on `ground`. */
static bool governs(struct decision *d, uint32_t ground) {
    if (ground != d->judged_ground) {
        require(ground < d->books->statement_count);
        d->judged_ground = ground;
        d->judged_governs = statement_is_newer(d->statement, d->books->statements[ground]);
    }
    return d->judged_governs;
}

static struct cell *find_cell(const struct decision *d, uint32_t product) {
    if (product >= d->product_limit)
        return NULL;
    struct cell *page = d->books->pages[product / CELLS_PER_PAGE];
    return page != NULL ? &page[product % CELLS_PER_PAGE] : NULL;
}

/* Most cells are found as they were left, so the sums of differences are only touched where there
 * is one: units_after holds the net correction until the whole location is done. */
static enum status add_correction(struct statement_outcome *outcome, int64_t before_milli,
                                  int64_t after_milli, int64_t *correction_out) {
    int64_t *net = &outcome->units_after_milli, *variance = &outcome->variance_milli;
    int64_t correction_milli;
    enum status status = balance_add(after_milli, -before_milli, &correction_milli);
    if (status != STATUS_OK)
        return status;
    *correction_out = correction_milli;
    status = balance_add(*variance, correction_milli < 0 ? -correction_milli : correction_milli,
                         variance);
    if (status == STATUS_OK)
        *net += correction_milli; /* never beyond the variance */
    return status;
}

/* Puts one cell on the new ground; ten million times in a row. */
static inline __attribute__((always_inline)) enum status
restate(struct decision *d, uint32_t product, int64_t stated_milli, int64_t before_milli,
        int64_t *correction_out) {
    struct statement_outcome *outcome = d->outcome;
    int64_t open_milli = product < d->product_limit ? d->open_milli[product] : 0;
    int64_t after_milli = stated_milli, correction_milli = 0;
    enum status status = STATUS_OK;
    if (open_milli != 0)
        status = balance_add(stated_milli, open_milli, &after_milli);
    if (status == STATUS_OK && after_milli != before_milli)
        status = add_correction(outcome, before_milli, after_milli, &correction_milli);
    if (status == STATUS_OK && before_milli != 0) {
        outcome->nonzero++;
        outcome->to_zero += stated_milli == 0;
        status =
            balance_add(outcome->units_before_milli, before_milli, &outcome->units_before_milli);
    }
    outcome->changes[outcome->change_count++] = (struct cell_change){
        .product = product, .statement = d->statement->id, .correction_milli = correction_milli};
    *correction_out = correction_milli;
    return status;
}

/* What a product that nobody spoke of stands on: the statement that named all there may be. */
static uint32_t absent_ground(const struct location_books *books, uint32_t product) {
    size_t low = 0, high = books->absent_exception_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (books->absent_exceptions[middle].product < product)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < books->absent_exception_count && books->absent_exceptions[low].product == product)
        return books->absent_exceptions[low].statement;
    return books->absent_default != NULL ? books->absent_default->id : 0;
}

static enum status decide_row(struct decision *d, const struct stated *row) {
    const struct cell *cell = find_cell(d, row->product);
    bool exists = cell != NULL && cell_exists(cell);
    uint32_t ground = exists ? cell->statement : absent_ground(d->books, row->product);
    if (!governs(d, ground)) {
        d->outcome->stale++;
        d->outcome->unchanged++;
        return STATUS_OK;
    }
    int64_t correction_milli;
    enum status status = restate(d, row->product, row->quantity_milli,
                                 exists ? cell->on_hand_milli : 0, &correction_milli);
    if (status != STATUS_OK)
        return status;
    if (correction_milli != 0)
        d->outcome->changed++;
    else
        d->outcome->unchanged++;
    d->outcome->begun += !exists && correction_milli == 0;
    return STATUS_OK;
}

static bool is_excluded(struct decision *d, uint32_t product) {
    while (d->excluded_next < d->excluded_count && d->excluded[d->excluded_next] < product)
        d->excluded_next++;
    return d->excluded_next < d->excluded_count && d->excluded[d->excluded_next] == product;
}

/* States zero for every cell from `from` up to `end` that exists and is not excluded. */
static enum status decide_absent(struct decision *d, uint32_t from, uint32_t end) {
    if (end > d->product_limit)
        end = d->product_limit;
    for (uint32_t product = from; product < end; product++) {
        const struct cell *cell = find_cell(d, product);
        if (cell == NULL) {
            product |= CELLS_PER_PAGE - 1; /* on to the next page */
            continue;
        }
        if (!cell_exists(cell) || !governs(d, cell->statement) || is_excluded(d, product))
            continue;
        int64_t correction_milli;
        enum status status = restate(d, product, 0, cell->on_hand_milli, &correction_milli);
        if (status != STATUS_OK)
            return status;
        d->outcome->zeroed += correction_milli != 0;
    }
    return STATUS_OK;
}

static enum status decide_cells(struct decision *d, const struct stated *rows, size_t row_count) {
    bool names_absent = d->statement->names_absent;
    uint32_t next = 0;
    for (size_t i = 0; i < row_count; i++) {
        uint32_t product = rows[i].product;
        require(product >= next && product != UINT32_MAX);
        enum status status = names_absent ? decide_absent(d, next, product) : STATUS_OK;
        if (status == STATUS_OK)
            status = decide_row(d, &rows[i]);
        if (status != STATUS_OK)
            return status;
        next = product + 1;
    }
    return names_absent ? decide_absent(d, next, d->product_limit) : STATUS_OK;
}

enum status statement_decide(const struct statement *s, const struct stated *rows, size_t row_count,
                             const uint32_t *excluded, size_t excluded_count,
                             const struct location_books *books, int64_t *open_milli,
                             struct statement_outcome *outcome) {
    require(books->page_count <= UINT32_MAX / CELLS_PER_PAGE);
    *outcome = (struct statement_outcome){.changes = outcome->changes};
    struct decision decision = {
        .statement = s,
        .books = books,
        .open_milli = open_milli,
        .outcome = outcome,
        .excluded = excluded,
        .excluded_count = excluded_count,
        .product_limit = books->page_count * CELLS_PER_PAGE,
        .judged_ground = 0,
        .judged_governs = true,
    };
    enum status status = sum_open(s, books, open_milli);
    if (status == STATUS_OK)
        status = decide_cells(&decision, rows, row_count);
    if (status == STATUS_OK)
        status = balance_add(outcome->units_before_milli, outcome->units_after_milli,
                             &outcome->units_after_milli);
    clear_open(s, books, open_milli);
    return status;
}
