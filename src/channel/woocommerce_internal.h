/* WooCommerce: what its two files share. */
#ifndef ONHAND_CHANNEL_WOOCOMMERCE_INTERNAL_H
#define ONHAND_CHANNEL_WOOCOMMERCE_INTERNAL_H

#include "channel/shop_call.h"
#include "channel/tree.h"

#define WOOCOMMERCE_ITEMS_MAX 100u

struct woocommerce {
    const struct channel_context *context;
    struct http_client *client;
    size_t most; /* items in a call, by the shop's own word; 0: it said nothing */
};

/* ---- woocommerce_read.c ---- */

/* One call, `path` from products on; `rests`: as read_all may. */
must_check bool woocommerce_ask(struct woocommerce *shop, const char *method, struct text path,
                                struct text body, bool rests, struct arena *arena,
                                struct http_answer *answer, struct channel_call *call);
/* The note of an item's number: "ID", or "ID/PARENT" of a variation. */
struct text woocommerce_note_key(struct arena *arena, const struct channel_item *item);
/* What is not known yet is asked for; what the shop does not have is UNMAPPED. */
must_check bool woocommerce_look_up(struct woocommerce *shop, struct channel_batch *batch,
                                    struct channel_call *call);
void woocommerce_read_back(void *state, struct channel_batch *batch, struct channel_call *call);
void woocommerce_read_all(void *state, const struct channel_sink *sink, struct channel_call *call);

#endif
