/* What a channel is told, row by row. */
#include "unit/hub/support.h"

#include "base/quantity.h"
#include "channel/wanted.h"

#define PLAIN                                                                                      \
    { 0, 100, WANTED_NO_CAP, false }

static struct wanted_cell cell(int64_t on_hand, int64_t reserved, int64_t safety, bool sells) {
    return (struct wanted_cell){.cell = {.on_hand_milli = on_hand,
                                         .reserved_milli = reserved,
                                         .head = 7,
                                         .updated_at_s = 9},
                                .safety_milli = safety,
                                .sells = sells,
                                .as_of_us = 5};
}

static void test_figures(void **state) {
    (void)state;
    const struct {
        const char *what;
        struct wanted_policy policy;
        int64_t on_hand, reserved, safety;
        bool sells;
        int64_t wanted;
    } rows[] = {
        {"as it is", PLAIN, 5000, 0, 0, true, 5000},
        {"less what is reserved and kept", PLAIN, 5000, 2000, 1000, true, 2000},
        {"never below zero", PLAIN, -2000, 0, 0, true, 0},
        {"nor by reservations", PLAIN, 1000, 3000, 0, true, 0},
        {"not sold online", PLAIN, 5000, 0, 0, false, 0},
        {"below the threshold", {3000, 100, WANTED_NO_CAP, false}, 2999, 0, 0, true, 0},
        {"at the threshold", {3000, 100, WANTED_NO_CAP, false}, 3000, 0, 0, true, 3000},
        {"a share", {0, 25, WANTED_NO_CAP, false}, 10000, 0, 0, true, 2500},
        {"a share in whole units", {0, 25, WANTED_NO_CAP, true}, 10000, 0, 0, true, 2000},
        {"no share", {0, 0, WANTED_NO_CAP, false}, 10000, 0, 0, true, 0},
        {"a cap", {0, 100, 4000, false}, 10000, 0, 0, true, 4000},
        {"a cap of nothing", {0, 100, 0, false}, 10000, 0, 0, true, 0},
        {"whole units", {0, 100, WANTED_NO_CAP, true}, 1999, 0, 0, true, 1000},
        {"less than a unit", {0, 100, WANTED_NO_CAP, true}, 999, 0, 0, true, 0},
        {"the most there is",
         {0, 99, WANTED_NO_CAP, false},
         BALANCE_MAX_MILLI,
         0,
         0,
         true,
         BALANCE_MAX_MILLI / 100 * 99},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wanted_cell one =
            cell(rows[i].on_hand, rows[i].reserved, rows[i].safety, rows[i].sells);
        struct wanted_figure figure = wanted_figure_of(&rows[i].policy, &one, 1);
        if (figure.milli != rows[i].wanted)
            fail_msg("%s: %lld", rows[i].what, (long long)figure.milli);
        assert_int_equal(figure.version, 7);
    }
}

static void test_sums(void **state) {
    (void)state;
    const struct wanted_policy policy = {4000, 50, WANTED_NO_CAP, true};
    struct wanted_cell cells[] = {cell(5000, 0, 0, true), cell(-9000, 0, 0, true),
                                  cell(3000, 0, 0, true), cell(7000, 0, 0, false)};
    cells[2].cell.head = 12;
    cells[2].as_of_us = 3;
    struct wanted_figure figure = wanted_figure_of(&policy, cells, 4);
    assert_int_equal(figure.milli, 4000); /* a shortage here takes nothing from stock there */
    assert_int_equal(figure.on_hand_milli, 6000);
    assert_int_equal(figure.version, 12);
    assert_int_equal(figure.as_of_us, 3);
    assert_int_equal(wanted_figure_of(&policy, cells, 0).milli, 0);
    struct wanted_cell none = {.sells = true};
    assert_int_equal(wanted_figure_of(&policy, &none, 1).version, 0);
}

static void test_sums_never_overflow(void **state) {
    (void)state;
    const struct wanted_policy policy = PLAIN;
    struct wanted_cell cells[] = {cell(BALANCE_MAX_MILLI, 0, 0, true),
                                  cell(BALANCE_MAX_MILLI, 0, 0, true),
                                  cell(-BALANCE_MAX_MILLI, 0, 0, true)};
    assert_int_equal(wanted_figure_of(&policy, cells, 3).milli, BALANCE_MAX_MILLI);
}

static void test_increases(void **state) {
    (void)state;
    const struct config_increases now = {CONFIG_INCREASES_NOW, 0};
    const struct config_increases after = {CONFIG_INCREASES_AFTER, 300};
    const struct config_increases confirmed = {CONFIG_INCREASES_CONFIRMED, 0};
    assert_int_equal(wanted_increase_at_us(&now, 1000, 0), 1000);
    assert_int_equal(wanted_increase_at_us(&after, 1000, 0), 1300);
    assert_true(wanted_increase_at_us(&confirmed, 1000, 999) == NEVER_US);
    assert_int_equal(wanted_increase_at_us(&confirmed, 1000, 1000), 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_sums_never_overflow),
        cmocka_unit_test(test_increases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
