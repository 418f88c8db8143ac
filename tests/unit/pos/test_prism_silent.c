/* Stores that say nothing, come back, and have clocks of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "pos/prism_silent.h"

#define MINUTE (60 * US_PER_SECOND)
#define OVERLAP (10 * MINUTE)
#define NOON (INT64_C(1700000000) * US_PER_SECOND)

static void asks_only_for_the_silent(void **state) {
    (void)state;
    struct prism_silent *silent = prism_silent_new();
    struct text sid;
    int64_t from_us;
    prism_silent_heard(silent, TEXT("1"), NOON, OVERLAP, NOON);
    prism_silent_heard(silent, TEXT("2"), NOON - 30 * MINUTE, OVERLAP, NOON);
    assert_true(prism_silent_next(silent, 1, OVERLAP, NOON, &sid, &from_us));
    assert_true(text_equal_string(sid, "2"));
    assert_int_equal(from_us, NOON - 40 * MINUTE);
    assert_false(prism_silent_next(silent, 1, OVERLAP, NOON, &sid, &from_us));
    assert_true(prism_silent_next(silent, 2, OVERLAP, NOON, &sid, &from_us));
    prism_silent_free(silent);
}

static void goes_on_looking_back_after_a_silence(void **state) {
    (void)state;
    struct prism_silent *silent = prism_silent_new();
    struct text sid;
    int64_t from_us;
    prism_silent_heard(silent, TEXT("1"), NOON - 300 * MINUTE, OVERLAP, NOON - 300 * MINUTE);
    /* The newest document came first. */
    prism_silent_heard(silent, TEXT("1"), NOON, OVERLAP, NOON);
    assert_true(prism_silent_next(silent, 1, OVERLAP, NOON, &sid, &from_us));
    assert_int_equal(from_us, NOON - 310 * MINUTE);
    prism_silent_heard(silent, TEXT("1"), NOON + 20 * MINUTE, OVERLAP, NOON + 20 * MINUTE);
    assert_true(prism_silent_next(silent, 2, OVERLAP, NOON + 20 * MINUTE, &sid, &from_us));
    assert_int_equal(from_us, NOON - 310 * MINUTE);
    for (int64_t at_us = NOON + 25 * MINUTE; at_us < NOON + 90 * MINUTE; at_us += 5 * MINUTE)
        prism_silent_heard(silent, TEXT("1"), at_us, OVERLAP, at_us);
    assert_false(prism_silent_next(silent, 3, OVERLAP, NOON + 90 * MINUTE, &sid, &from_us));
    prism_silent_free(silent);
}

static void does_not_believe_a_clock_that_is_ahead(void **state) {
    (void)state;
    struct prism_silent *silent = prism_silent_new();
    struct text sid;
    int64_t from_us;
    prism_silent_heard(silent, TEXT("1"), NOON + 500 * MINUTE, OVERLAP, NOON);
    assert_true(prism_silent_next(silent, 1, OVERLAP, NOON + 15 * MINUTE, &sid, &from_us));
    assert_int_equal(from_us, NOON - OVERLAP);
    prism_silent_free(silent);
}

static void takes_turns_and_survives_a_restart(void **state) {
    (void)state;
    struct prism_silent *silent = prism_silent_new();
    struct arena arena = {0};
    struct buffer saved = {0};
    struct json_writer w = {.out = &saved};
    struct text sid;
    int64_t from_us;
    bool seen[51] = {false};
    for (int i = 1; i <= 50; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "%d", i);
        prism_silent_heard(silent, text_from(name), NOON, OVERLAP, NOON);
    }
    prism_silent_write(silent, &w);
    prism_silent_free(silent);
    silent = prism_silent_new();
    prism_silent_read(silent, buffer_text(&saved), &arena);
    assert_int_equal(prism_silent_count(silent), 50);
    for (uint64_t run = 1; run <= 5; run++)
        for (int i = 0; i < 10; i++) {
            assert_true(
                prism_silent_next(silent, run, OVERLAP, NOON + 60 * MINUTE, &sid, &from_us));
            assert_int_equal(from_us, NOON - OVERLAP);
            seen[atoi(arena_copy(&arena, sid).data)] = true;
        }
    for (int i = 1; i <= 50; i++)
        assert_true(seen[i]);
    prism_silent_free(silent);
    buffer_deinit(&saved);
    arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_only_for_the_silent),
        cmocka_unit_test(goes_on_looking_back_after_a_silence),
        cmocka_unit_test(does_not_believe_a_clock_that_is_ahead),
        cmocka_unit_test(takes_turns_and_survives_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
