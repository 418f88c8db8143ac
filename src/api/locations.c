/* Locations: described and listed. What the configuration says of them stands beside it. */
#include <stdio.h>

#include "api/adjustment_parse.h"
#include "api/described.h"

#define LOCATIONS_PER_TASK 100u
#define LOCATIONS_PER_PAGE 1000u
#define LOCATIONS_PER_PAGE_MAX 10000u

static enum status read_location(struct described_reading *d, struct json_reader *json,
                                 void *item) {
    struct location_change *change = item;
    struct json_value value;
    struct text key;
    (void)d;
    enum status status = json_read(json, &value);
    if (status == STATUS_OK && value.kind != JSON_OBJECT) {
        return error_set(json->error, STATUS_BAD_JSON, "an object is needed");
    }
    while (status == STATUS_OK && (status = json_next_key(json, &key)) == STATUS_OK) {
        const char *why = NULL;
        status = json_read(json, &value);
        if (status == STATUS_OK && text_equal_string(key, "location")) {
            change->code = value.text;
        } else if (status == STATUS_OK &&
                   !described_attribute(key, &value, &change->attributes, &why)) {
            return error_set(json->error, STATUS_UNKNOWN_FIELD,
                             "location, name, active and published are known here");
        }
        if (why != NULL) {
            return error_set(json->error, STATUS_BAD_VALUE, "%.*s: %s", TEXT_ARG(key), why);
        }
    }
    if (status == STATUS_END && !adjustment_text_is_fine(change->code)) {
        return error_set(json->error, STATUS_MISSING,
                         "location: 1 to 200 bytes without control characters are needed");
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static void fail_location(void *item, enum status problem, struct text detail) {
    struct location_change *change = item;
    change->outcome = DESCRIBED_REJECTED;
    change->problem = problem;
    change->detail = detail;
}

static enum status put_locations(struct described_reading *d, void *items, size_t count,
                                 struct error *error) {
    struct location_change *changes = items;
    enum status status = hub_put_locations(d->r->api->hub, changes, count, error);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        described_count(d, changes[i].outcome, changes[i].problem, changes[i].detail);
    }
    return status;
}

void handle_locations_put(struct request *r) {
    struct described_reading d = {.r = r,
                                  .item_size = sizeof(struct location_change),
                                  .items_at_once = LOCATIONS_PER_TASK,
                                  .read = read_location,
                                  .fail = fail_location,
                                  .put = put_locations};
    described_take(&d);
}

/* ---- listed ---- */

/* NULL: the configuration does not know it. */
static const struct config_location *configured(struct request *r, struct text code) {
    const struct config *config = r->api->config;
    for (size_t i = 0; i < config->location_count; i++) {
        if (text_equal(config->locations[i].code, code)) {
            return &config->locations[i];
        }
    }
    return NULL;
}

static void write_location(struct request *r, struct json_writer *w, uint32_t location) {
    struct hub *hub = r->api->hub;
    struct text code = catalog_location_code(hub_catalog(hub), location);
    struct attributes attributes = catalog_location_attributes(hub_catalog(hub), location);
    const struct config_location *known = configured(r, code);
    json_begin_object(w);
    json_key(w, "location");
    json_text(w, code);
    json_key(w, "name");
    json_text_or_null(w,
                      attributes.name.length == 0 && known != NULL ? known->name : attributes.name);
    json_key(w, "timezone"); /* the hub's own says nothing of a store that nobody configured */
    json_text_or_null(w, known != NULL ? known->timezone : (struct text){NULL, 0});
    json_key(w, "active");
    json_bool(w, !attributes.inactive);
    json_key(w, "published");
    json_bool(w, !attributes.unpublished);
    json_key(w, "sell_online");
    json_bool(w, hub_sells_online(hub, location));
    json_key(w, "safety_stock");
    json_quantity(w, hub_safety_stock_milli(hub, location));
    json_end_object(w);
}

void handle_locations(struct request *r) {
    struct catalog *catalog = hub_catalog(r->api->hub);
    uint64_t limit = LOCATIONS_PER_PAGE, cursor = 0;
    if (!request_query_uint(r, "limit", LOCATIONS_PER_PAGE_MAX, &limit) ||
        !request_query_uint(r, "cursor", UINT32_MAX - 1, &cursor)) {
        return;
    }
    limit = limit > 0 ? limit : 1;
    uint32_t location = (uint32_t)cursor + 1, last = catalog_location_count(catalog);
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "items");
    json_begin_array(&w);
    for (; location <= last && limit > 0; location++) {
        if (access_allows_location(request_access(r), catalog_location_code(catalog, location))) {
            write_location(r, &w, location);
            limit--;
        }
    }
    json_end_array(&w);
    char next[16] = "";
    if (location <= last) {
        (void)snprintf(next, sizeof next, "%u", location - 1);
    }
    json_key(&w, "next");
    json_text_or_null(&w, text_from(next));
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}
