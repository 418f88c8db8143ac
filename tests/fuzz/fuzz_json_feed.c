/* Any bytes as JSON or NDJSON: whole and in pieces they give the same rows. The size of the pieces
 * and the format come from the first bytes. */
#include <stdlib.h>

#include "reader_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const enum config_format formats[] = {CONFIG_FORMAT_AUTO, CONFIG_FORMAT_JSON,
                                                 CONFIG_FORMAT_NDJSON};
    if (size < 2) {
        return 0;
    }
    struct reader_options options = {.format = formats[data[0] % 3],
                                     .decimal_comma = (data[0] & 0x80) != 0};
    if ((data[0] & 0x20) != 0) {
        options.as_of_column = TEXT("t");
    }
    struct text file = {(const char *)data + 2, size - 2};
    struct buffer whole = {0}, pieces = {0};
    struct reader_report a, b;
    struct error error;
    enum status one = reader_rows_read(file, &options, size, &whole, &a, &error);
    enum status two = reader_rows_read(file, &options, data[1] + (size_t)1, &pieces, &b, &error);
    require(one == two && (one == STATUS_OK || one == STATUS_UNREADABLE));
    require(text_equal(buffer_text(&whole), buffer_text(&pieces)));
    require(a.lines == b.lines && a.rows == b.rows && a.rejected_rows == b.rejected_rows);
    buffer_deinit(&whole);
    buffer_deinit(&pieces);
    return 0;
}
