/* Zones: local times and back on ordinary days, in gaps and in overlaps, of five zones with five
 * different habits (and Samoa, which once left out a whole day). */
#include "unit/schedule/support.h"

static struct civil_time wall(const char *local) {
    int64_t us = 0;
    bool has_offset = true;
    assert_int_equal(timestamp_parse_local(text_from(local), &us, &has_offset), STATUS_OK);
    assert_false(has_offset);
    return civil_from_timestamp(us);
}

static void finds_the_instant_of_a_local_time(void **state) {
    (void)state;
    static const struct {
        const char *zone, *local;
        enum zone_kind kind;
        const char *first, *second;
    } rows[] = {
        {"UTC", "2026-07-01 12:00:00", ZONE_UNIQUE, "2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"},
        {"America/New_York", "2026-01-15 05:00:00", ZONE_UNIQUE, "2026-01-15T10:00:00Z",
         "2026-01-15T10:00:00Z"},
        {"America/New_York", "2026-03-08 01:59:59", ZONE_UNIQUE, "2026-03-08T06:59:59Z",
         "2026-03-08T06:59:59Z"},
        {"America/New_York", "2026-03-08 02:30:00", ZONE_GAP, "2026-03-08T07:30:00Z",
         "2026-03-08T07:00:00Z"},
        {"America/New_York", "2026-03-08 02:00:00", ZONE_GAP, "2026-03-08T07:00:00Z",
         "2026-03-08T07:00:00Z"},
        {"America/New_York", "2026-03-08 03:00:00", ZONE_UNIQUE, "2026-03-08T07:00:00Z",
         "2026-03-08T07:00:00Z"},
        {"America/New_York", "2026-11-01 00:59:59", ZONE_UNIQUE, "2026-11-01T04:59:59Z",
         "2026-11-01T04:59:59Z"},
        {"America/New_York", "2026-11-01 01:00:00", ZONE_OVERLAP, "2026-11-01T05:00:00Z",
         "2026-11-01T06:00:00Z"},
        {"America/New_York", "2026-11-01 01:59:59", ZONE_OVERLAP, "2026-11-01T05:59:59Z",
         "2026-11-01T06:59:59Z"},
        {"America/New_York", "2026-11-01 02:00:00", ZONE_UNIQUE, "2026-11-01T07:00:00Z",
         "2026-11-01T07:00:00Z"},
        {"Europe/Berlin", "2026-03-29 02:30:00", ZONE_GAP, "2026-03-29T01:30:00Z",
         "2026-03-29T01:00:00Z"},
        {"Europe/Berlin", "2026-10-25 02:30:00.25", ZONE_OVERLAP, "2026-10-25T00:30:00.250Z",
         "2026-10-25T01:30:00.250Z"},
        {"Asia/Kolkata", "2026-03-29 02:30:00", ZONE_UNIQUE, "2026-03-28T21:00:00Z",
         "2026-03-28T21:00:00Z"},
        {"Australia/Lord_Howe", "2026-10-04 02:15:00", ZONE_GAP, "2026-10-03T15:45:00Z",
         "2026-10-03T15:30:00Z"},
        {"Australia/Lord_Howe", "2026-10-04 02:30:00", ZONE_UNIQUE, "2026-10-03T15:30:00Z",
         "2026-10-03T15:30:00Z"},
        {"Australia/Lord_Howe", "2026-04-05 01:45:00", ZONE_OVERLAP, "2026-04-04T14:45:00Z",
         "2026-04-04T15:15:00Z"},
        {"America/Sao_Paulo", "2018-11-04 00:30:00", ZONE_GAP, "2018-11-04T03:30:00Z",
         "2018-11-04T03:00:00Z"},
        {"America/Sao_Paulo", "2019-02-16 23:30:00", ZONE_OVERLAP, "2019-02-17T01:30:00Z",
         "2019-02-17T02:30:00Z"},
        {"America/Sao_Paulo", "2026-11-04 00:30:00", ZONE_UNIQUE, "2026-11-04T03:30:00Z",
         "2026-11-04T03:30:00Z"},
        {"Pacific/Apia", "2011-12-30 12:00:00", ZONE_GAP, "2011-12-30T22:00:00Z",
         "2011-12-30T10:00:00Z"},
        {"Europe/Berlin", "2090-03-26 02:30:00", ZONE_GAP, "2090-03-26T01:30:00Z",
         "2090-03-26T01:00:00Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct zone *zone = open_zone(rows[i].zone);
        struct civil_time civil = wall(rows[i].local);
        enum zone_kind kind = ZONE_UNIQUE;
        int64_t second = 0;
        int64_t first = zone_to_utc(zone, &civil, &kind, &second);
        assert_int_equal(kind, rows[i].kind);
        assert_instant(first, rows[i].first);
        assert_instant(second, rows[i].second);
        zone_free(zone);
    }
}

static void shows_the_wall_clock(void **state) {
    (void)state;
    static const struct {
        const char *zone, *utc, *local;
        int64_t offset;
    } rows[] = {
        {"UTC", "2026-07-01T12:00:00Z", "2026-07-01 12:00:00", 0},
        {"Asia/Kolkata", "2026-07-01T20:00:00Z", "2026-07-02 01:30:00", 19800},
        {"America/New_York", "2026-11-01T05:59:59.999999Z", "2026-11-01 01:59:59.999999", -14400},
        {"America/New_York", "2026-11-01T06:00:00Z", "2026-11-01 01:00:00", -18000},
        {"Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-10-04 02:30:00", 39600},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct zone *zone = open_zone(rows[i].zone);
        int64_t offset = 0;
        struct civil_time local = zone_to_local(zone, at(rows[i].utc), &offset);
        struct civil_time expected = wall(rows[i].local);
        assert_int_equal(timestamp_from_civil(&local), timestamp_from_civil(&expected));
        assert_int_equal(offset, rows[i].offset);
        assert_int_equal(zone_offset_seconds(zone, at(rows[i].utc)), rows[i].offset);
        zone_free(zone);
    }
}

/* Every half hour of two years: there and back is the same instant, or one of the two. */
static void goes_there_and_back(void **state) {
    (void)state;
    static const char *const names[] = {"America/New_York", "Europe/Berlin", "Asia/Kolkata",
                                        "Australia/Lord_Howe", "America/Sao_Paulo"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct zone *zone = open_zone(names[i]);
        int64_t end = at("2019-12-31T00:00:00Z");
        for (int64_t us = at("2018-01-01T00:00:00Z"); us < end; us += 1800 * US_PER_SECOND) {
            struct civil_time local = zone_to_local(zone, us, NULL);
            enum zone_kind kind;
            int64_t second;
            int64_t first = zone_to_utc(zone, &local, &kind, &second);
            assert_int_not_equal(kind, ZONE_GAP);
            assert_true(us == first || us == second);
            assert_true((kind == ZONE_OVERLAP) == (first < second));
        }
        zone_free(zone);
    }
}

static void finds_changes(void **state) {
    (void)state;
    struct zone *zone = open_zone("Europe/Berlin");
    int64_t spring = at("2026-03-29T01:00:00Z"), year = 365 * US_PER_DAY;
    assert_int_equal(zone_next_change(zone, at("2026-01-01T00:00:00Z"), spring + year), spring);
    assert_int_equal(zone_next_change(zone, spring - 1, spring), spring);
    assert_int_equal(zone_next_change(zone, spring - 1, spring - 1), ZONE_NO_CHANGE);
    assert_int_equal(zone_next_change(zone, at("2026-01-01T00:00:00Z"), spring - 1),
                     ZONE_NO_CHANGE);
    assert_instant(zone_next_change(zone, spring, spring + year), "2026-10-25T01:00:00Z");
    zone_free(zone);
    zone = open_zone("UTC");
    assert_int_equal(zone_next_change(zone, 0, TIMESTAMP_MAX_US), ZONE_NO_CHANGE);
    zone_free(zone);
}

static void refuses_what_is_no_zone(void **state) {
    (void)state;
    static const char *const names[] = {"",          "Mars/Phobos",      "+02:00",
                                        "CET-1CEST", "/etc/localtime",   "../zoneinfo/UTC",
                                        "Europe",    "America/New York", "europe/berlin",
                                        "UTC5",      "Europe/Berlin\n"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct error error = {0};
        assert_null(zone_open(text_from(names[i]), &error));
        assert_int_equal(error.status, STATUS_BAD_VALUE);
        assert_non_null(strstr(error.detail, "is no time zone"));
    }
    struct zone *zone = open_zone("Europe/Berlin");
    assert_true(text_equal_string(zone_name(zone), "Europe/Berlin"));
    zone_free(zone);
    zone_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_instant_of_a_local_time),
        cmocka_unit_test(shows_the_wall_clock),
        cmocka_unit_test(goes_there_and_back),
        cmocka_unit_test(finds_changes),
        cmocka_unit_test(refuses_what_is_no_zone),
    };
    return cmocka_run_group_tests_name("schedule/zone", tests, NULL, NULL);
}
