/* The trend of variances, from the records of resets.
 *
 * Three steps: which statements belong to the days asked for (records are in order of arrival, and
 * a visitor may not call the store, so they are noted first); what each corrected, and what of it
 * events that came later explain; then all are added up by day, location, source and feed. A cell
 * that nothing touched since its correction cannot have been explained, and its history is not
 * read: most cells are like that. */
#include "hub/variance_trend.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "hub/reset_internal.h"
#include "schedule/zone.h"

#define LATE_DAYS 31
#define PATIENCE_US (2 * US_PER_SECOND) /* for reading the histories of cells, in one request */

struct trend_entry {
    int64_t day; /* since 1970, in the hub's zone */
    struct text location, source, feed;
    uint32_t number, statement;
    uint64_t sequence, resets, cells;
    int64_t units_milli, unexplained_milli;
    bool known; /* unexplained_milli is the whole of it */
};

struct trend {
    struct hub *hub;
    const struct access *access;
    const struct trend_query *query;
    struct zone *zone;
    struct arena arena, scratch;
    int64_t from_us, until_us; /* of as_of */
    char first_id[40];         /* records below it came in before the first day */
    struct trend_entry *entries;
    size_t count, room;
    int64_t deadline_us; /* monotonic */
    bool more;
};

/* ---- days ---- */

static int64_t day_of(const struct trend *trend, int64_t us) {
    struct civil_time local = zone_to_local(trend->zone, us, NULL);
    local.hour = local.minute = local.second = local.microsecond = 0;
    return timestamp_from_civil(&local) / US_PER_DAY;
}

static int64_t start_of_day(const struct trend *trend, int64_t day) {
    struct civil_time local = civil_from_timestamp(day * US_PER_DAY);
    return zone_to_utc(trend->zone, &local, NULL, NULL);
}

static struct text date_text(int64_t day, struct arena *arena) {
    struct civil_time t = civil_from_timestamp(day * US_PER_DAY);
    return arena_format(arena, "%04d-%02u-%02u", (int)t.year, t.month, t.day);
}

/* Ids begin with the time of arrival: what sorts before all that came at `us` or later. */
static struct text id_at(int64_t us, char out[40]) {
    struct civil_time t = civil_from_timestamp(us);
    int length = snprintf(out, 40, "r-%04d%02u%02uT%02u%02u%02u", (int)t.year, t.month, t.day,
                          t.hour, t.minute, t.second);
    return (struct text){out, (size_t)length};
}

static enum status set_window(struct trend *trend, int64_t *day_out, struct error *error) {
    struct text before = trend->query->before;
    int64_t end_day = day_of(trend, hub_now_us(trend->hub)) + 1, us = 0;
    bool has_offset = false;
    trend->until_us = NEVER_US;
    if (before.length > 0) {
        if (before.length != 10 || timestamp_parse_local(before, &us, &has_offset) != STATUS_OK ||
            us < US_PER_DAY * (int64_t)(TREND_DAYS_MAX + 1))
            return error_set(error, STATUS_BAD_VALUE, "cursor: a date, as in 2026-11-23");
        end_day = us / US_PER_DAY;
        trend->until_us = start_of_day(trend, end_day);
    }
    *day_out = end_day - (int64_t)trend->query->days;
    trend->from_us = start_of_day(trend, *day_out);
    (void)id_at(trend->from_us, trend->first_id);
    return STATUS_OK;
}

/* ---- which statements ---- */

static void note_location(struct trend *trend, const struct reset_record *record,
                          const struct reset_location_record *location) {
    const struct trend_query *query = trend->query;
    if (location->status != RESET_APPLIED || location->as_of_us < trend->from_us ||
        location->as_of_us >= trend->until_us ||
        (query->location.length > 0 && !text_equal(query->location, location->code)) ||
        !access_allows_location(trend->access, location->code))
        return;
    if (trend->count == trend->room) {
        trend->room = trend->room == 0 ? 256 : trend->room * 2;
        trend->entries = memory_grow(trend->entries, trend->room * sizeof *trend->entries);
    }
    trend->entries[trend->count++] =
        (struct trend_entry){.day = day_of(trend, location->as_of_us),
                             .location = arena_copy(&trend->arena, location->code),
                             .source = arena_copy(&trend->arena, record->source),
                             .feed = arena_copy(&trend->arena, record->feed),
                             .statement = location->statement,
                             .sequence = location->sequence,
                             .resets = 1,
                             .units_milli = location->counts.variance_milli,
                             .known = true};
}

static bool note_record(void *context, struct text key, struct text value) {
    struct trend *trend = context;
    struct reset_record record;
    if (text_compare(key, text_from(trend->first_id)) < 0) {
        trend->more = true;
        return false;
    }
    arena_reset(&trend->scratch);
    if (reset_record_read(value, &trend->scratch, &record, NULL) != STATUS_OK ||
        (trend->query->feed.length > 0 && !text_equal(trend->query->feed, record.feed)))
        return true;
    for (size_t i = 0; i < record.location_count; i++)
        note_location(trend, &record, &record.locations[i]);
    return true;
}

/* ---- what each corrected ---- */

static enum status explain_cell(struct trend *trend, struct trend_entry *entry,
                                const struct cell_change *change, struct error *error) {
    struct arena arena = {0};
    struct cell_history history;
    enum status status = store_cell_history(trend->hub->store, entry->number, change->product,
                                            &arena, &history, error);
    if (status == STATUS_OK) {
        struct variance_grounds grounds = variance_find_grounds(&history, entry->statement);
        int64_t explained_milli = variance_explained_milli(&history, &grounds);
        entry->unexplained_milli += llabs(change->correction_milli - explained_milli);
    }
    arena_deinit(&arena);
    return status;
}

static enum status measure(struct trend *trend, struct trend_entry *entry, struct error *error) {
    struct store *store = trend->hub->store;
    struct cell_change *changes = NULL;
    size_t count = 0;
    if (entry->units_milli == 0)
        return STATUS_OK;
    arena_reset(&trend->scratch);
    entry->number = catalog_find_location(trend->hub->catalog, entry->location);
    enum status status = store_statement_rows(store, entry->statement, &trend->scratch, NULL, NULL,
                                              NULL, NULL, &changes, &count, error);
    entry->cells = count;
    for (size_t i = 0; i < count && status == STATUS_OK && entry->known; i++) {
        struct cell cell = store_cell(store, entry->number, changes[i].product);
        if (cell.head <= entry->sequence + count)
            entry->unexplained_milli += llabs(changes[i].correction_milli);
        else if (monotonic_us() > trend->deadline_us)
            entry->known = false;
        else
            status = explain_cell(trend, entry, &changes[i], error);
    }
    return status;
}

/* ---- added up ---- */

static int compare_entries(const void *a, const void *b) {
    const struct trend_entry *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? 1 : -1;
    int order = text_compare(x->location, y->location);
    if (order == 0)
        order = text_compare(x->feed, y->feed);
    return order != 0 ? order : text_compare(x->source, y->source);
}

static void add_up(struct trend *trend) {
    size_t kept = 0;
    if (trend->count > 1)
        qsort(trend->entries, trend->count, sizeof *trend->entries, compare_entries);
    for (size_t i = 0; i < trend->count; i++) {
        const struct trend_entry *entry = &trend->entries[i];
        struct trend_entry *sum = kept > 0 ? &trend->entries[kept - 1] : NULL;
        if (sum == NULL || compare_entries(sum, entry) != 0) {
            trend->entries[kept++] = *entry;
            continue;
        }
        sum->resets += entry->resets;
        sum->cells += entry->cells;
        sum->units_milli += entry->units_milli;
        sum->unexplained_milli += entry->unexplained_milli;
        sum->known = sum->known && entry->known;
    }
    trend->count = kept;
}

static void write_entry(struct trend *trend, struct json_writer *w,
                        const struct trend_entry *entry) {
    json_begin_object(w);
    json_key(w, "date");
    json_text(w, date_text(entry->day, &trend->scratch));
    json_key(w, "location");
    json_text(w, entry->location);
    json_key(w, "source");
    json_text(w, entry->source);
    json_key(w, "feed");
    json_text_or_null(w, entry->feed);
    json_key(w, "resets");
    json_uint(w, entry->resets);
    json_key(w, "cells");
    json_uint(w, entry->cells);
    json_key(w, "units");
    json_quantity(w, entry->units_milli);
    json_key(w, "explained");
    if (entry->known)
        json_quantity(w, entry->units_milli - entry->unexplained_milli);
    else
        json_null(w);
    json_key(w, "unexplained");
    if (entry->known)
        json_quantity(w, entry->unexplained_milli);
    else
        json_null(w);
    json_end_object(w);
}

static void write_trend(struct trend *trend, int64_t first_day, struct buffer *json) {
    struct json_writer w = {.out = json};
    arena_reset(&trend->scratch);
    json_begin_object(&w);
    json_key(&w, "items");
    json_begin_array(&w);
    for (size_t i = 0; i < trend->count; i++)
        write_entry(trend, &w, &trend->entries[i]);
    json_end_array(&w);
    json_key(&w, "next");
    json_text_or_null(&w,
                      trend->more ? date_text(first_day, &trend->scratch) : (struct text){NULL, 0});
    json_end_object(&w);
}

static enum status gather(struct trend *trend, struct error *error) {
    char id[40] = "";
    struct text after = {id, 0};
    if (trend->until_us != NEVER_US)
        after = id_at(trend->until_us + LATE_DAYS * US_PER_DAY, id);
    enum status status =
        store_item_scan(trend->hub->store, TEXT("reset"), after, true, note_record, trend, error);
    for (size_t i = 0; i < trend->count && status == STATUS_OK; i++)
        status = measure(trend, &trend->entries[i], error);
    return status;
}

enum status variance_trend(struct hub *hub, const struct access *access,
                           const struct trend_query *query, struct buffer *json,
                           struct error *error) {
    require(query->days > 0 && query->days <= TREND_DAYS_MAX);
    struct trend trend = {
        .hub = hub, .access = access, .query = query, .deadline_us = monotonic_us() + PATIENCE_US};
    int64_t first_day = 0;
    trend.zone = zone_open(hub->config->timezone, error);
    if (trend.zone == NULL)
        return STATUS_BAD_VALUE;
    enum status status = set_window(&trend, &first_day, error);
    if (status == STATUS_OK)
        status = gather(&trend, error);
    if (status == STATUS_OK) {
        add_up(&trend);
        write_trend(&trend, first_day, json);
    }
    free(trend.entries);
    arena_deinit(&trend.arena);
    arena_deinit(&trend.scratch);
    zone_free(trend.zone);
    return status;
}
