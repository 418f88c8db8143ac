/* The channel "shopify": Shopify's GraphQL Admin API.
 *
 * Figures are set, never added to, and compared before: each goes with the figure the shop was last
 * known to show, so a web sale in between refuses it instead of being undone. Every call carries an
 * idempotency key. One bad row refuses all; the shop names it, and the others go again without it.
 */
#include <stdlib.h>

#include "channel/shopify_internal.h"

static enum status shopify_open(const struct channel_context *context, void **state_out,
                                struct error *error) {
    enum status status = shop_check_url(context->config, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct shopify *shopify = memory_alloc_zero(1, sizeof(*shopify));
    shopify->context = context;
    shopify->skus_at_once = SHOPIFY_SKUS_AT_ONCE;
    status = channel_http_new(context, &shopify->client, error);
    if (status != STATUS_OK) {
        free(shopify);
        return status;
    }
    *state_out = shopify;
    return STATUS_OK;
}

static void shopify_close(void *state) {
    struct shopify *shopify = state;
    if (shopify != NULL) {
        shopify_token_forget(shopify);
        http_client_free(shopify->client);
        free(shopify);
    }
}

const struct channel_platform channel_platform_shopify = {
    .name = "shopify",
    .batch_max = SHOPIFY_BATCH_MAX,
    .whole_units = true,
    .open = shopify_open,
    .close = shopify_close,
    .send = shopify_send,
    .read_back = shopify_read_back,
    .read_all = shopify_read_all,
    .hint = shopify_hint,
};
