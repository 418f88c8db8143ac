/* Online orders back from the shops: reservations, releases and shipments.
 *
 * A shop tells of an order many times, late, twice, and in any order. What it tells is turned into
 * events that mean the same whenever they come: each unit of a line that was ordered, and each that
 * was taken out again, is an event with an id of its own, so whoever tells of three units after two
 * adds the third and nothing else. A cancelled order releases all its units, known or not yet. */
#ifndef ONHAND_CHANNEL_ORDERS_H
#define ONHAND_CHANNEL_ORDERS_H

#include "base/json.h"
#include "hub/hub.h"

#define ORDER_UNITS_MAX 1000u /* of one line */
#define ORDER_EVENTS_MAX 20000u

struct order_line {
    struct text id, sku, location; /* location: ours, where it reserves */
    uint64_t units, released;
};

struct order_shipment {
    struct text id, location; /* location: ours, where it leaves from */
    int64_t at_us;
    bool undone;              /* cancelled afterwards: the units are back, and wanted again */
    struct order_line *lines; /* their location: where the units were reserved */
    size_t count;
};

struct order {
    struct text id, document; /* document: under which the point of sale may book it */
    int64_t at_us;            /* when it was placed; NEVER_US: now */
    int64_t ended_at_us;
    bool cancelled;
    bool deleted; /* cancelled, and its lines are not told */
    struct order_line *lines;
    size_t count;
    struct order_shipment *shipments;
    size_t shipment_count;
};

struct orders {
    struct order *items;
    size_t count;
    uint64_t rejected;   /* out, of orders_take: lines that were not booked */
    bool may_be_deleted; /* a later message may name one of them without its lines */
};

/* What was asked for: which channel, and what its platform says of the message. */
struct orders_message {
    const struct config_channel *config;
    struct text topic; /* X-Shopify-Topic, X-WC-Webhook-Topic; empty: the generic form */
    struct text body;
};

/* STATUS_OK; STATUS_END: a message that has nothing to do with orders; else error says what is not
 * as it should be, and nothing of it is taken. Everything in the arena or the message. */
must_check enum status orders_read(const struct orders_message *message, struct arena *arena,
                                   struct orders *orders_out, struct error *error);

/* As adjustments, in the arena. STATUS_TOO_LARGE. */
must_check enum status orders_events(const struct config_channel *config,
                                     const struct orders *orders, struct arena *arena,
                                     struct adjustment **adjustments_out, size_t *count_out,
                                     struct error *error);

/* Books them and waits; `w` gets the members of the answer, in an open object. */
must_check enum status orders_take(struct hub *hub, const struct access *access,
                                   const struct config_channel *config, struct orders *orders,
                                   uint64_t request, struct arena *arena, struct json_writer *w,
                                   struct error *error);

/* Whether the platform's signature of the raw body is by one of the channel's secrets.
 * STATUS_UNAUTHORIZED; STATUS_MISSING: the channel has no secret to check it with. */
must_check enum status orders_check(const struct config_channel *config, struct text body,
                                    struct text signature, struct error *error);

#endif
