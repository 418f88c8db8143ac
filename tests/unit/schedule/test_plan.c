/* Plans: starting up, running, being asked, being late, and a clock that is set. */
#include "unit/schedule/support.h"

#include "schedule/plan.h"

#define MINUTE (60 * US_PER_SECOND)
#define HOUR (60 * MINUTE)

static struct zone *utc;
static struct schedule daily, often, manual;
static int64_t now; /* 2026-11-23T12:00:00Z */

static int set_up(void **state) {
    (void)state;
    utc = open_zone("UTC");
    now = at("2026-11-23T12:00:00Z");
    manual = (struct schedule){.kind = SCHEDULE_MANUAL};
    assert_int_equal(schedule_parse_cron(TEXT("0 5 * * *"), &daily, NULL), STATUS_OK);
    assert_int_equal(schedule_parse_every(TEXT("15m"), &often, NULL), STATUS_OK);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    zone_free(utc);
    return 0;
}

static void starts_waiting_for_the_next_run(void **state) {
    (void)state;
    struct job_plan plan;
    job_plan_init(&plan, &daily, utc, now - 7 * HOUR, now);
    assert_false(job_plan_is_due(&plan, now));
    assert_instant(job_plan_wake_us(&plan), "2026-11-24T05:00:00Z");
    assert_false(job_plan_is_due(&plan, at("2026-11-24T04:59:59.999999Z")));
    assert_true(job_plan_is_due(&plan, at("2026-11-24T05:00:00Z")));
}

static void catches_up_once(void **state) {
    (void)state;
    struct job_plan plan;
    job_plan_init(&plan, &daily, utc, now - 5 * US_PER_DAY, now);
    assert_true(job_plan_is_due(&plan, now));
    job_plan_begin(&plan, now);
    job_plan_finish(&plan, now + MINUTE);
    assert_int_equal(plan.last_run_us, now);
    assert_false(job_plan_is_due(&plan, now + MINUTE));
    assert_instant(job_plan_wake_us(&plan), "2026-11-24T05:00:00Z");
}

static void never_overlaps_itself(void **state) {
    (void)state;
    struct job_plan plan;
    job_plan_init(&plan, &often, utc, SCHEDULE_NEVER_RAN, now);
    assert_true(job_plan_is_due(&plan, now));
    job_plan_begin(&plan, now);
    assert_false(job_plan_is_due(&plan, now + HOUR));
    assert_int_equal(job_plan_wake_us(&plan), SCHEDULE_NEVER);
    assert_int_equal(job_plan_ask(&plan, now + HOUR), STATUS_CONFLICT);
    job_plan_finish(&plan, now + 40 * MINUTE);
    assert_int_equal(job_plan_wake_us(&plan), now + 45 * MINUTE);
}

static void runs_when_asked(void **state) {
    (void)state;
    struct job_plan plan;
    job_plan_init(&plan, &manual, utc, SCHEDULE_NEVER_RAN, now);
    assert_false(job_plan_is_due(&plan, now + 400 * US_PER_DAY));
    assert_int_equal(job_plan_wake_us(&plan), SCHEDULE_NEVER);
    assert_int_equal(job_plan_ask(&plan, now), STATUS_OK);
    assert_int_equal(job_plan_ask(&plan, now), STATUS_OK);
    assert_true(job_plan_is_due(&plan, now));
    job_plan_begin(&plan, now);
    job_plan_finish(&plan, now);
    assert_false(job_plan_is_due(&plan, now));
}

static void survives_a_clock_that_is_set_back(void **state) {
    (void)state;
    struct job_plan plan;
    int64_t wrong = at("2090-01-01T00:00:00Z");
    job_plan_init(&plan, &often, utc, wrong, wrong);
    assert_false(job_plan_is_due(&plan, now));
    assert_int_equal(job_plan_wake_us(&plan), now + 15 * MINUTE);
    assert_true(job_plan_is_due(&plan, now + 15 * MINUTE));
    /* What has been asked for stays asked for. */
    job_plan_init(&plan, &manual, utc, SCHEDULE_NEVER_RAN, wrong);
    assert_int_equal(job_plan_ask(&plan, wrong), STATUS_OK);
    assert_true(job_plan_is_due(&plan, now));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_waiting_for_the_next_run),
        cmocka_unit_test(catches_up_once),
        cmocka_unit_test(never_overlaps_itself),
        cmocka_unit_test(runs_when_asked),
        cmocka_unit_test(survives_a_clock_that_is_set_back),
    };
    return cmocka_run_group_tests_name("schedule/plan", tests, set_up, tear_down);
}
