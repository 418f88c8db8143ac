/* Guards: each limit at, just before and just beyond where it trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/quantity.h"
#include "core/guard.h"

#define BIT(name) (1u << GUARD_##name)

/* A location with 1,000 products of 10 units each, reset before, and the same file again. */
static struct statement_outcome fine_outcome(void) {
    return (struct statement_outcome){.unchanged = 1000,
                                      .change_count = 1000,
                                      .nonzero = 1000,
                                      .units_before_milli = 10000000,
                                      .units_after_milli = 10000000};
}

static struct guard_facts fine_facts(const struct statement_outcome *outcome) {
    return (struct guard_facts){.had_reset = true,
                                .full = true,
                                .rows = 1000,
                                .last_rows = 1000,
                                .as_of_us = 100,
                                .received_at_us = 100,
                                .outcome = outcome};
}

static void check(const struct guard_facts *facts, unsigned expected) {
    assert_int_equal(guard_judge(&guard_limits_default, facts), expected);
    struct guard_limits off = guard_limits_default;
    off.enabled = false;
    assert_int_equal(guard_judge(&off, facts), 0);
}

static void test_every_guard_has_its_words(void **state) {
    (void)state;
    assert_string_equal(guard_word(GUARD_NO_ROWS), "no_rows");
    assert_string_equal(guard_word(GUARD_UNREADABLE), "unreadable");
    for (unsigned i = 0; i < GUARD_COUNT; i++) {
        assert_true(strlen(guard_word((enum guard)i)) > 0);
        assert_true(strlen(guard_meaning((enum guard)i)) > 0);
    }
    assert_string_equal(guard_meaning(GUARD_FUTURE), "as_of lies in the future");
}

static void test_the_same_again_passes(void **state) {
    (void)state;
    struct statement_outcome outcome = fine_outcome();
    struct guard_facts facts = fine_facts(&outcome);
    check(&facts, 0);
    facts.outcome = NULL;
    check(&facts, 0);
}

static void test_no_rows(void **state) {
    (void)state;
    struct guard_facts facts = {.as_of_us = 1, .received_at_us = 1, .full = true};
    check(&facts, BIT(NO_ROWS));
    facts.rows = 1;
    check(&facts, 0);
}

static void test_few_rows(void **state) {
    (void)state;
    struct guard_facts facts = fine_facts(NULL);
    facts.rows = 800;
    check(&facts, 0);
    facts.rows = 799;
    check(&facts, BIT(FEW_ROWS));
    facts.full = false; /* a partial file is meant to be short */
    check(&facts, 0);
    facts.full = true;
    facts.had_reset = false;
    check(&facts, 0);
    facts.had_reset = true;
    facts.rows = 0;
    check(&facts, BIT(FEW_ROWS) | BIT(NO_ROWS));
}

static void test_zeroed(void **state) {
    (void)state;
    struct statement_outcome outcome = fine_outcome();
    struct guard_facts facts = fine_facts(&outcome);
    outcome.to_zero = 100;
    check(&facts, 0);
    outcome.to_zero = 101;
    check(&facts, BIT(ZEROED));
    facts.full = false;
    check(&facts, BIT(ZEROED));
    facts.had_reset = false;
    check(&facts, 0);
}

static void test_units(void **state) {
    (void)state;
    static const struct {
        int64_t before_milli, after_milli;
        bool trips;
    } rows[] = {
        {1000, 500, false},
        {1000, 499, true},
        {1000, 2000, false},
        {1000, 2001, true},
        {1000, -1, true},
        {0, 999999, false},
        {-5, 999999, false},
        {BALANCE_MAX_MILLI, BALANCE_MAX_MILLI, false},
        {BALANCE_MAX_MILLI, BALANCE_MAX_MILLI / 2 - 1, true},
        {1, BALANCE_MAX_MILLI, true},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct statement_outcome outcome = fine_outcome();
        struct guard_facts facts = fine_facts(&outcome);
        outcome.units_before_milli = rows[i].before_milli;
        outcome.units_after_milli = rows[i].after_milli;
        check(&facts, rows[i].trips ? BIT(UNITS) : 0);
        facts.had_reset = false;
        check(&facts, 0);
    }
}

static void test_missing_location(void **state) {
    (void)state;
    struct guard_facts facts = fine_facts(NULL);
    facts.rows = 0;
    facts.location_missing = true;
    check(&facts, BIT(MISSING_LOCATION)); /* and not also "no rows" */
    facts.full = false;
    check(&facts, 0);
    facts.full = true;
    facts.had_reset = false;
    check(&facts, 0);
}

static void test_what_the_file_says_of_itself(void **state) {
    (void)state;
    struct guard_facts facts = {.rows = 1000, .as_of_us = 100, .received_at_us = 100};
    facts.as_of_us = 101;
    check(&facts, BIT(FUTURE));
    facts.as_of_us = 99;
    check(&facts, 0);
    facts.manifest_mismatch = true;
    check(&facts, BIT(MANIFEST));
    facts.manifest_mismatch = false;
    facts.cut_off = true;
    check(&facts, 1u << GUARD_CUT_OFF);
    facts.had_reset = false;
    check(&facts, 1u << GUARD_CUT_OFF);
    facts.had_reset = true;
    facts.cut_off = false;
    facts.trailer_mismatch = true;
    check(&facts, 1u << GUARD_TRAILER);
    facts.trailer_mismatch = false;
    facts.rows = 0;
    check(&facts, BIT(NO_ROWS));
}

static void test_what_could_not_be_read(void **state) {
    (void)state;
    struct guard_facts facts = {.rows = 1000, .had_reset = true, .last_rows = 1000};
    facts.unreadable_rows = 10;
    check(&facts, 0);
    facts.unreadable_rows = 11;
    check(&facts, BIT(UNREADABLE));
    facts.had_reset = false; /* nothing to harm yet */
    check(&facts, 0);
}

static void test_a_limit_of_nothing_is_off(void **state) {
    (void)state;
    const struct guard_limits off = {.enabled = true};
    struct statement_outcome outcome = fine_outcome();
    outcome.to_zero = 1000;
    outcome.units_after_milli = 0;
    struct guard_facts facts = fine_facts(&outcome);
    facts.rows = 1;
    facts.unreadable_rows = 1;
    facts.as_of_us = 101;
    facts.manifest_mismatch = true;
    assert_int_equal(guard_judge(&off, &facts), 0);
    outcome.units_after_milli = INT64_C(90000000);
    assert_int_equal(guard_judge(&off, &facts), 0);
    facts.location_missing = true;
    assert_int_equal(guard_judge(&off, &facts), 0);
    assert_int_equal(guard_judge(&guard_limits_default, &facts),
                     BIT(MISSING_LOCATION) | BIT(FUTURE) | BIT(MANIFEST) | BIT(UNREADABLE) |
                         BIT(ZEROED) | BIT(UNITS));
}

/* Five products with 10 each: what statement_decide reports of two harmful files. */
static void test_tiny_stores_are_guarded_too(void **state) {
    (void)state;
    struct cell page[CELLS_PER_PAGE] = {0};
    for (unsigned i = 1; i <= 5; i++)
        page[i] = (struct cell){.on_hand_milli = 10000, .head = i, .statement = 1};
    const struct statement first = {.id = 1, .as_of_us = 1};
    const struct statement *const statements[] = {NULL, &first};
    struct cell *const pages[] = {page};
    const struct location_books books = {
        .pages = pages, .page_count = 1, .statements = statements, .statement_count = 2};
    struct cell_change changes[CELLS_PER_PAGE];
    struct statement_outcome outcome = {.changes = changes};
    static int64_t open_milli[CELLS_PER_PAGE];
    struct guard_facts facts = fine_facts(&outcome);
    facts.last_rows = 5;

    struct statement s = {.id = 2, .as_of_us = 2, .names_absent = true};
    const struct stated one[] = {{1, 1, 10000}};
    assert_int_equal(statement_decide(&s, one, 1, NULL, 0, &books, open_milli, &outcome),
                     STATUS_OK);
    facts.rows = 1;
    check(&facts, BIT(FEW_ROWS) | BIT(ZEROED) | BIT(UNITS));

    const struct stated tenth[] = {
        {1, 1, 1000}, {2, 2, 1000}, {3, 3, 1000}, {4, 4, 1000}, {5, 5, 1000}};
    assert_int_equal(statement_decide(&s, tenth, 5, NULL, 0, &books, open_milli, &outcome),
                     STATUS_OK);
    facts.rows = 5;
    check(&facts, BIT(UNITS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_guard_has_its_words),
        cmocka_unit_test(test_the_same_again_passes),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_few_rows),
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_missing_location),
        cmocka_unit_test(test_what_the_file_says_of_itself),
        cmocka_unit_test(test_what_could_not_be_read),
        cmocka_unit_test(test_a_limit_of_nothing_is_off),
        cmocka_unit_test(test_tiny_stores_are_guarded_too),
    };
    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
