/* The three kinds of schedule behind one question: when next? */
#include "schedule/schedule.h"

#include "schedule/duration.h"

#define EVERY_LEAST_US US_PER_SECOND
#define EVERY_MOST_US (366 * US_PER_DAY)

enum status schedule_parse_cron(struct text text, struct schedule *schedule_out,
                                struct error *error) {
    struct schedule schedule = {.kind = SCHEDULE_CRON};
    enum status status = cron_parse(text, &schedule.cron, error);
    if (status == STATUS_OK) {
        *schedule_out = schedule;
    }
    return status;
}

enum status schedule_parse_every(struct text text, struct schedule *schedule_out,
                                 struct error *error) {
    struct schedule schedule = {.kind = SCHEDULE_EVERY};
    if (duration_parse(text, &schedule.every_us) != STATUS_OK) {
        return error_set(error, STATUS_BAD_VALUE,
                         "not a duration (a number and a unit are expected, such as 30s, 15m, 1h "
                         "or 2d)");
    }
    if (schedule.every_us < EVERY_LEAST_US || schedule.every_us > EVERY_MOST_US) {
        return error_set(error, STATUS_BAD_VALUE, "not between 1s and 366d");
    }
    *schedule_out = schedule;
    return STATUS_OK;
}

static int64_t every_next(int64_t every_us, int64_t after_us, int64_t last_run_us) {
    require(every_us > 0);
    if (last_run_us == SCHEDULE_NEVER_RAN || last_run_us > after_us) {
        return after_us + every_us;
    }
    int64_t passed = (after_us - last_run_us) / every_us;
    return last_run_us + (passed + 1) * every_us;
}

int64_t schedule_next(const struct schedule *schedule, const struct zone *zone, int64_t after_us,
                      int64_t last_run_us) {
    switch (schedule->kind) {
    case SCHEDULE_MANUAL:
        return SCHEDULE_NEVER;
    case SCHEDULE_CRON:
        return cron_next(&schedule->cron, zone, after_us);
    case SCHEDULE_EVERY:
        return every_next(schedule->every_us, after_us, last_run_us);
    }
    require(false);
    return SCHEDULE_NEVER;
}

bool schedule_missed(const struct schedule *schedule, const struct zone *zone, int64_t last_run_us,
                     int64_t now_us) {
    if (last_run_us == SCHEDULE_NEVER_RAN) {
        return schedule->kind == SCHEDULE_EVERY;
    }
    if (last_run_us > now_us) {
        return false; /* the clock was set back: nothing is known to have been missed */
    }
    return schedule_next(schedule, zone, last_run_us, last_run_us) <= now_us;
}
