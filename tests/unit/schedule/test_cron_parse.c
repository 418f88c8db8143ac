/* Reading cron expressions: the sets they stand for, and what is refused with which words. */
#include "unit/schedule/support.h"

#include "schedule/cron.h"

static struct cron parse(const char *text) {
    struct cron cron = {0};
    struct error error = {0};
    if (cron_parse(text_from(text), &cron, &error) != STATUS_OK) {
        fail_msg("%s: %s", text, error.detail);
    }
    return cron;
}

static void assert_same(const char *a, const char *b) {
    struct cron first = parse(a), second = parse(b);
    assert_int_equal(first.minutes, second.minutes);
    assert_int_equal(first.hours, second.hours);
    assert_int_equal(first.days, second.days);
    assert_int_equal(first.months, second.months);
    assert_int_equal(first.weekdays, second.weekdays);
    assert_int_equal(first.either_day_field, second.either_day_field);
}

static void reads_each_field(void **state) {
    (void)state;
    struct cron cron = parse("0,30 9-17/2 1,15 JAN-mar Mon-FRI");
    assert_int_equal(cron.minutes, UINT64_C(1) | UINT64_C(1) << 30);
    assert_int_equal(cron.hours, 1u << 9 | 1u << 11 | 1u << 13 | 1u << 15 | 1u << 17);
    assert_int_equal(cron.days, 1u << 1 | 1u << 15);
    assert_int_equal(cron.months, 1u << 1 | 1u << 2 | 1u << 3);
    assert_int_equal(cron.weekdays, 0x3e);
    assert_true(cron.either_day_field);
    cron = parse("* * * * *");
    assert_int_equal(cron.minutes, (UINT64_C(1) << 60) - 1);
    assert_int_equal(cron.hours, 0xffffff);
    assert_int_equal(cron.days, 0xfffffffe);
    assert_int_equal(cron.months, 0x1ffe);
    assert_int_equal(cron.weekdays, 0x7f);
    assert_false(cron.either_day_field);
    assert_int_equal(parse("59 23 31 12 7").weekdays, 1);
}

static void knows_equal_spellings(void **state) {
    (void)state;
    assert_same("@daily", "0 0 * * *");
    assert_same("@Hourly", "0 * * * *");
    assert_same("@weekly", "0 0 * * sun");
    assert_same("@monthly", "0 0 1 * *");
    assert_same("@yearly", "0 0 1 1 *");
    assert_same("*/15 * * * *", "0,15,30,45 * * * *");
    assert_same("5/20 * * * *", "5,25,45 * * * *");
    assert_same("0 0 * * 5-7", "0 0 * * 5,6,0");
    assert_same("0 0 * * fri-sun", "0 0 * * 5,6,0");
    assert_same("0 0 * * 0-7", "0 0 * * 0-6");
    assert_same("  0\t0   * * *  ", "0 0 * * *");
    assert_same("*/1 * * * *", "* * * * *");
}

static void refuses_with_the_field(void **state) {
    (void)state;
    static const struct {
        const char *text, *detail;
    } rows[] = {
        {"", "this has 0"},
        {"* * * *", "this has 4"},
        {"* * * * * *", "this has 6"},
        {"60 * * * *", "minute: 60 is not between 0 and 59"},
        {"* 24 * * *", "hour: 24 is not between 0 and 23"},
        {"* * 0 * *", "day of month: 0 is not between 1 and 31"},
        {"* * * 13 *", "month: 13 is not between 1 and 12"},
        {"* * * * 8", "day of week: 8 is not between 0 and 7"},
        {"* * * fob *", "month: 'fob' is not a number or a name"},
        {"a * * * *", "minute: 'a' is not a number"},
        {"1, * * * *", "minute: '' is not a number"},
        {"-5 * * * *", "minute: '' is not a number"},
        {"5- * * * *", "minute: '' is not a number"},
        {"9-5 * * * *", "minute: the range 9-5 is the wrong way round"},
        {"*/0 * * * *", "minute: the step after '/' must be from 1 to 59"},
        {"*/60 * * * *", "minute: the step after '/' must be from 1 to 59"},
        {"*/ * * * *", "minute: the step after '/' must be from 1 to 59"},
        {"*-5 * * * *", "minute: '*' is not a number"},
        {"1/2/3 * * * *", "minute: the step after '/' must be from 1 to 59"},
        {"99999999999 * * * *", "minute: '99999999999' is not a number"},
        {"? * * * *", "minute: '?' is not a number"},
        {"@reboot", "'@reboot' is none of"},
        {"0 0 L * *", "day of month: 'L' is not a number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cron cron = {.minutes = 77};
        struct error error = {0};
        assert_int_equal(cron_parse(text_from(rows[i].text), &cron, &error), STATUS_BAD_VALUE);
        if (strstr(error.detail, rows[i].detail) == NULL) {
            fail_msg("%s: %s", rows[i].text, error.detail);
        }
        assert_int_equal(cron.minutes, 77);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_field),
        cmocka_unit_test(knows_equal_spellings),
        cmocka_unit_test(refuses_with_the_field),
    };
    return cmocka_run_group_tests_name("schedule/cron_parse", tests, NULL, NULL);
}
