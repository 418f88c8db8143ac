/* Any bytes as a quantity: the two parsers agree with a slow model and with each other, and what
 * was read is written and read back. */
#include "base/quantity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* A decimal without an exponent, by a grammar spelled out; the value in a wider type. */
static enum status model(struct text text, bool json, char point, int64_t *milli_out) {
    size_t i = 0;
    bool negative = text.length > 0 && text.data[0] == '-';
    if (negative || (text.length > 0 && text.data[0] == '+' && !json)) {
        i++;
    }
    size_t first = i, decimals = 0;
    __extension__ unsigned __int128 value = 0;
    const uint64_t enough = UINT64_MAX;
    for (; i < text.length && is_digit(text.data[i]); i++) {
        value = value > enough ? value : value * 10 + (unsigned)(text.data[i] - '0');
    }
    if (i == first || (json && i > first + 1 && text.data[first] == '0')) {
        return STATUS_BAD_QUANTITY;
    }
    bool fraction = i < text.length && text.data[i] == point;
    for (i += fraction; fraction && i < text.length && is_digit(text.data[i]); i++) {
        value = value > enough ? value : value * 10 + (unsigned)(text.data[i] - '0');
        decimals++;
    }
    if (i != text.length || (fraction && decimals == 0) || decimals > 3) {
        return STATUS_BAD_QUANTITY;
    }
    for (; decimals < 3; decimals++) {
        value *= 10;
    }
    if (value > (uint64_t)QUANTITY_MAX_MILLI) {
        return STATUS_OUT_OF_RANGE;
    }
    *milli_out = negative ? -(int64_t)value : (int64_t)value;
    return STATUS_OK;
}

static void check_round_trip(int64_t milli) {
    char out[QUANTITY_TEXT_SIZE];
    struct text text = {out, quantity_format(milli, out)};
    int64_t again = 0;
    require(milli >= -QUANTITY_MAX_MILLI && milli <= QUANTITY_MAX_MILLI);
    require(text.length == strlen(out));
    require(quantity_parse(text, false, &again) == STATUS_OK && again == milli);
    require(quantity_parse_json(text, &again) == STATUS_OK && again == milli);
}

static void check_file(struct text text, bool decimal_comma) {
    int64_t milli = 1, expected = 1;
    enum status status = quantity_parse(text, decimal_comma, &milli);
    require(status == model(text, false, decimal_comma ? ',' : '.', &expected));
    require(milli == expected);
    if (status == STATUS_OK) {
        check_round_trip(milli);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text text = {(const char *)data, size};
    check_file(text, false);
    check_file(text, true);
    int64_t milli = 1, expected = 1;
    enum status status = quantity_parse_json(text, &milli);
    require(status == STATUS_OK || milli == 1);
    if (memchr(text.data, 'e', size) == NULL && memchr(text.data, 'E', size) == NULL) {
        require(status == model(text, true, '.', &expected) && milli == expected);
    }
    if (status == STATUS_OK) {
        check_round_trip(milli);
    }
    return 0;
}
