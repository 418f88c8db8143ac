/* Keyed hashes for tables, and digests for content.
 *
 * Identifiers come from outside, so tables are keyed with a secret seed: nobody can prepare a file
 * whose SKUs all fall into one slot. xxHash is compiled in whole, because most keys are short and
 * a call through a library would cost as much as the hash. */
#include "base/hash.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/status.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Zero until it was given or drawn. Two threads may draw at once: the first to store wins. */
static _Atomic uint64_t table_seed;

void hash_seed(uint64_t seed) {
    /* Never zero, and a simulation's small seeds lie far apart. */
    seed = XXH64(&seed, sizeof seed, 0);
    table_seed = seed != 0 ? seed : 1;
}

static uint64_t seed_draw(void) {
    uint64_t drawn = 0;
    while (drawn == 0) {
        random_bytes(&drawn, sizeof drawn);
    }
    uint64_t before = 0;
    return atomic_compare_exchange_strong(&table_seed, &before, drawn) ? drawn : before;
}

static inline uint64_t seed_get(void) {
    uint64_t seed = atomic_load_explicit(&table_seed, memory_order_relaxed);
    return seed != 0 ? seed : seed_draw();
}

uint64_t hash_text(struct text text) {
    return XXH3_64bits_withSeed(text.data, text.length, seed_get());
}

/* The hash so far is the seed of what follows, so ("ab", "c") and ("a", "bc") part ways. */
uint64_t hash_text_more(uint64_t hash, struct text text) {
    return XXH3_64bits_withSeed(text.data, text.length, hash);
}

uint64_t hash_u64(uint64_t value) {
    return XXH3_64bits_withSeed(&value, sizeof value, seed_get());
}

/* ---- digests ---- */

struct sha256 {
    EVP_MD_CTX *context;
};

struct sha256 *sha256_new(void) {
    struct sha256 *sha = memory_alloc(sizeof *sha);
    sha->context = EVP_MD_CTX_new();
    require(sha->context != NULL && EVP_DigestInit_ex(sha->context, EVP_sha256(), NULL) == 1);
    return sha;
}

void sha256_free(struct sha256 *sha) {
    if (sha != NULL) {
        EVP_MD_CTX_free(sha->context);
        free(sha);
    }
}

void sha256_update(struct sha256 *sha, const void *data, size_t length) {
    require(EVP_DigestUpdate(sha->context, data, length) == 1);
}

void sha256_finish(struct sha256 *sha, unsigned char digest_out[SHA256_SIZE]) {
    unsigned length = 0;
    require(EVP_DigestFinal_ex(sha->context, digest_out, &length) == 1 && length == SHA256_SIZE);
}

void sha256_of(struct text data, unsigned char digest_out[SHA256_SIZE]) {
    unsigned length = 0;
    require(EVP_Digest(data.data, data.length, digest_out, &length, EVP_sha256(), NULL) == 1 &&
            length == SHA256_SIZE);
}

void hex_encode(const unsigned char *data, size_t length, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        *out++ = digits[data[i] >> 4];
        *out++ = digits[data[i] & 15];
    }
    *out = '\0';
}

void hmac_sha256(struct text key, struct text data, unsigned char mac_out[SHA256_SIZE]) {
    require(key.length <= INT32_MAX);
    unsigned length = 0;
    /* A NULL key would mean "the key of the last call" to the library, not an empty one. */
    const void *key_data = key.data != NULL ? key.data : "";
    require(HMAC(EVP_sha256(), key_data, (int)key.length, (const unsigned char *)data.data,
                 data.length, mac_out, &length) != NULL &&
            length == SHA256_SIZE);
}

bool constant_time_equal(const void *a, const void *b, size_t length) {
    return length == 0 || CRYPTO_memcmp(a, b, length) == 0;
}

void random_bytes(void *out, size_t length) {
    unsigned char *p = out;
    while (length > 0) {
        ssize_t got = getrandom(p, length, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            log_error("no random numbers", "errno=%d", errno);
            abort();
        }
        p += got;
        length -= (size_t)got;
    }
}
