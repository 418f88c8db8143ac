/* The catalog: thousands of identifiers, in any case of their type, while others read. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

#define PRODUCTS 5000u

static struct text number_text(char *into, const char *prefix, unsigned number) {
    int length = snprintf(into, 32, "%s%u", prefix, number);
    return (struct text){into, (size_t)length};
}

static void fill(struct catalog *c, unsigned from, unsigned to) {
    char sku[32], upc[32];
    for (unsigned i = from; i <= to; i++) {
        struct identifier ids[2] = {{TEXT("upc"), number_text(upc, "0", i)},
                                    {TEXT("SKU"), number_text(sku, "WH", i)}};
        catalog_put_product(c, i);
        assert_true(catalog_put_identifier(c, i, &ids[0]));
        assert_true(catalog_put_identifier(c, i, &ids[1]));
    }
}

static void test_thousands_of_identifiers(void **state) {
    (void)state;
    struct catalog *c = catalog_new();
    char text[32];
    size_t empty = catalog_memory(c);
    fill(c, 1, PRODUCTS);
    for (unsigned i = 1; i <= PRODUCTS; i++) {
        assert_int_equal(catalog_find_product(c, TEXT("sku"), number_text(text, "WH", i)), i);
        assert_int_equal(catalog_find_product(c, TEXT("UpC"), number_text(text, "0", i)), i);
        assert_true(text_equal(catalog_product_sku(c, i), number_text(text, "WH", i)));
    }
    assert_int_equal(catalog_product_count(c), PRODUCTS);
    assert_int_equal(catalog_find_product(c, TEXT("sku"), TEXT("WH0")), 0);
    assert_int_equal(catalog_find_product(c, TEXT("sku"), TEXT("01")), 0);
    assert_int_equal(catalog_find_product(c, TEXT("ean"), TEXT("01")), 1); /* upc by another name */
    assert_int_equal(catalog_find_type(c, TEXT("SKU")), 1);
    assert_int_equal(catalog_find_type(c, TEXT("ean")), catalog_find_type(c, TEXT("upc")));
    assert_int_equal(catalog_find_type(c, TEXT("colour")), 0);
    assert_in_range(catalog_memory(c) - empty, PRODUCTS * 8, PRODUCTS * 400);
    catalog_free(c);
    catalog_free(NULL);
}

static void test_guesses(void **state) {
    (void)state;
    struct catalog *c = catalog_new();
    fill(c, 1, 3);
    catalog_put_product(c, 4); /* without a word */
    catalog_lock(c);
    assert_true(catalog_product_is_locked(c, 2, 1, TEXT("WH2")));
    assert_false(catalog_product_is_locked(c, 2, 1, TEXT("WH3")));
    assert_false(catalog_product_is_locked(c, 2, 2, TEXT("WH2")));
    assert_false(catalog_product_is_locked(c, 0, 1, TEXT("WH2")));
    assert_false(catalog_product_is_locked(c, 5, 1, TEXT("WH2")));
    assert_false(catalog_product_is_locked(c, 4, 0, (struct text){0}));
    catalog_unlock(c);
    assert_int_equal(catalog_product_sku(c, 4).length, 0);
    assert_int_equal(catalog_product_sku(c, 0).length, 0);
    assert_int_equal(catalog_product_sku(c, 9).length, 0);
    catalog_free(c);
}

static void test_identifiers_of_a_product(void **state) {
    (void)state;
    struct catalog *c = catalog_new();
    struct identifier ids[3], other = {TEXT("sku"), TEXT("WH1")};
    fill(c, 1, 2);
    assert_int_equal(catalog_identifiers(c, 1, ids, 3), 2);
    assert_true(text_equal_string(ids[0].type, "upc"));
    assert_true(text_equal_string(ids[1].type, "sku"));
    assert_true(text_equal_string(ids[1].value, "WH1"));
    assert_int_equal(catalog_identifiers(c, 1, ids, 1), 2); /* one fits, two there are */
    assert_int_equal(catalog_identifiers(c, 3, ids, 3), 0);
    assert_false(catalog_put_identifier(c, 2, &other)); /* is product 1's */
    assert_true(catalog_put_identifier(c, 1, &other));  /* which has it already */
    assert_int_equal(catalog_identifiers(c, 1, ids, 3), 2);
    assert_int_equal(catalog_find_product(c, TEXT("sku"), TEXT("WH1")), 1);
    catalog_free(c);
}

static void test_one_gtin_in_all_its_forms(void **state) {
    static const char *const forms[][2] = {
        {"upc", "012345678905"},    {"UPCA", "12345678905"},      {"ean", "0012345678905"},
        {"EAN-13", "'12345678905"}, {"gtin", "00012345678905"},   {"Gtin_14", "12345678905.0"},
        {"barcode", "12345678905"}, {"Shop Code", "012345678905"}};
    struct config_pair pairs[] = {{TEXT("Barcode"), TEXT("upc")}, {TEXT("shop code"), TEXT("EAN")}};
    struct config_pairs id_types = {pairs, 2};
    struct catalog *c = catalog_new();
    struct identifier id = {TEXT("ean"), TEXT("0012345678905")}, ids[2];
    struct identifier wrong = {TEXT("upc"), TEXT("012345678906")};
    (void)state;
    catalog_configure(c, &id_types);
    catalog_put_product(c, 1);
    catalog_put_product(c, 2);
    assert_true(catalog_put_identifier(c, 1, &id));
    assert_true(catalog_put_identifier(c, 2, &wrong)); /* kept as it is */
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct identifier form = {text_from(forms[i][0]), text_from(forms[i][1])};
        assert_int_equal(catalog_find_product(c, form.type, form.value), 1);
        assert_true(catalog_put_identifier(c, 1, &form));
        assert_false(catalog_put_identifier(c, 2, &form));
    }
    assert_int_equal(catalog_identifiers(c, 1, ids, 2), 1);
    assert_true(text_equal_string(ids[0].type, "upc"));
    assert_true(text_equal_string(ids[0].value, "012345678905"));
    assert_int_equal(catalog_find_product(c, TEXT("gtin"), TEXT("012345678906")), 2);
    assert_int_equal(catalog_find_product(c, TEXT("gtin"), TEXT("12345678906")), 0);
    assert_int_equal(catalog_find_product(c, TEXT("sku"), TEXT("012345678905")), 0);
    catalog_free(c);
}

static void test_refused_identifiers(void **state) {
    struct catalog *c = catalog_new();
    struct identifier_room room;
    struct identifier id = {TEXT("EAN"), TEXT("1.23E+11")}, own;
    const char *why = NULL;
    (void)state;
    assert_int_equal(catalog_canonical(c, &id, &room, &own, &why), STATUS_BAD_VALUE);
    assert_non_null(strstr(why, "scientific"));
    id.type = TEXT("Shopify_Prod_ID");
    assert_int_equal(catalog_canonical(c, &id, &room, &own, &why), STATUS_OK);
    assert_true(text_equal_string(own.type, "shopify_product"));
    assert_true(text_equal_string(own.value, "1.23E+11"));
    catalog_free(c);
}

static void test_namespaces_are_apart(void **state) {
    struct catalog *c = catalog_new();
    struct identifier ids[] = {{TEXT("upc@SBS1"), TEXT("012345678905")},
                               {TEXT("sku@SBS1"), TEXT("WH09")},
                               {TEXT("EAN@SBS2"), TEXT("12345678905")},
                               {TEXT("SKU@SBS2"), TEXT("WH09")}};
    (void)state;
    catalog_put_product(c, 1);
    catalog_put_product(c, 2);
    for (size_t i = 0; i < 4; i++)
        assert_true(catalog_put_identifier(c, 1 + (uint32_t)i / 2, &ids[i]));
    assert_int_equal(catalog_find_product(c, TEXT("gtin@SBS1"), TEXT("12345678905")), 1);
    assert_int_equal(catalog_find_product(c, TEXT("gtin@SBS2"), TEXT("12345678905")), 2);
    assert_int_equal(catalog_find_product(c, TEXT("gtin"), TEXT("12345678905")), 0);
    assert_int_equal(catalog_find_product(c, TEXT("upc@SBS3"), TEXT("12345678905")), 0);
    assert_int_equal(catalog_find_product(c, TEXT("sku@SBS2"), TEXT("WH09")), 2);
    assert_true(text_equal_string(catalog_product_sku(c, 1), "WH09@SBS1"));
    assert_true(text_equal_string(catalog_product_sku(c, 2), "WH09@SBS2"));
    catalog_free(c);
}

static void test_published_products(void **state) {
    struct catalog *c = catalog_new();
    char text[32];
    unsigned found = 0, maybe = 0;
    (void)state;
    fill(c, 1, PRODUCTS);
    for (unsigned i = 1; i <= PRODUCTS; i++) {
        struct attributes a = {.name = TEXT("A name"), .unpublished = i % 50 != 0};
        catalog_put_product_attributes(c, i, &a);
    }
    struct published *published = catalog_published_new(c);
    catalog_lock(c);
    for (unsigned i = 1; i <= 2 * PRODUCTS; i++) {
        uint32_t product =
            catalog_find_published_locked(c, published, ID_TYPE_SKU, number_text(text, "WH", i));
        assert_int_equal(product, i % 50 == 0 && i <= PRODUCTS ? i : 0);
        found += product != 0;
        bool may_be = catalog_may_be_published(
            published, catalog_ask_published(published, ID_TYPE_SKU, number_text(text, "WH", i)));
        assert_true(may_be || product == 0);
        maybe += may_be;
    }
    catalog_unlock(c);
    assert_int_equal(found, PRODUCTS / 50);
    assert_true(maybe - found < 2 * PRODUCTS / 50); /* one in a hundred is usual */
    catalog_published_free(published);
    catalog_published_free(NULL);
    catalog_free(c);
}

static void test_attributes(void **state) {
    struct catalog *c = catalog_new();
    struct arena arena = {0};
    struct buffer json = {0};
    struct attributes a = {.name = TEXT("Sky \"blue\""), .unpublished = true}, read;
    (void)state;
    attributes_write(&a, &json);
    assert_true(attributes_read(buffer_text(&json), &arena, &read));
    assert_true(text_equal(read.name, a.name));
    assert_true(read.unpublished);
    assert_false(read.inactive);
    assert_false(attributes_read(TEXT("{\"name\":"), &arena, &read));
    assert_false(attributes_read(TEXT("7"), &arena, &read));
    fill(c, 1, 2);
    catalog_put_location(c, 1, TEXT("NY01"));
    catalog_put_product_attributes(c, 2, &a);
    catalog_put_location_attributes(c, 1, &a);
    assert_true(catalog_product_attributes(c, 2).unpublished);
    assert_true(text_equal(catalog_location_attributes(c, 1).name, a.name));
    assert_false(catalog_product_attributes(c, 1).unpublished); /* nothing is known: published */
    assert_int_equal(catalog_product_attributes(c, 9).name.length, 0);
    assert_int_equal(catalog_location_attributes(c, 500).name.length, 0);
    buffer_deinit(&json);
    arena_deinit(&arena);
    catalog_free(c);
}

static void test_locations_and_aliases(void **state) {
    (void)state;
    struct catalog *c = catalog_new();
    char alias[32];
    catalog_put_location(c, 1, TEXT("NY01"));
    catalog_put_location(c, 2, TEXT("BOS02"));
    for (unsigned i = 0; i < 300; i++)
        catalog_put_alias(c, 1 + i % 2, number_text(alias, "Store_", i));
    catalog_put_alias(c, 1, TEXT("BOS02")); /* the code wins */
    assert_int_equal(catalog_find_location(c, TEXT("BOS02")), 2);
    assert_int_equal(catalog_find_location(c, TEXT("Store_299")), 2);
    assert_int_equal(catalog_find_location(c, TEXT("Store_298")), 1);
    assert_int_equal(catalog_find_location(c, TEXT("store_298")), 0); /* exact */
    assert_int_equal(catalog_location_count(c), 2);
    assert_true(text_equal_string(catalog_location_code(c, 2), "BOS02"));
    assert_int_equal(catalog_location_code(c, 0).length, 0);
    assert_int_equal(catalog_location_code(c, 3).length, 0);
    catalog_free(c);
}

static void test_names(void **state) {
    (void)state;
    struct catalog *c = catalog_new();
    catalog_put_name(c, NAME_SOURCE, 1, TEXT("prism"));
    catalog_put_name(c, NAME_REGISTER, 1, TEXT("R1"));
    assert_int_equal(catalog_find_name(c, NAME_SOURCE, TEXT("prism")), 1);
    assert_int_equal(catalog_find_name(c, NAME_SOURCE, TEXT("R1")), 0);
    assert_true(text_equal_string(catalog_name(c, NAME_REGISTER, 1), "R1"));
    assert_int_equal(catalog_name(c, NAME_REGISTER, 0).length, 0);
    assert_int_equal(catalog_name(c, NAME_REGISTER, 2).length, 0);
    catalog_free(c);
}

static void test_survives_a_restart(void **state) {
    struct world *w = *state;
    (void)post(w, line_of("1", "NY01", "A", 1));
    uint32_t product = catalog_find_product(hub_catalog(w->hub), TEXT("sku"), TEXT("A"));
    (void)post(w, line_of("2", "BOS02", "B", 1));
    world_restart(w);
    struct catalog *c = hub_catalog(w->hub);
    assert_int_equal(catalog_find_product(c, TEXT("sku"), TEXT("A")), product);
    assert_int_equal(catalog_find_location(c, TEXT("BOS02")), 2);
    assert_int_equal(catalog_find_name(c, NAME_SOURCE, TEXT("shop")), 1);
}

struct reading {
    struct catalog *catalog;
    _Atomic bool stop;
    _Atomic unsigned wrong;
};

static void *read_on(void *context) {
    struct reading *r = context;
    char text[32];
    while (!atomic_load(&r->stop)) {
        uint32_t count = catalog_product_count(r->catalog);
        for (uint32_t i = count > 50 ? count - 50 : 1; i + 1 < count; i++)
            if (catalog_find_product(r->catalog, TEXT("sku"), number_text(text, "WH", i)) != i ||
                !text_equal(catalog_product_sku(r->catalog, i), (struct text){text, strlen(text)}))
                atomic_fetch_add(&r->wrong, 1);
    }
    return NULL;
}

static void test_readers_while_the_writer_adds(void **state) {
    (void)state;
    struct reading r = {.catalog = catalog_new()};
    pthread_t readers[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &r), 0);
    fill(r.catalog, 1, PRODUCTS);
    atomic_store(&r.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&r.wrong), 0);
    catalog_free(r.catalog);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thousands_of_identifiers),
        cmocka_unit_test(test_guesses),
        cmocka_unit_test(test_identifiers_of_a_product),
        cmocka_unit_test(test_one_gtin_in_all_its_forms),
        cmocka_unit_test(test_refused_identifiers),
        cmocka_unit_test(test_namespaces_are_apart),
        cmocka_unit_test(test_published_products),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_locations_and_aliases),
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_survives_a_restart, set_up, tear_down),
        cmocka_unit_test(test_readers_while_the_writer_adds),
    };
    return cmocka_run_group_tests_name("hub/catalog", tests, NULL, NULL);
}
