/* What an event is, by itself: its type's signs, its deltas, whether it may be accepted and whether
 * it repeats another. One table made from EVENT_TYPE_LIST answers for all types, so that a new type
 * is one line in the header. Nothing here knows of cells or statements. */
#include "core/event.h"

#include "base/quantity.h"

#define SIGN_EITHER 2

struct type_row {
    const char *word;
    int on_hand_sign, reserved_sign;
};

static const struct type_row type_rows[] = {
#define X(name, word, on_hand_sign, reserved_sign)                                                 \
    [EVENT_##name] = {word, on_hand_sign, reserved_sign},
    EVENT_TYPE_LIST(X)
#undef X
};

static const struct type_row *type_row(enum event_type type) {
    require((unsigned)type < EVENT_TYPE_COUNT);
    return &type_rows[type];
}

const char *event_type_word(enum event_type type) {
    return type_row(type)->word;
}

enum status event_type_parse(struct text word, enum event_type *type_out) {
    require(type_out != NULL);
    for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (text_equal_string(word, type_rows[i].word)) {
            *type_out = (enum event_type)i;
            return STATUS_OK;
        }
    }
    return STATUS_BAD_TYPE;
}

enum event_standing event_default_standing(enum event_type type) {
    require((unsigned)type < EVENT_TYPE_COUNT);
    return type == EVENT_SHIPMENT ? STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS : STANDS_UNTIL_RESET;
}

int64_t event_on_hand_delta_milli(const struct event *event) {
    if (type_row(event->type)->on_hand_sign == 0 || event->acknowledges.length != 0)
        return 0;
    return event->delta_milli;
}

int64_t event_order_delta_milli(const struct event *event) {
    int sign = type_row(event->type)->reserved_sign;
    if (sign == 0 || event->acknowledges.length != 0)
        return 0;
    int64_t quantity_milli = event->delta_milli < 0 ? -event->delta_milli : event->delta_milli;
    return sign * quantity_milli;
}

/* What the caller may send: on-hand moves as its type says; a reservation is sent positive, a
 * release either way. */
static int sent_sign(enum event_type type) {
    const struct type_row *row = type_row(type);
    if (row->on_hand_sign != 0)
        return row->on_hand_sign;
    return row->reserved_sign > 0 ? +1 : SIGN_EITHER;
}

enum status event_validate(const struct event *event, struct error *error) {
    require(event != NULL);
    const char *word = event_type_word(event->type);
    if (event->delta_milli == 0) {
        if (event->acknowledges.length != 0)
            return STATUS_OK;
        return error_set(error, STATUS_BAD_QUANTITY, "delta: a %s of zero moves nothing", word);
    }
    if (event->delta_milli > QUANTITY_MAX_MILLI || event->delta_milli < -QUANTITY_MAX_MILLI)
        return error_set(error, STATUS_OUT_OF_RANGE, "delta: beyond a thousand billion units");
    int sign = sent_sign(event->type);
    if (sign != SIGN_EITHER && (event->delta_milli > 0) != (sign > 0))
        return error_set(error, STATUS_BAD_SIGN, "delta: a %s must be %s", word,
                         sign > 0 ? "positive" : "negative");
    return STATUS_OK;
}

bool event_same_movement(const struct event *a, const struct event *b) {
    require(a != NULL && b != NULL);
    return a->location == b->location && a->product == b->product && a->type == b->type &&
           a->delta_milli == b->delta_milli && a->standing == b->standing &&
           text_equal(a->order, b->order) && text_equal(a->acknowledges, b->acknowledges);
}

bool event_same_content(const struct event *a, const struct event *b) {
    if (!event_same_movement(a, b) || a->register_id != b->register_id)
        return false;
    if (a->register_id != 0 && a->register_sequence != b->register_sequence)
        return false;
    /* Two times that were both made up say nothing about what was sent. */
    if ((a->occurred_at_given || b->occurred_at_given) && a->occurred_at_us != b->occurred_at_us)
        return false;
    return text_equal(a->document, b->document) && text_equal(a->reason, b->reason);
}
