/* JSON documents: a list of objects, or an object that wraps one such list under any key.
 *
 * The document is never held: a small machine follows what is around the items, each item is cut
 * out and read by itself, and memory is bounded by one item. An item that is no JSON is a rejected
 * row; what is wrong around the items makes the file unreadable. */
#include <stdlib.h>

#include "base/json.h"
#include "feed/json_cut.h"
#include "feed/json_item.h"

enum place {
    AT_BEGIN,
    AT_FIRST_ITEM, /* behind [ */
    AT_ITEM,       /* behind a comma */
    BEHIND_ITEM,
    AT_FIRST_KEY, /* behind { of the wrapper */
    AT_KEY,
    BEHIND_KEY,
    AT_MEMBER,
    BEHIND_MEMBER,
    AT_END
};

/* What the wrapper says of all rows; other members are nobody's business. */
enum word { WORD_NONE, WORD_AS_OF, WORD_SOURCE, WORD_LOCATION };

struct json {
    struct json_items items;
    enum place place;
    bool wrapped, list_seen;
    enum word next;   /* what the member that comes is */
    int64_t as_of_us; /* NEVER_US: it has none */
    char source[READER_WORD_MAX + 1], location[READER_WORD_MAX + 1]; /* empty: not said */
    bool cutting; /* a value has begun: item, key or member */
    struct json_cut cut;
    struct buffer carry;
    bool long_value;
    uint64_t line, value_line;
    enum status status; /* sticky */
    struct error error;
};

static void unreadable(struct json *json, uint64_t line, const char *why) {
    json->status = error_set(&json->error, STATUS_UNREADABLE, "%s", why);
    json->error.line = (unsigned long)line;
}

static void count_lines(struct json *json, const char *data, size_t length) {
    const char *end = data + length;
    while (data < end && (data = memchr(data, '\n', (size_t)(end - data))) != NULL) {
        json->line++;
        data++;
    }
}

/* ---- what is around the items ---- */

static void begin_value(struct json *json) {
    json->cutting = true;
    json->value_line = json->line;
    json_cut_begin(&json->cut);
}

static void begin_list(struct json *json) {
    if (json->list_seen) {
        unreadable(json, json->line, "two lists in the object: which one has the rows?");
    }
    if (json->next == WORD_AS_OF) {
        unreadable(json, json->line, "as_of is not a time");
    }
    json->next = WORD_NONE;
    json->list_seen = true;
    json->place = AT_FIRST_ITEM;
}

static void end_list(struct json *json) {
    json->place = json->wrapped ? BEHIND_MEMBER : AT_END;
}

/* Where a value may begin; true when this byte begins it. */
static bool take_opening(struct json *json, char c) {
    if (json->place == AT_FIRST_ITEM && c == ']') {
        end_list(json);
        return false;
    }
    if (json->place == AT_FIRST_KEY && c == '}') {
        json->place = AT_END;
        return false;
    }
    bool key = json->place == AT_FIRST_KEY || json->place == AT_KEY;
    if (json->place == AT_MEMBER && c == '[') {
        begin_list(json);
        return false;
    }
    if (key ? c != '"' : c == ',' || c == ']' || c == '}' || c == ':') {
        unreadable(json, json->line, key ? "a name in quotes is missing" : "a value is missing");
        return false;
    }
    begin_value(json);
    return true;
}

static void take_separator(struct json *json, char c) {
    bool list = json->place == BEHIND_ITEM;
    if (json->place == BEHIND_KEY) {
        json->place = AT_MEMBER;
        if (c != ':') {
            unreadable(json, json->line, "no colon behind a name");
        }
    } else if (c == ',') {
        json->place = list ? AT_ITEM : AT_KEY;
    } else if (list && c == ']') {
        end_list(json);
    } else if (!list && c == '}') {
        json->place = AT_END;
    } else {
        unreadable(json, json->line,
                   list ? "neither comma nor ] behind an item"
                        : "neither comma nor } behind a value");
    }
}

/* One byte outside the values that is not white space; false when it begins a value. */
static bool take_mark(struct json *json, char c) {
    switch (json->place) {
    case AT_BEGIN:
        json->wrapped = c == '{';
        if (c == '[') {
            begin_list(json);
        } else if (c == '{') {
            json->place = AT_FIRST_KEY;
        } else {
            unreadable(json, json->line, "neither a list nor an object");
        }
        return true;
    case AT_END:
        unreadable(json, json->line, "something follows behind the end");
        return true;
    case BEHIND_ITEM:
    case BEHIND_KEY:
    case BEHIND_MEMBER:
        take_separator(json, c);
        return true;
    default:
        return !take_opening(json, c);
    }
}

/* ---- values ---- */

/* The wrapper says when its rows were counted; null: it does not. */
static void take_as_of(struct json *json, const struct json_value *value) {
    int64_t us = NEVER_US;
    if (value->kind == JSON_NULL) {
        return;
    }
    if (value->kind != JSON_STRING ||
        row_times_parse(&json->items.maker.times, value->text, &us) != STATUS_OK) {
        unreadable(json, json->value_line, "as_of is not a time");
    } else if (json->as_of_us != NEVER_US && json->as_of_us != us) {
        unreadable(json, json->value_line, "as_of is there twice");
    } else {
        json->as_of_us = us;
    }
}

static void take_text(struct json *json, const struct json_value *value, char *into) {
    const bool source = into == json->source;
    struct text text = text_trim(value->text);
    if (value->kind == JSON_NULL) {
        return;
    }
    if (value->kind != JSON_STRING || text.length == 0 || text.length > READER_WORD_MAX ||
        text_has_control_character(text)) {
        unreadable(json, json->value_line,
                   source ? "source is not a name" : "location is not a code");
    } else if (into[0] != '\0' && !text_equal_string(text, into)) {
        unreadable(json, json->value_line,
                   source ? "source is there twice" : "location is there twice");
    } else {
        memcpy(into, text.data, text.length);
        into[text.length] = '\0';
    }
}

static enum word wrapper_word(struct text key) {
    static const struct {
        const char *name;
        enum word word;
    } known[] = {{"asof", WORD_AS_OF},
                 {"source", WORD_SOURCE},
                 {"location", WORD_LOCATION},
                 {"facilityid", WORD_LOCATION}};
    char name[FIELD_NAME_MAX];
    if (!field_plain_name(key, name)) {
        return WORD_NONE;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(name, known[i].name) == 0) {
            return known[i].word;
        }
    }
    return WORD_NONE;
}

static void take_member(struct json *json, const struct json_value *value) {
    if (json->next == WORD_AS_OF) {
        take_as_of(json, value);
    } else if (json->next != WORD_NONE) {
        take_text(json, value, json->next == WORD_SOURCE ? json->source : json->location);
    }
    json->next = WORD_NONE;
}

/* A name or a value of the wrapper: one of the known, or what nobody needs, which is JSON all the
 * same. */
static void check_other(struct json *json, struct text raw) {
    struct json_reader r;
    struct json_value value;
    if (json->long_value) {
        unreadable(json, json->value_line, "the object holds something too long beside the list");
        return;
    }
    json_reader_init(&r, raw, &json->items.output->scratch, NULL);
    if (json_skip(&r) != STATUS_OK || json_finish(&r) != STATUS_OK) {
        unreadable(json, json->value_line, "not valid JSON");
        return;
    }
    json_reader_init(&r, raw, &json->items.output->scratch, NULL);
    require(json_read(&r, &value) == STATUS_OK);
    if (json->place == AT_MEMBER) {
        take_member(json, &value);
    } else {
        json->next = wrapper_word(value.text);
    }
    row_output_flush(json->items.output);
}

static void end_value(struct json *json, struct text raw) {
    if (json->place == AT_FIRST_ITEM || json->place == AT_ITEM) {
        if (json->long_value) {
            json_items_take_long(&json->items, raw, json->value_line);
        } else {
            json_items_take(&json->items, raw, json->value_line);
        }
        json->place = BEHIND_ITEM;
    } else {
        check_other(json, raw);
        json->place = json->place == AT_MEMBER ? BEHIND_MEMBER : BEHIND_KEY;
    }
    json->cutting = json->long_value = false;
}

static void keep(struct json *json, const char *data, size_t length) {
    if (json->long_value) {
        return;
    }
    if (json->carry.length + length > READER_RECORD_MAX) {
        json->long_value = true;
        length = json->carry.length < READER_LONG_RAW ? READER_LONG_RAW - json->carry.length : 0;
    }
    buffer_append(&json->carry, data, length);
}

/* Goes on with the present value; returns how many bytes of the piece it took. */
static size_t take_value(struct json *json, const char *data, size_t length) {
    bool ended = false;
    bool fresh = json->cut.shape == JSON_CUT_NONE;
    size_t taken = json_cut_go_on(&json->cut, data, length, &ended);
    count_lines(json, data, taken);
    if (fresh && ended && taken <= READER_RECORD_MAX) {
        end_value(json, (struct text){data, taken});
        return taken;
    }
    keep(json, data, taken);
    if (ended) {
        end_value(json, buffer_text(&json->carry));
        row_output_flush(json->items.output); /* its texts are in the carry */
        buffer_clear(&json->carry);
    }
    return taken;
}

/* ---- the format ---- */

static enum status json_feed(void *state, const char *data, size_t length) {
    struct json *json = state;
    for (size_t at = 0; at < length && json->status == STATUS_OK;) {
        if (json->cutting) {
            at += take_value(json, data + at, length - at);
        } else if (json_is_blank(data[at])) {
            json->line += data[at] == '\n';
            at++;
        } else if (take_mark(json, data[at])) {
            at++;
        }
    }
    row_output_flush(json->items.output);
    return json->status;
}

static enum status json_format_finish(void *state, struct error *error) {
    struct json *json = state;
    if (json->status == STATUS_OK && json->place == AT_BEGIN) {
        unreadable(json, 0, "the file is empty");
    } else if (json->status == STATUS_OK && json->place != AT_END) {
        unreadable(json, json->line, "the document is not closed: the file has broken off");
    } else if (json->status == STATUS_OK && !json->list_seen) {
        unreadable(json, json->line, "the object has no list of rows, like {\"inventory\": [...]}");
    }
    if (json->status != STATUS_OK && error != NULL) {
        *error = json->error;
    }
    return json->status;
}

static void *json_new(const struct reader_options *options, struct row_output *output) {
    struct json *json = memory_alloc_zero(1, sizeof(*json));
    json->line = 1;
    json->as_of_us = NEVER_US;
    json_items_init(&json->items, options, output);
    return json;
}

static void json_free(void *state) {
    struct json *json = state;
    json_items_deinit(&json->items);
    buffer_deinit(&json->carry);
    free(json);
}

static void json_report(const void *state, struct reader_report *report) {
    const struct json *json = state;
    report->header = buffer_text(&json->items.header);
    report->lines = json->line;
    report->as_of_us = json->as_of_us;
    memcpy(report->source, json->source, sizeof(report->source));
    memcpy(report->location, json->location, sizeof(report->location));
    if (json->items.encoding.seen_windows1252) {
        report->encoding = "windows-1252";
    }
}

static void json_encoding_is_certain(void *state) {
    struct json *json = state;
    json->items.encoding.certain = true;
}

const struct reader_format reader_format_json = {
    .format = CONFIG_FORMAT_JSON,
    .name = "json",
    .new = json_new,
    .free = json_free,
    .feed = json_feed,
    .finish = json_format_finish,
    .report = json_report,
    .encoding_is_certain = json_encoding_is_certain,
};
