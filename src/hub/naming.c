/* Words become numbers: what a batch or a file names for the first time is added to the store in
 * one transaction of its own, and to the catalog once that is on disk. */
#include <stdlib.h>

#include "base/intern.h"
#include "hub/hub_internal.h"

struct wanted_product_entry {
    struct identifier identifiers[ADJUSTMENT_IDENTIFIERS_MAX];
    size_t count;
};

struct wanted {
    struct arena arena;
    struct intern *locations, *names[NAME_KIND_COUNT];
    struct intern *identifiers; /* type NUL value, of all products wanted */
    struct wanted_product_entry *products;
    uint32_t product_count;
    size_t product_room;
    uint32_t *numbers; /* those the store gave, while creating */
};

struct wanted *wanted_new(void) {
    struct wanted *w = memory_alloc_zero(1, sizeof *w);
    w->locations = intern_new();
    w->identifiers = intern_new();
    for (int kind = 0; kind < NAME_KIND_COUNT; kind++)
        w->names[kind] = intern_new();
    return w;
}

void wanted_free(struct wanted *w) {
    if (w == NULL)
        return;
    intern_free(w->locations);
    intern_free(w->identifiers);
    for (int kind = 0; kind < NAME_KIND_COUNT; kind++)
        intern_free(w->names[kind]);
    arena_deinit(&w->arena);
    free(w->products);
    free(w);
}

void wanted_location(struct wanted *w, struct text code) {
    (void)intern_add(w->locations, code);
}

void wanted_name(struct wanted *w, enum name_kind kind, struct text name) {
    (void)intern_add(w->names[kind], name);
}

/* As the catalog will keep it: "type NUL value". */
static struct text identifier_key(struct wanted *w, const struct catalog *catalog,
                                  const struct identifier *identifier, struct identifier *own) {
    struct identifier_room room;
    const char *why = NULL;
    if (catalog_canonical(catalog, identifier, &room, own, &why) != STATUS_OK)
        own->value = identifier->value;
    struct text key =
        arena_format(&w->arena, "%.*s%c%.*s", TEXT_ARG(own->type), 0, TEXT_ARG(own->value));
    *own = (struct identifier){{key.data, own->type.length},
                               {key.data + own->type.length + 1, own->value.length}};
    return key;
}

/* Whoever shares an identifier with a product that is wanted already will be found to be that. */
void wanted_product(struct wanted *w, const struct catalog *catalog,
                    const struct identifier *identifiers, size_t count) {
    require(count >= 1 && count <= ADJUSTMENT_IDENTIFIERS_MAX);
    struct text keys[ADJUSTMENT_IDENTIFIERS_MAX];
    struct wanted_product_entry entry = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        struct identifier own;
        struct text key = identifier_key(w, catalog, &identifiers[i], &own);
        if (intern_find(w->identifiers, key) != 0)
            return;
        bool is_repeated = false; /* two forms of one GTIN, say */
        for (size_t k = 0; k < entry.count; k++)
            is_repeated |= text_equal(keys[k], key);
        if (is_repeated)
            continue;
        keys[entry.count] = key;
        entry.identifiers[entry.count++] = own;
    }
    if (w->product_count == w->product_room) {
        w->product_room = w->product_room == 0 ? 64 : w->product_room * 2;
        w->products = memory_grow(w->products, w->product_room * sizeof *w->products);
    }
    for (size_t i = 0; i < entry.count; i++)
        (void)intern_add(w->identifiers, keys[i]);
    w->products[w->product_count++] = entry;
}

bool wanted_any(const struct wanted *w) {
    uint32_t any = intern_count(w->locations) | w->product_count;
    for (int kind = 0; kind < NAME_KIND_COUNT; kind++)
        any |= intern_count(w->names[kind]);
    return any != 0;
}

/* Another hub may have named it since it was wanted: then it is in the catalog by now. */
static bool product_is_known(struct hub *hub, const struct wanted_product_entry *product) {
    bool known = false;
    for (size_t i = 0; i < product->count && !known; i++)
        known = catalog_find_product(hub->catalog, product->identifiers[i].type,
                                     product->identifiers[i].value) != 0;
    return known;
}

/* Store numbers go to w->numbers in the order: locations, names by kind, products; 0 for what is
 * known already. */
static enum status add_all(struct hub *hub, struct wanted *w, struct error *error) {
    uint32_t *number = w->numbers;
    enum status status = STATUS_OK;
    for (uint32_t i = 1; i <= intern_count(w->locations) && status == STATUS_OK; i++, number++) {
        struct text code = intern_text(w->locations, i);
        if (catalog_find_location(hub->catalog, code) == 0)
            status = store_add_location(hub->store, code, number, error);
    }
    for (int kind = 0; kind < NAME_KIND_COUNT; kind++)
        for (uint32_t i = 1; i <= intern_count(w->names[kind]) && status == STATUS_OK;
             i++, number++) {
            struct text name = intern_text(w->names[kind], i);
            if (catalog_find_name(hub->catalog, (enum name_kind)kind, name) == 0)
                status = store_add_name(hub->store, (enum name_kind)kind, name, number, error);
        }
    for (uint32_t i = 0; i < w->product_count && status == STATUS_OK; i++, number++)
        if (!product_is_known(hub, &w->products[i]))
            status = store_add_product(hub->store, w->products[i].identifiers, w->products[i].count,
                                       number, error);
    return status;
}

static void publish_all(struct hub *hub, const struct wanted *w) {
    const uint32_t *number = w->numbers;
    for (uint32_t i = 1; i <= intern_count(w->locations); i++, number++)
        if (*number != 0)
            catalog_put_location(hub->catalog, *number, intern_text(w->locations, i));
    for (int kind = 0; kind < NAME_KIND_COUNT; kind++)
        for (uint32_t i = 1; i <= intern_count(w->names[kind]); i++, number++)
            if (*number != 0)
                catalog_put_name(hub->catalog, (enum name_kind)kind, *number,
                                 intern_text(w->names[kind], i));
    for (uint32_t i = 0; i < w->product_count; i++, number++) {
        if (*number == 0)
            continue;
        catalog_put_product(hub->catalog, *number);
        for (size_t k = 0; k < w->products[i].count; k++)
            (void)catalog_put_identifier(hub->catalog, *number, &w->products[i].identifiers[k]);
    }
    hub_location_grow(hub);
}

static enum status create_once(struct hub *hub, struct wanted *w, struct error *error) {
    size_t count = (size_t)intern_count(w->locations) + w->product_count;
    for (int kind = 0; kind < NAME_KIND_COUNT; kind++)
        count += intern_count(w->names[kind]);
    w->numbers = memory_alloc_zero(count + 1, sizeof *w->numbers);
    enum status status = hub_begin(hub, error);
    if (status == STATUS_OK) {
        status = add_all(hub, w, error);
        if (status == STATUS_OK)
            status = store_commit(hub->store, error);
        if (status != STATUS_OK)
            status = hub_abort_or_die(hub, status, error);
    }
    if (status == STATUS_OK)
        publish_all(hub, w);
    free(w->numbers);
    w->numbers = NULL;
    return status;
}

enum status wanted_create(struct hub *hub, struct wanted *w, struct error *error) {
    enum status status = STATUS_RETRY;
    for (int attempt = 0; status == STATUS_RETRY && attempt < HUB_ATTEMPTS; attempt++)
        status = create_once(hub, w, error);
    return status;
}
