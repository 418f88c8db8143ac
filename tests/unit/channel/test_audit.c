/* An audit: what it calls a difference, what not, what it mends, and what is kept of it. */
#include "model_shop.h"

static const struct channel_sink *the_sink;

static bool show(const char *theirs, const char *sku, int64_t units) {
    struct identifier identifier = {TEXT("sku"), text_from(sku)};
    return the_sink->take(the_sink->context, text_from(theirs), &identifier, units * UNITS);
}

static void (*shown)(void);

static void shop_read_all(void *state, const struct channel_sink *sink, struct channel_call *call) {
    (void)state;
    (void)call;
    the_sink = sink;
    shown();
}

static struct channel_platform readable(void) {
    struct channel_platform platform = platform_model;
    platform.read_all = shop_read_all;
    return platform;
}

static void audit(struct shop_world *s) {
    struct job_report report = {0};
    (void)publisher_audit_run(s->p, &report);
}

static void assert_audit(struct shop_world *s, const char *words) {
    if (strstr(s->p->audit_json.data, words) == NULL)
        fail_msg("no %s in %s", words, s->p->audit_json.data);
}

static void some_wrong(void) {
    assert_true(show("A", "ONE", 5));
    assert_true(show("A", "TWO", 7));    /* should be 6 */
    assert_true(show("B", "ONE", 5));    /* on its way: 4 */
    assert_true(show("A", "HELD", 9));   /* was told 9, will be told 1 */
    assert_true(show("Z", "ONE", 1));    /* no place of ours */
    assert_true(show("A", "NOBODY", 1)); /* no product of ours */
    assert_true(show("A", "ONE", 3));    /* said before */
}

static void test_differences(void **state) {
    (void)state;
    struct channel_platform platform = readable();
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform);
    shop_sell(&s, "L1", "ONE", 5);
    shop_sell(&s, "L1", "TWO", 6);
    shop_sell(&s, "L1", "GONE", 2);
    shop_sell(&s, "L1", "HELD", 9);
    shop_sell(&s, "L2", "ONE", 8);
    shop_run(&s, 60 * US_PER_SECOND);
    publisher_pause(s.p);
    shop_sell(&s, "L2", "ONE", -4);
    shop_sell(&s, "L1", "HELD", -8);
    shop_run(&s, US_PER_SECOND);
    shown = some_wrong;
    audit(&s);
    assert_audit(&s, "\"read\":7,\"agreed\":2,\"drift\":2,\"mended\":1,\"not_ours\":2");
    assert_audit(&s, "\"in_flight\":1,\"changed_at_the_shop\":1,\"never_sent\":0,\"parked\":0,"
                     "\"not_at_the_shop\":1,\"error\":null");
    assert_audit(&s,
                 "{\"location\":\"L1\",\"sku\":\"TWO\",\"wanted\":6,\"actual\":7,"
                 "\"cause\":\"changed_at_the_shop\",\"likely\":\"somebody raised it there, or an "
                 "order that the hub knows of was cancelled\"}");
    assert_audit(&s,
                 "{\"location\":\"L1\",\"sku\":\"GONE\",\"wanted\":2,\"actual\":null,"
                 "\"cause\":\"not_at_the_shop\",\"likely\":\"taken off sale or deleted there\"}");
    shop_cell(&the_shop, shop_place(&s, "L1"), shop_product(&s, "TWO"))->milli = 7 * UNITS;
    publisher_resume(s.p);
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L1", "TWO"), 6);
    assert_int_equal(shop_shows(&s, "L2", "ONE"), 4);
    shop_world_crash(&s); /* what it found is kept */
    assert_audit(&s, "\"drift\":2");
    shop_world_close(&s);
}

static void older_and_lower(void) {
    assert_true(show("A", "OLD", 8)); /* it stood at 8 before a sale */
    assert_true(show("A", "LOW", 5));
    for (unsigned i = 0; i < 30; i++) {
        char sku[16];
        snprintf(sku, sizeof sku, "M%u", i);
        assert_true(show("A", sku, 2));
    }
}

/* What a difference probably comes from: by the cell's own past, and by its direction. Of one
 * channel more differences are told than of each in a list. */
static void test_likely_causes(void **state) {
    (void)state;
    struct channel_platform platform = readable();
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform);
    shop_sell(&s, "L1", "OLD", 8);
    shop_sell(&s, "L1", "LOW", 6);
    for (unsigned i = 0; i < 30; i++) {
        char sku[16];
        snprintf(sku, sizeof sku, "M%u", i);
        shop_sell(&s, "L1", sku, 3);
    }
    shop_run(&s, 10 * US_PER_SECOND);
    shop_sell(&s, "L1", "OLD", -2);
    shop_run(&s, 60 * US_PER_SECOND);
    shown = older_and_lower;
    audit(&s);
    assert_audit(&s, "\"sku\":\"OLD\",\"wanted\":6,\"actual\":8,\"cause\":\"changed_at_the_shop\","
                     "\"likely\":\"an older figure of ours, right until 20");
    assert_audit(&s, "\"sku\":\"LOW\",\"wanted\":6,\"actual\":5,\"cause\":\"changed_at_the_shop\","
                     "\"likely\":\"an order there that the hub was not told of");
    assert_null(strstr(s.p->audit_json.data, "\"sku\":\"M29\""));
    assert_non_null(strstr(s.p->audit_whole.data, "\"sku\":\"M29\""));
    shop_world_crash(&s);
    assert_non_null(strstr(s.p->audit_whole.data, "\"sku\":\"M29\""));
    size_t length = s.p->audit_whole.length;
    ok(s.w, audit_load(s.p, &s.w->error)); /* as when it is taken over from another hub */
    assert_int_equal(s.p->audit_whole.length, length);
    shop_world_close(&s);
}

static void two_wrong(void) {
    assert_true(show("A", "TWO", 7));
}

static void test_mending_is_a_choice(void **state) {
    (void)state;
    struct channel_platform platform = readable();
    struct shop_world s = shop_world_open(SHOP_YAML(", audit_mend: false"), &platform);
    shop_sell(&s, "L1", "TWO", 6);
    shop_run(&s, 60 * US_PER_SECOND);
    unsigned sends = the_shop.sends;
    shown = two_wrong;
    audit(&s);
    assert_audit(&s, "\"drift\":1,\"mended\":0");
    shop_run(&s, 60 * US_PER_SECOND);
    assert_int_equal(the_shop.sends, sends);
    shop_world_close(&s);
}

/* What was told while the audit was reading may be read old: no difference. */
static void test_told_meanwhile(void **state) {
    (void)state;
    struct channel_platform platform = readable();
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform);
    shop_sell(&s, "L1", "TWO", 6);
    shop_run(&s, US_PER_SECOND / 4);
    shown = two_wrong;
    audit(&s);
    assert_audit(&s, "\"drift\":0");
    assert_audit(&s, "\"in_flight\":1");
    shop_world_close(&s);
}

/* Without a way to read everything, what it was told is read back in batches. */
static void test_in_batches(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    char sku[16];
    for (unsigned i = 0; i < 25; i++) {
        snprintf(sku, sizeof sku, "S%u", i);
        shop_sell(&s, "L3", sku, 3);
    }
    shop_run(&s, 60 * US_PER_SECOND);
    shop_cell(&the_shop, shop_place(&s, "L3"), shop_product(&s, "S20"))->milli = 0;
    audit(&s);
    assert_audit(&s, "\"read\":25,\"agreed\":24,\"drift\":1,\"mended\":1");
    assert_int_equal(the_shop.reads, 3);
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L3", "S20"), 3);
    the_shop.script[0] = SHOP_UNAUTHORIZED;
    the_shop.script_count = 1;
    audit(&s);
    assert_audit(&s, "\"error\":\"fault 7\"");
    shop_world_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_differences),         cmocka_unit_test(test_likely_causes),
        cmocka_unit_test(test_mending_is_a_choice), cmocka_unit_test(test_told_meanwhile),
        cmocka_unit_test(test_in_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
