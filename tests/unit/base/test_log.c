/* Log lines as others read them: one line each, whatever a value holds. Each line is written by a
 * child process and parsed here, the JSON form by another implementation than ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "unit/base/child.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

static void say_plain(void *context) {
    (void)context;
    log_debug("unheard", "a=%d", 1);
    errno = ENOENT;
    log_info("reset applied", "reset=%s rows=%d seconds=%.3f", "r-1", 10, 1.25);
    log_error("bare", "%s", "");
    if (errno != ENOENT) {
        _exit(1);
    }
}

static void test_plain_lines(void **state) {
    (void)state;
    struct child child;
    child_run(&child, say_plain, NULL);
    assert_int_equal(child.wait_status, 0);
    char *second = strchr(child.said, '\n');
    assert_non_null(second);
    *second++ = '\0';
    assert_int_equal(child.said[4], '-');
    assert_int_equal(child.said[10], 'T');
    assert_string_equal(strchr(child.said, ' '),
                        " info \"reset applied\" reset=r-1 rows=10 seconds=1.250");
    assert_string_equal(strchr(second, ' '), " error \"bare\"\n");
}

static void say_levels(void *context) {
    (void)context;
    log_configure(LOG_WARN, false);
    log_info("unheard", "a=%d", 1);
    log_warn("heard", "a=%d", 1);
    log_configure(LOG_DEBUG, false);
    log_debug("heard", "a=%d", 2);
}

static void test_levels(void **state) {
    (void)state;
    struct child child;
    child_run(&child, say_levels, NULL);
    assert_null(strstr(child.said, "unheard"));
    assert_non_null(strstr(child.said, " warn \"heard\" a=1\n"));
    assert_non_null(strstr(child.said, " debug \"heard\" a=2\n"));
}

static void say_forged(void *context) {
    (void)context;
    log_info("file", "name=%s", "x\n2026-01-01T00:00:00Z info \"forged\"");
    char huge[10000];
    memset(huge, 'h', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    log_info("file", "name=%s", huge);
}

static void test_one_line_whatever_comes(void **state) {
    (void)state;
    struct child child;
    child_run(&child, say_forged, NULL);
    assert_non_null(strstr(child.said, "name=x?2026"));
    size_t lines = 0;
    for (const char *p = child.said; (p = strchr(p, '\n')) != NULL; p++) {
        lines++;
    }
    assert_int_equal(lines, 2);
    assert_int_equal(child.said[child.length - 1], '\n');
    assert_true(child.length < 8192);
}

static void say_json(void *context) {
    log_configure(LOG_INFO, true);
    log_info("reset applied", "reset=%s name=%s rows=%d seconds=%.3f code=%s alone tail=%s", "r-1",
             log_quote(text_from(context)), 10, 1.25, "007", "x\xFFy\x01");
}

static void test_json_lines(void **state) {
    (void)state;
    struct child child;
    char name[] = "a \"b\" \\ c=d\n\xC3\xA4";
    child_run(&child, say_json, name);
    json_error_t error;
    json_t *line = json_loads(child.said, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(line);
    const char *time, *level, *message, *reset, *quoted, *code, *tail;
    json_int_t rows;
    double seconds;
    int alone;
    assert_int_equal(json_unpack(line, "{s:s,s:s,s:s,s:s,s:s,s:I,s:f,s:s,s:b,s:s!}", "time", &time,
                                 "level", &level, "message", &message, "reset", &reset, "name",
                                 &quoted, "rows", &rows, "seconds", &seconds, "code", &code,
                                 "alone", &alone, "tail", &tail),
                     0);
    assert_string_equal(level, "info");
    assert_string_equal(message, "reset applied");
    assert_string_equal(reset, "r-1");
    assert_string_equal(quoted, "a \"b\" \\ c=d\\n\xC3\xA4");
    assert_int_equal(rows, 10);
    assert_true(seconds > 1.24 && seconds < 1.26);
    assert_string_equal(code, "007"); /* no number in JSON: stays text */
    assert_int_equal(alone, 1);
    assert_string_equal(tail, "x?y?");
    json_decref(line);
}

static void say_huge_json(void *context) {
    (void)context;
    char huge[3000];
    log_configure(LOG_INFO, true);
    const size_t lengths[] = {1990, 2005, 2900}; /* it fits, it just does not, it was cut before */
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memset(huge, '"', lengths[i]);
        huge[lengths[i]] = '\0';
        log_info("huge", "first=1 value=%s last=2", huge);
    }
}

static void test_huge_json_lines_stay_json(void **state) {
    (void)state;
    struct child child;
    child_run(&child, say_huge_json, NULL);
    char *line = child.said;
    int lines = 0;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        json_t *value = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(value);
        assert_int_equal(json_integer_value(json_object_get(value, "first")), 1);
        json_decref(value);
        lines++;
    }
    assert_int_equal(lines, 3);
}

static void test_quote(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a b", "\"a b\""},
        {"say \"hi\" \\", "\"say \\\"hi\\\" \\\\\""},
        {"\n\r\t\x01\x7F\x1B[2J", "\"\\n\\r\\t\\x01\\x7f\\x1b[2J\""},
        {"\xC3\xA4", "\"\xC3\xA4\""},
        {"\xC3", "\"\\xc3\""},
        {"\xC2\x9B", "\"\\xc2\\x9b\""},
        {"\xE2\x80\xAE", "\"\\xe2\\x80\\xae\""},
        {"\xE2\x81\xA6", "\"\\xe2\\x81\\xa6\""},
        {"\xE2\x82\xAC", "\"\xE2\x82\xAC\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(log_quote(text_from(cases[i][0])), cases[i][1]);
    }
    assert_string_equal(log_quote((struct text){0}), "\"\"");
}

static void test_quote_shortens_and_keeps_four(void **state) {
    (void)state;
    char huge[5000];
    memset(huge, '\x01', sizeof huge);
    const char *cut = log_quote((struct text){huge, sizeof huge});
    assert_in_range(strlen(cut), 200, 255);
    assert_string_equal(cut + strlen(cut) - 4, "...\"");
    const char *a = log_quote(TEXT("a")), *b = log_quote(TEXT("b")), *c = log_quote(TEXT("c"));
    const char *d = log_quote(TEXT("d"));
    assert_string_equal(a, "\"a\"");
    assert_string_equal(b, "\"b\"");
    assert_string_equal(c, "\"c\"");
    assert_string_equal(d, "\"d\"");
}

int main(void) {
    const struct CMUnitTest log[] = {
        cmocka_unit_test(test_plain_lines),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_one_line_whatever_comes),
        cmocka_unit_test(test_json_lines),
        cmocka_unit_test(test_huge_json_lines_stay_json),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_quote_shortens_and_keeps_four),
    };
    return cmocka_run_group_tests(log, NULL, NULL);
}
