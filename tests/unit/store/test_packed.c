/* The packed forms: what goes in comes out, runs cost next to nothing, and damaged bytes are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/packed.h"

static uint64_t dice = 1;

static unsigned below(unsigned limit) {
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(dice >> 33) % limit;
}

enum { MOST = 2000 };

/* ---- rows ---- */

static void check_rows(const struct stated *rows, size_t count, const uint32_t *excluded,
                       size_t excluded_count) {
    struct buffer packed = {0};
    struct arena arena = {0};
    struct error error = {0};
    struct stated *rows_out;
    uint32_t *excluded_out;
    size_t count_out, excluded_count_out;
    packed_write_rows(rows, count, excluded, excluded_count, &packed);
    assert_int_equal(packed_read_rows(buffer_text(&packed), &arena, &rows_out, &count_out,
                                      &excluded_out, &excluded_count_out, &error),
                     STATUS_OK);
    assert_int_equal(count_out, count);
    assert_int_equal(excluded_count_out, excluded_count);
    if (count > 0)
        assert_memory_equal(rows_out, rows, count * sizeof *rows);
    if (excluded_count > 0)
        assert_memory_equal(excluded_out, excluded, excluded_count * sizeof *excluded);
    buffer_deinit(&packed);
    arena_deinit(&arena);
}

static void test_rows_come_back(void **state) {
    static struct stated rows[MOST];
    static uint32_t excluded[MOST];
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        unsigned count = below(MOST), others = below(50), gaps = 1 + below(4);
        uint32_t product = 0, line = 1;
        for (unsigned i = 0; i < count; i++) {
            product += 1 + (below(4) < gaps ? 0 : below(1000));
            line = below(20) == 0 ? below(UINT32_MAX) : line + 1;
            int64_t whole = (int64_t)below(50) * 1000;
            rows[i] = (struct stated){product, line, round % 2 ? whole : -whole - below(999)};
        }
        for (unsigned i = 0; i < others; i++)
            excluded[i] = i * 3 + 1;
        check_rows(rows, count, excluded, others);
    }
    struct stated edges[] = {{1, 0, INT64_MIN}, {UINT32_MAX, UINT32_MAX, INT64_MAX}};
    check_rows(edges, 2, &edges[1].product, 1);
    check_rows(NULL, 0, NULL, 0);
}

/* ---- changes ---- */

/* Runs with gaps and changing grounds; one product in `rarity` is corrected. */
static struct packed_changes make_changes(struct arena *arena, unsigned rarity) {
    struct packed_changes changes = {.runs = arena_alloc_zero(arena, MOST * sizeof *changes.runs),
                                     .corrected =
                                         arena_alloc_zero(arena, MOST * sizeof *changes.corrected)};
    uint32_t product = 1;
    unsigned runs = below(40);
    for (unsigned r = 0; r < runs; r++) {
        struct change_run run = {product + below(3), 1 + below(50), below(5)};
        for (uint32_t i = 0; i < run.count; i++) {
            if (below(rarity) != 0)
                continue;
            changes.corrected[changes.corrected_count++] = (struct packed_change){
                .product = run.product + i,
                .statement = run.statement,
                .correction_milli = 1 + below(9000),
                .on_hand_milli = -(int64_t)below(100000),
                .reserved_milli = below(100000),
                .previous = below(UINT32_MAX),
            };
        }
        changes.runs[changes.run_count++] = run;
        product = run.product + run.count;
    }
    return changes;
}

static void test_changes_come_back(void **state) {
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct arena arena = {0};
        struct error error = {0};
        struct buffer packed = {0};
        struct packed_changes out, changes = make_changes(&arena, 1 + round % 30);
        packed_write_changes(&changes, &packed);
        assert_int_equal(packed_read_changes(buffer_text(&packed), &arena, &out, &error),
                         STATUS_OK);
        assert_int_equal(out.run_count, changes.run_count);
        assert_int_equal(out.corrected_count, changes.corrected_count);
        assert_memory_equal(out.runs, changes.runs, changes.run_count * sizeof *changes.runs);
        assert_memory_equal(out.corrected, changes.corrected,
                            changes.corrected_count * sizeof *changes.corrected);
        buffer_deinit(&packed);
        arena_deinit(&arena);
    }
}

static void test_unchanged_cells_are_small(void **state) {
    struct change_run run = {1, 20000, 7};
    struct packed_change corrected = {900, 7, 1000, 2000, 0, 5};
    struct packed_changes changes = {&run, 1, &corrected, 1};
    struct buffer packed = {0};
    (void)state;
    packed_write_changes(&changes, &packed);
    assert_true(packed.length < 64);
    buffer_deinit(&packed);
}

static void test_change_by_number(void **state) {
    struct packed_change corrected[] = {{4, 7, 1, 1, 0, 5}, {9, 7, 2, 2, 0, 6}};
    struct packed_changes changes = {NULL, 0, corrected, 2};
    (void)state;
    assert_null(packed_change_of(&changes, 100, 99));
    assert_null(packed_change_of(&changes, 100, 100));
    assert_ptr_equal(packed_change_of(&changes, 100, 101), &corrected[0]);
    assert_ptr_equal(packed_change_of(&changes, 100, 102), &corrected[1]);
    assert_null(packed_change_of(&changes, 100, 103));
}

/* ---- damage ---- */

/* Damaged beneath the frame, so that zstd does not tell. Whatever is read is a valid array. */
static void test_damage_is_told_or_valid(void **state) {
    unsigned told = 0;
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct arena arena = {0};
        struct error error = {0};
        struct buffer packed = {0}, again = {0};
        struct packed_reader reader;
        struct packed_changes out, changes = make_changes(&arena, 5);
        packed_write_changes(&changes, &packed);
        assert_int_equal(packed_frame_read('D', buffer_text(&packed), &arena, &reader, &error),
                         STATUS_OK);
        size_t size = (size_t)(reader.end - reader.at);
        char *raw = arena_alloc(&arena, size);
        memcpy(raw, reader.at, size);
        raw[below((unsigned)size)] = (char)below(256);
        packed_frame_write('D', (struct text){raw, size - (below(8) == 0)}, &again);
        if (packed_read_changes(buffer_text(&again), &arena, &out, &error) != STATUS_OK) {
            assert_int_equal(error.status, STATUS_CORRUPT);
            told++;
        } else {
            uint64_t end = 1;
            for (size_t i = 0; i < out.run_count;
                 end = out.runs[i].product + out.runs[i].count, i++)
                assert_true(out.runs[i].product >= end && out.runs[i].count > 0);
        }
        buffer_deinit(&packed);
        buffer_deinit(&again);
        arena_deinit(&arena);
    }
    assert_true(told > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_back),
        cmocka_unit_test(test_changes_come_back),
        cmocka_unit_test(test_unchanged_cells_are_small),
        cmocka_unit_test(test_change_by_number),
        cmocka_unit_test(test_damage_is_told_or_valid),
    };
    return cmocka_run_group_tests_name("store packed", tests, NULL, NULL);
}
