/* From rows in order of the file to one sorted list per location, each product once. */
#include <stdlib.h>

#include "base/quantity.h"
#include "hub/reset_internal.h"

#define RADIX_BITS 11u
#define RADIX_SIZE (1u << RADIX_BITS)

static const char conflict_detail[] = "the same product has rows with different quantities";

/* Stable, by product: rows of one product stay in order of their lines. */
static void sort_by_product(struct stated *rows, uint32_t count, uint32_t highest,
                            struct stated *spare) {
    struct stated *from = rows, *to = spare;
    for (unsigned shift = 0; shift < 32 && (highest >> shift) != 0; shift += RADIX_BITS) {
        uint32_t place[RADIX_SIZE] = {0};
        for (uint32_t i = 0; i < count; i++)
            place[(from[i].product >> shift) & (RADIX_SIZE - 1)]++;
        uint32_t sum = 0;
        for (uint32_t b = 0; b < RADIX_SIZE; b++) {
            uint32_t here = place[b];
            place[b] = sum;
            sum += here;
        }
        for (uint32_t i = 0; i < count; i++)
            to[place[(from[i].product >> shift) & (RADIX_SIZE - 1)]++] = from[i];
        struct stated *swap = from;
        from = to;
        to = swap;
    }
    if (from != rows)
        memcpy(rows, from, (size_t)count * sizeof *rows);
}

static struct text row_text(struct reset *reset, const struct reset_location *location,
                            const struct stated *row) {
    char quantity[QUANTITY_TEXT_SIZE];
    (void)quantity_format(row->quantity_milli, quantity);
    struct text sku = catalog_product_sku(reset->hub->catalog, row->product);
    return arena_format(&reset->arena, "%.*s,%.*s,%s", TEXT_ARG(location->code), TEXT_ARG(sku),
                        quantity);
}

/* Equal rows of a product count once, conflicting ones are all rejected. */
static void drop_repeated(struct reset *reset, struct reset_location *location) {
    struct stated *rows = location->rows;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < location->row_count;) {
        uint32_t end = i + 1;
        bool conflict = false;
        for (; end < location->row_count && rows[end].product == rows[i].product; end++)
            conflict |= rows[end].quantity_milli != rows[i].quantity_milli;
        if (conflict) {
            for (uint32_t k = i; k < end; k++)
                reset_reject_row(reset, rows[k].line, STATUS_CONFLICT, conflict_detail,
                                 row_text(reset, location, &rows[k]));
            location->record.counts.rejected_rows += end - i;
            reset_note_rejected(location, rows[i].product);
        } else {
            location->record.counts.duplicate_rows += end - i - 1;
            rows[kept++] = rows[i];
        }
        i = end;
    }
    location->row_count = kept;
}

static int compare_numbers(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t mapped(uint32_t product, const uint32_t *map) {
    return (product & NEW_PRODUCT) != 0 ? map[product & ~NEW_PRODUCT] : product;
}

/* The rows in order of the file, and the products that are not absent. */
static enum status take_list(struct reset *reset, struct reset_location *location,
                             struct stated *room, struct error *error) {
    const uint64_t count = location->list.count;
    size_t row_count = 0, marked = 0;
    require(count <= UINT32_MAX && location->rejected_count == 0);
    free(location->rejected_products);
    location->rejected_room = location->list.marks;
    location->rejected_products =
        memory_alloc(((size_t)location->rejected_room + 1) * sizeof *location->rejected_products);
    location->rows = room;
    enum status status = row_list_take(reset->store, &location->list, room, &row_count,
                                       location->rejected_products, &marked, error);
    location->row_count = (uint32_t)row_count;
    location->rejected_count = (uint32_t)marked;
    return status;
}

enum status reset_settle(struct reset *reset, struct reset_location *location, const uint32_t *map,
                         struct stated *room, struct stated *spare, struct error *error) {
    bool sorted = true;
    uint32_t highest = 0;
    enum status status = take_list(reset, location, room, error);
    if (status != STATUS_OK)
        return status;
    for (uint32_t i = 0; i < location->row_count; i++) {
        uint32_t product = mapped(location->rows[i].product, map);
        location->rows[i].product = product;
        sorted &= product > highest;
        highest = product > highest ? product : highest;
    }
    if (!sorted) {
        sort_by_product(location->rows, location->row_count, highest, spare);
        drop_repeated(reset, location);
    }
    uint32_t *rejected = location->rejected_products;
    for (uint32_t i = 0; i < location->rejected_count; i++)
        rejected[i] = mapped(rejected[i], map);
    if (location->rejected_count > 1)
        qsort(rejected, location->rejected_count, sizeof *rejected, compare_numbers);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < location->rejected_count; i++)
        if (kept == 0 || rejected[kept - 1] != rejected[i])
            rejected[kept++] = rejected[i];
    location->rejected_count = kept;
    return STATUS_OK;
}
