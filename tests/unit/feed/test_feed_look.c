/* What a feed remembers of its directory: found by name whatever else is there, in order of age,
 * changed files anew, and a hundred thousand names as easily as ten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "feed/feed_look.h"

#define MANY 100000u

static struct source_listing listing_of(const char *const *names, const int64_t *times,
                                        size_t count, struct arena *arena) {
    struct source_listing listing = {0};
    for (size_t i = 0; i < count; i++) {
        struct source_file file = {text_from(names[i]), 10, times[i]};
        assert_int_equal(source_listing_add(&listing, arena, &file, NULL), STATUS_OK);
    }
    return listing;
}

static void test_from_look_to_look(void **state) {
    static const char *const names[] = {"b.csv", "a.csv", "c.csv", "c.csv.manifest.json"};
    int64_t times[] = {30, 20, 10, 10};
    struct feed feed = {0};
    struct arena arena = {0};
    (void)state;
    assert_null(feed_find_look(&feed, TEXT("a.csv")));
    struct source_listing first = listing_of(names, times, 4, &arena);
    feed_look_at(&feed, &first, 1000);
    feed_look_at(&feed, &first, 2000);
    assert_int_equal(feed.look_count, 4);
    assert_string_equal(feed.looks[0].path, "c.csv");
    assert_string_equal(feed.looks[2].path, "a.csv");
    assert_string_equal(feed.looks[3].path, "b.csv");
    assert_int_equal(feed.looks[0].looks, 2);
    assert_int_equal(feed.looks[0].since_us, 1000);
    assert_ptr_equal(feed_find_look(&feed, TEXT("c.csv.manifest.json")), &feed.looks[1]);
    times[1] = 40; /* a.csv has changed, c.csv and its manifest are gone */
    struct source_listing second = listing_of(names, times, 2, &arena);
    feed_look_at(&feed, &second, 3000);
    assert_int_equal(feed.look_count, 2);
    struct look *a = feed_find_look(&feed, TEXT("a.csv"));
    assert_ptr_equal(a, &feed.looks[1]);
    assert_int_equal(a->looks, 1);
    assert_int_equal(a->since_us, 3000);
    assert_int_equal(feed.looks[0].looks, 3);
    assert_null(feed_find_look(&feed, TEXT("c.csv")));
    /* A claim changes what it is called: so it is listed next, and is still the same file. */
    free(a->path);
    a->path = strdup("z.csv");
    a->taken = true;
    static const char *const claimed[] = {"z.csv"};
    struct source_listing third = listing_of(claimed, &times[1], 1, &arena);
    feed_look_at(&feed, &third, 4000);
    assert_int_equal(feed.look_count, 1);
    assert_true(feed_find_look(&feed, TEXT("z.csv"))->taken);
    feed_looks_deinit(&feed);
    arena_deinit(&arena);
}

static void test_a_hundred_thousand_names(void **state) {
    struct feed feed = {0};
    struct arena arena = {0};
    struct source_listing listing = {0};
    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        struct source_file file = {arena_format(&arena, "inventory_%u.csv", i), 10, (int64_t)i / 7};
        assert_int_equal(source_listing_add(&listing, &arena, &file, NULL), STATUS_OK);
    }
    struct source_file beyond = {TEXT("one more.csv"), 10, 0};
    struct error error;
    assert_int_equal(source_listing_add(&listing, &arena, &beyond, &error), STATUS_TOO_LARGE);
    int64_t started_us = monotonic_us();
    for (int64_t look = 1; look <= 3; look++) {
        feed_look_at(&feed, &listing, look);
        assert_int_equal(feed.look_count, MANY);
        for (unsigned i = 0; i < MANY; i++) {
            struct look *found = feed_find_look(&feed, listing.files[i].name);
            assert_non_null(found);
            assert_int_equal(found->looks, look);
            char manifest[80];
            (void)snprintf(manifest, sizeof manifest, "%s.manifest.json", found->name);
            assert_null(feed_find_look(&feed, text_from(manifest)));
        }
    }
    int64_t took_us = monotonic_us() - started_us;
    print_message("three looks at %u names took %lld ms\n", MANY, (long long)(took_us / 1000));
    assert_true(took_us < 20 * US_PER_SECOND); /* one name after the other would take minutes */
    feed_looks_deinit(&feed);
    arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_look_to_look),
        cmocka_unit_test(test_a_hundred_thousand_names),
    };
    return cmocka_run_group_tests_name("feed/feed_look", tests, NULL, NULL);
}
