/* The targets and their threads. A thread sleeps until there is news, until the next try is due, or
 * until the end; nothing but itself touches its queue. */
#include "channel/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "channel/notify_internal.h"
#include "hub/lease.h"
#include "store/store.h"

#define LOOK_US US_PER_SECOND

struct notify {
    struct hub *hub;
    struct target *targets;
    size_t count;
};

/* ---- a thread ---- */

static void wake(void *context) {
    struct target *target = context;
    pthread_mutex_lock(&target->lock);
    target->woken = true;
    pthread_cond_signal(&target->changed);
    pthread_mutex_unlock(&target->lock);
}

static struct timespec instant(int64_t us) {
    return (struct timespec){.tv_sec = us / US_PER_SECOND, .tv_nsec = us % US_PER_SECOND * 1000};
}

/* False at the end. */
static bool wait_for_work(struct target *target) {
    bool due = false;
    struct timespec look = instant(monotonic_us() + LOOK_US);
    bool shared = hub_leases(target->hub) != NULL;
    pthread_mutex_lock(&target->lock);
    while (!target->stopping && !target->woken && !due) {
        if (shared && (target->token == 0 || target->head == NULL)) {
            due = pthread_cond_timedwait(&target->changed, &target->lock, &look) != 0;
            continue;
        }
        if (target->head == NULL) {
            pthread_cond_wait(&target->changed, &target->lock);
            continue;
        }
        struct timespec until = instant(target->next_try_us);
        due = monotonic_us() >= target->next_try_us ||
              pthread_cond_timedwait(&target->changed, &target->lock, &until) != 0;
    }
    target->woken = false;
    bool going_on = !target->stopping;
    pthread_mutex_unlock(&target->lock);
    return going_on;
}

static bool is_stopped(struct target *target) {
    struct notify_info info;
    pthread_mutex_lock(&target->lock);
    info = target->info;
    pthread_mutex_unlock(&target->lock);
    return strcmp(info.state, "stopped") == 0;
}

static bool has_news(struct target *target) {
    pthread_mutex_lock(&target->lock);
    bool is_news = target->is_news;
    target->is_news = false;
    pthread_mutex_unlock(&target->lock);
    return is_news;
}

/* Whether this hub delivers. What waits is read anew when it begins to, and when another hub left
 * something; until then what this hub has to tell is left in the store for the one that does. */
static bool is_ours(struct target *target) {
    struct error error;
    uint64_t token = 0;
    struct leases *leases = hub_leases(target->hub);
    if (leases == NULL)
        return true;
    bool ours = lease_take(leases, text_from(target->lease_name), &token, &error) == STATUS_OK;
    bool begins = ours && token != target->token;
    bool anew = has_news(target) || begins;
    if (anew || !ours)
        notify_queue_forget(target);
    if (anew && ours)
        notify_queue_load(target);
    if (begins)
        notify_queue_find_untold(target);
    target->token = ours ? token : 0;
    return ours;
}

static void left_by_another(void *context, struct text key, const struct text *value) {
    struct target *target = context;
    size_t length = target->config->name.length;
    if (value == NULL || key.length <= length || key.data[length] != '/' ||
        memcmp(key.data, target->config->name.data, length) != 0)
        return;
    pthread_mutex_lock(&target->lock);
    target->is_news = target->woken = true;
    pthread_cond_signal(&target->changed);
    pthread_mutex_unlock(&target->lock);
}

static void *run(void *context) {
    struct target *target = context;
    if (hub_leases(target->hub) == NULL) {
        notify_queue_load(target);
        notify_queue_find_untold(target);
    }
    while (wait_for_work(target)) {
        if (is_stopped(target))
            continue;
        notify_queue_take(target);
        if (is_ours(target) && target->head != NULL && monotonic_us() >= target->next_try_us &&
            lease_holds(hub_leases(target->hub), text_from(target->lease_name), target->token))
            notify_send(target);
    }
    notify_queue_take(target); /* onto the disk, for the next start */
    return NULL;
}

/* ---- all of them ---- */

static void target_init(struct target *target, struct hub *hub,
                        const struct config_notify *config) {
    pthread_condattr_t attributes;
    *target =
        (struct target){.hub = hub,
                        .config = config,
                        .subscriber = {.wake = wake, .context = target, .notices_only = true},
                        .watch = {.kind = "notify", .changed = left_by_another, .context = target},
                        .tail = &target->head,
                        .info = {.name = config->name, .state = "new"}};
    (void)snprintf(target->lease_name, sizeof target->lease_name, "notify:%.*s",
                   TEXT_ARG(config->name));
    pthread_mutex_init(&target->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&target->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

struct orphans {
    const struct config *config;
    struct arena arena;
    struct text keys[NOTIFY_WAITING_MAX];
    size_t count;
};

static bool find_orphan(void *context, struct text key, struct text value) {
    struct orphans *orphans = context;
    const struct config *config = orphans->config;
    const char *slash = memchr(key.data, '/', key.length);
    struct text name = {key.data, slash != NULL ? (size_t)(slash - key.data) : key.length};
    (void)value;
    for (size_t i = 0; i < config->notify_count; i++)
        if (text_equal(name, config->notify[i].name))
            return true;
    orphans->keys[orphans->count++] = arena_copy(&orphans->arena, key);
    return orphans->count < NOTIFY_WAITING_MAX;
}

/* What waited for a target that is configured no more. */
static enum status remove_orphans(struct hub *hub, struct error *error) {
    struct orphans *orphans = memory_alloc_zero(1, sizeof *orphans);
    orphans->config = hub_config(hub);
    enum status status = store_item_scan(hub_store(hub), TEXT("notify"), (struct text){0}, false,
                                         find_orphan, orphans, error);
    for (size_t i = 0; i < orphans->count && status == STATUS_OK; i++)
        status = hub_item_delete(hub, TEXT("notify"), orphans->keys[i], error);
    arena_deinit(&orphans->arena);
    free(orphans);
    return status;
}

enum status notify_new(struct hub *hub, struct notify **notify_out, struct error *error) {
    const struct config *config = hub_config(hub);
    struct notify *notify = memory_alloc_zero(1, sizeof *notify);
    enum status status = remove_orphans(hub, error);
    if (status == STATUS_NO_SPACE)
        status = STATUS_OK; /* they do no harm */
    notify->hub = hub;
    notify->targets = memory_alloc_zero(config->notify_count + 1, sizeof *notify->targets);
    for (size_t i = 0; i < config->notify_count && status == STATUS_OK; i++) {
        struct target *target = &notify->targets[notify->count++];
        target_init(target, hub, &config->notify[i]);
        hub_subscribe(hub, &target->subscriber);
        hub_watch_items(hub, &target->watch);
        target->subscribed = true;
        target->started = pthread_create(&target->thread, NULL, run, target) == 0;
        if (!target->started)
            status = error_set(error, STATUS_IO, "no thread for notices could be started");
    }
    if (status != STATUS_OK) {
        notify_stop(notify);
        notify_free(notify);
        return status;
    }
    *notify_out = notify;
    return STATUS_OK;
}

void notify_stop(struct notify *notify) {
    for (size_t i = 0; notify != NULL && i < notify->count; i++) {
        struct target *target = &notify->targets[i];
        if (target->subscribed) {
            hub_unsubscribe(notify->hub, &target->subscriber);
            hub_unwatch_items(notify->hub, &target->watch);
        }
        target->subscribed = false;
        pthread_mutex_lock(&target->lock);
        __atomic_store_n(&target->stopping, true, __ATOMIC_RELEASE);
        pthread_cond_signal(&target->changed);
        pthread_mutex_unlock(&target->lock);
    }
    for (size_t i = 0; notify != NULL && i < notify->count; i++) {
        if (notify->targets[i].started)
            (void)pthread_join(notify->targets[i].thread, NULL);
        notify->targets[i].started = false;
    }
}

void notify_free(struct notify *notify) {
    if (notify == NULL)
        return;
    for (size_t i = 0; i < notify->count; i++) {
        struct target *target = &notify->targets[i];
        require(!target->started);
        notify_queue_free(target);
        http_client_free(target->client);
        pthread_cond_destroy(&target->changed);
        pthread_mutex_destroy(&target->lock);
    }
    free(notify->targets);
    free(notify);
}

/* ---- telling ---- */

size_t notify_count(const struct notify *notify) {
    return notify != NULL ? notify->count : 0;
}

void notify_info(struct notify *notify, size_t index, struct notify_info *info_out) {
    require(index < notify->count);
    struct target *target = &notify->targets[index];
    pthread_mutex_lock(&target->lock);
    *info_out = target->info;
    pthread_mutex_unlock(&target->lock);
}

static void write_time(struct json_writer *w, const char *key, int64_t us) {
    json_key(w, key);
    if (us == 0)
        json_null(w);
    else
        json_timestamp(w, us);
}

void notify_write_json(struct notify *notify, struct json_writer *w) {
    json_begin_array(w);
    for (size_t i = 0; i < notify_count(notify); i++) {
        struct notify_info info;
        notify_info(notify, i, &info);
        json_begin_object(w);
        json_key(w, "name");
        json_text(w, info.name);
        json_key(w, "state");
        json_string(w, info.state);
        json_key(w, "waiting");
        json_uint(w, info.waiting);
        json_key(w, "sent");
        json_uint(w, info.sent);
        json_key(w, "failures");
        json_uint(w, info.failures);
        json_key(w, "dropped");
        json_uint(w, info.dropped);
        write_time(w, "last_sent_at", info.last_sent_us);
        json_key(w, "last_error");
        json_text_or_null(w, text_from(info.last_error));
        write_time(w, "last_error_at", info.last_error_us);
        json_end_object(w);
    }
    json_end_array(w);
}
