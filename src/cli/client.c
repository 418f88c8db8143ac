/* HTTP by libcurl, and the words for what can go wrong on the way. */
#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/status.h"
#include "cli/progress.h"
#include "cli/view.h"

#define DEFAULT_URL "http://127.0.0.1:8484"
#define DEFAULT_DATA "./onhand-data"
#define CONNECT_TIMEOUT_MS 10000L
#define ANSWER_MAX ((size_t)256 * 1024 * 1024)

struct client {
    CURL *curl;
    struct buffer url, token;
    struct buffer token_origin; /* where the token was found, for messages */
    struct buffer authorization;
    char curl_error[CURL_ERROR_SIZE];
};

/* One transfer under way. */
struct transfer {
    CURL *curl;
    const struct client_request *request;
    struct answer *answer;
    struct progress progress;
    bool sent; /* the file was read to its end */
};

/* ---- finding the hub ---- */

static bool read_token_file(const char *path, struct buffer *token) {
    char text[512];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, text, sizeof text);
    (void)close(fd);
    struct text word = text_trim((struct text){text, length > 0 ? (size_t)length : 0});
    buffer_append_text(token, word);
    explicit_bzero(text, sizeof text);
    return word.length > 0;
}

static int find_token(struct client *client, const struct client_options *options) {
    const char *from_environment = getenv("ONHAND_TOKEN");
    if (options->token != NULL) {
        buffer_append_string(&client->token, options->token);
        buffer_append_string(&client->token_origin, "--token");
        /* A copy is kept; the list of processes need not show it any longer. */
        explicit_bzero((char *)(uintptr_t)options->token, client->token.length);
        return PARSED_RUN;
    }
    if (from_environment != NULL && from_environment[0] != '\0') {
        buffer_append_string(&client->token, from_environment);
        buffer_append_string(&client->token_origin, "ONHAND_TOKEN");
        return PARSED_RUN;
    }
    const char *data = options->data != NULL ? options->data : DEFAULT_DATA;
    buffer_append_format(&client->token_origin, "%s/admin.token", data);
    if (read_token_file(client->token_origin.data, &client->token))
        return PARSED_RUN;
    (void)fprintf(stderr,
                  "onhand: no token: %s: %s\n"
                  "say where the hub keeps its data (--data DIR), or give a token by\n"
                  "ONHAND_TOKEN. If no hub was ever started here: onhand serve\n",
                  client->token_origin.data, strerror(errno));
    return EXIT_REFUSED;
}

static bool is_http(const char *url) {
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

int client_open(const struct client_options *options, struct client **client_out) {
    struct client *client = memory_alloc_zero(1, sizeof *client);
    *client_out = client;
    const char *url = options->url != NULL ? options->url : getenv("ONHAND_URL");
    if (url == NULL || url[0] == '\0')
        url = DEFAULT_URL;
    if (!is_http(url)) {
        (void)fprintf(stderr, "onhand: '%s' is no address of a hub; one is " DEFAULT_URL "\n", url);
        return EXIT_USAGE;
    }
    buffer_append_string(&client->url, url);
    while (client->url.data[client->url.length - 1] == '/')
        client->url.data[--client->url.length] = '\0';
    int code = find_token(client, options);
    if (code != PARSED_RUN)
        return code;
    buffer_append_format(&client->authorization, "Authorization: Bearer %s", client->token.data);
    client->curl = curl_easy_init();
    require(client->curl != NULL);
    return PARSED_RUN;
}

static void wipe(struct buffer *secret) {
    if (secret->data != NULL)
        explicit_bzero(secret->data, secret->length);
    buffer_deinit(secret);
}

void client_close(struct client *client) {
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    buffer_deinit(&client->url);
    buffer_deinit(&client->token_origin);
    wipe(&client->token);
    wipe(&client->authorization);
    free(client);
}

const char *client_url(const struct client *client) {
    return client->url.data;
}

const char *client_token(const struct client *client) {
    return client->token.data;
}

/* ---- what can go wrong ---- */

static int tell_no_connection(const struct client *client, CURLcode code) {
    const char *why = client->curl_error[0] != '\0' ? client->curl_error : curl_easy_strerror(code);
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
        (void)fprintf(stderr,
                      "onhand: no hub answers at %s (%s)\n"
                      "start one with: onhand serve    or say where it is: --url URL\n",
                      client->url.data, why);
    else if (code == CURLE_WRITE_ERROR)
        (void)fprintf(stderr, "onhand: the answer could not be kept: %s\n", strerror(errno));
    else
        (void)fprintf(stderr, "onhand: the connection to %s broke: %s\n", client->url.data, why);
    return EXIT_REFUSED;
}

static const char *advice_for(long http_status) {
    switch (http_status) {
    case 413:
        return "the limit is limits.body_mb of the hub's configuration";
    case 503:
        return "the hub is busy, starting or ending: try again in a moment";
    case 507:
        return "make room on the disk of the hub's data directory; it goes on by itself";
    default:
        return NULL;
    }
}

/* The hub's own words, every error of the problem with its place. */
static int tell_problem(const struct client *client, const struct answer *answer) {
    const char *detail = json_string_value(json_object_get(answer->json, "detail"));
    const char *advice = advice_for(answer->http_status);
    if (answer->http_status == 401 || answer->http_status == 403)
        (void)fprintf(stderr, "onhand: the hub at %s refuses the token from %s\n", client->url.data,
                      client->token_origin.data);
    (void)fputs("onhand: ", stderr);
    view_print_safe(stderr, detail != NULL ? detail : "the hub refused");
    (void)fprintf(stderr, " (%ld)\n", answer->http_status);
    json_t *errors = json_object_get(answer->json, "errors");
    for (size_t i = 0; json_array_size(errors) > 1 && i < json_array_size(errors); i++) {
        json_t *item = json_array_get(errors, i);
        (void)fputs("  ", stderr);
        view_print_safe(stderr, view_string(item, "pointer"));
        (void)fputs("  ", stderr);
        view_print_safe(stderr, view_string(item, "detail"));
        (void)fputs("\n", stderr);
    }
    if (advice != NULL)
        (void)fprintf(stderr, "%s\n", advice);
    return EXIT_REFUSED;
}

/* ---- the transfer ---- */

static size_t take_body(char *data, size_t size, size_t count, void *context) {
    struct transfer *transfer = context;
    const struct client_request *request = transfer->request;
    size_t length = size * count;
    long http_status = 0;
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &http_status);
    if (request->sink != NULL && http_status >= 200 && http_status < 300)
        return request->sink(request->sink_context, data, length) ? length : 0;
    if (transfer->answer->body.length + length > ANSWER_MAX)
        return 0;
    buffer_append(&transfer->answer->body, data, length);
    return length;
}

static size_t give_body(char *out, size_t size, size_t count, void *context) {
    struct transfer *transfer = context;
    size_t length = fread(out, 1, size * count, transfer->request->upload);
    if (length == 0 && ferror(transfer->request->upload)) {
        (void)fprintf(stderr, "onhand: the file cannot be read to its end: %s\n", strerror(errno));
        return CURL_READFUNC_ABORT;
    }
    transfer->sent = length == 0;
    return length;
}

static int show_progress(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                         curl_off_t up) {
    struct transfer *transfer = context;
    const struct client_request *request = transfer->request;
    if (request->upload != NULL)
        progress_show(&transfer->progress, request->progress, up, transfer->sent ? up : up_total);
    else
        progress_show(&transfer->progress, request->progress, down, down_total);
    return 0;
}

static void prepare(struct client *client, struct transfer *transfer, const char *url,
                    struct curl_slist *headers) {
    const struct client_request *request = transfer->request;
    CURL *curl = client->curl;
    curl_easy_reset(curl);
    client->curl_error[0] = '\0';
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "onhand/" ONHAND_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->curl_error);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    if (request->progress != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, show_progress);
        (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
    }
    if (request->upload != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
        (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
        (void)curl_easy_setopt(curl, CURLOPT_READDATA, transfer);
        (void)curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 1024L * 1024L);
        (void)curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->upload_bytes);
    } else if (request->content_type != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                               request->body.data != NULL ? request->body.data : "");
    }
}

static struct curl_slist *make_headers(const struct client *client,
                                       const struct client_request *request) {
    struct curl_slist *headers = curl_slist_append(NULL, client->authorization.data);
    char line[128];
    (void)snprintf(line, sizeof line, "Content-Type:%s%s", request->content_type != NULL ? " " : "",
                   request->content_type != NULL ? request->content_type : "");
    return curl_slist_append(curl_slist_append(headers, line), "Expect:");
}

int client_call(struct client *client, const struct client_request *request,
                struct answer *answer) {
    *answer = (struct answer){0};
    struct transfer transfer = {.curl = client->curl, .request = request, .answer = answer};
    struct buffer url = {0};
    buffer_append_text(&url, buffer_text(&client->url));
    buffer_append_text(&url, request->path);
    struct curl_slist *headers = make_headers(client, request);
    prepare(client, &transfer, url.data, headers);
    progress_begin(&transfer.progress);
    CURLcode code = curl_easy_perform(client->curl);
    progress_end(&transfer.progress);
    (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &answer->http_status);
    curl_slist_free_all(headers);
    buffer_deinit(&url);
    answer->json = answer->body.length > 0
                       ? json_loadb(answer->body.data, answer->body.length, JSON_DECODE_ANY, NULL)
                       : NULL;
    /* A refusal may come before the whole file was sent: it says more than the broken pipe. */
    if (code != CURLE_OK && (answer->http_status < 400 || answer->json == NULL))
        return tell_no_connection(client, code);
    if (answer->http_status < 200 || answer->http_status >= 300)
        return tell_problem(client, answer);
    return PARSED_RUN;
}

int client_ask(struct client *client, const char *method, struct text path, struct answer *answer) {
    struct client_request request = {.method = method, .path = path};
    if (strcmp(method, "POST") == 0)
        request.content_type = "application/json";
    return client_call(client, &request, answer);
}

void answer_deinit(struct answer *answer) {
    json_decref(answer->json);
    buffer_deinit(&answer->body);
    *answer = (struct answer){0};
}

void append_escaped(struct buffer *out, const char *text) {
    static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-._~";
    for (const char *c = text; *c != '\0'; c++) {
        if (strchr(unreserved, *c) != NULL)
            buffer_append(out, c, 1);
        else
            buffer_append_format(out, "%%%02X", (unsigned)(unsigned char)*c);
    }
}

void append_query(struct buffer *path, const char *name, const char *value) {
    if (value == NULL)
        return;
    buffer_append_string(path, memchr(path->data, '?', path->length) != NULL ? "&" : "?");
    buffer_append_string(path, name);
    buffer_append_string(path, "=");
    append_escaped(path, value);
}

int client_show(const struct client_options *options, const char *method, const char *path,
                void (*print)(const json_t *answer)) {
    struct client *client = NULL;
    struct answer answer = {0};
    int code = client_open(options, &client);
    if (code == PARSED_RUN)
        code = client_ask(client, method, text_from(path), &answer);
    if (code == PARSED_RUN) {
        if (options->json)
            view_print_raw(&answer.body);
        else
            print(answer.json);
        code = EXIT_DONE;
    }
    answer_deinit(&answer);
    client_close(client);
    return code;
}
