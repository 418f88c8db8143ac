/* The evidence about as_of in words and as JSON. The words are made from the numbers whenever they
 * are asked for, so a record needs to keep no texts. */
#include "hub/as_of_check.h"

#include "base/quantity.h"
#include "base/timestamp.h"

static const char *const verdict_words[] = {
#define X(name, word) word,
    CUT_VERDICT_LIST(X)
#undef X
};
static const char *const cause_words[] = {
#define X(name, word) word,
    CUT_CAUSE_LIST(X)
#undef X
};

/* ---- words ---- */

static void append_time(struct buffer *out, int64_t us) {
    char text[TIMESTAMP_TEXT_SIZE];
    (void)timestamp_format(us, text);
    buffer_append_string(out, text);
}

static void append_span(struct buffer *out, int64_t us) {
    int64_t minutes = (us < 0 ? -us : us) / (60 * US_PER_SECOND);
    if (minutes >= 60)
        buffer_append_format(out, "%lld h %lld min", (long long)(minutes / 60),
                             (long long)(minutes % 60));
    else
        buffer_append_format(out, "%lld min", (long long)minutes);
}

/* A zone west of Greenwich, read as UTC, makes every time too early. */
static void append_zone(struct buffer *out, int64_t shift_minutes) {
    int64_t minutes = shift_minutes < 0 ? -shift_minutes : shift_minutes;
    buffer_append_format(out, ": looks like a zone of %c%02lld:%02lld read as UTC",
                         shift_minutes > 0 ? '-' : '+', (long long)(minutes / 60),
                         (long long)(minutes % 60));
}

static void append_cause(const struct cut_check *check, struct buffer *out) {
    buffer_append_string(out, ", ");
    append_span(out, check->distance_us);
    buffer_append_string(out, check->distance_us < 0 ? " before as_of" : " after as_of");
    switch (check->cause) {
    case CUT_CAUSE_ZONE:
        append_zone(out, check->shift_minutes);
        break;
    case CUT_CAUSE_SUMMER_TIME:
        buffer_append_string(out, ": looks like summer time, one hour off");
        break;
    case CUT_CAUSE_BEHIND:
        buffer_append_string(out, ": looks like a store that lags behind who wrote the file");
        break;
    case CUT_CAUSE_AHEAD:
    case CUT_CAUSE_NONE:
    default:
        break;
    }
}

void as_of_check_detail(const struct as_of_check *check, struct buffer *out) {
    if (check->check.verdict == CUT_NO_EVIDENCE && !check->inferred) {
        buffer_append_string(out, check->moved == 0
                                      ? "nothing moved since the last statement to tell it by"
                                      : "as_of lies before the last statement");
        return;
    }
    buffer_append_format(out, "%llu of %llu products that moved agree with the books of ",
                         (unsigned long long)check->moved_agreeing,
                         (unsigned long long)check->moved);
    append_time(out, check->from_us);
    buffer_append_string(out, " to ");
    append_time(out, check->to_us);
    if (check->check.verdict == CUT_DIFFERS && !check->inferred)
        append_cause(&check->check, out);
    buffer_append_format(out, "; %llu at any other time", (unsigned long long)check->runner_up);
    if (check->check.verdict == CUT_UNCERTAIN && !check->inferred)
        buffer_append_string(out, ", which is too little to tell");
}

/* ---- JSON ---- */

static void write_time(struct json_writer *w, const char *key, int64_t us) {
    json_key(w, key);
    if (us == NEVER_US)
        json_null(w);
    else
        json_timestamp(w, us);
}

static void write_count(struct json_writer *w, const char *key, uint64_t count) {
    json_key(w, key);
    json_uint(w, count);
}

void as_of_check_write(struct json_writer *w, const struct as_of_check *check) {
    if (!check->made) {
        json_null(w);
        return;
    }
    struct buffer detail = {0};
    as_of_check_detail(check, &detail);
    json_begin_object(w);
    json_key(w, "verdict");
    json_string(w, check->inferred ? "inferred" : verdict_words[check->check.verdict]);
    json_key(w, "detail");
    json_text(w, buffer_text(&detail));
    write_time(w, "inferred_from", check->from_us);
    write_time(w, "inferred_to", check->to_us);
    json_key(w, "confidence");
    json_quantity(w, (int64_t)check->confidence_milli);
    json_key(w, "distance_seconds");
    if (check->is_given)
        json_int(w, check->check.distance_us / US_PER_SECOND);
    else
        json_null(w);
    json_key(w, "cause");
    json_string(w, cause_words[check->check.cause]);
    json_key(w, "shift_minutes");
    json_int(w, check->check.shift_minutes);
    write_count(w, "compared", check->compared);
    write_count(w, "agreeing", check->agreeing);
    write_count(w, "moved", check->moved);
    write_count(w, "moved_agreeing", check->moved_agreeing);
    write_count(w, "runner_up", check->runner_up);
    json_end_object(w);
    buffer_deinit(&detail);
}

static void read_verdict(struct text word, struct as_of_check *check) {
    check->inferred = text_equal_string(word, "inferred");
    for (unsigned i = 0; i < CUT_VERDICT_COUNT; i++)
        if (text_equal_string(word, verdict_words[i]))
            check->check.verdict = (enum cut_verdict)i;
}

static enum status read_time(const struct json_value *value, int64_t *us_out) {
    *us_out = NEVER_US;
    return value->kind == JSON_NULL ? STATUS_OK : timestamp_parse(value->text, us_out);
}

/* Whole numbers are quantities of so many thousandths. */
static enum status read_number(const struct json_value *value, int64_t *number_out) {
    enum status status = quantity_parse_json(value->text, number_out);
    *number_out /= 1000;
    return status;
}

static enum status read_count(struct text key, const struct json_value *value,
                              struct as_of_check *check) {
    const struct {
        const char *name;
        uint64_t *into;
    } counts[] = {{"compared", &check->compared},
                  {"agreeing", &check->agreeing},
                  {"moved", &check->moved},
                  {"moved_agreeing", &check->moved_agreeing},
                  {"runner_up", &check->runner_up}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (text_equal_string(key, counts[i].name)) {
            int64_t number = 0;
            enum status status = read_number(value, &number);
            *counts[i].into = (uint64_t)number;
            return status;
        }
    return STATUS_OK;
}

static enum status read_member(struct text key, const struct json_value *value,
                               struct as_of_check *check) {
    int64_t number = 0;
    enum status status = STATUS_OK;
    if (text_equal_string(key, "verdict"))
        read_verdict(value->text, check);
    else if (text_equal_string(key, "inferred_from"))
        status = read_time(value, &check->from_us);
    else if (text_equal_string(key, "inferred_to"))
        status = read_time(value, &check->to_us);
    else if (text_equal_string(key, "confidence")) {
        status = quantity_parse_json(value->text, &number);
        check->confidence_milli = (uint64_t)number;
    } else if (text_equal_string(key, "distance_seconds")) {
        check->is_given = value->kind != JSON_NULL;
        status = check->is_given ? read_number(value, &number) : STATUS_OK;
        check->check.distance_us = number * US_PER_SECOND;
    } else if (text_equal_string(key, "shift_minutes")) {
        status = read_number(value, &check->check.shift_minutes);
    } else if (text_equal_string(key, "cause")) {
        for (unsigned i = 0; i < CUT_CAUSE_COUNT; i++)
            if (text_equal_string(value->text, cause_words[i]))
                check->check.cause = (enum cut_cause)i;
    } else
        status = read_count(key, value, check);
    return status;
}

enum status as_of_check_read(struct json_reader *r, struct as_of_check *check_out) {
    struct json_value value;
    struct text key;
    *check_out = (struct as_of_check){.from_us = NEVER_US, .to_us = NEVER_US};
    enum status status = json_read(r, &value);
    if (status != STATUS_OK || value.kind == JSON_NULL)
        return status;
    check_out->made = true;
    while (status == STATUS_OK && (status = json_next_key(r, &key)) == STATUS_OK) {
        status = json_read(r, &value);
        if (status == STATUS_OK)
            status = read_member(key, &value, check_out);
    }
    return status == STATUS_END ? STATUS_OK : status;
}
