/* OAuth 1.0a as Magento wants it of an integration: four secrets, one signature per request.
 *
 * The signature is over the method, the address without its query, and all parameters of query and
 * header, sorted after they were escaped; RFC 5849 says how. Only HMAC-SHA256. */
#include <stdlib.h>

#include "base/hash.h"
#include "channel/magento_internal.h"

#define PARAMETERS_MAX 64u

struct parameter {
    struct text name, value; /* escaped */
};

static int compare(const void *a, const void *b) {
    const struct parameter *left = a, *right = b;
    int order = text_compare(left->name, right->name);
    return order != 0 ? order : text_compare(left->value, right->value);
}

static struct text escaped(struct arena *arena, struct text text) {
    struct buffer out = {0};
    http_append_escaped(&out, text);
    struct text copy = arena_copy(arena, buffer_text(&out));
    config_secret_wipe(&out);
    return copy;
}

/* What the query holds is escaped already, in the one way http_append_escaped has. */
static size_t split_query(struct text query, struct parameter *parameters, size_t most) {
    size_t count = 0;
    while (query.length > 0 && count < most) {
        const char *end = memchr(query.data, '&', query.length);
        size_t length = end != NULL ? (size_t)(end - query.data) : query.length;
        const char *equal = memchr(query.data, '=', length);
        size_t name = equal != NULL ? (size_t)(equal - query.data) : length;
        size_t skip = name < length ? name + 1 : length;
        parameters[count].name = (struct text){query.data, name};
        parameters[count++].value = (struct text){query.data + skip, length - skip};
        length += length < query.length;
        query.data += length;
        query.length -= length;
    }
    return count;
}

static size_t add(struct parameter *parameters, size_t count, const char *name, struct text value) {
    parameters[count] = (struct parameter){text_from(name), value};
    return count + 1;
}

static void append_base(struct buffer *base, const char *method, struct text address,
                        const struct parameter *parameters, size_t count) {
    struct buffer all = {0};
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(&all, i > 0 ? "&" : "");
        buffer_append_text(&all, parameters[i].name);
        buffer_append_string(&all, "=");
        buffer_append_text(&all, parameters[i].value);
    }
    buffer_append_string(base, method);
    buffer_append_string(base, "&");
    http_append_escaped(base, address);
    buffer_append_string(base, "&");
    http_append_escaped(base, buffer_text(&all));
    config_secret_wipe(&all);
}

void magento_oauth_sign(const struct magento_oauth *oauth, const char *method, struct text url,
                        struct buffer *out) {
    struct arena arena = {0};
    struct parameter parameters[PARAMETERS_MAX + 8];
    struct buffer base = {0}, key = {0}, signature = {0};
    unsigned char mac[SHA256_SIZE];
    const char *mark = memchr(url.data, '?', url.length);
    size_t length = mark != NULL ? (size_t)(mark - url.data) : url.length;
    struct text query = {url.data + length, url.length - length};
    query.data += mark != NULL;
    query.length -= mark != NULL;
    size_t count = split_query(query, parameters, PARAMETERS_MAX), own = count;
    char seconds[U64_TEXT_SIZE];
    size_t digits = text_format_u64((uint64_t)oauth->timestamp_s, seconds);
    count = add(parameters, count, "oauth_consumer_key", escaped(&arena, oauth->consumer_key));
    count = add(parameters, count, "oauth_nonce", escaped(&arena, oauth->nonce));
    count = add(parameters, count, "oauth_signature_method", TEXT("HMAC-SHA256"));
    count = add(parameters, count, "oauth_timestamp", (struct text){seconds, digits});
    count = add(parameters, count, "oauth_token", escaped(&arena, oauth->token));
    count = add(parameters, count, "oauth_version", TEXT("1.0"));
    buffer_append_string(out, "OAuth ");
    for (size_t i = own; i < count; i++) {
        buffer_append_format(out, "%.*s=\"%.*s\", ", TEXT_ARG(parameters[i].name),
                             TEXT_ARG(parameters[i].value));
    }
    qsort(parameters, count, sizeof(parameters[0]), compare);
    append_base(&base, method, (struct text){url.data, length}, parameters, count);
    http_append_escaped(&key, oauth->consumer_secret);
    buffer_append_string(&key, "&");
    http_append_escaped(&key, oauth->token_secret);
    hmac_sha256(buffer_text(&key), buffer_text(&base), mac);
    shop_append_base64(&signature, (struct text){(const char *)mac, sizeof(mac)});
    buffer_append_string(out, "oauth_signature=\"");
    http_append_escaped(out, buffer_text(&signature));
    buffer_append_string(out, "\"");
    buffer_deinit(&base);
    buffer_deinit(&signature);
    config_secret_wipe(&key);
    arena_deinit(&arena);
}
