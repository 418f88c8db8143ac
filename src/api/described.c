/* Taking many descriptions apart: where the items are, lots, counts, and the answer. */
#include "api/described.h"

#include <stdio.h>
#include <stdlib.h>

#define ERRORS_KEPT_MAX 1000u
#define NAME_BYTES_MAX 500u

bool described_begin(struct request *r) {
    if (request_access(r)->location_count > 0) {
        problem(r, STATUS_FORBIDDEN, NULL, "a token that is limited to locations may not do this");
        return false;
    }
    return true;
}

size_t described_receive(struct request *r, const char *data, size_t length) {
    size_t most = (size_t)r->api->config->limits.body_bytes;
    if (r->body.length <= most) {
        buffer_append(&r->body, data, length);
    }
    return length;
}

bool described_attribute(struct text key, const struct json_value *value,
                         struct attribute_change *change, const char **why_out) {
    bool is_name = text_equal_string(key, "name"), is_active = text_equal_string(key, "active");
    if (!is_name && !is_active && !text_equal_string(key, "published")) {
        return false;
    }
    bool truth = value->kind == JSON_TRUE;
    if (value->kind == JSON_NULL) {
        return true;
    }
    if (is_name) {
        change->name_given = true;
        change->name = value->text;
        if (value->kind != JSON_STRING || value->text.length > NAME_BYTES_MAX) {
            *why_out = "a string of at most 500 bytes is needed";
        }
    } else if (!truth && value->kind != JSON_FALSE) {
        *why_out = "true or false is needed";
    } else if (is_active) {
        change->active_given = true;
        change->active = truth;
    } else {
        change->published_given = true;
        change->published = truth;
    }
    return true;
}

enum status described_skip(struct json_reader *json, enum json_kind kind) {
    struct text key;
    enum status status;
    do {
        status = kind == JSON_OBJECT ? json_next_key(json, &key) : json_next_item(json);
        if (status == STATUS_OK) {
            status = json_skip(json);
        }
    } while (status == STATUS_OK);
    return status == STATUS_END ? STATUS_OK : status;
}

void described_count(struct described_reading *d, enum described outcome, enum status problem,
                     struct text detail) {
    d->counts[outcome]++;
    d->number++;
    if (outcome != DESCRIBED_REJECTED || d->errors_kept == ERRORS_KEPT_MAX) {
        return;
    }
    if (d->errors_kept++ == 0) {
        (void)error_set(&d->first_error, problem, "%.*s", TEXT_ARG(detail));
    }
    struct json_writer *w = &d->error_writer;
    json_begin_object(w);
    json_key(w, "number");
    json_uint(w, d->number);
    json_key(w, "code");
    json_string(w, status_code(problem));
    json_key(w, "detail");
    json_text(w, detail);
    json_end_object(w);
}

/* ---- items ---- */

struct lot {
    char *items;
    size_t count;
    struct arena arena;
};

static enum status put_lot(struct described_reading *d, struct lot *lot, struct error *error) {
    enum status status = lot->count > 0 ? d->put(d, lot->items, lot->count, error) : STATUS_OK;
    lot->count = 0;
    arena_reset(&lot->arena);
    return status;
}

static void *next_item(struct described_reading *d, struct lot *lot) {
    void *item = lot->items + lot->count++ * d->item_size;
    memset(item, 0, d->item_size);
    return item;
}

/* Every line by itself: one that cannot be read is answered in its place. */
static enum status take_lines(struct described_reading *d, struct lot *lot, struct text rest,
                              struct error *error) {
    enum status status = STATUS_OK;
    while (rest.length > 0 && status == STATUS_OK) {
        const char *end = memchr(rest.data, '\n', rest.length);
        size_t length = end != NULL ? (size_t)(end - rest.data) : rest.length;
        struct text line = text_trim((struct text){rest.data, length});
        size_t step = length + (end != NULL ? 1 : 0);
        rest = (struct text){rest.data + step, rest.length - step};
        if (line.length == 0) {
            continue;
        }
        struct json_reader reader;
        struct error wrong = {0};
        void *item = next_item(d, lot);
        json_reader_init(&reader, line, &lot->arena, &wrong);
        enum status read = d->read(d, &reader, item);
        read = read == STATUS_OK ? json_finish(&reader) : read;
        if (read != STATUS_OK) {
            d->fail(item, read, arena_copy(&lot->arena, text_from(wrong.detail)));
        }
        if (lot->count == d->items_at_once) {
            status = put_lot(d, lot, error);
        }
    }
    return status == STATUS_OK ? put_lot(d, lot, error) : status;
}

/* One object, or a list: looked at as a whole before anything of it is done. */
static enum status check_json(struct text body, bool *is_list_out, struct error *error) {
    struct json_reader reader;
    struct arena arena = {0};
    struct text start = text_trim(body);
    json_reader_init(&reader, body, &arena, error);
    *is_list_out = start.length > 0 && start.data[0] == '[';
    enum status status = json_skip(&reader);
    if (status == STATUS_OK) {
        status = json_finish(&reader);
    }
    arena_deinit(&arena);
    return status;
}

static enum status take_list(struct described_reading *d, struct lot *lot, struct text body,
                             struct error *error) {
    struct json_reader reader;
    struct json_value value;
    json_reader_init(&reader, body, &lot->arena, error);
    enum status status = json_read(&reader, &value);
    while (status == STATUS_OK && (status = json_next_item(&reader)) == STATUS_OK) {
        status = d->read(d, &reader, next_item(d, lot));
        if (status == STATUS_OK && lot->count == d->items_at_once) {
            status = put_lot(d, lot, error);
        }
    }
    return status == STATUS_END ? put_lot(d, lot, error) : status;
}

static enum status take_one(struct described_reading *d, struct lot *lot, struct text body,
                            struct error *error) {
    struct json_reader reader;
    json_reader_init(&reader, body, &lot->arena, error);
    enum status status = d->read(d, &reader, next_item(d, lot));
    if (status == STATUS_OK) {
        status = put_lot(d, lot, error);
    }
    if (status == STATUS_OK && d->counts[DESCRIBED_REJECTED] > 0) {
        *error = d->first_error;
        status = error->status;
    }
    return status;
}

static enum status take_body(struct described_reading *d, struct lot *lot, struct error *error) {
    struct request *r = d->r;
    struct text type = r->headers.content_type, body = buffer_text(&r->body);
    static const char ndjson[] = "application/x-ndjson";
    size_t length = sizeof ndjson - 1;
    if (r->body.length > (size_t)r->api->config->limits.body_bytes) {
        return error_set(error, STATUS_TOO_LARGE, "the body is too large: send it in parts");
    }
    if (type.length >= length &&
        text_equal_ignore_case((struct text){type.data, length}, TEXT(ndjson))) {
        return take_lines(d, lot, body, error);
    }
    bool is_list = false;
    enum status status = check_json(body, &is_list, error);
    if (status != STATUS_OK) {
        return status;
    }
    return is_list ? take_list(d, lot, body, error) : take_one(d, lot, body, error);
}

static void write_answer(struct described_reading *d) {
    static const char *const words[] = {"created", "updated", "unchanged", "rejected"};
    struct json_writer w = answer_writer(d->r);
    json_begin_object(&w);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        json_key(&w, words[i]);
        json_uint(&w, d->counts[i]);
    }
    json_key(&w, "errors");
    json_raw(&w, buffer_text(&d->errors));
    json_end_object(&w);
    answer_json(d->r, MHD_HTTP_OK);
}

void described_take(struct described_reading *d) {
    struct lot lot = {.items = memory_alloc(d->items_at_once * d->item_size)};
    struct error error = {0};
    d->arena = &lot.arena;
    d->error_writer = (struct json_writer){.out = &d->errors};
    json_begin_array(&d->error_writer);
    enum status status = take_body(d, &lot, &error);
    json_end_array(&d->error_writer);
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(d->r, &error);
    } else {
        write_answer(d);
    }
    buffer_deinit(&d->errors);
    arena_deinit(&lot.arena);
    free(lot.items);
}
