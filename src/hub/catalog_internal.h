/* Inside the catalog: its tables, which catalog.c fills and catalog_attributes.c reads too. */
#ifndef ONHAND_HUB_CATALOG_INTERNAL_H
#define ONHAND_HUB_CATALOG_INTERNAL_H

#include <pthread.h>

#include "base/intern.h"
#include "hub/catalog.h"

struct identifier_entry {
    struct text value;
    uint32_t type, product;
    uint32_t next;         /* of the same product; 0: last */
    uint32_t shown_length; /* of the value with its namespace, which stands behind it */
};

#define PRODUCT_INACTIVE 1u
#define PRODUCT_UNPUBLISHED 2u
#define PRODUCT_UNWANTED                                                                           \
    (PRODUCT_INACTIVE | PRODUCT_UNPUBLISHED) /* where only published ones are */

struct product_entry {
    uint32_t first, last; /* identifiers */
    uint32_t sku;         /* the identifier it goes by; 0: none yet */
    uint32_t flags;
    const char *name; /* NULL: none */
};

/* What a number of a type means, for the hot path. */
struct type_entry {
    bool is_sku, is_gtin;
};

struct catalog {
    pthread_rwlock_t lock;
    struct arena texts;
    size_t text_bytes;
    const struct config_pairs *id_types; /* NULL: none configured */
    struct intern *types, *names[NAME_KIND_COUNT], *locations, *aliases;
    struct type_entry *type_entries; /* by type number */
    uint32_t type_room;
    uint32_t *alias_location; /* by alias number */
    size_t alias_capacity;
    struct identifier_entry *identifiers; /* [0] unused */
    uint32_t identifier_count, identifier_capacity;
    struct product_entry *products; /* [0] unused */
    uint32_t product_count, product_capacity;
    uint64_t *slots; /* hash32 << 32 | identifier; 0: free */
    size_t slot_count;
    struct attributes *location_attributes; /* by location number */
    uint32_t location_attribute_room;
};

uint64_t catalog_identifier_hash(uint32_t type, struct text value);
/* The identifier's number; 0: not known. */
uint32_t catalog_find_slot(const struct catalog *catalog, uint64_t hash, uint32_t type,
                           struct text value);

#endif
