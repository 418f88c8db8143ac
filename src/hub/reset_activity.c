/* What a file says of its products beside their stock: which are carried no more (Retail Pro's
 * `active`). Only what is news is kept while the file is read, each product once however many
 * stores name it; and it goes into the catalog when the file has been applied, never before.
 *
 * It harms no stock when it cannot be written: the next file says it again. */
#include <stdlib.h>

#include "base/log.h"
#include "hub/catalog_internal.h"
#include "hub/products.h"
#include "hub/reset_internal.h"

#define VALUE_MAX 200u
#define CHANGES_AT_ONCE 1000u

static void keep(struct reset *reset, struct text key, enum row_active active) {
    uint32_t number = intern_add(reset->activity, key);
    if (number >= reset->says_room) {
        reset->says_room = (size_t)number * 2 + 64;
        reset->says = memory_grow(reset->says, reset->says_room * sizeof *reset->says);
    }
    reset->says[number] = active;
}

void reset_note_activity(struct reset *reset, const struct stated_row *row, uint32_t product) {
    const struct catalog *catalog = reset->hub->catalog;
    bool inactive = product != 0 && (catalog->products[product].flags & PRODUCT_INACTIVE) != 0;
    if (inactive == (row->active == ROW_INACTIVE))
        return;
    char key[ID_TYPE_SIZE + 1 + VALUE_MAX], joined[ID_TYPE_SIZE];
    struct text word = row->id_type.length > 0 ? row->id_type : TEXT("sku");
    struct text type = id_type_join(word, reset->params.name_space, joined);
    if (type.length >= ID_TYPE_SIZE || row->identifier.length > VALUE_MAX)
        return;
    memcpy(key, type.data, type.length);
    key[type.length] = '\0';
    memcpy(key + type.length + 1, row->identifier.data, row->identifier.length);
    keep(reset, (struct text){key, type.length + 1 + row->identifier.length}, row->active);
}

void reset_join_activity(struct reset *reset, const struct reset *part) {
    for (uint32_t i = 1; i <= intern_count(part->activity); i++)
        keep(reset, intern_text(part->activity, i), part->says[i]);
}

/* Those from `from` on, as many as go at once. */
static enum status write_some(struct reset *reset, uint32_t from, uint32_t count,
                              struct error *error) {
    struct arena arena = {0};
    struct product_change *changes = arena_alloc_zero(&arena, count * sizeof *changes);
    struct identifier *identifiers = arena_alloc(&arena, count * sizeof *identifiers);
    for (uint32_t i = 0; i < count; i++) {
        struct text key = intern_text(reset->activity, from + i);
        size_t type = strlen(key.data);
        identifiers[i] =
            (struct identifier){{key.data, type}, {key.data + type + 1, key.length - type - 1}};
        changes[i].identifiers = &identifiers[i];
        changes[i].identifier_count = 1;
        changes[i].attributes = (struct attribute_change){
            .active_given = true, .active = reset->says[from + i] == ROW_ACTIVE};
    }
    enum status status = hub_put_products(reset->hub, changes, count, &arena, error);
    arena_deinit(&arena);
    return status;
}

void reset_write_activity(struct reset *reset) {
    struct error error;
    const uint32_t all = intern_count(reset->activity);
    enum status status = STATUS_OK;
    for (uint32_t from = 1; from <= all && status == STATUS_OK; from += CHANGES_AT_ONCE) {
        uint32_t rest = all - from + 1;
        status = write_some(reset, from, rest < CHANGES_AT_ONCE ? rest : CHANGES_AT_ONCE, &error);
    }
    if (status != STATUS_OK)
        log_warn("which products are active could not be written; the next file says it again",
                 "reset=%.*s error=%s", TEXT_ARG(reset->record.id),
                 log_quote(text_from(error.detail)));
}
