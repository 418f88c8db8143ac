/* Pages of both dialects, errors in every shape they come in, totals, and the nonce. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pos/prism_page.h"

static void answers_the_nonce(void **state) {
    (void)state;
    assert_int_equal(prism_nonce_response(1300000), 17);
    assert_int_equal(prism_nonce_response(123456789), 1645090);
    assert_int_equal(prism_nonce_response(0), 0);
    assert_int_equal(prism_nonce_response(12), 0);
    assert_int_equal(prism_nonce_response(INT64_C(13) * 99999), 0);
}

static void cuts_pages_of_both_dialects(void **state) {
    (void)state;
    static const struct {
        const char *body;
        size_t count;
        const char *last;
    } rows[] = {
        {"[]", 0, NULL},
        {" [ {\"sid\": 1} , {\"sid\":\"2\",\"items\":[{\"a\":\"]\"}]} ] ", 2,
         "{\"sid\":\"2\",\"items\":[{\"a\":\"]\"}]}"},
        {"{\"data\":[{\"sid\":5}],\"count\":{\"data\":[1,2]}}", 1, "{\"sid\":5}"},
        {"{\"Data\":[]}", 0, NULL},
        {"{\"data\":null}", 0, NULL},
        {"{\"sid\":7,\"errors\":null}", 1, "{\"sid\":7,\"errors\":null}"},
        {"[{\"sid\":7,\"errors\":\"kept\"}]", 1, "{\"sid\":7,\"errors\":\"kept\"}"},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct prism_page page;
        struct error error = {0};
        assert_int_equal(prism_page_cut(text_from(rows[i].body), &arena, &page, &error), STATUS_OK);
        assert_int_equal(page.count, rows[i].count);
        if (rows[i].last != NULL)
            assert_true(text_equal_string(page.items[page.count - 1], rows[i].last));
    }
    arena_deinit(&arena);
}

static void cuts_a_page_longer_than_its_first_room(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buffer body = {0};
    struct prism_page page;
    for (int i = 0; i < 1000; i++)
        buffer_append_format(&body, "%s{\"sid\":%d}", i == 0 ? "[" : ",", i);
    buffer_append_string(&body, "]");
    assert_int_equal(prism_page_cut(buffer_text(&body), &arena, &page, NULL), STATUS_OK);
    assert_int_equal(page.count, 1000);
    assert_true(text_equal_string(page.items[0], "{\"sid\":0}"));
    assert_true(text_equal_string(page.items[999], "{\"sid\":999}"));
    buffer_deinit(&body);
    arena_deinit(&arena);
}

static void refuses_what_is_no_page(void **state) {
    (void)state;
    static const struct {
        const char *body;
        enum status status;
        const char *words;
    } rows[] = {
        {"", STATUS_UNREADABLE, "empty"},
        {"<html><head><title>Maintenance</title></head></html>", STATUS_UNREADABLE,
         "'Maintenance'"},
        {"<p>", STATUS_UNREADABLE, "HTML"},
        {"[{\"sid\":1},{\"sid\":", STATUS_UNREADABLE, "cut short"},
        {"[{\"sid\":1}] x", STATUS_UNREADABLE, "cut short"},
        {"{\"data\":[1", STATUS_UNREADABLE, "cut short"},
        {"Service unavailable", STATUS_UNREADABLE, "Service unavailable"},
        {"[{\"errorcode\":10101,\"errormsg\":\"Access violation\"}]", STATUS_REFUSED,
         "Access violation (errorcode 10101)"},
        {"{\"errors\":\"403: Invalid username or password\"}", STATUS_REFUSED, "Invalid username"},
        {"{\"errors\":[{\"errormsg\":\"deep\"}]}", STATUS_REFUSED, "deep"},
        {"{\"data\":[],\"errors\":\"no license\"}", STATUS_REFUSED, "no license"},
        {"{\"errors\":\" \"}", STATUS_REFUSED, "errors"},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct prism_page page;
        struct error error = {0};
        assert_int_equal(prism_page_cut(text_from(rows[i].body), &arena, &page, &error),
                         rows[i].status);
        if (strstr(error.detail, rows[i].words) == NULL)
            fail_msg("'%s' says '%s'", rows[i].body, error.detail);
    }
    arena_deinit(&arena);
}

static void bounds_what_an_error_says(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buffer body = {0};
    buffer_append_string(&body, "{\"errors\":\"");
    for (int i = 0; i < 5000; i++)
        buffer_append_string(&body, "\\n!");
    buffer_append_string(&body, "\"}");
    struct text words = prism_error_text(buffer_text(&body), &arena);
    assert_in_range(words.length, 1, 200);
    assert_null(memchr(words.data, '\n', words.length));
    buffer_deinit(&body);
    arena_deinit(&arena);
}

static void reads_totals(void **state) {
    (void)state;
    static const struct {
        const char *range;
        int64_t total;
    } rows[] = {
        {"items 0-99/1234", 1234},
        {"0-99/0", 0},
        {"1/2/3", 3},
        {"", -1},
        {"1234", -1},
        {"0-99/*", -1},
        {"0-99/", -1},
        {"/12x", -1},
        {"0-9/-4", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(prism_total(text_from(rows[i].range)), rows[i].total);
}

static void picks_fields_of_either_dialect(void **state) {
    (void)state;
    static const char *const names[] = {"sid", "modifieddatetime", "items", "gone"};
    struct text found[4];
    struct arena arena = {0};
    const char *v1 = "{\"sid\":\"5351234567890123456\",\"Modified_DateTime\":\"a\\u0062\","
                     "\"items\":[{\"sid\":1}],\"gone\":null}";
    assert_true(prism_pick(text_from(v1), names, 4, &arena, found));
    assert_true(text_equal_string(found[0], "5351234567890123456"));
    assert_true(text_equal_string(found[1], "ab"));
    assert_true(text_equal_string(found[2], "[{\"sid\":1}]"));
    assert_int_equal(found[3].length, 0);
    assert_true(prism_pick(TEXT("{\"sid\":5351234567890123456}"), names, 4, &arena, found));
    assert_true(text_equal_string(found[0], "5351234567890123456"));
    assert_false(prism_pick(TEXT("[1]"), names, 4, &arena, found));
    assert_false(prism_pick(TEXT("{\"sid\":1"), names, 4, &arena, found));
    arena_deinit(&arena);
}

static void adds_a_field(void **state) {
    (void)state;
    struct arena arena = {0};
    assert_true(
        text_equal_string(prism_with_field(TEXT("{\"sid\":1 } "), "items", TEXT("[2]"), &arena),
                          "{\"sid\":1,\"items\":[2]}"));
    assert_true(text_equal_string(prism_with_field(TEXT("{}"), "items", TEXT("[]"), &arena),
                                  "{\"items\":[]}"));
    arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_the_nonce),
        cmocka_unit_test(cuts_pages_of_both_dialects),
        cmocka_unit_test(cuts_a_page_longer_than_its_first_room),
        cmocka_unit_test(refuses_what_is_no_page),
        cmocka_unit_test(bounds_what_an_error_says),
        cmocka_unit_test(reads_totals),
        cmocka_unit_test(picks_fields_of_either_dialect),
        cmocka_unit_test(adds_a_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
