/* Cells on the wire, and how a path or a parameter names one. */
#ifndef ONHAND_API_CELLS_H
#define ONHAND_API_CELLS_H

#include "api/api_internal.h"

/* A product by its SKU, or by any other identifier it is known by; 0: none. */
uint32_t find_product(struct catalog *catalog, struct text identifier);
/* A location that the token may read; 0: answered with a problem. */
uint32_t find_location(struct request *r, struct text code, const char *pointer);
/* The cell that the path names; false: answered with a problem. */
bool find_cell(struct request *r, uint32_t *location_out, uint32_t *product_out);

/* location, sku, on_hand, reserved, available, as_of, updated_at, version */
void cell_write_json(struct json_writer *w, struct hub *hub, uint32_t location, uint32_t product,
                     const struct cell *cell);
void cell_write_csv(struct buffer *out, struct hub *hub, uint32_t location, uint32_t product,
                    const struct cell *cell);
#define CELL_CSV_HEADER "location,sku,on_hand,reserved,available,as_of,updated_at,version\n"

/* The cells that a query asks for, in order of location and product. */
struct cell_walk {
    struct request *r;
    uint32_t only_location, only_product; /* 0: all */
    uint64_t changed_since;
    uint32_t location, product; /* the next to look at */
    struct located_cell *cells; /* of `location`, read but not yet given out */
    size_t count, at, room;
    uint32_t next;        /* where reading goes on in this location; 0: it is done */
    bool whole_locations; /* read each location at once: all of a reset or nothing of it */
};
/* Reads the parameters location, sku and changed_since; false: answered. */
bool cell_walk_init(struct cell_walk *walk, struct request *r);
void cell_walk_deinit(struct cell_walk *walk);
/* False: there are no more. */
bool cell_walk_next(struct cell_walk *walk, uint32_t *location_out, struct located_cell *cell_out);

/* format=csv or ndjson: everything, as it is read. */
void inventory_export(struct request *r, bool csv);

#endif
