/* Any bytes as XML: whole and in pieces they give the same rows. The size of the pieces comes from
 * the first byte. Only expat's words for what is wrong may depend on how it came. */
#include <stdlib.h>

#include "reader_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Without the line that says why the file cannot be read. */
static struct text rows_of(const struct buffer *out, enum status status) {
    struct text rows = buffer_text(out);
    if (status != STATUS_OK) {
        rows.length--;
        while (rows.length > 0 && rows.data[rows.length - 1] != '\n') {
            rows.length--;
        }
    }
    return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    struct reader_options options = {.format = CONFIG_FORMAT_XML};
    struct text file = {(const char *)data + 1, size - 1};
    struct buffer whole = {0}, pieces = {0};
    struct reader_report a, b;
    struct error error;
    enum status one = reader_rows_read(file, &options, size, &whole, &a, &error);
    enum status two = reader_rows_read(file, &options, data[0] + (size_t)1, &pieces, &b, &error);
    require(one == two && (one == STATUS_OK || one == STATUS_UNREADABLE));
    require(text_equal(rows_of(&whole, one), rows_of(&pieces, two)));
    require(a.rows == b.rows && a.rejected_rows == b.rejected_rows);
    buffer_deinit(&whole);
    buffer_deinit(&pieces);
    return 0;
}
