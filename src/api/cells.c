/* Cells on the wire, and walking over many of them. */
#include "api/cells.h"

#include <stdlib.h>

#include "base/quantity.h"

#define CELLS_AT_ONCE 4096u

static uint32_t find_by_types(struct catalog *catalog, struct text identifier,
                              struct text name_space) {
    for (size_t i = 0; id_types_known[i] != NULL; i++) {
        char room[ID_TYPE_SIZE];
        struct text type = id_type_join(text_from(id_types_known[i]), name_space, room);
        uint32_t product = catalog_find_product(catalog, type, identifier);
        if (product != 0) {
            return product;
        }
    }
    return 0;
}

/* "WH09@SBS1" is WH09 of the namespace SBS1, unless something is really called that. */
uint32_t find_product(struct catalog *catalog, struct text identifier) {
    uint32_t product = find_by_types(catalog, identifier, (struct text){NULL, 0});
    struct text name_space, value = id_type_split(identifier, &name_space);
    if (product == 0 && name_space.length > 0) {
        product = find_by_types(catalog, value, name_space);
    }
    return product;
}

uint32_t find_location(struct request *r, struct text code, const char *pointer) {
    struct catalog *catalog = hub_catalog(r->api->hub);
    uint32_t location = catalog_find_location(catalog, code);
    struct text canonical = location != 0 ? catalog_location_code(catalog, location) : code;
    if (!access_allows_location(request_access(r), canonical)) {
        problem(r, STATUS_FORBIDDEN_LOCATION, pointer, "the token may not use location '%.*s'",
                code.length > 200 ? 200 : (int)code.length, code.data);
        return 0;
    }
    if (location == 0) {
        problem_http(r, 404, STATUS_UNKNOWN_LOCATION, pointer, "no location is called '%.*s'",
                     code.length > 200 ? 200 : (int)code.length, code.data);
    }
    return location;
}

bool find_cell(struct request *r, uint32_t *location_out, uint32_t *product_out) {
    *location_out = find_location(r, r->params[0], "location");
    if (*location_out == 0) {
        return false;
    }
    struct text sku = r->params[1];
    *product_out = find_product(hub_catalog(r->api->hub), sku);
    if (*product_out == 0) {
        problem_http(r, 404, STATUS_UNKNOWN_PRODUCT, "sku", "no product is called '%.*s'",
                     sku.length > 200 ? 200 : (int)sku.length, sku.data);
    }
    return *product_out != 0;
}

static const struct statement *ground_of(struct hub *hub, const struct cell *cell) {
    return store_statement(hub_store(hub), cell->statement);
}

static int64_t available(struct hub *hub, uint32_t location, const struct cell *cell) {
    return cell_available_milli(cell, hub_safety_stock_milli(hub, location));
}

void cell_write_json(struct json_writer *w, struct hub *hub, uint32_t location, uint32_t product,
                     const struct cell *cell) {
    struct catalog *catalog = hub_catalog(hub);
    const struct statement *ground = ground_of(hub, cell);
    json_begin_object(w);
    json_key(w, "location");
    json_text(w, catalog_location_code(catalog, location));
    json_key(w, "sku");
    json_text(w, catalog_product_sku(catalog, product));
    json_key(w, "on_hand");
    json_quantity(w, cell->on_hand_milli);
    json_key(w, "reserved");
    json_quantity(w, cell->reserved_milli);
    json_key(w, "available");
    json_quantity(w, available(hub, location, cell));
    json_key(w, "as_of");
    if (ground != NULL) {
        json_timestamp(w, ground->as_of_us);
    } else {
        json_null(w);
    }
    json_key(w, "updated_at");
    if (cell->updated_at_s != 0) {
        json_timestamp(w, (int64_t)cell->updated_at_s * US_PER_SECOND);
    } else {
        json_null(w);
    }
    json_key(w, "version");
    json_uint(w, cell->head);
    json_end_object(w);
}

void cell_write_csv(struct buffer *out, struct hub *hub, uint32_t location, uint32_t product,
                    const struct cell *cell) {
    struct catalog *catalog = hub_catalog(hub);
    const struct statement *ground = ground_of(hub, cell);
    buffer_append_csv(out, catalog_location_code(catalog, location));
    buffer_append_string(out, ",");
    buffer_append_csv(out, catalog_product_sku(catalog, product));
    int64_t figures[] = {cell->on_hand_milli, cell->reserved_milli, available(hub, location, cell)};
    for (size_t i = 0; i < 3; i++) {
        buffer_append_string(out, ",");
        buffer_append_quantity(out, figures[i]);
    }
    buffer_append_string(out, ",");
    if (ground != NULL) {
        buffer_append_timestamp(out, ground->as_of_us);
    }
    buffer_append_string(out, ",");
    if (cell->updated_at_s != 0) {
        buffer_append_timestamp(out, (int64_t)cell->updated_at_s * US_PER_SECOND);
    }
    buffer_append_string(out, ",");
    buffer_append_uint(out, cell->head);
    buffer_append_string(out, "\n");
}

/* ---- walking ---- */

bool cell_walk_init(struct cell_walk *walk, struct request *r) {
    *walk = (struct cell_walk){.r = r, .location = 1};
    if (request_query_given(r, "location")) {
        walk->only_location = find_location(r, request_query(r, "location"), "location");
        if (walk->only_location == 0) {
            return false;
        }
        walk->location = walk->only_location;
    }
    if (request_query_given(r, "sku")) {
        struct text sku = request_query(r, "sku");
        walk->only_product = find_product(hub_catalog(r->api->hub), sku);
        if (walk->only_product == 0) {
            problem_http(r, 404, STATUS_UNKNOWN_PRODUCT, "sku", "no product is called '%.*s'",
                         sku.length > 200 ? 200 : (int)sku.length, sku.data);
            return false;
        }
    }
    return request_query_uint(r, "changed_since", INT64_MAX, &walk->changed_since);
}

void cell_walk_deinit(struct cell_walk *walk) {
    free(walk->cells);
    walk->cells = NULL;
}

static bool may_read(struct cell_walk *walk, uint32_t location) {
    const struct access *access = request_access(walk->r);
    return access->location_count == 0 ||
           access_allows_location(access,
                                  catalog_location_code(hub_catalog(walk->r->api->hub), location));
}

static void make_room(struct cell_walk *walk, size_t room) {
    if (room > walk->room) {
        walk->cells = memory_grow(walk->cells, room * sizeof *walk->cells);
        walk->room = room;
    }
    require(walk->cells != NULL);
}

/* The next cells of walk->location into walk->cells. */
static void read_location(struct cell_walk *walk) {
    struct store *store = hub_store(walk->r->api->hub);
    walk->at = walk->count = 0;
    walk->next = 0;
    if (walk->only_product != 0) {
        make_room(walk, 1);
        walk->cells[0] = (struct located_cell){
            walk->only_product, store_cell(store, walk->location, walk->only_product)};
        bool wanted = walk->only_product >= walk->product && cell_exists(&walk->cells[0].cell);
        walk->count = wanted ? 1 : 0;
        return;
    }
    uint32_t products = store_product_limit(store, walk->location);
    size_t room = walk->whole_locations ? (size_t)products + 1 : CELLS_AT_ONCE;
    make_room(walk, room);
    walk->count = store_cells(store, walk->location, walk->product, walk->cells, room, &walk->next);
}

/* False: no location is left. */
static bool refill(struct cell_walk *walk) {
    while (walk->at == walk->count) {
        if (walk->next != 0) {
            walk->product = walk->next;
        } else if (walk->cells != NULL) {
            walk->location++; /* the one just read is done */
            walk->product = 0;
        }
        uint32_t limit = store_location_limit(hub_store(walk->r->api->hub));
        bool beyond = walk->only_location != 0 && walk->location > walk->only_location;
        if (walk->location >= limit || beyond) {
            return false;
        }
        make_room(walk, 1); /* cells != NULL: at least one location was looked at */
        walk->at = walk->count = 0;
        walk->next = 0;
        if (may_read(walk, walk->location)) {
            read_location(walk);
        }
    }
    return true;
}

bool cell_walk_next(struct cell_walk *walk, uint32_t *location_out, struct located_cell *cell_out) {
    while (refill(walk)) {
        struct located_cell *cell = &walk->cells[walk->at++];
        if (cell->cell.head > walk->changed_since || walk->changed_since == 0) {
            *location_out = walk->location;
            *cell_out = *cell;
            return true;
        }
    }
    return false;
}
