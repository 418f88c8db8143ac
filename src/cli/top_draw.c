/* Draws what `onhand top` shows, from what it knows. */
#include <inttypes.h>
#include <time.h>

#include "base/timestamp.h"
#include "cli/top.h"
#include "cli/view.h"

#define NEEDS_SHOWN 8u
#define NEEDS_SHOWN_LEAST 3u
#define LABEL_COLUMNS 10u
#define SECONDS_MAX 120u

static const json_t *status_of(const struct top_model *m) {
    return json_object_get(m->now, "status");
}

/* In the zone of the terminal. */
static void append_clock(struct buffer *out, int64_t us) {
    time_t seconds = (time_t)(us / US_PER_SECOND);
    struct tm local;
    if (localtime_r(&seconds, &local) != NULL)
        buffer_append_format(out, "%02d:%02d:%02d", local.tm_hour, local.tm_min, local.tm_sec);
}

static const char *zone_at(int64_t us) {
    static char zone[16];
    time_t seconds = (time_t)(us / US_PER_SECOND);
    struct tm local;
    zone[0] = '\0';
    if (localtime_r(&seconds, &local) != NULL)
        (void)snprintf(zone, sizeof zone, "%s", local.tm_zone);
    return zone;
}

static void add_label(struct picture *p, const char *label) {
    picture_add(p, STYLE_QUIET, label);
    picture_tab(p, LABEL_COLUMNS);
}

static void add_count(struct picture *p, const json_t *number, unsigned end_column) {
    struct buffer text = {0};
    if (json_is_integer(number))
        append_count(&text, json_integer_value(number));
    else
        buffer_append_string(&text, "-");
    picture_add_right(p, STYLE_PLAIN, text.data, end_column);
    buffer_deinit(&text);
}

static void skip_line(struct picture *p) {
    picture_end_line(p);
}

/* ---- the head ---- */

/* The sentence may take two lines: what needs a person is worth it. */
static void draw_sentence(struct picture *p, const struct top_model *m, const struct needs *needs) {
    struct buffer text = {0};
    enum style style = top_sentence(m, needs, &text);
    char *second = NULL;
    if (text_columns(text.data) > p->width) {
        size_t at = text.length < p->width ? text.length : p->width;
        while (at > 0 && text.data[at] != ' ')
            at--;
        if (at > 0) {
            text.data[at] = '\0';
            second = text.data + at + 1;
        }
    }
    picture_add(p, style, text.data);
    picture_end_line(p);
    if (second != NULL) {
        picture_add(p, style, second);
        picture_end_line(p);
    }
    buffer_deinit(&text);
}

static void draw_where(struct picture *p, const struct top_model *m) {
    static const char *const words[] = {"live", "asked every second", "away", "asked once"};
    struct buffer clock = {0};
    append_clock(&clock, m->now_us);
    buffer_append_format(&clock, " %s", zone_at(m->now_us));
    picture_format(p, STYLE_QUIET, "%s  %s  onhand %s", clock.data, words[m->link],
                   view_string(status_of(m), "version"));
    picture_format(p, STYLE_QUIET, "  %s", m->url);
    picture_end_line(p);
    if (m->link == TOP_AWAY) {
        struct buffer since = {0};
        append_clock(&since, m->away_since_us);
        picture_format(p, STYLE_BAD, "away since %s: %s", since.data,
                       m->trouble[0] != '\0' ? m->trouble : "no answer");
        picture_end_line(p);
        picture_add(p, STYLE_QUIET, "What stands below is what was known then.");
        picture_end_line(p);
        buffer_deinit(&since);
    }
    buffer_deinit(&clock);
    skip_line(p);
}

/* ---- sales and resets ---- */

static void draw_sales(struct picture *p, const struct top_model *m) {
    const json_t *list = json_object_get(m->now, "adjustments_per_second");
    uint64_t rates[SECONDS_MAX], most = 0;
    size_t count = json_array_size(list), kept = count < SECONDS_MAX ? count : SECONDS_MAX;
    for (size_t i = 0; i < kept; i++) {
        json_int_t rate = json_integer_value(json_array_get(list, count - kept + i));
        rates[i] = rate > 0 ? (uint64_t)rate : 0;
        most = rates[i] > most ? rates[i] : most;
    }
    struct buffer last = {0}, highest = {0};
    if (kept > 0)
        append_count(&last, (int64_t)rates[kept - 1]);
    else
        buffer_append_string(&last, "-"); /* not a second old: not known */
    append_count(&highest, (int64_t)most);
    add_label(p, "Changes");
    picture_add_right(p, STYLE_STRONG, last.data, LABEL_COLUMNS + 7);
    picture_add(p, STYLE_PLAIN, " /s  ");
    unsigned tail = 8 + text_columns(highest.data);
    unsigned room = p->width > p->column + tail ? p->width - p->column - tail : 0;
    picture_bars(p, STYLE_GOOD, rates, kept, room < 60 ? room : 60);
    picture_format(p, STYLE_QUIET, "  most %s", highest.data);
    picture_end_line(p);
    buffer_deinit(&last);
    buffer_deinit(&highest);
}

static void draw_last_reset(struct picture *p, const struct top_model *m) {
    const json_t *items = json_object_get(json_object_get(m->now, "resets"), "items");
    const json_t *last = NULL;
    for (size_t i = 0; i < json_array_size(items) && last == NULL; i++)
        if (strcmp(view_string(json_array_get(items, i), "status"), "dry_run") != 0)
            last = json_array_get(items, i);
    add_label(p, "Resets");
    if (last == NULL) {
        picture_add(p, STYLE_PLAIN, "none yet");
        picture_end_line(p);
        return;
    }
    struct buffer text = {0};
    int64_t at_us = 0;
    const char *what = view_string(last, "file");
    buffer_append_format(&text, "last %s ", view_string(last, "status"));
    if (time_of(last, "received_at", &at_us) || time_of(last, "as_of", &at_us)) {
        append_duration(&text, m->now_us - at_us);
        buffer_append_string(&text, " ago");
    }
    buffer_append_string(&text, ": ");
    append_count(&text, json_integer_value(json_object_get(last, "changed")));
    buffer_append_string(&text, " of ");
    append_count(&text, json_integer_value(json_object_get(last, "cells")));
    buffer_append_string(&text, " cells changed");
    if (what[0] != '\0')
        buffer_append_format(&text, "  %s", what);
    picture_add(p, STYLE_PLAIN, text.data);
    picture_end_line(p);
    buffer_deinit(&text);
}

static void draw_next_reset(struct picture *p, const struct top_model *m) {
    const json_t *next = json_object_get(m->now, "next_reset");
    int64_t at_us = 0;
    picture_tab(p, LABEL_COLUMNS);
    if (!time_of(next, "at", &at_us)) {
        picture_add(p, STYLE_QUIET, "next not planned (no feed and no snapshot has a schedule)");
        picture_end_line(p);
        return;
    }
    struct buffer text = {0};
    buffer_append_string(&text, "next in ");
    append_duration(&text, at_us - m->now_us);
    buffer_append_string(&text, ", at ");
    append_clock(&text, at_us);
    buffer_append_format(&text, "  %s", view_string(next, "job"));
    picture_add(p, STYLE_PLAIN, text.data);
    picture_end_line(p);
    buffer_deinit(&text);
}

/* ---- what needs a person ---- */

static void draw_needs(struct picture *p, const struct needs *needs, size_t most) {
    size_t all = needs->count + needs->more, shown = needs->count < most ? needs->count : most;
    skip_line(p);
    picture_add(p, STYLE_STRONG, "Needs a person");
    picture_add(p, STYLE_QUIET, all == 0 ? "  nothing" : "");
    picture_end_line(p);
    for (size_t i = 0; i < shown; i++) {
        picture_tab(p, 2);
        picture_add(p, needs->items[i].style, needs->items[i].state);
        picture_tab(p, LABEL_COLUMNS + 4);
        picture_add(p, STYLE_PLAIN, needs->items[i].text.data);
        picture_end_line(p);
    }
    if (all > shown) {
        picture_format(p, STYLE_QUIET, "  and %zu more", all - shown);
        picture_end_line(p);
    }
}

/* ---- channels, sources, the hub ---- */

static enum style style_of_state(const char *state) {
    static const char *const calm[] = {"ok", "new", "standby", "starting"};
    for (size_t i = 0; i < sizeof calm / sizeof calm[0]; i++)
        if (strcmp(state, calm[i]) == 0)
            return STYLE_GOOD;
    bool warns = strcmp(state, "paused") == 0 || strcmp(state, "silent") == 0 ||
                 strcmp(state, "parked") == 0;
    return warns ? STYLE_WARN : STYLE_BAD;
}

/* A name, its state, then right-aligned columns of 11. */
static void draw_row_head(struct picture *p, const json_t *item) {
    unsigned name_end = p->width < 80 ? 16 : 24;
    const char *state = view_string(item, "state");
    picture_tab(p, 2);
    picture_add(p, STYLE_PLAIN, view_string(item, "name"));
    picture_tab(p, name_end);
    picture_add(p, style_of_state(state), state);
    picture_tab(p, name_end + 13);
}

static unsigned column_end(const struct picture *p, unsigned number) {
    return (p->width < 80 ? 29 : 37) + 10 * (number + 1);
}

static void draw_heads(struct picture *p, const char *title, const char *const heads[3]) {
    skip_line(p);
    picture_add(p, STYLE_STRONG, title);
    for (unsigned i = 0; i < 3; i++)
        picture_add_right(p, STYLE_QUIET, heads[i], column_end(p, i));
    picture_end_line(p);
}

static void draw_channels(struct picture *p, const struct top_model *m) {
    static const char *const heads[] = {"waiting", "lag", "parked"};
    const json_t *channels = json_object_get(m->now, "channels");
    if (json_array_size(channels) == 0)
        return;
    draw_heads(p, "Channels", heads);
    for (size_t i = 0; i < json_array_size(channels); i++) {
        const json_t *channel = json_array_get(channels, i);
        const json_t *lag = json_object_get(channel, "oldest_pending_seconds");
        struct buffer text = {0};
        draw_row_head(p, channel);
        add_count(p, json_object_get(channel, "pending"), column_end(p, 0));
        if (json_is_number(lag))
            append_duration(&text, (int64_t)(json_number_value(lag) * 1e6));
        picture_add_right(p, STYLE_PLAIN, text.length > 0 ? text.data : "-", column_end(p, 1));
        add_count(p, json_object_get(channel, "parked_count"), column_end(p, 2));
        picture_end_line(p);
        buffer_deinit(&text);
    }
}

static void draw_sources(struct picture *p, const struct top_model *m) {
    static const char *const heads[] = {"stores", "silent", "last"};
    const json_t *sources = json_object_get(m->now, "sources");
    if (json_array_size(sources) == 0)
        return;
    draw_heads(p, "Sources", heads);
    for (size_t i = 0; i < json_array_size(sources); i++) {
        const json_t *source = json_array_get(sources, i);
        struct buffer text = {0};
        int64_t last_us = 0;
        draw_row_head(p, source);
        add_count(p, json_object_get(source, "stores_known"), column_end(p, 0));
        add_count(p, json_object_get(source, "stores_silent"), column_end(p, 1));
        if (time_of(source, "last_document_at", &last_us))
            append_duration(&text, m->now_us - last_us);
        picture_add_right(p, STYLE_PLAIN, text.length > 0 ? text.data : "-", column_end(p, 2));
        picture_end_line(p);
        buffer_deinit(&text);
    }
}

static void append_bytes(struct buffer *out, const json_t *number) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double bytes = json_number_value(number);
    unsigned unit = 0;
    for (; bytes >= 1000.0 && unit < 4; unit++)
        bytes /= 1000.0;
    buffer_append_format(out, bytes < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void draw_hub(struct picture *p, const struct top_model *m) {
    static const struct {
        const char *key, *one, *many;
    } counts[] = {{"cells", "cell", "cells"},
                  {"locations", "store", "stores"},
                  {"products", "product", "products"}};
    const json_t *status = status_of(m);
    struct buffer text = {0};
    int64_t started_us = 0;
    skip_line(p);
    add_label(p, "Hub");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        append_plural(&text, json_integer_value(json_object_get(status, counts[i].key)),
                      counts[i].one, counts[i].many);
        buffer_append_string(&text, ", ");
    }
    append_bytes(&text, json_object_get(status, "memory_bytes"));
    buffer_append_string(&text, " memory, ");
    append_bytes(&text, json_object_get(status, "disk_bytes"));
    buffer_append_string(&text, " on disk");
    if (time_of(status, "started_at", &started_us)) {
        buffer_append_string(&text, ", up ");
        append_duration(&text, m->now_us - started_us);
    }
    picture_add(p, STYLE_PLAIN, text.data);
    picture_end_line(p);
    buffer_deinit(&text);
}

/* ---- the latest events ---- */

static void draw_event(struct picture *p, const json_t *event) {
    const json_t *data = json_object_get(event, "data");
    const json_t *on_hand = json_object_get(data, "on_hand");
    const char *type = view_string(event, "type");
    struct buffer text = {0};
    int64_t at_us = 0;
    picture_tab(p, 2);
    if (time_of(event, "time", &at_us))
        append_clock(&text, at_us);
    picture_add(p, STYLE_QUIET, text.length > 0 ? text.data : "--:--:--");
    picture_tab(p, 12);
    if (on_hand == NULL) {
        const char *short_type = strncmp(type, "onhand.", 7) == 0 ? type + 7 : type;
        picture_format(p, STYLE_WARN, "%s", short_type);
        picture_format(p, STYLE_PLAIN, "  %s", view_string(event, "subject"));
    } else {
        buffer_clear(&text);
        view_append_number(&text, on_hand);
        buffer_append_string(&text, " on hand, ");
        view_append_number(&text, json_object_get(data, "available"));
        buffer_append_string(&text, " available");
        picture_format(p, STYLE_PLAIN, "%s  %s", view_string(data, "location"),
                       view_string(data, "sku"));
        picture_tab(p, p->width < 80 ? 34 : 47);
        picture_add(p, STYLE_QUIET, text.data);
    }
    picture_end_line(p);
    buffer_deinit(&text);
}

static void draw_latest(struct picture *p, const struct top_model *m, unsigned height) {
    if (m->latest[0] == NULL || p->count + 3 > height)
        return;
    skip_line(p);
    picture_add(p, STYLE_STRONG, "Latest");
    picture_end_line(p);
    for (size_t i = 0; i < TOP_LATEST && m->latest[i] != NULL && p->count < height; i++)
        draw_event(p, m->latest[i]);
}

void top_draw(const struct top_model *m, unsigned height, struct picture *p) {
    struct needs needs;
    needs_find(m->now, m->now_us, &needs);
    draw_sentence(p, m, &needs);
    draw_where(p, m);
    draw_sales(p, m);
    draw_last_reset(p, m);
    draw_next_reset(p, m);
    size_t most = height == 0 ? NEEDS_MAX : height < 30 ? NEEDS_SHOWN_LEAST : NEEDS_SHOWN;
    draw_needs(p, &needs, most);
    draw_channels(p, m);
    draw_sources(p, m);
    draw_hub(p, m);
    draw_latest(p, m, height);
    needs_deinit(&needs);
}
