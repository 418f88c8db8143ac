/* HotWax's answers, row by row, and what is made of them; its reset files. */
#include "unit/channel/shop_rig.h"

#define LINE "type: hotwax, token: \"env:SHOP_TOKEN\", locations: {NY01: S1}"
#define MANY 60u

static void open_one(struct shop_rig *rig) {
    rig_open(rig, &channel_platform_hotwax, LINE);
    rig_fill(rig, "S1");
}

#define SHOWS(atp)                                                                                 \
    JSON_ANSWER("200", "{\"count\":\"1\",\"docs\":[{\"facilityId\":\"S1\",\"atp\":" atp "}]}")
#define NOWHERE JSON_ANSWER("200", "{\"count\":\"0\",\"docs\":[]}")
#define ECHO(sku) JSON_ANSWER("200", "{\"idValue\":\"" sku "\",\"webSiteId\":\"W\"}")
#define SAYS(code, body) JSON_ANSWER(code, "{" body "}")
/* What B and C come to when all goes well: told, and shown already. */
#define REST SHOWS("\"0\""), ECHO("B"), SHOWS("3")
#define THEN(outcome)                                                                              \
    { outcome, CHANNEL_CONFIRMED, CHANNEL_CONFIRMED }

static const struct rig_case sends[] = {
    {"done", {SHOWS("0"), ECHO("A"), REST}, CHANNEL_CALL_OK, ALL(CHANNEL_CONFIRMED), NULL},
    {"it has none of it yet",
     {NOWHERE, ECHO("A"), REST},
     CHANNEL_CALL_OK,
     ALL(CHANNEL_CONFIRMED),
     NULL},
    {"200 with an error inside",
     {SHOWS("0"), SAYS("200", "\"_ERROR_MESSAGE_\":\"Product not found\""), REST},
     CHANNEL_CALL_OK,
     THEN(CHANNEL_PARKED),
     "200: Product not found"},
    {"an unknown facility",
     {SHOWS("0"), SAYS("400", "\"errorMessage\":\"Facility S1 not found\""), REST},
     CHANNEL_CALL_OK,
     THEN(CHANNEL_PARKED),
     "400: Facility S1 not found"},
    {"errors as a list",
     {SHOWS("0"), SAYS("200", "\"errors\":[\"not today\"]"), REST},
     CHANNEL_CALL_OK,
     THEN(CHANNEL_PARKED),
     "not today"},
    {"an error without words",
     {SHOWS("0"), SAYS("200", "\"error\":{}"), REST},
     CHANNEL_CALL_OK,
     THEN(CHANNEL_PARKED),
     "without words"},
    {"HTML for an update",
     {SHOWS("0"), ANSWER("200", "", "<html>"), REST},
     CHANNEL_CALL_OK,
     THEN(CHANNEL_UNCERTAIN),
     "not an answer"},
    {"half an echo",
     {SHOWS("0"), JSON_ANSWER("200", "{\"idValue\":\"A"), REST},
     CHANNEL_CALL_OK,
     THEN(CHANNEL_UNCERTAIN),
     "not an answer"},
    {"the echo of another",
     {SHOWS("0"), ECHO("B"), REST},
     CHANNEL_CALL_OK,
     THEN(CHANNEL_UNCERTAIN),
     "not echoed"},
    {"failed at the first",
     {SHOWS("0"), ANSWER("500", "", "")},
     CHANNEL_CALL_UNCERTAIN,
     {0},
     "500"},
    {"failed at the second: the first counts",
     {SHOWS("0"), ECHO("A"), SHOWS("0"), ANSWER("500", "", "")},
     CHANNEL_CALL_OK,
     {CHANNEL_CONFIRMED, CHANNEL_UNCERTAIN, CHANNEL_RETRY},
     "500"},
    {"cannot read the second",
     {SHOWS("0"), ECHO("A"), ANSWER("500", "", "")},
     CHANNEL_CALL_OK,
     {CHANNEL_CONFIRMED, CHANNEL_RETRY, CHANNEL_RETRY},
     "500"},
    {"too many requests",
     {ANSWER("429", "Retry-After: 2\r\n", "")},
     CHANNEL_CALL_THROTTLED,
     {0},
     "429"},
    {"credentials", {ANSWER("401", "", "{}")}, CHANNEL_CALL_UNAUTHORIZED, {0}, "401"},
    {"credentials for writing",
     {SHOWS("0"), ANSWER("403", "", "{}")},
     CHANNEL_CALL_UNAUTHORIZED,
     {0},
     "403"},
    {"HTML", {ANSWER("200", "", "<html>")}, CHANNEL_CALL_NOT_SENT, {0}, "<html>"},
    {"half a reading",
     {ANSWER("200", "Content-Length: 99\r\n", "{\"docs\":[")},
     CHANNEL_CALL_NOT_SENT,
     {0},
     NULL},
    {"no figure", {SHOWS("\"some\"")}, CHANNEL_CALL_NOT_SENT, {0}, "no quantity"},
    {"moved",
     {ANSWER("302", "Location: http://169.254.169.254/\r\n", "")},
     CHANNEL_CALL_NOT_SENT,
     {0},
     "redirected"},
    {"it does not know the product",
     {ANSWER("404", "", "no such"), REST},
     CHANNEL_CALL_OK,
     THEN(CHANNEL_UNMAPPED),
     "404: no such"},
    {"it refuses the question",
     {ANSWER("422", "", "ask better"), REST},
     CHANNEL_CALL_OK,
     THEN(CHANNEL_PARKED),
     "ask better"},
};

static void makes_of_answers(void **state) {
    (void)state;
    RIG_PLAY(open_one, sends, false, NULL);
}

static void writes_the_difference(void **state) {
    (void)state;
    struct shop_rig rig;
    open_one(&rig);
    rig.batch.count = 1;
    rig.items[0].quantity_milli = 1500;
    rig_script(&rig, (const char *const[]){SHOWS("4"), ECHO("A"), NULL});
    rig.platform->send(rig.state, &rig.batch, &rig.call);
    assert_holds(fake_http_request(rig.server, 0),
                 "GET /api/checkInventory?productId=A&facilityId=S1 ");
    assert_holds(rig_last(&rig), "POST /api/service/updateInventoryByIdentification HTTP/1.1\r\n");
    assert_holds(rig_last(&rig), "authorization: Bearer hush\r\n");
    assert_holds(rig_last(&rig), "\"availableDelta\":-2.5,");
    rig_close(&rig);
}

/* A figure that is not the one we left there is nobody's to overwrite. */
static void leaves_what_others_did(void **state) {
    (void)state;
    struct shop_rig rig;
    open_one(&rig);
    rig.batch.count = 1;
    rig.items[0].told_milli = 9000;
    rig_script(&rig, (const char *const[]){SHOWS("7"), NULL});
    rig.platform->send(rig.state, &rig.batch, &rig.call);
    assert_int_equal(rig.items[0].outcome, CHANNEL_STALE);
    assert_int_equal(rig.items[0].actual_milli, 7000);
    assert_int_equal(fake_http_request_count(rig.server), 1);
    rig_close(&rig);
}

/* ---- files ---- */

static void open_uploading(struct shop_rig *rig, struct channel_item *items) {
    rig_open(rig, &channel_platform_hotwax, LINE ", upload: RESET_INVENTORY");
    rig_fill(rig, "S1");
    for (size_t i = 0; i < MANY; i++) {
        items[i] = rig->items[0];
        items[i].sku = arena_format(&rig->arena, "F%zu", i);
        items[i].quantity_milli = (int64_t)i * 1000 + 500;
    }
    items[1].sku = TEXT("a,\"b\"\nc");
    memcpy(rig->batch.key, "key-1", sizeof "key-1");
    rig->batch.items = items;
    rig->batch.count = MANY;
}

static const struct {
    const char *what, *answer;
    enum channel_verdict verdict;
    bool waits; /* everything of it is in doubt */
    const char *words;
} uploads[] = {
    {"taken", JSON_ANSWER("200", "{\"logId\":\"10001\"}"), CHANNEL_CALL_OK, true, NULL},
    {"taken, by number", JSON_ANSWER("200", "{\"logId\":10001}"), CHANNEL_CALL_OK, true, NULL},
    {"refused", SAYS("400", "\"errors\":\"no such config\""), CHANNEL_CALL_THROTTLED, false,
     "no such config"},
    {"refused in 200", SAYS("200", "\"errors\":\"no such config\""), CHANNEL_CALL_THROTTLED, false,
     "check `upload`"},
    {"not there", ANSWER("404", "", "<html>"), CHANNEL_CALL_THROTTLED, false, "404"},
    {"HTML", ANSWER("200", "", "<html>"), CHANNEL_CALL_UNCERTAIN, true, "logId"},
    {"a name that leads elsewhere", JSON_ANSWER("200", "{\"logId\":\"../../x\"}"),
     CHANNEL_CALL_UNCERTAIN, true, "logId"},
    {"failed", ANSWER("500", "", ""), CHANNEL_CALL_UNCERTAIN, false, "500"},
    {"not for us", ANSWER("401", "", ""), CHANNEL_CALL_UNAUTHORIZED, false, "401"},
};

static void many_go_as_a_file(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof uploads / sizeof uploads[0]; i++) {
        struct shop_rig rig;
        struct channel_item items[MANY];
        open_uploading(&rig, items);
        rig_script(&rig, (const char *const[]){uploads[i].answer, NULL});
        rig.platform->send(rig.state, &rig.batch, &rig.call);
        if (rig.call.verdict != uploads[i].verdict)
            fail_msg("%s: verdict %d, %s", uploads[i].what, (int)rig.call.verdict, rig.call.words);
        for (size_t k = 0; k < MANY && uploads[i].waits; k++)
            assert_int_equal(items[k].outcome, CHANNEL_UNCERTAIN);
        if (uploads[i].words != NULL && strstr(rig.call.words, uploads[i].words) == NULL)
            fail_msg("%s: %s", uploads[i].what, rig.call.words);
        assert_int_equal(fake_http_request_count(rig.server), 1);
        const struct fake_request *request = rig_last(&rig);
        assert_holds(request, "POST /rest/s1/admin/uploadDataManagerFile HTTP/1.1\r\n");
        assert_holds(request, "multipart/form-data; boundary=onhand-key-1\r\n");
        assert_holds(request, "name=\"configId\"\r\n\r\nRESET_INVENTORY\r\n--onhand-key-1\r\n");
        assert_holds(request, "\r\n\r\nfacilityId,locationSeqId,idType,idValue,availableQty\n"
                              "S1,TLTLTLLL01,SKU,F0,0.5\n"
                              "S1,TLTLTLLL01,SKU,\"a,\"\"b\"\"\nc\",1.5\n");
        assert_holds(request, "S1,TLTLTLLL01,SKU,F59,59.5\n\r\n--onhand-key-1--\r\n");
        rig_close(&rig);
    }
}

#define IMPORT(status, failed)                                                                     \
    JSON_ANSWER("200",                                                                             \
                "{\"logId\":\"7\",\"statusId\":\"" status "\",\"failedRecordCount\":" failed "}")

/* Each look at the file, one after the other: what it says, and what a reading comes to. */
static void nothing_is_read_before_the_import_has_ended(void **state) {
    (void)state;
    static const struct {
        const char *answers[4];
        enum channel_verdict verdict;
        enum channel_outcome outcome;
    } looks[] = {
        {{IMPORT("DmlsPending", "0")}, CHANNEL_CALL_OK, CHANNEL_RETRY},
        {{ANSWER("500", "", "")}, CHANNEL_CALL_NOT_SENT, CHANNEL_UNANSWERED},
        {{ANSWER("200", "", "<html>")}, CHANNEL_CALL_NOT_SENT, CHANNEL_UNANSWERED},
        {{JSON_ANSWER("200", "[{\"statusId\":\"DmlsQueued\"}]")}, CHANNEL_CALL_OK, CHANNEL_RETRY},
        {{IMPORT("DmlsRunning", "0")}, CHANNEL_CALL_OK, CHANNEL_RETRY},
        {{IMPORT("DmlsFinished", "2"), SHOWS("1"), SHOWS("9"), SHOWS("3")},
         CHANNEL_CALL_OK,
         CHANNEL_CONFIRMED},
    };
    struct shop_rig rig;
    struct channel_item items[MANY];
    open_uploading(&rig, items);
    rig_script(&rig, (const char *const[]){JSON_ANSWER("200", "{\"logId\":\"7\"}"), NULL});
    rig.platform->send(rig.state, &rig.batch, &rig.call);
    rig.now_us += 20 * US_PER_SECOND; /* long after it was opened */
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        rig.now_us += 2 * US_PER_SECOND;
        rig_fill(&rig, "S1");
        for (size_t k = 0; k < 4 && looks[i].answers[k] != NULL; k++)
            rig_script(&rig, (const char *const[]){looks[i].answers[k], NULL});
        rig.platform->read_back(rig.state, &rig.batch, &rig.call);
        if (rig.call.verdict != looks[i].verdict || rig.items[0].outcome != looks[i].outcome)
            fail_msg("look %zu: verdict %d (%s), outcome %d", i, (int)rig.call.verdict,
                     rig.call.words, (int)rig.items[0].outcome);
    }
    assert_int_equal(rig.items[1].actual_milli, 9000);
    /* Rows were refused: so many as before go one by one for a while. */
    rig_fill(&rig, "S1");
    rig.batch.items = items;
    rig.batch.count = MANY;
    rig.platform->send(rig.state, &rig.batch, &rig.call);
    assert_int_equal(rig.call.verdict, CHANNEL_CALL_THROTTLED);
    assert_int_equal(rig.call.next_items, 50);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_of_answers),
        cmocka_unit_test(writes_the_difference),
        cmocka_unit_test(leaves_what_others_did),
        cmocka_unit_test(many_go_as_a_file),
        cmocka_unit_test(nothing_is_read_before_the_import_has_ended),
    };
    return cmocka_run_group_tests_name("channel/hotwax", tests, NULL, NULL);
}
