/* What a client is made of, and one request on its way. */
#ifndef ONHAND_HTTP_CLIENT_INTERNAL_H
#define ONHAND_HTTP_CLIENT_INTERNAL_H

#include <curl/curl.h>

#include "http/address.h"
#include "http/client.h"

#define HEADERS_MAX 256
#define HEADER_BYTES_MAX ((size_t)64 * 1024)

struct http_client {
    CURL *curl;
    struct buffer base;   /* without a slash at its end */
    struct buffer origin; /* scheme, host and port: all that is ever told of it */
    struct buffer ca_file;
    bool forbid_private;
    int64_t connect_ms, timeout_ms;
    size_t answer_max;
    const bool *give_up;
};

/* One request, from the first byte out to the last byte in. */
struct exchange {
    struct http_client *client;
    const struct http_request *request;
    struct arena *arena;
    CURLcode code;
    char curl_error[CURL_ERROR_SIZE];

    /* Out. */
    unsigned attempts; /* times that curl began to send it */
    long bytes_before; /* sent to a proxy on the way, before the request itself */
    char refused_address[ADDRESS_TEXT_SIZE]; /* "": none */
    bool given_up;

    /* In. */
    struct buffer body;
    struct http_header headers[HEADERS_MAX];
    size_t header_count, header_bytes;
    bool headers_done; /* of the final answer: what still comes are trailers */
    bool headers_flood, body_flood;
};

/* ---- request.c: what may be sent ---- */
must_check enum status request_check(const struct http_client *client,
                                     const struct http_request *request, struct error *error);
must_check enum status base_url_check(struct text url, struct text *origin_out,
                                      struct error *error);
struct curl_slist *request_headers(const struct http_request *request);
void request_headers_free(struct curl_slist *headers); /* wiped */

/* ---- answer.c: what comes back; callbacks of curl ---- */
size_t answer_take_header(char *data, size_t size, size_t count, void *context);
size_t answer_take_body(char *data, size_t size, size_t count, void *context);

#endif
