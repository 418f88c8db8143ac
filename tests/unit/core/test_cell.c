/* Decisions: one sentence of the rule after another, each on the smallest books that show it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/quantity.h"
#include "core/cell.h"

#define PRISM 1
#define SHOP 2

/* ---- events ---- */

static const struct statement morning = {.id = 1, .source = PRISM, .as_of_us = 100};

static struct event event_of(enum event_type type, int64_t delta_milli, int64_t at_us) {
    return (struct event){.location = 1,
                          .product = 1,
                          .source = PRISM,
                          .type = type,
                          .standing = event_default_standing(type),
                          .delta_milli = delta_milli,
                          .occurred_at_us = at_us,
                          .received_at_us = at_us,
                          .occurred_at_given = true};
}

static struct event_outcome decide(struct cell *cell, int64_t *net_milli,
                                   const struct statement *statement, struct event event,
                                   int64_t acknowledged_at_us) {
    struct event_ground ground = {.cell = cell,
                                  .order_net_milli = net_milli,
                                  .statement = statement,
                                  .acknowledged_at_us = acknowledged_at_us};
    struct event_outcome outcome;
    event_decide(&event, &ground, &outcome);
    assert_int_equal(outcome.on_hand_milli, cell->on_hand_milli);
    assert_int_equal(outcome.reserved_milli, cell->reserved_milli);
    return outcome;
}

static void test_without_a_statement_everything_counts(void **state) {
    (void)state;
    struct cell cell = {0};
    struct event_outcome outcome =
        decide(&cell, NULL, NULL, event_of(EVENT_SALE, -1000, 5), NEVER_US);
    assert_int_equal(outcome.status, OUTCOME_APPLIED);
    assert_int_equal(outcome.on_hand_change_milli, -1000);
    assert_int_equal(cell.on_hand_milli, -1000); /* negative stock is a fact */
    assert_int_equal(cell.head, 0);              /* that is the store's */
}

static void test_a_covered_event_is_recorded_and_moves_nothing(void **state) {
    (void)state;
    struct cell cell = {.on_hand_milli = 7000, .statement = 1};
    struct event_outcome outcome =
        decide(&cell, NULL, &morning, event_of(EVENT_SALE, -1000, 100), NEVER_US);
    assert_int_equal(outcome.status, OUTCOME_COVERED);
    assert_int_equal(outcome.on_hand_change_milli, 0);
    assert_int_equal(cell.on_hand_milli, 7000);
    outcome = decide(&cell, NULL, &morning, event_of(EVENT_SALE, -1000, 101), NEVER_US);
    assert_int_equal(outcome.status, OUTCOME_APPLIED);
    assert_int_equal(cell.on_hand_milli, 6000);
}

static void test_an_order_from_reservation_to_shipment(void **state) {
    (void)state;
    struct cell cell = {.on_hand_milli = 7000, .statement = 1};
    int64_t net_milli = 0;
    struct event_outcome outcome =
        decide(&cell, &net_milli, &morning, event_of(EVENT_RESERVATION, 3000, 50), NEVER_US);
    assert_int_equal(outcome.status, OUTCOME_APPLIED); /* reservations know no statements */
    assert_int_equal(outcome.reserved_change_milli, 3000);
    assert_int_equal(cell_available_milli(&cell, 1000), 3000);
    decide(&cell, &net_milli, &morning, event_of(EVENT_RELEASE, 1000, 60), NEVER_US);
    assert_int_equal(cell.reserved_milli, 2000);
    decide(&cell, &net_milli, &morning, event_of(EVENT_RELEASE, -500, 60), NEVER_US);
    assert_int_equal(cell.reserved_milli, 1500);
    struct event shipment = event_of(EVENT_SHIPMENT, -1500, 70);
    shipment.source = SHOP;
    outcome = decide(&cell, &net_milli, &morning, shipment, NEVER_US);
    assert_int_equal(outcome.status, OUTCOME_APPLIED); /* the point of sale does not know yet */
    assert_int_equal(outcome.reserved_change_milli, -1500);
    assert_int_equal(cell.reserved_milli, 0);
    assert_int_equal(cell.on_hand_milli, 5500);
}

static void test_a_covered_shipment_still_releases_its_order(void **state) {
    (void)state;
    struct cell cell = {.on_hand_milli = 7000, .reserved_milli = 2000, .statement = 1};
    int64_t net_milli = 2000;
    struct event shipment = event_of(EVENT_SHIPMENT, -2000, 500);
    shipment.source = SHOP;
    struct event_outcome outcome = decide(&cell, &net_milli, &morning, shipment, 100);
    assert_int_equal(outcome.status, OUTCOME_COVERED);
    assert_int_equal(cell.on_hand_milli, 7000);
    assert_int_equal(cell.reserved_milli, 0);
    assert_int_equal(net_milli, 0);
}

static void test_a_shipment_before_its_reservation(void **state) {
    (void)state;
    struct cell cell = {0};
    int64_t net_milli = 0;
    decide(&cell, &net_milli, NULL, event_of(EVENT_SHIPMENT, -2000, 9), NEVER_US);
    assert_int_equal(cell.reserved_milli, 0);
    assert_int_equal(net_milli, -2000);
    decide(&cell, &net_milli, NULL, event_of(EVENT_RESERVATION, 3000, 1), NEVER_US);
    assert_int_equal(cell.reserved_milli, 1000);
}

static void test_an_acknowledging_sale_moves_nothing(void **state) {
    (void)state;
    struct cell cell = {.on_hand_milli = 7000};
    struct event sale = event_of(EVENT_SALE, -2000, 9);
    sale.acknowledges = TEXT("SO-77");
    struct event_outcome outcome = decide(&cell, NULL, NULL, sale, NEVER_US);
    assert_int_equal(outcome.status, OUTCOME_ACKNOWLEDGED);
    assert_int_equal(cell.on_hand_milli, 7000);
}

static void check_refused(struct cell cell, int64_t net_milli, struct event event) {
    struct cell before = cell;
    int64_t net_before_milli = net_milli;
    struct event_outcome outcome = decide(&cell, &net_milli, NULL, event, NEVER_US);
    assert_int_equal(outcome.status, OUTCOME_REJECTED);
    assert_int_equal(outcome.error, STATUS_OUT_OF_RANGE);
    assert_int_equal(outcome.on_hand_change_milli, 0);
    assert_int_equal(outcome.reserved_change_milli, 0);
    assert_memory_equal(&cell, &before, sizeof cell);
    assert_int_equal(net_milli, net_before_milli);
}

static void test_overflow_is_refused_and_changes_nothing(void **state) {
    (void)state;
    check_refused((struct cell){.on_hand_milli = BALANCE_MAX_MILLI}, 0,
                  event_of(EVENT_RECEIPT, 1, 1));
    check_refused((struct cell){.on_hand_milli = -BALANCE_MAX_MILLI}, 0,
                  event_of(EVENT_SALE, -1, 1));
    check_refused((struct cell){.on_hand_milli = 5}, -BALANCE_MAX_MILLI,
                  event_of(EVENT_SHIPMENT, -1, 1));
    check_refused((struct cell){.reserved_milli = BALANCE_MAX_MILLI}, 0,
                  event_of(EVENT_RESERVATION, 1, 1));
}

static void test_cells_exist_once_spoken_of(void **state) {
    (void)state;
    struct cell nothing = {0}, by_event = {.head = 1}, by_statement = {.statement = 1};
    assert_false(cell_exists(&nothing));
    assert_true(cell_exists(&by_event));
    assert_true(cell_exists(&by_statement));
}

/* ---- acknowledgements ---- */

static void test_an_acknowledgement_takes_the_movement_out(void **state) {
    (void)state;
    struct pending_movement pending = {.movement = {.delta_milli = -2000, .effective_at_us = 50},
                                       .source = SHOP,
                                       .standing = STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS};
    assert_int_equal(acknowledgement_change_milli(&morning, &pending, NEVER_US, 100), 2000);
    assert_int_equal(acknowledgement_change_milli(&morning, &pending, NEVER_US, 101), 0);
    assert_int_equal(acknowledgement_change_milli(&morning, &pending, 101, 100), 2000);
    assert_int_equal(acknowledgement_change_milli(&morning, &pending, 100, 99), 0);
    assert_int_equal(acknowledgement_change_milli(NULL, &pending, NEVER_US, 100), 0);
    pending.source = PRISM; /* its own shipment: known by time, whatever was acknowledged */
    assert_int_equal(acknowledgement_change_milli(&morning, &pending, NEVER_US, 100), 0);
}

/* ---- statements ---- */

/* One location with room for three pages; the middle one does not exist. */
static struct {
    struct cell pages[2][CELLS_PER_PAGE];
    struct cell *table[3];
    struct statement old, young, s;
    const struct statement *statements[4];
    struct location_books books;
    struct cell_change changes[4 * CELLS_PER_PAGE];
    struct statement_outcome outcome;
    int64_t open_milli[3 * CELLS_PER_PAGE];
} shelf;

#define SECOND_PAGE (2 * CELLS_PER_PAGE)

static int set_up_shelf(void **state) {
    (void)state;
    memset(&shelf, 0, sizeof shelf);
    shelf.table[0] = shelf.pages[0];
    shelf.table[2] = shelf.pages[1];
    shelf.old = (struct statement){.id = 1, .source = PRISM, .as_of_us = 10};
    shelf.young = (struct statement){.id = 2, .source = PRISM, .as_of_us = 90};
    shelf.s = (struct statement){.id = 3, .source = PRISM, .as_of_us = 50};
    shelf.statements[1] = &shelf.old;
    shelf.statements[2] = &shelf.young;
    shelf.statements[3] = &shelf.s;
    shelf.books = (struct location_books){.pages = shelf.table,
                                          .page_count = 3,
                                          .statements = shelf.statements,
                                          .statement_count = 4};
    shelf.outcome.changes = shelf.changes;
    return 0;
}

static struct cell *shelf_put(uint32_t product, int64_t on_hand_milli, uint32_t statement) {
    struct cell *cell = &shelf.table[product / CELLS_PER_PAGE][product % CELLS_PER_PAGE];
    *cell = (struct cell){.on_hand_milli = on_hand_milli, .head = product, .statement = statement};
    return cell;
}

static enum status shelf_decide(const struct stated *rows, size_t row_count,
                                const uint32_t *excluded, size_t excluded_count) {
    enum status status = statement_decide(&shelf.s, rows, row_count, excluded, excluded_count,
                                          &shelf.books, shelf.open_milli, &shelf.outcome);
    for (size_t i = 0; i < 3 * CELLS_PER_PAGE; i++)
        assert_int_equal(shelf.open_milli[i], 0);
    return status;
}

static void check_change(size_t index, uint32_t product, int64_t correction_milli) {
    assert_true(index < shelf.outcome.change_count);
    assert_int_equal(shelf.changes[index].product, product);
    assert_int_equal(shelf.changes[index].statement, 3);
    assert_int_equal(shelf.changes[index].correction_milli, correction_milli);
}

static void test_rows_become_the_ground(void **state) {
    (void)state;
    shelf_put(1, 5000, 1);
    shelf_put(2, 6000, 0);
    shelf_put(3, 4000, 1); /* not named */
    shelf_put(SECOND_PAGE, 1000, 1);
    const struct stated rows[] = {{1, 1, 5000}, {2, 2, 8000}, {SECOND_PAGE, 3, 0}};
    assert_int_equal(shelf_decide(rows, 3, NULL, 0), STATUS_OK);
    assert_int_equal(shelf.outcome.change_count, 3);
    check_change(0, 1, 0);
    check_change(1, 2, 2000);
    check_change(2, SECOND_PAGE, -1000);
    assert_int_equal(shelf.outcome.changed, 2);
    assert_int_equal(shelf.outcome.unchanged, 1);
    assert_int_equal(shelf.outcome.stale, 0);
    assert_int_equal(shelf.outcome.zeroed, 0);
    assert_int_equal(shelf.outcome.to_zero, 1);
    assert_int_equal(shelf.outcome.nonzero, 3);
    assert_int_equal(shelf.outcome.units_before_milli, 12000);
    assert_int_equal(shelf.outcome.units_after_milli, 13000);
    assert_int_equal(shelf.outcome.variance_milli, 3000);
}

static void test_nothing_said_changes_nothing(void **state) {
    (void)state;
    shelf_put(1, 5000, 1);
    assert_int_equal(shelf_decide(NULL, 0, NULL, 0), STATUS_OK);
    assert_int_equal(shelf.outcome.change_count, 0);
    shelf.s.names_absent = true;
    shelf.books.page_count = 0;
    assert_int_equal(shelf_decide(NULL, 0, NULL, 0), STATUS_OK);
    assert_int_equal(shelf.outcome.change_count, 0);
}

static void test_products_never_seen(void **state) {
    (void)state;
    const struct stated rows[] = {
        {7, 1, 1000}, {CELLS_PER_PAGE + 1, 2, 2000}, {3 * CELLS_PER_PAGE + 9, 3, 3000}};
    assert_int_equal(shelf_decide(rows, 3, NULL, 0), STATUS_OK);
    check_change(0, 7, 1000);
    check_change(1, CELLS_PER_PAGE + 1, 2000);
    check_change(2, 3 * CELLS_PER_PAGE + 9, 3000);
    assert_int_equal(shelf.outcome.nonzero, 0);
    /* A statement that named them by absence, and is newer, has said zero already. */
    shelf.books.absent_default = &shelf.young;
    assert_int_equal(shelf_decide(rows, 3, NULL, 0), STATUS_OK);
    assert_int_equal(shelf.outcome.stale, 3);
    assert_int_equal(shelf.outcome.unchanged, 3);
    assert_int_equal(shelf.outcome.change_count, 0);
    shelf.books.absent_default = &shelf.old;
    assert_int_equal(shelf_decide(rows, 3, NULL, 0), STATUS_OK);
    assert_int_equal(shelf.outcome.changed, 3);
    assert_int_equal(shelf.outcome.stale, 0);
}

static void test_products_never_seen_but_excluded(void **state) {
    (void)state;
    const struct stated rows[] = {{1, 1, 1000}, {2, 2, 1000}, {5, 3, 1000}, {9, 4, 1000}};
    const struct absent_exception exceptions[] = {{2, 1}, {5, 0}, {8, 0}};
    shelf.books.absent_default = &shelf.young;
    shelf.books.absent_exceptions = exceptions;
    shelf.books.absent_exception_count = 3;
    assert_int_equal(shelf_decide(rows, 4, NULL, 0), STATUS_OK);
    assert_int_equal(shelf.outcome.stale, 2);
    check_change(0, 2, 1000);
    check_change(1, 5, 1000);
    shelf_put(2, 4000, 2); /* once there is a cell, its own ground counts */
    assert_int_equal(shelf_decide(rows, 4, NULL, 0), STATUS_OK);
    assert_int_equal(shelf.outcome.stale, 3);
}

static void test_cells_of_a_newer_statement_are_left_alone(void **state) {
    (void)state;
    shelf_put(1, 5000, 2);
    shelf_put(2, 5000, 1);
    shelf_put(3, 5000, 2);
    shelf.s.names_absent = true;
    const struct stated rows[] = {{1, 1, 1000}, {2, 2, 1000}};
    assert_int_equal(shelf_decide(rows, 2, NULL, 0), STATUS_OK);
    assert_int_equal(shelf.outcome.change_count, 1);
    check_change(0, 2, -4000);
    assert_int_equal(shelf.outcome.stale, 1);
    assert_int_equal(shelf.outcome.unchanged, 1);
    assert_int_equal(shelf.outcome.units_before_milli, 5000);
}

static void test_what_is_not_covered_stays(void **state) {
    (void)state;
    shelf_put(1, 7000, 1);
    shelf_put(2, 7000, 1);
    const struct movement movements[] = {
        {.product = 1, .effective_at_us = 50, .delta_milli = -1000},
        {.product = 1, .effective_at_us = 51, .delta_milli = -2000},
        {.product = 2, .effective_at_us = 60, .delta_milli = 500},
        {.product = 3, .effective_at_us = 40, .delta_milli = 700},
    };
    const struct pending_movement pending[] = {
        {.movement = {.product = 2, .effective_at_us = 20, .delta_milli = -300},
         .source = SHOP,
         .standing = STANDS_UNTIL_ACKNOWLEDGED,
         .acknowledged_at_us = NEVER_US},
        {.movement = {.product = 2, .effective_at_us = 20, .delta_milli = -9000},
         .source = SHOP,
         .standing = STANDS_UNTIL_ACKNOWLEDGED,
         .acknowledged_at_us = 50},
    };
    shelf.books.movements = movements;
    shelf.books.movement_count = 4;
    shelf.books.pending = pending;
    shelf.books.pending_count = 2;
    const struct stated rows[] = {{1, 1, 10000}, {2, 2, 0}};
    assert_int_equal(shelf_decide(rows, 2, NULL, 0), STATUS_OK);
    check_change(0, 1, 1000); /* 10 - 2 - 7 */
    check_change(1, 2, -6800);
    assert_int_equal(shelf.outcome.to_zero, 1); /* stated zero, though 0.2 are there */
    assert_int_equal(shelf.outcome.units_after_milli, 8200);
}

static void test_absence_states_zero(void **state) {
    (void)state;
    shelf_put(1, 5000, 1);
    shelf_put(4, 4000, 1);
    shelf_put(5, 0, 1);
    shelf_put(6, 3000, 0);
    shelf_put(8, 2000, 1);
    shelf_put(SECOND_PAGE + 3, -1000, 1);
    shelf_put(SECOND_PAGE + 255, 9000, 1);
    shelf.s.names_absent = true;
    const struct stated rows[] = {{4, 1, 4000}, {3 * CELLS_PER_PAGE + 1, 2, 1000}};
    const uint32_t excluded[] = {2, 8, CELLS_PER_PAGE, SECOND_PAGE + 255};
    assert_int_equal(shelf_decide(rows, 2, excluded, 4), STATUS_OK);
    assert_int_equal(shelf.outcome.change_count, 6);
    check_change(0, 1, -5000);
    check_change(1, 4, 0);
    check_change(2, 5, 0);
    check_change(3, 6, -3000);
    check_change(4, SECOND_PAGE + 3, 1000);
    check_change(5, 3 * CELLS_PER_PAGE + 1, 1000);
    assert_int_equal(shelf.outcome.zeroed, 3);
    assert_int_equal(shelf.outcome.to_zero, 3);
    assert_int_equal(shelf.outcome.nonzero, 4);
    assert_int_equal(shelf.outcome.changed, 1);
    assert_int_equal(shelf.outcome.unchanged, 1);
    assert_int_equal(shelf.outcome.variance_milli, 10000);
}

static void test_overflow_is_refused_in_every_sum(void **state) {
    (void)state;
    const int64_t most = BALANCE_MAX_MILLI;
    const struct movement late[] = {
        {.product = 1, .effective_at_us = 60, .delta_milli = most},
        {.product = 1, .effective_at_us = 60, .delta_milli = 1},
        {.product = 1, .effective_at_us = 60, .delta_milli = 1},
    };
    const struct pending_movement waiting[] = {
        {.movement = late[0],
         .source = SHOP,
         .standing = STANDS_UNTIL_ACKNOWLEDGED,
         .acknowledged_at_us = NEVER_US},
        {.movement = late[1],
         .source = SHOP,
         .standing = STANDS_UNTIL_ACKNOWLEDGED,
         .acknowledged_at_us = NEVER_US},
    };
    struct stated rows[] = {{1, 1, 1}, {2, 2, 0}};
    shelf_put(1, 0, 1);
    shelf_put(2, 0, 1);
    shelf.books.movements = late;
    shelf.books.movement_count = 3; /* open */
    shelf.books.pending = waiting;
    shelf.books.pending_count = 1;
    assert_int_equal(shelf_decide(rows, 2, NULL, 0), STATUS_OUT_OF_RANGE);
    shelf.books.movement_count = 0;
    shelf.books.pending_count = 2; /* open, waiting */
    assert_int_equal(shelf_decide(rows, 2, NULL, 0), STATUS_OUT_OF_RANGE);
    shelf.books.pending_count = 1; /* stated + open */
    assert_int_equal(shelf_decide(rows, 2, NULL, 0), STATUS_OUT_OF_RANGE);
    rows[0].quantity_milli = 0;
    assert_int_equal(shelf_decide(rows, 2, NULL, 0), STATUS_OK);
    shelf_put(1, -1, 1); /* correction */
    assert_int_equal(shelf_decide(rows, 2, NULL, 0), STATUS_OUT_OF_RANGE);
    shelf.books.pending_count = 0;
    shelf_put(1, most, 1);
    assert_int_equal(shelf_decide(rows, 2, NULL, 0), STATUS_OK);
    shelf_put(2, 1, 1); /* units before */
    assert_int_equal(shelf_decide(rows, 2, NULL, 0), STATUS_OUT_OF_RANGE);
    shelf_put(1, 0, 1);
    shelf_put(2, 0, 1);
    rows[0].quantity_milli = most;
    assert_int_equal(shelf_decide(rows, 2, NULL, 0), STATUS_OK);
    rows[1].quantity_milli = 1; /* units after */
    assert_int_equal(shelf_decide(rows, 2, NULL, 0), STATUS_OUT_OF_RANGE);
    rows[1].quantity_milli = -1; /* variance */
    assert_int_equal(shelf_decide(rows, 2, NULL, 0), STATUS_OUT_OF_RANGE);
}

static void test_overflow_is_refused_in_absence(void **state) {
    (void)state;
    const struct stated row = {2, 1, 5};
    shelf.s.names_absent = true;
    shelf_put(1, BALANCE_MAX_MILLI, 1);
    shelf_put(2, 5, 1);
    shelf_put(3, 1, 1);
    assert_int_equal(shelf_decide(&row, 1, NULL, 0), STATUS_OUT_OF_RANGE); /* in the row */
    shelf_put(2, 0, 1);
    assert_int_equal(shelf_decide(NULL, 0, NULL, 0), STATUS_OUT_OF_RANGE); /* behind all rows */
    const struct stated far = {4, 1, 0};
    assert_int_equal(shelf_decide(&far, 1, NULL, 0), STATUS_OUT_OF_RANGE); /* before the row */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_statement_everything_counts),
        cmocka_unit_test(test_a_covered_event_is_recorded_and_moves_nothing),
        cmocka_unit_test(test_an_order_from_reservation_to_shipment),
        cmocka_unit_test(test_a_covered_shipment_still_releases_its_order),
        cmocka_unit_test(test_a_shipment_before_its_reservation),
        cmocka_unit_test(test_an_acknowledging_sale_moves_nothing),
        cmocka_unit_test(test_overflow_is_refused_and_changes_nothing),
        cmocka_unit_test(test_cells_exist_once_spoken_of),
        cmocka_unit_test(test_an_acknowledgement_takes_the_movement_out),
        cmocka_unit_test_setup(test_rows_become_the_ground, set_up_shelf),
        cmocka_unit_test_setup(test_nothing_said_changes_nothing, set_up_shelf),
        cmocka_unit_test_setup(test_products_never_seen, set_up_shelf),
        cmocka_unit_test_setup(test_products_never_seen_but_excluded, set_up_shelf),
        cmocka_unit_test_setup(test_cells_of_a_newer_statement_are_left_alone, set_up_shelf),
        cmocka_unit_test_setup(test_what_is_not_covered_stays, set_up_shelf),
        cmocka_unit_test_setup(test_absence_states_zero, set_up_shelf),
        cmocka_unit_test_setup(test_overflow_is_refused_in_every_sum, set_up_shelf),
        cmocka_unit_test_setup(test_overflow_is_refused_in_absence, set_up_shelf),
    };
    return cmocka_run_group_tests_name("cell", tests, NULL, NULL);
}
