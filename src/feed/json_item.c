/* A value is read once, from the front; only the fields that are wanted are kept. */
#include "feed/json_item.h"

#include "base/json.h"
#include "base/timestamp.h"
#include "feed/unseen.h"

void json_items_init(struct json_items *items, const struct reader_options *options,
                     struct row_output *output) {
    *items = (struct json_items){.output = output};
    row_maker_init(&items->maker, options, field_standards, field_standard_count);
}

void json_items_deinit(struct json_items *items) {
    row_maker_deinit(&items->maker);
    arena_deinit(&items->arena);
    buffer_deinit(&items->header);
}

static void push_rejected(struct json_items *items, struct text raw, uint64_t line,
                          enum status problem, const char *detail) {
    struct stated_row *row = row_output_next(items->output);
    *row = (struct stated_row){.line = line,
                               .raw = raw,
                               .as_of_us = NEVER_US,
                               .problem = problem,
                               .problem_detail = detail};
    row_output_push(items->output);
}

/* The place of the item's field number `position`. */
static unsigned find_wanted(struct json_items *items, unsigned position, struct text key) {
    if (position < items->remembered_count && text_equal(items->remembered[position].name, key)) {
        return items->remembered[position].wanted;
    }
    unsigned wanted = field_plan_find(&items->maker.plan, key);
    if (position == items->remembered_count && position < JSON_ITEM_REMEMBERED &&
        key.length <= ROW_FIELD_MAX) {
        items->remembered[items->remembered_count++] =
            (struct json_remembered){arena_copy(&items->arena, key), wanted};
        buffer_append_string(&items->header, position > 0 ? ", " : "");
        buffer_append_text(&items->header, key);
    }
    return wanted;
}

/* The rest of a value of which the opening bracket has been read. */
static enum status skip_open(struct json_reader *r, enum json_kind kind) {
    for (;;) {
        struct text key;
        enum status status = kind == JSON_OBJECT ? json_next_key(r, &key) : json_next_item(r);
        if (status == STATUS_END) {
            return STATUS_OK;
        }
        if (status == STATUS_OK) {
            status = json_skip(r);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
}

static enum status read_value(struct json_reader *r, struct row_value *value_out) {
    struct json_value value;
    enum status status = json_read(r, &value);
    if (status != STATUS_OK) {
        return status;
    }
    switch (value.kind) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        *value_out = (struct row_value){ROW_VALUE_OTHER, TEXT("")};
        return skip_open(r, value.kind);
    case JSON_STRING:
        *value_out = (struct row_value){ROW_VALUE_TEXT, unseen_trim(value.text)};
        return STATUS_OK;
    case JSON_NUMBER:
        *value_out = (struct row_value){ROW_VALUE_NUMBER, value.text};
        return STATUS_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        *value_out = (struct row_value){ROW_VALUE_OTHER, TEXT("")};
        return STATUS_OK;
    case JSON_NULL:
        break;
    }
    *value_out = (struct row_value){ROW_VALUE_ABSENT, TEXT("")};
    return STATUS_OK;
}

/* STATUS_CONFLICT: a field that counts is there twice. STATUS_BAD_VALUE: no object. */
static enum status read_fields(struct json_items *items, struct json_reader *r,
                               struct row_value values[FIELD_WANTED_MAX]) {
    struct json_value value;
    uint64_t seen = 0;
    bool twice = false;
    enum status status = json_read(r, &value);
    if (status != STATUS_OK || value.kind != JSON_OBJECT) {
        return status != STATUS_OK ? status : STATUS_BAD_VALUE;
    }
    for (unsigned position = 0;; position++) {
        struct text key;
        status = json_next_key(r, &key);
        if (status == STATUS_END) {
            status = json_finish(r);
            return status == STATUS_OK && twice ? STATUS_CONFLICT : status;
        }
        unsigned wanted =
            status == STATUS_OK ? find_wanted(items, position, key) : FIELD_NOT_WANTED;
        if (status == STATUS_OK && wanted != FIELD_NOT_WANTED) {
            twice |= (seen >> wanted & 1) != 0;
            seen |= UINT64_C(1) << wanted;
            status = read_value(r, &values[wanted]);
        } else if (status == STATUS_OK) {
            status = json_skip(r);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
}

void json_items_take(struct json_items *items, struct text raw, uint64_t line) {
    struct row_value values[FIELD_WANTED_MAX];
    struct arena *scratch = &items->output->scratch;
    struct text record = raw;
    if (text_encoding_to_utf8(&items->encoding, scratch, &record) != STATUS_OK) {
        push_rejected(items, raw, line, STATUS_BAD_VALUE, "not UTF-8");
        return;
    }
    for (unsigned i = 0; i < items->maker.plan.count; i++) {
        values[i].form = ROW_VALUE_ABSENT;
    }
    struct json_reader r;
    json_reader_init(&r, record, scratch, NULL);
    switch (read_fields(items, &r, values)) {
    case STATUS_OK:
        row_make(&items->maker, values, line, record, &items->output->scratch,
                 row_output_next(items->output));
        row_output_push(items->output);
        return;
    case STATUS_BAD_VALUE:
        push_rejected(items, record, line, STATUS_BAD_VALUE, "not an object");
        return;
    case STATUS_CONFLICT:
        push_rejected(items, record, line, STATUS_BAD_VALUE, "a field is there twice");
        return;
    case STATUS_TOO_DEEP:
        push_rejected(items, record, line, STATUS_TOO_DEEP, "nested too deep");
        return;
    default:
        push_rejected(items, record, line, STATUS_BAD_JSON, "not valid JSON");
    }
}

void json_items_take_long(struct json_items *items, struct text raw, uint64_t line) {
    raw.length = raw.length < READER_LONG_RAW ? raw.length : READER_LONG_RAW;
    push_rejected(items, raw, line, STATUS_TOO_LARGE, "the row is too long");
}
