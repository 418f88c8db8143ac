/* Every kind of mistake, each with the line and the words it must be reported with. */
#include "unit/config/support.h"

#include <stdio.h>
#include <stdlib.h>

/* `expected` is the whole report but for the file's name: "LINE:COLUMN: key: message\n"... */
struct mistake {
    const char *yaml, *expected;
};

static void check(const struct mistake *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct config *config = NULL;
        struct config_report report = {0};
        struct buffer list = {0};
        enum status status = config_load_text(text_from(rows[i].yaml), "", &config, &report);
        assert_int_equal(status, STATUS_BAD_VALUE);
        assert_null(config);
        config_report_format(&report, &list);
        assert_string_equal(list.data, rows[i].expected);
        buffer_deinit(&list);
        config_report_deinit(&report);
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void keys(void **state) {
    (void)state;
    static const struct mistake rows[] = {
        {"listn: x\n", ":1:1: listn: unknown key; did you mean listen?\n"},
        {"\nfeeds:\n  - {name: a, url: b, shcedule: c}\n",
         ":3:23: feeds[0].shcedule: unknown key; did you mean schedule?\n"},
        {"colour: red\n", ":1:1: colour: unknown key in a configuration\n"},
        {"guards: {min_row_percent: 1}\n",
         ":1:10: guards.min_row_percent: unknown key; did you mean min_rows_percent?\n"},
        {"data: a\nlog: text\ndata: b\n", ":3:1: data: this key is here twice (first on line 1)\n"},
        {"[a]: b\n", ":1:1: a key cannot be a list\n"},
        {"sources: [{type: prism, url: \"https://p\"}]\n",
         ":1:11: sources[0].name: this key is missing\n"},
        {"locations:\n  - name: x\n", ":2:5: locations[0].code: this key is missing\n"},
    };
    CHECK(rows);
}

static void shapes(void **state) {
    (void)state;
    static const struct mistake rows[] = {
        {"just text\n", ":1:1: expected a block of keys, this is a single value\n"},
        {"- a\n", ":1:1: expected a block of keys, this is a list\n"},
        {"feeds: {name: a}\n",
         ":1:8: feeds: expected a list (lines that start with -), this is a block of keys\n"},
        {"feeds: [a]\n", ":1:9: feeds[0]: expected a feed with its keys, this is a single value\n"},
        {"data: [a]\n", ":1:7: data: expected a single value, this is a list\n"},
        {"data:\n", ":1:6: data: a value is missing\n"},
        {"data: \"\"\n", ":1:7: data: a value is missing\n"},
        {"limits: 5\n", ":1:9: limits: expected a block of keys, this is a single value\n"},
        {"locations: [{code: A, aliases: b}]\n",
         ":1:32: locations[0].aliases: expected a list, this is a single value\n"},
        {"feeds: [{name: a, url: b, columns: [c]}]\n",
         ":1:36: feeds[0].columns: expected pairs, as in {A: B, C: D}, this is a list\n"},
        {"feeds: [{name: a, url: b, columns: {c: [d], e: f, e: g, h: }}]\n",
         ":1:40: feeds[0].columns.c: expected a single value, this is a list\n"
         ":1:51: feeds[0].columns.e: 'e' is here twice\n"
         ":1:60: feeds[0].columns.h: a value is missing\n"},
        {"locations: [{code: &a A, name: *a}]\n",
         ":1:20: locations[0].name: used again by an alias (*name): write it out instead\n"},
        {"a: b: c\n", ":1:5: not valid YAML: mapping values are not allowed in this context\n"},
        {"feeds: [\n", ":2:1: not valid YAML: did not find expected node content (while parsing "
                       "a flow node)\n"},
        {"data: a\nlog: \xff\n", ":2:6: not valid YAML: invalid leading UTF-8 octet\n"},
        {"data: a\n---\ndata: b\n", ":3:1: a second document (---): only one is read\n"},
        {"data: \"a\\nb\"\n",
         ":1:7: data: control characters and line ends are not allowed here\n"},
    };
    CHECK(rows);
}

static void values(void **state) {
    (void)state;
    static const struct mistake rows[] = {
        {"listen: 8484\n",
         ":1:9: listen: expected ADDRESS:PORT, as in 127.0.0.1:8484 or [::1]:8484\n"},
        {"store: mysql\n", ":1:8: store: expected sqlite or postgresql://USER@HOST/DATABASE\n"},
        {"store: \"postgresql://hub:pw@db/onhand\"\n",
         ":1:8: store: a password does not belong into a URL (use a password file or "
         "PGPASSWORD)\n"},
        {"unknown_products: crate\n",
         ":1:19: unknown_products: 'crate' is not known here; did you mean create?\n"},
        {"unknown_products: yes\n",
         ":1:19: unknown_products: 'yes' is not known here; expected create, ignore or reject\n"},
        {"dedup_window: 35\n", ":1:15: dedup_window: '35' is not a duration (a number and a unit "
                               "are expected, such as 30s, 15m, 1h or 2d)\n"},
        {"dedup_window: 1h\n", ":1:15: dedup_window: 1h is not between 1d and 3660d\n"},
        {"limits: {body_mb: 0}\n", ":1:19: limits.body_mb: 0 is not between 1 and 1048576\n"},
        {"limits: {body_mb: 1.5}\n", ":1:19: limits.body_mb: '1.5' is not a whole number\n"},
        {"csv: {decimal_comma: yes}\n",
         ":1:22: csv.decimal_comma: 'yes' is neither true nor false\n"},
        {"csv: {delimiter: \";;\"}\n",
         ":1:18: csv.delimiter: expected \",\" or \";\" or \"|\" (in quotes), tab or auto\n"},
        {"csv: {trailer: \"T;{lines}\"}\n",
         ":1:16: csv.trailer: in braces only {rows} (or {rows+1}, {rows+2}: lines that are no rows "
         "are counted along) and {units}, each once\n"},
        {"timezone: Mars/Phobos\n",
         ":1:11: timezone: 'Mars/Phobos' is no time zone known here (an IANA name is expected, "
         "such as Europe/Berlin or UTC)\n"},
        {"locations: [{code: A, safety_stock: 1.2345}]\n",
         ":1:37: locations[0].safety_stock: '1.2345' is not a quantity with at most three "
         "decimals\n"},
        {"locations: [{code: A, safety_stock: -1}]\n",
         ":1:37: locations[0].safety_stock: must not be negative\n"},
        {"feeds: [{name: a b, url: c}]\n",
         ":1:16: feeds[0].name: a name is made of letters, digits, - _ and .\n"},
        {"feeds: [{name: a, url: c, as_of: column}]\n",
         ":1:34: feeds[0].as_of: expected name:PATTERN, column:NAME, manifest, mtime, auto or "
         "infer\n"},
        {"feeds: [{name: a, url: c, as_of: \"name:x_%Y\"}]\n",
         ":1:34: feeds[0].as_of: 'x_%Y' names no date (%Y%m%d at the least, or %s)\n"},
        {"feeds: [{name: a, url: c, as_of: \"name:%Q\"}]\n",
         ":1:34: feeds[0].as_of: after % one of Y y m d j H M S s z f % is expected\n"},
        {"feeds: [{name: a, url: c, schedule: \"0 25 * * *\"}]\n",
         ":1:37: feeds[0].schedule: '0 25 * * *': hour: 25 is not between 0 and 23\n"},
        {"feeds: [{name: a, url: c, every: 0s}]\n",
         ":1:34: feeds[0].every: '0s': not between 1s and 366d\n"},
    };
    CHECK(rows);
}

static void secrets_and_urls(void **state) {
    (void)state;
    static const struct mistake rows[] = {
        {"feeds: [{name: a, url: \"sftp://h/p\", password: hunter2}]\n",
         ":1:48: feeds[0].password: a secret does not belong into the configuration: write "
         "env:NAME (an environment variable) or file:PATH\n"},
        {"feeds: [{name: a, url: \"sftp://h/p\", identity: /etc/id}]\n",
         ":1:48: feeds[0].identity: a secret does not belong into the configuration: write "
         "env:NAME (an environment variable) or file:PATH\n"},
        {"feeds: [{name: a, url: \"sftp://h/p\", password: \"env:A B\"}]\n",
         ":1:48: feeds[0].password: after env: the name of an environment variable is expected\n"},
        {"feeds: [{name: a, url: \"sftp://u:pw@h/p\", password: \"env:P\"}]\n",
         ":1:24: feeds[0].url: a password does not belong into a URL\n"},
        {"feeds: [{name: a, url: \"ftp://h/p\"}]\n",
         ":1:24: feeds[0].url: expected sftp://USER@HOST/PATH or a directory\n"},
        {"feeds: [{name: a, url: \"sftp://u@:22/p\", password: \"env:P\"}]\n",
         ":1:24: feeds[0].url: the host is missing\n"},
        {"feeds: [{name: a, url: \"sftp://u@h:99999/\", password: \"env:P\"}]\n",
         ":1:24: feeds[0].url: the port is not between 1 and 65535\n"},
        {"sources: [{name: a, type: prism, url: prism.example}]\n",
         ":1:39: sources[0].url: expected https://HOST/... (or http://)\n"},
        {"channels: [{name: a, type: webhook, url: \"https://a b/\"}]\n",
         ":1:42: channels[0].url: a URL has no blanks\n"},
        {"channels: [{name: a, type: webhook, url: \"https://a/\", share: 101}]\n",
         ":1:63: channels[0].share: 101 is not between 0 and 100\n"},
        {"channels: [{name: a, type: webhook, url: \"https://a/\", batch: 2001}]\n",
         ":1:63: channels[0].batch: 2001 is not between 1 and 2000\n"},
        {"channels: [{name: a, type: magento, url: \"https://a/\", token: \"env:T\", key: "
         "\"env:K\", "
         "locations: {A: b}}]\n",
         ":1:12: channels[0].secret: OAuth needs key, secret, token and token_secret; a token "
         "alone "
         "is sent as Bearer\n"},
        {"channels: [{name: a, type: webhook, url: \"https://a/\", secret: [\"env:A\", "
         "whsec_x]}]\n",
         ":1:74: channels[0].secret[1]: a secret does not belong into the configuration: write "
         "env:NAME (an environment variable) or file:PATH\n"},
        {"channels: [{name: a, type: file, url: \"https://a/\"}]\n",
         ":1:39: channels[0].url: expected sftp://USER@HOST/PATH or a directory\n"},
    };
    CHECK(rows);
}

static void what_belongs_together(void **state) {
    (void)state;
    static const struct mistake rows[] = {
        {"feeds:\n  - {name: a, url: b}\n  - {name: a, url: c}\n",
         ":3:12: feeds[1].name: 'a' is taken already, on line 2\n"},
        {"locations:\n  - {code: A, aliases: [x]}\n  - {code: B, aliases: [y, A]}\n"
         "  - {code: x}\n",
         ":3:24: locations[1].aliases: 'A' is taken already, on line 2\n"
         ":4:12: locations[2].code: 'x' is taken already, on line 2\n"},
        {"feeds: [{name: a, url: b, schedule: \"@daily\", every: 5m}]\n",
         ":1:54: feeds[0].every: either schedule or every, not both\n"},
        {"feeds: [{name: a, url: b, location: A, locations: [B]}]\n",
         ":1:51: feeds[0].locations: either location or locations, not both\n"},
        {"feeds: [{name: a, url: b, claim: rename, after: keep}]\n",
         ":1:34: feeds[0].claim: rename needs after: archive or delete\n"},
        {"feeds: [{name: a, url: b, quantity: available, as_of: infer}]\n",
         ":1:55: feeds[0].as_of: infer cannot go by figures of what is available: what was "
         "reserved depends on as_of; say name:, column:, manifest, mtime or auto\n"},
        {"feeds: [{name: a, url: ./b, user: c}]\n",
         ":1:35: feeds[0].user: only for sftp:, and url is a directory\n"},
        {"feeds: [{name: a, url: \"sftp://h/p\"}]\n",
         ":1:24: feeds[0].url: sftp: needs an identity (a private key) or a password\n"},
        {"sources: [{name: a, type: prism, url: \"https://p\", user: u}]\n",
         ":1:58: sources[0].user: user and password belong together\n"},
        {"sources: [{name: a, type: prism, url: \"https://p\", origins: [\"*\"]}]\n",
         ":1:61: sources[0].origins: '*': expected the origin of a page, as in "
         "https://prism.example (no * and no list)\n"},
        {"channels: [{name: a, type: shopify, url: \"https://s\", bin: \"env:K\"}]\n",
         ":1:12: channels[0].locations: this key is missing: it is needed for type shopify\n"
         ":1:12: channels[0].token: this key is missing: it is needed for type shopify, or key and "
         "secret to fetch one with\n"
         ":1:55: channels[0].bin: not for a channel of type shopify\n"},
        {"channels: [{name: a, type: shopfy, url: x, key: \"env:K\"}]\n",
         ":1:28: channels[0].type: 'shopfy' is not known here; did you mean shopify?\n"},
        {"channels: [{name: a, type: file, url: x, increases: {after: soon}}]\n",
         ":1:53: channels[0].increases: expected now, confirmed, or after: and a duration, as in "
         "{after: 5m}\n"},
    };
    CHECK(rows);
}

/* In the order of the file, although the tables are read in another. */
static void all_of_them_in_order(void **state) {
    (void)state;
    static const struct mistake rows[] = {
        {"feeds:\n  - {name: a, url: b, after: x}\n"
         "locations:\n  - {code: A, sell_online: 1}\n"
         "timezone: x\nlog: y\nnope: z\n",
         ":2:30: feeds[0].after: 'x' is not known here; expected archive, delete or keep\n"
         ":4:28: locations[0].sell_online: '1' is neither true nor false\n"
         ":5:11: timezone: 'x' is no time zone known here (an IANA name is expected, such as "
         "Europe/Berlin or UTC)\n"
         ":6:6: log: 'y' is not known here; expected text or json\n"
         ":7:1: nope: unknown key in a configuration\n"},
    };
    CHECK(rows);
}

static void stops_counting_somewhere(void **state) {
    (void)state;
    struct buffer yaml = {0};
    for (int i = 0; i < 1000; i++) {
        buffer_append_format(&yaml, "nope_%d: x\n", i);
    }
    struct config *config = NULL;
    struct config_report report = {0};
    assert_int_equal(config_load_text(buffer_text(&yaml), "", &config, &report), STATUS_BAD_VALUE);
    assert_int_equal(report.count, CONFIG_MISTAKES_MAX);
    assert_text(report.items[CONFIG_MISTAKES_MAX - 1].message,
                "too many mistakes: the rest is not shown");
    config_report_deinit(&report);
    buffer_deinit(&yaml);
}

static void refuses_depth_at_once(void **state) {
    (void)state;
    struct buffer yaml = {0};
    for (int i = 0; i < 2000000; i++) {
        buffer_append_string(&yaml, "{");
    }
    struct config *config = NULL;
    struct config_report report = {0};
    assert_int_equal(config_load_text(buffer_text(&yaml), "", &config, &report), STATUS_BAD_VALUE);
    assert_text(report.items[0].message, "nested too deep");
    config_report_deinit(&report);
    buffer_deinit(&yaml);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),
        cmocka_unit_test(shapes),
        cmocka_unit_test(values),
        cmocka_unit_test(secrets_and_urls),
        cmocka_unit_test(what_belongs_together),
        cmocka_unit_test(all_of_them_in_order),
        cmocka_unit_test(stops_counting_somewhere),
        cmocka_unit_test(refuses_depth_at_once),
    };
    return cmocka_run_group_tests_name("config/read", tests, NULL, NULL);
}
