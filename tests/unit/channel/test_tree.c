/* Trees of JSON: what is there by name, what is not, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "channel/tree.h"

static const struct tree *parsed(struct arena *arena, const char *json) {
    const struct tree *tree = NULL;
    struct error error = {0};
    enum status status = tree_read(text_from(json), arena, &tree, &error);
    assert_true((status == STATUS_OK) == (tree != NULL));
    return tree;
}

static void test_paths(void **state) {
    struct arena arena = {0};
    (void)state;
    const struct tree *tree = parsed(
        &arena, "{\"a\":{\"b\":[1,\"2.5\",-0.001],\"n\":null,\"t\":true},\"c\":\"x\\u00e9\"}");
    int64_t milli = 0;
    uint64_t count = 0;
    assert_true(text_equal_string(tree_text(tree_at(tree, "c")), "x\xc3\xa9"));
    assert_null(tree_at(tree, "a.n"));
    assert_null(tree_at(tree, "a.b.c"));
    assert_null(tree_at(tree, "c.d"));
    assert_null(tree_get(NULL, "a"));
    assert_true(tree_true(tree_at(tree, "a.t")));
    const struct tree *item = tree_first(tree_at(tree, "a.b"));
    assert_true(tree_is_array(tree_at(tree, "a.b")));
    assert_true(tree_milli(item, &milli) && milli == 1000);
    assert_true(tree_count(item, &count) && count == 1);
    assert_true(tree_milli(item->next, &milli) && milli == 2500);
    assert_false(tree_count(item->next, &count));
    assert_true(tree_milli(item->next->next, &milli) && milli == -1);
    assert_false(tree_count(item->next->next, &count));
    assert_null(item->next->next->next);
    assert_false(tree_milli(tree_at(tree, "c"), &milli));
    assert_true(tree_double(item->next, 7) > 2.4 && tree_double(tree_at(tree, "a"), 7) > 6.9);
    arena_deinit(&arena);
}

static void test_refused(void **state) {
    static const char *const bad[] = {
        "",   "{", "[1,]", "<html>", "{\"a\":1,\"a\":2}", "{} x", "{\"a\":[{\"b\":1,\"b\":1}]}",
        "nul"};
    struct arena arena = {0};
    char deep[200];
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(parsed(&arena, bad[i]));
    }
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    assert_null(parsed(&arena, deep));
    arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
