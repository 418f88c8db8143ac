/* Bodies that describe many things (products, locations): one object, a list, or NDJSON.
 *
 * Read item by item, handed on in lots, and answered with counts and what was wrong with which. One
 * object alone that is refused is a problem; of many, each is answered for itself. */
#ifndef ONHAND_API_DESCRIBED_H
#define ONHAND_API_DESCRIBED_H

#include "api/api_internal.h"
#include "hub/products.h"

struct described_reading {
    struct request *r;
    struct arena *arena; /* of the lot; set by described_take */
    size_t item_size, items_at_once;
    /* Reads one into an item of zeros; a status other than STATUS_OK: the text is no such item. */
    enum status (*read)(struct described_reading *d, struct json_reader *json, void *item);
    void (*fail)(void *item, enum status problem, struct text detail);
    /* Hands a lot on, then says described_count for each in order. */
    enum status (*put)(struct described_reading *d, void *items, size_t count, struct error *error);
    /* What comes of it. */
    uint64_t counts[DESCRIBED_REJECTED + 1], number;
    struct buffer errors;
    struct json_writer error_writer;
    uint64_t errors_kept;
    struct error first_error;
};

void described_take(struct described_reading *d);
void described_count(struct described_reading *d, enum described outcome, enum status problem,
                     struct text detail);
/* name, active, published; false: another field. *why_out: the value is not allowed. */
bool described_attribute(struct text key, const struct json_value *value,
                         struct attribute_change *change, const char **why_out);
/* The rest of an object or a list of which the bracket was read. */
enum status described_skip(struct json_reader *json, enum json_kind kind);

#endif
