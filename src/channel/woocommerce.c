/* WooCommerce: one figure per product or variation, for the whole shop.
 *
 * Products are known by numbers, looked up by SKU once and kept. Simple products go in one call,
 * the variations of each product in one of their own; a call answers for each item by itself. What
 * the shop answers as its new figure is what counts, not that it answered. */
#include <stdio.h>
#include <stdlib.h>

#include "channel/shop_call.h"

#define ITEMS_MAX 100u
#define NUMBERS_MAX 24u /* digits of an id */
#define FIELDS "_fields=id%2Csku%2Ctype%2Cparent_id%2Cstock_quantity&per_page=100"

struct woocommerce {
    const struct channel_context *context;
    struct http_client *client;
    size_t most; /* items in a call, by the shop's own word; 0: it said nothing */
};

/* A product as the shop tells of it. */
struct product {
    struct text id, sku, type, parent, stock;
};

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

/* ---- calls ---- */

static bool ask(struct woocommerce *shop, const char *method, struct text path, struct text body,
                bool rests, struct arena *arena, struct http_answer *answer,
                struct channel_call *call) {
    const struct config_channel *config = shop->context->config;
    struct buffer pair = {0}, basic = {0};
    bool answered = false;
    path = arena_format(arena, "/wp-json/wc/v3/%.*s", TEXT_ARG(path));
    if (shop_secret(&config->key, "key", "", &pair, call)) {
        buffer_reserve(&pair, (size_t)CONFIG_SECRET_MAX + 2);
        if (shop_secret(&config->secret, "secret", ":", &pair, call)) {
            buffer_reserve(&basic, pair.length * 2 + 16);
            buffer_append_string(&basic, "Basic ");
            shop_append_base64(&basic, buffer_text(&pair));
            struct shop_call what = {
                method, path, body, {TEXT("authorization"), buffer_text(&basic)}};
            answered =
                rests ? shop_send_rested(shop->client, shop->context, &what, arena, answer, call)
                      : shop_send(shop->client, shop->context, &what, arena, answer, call);
        }
    }
    config_secret_wipe(&pair);
    config_secret_wipe(&basic);
    return answered;
}

/* A GET that answers with an array of products. */
static bool get_products(struct woocommerce *shop, struct text path, bool rests,
                         struct arena *arena, struct shop_rows *rows, uint64_t *pages_out,
                         struct channel_call *call) {
    struct http_answer answer;
    if (!ask(shop, "GET", path, TEXT(""), rests, arena, &answer, call)) {
        return false;
    }
    shop_rows_open(rows, answer.body, arena);
    if (answer.code >= 400 || rows->status != STATUS_OK) {
        channel_garbled(call, &answer, true,
                        "is url the address of the shop, with permalinks other than plain?");
        return false;
    }
    if (!shop_number(http_answer_header(&answer, "x-wp-totalpages"), pages_out)) {
        *pages_out = 1;
    }
    return true;
}

static bool next_product(struct shop_rows *rows, struct product *product) {
    const struct shop_field fields[] = {{"id", &product->id},
                                        {"sku", &product->sku},
                                        {"type", &product->type},
                                        {"parent_id", &product->parent},
                                        {"stock_quantity", &product->stock}};
    return shop_rows_next(rows, fields, sizeof(fields) / sizeof(fields[0]));
}

static bool rows_were_fine(const struct shop_rows *rows, struct channel_call *call) {
    if (rows->status != STATUS_OK) {
        shop_judge(call, CHANNEL_CALL_NOT_SENT, "200, but cut off or not as this shop answers");
    }
    return rows->status == STATUS_OK;
}

/* ---- numbers of products ---- */

/* "ID", or "ID/PARENT" of a variation. */
static struct text note_key(struct arena *arena, const struct channel_item *item) {
    return arena_format(arena, "sku:%.*s", TEXT_ARG(item->sku));
}

static void note_product(struct woocommerce *shop, struct arena *arena, const struct product *found,
                         const struct channel_item *item) {
    uint64_t id, parent;
    if (!shop_number(found->id, &id) || found->id.length > NUMBERS_MAX) {
        return;
    }
    shop_note_spelling(shop->context->notes, arena, found->sku, item->sku);
    bool is_variation = text_equal_string(found->type, "variation") &&
                        shop_number(found->parent, &parent) && parent > 0;
    channel_note_put(shop->context->notes, note_key(arena, item),
                     is_variation ? arena_format(arena, "%llu/%llu", (unsigned long long)id,
                                                 (unsigned long long)parent)
                                  : arena_format(arena, "%llu", (unsigned long long)id));
}

/* The chosen ones, by SKU; found ones are noted and get what the shop shows. */
static bool look_up(struct woocommerce *shop, struct channel_batch *batch, const bool *chosen,
                    struct channel_call *call) {
    size_t at = 0, hint = 0;
    for (;;) {
        struct buffer path = {0};
        struct shop_rows rows;
        struct product found;
        uint64_t pages;
        buffer_append_string(&path, "products?" FIELDS "&status=any&sku=");
        size_t asked = shop_append_skus(&path, batch, chosen, ITEMS_MAX, &at);
        bool fine = asked > 0 && get_products(shop, buffer_text(&path), false, batch->arena, &rows,
                                              &pages, call);
        buffer_deinit(&path);
        if (!fine) {
            return asked == 0;
        }
        while (next_product(&rows, &found)) {
            struct channel_item *item = shop_find(batch, TEXT(""), found.sku, &hint);
            if (item == NULL || !chosen[item - batch->items]) {
                continue;
            }
            note_product(shop, batch->arena, &found, item);
            if (!shop_quantity(found.stock, &item->actual_milli)) {
                /* It shows no figure at all: certainly not the one that was set. */
                item->actual_milli = item->quantity_milli == 0 ? 1000 : 0;
            }
        }
        if (!rows_were_fine(&rows, call)) {
            return false;
        }
    }
}

/* What is not known yet is asked for; what the shop does not have is UNMAPPED. */
static bool look_up_new(struct woocommerce *shop, struct channel_batch *batch,
                        struct channel_call *call) {
    bool *chosen = arena_alloc_zero(batch->arena, batch->count * sizeof(*chosen));
    for (size_t i = 0; i < batch->count; i++) {
        struct text key = note_key(batch->arena, &batch->items[i]);
        chosen[i] = channel_note_get(shop->context->notes, key).length == 0;
    }
    if (!look_up(shop, batch, chosen, call)) {
        return false;
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct text key = note_key(batch->arena, &batch->items[i]);
        if (channel_note_get(shop->context->notes, key).length == 0) {
            batch->items[i].outcome = CHANNEL_UNMAPPED;
        }
    }
    return true;
}

/* ---- setting ---- */

/* The items that go in one call: those of one parent, or all without. */
struct group {
    struct channel_item *items[ITEMS_MAX];
    struct text ids[ITEMS_MAX];
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
    for (size_t i = 0; i < batch->count && group->count < ITEMS_MAX; i++) {
        struct channel_item *item = &batch->items[i];
        struct text id, parent;
        if (item->outcome != CHANNEL_UNANSWERED) {
            continue;
        }
        struct text note = channel_note_get(shop->context->notes, note_key(batch->arena, item));
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
    channel_note_forget(shop->context->notes, note_key(arena, item));
    item->outcome = CHANNEL_RETRY;
    item->words = words;
}

static bool is_lost(struct text code) {
    return code.length > 10 && memmem(code.data, code.length, "invalid_id", 10) != NULL;
}

static void take_error(struct woocommerce *shop, struct arena *arena, struct channel_item *item,
                       struct text error) {
    struct text code = {NULL, 0}, message = {NULL, 0};
    const struct shop_field fields[] = {{"code", &code}, {"message", &message}};
    if (shop_fields(error, arena, fields, 2) != STATUS_OK) {
        return; /* unanswered: it is read back */
    }
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
                     struct text id, struct text stock, struct text error) {
    int64_t milli;
    for (size_t i = 0; i < group->count; i++) {
        struct channel_item *item = group->items[i];
        if (!text_equal(group->ids[i], id)) {
            continue;
        }
        if (error.length > 0) {
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
    struct text code = {NULL, 0}, message = {NULL, 0};
    const struct shop_field fields[] = {{"code", &code}, {"message", &message}};
    if (answer->code == 413) {
        shop->most = group->count > 1 ? group->count / 2 : 1;
        shop_judge(call, CHANNEL_CALL_REFUSED, "413: more than the shop takes at once");
        return;
    }
    if (shop_fields(answer->body, arena, fields, 2) != STATUS_OK || message.length == 0) {
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
    struct shop_rows rows;
    struct text update = {NULL, 0}, id, stock, error;
    const struct shop_field top[] = {{"update", &update}};
    const struct shop_field fields[] = {{"id", &id}, {"stock_quantity", &stock}, {"error", &error}};
    struct text path =
        group->parent.length > 0
            ? arena_format(arena, "products/%.*s/variations/batch", TEXT_ARG(group->parent))
            : TEXT("products/batch");
    write_body(group, &body);
    bool answered = ask(shop, "POST", path, buffer_text(&body), false, arena, &answer, call);
    buffer_deinit(&body);
    if (!answered) {
        return;
    }
    if (answer.code >= 400) {
        take_refusal(shop, arena, group, &answer, call);
        return;
    }
    if (shop_fields(answer.body, arena, top, 1) != STATUS_OK || update.length == 0) {
        channel_garbled(call, &answer, false, "update was expected");
        return;
    }
    for (shop_rows_open(&rows, update, arena); shop_rows_next(&rows, fields, 3);) {
        take_row(shop, arena, group, id, stock, error);
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
    if (!look_up_new(shop, batch, call)) {
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

/* ---- reading ---- */

static void woocommerce_read_back(void *state, struct channel_batch *batch,
                                  struct channel_call *call) {
    struct woocommerce *shop = state;
    bool *chosen = arena_alloc(batch->arena, (batch->count + 1) * sizeof(*chosen));
    for (size_t i = 0; i < batch->count; i++) {
        chosen[i] = true;
    }
    if (!look_up(shop, batch, chosen, call)) {
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        bool found = batch->items[i].actual_milli != CHANNEL_UNKNOWN_MILLI;
        batch->items[i].outcome = found ? CHANNEL_CONFIRMED : CHANNEL_UNMAPPED;
    }
}

static bool read_pages(struct woocommerce *shop, struct text parent,
                       const struct channel_sink *sink, struct channel_call *call);

static bool take_product(struct woocommerce *shop, const struct product *product,
                         const struct channel_sink *sink, struct arena *arena,
                         struct channel_call *call) {
    struct identifier identifier = {TEXT("sku"),
                                    shop_our_spelling(shop->context->notes, arena, product->sku)};
    int64_t milli;
    if (product->sku.length > 0 && shop_quantity(product->stock, &milli) &&
        !sink->take(sink->context, TEXT(""), &identifier, milli)) {
        return false;
    }
    return !text_equal_string(product->type, "variable") ||
           read_pages(shop, product->id, sink, call);
}

/* All products, or all variations of one; one level deep. */
static bool read_pages(struct woocommerce *shop, struct text parent,
                       const struct channel_sink *sink, struct channel_call *call) {
    struct arena arena = {0};
    uint64_t pages = 1;
    bool more = true;
    for (uint64_t page = 1; page <= pages && more; page++) {
        struct shop_rows rows;
        struct product product;
        struct text of = parent.length > 0
                             ? arena_format(&arena, "products/%.*s/variations", TEXT_ARG(parent))
                             : TEXT("products");
        more =
            get_products(shop,
                         arena_format(&arena, "%.*s?%s&orderby=id&order=asc&status=any&page=%llu",
                                      TEXT_ARG(of), FIELDS, (unsigned long long)page),
                         true, &arena, &rows, &pages, call);
        while (more && next_product(&rows, &product)) {
            product.type = parent.length > 0 ? TEXT("variation") : product.type;
            more = take_product(shop, &product, sink, &arena, call);
        }
        more = more && rows_were_fine(&rows, call);
        arena_reset(&arena);
    }
    arena_deinit(&arena);
    return more;
}

static void woocommerce_read_all(void *state, const struct channel_sink *sink,
                                 struct channel_call *call) {
    (void)read_pages(state, TEXT(""), sink, call);
}

const struct channel_platform channel_platform_woocommerce = {
    .name = "woocommerce",
    .batch_max = ITEMS_MAX,
    .whole_units = true,
    .one_location = true,
    .open = woocommerce_open,
    .close = woocommerce_close,
    .send = woocommerce_send,
    .read_back = woocommerce_read_back,
    .read_all = woocommerce_read_all,
};
