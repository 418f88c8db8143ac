/* Files become rows: one push interface for every format.
 *
 *   reader_new -> reader_feed ... -> reader_finish -> reader_report -> reader_free
 *
 * The bytes come in pieces of any size, and how they are cut changes nothing. Memory is bounded
 * whatever comes: a record that is too long is passed by and rejected. Rows go to the sink in
 * batches; a row that cannot be read goes there too, with its problem. A file that is not what it
 * claims to be is STATUS_UNREADABLE, with a message for the person who sent it.
 * A reader is used by one thread at a time. */
#ifndef ONHAND_FEED_READER_H
#define ONHAND_FEED_READER_H

#include "config/config.h"
#include "hub/reset.h"
#include "schedule/zone.h"

#define READER_BATCH 512        /* rows at most in one call of the sink */
#define READER_RECORD_MAX 65536 /* bytes of one record */
#define READER_COLUMNS_MAX 512
#define READER_WORD_MAX 200  /* bytes of what a file says of itself */
#define READER_LONG_RAW 1024 /* what is kept of a record that was too long */

/* Where rows go; their texts live only during the call. */
struct reader_sink {
    void (*rows)(void *context, const struct stated_row *rows, size_t count);
    void *context;
};

/* Borrowed until reader_free. Zero-initialised: everything found out from the file. */
struct reader_options {
    enum config_format format;
    struct config_pairs
        columns;              /* ours -> theirs: location, sku, upc, product, id_type, id_value,
                                 quantity, as_of, namespace, active; any other name is a type of identifier */
    struct text as_of_column; /* theirs; empty: none, unless `columns` names one */
    char delimiter;           /* 0: found out from the header */
    bool decimal_comma;
    struct text trailer;     /* as struct trailer_rule has it; CSV only */
    bool location_given;     /* the file need not have a column for it */
    const struct zone *zone; /* of times without an offset; NULL: UTC */
};

struct reader_report {
    const char *format;   /* "csv", "ndjson", "json", "xml" */
    const char *encoding; /* "UTF-8", "UTF-16LE", "UTF-16BE", "windows-1252", "ISO-8859-1" */
    char delimiter;
    struct text header; /* the names found, joined by ", "; lives as long as the reader */
    uint64_t lines;     /* of the file, the header included; for CSV and NDJSON those that ended */
    uint64_t rows;      /* given to the sink, rejected ones included */
    uint64_t rejected_rows;
    int64_t as_of_us; /* the file's own word for all of it; NEVER_US: none */
    char source[READER_WORD_MAX + 1], location[READER_WORD_MAX + 1]; /* the same of these; JSON */
    bool open_end;                /* the last row has no line end behind it; CSV only */
    struct reset_trailer trailer; /* which is none of the rows; CSV only */
};

struct reader;

/* STATUS_BAD_VALUE: no reader for this format. */
must_check enum status reader_new(const struct reader_options *options,
                                  const struct reader_sink *sink, struct reader **reader_out,
                                  struct error *error);
void reader_free(struct reader *reader); /* NULL is fine */

/* STATUS_UNREADABLE: it is of no use to go on; reader_finish says why. */
must_check enum status reader_feed(struct reader *reader, const void *data, size_t length);
/* The end of the file. STATUS_OK, or STATUS_UNREADABLE with the reason (and the line). */
must_check enum status reader_finish(struct reader *reader, struct error *error);
void reader_report(const struct reader *reader, struct reader_report *report_out);

/* ---- a local file by two threads ---- */

/* Where the parts of a file go. part_begin makes the sink of a later part; part_end takes it back
 * by the sink's context: joined behind what has been joined so far, whose lines come before it, or
 * dropped (a guess of where a record begins was wrong, and its rows come again, through another
 * sink). Both are called by either thread, one call at a time, the joins in order of the file.
 * `meanwhile` (may be NULL) is other work on the same file, done side by side with the reading;
 * the two threads even it out. */
struct reader_parts {
    struct reader_sink first;
    struct reader_sink (*part_begin)(void *context);
    void (*part_end)(void *context, void *part, bool join, uint64_t lines_before);
    void (*meanwhile)(void *context);
    void *context;
};

/* Reads a regular file from its begin to its end, plain (not compressed). Two threads share large
 * files; small ones, and whatever does not allow it, are read by one. STATUS_IO: the disk failed or
 * the file shrank. The report's header is in *arena. */
must_check enum status reader_read_file(int fd, const struct reader_options *options,
                                        const struct reader_parts *parts, struct arena *arena,
                                        struct reader_report *report_out, struct error *error);

#endif
