/* BigCommerce's answers, row by row, and what is made of them. */
#include "unit/channel/shop_rig.h"

#define LINE "type: bigcommerce, token: \"env:SHOP_TOKEN\", locations: {NY01: 1}, settle: 10s"
#define PLACES JSON_ANSWER("200", "{\"data\":[{\"id\":1},{\"id\":2}],\"meta\":{}}")
#define TAKEN JSON_ANSWER("200", "{\"transaction_id\":\"t1\"}")
#define NAMES(title)                                                                               \
    ANSWER("422", "Content-Type: application/problem+json\r\n", "{\"title\":\"" title "\"}")

static void open_known(struct shop_rig *rig) {
    rig_open(rig, &channel_platform_bigcommerce, LINE);
    channel_note_put(rig->context.notes, TEXT("sku:A"), TEXT("1"));
    channel_note_put(rig->context.notes, TEXT("sku:B"), TEXT("1"));
    channel_note_put(rig->context.notes, TEXT("sku:C"), TEXT("1"));
    rig_fill(rig, "1");
}

static const struct rig_case sends[] = {
    {"taken down is not shown",
     {PLACES, TAKEN},
     CHANNEL_CALL_OK,
     ALL(CHANNEL_UNCERTAIN),
     "not shown"},
    {"names the culprit",
     {PLACES, NAMES("SKU 'B' is not tracked."), TAKEN},
     CHANNEL_CALL_OK,
     {CHANNEL_UNCERTAIN, CHANNEL_PARKED, CHANNEL_UNCERTAIN},
     NULL},
    {"names it at its location",
     {PLACES, NAMES("C at location 1: no"), TAKEN},
     CHANNEL_CALL_OK,
     {CHANNEL_UNCERTAIN, CHANNEL_UNCERTAIN, CHANNEL_PARKED},
     NULL},
    {"names nobody", {PLACES, NAMES("Bad items")}, CHANNEL_CALL_REFUSED, {0}, "422: Bad items"},
    {"a part of another word is nobody",
     {PLACES, NAMES("CAB is bad")},
     CHANNEL_CALL_REFUSED,
     {0},
     "422"},
    {"too much at once",
     {PLACES, ANSWER("429", "X-Rate-Limit-Time-Reset-Ms: 7000\r\n", "{}")},
     CHANNEL_CALL_THROTTLED,
     {0},
     "429"},
    {"HTML", {PLACES, ANSWER("200", "", "<html>")}, CHANNEL_CALL_UNCERTAIN, {0}, "<html>"},
    {"half an answer",
     {PLACES, ANSWER("200", "Content-Length: 90\r\n", "{\"transac")},
     CHANNEL_CALL_UNCERTAIN,
     {0},
     NULL},
    {"failed", {PLACES, ANSWER("500", "", "")}, CHANNEL_CALL_UNCERTAIN, {0}, "500"},
    {"not for us", {ANSWER("403", "", "{}")}, CHANNEL_CALL_UNAUTHORIZED, {0}, "403"},
    {"a question fails", {ANSWER("500", "", "")}, CHANNEL_CALL_NOT_SENT, {0}, "500"},
    {"a question gets HTML", {ANSWER("200", "", "<html>")}, CHANNEL_CALL_NOT_SENT, {0}, "<html>"},
};

static void waits_as_told(struct shop_rig *rig, const struct rig_case *c) {
    if (c->verdict == CHANNEL_CALL_THROTTLED)
        assert_int_equal(rig->call.next_us, RIG_NOW_US + 7 * US_PER_SECOND);
}

static void makes_of_answers(void **state) {
    (void)state;
    RIG_PLAY(open_known, sends, false, waits_as_told);
}

static void writes_what_it_is_told(void **state) {
    (void)state;
    struct shop_rig rig;
    open_known(&rig);
    rig_script(&rig, (const char *const[]){PLACES, TAKEN, NULL});
    rig.platform->send(rig.state, &rig.batch, &rig.call);
    const struct fake_request *request = rig_last(&rig);
    assert_holds(request, "PUT /v3/inventory/adjustments/absolute HTTP/1.1\r\n");
    assert_holds(request, "x-auth-token: hush\r\n");
    assert_holds(request, "{\"location_id\":1,\"sku\":\"A\",\"quantity\":1},{\"location_id\":1,"
                          "\"sku\":\"B\",\"quantity\":2}");
    rig_close(&rig);
}

static void a_location_that_is_not_there(void **state) {
    (void)state;
    struct shop_rig rig;
    open_known(&rig);
    rig.items[1].theirs = TEXT("7");
    rig_script(&rig, (const char *const[]){PLACES, TAKEN, NULL});
    rig.platform->send(rig.state, &rig.batch, &rig.call);
    const struct rig_case wanted = {"no location 7",
                                    {NULL},
                                    CHANNEL_CALL_OK,
                                    {CHANNEL_UNCERTAIN, CHANNEL_PARKED, CHANNEL_UNCERTAIN},
                                    NULL};
    rig_judge(&rig, &wanted);
    assert_non_null(strstr(rig.items[1].words.data, "no location 7"));
    rig_close(&rig);
}

#define ROW(sku, quantity)                                                                         \
    "{\"identity\":{\"sku\":\"" sku "\",\"variant_id\":4},\"total_inventory_onhand\":" quantity    \
    ",\"available_to_sell\":0}"
#define ROWS(rows) JSON_ANSWER("200", "{\"data\":[" rows "],\"meta\":{\"pagination\":{}}}")

static void an_old_figure_proves_nothing_at_first(void **state) {
    (void)state;
    struct shop_rig rig;
    open_known(&rig);
    const struct rig_case early = {"early",
                                   {ROWS(ROW("A", "1") "," ROW("b", "9")), NULL},
                                   CHANNEL_CALL_OK,
                                   {CHANNEL_CONFIRMED, CHANNEL_RETRY, CHANNEL_UNMAPPED},
                                   NULL};
    struct rig_case late = early;
    rig_script(&rig, early.answers);
    rig.platform->read_back(rig.state, &rig.batch, &rig.call);
    rig_judge(&rig, &early);
    assert_int_equal(rig.items[0].actual_milli, 1000);
    assert_holds(rig_last(&rig), "GET /v3/inventory/locations/1/items?limit=250&sku:in=A%2CB%2CC ");
    rig.now_us += 10 * US_PER_SECOND;
    rig_fill(&rig, "1");
    late.what = "late";
    late.outcomes[1] = CHANNEL_CONFIRMED;
    rig_script(&rig, late.answers);
    rig.platform->read_back(rig.state, &rig.batch, &rig.call);
    rig_judge(&rig, &late);
    assert_int_equal(rig.items[1].actual_milli, 9000);
    rig_close(&rig);
}

static void reads_all_pages(void **state) {
    (void)state;
    struct shop_rig rig;
    struct rig_found found = {0};
    const struct channel_sink sink = {rig_take, &found};
    open_known(&rig);
    rig_script(&rig,
               (const char *const[]){
                   JSON_ANSWER("200", "{\"data\":[" ROW("A", "5") "],\"meta\":{\"pagination\""
                                                                  ":{\"total_pages\":2}}}"),
                   ANSWER("429", "X-Rate-Limit-Time-Reset-Ms: 1\r\n", "{}"),
                   JSON_ANSWER("200", "{\"data\":[" ROW("B", "-2") "],\"meta\":{\"pagination"
                                                                   "\":{\"total_pages\":2}}}"),
                   NULL});
    rig.platform->read_all(rig.state, &sink, &rig.call);
    assert_int_equal(rig.call.verdict, CHANNEL_CALL_OK);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.sum_milli, 3000);
    assert_string_equal(found.last, "1/B");
    rig_close(&rig);
}

static void refuses_what_cannot_work(void **state) {
    (void)state;
    struct config_report report = {0};
    struct config *config = NULL;
    struct error error = {0};
    void *shop = NULL;
    bool stopping = false;
    const char *const lines[] = {"url: \"https://shop.example\", locations: {NY01: one}",
                                 "url: \"http://shop.example\", locations: {NY01: 1}"};
    const char *const words[] = {"'one' is no number", "for everybody to read"};
    for (size_t i = 0; i < 2; i++) {
        char yaml[256];
        (void)snprintf(yaml, sizeof yaml,
                       "channels:\n  - {name: c, type: bigcommerce, token: \"env:SHOP_TOKEN\", "
                       "%s}\n",
                       lines[i]);
        assert_int_equal(config_load_text(text_from(yaml), "c", &config, &report), STATUS_OK);
        struct shop_rig rig = {.now_us = RIG_NOW_US};
        struct channel_context context = {
            .config = &config->channels[0], .stopping = &stopping, .clock = {rig_clock, &rig}};
        assert_int_equal(channel_platform_bigcommerce.open(&context, &shop, &error),
                         STATUS_BAD_VALUE);
        assert_non_null(strstr(error.detail, words[i]));
        config_free(config);
    }
    config_report_deinit(&report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_of_answers),
        cmocka_unit_test(writes_what_it_is_told),
        cmocka_unit_test(a_location_that_is_not_there),
        cmocka_unit_test(an_old_figure_proves_nothing_at_first),
        cmocka_unit_test(reads_all_pages),
        cmocka_unit_test(refuses_what_cannot_work),
    };
    return cmocka_run_group_tests_name("channel/bigcommerce", tests, NULL, NULL);
}
