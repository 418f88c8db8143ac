/* The search for the cut: small books whose every movement is written down, and what is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/cut.h"

#define MINUTE INT64_C(60000000)
#define HOUR (60 * MINUTE)
#define FLOOR (1000 * HOUR)
#define NOW (FLOOR + 24 * HOUR)
#define PRODUCTS 10

/* One location: every product stated as 10 at FLOOR. */
static struct cell page[CELLS_PER_PAGE];
static struct cell *pages[] = {page};
static struct statement ground = {.id = 1, .location = 1, .source = 1, .as_of_us = FLOOR};
static struct statement newer = {.id = 2, .location = 1, .source = 1, .as_of_us = FLOOR + HOUR};
static const struct statement *statements[] = {NULL, &ground, &newer};
static struct movement movements[64];
static struct pending_movement pending[8];
static struct stated rows[PRODUCTS];
static struct location_books books;
static struct cut_cell cells[CELLS_PER_PAGE];
static struct cut_event events[72], spare[72];
static uint32_t open_products[72];
static struct statement asked;
static struct cut_question question;
static struct cut cut;

static int set_up(void **state) {
    (void)state;
    books = (struct location_books){.pages = pages,
                                    .page_count = 1,
                                    .movements = movements,
                                    .pending = pending,
                                    .statements = statements,
                                    .statement_count = 3};
    for (uint32_t p = 0; p < PRODUCTS; p++) {
        page[p] = (struct cell){.on_hand_milli = 10000, .head = 1, .statement = 1};
        rows[p] = (struct stated){.product = p, .line = p + 2, .quantity_milli = 10000};
    }
    asked = (struct statement){.id = 3, .location = 1, .source = 1};
    question = (struct cut_question){.statement = &asked,
                                     .rows = rows,
                                     .row_count = PRODUCTS,
                                     .books = &books,
                                     .oldest_us = FLOOR - 100 * HOUR,
                                     .now_us = NOW,
                                     .given_us = NEVER_US,
                                     .near_us = 10 * MINUTE};
    return 0;
}

/* Sold at `hours` after the floor; in the file when `in_file`. */
static void sell(uint32_t product, int64_t at_us, bool in_file) {
    movements[books.movement_count++] = (struct movement){
        .effective_at_us = at_us, .delta_milli = -1000, .seq = 1, .product = product};
    page[product].on_hand_milli -= 1000;
    rows[product].quantity_milli -= in_file ? 1000 : 0;
}

static void find(void) {
    cut_find(&question, &(struct cut_room){cells, events, spare, open_products}, &cut);
    for (size_t i = 0; i < CELLS_PER_PAGE; i++)
        assert_true(cells[i].rest_milli == 0 && !cells[i].compared && !cells[i].moved);
}

static void sell_all_day(unsigned in_file) {
    for (uint32_t p = 0; p < 8; p++)
        sell(p, FLOOR + (p + 1) * HOUR, p < in_file);
}

static void test_the_cut_is_found(void **state) {
    (void)state;
    for (unsigned in_file = 0; in_file <= 8; in_file++) {
        set_up(NULL);
        sell_all_day(in_file);
        find();
        assert_int_equal(cut.events, 8);
        assert_int_equal(cut.compared, 10);
        assert_int_equal(cut.moved, 8);
        assert_int_equal(cut.moved_agreeing, 8);
        assert_int_equal(cut.agreeing, 10);
        assert_int_equal(cut.runner_up, 7);
        assert_true(cut.from_us == FLOOR + in_file * HOUR);
        assert_true(cut.to_us == (in_file < 8 ? cut.from_us + HOUR : NOW + 1));
        assert_true(cut.at_us == cut.from_us);
        assert_true(!cut.thin && !cut.ambiguous && !cut.holds_given);
        assert_int_equal(cut.confidence_milli, cut_confidence_milli(8, 8, 7));
    }
}

static void test_nothing_moved(void **state) {
    (void)state;
    find();
    assert_int_equal(cut.events, 0);
    sell(0, FLOOR, true); /* the ground knew it */
    page[0].on_hand_milli += 1000;
    find();
    assert_int_equal(cut.events, 0);
}

/* Out of order, several at one instant, and one product moving more than once. */
static void test_movements_in_any_order(void **state) {
    (void)state;
    static const int hours[] = {5, 1, 3, 3, 4, 2, 6, 3};
    for (uint32_t i = 0; i < 8; i++)
        sell(i % 4, FLOOR + hours[i] * HOUR, hours[i] <= 3);
    find();
    assert_int_equal(cut.moved, 4);
    assert_int_equal(cut.moved_agreeing, 4);
    assert_true(cut.from_us == FLOOR + 3 * HOUR && cut.to_us == FLOOR + 4 * HOUR);
}

static void test_wrong_figures_are_outvoted(void **state) {
    (void)state;
    sell_all_day(5);
    rows[1].quantity_milli += 7000;
    rows[6].quantity_milli -= 2000;
    rows[9].quantity_milli = 0; /* did not move: no evidence either way */
    find();
    assert_int_equal(cut.moved_agreeing, 6);
    assert_int_equal(cut.agreeing, 7);
    assert_true(cut.from_us == FLOOR + 5 * HOUR);
    assert_false(cut.thin);
}

static void test_thin(void **state) {
    (void)state;
    sell(0, FLOOR + HOUR, true);
    sell(1, FLOOR + 2 * HOUR, false);
    find();
    assert_true(cut.thin);
    sell(2, FLOOR + 3 * HOUR, false);
    find();
    assert_false(cut.thin);
    for (uint32_t p = 3; p < 7; p++) { /* most agree at no time */
        sell(p, FLOOR + 4 * HOUR, false);
        rows[p].quantity_milli = 0;
    }
    find();
    assert_true(cut.thin);
    assert_int_equal(cut.moved_agreeing, 3);
}

/* Sold in the morning and brought back at noon: before and after look the same. */
static void returned_at_noon(void) {
    for (uint32_t p = 0; p < 4; p++) {
        sell(p, FLOOR + 2 * HOUR, false);
        movements[books.movement_count] = movements[books.movement_count - 1];
        movements[books.movement_count].effective_at_us = FLOOR + 12 * HOUR;
        movements[books.movement_count++].delta_milli = 1000;
        page[p].on_hand_milli += 1000;
    }
}

static void test_ambiguous(void **state) {
    (void)state;
    returned_at_noon();
    find();
    assert_true(cut.ambiguous && !cut.thin);
    assert_int_equal(cut.runner_up, 4);
    assert_true(cut.from_us == FLOOR + 12 * HOUR); /* the longer of the two */
    question.given_us = FLOOR + HOUR;
    find();
    assert_true(cut.holds_given && cut.ambiguous);
    assert_true(cut.from_us == FLOOR && cut.to_us == FLOOR + 2 * HOUR);
    question.given_us = FLOOR + 3 * HOUR; /* in neither */
    find();
    assert_true(!cut.holds_given && cut.from_us == FLOOR + 12 * HOUR);
}

/* By number and by acknowledgement: reckoned with, but only an acknowledgement has an instant. */
static void test_watermarks_and_acknowledgements(void **state) {
    (void)state;
    struct watermark through = {7, 100};
    asked.through = &through;
    asked.through_count = 1;
    sell_all_day(5);
    sell(8, FLOOR + 8 * HOUR, true); /* covered by its number, whatever its time */
    movements[8].register_id = 7;
    movements[8].register_sequence = 100;
    sell(9, FLOOR + HOUR, false); /* not covered by its number */
    movements[9].register_id = 7;
    movements[9].register_sequence = 101;
    find();
    assert_int_equal(cut.events, 8);
    assert_int_equal(cut.agreeing, 10);
    assert_true(cut.from_us == FLOOR + 5 * HOUR);
    pending[0] = (struct pending_movement){
        .movement = {.effective_at_us = FLOOR + HOUR, .delta_milli = -1000, .product = 9},
        .source = 2,
        .standing = STANDS_UNTIL_ACKNOWLEDGED,
        .acknowledged_at_us = NEVER_US};
    pending[1] = pending[0];
    pending[1].movement.product = 8;
    pending[1].acknowledged_at_us = FLOOR + 5 * HOUR + 30 * MINUTE;
    books.pending_count = 2;
    page[9].on_hand_milli -= 1000;
    page[8].on_hand_milli -= 1000;
    rows[8].quantity_milli -= 1000;
    find();
    assert_int_equal(cut.events, 9);
    assert_int_equal(cut.agreeing, 10);
    assert_true(cut.from_us == FLOOR + 5 * HOUR + 30 * MINUTE);
}

static void test_what_cannot_be_compared(void **state) {
    (void)state;
    sell_all_day(5);
    page[0].statement = 0; /* nobody ever counted it */
    page[1].statement = 2; /* somebody did since */
    find();
    assert_int_equal(cut.compared, 8);
    assert_int_equal(cut.events, 6);
    assert_true(cut.floor_us == FLOOR && cut.from_us == FLOOR + 5 * HOUR);
    question.oldest_us = FLOOR + 2 * HOUR + MINUTE;
    find();
    assert_true(cut.floor_us == question.oldest_us);
    assert_int_equal(cut.compared, 9);
    assert_true(cut.from_us == FLOOR + 5 * HOUR);
}

static void test_without_a_majority_the_newest_ground(void **state) {
    (void)state;
    sell_all_day(5);
    for (uint32_t p = 0; p < PRODUCTS; p += 2)
        page[p].statement = 2;
    page[0].on_hand_milli += 1000; /* sold before it */
    find();
    assert_true(cut.floor_us == FLOOR + HOUR);
    assert_int_equal(cut.compared, 10);
    assert_true(cut.from_us == FLOOR + 5 * HOUR);
}

/* ---- the verdict on what was given ---- */

static void check(int64_t given_us, enum cut_verdict verdict, enum cut_cause cause,
                  int64_t distance_us, int64_t shift_minutes) {
    struct cut_check got = cut_check(&cut, given_us, 10 * MINUTE);
    assert_int_equal(got.verdict, verdict);
    assert_int_equal(got.cause, cause);
    assert_true(got.distance_us == distance_us);
    assert_true(got.shift_minutes == shift_minutes);
}

static void test_verdicts(void **state) {
    (void)state;
    for (uint32_t p = 0; p < 8; p++) /* cut between 10:20 and 10:40 */
        sell(p, FLOOR + 10 * HOUR + (p - 3) * 20 * MINUTE, p <= 4);
    find();
    int64_t from_us = FLOOR + 10 * HOUR + 20 * MINUTE, given_us = from_us + 10 * MINUTE;
    assert_true(cut.from_us == from_us && cut.to_us == from_us + 20 * MINUTE);
    check(given_us, CUT_AGREES, CUT_CAUSE_NONE, 0, 0);
    check(from_us - 10 * MINUTE, CUT_AGREES, CUT_CAUSE_NONE, 10 * MINUTE, 0);
    check(from_us - 10 * MINUTE - 1, CUT_DIFFERS, CUT_CAUSE_AHEAD, 10 * MINUTE + 1, 0);
    check(given_us - 5 * HOUR, CUT_DIFFERS, CUT_CAUSE_ZONE, 5 * HOUR - 10 * MINUTE, 300);
    check(given_us + 2 * HOUR, CUT_DIFFERS, CUT_CAUSE_ZONE, -(2 * HOUR - 10 * MINUTE + 1), -120);
    check(given_us - 5 * HOUR - 30 * MINUTE, CUT_DIFFERS, CUT_CAUSE_ZONE, 5 * HOUR + 20 * MINUTE,
          330);
    check(given_us - HOUR, CUT_DIFFERS, CUT_CAUSE_SUMMER_TIME, 50 * MINUTE, 60);
    check(given_us + HOUR, CUT_DIFFERS, CUT_CAUSE_SUMMER_TIME, -(50 * MINUTE + 1), -60);
    check(from_us + 2 * HOUR + 43 * MINUTE, CUT_DIFFERS, CUT_CAUSE_BEHIND,
          -(2 * HOUR + 23 * MINUTE + 1), 0);
    check(FLOOR - 1, CUT_NO_EVIDENCE, CUT_CAUSE_NONE, 0, 0);
    cut.thin = true;
    check(given_us - 5 * HOUR, CUT_UNCERTAIN, CUT_CAUSE_NONE, 5 * HOUR - 10 * MINUTE, 0);
    check(given_us, CUT_AGREES, CUT_CAUSE_NONE, 0, 0);
    cut.events = 0;
    check(given_us, CUT_NO_EVIDENCE, CUT_CAUSE_NONE, 0, 0);
}

/* A night without sales: any of several hours would do, so none is named. */
static void test_no_zone_is_named_where_several_would_do(void **state) {
    (void)state;
    for (uint32_t p = 0; p < 4; p++)
        sell(p, FLOOR + HOUR, true);
    sell(4, FLOOR + 9 * HOUR, false);
    find();
    check(FLOOR + 12 * HOUR, CUT_DIFFERS, CUT_CAUSE_BEHIND, -(3 * HOUR + 1), 0);
}

static void test_confidence(void **state) {
    (void)state;
    assert_int_equal(cut_confidence_milli(0, 0, 0), 0);
    assert_int_equal(cut_confidence_milli(1, 1, 0), 454);
    assert_int_equal(cut_confidence_milli(9, 9, 9), 450);
    assert_int_equal(cut_confidence_milli(9, 9, 8), 818);
    assert_int_equal(cut_confidence_milli(9, 9, 0), 900);
    assert_int_equal(cut_confidence_milli(99, 99, 0), 990);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_cut_is_found, set_up),
        cmocka_unit_test_setup(test_nothing_moved, set_up),
        cmocka_unit_test_setup(test_movements_in_any_order, set_up),
        cmocka_unit_test_setup(test_wrong_figures_are_outvoted, set_up),
        cmocka_unit_test_setup(test_thin, set_up),
        cmocka_unit_test_setup(test_ambiguous, set_up),
        cmocka_unit_test_setup(test_watermarks_and_acknowledgements, set_up),
        cmocka_unit_test_setup(test_what_cannot_be_compared, set_up),
        cmocka_unit_test_setup(test_without_a_majority_the_newest_ground, set_up),
        cmocka_unit_test_setup(test_verdicts, set_up),
        cmocka_unit_test_setup(test_no_zone_is_named_where_several_would_do, set_up),
        cmocka_unit_test(test_confidence),
    };
    return cmocka_run_group_tests_name("core/cut", tests, NULL, NULL);
}
