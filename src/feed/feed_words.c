/* What is told of a feed outlives the hub: kept in the store, as one JSON object by the feed's
 * name, after each file and after a run that changed something.
 *
 * Losing it harms no stock, so a feed goes on when it cannot be kept or read. */
#include <stddef.h>
#include <stdio.h>

#include "base/log.h"
#include "base/quantity.h"
#include "feed/feeds_internal.h"

#define KIND TEXT("feed_state")

enum word_kind { WORD_TEXT, WORD_TIME, WORD_COUNT, WORD_BOOL };

static const struct word {
    const char *name;
    enum word_kind kind;
    size_t offset, size; /* size: of a text */
} words_kept[] = {
#define AT(field) offsetof(struct feed_words, field)
#define TEXT_WORD(field)                                                                           \
    { #field, WORD_TEXT, AT(field), sizeof(((struct feed_words *)0)->field) }
    TEXT_WORD(file),
    TEXT_WORD(result),
    TEXT_WORD(reset),
    TEXT_WORD(error),
    {"file_at", WORD_TIME, AT(file_us), 0},
    {"error_at", WORD_TIME, AT(error_us), 0},
    {"late_since", WORD_TIME, AT(late_us), 0},
    {"files", WORD_COUNT, AT(files), 0},
    {"failing", WORD_BOOL, AT(failing), 0},
#undef TEXT_WORD
#undef AT
};
#define WORD_COUNT_KEPT (sizeof(words_kept) / sizeof(words_kept[0]))

static void write_word(struct json_writer *w, const struct word *word,
                       const struct feed_words *words) {
    const void *at = (const char *)words + word->offset;
    json_key(w, word->name);
    switch (word->kind) {
    case WORD_TEXT:
        json_string(w, at);
        break;
    case WORD_TIME:
        if (*(const int64_t *)at == NEVER_US) {
            json_null(w);
        } else {
            json_timestamp(w, *(const int64_t *)at);
        }
        break;
    case WORD_COUNT:
        json_uint(w, *(const uint64_t *)at);
        break;
    case WORD_BOOL:
        json_bool(w, *(const bool *)at);
        break;
    }
}

void feed_words_save(struct feed *feed) {
    pthread_mutex_lock(&feed->lock);
    struct feed_words words = feed->words;
    pthread_mutex_unlock(&feed->lock);
    struct buffer json = {0};
    struct error error;
    struct json_writer w = {.out = &json};
    json_begin_object(&w);
    for (size_t i = 0; i < WORD_COUNT_KEPT; i++) {
        write_word(&w, &words_kept[i], &words);
    }
    json_end_object(&w);
    if (hub_item_put(feed->hub, KIND, feed->config->name, buffer_text(&json), &error) !=
        STATUS_OK) {
        log_warn("what became of a feed's files cannot be kept", "feed=%.*s error=%s",
                 TEXT_ARG(feed->config->name), log_quote(text_from(error.detail)));
    }
    buffer_deinit(&json);
}

/* Whole numbers are quantities of so many thousandths. */
static enum status read_count(struct text text, uint64_t *count_out) {
    int64_t milli = 0;
    enum status status = quantity_parse_json(text, &milli);
    *count_out = milli > 0 ? (uint64_t)milli / 1000 : 0;
    return status;
}

static enum status read_word(struct json_reader *reader, const struct word *word,
                             struct feed_words *words) {
    void *at = (char *)words + word->offset;
    struct json_value value;
    enum status status = json_read(reader, &value);
    if (status != STATUS_OK || value.kind == JSON_OBJECT || value.kind == JSON_ARRAY) {
        return status != STATUS_OK ? status : STATUS_BAD_JSON;
    }
    switch (word->kind) {
    case WORD_TEXT:
        snprintf(at, word->size, "%.*s", TEXT_ARG(value.text));
        break;
    case WORD_TIME:
        return value.kind == JSON_NULL ? STATUS_OK : timestamp_parse(value.text, at);
    case WORD_COUNT:
        return read_count(value.text, at);
    case WORD_BOOL:
        *(bool *)at = value.kind == JSON_TRUE;
        break;
    }
    return STATUS_OK;
}

static enum status read_words(struct text json, struct arena *arena, struct feed_words *words) {
    struct json_reader reader;
    struct json_value value;
    struct text key;
    json_reader_init(&reader, json, arena, NULL);
    enum status status = json_read(&reader, &value);
    while (status == STATUS_OK && (status = json_next_key(&reader, &key)) == STATUS_OK) {
        const struct word *found = NULL;
        for (size_t i = 0; i < WORD_COUNT_KEPT; i++) {
            found = text_equal_string(key, words_kept[i].name) ? &words_kept[i] : found;
        }
        status = found != NULL ? read_word(&reader, found, words) : json_skip(&reader);
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static const struct feed_words no_words = {
    .file_us = NEVER_US, .error_us = NEVER_US, .late_us = NEVER_US};

void feed_words_load(struct feed *feed) {
    struct buffer json = {0};
    struct arena arena = {0};
    struct feed_words words = no_words;
    if (store_item_get(hub_store(feed->hub), KIND, feed->config->name, &json, NULL) == STATUS_OK &&
        read_words(buffer_text(&json), &arena, &words) != STATUS_OK) {
        log_warn("what became of a feed's files cannot be read", "feed=%.*s",
                 TEXT_ARG(feed->config->name));
        words = no_words;
    }
    pthread_mutex_lock(&feed->lock);
    feed->words = words;
    pthread_mutex_unlock(&feed->lock);
    arena_deinit(&arena);
    buffer_deinit(&json);
}

void feed_taken_over(void *context) {
    feed_words_load(context);
}
