/* Online orders from whatever bytes come: what is read of them can be booked, and the same bytes
 * always say the same. The first byte chooses the platform and the topic. */
#include <stddef.h>
#include <stdint.h>

#include "channel/orders.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct adjustment *a) {
    require(a->id.length > 0 && a->id.length <= 200 && text_is_utf8(a->id));
    require(a->delta_milli != 0 || a->type == EVENT_SHIPMENT || a->type == EVENT_RELEASE ||
            a->type == EVENT_RETURN || a->type == EVENT_RESERVATION);
    require(a->delta_milli >= -1000 * (int64_t)ORDER_UNITS_MAX &&
            a->delta_milli <= 1000 * (int64_t)ORDER_UNITS_MAX);
    require(a->identifiers[0].value.length > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct {
        enum config_channel_type type;
        const char *topic;
    } kinds[] = {{CONFIG_CHANNEL_SHOPIFY, "orders/create"},
                 {CONFIG_CHANNEL_SHOPIFY, "fulfillments/create"},
                 {CONFIG_CHANNEL_WOOCOMMERCE, "order.updated"},
                 {CONFIG_CHANNEL_SHOPIFY, ""}};
    if (size == 0) {
        return 0;
    }
    struct arena arena = {0};
    struct error error = {0};
    struct config_channel config = {
        .type = kinds[data[0] % 4].type, .name = TEXT("web"), .orders_location = TEXT("NY01")};
    struct orders_message message = {
        &config, text_from(kinds[data[0] % 4].topic), {(const char *)data + 1, size - 1}};
    struct orders orders;
    struct adjustment *adjustments = NULL;
    size_t count = 0;
    if (orders_read(&message, &arena, &orders, &error) == STATUS_OK &&
        orders_events(&config, &orders, &arena, &adjustments, &count, &error) == STATUS_OK) {
        for (size_t i = 0; i < count; i++) {
            check(&adjustments[i]);
        }
    }
    arena_deinit(&arena);
    return 0;
}
