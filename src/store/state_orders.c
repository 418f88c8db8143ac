/* One open table; orders that close leave it at once, so it is as large as what is open. */
#include "store/state_orders.h"

#include "base/arena.h"

#include <stdlib.h>

#define FIRST_SLOTS 64u

void orders_init(struct orders *orders) {
    orders->slots = memory_alloc_zero(FIRST_SLOTS, sizeof *orders->slots);
    orders->mask = FIRST_SLOTS - 1;
    orders->count = 0;
}

void orders_deinit(struct orders *orders) {
    free(orders->slots);
    *orders = (struct orders){0};
}

/* order[0] is a hash already; cells of one order lie apart. */
uint64_t order_key_hash(const struct order_key *key) {
    uint64_t cell = (uint64_t)key->location << 32 | key->product;
    uint64_t mixed = (key->order[0] ^ cell) * UINT64_C(0x9e3779b97f4a7c15);
    return mixed ^ mixed >> 29;
}

static size_t find_slot(const struct orders *orders, const struct order_key *key) {
    size_t i = order_key_hash(key) & orders->mask;
    while (orders->slots[i].net_milli != 0 && !order_key_equal(&orders->slots[i].key, key))
        i = (i + 1) & orders->mask;
    return i;
}

int64_t orders_get(const struct orders *orders, const struct order_key *key) {
    return orders->slots[find_slot(orders, key)].net_milli;
}

static void grow(struct orders *orders) {
    struct orders old = *orders;
    orders->mask = 2 * (old.mask + 1) - 1;
    orders->slots = memory_alloc_zero(orders->mask + 1, sizeof *orders->slots);
    for (size_t i = 0; i <= old.mask; i++) {
        if (old.slots[i].net_milli != 0)
            orders->slots[find_slot(orders, &old.slots[i].key)] = old.slots[i];
    }
    free(old.slots);
}

static void remove_slot(struct orders *orders, size_t hole) {
    for (size_t i = (hole + 1) & orders->mask; orders->slots[i].net_milli != 0;
         i = (i + 1) & orders->mask) {
        size_t home = order_key_hash(&orders->slots[i].key) & orders->mask;
        if (((i - home) & orders->mask) >= ((i - hole) & orders->mask)) {
            orders->slots[hole] = orders->slots[i];
            hole = i;
        }
    }
    orders->slots[hole] = (struct order_net){0};
    orders->count--;
}

void orders_set(struct orders *orders, const struct order_key *key, int64_t net_milli) {
    size_t slot = find_slot(orders, key);
    bool there = orders->slots[slot].net_milli != 0;
    if (net_milli == 0) {
        if (there)
            remove_slot(orders, slot);
        return;
    }
    if (!there) {
        if ((orders->count + 1) * 4 > (orders->mask + 1) * 3) {
            grow(orders);
            slot = find_slot(orders, key);
        }
        orders->count++;
    }
    orders->slots[slot] = (struct order_net){*key, net_milli};
}
