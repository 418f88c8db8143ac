/* The pattern is matched from left to right; a star takes as little as lets the rest match. */
#include "feed/asof.h"

struct match {
    struct text pattern, name;
    int64_t fields[6]; /* year to second */
    unsigned tries;
};

#define TRIES_MAX 10000 /* stars are cheap, but not free */

static const struct field {
    char letter;
    unsigned index, digits;
} fields[] = {{'Y', 0, 4}, {'y', 0, 2}, {'m', 1, 2}, {'d', 2, 2},
              {'H', 3, 2}, {'M', 4, 2}, {'S', 5, 2}};

static const struct field *find_field(char letter) {
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].letter == letter) {
            return &fields[i];
        }
    }
    return NULL;
}

static bool take_field(struct match *match, const struct field *field, size_t at) {
    if (at + field->digits > match->name.length) {
        return false;
    }
    int64_t value = 0;
    for (size_t i = 0; i < field->digits; i++) {
        unsigned digit = (unsigned char)match->name.data[at + i] - (unsigned)'0';
        if (digit > 9) {
            return false;
        }
        value = value * 10 + (int64_t)digit;
    }
    match->fields[field->index] = field->letter == 'y' ? 2000 + value : value;
    return true;
}

static bool matches(struct match *match, size_t pattern_at, size_t at) {
    struct text pattern = match->pattern;
    while (pattern_at < pattern.length) {
        char c = pattern.data[pattern_at];
        if (c == '*') {
            for (; at <= match->name.length && match->tries < TRIES_MAX; at++) {
                match->tries++;
                if (matches(match, pattern_at + 1, at)) {
                    return true;
                }
            }
            return false;
        }
        if (c == '%' && pattern.data[pattern_at + 1] != '%') {
            const struct field *field = find_field(pattern.data[pattern_at + 1]);
            if (!take_field(match, field, at)) {
                return false;
            }
            at += field->digits;
            pattern_at += 2;
            continue;
        }
        if (at >= match->name.length || match->name.data[at] != c) {
            return false;
        }
        at++;
        pattern_at += c == '%' ? 2 : 1;
    }
    return true;
}

static enum status check_pattern(struct text pattern, struct error *error) {
    unsigned seen = 0;
    for (size_t i = 0; i < pattern.length; i++) {
        if (pattern.data[i] != '%') {
            continue;
        }
        i++;
        const struct field *field = i < pattern.length ? find_field(pattern.data[i]) : NULL;
        if (field != NULL) {
            seen |= 1u << field->index;
        } else if (i >= pattern.length || pattern.data[i] != '%') {
            return error_set(error, STATUS_BAD_VALUE,
                             "as_of: only %%Y %%y %%m %%d %%H %%M %%S are known in a name");
        }
    }
    return (seen & 7u) == 7u ? STATUS_OK
                             : error_set(error, STATUS_BAD_VALUE,
                                         "as_of: a name needs %%Y (or %%y), %%m and %%d");
}

enum status as_of_from_name(struct text pattern, struct text name, const struct zone *zone,
                            int64_t *us_out, enum zone_kind *kind_out, struct error *error) {
    enum status status = check_pattern(pattern, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct match match = {.pattern = pattern, .name = name, .fields = {0}};
    if (!matches(&match, 0, 0)) {
        return error_set(error, STATUS_NOT_FOUND, "as_of: the name does not match %.*s",
                         TEXT_ARG(pattern));
    }
    const int64_t *f = match.fields;
    if (f[0] < 1970 || f[1] < 1 || f[1] > 12 || f[2] < 1 ||
        f[2] > civil_days_in_month(f[0], (unsigned)f[1]) || f[3] > 23 || f[4] > 59 || f[5] > 59) {
        return error_set(error, STATUS_BAD_TIME, "as_of: there is no such date");
    }
    struct civil_time civil = {.year = f[0],
                               .month = (unsigned)f[1],
                               .day = (unsigned)f[2],
                               .hour = (unsigned)f[3],
                               .minute = (unsigned)f[4],
                               .second = (unsigned)f[5]};
    if (kind_out != NULL) {
        *kind_out = ZONE_UNIQUE;
    }
    *us_out =
        zone != NULL ? zone_to_utc(zone, &civil, kind_out, NULL) : timestamp_from_civil(&civil);
    return STATUS_OK;
}

enum status as_of_from_any_name(struct text name, const struct zone *zone, int64_t latest_us,
                                int64_t *us_out, enum zone_kind *kind_out) {
    static const char *const patterns[] = {
        "*%Y%m%d%H%M%S",    "*%Y%m%d_%H%M%S",   "*%Y%m%d-%H%M%S",     "*%Y%m%dT%H%M%S",
        "*%Y-%m-%dT%H%M%S", "*%Y-%m-%d_%H%M%S", "*%Y-%m-%d_%H-%M-%S", "*%Y-%m-%dT%H-%M-%S"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (as_of_from_name(text_from(patterns[i]), name, zone, us_out, kind_out, NULL) ==
                STATUS_OK &&
            *us_out <= latest_us && *us_out > latest_us - 400 * US_PER_DAY) {
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

const char *as_of_name_origin(enum zone_kind kind) {
    return kind == ZONE_GAP       ? "name, a time that summer time skips"
           : kind == ZONE_OVERLAP ? "name, the first of two such times"
                                  : "name";
}
