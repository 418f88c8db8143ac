/* The cache of unpacked statements: what is asked for is what comes, once unpacked it stays while
 * there is room, and what is borrowed lives until it is returned, whatever the others do. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/rows_cache.h"

#define ROOM ((size_t)64 << 10)

/* Rows that tell whose they are; statement 13 cannot be read. */
static enum status unpack(void *context, struct cached_rows *rows, struct error *error) {
    (void)context;
    if (rows->statement == 13)
        return error_set(error, STATUS_IO, "statement 13");
    rows->row_count = 1 + rows->statement % 7;
    rows->rows = arena_alloc(&rows->arena, rows->row_count * sizeof *rows->rows);
    for (size_t i = 0; i < rows->row_count; i++)
        rows->rows[i] = (struct stated){(uint32_t)i, rows->statement, rows->statement};
    if (rows->statement == 99)
        (void)arena_alloc(&rows->arena, 2 * ROOM);
    return STATUS_OK;
}

static struct cached_rows *borrow(struct rows_cache *cache, uint32_t statement) {
    struct cached_rows *rows;
    assert_int_equal(rows_cache_borrow(cache, statement, &rows, NULL), STATUS_OK);
    return rows;
}

static void expect_rows(const struct cached_rows *rows, uint32_t statement) {
    assert_int_equal(rows->statement, statement);
    assert_int_equal(rows->row_count, 1 + statement % 7);
    assert_int_equal(rows->rows[rows->row_count - 1].line, statement);
}

static void ask(struct rows_cache *cache, uint32_t statement) {
    struct cached_rows *rows = borrow(cache, statement);
    expect_rows(rows, statement);
    rows_cache_return(cache, rows);
}

static void test_stays_while_there_is_room(void **state) {
    (void)state;
    struct rows_cache cache;
    rows_cache_init(&cache, ROOM, unpack, NULL);
    for (int pass = 0; pass < 3; pass++) {
        for (uint32_t statement = 250; statement < 262; statement++)
            ask(&cache, statement);
        assert_int_equal(cache.unpacked, 12);
    }
    for (uint32_t statement = 1000; statement < 3000; statement++) {
        ask(&cache, statement);
        ask(&cache, 250); /* used all the time: it stays */
        assert_true(rows_cache_memory(&cache) <= ROOM);
    }
    assert_int_equal(cache.unpacked, 12 + 2000);
    ask(&cache, 251); /* the others had to go */
    assert_int_equal(cache.unpacked, 12 + 2001);
    rows_cache_deinit(&cache);
}

static void test_borrowed_outlives_its_place(void **state) {
    (void)state;
    struct rows_cache cache;
    rows_cache_init(&cache, ROOM, unpack, NULL);
    struct cached_rows *first = borrow(&cache, 1), *again = borrow(&cache, 1);
    assert_ptr_equal(first, again);
    for (uint32_t statement = 100; statement < 200; statement++)
        ask(&cache, statement);
    struct cached_rows *anew = borrow(&cache, 1);
    assert_ptr_not_equal(first, anew);
    expect_rows(first, 1);
    rows_cache_return(&cache, first);
    expect_rows(again, 1);
    rows_cache_return(&cache, again);
    rows_cache_return(&cache, anew);
    rows_cache_deinit(&cache);
}

static void test_what_fails_or_does_not_fit(void **state) {
    (void)state;
    struct rows_cache cache;
    struct cached_rows *rows;
    struct error error;
    rows_cache_init(&cache, ROOM, unpack, NULL);
    ask(&cache, 1);
    ask(&cache, 99);
    ask(&cache, 99);
    assert_int_equal(cache.unpacked, 3); /* larger than all the room: never kept, evicts nobody */
    assert_int_equal(rows_cache_borrow(&cache, 13, &rows, &error), STATUS_IO);
    assert_int_equal(rows_cache_borrow(&cache, 13, &rows, &error), STATUS_IO);
    ask(&cache, 1);
    assert_int_equal(cache.unpacked, 5);
    rows_cache_deinit(&cache);
}

static void *reader(void *context) {
    struct rows_cache *cache = context;
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t statement = 20 + i * i % 37;
        struct cached_rows *rows;
        require(rows_cache_borrow(cache, statement, &rows, NULL) == STATUS_OK);
        require(rows->statement == statement && rows->rows[0].line == statement);
        rows_cache_return(cache, rows);
    }
    return NULL;
}

static void test_many_readers(void **state) {
    (void)state;
    struct rows_cache cache;
    pthread_t threads[4];
    rows_cache_init(&cache, ROOM, unpack, NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, &cache), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    rows_cache_deinit(&cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stays_while_there_is_room),
        cmocka_unit_test(test_borrowed_outlives_its_place),
        cmocka_unit_test(test_what_fails_or_does_not_fit),
        cmocka_unit_test(test_many_readers),
    };
    return cmocka_run_group_tests_name("rows_cache", tests, NULL, NULL);
}
