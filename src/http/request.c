/* What may be sent. A value from outside (an identifier, a reason, a cursor) ends up in paths and
 * headers; here is where it cannot become a second header, a second request or another host. */
#include "http/client_internal.h"

static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789-._~";
static const char token_marks[] = "!#$%&'*+-.^_`|~";

/* These are curl's to say: a second opinion would split the request. */
static const char *const own_headers[] = {"connection", "content-length",    "expect",
                                          "host",       "keep-alive",        "te",
                                          "trailer",    "transfer-encoding", "upgrade"};

static bool is_token(struct text name) {
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (c != '\0' && strchr(token_marks, c) != NULL);
        if (!fine)
            return false;
    }
    return name.length > 0;
}

static bool is_header_value(struct text value) {
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Printable ASCII without a fragment: all else must come escaped. */
static bool is_url_text(struct text text) {
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= ' ' || c >= 0x7f || c == '#')
            return false;
    }
    return true;
}

static enum status check_header(const struct http_header *header, struct error *error) {
    if (!is_token(header->name))
        return error_set(error, STATUS_BAD_VALUE, "not the name of a header");
    for (size_t i = 0; i < sizeof own_headers / sizeof own_headers[0]; i++) {
        if (text_equal_ignore_case(header->name, text_from(own_headers[i])))
            return error_set(error, STATUS_BAD_VALUE, "the header %s is not for callers to set",
                             own_headers[i]);
    }
    if (!is_header_value(header->value))
        return error_set(error, STATUS_BAD_VALUE,
                         "the value of header %.*s has a line end or another control character",
                         TEXT_ARG(header->name));
    return STATUS_OK;
}

enum status request_check(const struct http_client *client, const struct http_request *request,
                          struct error *error) {
    struct text path = request->path;
    if (!is_token(text_from(request->method)))
        return error_set(error, STATUS_BAD_VALUE, "not a method of HTTP");
    /* "@elsewhere" or ".elsewhere" behind a host would be another host. */
    if (path.length > 0 && path.data[0] != '/' && path.data[0] != '?')
        return error_set(error, STATUS_BAD_VALUE, "a path begins with / or ?");
    if (!is_url_text(path))
        return error_set(error, STATUS_BAD_VALUE,
                         "the path has a character that must be percent-encoded");
    if (path.length > 0 && memchr(client->base.data, '?', client->base.length) != NULL)
        return error_set(error, STATUS_BAD_VALUE,
                         "the URL has a query already: no path can follow it");
    enum status status = STATUS_OK;
    for (size_t i = 0; i < request->header_count && status == STATUS_OK; i++)
        status = check_header(&request->headers[i], error);
    return status;
}

enum status base_url_check(struct text url, struct text *origin_out, struct error *error) {
    struct text scheme = {url.data, 0}, http = TEXT("http://"), https = TEXT("https://");
    if (url.length > https.length &&
        text_equal_ignore_case((struct text){url.data, https.length}, https))
        scheme.length = https.length;
    else if (url.length > http.length &&
             text_equal_ignore_case((struct text){url.data, http.length}, http))
        scheme.length = http.length;
    if (scheme.length == 0 || !is_url_text(url))
        return error_set(error, STATUS_BAD_VALUE, "expected a URL: https://HOST/... (or http://)");
    size_t end = scheme.length;
    while (end < url.length && memchr("/?", url.data[end], 2) == NULL)
        end++;
    if (end == scheme.length || memchr(url.data, '@', end) != NULL)
        return error_set(error, STATUS_BAD_VALUE,
                         "a URL names a host, and neither user nor password");
    *origin_out = (struct text){url.data, end};
    return STATUS_OK;
}

/* ---- as curl wants them ---- */

static struct curl_slist *append(struct curl_slist *list, const char *line) {
    struct curl_slist *longer = curl_slist_append(list, line);
    require(longer != NULL);
    return longer;
}

struct curl_slist *request_headers(const struct http_request *request) {
    struct curl_slist *list = append(NULL, "Expect:");
    bool has_type = false;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        struct buffer line = {0};
        buffer_reserve(&line, header->name.length + header->value.length + 3);
        buffer_append_text(&line, header->name);
        struct text value = text_trim(header->value);
        buffer_append_string(&line, value.length > 0 ? ": " : ";"); /* so curl sends it empty */
        buffer_append_text(&line, value);
        list = append(list, line.data);
        explicit_bzero(line.data, line.length);
        buffer_deinit(&line);
        has_type |= text_equal_ignore_case(header->name, TEXT("content-type"));
    }
    return has_type ? list : append(list, "Content-Type:"); /* instead of curl's guess */
}

void request_headers_free(struct curl_slist *headers) {
    for (struct curl_slist *line = headers; line != NULL; line = line->next)
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(headers);
}

void http_append_escaped(struct buffer *out, struct text value) {
    for (size_t i = 0; i < value.length; i++) {
        char c = value.data[i];
        if (c != '\0' && strchr(unreserved, c) != NULL)
            buffer_append(out, &c, 1);
        else
            buffer_append_format(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}
