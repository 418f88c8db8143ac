/* What a single key cannot tell: names that must differ, keys that exclude or need each other. */
#include "config/read_internal.h"

#include <stdlib.h>

#include "base/intern.h"
#include "schedule/opening.h"

static bool is_named(const struct schema *schema, uint64_t named, const char *key) {
    return named >> schema_index(schema, key) & 1;
}

/* A mistake at the key's value where it is there, else at the block. */
static void __attribute__((format(printf, 4, 5)))
mistake_at(struct reading *reading, const yaml_node_t *block, const char *key, const char *format,
           ...) {
    const yaml_node_t *at = block;
    const yaml_node_pair_t *pair = block->data.mapping.pairs.start;
    for (; pair < block->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = yaml_document_get_node(reading->document, pair->key);
        if (name->type == YAML_SCALAR_NODE && text_equal_string(node_text(name), key)) {
            at = yaml_document_get_node(reading->document, pair->value);
            break;
        }
    }
    size_t before = reading_enter(reading, text_from(key));
    va_list arguments;
    va_start(arguments, format);
    reading_mistake_list(reading, at, format, arguments);
    va_end(arguments);
    reading_leave(reading, before);
}

/* ---- feeds ---- */

static void check_sftp(struct reading *reading, const struct schema *schema,
                       const yaml_node_t *node, uint64_t named, const struct config_feed *feed) {
    static const char *const only_sftp[] = {"user", "identity", "password", "known_hosts"};
    bool is_sftp = url_has_scheme(feed->url);
    for (size_t i = 0; i < sizeof only_sftp / sizeof only_sftp[0] && !is_sftp; i++) {
        if (is_named(schema, named, only_sftp[i])) {
            mistake_at(reading, node, only_sftp[i], "only for sftp:, and url is a directory");
        }
    }
    if (is_sftp && !is_named(schema, named, "identity") && !is_named(schema, named, "password")) {
        mistake_at(reading, node, "url", "sftp: needs an identity (a private key) or a password");
    }
}

static void check_feed(struct reading *reading, const struct schema *schema,
                       const yaml_node_t *node, uint64_t named, struct config_feed *feed) {
    if (is_named(schema, named, "schedule") && is_named(schema, named, "every")) {
        mistake_at(reading, node, "every", "either schedule or every, not both");
    }
    if (is_named(schema, named, "location") && is_named(schema, named, "locations")) {
        mistake_at(reading, node, "locations", "either location or locations, not both");
    }
    if (feed->claim == CONFIG_CLAIM_RENAME && feed->after == CONFIG_AFTER_KEEP) {
        mistake_at(reading, node, "claim", "rename needs after: archive or delete");
    }
    if (feed->as_of.kind == CONFIG_AS_OF_INFER && feed->quantity == CONFIG_QUANTITY_AVAILABLE) {
        mistake_at(reading, node, "as_of",
                   "infer cannot go by figures of what is available: what was reserved depends on "
                   "as_of; say name:, column:, manifest, mtime or auto");
    }
    if (feed->url.length > 0) {
        check_sftp(reading, schema, node, named, feed);
    }
    if (feed->source.length == 0) {
        feed->source = feed->name;
        feed->source_assumed = true;
    }
}

/* ---- channels ---- */

/* Signed requests need all four secrets; one alone is a mistake. */
static void check_magento(struct reading *reading, const yaml_node_t *node,
                          const struct config_channel *channel) {
    bool has_key = channel->key.kind != CONFIG_SECRET_NONE;
    bool has_secret = channel->secrets.count > 0;
    bool has_token_secret = channel->token_secret.kind != CONFIG_SECRET_NONE;
    if ((has_key || has_token_secret) && !(has_key && has_secret && has_token_secret)) {
        mistake_at(reading, node,
                   !has_key      ? "key"
                   : !has_secret ? "secret"
                                 : "token_secret",
                   "OAuth needs key, secret, token and token_secret; a token alone is sent as "
                   "Bearer");
    }
}

/* A token, or what one is fetched with. */
static void check_credentials(struct reading *reading, const struct schema *schema,
                              const yaml_node_t *node, uint64_t named,
                              const struct config_channel *channel) {
    bool is_shopify = channel->type == CONFIG_CHANNEL_SHOPIFY;
    const char *first = is_shopify ? "key" : "user", *second = is_shopify ? "secret" : "password";
    if (!is_shopify && channel->type != CONFIG_CHANNEL_HOTWAX) {
        return;
    }
    bool both = is_named(schema, named, first) && is_named(schema, named, second);
    if (!is_named(schema, named, "token") && !both) {
        mistake_at(reading, node, "token",
                   "this key is missing: it is needed for type %s, or %s and %s to fetch one with",
                   is_shopify ? "shopify" : "hotwax", first, second);
    }
}

/* Where online orders reserve: as configured, else the first location there is. */
static void check_orders_location(struct reading *reading, const yaml_node_t *node,
                                  struct config_channel *channel) {
    const struct config_pairs *locations = &channel->locations;
    bool is_one = channel->orders_location.length == 0 || locations->count == 0;
    if (channel->orders_location.length == 0 && locations->count > 0) {
        channel->orders_location = locations->items[0].name;
    }
    for (size_t i = 0; i < locations->count && !is_one; i++) {
        is_one = text_equal(locations->items[i].name, channel->orders_location);
    }
    if (!is_one) {
        mistake_at(reading, node, "orders_location", "'%s' is not among `locations`",
                   shown(reading, channel->orders_location));
    }
}

static void check_channel(struct reading *reading, const struct schema *schema,
                          const yaml_node_t *node, uint64_t named, struct config_channel *channel) {
    if (channel->secrets.count > 0) {
        channel->secret = channel->secrets.items[0];
    }
    if (channel->type == CONFIG_CHANNEL_MAGENTO) {
        check_magento(reading, node, channel);
    }
    check_credentials(reading, schema, node, named, channel);
    check_orders_location(reading, node, channel);
    if (channel->url.length == 0) {
        return;
    }
    const char *wrong = NULL;
    if (channel->type != CONFIG_CHANNEL_FILE) {
        wrong = url_check_http(channel->url);
    } else {
        wrong = url_check_feed(channel->url);
    }
    if (channel->type == CONFIG_CHANNEL_FILE && channel->format != CONFIG_FORMAT_CSV &&
        channel->format != CONFIG_FORMAT_AUTO) {
        mistake_at(reading, node, "format", "files are written as csv");
    }
    if (wrong != NULL) {
        mistake_at(reading, node, "url", "%s", wrong);
    }
}

static void check_source(struct reading *reading, const struct schema *schema,
                         const yaml_node_t *node, uint64_t named,
                         const struct config_source *source) {
    for (size_t i = 0; i < source->origins.count; i++) {
        const char *wrong = url_check_origin(source->origins.items[i]);
        if (wrong != NULL) {
            mistake_at(reading, node, "origins", "'%s': %s",
                       shown(reading, source->origins.items[i]), wrong);
        }
    }
    if (is_named(schema, named, "user") != is_named(schema, named, "password")) {
        mistake_at(reading, node, is_named(schema, named, "user") ? "user" : "password",
                   "user and password belong together");
    }
    struct opening opening;
    struct error error = {0};
    if (source->opening.length > 0 &&
        opening_parse(source->opening, &opening, &error) != STATUS_OK) {
        mistake_at(reading, node, "opening", "%s", error.detail);
    }
}

/* ---- who is notified ---- */

static const char *const notice_words[] = {"held",   "approval", "decided",   "done",
                                           "failed", "late",     "recovered", NULL};
_Static_assert(sizeof notice_words / sizeof notice_words[0] == CONFIG_NOTICE_COUNT + 1,
               "a word for every kind of notice");

#define NOTICES_BY_DEFAULT                                                                         \
    (1U << CONFIG_NOTICE_HELD | 1U << CONFIG_NOTICE_FAILED | 1U << CONFIG_NOTICE_LATE |            \
     1U << CONFIG_NOTICE_RECOVERED)

static uint32_t notice_bit(struct text word) {
    for (unsigned i = 0; i < CONFIG_NOTICE_COUNT; i++) {
        if (text_equal_string(word, notice_words[i])) {
            return 1U << i;
        }
    }
    return 0;
}

/* HOST of https://HOST:PORT/..., or ::1 of [::1]; the URL was found fine before. */
static struct text host_of(struct text url) {
    const char *slashes = url.length > 0 ? memmem(url.data, url.length, "://", 3) : NULL;
    if (slashes == NULL) {
        return (struct text){NULL, 0};
    }
    const char *begin = slashes + 3, *end = url.data + url.length;
    bool in_brackets = begin < end && *begin == '[';
    begin += in_brackets;
    size_t length = 0;
    while (begin + length < end &&
           memchr(in_brackets ? "]" : ":/?#", begin[length], in_brackets ? 1 : 4) == NULL) {
        length++;
    }
    return (struct text){begin, length};
}

static void check_notify(struct reading *reading, const yaml_node_t *node,
                         struct config_notify *notify) {
    for (size_t i = 0; i < notify->event_words.count; i++) {
        struct text word = notify->event_words.items[i];
        const char *near = nearest_word(notice_words, word);
        notify->events |= notice_bit(word);
        if (notice_bit(word) == 0) {
            mistake_at(reading, node, "events",
                       "'%s' is no kind of notice%s%s (held, approval, decided, done, failed, "
                       "late, recovered)",
                       shown(reading, word), near != NULL ? "; you mean " : "",
                       near != NULL ? near : "");
        }
    }
    if (notify->event_words.count == 0) {
        notify->events = NOTICES_BY_DEFAULT;
    }
    struct text host = host_of(notify->url);
    if (host.length > 0 && memchr(host.data, '@', host.length) != NULL) {
        mistake_at(reading, node, "url", "a user does not belong into the URL of a webhook");
    }
    if (notify->name.length == 0) {
        notify->name = arena_copy(&reading->config->arena, host);
    }
}

/* ---- names that must differ ---- */

static void unique_add(struct reading *reading, struct uniqueness *unique, struct text text,
                       const yaml_node_t *node, const char *key) {
    if (text.length == 0) {
        return; /* missing or wrong: reported already */
    }
    if (unique->known == NULL) {
        unique->known = intern_new();
    }
    uint32_t number = intern_find(unique->known, text);
    if (number != 0) {
        mistake_at(reading, node, key, "'%s' is taken already, on line %lu", shown(reading, text),
                   unique->lines[number]);
        return;
    }
    number = intern_add(unique->known, text);
    if (number >= unique->capacity) {
        unique->capacity = unique->capacity == 0 ? 64 : unique->capacity * 2;
        unique->lines = memory_grow(unique->lines, unique->capacity * sizeof *unique->lines);
    }
    require(number < unique->capacity);
    unique->lines[number] = node->start_mark.line + 1;
}

void uniqueness_deinit(struct uniqueness *unique) {
    if (unique->known != NULL) {
        intern_free(unique->known);
    }
    free(unique->lines);
}

void check_item(struct reading *reading, const struct schema *schema, const yaml_node_t *node,
                uint64_t named, void *item) {
    if (schema == &schema_location) {
        const struct config_location *location = item;
        unique_add(reading, &reading->locations, location->code, node, "code");
        for (size_t i = 0; i < location->aliases.count; i++) {
            unique_add(reading, &reading->locations, location->aliases.items[i], node, "aliases");
        }
    } else if (schema == &schema_source) {
        unique_add(reading, &reading->sources, ((struct config_source *)item)->name, node, "name");
        check_source(reading, schema, node, named, item);
    } else if (schema == &schema_feed) {
        unique_add(reading, &reading->feeds, ((struct config_feed *)item)->name, node, "name");
        check_feed(reading, schema, node, named, item);
    } else if (schema == &schema_channel) {
        unique_add(reading, &reading->channels, ((struct config_channel *)item)->name, node,
                   "name");
        if (is_named(schema, named, "type")) {
            check_channel(reading, schema, node, named, item);
        }
    } else if (schema == &schema_notify) {
        struct config_notify *notify = item;
        check_notify(reading, node, notify);
        unique_add(reading, &reading->notify, notify->name, node, "name");
    }
}
