/* A reset put on record: what it was, its rejected rows, its content (so that the same file is
 * known again) and the locations it named, all at once at its end; and what is said of one that
 * broke off in the middle. */
#include "base/log.h"
#include "hub/reset_internal.h"

/* ---- what came before ---- */

static struct text content_key(struct arena *arena, const char *sha256, int64_t as_of_us) {
    if (as_of_us == NEVER_US)
        return arena_format(arena, "%s", sha256);
    return arena_format(arena, "%s@%lld", sha256, (long long)as_of_us);
}

struct text reset_seen(struct hub *hub, const char *sha256, int64_t as_of_us, struct arena *arena) {
    struct buffer id = {0};
    struct text seen = {NULL, 0};
    if (store_item_get(hub_store(hub), TEXT("reset_content"), content_key(arena, sha256, as_of_us),
                       &id, NULL) == STATUS_OK)
        seen = arena_copy(arena, buffer_text(&id));
    buffer_deinit(&id);
    return seen;
}

/* ---- at the end ---- */

/* People open this file in a spreadsheet, and a row may begin with what there is a formula: then an
 * apostrophe goes before it, which makes it text. */
static void append_row(struct buffer *csv, struct text raw, struct arena *arena) {
    bool formula = raw.length > 0 && memchr("=+-@\t\r", raw.data[0], 6) != NULL;
    buffer_append_csv(csv, formula ? arena_format(arena, "'%.*s", TEXT_ARG(raw)) : raw);
}

static void write_rejects(struct reset *reset, struct buffer *csv) {
    if (reset->reject_count == 0)
        return;
    buffer_append_string(csv, "line,reason,detail,row\n");
    for (size_t i = 0; i < reset->reject_count; i++) {
        const struct rejected_row *row = &reset->rejects[i];
        buffer_append_format(csv, "%llu,%s,", (unsigned long long)row->line,
                             status_code(row->problem));
        buffer_append_csv(csv, text_from(row->detail));
        buffer_append_string(csv, ",");
        append_row(csv, row->raw, &reset->arena);
        buffer_append_string(csv, "\n");
    }
    if (reset->reject_total > reset->reject_count)
        buffer_append_format(csv, ",,%llu more rows were rejected and are not listed,\n",
                             (unsigned long long)(reset->reject_total - reset->reject_count));
}

/* The locations that the feed's next full file is expected to name, a line each. */
static void list_locations(const struct reset *reset, struct buffer *codes) {
    for (uint32_t i = 0; i < reset->location_count; i++) {
        struct text code = reset->locations[i].code;
        if (memchr(code.data, '\n', code.length) != NULL)
            continue;
        if (codes->length > 0)
            buffer_append_string(codes, "\n");
        buffer_append_text(codes, code);
    }
}

/* All that is kept of a file at its end, in one transaction. */
struct record_write {
    struct text id, content, feed, ending;
    struct buffer record, rejects, locations;
    bool remember_content, remember_locations;
};

static enum status write_record(struct store *store, void *context, struct error *error) {
    const struct record_write *w = context;
    enum status status =
        store_item_put(store, TEXT("reset"), w->id, buffer_text(&w->record), error);
    if (status == STATUS_OK && w->rejects.length > 0)
        status =
            store_item_put(store, TEXT("reset_rejects"), w->id, buffer_text(&w->rejects), error);
    if (status == STATUS_OK && w->remember_content)
        status = store_item_put(store, TEXT("reset_content"), w->content, w->id, error);
    if (status == STATUS_OK && w->remember_locations)
        status = store_item_put(store, TEXT("feed_locations"), w->feed, buffer_text(&w->locations),
                                error);
    if (status == STATUS_OK && w->ending.length > 0)
        status = store_item_put(store, FEED_ENDING, w->feed, w->ending, error);
    return status;
}

enum status reset_keep(struct reset *reset, const char *sha256, struct error *error) {
    const struct reset_record *record = &reset->record;
    if (reset->params.dry_run)
        return STATUS_OK;
    struct record_write w = {.id = record->id,
                             .content =
                                 content_key(&reset->arena, sha256, record->content_as_of_us),
                             .feed = reset->params.feed,
                             .ending = reset_ending_to_keep(reset),
                             .remember_content = record->status != RESET_REJECTED};
    w.remember_locations =
        record->status == RESET_APPLIED && reset->params.full && reset->params.feed.length > 0;
    reset_record_write(record, true, &w.record);
    write_rejects(reset, &w.rejects);
    if (w.remember_locations)
        list_locations(reset, &w.locations);
    enum status status = hub_write(reset->hub, write_record, &w, error);
    buffer_deinit(&w.record);
    buffer_deinit(&w.rejects);
    buffer_deinit(&w.locations);
    return status;
}

/* ---- when it breaks off ---- */

void reset_enter_live(struct reset *reset) {
    struct hub *hub = reset->hub;
    pthread_mutex_lock(&hub->live_lock);
    reset->next_live = hub->live;
    hub->live = reset;
    pthread_mutex_unlock(&hub->live_lock);
}

void reset_leave_live(struct reset *reset) {
    struct hub *hub = reset->hub;
    pthread_mutex_lock(&hub->live_lock);
    struct reset **link = &hub->live;
    while (*link != reset)
        link = &(*link)->next_live;
    *link = reset->next_live;
    pthread_mutex_unlock(&hub->live_lock);
}

bool reset_is_live(struct hub *hub, struct text id) {
    bool live = false;
    pthread_mutex_lock(&hub->live_lock);
    for (const struct reset *r = hub->live; r != NULL && !live; r = r->next_live)
        live = text_equal(r->record.id, id);
    pthread_mutex_unlock(&hub->live_lock);
    return live;
}

void reset_break_off(struct reset *reset, enum status why) {
    struct reset_record *record = &reset->record;
    if (reset->params.dry_run)
        return;
    record->status = RESET_INTERRUPTED;
    record->detail = arena_format(&reset->arena,
                                  "applying it broke off (%s); send the file again, nothing counts "
                                  "twice",
                                  status_meaning(why));
    for (size_t i = 0; i < record->location_count; i++)
        if (record->locations[i].status == RESET_APPLYING)
            record->locations[i].status = RESET_INTERRUPTED;
    struct error error = {0};
    if (reset_record_save(reset->hub, record, &error) != STATUS_OK)
        log_warn("a reset broke off, and that could not be put on record either", "reset=%.*s",
                 TEXT_ARG(record->id));
}
