/* A reader for each file; what the first one found out about its header holds for all. */
#include "feed/entries.h"

#include <stdio.h>

/* As much of a name as a message has room for. */
#define NAME_ARG(name) (int)((name).length < 80 ? (name).length : 80), (name).data

struct entries {
    const struct reader_options *options;
    const struct reader_sink *rows;
    struct reader *reader; /* of the present file */
    struct arena arena;
    struct text first_name, first_header, name;
    struct reader_report report; /* of those that are through */
    size_t count;
};

static void add_rows(void *context, const struct stated_row *rows, size_t count) {
    struct entries *entries = context;
    struct stated_row moved[READER_BATCH];
    require(count <= READER_BATCH);
    for (size_t i = 0; i < count; i++) {
        moved[i] = rows[i];
        moved[i].line += entries->report.lines;
    }
    entries->rows->rows(entries->rows->context, moved, count);
}

static enum status begin(void *context, struct text name, struct error *error) {
    struct entries *entries = context;
    struct reader_sink sink = {add_rows, entries};
    entries->name = name;
    return reader_new(entries->options, &sink, &entries->reader, error);
}

static enum status bytes(void *context, const void *data, size_t length) {
    struct entries *entries = context;
    return reader_feed(entries->reader, data, length);
}

/* The first file's header is everybody's: a column that is missing in one would be a mistake that
 * nobody sees. Where each object names its values there is none to compare. */
static enum status check_header(struct entries *entries, const struct reader_report *report,
                                struct error *error) {
    if (entries->first_name.length == 0) {
        entries->first_name = entries->name;
        entries->first_header = arena_copy(&entries->arena, report->header);
        entries->report.format = report->format;
        entries->report.encoding = report->encoding;
        entries->report.delimiter = report->delimiter;
        return STATUS_OK;
    }
    bool csv = strcmp(report->format, "csv") == 0;
    if (strcmp(report->format, entries->report.format) != 0 ||
        (csv && !text_equal_ignore_case(report->header, entries->first_header))) {
        return error_set(error, STATUS_UNREADABLE,
                         "%.*s in the archive has not the same columns as %.*s",
                         NAME_ARG(entries->name), NAME_ARG(entries->first_name));
    }
    return STATUS_OK;
}

static enum status end(void *context, struct error *error) {
    struct entries *entries = context;
    struct reader_report report;
    struct error why = {STATUS_OK, 0, "", ""};
    enum status status = reader_finish(entries->reader, &why);
    reader_report(entries->reader, &report);
    if (status != STATUS_OK) {
        char words[sizeof(why.detail)];
        snprintf(words, sizeof(words), "%s", why.detail);
        error_set(error, status, "in %.*s: %.150s", NAME_ARG(entries->name), words);
        error->line = why.line;
    } else {
        status = check_header(entries, &report, error);
    }
    if (status == STATUS_OK && entries->count++ > 0 &&
        entries->report.as_of_us != report.as_of_us) {
        status = error_set(error, STATUS_UNREADABLE,
                           "%.*s in the archive was counted at another time (as_of) than %.*s",
                           NAME_ARG(entries->name), NAME_ARG(entries->first_name));
    }
    if (status == STATUS_OK && entries->count > 1 &&
        strcmp(entries->report.source, report.source) != 0) {
        status =
            error_set(error, STATUS_UNREADABLE, "%.*s in the archive has another source than %.*s",
                      NAME_ARG(entries->name), NAME_ARG(entries->first_name));
    }
    memcpy(entries->report.source, report.source, sizeof(report.source));
    entries->report.as_of_us = report.as_of_us;
    entries->report.lines += report.lines;
    entries->report.rows += report.rows;
    entries->report.rejected_rows += report.rejected_rows;
    entries->report.open_end |= report.open_end;
    report.trailer.line += entries->report.lines - report.lines;
    if (report.trailer.differs || !entries->report.trailer.differs) {
        entries->report.trailer = report.trailer; /* one that is wrong is enough */
    }
    reader_free(entries->reader);
    entries->reader = NULL;
    return status;
}

enum status entries_read(int fd, enum bundle_kind kind, const struct reader_options *options,
                         const struct reader_sink *rows, struct reader_report *report_out,
                         struct error *error) {
    struct entries entries = {.options = options,
                              .rows = rows,
                              .report = {.format = "", .encoding = "UTF-8", .as_of_us = NEVER_US}};
    struct bundle_sink sink = {begin, bytes, end, &entries};
    enum status status = bundle_read(fd, kind, NULL, &sink, error);
    *report_out = entries.report;
    report_out->header = TEXT("");
    reader_free(entries.reader);
    arena_deinit(&entries.arena);
    return status;
}
