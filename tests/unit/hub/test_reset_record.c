/* A reset on record: what is written is read again, to the last digit. */
#include "support.h"

#include "core/guard.h"
#include "hub/reset_record.h"

static void assert_counts(const struct reset_counts *a, const struct reset_counts *b) {
    assert_memory_equal(a, b, sizeof *a);
}

static struct reset_counts counts_of(uint64_t start, int64_t variance_milli) {
    return (struct reset_counts){start,     start + 1, start + 2,     start + 3,
                                 start + 4, start + 5, start + 6,     start + 7,
                                 start + 8, start + 8, variance_milli};
}

static void round_trip(const struct reset_record *record, struct arena *arena,
                       struct reset_record *out) {
    struct buffer json = {0};
    struct error error = {0};
    reset_record_write(record, true, &json);
    if (reset_record_read(buffer_text(&json), arena, out, &error) != STATUS_OK)
        fail_msg("%s: %s", error.detail, json.data);
    buffer_deinit(&json);
}

static void test_extremes(void **state) {
    (void)state;
    struct arena arena = {0};
    struct reset_location_record locations[2] = {
        {.code = TEXT("NY \"01\"\\\x01"),
         .status = RESET_HELD,
         .as_of_us = TIMESTAMP_MAX_US,
         .statement = UINT32_MAX,
         .sequence = UINT64_MAX,
         .guards = (1u << GUARD_COUNT) - 1,
         .counts = counts_of(UINT64_MAX - 8, INT64_MAX)},
        {.code = TEXT("B"), .status = RESET_STALE, .as_of_us = NEVER_US}};
    struct reset_record out, record = {.id = TEXT("r-1"),
                                       .status = RESET_PARTIAL,
                                       .as_of_us = 1,
                                       .received_at_us = 0,
                                       .as_of_assumed = true,
                                       .full = true,
                                       .absent_zero = true,
                                       .dry_run = true,
                                       .as_of_origin = TEXT("name"),
                                       .content_sha256 = TEXT("abc"),
                                       .source = TEXT("prism"),
                                       .feed = TEXT("daily"),
                                       .file = TEXT("a\nb.csv"),
                                       .quantity = TEXT("available"),
                                       .detail = TEXT("why"),
                                       .guards = 1u << GUARD_NO_ROWS,
                                       .counts = counts_of(7, -1234567890123456789),
                                       .seconds = 123456.789,
                                       .locations = locations,
                                       .location_count = 2};
    round_trip(&record, &arena, &out);
    assert_int_equal(out.status, RESET_PARTIAL);
    assert_int_equal(out.as_of_us, 1);
    assert_int_equal(out.received_at_us, 0);
    assert_true(out.as_of_assumed && out.full && out.absent_zero && out.dry_run);
    assert_true(text_equal(out.file, record.file));
    assert_true(text_equal(out.detail, record.detail));
    assert_true(text_equal(out.feed, record.feed));
    assert_int_equal(out.guards, record.guards);
    assert_counts(&out.counts, &record.counts);
    assert_int_equal((int64_t)(out.seconds * 1000 + 0.5), 123456789);
    assert_int_equal(out.location_count, 2);
    assert_true(text_equal(out.locations[0].code, locations[0].code));
    assert_int_equal(out.locations[0].as_of_us, TIMESTAMP_MAX_US);
    assert_int_equal(out.locations[0].statement, UINT32_MAX);
    assert_int_equal(out.locations[0].sequence, UINT64_MAX);
    assert_int_equal(out.locations[0].guards, locations[0].guards);
    assert_counts(&out.locations[0].counts, &locations[0].counts);
    assert_int_equal(out.locations[1].as_of_us, NEVER_US);
    arena_deinit(&arena);
}

static void test_every_status(void **state) {
    (void)state;
    struct arena arena = {0};
    for (int status = 0; status < RESET_STATUS_COUNT; status++) {
        struct reset_record out, record = {.id = TEXT("r"), .status = (enum reset_status)status};
        round_trip(&record, &arena, &out);
        assert_int_equal(out.status, status);
    }
    arena_deinit(&arena);
}

static void test_many_locations(void **state) {
    (void)state;
    enum { COUNT = 300 };
    struct arena arena = {0};
    static struct reset_location_record locations[COUNT];
    for (int i = 0; i < COUNT; i++)
        locations[i].statement = (uint32_t)i;
    struct reset_record out, record = {.locations = locations, .location_count = COUNT};
    round_trip(&record, &arena, &out);
    assert_int_equal(out.location_count, COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(out.locations[i].statement, i);
    arena_deinit(&arena);
}

static void test_unknown_fields(void **state) {
    (void)state;
    struct arena arena = {0};
    struct reset_record out;
    struct text json =
        TEXT("{\"future\":{\"a\":[1,{\"b\":null}]},\"id\":\"r-9\",\"status\":\"held\","
             "\"reasons\":[{\"code\":\"units\",\"detail\":\"x\"},{\"code\":\"new\"}],"
             "\"locations\":[{\"wing\":[true],\"location\":\"NY01\"}],\"rows\":3}");
    assert_int_equal(reset_record_read(json, &arena, &out, NULL), STATUS_OK);
    assert_true(text_equal_string(out.id, "r-9"));
    assert_int_equal(out.status, RESET_HELD);
    assert_int_equal(out.guards, 1u << GUARD_UNITS);
    assert_int_equal(out.counts.rows, 3);
    assert_int_equal(out.location_count, 1);
    assert_true(text_equal_string(out.locations[0].code, "NY01"));
    arena_deinit(&arena);
}

static void test_damaged(void **state) {
    (void)state;
    static const char *const damaged[] = {
        "",
        "{",
        "{\"status\":\"melted\"}",
        "{\"rows\":\"x\"}",
        "{\"as_of\":\"yesterday\"}",
        "{\"variance_units\":1e3}",
        "{\"variance_units\":1.2345}",
        "{\"variance_units\":99999999999999999999}",
        "{\"variance_units\":9223372036854775.808}",
        "{\"locations\":[{\"status\":\"melted\"}]}",
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct arena arena = {0};
        struct reset_record out;
        struct error error = {0};
        if (reset_record_read(text_from(damaged[i]), &arena, &out, &error) != STATUS_CORRUPT)
            fail_msg("read: %s", damaged[i]);
        arena_deinit(&arena);
    }
}

static enum reset_status overall(enum reset_status a, enum reset_status b) {
    struct reset_location_record locations[2] = {{.status = a}, {.status = b}};
    struct reset_record record = {.locations = locations, .location_count = 2};
    return reset_record_overall(&record);
}

static void test_overall(void **state) {
    (void)state;
    assert_int_equal(overall(RESET_APPLIED, RESET_APPLIED), RESET_APPLIED);
    assert_int_equal(overall(RESET_APPLIED, RESET_HELD), RESET_PARTIAL);
    assert_int_equal(overall(RESET_STALE, RESET_HELD), RESET_HELD);
    assert_int_equal(overall(RESET_STALE, RESET_APPLIED), RESET_APPLIED);
    assert_int_equal(overall(RESET_STALE, RESET_STALE), RESET_STALE);
    assert_int_equal(overall(RESET_ROLLED_BACK, RESET_REJECTED), RESET_ROLLED_BACK);
    assert_int_equal(overall(RESET_REJECTED, RESET_REJECTED), RESET_REJECTED);
    struct reset_record nothing = {0};
    assert_int_equal(reset_record_overall(&nothing), RESET_HELD);
}

static void test_sums_do_not_wrap(void **state) {
    (void)state;
    struct reset_counts sum = counts_of(1, INT64_MAX - 5), part = counts_of(2, 10);
    reset_counts_add(&sum, &part);
    assert_int_equal(sum.rows, 3);
    assert_int_equal(sum.variance_milli, INT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extremes),         cmocka_unit_test(test_every_status),
        cmocka_unit_test(test_many_locations),   cmocka_unit_test(test_unknown_fields),
        cmocka_unit_test(test_damaged),          cmocka_unit_test(test_overall),
        cmocka_unit_test(test_sums_do_not_wrap),
    };
    return cmocka_run_group_tests_name("hub/reset_record", tests, NULL, NULL);
}
