/* What comes back, taken in pieces and held to its bounds: a server may send headers for ever, a
 * body without end, or an hour in which to try again that never comes. */
#include "base/timestamp.h"
#include "http/client_internal.h"

static struct text lower_case(struct arena *arena, struct text name) {
    char *copy = arena_alloc(arena, name.length + 1);
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        copy[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    copy[name.length] = '\0';
    return (struct text){copy, name.length};
}

static void begin_or_end(struct exchange *exchange, struct text line) {
    long code = 0;
    if (line.length > 0) {
        exchange->header_count = 0; /* a status line: what came before was provisional */
        return;
    }
    (void)curl_easy_getinfo(exchange->client->curl, CURLINFO_RESPONSE_CODE, &code);
    exchange->headers_done = code >= 200;
}

size_t answer_take_header(char *data, size_t size, size_t count, void *context) {
    struct exchange *exchange = context;
    size_t length = size * count;
    exchange->header_bytes += length;
    if (exchange->header_bytes > HEADER_BYTES_MAX || exchange->header_count == HEADERS_MAX) {
        exchange->headers_flood = true;
        return 0;
    }
    if (exchange->headers_done)
        return length;
    struct text line = text_trim((struct text){data, length});
    const char *colon = line.length > 0 ? memchr(line.data, ':', line.length) : NULL;
    if (line.length == 0 || (line.length > 5 && memcmp(data, "HTTP/", 5) == 0)) {
        begin_or_end(exchange, line);
    } else if (colon != NULL && data[0] != ' ' && data[0] != '\t') {
        size_t name_length = (size_t)(colon - line.data);
        struct text value = {colon + 1, line.length - name_length - 1};
        exchange->headers[exchange->header_count++] =
            (struct http_header){lower_case(exchange->arena, (struct text){line.data, name_length}),
                                 arena_copy(exchange->arena, text_trim(value))};
    }
    return length;
}

static bool is_success(const struct exchange *exchange) {
    long code = 0;
    (void)curl_easy_getinfo(exchange->client->curl, CURLINFO_RESPONSE_CODE, &code);
    return code >= 200 && code < 300;
}

size_t answer_take_body(char *data, size_t size, size_t count, void *context) {
    struct exchange *exchange = context;
    size_t length = size * count;
    if (exchange->request->take != NULL && is_success(exchange)) {
        return exchange->request->take(exchange->request->take_context, (struct text){data, length})
                   ? length
                   : 0;
    }
    if (length > exchange->client->answer_max - exchange->body.length) {
        exchange->body_flood = true;
        return 0;
    }
    buffer_append(&exchange->body, data, length);
    return length;
}

/* ---- reading it ---- */

struct text http_answer_header(const struct http_answer *answer, const char *name) {
    for (size_t i = 0; i < answer->header_count; i++) {
        if (text_equal_string(answer->headers[i].name, name))
            return answer->headers[i].value;
    }
    return (struct text){NULL, 0};
}

static bool all_digits(struct text text) {
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    }
    return text.length > 0;
}

int64_t http_retry_after_s(const struct http_answer *answer, int64_t now_us, int64_t most,
                           int64_t otherwise) {
    struct text value = http_answer_header(answer, "retry-after");
    if (all_digits(value)) {
        int64_t seconds = 0;
        for (size_t i = 0; i < value.length && seconds < most; i++)
            seconds = seconds > INT64_MAX / 10 - 10 ? most : seconds * 10 + (value.data[i] - '0');
        return seconds < most ? seconds : most;
    }
    /* A date begins with the name of its day; curl would read much else as one. */
    char text[64];
    if (value.length < 8 || value.length >= sizeof text || value.data[0] < 'A' ||
        value.data[0] > 'Z')
        return otherwise;
    memcpy(text, value.data, value.length);
    text[value.length] = '\0';
    int64_t at_s = curl_getdate(text, NULL);
    if (at_s < 0)
        return otherwise;
    int64_t seconds = at_s - now_us / US_PER_SECOND;
    if (seconds < 0)
        return 0;
    return seconds < most ? seconds : most;
}
