/* Most bytes are inside strings or numbers, where one look at a table passes them by. */
#include "feed/json_cut.h"

#include "base/status.h"

static const bool matters[256] = {
    ['"'] = true, ['['] = true, [']'] = true, ['{'] = true, ['}'] = true, ['\\'] = true};

void json_cut_begin(struct json_cut *cut) {
    *cut = (struct json_cut){.shape = JSON_CUT_NONE};
}

static void begin(struct json_cut *cut, char first) {
    cut->shape = first == '{' || first == '[' ? JSON_CUT_NESTED
                 : first == '"'               ? JSON_CUT_STRING
                                              : JSON_CUT_WORD;
}

static bool ends_word(char c) {
    return c == ',' || c == ']' || c == '}' || c == ':' || json_is_blank(c);
}

/* One byte that matters, and not one that an escape makes ordinary; true when the value is over. */
static bool take(struct json_cut *cut, char c) {
    if (cut->quoted) {
        if (c == '\\') {
            cut->escaped = true;
        } else if (c == '"') {
            cut->quoted = false;
            return cut->shape == JSON_CUT_STRING;
        }
        return false;
    }
    if (c == '"') {
        cut->quoted = true;
    } else if (c == '{' || c == '[') {
        cut->depth++;
    } else if (c == '}' || c == ']') {
        cut->depth--;
        return cut->depth == 0;
    }
    return false;
}

size_t json_cut_go_on(struct json_cut *cut, const char *data, size_t length, bool *ended_out) {
    size_t at = 0;
    *ended_out = false;
    if (cut->shape == JSON_CUT_NONE && length > 0) {
        begin(cut, data[0]);
        /* A word takes its first byte whatever it is, so that something is always taken. */
        at = cut->shape == JSON_CUT_WORD ? 1 : 0;
    }
    if (cut->shape == JSON_CUT_WORD) {
        while (at < length && !ends_word(data[at])) {
            at++;
        }
        *ended_out = at < length;
        return at;
    }
    while (at < length) {
        if (cut->escaped) {
            cut->escaped = false;
            at++;
            continue;
        }
        while (at < length && !matters[(unsigned char)data[at]]) {
            at++;
        }
        if (at < length && take(cut, data[at++])) {
            *ended_out = true;
            return at;
        }
    }
    require(at == length);
    return at;
}
