/* What nobody sees goes from the ends of a field and is found inside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feed/unseen.h"

static void assert_trimmed(const char *text, const char *wanted) {
    struct text trimmed = unseen_trim(text_from(text));
    assert_int_equal(trimmed.length, strlen(wanted));
    assert_memory_equal(trimmed.data, wanted, trimmed.length);
}

static void trims_both_ends(void **state) {
    (void)state;
    assert_trimmed("A", "A");
    assert_trimmed("\xc2\xa0"
                   "A\xc2\xa0",
                   "A");
    assert_trimmed(" \xe2\x80\x8b \xef\xbb\xbf"
                   "A \xe3\x80\x80\t",
                   "A");
    assert_trimmed("\xc2\xa0\xe2\x81\xa0", "");
    assert_trimmed("", "");
}

static void keeps_what_is_seen(void **state) {
    (void)state;
    assert_trimmed("\xc3\x84\xc3\xa0", "\xc3\x84\xc3\xa0");
    assert_trimmed("\xe2\x82\xac\xe2\x80\x93", "\xe2\x82\xac\xe2\x80\x93");
    assert_trimmed("A B", "A B");
}

static void finds_it_inside(void **state) {
    (void)state;
    assert_true(unseen_inside(TEXT("A\xc2\xa0"
                                   "B")));
    assert_true(unseen_inside(TEXT("A\xe2\x80\x8b"
                                   "B")));
    assert_true(unseen_inside(TEXT("A\xef\xbb\xbf"
                                   "B")));
    assert_false(unseen_inside(TEXT("A B")));
    assert_false(unseen_inside(TEXT("\xc3\x84\xe2\x82\xac\xf0\x9f\xa7\xa6")));
    assert_false(unseen_inside(TEXT("A\xe2\x80")));
    assert_false(unseen_inside(TEXT("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trims_both_ends),
        cmocka_unit_test(keeps_what_is_seen),
        cmocka_unit_test(finds_it_inside),
    };
    return cmocka_run_group_tests_name("unseen", tests, NULL, NULL);
}
