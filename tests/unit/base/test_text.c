/* Slices, UTF-8, numbers as text, buffers and CSV fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

static void test_equality(void **state) {
    (void)state;
    struct text none = {0};
    assert_true(text_equal(none, TEXT("")));
    assert_false(text_equal(TEXT("a"), TEXT("b")));
    assert_false(text_equal(TEXT("a"), TEXT("ab")));
    assert_true(text_equal_ignore_case(TEXT("FacilityId"), TEXT("facilityID")));
    assert_false(text_equal_ignore_case(TEXT("a"), TEXT("ab")));
    assert_false(text_equal_ignore_case(TEXT("[@`{"), TEXT("{`@[")));
    assert_false(text_equal_ignore_case(TEXT("\xC4"), TEXT("\xE4"))); /* ASCII only */
}

static void test_trim(void **state) {
    (void)state;
    assert_true(text_equal_string(text_trim(TEXT(" \t\r\n\v\f a b \n")), "a b"));
    assert_int_equal(text_trim(TEXT(" \t ")).length, 0);
    assert_int_equal(text_trim((struct text){0}).length, 0);
}

static void test_compare(void **state) {
    (void)state;
    assert_true(text_compare(TEXT("a"), TEXT("b")) < 0);
    assert_true(text_compare(TEXT("ab"), TEXT("a")) > 0);
    assert_true(text_compare(TEXT("a"), TEXT("ab")) < 0);
    assert_true(text_compare(TEXT("\xFF"), TEXT("a")) > 0);
    assert_int_equal(text_compare((struct text){0}, TEXT("")), 0);
}

static void test_utf8(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        bool valid;
    } cases[] = {
        {"", true},
        {"plain ascii of more than eight", true},
        {"sixteen bytes of\xC3\xA4 and then some", true},
        {"\xC2\x80", true},
        {"\xDF\xBF", true},
        {"\xE0\xA0\x80", true},
        {"\xED\x9F\xBF", true},
        {"\xEE\x80\x80", true},
        {"\xEF\xBF\xBF", true},
        {"\xF0\x90\x80\x80", true},
        {"\xF4\x8F\xBF\xBF", true},
        {"\x80", false},
        {"\xC0\x80", false},
        {"\xC1\xBF", false},
        {"\xE0\x9F\xBF", false},
        {"\xED\xA0\x80", false},
        {"\xF0\x8F\xBF\xBF", false},
        {"\xF4\x90\x80\x80", false},
        {"\xF5\x80\x80\x80", false},
        {"\xFF", false},
        {"\xC3", false},
        {"\xE2\x82", false},
        {"\xF0\x9F\x92", false},
        {"\xE2\x82g", false},
        {"\xE2g\x82", false},
        {"\xF0\x9F\x92g", false},
        {"\xF0\x9Fg\x92", false},
        {"\xC3g", false},
        {"eight by\x80tes and more", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(text_is_utf8(text_from(cases[i].bytes)), cases[i].valid);
    }
}

static void test_numbers(void **state) {
    (void)state;
    char expected[32], got[U64_TEXT_SIZE];
    uint64_t value = 1;
    for (int digits = 1; digits <= 20; digits++, value *= 10) {
        const uint64_t around[] = {value - 1, value, value + 1, value * 9 + 7};
        for (size_t i = 0; i < 4; i++) {
            int length = snprintf(expected, sizeof expected, "%" PRIu64, around[i]);
            assert_int_equal(text_format_u64(around[i], got), length);
            assert_string_equal(got, expected);
        }
    }
    struct buffer buffer = {0};
    buffer_append_uint(&buffer, UINT64_MAX);
    buffer_append_string(&buffer, " ");
    buffer_append_int(&buffer, INT64_MIN);
    buffer_append_string(&buffer, " ");
    buffer_append_int(&buffer, 0);
    assert_string_equal(buffer.data, "18446744073709551615 -9223372036854775808 0");
    buffer_deinit(&buffer);
}

static void test_buffer_grows_and_stays_terminated(void **state) {
    (void)state;
    struct buffer buffer = {0};
    char piece[40];
    size_t total = 0;
    for (int i = 0; i < 3000; i++) {
        int length = snprintf(piece, sizeof piece, "<%d>", i);
        buffer_append(&buffer, piece, (size_t)length);
        total += (size_t)length;
        assert_int_equal(buffer.length, total);
        assert_int_equal(buffer.data[total], '\0');
        assert_true(buffer.capacity > total);
    }
    assert_non_null(strstr(buffer.data, "<1499><1500>"));
    buffer_clear(&buffer);
    assert_string_equal(buffer.data, "");
    buffer_append(&buffer, NULL, 0);
    assert_int_equal(buffer.length, 0);
    buffer_deinit(&buffer);
    assert_null(buffer.data);
    buffer_clear(&buffer);
}

static void test_buffer_format(void **state) {
    (void)state;
    struct buffer buffer = {0};
    buffer_append_format(&buffer, "%s-%d", "a", 7);
    assert_string_equal(buffer.data, "a-7");
    buffer_append_format(&buffer, "%05000d|", 1); /* larger than what was at hand */
    assert_int_equal(buffer.length, 3 + 5001);
    assert_string_equal(buffer.data + buffer.length - 3, "01|");
    buffer_deinit(&buffer);
}

static void test_buffer_consume(void **state) {
    (void)state;
    struct buffer buffer = {0};
    buffer_consume(&buffer, 0);
    buffer_append_string(&buffer, "one two");
    buffer_consume(&buffer, 4);
    assert_string_equal(buffer.data, "two");
    buffer_consume(&buffer, 3);
    assert_string_equal(buffer.data, "");
    assert_int_equal(buffer.length, 0);
    buffer_deinit(&buffer);
}

static void test_csv_fields(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"WH09-XL", "WH09-XL"},
        {"=cmd|x", "=cmd|x"},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"\"", "\"\"\"\""},
        {"a\nb", "\"a\nb\""},
        {"a\rb", "\"a\rb\""},
        {"a;b c", "a;b c"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer buffer = {0};
        buffer_append_csv(&buffer, text_from(cases[i][0]));
        assert_string_equal(buffer.data, cases[i][1]);
        buffer_deinit(&buffer);
    }
}

int main(void) {
    const struct CMUnitTest text[] = {
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_buffer_grows_and_stays_terminated),
        cmocka_unit_test(test_buffer_format),
        cmocka_unit_test(test_buffer_consume),
        cmocka_unit_test(test_csv_fields),
    };
    return cmocka_run_group_tests(text, NULL, NULL);
}
