/* One file of a feed: into the spool, into a reset, on record, and out of the way.
 *
 * Exactly once: that the content was dealt with is on disk before the file is moved, so a move that
 * fails, or a crash in between, never lets it count again. The record's key has the content's hash;
 * where the file's own words tell as_of (its name, its manifest), as_of belongs to the key, since
 * the same stock on another day is a statement of its own. A time of modification is no such word:
 * yesterday's file dropped again is the same file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "feed/asof.h"
#include "feed/feeds_internal.h"
#include "feed/manifest.h"
#include "feed/upload.h"

#define KIND TEXT("feed_file")

struct taking {
    struct feed *feed;
    struct file_source *source;
    struct look *look;
    const struct job_report *report;
    struct error *error;
    struct arena arena;

    int spool;
    struct sha256 *sha;
    uint64_t bytes;
    struct buffer *into; /* a manifest goes here instead */

    struct reset_manifest manifest;
    bool has_manifest;
    int64_t as_of_us;
    struct text as_of_origin;
    bool as_of_is_stated;   /* by name or manifest */
    bool as_of_is_fallback; /* the file's own word goes before it */

    struct text reset, result, detail;
    uint64_t bad_rows;
};

/* ---- fetching ---- */

static enum status to_spool(void *context, const void *data, size_t length) {
    struct taking *t = context;
    const char *bytes = data;
    if (job_should_stop(t->report)) {
        return error_set(t->error, STATUS_STOPPING, "stopped");
    }
    sha256_update(t->sha, data, length);
    t->bytes += length;
    for (size_t at = 0; at < length;) {
        ssize_t put = write(t->spool, bytes + at, length - at);
        if (put < 0 && errno != EINTR) {
            return error_set_errno(t->error, "%s cannot be written", t->feed->spool);
        }
        at += put > 0 ? (size_t)put : 0;
    }
    return STATUS_OK;
}

static enum status to_buffer(void *context, const void *data, size_t length) {
    struct taking *t = context;
    if (t->into->length + length > MANIFEST_BYTES_MAX) {
        return error_set(t->error, STATUS_TOO_LARGE, "the manifest is too large");
    }
    buffer_append(t->into, data, length);
    return STATUS_OK;
}

static enum status fetch(struct taking *t) {
    t->spool = open(t->feed->spool, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (t->spool < 0) {
        return error_set_errno(t->error, "%s cannot be written", t->feed->spool);
    }
    t->sha = sha256_new();
    struct source_sink sink = {to_spool, t};
    enum status status = t->source->class->fetch(t->source, t->look->path, &sink, t->error);
    unsigned char digest[SHA256_SIZE];
    sha256_finish(t->sha, digest);
    sha256_free(t->sha);
    hex_encode(digest, sizeof(digest), t->look->sha256);
    if (close(t->spool) != 0 && status == STATUS_OK) {
        status = error_set_errno(t->error, "%s cannot be written", t->feed->spool);
    }
    struct source_file after;
    if (status == STATUS_OK) {
        status = t->source->class->stat(t->source, t->look->path, &after, t->error);
    }
    if (status == STATUS_NOT_FOUND || status == STATUS_CONFLICT) {
        return STATUS_RETRY; /* taken away, or replaced by something else */
    }
    if (status == STATUS_OK && (after.size != t->look->size || t->bytes != t->look->size ||
                                after.mtime_us != t->look->mtime_us)) {
        return STATUS_RETRY;
    }
    return status;
}

/* STATUS_BAD_VALUE: it is there and no good. */
static enum status fetch_manifest(struct taking *t, struct text name) {
    if (name.length == 0) {
        return STATUS_OK;
    }
    struct buffer json = {0};
    t->into = &json;
    struct source_sink sink = {to_buffer, t};
    enum status status = t->source->class->fetch(t->source, name.data, &sink, t->error);
    if (status == STATUS_NOT_FOUND) {
        status = STATUS_RETRY;
    } else if (status == STATUS_OK) {
        struct error wrong;
        struct text copy = arena_copy(&t->arena, buffer_text(&json));
        t->has_manifest = manifest_parse(copy, &t->arena, &t->manifest, &wrong) == STATUS_OK;
        if (!t->has_manifest) {
            status = error_set(t->error, STATUS_BAD_VALUE, "manifest: %.80s: %.160s", wrong.pointer,
                               wrong.detail);
        }
    }
    buffer_deinit(&json);
    return status;
}

/* ---- as_of ---- */

static enum status as_of_by_name(struct taking *t, struct text pattern) {
    enum zone_kind kind = ZONE_UNIQUE;
    enum status status = as_of_from_name(pattern, text_from(t->look->name), t->feed->zone,
                                         &t->as_of_us, &kind, t->error);
    t->as_of_origin = text_from(as_of_name_origin(kind));
    t->as_of_is_stated = true;
    return status;
}

static bool manifest_says(const struct taking *t) {
    if (!t->has_manifest) {
        return false;
    }
    bool all = t->manifest.location_count > 0;
    for (size_t i = 0; i < t->manifest.location_count; i++) {
        all &= t->manifest.locations[i].as_of_us != NEVER_US;
    }
    return t->manifest.as_of_us != NEVER_US || all;
}

static void as_of_by_manifest(struct taking *t) {
    t->as_of_us = NEVER_US; /* the reset takes it from the manifest itself */
    t->as_of_origin = TEXT("manifest");
    t->as_of_is_stated = true;
}

/* It is when the file was written, and the stock was counted before that. */
static void as_of_by_mtime(struct taking *t) {
    int64_t export_us = t->feed->config->export_duration_us;
    t->as_of_us = t->look->mtime_us - export_us;
    t->as_of_origin = export_us == 0 ? TEXT("mtime")
                                     : arena_format(&t->arena, "mtime less %lld s",
                                                    (long long)(export_us / US_PER_SECOND));
}

/* The manifest; a date with a time in the name; the time of modification. */
static void as_of_by_best_word(struct taking *t) {
    enum zone_kind kind = ZONE_UNIQUE;
    int64_t latest_us = hub_now_us(t->feed->hub) + US_PER_DAY;
    t->as_of_is_fallback = !manifest_says(t);
    if (manifest_says(t)) {
        as_of_by_manifest(t);
    } else if (as_of_from_any_name(text_from(t->look->name), t->feed->zone, latest_us, &t->as_of_us,
                                   &kind) == STATUS_OK) {
        t->as_of_origin = text_from(as_of_name_origin(kind));
        t->as_of_is_stated = true;
    } else {
        as_of_by_mtime(t);
    }
}

static enum status find_as_of(struct taking *t) {
    t->as_of_us = NEVER_US;
    switch (t->feed->config->as_of.kind) {
    case CONFIG_AS_OF_NAME:
        return as_of_by_name(t, t->feed->config->as_of.argument);
    case CONFIG_AS_OF_COLUMN:
        t->as_of_origin = TEXT("column");
        return STATUS_OK;
    case CONFIG_AS_OF_MANIFEST:
        as_of_by_manifest(t);
        return manifest_says(t) ? STATUS_OK
                                : error_set(t->error, STATUS_MISSING, "the manifest has no as_of");
    case CONFIG_AS_OF_MTIME:
        as_of_by_mtime(t);
        return STATUS_OK;
    case CONFIG_AS_OF_AUTO:
    case CONFIG_AS_OF_INFER: /* the reset goes by the figures, and by this where they say nothing */
        as_of_by_best_word(t);
        return STATUS_OK;
    }
    return STATUS_INTERNAL;
}

/* ---- the record ---- */

static struct text record_key(struct taking *t) {
    struct text name = t->feed->config->name;
    if (!t->as_of_is_stated) {
        return arena_format(&t->arena, "%.*s/%s", TEXT_ARG(name), t->look->sha256);
    }
    /* With a manifest its content stands for what it says. */
    int64_t us = t->as_of_us != NEVER_US ? t->as_of_us : t->manifest.as_of_us;
    uint64_t hash = 0;
    for (size_t i = 0; us == NEVER_US && i < t->manifest.location_count; i++) {
        hash = hash * 31 + (uint64_t)t->manifest.locations[i].as_of_us;
    }
    return arena_format(&t->arena, "%.*s/%s@%lld", TEXT_ARG(name), t->look->sha256,
                        (long long)(us != NEVER_US ? us : (int64_t)(hash >> 1)));
}

static bool is_on_record(struct taking *t, struct text key) {
    struct buffer value = {0};
    bool found = store_item_get(hub_store(t->feed->hub), KIND, key, &value, NULL) == STATUS_OK;
    buffer_deinit(&value);
    return found;
}

static enum status put_on_record(struct taking *t, struct text key) {
    struct buffer value = {0};
    struct json_writer w = {.out = &value};
    json_begin_object(&w);
    json_key(&w, "file");
    json_string(&w, t->look->name);
    json_key(&w, "at");
    json_timestamp(&w, hub_now_us(t->feed->hub));
    json_key(&w, "result");
    json_text(&w, t->result);
    json_key(&w, "reset");
    json_text(&w, t->reset);
    json_end_object(&w);
    enum status status = hub_item_put(t->feed->hub, KIND, key, buffer_text(&value), t->error);
    buffer_deinit(&value);
    return status;
}

/* ---- the reset ---- */

static uint64_t to_count(struct text number) {
    uint64_t value = 0;
    for (size_t i = 0; i < number.length && i < 18; i++) {
        value = value * 10 + ((unsigned char)number.data[i] - (unsigned)'0') % 10;
    }
    return value;
}

/* What of the summary matters here. */
static enum status read_summary(struct taking *t, struct text json) {
    struct json_reader reader;
    struct json_value value;
    struct text key;
    json_reader_init(&reader, arena_copy(&t->arena, json), &t->arena, t->error);
    enum status status = json_read(&reader, &value);
    while (status == STATUS_OK && (status = json_next_key(&reader, &key)) == STATUS_OK) {
        struct text *into = text_equal_string(key, "id")       ? &t->reset
                            : text_equal_string(key, "status") ? &t->result
                            : text_equal_string(key, "detail") ? &t->detail
                                                               : NULL;
        bool bad = text_equal_string(key, "rejected_rows") ||
                   text_equal_string(key, "unknown_products") ||
                   text_equal_string(key, "unknown_locations");
        bool unwanted = text_equal_string(key, "unpublished_rows"); /* some of the unknown ones */
        if (into == NULL && !bad && !unwanted) {
            status = json_skip(&reader);
            continue;
        }
        status = json_read(&reader, &value);
        if (status == STATUS_OK && into != NULL) {
            *into = value.text;
        } else if (status == STATUS_OK && bad) {
            t->bad_rows += to_count(value.text);
        } else if (status == STATUS_OK) {
            t->bad_rows -= to_count(value.text);
        }
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status apply(struct taking *t) {
    const struct config_feed *config = t->feed->config;
    const struct config_csv *csv = &hub_config(t->feed->hub)->csv;
    struct text source = config->source;
    bool source_assumed = config->source_assumed;
    if (source_assumed && t->has_manifest && t->manifest.source.length > 0) {
        source = t->manifest.source;
        source_assumed = false;
    }
    struct reset_params params = {.source = source,
                                  .source_assumed = source_assumed,
                                  .as_of_us = t->as_of_us,
                                  .as_of_fallback = t->as_of_is_fallback,
                                  .as_of_infer = config->as_of.kind == CONFIG_AS_OF_INFER,
                                  .location = config->location,
                                  .locations = &config->locations,
                                  .full = config->mode == CONFIG_MODE_FULL,
                                  .absent_zero = config->absent == CONFIG_ABSENT_ZERO,
                                  .publish_only = config->publish == CONFIG_PUBLISH_ONLY,
                                  .name_space = config->name_space,
                                  .quantity_available =
                                      config->quantity == CONFIG_QUANTITY_AVAILABLE,
                                  .manifest = t->has_manifest ? &t->manifest : NULL,
                                  .file = text_from(t->look->name),
                                  .feed = config->name,
                                  .as_of_origin = t->as_of_origin};
    struct reader_options options = {
        .format = config->format,
        .columns = config->columns,
        .as_of_column = config->as_of.kind == CONFIG_AS_OF_COLUMN ? config->as_of.argument
                                                                  : (struct text){NULL, 0},
        .delimiter = config->csv.delimiter != 0 ? config->csv.delimiter : csv->delimiter,
        .decimal_comma = config->csv.decimal_comma || csv->decimal_comma,
        .trailer = config->csv.trailer,
        .zone = t->feed->zone};
    struct buffer summary = {0};
    enum status status = upload_file(t->feed->hub, &access_internal, t->feed->spool, &params,
                                     &options, t->look->sha256, &summary, NULL, t->error);
    if (status == STATUS_OK) {
        status = read_summary(t, buffer_text(&summary));
    }
    buffer_deinit(&summary);
    return status;
}

/* ---- all of it ---- */

static void tell(struct taking *t) {
    struct feed *feed = t->feed;
    pthread_mutex_lock(&feed->lock);
    struct feed_words *words = &feed->words;
    snprintf(words->file, sizeof(words->file), "%s", t->look->name);
    snprintf(words->result, sizeof(words->result), "%.*s", TEXT_ARG(t->result));
    snprintf(words->reset, sizeof(words->reset), "%.*s", TEXT_ARG(t->reset));
    words->file_us = hub_now_us(feed->hub);
    words->files++;
    pthread_mutex_unlock(&feed->lock);
    feed_words_save(feed);
    log_info("feed took a file", "feed=%.*s file=%s result=%.*s reset=%.*s",
             TEXT_ARG(feed->config->name), log_quote(text_from(t->look->name)), TEXT_ARG(t->result),
             TEXT_ARG(t->reset));
}

/* The file is no good before a reset could be made of it. */
static void refuse(struct taking *t) {
    t->result = TEXT("rejected");
    t->detail = text_from(t->error->detail);
}

static void settle_look(struct taking *t) {
    struct look *look = t->look;
    look->taken = true;
    look->refused = text_equal_string(t->result, "rejected");
    if (look->refused || t->bad_rows > 0) {
        snprintf(look->reset, sizeof(look->reset), "%.*s", TEXT_ARG(t->reset));
    }
    if (look->refused) {
        snprintf(look->reason, sizeof(look->reason), "%.*s", TEXT_ARG(t->detail));
    }
}

static enum status take(struct taking *t, struct text manifest) {
    enum status status = fetch(t);
    if (status != STATUS_OK) {
        return status;
    }
    status = fetch_manifest(t, manifest);
    if (status == STATUS_OK) {
        status = find_as_of(t);
    } else if (status != STATUS_BAD_VALUE && status != STATUS_TOO_LARGE) {
        return status;
    }
    if (status != STATUS_OK) {
        refuse(t);
        return STATUS_OK;
    }
    struct text key = record_key(t);
    if (is_on_record(t, key)) {
        t->result = TEXT("duplicate");
        return STATUS_OK;
    }
    status = apply(t);
    /* A refused content may come again once what was wrong here has been put right. */
    if (status == STATUS_OK && !text_equal_string(t->result, "rejected")) {
        status = put_on_record(t, key);
    }
    return status;
}

enum status feed_take(struct feed *feed, struct file_source *source, struct look *look,
                      struct text manifest, const struct job_report *report, struct error *error) {
    struct taking taking = {
        .feed = feed, .source = source, .look = look, .report = report, .error = error};
    enum status status = take(&taking, manifest);
    unlink(feed->spool);
    if (status == STATUS_OK) {
        settle_look(&taking);
        tell(&taking);
    }
    arena_deinit(&taking.arena);
    return status;
}
