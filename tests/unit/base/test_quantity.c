/* Quantities: what is read, what is refused and why, and that writing gives back what was read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/quantity.h"

struct quantity_case {
    const char *text;
    enum status status;
    int64_t milli;
};

static const char four_hundred_digits[] =
    "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
    "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
    "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
    "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
    "111111111111111111111111";

/* Read alike by both parsers. */
static const struct quantity_case common[] = {
    {"0", STATUS_OK, 0},
    {"4", STATUS_OK, 4000},
    {"-1", STATUS_OK, -1000},
    {"4.7", STATUS_OK, 4700},
    {"4.75", STATUS_OK, 4750},
    {"4.755", STATUS_OK, 4755},
    {"-0.25", STATUS_OK, -250},
    {"0.001", STATUS_OK, 1},
    {"-0", STATUS_OK, 0},
    {"-0.000", STATUS_OK, 0},
    {"1.000", STATUS_OK, 1000},
    {"1000000000000", STATUS_OK, QUANTITY_MAX_MILLI},
    {"-1000000000000.000", STATUS_OK, -QUANTITY_MAX_MILLI},
    {"1000000000000.001", STATUS_OUT_OF_RANGE, 0},
    {"1000000000001", STATUS_OUT_OF_RANGE, 0},
    {"-9223372036854775808", STATUS_OUT_OF_RANGE, 0},
    {"9223372036854775808", STATUS_OUT_OF_RANGE, 0},
    {"18446744073709551617", STATUS_OUT_OF_RANGE, 0},
    {four_hundred_digits, STATUS_OUT_OF_RANGE, 0},
    {"", STATUS_BAD_QUANTITY, 0},
    {"-", STATUS_BAD_QUANTITY, 0},
    {"--1", STATUS_BAD_QUANTITY, 0},
    {"+-1", STATUS_BAD_QUANTITY, 0},
    {".5", STATUS_BAD_QUANTITY, 0},
    {"5.", STATUS_BAD_QUANTITY, 0},
    {".", STATUS_BAD_QUANTITY, 0},
    {"1.2300", STATUS_BAD_QUANTITY, 0},
    {"1.2345", STATUS_BAD_QUANTITY, 0},
    {"1,5", STATUS_BAD_QUANTITY, 0},
    {"1.234,5", STATUS_BAD_QUANTITY, 0},
    {"1.2.3", STATUS_BAD_QUANTITY, 0},
    {"(5)", STATUS_BAD_QUANTITY, 0},
    {"5-", STATUS_BAD_QUANTITY, 0},
    {"0x10", STATUS_BAD_QUANTITY, 0},
    {"NaN", STATUS_BAD_QUANTITY, 0},
    {"Infinity", STATUS_BAD_QUANTITY, 0},
    {" 1", STATUS_BAD_QUANTITY, 0},
    {"1 ", STATUS_BAD_QUANTITY, 0},
    {"1. 5", STATUS_BAD_QUANTITY, 0},
    {"1.-5", STATUS_BAD_QUANTITY, 0},
};

static const struct quantity_case only_files[] = {
    {"+5", STATUS_OK, 5000},
    {"007", STATUS_OK, 7000},
    {"0000000000000000000000000000000000001.5", STATUS_OK, 1500},
    {"1e3", STATUS_BAD_QUANTITY, 0},
    {"+", STATUS_BAD_QUANTITY, 0},
};

static const struct quantity_case only_json[] = {
    {"+5", STATUS_BAD_QUANTITY, 0},
    {"007", STATUS_BAD_QUANTITY, 0},
    {"-01", STATUS_BAD_QUANTITY, 0},
    {"1e3", STATUS_OK, 1000000},
    {"1E+3", STATUS_OK, 1000000},
    {"25e-2", STATUS_OK, 250},
    {"-25e-2", STATUS_OK, -250},
    {"1.5e1", STATUS_OK, 15000},
    {"1.2345e1", STATUS_OK, 12345},
    {"2500e-4", STATUS_OK, 250},
    {"1.2300e0", STATUS_OK, 1230},
    {"100.00e-2", STATUS_OK, 1000},
    {"1e-3", STATUS_OK, 1},
    {"1e-4", STATUS_BAD_QUANTITY, 0},
    {"1.5e-3", STATUS_BAD_QUANTITY, 0},
    {"0e400", STATUS_OK, 0},
    {"0.0000e-99999999999999999999", STATUS_OK, 0},
    {"1e12", STATUS_OK, QUANTITY_MAX_MILLI},
    {"1e13", STATUS_OUT_OF_RANGE, 0},
    {"1e400", STATUS_OUT_OF_RANGE, 0},
    {"1e99999999999999999999", STATUS_OUT_OF_RANGE, 0},
    {"1e-99999999999999999999", STATUS_BAD_QUANTITY, 0},
    {"1e", STATUS_BAD_QUANTITY, 0},
    {"1e+", STATUS_BAD_QUANTITY, 0},
    {"1e1.5", STATUS_BAD_QUANTITY, 0},
    {"1.e1", STATUS_BAD_QUANTITY, 0},
    {"e1", STATUS_BAD_QUANTITY, 0},
    {"1e1e1", STATUS_BAD_QUANTITY, 0},
    {"1x2e1", STATUS_BAD_QUANTITY, 0},
};

typedef enum status parse_function(struct text text, int64_t *milli_out);

static enum status parse_file(struct text text, int64_t *milli_out) {
    return quantity_parse(text, false, milli_out);
}

static void check(const struct quantity_case *cases, size_t count, parse_function *parse) {
    for (size_t i = 0; i < count; i++) {
        int64_t milli = 77;
        enum status status = parse(text_from(cases[i].text), &milli);
        if (status != cases[i].status || milli != (status == STATUS_OK ? cases[i].milli : 77)) {
            fail_msg("'%s': %s, %lld", cases[i].text, status_code(status), (long long)milli);
        }
    }
}

#define CHECK(cases, parse) check(cases, sizeof(cases) / sizeof *(cases), parse)

static void test_parse(void **state) {
    (void)state;
    CHECK(common, parse_file);
    CHECK(only_files, parse_file);
    int64_t milli;
    assert_int_equal(quantity_parse((struct text){0}, false, &milli), STATUS_BAD_QUANTITY);
    assert_int_equal(quantity_parse(TEXT("1\0"), false, &milli), STATUS_BAD_QUANTITY);
}

static void test_parse_json(void **state) {
    (void)state;
    CHECK(common, quantity_parse_json);
    CHECK(only_json, quantity_parse_json);
    int64_t milli;
    assert_int_equal(quantity_parse_json((struct text){0}, &milli), STATUS_BAD_QUANTITY);
}

static void test_decimal_comma(void **state) {
    (void)state;
    int64_t milli = 0;
    assert_int_equal(quantity_parse(TEXT("1,5"), true, &milli), STATUS_OK);
    assert_int_equal(milli, 1500);
    assert_int_equal(quantity_parse(TEXT("1.5"), true, &milli), STATUS_BAD_QUANTITY);
    assert_int_equal(quantity_parse(TEXT("1.000,5"), true, &milli), STATUS_BAD_QUANTITY);
    assert_int_equal(quantity_parse(TEXT("12"), true, &milli), STATUS_OK);
}

static void test_format(void **state) {
    (void)state;
    static const struct {
        int64_t milli;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1, "0.001"},
        {-1, "-0.001"},
        {10, "0.01"},
        {100, "0.1"},
        {4750, "4.75"},
        {-1000, "-1"},
        {1005, "1.005"},
        {BALANCE_MAX_MILLI, "1000000000000000"},
        {INT64_MAX, "9223372036854775.807"},
        {INT64_MIN, "-9223372036854775.808"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[QUANTITY_TEXT_SIZE];
        assert_int_equal(quantity_format(cases[i].milli, out), strlen(cases[i].text));
        assert_string_equal(out, cases[i].text);
        struct buffer buffer = {0};
        buffer_append_quantity(&buffer, cases[i].milli);
        assert_string_equal(buffer.data, cases[i].text);
        buffer_deinit(&buffer);
    }
}

static void test_round_trip(void **state) {
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < 200000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        int64_t milli = (int64_t)(random >> (13 + i % 51)) * (i % 2 == 0 ? 1 : -1);
        if (milli > QUANTITY_MAX_MILLI || milli < -QUANTITY_MAX_MILLI) {
            continue;
        }
        char out[QUANTITY_TEXT_SIZE];
        struct text text = {out, quantity_format(milli, out)};
        int64_t again = 0, json = 0;
        assert_int_equal(quantity_parse(text, false, &again), STATUS_OK);
        assert_int_equal(quantity_parse_json(text, &json), STATUS_OK);
        assert_true(again == milli && json == milli);
    }
}

static void test_balances_are_bounded(void **state) {
    (void)state;
    int64_t sum = 5;
    assert_int_equal(balance_add(BALANCE_MAX_MILLI - 1, 1, &sum), STATUS_OK);
    assert_true(sum == BALANCE_MAX_MILLI);
    assert_int_equal(balance_add(BALANCE_MAX_MILLI, 1, &sum), STATUS_OUT_OF_RANGE);
    assert_int_equal(balance_add(-BALANCE_MAX_MILLI, -1, &sum), STATUS_OUT_OF_RANGE);
    assert_int_equal(balance_add(INT64_MAX, INT64_MAX, &sum), STATUS_OUT_OF_RANGE);
    assert_int_equal(balance_add(INT64_MIN, INT64_MIN, &sum), STATUS_OUT_OF_RANGE);
    assert_true(sum == BALANCE_MAX_MILLI);
    assert_int_equal(balance_add(-BALANCE_MAX_MILLI, 7, &sum), STATUS_OK);
    assert_true(sum == 7 - BALANCE_MAX_MILLI);
}

int main(void) {
    const struct CMUnitTest quantity[] = {
        cmocka_unit_test(test_parse),         cmocka_unit_test(test_parse_json),
        cmocka_unit_test(test_decimal_comma), cmocka_unit_test(test_format),
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_balances_are_bounded),
    };
    return cmocka_run_group_tests(quantity, NULL, NULL);
}
