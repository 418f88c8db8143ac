/* When a location's figures were counted: as the caller, the manifest or a column says; and by the
 * figures themselves, asked on the writer's thread, which has the books, before the location's
 * statement is made.
 *
 * Two uses of one search (core/cut.h). With as_of: infer, as_of comes from it. With an as_of that
 * somebody gave, it is held against the search, which finds the wrong zone, the missed hour of
 * summer time and the store that lags. Nothing moved since the ground: nothing to do. */
#include <stdlib.h>

#include "hub/reset_internal.h"

/* ---- by what is said ---- */

/* Every location has its own instant, so none was assumed: the file's is the latest of them. */
static void take_locations_as_of(struct reset *reset) {
    struct reset_record *record = &reset->record;
    record->as_of_us = reset->locations[0].record.as_of_us;
    for (uint32_t i = 1; i < reset->location_count; i++)
        if (reset->locations[i].record.as_of_us > record->as_of_us)
            record->as_of_us = reset->locations[i].record.as_of_us;
    record->as_of_assumed = false;
    record->as_of_origin = TEXT("locations");
}

/* Its own word in the manifest, else in a column, else the file's; whether it has one of its own.
 */
static bool settle_location(const struct reset *reset, struct reset_location *location) {
    struct reset_location_record *record = &location->record;
    bool said = location->manifest != NULL && location->manifest->as_of_us != NEVER_US;
    bool counted = !said && location->as_of_us != NEVER_US;
    record->as_of_us = said      ? location->manifest->as_of_us
                       : counted ? location->as_of_us
                                 : reset->record.as_of_us;
    record->as_of_origin = said      ? TEXT("manifest")
                           : counted ? TEXT("column")
                                     : reset->record.as_of_origin;
    record->as_of_assumed = !said && !counted && reset->record.as_of_assumed;
    location->infers = reset->params.as_of_infer && !said && !counted;
    return said || counted;
}

void reset_note_as_of(struct reset *reset, int64_t as_of_us) {
    reset->file_as_of_us = as_of_us;
}

void reset_settle_as_of(struct reset *reset) {
    struct reset_record *record = &reset->record;
    const struct reset_manifest *manifest = reset->params.manifest;
    const bool file_says = reset->file_as_of_us != NEVER_US;
    record->as_of_us =
        file_says && reset->params.as_of_fallback ? NEVER_US : reset->params.as_of_us;
    record->as_of_origin = reset->params.as_of_origin;
    if (record->as_of_us == NEVER_US && manifest != NULL && manifest->as_of_us != NEVER_US) {
        record->as_of_us = manifest->as_of_us;
        record->as_of_origin = TEXT("manifest");
        reset->params.as_of_infer = false; /* its author's own word */
    }
    if (record->as_of_us == NEVER_US && file_says) {
        record->as_of_us = reset->file_as_of_us;
        record->as_of_origin = TEXT("file");
        reset->params.as_of_infer = false;
    }
    if (record->as_of_us == NEVER_US) {
        record->as_of_us = record->received_at_us;
        record->as_of_assumed = true;
        record->as_of_origin = TEXT("assumed");
    }
    size_t said_count = 0;
    for (uint32_t i = 0; i < reset->location_count; i++)
        said_count += settle_location(reset, &reset->locations[i]);
    if (record->as_of_assumed && said_count > 0 && said_count == reset->location_count)
        take_locations_as_of(reset);
    record->content_as_of_us = record->as_of_assumed ? NEVER_US : record->as_of_us;
}

/* ---- by the figures ---- */

void as_of_room_deinit(struct as_of_room *room) {
    free(room->cut.cells);
    free(room->cut.events);
    free(room->cut.spare);
    free(room->cut.open);
    *room = (struct as_of_room){0};
}

static void make_room(struct as_of_room *room, const struct location_books *books) {
    size_t cells = (size_t)books->page_count * CELLS_PER_PAGE;
    size_t events = books->movement_count + books->pending_count;
    if (cells > room->cell_room) {
        free(room->cut.cells);
        room->cut.cells = memory_alloc_zero(cells, sizeof *room->cut.cells);
        room->cell_room = cells;
    }
    if (events > room->event_room) {
        free(room->cut.events);
        free(room->cut.spare);
        free(room->cut.open);
        room->cut.open = memory_alloc(events * sizeof *room->cut.open);
        room->cut.events = memory_alloc(events * sizeof *room->cut.events);
        room->cut.spare = memory_alloc(events * sizeof *room->cut.spare);
        room->event_room = events;
    }
}

/* A file of what can be sold is made one of what is there with what was reserved at as_of, so its
 * figures cannot tell as_of. */
static bool is_asked(const struct reset *reset, const struct reset_location *location,
                     const struct config_guards *guards) {
    if (location->number == 0 || location->row_count == 0 || reset->params.quantity_available)
        return false;
    return location->infers || guards->as_of_check != CONFIG_AS_OF_CHECK_OFF;
}

static void record_cut(struct reset_location *location, const struct cut *cut, bool is_given,
                       int64_t limit_us) {
    struct reset_location_record *record = &location->record;
    record->check = (struct as_of_check){.made = true,
                                         .is_given = is_given && cut->events > 0,
                                         .compared = cut->compared,
                                         .agreeing = cut->agreeing,
                                         .moved = cut->moved,
                                         .moved_agreeing = cut->moved_agreeing,
                                         .runner_up = cut->runner_up,
                                         .from_us = cut->events > 0 ? cut->from_us : NEVER_US,
                                         .to_us = cut->events > 0 ? cut->to_us : NEVER_US,
                                         .confidence_milli = cut->confidence_milli};
    if (is_given)
        record->check.check = cut_check(cut, record->as_of_us, limit_us);
    else if (cut->events > 0)
        record->check.check.verdict =
            cut->thin || cut->ambiguous ? CUT_UNCERTAIN : CUT_DIFFERS; /* from what was assumed */
}

/* Little evidence is enough where somebody else said the same. Where it is not, what somebody said
 * stands until a person decides; the best guess, where nobody said anything. */
static void take_inferred(struct reset_location *location, const struct cut *cut, bool is_given) {
    struct reset_location_record *record = &location->record;
    if (cut->events == 0)
        return;
    bool sure = cut->holds_given || (!cut->thin && !cut->ambiguous);
    record->check.inferred = sure;
    if (cut->holds_given || (!sure && is_given))
        return; /* it is the finer word of the two */
    record->as_of_us = cut->at_us;
    record->as_of_origin = TEXT("inferred");
    record->as_of_assumed = !sure;
}

enum status reset_find_as_of(struct reset *reset, struct reset_location *location,
                             const struct config_guards *guards, const struct statement *statement,
                             struct as_of_room *room, struct error *error) {
    if (!is_asked(reset, location, guards))
        return STATUS_OK;
    const int64_t now_us = reset->record.received_at_us;
    struct statement probe = *statement;
    probe.as_of_us = now_us; /* memory has all movements that this one does not cover, and more */
    struct location_books books;
    enum status status = store_load_books(reset->hub->store, &probe, &books, error);
    if (status != STATUS_OK)
        return status;
    bool is_given = !location->infers || !location->record.as_of_assumed;
    make_room(room, &books);
    struct cut_question question = {.statement = &probe,
                                    .rows = location->rows,
                                    .row_count = location->row_count,
                                    .books = &books,
                                    .oldest_us = now_us - reset->hub->config->dedup_window_us,
                                    .now_us = now_us,
                                    .given_us = is_given ? location->record.as_of_us : NEVER_US,
                                    .near_us = guards->as_of_distance_us};
    struct cut cut;
    cut_find(&question, &room->cut, &cut);
    record_cut(location, &cut, is_given, guards->as_of_distance_us);
    if (location->infers)
        take_inferred(location, &cut, is_given);
    return STATUS_OK;
}

/* The file as a whole: the latest of its locations. What it was known by stays (content_as_of). */
void reset_tell_as_of(struct reset *reset) {
    struct reset_record *record = &reset->record;
    uint32_t inferred = 0;
    int64_t latest_us = INT64_MIN;
    for (uint32_t i = 0; i < reset->location_count; i++) {
        const struct reset_location_record *location = &reset->locations[i].record;
        inferred += text_equal_string(location->as_of_origin, "inferred");
        latest_us = location->as_of_us > latest_us ? location->as_of_us : latest_us;
    }
    if (inferred == 0)
        return;
    record->as_of_us = latest_us;
    record->as_of_assumed &= inferred < reset->location_count;
    record->as_of_origin =
        inferred == reset->location_count
            ? TEXT("inferred")
            : arena_format(&reset->arena, "inferred, else %.*s", TEXT_ARG(record->as_of_origin));
}
