/* Which addresses are public: each special range with its first, its last and the next one. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "http/address.h"

static bool is_public(const char *text) {
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    char again[ADDRESS_TEXT_SIZE];
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        address_format((const struct sockaddr *)&in, sizeof in, again);
        assert_string_equal(again, text);
        return address_is_public((const struct sockaddr *)&in, sizeof in);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return address_is_public((const struct sockaddr *)&in6, sizeof in6);
}

static void knows_what_is_ours(void **state) {
    (void)state;
    static const char *const ours[] = {"0.0.0.0",
                                       "0.255.255.255",
                                       "10.0.0.0",
                                       "10.255.255.255",
                                       "100.64.0.0",
                                       "100.127.255.255",
                                       "127.0.0.1",
                                       "127.255.255.254",
                                       "169.254.0.1",
                                       "169.254.169.254",
                                       "172.16.0.1",
                                       "172.31.255.255",
                                       "192.0.0.8",
                                       "192.0.2.1",
                                       "192.88.99.1",
                                       "192.168.0.1",
                                       "192.168.255.255",
                                       "198.18.0.1",
                                       "198.19.255.255",
                                       "198.51.100.7",
                                       "203.0.113.7",
                                       "224.0.0.1",
                                       "239.255.255.255",
                                       "240.0.0.1",
                                       "255.255.255.255",
                                       "::",
                                       "::1",
                                       "::7f00:1",
                                       "::ffff:127.0.0.1",
                                       "::ffff:10.1.2.3",
                                       "::ffff:169.254.169.254",
                                       "64:ff9b::7f00:1",
                                       "64:ff9b::a9fe:a9fe",
                                       "64:ff9b:1::1",
                                       "2002:7f00:1::",
                                       "2002:a00:1::1",
                                       "2002:c0a8:101::",
                                       "2001::1",
                                       "2001:1ff::1",
                                       "2001:db8::1",
                                       "3fff:fff::1",
                                       "4000::1",
                                       "fc00::1",
                                       "fd12:3456::1",
                                       "fe80::1",
                                       "febf::1",
                                       "fec0::1",
                                       "ff02::1",
                                       "ff0e::1",
                                       "100::1",
                                       "5f00::1",
                                       "1fff::1"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (is_public(ours[i]))
            fail_msg("%s is taken for public", ours[i]);
    }
}

static void knows_what_is_public(void **state) {
    (void)state;
    static const char *const theirs[] = {
        "1.0.0.0",          "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
        "100.128.0.0",      "126.255.255.255", "128.0.0.0",       "169.253.255.255",
        "169.255.0.0",      "172.15.255.255",  "172.32.0.0",      "192.0.1.0",
        "192.0.3.0",        "192.167.255.255", "192.169.0.0",     "198.17.255.255",
        "198.20.0.0",       "8.8.8.8",         "223.255.255.255", "::ffff:8.8.8.8",
        "64:ff9b::808:808", "2002:808:808::1", "2001:200::1",     "2001:4860:4860::8888",
        "2606:4700::1111",  "2a00:1450::1",    "3fff:1000::1"};
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++) {
        if (!is_public(theirs[i]))
            fail_msg("%s is taken for ours", theirs[i]);
    }
}

static void nothing_else_is_public(void **state) {
    (void)state;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x08080808)};
    char text[ADDRESS_TEXT_SIZE];
    assert_false(address_is_public((const struct sockaddr *)&un, sizeof un));
    assert_false(address_is_public((const struct sockaddr *)&in, sizeof in - 1));
    address_format((const struct sockaddr *)&un, sizeof un, text);
    assert_string_equal(text, "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_is_ours),
        cmocka_unit_test(knows_what_is_public),
        cmocka_unit_test(nothing_else_is_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
