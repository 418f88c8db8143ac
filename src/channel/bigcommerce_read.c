/* What BigCommerce is asked: its locations, which products it has, what it shows. */
#include "channel/bigcommerce_internal.h"

#define PAGE_ITEMS 250u
#define PLACES_AGAIN_US (30 * US_PER_SECOND)

/* ---- calls ---- */

/* `rests`: as read_all may. */
bool bigcommerce_ask(struct bigcommerce *shop, const char *method, struct text path,
                     struct text body, bool rests, struct arena *arena, struct http_answer *answer,
                     struct channel_call *call) {
    struct buffer token = {0};
    bool answered = false;
    if (shop_secret(&shop->context->config->token, "token", "", &token, call)) {
        struct shop_call what = {.method = method,
                                 .path = path,
                                 .body = body,
                                 .credential = {TEXT("x-auth-token"), buffer_text(&token)}};
        answered = rests ? shop_send_rested(shop->client, shop->context, &what, arena, answer, call)
                         : shop_send(shop->client, shop->context, &what, arena, answer, call);
    }
    config_secret_wipe(&token);
    return answered;
}

/* A GET whose answer has {"data": [...], "meta": {"pagination": {"total_pages": N}}}. */
static bool get_page(struct bigcommerce *shop, struct text path, bool rests, struct arena *arena,
                     const struct tree **row_out, uint64_t *pages_out, struct channel_call *call) {
    struct http_answer answer;
    const struct tree *tree = NULL;
    if (!bigcommerce_ask(shop, "GET", path, TEXT(""), rests, arena, &answer, call)) {
        return false;
    }
    if (answer.code >= 400) {
        shop_judge(call, CHANNEL_CALL_NOT_SENT, "%d: the shop does not answer questions: %.*s",
                   answer.code, TEXT_ARG(channel_words(arena, answer.body, 160)));
        return false;
    }
    if (tree_read(answer.body, arena, &tree, NULL) != STATUS_OK ||
        !tree_is_array(tree_get(tree, "data"))) {
        channel_garbled(call, &answer, true, "a page with data was expected");
        return false;
    }
    if (!shop_number(tree_text(tree_at(tree, "meta.pagination.total_pages")), pages_out)) {
        *pages_out = 1;
    }
    *row_out = tree_first(tree_get(tree, "data"));
    return true;
}

/* ---- the shop's locations ---- */

static bool has_place(const struct bigcommerce *shop, struct text theirs) {
    uint64_t number = 0;
    bool found = shop->place_count == 0; /* it did not say: the call will tell */
    bool is_number = shop_number(theirs, &number);
    for (size_t i = 0; i < shop->place_count && is_number && !found; i++) {
        found = shop->places[i] == number;
    }
    return found;
}

static bool ask_places(struct bigcommerce *shop, struct arena *arena, struct channel_call *call) {
    const struct tree *row = NULL;
    uint64_t pages = 1;
    shop->place_count = 0;
    shop->places_at_us = clock_now_us(&shop->context->clock);
    for (uint64_t page = 1; page <= pages && shop->place_count < BIGCOMMERCE_PLACES_MAX; page++) {
        struct text path = arena_format(arena, "/v3/inventory/locations?limit=%u&page=%llu",
                                        PAGE_ITEMS, (unsigned long long)page);
        if (!get_page(shop, path, false, arena, &row, &pages, call)) {
            shop->place_count = 0;
            shop->places_at_us = 0;
            return false;
        }
        for (; row != NULL && shop->place_count < BIGCOMMERCE_PLACES_MAX; row = row->next) {
            shop->place_count +=
                shop_number(tree_text(tree_get(row, "id")), &shop->places[shop->place_count]);
        }
    }
    return true;
}

/* Sets items aside that go to a location the shop does not have. */
bool bigcommerce_check_places(struct bigcommerce *shop, struct channel_batch *batch,
                              struct channel_call *call) {
    bool missing = shop->places_at_us == 0;
    for (size_t i = 0; i < batch->count && !missing; i++) {
        missing = !has_place(shop, batch->items[i].theirs) &&
                  batch->now_us > shop->places_at_us + PLACES_AGAIN_US;
    }
    if (missing && !ask_places(shop, batch->arena, call)) {
        return false;
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *item = &batch->items[i];
        if (!has_place(shop, item->theirs)) {
            item->outcome = CHANNEL_PARKED;
            item->words = arena_format(batch->arena,
                                       "the shop has no location %.*s: correct locations of this "
                                       "channel (GET /v3/inventory/locations lists them)",
                                       TEXT_ARG(item->theirs));
        }
    }
    return true;
}

/* ---- what the shop shows ---- */

static struct text note_key(struct arena *arena, const struct channel_item *item) {
    return arena_format(arena, "sku:%.*s", TEXT_ARG(item->sku));
}

/* One row of a location's items: in `identity` or beside it, as versions of the API differ. */
static bool read_row(const struct tree *row, struct text *sku, int64_t *milli) {
    const struct tree *identity = tree_get(row, "identity");
    const struct tree *on_hand = tree_get(row, "total_inventory_onhand");
    *sku = tree_text(tree_get(identity != NULL ? identity : row, "sku"));
    on_hand = on_hand != NULL ? on_hand : tree_get(row, "available_to_sell");
    return sku->length > 0 && shop_quantity(tree_text(on_hand), milli);
}

/* Items that are chosen and found become CONFIRMED with what is shown. */
static bool read_chosen(struct bigcommerce *shop, struct channel_batch *batch, struct text theirs,
                        const bool *chosen, struct channel_call *call) {
    size_t at = 0, hint = 0;
    for (;;) {
        struct buffer path = {0};
        const struct tree *row = NULL;
        struct text sku;
        uint64_t pages;
        int64_t milli;
        buffer_append_format(&path, "/v3/inventory/locations/%.*s/items?limit=%u&sku:in=",
                             TEXT_ARG(theirs), PAGE_ITEMS);
        size_t asked = shop_append_skus(&path, batch, chosen, PAGE_ITEMS, &at);
        bool fine = asked > 0 && get_page(shop, arena_copy(batch->arena, buffer_text(&path)), false,
                                          batch->arena, &row, &pages, call);
        buffer_deinit(&path);
        if (!fine) {
            return asked == 0;
        }
        for (; row != NULL; row = row->next) {
            struct channel_item *item =
                read_row(row, &sku, &milli) ? shop_find(batch, theirs, sku, &hint) : NULL;
            if (item != NULL && chosen[item - batch->items]) {
                item->outcome = CHANNEL_CONFIRMED;
                item->actual_milli = milli;
                shop_note_spelling(shop->context->notes, batch->arena, sku, item->sku);
            }
        }
    }
}

/* All items whose outcome is UNANSWERED, location by location; `only_new`: those that the shop was
 * not known to have. Not found: UNMAPPED. */
bool bigcommerce_look_up(struct bigcommerce *shop, struct channel_batch *batch, bool only_new,
                         struct channel_call *call) {
    bool *chosen = arena_alloc_zero(batch->arena, batch->count * sizeof(*chosen));
    bool *done = arena_alloc_zero(batch->arena, batch->count * sizeof(*done));
    for (size_t i = 0; i < batch->count; i++) {
        struct text key = note_key(batch->arena, &batch->items[i]);
        done[i] = batch->items[i].outcome != CHANNEL_UNANSWERED ||
                  (only_new && channel_note_get(shop->context->notes, key).length > 0);
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (done[i]) {
            continue;
        }
        struct text theirs = batch->items[i].theirs;
        for (size_t k = 0; k < batch->count; k++) {
            chosen[k] = !done[k] && text_equal(batch->items[k].theirs, theirs);
            done[k] = done[k] || chosen[k];
        }
        if (!read_chosen(shop, batch, theirs, chosen, call)) {
            return false;
        }
        for (size_t k = 0; k < batch->count; k++) {
            struct channel_item *item = &batch->items[k];
            if (chosen[k] && item->outcome == CHANNEL_CONFIRMED) {
                channel_note_put(shop->context->notes, note_key(batch->arena, item), TEXT("1"));
            } else if (chosen[k]) {
                item->outcome = CHANNEL_UNMAPPED;
            }
        }
    }
    return true;
}

/* ---- reading ---- */

void bigcommerce_read_back(void *state, struct channel_batch *batch, struct channel_call *call) {
    struct bigcommerce *shop = state;
    if (!bigcommerce_look_up(shop, batch, false, call)) {
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *item = &batch->items[i];
        int64_t written_us = shop_written_at_us(&shop->written, item);
        /* Whoever was started anew does not know what the one before it had just written. */
        int64_t settled_us =
            (written_us != 0 ? written_us : shop->opened_us) + shop->context->config->settle_us;
        if (item->outcome == CHANNEL_CONFIRMED && item->actual_milli != item->quantity_milli &&
            batch->now_us < settled_us) {
            item->outcome = CHANNEL_RETRY;
        }
    }
}

static bool read_place(struct bigcommerce *shop, struct text theirs,
                       const struct channel_sink *sink, struct channel_call *call) {
    struct arena arena = {0};
    uint64_t pages = 1;
    bool more = true;
    for (uint64_t page = 1; page <= pages && more; page++) {
        const struct tree *row = NULL;
        struct identifier identifier = {.type = TEXT("sku")};
        int64_t milli;
        struct text path =
            arena_format(&arena, "/v3/inventory/locations/%.*s/items?limit=%u&page=%llu",
                         TEXT_ARG(theirs), PAGE_ITEMS, (unsigned long long)page);
        more = get_page(shop, path, true, &arena, &row, &pages, call);
        for (; more && row != NULL; row = row->next) {
            if (!read_row(row, &identifier.value, &milli)) {
                continue;
            }
            identifier.value = shop_our_spelling(shop->context->notes, &arena, identifier.value);
            more = sink->take(sink->context, theirs, &identifier, milli);
        }
        arena_reset(&arena);
    }
    arena_deinit(&arena);
    return more;
}

void bigcommerce_read_all(void *state, const struct channel_sink *sink, struct channel_call *call) {
    struct bigcommerce *shop = state;
    const struct config_pairs *pairs = &shop->context->config->locations;
    for (size_t i = 0; i < pairs->count; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++) {
            again = again || text_equal(pairs->items[k].value, pairs->items[i].value);
        }
        if (!again && !read_place(shop, pairs->items[i].value, sink, call)) {
            return;
        }
    }
}
