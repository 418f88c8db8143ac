/* Signs what we send, so that the receiver knows that it is from us, whole, and fresh: the scheme
 * of Standard Webhooks (HMAC-SHA256 over "{id}.{timestamp}.{body}").
 *
 * While a secret is being changed there are two, and a signature by each: the receiver is content
 * with one that it knows. */
#ifndef ONHAND_HTTP_WEBHOOK_SIGNATURE_H
#define ONHAND_HTTP_WEBHOOK_SIGNATURE_H

#include "base/status.h"
#include "base/text.h"

#define WEBHOOK_KEY_MIN 24
#define WEBHOOK_KEY_MAX 64
#define WEBHOOK_SECRETS_MAX 4

struct webhook_secrets {
    struct {
        unsigned char key[WEBHOOK_KEY_MAX];
        size_t length;
    } items[WEBHOOK_SECRETS_MAX];
    size_t count;
};

/* `whsec_` and 24 to 64 bytes in base64; several with blanks or line ends between them.
 * STATUS_BAD_VALUE: nothing of the text is repeated in the error, and *secrets_out is wiped. */
must_check enum status webhook_secrets_parse(struct text text, struct webhook_secrets *secrets_out,
                                             struct error *error);
void webhook_secrets_wipe(struct webhook_secrets *secrets);

/* Appends the value of the header webhook-signature: "v1,BASE64", one per secret, blanks between.
 * `id` (of the header webhook-id) must not hold a full stop. */
void webhook_sign(const struct webhook_secrets *secrets, struct text id, int64_t timestamp_s,
                  struct text body, struct buffer *out);

/* Whether `signature` is the base64 HMAC-SHA256 of the whole body, as shops sign what they tell;
 * takes the same time wherever it differs. */
bool webhook_body_is_signed(struct text key, struct text body, struct text signature);

#endif
