/* %XX in user and path stands for a byte, as everywhere in URLs. */
#include "feed/sftp_address.h"

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static struct text decode(struct text text, struct arena *arena) {
    char *out = arena_alloc_zero(arena, text.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        int high = i + 2 < text.length ? hex_digit(text.data[i + 1]) : -1;
        int low = i + 2 < text.length ? hex_digit(text.data[i + 2]) : -1;
        if (text.data[i] == '%' && high >= 0 && low >= 0 && high + low > 0) {
            out[length++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[length++] = text.data[i];
        }
    }
    return (struct text){out, length};
}

static bool parse_port(struct text text, unsigned *port_out) {
    unsigned port = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned char)text.data[i] - (unsigned)'0';
        if (digit > 9 || i > 4) {
            return false;
        }
        port = port * 10 + digit;
    }
    *port_out = port;
    return port > 0 && port <= 65535;
}

enum status sftp_address_parse(struct text url, struct arena *arena,
                               struct sftp_address *address_out, struct error *error) {
    const size_t scheme = sizeof("sftp://") - 1;
    if (url.length < scheme ||
        !text_equal_ignore_case((struct text){url.data, scheme}, TEXT("sftp://"))) {
        return error_set(error, STATUS_BAD_VALUE, "not an sftp: URL");
    }
    struct text rest = {url.data + scheme, url.length - scheme};
    const char *slash = memchr(rest.data, '/', rest.length);
    struct text authority = {rest.data, slash != NULL ? (size_t)(slash - rest.data) : rest.length};
    struct text path = {rest.data + authority.length, rest.length - authority.length};
    struct text user = {NULL, 0};
    const char *at = memrchr(authority.data, '@', authority.length);
    if (at != NULL) {
        user = (struct text){authority.data, (size_t)(at - authority.data)};
        authority.length -= user.length + 1;
        authority.data = at + 1;
    }
    unsigned port = 22;
    const char *bracket = memchr(authority.data, ']', authority.length);
    const char *colon = memrchr(authority.data, ':', authority.length);
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        struct text digits = {colon + 1, authority.length - (size_t)(colon + 1 - authority.data)};
        if (!parse_port(digits, &port)) {
            return error_set(error, STATUS_BAD_VALUE, "the port is not between 1 and 65535");
        }
        authority.length = (size_t)(colon - authority.data);
    }
    if (authority.length >= 2 && authority.data[0] == '[' && bracket != NULL) {
        authority = (struct text){authority.data + 1, (size_t)(bracket - authority.data) - 1};
    }
    if (authority.length == 0) {
        return error_set(error, STATUS_BAD_VALUE, "the host is missing");
    }
    if (path.length >= 3 && memcmp(path.data, "/~/", 3) == 0) {
        path = (struct text){path.data + 3, path.length - 3};
        path = path.length == 0 ? TEXT(".") : path;
    }
    *address_out = (struct sftp_address){.user = decode(user, arena),
                                         .host = arena_copy(arena, authority),
                                         .port = port,
                                         .path = decode(path.length > 0 ? path : TEXT("/"), arena)};
    return STATUS_OK;
}
