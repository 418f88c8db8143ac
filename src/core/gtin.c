/* Reading a GTIN in whatever form it comes.
 *
 * The weights of the check digit are counted from the right, so zeros in front change nothing: one
 * sum proves all forms at once, and only the digits behind the leading zeros count. */
#include "core/gtin.h"

#include "base/status.h"

#define DIGITS_MAX 14

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

unsigned gtin_check_digit(const char *digits, size_t length) {
    unsigned sum = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)(digits[length - 1 - i] - '0');
        require(digit <= 9);
        sum += i % 2 == 0 ? 3 * digit : digit;
    }
    return (10 - sum % 10) % 10;
}

/* What spreadsheets and people put around a number. */
static struct text bare(struct text text) {
    text = text_trim(text);
    if (text.length > 1 && text.data[0] == '\'') {
        text.data++;
        text.length--;
    }
    return text_trim(text);
}

/* "1.23E+11", "1E12": digits, one point or comma among them, then an exponent. */
static bool is_scientific(struct text text) {
    size_t at = 0, points = 0;
    while (at < text.length &&
           (is_digit(text.data[at]) || text.data[at] == '.' || text.data[at] == ',')) {
        points += !is_digit(text.data[at++]);
    }
    if (at == 0 || at == text.length || points > 1 || (text.data[at] | 0x20) != 'e') {
        return false;
    }
    at++;
    bool is_signed = at < text.length && (text.data[at] == '+' || text.data[at] == '-');
    at += is_signed ? 1 : 0;
    size_t digits = at;
    while (at < text.length && is_digit(text.data[at])) {
        at++;
    }
    /* "1234E5" is somebody's code; with a point or a sign it is a number. */
    return at == text.length && at > digits && (is_signed || points == 1);
}

/* Cuts ".0", ".00", ",0" off the end. */
static bool cut_decimal(struct text *text) {
    size_t end = text->length;
    while (end > 0 && text->data[end - 1] == '0') {
        end--;
    }
    bool is_decimal =
        end > 1 && end < text->length && (text->data[end - 1] == '.' || text->data[end - 1] == ',');
    if (is_decimal) {
        text->length = end - 1;
    }
    return is_decimal;
}

struct digits {
    char all[DIGITS_MAX + 1]; /* without zeros in front */
    size_t count;             /* of them; DIGITS_MAX + 1: too many */
    size_t written;           /* with zeros in front */
};

/* False: there is something else among them. */
static bool gather_digits(struct text text, struct digits *digits) {
    *digits = (struct digits){.count = 0};
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        bool inside = i > 0 && i + 1 < text.length;
        if (inside && (c == ' ' || c == '-') && is_digit(text.data[i - 1])) {
            continue;
        }
        if (!is_digit(c)) {
            return false;
        }
        digits->written++;
        if ((c != '0' || digits->count > 0) && digits->count <= DIGITS_MAX) {
            digits->all[digits->count++] = c;
        }
    }
    return digits->written > 0;
}

static bool is_whole_form(size_t written) {
    return written == 8 || written == 12 || written == 13 || written == 14;
}

static enum gtin_verdict judge(const struct digits *digits) {
    if (digits->count > DIGITS_MAX) {
        return GTIN_LONG;
    }
    if (digits->count == 0) {
        return GTIN_ZERO;
    }
    if (digits->count < GTIN_DIGITS_MIN && !is_whole_form(digits->written)) {
        return GTIN_SHORT;
    }
    unsigned check = (unsigned)(digits->all[digits->count - 1] - '0');
    return gtin_check_digit(digits->all, digits->count - 1) == check ? GTIN_PROVEN
                                                                     : GTIN_WRONG_CHECK;
}

/* The eleven digits in front of a UPC-A's check digit, from the six in the middle of its UPC-E: the
 * last of them tells where zeros were left out. */
static void expand_upce(const char *upce, char upca[11]) {
    const char *digits = upce + 1;
    size_t kept = digits[5] <= '2' ? 2 : digits[5] == '3' ? 3 : digits[5] == '4' ? 4 : 5;
    memset(upca, '0', 11);
    upca[0] = upce[0];
    memcpy(upca + 1, digits, kept);
    if (digits[5] <= '2') {
        upca[3] = digits[5];
        memcpy(upca + 8, digits + 2, 3);
    } else if (kept < 5) {
        memcpy(upca + 6 + kept, digits + kept, 5 - kept);
    } else {
        upca[10] = digits[5];
    }
}

/* Whether the digits are a UPC-E; they become those of its UPC-A. Eight digits, of number system 0
 * or 1, or seven behind a zero that was dropped. */
static bool read_upce(struct digits *digits) {
    char upce[8], upca[12];
    bool dropped = digits->written == 7 && digits->count == 7;
    if (digits->written != sizeof(upce) && !dropped) {
        return false;
    }
    memset(upce, '0', sizeof(upce));
    memcpy(upce + sizeof(upce) - digits->count, digits->all, digits->count);
    if (upce[0] > '1') {
        return false;
    }
    expand_upce(upce, upca);
    upca[11] = upce[7];
    if (gtin_check_digit(upca, 11) != (unsigned)(upca[11] - '0')) {
        return false;
    }
    return gather_digits((struct text){upca, sizeof(upca)}, digits) && digits->count > 0;
}

static void write_canonical(const struct digits *digits, char out[GTIN_SIZE]) {
    size_t length = digits->count <= 8 ? 8 : digits->count <= 12 ? 12 : digits->count;
    size_t zeros = length - digits->count;
    memset(out, '0', zeros);
    memcpy(out + zeros, digits->all, digits->count);
    out[length] = '\0';
}

enum gtin_verdict gtin_read(struct text text, char canonical_out[GTIN_SIZE]) {
    struct digits digits;
    text = bare(text);
    if (is_scientific(text)) {
        return GTIN_SCIENTIFIC;
    }
    bool is_decimal = cut_decimal(&text);
    if (!gather_digits(text, &digits)) {
        return GTIN_NO_NUMBER;
    }
    enum gtin_verdict verdict = judge(&digits);
    if (verdict == GTIN_WRONG_CHECK && read_upce(&digits)) {
        verdict = GTIN_PROVEN;
    }
    if (verdict == GTIN_PROVEN) {
        write_canonical(&digits, canonical_out);
    } else if (is_decimal && !gtin_is_refused(verdict)) {
        verdict = GTIN_DECIMAL;
    }
    return verdict;
}

bool gtin_is_refused(enum gtin_verdict verdict) {
    return verdict == GTIN_ZERO || verdict == GTIN_SCIENTIFIC || verdict == GTIN_DECIMAL;
}

const char *gtin_reason(enum gtin_verdict verdict) {
    static const char *const reasons[GTIN_VERDICTS] = {
        [GTIN_PROVEN] = "the check digit is right",
        [GTIN_NO_NUMBER] = "no GTIN (something other than digits): kept as it is",
        [GTIN_SHORT] = "too few digits to prove a GTIN: kept as it is",
        [GTIN_LONG] = "more than 14 digits: kept as it is",
        [GTIN_WRONG_CHECK] = "the check digit is wrong: kept as it is",
        [GTIN_ZERO] = "a GTIN of nothing but zeros",
        [GTIN_SCIENTIFIC] = "a GTIN in scientific notation (1.23E+11): its digits are lost",
        [GTIN_DECIMAL] = "a GTIN with a decimal point whose check digit proves nothing",
    };
    require(verdict < GTIN_VERDICTS);
    return reasons[verdict];
}
