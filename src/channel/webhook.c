/* The channel "webhook": every change, to whoever listens, and the worked example of a platform.
 *
 * A batch is one POST of a CloudEvents batch, signed as Standard Webhooks say. The batch's key is
 * its `webhook-id`, the same whenever it is sent again, and an event's id is its cell and version,
 * so a listener that remembers the newest version of each cell is right whatever arrives twice or
 * out of order. Nothing can be read back, so what is uncertain is said again. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "channel/channel.h"
#include "http/webhook_signature.h"

#define EVENTS_MAX 1000u

struct webhook {
    const struct channel_context *context;
    struct http_client *client;
    struct text path; /* of the URL, in config */
};

/* ---- open and close ---- */

/* The URL is taken to the letter: with its last slash, or without. */
static struct text path_of(struct text url) {
    const char *scheme_end = memchr(url.data, ':', url.length);
    size_t at = scheme_end != NULL ? (size_t)(scheme_end - url.data) + 3 : 0;
    while (at < url.length && url.data[at] != '/' && url.data[at] != '?') {
        at++;
    }
    return at < url.length ? (struct text){url.data + at, url.length - at} : TEXT("/");
}

static enum status webhook_open(const struct channel_context *context, void **state_out,
                                struct error *error) {
    struct text url = context->config->url;
    struct webhook *webhook = memory_alloc_zero(1, sizeof(*webhook));
    struct config_channel origin = *context->config;
    struct channel_context at_origin = *context;
    webhook->context = context;
    webhook->path = path_of(url);
    if (webhook->path.data >= url.data && webhook->path.data < url.data + url.length) {
        origin.url.length = (size_t)(webhook->path.data - url.data);
    }
    at_origin.config = &origin;
    enum status status = channel_http_new(&at_origin, &webhook->client, error);
    if (status != STATUS_OK) {
        free(webhook);
        return status;
    }
    *state_out = webhook;
    return STATUS_OK;
}

static void webhook_close(void *state) {
    struct webhook *webhook = state;
    if (webhook != NULL) {
        http_client_free(webhook->client);
        free(webhook);
    }
}

/* ---- the body ---- */

static void write_event(struct json_writer *w, const struct webhook *webhook,
                        const struct channel_item *item, struct arena *arena) {
    json_begin_object(w);
    json_key(w, "specversion");
    json_string(w, "1.0");
    json_key(w, "type");
    json_string(w, "onhand.inventory.changed");
    json_key(w, "id");
    json_text(w, arena_format(arena, "%.*s/%.*s@%llu", TEXT_ARG(item->location),
                              TEXT_ARG(item->sku), (unsigned long long)item->version));
    json_key(w, "source");
    json_text(w, webhook->context->source);
    json_key(w, "subject");
    json_text(w, arena_format(arena, "%.*s/%.*s", TEXT_ARG(item->location), TEXT_ARG(item->sku)));
    json_key(w, "time");
    json_timestamp(w, item->changed_at_us);
    json_key(w, "datacontenttype");
    json_string(w, "application/json");
    json_key(w, "data");
    json_begin_object(w);
    json_key(w, "location");
    json_text(w, item->theirs);
    json_key(w, "sku");
    json_text(w, item->sku);
    json_key(w, "on_hand");
    json_quantity(w, item->on_hand_milli);
    json_key(w, "reserved");
    json_quantity(w, item->reserved_milli);
    json_key(w, "available");
    json_quantity(w, item->quantity_milli);
    json_key(w, "version");
    json_uint(w, item->version);
    json_end_object(w);
    json_end_object(w);
}

/* ---- the signature ---- */

/* Of all configured secrets, read at each call, so that a rotated one needs no restart. */
static enum status sign(const struct config_channel *config, struct text key, int64_t now_s,
                        struct text body, struct buffer *signature, struct error *error) {
    struct buffer all = {0}, one = {0};
    struct webhook_secrets secrets = {0};
    enum status status = STATUS_OK;
    buffer_reserve(&all, (size_t)CONFIG_SECRET_MAX); /* no copy is left behind by growing */
    for (size_t i = 0; i < config->secrets.count && status == STATUS_OK; i++) {
        status = config_secret(&config->secrets.items[i], &one, error);
        if (status == STATUS_OK && all.length + one.length + 1 < CONFIG_SECRET_MAX) {
            buffer_append_text(&all, buffer_text(&one));
            buffer_append_string(&all, " ");
        }
        config_secret_wipe(&one);
    }
    if (status == STATUS_OK) {
        status = webhook_secrets_parse(buffer_text(&all), &secrets, error);
    }
    if (status == STATUS_OK) {
        webhook_sign(&secrets, key, now_s, body, signature);
    }
    webhook_secrets_wipe(&secrets);
    config_secret_wipe(&all);
    return status;
}

/* ---- the call ---- */

static void post(struct webhook *webhook, struct channel_batch *batch, struct text body,
                 struct text signature, struct channel_call *call) {
    char timestamp[U64_TEXT_SIZE];
    int64_t now_s = batch->now_us / US_PER_SECOND;
    size_t length = text_format_u64((uint64_t)now_s, timestamp);
    const struct http_header headers[] = {
        {TEXT("content-type"), TEXT("application/cloudevents-batch+json; charset=utf-8")},
        {TEXT("user-agent"), text_from(webhook->context->user_agent_instance)},
        {TEXT("webhook-id"), text_from(batch->key)},
        {TEXT("webhook-timestamp"), {timestamp, length}},
        {TEXT("webhook-signature"), signature},
    };
    struct http_request request = {.method = "POST",
                                   .path = webhook->path,
                                   .headers = headers,
                                   .header_count = sizeof(headers) / sizeof(headers[0]),
                                   .body = body};
    struct http_answer answer;
    request.header_count -= signature.length == 0;
    if (!channel_http_send(webhook->client, webhook->context, &request, false, batch->arena,
                           &answer, call)) {
        return;
    }
    if (answer.code >= 400) {
        /* What is at fault in the body is found by halving; all else is about the address. */
        struct text words = channel_words(batch->arena, answer.body, 160);
        bool body_at_fault = answer.code == 400 || answer.code == 413 || answer.code == 422;
        call->verdict = body_at_fault ? CHANNEL_CALL_REFUSED : CHANNEL_CALL_NOT_SENT;
        (void)snprintf(call->words, sizeof(call->words), "%d: %.*s", answer.code, TEXT_ARG(words));
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        batch->items[i].outcome = CHANNEL_CONFIRMED;
    }
}

static void webhook_send(void *state, struct channel_batch *batch, struct channel_call *call) {
    struct webhook *webhook = state;
    const struct config_channel *config = webhook->context->config;
    struct buffer body = {0}, signature = {0};
    struct json_writer w = {.out = &body};
    struct error error = {0};
    json_begin_array(&w);
    for (size_t i = 0; i < batch->count; i++) {
        write_event(&w, webhook, &batch->items[i], batch->arena);
    }
    json_end_array(&w);
    enum status status = STATUS_OK;
    if (config->secrets.count > 0) {
        status = sign(config, text_from(batch->key), batch->now_us / US_PER_SECOND,
                      buffer_text(&body), &signature, &error);
    }
    if (status == STATUS_OK) {
        post(webhook, batch, buffer_text(&body), buffer_text(&signature), call);
    } else {
        call->verdict = CHANNEL_CALL_UNAUTHORIZED;
        (void)snprintf(call->words, sizeof(call->words), "secret: %s", error.detail);
    }
    buffer_deinit(&body);
    buffer_deinit(&signature);
}

const struct channel_platform channel_platform_webhook = {
    .name = "webhook",
    .batch_max = EVENTS_MAX,
    .tells_each_change = true,
    .open = webhook_open,
    .close = webhook_close,
    .send = webhook_send,
};
