/* Manifests: what they may say, and that a mistake is found and pointed at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feed/manifest.h"

static void test_everything(void **state) {
    (void)state;
    struct arena arena = {0};
    struct reset_manifest m;
    struct error error;
    struct text json = TEXT(
        "{\"rows\":12,\"sha256\":"
        "\"ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789\","
        "\"as_of\":\"2026-03-02T02:00:00-05:00\",\"source\":\"prism\",\"locations\":{"
        "\"NY01\":{\"as_of\":\"2026-03-02T07:01:00Z\",\"rows\":5,\"through\":{\"NY01-R1\":10045,"
        "\"NY01-R2\":7,\"NY01-R3\":0}},\"BOS\":{},\"LA\":{\"rows\":7}}}");
    assert_int_equal(manifest_parse(json, &arena, &m, &error), STATUS_OK);
    assert_int_equal(m.rows, 12);
    assert_int_equal(m.sha256.length, 64);
    assert_true(m.as_of_us == INT64_C(1772434800000000));
    assert_true(text_equal(m.source, TEXT("prism")));
    assert_int_equal(m.location_count, 3);
    assert_true(text_equal(m.locations[0].code, TEXT("NY01")));
    assert_true(m.locations[0].as_of_us == INT64_C(1772434860000000));
    assert_int_equal(m.locations[0].through_count, 3);
    assert_true(text_equal(m.locations[0].through[1].register_name, TEXT("NY01-R2")));
    assert_int_equal(m.locations[0].through[0].through, 10045);
    assert_int_equal(m.locations[1].rows, -1);
    assert_true(m.locations[1].as_of_us == NEVER_US);
    assert_int_equal(m.locations[2].rows, 7);
    arena_deinit(&arena);
}

static void test_nothing_said(void **state) {
    (void)state;
    struct arena arena = {0};
    struct reset_manifest m;
    assert_int_equal(manifest_parse(TEXT(" {} "), &arena, &m, NULL), STATUS_OK);
    assert_int_equal(m.rows, -1);
    assert_true(m.as_of_us == NEVER_US && m.sha256.length == 0 && m.location_count == 0);
    arena_deinit(&arena);
}

static const struct {
    const char *json;
    enum status status;
    const char *pointer;
} mistakes[] = {
    {"", STATUS_BAD_JSON, ""},
    {"[]", STATUS_BAD_JSON, "/"},
    {"{\"rows\":1", STATUS_BAD_JSON, NULL},
    {"{} {}", STATUS_BAD_JSON, NULL},
    {"{\"row\":1}", STATUS_UNKNOWN_FIELD, "/row"},
    {"{\"rows\":1,\"rows\":1}", STATUS_BAD_JSON, "/rows"},
    {"{\"rows\":-1}", STATUS_BAD_VALUE, "/rows"},
    {"{\"rows\":1.5}", STATUS_BAD_VALUE, "/rows"},
    {"{\"rows\":\"1\"}", STATUS_BAD_VALUE, "/rows"},
    {"{\"rows\":99999999999999999999}", STATUS_BAD_VALUE, "/rows"},
    {"{\"sha256\":\"abc\"}", STATUS_BAD_VALUE, "/sha256"},
    {"{\"as_of\":\"2026-03-02T02:00:00\"}", STATUS_BAD_TIME, "/as_of"},
    {"{\"as_of\":5}", STATUS_BAD_JSON, "/as_of"},
    {"{\"locations\":[]}", STATUS_BAD_JSON, "/locations"},
    {"{\"locations\":{\"A\":{},\"A\":{}}}", STATUS_BAD_JSON, "/locations/A"},
    {"{\"locations\":{\"A\":{\"row\":1}}}", STATUS_UNKNOWN_FIELD, "/locations/A/row"},
    {"{\"locations\":{\"A\":{\"rows\":1,\"rows\":2}}}", STATUS_BAD_JSON, "/locations/A/rows"},
    {"{\"locations\":{\"A\":{\"through\":{\"R\":1,\"R\":2}}}}", STATUS_BAD_JSON,
     "/locations/A/through/R"},
    {"{\"locations\":{\"A\":{\"through\":{\"R\":\"x\"}}}}", STATUS_BAD_VALUE,
     "/locations/A/through/R"},
    {"{\"locations\":{\"A\":{\"as_of\":\"now\"}}}", STATUS_BAD_TIME, "/locations/A/as_of"},
};

static void test_mistakes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct arena arena = {0};
        struct reset_manifest m;
        struct error error = {STATUS_OK, 0, "", ""};
        enum status status = manifest_parse(text_from(mistakes[i].json), &arena, &m, &error);
        if (status != mistakes[i].status) {
            fail_msg("%s: %s", mistakes[i].json, status_code(status));
        }
        if (mistakes[i].pointer != NULL) {
            assert_string_equal(error.pointer, mistakes[i].pointer);
        }
        arena_deinit(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_nothing_said),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests_name("feed/manifest", tests, NULL, NULL);
}
