/* What a shop does in its own time, and what it says of its own accord: both make the publisher
 * look, and neither makes it believe. */
#include "model_shop.h"

#define MINUTE (60 * US_PER_SECOND)

static struct {
    int64_t tend_us, doubt_since_us; /* what the next call of tend says; doubt once */
    unsigned tended;
} queue;

static void tend(void *state, struct arena *arena, struct channel_call *call) {
    (void)state;
    (void)arena;
    queue.tended++;
    call->tend_us = queue.tend_us;
    call->doubt_since_us = queue.doubt_since_us;
    queue.doubt_since_us = 0;
}

/* "A 7": at the place A seven, of the SKU that is the topic. */
static enum status hint(const struct channel_context *context, struct text topic, struct text body,
                        struct arena *arena, struct channel_hint *hint_out, struct error *error) {
    (void)context;
    (void)arena;
    if (body.length == 0)
        return STATUS_END;
    if (body.length != 3)
        return error_set(error, STATUS_BAD_JSON, "three characters");
    *hint_out = (struct channel_hint){
        .theirs = {body.data, 1}, .sku = topic, .actual_milli = (body.data[2] - '0') * UNITS};
    return STATUS_OK;
}

static struct channel_platform platform;

static struct shop_world begin(void) {
    memset(&queue, 0, sizeof queue);
    platform = platform_model;
    platform.tend = tend;
    platform.hint = hint;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform);
    the_shop.compares = true;
    shop_sell(&s, "L1", "A", 9);
    shop_sell(&s, "L2", "A", 5);
    shop_run(&s, US_PER_SECOND);
    return s;
}

static struct shop_cell *at_l1(struct shop_world *s) {
    return shop_cell(&the_shop, shop_place(s, "L1"), shop_product(s, "A"));
}

static void test_tends_when_asked_to(void **state) {
    (void)state;
    struct shop_world s = begin();
    assert_int_equal(queue.tended, 1); /* once it is open, and never again without being asked */
    shop_run(&s, MINUTE);
    assert_int_equal(queue.tended, 1);
    shop_world_close(&s);
}

static void test_late_overwriting_is_mended_at_once(void **state) {
    (void)state;
    struct shop_world s = begin();
    unsigned reads = the_shop.reads;
    shop_run(&s, MINUTE);
    int64_t told_us = s.w->now_us;
    shop_sell(&s, "L1", "A", -2);
    shop_run(&s, US_PER_SECOND);
    at_l1(&s)->milli = 9 * UNITS; /* something old was applied */
    s.p->tend_us = 0;
    queue.doubt_since_us = told_us;
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L1", "A"), 7);
    assert_int_equal(the_shop.reads, reads + 1); /* of L1 alone: L2 was told before */
    shop_world_close(&s);
}

static bool hinted(struct shop_world *s, const char *sku, const char *body) {
    struct arena arena = {0};
    struct error error = {0};
    bool is_read = false;
    assert_int_equal(
        publisher_hint(s->p, text_from(sku), text_from(body), &arena, &is_read, &error), STATUS_OK);
    arena_deinit(&arena);
    return is_read;
}

static void test_a_hint_is_read(void **state) {
    (void)state;
    struct shop_world s = begin();
    struct arena arena = {0};
    struct error error = {0};
    bool is_read = true;
    unsigned reads = the_shop.reads;
    assert_false(hinted(&s, "A", "A 9")); /* that is what we told */
    assert_false(hinted(&s, "B", "A 1")); /* none of ours */
    assert_false(hinted(&s, "A", "Z 1")); /* nowhere */
    assert_int_equal(publisher_hint(s.p, TEXT("A"), TEXT(""), &arena, &is_read, &error),
                     STATUS_END);
    assert_false(is_read);
    assert_int_equal(publisher_hint(s.p, TEXT("A"), TEXT("?"), &arena, &is_read, &error),
                     STATUS_BAD_JSON);
    shop_run(&s, MINUTE);
    assert_int_equal(the_shop.reads, reads);
    assert_true(hinted(&s, "A", "A 3")); /* an old word: it shows what it should */
    assert_false(hinted(&s, "A", "A 3"));
    shop_run(&s, MINUTE);
    assert_int_equal(the_shop.reads, reads + 1);
    assert_int_equal(shop_shows(&s, "L1", "A"), 9);
    arena_deinit(&arena);
    shop_world_close(&s);
}

static void test_a_sale_there_waits_for_its_order(void **state) {
    (void)state;
    for (int told = 0; told <= 1; told++) {
        struct shop_world s = begin();
        unsigned sends = the_shop.sends;
        at_l1(&s)->milli = 7 * UNITS;
        assert_true(hinted(&s, "A", "A 7"));
        shop_run(&s, 10 * US_PER_SECOND);
        assert_int_equal(shop_shows(&s, "L1", "A"), 7);
        if (told)
            shop_sell(&s, "L1", "A", -2);
        shop_run(&s, MINUTE);
        assert_int_equal(shop_shows(&s, "L1", "A"), told ? 7 : 9);
        assert_int_equal(the_shop.sends, told ? sends : sends + 1);
        shop_world_close(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tends_when_asked_to),
        cmocka_unit_test(test_late_overwriting_is_mended_at_once),
        cmocka_unit_test(test_a_hint_is_read),
        cmocka_unit_test(test_a_sale_there_waits_for_its_order),
    };
    return cmocka_run_group_tests_name("channel/publisher_hint", tests, NULL, NULL);
}
