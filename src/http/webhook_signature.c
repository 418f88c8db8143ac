/* The base64 here is strict: a secret that another program would read otherwise signs nothing that
 * the receiver could verify. */
#include "http/webhook_signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/hash.h"

#define PREFIX "whsec_"
/* Base64 of the longest key, padded. */
#define ENCODED_MAX (((WEBHOOK_KEY_MAX + 2) / 3) * 4)

void webhook_secrets_wipe(struct webhook_secrets *secrets) {
    explicit_bzero(secrets, sizeof *secrets);
}

/* Whole groups of four; false for anything else. *length_out is right only then. */
static bool decode(struct text text, unsigned char *out, size_t *length_out) {
    size_t padding = 0;
    if (text.length == 0 || text.length % 4 != 0 || text.length > ENCODED_MAX)
        return false;
    while (padding < 2 && text.data[text.length - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < text.length - padding; i++) {
        char c = text.data[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '+' || c == '/';
        if (!fine)
            return false;
    }
    int decoded = EVP_DecodeBlock(out, (const unsigned char *)text.data, (int)text.length);
    if (decoded < 0)
        return false;
    *length_out = (size_t)decoded - padding;
    return true;
}

static enum status add_secret(struct text word, struct webhook_secrets *secrets,
                              struct error *error) {
    unsigned char key[ENCODED_MAX];
    size_t length = 0, prefix = sizeof PREFIX - 1;
    bool fine = word.length > prefix && memcmp(word.data, PREFIX, prefix) == 0 &&
                decode((struct text){word.data + prefix, word.length - prefix}, key, &length) &&
                length >= WEBHOOK_KEY_MIN && length <= WEBHOOK_KEY_MAX;
    if (fine && secrets->count < WEBHOOK_SECRETS_MAX) {
        memcpy(secrets->items[secrets->count].key, key, length);
        secrets->items[secrets->count++].length = length;
    }
    explicit_bzero(key, sizeof key);
    if (fine && length > 0)
        return STATUS_OK;
    return error_set(error, STATUS_BAD_VALUE,
                     "the webhook's secret is not whsec_ and 24 to 64 bytes in base64; "
                     "make one:  echo whsec_$(openssl rand -base64 32)");
}

enum status webhook_secrets_parse(struct text text, struct webhook_secrets *secrets_out,
                                  struct error *error) {
    enum status status = STATUS_OK;
    size_t words = 0;
    *secrets_out = (struct webhook_secrets){0};
    for (size_t at = 0; at < text.length && status == STATUS_OK;) {
        size_t end = at;
        while (end < text.length && memchr(" \t\r\n", text.data[end], 4) == NULL)
            end++;
        if (end > at) {
            words++;
            status = add_secret((struct text){text.data + at, end - at}, secrets_out, error);
        }
        at = end + 1;
    }
    if (status == STATUS_OK && words > WEBHOOK_SECRETS_MAX)
        status = error_set(error, STATUS_BAD_VALUE, "more than %d secrets at a time",
                           WEBHOOK_SECRETS_MAX);
    if (status == STATUS_OK && words == 0)
        status = error_set(error, STATUS_BAD_VALUE, "the webhook's secret is empty");
    if (status != STATUS_OK)
        webhook_secrets_wipe(secrets_out);
    return status;
}

void webhook_sign(const struct webhook_secrets *secrets, struct text id, int64_t timestamp_s,
                  struct text body, struct buffer *out) {
    require(secrets->count > 0);
    require(id.length > 0 && memchr(id.data, '.', id.length) == NULL);
    struct buffer content = {0};
    buffer_append_text(&content, id);
    buffer_append_string(&content, ".");
    buffer_append_int(&content, timestamp_s);
    buffer_append_string(&content, ".");
    buffer_append_text(&content, body);
    for (size_t i = 0; i < secrets->count; i++) {
        unsigned char mac[SHA256_SIZE];
        char encoded[((SHA256_SIZE + 2) / 3) * 4 + 1];
        struct text key = {(const char *)secrets->items[i].key, secrets->items[i].length};
        hmac_sha256(key, buffer_text(&content), mac);
        (void)EVP_EncodeBlock((unsigned char *)encoded, mac, sizeof mac);
        buffer_append_string(out, i > 0 ? " v1," : "v1,");
        buffer_append_string(out, encoded);
    }
    buffer_deinit(&content);
}

bool webhook_body_is_signed(struct text key, struct text body, struct text signature) {
    unsigned char mac[SHA256_SIZE];
    char encoded[((SHA256_SIZE + 2) / 3) * 4 + 1];
    if (key.length == 0) {
        return false;
    }
    hmac_sha256(key, body, mac);
    (void)EVP_EncodeBlock((unsigned char *)encoded, mac, sizeof mac);
    return signature.length == sizeof encoded - 1 &&
           CRYPTO_memcmp(signature.data, encoded, sizeof encoded - 1) == 0;
}
