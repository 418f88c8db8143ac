/* WooCommerce's answers, row by row, and what is made of them. */
#include "unit/channel/shop_rig.h"

#define LINE                                                                                       \
    "type: woocommerce, key: \"env:SHOP_TOKEN\", secret: \"env:SHOP_TOKEN\", locations: [NY01]"
#define UPDATED(rows) JSON_ANSWER("200", "{\"update\":[" rows "]}")
#define DONE(id, quantity) "{\"id\":" id ",\"stock_quantity\":" quantity ",\"x\":{\"y\":[1]}}"
#define WRONG(id, code, message)                                                                   \
    "{\"id\":" id ",\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}}"

static void open_known(struct shop_rig *rig) {
    rig_open(rig, &channel_platform_woocommerce, LINE);
    channel_note_put(rig->context.notes, TEXT("sku:A"), TEXT("11"));
    channel_note_put(rig->context.notes, TEXT("sku:B"), TEXT("12"));
    channel_note_put(rig->context.notes, TEXT("sku:C"), TEXT("13"));
    rig_fill(rig, "");
}

static const struct rig_case sends[] = {
    {"all done",
     {UPDATED(DONE("11", "1") "," DONE("12", "2") "," DONE("13", "3"))},
     CHANNEL_CALL_OK,
     ALL(CHANNEL_CONFIRMED),
     NULL},
    {"each speaks for itself",
     {UPDATED(DONE("13", "3") "," WRONG("11", "woocommerce_rest_cannot_edit", "no"))},
     CHANNEL_CALL_OK,
     {CHANNEL_PARKED, CHANNEL_UNCERTAIN, CHANNEL_CONFIRMED},
     "woocommerce_rest_cannot_edit: no"},
    {"another figure",
     {UPDATED(DONE("11", "1") "," DONE("12", "7") "," DONE("13", "null"))},
     CHANNEL_CALL_OK,
     {CHANNEL_CONFIRMED, CHANNEL_UNCERTAIN, CHANNEL_UNCERTAIN},
     "another figure"},
    {"a number that leads nowhere",
     {UPDATED(WRONG("11", "woocommerce_rest_product_invalid_id",
                    "Invalid ID.") "," DONE("12", "2") "," DONE("13", "3"))},
     CHANNEL_CALL_OK,
     {CHANNEL_RETRY, CHANNEL_CONFIRMED, CHANNEL_CONFIRMED},
     "Invalid ID"},
    {"too many", {JSON_ANSWER("413", "{}")}, CHANNEL_CALL_REFUSED, {0}, "more than the shop"},
    {"refused",
     {JSON_ANSWER("400", "{\"code\":\"c\",\"message\":\"no\"}")},
     CHANNEL_CALL_REFUSED,
     {0},
     "400: no"},
    {"not found", {ANSWER("404", "", "<html>")}, CHANNEL_CALL_UNCERTAIN, {0}, "<html>"},
    {"HTML", {ANSWER("200", "", "<html>")}, CHANNEL_CALL_UNCERTAIN, {0}, "<html>"},
    {"cut off", {UPDATED(DONE("11", "1") ",{\"id\":1")}, CHANNEL_CALL_UNCERTAIN, {0}, NULL},
    {"an object for a list",
     {JSON_ANSWER("200", "{\"update\":{}}")},
     CHANNEL_CALL_UNCERTAIN,
     {0},
     "update was expected"},
    {"failed", {ANSWER("502", "", "")}, CHANNEL_CALL_UNCERTAIN, {0}, "502"},
    {"not for us", {ANSWER("401", "", "{}")}, CHANNEL_CALL_UNAUTHORIZED, {0}, "401"},
    {"too often", {ANSWER("429", "Retry-After: -5\r\n", "")}, CHANNEL_CALL_THROTTLED, {0}, "429"},
};

static void takes_fewer_where_it_is_too_much(struct shop_rig *rig, const struct rig_case *c) {
    if (strstr(c->answers[0], " 413 ") != NULL)
        assert_int_equal(rig->call.next_items, 1);
}

static void makes_of_answers(void **state) {
    (void)state;
    RIG_PLAY(open_known, sends, false, takes_fewer_where_it_is_too_much);
}

/* Variations go to their product; what went through before a failure stays. */
static void one_call_per_product(void **state) {
    (void)state;
    const struct rig_case wanted = {"the second product fails",
                                    {UPDATED(DONE("11", "1")), ANSWER("500", "", ""), NULL},
                                    CHANNEL_CALL_OK,
                                    {CHANNEL_CONFIRMED, CHANNEL_UNCERTAIN, CHANNEL_RETRY},
                                    "500"};
    struct shop_rig rig;
    open_known(&rig);
    channel_note_put(rig.context.notes, TEXT("sku:B"), TEXT("12/40"));
    channel_note_put(rig.context.notes, TEXT("sku:C"), TEXT("13/41"));
    rig_script(&rig, wanted.answers);
    rig.platform->send(rig.state, &rig.batch, &rig.call);
    rig_judge(&rig, &wanted);
    assert_int_equal(rig.call.next_items, 1);
    assert_holds(fake_http_request(rig.server, 0), "POST /wp-json/wc/v3/products/batch ");
    assert_holds(fake_http_request(rig.server, 0), "authorization: Basic aHVzaDpodXNo\r\n");
    assert_holds(rig_last(&rig), "POST /wp-json/wc/v3/products/40/variations/batch ");
    assert_holds(rig_last(&rig),
                 "{\"update\":[{\"id\":12,\"manage_stock\":true,\"stock_quantity\":2}]}");
    rig_close(&rig);
}

static void looks_numbers_up_once(void **state) {
    (void)state;
    struct shop_rig rig;
    rig_open(&rig, &channel_platform_woocommerce, LINE);
    const struct rig_case wanted = {
        "looked up",
        {JSON_ANSWER("200", "[{\"id\":9,\"sku\":\"a\",\"type\":\"simple\",\"parent_id\":0,"
                            "\"stock_quantity\":null},{\"id\":8,\"sku\":\"C\",\"type\":"
                            "\"variation\",\"parent_id\":3,\"stock_quantity\":5}]"),
         UPDATED(DONE("9", "1")), UPDATED(DONE("8", "3")), NULL},
        CHANNEL_CALL_OK,
        {CHANNEL_CONFIRMED, CHANNEL_UNMAPPED, CHANNEL_CONFIRMED},
        NULL};
    rig_fill(&rig, "");
    rig_script(&rig, wanted.answers);
    rig.platform->send(rig.state, &rig.batch, &rig.call);
    rig_judge(&rig, &wanted);
    assert_holds(fake_http_request(rig.server, 0), "&sku=A%2CB%2CC HTTP/1.1");
    assert_true(text_equal_string(channel_note_get(rig.context.notes, TEXT("sku:C")), "8/3"));
    rig_close(&rig);
}

static void reads_what_is_shown(void **state) {
    (void)state;
    struct shop_rig rig;
    const struct rig_case cases[] = {
        {"shown",
         {JSON_ANSWER("200", "[{\"id\":11,\"sku\":\"A\",\"stock_quantity\":1},{\"id\":12,"
                             "\"sku\":\"B\",\"stock_quantity\":null}]")},
         CHANNEL_CALL_OK,
         {CHANNEL_CONFIRMED, CHANNEL_CONFIRMED, CHANNEL_UNMAPPED},
         NULL},
        {"not JSON", {ANSWER("200", "", "<html>")}, CHANNEL_CALL_NOT_SENT, {0}, "permalinks"},
        {"cut off", {JSON_ANSWER("200", "[{\"id\":11,")}, CHANNEL_CALL_NOT_SENT, {0}, "cut off"},
        {"failed", {ANSWER("500", "", "")}, CHANNEL_CALL_NOT_SENT, {0}, "500"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_known(&rig);
        rig_script(&rig, cases[i].answers);
        rig.platform->read_back(rig.state, &rig.batch, &rig.call);
        rig_judge(&rig, &cases[i]);
        if (i == 0) {
            assert_int_equal(rig.items[0].actual_milli, 1000);
            assert_int_not_equal(rig.items[1].actual_milli, rig.items[1].quantity_milli);
        }
        rig_close(&rig);
    }
}

static void reads_all_pages(void **state) {
    (void)state;
    struct shop_rig rig;
    struct rig_found found = {0};
    const struct channel_sink sink = {rig_take, &found};
    rig_open(&rig, &channel_platform_woocommerce, LINE);
    rig_script(&rig,
               (const char *const[]){ANSWER("200", "X-WP-TotalPages: 2\r\n",
                                            "[{\"id\":1,\"sku\":\"\",\"type\":\"variable\"}]"),
                                     ANSWER("200", "X-WP-TotalPages: 1\r\n",
                                            "[{\"id\":2,\"sku\":\"V\",\"stock_quantity\":4}]"),
                                     ANSWER("200", "X-WP-TotalPages: 2\r\n",
                                            "[{\"id\":5,\"sku\":\"A\",\"type\":\"simple\","
                                            "\"stock_quantity\":-1}]"),
                                     NULL});
    rig.platform->read_all(rig.state, &sink, &rig.call);
    assert_int_equal(rig.call.verdict, CHANNEL_CALL_OK);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.sum_milli, 3000);
    assert_string_equal(found.last, "/A");
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_of_answers),      cmocka_unit_test(one_call_per_product),
        cmocka_unit_test(looks_numbers_up_once), cmocka_unit_test(reads_what_is_shown),
        cmocka_unit_test(reads_all_pages),
    };
    return cmocka_run_group_tests_name("channel/woocommerce", tests, NULL, NULL);
}
