/* What happened in which second, with pauses, jumps and the beginning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/rates.h"
#include "base/timestamp.h"

#define SECOND(n) ((n)*US_PER_SECOND)

static void check(struct rates *rates, int64_t now_us, const char *wanted) {
    struct buffer out = {0};
    struct json_writer w = {.out = &out};
    rates_write_json(rates, now_us, &w);
    assert_string_equal(out.data, wanted);
    buffer_deinit(&out);
}

static void each_second_has_its_count(void **state) {
    (void)state;
    struct rates rates;
    rates_init(&rates, SECOND(1000));
    check(&rates, SECOND(1000), "[]");
    rates_note(&rates, SECOND(1000) + 10, 3);
    rates_note(&rates, SECOND(1000) + 20, 5);
    check(&rates, SECOND(1000) + 30, "[]"); /* the second is not whole yet */
    rates_note(&rates, SECOND(1001), 6);
    check(&rates, SECOND(1001) + 1, "[5]");
    check(&rates, SECOND(1004), "[5,1,0,0]"); /* nobody noted anything since */
    rates_note(&rates, SECOND(1004), 6);
    rates_note(&rates, SECOND(1004), 2); /* a total never falls; should it, nothing is made up */
    check(&rates, SECOND(1005), "[5,1,0,0,0]");
    rates_deinit(&rates);
}

static void only_the_last_two_minutes_are_kept(void **state) {
    (void)state;
    struct rates rates;
    rates_init(&rates, SECOND(7));
    for (int64_t s = 0; s < 500; s++)
        rates_note(&rates, SECOND(7 + s), (uint64_t)(s * (s + 1) / 2)); /* s in second s */
    struct buffer wanted = {0};
    for (int64_t s = 380; s < 500; s++)
        buffer_append_format(&wanted, "%s%lld", s == 380 ? "[" : ",", (long long)s);
    buffer_append_string(&wanted, "]");
    check(&rates, SECOND(507), wanted.data);
    buffer_clear(&wanted);
    for (int i = 0; i < 120; i++)
        buffer_append_string(&wanted, i == 0 ? "[0" : ",0");
    buffer_append_string(&wanted, "]");
    check(&rates, SECOND(100000), wanted.data); /* a machine that slept */
    buffer_deinit(&wanted);
    rates_deinit(&rates);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_second_has_its_count),
        cmocka_unit_test(only_the_last_two_minutes_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
