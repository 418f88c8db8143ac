/* Products and locations as somebody describes them: identifiers to add, name, active, published.
 *
 * Any identifier finds the product; the others are added to it. Identifiers that belong to two
 * products are refused, and which: two products with stock and history are never made one. What is
 * not given stays; a new product is active and published. Sending the same again changes nothing.
 */
#ifndef ONHAND_HUB_PRODUCTS_H
#define ONHAND_HUB_PRODUCTS_H

#include "hub/hub.h"

enum described { DESCRIBED_CREATED, DESCRIBED_UPDATED, DESCRIBED_UNCHANGED, DESCRIBED_REJECTED };

struct attribute_change {
    struct text name;
    bool name_given, active_given, active, published_given, published;
};

/* Texts must live until the call returns; `detail` is in the caller's arena. */
#define PRODUCT_IDENTIFIERS_MAX 32u
struct product_change {
    const struct identifier *identifiers; /* as given; a type may end in "@NAMESPACE" */
    size_t identifier_count;
    struct attribute_change attributes;
    enum status problem; /* in: cannot even be read; out: why it is rejected */
    struct text detail;
    enum described outcome; /* out */
    uint32_t product;       /* out; 0 when rejected */
};

struct location_change {
    struct text code; /* or an alias */
    struct attribute_change attributes;
    enum described outcome; /* out; DESCRIBED_REJECTED in: passed by */
    enum status problem;    /* of one that is rejected, and why */
    struct text detail;
    uint32_t location; /* out */
};

/* Each waits for the writer and is durable when it returns STATUS_OK. Otherwise those before the
 * failure may have been taken: send all again. */
must_check enum status hub_put_products(struct hub *hub, struct product_change *changes,
                                        size_t count, struct arena *arena, struct error *error);
must_check enum status hub_put_locations(struct hub *hub, struct location_change *changes,
                                         size_t count, struct error *error);

#endif
