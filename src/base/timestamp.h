/* Instants: microseconds since 1970-01-01T00:00:00Z, proleptic Gregorian, no leap seconds.
 *
 * Time zones and local times live in schedule/zone.h; here a time always has its offset. */
#ifndef ONHAND_BASE_TIMESTAMP_H
#define ONHAND_BASE_TIMESTAMP_H

#include "base/status.h"
#include "base/text.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (INT64_C(86400) * US_PER_SECOND)
#define TIMESTAMP_TEXT_SIZE 40
/* Years 1970 to 9999; beyond that a time is a mistake. */
#define TIMESTAMP_MAX_US INT64_C(253402300799999999)

/* RFC 3339 with an offset (Z, +hh:mm; T or a space; up to nine decimals, cut to microseconds).
 * STATUS_BAD_TIME for anything else, including an impossible date. */
must_check enum status timestamp_parse(struct text text, int64_t *us_out);

/* A calendar time with or without offset, for files: *has_offset_out tells; without one *us_out is
 * the local time as if it were UTC. Date only means midnight. */
must_check enum status timestamp_parse_local(struct text text, int64_t *us_out,
                                             bool *has_offset_out);

/* "2026-11-23T07:05:00Z", with exactly as many decimals (0, 3 or 6) as are needed. */
size_t timestamp_format(int64_t us, char out[TIMESTAMP_TEXT_SIZE]);
void buffer_append_timestamp(struct buffer *buffer, int64_t us);

struct civil_time {
    int64_t year;
    unsigned month, day, hour, minute, second, microsecond; /* month and day from 1 */
    unsigned weekday;                                       /* 0 is Sunday */
};

struct civil_time civil_from_timestamp(int64_t us);
int64_t timestamp_from_civil(const struct civil_time *civil); /* fields in range; weekday ignored */
unsigned civil_days_in_month(int64_t year, unsigned month);

/* The clock is passed in wherever time matters, so that a simulator can turn it. */
struct clock {
    int64_t (*now_us)(void *context);
    void *context;
};

extern const struct clock clock_system;
int64_t clock_now_us(const struct clock *clock);
int64_t monotonic_us(void); /* for measuring durations only */

#endif
