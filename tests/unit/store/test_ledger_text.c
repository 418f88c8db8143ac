/* Ledger rows as text: what is written is read, row by row and from the middle, and whatever bytes
 * a damaged disk puts in their place are rows or STATUS_CORRUPT, never more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/ledger_text.h"

#define ROWS 12

static struct journal_row row_of(uint64_t seq) {
    static char every_byte[256];
    for (size_t i = 0; i < sizeof every_byte; i++)
        every_byte[i] = (char)i;
    struct journal_row row = {
        .seq = seq,
        .previous = seq % 2 == 0 ? UINT64_MAX : seq - 1,
        .type = EVENT_SALE,
        .on_hand_milli = seq % 3 == 0 ? INT64_MIN : INT64_MAX,
        .reserved_milli = -1,
        .event = {.location = (uint32_t)seq,
                  .product = UINT32_MAX,
                  .occurred_at_us = (int64_t)seq,
                  .id = {every_byte, sizeof every_byte}},
    };
    if (seq % 4 == 1)
        row.event.acknowledges = TEXT("]\"[");
    if (seq % 4 == 2)
        row.event.register_sequence = INT64_MIN;
    if (seq % 4 == 3)
        row.event.reason = TEXT("null");
    if (seq % 8 == 4)
        row.event.order = TEXT("o");
    if (seq % 8 == 0)
        row.event.document = TEXT("d");
    return row;
}

static void write_rows(struct buffer *text, uint64_t first_seq, int64_t base_us) {
    for (uint64_t i = 0; i < ROWS; i++) {
        struct journal_row row = row_of(first_seq + i);
        assert_true(ledger_text_fits(&row, base_us));
        ledger_text_append(text, &row, base_us);
    }
    ledger_text_end(text);
}

static void expect_row(const struct journal_row *row, uint64_t seq) {
    struct journal_row expected = row_of(seq);
    const struct event *a = &row->event, *b = &expected.event;
    assert_true(row->seq == seq && row->previous == expected.previous);
    assert_true(row->on_hand_milli == expected.on_hand_milli && row->reserved_milli == -1);
    assert_true(a->location == b->location && a->product == b->product);
    assert_true(a->occurred_at_us == b->occurred_at_us && a->received_at_us == 0);
    assert_true(a->register_sequence == b->register_sequence);
    assert_true(text_equal(a->id, b->id) && text_equal(a->reason, b->reason));
    assert_true(text_equal(a->acknowledges, b->acknowledges));
    assert_true(text_equal(a->document, b->document) && text_equal(a->order, b->order));
}

static void test_from_every_row_on(void **state) {
    (void)state;
    struct buffer text = {0};
    struct arena arena = {0};
    write_rows(&text, 5, -77);
    for (uint64_t skipped = 0; skipped <= ROWS; skipped++) {
        struct ledger_text_reader reader;
        struct journal_row row;
        ledger_text_read(&reader, buffer_text(&text), 5, -77, &arena);
        assert_int_equal(ledger_text_skip(&reader, skipped, NULL), STATUS_OK);
        for (uint64_t i = skipped; i < ROWS; i++) {
            assert_int_equal(ledger_text_next(&reader, &row, NULL), STATUS_OK);
            expect_row(&row, 5 + i);
        }
        assert_int_equal(ledger_text_next(&reader, &row, NULL), STATUS_END);
        assert_int_equal(ledger_text_skip(&reader, 1, NULL), STATUS_CORRUPT);
    }
    arena_deinit(&arena);
    buffer_deinit(&text);
}

static void test_times_that_do_not_fit(void **state) {
    (void)state;
    struct journal_row row = {.event = {.occurred_at_us = INT64_MIN, .received_at_us = INT64_MAX}};
    assert_true(ledger_text_fits(&row, 0));
    assert_false(ledger_text_fits(&row, 1));
    assert_false(ledger_text_fits(&row, -1));
}

/* Reads all there is, of a copy that ends where the memory ends. */
static enum status read_all(const char *bytes, size_t length, uint64_t skipped) {
    struct arena arena = {0};
    struct ledger_text_reader reader;
    struct journal_row row;
    struct error error = {0};
    char *copy = memory_alloc(length + (length == 0));
    memcpy(copy, bytes, length);
    ledger_text_read(&reader, (struct text){copy, length}, 1, 0, &arena);
    enum status status = ledger_text_skip(&reader, skipped, &error);
    for (int rows = 0; status == STATUS_OK; rows++) {
        assert_true(rows <= ROWS);
        status = ledger_text_next(&reader, &row, &error);
    }
    assert_true(status == STATUS_END || status == STATUS_CORRUPT);
    free(copy);
    arena_deinit(&arena);
    return status;
}

static void test_every_cut_and_many_bytes(void **state) {
    (void)state;
    static const char wrong[] = {'[', ']', '"', ',', '-', '\\', '9', 'n', '\0'};
    struct buffer text = {0};
    write_rows(&text, 1, 0);
    assert_int_equal(read_all(text.data, text.length, 0), STATUS_END);
    for (size_t length = 1; length < text.length; length += 1 + length / 1000) {
        assert_int_equal(read_all(text.data, length, 0), STATUS_CORRUPT);
        (void)read_all(text.data, length, 2);
    }
    for (size_t i = 0; i < text.length; i += 1 + i / 500) {
        char right = text.data[i];
        for (size_t k = 0; k < sizeof wrong; k++) {
            text.data[i] = wrong[k];
            (void)read_all(text.data, text.length, i % 3);
        }
        text.data[i] = right;
    }
    buffer_deinit(&text);
}

static void test_what_is_no_row(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "[[4294967296,0,0,0,0,0,null,0,0,0,0,0,0,0,0,0]]", /* no such location */
        "[[-1,0,0,0,0,0,null,0,0,0,0,0,0,0,0,0]]",
        "[[0,0,0,55,0,0,null,0,0,0,0,0,0,0,0,0]]", /* no such type */
        "[[0,0,0,0,0,0,null,9223372036854775808,0,0,0,0,0,0,0,0]]",
        "[[0,0,0,0,0,0,null,99999999999999999999,0,0,0,0,0,0,0,0]]",
        "[[0,0,0,0,0,0,null,0,0,0,0,0,0,0,0]]", /* a field too few */
        "[[0,0,0,0,0,0,null,0,0,0,0,0,0,0,0,0,0,0,null,null,null,null,0]]",
        "[[0,0,0,0,0,0,\"\",0,0,0,0,0,0,0,0,0]]",
        "[[0,0,0,0,0,0,\"\\u0\",0,0,0,0,0,0,0,0,0]]",
        "[]",
        "[[0,0,0,0,0,0,null,0,0,0,0,0,0,0,0,0]] ",
        "[[0,0,0,0,0,0,null,0,0,0,0,0,0,0,0,0],]",
    };
    static const char right[] = "[[0,0,0,0,0,0,null,-9223372036854775808,0,0,0,0,0,0,0,0]]";
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(read_all(wrong[i], strlen(wrong[i]), 0), STATUS_CORRUPT);
    assert_int_equal(read_all(right, sizeof right - 1, 0), STATUS_END);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_every_row_on),
        cmocka_unit_test(test_times_that_do_not_fit),
        cmocka_unit_test(test_every_cut_and_many_bytes),
        cmocka_unit_test(test_what_is_no_row),
    };
    return cmocka_run_group_tests_name("ledger_text", tests, NULL, NULL);
}
