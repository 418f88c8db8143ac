/* What the tests of this folder share: cmocka with what it needs, and instants as text. */
#ifndef ONHAND_TESTS_UNIT_SCHEDULE_SUPPORT_H
#define ONHAND_TESTS_UNIT_SCHEDULE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "schedule/zone.h"

static inline int64_t at(const char *rfc3339) {
    int64_t us = 0;
    assert_int_equal(timestamp_parse(text_from(rfc3339), &us), STATUS_OK);
    return us;
}

static inline void assert_instant(int64_t us, const char *rfc3339) {
    char shown[TIMESTAMP_TEXT_SIZE];
    timestamp_format(us, shown);
    assert_string_equal(shown, rfc3339);
}

static inline struct zone *open_zone(const char *name) {
    struct error error = {0};
    struct zone *zone = zone_open(text_from(name), &error);
    if (zone == NULL) {
        fail_msg("%s", error.detail);
    }
    return zone;
}

#endif
