/* Durations: what is read, what is refused, and back to text. */
#include "unit/schedule/support.h"

#include "schedule/duration.h"

#define S INT64_C(1000000)

static void reads_numbers_with_units(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        {"15m", 900 * S},
        {"30s", 30 * S},
        {"1h", 3600 * S},
        {"2d", 172800 * S},
        {"1w", 604800 * S},
        {"500ms", S / 2},
        {"0s", 0},
        {"1h30m", 5400 * S},
        {"1d2h3m4s5ms", 93784005000},
        {"36525d", DURATION_MAX_US},
        {"007s", 7 * S},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t us = -1;
        assert_int_equal(duration_parse(text_from(rows[i].text), &us), STATUS_OK);
        assert_int_equal(us, rows[i].us);
    }
}

static void refuses_everything_else(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum status status;
    } rows[] = {
        {"", STATUS_BAD_VALUE},
        {"15", STATUS_BAD_VALUE},
        {"m", STATUS_BAD_VALUE},
        {"15 m", STATUS_BAD_VALUE},
        {"15M", STATUS_BAD_VALUE},
        {"-5m", STATUS_BAD_VALUE},
        {"1.5h", STATUS_BAD_VALUE},
        {"5m1h", STATUS_BAD_VALUE},
        {"5m5m", STATUS_BAD_VALUE},
        {"5min", STATUS_BAD_VALUE},
        {"1h30", STATUS_BAD_VALUE},
        {"36526d", STATUS_OUT_OF_RANGE},
        {"36525d1s", STATUS_OUT_OF_RANGE},
        {"99999999999999999999d", STATUS_OUT_OF_RANGE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t us = -1;
        assert_int_equal(duration_parse(text_from(rows[i].text), &us), rows[i].status);
        assert_int_equal(us, -1);
    }
}

static void formats_shortest_and_reads_back(void **state) {
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {{0, "0s"},
                {5400 * S, "1h30m"},
                {3024000 * S, "5w"},
                {15 * 86400 * S, "15d"},
                {1500000, "1s500ms"},
                {999, "0s"},
                {DURATION_MAX_US, "36525d"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[DURATION_TEXT_SIZE];
        int64_t again = -1;
        duration_format(rows[i].us, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(duration_parse(text_from(text), &again), STATUS_OK);
        assert_int_equal(again, rows[i].us / 1000 * 1000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numbers_with_units),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(formats_shortest_and_reads_back),
    };
    return cmocka_run_group_tests_name("schedule/duration", tests, NULL, NULL);
}
