/* Everything a large shop shows, in one go: Shopify writes it to a file in its own time, which is
 * then gone through line by line as it comes, however long it is. Nothing of it is kept.
 *
 * A level's line names its SKU and its location itself, so it makes no difference in which order
 * lines come. Where the shop will not do it, everything is read page by page. */
#include "base/log.h"
#include "channel/shopify_internal.h"

#define LINE_MAX_BYTES ((size_t)64 << 10)
#define DOWNLOAD_MS INT64_C(3600000)
#define POLL_FIRST_US (US_PER_SECOND / 5)
#define POLL_MOST_US (10 * US_PER_SECOND)
#define PATIENCE_US (7200 * US_PER_SECOND)
#define ASKED_MOST 20u /* times in a row that an answer does not come */

static const char count_query[] = "{productVariantsCount{count}}";
static const char start_query[] =
    "mutation($q:String!){bulkOperationRunQuery(query:$q){bulkOperation{id status}"
    "userErrors{field message}}}";
static const char levels_query[] =
    "{inventoryItems{edges{node{id inventoryLevels{edges{node{id item{sku} location{id} "
    "quantities(names:[\"available\"]){name quantity}}}}}}}}";
static const char poll_query[] =
    "query($id:ID!){node(id:$id){... on BulkOperation{id status errorCode objectCount fileSize "
    "url}}}";
static const char cancel_query[] =
    "mutation($id:ID!){bulkOperationCancel(id:$id){userErrors{field message}}}";

/* Rests until the budget allows it, as often as it takes. False: *call is filled. */
static bool ask(struct shopify *shopify, const char *text, const char *name, struct text value,
                struct arena *arena, const struct tree **data_out, struct channel_call *call) {
    struct buffer variables = {0};
    struct json_writer w = {.out = &variables};
    json_begin_object(&w);
    if (name != NULL) {
        json_key(&w, name);
        json_text(&w, value);
    }
    json_end_object(&w);
    struct shopify_query query = {SHOPIFY_BULK, text, buffer_text(&variables)};
    bool ok = false, again = true;
    for (unsigned i = 0; i < ASKED_MOST && again; i++) {
        *call = (struct channel_call){.verdict = CHANNEL_CALL_OK};
        ok = shopify_call(shopify, &query, NULL, arena, data_out, call);
        again = !ok && (call->verdict == CHANNEL_CALL_THROTTLED ||
                        (call->verdict == CHANNEL_CALL_NOT_SENT && text == poll_query));
        int64_t soon_us = clock_now_us(&shopify->context->clock) + US_PER_SECOND;
        again = again &&
                channel_rest(shopify->context, call->next_us > soon_us ? call->next_us : soon_us);
    }
    buffer_deinit(&variables);
    return ok;
}

bool shopify_is_large(struct shopify *shopify) {
    struct arena arena = {0};
    struct channel_call call;
    const struct tree *data = NULL;
    uint64_t count = 0;
    bool ok = ask(shopify, count_query, NULL, TEXT(""), &arena, &data, &call) &&
              tree_count(tree_at(data, "productVariantsCount.count"), &count);
    arena_deinit(&arena);
    return ok && count * shopify->context->config->locations.count >= SHOPIFY_BULK_FROM;
}

/* ---- the file ---- */

struct download {
    struct shopify *shopify;
    const struct channel_sink *sink;
    struct buffer line; /* begun, and not ended yet */
    struct arena arena;
    uint64_t bytes;
    bool stopped;      /* the sink has enough */
    const char *wrong; /* NULL: nothing */
};

static void take_line(struct download *d, struct text line) {
    const struct tree *level = NULL;
    struct identifier identifier = {.type = TEXT("sku")};
    int64_t milli = 0;
    if (text_trim(line).length == 0) {
        return;
    }
    if (tree_read(line, &d->arena, &level, NULL) != STATUS_OK) {
        d->wrong = "a line that is no JSON";
        return;
    }
    struct text theirs =
        shopify_place_of(d->shopify->context->config, tree_text(tree_at(level, "location.id")));
    identifier.value = tree_text(tree_at(level, "item.sku"));
    if (theirs.length > 0 && identifier.value.length > 0 && shopify_available_of(level, &milli)) {
        d->stopped = !d->sink->take(d->sink->context, theirs, &identifier, milli);
    }
    arena_reset(&d->arena);
}

static bool take_piece(void *context, struct text piece) {
    struct download *d = context;
    d->bytes += piece.length;
    while (piece.length > 0 && !d->stopped && d->wrong == NULL) {
        const char *end = memchr(piece.data, '\n', piece.length);
        size_t length = end != NULL ? (size_t)(end - piece.data) : piece.length;
        if (length > LINE_MAX_BYTES - d->line.length) {
            d->wrong = "a line without end";
            break;
        }
        buffer_append(&d->line, piece.data, length);
        length += end != NULL;
        piece = (struct text){piece.data + length, piece.length - length};
        if (end != NULL) {
            take_line(d, buffer_text(&d->line));
            buffer_clear(&d->line);
        }
    }
    return !d->stopped && d->wrong == NULL;
}

/* The address is one of the shop's choosing, with a right to read of its own: the token stays here.
 * It is held to the same rules as the shop's own. */
static bool open_file(struct shopify *shopify, struct text url, struct http_client **client_out,
                      struct error *error) {
    const struct config_channel *config = shopify->context->config;
    struct config_channel there = *config;
    there.url = url;
    struct http_client_options options = {
        .base_url = url,
        .ca_file = config->ca_file.length > 0 ? config->ca_file.data : NULL,
        .forbid_private = !config->allow_private,
        .timeout_ms = DOWNLOAD_MS,
        .give_up = shopify->context->stopping};
    return shop_check_url(&there, error) == STATUS_OK &&
           http_client_new(&options, client_out, error) == STATUS_OK;
}

/* `size`: what the shop says the file has; 0: it does not say. */
static bool read_file(struct shopify *shopify, const struct channel_sink *sink, struct text url,
                      uint64_t size, struct channel_call *call) {
    struct download d = {.shopify = shopify, .sink = sink};
    struct arena arena = {0};
    struct error error = {0};
    struct http_client *client = NULL;
    struct http_answer answer = {0};
    struct http_request request = {.method = "GET", .take = take_piece, .take_context = &d};
    bool ok = open_file(shopify, url, &client, &error) &&
              http_send(client, &request, &arena, &answer, &error) == STATUS_OK;
    if (ok && answer.code >= 200 && answer.code < 300) {
        take_line(&d, buffer_text(&d.line));
        d.wrong = d.wrong == NULL && size > 0 && d.bytes != size && !d.stopped ? "it is cut off"
                                                                               : d.wrong;
    } else if (ok) {
        d.wrong = "it is not there";
    }
    ok = d.stopped || (ok && d.wrong == NULL);
    if (!ok) {
        shop_judge(call, CHANNEL_CALL_NOT_SENT, "the file of a bulk operation: %s",
                   d.wrong != NULL ? d.wrong : error.detail);
    }
    http_client_free(client);
    buffer_deinit(&d.line);
    arena_deinit(&d.arena);
    arena_deinit(&arena);
    return ok;
}

/* ---- the operation ---- */

/* Its id, in the arena; false: the shop does not do it. */
static bool start(struct shopify *shopify, struct arena *arena, struct text *id_out,
                  struct channel_call *call) {
    const struct tree *data = NULL;
    if (!ask(shopify, start_query, "q", text_from(levels_query), arena, &data, call)) {
        return false;
    }
    const struct tree *answer = tree_get(data, "bulkOperationRunQuery");
    const struct tree *error = tree_first(tree_get(answer, "userErrors"));
    *id_out = tree_text(tree_at(answer, "bulkOperation.id"));
    if (error != NULL || id_out->length == 0) {
        struct text words = channel_words(arena, tree_text(tree_get(error, "message")), 160);
        shop_judge(call, CHANNEL_CALL_NOT_SENT, "no bulk operation: %.*s", TEXT_ARG(words));
        return false;
    }
    return true;
}

static bool is_one_of(struct text word, const char *const *words) {
    for (; *words != NULL; words++) {
        if (text_equal_string(word, *words)) {
            return true;
        }
    }
    return false;
}

/* Until it is done; *node_out is what it came to, in the arena. */
static bool wait_for(struct shopify *shopify, struct text id, struct arena *arena,
                     const struct tree **node_out, struct channel_call *call) {
    static const char *const going[] = {"CREATED", "RUNNING", "CANCELING", NULL};
    const struct clock *clock = &shopify->context->clock;
    int64_t until_us = clock_now_us(clock) + PATIENCE_US, pause_us = POLL_FIRST_US;
    for (;;) {
        const struct tree *data = NULL;
        if (!ask(shopify, poll_query, "id", id, arena, &data, call)) {
            return false;
        }
        const struct tree *node = tree_get(data, "node");
        struct text status = tree_text(tree_get(node, "status"));
        if (text_equal_string(status, "COMPLETED")) {
            *node_out = node;
            return true;
        }
        if (!is_one_of(status, going) || clock_now_us(clock) > until_us) {
            struct text code = channel_words(arena, tree_text(tree_get(node, "errorCode")), 60);
            shop_judge(call, CHANNEL_CALL_NOT_SENT, "a bulk operation came to nothing: %.*s %.*s",
                       TEXT_ARG(channel_words(arena, status, 40)), TEXT_ARG(code));
            return false;
        }
        if (!channel_rest(shopify->context, clock_now_us(clock) + pause_us)) {
            shop_judge(call, CHANNEL_CALL_NOT_SENT, "given up: the hub is ending");
            return false;
        }
        pause_us = pause_us * 2 < POLL_MOST_US ? pause_us * 2 : POLL_MOST_US;
    }
}

bool shopify_bulk_read(struct shopify *shopify, const struct channel_sink *sink,
                       struct channel_call *call) {
    struct arena arena = {0};
    struct text id = {NULL, 0};
    const struct tree *node = NULL;
    uint64_t objects = 0, size = 0;
    bool ok = start(shopify, &arena, &id, call);
    if (ok && !wait_for(shopify, id, &arena, &node, call)) {
        const struct tree *data = NULL;
        struct channel_call ignored;
        (void)ask(shopify, cancel_query, "id", id, &arena, &data, &ignored);
        ok = false;
    }
    if (ok) {
        struct text url = tree_text(tree_get(node, "url"));
        const struct tree *told = tree_get(node, "fileSize");
        ok = tree_count(tree_get(node, "objectCount"), &objects) &&
             (told == NULL || tree_count(told, &size));
        if (!ok || (url.length == 0 && objects > 0)) {
            shop_judge(call, CHANNEL_CALL_NOT_SENT, "a bulk operation came without its file");
            ok = false;
        }
        ok = ok && (url.length == 0 || read_file(shopify, sink, url, size, call));
    }
    if (!ok) {
        log_info("no bulk reading, going on page by page", "channel=%.*s error=%s",
                 TEXT_ARG(shopify->context->config->name), log_quote(text_from(call->words)));
    }
    arena_deinit(&arena);
    return ok;
}
