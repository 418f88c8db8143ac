/* The codec of ledger_text.h, by hand: it runs for every event on the writer's thread, and knows
 * the one shape it writes. */
#include <inttypes.h>

#include "store/ledger_text.h"

#define FLAGS_STANDING 3 /* enum event_standing */
#define FLAG_OCCURRED_AT_GIVEN 4
/* Numbers of a row, their signs and commas, brackets and quotes. */
#define ROW_OVERHEAD (FIELD_COUNT * (U64_TEXT_SIZE + 3) + 8)
#define ESCAPE_LENGTH 6 /* \u00XX */

int ledger_flags(const struct event *event) {
    return (int)event->standing | (event->occurred_at_given ? FLAG_OCCURRED_AT_GIVEN : 0);
}

void ledger_set_flags(struct event *event, int64_t flags) {
    event->standing = (enum event_standing)(flags & FLAGS_STANDING);
    event->occurred_at_given = (flags & FLAG_OCCURRED_AT_GIVEN) != 0;
}

/* ---- writing ---- */

static char *put_number(char *at, int64_t value) {
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        *at++ = '-';
        magnitude = 0 - magnitude;
    }
    if (magnitude < 10)
        *at++ = (char)('0' + magnitude);
    else
        at += text_format_u64(magnitude, at);
    *at++ = ',';
    return at;
}

static bool must_escape(char c) {
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

static char *put_text(char *at, struct text text) {
    static const char hex[] = "0123456789abcdef";
    if (text.length == 0) {
        memcpy(at, "null,", 5);
        return at + 5;
    }
    *at++ = '"';
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (!must_escape(text.data[i])) {
            *at++ = text.data[i];
            continue;
        }
        memcpy(at, "\\u00", 4);
        at[4] = hex[c >> 4];
        at[5] = hex[c & 15];
        at += ESCAPE_LENGTH;
    }
    *at++ = '"';
    *at++ = ',';
    return at;
}

static enum ledger_field last_field(const struct event *event) {
    if (event->acknowledges.length > 0)
        return FIELD_ACKNOWLEDGES;
    if (event->reason.length > 0)
        return FIELD_REASON;
    if (event->order.length > 0)
        return FIELD_ORDER;
    if (event->document.length > 0)
        return FIELD_DOCUMENT;
    return event->register_id != 0 || event->register_sequence != 0 ? FIELD_SEQUENCE
                                                                    : FIELD_REQUEST;
}

static char *put_rest(char *at, const struct event *event, enum ledger_field last) {
    if (last >= FIELD_SEQUENCE) {
        at = put_number(at, event->register_id);
        at = put_number(at, event->register_sequence);
    }
    if (last >= FIELD_DOCUMENT)
        at = put_text(at, event->document);
    if (last >= FIELD_ORDER)
        at = put_text(at, event->order);
    if (last >= FIELD_REASON)
        at = put_text(at, event->reason);
    if (last >= FIELD_ACKNOWLEDGES)
        at = put_text(at, event->acknowledges);
    return at;
}

static size_t texts_length(const struct event *event) {
    return event->id.length + event->document.length + event->order.length + event->reason.length +
           event->acknowledges.length;
}

bool ledger_text_fits(const struct journal_row *row, int64_t base_us) {
    int64_t difference;
    return !__builtin_sub_overflow(row->event.occurred_at_us, base_us, &difference) &&
           !__builtin_sub_overflow(row->event.received_at_us, base_us, &difference);
}

void ledger_text_append(struct buffer *rows, const struct journal_row *row, int64_t base_us) {
    const struct event *event = &row->event;
    require(ledger_text_fits(row, base_us));
    buffer_reserve(rows, ROW_OVERHEAD + ESCAPE_LENGTH * texts_length(event));
    char *at = rows->data + rows->length;
    *at++ = rows->length == 0 ? '[' : ',';
    *at++ = '[';
    at = put_number(at, event->location);
    at = put_number(at, event->product);
    at = put_number(at, (int64_t)row->previous);
    at = put_number(at, row->type);
    at = put_number(at, (int64_t)row->status);
    at = put_number(at, event->source);
    at = put_text(at, event->id);
    at = put_number(at, event->delta_milli);
    at = put_number(at, row->on_hand_milli);
    at = put_number(at, row->reserved_milli);
    at = put_number(at, row->on_hand_change_milli);
    at = put_number(at, row->reserved_change_milli);
    at = put_number(at, event->occurred_at_us - base_us);
    at = put_number(at, event->received_at_us - base_us);
    at = put_number(at, ledger_flags(event));
    at = put_number(at, (int64_t)row->request);
    at = put_rest(at, event, last_field(event));
    at[-1] = ']'; /* for the last comma */
    rows->length = (size_t)(at - rows->data);
    require(rows->length <= rows->capacity);
}

void ledger_text_end(struct buffer *rows) {
    require(rows->length > 0);
    buffer_append(rows, "]", 1);
}

/* ---- reading ---- */

void ledger_text_read(struct ledger_text_reader *reader, struct text rows, uint64_t first_seq,
                      int64_t base_us, struct arena *arena) {
    *reader = (struct ledger_text_reader){.at = rows.data,
                                          .end = rows.data + rows.length,
                                          .next_seq = first_seq,
                                          .base_us = base_us,
                                          .arena = arena};
}

static enum status damaged(const struct ledger_text_reader *reader, struct error *error) {
    return error_set(error, STATUS_CORRUPT, "ledger row %" PRIu64 " is damaged", reader->next_seq);
}

static bool take(struct ledger_text_reader *reader, char expected) {
    bool there = reader->at < reader->end && *reader->at == expected;
    reader->at += there;
    return there;
}

static bool take_number(struct ledger_text_reader *reader, int64_t *value_out) {
    bool negative = take(reader, '-');
    uint64_t magnitude = 0;
    const char *digits = reader->at, *at;
    for (at = digits; at < reader->end && *at >= '0' && *at <= '9' && at - digits < 19; at++)
        magnitude = 10 * magnitude + (uint64_t)(*at - '0');
    reader->at = at;
    if (at == digits || magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *value_out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

static int hex_value(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* From behind the opening quote to the first escape and on; the texts that need it are rare. */
static bool take_escaped(struct ledger_text_reader *reader, const char *start,
                         struct text *text_out) {
    char *out = arena_alloc(reader->arena, (size_t)(reader->end - start));
    size_t length = 0;
    for (const char *at = start; at < reader->end; at++) {
        if (*at == '"') {
            reader->at = at + 1;
            *text_out = (struct text){out, length};
            return true;
        }
        if (*at != '\\') {
            out[length++] = *at;
            continue;
        }
        if (reader->end - at < ESCAPE_LENGTH || memcmp(at, "\\u00", 4) != 0 ||
            hex_value(at[4]) < 0 || hex_value(at[5]) < 0)
            return false;
        out[length++] = (char)(hex_value(at[4]) << 4 | hex_value(at[5]));
        at += ESCAPE_LENGTH - 1;
    }
    return false;
}

static bool take_text(struct ledger_text_reader *reader, struct text *text_out) {
    if (reader->end - reader->at >= 4 && memcmp(reader->at, "null", 4) == 0) {
        reader->at += 4;
        *text_out = (struct text){NULL, 0};
        return true;
    }
    if (!take(reader, '"'))
        return false;
    const char *start = reader->at;
    for (const char *at = start; at < reader->end; at++) {
        if (*at == '\\')
            return take_escaped(reader, start, text_out);
        if (*at == '"') {
            reader->at = at + 1;
            *text_out = (struct text){start, (size_t)(at - start)};
            return at > start;
        }
    }
    return false;
}

/* The texts among the fields, in their order; NULL: a number. */
static struct text *text_of(struct event *event, enum ledger_field field) {
    switch (field) {
    case FIELD_ID:
        return &event->id;
    case FIELD_DOCUMENT:
        return &event->document;
    case FIELD_ORDER:
        return &event->order;
    case FIELD_REASON:
        return &event->reason;
    case FIELD_ACKNOWLEDGES:
        return &event->acknowledges;
    default:
        return NULL;
    }
}

/* Between the brackets of a row. */
static bool take_fields(struct ledger_text_reader *reader, int64_t numbers[FIELD_COUNT],
                        struct event *event) {
    for (enum ledger_field field = 0; field < FIELD_COUNT; field++) {
        if (field > FIELD_REQUEST && take(reader, ']'))
            return true;
        if (field > 0 && !take(reader, ','))
            return false;
        struct text *text = text_of(event, field);
        if (text != NULL ? !take_text(reader, text) : !take_number(reader, &numbers[field]))
            return false;
    }
    return take(reader, ']');
}

static bool in_u32(int64_t number) {
    return number >= 0 && number <= UINT32_MAX;
}

static bool row_from_numbers(const struct ledger_text_reader *reader,
                             const int64_t numbers[FIELD_COUNT], struct journal_row *row) {
    struct event *event = &row->event;
    int64_t type = numbers[FIELD_TYPE];
    bool is_event = type >= 0 && type < EVENT_TYPE_COUNT;
    if ((!is_event && type != ROW_ACKNOWLEDGEMENT && type != ROW_ACKNOWLEDGEMENT_EFFECT) ||
        !in_u32(numbers[FIELD_LOCATION]) || !in_u32(numbers[FIELD_PRODUCT]) ||
        !in_u32(numbers[FIELD_SOURCE]) || !in_u32(numbers[FIELD_REGISTER]) ||
        __builtin_add_overflow(numbers[FIELD_OCCURRED_AT], reader->base_us,
                               &event->occurred_at_us) ||
        __builtin_add_overflow(numbers[FIELD_RECEIVED_AT], reader->base_us, &event->received_at_us))
        return false;
    row->seq = reader->next_seq;
    row->previous = (uint64_t)numbers[FIELD_PREVIOUS];
    row->type = (int)type;
    row->status = (enum outcome_status)numbers[FIELD_STATUS];
    row->on_hand_change_milli = numbers[FIELD_ON_HAND_CHANGE];
    row->reserved_change_milli = numbers[FIELD_RESERVED_CHANGE];
    row->on_hand_milli = numbers[FIELD_ON_HAND];
    row->reserved_milli = numbers[FIELD_RESERVED];
    row->request = (uint64_t)numbers[FIELD_REQUEST];
    event->type = is_event ? (enum event_type)type : (enum event_type)0;
    event->location = (uint32_t)numbers[FIELD_LOCATION];
    event->product = (uint32_t)numbers[FIELD_PRODUCT];
    event->source = (uint32_t)numbers[FIELD_SOURCE];
    event->register_id = (uint32_t)numbers[FIELD_REGISTER];
    event->register_sequence = numbers[FIELD_SEQUENCE];
    event->delta_milli = numbers[FIELD_DELTA];
    ledger_set_flags(event, numbers[FIELD_FLAGS]);
    return true;
}

/* Behind a row: a comma and another, or the end of all. */
static bool take_separator(struct ledger_text_reader *reader) {
    reader->next_seq++;
    if (take(reader, ','))
        return reader->at < reader->end && *reader->at == '[';
    return take(reader, ']') && reader->at == reader->end;
}

enum status ledger_text_next(struct ledger_text_reader *reader, struct journal_row *row_out,
                             struct error *error) {
    int64_t numbers[FIELD_COUNT] = {0};
    if (reader->at == reader->end)
        return STATUS_END;
    if (reader->end - reader->at > 1 && reader->at[0] == '[' && reader->at[1] == '[')
        reader->at++; /* of the group, before its first row */
    *row_out = (struct journal_row){0};
    if (!take(reader, '[') || !take_fields(reader, numbers, &row_out->event) ||
        !row_from_numbers(reader, numbers, row_out) || !take_separator(reader))
        return damaged(reader, error);
    return STATUS_OK;
}

/* Quotes within texts are escaped without quotes: the next quote ends a text. */
static bool skip_row(struct ledger_text_reader *reader) {
    bool quoted = false;
    for (; reader->at < reader->end; reader->at++) {
        if (*reader->at == '"')
            quoted = !quoted;
        else if (*reader->at == ']' && !quoted)
            break;
    }
    return take(reader, ']') && take_separator(reader);
}

enum status ledger_text_skip(struct ledger_text_reader *reader, uint64_t count,
                             struct error *error) {
    for (; count > 0; count--) {
        if (!skip_row(reader))
            return damaged(reader, error);
    }
    return STATUS_OK;
}
