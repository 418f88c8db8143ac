/* Which type of channel is which platform: one row each. */
#include "channel/channel.h"

static const struct {
    enum config_channel_type type;
    const struct channel_platform *platform;
} rows[] = {
    {CONFIG_CHANNEL_HOTWAX, &channel_platform_hotwax},
    {CONFIG_CHANNEL_SHOPIFY, &channel_platform_shopify},
    {CONFIG_CHANNEL_WEBHOOK, &channel_platform_webhook},
    {CONFIG_CHANNEL_MAGENTO, &channel_platform_magento},
    {CONFIG_CHANNEL_WOOCOMMERCE, &channel_platform_woocommerce},
    {CONFIG_CHANNEL_BIGCOMMERCE, &channel_platform_bigcommerce},
};

const struct channel_platform *channel_platform_of(enum config_channel_type type) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].type == type) {
            return rows[i].platform;
        }
    }
    return NULL;
}
