/* CSV: records become rows, the plain ones fast, the others with care.
 *
 * A record is plain when it has nothing but printable ASCII: then its separators come from a scan
 * of whole blocks and its fields are slices of the input. Any other record (quotes, other
 * alphabets, control characters, or cut in two by the pieces the file comes in) takes the careful
 * way, which gives the same rows for what is plain. How a file is cut into pieces therefore changes
 * nothing. */
#include <stdlib.h>
#include <strings.h>

#include "base/quantity.h"
#include "base/timestamp.h"
#include "feed/csv_header.h"
#include "feed/csv_record.h"
#include "feed/csv_scan.h"
#include "feed/encoding.h"
#include "feed/reader_internal.h"
#include "feed/row_values.h"
#include "feed/trailer.h"
#include "feed/unseen.h"

#define WINDOW_MIN 256

struct csv {
    const struct reader_options *options;
    struct row_output *output;
    struct arena arena;
    struct csv_layout layout;
    bool header_known;
    char announced;     /* delimiter of a line "sep=;", 0: none */
    enum status status; /* sticky */
    struct error error;

    struct buffer carry; /* a record that has begun in an earlier piece */
    struct csv_cursor cursor;
    bool open_end;    /* the last row has no line end */
    bool long_record; /* it is too long: passed by up to its end */
    uint64_t line;    /* where the present record begins, from 1 */

    struct text_encoding encoding;
    struct row_times times;

    bool any_record;    /* behind the header, that is not blank */
    struct buffer held; /* a record that is a trailer, unless another one follows */
    uint64_t held_line;
    uint64_t rows_before; /* of parts before this one */
    int64_t units_milli;  /* of all rows so far, those parts' included; it may wrap around */
    bool units_unknown;   /* a quantity could not be read */
    struct reset_trailer trailer;

    size_t window; /* bytes to scan at once: fewer where little is plain */

    struct csv_index index;
    struct text fields[READER_COLUMNS_MAX];
};

static void unreadable(struct csv *csv, uint64_t line, const struct error *error) {
    require(error->status == STATUS_UNREADABLE);
    csv->error = *error;
    csv->error.line = (unsigned long)line;
    csv->status = STATUS_UNREADABLE;
}

/* ---- one row ---- */

/* Whole numbers of up to nine digits, which is nearly all of them, without a call. */
static inline bool quantity_quick(struct text text, int64_t *milli_out) {
    const char *at = text.data;
    size_t length = text.length;
    bool negative = length > 0 && *at == '-';
    if (negative) {
        at++;
        length--;
    }
    if (length == 0 || length > 9) {
        return false;
    }
    int64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned char)at[i] - (unsigned)'0';
        if (digit > 9) {
            return false;
        }
        value = value * 10 + (int64_t)digit;
    }
    *milli_out = (negative ? -value : value) * 1000;
    return true;
}

static inline struct text trim_spaces(struct text field) {
    while (field.length > 0 && field.data[0] == ' ') {
        field.data++;
        field.length--;
    }
    while (field.length > 0 && field.data[field.length - 1] == ' ') {
        field.length--;
    }
    return field;
}

/* The header once more, in the middle of the file (files put together from files). */
static bool is_header_again(const struct csv *csv, const struct text slots[CSV_SLOT_COUNT]) {
    for (unsigned i = 0; i < csv->layout.pick_count; i++) {
        unsigned slot = csv->layout.picks[i].slot;
        if (!text_equal_ignore_case(slots[slot], csv->layout.names[slot])) {
            return false;
        }
    }
    return true;
}

static inline void fill_identifier(const struct csv *csv, const struct text slots[CSV_SLOT_COUNT],
                                   struct stated_row *row) {
    if (slots[CSV_SLOT_ID_VALUE].length > 0) {
        row->id_type = slots[CSV_SLOT_ID_TYPE];
        row->identifier = slots[CSV_SLOT_ID_VALUE];
        return;
    }
    for (unsigned i = 0; i < CSV_IDENTIFIERS; i++) {
        if (slots[CSV_SLOT_IDENTIFIER + i].length > 0) {
            row->id_type = csv->layout.id_types[i];
            row->identifier = slots[CSV_SLOT_IDENTIFIER + i];
            return;
        }
    }
    row->id_type = row->identifier = (struct text){NULL, 0};
    row_reject(row, STATUS_MISSING, "no identifier");
}

/* The row from its needed fields (trimmed). False: it is no row, but the header once more. */
static inline bool fill_row(struct csv *csv, const struct text slots[CSV_SLOT_COUNT],
                            struct text raw, struct stated_row *row) {
    row->line = csv->line;
    row->raw = raw;
    row->problem = STATUS_OK;
    row->problem_detail = NULL;
    row->as_of_us = NEVER_US;
    row->location = slots[CSV_SLOT_LOCATION].length > 0 ? slots[CSV_SLOT_LOCATION]
                                                        : slots[CSV_SLOT_LOCATION + 1];
    fill_identifier(csv, slots, row);
    if (slots[CSV_SLOT_NAMESPACE].length > 0) {
        row_take_namespace(row, slots[CSV_SLOT_NAMESPACE], &csv->output->scratch);
    }
    row->active = ROW_ACTIVE_UNSAID;
    if (slots[CSV_SLOT_ACTIVE].length > 0) {
        row_take_active(row, slots[CSV_SLOT_ACTIVE]);
    }
    struct text quantity = slots[CSV_SLOT_QUANTITY];
    if (!quantity_quick(quantity, &row->quantity_milli)) {
        row->quantity_milli = 0;
        enum status status =
            quantity_parse(quantity, csv->options->decimal_comma, &row->quantity_milli);
        if (status != STATUS_OK) {
            if (is_header_again(csv, slots)) {
                csv->any_record = true;
                return false;
            }
            row_reject(row, status,
                       quantity.length == 0 ? "no quantity"
                       : status == STATUS_OUT_OF_RANGE
                           ? "the quantity is out of range"
                           : "not a quantity with at most three decimals");
        }
    }
    if (slots[CSV_SLOT_AS_OF].length > 0 &&
        row_times_parse(&csv->times, slots[CSV_SLOT_AS_OF], &row->as_of_us) != STATUS_OK) {
        row->as_of_us = NEVER_US;
        row_reject(row, STATUS_BAD_TIME, "not a time");
    }
    if (row->identifier.length > ROW_FIELD_MAX || row->location.length > ROW_FIELD_MAX) {
        row_reject(row, STATUS_TOO_LARGE, "the location or the identifier is too long");
    }
    return true;
}

/* Wrapping around, so that no sum is too large to be compared. */
static inline void count_units(struct csv *csv, const struct stated_row *row) {
    csv->units_milli = (int64_t)((uint64_t)csv->units_milli + (uint64_t)row->quantity_milli);
    csv->units_unknown |= row->problem != STATUS_OK;
}

/* A record that is no row at all. */
static void push_rejected(struct csv *csv, struct text raw, enum status problem,
                          const char *detail) {
    csv->any_record = csv->units_unknown = true;
    struct stated_row *row = row_output_next(csv->output);
    *row = (struct stated_row){.line = csv->line,
                               .raw = raw,
                               .as_of_us = NEVER_US,
                               .problem = problem,
                               .problem_detail = detail};
    row_output_push(csv->output);
}

/* ---- the careful way ---- */

static bool is_blank(const struct text *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct text field = text_trim(fields[i]);
        if (field.length > 0 && !(count == 1 && text_equal(field, TEXT("\x1a")))) {
            return false;
        }
    }
    return true;
}

static void fields_to_row(struct csv *csv, struct text raw, const struct text *fields) {
    struct text slots[CSV_SLOT_COUNT] = {{NULL, 0}};
    for (unsigned i = 0; i < csv->layout.pick_count; i++) {
        slots[csv->layout.picks[i].slot] = unseen_trim(fields[csv->layout.picks[i].column]);
    }
    struct stated_row *row = row_output_next(csv->output);
    if (!fill_row(csv, slots, raw, row)) {
        return;
    }
    if (text_has_control_character(row->identifier) || text_has_control_character(row->location) ||
        text_has_control_character(row->id_type)) {
        row_reject(row, STATUS_BAD_VALUE,
                   "an invisible character in the location or the identifier");
    }
    count_units(csv, row);
    csv->any_record = true;
    row_output_push(csv->output);
}

/* A record without the carriage return of its line end. */
static struct text cut_return(struct text raw) {
    if (raw.data == NULL) {
        return TEXT("");
    }
    raw.length -= raw.length > 0 && raw.data[raw.length - 1] == '\r';
    return raw;
}

/* One record without its line end. */
static void take_record(struct csv *csv, struct text raw) {
    raw = cut_return(raw);
    if (memchr(raw.data, '\0', raw.length) != NULL) {
        push_rejected(csv, raw, STATUS_BAD_VALUE, "a NUL byte in the row");
        return;
    }
    struct text record = raw;
    if (text_encoding_to_utf8(&csv->encoding, &csv->output->scratch, &record) != STATUS_OK) {
        push_rejected(csv, raw, STATUS_BAD_VALUE, "not UTF-8");
        return;
    }
    size_t count = 0;
    enum csv_split split = csv_split(record, csv->layout.delimiter, &csv->output->scratch,
                                     csv->fields, READER_COLUMNS_MAX, &count);
    if (split == CSV_SPLIT_TEXT_AFTER_QUOTE) {
        push_rejected(csv, record, STATUS_BAD_VALUE, "text after a closing quote");
    } else if (split == CSV_SPLIT_TOO_MANY) {
        push_rejected(csv, record, STATUS_BAD_VALUE, "more columns than the header");
    } else if (is_blank(csv->fields, count)) {
        return;
    } else if (count != csv->layout.columns) {
        push_rejected(csv, record, STATUS_BAD_VALUE,
                      count < csv->layout.columns ? "fewer columns than the header"
                                                  : "more columns than the header");
    } else {
        fields_to_row(csv, record, csv->fields);
    }
}

/* ---- the trailer ---- */

static struct trailer_rule trailer_rule(const struct csv *csv) {
    return (struct trailer_rule){.setting = csv->options->trailer,
                                 .delimiter = csv->layout.delimiter,
                                 .decimal_comma = csv->options->decimal_comma};
}

static bool may_be_blank(char c, char delimiter) {
    return (c <= ' ' && c > '\0') || c == delimiter || c == '"';
}

static bool is_blank_record(struct csv *csv, struct text raw) {
    for (size_t i = 0; i < raw.length; i++) {
        if (!may_be_blank(raw.data[i], csv->layout.delimiter)) {
            return false;
        }
    }
    size_t count = 0;
    return csv_split(cut_return(raw), csv->layout.delimiter, &csv->output->scratch, csv->fields,
                     READER_COLUMNS_MAX, &count) == CSV_SPLIT_OK &&
           is_blank(csv->fields, count);
}

/* Another record follows what looked like a trailer: it is a row, whatever it looks like. */
static void release_held(struct csv *csv) {
    if (csv->held.length > 0) {
        struct text record = arena_copy(&csv->output->scratch, buffer_text(&csv->held));
        uint64_t line = csv->line;
        buffer_clear(&csv->held);
        csv->line = csv->held_line;
        take_record(csv, record);
        csv->line = line;
    }
}

static void take_or_hold(struct csv *csv, struct text raw) {
    struct trailer_rule rule = trailer_rule(csv);
    struct trailer_claim claim;
    if (csv->held.length > 0 && !is_blank_record(csv, raw)) {
        release_held(csv);
    }
    if (trailer_read(cut_return(raw), &rule, &claim)) {
        buffer_append_text(&csv->held, cut_return(raw));
        csv->held_line = csv->line;
    } else {
        take_record(csv, raw);
    }
}

/* It has all that a row has, and as a trailer it would be far from the truth. */
static bool is_rather_a_row(struct csv *csv, struct text record, const struct trailer_claim *claim,
                            uint64_t rows) {
    struct text slots[CSV_SLOT_COUNT] = {{NULL, 0}};
    struct stated_row row;
    size_t count = 0;
    if (csv_split(record, csv->layout.delimiter, &csv->output->scratch, csv->fields,
                  READER_COLUMNS_MAX, &count) != CSV_SPLIT_OK ||
        count != csv->layout.columns) {
        return false;
    }
    for (unsigned i = 0; i < csv->layout.pick_count; i++) {
        slots[csv->layout.picks[i].slot] = unseen_trim(csv->fields[csv->layout.picks[i].column]);
    }
    return fill_row(csv, slots, record, &row) && row.problem == STATUS_OK &&
           (claim->weak || claim->rows / 1000 > rows);
}

/* The file's last record, held back. False: it is a row after all. */
static bool judge_held(struct csv *csv) {
    struct trailer_rule rule = trailer_rule(csv);
    struct trailer_claim claim;
    struct text record = buffer_text(&csv->held);
    uint64_t rows = csv->rows_before + csv->output->total;
    csv->trailer.expected = trailer_is_expected(&rule);
    csv->trailer.differs = csv->trailer.expected;
    if (record.length == 0 || !trailer_read(record, &rule, &claim)) {
        return true;
    }
    bool agrees = trailer_agrees(&claim, rows, csv->units_milli, !csv->units_unknown);
    if (!agrees && is_rather_a_row(csv, record, &claim, rows)) {
        return false;
    }
    csv->trailer = (struct reset_trailer){.found = true,
                                          .expected = csv->trailer.expected,
                                          .differs = !agrees,
                                          .says_rows = claim.says_rows,
                                          .says_units = claim.says_units && !csv->units_unknown,
                                          .line = csv->held_line,
                                          .said_rows = claim.rows,
                                          .rows = rows,
                                          .said_units_milli = claim.units_milli,
                                          .units_milli = csv->units_milli};
    if (claim.either && agrees) { /* only what it turned out to count */
        csv->trailer.says_rows = claim.rows == rows;
        csv->trailer.says_units = !csv->trailer.says_rows;
    }
    return true;
}

/* Where the last record of a piece begins, or before: the fast way leaves it, for it might be the
 * file's last. */
static size_t last_record_begin(const struct csv *csv, const char *data, size_t length) {
    while (length > 0 && may_be_blank(data[length - 1], csv->layout.delimiter)) {
        length--;
    }
    while (length > 0 && data[length - 1] != '\n') {
        length--;
    }
    return length;
}

/* ---- the header ---- */

/* Tries a delimiter; the layout is kept where it fits. */
static enum status try_header(struct csv *csv, struct text record, char delimiter,
                              size_t *count_out, struct error *error) {
    *count_out = 0;
    enum csv_split split = csv_split(record, delimiter, &csv->output->scratch, csv->fields,
                                     READER_COLUMNS_MAX, count_out);
    if (split == CSV_SPLIT_TOO_MANY) {
        return error_set(error, STATUS_UNREADABLE, "more than %d columns", READER_COLUMNS_MAX);
    }
    if (split != CSV_SPLIT_OK) {
        return error_set(error, STATUS_UNREADABLE, "the header has text after a closing quote");
    }
    for (size_t i = 0; i < *count_out; i++) {
        csv->fields[i] = unseen_trim(csv->fields[i]);
    }
    struct csv_layout layout;
    enum status status =
        csv_layout_make(csv->options, csv->fields, *count_out, &csv->arena, &layout, error);
    layout.delimiter = delimiter;
    csv->layout = layout;
    return status;
}

static void take_header(struct csv *csv, struct text record) {
    static const char candidates[] = {',', ';', '\t', '|'};
    char fixed = csv->options->delimiter != 0 ? csv->options->delimiter : csv->announced;
    struct error best = {STATUS_OK, 0, "", ""};
    struct text best_header = {NULL, 0};
    char best_delimiter = 0;
    size_t best_count = 0;
    for (size_t i = 0; i < (fixed != 0 ? 1 : sizeof(candidates)); i++) {
        struct error error = {STATUS_OK, 0, "", ""};
        char delimiter = fixed != 0 ? fixed : candidates[i];
        size_t count = 0;
        if (try_header(csv, record, delimiter, &count, &error) == STATUS_OK) {
            csv->header_known = true;
            return;
        }
        if (i == 0 || count > best_count) {
            best = error;
            best_count = count;
            best_header = csv->layout.header;
            best_delimiter = delimiter;
        }
    }
    csv->layout.header = best_header;
    csv->layout.delimiter = best_delimiter;
    unreadable(csv, csv->line, &best);
}

static void take_first_record(struct csv *csv, struct text raw) {
    raw = cut_return(raw);
    struct error error;
    struct text record = raw;
    if (memchr(raw.data, '\0', raw.length) != NULL ||
        text_encoding_to_utf8(&csv->encoding, &csv->output->scratch, &record) != STATUS_OK) {
        error_set(&error, STATUS_UNREADABLE, "the first line is no text");
        unreadable(csv, csv->line, &error);
    } else if (record.length == 5 && strncasecmp(record.data, "sep=", 4) == 0) {
        csv->announced = record.data[4];
    } else if (!is_blank(&record, 1)) {
        take_header(csv, record);
    }
}

/* ---- cutting records ---- */

/* The present record is whole (in the carry, or passed by). */
static void end_record(struct csv *csv, struct text raw) {
    if (csv->long_record && !csv->header_known) {
        struct error error;
        error_set(&error, STATUS_UNREADABLE, "the first line is longer than %d bytes",
                  READER_RECORD_MAX);
        unreadable(csv, csv->line, &error);
    } else if (csv->long_record) {
        raw.length = raw.length < READER_LONG_RAW ? raw.length : READER_LONG_RAW;
        release_held(csv);
        push_rejected(csv, raw, STATUS_TOO_LARGE, "the row is too long");
    } else if (csv->header_known) {
        take_or_hold(csv, raw);
    } else {
        take_first_record(csv, raw);
    }
    csv->long_record = false;
    csv->line += 1 + csv->cursor.feeds;
    csv_cursor_begin(&csv->cursor);
}

static void keep(struct csv *csv, const char *data, size_t length) {
    if (csv->long_record) {
        return;
    }
    if (csv->carry.length + length > READER_RECORD_MAX) {
        csv->long_record = true;
        length = csv->carry.length < READER_LONG_RAW ? READER_LONG_RAW - csv->carry.length : 0;
    }
    buffer_append(&csv->carry, data, length);
}

/* The delimiter that decides where a quote may open: until the header is known, any may. */
static char cutting_delimiter(const struct csv *csv) {
    return csv->header_known              ? csv->layout.delimiter
           : csv->options->delimiter != 0 ? csv->options->delimiter
                                          : csv->announced;
}

/* Goes on with the present record; returns how many bytes of the piece it took. */
static size_t careful(struct csv *csv, const char *data, size_t length) {
    size_t at = csv_cursor_find_end(&csv->cursor, data, length, cutting_delimiter(csv));
    bool ended = at < length;
    if (ended && csv->carry.length == 0 && at <= READER_RECORD_MAX) {
        end_record(csv, (struct text){data, at});
        return at + 1;
    }
    keep(csv, data, at);
    if (ended) {
        end_record(csv, buffer_text(&csv->carry));
        row_output_flush(csv->output); /* its texts are in the carry */
        buffer_clear(&csv->carry);
    }
    return ended ? at + 1 : length;
}

/* ---- the fast way ---- */

/* Rows of an index; returns the offset behind the last one taken. */
static size_t take_indexed(struct csv *csv, const char *data) {
    const uint32_t *positions = csv->index.positions;
    const uint32_t count = csv->index.count, columns = csv->layout.columns;
    struct text slots[CSV_SLOT_COUNT] = {{NULL, 0}};
    size_t begin = 0;
    for (uint32_t at = 0; at + columns <= count; at += columns) {
        const uint32_t *row_positions = positions + at;
        size_t end = row_positions[columns - 1];
        bool whole = data[end] == '\n';
        for (uint32_t i = 0; i + 1 < columns; i++) {
            whole &= data[row_positions[i]] != '\n';
        }
        if (!whole) {
            break;
        }
        size_t text_end = end - (end > begin && data[end - 1] == '\r');
        size_t filled = 0;
        for (unsigned i = 0; i < csv->layout.pick_count; i++) {
            uint32_t column = csv->layout.picks[i].column;
            size_t from = column == 0 ? begin : row_positions[column - 1] + (size_t)1;
            size_t to = column + 1 == columns ? text_end : row_positions[column];
            struct text field = trim_spaces((struct text){data + from, to - from});
            slots[csv->layout.picks[i].slot] = field;
            filled += field.length;
        }
        if (filled == 0) {
            break; /* a blank line, perhaps */
        }
        struct text raw = {data + begin, text_end - begin};
        struct stated_row *row = row_output_next(csv->output);
        if (fill_row(csv, slots, raw, row)) {
            count_units(csv, row);
            row_output_push(csv->output);
        }
        csv->line++;
        begin = end + 1;
    }
    return begin;
}

/* Takes plain records from the begin of a record on; returns how many bytes. */
static size_t fast(struct csv *csv, const char *data, size_t length) {
    size_t taken = 0;
    while (taken < length) {
        size_t rest = length - taken;
        size_t end = rest < csv->window ? rest : csv->window;
        size_t plain = csv_scan(data + taken, end, rest, csv->layout.delimiter, &csv->index);
        size_t more = take_indexed(csv, data + taken);
        taken += more;
        /* Whatever stopped it is in the record that comes next. */
        if (plain < end || more == 0) {
            csv->window = WINDOW_MIN;
            break;
        }
        csv->window = 2 * csv->window < CSV_SCAN_WINDOW ? 2 * csv->window : CSV_SCAN_WINDOW;
    }
    return taken;
}

/* ---- the format ---- */

static enum status csv_feed(void *state, const char *data, size_t length) {
    struct csv *csv = state;
    size_t at = 0, last = 0;
    bool last_known = false;
    while (at < length && csv->status == STATUS_OK) {
        if (csv->header_known && !last_known) {
            last = at + last_record_begin(csv, data + at, length - at);
            last_known = true;
        }
        if (csv_cursor_at_begin(&csv->cursor) && at < last) {
            release_held(csv);
            at += fast(csv, data + at, last - at);
        }
        at += careful(csv, data + at, length - at);
    }
    row_output_flush(csv->output);
    return csv->status;
}

static enum status csv_finish(void *state, struct error *error) {
    struct csv *csv = state;
    struct error found;
    bool held_is_open = false;
    if (csv->status == STATUS_OK && csv->cursor.quoted) {
        error_set(&found, STATUS_UNREADABLE,
                  "a quote that opens here is never closed: the file has broken off");
        unreadable(csv, csv->line, &found);
    }
    if (csv->status == STATUS_OK && !csv_cursor_at_begin(&csv->cursor)) {
        uint64_t before = csv->output->total;
        end_record(csv, buffer_text(&csv->carry));
        csv->open_end = csv->output->total > before;
        held_is_open = csv->held.length > 0;
        row_output_flush(csv->output);
        buffer_clear(&csv->carry);
    }
    if (csv->status == STATUS_OK && csv->header_known && !judge_held(csv)) {
        release_held(csv);
        csv->open_end |= held_is_open;
    }
    row_output_flush(csv->output);
    if (csv->status == STATUS_OK && !csv->header_known) {
        error_set(&found, STATUS_UNREADABLE, "the file is empty");
        unreadable(csv, 0, &found);
    }
    if (csv->status != STATUS_OK && error != NULL) {
        *error = csv->error;
    }
    return csv->status;
}

static void *csv_new(const struct reader_options *options, struct row_output *output) {
    struct csv *csv = memory_alloc_zero(1, sizeof(*csv));
    csv->options = options;
    csv->output = output;
    csv->times.zone = options->zone;
    csv->line = 1;
    csv->window = CSV_SCAN_WINDOW;
    csv_cursor_begin(&csv->cursor);
    return csv;
}

static void csv_free(void *state) {
    struct csv *csv = state;
    arena_deinit(&csv->arena);
    buffer_deinit(&csv->carry);
    buffer_deinit(&csv->held);
    row_times_deinit(&csv->times);
    free(csv);
}

static void csv_report(const void *state, struct reader_report *report) {
    const struct csv *csv = state;
    report->delimiter = csv->layout.delimiter;
    report->header = csv->layout.header;
    report->lines = csv->line - 1;
    report->open_end = csv->open_end;
    report->trailer = csv->trailer;
    if (csv->encoding.seen_windows1252) {
        report->encoding = "windows-1252";
    }
}

static void csv_encoding_is_certain(void *state) {
    struct csv *csv = state;
    csv->encoding.certain = true;
}

static void *csv_fork(const void *state, struct row_output *output) {
    const struct csv *csv = state;
    if (!csv->header_known || csv->status != STATUS_OK) {
        return NULL;
    }
    struct csv *part = csv_new(csv->options, output);
    part->layout = csv->layout; /* its texts stay the first one's, which lives longer */
    part->header_known = true;
    part->encoding.certain = csv->encoding.certain;
    part->encoding.seen_utf8 = csv->encoding.seen_utf8;
    return part;
}

static bool csv_part_is_sound(void *first, void *part) {
    struct csv *a = first;
    struct csv *b = part;
    bool sound = a->status == STATUS_OK && csv_cursor_at_begin(&a->cursor) &&
                 !(a->encoding.seen_utf8 && b->encoding.seen_windows1252);
    if (!sound ||
        (a->held.length > 0 && !b->any_record && b->output->total == 0 && b->held.length == 0)) {
        return false; /* blank to its end: what a holds back may still be the last */
    }
    release_held(a);
    row_output_flush(a->output);
    b->encoding.seen_utf8 |= a->encoding.seen_utf8;
    b->rows_before = a->rows_before + a->output->total;
    b->units_milli = (int64_t)((uint64_t)a->units_milli + (uint64_t)b->units_milli);
    b->units_unknown |= a->units_unknown;
    return true;
}

const struct reader_format reader_format_csv = {
    .format = CONFIG_FORMAT_CSV,
    .name = "csv",
    .new = csv_new,
    .free = csv_free,
    .feed = csv_feed,
    .finish = csv_finish,
    .report = csv_report,
    .encoding_is_certain = csv_encoding_is_certain,
    .fork = csv_fork,
    .part_is_sound = csv_part_is_sound,
};
