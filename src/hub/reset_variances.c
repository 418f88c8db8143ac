/* Variances: what a reset found different from the books, and what has explained it since.
 *
 * The variance of a statement for a cell is exactly its correction. An event that arrives later and
 * that the statement covers, but the ground before it does not, explains its delta of that. */
#include <stdlib.h>

#include "base/json.h"
#include "base/quantity.h"
#include "hub/reset_internal.h"

struct variance {
    uint32_t location; /* index into the record */
    struct cell_change change;
    struct stated stated;
};

struct variance_list {
    struct variance *items;
    size_t count, room;
};

static void push(struct variance_list *list, const struct variance *variance) {
    if (list->count == list->room) {
        list->room = list->room == 0 ? 1024 : list->room * 2;
        list->items = memory_grow(list->items, list->room * sizeof *list->items);
    }
    list->items[list->count++] = *variance;
}

static const struct stated *find_row(const struct stated *rows, size_t count, uint32_t product) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].product < product)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && rows[low].product == product ? &rows[low] : NULL;
}

static enum status gather_location(struct hub *hub, uint32_t index, uint32_t statement,
                                   struct variance_list *list, struct error *error) {
    struct arena arena = {0};
    struct stated *rows = NULL;
    struct cell_change *changes = NULL;
    size_t row_count = 0, change_count = 0;
    enum status status = store_statement_rows(hub->store, statement, &arena, &rows, &row_count,
                                              NULL, NULL, &changes, &change_count, error);
    for (size_t i = 0; i < change_count && status == STATUS_OK; i++) {
        const struct stated *row = find_row(rows, row_count, changes[i].product);
        struct stated absent = {.product = changes[i].product};
        push(list, &(struct variance){index, changes[i], row != NULL ? *row : absent});
    }
    arena_deinit(&arena);
    return status;
}

static int compare_units(const void *a, const void *b) {
    const struct variance *x = a, *y = b;
    int64_t ux = llabs(x->change.correction_milli), uy = llabs(y->change.correction_milli);
    if (ux != uy)
        return ux < uy ? 1 : -1;
    if (x->location != y->location)
        return x->location < y->location ? -1 : 1;
    return (x->change.product > y->change.product) - (x->change.product < y->change.product);
}

/* ---- one item ---- */

struct grounds {
    const struct statement_word *word, *before;
};

/* The statement's word about the cell, and the one that was its ground until then. */
static struct grounds find_grounds(const struct cell_history *history, uint32_t statement) {
    struct grounds found = {NULL, NULL};
    for (size_t i = 0; i < history->word_count; i++)
        if (history->words[i].statement->id == statement)
            found.word = &history->words[i];
    for (size_t i = 0; found.word != NULL && i < history->word_count; i++) {
        const struct statement_word *w = &history->words[i];
        bool stood = w != found.word && w->applied_at_us != NEVER_US &&
                     w->applied_seq < found.word->applied_seq &&
                     w->rolled_back_at_us > found.word->applied_at_us;
        if (stood && statement_is_newer(found.word->statement, w->statement) &&
            (found.before == NULL || statement_is_newer(w->statement, found.before->statement)))
            found.before = w;
    }
    return found;
}

/* Booked after the statement, known to it, and not to the ground before. By the ledger's order, not
 * by the clock: an event may wait in the queue while a reset is applied. */
static bool explains(const struct cell_history *history, const struct grounds *grounds,
                     const struct ledger_entry *entry) {
    return entry->kind == LEDGER_EVENT && entry->seq >= grounds->word->applied_seq &&
           event_on_hand_delta_milli(&entry->event) != 0 &&
           books_covers(history, grounds->word, &entry->event) &&
           (grounds->before == NULL || !books_covers(history, grounds->before, &entry->event));
}

static int64_t sum_explained(const struct cell_history *history, const struct grounds *grounds) {
    int64_t sum_milli = 0;
    for (size_t i = 0; grounds->word != NULL && i < history->entry_count; i++) {
        const struct ledger_entry *entry = &history->entries[i];
        if (explains(history, grounds, entry) &&
            balance_add(sum_milli, event_on_hand_delta_milli(&entry->event), &sum_milli) !=
                STATUS_OK)
            break; /* it only illustrates */
    }
    return sum_milli;
}

static void write_explaining(struct json_writer *w, const struct cell_history *history,
                             const struct grounds *grounds) {
    json_key(w, "explained_by");
    json_begin_array(w);
    for (size_t i = 0; i < history->entry_count; i++) {
        const struct ledger_entry *entry = &history->entries[i];
        if (!explains(history, grounds, entry))
            continue;
        json_begin_object(w);
        json_key(w, "sequence");
        json_uint(w, entry->seq);
        json_key(w, "id");
        json_text_or_null(w, entry->event.id);
        json_key(w, "type");
        json_string(w, event_type_word(entry->event.type));
        json_key(w, "delta");
        json_quantity(w, entry->event.delta_milli);
        json_key(w, "occurred_at");
        json_timestamp(w, entry->event.occurred_at_us);
        json_key(w, "received_at");
        json_timestamp(w, entry->event.received_at_us);
        json_end_object(w);
    }
    json_end_array(w);
}

static enum status write_item(struct hub *hub, const struct reset_record *record,
                              const struct variance *v, struct json_writer *w,
                              struct error *error) {
    const struct reset_location_record *location = &record->locations[v->location];
    uint32_t number = catalog_find_location(hub->catalog, location->code);
    int64_t variance_milli = v->change.correction_milli;
    struct arena arena = {0};
    struct cell_history history;
    enum status status =
        store_cell_history(hub->store, number, v->change.product, &arena, &history, error);
    if (status != STATUS_OK) {
        arena_deinit(&arena);
        return status;
    }
    struct grounds grounds = find_grounds(&history, location->statement);
    int64_t explained_milli = sum_explained(&history, &grounds);
    json_begin_object(w);
    json_key(w, "location");
    json_text(w, location->code);
    json_key(w, "sku");
    json_text(w, catalog_product_sku(hub->catalog, v->change.product));
    json_key(w, "line");
    if (v->stated.line != 0)
        json_uint(w, v->stated.line);
    else
        json_null(w);
    json_key(w, "stated");
    json_quantity(w, v->stated.quantity_milli);
    json_key(w, "expected");
    json_quantity(w, v->stated.quantity_milli - variance_milli);
    json_key(w, "variance");
    json_quantity(w, variance_milli);
    json_key(w, "explained");
    json_quantity(w, explained_milli);
    json_key(w, "unexplained");
    json_quantity(w, variance_milli - explained_milli);
    if (grounds.word != NULL)
        write_explaining(w, &history, &grounds);
    json_end_object(w);
    arena_deinit(&arena);
    return STATUS_OK;
}

static enum status write_page(struct hub *hub, const struct reset_record *record,
                              const struct variance_list *list, size_t offset, size_t limit,
                              struct buffer *json, struct error *error) {
    struct json_writer w = {.out = json};
    enum status status = STATUS_OK;
    size_t end =
        offset < list->count && list->count - offset > limit ? offset + limit : list->count;
    json_begin_object(&w);
    json_key(&w, "items");
    json_begin_array(&w);
    for (size_t i = offset; i < end && status == STATUS_OK; i++)
        status = write_item(hub, record, &list->items[i], &w, error);
    json_end_array(&w);
    json_key(&w, "count");
    json_uint(&w, list->count);
    json_key(&w, "next");
    if (end < list->count)
        json_uint(&w, end);
    else
        json_null(&w);
    json_end_object(&w);
    return status;
}

enum status reset_variances(struct hub *hub, const struct access *access, struct text id,
                            bool by_units, size_t offset, size_t limit, struct buffer *json,
                            struct error *error) {
    struct arena arena = {0};
    struct reset_record record;
    struct variance_list list = {0};
    enum status status = reset_record_load(hub, id, &arena, &record, error);
    for (uint32_t i = 0; status == STATUS_OK && i < record.location_count; i++) {
        const struct reset_location_record *location = &record.locations[i];
        if (location->sequence != 0 && access_allows_location(access, location->code))
            status = gather_location(hub, i, location->statement, &list, error);
    }
    if (status == STATUS_OK) {
        if (by_units && list.count > 1)
            qsort(list.items, list.count, sizeof *list.items, compare_units);
        status = write_page(hub, &record, &list, offset, limit, json, error);
    }
    free(list.items);
    arena_deinit(&arena);
    return status;
}
