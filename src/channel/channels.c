/* The channels of a hub: made from the configuration, run as jobs, told about as JSON. */
#include "channel/channels.h"

#include <stdlib.h>

#include "channel/channels_internal.h"

struct channels {
    struct arena arena;
    struct jobs *jobs;
    struct channel *items;
    size_t count;
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
    struct job_definition job = {.name = channel->job, .run = file_channel_run, .context = channel};
    job.schedule_text = arena_format(&channels->arena, "every %llds", seconds);
    status = schedule_parse_every(arena_format(&channels->arena, "%llds", seconds), &job.schedule,
                                  error);
    return status == STATUS_OK ? jobs_add(channels->jobs, &job, error) : status;
}

enum status channels_new(struct hub *hub, struct jobs *jobs, struct channels **channels_out,
                         struct error *error) {
    const struct config *config = hub_config(hub);
    struct channels *channels = memory_alloc_zero(1, sizeof(*channels));
    channels->jobs = jobs;
    channels->items = memory_alloc_zero(config->channel_count + 1, sizeof(*channels->items));
    enum status status = STATUS_OK;
    for (size_t i = 0; i < config->channel_count && status == STATUS_OK; i++) {
        if (config->channels[i].type == CONFIG_CHANNEL_FILE) {
            struct channel *channel = &channels->items[channels->count++];
            status = channel_init(channels, channel, hub, &config->channels[i], error);
        }
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
    free(channels->items);
    arena_deinit(&channels->arena);
    free(channels);
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

void channels_write_json(struct channels *channels, struct json_writer *w) {
    json_begin_array(w);
    for (size_t i = 0; i < channels->count; i++) {
        write_channel(w, &channels->items[i]);
    }
    json_end_array(w);
}
