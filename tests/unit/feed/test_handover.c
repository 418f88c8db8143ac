/* What is given is taken, in order, whatever the sizes; and a taker that has enough ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "feed/handover.h"

static enum status collect(void *context, const void *data, size_t length) {
    buffer_append(context, data, length);
    return STATUS_OK;
}

struct slow {
    size_t taken, enough;
    bool asked_again; /* after it had enough */
};

static enum status take_slowly(void *context, const void *data, size_t length) {
    struct slow *slow = context;
    (void)data;
    usleep(100);
    slow->asked_again |= slow->taken >= slow->enough;
    slow->taken += length;
    return slow->taken < slow->enough ? STATUS_OK : STATUS_UNREADABLE;
}

static void test_in_order(void **state) {
    (void)state;
    struct buffer given = {0}, taken = {0};
    struct handover *handover = handover_new(collect, &taken);
    srand(3);
    for (int i = 0; i < 300; i++) {
        size_t length = (size_t)rand() % (i % 50 == 0 ? 1000000 : 3000);
        size_t from = given.length;
        for (size_t n = 0; n < length; n += 4) {
            buffer_append_format(&given, "%04d", rand() % 10000);
        }
        struct text piece = {given.data + from, given.length - from};
        assert_int_equal(handover_give(handover, piece.data, piece.length), STATUS_OK);
    }
    assert_int_equal(handover_finish(handover), STATUS_OK);
    assert_true(text_equal(buffer_text(&given), buffer_text(&taken)));
    buffer_deinit(&given);
    buffer_deinit(&taken);
}

static void test_enough(void **state) {
    (void)state;
    struct slow slow = {.enough = 5000};
    struct handover *handover = handover_new(take_slowly, &slow);
    char piece[1000] = {0};
    enum status status = STATUS_OK;
    for (int i = 0; i < 100000 && status == STATUS_OK; i++) {
        status = handover_give(handover, piece, sizeof(piece));
    }
    assert_int_equal(status, STATUS_UNREADABLE);
    assert_int_equal(handover_finish(handover), STATUS_UNREADABLE);
    assert_true(slow.taken >= 5000);
    assert_false(slow.asked_again);
    assert_int_equal(handover_finish(handover_new(take_slowly, &slow)), STATUS_OK);
    assert_int_equal(handover_finish(NULL), STATUS_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_enough),
    };
    return cmocka_run_group_tests_name("feed/handover", tests, NULL, NULL);
}
