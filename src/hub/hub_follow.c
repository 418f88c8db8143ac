/* Several hubs on one store: what the others changed reaches what this hub keeps in memory.
 *
 * The store tells it on the writer's thread, before each decision and, where there is nothing to
 * decide, FOLLOW_US after the last look: names go into the catalog, changes into the change feed,
 * documents to whoever watches their kind. */
#include "hub/hub_internal.h"

#include "base/quantity.h"

/* ---- names ---- */

static void take_name(void *context, enum name_kind kind, uint32_t number, struct text name) {
    struct hub *hub = context;
    catalog_put_name(hub->catalog, kind, number, name);
}

static void take_product(void *context, uint32_t number) {
    struct hub *hub = context;
    catalog_put_product(hub->catalog, number);
}

static void take_identifier(void *context, uint32_t product, const struct identifier *identifier) {
    struct hub *hub = context;
    (void)catalog_put_identifier(hub->catalog, product, identifier);
}

static void take_location(void *context, uint32_t number, struct text code) {
    struct hub *hub = context;
    catalog_put_location(hub->catalog, number, code);
    hub_location_grow(hub);
}

/* ---- changes ---- */

static void take_changes(void *context, const struct change *changes, size_t count) {
    change_feed_publish(context, changes, count, changes[count - 1].seq);
}

/* ---- documents ---- */

bool hub_load_location_memory(void *context, struct text key, struct text value) {
    struct hub *hub = context;
    uint32_t location = catalog_find_location(hub->catalog, key);
    int64_t rows_milli = 0;
    if (location != 0 && quantity_parse(value, false, &rows_milli) == STATUS_OK)
        hub_location_remember(hub, location,
                              (struct location_memory){true, (uint64_t)rows_milli / 1000});
    return true;
}

static void take_product_attributes(struct hub *hub, struct text key, struct text value) {
    struct arena arena = {0};
    struct attributes attributes;
    uint32_t product = catalog_number_of_key(key);
    if (product >= 1 && product <= catalog_product_count(hub->catalog) &&
        attributes_read(value, &arena, &attributes)) {
        struct attributes before = catalog_product_attributes(hub->catalog, product);
        catalog_put_product_attributes(hub->catalog, product, &attributes);
        if (before.unpublished != attributes.unpublished)
            change_feed_revise(hub, (struct revision){.product = product});
    }
    arena_deinit(&arena);
}

static void take_location_attributes(struct hub *hub, struct text key, struct text value) {
    struct arena arena = {0};
    struct attributes attributes;
    uint32_t location = catalog_find_location(hub->catalog, key);
    if (location != 0 && attributes_read(value, &arena, &attributes)) {
        struct attributes before = catalog_location_attributes(hub->catalog, location);
        catalog_put_location_attributes(hub->catalog, location, &attributes);
        if (before.unpublished != attributes.unpublished)
            change_feed_revise(hub, (struct revision){.location = location});
    }
    arena_deinit(&arena);
}

static void take_item(void *context, struct text kind, struct text key, const struct text *value) {
    struct hub *hub = context;
    if (value != NULL && text_equal_string(kind, "product"))
        take_product_attributes(hub, key, *value);
    else if (value != NULL && text_equal_string(kind, "location"))
        take_location_attributes(hub, key, *value);
    else if (value != NULL && text_equal_string(kind, "last_reset"))
        (void)hub_load_location_memory(hub, key, *value);
    pthread_mutex_lock(&hub->watch_lock);
    for (struct item_watch *watch = hub->watches; watch != NULL; watch = watch->next)
        if (text_equal_string(kind, watch->kind))
            watch->changed(watch->context, key, value);
    pthread_mutex_unlock(&hub->watch_lock);
}

void hub_watch_items(struct hub *hub, struct item_watch *watch) {
    pthread_mutex_lock(&hub->watch_lock);
    watch->next = hub->watches;
    hub->watches = watch;
    pthread_mutex_unlock(&hub->watch_lock);
}

void hub_unwatch_items(struct hub *hub, struct item_watch *watch) {
    pthread_mutex_lock(&hub->watch_lock);
    struct item_watch **at = &hub->watches;
    while (*at != NULL && *at != watch)
        at = &(*at)->next;
    if (*at != NULL)
        *at = watch->next;
    pthread_mutex_unlock(&hub->watch_lock);
}

/* ---- following ---- */

void hub_follow_begin(struct hub *hub) {
    struct store_follower follower = {
        .catalog = {.name = take_name,
                    .product = take_product,
                    .identifier = take_identifier,
                    .location = take_location,
                    .context = hub},
        .item = take_item,
        .changes = take_changes,
        .context = hub,
    };
    hub->shared = store_age_us(hub->store) >= 0;
    if (hub->shared)
        store_set_follower(hub->store, &follower);
}

void hub_follow(struct hub *hub) {
    struct error error = {0};
    if (!hub->shared || store_age_us(hub->store) < FOLLOW_US)
        return;
    enum status status = store_follow(hub->store, &error);
    if (status == STATUS_CORRUPT)
        hub_fatal(status, &error);
    atomic_store(&hub->counters.store_away, status != STATUS_OK);
    uint64_t last_seq = store_last_seq(hub->store);
    if (status == STATUS_OK && last_seq > hub_last_sequence(hub))
        change_feed_publish(hub, NULL, 0, last_seq);
}
