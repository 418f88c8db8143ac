/* Problems as RFC 9457 tells them: every refusal has a status, a word of the contract and a
 * sentence for the person who has to act on it. */
#include "api/api_internal.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    enum status status;
    unsigned http;
} http_statuses[] = {
    {STATUS_UNKNOWN_LOCATION, 422},
    {STATUS_UNKNOWN_PRODUCT, 422},
    {STATUS_OUT_OF_RANGE, 422},
    {STATUS_ID_REUSED, 409},
    {STATUS_CONFLICT, 409},
    {STATUS_FORBIDDEN, 403},
    {STATUS_FORBIDDEN_LOCATION, 403},
    {STATUS_UNAUTHORIZED, 401},
    {STATUS_TOO_LARGE, 413},
    {STATUS_NOT_FOUND, 404},
    {STATUS_UNREADABLE, 422},
    {STATUS_NO_SPACE, 507},
    {STATUS_TIMEOUT, 504},
    {STATUS_BUSY, 503},
    {STATUS_RETRY, 503},
    {STATUS_UNAVAILABLE, 503},
    {STATUS_STOPPING, 503},
    {STATUS_FENCED, 503},
    {STATUS_IO, 500},
    {STATUS_REFUSED, 502},
    {STATUS_UNCERTAIN, 500},
    {STATUS_CORRUPT, 500},
    {STATUS_NEWER, 500},
    {STATUS_INTERNAL, 500},
};

unsigned problem_http_status(enum status status) {
    for (size_t i = 0; i < sizeof http_statuses / sizeof http_statuses[0]; i++) {
        if (http_statuses[i].status == status) {
            return http_statuses[i].http;
        }
    }
    return 400;
}

static const char *title_of(unsigned http) {
    const char *phrase = MHD_get_reason_phrase_for(http);
    return phrase != NULL ? phrase : "Refused";
}

/* Query parameters and headers have no JSON pointer: their plain name stands there. */
static void write_problem(struct request *r, unsigned http, enum status status, const char *pointer,
                          const char *detail) {
    char type[64];
    (void)snprintf(type, sizeof type, "urn:onhand:problem:%s", status_code(status));
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "type");
    json_string(&w, type);
    json_key(&w, "title");
    json_string(&w, title_of(http));
    json_key(&w, "status");
    json_uint(&w, http);
    json_key(&w, "detail");
    json_string(&w, detail);
    json_key(&w, "errors");
    json_begin_array(&w);
    json_begin_object(&w);
    json_key(&w, "pointer");
    json_string(&w, pointer != NULL ? pointer : "");
    json_key(&w, "code");
    json_string(&w, status_code(status));
    json_key(&w, "detail");
    json_string(&w, detail);
    json_end_object(&w);
    json_end_array(&w);
    json_end_object(&w);
    answer(r, http, "application/problem+json");
    if (http == 401) {
        answer_header(r, "WWW-Authenticate", "Bearer realm=\"onhand\"");
    }
    if (http == 503) {
        answer_header(r, "Retry-After", status == STATUS_STOPPING ? "5" : "1");
    }
}

void problem_http(struct request *r, unsigned http, enum status status, const char *pointer,
                  const char *format, ...) {
    char detail[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    write_problem(r, http, status, pointer, detail);
}

void problem(struct request *r, enum status status, const char *pointer, const char *format, ...) {
    char detail[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    write_problem(r, problem_http_status(status), status, pointer, detail);
}

void problem_from(struct request *r, const struct error *error) {
    const char *detail = error->detail[0] != '\0' ? error->detail : status_meaning(error->status);
    write_problem(r, problem_http_status(error->status), error->status, error->pointer, detail);
}
