/* JSON in and out, by hand, because the bulk bodies pass here.
 *
 * Reading: strings are looked at sixteen bytes at a time until something needs care (a quote, a
 * backslash, a control character, a byte that is not ASCII); what has no escape is handed out where
 * it lies. A string is first checked whole and only then undone, so that undoing cannot fail.
 * Writing: room is made once per value, then bytes are put down without further checks. */
#include "base/json.h"

#include "base/quantity.h"
#include "base/timestamp.h"

#include <math.h>
#include <stdio.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* ---- what both sides share: looking through a string ---- */

static inline bool needs_care(unsigned char c) {
    return c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
}

/* The first byte that is not to be copied blindly, or `end`. */
static inline const char *plain_end(const char *p, const char *end) {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    while (end - p >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* Signed: what has its top bit set counts as less than a space too. */
        __m128i care = _mm_or_si128(
            _mm_cmplt_epi8(bytes, space),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(care);
        if (mask != 0) {
            return p + __builtin_ctz(mask);
        }
        p += 16;
    }
#endif
    while (p < end && !needs_care((unsigned char)*p)) {
        p++;
    }
    return p;
}

/* ---- writing ---- */

/* Makes room for `size` bytes of a value and puts the comma that separates it. */
static char *value_begin(struct json_writer *w, size_t size) {
    buffer_reserve(w->out, size + 1);
    char *p = w->out->data + w->out->length;
    if (w->need_comma) {
        *p++ = ',';
    }
    w->need_comma = true;
    return p;
}

static void value_end(struct json_writer *w, char *p) {
    *p = '\0';
    w->out->length = (size_t)(p - w->out->data);
}

static void bracket_open(struct json_writer *w, char bracket) {
    char *p = value_begin(w, 1);
    *p++ = bracket;
    value_end(w, p);
    w->need_comma = false;
    w->depth++;
}

static void bracket_close(struct json_writer *w, char bracket) {
    require(w->depth > 0);
    w->depth--;
    buffer_append(w->out, &bracket, 1);
    w->need_comma = true;
}

void json_begin_object(struct json_writer *w) {
    bracket_open(w, '{');
}

void json_end_object(struct json_writer *w) {
    bracket_close(w, '}');
}

void json_begin_array(struct json_writer *w) {
    bracket_open(w, '[');
}

void json_end_array(struct json_writer *w) {
    bracket_close(w, ']');
}

/* Writes the character at `*from` that needs care, at most six bytes, and steps over it. */
static char *put_escaped(char *out, const char **from, const char *end) {
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)**from;
    const char *letter = c < 0x20 ? memchr("\bb\tt\nn\ff\rr", c, 10) : NULL;
    size_t length = text_utf8_length((struct text){*from, (size_t)(end - *from)});
    *from += length > 0 ? length : 1;
    if (length == 0) {
        memcpy(out, "\xEF\xBF\xBD", 3);
        return out + 3;
    }
    if (length > 1) {
        memcpy(out, *from - length, length);
        return out + length;
    }
    *out++ = '\\';
    if (letter != NULL) {
        *out++ = letter[1];
    } else if (c >= 0x20) {
        *out++ = (char)c;
    } else {
        memcpy(out, "u00", 3);
        out[3] = hex[c >> 4];
        out[4] = hex[c & 15];
        out += 5;
    }
    return out;
}

/* Appends the text in quotes, after a comma where one is due, with room for one more byte. */
static char *put_string(struct json_writer *w, struct text value) {
    const char *from = value.length > 0 ? value.data : "";
    const char *end = from + value.length;
    bool plain_throughout = plain_end(from, end) == end;
    /* Six bytes for each one is the worst case. */
    char *p = value_begin(w, (plain_throughout ? 1 : 6) * value.length + 3);
    *p++ = '"';
    while (from < end) {
        const char *plain = plain_end(from, end);
        memcpy(p, from, (size_t)(plain - from));
        p += plain - from;
        from = plain;
        if (from < end) {
            p = put_escaped(p, &from, end);
        }
    }
    *p++ = '"';
    return p;
}

void json_key(struct json_writer *w, const char *key) {
    char *p = put_string(w, text_from(key));
    *p++ = ':';
    value_end(w, p);
    w->need_comma = false;
}

void json_text(struct json_writer *w, struct text value) {
    value_end(w, put_string(w, value));
}

void json_string(struct json_writer *w, const char *value) {
    json_text(w, text_from(value));
}

void json_int(struct json_writer *w, int64_t value) {
    char *p = value_begin(w, U64_TEXT_SIZE + 1);
    if (value < 0) {
        *p++ = '-';
    }
    uint64_t magnitude = value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
    value_end(w, p + text_format_u64(magnitude, p));
}

void json_uint(struct json_writer *w, uint64_t value) {
    char *p = value_begin(w, U64_TEXT_SIZE);
    value_end(w, p + text_format_u64(value, p));
}

void json_quantity(struct json_writer *w, int64_t milli) {
    char *p = value_begin(w, QUANTITY_TEXT_SIZE);
    value_end(w, p + quantity_format(milli, p));
}

void json_timestamp(struct json_writer *w, int64_t us) {
    char *p = value_begin(w, TIMESTAMP_TEXT_SIZE + 2);
    *p++ = '"';
    p += timestamp_format(us, p);
    *p++ = '"';
    value_end(w, p);
}

void json_double(struct json_writer *w, double value, int decimals) {
    require(decimals >= 0 && decimals <= 17);
    if (!isfinite(value)) {
        json_null(w);
        return;
    }
    char text[512]; /* the largest double has 309 digits before its point */
    int length = snprintf(text, sizeof text, "%.*f", decimals, value);
    json_raw(w, (struct text){text, (size_t)length});
}

void json_bool(struct json_writer *w, bool value) {
    json_raw(w, value ? TEXT("true") : TEXT("false"));
}

void json_null(struct json_writer *w) {
    json_raw(w, TEXT("null"));
}

void json_raw(struct json_writer *w, struct text json) {
    require(json.length > 0);
    char *p = value_begin(w, json.length);
    memcpy(p, json.data, json.length);
    value_end(w, p + json.length);
}

void json_text_or_null(struct json_writer *w, struct text value) {
    if (value.length > 0) {
        json_text(w, value);
    } else {
        json_null(w);
    }
}

/* ---- reading ---- */

void json_reader_init(struct json_reader *r, struct text input, struct arena *arena,
                      struct error *error) {
    if (input.data == NULL) {
        input.data = "";
    }
    r->input = input;
    r->position = 0;
    r->arena = arena;
    r->depth = 0;
    r->error = error;
    r->first[0] = true;
}

static const char *input_end(const struct json_reader *r) {
    return r->input.data + r->input.length;
}

/* Out of line, so that the paths that succeed stay short. */
static __attribute__((noinline, cold)) enum status refuse(struct json_reader *r, const char *at,
                                                          const char *expected) {
    size_t byte = (size_t)(at - r->input.data);
    return error_set(r->error, STATUS_BAD_JSON, "at byte %zu: %s", byte, expected);
}

static __attribute__((noinline, cold)) enum status refuse_depth(struct json_reader *r,
                                                                const char *at) {
    size_t byte = (size_t)(at - r->input.data);
    return error_set(r->error, STATUS_TOO_DEEP, "at byte %zu: nested deeper than %d levels", byte,
                     JSON_DEPTH_MAX);
}

static inline const char *skip_space(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    return p;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The four hexadecimal digits at p, or -1. */
static int32_t hex4(const char *p, const char *end) {
    if (end - p < 4) {
        return -1;
    }
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static bool is_high_surrogate(int32_t unit) {
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low_surrogate(int32_t unit) {
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* Checks the escape at *p (a backslash) and steps over it. */
static enum status check_escape(struct json_reader *r, const char **at) {
    const char *p = *at, *end = input_end(r);
    if (end - p < 2) {
        return refuse(r, end, "expected the rest of an escape");
    }
    if (p[1] != 'u') {
        if (p[1] == '\0' || strchr("\"\\/bfnrt", p[1]) == NULL) {
            return refuse(r, p, "no such escape");
        }
        *at = p + 2;
        return STATUS_OK;
    }
    int32_t unit = hex4(p + 2, end);
    if (unit < 0) {
        return refuse(r, p, "expected four hexadecimal digits after \\u");
    }
    if (unit == 0) {
        return refuse(r, p, "NUL is not allowed in a string");
    }
    *at = p + 6;
    if (is_high_surrogate(unit)) {
        bool paired =
            end - p >= 8 && p[6] == '\\' && p[7] == 'u' && is_low_surrogate(hex4(p + 8, end));
        if (!paired) {
            return refuse(r, p, "a surrogate without its other half");
        }
        *at = p + 12;
    } else if (is_low_surrogate(unit)) {
        return refuse(r, p, "a surrogate without its other half");
    }
    return STATUS_OK;
}

/* `p` is behind the opening quote; *end_out is the closing one. */
static enum status check_string(struct json_reader *r, const char *p, const char **end_out,
                                bool *escaped_out) {
    const char *end = input_end(r);
    *escaped_out = false;
    for (;;) {
        p = plain_end(p, end);
        if (p == end) {
            return refuse(r, p, "expected the end of a string");
        }
        if (*p == '"') {
            *end_out = p;
            return STATUS_OK;
        }
        if (*p == '\\') {
            *escaped_out = true;
            enum status status = check_escape(r, &p);
            if (status != STATUS_OK) {
                return status;
            }
            continue;
        }
        size_t length = text_utf8_length((struct text){p, (size_t)(end - p)});
        if (length == 0) {
            return refuse(r, p, "invalid UTF-8");
        }
        if (length == 1) {
            return refuse(r, p, "a control character must be escaped");
        }
        p += length;
    }
}

static char *put_utf8(char *out, int32_t code) {
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = (char)(0xE0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    } else {
        *out++ = (char)(0xF0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3F));
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    }
    return out;
}

/* Undoes the escapes of a string that was checked: the result is never longer. */
static struct text unescape(struct arena *arena, const char *p, const char *end) {
    char *start = arena_alloc(arena, (size_t)(end - p));
    char *out = start;
    while (p < end) {
        const char *backslash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((backslash != NULL ? backslash : end) - p);
        memcpy(out, p, plain);
        out += plain;
        p += plain;
        if (p == end) {
            break;
        }
        if (p[1] != 'u') {
            static const char written[] = "bfnrt", meant[] = "\b\f\n\r\t";
            const char *letter = strchr(written, p[1]);
            *out++ = letter != NULL ? meant[letter - written] : p[1];
            p += 2;
            continue;
        }
        int32_t code = hex4(p + 2, end);
        p += 6;
        if (is_high_surrogate(code)) {
            code = 0x10000 + ((code - 0xD800) << 10) + (hex4(p + 2, end) - 0xDC00);
            p += 6;
        }
        out = put_utf8(out, code);
    }
    return (struct text){start, (size_t)(out - start)};
}

/* Reads the string whose opening quote is at `p`; the position goes behind its closing one.
 * `text_out` is NULL where the string is skipped: then nothing is allocated. */
static enum status read_string(struct json_reader *r, const char *p, struct text *text_out) {
    const char *end = p;
    bool escaped = false;
    enum status status = check_string(r, ++p, &end, &escaped);
    if (status != STATUS_OK) {
        return status;
    }
    r->position = (size_t)(end + 1 - r->input.data);
    if (text_out == NULL) {
        return STATUS_OK;
    }
    if (escaped) {
        require(r->arena != NULL);
        *text_out = unescape(r->arena, p, end);
    } else {
        *text_out = (struct text){p, (size_t)(end - p)};
    }
    return STATUS_OK;
}

static inline bool is_digit(const char *p, const char *end) {
    return p < end && (unsigned char)(*p - '0') <= 9;
}

static inline const char *skip_digits(const char *p, const char *end) {
    while (is_digit(p, end)) {
        p++;
    }
    return p;
}

static enum status check_number(struct json_reader *r, const char *p, const char **end_out) {
    const char *end = input_end(r);
    if (*p == '-') {
        p++;
    }
    if (!is_digit(p, end)) {
        return refuse(r, p, "expected a digit");
    }
    p = *p == '0' ? p + 1 : skip_digits(p, end);
    if (is_digit(p, end)) {
        return refuse(r, p, "a number cannot begin with 0 and another digit");
    }
    if (p < end && *p == '.') {
        if (!is_digit(++p, end)) {
            return refuse(r, p, "expected a digit after the decimal point");
        }
        p = skip_digits(p, end);
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }
        if (!is_digit(p, end)) {
            return refuse(r, p, "expected a digit in the exponent");
        }
        p = skip_digits(p, end);
    }
    *end_out = p;
    return STATUS_OK;
}

static enum status check_word(struct json_reader *r, const char *p, struct text word) {
    if ((size_t)(input_end(r) - p) < word.length || memcmp(p, word.data, word.length) != 0) {
        return refuse(r, p, "expected a value");
    }
    r->position += word.length;
    return STATUS_OK;
}

static enum status read_word(struct json_reader *r, const char *p, enum json_kind *kind_out) {
    switch (*p) {
    case 't':
        *kind_out = JSON_TRUE;
        return check_word(r, p, TEXT("true"));
    case 'f':
        *kind_out = JSON_FALSE;
        return check_word(r, p, TEXT("false"));
    case 'n':
        *kind_out = JSON_NULL;
        return check_word(r, p, TEXT("null"));
    default:
        return refuse(r, p, "expected a value");
    }
}

static enum status enter(struct json_reader *r, const char *p) {
    if (r->depth == JSON_DEPTH_MAX) {
        return refuse_depth(r, p);
    }
    r->first[++r->depth] = true;
    r->position++;
    return STATUS_OK;
}

/* As json_read; a string's text only where it is `wanted`. */
static inline enum status read_value(struct json_reader *r, bool wanted,
                                     struct json_value *value_out) {
    const char *end = input_end(r);
    const char *p = skip_space(r->input.data + r->position, end);
    if (p == end) {
        return refuse(r, p, "expected a value");
    }
    r->position = (size_t)(p - r->input.data);
    value_out->text = (struct text){0};
    if (*p == '"') {
        value_out->kind = JSON_STRING;
        return read_string(r, p, wanted ? &value_out->text : NULL);
    }
    if (*p == '-' || is_digit(p, end)) {
        const char *number_end = p;
        enum status status = check_number(r, p, &number_end);
        if (status == STATUS_OK) {
            value_out->kind = JSON_NUMBER;
            value_out->text = (struct text){p, (size_t)(number_end - p)};
            r->position += value_out->text.length;
        }
        return status;
    }
    if (*p == '{' || *p == '[') {
        value_out->kind = *p == '{' ? JSON_OBJECT : JSON_ARRAY;
        return enter(r, p);
    }
    return read_word(r, p, &value_out->kind);
}

enum status json_read(struct json_reader *r, struct json_value *value_out) {
    return read_value(r, true, value_out);
}

/* What comes before a member: a comma, or nothing before the first; or the closing bracket. */
static inline enum status next_member(struct json_reader *r, char bracket, const char **at) {
    require(r->depth > 0);
    const char *end = input_end(r);
    const char *p = skip_space(r->input.data + r->position, end);
    if (p < end && *p == bracket) {
        r->position = (size_t)(p + 1 - r->input.data);
        r->depth--;
        return STATUS_END;
    }
    if (!r->first[r->depth]) {
        if (p == end || *p != ',') {
            return refuse(r, p, bracket == '}' ? "expected , or }" : "expected , or ]");
        }
        p = skip_space(p + 1, end);
    }
    r->first[r->depth] = false;
    r->position = (size_t)(p - r->input.data);
    *at = p;
    return STATUS_OK;
}

/* As json_next_key; `key_out` may be NULL. */
static inline enum status next_key(struct json_reader *r, struct text *key_out) {
    const char *p = NULL;
    enum status status = next_member(r, '}', &p);
    if (status != STATUS_OK) {
        return status;
    }
    const char *end = input_end(r);
    if (p == end || *p != '"') {
        return refuse(r, p, "expected a key in quotes");
    }
    status = read_string(r, p, key_out);
    if (status != STATUS_OK) {
        return status;
    }
    p = skip_space(r->input.data + r->position, end);
    if (p == end || *p != ':') {
        return refuse(r, p, "expected a colon");
    }
    r->position = (size_t)(p + 1 - r->input.data);
    return STATUS_OK;
}

enum status json_next_key(struct json_reader *r, struct text *key_out) {
    return next_key(r, key_out);
}

enum status json_next_item(struct json_reader *r) {
    const char *p;
    return next_member(r, ']', &p);
}

/* Steps over what is open above `floor`; bit n of `objects` says what opened depth n. */
static enum status skip_open(struct json_reader *r, unsigned floor, uint64_t objects) {
    while (r->depth > floor) {
        bool object = (objects >> r->depth & 1) != 0;
        enum status status = object ? next_key(r, NULL) : json_next_item(r);
        if (status == STATUS_END) {
            continue;
        }
        struct json_value value;
        if (status != STATUS_OK || (status = read_value(r, false, &value)) != STATUS_OK) {
            return status;
        }
        if (value.kind == JSON_OBJECT) {
            objects |= UINT64_C(1) << r->depth;
        } else if (value.kind == JSON_ARRAY) {
            objects &= ~(UINT64_C(1) << r->depth);
        }
    }
    return STATUS_OK;
}

enum status json_skip(struct json_reader *r) {
    unsigned floor = r->depth;
    struct json_value value;
    enum status status = read_value(r, false, &value);
    if (status != STATUS_OK || r->depth == floor) {
        return status;
    }
    return skip_open(r, floor, value.kind == JSON_OBJECT ? UINT64_C(1) << r->depth : 0);
}

enum status json_read_raw(struct json_reader *r, struct text *raw_out) {
    const char *start = skip_space(r->input.data + r->position, input_end(r));
    enum status status = json_skip(r);
    if (status == STATUS_OK) {
        const char *end = r->input.data + r->position;
        *raw_out = (struct text){start, (size_t)(end - start)};
    }
    return status;
}

enum status json_finish(struct json_reader *r) {
    require(r->depth == 0);
    const char *p = skip_space(r->input.data + r->position, input_end(r));
    return p == input_end(r) ? STATUS_OK : refuse(r, p, "expected nothing after the value");
}
