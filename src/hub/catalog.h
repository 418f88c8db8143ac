/* The catalog: what callers and files call things, and the numbers the ledger calls them by.
 *
 * Locations have a code and aliases, products have identifiers (type and value: sku, upc, product,
 * ...), sources and registers have names. Numbers start at 1, never change, and are dense.
 * What a kind of identifier is called is one word whoever says it (hub/id_type.h), and a GTIN is
 * one number in whatever form it comes (core/gtin.h): whatever goes in or is looked for is brought
 * to that form here. Only the hub's writer adds; any thread reads. Lookups take a read lock of
 * their own; a reader of files holds one over many lookups (catalog_lock ... catalog_unlock around
 * the _locked calls; the writer, who alone changes the catalog, needs no lock for them). Texts that
 * come out live as long as the catalog. */
#ifndef ONHAND_HUB_CATALOG_H
#define ONHAND_HUB_CATALOG_H

#include "core/gtin.h"
#include "hub/id_type.h"
#include "store/store.h"

struct catalog;

#define ID_TYPE_SKU 1u

struct catalog *catalog_new(void);
void catalog_free(struct catalog *catalog);
/* Words of the configuration for types of identifiers; before anything is put in or looked for. */
void catalog_configure(struct catalog *catalog, const struct config_pairs *id_types);
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
/* The same for a value that is canonical already. */
uint32_t catalog_find_value_locked(const struct catalog *catalog, uint32_t type, struct text value);

/* The identifier as the catalog keeps it; type and value may point into *room. A GTIN that cannot
 * be one (1.23E+11) is STATUS_BAD_VALUE with the reason. */
struct identifier_room {
    char type[ID_TYPE_SIZE], value[GTIN_SIZE];
};
must_check enum status catalog_canonical(const struct catalog *catalog,
                                         const struct identifier *given,
                                         struct identifier_room *room,
                                         struct identifier *identifier_out, const char **why_out);
/* The value alone, for a type's number: a GTIN may go to room, all others stay what they are. */
enum gtin_verdict catalog_value_locked(const struct catalog *catalog, uint32_t type,
                                       struct text value, char room[GTIN_SIZE],
                                       struct text *value_out);

/* Whether the product goes by this very identifier: a cheap check of a good guess. */
bool catalog_product_is_locked(const struct catalog *catalog, uint32_t product, uint32_t type,
                               struct text value);
/* The number of an identifier type ("sku" is 1); 0: no product has one of this type. */
uint32_t catalog_find_type(struct catalog *catalog, struct text type);
uint32_t catalog_find_type_locked(const struct catalog *catalog, struct text type);

/* The canonical words; empty for a number that is not known. */
struct text catalog_location_code(struct catalog *catalog, uint32_t location);
struct text catalog_location_code_locked(const struct catalog *catalog, uint32_t location);
/* Its SKU, or its first identifier; "WH09@SBS1" where it is of a namespace. */
struct text catalog_product_sku(struct catalog *catalog, uint32_t product);
struct text catalog_name(struct catalog *catalog, enum name_kind kind, uint32_t number);
/* Fills at most `room` identifiers; returns how many the product has. */
size_t catalog_identifiers(struct catalog *catalog, uint32_t product,
                           struct identifier *identifiers_out, size_t room);

uint32_t catalog_location_count(struct catalog *catalog); /* numbers 1 .. count */
uint32_t catalog_product_count(struct catalog *catalog);
size_t catalog_memory(struct catalog *catalog);

/* Products each word of the text is found in, whether in an identifier or in the name, in any case;
 * with numbers above `after`, in order of number. Returns how many, at most `room`. */
size_t catalog_search(struct catalog *catalog, struct text text, uint32_t after,
                      uint32_t *products_out, size_t room);

/* ---- what is known of products and locations beside their identifiers ---- */
struct attributes {
    struct text name; /* lives as long as the catalog */
    bool inactive, unpublished;
};
struct attributes catalog_product_attributes(struct catalog *catalog, uint32_t product);
struct attributes catalog_location_attributes(struct catalog *catalog, uint32_t location);
/* How they are kept in the store, as JSON; false: it is none. */
uint32_t catalog_number_of_key(struct text key); /* of a product's attributes; 0: none */
void attributes_write(const struct attributes *attributes, struct buffer *json);
bool attributes_read(struct text json, struct arena *arena, struct attributes *attributes_out);

/* The identifiers of all published and active products as a set of bits, a few hundred KB where the
 * catalog has a hundred MB, so that the rows of all other products fail at the first look. */
struct published;
struct published *catalog_published_new(struct catalog *catalog);
void catalog_published_free(struct published *published);
bool catalog_is_published_locked(const struct catalog *catalog, uint32_t product);
/* 0: not known, not published, or not active. The value is canonical. */
uint32_t catalog_find_published_locked(const struct catalog *catalog,
                                       const struct published *published, uint32_t type,
                                       struct text value);
/* For many at a time: first ask for some, which begins to fetch what the answers need, then look.
 * False: the one above would find nothing. */
uint64_t catalog_ask_published(const struct published *published, uint32_t type, struct text value);
bool catalog_may_be_published(const struct published *published, uint64_t asked);

/* ---- the writer's ---- */
void catalog_put_product_attributes(struct catalog *catalog, uint32_t product,
                                    const struct attributes *attributes);
void catalog_put_location_attributes(struct catalog *catalog, uint32_t location,
                                     const struct attributes *attributes);
void catalog_put_location(struct catalog *catalog, uint32_t number, struct text code);
void catalog_put_alias(struct catalog *catalog, uint32_t location, struct text alias);
void catalog_put_product(struct catalog *catalog, uint32_t number);
/* False: the identifier belongs to another product already. */
bool catalog_put_identifier(struct catalog *catalog, uint32_t product,
                            const struct identifier *identifier);
void catalog_put_name(struct catalog *catalog, enum name_kind kind, uint32_t number,
                      struct text name);

#endif
