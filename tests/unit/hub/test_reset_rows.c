/* Gathered rows against a plain array: whatever their lines and quantities, in however many parts,
 * in memory or from the spool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/quantity.h"
#include "hub/reset_rows.h"

#define RENUMBER 0x80000000u
#define LISTS 5u
#define MOST 6000u

/* What a list should hold. */
struct model {
    struct stated rows[MOST];
    uint32_t marked[MOST];
    size_t row_count, marked_count;
};

static int64_t random_quantity(void) {
    switch (rand() % 40) {
    case 0:
        return QUANTITY_MAX_MILLI;
    case 1:
        return -QUANTITY_MAX_MILLI;
    case 2:
        return INT32_MAX;
    case 3:
        return INT32_MIN;
    case 4:
        return (int64_t)INT32_MAX + 1;
    default:
        return rand() % 100 * 1000;
    }
}

static void add(struct row_store *store, struct row_list *list, struct model *model,
                uint32_t product, uint64_t line, uint64_t lines_before, uint32_t is_product) {
    uint64_t in_file = line + lines_before;
    if (rand() % 30 == 0) {
        row_list_mark(store, list, product, line);
        model->marked[model->marked_count++] = is_product;
        return;
    }
    int64_t quantity_milli = random_quantity();
    row_list_append(store, list, product, line, quantity_milli);
    model->rows[model->row_count++] = (struct stated){
        is_product, in_file < UINT32_MAX ? (uint32_t)in_file : UINT32_MAX, quantity_milli};
}

static uint64_t next_line(uint64_t line, unsigned kind) {
    return kind == 0   ? line + 1
           : kind == 1 ? line + (rand() % 20 == 0 ? 3 : 1)
           : kind == 2 ? line + LISTS
                       : (uint64_t)rand() % 100000;
}

static void expect_same(struct row_store *store, struct row_list *list, const struct model *model) {
    struct stated *rows = memory_alloc(((size_t)list->count + 1) * sizeof *rows);
    uint32_t *marked = memory_alloc(((size_t)list->marks + 1) * sizeof *marked);
    size_t row_count, marked_count;
    struct error error = {0};
    assert_int_equal(list->count, model->row_count + model->marked_count);
    assert_int_equal(row_list_take(store, list, rows, &row_count, marked, &marked_count, &error),
                     STATUS_OK);
    assert_int_equal(row_count, model->row_count);
    assert_int_equal(marked_count, model->marked_count);
    for (size_t i = 0; i < row_count; i++) {
        assert_int_equal(rows[i].product, model->rows[i].product);
        assert_int_equal(rows[i].line, model->rows[i].line);
        assert_true(rows[i].quantity_milli == model->rows[i].quantity_milli);
    }
    for (size_t i = 0; i < marked_count; i++)
        assert_int_equal(marked[i], model->marked[i]);
    free(rows);
    free(marked);
}

/* One file in parts: the rows of each go to lists of its own, which are joined, and now and then
 * everything goes to the spool. */
static void one_file(unsigned seed, size_t budget) {
    static struct model models[LISTS];
    struct row_list lists[LISTS] = {{0}};
    struct row_store *store = row_store_new(TEXT("/tmp"), budget);
    uint32_t products[50];
    uint64_t lines_before = seed % 7 == 0 ? UINT32_MAX - 5000 : 0;
    memset(models, 0, sizeof models);
    srand(seed);
    for (unsigned part = 0; part < 6; part++) {
        struct row_list own[LISTS] = {{0}};
        const unsigned kind = (unsigned)rand() % 4, some = (unsigned)rand() % 3000;
        uint64_t line = 1;
        for (uint32_t i = 0; i < 50; i++)
            products[i] = (uint32_t)rand() % 1000 + 1;
        for (unsigned i = 0; i < some; i++) {
            unsigned at = kind == 2 ? i % LISTS : i * LISTS / some;
            bool is_new = rand() % 4 == 0;
            uint32_t number = (uint32_t)rand() % 50;
            line = next_line(line, kind);
            add(store, part == 0 ? &lists[at] : &own[at], &models[at],
                part > 0 && is_new ? RENUMBER | number : number, line, part == 0 ? 0 : lines_before,
                part > 0 && is_new ? products[number] : number);
        }
        for (unsigned at = 0; at < LISTS; at++)
            row_list_join(store, &lists[at], &own[at], lines_before, RENUMBER, products);
        lines_before += 100000;
        for (unsigned at = 0; at < LISTS && row_store_is_over(store); at++)
            row_list_spill(store, &lists[at]);
        row_store_flush(store);
    }
    assert_true(budget > 0 || row_store_spooled(store) > 0);
    for (unsigned at = 0; at < LISTS; at++) {
        expect_same(store, &lists[at], &models[at]);
        assert_int_equal(lists[at].count, 0);
    }
    row_store_free(store);
}

static void test_as_an_array(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 60; seed++) {
        one_file(seed, 0);
        one_file(seed, 20000);
        one_file(seed, (size_t)1 << 30);
    }
}

/* Rows of one location that follow each other take eight bytes, of every location in turn, too. */
static void test_how_much_they_take(void **state) {
    (void)state;
    struct row_store *store = row_store_new(TEXT("/tmp"), 1200000);
    struct row_list lists[100] = {{0}};
    for (uint32_t i = 0; i < 100000; i++)
        row_list_append(store, &lists[i % 100], i + 1, i, 1000);
    assert_false(row_store_is_over(store));
    for (unsigned i = 0; i < 100; i++)
        row_list_drop(store, &lists[i]);
    for (uint32_t i = 0; i < 100000; i++)
        row_list_append(store, &lists[0], i + 1, i, 1000);
    assert_false(row_store_is_over(store));
    row_list_drop(store, &lists[0]);
    row_store_free(store);
}

static void test_no_place_for_the_spool(void **state) {
    (void)state;
    struct row_store *store = row_store_new(TEXT("/nowhere/at/all"), 0);
    struct row_list list = {0};
    struct stated rows[2];
    uint32_t marked[2];
    size_t row_count, marked_count;
    struct error error = {0};
    row_list_append(store, &list, 1, 2, 1000);
    assert_int_equal(row_store_status(store, &error), STATUS_OK);
    row_list_spill(store, &list);
    row_store_flush(store);
    assert_true(row_store_is_broken(store));
    assert_int_not_equal(row_store_status(store, &error), STATUS_OK);
    assert_non_null(strstr(error.detail, "/nowhere/at/all cannot be written"));
    row_list_append(store, &list, 1, 2, 1000); /* goes on, in vain */
    row_list_spill(store, &list);
    row_store_flush(store);
    assert_int_not_equal(
        row_list_take(store, &list, rows, &row_count, marked, &marked_count, &error), STATUS_OK);
    row_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_an_array),
        cmocka_unit_test(test_how_much_they_take),
        cmocka_unit_test(test_no_place_for_the_spool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
