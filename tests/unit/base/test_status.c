/* The words of each status are part of the contract; the story of a failure must never overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"
#include "base/text.h"
#include "unit/base/child.h"

#include <errno.h>
#include <signal.h>

static void test_every_status_has_its_words(void **state) {
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++) {
        assert_true(strlen(status_code((enum status)i)) > 0);
        assert_true(strlen(status_meaning((enum status)i)) > 0);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(status_code((enum status)i), status_code((enum status)j));
        }
    }
    assert_string_equal(status_code(STATUS_OK), "ok");
    assert_string_equal(status_code(STATUS_BAD_QUANTITY), "bad_quantity");
    assert_string_equal(status_code(STATUS_FORBIDDEN_LOCATION), "forbidden_location");
}

static void test_error_set_fills_and_returns(void **state) {
    (void)state;
    struct error error;
    memset(&error, 0x5A, sizeof error);
    assert_int_equal(error_set(&error, STATUS_BAD_TIME, "as_of: '%s'", "x"), STATUS_BAD_TIME);
    assert_int_equal(error.status, STATUS_BAD_TIME);
    assert_int_equal(error.line, 0);
    assert_string_equal(error.pointer, "");
    assert_string_equal(error.detail, "as_of: 'x'");
    assert_int_equal(error_set(NULL, STATUS_MISSING, "%d", 1), STATUS_MISSING);
}

static void test_error_may_wrap_itself(void **state) {
    (void)state;
    struct error error;
    (void)error_set(&error, STATUS_IO, "inner");
    (void)error_set(&error, STATUS_UNREADABLE, "outer: %s", error.detail);
    assert_string_equal(error.detail, "outer: inner");
}

static void test_long_detail_is_cut_between_characters(void **state) {
    (void)state;
    char text[1000];
    for (size_t shift = 0; shift < 2; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 2 < sizeof text; i += 2) {
            memcpy(text + i, "\xC3\xA4", 3);
        }
        struct error error;
        (void)error_set(&error, STATUS_IO, "%s", text);
        assert_true(strlen(error.detail) >= sizeof error.detail - 2);
        assert_true(text_is_utf8(text_from(error.detail)));
    }
}

static void test_errno_is_told_and_mapped(void **state) {
    (void)state;
    struct error error;
    errno = ENOENT;
    assert_int_equal(error_set_errno(&error, "open %s", "a.csv"), STATUS_IO);
    assert_string_equal(error.detail, "open a.csv: No such file or directory");
    errno = ENOSPC;
    assert_int_equal(error_set_errno(&error, "write"), STATUS_NO_SPACE);
    assert_int_equal(error.status, STATUS_NO_SPACE);
    errno = EDQUOT;
    assert_int_equal(error_set_errno(NULL, "write"), STATUS_NO_SPACE);
}

static void test_errno_survives_a_long_path(void **state) {
    (void)state;
    char path[4096];
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    struct error error;
    errno = EIO;
    (void)error_set_errno(&error, "%s", path);
    assert_non_null(strstr(error.detail, ": Input/output error"));
}

static void break_a_promise(void *context) {
    require(context != NULL);
}

static void test_require_ends_the_process_and_says_why(void **state) {
    (void)state;
    struct child child;
    child_run(&child, break_a_promise, NULL);
    assert_true(WIFSIGNALED(child.wait_status));
    assert_int_equal(WTERMSIG(child.wait_status), SIGABRT);
    assert_non_null(strstr(child.said, "condition=\"context != NULL\""));
    assert_non_null(strstr(child.said, "test_status.c"));
}

int main(void) {
    const struct CMUnitTest status[] = {
        cmocka_unit_test(test_every_status_has_its_words),
        cmocka_unit_test(test_error_set_fills_and_returns),
        cmocka_unit_test(test_error_may_wrap_itself),
        cmocka_unit_test(test_long_detail_is_cut_between_characters),
        cmocka_unit_test(test_errno_is_told_and_mapped),
        cmocka_unit_test(test_errno_survives_a_long_path),
        cmocka_unit_test(test_require_ends_the_process_and_says_why),
    };
    return cmocka_run_group_tests(status, NULL, NULL);
}
