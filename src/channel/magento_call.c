/* Calls to Adobe Commerce: addresses, credentials, searches, and what is looked up before the first
 * figure of a product or a source is sent. */
#include <stdio.h>

#include "base/hash.h"
#include "channel/magento_internal.h"

#define MISSING_AGAIN_US (30 * US_PER_SECOND)

/* ---- one call ---- */

static bool read_oauth(const struct config_channel *config, struct buffer secrets[4],
                       struct channel_call *call) {
    return shop_secret(&config->key, "key", "", &secrets[0], call) &&
           shop_secret(&config->secret, "secret", "", &secrets[1], call) &&
           shop_secret(&config->token, "token", "", &secrets[2], call) &&
           shop_secret(&config->token_secret, "token_secret", "", &secrets[3], call);
}

static bool sign(struct magento *shop, const char *method, struct text path, struct buffer *out,
                 struct channel_call *call) {
    const struct config_channel *config = shop->context->config;
    struct buffer secrets[4] = {{0}}, url = {0};
    unsigned char random[16];
    char nonce[2 * sizeof(random) + 1];
    struct text base = config->url;
    bool fine = read_oauth(config, secrets, call);
    while (base.length > 0 && base.data[base.length - 1] == '/') {
        base.length--;
    }
    random_bytes(random, sizeof(random));
    hex_encode(random, sizeof(random), nonce);
    buffer_append_text(&url, base);
    buffer_append_text(&url, path);
    struct magento_oauth oauth = {
        buffer_text(&secrets[0]), buffer_text(&secrets[1]),
        buffer_text(&secrets[2]), buffer_text(&secrets[3]),
        text_from(nonce),         clock_now_us(&shop->context->clock) / US_PER_SECOND};
    if (fine) {
        magento_oauth_sign(&oauth, method, buffer_text(&url), out);
    }
    for (size_t i = 0; i < 4; i++) {
        config_secret_wipe(&secrets[i]);
    }
    buffer_deinit(&url);
    return fine;
}

bool magento_ask(struct magento *shop, const char *method, struct text path, struct text body,
                 bool rests, struct arena *arena, struct http_answer *answer,
                 struct channel_call *call) {
    const struct config_channel *config = shop->context->config;
    struct buffer credential = {0};
    bool answered = false;
    path = arena_format(arena, "/rest/%.*s/%.*s", TEXT_ARG(shop->store), TEXT_ARG(path));
    bool fine = config->key.kind != CONFIG_SECRET_NONE
                    ? sign(shop, method, path, &credential, call)
                    : shop_secret(&config->token, "token", "Bearer ", &credential, call);
    if (fine) {
        struct shop_call what = {.method = method,
                                 .path = path,
                                 .body = body,
                                 .credential = {TEXT("authorization"), buffer_text(&credential)}};
        answered = rests ? shop_send_rested(shop->client, shop->context, &what, arena, answer, call)
                         : shop_send(shop->client, shop->context, &what, arena, answer, call);
    }
    config_secret_wipe(&credential);
    return answered;
}

struct text magento_words(struct arena *arena, const struct http_answer *answer) {
    const struct tree *tree = NULL;
    bool is_json = tree_read(answer->body, arena, &tree, NULL) == STATUS_OK;
    struct text message = is_json ? tree_text(tree_get(tree, "message")) : (struct text){NULL, 0};
    if (message.length == 0) {
        return message;
    }
    /* The message has %1 in it where the parameters beside it go: show both. */
    bool whole = memchr(message.data, '%', message.length) == NULL && answer->body.length > 300;
    return channel_words(arena, whole ? message : answer->body, 220);
}

/* ---- searches ---- */

void magento_filter(struct buffer *path, unsigned group, const char *field, const char *condition) {
    const char *last = path->length > 0 && path->data[path->length - 1] == '?' ? "" : "&";
    char filter[96];
    (void)snprintf(filter, sizeof(filter),
                   "searchCriteria%%5Bfilter_groups%%5D%%5B%u%%5D%%5Bfilters%%5D%%5B0%%5D", group);
    buffer_append_format(path,
                         "%s%s%%5Bfield%%5D=%s&%s%%5Bcondition_type%%5D=%s&%s%%5Bvalue%%5D=", last,
                         filter, field, filter, condition, filter);
}

bool magento_search(struct magento *shop, struct text path, bool rests, struct arena *arena,
                    const struct tree **row_out, uint64_t *total_out, struct channel_call *call) {
    struct http_answer answer;
    const struct tree *tree = NULL;
    if (!magento_ask(shop, "GET", path, TEXT(""), rests, arena, &answer, call)) {
        return false;
    }
    if (answer.code >= 400) {
        struct text words = magento_words(arena, &answer);
        shop_judge(call, CHANNEL_CALL_NOT_SENT, "%d: the shop does not answer questions: %.*s",
                   answer.code,
                   TEXT_ARG(words.length > 0 ? words : channel_words(arena, answer.body, 160)));
        return false;
    }
    if (tree_read(answer.body, arena, &tree, NULL) != STATUS_OK ||
        !shop_number(tree_text(tree_get(tree, "total_count")), total_out)) {
        channel_garbled(call, &answer, true, "items and total_count were expected");
        return false;
    }
    *row_out = tree_first(tree_get(tree, "items")); /* null where there are none */
    return true;
}

/* ---- sources ---- */

static bool ask_source(struct magento *shop, struct text code, struct arena *arena, bool *has_out,
                       struct channel_call *call) {
    struct buffer path = {0};
    struct http_answer answer;
    buffer_append_string(&path, "V1/inventory/sources/");
    http_append_escaped(&path, code);
    bool answered =
        magento_ask(shop, "GET", buffer_text(&path), TEXT(""), false, arena, &answer, call);
    buffer_deinit(&path);
    if (!answered) {
        return false;
    }
    const struct tree *tree = NULL;
    if (tree_read(answer.body, arena, &tree, NULL) != STATUS_OK ||
        (tree_text(tree_get(tree, "source_code")).length == 0 &&
         tree_text(tree_get(tree, "message")).length == 0)) {
        channel_garbled(call, &answer, true, "is url the address of the shop's front?");
        return false;
    }
    *has_out = answer.code < 400;
    return true;
}

static bool has_source(struct magento *shop, struct text code, int64_t now_us, struct arena *arena,
                       bool *has_out, struct channel_call *call) {
    struct text key = arena_format(arena, "source:%.*s", TEXT_ARG(code));
    *has_out = channel_note_get(shop->context->notes, key).length > 0;
    if (*has_out ||
        (text_equal(shop->missing, code) && now_us < shop->missing_us + MISSING_AGAIN_US)) {
        return true;
    }
    if (!ask_source(shop, code, arena, has_out, call)) {
        return false;
    }
    if (*has_out) {
        channel_note_put(shop->context->notes, key, TEXT("1"));
        return true;
    }
    arena_reset(&shop->arena);
    shop->missing = arena_copy(&shop->arena, code);
    shop->missing_us = now_us;
    return true;
}

bool magento_check_sources(struct magento *shop, struct channel_batch *batch,
                           struct channel_call *call) {
    struct text last = {NULL, 0};
    bool has = true;
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *item = &batch->items[i];
        if (i == 0 || !text_equal(item->theirs, last)) {
            last = item->theirs;
            if (!has_source(shop, last, batch->now_us, batch->arena, &has, call)) {
                return false;
            }
        }
        if (!has) {
            item->outcome = CHANNEL_PARKED;
            item->words = arena_format(batch->arena,
                                       "the shop has no source '%.*s': correct locations of this "
                                       "channel, or add it under Stores > Inventory > Sources",
                                       TEXT_ARG(last));
        }
    }
    return true;
}

/* ---- products ---- */

static bool has_stock(struct text type) {
    return type.length == 0 || text_equal_string(type, "simple") ||
           text_equal_string(type, "virtual") || text_equal_string(type, "downloadable");
}

/* Notes the shop's own spelling of each SKU that it has. */
static bool ask_products(struct magento *shop, struct channel_batch *batch, const bool *chosen,
                         size_t *at, struct channel_call *call) {
    struct buffer path = {0};
    const struct tree *row = NULL;
    uint64_t total;
    buffer_append_string(&path, "V1/products?fields=items%5Bsku%2Ctype_id%5D%2Ctotal_count&"
                                "searchCriteria%5BpageSize%5D=100");
    magento_filter(&path, 0, "sku", "in");
    bool fine = shop_append_skus(&path, batch, chosen, MAGENTO_SKUS_AT_ONCE, at) == 0 ||
                magento_search(shop, buffer_text(&path), false, batch->arena, &row, &total, call);
    buffer_deinit(&path);
    if (!fine || call->verdict != CHANNEL_CALL_OK) {
        return false;
    }
    for (; row != NULL; row = row->next) {
        struct text sku = tree_text(tree_get(row, "sku"));
        struct text type = tree_text(tree_get(row, "type_id"));
        for (size_t i = 0; has_stock(type) && i < batch->count; i++) {
            if (chosen[i] && text_equal_ignore_case(batch->items[i].sku, sku)) {
                channel_note_put(
                    shop->context->notes,
                    arena_format(batch->arena, "sku:%.*s", TEXT_ARG(batch->items[i].sku)), sku);
                shop_note_spelling(shop->context->notes, batch->arena, sku, batch->items[i].sku);
            }
        }
    }
    return true;
}

bool magento_look_up(struct magento *shop, struct channel_batch *batch, struct channel_call *call) {
    bool *chosen = arena_alloc_zero(batch->arena, batch->count * sizeof(*chosen));
    bool any = false;
    for (size_t i = 0; i < batch->count; i++) {
        const struct channel_item *item = &batch->items[i];
        struct text key = arena_format(batch->arena, "sku:%.*s", TEXT_ARG(item->sku));
        chosen[i] = item->outcome == CHANNEL_UNANSWERED &&
                    channel_note_get(shop->context->notes, key).length == 0;
        any = any || chosen[i];
    }
    for (size_t at = 0; any && at < batch->count;) {
        while (at < batch->count && !chosen[at]) {
            at++;
        }
        if (at < batch->count && !ask_products(shop, batch, chosen, &at, call)) {
            return false;
        }
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *item = &batch->items[i];
        struct text key = arena_format(batch->arena, "sku:%.*s", TEXT_ARG(item->sku));
        if (chosen[i] && channel_note_get(shop->context->notes, key).length == 0) {
            item->outcome = CHANNEL_UNMAPPED;
        }
    }
    return true;
}
