/* Instants to and from text, by arithmetic alone.
 *
 * The C library's calendar functions know time zones, locales and locks; here none of that is
 * wanted. The layout of RFC 3339 is fixed up to the seconds, so it is read by position, and all its
 * digits are checked at once at the end. Days are counted from 1 March, so that the leap day is the
 * last of its year. */
#include "base/timestamp.h"

#include <time.h>

#define DAYS_PER_ERA INT64_C(146097) /* 400 years: the calendar repeats exactly */
#define DAYS_0000_03_01_TO_1970 INT64_C(719468)
#define YEAR_MIN 1970
#define YEAR_MAX 9999

/* ---- the calendar ---- */

unsigned civil_days_in_month(int64_t year, unsigned month) {
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    require(month >= 1 && month <= 12);
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

static int64_t floor_divide(int64_t value, int64_t by) {
    return value / by - (value % by < 0);
}

static int64_t days_from_date(int64_t year, unsigned month, unsigned day) {
    int64_t shifted = year - (month <= 2);
    int64_t era = floor_divide(shifted, 400);
    unsigned year_of_era = (unsigned)(shifted - era * 400);
    unsigned month_from_march = month > 2 ? month - 3 : month + 9;
    unsigned day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_0000_03_01_TO_1970;
}

static void date_from_days(int64_t days, struct civil_time *civil) {
    days += DAYS_0000_03_01_TO_1970;
    int64_t era = floor_divide(days, DAYS_PER_ERA);
    unsigned day_of_era = (unsigned)(days - era * DAYS_PER_ERA);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month_from_march = (5 * day_of_year + 2) / 153;
    civil->day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    civil->month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    civil->year = era * 400 + year_of_era + (civil->month <= 2);
}

struct civil_time civil_from_timestamp(int64_t us) {
    int64_t days = floor_divide(us, US_PER_DAY);
    int64_t us_of_day = us % US_PER_DAY + (us % US_PER_DAY < 0 ? US_PER_DAY : 0);
    unsigned second_of_day = (unsigned)(us_of_day / US_PER_SECOND);
    struct civil_time civil = {
        .hour = second_of_day / 3600,
        .minute = second_of_day / 60 % 60,
        .second = second_of_day % 60,
        .microsecond = (unsigned)(us_of_day % US_PER_SECOND),
        .weekday = (unsigned)((days % 7 + 11) % 7), /* day 0 was a Thursday */
    };
    date_from_days(days, &civil);
    return civil;
}

int64_t timestamp_from_civil(const struct civil_time *civil) {
    require(civil->month >= 1 && civil->month <= 12 && civil->day >= 1 && civil->day <= 31);
    int64_t second = days_from_date(civil->year, civil->month, civil->day) * 86400 +
                     civil->hour * 3600 + civil->minute * 60 + civil->second;
    return second * US_PER_SECOND + civil->microsecond;
}

/* ---- reading ---- */

/* What is left to read, and whether everything looked at as a digit was one. */
struct scan {
    const char *p, *end;
};

static bool is_digit(char c) {
    return (unsigned char)(c - '0') <= 9;
}

/* Two digits as a number; whatever is no digit sets a bit in *wrong that is never cleared. */
static inline unsigned two_digits(const char *p, unsigned *wrong) {
    unsigned tens = (unsigned char)p[0] - (unsigned)'0';
    unsigned ones = (unsigned char)p[1] - (unsigned)'0';
    *wrong |= (tens > 9) | (ones > 9);
    return tens * 10 + ones;
}

static inline bool date_read(struct scan *scan, struct civil_time *civil) {
    const char *p = scan->p;
    if (scan->end - p < 10 || p[4] != '-' || p[7] != '-') {
        return false;
    }
    unsigned wrong = 0;
    civil->year = two_digits(p, &wrong) * 100 + two_digits(p + 2, &wrong);
    civil->month = two_digits(p + 5, &wrong);
    civil->day = two_digits(p + 8, &wrong);
    scan->p += 10;
    return wrong == 0 && civil->year >= YEAR_MIN && civil->month >= 1 && civil->month <= 12 &&
           civil->day >= 1 &&
           (civil->day <= 28 || civil->day <= civil_days_in_month(civil->year, civil->month));
}

/* hh:mm:ss; without the seconds where `seconds_optional`. */
static inline bool time_of_day_read(struct scan *scan, bool seconds_optional,
                                    struct civil_time *civil) {
    const char *p = scan->p;
    unsigned wrong = 0;
    if (scan->end - p < 5 || p[2] != ':') {
        return false;
    }
    civil->hour = two_digits(p, &wrong);
    civil->minute = two_digits(p + 3, &wrong);
    if (scan->end - p >= 8 && p[5] == ':') {
        civil->second = two_digits(p + 6, &wrong);
        scan->p += 8;
    } else if (seconds_optional && (scan->end - p == 5 || (p[5] != ':' && p[5] != '.'))) {
        scan->p += 5;
    } else {
        return false;
    }
    return wrong == 0 && civil->hour <= 23 && civil->minute <= 59 && civil->second <= 59;
}

/* "." and one to nine digits, of which six count. */
static inline bool decimals_read(struct scan *scan, struct civil_time *civil) {
    if (scan->p == scan->end || *scan->p != '.') {
        return true;
    }
    const char *decimals = ++scan->p;
    unsigned microsecond = 0, weight = 100000;
    while (scan->p < scan->end && is_digit(*scan->p)) {
        microsecond += weight * (unsigned)(*scan->p++ - '0');
        weight /= 10;
    }
    civil->microsecond = microsecond;
    return scan->p > decimals && scan->p - decimals <= 9;
}

/* Z, +hh:mm, and +hhmm where `colon_optional`: everything that is left. */
static inline bool offset_read(struct scan *scan, bool colon_optional, int64_t *offset_us_out) {
    const char *p = scan->p;
    ptrdiff_t left = scan->end - p;
    *offset_us_out = 0;
    if (left == 1) {
        return *p == 'Z' || *p == 'z';
    }
    bool colon = left == 6 && p[3] == ':';
    if ((!colon && !(colon_optional && left == 5)) || (*p != '+' && *p != '-')) {
        return false;
    }
    unsigned wrong = 0;
    unsigned hour = two_digits(p + 1, &wrong);
    unsigned minute = two_digits(p + (colon ? 4 : 3), &wrong);
    if (wrong != 0 || hour > 23 || minute > 59) {
        return false;
    }
    int64_t offset_us = ((int64_t)hour * 3600 + (int64_t)minute * 60) * US_PER_SECOND;
    *offset_us_out = *p == '-' ? -offset_us : offset_us;
    return true;
}

static inline enum status timestamp_finish(const struct civil_time *civil, int64_t offset_us,
                                           int64_t *us_out) {
    int64_t us = timestamp_from_civil(civil) - offset_us;
    if (us < 0 || us > TIMESTAMP_MAX_US) {
        return STATUS_BAD_TIME;
    }
    *us_out = us;
    return STATUS_OK;
}

static inline bool separator_read(struct scan *scan) {
    if (scan->p == scan->end || (*scan->p != 'T' && *scan->p != 't' && *scan->p != ' ')) {
        return false;
    }
    scan->p++;
    return true;
}

enum status timestamp_parse(struct text text, int64_t *us_out) {
    require(us_out != NULL);
    if (text.length < 20) {
        return STATUS_BAD_TIME;
    }
    struct scan scan = {text.data, text.data + text.length};
    struct civil_time civil = {0};
    int64_t offset_us;
    if (!date_read(&scan, &civil) || !separator_read(&scan) ||
        !time_of_day_read(&scan, false, &civil) || !decimals_read(&scan, &civil) ||
        !offset_read(&scan, false, &offset_us)) {
        return STATUS_BAD_TIME;
    }
    return timestamp_finish(&civil, offset_us, us_out);
}

enum status timestamp_parse_local(struct text text, int64_t *us_out, bool *has_offset_out) {
    require(us_out != NULL && has_offset_out != NULL);
    if (text.length < 10) {
        return STATUS_BAD_TIME;
    }
    struct scan scan = {text.data, text.data + text.length};
    struct civil_time civil = {0};
    int64_t offset_us = 0;
    if (!date_read(&scan, &civil)) {
        return STATUS_BAD_TIME;
    }
    bool date_only = scan.p == scan.end;
    if (!date_only && (!separator_read(&scan) || !time_of_day_read(&scan, true, &civil) ||
                       !decimals_read(&scan, &civil))) {
        return STATUS_BAD_TIME;
    }
    bool has_offset = scan.p < scan.end;
    if (has_offset && !offset_read(&scan, true, &offset_us)) {
        return STATUS_BAD_TIME;
    }
    enum status status = timestamp_finish(&civil, offset_us, us_out);
    if (status == STATUS_OK) {
        *has_offset_out = has_offset;
    }
    return status;
}

/* ---- writing ---- */

static inline char *put_two(char *p, unsigned value) {
    p[0] = (char)('0' + value / 10);
    p[1] = (char)('0' + value % 10);
    return p + 2;
}

static inline char *put_three(char *p, unsigned value) {
    *p = (char)('0' + value / 100);
    return put_two(p + 1, value % 100);
}

size_t timestamp_format(int64_t us, char out[TIMESTAMP_TEXT_SIZE]) {
    struct civil_time civil = civil_from_timestamp(us);
    char *p = out;
    if (civil.year >= 0 && civil.year <= YEAR_MAX) {
        p = put_two(p, (unsigned)civil.year / 100);
        p = put_two(p, (unsigned)civil.year % 100);
    } else { /* never read back, but a log line must not lie about it either */
        *p++ = civil.year < 0 ? '-' : '+';
        p += text_format_u64((uint64_t)(civil.year < 0 ? -civil.year : civil.year), p);
    }
    *p++ = '-';
    p = put_two(p, civil.month);
    *p++ = '-';
    p = put_two(p, civil.day);
    *p++ = 'T';
    p = put_two(p, civil.hour);
    *p++ = ':';
    p = put_two(p, civil.minute);
    *p++ = ':';
    p = put_two(p, civil.second);
    if (civil.microsecond > 0) {
        *p++ = '.';
        p = put_three(p, civil.microsecond / 1000);
        if (civil.microsecond % 1000 > 0) {
            p = put_three(p, civil.microsecond % 1000);
        }
    }
    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - out);
}

void buffer_append_timestamp(struct buffer *buffer, int64_t us) {
    buffer_reserve(buffer, TIMESTAMP_TEXT_SIZE);
    buffer->length += timestamp_format(us, buffer->data + buffer->length);
}

/* ---- clocks ---- */

static int64_t clock_read_us(clockid_t id) {
    struct timespec now;
    require(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

static int64_t system_now_us(void *context) {
    (void)context;
    return clock_read_us(CLOCK_REALTIME);
}

const struct clock clock_system = {system_now_us, NULL};

int64_t clock_now_us(const struct clock *clock) {
    return clock->now_us(clock->context);
}

int64_t monotonic_us(void) {
    return clock_read_us(CLOCK_MONOTONIC);
}
