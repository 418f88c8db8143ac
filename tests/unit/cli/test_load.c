/* Percentiles of a load, from counts alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "cli/load.h"

static void percentiles_are_of_the_counts(void **state) {
    (void)state;
    struct load_report report = {
        .requests = 100,
        .latency_counts = memory_alloc_zero(LOAD_SLOTS, sizeof(uint32_t)),
    };
    report.latency_counts[99] = 98;  /* 1 ms */
    report.latency_counts[999] = 1;  /* 10 ms */
    report.latency_counts[9999] = 1; /* 100 ms */
    assert_int_equal((int)(load_percentile_ms(&report, 0.5) * 100), 100);
    assert_int_equal((int)(load_percentile_ms(&report, 0.98) * 100), 1000);
    assert_int_equal((int)(load_percentile_ms(&report, 0.99) * 100), 10000);
    assert_int_equal((int)(load_percentile_ms(&report, 1.0) * 100), 10000);
    load_report_deinit(&report);
    assert_null(report.latency_counts);
}

static uint64_t no_body(void *context, uint64_t number, struct buffer *body) {
    (void)context;
    (void)number;
    buffer_append_string(body, "{}");
    return 1;
}

static void a_load_needs_a_hub_over_http(void **state) {
    (void)state;
    static const char *const urls[] = {"https://127.0.0.1:1", "http://", "http://127.0.0.1:1"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct load load = {.url = urls[i],
                            .token = "t",
                            .connections = 2,
                            .duration_us = 1000,
                            .write_body = no_body,
                            .path = "/",
                            .content_type = "application/json"};
        struct load_report report;
        struct error error = {0};
        assert_int_not_equal(load_run(&load, &report, &error), STATUS_OK);
        assert_true(error.detail[0] != '\0');
        load_report_deinit(&report);
    }
}

int main(void) {
    const struct CMUnitTest load[] = {
        cmocka_unit_test(percentiles_are_of_the_counts),
        cmocka_unit_test(a_load_needs_a_hub_over_http),
    };
    return cmocka_run_group_tests_name("load", load, NULL, NULL);
}
