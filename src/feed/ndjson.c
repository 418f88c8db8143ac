/* NDJSON: one object on each line, one row from each object.
 *
 * A line end is never inside a value, so lines can be cut without looking, a bad line costs only
 * itself, and two threads may share a file. */
#include <stdlib.h>

#include "feed/json_item.h"

struct ndjson {
    const struct reader_options *options;
    struct json_items items;
    struct buffer carry; /* a line that has begun in an earlier piece */
    bool begun, long_line;
    bool part; /* of a file that another one has begun: it may have nothing in it */
    uint64_t line;
    enum status status; /* sticky */
    struct error error;
};

static void take_line(struct ndjson *ndjson, struct text raw) {
    struct text line = text_trim(raw);
    if (ndjson->long_line) {
        json_items_take_long(&ndjson->items, raw, ndjson->line);
    } else if (line.length > 0 && !text_equal(line, TEXT("\x1a"))) {
        json_items_take(&ndjson->items, line, ndjson->line);
    }
    ndjson->line++;
    ndjson->begun = ndjson->long_line = false;
}

static void keep(struct ndjson *ndjson, const char *data, size_t length) {
    ndjson->begun |= length > 0;
    if (ndjson->long_line) {
        return;
    }
    if (ndjson->carry.length + length > READER_RECORD_MAX) {
        ndjson->long_line = true;
        length =
            ndjson->carry.length < READER_LONG_RAW ? READER_LONG_RAW - ndjson->carry.length : 0;
    }
    buffer_append(&ndjson->carry, data, length);
}

static enum status ndjson_feed(void *state, const char *data, size_t length) {
    struct ndjson *ndjson = state;
    for (size_t at = 0; at < length;) {
        const char *feed = memchr(data + at, '\n', length - at);
        size_t end = feed != NULL ? (size_t)(feed - data) : length;
        if (feed != NULL && !ndjson->begun && end - at <= READER_RECORD_MAX) {
            take_line(ndjson, (struct text){data + at, end - at});
        } else {
            keep(ndjson, data + at, end - at);
            if (feed != NULL) {
                take_line(ndjson, buffer_text(&ndjson->carry));
                row_output_flush(ndjson->items.output); /* its texts are in the carry */
                buffer_clear(&ndjson->carry);
            }
        }
        at = end + (feed != NULL ? 1 : 0);
    }
    row_output_flush(ndjson->items.output);
    return STATUS_OK;
}

/* Without a line end behind it, an object that does not close was cut. */
static bool is_whole(const struct ndjson *ndjson) {
    struct text line = text_trim(buffer_text(&ndjson->carry));
    return !ndjson->long_line &&
           (line.length == 0 || line.data[0] != '{' || line.data[line.length - 1] == '}');
}

static enum status ndjson_finish(void *state, struct error *error) {
    struct ndjson *ndjson = state;
    if (ndjson->begun && !is_whole(ndjson)) {
        ndjson->status = error_set(&ndjson->error, STATUS_UNREADABLE,
                                   "the last line is not whole: the file has broken off");
        ndjson->error.line = (unsigned long)ndjson->line;
    } else if (ndjson->begun) {
        take_line(ndjson, buffer_text(&ndjson->carry));
        row_output_flush(ndjson->items.output);
        buffer_clear(&ndjson->carry);
    }
    if (ndjson->status == STATUS_OK && ndjson->items.output->total == 0 &&
        ndjson->items.remembered_count == 0 && !ndjson->part) {
        ndjson->status = error_set(&ndjson->error, STATUS_UNREADABLE, "the file is empty");
    }
    if (ndjson->status != STATUS_OK && error != NULL) {
        *error = ndjson->error;
    }
    return ndjson->status;
}

static void *ndjson_new(const struct reader_options *options, struct row_output *output) {
    struct ndjson *ndjson = memory_alloc_zero(1, sizeof(*ndjson));
    ndjson->options = options;
    ndjson->line = 1;
    json_items_init(&ndjson->items, options, output);
    return ndjson;
}

static void ndjson_free(void *state) {
    struct ndjson *ndjson = state;
    json_items_deinit(&ndjson->items);
    buffer_deinit(&ndjson->carry);
    free(ndjson);
}

static void ndjson_report(const void *state, struct reader_report *report) {
    const struct ndjson *ndjson = state;
    report->header = buffer_text(&ndjson->items.header);
    report->lines = ndjson->line - 1;
    if (ndjson->items.encoding.seen_windows1252) {
        report->encoding = "windows-1252";
    }
}

static void ndjson_encoding_is_certain(void *state) {
    struct ndjson *ndjson = state;
    ndjson->items.encoding.certain = true;
}

static void *ndjson_fork(const void *state, struct row_output *output) {
    const struct ndjson *ndjson = state;
    struct ndjson *part = ndjson_new(ndjson->options, output);
    part->items.encoding = ndjson->items.encoding;
    part->part = true;
    return part;
}

static bool ndjson_part_is_sound(void *first, void *part) {
    const struct ndjson *a = first;
    struct ndjson *b = part;
    bool sound = !a->begun && !(a->items.encoding.seen_utf8 && b->items.encoding.seen_windows1252);
    b->items.encoding.seen_utf8 |= a->items.encoding.seen_utf8;
    return sound;
}

const struct reader_format reader_format_ndjson = {
    .format = CONFIG_FORMAT_NDJSON,
    .name = "ndjson",
    .new = ndjson_new,
    .free = ndjson_free,
    .feed = ndjson_feed,
    .finish = ndjson_finish,
    .report = ndjson_report,
    .encoding_is_certain = ndjson_encoding_is_certain,
    .fork = ndjson_fork,
    .part_is_sound = ndjson_part_is_sound,
};
