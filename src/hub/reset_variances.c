/* Variances: what a reset found different from the books, and what has explained it since.
 *
 * The variance of a statement for a cell is exactly its correction. An event that arrives later and
 * that the statement covers, but the ground before it does not, explains its delta of that. Of what
 * is held the variances are those that approving it would make at this moment. */
#include <stdlib.h>

#include "base/json.h"
#include "base/quantity.h"
#include "hub/reset_internal.h"

struct variance {
    uint32_t location; /* index into the record */
    bool held;
    bool untouched; /* nothing came for the cell since: no history need be read */
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

static enum status gather_location(struct hub *hub, uint32_t index,
                                   const struct reset_location_record *location,
                                   struct variance_list *list, struct error *error) {
    struct arena arena = {0};
    struct stated *rows = NULL;
    struct cell_change *changes = NULL;
    size_t row_count = 0, change_count = 0;
    uint32_t number = catalog_find_location(hub->catalog, location->code);
    bool held = location->status == RESET_HELD;
    enum status status =
        store_statement_rows(hub->store, location->statement, &arena, &rows, &row_count, NULL, NULL,
                             &changes, &change_count, error);
    if (status == STATUS_OK && held)
        status = reset_preview(hub, location->statement, &arena, &changes, &change_count, error);
    for (size_t i = 0; i < change_count && status == STATUS_OK; i++) {
        const struct stated *row = find_row(rows, row_count, changes[i].product);
        struct stated absent = {.product = changes[i].product};
        struct cell cell = store_cell(hub->store, number, changes[i].product);
        push(list, &(struct variance){.location = index,
                                      .held = held,
                                      .untouched = cell.head <= location->sequence + change_count,
                                      .change = changes[i],
                                      .stated = row != NULL ? *row : absent});
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

struct variance_grounds variance_find_grounds(const struct cell_history *history,
                                              uint32_t statement) {
    struct variance_grounds found = {NULL, NULL};
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
static bool explains(const struct cell_history *history, const struct variance_grounds *grounds,
                     const struct ledger_entry *entry) {
    return entry->kind == LEDGER_EVENT && entry->seq >= grounds->word->applied_seq &&
           event_on_hand_delta_milli(&entry->event) != 0 &&
           books_covers(history, grounds->word, &entry->event) &&
           (grounds->before == NULL || !books_covers(history, grounds->before, &entry->event));
}

int64_t variance_explained_milli(const struct cell_history *history,
                                 const struct variance_grounds *grounds) {
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
                             const struct variance_grounds *grounds) {
    json_key(w, "explained_by");
    json_begin_array(w);
    for (size_t i = 0; grounds->word != NULL && i < history->entry_count; i++) {
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

/* One variance with all that is said of it. */
struct variance_item {
    const struct reset_location_record *location;
    const struct variance *variance;
    struct text sku;
    int64_t variance_milli, explained_milli;
    struct cell_history history;
    struct variance_grounds grounds;
};

static enum status fill_item(struct hub *hub, const struct reset_record *record,
                             const struct variance *v, struct arena *arena,
                             struct variance_item *item, struct error *error) {
    *item = (struct variance_item){.location = &record->locations[v->location],
                                   .variance = v,
                                   .sku = catalog_product_sku(hub->catalog, v->change.product),
                                   .variance_milli = v->change.correction_milli};
    if (v->held || v->untouched)
        return STATUS_OK;
    uint32_t number = catalog_find_location(hub->catalog, item->location->code);
    enum status status =
        store_cell_history(hub->store, number, v->change.product, arena, &item->history, error);
    if (status != STATUS_OK)
        return status;
    item->grounds = variance_find_grounds(&item->history, item->location->statement);
    item->explained_milli = variance_explained_milli(&item->history, &item->grounds);
    return STATUS_OK;
}

static void write_item(const struct variance_item *item, struct json_writer *w) {
    const struct stated *stated = &item->variance->stated;
    json_begin_object(w);
    json_key(w, "location");
    json_text(w, item->location->code);
    json_key(w, "sku");
    json_text(w, item->sku);
    json_key(w, "line");
    if (stated->line != 0)
        json_uint(w, stated->line);
    else
        json_null(w);
    json_key(w, "held");
    json_bool(w, item->variance->held);
    const struct {
        const char *key;
        int64_t milli;
    } figures[] = {{"stated", stated->quantity_milli},
                   {"expected", stated->quantity_milli - item->variance_milli},
                   {"variance", item->variance_milli},
                   {"explained", item->explained_milli},
                   {"unexplained", item->variance_milli - item->explained_milli}};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        json_key(w, figures[i].key);
        json_quantity(w, figures[i].milli);
    }
    write_explaining(w, &item->history, &item->grounds);
    json_end_object(w);
}

static void write_line(const struct variance_item *item, struct buffer *csv) {
    const struct stated *stated = &item->variance->stated;
    const int64_t figures[] = {stated->quantity_milli,
                               stated->quantity_milli - item->variance_milli, item->variance_milli,
                               item->explained_milli, item->variance_milli - item->explained_milli};
    buffer_append_csv(csv, item->location->code);
    buffer_append_string(csv, ",");
    buffer_append_csv(csv, item->sku);
    buffer_append_string(csv, ",");
    if (stated->line != 0)
        buffer_append_uint(csv, stated->line);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        char text[QUANTITY_TEXT_SIZE];
        (void)quantity_format(figures[i], text);
        buffer_append_string(csv, ",");
        buffer_append_string(csv, text);
    }
    buffer_append_string(csv, item->variance->held ? ",held\n" : ",applied\n");
}

/* ---- all of them ---- */

static enum status write_page(struct hub *hub, const struct reset_record *record,
                              const struct variance_list *list, size_t offset, size_t limit,
                              struct buffer *json, struct error *error) {
    struct json_writer w = {.out = json};
    enum status status = STATUS_OK;
    struct arena arena = {0};
    size_t end =
        offset < list->count && list->count - offset > limit ? offset + limit : list->count;
    json_begin_object(&w);
    json_key(&w, "items");
    json_begin_array(&w);
    for (size_t i = offset; i < end && status == STATUS_OK; i++) {
        struct variance_item item;
        status = fill_item(hub, record, &list->items[i], &arena, &item, error);
        if (status == STATUS_OK)
            write_item(&item, &w);
        arena_reset(&arena);
    }
    arena_deinit(&arena);
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

/* The variances of the locations that the token may see; in order. */
static enum status gather(struct hub *hub, const struct access *access, struct text id,
                          bool by_units, struct arena *arena, struct reset_record *record_out,
                          struct variance_list *list, struct error *error) {
    enum status status = reset_record_load(hub, id, arena, record_out, error);
    for (uint32_t i = 0; status == STATUS_OK && i < record_out->location_count; i++) {
        const struct reset_location_record *location = &record_out->locations[i];
        bool held = location->status == RESET_HELD && location->statement != 0;
        if ((held || location->sequence != 0) && access_allows_location(access, location->code))
            status = gather_location(hub, i, location, list, error);
    }
    if (status == STATUS_OK && by_units && list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare_units);
    return status;
}

enum status reset_variances(struct hub *hub, const struct access *access, struct text id,
                            bool by_units, size_t offset, size_t limit, struct buffer *json,
                            struct error *error) {
    struct arena arena = {0};
    struct reset_record record;
    struct variance_list list = {0};
    enum status status = gather(hub, access, id, by_units, &arena, &record, &list, error);
    if (status == STATUS_OK)
        status = write_page(hub, &record, &list, offset, limit, json, error);
    free(list.items);
    arena_deinit(&arena);
    return status;
}

enum status reset_variances_csv(struct hub *hub, const struct access *access, struct text id,
                                bool by_units, struct buffer *csv,
                                enum status (*settle)(void *context, struct error *error),
                                void *context, struct error *error) {
    struct arena arena = {0}, item_arena = {0};
    struct reset_record record;
    struct variance_list list = {0};
    enum status status = gather(hub, access, id, by_units, &arena, &record, &list, error);
    if (status == STATUS_OK)
        buffer_append_string(
            csv, "location,sku,line,stated,expected,variance,explained,unexplained,status\n");
    for (size_t i = 0; i < list.count && status == STATUS_OK; i++) {
        struct variance_item item;
        status = fill_item(hub, &record, &list.items[i], &item_arena, &item, error);
        if (status == STATUS_OK)
            write_line(&item, csv);
        if (status == STATUS_OK && settle != NULL)
            status = settle(context, error);
        arena_reset(&item_arena);
    }
    arena_deinit(&item_arena);
    free(list.items);
    arena_deinit(&arena);
    return status;
}
