/* Stores by any of their names: the configuration first, then the catalog. */
#include "pos/prism_stores.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/intern.h"
#include "base/json.h"
#include "store/store.h"

#define STORES_MAX 100000u /* more than anybody has: a bound for what strangers may teach */

struct prism_stores {
    struct hub *hub;
    const struct config_source *config;
    pthread_mutex_t lock;
    struct arena arena;
    struct intern *sids, *numbers;          /* each numbers the entries of the list of its own */
    struct prism_store *by_sid, *by_number; /* an ambiguous number has neither sid nor code */
    size_t by_sid_room, by_number_room;
    struct intern *locations; /* answers live here */
    uint64_t learned, saved;
};

#define AMBIGUOUS TEXT("*")            /* in place of the number of an entry of by_number */
#define ITEM_KIND TEXT("prism-stores") /* one item for each source: what belongs together */

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

/* The entry of a name; NULL: there are too many already. */
static struct prism_store *entry_of(struct intern *names, struct prism_store **list, size_t *room,
                                    struct text name) {
    uint32_t number = intern_find(names, name);
    if (number == 0 && intern_count(names) >= STORES_MAX) {
        return NULL;
    }
    number = number != 0 ? number : intern_add(names, name);
    if (number >= *room) {
        size_t grown = *room == 0 ? 64 : *room * 2;
        *list = memory_grow(*list, grown * sizeof **list);
        memset(*list + *room, 0, (grown - *room) * sizeof **list);
        *room = grown;
    }
    return &(*list)[number];
}

static bool note_sid(struct prism_stores *stores, const struct prism_store *store) {
    struct prism_store *known =
        entry_of(stores->sids, &stores->by_sid, &stores->by_sid_room, store->sid);
    bool is_news = known != NULL && fill(stores, &known->code, store->code);
    return (known != NULL && fill(stores, &known->number, store->number)) || is_news;
}

static bool contradicts(struct text known, struct text said) {
    return is_name(known) && is_name(said) && !text_equal(known, said);
}

/* Two subsidiaries may each have a store 1: then the number alone says nothing, and never will. */
static bool note_number(struct prism_stores *stores, const struct prism_store *store) {
    struct prism_store *known =
        entry_of(stores->numbers, &stores->by_number, &stores->by_number_room, store->number);
    bool is_ambiguous = known == NULL || text_equal(known->number, AMBIGUOUS);
    if (is_ambiguous) {
        return false;
    }
    if (contradicts(known->sid, store->sid) || contradicts(known->code, store->code)) {
        *known = (struct prism_store){.number = AMBIGUOUS};
        return true;
    }
    bool is_news = fill(stores, &known->sid, store->sid);
    return fill(stores, &known->code, store->code) || is_news;
}

static bool says_more_than_one(const struct prism_store *store) {
    return is_name(store->sid) + is_name(store->number) + is_name(store->code) > 1;
}

void prism_stores_learn(struct prism_stores *stores, const struct prism_store *store) {
    if (!says_more_than_one(store)) {
        return;
    }
    pthread_mutex_lock(&stores->lock);
    bool learned = is_name(store->sid) && note_sid(stores, store);
    learned |= is_name(store->number) && note_number(stores, store);
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

/* ---- over a restart ---- */

static void write_store(struct json_writer *w, struct text sid, struct text number,
                        struct text code) {
    json_begin_array(w);
    json_text(w, sid);
    json_text(w, number);
    json_text(w, code);
    json_end_array(w);
}

/* What is ambiguous is written as two that contradict each other. */
static void write_all(struct json_writer *w, const struct prism_stores *stores) {
    json_begin_array(w);
    for (uint32_t i = 1; i <= intern_count(stores->sids); i++) {
        const struct prism_store *store = &stores->by_sid[i];
        write_store(w, intern_text(stores->sids, i), store->number, store->code);
    }
    for (uint32_t i = 1; i <= intern_count(stores->numbers); i++) {
        const struct prism_store *store = &stores->by_number[i];
        bool is_ambiguous = text_equal(store->number, AMBIGUOUS);
        struct text number = intern_text(stores->numbers, i);
        write_store(w, store->sid, number, is_ambiguous ? TEXT("*1") : store->code);
        if (is_ambiguous) {
            write_store(w, store->sid, number, TEXT("*2"));
        }
    }
    json_end_array(w);
}

enum status prism_stores_save(struct prism_stores *stores, struct error *error) {
    struct buffer value = {0};
    struct json_writer w = {.out = &value};
    pthread_mutex_lock(&stores->lock);
    uint64_t learned = stores->learned;
    bool is_news = learned != stores->saved;
    if (is_news) {
        write_all(&w, stores);
    }
    pthread_mutex_unlock(&stores->lock);
    enum status status = STATUS_OK;
    if (is_news) {
        status =
            hub_item_put(stores->hub, ITEM_KIND, stores->config->name, buffer_text(&value), error);
    }
    if (status == STATUS_OK) {
        stores->saved = learned;
    }
    buffer_deinit(&value);
    return status;
}

/* The three names of one store; false: the list has ended, or is none. */
static bool read_store(struct json_reader *reader, struct prism_store *store) {
    struct text *names[] = {&store->sid, &store->number, &store->code};
    struct json_value value;
    if (json_next_item(reader) != STATUS_OK || json_read(reader, &value) != STATUS_OK ||
        value.kind != JSON_ARRAY) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (json_next_item(reader) != STATUS_OK || json_read(reader, &value) != STATUS_OK ||
            value.kind != JSON_STRING) {
            return false;
        }
        *names[i] = value.text;
    }
    return json_next_item(reader) == STATUS_END;
}

static enum status load(struct prism_stores *stores, struct error *error) {
    struct buffer value = {0};
    struct arena arena = {0};
    struct json_reader reader;
    struct json_value list;
    struct prism_store store;
    enum status status =
        store_item_get(hub_store(stores->hub), ITEM_KIND, stores->config->name, &value, error);
    if (status == STATUS_OK) {
        json_reader_init(&reader, buffer_text(&value), &arena, NULL);
        if (json_read(&reader, &list) == STATUS_OK && list.kind == JSON_ARRAY) {
            while (read_store(&reader, &store)) {
                prism_stores_learn(stores, &store);
            }
        }
        stores->saved = stores->learned;
    }
    arena_deinit(&arena);
    buffer_deinit(&value);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status prism_stores_new(struct hub *hub, const struct config_source *config,
                             struct prism_stores **stores_out, struct error *error) {
    struct prism_stores *stores = memory_alloc_zero(1, sizeof *stores);
    stores->hub = hub;
    stores->config = config;
    stores->sids = intern_new();
    stores->numbers = intern_new();
    stores->locations = intern_new();
    pthread_mutex_init(&stores->lock, NULL);
    enum status status = load(stores, error);
    if (status != STATUS_OK) {
        prism_stores_free(stores);
        return status;
    }
    *stores_out = stores;
    return STATUS_OK;
}
