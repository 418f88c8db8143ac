/* What is a claim and what only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feed/feed_claim.h"

#define TAG "0123456789abcdef"

static void assert_split(const char *path, const char *name, const char *tag) {
    struct text name_found, tag_found;
    bool found = claim_split(text_from(path), &name_found, &tag_found);
    assert_int_equal(found, tag != NULL);
    assert_true(text_equal_string(name_found, name));
    assert_true(text_equal(tag_found, text_from(tag)));
}

static void cuts_a_claim(void **state) {
    (void)state;
    assert_split("a.csv.onhand-claim-" TAG, "a.csv", TAG);
    assert_split("a.onhand-claim-" TAG ".onhand-claim-" TAG, "a.onhand-claim-" TAG, TAG);
}

static void leaves_other_names_alone(void **state) {
    (void)state;
    static const char *const names[] = {
        "a.csv",
        "",
        ".onhand-claim-" TAG,
        "a.csv.onhand-claim-",
        "a.csv.onhand-claim-0123456789abcde",
        "a.csv.onhand-claim-0123456789abcdeg",
        "a.csv.onhand-claim-0123456789ABCDEF",
        "a.csv.onhand_claim-" TAG,
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_split(names[i], names[i], NULL);
    }
}

static void knows_whose_it_is(void **state) {
    (void)state;
    struct config_feed config = {.claim = CONFIG_CLAIM_NONE};
    struct feed feed = {.config = &config, .claim_tag = TAG};
    struct text ours = TEXT("a.csv.onhand-claim-" TAG);
    struct text theirs = TEXT("a.csv.onhand-claim-fedcba9876543210");
    struct text name;
    assert_int_equal(claim_of(&feed, ours), CLAIM_OURS);
    assert_int_equal(claim_of(&feed, theirs), CLAIM_THEIRS);
    assert_int_equal(claim_of(&feed, TEXT("a.csv")), CLAIM_FREE);
    assert_true(claim_is_looked_at(&feed, ours, &name));
    assert_true(text_equal_string(name, "a.csv"));
    assert_false(claim_is_looked_at(&feed, theirs, &name));
    config.claim = CONFIG_CLAIM_RENAME;
    assert_true(claim_is_looked_at(&feed, theirs, &name));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_a_claim),
        cmocka_unit_test(leaves_other_names_alone),
        cmocka_unit_test(knows_whose_it_is),
    };
    return cmocka_run_group_tests_name("feed_claim", tests, NULL, NULL);
}
