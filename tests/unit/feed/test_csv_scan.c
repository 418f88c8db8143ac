/* The scan has three widths and one answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed/csv_scan_internal.h"

typedef size_t scan_function(const char *data, size_t end, size_t length, char delimiter,
                             struct csv_index *index);

static void expect_same(scan_function *scan, const char *data, size_t end, size_t length) {
    static struct csv_index expected, got;
    expected.count = got.count = 0;
    size_t plain = csv_scan_bytes(data, 0, end, length, ';', &expected);
    assert_int_equal(scan(data, end, length, ';', &got), plain);
    assert_int_equal(got.count, expected.count);
    assert_memory_equal(got.positions, expected.positions,
                        expected.count * sizeof(expected.positions[0]));
}

static void compare(scan_function *scan) {
    static const char likely[] = "aB9-;;;\n\n\r\n ,.";
    srand(11);
    for (int round = 0; round < 20000; round++) {
        size_t length = (size_t)rand() % 400;
        char *data = malloc(length > 0 ? length : 1); /* as long as it may be read */
        for (size_t i = 0; i < length; i++) {
            data[i] = likely[(size_t)rand() % (sizeof(likely) - 1)];
        }
        for (int odd = rand() % 3; odd > 0 && length > 0; odd--) {
            data[(size_t)rand() % length] = (char)(rand() % 256);
        }
        size_t end = length > 0 ? (size_t)rand() % (length + 1) : 0;
        expect_same(scan, data, end, length);
        free(data);
    }
}

static void test_byte_by_byte(void **state) {
    (void)state;
    static struct csv_index index;
    const char data[] = "a;b\r\nc\"d;";
    index.count = 0;
    assert_int_equal(csv_scan_bytes(data, 0, 9, 9, ';', &index), 6);
    assert_int_equal(index.count, 2);
    assert_int_equal(index.positions[0], 1);
    assert_int_equal(index.positions[1], 4);
    index.count = 0;
    assert_int_equal(csv_scan_bytes("a\rb", 0, 3, 3, ';', &index), 1);
    assert_int_equal(csv_scan_bytes("ab\x80", 0, 3, 3, ';', &index), 2);
    assert_int_equal(csv_scan_bytes("ab\x7f", 0, 3, 3, ';', &index), 2);
    assert_int_equal(csv_scan_bytes("ab\t", 0, 3, 3, '\t', &index), 3);
}

static void test_every_byte(void **state) {
    (void)state;
    static struct csv_index index;
    for (int c = 0; c < 256; c++) {
        char data[128];
        memset(data, 'x', sizeof(data));
        data[70] = (char)c;
        bool odd = (c < 0x20 && c != '\n') || c >= 0x7f || c == '"';
        assert_int_equal(csv_scan(data, 128, 128, ';', &index), odd ? 70 : 128);
        assert_int_equal(index.count, c == '\n' || c == ';' ? 1 : 0);
    }
}

#if defined(__x86_64__)
static void test_sse2(void **state) {
    (void)state;
    compare(csv_scan_sse2);
}

static void test_avx2(void **state) {
    (void)state;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2")) {
        skip();
    }
    compare(csv_scan_avx2);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_every_byte),
#if defined(__x86_64__)
        cmocka_unit_test(test_sse2),
        cmocka_unit_test(test_avx2),
#endif
    };
    return cmocka_run_group_tests_name("feed/csv_scan", tests, NULL, NULL);
}
