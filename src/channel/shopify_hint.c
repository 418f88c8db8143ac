/* The webhook inventory_levels/update: somebody changed a figure at the shop, or we did. It carries
 * a figure, which may be a later one than that of its own change; so it is a hint, no fact. */
#include "base/quantity.h"
#include "channel/shopify_internal.h"

struct text shopify_place_of(const struct config_channel *config, struct text id) {
    const struct config_pairs *locations = &config->locations;
    const char *slash = id.length > 0 ? memrchr(id.data, '/', id.length) : NULL;
    if (slash != NULL) {
        id = (struct text){slash + 1, (size_t)(id.data + id.length - slash - 1)};
    }
    for (size_t i = 0; i < locations->count && id.length > 0; i++) {
        struct text value = locations->items[i].value;
        size_t tail = value.length > id.length ? value.length - id.length : 0;
        bool is_end = tail == 0 || value.data[tail - 1] == '/';
        if (is_end && text_equal((struct text){value.data + tail, value.length - tail}, id)) {
            return value;
        }
    }
    return (struct text){NULL, 0};
}

enum status shopify_hint(const struct channel_context *context, struct text topic, struct text body,
                         struct arena *arena, struct channel_hint *hint_out, struct error *error) {
    const struct tree *tree = NULL;
    if (!text_equal_string(topic, "inventory_levels/update")) {
        return STATUS_END;
    }
    enum status status = tree_read(body, arena, &tree, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct text item = tree_text(tree_get(tree, "inventory_item_id"));
    struct text location = tree_text(tree_get(tree, "location_id"));
    if (item.length == 0 || item.length > SHOPIFY_ID_MAX || location.length == 0) {
        return error_set(error, STATUS_MISSING,
                         "inventory_item_id, location_id: of which figure is it?");
    }
    struct text theirs = shopify_place_of(context->config, location);
    /* `available` is null where the item is not stocked: it sells none. */
    hint_out->actual_milli = 0;
    const struct tree *available = tree_get(tree, "available");
    if (available != NULL && !tree_milli(available, &hint_out->actual_milli)) {
        return error_set(error, STATUS_BAD_QUANTITY, "available: a number is needed");
    }
    if (theirs.length > 0) {
        hint_out->theirs = theirs;
        hint_out->sku = shopify_sku_of(context->notes, arena, item);
    }
    return STATUS_OK;
}
