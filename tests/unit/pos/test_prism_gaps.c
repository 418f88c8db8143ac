/* The numbers of a register: what is missing, what came late, what begins anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "pos/prism_gaps.h"

static void note_all(struct gaps *gaps, const int *numbers, size_t count) {
    for (size_t i = 0; i < count; i++)
        gaps_note(gaps, numbers[i], numbers[i] * 10, (int64_t)i);
}

static void expect(struct gaps *gaps, const char *expected) {
    struct buffer out = {0};
    buffer_append_format(&out, "last %lld:", (long long)gaps->last);
    for (unsigned i = 0; i < gaps->open_count; i++)
        buffer_append_format(&out, " %lld-%lld", (long long)gaps->open[i].from,
                             (long long)gaps->open[i].to);
    assert_string_equal(out.data, expected);
    buffer_deinit(&out);
}

static void numbers_in_any_order(void **state) {
    (void)state;
    static const struct {
        int numbers[8];
        size_t count;
        const char *expected;
    } rows[] = {
        {{5, 6, 7}, 3, "last 7:"},
        {{5, 9}, 2, "last 9: 6-8"},
        {{5, 9, 7}, 3, "last 9: 6-6 8-8"},
        {{5, 9, 6}, 3, "last 9: 7-8"},
        {{5, 9, 8}, 3, "last 9: 6-7"},
        {{5, 9, 7, 6, 8}, 5, "last 9:"},
        {{5, 9, 9, 5, 4, 3}, 6, "last 9: 6-8"}, /* repeated, and of before the first */
        {{5, 9, 12}, 3, "last 12: 6-8 10-11"},
        {{5, 9, 12, 10, 7}, 5, "last 12: 6-6 8-8 11-11"},
        {{5, 20000}, 2, "last 20000:"}, /* a new count */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gaps gaps = {0};
        note_all(&gaps, rows[i].numbers, rows[i].count);
        expect(&gaps, rows[i].expected);
        gaps_deinit(&gaps);
    }
}

static void a_filled_gap_is_remembered(void **state) {
    (void)state;
    struct gaps gaps = {0};
    gaps_note(&gaps, 1, 10, 100);
    gaps_note(&gaps, 4, 40, 200);
    assert_int_equal(gaps_missing(&gaps), 2);
    gaps_note(&gaps, 2, 20, 300);
    gaps_note(&gaps, 3, 30, 400);
    assert_int_equal(gaps_missing(&gaps), 0);
    assert_int_equal(gaps.filled_total, 2);
    assert_int_equal(gaps.filled_count, 1);
    assert_int_equal(gaps.filled[0].seen_us, 200);
    assert_int_equal(gaps.filled[0].filled_us, 400);
    gaps_deinit(&gaps);
}

static void a_register_set_up_anew_begins_a_new_count(void **state) {
    (void)state;
    struct gaps gaps = {0};
    gaps_note(&gaps, 500, 1000, 1000);
    gaps_note(&gaps, 1, 2000, 2000);
    expect(&gaps, "last 1:");
    gaps_note(&gaps, 3, 3000, 3000);
    expect(&gaps, "last 3: 2-2");
    gaps_deinit(&gaps);
}

static void gaps_are_bounded(void **state) {
    (void)state;
    struct gaps gaps = {0};
    for (int i = 0; i < 200; i++)
        gaps_note(&gaps, 2 * i, i, i);
    assert_int_equal(gaps.open_count, GAPS_OPEN_MAX);
    assert_int_equal(gaps.forgotten, 199 - GAPS_OPEN_MAX);
    /* Splitting a full list forgets the oldest, and stays sorted. */
    gaps_note(&gaps, 1000, 1000, 1000);
    gaps_note(&gaps, 700, 700, 1001);
    assert_int_equal(gaps.open_count, GAPS_OPEN_MAX);
    for (unsigned i = 0; i + 1 < gaps.open_count; i++)
        assert_true(gaps.open[i].to < gaps.open[i + 1].from);
    gaps_deinit(&gaps);
}

static void what_was_saved_is_taken_only_if_it_makes_sense(void **state) {
    (void)state;
    struct gaps gaps = {.last = 10, .has_last = true};
    gaps_restore_open(&gaps, &(struct gap){.from = 3, .to = 4});
    gaps_restore_open(&gaps, &(struct gap){.from = 4, .to = 5});
    gaps_restore_open(&gaps, &(struct gap){.from = 8, .to = 7});
    gaps_restore_open(&gaps, &(struct gap){.from = 9, .to = 10});
    gaps_restore_open(&gaps, &(struct gap){.from = 6, .to = 7});
    expect(&gaps, "last 10: 3-4 6-7");
    gaps_deinit(&gaps);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_in_any_order),
        cmocka_unit_test(a_filled_gap_is_remembered),
        cmocka_unit_test(a_register_set_up_anew_begins_a_new_count),
        cmocka_unit_test(gaps_are_bounded),
        cmocka_unit_test(what_was_saved_is_taken_only_if_it_makes_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
