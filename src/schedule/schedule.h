/* When something is to run: by cron expression, every so often, or only when asked.
 *
 * Pure: the present instant is always an argument. */
#ifndef ONHAND_SCHEDULE_SCHEDULE_H
#define ONHAND_SCHEDULE_SCHEDULE_H

#include "schedule/cron.h"

enum schedule_kind { SCHEDULE_MANUAL, SCHEDULE_CRON, SCHEDULE_EVERY };

struct schedule {
    enum schedule_kind kind;
    struct cron cron; /* SCHEDULE_CRON */
    int64_t every_us; /* SCHEDULE_EVERY */
};

#define SCHEDULE_NEVER INT64_MAX     /* no next run */
#define SCHEDULE_NEVER_RAN INT64_MIN /* as last_run_us */

must_check enum status schedule_parse_cron(struct text text, struct schedule *schedule_out,
                                           struct error *error);
/* A duration (schedule/duration.h) of one second to a year. */
must_check enum status schedule_parse_every(struct text text, struct schedule *schedule_out,
                                            struct error *error);

/* The first run strictly after `after_us`, or SCHEDULE_NEVER. `every` counts from the start of the
 * last run, without drifting; one that never ran, or that claims to have run in the future, counts
 * from after_us. */
int64_t schedule_next(const struct schedule *schedule, const struct zone *zone, int64_t after_us,
                      int64_t last_run_us);

/* Whether at least one run fell due since last_run_us and up to now_us: however many, they are
 * caught up by one. Something that never ran has missed its first run if it is an `every`, and
 * nothing if it is a cron expression. */
bool schedule_missed(const struct schedule *schedule, const struct zone *zone, int64_t last_run_us,
                     int64_t now_us);

#endif
