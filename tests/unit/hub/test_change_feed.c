/* The change feed: nothing is lost however far behind one is, and who waits is woken. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

#include "hub/hub_internal.h"

static void sell(struct world *w, size_t count) {
    enum { MOST = 4096 };
    static struct adjustment lines[MOST];
    static struct adjustment_result results[MOST];
    for (size_t i = 0; i < MOST; i++)
        lines[i] = line_of("", "NY01", "A", 1);
    for (size_t sent = 0; sent < count; sent += MOST)
        ok(w,
           submit(w, &access_internal, lines, count - sent < MOST ? count - sent : MOST, results));
}

static void assert_changes(struct world *w, uint64_t after, size_t most, size_t expected) {
    struct arena arena = {0};
    struct change *changes;
    size_t count;
    uint64_t through;
    ok(w, hub_changes(w->hub, after, most, &arena, &changes, &count, &through, &w->error));
    assert_int_equal(through, after + expected);
    assert_int_equal(count, expected);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(changes[i].seq, after + 1 + i);
        assert_int_equal(changes[i].on_hand_milli, (int64_t)(after + 1 + i) * UNITS);
    }
    arena_deinit(&arena);
}

static void test_contiguous_from_memory_and_ledger(void **state) {
    struct world *w = *state;
    const size_t count = CHANGE_RING_SIZE + 5000;
    sell(w, 10);
    assert_changes(w, 0, 100, 10);
    assert_changes(w, 4, 3, 3);
    assert_changes(w, 10, 100, 0);
    sell(w, count - 10);
    assert_int_equal(hub_last_sequence(w->hub), count);
    assert_changes(w, count - 7, 100, 7);
    assert_changes(w, count - CHANGE_RING_SIZE, 100, 100);     /* the oldest of the ring */
    assert_changes(w, count - CHANGE_RING_SIZE - 1, 100, 100); /* just older */
    assert_changes(w, 0, 100, 100);
    assert_changes(w, 0, count + 1, count); /* all of it, from the ledger */
    for (uint64_t after = 0; after < count; after += 20000)
        assert_changes(w, after, 20000, count - after < 20000 ? count - after : 20000);
}

static void test_after_a_restart(void **state) {
    struct world *w = *state;
    sell(w, 10);
    world_restart(w);
    assert_int_equal(hub_last_sequence(w->hub), 10);
    assert_changes(w, 0, 100, 10);
    assert_changes(w, 10, 100, 0);
    sell(w, 5);
    assert_changes(w, 8, 100, 7); /* across the restart */
    assert_changes(w, 10, 100, 5);
}

static void test_a_reset_tells_each_cell(void **state) {
    struct world *w = *state;
    enum { PRODUCTS = 700 };
    static struct stated_row rows[PRODUCTS];
    static char skus[PRODUCTS][16];
    for (int i = 0; i < PRODUCTS; i++) {
        snprintf(skus[i], sizeof skus[i], "P%d", i);
        rows[i] = row_of("NY01", skus[i], i % 7);
    }
    send(w, full_at(BASE_US - 10), rows, PRODUCTS);
    struct change *changes;
    size_t count;
    uint64_t last = 0, through;
    ok(w, hub_changes(w->hub, 0, PRODUCTS * 2, &w->arena, &changes, &count, &through, &w->error));
    assert_int_equal(through, hub_last_sequence(w->hub));
    assert_int_equal(count, PRODUCTS - PRODUCTS / 7);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(changes[i].kind, LEDGER_RESET);
        assert_true(changes[i].seq > last);
        last = changes[i].seq;
    }
    struct change *told;
    size_t told_count;
    ok(w, store_changes(w->store, 0, PRODUCTS * 2, &w->arena, &told, &told_count, &w->error));
    assert_int_equal(told_count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(told[i].seq == changes[i].seq && told[i].product == changes[i].product &&
                    told[i].on_hand_milli == changes[i].on_hand_milli &&
                    told[i].kind == changes[i].kind && told[i].at_us == changes[i].at_us);
}

static void test_notices(void **state) {
    struct world *w = *state;
    struct notice *notices;
    char text[16];
    assert_int_equal(hub_notices(w->hub, 0, 10, &w->arena, &notices), 0);
    for (unsigned i = 1; i <= NOTICE_RING_SIZE + 10; i++) {
        snprintf(text, sizeof text, "n%u", i);
        hub_notify(w->hub, "onhand.test", text_from(text), TEXT("{}"));
    }
    size_t count = hub_notices(w->hub, 0, NOTICE_RING_SIZE * 2, &w->arena, &notices);
    assert_int_equal(count, NOTICE_RING_SIZE);
    assert_int_equal(notices[0].number, 11); /* the oldest are gone */
    assert_true(text_equal_string(notices[0].subject, "n11"));
    assert_true(text_equal_string(notices[0].type, "onhand.test"));
    assert_int_equal(notices[0].at_us, BASE_US);
    assert_int_equal(hub_notices(w->hub, NOTICE_RING_SIZE + 8, 1, &w->arena, &notices), 1);
    assert_int_equal(notices[0].number, NOTICE_RING_SIZE + 9);
    assert_int_equal(hub_notices(w->hub, NOTICE_RING_SIZE + 10, 9, &w->arena, &notices), 0);
    assert_int_equal(hub_notices(w->hub, UINT64_MAX, 9, &w->arena, &notices), 0);
}

static void count_wake(void *context) {
    atomic_fetch_add((_Atomic unsigned *)context, 1);
}

static void test_subscribers(void **state) {
    struct world *w = *state;
    _Atomic unsigned first = 0, second = 0;
    struct subscriber a = {.wake = count_wake, .context = &first};
    struct subscriber b = {.wake = count_wake, .context = &second};
    hub_subscribe(w->hub, &a);
    hub_subscribe(w->hub, &b);
    sell(w, 1);
    (void)post(w, line_of("", "NY01", "A", 0)); /* refused: nothing changed */
    assert_int_equal(first, 1);
    hub_notify(w->hub, "onhand.test", (struct text){0}, (struct text){0});
    assert_int_equal(first, 2);
    hub_unsubscribe(w->hub, &a);
    hub_unsubscribe(w->hub, &a); /* once is enough */
    sell(w, 1);
    assert_int_equal(first, 2);
    assert_int_equal(second, 3);
    hub_unsubscribe(w->hub, &b);
}

struct follower {
    struct world *world;
    uint64_t until, expected;
    bool holes;
};

static void *follow(void *context) {
    struct follower *f = context;
    uint64_t after = 0;
    while (after < f->until && !f->holes) {
        struct arena arena = {0};
        struct change *changes;
        size_t count = 0;
        uint64_t through = after;
        if (hub_changes(f->world->hub, after, 500, &arena, &changes, &count, &through, NULL) !=
            STATUS_OK)
            f->holes = true;
        for (size_t i = 0; i < count; i++)
            f->holes |= changes[i].seq != ++after;
        f->holes |= through != after;
        arena_deinit(&arena);
    }
    return NULL;
}

static void test_followers_while_the_writer_writes(void **state) {
    struct world *w = *state;
    struct follower f = {w, 8000, 8000, false};
    pthread_t thread;
    hub_start(w->hub);
    assert_int_equal(pthread_create(&thread, NULL, follow, &f), 0);
    sell(w, 8000);
    pthread_join(thread, NULL);
    hub_stop(w->hub);
    assert_false(f.holes);
}

/* As a publisher follows: on from where it is told that nothing is missing. */
static void *count_changes(void *context) {
    struct follower *f = context;
    uint64_t after = 0, counted = 0;
    while (!f->holes && after < f->until) {
        struct arena arena = {0};
        struct change *changes;
        size_t count = 0;
        if (hub_changes(f->world->hub, after, 10000, &arena, &changes, &count, &after, NULL) !=
            STATUS_OK)
            f->holes = true;
        counted += count;
        arena_deinit(&arena);
    }
    f->holes |= counted != f->expected;
    return NULL;
}

/* A reset is committed as one and told in pieces: whoever looks in between misses none of it. */
static void test_a_reset_is_followed_without_holes(void **state) {
    struct world *w = *state;
    enum { PRODUCTS = 5000, ROUNDS = 16 };
    static struct stated_row rows[2 * PRODUCTS];
    static char skus[PRODUCTS][16];
    struct follower f = {w, ROUNDS * 2 * (PRODUCTS + 1), ROUNDS * 2 * PRODUCTS, false};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, count_changes, &f), 0);
    for (int round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < PRODUCTS; i++) {
            snprintf(skus[i], sizeof skus[i], "P%d", i);
            rows[i] = row_of("NY01", skus[i], round);
            rows[PRODUCTS + i] = row_of("BOS02", skus[i], round + 1);
        }
        send(w, full_at(BASE_US - 100 + round), rows, 2 * PRODUCTS);
    }
    pthread_join(thread, NULL);
    assert_false(f.holes);
}

static void test_revisions(void **state) {
    struct world *w = *state;
    struct revision revisions[4];
    uint64_t position = 0;
    size_t count;
    struct stated_row rows[] = {row_of("NY01", "A", 0), row_of("BOS02", "A", 3)};
    send(w, full_at(BASE_US - 10), rows, 2);
    assert_true(hub_revisions(w->hub, &position, revisions, 4, &count));
    assert_int_equal(count, 1); /* a cell of nothing begins, and there is no change that says so */
    assert_int_equal(revisions[0].location,
                     catalog_find_location(hub_catalog(w->hub), TEXT("NY01")));
    send(w, full_at(BASE_US - 5), rows, 2);
    assert_true(hub_revisions(w->hub, &position, revisions, 4, &count));
    assert_int_equal(count, 0);
    for (uint32_t i = 1; i <= REVISIONS_KEPT + 2; i++)
        change_feed_revise(w->hub, (struct revision){.product = i});
    assert_false(hub_revisions(w->hub, &position, revisions, 4, &count)); /* some are forgotten */
    assert_int_equal(count, 0);
    change_feed_revise(w->hub, (struct revision){.product = 7});
    assert_true(hub_revisions(w->hub, &position, revisions, 4, &count));
    assert_int_equal(count, 1);
    assert_int_equal(revisions[0].product, 7);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_contiguous_from_memory_and_ledger),
        T(test_after_a_restart),
        T(test_a_reset_tells_each_cell),
        T(test_notices),
        T(test_subscribers),
        T(test_followers_while_the_writer_writes),
        T(test_a_reset_is_followed_without_holes),
        T(test_revisions),
    };
    return cmocka_run_group_tests_name("hub/change_feed", tests, NULL, NULL);
}
