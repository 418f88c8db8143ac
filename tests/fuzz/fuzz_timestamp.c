/* Any bytes as a time: what one parser takes the other takes alike, what was read is written and
 * read back, the calendar undoes itself; any number as an instant can be written. */
#include "base/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_civil(int64_t us) {
    struct civil_time civil = civil_from_timestamp(us);
    require(civil.month >= 1 && civil.month <= 12);
    require(civil.day >= 1 && civil.day <= civil_days_in_month(civil.year, civil.month));
    require(civil.hour <= 23 && civil.minute <= 59 && civil.second <= 59);
    require(civil.microsecond <= 999999 && civil.weekday <= 6);
    require(timestamp_from_civil(&civil) == us);
}

static void check_read(int64_t us) {
    char out[TIMESTAMP_TEXT_SIZE];
    struct text text = {out, timestamp_format(us, out)};
    int64_t again = -1;
    require(us >= 0 && us <= TIMESTAMP_MAX_US);
    require(timestamp_parse(text, &again) == STATUS_OK && again == us);
    check_civil(us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text text = {(const char *)data, size};
    int64_t us = -1, local_us = -1;
    bool has_offset = false;
    enum status status = timestamp_parse(text, &us);
    enum status local = timestamp_parse_local(text, &local_us, &has_offset);
    require(status == STATUS_OK || (status == STATUS_BAD_TIME && us == -1));
    require(local == STATUS_OK || (local == STATUS_BAD_TIME && local_us == -1));
    if (status == STATUS_OK) {
        check_read(us);
        require(local == STATUS_OK && has_offset && local_us == us);
    }
    if (local == STATUS_OK) {
        check_read(local_us);
    }
    if (size == sizeof us) {
        char out[TIMESTAMP_TEXT_SIZE];
        memcpy(&us, data, sizeof us);
        require(timestamp_format(us, out) == strlen(out) && strlen(out) < sizeof out);
        if (us > INT64_MIN + US_PER_DAY && us < INT64_MAX - US_PER_DAY) {
            check_civil(us);
        }
    }
    return 0;
}
