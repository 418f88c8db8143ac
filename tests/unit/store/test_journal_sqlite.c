/* The SQLite journal through its own interface: what goes in comes out, to the last bit, also after
 * closing and opening; files of other versions and other programs; the lock; many threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/scratch.h"
#include "store/journal_sqlite_internal.h"

struct fixture {
    char *directory;
    struct journal *journal;
    struct arena arena;
};

static const struct journal_ops *const ops = &journal_sqlite;

static struct journal *open_journal(const char *directory) {
    struct store_options options = {.clock = clock_system};
    struct journal *journal = NULL;
    struct error error = {0};
    if (ops->open(directory, &options, &journal, &error) != STATUS_OK) {
        fail_msg("%s", error.detail);
    }
    return journal;
}

static enum status try_open(const char *directory, bool read_only, struct journal **journal_out,
                            struct error *error) {
    struct store_options options = {.clock = clock_system, .read_only = read_only};
    return ops->open(directory, &options, journal_out, error);
}

static int set_up(void **state) {
    struct fixture *fixture = memory_alloc_zero(1, sizeof *fixture);
    fixture->directory = scratch_new();
    fixture->journal = open_journal(fixture->directory);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    ops->close(fixture->journal);
    arena_deinit(&fixture->arena);
    scratch_free(fixture->directory);
    free(fixture);
    return 0;
}

static void reopen(struct fixture *fixture) {
    ops->close(fixture->journal);
    fixture->journal = open_journal(fixture->directory);
}

static void ok(enum status status) {
    assert_string_equal(status_code(status), "ok");
}

static void run_sql(const char *directory, const char *file, const char *sql) {
    char *path = scratch_path(directory, file);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    sqlite3_close(db);
    free(path);
}

/* The first column of the first row, to be freed. */
static char *ask_sql(const char *directory, const char *file, const char *sql) {
    char *path = scratch_path(directory, file);
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const char *answer = (const char *)sqlite3_column_text(statement, 0);
    char *copy = strdup(answer != NULL ? answer : "");
    sqlite3_finalize(statement);
    sqlite3_close(db);
    free(path);
    return copy;
}

static void expect_sql(const char *directory, const char *sql, const char *expected) {
    char *answer = ask_sql(directory, "onhand.db", sql);
    assert_string_equal(answer, expected);
    free(answer);
}

/* ---- rows ---- */

static struct journal_row plain_row(uint64_t seq) {
    return (struct journal_row){
        .seq = seq,
        .type = EVENT_SALE,
        .on_hand_change_milli = -1000,
        .on_hand_milli = (int64_t)seq * 1000,
        .event = {.location = 1,
                  .product = 7,
                  .source = 1,
                  .type = EVENT_SALE,
                  .delta_milli = -1000,
                  .occurred_at_us = 1000,
                  .received_at_us = 2000,
                  .id = TEXT("10045-1")},
    };
}

static struct journal_row extreme_row(uint64_t seq) {
    return (struct journal_row){
        .seq = seq,
        .previous = UINT64_MAX,
        .type = EVENT_SHIPMENT,
        .status = OUTCOME_ACKNOWLEDGED,
        .on_hand_change_milli = INT64_MIN,
        .reserved_change_milli = INT64_MAX,
        .on_hand_milli = INT64_MAX,
        .reserved_milli = INT64_MIN,
        .request = UINT64_MAX,
        .event = {.location = UINT32_MAX,
                  .product = UINT32_MAX,
                  .source = UINT32_MAX,
                  .register_id = UINT32_MAX,
                  .register_sequence = INT64_MIN,
                  .delta_milli = INT64_MIN,
                  .occurred_at_us = INT64_MAX,
                  .received_at_us = INT64_MIN,
                  .type = EVENT_SHIPMENT,
                  .standing = STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS,
                  .occurred_at_given = true,
                  .id = {"nul\0inside", 10},
                  .document = TEXT("\xff not utf-8"),
                  .order = TEXT("'quoted\" \n"),
                  .reason = TEXT("\xc3\xa9"),
                  .acknowledges = TEXT("SO-77")},
    };
}

static void expect_row(const struct journal_row *row, const struct journal_row *expected) {
    const struct event *a = &row->event, *b = &expected->event;
    assert_true(row->seq == expected->seq && row->previous == expected->previous);
    assert_true(row->type == expected->type && row->status == expected->status);
    assert_true(row->on_hand_change_milli == expected->on_hand_change_milli);
    assert_true(row->reserved_change_milli == expected->reserved_change_milli);
    assert_true(row->on_hand_milli == expected->on_hand_milli);
    assert_true(row->reserved_milli == expected->reserved_milli);
    assert_true(row->request == expected->request);
    assert_true(a->location == b->location && a->product == b->product && a->source == b->source);
    assert_true(a->register_id == b->register_id && a->register_sequence == b->register_sequence);
    assert_true(a->delta_milli == b->delta_milli && a->occurred_at_us == b->occurred_at_us);
    assert_true(a->received_at_us == b->received_at_us && a->type == b->type);
    assert_true(a->standing == b->standing && a->occurred_at_given == b->occurred_at_given);
    assert_true(text_equal(a->id, b->id) && text_equal(a->document, b->document));
    assert_true(text_equal(a->order, b->order) && text_equal(a->reason, b->reason));
    assert_true(text_equal(a->acknowledges, b->acknowledges));
}

static void append_rows(struct journal *journal, uint64_t first, uint64_t count) {
    ok(ops->begin(journal, NULL));
    for (uint64_t i = 0; i < count; i++) {
        struct journal_row row = plain_row(first + i);
        ok(ops->append_row(journal, &row, NULL));
    }
    ok(ops->commit(journal, NULL));
}

struct row_scan {
    struct journal_row expected[64];
    size_t count, at;
    size_t stop_after; /* 0: never */
};

static bool expect_next_row(void *context, const struct journal_row *row) {
    struct row_scan *scan = context;
    assert_true(scan->at < scan->count);
    expect_row(row, &scan->expected[scan->at++]);
    return scan->at != scan->stop_after;
}

/* Groups of every small count, the extremes first and last in them. */
static void test_rows_round_trip(void **state) {
    struct fixture *fixture = *state;
    struct row_scan scan = {.count = 0};
    uint64_t seq = 0;
    for (size_t batch = 1; batch <= 10; batch++) {
        ok(ops->begin(fixture->journal, NULL));
        for (size_t i = 0; i < batch; i++) {
            struct journal_row row = i % 7 == 0 ? extreme_row(++seq) : plain_row(++seq);
            ok(ops->append_row(fixture->journal, &row, NULL));
            scan.expected[scan.count++] = row;
            struct journal_row read;
            ok(ops->read_row(fixture->journal, true, seq, &fixture->arena, &read, NULL));
            expect_row(&read, &row);
        }
        ok(ops->commit(fixture->journal, NULL));
    }
    for (int pass = 0; pass < 2; pass++) {
        scan.at = 0;
        ok(ops->scan_rows(fixture->journal, 0, expect_next_row, &scan, NULL));
        assert_int_equal(scan.at, scan.count);
        reopen(fixture);
    }
    struct journal_row read;
    ok(ops->read_row(fixture->journal, false, 22, &fixture->arena, &read, NULL));
    expect_row(&read, &scan.expected[21]);
    struct error error;
    assert_int_equal(ops->read_row(fixture->journal, false, 56, &fixture->arena, &read, &error),
                     STATUS_NOT_FOUND);
}

/* The texts of a row are the caller's and may change as soon as it has been appended. */
static void test_rows_without_reading_between(void **state) {
    struct fixture *fixture = *state;
    struct row_scan scan = {.count = 61};
    char ids[61][24];
    ok(ops->begin(fixture->journal, NULL));
    for (size_t i = 0; i < scan.count; i++) {
        uint64_t seq = i < 30 ? i + 1 : 3 * i + 1; /* neighbours, then gaps */
        scan.expected[i] = i % 5 == 0 ? extreme_row(seq) : plain_row(seq);
        struct journal_row row = scan.expected[i];
        char passing[24];
        snprintf(ids[i], sizeof ids[i], "id-%zu", i);
        memcpy(passing, ids[i], sizeof passing);
        row.event.id = text_from(passing);
        scan.expected[i].event.id = text_from(ids[i]);
        ok(ops->append_row(fixture->journal, &row, NULL));
        memset(passing, 'x', sizeof passing);
    }
    ok(ops->commit(fixture->journal, NULL));
    ok(ops->scan_rows(fixture->journal, 0, expect_next_row, &scan, NULL));
    assert_int_equal(scan.at, 61);
    scan.at = 31; /* after a number that is not there, and until told to stop */
    scan.stop_after = 33;
    ok(ops->scan_rows(fixture->journal, 92, expect_next_row, &scan, NULL));
    assert_int_equal(scan.at, 33);
}

static void test_acknowledgement_rows(void **state) {
    struct fixture *fixture = *state;
    struct journal_row rows[2] = {
        {.seq = 1,
         .type = ROW_ACKNOWLEDGEMENT,
         .event =
             {.source = 3, .document = TEXT("SO-77"), .occurred_at_us = 5, .received_at_us = 6}},
        {.seq = 2,
         .previous = 1,
         .type = ROW_ACKNOWLEDGEMENT_EFFECT,
         .on_hand_change_milli = 1000,
         .event = {.location = 2, .product = 9, .source = 3, .document = TEXT("SO-77")}},
    };
    ok(ops->begin(fixture->journal, NULL));
    ok(ops->append_row(fixture->journal, &rows[0], NULL));
    ok(ops->append_row(fixture->journal, &rows[1], NULL));
    ok(ops->commit(fixture->journal, NULL));
    struct row_scan scan = {.expected = {rows[0], rows[1]}, .count = 2};
    ok(ops->scan_rows(fixture->journal, 0, expect_next_row, &scan, NULL));
    assert_int_equal(scan.at, 2);
    expect_sql(fixture->directory, "SELECT location IS NULL AND id IS NULL FROM ledger", "1");
}

/* ---- statements and corrections ---- */

struct statement_scan {
    struct journal_statement expected[4];
    size_t count, at;
};

static bool expect_next_statement(void *context, const struct journal_statement *statement) {
    struct statement_scan *scan = context;
    assert_true(scan->at < scan->count);
    const struct journal_statement *expected = &scan->expected[scan->at++];
    const struct statement *a = &statement->head, *b = &expected->head;
    assert_true(a->id == b->id && a->location == b->location && a->source == b->source);
    assert_true(a->as_of_us == b->as_of_us && a->names_absent == b->names_absent);
    assert_int_equal(a->through_count, b->through_count);
    for (uint32_t i = 0; i < a->through_count; i++) {
        assert_int_equal(a->through[i].register_id, b->through[i].register_id);
        assert_true(a->through[i].through == b->through[i].through);
    }
    assert_true(text_equal(statement->reset, expected->reset));
    assert_true(statement->state == expected->state);
    assert_true(statement->row_count == expected->row_count);
    assert_true(statement->applied_seq == expected->applied_seq);
    assert_true(statement->applied_at_us == expected->applied_at_us);
    assert_true(statement->rolled_back_at_us == expected->rolled_back_at_us);
    return true;
}

static void test_statements_round_trip(void **state) {
    struct fixture *fixture = *state;
    const struct watermark marks[] = {{1, INT64_MIN}, {7, -1}, {UINT32_MAX, INT64_MAX}};
    struct statement_scan scan = {
        .expected = {{.head = {.id = 1, .location = 2, .source = 3, .as_of_us = INT64_MIN},
                      .applied_at_us = NEVER_US,
                      .rolled_back_at_us = NEVER_US},
                     {.head = {.id = 2,
                               .location = UINT32_MAX,
                               .source = UINT32_MAX,
                               .through_count = 3,
                               .through = marks,
                               .as_of_us = INT64_MAX,
                               .names_absent = true},
                      .reset = TEXT("r-1"),
                      .state = STATEMENT_APPLIED,
                      .row_count = UINT32_MAX,
                      .applied_seq = UINT64_MAX,
                      .applied_at_us = 0,
                      .rolled_back_at_us = -5}},
        .count = 2};
    char *large = memory_alloc(3000000);
    memset(large, 0xa5, 3000000);
    ok(ops->begin(fixture->journal, NULL));
    ok(ops->append_statement(fixture->journal, &scan.expected[0], (struct text){large, 3000000},
                             NULL));
    ok(ops->append_statement(fixture->journal, &scan.expected[1], (struct text){NULL, 0}, NULL));
    ok(ops->commit(fixture->journal, NULL));
    ok(ops->scan_statements(fixture->journal, 0, expect_next_statement, &scan, NULL));
    assert_int_equal(scan.at, 2);
    scan.expected[0].state = STATEMENT_ROLLED_BACK;
    scan.expected[0].applied_seq = 9;
    scan.expected[0].applied_at_us = 10;
    scan.expected[0].rolled_back_at_us = 11;
    ok(ops->begin(fixture->journal, NULL));
    ok(ops->update_statement(fixture->journal, &scan.expected[0], NULL));
    ok(ops->commit(fixture->journal, NULL));
    reopen(fixture);
    scan.at = 0;
    ok(ops->scan_statements(fixture->journal, 0, expect_next_statement, &scan, NULL));
    assert_int_equal(scan.at, 2);
    scan.at = 1;
    ok(ops->scan_statements(fixture->journal, 1, expect_next_statement, &scan, NULL));
    struct text packed;
    ok(ops->read_packed_rows(fixture->journal, 1, &fixture->arena, &packed, NULL));
    assert_true(text_equal(packed, (struct text){large, 3000000}));
    ok(ops->read_packed_rows(fixture->journal, 2, &fixture->arena, &packed, NULL));
    assert_int_equal(packed.length, 0);
    assert_int_equal(ops->read_packed_rows(fixture->journal, 3, &fixture->arena, &packed, NULL),
                     STATUS_NOT_FOUND);
    free(large);
}

static bool collect_correction(void *context, const struct journal_correction *correction) {
    struct buffer *seen = context;
    buffer_append_format(seen, "%llu+%u of %u at %u kind %d time %lld: %.*s; ",
                         (unsigned long long)correction->first_seq, correction->corrected_count,
                         correction->statement, correction->location, (int)correction->kind,
                         (long long)correction->at_us, TEXT_ARG(correction->packed));
    return true;
}

static void expect_corrections(struct fixture *fixture, uint32_t statement, uint64_t after,
                               const char *expected) {
    struct buffer seen = {0};
    buffer_append_string(&seen, "");
    buffer_reserve(&seen, 1);
    ok(statement != 0
           ? ops->statement_corrections(fixture->journal, statement, collect_correction, &seen,
                                        NULL)
           : ops->scan_corrections(fixture->journal, after, collect_correction, &seen, NULL));
    assert_int_equal(seen.length, strlen(expected));
    assert_memory_equal(seen.data, expected, seen.length);
    buffer_deinit(&seen);
}

#define FIRST_CORRECTION "10+5 of 1 at 2 kind 2 time 77: abc; "
#define SECOND_CORRECTION "20+0 of 4294967295 at 3 kind 2 time 78: ; "
#define THIRD_CORRECTION "21+1 of 1 at 2 kind 3 time 79: d; "

static void test_corrections(void **state) {
    struct fixture *fixture = *state;
    const struct journal_correction corrections[] = {
        {10, 5, 1, 2, LEDGER_RESET, 77, TEXT("abc")},
        {20, 0, UINT32_MAX, 3, LEDGER_RESET, 78, TEXT("")},
        {21, 1, 1, 2, LEDGER_ROLLBACK, 79, TEXT("d")},
    };
    struct journal_correction found;
    ok(ops->begin(fixture->journal, NULL));
    for (size_t i = 0; i < 3; i++) {
        ok(ops->append_correction(fixture->journal, &corrections[i], NULL));
    }
    expect_corrections(fixture, 1, 0, FIRST_CORRECTION THIRD_CORRECTION); /* its own, unseen yet */
    ok(ops->find_correction(fixture->journal, true, 12, &fixture->arena, &found, NULL));
    assert_int_equal(
        ops->find_correction(fixture->journal, false, 12, &fixture->arena, &found, NULL),
        STATUS_NOT_FOUND);
    ok(ops->commit(fixture->journal, NULL));
    expect_corrections(fixture, 0, 0, FIRST_CORRECTION SECOND_CORRECTION THIRD_CORRECTION);
    expect_corrections(fixture, 0, 10, SECOND_CORRECTION THIRD_CORRECTION);
    static const struct {
        uint64_t seq, first;
    } cases[] = {{9, 0},   {10, 10}, {15, 10}, {16, 0}, {19, 0},
                 {20, 20}, {21, 21}, {22, 21}, {23, 0}, {UINT64_MAX, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum status status = ops->find_correction(fixture->journal, false, cases[i].seq,
                                                  &fixture->arena, &found, NULL);
        assert_int_equal(status, cases[i].first == 0 ? STATUS_NOT_FOUND : STATUS_OK);
        assert_true(cases[i].first == 0 || found.first_seq == cases[i].first);
    }
    uint64_t last_seq;
    uint32_t last_statement;
    ok(ops->last_numbers(fixture->journal, &last_seq, &last_statement, NULL));
    assert_int_equal(last_seq, 22);
    assert_int_equal(last_statement, 0);
}

/* ---- catalog and items ---- */

static void see_name(void *context, enum name_kind kind, uint32_t number, struct text name) {
    buffer_append_format(context, "n%d.%u=%.*s ", (int)kind, number, TEXT_ARG(name));
}

static void see_product(void *context, uint32_t number) {
    buffer_append_format(context, "p%u ", number);
}

static void see_identifier(void *context, uint32_t product, const struct identifier *identifier) {
    buffer_append_format(context, "i%u.%.*s=%.*s ", product, TEXT_ARG(identifier->type),
                         TEXT_ARG(identifier->value));
}

static void see_location(void *context, uint32_t number, struct text code) {
    buffer_append_format(context, "l%u=%.*s ", number, TEXT_ARG(code));
}

static void test_catalog(void **state) {
    struct fixture *fixture = *state;
    struct journal *journal = fixture->journal;
    const struct identifier sku = {TEXT("sku"), TEXT("WH09-XL")};
    const struct identifier upc = {TEXT("upc"), TEXT("012345678905")};
    ok(ops->begin(journal, NULL));
    ok(ops->append_name(journal, NAME_SOURCE, 1, TEXT("prism"), NULL));
    ok(ops->append_name(journal, NAME_REGISTER, 1, TEXT("NY01-R1"), NULL));
    ok(ops->append_name(journal, NAME_SOURCE, 2, TEXT("shop"), NULL));
    ok(ops->append_location(journal, 1, TEXT("NY01"), NULL));
    ok(ops->append_product(journal, 1, NULL));
    ok(ops->append_identifier(journal, 1, &upc, NULL));
    ok(ops->append_product(journal, 7, NULL));
    ok(ops->append_identifier(journal, 7, &sku, NULL));
    ok(ops->append_identifier(journal, 7, &upc, NULL));
    struct journal_row row = plain_row(1);
    ok(ops->append_row(journal, &row, NULL));
    ok(ops->commit(journal, NULL));
    reopen(fixture);
    struct buffer seen = {0};
    const struct catalog_visitor visitor = {see_name, see_product, see_identifier, see_location,
                                            &seen};
    ok(ops->scan_catalog(fixture->journal, &visitor, NULL));
    assert_string_equal(seen.data, "n1.1=NY01-R1 n0.1=prism n0.2=shop l1=NY01 p1 p7 "
                                   "i1.upc=012345678905 i7.sku=WH09-XL i7.upc=012345678905 ");
    buffer_deinit(&seen);
    expect_sql(fixture->directory,
               "SELECT location || ' ' || product || ' ' || type || ' ' || source || ' ' || delta "
               "|| ' ' || occurred_at FROM ledger_readable",
               "NY01 WH09-XL sale prism -1.0 1970-01-01T00:00:00.001000Z");
}

static bool collect_item(void *context, struct text key, struct text value) {
    buffer_append_format(context, "%zu:%.*s=%.*s ", key.length, TEXT_ARG(key), TEXT_ARG(value));
    return true;
}

static void expect_items(struct journal *journal, struct text after, bool newest_first,
                         const char *expected) {
    struct buffer seen = {0};
    buffer_reserve(&seen, 1);
    ok(ops->item_scan(journal, TEXT("job"), after, newest_first, collect_item, &seen, NULL));
    assert_int_equal(seen.length, strlen(expected));
    assert_memory_equal(seen.data, expected, seen.length);
    buffer_deinit(&seen);
}

static void test_items(void **state) {
    struct fixture *fixture = *state;
    struct journal *journal = fixture->journal;
    ok(ops->begin(journal, NULL));
    ok(ops->item_put(journal, TEXT("job"), TEXT("b"), TEXT("old"), NULL));
    ok(ops->item_put(journal, TEXT("job"), TEXT("\xff"), TEXT("high"), NULL));
    ok(ops->item_put(journal, TEXT("job"), TEXT("10"), TEXT("ten"), NULL));
    ok(ops->item_put(journal, TEXT("job"), TEXT("9"), TEXT("nine"), NULL));
    ok(ops->item_put(journal, TEXT("job"), TEXT(""), TEXT(""), NULL));
    ok(ops->item_put(journal, TEXT("other"), TEXT("a"), TEXT("x"), NULL));
    ok(ops->item_put(journal, TEXT("job"), TEXT("b"), TEXT("new"), NULL));
    ok(ops->item_put(journal, TEXT("job"), TEXT("gone"), TEXT("y"), NULL));
    ok(ops->item_delete(journal, TEXT("job"), TEXT("gone"), NULL));
    ok(ops->item_delete(journal, TEXT("job"), TEXT("never was"), NULL));
    ok(ops->commit(journal, NULL));
    expect_items(journal, TEXT(""), false, "0:= 2:10=ten 1:9=nine 1:b=new 1:\xff=high ");
    expect_items(journal, TEXT(""), true, "1:\xff=high 1:b=new 1:9=nine 2:10=ten 0:= ");
    expect_items(journal, TEXT("9"), false, "1:b=new 1:\xff=high ");
    expect_items(journal, TEXT("9"), true, "2:10=ten 0:= ");
    struct buffer value = {0};
    ok(ops->item_get(journal, TEXT("job"), TEXT("b"), &value, NULL));
    assert_true(text_equal_string(buffer_text(&value), "new"));
    assert_int_equal(ops->item_get(journal, TEXT("job"), TEXT("gone"), &value, NULL),
                     STATUS_NOT_FOUND);
    buffer_deinit(&value);
}

/* ---- transactions ---- */

static void test_abort_leaves_nothing(void **state) {
    struct fixture *fixture = *state;
    struct journal *journal = fixture->journal;
    append_rows(journal, 1, 3);
    for (uint64_t count = 1; count <= 20; count++) {
        ok(ops->begin(journal, NULL));
        for (uint64_t i = 0; i < count; i++) {
            struct journal_row row = plain_row(4 + i);
            ok(ops->append_row(journal, &row, NULL));
        }
        ok(ops->item_put(journal, TEXT("job"), TEXT("b"), TEXT("x"), NULL));
        ops->abort(journal);
    }
    expect_items(journal, TEXT(""), false, "");
    uint64_t last_seq;
    uint32_t last_statement;
    ok(ops->last_numbers(journal, &last_seq, &last_statement, NULL));
    assert_int_equal(last_seq, 3);
    append_rows(journal, 4, 1);
    ok(ops->begin(journal, NULL)); /* closed in the middle of a transaction */
    struct journal_row row = plain_row(5);
    ok(ops->append_row(journal, &row, NULL));
    reopen(fixture);
    ok(ops->last_numbers(fixture->journal, &last_seq, &last_statement, NULL));
    assert_int_equal(last_seq, 4);
}

/* ---- files of other kinds ---- */

/* Back to version 2, and on to version 1. */
#define UNDO_GROUPS                                                                                \
    "DROP VIEW ledger_readable; DROP VIEW ledger; DROP TABLE ledger_group; "                       \
    "ALTER TABLE ledger_single RENAME TO ledger; PRAGMA user_version = 2;"
#define UNDO_VIEWS                                                                                 \
    "DROP VIEW statement_readable; DROP VIEW correction_readable; DROP VIEW product_readable;"     \
    "PRAGMA user_version = 1;"
/* What the versions before the groups wrote: plain_row(1), and seq 2 with every column. */
#define OLD_ROWS                                                                                   \
    "INSERT INTO ledger VALUES(1,1,7,NULL,0,0,1,'10045-1',-1000,1000,0,-1000,0,1000,2000,NULL,"    \
    "NULL,NULL,NULL,NULL,NULL,0,NULL),(2,1,7,1,0,1,1,'10045-1',-1000,2000,9,-1000,11,1000,2000,"   \
    "14,0,'d','o','r','a',4,15);"

static struct journal_row full_row(void) {
    struct journal_row row = plain_row(2);
    row.previous = 1;
    row.request = 15;
    row.reserved_milli = 9;
    row.reserved_change_milli = 11;
    row.status = OUTCOME_COVERED;
    row.event.register_id = 14;
    row.event.occurred_at_given = true;
    row.event.document = TEXT("d");
    row.event.order = TEXT("o");
    row.event.reason = TEXT("r");
    row.event.acknowledges = TEXT("a");
    return row;
}

/* Scanned from each of its rows on, and each read alone. */
static void expect_rows(struct fixture *fixture, struct row_scan *scan) {
    for (uint64_t after = 0; after <= scan->count; after++) {
        struct journal_row read;
        scan->at = after;
        ok(ops->scan_rows(fixture->journal, after, expect_next_row, scan, NULL));
        assert_int_equal(scan->at, scan->count);
        if (after < scan->count) {
            ok(ops->read_row(fixture->journal, false, after + 1, &fixture->arena, &read, NULL));
            expect_row(&read, &scan->expected[after]);
        }
    }
    scan->at = 0;
    scan->stop_after = 2;
    ok(ops->scan_rows(fixture->journal, 0, expect_next_row, scan, NULL));
    assert_int_equal(scan->at, 2);
}

/* Its rows stay where they are; those that follow are groups, and nobody sees the seam. */
static void test_older_file_is_migrated(void **state) {
    struct fixture *fixture = *state;
    struct row_scan scan = {.expected = {plain_row(1), full_row()}, .count = 60};
    for (uint64_t seq = 3; seq <= scan.count; seq++) {
        scan.expected[seq - 1] = plain_row(seq);
    }
    ops->close(fixture->journal);
    run_sql(fixture->directory, "onhand.db", UNDO_GROUPS UNDO_VIEWS OLD_ROWS);
    struct error error;
    struct journal *journal;
    assert_int_equal(try_open(fixture->directory, true, &journal, &error), STATUS_CONFLICT);
    assert_non_null(strstr(error.detail, "version 1"));
    fixture->journal = open_journal(fixture->directory);
    expect_sql(fixture->directory, "PRAGMA user_version", "3");
    expect_sql(fixture->directory, "SELECT count(*) FROM ledger_readable", "2");
    uint64_t last_seq;
    uint32_t last_statement;
    ok(ops->last_numbers(fixture->journal, &last_seq, &last_statement, NULL));
    assert_int_equal(last_seq, 2);
    append_rows(fixture->journal, 3, scan.count - 2);
    expect_rows(fixture, &scan);
    expect_sql(fixture->directory, "SELECT count(*) || ' ' || max(seq) FROM ledger", "60 60");
    expect_sql(fixture->directory, "SELECT count(*) BETWEEN 2 AND 5 FROM ledger_group", "1");
}

/* The view shows a row of a group as it shows one that has a row of its own. */
static void test_view_of_groups(void **state) {
    struct fixture *fixture = *state;
    struct journal_row first = plain_row(1), second = full_row();
    second.event.reason = TEXT("'quoted\" \\ \n \xc3\xa9");
    ok(ops->begin(fixture->journal, NULL));
    ok(ops->append_row(fixture->journal, &first, NULL));
    ok(ops->append_row(fixture->journal, &second, NULL));
    ok(ops->commit(fixture->journal, NULL));
    expect_sql(fixture->directory, "SELECT count(*) FROM ledger_group", "1");
    run_sql(fixture->directory, "onhand.db",
            "CREATE TABLE old AS SELECT * FROM ledger_single; INSERT INTO old "
            "VALUES(1,1,7,NULL,0,0,1,'10045-1',-1000,1000,0,-1000,0,1000,2000,NULL,NULL,NULL,NULL,"
            "NULL,NULL,0,NULL),(2,1,7,1,0,1,1,'10045-1',-1000,2000,9,-1000,11,1000,2000,14,0,'d',"
            "'o','''quoted\" \\ ' || char(10) || ' \xc3\xa9','a',4,15)");
    expect_sql(fixture->directory,
               "SELECT count(*) FROM (SELECT * FROM ledger INTERSECT SELECT * FROM old)", "2");
    run_sql(fixture->directory, "onhand.db", "DROP TABLE old");
}

static void expect_damaged(struct fixture *fixture, const char *sql) {
    struct journal_row read;
    struct error error;
    struct row_scan scan = {.expected = {plain_row(1), plain_row(2)}, .count = 2};
    run_sql(fixture->directory, "onhand.db", sql);
    assert_int_equal(ops->scan_rows(fixture->journal, 0, expect_next_row, &scan, &error),
                     STATUS_CORRUPT);
    assert_int_equal(ops->read_row(fixture->journal, false, 3, &fixture->arena, &read, &error),
                     STATUS_CORRUPT);
    assert_non_null(strstr(error.detail, "ledger row 3"));
}

static void test_damaged_group(void **state) {
    struct fixture *fixture = *state;
    append_rows(fixture->journal, 1, 2);
    expect_damaged(fixture, "UPDATE ledger_group SET row_count = 3");
    expect_damaged(fixture, "UPDATE ledger_group SET rows = substr(rows, 1, length(rows) - 1) || "
                            "',[1]]'");
}

/* A step that fails takes all of the migration back. */
static void test_failed_migration_changes_nothing(void **state) {
    struct fixture *fixture = *state;
    ops->close(fixture->journal);
    run_sql(fixture->directory, "onhand.db", UNDO_GROUPS "PRAGMA user_version = 1");
    struct error error;
    assert_int_equal(try_open(fixture->directory, false, &fixture->journal, &error),
                     STATUS_INTERNAL);
    expect_sql(fixture->directory, "PRAGMA user_version", "1");
    expect_sql(fixture->directory,
               "SELECT count(*) FROM sqlite_schema WHERE name = 'ledger_readable'", "0");
    run_sql(fixture->directory, "onhand.db", UNDO_VIEWS);
    fixture->journal = open_journal(fixture->directory);
}

static void test_newer_file_is_refused(void **state) {
    struct fixture *fixture = *state;
    ops->close(fixture->journal);
    run_sql(fixture->directory, "onhand.db", "PRAGMA user_version = 77");
    for (int read_only = 0; read_only < 2; read_only++) {
        struct error error;
        assert_int_equal(try_open(fixture->directory, read_only == 1, &fixture->journal, &error),
                         STATUS_NEWER);
        assert_non_null(strstr(error.detail, "version 77"));
        assert_non_null(strstr(error.detail, "up to 3"));
    }
    run_sql(fixture->directory, "onhand.db", "PRAGMA user_version = 3");
    fixture->journal = open_journal(fixture->directory);
}

static void write_file(const char *directory, const char *name, const char *content) {
    char *path = scratch_path(directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) {
        assert_true(fputs(content, file) >= 0);
    }
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void test_foreign_files_are_refused(void **state) {
    struct fixture *fixture = *state;
    char *other = scratch_new();
    struct journal *journal;
    struct error error;
    run_sql(other, "onhand.db", "CREATE TABLE customer(name)");
    assert_int_equal(try_open(other, false, &journal, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.detail, "another program"));
    char *mode = ask_sql(other, "onhand.db", "PRAGMA journal_mode");
    assert_string_equal(mode, "delete"); /* untouched */
    free(mode);
    write_file(other, "onhand.db", "not a database at all ");
    assert_int_equal(try_open(other, false, &journal, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.detail, "restore a backup"));
    scratch_free(other);
    other = scratch_new();
    assert_int_equal(try_open(other, true, &journal, &error), STATUS_NOT_FOUND);
    scratch_free(other);
    append_rows(fixture->journal, 1, 1);
}

/* The words in the views are those of the wire. */
static void test_view_words(void **state) {
    struct fixture *fixture = *state;
    static const char *const words[] = {
#define X(name, word, on_hand_sign, reserved_sign) word,
        EVENT_TYPE_LIST(X)
#undef X
    };
    ok(ops->begin(fixture->journal, NULL));
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        struct journal_row row = plain_row((uint64_t)type + 1);
        row.type = type;
        ok(ops->append_row(fixture->journal, &row, NULL));
    }
    ok(ops->commit(fixture->journal, NULL));
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        char sql[96];
        snprintf(sql, sizeof sql, "SELECT type FROM ledger_readable WHERE seq = %d", type + 1);
        expect_sql(fixture->directory, sql, words[type]);
    }
}

static void test_one_hub_per_directory(void **state) {
    struct fixture *fixture = *state;
    struct journal *second;
    struct error error;
    append_rows(fixture->journal, 1, 5);
    assert_int_equal(try_open(fixture->directory, false, &second, &error), STATUS_CONFLICT);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(error.detail, pid));
    ok(try_open(fixture->directory, true, &second, &error)); /* looking on is allowed */
    uint64_t last_seq;
    uint32_t last_statement;
    append_rows(fixture->journal, 6, 5);
    ok(ops->last_numbers(second, &last_seq, &last_statement, &error));
    assert_int_equal(last_seq, 10);
    ops->close(second);
}

static void test_modes(void **state) {
    struct fixture *fixture = *state;
    static const char *const names[] = {"onhand.db", "onhand.db-wal", "onhand.db-shm",
                                        "onhand-cells.db", "onhand.lock"};
    append_rows(fixture->journal, 1, 1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct stat information;
        char *path = scratch_path(fixture->directory, names[i]);
        assert_int_equal(stat(path, &information), 0);
        assert_int_equal(information.st_mode & 0777, 0600);
        free(path);
    }
    char *path = scratch_path(fixture->directory, "new");
    ops->close(open_journal(path));
    struct stat information;
    assert_int_equal(stat(path, &information), 0);
    assert_int_equal(information.st_mode & 0777, 0700);
    free(path);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_rows_round_trip),
        T(test_rows_without_reading_between),
        T(test_acknowledgement_rows),
        T(test_statements_round_trip),
        T(test_corrections),
        T(test_catalog),
        T(test_items),
        T(test_abort_leaves_nothing),
        T(test_older_file_is_migrated),
        T(test_view_of_groups),
        T(test_damaged_group),
        T(test_failed_migration_changes_nothing),
        T(test_newer_file_is_refused),
        T(test_foreign_files_are_refused),
        T(test_view_words),
        T(test_one_hub_per_directory),
        T(test_modes),
    };
    return cmocka_run_group_tests_name("journal_sqlite", tests, NULL, NULL);
}
