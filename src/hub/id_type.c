/* The words, as a table: compared by their letters and digits, so UPC-A, upc_a and UpcA are one. */
#include "hub/id_type.h"

const char *const id_types_known[] = {"sku",
                                      "upc",
                                      "alu",
                                      "product",
                                      "sid",
                                      "shopify_product",
                                      "shopify_variant",
                                      "shopify_inventory_item",
                                      NULL};

static const struct {
    const char *word, *type;
} words[] = {
    {"sku", "sku"},
    {"upc", "upc"},
    {"upca", "upc"},
    {"ean", "upc"},
    {"ean8", "upc"},
    {"ean13", "upc"},
    {"gtin", "upc"},
    {"gtin8", "upc"},
    {"gtin12", "upc"},
    {"gtin13", "upc"},
    {"gtin14", "upc"},
    {"alu", "alu"},
    {"product", "product"},
    {"productid", "product"},
    {"sid", "sid"},
    {"itemsid", "sid"},
    {"invnsbsitemsid", "sid"},
    {"shopifyproduct", "shopify_product"},
    {"shopifyproductid", "shopify_product"},
    {"shopifyprodid", "shopify_product"},
    {"shopifyvariant", "shopify_variant"},
    {"shopifyvariantid", "shopify_variant"},
    {"shopifyinventoryitem", "shopify_inventory_item"},
    {"shopifyinventoryitemid", "shopify_inventory_item"},
    {"shopifyinventoryid", "shopify_inventory_item"},
};

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_letters(struct text word, const char *plain) {
    for (size_t i = 0; i < word.length; i++) {
        char c = lower(word.data[i]);
        if (c == '_' || c == '-' || c == ' ')
            continue;
        if (c != *plain++)
            return false;
    }
    return *plain == '\0';
}

struct text id_type_split(struct text type, struct text *name_space_out) {
    size_t at = type.length;
    *name_space_out = (struct text){NULL, 0};
    while (at > 0 && type.data[at - 1] != '@')
        at--;
    if (at < 2)
        return type;
    *name_space_out = (struct text){type.data + at, type.length - at};
    return (struct text){type.data, at - 1};
}

static struct text put_together(struct text base, struct text name_space, char room[ID_TYPE_SIZE]) {
    size_t length = base.length < ID_TYPE_SIZE / 2 ? base.length : ID_TYPE_SIZE / 2;
    for (size_t i = 0; i < length; i++)
        room[i] = lower(base.data[i]);
    if (name_space.length > 0 && length + 1 + name_space.length <= ID_TYPE_SIZE) {
        room[length++] = '@';
        memcpy(room + length, name_space.data, name_space.length);
        length += name_space.length;
    }
    return (struct text){room, length};
}

struct text id_type_read(struct text word, const struct config_pairs *more,
                         char room[ID_TYPE_SIZE]) {
    struct text name_space, base = id_type_split(word, &name_space);
    if (more == NULL && (text_equal(word, TEXT("sku")) || text_equal(word, TEXT("upc"))))
        return word; /* what nearly all say */
    for (size_t i = 0; more != NULL && i < more->count; i++)
        if (text_equal_ignore_case(base, more->items[i].name)) {
            base = more->items[i].value;
            break;
        }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (same_letters(base, words[i].word)) {
            base = text_from(words[i].type);
            break;
        }
    return put_together(base, name_space, room);
}

struct text id_type_join(struct text word, struct text name_space, char room[ID_TYPE_SIZE]) {
    struct text own;
    (void)id_type_split(word, &own);
    if (name_space.length == 0 || own.length > 0)
        return word;
    return put_together(word, name_space, room);
}
