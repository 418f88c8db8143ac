/* What the shops that speak JSON over HTTP have in common: a call with its credential, numbers as
 * they write them, queries that ask for several SKUs at once, and remembering for a while what has
 * just been written. Their answers are read as trees (tree.h).
 *
 * Nothing here judges: channel_http_send does, and each platform knows its own answers. */
#ifndef ONHAND_CHANNEL_SHOP_CALL_H
#define ONHAND_CHANNEL_SHOP_CALL_H

#include "base/json.h"
#include "channel/channel.h"

/* ---- one call ---- */

struct shop_call {
    const char *method; /* GET changes nothing, so it is never uncertain */
    struct text path;   /* with its query */
    struct text body;   /* empty: none */
    struct text type;   /* of the body; empty: JSON */
    struct http_header credential;
};

/* As channel_http_send, with the headers that are always sent. Limits told in X-Rate-Limit-*
 * headers go to call->next_us. *answer_out is all zeros where there was no answer. */
must_check bool shop_send(struct http_client *client, const struct channel_context *context,
                          const struct shop_call *what, struct arena *arena,
                          struct http_answer *answer_out, struct channel_call *call);
/* The same for read_all: rests until call->next_us first, and again as often as it is throttled,
 * within bounds. */
must_check bool shop_send_rested(struct http_client *client, const struct channel_context *context,
                                 const struct shop_call *what, struct arena *arena,
                                 struct http_answer *answer_out, struct channel_call *call);

/* Appends the secret to *out, after `before`. False: *call says so, naming `key`. The buffer is to
 * be wiped with config_secret_wipe, and is reserved large enough never to leave a copy behind. */
must_check bool shop_secret(const struct config_secret_ref *ref, const char *key,
                            const char *before, struct buffer *out, struct channel_call *call);

void shop_append_base64(struct buffer *out, struct text bytes);

/* Verdict and words; the words are cut where they are too long. */
void shop_judge(struct channel_call *call, enum channel_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Basic credentials and tokens go over TLS only, except in a network of one's own. */
must_check enum status shop_check_url(const struct config_channel *config, struct error *error);

/* ---- answers ---- */

/* A whole number without a sign; false: it is none, or too large. */
must_check bool shop_number(struct text digits, uint64_t *number_out);
/* A quantity in JSON's grammar; more than three decimals are allowed where they are zeros, as shops
 * that keep four write them. */
must_check bool shop_quantity(struct text number, int64_t *milli_out);

/* ---- items ---- */

/* SKUs are compared as shops do: without regard to case (ASCII). */
struct channel_item *shop_find(const struct channel_batch *batch, struct text theirs,
                               struct text sku, size_t *hint);
/* A SKU that the shop spells in its own way is remembered, so that an audit knows it for ours. */
void shop_note_spelling(struct channel_notes *notes, struct arena *arena, struct text theirs,
                        struct text ours);
struct text shop_our_spelling(struct channel_notes *notes, struct arena *arena, struct text theirs);
void shop_all(const struct channel_batch *batch, enum channel_outcome outcome, struct text words);

/* Appends SKUs of items that `chosen` names (by index; NULL: all) from *at on to a query, escaped,
 * with commas between, at most `most` and 3,500 bytes; one with a comma in it stands alone. Each
 * SKU once in a row of equal ones. Returns how many; *at is the first that was not looked at. */
size_t shop_append_skus(struct buffer *query, const struct channel_batch *batch, const bool *chosen,
                        size_t most, size_t *at);

/* ---- what was written a moment ago ---- */

/* Where writes settle only after a while, an old figure read back proves nothing yet. Cells by
 * hash, forgotten after `keep_us`. Zero-initialise but for keep_us. */
struct shop_written {
    int64_t keep_us;
    struct shop_written_cell {
        uint64_t hash;
        int64_t at_us;
    } * cells;
    size_t count, capacity; /* a power of two */
};
void shop_written_deinit(struct shop_written *written);
void shop_written_put(struct shop_written *written, const struct channel_item *item,
                      int64_t now_us);
/* When it was; 0: not lately. */
int64_t shop_written_at_us(const struct shop_written *written, const struct channel_item *item);

#endif
