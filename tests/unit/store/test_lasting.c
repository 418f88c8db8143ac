/* What must last, for every engine: the same cells and the same behaviour after opening again with
 * any checkpoint or none, after memory let go of what grew old, through random lives, and for
 * readers beside the writer. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/engines.h"
#include "lib/scratch.h"
#include "store/checkpoint_internal.h"

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

static void open_journal(struct engine_fixture *f, struct spoiling *s) {
    struct error error = {0};
    bool shared = engine_server != NULL;
    *s = (struct spoiling){.ops = shared           ? &journal_postgres
                                  : engine_on_disk ? &journal_sqlite
                                                   : &journal_memory};
    store_close(f->keeper->store);
    f->keeper->store = NULL;
    keeper_expect_ok(s->ops->open(shared ? f->keeper->uri : f->directory, &f->keeper->options,
                                  &s->journal, &error),
                     &error);
}

static void close_journal(struct engine_fixture *f, struct spoiling *s) {
    struct error error = {0};
    keeper_expect_ok(s->ops->checkpoint_sync(s->journal, &error), &error);
    s->ops->close(s->journal);
    buffer_deinit(&s->blob);
    keeper_expect_ok(store_open(f->keeper->uri, &f->keeper->options, &f->keeper->store, &error),
                     &error);
}

static bool find_blob(struct spoiling *s, uint32_t kind) {
    struct error error = {0};
    s->found = false;
    keeper_expect_ok(s->ops->checkpoint_scan(s->journal, kind, take_blob, s, &error), &error);
    return s->found;
}

static void put_blob(struct spoiling *s) {
    struct error error = {0};
    keeper_expect_ok(s->ops->checkpoint_put(s->journal, s->kind, s->key, s->through,
                                            buffer_text(&s->blob), &error),
                     &error);
}

enum { KINDS = 6, KIND_CELLS = 1 };

static void forget_checkpoint(struct engine_fixture *f) {
    struct spoiling s;
    struct error error = {0};
    open_journal(f, &s);
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        while (find_blob(&s, kind))
            keeper_expect_ok(s.ops->checkpoint_delete(s.journal, s.kind, s.key, &error), &error);
    }
    close_journal(f, &s);
}

/* Events, orders, pending movements, acknowledgements and statements at three locations. */
static void fill(struct keeper *k) {
    for (unsigned i = 0; i < 300; i++) {
        char id[16], order[16];
        snprintf(id, sizeof id, "e%u", i);
        snprintf(order, sizeof order, "o%u", i % 7);
        struct event event = i % 5 == 0 ? engine_shipment(k, id, order) : engine_sale(k, id);
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
        struct statement statement = engine_statement(k->now_us);
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
    struct event again = engine_sale(k, "e1");
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
    struct engine_fixture *f = *state;
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
    struct engine_fixture *f = *state;
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
    struct engine_fixture *f = *state;
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
        keeper_expect_ok(s.ops->checkpoint_put(s.journal, kind, old[kind].key, old[kind].through,
                                               buffer_text(&old[kind].blob), &error),
                         &error);
        buffer_deinit(&old[kind].blob);
    }
    close_journal(f, &s);
    check_all(f->keeper);
    keeper_verify(f->keeper);
}

static void test_damaged_checkpoints_are_ignored(void **state) {
    struct engine_fixture *f = *state;
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
    struct engine_fixture *f = *state;
    struct arena arena = {0};
    struct packed_reader reader;
    struct error error = {0};
    struct spoiling s;
    struct event event = keeper_event(f->keeper);
    keeper_post(f->keeper, &event);
    open_journal(f, &s);
    assert_true(find_blob(&s, KIND_CELLS));
    keeper_expect_ok(packed_frame_read('L', buffer_text(&s.blob), &arena, &reader, &error), &error);
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
    keeper_expect_ok(store_verify(f->keeper->store, &arena, &report, &error), &error);
    assert_int_equal(report.differences, 1);
    assert_int_equal(report.rows, 1);
    assert_non_null(memmem(report.first.data, report.first.length, "on_hand", 7));
    arena_deinit(&arena);
}

static uint64_t checkpoint_seq_after(struct keeper *k, useconds_t wait_us) {
    struct store_stats stats;
    usleep(wait_us);
    store_stats(k->store, &stats);
    return stats.checkpoint_seq;
}

/* The thread saves by itself, but not in the middle of a reset: what that changes would have to be
 * saved again. */
static void test_checkpoints_let_a_reset_pass(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    k->options.checkpoint_interval_us = 10000;
    keeper_reopen(k);
    struct event sale = engine_sale(k, "first");
    keeper_post(k, &sale);
    uint64_t saved = checkpoint_seq_after(k, 400000);
    assert_true(saved > 0);
    struct stated row = {1, 1, 10000};
    struct statement statement = engine_statement(k->now_us);
    keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    assert_int_equal(checkpoint_seq_after(k, 400000), saved);
    for (int i = 0; i < 50 && checkpoint_seq_after(k, 100000) == saved; i++)
        continue;
    assert_true(checkpoint_seq_after(k, 0) > saved);
    k->options.checkpoint_interval_us = 0;
}

/* ---- the window ---- */

static void test_eviction_keeps_the_truth(void **state) {
    struct engine_fixture *f = *state;
    struct keeper *k = f->keeper;
    keeper_set_window(k, 2 * US_PER_DAY);
    keeper_reopen(k);
    struct event old = engine_sale(k, "old"), uncovered = engine_sale(k, "uncovered");
    uncovered.product = 2;
    keeper_post(k, &old);
    keeper_post(k, &uncovered);
    struct event ship = engine_shipment(k, "ship", "SO-1");
    keeper_post(k, &ship);
    keeper_acknowledge(k, 1, "SO-1", k->now_us);
    struct stated row = {1, 1, 10000};
    struct statement statement = engine_statement(k->now_us + 1000);
    uint32_t id = keeper_state(k, &statement, &row, 1, NULL, 0, NULL);
    struct store_stats stats;
    store_stats(k->store, &stats);
    assert_int_equal(stats.keys_in_memory, 3);
    assert_int_equal(stats.pending_movements, 1);
    k->now_us += 30 * US_PER_DAY;
    struct event young = engine_sale(k, "young");
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
    struct statement earlier = engine_statement(old.occurred_at_us - 1);
    earlier.source = 3;
    struct stated row2 = {2, 1, 700};
    keeper_state(k, &earlier, &row2, 1, NULL, 0, NULL);
    keeper_check(k, 1, 2);
    keeper_roll_back(k, id);
    keeper_check(k, 1, 1);
    keeper_acknowledge(k, 3, "SO-1", 5);
    struct statement other = engine_statement(k->now_us);
    other.source = 4; /* it never acknowledged anything */
    keeper_state(k, &other, &row, 1, NULL, 0, NULL);
    keeper_check(k, 1, 1);
    keeper_acknowledge(k, 4, "SO-1", 6);
    keeper_check(k, 1, 1);
    keeper_verify(k);
}

enum { OLD_EVENTS = 4096 };

/* Weeks replayed for one location after its reset: their rows all lead through one correction,
 * which is unpacked once and not once for each of them. */
static void test_old_events_share_corrections(void **state) {
    struct engine_fixture *f = *state;
    struct keeper *k = f->keeper;
    static struct stated rows[OLD_EVENTS];
    static struct event events[2 * OLD_EVENTS];
    static struct kept kept[2 * OLD_EVENTS];
    static char ids[OLD_EVENTS][8];
    keeper_set_window(k, 2 * US_PER_DAY);
    keeper_reopen(k);
    for (unsigned i = 0; i < OLD_EVENTS; i++) {
        rows[i] = (struct stated){i + 1, i + 1, 5000};
        snprintf(ids[i], sizeof ids[i], "o%u", i);
        events[i] = keeper_event(k);
        events[i].product = i + 1;
        events[i].id = text_from(ids[i]);
    }
    struct event heard = events[9];
    keeper_post(k, &heard);
    struct statement statement = engine_statement(k->now_us + 1000);
    keeper_state(k, &statement, rows, OLD_EVENTS, NULL, 0, NULL);
    k->now_us += 30 * US_PER_DAY;
    struct event young = engine_sale(k, "young");
    young.product = OLD_EVENTS + 1;
    for (int i = 0; i < 8; i++)
        keeper_post(k, &young); /* each commit sweeps a little */
    struct store_stats stats;
    store_stats(k->store, &stats);
    assert_int_equal(stats.keys_in_memory, 1);
    for (unsigned i = 0; i < OLD_EVENTS; i++) {
        events[i].received_at_us = k->now_us;
        events[OLD_EVENTS + i] = events[i];
    }
    keeper_begin(k);
    keeper_write(k, events, OLD_EVENTS, kept);
    keeper_write(k, events + OLD_EVENTS, OLD_EVENTS, kept + OLD_EVENTS);
    keeper_commit(k);
    for (unsigned i = 0; i < OLD_EVENTS; i++) {
        enum outcome_status first = i == 9 ? OUTCOME_DUPLICATE : OUTCOME_COVERED;
        assert_int_equal(kept[i].outcome.status, first);
        assert_int_equal(kept[OLD_EVENTS + i].outcome.status, OUTCOME_DUPLICATE);
    }
    assert_int_equal(((struct embedded *)(void *)k->store)->corrections_unpacked, 1);
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
    if (below(10) != 0)
        event.id = text_from(storm->ids[n]);
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
    struct statement statement = engine_statement(random_time(k));
    statement.location = 1 + below(2);
    statement.source = 1 + below(3);
    statement.names_absent = below(3) == 0;
    statement.through = &through;
    statement.through_count = below(2);
    for (unsigned i = 0; i < 4; i++) {
        unsigned what = below(4);
        if (what < 2)
            rows[row_count++] = (struct stated){products[i], 1 + i, 1000 * (int64_t)below(50)};
        else if (what == 2 && statement.names_absent)
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

static void random_step(struct engine_fixture *f, struct storm *storm) {
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
        keeper_expect_ok(store_checkpoint(k->store, &error), &error);
        break;
    case 5:
        if (below(3) == 0 && engine_server == NULL)
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
    const char *scale = getenv("ONHAND_TEST_SCALE"); /* percent */
    unsigned lives = (engine_on_disk ? 12 : 150) *
                     (scale != NULL ? (unsigned)strtoul(scale, NULL, 10) : 100) / 100;
    size_t usual = checkpoint_segment_rows;
    checkpoint_segment_rows = 8; /* many segments, so that some grow too old */
    for (unsigned life = 0; life < lives; life++) {
        struct storm storm = {0};
        struct engine_fixture *f = *state;
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
        engine_tear_down(state);
        engine_set_up(state);
    }
    checkpoint_segment_rows = usual;
}

/* ---- two hubs on one database ---- */

struct second_hub {
    struct store *store;
    char *directory;
};

static void swap_hubs(struct keeper *k, struct second_hub *other) {
    struct second_hub here = {k->store, (char *)(uintptr_t)k->options.directory};
    k->store = other->store;
    k->options.directory = other->directory;
    *other = here;
}

static void open_second_hub(struct engine_fixture *f, struct second_hub *other) {
    struct store_options options = f->keeper->options;
    struct error error = {0};
    options.directory = other->directory = scratch_new();
    keeper_expect_ok(store_open(f->keeper->uri, &options, &other->store, &error), &error);
}

/* Whoever comes next sees what the other wrote, whether it writes itself or only looks; a hub that
 * starts again from what it saved has missed nothing. */
static void test_two_hubs_at_random(void **state) {
    const char *scale = getenv("ONHAND_TEST_SCALE"); /* percent */
    unsigned lives = 6 * (scale != NULL ? (unsigned)strtoul(scale, NULL, 10) : 100) / 100;
    unsigned usual = journal_chapter_batches;
    size_t usual_rows = checkpoint_segment_rows;
    journal_chapter_batches = 3; /* so that a life goes through chapters */
    checkpoint_segment_rows = 8;
    for (unsigned life = 0; life <= lives; life++) {
        struct storm storm = {0};
        struct engine_fixture *f = *state;
        struct keeper *k = f->keeper;
        struct second_hub other;
        struct error error = {0};
        dice = 7700 + life;
        keeper_set_window(k, (int64_t)(1 + below(8)) * US_PER_DAY);
        keeper_reopen(k);
        open_second_hub(f, &other);
        for (unsigned step = 0; step < 60 && storm.event_count < 380; step++) {
            random_step(f, &storm);
            keeper_expect_ok(store_follow(k->store, &error), &error); /* it may not have written */
            check_storm(k);
            if (below(8) == 0) {
                keeper_reopen(k);
                check_storm(k);
            }
            if (below(2) == 0)
                continue;
            swap_hubs(k, &other);
            if (below(2) == 0) {
                keeper_expect_ok(store_follow(k->store, &error), &error);
                assert_int_equal(store_last_seq(k->store), store_last_seq(other.store));
                check_storm(k);
            }
        }
        keeper_expect_ok(store_follow(other.store, &error), &error);
        keeper_verify(k);
        swap_hubs(k, &other);
        check_storm(k);
        keeper_verify(k);
        if (other.directory == f->directory)
            swap_hubs(k, &other);
        store_close(other.store);
        scratch_free(other.directory);
        k->options.directory = f->directory;
        engine_tear_down(state);
        engine_set_up(state);
    }
    journal_chapter_batches = usual;
    checkpoint_segment_rows = usual_rows;
}

/* ---- no room ---- */

static bool disk_is_full;

static enum status full_commit(struct journal *journal, struct error *error) {
    if (!disk_is_full)
        return journal_memory.commit(journal, error);
    journal_memory.abort(journal);
    return error_set(error, STATUS_NO_SPACE, "no room");
}

static void test_a_full_disk_changes_nothing(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct journal_ops ops = journal_memory;
    struct error error = {0};
    struct store *usual = k->store;
    struct event event = engine_sale(k, "a");
    struct event_slot slot = {.event = &event};
    ops.commit = full_commit;
    keeper_expect_ok(embedded_open(&ops, "", &k->options, &k->store, &error), &error);
    keeper_begin(k);
    keeper_expect_ok(store_load_events(k->store, &slot, 1, &error), &error);
    event_decide(slot.event, &slot.ground, &slot.outcome);
    keeper_expect_ok(store_write_events(k->store, &slot, 1, &error), &error);
    disk_is_full = true;
    assert_int_equal(store_commit(k->store, &error), STATUS_NO_SPACE);
    store_abort(k->store); /* allowed, and nothing to do */
    disk_is_full = false;
    struct cell cell = store_cell(k->store, 1, 1);
    assert_false(cell_exists(&cell));
    assert_int_equal(store_last_seq(k->store), 0);
    struct kept kept = keeper_post(k, &event);
    assert_int_equal(kept.outcome.status, OUTCOME_APPLIED);
    assert_int_equal(kept.seq, 1);
    keeper_verify(k);
    store_close(k->store);
    k->store = usual;
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
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct watch watch = {.store = k->store};
    pthread_t threads[2];
    struct stated rows[600];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, watch_location, &watch), 0);
    for (int round = 0; round < (engine_on_disk ? 10 : 40); round++) {
        for (uint32_t i = 0; i < 600; i++)
            rows[i] = (struct stated){1 + i, 1 + i, 1000 * round};
        k->now_us += 1000;
        struct statement statement = engine_statement(k->now_us);
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, engine_set_up, engine_tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_reopening_from_checkpoint),
    TEST(test_reopening_from_the_ledger),
    TEST(test_reopening_with_a_tail),
    TEST(test_damaged_checkpoints_are_ignored),
    TEST(test_verify_finds_a_planted_difference),
    TEST(test_checkpoints_let_a_reset_pass),
    TEST(test_eviction_keeps_the_truth),
    TEST(test_old_events_share_corrections),
    TEST(test_random_lives),
    TEST(test_a_full_disk_changes_nothing),
    TEST(test_readers_beside_the_writer),
};

static const struct CMUnitTest shared_tests[] = {
    TEST(test_reopening_from_checkpoint),
    TEST(test_reopening_with_a_tail),
    TEST(test_damaged_checkpoints_are_ignored),
    TEST(test_reopening_from_the_ledger),
    TEST(test_eviction_keeps_the_truth),
    TEST(test_old_events_share_corrections),
    TEST(test_two_hubs_at_random),
    TEST(test_readers_beside_the_writer),
};

int main(void) {
    int failures = cmocka_run_group_tests_name("store lasting: memory", tests, NULL, NULL);
    engine_on_disk = true;
    failures += cmocka_run_group_tests_name("store lasting: sqlite", tests, NULL, NULL);
    engine_server = postgres_start(NULL);
    if (engine_server != NULL)
        failures +=
            cmocka_run_group_tests_name("store lasting: postgresql", shared_tests, NULL, NULL);
    postgres_free(engine_server);
    return failures != 0;
}
