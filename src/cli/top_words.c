/* What needs a person, and the one sentence above it all. */
#include <inttypes.h>

#include "base/timestamp.h"
#include "cli/top.h"
#include "cli/view.h"

/* ---- figures ---- */

void append_count(struct buffer *out, int64_t count) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%" PRId64, count);
    int first = digits[0] == '-';
    for (int i = 0; i < length; i++) {
        if (i > first && (length - i) % 3 == 0)
            buffer_append_string(out, ",");
        buffer_append(out, &digits[i], 1);
    }
}

void append_plural(struct buffer *out, int64_t count, const char *one, const char *many) {
    append_count(out, count);
    buffer_append_format(out, " %s", count == 1 ? one : many);
}

void append_duration(struct buffer *out, int64_t us) {
    int64_t s = us > 0 ? us / US_PER_SECOND : 0;
    if (s < 60)
        buffer_append_format(out, "%" PRId64 " s", s);
    else if (s < 3600)
        buffer_append_format(out, "%" PRId64 " min", s / 60);
    else if (s < 86400 && s % 3600 >= 60)
        buffer_append_format(out, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
    else if (s < 86400)
        buffer_append_format(out, "%" PRId64 " h", s / 3600);
    else
        append_plural(out, s / 86400, "day", "days");
}

bool time_of(const json_t *object, const char *key, int64_t *us_out) {
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL && timestamp_parse(text_from(text), us_out) == STATUS_OK;
}

static int64_t whole(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

static bool is_word(const json_t *object, const char *key, const char *word) {
    return strcmp(view_string(object, key), word) == 0;
}

/* ---- needs ---- */

/* Room for one more; the worse go before those that only warn. */
static struct buffer *add_need(struct needs *needs, enum style style, const char *state) {
    size_t at = needs->count;
    if (style == STYLE_BAD) {
        at = 0;
        while (at < needs->count && needs->items[at].style == STYLE_BAD)
            at++;
    }
    if (needs->count == NEEDS_MAX) {
        needs->more++;
        if (at == NEEDS_MAX)
            return NULL;
        buffer_deinit(&needs->items[--needs->count].text);
    }
    for (size_t i = needs->count; i > at; i--)
        needs->items[i] = needs->items[i - 1];
    needs->count++;
    needs->items[at] = (struct need){.style = style, .state = state};
    return &needs->items[at].text;
}

static void find_in_feed(const json_t *feed, int64_t now_us, struct needs *needs) {
    int64_t late_us = now_us, error_us = 0, file_us = 0;
    struct buffer *text;
    if (json_is_true(json_object_get(feed, "late"))) {
        (void)time_of(feed, "late_since", &late_us);
        if ((text = add_need(needs, STYLE_BAD, "late")) != NULL) {
            buffer_append_format(text, "feed %s: its file is ", view_string(feed, "name"));
            append_duration(text, now_us - late_us);
            buffer_append_string(text, " late");
        }
    } else if (time_of(feed, "last_error_at", &error_us) &&
               (!time_of(feed, "last_file_at", &file_us) || error_us > file_us)) {
        if ((text = add_need(needs, STYLE_BAD, "failing")) != NULL)
            buffer_append_format(text, "feed %s: %s", view_string(feed, "name"),
                                 view_string(feed, "last_error"));
    }
}

static void find_in_channel(const json_t *channel, struct needs *needs) {
    static const char *const fine[] = {"ok", "new", "paused", "standby", "starting"};
    const char *state = view_string(channel, "state"), *error = view_string(channel, "last_error");
    const char *name = view_string(channel, "name");
    bool is_fine = false;
    struct buffer *text;
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        is_fine = is_fine || strcmp(state, fine[i]) == 0;
    if (!is_fine && (text = add_need(needs, STYLE_BAD, state)) != NULL)
        buffer_append_format(text, "channel %s: %s", name, error[0] != '\0' ? error : state);
    int64_t parked = whole(channel, "parked_count");
    if (parked > 0 && (text = add_need(needs, STYLE_WARN, "parked")) != NULL) {
        buffer_append_format(text, "channel %s: ", name);
        append_plural(text, parked, "item parked", "items parked");
    }
}

static void find_in_reset(const json_t *reset, struct needs *needs) {
    const json_t *reason = json_array_get(json_object_get(reset, "reasons"), 0);
    struct buffer *text;
    if (!is_word(reset, "status", "held") && !is_word(reset, "status", "partial"))
        return;
    if ((text = add_need(needs, STYLE_WARN, "held")) == NULL)
        return;
    buffer_append_format(text, "reset %s", view_string(reset, "id"));
    if (view_string(reset, "file")[0] != '\0')
        buffer_append_format(text, " (%s)", view_string(reset, "file"));
    buffer_append_format(text, ": %s",
                         reason != NULL ? view_string(reason, "detail")
                                        : "somebody must approve or reject it");
}

static void find_in_source(const json_t *source, int64_t now_us, struct needs *needs) {
    const json_t *silent = json_object_get(source, "silent");
    int64_t known = whole(source, "stores_silent"), parked = whole(source, "parked");
    struct buffer *text;
    for (size_t i = 0; i < json_array_size(silent); i++) {
        int64_t since_us = now_us;
        (void)time_of(json_array_get(silent, i), "since", &since_us);
        if ((text = add_need(needs, STYLE_WARN, "silent")) != NULL) {
            buffer_append_format(text, "%s silent for ",
                                 view_string(json_array_get(silent, i), "location"));
            append_duration(text, now_us - since_us);
        }
    }
    int64_t rest = known - (int64_t)json_array_size(silent);
    if (rest > 0 && (text = add_need(needs, STYLE_WARN, "silent")) != NULL)
        append_plural(text, rest, "more store silent", "more stores silent");
    if (parked > 0 && (text = add_need(needs, STYLE_WARN, "parked")) != NULL) {
        buffer_append_format(text, "source %s: ", view_string(source, "name"));
        append_plural(text, parked, "document not understood", "documents not understood");
    }
}

void needs_find(const json_t *now, int64_t now_us, struct needs *needs) {
    size_t i;
    json_t *item;
    *needs = (struct needs){.count = 0};
    if (json_is_true(json_object_get(json_object_get(now, "status"), "disk_full")))
        buffer_append_string(add_need(needs, STYLE_BAD, "disk full"),
                             "the disk is full: sales are refused until there is room again");
    json_array_foreach(json_object_get(now, "feeds"), i, item) {
        find_in_feed(item, now_us, needs);
    }
    json_array_foreach(json_object_get(now, "channels"), i, item) {
        find_in_channel(item, needs);
    }
    json_array_foreach(json_object_get(json_object_get(now, "resets"), "items"), i, item) {
        find_in_reset(item, needs);
    }
    json_array_foreach(json_object_get(now, "sources"), i, item) {
        find_in_source(item, now_us, needs);
    }
}

void needs_deinit(struct needs *needs) {
    for (size_t i = 0; i < needs->count; i++)
        buffer_deinit(&needs->items[i].text);
    needs->count = 0;
}

/* ---- the sentence ---- */

static enum style say_in_sync(const json_t *now, struct buffer *out) {
    const json_t *status = json_object_get(now, "status");
    const json_t *resets = json_object_get(json_object_get(now, "resets"), "items");
    int64_t stores = whole(status, "locations");
    if (whole(status, "cells") == 0) {
        buffer_append_string(out, "Ready: no stock has been told yet");
        return STYLE_STRONG;
    }
    if (whole(status, "resets_applied") == 0 && json_array_size(resets) == 0) {
        append_plural(out, stores, "store", "stores");
        buffer_append_string(out, " heard of; no reset has confirmed their stock yet");
        return STYLE_STRONG;
    }
    if (stores == 1) {
        buffer_append_string(out, "The store is in sync");
        return STYLE_GOOD;
    }
    buffer_append_string(out, "All ");
    append_plural(out, stores, "store", "stores");
    buffer_append_string(out, " in sync");
    return STYLE_GOOD;
}

enum style top_sentence(const struct top_model *model, const struct needs *needs,
                        struct buffer *out) {
    if (model->link == TOP_AWAY) {
        buffer_append_string(out, "The hub has been away for ");
        append_duration(out, model->now_us - model->away_since_us);
        buffer_append_string(out, "; trying again");
        return STYLE_BAD;
    }
    if (needs->count == 0)
        return say_in_sync(model->now, out);
    const struct need *worst = &needs->items[0];
    size_t more = needs->count - 1 + needs->more;
    if (strcmp(worst->state, "silent") == 0) { /* the others are as true as they were */
        (void)say_in_sync(model->now, out);
        buffer_append_string(out, "; ");
    }
    size_t begin = out->length;
    buffer_append_text(out, buffer_text(&worst->text));
    if (begin == 0 && out->data[0] >= 'a' && out->data[0] <= 'z')
        out->data[0] = (char)(out->data[0] & ~0x20);
    if (more > 0) {
        buffer_append_string(out, ", and ");
        append_plural(out, (int64_t)more, "more thing", "more things");
    }
    return worst->style;
}
