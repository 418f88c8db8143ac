/* Adobe Commerce (Magento): absolute figures per source.
 *
 * Few figures go in one call that applies all of them or none; many go as a bulk that the shop
 * applies when its queue comes to them. What became of a bulk is asked for until it is closed, then
 * the figures themselves are read, so nothing is taken for shown that is not. Where a bulk failed
 * in part, or the shop's queue is not worked off, figures go by the few for a while: a refusal then
 * falls upon the one that deserves it. */
#include "channel/magento_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define ITEMS_MAX 2000u
#define SYNC_ITEMS 20u /* of one call, where the shop's limits are on */
#define PAGE_ITEMS 300u
#define ASK_AGAIN_US US_PER_SECOND

/* ---- open and close ---- */

static enum status magento_open(const struct channel_context *context, void **state_out,
                                struct error *error) {
    struct magento *shop = memory_alloc_zero(1, sizeof(*shop));
    shop->context = context;
    shop->store = context->config->store;
    shop->opened_us = clock_now_us(&context->clock);
    enum status status = shop_check_url(context->config, error);
    if (status == STATUS_OK) {
        status = channel_http_new(context, &shop->client, error);
    }
    if (status != STATUS_OK) {
        free(shop);
        return status;
    }
    shop_queue_load(&shop->bulks, "bulk", context->notes);
    *state_out = shop;
    return STATUS_OK;
}

static void magento_close(void *state) {
    struct magento *shop = state;
    if (shop != NULL) {
        http_client_free(shop->client);
        arena_deinit(&shop->arena);
        free(shop);
    }
}

/* ---- setting ---- */

static void write_item(struct json_writer *w, struct magento *shop, struct arena *arena,
                       const struct channel_item *item) {
    struct text own = channel_note_get(shop->context->notes,
                                       arena_format(arena, "sku:%.*s", TEXT_ARG(item->sku)));
    json_begin_object(w);
    json_key(w, "sku");
    json_text(w, own.length > 0 ? own : item->sku);
    json_key(w, "source_code");
    json_text(w, item->theirs);
    json_key(w, "quantity");
    json_quantity(w, item->quantity_milli);
    json_key(w, "status");
    json_int(w, 1); /* in stock as far as it is for us to say: the figure tells the rest */
    json_end_object(w);
}

/* Up to SYNC_ITEMS from *at on, all or none. REFUSED comes back as false, as any other failure. */
static bool set_few(struct magento *shop, struct channel_batch *batch, size_t first, size_t end,
                    struct channel_call *call) {
    struct buffer body = {0};
    struct json_writer w = {.out = &body};
    struct http_answer answer;
    json_begin_object(&w);
    json_key(&w, "sourceItems");
    json_begin_array(&w);
    for (size_t i = first; i < end; i++) {
        if (batch->items[i].outcome == CHANNEL_UNANSWERED) {
            write_item(&w, shop, batch->arena, &batch->items[i]);
        }
    }
    json_end_array(&w);
    json_end_object(&w);
    bool answered = magento_ask(shop, "POST", TEXT("V1/inventory/source-items"), buffer_text(&body),
                                false, batch->arena, &answer, call);
    buffer_deinit(&body);
    if (!answered) {
        return false;
    }
    if (answer.code >= 400) {
        struct text words = magento_words(batch->arena, &answer);
        if (words.length == 0) {
            channel_garbled(call, &answer, false, "a message was expected");
        } else {
            shop_judge(call, CHANNEL_CALL_REFUSED, "%d: %.*s", answer.code, TEXT_ARG(words));
        }
        return false;
    }
    const struct tree *tree = NULL;
    if (tree_read(answer.body, batch->arena, &tree, NULL) != STATUS_OK || !tree_is_array(tree) ||
        tree_first(tree) != NULL) {
        channel_garbled(call, &answer, false, "[] was expected");
        return false;
    }
    for (size_t i = first; i < end; i++) {
        if (batch->items[i].outcome == CHANNEL_UNANSWERED) {
            batch->items[i].outcome = CHANNEL_CONFIRMED;
        }
    }
    return true;
}

static size_t few_from(const struct channel_batch *batch, size_t first) {
    size_t end = first, count = 0;
    while (end < batch->count && count < SYNC_ITEMS) {
        count += batch->items[end++].outcome == CHANNEL_UNANSWERED;
    }
    return end;
}

/* What is left of a batch of which something was applied already speaks for itself. */
static void give_up_rest(struct channel_batch *batch, size_t end, struct channel_call *call) {
    bool uncertain = call->verdict == CHANNEL_CALL_UNCERTAIN;
    struct text words = arena_copy(batch->arena, text_from(call->words));
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *item = &batch->items[i];
        if (item->outcome == CHANNEL_UNANSWERED) {
            item->outcome = uncertain && i < end ? CHANNEL_UNCERTAIN : CHANNEL_RETRY;
            item->words = words;
        }
    }
    call->verdict = CHANNEL_CALL_OK;
}

static void set_by_few(struct magento *shop, struct channel_batch *batch, size_t count,
                       struct channel_call *call) {
    size_t first = 0;
    bool applied = false;
    while (first < batch->count) {
        size_t end = few_from(batch, first);
        if (!set_few(shop, batch, first, end, call)) {
            /* Alone it is the publisher's to halve, else it comes back by the few. */
            if (applied || (count > SYNC_ITEMS && call->verdict == CHANNEL_CALL_REFUSED)) {
                give_up_rest(batch, end, call);
            }
            break;
        }
        applied = true;
        first = end;
    }
    call->next_items = SYNC_ITEMS;
}

/* ---- many ---- */

static void write_many(struct magento *shop, const struct channel_batch *batch,
                       struct buffer *body) {
    struct json_writer w = {.out = body};
    json_begin_array(&w);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].outcome != CHANNEL_UNANSWERED) {
            continue;
        }
        json_begin_object(&w);
        json_key(&w, "sourceItems");
        json_begin_array(&w);
        write_item(&w, shop, batch->arena, &batch->items[i]);
        json_end_array(&w);
        json_end_object(&w);
    }
    json_end_array(&w);
}

static void set_many(struct magento *shop, struct channel_batch *batch, struct channel_call *call) {
    struct buffer body = {0};
    struct http_answer answer;
    const struct tree *tree = NULL;
    write_many(shop, batch, &body);
    bool answered = magento_ask(shop, "POST", TEXT("async/bulk/V1/inventory/source-items"),
                                buffer_text(&body), false, batch->arena, &answer, call);
    buffer_deinit(&body);
    if (!answered) {
        if (call->verdict == CHANNEL_CALL_UNCERTAIN) {
            shop_queue_add(&shop->bulks, TEXT(""), batch->now_us);
        }
        return;
    }
    if (answer.code >= 400) {
        /* No bulks here, or not so large: the same once more, by the few. */
        magento_no_bulks(shop, batch->now_us);
        shop_judge(call, CHANNEL_CALL_THROTTLED, "%d: the shop takes no bulk, going on without",
                   answer.code);
        return;
    }
    bool is_json = tree_read(answer.body, batch->arena, &tree, NULL) == STATUS_OK;
    struct text uuid = is_json ? tree_text(tree_get(tree, "bulk_uuid")) : (struct text){NULL, 0};
    if (!shop_queue_takes_id(uuid)) {
        channel_garbled(call, &answer, false, "bulk_uuid was expected");
        shop_queue_add(&shop->bulks, TEXT(""), batch->now_us);
        return;
    }
    shop_queue_add(&shop->bulks, uuid, batch->now_us);
    call->tend_us = batch->now_us + SHOP_QUEUE_AGAIN_US;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].outcome == CHANNEL_UNANSWERED) {
            batch->items[i].outcome = CHANNEL_UNCERTAIN;
            batch->items[i].words = TEXT("in the shop's queue");
        }
    }
}

static void magento_send(void *state, struct channel_batch *batch, struct channel_call *call) {
    struct magento *shop = state;
    size_t count = 0;
    bool by_few =
        batch->now_us < shop->sync_until_us || shop_queue_late(&shop->bulks, batch->now_us) > 0;
    if (!magento_check_sources(shop, batch, call) || !magento_look_up(shop, batch, call)) {
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        count += batch->items[i].outcome == CHANNEL_UNANSWERED;
    }
    if (count > SYNC_ITEMS && !by_few) {
        if (!shop_queue_is_full(&shop->bulks)) {
            set_many(shop, batch, call);
        } else {
            shop_judge(call, CHANNEL_CALL_THROTTLED, "the shop still works on %u bulks",
                       SHOP_QUEUE_MOST);
            call->next_us = batch->now_us + ASK_AGAIN_US;
        }
    } else if (count > 0) {
        set_by_few(shop, batch, count, call);
        call->next_items = by_few ? SYNC_ITEMS : 0;
    }
}

/* ---- reading ---- */

static bool read_row(const struct tree *row, struct text *sku, struct text *source,
                     int64_t *milli) {
    *sku = tree_text(tree_get(row, "sku"));
    *source = tree_text(tree_get(row, "source_code"));
    return shop_quantity(tree_text(tree_get(row, "quantity")), milli);
}

/* Of one source, some SKUs from *at on. */
static bool read_some(struct magento *shop, struct channel_batch *batch, const bool *chosen,
                      struct text source, size_t *at, struct channel_call *call) {
    struct buffer path = {0};
    const struct tree *row = NULL;
    struct text sku, own;
    uint64_t total;
    int64_t milli;
    size_t hint = 0;
    buffer_append_string(&path, "V1/inventory/source-items?searchCriteria%5BpageSize%5D=100");
    magento_filter(&path, 0, "source_code", "eq");
    http_append_escaped(&path, source);
    magento_filter(&path, 1, "sku", "in");
    size_t asked = shop_append_skus(&path, batch, chosen, MAGENTO_SKUS_AT_ONCE, at);
    bool fine = asked > 0 &&
                magento_search(shop, buffer_text(&path), false, batch->arena, &row, &total, call);
    buffer_deinit(&path);
    if (!fine) {
        return asked == 0;
    }
    for (; row != NULL; row = row->next) {
        struct channel_item *item =
            read_row(row, &sku, &own, &milli) ? shop_find(batch, source, sku, &hint) : NULL;
        if (item != NULL && text_equal(own, source)) {
            item->actual_milli = milli;
        }
    }
    return true;
}

static void read_figures(struct magento *shop, struct channel_batch *batch,
                         struct channel_call *call) {
    bool *chosen = arena_alloc_zero(batch->arena, batch->count * sizeof(*chosen));
    for (size_t i = 0; i < batch->count; i++) {
        batch->items[i].actual_milli = 0; /* where there is no row there is no stock */
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *first = &batch->items[i];
        if (first->outcome != CHANNEL_UNANSWERED) {
            continue;
        }
        for (size_t k = i; k < batch->count; k++) {
            chosen[k] = batch->items[k].outcome == CHANNEL_UNANSWERED &&
                        text_equal(batch->items[k].theirs, first->theirs);
        }
        for (size_t at = i; at < batch->count;) {
            if (!read_some(shop, batch, chosen, first->theirs, &at, call)) {
                return;
            }
        }
        for (size_t k = i; k < batch->count; k++) {
            batch->items[k].outcome = chosen[k] ? CHANNEL_CONFIRMED : batch->items[k].outcome;
            chosen[k] = false;
        }
    }
}

static void magento_read_back(void *state, struct channel_batch *batch, struct channel_call *call) {
    struct magento *shop = state;
    shop_queue_look(&shop->bulks, batch->now_us, false, magento_ask_bulk, shop, batch->arena, call);
    if (call->verdict != CHANNEL_CALL_OK) {
        return;
    }
    if (shop_queue_waiting(&shop->bulks, batch->now_us) > 0) {
        shop_all(batch, CHANNEL_RETRY, TEXT("in the shop's queue"));
        return;
    }
    if (!magento_look_up(shop, batch, call)) {
        return;
    }
    read_figures(shop, batch, call);
    /* A hub that was killed may have sent a bulk whose name it never learned. */
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *item = &batch->items[i];
        if (item->outcome == CHANNEL_CONFIRMED && item->actual_milli != item->quantity_milli &&
            batch->now_us < shop->opened_us + shop->context->config->settle_us) {
            item->outcome = CHANNEL_RETRY;
        }
    }
}

static void magento_tend(void *state, struct arena *arena, struct channel_call *call) {
    struct magento *shop = state;
    shop_queue_look(&shop->bulks, clock_now_us(&shop->context->clock), true, magento_ask_bulk, shop,
                    arena, call);
}

static struct text page_path(const struct config_pairs *pairs, uint64_t page, struct arena *arena) {
    struct buffer path = {0};
    buffer_append_format(&path,
                         "V1/inventory/source-items?searchCriteria%%5BpageSize%%5D=%u&"
                         "searchCriteria%%5BcurrentPage%%5D=%llu&"
                         "searchCriteria%%5BsortOrders%%5D%%5B0%%5D%%5Bfield%%5D=source_item_id&"
                         "searchCriteria%%5BsortOrders%%5D%%5B0%%5D%%5Bdirection%%5D=ASC",
                         PAGE_ITEMS, (unsigned long long)page);
    magento_filter(&path, 0, "source_code", "in");
    for (size_t i = 0; i < pairs->count; i++) {
        buffer_append_string(&path, i > 0 ? "%2C" : "");
        http_append_escaped(&path, pairs->items[i].value);
    }
    struct text copy = arena_copy(arena, buffer_text(&path));
    buffer_deinit(&path);
    return copy;
}

static void magento_read_all(void *state, const struct channel_sink *sink,
                             struct channel_call *call) {
    struct magento *shop = state;
    struct arena arena = {0};
    bool more = true;
    for (uint64_t page = 1; more; page++) {
        const struct tree *row = NULL;
        struct identifier identifier = {.type = TEXT("sku")};
        struct text source;
        uint64_t total = 0;
        int64_t milli;
        more = magento_search(shop, page_path(&shop->context->config->locations, page, &arena),
                              true, &arena, &row, &total, call);
        for (; more && row != NULL; row = row->next) {
            if (!read_row(row, &identifier.value, &source, &milli)) {
                continue;
            }
            identifier.value = shop_our_spelling(shop->context->notes, &arena, identifier.value);
            more = sink->take(sink->context, source, &identifier, milli);
        }
        more = more && page * PAGE_ITEMS < total;
        arena_reset(&arena);
    }
    arena_deinit(&arena);
}

const struct channel_platform channel_platform_magento = {
    .name = "magento",
    .batch_max = ITEMS_MAX,
    .open = magento_open,
    .close = magento_close,
    .send = magento_send,
    .read_back = magento_read_back,
    .tend = magento_tend,
    .read_all = magento_read_all,
};
