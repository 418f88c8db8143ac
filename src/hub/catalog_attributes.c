/* Names of products and locations, whether they are active, and whether they are published; and the
 * set of published products that lets a file of everything ever created be read in a second.
 *
 * The set has 16 bits or more per identifier and three of them set for each, all in one word, so of
 * the others one in a hundred at most gets past it, to the table itself. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "hub/catalog_internal.h"

#define BITS_PER_IDENTIFIER 16u
#define BITS_MIN ((size_t)1 << 16)

/* ---- as JSON ---- */

void attributes_write(const struct attributes *a, struct buffer *json) {
    struct json_writer w = {.out = json};
    json_begin_object(&w);
    json_key(&w, "name");
    json_text_or_null(&w, a->name);
    json_key(&w, "active");
    json_bool(&w, !a->inactive);
    json_key(&w, "published");
    json_bool(&w, !a->unpublished);
    json_end_object(&w);
}

bool attributes_read(struct text json, struct arena *arena, struct attributes *out) {
    struct json_reader reader;
    struct json_value value;
    struct text key;
    *out = (struct attributes){.name = {NULL, 0}};
    json_reader_init(&reader, json, arena, NULL);
    enum status status = json_read(&reader, &value);
    if (status != STATUS_OK || value.kind != JSON_OBJECT)
        return false;
    while ((status = json_next_key(&reader, &key)) == STATUS_OK &&
           (status = json_read(&reader, &value)) == STATUS_OK) {
        if (text_equal_string(key, "name") && value.kind == JSON_STRING)
            out->name = value.text;
        else if (text_equal_string(key, "active"))
            out->inactive = value.kind == JSON_FALSE;
        else if (text_equal_string(key, "published"))
            out->unpublished = value.kind == JSON_FALSE;
    }
    return status == STATUS_END;
}

/* ---- in memory ---- */

struct attributes catalog_product_attributes(struct catalog *c, uint32_t product) {
    struct attributes a = {.name = {NULL, 0}};
    catalog_lock(c);
    if (product >= 1 && product <= c->product_count) {
        const struct product_entry *entry = &c->products[product];
        a = (struct attributes){.name = text_from(entry->name),
                                .inactive = (entry->flags & PRODUCT_INACTIVE) != 0,
                                .unpublished = (entry->flags & PRODUCT_UNPUBLISHED) != 0};
    }
    catalog_unlock(c);
    return a;
}

struct attributes catalog_location_attributes(struct catalog *c, uint32_t location) {
    struct attributes a = {.name = {NULL, 0}};
    catalog_lock(c);
    if (location < c->location_attribute_room)
        a = c->location_attributes[location];
    catalog_unlock(c);
    return a;
}

/* A name that stays the same takes no room again. */
static struct text keep_name(struct catalog *c, struct text before, struct text name) {
    if (name.length == 0 || text_equal(before, name))
        return name.length == 0 ? (struct text){NULL, 0} : before;
    c->text_bytes += name.length + 1;
    return arena_copy(&c->texts, name);
}

void catalog_put_product_attributes(struct catalog *c, uint32_t product,
                                    const struct attributes *a) {
    pthread_rwlock_wrlock(&c->lock);
    require(product >= 1 && product <= c->product_count);
    struct product_entry *entry = &c->products[product];
    entry->name = keep_name(c, text_from(entry->name), a->name).data;
    entry->flags =
        (a->inactive ? PRODUCT_INACTIVE : 0) | (a->unpublished ? PRODUCT_UNPUBLISHED : 0);
    pthread_rwlock_unlock(&c->lock);
}

void catalog_put_location_attributes(struct catalog *c, uint32_t location,
                                     const struct attributes *a) {
    pthread_rwlock_wrlock(&c->lock);
    require(location >= 1 && location <= intern_count(c->locations));
    if (location >= c->location_attribute_room) {
        uint32_t room = location * 2 + 16;
        c->location_attributes =
            memory_grow(c->location_attributes, room * sizeof *c->location_attributes);
        memset(c->location_attributes + c->location_attribute_room, 0,
               (room - c->location_attribute_room) * sizeof *c->location_attributes);
        c->location_attribute_room = room;
    }
    struct attributes *own = &c->location_attributes[location];
    struct text name = keep_name(c, own->name, a->name);
    *own = *a;
    own->name = name;
    pthread_rwlock_unlock(&c->lock);
}

/* ---- what is published ---- */

struct published {
    uint64_t *words;
    uint32_t mask; /* of their numbers */
};

/* Both from the half of the hash that the catalog's slots keep too. */
static uint64_t *word_of(const struct published *published, uint64_t hash) {
    return &published->words[(uint32_t)(hash >> 32) & published->mask];
}

static uint64_t bits_of(uint64_t hash) {
    uint64_t mixed = (hash >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return UINT64_C(1) << (mixed >> 58) | UINT64_C(1) << (mixed >> 52 & 63) |
           UINT64_C(1) << (mixed >> 46 & 63);
}

struct published *catalog_published_new(struct catalog *c) {
    struct published *published = memory_alloc_zero(1, sizeof *published);
    catalog_lock(c);
    size_t count = 0, bits = BITS_MIN;
    for (uint32_t i = 1; i <= c->identifier_count; i++)
        count += (c->products[c->identifiers[i].product].flags & PRODUCT_UNWANTED) == 0;
    while (bits < count * BITS_PER_IDENTIFIER && bits < (size_t)1 << 31)
        bits *= 2;
    published->words = memory_alloc_zero(bits / 64, sizeof *published->words);
    published->mask = (uint32_t)(bits / 64 - 1);
    for (size_t at = 0; at < c->slot_count; at++) {
        uint32_t product = c->slots[at] != 0 ? c->identifiers[(uint32_t)c->slots[at]].product : 0;
        if (product == 0 || (c->products[product].flags & PRODUCT_UNWANTED) != 0)
            continue;
        *word_of(published, c->slots[at]) |= bits_of(c->slots[at]);
    }
    catalog_unlock(c);
    return published;
}

void catalog_published_free(struct published *published) {
    if (published == NULL)
        return;
    free(published->words);
    free(published);
}

uint64_t catalog_ask_published(const struct published *published, uint32_t type,
                               struct text value) {
    uint64_t asked = catalog_identifier_hash(type, value);
    __builtin_prefetch(word_of(published, asked));
    return asked;
}

bool catalog_may_be_published(const struct published *published, uint64_t asked) {
    uint64_t bits = bits_of(asked);
    return (*word_of(published, asked) & bits) == bits;
}

bool catalog_is_published_locked(const struct catalog *c, uint32_t product) {
    return (c->products[product].flags & PRODUCT_UNWANTED) == 0;
}

uint32_t catalog_find_published_locked(const struct catalog *c, const struct published *published,
                                       uint32_t type, struct text value) {
    uint64_t hash = catalog_identifier_hash(type, value);
    uint32_t identifier =
        catalog_may_be_published(published, hash) ? catalog_find_slot(c, hash, type, value) : 0;
    if (identifier == 0)
        return 0;
    uint32_t product = c->identifiers[identifier].product;
    return catalog_is_published_locked(c, product) ? product : 0;
}
