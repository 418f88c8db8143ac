/* The statement: what was read becomes a reset, under the same guards as any file. */
#include <stdlib.h>

#include "base/hash.h"
#include "hub/products.h"
#include "pos/prism_snapshot_internal.h"

#define ROWS_AT_ONCE 1024u
#define PRODUCTS_AT_ONCE 512u

/* ---- products ---- */

/* The identifiers of an item that the catalog can take, in the order in which documents name them:
 * the first one is what a product without a SKU is called by. */
static size_t identifiers_of(const struct taking *taking, const struct taking_item *item,
                             struct identifier identifiers_out[SOURCE_IDENTIFIERS]) {
    const struct text values[SOURCE_IDENTIFIERS] = {
        [SOURCE_SID] = item->sid, [SOURCE_UPC] = item->upc, [SOURCE_ALU] = item->alu};
    struct catalog *catalog = hub_catalog(taking->source->hub);
    size_t count = 0;
    for (size_t i = 0; i < SOURCE_IDENTIFIERS; i++) {
        struct identifier given = {taking->source->id_types[i], values[i]}, own;
        struct identifier_room room;
        const char *why = NULL;
        if (given.value.length > 0 && !text_equal_string(given.value, "0") &&
            catalog_canonical(catalog, &given, &room, &own, &why) == STATUS_OK)
            identifiers_out[count++] = given;
    }
    return count;
}

/* The product, 0 for none; *apart_out: its identifiers belong to two. */
static uint32_t product_of(const struct taking *taking, const struct identifier *identifiers,
                           size_t count, size_t *known_out, bool *apart_out) {
    uint32_t product = 0;
    *known_out = 0;
    *apart_out = false;
    for (size_t i = 0; i < count; i++) {
        uint32_t found = catalog_find_product(hub_catalog(taking->source->hub), identifiers[i].type,
                                              identifiers[i].value);
        *known_out += found != 0;
        *apart_out |= found != 0 && product != 0 && found != product;
        product = product != 0 ? product : found;
    }
    return product;
}

static enum status put_products(struct taking *taking, struct product_change *changes, size_t count,
                                struct error *error) {
    struct arena arena = {0};
    enum status status = count > 0
                             ? hub_put_products(taking->source->hub, changes, count, &arena, error)
                             : STATUS_OK;
    arena_deinit(&arena);
    return status;
}

/* Items name the same product as documents do: what an item says of itself and the catalog does not
 * know yet is added. Two products that share an identifier are left as they are. */
enum status taking_describe_products(struct taking *taking, struct error *error) {
    bool may_create = hub_config(taking->source->hub)->unknown_products == CONFIG_CREATE;
    struct product_change *changes = memory_alloc_zero(PRODUCTS_AT_ONCE, sizeof *changes);
    struct identifier(*room)[SOURCE_IDENTIFIERS] =
        memory_alloc_zero(PRODUCTS_AT_ONCE, sizeof *room);
    enum status status = STATUS_OK;
    size_t used = 0;
    for (uint32_t i = 1; i <= intern_count(taking->item_sids) && status == STATUS_OK; i++) {
        bool apart;
        size_t known, count = identifiers_of(taking, &taking->items[i], room[used]);
        uint32_t product = product_of(taking, room[used], count, &known, &apart);
        if (count == 0 || known == count || apart || (product == 0 && !may_create))
            continue;
        changes[used] =
            (struct product_change){.identifiers = room[used], .identifier_count = count};
        if (++used == PRODUCTS_AT_ONCE) {
            status = put_products(taking, changes, used, error);
            used = 0;
        }
    }
    if (status == STATUS_OK)
        status = put_products(taking, changes, used, error);
    free(changes);
    free(room);
    return status;
}

/* ---- rows ---- */

struct rows {
    struct taking *taking;
    struct reset *reset;
    struct sha256 *sha;
    struct stated_row items[ROWS_AT_ONCE];
    size_t count;
    uint64_t line;
};

static void hand_over(struct rows *rows) {
    if (rows->count > 0)
        reset_add_rows(rows->reset, rows->items, rows->count);
    rows->count = 0;
}

static void add_row(struct rows *rows, const struct taking_item *item,
                    const struct identifier *identifier, struct text location, int64_t milli) {
    if (rows->count == ROWS_AT_ONCE)
        hand_over(rows);
    rows->items[rows->count++] = (struct stated_row){.line = ++rows->line,
                                                     .location = location,
                                                     .id_type = identifier->type,
                                                     .identifier = identifier->value,
                                                     .raw = item->sid,
                                                     .quantity_milli = milli,
                                                     .as_of_us = NEVER_US};
    sha256_update(rows->sha, item->sid.data, item->sid.length);
    sha256_update(rows->sha, location.data, location.length);
    sha256_update(rows->sha, &milli, sizeof milli);
}

/* A store that an item does not name has none of it: said only where the books have some. */
static void add_absent(struct rows *rows, const struct taking_item *item, uint32_t product,
                       const struct identifier *identifier, const bool *named) {
    struct taking *taking = rows->taking;
    struct hub *hub = taking->source->hub;
    for (uint32_t i = 0; i < taking->location_count; i++) {
        const struct taking_location *location = &taking->locations[i];
        if (!location->settled || named[i])
            continue;
        uint32_t number = catalog_find_location(hub_catalog(hub), location->code);
        if (number != 0 && store_cell(hub_store(hub), number, product).on_hand_milli != 0)
            add_row(rows, item, identifier, location->code, 0);
    }
}

static void add_item(struct rows *rows, const struct taking_item *item, bool *named) {
    struct taking *taking = rows->taking;
    struct identifier identifiers[SOURCE_IDENTIFIERS];
    size_t known, used = 0, count = identifiers_of(taking, item, identifiers);
    bool apart;
    uint32_t product = product_of(taking, identifiers, count, &known, &apart);
    if (count == 0)
        identifiers[0] = (struct identifier){taking->source->id_types[SOURCE_SID], item->sid};
    while (product != 0 &&
           catalog_find_product(hub_catalog(taking->source->hub), identifiers[used].type,
                                identifiers[used].value) == 0)
        used++;
    memset(named, 0, taking->location_count * sizeof *named);
    for (uint32_t i = 0; i < item->cell_count; i++) {
        struct taking_cell cell = taking->cells[item->first_cell + i];
        const struct taking_location *location = &taking->locations[cell.location];
        named[cell.location] = true;
        if (location->settled)
            add_row(rows, item, &identifiers[used], location->code, cell.milli);
    }
    if (product != 0)
        add_absent(rows, item, product, &identifiers[used], named);
}

static void add_rows(struct taking *taking, struct reset *reset, char sha256_hex[SHA256_HEX_SIZE]) {
    unsigned char digest[SHA256_SIZE];
    struct rows *rows = memory_alloc_zero(1, sizeof *rows);
    bool *named = memory_alloc_zero(taking->location_count + 1, sizeof *named);
    rows->taking = taking;
    rows->reset = reset;
    rows->sha = sha256_new();
    for (uint32_t i = 1; i <= intern_count(taking->item_sids); i++)
        add_item(rows, &taking->items[i], named);
    hand_over(rows);
    sha256_finish(rows->sha, digest);
    hex_encode(digest, sizeof digest, sha256_hex);
    sha256_free(rows->sha);
    free(named);
    free(rows);
}

/* ---- the reset ---- */

static void make_manifest(struct taking *taking, struct reset_manifest *manifest) {
    *manifest = (struct reset_manifest){.rows = -1, .as_of_us = NEVER_US};
    manifest->locations =
        arena_alloc(&taking->arena, (taking->location_count + 1) * sizeof *manifest->locations);
    for (size_t i = 0; i < taking->location_count; i++) {
        const struct taking_location *location = &taking->locations[i];
        if (location->settled)
            manifest->locations[manifest->location_count++] =
                (struct manifest_location){.code = location->code,
                                           .as_of_us = location->as_of_us,
                                           .rows = -1,
                                           .through = location->through,
                                           .through_count = location->through_count};
    }
}

enum status taking_reset(struct taking *taking, struct buffer *summary_json, struct error *error) {
    struct reset_manifest manifest;
    struct reset *reset = NULL;
    char sha256_hex[SHA256_HEX_SIZE];
    make_manifest(taking, &manifest);
    if (manifest.location_count == 0)
        return error_set(error, STATUS_RETRY,
                         "no store came to rest while it was read: try at a quieter time");
    int64_t as_of_us = manifest.locations[0].as_of_us;
    for (size_t i = 1; i < manifest.location_count; i++)
        if (manifest.locations[i].as_of_us > as_of_us)
            as_of_us = manifest.locations[i].as_of_us;
    struct reset_params params = {.source = taking->source->config->name,
                                  .as_of_us = as_of_us,
                                  .full = true,
                                  .manifest = &manifest,
                                  .as_of_origin = TEXT("snapshot")};
    enum status status = reset_new(taking->source->hub, &access_internal, &params, &reset, error);
    if (status == STATUS_OK) {
        add_rows(taking, reset, sha256_hex);
        status =
            reset_finish(reset, sha256_hex, STATUS_OK, (struct text){NULL, 0}, summary_json, error);
    }
    reset_free(reset);
    return status;
}
