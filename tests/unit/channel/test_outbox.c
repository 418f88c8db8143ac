/* The outbox by itself: what it holds, and that its lines bring it back. */
#include "unit/hub/support.h"

#include "channel/outbox.h"

static const struct outbox_rules now_rules = {{CONFIG_INCREASES_NOW, 0}, false};

static void want(struct outbox *outbox, uint32_t product, int64_t milli, uint64_t version) {
    struct wanted_figure figure = {.milli = milli, .version = version};
    outbox_want(outbox, 0, product, &figure, false, BASE_US);
    outbox_check(outbox);
}

static struct outbox_view look(const struct outbox *outbox, uint32_t product) {
    struct outbox_view view = {.told_milli = CHANNEL_UNKNOWN_MILLI};
    (void)outbox_look(outbox, (struct outbox_ref){0, product}, &view);
    return view;
}

static void answer(struct outbox *outbox, uint32_t product, enum channel_outcome outcome,
                   int64_t actual_milli) {
    struct outbox_ref ref = {0, product};
    outbox_send(outbox, ref, product + 100, BASE_US);
    outbox_sent(outbox, ref, outcome, actual_milli, TEXT("said\nthe shop"), BASE_US,
                BASE_US + US_PER_SECOND);
    outbox_check(outbox);
}

/* One cell of each kind: 1 agreed, 2 on its way, 3 parked, 4 unmapped, 5 wanted, 6 stale. */
static struct outbox *one_of_each(void) {
    struct outbox *outbox = outbox_new(&now_rules);
    for (uint32_t product = 1; product <= 6; product++)
        want(outbox, product, 1000 * product, 50 + product);
    answer(outbox, 1, CHANNEL_CONFIRMED, 0);
    outbox_send(outbox, (struct outbox_ref){0, 2}, 102, BASE_US);
    answer(outbox, 3, CHANNEL_PARKED, 0);
    answer(outbox, 4, CHANNEL_UNMAPPED, 0);
    answer(outbox, 6, CHANNEL_STALE, 9000);
    return outbox;
}

static struct outbox *brought_back(struct text lines) {
    struct outbox *outbox = outbox_new(&now_rules);
    struct error error = {0};
    uint64_t requests = 0;
    if (outbox_replay(outbox, lines, &error) != STATUS_OK)
        fail_msg("%s", error.detail);
    outbox_replayed(outbox, BASE_US, &requests);
    assert_int_equal(requests, 106);
    outbox_check(outbox);
    return outbox;
}

static void assert_same(const struct outbox *outbox) {
    assert_int_equal(look(outbox, 1).state, OUTBOX_CLEAN);
    assert_int_equal(look(outbox, 1).told_milli, 1000);
    assert_int_equal(look(outbox, 1).told_version, 51);
    assert_int_equal(look(outbox, 1).told_request, 101);
    assert_int_equal(look(outbox, 2).state, OUTBOX_UNCERTAIN);
    assert_int_equal(look(outbox, 2).sent_milli, 2000);
    assert_int_equal(look(outbox, 3).state, OUTBOX_PARKED);
    assert_true(text_equal_string(look(outbox, 3).words, "said the shop"));
    assert_int_equal(look(outbox, 4).state, OUTBOX_UNMAPPED);
    assert_true(look(outbox, 5).told_milli == CHANNEL_UNKNOWN_MILLI);
    assert_int_equal(look(outbox, 6).told_milli, 9000);
    assert_int_equal(outbox_told_count(outbox), 2);
}

static void test_lines_bring_it_back(void **state) {
    (void)state;
    struct outbox *outbox = one_of_each();
    struct outbox *again = brought_back(buffer_text(outbox_journal(outbox)));
    assert_same(again);
    /* The same lines once more come out the same: they are absolute. */
    struct buffer twice = {0};
    buffer_append_text(&twice, buffer_text(outbox_journal(outbox)));
    buffer_append_text(&twice, buffer_text(outbox_journal(outbox)));
    struct outbox *third = brought_back(buffer_text(&twice));
    assert_same(third);
    buffer_deinit(&twice);
    outbox_free(third);
    outbox_free(again);
    outbox_free(outbox);
}

static void test_pages_bring_it_back(void **state) {
    (void)state;
    struct outbox *outbox = one_of_each();
    struct buffer lines = {0}, all = {0};
    uint32_t place, page;
    while (outbox_take_page(outbox, &place, &page, &lines))
        buffer_append_text(&all, buffer_text(&lines));
    assert_false(outbox_take_page(outbox, &place, &page, &lines)); /* nothing changed since */
    struct outbox *again = outbox_new(&now_rules);
    struct error error = {0};
    uint64_t requests = 0;
    assert_int_equal(outbox_replay(again, buffer_text(&all), &error), STATUS_OK);
    outbox_replayed(again, BASE_US, &requests);
    assert_int_equal(requests, 102);
    assert_same(again);
    buffer_deinit(&lines);
    buffer_deinit(&all);
    outbox_free(again);
    outbox_free(outbox);
}

static void read_it(struct outbox *outbox, uint32_t product, int64_t actual_milli) {
    outbox_was_read(outbox, (struct outbox_ref){0, product}, CHANNEL_CONFIRMED, actual_milli,
                    BASE_US, BASE_US + 15 * US_PER_SECOND);
    outbox_check(outbox);
}

/* What the shop shows less of by its own word may be a web sale: nothing is raised at once. What
 * was applied late there is mended at once. */
static void test_doubts_what_it_told(void **state) {
    (void)state;
    static const struct {
        int64_t actual_milli;
        enum outbox_state after;
        bool hinted;
    } rows[] = {
        {1000, OUTBOX_CLEAN, true},   {1000, OUTBOX_CLEAN, false},  {400, OUTBOX_LATER, true},
        {400, OUTBOX_WANTING, false}, {3000, OUTBOX_WANTING, true}, {3000, OUTBOX_WANTING, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outbox *outbox = one_of_each();
        struct outbox_ref ref = {0, 1};
        struct outbox_ref due = {0, 0};
        assert_true(outbox_doubt(outbox, ref, rows[i].hinted, BASE_US));
        assert_false(outbox_doubt(outbox, ref, rows[i].hinted, BASE_US)); /* once is enough */
        assert_int_equal(look(outbox, 1).state, OUTBOX_VERIFYING);
        assert_true(outbox_peek_doubt(outbox, BASE_US, &due));
        assert_int_equal(due.product, 1);
        struct outbox *again = brought_back(buffer_text(outbox_journal(outbox)));
        assert_int_equal(look(again, 1).state, OUTBOX_VERIFYING); /* a crash forgets no doubt */
        outbox_free(again);
        read_it(outbox, 1, rows[i].actual_milli);
        assert_int_equal(look(outbox, 1).state, rows[i].after);
        assert_int_equal(look(outbox, 1).told_milli, rows[i].actual_milli);
        if (rows[i].after == OUTBOX_LATER) {
            want(outbox, 1, 400, 60); /* the order that explains it */
            assert_int_equal(look(outbox, 1).state, OUTBOX_CLEAN);
        }
        outbox_free(outbox);
    }
}

static void test_doubts_all_since(void **state) {
    (void)state;
    struct outbox *outbox = one_of_each();
    for (uint32_t product = 2; product <= 6; product++)
        assert_false(outbox_doubt(outbox, (struct outbox_ref){0, product}, true, BASE_US));
    assert_false(outbox_doubt(outbox, (struct outbox_ref){7, 7}, true, BASE_US));
    assert_int_equal(outbox_doubt_since(outbox, BASE_US + 2 * US_PER_SECOND, BASE_US), 0);
    assert_int_equal(outbox_doubt_since(outbox, BASE_US, BASE_US), 1);
    assert_int_equal(look(outbox, 1).state, OUTBOX_VERIFYING);
    outbox_check(outbox);
    outbox_free(outbox);
}

static void test_broken_lines_are_refused(void **state) {
    (void)state;
    static const char *const broken[] = {
        "C 0 1 1000 5 6", /* cut off */
        "C 0 1 1000 5\n", /* a number is missing */
        "C 0 1 x 5 6 7\n",
        "X 0 1\n",
        "S -1 1 1000 5 6\n",
        "S 0 99999999999999999999999 1 1 1\n",
        "O 0 4294967295 1000\n",
        "\n",
        "O 0 1 99999999999999999999\n",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct outbox *outbox = outbox_new(&now_rules);
        struct error error = {0};
        if (outbox_replay(outbox, text_from(broken[i]), &error) != STATUS_CORRUPT)
            fail_msg("taken: %s", broken[i]);
        assert_non_null(strstr(error.detail, "line 1 "));
        outbox_free(outbox);
    }
}

static void test_memory_is_bounded_by_cells(void **state) {
    (void)state;
    struct outbox *outbox = outbox_new(&now_rules);
    for (unsigned round = 1; round <= 20; round++) {
        for (uint32_t product = 1; product <= 2000; product++)
            outbox_want(outbox, 0, product,
                        &(struct wanted_figure){.milli = round * 1000, .version = round}, false,
                        BASE_US + round);
    }
    outbox_check(outbox);
    assert_int_equal(outbox_pending(outbox), 2000);
    assert_true(outbox_memory(outbox) < 2048 * 32 + 4096 * 200);
    assert_int_equal(outbox_oldest_us(outbox), BASE_US + 1);
    struct outbox_ref ref;
    unsigned sent = 0;
    while (outbox_peek(outbox, &ref)) {
        outbox_send(outbox, ref, 1, BASE_US);
        outbox_sent(outbox, ref, CHANNEL_CONFIRMED, 0, TEXT(""), BASE_US, BASE_US);
        sent++;
    }
    assert_int_equal(sent, 2000);
    assert_int_equal(outbox_pending(outbox), 0);
    outbox_check(outbox);
    outbox_free(outbox);
}

static void test_memory_comes_back(void **state) {
    (void)state;
    struct outbox *outbox = outbox_new(&now_rules);
    struct outbox_ref ref;
    for (uint32_t product = 1; product <= 10000; product++)
        outbox_want(outbox, 0, product, &(struct wanted_figure){.milli = 1000, .version = 1}, false,
                    BASE_US);
    size_t busy = outbox_memory(outbox);
    while (outbox_peek(outbox, &ref)) {
        outbox_send(outbox, ref, 1, BASE_US);
        outbox_sent(outbox, ref, CHANNEL_CONFIRMED, 0, TEXT(""), BASE_US, BASE_US);
        buffer_clear(outbox_journal(outbox));
    }
    assert_true(outbox_memory(outbox) < 10240 * 33 + 65536);
    assert_true(outbox_memory(outbox) < busy / 3);
    outbox_check(outbox);
    want(outbox, 7, 2000, 2);
    assert_int_equal(outbox_pending(outbox), 1);
    outbox_free(outbox);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_bring_it_back),
        cmocka_unit_test(test_pages_bring_it_back),
        cmocka_unit_test(test_doubts_what_it_told),
        cmocka_unit_test(test_doubts_all_since),
        cmocka_unit_test(test_broken_lines_are_refused),
        cmocka_unit_test(test_memory_is_bounded_by_cells),
        cmocka_unit_test(test_memory_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
