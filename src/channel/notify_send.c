/* One delivery: signed anew each time (a receiver refuses old timestamps), under the same id, and
 * what its answer means. Whatever is not a 2xx is tried again for a day, at growing distances. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "channel/notify_internal.h"
#include "http/webhook_signature.h"

#define FIRST_PAUSE_US US_PER_SECOND
#define LONGEST_PAUSE_US (10 * 60 * US_PER_SECOND)
#define RETRY_AFTER_MAX_S 3600
#define CONNECT_MS 5000
#define TIMEOUT_MS 20000
#define ANSWER_MAX ((size_t)64 * 1024)

/* https://HOST:PORT, and /the/rest?of=it */
static void split_url(struct text url, struct text *origin_out, struct text *path_out) {
    const char *slashes = memmem(url.data, url.length, "://", 3);
    size_t length = slashes != NULL ? (size_t)(slashes - url.data) + 3 : 0;
    while (length < url.length && memchr("/?", url.data[length], 2) == NULL)
        length++;
    *origin_out = (struct text){url.data, length};
    *path_out = (struct text){url.data + length, url.length - length};
}

static enum status prepare_client(struct target *target, struct error *error) {
    struct text origin, path;
    if (target->client != NULL)
        return STATUS_OK;
    split_url(target->config->url, &origin, &path);
    struct http_client_options options = {
        .base_url = origin,
        .ca_file = target->config->ca_file.length > 0 ? target->config->ca_file.data : NULL,
        .forbid_private = !target->config->allow_private,
        .connect_ms = CONNECT_MS,
        .timeout_ms = TIMEOUT_MS,
        .answer_max = ANSWER_MAX,
        .give_up = &target->stopping,
    };
    return http_client_new(&options, &target->client, error);
}

/* The secret is read each time, so that a new one counts at once. */
static enum status sign(const struct target *target, const struct notify_message *message,
                        int64_t now_s, struct buffer *signature, struct error *error) {
    struct buffer secret = {0};
    struct webhook_secrets secrets = {0};
    enum status status = config_secret(&target->config->secret, &secret, error);
    if (status == STATUS_OK)
        status = webhook_secrets_parse(buffer_text(&secret), &secrets, error);
    if (status == STATUS_OK)
        webhook_sign(&secrets, text_from(message->id), now_s, buffer_text(&message->body),
                     signature);
    webhook_secrets_wipe(&secrets);
    config_secret_wipe(&secret);
    return status;
}

static enum status post(struct target *target, const struct notify_message *message,
                        struct arena *arena, struct http_answer *answer, struct error *error) {
    struct text origin, path;
    struct buffer signature = {0};
    char timestamp[U64_TEXT_SIZE];
    int64_t now_s = hub_now_us(target->hub) / US_PER_SECOND;
    enum status status = prepare_client(target, error);
    if (status == STATUS_OK)
        status = sign(target, message, now_s, &signature, error);
    if (status != STATUS_OK)
        return status;
    (void)text_format_u64((uint64_t)now_s, timestamp);
    const struct http_header headers[] = {
        {TEXT("content-type"), TEXT("application/cloudevents+json; charset=utf-8")},
        {TEXT("webhook-id"), text_from(message->id)},
        {TEXT("webhook-timestamp"), text_from(timestamp)},
        {TEXT("webhook-signature"), buffer_text(&signature)},
    };
    split_url(target->config->url, &origin, &path);
    struct http_request request = {.method = "POST",
                                   .path = path,
                                   .headers = headers,
                                   .header_count = sizeof headers / sizeof headers[0],
                                   .body = buffer_text(&message->body)};
    status = http_send(target->client, &request, arena, answer, error);
    buffer_deinit(&signature);
    return status;
}

/* ---- what became of it ---- */

static void describe(const struct target *target, int code, struct error *error) {
    const char *advice = "see the receiver's log";
    if (code >= 300 && code < 400)
        advice = "redirects are not followed: configure the URL it leads to";
    else if (code == 401 || code == 403)
        advice = "does the receiver have the same secret, and the right time?";
    else if (code == 404)
        advice = "check the URL";
    else if (code == 410)
        advice = "it wants no more; nothing is sent there until the hub starts again";
    (void)error_set(error, STATUS_REFUSED, "notify %.80s: answered %d: %s",
                    target->config->name.data, code, advice);
}

static int64_t pause_after(unsigned failures, int64_t retry_after_s) {
    int64_t pause_us = FIRST_PAUSE_US;
    uint32_t random;
    for (unsigned i = 1; i < failures && pause_us < LONGEST_PAUSE_US; i++)
        pause_us *= 2;
    if (pause_us > LONGEST_PAUSE_US)
        pause_us = LONGEST_PAUSE_US;
    random_bytes(&random, sizeof random);
    pause_us = pause_us / 2 + (int64_t)(random % 1024) * pause_us / 1024;
    return pause_us > retry_after_s * US_PER_SECOND ? pause_us : retry_after_s * US_PER_SECOND;
}

static void note_delivered(struct target *target) {
    bool again = target->failures_in_row > 0;
    log_info(again ? "notice delivered, after failures" : "notice delivered", "target=%s notice=%s",
             log_quote(target->config->name), target->head->id);
    target->failures_in_row = 0;
    notify_queue_done(target, true);
    pthread_mutex_lock(&target->lock);
    target->info.sent++;
    target->info.state = "ok";
    target->info.last_sent_us = hub_now_us(target->hub);
    pthread_mutex_unlock(&target->lock);
}

static void note_failure(struct target *target, const struct error *error, const char *state) {
    target->failures_in_row++;
    pthread_mutex_lock(&target->lock);
    target->info.failures++;
    target->info.state = state;
    (void)snprintf(target->info.last_error, sizeof target->info.last_error, "%s",
                   error->detail[0] != '\0' ? error->detail : status_meaning(error->status));
    target->info.last_error_us = hub_now_us(target->hub);
    pthread_mutex_unlock(&target->lock);
    /* The first is news; the others are in /v1/status. */
    if (target->failures_in_row == 1)
        log_warn("notice not delivered, trying again", "target=%s error=%s",
                 log_quote(target->config->name), log_quote(text_from(error->detail)));
}

static void stop_for_good(struct target *target) {
    while (target->head != NULL)
        notify_queue_done(target, false);
}

void notify_send(struct target *target) {
    struct arena arena = {0};
    struct http_answer answer = {0};
    struct error error = {0};
    struct notify_message *message = target->head;
    enum status status = post(target, message, &arena, &answer, &error);
    bool answered = status == STATUS_OK;
    int64_t retry_after_s =
        answered ? http_retry_after_s(&answer, hub_now_us(target->hub), RETRY_AFTER_MAX_S, 0) : 0;
    arena_deinit(&arena);
    if (__atomic_load_n(&target->stopping, __ATOMIC_ACQUIRE) && !answered)
        return; /* it stays in the store */
    if (answered && answer.code >= 200 && answer.code < 300) {
        note_delivered(target);
        return;
    }
    if (answered)
        describe(target, answer.code, &error);
    note_failure(target, &error, answered && answer.code == 410 ? "stopped" : "failing");
    target->next_try_us = monotonic_us() + pause_after(target->failures_in_row, retry_after_s);
    if (answered && answer.code == 410)
        stop_for_good(target);
    else if (hub_now_us(target->hub) - message->queued_us > NOTIFY_GIVE_UP_US)
        notify_queue_done(target, false);
    else if (answered && answer.code >= 400 && answer.code < 500 && answer.code != 429)
        notify_queue_rotate(target); /* perhaps it is this one that is not liked */
}
