/* The cache of unpacked things: what is asked for is what comes, once unpacked it stays while
 * there is room, and what is borrowed lives until it is returned, whatever the others do. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/unpacked_cache.h"

#define ROOM ((size_t)64 << 10)

/* Content that tells whose it is; 13 cannot be read, 99 is larger than all the room. */
static enum status unpack(void *context, struct unpacked *unpacked, struct error *error) {
    (void)context;
    if (unpacked->key == 13)
        return error_set(error, STATUS_IO, "13");
    uint64_t *content = arena_alloc(&unpacked->arena, sizeof *content);
    *content = ~unpacked->key;
    unpacked->content = content;
    if (unpacked->key == 99)
        (void)arena_alloc(&unpacked->arena, 2 * ROOM);
    return STATUS_OK;
}

static struct unpacked *borrow(struct unpacked_cache *cache, uint64_t key) {
    struct unpacked *unpacked;
    assert_int_equal(unpacked_cache_borrow(cache, key, &unpacked, NULL), STATUS_OK);
    return unpacked;
}

static bool is_of(const struct unpacked *unpacked, uint64_t key) {
    return unpacked->key == key && *(const uint64_t *)unpacked->content == ~key;
}

static void ask(struct unpacked_cache *cache, uint64_t key) {
    struct unpacked *unpacked = borrow(cache, key);
    assert_true(is_of(unpacked, key));
    unpacked_cache_return(cache, unpacked);
}

static void test_stays_while_there_is_room(void **state) {
    (void)state;
    struct unpacked_cache cache;
    unpacked_cache_init(&cache, ROOM, unpack, NULL);
    for (int pass = 0; pass < 3; pass++) {
        for (uint64_t key = 250; key < 262; key++)
            ask(&cache, key);
        assert_int_equal(cache.misses, 12);
    }
    for (uint64_t key = 1000; key < 3000; key++) {
        ask(&cache, key);
        ask(&cache, 250); /* used all the time: it stays */
        assert_true(unpacked_cache_memory(&cache) <= ROOM);
    }
    assert_int_equal(cache.misses, 12 + 2000);
    ask(&cache, 251); /* the others had to go */
    assert_int_equal(cache.misses, 12 + 2001);
    unpacked_cache_deinit(&cache);
}

static void test_borrowed_outlives_its_place(void **state) {
    (void)state;
    struct unpacked_cache cache;
    unpacked_cache_init(&cache, ROOM, unpack, NULL);
    struct unpacked *first = borrow(&cache, 1), *again = borrow(&cache, 1);
    assert_ptr_equal(first, again);
    for (uint64_t key = 100; key < 200; key++)
        ask(&cache, key);
    struct unpacked *anew = borrow(&cache, 1);
    assert_ptr_not_equal(first, anew);
    assert_true(is_of(first, 1));
    unpacked_cache_return(&cache, first);
    assert_true(is_of(again, 1));
    unpacked_cache_return(&cache, again);
    unpacked_cache_return(&cache, anew);
    unpacked_cache_deinit(&cache);
}

static void test_what_fails_or_does_not_fit(void **state) {
    (void)state;
    struct unpacked_cache cache;
    struct unpacked *unpacked;
    struct error error;
    unpacked_cache_init(&cache, ROOM, unpack, NULL);
    ask(&cache, 1);
    ask(&cache, 99);
    ask(&cache, 99);
    assert_int_equal(cache.misses, 3); /* larger than all the room: never kept, evicts nobody */
    assert_int_equal(unpacked_cache_borrow(&cache, 13, &unpacked, &error), STATUS_IO);
    assert_int_equal(unpacked_cache_borrow(&cache, 13, &unpacked, &error), STATUS_IO);
    ask(&cache, 1);
    assert_int_equal(cache.misses, 5);
    unpacked_cache_deinit(&cache);
}

static void *reader(void *context) {
    struct unpacked_cache *cache = context;
    for (uint32_t i = 0; i < 3000; i++) {
        uint64_t key = 20 + i * i % 37;
        struct unpacked *unpacked;
        require(unpacked_cache_borrow(cache, key, &unpacked, NULL) == STATUS_OK);
        require(is_of(unpacked, key));
        unpacked_cache_return(cache, unpacked);
    }
    return NULL;
}

static void test_many_readers(void **state) {
    (void)state;
    struct unpacked_cache cache;
    pthread_t threads[4];
    unpacked_cache_init(&cache, ROOM, unpack, NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, &cache), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    unpacked_cache_deinit(&cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stays_while_there_is_room),
        cmocka_unit_test(test_borrowed_outlives_its_place),
        cmocka_unit_test(test_what_fails_or_does_not_fit),
        cmocka_unit_test(test_many_readers),
    };
    return cmocka_run_group_tests_name("unpacked_cache", tests, NULL, NULL);
}
