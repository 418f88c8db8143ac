/* Adobe Commerce's answers, row by row, and what is made of them; signatures against figures worked
 * out by another program. */
#include "unit/channel/shop_rig.h"

#include "channel/magento_internal.h"

#define LINE "type: magento, token: \"env:SHOP_TOKEN\", locations: {NY01: ny}, settle: 10s"
#define SOURCE JSON_ANSWER("200", "{\"source_code\":\"ny\",\"name\":\"New York\"}")

static void open_known(struct shop_rig *rig) {
    rig_open(rig, &channel_platform_magento, LINE);
    channel_note_put(rig->context.notes, TEXT("sku:A"), TEXT("a"));
    channel_note_put(rig->context.notes, TEXT("sku:B"), TEXT("B"));
    channel_note_put(rig->context.notes, TEXT("sku:C"), TEXT("C"));
    rig_fill(rig, "ny");
}

static const struct rig_case sends[] = {
    {"done", {SOURCE, JSON_ANSWER("200", "[]")}, CHANNEL_CALL_OK, ALL(CHANNEL_CONFIRMED), NULL},
    {"one is wrong, all are refused",
     {SOURCE, JSON_ANSWER("400", "{\"message\":\"Validation Failed\",\"errors\":[{\"message\":"
                                 "\"no\"}]}")},
     CHANNEL_CALL_REFUSED,
     {0},
     "Validation Failed"},
    {"no such source",
     {JSON_ANSWER("404", "{\"message\":\"Source with code %value\"}")},
     CHANNEL_CALL_OK,
     ALL(CHANNEL_PARKED),
     "the shop has no source 'ny'"},
    {"another address", {ANSWER("404", "", "<html>")}, CHANNEL_CALL_NOT_SENT, {0}, "is url"},
    {"HTML", {SOURCE, ANSWER("200", "", "<html>")}, CHANNEL_CALL_UNCERTAIN, {0}, "<html>"},
    {"HTML with 404", {SOURCE, ANSWER("404", "", "<html>")}, CHANNEL_CALL_UNCERTAIN, {0}, "<html>"},
    {"not an empty list", {SOURCE, JSON_ANSWER("200", "[1]")}, CHANNEL_CALL_UNCERTAIN, {0}, NULL},
    {"cut off", {SOURCE, JSON_ANSWER("200", "[")}, CHANNEL_CALL_UNCERTAIN, {0}, NULL},
    {"failed", {SOURCE, ANSWER("500", "", "")}, CHANNEL_CALL_UNCERTAIN, {0}, "500"},
    {"not for us", {ANSWER("401", "", "{}")}, CHANNEL_CALL_UNAUTHORIZED, {0}, "401"},
    {"the source cannot be asked for", {ANSWER("503", "", "")}, CHANNEL_CALL_NOT_SENT, {0}, "503"},
};

static void makes_of_answers(void **state) {
    (void)state;
    RIG_PLAY(open_known, sends, false, NULL);
}

static void writes_what_it_is_told(void **state) {
    (void)state;
    struct shop_rig rig;
    open_known(&rig);
    rig.items[0].quantity_milli = 1250;
    rig_script(&rig, (const char *const[]){SOURCE, JSON_ANSWER("200", "[]"), NULL});
    rig.platform->send(rig.state, &rig.batch, &rig.call);
    assert_holds(fake_http_request(rig.server, 0), "GET /rest/all/V1/inventory/sources/ny ");
    assert_holds(rig_last(&rig), "POST /rest/all/V1/inventory/source-items HTTP/1.1\r\n");
    assert_holds(rig_last(&rig), "authorization: Bearer hush\r\n");
    assert_holds(rig_last(&rig), "{\"sourceItems\":[{\"sku\":\"a\",\"source_code\":\"ny\","
                                 "\"quantity\":1.25,\"status\":1},");
    rig_close(&rig);
}

#define STATUSES(list) JSON_ANSWER("200", "{\"operations_list\":[" list "]}")
#define FIGURES(a)                                                                                 \
    JSON_ANSWER("200", "{\"items\":[{\"sku\":\"a\",\"source_code\":\"ny\",\"quantity\":" a         \
                       "},{\"sku\":\"B\",\"source_code\":\"ny\",\"quantity\":2.0000},{\"sku\":"    \
                       "\"C\",\"source_code\":\"else\",\"quantity\":3}],\"total_count\":3}")

/* A bulk that another hub of this data had sent before it was killed. */
static void waits_for_bulks(void **state) {
    (void)state;
    struct shop_rig rig;
    open_known(&rig);
    channel_note_put(rig.context.notes, TEXT("bulk:0"),
                     arena_format(&rig.arena, "11-aa %lld", (long long)RIG_NOW_US));
    rig.platform->close(rig.state);
    struct error error = {0};
    assert_int_equal(rig.platform->open(&rig.context, &rig.state, &error), STATUS_OK);
    const struct rig_case open = {"open",
                                  {STATUSES("{\"id\":0,\"status\":1},{\"id\":1,\"status\":4}")},
                                  CHANNEL_CALL_OK,
                                  ALL(CHANNEL_RETRY),
                                  "queue"};
    rig_script(&rig, open.answers);
    rig.platform->read_back(rig.state, &rig.batch, &rig.call);
    rig_judge(&rig, &open);
    assert_holds(rig_last(&rig), "GET /rest/all/V1/bulk/11-aa/detailed-status ");
    rig.now_us += 11 * US_PER_SECOND;
    rig_fill(&rig, "ny");
    const struct rig_case closed = {
        "closed",
        {STATUSES("{\"id\":0,\"status\":1},{\"id\":1,\"status\":3}"), FIGURES("1"), NULL},
        CHANNEL_CALL_OK,
        ALL(CHANNEL_CONFIRMED),
        NULL};
    rig_script(&rig, closed.answers);
    rig.platform->read_back(rig.state, &rig.batch, &rig.call);
    rig_judge(&rig, &closed);
    assert_int_equal(rig.items[0].actual_milli, 1000);
    assert_int_equal(rig.items[1].actual_milli, 2000);
    assert_int_equal(rig.items[2].actual_milli, 0); /* at another source only */
    assert_int_equal(channel_note_get(rig.context.notes, TEXT("bulk:0")).length, 0);
    rig_close(&rig);
}

/* Nobody works the queue off: after five minutes it is not waited for any more. */
static void waits_within_bounds(void **state) {
    (void)state;
    struct shop_rig rig;
    open_known(&rig);
    channel_note_put(
        rig.context.notes, TEXT("bulk:0"),
        arena_format(&rig.arena, "11-aa %lld", (long long)(RIG_NOW_US - 301 * US_PER_SECOND)));
    rig.platform->close(rig.state);
    struct error error = {0};
    assert_int_equal(rig.platform->open(&rig.context, &rig.state, &error), STATUS_OK);
    const struct rig_case wanted = {"given up",
                                    {FIGURES("1"), NULL},
                                    CHANNEL_CALL_OK,
                                    {CHANNEL_CONFIRMED, CHANNEL_CONFIRMED, CHANNEL_RETRY},
                                    NULL};
    rig_script(&rig, wanted.answers);
    rig.platform->read_back(rig.state, &rig.batch, &rig.call);
    rig_judge(&rig, &wanted);
    rig_close(&rig);
}

static void signs_requests(void **state) {
    (void)state;
    const struct {
        const char *method, *url, *signature;
    } rows[] = {
        {"POST", "https://shop.example/rest/all/V1/inventory/source-items",
         "6G1S%2FkBkMMAGk99snCErQJ6kdsROUy3SNXJ83%2BqRY50%3D"},
        {"GET",
         "https://shop.example/rest/all/V1/"
         "products?b=2&a=1&a=%2C%20x&searchCriteria%5BpageSize%5D=100",
         "Z88MUuXt1kFR8p5W%2F2UUNmDec516gia%2FxzOsyIWkdaY%3D"},
        {"GET", "http://127.0.0.1:8080/rest/V1/x?empty=",
         "7btp3qt4mzyQJyiyyaOQLkyeebNPNXqD0WMJNcPS3%2Fc%3D"},
    };
    const struct magento_oauth oauth = {TEXT("key"),       TEXT("se&cret"), TEXT("token"),
                                        TEXT("to ken/se"), TEXT("abc123"),  1795467905};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer out = {0};
        char part[128];
        magento_oauth_sign(&oauth, rows[i].method, text_from(rows[i].url), &out);
        (void)snprintf(part, sizeof part, "oauth_signature=\"%s\"", rows[i].signature);
        if (strstr(out.data, part) == NULL)
            fail_msg("%s: %s", rows[i].url, out.data);
        assert_memory_equal(out.data, "OAuth oauth_consumer_key=\"key\", ", 32);
        buffer_deinit(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_of_answers), cmocka_unit_test(writes_what_it_is_told),
        cmocka_unit_test(waits_for_bulks),  cmocka_unit_test(waits_within_bounds),
        cmocka_unit_test(signs_requests),
    };
    return cmocka_run_group_tests_name("channel/magento", tests, NULL, NULL);
}
