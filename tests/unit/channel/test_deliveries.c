/* Which messages are known again: the same id with the same signature, of the same channel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "channel/deliveries.h"

static void knows_what_it_was_told(void **state) {
    (void)state;
    struct deliveries *deliveries = deliveries_new();
    const struct delivery one = {TEXT("web"), TEXT("id-1"), TEXT("sig-1")};
    const struct delivery others[] = {
        {TEXT("web"), TEXT("id-2"), TEXT("sig-1")},  {TEXT("web"), TEXT("id-1"), TEXT("sig-2")},
        {TEXT("web2"), TEXT("id-1"), TEXT("sig-1")}, {TEXT("webi"), TEXT("d-1"), TEXT("sig-1")},
        {TEXT("web"), TEXT("id-1s"), TEXT("ig-1")},  {TEXT("web"), TEXT(""), TEXT("sig-1")},
    };
    assert_false(deliveries_know(deliveries, &one));
    deliveries_add(deliveries, &one);
    assert_true(deliveries_know(deliveries, &one));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(deliveries_know(deliveries, &others[i]));
    deliveries_add(deliveries, &others[5]); /* without an id nothing is remembered */
    assert_false(deliveries_know(deliveries, &others[5]));
    deliveries_free(deliveries);
}

static void forgets_the_oldest(void **state) {
    (void)state;
    struct deliveries *deliveries = deliveries_new();
    char id[24];
    for (unsigned i = 0; i <= DELIVERIES_KEPT; i++) {
        (void)snprintf(id, sizeof id, "id-%u", i);
        deliveries_add(deliveries, &(struct delivery){TEXT("web"), text_from(id), TEXT("s")});
    }
    assert_false(
        deliveries_know(deliveries, &(struct delivery){TEXT("web"), TEXT("id-0"), TEXT("s")}));
    assert_true(
        deliveries_know(deliveries, &(struct delivery){TEXT("web"), TEXT("id-1"), TEXT("s")}));
    assert_true(
        deliveries_know(deliveries, &(struct delivery){TEXT("web"), text_from(id), TEXT("s")}));
    deliveries_free(deliveries);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_it_was_told),
        cmocka_unit_test(forgets_the_oldest),
    };
    return cmocka_run_group_tests_name("channel/deliveries", tests, NULL, NULL);
}
