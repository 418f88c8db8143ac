/* Calls, answers and queries of shops that speak JSON over HTTP. */
#include "channel/shop_call.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "base/hash.h"
#include "base/quantity.h"

#define RESET_MOST_MS UINT64_C(900000)
#define THROTTLED_MOST 20u /* in a row, before an audit is given up */
#define QUERY_MOST 3500u   /* bytes of SKUs in one address: proxies refuse more than 8 KB in all */

/* ---- one call ---- */

/* How many requests are left, and when there will be more, where the answer says so. */
static void heed_limits(const struct channel_context *context, const struct http_answer *answer,
                        struct channel_call *call) {
    uint64_t left, reset_ms;
    int64_t now_us = clock_now_us(&context->clock);
    if (!shop_number(http_answer_header(answer, "x-rate-limit-time-reset-ms"), &reset_ms)) {
        return;
    }
    bool is_out =
        shop_number(http_answer_header(answer, "x-rate-limit-requests-left"), &left) && left == 0;
    if (is_out || answer->code == 429) {
        reset_ms = reset_ms < RESET_MOST_MS ? reset_ms : RESET_MOST_MS;
        int64_t next_us = now_us + (int64_t)reset_ms * 1000;
        call->next_us = call->next_us > next_us ? call->next_us : next_us;
    }
}

bool shop_send(struct http_client *client, const struct channel_context *context,
               const struct shop_call *what, struct arena *arena, struct http_answer *answer_out,
               struct channel_call *call) {
    const struct http_header headers[] = {
        what->credential,
        {TEXT("accept"), TEXT("application/json")},
        {TEXT("user-agent"), text_from(context->user_agent_instance)},
        {TEXT("content-type"), what->type.length > 0 ? what->type : TEXT("application/json")},
    };
    struct http_request request = {.method = what->method,
                                   .path = what->path,
                                   .headers = headers,
                                   .header_count = sizeof(headers) / sizeof(headers[0]),
                                   .body = what->body};
    bool reads = strcmp(what->method, "GET") == 0;
    request.header_count -= what->body.length == 0;
    *answer_out = (struct http_answer){0};
    bool answered = channel_http_send(client, context, &request, reads, arena, answer_out, call);
    heed_limits(context, answer_out, call);
    return answered;
}

bool shop_send_rested(struct http_client *client, const struct channel_context *context,
                      const struct shop_call *what, struct arena *arena,
                      struct http_answer *answer_out, struct channel_call *call) {
    for (unsigned i = 0; i < THROTTLED_MOST; i++) {
        if (!channel_rest(context, call->next_us)) {
            shop_judge(call, CHANNEL_CALL_NOT_SENT, "given up: the hub is ending");
            return false;
        }
        *call = (struct channel_call){0};
        if (shop_send(client, context, what, arena, answer_out, call)) {
            return true;
        }
        if (call->verdict != CHANNEL_CALL_THROTTLED) {
            return false;
        }
        if (call->next_us == 0) {
            call->next_us = clock_now_us(&context->clock) + US_PER_SECOND;
        }
    }
    return false;
}

bool shop_secret(const struct config_secret_ref *ref, const char *key, const char *before,
                 struct buffer *out, struct channel_call *call) {
    struct buffer secret = {0};
    struct error error = {0};
    enum status status = config_secret(ref, &secret, &error);
    if (status == STATUS_OK) {
        buffer_reserve(out, (size_t)CONFIG_SECRET_MAX + strlen(before) + 1);
        buffer_append_string(out, before);
        buffer_append_text(out, buffer_text(&secret));
    } else {
        shop_judge(call, CHANNEL_CALL_UNAUTHORIZED, "%s: %s", key, error.detail);
    }
    config_secret_wipe(&secret);
    return status == STATUS_OK;
}

void shop_append_base64(struct buffer *out, struct text bytes) {
    require(bytes.length <= CONFIG_SECRET_MAX * 4u);
    size_t most = (bytes.length + 2) / 3 * 4 + 1;
    buffer_reserve(out, most);
    out->length += (size_t)EVP_EncodeBlock((unsigned char *)out->data + out->length,
                                           (const unsigned char *)bytes.data, (int)bytes.length);
}

void shop_judge(struct channel_call *call, enum channel_verdict verdict, const char *format, ...) {
    va_list arguments;
    call->verdict = verdict;
    va_start(arguments, format);
    (void)vsnprintf(call->words, sizeof(call->words), format, arguments);
    va_end(arguments);
}

enum status shop_check_url(const struct config_channel *config, struct error *error) {
    const char plain[] = "http://";
    size_t length = sizeof(plain) - 1;
    struct text scheme = {config->url.data,
                          config->url.length < length ? config->url.length : length};
    if (!config->allow_private && text_equal_ignore_case(scheme, text_from(plain))) {
        return error_set(error, STATUS_BAD_VALUE,
                         "url: http:// would send the credentials for everybody to read: write "
                         "https:// (or allow_private: true in a network of your own)");
    }
    return STATUS_OK;
}

/* ---- answers ---- */

bool shop_number(struct text digits, uint64_t *number_out) {
    uint64_t number = 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' || number > (UINT64_MAX - 9) / 10) {
            return false;
        }
        number = number * 10 + (uint64_t)(digits.data[i] - '0');
    }
    *number_out = number;
    return digits.length > 0;
}

bool shop_quantity(struct text number, int64_t *milli_out) {
    if (number.length == 0) {
        return false;
    }
    const char *point = memchr(number.data, '.', number.length);
    while (point != NULL && number.data + number.length - point > 4 &&
           number.data[number.length - 1] == '0') {
        number.length--;
    }
    return quantity_parse_json(number, milli_out) == STATUS_OK;
}

/* ---- items ---- */

struct channel_item *shop_find(const struct channel_batch *batch, struct text theirs,
                               struct text sku, size_t *hint) {
    for (size_t i = 0; i < batch->count; i++) {
        size_t at = (*hint + i) % batch->count;
        struct channel_item *item = &batch->items[at];
        if (text_equal_ignore_case(item->sku, sku) && text_equal(item->theirs, theirs)) {
            *hint = at + 1; /* answers mostly come in the order of the question */
            return item;
        }
    }
    return NULL;
}

static struct text spelling_key(struct arena *arena, struct text theirs) {
    return arena_format(arena, "spelled:%.*s", TEXT_ARG(theirs));
}

void shop_note_spelling(struct channel_notes *notes, struct arena *arena, struct text theirs,
                        struct text ours) {
    if (!text_equal(theirs, ours)) {
        channel_note_put(notes, spelling_key(arena, theirs), ours);
    }
}

struct text shop_our_spelling(struct channel_notes *notes, struct arena *arena,
                              struct text theirs) {
    struct text ours = channel_note_get(notes, spelling_key(arena, theirs));
    return ours.length > 0 ? ours : theirs;
}

void shop_all(const struct channel_batch *batch, enum channel_outcome outcome, struct text words) {
    for (size_t i = 0; i < batch->count; i++) {
        batch->items[i].outcome = outcome;
        batch->items[i].words = words;
    }
}

size_t shop_append_skus(struct buffer *query, const struct channel_batch *batch, const bool *chosen,
                        size_t most, size_t *at) {
    size_t begin = query->length, count = 0;
    struct text last = {NULL, 0};
    for (; *at < batch->count && count < most && query->length - begin < QUERY_MOST; (*at)++) {
        struct text sku = batch->items[*at].sku;
        bool alone = memchr(sku.data, ',', sku.length) != NULL;
        if ((chosen != NULL && !chosen[*at]) || (count > 0 && text_equal(sku, last))) {
            continue;
        }
        if (alone && count > 0) {
            break;
        }
        if (count > 0) {
            buffer_append_string(query, "%2C");
        }
        http_append_escaped(query, sku);
        last = sku;
        count++;
        if (alone) {
            (*at)++;
            break;
        }
    }
    return count;
}

/* ---- what was written a moment ago ---- */

static uint64_t hash_of(const struct channel_item *item) {
    uint64_t hash = hash_text_more(hash_text(item->theirs), item->sku);
    return hash != 0 ? hash : 1;
}

void shop_written_deinit(struct shop_written *written) {
    free(written->cells);
    written->cells = NULL;
    written->count = written->capacity = 0;
}

static void put(struct shop_written *written, uint64_t hash, int64_t at_us) {
    size_t at = hash & (written->capacity - 1);
    while (written->cells[at].hash != 0 && written->cells[at].hash != hash) {
        at = (at + 1) & (written->capacity - 1);
    }
    written->count += written->cells[at].hash == 0;
    written->cells[at] = (struct shop_written_cell){hash, at_us};
}

/* Without what is too old to matter; half full at most. */
static void make_room(struct shop_written *written, int64_t now_us) {
    struct shop_written_cell *old = written->cells;
    size_t old_capacity = written->capacity, live = 0;
    for (size_t i = 0; i < old_capacity; i++) {
        live += old[i].hash != 0 && old[i].at_us + written->keep_us > now_us;
    }
    written->capacity = 256;
    while (written->capacity < live * 4) {
        written->capacity *= 2;
    }
    written->cells = memory_alloc_zero(written->capacity, sizeof(*written->cells));
    written->count = 0;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].hash != 0 && old[i].at_us + written->keep_us > now_us) {
            put(written, old[i].hash, old[i].at_us);
        }
    }
    free(old);
}

void shop_written_put(struct shop_written *written, const struct channel_item *item,
                      int64_t now_us) {
    if ((written->count + 1) * 2 > written->capacity) {
        make_room(written, now_us);
    }
    put(written, hash_of(item), now_us);
}

int64_t shop_written_at_us(const struct shop_written *written, const struct channel_item *item) {
    uint64_t hash = hash_of(item);
    size_t at = written->capacity > 0 ? hash & (written->capacity - 1) : 0;
    while (written->capacity > 0 && written->cells[at].hash != 0) {
        if (written->cells[at].hash == hash) {
            return written->cells[at].at_us;
        }
        at = (at + 1) & (written->capacity - 1);
    }
    return 0;
}
