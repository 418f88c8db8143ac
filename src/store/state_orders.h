/* Open orders: net (reserved - released - shipped) of every order at every cell.
 *
 * Only nets other than 0 are kept: with the net alone an order goes on rightly, whatever comes. The
 * order's text is two keyed hashes, 128 bits: no two orders are mistaken for each other. */
#ifndef ONHAND_STORE_STATE_ORDERS_H
#define ONHAND_STORE_STATE_ORDERS_H

#include "base/text.h"

struct order_key {
    uint64_t order[2];
    uint32_t location, product;
};

struct order_net {
    struct order_key key;
    int64_t net_milli; /* 0: a free slot */
};

struct orders {
    struct order_net *slots;
    size_t mask, count;
};

void orders_init(struct orders *orders);
void orders_deinit(struct orders *orders);
uint64_t order_key_hash(const struct order_key *key);
int64_t orders_get(const struct orders *orders, const struct order_key *key);
void orders_set(struct orders *orders, const struct order_key *key, int64_t net_milli);

static inline bool order_key_equal(const struct order_key *a, const struct order_key *b) {
    return a->order[0] == b->order[0] && a->order[1] == b->order[1] && a->location == b->location &&
           a->product == b->product;
}

#endif
