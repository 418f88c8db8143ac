/* What the tests of this folder share: cmocka with what it needs, and loading from a literal. */
#ifndef ONHAND_TESTS_UNIT_CONFIG_SUPPORT_H
#define ONHAND_TESTS_UNIT_CONFIG_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"

/* The configuration, which must be without mistakes; free with config_free. */
static inline struct config *load(const char *yaml) {
    struct config *config = NULL;
    struct config_report report = {0};
    struct buffer list = {0};
    enum status status = config_load_text(text_from(yaml), "c.yaml", &config, &report);
    config_report_format(&report, &list);
    if (status != STATUS_OK || report.count > 0) {
        fail_msg("%s", list.data != NULL ? list.data : "");
    }
    buffer_deinit(&list);
    config_report_deinit(&report);
    return config;
}

static inline void assert_text(struct text text, const char *expected) {
    if (!text_equal_string(text, expected)) {
        fail_msg("'%.*s' instead of '%s'", TEXT_ARG(text), expected);
    }
}

#endif
