/* WooCommerce: one figure per product or variation, for the whole shop.
 *
 * Products are known by numbers, looked up by SKU once and kept. Simple products go in one call,
 * the variations of each product in one of their own; a call answers for each item by itself. What
 * the shop answers as its new figure is what counts, not that it answered. */
#include "channel/woocommerce_internal.h"

#include <stdlib.h>

/* ---- open and close ---- */

static enum status woocommerce_open(const struct channel_context *context, void **state_out,
                                    struct error *error) {
    struct woocommerce *shop = memory_alloc_zero(1, sizeof(*shop));
    shop->context = context;
    enum status status = shop_check_url(context->config, error);
    if (status == STATUS_OK) {
        status = channel_http_new(context, &shop->client, error);
    }
    if (status != STATUS_OK) {
        free(shop);
        return status;
    }
    *state_out = shop;
    return STATUS_OK;
}

static void woocommerce_close(void *state) {
    struct woocommerce *shop = state;
    if (shop != NULL) {
        http_client_free(shop->client);
        free(shop);
    }
}

/* ---- setting ---- */

/* The items that go in one call: those of one parent, or all without. */
struct group {
    struct channel_item *items[WOOCOMMERCE_ITEMS_MAX];
    struct text ids[WOOCOMMERCE_ITEMS_MAX];
    size_t count;
    struct text parent; /* empty: none */
};

static void split_note(struct text note, struct text *id_out, struct text *parent_out) {
    const char *slash = memchr(note.data, '/', note.length);
    size_t length = slash != NULL ? (size_t)(slash - note.data) : note.length;
    *id_out = (struct text){note.data, length};
    *parent_out = slash != NULL ? (struct text){slash + 1, note.length - length - 1} : TEXT("");
}

/* Of what is not answered yet; false: nothing is left. */
static bool next_group(struct woocommerce *shop, struct channel_batch *batch, struct group *group) {
    group->count = 0;
    for (size_t i = 0; i < batch->count && group->count < WOOCOMMERCE_ITEMS_MAX; i++) {
        struct channel_item *item = &batch->items[i];
        struct text id, parent;
        if (item->outcome != CHANNEL_UNANSWERED) {
            continue;
        }
        struct text note =
            channel_note_get(shop->context->notes, woocommerce_note_key(batch->arena, item));
        split_note(note, &id, &parent);
        if (group->count > 0 && !text_equal(parent, group->parent)) {
            continue;
        }
        group->parent = parent;
        group->ids[group->count] = id;
        group->items[group->count++] = item;
    }
    return group->count > 0;
}

static void write_body(const struct group *group, struct buffer *body) {
    struct json_writer w = {.out = body};
    json_begin_object(&w);
    json_key(&w, "update");
    json_begin_array(&w);
    for (size_t i = 0; i < group->count; i++) {
        json_begin_object(&w);
        json_key(&w, "id");
        json_raw(&w, group->ids[i]);
        json_key(&w, "manage_stock");
        json_bool(&w, true);
        json_key(&w, "stock_quantity");
        json_quantity(&w, group->items[i]->quantity_milli);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
}

/* Its number leads nowhere: looked up anew the next time. */
static void forget(struct woocommerce *shop, struct arena *arena, struct channel_item *item,
                   struct text words) {
    channel_note_forget(shop->context->notes, woocommerce_note_key(arena, item));
    item->outcome = CHANNEL_RETRY;
    item->words = words;
}

static bool is_lost(struct text code) {
    return code.length > 10 && memmem(code.data, code.length, "invalid_id", 10) != NULL;
}

static void take_error(struct woocommerce *shop, struct arena *arena, struct channel_item *item,
                       const struct tree *error) {
    struct text code = tree_text(tree_get(error, "code"));
    struct text message = tree_text(tree_get(error, "message"));
    struct text words =
        channel_words(arena, arena_format(arena, "%.*s: %.*s", TEXT_ARG(code), TEXT_ARG(message)),
                      CHANNEL_WORDS_MAX);
    if (is_lost(code)) {
        forget(shop, arena, item, words);
    } else {
        item->outcome = CHANNEL_PARKED;
        item->words = words;
    }
}

static void take_row(struct woocommerce *shop, struct arena *arena, const struct group *group,
                     const struct tree *row) {
    struct text id = tree_text(tree_get(row, "id"));
    struct text stock = tree_text(tree_get(row, "stock_quantity"));
    const struct tree *error = tree_get(row, "error");
    int64_t milli;
    for (size_t i = 0; i < group->count; i++) {
        struct channel_item *item = group->items[i];
        if (!text_equal(group->ids[i], id)) {
            continue;
        }
        if (error != NULL) {
            take_error(shop, arena, item, error);
        } else if (shop_quantity(stock, &milli) && milli == item->quantity_milli) {
            item->outcome = CHANNEL_CONFIRMED;
        } else {
            item->outcome = CHANNEL_UNCERTAIN;
            item->words = TEXT("the shop took it and shows another figure");
        }
    }
}

static void take_refusal(struct woocommerce *shop, struct arena *arena, const struct group *group,
                         const struct http_answer *answer, struct channel_call *call) {
    const struct tree *tree = NULL;
    if (answer->code == 413) {
        shop->most = group->count > 1 ? group->count / 2 : 1;
        shop_judge(call, CHANNEL_CALL_REFUSED, "413: more than the shop takes at once");
        return;
    }
    bool is_json = tree_read(answer->body, arena, &tree, NULL) == STATUS_OK;
    struct text code = tree_text(tree_get(tree, "code"));
    struct text message = tree_text(tree_get(tree, "message"));
    if (!is_json || message.length == 0) {
        channel_garbled(call, answer, false, "a code and a message were expected");
        return;
    }
    struct text words = channel_words(arena, message, 160);
    if (is_lost(code) && group->parent.length > 0) {
        for (size_t i = 0; i < group->count; i++) {
            forget(shop, arena, group->items[i], words);
        }
        return;
    }
    shop_judge(call, CHANNEL_CALL_REFUSED, "%d: %.*s", answer->code, TEXT_ARG(words));
}

static void set_group(struct woocommerce *shop, struct arena *arena, const struct group *group,
                      struct channel_call *call) {
    struct buffer body = {0};
    struct http_answer answer;
    const struct tree *tree = NULL;
    struct text path =
        group->parent.length > 0
            ? arena_format(arena, "products/%.*s/variations/batch", TEXT_ARG(group->parent))
            : TEXT("products/batch");
    write_body(group, &body);
    bool answered =
        woocommerce_ask(shop, "POST", path, buffer_text(&body), false, arena, &answer, call);
    buffer_deinit(&body);
    if (!answered) {
        return;
    }
    if (answer.code >= 400) {
        take_refusal(shop, arena, group, &answer, call);
        return;
    }
    if (tree_read(answer.body, arena, &tree, NULL) != STATUS_OK ||
        !tree_is_array(tree_get(tree, "update"))) {
        channel_garbled(call, &answer, false, "update was expected");
        return;
    }
    const struct tree *row = tree_first(tree_get(tree, "update"));
    for (; row != NULL; row = row->next) {
        take_row(shop, arena, group, row);
    }
    for (size_t i = 0; i < group->count; i++) {
        if (group->items[i]->outcome == CHANNEL_UNANSWERED) {
            group->items[i]->outcome = CHANNEL_UNCERTAIN; /* not a word about it */
            group->items[i]->words = TEXT("the shop's answer says nothing about it");
        }
    }
}

/* After a first call took effect the verdict cannot speak for all: each item does. */
static void give_up_rest(struct channel_batch *batch, const struct group *group, size_t done,
                         struct channel_call *call) {
    struct text words = arena_copy(batch->arena, text_from(call->words));
    for (size_t i = 0; i < group->count; i++) {
        group->items[i]->outcome =
            call->verdict == CHANNEL_CALL_UNCERTAIN ? CHANNEL_UNCERTAIN : CHANNEL_RETRY;
        group->items[i]->words = words;
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].outcome == CHANNEL_UNANSWERED) {
            batch->items[i].outcome = CHANNEL_RETRY;
            batch->items[i].words = words;
        }
    }
    call->verdict = CHANNEL_CALL_OK;
    call->next_items = done; /* as many as went through this time */
}

static void woocommerce_send(void *state, struct channel_batch *batch, struct channel_call *call) {
    struct woocommerce *shop = state;
    struct group group = {.count = 0};
    size_t done = 0;
    if (!woocommerce_look_up(shop, batch, call)) {
        return;
    }
    call->next_items = shop->most;
    while (next_group(shop, batch, &group)) {
        set_group(shop, batch->arena, &group, call);
        if (call->verdict != CHANNEL_CALL_OK) {
            call->next_items = shop->most;
            if (done > 0) {
                give_up_rest(batch, &group, done, call);
            }
            return;
        }
        done += group.count;
        call->next_items = shop->most;
    }
}

const struct channel_platform channel_platform_woocommerce = {
    .name = "woocommerce",
    .batch_max = WOOCOMMERCE_ITEMS_MAX,
    .whole_units = true,
    .one_location = true,
    .open = woocommerce_open,
    .close = woocommerce_close,
    .send = woocommerce_send,
    .read_back = woocommerce_read_back,
    .read_all = woocommerce_read_all,
};
