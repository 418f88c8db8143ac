/* What every platform needs and none should write again: judging an HTTP answer as a whole, keeping
 * a shop's words fit to show, its budget, waiting. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/quantity.h"
#include "channel/channel.h"

#define WAIT_MAX_S 900
#define REST_STEP_US 100000
#define ANSWER_MAX ((size_t)32 << 20)

/* ---- the client ---- */

enum status channel_http_new(const struct channel_context *context, struct http_client **client_out,
                             struct error *error) {
    const struct config_channel *config = context->config;
    struct http_client_options options = {
        .base_url = config->url,
        .ca_file = config->ca_file.length > 0 ? config->ca_file.data : NULL,
        .forbid_private = !config->allow_private,
        .answer_max = ANSWER_MAX,
        .give_up = context->stopping};
    return http_client_new(&options, client_out, error);
}

/* ---- judging ---- */

static void __attribute__((format(printf, 4, 5)))
judge(struct channel_call *call, enum channel_verdict verdict, int64_t next_us, const char *format,
      ...) {
    va_list arguments;
    call->verdict = verdict;
    call->next_us = next_us;
    va_start(arguments, format);
    (void)vsnprintf(call->words, sizeof(call->words), format, arguments);
    va_end(arguments);
}

/* The beginning of the body, quoted, where it may help. */
static struct text shown(struct arena *arena, const struct http_answer *answer) {
    struct text words = channel_words(arena, answer->body, 120);
    return words.length > 0 ? words : TEXT("no body");
}

static bool judge_refusal(const struct http_answer *answer, const struct channel_context *context,
                          struct arena *arena, struct channel_call *call) {
    int64_t now_us = clock_now_us(&context->clock);
    switch (answer->code) {
    case 401:
    case 403:
        judge(call, CHANNEL_CALL_UNAUTHORIZED, 0,
              "%d: the shop does not accept the credentials, or they may not do this: check the "
              "token's rights and that it has not expired (%.*s)",
              answer->code, TEXT_ARG(shown(arena, answer)));
        return true;
    case 410:
        judge(call, CHANNEL_CALL_STOPPED, 0,
              "410: the receiver wants nothing more; resume the channel once that has changed");
        return true;
    case 429: {
        int64_t wait_s = http_retry_after_s(answer, now_us, WAIT_MAX_S, 0);
        judge(call, CHANNEL_CALL_THROTTLED, wait_s > 0 ? now_us + wait_s * US_PER_SECOND : 0,
              "429: too many requests, going on when the shop allows it");
        return true;
    }
    default:
        return false;
    }
}

static bool judge_code(const struct http_answer *answer, const struct channel_context *context,
                       bool reads, struct arena *arena, struct channel_call *call) {
    int64_t now_us = clock_now_us(&context->clock);
    if (answer->code >= 300 && answer->code < 400) {
        struct text to = channel_words(arena, http_answer_header(answer, "location"), 160);
        judge(call, CHANNEL_CALL_NOT_SENT, 0,
              "%d: redirected to '%.*s', which is not followed: put the right address into url",
              answer->code, TEXT_ARG(to));
        return true;
    }
    if (answer->code == 503) {
        int64_t wait_s = http_retry_after_s(answer, now_us, WAIT_MAX_S, -1);
        if (wait_s >= 0) {
            judge(call, CHANNEL_CALL_THROTTLED, now_us + wait_s * US_PER_SECOND,
                  "503: the shop asks to wait %lld seconds", (long long)wait_s);
            return true;
        }
    }
    if (answer->code >= 500) {
        judge(call, reads ? CHANNEL_CALL_NOT_SENT : CHANNEL_CALL_UNCERTAIN, 0,
              "%d: the shop failed: %.*s", answer->code, TEXT_ARG(shown(arena, answer)));
        return true;
    }
    return judge_refusal(answer, context, arena, call);
}

bool channel_http_send(struct http_client *client, const struct channel_context *context,
                       const struct http_request *request, bool reads, struct arena *arena,
                       struct http_answer *answer_out, struct channel_call *call) {
    struct error error = {0};
    switch (http_send(client, request, arena, answer_out, &error)) {
    case STATUS_OK:
        return !judge_code(answer_out, context, reads, arena, call);
    case STATUS_UNCERTAIN:
        judge(call, reads ? CHANNEL_CALL_NOT_SENT : CHANNEL_CALL_UNCERTAIN, 0, "%s", error.detail);
        return false;
    default:
        judge(call, CHANNEL_CALL_NOT_SENT, 0, "%s", error.detail);
        return false;
    }
}

void channel_garbled(struct channel_call *call, const struct http_answer *answer, bool reads,
                     const char *what) {
    struct arena arena = {0};
    judge(call, reads ? CHANNEL_CALL_NOT_SENT : CHANNEL_CALL_UNCERTAIN, 0,
          "%d, but not an answer as this platform gives it (%s): %.*s", answer->code, what,
          TEXT_ARG(shown(&arena, answer)));
    arena_deinit(&arena);
}

/* ---- words ---- */

struct text channel_words(struct arena *arena, struct text untrusted, size_t most) {
    char *out = arena_alloc(arena, most + 1);
    size_t length = 0, at = 0;
    bool blank = true; /* none at the beginning, never two */
    while (at < untrusted.length && length < most) {
        struct text rest = {untrusted.data + at, untrusted.length - at};
        size_t bytes = text_utf8_length(rest);
        unsigned char c = (unsigned char)rest.data[0];
        if (bytes == 0 || c <= ' ' || c == 0x7f) {
            at += bytes == 0 ? 1 : bytes;
            if (!blank) {
                out[length++] = ' ';
                blank = true;
            }
            continue;
        }
        if (length + bytes > most) {
            break;
        }
        memcpy(out + length, rest.data, bytes);
        length += bytes;
        at += bytes;
        blank = false;
    }
    length -= length > 0 && out[length - 1] == ' ';
    out[length] = '\0';
    return (struct text){out, length};
}

struct text channel_quantity(struct arena *arena, int64_t milli) {
    char text[QUANTITY_TEXT_SIZE];
    size_t length = quantity_format(milli, text);
    return arena_copy(arena, (struct text){text, length});
}

/* ---- a budget ---- */

void channel_bucket_feed(struct channel_bucket *bucket, double capacity, double level,
                         double per_second, int64_t now_us) {
    if (!(capacity > 0) || !(per_second > 0) || !(level <= capacity)) {
        return; /* a limit that makes no sense is none */
    }
    *bucket = (struct channel_bucket){capacity, level, per_second, now_us};
}

int64_t channel_bucket_ready_us(const struct channel_bucket *bucket, double cost, int64_t now_us) {
    if (!(bucket->per_second > 0)) {
        return now_us;
    }
    double needed = cost < bucket->capacity ? cost : bucket->capacity;
    double wait_s = (needed - bucket->level) / bucket->per_second;
    if (!(wait_s > 0)) {
        return now_us;
    }
    wait_s = wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S;
    int64_t ready_us = bucket->at_us + (int64_t)(wait_s * 1e6);
    return ready_us > now_us ? ready_us : now_us;
}

/* ---- waiting ---- */

bool channel_rest(const struct channel_context *context, int64_t until_us) {
    int64_t left_us = until_us - clock_now_us(&context->clock);
    left_us = left_us < WAIT_MAX_S * US_PER_SECOND ? left_us : WAIT_MAX_S * US_PER_SECOND;
    while (left_us > 0 && !__atomic_load_n(context->stopping, __ATOMIC_RELAXED)) {
        int64_t step_us = left_us < REST_STEP_US ? left_us : REST_STEP_US;
        struct timespec step = {.tv_nsec = (long)(step_us * 1000)};
        (void)nanosleep(&step, NULL);
        left_us -= step_us;
    }
    return !__atomic_load_n(context->stopping, __ATOMIC_RELAXED);
}
