/* Quantities: integers in thousandths of a unit (milli-units). No floating point near stock.
 *
 * A single quantity is bounded by QUANTITY_MAX_MILLI (a thousand billion units), a balance by
 * BALANCE_MAX_MILLI; sums are checked, never wrapped. */
#ifndef ONHAND_BASE_QUANTITY_H
#define ONHAND_BASE_QUANTITY_H

#include "base/status.h"
#include "base/text.h"

#define QUANTITY_MAX_MILLI INT64_C(1000000000000000)
#define BALANCE_MAX_MILLI INT64_C(1000000000000000000)
#define QUANTITY_TEXT_SIZE 32

/* Optional sign, digits, optionally a decimal point and at most three decimals; nothing else (no
 * spaces, exponent, group separators). `decimal_comma`: the decimal sign is a comma instead.
 * STATUS_BAD_QUANTITY, or STATUS_OUT_OF_RANGE beyond QUANTITY_MAX_MILLI. */
must_check enum status quantity_parse(struct text text, bool decimal_comma, int64_t *milli_out);

/* A JSON number: as above but with JSON's grammar (no plus sign; an exponent is accepted where the
 * value is still an exact multiple of a thousandth: 1e3, 25e-2). */
must_check enum status quantity_parse_json(struct text number, int64_t *milli_out);

/* Shortest exact decimal: "4.75", "-1", "0". Returns the length; `out` is NUL-terminated. */
size_t quantity_format(int64_t milli, char out[QUANTITY_TEXT_SIZE]);
void buffer_append_quantity(struct buffer *buffer, int64_t milli);

/* sum_out = a + b within +-BALANCE_MAX_MILLI, else STATUS_OUT_OF_RANGE and sum_out untouched. */
must_check static inline enum status balance_add(int64_t a_milli, int64_t b_milli,
                                                 int64_t *sum_out) {
    int64_t sum;
    if (__builtin_add_overflow(a_milli, b_milli, &sum) || sum > BALANCE_MAX_MILLI ||
        sum < -BALANCE_MAX_MILLI)
        return STATUS_OUT_OF_RANGE;
    *sum_out = sum;
    return STATUS_OK;
}

#endif
