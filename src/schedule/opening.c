/* Opening hours from text, and whether it is open. */
#include "schedule/opening.h"

#define DAY_MINUTES (24 * 60)

static const char *const day_words[7] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static struct text cut(struct text *rest, char at) {
    const char *found = memchr(rest->data, at, rest->length);
    size_t length = found != NULL ? (size_t)(found - rest->data) : rest->length;
    struct text part = {rest->data, length};
    size_t step = found != NULL ? length + 1 : length;
    *rest = (struct text){rest->data + step, rest->length - step};
    return text_trim(part);
}

/* "09:00" to minutes; 24:00 is the end of the day. -1: no time. */
static int read_minutes(struct text text) {
    if (text.length != 5 || text.data[2] != ':') {
        return -1;
    }
    for (size_t i = 0; i < 5; i++) {
        if (i != 2 && (text.data[i] < '0' || text.data[i] > '9')) {
            return -1;
        }
    }
    int hours = (text.data[0] - '0') * 10 + (text.data[1] - '0');
    int minutes = (text.data[3] - '0') * 10 + (text.data[4] - '0');
    return minutes < 60 && hours * 60 + minutes <= DAY_MINUTES ? hours * 60 + minutes : -1;
}

static int read_day(struct text word) {
    for (int day = 0; day < 7; day++) {
        if (text_equal_ignore_case(word, text_from(day_words[day]))) {
            return day;
        }
    }
    return -1;
}

static enum status bad(struct error *error, struct text part) {
    return error_set(error, STATUS_BAD_VALUE,
                     "'%.*s' is no opening time: write 09:00-21:00, or mon-sat 09:00-21:00, "
                     "sun 11:00-18:00",
                     part.length > 60 ? 60 : (int)part.length, part.data);
}

static enum status read_part(struct text part, struct opening *opening, struct error *error) {
    struct text rest = part, days = {NULL, 0};
    if (part.length == 0) {
        return bad(error, part);
    }
    if (part.data[0] < '0' || part.data[0] > '9') {
        days = cut(&rest, ' ');
    }
    struct text hours = text_trim(rest);
    int from = read_minutes(cut(&hours, '-')), to = read_minutes(text_trim(hours));
    int first = 0, last = 6;
    if (days.length > 0) {
        first = last = read_day(cut(&days, '-'));
        last = days.length > 0 ? read_day(days) : last;
    }
    if (from < 0 || to < 0 || from == to || first < 0 || last < 0) {
        return bad(error, part);
    }
    for (int day = first;; day = (day + 1) % 7) {
        opening->days[day].from = from;
        opening->days[day].to = to > from ? to : to + DAY_MINUTES;
        if (day == last) {
            return STATUS_OK;
        }
    }
}

enum status opening_parse(struct text text, struct opening *opening_out, struct error *error) {
    struct opening opening = {0};
    struct text rest = text_trim(text);
    enum status status = rest.length > 0 ? STATUS_OK : bad(error, rest);
    while (status == STATUS_OK && rest.length > 0) {
        status = read_part(cut(&rest, ','), &opening, error);
    }
    if (status == STATUS_OK) {
        *opening_out = opening;
    }
    return status;
}

int64_t opening_since(const struct opening *opening, const struct zone *zone, int64_t us) {
    struct civil_time now = zone_to_local(zone, us, NULL);
    int minute = (int)(now.hour * 60 + now.minute);
    for (int back = 0; back < 2; back++, minute += DAY_MINUTES) {
        int day = ((int)now.weekday + 7 - back) % 7;
        int from = opening->days[day].from, to = opening->days[day].to;
        if (from != to && minute >= from && minute < to) {
            int64_t open_us = (int64_t)(minute - from) * 60 * US_PER_SECOND;
            return us - open_us - (int64_t)now.second * US_PER_SECOND - now.microsecond;
        }
    }
    return OPENING_CLOSED;
}
