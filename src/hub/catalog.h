/* The catalog: what callers and files call things, and the numbers the ledger calls them by.
 *
 * Locations have a code and aliases, products have identifiers (type and value: sku, upc, product,
 * ...), sources and registers have names. Numbers start at 1, never change, and are dense.
 * Only the hub's writer adds; any thread reads. Lookups take a read lock of their own; a reader of
 * files holds one over many lookups (catalog_lock ... catalog_unlock around the _locked calls; the
 * writer, who alone changes the catalog, needs no lock for them).
 * Texts that come out live as long as the catalog. */
#ifndef ONHAND_HUB_CATALOG_H
#define ONHAND_HUB_CATALOG_H

#include "store/store.h"

struct catalog;

struct catalog *catalog_new(void);
void catalog_free(struct catalog *catalog);
must_check enum status catalog_load(struct catalog *catalog, struct store *store,
                                    struct error *error);

/* 0: not known. Location codes and aliases match exactly; identifier types in any case. */
uint32_t catalog_find_location(struct catalog *catalog, struct text code);
uint32_t catalog_find_product(struct catalog *catalog, struct text type, struct text value);
uint32_t catalog_find_name(struct catalog *catalog, enum name_kind kind, struct text name);

void catalog_lock(struct catalog *catalog);
void catalog_unlock(struct catalog *catalog);
uint32_t catalog_find_location_locked(const struct catalog *catalog, struct text code);
uint32_t catalog_find_product_locked(const struct catalog *catalog, uint32_t type,
                                     struct text value);
uint32_t catalog_find_name_locked(const struct catalog *catalog, enum name_kind kind,
                                  struct text name);
/* Whether the product goes by this very identifier: a cheap check of a good guess. */
bool catalog_product_is_locked(const struct catalog *catalog, uint32_t product, uint32_t type,
                               struct text value);
/* The number of an identifier type ("sku" is 1); 0: no product has one of this type. */
uint32_t catalog_find_type(struct catalog *catalog, struct text type);
uint32_t catalog_find_type_locked(const struct catalog *catalog, struct text type);

/* The canonical words; empty for a number that is not known. */
struct text catalog_location_code(struct catalog *catalog, uint32_t location);
struct text catalog_location_code_locked(const struct catalog *catalog, uint32_t location);
struct text catalog_product_sku(struct catalog *catalog,
                                uint32_t product); /* or its first identifier */
struct text catalog_name(struct catalog *catalog, enum name_kind kind, uint32_t number);
/* Fills at most `room` identifiers; returns how many the product has. */
size_t catalog_identifiers(struct catalog *catalog, uint32_t product,
                           struct identifier *identifiers_out, size_t room);

uint32_t catalog_location_count(struct catalog *catalog); /* numbers 1 .. count */
uint32_t catalog_product_count(struct catalog *catalog);
size_t catalog_memory(struct catalog *catalog);

/* ---- the writer's ---- */
void catalog_put_location(struct catalog *catalog, uint32_t number, struct text code);
void catalog_put_alias(struct catalog *catalog, uint32_t location, struct text alias);
void catalog_put_product(struct catalog *catalog, uint32_t number);
/* False: the identifier belongs to another product already. */
bool catalog_put_identifier(struct catalog *catalog, uint32_t product,
                            const struct identifier *identifier);
void catalog_put_name(struct catalog *catalog, enum name_kind kind, uint32_t number,
                      struct text name);

#endif
