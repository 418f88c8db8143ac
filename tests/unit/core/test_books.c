/* The books of one cell: the day from DESIGN's opening, told as a history and asked about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/quantity.h"
#include "core/books.h"

#define PRISM 1
#define SHOP 2
#define NOW NEVER_US

/* Acknowledged by Prism at 250 and heard of at 260: SO-77. */
static int64_t find_acknowledgement(void *context, uint32_t source, struct text document,
                                    int64_t known_at_us) {
    (void)context;
    assert_true(document.length > 0);
    bool known = source == PRISM && text_equal_string(document, "SO-77") && known_at_us >= 260;
    return known ? 250 : NEVER_US;
}

static struct ledger_entry entry_of(enum event_type type, int64_t delta_milli, int64_t at_us,
                                    int64_t received_at_us) {
    return (struct ledger_entry){.kind = LEDGER_EVENT,
                                 .event = {.source = PRISM,
                                           .type = type,
                                           .standing = event_default_standing(type),
                                           .delta_milli = delta_milli,
                                           .occurred_at_us = at_us,
                                           .received_at_us = received_at_us}};
}

static struct cell_figures ask(const struct cell_history *history, int64_t at_us,
                               int64_t known_at_us) {
    uint32_t scratch[16];
    struct cell_figures figures;
    assert_true(history->entry_count <= 16);
    assert_int_equal(books_figures(history, at_us, known_at_us, scratch, &figures), STATUS_OK);
    return figures;
}

static void check(const struct cell_history *history, int64_t at_us, int64_t known_at_us,
                  int64_t on_hand_milli, uint32_t statement) {
    struct cell_figures figures = ask(history, at_us, known_at_us);
    assert_int_equal(figures.on_hand_milli, on_hand_milli);
    assert_int_equal(figures.word != NULL ? figures.word->statement->id : 0, statement);
}

static void test_an_empty_history(void **state) {
    (void)state;
    struct cell_history history = {.acknowledged = {.find = find_acknowledgement}};
    check(&history, NOW, NOW, 0, 0);
    assert_int_equal(ask(&history, NOW, NOW).reserved_milli, 0);
}

static void test_then_and_now_and_as_known_then(void **state) {
    (void)state;
    const struct statement first = {.id = 1, .source = PRISM, .as_of_us = 100};
    const struct statement second = {.id = 2, .source = PRISM, .as_of_us = 200};
    const struct statement_word words[] = {
        {&second, {1, 1, 5000}, 300, NEVER_US, 9},
        {&first, {1, 1, 10000}, 110, NEVER_US, 1},
    };
    const struct ledger_entry entries[] = {
        entry_of(EVENT_RECEIPT, 12000, 10, 11), /* covered by both */
        entry_of(EVENT_SALE, -1000, 120, 121),  /* between the two */
        entry_of(EVENT_SALE, -2000, 150, 310),  /* the same, heard of late */
        entry_of(EVENT_SALE, -300, 900, 305),   /* from the future: effective when received */
        {.kind = LEDGER_RESET, .event = {.received_at_us = 300}, .on_hand_change_milli = -4000},
    };
    const struct cell_history history = {.entries = entries,
                                         .entry_count = 5,
                                         .words = words,
                                         .word_count = 2,
                                         .acknowledged = {.find = find_acknowledgement}};
    check(&history, NOW, NOW, 4700, 2);
    check(&history, 9, NOW, 0, 0);
    check(&history, 99, NOW, 12000, 0);
    check(&history, 100, NOW, 10000, 1);
    check(&history, 199, NOW, 7000, 1);
    check(&history, 200, NOW, 5000, 2);
    check(&history, 304, NOW, 5000, 2);
    check(&history, 305, NOW, 4700, 2);
    check(&history, NOW, 10, 0, 0);
    check(&history, NOW, 109, 12000, 0);
    check(&history, NOW, 110, 10000, 1);
    check(&history, NOW, 299, 9000, 1);
    check(&history, NOW, 300, 5000, 2);
    check(&history, 199, 309, 9000, 1);
}

static void test_which_statement_is_the_ground(void **state) {
    (void)state;
    const struct statement s[] = {{.id = 1, .as_of_us = 100},
                                  {.id = 2, .as_of_us = 200},
                                  {.id = 3, .as_of_us = 200},
                                  {.id = 4, .as_of_us = 300},
                                  {.id = 5, .as_of_us = 400}};
    struct statement_word words[] = {
        {&s[0], {1, 1, 1000}, 500, NEVER_US, 1},
        {&s[2], {1, 1, 3000}, 500, NEVER_US, 3}, /* the same time as 2, accepted later */
        {&s[1], {1, 1, 2000}, 500, NEVER_US, 2},
        {&s[3], {1, 1, 4000}, 500, 600, 4},           /* taken out again */
        {&s[4], {1, 1, 5000}, NEVER_US, NEVER_US, 0}, /* held, never applied */
    };
    const struct cell_history history = {
        .words = words, .word_count = 5, .acknowledged = {.find = find_acknowledgement}};
    check(&history, NOW, NOW, 3000, 3);
    check(&history, NOW, 599, 4000, 4);
    check(&history, NOW, 600, 3000, 3);
    check(&history, 150, NOW, 1000, 1);
    struct statement_word earlier = words[2]; /* told in the other order, too */
    words[2] = words[1];
    words[1] = earlier;
    check(&history, NOW, NOW, 3000, 3);
}

static void test_shipments_wait_for_their_acknowledgement(void **state) {
    (void)state;
    struct statement prism = {.id = 1, .source = PRISM, .as_of_us = 240};
    struct statement shop = {.id = 2, .source = SHOP, .as_of_us = 200};
    struct ledger_entry shipment = entry_of(EVENT_SHIPMENT, -2000, 150, 150);
    shipment.event.source = SHOP;
    shipment.event.document = TEXT("SO-77");
    struct statement_word word = {&prism, {1, 1, 9000}, 240, NEVER_US, 1};
    struct cell_history history = {.entries = &shipment,
                                   .entry_count = 1,
                                   .words = &word,
                                   .word_count = 1,
                                   .acknowledged = {.find = find_acknowledgement}};
    check(&history, NOW, NOW, 7000, 1);
    prism.as_of_us = 250;
    check(&history, NOW, NOW, 9000, 1);
    check(&history, NOW, 259, 7000, 1);
    assert_true(books_covers(&history, &word, &shipment.event));
    shipment.event.document = TEXT("SO-78");
    assert_false(books_covers(&history, &word, &shipment.event));
    shipment.event.document = TEXT("");
    assert_false(books_covers(&history, &word, &shipment.event));
    word.statement = &shop; /* who shipped it knows it by time ... */
    assert_true(books_covers(&history, &word, &shipment.event));
    shipment.event.standing = STANDS_UNTIL_ACKNOWLEDGED; /* ... unless asked otherwise */
    assert_false(books_covers(&history, &word, &shipment.event));
}

static void test_watermarks_count_by_number(void **state) {
    (void)state;
    const struct watermark through[] = {{3, 10}, {5, 20}};
    const struct statement s = {
        .id = 1, .source = PRISM, .as_of_us = 100, .through = through, .through_count = 2};
    const struct statement_word word = {&s, {1, 1, 0}, 100, NEVER_US, 1};
    const struct cell_history history = {.acknowledged = {.find = find_acknowledgement}};
    struct ledger_entry sale = entry_of(EVENT_SALE, -1000, 150, 150);
    sale.event.register_id = 5;
    sale.event.register_sequence = 20;
    assert_true(books_covers(&history, &word, &sale.event));
    sale.event.register_sequence = 21;
    assert_false(books_covers(&history, &word, &sale.event));
    sale.event.occurred_at_us = 50;
    assert_false(books_covers(&history, &word, &sale.event));
    sale.event.register_id = 4;
    assert_true(books_covers(&history, &word, &sale.event));
    sale.event.register_id = 0;
    assert_true(books_covers(&history, &word, &sale.event));
}

static void test_reserved_is_summed_by_order(void **state) {
    (void)state;
    static const struct {
        enum event_type type;
        int64_t delta_milli;
        const char *order;
    } rows[] = {
        {EVENT_RESERVATION, 5000, "B"}, {EVENT_SHIPMENT, -3000, "A"},
        {EVENT_RESERVATION, 2000, "A"}, {EVENT_RELEASE, 1000, "B"},
        {EVENT_RESERVATION, 4000, "D"}, {EVENT_RELEASE, -500, "B"},
        {EVENT_SALE, -9000, "B"},       {EVENT_RESERVATION, 700, ""},
        {EVENT_SHIPMENT, -200, ""},     {EVENT_RESERVATION, 60, "C"},
    };
    struct ledger_entry entries[11];
    for (unsigned i = 0; i < 10; i++) {
        entries[i] = entry_of(rows[i].type, rows[i].delta_milli, i, i);
        entries[i].event.order = text_from(rows[i].order);
    }
    entries[10] = entry_of(EVENT_SHIPMENT, -4000, 10, 10);
    entries[10].event.order = TEXT("D");
    entries[10].event.acknowledges = TEXT("SO-1"); /* an acknowledgement ships nothing */
    const struct statement s = {.id = 1, .source = PRISM, .as_of_us = 1000};
    const struct statement_word word = {&s, {1, 1, 0}, 1000, NEVER_US, 1};
    struct cell_history history = {.entries = entries,
                                   .entry_count = 11,
                                   .words = &word,
                                   .word_count = 1,
                                   .acknowledged = {.find = find_acknowledgement}};
    assert_int_equal(ask(&history, NOW, NOW).reserved_milli, 3500 + 4000 + 500 + 60);
    assert_int_equal(ask(&history, NOW, NOW).on_hand_milli, 0); /* Prism's own: all covered */
    assert_int_equal(ask(&history, 2, NOW).reserved_milli, 5000);
    assert_int_equal(ask(&history, NOW, 4).reserved_milli, 4000 + 4000);
    history.word_count = 0;
    assert_int_equal(ask(&history, NOW, NOW).on_hand_milli, -12200);
}

static void test_overflow_is_told(void **state) {
    (void)state;
    struct ledger_entry entries[] = {entry_of(EVENT_RECEIPT, BALANCE_MAX_MILLI, 1, 1),
                                     entry_of(EVENT_RECEIPT, 1, 1, 1)};
    const struct cell_history history = {
        .entries = entries, .entry_count = 2, .acknowledged = {.find = find_acknowledgement}};
    uint32_t scratch[2];
    struct cell_figures figures;
    assert_int_equal(books_figures(&history, NOW, NOW, scratch, &figures), STATUS_OUT_OF_RANGE);
    entries[0].event.type = entries[1].event.type = EVENT_RESERVATION;
    assert_int_equal(books_figures(&history, NOW, NOW, scratch, &figures), STATUS_OUT_OF_RANGE);
    entries[1].event.order = TEXT("another");
    assert_int_equal(books_figures(&history, NOW, NOW, scratch, &figures), STATUS_OUT_OF_RANGE);
}

static void test_what_a_statement_covers(void **state) {
    (void)state;
    const struct statement first = {.id = 1, .source = PRISM, .as_of_us = 100};
    const struct statement second = {.id = 2, .source = PRISM, .as_of_us = 200};
    const struct statement_word before = {&first, {1, 1, 10000}, 110, NEVER_US, 1};
    const struct statement_word word = {&second, {1, 1, 5000}, 300, NEVER_US, 9};
    const struct cell_history history = {.acknowledged = {.find = find_acknowledgement}};
    const struct {
        int64_t at_us;
        bool by_first, by_second;
    } sales[] = {{100, true, true}, {101, false, true}, {200, false, true}, {201, false, false}};
    for (size_t i = 0; i < sizeof sales / sizeof *sales; i++) {
        struct ledger_entry late = entry_of(EVENT_SALE, -1000, sales[i].at_us, 400);
        assert_int_equal(books_covers(&history, &before, &late.event), sales[i].by_first);
        assert_int_equal(books_covers(&history, &word, &late.event), sales[i].by_second);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_history),
        cmocka_unit_test(test_then_and_now_and_as_known_then),
        cmocka_unit_test(test_which_statement_is_the_ground),
        cmocka_unit_test(test_shipments_wait_for_their_acknowledgement),
        cmocka_unit_test(test_watermarks_count_by_number),
        cmocka_unit_test(test_reserved_is_summed_by_order),
        cmocka_unit_test(test_overflow_is_told),
        cmocka_unit_test(test_what_a_statement_covers),
    };
    return cmocka_run_group_tests_name("books", tests, NULL, NULL);
}
