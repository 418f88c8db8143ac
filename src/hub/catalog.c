/* The catalog in memory: open-addressing tables over texts in arenas that never move.
 *
 * Looking a SKU up dominates reading a file, so an identifier's hash, product and text sit where
 * one probe finds them: a slot is 8 bytes (32 bits of hash, the identifier's number), and the text
 * is compared only when those 32 bits agree. */
#include "hub/catalog.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/intern.h"

struct identifier_entry {
    struct text value;
    uint32_t type, product;
    uint32_t next; /* of the same product; 0: last */
};

struct product_entry {
    uint32_t first, last; /* identifiers */
    uint32_t sku;         /* the identifier it goes by; 0: none yet */
};

struct catalog {
    pthread_rwlock_t lock;
    struct arena texts;
    size_t text_bytes;
    struct intern *types, *names[NAME_KIND_COUNT], *locations, *aliases;
    uint32_t *alias_location; /* by alias number */
    size_t alias_capacity;
    struct identifier_entry *identifiers; /* [0] unused */
    uint32_t identifier_count, identifier_capacity;
    struct product_entry *products; /* [0] unused */
    uint32_t product_count, product_capacity;
    uint64_t *slots; /* hash32 << 32 | identifier; 0: free */
    size_t slot_count;
};

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
    (void)intern_add(c->types, TEXT("sku"));
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

static uint64_t identifier_hash(uint32_t type, struct text value) {
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
        slot_insert(c, identifier_hash(c->identifiers[i].type, c->identifiers[i].value), i);
}

uint32_t catalog_find_product_locked(const struct catalog *c, uint32_t type, struct text value) {
    if (type == 0)
        return 0;
    uint64_t hash = identifier_hash(type, value);
    size_t mask = c->slot_count - 1;
    for (size_t at = (size_t)hash & mask; c->slots[at] != 0; at = (at + 1) & mask) {
        if (((c->slots[at] ^ hash) >> 32) != 0)
            continue;
        const struct identifier_entry *entry = &c->identifiers[(uint32_t)c->slots[at]];
        if (entry->type == type && text_equal(entry->value, value))
            return entry->product;
    }
    return 0;
}

bool catalog_product_is_locked(const struct catalog *c, uint32_t product, uint32_t type,
                               struct text value) {
    if (product == 0 || product > c->product_count)
        return false;
    const struct identifier_entry *entry = &c->identifiers[c->products[product].sku];
    return c->products[product].sku != 0 && entry->type == type && text_equal(entry->value, value);
}

static struct text lower(struct text type, char *into, size_t room) {
    size_t length = type.length < room ? type.length : room;
    for (size_t i = 0; i < length; i++) {
        char c = type.data[i];
        into[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return (struct text){into, length};
}

uint32_t catalog_find_type_locked(const struct catalog *c, struct text type) {
    char folded[64];
    return intern_find(c->types, lower(type, folded, sizeof folded));
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

static uint32_t add_identifier(struct catalog *c, uint32_t product, uint32_t type,
                               struct text value) {
    if (c->identifier_count + 2 > c->identifier_capacity) {
        c->identifier_capacity = c->identifier_capacity == 0 ? 1024 : c->identifier_capacity * 2;
        c->identifiers =
            memory_grow(c->identifiers, c->identifier_capacity * sizeof *c->identifiers);
    }
    uint32_t number = ++c->identifier_count;
    c->identifiers[number] = (struct identifier_entry){
        .value = arena_copy(&c->texts, value), .type = type, .product = product};
    c->text_bytes += value.length + 1;
    struct product_entry *entry = &c->products[product];
    if (entry->last != 0)
        c->identifiers[entry->last].next = number;
    else
        entry->first = number;
    entry->last = number;
    if (entry->sku == 0 || (type == 1 && c->identifiers[entry->sku].type != 1))
        entry->sku = number;
    if ((size_t)c->identifier_count * 2 > c->slot_count)
        grow_slots(c);
    else
        slot_insert(c, identifier_hash(type, value), number);
    return number;
}

bool catalog_put_identifier(struct catalog *c, uint32_t product,
                            const struct identifier *identifier) {
    char folded[64];
    pthread_rwlock_wrlock(&c->lock);
    require(product >= 1 && product <= c->product_count);
    uint32_t type = intern_add(c->types, lower(identifier->type, folded, sizeof folded));
    uint32_t owner = catalog_find_product_locked(c, type, identifier->value);
    if (owner == 0)
        (void)add_identifier(c, product, type, identifier->value);
    pthread_rwlock_unlock(&c->lock);
    return owner == 0 || owner == product;
}

struct text catalog_product_sku(struct catalog *c, uint32_t product) {
    struct text sku = {NULL, 0};
    catalog_lock(c);
    if (product >= 1 && product <= c->product_count && c->products[product].sku != 0)
        sku = c->identifiers[c->products[product].sku].value;
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

static void load_identifier(void *context, uint32_t product, const struct identifier *identifier) {
    (void)catalog_put_identifier(context, product, identifier);
}

static void load_location(void *context, uint32_t number, struct text code) {
    catalog_put_location(context, number, code);
}

enum status catalog_load(struct catalog *c, struct store *store, struct error *error) {
    struct catalog_visitor visitor = {.name = load_name,
                                      .product = load_product,
                                      .identifier = load_identifier,
                                      .location = load_location,
                                      .context = c};
    return store_scan_catalog(store, &visitor, error);
}
