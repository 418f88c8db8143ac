/* Hashing: fast keyed hashes for tables (xxHash), SHA-256 and HMAC for content (libcrypto).
 *
 * hash_text is keyed with a secret drawn at start (or given, for simulations), so that nobody can
 * choose keys that collide. Its values must never be stored. */
#ifndef ONHAND_BASE_HASH_H
#define ONHAND_BASE_HASH_H

#include "base/text.h"

void hash_seed(uint64_t seed); /* before the first use; without it a random one is drawn */
uint64_t hash_text(struct text text);
uint64_t hash_text_more(uint64_t hash, struct text text); /* of a pair, a triple ... */
uint64_t hash_u64(uint64_t value);

#define SHA256_SIZE 32
#define SHA256_HEX_SIZE 65

struct sha256;
struct sha256 *sha256_new(void);
void sha256_free(struct sha256 *sha);
void sha256_update(struct sha256 *sha, const void *data, size_t length);
void sha256_finish(struct sha256 *sha, unsigned char digest_out[SHA256_SIZE]);
void sha256_of(struct text data, unsigned char digest_out[SHA256_SIZE]);
void hex_encode(const unsigned char *data, size_t length, char *out); /* 2 * length + 1 bytes */
void hmac_sha256(struct text key, struct text data, unsigned char mac_out[SHA256_SIZE]);
bool constant_time_equal(const void *a, const void *b, size_t length);
void random_bytes(void *out, size_t length); /* from the system; ends the process if it cannot */

#endif
