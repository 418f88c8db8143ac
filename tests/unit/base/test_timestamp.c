/* Times: what is read and refused, the calendar against the C library's, clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/timestamp.h"

#include <time.h>

#define SECOND US_PER_SECOND

struct time_case {
    const char *text;
    enum status status;
    int64_t us;
};

static const struct time_case rfc3339[] = {
    {"1970-01-01T00:00:00Z", STATUS_OK, 0},
    {"2026-11-23T07:05:00Z", STATUS_OK, 1795417500 * SECOND},
    {"2026-11-23T02:05:00-05:00", STATUS_OK, 1795417500 * SECOND},
    {"2026-11-23 12:50:00+05:45", STATUS_OK, 1795417500 * SECOND},
    {"2026-11-23t07:05:00z", STATUS_OK, 1795417500 * SECOND},
    {"2026-11-23T07:05:00-00:00", STATUS_OK, 1795417500 * SECOND},
    {"2026-11-23T07:05:00.5Z", STATUS_OK, 1795417500 * SECOND + 500000},
    {"2026-11-23T07:05:00.000001Z", STATUS_OK, 1795417500 * SECOND + 1},
    {"2026-11-23T07:05:00.123456789Z", STATUS_OK, 1795417500 * SECOND + 123456},
    {"2026-11-23T02:05:00.25-05:00", STATUS_OK, 1795417500 * SECOND + 250000},
    {"2024-02-29T00:00:00Z", STATUS_OK, 1709164800 * SECOND},
    {"2000-02-29T00:00:00Z", STATUS_OK, 951782400 * SECOND},
    {"9999-12-31T23:59:59.999999Z", STATUS_OK, TIMESTAMP_MAX_US},
    {"9999-12-31T23:59:59.999999+00:01", STATUS_OK, TIMESTAMP_MAX_US - 60 * SECOND},
    {"9999-12-31T23:59:59-00:01", STATUS_BAD_TIME, 0},
    {"1970-01-01T00:00:00+00:01", STATUS_BAD_TIME, 0},
    {"1969-12-31T23:59:59Z", STATUS_BAD_TIME, 0},
    {"1969-12-31T23:59:59-05:00", STATUS_BAD_TIME, 0},
    {"", STATUS_BAD_TIME, 0},
    {"2026-11-23", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05Z", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05+01:00", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00.Z", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00.1234567890Z", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00,5Z", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00ZZ", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00 Z", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00+0500", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00+05", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00+24:00", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00+05:60", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00*05:00", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00+05-00", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05:00+0a:00", STATUS_BAD_TIME, 0},
    {"2026-11-23T24:00:00Z", STATUS_BAD_TIME, 0},
    {"2026-11-23T23:60:00Z", STATUS_BAD_TIME, 0},
    {"2016-12-31T23:59:60Z", STATUS_BAD_TIME, 0}, /* no leap seconds */
    {"2026-02-29T00:00:00Z", STATUS_BAD_TIME, 0},
    {"2100-02-29T00:00:00Z", STATUS_BAD_TIME, 0},
    {"2026-04-31T00:00:00Z", STATUS_BAD_TIME, 0},
    {"2026-13-01T00:00:00Z", STATUS_BAD_TIME, 0},
    {"2026-00-01T00:00:00Z", STATUS_BAD_TIME, 0},
    {"2026-01-00T00:00:00Z", STATUS_BAD_TIME, 0},
    {"2026-01-32T00:00:00Z", STATUS_BAD_TIME, 0},
    {"23-11-2026T07:05:00Z", STATUS_BAD_TIME, 0},
    {"2026/11/23T07:05:00Z", STATUS_BAD_TIME, 0},
    {"2026-11-23X07:05:00Z", STATUS_BAD_TIME, 0},
    {"2026-11-23T07.05:00Z", STATUS_BAD_TIME, 0},
    {"2026-11-23T07:05.00Z", STATUS_BAD_TIME, 0},
    {"2026-11-2 T07:05:00Z", STATUS_BAD_TIME, 0},
    {"-026-11-23T07:05:00Z", STATUS_BAD_TIME, 0},
    {"+2026-11-23T07:05:00Z", STATUS_BAD_TIME, 0},
    {"1795417500", STATUS_BAD_TIME, 0},
    {"1795417500000000000000000", STATUS_BAD_TIME, 0},
};

static void test_parse(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rfc3339 / sizeof *rfc3339; i++) {
        int64_t us = 77;
        enum status status = timestamp_parse(text_from(rfc3339[i].text), &us);
        if (status != rfc3339[i].status || us != (status == STATUS_OK ? rfc3339[i].us : 77)) {
            fail_msg("'%s': %s, %lld", rfc3339[i].text, status_code(status), (long long)us);
        }
    }
    int64_t us;
    assert_int_equal(timestamp_parse((struct text){0}, &us), STATUS_BAD_TIME);
}

static void test_parse_any_byte_wrong(void **state) {
    (void)state;
    static const char good[] = "2026-11-23T02:05:00-05:00";
    for (size_t i = 0; i < sizeof good - 1; i++) {
        char bad[sizeof good];
        memcpy(bad, good, sizeof good);
        int64_t us;
        const char wrong[] = {'x', '/', ';', '\0', '\xFF', '.'};
        for (size_t k = 0; k < sizeof wrong; k++) {
            bad[i] = wrong[k];
            assert_int_equal(timestamp_parse((struct text){bad, 25}, &us), STATUS_BAD_TIME);
        }
        assert_int_equal(timestamp_parse((struct text){good, i}, &us), STATUS_BAD_TIME);
    }
}

static void test_parse_local(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum status status;
        int64_t us;
        bool has_offset;
    } cases[] = {
        {"2026-11-23", STATUS_OK, 1795392000 * SECOND, false},
        {"2026-11-23T07:05:00", STATUS_OK, 1795417500 * SECOND, false},
        {"2026-11-23 07:05:00.25", STATUS_OK, 1795417500 * SECOND + 250000, false},
        {"2026-11-23 07:05", STATUS_OK, 1795417500 * SECOND, false},
        {"2026-11-23 07:05Z", STATUS_OK, 1795417500 * SECOND, true},
        {"2026-11-23T02:05-05:00", STATUS_OK, 1795417500 * SECOND, true},
        {"2026-11-23T02:05:00-0500", STATUS_OK, 1795417500 * SECOND, true},
        {"2026-11-23T07:05:00Z", STATUS_OK, 1795417500 * SECOND, true},
        {"2026-11-23Z", STATUS_BAD_TIME, 0, false},
        {"2026-11-23 ", STATUS_BAD_TIME, 0, false},
        {"2026-11-23T", STATUS_BAD_TIME, 0, false},
        {"2026-11-23 07", STATUS_BAD_TIME, 0, false},
        {"2026-11-23 07:05:", STATUS_BAD_TIME, 0, false},
        {"2026-11-23 07:05.5", STATUS_BAD_TIME, 0, false},
        {"2026-11-23 07:05:0", STATUS_BAD_TIME, 0, false},
        {"2026-11-23 07:05 PM", STATUS_BAD_TIME, 0, false},
        {"11/23/2026", STATUS_BAD_TIME, 0, false},
        {"20261123", STATUS_BAD_TIME, 0, false},
        {"", STATUS_BAD_TIME, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = 77;
        bool has_offset = false;
        enum status status = timestamp_parse_local(text_from(cases[i].text), &us, &has_offset);
        if (status != cases[i].status || us != (status == STATUS_OK ? cases[i].us : 77) ||
            has_offset != cases[i].has_offset) {
            fail_msg("'%s': %s, %lld", cases[i].text, status_code(status), (long long)us);
        }
    }
}

static void test_format(void **state) {
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {1795417500 * SECOND, "2026-11-23T07:05:00Z"},
        {1795417500 * SECOND + 5000, "2026-11-23T07:05:00.005Z"},
        {1795417500 * SECOND + 5001, "2026-11-23T07:05:00.005001Z"},
        {TIMESTAMP_MAX_US, "9999-12-31T23:59:59.999999Z"},
        {TIMESTAMP_MAX_US + 1, "+10000-01-01T00:00:00Z"},
        {INT64_MAX, "+294247-01-10T04:00:54.775807Z"},
        {INT64_MIN, "-290308-12-21T19:59:05.224192Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[TIMESTAMP_TEXT_SIZE];
        assert_int_equal(timestamp_format(cases[i].us, out), strlen(cases[i].text));
        assert_string_equal(out, cases[i].text);
        struct buffer buffer = {0};
        buffer_append_timestamp(&buffer, cases[i].us);
        assert_string_equal(buffer.data, cases[i].text);
        buffer_deinit(&buffer);
    }
}

static void check_against_the_library(int64_t second) {
    time_t t = (time_t)second;
    struct tm tm;
    assert_non_null(gmtime_r(&t, &tm));
    struct civil_time civil = civil_from_timestamp(second * SECOND + 42);
    assert_int_equal(civil.year, tm.tm_year + 1900);
    assert_int_equal(civil.month, tm.tm_mon + 1);
    assert_int_equal(civil.day, tm.tm_mday);
    assert_int_equal(civil.hour, tm.tm_hour);
    assert_int_equal(civil.minute, tm.tm_min);
    assert_int_equal(civil.second, tm.tm_sec);
    assert_int_equal(civil.weekday, tm.tm_wday);
    assert_int_equal(civil.microsecond, 42);
    assert_true(timestamp_from_civil(&civil) == second * SECOND + 42);
}

static void test_calendar_agrees_with_the_library(void **state) {
    (void)state;
    for (int64_t day = -720000; day < 2932897; day += 13) { /* years -2 to 9999 */
        check_against_the_library(day * 86400 + day % 86400);
    }
    for (int64_t day = 0; day < 366 * 140; day++) { /* each day over a century that is not leap */
        check_against_the_library(day * 86400);
    }
}

static void test_round_trip(void **state) {
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < 200000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        int64_t us = (int64_t)((random >> 1) % (uint64_t)(TIMESTAMP_MAX_US + 1));
        us -= i % 3 == 0 ? us % 1000 : 0;
        char out[TIMESTAMP_TEXT_SIZE];
        struct text text = {out, timestamp_format(us, out)};
        int64_t again = -1;
        assert_int_equal(timestamp_parse(text, &again), STATUS_OK);
        assert_true(again == us);
    }
}

static void test_days_in_month(void **state) {
    (void)state;
    assert_int_equal(civil_days_in_month(2026, 2), 28);
    assert_int_equal(civil_days_in_month(2024, 2), 29);
    assert_int_equal(civil_days_in_month(2000, 2), 29);
    assert_int_equal(civil_days_in_month(2100, 2), 28);
    assert_int_equal(civil_days_in_month(2026, 4), 30);
    assert_int_equal(civil_days_in_month(2026, 12), 31);
}

static int64_t fixed_now_us(void *context) {
    return *(int64_t *)context;
}

static void test_clocks(void **state) {
    (void)state;
    int64_t turned = 12345;
    struct clock clock = {fixed_now_us, &turned};
    assert_int_equal(clock_now_us(&clock), 12345);
    int64_t before = monotonic_us();
    assert_true(monotonic_us() >= before);
    int64_t now_us = clock_now_us(&clock_system);
    assert_true(now_us / SECOND - (int64_t)time(NULL) >= -2);
    assert_true(now_us / SECOND - (int64_t)time(NULL) <= 2);
}

int main(void) {
    const struct CMUnitTest timestamp[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_any_byte_wrong),
        cmocka_unit_test(test_parse_local),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_calendar_agrees_with_the_library),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_days_in_month),
        cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests(timestamp, NULL, NULL);
}
