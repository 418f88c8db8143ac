/* What WooCommerce is asked: the numbers of products, and what it shows of them. */
#include "channel/woocommerce_internal.h"

#define NUMBERS_MAX 24u /* digits of an id */
#define FIELDS "_fields=id%2Csku%2Ctype%2Cparent_id%2Cstock_quantity&per_page=100"

/* A product as the shop tells of it. */
struct product {
    struct text id, sku, type, parent, stock;
};

/* ---- calls ---- */

bool woocommerce_ask(struct woocommerce *shop, const char *method, struct text path,
                     struct text body, bool rests, struct arena *arena, struct http_answer *answer,
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
            struct shop_call what = {.method = method,
                                     .path = path,
                                     .body = body,
                                     .credential = {TEXT("authorization"), buffer_text(&basic)}};
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
                         struct arena *arena, const struct tree **row_out, uint64_t *pages_out,
                         struct channel_call *call) {
    struct http_answer answer;
    const struct tree *tree = NULL;
    if (!woocommerce_ask(shop, "GET", path, TEXT(""), rests, arena, &answer, call)) {
        return false;
    }
    bool is_json = tree_read(answer.body, arena, &tree, NULL) == STATUS_OK;
    if (answer.code >= 400 || !is_json || !tree_is_array(tree)) {
        bool begins_well =
            answer.code < 400 && answer.body.length > 0 && answer.body.data[0] == '[';
        channel_garbled(call, &answer, true,
                        begins_well ? "cut off"
                                    : "is url the address of the shop, with permalinks other than "
                                      "plain?");
        return false;
    }
    if (!shop_number(http_answer_header(&answer, "x-wp-totalpages"), pages_out)) {
        *pages_out = 1;
    }
    *row_out = tree_first(tree);
    return true;
}

static struct product product_of(const struct tree *row) {
    return (struct product){.id = tree_text(tree_get(row, "id")),
                            .sku = tree_text(tree_get(row, "sku")),
                            .type = tree_text(tree_get(row, "type")),
                            .parent = tree_text(tree_get(row, "parent_id")),
                            .stock = tree_text(tree_get(row, "stock_quantity"))};
}

/* ---- numbers of products ---- */

/* "ID", or "ID/PARENT" of a variation. */
struct text woocommerce_note_key(struct arena *arena, const struct channel_item *item) {
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
    channel_note_put(shop->context->notes, woocommerce_note_key(arena, item),
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
        const struct tree *row = NULL;
        uint64_t pages;
        buffer_append_string(&path, "products?" FIELDS "&status=any&sku=");
        size_t asked = shop_append_skus(&path, batch, chosen, WOOCOMMERCE_ITEMS_MAX, &at);
        bool fine = asked > 0 &&
                    get_products(shop, buffer_text(&path), false, batch->arena, &row, &pages, call);
        buffer_deinit(&path);
        if (!fine) {
            return asked == 0;
        }
        for (; row != NULL; row = row->next) {
            struct product found = product_of(row);
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
    }
}

/* What is not known yet is asked for; what the shop does not have is UNMAPPED. */
bool woocommerce_look_up(struct woocommerce *shop, struct channel_batch *batch,
                         struct channel_call *call) {
    bool *chosen = arena_alloc_zero(batch->arena, batch->count * sizeof(*chosen));
    for (size_t i = 0; i < batch->count; i++) {
        struct text key = woocommerce_note_key(batch->arena, &batch->items[i]);
        chosen[i] = channel_note_get(shop->context->notes, key).length == 0;
    }
    if (!look_up(shop, batch, chosen, call)) {
        return false;
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct text key = woocommerce_note_key(batch->arena, &batch->items[i]);
        if (channel_note_get(shop->context->notes, key).length == 0) {
            batch->items[i].outcome = CHANNEL_UNMAPPED;
        }
    }
    return true;
}

/* ---- reading ---- */

void woocommerce_read_back(void *state, struct channel_batch *batch, struct channel_call *call) {
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
        const struct tree *row = NULL;
        struct text of = parent.length > 0
                             ? arena_format(&arena, "products/%.*s/variations", TEXT_ARG(parent))
                             : TEXT("products");
        more =
            get_products(shop,
                         arena_format(&arena, "%.*s?%s&orderby=id&order=asc&status=any&page=%llu",
                                      TEXT_ARG(of), FIELDS, (unsigned long long)page),
                         true, &arena, &row, &pages, call);
        for (; more && row != NULL; row = row->next) {
            struct product product = product_of(row);
            product.type = parent.length > 0 ? TEXT("variation") : product.type;
            more = take_product(shop, &product, sink, &arena, call);
        }
        arena_reset(&arena);
    }
    arena_deinit(&arena);
    return more;
}

void woocommerce_read_all(void *state, const struct channel_sink *sink, struct channel_call *call) {
    (void)read_pages(state, TEXT(""), sink, call);
}
