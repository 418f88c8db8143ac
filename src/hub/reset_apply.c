/* Applying a reset, a slice of locations at a time, on the writer's thread.
 *
 * A slice is one transaction: short enough that a sale in the queue behind it does not notice, long
 * enough that its one fsync serves several locations. */
#include <stdio.h>
#include <stdlib.h>

#include "hub/reset_internal.h"

/* No stock was counted before it by what sends files today: a clock that was never set, or a column
 * of zeros, says 1970. A simulated clock may. */
#define YEAR_2000_US INT64_C(946684800000000)

void decision_room_deinit(struct decision_room *room) {
    free(room->open_milli);
    free(room->changes);
    *room = (struct decision_room){0};
}

static void make_room(struct decision_room *room, const struct location_books *books,
                      const struct stated *rows, size_t row_count) {
    size_t products = (size_t)books->page_count * CELLS_PER_PAGE;
    if (row_count > 0 && rows[row_count - 1].product >= products)
        products = (size_t)rows[row_count - 1].product + 1;
    if (products > room->open_room) {
        free(room->open_milli);
        room->open_milli = memory_alloc_zero(products, sizeof *room->open_milli);
        room->open_room = products;
    }
    size_t cells = (size_t)books->page_count * CELLS_PER_PAGE + row_count;
    if (cells > room->change_room) {
        free(room->changes);
        room->changes = memory_alloc(cells * sizeof *room->changes);
        room->change_room = cells;
    }
}

/* A statement is stale when newer ones govern everything it could speak of, now and later. */
static bool is_stale(const struct statement *s, const struct location_books *books,
                     const struct statement_outcome *outcome, size_t row_count) {
    if (row_count == 0 && !s->names_absent)
        return false;
    if (outcome->change_count > 0)
        return false;
    return !s->names_absent ||
           (books->absent_default != NULL && statement_is_newer(books->absent_default, s));
}

enum status decide_statement(struct hub *hub, const struct statement *statement,
                             const struct stated *rows, size_t row_count, const uint32_t *excluded,
                             size_t excluded_count, struct decision_room *room,
                             struct statement_outcome *outcome, bool *stale_out,
                             struct error *error) {
    struct location_books books = {0};
    enum status status = STATUS_OK;
    if (statement->location != 0)
        status = store_load_books(hub->store, statement, &books, error);
    if (status != STATUS_OK)
        return status;
    make_room(room, &books, rows, row_count);
    *outcome = (struct statement_outcome){.changes = room->changes};
    status = statement_decide(statement, rows, row_count, excluded, excluded_count, &books,
                              room->open_milli, outcome);
    if (status != STATUS_OK)
        return error_set(error, status, "a figure of the file would leave the range of stock");
    *stale_out = is_stale(statement, &books, outcome, row_count);
    return STATUS_OK;
}

void publish_outcome(struct hub *hub, uint32_t location, const struct statement_outcome *outcome,
                     uint64_t seq, enum ledger_kind kind, int64_t at_us) {
    struct change batch[256];
    size_t count = 0;
    for (size_t i = 0; i < outcome->change_count; i++) {
        if (outcome->changes[i].correction_milli == 0)
            continue;
        struct cell cell = store_cell(hub->store, location, outcome->changes[i].product);
        seq++;
        batch[count++] = (struct change){.seq = seq,
                                         .location = location,
                                         .product = outcome->changes[i].product,
                                         .kind = kind,
                                         .on_hand_milli = cell.on_hand_milli,
                                         .reserved_milli = cell.reserved_milli,
                                         .at_us = at_us};
        if (count == sizeof batch / sizeof *batch) {
            change_feed_publish(hub, batch, count, seq); /* the rest is still to come */
            count = 0;
        }
    }
    change_feed_publish(hub, batch, count, seq);
    if (outcome->begun > 0)
        change_feed_revise(hub, (struct revision){.location = location});
}

/* ---- one slice ---- */

struct slice {
    struct task task;
    struct reset *reset;
    uint32_t from, to;
    int64_t at_us;
    struct statement_outcome *outcomes;
};

static struct config_guards guards_for(const struct reset *reset,
                                       const struct reset_location *location) {
    const struct config *config = reset->hub->config;
    const struct config_feed *feed = NULL;
    for (size_t i = 0; i < config->feed_count; i++)
        if (text_equal(config->feeds[i].name, reset->params.feed))
            feed = &config->feeds[i];
    const struct config_location *settings =
        location->number != 0 ? hub_location_settings(reset->hub, location->number) : NULL;
    return config_guards_for(config, feed, settings);
}

static struct guard_limits limits_for(const struct reset *reset, const struct config_guards *g) {
    if (reset->params.guards != NULL)
        return *reset->params.guards;
    return (struct guard_limits){.min_rows_percent = (unsigned)g->min_rows_percent,
                                 .max_zeroed_percent = (unsigned)g->max_zeroed_percent,
                                 .min_units_percent = (unsigned)g->min_units_percent,
                                 .max_units_percent = (unsigned)g->max_units_percent,
                                 .max_unreadable_percent = (unsigned)g->max_unreadable_percent,
                                 .missing_location = g->missing_locations,
                                 .future = g->future_as_of,
                                 .manifest = g->manifest,
                                 .cut_off = g->cut_off,
                                 .trailer = g->trailer,
                                 .enabled = g->enabled};
}

static unsigned judge(struct reset *reset, const struct reset_location *location,
                      const struct config_guards *guards, const struct statement_outcome *outcome) {
    if (reset->params.guard_off)
        return 0;
    struct location_memory memory = {0};
    if (location->number != 0)
        memory = hub_location_memory(reset->hub, location->number);
    struct guard_limits limits = limits_for(reset, guards);
    const struct as_of_check *check = &location->record.check;
    struct guard_facts facts = {
        .had_reset = memory.had_reset,
        .full = reset->params.full,
        .location_missing = location->missing,
        .manifest_mismatch = location->manifest_mismatch,
        .cut_off = reset->cut_off,
        .trailer_mismatch = reset->trailer_differs,
        .as_of_uncertain =
            location->infers && !check->inferred && check->check.verdict != CUT_NO_EVIDENCE,
        .as_of_ancient = location->record.as_of_us < YEAR_2000_US &&
                         reset->record.received_at_us >= YEAR_2000_US,
        .as_of_mismatch = !location->infers && check->check.verdict == CUT_DIFFERS &&
                          guards->as_of_check == CONFIG_AS_OF_CHECK_HOLD,
        .rows = location->record.counts.rows,
        .last_rows = memory.last_rows,
        .unreadable_rows = location->record.counts.rejected_rows + reset->unlocated_rejects,
        .as_of_us = location->record.as_of_us,
        .received_at_us = reset->record.received_at_us,
        .outcome = outcome};
    return guard_judge(&limits, &facts);
}

static void record_outcome(struct reset_location *location,
                           const struct statement_outcome *outcome) {
    struct reset_counts *counts = &location->record.counts;
    counts->cells = outcome->change_count + outcome->stale;
    counts->changed = outcome->changed;
    counts->unchanged = outcome->unchanged;
    counts->zeroed = outcome->zeroed;
    counts->variance_milli = outcome->variance_milli;
}

static enum status remember(struct reset *reset, const struct reset_location *location,
                            struct error *error) {
    char text[24];
    uint64_t rows = reset->params.full
                        ? location->record.counts.rows
                        : hub_location_memory(reset->hub, location->number).last_rows;
    int length = snprintf(text, sizeof text, "%llu", (unsigned long long)rows);
    return store_item_put(reset->hub->store, TEXT("last_reset"), location->code,
                          (struct text){text, (size_t)length}, error);
}

static enum status keep_and_apply(struct slice *slice, struct reset_location *location,
                                  struct statement *statement,
                                  const struct statement_outcome *outcome, struct error *error) {
    struct store *store = slice->reset->hub->store;
    bool held = location->record.status == RESET_HELD;
    enum status status = STATUS_OK;
    if (!held)
        status = store_write_statement(store, statement->id, outcome, slice->at_us,
                                       &location->record.sequence, error);
    if (status == STATUS_OK && !held && location->record.status != RESET_STALE &&
        !location->missing)
        status = remember(slice->reset, location, error);
    return status;
}

static void add_forecast(struct reset *reset, struct reset_location *location,
                         const struct statement_outcome *outcome) {
    if (location->forecast == NULL)
        location->forecast = memory_alloc(sizeof *location->forecast);
    forecast_make(reset->hub, location->number, outcome, location->forecast);
}

/* The room is needed for the next location: what the change feed will tell moves to the batch. */
static void keep_corrections(struct hub *hub, struct statement_outcome *outcome) {
    size_t count = 0;
    for (size_t i = 0; i < outcome->change_count; i++)
        count += outcome->changes[i].correction_milli != 0;
    struct cell_change *kept = arena_alloc(&hub->batch, (count + 1) * sizeof *kept);
    size_t at = 0;
    for (size_t i = 0; i < outcome->change_count; i++)
        if (outcome->changes[i].correction_milli != 0)
            kept[at++] = outcome->changes[i];
    outcome->changes = kept;
    outcome->change_count = count;
}

static enum status run_location(struct slice *slice, uint32_t index, struct error *error) {
    struct reset *reset = slice->reset;
    struct reset_location *location = &reset->locations[index];
    struct statement statement = {
        .id = UINT32_MAX, /* newer than all others, as its real number will be */
        .location = location->number,
        .source = catalog_find_name_locked(reset->hub->catalog, NAME_SOURCE, reset->record.source),
        .as_of_us = location->record.as_of_us,
        /* of a location that the file does not mention it says nothing */
        .names_absent = reset->params.absent_zero && !location->missing};
    if (location->manifest != NULL)
        reset_watermarks(reset, location->manifest, &statement);
    const struct config_guards guards = guards_for(reset, location);
    enum status status =
        reset_find_as_of(reset, location, &guards, &statement, &reset->as_of_room, error);
    statement.as_of_us = location->record.as_of_us;
    if (status == STATUS_OK && !reset->params.dry_run)
        status =
            store_add_statement(reset->hub->store, &statement, reset->record.id, STATEMENT_HELD,
                                location->row_count, buffer_text(&location->packed), error);
    if (status != STATUS_OK)
        return status;
    struct statement_outcome *outcome = &slice->outcomes[index - slice->from];
    bool stale = false;
    status = decide_statement(reset->hub, &statement, location->rows, location->row_count,
                              location->rejected_products, location->rejected_count,
                              &reset->decision_room, outcome, &stale, error);
    const bool beyond = status == STATUS_OUT_OF_RANGE;
    if (status != STATUS_OK && !beyond)
        return status;
    if (beyond) /* nobody can apply it, with or without guards */
        *outcome = (struct statement_outcome){.changed = location->row_count};
    record_outcome(location, outcome);
    location->record.guards = stale ? 0 : judge(reset, location, &guards, outcome);
    if (beyond)
        location->record.guards |= UINT64_C(1) << GUARD_UNITS;
    location->record.status = stale                          ? RESET_STALE
                              : location->record.guards != 0 ? RESET_HELD
                                                             : RESET_APPLIED;
    if ((reset->params.dry_run || location->record.status == RESET_HELD) && !beyond)
        add_forecast(reset, location, outcome);
    location->record.statement = reset->params.dry_run ? 0 : statement.id;
    if (reset->params.dry_run)
        return STATUS_OK;
    status = keep_and_apply(slice, location, &statement, outcome, error);
    keep_corrections(reset->hub, outcome);
    return status;
}

static void finish_slice(struct slice *slice) {
    struct reset *reset = slice->reset;
    for (uint32_t i = slice->from; i < slice->to; i++) {
        struct reset_location *location = &reset->locations[i];
        if (location->record.status != RESET_APPLIED)
            continue;
        const struct location_memory before = hub_location_memory(reset->hub, location->number);
        if (!location->missing)
            hub_location_remember(reset->hub, location->number,
                                  (struct location_memory){true, reset->params.full
                                                                     ? location->record.counts.rows
                                                                     : before.last_rows});
        publish_outcome(reset->hub, location->number, &slice->outcomes[i - slice->from],
                        location->record.sequence, LEDGER_RESET, slice->at_us);
    }
    change_feed_publish(reset->hub, NULL, 0, store_last_seq(reset->hub->store));
    atomic_fetch_add(&reset->hub->counters.statements, slice->to - slice->from);
}

/* The transaction came to nothing, and with it what was decided in it. */
static void forget_outcome(struct reset_location_record *record) {
    struct reset_counts *counts = &record->counts;
    record->status = RESET_APPLYING;
    record->statement = 0;
    record->sequence = record->guards = 0;
    counts->cells = counts->changed = counts->unchanged = counts->zeroed = 0;
    counts->variance_milli = 0;
}

static void run_slice(struct hub *hub, struct task *task) {
    struct slice *slice = (struct slice *)task;
    slice->outcomes =
        arena_alloc_zero(&hub->batch, (slice->to - slice->from + 1) * sizeof *slice->outcomes);
    slice->at_us = hub_now_us(hub);
    enum status status = hub_begin(hub, &task->error);
    if (status == STATUS_OK) {
        for (uint32_t i = slice->from; i < slice->to && status == STATUS_OK; i++)
            status = run_location(slice, i, &task->error);
        if (status == STATUS_OK && !slice->reset->params.dry_run)
            status = store_commit(hub->store, &task->error);
        else if (status == STATUS_OK)
            store_abort(hub->store);
        if (status != STATUS_OK)
            status = hub_abort_or_die(hub, status, &task->error);
    }
    if (status == STATUS_OK && !slice->reset->params.dry_run)
        finish_slice(slice);
    for (uint32_t i = slice->from; i < slice->to && status != STATUS_OK; i++)
        forget_outcome(&slice->reset->locations[i].record);
    task->status = status;
}

struct slice *reset_begin_slice(struct reset *reset, uint32_t from, uint32_t to) {
    struct slice *slice = memory_alloc_zero(1, sizeof *slice);
    slice->task.run = run_slice;
    slice->reset = reset;
    slice->from = from;
    slice->to = to;
    hub_begin_task(reset->hub, &slice->task);
    return slice;
}

enum status reset_end_slice(struct slice *slice, struct error *error) {
    if (slice == NULL)
        return STATUS_OK;
    struct reset *reset = slice->reset;
    enum status status = hub_end_task(reset->hub, &slice->task, error);
    for (uint32_t i = slice->from; i < slice->to; i++) { /* not needed any more */
        reset->locations[i].rows = NULL;
        free(reset->locations[i].rejected_products);
        reset->locations[i].rejected_products = NULL;
        reset->locations[i].rejected_count = reset->locations[i].rejected_room = 0;
        buffer_deinit(&reset->locations[i].packed);
    }
    if (status == STATUS_OK && reset->params.progress != NULL)
        reset->params.progress(reset->params.progress_context, reset->rows, slice->to,
                               reset->location_count);
    free(slice);
    return status;
}
