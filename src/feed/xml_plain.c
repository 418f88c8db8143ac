/* Names that expat has seen together once are known to be names, and to be different. */
#include "feed/xml_plain.h"

void xml_plain_learn(struct xml_plain *plain, const char *name, const char **attributes,
                     const unsigned *wanted) {
    size_t length = strlen(name);
    plain->known = false;
    plain->count = 0;
    if (length > XML_PLAIN_NAME) {
        return;
    }
    memcpy(plain->name, name, length + 1);
    for (size_t i = 0; attributes[2 * i] != NULL; i++) {
        length = strlen(attributes[2 * i]);
        if (i == XML_PLAIN_ATTRIBUTES || length > XML_PLAIN_NAME) {
            return;
        }
        memcpy(plain->attributes[i].name, attributes[2 * i], length + 1);
        plain->attributes[i].length = (unsigned)length;
        plain->attributes[i].wanted = wanted[i];
        plain->count++;
    }
    plain->known = true;
}

static size_t skip_blanks(const char *data, size_t length, unsigned *feeds_out) {
    size_t at = 0;
    *feeds_out = 0;
    while (at < length && at < XML_PLAIN_BLANKS && (data[at] == ' ' || data[at] == '\n')) {
        *feeds_out += data[at] == '\n';
        at++;
    }
    return at;
}

static bool is_next(const char *data, size_t length, size_t at, const char *wanted,
                    size_t wanted_length) {
    return length - at >= wanted_length && memcmp(data + at, wanted, wanted_length) == 0;
}

/* The offset of the quote behind a value, or `length`. */
static size_t value_end(const char *data, size_t length, size_t at) {
    while (at < length) {
        unsigned char c = (unsigned char)data[at];
        if (c == '"') {
            return at;
        }
        if (c < 0x20 || c >= 0x7f || c == '&' || c == '<') {
            break;
        }
        at++;
    }
    return length;
}

size_t xml_plain_match(const struct xml_plain *plain, const char *data, size_t length,
                       struct text values_out[XML_PLAIN_ATTRIBUTES], unsigned *feeds_out) {
    size_t at = skip_blanks(data, length, feeds_out);
    size_t name_length = strlen(plain->name);
    if (!plain->known || at >= length || data[at] != '<' ||
        !is_next(data, length, at + 1, plain->name, name_length)) {
        return 0;
    }
    at += 1 + name_length;
    for (unsigned i = 0; i < plain->count; i++) {
        size_t attribute = plain->attributes[i].length;
        if (!is_next(data, length, at, " ", 1) ||
            !is_next(data, length, at + 1, plain->attributes[i].name, attribute) ||
            !is_next(data, length, at + 1 + attribute, "=\"", 2)) {
            return 0;
        }
        at += attribute + 3;
        size_t end = value_end(data, length, at);
        if (end == length) {
            return 0;
        }
        values_out[i] = (struct text){data + at, end - at};
        at = end + 1;
    }
    at += is_next(data, length, at, " ", 1) ? 1 : 0;
    return is_next(data, length, at, "/>", 2) ? at + 2 : 0;
}
