/* URLs: which are taken, and which words the others are refused with. */
#include "unit/config/support.h"

#include "config/read_internal.h"

static const char *const no_password = "a password does not belong into a URL";
static const char *const bad_port = "the port is not between 1 and 65535";

static void check(const char *(*check_one)(struct text url), const char *url,
                  const char *expected) {
    const char *wrong = check_one(text_from(url));
    if (expected == NULL ? wrong != NULL : wrong == NULL || strcmp(wrong, expected) != 0) {
        fail_msg("%s: %s", url, wrong != NULL ? wrong : "taken");
    }
}

static void http(void **state) {
    (void)state;
    static const char *const fine[] = {"https://shop.example", "HTTP://127.0.0.1:8080/a?b#c",
                                       "https://[::1]:443/", "https://u@h/", "https://h?x=a:b@c"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        check(url_check_http, fine[i], NULL);
    }
    check(url_check_http, "ftp://h", "expected https://HOST/... (or http://)");
    check(url_check_http, "", "expected https://HOST/... (or http://)");
    check(url_check_http, "https://", "the host is missing");
    check(url_check_http, "https:///path", "the host is missing");
    check(url_check_http, "https://h:0/", bad_port);
    check(url_check_http, "https://h:65536/", bad_port);
    check(url_check_http, "https://h:8x/", bad_port);
    check(url_check_http, "https://h:/", bad_port);
    check(url_check_http, "https://[::1", "the address in [ ] is not closed");
    check(url_check_http, "https://[::1]x", "after the address in [ ] only a port may follow");
    check(url_check_http, "https://u:p@h", no_password);
    check(url_check_http, "https://u:p@x@h", no_password);
}

static void feeds(void **state) {
    (void)state;
    static const char *const fine[] = {"./in",    "/srv/in", "in", "sftp://hub@h:22/out",
                                       "a/b://c", "SFTP://h"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        check(url_check_feed, fine[i], NULL);
    }
    check(url_check_feed, "sftp://u:p@h/", no_password);
    check(url_check_feed, "https://h/", "expected sftp://USER@HOST/PATH or a directory");
}

static void postgresql(void **state) {
    (void)state;
    static const char *const secret =
        "a password does not belong into a URL (use a password file or PGPASSWORD)";
    check(url_check_postgresql, "postgresql://hub@db1:5432,db2:5432/onhand", NULL);
    check(url_check_postgresql, "postgres:///onhand", NULL);
    check(url_check_postgresql, "postgresql://hub:pw@db/onhand", secret);
    check(url_check_postgresql, "postgresql://db/onhand?password=pw", secret);
    check(url_check_postgresql, "mysql://db", "expected sqlite or postgresql://USER@HOST/DATABASE");
}

static void suggestions(void **state) {
    (void)state;
    static const char *const words[] = {"shopify", "hotwax", "file", NULL};
    assert_string_equal(nearest_word(words, TEXT("shopfiy")), "shopify");
    assert_string_equal(nearest_word(words, TEXT("hotwaxx")), "hotwax");
    assert_string_equal(nearest_word(words, TEXT("flie")), "file");
    assert_null(nearest_word(words, TEXT("fail")));
    assert_null(nearest_word(words, TEXT("")));
    assert_null(nearest_word(words, TEXT("a word that is much longer than any of those")));
    assert_string_equal(nearest_key(&schema_feed, TEXT("evry")), "every");
    assert_string_equal(nearest_key(&schema_config, TEXT("location")), "locations");
}

static void origin(void **state) {
    (void)state;
    static const char *const fine[] = {"https://prism.example", "http://127.0.0.1:8080",
                                       "https://[::1]:8443", "https://till:80"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        check(url_check_origin, fine[i], NULL);
    }
    const char *no_origin =
        "expected the origin of a page, as in https://prism.example (no * and no list)";
    const char *too_much = "an origin is https://HOST or https://HOST:PORT, and nothing after it";
    const char *usual = "browsers leave the usual port out of an origin";
    check(url_check_origin, "*", no_origin);
    check(url_check_origin, "null", no_origin);
    check(url_check_origin, "", no_origin);
    check(url_check_origin, "https://a https://b", no_origin);
    check(url_check_origin, "https://Prism.example", "browsers send an origin in lower case");
    check(url_check_origin, "https://prism.example/", too_much);
    check(url_check_origin, "https://*.example", too_much);
    check(url_check_origin, "https://u@h", too_much);
    check(url_check_origin, "https://h:443", usual);
    check(url_check_origin, "http://h:80", usual);
    check(url_check_origin, "https://", "the host is missing");
    check(url_check_origin, "https://h:0", bad_port);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http),       cmocka_unit_test(origin),      cmocka_unit_test(feeds),
        cmocka_unit_test(postgresql), cmocka_unit_test(suggestions),
    };
    return cmocka_run_group_tests_name("config/url", tests, NULL, NULL);
}
