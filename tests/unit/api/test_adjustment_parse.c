/* Adjustments from JSON: every field, every mistake, and that the rest of a line is read after one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/adjustment_parse.h"

static struct arena arena;

static int empty_arena(void **state) {
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static struct adjustment read_line(const char *line) {
    struct adjustment out;
    adjustment_read_line(text_from(line), &arena, NULL, &out);
    return out;
}

static void assert_text(struct text text, const char *expected) {
    assert_true(text_equal_string(text, expected));
}

static void reads_every_field(void **state) {
    (void)state;
    struct adjustment a = read_line(
        "{\"id\":\"10045-1\",\"source\":\"prism\",\"type\":\"sale\",\"location\":\"NY01\","
        "\"sku\":\"WH09-XL\",\"upc\":\"012345678905\",\"delta\":-1.5,"
        "\"occurred_at\":\"2026-11-23T02:05:00-05:00\",\"document\":\"10045\","
        "\"register\":\"NY01-R1\",\"sequence\":10045,\"order\":\"SO-1\",\"reason\":\"why\","
        "\"until\":\"acknowledged\",\"acknowledges\":\"SO-2\"}");
    assert_int_equal(a.problem, STATUS_OK);
    assert_text(a.id, "10045-1");
    assert_text(a.source, "prism");
    assert_int_equal(a.type, EVENT_SALE);
    assert_text(a.location, "NY01");
    assert_int_equal(a.identifier_count, 2);
    assert_text(a.identifiers[0].type, "sku");
    assert_text(a.identifiers[0].value, "WH09-XL");
    assert_text(a.identifiers[1].type, "upc");
    assert_int_equal(a.delta_milli, -1500);
    assert_true(a.occurred_at_given);
    assert_int_equal(a.occurred_at_us, INT64_C(1795417500) * US_PER_SECOND);
    assert_text(a.document, "10045");
    assert_text(a.register_name, "NY01-R1");
    assert_int_equal(a.sequence, 10045);
    assert_text(a.order, "SO-1");
    assert_text(a.reason, "why");
    assert_int_equal(a.until, UNTIL_ACKNOWLEDGED);
    assert_text(a.acknowledges, "SO-2");
}

static void null_is_as_if_absent(void **state) {
    (void)state;
    struct adjustment a = read_line("{\"location\":\"L\",\"sku\":\"S\",\"upc\":null,\"delta\":1,"
                                    "\"id\":null,\"order\":null,\"until\":null,"
                                    "\"occurred_at\":null,\"type\":null,\"sequence\":null}");
    assert_int_equal(a.problem, STATUS_OK);
    assert_int_equal(a.id.length, 0);
    assert_int_equal(a.identifier_count, 1);
    assert_int_equal(a.type, EVENT_ADJUSTMENT);
    assert_int_equal(a.until, UNTIL_DEFAULT);
    assert_false(a.occurred_at_given);
    assert_int_equal(a.sequence, 0);
}

static void fields_come_in_any_order(void **state) {
    (void)state;
    struct adjustment a =
        read_line(" { \"delta\" : 1e3 , \"sku\":\"\\u0053\\u002f\" , \"location\":\"L\" } ");
    assert_int_equal(a.problem, STATUS_OK);
    assert_int_equal(a.delta_milli, 1000000);
    assert_text(a.identifiers[0].value, "S/");
}

static void a_register_without_a_number_counts_for_nothing(void **state) {
    (void)state;
    struct adjustment a =
        read_line("{\"location\":\"L\",\"sku\":\"S\",\"delta\":1,\"register\":\"R1\"}");
    assert_int_equal(a.problem, STATUS_OK);
    assert_int_equal(a.register_name.length, 0);
}

struct mistake {
    const char *members; /* besides what is needed */
    enum status problem;
    const char *detail; /* how it begins */
};

static void mistakes_are_named(void **state) {
    (void)state;
    static const struct mistake mistakes[] = {
        {"\"location\":\"L\",\"sku\":\"S\"", STATUS_MISSING, "delta"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":null", STATUS_MISSING, "delta"},
        {"\"sku\":\"S\",\"delta\":1", STATUS_MISSING, "location"},
        {"\"location\":\"L\",\"delta\":1", STATUS_MISSING, "sku"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":\"1\"", STATUS_BAD_QUANTITY, "delta"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":1.0001", STATUS_BAD_QUANTITY, "delta"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":1e400", STATUS_OUT_OF_RANGE, "delta"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":[1,{\"a\":[2]}]", STATUS_BAD_QUANTITY,
         "delta"},
        {"\"location\":7,\"sku\":\"S\",\"delta\":1", STATUS_BAD_VALUE, "location"},
        {"\"location\":\"L\",\"sku\":\"\",\"delta\":1", STATUS_BAD_VALUE, "sku"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":1,\"id\":\"\"", STATUS_BAD_VALUE, "id"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":1,\"id\":\"a\\u0001\"", STATUS_BAD_VALUE,
         "id"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":1,\"foo\":{\"a\":1}", STATUS_UNKNOWN_FIELD,
         "foo"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":1,\"delta\":1", STATUS_BAD_JSON, "delta"},
        {"\"location\":\"L\",\"sku\":\"S\",\"sku\":\"S\",\"delta\":1", STATUS_BAD_JSON, "sku"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":1,\"type\":\"Sale\"", STATUS_BAD_TYPE, "type"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":1,\"until\":\"noon\"", STATUS_BAD_VALUE,
         "until"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":1,\"sequence\":-1", STATUS_BAD_VALUE,
         "sequence"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":1,\"sequence\":1.5", STATUS_BAD_VALUE,
         "sequence"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":1,\"occurred_at\":\"2026-11-23T02:05:00\"",
         STATUS_BAD_TIME, "occurred_at"},
        {"\"location\":\"L\",\"sku\":\"S\",\"delta\":1,\"occurred_at\":5", STATUS_BAD_TIME,
         "occurred_at"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        char line[512];
        (void)snprintf(line, sizeof line, "{%s,\"reason\":\"last\"}", mistakes[i].members);
        struct adjustment a = read_line(line);
        if (a.problem != mistakes[i].problem ||
            strncmp(a.problem_detail.data, mistakes[i].detail, strlen(mistakes[i].detail)) != 0) {
            print_error("%s: %s, %.*s\n", line, status_code(a.problem), TEXT_ARG(a.problem_detail));
            fail();
        }
        assert_text(a.reason, "last"); /* the rest was read all the same */
    }
}

static void broken_json_is_refused(void **state) {
    (void)state;
    static const char *const lines[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"location\":\"L\",\"sku\":\"S\",\"delta\":1}}",
        "{\"location\":\"L\",\"sku\":\"S\",\"delta\":1} x",
        "{\"location\":\"L\",\"sku\":\"S\",\"delta\":+1}",
        "{\"location\":\"L\",\"sku\":\"S\",\"delta\":NaN}",
        "{\"location\":\"L\",\"sku\":\"\xff\",\"delta\":1}",
        "{'location':'L'}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct adjustment a = read_line(lines[i]);
        assert_int_equal(a.problem, STATUS_BAD_JSON);
        assert_true(a.problem_detail.length > 0);
    }
}

static void depth_is_limited(void **state) {
    (void)state;
    static char deep[100001];
    memset(deep, '[', sizeof deep - 1);
    struct adjustment a = read_line(deep);
    assert_int_equal(a.problem, STATUS_TOO_DEEP);
}

static void texts_are_limited(void **state) {
    (void)state;
    char line[600], id[300];
    memset(id, 'a', sizeof id);
    for (size_t length = 200; length <= 201; length++) {
        (void)snprintf(line, sizeof line,
                       "{\"location\":\"L\",\"sku\":\"S\",\"delta\":1,\"id\":\"%.*s\"}",
                       (int)length, id);
        struct adjustment a = read_line(line);
        assert_int_equal(a.problem, length == 200 ? STATUS_OK : STATUS_BAD_VALUE);
        assert_int_equal(a.id.length, length == 200 ? 200 : 0);
    }
}

static void other_identifiers_are_the_catalogs(void **state) {
    (void)state;
    struct catalog *catalog = catalog_new();
    struct identifier identifier = {TEXT("shopify_id"), TEXT("42")};
    catalog_put_product(catalog, 1);
    assert_true(catalog_put_identifier(catalog, 1, &identifier));
    struct adjustment a;
    adjustment_read_line(TEXT("{\"location\":\"L\",\"shopify_id\":\"42\",\"delta\":1}"), &arena,
                         catalog, &a);
    assert_int_equal(a.problem, STATUS_OK);
    assert_text(a.identifiers[0].type, "shopify_id");
    adjustment_read_line(TEXT("{\"location\":\"L\",\"shopify_di\":\"42\",\"delta\":1}"), &arena,
                         catalog, &a);
    assert_int_equal(a.problem, STATUS_UNKNOWN_FIELD);
    catalog_free(catalog);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(reads_every_field, empty_arena),
        cmocka_unit_test_teardown(null_is_as_if_absent, empty_arena),
        cmocka_unit_test_teardown(fields_come_in_any_order, empty_arena),
        cmocka_unit_test_teardown(a_register_without_a_number_counts_for_nothing, empty_arena),
        cmocka_unit_test_teardown(mistakes_are_named, empty_arena),
        cmocka_unit_test_teardown(broken_json_is_refused, empty_arena),
        cmocka_unit_test_teardown(depth_is_limited, empty_arena),
        cmocka_unit_test_teardown(texts_are_limited, empty_arena),
        cmocka_unit_test_teardown(other_identifiers_are_the_catalogs, empty_arena),
    };
    return cmocka_run_group_tests_name("api/adjustment_parse", tests, NULL, NULL);
}
