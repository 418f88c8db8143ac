/* The parts of the platform "shopify": a GraphQL call, SKUs to ids, setting, reading. */
#ifndef ONHAND_CHANNEL_SHOPIFY_INTERNAL_H
#define ONHAND_CHANNEL_SHOPIFY_INTERNAL_H

#include "channel/channel.h"
#include "channel/shop_call.h"
#include "channel/tree.h"

#define SHOPIFY_VERSION "2026-10"
#define SHOPIFY_SKUS_AT_ONCE 40u
#define SHOPIFY_ID_MAX 100u
#define SHOPIFY_BATCH_MAX 250u
#define SHOPIFY_VARIANTS_MAX 8u /* of one SKU that are kept alike */

enum shopify_kind {
    SHOPIFY_SET,
    SHOPIFY_ACTIVATE,
    SHOPIFY_LOOK_UP,
    SHOPIFY_READ,
    SHOPIFY_PAGE,
    SHOPIFY_BULK,
    SHOPIFY_KINDS
};

struct shopify {
    const struct channel_context *context;
    struct http_client *client;
    struct channel_bucket bucket; /* as the last answer told it */
    double costs[SHOPIFY_KINDS];  /* of the last query of each kind */
    unsigned skus_at_once;        /* fewer where a search finds more than a page */
    struct buffer token;          /* fetched for a client id and secret; empty: none */
    int64_t token_until_us;
};

/* ---- shopify_call.c ---- */

struct shopify_query {
    enum shopify_kind kind;
    const char *text;      /* the document */
    struct text variables; /* a JSON object; empty: none */
};

/* True: *data_out is the member `data` (whose own userErrors are the caller's to read), or NULL and
 * *code_out is the code of an error that the caller knows what to do about: `expected` (NULL:
 * none). False: *call is filled. */
must_check bool shopify_call(struct shopify *shopify, const struct shopify_query *query,
                             const char *expected, struct arena *arena,
                             const struct tree **data_out, struct channel_call *call);
/* When the next query of a kind may be sent, by the shop's own budget. */
int64_t shopify_ready_us(const struct shopify *shopify, enum shopify_kind kind);
void shopify_token_forget(struct shopify *shopify);

/* ---- shopify_ids.c ---- */

/* Ids of inventory items: "gid://shopify/InventoryItem/1", more where variants share the SKU. */
struct shopify_ids {
    struct text items[SHOPIFY_VARIANTS_MAX];
    size_t count;
};

/* Looks up what is not among the notes; items the shop does not know become UNMAPPED, those with
 * too many variants PARKED. False: *call is filled. */
must_check bool shopify_look_up(struct shopify *shopify, struct channel_batch *batch,
                                struct channel_call *call);
struct shopify_ids shopify_ids_of(struct shopify *shopify, struct text sku);
/* Of an inventory item, by its id or its number alone; empty: none that was ever looked up. */
struct text shopify_sku_of(struct channel_notes *notes, struct arena *arena, struct text item);
void shopify_ids_forget(struct shopify *shopify, struct text sku);
/* As the configuration says it, or a bare number. */
struct text shopify_location_id(struct arena *arena, struct text theirs);

/* What a variant was last known to show, where several share a SKU and may differ. */
int64_t shopify_twin_milli(struct shopify *shopify, struct text item, struct text location,
                           struct arena *arena, int64_t otherwise_milli);
void shopify_twin_put(struct shopify *shopify, struct text item, struct text location,
                      struct arena *arena, int64_t milli);

/* ---- shopify_set.c, shopify_read.c ---- */

void shopify_send(void *state, struct channel_batch *batch, struct channel_call *call);
void shopify_read_back(void *state, struct channel_batch *batch, struct channel_call *call);
/* What the shop shows instead, of STALE items; those it cannot be read of stay unknown. */
void shopify_fill_stale(struct shopify *shopify, const struct channel_batch *batch);
/* What `quantities` says is available; false: nothing. */
must_check bool shopify_available_of(const struct tree *level, int64_t *milli_out);

/* ---- shopify_bulk.c ---- */
#define SHOPIFY_BULK_FROM 5000u /* figures; fewer are read page by page */
must_check bool shopify_is_large(struct shopify *shopify);
/* False: it was not done, or not to the end; all is to be read in another way. */
must_check bool shopify_bulk_read(struct shopify *shopify, const struct channel_sink *sink,
                                  struct channel_call *call);

/* ---- shopify_hint.c ---- */
/* The name in `locations:` of a location's id or number; empty: none of ours. */
struct text shopify_place_of(const struct config_channel *config, struct text id);
enum status shopify_hint(const struct channel_context *context, struct text topic, struct text body,
                         struct arena *arena, struct channel_hint *hint_out, struct error *error);

void shopify_read_all(void *state, const struct channel_sink *sink, struct channel_call *call);

#endif
