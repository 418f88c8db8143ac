/* Events: every movement of stock, as the systems that saw it report it.
 *
 * An event is a fact and never changes. What it does to on-hand depends on the newest statement of
 * its cell (core/statement.h), which is what makes any order of arrival give the same figures.
 * Pure data: texts belong to the caller, numbers name rows of the catalog and of the name tables.
 */
#ifndef ONHAND_CORE_EVENT_H
#define ONHAND_CORE_EVENT_H

#include "base/status.h"
#include "base/text.h"

/* name, word on the wire, sign of on-hand (-1, 0, +1, 2: either), sign of reserved */
#define EVENT_TYPE_LIST(X)                                                                         \
    X(SALE, "sale", -1, 0)                                                                         \
    X(RETURN, "return", +1, 0)                                                                     \
    X(RECEIPT, "receipt", +1, 0)                                                                   \
    X(TRANSFER_IN, "transfer_in", +1, 0)                                                           \
    X(TRANSFER_OUT, "transfer_out", -1, 0)                                                         \
    X(DAMAGE, "damage", -1, 0)                                                                     \
    X(ADJUSTMENT, "adjustment", 2, 0)                                                              \
    X(RESERVATION, "reservation", 0, +1)                                                           \
    X(RELEASE, "release", 0, -1)                                                                   \
    X(SHIPMENT, "shipment", -1, -1)

enum event_type {
#define X(name, word, on_hand_sign, reserved_sign) EVENT_##name,
    EVENT_TYPE_LIST(X)
#undef X
        EVENT_TYPE_COUNT
};

/* What an event stands until (DESIGN: "covered"). */
enum event_standing {
    STANDS_UNTIL_RESET,                 /* a statement of its time, or register, includes it */
    STANDS_UNTIL_ACKNOWLEDGED,          /* only once the statement's author acknowledged it */
    STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS /* as above, but its own source knows it by time */
};

struct event {
    uint32_t location, product; /* catalog numbers, from 1 */
    uint32_t source;            /* name number, from 1 */
    uint32_t register_id;       /* name number; 0: none, then register_sequence means nothing */
    int64_t register_sequence;
    int64_t
        delta_milli; /* signed as sent: sales negative, reservations and releases by their type */
    int64_t occurred_at_us, received_at_us;
    enum event_type type;
    enum event_standing standing;
    bool occurred_at_given; /* false: it was defaulted to received_at */
    struct text id;         /* unique within source; empty: not idempotent */
    struct text document, order, reason, acknowledges; /* empty: none */
};

/* The word of a type on the wire, and back; STATUS_BAD_TYPE for any other word. */
const char *event_type_word(enum event_type type);
must_check enum status event_type_parse(struct text word, enum event_type *type_out);

/* No event takes effect in the future. */
static inline int64_t event_effective_at_us(const struct event *event) {
    return event->occurred_at_us < event->received_at_us ? event->occurred_at_us
                                                         : event->received_at_us;
}

/* How long an event of this type stands when nobody says otherwise. */
enum event_standing event_default_standing(enum event_type type);

/* The change to on-hand when nothing covers it: 0 for reservations, releases, and for an event that
 * merely acknowledges another document. */
int64_t event_on_hand_delta_milli(const struct event *event);

/* The change to (reserved - released - shipped) of its order at its cell; 0 for other types. A
 * release is sent as +q or -q (both mean -q); a reservation likewise +q; a shipment is -q. */
int64_t event_order_delta_milli(const struct event *event);

/* Zero deltas, wrong signs and quantities out of range: STATUS_BAD_SIGN, STATUS_BAD_QUANTITY,
 * STATUS_OUT_OF_RANGE. A zero delta is allowed only with `acknowledges`. */
must_check enum status event_validate(const struct event *event, struct error *error);

/* Same content: a repeated id is a duplicate when true, and a misuse when false. Compares
 * everything that was sent; occurred_at only where at least one of the two was given. */
bool event_same_content(const struct event *a, const struct event *b);
/* They move, or acknowledge, the same; what else is said of it may differ. */
bool event_same_movement(const struct event *a, const struct event *b);

#endif
