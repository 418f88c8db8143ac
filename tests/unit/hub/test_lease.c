/* Two hubs, or what is left of them, on one store: never do both hold a lease, whoever lost it
 * writes nothing, and nobody waits longer than needed. Each has a clock of its own. */
#include "hub/lease.h"

#include "base/log.h"

#include "unit/hub/support.h"

#define LEASE_US (15 * US_PER_SECOND)

struct side {
    struct leases *leases;
    int64_t now_us;
};

static int64_t side_now(void *context) {
    return ((const struct side *)context)->now_us;
}

static void side_open(struct side *side, struct world *w, const char *id, int64_t now_us) {
    side->now_us = now_us;
    struct leases_options options = {w->hub, text_from(id), LEASE_US, {side_now, side}};
    side->leases = leases_new(&options);
}

static enum status look(struct side *side) {
    struct error error;
    return leases_look(side->leases, &error);
}

/* Time goes by for `watcher`, who looks every second; for `other` too, who looks if it is alive. */
static void wait_for(struct side *watcher, struct side *other, bool other_is_alive, int seconds) {
    for (int i = 0; i < seconds; i++) {
        watcher->now_us += US_PER_SECOND;
        other->now_us += US_PER_SECOND;
        if (other_is_alive)
            (void)look(other);
        (void)look(watcher);
    }
}

static enum status take(struct side *side, uint64_t *token_out) {
    struct error error = {0};
    return lease_take(side->leases, TEXT("feed:f"), token_out, &error);
}

static bool holds(struct side *side, uint64_t token) {
    return lease_holds(side->leases, TEXT("feed:f"), token);
}

static enum status put_under(struct world *w, uint64_t token, const char *value) {
    struct lease_claim claim = {TEXT("feed:f"), token};
    hub_write_under(&claim);
    enum status status = hub_item_put(w->hub, TEXT("t"), TEXT("k"), text_from(value), &w->error);
    hub_write_under(NULL);
    return status;
}

static bool item_is(struct world *w, const char *value) {
    struct buffer item = {0};
    ok(w, store_item_get(w->store, TEXT("t"), TEXT("k"), &item, &w->error));
    bool is = text_equal_string(buffer_text(&item), value);
    buffer_deinit(&item);
    return is;
}

static void test_one_holds_until_it_is_silent(void **state) {
    struct world *w = *state;
    struct side a, b;
    uint64_t one = 0, two = 0, none = 0;
    side_open(&a, w, "a", 1000 * US_PER_SECOND);
    side_open(&b, w, "b", 7); /* the clocks of two machines say nothing to each other */
    assert_int_equal(take(&a, &none), STATUS_RETRY); /* before the first look */
    ok(w, look(&a));
    ok(w, look(&b));
    ok(w, take(&a, &one));
    assert_int_equal(take(&b, &none), STATUS_CONFLICT);
    wait_for(&b, &a, true, 60);
    ok(w, take(&a, &two));
    assert_int_equal(one, two);
    assert_true(holds(&a, one));
    assert_false(holds(&b, one));
    ok(w, put_under(w, one, "first"));
    int waited = 0;
    while (take(&b, &two) == STATUS_CONFLICT && waited < 60) {
        wait_for(&b, &a, false, 1);
        waited++;
    }
    assert_in_range(waited, 12, 17); /* it beat up to 5 s before it fell silent */
    assert_int_equal(two, one + 1);
    assert_true(holds(&b, two));
    assert_false(holds(&a, one)); /* it knows by its own clock, and asks nobody */
    assert_int_equal(put_under(w, one, "late"), STATUS_FENCED);
    assert_true(item_is(w, "first"));
    ok(w, put_under(w, two, "second"));
    ok(w, look(&a)); /* it wakes up, and sees */
    assert_false(holds(&a, one));
    assert_int_equal(take(&a, &none), STATUS_CONFLICT);
    leases_free(a.leases);
    leases_free(b.leases);
}

static void test_a_time_without_a_store_is_no_silence(void **state) {
    struct world *w = *state;
    struct side a, b;
    uint64_t token = 0, none = 0;
    side_open(&a, w, "a", 0);
    side_open(&b, w, "b", 0);
    ok(w, look(&a));
    ok(w, look(&b));
    ok(w, take(&a, &token));
    a.now_us += 3600 * US_PER_SECOND;
    b.now_us += 3600 * US_PER_SECOND;
    assert_false(holds(&a, token));
    ok(w, look(&b)); /* the quicker one must not take what the other had no way to renew */
    assert_int_equal(take(&b, &none), STATUS_CONFLICT);
    ok(w, look(&a));
    assert_true(holds(&a, token));
    leases_free(a.leases);
    leases_free(b.leases);
}

/* Between the look and the taking the holder has beaten once more. */
static void test_a_beat_after_the_look_counts(void **state) {
    struct world *w = *state;
    struct side a, b;
    uint64_t token = 0, none = 0;
    side_open(&a, w, "a", 0);
    side_open(&b, w, "b", 0);
    ok(w, look(&a));
    ok(w, look(&b));
    ok(w, take(&a, &token));
    wait_for(&b, &a, false, 20);
    ok(w, look(&a));
    assert_int_equal(take(&b, &none), STATUS_CONFLICT);
    assert_true(holds(&a, token));
    leases_free(a.leases);
    leases_free(b.leases);
}

static void test_who_comes_back_takes_up_its_own(void **state) {
    struct world *w = *state;
    struct side a, again, b;
    uint64_t token = 0, anew = 0, none = 0;
    side_open(&a, w, "a", 0);
    side_open(&b, w, "b", 0);
    ok(w, look(&a));
    ok(w, look(&b));
    ok(w, take(&a, &token));
    side_open(&again, w, "a", 500); /* killed, and started at once */
    ok(w, look(&again));
    ok(w, take(&again, &anew));
    assert_int_equal(anew, token + 1);
    assert_int_equal(put_under(w, token, "late"), STATUS_FENCED);
    wait_for(&b, &again, true, 2);
    assert_int_equal(take(&b, &none), STATUS_CONFLICT);
    /* Was it not killed, but has its name twice: it leaves the other one alone. */
    log_configure(LOG_ERROR + 1, false);
    a.now_us += 6 * US_PER_SECOND;
    (void)look(&a);
    assert_false(holds(&a, token));
    assert_int_equal(take(&a, &none), STATUS_RETRY);
    ok(w, look(&again));
    assert_true(holds(&again, anew));
    log_configure(LOG_WARN, false);
    leases_free(a.leases);
    leases_free(again.leases);
    leases_free(b.leases);
}

static void test_what_is_given_back_is_free_at_once(void **state) {
    struct world *w = *state;
    struct side a, b;
    uint64_t token = 0, next = 0;
    hub_start(w->hub);
    side_open(&a, w, "a", 0);
    side_open(&b, w, "b", 0);
    ok(w, leases_start(a.leases, &w->error));
    ok(w, take(&a, &token));
    ok(w, look(&b));
    assert_int_equal(take(&b, &next), STATUS_CONFLICT);
    leases_stop(a.leases);
    ok(w, look(&b));
    ok(w, take(&b, &next));
    assert_int_equal(next, token + 1);
    struct hub_peer *peers;
    assert_int_equal(leases_peers(b.leases, &w->arena, &peers), 1);
    assert_true(peers[0].self && peers[0].alive);
    leases_free(a.leases);
    leases_free(b.leases);
}

/* A fenced submission fails alone, though it is decided with others. */
static void test_events_under_a_lease(void **state) {
    struct world *w = *state;
    struct side a;
    uint64_t token = 0;
    side_open(&a, w, "a", 0);
    ok(w, look(&a));
    ok(w, take(&a, &token));
    struct lease_claim claims[2] = {{TEXT("feed:f"), token}, {TEXT("feed:f"), token + 1}};
    struct adjustment lines[2] = {line_of("1", "L1", "A", 1), line_of("2", "L1", "A", 2)};
    struct adjustment_result result;
    hub_write_under(&claims[0]);
    ok(w, submit(w, &access_internal, &lines[0], 1, &result));
    hub_write_under(&claims[1]);
    assert_int_equal(submit(w, &access_internal, &lines[1], 1, &result), STATUS_FENCED);
    hub_write_under(NULL);
    assert_int_equal(on_hand(w, "L1", "A"), 1 * UNITS);
    leases_free(a.leases);
}

static unsigned asked;

static void answer(void *context, struct text name, struct text what) {
    assert_true(text_equal_string(name, "feed:f"));
    assert_string_equal(context, "a");
    assert_true(text_equal_string(what, "pause"));
    asked++;
}

static void must_not_answer(void *context, struct text name, struct text what) {
    (void)context;
    (void)name;
    fail_msg("asked of the wrong one: %.*s", TEXT_ARG(what));
}

static void test_the_holder_is_asked(void **state) {
    struct world *w = *state;
    struct side a, b;
    uint64_t token = 0;
    static char name[] = "a";
    side_open(&a, w, "a", 0);
    side_open(&b, w, "b", 0);
    leases_answer(a.leases, answer, name);
    leases_answer(b.leases, must_not_answer, name);
    ok(w, look(&a));
    ok(w, look(&b));
    ok(w, take(&a, &token));
    ok(w, lease_ask(b.leases, TEXT("feed:f"), TEXT("pause"), &w->error));
    ok(w, look(&b));
    assert_int_equal(asked, 0);
    ok(w, look(&a));
    ok(w, look(&a));
    assert_int_equal(asked, 1);
    leases_free(a.leases);
    leases_free(b.leases);
}

static void test_alone_everything_is_ours(void **state) {
    struct world *w = *state;
    uint64_t token = 5;
    ok(w, lease_take(NULL, TEXT("feed:f"), &token, &w->error));
    assert_int_equal(token, 0);
    assert_true(lease_holds(NULL, TEXT("feed:f"), token));
    ok(w, put_under(w, token, "free"));
    assert_true(item_is(w, "free"));
}

/* A hub of an earlier version, alone on its store, left this behind. */
static void test_what_an_older_hub_left(void **state) {
    struct world *w = *state;
    struct side a;
    uint64_t token = 0;
    side_open(&a, w, "a", 0);
    ok(w, hub_item_put(w->hub, TEXT("lease"), TEXT("feed:f"), TEXT("41 9223372036854775807 -"),
                       &w->error));
    ok(w, look(&a));
    ok(w, take(&a, &token));
    assert_int_equal(token, 42);
    leases_free(a.leases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_holds_until_it_is_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_time_without_a_store_is_no_silence, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_beat_after_the_look_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_comes_back_takes_up_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_given_back_is_free_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_events_under_a_lease, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_holder_is_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_alone_everything_is_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_an_older_hub_left, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
