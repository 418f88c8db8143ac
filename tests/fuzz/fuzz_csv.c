/* Any bytes as CSV: whole and in pieces they give the same rows; the sizes of the pieces and the
 * options come from the first bytes. Quantities and texts stay within their bounds. */
#include <stdlib.h>

#include "base/quantity.h"
#include "feed/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    struct buffer text;
    enum status status;
    struct reader_report report;
};

static void take(void *context, const struct stated_row *rows, size_t count) {
    struct buffer *out = context;
    require(count > 0 && count <= READER_BATCH);
    for (size_t i = 0; i < count; i++) {
        const struct stated_row *row = &rows[i];
        require(row->raw.length <= READER_RECORD_MAX * 3);
        buffer_append_format(out, "%llu %d %lld %lld ", (unsigned long long)row->line,
                             (int)row->problem, (long long)row->quantity_milli,
                             (long long)row->as_of_us);
        buffer_append_text(out, row->location);
        buffer_append_string(out, "/");
        buffer_append_text(out, row->id_type);
        buffer_append_string(out, ":");
        buffer_append_text(out, row->identifier);
        buffer_append_string(out, "\n");
        require(row->problem != STATUS_OK ||
                (text_is_utf8(row->identifier) && row->identifier.length > 0 &&
                 row->quantity_milli <= QUANTITY_MAX_MILLI &&
                 row->quantity_milli >= -QUANTITY_MAX_MILLI));
    }
}

static void read_all(const uint8_t *data, size_t size, const struct reader_options *options,
                     size_t piece, struct result *result) {
    struct reader_sink sink = {take, &result->text};
    struct reader *reader = NULL;
    struct error error;
    enum status status = reader_new(options, &sink, &reader, &error);
    require(status == STATUS_OK);
    for (size_t at = 0; at < size && status == STATUS_OK; at += piece) {
        size_t length = piece < size - at ? piece : size - at;
        char *copy = malloc(length); /* so that looking beyond it is found */
        require(copy != NULL);
        memcpy(copy, data + at, length);
        status = reader_feed(reader, copy, length);
        free(copy);
    }
    result->status = reader_finish(reader, &error);
    require(result->status == STATUS_OK || result->status == STATUS_UNREADABLE);
    reader_report(reader, &result->report);
    reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char delimiters[] = {0, ',', ';', '\t', '|'};
    if (size < 2) {
        return 0;
    }
    struct reader_options options = {.format = CONFIG_FORMAT_CSV,
                                     .delimiter = delimiters[data[0] % sizeof(delimiters)],
                                     .decimal_comma = (data[0] & 0x80) != 0,
                                     .location_given = (data[0] & 0x40) != 0};
    static const char *const trailers[] = {"", "none", "T*{rows}|{units}", "auto"};
    options.trailer = text_from(trailers[data[0] >> 3 & 3]);
    if ((data[0] & 0x20) != 0) {
        options.as_of_column = TEXT("t");
    }
    size_t piece = data[1] + (size_t)1;
    struct result whole = {0}, pieces = {0};
    read_all(data + 2, size - 2, &options, size, &whole);
    read_all(data + 2, size - 2, &options, piece, &pieces);
    require(whole.status == pieces.status);
    require(text_equal(buffer_text(&whole.text), buffer_text(&pieces.text)));
    require(whole.report.lines == pieces.report.lines && whole.report.rows == pieces.report.rows &&
            whole.report.rejected_rows == pieces.report.rejected_rows);
    const struct reset_trailer *a = &whole.report.trailer, *b = &pieces.report.trailer;
    require(a->found == b->found && a->differs == b->differs && a->line == b->line &&
            a->rows == b->rows && a->said_rows == b->said_rows && a->units_milli == b->units_milli);
    require(!a->found || a->rows == whole.report.rows);
    buffer_deinit(&whole.text);
    buffer_deinit(&pieces.text);
    return 0;
}
