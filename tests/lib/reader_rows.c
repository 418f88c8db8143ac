/* Pieces of every small size find what depends on how a file is cut; large ones the usual way. */
#include "reader_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/quantity.h"
#include "base/timestamp.h"

void reader_rows_render(void *context, const struct stated_row *rows, size_t count) {
    struct buffer *out = context;
    for (size_t i = 0; i < count; i++) {
        const struct stated_row *row = &rows[i];
        buffer_append_format(out, "%llu ", (unsigned long long)row->line);
        if (row->problem != STATUS_OK) {
            require(row->problem_detail != NULL);
            buffer_append_format(out, "%s: %s\n", status_code(row->problem), row->problem_detail);
            continue;
        }
        buffer_append_format(out, "%.*s/%.*s:%.*s=", TEXT_ARG(row->location),
                             TEXT_ARG(row->id_type), TEXT_ARG(row->identifier));
        buffer_append_quantity(out, row->quantity_milli);
        if (row->as_of_us != NEVER_US) {
            buffer_append_string(out, "@");
            buffer_append_timestamp(out, row->as_of_us);
        }
        buffer_append_string(out, "\n");
    }
}

enum status reader_rows_read(struct text file, const struct reader_options *options, size_t piece,
                             struct buffer *out, struct reader_report *report,
                             struct error *error) {
    struct reader_sink sink = {reader_rows_render, out};
    struct reader *reader = NULL;
    enum status status = reader_new(options, &sink, &reader, error);
    require(status == STATUS_OK);
    for (size_t at = 0; at < file.length && status == STATUS_OK;) {
        size_t length = piece > 0 ? piece : 1 + (size_t)rand() % 40;
        length = length < file.length - at ? length : file.length - at;
        char *copy = malloc(length);
        require(copy != NULL);
        memcpy(copy, file.data + at, length);
        status = reader_feed(reader, copy, length);
        free(copy);
        at += length;
    }
    status = reader_finish(reader, error);
    reader_report(reader, report);
    report->header = TEXT("");
    reader_free(reader);
    if (status == STATUS_OK && report->as_of_us != NEVER_US) {
        buffer_append_string(out, "as of ");
        buffer_append_timestamp(out, report->as_of_us);
        buffer_append_string(out, "\n");
    }
    if (status != STATUS_OK) {
        buffer_append_format(out, "%s at %lu: %s\n", status_code(status), error->line,
                             error->detail);
    }
    return status;
}

void reader_rows_expect(const char *what, struct text file, const struct reader_options *options,
                        const char *expected) {
    static const size_t pieces[] = {1 << 20, 1, 2, 3, 7, 64, 100, 0};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct buffer out = {0};
        struct reader_report report;
        struct error error = {STATUS_OK, 0, "", ""};
        enum status status = reader_rows_read(file, options, pieces[i], &out, &report, &error);
        buffer_append(&out, "", 0);
        const char *got = out.data != NULL ? out.data : "";
        if (strcmp(got, expected) != 0) {
            fail_msg("%s, in pieces of %zu:\n%s(%s)\nexpected:\n%s", what, pieces[i], got,
                     status_code(status), expected);
        }
        buffer_deinit(&out);
    }
}
