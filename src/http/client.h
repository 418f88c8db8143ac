/* Talks HTTP to other systems: a thin, strict face of libcurl.
 *
 *   http_client_new -> http_send ... -> http_client_free
 *
 * One client is for one remote system and one thread at a time; it keeps its connections open.
 * TLS is verified, redirects are never followed (a 3xx is an answer like any other), only http and
 * https are spoken, and every answer is bounded in size and time. Where private networks are not
 * allowed, the address that the name was resolved to is judged just before connecting, so no name
 * can lead there. Secrets in headers and in bodies are never logged or put into an error. */
#ifndef ONHAND_HTTP_CLIENT_H
#define ONHAND_HTTP_CLIENT_H

#include "base/arena.h"
#include "base/status.h"

struct http_client;

/* Zeros and NULLs mean the defaults in brackets. Texts are copied. */
struct http_client_options {
    struct text base_url; /* "https://shop.example/admin"; a request's path is appended */
    const char *ca_file;  /* PEM bundle in place of the system's */
    bool forbid_private;  /* no loopback, link-local, private or otherwise special addresses */
    int64_t connect_ms;   /* [10,000] */
    int64_t timeout_ms;   /* for a whole request [60,000] */
    size_t answer_max;    /* bytes of a body [64 MiB] */
    const bool *give_up;  /* when it becomes true (atomically), a request going on is given up */
};

must_check enum status http_client_new(const struct http_client_options *options,
                                       struct http_client **client_out, struct error *error);
void http_client_free(struct http_client *client); /* NULL is fine */

struct http_header {
    struct text name, value;
};

struct http_request {
    const char *method; /* "GET" */
    struct text path;   /* from the base URL on, with its query: "/v1/rest/document?page_no=1" */
    const struct http_header *headers;
    size_t header_count;
    struct text body; /* sent when the method is not GET, or when it is not empty */
    /* Takes the body of a 2xx piece by piece, which is then bounded in time alone and not in the
     * answer; false gives it up (STATUS_UNCERTAIN). NULL: it comes with the answer. */
    bool (*take)(void *context, struct text piece);
    void *take_context;
};

struct http_answer {
    int code;                    /* 200 ... */
    struct text body;            /* NUL-terminated */
    struct http_header *headers; /* names in lower case, in the order they came */
    size_t header_count;
    int64_t elapsed_us;
};

/* STATUS_OK: there is an answer, whatever its code. It lives in *arena.
 * STATUS_BAD_VALUE: the request would break out of its line or of its host (a line end in a header,
 *   a path that does not begin with / or ?); it was not sent and never will be.
 * STATUS_UNREACHABLE: the request certainly was not carried out (no address, refused, TLS not
 *   trusted, address forbidden); error says which, and what to do.
 * STATUS_UNCERTAIN: it was sent, or may have been, and no whole answer came (timeout, broken off,
 *   an answer too large): the other side may have carried it out. */
must_check enum status http_send(struct http_client *client, const struct http_request *request,
                                 struct arena *arena, struct http_answer *answer_out,
                                 struct error *error);

/* Empty when there is none. `name` in lower case. */
struct text http_answer_header(const struct http_answer *answer, const char *name);
/* Seconds of a Retry-After (number or HTTP date), within [0, most]; `otherwise` when there is none
 * or it makes no sense. */
int64_t http_retry_after_s(const struct http_answer *answer, int64_t now_us, int64_t most,
                           int64_t otherwise);

/* Appends `value` percent-encoded for use in a query or path segment. */
void http_append_escaped(struct buffer *out, struct text value);

#endif
