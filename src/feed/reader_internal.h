/* What a format is to the reader: a row of a table, and where it puts its rows.
 *
 * The reader finds out the encoding and hands a format UTF-8 (or bytes that may turn out to be
 * Windows-1252, where nothing told the encoding: see struct text_encoding). */
#ifndef ONHAND_FEED_READER_INTERNAL_H
#define ONHAND_FEED_READER_INTERNAL_H

#include "feed/reader.h"

/* Rows on their way to the sink. Their texts point into what is being fed, or into `scratch`; so a
 * format flushes before either goes away. */
struct row_output {
    struct reader_sink sink;
    struct stated_row rows[READER_BATCH];
    size_t count;
    uint64_t total, rejected;
    struct arena scratch;
};

static inline struct stated_row *row_output_next(struct row_output *output) {
    return &output->rows[output->count];
}
void row_output_flush(struct row_output *output);
/* The row that row_output_next gave is filled. */
static inline void row_output_push(struct row_output *output) {
    output->total++;
    output->rejected += output->rows[output->count].problem != STATUS_OK;
    if (++output->count == READER_BATCH) {
        row_output_flush(output);
    }
}

struct reader_format {
    enum config_format format;
    const char *name;
    void *(*new)(const struct reader_options *options, struct row_output *output);
    void (*free)(void *state);
    /* STATUS_UNREADABLE ends it; the reason stays for finish. */
    enum status (*feed)(void *state, const char *data, size_t length);
    enum status (*finish)(void *state, struct error *error);
    void (*report)(const void *state, struct reader_report *report);
    /* The encoding is certain: bytes that are not UTF-8 are mistakes, never Windows-1252. */
    void (*encoding_is_certain)(void *state);
    /* A second state, to begin at a record further on in the same file: NULL when it cannot (the
     * header has not been read yet). The field is NULL for formats that cannot be cut. */
    void *(*fork)(const void *state, struct row_output *output);
    /* `first` has come to the place where `part` began, and `part` to its end: whether what part
     * took for granted was so. Then first gives out what it held back, and part takes over what has
     * to be known of all before it. */
    bool (*part_is_sound)(void *first, void *part);
};

extern const struct reader_format reader_format_csv;
extern const struct reader_format reader_format_ndjson;
extern const struct reader_format reader_format_json;
extern const struct reader_format reader_format_xml;

/* A reader for a later part of the same file; NULL where that cannot be. */
struct reader *reader_fork(const struct reader *reader, const struct reader_sink *sink);
bool reader_part_is_sound(struct reader *first, struct reader *part);

#endif
