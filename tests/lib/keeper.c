/* See keeper.h. */
#include "lib/keeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t keeper_now(void *context) {
    return ((struct keeper *)context)->now_us;
}

void keeper_expect_ok(enum status status, const struct error *error) {
    if (status != STATUS_OK)
        fail_msg("%s: %s", status_code(status), error->detail);
}

static void open_store(struct keeper *keeper) {
    struct error error = {0};
    keeper_expect_ok(store_open(keeper->uri, &keeper->options, &keeper->store, &error), &error);
}

struct keeper *keeper_new(const char *uri) {
    struct keeper *keeper = memory_alloc_zero(1, sizeof *keeper);
    keeper->uri = memory_alloc(strlen(uri) + 1);
    memcpy(keeper->uri, uri, strlen(uri) + 1);
    keeper->now_us = 1000 * US_PER_DAY;
    store_options_default(&keeper->options);
    keeper->options.checkpoint_interval_us = 0;
    keeper->options.clock = (struct clock){keeper_now, keeper};
    keeper->model = naive_new();
    open_store(keeper);
    return keeper;
}

void keeper_free(struct keeper *keeper) {
    store_close(keeper->store);
    naive_free(keeper->model);
    arena_deinit(&keeper->arena);
    free(keeper->uri);
    free(keeper);
}

void keeper_reopen(struct keeper *keeper) {
    store_close(keeper->store);
    open_store(keeper);
}

void keeper_set_window(struct keeper *keeper, int64_t window_us) {
    keeper->options.dedup_window_us = window_us;
}

struct event keeper_event(const struct keeper *keeper) {
    return (struct event){
        .location = 1,
        .product = 1,
        .source = 1,
        .delta_milli = -1000,
        .occurred_at_us = keeper->now_us,
        .received_at_us = keeper->now_us,
        .occurred_at_given = true,
        .type = EVENT_SALE,
    };
}

void keeper_begin(struct keeper *keeper) {
    struct error error = {0};
    keeper_expect_ok(store_begin(keeper->store, &error), &error);
}

void keeper_commit(struct keeper *keeper) {
    struct error error = {0};
    keeper_expect_ok(store_commit(keeper->store, &error), &error);
}

/* ---- events ---- */

static struct text keep(struct keeper *keeper, struct text text) {
    return arena_copy(&keeper->arena, text);
}

static void tell_model(struct keeper *keeper, const struct event *event) {
    struct event copy = *event;
    copy.id = keep(keeper, event->id);
    copy.document = keep(keeper, event->document);
    copy.order = keep(keeper, event->order);
    copy.acknowledges = keep(keeper, event->acknowledges);
    assert_true(naive_add_event(keeper->model, &copy));
}

static void acknowledge(struct keeper *keeper, struct acknowledgement *acknowledgement) {
    struct error error = {0};
    keeper_expect_ok(store_load_acknowledgement(keeper->store, acknowledgement, &error), &error);
    int64_t before_us = acknowledgement->known_at_us;
    if (acknowledgement->acknowledged_at_us >= before_us)
        return;
    for (size_t i = 0; i < acknowledgement->cell_count; i++) {
        struct acknowledged_cell *cell = &acknowledgement->cells[i];
        if (cell->statement == NULL || cell->statement->source != acknowledgement->source)
            continue;
        cell->change_milli = acknowledgement_change_milli(
            cell->statement, &cell->pending, before_us, acknowledgement->acknowledged_at_us);
        cell->cell->on_hand_milli += cell->change_milli;
    }
    keeper_expect_ok(store_write_acknowledgement(keeper->store, acknowledgement, &error), &error);
}

static void decide(struct event_slot *slots, size_t i, struct kept *kept) {
    struct event_slot *slot = &slots[i];
    if (slot->seen_seq != 0 || slot->seen_index != 0) {
        slot->outcome = (struct event_outcome){.status = OUTCOME_DUPLICATE};
        kept->seq = slot->seen_seq;
    } else {
        event_decide(slot->event, &slot->ground, &slot->outcome);
    }
    kept->outcome = slot->outcome;
}

void keeper_write(struct keeper *keeper, const struct event *events, size_t count,
                  struct kept *kept_out) {
    struct error error = {0};
    struct event_slot *slots = memory_alloc_zero(count, sizeof *slots);
    for (size_t i = 0; i < count; i++)
        slots[i].event = &events[i];
    keeper_expect_ok(store_load_events(keeper->store, slots, count, &error), &error);
    for (size_t i = 0; i < count; i++)
        decide(slots, i, &kept_out[i]);
    keeper_expect_ok(store_write_events(keeper->store, slots, count, &error), &error);
    for (size_t i = 0; i < count; i++) {
        enum outcome_status status = slots[i].outcome.status;
        if (status == OUTCOME_DUPLICATE && slots[i].seen_index != 0)
            kept_out[i].seq = slots[slots[i].seen_index - 1].seq;
        if (status == OUTCOME_DUPLICATE || status == OUTCOME_REJECTED)
            continue;
        kept_out[i].seq = slots[i].seq;
        tell_model(keeper, &events[i]);
        if (events[i].acknowledges.length > 0)
            acknowledge(keeper,
                        &(struct acknowledgement){.source = events[i].source,
                                                  .document = events[i].acknowledges,
                                                  .acknowledged_at_us = events[i].occurred_at_us,
                                                  .received_at_us = events[i].received_at_us,
                                                  .by_event = true});
    }
    free(slots);
}

struct kept keeper_post(struct keeper *keeper, const struct event *event) {
    struct kept kept;
    keeper_begin(keeper);
    keeper_write(keeper, event, 1, &kept);
    keeper_commit(keeper);
    return kept;
}

void keeper_acknowledge(struct keeper *keeper, uint32_t source, const char *document,
                        int64_t at_us) {
    struct text text = keep(keeper, text_from(document));
    keeper_begin(keeper);
    acknowledge(keeper, &(struct acknowledgement){.source = source,
                                                  .document = text,
                                                  .acknowledged_at_us = at_us,
                                                  .received_at_us = keeper->now_us});
    keeper_commit(keeper);
    naive_acknowledge(keeper->model, source, text, at_us, keeper->now_us);
}

/* ---- statements ---- */

static void apply(struct keeper *keeper, const struct statement *statement,
                  const struct stated *rows, size_t row_count, const uint32_t *excluded,
                  size_t excluded_count, struct statement_outcome *outcome) {
    struct error error = {0};
    struct location_books books;
    uint64_t seq;
    keeper_expect_ok(store_load_books(keeper->store, statement, &books, &error), &error);
    size_t room = (size_t)books.page_count * CELLS_PER_PAGE + row_count + 1;
    int64_t *open_milli = memory_alloc_zero(room, sizeof *open_milli);
    outcome->changes = memory_alloc(room * sizeof *outcome->changes);
    keeper_expect_ok(statement_decide(statement, rows, row_count, excluded, excluded_count, &books,
                                      open_milli, outcome),
                     &error);
    keeper_expect_ok(
        store_write_statement(keeper->store, statement->id, outcome, keeper->now_us, &seq, &error),
        &error);
    free(open_milli);
    free(outcome->changes);
    outcome->changes = NULL;
}

static void *copy(struct keeper *keeper, const void *data, size_t size) {
    void *memory = arena_alloc(&keeper->arena, size + 1);
    if (size > 0)
        memcpy(memory, data, size);
    return memory;
}

uint32_t keeper_state(struct keeper *keeper, const struct statement *statement,
                      const struct stated *rows, size_t row_count, const uint32_t *excluded,
                      size_t excluded_count, struct statement_outcome *outcome_out) {
    struct error error = {0};
    struct statement_outcome outcome = {0};
    struct statement *kept = copy(keeper, statement, sizeof *statement);
    kept->through =
        copy(keeper, statement->through, statement->through_count * sizeof *statement->through);
    rows = copy(keeper, rows, row_count * sizeof *rows);
    excluded = copy(keeper, excluded, excluded_count * sizeof *excluded);
    keeper_begin(keeper);
    struct buffer packed = {0};
    store_pack_rows(rows, row_count, excluded, excluded_count, &packed);
    keeper_expect_ok(store_add_statement(keeper->store, kept, TEXT("r-1"), STATEMENT_HELD,
                                         row_count, buffer_text(&packed), &error),
                     &error);
    buffer_deinit(&packed);
    apply(keeper, kept, rows, row_count, excluded, excluded_count, &outcome);
    keeper_commit(keeper);
    naive_add_statement(keeper->model, kept, rows, row_count, excluded, excluded_count,
                        keeper->now_us);
    if (outcome_out != NULL)
        *outcome_out = outcome;
    return kept->id;
}

void keeper_roll_back(struct keeper *keeper, uint32_t statement) {
    struct error error = {0};
    struct arena arena = {0};
    struct statement_outcome outcome;
    uint64_t seq;
    keeper_begin(keeper);
    keeper_expect_ok(store_plan_rollback(keeper->store, statement, &arena, &outcome, &error),
                     &error);
    keeper_expect_ok(
        store_write_rollback(keeper->store, statement, &outcome, keeper->now_us, &seq, &error),
        &error);
    keeper_commit(keeper);
    naive_roll_back(keeper->model, statement, keeper->now_us);
    arena_deinit(&arena);
}

/* ---- checks ---- */

void keeper_check(struct keeper *keeper, uint32_t location, uint32_t product) {
    struct naive_figures figures = naive_cell(keeper->model, location, product, NEVER_US, NEVER_US);
    struct cell cell = store_cell(keeper->store, location, product);
    if (cell.on_hand_milli != figures.on_hand_milli ||
        cell.reserved_milli != figures.reserved_milli ||
        (cell_exists(&cell) && cell.statement != figures.statement))
        fail_msg("cell %u/%u is %lld, %lld on %u and should be %lld, %lld on %u", location, product,
                 (long long)cell.on_hand_milli, (long long)cell.reserved_milli, cell.statement,
                 (long long)figures.on_hand_milli, (long long)figures.reserved_milli,
                 figures.statement);
}

void keeper_verify(struct keeper *keeper) {
    struct error error = {0};
    struct arena arena = {0};
    struct verify_report report;
    keeper_expect_ok(store_verify(keeper->store, &arena, &report, &error), &error);
    if (report.differences != 0)
        fail_msg("verify: %.*s", TEXT_ARG(report.first));
    arena_deinit(&arena);
}
