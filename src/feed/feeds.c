/* The feeds of a hub: made from the configuration, run as jobs, told about as JSON. */
#include "feed/feeds.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "feed/feed_look.h"
#include "feed/feeds_internal.h"
#include "hub/lease.h"

#define LOOKS_BETWEEN 3u /* a second each */

struct feeds {
    struct arena arena;
    struct hub *hub;
    struct jobs *jobs;
    struct feed *items;
    size_t count;
    unsigned looks;
};

static enum status open_zone(struct feed *feed, struct error *error) {
    struct text name = feed->config->timezone;
    if (name.length == 0) {
        name = hub_config(feed->hub)->timezone;
    }
    if (name.length == 0) {
        return STATUS_OK;
    }
    feed->zone = zone_open(name, error);
    return feed->zone != NULL ? STATUS_OK : STATUS_BAD_VALUE;
}

static enum status feed_init(struct feeds *feeds, struct feed *feed, struct hub *hub,
                             const struct config_feed *config, struct text data,
                             struct error *error) {
    *feed = (struct feed){.hub = hub, .config = config};
    pthread_mutex_init(&feed->lock, NULL);
    feed_words_load(feed);
    feed->job = arena_format(&feeds->arena, "feed:%.*s", TEXT_ARG(config->name));
    struct text spool =
        arena_format(&feeds->arena, "%.*s/spool/feed-%.*s", TEXT_ARG(data), TEXT_ARG(config->name));
    feed->spool = memory_alloc(spool.length + 1);
    memcpy(feed->spool, spool.data, spool.length + 1);
    enum status status = open_zone(feed, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct job_definition job = {.name = feed->job,
                                 .schedule_text = config->schedule.text,
                                 .schedule = config->schedule.schedule,
                                 .zone = feed->zone,
                                 .run = feed_run,
                                 .taken_over = feed_taken_over,
                                 .context = feed};
    return jobs_add(feeds->jobs, &job, error);
}

static void feed_deinit(struct feed *feed) {
    feed_looks_deinit(feed);
    free(feed->spool);
    zone_free(feed->zone);
    pthread_mutex_destroy(&feed->lock);
}

/* Another hub has them: what it says of them is on record. */
static void read_elsewhere(void *context) {
    struct feeds *feeds = context;
    struct leases *leases = hub_leases(feeds->hub);
    if (++feeds->looks % LOOKS_BETWEEN != 0) {
        return;
    }
    for (size_t i = 0; i < feeds->count; i++) {
        struct arena arena = {0};
        struct text holder = lease_holder(leases, feeds->items[i].job, &arena);
        if (!text_equal(holder, leases_hub_id(leases))) {
            feed_words_load(&feeds->items[i]);
        }
        arena_deinit(&arena);
    }
}

enum status feeds_new(struct hub *hub, struct jobs *jobs, struct text data,
                      struct feeds **feeds_out, struct error *error) {
    const struct config *config = hub_config(hub);
    struct feeds *feeds = memory_alloc_zero(1, sizeof(*feeds));
    feeds->hub = hub;
    feeds->jobs = jobs;
    feeds->items = memory_alloc_zero(config->feed_count + 1, sizeof(*feeds->items));
    enum status status = STATUS_OK;
    if (config->feed_count > 0) {
        struct text spool = arena_format(&feeds->arena, "%.*s/spool", TEXT_ARG(data));
        if (mkdir(spool.data, 0700) != 0 && errno != EEXIST) {
            status = error_set_errno(error, "%s cannot be made", spool.data);
        }
    }
    while (status == STATUS_OK && feeds->count < config->feed_count) {
        size_t i = feeds->count++;
        status = feed_init(feeds, &feeds->items[i], hub, &config->feeds[i], data, error);
    }
    if (status != STATUS_OK) {
        feeds_free(feeds);
        return status;
    }
    leases_watch(hub_leases(hub), read_elsewhere, feeds);
    *feeds_out = feeds;
    return STATUS_OK;
}

void feeds_free(struct feeds *feeds) {
    if (feeds == NULL) {
        return;
    }
    for (size_t i = 0; i < feeds->count; i++) {
        feed_deinit(&feeds->items[i]);
    }
    free(feeds->items);
    arena_deinit(&feeds->arena);
    free(feeds);
}

/* ---- telling ---- */

/* The URL without a user. */
static struct text plain_url(struct text url, struct arena *arena) {
    const char *scheme = memmem(url.data, url.length, "://", 3);
    if (scheme == NULL) {
        return url;
    }
    const char *host = scheme + 3;
    size_t rest = url.length - (size_t)(host - url.data);
    const char *slash = memchr(host, '/', rest);
    size_t authority = slash != NULL ? (size_t)(slash - host) : rest;
    const char *at = memrchr(host, '@', authority);
    return at == NULL ? url
                      : arena_format(arena, "%.*s%.*s", (int)(host - url.data), url.data,
                                     (int)(rest - (size_t)(at + 1 - host)), at + 1);
}

static void fill_from_job(struct feed_info *info, const struct job_info *jobs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (text_equal(jobs[i].name, info->job)) {
            info->schedule = jobs[i].schedule_text;
            info->running = jobs[i].running;
            info->last_run_us = jobs[i].has_run ? jobs[i].last.started_us : NEVER_US;
            info->next_due_us = jobs[i].next_us == SCHEDULE_NEVER ? NEVER_US : jobs[i].next_us;
        }
    }
}

size_t feeds_list(struct feeds *feeds, struct arena *arena, struct feed_info **infos_out) {
    struct job_info *jobs = NULL;
    size_t job_count = jobs_list(feeds->jobs, arena, &jobs);
    struct feed_info *infos = arena_alloc_zero(arena, (feeds->count + 1) * sizeof(*infos));
    for (size_t i = 0; i < feeds->count; i++) {
        struct feed *feed = &feeds->items[i];
        struct feed_info *info = &infos[i];
        info->name = feed->config->name;
        info->url = plain_url(feed->config->url, arena);
        info->job = feed->job;
        info->last_run_us = info->next_due_us = NEVER_US;
        fill_from_job(info, jobs, job_count);
        pthread_mutex_lock(&feed->lock);
        struct feed_words words = feed->words;
        pthread_mutex_unlock(&feed->lock);
        info->last_file = arena_copy(arena, text_from(words.file));
        info->last_result = arena_copy(arena, text_from(words.result));
        info->last_reset = arena_copy(arena, text_from(words.reset));
        info->last_error = arena_copy(arena, text_from(words.error));
        info->last_file_us = words.file_us;
        info->last_error_us = words.error_us;
        info->late_us = words.late_us;
        info->files = words.files;
        info->waiting_files = words.waiting;
    }
    *infos_out = infos;
    return feeds->count;
}

static void write_time(struct json_writer *w, const char *key, int64_t us) {
    json_key(w, key);
    if (us == NEVER_US) {
        json_null(w);
    } else {
        json_timestamp(w, us);
    }
}

static void write_text(struct json_writer *w, const char *key, struct text text) {
    json_key(w, key);
    json_text_or_null(w, text);
}

void feeds_write_json(struct feeds *feeds, struct json_writer *w) {
    struct arena arena = {0};
    struct feed_info *infos = NULL;
    size_t count = feeds_list(feeds, &arena, &infos);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        const struct feed_info *info = &infos[i];
        json_begin_object(w);
        write_text(w, "name", info->name);
        write_text(w, "url", info->url);
        write_text(w, "schedule", info->schedule);
        write_text(w, "job", info->job);
        json_key(w, "running");
        json_bool(w, info->running);
        write_time(w, "last_run", info->last_run_us);
        write_time(w, "next_due", info->next_due_us);
        write_text(w, "last_file", info->last_file);
        write_time(w, "last_file_at", info->last_file_us);
        write_text(w, "last_result", info->last_result);
        write_text(w, "last_reset", info->last_reset);
        write_text(w, "last_error", info->last_error);
        write_time(w, "last_error_at", info->last_error_us);
        json_key(w, "late");
        json_bool(w, info->late_us != NEVER_US);
        write_time(w, "late_since", info->late_us);
        json_key(w, "files");
        json_uint(w, info->files);
        json_key(w, "waiting_files");
        json_uint(w, info->waiting_files);
        json_end_object(w);
    }
    json_end_array(w);
    arena_deinit(&arena);
}
