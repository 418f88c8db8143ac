/* Setting figures at Shopify: rows with what they are compared to, and what becomes of each.
 *
 * The shop takes all rows or none, and names those it will not have. Within one send these are
 * settled, or made possible (a location the item is not stocked at yet), and the rest goes again,
 * a few times at most; every round before the last has changed nothing. */
#include "channel/shopify_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS_MAX 4u
#define ACTIVATED_AT_ONCE 20u

struct row {
    struct channel_item *item;
    struct text id, location; /* theirs */
    int64_t from_milli;       /* CHANNEL_UNKNOWN_MILLI: nothing is known */
    bool shared;              /* other variants have the same SKU */
    bool to_activate, activated;
};

struct setting {
    struct shopify *shopify;
    struct channel_batch *batch;
    struct row *rows;
    size_t count;
    unsigned round;
};

static const char set_query[] =
    "mutation($input:InventorySetQuantitiesInput!,$key:String!){inventorySetQuantities(input:$"
    "input)"
    "@idempotent(key:$key){inventoryAdjustmentGroup{id}userErrors{field message code}}}";

/* ---- rows ---- */

static size_t count_rows(struct shopify *shopify, const struct channel_batch *batch) {
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        count += shopify_ids_of(shopify, batch->items[i].sku).count;
    }
    return count;
}

/* At most as many as the shop takes; what is beyond goes with the next batch. */
static void make_rows(struct setting *setting) {
    struct channel_batch *batch = setting->batch;
    setting->rows = arena_alloc_zero(batch->arena, (count_rows(setting->shopify, batch) + 1) *
                                                       sizeof(struct row));
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *item = &batch->items[i];
        if (item->outcome != CHANNEL_UNANSWERED) {
            continue;
        }
        struct shopify_ids ids = shopify_ids_of(setting->shopify, item->sku);
        if (ids.count == 0 || setting->count + ids.count > SHOPIFY_BATCH_MAX) {
            item->outcome = CHANNEL_RETRY;
            item->words = TEXT("more variants than one call takes");
            continue;
        }
        struct text location = shopify_location_id(batch->arena, item->theirs);
        for (size_t j = 0; j < ids.count; j++) {
            int64_t from_milli = item->told_milli;
            if (ids.count > 1) {
                from_milli = shopify_twin_milli(setting->shopify, ids.items[j], location,
                                                batch->arena, from_milli);
            }
            setting->rows[setting->count++] = (struct row){.item = item,
                                                           .id = ids.items[j],
                                                           .location = location,
                                                           .from_milli = from_milli,
                                                           .shared = ids.count > 1};
        }
    }
}

/* Without those whose item is settled. */
static void drop_settled(struct setting *setting) {
    size_t kept = 0;
    for (size_t i = 0; i < setting->count; i++) {
        if (setting->rows[i].item->outcome == CHANNEL_UNANSWERED) {
            setting->rows[kept++] = setting->rows[i];
        }
    }
    setting->count = kept;
}

static void settle(struct setting *setting, struct row *row, enum channel_outcome outcome,
                   struct text code, struct text words) {
    row->item->outcome = outcome;
    row->item->words = arena_format(setting->batch->arena, "%.*s: %.*s",
                                    TEXT_ARG(channel_words(setting->batch->arena, code, 60)),
                                    TEXT_ARG(channel_words(setting->batch->arena, words, 160)));
}

/* ---- what the shop says of a row ---- */

static void apply_error(struct setting *setting, struct row *row, struct text code,
                        struct text words) {
    if (text_equal_string(code, "CHANGE_FROM_QUANTITY_STALE") ||
        text_equal_string(code, "COMPARE_QUANTITY_STALE")) {
        row->item->outcome = CHANNEL_STALE;
        row->item->actual_milli = CHANNEL_UNKNOWN_MILLI;
    } else if (text_equal_string(code, "ITEM_NOT_STOCKED_AT_LOCATION") && !row->activated) {
        row->to_activate = true;
    } else if (text_equal_string(code, "INVALID_INVENTORY_ITEM")) {
        /* A variant that was made anew has another id: it is looked up again. */
        shopify_ids_forget(setting->shopify, row->item->sku);
        settle(setting, row, CHANNEL_RETRY, code, words);
    } else if (text_equal_string(code, "INVALID_LOCATION")) {
        settle(setting, row, CHANNEL_PARKED, code,
               arena_format(setting->batch->arena,
                            "the shop has no active location '%.*s': check `locations` (%.*s)",
                            TEXT_ARG(row->location), TEXT_ARG(words)));
    } else {
        settle(setting, row, CHANNEL_PARKED, code, words);
    }
}

/* ["input","quantities","3","quantity"]: the row it is about; NULL: it does not say. */
static struct row *row_of(struct setting *setting, const struct tree *error) {
    const struct tree *step = tree_first(tree_get(error, "field"));
    uint64_t number = 0;
    while (step != NULL && !text_equal_string(tree_text(step), "quantities")) {
        step = step->next;
    }
    if (step != NULL && tree_count(step->next, &number) && number < setting->count) {
        return &setting->rows[number];
    }
    return setting->count == 1 ? &setting->rows[0] : NULL;
}

/* False: the whole is judged. */
static bool apply_errors(struct setting *setting, const struct tree *errors,
                         struct channel_call *call) {
    for (const struct tree *error = tree_first(errors); error != NULL; error = error->next) {
        struct text code = tree_text(tree_get(error, "code"));
        struct text words = tree_text(tree_get(error, "message"));
        struct row *row = row_of(setting, error);
        if (text_equal_string(code, "IDEMPOTENCY_CONCURRENT_REQUEST") ||
            text_equal_string(code, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")) {
            shop_judge(call, CHANNEL_CALL_UNCERTAIN,
                       "%.*s: an earlier call is still going on, or took effect: reading back",
                       TEXT_ARG(code));
            return false;
        }
        if (text_equal_string(code, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")) {
            shop_all(setting->batch, CHANNEL_RETRY, TEXT("an earlier attempt failed"));
            setting->count = 0;
            return true;
        }
        if (row == NULL) {
            /* It names none: found by halving. */
            struct text shown = channel_words(setting->batch->arena, words, 160);
            shop_judge(call, CHANNEL_CALL_REFUSED, "%.*s: %.*s",
                       TEXT_ARG(channel_words(setting->batch->arena, code, 60)), TEXT_ARG(shown));
            return false;
        }
        if (row->item->outcome == CHANNEL_UNANSWERED) {
            apply_error(setting, row, code, words);
        }
    }
    return true;
}

/* ---- stocking an item at a location ---- */

static void write_activation(const struct setting *setting, struct row *const *rows, size_t count,
                             struct buffer *query, struct buffer *variables) {
    struct json_writer w = {.out = variables};
    char name[24];
    json_begin_object(&w);
    buffer_append_string(query, "mutation(");
    for (size_t i = 0; i < count; i++) {
        buffer_append_format(query, "%s$i%zu:ID!,$l%zu:ID!,$k%zu:String!", i > 0 ? "," : "", i, i,
                             i);
        (void)snprintf(name, sizeof(name), "i%zu", i);
        json_key(&w, name);
        json_text(&w, rows[i]->id);
        (void)snprintf(name, sizeof(name), "l%zu", i);
        json_key(&w, name);
        json_text(&w, rows[i]->location);
        (void)snprintf(name, sizeof(name), "k%zu", i);
        json_key(&w, name);
        json_text(&w, arena_format(setting->batch->arena, "%s/%u/a%zu", setting->batch->key,
                                   setting->round, i));
    }
    buffer_append_string(query, "){");
    for (size_t i = 0; i < count; i++) {
        buffer_append_format(query,
                             "a%zu:inventoryActivate(inventoryItemId:$i%zu,locationId:$l%zu)"
                             "@idempotent(key:$k%zu){inventoryLevel{id}"
                             "userErrors{field message}}",
                             i, i, i, i);
    }
    buffer_append_string(query, "}");
    json_end_object(&w);
}

static void take_activation(struct setting *setting, struct row *const *rows, size_t count,
                            const struct tree *data) {
    char name[24];
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "a%zu", i);
        const struct tree *answer = tree_get(data, name);
        const struct tree *error = tree_first(tree_get(answer, "userErrors"));
        rows[i]->to_activate = false;
        rows[i]->activated = true;
        if (error != NULL) {
            settle(setting, rows[i], CHANNEL_PARKED, TEXT("cannot be stocked at the location"),
                   tree_text(tree_get(error, "message")));
        } else if (tree_get(answer, "inventoryLevel") == NULL) {
            settle(setting, rows[i], CHANNEL_RETRY, TEXT("inventoryActivate"), TEXT("no level"));
        } else {
            rows[i]->from_milli = 0; /* a level begins there */
        }
    }
}

/* What does not fit goes again later. */
static bool activate(struct setting *setting, struct channel_call *call) {
    struct row *rows[ACTIVATED_AT_ONCE];
    size_t count = 0;
    for (size_t i = 0; i < setting->count; i++) {
        struct row *row = &setting->rows[i];
        if (!row->to_activate || row->item->outcome != CHANNEL_UNANSWERED) {
            continue;
        }
        if (count == ACTIVATED_AT_ONCE) {
            settle(setting, row, CHANNEL_RETRY, TEXT("ITEM_NOT_STOCKED_AT_LOCATION"),
                   TEXT("waits for others to be stocked first"));
            continue;
        }
        rows[count++] = row;
    }
    if (count == 0) {
        return true;
    }
    struct buffer text = {0}, variables = {0};
    const struct tree *data = NULL;
    write_activation(setting, rows, count, &text, &variables);
    struct shopify_query query = {SHOPIFY_ACTIVATE, text.data, buffer_text(&variables)};
    bool ok = shopify_call(setting->shopify, &query, NULL, setting->batch->arena, &data, call);
    if (ok) {
        take_activation(setting, rows, count, data);
    } else if (call->verdict == CHANNEL_CALL_UNCERTAIN) {
        call->verdict = CHANNEL_CALL_NOT_SENT; /* no figure went out, and it may be said again */
    }
    buffer_deinit(&text);
    buffer_deinit(&variables);
    return ok;
}

/* ---- one round ---- */

static void write_input(const struct setting *setting, struct buffer *variables) {
    struct json_writer w = {.out = variables};
    struct arena *arena = setting->batch->arena;
    struct text key = setting->round == 0
                          ? text_from(setting->batch->key)
                          : arena_format(arena, "%s/%u", setting->batch->key, setting->round);
    json_begin_object(&w);
    json_key(&w, "key");
    json_text(&w, key);
    json_key(&w, "input");
    json_begin_object(&w);
    json_key(&w, "name");
    json_string(&w, "available");
    json_key(&w, "reason");
    json_string(&w, "correction");
    json_key(&w, "referenceDocumentUri");
    json_text(&w, arena_format(arena, "gid://onhand/Batch/%s", setting->batch->key));
    json_key(&w, "quantities");
    json_begin_array(&w);
    for (size_t i = 0; i < setting->count; i++) {
        const struct row *row = &setting->rows[i];
        json_begin_object(&w);
        json_key(&w, "inventoryItemId");
        json_text(&w, row->id);
        json_key(&w, "locationId");
        json_text(&w, row->location);
        json_key(&w, "quantity");
        json_int(&w, row->item->quantity_milli / 1000);
        json_key(&w, "changeFromQuantity");
        if (row->from_milli == CHANNEL_UNKNOWN_MILLI) {
            json_null(&w);
        } else {
            json_int(&w, row->from_milli / 1000);
        }
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    json_end_object(&w);
}

static void confirm(struct setting *setting) {
    for (size_t i = 0; i < setting->count; i++) {
        struct row *row = &setting->rows[i];
        row->item->outcome = CHANNEL_CONFIRMED;
        if (row->shared) {
            shopify_twin_put(setting->shopify, row->id, row->location, setting->batch->arena,
                             row->item->quantity_milli);
        }
    }
    setting->count = 0;
}

/* False: *call is filled. */
static bool set_rows(struct setting *setting, struct channel_call *call) {
    struct buffer variables = {0};
    const struct tree *data = NULL;
    write_input(setting, &variables);
    struct shopify_query query = {SHOPIFY_SET, set_query, buffer_text(&variables)};
    bool ok = shopify_call(setting->shopify, &query, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED",
                           setting->batch->arena, &data, call);
    buffer_deinit(&variables);
    if (!ok) {
        return false;
    }
    if (data == NULL) {
        shop_all(setting->batch, CHANNEL_RETRY, TEXT("an earlier attempt failed"));
        setting->count = 0;
        return true;
    }
    const struct tree *answer = tree_get(data, "inventorySetQuantities");
    const struct tree *errors = tree_get(answer, "userErrors");
    if (!tree_is_array(errors)) {
        shop_judge(call, CHANNEL_CALL_UNCERTAIN,
                   "not an answer as this platform gives it: no inventorySetQuantities.userErrors");
        return false;
    }
    if (tree_first(errors) == NULL) {
        confirm(setting);
        return true;
    }
    if (!apply_errors(setting, errors, call)) {
        return false;
    }
    drop_settled(setting);
    return activate(setting, call);
}

void shopify_send(void *state, struct channel_batch *batch, struct channel_call *call) {
    struct setting setting = {.shopify = state, .batch = batch};
    if (!shopify_look_up(state, batch, call)) {
        return;
    }
    make_rows(&setting);
    for (; setting.count > 0 && setting.round < ROUNDS_MAX; setting.round++) {
        if (!set_rows(&setting, call)) {
            return;
        }
        drop_settled(&setting);
    }
    for (size_t i = 0; i < setting.count; i++) {
        if (setting.rows[i].item->outcome == CHANNEL_UNANSWERED) {
            settle(&setting, &setting.rows[i], CHANNEL_RETRY, TEXT("set aside"),
                   TEXT("others in the same call were refused"));
        }
    }
    shopify_fill_stale(setting.shopify, batch);
    call->next_us = shopify_ready_us(setting.shopify, SHOPIFY_SET);
}
