/* One number for one product: UPC-A, EAN-13, GTIN-14 and EAN-8 are the same thing written with more
 * or fewer zeros in front, and the check digit is the same in all of them.
 *
 * The canonical form is the shortest of 8, 12, 13 and 14 digits that holds the number. A number
 * becomes it only when its check digit proves it; so zeros that a spreadsheet dropped come back.
 * What is no such number is kept as it is; what a spreadsheet has damaged beyond repair is refused.
 * Eight digits that are no EAN-8, but a UPC-E by their check digit, are the UPC-A it is short for;
 * so are the seven that are left when its zero in front was dropped. Its six digits alone prove
 * nothing. One UPC-E in ten has the check digit of an EAN-8 too, and is taken for that, as it is
 * with zeros in front. */
#ifndef ONHAND_CORE_GTIN_H
#define ONHAND_CORE_GTIN_H

#include "base/text.h"

#define GTIN_SIZE 15 /* the longest canonical form and a NUL */
/* Numbers of other lengths than 8, 12, 13, 14 with fewer digits than this (zeros in front not
 * counted) prove nothing: every tenth number has a right check digit. */
#define GTIN_DIGITS_MIN 7

enum gtin_verdict {
    GTIN_PROVEN,      /* the canonical form was written */
    GTIN_NO_NUMBER,   /* kept: something other than digits */
    GTIN_SHORT,       /* kept: too few digits */
    GTIN_LONG,        /* kept: more than 14 digits */
    GTIN_WRONG_CHECK, /* kept: the check digit is another */
    GTIN_ZERO,        /* refused: nothing but zeros */
    GTIN_SCIENTIFIC,  /* refused: 1.23E+11, digits are lost */
    GTIN_DECIMAL,     /* refused: a decimal point, and the check digit proves nothing */
    GTIN_VERDICTS
};

/* `text` may have spaces around it, a leading apostrophe, a trailing ".0", and spaces or hyphens
 * between digits. canonical_out is written (with a NUL) only when it is proven. */
enum gtin_verdict gtin_read(struct text text, char canonical_out[GTIN_SIZE]);

bool gtin_is_refused(enum gtin_verdict verdict);
const char *gtin_reason(enum gtin_verdict verdict); /* for people; static */

/* The check digit of `length` digits that stand before it. */
unsigned gtin_check_digit(const char *digits, size_t length);

#endif
