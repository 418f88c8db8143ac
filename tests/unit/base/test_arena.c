/* Arenas hand out aligned memory that does not overlap, and give it back all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "unit/base/child.h"

#include <signal.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define PIECES 500

static void test_pieces_are_aligned_and_apart(void **state) {
    (void)state;
    struct arena arena = {0};
    for (int round = 0; round < 3; round++) {
        unsigned char *pieces[PIECES];
        size_t sizes[PIECES];
        for (size_t i = 0; i < PIECES; i++) {
            sizes[i] = i * i % 3001 + (i % 97 == 0 ? 70000 : 0);
            pieces[i] = arena_alloc(&arena, sizes[i]);
            assert_int_equal((uintptr_t)pieces[i] % 16, 0);
            memset(pieces[i], (int)(i % 251), sizes[i]);
        }
        for (size_t i = 0; i < PIECES; i++) {
            for (size_t k = 0; k < sizes[i]; k++) {
                assert_int_equal(pieces[i][k], i % 251);
            }
        }
        arena_reset(&arena);
    }
    arena_deinit(&arena);
}

static void test_reset_keeps_one_ordinary_block(void **state) {
    (void)state;
    struct arena arena = {0};
    arena_reset(&arena);
    assert_int_equal(arena_memory(&arena), 0);
    for (int i = 0; i < 100; i++) {
        (void)arena_alloc(&arena, 5000);
    }
    (void)arena_alloc(&arena, (size_t)50 << 20);
    assert_true(arena_memory(&arena) > (size_t)50 << 20);
    arena_reset(&arena);
    size_t kept = arena_memory(&arena);
    assert_true(kept > 0 && kept < (size_t)2 << 20);
    (void)arena_alloc(&arena, 100);
    assert_int_equal(arena_memory(&arena), kept); /* used again */
    arena_deinit(&arena);
    assert_int_equal(arena_memory(&arena), 0);
}

static void test_large_first_and_empty_pieces(void **state) {
    (void)state;
    struct arena arena = {0};
    char *large = arena_alloc(&arena, (size_t)3 << 20);
    memset(large, 1, (size_t)3 << 20);
    assert_non_null(arena_alloc(&arena, 0));
    char *zero = arena_alloc_zero(&arena, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(zero[i], 0);
    }
    arena_reset(&arena);
    zero = arena_alloc_zero(&arena, 1000);
    assert_int_equal(zero[999], 0);
    arena_deinit(&arena);
}

static void test_copies_and_formats(void **state) {
    (void)state;
    struct arena arena = {0};
    char source[] = "WH09";
    struct text copy = arena_copy(&arena, text_from(source));
    source[0] = 'X';
    assert_string_equal(copy.data, "WH09");
    assert_string_equal(arena_copy(&arena, (struct text){0}).data, "");
    struct text text = arena_format(&arena, "%s/%d", "NY01", 42);
    assert_int_equal(text.length, 7);
    assert_string_equal(text.data, "NY01/42");
    arena_deinit(&arena);
}

static void ask_too_much(void *context) {
    volatile size_t size = (size_t)PTRDIFF_MAX - 100;
    switch (*(int *)context) {
    case 0:
        free(memory_alloc(size));
        break;
    case 1:
        free(memory_alloc_zero(size, 16));
        break;
    default:
        free(memory_grow(NULL, size));
    }
}

static void test_no_memory_ends_the_process(void **state) {
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct child child;
        child_run(&child, ask_too_much, &kind);
        assert_false(WIFEXITED(child.wait_status) && WEXITSTATUS(child.wait_status) == 0);
        if (!SANITIZED) { /* a sanitizer's own malloc speaks before ours can */
            assert_true(WIFSIGNALED(child.wait_status));
            assert_int_equal(WTERMSIG(child.wait_status), SIGABRT);
            assert_non_null(strstr(child.said, "error \"out of memory\" bytes="));
        }
    }
}

static void test_sizes_of_zero(void **state) {
    (void)state;
    void *none = memory_alloc(0);
    assert_non_null(none);
    none = memory_grow(none, 0);
    assert_non_null(none);
    free(none);
    none = memory_alloc_zero(0, 8);
    assert_non_null(none);
    free(none);
}

int main(void) {
    const struct CMUnitTest arena[] = {
        cmocka_unit_test(test_pieces_are_aligned_and_apart),
        cmocka_unit_test(test_reset_keeps_one_ordinary_block),
        cmocka_unit_test(test_large_first_and_empty_pieces),
        cmocka_unit_test(test_copies_and_formats),
        cmocka_unit_test(test_no_memory_ends_the_process),
        cmocka_unit_test(test_sizes_of_zero),
    };
    return cmocka_run_group_tests(arena, NULL, NULL);
}
