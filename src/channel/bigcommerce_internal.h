/* BigCommerce: what its two files share. */
#ifndef ONHAND_CHANNEL_BIGCOMMERCE_INTERNAL_H
#define ONHAND_CHANNEL_BIGCOMMERCE_INTERNAL_H

#include "channel/shop_call.h"
#include "channel/tree.h"

#define BIGCOMMERCE_PLACES_MAX 256u

struct bigcommerce {
    const struct channel_context *context;
    struct http_client *client;
    struct shop_written written;
    int64_t opened_us;
    uint64_t places[BIGCOMMERCE_PLACES_MAX]; /* the shop's locations */
    size_t place_count;
    int64_t places_at_us; /* 0: not asked yet */
};

/* ---- bigcommerce_read.c ---- */

/* One call; `rests`: as read_all may. */
must_check bool bigcommerce_ask(struct bigcommerce *shop, const char *method, struct text path,
                                struct text body, bool rests, struct arena *arena,
                                struct http_answer *answer, struct channel_call *call);
/* Sets items aside that go to a location the shop does not have. */
must_check bool bigcommerce_check_places(struct bigcommerce *shop, struct channel_batch *batch,
                                         struct channel_call *call);
/* All items whose outcome is UNANSWERED become CONFIRMED with what is shown, or UNMAPPED;
 * `only_new`: those that the shop was not known to have. */
must_check bool bigcommerce_look_up(struct bigcommerce *shop, struct channel_batch *batch,
                                    bool only_new, struct channel_call *call);
void bigcommerce_read_back(void *state, struct channel_batch *batch, struct channel_call *call);
void bigcommerce_read_all(void *state, const struct channel_sink *sink, struct channel_call *call);

#endif
