/* The catalog in memory: open-addressing tables over texts in arenas that never move.
 *
 * Looking a SKU up dominates reading a file, so an identifier's hash, product and text sit where
 * one probe finds them: a slot is 8 bytes (32 bits of hash, the identifier's number), and the text
 * is compared only when those 32 bits agree. */
#include "hub/catalog.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "hub/catalog_internal.h"

/* ---- types of identifiers ---- */

static uint32_t add_type(struct catalog *c, struct text canonical) {
    uint32_t number = intern_add(c->types, canonical);
    if (number >= c->type_room) {
        uint32_t room = number * 2 + 16;
        c->type_entries = memory_grow(c->type_entries, room * sizeof *c->type_entries);
        memset(c->type_entries + c->type_room, 0, (room - c->type_room) * sizeof *c->type_entries);
        c->type_room = room;
    }
    struct text name_space, base = id_type_split(canonical, &name_space);
    c->type_entries[number] = (struct type_entry){.is_sku = text_equal_string(base, "sku"),
                                                  .is_gtin = text_equal_string(base, "upc")};
    return number;
}

struct catalog *catalog_new(void) {
    struct catalog *c = memory_alloc_zero(1, sizeof *c);
    pthread_rwlock_init(&c->lock, NULL);
    c->types = intern_new();
    c->locations = intern_new();
    c->aliases = intern_new();
    for (int kind = 0; kind < NAME_KIND_COUNT; kind++)
        c->names[kind] = intern_new();
    c->slot_count = 1024;
    c->slots = memory_alloc_zero(c->slot_count, sizeof *c->slots);
    for (size_t i = 0; id_types_known[i] != NULL; i++)
        (void)add_type(c, text_from(id_types_known[i]));
    require(intern_find(c->types, TEXT("sku")) == ID_TYPE_SKU);
    return c;
}

void catalog_free(struct catalog *c) {
    if (c == NULL)
        return;
    intern_free(c->types);
    intern_free(c->locations);
    intern_free(c->aliases);
    for (int kind = 0; kind < NAME_KIND_COUNT; kind++)
        intern_free(c->names[kind]);
    arena_deinit(&c->texts);
    free(c->type_entries);
    free(c->location_attributes);
    free(c->alias_location);
    free(c->identifiers);
    free(c->products);
    free(c->slots);
    pthread_rwlock_destroy(&c->lock);
    free(c);
}

void catalog_lock(struct catalog *c) {
    pthread_rwlock_rdlock(&c->lock);
}

void catalog_unlock(struct catalog *c) {
    pthread_rwlock_unlock(&c->lock);
}

/* ---- identifiers ---- */

uint64_t catalog_identifier_hash(uint32_t type, struct text value) {
    return hash_text(value) ^ ((uint64_t)type * UINT64_C(0x9e3779b97f4a7c15));
}

static void slot_insert(struct catalog *c, uint64_t hash, uint32_t identifier) {
    size_t mask = c->slot_count - 1;
    size_t at = (size_t)hash & mask;
    while (c->slots[at] != 0)
        at = (at + 1) & mask;
    c->slots[at] = (hash & UINT64_C(0xffffffff00000000)) | identifier;
}

static void grow_slots(struct catalog *c) {
    free(c->slots);
    c->slot_count *= 2;
    c->slots = memory_alloc_zero(c->slot_count, sizeof *c->slots);
    for (uint32_t i = 1; i <= c->identifier_count; i++)
        slot_insert(c, catalog_identifier_hash(c->identifiers[i].type, c->identifiers[i].value), i);
}

uint32_t catalog_find_slot(const struct catalog *c, uint64_t hash, uint32_t type,
                           struct text value) {
    size_t mask = c->slot_count - 1;
    for (size_t at = (size_t)hash & mask; c->slots[at] != 0; at = (at + 1) & mask) {
        if (((c->slots[at] ^ hash) >> 32) != 0)
            continue;
        const struct identifier_entry *entry = &c->identifiers[(uint32_t)c->slots[at]];
        if (entry->type == type && text_equal(entry->value, value))
            return (uint32_t)c->slots[at];
    }
    return 0;
}

enum gtin_verdict catalog_value_locked(const struct catalog *c, uint32_t type, struct text value,
                                       char room[GTIN_SIZE], struct text *value_out) {
    *value_out = value;
    if (type == 0 || !c->type_entries[type].is_gtin)
        return GTIN_NO_NUMBER;
    enum gtin_verdict verdict = gtin_read(value, room);
    if (verdict == GTIN_PROVEN)
        *value_out = text_from(room);
    return verdict;
}

uint32_t catalog_find_value_locked(const struct catalog *c, uint32_t type, struct text value) {
    if (type == 0)
        return 0;
    uint32_t identifier = catalog_find_slot(c, catalog_identifier_hash(type, value), type, value);
    return identifier != 0 ? c->identifiers[identifier].product : 0;
}

uint32_t catalog_find_product_locked(const struct catalog *c, uint32_t type, struct text value) {
    char room[GTIN_SIZE];
    (void)catalog_value_locked(c, type, value, room, &value);
    return catalog_find_value_locked(c, type, value);
}

bool catalog_product_is_locked(const struct catalog *c, uint32_t product, uint32_t type,
                               struct text value) {
    if (product == 0 || product > c->product_count)
        return false;
    const struct identifier_entry *entry = &c->identifiers[c->products[product].sku];
    return c->products[product].sku != 0 && entry->type == type && text_equal(entry->value, value);
}

/* Nearly all words are canonical already, and known. */
uint32_t catalog_find_type_locked(const struct catalog *c, struct text type) {
    char room[ID_TYPE_SIZE];
    uint32_t number = c->id_types == NULL ? intern_find(c->types, type) : 0;
    return number != 0 ? number : intern_find(c->types, id_type_read(type, c->id_types, room));
}

void catalog_configure(struct catalog *c, const struct config_pairs *id_types) {
    char room[ID_TYPE_SIZE];
    require(c->identifier_count == 0);
    c->id_types = id_types->count > 0 ? id_types : NULL;
    for (size_t i = 0; i < id_types->count; i++)
        (void)add_type(c, id_type_read(id_types->items[i].value, NULL, room));
}

enum status catalog_canonical(const struct catalog *c, const struct identifier *given,
                              struct identifier_room *room, struct identifier *out,
                              const char **why_out) {
    struct text name_space;
    out->type = id_type_read(given->type, c->id_types, room->type);
    out->value = given->value;
    if (!text_equal_string(id_type_split(out->type, &name_space), "upc"))
        return STATUS_OK;
    enum gtin_verdict verdict = gtin_read(given->value, room->value);
    if (verdict == GTIN_PROVEN)
        out->value = text_from(room->value);
    *why_out = gtin_reason(verdict);
    return gtin_is_refused(verdict) ? STATUS_BAD_VALUE : STATUS_OK;
}

uint32_t catalog_find_type(struct catalog *c, struct text type) {
    catalog_lock(c);
    uint32_t number = catalog_find_type_locked(c, type);
    catalog_unlock(c);
    return number;
}

uint32_t catalog_find_product(struct catalog *c, struct text type, struct text value) {
    catalog_lock(c);
    uint32_t product = catalog_find_product_locked(c, catalog_find_type_locked(c, type), value);
    catalog_unlock(c);
    return product;
}

void catalog_put_product(struct catalog *c, uint32_t number) {
    pthread_rwlock_wrlock(&c->lock);
    require(number == c->product_count + 1);
    if (number >= c->product_capacity) {
        c->product_capacity = c->product_capacity == 0 ? 1024 : c->product_capacity * 2;
        c->products = memory_grow(c->products, c->product_capacity * sizeof *c->products);
    }
    c->products[number] = (struct product_entry){0};
    c->product_count = number;
    pthread_rwlock_unlock(&c->lock);
}

/* Of a namespace: the namespace stands behind the value, for whoever is shown it. */
static struct identifier_entry make_entry(struct catalog *c, uint32_t product, uint32_t type,
                                          struct text value) {
    struct text name_space, shown;
    (void)id_type_split(intern_text(c->types, type), &name_space);
    shown = name_space.length == 0
                ? arena_copy(&c->texts, value)
                : arena_format(&c->texts, "%.*s@%.*s", TEXT_ARG(value), TEXT_ARG(name_space));
    c->text_bytes += shown.length + 1;
    return (struct identifier_entry){.value = {shown.data, value.length},
                                     .type = type,
                                     .product = product,
                                     .shown_length = (uint32_t)shown.length};
}

static uint32_t add_identifier(struct catalog *c, uint32_t product, uint32_t type,
                               struct text value) {
    if (c->identifier_count + 2 > c->identifier_capacity) {
        c->identifier_capacity = c->identifier_capacity == 0 ? 1024 : c->identifier_capacity * 2;
        c->identifiers =
            memory_grow(c->identifiers, c->identifier_capacity * sizeof *c->identifiers);
    }
    uint32_t number = ++c->identifier_count;
    c->identifiers[number] = make_entry(c, product, type, value);
    struct product_entry *entry = &c->products[product];
    if (entry->last != 0)
        c->identifiers[entry->last].next = number;
    else
        entry->first = number;
    entry->last = number;
    bool has_sku = entry->sku != 0 && c->type_entries[c->identifiers[entry->sku].type].is_sku;
    if (entry->sku == 0 || (c->type_entries[type].is_sku && !has_sku))
        entry->sku = number;
    if ((size_t)c->identifier_count * 2 > c->slot_count)
        grow_slots(c);
    else
        slot_insert(c, catalog_identifier_hash(type, value), number);
    return number;
}

bool catalog_put_identifier(struct catalog *c, uint32_t product,
                            const struct identifier *identifier) {
    struct identifier_room room;
    struct identifier own;
    const char *why = NULL;
    pthread_rwlock_wrlock(&c->lock);
    require(product >= 1 && product <= c->product_count);
    /* What was once taken in stays findable as it is, even if it would be refused today. */
    if (catalog_canonical(c, identifier, &room, &own, &why) != STATUS_OK)
        own.value = identifier->value;
    uint32_t type = add_type(c, own.type);
    uint32_t owner = catalog_find_value_locked(c, type, own.value);
    if (owner == 0)
        (void)add_identifier(c, product, type, own.value);
    pthread_rwlock_unlock(&c->lock);
    return owner == 0 || owner == product;
}

struct text catalog_product_sku(struct catalog *c, uint32_t product) {
    struct text sku = {NULL, 0};
    catalog_lock(c);
    if (product >= 1 && product <= c->product_count && c->products[product].sku != 0)
        sku = (struct text){c->identifiers[c->products[product].sku].value.data,
                            c->identifiers[c->products[product].sku].shown_length};
    catalog_unlock(c);
    return sku;
}

size_t catalog_identifiers(struct catalog *c, uint32_t product, struct identifier *out,
                           size_t room) {
    size_t count = 0;
    catalog_lock(c);
    if (product >= 1 && product <= c->product_count)
        for (uint32_t i = c->products[product].first; i != 0; i = c->identifiers[i].next) {
            if (count < room)
                out[count] = (struct identifier){intern_text(c->types, c->identifiers[i].type),
                                                 c->identifiers[i].value};
            count++;
        }
    catalog_unlock(c);
    return count;
}

/* ---- locations and names ---- */

uint32_t catalog_find_location_locked(const struct catalog *c, struct text code) {
    uint32_t location = intern_find(c->locations, code);
    if (location != 0)
        return location;
    uint32_t alias = intern_find(c->aliases, code);
    return alias != 0 ? c->alias_location[alias] : 0;
}

uint32_t catalog_find_location(struct catalog *c, struct text code) {
    catalog_lock(c);
    uint32_t location = catalog_find_location_locked(c, code);
    catalog_unlock(c);
    return location;
}

struct text catalog_location_code_locked(const struct catalog *c, uint32_t location) {
    if (location < 1 || location > intern_count(c->locations))
        return (struct text){NULL, 0};
    return intern_text(c->locations, location);
}

struct text catalog_location_code(struct catalog *c, uint32_t location) {
    catalog_lock(c);
    struct text code = catalog_location_code_locked(c, location);
    catalog_unlock(c);
    return code;
}

void catalog_put_location(struct catalog *c, uint32_t number, struct text code) {
    pthread_rwlock_wrlock(&c->lock);
    uint32_t given = intern_add(c->locations, code);
    require(given == number);
    pthread_rwlock_unlock(&c->lock);
}

void catalog_put_alias(struct catalog *c, uint32_t location, struct text alias) {
    pthread_rwlock_wrlock(&c->lock);
    uint32_t number = intern_add(c->aliases, alias);
    if (number >= c->alias_capacity) {
        c->alias_capacity = (size_t)number * 2;
        c->alias_location =
            memory_grow(c->alias_location, c->alias_capacity * sizeof *c->alias_location);
    }
    c->alias_location[number] = location;
    pthread_rwlock_unlock(&c->lock);
}

uint32_t catalog_find_name_locked(const struct catalog *c, enum name_kind kind, struct text name) {
    return intern_find(c->names[kind], name);
}

uint32_t catalog_find_name(struct catalog *c, enum name_kind kind, struct text name) {
    catalog_lock(c);
    uint32_t number = catalog_find_name_locked(c, kind, name);
    catalog_unlock(c);
    return number;
}

struct text catalog_name(struct catalog *c, enum name_kind kind, uint32_t number) {
    struct text name = {NULL, 0};
    catalog_lock(c);
    if (number >= 1 && number <= intern_count(c->names[kind]))
        name = intern_text(c->names[kind], number);
    catalog_unlock(c);
    return name;
}

void catalog_put_name(struct catalog *c, enum name_kind kind, uint32_t number, struct text name) {
    pthread_rwlock_wrlock(&c->lock);
    uint32_t given = intern_add(c->names[kind], name);
    require(given == number);
    pthread_rwlock_unlock(&c->lock);
}

/* ---- all of it ---- */

uint32_t catalog_location_count(struct catalog *c) {
    catalog_lock(c);
    uint32_t count = intern_count(c->locations);
    catalog_unlock(c);
    return count;
}

uint32_t catalog_product_count(struct catalog *c) {
    catalog_lock(c);
    uint32_t count = c->product_count;
    catalog_unlock(c);
    return count;
}

size_t catalog_memory(struct catalog *c) {
    catalog_lock(c);
    size_t bytes = sizeof *c + c->text_bytes + c->slot_count * sizeof *c->slots +
                   c->identifier_capacity * sizeof *c->identifiers +
                   c->product_capacity * sizeof *c->products + intern_memory(c->types) +
                   intern_memory(c->locations) + intern_memory(c->aliases);
    for (int kind = 0; kind < NAME_KIND_COUNT; kind++)
        bytes += intern_memory(c->names[kind]);
    catalog_unlock(c);
    return bytes;
}

static void load_name(void *context, enum name_kind kind, uint32_t number, struct text name) {
    catalog_put_name(context, kind, number, name);
}

static void load_product(void *context, uint32_t number) {
    catalog_put_product(context, number);
}

/* Two products of an older store may turn out to have one and the same GTIN. */
static void load_identifier(void *context, uint32_t product, const struct identifier *identifier) {
    if (!catalog_put_identifier(context, product, identifier))
        log_warn("an identifier belongs to an older product already", "type=%s value=%s",
                 log_quote(identifier->type), log_quote(identifier->value));
}

static void load_location(void *context, uint32_t number, struct text code) {
    catalog_put_location(context, number, code);
}

struct loading {
    struct catalog *catalog;
    struct arena arena;
};

uint32_t catalog_number_of_key(struct text key) {
    uint64_t number = 0;
    for (size_t i = 0; i < key.length && i < 10; i++)
        number = number * 10 + (uint64_t)(key.data[i] - '0') % 10;
    return number <= UINT32_MAX ? (uint32_t)number : 0;
}

static bool load_product_attributes(void *context, struct text key, struct text value) {
    struct loading *loading = context;
    struct attributes attributes;
    uint32_t product = catalog_number_of_key(key);
    arena_reset(&loading->arena);
    if (product >= 1 && product <= loading->catalog->product_count &&
        attributes_read(value, &loading->arena, &attributes))
        catalog_put_product_attributes(loading->catalog, product, &attributes);
    return true;
}

static bool load_location_attributes(void *context, struct text key, struct text value) {
    struct loading *loading = context;
    struct attributes attributes;
    uint32_t location = catalog_find_location(loading->catalog, key);
    arena_reset(&loading->arena);
    if (location != 0 && attributes_read(value, &loading->arena, &attributes))
        catalog_put_location_attributes(loading->catalog, location, &attributes);
    return true;
}

enum status catalog_load(struct catalog *c, struct store *store, struct error *error) {
    struct catalog_visitor visitor = {.name = load_name,
                                      .product = load_product,
                                      .identifier = load_identifier,
                                      .location = load_location,
                                      .context = c};
    struct loading loading = {.catalog = c};
    enum status status = store_scan_catalog(store, &visitor, error);
    if (status == STATUS_OK)
        status = store_item_scan(store, TEXT("product"), (struct text){0}, false,
                                 load_product_attributes, &loading, error);
    if (status == STATUS_OK)
        status = store_item_scan(store, TEXT("location"), (struct text){0}, false,
                                 load_location_attributes, &loading, error);
    arena_deinit(&loading.arena);
    return status;
}
