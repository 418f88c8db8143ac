/* What is remembered of orders: their lines, and that they are gone.
 *
 * A shop that deletes an order tells its number and nothing else. So the lines of what reserves are
 * kept, and of what was deleted that it was: who is told of the deletion first releases what comes
 * later. Each side writes its own part and reads the other's afterwards, so that of two messages
 * taken at the same time at least one knows of the other. After a hundred days both are forgotten.
 */
#include "channel/orders_internal.h"

#include "base/hash.h"
#include "base/timestamp.h"
#include "channel/tree.h"

#define KEPT_US (100 * US_PER_DAY)
#define SWEEP_ONE_IN 512u /* messages; each goes through all that is kept */
#define SWEPT_AT_ONCE 1000u

struct knowing {
    struct hub *hub;
    struct arena *arena;
    struct error *error;
    struct text lines_kind, gone_kind;
};

/* ---- as text ---- */

static struct text write_lines(const struct knowing *k, const struct order *order) {
    struct buffer json = {0};
    struct json_writer w = {.out = &json};
    json_begin_object(&w);
    json_key(&w, "at");
    json_int(&w, hub_now_us(k->hub) / US_PER_SECOND);
    json_key(&w, "lines");
    json_begin_array(&w);
    for (size_t i = 0; i < order->count; i++) {
        json_begin_object(&w);
        json_key(&w, "id");
        json_text(&w, order->lines[i].id);
        json_key(&w, "sku");
        json_text(&w, order->lines[i].sku);
        json_key(&w, "location");
        json_text(&w, order->lines[i].location);
        json_key(&w, "units");
        json_uint(&w, order->lines[i].units);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    struct text text = arena_copy(k->arena, buffer_text(&json));
    buffer_deinit(&json);
    return text;
}

static void add_line(struct order *order, const struct order_line *line) {
    for (size_t i = 0; i < order->count; i++) {
        struct order_line *known = &order->lines[i];
        if (text_equal(known->id, line->id)) {
            known->units = known->units > line->units ? known->units : line->units;
            return;
        }
    }
    order->lines[order->count++] = *line;
}

/* Lines with those of `more` (kept as text; empty: none), each with the most units ever told. */
static enum status merge(const struct knowing *k, struct order *order, struct text more) {
    const struct tree *tree = NULL;
    size_t count = 0;
    if (more.length == 0) {
        return STATUS_OK;
    }
    enum status status = tree_read(more, k->arena, &tree, k->error);
    if (status != STATUS_OK) {
        return status;
    }
    const struct tree *first = tree_first(tree_get(tree, "lines"));
    for (const struct tree *at = first; at != NULL; at = at->next) {
        count++;
    }
    struct order_line *lines =
        arena_alloc_zero(k->arena, (order->count + count + 1) * sizeof(*lines));
    if (order->count > 0) {
        memcpy(lines, order->lines, order->count * sizeof(*lines));
    }
    order->lines = lines;
    for (const struct tree *at = first; at != NULL; at = at->next) {
        struct order_line line = {.id = tree_text(tree_get(at, "id")),
                                  .sku = tree_text(tree_get(at, "sku")),
                                  .location = tree_text(tree_get(at, "location"))};
        if (tree_count(tree_get(at, "units"), &line.units) && line.units <= ORDER_UNITS_MAX) {
            add_line(order, &line);
        }
    }
    return STATUS_OK;
}

/* ---- kept ---- */

/* Empty: nothing is kept. */
static enum status get(const struct knowing *k, struct text kind, struct text id,
                       struct text *value_out) {
    struct buffer value = {0};
    *value_out = TEXT("");
    enum status status = store_item_get(hub_store(k->hub), kind, id, &value, k->error);
    if (status == STATUS_OK) {
        *value_out = arena_copy(k->arena, buffer_text(&value));
    }
    buffer_deinit(&value);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

struct sweeping {
    const struct knowing *k;
    struct text keys[SWEPT_AT_ONCE];
    size_t count;
    int64_t before_s;
};

static bool find_old(void *context, struct text key, struct text value) {
    struct sweeping *sweeping = context;
    const struct tree *tree = NULL;
    uint64_t at_s = 0;
    bool is_old = tree_read(value, sweeping->k->arena, &tree, NULL) != STATUS_OK ||
                  !tree_count(tree_get(tree, "at"), &at_s) || (int64_t)at_s < sweeping->before_s;
    if (is_old) {
        sweeping->keys[sweeping->count++] = arena_copy(sweeping->k->arena, key);
    }
    return sweeping->count < SWEPT_AT_ONCE;
}

static enum status sweep(const struct knowing *k, struct text kind) {
    struct sweeping *sweeping = arena_alloc_zero(k->arena, sizeof(*sweeping));
    sweeping->k = k;
    sweeping->before_s = (hub_now_us(k->hub) - KEPT_US) / US_PER_SECOND;
    enum status status =
        store_item_scan(hub_store(k->hub), kind, TEXT(""), false, find_old, sweeping, k->error);
    for (size_t i = 0; i < sweeping->count && status == STATUS_OK; i++) {
        status = hub_item_delete(k->hub, kind, sweeping->keys[i], k->error);
    }
    return status;
}

/* ---- one order ---- */

static enum status recall_deleted(const struct knowing *k, struct order *order) {
    struct text lines = {NULL, 0};
    enum status status =
        hub_item_put(k->hub, k->gone_kind, order->id, write_lines(k, order), k->error);
    if (status == STATUS_OK) {
        status = get(k, k->lines_kind, order->id, &lines);
    }
    if (status == STATUS_OK) {
        status = merge(k, order, lines);
    }
    order->cancelled = true;
    return status;
}

static enum status recall(const struct knowing *k, struct order *order) {
    struct text lines = {NULL, 0}, gone = {NULL, 0};
    struct order all = *order;
    enum status status = get(k, k->lines_kind, order->id, &lines);
    if (status == STATUS_OK) {
        status = merge(k, &all, lines);
    }
    if (status == STATUS_OK && order->count > 0) {
        struct order before = {.id = order->id};
        status = merge(k, &before, lines);
        bool is_more = all.count > before.count;
        for (size_t i = 0; i < before.count; i++) {
            is_more = is_more || all.lines[i].units != before.lines[i].units ||
                      !text_equal(all.lines[i].id, before.lines[i].id);
        }
        if (status == STATUS_OK && is_more) {
            status = hub_item_put(k->hub, k->lines_kind, order->id, write_lines(k, &all), k->error);
        }
    }
    if (status == STATUS_OK) {
        status = get(k, k->gone_kind, order->id, &gone);
    }
    order->cancelled = order->cancelled || (status == STATUS_OK && gone.length > 0);
    return status;
}

enum status orders_recall(struct hub *hub, const struct config_channel *config,
                          struct orders *orders, struct arena *arena, struct error *error) {
    struct knowing k = {.hub = hub, .arena = arena, .error = error};
    enum status status = STATUS_OK;
    bool is_time = false;
    k.lines_kind = arena_format(arena, "orders:%.*s", TEXT_ARG(config->name));
    k.gone_kind = arena_format(arena, "orders.gone:%.*s", TEXT_ARG(config->name));
    for (size_t i = 0; i < orders->count && status == STATUS_OK; i++) {
        struct order *order = &orders->items[i];
        is_time = is_time || hash_text(order->id) % SWEEP_ONE_IN == 0;
        status = order->deleted ? recall_deleted(&k, order) : recall(&k, order);
    }
    if (is_time && status == STATUS_OK) {
        status = sweep(&k, k.lines_kind);
        status = status == STATUS_OK ? sweep(&k, k.gone_kind) : status;
    }
    return status;
}
