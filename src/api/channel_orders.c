/* Online orders over HTTP: a platform's own webhooks, known by their signature (of orders, and of
 * figures that changed there), and orders in a form of our own, from whoever has a token that may
 * adjust. */
#include "api/api_internal.h"
#include "base/log.h"
#include "channel/orders.h"

/* NULL: none of this name. */
static const struct config_channel *channel_named(const struct request *r) {
    const struct config *config = r->api->config;
    for (size_t i = 0; i < config->channel_count; i++) {
        if (text_equal(config->channels[i].name, r->params[0])) {
            return &config->channels[i];
        }
    }
    return NULL;
}

static void answer_status(struct request *r, const char *word) {
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "status");
    json_string(&w, word);
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}

/* False: the request is refused, or not all of it was booked. */
static bool take(struct request *r, const struct orders_message *message,
                 const struct access *access) {
    struct orders orders;
    struct error error = {0};
    struct json_writer w = answer_writer(r);
    enum status status = orders_read(message, &r->arena, &orders, &error);
    if (status == STATUS_END) {
        answer_status(r, "ignored");
        return true;
    }
    json_begin_object(&w);
    if (status == STATUS_OK) {
        json_key(&w, "status");
        json_string(&w, "taken");
        status = orders_take(r->api->hub, access, message->config, &orders, r->number, &r->arena,
                             &w, &error);
    }
    if (status != STATUS_OK) {
        log_warn("an online order was not taken", "channel=%.*s request=%llu topic=%s error=%s",
                 TEXT_ARG(message->config->name), (unsigned long long)r->number,
                 log_quote(message->topic), log_quote(text_from(error.detail)));
        error.status = status;
        problem_from(r, &error);
        return false;
    }
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
    return orders.rejected == 0;
}

/* ---- in a form of our own ---- */

void handle_channel_orders(struct request *r) {
    const struct config_channel *config = channel_named(r);
    if (config == NULL) {
        problem(r, STATUS_NOT_FOUND, "", "no channel is called '%.*s'",
                r->params[0].length > 200 ? 200 : (int)r->params[0].length, r->params[0].data);
        return;
    }
    struct orders_message message = {.config = config, .body = buffer_text(&r->body)};
    (void)take(r, &message, request_access(r));
}

/* ---- a platform's own ---- */

struct webhook_head {
    struct text topic, signature, id;
};

static struct text header_of(struct request *r, const char *name) {
    const char *value = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
    return arena_copy(&r->arena, text_from(value));
}

bool channel_webhook_begin(struct request *r) {
    const struct config_channel *config = channel_named(r);
    bool is_woo = config != NULL && config->type == CONFIG_CHANNEL_WOOCOMMERCE;
    if (!is_woo && (config == NULL || config->type != CONFIG_CHANNEL_SHOPIFY)) {
        problem(r, STATUS_NOT_FOUND, "", "no channel of this name takes webhooks");
        return false;
    }
    struct webhook_head *head = arena_alloc_zero(&r->arena, sizeof *head);
    head->topic = header_of(r, is_woo ? "X-WC-Webhook-Topic" : "X-Shopify-Topic");
    head->signature = header_of(r, is_woo ? "X-WC-Webhook-Signature" : "X-Shopify-Hmac-SHA256");
    head->id = header_of(r, is_woo ? "X-WC-Webhook-Delivery-ID" : "X-Shopify-Webhook-Id");
    r->state = head;
    return true;
}

size_t channel_webhook_receive(struct request *r, const char *data, size_t length) {
    if (r->body.length <= (size_t)r->api->config->limits.body_bytes) {
        buffer_append(&r->body, data, length);
    }
    return length;
}

/* False: there is reason to take it again. */
static bool take_webhook(struct request *r, const struct orders_message *message) {
    const struct config_channel *config = message->config;
    struct channels *channels = r->api->options.channels;
    struct publisher *publisher = channels != NULL ? channels_find(channels, config->name) : NULL;
    struct error error = {0};
    bool is_read = false;
    enum status status =
        publisher != NULL
            ? publisher_hint(publisher, message->topic, message->body, &r->arena, &is_read, &error)
            : STATUS_END;
    if (status == STATUS_END) {
        struct access access = {.scopes = SCOPE_ADJUST, .name = config->name};
        return take(r, message, &access);
    }
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
        return false;
    }
    answer_status(r, is_read ? "read" : "ignored");
    return true;
}

void handle_channel_webhook(struct request *r) {
    const struct config_channel *config = channel_named(r);
    const struct webhook_head *head = r->state;
    struct error error = {0};
    require(config != NULL && head != NULL);
    if (r->body.length > (size_t)r->api->config->limits.body_bytes) {
        problem(r, STATUS_TOO_LARGE, "", "larger than limits.body_mb");
        return;
    }
    enum status status = orders_check(config, buffer_text(&r->body), head->signature, &error);
    if (status != STATUS_OK) {
        log_warn("a webhook was refused", "channel=%.*s request=%llu error=%s",
                 TEXT_ARG(config->name), (unsigned long long)r->number,
                 log_quote(text_from(error.detail)));
        problem(r, STATUS_UNAUTHORIZED, "", "%s", error.detail);
        return;
    }
    struct channels *channels = r->api->options.channels;
    struct delivery delivery = {config->name, head->id, head->signature};
    if (channels != NULL && deliveries_know(channels_deliveries(channels), &delivery)) {
        answer_status(r, "repeated");
        return;
    }
    struct orders_message message = {config, head->topic, buffer_text(&r->body)};
    if (message.topic.length == 0) {
        message.topic = TEXT("?"); /* the shop tries whether we are there */
    }
    if (message.body.length > 0 && message.body.data[0] != '{' &&
        config->type == CONFIG_CHANNEL_WOOCOMMERCE) {
        message.body = TEXT("{}"); /* webhook_id=1: the same, of a shop of the other kind */
        message.topic = TEXT("?");
    }
    if (take_webhook(r, &message) && channels != NULL) {
        deliveries_add(channels_deliveries(channels), &delivery);
    }
}
