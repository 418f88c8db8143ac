/* Cron expressions, schedules and durations from any bytes: whatever parses must give runs that go
 * forward in time, and the next run must not depend on where before it one asks. */
#include "schedule/duration.h"
#include "schedule/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_runs(const struct cron *cron, const char *zone_text, int64_t start_us) {
    struct zone *zone = zone_open(text_from(zone_text), NULL);
    require(zone != NULL);
    int64_t at_us = start_us;
    for (int i = 0; i < 4; i++) {
        int64_t next_us = cron_next(cron, zone, at_us);
        if (next_us == CRON_NEVER) {
            break;
        }
        require(next_us > at_us);
        require(cron_next(cron, zone, next_us - 1) == next_us);
        require(cron_next(cron, zone, at_us + (next_us - at_us) / 2) == next_us ||
                at_us + (next_us - at_us) / 2 >= next_us);
        at_us = next_us;
    }
    zone_free(zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const zones[] = {"UTC", "America/New_York", "Australia/Lord_Howe",
                                        "America/Sao_Paulo"};
    if (size < 3) {
        return 0;
    }
    struct text text = {(const char *)data + 3, size - 3};
    int64_t start_us = ((int64_t)data[1] << 8 | data[2]) * (US_PER_DAY / 3);
    struct cron cron;
    struct error error;
    if (cron_parse(text, &cron, &error) == STATUS_OK) {
        check_runs(&cron, zones[data[0] % 4], start_us);
    }
    int64_t us, again_us;
    if (duration_parse(text, &us) == STATUS_OK) {
        char formatted[DURATION_TEXT_SIZE];
        duration_format(us, formatted);
        require(duration_parse(text_from(formatted), &again_us) == STATUS_OK);
        require(again_us == us);
    }
    struct schedule schedule;
    if (schedule_parse_every(text, &schedule, &error) == STATUS_OK) {
        require(schedule_next(&schedule, NULL, start_us, 0) > start_us);
    }
    return 0;
}
