/* Reading figures at Shopify: of given items, several in one query, and of everything: of a large
 * shop in bulk, else location by location and page by page, resting as the shop's own budget asks.
 */
#include "channel/shopify_internal.h"

#include <stdio.h>

#define READ_AT_ONCE 50u
#define PAGE_FIRST 200u
#define PAGE_LEAST 10u

/* ---- given items ---- */

struct asked {
    struct channel_item *item;
    struct text id, location;
    bool shared;
};

struct reading {
    struct shopify *shopify;
    struct channel_batch *batch;
    struct asked rows[READ_AT_ONCE];
    size_t count;
    bool asked_before; /* of this batch some are read already */
    bool enough;       /* the budget is used up: the rest later */
};

/* {quantities:[{name:"available",quantity:5}]} */
bool shopify_available_of(const struct tree *level, int64_t *milli_out) {
    const struct tree *first = tree_first(tree_get(level, "quantities"));
    for (; first != NULL; first = first->next) {
        const struct tree *name = tree_get(first, "name");
        if (name == NULL || text_equal_string(tree_text(name), "available")) {
            return tree_milli(tree_get(first, "quantity"), milli_out);
        }
    }
    return false;
}

static void write_query(const struct reading *reading, struct buffer *query,
                        struct buffer *variables) {
    struct json_writer w = {.out = variables};
    char name[24];
    json_begin_object(&w);
    buffer_append_string(query, "query(");
    for (size_t i = 0; i < reading->count; i++) {
        buffer_append_format(query, "%s$i%zu:ID!,$l%zu:ID!", i > 0 ? "," : "", i, i);
        (void)snprintf(name, sizeof(name), "i%zu", i);
        json_key(&w, name);
        json_text(&w, reading->rows[i].id);
        (void)snprintf(name, sizeof(name), "l%zu", i);
        json_key(&w, name);
        json_text(&w, reading->rows[i].location);
    }
    buffer_append_string(query, "){");
    for (size_t i = 0; i < reading->count; i++) {
        buffer_append_format(query,
                             "r%zu:inventoryItem(id:$i%zu){inventoryLevel(locationId:$l%zu)"
                             "{quantities(names:[\"available\"]){name quantity}}}",
                             i, i, i);
    }
    buffer_append_string(query, "}");
    json_end_object(&w);
}

/* Several variants of a SKU: the item shows what the first shows that differs from what is sent. */
static void take_read(struct reading *reading, const struct asked *asked, const struct tree *item) {
    const struct tree *level = tree_get(item, "inventoryLevel");
    struct channel_item *of = asked->item;
    int64_t milli = 0; /* not stocked there: it sells none */
    if (item == NULL) {
        shopify_ids_forget(reading->shopify, of->sku);
        of->outcome = CHANNEL_RETRY;
        of->words = TEXT("the variant is gone: it is looked up again");
        return;
    }
    if (level != NULL && !shopify_available_of(level, &milli)) {
        of->outcome = CHANNEL_RETRY;
        of->words = TEXT("the level has no figure of what is available");
        return;
    }
    if (asked->shared) {
        shopify_twin_put(reading->shopify, asked->id, asked->location, reading->batch->arena,
                         milli);
    }
    if (of->outcome == CHANNEL_UNANSWERED ||
        (of->outcome == CHANNEL_CONFIRMED && of->actual_milli == of->quantity_milli)) {
        of->outcome = CHANNEL_CONFIRMED;
        of->actual_milli = milli;
    }
}

/* False: *call is filled. */
static bool read_rows(struct reading *reading, struct channel_call *call) {
    struct buffer text = {0}, variables = {0};
    const struct tree *data = NULL;
    write_query(reading, &text, &variables);
    struct shopify_query query = {SHOPIFY_READ, text.data, buffer_text(&variables)};
    bool ok = shopify_call(reading->shopify, &query, NULL, reading->batch->arena, &data, call);
    for (size_t i = 0; ok && i < reading->count; i++) {
        char name[24];
        (void)snprintf(name, sizeof(name), "r%zu", i);
        take_read(reading, &reading->rows[i], tree_get(data, name));
    }
    buffer_deinit(&text);
    buffer_deinit(&variables);
    reading->count = 0;
    reading->enough = shopify_ready_us(reading->shopify, SHOPIFY_READ) >
                      clock_now_us(&reading->shopify->context->clock);
    if (!ok && reading->asked_before && call->verdict == CHANNEL_CALL_THROTTLED) {
        call->verdict = CHANNEL_CALL_OK; /* what is read is read */
        reading->enough = ok = true;
    }
    reading->asked_before = true;
    return ok;
}

void shopify_read_back(void *state, struct channel_batch *batch, struct channel_call *call) {
    struct reading reading = {.shopify = state, .batch = batch};
    if (!shopify_look_up(state, batch, call)) {
        return;
    }
    for (size_t i = 0; i < batch->count && !reading.enough; i++) {
        struct channel_item *item = &batch->items[i];
        struct shopify_ids ids = shopify_ids_of(state, item->sku);
        if (item->outcome != CHANNEL_UNANSWERED) {
            continue;
        }
        if (reading.count + ids.count > READ_AT_ONCE && !read_rows(&reading, call)) {
            return;
        }
        for (size_t j = 0; j < ids.count && !reading.enough; j++) {
            reading.rows[reading.count++] = (struct asked){
                item, ids.items[j], shopify_location_id(batch->arena, item->theirs), ids.count > 1};
        }
    }
    if (reading.count > 0 && !read_rows(&reading, call)) {
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].outcome == CHANNEL_UNANSWERED) {
            batch->items[i].outcome = CHANNEL_RETRY;
            batch->items[i].words = TEXT("the shop's budget is used up for now");
        }
    }
    call->next_us = shopify_ready_us(reading.shopify, SHOPIFY_SET);
}

void shopify_fill_stale(struct shopify *shopify, const struct channel_batch *batch) {
    struct channel_batch some = *batch;
    struct channel_call call = {.verdict = CHANNEL_CALL_OK};
    size_t *from = arena_alloc(batch->arena, (batch->count + 1) * sizeof(*from));
    some.items = arena_alloc(batch->arena, (batch->count + 1) * sizeof(*some.items));
    some.count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].outcome == CHANNEL_STALE) {
            from[some.count] = i;
            some.items[some.count] = batch->items[i];
            some.items[some.count++].outcome = CHANNEL_UNANSWERED;
        }
    }
    if (some.count > 0) {
        shopify_read_back(shopify, &some, &call);
    }
    for (size_t i = 0; call.verdict == CHANNEL_CALL_OK && i < some.count; i++) {
        if (some.items[i].outcome == CHANNEL_CONFIRMED) {
            batch->items[from[i]].actual_milli = some.items[i].actual_milli;
        }
    }
}

/* ---- everything ---- */

struct audit {
    struct shopify *shopify;
    const struct channel_sink *sink;
    struct text theirs, location;
    struct buffer after;
    unsigned page;
    bool stopped;
};

static const char levels_query[] =
    "query($id:ID!,$first:Int!,$after:String){location(id:$id){"
    "inventoryLevels(first:$first,after:$after){nodes{quantities(names:[\"available\"])"
    "{name quantity}item{sku}}pageInfo{hasNextPage endCursor}}}}";

static void take_levels(struct audit *audit, const struct tree *nodes) {
    const struct tree *node = tree_first(nodes);
    for (; node != NULL && !audit->stopped; node = node->next) {
        struct identifier identifier = {.type = TEXT("sku"),
                                        .value = tree_text(tree_at(node, "item.sku"))};
        int64_t milli = 0;
        if (identifier.value.length > 0 && shopify_available_of(node, &milli)) {
            audit->stopped =
                !audit->sink->take(audit->sink->context, audit->theirs, &identifier, milli);
        }
    }
}

static bool take_page(struct audit *audit, const struct tree *data, struct channel_call *call) {
    const struct tree *levels = tree_at(data, "location.inventoryLevels");
    if (tree_get(data, "location") == NULL) {
        shop_judge(call, CHANNEL_CALL_NOT_SENT,
                   "the shop has no location '%.*s': check `locations`", TEXT_ARG(audit->location));
        return false;
    }
    if (!tree_is_array(tree_get(levels, "nodes"))) {
        shop_judge(call, CHANNEL_CALL_NOT_SENT,
                   "not an answer as this platform gives it: no inventoryLevels.nodes");
        return false;
    }
    take_levels(audit, tree_get(levels, "nodes"));
    buffer_clear(&audit->after);
    if (tree_true(tree_at(levels, "pageInfo.hasNextPage"))) {
        buffer_append_text(&audit->after, tree_text(tree_at(levels, "pageInfo.endCursor")));
    }
    return true;
}

/* Throttled: rests and asks again; too dear: asks for less. False: *call is filled. */
static bool read_page(struct audit *audit, struct arena *arena, struct channel_call *call) {
    for (unsigned attempt = 0; attempt < 8; attempt++) {
        struct buffer variables = {0};
        struct json_writer w = {.out = &variables};
        const struct tree *data = NULL;
        json_begin_object(&w);
        json_key(&w, "id");
        json_text(&w, audit->location);
        json_key(&w, "first");
        json_uint(&w, audit->page);
        json_key(&w, "after");
        json_text_or_null(&w, buffer_text(&audit->after));
        json_end_object(&w);
        *call = (struct channel_call){.verdict = CHANNEL_CALL_OK};
        struct shopify_query query = {SHOPIFY_PAGE, levels_query, buffer_text(&variables)};
        bool ok = shopify_call(audit->shopify, &query, "MAX_COST_EXCEEDED", arena, &data, call);
        buffer_deinit(&variables);
        if (ok && data != NULL) {
            return take_page(audit, data, call) &&
                   channel_rest(audit->shopify->context,
                                shopify_ready_us(audit->shopify, SHOPIFY_PAGE));
        }
        if (ok) {
            audit->page = audit->page / 2 > PAGE_LEAST ? audit->page / 2 : PAGE_LEAST;
            shop_judge(call, CHANNEL_CALL_NOT_SENT, "the shop finds the smallest page too dear");
            continue;
        }
        if (call->verdict != CHANNEL_CALL_THROTTLED) {
            return false;
        }
        int64_t soon_us = clock_now_us(&audit->shopify->context->clock) + US_PER_SECOND;
        int64_t until_us = call->next_us > soon_us ? call->next_us : soon_us;
        if (!channel_rest(audit->shopify->context, until_us)) {
            return false;
        }
    }
    return false;
}

static bool is_repeated(const struct config_pairs *locations, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (text_equal(locations->items[i].value, locations->items[index].value)) {
            return true;
        }
    }
    return false;
}

void shopify_read_all(void *state, const struct channel_sink *sink, struct channel_call *call) {
    struct shopify *shopify = state;
    const struct config_pairs *locations = &shopify->context->config->locations;
    struct audit audit = {.shopify = shopify, .sink = sink, .page = PAGE_FIRST};
    struct arena arena = {0};
    bool ok = true;
    if (shopify_is_large(shopify)) {
        if (shopify_bulk_read(shopify, sink, call)) {
            return;
        }
        *call = (struct channel_call){.verdict = CHANNEL_CALL_OK};
    }
    for (size_t i = 0; ok && i < locations->count && !audit.stopped; i++) {
        if (is_repeated(locations, i)) {
            continue;
        }
        audit.theirs = locations->items[i].value;
        buffer_clear(&audit.after);
        do {
            arena_reset(&arena);
            audit.location = shopify_location_id(&arena, audit.theirs);
            ok = read_page(&audit, &arena, call);
        } while (ok && !audit.stopped && audit.after.length > 0);
    }
    if (!ok && call->verdict == CHANNEL_CALL_OK) {
        shop_judge(call, CHANNEL_CALL_NOT_SENT, "given up, since the hub ends");
    }
    buffer_deinit(&audit.after);
    arena_deinit(&arena);
}
