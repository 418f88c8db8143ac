/* The picture of `onhand top`, from what the hub answers to what stands on the screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "cli/top.h"

#define NOW_TEXT "2026-11-23T12:00:00Z"

/* An answer of /v1/now: a calm hub of 50 stores; `parts` replace its lists. */
static json_t *answer_with(const char *parts) {
    static const char calm[] =
        "{\"status\":{\"version\":\"0.1.0\",\"now\":\"" NOW_TEXT "\",\"cells\":250000,"
        "\"locations\":50,\"products\":5000,\"resets_applied\":3,\"memory_bytes\":123456789,"
        "\"disk_bytes\":2000,\"disk_full\":false,\"started_at\":\"2026-11-23T11:18:30Z\"},"
        "\"adjustments_per_second\":[0,5,1234],\"sources\":[],\"channels\":[],\"feeds\":[],"
        "\"next_reset\":null,\"resets\":{\"next\":null,\"items\":[]}}";
    json_t *answer = json_loads(calm, 0, NULL), *more = json_loads(parts, 0, NULL);
    assert_non_null(answer);
    assert_non_null(more);
    assert_int_equal(json_object_update_recursive(answer, more), 0);
    json_decref(more);
    return answer;
}

static struct top_model model_of(const json_t *answer) {
    struct top_model m = {.url = "http://hub", .now = answer, .link = TOP_LIVE, .trouble = ""};
    assert_int_equal(timestamp_parse(TEXT(NOW_TEXT), &m.now_us), STATUS_OK);
    return m;
}

static void check_sentence(const char *parts, enum style style, const char *wanted) {
    json_t *answer = answer_with(parts);
    struct top_model m = model_of(answer);
    struct needs needs;
    struct buffer text = {0};
    needs_find(answer, m.now_us, &needs);
    enum style found = top_sentence(&m, &needs, &text);
    assert_string_equal(text.data, wanted);
    assert_int_equal(found, style);
    needs_deinit(&needs);
    buffer_deinit(&text);
    json_decref(answer);
}

static void one_sentence_tells_the_state(void **state) {
    (void)state;
    check_sentence("{}", STYLE_GOOD, "All 50 stores in sync");
    check_sentence("{\"status\":{\"locations\":1}}", STYLE_GOOD, "The store is in sync");
    check_sentence("{\"status\":{\"cells\":0}}", STYLE_STRONG, "Ready: no stock has been told yet");
    check_sentence("{\"status\":{\"resets_applied\":0,\"locations\":1}}", STYLE_STRONG,
                   "1 store heard of; no reset has confirmed their stock yet");
    check_sentence("{\"sources\":[{\"name\":\"prism\",\"stores_silent\":1,\"silent\":["
                   "{\"location\":\"BOS02\",\"since\":\"2026-11-23T11:19:00Z\"}]}]}",
                   STYLE_WARN, "All 50 stores in sync; BOS02 silent for 41 min");
    check_sentence("{\"status\":{\"disk_full\":true}}", STYLE_BAD,
                   "The disk is full: sales are refused until there is room again");
    check_sentence("{\"feeds\":[{\"name\":\"daily\",\"late\":true,\"late_since\":"
                   "\"2026-11-23T08:40:00Z\"}]}",
                   STYLE_BAD, "Feed daily: its file is 3 h 20 min late");
}

static void the_worst_comes_first(void **state) {
    (void)state;
    check_sentence(
        "{\"channels\":[{\"name\":\"web\",\"state\":\"ok\",\"parked_count\":2},"
        "{\"name\":\"oms\",\"state\":\"unauthorized\",\"last_error\":\"401\",\"parked_count\":0},"
        "{\"name\":\"new\",\"state\":\"starting\"},{\"name\":\"off\",\"state\":\"paused\"}],"
        "\"resets\":{\"items\":[{\"id\":\"r-1\",\"status\":\"held\",\"file\":\"a.csv\",\"reasons\":"
        "[{\"detail\":\"half of it is missing\"}]}]}}",
        STYLE_BAD, "Channel oms: 401, and 2 more things");
    /* A failure of a feed that took a file since is over. */
    check_sentence("{\"feeds\":[{\"name\":\"f\",\"late\":false,\"last_error\":\"no such host\","
                   "\"last_error_at\":\"2026-11-23T10:00:00Z\","
                   "\"last_file_at\":\"2026-11-23T11:00:00Z\"}]}",
                   STYLE_GOOD, "All 50 stores in sync");
    check_sentence("{\"feeds\":[{\"name\":\"f\",\"late\":false,\"last_error\":\"no such host\","
                   "\"last_error_at\":\"2026-11-23T10:00:00Z\",\"last_file_at\":null}]}",
                   STYLE_BAD, "Feed f: no such host");
}

static void more_needs_than_room_are_counted(void **state) {
    (void)state;
    json_t *answer = answer_with("{\"feeds\":[{\"name\":\"f\",\"late\":true}]}");
    json_t *channels = json_object_get(answer, "channels");
    for (int i = 0; i < 100; i++)
        json_array_append_new(
            channels, json_pack("{s:s,s:s,s:i}", "name", "c", "state", "ok", "parked_count", 1));
    json_array_append_new(channels, json_pack("{s:s,s:s}", "name", "last", "state", "failing"));
    struct needs needs;
    needs_find(answer, 0, &needs);
    assert_int_equal(needs.count + needs.more, 102);
    assert_string_equal(needs.items[1].text.data, "channel last: failing");
    needs_deinit(&needs);
    json_decref(answer);
}

static void check_duration(int64_t seconds, const char *wanted) {
    struct buffer out = {0};
    append_duration(&out, seconds * US_PER_SECOND);
    assert_string_equal(out.data, wanted);
    buffer_deinit(&out);
}

static void ages_are_told_as_people_do(void **state) {
    (void)state;
    check_duration(-5, "0 s");
    check_duration(59, "59 s");
    check_duration(60, "1 min");
    check_duration(3600, "1 h");
    check_duration(3661, "1 h 1 min");
    check_duration(86400, "1 day");
    check_duration(INT64_C(86400) * 1234, "1,234 days");
}

/* All lines, each ended. */
static char *drawn(const struct top_model *m, unsigned width, unsigned height) {
    struct picture p;
    struct buffer text = {0};
    picture_begin(&p, width, false, false);
    top_draw(m, height, &p);
    for (size_t i = 0; i < p.count; i++) {
        assert_true(text_columns(picture_line(&p, i)) <= width);
        buffer_append_format(&text, "%s\n", picture_line(&p, i));
    }
    picture_deinit(&p);
    return text.data;
}

static const char busy[] =
    "{\"channels\":[{\"name\":\"web\",\"state\":\"ok\",\"pending\":12345,"
    "\"oldest_pending_seconds\":61.5,\"parked_count\":0},{\"name\":\"drop\",\"state\":\"new\"}],"
    "\"sources\":[{\"name\":\"prism\",\"state\":\"ok\",\"stores_known\":50,\"stores_silent\":0,"
    "\"silent\":[],\"parked\":0,\"last_document_at\":\"2026-11-23T11:59:58Z\"}],"
    "\"next_reset\":{\"at\":\"2026-11-24T05:00:00Z\",\"job\":\"feed:daily\"},"
    "\"resets\":{\"items\":[{\"id\":\"r-2\",\"status\":\"dry_run\"},{\"id\":\"r-1\",\"status\":"
    "\"applied\",\"received_at\":\"2026-11-23T05:00:00Z\",\"changed\":12,\"cells\":250000,"
    "\"file\":\"inventory.csv\"}]}}";

static void a_picture_says_it_all(void **state) {
    (void)state;
    json_t *answer = answer_with(busy);
    json_t *event = json_pack("{s:s,s:s,s:{s:s,s:s,s:i,s:f}}", "type", "onhand.inventory.changed",
                              "time", NOW_TEXT, "data", "location", "NY01", "sku", "WH09-XL",
                              "on_hand", 7, "available", 6.5);
    struct top_model m = model_of(answer);
    m.latest[0] = event;
    char *text = drawn(&m, 80, 40);
    assert_string_equal(
        text,
        "All 50 stores in sync\n"
        "12:00:00 UTC  live  onhand 0.1.0  http://hub\n"
        "\n"
        "Changes     1,234 /s  \u2581\u2582\u2588  most 1,234\n"
        "Resets    last applied 7 h ago: 12 of 250,000 cells changed  inventory.csv\n"
        "          next in 17 h, at 05:00:00  feed:daily\n"
        "\n"
        "Needs a person  nothing\n"
        "\n"
        "Channels                                waiting       lag    parked\n"
        "  web                   ok               12,345     1 min         0\n"
        "  drop                  new                   -         -         -\n"
        "\n"
        "Sources                                  stores    silent      last\n"
        "  prism                 ok                   50         0       2 s\n"
        "\n"
        "Hub       250,000 cells, 50 stores, 5,000 products, 123 MB memory, 2.0 kB on di\u2026\n"
        "\n"
        "Latest\n"
        "  12:00:00  NY01  WH09-XL                      7 on hand, 6.5 available\n");
    free(text);
    json_decref(event);
    json_decref(answer);
}

static void it_is_never_wider_than_the_terminal(void **state) {
    (void)state;
    json_t *answer = answer_with(busy);
    struct top_model m = model_of(answer);
    for (unsigned width = 40; width <= 250; width += 15)
        free(drawn(&m, width, width % 2 == 0 ? 0 : 24));
    json_decref(answer);
}

static void a_hub_that_is_away_is_said_to_be(void **state) {
    (void)state;
    json_t *answer = answer_with("{}");
    struct top_model m = model_of(answer);
    m.link = TOP_AWAY;
    m.away_since_us = m.now_us - 41 * US_PER_SECOND;
    m.trouble = "Connection refused\033[2J";
    char *text = drawn(&m, 80, 24);
    assert_non_null(strstr(text, "The hub has been away for 41 s; trying again\n"));
    assert_non_null(strstr(text, "away since 11:59:19: Connection refused?[2J\n"));
    assert_non_null(strstr(text, "What stands below is what was known then.\n"));
    free(text);
    json_decref(answer);
}

static void whatever_is_missing_is_not_made_up(void **state) {
    (void)state;
    json_t *answer = json_loads("{}", 0, NULL);
    struct top_model m = model_of(answer);
    char *text = drawn(&m, 80, 24);
    assert_non_null(strstr(text, "Changes         - /s"));
    assert_non_null(strstr(text, "next not planned"));
    free(text);
    json_decref(answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sentence_tells_the_state),
        cmocka_unit_test(the_worst_comes_first),
        cmocka_unit_test(more_needs_than_room_are_counted),
        cmocka_unit_test(ages_are_told_as_people_do),
        cmocka_unit_test(a_picture_says_it_all),
        cmocka_unit_test(it_is_never_wider_than_the_terminal),
        cmocka_unit_test(a_hub_that_is_away_is_said_to_be),
        cmocka_unit_test(whatever_is_missing_is_not_made_up),
    };
    (void)setenv("TZ", "UTC0", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
