/* Durations: a number and a unit, once or several times ("1h30m").
 *
 * A bare number is refused on purpose: nobody remembers whether 15 meant seconds or minutes. */
#include "schedule/duration.h"

#include <stdio.h>

struct unit {
    const char *name;
    int64_t us;
};

/* Largest first: that is also the order in which they may be written. */
static const struct unit units[] = {
    {"w", INT64_C(7) * 86400 * 1000000},
    {"d", INT64_C(86400) * 1000000},
    {"h", INT64_C(3600) * 1000000},
    {"m", INT64_C(60) * 1000000},
    {"s", INT64_C(1000000)},
    {"ms", INT64_C(1000)},
};
enum { UNIT_COUNT = sizeof units / sizeof units[0] };

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static enum status read_number(struct text text, size_t *position, int64_t *number_out) {
    int64_t number = 0;
    size_t start = *position;
    while (*position < text.length && is_digit(text.data[*position])) {
        number = number * 10 + (text.data[*position] - '0');
        if (number > DURATION_MAX_US) {
            return STATUS_OUT_OF_RANGE;
        }
        (*position)++;
    }
    *number_out = number;
    return *position > start ? STATUS_OK : STATUS_BAD_VALUE;
}

/* The index of the unit that stands at *position, or UNIT_COUNT. */
static size_t read_unit(struct text text, size_t *position) {
    size_t start = *position;
    while (*position < text.length && !is_digit(text.data[*position])) {
        (*position)++;
    }
    struct text name = {text.data + start, *position - start};
    size_t i = 0;
    while (i < UNIT_COUNT && !text_equal_string(name, units[i].name)) {
        i++;
    }
    return i;
}

enum status duration_parse(struct text text, int64_t *us_out) {
    int64_t total = 0;
    size_t position = 0, next_unit = 0;
    if (text.length == 0) {
        return STATUS_BAD_VALUE;
    }
    while (position < text.length) {
        int64_t number;
        enum status status = read_number(text, &position, &number);
        if (status != STATUS_OK) {
            return status;
        }
        size_t unit = read_unit(text, &position);
        if (unit == UNIT_COUNT || unit < next_unit) {
            return STATUS_BAD_VALUE;
        }
        next_unit = unit + 1;
        if (number > (DURATION_MAX_US - total) / units[unit].us) {
            return STATUS_OUT_OF_RANGE;
        }
        total += number * units[unit].us;
    }
    *us_out = total;
    return STATUS_OK;
}

void duration_format(int64_t us, char out[DURATION_TEXT_SIZE]) {
    require(us >= 0);
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < UNIT_COUNT && length < DURATION_TEXT_SIZE; i++) {
        int64_t number = us / units[i].us;
        /* "2w" reads worse than "14d" unless it is exact and alone. */
        if (number == 0 || (i == 0 && us % units[0].us != 0)) {
            continue;
        }
        us -= number * units[i].us;
        int n = snprintf(out + length, DURATION_TEXT_SIZE - length, "%lld%s", (long long)number,
                         units[i].name);
        require(n > 0 && (size_t)n < DURATION_TEXT_SIZE - length);
        length += (size_t)n;
    }
    if (length == 0) {
        (void)snprintf(out, DURATION_TEXT_SIZE, "0s");
    }
}
