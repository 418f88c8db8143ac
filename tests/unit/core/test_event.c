/* Events: signs, deltas, validity and sameness, type by type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/quantity.h"
#include "core/event.h"

/* What DESIGN's table says of each type, for a quantity of 2 units sent with each sign. */
static const struct {
    const char *word;
    enum event_type type;
    bool negative_allowed, positive_allowed;
    int on_hand_of_negative, order_of_negative; /* in units of 2, when sent as -2 */
    int on_hand_of_positive, order_of_positive; /* ... as +2 */
} types[] = {
    {"sale", EVENT_SALE, true, false, -1, 0, 0, 0},
    {"return", EVENT_RETURN, false, true, 0, 0, +1, 0},
    {"receipt", EVENT_RECEIPT, false, true, 0, 0, +1, 0},
    {"transfer_in", EVENT_TRANSFER_IN, false, true, 0, 0, +1, 0},
    {"transfer_out", EVENT_TRANSFER_OUT, true, false, -1, 0, 0, 0},
    {"damage", EVENT_DAMAGE, true, false, -1, 0, 0, 0},
    {"adjustment", EVENT_ADJUSTMENT, true, true, -1, 0, +1, 0},
    {"reservation", EVENT_RESERVATION, false, true, 0, 0, 0, +1},
    {"release", EVENT_RELEASE, true, true, 0, -1, 0, -1},
    {"shipment", EVENT_SHIPMENT, true, false, -1, -1, 0, 0},
};

static void test_every_type_has_its_word(void **state) {
    (void)state;
    assert_int_equal(sizeof types / sizeof *types, EVENT_TYPE_COUNT);
    for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
        enum event_type type = EVENT_TYPE_COUNT;
        assert_string_equal(event_type_word(types[i].type), types[i].word);
        assert_int_equal(event_type_parse(text_from(types[i].word), &type), STATUS_OK);
        assert_int_equal(type, types[i].type);
    }
}

static void test_other_words_are_no_types(void **state) {
    (void)state;
    static const char *const words[] = {"", "Sale", "sale ", "sales", "return\n", "unknown"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        enum event_type type = EVENT_DAMAGE;
        assert_int_equal(event_type_parse(text_from(words[i]), &type), STATUS_BAD_TYPE);
        assert_int_equal(type, EVENT_DAMAGE);
    }
}

static void check_sign(struct event *event, bool allowed, int on_hand, int order) {
    struct error error = {0};
    enum status status = event_validate(event, &error);
    assert_int_equal(status, allowed ? STATUS_OK : STATUS_BAD_SIGN);
    if (!allowed) {
        assert_int_equal(error.status, STATUS_BAD_SIGN);
        assert_non_null(strstr(error.detail, event_type_word(event->type)));
        return;
    }
    assert_int_equal(event_on_hand_delta_milli(event), on_hand * 2000);
    assert_int_equal(event_order_delta_milli(event), order * 2000);
}

static void test_signs_and_deltas_follow_the_table(void **state) {
    (void)state;
    for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
        struct event event = {.type = types[i].type, .delta_milli = -2000};
        check_sign(&event, types[i].negative_allowed, types[i].on_hand_of_negative,
                   types[i].order_of_negative);
        event.delta_milli = 2000;
        check_sign(&event, types[i].positive_allowed, types[i].on_hand_of_positive,
                   types[i].order_of_positive);
    }
}

static void test_an_acknowledgement_moves_nothing(void **state) {
    (void)state;
    for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
        struct event event = {.type = types[i].type,
                              .delta_milli = types[i].positive_allowed ? 2000 : -2000,
                              .acknowledges = TEXT("SO-77")};
        assert_int_equal(event_validate(&event, NULL), STATUS_OK);
        assert_int_equal(event_on_hand_delta_milli(&event), 0);
        assert_int_equal(event_order_delta_milli(&event), 0);
        event.delta_milli = 0;
        assert_int_equal(event_validate(&event, NULL), STATUS_OK);
    }
}

static void test_zero_is_no_movement(void **state) {
    (void)state;
    for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
        struct event event = {.type = types[i].type};
        assert_int_equal(event_validate(&event, NULL), STATUS_BAD_QUANTITY);
    }
}

static void test_quantities_have_a_range(void **state) {
    (void)state;
    struct event event = {.type = EVENT_ADJUSTMENT, .delta_milli = QUANTITY_MAX_MILLI};
    assert_int_equal(event_validate(&event, NULL), STATUS_OK);
    event.delta_milli = QUANTITY_MAX_MILLI + 1;
    assert_int_equal(event_validate(&event, NULL), STATUS_OUT_OF_RANGE);
    event.delta_milli = -QUANTITY_MAX_MILLI;
    assert_int_equal(event_validate(&event, NULL), STATUS_OK);
    event.delta_milli = -QUANTITY_MAX_MILLI - 1;
    assert_int_equal(event_validate(&event, NULL), STATUS_OUT_OF_RANGE);
    event.delta_milli = INT64_MIN;
    assert_int_equal(event_validate(&event, NULL), STATUS_OUT_OF_RANGE);
}

static void test_no_event_takes_effect_in_the_future(void **state) {
    (void)state;
    struct event event = {.occurred_at_us = 10, .received_at_us = 20};
    assert_int_equal(event_effective_at_us(&event), 10);
    event.occurred_at_us = 30;
    assert_int_equal(event_effective_at_us(&event), 20);
}

static void test_only_shipments_wait_for_others(void **state) {
    (void)state;
    for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
        enum event_standing expected = types[i].type == EVENT_SHIPMENT
                                           ? STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS
                                           : STANDS_UNTIL_RESET;
        assert_int_equal(event_default_standing(types[i].type), expected);
    }
}

static struct event full_event(void) {
    return (struct event){.location = 1,
                          .product = 2,
                          .source = 3,
                          .register_id = 4,
                          .register_sequence = 5,
                          .delta_milli = -1000,
                          .occurred_at_us = 6,
                          .received_at_us = 7,
                          .type = EVENT_SALE,
                          .standing = STANDS_UNTIL_RESET,
                          .occurred_at_given = true,
                          .id = TEXT("10045-1"),
                          .document = TEXT("10045"),
                          .order = TEXT("SO-1"),
                          .reason = TEXT("POS"),
                          .acknowledges = TEXT("SO-2")};
}

static void test_same_content_is_a_repetition(void **state) {
    (void)state;
    struct event a = full_event(), b = full_event();
    b.received_at_us = 99; /* ours, not sent */
    assert_true(event_same_content(&a, &b));
    a.register_id = b.register_id = 0;
    b.register_sequence = 99; /* of no register */
    assert_true(event_same_content(&a, &b));
}

static void test_other_content_is_a_misuse(void **state) {
    (void)state;
    struct event a = full_event();
#define DIFFERS(field, value)                                                                      \
    do {                                                                                           \
        struct event b = full_event();                                                             \
        b.field = value;                                                                           \
        assert_false(event_same_content(&a, &b));                                                  \
        assert_false(event_same_content(&b, &a));                                                  \
    } while (0)
    DIFFERS(location, 9);
    DIFFERS(product, 9);
    DIFFERS(type, EVENT_DAMAGE);
    DIFFERS(delta_milli, -2000);
    DIFFERS(standing, STANDS_UNTIL_ACKNOWLEDGED);
    DIFFERS(register_id, 9);
    DIFFERS(register_sequence, 9);
    DIFFERS(occurred_at_us, 9);
    DIFFERS(document, TEXT("10046"));
    DIFFERS(order, TEXT(""));
    DIFFERS(reason, TEXT("pos"));
    DIFFERS(acknowledges, TEXT("SO-22"));
#undef DIFFERS
}

static void test_times_that_were_made_up_do_not_differ(void **state) {
    (void)state;
    struct event a = full_event(), b = full_event();
    b.occurred_at_us = 9;
    b.occurred_at_given = false;
    assert_false(event_same_content(&a, &b));
    assert_false(event_same_content(&b, &a));
    a.occurred_at_given = false;
    assert_true(event_same_content(&a, &b));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_has_its_word),
        cmocka_unit_test(test_other_words_are_no_types),
        cmocka_unit_test(test_signs_and_deltas_follow_the_table),
        cmocka_unit_test(test_an_acknowledgement_moves_nothing),
        cmocka_unit_test(test_zero_is_no_movement),
        cmocka_unit_test(test_quantities_have_a_range),
        cmocka_unit_test(test_no_event_takes_effect_in_the_future),
        cmocka_unit_test(test_only_shipments_wait_for_others),
        cmocka_unit_test(test_same_content_is_a_repetition),
        cmocka_unit_test(test_other_content_is_a_misuse),
        cmocka_unit_test(test_times_that_were_made_up_do_not_differ),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
