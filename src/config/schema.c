/* Every key of the configuration: where it goes, what it may be, and what applies without it. */
#include "config/schema_internal.h"

#include "schedule/duration.h"

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])
#define SECONDS(n) (INT64_C(n) * 1000000)
#define DAYS(n) (INT64_C(n) * 86400 * 1000000)
#define BIT(n) (UINT32_C(1) << (n))

/* A row with nothing special about it. */
#define PLAIN(name, how, where, default_text)                                                      \
    { .key = (name), .kind = (how), .offset = (where), .fallback = (default_text) }

_Static_assert(sizeof(enum config_log) == sizeof(int), "choices are stored as int");

static const char *const unknown_words[] = {"create", "ignore", "reject", NULL};
static const char *const log_words[] = {"text", "json", NULL};
static const char *const level_words[] = {"debug", "info", "warn", "error", NULL};
static const char *const mode_words[] = {"full", "partial", NULL};
static const char *const absent_words[] = {"keep", "zero", NULL};
static const char *const quantity_words[] = {"on_hand", "available", NULL};
static const char *const format_words[] = {"auto", "csv", "ndjson", "json", "xml", NULL};
static const char *const after_words[] = {"archive", "delete", "keep", NULL};
static const char *const claim_words[] = {"none", "rename", NULL};
static const char *const manifest_words[] = {"optional", "required", NULL};
static const char *const publish_words[] = {"all", "only", NULL};
static const char *const as_of_check_words[] = {"off", "warn", "hold", NULL};
static const char *const login_words[] = {"classic", "token", NULL};
static const char *const seat_words[] = {"demanded", "always", "never", NULL};
static const char *const numbers_words[] = {"register", "store", NULL};
static const char *const source_words[] = {"prism", NULL};
static const char *const channel_words[] = {"shopify",     "hotwax",  "magento", "woocommerce",
                                            "bigcommerce", "webhook", "file",    NULL};
static const char *const file_mode_words[] = {"changes", "all", NULL};

/* ---- guards ---- */

#define PERCENT(name, default_text, highest)                                                       \
    {                                                                                              \
        .key = #name, .kind = SETTING_INT, .offset = offsetof(struct config_guards, name),         \
        .fallback = default_text, .least = 0, .most = (highest), .unit = 1                         \
    }
#define SWITCH(name)                                                                               \
    {                                                                                              \
        .key = #name, .kind = SETTING_BOOL, .offset = offsetof(struct config_guards, name),        \
        .fallback = "true"                                                                         \
    }

static const struct setting guard_rows[] = {
    SWITCH(enabled),
    PERCENT(min_rows_percent, "80", 100),
    PERCENT(max_zeroed_percent, "10", 100),
    PERCENT(min_units_percent, "50", 100),
    PERCENT(max_units_percent, "200", 1000000),
    PERCENT(max_unreadable_percent, "1", 100),
    SWITCH(missing_locations),
    SWITCH(future_as_of),
    SWITCH(manifest),
    SWITCH(cut_off),
    SWITCH(trailer),
    {"as_of_check", SETTING_CHOICE, offsetof(struct config_guards, as_of_check), "warn",
     .choices = as_of_check_words},
    {"as_of_distance", SETTING_DURATION, offsetof(struct config_guards, as_of_distance_us), "10m",
     .least = 0, .most = DAYS(1)},
};

const struct schema schema_guards = {
    "guards",
    ROWS(guard_rows),
    sizeof(struct config_guards),
    NO_OFFSET,
    offsetof(struct config_guards, named),
    NO_OFFSET,
    NULL,
};

/* ---- small blocks ---- */

static const struct setting csv_rows[] = {
    PLAIN("decimal_comma", SETTING_BOOL, offsetof(struct config_csv, decimal_comma), "false"),
    PLAIN("delimiter", SETTING_DELIMITER, offsetof(struct config_csv, delimiter), "auto"),
    PLAIN("trailer", SETTING_TRAILER, offsetof(struct config_csv, trailer), "auto"),
};
static const struct schema schema_csv = {
    "csv", ROWS(csv_rows), sizeof(struct config_csv), NO_OFFSET, NO_OFFSET, NO_OFFSET, NULL,
};

static const struct setting limit_rows[] = {
    {"body_mb", SETTING_INT, offsetof(struct config_limits, body_bytes), "64", .least = 1,
     .most = 1 << 20, .unit = 1 << 20},
    {"connections", SETTING_INT, offsetof(struct config_limits, connections), "4096", .least = 1,
     .most = 1000000, .unit = 1},
    {"header_kb", SETTING_INT, offsetof(struct config_limits, header_bytes), "32", .least = 1,
     .most = 1024, .unit = 1024},
    {"request_timeout", SETTING_DURATION, offsetof(struct config_limits, request_timeout_us), "60s",
     .least = SECONDS(1), .most = DAYS(1)},
    {"reset_mb", SETTING_INT, offsetof(struct config_limits, reset_bytes), "256", .least = 0,
     .most = 1 << 20, .unit = 1 << 20},
};
static const struct schema schema_limits = {
    "limits", ROWS(limit_rows), sizeof(struct config_limits), NO_OFFSET, NO_OFFSET, NO_OFFSET, NULL,
};

/* ---- locations ---- */

static void prepare_location(const struct config *config, void *item) {
    ((struct config_location *)item)->timezone = config->timezone;
}

#define AT(field) offsetof(struct config_location, field)
static const struct setting location_rows[] = {
    {"code", SETTING_TEXT, AT(code), NULL, .needed = NEEDED},
    PLAIN("name", SETTING_TEXT, AT(name), NULL),
    PLAIN("aliases", SETTING_TEXTS, AT(aliases), NULL),
    PLAIN("timezone", SETTING_ZONE, AT(timezone), NULL),
    PLAIN("sell_online", SETTING_BOOL, AT(sell_online), "true"),
    PLAIN("safety_stock", SETTING_QUANTITY, AT(safety_stock_milli), "0"),
    {"guards", SETTING_BLOCK, AT(guards), NULL, .table = &schema_guards},
};
const struct schema schema_location = {
    "location", ROWS(location_rows), sizeof(struct config_location), NO_OFFSET, NO_OFFSET,
    AT(line),   prepare_location,
};
#undef AT

/* ---- sources ---- */

static void prepare_source(const struct config *config, void *item) {
    ((struct config_source *)item)->timezone = config->timezone;
}

#define AT(field) offsetof(struct config_source, field)
static const struct setting source_rows[] = {
    {"name", SETTING_NAME, AT(name), NULL, .needed = NEEDED},
    {"type", SETTING_CHOICE, AT(type), NULL, .needed = NEEDED, .choices = source_words},
    {"url", SETTING_HTTP_URL, AT(url), NULL, .needed = NEEDED},
    PLAIN("user", SETTING_TEXT, AT(user), NULL),
    PLAIN("password", SETTING_SECRET, AT(password), NULL),
    {"login", SETTING_CHOICE, AT(login), "classic", .choices = login_words},
    {"seat", SETTING_CHOICE, AT(seat), "demanded", .choices = seat_words},
    PLAIN("workstation", SETTING_NAME, AT(workstation), "webclient"),
    PLAIN("ca", SETTING_TEXT, AT(ca), NULL),
    {"timeout", SETTING_DURATION, AT(timeout_us), "60s", .least = SECONDS(1), .most = DAYS(1)},
    {"lookback", SETTING_DURATION, AT(lookback_us), "1d", .least = 0, .most = DAYS(60)},
    {"page_size", SETTING_INT, AT(page_size), "500", .least = 1, .most = 10000, .unit = 1},
    {"poll", SETTING_DURATION, AT(poll_us), "15s", .least = SECONDS(1), .most = DAYS(1)},
    {"overlap", SETTING_DURATION, AT(overlap_us), "10m", .least = 0, .most = DAYS(60)},
    PLAIN("stores", SETTING_PAIRS, AT(stores), NULL),
    PLAIN("web_order_field", SETTING_NAME, AT(web_order_field), "order_tracking_number"),
    PLAIN("origins", SETTING_TEXTS, AT(origins), NULL),
    {"numbers", SETTING_CHOICE, AT(numbers), "register", .choices = numbers_words},
    PLAIN("opening", SETTING_TEXT, AT(opening), NULL),
    {"silent_after", SETTING_DURATION, AT(silent_after_us), "1h", .least = SECONDS(60),
     .most = DAYS(7)},
    PLAIN("snapshot", SETTING_CRON, AT(snapshot), NULL),
    PLAIN("timezone", SETTING_ZONE, AT(timezone), NULL),
    PLAIN("namespace", SETTING_NAME, AT(name_space), NULL),
};
const struct schema schema_source = {
    "source", ROWS(source_rows), sizeof(struct config_source), AT(type), NO_OFFSET,
    AT(line), prepare_source,
};
#undef AT

/* ---- feeds ---- */

static void prepare_feed(const struct config *config, void *item) {
    struct config_feed *feed = item;
    feed->timezone = config->timezone;
    feed->csv = config->csv;
}

#define AT(field) offsetof(struct config_feed, field)
static const struct setting feed_rows[] = {
    {"name", SETTING_NAME, AT(name), NULL, .needed = NEEDED},
    {"url", SETTING_FEED_URL, AT(url), NULL, .needed = NEEDED},
    PLAIN("user", SETTING_TEXT, AT(user), NULL),
    PLAIN("identity", SETTING_SECRET, AT(identity), NULL),
    PLAIN("password", SETTING_SECRET, AT(password), NULL),
    PLAIN("known_hosts", SETTING_TEXT, AT(known_hosts), NULL),
    PLAIN("pattern", SETTING_TEXT, AT(pattern), "*"),
    PLAIN("schedule", SETTING_CRON, AT(schedule), NULL),
    PLAIN("every", SETTING_EVERY, AT(schedule), NULL),
    PLAIN("source", SETTING_NAME, AT(source), NULL),
    {"mode", SETTING_CHOICE, AT(mode), "full", .choices = mode_words},
    {"absent", SETTING_CHOICE, AT(absent), "keep", .choices = absent_words},
    {"quantity", SETTING_CHOICE, AT(quantity), "on_hand", .choices = quantity_words},
    {"format", SETTING_CHOICE, AT(format), "auto", .choices = format_words},
    PLAIN("as_of", SETTING_AS_OF, AT(as_of), "auto"),
    PLAIN("columns", SETTING_PAIRS, AT(columns), NULL),
    {"after", SETTING_CHOICE, AT(after), "archive", .choices = after_words},
    {"claim", SETTING_CHOICE, AT(claim), "none", .choices = claim_words},
    {"claim_timeout", SETTING_DURATION, AT(claim_timeout_us), "1h", .least = SECONDS(1),
     .most = DAYS(7)},
    {"manifest", SETTING_CHOICE, AT(manifest), "optional", .choices = manifest_words},
    PLAIN("decimal_comma", SETTING_BOOL, AT(csv.decimal_comma), NULL),
    PLAIN("delimiter", SETTING_DELIMITER, AT(csv.delimiter), NULL),
    PLAIN("trailer", SETTING_TRAILER, AT(csv.trailer), NULL),
    {"late_after", SETTING_DURATION, AT(late_after_us), "0s", .least = 0, .most = DAYS(366)},
    {"stable_for", SETTING_DURATION, AT(stable_for_us), "2s", .least = 0, .most = DAYS(1)},
    PLAIN("namespace", SETTING_NAME, AT(name_space), NULL),
    {"publish", SETTING_CHOICE, AT(publish), "all", .choices = publish_words},
    {"export_duration", SETTING_DURATION, AT(export_duration_us), "0s", .least = 0,
     .most = DAYS(1)},
    PLAIN("location", SETTING_TEXT, AT(location), NULL),
    PLAIN("locations", SETTING_TEXTS, AT(locations), NULL),
    PLAIN("timezone", SETTING_ZONE, AT(timezone), NULL),
    {"guards", SETTING_BLOCK, AT(guards), NULL, .table = &schema_guards},
};
const struct schema schema_feed = {
    "feed",   ROWS(feed_rows), sizeof(struct config_feed), NO_OFFSET, NO_OFFSET,
    AT(line), prepare_feed,
};
#undef AT

/* ---- channels ---- */

#define SHOPIFY BIT(CONFIG_CHANNEL_SHOPIFY)
#define HOTWAX BIT(CONFIG_CHANNEL_HOTWAX)
#define MAGENTO BIT(CONFIG_CHANNEL_MAGENTO)
#define WOOCOMMERCE BIT(CONFIG_CHANNEL_WOOCOMMERCE)
#define BIGCOMMERCE BIT(CONFIG_CHANNEL_BIGCOMMERCE)
#define WEBHOOK BIT(CONFIG_CHANNEL_WEBHOOK)
#define DROP BIT(CONFIG_CHANNEL_FILE)
#define WITH_TOKEN (SHOPIFY | HOTWAX | MAGENTO | BIGCOMMERCE)
#define SHOPS (WITH_TOKEN | WOOCOMMERCE)

static void prepare_channel(const struct config *config, void *item) {
    (void)config;
    ((struct config_channel *)item)->cap_milli = CONFIG_NO_CAP;
}

#define AT(field) offsetof(struct config_channel, field)
static const struct setting channel_rows[] = {
    {"name", SETTING_NAME, AT(name), NULL, .needed = NEEDED},
    {"type", SETTING_CHOICE, AT(type), NULL, .needed = NEEDED, .choices = channel_words},
    {"url", SETTING_TEXT, AT(url), NULL, .needed = NEEDED},
    {"token", SETTING_SECRET, AT(token), NULL, .only = WITH_TOKEN, .needed = MAGENTO | BIGCOMMERCE},
    {"key", SETTING_SECRET, AT(key), NULL, .only = WOOCOMMERCE | MAGENTO | SHOPIFY,
     .needed = WOOCOMMERCE},
    {"secret", SETTING_SECRETS, AT(secrets), NULL, .only = SHOPS | WEBHOOK, .needed = WOOCOMMERCE},
    {"webhook_secret", SETTING_SECRETS, AT(webhook_secrets), NULL, .only = SHOPIFY | WOOCOMMERCE},
    {"token_secret", SETTING_SECRET, AT(token_secret), NULL, .only = MAGENTO},
    {"store", SETTING_NAME, AT(store), "all", .only = MAGENTO},
    {"batch", SETTING_INT, AT(batch_items), NULL, .only = SHOPS | WEBHOOK, .least = 1, .most = 2000,
     .unit = 1},
    {"settle", SETTING_DURATION, AT(settle_us), "10s", .only = MAGENTO | BIGCOMMERCE | HOTWAX,
     .least = 0, .most = SECONDS(600)},
    {"locations", SETTING_PLACES, AT(locations), NULL, .needed = WITH_TOKEN},
    {"orders_location", SETTING_TEXT, AT(orders_location), NULL, .only = SHOPS | WEBHOOK},
    PLAIN("threshold", SETTING_QUANTITY, AT(threshold_milli), "0"),
    {"share", SETTING_INT, AT(share_percent), "100", .least = 0, .most = 100, .unit = 1},
    PLAIN("cap", SETTING_QUANTITY, AT(cap_milli), NULL),
    PLAIN("increases", SETTING_INCREASES, AT(increases), "now"),
    {"audit", SETTING_CRON, AT(audit), NULL, .only = SHOPS},
    {"audit_mend", SETTING_BOOL, AT(audit_mend), "true", .only = SHOPS},
    {"id_type", SETTING_NAME, AT(id_type), "SKU", .only = HOTWAX},
    {"bin", SETTING_TEXT, AT(bin), "TLTLTLLL01", .only = HOTWAX},
    {"reason", SETTING_NAME, AT(reason), "VAR_MANUAL", .only = HOTWAX},
    {"upload", SETTING_NAME, AT(upload), NULL, .only = HOTWAX},
    {"allow_private", SETTING_BOOL, AT(allow_private), "false", .only = SHOPS | WEBHOOK},
    {"ca_file", SETTING_TEXT, AT(ca_file), NULL, .only = SHOPS | WEBHOOK},
    {"format", SETTING_CHOICE, AT(format), "csv", .only = DROP, .choices = format_words},
    {"every", SETTING_DURATION, AT(every_us), "15m", .only = DROP, .least = SECONDS(1),
     .most = DAYS(366)},
    {"mode", SETTING_CHOICE, AT(mode), "changes", .only = DROP, .choices = file_mode_words},
    {"user", SETTING_TEXT, AT(user), NULL, .only = DROP | HOTWAX},
    {"identity", SETTING_SECRET, AT(identity), NULL, .only = DROP},
    {"password", SETTING_SECRET, AT(password), NULL, .only = DROP | HOTWAX},
    {"known_hosts", SETTING_TEXT, AT(known_hosts), NULL, .only = DROP},
};
const struct schema schema_channel = {
    "channel", ROWS(channel_rows), sizeof(struct config_channel), AT(type), NO_OFFSET,
    AT(line),  prepare_channel,
};
#undef AT

/* ---- who is notified ---- */

#define AT(field) offsetof(struct config_notify, field)
static const struct setting notify_rows[] = {
    {"url", SETTING_HTTP_URL, AT(url), NULL, .needed = NEEDED},
    {"secret", SETTING_SECRET, AT(secret), NULL, .needed = NEEDED},
    PLAIN("events", SETTING_TEXTS, AT(event_words), NULL),
    PLAIN("name", SETTING_NAME, AT(name), NULL),
    PLAIN("allow_private", SETTING_BOOL, AT(allow_private), "false"),
    PLAIN("ca_file", SETTING_TEXT, AT(ca_file), NULL),
};
const struct schema schema_notify = {
    "notify", ROWS(notify_rows), sizeof(struct config_notify), NO_OFFSET, NO_OFFSET, AT(line), NULL,
};
#undef AT

/* ---- the whole: what others inherit comes before them ---- */

#define AT(field) offsetof(struct config, field)
static const struct setting config_rows[] = {
    PLAIN("listen", SETTING_LISTEN, 0, "127.0.0.1:8484"),
    PLAIN("data", SETTING_TEXT, AT(data), "./onhand-data"),
    PLAIN("store", SETTING_STORE, 0, "sqlite"),
    PLAIN("hub", SETTING_NAME, AT(hub), NULL),
    {"lease", SETTING_DURATION, AT(lease_us), "15s", .least = 2 * US_PER_SECOND,
     .most = 300 * US_PER_SECOND},
    PLAIN("timezone", SETTING_ZONE, AT(timezone), "UTC"),
    {"unknown_products", SETTING_CHOICE, AT(unknown_products), "create", .choices = unknown_words},
    {"unknown_locations", SETTING_CHOICE, AT(unknown_locations), "create",
     .choices = unknown_words},
    PLAIN("id_types", SETTING_PAIRS, AT(id_types), NULL),
    PLAIN("namespaces", SETTING_PAIRS, AT(namespaces), NULL),
    {"dedup_window", SETTING_DURATION, AT(dedup_window_us), "35d", .least = DAYS(1),
     .most = DAYS(3660)},
    {"csv", SETTING_BLOCK, AT(csv), NULL, .table = &schema_csv},
    {"limits", SETTING_BLOCK, AT(limits), NULL, .table = &schema_limits},
    {"guards", SETTING_BLOCK, AT(guards), NULL, .table = &schema_guards},
    {"approvals", SETTING_INT, AT(approvals), "1", .least = 1, .most = 9, .unit = 1},
    {"log", SETTING_CHOICE, AT(log), "text", .choices = log_words},
    {"log_level", SETTING_CHOICE, AT(log_level), "info", .choices = level_words},
    {"locations", SETTING_LIST, AT(locations), NULL, .table = &schema_location,
     .count_offset = AT(location_count)},
    {"sources", SETTING_LIST, AT(sources), NULL, .table = &schema_source,
     .count_offset = AT(source_count)},
    {"feeds", SETTING_LIST, AT(feeds), NULL, .table = &schema_feed, .count_offset = AT(feed_count)},
    {"channels", SETTING_LIST, AT(channels), NULL, .table = &schema_channel,
     .count_offset = AT(channel_count)},
    {"notify", SETTING_LIST, AT(notify), NULL, .table = &schema_notify,
     .count_offset = AT(notify_count)},
};
const struct schema schema_config = {
    "configuration",
    ROWS(config_rows),
    sizeof(struct config),
    NO_OFFSET,
    NO_OFFSET,
    NO_OFFSET,
    NULL,
};
#undef AT

size_t schema_index(const struct schema *schema, const char *key) {
    size_t i = 0;
    while (i < schema->count && strcmp(schema->rows[i].key, key) != 0) {
        i++;
    }
    require(i < schema->count);
    return i;
}
