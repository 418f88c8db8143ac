/* Adobe Commerce (Magento): what its files share. */
#ifndef ONHAND_CHANNEL_MAGENTO_INTERNAL_H
#define ONHAND_CHANNEL_MAGENTO_INTERNAL_H

#include "channel/shop_call.h"
#include "channel/shop_queue.h"
#include "channel/tree.h"

#define MAGENTO_SKUS_AT_ONCE 100u

struct magento {
    const struct channel_context *context;
    struct http_client *client;
    struct text store;
    int64_t opened_us;
    struct shop_queue bulks;
    int64_t sync_until_us; /* until then nothing goes in bulk: the last did not do */
    struct text missing;   /* the last source that the shop turned out not to have */
    int64_t missing_us;
    struct arena arena;
};

/* ---- magento_call.c ---- */

/* `path` from V1/ or async/ on. `rests`: as read_all may. */
must_check bool magento_ask(struct magento *shop, const char *method, struct text path,
                            struct text body, bool rests, struct arena *arena,
                            struct http_answer *answer, struct channel_call *call);
/* A search: the first row of its answer's items; NULL: none. */
must_check bool magento_search(struct magento *shop, struct text path, bool rests,
                               struct arena *arena, const struct tree **row_out,
                               uint64_t *total_out, struct channel_call *call);
/* Appends a filter of a search; `group` from 0. The value comes after it. */
void magento_filter(struct buffer *path, unsigned group, const char *field, const char *condition);
/* The shop's words for what it refused, without the credential. */
struct text magento_words(struct arena *arena, const struct http_answer *answer);

/* Sets aside what goes to a source the shop does not have; marks as UNMAPPED what it does not sell
 * (or what has no stock of its own, as a configurable product). */
must_check bool magento_check_sources(struct magento *shop, struct channel_batch *batch,
                                      struct channel_call *call);
must_check bool magento_look_up(struct magento *shop, struct channel_batch *batch,
                                struct channel_call *call);

/* ---- magento_bulk.c ---- */

/* For a while all goes by the few. */
void magento_no_bulks(struct magento *shop, int64_t now_us);
shop_queue_asker magento_ask_bulk;

/* ---- magento_oauth.c ---- */

/* Appends the header's value for OAuth 1.0a with HMAC-SHA256; `url` with its query. */
struct magento_oauth {
    struct text consumer_key, consumer_secret, token, token_secret;
    struct text nonce;
    int64_t timestamp_s;
};
void magento_oauth_sign(const struct magento_oauth *oauth, const char *method, struct text url,
                        struct buffer *out);

#endif
