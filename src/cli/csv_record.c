/* One character after the other. The delimiter is the one of the four that the first line, outside
 * of quotes, has most of. */
#include "cli/csv_record.h"

static const char delimiters[] = {',', ';', '\t', '|'};

static int next_char(struct csv_records *r) {
    int c = EOF;
    if (r->ahead.length > 0) {
        c = (unsigned char)r->ahead.data[0];
        r->ahead.data++;
        r->ahead.length--;
    } else {
        c = getc_unlocked(r->file);
    }
    r->read_bytes += c != EOF;
    return c;
}

static char most_frequent(struct text line) {
    size_t counts[sizeof delimiters] = {0}, best = 0;
    bool is_quoted = false;
    for (size_t i = 0; i < line.length; i++) {
        is_quoted ^= line.data[i] == '"';
        for (size_t k = 0; k < sizeof delimiters && !is_quoted; k++)
            counts[k] += line.data[i] == delimiters[k];
    }
    for (size_t k = 1; k < sizeof delimiters; k++)
        best = counts[k] > counts[best] ? k : best;
    return delimiters[best];
}

/* The bytes of one record as they are, without the line end. False: nothing is left. */
static bool read_record(struct csv_records *r) {
    bool is_quoted = false, any = false;
    buffer_clear(&r->text);
    r->line = ++r->next_line;
    for (;;) {
        int c = next_char(r);
        if (c == EOF || (c == '\n' && !is_quoted))
            break;
        any = true;
        is_quoted ^= c == '"';
        r->next_line += c == '\n';
        char byte = (char)c;
        buffer_append(&r->text, &byte, 1);
        if (r->text.length > (size_t)1 << 20)
            break; /* a quote that is never closed */
    }
    if (r->text.length > 0 && r->text.data[r->text.length - 1] == '\r')
        r->text.length--;
    return any || (feof(r->file) == 0 && ferror(r->file) == 0);
}

/* Takes quotes out in place. */
static void split(struct csv_records *r) {
    char *text = r->text.data;
    size_t to = 0, begin = 0;
    bool is_quoted = false;
    r->count = 0;
    for (size_t at = 0; at <= r->text.length; at++) {
        bool is_end = at == r->text.length || (!is_quoted && text[at] == r->delimiter);
        if (is_end && r->count < CSV_COLUMNS_MAX) {
            r->fields[r->count++] = text_trim((struct text){text + begin, to - begin});
            begin = to;
        } else if (!is_end && text[at] == '"') {
            if (is_quoted && at + 1 < r->text.length && text[at + 1] == '"')
                text[to++] = text[++at - 1];
            else
                is_quoted = !is_quoted;
        } else if (!is_end) {
            text[to++] = text[at];
        }
    }
}

bool csv_record_next(struct csv_records *r) {
    if (!read_record(r))
        return false;
    if (r->delimiter == 0)
        r->delimiter = most_frequent(buffer_text(&r->text));
    buffer_reserve(&r->text, 1);
    split(r);
    return true;
}

void csv_records_deinit(struct csv_records *r) {
    buffer_deinit(&r->text);
}
