/* How stores are doing: lag, clocks, silence in opening hours, gaps told and filled, all of it kept
 * over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/prism_world.h"
#include "pos/sources_internal.h"

#define SECONDS US_PER_SECOND
#define MINUTES (INT64_C(60) * US_PER_SECOND)

static void note(struct prism_world *w, const char *location, int number, int64_t ago_us,
                 bool pushed) {
    struct prism_seen seen = {.location = text_from(location),
                              .register_name = TEXT("R1"),
                              .number = number,
                              .occurred_us = prism_world_now_us - ago_us,
                              .received_us = prism_world_now_us,
                              .pushed = pushed};
    prism_health_note(w->source->health, &seen, 1);
}

static void check(struct prism_world *w) {
    assert_int_equal(prism_health_check(w->source->health, false, &w->error), STATUS_OK);
}

/* "onhand.source.silent NY01, ..." of the notices after `after`. */
static const char *notices(struct prism_world *w, uint64_t after) {
    struct notice *list;
    struct buffer words = {0};
    size_t count = hub_notices(w->hub, after, 100, &w->arena, &list);
    for (size_t i = 0; i < count; i++)
        buffer_append_format(&words, "%s%.*s %.*s", i > 0 ? ", " : "",
                             (int)(list[i].type.length - strlen("onhand.source.")),
                             list[i].type.data + strlen("onhand.source."),
                             TEXT_ARG(list[i].subject));
    struct text copy = arena_copy(&w->arena, buffer_text(&words));
    buffer_deinit(&words);
    return copy.length > 0 ? copy.data : "";
}

static const char *shown(struct prism_world *w) {
    struct buffer json = {0};
    struct json_writer writer = {.out = &json};
    prism_health_write_json(w->source->health, &writer);
    struct text copy = arena_copy(&w->arena, buffer_text(&json));
    buffer_deinit(&json);
    return copy.data;
}

static void expect_shown(struct prism_world *w, const char *part) {
    const char *json = shown(w);
    if (strstr(json, part) == NULL)
        fail_msg("%s is not in %s", part, json);
}

static void a_store_that_falls_silent_is_told_of_once(void **state) {
    (void)state;
    struct prism_world w;
    /* 2026-07-27, a Monday; New York is four hours behind. */
    assert_int_equal(timestamp_parse(TEXT("2026-07-27T14:00:00Z"), &prism_world_now_us), STATUS_OK);
    prism_world_open(
        &w, "memory:", "locations: [{code: NY01, timezone: America/New_York}, {code: LON}]",
        "opening: \"09:00-21:00\", silent_after: 30m");
    note(&w, "NY01", 1, SECONDS, true);
    note(&w, "LON", 1, SECONDS, true);
    check(&w);
    prism_world_now_us += 29 * MINUTES;
    note(&w, "LON", 2, SECONDS, true);
    check(&w);
    assert_string_equal(notices(&w, 0), "");
    prism_world_now_us += 2 * MINUTES;
    check(&w);
    check(&w);
    assert_string_equal(notices(&w, 0), "silent NY01");
    note(&w, "NY01", 2, 60 * MINUTES, false); /* it replays what is old: it is there again */
    prism_world_now_us += MINUTES;
    note(&w, "NY01", 3, SECONDS, true);
    check(&w);
    assert_string_equal(notices(&w, 1), "recovered NY01");
    /* 21:00 in London; closed, nobody is missed. In New York it is open for another five hours. */
    assert_int_equal(timestamp_parse(TEXT("2026-07-27T21:00:30Z"), &prism_world_now_us), STATUS_OK);
    check(&w);
    assert_string_equal(notices(&w, 2), "silent NY01");
    prism_world_close(&w);
}

/* What is shown at a glance: sixty are silent, the last of them the longest. */
static void the_longest_silence_comes_first(void **state) {
    (void)state;
    struct prism_world w;
    struct buffer json = {0};
    struct json_writer writer = {.out = &json};
    static const char first[] = "[{\"location\":\"S59\",\"since\":\"2026-07-27T10:00:00Z\"},";
    static const char last[] = ",{\"location\":\"S10\",\"since\":\"2026-07-27T10:49:00Z\"}]";
    assert_int_equal(timestamp_parse(TEXT("2026-07-27T10:00:00Z"), &prism_world_now_us), STATUS_OK);
    prism_world_open(&w, "memory:", "", "opening: \"09:00-21:00\", silent_after: 30m");
    prism_health_write_silent(w.source->health, &writer);
    assert_string_equal(json.data, "[]");
    for (int i = 59; i >= 0; i--) {
        char location[8];
        (void)snprintf(location, sizeof location, "S%02d", i);
        note(&w, location, 1, 0, true);
        prism_world_now_us += MINUTES;
    }
    prism_world_now_us += 60 * MINUTES;
    check(&w);
    buffer_clear(&json);
    writer = (struct json_writer){.out = &json};
    prism_health_write_silent(w.source->health, &writer);
    assert_memory_equal(json.data, first, strlen(first));
    assert_true(json.length > strlen(last));
    assert_string_equal(json.data + json.length - strlen(last), last);
    buffer_deinit(&json);
    prism_world_close(&w);
}

static void the_morning_begins_anew(void **state) {
    (void)state;
    struct prism_world w;
    assert_int_equal(timestamp_parse(TEXT("2026-07-27T20:59:00Z"), &prism_world_now_us), STATUS_OK);
    prism_world_open(&w, "memory:", "", "opening: \"09:00-21:00\", silent_after: 30m");
    note(&w, "LON", 1, 0, true);
    assert_int_equal(timestamp_parse(TEXT("2026-07-28T09:29:00Z"), &prism_world_now_us), STATUS_OK);
    check(&w);
    assert_string_equal(notices(&w, 0), "");
    prism_world_now_us += 2 * MINUTES;
    check(&w);
    assert_string_equal(notices(&w, 0), "silent LON");
    prism_world_close(&w);
}

static void a_configured_store_that_never_spoke_is_missed(void **state) {
    (void)state;
    struct prism_world w;
    assert_int_equal(timestamp_parse(TEXT("2026-07-27T10:00:00Z"), &prism_world_now_us), STATUS_OK);
    prism_world_open(&w, "memory:", "",
                     "opening: \"09:00-21:00\", silent_after: 30m, stores: {\"1\": LON}");
    prism_world_now_us += 31 * MINUTES;
    check(&w);
    assert_string_equal(notices(&w, 0), "silent LON");
    prism_world_close(&w);
}

static void gaps_are_told_after_a_while_and_when_they_are_filled(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:gaps", "", "");
    note(&w, "NY01", 1, SECONDS, true);
    note(&w, "NY01", 5, SECONDS, true);
    note(&w, "NY01", 2, SECONDS, true); /* tills overtake each other: no word of that */
    check(&w);
    prism_world_now_us += 11 * MINUTES;
    check(&w);
    check(&w);
    assert_string_equal(notices(&w, 0), "gap NY01");
    expect_shown(&w, "\"missing\":2,\"gaps\":[{\"from\":3,\"to\":4,");
    prism_world_close(&w);
    prism_world_open(&w, "memory:gaps", "", "");
    check(&w); /* told before the restart */
    assert_string_equal(notices(&w, 0), "");
    note(&w, "NY01", 4, 20 * MINUTES, false);
    note(&w, "NY01", 3, 20 * MINUTES, false);
    check(&w);
    assert_string_equal(notices(&w, 0), "gap_filled NY01");
    expect_shown(&w, "\"missing\":0,\"gaps\":[],\"filled\":[{\"from\":3,\"to\":3,");
    prism_world_close(&w);
    store_forget_memory("gaps");
}

static void lag_and_clock_are_told_apart(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:", "", "");
    note(&w, "NY01", 1, -90 * SECONDS, true); /* from the future: the clock is ahead */
    note(&w, "NY01", 2, -88 * SECONDS, true);
    expect_shown(&w, "\"lag_seconds\":-90.000,\"clock_offset_seconds\":90.000");
    /* A store that was off line is late; its clock is fine as far as anybody can tell. */
    note(&w, "BOS02", 1, 3600 * SECONDS, false);
    expect_shown(&w, "\"lag_seconds\":3600.000,\"clock_offset_seconds\":null");
    /* Two hours later the window has moved on. */
    prism_world_now_us += 150 * MINUTES;
    note(&w, "NY01", 3, SECONDS, true);
    expect_shown(&w, "\"lag_seconds\":1.000,\"clock_offset_seconds\":-1.000");
    struct prism_health_figures figures;
    prism_health_figures(w.source->health, &figures);
    assert_int_equal(figures.stores, 2);
    assert_int_equal(figures.worst_lag_us, 3600 * SECONDS);
    prism_world_close(&w);
}

static void an_old_document_changes_nothing_newer(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:", "", "");
    note(&w, "NY01", 9, SECONDS, true);
    note(&w, "NY01", 8, 86400 * SECONDS, false);
    expect_shown(&w, "\"last_number\":9,");
    expect_shown(&w, "\"lag_seconds\":1.000");
    prism_world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_that_falls_silent_is_told_of_once),
        cmocka_unit_test(the_longest_silence_comes_first),
        cmocka_unit_test(the_morning_begins_anew),
        cmocka_unit_test(a_configured_store_that_never_spoke_is_missed),
        cmocka_unit_test(gaps_are_told_after_a_while_and_when_they_are_filled),
        cmocka_unit_test(lag_and_clock_are_told_apart),
        cmocka_unit_test(an_old_document_changes_nothing_newer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
