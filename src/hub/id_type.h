/* What a kind of identifier is called, whoever says it.
 *
 * Callers and files have many words for the same: upca, ean-13 and gtin are all "upc",
 * Shopify_Prod_ID is "shopify_product". A word may end in "@NAMESPACE": its identifiers are apart
 * from those of the same kind elsewhere. Words in no table are kinds of their own, in lower case.
 */
#ifndef ONHAND_HUB_ID_TYPE_H
#define ONHAND_HUB_ID_TYPE_H

#include "config/config.h"

#define ID_TYPE_SIZE 128

/* The canonical word, written to room; `more` (may be NULL) goes before the table. */
struct text id_type_read(struct text word, const struct config_pairs *more,
                         char room[ID_TYPE_SIZE]);

/* "upc@SBS1" -> "upc" and "SBS1"; without one the namespace is empty. */
struct text id_type_split(struct text type, struct text *name_space_out);

/* "upc" and "SBS1" -> "upc@SBS1"; as it is where there is no namespace or it has one already. */
struct text id_type_join(struct text word, struct text name_space, char room[ID_TYPE_SIZE]);

extern const char
    *const id_types_known[]; /* the canonical words; NULL-terminated, "sku", "upc" first */

#endif
