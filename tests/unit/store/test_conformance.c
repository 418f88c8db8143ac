/* What every engine of the store must do, run against each of them: the same groups for memory and
 * for SQLite. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/keeper.h"
#include "lib/scratch.h"
#include "store/checkpoint_internal.h"

struct fixture {
    struct keeper *keeper;
    struct arena arena;
    char *directory;
};

static bool on_disk; /* which engine the group runs against */

static int set_up(void **state) {
    struct fixture *f = memory_alloc_zero(1, sizeof *f);
    char uri[512];
    f->directory = scratch_new();
    snprintf(uri, sizeof uri, "%s%s", on_disk ? "sqlite:" : "memory:", f->directory);
    f->keeper = keeper_new(uri);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    keeper_free(f->keeper);
    arena_deinit(&f->arena);
    journal_memory_forget(f->directory);
    scratch_free(f->directory);
    free(f);
    return 0;
}

static void ok(enum status status, const struct error *error) {
    if (status != STATUS_OK)
        fail_msg("%s: %s", status_code(status), error->detail);
}

static struct event sale(const struct keeper *k, const char *id) {
    struct event event = keeper_event(k);
    event.id = text_from(id);
    return event;
}

static struct statement about(const struct keeper *k, int64_t as_of_us) {
    (void)k;
    return (struct statement){.location = 1, .source = 1, .as_of_us = as_of_us};
}

/* ---- events ---- */

static void test_event_changes_the_cell(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct event event = sale(k, "a");
    struct kept kept = keeper_post(k, &event);
    assert_int_equal(kept.outcome.status, OUTCOME_APPLIED);
    struct cell cell = store_cell(k->store, 1, 1);
    assert_int_equal(cell.on_hand_milli, -1000);
    assert_int_equal(cell.head, kept.seq);
    assert_int_equal(cell.updated_at_s, k->now_us / US_PER_SECOND);
    assert_int_equal(store_last_seq(k->store), kept.seq);
    assert_false(cell_exists(&(struct cell){0}));
    struct cell other = store_cell(k->store, 1, 2);
    assert_false(cell_exists(&other));
}

static void test_duplicates(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct event pair[2] = {sale(k, "a"), sale(k, "a")};
    struct kept kept[2];
    keeper_begin(k);
    keeper_write(k, pair, 2, kept);
    assert_int_equal(kept[0].outcome.status, OUTCOME_APPLIED);
    assert_int_equal(kept[1].outcome.status, OUTCOME_DUPLICATE);
    assert_int_equal(kept[1].seq, kept[0].seq);
    keeper_write(k, pair, 1, &kept[1]); /* another group of the same transaction */
    assert_int_equal(kept[1].outcome.status, OUTCOME_DUPLICATE);
    assert_int_equal(kept[1].seq, kept[0].seq);
    keeper_commit(k);
    kept[1] = keeper_post(k, &pair[0]);
    assert_int_equal(kept[1].outcome.status, OUTCOME_DUPLICATE);
    assert_int_equal(kept[1].seq, kept[0].seq);
    keeper_reopen(k);
    kept[1] = keeper_post(k, &pair[0]);
    assert_int_equal(kept[1].outcome.status, OUTCOME_DUPLICATE);
    pair[1].source = 2; /* an id is unique within its source only */
    assert_int_equal(keeper_post(k, &pair[1]).outcome.status, OUTCOME_APPLIED);
    pair[0].id = pair[1].id = (struct text){0};
    assert_int_equal(keeper_post(k, &pair[0]).outcome.status, OUTCOME_APPLIED);
    assert_int_equal(keeper_post(k, &pair[0]).outcome.status, OUTCOME_APPLIED);
    keeper_check(k, 1, 1);
}

static void test_reservation_is_a_key_too(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct event event = sale(k, "r");
    event.type = EVENT_RESERVATION;
    event.delta_milli = 2000;
    event.order = TEXT("SO-1");
    assert_int_equal(keeper_post(k, &event).outcome.reserved_milli, 2000);
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_DUPLICATE);
    keeper_check(k, 1, 1);
}

static void test_orders(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct event event = keeper_event(k);
    event.type = EVENT_SHIPMENT;
    event.order = TEXT("SO-1");
    event.delta_milli = -3000;
    keeper_post(k, &event); /* before its reservation */
    assert_int_equal(store_cell(k->store, 1, 1).reserved_milli, 0);
    event.type = EVENT_RESERVATION;
    event.delta_milli = 4000;
    keeper_post(k, &event);
    assert_int_equal(store_cell(k->store, 1, 1).reserved_milli, 1000);
    keeper_reopen(k);
    event.type = EVENT_RELEASE;
    event.delta_milli = 1000;
    struct event twice[2] = {event, event};
    struct kept kept[2];
    keeper_begin(k);
    keeper_write(k, twice, 2, kept);
    keeper_commit(k);
    assert_int_equal(kept[0].outcome.reserved_milli, 0);
    event.type = EVENT_RESERVATION;
    assert_int_equal(keeper_post(k, &event).outcome.reserved_milli, 0); /* net was -1 */
    event.order = (struct text){0};
    assert_int_equal(keeper_post(k, &event).outcome.reserved_milli, 1000);
    keeper_check(k, 1, 1);
    keeper_verify(k);
}

static void test_abort_leaves_nothing(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct event event = sale(k, "a");
    struct event_slot slot = {.event = &event};
    struct error error = {0};
    struct buffer value = {0};
    uint32_t number;
    keeper_begin(k);
    ok(store_load_events(k->store, &slot, 1, &error), &error);
    event_decide(slot.event, &slot.ground, &slot.outcome);
    ok(store_write_events(k->store, &slot, 1, &error), &error);
    ok(store_add_name(k->store, NAME_SOURCE, TEXT("prism"), &number, &error), &error);
    ok(store_item_put(k->store, TEXT("kind"), TEXT("key"), TEXT("value"), &error), &error);
    store_abort(k->store);
    assert_int_equal(store_last_seq(k->store), 0);
    struct cell cell = store_cell(k->store, 1, 1);
    assert_false(cell_exists(&cell));
    assert_int_equal(store_item_get(k->store, TEXT("kind"), TEXT("key"), &value, NULL),
                     STATUS_NOT_FOUND);
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_APPLIED);
    keeper_begin(k);
    uint32_t again;
    ok(store_add_name(k->store, NAME_SOURCE, TEXT("prism"), &again, &error), &error);
    keeper_commit(k);
    assert_int_equal(again, number);
    buffer_deinit(&value);
}

static void test_readers_see_committed_only(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct event event = sale(k, "a");
    struct kept kept;
    keeper_begin(k);
    keeper_write(k, &event, 1, &kept);
    struct cell cell = store_cell(k->store, 1, 1);
    assert_false(cell_exists(&cell));
    assert_int_equal(store_last_seq(k->store), 0);
    struct arena arena = {0};
    struct ledger_entry entry;
    struct error error = {0};
    ok(store_read_row(k->store, kept.seq, &arena, &entry, &error), &error); /* the writer does */
    assert_true(text_equal_string(entry.event.id, "a"));
    keeper_commit(k);
    cell = store_cell(k->store, 1, 1);
    assert_true(cell_exists(&cell));
    arena_deinit(&arena);
}

/* ---- statements ---- */

static void test_statement_is_the_ground(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct event event = keeper_event(k);
    keeper_post(k, &event);
    event.occurred_at_us = event.received_at_us = k->now_us + 2000;
    keeper_post(k, &event); /* after the file was cut, before it is applied */
    struct stated rows[] = {{1, 2, 10000}, {3, 1, 5000}};
    struct statement statement = about(k, k->now_us + 1000);
    struct statement_outcome outcome;
    k->now_us += 5000;
    uint32_t id = keeper_state(k, &statement, rows, 2, NULL, 0, &outcome);
    assert_int_equal(store_cell(k->store, 1, 1).on_hand_milli, 9000);
    assert_int_equal(store_cell(k->store, 1, 3).on_hand_milli, 5000);
    assert_int_equal(store_cell(k->store, 1, 3).statement, id);
    assert_int_equal(outcome.changed, 2);
    event.occurred_at_us = statement.as_of_us; /* a late one, covered */
    event.received_at_us = k->now_us;
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_COVERED);
    assert_int_equal(store_cell(k->store, 1, 1).on_hand_milli, 9000);
    keeper_verify(k);
    keeper_reopen(k);
    keeper_check(k, 1, 1);
    keeper_check(k, 1, 3);
    struct statement_info info;
    struct error error = {0};
    ok(store_statement_info(k->store, id, &info, &error), &error);
    assert_int_equal(info.state, STATEMENT_APPLIED);
    assert_int_equal(info.row_count, 2);
    assert_true(text_equal_string(info.reset, "r-1"));
    assert_ptr_equal(info.statement, store_statement(k->store, id));
    assert_null(store_statement(k->store, 0));
    assert_int_equal(store_statement_info(k->store, id + 1, &info, NULL), STATUS_NOT_FOUND);
}

static void test_older_statement_changes_nothing(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct stated row = {1, 1, 10000}, older = {1, 1, 7000};
    struct statement statement = about(k, k->now_us), stale = about(k, k->now_us - 1000);
    uint32_t id = keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    keeper_state(k, &stale, &older, 1, NULL, 0, NULL);
    assert_int_equal(store_cell(k->store, 1, 1).on_hand_milli, 10000);
    assert_int_equal(store_cell(k->store, 1, 1).statement, id);
    keeper_roll_back(k, id); /* and now the older one counts */
    assert_int_equal(store_cell(k->store, 1, 1).on_hand_milli, 7000);
    keeper_check(k, 1, 1);
    keeper_verify(k);
}

static void test_absence_names_later_cells(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct stated row = {1, 1, 10000};
    uint32_t excluded = 7;
    struct statement statement = about(k, k->now_us);
    statement.names_absent = true;
    uint32_t id = keeper_state(k, &statement, &row, 1, &excluded, 1, NULL);
    struct event event = keeper_event(k);
    event.product = 5;
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_COVERED);
    assert_int_equal(store_cell(k->store, 1, 5).statement, id);
    event.product = 7; /* its row was rejected: it is not absent */
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_APPLIED);
    assert_int_equal(store_cell(k->store, 1, 7).on_hand_milli, -1000);
    keeper_reopen(k);
    event.product = 6;
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_COVERED);
    keeper_roll_back(k, id);
    for (uint32_t product = 1; product < 9; product++)
        keeper_check(k, 1, product);
    assert_int_equal(store_cell(k->store, 1, 5).on_hand_milli, -1000);
    keeper_verify(k);
    keeper_reopen(k);
    keeper_verify(k);
}

static void test_rollback_chain(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    uint32_t ids[3];
    struct event event = keeper_event(k);
    for (int i = 0; i < 3; i++) {
        k->now_us += 1000;
        event.occurred_at_us = event.received_at_us = k->now_us;
        keeper_post(k, &event);
        struct stated rows[] = {{1, 1, 10000 * (i + 1)}, {2, 2, 500}};
        struct statement statement = about(k, k->now_us + 500);
        k->now_us += 600;
        ids[i] = keeper_state(k, &statement, rows, i == 1 ? 1 : 2, NULL, 0, NULL);
    }
    keeper_roll_back(k, ids[1]); /* governs nothing any more */
    keeper_check(k, 1, 1);
    assert_int_equal(store_cell(k->store, 1, 1).on_hand_milli, 30000);
    keeper_roll_back(k, ids[2]);
    assert_int_equal(store_cell(k->store, 1, 1).on_hand_milli, 8000);
    assert_int_equal(store_cell(k->store, 1, 1).statement, ids[0]);
    keeper_roll_back(k, ids[0]);
    assert_int_equal(store_cell(k->store, 1, 1).on_hand_milli, -3000);
    assert_int_equal(store_cell(k->store, 1, 2).on_hand_milli, 0);
    keeper_check(k, 1, 2);
    struct arena arena = {0};
    struct error error = {0};
    struct statement_outcome outcome;
    keeper_begin(k);
    assert_int_equal(store_plan_rollback(k->store, ids[0], &arena, &outcome, &error),
                     STATUS_CONFLICT);
    store_abort(k->store);
    arena_deinit(&arena);
    keeper_verify(k);
    keeper_reopen(k);
    keeper_check(k, 1, 1);
    keeper_verify(k);
}

static void test_statement_rows_come_back(void **state) {
    struct fixture *f = *state;
    struct keeper *k = f->keeper;
    struct stated rows[] = {{1, 2, 0}, {2, 1, 2500}, {300, 9, -7000}};
    uint32_t excluded[] = {5, 900};
    struct statement statement = about(k, k->now_us);
    struct watermark through[] = {{1, 10}, {4, -2}};
    statement.through = through;
    statement.through_count = 2;
    uint32_t id = keeper_state(k, &statement, rows, 3, excluded, 2, NULL);
    keeper_reopen(k);
    struct stated *got;
    uint32_t *got_excluded;
    struct cell_change *changes;
    size_t count, excluded_count, change_count;
    struct error error = {0};
    ok(store_statement_rows(k->store, id, &f->arena, &got, &count, &got_excluded, &excluded_count,
                            &changes, &change_count, &error),
       &error);
    assert_int_equal(count, 3);
    assert_memory_equal(got, rows, sizeof rows);
    assert_int_equal(excluded_count, 2);
    assert_memory_equal(got_excluded, excluded, sizeof excluded);
    assert_int_equal(change_count, 2);
    assert_int_equal(changes[1].correction_milli, -7000);
    const struct statement *head = store_statement(k->store, id);
    assert_int_equal(head->through_count, 2);
    assert_int_equal(head->through[1].through, -2);
    assert_int_equal(store_statement_rows(k->store, id + 1, &f->arena, &got, &count, NULL, NULL,
                                          NULL, NULL, &error),
                     STATUS_NOT_FOUND);
}

/* ---- acknowledgements ---- */

static struct event shipment(const struct keeper *k, const char *id, const char *document) {
    struct event event = keeper_event(k);
    event.type = EVENT_SHIPMENT;
    event.source = 2;
    event.id = text_from(id);
    event.document = text_from(document);
    event.standing = event_default_standing(EVENT_SHIPMENT);
    return event;
}

static void test_acknowledgement_after(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct event event = shipment(k, "s1", "SO-1");
    keeper_post(k, &event);
    struct stated row = {1, 1, 10000};
    struct statement statement = about(k, k->now_us + 1000);
    keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    assert_int_equal(store_cell(k->store, 1, 1).on_hand_milli, 9000); /* it still stands */
    keeper_reopen(k);
    k->now_us += 5000;
    keeper_acknowledge(k, 1, "SO-1", statement.as_of_us - 1); /* it knew after all */
    assert_int_equal(store_cell(k->store, 1, 1).on_hand_milli, 10000);
    uint64_t seq = store_last_seq(k->store);
    keeper_acknowledge(k, 1, "SO-1", statement.as_of_us); /* later: nothing new */
    assert_int_equal(store_last_seq(k->store), seq);
    keeper_check(k, 1, 1);
    keeper_verify(k);
}

static void test_acknowledgement_before(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct stated row = {1, 1, 10000};
    struct statement statement = about(k, k->now_us + 1000);
    keeper_acknowledge(k, 1, "SO-1", k->now_us);
    keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    keeper_reopen(k);
    struct event event = shipment(k, "s1", "SO-1");
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_COVERED);
    event = shipment(k, "s2", "SO-2");
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_APPLIED);
    keeper_check(k, 1, 1);
    keeper_verify(k);
}

static void test_acknowledgement_within_a_transaction(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct stated row = {1, 1, 10000};
    struct statement statement = about(k, k->now_us + 1000);
    keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    struct event event[3] = {shipment(k, "s1", "SO-1"), keeper_event(k), shipment(k, "s2", "SO-1")};
    event[1].type = EVENT_ADJUSTMENT;
    event[1].delta_milli = 0;
    event[1].acknowledges = TEXT("SO-1");
    struct kept kept[3];
    keeper_begin(k);
    for (int i = 0; i < 3; i++)
        keeper_write(k, &event[i], 1, &kept[i]);
    keeper_commit(k);
    assert_int_equal(kept[0].outcome.status, OUTCOME_APPLIED);
    assert_int_equal(kept[1].outcome.status, OUTCOME_ACKNOWLEDGED);
    assert_int_equal(kept[2].outcome.status, OUTCOME_COVERED);
    assert_int_equal(store_cell(k->store, 1, 1).on_hand_milli, 10000);
    keeper_check(k, 1, 1);
    keeper_verify(k);
    keeper_reopen(k);
    keeper_check(k, 1, 1);
}

/* Two movements of one document at one cell: each has its row, with the balance after it. */
static void test_acknowledgement_rows_add_up(void **state) {
    struct fixture *f = *state;
    struct keeper *k = f->keeper;
    struct event a = shipment(k, "s1", "SO-1"), b = shipment(k, "s2", "SO-1");
    struct stated row = {1, 1, 10000};
    struct statement statement = about(k, k->now_us + 1000);
    keeper_post(k, &a);
    keeper_post(k, &b);
    keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    keeper_acknowledge(k, 1, "SO-1", k->now_us);
    struct ledger_entry *entries;
    size_t count;
    struct error error = {0};
    ok(store_history(k->store, 1, 1, 0, 10, &f->arena, &entries, &count, &error), &error);
    assert_int_equal(count, 5);
    assert_int_equal(entries[0].kind, LEDGER_ACKNOWLEDGEMENT);
    assert_int_equal(entries[0].on_hand_milli, 10000);
    assert_int_equal(entries[1].on_hand_milli, 9000);
    assert_int_equal(entries[1].on_hand_change_milli, 1000);
    assert_true(text_equal_string(entries[1].event.document, "SO-1"));
    assert_int_equal(entries[2].kind, LEDGER_RESET);
    keeper_check(k, 1, 1);
}

/* ---- history, changes ---- */

static void test_history_and_changes(void **state) {
    struct fixture *f = *state;
    struct keeper *k = f->keeper;
    struct error error = {0};
    struct event event = sale(k, "a");
    event.reason = TEXT("POS_SALE");
    keeper_post(k, &event);
    struct stated rows[] = {{1, 1, 10000}, {2, 2, 4000}, {3, 3, 0}};
    struct statement statement = about(k, k->now_us);
    uint32_t id = keeper_state(k, &statement, rows, 3, NULL, 0, NULL);
    keeper_roll_back(k, id);
    keeper_reopen(k);
    struct ledger_entry *entries;
    size_t count;
    ok(store_history(k->store, 1, 1, 0, 10, &f->arena, &entries, &count, &error), &error);
    assert_int_equal(count, 3);
    assert_int_equal(entries[0].kind, LEDGER_ROLLBACK);
    assert_int_equal(entries[0].on_hand_milli, -1000);
    assert_int_equal(entries[1].kind, LEDGER_RESET);
    assert_int_equal(entries[1].on_hand_change_milli, 11000);
    assert_int_equal(entries[1].statement, id);
    assert_int_equal(entries[2].kind, LEDGER_EVENT);
    assert_true(text_equal_string(entries[2].event.reason, "POS_SALE"));
    uint64_t middle = entries[1].seq;
    ok(store_history(k->store, 1, 1, middle, 10, &f->arena, &entries, &count, &error), &error);
    assert_int_equal(count, 1);
    ok(store_history(k->store, 1, 1, 0, 2, &f->arena, &entries, &count, &error), &error);
    assert_int_equal(count, 2);
    struct change *changes;
    ok(store_changes(k->store, 0, 10, &f->arena, &changes, &count, &error), &error);
    assert_int_equal(count, 5); /* the event, two corrected and two taken back */
    for (size_t i = 1; i < count; i++)
        assert_true(changes[i].seq > changes[i - 1].seq);
    assert_int_equal(changes[4].product, 2);
    assert_int_equal(changes[4].on_hand_milli, 0);
    /* One at a time gives the same, also from the middle of a reset on. */
    uint64_t after = 0;
    for (size_t i = 0; i < 5; i++) {
        struct change *one;
        size_t ones;
        ok(store_changes(k->store, after, 1, &f->arena, &one, &ones, &error), &error);
        assert_int_equal(ones, 1);
        assert_int_equal(one->seq, changes[i].seq);
        after = one->seq;
    }
    struct ledger_entry entry;
    assert_int_equal(store_read_row(k->store, middle, &f->arena, &entry, &error), STATUS_NOT_FOUND);
}

static void test_cell_history_rebuilds_the_past(void **state) {
    struct fixture *f = *state;
    struct keeper *k = f->keeper;
    struct event event = keeper_event(k);
    int64_t start_us = k->now_us;
    for (int i = 0; i < 6; i++) {
        k->now_us += 1000;
        event.occurred_at_us = event.received_at_us = k->now_us;
        keeper_post(k, &event);
        struct stated row = {1, 1, 50000};
        struct statement statement = about(k, k->now_us - 1500);
        if (i % 2 == 1)
            keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    }
    struct cell_history history;
    struct error error = {0};
    ok(store_cell_history(k->store, 1, 1, &f->arena, &history, &error), &error);
    uint32_t scratch[64];
    for (int64_t at_us = start_us; at_us < start_us + 7000; at_us += 500) {
        for (int64_t known_us = start_us; known_us < start_us + 7000; known_us += 500) {
            struct cell_figures figures;
            struct naive_figures naive = naive_cell(k->model, 1, 1, at_us, known_us);
            ok(books_figures(&history, at_us, known_us, scratch, &figures), &error);
            assert_int_equal(figures.on_hand_milli, naive.on_hand_milli);
        }
    }
}

static void test_cells_are_listed(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct event event = keeper_event(k);
    uint32_t products[] = {1, 255, 256, 1000};
    for (size_t i = 0; i < 4; i++) {
        event.location = 3;
        event.product = products[i];
        keeper_post(k, &event);
    }
    struct located_cell cells[8];
    uint32_t next;
    assert_int_equal(store_location_limit(k->store), 4);
    assert_int_equal(store_product_limit(k->store, 3), 1001);
    assert_int_equal(store_cells(k->store, 3, 0, cells, 8, &next), 4);
    assert_int_equal(next, 0);
    assert_int_equal(store_cells(k->store, 3, 0, cells, 2, &next), 2);
    assert_int_equal(next, 256);
    assert_int_equal(store_cells(k->store, 3, next, cells, 8, &next), 2);
    assert_int_equal(cells[1].product, 1000);
    assert_int_equal(store_cells(k->store, 2, 0, cells, 8, &next), 0);
    struct store_stats stats;
    store_stats(k->store, &stats);
    assert_int_equal(stats.cells, 4);
    assert_int_equal(stats.commits, 4);
    assert_true(stats.memory_bytes > 0);
}

/* ---- names, items ---- */

struct catalog {
    unsigned names, products, identifiers, locations;
};

static void see_name(void *context, enum name_kind kind, uint32_t number, struct text name) {
    ((struct catalog *)context)->names += kind == NAME_REGISTER && number == 1 && name.length == 2;
}

static void see_product(void *context, uint32_t number) {
    ((struct catalog *)context)->products += number;
}

static void see_identifier(void *context, uint32_t product, const struct identifier *identifier) {
    ((struct catalog *)context)->identifiers +=
        product == 1 && identifier->value.length > 0 && identifier->type.length > 0;
}

static void see_location(void *context, uint32_t number, struct text code) {
    ((struct catalog *)context)->locations += number == 1 && text_equal_string(code, "NY01");
}

static void test_names(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct error error = {0};
    struct identifier identifiers[] = {{TEXT("sku"), TEXT("A")}, {TEXT("upc"), TEXT("1")}};
    struct identifier third = {TEXT("alu"), TEXT("X")};
    uint32_t number;
    keeper_begin(k);
    ok(store_add_name(k->store, NAME_REGISTER, TEXT("R1"), &number, &error), &error);
    assert_int_equal(number, 1);
    ok(store_add_product(k->store, identifiers, 2, &number, &error), &error);
    assert_int_equal(number, 1);
    ok(store_add_identifier(k->store, 1, &third, &error), &error);
    ok(store_add_location(k->store, TEXT("NY01"), &number, &error), &error);
    assert_int_equal(number, 1);
    keeper_commit(k);
    keeper_reopen(k);
    struct catalog catalog = {0};
    struct catalog_visitor visitor = {see_name, see_product, see_identifier, see_location,
                                      &catalog};
    ok(store_scan_catalog(k->store, &visitor, &error), &error);
    assert_int_equal(catalog.names, 1);
    assert_int_equal(catalog.products, 1);
    assert_int_equal(catalog.identifiers, 3);
    assert_int_equal(catalog.locations, 1);
    keeper_begin(k);
    ok(store_add_product(k->store, identifiers, 1, &number, &error), &error);
    assert_int_equal(number, 2);
    store_abort(k->store);
}

static bool append_key(void *context, struct text key, struct text value) {
    (void)value;
    buffer_append_text(context, key);
    return ((struct buffer *)context)->length < 3;
}

static void test_items(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct error error = {0};
    struct buffer text = {0};
    static const char *const keys[] = {"b", "a", "d", "c"};
    keeper_begin(k);
    for (int i = 0; i < 4; i++)
        ok(store_item_put(k->store, TEXT("t"), text_from(keys[i]), TEXT("1"), &error), &error);
    ok(store_item_put(k->store, TEXT("u"), TEXT("a"), TEXT("other"), &error), &error);
    ok(store_item_put(k->store, TEXT("t"), TEXT("a"), TEXT("2"), &error), &error);
    ok(store_item_delete(k->store, TEXT("t"), TEXT("d"), &error), &error);
    keeper_commit(k);
    keeper_reopen(k);
    ok(store_item_get(k->store, TEXT("t"), TEXT("a"), &text, &error), &error);
    assert_true(text_equal_string(buffer_text(&text), "2"));
    assert_int_equal(store_item_get(k->store, TEXT("t"), TEXT("d"), &text, NULL), STATUS_NOT_FOUND);
    buffer_clear(&text);
    ok(store_item_scan(k->store, TEXT("t"), (struct text){0}, false, append_key, &text, &error),
       &error);
    assert_true(text_equal_string(buffer_text(&text), "abc"));
    buffer_clear(&text);
    ok(store_item_scan(k->store, TEXT("t"), TEXT("c"), true, append_key, &text, &error), &error);
    assert_true(text_equal_string(buffer_text(&text), "ba"));
    buffer_clear(&text);
    ok(store_item_scan(k->store, TEXT("t"), (struct text){0}, true, append_key, &text, &error),
       &error);
    assert_true(text_equal_string(buffer_text(&text), "cba"));
    buffer_deinit(&text);
}

/* ---- checkpoints ---- */

/* Something done to the checkpoint while the store is closed. */
struct spoiling {
    struct journal *journal;
    const struct journal_ops *ops;
    uint32_t kind;
    uint64_t key, through;
    struct buffer blob;
    bool found;
};

static bool take_blob(void *context, uint32_t kind, uint64_t key, uint64_t through_seq,
                      struct text blob) {
    struct spoiling *s = context;
    s->kind = kind;
    s->key = key;
    s->through = through_seq;
    s->found = true;
    buffer_clear(&s->blob);
    buffer_append_text(&s->blob, blob);
    return false;
}

static void open_journal(struct fixture *f, struct spoiling *s) {
    struct error error = {0};
    *s = (struct spoiling){.ops = on_disk ? &journal_sqlite : &journal_memory};
    store_close(f->keeper->store);
    f->keeper->store = NULL;
    ok(s->ops->open(f->directory, &f->keeper->options, &s->journal, &error), &error);
}

static void close_journal(struct fixture *f, struct spoiling *s) {
    struct error error = {0};
    ok(s->ops->checkpoint_sync(s->journal, &error), &error);
    s->ops->close(s->journal);
    buffer_deinit(&s->blob);
    ok(store_open(f->keeper->uri, &f->keeper->options, &f->keeper->store, &error), &error);
}

static bool find_blob(struct spoiling *s, uint32_t kind) {
    struct error error = {0};
    s->found = false;
    ok(s->ops->checkpoint_scan(s->journal, kind, take_blob, s, &error), &error);
    return s->found;
}

static void put_blob(struct spoiling *s) {
    struct error error = {0};
    ok(s->ops->checkpoint_put(s->journal, s->kind, s->key, s->through, buffer_text(&s->blob),
                              &error),
       &error);
}

enum { KINDS = 6, KIND_CELLS = 1 };

static void forget_checkpoint(struct fixture *f) {
    struct spoiling s;
    struct error error = {0};
    open_journal(f, &s);
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        while (find_blob(&s, kind))
            ok(s.ops->checkpoint_delete(s.journal, s.kind, s.key, &error), &error);
    }
    close_journal(f, &s);
}

/* Events, orders, pending movements, acknowledgements and statements at three locations. */
static void fill(struct keeper *k) {
    for (unsigned i = 0; i < 300; i++) {
        char id[16], order[16];
        snprintf(id, sizeof id, "e%u", i);
        snprintf(order, sizeof order, "o%u", i % 7);
        struct event event = i % 5 == 0 ? shipment(k, id, order) : sale(k, id);
        k->now_us += 1000;
        event.received_at_us = event.occurred_at_us = k->now_us;
        event.location = 1 + i % 3;
        event.product = 1 + i * 7 % 400;
        event.order = i % 5 == 0 ? text_from(order) : (struct text){0};
        if (i % 11 == 0) {
            event.type = EVENT_RESERVATION;
            event.order = text_from(order);
            event.delta_milli = 9000;
            event.standing = STANDS_UNTIL_RESET;
        }
        keeper_post(k, &event);
        struct stated rows[] = {{1, 1, 5000}, {8, 2, 2000}, {300, 3, 1000}};
        struct statement statement = about(k, k->now_us);
        statement.location = event.location;
        statement.names_absent = i % 2 == 0;
        if (i % 40 == 39)
            keeper_state(k, &statement, rows, 3, NULL, 0, NULL);
        if (i % 50 == 49)
            keeper_acknowledge(k, 1, order, k->now_us - 500);
    }
}

static void check_all(struct keeper *k) {
    for (uint32_t location = 1; location < 4; location++) {
        for (uint32_t product = 0; product < 420; product++)
            keeper_check(k, location, product);
    }
}

/* The same behaviour too: keys, orders, pending movements and acknowledgements are there. */
static void check_behaviour(struct keeper *k) {
    struct event again = sale(k, "e1");
    again.product = 8;
    again.location = 2;
    assert_int_equal(keeper_post(k, &again).outcome.status, OUTCOME_DUPLICATE);
    keeper_acknowledge(k, 1, "o5", 0);
    keeper_acknowledge(k, 1, "o1", 1);
    struct event event = keeper_event(k);
    event.type = EVENT_RELEASE;
    event.order = TEXT("o0");
    event.delta_milli = 1000;
    for (event.product = 1; event.product < 420; event.product++)
        keeper_post(k, &event);
    check_all(k);
    keeper_verify(k);
}

static void test_reopening_from_checkpoint(void **state) {
    struct fixture *f = *state;
    struct store_stats stats;
    fill(f->keeper);
    keeper_reopen(f->keeper);
    store_stats(f->keeper->store, &stats);
    assert_int_equal(stats.checkpoint_seq, stats.last_seq);
    check_all(f->keeper);
    check_behaviour(f->keeper);
    fill(f->keeper); /* ids again: all duplicates; statements and acknowledgements anew */
    keeper_reopen(f->keeper);
    check_all(f->keeper);
    keeper_verify(f->keeper);
}

static void test_reopening_from_the_ledger(void **state) {
    struct fixture *f = *state;
    fill(f->keeper);
    forget_checkpoint(f);
    struct store_stats stats;
    store_stats(f->keeper->store, &stats);
    assert_int_equal(stats.checkpoint_seq, 0);
    check_all(f->keeper);
    check_behaviour(f->keeper);
}

/* An old checkpoint with a tail behind it: put the old blobs back after going on. */
static void test_reopening_with_a_tail(void **state) {
    struct fixture *f = *state;
    struct error error = {0};
    fill(f->keeper);
    struct spoiling s, old[KINDS];
    for (uint32_t kind = 0; kind < KINDS; kind++)
        old[kind] = (struct spoiling){0};
    open_journal(f, &s);
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        if (kind != KIND_CELLS && find_blob(&s, kind)) {
            old[kind] = s;
            s.blob = (struct buffer){0};
        }
    }
    close_journal(f, &s);
    check_behaviour(f->keeper);
    open_journal(f, &s);
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        if (!old[kind].found)
            continue;
        ok(s.ops->checkpoint_put(s.journal, kind, old[kind].key, old[kind].through,
                                 buffer_text(&old[kind].blob), &error),
           &error);
        buffer_deinit(&old[kind].blob);
    }
    close_journal(f, &s);
    check_all(f->keeper);
    keeper_verify(f->keeper);
}

static void test_damaged_checkpoints_are_ignored(void **state) {
    struct fixture *f = *state;
    fill(f->keeper);
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        for (int how = 0; how < 4; how++) {
            struct spoiling s;
            open_journal(f, &s);
            assert_true(find_blob(&s, kind));
            if (how == 0)
                s.blob.length /= 2;
            else if (how == 1)
                s.blob.data[s.blob.length / 2] ^= 0x10;
            else if (how == 2)
                s.blob.length = 0;
            else
                s.through++;
            put_blob(&s);
            close_journal(f, &s);
            check_all(f->keeper);
            keeper_verify(f->keeper);
        }
    }
    check_behaviour(f->keeper);
}

static void test_verify_finds_a_planted_difference(void **state) {
    struct fixture *f = *state;
    struct arena arena = {0};
    struct packed_reader reader;
    struct error error = {0};
    struct spoiling s;
    struct event event = keeper_event(f->keeper);
    keeper_post(f->keeper, &event);
    open_journal(f, &s);
    assert_true(find_blob(&s, KIND_CELLS));
    ok(packed_frame_read('L', buffer_text(&s.blob), &arena, &reader, &error), &error);
    size_t size = (size_t)(reader.end - reader.at);
    char *raw = arena_alloc(&arena, size);
    memcpy(raw, reader.at, size);
    int64_t wanted = -1000, planted = -2000;
    char *at = memmem(raw, size, &wanted, sizeof wanted);
    assert_non_null(at);
    memcpy(at, &planted, sizeof planted);
    buffer_clear(&s.blob);
    packed_frame_write('L', (struct text){raw, size}, &s.blob);
    put_blob(&s);
    close_journal(f, &s);
    assert_int_equal(store_cell(f->keeper->store, 1, 1).on_hand_milli, planted);
    struct verify_report report;
    ok(store_verify(f->keeper->store, &arena, &report, &error), &error);
    assert_int_equal(report.differences, 1);
    assert_int_equal(report.rows, 1);
    assert_non_null(memmem(report.first.data, report.first.length, "on_hand", 7));
    arena_deinit(&arena);
}

/* ---- the window ---- */

static void test_eviction_keeps_the_truth(void **state) {
    struct fixture *f = *state;
    struct keeper *k = f->keeper;
    keeper_set_window(k, 2 * US_PER_DAY);
    keeper_reopen(k);
    struct event old = sale(k, "old"), uncovered = sale(k, "uncovered");
    uncovered.product = 2;
    keeper_post(k, &old);
    keeper_post(k, &uncovered);
    struct event ship = shipment(k, "ship", "SO-1");
    keeper_post(k, &ship);
    keeper_acknowledge(k, 1, "SO-1", k->now_us);
    struct stated row = {1, 1, 10000};
    struct statement statement = about(k, k->now_us + 1000);
    uint32_t id = keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    struct store_stats stats;
    store_stats(k->store, &stats);
    assert_int_equal(stats.keys_in_memory, 3);
    assert_int_equal(stats.pending_movements, 1);
    k->now_us += 30 * US_PER_DAY;
    struct event young = sale(k, "young");
    for (int i = 0; i < 8; i++)
        keeper_post(k, &young); /* each commit sweeps a little */
    store_stats(k->store, &stats);
    assert_int_equal(stats.keys_in_memory, 1);
    assert_int_equal(stats.pending_movements, 0);
    /* Found along the chain, past the reset's correction. */
    assert_int_equal(keeper_post(k, &old).outcome.status, OUTCOME_DUPLICATE);
    assert_int_equal(keeper_post(k, &uncovered).outcome.status, OUTCOME_DUPLICATE);
    keeper_reopen(k);
    assert_int_equal(keeper_post(k, &old).outcome.status, OUTCOME_DUPLICATE);
    /* Decided about a time before memory's. */
    struct statement earlier = about(k, old.occurred_at_us - 1);
    earlier.source = 3;
    struct stated row2 = {2, 1, 700};
    keeper_state(k, &earlier, &row2, 1, NULL, 0, NULL);
    keeper_check(k, 1, 2);
    keeper_roll_back(k, id);
    keeper_check(k, 1, 1);
    keeper_acknowledge(k, 3, "SO-1", 5);
    struct statement other = about(k, k->now_us);
    other.source = 4; /* it never acknowledged anything */
    keeper_state(k, &other, &row, 1, NULL, 0, NULL);
    keeper_check(k, 1, 1);
    keeper_acknowledge(k, 4, "SO-1", 6);
    keeper_check(k, 1, 1);
    keeper_verify(k);
}

/* ---- at random, against the naive model ---- */

static uint64_t dice;

static unsigned below(unsigned limit) {
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(dice >> 33) % limit;
}

struct storm {
    struct event events[400];
    char ids[400][8];
    unsigned event_count;
    uint32_t statements[100];
    unsigned statement_count;
};

static int64_t random_time(const struct keeper *k) {
    return k->now_us - (int64_t)below(20) * US_PER_DAY / 2 + (below(8) == 0 ? 1000 : 0);
}

static struct event random_event(struct keeper *k, struct storm *storm) {
    static const char *const documents[] = {"", "d1", "d2", "d3", "d4"};
    static const char *const orders[] = {"", "o1", "o2"};
    static const enum event_type types[] = {EVENT_SALE, EVENT_SHIPMENT, EVENT_RESERVATION,
                                            EVENT_RECEIPT, EVENT_RELEASE};
    struct event event = keeper_event(k);
    unsigned n = storm->event_count;
    event.type = types[below(5)];
    event.delta_milli = 1000 * (1 + (int64_t)below(9));
    if (event.type == EVENT_SALE || event.type == EVENT_SHIPMENT)
        event.delta_milli = -event.delta_milli;
    event.location = 1 + below(2);
    event.product = (uint32_t[]){1, 2, 256, 700}[below(4)];
    event.source = 1 + below(3);
    event.register_id = below(3);
    event.register_sequence = event.register_id == 0 ? 0 : (int64_t)below(20);
    event.occurred_at_us = random_time(k);
    event.standing = (enum event_standing)below(3);
    event.document = text_from(documents[below(5)]);
    event.order = text_from(orders[below(3)]);
    if (below(8) == 0)
        event.acknowledges = text_from(documents[1 + below(4)]);
    snprintf(storm->ids[n], sizeof storm->ids[n], "e%u", n);
    event.id = below(10) == 0 ? (struct text){0} : text_from(storm->ids[n]);
    storm->events[storm->event_count++] = event;
    return event;
}

/* A few in one transaction, some of them heard before. */
static void random_events(struct keeper *k, struct storm *storm) {
    unsigned groups = 1 + below(3);
    keeper_begin(k);
    for (unsigned g = 0; g < groups; g++) {
        struct event events[5];
        struct kept kept[5];
        unsigned count = 1 + below(4);
        unsigned i = 0;
        while (i < count) {
            events[i] = random_event(k, storm);
            if (events[i++].acknowledges.length > 0)
                break;
        }
        if (events[i - 1].acknowledges.length == 0 && below(2) == 0) {
            struct event again = storm->events[below(storm->event_count)];
            if (again.id.length > 0 && again.acknowledges.length == 0)
                events[i++] = again;
        }
        keeper_write(k, events, i, kept);
    }
    keeper_commit(k);
}

static void random_statement(struct keeper *k, struct storm *storm) {
    static const uint32_t products[] = {1, 2, 256, 700};
    struct stated rows[4];
    uint32_t excluded[4];
    struct watermark through = {1 + below(2), (int64_t)below(20)};
    size_t row_count = 0, excluded_count = 0;
    struct statement statement = about(k, random_time(k));
    statement.location = 1 + below(2);
    statement.source = 1 + below(3);
    statement.names_absent = below(3) == 0;
    statement.through = &through;
    statement.through_count = below(2);
    for (unsigned i = 0; i < 4; i++) {
        unsigned what = below(4);
        if (what < 2)
            rows[row_count++] = (struct stated){products[i], 1 + i, 1000 * (int64_t)below(50)};
        else if (what == 2 && statement.names_absent &&
                 store_cell(k->store, statement.location, products[i]).head != 0)
            excluded[excluded_count++] = products[i];
    }
    storm->statements[storm->statement_count++] =
        keeper_state(k, &statement, rows, row_count, excluded, excluded_count, NULL);
}

static void random_rollback(struct keeper *k, struct storm *storm) {
    if (storm->statement_count == 0)
        return;
    unsigned i = below(storm->statement_count);
    keeper_roll_back(k, storm->statements[i]);
    storm->statements[i] = storm->statements[--storm->statement_count];
}

static void random_step(struct fixture *f, struct storm *storm) {
    static const char *const documents[] = {"d1", "d2", "d3", "d4"};
    struct keeper *k = f->keeper;
    struct error error = {0};
    k->now_us += (int64_t)below(3) * US_PER_DAY / 2 + 1;
    switch (below(12)) {
    case 0:
    case 1:
        random_statement(k, storm);
        break;
    case 2:
        random_rollback(k, storm);
        break;
    case 3:
        keeper_acknowledge(k, 1 + below(3), documents[below(4)], random_time(k));
        break;
    case 4:
        ok(store_checkpoint(k->store, &error), &error);
        break;
    case 5:
        if (below(3) == 0)
            forget_checkpoint(f);
        else
            keeper_reopen(k);
        break;
    default:
        random_events(k, storm);
    }
}

static void check_storm(struct keeper *k) {
    for (uint32_t location = 1; location <= 2; location++) {
        for (uint32_t product = 1; product <= 700; product = product < 3    ? product + 1
                                                             : product == 3 ? 256
                                                                            : product + 444)
            keeper_check(k, location, product);
    }
}

static void test_random_lives(void **state) {
    unsigned lives = on_disk ? 12 : 150;
    size_t usual = checkpoint_segment_rows;
    checkpoint_segment_rows = 8; /* many segments, so that some grow too old */
    for (unsigned life = 0; life < lives; life++) {
        struct storm storm = {0};
        struct fixture *f = *state;
        dice = 77 + life;
        keeper_set_window(f->keeper, (int64_t)(1 + below(8)) * US_PER_DAY);
        keeper_reopen(f->keeper);
        for (unsigned step = 0; step < 60 && storm.event_count < 380; step++) {
            random_step(f, &storm);
            check_storm(f->keeper);
        }
        keeper_verify(f->keeper);
        keeper_reopen(f->keeper);
        check_storm(f->keeper);
        tear_down(state);
        set_up(state);
    }
    checkpoint_segment_rows = usual;
}

/* ---- threads ---- */

struct watch {
    struct store *store;
    atomic_bool stop;
    atomic_uint torn;
};

/* All cells of the location are stated alike: a reader of all of them sees one statement. */
static void *watch_location(void *context) {
    struct watch *watch = context;
    struct located_cell cells[600];
    struct store_stats stats;
    uint32_t next;
    while (!watch->stop) {
        size_t count = store_cells(watch->store, 1, 0, cells, 600, &next);
        for (size_t i = 1; i < count; i++)
            watch->torn += cells[i].cell.on_hand_milli != cells[0].cell.on_hand_milli;
        store_stats(watch->store, &stats);
        (void)store_cell(watch->store, 2, 1);
        (void)store_statement(watch->store, 1);
        struct error error;
        if (store_checkpoint(watch->store, &error) != STATUS_OK)
            watch->torn++;
    }
    return NULL;
}

static void test_readers_beside_the_writer(void **state) {
    struct keeper *k = ((struct fixture *)*state)->keeper;
    struct watch watch = {.store = k->store};
    pthread_t threads[2];
    struct stated rows[600];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, watch_location, &watch), 0);
    for (int round = 0; round < (on_disk ? 10 : 40); round++) {
        for (uint32_t i = 0; i < 600; i++)
            rows[i] = (struct stated){1 + i, 1 + i, 1000 * round};
        k->now_us += 1000;
        struct statement statement = about(k, k->now_us);
        keeper_state(k, &statement, rows, 600, NULL, 0, NULL);
        struct event event = keeper_event(k);
        event.location = 2;
        keeper_post(k, &event);
    }
    watch.stop = true;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(watch.torn, 0);
    keeper_verify(k);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_event_changes_the_cell),
    TEST(test_duplicates),
    TEST(test_reservation_is_a_key_too),
    TEST(test_orders),
    TEST(test_abort_leaves_nothing),
    TEST(test_readers_see_committed_only),
    TEST(test_statement_is_the_ground),
    TEST(test_older_statement_changes_nothing),
    TEST(test_absence_names_later_cells),
    TEST(test_rollback_chain),
    TEST(test_statement_rows_come_back),
    TEST(test_acknowledgement_after),
    TEST(test_acknowledgement_before),
    TEST(test_acknowledgement_within_a_transaction),
    TEST(test_acknowledgement_rows_add_up),
    TEST(test_history_and_changes),
    TEST(test_cell_history_rebuilds_the_past),
    TEST(test_cells_are_listed),
    TEST(test_names),
    TEST(test_items),
    TEST(test_reopening_from_checkpoint),
    TEST(test_reopening_from_the_ledger),
    TEST(test_reopening_with_a_tail),
    TEST(test_damaged_checkpoints_are_ignored),
    TEST(test_verify_finds_a_planted_difference),
    TEST(test_eviction_keeps_the_truth),
    TEST(test_random_lives),
    TEST(test_readers_beside_the_writer),
};

int main(void) {
    int failures = cmocka_run_group_tests_name("store conformance: memory", tests, NULL, NULL);
    on_disk = true;
    failures += cmocka_run_group_tests_name("store conformance: sqlite", tests, NULL, NULL);
    return failures != 0;
}
