/* Coverage: by time, by number, by acknowledgement; of events and of movements alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/statement.h"

#define PRISM 1
#define SHOP 2

static void test_the_newest_statement_is_by_time_then_by_acceptance(void **state) {
    (void)state;
    struct statement old = {.id = 2, .as_of_us = 10}, young = {.id = 1, .as_of_us = 11};
    struct statement correction = {.id = 3, .as_of_us = 10};
    assert_true(statement_is_newer(&old, NULL));
    assert_true(statement_is_newer(&young, &old));
    assert_false(statement_is_newer(&old, &young));
    assert_true(statement_is_newer(&correction, &old));
    assert_false(statement_is_newer(&old, &correction));
    assert_false(statement_is_newer(&old, &old));
}

/* The same movement as event, movement and pending movement must be judged alike. */
static void check(const struct statement *s, struct event event, int64_t acknowledged_at_us,
                  bool covered) {
    struct pending_movement pending = {
        .movement = {.effective_at_us = event_effective_at_us(&event),
                     .delta_milli = event.delta_milli,
                     .register_sequence = event.register_sequence,
                     .register_id = event.register_id},
        .source = event.source,
        .standing = event.standing,
        .acknowledged_at_us = acknowledged_at_us,
    };
    assert_int_equal(statement_covers(s, &event, acknowledged_at_us), covered);
    assert_int_equal(statement_covers_pending(s, &pending), covered);
    if (event.standing == STANDS_UNTIL_RESET)
        assert_int_equal(statement_covers_movement(s, &pending.movement), covered);
}

static struct event sale_at(int64_t occurred_at_us, int64_t received_at_us) {
    return (struct event){.source = PRISM,
                          .type = EVENT_SALE,
                          .delta_milli = -1000,
                          .occurred_at_us = occurred_at_us,
                          .received_at_us = received_at_us};
}

static void test_by_time(void **state) {
    (void)state;
    struct statement s = {.id = 1, .source = PRISM, .as_of_us = 100};
    check(&s, sale_at(99, 500), NEVER_US, true);
    check(&s, sale_at(100, 500), NEVER_US, true);
    check(&s, sale_at(101, 500), NEVER_US, false);
    /* A clock in the future: what was received counts. */
    check(&s, sale_at(900, 100), NEVER_US, true);
    check(&s, sale_at(900, 101), NEVER_US, false);
    /* Acknowledging what stands until a reset changes nothing. */
    check(&s, sale_at(101, 500), 50, false);
}

static void test_by_number_where_the_register_is_known(void **state) {
    (void)state;
    const struct watermark through[] = {{3, 10}, {5, 20}, {8, 0}};
    struct statement s = {
        .id = 1, .source = PRISM, .as_of_us = 100, .through = through, .through_count = 3};
    static const struct {
        uint32_t register_id;
        int64_t sequence;
        bool early, late; /* covered when it occurred before, after as_of */
    } rows[] = {
        {3, 10, true, true}, {3, 11, false, false}, {5, 20, true, true}, {5, 21, false, false},
        {8, 0, true, true},  {8, 1, false, false},  {4, 1, true, false}, {9, 1, true, false},
        {1, 1, true, false}, {0, 5, true, false},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct event event = sale_at(50, 500);
        event.register_id = rows[i].register_id;
        event.register_sequence = rows[i].sequence;
        check(&s, event, NEVER_US, rows[i].early);
        event.occurred_at_us = 101;
        check(&s, event, NEVER_US, rows[i].late);
    }
    s.through_count = 0;
    struct event event = sale_at(101, 500);
    event.register_id = 3;
    check(&s, event, NEVER_US, false);
}

static void test_by_acknowledgement(void **state) {
    (void)state;
    struct statement s = {.id = 1, .source = PRISM, .as_of_us = 100};
    struct event shipment = sale_at(50, 50);
    shipment.source = SHOP;
    shipment.type = EVENT_SHIPMENT;
    static const enum event_standing standings[] = {STANDS_UNTIL_ACKNOWLEDGED,
                                                    STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS};
    for (unsigned i = 0; i < 2; i++) {
        shipment.standing = standings[i];
        check(&s, shipment, NEVER_US, false);
        check(&s, shipment, 101, false);
        check(&s, shipment, 100, true);
        check(&s, shipment, 1, true);
    }
    s.as_of_us = NEVER_US; /* even at the end of time, never is never */
    check(&s, shipment, NEVER_US, false);
}

static void test_its_own_source_knows_a_shipment_by_time(void **state) {
    (void)state;
    const struct watermark through[] = {{3, 10}};
    struct statement s = {.id = 1, .source = SHOP, .as_of_us = 100};
    struct event shipment = sale_at(50, 50);
    shipment.source = SHOP;
    shipment.standing = STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS;
    check(&s, shipment, NEVER_US, true);
    shipment.occurred_at_us = shipment.received_at_us = 101;
    check(&s, shipment, 50, false);
    s.through = through;
    s.through_count = 1;
    shipment.register_id = 3;
    shipment.register_sequence = 10;
    check(&s, shipment, NEVER_US, true);
    /* Asked to stand until acknowledged, it does so for its own source too. */
    shipment.standing = STANDS_UNTIL_ACKNOWLEDGED;
    check(&s, shipment, NEVER_US, false);
    check(&s, shipment, 100, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_statement_is_by_time_then_by_acceptance),
        cmocka_unit_test(test_by_time),
        cmocka_unit_test(test_by_number_where_the_register_is_known),
        cmocka_unit_test(test_by_acknowledgement),
        cmocka_unit_test(test_its_own_source_knows_a_shipment_by_time),
    };
    return cmocka_run_group_tests_name("statement", tests, NULL, NULL);
}
