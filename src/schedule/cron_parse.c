/* Reading cron expressions into bit sets: one row per field, one small grammar for all of them.
 *
 *     field = item ("," item)*      item = ("*" | value ["-" value]) ["/" step]
 *
 * A value with a step but without an end ("5/15") runs to the end of the field, as in most crons.
 */
#include "schedule/cron.h"

struct field {
    const char *label;
    unsigned least, most;
    const char *names; /* three letters each, from `least` on */
};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELD_COUNT };

static const struct field fields[FIELD_COUNT] = {
    [MINUTE] = {"minute", 0, 59, ""},
    [HOUR] = {"hour", 0, 23, ""},
    [DAY] = {"day of month", 1, 31, ""},
    [MONTH] = {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    [WEEKDAY] = {"day of week", 0, 7, "sunmontuewedthufrisat"},
};

static const struct {
    const char *name, *expression;
} nicknames[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* Cuts what stands before `separator` off the front of *rest. */
static struct text cut(struct text *rest, char separator) {
    size_t length = 0;
    while (length < rest->length && rest->data[length] != separator) {
        length++;
    }
    struct text head = {rest->data, length};
    size_t skip = length < rest->length ? length + 1 : length;
    rest->data += skip;
    rest->length -= skip;
    return head;
}

static bool contains(struct text text, char c) {
    return text.length > 0 && memchr(text.data, c, text.length) != NULL;
}

static bool read_number(struct text text, unsigned *number_out) {
    unsigned number = 0;
    if (text.length == 0 || text.length > 4) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = number * 10 + (unsigned)(text.data[i] - '0');
    }
    *number_out = number;
    return true;
}

static enum status read_value(const struct field *field, struct text text, unsigned *value_out,
                              struct error *error) {
    size_t names = strlen(field->names) / 3;
    for (size_t i = 0; i < names && text.length == 3; i++) {
        if (text_equal_ignore_case(text, (struct text){field->names + 3 * i, 3})) {
            *value_out = field->least + (unsigned)i;
            return STATUS_OK;
        }
    }
    if (!read_number(text, value_out)) {
        return error_set(error, STATUS_BAD_VALUE, "%s: '%.*s' is not a number%s", field->label,
                         (int)(text.length < 40 ? text.length : 40),
                         text.data != NULL ? text.data : "", names > 0 ? " or a name" : "");
    }
    if (*value_out < field->least || *value_out > field->most) {
        return error_set(error, STATUS_BAD_VALUE, "%s: %u is not between %u and %u", field->label,
                         *value_out, field->least, field->most);
    }
    return STATUS_OK;
}

static enum status read_range(const struct field *field, struct text range, bool stepped,
                              unsigned *first_out, unsigned *last_out, struct error *error) {
    *first_out = field->least;
    *last_out = field->most;
    if (text_equal(range, TEXT("*"))) {
        return STATUS_OK;
    }
    bool has_end = contains(range, '-');
    struct text first = cut(&range, '-');
    enum status status = read_value(field, first, first_out, error);
    if (status == STATUS_OK && has_end) {
        status = read_value(field, range, last_out, error);
    } else if (status == STATUS_OK && !stepped) {
        *last_out = *first_out;
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (field == &fields[WEEKDAY] && has_end && *last_out == 0 && *first_out > 0) {
        *last_out = 7; /* FRI-SUN */
    }
    if (*first_out > *last_out) {
        return error_set(error, STATUS_BAD_VALUE, "%s: the range %u-%u is the wrong way round",
                         field->label, *first_out, *last_out);
    }
    return STATUS_OK;
}

static enum status read_item(const struct field *field, struct text item, uint64_t *set,
                             struct error *error) {
    unsigned first, last, step = 1;
    bool stepped = contains(item, '/');
    struct text range = cut(&item, '/');
    enum status status = read_range(field, range, stepped, &first, &last, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (stepped && (!read_number(item, &step) || step == 0 || step > field->most)) {
        return error_set(error, STATUS_BAD_VALUE, "%s: the step after '/' must be from 1 to %u",
                         field->label, field->most);
    }
    for (unsigned value = first; value <= last; value += step) {
        *set |= UINT64_C(1) << value;
    }
    return STATUS_OK;
}

static enum status read_field(const struct field *field, struct text text, uint64_t *set_out,
                              struct error *error) {
    *set_out = 0;
    bool more = true;
    while (more) {
        more = contains(text, ',');
        enum status status = read_item(field, cut(&text, ','), set_out, error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status split(struct text text, struct text parts[FIELD_COUNT], struct error *error) {
    size_t count = 0, i = 0;
    while (i < text.length) {
        size_t start = i;
        while (i < text.length && !is_blank(text.data[i])) {
            i++;
        }
        if (count < FIELD_COUNT) {
            parts[count] = (struct text){text.data + start, i - start};
        }
        count++;
        while (i < text.length && is_blank(text.data[i])) {
            i++;
        }
    }
    if (count != FIELD_COUNT) {
        return error_set(error, STATUS_BAD_VALUE,
                         "a cron expression has five fields (minute, hour, day of month, month, "
                         "day of week), this has %zu",
                         count);
    }
    return STATUS_OK;
}

static enum status expand_nickname(struct text *text, struct error *error) {
    if (text->length == 0 || text->data[0] != '@') {
        return STATUS_OK;
    }
    for (size_t i = 0; i < sizeof nicknames / sizeof nicknames[0]; i++) {
        if (text_equal_ignore_case(*text, text_from(nicknames[i].name))) {
            *text = text_from(nicknames[i].expression);
            return STATUS_OK;
        }
    }
    return error_set(error, STATUS_BAD_VALUE,
                     "'%.*s' is none of @yearly, @monthly, @weekly, @daily, @hourly",
                     (int)(text->length < 40 ? text->length : 40), text->data);
}

enum status cron_parse(struct text text, struct cron *cron_out, struct error *error) {
    struct text parts[FIELD_COUNT];
    uint64_t sets[FIELD_COUNT];
    text = text_trim(text);
    enum status status = expand_nickname(&text, error);
    if (status == STATUS_OK) {
        status = split(text, parts, error);
    }
    for (size_t i = 0; i < FIELD_COUNT && status == STATUS_OK; i++) {
        status = read_field(&fields[i], parts[i], &sets[i], error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t sunday_as_7 = sets[WEEKDAY] >> 7 & 1;
    *cron_out = (struct cron){
        .minutes = sets[MINUTE],
        .hours = (uint32_t)sets[HOUR],
        .days = (uint32_t)sets[DAY],
        .months = (uint16_t)sets[MONTH],
        .weekdays = (uint8_t)((sets[WEEKDAY] | sunday_as_7) & 0x7f),
        .either_day_field = parts[DAY].data[0] != '*' && parts[WEEKDAY].data[0] != '*',
    };
    return STATUS_OK;
}
