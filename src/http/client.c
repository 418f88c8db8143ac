/* The transfer itself: libcurl told to be strict, and its many ways to fail brought down to the two
 * that a caller must tell apart: surely not carried out, or perhaps.
 *
 * curl sends a request once more by itself when a kept connection dies before the first byte of an
 * answer. The other side may have carried it out by then: a request that is not merely read goes
 * out a second time only if not a single byte of it was sent the first time.
 * The program must ignore SIGPIPE. */
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "http/client_internal.h"

#define CONNECT_DEFAULT_MS 10000
#define TIMEOUT_DEFAULT_MS 60000
#define ANSWER_DEFAULT_MAX ((size_t)64 * 1024 * 1024)
#define STALL_MAX_MS 60000 /* of silence, or nearly so, whatever the whole timeout */
#define STALL_BYTES_PER_S 16
#define CONNECTIONS_KEPT 2

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void init_curl(void) {
    require(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

enum status http_client_new(const struct http_client_options *options,
                            struct http_client **client_out, struct error *error) {
    struct text url = options->base_url, origin;
    *client_out = NULL;
    enum status status = base_url_check(url, &origin, error);
    if (status != STATUS_OK)
        return status;
    if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0)
        return error_set_errno(error, "the certificates of ca_file: %s", options->ca_file);
    (void)pthread_once(&curl_once, init_curl);
    struct http_client *client = memory_alloc_zero(1, sizeof *client);
    while (url.length > origin.length && url.data[url.length - 1] == '/')
        url.length--;
    buffer_append_text(&client->base, url);
    buffer_append_text(&client->origin, origin);
    if (options->ca_file != NULL)
        buffer_append_string(&client->ca_file, options->ca_file);
    client->forbid_private = options->forbid_private;
    client->connect_ms = options->connect_ms > 0 ? options->connect_ms : CONNECT_DEFAULT_MS;
    client->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_DEFAULT_MS;
    client->answer_max = options->answer_max > 0 ? options->answer_max : ANSWER_DEFAULT_MAX;
    client->give_up = options->give_up;
    client->curl = curl_easy_init();
    require(client->curl != NULL);
    *client_out = client;
    return STATUS_OK;
}

void http_client_free(struct http_client *client) {
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    buffer_deinit(&client->base);
    buffer_deinit(&client->origin);
    buffer_deinit(&client->ca_file);
    free(client);
}

/* ---- callbacks ---- */

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to) {
    struct exchange *exchange = context;
    (void)purpose;
    if (exchange->client->forbid_private && !address_is_public(&to->addr, to->addrlen)) {
        address_format(&to->addr, to->addrlen, exchange->refused_address);
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static long bytes_sent(const struct exchange *exchange) {
    long bytes = 0;
    (void)curl_easy_getinfo(exchange->client->curl, CURLINFO_REQUEST_SIZE, &bytes);
    return bytes;
}

static bool is_read_only(const char *method) {
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* Connected, and about to send. */
static int before_sending(void *context, __attribute__((unused)) char *peer_address,
                          __attribute__((unused)) char *own_address, int peer_port, int own_port) {
    struct exchange *exchange = context;
    (void)peer_port;
    (void)own_port;
    if (exchange->attempts++ == 0) {
        exchange->bytes_before = bytes_sent(exchange);
        return CURL_PREREQFUNC_OK;
    }
    bool went_out = bytes_sent(exchange) > exchange->bytes_before;
    return went_out && !is_read_only(exchange->request->method) ? CURL_PREREQFUNC_ABORT
                                                                : CURL_PREREQFUNC_OK;
}

static int watch(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                 curl_off_t up) {
    struct exchange *exchange = context;
    const bool *give_up = exchange->client->give_up;
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    exchange->given_up = give_up != NULL && __atomic_load_n(give_up, __ATOMIC_ACQUIRE);
    return exchange->given_up ? 1 : 0;
}

/* ---- setting curl up ---- */

static void set_number(CURL *curl, CURLoption option, long value) {
    require(curl_easy_setopt(curl, option, value) == CURLE_OK);
}

static void set_pointer(CURL *curl, CURLoption option, const void *value) {
    require(curl_easy_setopt(curl, option, value) == CURLE_OK);
}

static void set_limits(CURL *curl, const struct http_client *client) {
    int64_t stall_ms = client->timeout_ms / 2;
    if (stall_ms > STALL_MAX_MS)
        stall_ms = STALL_MAX_MS;
    set_number(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)client->connect_ms);
    set_number(curl, CURLOPT_TIMEOUT_MS, (long)client->timeout_ms);
    set_number(curl, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_S);
    set_number(curl, CURLOPT_LOW_SPEED_TIME, stall_ms > 1000 ? (long)(stall_ms / 1000) : 1);
    set_number(curl, CURLOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    set_number(curl, CURLOPT_TCP_KEEPALIVE, 1);
    set_number(curl, CURLOPT_NOSIGNAL, 1);
    set_number(curl, CURLOPT_QUICK_EXIT, 1); /* giving up must not wait for a name server */
    require(curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)client->answer_max) ==
            CURLE_OK);
}

static void set_rules(CURL *curl, const struct http_client *client) {
    set_pointer(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    set_number(curl, CURLOPT_FOLLOWLOCATION, 0);
    set_number(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    set_number(curl, CURLOPT_HTTP09_ALLOWED, 0);
    set_number(curl, CURLOPT_PATH_AS_IS, 1);
    set_number(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1);
    set_number(curl, CURLOPT_NETRC, CURL_NETRC_IGNORED);
    set_number(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    set_number(curl, CURLOPT_SSL_VERIFYPEER, 1);
    set_number(curl, CURLOPT_SSL_VERIFYHOST, 2);
    if (client->ca_file.length > 0) {
        set_pointer(curl, CURLOPT_CAINFO, client->ca_file.data);
        set_pointer(curl, CURLOPT_CAPATH, NULL); /* or the system's would be trusted besides */
    }
    if (client->forbid_private)
        set_pointer(curl, CURLOPT_PROXY, ""); /* a proxy would resolve the name out of our sight */
    set_pointer(curl, CURLOPT_USERAGENT, "onhand/" ONHAND_VERSION);
}

static void set_callbacks(CURL *curl, struct exchange *exchange) {
    set_pointer(curl, CURLOPT_ERRORBUFFER, exchange->curl_error);
    (void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    set_pointer(curl, CURLOPT_OPENSOCKETDATA, exchange);
    (void)curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, before_sending);
    set_pointer(curl, CURLOPT_PREREQDATA, exchange);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, answer_take_header);
    set_pointer(curl, CURLOPT_HEADERDATA, exchange);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_take_body);
    set_pointer(curl, CURLOPT_WRITEDATA, exchange);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
    set_pointer(curl, CURLOPT_XFERINFODATA, exchange);
    set_number(curl, CURLOPT_NOPROGRESS, 0);
    set_number(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
}

/* Without a bound in size: what comes is gone through as it comes. */
static void set_taker(CURL *curl, const struct http_request *request) {
    if (request->take != NULL) {
        require(curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)0) == CURLE_OK);
    }
}

static void set_request(CURL *curl, const struct http_request *request, const char *url,
                        const struct curl_slist *headers) {
    set_pointer(curl, CURLOPT_URL, url);
    set_pointer(curl, CURLOPT_HTTPHEADER, headers);
    if (strcmp(request->method, "HEAD") == 0) {
        set_number(curl, CURLOPT_NOBODY, 1);
        return;
    }
    if (strcmp(request->method, "GET") != 0 || request->body.length > 0) {
        require(curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                                 (curl_off_t)request->body.length) == CURLE_OK);
        set_pointer(curl, CURLOPT_POSTFIELDS, request->body.length > 0 ? request->body.data : "");
        set_pointer(curl, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

/* ---- what went wrong, and what to do about it ---- */

/* curl's code, what it means here, and what helps. */
static const struct {
    CURLcode code;
    const char *meaning, *advice;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "the name is not known", "check the URL and the name server"},
    {CURLE_COULDNT_RESOLVE_PROXY, "the proxy's name is not known", "check the proxy's setting"},
    {CURLE_COULDNT_CONNECT, "nobody answers there", "check that it runs, the port and firewalls"},
    {CURLE_PEER_FAILED_VERIFICATION, "its certificate is not trusted",
     "renew it there, or name its authority as ca_file"},
    {CURLE_SSL_CACERT_BADFILE, "ca_file holds no usable certificate", "it must be a PEM file"},
    {CURLE_SSL_CONNECT_ERROR, "no secure connection came about",
     "it must speak TLS 1.2 or newer on this port"},
    {CURLE_GOT_NOTHING, "it closed the connection without an answer", "see its own log"},
    {CURLE_PARTIAL_FILE, "it broke off in the middle of its answer", "see its own log"},
    {CURLE_WRITE_ERROR, "what it sent is not what was asked for", "see its own log"},
    {CURLE_RECV_ERROR, "the connection broke before the answer was whole", "see its own log"},
    {CURLE_SEND_ERROR, "the connection broke while sending", "see its own log"},
    {CURLE_FILESIZE_EXCEEDED, "its answer is larger than allowed", "ask for less at a time"},
    {CURLE_WEIRD_SERVER_REPLY, "it does not answer in HTTP", "check the URL and the port"},
    {CURLE_UNSUPPORTED_PROTOCOL, "it does not answer in HTTP", "check the URL and the port"},
};

static void describe(const struct exchange *exchange, const char **meaning_out,
                     const char **advice_out) {
    *meaning_out = "the exchange failed";
    *advice_out = "see its own log";
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (failures[i].code == exchange->code) {
            *meaning_out = failures[i].meaning;
            *advice_out = failures[i].advice;
        }
    }
    if (exchange->headers_flood) {
        *meaning_out = "its answer has more headers than allowed";
    } else if (exchange->body_flood) {
        *meaning_out = "its answer is larger than allowed";
        *advice_out = "ask for less at a time";
    } else if (exchange->code == CURLE_OPERATION_TIMEDOUT) {
        *meaning_out = exchange->attempts > 0 ? "no whole answer in time" : "no connection in time";
        *advice_out = "it is slow, down, or behind a firewall";
    } else if (exchange->code == CURLE_ABORTED_BY_CALLBACK) {
        *meaning_out = exchange->given_up ? "given up, since the hub is stopping"
                                          : "the connection broke before an answer came";
    }
}

static enum status tell_failure(const struct exchange *exchange, struct error *error) {
    const struct http_client *client = exchange->client;
    const char *meaning, *advice;
    /* curl counts what was handed to the system: nothing counted is surely nothing received. */
    bool sent = exchange->attempts > 0 && bytes_sent(exchange) > exchange->bytes_before;
    if (!sent && exchange->refused_address[0] != '\0')
        return error_set(error, STATUS_UNREACHABLE,
                         "%.80s: its address %s is a private or special one, which is not allowed "
                         "here (allow_private: true allows it)",
                         client->origin.data, exchange->refused_address);
    describe(exchange, &meaning, &advice);
    return error_set(error, sent ? STATUS_UNCERTAIN : STATUS_UNREACHABLE, "%.80s: %s (%s): %s",
                     client->origin.data, meaning,
                     exchange->curl_error[0] != '\0' ? exchange->curl_error
                                                     : curl_easy_strerror(exchange->code),
                     advice);
}

/* ---- a request ---- */

static enum status finish(struct exchange *exchange, int64_t begun_us,
                          struct http_answer *answer_out, struct error *error) {
    long code = 0;
    if (exchange->code != CURLE_OK)
        return tell_failure(exchange, error);
    (void)curl_easy_getinfo(exchange->client->curl, CURLINFO_RESPONSE_CODE, &code);
    if (!exchange->headers_done || code < 200 || code > 999)
        return error_set(error, STATUS_UNCERTAIN,
                         "%.80s: it broke off in the headers of its answer: see its own log",
                         exchange->client->origin.data);
    struct http_header *headers =
        arena_alloc(exchange->arena, (exchange->header_count + 1) * sizeof *headers);
    memcpy(headers, exchange->headers, exchange->header_count * sizeof *headers);
    *answer_out =
        (struct http_answer){.code = (int)code,
                             .body = arena_copy(exchange->arena, buffer_text(&exchange->body)),
                             .headers = headers,
                             .header_count = exchange->header_count,
                             .elapsed_us = monotonic_us() - begun_us};
    return STATUS_OK;
}

enum status http_send(struct http_client *client, const struct http_request *request,
                      struct arena *arena, struct http_answer *answer_out, struct error *error) {
    *answer_out = (struct http_answer){0};
    enum status status = request_check(client, request, error);
    if (status != STATUS_OK)
        return status;
    struct exchange *exchange = memory_alloc_zero(1, sizeof *exchange);
    exchange->client = client;
    exchange->request = request;
    exchange->arena = arena;
    struct buffer url = {0};
    buffer_append_text(&url, buffer_text(&client->base));
    buffer_append_text(&url, request->path);
    struct curl_slist *headers = request_headers(request);

    curl_easy_reset(client->curl); /* the connections stay */
    set_rules(client->curl, client);
    set_limits(client->curl, client);
    set_callbacks(client->curl, exchange);
    set_request(client->curl, request, url.data, headers);
    set_taker(client->curl, request);
    int64_t begun_us = monotonic_us();
    exchange->code = curl_easy_perform(client->curl);
    status = finish(exchange, begun_us, answer_out, error);

    /* Nothing in curl may point to what ends here. */
    curl_easy_reset(client->curl);
    request_headers_free(headers);
    explicit_bzero(url.data, url.length); /* a query may hold a key */
    buffer_deinit(&url);
    buffer_deinit(&exchange->body);
    free(exchange);
    return status;
}
