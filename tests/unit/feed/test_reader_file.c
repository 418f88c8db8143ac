/* A file read by two threads gives what one gives, whatever stands at the place where it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "feed/reader.h"

/* A sum over all rows, whatever their order. */
struct tally {
    uint64_t hash, rows, rejected;
};

struct gathered {
    struct tally first;
    unsigned begun, joined, dropped;
    uint64_t lines_before;
    bool hashed;
};

static uint64_t mix(uint64_t hash, const void *data, size_t length) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Lines are left out: those of a part count from its own begin. */
static void count_rows(void *context, const struct stated_row *rows, size_t count) {
    struct tally *tally = context;
    for (size_t i = 0; i < count; i++) {
        tally->hash += mix(
            mix(UINT64_C(14695981039346656037), rows[i].identifier.data, rows[i].identifier.length),
            &rows[i].quantity_milli, sizeof(rows[i].quantity_milli));
        tally->rows++;
        tally->rejected += rows[i].problem != STATUS_OK;
    }
}

static struct reader_sink begin(void *context) {
    struct gathered *gathered = context;
    gathered->begun++;
    struct tally *part = calloc(1, sizeof(*part));
    assert_non_null(part);
    return (struct reader_sink){count_rows, part};
}

static void end(void *context, void *ended, bool join, uint64_t lines_before) {
    struct gathered *gathered = context;
    struct tally *part = ended;
    if (join) {
        assert_true(lines_before > gathered->lines_before); /* in order of the file */
        gathered->lines_before = lines_before;
        gathered->joined++;
        gathered->first.hash += part->hash;
        gathered->first.rows += part->rows;
        gathered->first.rejected += part->rejected;
    } else {
        gathered->dropped++;
    }
    free(part);
}

static void meanwhile(void *context) {
    struct gathered *gathered = context;
    gathered->hashed = true;
}

static enum status read_by(FILE *file, bool shared, struct gathered *gathered,
                           struct reader_report *report, struct error *error) {
    struct reader_options options = {.format = CONFIG_FORMAT_CSV};
    struct arena arena = {0};
    *gathered = (struct gathered){0};
    struct reader_parts parts = {
        {count_rows, &gathered->first}, shared ? begin : NULL, end, meanwhile, gathered};
    enum status status = reader_read_file(fileno(file), &options, &parts, &arena, report, error);
    report->header = TEXT("");
    arena_deinit(&arena);
    assert_int_equal(gathered->begun, gathered->joined + gathered->dropped);
    return status;
}

/* Joined and dropped: whether any part was. */
static void expect_same(FILE *file, bool joined, bool dropped, enum status expected) {
    struct gathered one, two;
    struct reader_report by_one, by_two;
    struct error error_one = {STATUS_OK, 0, "", ""}, error_two = {STATUS_OK, 0, "", ""};
    fflush(file);
    assert_int_equal(read_by(file, false, &one, &by_one, &error_one), expected);
    assert_int_equal(read_by(file, true, &two, &by_two, &error_two), expected);
    assert_int_equal(two.joined > 0, joined);
    assert_int_equal(two.dropped > 0, dropped);
    assert_true(one.hashed && two.hashed);
    assert_true(one.first.rows > 0);
    assert_memory_equal(&one.first, &two.first, sizeof(one.first));
    assert_true(by_one.lines == by_two.lines && by_one.rows == by_two.rows);
    assert_true(by_one.rejected_rows == by_two.rejected_rows);
    assert_string_equal(by_one.encoding, by_two.encoding);
    assert_int_equal(error_one.line, error_two.line);
    const struct reset_trailer *a = &by_one.trailer, *b = &by_two.trailer;
    assert_true(a->found == b->found && a->differs == b->differs && a->line == b->line);
    assert_true(a->rows == b->rows && a->units_milli == b->units_milli);
    assert_int_equal(a->found, a->line > 0 && a->rows == by_one.rows);
    fclose(file);
}

static FILE *new_file(void) {
    FILE *file = tmpfile();
    assert_non_null(file);
    fputs("location,sku,quantity,note\n", file);
    return file;
}

static void test_plain(void **state) {
    (void)state;
    FILE *file = new_file();
    for (int i = 0; i < 300000; i++) {
        fprintf(file, "NY%02d,SKU-%06d,%d,%s\n", i % 40, i, i % 7, i % 1000 == 0 ? "x,y" : "n");
    }
    expect_same(file, true, false, STATUS_OK);
}

/* Wherever a chunk ends, what looks like a trailer there is a row, and only the last line is one.
 */
static void test_trailers(void **state) {
    (void)state;
    FILE *file = new_file();
    for (int i = 0; i < 300000; i++) {
        fprintf(file, i % 3 == 0 ? "N,SKU-%06d,%d,n\n" : "TRAILER,%d,%d,n\n", i, i % 7);
    }
    fputs("TRAILER,300000\n\n", file);
    expect_same(file, true, false, STATUS_OK);
}

/* The last chunk has nothing in it: the trailer is in the one before. */
static void test_blank_end(void **state) {
    (void)state;
    FILE *file = new_file();
    for (int i = 0; i < 300000; i++) {
        fprintf(file, "N,SKU-%06d,%d,n\n", i, i % 7);
    }
    fputs("EOF 300000\n", file);
    for (int i = 0; i < 5000000; i++) {
        fputc('\n', file);
    }
    expect_same(file, true, true, STATUS_OK);
}

static void test_small(void **state) {
    (void)state;
    FILE *file = new_file();
    fputs("N,A,1,\n", file);
    expect_same(file, false, false, STATUS_OK);
}

/* Every row is quoted, and its line ends are records' ends. */
static void test_quoted(void **state) {
    (void)state;
    FILE *file = new_file();
    for (int i = 0; i < 200000; i++) {
        fprintf(file, "\"N\",\"SKU-%06d\",\"%d\",\"a note\"\n", i, i % 7);
    }
    expect_same(file, true, false, STATUS_OK);
}

/* The middle is inside one quoted field with line ends in it. */
static void test_cut_inside_quotes(void **state) {
    (void)state;
    FILE *file = new_file();
    for (int i = 0; i < 200000; i++) {
        fprintf(file, "N,SKU-%06d,%d,\"%s\"\n", i, i % 7,
                "l1\nN,FALSE,1,\nN,FALSE,2,\nN,FALSE,3,\nN,FALSE,4,\n");
    }
    expect_same(file, false, true, STATUS_OK);
}

static void test_broken_off(void **state) {
    (void)state;
    FILE *file = new_file();
    for (int i = 0; i < 300000; i++) {
        fprintf(file, "N,SKU-%06d,%d,n\n", i, i % 7);
    }
    fputs("N,\"SKU", file);
    expect_same(file, true, false, STATUS_UNREADABLE);
}

/* UTF-8 has shown itself in the first half: what is not UTF-8 in the second is a mistake there. */
static void test_alphabets_disagree(void **state) {
    (void)state;
    FILE *file = new_file();
    for (int i = 0; i < 600000; i++) {
        const char *note = i == 60000 ? "\xc3\xa4" : i == 590000 ? "\xe4" : "n";
        fprintf(file, "N,SKU-%06d,%d,%s\n", i, i % 7, note);
    }
    expect_same(file, true, true, STATUS_OK);
}

static void test_no_line_end_in_sight(void **state) {
    (void)state;
    FILE *file = new_file();
    fputs("N,A,1,", file);
    for (int i = 0; i < 6000000; i++) {
        fputc('x', file);
    }
    fputs("\nN,B,2,\n", file);
    expect_same(file, false, false, STATUS_OK);
}

static void test_not_a_file(void **state) {
    (void)state;
    FILE *file = fopen("/dev/zero", "r");
    struct gathered gathered;
    struct reader_report report;
    struct error error;
    assert_int_equal(read_by(file, true, &gathered, &report, &error), STATUS_IO);
    fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_trailers),
        cmocka_unit_test(test_blank_end),
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_quoted),
        cmocka_unit_test(test_cut_inside_quotes),
        cmocka_unit_test(test_broken_off),
        cmocka_unit_test(test_alphabets_disagree),
        cmocka_unit_test(test_no_line_end_in_sight),
        cmocka_unit_test(test_not_a_file),
    };
    return cmocka_run_group_tests_name("feed/reader_file", tests, NULL, NULL);
}
