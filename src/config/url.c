/* As much of a URL as a configuration can get wrong: the scheme, the host, and a password where
 * none may be. What the server makes of the rest is between it and the client library. */
#include "config/read_internal.h"

static bool after_prefix(struct text text, const char *prefix, struct text *rest_out) {
    size_t length = strlen(prefix);
    if (text.length < length ||
        !text_equal_ignore_case((struct text){text.data, length}, text_from(prefix))) {
        return false;
    }
    *rest_out = (struct text){text.data + length, text.length - length};
    return true;
}

bool url_has_scheme(struct text url) {
    for (size_t i = 0; i + 2 < url.length; i++) {
        if (memcmp(url.data + i, "://", 3) == 0) {
            return true;
        }
        if (url.data[i] == '/' || url.data[i] == '.') {
            return false;
        }
    }
    return false;
}

static bool has_blank(struct text url) {
    for (size_t i = 0; i < url.length; i++) {
        if ((unsigned char)url.data[i] <= ' ') {
            return true;
        }
    }
    return false;
}

static bool port_is_fine(struct text port) {
    unsigned number = 0;
    for (size_t i = 0; i < port.length; i++) {
        if (port.data[i] < '0' || port.data[i] > '9' || port.length > 5) {
            return false;
        }
        number = number * 10 + (unsigned)(port.data[i] - '0');
    }
    return number > 0 && number <= 65535;
}

/* `host` is host, host:port or [::1]:port. */
static const char *check_host(struct text host) {
    size_t colon = host.length;
    if (host.length > 0 && host.data[0] == '[') {
        const char *close = memchr(host.data, ']', host.length);
        if (close == NULL) {
            return "the address in [ ] is not closed";
        }
        size_t end = (size_t)(close - host.data) + 1;
        if (end < host.length && host.data[end] != ':') {
            return "after the address in [ ] only a port may follow";
        }
        colon = end;
    } else if (host.length > 0) {
        const char *found = memchr(host.data, ':', host.length);
        colon = found != NULL ? (size_t)(found - host.data) : host.length;
    }
    if (colon == 0) {
        return "the host is missing";
    }
    if (colon < host.length &&
        !port_is_fine((struct text){host.data + colon + 1, host.length - colon - 1})) {
        return "the port is not between 1 and 65535";
    }
    return NULL;
}

/* Cuts the authority (user@host:port) in front of the path off; refuses user:password. */
static const char *take_user(struct text *authority) {
    size_t end = 0, at = SIZE_MAX;
    for (; end < authority->length && memchr("/?#", authority->data[end], 3) == NULL; end++) {
        if (authority->data[end] == '@') {
            at = end;
        }
    }
    authority->length = end;
    if (at == SIZE_MAX) {
        return NULL;
    }
    if (memchr(authority->data, ':', at) != NULL) {
        return "a password does not belong into a URL";
    }
    authority->data += at + 1;
    authority->length -= at + 1;
    return NULL;
}

static const char *check_authority(struct text rest) {
    const char *wrong = take_user(&rest);
    return wrong != NULL ? wrong : check_host(rest);
}

const char *url_check_http(struct text url) {
    struct text rest;
    if (!after_prefix(url, "https://", &rest) && !after_prefix(url, "http://", &rest)) {
        return "expected https://HOST/... (or http://)";
    }
    return has_blank(url) ? "a URL has no blanks" : check_authority(rest);
}

/* Browsers send it so, and it is compared byte by byte. */
const char *url_check_origin(struct text url) {
    struct text host;
    bool is_http = after_prefix(url, "http://", &host);
    if ((!is_http && !after_prefix(url, "https://", &host)) || has_blank(url)) {
        return "expected the origin of a page, as in https://prism.example (no * and no list)";
    }
    for (size_t i = 0; i < url.length; i++) {
        if (url.data[i] >= 'A' && url.data[i] <= 'Z') {
            return "browsers send an origin in lower case";
        }
    }
    for (size_t i = 0; i < host.length; i++) {
        if (memchr("/?#@*", host.data[i], 5) != NULL) {
            return "an origin is https://HOST or https://HOST:PORT, and nothing after it";
        }
    }
    const char *usual = is_http ? ":80" : ":443";
    size_t length = strlen(usual);
    if (host.length > length && memcmp(host.data + host.length - length, usual, length) == 0) {
        return "browsers leave the usual port out of an origin";
    }
    return check_host(host);
}

const char *url_check_feed(struct text url) {
    struct text rest;
    if (!url_has_scheme(url)) {
        return NULL; /* a directory */
    }
    if (!after_prefix(url, "sftp://", &rest)) {
        return "expected sftp://USER@HOST/PATH or a directory";
    }
    return check_authority(rest);
}

const char *url_check_postgresql(struct text url) {
    struct text rest;
    if (!after_prefix(url, "postgresql://", &rest) && !after_prefix(url, "postgres://", &rest)) {
        return "expected sqlite or postgresql://USER@HOST/DATABASE";
    }
    if (has_blank(url)) {
        return "a URL has no blanks";
    }
    /* Several hosts with ports are fine here: only the user part is looked at. */
    for (size_t i = 0; i + 9 <= url.length; i++) {
        if (memcmp(url.data + i, "password=", 9) == 0) {
            return "a password does not belong into a URL (use a password file or PGPASSWORD)";
        }
    }
    const char *wrong = take_user(&rest);
    if (wrong != NULL) {
        return "a password does not belong into a URL (use a password file or PGPASSWORD)";
    }
    return NULL;
}
