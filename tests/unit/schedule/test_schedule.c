/* Schedules: the next run of each kind, and whether one was missed. */
#include "unit/schedule/support.h"

#include "schedule/schedule.h"

#define MINUTE (60 * US_PER_SECOND)

static struct zone *berlin;

static int open_berlin(void **state) {
    (void)state;
    berlin = open_zone("Europe/Berlin");
    return 0;
}

static int close_berlin(void **state) {
    (void)state;
    zone_free(berlin);
    return 0;
}

static struct schedule every(const char *text) {
    struct schedule schedule;
    assert_int_equal(schedule_parse_every(text_from(text), &schedule, NULL), STATUS_OK);
    return schedule;
}

static struct schedule cron(const char *text) {
    struct schedule schedule;
    assert_int_equal(schedule_parse_cron(text_from(text), &schedule, NULL), STATUS_OK);
    return schedule;
}

static void every_counts_from_the_last_run(void **state) {
    (void)state;
    struct schedule schedule = every("15m");
    int64_t last = at("2026-11-23T10:03:00Z");
    assert_instant(schedule_next(&schedule, berlin, last, last), "2026-11-23T10:18:00Z");
    assert_instant(schedule_next(&schedule, berlin, last + 14 * MINUTE, last),
                   "2026-11-23T10:18:00Z");
    assert_instant(schedule_next(&schedule, berlin, last + 15 * MINUTE, last),
                   "2026-11-23T10:33:00Z");
    assert_instant(schedule_next(&schedule, berlin, last + 100 * MINUTE, last),
                   "2026-11-23T11:48:00Z");
    assert_instant(schedule_next(&schedule, berlin, last, SCHEDULE_NEVER_RAN),
                   "2026-11-23T10:18:00Z");
    assert_instant(schedule_next(&schedule, berlin, last, last + US_PER_DAY),
                   "2026-11-23T10:18:00Z");
}

static void cron_follows_the_zone(void **state) {
    (void)state;
    struct schedule schedule = cron("0 5 * * *");
    int64_t now = at("2026-11-23T10:00:00Z");
    assert_instant(schedule_next(&schedule, berlin, now, SCHEDULE_NEVER_RAN),
                   "2026-11-24T04:00:00Z");
    schedule = cron("30 2 31 2 *");
    assert_int_equal(schedule_next(&schedule, berlin, now, 0), SCHEDULE_NEVER);
    assert_false(schedule_missed(&schedule, berlin, 0, now));
}

static void manual_never_comes(void **state) {
    (void)state;
    struct schedule schedule = {.kind = SCHEDULE_MANUAL};
    assert_int_equal(schedule_next(&schedule, berlin, 0, 0), SCHEDULE_NEVER);
    assert_false(schedule_missed(&schedule, berlin, 0, INT64_C(1) << 50));
    assert_false(schedule_missed(&schedule, berlin, SCHEDULE_NEVER_RAN, 0));
}

static void knows_what_was_missed(void **state) {
    (void)state;
    struct schedule daily = cron("0 5 * * *"), often = every("15m");
    int64_t last = at("2026-11-20T04:00:00Z");
    assert_false(schedule_missed(&daily, berlin, last, at("2026-11-21T03:59:59Z")));
    assert_true(schedule_missed(&daily, berlin, last, at("2026-11-21T04:00:00Z")));
    assert_true(schedule_missed(&daily, berlin, last, at("2026-11-23T12:00:00Z")));
    assert_false(schedule_missed(&daily, berlin, SCHEDULE_NEVER_RAN, last));
    assert_false(schedule_missed(&daily, berlin, last + 90 * US_PER_DAY, last));
    assert_true(schedule_missed(&often, berlin, SCHEDULE_NEVER_RAN, last));
    assert_false(schedule_missed(&often, berlin, last, last + 15 * MINUTE - 1));
    assert_true(schedule_missed(&often, berlin, last, last + 15 * MINUTE));
}

static void refuses_bad_texts(void **state) {
    (void)state;
    struct schedule schedule = {.kind = SCHEDULE_MANUAL};
    struct error error = {0};
    static const char *const texts[] = {"", "15", "0s", "999ms", "367d", "soon"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(schedule_parse_every(text_from(texts[i]), &schedule, &error),
                         STATUS_BAD_VALUE);
    }
    assert_int_equal(schedule_parse_cron(TEXT("every day"), &schedule, &error), STATUS_BAD_VALUE);
    assert_int_equal(schedule.kind, SCHEDULE_MANUAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counts_from_the_last_run),
        cmocka_unit_test(cron_follows_the_zone),
        cmocka_unit_test(manual_never_comes),
        cmocka_unit_test(knows_what_was_missed),
        cmocka_unit_test(refuses_bad_texts),
    };
    return cmocka_run_group_tests_name("schedule/schedule", tests, open_berlin, close_berlin);
}
