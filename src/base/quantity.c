/* Quantities as exact decimals: read without a float anywhere, written in the shortest form.
 *
 * Every row of a reset passes here, so the usual figure ("4", "-1", "0.75") costs one pass over its
 * characters. A well-formed figure beyond the range is told apart from a malformed one, because the
 * person who has to mend the file needs to know which it is. */
#include "base/quantity.h"

#define MILLI_PER_UNIT 1000
#define DECIMALS_MAX 3
/* Beyond it a whole part is out of range however it goes on; ten times it is still far from 2^63.
 */
#define WHOLE_MAX (QUANTITY_MAX_MILLI / MILLI_PER_UNIT)

static bool is_digit(char c) {
    return (unsigned char)(c - '0') <= 9;
}

/* Stays beyond `most` once it got there, so that 400 digits cannot wrap around. */
static int64_t add_digit(int64_t value, char digit, int64_t most) {
    return value > most ? value : value * 10 + (digit - '0');
}

static enum status quantity_finish(int64_t milli, bool negative, int64_t *milli_out) {
    if (milli > QUANTITY_MAX_MILLI) {
        return STATUS_OUT_OF_RANGE;
    }
    *milli_out = negative ? -milli : milli;
    return STATUS_OK;
}

/* Digits, then perhaps `point` and one to three digits, and nothing else. */
static enum status parse_unsigned(const char *p, const char *end, char point, bool negative,
                                  int64_t *milli_out) {
    static const int64_t scale[DECIMALS_MAX + 1] = {1000, 100, 10, 1};
    const char *digits = p;
    int64_t whole = 0;
    while (p < end && is_digit(*p)) {
        whole = add_digit(whole, *p++, WHOLE_MAX);
    }
    if (p == digits) {
        return STATUS_BAD_QUANTITY;
    }
    int64_t milli = whole * MILLI_PER_UNIT;
    if (p < end) {
        if (*p++ != point) {
            return STATUS_BAD_QUANTITY;
        }
        int64_t fraction = 0;
        const char *decimals = p;
        if (end - p < 1 || end - p > DECIMALS_MAX) {
            return STATUS_BAD_QUANTITY;
        }
        while (p < end && is_digit(*p)) {
            fraction = fraction * 10 + (*p++ - '0');
        }
        if (p < end) {
            return STATUS_BAD_QUANTITY;
        }
        milli += fraction * scale[end - decimals];
    }
    return quantity_finish(milli, negative, milli_out);
}

enum status quantity_parse(struct text text, bool decimal_comma, int64_t *milli_out) {
    require(milli_out != NULL);
    const char *p = text.data;
    const char *end = text.length > 0 ? p + text.length : p;
    if (p == end) {
        return STATUS_BAD_QUANTITY;
    }
    bool negative = *p == '-';
    if (negative || *p == '+') {
        p++;
    }
    return parse_unsigned(p, end, decimal_comma ? ',' : '.', negative, milli_out);
}

/* ---- JSON numbers ---- */

struct scientific {
    const char *digits, *digits_end; /* the mantissa, a point among its digits perhaps */
    int64_t decimals;                /* digits behind the point */
    int64_t exponent;                /* kept within +-EXPONENT_MAX */
};

#define EXPONENT_MAX 1000000

static bool scientific_split(const char *p, const char *end, struct scientific *parts) {
    *parts = (struct scientific){.digits = p};
    while (p < end && is_digit(*p)) {
        p++;
    }
    if (p == parts->digits) {
        return false;
    }
    if (p < end && *p == '.') {
        const char *decimals = ++p;
        while (p < end && is_digit(*p)) {
            p++;
        }
        parts->decimals = p - decimals;
        if (parts->decimals == 0) {
            return false;
        }
    }
    parts->digits_end = p;
    if (p == end || (*p != 'e' && *p != 'E')) {
        return false;
    }
    p++;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }
    const char *exponent = p;
    while (p < end && is_digit(*p)) {
        parts->exponent = add_digit(parts->exponent, *p++, EXPONENT_MAX);
    }
    parts->exponent = negative ? -parts->exponent : parts->exponent;
    return p > exponent && p == end;
}

/* The value is the mantissa's digits times 10^power milli-units. Zeros at the end of the mantissa
 * are moved into the power first: 2500e-4 is as good a way to write 0.25 as 25e-2. */
static enum status parse_scientific(const char *p, const char *end, bool negative,
                                    int64_t *milli_out) {
    struct scientific parts;
    if (!scientific_split(p, end, &parts)) {
        return STATUS_BAD_QUANTITY;
    }
    int64_t power = parts.exponent - parts.decimals + DECIMALS_MAX;
    const char *last = parts.digits_end;
    while (last > parts.digits && (last[-1] == '0' || last[-1] == '.')) {
        power += *--last == '0';
    }
    int64_t milli = 0;
    for (p = parts.digits; p < last; p++) {
        if (*p != '.') {
            milli = add_digit(milli, *p, QUANTITY_MAX_MILLI);
        }
    }
    if (milli == 0) {
        *milli_out = 0;
        return STATUS_OK;
    }
    if (power < 0) {
        return STATUS_BAD_QUANTITY;
    }
    while (power > 0 && milli <= QUANTITY_MAX_MILLI) {
        milli *= 10;
        power--;
    }
    return quantity_finish(milli, negative, milli_out);
}

enum status quantity_parse_json(struct text number, int64_t *milli_out) {
    require(milli_out != NULL);
    const char *p = number.data;
    const char *end = number.length > 0 ? p + number.length : p;
    bool negative = p < end && *p == '-';
    if (negative) {
        p++;
    }
    if (end - p >= 2 && p[0] == '0' && is_digit(p[1])) {
        return STATUS_BAD_QUANTITY; /* JSON has no leading zeros */
    }
    for (const char *q = p; q < end; q++) {
        if (*q == 'e' || *q == 'E') {
            return parse_scientific(p, end, negative, milli_out);
        }
    }
    return parse_unsigned(p, end, '.', negative, milli_out);
}

/* ---- writing ---- */

size_t quantity_format(int64_t milli, char out[QUANTITY_TEXT_SIZE]) {
    uint64_t magnitude = milli < 0 ? UINT64_C(0) - (uint64_t)milli : (uint64_t)milli;
    char *p = out;
    if (milli < 0) {
        *p++ = '-';
    }
    p += text_format_u64(magnitude / MILLI_PER_UNIT, p);
    unsigned fraction = (unsigned)(magnitude % MILLI_PER_UNIT);
    if (fraction > 0) {
        *p++ = '.';
        *p++ = (char)('0' + fraction / 100);
        *p++ = (char)('0' + fraction / 10 % 10);
        *p++ = (char)('0' + fraction % 10);
        while (p[-1] == '0') {
            p--;
        }
        *p = '\0';
    }
    return (size_t)(p - out);
}

void buffer_append_quantity(struct buffer *buffer, int64_t milli) {
    buffer_reserve(buffer, QUANTITY_TEXT_SIZE);
    buffer->length += quantity_format(milli, buffer->data + buffer->length);
}
