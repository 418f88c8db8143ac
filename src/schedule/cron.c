/* The next run of a cron expression, through summer time.
 *
 * Between two changes of offset the wall clock runs straight, so finding the next matching minute
 * is plain calendar arithmetic (next_match). cron_next strings those stretches together. What sets
 * the two kinds of job apart at a change is where the search on the wall clock goes on:
 *   a job tied to wall-clock times goes on from the furthest time the wall clock has shown so far:
 *   what a gap jumped over is then overdue at once, what comes again has been dealt with;
 *   a job of every hour goes on from what the wall clock shows now. */
#include "schedule/cron.h"

#define US_PER_MINUTE (60 * US_PER_SECOND)
#define ALL_HOURS 0xffffffu
/* 29 February on a given weekday can be 40 years away (over 2100); no pattern is rarer. */
#define SEARCH_YEARS 41

static bool day_matches(const struct cron *cron, const struct civil_time *day) {
    bool by_date = cron->days >> day->day & 1;
    bool by_weekday = cron->weekdays >> day->weekday & 1;
    return cron->either_day_field ? by_date || by_weekday : by_date && by_weekday;
}

/* The first matching minute of a day not before `from`; false when there is none. */
static bool match_in_day(const struct cron *cron, struct civil_time *from) {
    for (; from->hour < 24; from->hour++, from->minute = 0) {
        uint64_t rest = cron->minutes >> from->minute;
        if ((cron->hours >> from->hour & 1) && rest != 0) {
            from->minute += (unsigned)__builtin_ctzll(rest);
            return true;
        }
    }
    return false;
}

static void to_next_day(struct civil_time *day) {
    day->hour = day->minute = 0;
    day->weekday = (day->weekday + 1) % 7;
    if (++day->day > civil_days_in_month(day->year, day->month)) {
        day->day = 1;
        if (++day->month > 12) {
            day->month = 1;
            day->year++;
        }
    }
}

static void to_next_month(struct civil_time *day) {
    do {
        to_next_day(day);
    } while (day->day != 1);
}

/* The first matching wall-clock minute at or after wall_us, or CRON_NEVER. */
static int64_t next_match(const struct cron *cron, int64_t wall_us) {
    struct civil_time at = civil_from_timestamp(wall_us);
    if (at.second != 0 || at.microsecond != 0) {
        at = civil_from_timestamp(wall_us - at.second * US_PER_SECOND - at.microsecond +
                                  US_PER_MINUTE);
    }
    int64_t last_year = at.year + SEARCH_YEARS;
    while (at.year <= last_year) {
        if (!(cron->months >> at.month & 1)) {
            to_next_month(&at);
        } else if (day_matches(cron, &at) && match_in_day(cron, &at)) {
            return timestamp_from_civil(&at);
        } else {
            to_next_day(&at);
        }
    }
    return CRON_NEVER;
}

/* The earliest wall-clock time that has not been shown yet once `us` has passed. */
static int64_t unseen_wall_us(const struct zone *zone, int64_t us) {
    int64_t unseen = us + 1 + zone_offset_seconds(zone, us) * US_PER_SECOND;
    int64_t at = us - 2 * US_PER_DAY;
    while ((at = zone_next_change(zone, at, us)) != ZONE_NO_CHANGE) {
        int64_t shown = at + zone_offset_seconds(zone, at - US_PER_SECOND) * US_PER_SECOND;
        unseen = shown > unseen ? shown : unseen;
    }
    return unseen;
}

int64_t cron_next(const struct cron *cron, const struct zone *zone, int64_t after_us) {
    require(after_us < TIMESTAMP_MAX_US * 2);
    bool every_hour = cron->hours == ALL_HOURS;
    int64_t start = after_us + 1;
    int64_t wall = unseen_wall_us(zone, after_us);
    for (;;) {
        int64_t offset = zone_offset_seconds(zone, start) * US_PER_SECOND;
        if (every_hour) {
            wall = start + offset;
        }
        int64_t match = next_match(cron, wall);
        if (match == CRON_NEVER) {
            return CRON_NEVER;
        }
        int64_t due = match - offset > start ? match - offset : start;
        int64_t change = zone_next_change(zone, start, due);
        if (change == ZONE_NO_CHANGE) {
            return due;
        }
        int64_t shown = change + offset;
        wall = shown > wall ? shown : wall;
        start = change;
    }
}
