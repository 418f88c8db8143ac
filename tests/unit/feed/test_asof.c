/* When a file was cut, from its name: patterns, zones, and names that are no times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feed/asof.h"

static const struct {
    const char *pattern, *name;
    enum status status;
    const char *as_of; /* in New York's wall clock, as UTC */
} cases[] = {
    {"inventory_%Y%m%d%H%M%S", "inventory_20260302020000.csv", STATUS_OK, "2026-03-02T07:00:00Z"},
    {"inventory_%Y%m%d%H%M%S", "inventory_20260702020000.csv.gz", STATUS_OK,
     "2026-07-02T06:00:00Z"},
    {"%d.%m.%Y", "01.12.2026.csv", STATUS_OK, "2026-12-01T05:00:00Z"},
    {"%y%m%d-%H%M", "260302-1415.csv", STATUS_OK, "2026-03-02T19:15:00Z"},
    {"*_%Y%m%d", "NY01_stock_20260302.csv", STATUS_OK, "2026-03-02T05:00:00Z"},
    {"100%%_%Y%m%d", "100%_20260302.csv", STATUS_OK, "2026-03-02T05:00:00Z"},
    /* Clocks go forward from 02:00 to 03:00 on March 8th, and back on November 1st. */
    {"%Y%m%d%H%M", "202603080230", STATUS_OK, "2026-03-08T07:30:00Z"},
    {"%Y%m%d%H%M", "202611010130", STATUS_OK, "2026-11-01T05:30:00Z"},
    {"inventory_%Y%m%d", "stock_20260302.csv", STATUS_NOT_FOUND, NULL},
    {"inventory_%Y%m%d", "inventory_2026030", STATUS_NOT_FOUND, NULL},
    {"inventory_%Y%m%d", "inventory_2026x302.csv", STATUS_NOT_FOUND, NULL},
    {"%Y%m%d", "20260230.csv", STATUS_BAD_TIME, NULL},
    {"%Y%m%d", "20261302.csv", STATUS_BAD_TIME, NULL},
    {"%Y%m%d%H%M%S", "20260302240000", STATUS_BAD_TIME, NULL},
    {"%Y%m%d", "00010101", STATUS_BAD_TIME, NULL},
    {"inventory", "inventory.csv", STATUS_BAD_VALUE, NULL},
    {"%Y%m", "202603", STATUS_BAD_VALUE, NULL},
    {"%Y%m%d%Q", "20260302", STATUS_BAD_VALUE, NULL},
    {"%Y%m%d%", "20260302", STATUS_BAD_VALUE, NULL},
    {"****************%Y%m%d", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     STATUS_NOT_FOUND, NULL},
};

static void test_names(void **state) {
    (void)state;
    struct error error;
    struct zone *zone = zone_open(TEXT("America/New_York"), &error);
    assert_non_null(zone);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t us = 0;
        enum status status = as_of_from_name(text_from(cases[i].pattern), text_from(cases[i].name),
                                             zone, &us, NULL, &error);
        if (status != cases[i].status) {
            fail_msg("%s with %s: %s", cases[i].name, cases[i].pattern, status_code(status));
        }
        if (status == STATUS_OK) {
            char got[TIMESTAMP_TEXT_SIZE];
            timestamp_format(us, got);
            assert_string_equal(got, cases[i].as_of);
        }
    }
    zone_free(zone);
}

static void test_utc_without_a_zone(void **state) {
    (void)state;
    int64_t us = 0;
    assert_int_equal(as_of_from_name(TEXT("%Y%m%d"), TEXT("19700102"), NULL, &us, NULL, NULL),
                     STATUS_OK);
    assert_true(us == US_PER_DAY);
}

/* What the clock showed never or twice is read by rule, and that is said. */
static void test_odd_hours_are_told(void **state) {
    (void)state;
    static const struct {
        const char *name, *origin;
    } odd[] = {{"202603080230", "name, a time that summer time skips"},
               {"202611010130", "name, the first of two such times"},
               {"202611020130", "name"}};
    struct error error;
    struct zone *zone = zone_open(TEXT("America/New_York"), &error);
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        int64_t us = 0;
        enum zone_kind kind = ZONE_GAP;
        assert_int_equal(
            as_of_from_name(TEXT("%Y%m%d%H%M"), text_from(odd[i].name), zone, &us, &kind, &error),
            STATUS_OK);
        assert_string_equal(as_of_name_origin(kind), odd[i].origin);
    }
    zone_free(zone);
}

static void test_any_name(void **state) {
    (void)state;
    int64_t latest_us = 0, us = 0;
    assert_int_equal(timestamp_parse(TEXT("2026-03-03T00:00:00Z"), &latest_us), STATUS_OK);
    static const struct {
        const char *name, *as_of; /* NULL: none */
    } any[] = {{"NY01_stock-20260302_051500.csv", "2026-03-02T05:15:00Z"},
               {"2026-03-02T05-15-00.xml", "2026-03-02T05:15:00Z"},
               {"inventory_20260302.csv", NULL},        /* no time of day */
               {"inventory_20260304051500.csv", NULL},  /* after the latest */
               {"batch_20110302051500_full.csv", NULL}, /* a number by chance */
               {"stock.csv", NULL}};
    for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
        enum status status =
            as_of_from_any_name(text_from(any[i].name), NULL, latest_us, &us, NULL);
        assert_int_equal(status, any[i].as_of != NULL ? STATUS_OK : STATUS_NOT_FOUND);
        char got[TIMESTAMP_TEXT_SIZE];
        timestamp_format(us, got);
        if (any[i].as_of != NULL)
            assert_string_equal(got, any[i].as_of);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_utc_without_a_zone),
        cmocka_unit_test(test_odd_hours_are_told),
        cmocka_unit_test(test_any_name),
    };
    return cmocka_run_group_tests_name("feed/asof", tests, NULL, NULL);
}
