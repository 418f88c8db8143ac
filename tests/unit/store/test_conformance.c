/* What every engine of the store must do, run against each of them: events, statements,
 * acknowledgements, histories and names. test_lasting.c goes on with what must last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/engines.h"

/* ---- events ---- */

static void test_event_changes_the_cell(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct event event = engine_sale(k, "a");
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
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct event pair[2] = {engine_sale(k, "a"), engine_sale(k, "a")};
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
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct event event = engine_sale(k, "r");
    event.type = EVENT_RESERVATION;
    event.delta_milli = 2000;
    event.order = TEXT("SO-1");
    assert_int_equal(keeper_post(k, &event).outcome.reserved_milli, 2000);
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_DUPLICATE);
    keeper_check(k, 1, 1);
}

static void test_orders(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
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
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct event event = engine_sale(k, "a");
    struct event_slot slot = {.event = &event};
    struct error error = {0};
    struct buffer value = {0};
    uint32_t number;
    keeper_begin(k);
    keeper_expect_ok(store_load_events(k->store, &slot, 1, &error), &error);
    event_decide(slot.event, &slot.ground, &slot.outcome);
    keeper_expect_ok(store_write_events(k->store, &slot, 1, &error), &error);
    keeper_expect_ok(store_add_name(k->store, NAME_SOURCE, TEXT("prism"), &number, &error), &error);
    keeper_expect_ok(store_item_put(k->store, TEXT("kind"), TEXT("key"), TEXT("value"), &error),
                     &error);
    store_abort(k->store);
    assert_int_equal(store_last_seq(k->store), 0);
    struct cell cell = store_cell(k->store, 1, 1);
    assert_false(cell_exists(&cell));
    assert_int_equal(store_item_get(k->store, TEXT("kind"), TEXT("key"), &value, NULL),
                     STATUS_NOT_FOUND);
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_APPLIED);
    keeper_begin(k);
    uint32_t again;
    keeper_expect_ok(store_add_name(k->store, NAME_SOURCE, TEXT("prism"), &again, &error), &error);
    keeper_commit(k);
    assert_int_equal(again, number);
    buffer_deinit(&value);
}

static void test_readers_see_committed_only(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct event event = engine_sale(k, "a");
    struct kept kept;
    keeper_begin(k);
    keeper_write(k, &event, 1, &kept);
    struct cell cell = store_cell(k->store, 1, 1);
    assert_false(cell_exists(&cell));
    assert_int_equal(store_last_seq(k->store), 0);
    struct arena arena = {0};
    struct ledger_entry entry;
    struct error error = {0};
    keeper_expect_ok(store_read_row(k->store, kept.seq, &arena, &entry, &error),
                     &error); /* the writer does */
    assert_true(text_equal_string(entry.event.id, "a"));
    keeper_commit(k);
    cell = store_cell(k->store, 1, 1);
    assert_true(cell_exists(&cell));
    arena_deinit(&arena);
}

/* ---- statements ---- */

static void test_statement_is_the_ground(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct event event = keeper_event(k);
    keeper_post(k, &event);
    event.occurred_at_us = event.received_at_us = k->now_us + 2000;
    keeper_post(k, &event); /* after the file was cut, before it is applied */
    struct stated rows[] = {{1, 2, 10000}, {3, 1, 5000}};
    struct statement statement = engine_statement(k->now_us + 1000);
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
    keeper_expect_ok(store_statement_info(k->store, id, &info, &error), &error);
    assert_int_equal(info.state, STATEMENT_APPLIED);
    assert_int_equal(info.row_count, 2);
    assert_true(text_equal_string(info.reset, "r-1"));
    assert_ptr_equal(info.statement, store_statement(k->store, id));
    assert_null(store_statement(k->store, 0));
    assert_int_equal(store_statement_info(k->store, id + 1, &info, NULL), STATUS_NOT_FOUND);
}

static void test_older_statement_changes_nothing(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct stated row = {1, 1, 10000}, older = {1, 1, 7000};
    struct statement statement = engine_statement(k->now_us),
                     stale = engine_statement(k->now_us - 1000);
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
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct stated row = {1, 1, 10000};
    uint32_t excluded = 7;
    struct statement statement = engine_statement(k->now_us);
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
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    uint32_t ids[3];
    struct event event = keeper_event(k);
    for (int i = 0; i < 3; i++) {
        k->now_us += 1000;
        event.occurred_at_us = event.received_at_us = k->now_us;
        keeper_post(k, &event);
        struct stated rows[] = {{1, 1, 10000 * (i + 1)}, {2, 2, 500}};
        struct statement statement = engine_statement(k->now_us + 500);
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
    struct engine_fixture *f = *state;
    struct keeper *k = f->keeper;
    struct stated rows[] = {{1, 2, 0}, {2, 1, 2500}, {300, 9, -7000}};
    uint32_t excluded[] = {5, 900};
    struct statement statement = engine_statement(k->now_us);
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
    keeper_expect_ok(store_statement_rows(k->store, id, &f->arena, &got, &count, &got_excluded,
                                          &excluded_count, &changes, &change_count, &error),
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

static void test_acknowledgement_after(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct event event = engine_shipment(k, "s1", "SO-1");
    keeper_post(k, &event);
    struct stated row = {1, 1, 10000};
    struct statement statement = engine_statement(k->now_us + 1000);
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
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct stated row = {1, 1, 10000};
    struct statement statement = engine_statement(k->now_us + 1000);
    keeper_acknowledge(k, 1, "SO-1", k->now_us);
    keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    keeper_reopen(k);
    struct event event = engine_shipment(k, "s1", "SO-1");
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_COVERED);
    event = engine_shipment(k, "s2", "SO-2");
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_APPLIED);
    keeper_check(k, 1, 1);
    keeper_verify(k);
}

static void test_acknowledgement_within_a_transaction(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct stated row = {1, 1, 10000};
    struct statement statement = engine_statement(k->now_us + 1000);
    keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    struct event event[3] = {engine_shipment(k, "s1", "SO-1"), keeper_event(k),
                             engine_shipment(k, "s2", "SO-1")};
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
    struct engine_fixture *f = *state;
    struct keeper *k = f->keeper;
    struct event a = engine_shipment(k, "s1", "SO-1"), b = engine_shipment(k, "s2", "SO-1");
    struct stated row = {1, 1, 10000};
    struct statement statement = engine_statement(k->now_us + 1000);
    keeper_post(k, &a);
    keeper_post(k, &b);
    keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    keeper_acknowledge(k, 1, "SO-1", k->now_us);
    struct ledger_entry *entries;
    size_t count;
    struct error error = {0};
    keeper_expect_ok(store_history(k->store, 1, 1, 0, 10, &f->arena, &entries, &count, &error),
                     &error);
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
    struct engine_fixture *f = *state;
    struct keeper *k = f->keeper;
    struct error error = {0};
    struct event event = engine_sale(k, "a");
    event.reason = TEXT("POS_SALE");
    keeper_post(k, &event);
    struct stated rows[] = {{1, 1, 10000}, {2, 2, 4000}, {3, 3, 0}};
    struct statement statement = engine_statement(k->now_us);
    uint32_t id = keeper_state(k, &statement, rows, 3, NULL, 0, NULL);
    keeper_roll_back(k, id);
    keeper_reopen(k);
    struct ledger_entry *entries;
    size_t count;
    keeper_expect_ok(store_history(k->store, 1, 1, 0, 10, &f->arena, &entries, &count, &error),
                     &error);
    assert_int_equal(count, 3);
    assert_int_equal(entries[0].kind, LEDGER_ROLLBACK);
    assert_int_equal(entries[0].on_hand_milli, -1000);
    assert_int_equal(entries[1].kind, LEDGER_RESET);
    assert_int_equal(entries[1].on_hand_change_milli, 11000);
    assert_int_equal(entries[1].statement, id);
    assert_int_equal(entries[2].kind, LEDGER_EVENT);
    assert_true(text_equal_string(entries[2].event.reason, "POS_SALE"));
    uint64_t middle = entries[1].seq;
    keeper_expect_ok(store_history(k->store, 1, 1, middle, 10, &f->arena, &entries, &count, &error),
                     &error);
    assert_int_equal(count, 1);
    keeper_expect_ok(store_history(k->store, 1, 1, 0, 2, &f->arena, &entries, &count, &error),
                     &error);
    assert_int_equal(count, 2);
    struct change *changes;
    keeper_expect_ok(store_changes(k->store, 0, 10, &f->arena, &changes, &count, &error), &error);
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
        keeper_expect_ok(store_changes(k->store, after, 1, &f->arena, &one, &ones, &error), &error);
        assert_int_equal(ones, 1);
        assert_int_equal(one->seq, changes[i].seq);
        after = one->seq;
    }
    struct ledger_entry entry;
    assert_int_equal(store_read_row(k->store, middle, &f->arena, &entry, &error), STATUS_NOT_FOUND);
}

static void test_cell_history_rebuilds_the_past(void **state) {
    struct engine_fixture *f = *state;
    struct keeper *k = f->keeper;
    struct event event = keeper_event(k);
    int64_t start_us = k->now_us;
    for (int i = 0; i < 6; i++) {
        k->now_us += 1000;
        event.occurred_at_us = event.received_at_us = k->now_us;
        keeper_post(k, &event);
        struct stated row = {1, 1, 50000};
        struct statement statement = engine_statement(k->now_us - 1500);
        if (i % 2 == 1)
            keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    }
    struct cell_history history;
    struct error error = {0};
    keeper_expect_ok(store_cell_history(k->store, 1, 1, &f->arena, &history, &error), &error);
    uint32_t scratch[64];
    for (int64_t at_us = start_us; at_us < start_us + 7000; at_us += 500) {
        for (int64_t known_us = start_us; known_us < start_us + 7000; known_us += 500) {
            struct cell_figures figures;
            struct naive_figures naive = naive_cell(k->model, 1, 1, at_us, known_us);
            keeper_expect_ok(books_figures(&history, at_us, known_us, scratch, &figures), &error);
            assert_int_equal(figures.on_hand_milli, naive.on_hand_milli);
        }
    }
}

static void test_cells_are_listed(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
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
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct error error = {0};
    struct identifier identifiers[] = {{TEXT("sku"), TEXT("A")}, {TEXT("upc"), TEXT("1")}};
    struct identifier third = {TEXT("alu"), TEXT("X")};
    uint32_t number;
    keeper_begin(k);
    keeper_expect_ok(store_add_name(k->store, NAME_REGISTER, TEXT("R1"), &number, &error), &error);
    assert_int_equal(number, 1);
    keeper_expect_ok(store_add_product(k->store, identifiers, 2, &number, &error), &error);
    assert_int_equal(number, 1);
    keeper_expect_ok(store_add_identifier(k->store, 1, &third, &error), &error);
    keeper_expect_ok(store_add_location(k->store, TEXT("NY01"), &number, &error), &error);
    assert_int_equal(number, 1);
    keeper_commit(k);
    keeper_reopen(k);
    struct catalog catalog = {0};
    struct catalog_visitor visitor = {see_name, see_product, see_identifier, see_location,
                                      &catalog};
    keeper_expect_ok(store_scan_catalog(k->store, &visitor, &error), &error);
    assert_int_equal(catalog.names, 1);
    assert_int_equal(catalog.products, 1);
    assert_int_equal(catalog.identifiers, 3);
    assert_int_equal(catalog.locations, 1);
    keeper_begin(k);
    keeper_expect_ok(store_add_product(k->store, identifiers, 1, &number, &error), &error);
    assert_int_equal(number, 2);
    store_abort(k->store);
}

static bool append_key(void *context, struct text key, struct text value) {
    (void)value;
    buffer_append_text(context, key);
    return ((struct buffer *)context)->length < 3;
}

static void test_items(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct error error = {0};
    struct buffer text = {0};
    static const char *const keys[] = {"b", "a", "d", "c"};
    keeper_begin(k);
    for (int i = 0; i < 4; i++)
        keeper_expect_ok(store_item_put(k->store, TEXT("t"), text_from(keys[i]), TEXT("1"), &error),
                         &error);
    keeper_expect_ok(store_item_put(k->store, TEXT("u"), TEXT("a"), TEXT("other"), &error), &error);
    keeper_expect_ok(store_item_put(k->store, TEXT("t"), TEXT("a"), TEXT("2"), &error), &error);
    keeper_expect_ok(store_item_delete(k->store, TEXT("t"), TEXT("d"), &error), &error);
    keeper_commit(k);
    keeper_reopen(k);
    keeper_expect_ok(store_item_get(k->store, TEXT("t"), TEXT("a"), &text, &error), &error);
    assert_true(text_equal_string(buffer_text(&text), "2"));
    assert_int_equal(store_item_get(k->store, TEXT("t"), TEXT("d"), &text, NULL), STATUS_NOT_FOUND);
    buffer_clear(&text);
    keeper_expect_ok(
        store_item_scan(k->store, TEXT("t"), (struct text){0}, false, append_key, &text, &error),
        &error);
    assert_true(text_equal_string(buffer_text(&text), "abc"));
    buffer_clear(&text);
    keeper_expect_ok(
        store_item_scan(k->store, TEXT("t"), TEXT("c"), true, append_key, &text, &error), &error);
    assert_true(text_equal_string(buffer_text(&text), "ba"));
    buffer_clear(&text);
    keeper_expect_ok(
        store_item_scan(k->store, TEXT("t"), (struct text){0}, true, append_key, &text, &error),
        &error);
    assert_true(text_equal_string(buffer_text(&text), "cba"));
    buffer_deinit(&text);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, engine_set_up, engine_tear_down)

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
};

int main(void) {
    int failures = cmocka_run_group_tests_name("store conformance: memory", tests, NULL, NULL);
    engine_on_disk = true;
    failures += cmocka_run_group_tests_name("store conformance: sqlite", tests, NULL, NULL);
    engine_server = postgres_start(NULL);
    if (engine_server != NULL)
        failures += cmocka_run_group_tests_name("store conformance: postgresql", tests, NULL, NULL);
    postgres_free(engine_server);
    return failures != 0;
}
