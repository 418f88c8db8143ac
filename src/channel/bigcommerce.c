/* BigCommerce: absolute figures per location, many in a call, one call at a time.
 *
 * A 200 says that the shop has taken the figures down, not that it shows them: every write is read
 * back, and an old figure proves nothing until the write had its time to settle. One bad item makes
 * the shop refuse all of a call; mostly it names the culprit, which is then set aside and the rest
 * sent at once. Which products it has is asked before the first write of each. */
#include "channel/bigcommerce_internal.h"

#include <stdlib.h>

#define ITEMS_MAX 2000u
#define NAMED_MAX 50u /* culprits taken out of one batch before it is halved instead */

/* ---- open and close ---- */

static enum status check_locations(const struct config_channel *config, struct error *error) {
    for (size_t i = 0; i < config->locations.count; i++) {
        uint64_t number;
        struct text theirs = config->locations.items[i].value;
        if (!shop_number(theirs, &number)) {
            return error_set(error, STATUS_BAD_VALUE,
                             "locations: '%.*s' is no number of a BigCommerce location: write "
                             "{%.*s: 1}",
                             TEXT_ARG(theirs), TEXT_ARG(config->locations.items[i].name));
        }
    }
    return STATUS_OK;
}

static enum status bigcommerce_open(const struct channel_context *context, void **state_out,
                                    struct error *error) {
    struct bigcommerce *shop = memory_alloc_zero(1, sizeof(*shop));
    shop->context = context;
    shop->opened_us = clock_now_us(&context->clock);
    shop->written.keep_us = context->config->settle_us;
    enum status status = shop_check_url(context->config, error);
    if (status == STATUS_OK) {
        status = check_locations(context->config, error);
    }
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

static void bigcommerce_close(void *state) {
    struct bigcommerce *shop = state;
    if (shop != NULL) {
        http_client_free(shop->client);
        shop_written_deinit(&shop->written);
        free(shop);
    }
}

/* ---- setting ---- */

static size_t write_body(const struct channel_batch *batch, struct buffer *body) {
    struct json_writer w = {.out = body};
    size_t count = 0;
    json_begin_object(&w);
    json_key(&w, "reason");
    json_string(&w, "onhand");
    json_key(&w, "items");
    json_begin_array(&w);
    for (size_t i = 0; i < batch->count; i++) {
        const struct channel_item *item = &batch->items[i];
        if (item->outcome != CHANNEL_UNANSWERED) {
            continue;
        }
        json_begin_object(&w);
        json_key(&w, "location_id");
        json_raw(&w, item->theirs);
        json_key(&w, "sku");
        json_text(&w, item->sku);
        json_key(&w, "quantity");
        json_quantity(&w, item->quantity_milli);
        json_end_object(&w);
        count++;
    }
    json_end_array(&w);
    json_end_object(&w);
    return count;
}

/* Whether `word` stands in `title` with nothing beside it that could be more of a SKU. */
static bool names(struct text title, struct text word) {
    for (size_t at = 0; word.length > 0 && at + word.length <= title.length; at++) {
        const char *after = title.data + at + word.length, *end = title.data + title.length;
        char left = at > 0 ? title.data[at - 1] : ' ', right = after < end ? *after : ' ';
        right = right == '.' && after + 1 >= end ? ' ' : right;
        if (memcmp(title.data + at, word.data, word.length) == 0 &&
            memchr(" '\"`:,;()[]", left, 11) != NULL && memchr(" '\"`:,;()[]", right, 11) != NULL) {
            return true;
        }
    }
    return false;
}

/* Sets aside what the refusal names: the longest SKU that stands in it, where it names a location
 * as well only there. False: it names none. */
static bool park_named(struct channel_batch *batch, struct text title) {
    struct text sku = {NULL, 0};
    bool with_place = false;
    for (size_t i = 0; i < batch->count; i++) {
        const struct channel_item *item = &batch->items[i];
        if (item->outcome == CHANNEL_UNANSWERED && item->sku.length > sku.length &&
            names(title, item->sku)) {
            sku = item->sku;
        }
    }
    for (size_t i = 0; i < batch->count && sku.length > 0; i++) {
        const struct channel_item *item = &batch->items[i];
        with_place = with_place || (item->outcome == CHANNEL_UNANSWERED &&
                                    text_equal(item->sku, sku) && names(title, item->theirs));
    }
    for (size_t i = 0; i < batch->count && sku.length > 0; i++) {
        struct channel_item *item = &batch->items[i];
        if (item->outcome == CHANNEL_UNANSWERED && text_equal(item->sku, sku) &&
            (!with_place || names(title, item->theirs))) {
            item->outcome = CHANNEL_PARKED;
            item->words = channel_words(batch->arena, title, CHANNEL_WORDS_MAX);
        }
    }
    return sku.length > 0;
}

static void take_refusal(const struct http_answer *answer, struct text title,
                         const struct channel_batch *batch, struct channel_call *call) {
    struct text words = channel_words(batch->arena, title.length > 0 ? title : answer->body, 160);
    shop_judge(call, CHANNEL_CALL_REFUSED, "%d: %.*s", answer->code, TEXT_ARG(words));
}

/* One call; true: it is to be made once more, without what was set aside. */
static bool set_once(struct bigcommerce *shop, struct channel_batch *batch,
                     struct channel_call *call) {
    struct buffer body = {0};
    struct http_answer answer;
    const struct tree *tree = NULL;
    size_t count = write_body(batch, &body);
    bool answered =
        count > 0 && bigcommerce_ask(shop, "PUT", TEXT("/v3/inventory/adjustments/absolute"),
                                     buffer_text(&body), false, batch->arena, &answer, call);
    buffer_deinit(&body);
    if (!answered) {
        return false;
    }
    bool is_json = tree_read(answer.body, batch->arena, &tree, NULL) == STATUS_OK;
    struct text title = tree_text(tree_get(tree, "title"));
    if (answer.code >= 400) {
        if (answer.code == 422 && is_json && park_named(batch, title)) {
            return true;
        }
        take_refusal(&answer, title, batch, call);
        return false;
    }
    if (!is_json && answer.body.length > 0) {
        channel_garbled(call, &answer, false, "a number of a transaction was expected");
        return false;
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *item = &batch->items[i];
        if (item->outcome == CHANNEL_UNANSWERED) {
            item->outcome = CHANNEL_UNCERTAIN;
            item->words = TEXT("taken down by the shop, not shown by it yet");
        }
    }
    return false;
}

static void bigcommerce_send(void *state, struct channel_batch *batch, struct channel_call *call) {
    struct bigcommerce *shop = state;
    if (!bigcommerce_check_places(shop, batch, call) ||
        !bigcommerce_look_up(shop, batch, true, call)) {
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *item = &batch->items[i];
        if (item->outcome == CHANNEL_CONFIRMED) {
            item->outcome = CHANNEL_UNANSWERED; /* the shop has it: it can be set */
        }
        if (item->outcome == CHANNEL_UNANSWERED) {
            shop_written_put(&shop->written, item, batch->now_us);
        }
    }
    for (unsigned i = 0; set_once(shop, batch, call); i++) {
        if (i >= NAMED_MAX) {
            shop_judge(call, CHANNEL_CALL_REFUSED, "422: more than %u items are refused",
                       NAMED_MAX);
            return;
        }
    }
}

const struct channel_platform channel_platform_bigcommerce = {
    .name = "bigcommerce",
    .batch_max = ITEMS_MAX,
    .whole_units = true,
    .open = bigcommerce_open,
    .close = bigcommerce_close,
    .send = bigcommerce_send,
    .read_back = bigcommerce_read_back,
    .read_all = bigcommerce_read_all,
};
