/* Decisions about resets on record: approve what a guard held, reject it, or take an applied one
 * out.
 *
 * Each location is one transaction on the writer's thread. The statements' own states are the
 * truth: after a crash in between, deciding again picks up what was left. */
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "core/guard.h"
#include "hub/lease.h"
#include "hub/reset_internal.h"

struct decision {
    struct task task;
    enum reset_decision what;
    struct reset_record *record;
    struct reset_location_record *location;
    struct arena arena;
    struct statement_outcome outcome;
    uint64_t seq;
    bool tells_rows; /* the location's next file is measured by these: */
    uint64_t rows;
};

static enum status approve(struct hub *hub, struct decision *d, struct decision_room *room,
                           struct error *error) {
    const struct statement *statement = store_statement(hub->store, d->location->statement);
    struct stated *rows = NULL;
    uint32_t *excluded = NULL;
    size_t row_count = 0, excluded_count = 0;
    bool stale = false;
    enum status status =
        store_statement_rows(hub->store, statement->id, &d->arena, &rows, &row_count, &excluded,
                             &excluded_count, NULL, NULL, error);
    if (status == STATUS_OK)
        status = decide_statement(hub, statement, rows, row_count, excluded, excluded_count, room,
                                  &d->outcome, &stale, error);
    if (status == STATUS_OK)
        status = store_write_statement(hub->store, statement->id, &d->outcome, hub_now_us(hub),
                                       &d->seq, error);
    if (status != STATUS_OK)
        return status;
    struct reset_counts *counts = &d->location->counts;
    d->location->status = stale ? RESET_STALE : RESET_APPLIED;
    d->location->sequence = d->seq;
    d->location->forecast = (struct text){NULL, 0};
    counts->changed = d->outcome.changed;
    counts->unchanged = d->outcome.unchanged;
    counts->zeroed = d->outcome.zeroed;
    counts->variance_milli = d->outcome.variance_milli;
    d->tells_rows = !stale && (d->location->guards & (UINT64_C(1) << GUARD_MISSING_LOCATION)) == 0;
    if (!d->tells_rows)
        return STATUS_OK;
    d->rows =
        d->record->full ? counts->rows : hub_location_memory(hub, statement->location).last_rows;
    struct buffer value = {0};
    buffer_append_uint(&value, d->rows);
    status = store_item_put(hub->store, TEXT("last_reset"), d->location->code, buffer_text(&value),
                            error);
    buffer_deinit(&value);
    return status;
}

static enum status roll_back(struct hub *hub, struct decision *d, struct error *error) {
    enum status status =
        store_plan_rollback(hub->store, d->location->statement, &d->arena, &d->outcome, error);
    if (status == STATUS_OK)
        status = store_write_rollback(hub->store, d->location->statement, &d->outcome,
                                      hub_now_us(hub), &d->seq, error);
    if (status == STATUS_OK)
        d->location->status = RESET_ROLLED_BACK;
    return status;
}

static enum status refuse(struct hub *hub, struct decision *d, struct error *error) {
    d->location->status = RESET_REJECTED;
    d->location->forecast = (struct text){NULL, 0};
    return store_set_statement_state(hub->store, d->location->statement, STATEMENT_REJECTED, error);
}

static void run_decision(struct hub *hub, struct task *task) {
    struct decision *d = (struct decision *)task;
    struct decision_room room = {0};
    struct error *error = &task->error;
    enum status status = hub_begin(hub, error);
    if (status == STATUS_OK) {
        status = d->what == RESET_APPROVE    ? approve(hub, d, &room, error)
                 : d->what == RESET_ROLLBACK ? roll_back(hub, d, error)
                                             : refuse(hub, d, error);
        if (status == STATUS_OK)
            status = store_commit(hub->store, error);
        if (status != STATUS_OK)
            status = hub_abort_or_die(hub, status, error);
    }
    uint32_t location = catalog_find_location(hub->catalog, d->location->code);
    if (status == STATUS_OK && d->what != RESET_REJECT) {
        publish_outcome(hub, location, &d->outcome, d->seq,
                        d->what == RESET_APPROVE ? LEDGER_RESET : LEDGER_ROLLBACK, hub_now_us(hub));
        change_feed_publish(hub, NULL, 0, store_last_seq(hub->store));
        if (d->tells_rows)
            hub_location_remember(hub, location, (struct location_memory){true, d->rows});
    }
    decision_room_deinit(&room);
    task->status = status;
}

/* What the decision made of the location before the hub stopped in the middle of it, and did not
 * live to write down. */
static bool catch_up(enum reset_decision what, const struct statement_info *info,
                     struct reset_location_record *location) {
    if (what == RESET_APPROVE && info->state == STATEMENT_APPLIED &&
        location->status == RESET_HELD) {
        location->status = RESET_APPLIED;
        location->sequence = info->applied_seq;
        return true;
    }
    enum reset_status wanted = what == RESET_REJECT ? RESET_REJECTED : RESET_ROLLED_BACK;
    enum statement_state state = what == RESET_REJECT ? STATEMENT_REJECTED : STATEMENT_ROLLED_BACK;
    if (what == RESET_APPROVE || info->state != state || location->status == wanted)
        return false;
    location->status = wanted;
    return true;
}

/* Whether the decision concerns this location, by the state of its statement. */
static bool concerns(struct hub *hub, enum reset_decision what,
                     struct reset_location_record *location, bool *caught_up_out) {
    struct statement_info info;
    if (location->statement == 0 ||
        store_statement_info(hub->store, location->statement, &info, NULL) != STATUS_OK)
        return false;
    *caught_up_out |= catch_up(what, &info, location);
    return info.state == (what == RESET_ROLLBACK ? STATEMENT_APPLIED : STATEMENT_HELD);
}

static enum status decide_locations(struct hub *hub, enum reset_decision what,
                                    struct reset_record *record, struct error *error) {
    static const char *const nothing[] = {"no location of this reset is held",
                                          "no location of this reset is held",
                                          "no location of this reset is applied"};
    size_t concerned = 0;
    bool caught_up = false;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < record->location_count && status == STATUS_OK; i++) {
        if (!concerns(hub, what, &record->locations[i], &caught_up))
            continue;
        concerned++;
        struct decision d = {.task.run = run_decision,
                             .what = what,
                             .record = record,
                             .location = &record->locations[i]};
        status = hub_run_task(hub, &d.task, error);
        arena_deinit(&d.arena);
    }
    if (status == STATUS_OK && concerned == 0 && !caught_up)
        return error_set(error, STATUS_CONFLICT, "%s", nothing[what]);
    return status;
}

static void recount(struct reset_record *record) {
    uint64_t unlocated = record->counts.rows;
    struct reset_counts sum = {.unknown_locations = record->counts.unknown_locations};
    for (size_t i = 0; i < record->location_count; i++) {
        unlocated -= record->locations[i].counts.rows;
        reset_counts_add(&sum, &record->locations[i].counts);
    }
    sum.rows += unlocated;
    sum.rejected_rows += unlocated - record->counts.unknown_locations;
    record->counts = sum;
}

/* A reset that was refused or taken out may be sent again; another of the same content stays. */
static enum status forget_content(struct hub *hub, const struct reset_record *record,
                                  struct arena *arena, struct error *error) {
    int64_t known_us = record->content_as_of_us != 0 && record->content_as_of_us != NEVER_US
                           ? record->content_as_of_us
                           : record->as_of_us;
    struct text keys[2] = {
        arena_format(arena, "%.*s@%lld", TEXT_ARG(record->content_sha256), (long long)known_us),
        record->content_sha256};
    enum status status = STATUS_OK;
    for (int i = 0; i < 2 && status == STATUS_OK; i++) {
        struct buffer owner = {0};
        bool ours =
            store_item_get(hub->store, TEXT("reset_content"), keys[i], &owner, NULL) == STATUS_OK &&
            text_equal(buffer_text(&owner), record->id);
        buffer_deinit(&owner);
        if (ours)
            status = hub_item_delete(hub, TEXT("reset_content"), keys[i], error);
    }
    return status;
}

/* ---- approvals by several ---- */

struct approval_count {
    size_t count;
    bool has_this;
};

static struct approval_count count_approvals(struct text approvals, struct text name,
                                             struct arena *arena) {
    struct approval_count found = {0};
    struct json_reader r;
    struct json_value value;
    struct text key;
    json_reader_init(&r, approvals, arena, NULL);
    enum status status = approvals.length > 0 ? json_read(&r, &value) : STATUS_END;
    while (status == STATUS_OK && json_next_item(&r) == STATUS_OK) {
        found.count++;
        status = json_read(&r, &value);
        while (status == STATUS_OK && (status = json_next_key(&r, &key)) == STATUS_OK) {
            status = json_read(&r, &value);
            found.has_this |= text_equal_string(key, "by") && text_equal(value.text, name);
        }
        status = status == STATUS_END ? STATUS_OK : status;
    }
    return found;
}

/* The list with one more: the closing bracket makes room for it. */
static struct text add_approval(struct text approvals, struct text name, int64_t at_us,
                                struct arena *arena) {
    struct buffer json = {0};
    buffer_append(&json, "[", 1);
    if (approvals.length > 2) {
        buffer_append(&json, approvals.data + 1, approvals.length - 2);
        buffer_append(&json, ",", 1);
    }
    struct json_writer w = {.out = &json};
    json_begin_object(&w);
    json_key(&w, "by");
    json_text(&w, name);
    json_key(&w, "at");
    json_timestamp(&w, at_us);
    json_end_object(&w);
    buffer_append(&json, "]", 1);
    struct text text = arena_copy(arena, buffer_text(&json));
    buffer_deinit(&json);
    return text;
}

/* Puts the approval on record. *enough_out: the reset has as many as are asked for. */
static enum status note_approval(struct hub *hub, const struct access *access,
                                 struct reset_record *record, struct arena *arena, bool *enough_out,
                                 struct error *error) {
    size_t needed = (size_t)hub->config->approvals;
    struct approval_count before = count_approvals(record->approvals, access->name, arena);
    *enough_out = before.count >= needed; /* the hub stopped between the last one and its effect */
    if (*enough_out)
        return STATUS_OK;
    if (before.has_this)
        return error_set(
            error, STATUS_CONFLICT,
            "this token has approved it already; %zu of %zu approvals, each by another",
            before.count, needed);
    record->approvals = add_approval(record->approvals, access->name, hub_now_us(hub), arena);
    *enough_out = before.count + 1 >= needed;
    return reset_record_save(hub, record, error);
}

/* One approval of several: on record, and nothing else happens. */
static void tell_approval(struct hub *hub, const struct access *access,
                          const struct reset_record *record, struct buffer *json) {
    reset_record_write(record, true, json);
    hub_notify(hub, "onhand.reset.approval", record->id, buffer_text(json));
    log_info("reset approved, and waits for another", "reset=%.*s by=%s", TEXT_ARG(record->id),
             log_quote(access->name));
}

static enum status decide_record(struct hub *hub, const struct access *access, struct text id,
                                 enum reset_decision what, struct arena *arena, struct buffer *json,
                                 struct error *error) {
    struct reset_record record;
    enum status status = reset_record_load(hub, id, arena, &record, error);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < record.location_count; i++)
        if (!access_allows_location(access, record.locations[i].code))
            return error_set(error, STATUS_FORBIDDEN_LOCATION,
                             "the reset touches locations that the token may not");
    if (what == RESET_APPROVE && hub->config->approvals > 1 && reset_record_is_held(&record)) {
        bool enough = false;
        status = note_approval(hub, access, &record, arena, &enough, error);
        if (status != STATUS_OK)
            return status;
        if (!enough) {
            tell_approval(hub, access, &record, json);
            return STATUS_OK;
        }
    }
    if (record.location_count == 0 && record.status == RESET_HELD)
        record.status = what == RESET_APPROVE ? RESET_APPLIED : RESET_REJECTED;
    else {
        status = decide_locations(hub, what, &record, error);
        if (status != STATUS_OK)
            return status;
        record.status = reset_record_overall(&record);
        recount(&record);
    }
    status = reset_record_save(hub, &record, error);
    if (status == STATUS_OK && what == RESET_APPROVE)
        status = reset_ending_approved(hub, &record, error);
    if (status == STATUS_OK && what != RESET_APPROVE)
        status = forget_content(hub, &record, arena, error);
    if (status == STATUS_OK) {
        reset_record_write(&record, true, json);
        hub_notify(hub, "onhand.reset.decided", record.id, buffer_text(json));
        log_info("reset decided", "reset=%.*s status=%s by=%s", TEXT_ARG(record.id),
                 reset_status_word(record.status), log_quote(access->name));
    }
    return status;
}

enum status reset_decide(struct hub *hub, const struct access *access, struct text id,
                         enum reset_decision what, struct buffer *json, struct error *error) {
    if (!access_allows(access, SCOPE_RESET))
        return error_set(error, STATUS_FORBIDDEN, "deciding on a reset needs the scope reset");
    struct arena arena = {0};
    pthread_mutex_lock(&hub->decide_lock);
    enum status status = decide_record(hub, access, id, what, &arena, json, error);
    pthread_mutex_unlock(&hub->decide_lock);
    arena_deinit(&arena);
    return status;
}

/* ---- looking at them ---- */

enum status reset_get(struct hub *hub, struct text id, struct buffer *json, struct error *error) {
    enum status status = store_item_get(hub->store, TEXT("reset"), id, json, error);
    if (status == STATUS_NOT_FOUND)
        return error_set(error, status, "no reset has this id");
    static const char applying[] = "\"applying\"";
    if (status != STATUS_OK ||
        memmem(json->data, json->length, applying, sizeof applying - 1) == NULL)
        return status;
    struct arena arena = {0};
    struct reset_record record;
    status = reset_record_load(hub, id, &arena, &record, error);
    if (status == STATUS_OK) {
        buffer_clear(json);
        reset_record_write(&record, true, json);
    }
    arena_deinit(&arena);
    return status;
}

struct reset_page {
    struct hub *hub;
    struct json_writer writer;
    struct arena arena;
    size_t left;
    char last[64];
    bool more;
};

static bool list_one(void *context, struct text key, struct text value) {
    struct reset_page *page = context;
    if (page->left == 0) {
        page->more = true;
        return false;
    }
    struct reset_record record;
    if (reset_record_read(value, &page->arena, &record, NULL) != STATUS_OK)
        return true;
    struct buffer json = {0};
    reset_record_tell_broken(page->hub, &record);
    reset_record_write(&record, false, &json);
    json_raw(&page->writer, buffer_text(&json));
    buffer_deinit(&json);
    arena_reset(&page->arena);
    page->left--;
    if (key.length < sizeof page->last) {
        memcpy(page->last, key.data, key.length);
        page->last[key.length] = '\0';
    }
    return true;
}

enum status reset_list(struct hub *hub, struct text cursor, size_t limit, struct buffer *json,
                       struct error *error) {
    struct reset_page page = {.hub = hub, .writer.out = json, .left = limit};
    json_begin_object(&page.writer);
    json_key(&page.writer, "items");
    json_begin_array(&page.writer);
    enum status status =
        store_item_scan(hub->store, TEXT("reset"), cursor, true, list_one, &page, error);
    json_end_array(&page.writer);
    json_key(&page.writer, "next");
    json_text_or_null(&page.writer, page.more ? text_from(page.last) : (struct text){0});
    json_end_object(&page.writer);
    arena_deinit(&page.arena);
    return status;
}

enum status reset_rejects(struct hub *hub, struct text id, struct buffer *csv,
                          struct error *error) {
    struct buffer json = {0};
    enum status status = reset_get(hub, id, &json, error);
    buffer_deinit(&json);
    if (status != STATUS_OK)
        return status;
    status = store_item_get(hub->store, TEXT("reset_rejects"), id, csv, error);
    if (status == STATUS_NOT_FOUND) {
        buffer_append_string(csv, "line,reason,detail,row\n");
        status = STATUS_OK;
    }
    return status;
}

/* ---- after a crash ---- */

struct interrupted {
    struct text hub; /* ours; what another hub applies is not interrupted */
    struct arena arena;
    struct reset_record *records[64];
    size_t count, seen;
};

static bool find_interrupted(void *context, struct text key, struct text value) {
    struct interrupted *found = context;
    struct reset_record *record = arena_alloc(&found->arena, sizeof *record);
    (void)key;
    if (reset_record_read(value, &found->arena, record, NULL) == STATUS_OK &&
        record->status == RESET_APPLYING && text_equal(record->hub, found->hub) &&
        found->count < 64)
        found->records[found->count++] = record;
    return ++found->seen < 64;
}

enum status reset_recover(struct hub *hub, struct error *error) {
    struct interrupted found = {.hub = leases_hub_id(hub->leases)};
    enum status status = store_item_scan(hub->store, TEXT("reset"), (struct text){0}, true,
                                         find_interrupted, &found, error);
    for (size_t i = 0; i < found.count && status == STATUS_OK; i++) {
        found.records[i]->status = RESET_INTERRUPTED;
        found.records[i]->detail =
            TEXT("the hub stopped while applying it; send the file again, nothing counts twice");
        status = reset_record_save(hub, found.records[i], error);
        log_warn("a reset was interrupted; send its file again", "reset=%.*s",
                 TEXT_ARG(found.records[i]->id));
    }
    arena_deinit(&found.arena);
    return status;
}
