/* A request: what its head says, and how it waits for others.
 *
 * Requests are kept for the next one with their memory, for small calls come by the ten thousand.
 * Headers and query are read once, in one pass. Percent escapes are undone here and not by the
 * server library: a SKU may hold a slash. */
#include "api/api_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define FREE_REQUESTS_MAX 256u
#define KEPT_BUFFER_MAX ((size_t)1 << 18)

struct request *request_new(struct api *api, struct MHD_Connection *connection) {
    require(pthread_mutex_lock(&api->free_lock) == 0);
    struct request *r = api->free_requests;
    if (r != NULL) {
        api->free_requests = r->next_free;
        api->free_count--;
    }
    require(pthread_mutex_unlock(&api->free_lock) == 0);
    if (r == NULL) {
        r = memory_alloc_zero(1, sizeof *r);
        require(pthread_mutex_init(&r->lock, NULL) == 0);
    }
    r->next_free = NULL;
    r->api = api;
    r->connection = connection;
    r->number = atomic_fetch_add(&api->next_request, 1);
    r->started_us = monotonic_us();
    return r;
}

static void buffer_keep(struct buffer *buffer) {
    if (buffer->capacity > KEPT_BUFFER_MAX) {
        buffer_deinit(buffer);
        *buffer = (struct buffer){0};
    } else {
        buffer_clear(buffer);
    }
}

void request_free(struct request *r) {
    struct api *api = r->api;
    require(!r->pending && !r->paused);
    if (r->state_free != NULL) {
        r->state_free(r);
    }
    if (r->response != NULL) {
        MHD_destroy_response(r->response);
    }
    token_release(r->token);
    arena_reset(&r->arena);
    buffer_keep(&r->out);
    buffer_keep(&r->body);
    require(pthread_mutex_lock(&api->free_lock) == 0);
    bool keep = api->free_count < FREE_REQUESTS_MAX && !atomic_load(&api->stopping);
    if (keep) {
        memset(&r->api, 0, sizeof *r - offsetof(struct request, api));
        r->next_free = api->free_requests;
        api->free_requests = r;
        api->free_count++;
    }
    require(pthread_mutex_unlock(&api->free_lock) == 0);
    if (!keep) {
        arena_deinit(&r->arena);
        buffer_deinit(&r->out);
        buffer_deinit(&r->body);
        (void)pthread_mutex_destroy(&r->lock);
        free(r);
    }
}

const struct access *request_access(const struct request *r) {
    return &r->token->access;
}

/* ---- the head ---- */

struct header_place {
    const char *name;
    size_t offset;
};
static const struct header_place header_places[] = {
    {"authorization", offsetof(struct request_headers, authorization)},
    {"content-type", offsetof(struct request_headers, content_type)},
    {"content-length", offsetof(struct request_headers, content_length)},
    {"transfer-encoding", offsetof(struct request_headers, transfer_encoding)},
    {"accept", offsetof(struct request_headers, accept)},
    {"idempotency-key", offsetof(struct request_headers, idempotency_key)},
    {"last-event-id", offsetof(struct request_headers, last_event_id)},
    {"expect", offsetof(struct request_headers, expect)},
    {"origin", offsetof(struct request_headers, origin)},
    {"audit-note", offsetof(struct request_headers, audit_note)},
};

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *key,
                                   size_t key_size, const char *value, size_t value_size) {
    struct request_headers *headers = context;
    (void)kind;
    struct text name = {key, key_size};
    for (size_t i = 0; i < sizeof header_places / sizeof header_places[0]; i++) {
        if (!text_equal_ignore_case(name, text_from(header_places[i].name))) {
            continue;
        }
        struct text *place = (struct text *)((char *)headers + header_places[i].offset);
        *place = (struct text){value, value_size};
        headers->content_lengths += place == &headers->content_length;
        headers->transfer_encodings += place == &headers->transfer_encoding;
        headers->authorizations += place == &headers->authorization;
        headers->bad = headers->bad || !text_is_utf8(*place);
        break;
    }
    return MHD_YES;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool url_decode(char *data, size_t *length) {
    size_t out = 0;
    for (size_t i = 0; i < *length; i++) {
        char c = data[i];
        if (c == '%') {
            if (*length - i < 3 || hex_value(data[i + 1]) < 0 || hex_value(data[i + 2]) < 0) {
                return false;
            }
            c = (char)(hex_value(data[i + 1]) << 4 | hex_value(data[i + 2]));
            i += 2;
        }
        if (c == '\0') {
            return false;
        }
        data[out++] = c;
    }
    *length = out;
    return text_is_utf8((struct text){data, out});
}

struct query_reading {
    struct request *r;
    enum status status;
    struct error *error;
};

static enum MHD_Result take_argument(void *context, enum MHD_ValueKind kind, const char *key,
                                     size_t key_size, const char *value, size_t value_size) {
    struct query_reading *reading = context;
    struct request *r = reading->r;
    (void)kind;
    if (r->query_count == QUERY_MAX) {
        reading->status =
            error_set(reading->error, STATUS_TOO_LARGE, "more than %d parameters", QUERY_MAX);
        return MHD_NO;
    }
    struct text name = arena_copy(&r->arena, (struct text){key, key_size});
    struct text copy = arena_copy(&r->arena, (struct text){value, value_size});
    if (!url_decode((char *)(uintptr_t)name.data, &name.length) ||
        !url_decode((char *)(uintptr_t)copy.data, &copy.length)) {
        reading->status = error_set(reading->error, STATUS_BAD_VALUE,
                                    "a parameter of the query is not percent-encoded UTF-8");
        return MHD_NO;
    }
    r->query_names[r->query_count] = name;
    r->query_values[r->query_count] = copy;
    r->query_count++;
    return MHD_YES;
}

enum status request_read_head(struct request *r, struct error *error) {
    (void)MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, take_header, &r->headers);
    struct query_reading reading = {.r = r, .status = STATUS_OK, .error = error};
    (void)MHD_get_connection_values_n(r->connection, MHD_GET_ARGUMENT_KIND, take_argument,
                                      &reading);
    const struct request_headers *h = &r->headers;
    if (h->content_lengths > 1 || h->transfer_encodings > 1 || h->authorizations > 1 ||
        (h->content_lengths > 0 && h->transfer_encodings > 0)) {
        return error_set(error, STATUS_BAD_VALUE,
                         "Content-Length, Transfer-Encoding and Authorization may come once, and "
                         "only one of the first two");
    }
    if (h->bad) {
        return error_set(error, STATUS_BAD_VALUE, "a header is not UTF-8");
    }
    return reading.status;
}

bool request_has_body(const struct request *r) {
    return r->headers.transfer_encodings > 0 ||
           (r->headers.content_lengths > 0 && !text_equal_string(r->headers.content_length, "0"));
}

/* ---- the query ---- */

bool request_query_next(const struct request *r, const char *name, unsigned *position,
                        struct text *value_out) {
    while (*position < r->query_count) {
        unsigned at = (*position)++;
        if (text_equal_string(r->query_names[at], name)) {
            *value_out = r->query_values[at];
            return true;
        }
    }
    return false;
}

struct text request_query(const struct request *r, const char *name) {
    unsigned position = 0;
    struct text value = {0};
    (void)request_query_next(r, name, &position, &value);
    return value;
}

bool request_query_given(const struct request *r, const char *name) {
    unsigned position = 0;
    struct text value;
    return request_query_next(r, name, &position, &value);
}

static bool refuse_query(struct request *r, enum status status, const char *name, struct text value,
                         const char *expected) {
    problem(r, status, name, "%s: %s, not '%.*s'", name, expected,
            value.length > 100 ? 100 : (int)value.length, value.length > 0 ? value.data : "");
    return false;
}

/* A plus sign that came as it is has become a blank on the way: it can mean nothing else here. */
bool request_query_time(struct request *r, const char *name, int64_t *value_out) {
    if (!request_query_given(r, name)) {
        return true;
    }
    struct text value = arena_copy(&r->arena, request_query(r, name));
    if (value.length > 6 && value.data[value.length - 6] == ' ') {
        ((char *)(uintptr_t)value.data)[value.length - 6] = '+';
    }
    if (timestamp_parse(value, value_out) != STATUS_OK) {
        return refuse_query(r, STATUS_BAD_TIME, name, value, "an RFC 3339 time with an offset");
    }
    return true;
}

bool request_query_uint(struct request *r, const char *name, uint64_t most, uint64_t *value_out) {
    if (!request_query_given(r, name)) {
        return true;
    }
    struct text text = request_query(r, name);
    uint64_t value = 0;
    bool fine = text.length > 0 && text.length < 20;
    for (size_t i = 0; i < text.length && fine; i++) {
        fine = text.data[i] >= '0' && text.data[i] <= '9';
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (!fine || value > most) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "a number up to %llu", (unsigned long long)most);
        return refuse_query(r, STATUS_BAD_VALUE, name, text, expected);
    }
    *value_out = value;
    return true;
}

bool request_query_bool(struct request *r, const char *name, bool *value_out) {
    if (!request_query_given(r, name)) {
        return true;
    }
    struct text value = request_query(r, name);
    if (!text_equal_string(value, "true") && !text_equal_string(value, "false")) {
        return refuse_query(r, STATUS_BAD_VALUE, name, value, "true or false");
    }
    *value_out = text_equal_string(value, "true");
    return true;
}

/* ---- waiting ---- */

void request_expect(struct request *r) {
    require(pthread_mutex_lock(&r->lock) == 0);
    require(!r->pending);
    r->pending = true;
    require(pthread_mutex_unlock(&r->lock) == 0);
}

void request_unexpect(struct request *r) {
    require(pthread_mutex_lock(&r->lock) == 0);
    require(r->pending && !r->paused);
    r->pending = false;
    require(pthread_mutex_unlock(&r->lock) == 0);
}

/* Once the lock is given back the request may end: only the connection is touched after that, and
 * only while it is suspended, when nobody else ends it. */
void request_arrived(struct request *r) {
    struct MHD_Connection *connection = r->connection;
    require(pthread_mutex_lock(&r->lock) == 0);
    require(r->pending);
    bool resume = r->paused;
    r->pending = false;
    r->paused = false;
    require(pthread_mutex_unlock(&r->lock) == 0);
    if (resume) {
        MHD_resume_connection(connection);
    }
}

bool request_is_pending(struct request *r) {
    require(pthread_mutex_lock(&r->lock) == 0);
    bool pending = r->pending;
    require(pthread_mutex_unlock(&r->lock) == 0);
    return pending;
}

bool request_wait(struct request *r) {
    require(pthread_mutex_lock(&r->lock) == 0);
    bool wait = r->pending;
    if (wait) {
        MHD_suspend_connection(r->connection);
        r->paused = true;
    }
    require(pthread_mutex_unlock(&r->lock) == 0);
    return wait;
}

bool request_run(struct request *r, enum run_on where, void (*function)(struct request *r)) {
    require(where != RUN_HERE);
    r->work_function = function;
    request_expect(r);
    bool runs = workers_run(where == RUN_LONG ? r->api->long_workers : r->api->workers, r);
    if (!runs) {
        request_unexpect(r);
    }
    return runs;
}
