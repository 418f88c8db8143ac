/* Naming: each new word gets one number, whoever says it how often, and numbers have no holes. */
#include "support.h"

static uint32_t product_of(struct world *w, const char *type, const char *value) {
    return catalog_find_product(hub_catalog(w->hub), text_from(type), text_from(value));
}

static void test_the_same_words_in_one_batch(void **state) {
    struct world *w = *state;
    struct adjustment lines[4];
    struct adjustment_result r[4];
    for (int i = 0; i < 4; i++)
        lines[i] = line_of("", i % 2 ? "NY01" : "BOS02", "A", 1);
    lines[3].identifiers[0].type = TEXT("SKU"); /* the same in any case */
    ok(w, submit(w, &access_internal, lines, 4, r));
    assert_int_equal(catalog_location_count(hub_catalog(w->hub)), 2);
    assert_int_equal(catalog_product_count(hub_catalog(w->hub)), 1);
    assert_int_equal(on_hand(w, "NY01", "A"), 2 * UNITS);
    world_restart(w);
    assert_int_equal(catalog_product_count(hub_catalog(w->hub)), 1);
}

/* The second line goes by the second identifier of the first. */
static void test_two_identifiers_of_one_product(void **state) {
    struct world *w = *state;
    struct adjustment lines[3] = {line_of("", "NY01", "A", 1), line_of("", "NY01", "", 1),
                                  line_of("", "NY01", "B", 1)};
    struct adjustment_result r[3];
    lines[0].identifiers[1] = (struct identifier){TEXT("upc"), TEXT("012")};
    lines[0].identifier_count = 2;
    lines[1].identifiers[0] = lines[0].identifiers[1];
    lines[2].identifiers[1] = lines[0].identifiers[1]; /* B has A's upc: to be refused */
    lines[2].identifier_count = 1;
    ok(w, submit(w, &access_internal, lines, 3, r));
    assert_int_equal(r[1].product, r[0].product);
    assert_int_equal(catalog_product_count(hub_catalog(w->hub)), 2);
    assert_int_equal(on_hand(w, "NY01", "A"), 2 * UNITS);
    lines[2].identifier_count = 2;
    ok(w, submit(w, &access_internal, lines, 3, r));
    assert_int_equal(r[2].status, OUTCOME_REJECTED);
    assert_int_equal(r[2].error, STATUS_UNKNOWN_PRODUCT);
    uint32_t before = product_of(w, "upc", "012");
    world_restart(w);
    assert_int_equal(product_of(w, "upc", "012"), before);
    assert_int_equal(product_of(w, "sku", "A"), before);
}

static void test_numbers_go_on_after_a_full_disk(void **state) {
    struct world *w = *state;
    struct adjustment_result result;
    (void)post(w, line_of("", "NY01", "A", 1));
    struct adjustment fresh = line_of("", "BOS02", "B", 1);
    disk_full_after(w, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(submit(w, &access_internal, &fresh, 1, &result), STATUS_NO_SPACE);
    disk_full_after(w, 1); /* enough for the names, not for the event */
    assert_int_equal(submit(w, &access_internal, &fresh, 1, &result), STATUS_NO_SPACE);
    assert_int_equal(product_of(w, "sku", "B"), 2);
    disk_full_after(w, -1);
    assert_int_equal(post(w, fresh).product, 2);
    assert_int_equal(post(w, line_of("", "LA03", "C", 1)).product, 3);
    assert_int_equal(catalog_find_location(hub_catalog(w->hub), TEXT("LA03")), 3);
    world_restart(w);
    assert_int_equal(product_of(w, "sku", "C"), 3);
    assert_int_equal(on_hand(w, "BOS02", "B"), UNITS);
}

static void test_many_at_once(void **state) {
    struct world *w = *state;
    enum { COUNT = 3000 };
    static struct adjustment lines[COUNT];
    static struct adjustment_result r[COUNT];
    static char skus[COUNT][16];
    for (int i = 0; i < COUNT; i++) {
        snprintf(skus[i], sizeof skus[i], "P%d", i / 2);
        lines[i] = line_of("", "NY01", skus[i], 1);
    }
    ok(w, submit(w, &access_internal, lines, COUNT, r));
    assert_int_equal(catalog_product_count(hub_catalog(w->hub)), COUNT / 2);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(r[i].product, i / 2 + 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_the_same_words_in_one_batch),
        T(test_two_identifiers_of_one_product),
        T(test_numbers_go_on_after_a_full_disk),
        T(test_many_at_once),
    };
    return cmocka_run_group_tests_name("hub/naming", tests, NULL, NULL);
}
