/* Cron expressions: minute, hour, day of month, month, day of week.
 *
 * Lists, ranges, steps, names (JAN, mon), 7 as Sunday, and @yearly @annually @monthly @weekly
 * @daily @midnight @hourly. When day of month and day of week are both restricted (neither starts
 * with *), a day matches if either does; otherwise both must.
 *
 * Summer time. If not every hour is named, a run belongs to a wall-clock time and happens exactly
 * once for it: times skipped by a gap all run at the first instant after the gap (once together),
 * times that come twice run the first time. If every hour is named (every N minutes, hourly), a run
 * happens whenever the wall clock shows a matching time: nothing is skipped or bunched, and the
 * hour that comes twice has its runs twice. */
#ifndef ONHAND_SCHEDULE_CRON_H
#define ONHAND_SCHEDULE_CRON_H

#include "schedule/zone.h"

struct cron {
    uint64_t minutes;      /* bit 0 to 59 */
    uint32_t hours;        /* bit 0 to 23 */
    uint32_t days;         /* bit 1 to 31 */
    uint16_t months;       /* bit 1 to 12 */
    uint8_t weekdays;      /* bit 0 (Sunday) to 6 */
    bool either_day_field; /* day of month or day of week is enough */
};

#define CRON_NEVER INT64_MAX

/* STATUS_BAD_VALUE with the field and the reason in error->detail. */
must_check enum status cron_parse(struct text text, struct cron *cron_out, struct error *error);

/* The first run strictly after `after_us`, or CRON_NEVER (30 2 31 2 *). */
int64_t cron_next(const struct cron *cron, const struct zone *zone, int64_t after_us);

#endif
