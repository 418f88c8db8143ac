/* Names get numbers from 1 in order of arrival and keep them, whatever the table does inside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/intern.h"

#include <stdio.h>

#define NAMES 20000

static void test_numbers_count_from_one(void **state) {
    (void)state;
    struct intern *set = intern_new();
    assert_int_equal(intern_count(set), 0);
    assert_int_equal(intern_find(set, TEXT("prism")), 0);
    assert_int_equal(intern_add(set, TEXT("prism")), 1);
    assert_int_equal(intern_add(set, TEXT("erp")), 2);
    assert_int_equal(intern_add(set, TEXT("prism")), 1);
    assert_int_equal(intern_find(set, TEXT("erp")), 2);
    assert_int_equal(intern_find(set, TEXT("er")), 0);
    assert_int_equal(intern_count(set), 2);
    assert_true(text_equal_string(intern_text(set, 2), "erp"));
    intern_free(set);
    intern_free(NULL);
}

static void test_empty_text_and_nul_bytes_are_names(void **state) {
    (void)state;
    struct intern *set = intern_new();
    assert_int_equal(intern_add(set, (struct text){0}), 1);
    assert_int_equal(intern_find(set, TEXT("")), 1);
    assert_int_equal(intern_add(set, TEXT("a\0b")), 2);
    assert_int_equal(intern_add(set, TEXT("a\0c")), 3);
    assert_int_equal(intern_text(set, 3).length, 3);
    intern_free(set);
}

static void test_many_names_keep_number_and_address(void **state) {
    (void)state;
    struct intern *set = intern_new();
    char name[32];
    const char *first = NULL;
    for (uint32_t i = 1; i <= NAMES; i++) {
        int length = snprintf(name, sizeof name, "register-%u", i);
        assert_int_equal(intern_add(set, (struct text){name, (size_t)length}), i);
        if (i == 1) {
            first = intern_text(set, 1).data;
        }
    }
    assert_ptr_equal(intern_text(set, 1).data, first);
    assert_int_equal(intern_count(set), NAMES);
    for (uint32_t i = 1; i <= NAMES; i++) {
        int length = snprintf(name, sizeof name, "register-%u", i);
        struct text text = {name, (size_t)length};
        assert_int_equal(intern_find(set, text), i);
        assert_true(text_equal(intern_text(set, i), text));
    }
    assert_int_equal(intern_find(set, TEXT("register-0")), 0);
    assert_in_range(intern_memory(set), (size_t)NAMES * 30, (size_t)NAMES * 100);
    intern_free(set);
}

int main(void) {
    const struct CMUnitTest intern[] = {
        cmocka_unit_test(test_numbers_count_from_one),
        cmocka_unit_test(test_empty_text_and_nul_bytes_are_names),
        cmocka_unit_test(test_many_names_keep_number_and_address),
    };
    return cmocka_run_group_tests(intern, NULL, NULL);
}
