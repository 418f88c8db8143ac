/* The end of a file: what it claims is checked, what is new gets its number, the locations are
 * applied slice by slice, and the whole is put on record. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/quantity.h"
#include "hub/lease.h"
#include "hub/reset_internal.h"

#define ROWS_PER_SLICE 100000u

/* Sorts by time; the tail is the hub's count from a random start, so no two are ever the same. */
static struct text make_id(struct hub *hub, struct arena *arena, int64_t now_us) {
    struct civil_time t = civil_from_timestamp(now_us);
    unsigned tail = atomic_fetch_add(&hub->reset_count, 1) & 0xffffffu;
    return arena_format(arena, "r-%04d%02u%02uT%02u%02u%02u%03u-%06x", (int)t.year, t.month, t.day,
                        t.hour, t.minute, t.second, t.microsecond / 1000, tail);
}

/* ---- what came before ---- */

static enum status answer_duplicate(struct reset *reset, struct text id, struct buffer *json,
                                    struct error *error) {
    struct reset_record first;
    enum status status = reset_record_load(reset->hub, id, &reset->arena, &first, error);
    if (status != STATUS_OK)
        return status;
    first.status = RESET_DUPLICATE;
    reset_record_write(&first, true, json);
    return STATUS_OK;
}

/* ---- manifests ---- */

static struct reset_location *location_by_code(struct reset *reset, struct text code) {
    uint32_t number = catalog_find_location(reset->hub->catalog, code);
    for (uint32_t i = 0; i < reset->location_count; i++) {
        struct reset_location *location = &reset->locations[i];
        if (number != 0 ? location->number == number : text_equal(location->code, code))
            return location;
    }
    return NULL;
}

/* A location that should be in the file and is not: it is answered for, held, and not touched. */
static struct reset_location *add_absent_location(struct reset *reset, struct text code) {
    uint32_t number = catalog_find_location(reset->hub->catalog, code);
    if (reset->location_count == reset->location_room) {
        reset->location_room = reset->location_room == 0 ? 16 : reset->location_room * 2;
        reset->locations =
            memory_grow(reset->locations, reset->location_room * sizeof *reset->locations);
    }
    struct reset_location *location = &reset->locations[reset->location_count++];
    *location = (struct reset_location){
        .code = arena_copy(&reset->arena, code), .number = number, .as_of_us = NEVER_US};
    return location;
}

/* The reset is for one location only, and this is another. */
static bool is_elsewhere(struct reset *reset, struct text code) {
    struct text only = reset->params.location;
    if (only.length == 0 || text_equal(code, only))
        return false;
    uint32_t number = catalog_find_location(reset->hub->catalog, code);
    return number == 0 || number != catalog_find_location(reset->hub->catalog, only);
}

/* The rows have been read by then, in the namespace of the source that was thought to be theirs. */
static enum status take_source(struct reset *reset, struct text source, struct error *error) {
    struct reset_params *params = &reset->params;
    if (source.length == 0 || text_equal(source, params->source))
        return STATUS_OK;
    if (!params->source_assumed && params->source.length > 0)
        return error_set(error, STATUS_UNREADABLE,
                         "the file says that its source is %.*s, and it came as one of %.*s",
                         TEXT_ARG(source), TEXT_ARG(params->source));
    if (!reset->name_space_given &&
        !text_equal(hub_namespace(reset->hub, source), params->name_space))
        return error_set(error, STATUS_UNREADABLE,
                         "the file says that its source is %.*s, whose identifiers are its own: "
                         "name it in the feed or the request",
                         TEXT_ARG(source));
    params->source = arena_copy(&reset->arena, source);
    return STATUS_OK;
}

enum status reset_note_origin(struct reset *reset, struct text source, struct text location,
                              struct error *error) {
    require(!reset->is_part);
    if (location.length > 0 && is_elsewhere(reset, location))
        return error_set(error, STATUS_UNREADABLE,
                         "the file says that it is of %.*s, and it came as one of %.*s",
                         TEXT_ARG(location), TEXT_ARG(reset->params.location));
    return take_source(reset, source, error);
}

static void match_manifest(struct reset *reset, const char *sha256) {
    const struct reset_manifest *manifest = reset->params.manifest;
    if (manifest == NULL)
        return;
    bool mismatch = (manifest->rows >= 0 && (uint64_t)manifest->rows != reset->rows) ||
                    (manifest->sha256.length > 0 &&
                     !text_equal_ignore_case(manifest->sha256, text_from(sha256)));
    for (size_t i = 0; i < manifest->location_count; i++) {
        const struct manifest_location *said = &manifest->locations[i];
        if (is_elsewhere(reset, said->code))
            continue;
        struct reset_location *location = location_by_code(reset, said->code);
        if (location == NULL && access_allows_location(reset->access, said->code) &&
            (catalog_find_location(reset->hub->catalog, said->code) != 0 ||
             !reset->hub->reject_unknown_locations))
            location = add_absent_location(reset, said->code);
        if (location == NULL)
            continue;
        location->manifest = said;
        if (said->rows >= 0 && (uint64_t)said->rows != location->record.counts.rows)
            location->manifest_mismatch = true;
    }
    for (uint32_t i = 0; mismatch && i < reset->location_count; i++)
        reset->locations[i].manifest_mismatch = true;
}

/* Of a register that is named twice the lower number counts: what is not proven to be known is not
 * covered. One that nobody has heard of (in a dry run) covers nothing. */
static uint32_t place_watermark(struct watermark *through, uint32_t count, struct watermark mark) {
    uint32_t at = 0;
    while (at < count && through[at].register_id < mark.register_id)
        at++;
    if (at < count && through[at].register_id == mark.register_id) {
        if (mark.through < through[at].through)
            through[at] = mark;
        return count;
    }
    memmove(&through[at + 1], &through[at], (count - at) * sizeof *through);
    through[at] = mark;
    return count + 1;
}

void reset_watermarks(struct reset *reset, const struct manifest_location *manifest,
                      struct statement *statement) {
    size_t most = manifest->through_count;
    struct watermark *through = arena_alloc(&reset->hub->batch, (most + 1) * sizeof *through);
    uint32_t count = 0;
    for (size_t i = 0; i < most; i++) {
        struct watermark mark = {catalog_find_name_locked(reset->hub->catalog, NAME_REGISTER,
                                                          manifest->through[i].register_name),
                                 manifest->through[i].through};
        if (mark.register_id != 0)
            count = place_watermark(through, count, mark);
    }
    statement->through = through;
    statement->through_count = count;
}

/* ---- the locations a feed's full files are expected to name ---- */

static void expect_location(struct reset *reset, struct text code) {
    if (location_by_code(reset, code) == NULL)
        add_absent_location(reset, code)->missing = true;
}

static void expect_locations(struct reset *reset) {
    struct buffer codes = {0};
    const struct config_texts *named = reset->params.locations;
    if (reset->params.full && named != NULL && named->count > 0) {
        for (size_t i = 0; i < named->count; i++)
            expect_location(reset, named->items[i]);
        return;
    }
    if (!reset->params.full || reset->params.feed.length == 0 ||
        store_item_get(reset->hub->store, TEXT("feed_locations"), reset->params.feed, &codes,
                       NULL) != STATUS_OK) {
        buffer_deinit(&codes);
        return;
    }
    struct text rest = arena_copy(&reset->arena, buffer_text(&codes));
    while (rest.length > 0) {
        const char *end = memchr(rest.data, '\n', rest.length);
        struct text code = {rest.data, end != NULL ? (size_t)(end - rest.data) : rest.length};
        expect_location(reset, code);
        size_t used = code.length + (end != NULL ? 1 : 0);
        rest = (struct text){rest.data + used, rest.length - used};
    }
    buffer_deinit(&codes);
}

/* ---- numbers for what is new ---- */

struct naming_task {
    struct task task;
    struct reset *reset;
};

static struct identifier identifier_from_key(struct text key) {
    size_t type = strlen(key.data);
    return (struct identifier){{key.data, type}, {key.data + type + 1, key.length - type - 1}};
}

static void want_everything(struct reset *reset, struct wanted *wanted) {
    struct catalog *catalog = reset->hub->catalog;
    if (catalog_find_name(catalog, NAME_SOURCE, reset->record.source) == 0)
        wanted_name(wanted, NAME_SOURCE, reset->record.source);
    for (uint32_t i = 0; i < reset->location_count; i++) {
        struct reset_location *location = &reset->locations[i];
        if (location->number == 0 && catalog_find_location(catalog, location->code) == 0)
            wanted_location(wanted, location->code);
        for (size_t k = 0; location->manifest != NULL && k < location->manifest->through_count;
             k++) {
            struct text name = location->manifest->through[k].register_name;
            if (catalog_find_name(catalog, NAME_REGISTER, name) == 0)
                wanted_name(wanted, NAME_REGISTER, name);
        }
    }
    for (uint32_t i = 1; i <= intern_count(reset->new_products); i++) {
        struct identifier id = identifier_from_key(intern_text(reset->new_products, i));
        if (catalog_find_product(catalog, id.type, id.value) == 0)
            wanted_product(wanted, catalog, &id, 1);
    }
}

/* What is new is asked on the writer's thread only: sales may have named the same a moment ago, and
 * a word that is named twice would stand for two things. */
static void run_naming(struct hub *hub, struct task *task) {
    struct naming_task *naming = (struct naming_task *)task;
    struct wanted *wanted = wanted_new();
    want_everything(naming->reset, wanted);
    task->status = STATUS_OK;
    if (wanted_any(wanted))
        task->status = wanted_create(hub, wanted, &task->error);
    wanted_free(wanted);
}

/* map[i]: the number of new product i. A dry run names nothing: its numbers lie past the last. */
static enum status name_new(struct reset *reset, uint32_t *map, struct error *error) {
    struct catalog *catalog = reset->hub->catalog;
    uint32_t count = intern_count(reset->new_products);
    enum status status = STATUS_OK;
    if (!reset->params.dry_run) {
        struct naming_task naming = {.task.run = run_naming, .reset = reset};
        status = hub_run_task(reset->hub, &naming.task, error);
    }
    uint32_t next = catalog_product_count(catalog);
    for (uint32_t i = 1; i <= count && status == STATUS_OK; i++) {
        struct identifier id = identifier_from_key(intern_text(reset->new_products, i));
        map[i] = catalog_find_product(catalog, id.type, id.value);
        if (map[i] == 0)
            map[i] = ++next;
    }
    for (uint32_t i = 0; i < reset->location_count && status == STATUS_OK; i++)
        if (reset->locations[i].number == 0)
            reset->locations[i].number = catalog_find_location(catalog, reset->locations[i].code);
    return status;
}

/* ---- quantity=available ---- */

/* A file may state what can be sold instead of what is there: what was reserved at as_of is added
 * back. Only a cell that changed since then needs its history for that. */
static enum status reserved_at(struct reset *reset, const struct reset_location *location,
                               uint32_t product, int64_t *reserved_out, struct error *error) {
    struct store *store = reset->hub->store;
    struct cell cell = store_cell(store, location->number, product);
    *reserved_out = cell.reserved_milli;
    if ((int64_t)cell.updated_at_s * US_PER_SECOND + US_PER_SECOND < location->record.as_of_us)
        return STATUS_OK;
    struct arena arena = {0};
    struct cell_history history;
    struct cell_figures figures;
    enum status status =
        store_cell_history(store, location->number, product, &arena, &history, error);
    if (status == STATUS_OK) {
        uint32_t *scratch = arena_alloc(&arena, (history.entry_count + 1) * sizeof *scratch);
        status = books_figures(&history, location->record.as_of_us, NEVER_US, scratch, &figures);
    }
    if (status == STATUS_OK)
        *reserved_out = figures.reserved_milli;
    arena_deinit(&arena);
    return status;
}

/* Settled already, so the list of products that are not absent must stay sorted. */
static void reject_settled(struct reset *reset, struct reset_location *location,
                           const struct stated *row) {
    reset_reject_row(reset, row->line, STATUS_OUT_OF_RANGE, NULL, (struct text){0});
    location->record.counts.rejected_rows++;
    reset_note_rejected(location, row->product);
    uint32_t *rejected = location->rejected_products;
    for (uint32_t i = location->rejected_count - 1; i > 0 && rejected[i - 1] > rejected[i]; i--) {
        uint32_t swap = rejected[i];
        rejected[i] = rejected[i - 1];
        rejected[i - 1] = swap;
    }
}

static enum status add_reserved(struct reset *reset, struct reset_location *location,
                                struct error *error) {
    if (!reset->params.quantity_available || location->number == 0)
        return STATUS_OK;
    int64_t safety_milli = hub_safety_stock_milli(reset->hub, location->number);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < location->row_count; i++) {
        struct stated row = location->rows[i];
        int64_t reserved_milli = 0;
        enum status status = reserved_at(reset, location, row.product, &reserved_milli, error);
        if (status != STATUS_OK)
            return status;
        status = balance_add(row.quantity_milli, reserved_milli, &row.quantity_milli);
        if (status == STATUS_OK)
            status = balance_add(row.quantity_milli, safety_milli, &row.quantity_milli);
        if (status == STATUS_OK)
            location->rows[kept++] = row;
        else
            reject_settled(reset, location, &row);
    }
    location->row_count = kept;
    return STATUS_OK;
}

/* ---- on record ---- */

static struct text forecast_text(struct reset *reset, const struct reset_location *location) {
    struct buffer json = {0};
    if (location->forecast != NULL)
        forecast_write(location->forecast, reset->hub->catalog, &json);
    struct text text = {NULL, 0};
    if (json.length > 0)
        text = arena_copy(&reset->arena, buffer_text(&json));
    buffer_deinit(&json);
    return text;
}

static void gather_record(struct reset *reset) {
    struct reset_record *record = &reset->record;
    record->location_count = reset->location_count;
    record->locations =
        arena_alloc(&reset->arena, ((size_t)reset->location_count + 1) * sizeof *record->locations);
    record->counts =
        (struct reset_counts){.rows = reset->unlocated_rejects + reset->unknown_locations,
                              .rejected_rows = reset->unlocated_rejects,
                              .unknown_locations = reset->unknown_locations};
    for (uint32_t i = 0; i < reset->location_count; i++) {
        reset->locations[i].record.code = reset->locations[i].code;
        reset->locations[i].record.forecast = forecast_text(reset, &reset->locations[i]);
        record->locations[i] = reset->locations[i].record;
        reset_counts_add(&record->counts, &reset->locations[i].record.counts);
    }
}

static void tell(struct reset *reset) {
    struct reset_record *record = &reset->record;
    struct hub_counters *counters = &reset->hub->counters;
    bool held = record->status == RESET_HELD || record->status == RESET_PARTIAL;
    if (record->status == RESET_APPLIED || record->status == RESET_PARTIAL)
        atomic_fetch_add(&counters->resets_applied, 1);
    if (held)
        atomic_fetch_add(&counters->resets_held, 1);
    struct buffer json = {0};
    reset_record_write(record, false, &json);
    hub_notify(reset->hub, held ? "onhand.reset.held" : "onhand.reset.done", record->id,
               buffer_text(&json));
    buffer_deinit(&json);
    log_info("reset", "reset=%.*s status=%s rows=%llu changed=%llu seconds=%.3f",
             TEXT_ARG(record->id), reset_status_word(record->status),
             (unsigned long long)record->counts.rows, (unsigned long long)record->counts.changed,
             record->seconds);
}

/* ---- the file as a whole ---- */

/* Where the rows of a slice are while it is made ready and applied. */
struct ready_room {
    struct stated *rows;
    size_t room;
};

static struct stated *make_room(struct ready_room *room, size_t rows) {
    if (rows > room->room) {
        free(room->rows);
        room->rows = memory_alloc(rows * sizeof *room->rows);
        room->room = rows;
    }
    return room->rows;
}

/* The locations from `from` on that one slice takes, and how many rows they have at most. */
static uint32_t slice_end(const struct reset *reset, uint32_t from, size_t *rows_out,
                          size_t *largest_out) {
    uint32_t to = from;
    *rows_out = *largest_out = 0;
    while (to < reset->location_count && (to == from || *rows_out < ROWS_PER_SLICE)) {
        size_t rows = (size_t)reset->locations[to++].list.count;
        *rows_out += rows;
        *largest_out = rows > *largest_out ? rows : *largest_out;
    }
    return to;
}

static enum status make_ready(struct reset *reset, struct reset_location *location,
                              const uint32_t *map, struct stated *room, struct stated *spare,
                              struct error *error) {
    enum status status = reset_settle(reset, location, map, room, spare, error);
    if (status == STATUS_OK)
        status = add_reserved(reset, location, error);
    if (status == STATUS_OK && !reset->params.dry_run)
        store_pack_rows(location->rows, location->row_count, location->rejected_products,
                        location->rejected_count, &location->packed);
    return status;
}

/* While one slice is on the writer's thread, the next is made ready on this one. */
static enum status apply_all(struct reset *reset, const uint32_t *map, struct error *error) {
    enum status status = STATUS_OK;
    struct slice *before = NULL;
    struct ready_room rooms[2] = {{0}}, spare = {0};
    for (uint32_t from = 0, turn = 0; from < reset->location_count && status == STATUS_OK; turn++) {
        size_t rows, largest;
        const uint32_t to = slice_end(reset, from, &rows, &largest);
        struct stated *room = make_room(&rooms[turn % 2], rows);
        struct stated *sorting = make_room(&spare, largest);
        for (uint32_t i = from; i < to && status == STATUS_OK; i++) {
            const size_t most = (size_t)reset->locations[i].list.count;
            status = make_ready(reset, &reset->locations[i], map, room, sorting, error);
            room += most;
        }
        struct slice *slice = status == STATUS_OK ? reset_begin_slice(reset, from, to) : NULL;
        enum status earlier = reset_end_slice(before, error);
        status = status == STATUS_OK ? earlier : status;
        before = slice;
        from = to;
    }
    enum status last = reset_end_slice(before, error);
    for (unsigned i = 0; i < 2; i++)
        free(rooms[i].rows);
    free(spare.rows);
    return status == STATUS_OK ? last : status;
}

static enum status decide_all(struct reset *reset, struct error *error) {
    uint32_t *map = memory_alloc(((size_t)intern_count(reset->new_products) + 1) * sizeof *map);
    enum status status = name_new(reset, map, error);
    if (status == STATUS_OK && !reset->params.dry_run) {
        reset->record.status = RESET_APPLYING;
        reset->record.hub = leases_hub_id(reset->hub->leases);
        status = reset_record_save(reset->hub, &reset->record, error);
    }
    if (status == STATUS_OK)
        status = apply_all(reset, map, error);
    free(map);
    reset_tell_as_of(reset);
    gather_record(reset);
    reset->record.status =
        reset->params.dry_run ? RESET_DRY_RUN : reset_record_overall(&reset->record);
    if (reset->location_count == 0)
        reset->record.guards |= 1u << GUARD_NO_ROWS;
    return status;
}

static void reject_all(struct reset *reset, struct text why) {
    gather_record(reset);
    for (uint32_t i = 0; i < reset->location_count; i++)
        reset->record.locations[i].status = RESET_REJECTED;
    reset->record.status = RESET_REJECTED;
    reset->record.detail = arena_copy(&reset->arena, why);
    reset->record.counts = (struct reset_counts){.rows = reset->rows, .rejected_rows = reset->rows};
    reset->record.location_count = 0;
}

static void describe(struct reset *reset, const char *sha256) {
    struct reset_record *record = &reset->record;
    const struct reset_params *params = &reset->params;
    record->id = make_id(reset->hub, &reset->arena, record->received_at_us);
    record->content_sha256 = arena_copy(&reset->arena, text_from(sha256));
    record->source = params->source;
    if (record->source.length == 0 && params->manifest != NULL)
        record->source = params->manifest->source;
    if (record->source.length == 0)
        record->source = reset->access->name;
    record->feed = params->feed;
    record->file = params->file;
    record->quantity = params->quantity_available ? TEXT("available") : TEXT("on_hand");
    record->full = params->full;
    record->absent_zero = params->absent_zero;
    record->dry_run = params->dry_run;
}

enum status reset_finish(struct reset *reset, const char *sha256, enum status unreadable,
                         struct text why, struct buffer *summary_json, struct error *error) {
    enum status status = row_store_status(reset->store, error);
    if (status != STATUS_OK)
        return status;
    describe(reset, sha256);
    match_manifest(reset, sha256);
    if (reset->params.location.length > 0 &&
        location_by_code(reset, reset->params.location) == NULL &&
        catalog_find_location(reset->hub->catalog, reset->params.location) != 0)
        (void)add_absent_location(reset, reset->params.location);
    expect_locations(reset);
    reset_settle_as_of(reset);
    reset_judge_ending(reset, sha256);
    if (unreadable == STATUS_OK && !reset->params.dry_run && !reset->record.as_of_assumed) {
        struct text seen = reset_seen(reset->hub, sha256, reset->record.as_of_us, &reset->arena);
        if (seen.length > 0)
            return answer_duplicate(reset, seen, summary_json, error);
    }
    reset_enter_live(reset);
    if (unreadable != STATUS_OK)
        reject_all(reset, why);
    else
        status = decide_all(reset, error);
    reset->record.seconds = (double)(monotonic_us() - reset->started_us) / (double)US_PER_SECOND;
    if (status == STATUS_OK)
        status = reset_keep(reset, sha256, error);
    else
        reset_break_off(reset, status);
    reset_leave_live(reset);
    if (status != STATUS_OK)
        return status;
    if (reset->record.status == RESET_APPLIED || reset->record.status == RESET_PARTIAL)
        reset_write_activity(reset);
    if (!reset->params.dry_run)
        tell(reset);
    reset_record_write(&reset->record, true, summary_json);
    return STATUS_OK;
}
