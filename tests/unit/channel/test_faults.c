/* A shop that goes wrong in every way there is, at random, while the hub is killed at random: no
 * figure that is sent is older than one that was applied, and when the faults stop the shop shows
 * what it should, within minutes. */
#include "model_shop.h"

#define CELLS 24u

static enum shop_fault often(struct model_shop *shop) {
    uint64_t luck = shop_random(shop, 24);
    return luck < SHOP_GONE ? (enum shop_fault)luck : SHOP_FINE;
}

static void sku_of(unsigned number, char sku[16]) {
    snprintf(sku, 16, "S%u", number);
}

static void change_something(struct shop_world *s) {
    static const char *const locations[] = {"L1", "L2", "L3"};
    char sku[16];
    sku_of((unsigned)shop_random(&the_shop, CELLS), sku);
    shop_sell(s, locations[shop_random(&the_shop, 3)], sku,
              (int64_t)shop_random(&the_shop, 9) - 4 == 0 ? 5
                                                          : (int64_t)shop_random(&the_shop, 5) + 1);
}

static void expect_agreement(struct shop_world *s, uint64_t seed) {
    for (uint32_t place = 0; place < 3; place++) {
        uint32_t count = catalog_product_count(hub_catalog(s->w->hub));
        for (uint32_t product = 1; product <= count; product++) {
            struct wanted_figure figure = publisher_figure(s->p, place, product);
            if (figure.version != 0 && the_shop.cells[place][product].milli != figure.milli)
                fail_msg("seed %llu: place %u product %u shows %lld and should show %lld",
                         (unsigned long long)seed, place, product,
                         (long long)the_shop.cells[place][product].milli, (long long)figure.milli);
        }
    }
    assert_int_equal(outbox_pending(s->p->outbox), 0);
}

/* One step, perhaps with the end of the process in the middle of a request. */
static void step_or_crash(struct shop_world *s) {
    jmp_buf crash;
    if (shop_random(&the_shop, 40) == 0) {
        if (setjmp(crash) != 0) {
            shop_world_crash(s);
            return;
        }
        the_shop.crash = &crash;
    }
    (void)publisher_step(s->p);
    the_shop.crash = NULL;
    outbox_check(s->p->outbox);
    assert_true(outbox_pending(s->p->outbox) <= 3 * CELLS);
}

static void run_seed(uint64_t seed, bool compares) {
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    the_shop.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    the_shop.compares = compares;
    the_shop.next_fault = often;
    for (unsigned i = 0; i < 300; i++) {
        if (shop_random(&the_shop, 2) == 0)
            change_something(&s);
        step_or_crash(&s);
        s.w->now_us += (int64_t)shop_random(&the_shop, 4) * US_PER_SECOND;
        if (shop_random(&the_shop, 80) == 0)
            shop_world_crash(&s);
    }
    the_shop.next_fault = NULL;
    shop_run(&s, 300 * US_PER_SECOND);
    expect_agreement(&s, seed);
    shop_world_close(&s);
}

static void test_random_faults(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 120; seed++)
        run_seed(seed, false);
}

static void test_random_faults_with_compare(void **state) {
    (void)state;
    for (uint64_t seed = 1001; seed <= 1060; seed++)
        run_seed(seed, true);
}

/* ---- two hubs ---- */

static struct leases *leases_of(struct world *w, const char *id) {
    struct leases_options options = {w->hub, text_from(id), 30 * US_PER_SECOND, {world_now, w}};
    return leases_new(&options);
}

/* One of the two does something, or has not for a while: the shop itself watches that nothing older
 * is sent than it applied, and that a doubt which one hub left is read by the other. */
static void turn(struct shop_world *hubs, unsigned *changed_hands) {
    static bool had[2];
    struct shop_world *s = &hubs[shop_random(&the_shop, 2)];
    if (shop_random(&the_shop, 4) != 0)
        ok(s->w, leases_look(s->leases, &s->w->error));
    (void)publisher_step(s->p);
    outbox_check(s->p->outbox);
    bool holds[2] = {publisher_holds(hubs[0].p), publisher_holds(hubs[1].p)};
    assert_false(holds[0] && holds[1]);
    *changed_hands += (holds[0] && had[1]) || (holds[1] && had[0]);
    if (holds[0] || holds[1])
        memcpy(had, holds, sizeof had);
    /* A hub that sleeps for minutes wakes up when the other has taken over. */
    if (shop_random(&the_shop, 60) == 0)
        for (unsigned i = 0; i < 40; i++) {
            s->w->now_us += US_PER_SECOND;
            ok(s->w, leases_look(hubs[s == hubs].leases, &s->w->error));
        }
}

static void run_two_hubs(uint64_t seed, unsigned *changed_hands) {
    struct world *w = world_with(SHOP_YAML(""));
    struct shop_world hubs[2] = {{.w = w, .platform = &platform_model},
                                 {.w = w, .platform = &platform_model}};
    memset(&the_shop, 0, sizeof the_shop);
    log_configure(LOG_ERROR, false);
    the_shop.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    the_shop.next_fault = often;
    for (unsigned i = 0; i < 2; i++) {
        hubs[i].leases = leases_of(w, i == 0 ? "one" : "two");
        ok(w, leases_look(hubs[i].leases, &w->error));
        shop_world_publish(&hubs[i]);
    }
    for (unsigned i = 0; i < 400; i++) {
        if (shop_random(&the_shop, 2) == 0)
            change_something(&hubs[0]);
        turn(hubs, changed_hands);
        w->now_us += (int64_t)shop_random(&the_shop, 3) * US_PER_SECOND;
    }
    the_shop.next_fault = NULL;
    for (unsigned i = 0; i < 900; i++) {
        ok(w, leases_look(hubs[i % 2].leases, &w->error));
        (void)publisher_step(hubs[i % 2].p);
        w->now_us += US_PER_SECOND / 2;
    }
    assert_true(publisher_holds(hubs[0].p) != publisher_holds(hubs[1].p));
    expect_agreement(&hubs[publisher_holds(hubs[0].p) ? 0 : 1], seed);
    for (unsigned i = 0; i < 2; i++) {
        publisher_free(hubs[i].p);
        leases_free(hubs[i].leases);
    }
    world_free(w);
}

static void test_two_hubs(void **state) {
    (void)state;
    unsigned changed_hands = 0;
    for (uint64_t seed = 1; seed <= 30; seed++)
        run_two_hubs(seed, &changed_hands);
    assert_true(changed_hands >= 30);
}

static enum shop_fault away(struct model_shop *shop) {
    (void)shop;
    return SHOP_NOT_REACHED;
}

/* Seven days without an answer: what is kept is bounded by the cells, the shop is not hammered, and
 * it all drains in as many batches as the cells need. */
static void test_seven_days_away(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    the_shop.next_fault = away;
    for (unsigned hour = 0; hour < 7 * 24; hour++) {
        for (unsigned i = 0; i < 12; i++)
            change_something(&s);
        shop_run(&s, 3600 * US_PER_SECOND);
        assert_true(outbox_pending(s.p->outbox) <= 3 * CELLS);
        assert_true(s.p->record.log_bytes < (UINT64_C(8) << 20));
    }
    assert_true(the_shop.sends < 7 * 24 * 90); /* about one a minute */
    size_t pending = outbox_pending(s.p->outbox);
    the_shop.next_fault = NULL;
    the_shop.sends = 0;
    shop_run(&s, 90 * US_PER_SECOND);
    expect_agreement(&s, 0);
    assert_true(the_shop.sends <= pending / 10 + 3);
    shop_world_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_faults),
        cmocka_unit_test(test_random_faults_with_compare),
        cmocka_unit_test(test_two_hubs),
        cmocka_unit_test(test_seven_days_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
