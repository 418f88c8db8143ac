/* The channels of a hub: made from the configuration, run as jobs, told about as JSON. */
#include "channel/channels.h"

#include <stdlib.h>

#include "base/log.h"
#include "channel/channels_internal.h"
#include "hub/lease.h"

#define DRAIN_US (3 * US_PER_SECOND)

struct channels {
    struct arena arena;
    struct hub *hub;
    struct jobs *jobs;
    struct zone *zone;
    struct channel *items; /* of type file */
    size_t count;
    struct publisher **publishers; /* all others */
    const struct config_channel **published;
    size_t publisher_count;
    struct deliveries *deliveries;
    bool started;
};

static enum status channel_init(struct channels *channels, struct channel *channel, struct hub *hub,
                                const struct config_channel *config, struct error *error) {
    *channel = (struct channel){.hub = hub,
                                .config = config,
                                .place = {.name = config->name,
                                          .url = config->url,
                                          .user = config->user,
                                          .identity = config->identity,
                                          .password = config->password,
                                          .known_hosts = config->known_hosts,
                                          .pattern = TEXT("*")}};
    pthread_mutex_init(&channel->lock, NULL);
    channel->words.file_us = channel->words.error_us = NEVER_US;
    channel->job = arena_format(&channels->arena, "channel:%.*s", TEXT_ARG(config->name));
    enum status status = file_channel_load(channel, error);
    if (status != STATUS_OK) {
        return status;
    }
    long long seconds = (long long)(config->every_us / US_PER_SECOND);
    struct job_definition job = {.name = channel->job,
                                 .run = file_channel_run,
                                 .taken_over = file_channel_taken_over,
                                 .context = channel};
    job.schedule_text = arena_format(&channels->arena, "every %llds", seconds);
    status = schedule_parse_every(arena_format(&channels->arena, "%llds", seconds), &job.schedule,
                                  error);
    return status == STATUS_OK ? jobs_add(channels->jobs, &job, error) : status;
}

/* ---- the others publish ---- */

static enum status add_audit(struct channels *channels, struct publisher *publisher,
                             const struct config_channel *config, struct error *error) {
    struct job_definition job = {
        .name = arena_format(&channels->arena, "audit:%.*s", TEXT_ARG(config->name)),
        .lease = publisher_lease_name(publisher), /* it needs what the publisher has in memory */
        .schedule_text = config->audit.text,
        .schedule = config->audit.schedule,
        .zone = channels->zone,
        .run = publisher_audit_run,
        .context = publisher};
    return publisher_can_audit(publisher) ? jobs_add(channels->jobs, &job, error) : STATUS_OK;
}

static enum status add_publisher(struct channels *channels, const struct config_channel *config,
                                 struct error *error) {
    struct publisher_options options = {
        .hub = channels->hub, .config = config, .platform = channel_platform_of(config->type)};
    struct publisher *publisher = NULL;
    if (options.platform == NULL) {
        log_warn("this version does not publish to channels of this type; it is left out",
                 "channel=%.*s", TEXT_ARG(config->name));
        return STATUS_OK;
    }
    enum status status = publisher_new(&options, &publisher, error);
    if (status != STATUS_OK) {
        return status;
    }
    channels->published[channels->publisher_count] = config;
    channels->publishers[channels->publisher_count++] = publisher;
    return add_audit(channels, publisher, config, error);
}

static enum status add_channel(struct channels *channels, const struct config_channel *config,
                               struct error *error) {
    if (config->type != CONFIG_CHANNEL_FILE) {
        return add_publisher(channels, config, error);
    }
    return channel_init(channels, &channels->items[channels->count++], channels->hub, config,
                        error);
}

static enum status open_zone(struct channels *channels, struct error *error) {
    struct text name = hub_config(channels->hub)->timezone;
    if (name.length == 0) {
        return STATUS_OK;
    }
    channels->zone = zone_open(name, error);
    return channels->zone != NULL ? STATUS_OK : STATUS_BAD_VALUE;
}

/* What another hub was ordered for a channel that is published here. */
static void answer(void *context, struct text lease, struct text what) {
    struct channels *channels = context;
    for (size_t i = 0; i < channels->publisher_count; i++) {
        if (text_equal(publisher_lease_name(channels->publishers[i]), lease)) {
            publisher_answer(channels->publishers[i], what);
        }
    }
}

enum status channels_new(struct hub *hub, struct jobs *jobs, struct channels **channels_out,
                         struct error *error) {
    const struct config *config = hub_config(hub);
    struct channels *channels = memory_alloc_zero(1, sizeof(*channels));
    channels->hub = hub;
    channels->jobs = jobs;
    channels->items = memory_alloc_zero(config->channel_count + 1, sizeof(*channels->items));
    channels->publishers = memory_alloc_zero(config->channel_count + 1, sizeof(struct publisher *));
    channels->published =
        memory_alloc_zero(config->channel_count + 1, sizeof(struct config_channel *));
    channels->deliveries = deliveries_new();
    leases_answer(hub_leases(hub), answer, channels);
    enum status status = open_zone(channels, error);
    for (size_t i = 0; i < config->channel_count && status == STATUS_OK; i++) {
        status = add_channel(channels, &config->channels[i], error);
    }
    if (status != STATUS_OK) {
        channels_free(channels);
        return status;
    }
    *channels_out = channels;
    return STATUS_OK;
}

void channels_free(struct channels *channels) {
    if (channels == NULL) {
        return;
    }
    for (size_t i = 0; i < channels->count; i++) {
        pthread_mutex_destroy(&channels->items[i].lock);
    }
    for (size_t i = 0; i < channels->publisher_count; i++) {
        publisher_free(channels->publishers[i]);
    }
    free(channels->items);
    free((void *)channels->publishers);
    free((void *)channels->published);
    zone_free(channels->zone);
    deliveries_free(channels->deliveries);
    arena_deinit(&channels->arena);
    free(channels);
}

/* ---- from start to end ---- */

void channels_start(struct channels *channels) {
    for (size_t i = 0; i < channels->publisher_count; i++) {
        publisher_start(channels->publishers[i]);
    }
    channels->started = true;
}

void channels_quiesce(struct channels *channels) {
    for (size_t i = 0; channels != NULL && i < channels->publisher_count; i++) {
        publisher_quiesce(channels->publishers[i]);
    }
}

void channels_stop(struct channels *channels) {
    if (channels == NULL || !channels->started) {
        return;
    }
    /* All at once, so that the slowest decides and not their sum. */
    for (size_t i = 0; i < channels->publisher_count; i++) {
        publisher_drain(channels->publishers[i], DRAIN_US);
    }
    for (size_t i = 0; i < channels->publisher_count; i++) {
        publisher_stop(channels->publishers[i]);
    }
    channels->started = false;
}

/* ---- telling ---- */

static void write_time(struct json_writer *w, const char *key, int64_t us) {
    json_key(w, key);
    if (us == NEVER_US) {
        json_null(w);
    } else {
        json_timestamp(w, us);
    }
}

static void write_channel(struct json_writer *w, struct channel *channel) {
    pthread_mutex_lock(&channel->lock);
    struct channel_words words = channel->words;
    pthread_mutex_unlock(&channel->lock);
    json_begin_object(w);
    json_key(w, "name");
    json_text(w, channel->config->name);
    json_key(w, "type");
    json_string(w, "file");
    json_key(w, "mode");
    json_string(w, channel->config->mode == CONFIG_FILE_ALL ? "all" : "changes");
    json_key(w, "job");
    json_text(w, channel->job);
    json_key(w, "state");
    json_string(w, words.failing ? "failing" : words.file_us == NEVER_US ? "new" : "ok");
    json_key(w, "last_file");
    json_text_or_null(w, text_from(words.file));
    write_time(w, "last_file_at", words.file_us);
    json_key(w, "rows");
    json_uint(w, words.rows);
    json_key(w, "sequence");
    json_uint(w, words.sequence);
    json_key(w, "last_error");
    json_text_or_null(w, text_from(words.error));
    write_time(w, "last_error_at", words.error_us);
    json_end_object(w);
}

static void write_publisher(struct channels *channels, size_t index, bool whole,
                            struct json_writer *w) {
    const struct config_channel *config = channels->published[index];
    json_begin_object(w);
    json_key(w, "name");
    json_text(w, config->name);
    json_key(w, "type");
    json_string(w, channel_platform_of(config->type)->name);
    publisher_write_json(channels->publishers[index], w, whole);
    json_end_object(w);
}

void channels_write_json(struct channels *channels, struct json_writer *w) {
    json_begin_array(w);
    for (size_t i = 0; i < channels->count; i++) {
        write_channel(w, &channels->items[i]);
    }
    for (size_t i = 0; i < channels->publisher_count; i++) {
        write_publisher(channels, i, false, w);
    }
    json_end_array(w);
}

enum status channels_write_one(struct channels *channels, struct text name, struct json_writer *w) {
    for (size_t i = 0; i < channels->count; i++) {
        if (text_equal(channels->items[i].config->name, name)) {
            write_channel(w, &channels->items[i]);
            return STATUS_OK;
        }
    }
    for (size_t i = 0; i < channels->publisher_count; i++) {
        if (text_equal(channels->published[i]->name, name)) {
            write_publisher(channels, i, true, w);
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

struct publisher *channels_find(struct channels *channels, struct text name) {
    for (size_t i = 0; i < channels->publisher_count; i++) {
        if (text_equal(channels->published[i]->name, name)) {
            return channels->publishers[i];
        }
    }
    return NULL;
}

struct deliveries *channels_deliveries(struct channels *channels) {
    return channels->deliveries;
}

struct publisher *channels_at(struct channels *channels, size_t index) {
    return index < channels->publisher_count ? channels->publishers[index] : NULL;
}
