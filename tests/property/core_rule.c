/* The rule of the ledger, held against the naive model: random histories of a few cells go through
 * core by a tiny driver (a store and a writer in a few arrays), and after every step each cell of
 * the location must agree with tests/lib/naive and with core/books, now and at any time in the
 * past. Then the same history in another order of arrival must end in the same figures.
 *
 * ONHAND_TEST_SCALE=percent scales the number of histories, ONHAND_FIRST_SEED=N says where to
 * begin; ONHAND_SEED=N replays one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/quantity.h"
#include "core/books.h"
#include "history.h"
#include "naive.h"

#define HISTORIES 100000
#define PAGES 3 /* that HISTORY_PRODUCTS lie in */

/* ---- the driver: as much of a store as core needs ---- */

struct figures {
    int64_t on_hand_milli, reserved_milli;
    unsigned ground; /* 1 + step of the statement it stands on; 0: none */
};

struct heard {
    uint32_t source;
    struct text document;
    int64_t at_us, received_at_us;
};

static struct driver {
    struct cell pages[HISTORY_LOCATIONS + 1][PAGES][CELLS_PER_PAGE];
    struct cell *page_table[HISTORY_LOCATIONS + 1][PAGES];
    int64_t order_net_milli[HISTORY_LOCATIONS + 1][HISTORY_PRODUCTS][HISTORY_ORDERS];
    struct ledger_entry entries[HISTORY_STEPS];
    size_t entry_count;
    struct movement movements[HISTORY_STEPS];
    uint32_t movement_location[HISTORY_STEPS];
    struct pending_movement pending[HISTORY_STEPS];
    struct event pending_event[HISTORY_STEPS];
    size_t movement_count, pending_count;
    struct heard heard[HISTORY_STEPS];
    size_t heard_count;
    struct statement statements[HISTORY_STEPS + 1];
    const struct statement *table[HISTORY_STEPS + 1];
    const struct step *said[HISTORY_STEPS + 1];
    unsigned said_step[HISTORY_STEPS + 1];
    int64_t applied_at_us[HISTORY_STEPS + 1], rolled_back_at_us[HISTORY_STEPS + 1];
    uint32_t statement_count;
    uint64_t seq;
    int64_t now_us;
} driver;

static struct naive *naive;
static int64_t open_milli[PAGES * CELLS_PER_PAGE];

/* How often the generator reached what the rule is about. */
static struct {
    unsigned long duplicates, covered, acknowledged, effective_acknowledgements, stale, zeroed,
        corrections, rollbacks, permutations, excluded;
} reached;

static void driver_reset(void) {
    for (unsigned l = 1; l <= HISTORY_LOCATIONS; l++) {
        for (unsigned p = 0; p < HISTORY_PRODUCTS; p++)
            driver.pages[l][history_products[p] / CELLS_PER_PAGE]
                        [history_products[p] % CELLS_PER_PAGE] = (struct cell){0};
    }
    memset(driver.page_table, 0, sizeof driver.page_table);
    memset(driver.order_net_milli, 0, sizeof driver.order_net_milli);
    driver.entry_count = driver.movement_count = driver.pending_count = driver.heard_count = 0;
    driver.statement_count = 0;
    driver.seq = 0;
    driver.now_us = 0;
    naive_clear(naive);
}

static struct cell *driver_cell(uint32_t location, uint32_t product) {
    struct cell **page = &driver.page_table[location][product / CELLS_PER_PAGE];
    if (*page == NULL)
        *page = driver.pages[location][product / CELLS_PER_PAGE];
    return &(*page)[product % CELLS_PER_PAGE];
}

/* Looks without making a page: whether one is there matters to core. */
static struct cell peek_cell(uint32_t location, uint32_t product) {
    const struct cell *page = driver.page_table[location][product / CELLS_PER_PAGE];
    return page != NULL ? page[product % CELLS_PER_PAGE] : (struct cell){0};
}

/* Lends the pages of the location: no more than there are, and what lies behind them is rubbish. */
static uint32_t lend_pages(uint32_t location, struct cell *table[PAGES]) {
    static struct cell rubbish[CELLS_PER_PAGE];
    uint32_t count = PAGES;
    memset(rubbish, 0x55, sizeof rubbish);
    for (unsigned i = 0; i < PAGES; i++)
        table[i] = driver.page_table[location][i];
    while (count > 0 && table[count - 1] == NULL)
        table[--count] = rubbish;
    return count;
}

static unsigned product_index(uint32_t product) {
    unsigned index = 0;
    while (history_products[index] != product)
        index++;
    return index;
}

static unsigned order_index(struct text order) {
    unsigned index = 0;
    while (!text_equal_string(order, history_orders[index]))
        index++;
    return index;
}

static bool excludes(const struct step *step, uint32_t product) {
    for (size_t i = 0; i < step->excluded_count; i++) {
        if (step->excluded[i] == product)
            return true;
    }
    return false;
}

/* The newest standing statement by absence; with a product, the newest that did not exclude it. */
static uint32_t absent_ground(uint32_t location, uint32_t product) {
    const struct statement *newest = NULL;
    for (uint32_t id = 1; id <= driver.statement_count; id++) {
        const struct statement *s = &driver.statements[id];
        if (s->location == location && s->names_absent &&
            driver.rolled_back_at_us[id] == NEVER_US && !excludes(driver.said[id], product) &&
            statement_is_newer(s, newest))
            newest = s;
    }
    return newest != NULL ? newest->id : 0;
}

static size_t lend_exceptions(uint32_t location, struct absent_exception *exceptions) {
    size_t count = 0;
    for (unsigned p = 0; p < HISTORY_PRODUCTS; p++) {
        uint32_t product = history_products[p], ground = absent_ground(location, product);
        struct cell cell = peek_cell(location, product);
        if (ground != absent_ground(location, 0) && !cell_exists(&cell))
            exceptions[count++] = (struct absent_exception){product, ground};
    }
    reached.excluded += count;
    return count;
}

static int64_t find_acknowledgement(void *context, uint32_t source, struct text document,
                                    int64_t known_at_us) {
    (void)context;
    int64_t earliest_us = NEVER_US;
    for (size_t i = 0; i < driver.heard_count; i++) {
        const struct heard *heard = &driver.heard[i];
        if (heard->source == source && text_equal(heard->document, document) &&
            heard->received_at_us <= known_at_us && heard->at_us < earliest_us)
            earliest_us = heard->at_us;
    }
    return earliest_us;
}

static void driver_acknowledge(uint32_t source, struct text document, int64_t at_us,
                               int64_t received_at_us) {
    int64_t old_us = find_acknowledgement(NULL, source, document, NEVER_US);
    driver.heard[driver.heard_count++] = (struct heard){source, document, at_us, received_at_us};
    if (at_us >= old_us)
        return;
    for (size_t i = 0; i < driver.pending_count; i++) {
        const struct event *event = &driver.pending_event[i];
        struct cell *cell = driver_cell(event->location, event->product);
        const struct statement *ground = driver.table[cell->statement];
        if (!text_equal(event->document, document) || (ground != NULL && ground->source != source))
            continue;
        int64_t change_milli =
            acknowledgement_change_milli(ground, &driver.pending[i], old_us, at_us);
        reached.effective_acknowledgements += change_milli != 0;
        cell->on_hand_milli += change_milli;
    }
}

static void keep_movement(const struct event *event) {
    struct movement movement = {
        .effective_at_us = event_effective_at_us(event),
        .delta_milli = event_on_hand_delta_milli(event),
        .register_sequence = event->register_sequence,
        .seq = driver.seq,
        .product = event->product,
        .register_id = event->register_id,
    };
    if (movement.delta_milli == 0)
        return;
    if (event->standing == STANDS_UNTIL_RESET) {
        driver.movement_location[driver.movement_count] = event->location;
        driver.movements[driver.movement_count++] = movement;
        return;
    }
    driver.pending_event[driver.pending_count] = *event;
    driver.pending[driver.pending_count++] = (struct pending_movement){
        .movement = movement, .source = event->source, .standing = event->standing};
}

static bool driver_heard_event(const struct event *event) {
    for (size_t i = 0; i < driver.entry_count; i++) {
        const struct event *old = &driver.entries[i].event;
        if (event->id.length > 0 && old->source == event->source &&
            text_equal(old->id, event->id)) {
            assert_true(event_same_content(old, event));
            return true;
        }
    }
    return false;
}

static void driver_event(const struct event *event) {
    if (driver_heard_event(event)) {
        reached.duplicates++;
        return;
    }
    assert_int_equal(event_validate(event, NULL), STATUS_OK);
    struct cell *cell = driver_cell(event->location, event->product);
    if (!cell_exists(cell))
        cell->statement = absent_ground(event->location, event->product);
    struct event_ground ground = {
        .cell = cell,
        .statement = driver.table[cell->statement],
        .acknowledged_at_us = NEVER_US,
        .order_net_milli = &driver.order_net_milli[event->location][product_index(event->product)]
                                                  [order_index(event->order)],
    };
    if (event_order_delta_milli(event) == 0)
        ground.order_net_milli = NULL;
    if (ground.statement != NULL && event->document.length > 0)
        ground.acknowledged_at_us =
            find_acknowledgement(NULL, ground.statement->source, event->document, NEVER_US);
    struct cell before = *cell;
    struct event_outcome outcome;
    event_decide(event, &ground, &outcome);
    assert_int_equal(outcome.on_hand_milli, cell->on_hand_milli);
    assert_int_equal(outcome.on_hand_change_milli, cell->on_hand_milli - before.on_hand_milli);
    assert_int_equal(outcome.reserved_change_milli, cell->reserved_milli - before.reserved_milli);
    assert_int_equal(outcome.reserved_milli, cell->reserved_milli);
    reached.covered += outcome.status == OUTCOME_COVERED;
    reached.acknowledged += outcome.status == OUTCOME_ACKNOWLEDGED;
    cell->head = ++driver.seq;
    driver.entries[driver.entry_count++] =
        (struct ledger_entry){.seq = driver.seq, .kind = LEDGER_EVENT, .event = *event};
    keep_movement(event);
    if (event->acknowledges.length > 0)
        driver_acknowledge(event->source, event->acknowledges, event_effective_at_us(event),
                           event->received_at_us);
}

/* The movements of the location; those that the statement covers may be missing. */
static void lend_movements(const struct statement *s, struct movement *movements,
                           struct pending_movement *pending, struct location_books *books) {
    books->movements = movements;
    books->pending = pending;
    for (size_t i = 0; i < driver.movement_count; i++) {
        const struct movement *movement = &driver.movements[i];
        if (driver.movement_location[i] == s->location &&
            (!statement_covers_movement(s, movement) || driver.seq % 2 == 0))
            movements[books->movement_count++] = *movement;
    }
    for (size_t i = 0; i < driver.pending_count; i++) {
        const struct event *event = &driver.pending_event[i];
        struct pending_movement p = driver.pending[i];
        p.acknowledged_at_us = NEVER_US;
        if (event->document.length > 0)
            p.acknowledged_at_us = find_acknowledgement(NULL, s->source, event->document, NEVER_US);
        if (event->location == s->location &&
            (!statement_covers_pending(s, &p) || driver.seq % 2 == 0))
            pending[books->pending_count++] = p;
    }
}

static void apply_changes(const struct statement *s, const struct statement_outcome *outcome) {
    int64_t variance_milli = 0, before_milli = 0, after_milli = 0;
    size_t nonzero = 0;
    uint32_t last = 0;
    for (size_t i = 0; i < outcome->change_count; i++) {
        const struct cell_change *change = &outcome->changes[i];
        assert_true(change->product > last);
        assert_int_equal(change->statement, s->id);
        last = change->product;
        struct cell *cell = driver_cell(s->location, change->product);
        nonzero += cell->on_hand_milli != 0;
        before_milli += cell->on_hand_milli;
        cell->statement = s->id;
        cell->on_hand_milli += change->correction_milli;
        after_milli += cell->on_hand_milli;
        if (change->correction_milli != 0)
            cell->head = ++driver.seq;
        variance_milli += llabs(change->correction_milli);
    }
    assert_int_equal(variance_milli, outcome->variance_milli);
    assert_int_equal(before_milli, outcome->units_before_milli);
    assert_int_equal(after_milli, outcome->units_after_milli);
    assert_int_equal(nonzero, outcome->nonzero);
    assert_true(outcome->to_zero <= nonzero);
}

/* Takes what the step says into the table of statements. */
static const struct statement *keep_statement(const struct step *step, unsigned index) {
    uint32_t id = ++driver.statement_count;
    struct statement *s = &driver.statements[id];
    *s = step->statement;
    s->id = id;
    s->through = step->through;
    driver.table[id] = s;
    driver.said[id] = step;
    driver.said_step[id] = index;
    driver.applied_at_us[id] = driver.now_us;
    driver.rolled_back_at_us[id] = NEVER_US;
    naive_add_statement(naive, s, step->rows, step->row_count, step->excluded, step->excluded_count,
                        driver.now_us);
    return s;
}

static void driver_state(const struct step *step, unsigned index) {
    uint32_t location = step->statement.location;
    struct movement movements[HISTORY_STEPS];
    struct pending_movement pending[HISTORY_STEPS];
    struct cell_change changes[HISTORY_PRODUCTS];
    struct absent_exception exceptions[HISTORY_PRODUCTS];
    struct cell *pages[PAGES];
    struct location_books books = {.pages = pages,
                                   .page_count = lend_pages(location, pages),
                                   .statements = driver.table,
                                   .statement_count = driver.statement_count + 1,
                                   .absent_default = driver.table[absent_ground(location, 0)],
                                   .absent_exceptions = exceptions,
                                   .absent_exception_count = lend_exceptions(location, exceptions)};
    const struct statement *s = keep_statement(step, index);
    lend_movements(s, movements, pending, &books);
    struct statement_outcome outcome = {.changes = changes};
    assert_int_equal(statement_decide(s, step->rows, step->row_count, step->excluded,
                                      step->excluded_count, &books, open_milli, &outcome),
                     STATUS_OK);
    for (unsigned i = 0; i < HISTORY_PRODUCTS; i++)
        assert_int_equal(open_milli[history_products[i]], 0);
    assert_int_equal(outcome.changed + outcome.unchanged, step->row_count);
    reached.stale += outcome.stale;
    reached.zeroed += outcome.zeroed;
    reached.corrections += outcome.changed;
    apply_changes(s, &outcome);
}

/* ---- the second opinion ---- */

/* What statement `id` says of the product; false when it does not name it. */
static bool word_of(uint32_t id, uint32_t product, struct statement_word *word_out) {
    const struct step *step = driver.said[id];
    *word_out = (struct statement_word){.statement = &driver.statements[id],
                                        .stated = {.product = product},
                                        .applied_at_us = driver.applied_at_us[id],
                                        .rolled_back_at_us = driver.rolled_back_at_us[id]};
    for (size_t i = 0; i < step->row_count; i++) {
        if (step->rows[i].product == product) {
            word_out->stated = step->rows[i];
            return true;
        }
    }
    return step->statement.names_absent && !excludes(step, product);
}

static struct cell_figures ask_books(uint32_t location, uint32_t product, int64_t at_us,
                                     int64_t known_at_us, uint32_t *ground_out) {
    static struct ledger_entry entries[HISTORY_STEPS];
    static struct statement_word words[HISTORY_STEPS];
    struct cell_history history = {
        .entries = entries, .words = words, .acknowledged = {.find = find_acknowledgement}};
    for (size_t i = 0; i < driver.entry_count; i++) {
        const struct event *event = &driver.entries[i].event;
        if (event->location == location && event->product == product)
            entries[history.entry_count++] = driver.entries[i];
    }
    for (uint32_t id = 1; id <= driver.statement_count; id++) {
        if (driver.statements[id].location == location &&
            word_of(id, product, &words[history.word_count]))
            history.word_count++;
    }
    uint32_t scratch[HISTORY_STEPS];
    struct cell_figures figures;
    assert_int_equal(books_figures(&history, at_us, known_at_us, scratch, &figures), STATUS_OK);
    *ground_out = figures.word != NULL ? figures.word->statement->id : 0;
    return figures;
}

static bool said_in_a_row(uint32_t id, uint32_t product) {
    struct statement_word word;
    return id != 0 && word_of(id, product, &word) && word.stated.line != 0;
}

static void driver_roll_back(unsigned target) {
    uint32_t id = driver.statement_count;
    while (driver.said_step[id] != target)
        id--;
    driver.rolled_back_at_us[id] = driver.now_us;
    naive_roll_back(naive, id, driver.now_us);
    reached.rollbacks++;
    uint32_t location = driver.statements[id].location;
    for (unsigned p = 0; p < HISTORY_PRODUCTS; p++) {
        uint32_t ground;
        struct cell seen = peek_cell(location, history_products[p]);
        struct cell_figures figures =
            ask_books(location, history_products[p], NEVER_US, NEVER_US, &ground);
        if (!cell_exists(&seen) && !said_in_a_row(ground, history_products[p]))
            continue; /* still nobody spoke of it: it follows the default */
        struct cell *cell = driver_cell(location, history_products[p]);
        cell->statement = ground;
        cell->on_hand_milli = figures.on_hand_milli;
        cell->head = ++driver.seq; /* it has been spoken of, even when no statement is left */
    }
}

/* ---- the properties ---- */

static struct figures driver_figures(uint32_t location, uint32_t product) {
    struct cell cell = peek_cell(location, product);
    uint32_t ground = cell_exists(&cell) ? cell.statement : absent_ground(location, product);
    return (struct figures){.on_hand_milli = cell.on_hand_milli,
                            .reserved_milli = cell.reserved_milli,
                            .ground = ground != 0 ? 1 + driver.said_step[ground] : 0};
}

static void compare(const char *what, struct naive_figures naive_said, int64_t on_hand_milli,
                    int64_t reserved_milli, uint32_t ground, uint32_t location, uint32_t product) {
    if (naive_said.on_hand_milli == on_hand_milli && naive_said.reserved_milli == reserved_milli &&
        naive_said.statement == ground)
        return;
    fail_msg("cell %u/%u: %s says on_hand %lld reserved %lld ground %u; naive %lld, %lld, %u",
             location, product, what, (long long)on_hand_milli, (long long)reserved_milli, ground,
             (long long)naive_said.on_hand_milli, (long long)naive_said.reserved_milli,
             naive_said.statement);
}

static void check_location(uint32_t location) {
    for (unsigned p = 0; p < HISTORY_PRODUCTS; p++) {
        uint32_t product = history_products[p], ground;
        struct naive_figures now = naive_cell(naive, location, product, NEVER_US, NEVER_US);
        struct cell cell = peek_cell(location, product);
        ground = cell_exists(&cell) ? cell.statement : absent_ground(location, product);
        compare("core", now, cell.on_hand_milli, cell.reserved_milli, ground, location, product);
        struct cell_figures books = ask_books(location, product, NEVER_US, NEVER_US, &ground);
        compare("books", now, books.on_hand_milli, books.reserved_milli, ground, location, product);
    }
    uint32_t product = history_products[random_below(HISTORY_PRODUCTS)], ground;
    int64_t at_us = random_chance(20) ? NEVER_US : (int64_t)random_below(HISTORY_INSTANTS);
    int64_t known_at_us = random_chance(20) ? NEVER_US : (int64_t)random_below(HISTORY_INSTANTS);
    struct cell_figures books = ask_books(location, product, at_us, known_at_us, &ground);
    compare("books of the past", naive_cell(naive, location, product, at_us, known_at_us),
            books.on_hand_milli, books.reserved_milli, ground, location, product);
}

/* Runs the steps in the given order; what it leaves of each cell is in figures_out. */
static void run(const struct history *history, const unsigned *order,
                struct figures figures_out[HISTORY_LOCATIONS][HISTORY_PRODUCTS]) {
    driver_reset();
    for (unsigned i = 0; i < history->count; i++) {
        const struct step *step = &history->steps[order[i]];
        const struct event *e = &step->event;
        uint32_t location = e->location;
        driver.now_us++;
        switch (step->kind) {
        case STEP_EVENT:
            driver_event(e);
            naive_add_event(naive, e);
            break;
        case STEP_ACKNOWLEDGE:
            driver_acknowledge(e->source, e->document, e->occurred_at_us, e->received_at_us);
            naive_acknowledge(naive, e->source, e->document, e->occurred_at_us, e->received_at_us);
            break;
        case STEP_STATE:
            driver_state(step, order[i]);
            location = step->statement.location;
            break;
        case STEP_ROLL_BACK:
            driver_roll_back(step->target);
            location = history->steps[step->target].statement.location;
            break;
        }
        if (step->kind == STEP_EVENT && e->acknowledges.length == 0) {
            check_location(location);
            continue;
        }
        for (location = 1; location <= HISTORY_LOCATIONS; location++)
            check_location(location);
    }
    for (uint32_t l = 1; l <= HISTORY_LOCATIONS; l++) {
        for (unsigned p = 0; p < HISTORY_PRODUCTS; p++)
            figures_out[l - 1][p] = driver_figures(l, history_products[p]);
    }
}

static void shuffle(const struct history *history, unsigned *order) {
    unsigned position[HISTORY_STEPS];
    for (unsigned i = history->count; i-- > 1;) {
        unsigned j = random_below(i + 1), moved = order[i];
        order[i] = order[j];
        order[j] = moved;
    }
    for (unsigned i = 0; i < history->count; i++)
        position[order[i]] = i;
    for (unsigned i = 0; i < history->count; i++) {
        unsigned target = history->steps[i].target;
        if (history->steps[i].kind != STEP_ROLL_BACK || position[i] > position[target])
            continue;
        order[position[i]] = target; /* only what was said can be taken out */
        order[position[target]] = i;
        unsigned moved = position[i];
        position[i] = position[target];
        position[target] = moved;
    }
}

static void check_history(const struct history *history) {
    static struct figures first[HISTORY_LOCATIONS][HISTORY_PRODUCTS],
        again[HISTORY_LOCATIONS][HISTORY_PRODUCTS];
    unsigned order[HISTORY_STEPS];
    for (unsigned i = 0; i < history->count; i++)
        order[i] = i;
    run(history, order, first);
    if (history->order_matters)
        return;
    shuffle(history, order);
    run(history, order, again);
    reached.permutations++;
    for (unsigned l = 0; l < HISTORY_LOCATIONS; l++) {
        for (unsigned p = 0; p < HISTORY_PRODUCTS; p++) {
            assert_int_equal(first[l][p].on_hand_milli, again[l][p].on_hand_milli);
            assert_int_equal(first[l][p].reserved_milli, again[l][p].reserved_milli);
            assert_int_equal(first[l][p].ground, again[l][p].ground);
        }
    }
}

static struct history current;
static bool passed;

static void test_histories_agree_in_any_order(void **state) {
    (void)state;
    const char *one = getenv("ONHAND_SEED"), *scale = getenv("ONHAND_TEST_SCALE");
    unsigned long percent = scale != NULL ? strtoul(scale, NULL, 10) : 100;
    const char *from = one != NULL ? one : getenv("ONHAND_FIRST_SEED");
    uint64_t first = from != NULL ? strtoull(from, NULL, 10) : 1;
    uint64_t count = one != NULL ? 1 : (uint64_t)HISTORIES * percent / 100;
    for (uint64_t i = 0; i < count; i++) {
        history_random(&current, first + i);
        check_history(&current);
    }
    passed = true;
    if (count < 1000)
        return;
    /* A generator that never gets there proves nothing. */
    assert_true(reached.duplicates > count / 10 && reached.covered > count / 10);
    assert_true(reached.acknowledged > count / 10 && reached.excluded > count / 10);
    assert_true(reached.effective_acknowledgements > count / 100);
    assert_true(reached.stale > count / 10 && reached.zeroed > count / 10);
    assert_true(reached.corrections > count && reached.rollbacks > count / 10);
    assert_true(reached.permutations > count / 10);
    print_message("%lu histories: %lu permuted, %lu covered, %lu duplicates, %lu stale rows, "
                  "%lu rollbacks, %lu acknowledgements that moved stock\n",
                  (unsigned long)count, reached.permutations, reached.covered, reached.duplicates,
                  reached.stale, reached.rollbacks, reached.effective_acknowledgements);
}

static int tear_down(void **state) {
    (void)state;
    naive_free(naive);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    naive = naive_new();
    return 0;
}

/* After the fact, because a failed assertion does not return. */
static int report_seed(void **state) {
    (void)state;
    if (!passed) {
        fprintf(stderr, "replay with ONHAND_SEED=%llu\n", (unsigned long long)current.seed);
        history_print(&current);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_histories_agree_in_any_order, report_seed),
    };
    return cmocka_run_group_tests_name("core_rule", tests, set_up, tear_down);
}
