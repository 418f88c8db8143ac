/* Two requests at once by curl's multi interface: one that is repeated, one that never ends. */
#include "cli/watch.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/timestamp.h"
#include "cli/view.h"

#define ASK_EVERY_US US_PER_SECOND
#define ASK_AGAIN_LEAST_US (US_PER_SECOND / 4)
#define STREAM_AGAIN_US US_PER_SECOND
#define CONNECT_TIMEOUT_MS 5000L
#define ANSWER_TIMEOUT_MS 15000L
#define SILENCE_S 45L /* three heartbeats of the stream */
#define ANSWER_MAX ((size_t)16 * 1024 * 1024)
#define EVENT_MAX ((size_t)1024 * 1024)
#define NOTICES_KEPT 4u
#define WAIT_FDS_MAX 4u

/* The last few texts, the newest at `next` - 1. */
struct ring {
    struct buffer items[TOP_LATEST];
    size_t room, next, count;
};

struct call {
    CURL *curl;
    struct curl_slist *headers;
    struct buffer body;
    char error[CURL_ERROR_SIZE];
    bool under_way;
    int64_t due_us;
};

struct watch {
    CURLM *multi;
    struct buffer url, authorization;
    struct call ask, stream;
    int64_t asked_us;
    json_t *now;
    int64_t hub_minus_us; /* the hub's clock less the monotonic one of here */
    bool away, refused, changed, streams;
    int64_t away_since_us; /* by the hub's clock */
    char trouble[CURL_ERROR_SIZE];
    struct buffer last_id;
    struct ring changes, notices;
    json_t *latest[TOP_LATEST];
};

/* ---- what came ---- */

static void ring_put(struct ring *ring, struct text text) {
    struct buffer *item = &ring->items[ring->next];
    buffer_clear(item);
    buffer_append_text(item, text);
    ring->next = (ring->next + 1) % ring->room;
    ring->count += ring->count < ring->room;
}

static void ring_deinit(struct ring *ring) {
    for (size_t i = 0; i < TOP_LATEST; i++)
        buffer_deinit(&ring->items[i]);
}

/* One line of a block of the stream. */
static void take_line(struct watch *watch, struct text line) {
    static const char change[] = "\"type\":\"onhand.inventory.changed\"";
    if (line.length > 4 && memcmp(line.data, "id: ", 4) == 0) {
        buffer_clear(&watch->last_id);
        buffer_append(&watch->last_id, line.data + 4, line.length - 4);
    } else if (line.length > 6 && memcmp(line.data, "data: ", 6) == 0) {
        struct text data = {line.data + 6, line.length - 6};
        bool is_change = memmem(data.data, data.length, change, sizeof change - 1) != NULL;
        ring_put(is_change ? &watch->changes : &watch->notices, data);
        if (!is_change) /* a held reset, a late feed: look at once */
            watch->ask.due_us = watch->asked_us + ASK_AGAIN_LEAST_US;
        watch->changed = true;
    }
}

static size_t take_stream(char *data, size_t size, size_t count, void *context) {
    struct watch *watch = context;
    struct buffer *rest = &watch->stream.body;
    if (rest->length + size * count > EVENT_MAX)
        return 0;
    buffer_append(rest, data, size * count);
    size_t done = 0;
    for (char *end; (end = memchr(rest->data + done, '\n', rest->length - done)) != NULL;) {
        take_line(watch, (struct text){rest->data + done, (size_t)(end - rest->data) - done});
        done = (size_t)(end - rest->data) + 1;
    }
    buffer_consume(rest, done);
    watch->changed = watch->changed || !watch->streams;
    watch->streams = true;
    return size * count;
}

static size_t take_answer(char *data, size_t size, size_t count, void *context) {
    struct watch *watch = context;
    if (watch->ask.body.length + size * count > ANSWER_MAX)
        return 0;
    buffer_append(&watch->ask.body, data, size * count);
    return size * count;
}

void watch_begin(struct watch *watch, const json_t *now) {
    int64_t hub_us = 0;
    json_t *kept = json_deep_copy(now);
    json_decref(watch->now);
    watch->now = kept;
    if (time_of(json_object_get(kept, "status"), "now", &hub_us))
        watch->hub_minus_us = hub_us - monotonic_us();
    watch->away = false;
    watch->changed = true;
}

static int64_t hub_now_us(const struct watch *watch) {
    return monotonic_us() + watch->hub_minus_us;
}

static void lose(struct watch *watch, const char *why) {
    if (!watch->away)
        watch->away_since_us = hub_now_us(watch);
    watch->away = true;
    watch->changed = true;
    (void)snprintf(watch->trouble, sizeof watch->trouble, "%s", why);
}

/* ---- the calls ---- */

static void begin_call(struct watch *watch, struct call *call, const char *path,
                       curl_write_callback take) {
    struct buffer url = {0};
    buffer_append_format(&url, "%s%s", watch->url.data, path);
    call->headers = curl_slist_append(NULL, watch->authorization.data);
    if (call == &watch->stream && watch->last_id.length > 0) {
        struct buffer header = {0};
        buffer_append_format(&header, "Last-Event-ID: %s", watch->last_id.data);
        call->headers = curl_slist_append(call->headers, header.data);
        buffer_deinit(&header);
    }
    buffer_clear(&call->body);
    call->error[0] = '\0';
    curl_easy_reset(call->curl);
    (void)curl_easy_setopt(call->curl, CURLOPT_URL, url.data);
    (void)curl_easy_setopt(call->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(call->curl, CURLOPT_USERAGENT, "onhand/" ONHAND_VERSION);
    (void)curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->headers);
    (void)curl_easy_setopt(call->curl, CURLOPT_ERRORBUFFER, call->error);
    (void)curl_easy_setopt(call->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(call->curl, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(call->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(call->curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(call->curl, CURLOPT_WRITEDATA, watch);
    if (call == &watch->ask) {
        (void)curl_easy_setopt(call->curl, CURLOPT_TIMEOUT_MS, ANSWER_TIMEOUT_MS);
    } else {
        (void)curl_easy_setopt(call->curl, CURLOPT_FAILONERROR, 1L);
        (void)curl_easy_setopt(call->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        (void)curl_easy_setopt(call->curl, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
    }
    require(curl_multi_add_handle(watch->multi, call->curl) == CURLM_OK);
    call->under_way = true;
    buffer_deinit(&url);
}

static void end_call(struct watch *watch, struct call *call) {
    if (!call->under_way)
        return;
    (void)curl_multi_remove_handle(watch->multi, call->curl);
    curl_slist_free_all(call->headers);
    call->headers = NULL;
    call->under_way = false;
}

/* Calls whose time has come; the stream only where somebody answers. */
static void begin_due(struct watch *watch) {
    int64_t now_us = monotonic_us();
    if (!watch->ask.under_way && now_us >= watch->ask.due_us) {
        watch->asked_us = now_us;
        begin_call(watch, &watch->ask, "/v1/now", take_answer);
    }
    if (!watch->stream.under_way && !watch->away && now_us >= watch->stream.due_us)
        begin_call(watch, &watch->stream, "/v1/events", take_stream);
}

static void finish_ask(struct watch *watch, CURLcode code, long http_status) {
    json_t *json = watch->ask.body.length > 0
                       ? json_loadb(watch->ask.body.data, watch->ask.body.length, 0, NULL)
                       : NULL;
    const char *detail = view_string(json, "detail");
    char words[64];
    watch->ask.due_us = monotonic_us() + ASK_EVERY_US;
    (void)snprintf(words, sizeof words, "it answers with %ld", http_status);
    if (code != CURLE_OK)
        lose(watch, watch->ask.error[0] != '\0' ? watch->ask.error : curl_easy_strerror(code));
    else if (http_status == 401 || http_status == 403)
        watch->refused = true;
    else if (http_status != 200 || json_object_get(json, "status") == NULL)
        lose(watch, detail[0] != '\0' ? detail : words);
    else
        watch_begin(watch, json);
    json_decref(json);
}

static void finish_stream(struct watch *watch) {
    int64_t now_us = monotonic_us();
    watch->stream.due_us = now_us + STREAM_AGAIN_US;
    watch->ask.due_us = watch->asked_us + ASK_AGAIN_LEAST_US; /* is it the hub that is gone? */
    watch->changed = watch->changed || watch->streams;
    watch->streams = false;
}

static void finish_calls(struct watch *watch) {
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(watch->multi, &left)) != NULL;) {
        bool is_ask = message->easy_handle == watch->ask.curl;
        CURLcode code = message->data.result;
        long http_status = 0;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &http_status);
        end_call(watch, is_ask ? &watch->ask : &watch->stream);
        if (is_ask)
            finish_ask(watch, code, http_status);
        else
            finish_stream(watch);
    }
}

/* ---- from outside ---- */

struct watch *watch_new(const char *url, const char *token) {
    struct watch *watch = memory_alloc_zero(1, sizeof *watch);
    watch->multi = curl_multi_init();
    watch->ask.curl = curl_easy_init();
    watch->stream.curl = curl_easy_init();
    require(watch->multi != NULL && watch->ask.curl != NULL && watch->stream.curl != NULL);
    buffer_append_string(&watch->url, url);
    buffer_append_format(&watch->authorization, "Authorization: Bearer %s", token);
    watch->changes.room = TOP_LATEST;
    watch->notices.room = NOTICES_KEPT;
    return watch;
}

static void forget_latest(struct watch *watch) {
    for (size_t i = 0; i < TOP_LATEST; i++) {
        json_decref(watch->latest[i]);
        watch->latest[i] = NULL;
    }
}

void watch_free(struct watch *watch) {
    if (watch == NULL)
        return;
    end_call(watch, &watch->ask);
    end_call(watch, &watch->stream);
    curl_easy_cleanup(watch->ask.curl);
    curl_easy_cleanup(watch->stream.curl);
    (void)curl_multi_cleanup(watch->multi);
    explicit_bzero(watch->authorization.data, watch->authorization.length);
    buffer_deinit(&watch->authorization);
    buffer_deinit(&watch->url);
    buffer_deinit(&watch->last_id);
    buffer_deinit(&watch->ask.body);
    buffer_deinit(&watch->stream.body);
    ring_deinit(&watch->changes);
    ring_deinit(&watch->notices);
    forget_latest(watch);
    json_decref(watch->now);
    free(watch);
}

static int64_t until_due(const struct watch *watch, int64_t most_us) {
    int64_t wait_us = most_us, now_us = monotonic_us();
    if (!watch->ask.under_way && watch->ask.due_us - now_us < wait_us)
        wait_us = watch->ask.due_us - now_us;
    if (!watch->stream.under_way && !watch->away && watch->stream.due_us - now_us < wait_us)
        wait_us = watch->stream.due_us - now_us;
    return wait_us > 0 ? wait_us : 0;
}

bool watch_wait(struct watch *watch, const int *fds, size_t fd_count, int64_t most_us) {
    struct curl_waitfd waits[WAIT_FDS_MAX];
    int running = 0;
    require(fd_count <= WAIT_FDS_MAX);
    for (size_t i = 0; i < fd_count; i++)
        waits[i] = (struct curl_waitfd){.fd = fds[i], .events = CURL_WAIT_POLLIN};
    begin_due(watch);
    (void)curl_multi_perform(watch->multi, &running);
    finish_calls(watch);
    /* Rounded up: a wait that ends too early would be repeated again and again. */
    int wait_ms = (int)((until_due(watch, most_us) + 999) / 1000);
    (void)curl_multi_poll(watch->multi, waits, (unsigned)fd_count, wait_ms, NULL);
    (void)curl_multi_perform(watch->multi, &running);
    finish_calls(watch);
    bool changed = watch->changed;
    watch->changed = false;
    return changed;
}

bool watch_is_refused(const struct watch *watch) {
    return watch->refused;
}

/* The newest of a ring first, from `at` on. */
static size_t add_latest(struct watch *watch, const struct ring *ring, size_t at) {
    for (size_t i = 0; i < ring->count && at < TOP_LATEST; i++) {
        const struct buffer *item = &ring->items[(ring->next + ring->room - 1 - i) % ring->room];
        json_t *event = json_loadb(item->data, item->length, 0, NULL);
        if (event != NULL)
            watch->latest[at++] = event;
    }
    return at;
}

void watch_model(struct watch *watch, struct top_model *model_out) {
    forget_latest(watch);
    (void)add_latest(watch, &watch->changes, add_latest(watch, &watch->notices, 0));
    *model_out = (struct top_model){
        .url = watch->url.data,
        .now = watch->now,
        .now_us = hub_now_us(watch),
        .link = watch->away      ? TOP_AWAY
                : watch->streams ? TOP_LIVE
                                 : TOP_BEHIND,
        .away_since_us = watch->away_since_us,
        .trouble = watch->trouble,
    };
    for (size_t i = 0; i < TOP_LATEST; i++)
        model_out->latest[i] = watch->latest[i];
}
