/* POST /v1/adjustments: as one JSON object, or as lines without end.
 *
 * Two chunks take turns: one is filled from the socket while the hub commits the other. When both
 * are full the connection is suspended, so memory is bounded however fast a caller sends. The
 * results are written in order as chunks come back; they go out when the body has come to its end,
 * for HTTP has no turn for them before. */
#include "api/adjustments_internal.h"

#include <stdlib.h>

static struct adjustments_stream *stream_of(struct request *r) {
    return r->state;
}

static void chunk_deinit(struct chunk *chunk) {
    buffer_deinit(&chunk->raw);
    arena_deinit(&chunk->arena);
    free(chunk->lines);
    free(chunk->results);
}

static void stream_free(struct request *r) {
    struct adjustments_stream *s = stream_of(r);
    chunk_deinit(&s->chunks[0]);
    chunk_deinit(&s->chunks[1]);
    spool_deinit(&s->spool);
    arena_deinit(&s->arena);
    free(s);
}

static bool is_type(struct text header, const char *type) {
    struct text wanted = text_from(type);
    return header.length >= wanted.length &&
           text_equal_ignore_case((struct text){header.data, wanted.length}, wanted) &&
           (header.length == wanted.length || header.data[wanted.length] == ';' ||
            header.data[wanted.length] == ' ');
}

bool adjustments_begin(struct request *r) {
    struct text type = r->headers.content_type;
    bool lines = is_type(type, "application/x-ndjson") || is_type(type, "application/jsonl") ||
                 is_type(type, "application/ndjson");
    if (!lines && !content_type_suits_json(type)) {
        problem_http(r, 415, STATUS_BAD_VALUE, "Content-Type",
                     "application/json or application/x-ndjson is needed");
        return false;
    }
    struct adjustments_stream *s = memory_alloc_zero(1, sizeof *s);
    s->lines = lines;
    spool_init(&s->spool, r->api->config->data);
    for (int i = 0; i < 2; i++) {
        s->chunks[i].lines = memory_alloc(CHUNK_LINES * sizeof(struct adjustment));
        s->chunks[i].results = memory_alloc(CHUNK_LINES * sizeof(struct adjustment_result));
    }
    r->state = s;
    r->state_free = stream_free;
    s->writer = (struct json_writer){.out = &s->spool.buffer};
    json_begin_object(&s->writer);
    json_key(&s->writer, "results");
    json_begin_array(&s->writer);
    return true;
}

/* ---- the hub's answer ---- */

static void submission_done(struct submission *submission, enum status status) {
    struct request *r = submission->context;
    struct adjustments_stream *s = stream_of(r);
    s->chunks[s->in_flight].answer = status;
    request_arrived(r);
}

static void stream_fail(struct adjustments_stream *s, enum status status, const char *detail) {
    if (s->failed == STATUS_OK) {
        s->failed = status;
        (void)error_set(&s->error, status, "%s", detail);
    }
}

/* Writes the results of the chunk that came back, if one did. False: it is still under way. */
static bool collect(struct request *r) {
    struct adjustments_stream *s = stream_of(r);
    if (!s->is_in_flight) {
        return true;
    }
    if (request_is_pending(r)) {
        return false;
    }
    s->is_in_flight = false;
    struct chunk *chunk = &s->chunks[s->in_flight];
    if (chunk->answer != STATUS_OK) {
        stream_fail(s, chunk->answer, status_meaning(chunk->answer));
        return true;
    }
    uint64_t last = results_write(&s->writer, hub_catalog(r->api->hub), chunk->lines,
                                  chunk->results, chunk->count);
    s->sequence = last > s->sequence ? last : s->sequence;
    s->answered += chunk->count;
    struct error error;
    if (spool_settle(&s->spool, &error) != STATUS_OK) {
        stream_fail(s, error.status, error.detail);
    }
    return true;
}

/* Sends the chunk that was filled to the hub; the other one is filled next. */
static void submit(struct request *r) {
    struct adjustments_stream *s = stream_of(r);
    struct chunk *chunk = &s->chunks[s->filling];
    require(!s->is_in_flight && chunk->count > 0);
    if (token_is_revoked(r->token)) {
        stream_fail(s, STATUS_UNAUTHORIZED, "the token was revoked");
        return;
    }
    chunk->submission = (struct submission){
        .access = request_access(r),
        .adjustments = chunk->lines,
        .results = chunk->results,
        .count = chunk->count,
        .request = r->number,
        .done = submission_done,
        .context = r,
    };
    s->in_flight = s->filling;
    request_expect(r);
    enum status status = hub_submit(r->api->hub, &chunk->submission);
    if (status != STATUS_OK) {
        request_unexpect(r);
        stream_fail(s, status, status_meaning(status));
        return;
    }
    s->is_in_flight = true;
    s->filling = 1 - s->filling;
}

/* ---- lines ---- */

static void add_too_long(struct chunk *chunk) {
    struct adjustment *line = &chunk->lines[chunk->count++];
    *line = (struct adjustment){0};
    adjustment_refuse(line, &chunk->arena, STATUS_TOO_LARGE, NULL,
                      "a line may have up to 65536 bytes");
}

static void add_line(struct request *r, struct adjustments_stream *s, struct chunk *chunk,
                     struct text line) {
    if (s->skipping) { /* the end of a line that was too long */
        s->skipping = false;
    } else if (line.length > LINE_MAX_BYTES) {
        add_too_long(chunk);
    } else if (text_trim(line).length > 0) {
        adjustment_read_line(line, &chunk->arena, hub_catalog(r->api->hub),
                             &chunk->lines[chunk->count++]);
    }
}

/* Reads the lines that are whole; what is left goes to the other chunk. */
static void parse_lines(struct request *r, bool is_end) {
    struct adjustments_stream *s = stream_of(r);
    struct chunk *chunk = &s->chunks[s->filling], *other = &s->chunks[1 - s->filling];
    struct text rest = buffer_text(&chunk->raw);
    arena_reset(&chunk->arena);
    chunk->count = 0;
    while (rest.length > 0 && chunk->count < CHUNK_LINES) {
        const char *end = memchr(rest.data, '\n', rest.length);
        if (end == NULL && !is_end) {
            break;
        }
        size_t length = end != NULL ? (size_t)(end - rest.data) : rest.length;
        add_line(r, s, chunk, (struct text){rest.data, length});
        size_t step = end != NULL ? length + 1 : length;
        rest = (struct text){rest.data + step, rest.length - step};
    }
    bool no_end = rest.length > LINE_MAX_BYTES && chunk->count < CHUNK_LINES &&
                  memchr(rest.data, '\n', rest.length) == NULL;
    if (no_end) {
        if (!s->skipping) {
            add_too_long(chunk);
        }
        s->skipping = true;
        rest.length = 0;
    }
    buffer_clear(&other->raw);
    buffer_append_text(&other->raw, rest);
}

/* Hands what has come to the hub. False: it must wait for the other chunk first. */
static bool flush_lines(struct request *r, bool is_end) {
    struct adjustments_stream *s = stream_of(r);
    if (!collect(r)) {
        return false;
    }
    if (s->failed != STATUS_OK) {
        return true;
    }
    parse_lines(r, is_end);
    if (s->chunks[s->filling].count > 0) {
        submit(r);
    } else {
        s->filling = 1 - s->filling; /* nothing whole yet: the rest went there */
    }
    return true;
}

static size_t receive_lines(struct request *r, const char *data, size_t length) {
    struct adjustments_stream *s = stream_of(r);
    size_t taken = 0;
    while (s->failed == STATUS_OK) {
        struct buffer *raw = &s->chunks[s->filling].raw;
        size_t room = raw->length < CHUNK_BYTES ? CHUNK_BYTES - raw->length : 0;
        size_t step = length - taken < room ? length - taken : room;
        buffer_append(raw, data + taken, step);
        taken += step;
        if (!flush_lines(r, false)) {
            bool full = taken < length;
            if (!full || request_wait(r)) {
                return taken;
            }
        } else if (taken == length) {
            return taken;
        }
    }
    return length; /* it is of no use any more: read away */
}

size_t adjustments_receive(struct request *r, const char *data, size_t length) {
    struct adjustments_stream *s = stream_of(r);
    if (s->lines) {
        return receive_lines(r, data, length);
    }
    if (s->failed == STATUS_OK &&
        r->body.length + length > (size_t)r->api->config->limits.body_bytes) {
        stream_fail(s, STATUS_TOO_LARGE,
                    "a JSON body is limited: send application/x-ndjson, which is not");
    }
    if (s->failed == STATUS_OK) {
        buffer_append(&r->body, data, length);
    }
    return length;
}

/* ---- one JSON object ---- */

/* Looks at the whole text first: nothing is applied of a body that is broken further down. */
static enum status open_object(struct request *r, struct error *error) {
    struct adjustments_stream *s = stream_of(r);
    struct json_reader reader;
    struct json_value value;
    struct text key;
    bool found = false;
    json_reader_init(&reader, buffer_text(&r->body), &s->arena, error);
    enum status status = json_read(&reader, &value);
    if (status == STATUS_OK && value.kind != JSON_OBJECT) {
        return error_set(error, STATUS_BAD_JSON, "an object with \"adjustments\" is needed");
    }
    while (status == STATUS_OK && (status = json_next_key(&reader, &key)) == STATUS_OK) {
        if (!text_equal_string(key, "adjustments")) {
            return error_set(error, STATUS_UNKNOWN_FIELD, "'%.*s' is no field here",
                             key.length > 100 ? 100 : (int)key.length, key.data);
        }
        if (found) {
            return error_set(error, STATUS_BAD_JSON, "'adjustments' comes twice");
        }
        found = true;
        s->reader = reader;
        status = json_skip(&reader);
    }
    if (status == STATUS_END) {
        status = json_finish(&reader);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (!found) {
        return error_set(error, STATUS_MISSING, "adjustments is needed");
    }
    s->reader.error = &s->error;
    status = json_read(&s->reader, &value);
    if (status == STATUS_OK && value.kind != JSON_ARRAY) {
        status = error_set(error, STATUS_BAD_JSON, "adjustments must be a list");
        (void)memcpy(error->pointer, "/adjustments", sizeof "/adjustments");
    }
    return status;
}

static void parse_items(struct request *r) {
    struct adjustments_stream *s = stream_of(r);
    struct chunk *chunk = &s->chunks[s->filling];
    arena_reset(&chunk->arena);
    chunk->count = 0;
    s->reader.arena = &chunk->arena;
    while (chunk->count < CHUNK_LINES) {
        if (json_next_item(&s->reader) != STATUS_OK) {
            s->ended = true;
            return;
        }
        enum status status =
            adjustment_read(&s->reader, hub_catalog(r->api->hub), &chunk->lines[chunk->count++]);
        require(status == STATUS_OK); /* it was read once before */
    }
}

/* ---- the end ---- */

/* On a worker, which then writes the line of the audit log. */
static void answered(struct request *r) {
    require(r->status != 0);
}

static void finish(struct request *r) {
    struct adjustments_stream *s = stream_of(r);
    int fd = -1;
    json_end_array(&s->writer);
    json_key(&s->writer, "sequence");
    json_uint(&s->writer, s->sequence);
    json_end_object(&s->writer);
    if (spool_finish(&s->spool, &fd, &s->error) != STATUS_OK) {
        problem_from(r, &s->error);
    } else if (fd >= 0) {
        answer_file(r, "application/json", fd, s->spool.written);
    } else {
        struct buffer empty = r->out;
        r->out = s->spool.buffer;
        s->spool.buffer = empty;
        answer_json(r, MHD_HTTP_OK);
    }
    if (audit_wanted(r)) {
        (void)request_run(r, RUN_WORKER, answered);
    }
}

static void go_on(struct request *r) {
    struct adjustments_stream *s = stream_of(r);
    if (!collect(r)) {
        r->resume = go_on;
        return;
    }
    while (s->failed == STATUS_OK && !s->is_in_flight && !s->ended) {
        if (s->lines) {
            s->ended = s->chunks[s->filling].raw.length == 0;
            if (!s->ended) {
                (void)flush_lines(r, true);
            }
        } else {
            parse_items(r);
            if (s->chunks[s->filling].count > 0) {
                submit(r);
            }
        }
    }
    if (s->is_in_flight) {
        r->resume = go_on;
    } else if (s->failed != STATUS_OK) {
        problem(r, s->failed, s->error.pointer, "%s (lines answered before: %llu)", s->error.detail,
                (unsigned long long)s->answered);
    } else {
        finish(r);
    }
}

void handle_adjustments(struct request *r) {
    struct adjustments_stream *s = stream_of(r);
    if (!s->lines && s->failed == STATUS_OK) {
        struct error error = {0};
        enum status status = open_object(r, &error);
        if (status != STATUS_OK) {
            problem_from(r, &error);
            return;
        }
    }
    go_on(r);
}
