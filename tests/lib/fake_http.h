/* A web server that misbehaves as told: it keeps what it was sent, and answers from a script, byte
 * by byte as written, on loopback, with or without TLS.
 *
 *     struct fake_http *server = fake_http_new(NULL);
 *     fake_http_script(server, &(struct fake_answer){.raw = "HTTP/1.1 204 No Content\r\n\r\n"}, 1);
 *     ... a client talks to fake_http_url(server) ...
 *     fake_http_request(server, 0)->raw
 *     fake_http_free(server);
 *
 * Each request takes the next answer of the script; when it is used up, the handler answers, and
 * without one a plain 200 with the body "ok". A thread per connection; any thread may ask. */
#ifndef ONHAND_TESTS_LIB_FAKE_HTTP_H
#define ONHAND_TESTS_LIB_FAKE_HTTP_H

#include "base/text.h"

struct fake_http;

struct fake_request {
    char *raw; /* head and body as they came, NUL-terminated */
    size_t length;
    struct text method, target, body;
    unsigned connection; /* from 1 */
};

enum fake_then {
    FAKE_KEEP,    /* waits for the next request on the same connection */
    FAKE_CLOSE,   /* closes it */
    FAKE_RESET,   /* breaks it with a reset */
    FAKE_STALL,   /* keeps silent until the client or the test gives up */
    FAKE_ENDLESS, /* repeats `more` until the client gives up */
    FAKE_DRIP,    /* the same, a byte of it every 100 ms */
};

struct fake_answer {
    const char *raw; /* NULL: nothing at all */
    size_t length;   /* 0: to the NUL */
    enum fake_then then;
    const char *more;
};

struct fake_http_options {
    /* Writes the answer to *raw_out; true keeps the connection open. On a thread of the server. */
    bool (*handle)(void *context, const struct fake_request *request, struct buffer *raw_out);
    void *context;
    /* With TLS: a certificate of its own signing for 127.0.0.1 and localhost is written to this
     * file. */
    const char *certificate_file;
    int64_t certificate_expires_s; /* from now; 0: a day; negative: it is over already */
};

struct fake_http *fake_http_new(const struct fake_http_options *options); /* NULL: none of them */
void fake_http_free(struct fake_http *server);

const char *fake_http_url(const struct fake_http *server); /* "http://127.0.0.1:PORT" */
unsigned fake_http_port(const struct fake_http *server);
/* Adds to what is left of the script; the texts must live as long as the server. */
void fake_http_script(struct fake_http *server, const struct fake_answer *answers, size_t count);

size_t fake_http_request_count(struct fake_http *server);
unsigned fake_http_connection_count(struct fake_http *server);
/* From 0; NULL when there are fewer. Lives as long as the server. */
const struct fake_request *fake_http_request(struct fake_http *server, size_t index);
/* The value of a header of it; name in any case. Empty when there is none. */
struct text fake_request_header(const struct fake_request *request, const char *name);
/* Those that neither side has closed yet. */
unsigned fake_http_open_connections(struct fake_http *server);

#endif
