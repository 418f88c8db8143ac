/* Shopify's answers, row by row, and what is made of them; what its webhooks hint at. */
#include "unit/channel/shop_rig.h"

#define LINE "type: shopify, token: \"env:SHOP_TOKEN\", locations: {NY01: \"1\"}"
#define ITEM "gid://shopify/InventoryItem/"

static void open_new(struct shop_rig *rig) {
    rig_open(rig, &channel_platform_shopify, LINE);
    rig_fill(rig, "1");
}

static void open_known(struct shop_rig *rig) {
    open_new(rig);
    channel_note_put(rig->context.notes, TEXT("sku:A"), TEXT(ITEM "1"));
    channel_note_put(rig->context.notes, TEXT("sku:B"), TEXT(ITEM "2"));
    channel_note_put(rig->context.notes, TEXT("sku:C"), TEXT(ITEM "3"));
}

#define DATA(members) JSON_ANSWER("200", "{\"data\":{" members "}}")
#define SET(errors)                                                                                \
    DATA("\"inventorySetQuantities\":{\"inventoryAdjustmentGroup\":null,\"userErrors\":[" errors   \
         "]}")
#define DONE SET("")
#define ROW(index, code)                                                                           \
    "{\"field\":[\"input\",\"quantities\",\"" index "\",\"quantity\"],\"message\":\"its words\","  \
    "\"code\":\"" code "\"}"
#define WHOLE(code) "{\"field\":null,\"message\":\"its words\",\"code\":\"" code "\"}"
#define STOCKED(level, errors)                                                                     \
    DATA("\"a0\":{\"inventoryLevel\":" level ",\"userErrors\":[" errors "]}")
#define FAILED(code, more)                                                                         \
    JSON_ANSWER("200", "{\"errors\":[{\"message\":\"its words\",\"extensions\":{\"code\":\"" code  \
                       "\"}}]" more "}")
#define COST(level)                                                                                \
    ",\"extensions\":{\"cost\":{\"requestedQueryCost\":150,\"throttleStatus\":"                    \
    "{\"maximumAvailable\":1000,\"currentlyAvailable\":" level ",\"restoreRate\":50}}}"
#define LEVEL(quantity)                                                                            \
    "{\"inventoryLevel\":{\"quantities\":[{\"name\":\"available\",\"quantity\":" quantity "}]}}"

static const struct rig_case sends[] = {
    {"done", {DONE}, CHANNEL_CALL_OK, ALL(CHANNEL_CONFIRMED), NULL},
    {"one is refused, the others go again",
     {SET(ROW("1", "INVALID_QUANTITY_NEGATIVE")), DONE},
     CHANNEL_CALL_OK,
     {CHANNEL_CONFIRMED, CHANNEL_PARKED, CHANNEL_CONFIRMED},
     "INVALID_QUANTITY_NEGATIVE: its words"},
    {"two of them, of two kinds",
     {SET(ROW("0", "INVALID_INVENTORY_ITEM") "," ROW("2", "WHATEVER")), DONE},
     CHANNEL_CALL_OK,
     {CHANNEL_RETRY, CHANNEL_CONFIRMED, CHANNEL_PARKED},
     "INVALID_INVENTORY_ITEM"},
    {"no such location",
     {SET(ROW("0", "INVALID_LOCATION") "," ROW("1", "INVALID_LOCATION") "," ROW(
         "2", "INVALID_LOCATION"))},
     CHANNEL_CALL_OK,
     ALL(CHANNEL_PARKED),
     "no active location 'gid://shopify/Location/1'"},
    {"shows something else",
     {SET(ROW("0", "CHANGE_FROM_QUANTITY_STALE")), DONE, DATA("\"r0\":" LEVEL("7"))},
     CHANNEL_CALL_OK,
     {CHANNEL_STALE, CHANNEL_CONFIRMED, CHANNEL_CONFIRMED},
     NULL},
    {"not stocked there: stocked, then set",
     {SET(ROW("2", "ITEM_NOT_STOCKED_AT_LOCATION")), STOCKED("{\"id\":\"x\"}", ""), DONE},
     CHANNEL_CALL_OK,
     ALL(CHANNEL_CONFIRMED),
     NULL},
    {"cannot be stocked there",
     {SET(ROW("2", "ITEM_NOT_STOCKED_AT_LOCATION")),
      STOCKED("null", "{\"field\":null,\"message\":\"deactivated\"}"), DONE},
     CHANNEL_CALL_OK,
     {CHANNEL_CONFIRMED, CHANNEL_CONFIRMED, CHANNEL_PARKED},
     "deactivated"},
    {"stocked, and still not: no third time",
     {SET(ROW("2", "ITEM_NOT_STOCKED_AT_LOCATION")), STOCKED("{\"id\":\"x\"}", ""),
      SET(ROW("2", "ITEM_NOT_STOCKED_AT_LOCATION")), DONE},
     CHANNEL_CALL_OK,
     {CHANNEL_CONFIRMED, CHANNEL_CONFIRMED, CHANNEL_PARKED},
     "ITEM_NOT_STOCKED"},
    {"names nobody", {SET(WHOLE("INVALID"))}, CHANNEL_CALL_REFUSED, {0}, "INVALID: its words"},
    {"names a row that is not there", {SET(ROW("9", "X"))}, CHANNEL_CALL_REFUSED, {0}, "X"},
    {"the same key is still at work",
     {SET(WHOLE("IDEMPOTENCY_CONCURRENT_REQUEST"))},
     CHANNEL_CALL_UNCERTAIN,
     {0},
     "still going on"},
    {"the key was used otherwise",
     {SET(WHOLE("IDEMPOTENCY_KEY_PARAMETER_MISMATCH"))},
     CHANNEL_CALL_UNCERTAIN,
     {0},
     NULL},
    {"an earlier attempt failed",
     {SET(WHOLE("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"))},
     CHANNEL_CALL_OK,
     ALL(CHANNEL_RETRY),
     "earlier attempt"},
    {"throttled", {FAILED("THROTTLED", COST("50"))}, CHANNEL_CALL_THROTTLED, {0}, "budget"},
    {"too many requests",
     {ANSWER("429", "Retry-After: 2\r\n", "{}")},
     CHANNEL_CALL_THROTTLED,
     {0},
     "429"},
    {"too dear", {FAILED("MAX_COST_EXCEEDED", COST("900"))}, CHANNEL_CALL_REFUSED, {0}, NULL},
    {"too many rows", {FAILED("MAX_INPUT_SIZE_EXCEEDED", "")}, CHANNEL_CALL_REFUSED, {0}, NULL},
    {"no directive", {FAILED("BAD_REQUEST", "")}, CHANNEL_CALL_NOT_SENT, {0}, "BAD_REQUEST"},
    {"carried out in part",
     {FAILED("BAD_REQUEST", ",\"data\":{\"inventorySetQuantities\":null}")},
     CHANNEL_CALL_UNCERTAIN,
     {0},
     NULL},
    {"failed inside", {FAILED("INTERNAL_SERVER_ERROR", "")}, CHANNEL_CALL_UNCERTAIN, {0}, NULL},
    {"may not", {FAILED("ACCESS_DENIED", "")}, CHANNEL_CALL_UNAUTHORIZED, {0}, "write_inventory"},
    {"closed", {FAILED("SHOP_INACTIVE", "")}, CHANNEL_CALL_NOT_SENT, {0}, "SHOP_INACTIVE"},
    {"errors that are a text",
     {JSON_ANSWER("200", "{\"errors\":\"Not Found\"}")},
     CHANNEL_CALL_NOT_SENT,
     {0},
     "Not Found"},
    {"unknown token", {ANSWER("401", "", "{}")}, CHANNEL_CALL_UNAUTHORIZED, {0}, "401"},
    {"forbidden", {ANSWER("403", "", "{}")}, CHANNEL_CALL_UNAUTHORIZED, {0}, "403"},
    {"no such shop", {ANSWER("404", "", "{}")}, CHANNEL_CALL_NOT_SENT, {0}, "check url"},
    {"moved", {ANSWER("301", "Location: https://x\r\n", "")}, CHANNEL_CALL_NOT_SENT, {0}, "x"},
    {"HTML", {ANSWER("200", "", "<html>")}, CHANNEL_CALL_UNCERTAIN, {0}, "<html>"},
    {"half of it",
     {JSON_ANSWER("200", "{\"data\":{\"inventorySet")},
     CHANNEL_CALL_UNCERTAIN,
     {0},
     NULL},
    {"broken off",
     {ANSWER("200", "Content-Length: 900\r\n", "{\"data\":")},
     CHANNEL_CALL_UNCERTAIN,
     {0},
     NULL},
    {"nothing in it", {JSON_ANSWER("200", "{}")}, CHANNEL_CALL_UNCERTAIN, {0}, "neither"},
    {"no userErrors",
     {DATA("\"inventorySetQuantities\":null")},
     CHANNEL_CALL_UNCERTAIN,
     {0},
     "userErrors"},
    {"a key twice",
     {JSON_ANSWER("200", "{\"data\":1,\"data\":2}")},
     CHANNEL_CALL_UNCERTAIN,
     {0},
     NULL},
    {"failed", {ANSWER("500", "", "")}, CHANNEL_CALL_UNCERTAIN, {0}, "500"},
};

static void waits_as_told(struct shop_rig *rig, const struct rig_case *c) {
    if (c->verdict == CHANNEL_CALL_THROTTLED) /* (150 - 50) / 50, or as it says */
        assert_int_equal(rig->call.next_us, RIG_NOW_US + 2 * US_PER_SECOND);
    if (rig->items[0].outcome == CHANNEL_STALE)
        assert_int_equal(rig->items[0].actual_milli, 7000);
}

static void makes_of_answers(void **state) {
    (void)state;
    RIG_PLAY(open_known, sends, false, waits_as_told);
}

#define FOUND(nodes)                                                                               \
    DATA("\"productVariants\":{\"nodes\":[" nodes "],\"pageInfo\":{\"hasNextPage\":false}}")
#define VARIANT(sku, id) "{\"sku\":\"" sku "\",\"inventoryItem\":{\"id\":\"" ITEM id "\"}}"

static const struct rig_case first_sends[] = {
    {"looked up, then set; the search is not exact",
     {FOUND(VARIANT("A", "1") "," VARIANT("b", "2") "," VARIANT("C-XL", "3")), DONE},
     CHANNEL_CALL_OK,
     {CHANNEL_CONFIRMED, CHANNEL_CONFIRMED, CHANNEL_UNMAPPED},
     "no variant"},
    {"it sells none of them", {FOUND("")}, CHANNEL_CALL_OK, ALL(CHANNEL_UNMAPPED), "no variant"},
    {"HTML", {ANSWER("200", "", "<html>")}, CHANNEL_CALL_NOT_SENT, {0}, "<html>"},
    {"failed", {ANSWER("500", "", "")}, CHANNEL_CALL_NOT_SENT, {0}, "500"},
    {"no nodes", {DATA("\"productVariants\":null")}, CHANNEL_CALL_NOT_SENT, {0}, "nodes"},
    {"throttled", {FAILED("THROTTLED", COST("50"))}, CHANNEL_CALL_THROTTLED, {0}, "budget"},
};

static void looks_up_before_it_sets(void **state) {
    (void)state;
    RIG_PLAY(open_new, first_sends, false, NULL);
}

static const struct rig_case reads[] = {
    {"a figure, not stocked, gone",
     {DATA("\"r0\":" LEVEL("5") ",\"r1\":{\"inventoryLevel\":null},\"r2\":null")},
     CHANNEL_CALL_OK,
     {CHANNEL_CONFIRMED, CHANNEL_CONFIRMED, CHANNEL_RETRY},
     "the variant is gone"},
    {"no figure in it",
     {DATA("\"r0\":" LEVEL("\"many\"") ",\"r1\":" LEVEL("1") ",\"r2\":" LEVEL("2"))},
     CHANNEL_CALL_OK,
     {CHANNEL_RETRY, CHANNEL_CONFIRMED, CHANNEL_CONFIRMED},
     "no figure"},
    {"HTML", {ANSWER("200", "", "<html>")}, CHANNEL_CALL_NOT_SENT, {0}, "<html>"},
    {"half of it", {JSON_ANSWER("200", "{\"data\":")}, CHANNEL_CALL_NOT_SENT, {0}, NULL},
    {"failed", {ANSWER("502", "", "")}, CHANNEL_CALL_NOT_SENT, {0}, "502"},
    {"failed inside", {FAILED("TIMEOUT", "")}, CHANNEL_CALL_NOT_SENT, {0}, "TIMEOUT"},
    {"unknown token", {ANSWER("401", "", "{}")}, CHANNEL_CALL_UNAUTHORIZED, {0}, "401"},
};

static void reads_what_is_shown(void **state) {
    (void)state;
    RIG_PLAY(open_known, reads, true, NULL);
}

static void writes_what_it_is_told(void **state) {
    (void)state;
    struct shop_rig rig;
    open_known(&rig);
    rig.items[1].told_milli = 9000;
    memcpy(rig.batch.key, "the-key", sizeof "the-key");
    rig_script(&rig, (const char *const[]){DONE, NULL});
    rig.platform->send(rig.state, &rig.batch, &rig.call);
    const struct fake_request *request = rig_last(&rig);
    assert_holds(request, "POST /admin/api/2026-10/graphql.json HTTP/1.1\r\n");
    assert_holds(request, "x-shopify-access-token: hush\r\n");
    assert_holds(request, "@idempotent(key:$");
    assert_holds(request, "\"key\":\"the-key\"");
    assert_holds(request, "{\"inventoryItemId\":\"" ITEM "2\",\"locationId\":"
                          "\"gid://shopify/Location/1\",\"quantity\":2,\"changeFromQuantity\":9}");
    assert_holds(request, "\"quantity\":3,\"changeFromQuantity\":null}");
    rig_close(&rig);
}

static void hints(void **state) {
    (void)state;
    static const struct {
        const char *topic, *body;
        enum status status;
        const char *sku;
        int64_t milli;
    } rows[] = {
        {"inventory_levels/update", "{\"inventory_item_id\":44,\"location_id\":1,\"available\":6}",
         STATUS_OK, "A", 6000},
        {"inventory_levels/update",
         "{\"inventory_item_id\":\"44\",\"location_id\":\"1\",\"available\":null}", STATUS_OK, "A",
         0},
        {"inventory_levels/update", "{\"inventory_item_id\":45,\"location_id\":1}", STATUS_OK, "",
         0},
        {"inventory_levels/update", "{\"inventory_item_id\":44,\"location_id\":11}", STATUS_OK, "",
         0},
        {"inventory_levels/update", "{\"location_id\":1}", STATUS_MISSING, "", 0},
        {"inventory_levels/update", "{\"inventory_item_id\":44}", STATUS_MISSING, "", 0},
        {"inventory_levels/update",
         "{\"inventory_item_id\":44,\"location_id\":1,\"available\":\"x\"}", STATUS_BAD_QUANTITY,
         "", 0},
        {"inventory_levels/update", "{\"inventory_item_id\":", STATUS_BAD_JSON, "", 0},
        {"orders/create", "{}", STATUS_END, "", 0},
    };
    struct shop_rig rig;
    open_new(&rig);
    rig_script(&rig, (const char *const[]){FOUND(VARIANT("A", "44")), DONE, NULL});
    rig.platform->send(rig.state, &rig.batch, &rig.call);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct channel_hint hint = {.actual_milli = 1};
        struct error error = {0};
        enum status status = rig.platform->hint(&rig.context, text_from(rows[i].topic),
                                                text_from(rows[i].body), &rig.arena, &hint, &error);
        if (status != rows[i].status || !text_equal_string(hint.sku, rows[i].sku))
            fail_msg("row %zu: status %d, '%.*s'", i, (int)status, TEXT_ARG(hint.sku));
        if (rows[i].sku[0] != '\0')
            assert_int_equal(hint.actual_milli, rows[i].milli);
    }
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_of_answers),
        cmocka_unit_test(looks_up_before_it_sets),
        cmocka_unit_test(reads_what_is_shown),
        cmocka_unit_test(writes_what_it_is_told),
        cmocka_unit_test(hints),
    };
    return cmocka_run_group_tests_name("channel/shopify", tests, NULL, NULL);
}
