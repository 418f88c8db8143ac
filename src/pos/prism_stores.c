/* Stores by any of their names: the configuration first, then the catalog. */
#include "pos/prism_stores.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/intern.h"

#define STORES_MAX 100000u /* more than anybody has: a bound for what strangers may teach */

struct prism_stores {
    struct hub *hub;
    const struct config_source *config;
    pthread_mutex_t lock;
    struct arena arena;
    struct intern *sids, *numbers; /* each numbers the entries of the list of its own */
    struct prism_store *by_sid, *by_number;
    size_t by_sid_room, by_number_room;
    struct intern *locations; /* answers live here */
    uint64_t learned;
};

struct prism_stores *prism_stores_new(struct hub *hub, const struct config_source *config) {
    struct prism_stores *stores = memory_alloc_zero(1, sizeof *stores);
    stores->hub = hub;
    stores->config = config;
    stores->sids = intern_new();
    stores->numbers = intern_new();
    stores->locations = intern_new();
    pthread_mutex_init(&stores->lock, NULL);
    return stores;
}

void prism_stores_free(struct prism_stores *stores) {
    if (stores == NULL) {
        return;
    }
    pthread_mutex_destroy(&stores->lock);
    intern_free(stores->sids);
    intern_free(stores->numbers);
    intern_free(stores->locations);
    free(stores->by_sid);
    free(stores->by_number);
    arena_deinit(&stores->arena);
    free(stores);
}

/* ---- remembering ---- */

static bool is_name(struct text name) {
    return name.length > 0 && !text_equal_string(name, "0");
}

/* True: something new went into the entry. */
static bool fill(struct prism_stores *stores, struct text *member, struct text value) {
    if (!is_name(value) || text_equal(*member, value)) {
        return false;
    }
    *member = arena_copy(&stores->arena, value);
    return true;
}

static bool note(struct prism_stores *stores, struct intern *names, struct prism_store **list,
                 size_t *room, struct text name, const struct prism_store *store) {
    uint32_t number = intern_find(names, name);
    if (number == 0 && intern_count(names) >= STORES_MAX) {
        return false;
    }
    number = number != 0 ? number : intern_add(names, name);
    if (number >= *room) {
        size_t grown = *room == 0 ? 64 : *room * 2;
        *list = memory_grow(*list, grown * sizeof **list);
        memset(*list + *room, 0, (grown - *room) * sizeof **list);
        *room = grown;
    }
    bool sid = fill(stores, &(*list)[number].sid, store->sid);
    bool code = fill(stores, &(*list)[number].code, store->code);
    return fill(stores, &(*list)[number].number, store->number) || sid || code;
}

static bool says_more_than_one(const struct prism_store *store) {
    return is_name(store->sid) + is_name(store->number) + is_name(store->code) > 1;
}

void prism_stores_learn(struct prism_stores *stores, const struct prism_store *store) {
    if (!says_more_than_one(store)) {
        return;
    }
    pthread_mutex_lock(&stores->lock);
    bool learned = false;
    if (is_name(store->sid)) {
        learned |=
            note(stores, stores->sids, &stores->by_sid, &stores->by_sid_room, store->sid, store);
    }
    if (is_name(store->number)) {
        learned |= note(stores, stores->numbers, &stores->by_number, &stores->by_number_room,
                        store->number, store);
    }
    stores->learned += learned;
    pthread_mutex_unlock(&stores->lock);
}

uint64_t prism_stores_learned(struct prism_stores *stores) {
    pthread_mutex_lock(&stores->lock);
    uint64_t learned = stores->learned;
    pthread_mutex_unlock(&stores->lock);
    return learned;
}

/* The store with whatever else is known of it. */
static struct prism_store completed(struct prism_stores *stores, struct prism_store store) {
    uint32_t by_sid = is_name(store.sid) ? intern_find(stores->sids, store.sid) : 0;
    if (by_sid != 0) {
        const struct prism_store *known = &stores->by_sid[by_sid];
        store.number = is_name(store.number) ? store.number : known->number;
        store.code = is_name(store.code) ? store.code : known->code;
    }
    uint32_t by_number = is_name(store.number) ? intern_find(stores->numbers, store.number) : 0;
    if (by_number != 0) {
        const struct prism_store *known = &stores->by_number[by_number];
        store.sid = is_name(store.sid) ? store.sid : known->sid;
        store.code = is_name(store.code) ? store.code : known->code;
    }
    return store;
}

/* ---- asking ---- */

static struct text without_leading_zeros(struct text digits) {
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return digits;
        }
    }
    while (digits.length > 1 && digits.data[0] == '0') {
        digits.data++;
        digits.length--;
    }
    return digits;
}

/* A store's number is 13 in one dialect and "013" in the other. */
static struct text configured(const struct config_source *config, struct text name) {
    for (size_t i = 0; i < config->stores.count && is_name(name); i++) {
        if (text_equal(config->stores.items[i].name, name)) {
            return config->stores.items[i].value;
        }
    }
    for (size_t i = 0; i < config->stores.count && is_name(name); i++) {
        if (text_equal(without_leading_zeros(config->stores.items[i].name),
                       without_leading_zeros(name))) {
            return config->stores.items[i].value;
        }
    }
    return (struct text){NULL, 0};
}

/* A location by its code, whatever the configuration calls it by. */
static struct text canonical(struct prism_stores *stores, struct text name) {
    struct catalog *catalog = hub_catalog(stores->hub);
    uint32_t location = catalog_find_location(catalog, name);
    return location != 0 ? catalog_location_code(catalog, location) : name;
}

static struct text in_catalog(struct prism_stores *stores, struct text name) {
    struct catalog *catalog = hub_catalog(stores->hub);
    uint32_t location = is_name(name) ? catalog_find_location(catalog, name) : 0;
    return location != 0 ? catalog_location_code(catalog, location) : (struct text){NULL, 0};
}

/* Only a code makes a new location: a number alone may be a store whose code is still to come. */
static struct text may_become(struct prism_stores *stores, const struct prism_store *store) {
    bool create = hub_config(stores->hub)->unknown_locations == CONFIG_CREATE &&
                  stores->config->stores.count == 0;
    if (!create || store->code.length == 0 || intern_count(stores->locations) >= STORES_MAX) {
        return (struct text){NULL, 0};
    }
    return intern_text(stores->locations, intern_add(stores->locations, store->code));
}

struct text prism_stores_location(struct prism_stores *stores, const struct prism_store *store) {
    struct text found = {NULL, 0};
    pthread_mutex_lock(&stores->lock);
    struct prism_store known = completed(stores, *store);
    const struct text names[] = {known.code, known.number, known.sid};
    for (size_t i = 0; i < 3 && found.length == 0; i++) {
        found = configured(stores->config, names[i]);
    }
    found = found.length > 0 ? canonical(stores, found) : found;
    for (size_t i = 0; i < 2 && found.length == 0; i++) {
        found = in_catalog(stores, names[i]);
    }
    if (found.length == 0) {
        found = may_become(stores, &known);
    }
    pthread_mutex_unlock(&stores->lock);
    return found;
}
