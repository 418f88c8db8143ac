/* An object may be the first line of NDJSON or wrap the one list of a JSON document: it is the
 * wrapper when a list of objects begins in it, or when it is written over several lines. */
#include "feed/format_sniff.h"

#include "feed/json_cut.h"

static size_t skip_blank(struct text text, size_t at) {
    while (at < text.length && json_is_blank(text.data[at])) {
        at++;
    }
    return at;
}

/* The first object's own list, if one begins: what it holds decides. */
static enum config_format sniff_object(struct text text, size_t at) {
    struct json_cut cut;
    size_t begin = at;
    json_cut_begin(&cut);
    for (bool ended = false; at < text.length;) {
        char c = text.data[at];
        if (c == '[' && !cut.quoted && cut.depth == 1) {
            size_t item = skip_blank(text, at + 1);
            if (item == text.length) {
                return CONFIG_FORMAT_AUTO;
            }
            if (text.data[item] == '{' || text.data[item] == ']') {
                return CONFIG_FORMAT_JSON;
            }
        }
        at += json_cut_go_on(&cut, text.data + at, 1, &ended);
        if (ended) {
            bool lines = memchr(text.data + begin, '\n', at - begin) != NULL;
            return lines ? CONFIG_FORMAT_JSON : CONFIG_FORMAT_NDJSON;
        }
    }
    return CONFIG_FORMAT_AUTO;
}

enum config_format format_sniff(struct text begin, bool whole) {
    whole |= begin.length >= FORMAT_SNIFF;
    begin.length = begin.length < FORMAT_SNIFF ? begin.length : FORMAT_SNIFF;
    size_t at = skip_blank(begin, 0);
    if (at == begin.length) {
        return whole ? CONFIG_FORMAT_CSV : CONFIG_FORMAT_AUTO;
    }
    switch (begin.data[at]) {
    case '[':
        return CONFIG_FORMAT_JSON;
    case '<':
        return CONFIG_FORMAT_XML;
    case '{': {
        enum config_format format = sniff_object(begin, at);
        return format == CONFIG_FORMAT_AUTO && whole ? CONFIG_FORMAT_JSON : format;
    }
    default:
        return CONFIG_FORMAT_CSV;
    }
}
