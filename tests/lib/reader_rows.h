/* What a reader makes of some bytes, as text that a test can compare: one line for each row, and
 * one for a file that cannot be read, or that says when it was counted. */
#ifndef ONHAND_TESTS_READER_ROWS_H
#define ONHAND_TESTS_READER_ROWS_H

#include "feed/reader.h"

/* "LINE LOCATION/TYPE:IDENTIFIER=QUANTITY[@TIME]", or "LINE CODE: DETAIL". */
void reader_rows_render(void *context, const struct stated_row *rows, size_t count);

/* Reads `file` in pieces of `piece` bytes (0: of 1 to 40, at random), each in memory of its own, so
 * that a reader that looks beyond one is found out. The report's header is empty. */
enum status reader_rows_read(struct text file, const struct reader_options *options, size_t piece,
                             struct buffer *out, struct reader_report *report, struct error *error);

/* Fails the test unless each way to cut the file gives `expected`. */
void reader_rows_expect(const char *what, struct text file, const struct reader_options *options,
                        const char *expected);

#endif
