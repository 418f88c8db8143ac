/* POST /v1/resets: a file of any size goes through the reader as it comes.
 *
 * What is packed becomes hundreds of times as much, so its pieces are worked on by a worker too:
 * the socket's thread has others to serve. Nothing changes before its end. The end itself, where
 * the file is applied, runs on a worker while the connection is suspended, for it takes as long as
 * the file is large. */
#include <stdio.h>
#include <stdlib.h>

#include "api/api_internal.h"
#include "feed/manifest.h"
#include "feed/upload.h"

#define FORM_BUFFER ((size_t)16 * 1024)

struct reset_upload {
    struct reset_params params;
    struct reader_options options;
    struct reset_manifest manifest;
    struct buffer manifest_json; /* of a part */
    struct buffer piece;         /* of the body, with a worker */
    struct zone *zone;
    struct upload *upload; /* NULL until the file begins */
    struct MHD_PostProcessor *form;
    bool unreadable; /* the rest need not be looked at */
    bool file_seen;
    struct error error; /* status other than OK: refused */
};

static void upload_state_free(struct request *r) {
    struct reset_upload *u = r->state;
    if (u->form != NULL) {
        (void)MHD_destroy_post_processor(u->form);
    }
    upload_free(u->upload);
    zone_free(u->zone);
    buffer_deinit(&u->manifest_json);
    buffer_deinit(&u->piece);
}

/* ---- parameters ---- */

/* The word's place in a list of two; -1: another one, answered. */
static int query_choice(struct request *r, const char *name, const char *first,
                        const char *second) {
    if (!request_query_given(r, name)) {
        return 0;
    }
    struct text value = request_query(r, name);
    if (text_equal_string(value, first)) {
        return 0;
    }
    if (text_equal_string(value, second)) {
        return 1;
    }
    problem(r, STATUS_BAD_VALUE, name, "%s: %s or %s", name, first, second);
    return -1;
}

static bool read_format(struct request *r, struct reader_options *options) {
    static const struct {
        const char *word;
        enum config_format format;
    } formats[] = {{"csv", CONFIG_FORMAT_CSV},
                   {"ndjson", CONFIG_FORMAT_NDJSON},
                   {"json", CONFIG_FORMAT_JSON},
                   {"xml", CONFIG_FORMAT_XML}};
    struct text word = request_query(r, "format");
    options->format = CONFIG_FORMAT_AUTO;
    if (!request_query_given(r, "format")) {
        return true;
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (text_equal_string(word, formats[i].word)) {
            options->format = formats[i].format;
            return true;
        }
    }
    problem(r, STATUS_BAD_VALUE, "format", "format: csv, ndjson, json or xml");
    return false;
}

static bool read_csv_options(struct request *r, struct reader_options *options) {
    const struct config_csv *csv = &r->api->config->csv;
    options->delimiter = csv->delimiter;
    options->decimal_comma = csv->decimal_comma;
    options->trailer = csv->trailer;
    struct text delimiter = request_query(r, "delimiter");
    if (text_equal_string(delimiter, "tab")) {
        delimiter = TEXT("\t");
    }
    if (request_query_given(r, "delimiter")) {
        if (delimiter.length != 1 || strchr(",;|\t", delimiter.data[0]) == NULL) {
            problem(r, STATUS_BAD_VALUE, "delimiter", "delimiter: , ; | or tab");
            return false;
        }
        options->delimiter = delimiter.data[0];
    }
    if (request_query_given(r, "trailer")) {
        options->trailer = request_query(r, "trailer");
        const char *mistake = config_trailer_mistake(options->trailer);
        if (mistake != NULL) {
            problem(r, STATUS_BAD_VALUE, "trailer", "trailer: %s", mistake);
            return false;
        }
    }
    return request_query_bool(r, "decimal_comma", &options->decimal_comma);
}

static bool read_choices(struct request *r, struct reset_params *params) {
    int mode = query_choice(r, "mode", "full", "partial");
    int absent = mode < 0 ? -1 : query_choice(r, "absent", "keep", "zero");
    int quantity = absent < 0 ? -1 : query_choice(r, "quantity", "on_hand", "available");
    int publish = quantity < 0 ? -1 : query_choice(r, "publish", "all", "only");
    int guard = publish < 0 ? -1 : query_choice(r, "guard", "on", "off");
    if (guard < 0) {
        return false;
    }
    params->full = mode == 0;
    params->absent_zero = absent == 1;
    params->quantity_available = quantity == 1;
    params->publish_only = publish == 1;
    params->guard_off = guard == 1;
    if (params->guard_off && !access_allows(request_access(r), SCOPE_ADMIN)) {
        problem(r, STATUS_FORBIDDEN, "guard", "guard=off needs the scope admin");
        return false;
    }
    return request_query_bool(r, "dry_run", &params->dry_run);
}

static bool take_manifest(struct request *r, struct text json) {
    struct reset_upload *u = r->state;
    if (manifest_parse(json, &r->arena, &u->manifest, &u->error) != STATUS_OK) {
        return false;
    }
    u->params.manifest = &u->manifest;
    return true;
}

static bool short_text(struct request *r, const char *name, struct text *out) {
    *out = request_query(r, name);
    if (out->length > 200) {
        problem(r, STATUS_BAD_VALUE, name, "%s: at most 200 bytes", name);
        return false;
    }
    return true;
}

static bool read_params(struct request *r) {
    struct reset_upload *u = r->state;
    struct reset_params *params = &u->params;
    params->as_of_us = NEVER_US;
    params->as_of_infer = text_equal_string(request_query(r, "as_of"), "infer");
    if ((!params->as_of_infer && !request_query_time(r, "as_of", &params->as_of_us)) ||
        !read_choices(r, params) || !read_format(r, &u->options) ||
        !read_csv_options(r, &u->options) || !short_text(r, "source", &params->source) ||
        !short_text(r, "file", &params->file) || !short_text(r, "location", &params->location)) {
        return false;
    }
    if (params->as_of_infer && params->quantity_available) {
        problem(r, STATUS_BAD_VALUE, "as_of",
                "as_of=infer cannot go by figures of what is available: what was reserved depends "
                "on as_of; say when it was counted");
        return false;
    }
    if (params->as_of_us != NEVER_US) {
        params->as_of_origin = TEXT("parameter");
    }
    u->zone = zone_open(r->api->config->timezone, &u->error);
    u->options.zone = u->zone;
    if (request_query_given(r, "manifest") && !take_manifest(r, request_query(r, "manifest"))) {
        problem_from(r, &u->error);
        return false;
    }
    return true;
}

/* ---- the body ---- */

/* The file begins: from here on the parameters stand. */
static bool open_upload(struct request *r) {
    struct reset_upload *u = r->state;
    if (u->upload != NULL) {
        return true;
    }
    struct text from_manifest = u->params.manifest != NULL ? u->manifest.source : (struct text){0};
    if (u->params.source.length == 0) {
        u->params.source_assumed = from_manifest.length == 0;
        u->params.source = from_manifest.length > 0 ? from_manifest : request_access(r)->name;
    }
    enum status status =
        upload_new(r->api->hub, request_access(r), &u->params, &u->options, &u->upload, &u->error);
    if (status != STATUS_OK) {
        u->error.status = status;
        u->upload = NULL;
    }
    return status == STATUS_OK;
}

static void feed_file(struct request *r, const char *data, size_t length) {
    struct reset_upload *u = r->state;
    u->file_seen = true;
    if (u->error.status == STATUS_OK && open_upload(r) && !u->unreadable) {
        u->unreadable = upload_feed(u->upload, data, length) != STATUS_OK;
    }
}

static void feed_manifest(struct request *r, const char *data, size_t length) {
    struct reset_upload *u = r->state;
    if (u->upload != NULL || u->file_seen) {
        (void)error_set(&u->error, STATUS_BAD_VALUE, "the part manifest must come before the file");
    } else if (u->manifest_json.length + length > MANIFEST_BYTES_MAX) {
        (void)error_set(&u->error, STATUS_TOO_LARGE, "the manifest is too large");
    } else {
        buffer_append(&u->manifest_json, data, length);
    }
}

static enum MHD_Result take_part(void *context, enum MHD_ValueKind kind, const char *key,
                                 const char *file_name, const char *content_type,
                                 const char *transfer_encoding, const char *data, uint64_t offset,
                                 size_t length) {
    struct request *r = context;
    struct reset_upload *u = r->state;
    (void)kind;
    (void)content_type;
    (void)transfer_encoding;
    if (u->error.status != STATUS_OK) {
        return MHD_NO;
    }
    if (key != NULL && strcmp(key, "manifest") == 0) {
        feed_manifest(r, data, length);
        return u->error.status == STATUS_OK ? MHD_YES : MHD_NO;
    }
    if (offset == 0) {
        if (u->file_seen && u->upload != NULL) {
            (void)error_set(&u->error, STATUS_BAD_VALUE, "only one file may be sent");
            return MHD_NO;
        }
        if (u->params.file.length == 0 && file_name != NULL) {
            u->params.file = arena_copy(&r->arena, text_from(file_name));
        }
        if (u->manifest_json.length > 0 && u->params.manifest == NULL &&
            !take_manifest(r, buffer_text(&u->manifest_json))) {
            return MHD_NO;
        }
    }
    feed_file(r, data, length);
    return u->error.status == STATUS_OK ? MHD_YES : MHD_NO;
}

static bool is_multipart(const struct request *r) {
    static const char multipart[] = "multipart/";
    struct text type = r->headers.content_type;
    size_t length = sizeof multipart - 1;
    return type.length > length &&
           text_equal_ignore_case((struct text){type.data, length}, TEXT(multipart));
}

bool resets_begin(struct request *r) {
    struct reset_upload *u = arena_alloc_zero(&r->arena, sizeof *u);
    r->state = u;
    r->state_free = upload_state_free;
    if (!read_params(r)) {
        return false;
    }
    if (is_multipart(r)) {
        u->form = MHD_create_post_processor(r->connection, FORM_BUFFER, take_part, r);
        if (u->form == NULL) {
            problem_http(r, 415, STATUS_BAD_VALUE, "Content-Type",
                         "multipart/form-data with a boundary is needed");
            return false;
        }
    } else if (!open_upload(r)) {
        problem_from(r, &u->error);
        return false;
    }
    return true;
}

static void take_piece(struct request *r, const char *data, size_t length) {
    struct reset_upload *u = r->state;
    if (u->form == NULL) {
        feed_file(r, data, length);
    } else if (MHD_post_process(u->form, data, length) != MHD_YES && u->error.status == STATUS_OK) {
        (void)error_set(&u->error, STATUS_BAD_VALUE, "the body is no multipart/form-data");
    }
}

static void work_on_piece(struct request *r) {
    struct reset_upload *u = r->state;
    take_piece(r, u->piece.data, u->piece.length);
}

/* What a worker has is taken when it is done: until then the library keeps the bytes. */
size_t resets_receive(struct request *r, const char *data, size_t length) {
    struct reset_upload *u = r->state;
    if (u->piece.length == 0) {
        if (u->error.status != STATUS_OK) {
            return length;
        }
        if (u->upload != NULL && upload_is_plain(u->upload)) {
            take_piece(r, data, length);
            return length;
        }
        buffer_append(&u->piece, data, length);
        if (!request_run(r, RUN_LONG, work_on_piece)) {
            (void)error_set(&u->error, STATUS_STOPPING, "the hub is shutting down");
        } else if (request_wait(r)) {
            return 0;
        }
    }
    size_t taken = u->piece.length;
    require(taken <= length);
    buffer_clear(&u->piece);
    return taken;
}

void handle_reset_post(struct request *r) {
    struct reset_upload *u = r->state;
    if (u->form != NULL) {
        (void)MHD_destroy_post_processor(u->form);
        u->form = NULL;
        if (u->error.status == STATUS_OK && !u->file_seen) {
            (void)error_set(&u->error, STATUS_MISSING, "no part of the form is a file");
        }
    }
    if (u->error.status == STATUS_OK && token_is_revoked(r->token)) {
        (void)error_set(&u->error, STATUS_UNAUTHORIZED, "the token was revoked");
    }
    if (u->error.status != STATUS_OK || !open_upload(r)) {
        problem_from(r, &u->error);
        return;
    }
    buffer_clear(&r->out);
    enum status status = upload_finish(u->upload, false, &r->out, &u->error);
    if (status != STATUS_OK) {
        u->error.status = status;
        problem_from(r, &u->error);
        return;
    }
    answer_json(r, MHD_HTTP_OK);
}
