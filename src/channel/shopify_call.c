/* One GraphQL call to Shopify: its token, its budget, and the errors that concern the whole call.
 *
 * A shop answers 200 whatever happened; what matters is in `errors`. An answer without `data` was
 * refused before anything was carried out; one with `data` and an error is in doubt. */
#include "channel/shopify_internal.h"

#define RENEW_EARLY_US (300 * US_PER_SECOND)

/* ---- the token ---- */

void shopify_token_forget(struct shopify *shopify) {
    config_secret_wipe(&shopify->token);
    shopify->token = (struct buffer){0};
}

static bool take_token(struct shopify *shopify, const struct http_answer *answer,
                       struct arena *arena, struct channel_call *call) {
    const struct tree *tree = NULL;
    uint64_t seconds = 0;
    if (answer->code >= 400 || tree_read(answer->body, arena, &tree, NULL) != STATUS_OK) {
        shop_judge(call, answer->code >= 400 ? CHANNEL_CALL_UNAUTHORIZED : CHANNEL_CALL_NOT_SENT,
                   "%d: no token for this client id and secret (key, secret): check both, and that "
                   "the app is installed in the shop",
                   answer->code);
        return false;
    }
    struct text token = tree_text(tree_get(tree, "access_token"));
    if (token.length == 0 || !tree_count(tree_get(tree, "expires_in"), &seconds)) {
        channel_garbled(call, answer, true, "no access_token, or no expires_in");
        return false;
    }
    seconds = seconds < 86400 ? seconds : 86400;
    shopify_token_forget(shopify);
    buffer_reserve(&shopify->token, token.length + 1);
    buffer_append_text(&shopify->token, token);
    shopify->token_until_us =
        clock_now_us(&shopify->context->clock) + (int64_t)seconds * US_PER_SECOND - RENEW_EARLY_US;
    return true;
}

static bool ask_token(struct shopify *shopify, struct text id, struct text secret,
                      struct arena *arena, struct channel_call *call) {
    const struct http_header headers[] = {
        {TEXT("content-type"), TEXT("application/x-www-form-urlencoded")},
        {TEXT("accept"), TEXT("application/json")},
    };
    struct buffer body = {0};
    struct http_answer answer;
    buffer_reserve(&body, 3 * (id.length + secret.length) + 100);
    buffer_append_string(&body, "grant_type=client_credentials&client_id=");
    http_append_escaped(&body, id);
    buffer_append_string(&body, "&client_secret=");
    http_append_escaped(&body, secret);
    struct http_request request = {.method = "POST",
                                   .path = TEXT("/admin/oauth/access_token"),
                                   .headers = headers,
                                   .header_count = 2,
                                   .body = buffer_text(&body)};
    bool ok = channel_http_send(shopify->client, shopify->context, &request, true, arena, &answer,
                                call) &&
              take_token(shopify, &answer, arena, call);
    config_secret_wipe(&body);
    return ok;
}

/* Appends it to *out. */
static bool token_of(struct shopify *shopify, struct arena *arena, struct buffer *out,
                     struct channel_call *call) {
    const struct config_channel *config = shopify->context->config;
    if (config->token.kind != CONFIG_SECRET_NONE) {
        return shop_secret(&config->token, "token", "", out, call);
    }
    if (shopify->token.length == 0 ||
        clock_now_us(&shopify->context->clock) >= shopify->token_until_us) {
        struct buffer id = {0}, secret = {0};
        bool ok = shop_secret(&config->key, "key", "", &id, call) &&
                  shop_secret(&config->secret, "secret", "", &secret, call) &&
                  ask_token(shopify, buffer_text(&id), buffer_text(&secret), arena, call);
        config_secret_wipe(&id);
        config_secret_wipe(&secret);
        if (!ok) {
            return false;
        }
    }
    buffer_reserve(out, shopify->token.length + 1);
    buffer_append_text(out, buffer_text(&shopify->token));
    return true;
}

/* ---- the budget ---- */

static void feed_budget(struct shopify *shopify, enum shopify_kind kind,
                        const struct tree *answer) {
    const struct tree *cost = tree_at(answer, "extensions.cost");
    const struct tree *status = tree_get(cost, "throttleStatus");
    shopify->costs[kind] = tree_double(tree_get(cost, "requestedQueryCost"), shopify->costs[kind]);
    channel_bucket_feed(&shopify->bucket, tree_double(tree_get(status, "maximumAvailable"), 0),
                        tree_double(tree_get(status, "currentlyAvailable"), 0),
                        tree_double(tree_get(status, "restoreRate"), 0),
                        clock_now_us(&shopify->context->clock));
}

int64_t shopify_ready_us(const struct shopify *shopify, enum shopify_kind kind) {
    return channel_bucket_ready_us(&shopify->bucket, shopify->costs[kind],
                                   clock_now_us(&shopify->context->clock));
}

/* ---- errors of the whole call ---- */

static enum channel_verdict verdict_of(struct text code, bool reads, bool executed) {
    static const struct {
        const char *code;
        enum channel_verdict writing, reading;
    } known[] = {
        {"THROTTLED", CHANNEL_CALL_THROTTLED, CHANNEL_CALL_THROTTLED},
        {"ACCESS_DENIED", CHANNEL_CALL_UNAUTHORIZED, CHANNEL_CALL_UNAUTHORIZED},
        {"UNAUTHORIZED", CHANNEL_CALL_UNAUTHORIZED, CHANNEL_CALL_UNAUTHORIZED},
        {"SHOP_INACTIVE", CHANNEL_CALL_NOT_SENT, CHANNEL_CALL_NOT_SENT},
        {"MAX_COST_EXCEEDED", CHANNEL_CALL_REFUSED, CHANNEL_CALL_NOT_SENT},
        {"MAX_INPUT_SIZE_EXCEEDED", CHANNEL_CALL_REFUSED, CHANNEL_CALL_NOT_SENT},
        {"INTERNAL_SERVER_ERROR", CHANNEL_CALL_UNCERTAIN, CHANNEL_CALL_NOT_SENT},
        {"TIMEOUT", CHANNEL_CALL_UNCERTAIN, CHANNEL_CALL_NOT_SENT},
        {"IDEMPOTENCY_CONCURRENT_REQUEST", CHANNEL_CALL_UNCERTAIN, CHANNEL_CALL_NOT_SENT},
        {"IDEMPOTENCY_KEY_PARAMETER_MISMATCH", CHANNEL_CALL_UNCERTAIN, CHANNEL_CALL_NOT_SENT},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (text_equal_string(code, known[i].code)) {
            return reads ? known[i].reading : known[i].writing;
        }
    }
    return executed && !reads ? CHANNEL_CALL_UNCERTAIN : CHANNEL_CALL_NOT_SENT;
}

static bool is_reading(enum shopify_kind kind) {
    return kind != SHOPIFY_SET && kind != SHOPIFY_ACTIVATE;
}

static void judge_throttled(struct shopify *shopify, enum shopify_kind kind,
                            struct channel_call *call) {
    call->next_us = shopify_ready_us(shopify, kind);
    shop_judge(call, CHANNEL_CALL_THROTTLED,
               "the shop's budget is used up, going on when it is refilled");
}

static void judge_errors(struct shopify *shopify, const struct tree *errors, enum shopify_kind kind,
                         bool executed, struct arena *arena, struct channel_call *call) {
    const struct tree *first = tree_is_array(errors) ? tree_first(errors) : errors;
    struct text code = tree_text(tree_at(first, "extensions.code"));
    struct text said = tree_text(tree_get(first, "message"));
    struct text words = channel_words(arena, said.length > 0 ? said : tree_text(first), 160);
    enum channel_verdict verdict = verdict_of(code, is_reading(kind), executed);
    code = channel_words(arena, code, 60);
    if (verdict == CHANNEL_CALL_THROTTLED) {
        judge_throttled(shopify, kind, call);
    } else if (verdict == CHANNEL_CALL_UNAUTHORIZED) {
        shopify_token_forget(shopify);
        shop_judge(call, verdict,
                   "%.*s: the token may not do this; it needs read_products, read_inventory and "
                   "write_inventory (%.*s)",
                   TEXT_ARG(code), TEXT_ARG(words));
    } else {
        shop_judge(call, verdict, "the shop refuses the call: %.*s: %.*s", TEXT_ARG(code),
                   TEXT_ARG(words));
    }
}

/* ---- the call ---- */

static bool read_answer(struct shopify *shopify, const struct shopify_query *query,
                        const char *expected, const struct http_answer *answer, struct arena *arena,
                        const struct tree **data_out, struct channel_call *call) {
    const struct tree *tree = NULL;
    if (answer->code >= 400) {
        struct text words = channel_words(arena, answer->body, 120);
        shop_judge(call, CHANNEL_CALL_NOT_SENT, "%d: %s (%.*s)", answer->code,
                   answer->code == 404 ? "the shop is not there: check url"
                                       : "the shop refuses the call",
                   TEXT_ARG(words));
        return false;
    }
    if (tree_read(answer->body, arena, &tree, NULL) != STATUS_OK) {
        channel_garbled(call, answer, is_reading(query->kind), "no JSON");
        return false;
    }
    const struct tree *errors = tree_get(tree, "errors"), *data = tree_get(tree, "data");
    feed_budget(shopify, query->kind, tree);
    if (errors != NULL) {
        struct text code = tree_text(tree_at(tree_first(errors), "extensions.code"));
        if (expected != NULL && text_equal_string(code, expected)) {
            *data_out = NULL;
            return true;
        }
        judge_errors(shopify, errors, query->kind, data != NULL, arena, call);
        return false;
    }
    if (data == NULL) {
        channel_garbled(call, answer, is_reading(query->kind), "neither data nor errors");
        return false;
    }
    *data_out = data;
    return true;
}

static void write_body(const struct shopify_query *query, struct buffer *body) {
    struct json_writer w = {.out = body};
    json_begin_object(&w);
    json_key(&w, "query");
    json_string(&w, query->text);
    if (query->variables.length > 0) {
        json_key(&w, "variables");
        json_raw(&w, query->variables);
    }
    json_end_object(&w);
}

bool shopify_call(struct shopify *shopify, const struct shopify_query *query, const char *expected,
                  struct arena *arena, const struct tree **data_out, struct channel_call *call) {
    struct buffer token = {0}, body = {0};
    struct http_answer answer;
    if (shopify_ready_us(shopify, query->kind) > clock_now_us(&shopify->context->clock)) {
        judge_throttled(shopify, query->kind, call);
        return false;
    }
    bool ok = token_of(shopify, arena, &token, call);
    if (ok) {
        const struct http_header headers[] = {
            {TEXT("content-type"), TEXT("application/json")},
            {TEXT("accept"), TEXT("application/json")},
            {TEXT("user-agent"), text_from(shopify->context->user_agent_instance)},
            {TEXT("x-shopify-access-token"), buffer_text(&token)},
        };
        write_body(query, &body);
        struct http_request request = {.method = "POST",
                                       .path = TEXT("/admin/api/" SHOPIFY_VERSION "/graphql.json"),
                                       .headers = headers,
                                       .header_count = sizeof(headers) / sizeof(headers[0]),
                                       .body = buffer_text(&body)};
        ok = channel_http_send(shopify->client, shopify->context, &request, is_reading(query->kind),
                               arena, &answer, call);
        if (!ok && call->verdict == CHANNEL_CALL_UNAUTHORIZED) {
            shopify_token_forget(shopify); /* the next call asks for a new one */
        }
        ok = ok && read_answer(shopify, query, expected, &answer, arena, data_out, call);
    }
    config_secret_wipe(&token);
    buffer_deinit(&body);
    return ok;
}
