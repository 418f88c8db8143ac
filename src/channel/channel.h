/* A channel's platform: the only thing that differs between one shop and another.
 *
 * The publisher (publisher.h) decides what is sent, when, and in which order; it has the intent on
 * disk before a call, and what the call answered after it. A platform turns one batch into one
 * call (or as few as the other side's limits ask for) and says of each item what became of it.
 * It keeps no queue, never retries, never sleeps: it answers, and the publisher decides. README.md
 * tells how to write one; webhook.c is the worked example.
 *
 *   open -> (send | read_back | read_all) ... -> close
 *
 * Calls come one at a time from the channel's own thread, and may block in src/http. An audit has a
 * state of its own, opened for it, on a thread of its own, so that no sale waits for it: two states
 * of a channel share nothing but the notes, which may be used from both. */
#ifndef ONHAND_CHANNEL_CHANNEL_H
#define ONHAND_CHANNEL_CHANNEL_H

#include "config/config.h"
#include "http/client.h"
#include "hub/hub.h"

#define CHANNEL_UNKNOWN_MILLI INT64_MIN /* a figure nobody has been told, or has read */
#define CHANNEL_IDENTIFIERS_MAX 8
#define CHANNEL_WORDS_MAX 240u /* of the platform's words about one item that are kept */
#define CHANNEL_KEY_SIZE 40    /* an idempotency key: a UUID in its usual form, and a NUL */

/* ---- one item ---- */

/* What the platform says of an item. Zero is not an answer: send must set each. */
enum channel_outcome {
    CHANNEL_UNANSWERED,
    CHANNEL_CONFIRMED, /* send: the shop has the figure. read_back: actual_milli is what it shows */
    CHANNEL_RETRY,     /* certainly not applied; the same may be sent again a little later */
    CHANNEL_UNCERTAIN, /* may have been applied: it is read back before anything is sent again */
    CHANNEL_STALE,     /* compare-and-set: the shop shows actual_milli instead of item->told_milli;
                          CHANNEL_UNKNOWN_MILLI there makes the publisher read it back */
    CHANNEL_PARKED,    /* refused for good, as it is: words say why, in the platform's own */
    CHANNEL_UNMAPPED   /* the shop does not sell it, or not there: quietly left out, looked for
                          again after a day, on resync, and when it is audited */
};

/* A figure to send, or to read. Texts live as long as the batch. */
struct channel_item {
    struct text location; /* our code; the first one where several of ours are one of theirs */
    struct text theirs;   /* their name of it, from `locations:`; empty where they have none */
    struct text sku;      /* catalog_product_sku */
    const struct identifier *identifiers; /* all of the product: type in lower case */
    size_t identifier_count;
    int64_t quantity_milli; /* what to set: never negative; whole units where the platform says */
    int64_t told_milli;     /* what the shop should show now: last confirmed or read; may be
                               CHANNEL_UNKNOWN_MILLI. For platforms that compare before they set */
    uint64_t version;       /* of the figure: grows with every change of the cell */
    int64_t on_hand_milli, reserved_milli, available_milli; /* ours, for platforms that tell them */
    int64_t changed_at_us;
    uint32_t place, product; /* the publisher's numbers: leave them alone */

    enum channel_outcome outcome; /* out */
    int64_t actual_milli;         /* out, where the outcome says so */
    struct text words;            /* out, of PARKED, RETRY, UNCERTAIN; in the batch's arena */
};

/* At most platform->batch_max items, no two of the same place and product. */
struct channel_batch {
    struct channel_item *items;
    size_t count;
    /* The same after a failure whenever the same figures are sent again, else a new one. On disk
     * before the call. A platform that needs several calls for a batch adds "/1", "/2" ... */
    char key[CHANNEL_KEY_SIZE];
    int64_t now_us;
    struct arena *arena; /* for answers and words; emptied after the batch */
};

/* ---- one call ---- */

/* What happened to the call as a whole. Only with CHANNEL_CALL_OK the items' outcomes are looked
 * at; otherwise the verdict speaks for all of them. */
enum channel_verdict {
    CHANNEL_CALL_OK,
    CHANNEL_CALL_THROTTLED,    /* nothing applied: too much at once; see next_us */
    CHANNEL_CALL_NOT_SENT,     /* nothing applied: not reached, or the shop is down for now */
    CHANNEL_CALL_UNCERTAIN,    /* nobody knows: each is read back before anything is sent again */
    CHANNEL_CALL_REFUSED,      /* nothing applied because of some item, it does not say which: the
                                  batch is halved until the culprit stands alone, which is parked */
    CHANNEL_CALL_UNAUTHORIZED, /* nothing applied: credentials wrong, expired, or too weak */
    CHANNEL_CALL_STOPPED /* nothing applied, and the shop wants no more (410): until resumed */
};

struct channel_call {
    enum channel_verdict verdict;
    /* Not before this instant the next call: from the answer's own limits (channel_bucket below),
     * Retry-After, or both; 0: at once. Also with CHANNEL_CALL_OK. The publisher bounds it. */
    int64_t next_us;
    /* Items the next call may have by the answer's own limits; 0: no opinion. */
    size_t next_items;
    /* When `tend` is to be called, at the latest; 0: no opinion. */
    int64_t tend_us;
    /* What was told at this instant or later may have been overwritten there: it is read back, all
     * of it; 0: nothing. */
    int64_t doubt_since_us;
    /* For people, when the verdict is not OK: what happened, and what to do about it. No secrets,
     * and of an answer's text only what channel_words() lets through. */
    char words[320];
};

/* ---- a budget that the answers themselves feed ---- */

/* A leaky bucket as the shop describes it: `level` points are left of `capacity`, and
 * `per_second` come back. Zero-initialise: knows of no limit. */
struct channel_bucket {
    double capacity, level, per_second;
    int64_t at_us;
};
void channel_bucket_feed(struct channel_bucket *bucket, double capacity, double level,
                         double per_second, int64_t now_us);
/* When `cost` points will be there; now_us where no limit is known. */
int64_t channel_bucket_ready_us(const struct channel_bucket *bucket, double cost, int64_t now_us);

/* ---- what a platform gets ---- */

/* Ids over there and whatever else was looked up and is worth keeping: text by text, kept in memory
 * and on disk, written along with the next batch (lost in a crash, it is looked up again). */
struct channel_notes;
struct text channel_note_get(struct channel_notes *notes,
                             struct text key); /* empty: none; lives
                                                  as long as the notes */
void channel_note_put(struct channel_notes *notes, struct text key, struct text value);
void channel_note_forget(struct channel_notes *notes, struct text key);

struct channel_context {
    const struct config_channel *config;
    const char *user_agent_instance; /* "onhand/NAME" */
    struct text source;              /* who we are: CloudEvents source, reference documents */
    struct channel_notes *notes;
    const bool *stopping; /* becomes true (atomically) when the hub ends: give up what takes long */
    struct clock clock;
};

/* Every item that read_all finds. `theirs` as in `locations:`, empty where they have none; the
 * identifier (type "sku", "upc" ...) names the product. False: enough, stop reading. */
struct channel_sink {
    bool (*take)(void *context, struct text theirs, const struct identifier *identifier,
                 int64_t actual_milli);
    void *context;
};

/* What a message of the shop's own accord says of a figure. It may be old by now, so it is only a
 * hint to read. Texts live in the arena, the notes or the configuration. */
struct channel_hint {
    struct text theirs, sku; /* sku empty: none of ours */
    int64_t actual_milli;
};

struct channel_platform {
    const char *name;  /* as in `type:` */
    size_t batch_max;  /* items in one send */
    size_t read_max;   /* items in one read_back; 0: as many as in one send */
    bool whole_units;  /* figures are floored to whole units */
    bool one_location; /* it has none of its own: `locations` is a list, and figures are sums */
    bool tells_each_change; /* not a shop but a listener: a change of on_hand alone is told too, a
                               new channel starts with the next change, and what is uncertain is
                               sent again with the same key instead of read back */

    /* Checks what can be checked without a call; no network. */
    must_check enum status (*open)(const struct channel_context *context, void **state_out,
                                   struct error *error);
    void (*close)(void *state); /* NULL is fine */

    /* Sets the figures. Fills *call (zeroed) and, where its verdict is OK, each item's outcome. */
    void (*send)(void *state, struct channel_batch *batch, struct channel_call *call);

    /* What the shop shows now for these items: CONFIRMED with actual_milli, UNMAPPED, RETRY, or
     * PARKED. NULL only where nothing can be read (tells_each_change). */
    void (*read_back)(void *state, struct channel_batch *batch, struct channel_call *call);

    /* Items in one send by the configuration; NULL: batch_max. */
    size_t (*batch_for)(const struct config_channel *config);

    /* Looks after what the shop does in its own time, as working off a queue: called once it is
     * open, and then at call->tend_us. NULL: nothing of the kind. */
    void (*tend)(void *state, struct arena *arena, struct channel_call *call);

    /* Reads a message of the shop's (its signature is right). STATUS_OK: *hint_out is filled;
     * STATUS_END: it is about something else. From any thread, with nothing but the context. */
    enum status (*hint)(const struct channel_context *context, struct text topic, struct text body,
                        struct arena *arena, struct channel_hint *hint_out, struct error *error);

    /* Everything the shop shows, for an audit, in as few calls as it takes, resting between them as
     * the shop's limits ask (channel_rest). NULL: the publisher reads back all it knows instead. */
    void (*read_all)(void *state, const struct channel_sink *sink, struct channel_call *call);
};

extern const struct channel_platform channel_platform_hotwax;
extern const struct channel_platform channel_platform_shopify;
extern const struct channel_platform channel_platform_webhook;
extern const struct channel_platform channel_platform_magento;
extern const struct channel_platform channel_platform_woocommerce;
extern const struct channel_platform channel_platform_bigcommerce;
/* NULL for a type that is not published to in this way. */
const struct channel_platform *channel_platform_of(enum config_channel_type type);

/* ---- helpers for platforms (answers.c) ---- */

/* A client of config->url with this channel's rules: TLS, allow_private, limits of time and size,
 * given up when the hub ends. */
must_check enum status channel_http_new(const struct channel_context *context,
                                        struct http_client **client_out, struct error *error);

/* Sends and judges the answer as a whole, the same way for every platform:
 *   2xx                     true: read the body
 *   429, 503 with Retry-After  THROTTLED until then (within a quarter of an hour)
 *   401, 403                UNAUTHORIZED
 *   410                     STOPPED
 *   3xx                     NOT_SENT, with where to (never followed)
 *   other 5xx, no answer    UNCERTAIN (a server may fail after applying)
 *   could not be reached    NOT_SENT
 *   other 4xx               true as well: *answer_out->code tells, the platform knows its words
 * False: *call is filled, leave at once. `reads`: the request changes nothing, so what would be
 * UNCERTAIN is NOT_SENT. */
must_check bool channel_http_send(struct http_client *client, const struct channel_context *context,
                                  const struct http_request *request, bool reads,
                                  struct arena *arena, struct http_answer *answer_out,
                                  struct channel_call *call);

/* The answer is not what the platform answers (HTML, cut off, another shape): UNCERTAIN for what
 * writes, NOT_SENT for what reads. */
void channel_garbled(struct channel_call *call, const struct http_answer *answer, bool reads,
                     const char *what);

/* Untrusted text made fit to keep and show: printable UTF-8, on one line, at most `most` bytes; in
 * the arena. */
struct text channel_words(struct arena *arena, struct text untrusted, size_t most);

/* "N" or "N.NNN" as JSON numbers are written; whole units where the platform is whole_units. */
struct text channel_quantity(struct arena *arena, int64_t milli);

/* Waits until `until_us` or until the hub ends (false). For read_all only. */
must_check bool channel_rest(const struct channel_context *context, int64_t until_us);

#endif
