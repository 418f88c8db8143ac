/* POST /v1/acknowledgements: a source says which documents its figures include from now on. */
#include <stdio.h>

#include "api/adjustment_parse.h"
#include "api/api_internal.h"

#define DOCUMENTS_MAX 100000u

struct acknowledging {
    struct text source;
    int64_t at_us;
    bool at_given, documents_given;
    struct text *documents;
    size_t count, room;
};

static enum status refuse(struct json_reader *reader, enum status status, const char *pointer,
                          const char *why) {
    (void)error_set(reader->error, status, "%s: %s", pointer + 1, why);
    (void)snprintf(reader->error->pointer, sizeof reader->error->pointer, "%s", pointer);
    return status;
}

static enum status read_documents(struct json_reader *reader, struct acknowledging *a) {
    struct json_value value;
    enum status status = json_read(reader, &value);
    if (status == STATUS_OK && value.kind != JSON_ARRAY) {
        return refuse(reader, STATUS_BAD_VALUE, "/documents", "a list of strings is needed");
    }
    while (status == STATUS_OK && (status = json_next_item(reader)) == STATUS_OK) {
        status = json_read(reader, &value);
        char pointer[40];
        (void)snprintf(pointer, sizeof pointer, "/documents/%zu", a->count);
        if (status == STATUS_OK &&
            (value.kind != JSON_STRING || !adjustment_text_is_fine(value.text))) {
            return refuse(reader, STATUS_BAD_VALUE, pointer, "a string of 1 to 200 bytes");
        }
        if (a->count == DOCUMENTS_MAX) {
            return refuse(reader, STATUS_TOO_LARGE, "/documents", "at most 100000 in one call");
        }
        if (a->count == a->room) {
            size_t room = a->room == 0 ? 64 : 2 * a->room;
            struct text *more = arena_alloc(reader->arena, room * sizeof *more);
            if (a->count > 0) {
                memcpy(more, a->documents, a->count * sizeof *more);
            }
            a->documents = more;
            a->room = room;
        }
        a->documents[a->count++] = value.text;
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status read_member(struct json_reader *reader, struct text key,
                               struct acknowledging *a) {
    if (text_equal_string(key, "documents")) {
        if (a->documents_given) {
            return refuse(reader, STATUS_BAD_JSON, "/documents", "comes twice");
        }
        a->documents_given = true;
        return read_documents(reader, a);
    }
    bool is_source = text_equal_string(key, "source");
    if (!is_source && !text_equal_string(key, "acknowledged_at")) {
        char pointer[72];
        (void)snprintf(pointer, sizeof pointer, "/%.*s", key.length > 70 ? 70 : (int)key.length,
                       key.data);
        return refuse(reader, STATUS_UNKNOWN_FIELD, pointer, "no field of this name is known here");
    }
    struct json_value value;
    enum status status = json_read(reader, &value);
    if (status != STATUS_OK) {
        return status;
    }
    if (is_source ? a->source.length > 0 : a->at_given) {
        return refuse(reader, STATUS_BAD_JSON, is_source ? "/source" : "/acknowledged_at",
                      "comes twice");
    }
    if (value.kind == JSON_NULL) {
        return STATUS_OK;
    }
    if (is_source) {
        a->source = value.text;
        bool fine = value.kind == JSON_STRING && adjustment_text_is_fine(value.text);
        return fine ? STATUS_OK
                    : refuse(reader, STATUS_BAD_VALUE, "/source", "a string of 1 to 200 bytes");
    }
    a->at_given = true;
    bool fine = value.kind == JSON_STRING && timestamp_parse(value.text, &a->at_us) == STATUS_OK;
    return fine ? STATUS_OK
                : refuse(reader, STATUS_BAD_TIME, "/acknowledged_at",
                         "an RFC 3339 time with an offset is needed");
}

static enum status read_body(struct request *r, struct acknowledging *a, struct error *error) {
    struct json_reader reader;
    struct json_value value;
    struct text key;
    json_reader_init(&reader, buffer_text(&r->body), &r->arena, error);
    enum status status = json_read(&reader, &value);
    if (status == STATUS_OK && value.kind != JSON_OBJECT) {
        return error_set(error, STATUS_BAD_JSON, "an object is needed");
    }
    while (status == STATUS_OK && (status = json_next_key(&reader, &key)) == STATUS_OK) {
        status = read_member(&reader, key, a);
    }
    if (status == STATUS_END) {
        status = json_finish(&reader);
    }
    if (status == STATUS_OK && !a->documents_given) {
        status = refuse(&reader, STATUS_MISSING, "/documents", "is needed");
    }
    return status;
}

static void write_answer(struct request *r, const struct acknowledging *a,
                         const enum acknowledgement_status *statuses, uint64_t sequence) {
    static const char *const words[] = {
        [ACK_ACKNOWLEDGED] = "acknowledged",
        [ACK_RECORDED] = "recorded",
        [ACK_DUPLICATE] = "duplicate",
        [ACK_REJECTED] = "rejected",
    };
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "results");
    json_begin_array(&w);
    for (size_t i = 0; i < a->count; i++) {
        json_begin_object(&w);
        json_key(&w, "document");
        json_text(&w, a->documents[i]);
        json_key(&w, "status");
        json_string(&w, words[statuses[i]]);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_key(&w, "sequence");
    json_uint(&w, sequence);
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}

void handle_acknowledgements(struct request *r) {
    struct acknowledging a = {.at_us = hub_now_us(r->api->hub)};
    struct error error = {0};
    uint64_t sequence = 0;
    enum acknowledgement_status *statuses = NULL;
    enum status status = read_body(r, &a, &error);
    if (status == STATUS_OK) {
        struct text source = a.source.length > 0 ? a.source : request_access(r)->name;
        statuses = arena_alloc_zero(&r->arena, (a.count + 1) * sizeof *statuses);
        status = hub_acknowledge(r->api->hub, request_access(r), source, a.at_us, a.documents,
                                 a.count, statuses, &sequence, &error);
    }
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
    } else {
        write_answer(r, &a, statuses, sequence);
    }
}
