/* What a configuration means: defaults, every key, inheritance, the example that is shipped. */
#include "unit/config/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "config/schema_internal.h"

#define S INT64_C(1000000)

static void check_defaults(const struct config *config) {
    assert_text(config->listen, "127.0.0.1:8484");
    assert_text(config->listen_host, "127.0.0.1");
    assert_int_equal(config->listen_port, 8484);
    assert_text(config->data, "./onhand-data");
    assert_int_equal(config->store, CONFIG_STORE_SQLITE);
    assert_text(config->timezone, "UTC");
    assert_int_equal(config->unknown_products, CONFIG_CREATE);
    assert_int_equal(config->unknown_locations, CONFIG_CREATE);
    assert_int_equal(config->dedup_window_us, 35 * 86400 * S);
    assert_false(config->csv.decimal_comma);
    assert_int_equal(config->csv.delimiter, 0);
    assert_int_equal(config->limits.body_bytes, 64 << 20);
    assert_int_equal(config->limits.header_bytes, 32 << 10);
    assert_int_equal(config->limits.connections, 4096);
    assert_int_equal(config->limits.request_timeout_us, 60 * S);
    assert_int_equal(config->log, CONFIG_LOG_TEXT);
    assert_int_equal(config->log_level, LOG_INFO);
    assert_int_equal(config->location_count + config->source_count + config->feed_count +
                         config->channel_count,
                     0);
    struct config_guards guards = config_guards_for(config, NULL, NULL);
    assert_true(guards.enabled && guards.missing_locations && guards.future_as_of &&
                guards.manifest && guards.cut_off && guards.trailer);
    assert_int_equal(guards.min_rows_percent, 80);
    assert_int_equal(guards.max_zeroed_percent, 10);
    assert_int_equal(guards.min_units_percent, 50);
    assert_int_equal(guards.max_units_percent, 200);
    assert_int_equal(guards.max_unreadable_percent, 1);
    assert_int_equal(guards.as_of_check, CONFIG_AS_OF_CHECK_WARN);
    assert_int_equal(guards.as_of_distance_us, 10 * 60 * S);
}

static void has_defaults_without_a_file(void **state) {
    (void)state;
    struct config *config = config_default();
    check_defaults(config);
    assert_int_equal(config->path.length, 0);
    config_free(config);
    config_free(NULL);
}

static void has_defaults_for_an_empty_file(void **state) {
    (void)state;
    static const char *const files[] = {"",
                                        "# nothing\n",
                                        "---\n",
                                        "{}",
                                        "feeds:\nlocations: []\n",
                                        "guards:\nlimits: ~\n",
                                        "\xef\xbb\xbf# with a BOM\n"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct config *config = load(files[i]);
        check_defaults(config);
        assert_text(config->path, "c.yaml");
        config_free(config);
    }
}

static void reads_the_top_level(void **state) {
    (void)state;
    struct config *config = load("listen: \"[::1]:80\"\n"
                                 "data: /var/lib/onhand\n"
                                 "store: postgresql://hub@db1,db2/onhand\n"
                                 "timezone: America/New_York\n"
                                 "unknown_products: reject\n"
                                 "unknown_locations: ignore\n"
                                 "dedup_window: 60d\n"
                                 "csv: {decimal_comma: true, delimiter: tab}\n"
                                 "limits: {body_mb: 1, connections: 2, header_kb: 3,\n"
                                 "  request_timeout: 4s}\n"
                                 "log: json\n"
                                 "log_level: error\n");
    assert_text(config->listen_host, "::1");
    assert_int_equal(config->listen_port, 80);
    assert_text(config->data, "/var/lib/onhand");
    assert_int_equal(config->store, CONFIG_STORE_POSTGRESQL);
    assert_text(config->store_url, "postgresql://hub@db1,db2/onhand");
    assert_text(config->timezone, "America/New_York");
    assert_int_equal(config->unknown_products, CONFIG_REJECT);
    assert_int_equal(config->unknown_locations, CONFIG_IGNORE);
    assert_int_equal(config->dedup_window_us, 60 * 86400 * S);
    assert_true(config->csv.decimal_comma);
    assert_int_equal(config->csv.delimiter, '\t');
    assert_int_equal(config->limits.body_bytes, 1 << 20);
    assert_int_equal(config->limits.connections, 2);
    assert_int_equal(config->limits.header_bytes, 3 << 10);
    assert_int_equal(config->limits.request_timeout_us, 4 * S);
    assert_int_equal(config->log, CONFIG_LOG_JSON);
    assert_int_equal(config->log_level, LOG_ERROR);
    config_free(config);
}

static void reads_locations(void **state) {
    (void)state;
    struct config *config = load("locations:\n"
                                 "  - {code: NY01, name: New York, aliases: [\"001\", 002],\n"
                                 "     sell_online: false, safety_stock: 1.5}\n"
                                 "  - code: 003\n"
                                 "    timezone: Asia/Kolkata\n"
                                 "timezone: Europe/Berlin\n");
    assert_int_equal(config->location_count, 2);
    const struct config_location *location = config->locations;
    assert_text(location->code, "NY01");
    assert_text(location->name, "New York");
    assert_int_equal(location->aliases.count, 2);
    assert_text(location->aliases.items[0], "001");
    assert_text(location->aliases.items[1], "002");
    assert_false(location->sell_online);
    assert_int_equal(location->safety_stock_milli, 1500);
    assert_text(location->timezone, "Europe/Berlin");
    assert_int_equal(location->line, 2);
    assert_text(location[1].code, "003");
    assert_true(location[1].sell_online);
    assert_text(location[1].timezone, "Asia/Kolkata");
    /* A list of locations is meant to be complete, unless it is said otherwise. */
    assert_int_equal(config->unknown_locations, CONFIG_REJECT);
    config_free(config);
    config = load("locations: [{code: A}]\nunknown_locations: create\n");
    assert_int_equal(config->unknown_locations, CONFIG_CREATE);
    config_free(config);
}

static void reads_feeds(void **state) {
    (void)state;
    struct config *config =
        load("feeds:\n"
             "  - name: daily\n"
             "    url: sftp://hub@files.example:22/out\n"
             "    identity: file:/etc/id\n"
             "    known_hosts: /etc/known_hosts\n"
             "    pattern: \"inv_*.csv\"\n"
             "    schedule: \"0 5 * * *\"\n"
             "    source: prism\n"
             "    mode: partial\n"
             "    absent: zero\n"
             "    quantity: available\n"
             "    format: csv\n"
             "    as_of: \"name:inv_%Y%m%d%H%M%S\"\n"
             "    columns: {location: STORE, upc: UPC}\n"
             "    after: delete\n"
             "    manifest: required\n"
             "    stable_for: 10s\n"
             "    locations: [A, B]\n"
             "  - {name: other, url: ./in, every: 15m, delimiter: \"|\", location: X}\n"
             "  - {name: bare, url: /in}\n"
             "csv: {decimal_comma: true, delimiter: \";\"}\n");
    const struct config_feed *feed = config->feeds;
    assert_int_equal(config->feed_count, 3);
    assert_int_equal(feed->identity.kind, CONFIG_SECRET_FILE);
    assert_text(feed->identity.name, "/etc/id");
    assert_int_equal(feed->password.kind, CONFIG_SECRET_NONE);
    assert_text(feed->known_hosts, "/etc/known_hosts");
    assert_text(feed->pattern, "inv_*.csv");
    assert_int_equal(feed->schedule.schedule.kind, SCHEDULE_CRON);
    assert_text(feed->schedule.text, "0 5 * * *");
    assert_text(feed->source, "prism");
    assert_int_equal(feed->mode, CONFIG_MODE_PARTIAL);
    assert_int_equal(feed->absent, CONFIG_ABSENT_ZERO);
    assert_int_equal(feed->quantity, CONFIG_QUANTITY_AVAILABLE);
    assert_int_equal(feed->format, CONFIG_FORMAT_CSV);
    assert_int_equal(feed->as_of.kind, CONFIG_AS_OF_NAME);
    assert_text(feed->as_of.argument, "inv_%Y%m%d%H%M%S");
    assert_int_equal(feed->columns.count, 2);
    assert_text(feed->columns.items[1].name, "upc");
    assert_text(feed->columns.items[1].value, "UPC");
    assert_int_equal(feed->after, CONFIG_AFTER_DELETE);
    assert_int_equal(feed->manifest, CONFIG_MANIFEST_REQUIRED);
    assert_int_equal(feed->stable_for_us, 10 * S);
    assert_int_equal(feed->locations.count, 2);
    assert_int_equal(feed->csv.delimiter, ';'); /* from the top level, wherever that stands */
    assert_true(feed->csv.decimal_comma);
    feed++;
    assert_int_equal(feed->schedule.schedule.kind, SCHEDULE_EVERY);
    assert_int_equal(feed->schedule.schedule.every_us, 900 * S);
    assert_int_equal(feed->csv.delimiter, '|');
    assert_true(feed->csv.decimal_comma);
    assert_text(feed->location, "X");
    feed++;
    assert_int_equal(feed->schedule.schedule.kind, SCHEDULE_MANUAL);
    assert_text(feed->source, "bare");
    assert_text(feed->pattern, "*");
    assert_int_equal(feed->mode, CONFIG_MODE_FULL);
    assert_int_equal(feed->absent, CONFIG_ABSENT_KEEP);
    assert_int_equal(feed->as_of.kind, CONFIG_AS_OF_AUTO);
    assert_int_equal(feed->after, CONFIG_AFTER_ARCHIVE);
    assert_int_equal(feed->manifest, CONFIG_MANIFEST_OPTIONAL);
    assert_int_equal(feed->stable_for_us, 2 * S);
    config_free(config);
}

static void reads_who_is_notified(void **state) {
    (void)state;
    struct config *config =
        load("notify:\n"
             "  - {url: \"https://Hooks.example:8443/x?y\", secret: env:A}\n"
             "  - {url: \"http://[::1]:80\", secret: file:/b, name: ops,\n"
             "     events: [late, done], allow_private: true, ca_file: ca.pem}\n"
             "  - {url: \"http://[::1]\", secret: env:A}\n");
    assert_int_equal(config->notify_count, 3);
    const struct config_notify *notify = config->notify;
    assert_text(notify[0].name, "Hooks.example");
    assert_int_equal(notify[0].events, 1U << CONFIG_NOTICE_HELD | 1U << CONFIG_NOTICE_FAILED |
                                           1U << CONFIG_NOTICE_LATE |
                                           1U << CONFIG_NOTICE_RECOVERED);
    assert_false(notify[0].allow_private);
    assert_text(notify[1].name, "ops");
    assert_int_equal(notify[1].events, 1U << CONFIG_NOTICE_LATE | 1U << CONFIG_NOTICE_DONE);
    assert_true(notify[1].allow_private);
    assert_text(notify[1].ca_file, "ca.pem");
    assert_text(notify[2].name, "::1");
    config_free(config);
}

static void reads_sources_and_channels(void **state) {
    (void)state;
    struct config *config = load(
        "sources:\n"
        "  - {name: prism, type: prism, url: \"https://p/\", user: hub, login: token,\n"
        "     password: \"env:PW\", poll: 5s, seat: always, ca: /etc/ca.pem, page_size: 50,\n"
        "     timeout: 20s, lookback: 2h, workstation: hub, stores: {\"013\": NY01}, "
        "snapshot: \"@daily\",\n"
        "     origins: [\"https://prism.example\", \"http://till:8080\"]}\n"
        "channels:\n"
        "  - {name: a, type: shopify, url: \"https://s\", token: \"env:T\",\n"
        "     locations: {NY01: \"gid://x\"}, threshold: 2, increases: confirmed}\n"
        "  - {name: b, type: woocommerce, url: \"http://w\", key: \"env:K\",\n"
        "     secret: \"file:/s\", locations: [NY01, BOS], increases: {after: 5m}}\n"
        "  - {name: c, type: file, url: ./out, mode: all, every: 1h,\n"
        "     increases: \"after: 1h\"}\n"
        "  - {name: d, type: webhook, url: \"https://w\", secret: [\"env:NEW\", \"file:/old\"],\n"
        "     share: 40, cap: 2.5, ca_file: ca.pem}\n");
    const struct config_source *source = config->sources;
    assert_int_equal(source->login, CONFIG_LOGIN_TOKEN);
    assert_int_equal(source->poll_us, 5 * S);
    assert_int_equal(source->overlap_us, 600 * S);
    assert_int_equal(source->seat, CONFIG_SEAT_ALWAYS);
    assert_text(source->ca, "/etc/ca.pem");
    assert_text(source->workstation, "hub");
    assert_int_equal(source->page_size, 50);
    assert_int_equal(source->timeout_us, 20 * S);
    assert_int_equal(source->lookback_us, 7200 * S);
    assert_text(source->stores.items[0].name, "013");
    assert_text(source->stores.items[0].value, "NY01");
    assert_text(source->web_order_field, "order_tracking_number");
    assert_int_equal(source->origins.count, 2);
    assert_text(source->origins.items[1], "http://till:8080");
    assert_int_equal(source->snapshot.schedule.kind, SCHEDULE_CRON);
    const struct config_channel *channel = config->channels;
    assert_int_equal(channel[0].type, CONFIG_CHANNEL_SHOPIFY);
    assert_int_equal(channel[0].threshold_milli, 2000);
    assert_int_equal(channel[0].increases.kind, CONFIG_INCREASES_CONFIRMED);
    assert_text(channel[0].locations.items[0].value, "gid://x");
    assert_int_equal(channel[0].audit.schedule.kind, SCHEDULE_MANUAL);
    assert_int_equal(channel[1].increases.kind, CONFIG_INCREASES_AFTER);
    assert_int_equal(channel[1].increases.after_us, 300 * S);
    assert_int_equal(channel[1].locations.count, 2);
    assert_text(channel[1].locations.items[1].name, "BOS");
    assert_int_equal(channel[1].locations.items[1].value.length, 0);
    assert_text(channel[1].secret.name, "/s");
    assert_int_equal(channel[2].mode, CONFIG_FILE_ALL);
    assert_int_equal(channel[2].format, CONFIG_FORMAT_CSV);
    assert_int_equal(channel[2].every_us, 3600 * S);
    assert_int_equal(channel[2].increases.after_us, 3600 * S);
    assert_int_equal(channel[2].share_percent, 100);
    assert_int_equal(channel[2].cap_milli, CONFIG_NO_CAP);
    assert_int_equal(channel[3].secrets.count, 2);
    assert_text(channel[3].secret.name, "NEW");
    assert_text(channel[3].secrets.items[1].name, "/old");
    assert_int_equal(channel[3].secrets.items[1].kind, CONFIG_SECRET_FILE);
    assert_int_equal(channel[3].share_percent, 40);
    assert_int_equal(channel[3].cap_milli, 2500);
    assert_text(channel[3].ca_file, "ca.pem");
    config_free(config);
}

static void reads_what_single_platforms_have(void **state) {
    (void)state;
    struct config *config =
        load("channels:\n"
             "  - {name: e, type: magento, url: \"https://m\", token: \"env:T\", key: \"env:K\",\n"
             "     secret: \"env:S\", token_secret: \"env:TS\", store: de, locations: {NY01: ny}}\n"
             "  - {name: f, type: bigcommerce, url: \"https://b\", token: \"env:T\", batch: 500,\n"
             "     settle: 30s, locations: {NY01: 1}}\n");
    const struct config_channel *channel = config->channels;
    assert_text(channel[0].store, "de");
    assert_text(channel[0].key.name, "K");
    assert_text(channel[0].secret.name, "S");
    assert_text(channel[0].token_secret.name, "TS");
    assert_int_equal(channel[0].batch_items, 0);
    assert_int_equal(channel[0].settle_us, 10 * S);
    assert_int_equal(channel[1].batch_items, 500);
    assert_int_equal(channel[1].settle_us, 30 * S);
    config_free(config);
}

static void puts_guards_together(void **state) {
    (void)state;
    struct config *config = load(
        "guards: {min_rows_percent: 70, max_zeroed_percent: 20, manifest: false, "
        "as_of_distance: 1h}\n"
        "locations: [{code: A, guards: {max_zeroed_percent: 40, as_of_check: hold}}, {code: B}]\n"
        "feeds: [{name: f, url: x, guards: {max_zeroed_percent: 30, future_as_of: false}}]\n");
    struct config_guards guards = config_guards_for(config, NULL, NULL);
    assert_int_equal(guards.min_rows_percent, 70);
    assert_int_equal(guards.max_zeroed_percent, 20);
    assert_true(guards.future_as_of);
    guards = config_guards_for(config, config->feeds, &config->locations[1]);
    assert_int_equal(guards.max_zeroed_percent, 30);
    assert_false(guards.future_as_of);
    assert_false(guards.manifest);
    assert_int_equal(guards.min_rows_percent, 70);
    assert_int_equal(guards.max_units_percent, 200);
    guards = config_guards_for(config, config->feeds, &config->locations[0]);
    assert_int_equal(guards.max_zeroed_percent, 40);
    assert_int_equal(guards.as_of_check, CONFIG_AS_OF_CHECK_HOLD);
    assert_int_equal(guards.as_of_distance_us, 3600 * S);
    config_free(config);
}

static void loads_the_example(void **state) {
    (void)state;
    const char *root = getenv("ONHAND_ROOT");
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/packaging/onhand.yaml", root != NULL ? root : ".");
    struct config *config = NULL;
    struct config_report report = {0};
    assert_int_equal(config_load(path, &config, &report), STATUS_OK);
    assert_int_equal(report.count, 0);
    assert_int_equal(config->channel_count, 7);
    config_report_deinit(&report);
    config_free(config);
}

/* Whether "KEY:" stands in the text, at the begin of a line or behind one of " {-#". */
static bool shows(struct text text, const char *key) {
    size_t length = strlen(key);
    for (size_t at = 1; at + length < text.length; at++) {
        if (strchr("\n {-#", text.data[at - 1]) != NULL &&
            memcmp(text.data + at, key, length) == 0 && text.data[at + length] == ':')
            return true;
    }
    return false;
}

/* From "KEY:" at the begin of a line to the next line that begins with a letter. */
static struct text section_of(struct text text, const char *key) {
    char line[80];
    (void)snprintf(line, sizeof line, "\n%s:", key);
    const char *begin = memmem(text.data, text.length, line, strlen(line));
    assert_non_null(begin);
    const char *end = begin + 1;
    while (end < text.data + text.length && !(end[-1] == '\n' && *end >= 'a' && end > begin + 1))
        end++;
    return (struct text){begin, (size_t)(end - begin)};
}

/* A key that the example does not show is one that nobody finds. */
static void the_example_shows_every_key(void **state) {
    (void)state;
    static char text[64 * 1024];
    const char *root = getenv("ONHAND_ROOT");
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/packaging/onhand.yaml", root != NULL ? root : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct text all = {text, fread(text, 1, sizeof text, file)};
    assert_int_equal(fclose(file), 0);
    assert_in_range(all.length, 1, sizeof text - 1);
    for (size_t i = 0; i < schema_config.count; i++) {
        const struct setting *row = &schema_config.rows[i];
        if (!shows(all, row->key))
            fail_msg("packaging/onhand.yaml does not show %s", row->key);
        if (row->table == NULL)
            continue;
        struct text section = section_of(all, row->key);
        for (size_t k = 0; k < row->table->count; k++)
            if (!shows(section, row->table->rows[k].key))
                fail_msg("packaging/onhand.yaml does not show %s of %s", row->table->rows[k].key,
                         row->key);
    }
}

static void says_why_a_file_cannot_be_read(void **state) {
    (void)state;
    struct config *config = NULL;
    struct config_report report = {0};
    assert_int_equal(config_load("/nowhere/onhand.yaml", &config, &report), STATUS_IO);
    assert_text(report.items[0].message, "cannot be read: No such file or directory");
    assert_text(report.items[0].file, "/nowhere/onhand.yaml");
    assert_int_equal(config_load("/tmp", &config, &report), STATUS_IO);
    assert_text(report.items[1].message, "cannot be read: Is a directory");
    assert_int_equal(config_load("/dev/zero", &config, &report), STATUS_TOO_LARGE);
    assert_null(config);
    config_report_deinit(&report);
}

static void takes_what_the_command_line_says(void **state) {
    (void)state;
    struct config *config = config_default();
    struct error error = {0};
    assert_int_equal(config_set_listen(config, TEXT("0.0.0.0:0"), &error), STATUS_OK);
    assert_text(config->listen_host, "0.0.0.0");
    assert_int_equal(config->listen_port, 0);
    static const char *const wrong[] = {"",        "8484",     ":8484", "h:",    "h:x",  "h:-1",
                                        "h:65536", "::1:8484", "[::1]", "[h]:1", "a b:1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(config_set_listen(config, text_from(wrong[i]), &error), STATUS_BAD_VALUE);
    }
    assert_text(config->listen, "0.0.0.0:0");
    config_set_data(config, TEXT("/d"));
    assert_text(config->data, "/d");
    config_free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_defaults_without_a_file),
        cmocka_unit_test(has_defaults_for_an_empty_file),
        cmocka_unit_test(reads_the_top_level),
        cmocka_unit_test(reads_locations),
        cmocka_unit_test(reads_feeds),
        cmocka_unit_test(reads_sources_and_channels),
        cmocka_unit_test(reads_who_is_notified),
        cmocka_unit_test(reads_what_single_platforms_have),
        cmocka_unit_test(puts_guards_together),
        cmocka_unit_test(loads_the_example),
        cmocka_unit_test(the_example_shows_every_key),
        cmocka_unit_test(says_why_a_file_cannot_be_read),
        cmocka_unit_test(takes_what_the_command_line_says),
    };
    return cmocka_run_group_tests_name("config/config", tests, NULL, NULL);
}
