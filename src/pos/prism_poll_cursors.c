/* How far each stream was taken, and which stores were heard of when, on disk. */
#include <stdlib.h>

#include "base/timestamp.h"
#include "core/statement.h"
#include "pos/prism_poll_internal.h"
#include "store/store.h"

#define KIND TEXT("prism.cursors")
#define STORES_KIND TEXT("prism.stores")

static const char *const names[STREAM_COUNT] = {
    [STREAM_MODIFIED] = "modified",     [STREAM_POSTED] = "posted",
    [STREAM_RECEIVING] = "receiving",   [STREAM_TRANSFER] = "transfer",
    [STREAM_ADJUSTMENT] = "adjustment",
};

static void read_saved(struct prism_poll *poll, struct text json, struct arena *arena) {
    struct text values[STREAM_COUNT];
    if (!prism_pick(json, names, STREAM_COUNT, arena, values))
        return;
    pthread_mutex_lock(&poll->lock);
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        int64_t us;
        if (values[i].length > 0 && timestamp_parse(values[i], &us) == STATUS_OK)
            poll->streams[i].cursor_us = us;
    }
    pthread_mutex_unlock(&poll->lock);
}

enum status prism_poll_load(struct prism_poll *poll, struct error *error) {
    struct buffer value = {0};
    struct arena arena = {0};
    struct store *store = hub_store(poll->source->hub);
    struct text name = poll->source->config->name;
    if (poll->loaded)
        return STATUS_OK;
    enum status status = store_item_get(store, KIND, name, &value, error);
    if (status == STATUS_OK)
        read_saved(poll, buffer_text(&value), &arena);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        buffer_clear(&value);
        status = store_item_get(store, STORES_KIND, name, &value, error);
    }
    if (status == STATUS_OK)
        prism_silent_read(poll->silent, buffer_text(&value), &arena);
    poll->stores_saved = prism_silent_count(poll->silent);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    poll->loaded = status == STATUS_OK;
    arena_deinit(&arena);
    buffer_deinit(&value);
    return status;
}

enum status prism_poll_save(struct prism_poll *poll, struct error *error) {
    struct buffer value = {0};
    struct json_writer w = {.out = &value};
    json_begin_object(&w);
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        if (poll->streams[i].cursor_us == NEVER_US)
            continue;
        json_key(&w, names[i]);
        json_timestamp(&w, poll->streams[i].cursor_us);
    }
    json_end_object(&w);
    enum status status = hub_item_put(poll->source->hub, KIND, poll->source->config->name,
                                      buffer_text(&value), error);
    buffer_deinit(&value);
    return status;
}

enum status prism_poll_save_stores(struct prism_poll *poll, struct error *error) {
    struct buffer value = {0};
    struct json_writer w = {.out = &value};
    prism_silent_write(poll->silent, &w);
    size_t count = prism_silent_count(poll->silent);
    enum status status = hub_item_put(poll->source->hub, STORES_KIND, poll->source->config->name,
                                      buffer_text(&value), error);
    if (status == STATUS_OK)
        poll->stores_saved = count;
    buffer_deinit(&value);
    return status;
}
