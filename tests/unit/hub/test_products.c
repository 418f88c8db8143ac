/* Products described to the hub: identifiers added, conflicts refused, attributes kept, and files
 * that are applied to what is published. */
#include "support.h"

#include "hub/products.h"

static void put(struct world *w, struct product_change *changes, size_t count) {
    ok(w, hub_put_products(w->hub, changes, count, &w->arena, &w->error));
}

static struct product_change one(struct world *w, const char *type, const char *value) {
    struct identifier *identifier = arena_alloc(&w->arena, sizeof *identifier);
    *identifier = (struct identifier){text_from(type), text_from(value)};
    return (struct product_change){.identifiers = identifier, .identifier_count = 1};
}

static struct product_change two(struct world *w, const char *sku, const char *upc) {
    struct identifier *both = arena_alloc(&w->arena, 2 * sizeof *both);
    both[0] = (struct identifier){TEXT("sku"), text_from(sku)};
    both[1] = (struct identifier){TEXT("gtin"), text_from(upc)};
    return (struct product_change){.identifiers = both, .identifier_count = 2};
}

static void test_identifiers_are_added(void **state) {
    struct world *w = *state;
    struct product_change changes[] = {one(w, "sku", "A"), two(w, "A", "012345678905"),
                                       two(w, "A", "12345678905"), one(w, "ean", "0012345678905"),
                                       one(w, "upc", "1.23E+11")};
    put(w, changes, 5);
    assert_int_equal(changes[0].outcome, DESCRIBED_CREATED);
    assert_int_equal(changes[1].outcome, DESCRIBED_UPDATED);
    assert_int_equal(changes[2].outcome, DESCRIBED_UNCHANGED);
    assert_int_equal(changes[3].outcome, DESCRIBED_UNCHANGED);
    assert_int_equal(changes[4].outcome, DESCRIBED_REJECTED);
    assert_int_equal(changes[4].problem, STATUS_BAD_VALUE);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(changes[i].product, changes[0].product);
    world_restart(w);
    struct catalog *catalog = hub_catalog(w->hub);
    assert_int_equal(catalog_find_product(catalog, TEXT("upca"), TEXT("12345678905")),
                     changes[0].product);
    assert_int_equal(catalog_product_count(catalog), 1);
}

static void test_two_products_stay_two(void **state) {
    struct world *w = *state;
    struct product_change changes[] = {two(w, "A", "012345678905"),
                                       two(w, "B", "4006381333931"),
                                       two(w, "A", "4006381333931"),
                                       {.identifier_count = 0},
                                       {.problem = STATUS_BAD_JSON, .detail = TEXT("what?")}};
    put(w, changes, 5);
    assert_int_equal(changes[1].outcome, DESCRIBED_CREATED);
    assert_int_equal(changes[2].problem, STATUS_CONFLICT);
    assert_non_null(strstr(changes[2].detail.data, "'A'"));
    assert_non_null(strstr(changes[2].detail.data, "'B'"));
    assert_int_equal(changes[3].problem, STATUS_MISSING);
    assert_int_equal(changes[4].problem, STATUS_BAD_JSON);
    assert_int_equal(catalog_product_count(hub_catalog(w->hub)), 2);
}

static void test_attributes_are_kept(void **state) {
    struct world *w = *state;
    struct product_change changes[] = {one(w, "sku", "A"), one(w, "sku", "B"), one(w, "sku", "A")};
    changes[0].attributes = (struct attribute_change){
        .name_given = true, .name = TEXT("Shirt"), .published_given = true, .published = false};
    changes[2].attributes = (struct attribute_change){.active_given = true, .active = false};
    put(w, changes, 3);
    assert_int_equal(changes[2].outcome, DESCRIBED_UPDATED);
    world_restart(w);
    struct attributes a = catalog_product_attributes(hub_catalog(w->hub), changes[0].product);
    assert_true(text_equal_string(a.name, "Shirt"));
    assert_true(a.unpublished && a.inactive);
    struct attributes b = catalog_product_attributes(hub_catalog(w->hub), changes[1].product);
    assert_false(b.unpublished || b.inactive);
}

/* Nothing of a transaction that could not be kept is in the catalog, and the hub goes on. */
static void test_a_full_disk(void **state) {
    struct world *w = *state;
    struct product_change changes[] = {one(w, "sku", "A")};
    disk_full_after(w, 0);
    enum status status = hub_put_products(w->hub, changes, 1, &w->arena, &w->error);
    assert_int_equal(status, STATUS_NO_SPACE);
    assert_int_equal(catalog_product_count(hub_catalog(w->hub)), 0);
    disk_full_after(w, -1);
    put(w, changes, 1);
    assert_int_equal(changes[0].outcome, DESCRIBED_CREATED);
}

static void test_only_what_is_published(void **state) {
    struct world *w = *state;
    struct product_change changes[] = {one(w, "sku", "A"), two(w, "B", "012345678905"),
                                       one(w, "sku", "C")};
    changes[0].attributes = (struct attribute_change){.published_given = true, .published = false};
    put(w, changes, 3);
    struct stated_row rows[] = {row_of("NY01", "A", 1), row_of("NY01", "B", 2),
                                row_of("NY01", "C", 3), row_of("NY01", "D", 4)};
    rows[1].id_type = TEXT("ean");
    rows[1].identifier = TEXT("12345678905");
    rows[2].problem = STATUS_BAD_QUANTITY; /* of a product that counts */
    rows[3].problem = STATUS_BAD_QUANTITY; /* of one that does not */
    struct reset_params params = full_at(BASE_US - US_PER_DAY);
    params.publish_only = params.guard_off = true;
    send(w, params, rows, 4);
    assert_rows_add_up(w);
    assert_int_equal(number_in(w, "changed"), 1);
    assert_int_equal(number_in(w, "rejected_rows"), 1);
    assert_int_equal(number_in(w, "unknown_products"), 2);
    assert_int_equal(number_in(w, "unpublished_rows"), 2);
    assert_int_equal(on_hand(w, "NY01", "B"), 2 * UNITS);
    assert_int_equal(catalog_product_count(hub_catalog(w->hub)), 3);
}

/* What is there of an unpublished product is in the file, so it is not absent. */
static void test_unpublished_is_not_absent(void **state) {
    struct world *w = *state;
    struct stated_row rows[] = {row_of("NY01", "A", 5), row_of("NY01", "B", 6)};
    struct reset_params params = full_at(BASE_US - 2 * US_PER_DAY);
    params.guard_off = true;
    send(w, params, rows, 2);
    struct product_change changes[] = {one(w, "sku", "A")};
    changes[0].attributes = (struct attribute_change){.published_given = true, .published = false};
    put(w, changes, 1);
    params.as_of_us = BASE_US - US_PER_DAY;
    params.publish_only = params.absent_zero = true;
    rows[0].quantity_milli = 9 * UNITS;
    send(w, params, rows, 1);
    assert_int_equal(on_hand(w, "NY01", "A"), 5 * UNITS);
    assert_int_equal(on_hand(w, "NY01", "B"), 0);
}

static const char subsidiaries[] = "namespaces: {one: SBS1, two: SBS2}\n";

static int set_up_subsidiaries(void **state) {
    *state = world_with(subsidiaries);
    return 0;
}

/* Files and movements of a source meet in its namespace, and nowhere else. */
static void test_namespaces(void **state) {
    struct world *w = *state;
    struct stated_row row = row_of("NY01", "012345678905", 5);
    row.id_type = TEXT("upc");
    struct reset_params params = full_at(BASE_US - US_PER_DAY);
    params.guard_off = true;
    params.source = TEXT("one");
    send(w, params, &row, 1);
    struct adjustment line = line_of("1", "NY01", "12345678905", 1);
    line.identifiers[0].type = TEXT("ean");
    line.source = TEXT("one");
    assert_int_equal(post(w, line).on_hand_milli, 6 * UNITS);
    line.source = TEXT("two");
    assert_int_equal(post(w, line).on_hand_milli, UNITS);
    line.source = TEXT("elsewhere");
    assert_int_equal(post(w, line).on_hand_milli, UNITS);
    assert_int_equal(catalog_product_count(hub_catalog(w->hub)), 3);
    world_restart(w);
    assert_int_equal(
        catalog_find_product(hub_catalog(w->hub), TEXT("gtin@SBS1"), TEXT("00012345678905")), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_identifiers_are_added, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_products_stay_two, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_attributes_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_what_is_published, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unpublished_is_not_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_namespaces, set_up_subsidiaries, tear_down),
    };
    return cmocka_run_group_tests_name("hub/products", tests, NULL, NULL);
}
