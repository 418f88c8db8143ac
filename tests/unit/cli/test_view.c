/* What people read must be exact, aligned, and free of what could command their terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "cli/view.h"

static void check_number(const char *json, const char *wanted) {
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    struct buffer out = {0};
    view_append_number(&out, value);
    assert_string_equal(out.data, wanted);
    buffer_deinit(&out);
    json_decref(value);
}

static void numbers_are_exact(void **state) {
    (void)state;
    check_number("0", "0");
    check_number("-1", "-1");
    check_number("4.75", "4.75");
    check_number("0.001", "0.001");
    check_number("-0.1", "-0.1");
    check_number("100.0", "100");
    check_number("123456789012.345", "123456789012.345");
    check_number("null", "-");
    check_number("\"x\"", "-");
}

static void check_time(const char *zone, const char *json, const char *wanted) {
    (void)setenv("TZ", zone, 1);
    tzset();
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    struct buffer out = {0};
    view_append_time(&out, value);
    assert_string_equal(out.data, wanted);
    buffer_deinit(&out);
    json_decref(value);
}

static void times_are_of_the_readers_zone(void **state) {
    (void)state;
    check_time("UTC0", "\"2026-11-23T07:05:00Z\"", "2026-11-23 07:05:00 +00:00");
    check_time("EST5", "\"2026-11-23T07:05:00.123Z\"", "2026-11-23 02:05:00 -05:00");
    check_time("IST-5:30", "\"2026-11-23T20:05:00Z\"", "2026-11-24 01:35:00 +05:30");
    check_time("UTC0", "\"yesterday\"", "-");
    check_time("UTC0", "null", "-");
}

/* Everything printed by `print`. */
static char *printed(void (*print)(FILE *out, const void *what), const void *what) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    print(out, what);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void print_safe(FILE *out, const void *what) {
    view_print_safe(out, what);
}

static void nothing_commands_the_terminal(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"plain", "plain"},
        {"a\033[2Jb", "a?[2Jb"},
        {"line\nbreak\r", "line?break?"},
        {"Zürich", "Zürich"},
        {"\xC2\x9B"
         "31m",
         "?31m"},
        {"bad \xFF byte", "bad ? byte"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = printed(print_safe, rows[i][0]);
        assert_string_equal(text, rows[i][1]);
        free(text);
    }
}

static void print_table(FILE *out, const void *what) {
    table_print(what, out);
}

static void tables_are_aligned_by_characters(void **state) {
    (void)state;
    static const char *const heads[] = {"location", ">on hand", "note"};
    struct table table;
    table_init(&table, heads, 3);
    char *empty = printed(print_table, &table);
    assert_string_equal(empty, "");
    free(empty);
    table_text(&table, "Zürich");
    table_text(&table, "4.75");
    table_text(&table, "a");
    table_text(&table, "NY01 Broadway");
    table_text(&table, "12345678");
    table_text(&table, "");
    char *text = printed(print_table, &table);
    assert_string_equal(text, "location        on hand  note\n"
                              "Zürich             4.75  a\n"
                              "NY01 Broadway  12345678\n");
    free(text);
    table_deinit(&table);
}

static void print_object(FILE *out, const void *what) {
    view_print_object(out, what, 0);
}

static void objects_are_named_lines(void **state) {
    (void)state;
    json_t *object = json_loads("{\"disk_full\":false,\"cells\":3,\"inner\":{\"a\":1.5}}", 0, NULL);
    char *text = printed(print_object, object);
    assert_string_equal(text, "disk full  no\ncells      3\ninner\n  a  1.5\n");
    free(text);
    json_decref(object);
}

int main(void) {
    const struct CMUnitTest view[] = {
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(times_are_of_the_readers_zone),
        cmocka_unit_test(nothing_commands_the_terminal),
        cmocka_unit_test(tables_are_aligned_by_characters),
        cmocka_unit_test(objects_are_named_lines),
    };
    return cmocka_run_group_tests_name("view", view, NULL, NULL);
}
