/* The reader: finds out the alphabet, brings it to UTF-8, finds out the format where it was not
 * said, and hands it the bytes. Formats are rows of a table.
 * Text that is UTF-8 already goes through without being touched. */
#include <stdlib.h>

#include "feed/encoding.h"
#include "feed/format_sniff.h"
#include "feed/reader_internal.h"

/* UTF-16 is decoded so many bytes at a time. */
#define DECODE_PIECE 32768

static const struct reader_format *const formats[] = {
    &reader_format_csv,
    &reader_format_ndjson,
    &reader_format_json,
    &reader_format_xml,
};

struct reader {
    struct reader_options options;
    const struct reader_format *format; /* NULL: not known yet */
    void *state;
    struct row_output output;
    enum encoding encoding;
    bool encoding_known;
    char sniffed[ENCODING_SNIFF];
    size_t sniffed_length;
    struct utf16_decoder utf16;
    struct buffer decoded;
    struct buffer begin; /* of the text, while the format is not known */
};

void row_output_flush(struct row_output *output) {
    if (output->count > 0) {
        output->sink.rows(output->sink.context, output->rows, output->count);
        output->count = 0;
    }
    arena_reset(&output->scratch);
}

static const struct reader_format *find_format(enum config_format wanted) {
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (formats[i]->format == wanted) {
            return formats[i];
        }
    }
    return NULL;
}

enum status reader_new(const struct reader_options *options, const struct reader_sink *sink,
                       struct reader **reader_out, struct error *error) {
    if (options->format != CONFIG_FORMAT_AUTO && find_format(options->format) == NULL) {
        return error_set(error, STATUS_BAD_VALUE, "format: csv, ndjson, json or xml");
    }
    struct reader *reader = memory_alloc_zero(1, sizeof(*reader));
    reader->options = *options;
    reader->output.sink = *sink;
    *reader_out = reader;
    return STATUS_OK;
}

void reader_free(struct reader *reader) {
    if (reader == NULL) {
        return;
    }
    if (reader->format != NULL) {
        reader->format->free(reader->state);
    }
    arena_deinit(&reader->output.scratch);
    buffer_deinit(&reader->decoded);
    buffer_deinit(&reader->begin);
    free(reader);
}

static void begin_format(struct reader *reader, enum config_format format) {
    reader->format = find_format(format);
    require(reader->format != NULL);
    reader->state = reader->format->new (&reader->options, &reader->output);
    if (reader->encoding != ENCODING_UNKNOWN) {
        reader->format->encoding_is_certain(reader->state);
    }
}

/* Text in UTF-8, or in Windows-1252 where nothing told. */
static enum status feed_format(struct reader *reader, const char *data, size_t length) {
    if (reader->format != NULL) {
        return reader->format->feed(reader->state, data, length);
    }
    struct text begin = {data, length};
    if (reader->begin.length > 0) {
        buffer_append(&reader->begin, data, length);
        begin = buffer_text(&reader->begin);
    }
    enum config_format format = reader->options.format != CONFIG_FORMAT_AUTO
                                    ? reader->options.format
                                    : format_sniff(begin, false);
    if (format == CONFIG_FORMAT_AUTO) {
        if (reader->begin.length == 0) {
            buffer_append(&reader->begin, data, length);
        }
        return STATUS_OK;
    }
    begin_format(reader, format);
    return reader->format->feed(reader->state, begin.data, begin.length);
}

/* There is no more text. */
static enum status end_format_search(struct reader *reader) {
    enum config_format format = reader->options.format != CONFIG_FORMAT_AUTO
                                    ? reader->options.format
                                    : format_sniff(buffer_text(&reader->begin), true);
    begin_format(reader, format);
    return reader->begin.length > 0
               ? reader->format->feed(reader->state, reader->begin.data, reader->begin.length)
               : STATUS_OK;
}

/* Bytes behind the mark. */
static enum status feed_text(struct reader *reader, const char *data, size_t length) {
    if (reader->encoding != ENCODING_UTF16LE && reader->encoding != ENCODING_UTF16BE) {
        return length > 0 ? feed_format(reader, data, length) : STATUS_OK;
    }
    enum status status = STATUS_OK;
    for (size_t at = 0; at < length && status == STATUS_OK; at += DECODE_PIECE) {
        size_t piece = length - at < DECODE_PIECE ? length - at : DECODE_PIECE;
        buffer_clear(&reader->decoded);
        utf16_decode(&reader->utf16, data + at, piece, &reader->decoded);
        if (reader->decoded.length > 0) {
            status = feed_format(reader, reader->decoded.data, reader->decoded.length);
        }
    }
    return status;
}

static enum status begin_text(struct reader *reader) {
    size_t mark = 0;
    reader->encoding = encoding_sniff(reader->sniffed, reader->sniffed_length, &mark);
    reader->encoding_known = true;
    reader->utf16.big_endian = reader->encoding == ENCODING_UTF16BE;
    return feed_text(reader, reader->sniffed + mark, reader->sniffed_length - mark);
}

enum status reader_feed(struct reader *reader, const void *data, size_t length) {
    const char *bytes = data;
    while (!reader->encoding_known && length > 0) {
        reader->sniffed[reader->sniffed_length++] = *bytes++;
        length--;
        if (reader->sniffed_length == ENCODING_SNIFF) {
            enum status status = begin_text(reader);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    return length > 0 ? feed_text(reader, bytes, length) : STATUS_OK;
}

enum status reader_finish(struct reader *reader, struct error *error) {
    if (!reader->encoding_known) {
        enum status ignored = begin_text(reader); /* finish says it again */
        (void)ignored;
    }
    if (reader->format == NULL) {
        enum status ignored = end_format_search(reader);
        (void)ignored;
    }
    enum status status = reader->format->finish(reader->state, error);
    if (status == STATUS_OK && !utf16_finish(&reader->utf16)) {
        return error_set(error, STATUS_UNREADABLE,
                         "the file ends in the middle of a character: it has broken off");
    }
    return status;
}

void reader_report(const struct reader *reader, struct reader_report *report_out) {
    *report_out =
        (struct reader_report){.format = reader->format != NULL ? reader->format->name : "",
                               .encoding = encoding_name(reader->encoding),
                               .as_of_us = NEVER_US,
                               .rows = reader->output.total,
                               .rejected_rows = reader->output.rejected};
    if (reader->format != NULL) {
        reader->format->report(reader->state, report_out);
    }
}

struct reader *reader_fork(const struct reader *reader, const struct reader_sink *sink) {
    if (!reader->encoding_known || reader->format == NULL || reader->format->fork == NULL ||
        reader->encoding == ENCODING_UTF16LE || reader->encoding == ENCODING_UTF16BE) {
        return NULL;
    }
    struct reader *part = memory_alloc_zero(1, sizeof(*part));
    part->options = reader->options;
    part->output.sink = *sink;
    part->format = reader->format;
    part->encoding = reader->encoding;
    part->encoding_known = true;
    part->state = reader->format->fork(reader->state, &part->output);
    if (part->state == NULL) {
        free(part);
        return NULL;
    }
    return part;
}

bool reader_part_is_sound(struct reader *first, struct reader *part) {
    require(first->format == part->format);
    return first->format->part_is_sound(first->state, part->state);
}
