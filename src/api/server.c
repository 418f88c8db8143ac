/* The HTTP server: starts and ends it, and leads each request from its head to its answer.
 *
 * libmicrohttpd calls `serve` once when the head is there, then for each piece of body, then once
 * more; and again whenever a suspended request goes on. What is refused from its head alone is
 * answered at once, unless its body is small: then it is read away first, for a client that is
 * still sending may never see an answer that is followed by a closed connection. */
#include "api/server_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

/* How much more than is allowed a caller may send and still get its answer. */
#define DRAIN_BEYOND_LIMIT ((uint64_t)16 << 20)

/* True when the route's query has a parameter of this name. */
static bool query_names(const char *names, struct text name) {
    while (*names != '\0') {
        size_t length = strcspn(names, " ");
        if (text_equal((struct text){names, length}, name)) {
            return true;
        }
        names += length + strspn(names + length, " ");
    }
    return false;
}

static bool check_query(struct request *r) {
    for (unsigned i = 0; i < r->query_count; i++) {
        if (!query_names(r->route->query, r->query_names[i])) {
            char name[64];
            (void)snprintf(name, sizeof name, "%.*s", TEXT_ARG(r->query_names[i]));
            problem(r, STATUS_UNKNOWN_FIELD, name, "no parameter '%s' is known here", name);
            return false;
        }
    }
    return true;
}

static bool check_token(struct request *r) {
    static const char scheme[] = "Bearer ";
    if (r->route->scope == OPEN_TO_ALL) {
        return true;
    }
    struct text header = r->headers.authorization;
    size_t length = sizeof scheme - 1;
    if (header.length > length &&
        text_equal_ignore_case((struct text){header.data, length}, TEXT(scheme))) {
        struct text secret = {header.data + length, header.length - length};
        r->token = auth_find(r->api->auth, text_trim(secret));
    }
    if (r->token == NULL) {
        problem(r, STATUS_UNAUTHORIZED, "Authorization",
                "a valid token is needed: Authorization: Bearer TOKEN");
        return false;
    }
    if (r->route->scope != ANY_TOKEN &&
        (request_access(r)->scopes & (r->route->scope | SCOPE_ADMIN)) == 0) {
        problem(r, STATUS_FORBIDDEN, "Authorization", "the token '%.*s' lacks the scope for this",
                TEXT_ARG(request_access(r)->name));
        return false;
    }
    return true;
}

/* The part of a header's value before the first parameter. */
static struct text before_semicolon(struct text value) {
    const char *end = value.length > 0 ? memchr(value.data, ';', value.length) : NULL;
    return text_trim(end != NULL ? (struct text){value.data, (size_t)(end - value.data)} : value);
}

bool header_accepts(struct text accept, const char *type) {
    struct text wanted = text_from(type);
    size_t major = strcspn(type, "/") + 1;
    while (accept.length > 0) {
        const char *comma = memchr(accept.data, ',', accept.length);
        size_t length = comma != NULL ? (size_t)(comma - accept.data) : accept.length;
        struct text range = before_semicolon((struct text){accept.data, length});
        if (text_equal_ignore_case(range, wanted) || text_equal_string(range, "*/*") ||
            (range.length == major + 1 && range.data[major] == '*' &&
             text_equal_ignore_case((struct text){range.data, major},
                                    (struct text){wanted.data, major}))) {
            return true;
        }
        size_t step = comma != NULL ? length + 1 : length;
        accept = (struct text){accept.data + step, accept.length - step};
    }
    return false;
}

static bool check_accept(struct request *r) {
    const char *schema = r->route->response_schema;
    const char *type = schema != NULL && strchr(schema, '/') != NULL ? schema : "application/json";
    struct text accept = r->headers.accept;
    if (accept.length == 0 || header_accepts(accept, type) ||
        header_accepts(accept, "application/json") || request_query_given(r, "format")) {
        return true;
    }
    problem_http(r, 406, STATUS_BAD_VALUE, "Accept", "the answer is %s", type);
    return false;
}

/* Also what programs say when nobody told them what they send; what it is not, the parser says. */
bool content_type_suits_json(struct text type) {
    static const char *const suitable[] = {"application/json", "text/json", "text/plain",
                                           "application/x-www-form-urlencoded"};
    type = before_semicolon(type);
    for (size_t i = 0; i < sizeof suitable / sizeof *suitable; i++) {
        if (text_equal_ignore_case(type, text_from(suitable[i]))) {
            return true;
        }
    }
    return type.length == 0;
}

static bool check_body(struct request *r) {
    if (r->route->body == BODY_NONE) {
        return true;
    }
    if (r->headers.content_lengths + r->headers.transfer_encodings == 0) {
        problem_http(r, 411, STATUS_MISSING, "Content-Length",
                     "a body is needed, with Content-Length or Transfer-Encoding: chunked");
        return false;
    }
    if (r->route->body == BODY_JSON && !content_type_suits_json(r->headers.content_type)) {
        problem_http(r, 415, STATUS_BAD_VALUE, "Content-Type",
                     "application/json is needed, not '%.*s'", TEXT_ARG(r->headers.content_type));
        return false;
    }
    uint64_t declared = 0;
    for (size_t i = 0; i < r->headers.content_length.length && declared < UINT64_MAX / 20; i++) {
        declared = declared * 10 + (uint64_t)(r->headers.content_length.data[i] - '0');
    }
    if (r->route->body == BODY_JSON && declared > (uint64_t)r->api->config->limits.body_bytes) {
        problem(r, STATUS_TOO_LARGE, "Content-Length", "at most %" PRId64 " bytes",
                r->api->config->limits.body_bytes);
        return false;
    }
    return true;
}

static bool check_stopping(struct request *r) {
    if (atomic_load(&r->api->quiesced) && r->route->scope != OPEN_TO_ALL) {
        problem(r, STATUS_STOPPING, NULL, "the hub is shutting down");
        return false;
    }
    return true;
}

static void answer_unknown(struct request *r, const char *path, const struct buffer *allowed) {
    if (allowed->length > 0) {
        problem_http(r, 405, STATUS_BAD_VALUE, "", "%s takes %s", path, allowed->data);
        answer_header(r, "Allow", allowed->data);
    } else {
        problem(r, STATUS_NOT_FOUND, "", "no such path: %.200s", path);
    }
}

/* False: refused, with r->response. */
static bool accept_head(struct request *r, const char *method, const char *path) {
    struct error error = {0};
    enum status status = request_read_head(r, &error);
    if (status != STATUS_OK) {
        problem_from(r, &error);
        return false;
    }
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (size != NULL && size->header_size > (size_t)r->api->config->limits.header_bytes) {
        problem_http(r, 431, STATUS_TOO_LARGE, "", "the header is over %" PRId64 " bytes",
                     r->api->config->limits.header_bytes);
        return false;
    }
    struct buffer allowed = {0};
    r->route = route_find(r, method, path, &allowed);
    if (r->route == NULL) {
        answer_unknown(r, path, &allowed);
    }
    buffer_deinit(&allowed);
    return r->route != NULL && check_token(r) && check_stopping(r) && check_query(r) &&
           check_accept(r) && check_body(r) && (r->route->begin == NULL || r->route->begin(r));
}

/* A refused body that is small is read away before the answer. Without a body the answer waits for
 * the library's second call as well: one given at the first would end the connection. */
static bool is_worth_draining(const struct request *r) {
    if (!request_has_body(r)) {
        return true;
    }
    if (r->headers.transfer_encodings > 0) {
        return r->token != NULL; /* somebody we know: an answer is worth waiting for */
    }
    return r->headers.content_length.length < 8 &&
           strtoul(r->headers.content_length.data, NULL, 10) <= DRAIN_MAX;
}

static enum MHD_Result serve_head(struct request *r, const char *method, const char *path) {
    bool accepted = accept_head(r, method, path);
    bool endless = accepted && r->route->body == BODY_STREAM;
    connection_begin(r->socket, endless);
    if (accepted) {
        return MHD_YES;
    }
    r->refused = true;
    bool expects = r->headers.expect.length > 0;
    return is_worth_draining(r) && !expects ? MHD_YES : answer_queue(r);
}

static void collect(struct request *r, const char *data, size_t length) {
    if (r->body.length + length > (size_t)r->api->config->limits.body_bytes) {
        problem(r, STATUS_TOO_LARGE, "", "the body is over %" PRId64 " bytes",
                r->api->config->limits.body_bytes);
        r->refused = true;
        return;
    }
    buffer_append(&r->body, data, length);
}

static enum MHD_Result serve_body(struct request *r, const char *data, size_t *length) {
    size_t taken = *length;
    if (r->refused) {
        if (r->received > (uint64_t)r->api->config->limits.body_bytes + DRAIN_BEYOND_LIMIT &&
            r->route != NULL && r->route->body != BODY_STREAM) {
            return MHD_NO; /* it has been told enough: no answer can go out before the body's end */
        }
    } else if (r->route->body == BODY_STREAM) {
        connection_our_turn(r->socket, true);
        taken = r->route->receive(r, data, *length);
        connection_our_turn(r->socket, taken < *length);
    } else if (r->route->body == BODY_JSON) {
        collect(r, data, *length);
    }
    r->received += taken;
    connection_progress(r->socket, taken);
    *length -= taken;
    return MHD_YES;
}

/* The body is complete, or what was expected has come. */
static enum MHD_Result serve_end(struct request *r) {
    if (!r->handled && !r->refused) {
        r->handled = true;
        connection_body_done(r->socket);
        if (r->route->run_on == RUN_HERE) {
            r->route->handle(r);
        } else if (!request_run(r, r->route->run_on, r->route->handle)) {
            problem(r, STATUS_STOPPING, NULL, "the hub is shutting down");
        }
    }
    while (!request_wait(r)) {
        void (*resume)(struct request *) = r->resume;
        r->resume = NULL;
        if (resume == NULL) {
            require(r->status != 0);
            return answer_queue(r);
        }
        resume(r);
    }
    return MHD_YES;
}

enum MHD_Result server_serve(void *cls, struct MHD_Connection *connection, const char *path,
                             const char *method, const char *version, const char *data,
                             size_t *length, void **con_cls) {
    struct request *r = *con_cls;
    (void)version;
    if (r == NULL) {
        r = request_new(cls, connection);
        r->socket = connection_of(connection);
        *con_cls = r;
        atomic_fetch_add(&r->api->counters.in_flight, 1);
        return serve_head(r, method, path);
    }
    if (*length > 0) {
        return serve_body(r, data, length);
    }
    return serve_end(r);
}

void server_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                      enum MHD_RequestTerminationCode code) {
    struct request *r = *con_cls;
    (void)cls;
    (void)code;
    if (r == NULL) {
        return;
    }
    int64_t us = monotonic_us() - r->started_us;
    counters_add(&r->api->counters, r->route, r->status, us);
    atomic_fetch_sub(&r->api->counters.in_flight, 1);
    if (r->status >= 500) {
        log_warn("request failed", "request=%" PRIx64 " route=%s status=%u ms=%" PRId64, r->number,
                 r->route != NULL ? r->route->pattern : "-", r->status, us / 1000);
    } else {
        log_debug("request", "request=%" PRIx64 " route=%s status=%u us=%" PRId64, r->number,
                  r->route != NULL ? r->route->pattern : "-", r->status, us);
    }
    connection_idle(connection_of(connection));
    *con_cls = NULL;
    request_free(r);
}
