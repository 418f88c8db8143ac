/* Works in a shop's queue: waited for, late, done after all, lost; and all of that over a restart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "channel/notes.h"
#include "channel/shop_queue.h"

#define NOW (INT64_C(20000) * US_PER_DAY)
#define SECOND US_PER_SECOND

struct asked {
    unsigned count;
    bool knows;
    uint64_t left;
    bool cannot_be_asked;
};

static bool ask(void *shop, struct shop_work *work, struct arena *arena, uint64_t *left_out,
                struct channel_call *call) {
    struct asked *asked = shop;
    (void)arena;
    (void)call;
    asked->count++;
    *left_out = asked->left;
    if (asked->cannot_be_asked)
        work->id[0] = '\0';
    return asked->knows;
}

struct look {
    int64_t after_us; /* since it was sent */
    uint64_t left;
    size_t count;    /* that are still there */
    int64_t tend_us; /* after it was sent; 0: not asked for */
    unsigned asked;  /* in all, by then */
    bool late, knows, doubts;
};

static void play(const char *id, const struct look *looks, size_t look_count, bool restarts) {
    struct channel_notes *notes = notes_new();
    struct shop_queue queue;
    struct asked asked = {.count = 0};
    struct arena arena = {0};
    shop_queue_load(&queue, "bulk", notes);
    shop_queue_add(&queue, text_from(id), NOW);
    for (size_t i = 0; i < look_count; i++) {
        const struct look *look = &looks[i];
        struct channel_call call = {.verdict = CHANNEL_CALL_OK};
        if (restarts)
            shop_queue_load(&queue, "bulk", notes);
        asked.knows = look->knows;
        asked.left = look->left;
        shop_queue_look(&queue, NOW + look->after_us, look->late, ask, &asked, &arena, &call);
        if (asked.count != look->asked || queue.count != look->count ||
            (call.doubt_since_us == NOW) != look->doubts ||
            (!restarts && call.tend_us != (look->tend_us == 0 ? 0 : NOW + look->tend_us)))
            fail_msg("look %zu: asked %u, %zu left, doubt %lld, tend %lld", i, asked.count,
                     queue.count, (long long)call.doubt_since_us, (long long)(call.tend_us - NOW));
    }
    arena_deinit(&arena);
    notes_free(notes);
}

static void waits_until_it_is_closed(void **state) {
    (void)state;
    static const struct look looks[] = {
        {1 * SECOND, 5, 1, 2 * SECOND, 1, false, true, false},
        {1 * SECOND + 1, 5, 1, 2 * SECOND, 1, false, true, false}, /* not every moment */
        {2 * SECOND, 0, 1, 3 * SECOND, 2, false, false, false},    /* nobody knows */
        {3 * SECOND, 2, 1, 4 * SECOND, 3, true, true, false},
        {4 * SECOND, 0, 0, 0, 4, false, true, false},
    };
    play("11-aa", looks, sizeof looks / sizeof looks[0], false);
}

static void a_late_one_is_watched_until_it_is_done(void **state) {
    (void)state;
    static const struct look looks[] = {
        {300 * SECOND, 9, 1, 301 * SECOND, 1, false, true, false},
        {301 * SECOND, 9, 1, 305 * SECOND, 1, false, true, false}, /* a reading does not wait */
        {306 * SECOND, 9, 1, 311 * SECOND, 2, true, true, false},
        {311 * SECOND, 4, 1, 316 * SECOND, 3, true, true, true}, /* it goes on after all */
        {316 * SECOND, 0, 1, 321 * SECOND, 4, true, false, false},
        {400 * SECOND, 0, 0, 0, 5, true, true, true},
    };
    play("11-aa", looks, sizeof looks / sizeof looks[0], false);
}

static void a_restart_forgets_none(void **state) {
    (void)state;
    static const struct look looks[] = {
        {1 * SECOND, 5, 1, 0, 1, true, true, false},
        {900 * SECOND, 5, 1, 0, 2, true, true, false},
        {901 * SECOND, 0, 0, 0, 3, true, true, true},
    };
    play("11-aa", looks, sizeof looks / sizeof looks[0], true);
}

static void one_without_a_name_is_done_after_a_while(void **state) {
    (void)state;
    static const struct look looks[] = {
        {1 * SECOND, 5, 1, 300 * SECOND, 0, true, true, false},
        {301 * SECOND, 5, 0, 0, 0, true, true, true},
    };
    play("", looks, 2, false);
    play("", looks, 2, true);
}

static void one_that_is_never_done_is_forgotten(void **state) {
    (void)state;
    static const struct look look = {8 * US_PER_DAY, 5, 0, 0, 0, true, true, true};
    play("11-aa", &look, 1, true);
}

static void one_that_cannot_be_asked_after_is_as_one_without_a_name(void **state) {
    (void)state;
    struct channel_notes *notes = notes_new();
    struct shop_queue queue;
    struct asked asked = {.cannot_be_asked = true};
    struct arena arena = {0};
    struct channel_call call = {.verdict = CHANNEL_CALL_OK};
    shop_queue_load(&queue, "file", notes);
    shop_queue_add(&queue, TEXT("7"), NOW);
    assert_int_equal(shop_queue_waiting(&queue, NOW), 1);
    shop_queue_look(&queue, NOW + SECOND, false, ask, &asked, &arena, &call);
    assert_int_equal(shop_queue_waiting(&queue, NOW + SECOND), 0);
    assert_int_equal(shop_queue_late(&queue, NOW + SECOND), 1);
    assert_int_equal(call.tend_us, NOW + 300 * SECOND);
    arena_deinit(&arena);
    notes_free(notes);
}

static void takes_names_that_are_some(void **state) {
    (void)state;
    char longest[SHOP_WORK_ID_SIZE + 1];
    memset(longest, 'a', sizeof longest);
    longest[SHOP_WORK_ID_SIZE] = '\0';
    assert_true(shop_queue_takes_id(TEXT("10001")));
    assert_true(shop_queue_takes_id(TEXT("3f-A_b")));
    assert_true(shop_queue_takes_id((struct text){longest, SHOP_WORK_ID_SIZE - 1}));
    const char *const wrong[] = {"", "../x", "a b", "a\n", "a?b", "a%2f", longest};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(shop_queue_takes_id(text_from(wrong[i])));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_until_it_is_closed),
        cmocka_unit_test(a_late_one_is_watched_until_it_is_done),
        cmocka_unit_test(a_restart_forgets_none),
        cmocka_unit_test(one_without_a_name_is_done_after_a_while),
        cmocka_unit_test(one_that_is_never_done_is_forgotten),
        cmocka_unit_test(one_that_cannot_be_asked_after_is_as_one_without_a_name),
        cmocka_unit_test(takes_names_that_are_some),
    };
    return cmocka_run_group_tests_name("channel/shop_queue", tests, NULL, NULL);
}
