/* A publisher step by step, against a shop that does what the test says. */
#include "model_shop.h"

#include "hub/products.h"

#define MINUTE (60 * US_PER_SECOND)

static void test_newest_figure_once(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    for (unsigned i = 0; i < 50; i++)
        shop_sell(&s, "L1", "A", 1);
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L1", "A"), 50);
    assert_int_equal(the_shop.items, 1);
    shop_sell(&s, "L1", "A", 1);
    shop_sell(&s, "L1", "A", -1);
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(the_shop.items, 1); /* it shows that already */
    shop_sell(&s, "elsewhere", "A", 1);
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(the_shop.items, 1); /* not a location of this channel */
    shop_world_close(&s);
}

static void test_decreases_go_first(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    char sku[16];
    for (unsigned i = 0; i < 15; i++) {
        snprintf(sku, sizeof sku, "S%u", i);
        shop_sell(&s, "L1", sku, 10);
    }
    shop_run(&s, US_PER_SECOND);
    publisher_pause(s.p);
    for (unsigned i = 0; i < 14; i++) {
        snprintf(sku, sizeof sku, "S%u", i);
        shop_sell(&s, "L1", sku, 1);
        shop_run(&s, US_PER_SECOND);
    }
    shop_sell(&s, "L1", "S14", -1);
    shop_run(&s, US_PER_SECOND);
    unsigned sends = the_shop.sends;
    publisher_resume(s.p);
    (void)publisher_step(s.p);
    assert_int_equal(the_shop.sends, sends + 1);
    assert_int_equal(the_shop.products_sent[0], shop_product(&s, "S14"));
    assert_int_equal(the_shop.products_sent[1], shop_product(&s, "S0")); /* then the oldest */
    assert_int_equal(the_shop.batch_largest, 10);
    shop_world_close(&s);
}

static void test_same_key_while_nothing_changed(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    shop_sell(&s, "L1", "A", 3);
    the_shop.script[0] = the_shop.script[1] = SHOP_NOT_REACHED;
    the_shop.script_count = 2;
    shop_run(&s, US_PER_SECOND / 2);
    assert_int_equal(the_shop.sends, 1);
    shop_run(&s, 2 * US_PER_SECOND);
    assert_int_equal(the_shop.sends, 2);
    assert_string_equal(the_shop.last_key, the_shop.key_before);
    shop_sell(&s, "L1", "A", -1);
    shop_run(&s, MINUTE);
    assert_int_equal(the_shop.sends, 3);
    assert_string_not_equal(the_shop.last_key, the_shop.key_before);
    assert_int_equal(shop_shows(&s, "L1", "A"), 2);
    shop_world_close(&s);
}

static void test_doubt_is_read_back(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    shop_sell(&s, "L1", "A", 3);
    the_shop.script[0] = SHOP_APPLIED;
    the_shop.script_count = 1;
    shop_run(&s, 10 * US_PER_SECOND);
    assert_int_equal(the_shop.sends, 1); /* the reading says that it arrived */
    assert_int_equal(the_shop.reads, 1);
    assert_int_equal(shop_view(&s, "L1", "A").state, OUTBOX_VERIFYING);
    shop_run(&s, MINUTE);
    assert_int_equal(the_shop.reads, 2);
    assert_int_equal(shop_view(&s, "L1", "A").state, OUTBOX_CLEAN);
    shop_sell(&s, "L1", "A", 1);
    the_shop.script[0] = SHOP_LOST;
    the_shop.script_count = 1;
    shop_run(&s, MINUTE);
    assert_int_equal(shop_shows(&s, "L1", "A"), 4);
    shop_world_close(&s);
}

static void test_culprit_is_found(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    char sku[16];
    the_shop.refuses_whole_batches = true;
    for (unsigned i = 0; i < 10; i++) {
        snprintf(sku, sizeof sku, "S%u", i);
        shop_sell(&s, "L2", sku, 4);
    }
    the_shop.poison = shop_product(&s, "S6");
    shop_run(&s, US_PER_SECOND);
    for (unsigned i = 0; i < 10; i++) {
        snprintf(sku, sizeof sku, "S%u", i);
        assert_int_equal(shop_shows(&s, "L2", sku), i == 6 ? 0 : 4);
    }
    assert_true(the_shop.sends <= 9);
    struct outbox_view view = shop_view(&s, "L2", "S6");
    assert_int_equal(view.state, OUTBOX_PARKED);
    assert_true(text_equal_string(view.words, "somebody is poison"));
    unsigned sends = the_shop.sends;
    shop_world_crash(&s); /* parked is kept */
    shop_run(&s, MINUTE);
    assert_int_equal(the_shop.sends, sends);
    assert_true(text_equal_string(shop_view(&s, "L2", "S6").words, "somebody is poison"));
    the_shop.poison = 0;
    shop_sell(&s, "L2", "S6", -1); /* it changes: worth another try */
    shop_run(&s, MINUTE);
    assert_int_equal(shop_shows(&s, "L2", "S6"), 3);
    shop_world_close(&s);
}

/* A listener that refuses whatever comes is broken: its items are not parked one by one. */
static void test_all_are_refused(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    char sku[16];
    the_shop.refuses_whole_batches = the_shop.refuses_all = true;
    for (unsigned i = 0; i < 40; i++) {
        snprintf(sku, sizeof sku, "S%u", i);
        shop_sell(&s, "L2", sku, 4);
    }
    shop_run(&s, 5 * MINUTE);
    assert_int_equal(outbox_count(s.p->outbox, OUTBOX_PARKED), 3);
    assert_true(the_shop.sends < 40);
    the_shop.refuses_all = false;
    shop_run(&s, 5 * MINUTE);
    assert_int_equal(outbox_pending(s.p->outbox), 0);
    assert_int_equal(outbox_told_count(s.p->outbox), 37);
    assert_int_equal(publisher_retry(s.p, 0, 0), 3);
    shop_run(&s, MINUTE);
    assert_int_equal(outbox_told_count(s.p->outbox), 40);
    shop_world_close(&s);
}

static void test_unknown_there_is_left_out(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    shop_sell(&s, "L1", "A", 1);
    the_shop.unknown = shop_product(&s, "A");
    shop_run(&s, MINUTE);
    unsigned sends = the_shop.sends;
    shop_sell(&s, "L1", "A", 1);
    shop_world_crash(&s);
    shop_run(&s, 23 * 60 * MINUTE);
    assert_int_equal(the_shop.sends, sends);
    the_shop.unknown = 0;
    shop_run(&s, 2 * 60 * MINUTE); /* looked for again after a day */
    assert_int_equal(shop_shows(&s, "L1", "A"), 2);
    shop_world_close(&s);
}

static void test_stale_lower_at_once_higher_later(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    the_shop.compares = true;
    shop_sell(&s, "L1", "A", 10);
    shop_run(&s, US_PER_SECOND);
    struct shop_cell *cell = shop_cell(&the_shop, shop_place(&s, "L1"), shop_product(&s, "A"));
    cell->milli = 9 * UNITS; /* a web sale there that the books do not know */
    shop_sell(&s, "L1", "A", -3);
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L1", "A"), 7);
    cell->milli = 2 * UNITS;
    shop_sell(&s, "L1", "A", 1);
    shop_run(&s, 5 * US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L1", "A"), 2); /* 8 would undo five sales: not at once */
    shop_sell(&s, "L1", "A", -6);                   /* the order arrives */
    shop_run(&s, MINUTE);
    assert_int_equal(shop_shows(&s, "L1", "A"), 2);
    shop_world_close(&s);
}

static void test_increases_wait(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(", increases: {after: 5m}"), &platform_model);
    shop_sell(&s, "L1", "A", 5); /* the first figure is no increase */
    shop_run(&s, US_PER_SECOND);
    shop_sell(&s, "L1", "A", 4);
    shop_run(&s, 4 * MINUTE);
    assert_int_equal(shop_shows(&s, "L1", "A"), 5);
    shop_sell(&s, "L1", "A", -6); /* a decrease never waits */
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L1", "A"), 3);
    shop_sell(&s, "L1", "A", 1);
    shop_run(&s, 6 * MINUTE);
    assert_int_equal(shop_shows(&s, "L1", "A"), 4);
    shop_world_close(&s);
}

static void count(struct shop_world *s, const char *location, const char *sku, int64_t units) {
    struct stated_row row = row_of(location, sku, units);
    struct reset_params params = full_at(s->w->now_us);
    params.guard_off = true;
    send(s->w, params, &row, 1);
}

static void test_increases_confirmed_by_reset(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(", increases: confirmed"), &platform_model);
    shop_sell(&s, "L1", "A", 5);
    shop_run(&s, MINUTE);
    shop_sell(&s, "L1", "A", 4);
    shop_run(&s, 24 * 60 * MINUTE);
    assert_int_equal(shop_shows(&s, "L1", "A"), 5);
    count(&s, "L1", "A", 9); /* changes nothing, and confirms it */
    shop_run(&s, MINUTE);
    assert_int_equal(shop_shows(&s, "L1", "A"), 9);
    count(&s, "L1", "A", 12); /* raises it itself */
    s.w->now_us += MINUTE;    /* it was counted a while ago */
    shop_run(&s, MINUTE);
    assert_int_equal(shop_shows(&s, "L1", "A"), 12);
    shop_world_close(&s);
}

static void test_waits_within_bounds(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    shop_sell(&s, "L1", "A", 5);
    the_shop.script[0] = SHOP_THROTTLED;
    the_shop.script_count = 1;
    the_shop.next_us = INT64_MAX; /* until the end of the world */
    (void)publisher_step(s.p);
    the_shop.next_us = 0;
    shop_run(&s, 14 * MINUTE);
    assert_int_equal(the_shop.sends, 1);
    shop_run(&s, 2 * MINUTE);
    assert_int_equal(shop_shows(&s, "L1", "A"), 5);
    the_shop.script[0] = SHOP_THROTTLED;
    the_shop.script_count = 1;
    the_shop.next_us = -5;
    shop_sell(&s, "L1", "A", -1);
    shop_run(&s, 3 * US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L1", "A"), 4);
    shop_world_close(&s);
}

static void test_gone_until_resumed(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    shop_sell(&s, "L1", "A", 5);
    the_shop.script[0] = SHOP_GONE;
    the_shop.script_count = 1;
    shop_run(&s, 60 * MINUTE);
    assert_int_equal(the_shop.sends, 1);
    shop_world_crash(&s);
    shop_run(&s, 60 * MINUTE);
    assert_int_equal(the_shop.sends, 1);
    publisher_resume(s.p);
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L1", "A"), 5);
    shop_world_close(&s);
}

static void test_resync_sends_all_anew(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    shop_sell(&s, "L1", "A", 5);
    shop_sell(&s, "L2", "A", 6);
    shop_run(&s, US_PER_SECOND);
    memset(the_shop.cells, 0, sizeof the_shop.cells);
    publisher_resync(s.p);
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L1", "A"), 5);
    assert_int_equal(shop_shows(&s, "L2", "A"), 6);
    unsigned items = the_shop.items;
    shop_world_crash(&s);
    shop_run(&s, MINUTE);
    assert_int_equal(the_shop.items, items); /* and what it was told is known after a restart */
    shop_world_close(&s);
}

static void test_pages_replace_the_log(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    struct error error = {0};
    for (unsigned i = 0; i < 100; i++) {
        char sku[16];
        snprintf(sku, sizeof sku, "S%u", i);
        shop_sell(&s, "L3", sku, (int64_t)i + 1);
    }
    the_shop.poison = shop_product(&s, "S7");
    shop_run(&s, US_PER_SECOND);
    s.p->record.log_bytes = UINT64_C(1) << 40; /* as if it had grown long */
    ok(s.w, publisher_compact(s.p, &error));
    assert_int_equal(s.p->record.log_bytes, 0);
    assert_int_equal(s.p->record.log_first, s.p->record.log_next);
    unsigned items = the_shop.items;
    shop_world_crash(&s);
    assert_int_equal(s.p->record.log_bytes, 0);
    shop_run(&s, MINUTE);
    assert_int_equal(the_shop.items, items);
    assert_int_equal(outbox_told_count(s.p->outbox), 99);
    assert_int_equal(shop_view(&s, "L3", "S7").state, OUTBOX_PARKED);
    shop_sell(&s, "L3", "S9", -1);
    shop_run(&s, MINUTE);
    assert_int_equal(shop_shows(&s, "L3", "S9"), 9);
    shop_world_close(&s);
}

/* Two hubs on one store: the lease says who publishes, and the fence holds whoever lost it. */
static void look(struct shop_world *s) {
    ok(s->w, leases_look(s->leases, &s->w->error));
}

static struct leases *leases_of(struct world *w, const char *id) {
    struct leases_options options = {w->hub, text_from(id), 30 * US_PER_SECOND, {world_now, w}};
    return leases_new(&options);
}

static void answer(void *context, struct text name, struct text what) {
    const struct shop_world *s = context;
    assert_true(text_equal_string(name, "channel:shop"));
    publisher_answer(s->p, what);
}

static void test_two_hubs_never_both(void **state) {
    (void)state;
    struct shop_world s = {.w = world_with(SHOP_YAML("")), .platform = &platform_model};
    struct shop_world other = {.w = s.w, .platform = &platform_model};
    memset(&the_shop, 0, sizeof the_shop);
    log_configure(LOG_ERROR, false);
    s.leases = leases_of(s.w, "one");
    other.leases = leases_of(s.w, "two");
    leases_answer(s.leases, answer, &s);
    look(&s);
    look(&other);
    shop_world_publish(&s);
    shop_world_publish(&other);
    shop_sell(&s, "L1", "A", 5);
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(the_shop.sends, 1);
    shop_sell(&s, "L1", "A", 1);
    int64_t next_us = 0;
    for (unsigned i = 0; i < 10; i++)
        next_us = publisher_step(other.p);
    assert_int_equal(the_shop.sends, 1); /* not its turn, and no hurry */
    assert_true(next_us >= s.w->now_us + US_PER_SECOND);
    publisher_pause(other.p); /* an order goes to whoever publishes */
    look(&other);
    (void)publisher_step(s.p);
    look(&s);
    (void)publisher_step(s.p);
    assert_true(s.p->paused);
    publisher_resume(other.p);
    look(&s);
    assert_false(s.p->paused);
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(the_shop.sends, 2);
    shop_sell(&s, "L1", "A", 1);
    for (unsigned i = 0; i < 40; i++) { /* one is silent for too long */
        s.w->now_us += US_PER_SECOND;
        look(&other);
    }
    (void)publisher_step(other.p);
    assert_int_equal(the_shop.sends, 3);
    shop_sell(&s, "L1", "A", 1);
    (void)publisher_step(s.p); /* it knows by its own clock */
    assert_int_equal(the_shop.sends, 3);
    publisher_free(other.p);
    leases_free(other.leases);
    publisher_free(s.p);
    leases_free(s.leases);
    world_free(s.w);
}

/* It believes that it still holds it (its clock stood still), and the store knows better. */
static void test_a_hub_that_slept_is_fenced(void **state) {
    (void)state;
    struct shop_world s = {.w = world_with(SHOP_YAML("")), .platform = &platform_model};
    struct error error = {0};
    memset(&the_shop, 0, sizeof the_shop);
    log_configure(LOG_ERROR, false);
    s.leases = leases_of(s.w, "one");
    look(&s);
    shop_world_publish(&s);
    shop_sell(&s, "L1", "A", 5);
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(the_shop.sends, 1);
    ok(s.w, hub_item_put(s.w->hub, TEXT("hub"), TEXT("two"), TEXT("x 1 30000000 0 0 1"), &error));
    ok(s.w, hub_item_put(s.w->hub, TEXT("lease"), TEXT("channel:shop"), TEXT("7 0 two x"), &error));
    shop_sell(&s, "L1", "A", 1);
    for (unsigned i = 0; i < 5; i++)
        (void)publisher_step(s.p);
    assert_int_equal(the_shop.sends, 1);
    assert_false(s.p->ours);
    for (unsigned i = 0; i < 40; i++) { /* and then the other one dies */
        s.w->now_us += US_PER_SECOND;
        look(&s);
    }
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(s.p->claim.token, 8);
    assert_int_equal(shop_shows(&s, "L1", "A"), 6);
    publisher_free(s.p);
    leases_free(s.leases);
    world_free(s.w);
}

/* Two lives from one record, as after a backup was restored: their keys never meet, or a shop would
 * take the second's figures for the first's. */
static void test_no_key_of_another_life(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    struct shop_world other = {.w = s.w, .platform = &platform_model};
    char before[CHANNEL_KEY_SIZE], first[CHANNEL_KEY_SIZE], second[CHANNEL_KEY_SIZE];
    shop_sell(&s, "L1", "A", 5);
    shop_run(&s, US_PER_SECOND);
    publisher_key(s.p, shop_view(&s, "L1", "A").told_request, before);
    shop_world_crash(&s);
    shop_world_publish(&other);
    publisher_key(s.p, s.p->requests + 1, first);
    publisher_key(other.p, other.p->requests + 1, second);
    assert_string_not_equal(first, second);
    assert_string_not_equal(before, first);
    (void)publisher_step(s.p);
    publisher_key(s.p, shop_view(&s, "L1", "A").told_request, second);
    assert_string_equal(before, second); /* and what was told is still known by its own */
    publisher_free(other.p);
    shop_world_close(&s);
}

/* Figures confirmed over the last minute, also those that were read back. */
static void test_throughput(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    struct publisher_stats stats;
    char sku[16];
    the_shop.script[0] = SHOP_APPLIED;
    the_shop.script_count = 1;
    for (unsigned i = 0; i < 30; i++) {
        snprintf(sku, sizeof sku, "S%u", i);
        shop_sell(&s, "L1", sku, 3);
    }
    shop_run(&s, 20 * US_PER_SECOND);
    publisher_stats(s.p, &stats);
    assert_int_equal(stats.items_confirmed, 30);
    assert_true(stats.confirmed_per_second > 0.49 && stats.confirmed_per_second < 0.51);
    shop_run(&s, 90 * US_PER_SECOND);
    publisher_stats(s.p, &stats);
    assert_true(stats.confirmed_per_second < 0.01);
    shop_world_close(&s);
}

/* All of these far sooner than the sweep of every ten minutes. */
static void test_published_at_once(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    shop_sell(&s, "L1", "A", 5);
    shop_sell(&s, "L2", "B", 6);
    shop_run(&s, US_PER_SECOND);
    struct identifier sku = {TEXT("sku"), TEXT("A")};
    struct product_change change = {.identifiers = &sku, .identifier_count = 1};
    change.attributes.published_given = true;
    ok(s.w, hub_put_products(s.w->hub, &change, 1, &s.w->arena, &s.w->error));
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L1", "A"), 0);
    change.attributes.published = true;
    ok(s.w, hub_put_products(s.w->hub, &change, 1, &s.w->arena, &s.w->error));
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L1", "A"), 5);
    assert_int_equal(shop_view(&s, "L2", "A").told_milli, CHANNEL_UNKNOWN_MILLI);
    struct location_change place = {.code = TEXT("L2"), .attributes.published_given = true};
    ok(s.w, hub_put_locations(s.w->hub, &place, 1, &s.w->error));
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L2", "B"), 0);
    assert_int_equal(shop_shows(&s, "L1", "A"), 5);
    place.attributes.published = true;
    ok(s.w, hub_put_locations(s.w->hub, &place, 1, &s.w->error));
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L2", "B"), 6);
    shop_world_close(&s);
}

/* Nothing of a product that the books never heard of is no change of stock, and yet news to a shop
 * that shows some. */
static void test_counted_for_the_first_time(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    shop_sell(&s, "L1", "A", 5);
    shop_run(&s, US_PER_SECOND);
    struct stated_row rows[] = {row_of("L1", "A", 5), row_of("L1", "B", 0), row_of("L2", "B", 0)};
    send(s.w, full_at(s.w->now_us - 1), rows, 3);
    the_shop.cells[shop_place(&s, "L1")][shop_product(&s, "B")].milli = 9 * UNITS;
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(shop_shows(&s, "L1", "B"), 0);
    assert_int_equal(shop_view(&s, "L1", "B").told_milli, 0);
    assert_int_equal(shop_view(&s, "L2", "B").told_milli, 0);
    unsigned sends = the_shop.sends;
    send(s.w, full_at(s.w->now_us - 1), rows, 3);
    shop_run(&s, US_PER_SECOND);
    assert_int_equal(the_shop.sends, sends);
    shop_world_close(&s);
}

/* What a platform looked up is there after a restart, once a batch has gone. */
static void test_notes_are_kept(void **state) {
    (void)state;
    struct shop_world s = shop_world_open(SHOP_YAML(""), &platform_model);
    channel_note_put(s.p->notes, TEXT("sku:A"), TEXT("gid://1"));
    channel_note_put(s.p->notes, TEXT("sku:B"), TEXT("gid://2"));
    channel_note_put(s.p->notes, TEXT("sku:A"), TEXT("gid://3"));
    channel_note_forget(s.p->notes, TEXT("sku:B"));
    channel_note_forget(s.p->notes, TEXT("never there"));
    struct text first = channel_note_get(s.p->notes, TEXT("sku:A"));
    shop_sell(&s, "L1", "A", 1);
    shop_run(&s, US_PER_SECOND);
    channel_note_put(s.p->notes, TEXT("sku:A"), TEXT("gid://4"));
    assert_true(text_equal_string(first, "gid://3")); /* texts stay */
    shop_sell(&s, "L1", "A", 1);
    shop_run(&s, US_PER_SECOND);
    channel_note_put(s.p->notes, TEXT("sku:C"), TEXT("lost in the crash"));
    shop_world_crash(&s);
    assert_true(text_equal_string(channel_note_get(s.p->notes, TEXT("sku:A")), "gid://4"));
    assert_int_equal(channel_note_get(s.p->notes, TEXT("sku:B")).length, 0);
    assert_int_equal(channel_note_get(s.p->notes, TEXT("sku:C")).length, 0);
    assert_int_equal(notes_count(s.p->notes), 1);
    shop_world_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest_figure_once),
        cmocka_unit_test(test_decreases_go_first),
        cmocka_unit_test(test_same_key_while_nothing_changed),
        cmocka_unit_test(test_doubt_is_read_back),
        cmocka_unit_test(test_culprit_is_found),
        cmocka_unit_test(test_all_are_refused),
        cmocka_unit_test(test_unknown_there_is_left_out),
        cmocka_unit_test(test_stale_lower_at_once_higher_later),
        cmocka_unit_test(test_increases_wait),
        cmocka_unit_test(test_increases_confirmed_by_reset),
        cmocka_unit_test(test_waits_within_bounds),
        cmocka_unit_test(test_gone_until_resumed),
        cmocka_unit_test(test_resync_sends_all_anew),
        cmocka_unit_test(test_pages_replace_the_log),
        cmocka_unit_test(test_two_hubs_never_both),
        cmocka_unit_test(test_no_key_of_another_life),
        cmocka_unit_test(test_throughput),
        cmocka_unit_test(test_published_at_once),
        cmocka_unit_test(test_counted_for_the_first_time),
        cmocka_unit_test(test_a_hub_that_slept_is_fenced),
        cmocka_unit_test(test_notes_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
