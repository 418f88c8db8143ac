/* What a token may do. */
#include "support.h"

static void test_scopes(void **state) {
    (void)state;
    struct access reader = {.scopes = SCOPE_READ};
    assert_true(access_allows(&reader, SCOPE_READ));
    assert_false(access_allows(&reader, SCOPE_ADJUST));
    assert_false(access_allows(&reader, SCOPE_ADMIN));
    assert_false(access_allows(&(struct access){0}, SCOPE_READ));
    struct access two = {.scopes = SCOPE_ADJUST | SCOPE_RESET};
    assert_true(access_allows(&two, SCOPE_RESET));
    assert_false(access_allows(&two, SCOPE_READ));
}

static void test_admin_implies_all(void **state) {
    (void)state;
    for (unsigned scope = SCOPE_ADJUST; scope <= SCOPE_ADMIN; scope <<= 1)
        assert_true(access_allows(&access_internal, (enum scope)scope));
}

static void test_locations(void **state) {
    (void)state;
    const struct text codes[] = {{"NY01", 4}, {"BOS02", 5}};
    struct access limited = {.locations = codes, .location_count = 2};
    assert_true(access_allows_location(&limited, TEXT("BOS02")));
    assert_false(access_allows_location(&limited, TEXT("BOS0")));
    assert_false(access_allows_location(&limited, TEXT("ny01")));
    assert_false(access_allows_location(&limited, (struct text){0}));
    assert_true(access_allows_location(&access_internal, TEXT("anywhere")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_admin_implies_all),
        cmocka_unit_test(test_locations),
    };
    return cmocka_run_group_tests_name("hub/access", tests, NULL, NULL);
}
