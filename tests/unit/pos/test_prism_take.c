/* Documents into the books: where, which product, once only, and what cannot be booked is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/prism_world.h"
#include "pos/sources_internal.h"

#define DOCUMENT(sid, number, store, more, items)                                                  \
    "{'sid':'" sid "','document_number':" number ",'status':4,'receipt_type':0,'workstation':1,"   \
    "'invoice_posted_date':'2026-07-25T14:00:00Z'," store more ",'items':[" items "]}"
#define NY01 "'store_uid':'71','store_number':1,'store_code':'NY01'"
#define BOS02 "'store_uid':'72','store_number':2,'store_code':'BOS02'"
#define ITEM(sid, product) "{'sid':'" sid "','item_type':1,'quantity':1," product "}"
#define SHIRT "'invn_sbs_item_sid':'901','scan_upc':'012345678905','alu':'SHIRT'"

static void the_same_sale_counts_once(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:", "", "");
    prism_world_take(&w, PRISM_PUSHED, DOCUMENT("1", "5", NY01, "", ITEM("2", SHIRT)));
    assert_string_equal(prism_world_told(&w), "applied -1");
    /* The poll tells it with another time and a number of its own. */
    prism_world_take(&w, PRISM_POLLED,
                     "{'data':[{'sid':1,'documentnumber':6,'status':4,'receipttype':0,"
                     "'storecode':'NY01','invoiceposteddate':'2026-07-25T14:00:01.5Z',"
                     "'docitem':[{'sid':2,'itemtype':1,'quantity':1.0,'alu':'SHIRT'}]}]}");
    assert_string_equal(prism_world_told(&w), "duplicate -1");
    /* What moves something else under the same id is no duplicate. */
    prism_world_take(&w, PRISM_POLLED, DOCUMENT("1", "5", BOS02, "", ITEM("2", SHIRT)));
    assert_string_equal(prism_world_told(&w), "rejected id_reused; parked id_reused");
    assert_int_equal(prism_world_on_hand(&w, "NY01", "sid", "901"), -1000);
    prism_world_close(&w);
}

static void any_identifier_finds_the_product_and_learns_the_others(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:", "", "");
    prism_world_take(&w, PRISM_PUSHED, DOCUMENT("1", "1", NY01, "", ITEM("2", "'alu':'A'")));
    prism_world_take(&w, PRISM_PUSHED,
                     DOCUMENT("3", "2", NY01, "", ITEM("4", "'alu':'A','scan_upc':'12345'")));
    prism_world_take(
        &w, PRISM_PUSHED,
        DOCUMENT("5", "3", NY01, "", ITEM("6", "'upc':'12345','invn_sbs_item_sid':'9'")));
    prism_world_take(&w, PRISM_PUSHED,
                     DOCUMENT("7", "4", NY01, "", ITEM("8", "'invn_sbs_item_sid':'9'")));
    assert_string_equal(prism_world_told(&w), "applied -4");
    assert_int_equal(prism_world_on_hand(&w, "NY01", "sid", "9"), -4000);
    assert_int_equal(catalog_product_count(hub_catalog(w.hub)), 1);
    prism_world_close(&w);
}

static void two_products_are_never_guessed_between(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:", "", "");
    prism_world_take(&w, PRISM_PUSHED, DOCUMENT("1", "1", NY01, "", ITEM("2", "'alu':'A'")));
    prism_world_take(&w, PRISM_PUSHED, DOCUMENT("3", "2", NY01, "", ITEM("4", "'alu':'B'")));
    prism_world_take(&w, PRISM_PUSHED,
                     DOCUMENT("5", "3", NY01, "", ITEM("6", "'upc':'77','alu':'A'")));
    prism_world_take(&w, PRISM_PUSHED,
                     DOCUMENT("7", "4", NY01, "", ITEM("8", "'upc':'77','alu':'B'")));
    assert_string_equal(prism_world_told(&w), "rejected unknown_product; parked unknown_product");
    assert_int_equal(prism_world_on_hand(&w, "NY01", "alu", "B"), -1000);
    /* A UPC that can be none leaves the line its other identifiers. */
    prism_world_take(&w, PRISM_PUSHED,
                     DOCUMENT("9", "5", NY01, "", ITEM("10", "'upc':'1.2E+11','alu':'B'")));
    assert_string_equal(prism_world_told(&w), "applied -2");
    prism_world_close(&w);
}

static void namespaces_keep_equal_upcs_apart(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:", "", "namespace: SBS1");
    prism_world_take(&w, PRISM_PUSHED, DOCUMENT("1", "1", NY01, "", ITEM("2", SHIRT)));
    assert_int_equal(catalog_find_product(hub_catalog(w.hub), TEXT("upc"), TEXT("012345678905")),
                     0);
    assert_int_equal(prism_world_on_hand(&w, "NY01", "upc@SBS1", "012345678905"), -1000);
    assert_int_equal(prism_world_on_hand(&w, "NY01", "sid@SBS1", "901"), -1000);
    prism_world_close(&w);
}

static void stores_are_known_by_any_of_their_names(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:", "", "stores: {\"013\": NY01, \"72\": BOS02}");
    prism_world_take(&w, PRISM_POLLED,
                     DOCUMENT("1", "1", "'store_number':13", "", ITEM("2", SHIRT)));
    assert_int_equal(prism_world_on_hand(&w, "NY01", "alu", "SHIRT"), -1000);
    prism_world_take(&w, PRISM_POLLED, DOCUMENT("3", "2", "'store_uid':72", "", ITEM("4", SHIRT)));
    assert_int_equal(prism_world_on_hand(&w, "BOS02", "alu", "SHIRT"), -1000);
    /* Where stores are configured, no other is made up. */
    prism_world_take(&w, PRISM_POLLED,
                     DOCUMENT("5", "3", "'store_code':'LA03'", "", ITEM("6", SHIRT)));
    assert_string_equal(prism_world_told(&w), "parked unknown_location");
    prism_world_close(&w);
}

#define SENT "'fulfill_store_sid':'72','item_type':1,'quantity':1,"

static void a_send_sale_waits_until_its_store_is_known(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:", "", "");
    prism_world_take(&w, PRISM_PUSHED,
                     DOCUMENT("1", "1", NY01, "", "{'sid':'2'," SENT SHIRT "}," ITEM("3", SHIRT)));
    assert_string_equal(prism_world_told(&w), "applied -1; parked unknown_location");
    assert_int_equal(source_retry_parked(w.source, &w.error), STATUS_OK);
    assert_int_equal(prism_world_parked(&w), 1);
    prism_world_take(&w, PRISM_PUSHED, DOCUMENT("4", "1", BOS02, "", ITEM("5", SHIRT)));
    assert_int_equal(source_retry_parked(w.source, &w.error), STATUS_OK);
    assert_int_equal(prism_world_parked(&w), 0);
    assert_int_equal(prism_world_on_hand(&w, "BOS02", "alu", "SHIRT"), -2000);
    assert_int_equal(prism_world_on_hand(&w, "NY01", "alu", "SHIRT"), -1000);
    prism_world_close(&w);
}

static void which_store_is_which_survives_a_restart(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:stores", "", "");
    prism_world_take(&w, PRISM_PUSHED, DOCUMENT("1", "1", BOS02, "", ITEM("2", SHIRT)));
    prism_world_close(&w);
    prism_world_open(&w, "memory:stores", "", "");
    prism_world_take(&w, PRISM_PUSHED,
                     DOCUMENT("3", "1", NY01, "",
                              "{'sid':'4'," SENT SHIRT "},{'sid':'5','fulfill_store_no':2,"
                              "'item_type':1,'quantity':1," SHIRT "}"));
    assert_string_equal(prism_world_told(&w), "applied -2; applied -3");
    assert_int_equal(prism_world_on_hand(&w, "BOS02", "alu", "SHIRT"), -3000);
    prism_world_close(&w);
    store_forget_memory("stores");
}

static void a_number_of_two_stores_says_nothing(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:twice", "", "");
    for (int start = 0; start < 2; start++) {
        prism_world_take(&w, PRISM_PUSHED, DOCUMENT("1", "1", BOS02, "", ITEM("2", SHIRT)));
        prism_world_take(&w, PRISM_PUSHED,
                         DOCUMENT("3", "1", "'store_uid':'99','store_number':2,'store_code':'LON'",
                                  "", ITEM("4", SHIRT)));
        prism_world_take(
            &w, PRISM_PUSHED,
            DOCUMENT("5", "1", NY01, "",
                     "{'sid':'6','fulfill_store_no':2,'item_type':1,'quantity':1," SHIRT "}"));
        assert_string_equal(prism_world_told(&w), "parked unknown_location");
        prism_world_take(&w, PRISM_PUSHED,
                         DOCUMENT("7", "1", NY01, "",
                                  "{'sid':'8','fulfill_store_no':2,'fulfill_store_sid':'99',"
                                  "'item_type':1,'quantity':1," SHIRT "}"));
        assert_int_equal(prism_world_on_hand(&w, "LON", "alu", "SHIRT"), -2000);
        assert_int_equal(prism_world_on_hand(&w, "BOS02", "alu", "SHIRT"), -1000);
        prism_world_close(&w);
        if (start == 0)
            prism_world_open(&w, "memory:twice", "", "");
    }
    store_forget_memory("twice");
}

static void a_sid_alone_makes_no_product(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:", "", "");
    static const char voucher[] = "{'sid':'1','vou_no':1,'vou_type':0,'status':4," NY01
                                  ",'recv_item':[{'sid':'2','item_sid':'901','qty':5}]}";
    prism_world_take(&w, PRISM_POLLED, voucher);
    assert_string_equal(prism_world_told(&w), "parked unknown_product");
    prism_world_take(&w, PRISM_PUSHED, DOCUMENT("3", "1", NY01, "", ITEM("4", SHIRT)));
    /* The voucher comes again with the overlap of polling: no longer parked. */
    prism_world_take(&w, PRISM_POLLED, voucher);
    assert_string_equal(prism_world_told(&w), "applied 4");
    assert_int_equal(prism_world_parked(&w), 0);
    prism_world_close(&w);
}

static void parked_documents_survive_a_restart(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:parked", "", "stores: {\"1\": NY01}");
    prism_world_take(&w, PRISM_PUSHED, DOCUMENT("1", "1", BOS02, "", ITEM("2", SHIRT)));
    prism_world_take(&w, PRISM_PUSHED, DOCUMENT("1", "1", BOS02, "", ITEM("2", SHIRT)));
    prism_world_take(&w, PRISM_PUSHED, "[{'no':'sid'},{'no':'sid'}]");
    assert_int_equal(prism_world_parked(&w), 2);
    prism_world_close(&w);
    prism_world_open(&w, "memory:parked", "", "stores: {\"1\": NY01, \"2\": BOS02}");
    struct parked_info *infos;
    size_t count = prism_parked_list(w.source->parked, (struct text){0}, 10, &w.arena, &infos);
    assert_int_equal(count, 2);
    struct source_replay replay;
    assert_int_equal(source_replay(w.source, &access_internal, (struct text){0}, &w.arena, &w.taken,
                                   &replay, &w.error),
                     STATUS_OK);
    assert_int_equal(replay.documents, 2);
    assert_int_equal(replay.settled, 1);
    assert_int_equal(replay.parked, 1);
    assert_int_equal(prism_world_on_hand(&w, "BOS02", "alu", "SHIRT"), -1000);
    assert_int_equal(source_replay(w.source, &access_internal, TEXT("0000"), &w.arena, &w.taken,
                                   &replay, &w.error),
                     STATUS_NOT_FOUND);
    count = prism_parked_list(w.source->parked, (struct text){0}, 10, &w.arena, &infos);
    assert_int_equal(count, 1);
    assert_int_equal(prism_parked_delete(w.source->parked, text_from(infos[0].id), &w.error),
                     STATUS_OK);
    assert_int_equal(prism_world_parked(&w), 0);
    prism_world_close(&w);
    store_forget_memory("parked");
}

static void the_oldest_are_dropped_and_cried_about(void **state) {
    (void)state;
    struct prism_world w;
    const unsigned most = (unsigned)(PARKED_BYTES_MAX / PARKED_TEXT_MAX) + 2;
    char *json = memory_alloc(2 * PARKED_TEXT_MAX);
    prism_world_open(&w, "memory:", "", "");
    for (unsigned i = 0; i < most; i++) {
        /* One of them is too long to be kept whole. */
        size_t length = i == 0 ? PARKED_TEXT_MAX + 100 : PARKED_TEXT_MAX - 1000;
        int head = snprintf(json, 100, "{'sid':'%u','status':9,'comment':'", i);
        memset(json + head, 'x', length);
        memcpy(json + head + length, "'}", 3);
        prism_world_take(&w, PRISM_POLLED, json);
        assert_string_equal(prism_world_told(&w), "parked bad_value");
        arena_reset(&w.arena);
        struct source_figures figures;
        source_figures(w.source, &figures);
        assert_true(figures.parked_dropped + figures.parked_now == i + 1);
    }
    struct parked_info *infos;
    size_t count = prism_parked_list(w.source->parked, (struct text){0}, 100, &w.arena, &infos);
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += infos[i].bytes;
    assert_true(bytes <= PARKED_BYTES_MAX && count < most);
    assert_false(text_equal_string(infos[0].sid, "0"));
    struct notice *notices;
    size_t told = hub_notices(w.hub, 0, 100, &w.arena, &notices);
    assert_true(told >= 2);
    assert_true(text_equal_string(notices[0].type, "onhand.source.parked"));
    assert_true(text_equal_string(notices[1].type, "onhand.source.parked_dropped"));
    prism_world_close(&w);
    free(json);
}

static void a_limited_token_leaves_no_trace_elsewhere(void **state) {
    (void)state;
    struct prism_world w;
    const struct text own[] = {TEXT("NY01")};
    const struct access limited = {
        .scopes = SCOPE_ADJUST, .name = TEXT("till"), .locations = own, .location_count = 1};
    prism_world_open(&w, "memory:", "", "");
    prism_world_take_as(&w, &limited, PRISM_PUSHED, DOCUMENT("1", "1", NY01, "", ITEM("2", SHIRT)));
    assert_string_equal(prism_world_told(&w), "applied -1");
    prism_world_take_as(&w, &limited, PRISM_PUSHED,
                        DOCUMENT("3", "1", BOS02, "", ITEM("4", SHIRT)));
    assert_string_equal(prism_world_told(&w), "rejected forbidden_location");
    prism_world_take_as(&w, &limited, PRISM_PUSHED, DOCUMENT("3", "1", BOS02, "", "5"));
    assert_string_equal(prism_world_told(&w), "rejected forbidden_location");
    prism_world_take_as(&w, &limited, PRISM_PUSHED, "{'no':'sid'}");
    assert_string_equal(prism_world_told(&w), "rejected forbidden_location");
    struct source_figures figures;
    source_figures(w.source, &figures);
    assert_int_equal(figures.stores, 1);
    assert_int_equal(figures.parked_now, 0);
    prism_world_close(&w);
}

static void ignored_products_are_not_parked(void **state) {
    (void)state;
    struct prism_world w;
    prism_world_open(&w, "memory:", "unknown_products: ignore", "");
    prism_world_take(&w, PRISM_PUSHED, DOCUMENT("1", "1", NY01, "", ITEM("2", SHIRT)));
    assert_string_equal(prism_world_told(&w), "rejected unknown_product");
    assert_int_equal(prism_world_parked(&w), 0);
    prism_world_close(&w);
}

static void cursors_are_the_latest_times(void **state) {
    (void)state;
    struct prism_world w;
    int64_t us = 0;
    prism_world_open(&w, "memory:", "timezone: America/New_York", "");
    prism_world_take(
        &w, PRISM_POLLED,
        "[" DOCUMENT("1", "1", NY01, ",'modified_datetime':'2026-07-25T10:30:00'",
                     ITEM("2", SHIRT)) "," DOCUMENT("3", "2", NY01, "", ITEM("4", SHIRT)) "]");
    assert_int_equal(timestamp_parse(TEXT("2026-07-25T14:30:00Z"), &us), STATUS_OK);
    assert_int_equal(w.taken.modified_us, us); /* without an offset: the source's zone */
    assert_int_equal(w.taken.posted_us, us - 1800 * US_PER_SECOND);
    assert_int_equal(w.taken.documents, 2);
    assert_int_equal(w.taken.events, 2);
    prism_world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_sale_counts_once),
        cmocka_unit_test(any_identifier_finds_the_product_and_learns_the_others),
        cmocka_unit_test(two_products_are_never_guessed_between),
        cmocka_unit_test(namespaces_keep_equal_upcs_apart),
        cmocka_unit_test(stores_are_known_by_any_of_their_names),
        cmocka_unit_test(a_send_sale_waits_until_its_store_is_known),
        cmocka_unit_test(which_store_is_which_survives_a_restart),
        cmocka_unit_test(a_number_of_two_stores_says_nothing),
        cmocka_unit_test(a_sid_alone_makes_no_product),
        cmocka_unit_test(parked_documents_survive_a_restart),
        cmocka_unit_test(the_oldest_are_dropped_and_cried_about),
        cmocka_unit_test(a_limited_token_leaves_no_trace_elsewhere),
        cmocka_unit_test(ignored_products_are_not_parked),
        cmocka_unit_test(cursors_are_the_latest_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
