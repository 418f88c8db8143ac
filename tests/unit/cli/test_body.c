/* What a command sends is JSON whatever was typed, and its quantities are exact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/body.h"

static void a_body_is_one_object(void **state) {
    (void)state;
    struct buffer body = {0};
    body_begin(&body);
    body_text(&body, "sku", "a\"b\\c\n");
    body_text(&body, "left_out", NULL);
    assert_int_equal(body_quantity(&body, "delta", "-0.1"), STATUS_OK);
    body_integer(&body, "sequence", 7);
    body_list(&body, "scopes", "read, adjust,,");
    body_list(&body, "left_out", NULL);
    body_end(&body);
    assert_string_equal(body.data, "{\"sku\":\"a\\\"b\\\\c\\n\",\"delta\":-0.1,\"sequence\":7,"
                                   "\"scopes\":[\"read\",\"adjust\"]}");
    buffer_deinit(&body);
}

static void a_bad_quantity_writes_nothing(void **state) {
    (void)state;
    struct buffer body = {0};
    body_begin(&body);
    assert_int_equal(body_quantity(&body, "delta", "1,5"), STATUS_BAD_QUANTITY);
    assert_int_equal(body_quantity(&body, "delta", "1e3"), STATUS_BAD_QUANTITY);
    assert_int_equal(body_quantity(&body, "delta", "9999999999999999"), STATUS_OUT_OF_RANGE);
    body_end(&body);
    assert_string_equal(body.data, "{}");
    buffer_deinit(&body);
}

int main(void) {
    const struct CMUnitTest body[] = {
        cmocka_unit_test(a_body_is_one_object),
        cmocka_unit_test(a_bad_quantity_writes_nothing),
    };
    return cmocka_run_group_tests_name("body", body, NULL, NULL);
}
