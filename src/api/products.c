/* Products: described (one object, a list, or NDJSON) and listed. */
#include "hub/products.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "api/adjustment_parse.h"
#include "api/described.h"

#define PRODUCTS_PER_TASK 2000u /* so that sales go in between */
#define PRODUCTS_PER_PAGE 100u
#define PRODUCTS_PER_PAGE_MAX 10000u
#define IDENTIFIERS_SHOWN_MAX 64u

/* ---- one description ---- */

struct reading {
    struct request *r;
    struct json_reader *reader;
    struct arena *arena;
    struct product_change *change;
    struct identifier *identifiers; /* room for PRODUCT_IDENTIFIERS_MAX */
    struct text name_space;
};

static void refuse(struct reading *reading, enum status problem, struct text field,
                   const char *why) {
    if (reading->change->problem != STATUS_OK) {
        return;
    }
    reading->change->problem = problem;
    reading->change->detail =
        arena_format(reading->arena, "%.*s: %s", field.length > 64 ? 64 : (int)field.length,
                     field.data != NULL ? field.data : "", why);
}

static void add_identifier(struct reading *reading, struct text type, struct text value) {
    if (reading->change->identifier_count == PRODUCT_IDENTIFIERS_MAX) {
        refuse(reading, STATUS_TOO_LARGE, type, "more identifiers than are kept");
    } else if (!adjustment_text_is_fine(value) || type.length == 0 || type.length > 64) {
        refuse(reading, STATUS_BAD_VALUE, type,
               "1 to 200 bytes without control characters are needed");
    } else {
        reading->identifiers[reading->change->identifier_count++] =
            (struct identifier){type, value};
    }
}

/* {"type": "shopify_product", "value": "77"}, with "namespace" if it has one of its own */
static enum status read_identifier(struct reading *reading) {
    struct json_value value;
    struct text key, type = {NULL, 0}, own = {NULL, 0}, name_space = {NULL, 0};
    enum status status = json_read(reading->reader, &value);
    if (status == STATUS_OK && value.kind != JSON_OBJECT) {
        return error_set(reading->reader->error, STATUS_BAD_JSON,
                         "identifiers: objects with type and value are needed");
    }
    while (status == STATUS_OK && (status = json_next_key(reading->reader, &key)) == STATUS_OK) {
        struct text *into = text_equal_string(key, "type")        ? &type
                            : text_equal_string(key, "value")     ? &own
                            : text_equal_string(key, "namespace") ? &name_space
                                                                  : NULL;
        if (into == NULL) {
            return error_set(reading->reader->error, STATUS_UNKNOWN_FIELD,
                             "identifiers: no field of this name is known here");
        }
        status = json_read(reading->reader, &value);
        if (status == STATUS_OK && value.kind != JSON_NULL && value.kind != JSON_STRING) {
            return error_set(reading->reader->error, STATUS_BAD_VALUE,
                             "identifiers: strings are needed");
        }
        *into = status == STATUS_OK ? value.text : (struct text){NULL, 0};
    }
    if (status != STATUS_END) {
        return status;
    }
    char room[ID_TYPE_SIZE];
    type = arena_copy(reading->arena, id_type_join(type, name_space, room));
    add_identifier(reading, type, own);
    return STATUS_OK;
}

static enum status read_identifiers(struct reading *reading) {
    struct json_value value;
    enum status status = json_read(reading->reader, &value);
    if (status == STATUS_OK && value.kind != JSON_ARRAY) {
        return error_set(reading->reader->error, STATUS_BAD_JSON, "identifiers: a list is needed");
    }
    while (status == STATUS_OK && (status = json_next_item(reading->reader)) == STATUS_OK) {
        status = read_identifier(reading);
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status read_member(struct reading *reading, struct text key) {
    struct catalog *catalog = hub_catalog(reading->r->api->hub);
    if (text_equal_string(key, "identifiers")) {
        return read_identifiers(reading);
    }
    struct json_value value;
    enum status status = json_read(reading->reader, &value);
    if (status != STATUS_OK) {
        return status;
    }
    const char *why = NULL;
    if (described_attribute(key, &value, &reading->change->attributes, &why)) {
        if (why != NULL) {
            refuse(reading, STATUS_BAD_VALUE, key, why);
        }
    } else if (text_equal_string(key, "namespace") || catalog_find_type(catalog, key) != 0) {
        if (value.kind != JSON_STRING && value.kind != JSON_NULL) {
            refuse(reading, STATUS_BAD_VALUE, key, "a string is needed");
        } else if (text_equal_string(key, "namespace")) {
            reading->name_space = value.text;
        } else if (value.text.length > 0) {
            add_identifier(reading, key, value.text);
        }
    } else {
        refuse(reading, STATUS_UNKNOWN_FIELD, key, "no field of this name is known here");
    }
    bool is_open = value.kind == JSON_OBJECT || value.kind == JSON_ARRAY;
    return is_open ? described_skip(reading->reader, value.kind) : STATUS_OK;
}

static enum status read_product(struct described_reading *d, struct json_reader *json, void *item) {
    struct reading reading = {.r = d->r, .reader = json, .arena = d->arena, .change = item};
    struct json_value value;
    struct text key;
    reading.identifiers =
        arena_alloc(d->arena, PRODUCT_IDENTIFIERS_MAX * sizeof *reading.identifiers);
    enum status status = json_read(json, &value);
    if (status == STATUS_OK && value.kind != JSON_OBJECT) {
        return error_set(json->error, STATUS_BAD_JSON, "an object is needed");
    }
    while (status == STATUS_OK && (status = json_next_key(json, &key)) == STATUS_OK) {
        status = read_member(&reading, key);
    }
    for (size_t i = 0; i < reading.change->identifier_count; i++) {
        char room[ID_TYPE_SIZE];
        struct text type = id_type_join(reading.identifiers[i].type, reading.name_space, room);
        reading.identifiers[i].type = arena_copy(d->arena, type);
    }
    reading.change->identifiers = reading.identifiers;
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status put_products(struct described_reading *d, void *items, size_t count,
                                struct error *error) {
    struct product_change *changes = items;
    enum status status = hub_put_products(d->r->api->hub, changes, count, d->arena, error);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        described_count(d, changes[i].outcome, changes[i].problem, changes[i].detail);
    }
    return status;
}

static void fail_product(void *item, enum status problem, struct text detail) {
    struct product_change *change = item;
    change->problem = problem;
    change->detail = detail;
}

void handle_products_put(struct request *r) {
    struct described_reading d = {.r = r,
                                  .item_size = sizeof(struct product_change),
                                  .items_at_once = PRODUCTS_PER_TASK,
                                  .read = read_product,
                                  .fail = fail_product,
                                  .put = put_products};
    described_take(&d);
}

/* ---- listed ---- */

static void write_identifiers(struct json_writer *w, struct catalog *catalog, uint32_t product) {
    struct identifier identifiers[IDENTIFIERS_SHOWN_MAX];
    size_t count = catalog_identifiers(catalog, product, identifiers, IDENTIFIERS_SHOWN_MAX);
    json_key(w, "identifiers");
    json_begin_array(w);
    for (size_t i = 0; i < count && i < IDENTIFIERS_SHOWN_MAX; i++) {
        struct text name_space, type = id_type_split(identifiers[i].type, &name_space);
        json_begin_object(w);
        json_key(w, "type");
        json_text(w, type);
        json_key(w, "value");
        json_text(w, identifiers[i].value);
        if (name_space.length > 0) {
            json_key(w, "namespace");
            json_text(w, name_space);
        }
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_product(struct json_writer *w, struct catalog *catalog, uint32_t product) {
    struct attributes attributes = catalog_product_attributes(catalog, product);
    json_begin_object(w);
    json_key(w, "sku");
    json_text_or_null(w, catalog_product_sku(catalog, product));
    json_key(w, "name");
    json_text_or_null(w, attributes.name);
    json_key(w, "active");
    json_bool(w, !attributes.inactive);
    json_key(w, "published");
    json_bool(w, !attributes.unpublished);
    write_identifiers(w, catalog, product);
    json_end_object(w);
}

/* The one that the query names; 0 with *named_out: there is none. */
static uint32_t named_product(struct request *r, bool *named_out) {
    static const char *const types[] = {"sku", "upc"};
    struct catalog *catalog = hub_catalog(r->api->hub);
    uint32_t product = 0;
    *named_out = false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char room[ID_TYPE_SIZE];
        if (!request_query_given(r, types[i])) {
            continue;
        }
        struct text type = id_type_join(text_from(types[i]), request_query(r, "namespace"), room);
        uint32_t found = catalog_find_product(catalog, type, request_query(r, types[i]));
        product = *named_out && found != product ? 0 : found;
        *named_out = true;
    }
    return product;
}

void handle_products(struct request *r) {
    struct catalog *catalog = hub_catalog(r->api->hub);
    uint64_t limit = PRODUCTS_PER_PAGE, cursor = 0;
    bool named = false;
    if (!request_query_uint(r, "limit", PRODUCTS_PER_PAGE_MAX, &limit) ||
        !request_query_uint(r, "cursor", UINT32_MAX - 1, &cursor)) {
        return;
    }
    limit = limit > 0 ? limit : 1;
    /* One more than is shown tells whether there is more. */
    uint32_t *products = arena_alloc(&r->arena, (limit + 1) * sizeof *products);
    size_t count = 0;
    products[0] = named_product(r, &named);
    if (named) {
        count = products[0] != 0;
    } else {
        count =
            catalog_search(catalog, request_query(r, "q"), (uint32_t)cursor, products, limit + 1);
    }
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "items");
    json_begin_array(&w);
    for (size_t i = 0; i < count && i < limit; i++) {
        write_product(&w, catalog, products[i]);
    }
    json_end_array(&w);
    json_key(&w, "next");
    char next[16] = "";
    if (count > limit) {
        (void)snprintf(next, sizeof next, "%u", products[limit - 1]);
    }
    json_text_or_null(&w, text_from(next));
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}
