/* What may be sold: in our own words for channels, and in HotWax's for a shop's product page. */
#include "api/cells.h"

static int64_t floored(int64_t milli) {
    return milli > 0 ? milli : 0;
}

/* ---- GET /api/checkInventory ---- */

static void write_doc(struct json_writer *w, struct request *r, uint32_t location,
                      struct text facility, uint32_t product) {
    struct hub *hub = r->api->hub;
    struct cell cell = store_cell(hub_store(hub), location, product);
    json_begin_object(w);
    json_key(w, "facilityId");
    json_text(w, facility);
    json_key(w, "atp");
    json_quantity(w, cell_available_milli(&cell, hub_safety_stock_milli(hub, location)));
    json_end_object(w);
}

/* The facilities that were asked for; with none named, all that the token may read and that hold
 * the product. Returns how many; -1: answered with a problem. */
static int64_t write_docs(struct json_writer *w, struct request *r, uint32_t product) {
    struct catalog *catalog = hub_catalog(r->api->hub);
    struct text facility;
    unsigned position = 0;
    int64_t count = 0;
    while (request_query_next(r, "facilityId", &position, &facility)) {
        uint32_t location = find_location(r, facility, "facilityId");
        if (location == 0) {
            return -1;
        }
        write_doc(w, r, location, facility, product);
        count++;
    }
    uint32_t limit = count > 0 ? 0 : store_location_limit(hub_store(r->api->hub));
    for (uint32_t location = 1; location < limit; location++) {
        struct text code = catalog_location_code(catalog, location);
        struct cell cell = store_cell(hub_store(r->api->hub), location, product);
        if (cell_exists(&cell) && access_allows_location(request_access(r), code)) {
            write_doc(w, r, location, code, product);
            count++;
        }
    }
    return count;
}

void handle_check_inventory(struct request *r) {
    struct text sku = request_query(r, "productId");
    if (sku.length == 0) {
        problem(r, STATUS_MISSING, "productId", "productId is needed");
        return;
    }
    uint32_t product = find_product(hub_catalog(r->api->hub), sku);
    if (product == 0) {
        problem_http(r, 404, STATUS_UNKNOWN_PRODUCT, "productId", "no product is called '%.*s'",
                     sku.length > 200 ? 200 : (int)sku.length, sku.data);
        return;
    }
    struct buffer docs = {0};
    struct json_writer inner = {.out = &docs};
    json_begin_array(&inner);
    int64_t count = write_docs(&inner, r, product);
    json_end_array(&inner);
    if (count >= 0) {
        struct json_writer w = answer_writer(r);
        json_begin_object(&w);
        json_key(&w, "count");
        json_int(&w, count);
        json_key(&w, "docs");
        json_raw(&w, buffer_text(&docs));
        json_end_object(&w);
        answer_json(r, MHD_HTTP_OK);
    }
    buffer_deinit(&docs);
}

/* ---- GET /v1/availability ---- */

/* NULL when none is called so. */
static const struct config_channel *find_channel(const struct config *config, struct text name) {
    for (size_t i = 0; i < config->channel_count; i++) {
        if (text_equal(config->channels[i].name, name)) {
            return &config->channels[i];
        }
    }
    return NULL;
}

static bool channel_sells(const struct config_channel *channel, struct text code) {
    if (channel == NULL || channel->locations.count == 0) {
        return true;
    }
    for (size_t i = 0; i < channel->locations.count; i++) {
        if (text_equal(channel->locations.items[i].name, code)) {
            return true;
        }
    }
    return false;
}

/* What of one location may be sold: as its channel would tell it, where there is one. */
static int64_t sellable_milli(struct request *r, uint32_t location, uint32_t product,
                              const struct cell *cell, const struct config_channel *channel,
                              struct publisher *publisher) {
    int64_t safety_milli = hub_safety_stock_milli(r->api->hub, location);
    int64_t milli = floored(cell_available_milli(cell, safety_milli));
    if (publisher != NULL) {
        (void)publisher_place_milli(publisher, location, product, &milli);
    } else if (channel != NULL && milli < channel->threshold_milli) {
        milli = 0;
    }
    return milli;
}

static int64_t write_locations(struct request *r, struct json_writer *w, uint32_t product,
                               const struct config_channel *channel, struct publisher *publisher) {
    struct hub *hub = r->api->hub;
    int64_t total_milli = 0;
    uint32_t limit = store_location_limit(hub_store(hub));
    for (uint32_t location = 1; location < limit; location++) {
        struct text code = catalog_location_code(hub_catalog(hub), location);
        struct cell cell = store_cell(hub_store(hub), location, product);
        if (!cell_exists(&cell) || !hub_sells_online(hub, location) ||
            !channel_sells(channel, code) || !access_allows_location(request_access(r), code)) {
            continue;
        }
        int64_t safety_milli = hub_safety_stock_milli(hub, location);
        int64_t milli = sellable_milli(r, location, product, &cell, channel, publisher);
        total_milli += milli;
        json_begin_object(w);
        json_key(w, "location");
        json_text(w, code);
        json_key(w, "on_hand");
        json_quantity(w, cell.on_hand_milli);
        json_key(w, "reserved");
        json_quantity(w, cell.reserved_milli);
        json_key(w, "safety_stock");
        json_quantity(w, safety_milli);
        json_key(w, "available");
        json_quantity(w, milli);
        json_end_object(w);
    }
    return total_milli;
}

void handle_availability(struct request *r) {
    struct text sku = request_query(r, "sku"), name = request_query(r, "channel");
    const struct config_channel *channel = find_channel(r->api->config, name);
    uint32_t product = find_product(hub_catalog(r->api->hub), sku);
    if (sku.length == 0) {
        problem(r, STATUS_MISSING, "sku", "sku is needed");
        return;
    }
    if (product == 0) {
        problem_http(r, 404, STATUS_UNKNOWN_PRODUCT, "sku", "no product is called '%.*s'",
                     sku.length > 200 ? 200 : (int)sku.length, sku.data);
        return;
    }
    if (name.length > 0 && channel == NULL) {
        problem(r, STATUS_NOT_FOUND, "channel", "no channel is called '%.*s'",
                name.length > 200 ? 200 : (int)name.length, name.data);
        return;
    }
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "sku");
    json_text(&w, catalog_product_sku(hub_catalog(r->api->hub), product));
    json_key(&w, "channel");
    json_text_or_null(&w, name);
    json_key(&w, "locations");
    json_begin_array(&w);
    struct publisher *publisher =
        r->api->options.channels != NULL ? channels_find(r->api->options.channels, name) : NULL;
    int64_t total_milli = write_locations(r, &w, product, channel, publisher);
    if (publisher != NULL && request_access(r)->location_count == 0) {
        /* Sums over locations have their threshold, share and cap as a whole. */
        total_milli = publisher_total_milli(publisher, product);
    }
    json_end_array(&w);
    json_key(&w, "available");
    json_quantity(&w, total_milli);
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}
