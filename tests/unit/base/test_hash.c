/* Digests against published vectors; table hashes for their seed and their spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"

static void assert_hex(const unsigned char digest[SHA256_SIZE], const char *expected) {
    char hex[SHA256_HEX_SIZE];
    hex_encode(digest, SHA256_SIZE, hex);
    assert_string_equal(hex, expected);
}

static void test_sha256_vectors(void **state) {
    (void)state;
    unsigned char digest[SHA256_SIZE];
    sha256_of((struct text){0}, digest);
    assert_hex(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_of(TEXT("abc"), digest);
    assert_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct sha256 *sha = sha256_new();
    sha256_update(sha, "a", 1);
    sha256_update(sha, "", 0);
    sha256_update(sha, "bc", 2);
    sha256_finish(sha, digest);
    sha256_free(sha);
    sha256_free(NULL);
    assert_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, cases 1, 2 and 6 */
static void test_hmac_vectors(void **state) {
    (void)state;
    unsigned char mac[SHA256_SIZE];
    char key[131];
    memset(key, 0x0B, 20);
    hmac_sha256((struct text){key, 20}, TEXT("Hi There"), mac);
    assert_hex(mac, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hmac_sha256(TEXT("Jefe"), TEXT("what do ya want for nothing?"), mac);
    assert_hex(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xAA, sizeof key);
    hmac_sha256((struct text){key, sizeof key},
                TEXT("Test Using Larger Than Block-Size Key - Hash Key First"), mac);
    assert_hex(mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    hmac_sha256((struct text){0}, (struct text){0}, mac);
    assert_hex(mac, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_table_hashes_follow_the_seed(void **state) {
    (void)state;
    uint64_t drawn = hash_text(TEXT("WH09-XL")); /* drawn at first use, the same ever after */
    assert_true(hash_text(TEXT("WH09-XL")) == drawn);
    hash_seed(1);
    uint64_t one = hash_text(TEXT("WH09-XL")), number = hash_u64(42);
    assert_true(one != drawn);
    hash_seed(2);
    assert_true(hash_text(TEXT("WH09-XL")) != one && hash_u64(42) != number);
    hash_seed(1);
    assert_true(hash_text(TEXT("WH09-XL")) == one && hash_u64(42) == number);
    hash_seed(0);
    assert_true(hash_text((struct text){0}) == hash_text(TEXT("")));
}

static void test_parts_do_not_run_together(void **state) {
    (void)state;
    uint64_t a = hash_text_more(hash_text(TEXT("ab")), TEXT("c"));
    uint64_t b = hash_text_more(hash_text(TEXT("a")), TEXT("bc"));
    uint64_t c = hash_text_more(hash_text(TEXT("c")), TEXT("ab"));
    assert_true(a != b && a != c && b != c);
}

/* The low bits index tables: 4,096 numbers in 1,024 slots must not crowd. */
static void test_low_bits_spread(void **state) {
    (void)state;
    unsigned slots[1024] = {0}, worst = 0;
    for (uint64_t i = 0; i < 4096; i++) {
        unsigned count = ++slots[hash_u64(i * 1024) % 1024];
        worst = count > worst ? count : worst;
    }
    assert_in_range(worst, 4, 24);
}

static void test_constant_time_equal(void **state) {
    (void)state;
    assert_true(constant_time_equal("abc", "abc", 3));
    assert_false(constant_time_equal("abc", "abd", 3));
    assert_false(constant_time_equal("xbc", "abc", 3));
    assert_true(constant_time_equal(NULL, NULL, 0));
}

static void test_random_bytes(void **state) {
    (void)state;
    unsigned char a[300] = {0}, b[300] = {0};
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, 16);
    assert_memory_not_equal(a + 284, b + 284, 16); /* to the end */
    random_bytes(NULL, 0);
}

int main(void) {
    const struct CMUnitTest hash[] = {
        cmocka_unit_test(test_sha256_vectors),
        cmocka_unit_test(test_hmac_vectors),
        cmocka_unit_test(test_table_hashes_follow_the_seed),
        cmocka_unit_test(test_parts_do_not_run_together),
        cmocka_unit_test(test_low_bits_spread),
        cmocka_unit_test(test_constant_time_equal),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(hash, NULL, NULL);
}
