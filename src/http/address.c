/* Two tables: the special ranges of IPv4 (all else is public) and, for IPv6, where only 2000::/3 is
 * given out, the ranges within it that are special or carry an IPv4 address inside. */
#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct range4 {
    uint8_t bytes[4];
    unsigned bits;
};

static const struct range4 special4[] = {
    {{0, 0, 0, 0}, 8},       /* this host */
    {{10, 0, 0, 0}, 8},      /* private */
    {{100, 64, 0, 0}, 10},   /* behind a provider's address translation */
    {{127, 0, 0, 0}, 8},     /* loopback */
    {{169, 254, 0, 0}, 16},  /* link-local, clouds' metadata */
    {{172, 16, 0, 0}, 12},   /* private */
    {{192, 0, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2, 0}, 24},    /* documentation */
    {{192, 88, 99, 0}, 24},  /* relays of 6to4 */
    {{192, 168, 0, 0}, 16},  /* private */
    {{198, 18, 0, 0}, 15},   /* benchmarks */
    {{198, 51, 100, 0}, 24}, /* documentation */
    {{203, 0, 113, 0}, 24},  /* documentation */
    {{224, 0, 0, 0}, 4},     /* multicast */
    {{240, 0, 0, 0}, 4},     /* reserved, broadcast */
};

struct range6 {
    uint8_t bytes[16];
    unsigned bits;
    int embedded_at; /* of an IPv4 address, which then decides; -1: never public */
};

/* The first that matches counts. */
static const struct range6 known6[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 12}, /* IPv4, mapped */
    {{0, 0x64, 0xff, 0x9b}, 96, 12},                      /* IPv4, by NAT64 */
    {{0x20, 0x02}, 16, 2},                                /* IPv4, by 6to4 */
    {{0x20, 0x01, 0x00}, 23, -1},                         /* Teredo, ORCHID, benchmarks */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, -1},                   /* documentation */
    {{0x3f, 0xff}, 20, -1},                               /* documentation */
};
static const struct range6 given_out6 = {{0x20}, 3, -1};

/* `bits` is less than there are in either. */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits) {
    if (memcmp(a, b, bits / 8) != 0)
        return false;
    unsigned mask = bits % 8 == 0 ? 0 : 0xffu << (8 - bits % 8) & 0xffu;
    return ((unsigned)(a[bits / 8] ^ b[bits / 8]) & mask) == 0;
}

static bool public4(const uint8_t bytes[4]) {
    for (size_t i = 0; i < sizeof special4 / sizeof special4[0]; i++) {
        if (same_bits(bytes, special4[i].bytes, special4[i].bits))
            return false;
    }
    return true;
}

static bool public6(const uint8_t bytes[16]) {
    for (size_t i = 0; i < sizeof known6 / sizeof known6[0]; i++) {
        if (same_bits(bytes, known6[i].bytes, known6[i].bits))
            return known6[i].embedded_at >= 0 && public4(bytes + known6[i].embedded_at);
    }
    return same_bits(bytes, given_out6.bytes, given_out6.bits);
}

bool address_is_public(const struct sockaddr *address, socklen_t length) {
    if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return public4((const uint8_t *)&in.sin_addr);
    }
    if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        return public6(in.sin6_addr.s6_addr);
    }
    return false;
}

void address_format(const struct sockaddr *address, socklen_t length, char out[ADDRESS_TEXT_SIZE]) {
    (void)snprintf(out, ADDRESS_TEXT_SIZE, "?");
    if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        (void)inet_ntop(AF_INET, &in.sin_addr, out, ADDRESS_TEXT_SIZE);
    } else if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        (void)inet_ntop(AF_INET6, &in.sin6_addr, out, ADDRESS_TEXT_SIZE);
    }
}
