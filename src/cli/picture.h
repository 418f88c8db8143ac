/* A picture of text: lines of a limited width, made piece by piece, each with its style.
 *
 * What does not fit is cut with an ellipsis, control characters never get in, and without colours
 * a line is its plain text. Widths are in columns of the terminal: wide characters take two. */
#ifndef ONHAND_CLI_PICTURE_H
#define ONHAND_CLI_PICTURE_H

#include "base/text.h"

enum style { STYLE_PLAIN, STYLE_QUIET, STYLE_STRONG, STYLE_GOOD, STYLE_WARN, STYLE_BAD };

struct picture {
    unsigned width;
    bool colours;
    bool plain_ascii;   /* the terminal knows no UTF-8 */
    struct buffer text; /* the lines, NUL after each */
    size_t count;       /* of whole lines */
    unsigned column;    /* of the line that is being made */
    bool cut;           /* it is full */
};

void picture_begin(struct picture *picture, unsigned width, bool colours, bool plain_ascii);
void picture_deinit(struct picture *picture);

void picture_add(struct picture *picture, enum style style, const char *text);
void picture_format(struct picture *picture, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Blanks up to this column; at least one when something stands there already. */
void picture_tab(struct picture *picture, unsigned column);
/* So that it ends before the column; whole when it is too long. */
void picture_add_right(struct picture *picture, enum style style, const char *text,
                       unsigned end_column);
void picture_end_line(struct picture *picture);
/* One bar a value, the highest full, the last values where the width does not do for all. */
void picture_bars(struct picture *picture, enum style style, const uint64_t *values, size_t count,
                  unsigned width);

const char *picture_line(const struct picture *picture, size_t index);
unsigned text_columns(const char *text);

#endif
