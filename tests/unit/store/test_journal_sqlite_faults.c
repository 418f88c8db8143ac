/* The SQLite journal when the disk says no, when the process looks away, and when others read:
 * full disks, failed syncs, torn and foreign checkpoints, backups under load.
 *
 * What is tested is one promise: a commit that said OK is there, one that said NO_SPACE is not and
 * can be tried again, and one of which nobody knows says UNCERTAIN and never OK. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/faults.h"
#include "lib/scratch.h"
#include "store/journal_sqlite_internal.h"

static const struct journal_ops *const ops = &journal_sqlite;

struct fixture {
    char *directory;
    struct journal *journal;
};

static struct journal *open_journal(const char *directory) {
    struct store_options options = {.clock = clock_system};
    struct journal *journal = NULL;
    struct error error = {0};
    if (ops->open(directory, &options, &journal, &error) != STATUS_OK) {
        fail_msg("%s", error.detail);
    }
    return journal;
}

static int set_up(void **state) {
    struct fixture *fixture = memory_alloc_zero(1, sizeof *fixture);
    faults_install();
    faults_disarm();
    journal_sqlite_use_vfs(FAULTS_VFS);
    fixture->directory = scratch_new();
    fixture->journal = open_journal(fixture->directory);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    faults_disarm();
    ops->close(fixture->journal);
    scratch_free(fixture->directory);
    free(fixture);
    return 0;
}

static void ok(enum status status) {
    assert_string_equal(status_code(status), "ok");
}

static void reopen(struct fixture *fixture) {
    ops->close(fixture->journal);
    fixture->journal = open_journal(fixture->directory);
}

static uint64_t last_seq(struct journal *journal) {
    uint64_t seq;
    uint32_t statement;
    ok(ops->last_numbers(journal, &seq, &statement, NULL));
    return seq;
}

/* The first failure, or what commit says; the transaction is over either way. */
static enum status append_rows(struct journal *journal, uint64_t first, uint64_t count) {
    struct error error;
    enum status status = ops->begin(journal, &error);
    if (status != STATUS_OK) {
        return status;
    }
    for (uint64_t i = 0; status == STATUS_OK && i < count; i++) {
        struct journal_row row = {.seq = first + i,
                                  .type = EVENT_SALE,
                                  .event = {.location = 1,
                                            .product = 1,
                                            .source = 1,
                                            .delta_milli = -1000,
                                            .id = TEXT("an id of some length")}};
        status = ops->append_row(journal, &row, &error);
    }
    if (status == STATUS_OK) {
        return ops->commit(journal, &error);
    }
    ops->abort(journal);
    return status;
}

/* ---- syncs ---- */

static void test_one_sync_per_commit(void **state) {
    struct fixture *fixture = *state;
    ok(append_rows(fixture->journal, 1, 1));
    for (uint64_t i = 0; i < 20; i++) {
        faults_disarm();
        ok(append_rows(fixture->journal, 2 + 100 * i, 100));
        assert_int_equal(faults_count(FAULT_SYNC, FAULT_WAL), 1);
        assert_int_equal(faults_count(FAULT_SYNC, FAULT_DATABASE), 0);
    }
}

static void test_control_without_sync(void **state) {
    struct fixture *fixture = *state;
    struct store_options options = {.clock = clock_system, .unsafe_no_sync = true};
    ops->close(fixture->journal);
    ok(ops->open(fixture->directory, &options, &fixture->journal, NULL));
    ok(append_rows(fixture->journal, 1, 1));
    faults_disarm();
    ok(append_rows(fixture->journal, 2, 100));
    assert_int_equal(faults_count(FAULT_SYNC, FAULT_WAL), 0);
}

static void test_failed_sync_is_uncertain_for_good(void **state) {
    struct fixture *fixture = *state;
    ok(append_rows(fixture->journal, 1, 10));
    faults_arm(&(struct fault){FAULT_SYNC, FAULT_WAL, 1, false, SQLITE_IOERR_FSYNC});
    assert_int_equal(append_rows(fixture->journal, 11, 10), STATUS_UNCERTAIN);
    faults_disarm(); /* a second sync would lie: nothing may be written after the first failure */
    assert_int_equal(append_rows(fixture->journal, 11, 10), STATUS_UNCERTAIN);
    assert_int_equal(last_seq(fixture->journal), 10);
    reopen(fixture);
    uint64_t last = last_seq(fixture->journal);
    assert_true(last == 10 || last == 20);
    ok(append_rows(fixture->journal, last + 1, 5));
}

/* The Nth write of the log fails, for every N, with every reason. */
static void test_failing_writes(void **state) {
    struct fixture *fixture = *state;
    static const int results[] = {SQLITE_FULL, SQLITE_IOERR_WRITE};
    uint64_t last = 0;
    for (size_t r = 0; r < 2; r++) {
        int nth = 0;
        enum status status;
        do {
            struct fault fault = {FAULT_WRITE, FAULT_WAL, ++nth, r == 0, results[r]};
            faults_arm(&fault);
            status = append_rows(fixture->journal, last + 1, 300);
            faults_disarm();
            if (status == STATUS_OK) {
                last += 300;
            } else if (results[r] == SQLITE_FULL) {
                assert_string_equal(status_code(status), "no_space");
                assert_int_equal(last_seq(fixture->journal), last);
                ok(append_rows(fixture->journal, last + 1, 7)); /* usable at once */
                last += 7;
            } else {
                assert_string_equal(status_code(status), "uncertain");
                reopen(fixture);
            }
            assert_int_equal(last_seq(fixture->journal), last);
        } while (status != STATUS_OK);
        assert_true(nth > 10);
    }
    reopen(fixture);
    assert_int_equal(last_seq(fixture->journal), last);
}

/* The index of the log is extended before the commit, where refusing is still harmless. */
static void test_no_space_for_the_index(void **state) {
    struct fixture *fixture = *state;
    faults_arm(&(struct fault){FAULT_SHARED_MEMORY, FAULT_DATABASE, 1, true, SQLITE_IOERR_SHMSIZE});
    assert_int_equal(append_rows(fixture->journal, 1, 10), STATUS_NO_SPACE);
    faults_disarm();
    ok(append_rows(fixture->journal, 1, 10));
    assert_int_equal(last_seq(fixture->journal), 10);
}

/* The keeper cannot write the database: the log goes on, and is copied when it can be. */
static void test_failing_copy_does_not_stop_writing(void **state) {
    struct fixture *fixture = *state;
    faults_arm(&(struct fault){FAULT_WRITE, FAULT_DATABASE, 1, true, SQLITE_FULL});
    for (uint64_t i = 0; i < 40; i++) {
        ok(append_rows(fixture->journal, 1 + 1000 * i, 1000));
    }
    for (int i = 0; i < 500 && faults_count(FAULT_WRITE, FAULT_DATABASE) == 0; i++) {
        usleep(10000);
    }
    assert_true(faults_count(FAULT_WRITE, FAULT_DATABASE) > 0);
    faults_disarm();
    ok(append_rows(fixture->journal, 40001, 1000));
    reopen(fixture);
    assert_int_equal(last_seq(fixture->journal), 41000);
}

/* A real file system of 4 MB, filled up, and given room again. */
static void test_full_disk(void **state) {
    struct fixture *fixture = *state;
    char *mount_point = scratch_path(fixture->directory, "small");
    assert_int_equal(mkdir(mount_point, 0700), 0);
    if (mount("tmpfs", mount_point, "tmpfs", 0, "size=4m") != 0) {
        free(mount_point);
        skip();
    }
    struct journal *journal = open_journal(mount_point);
    char *ballast = scratch_path(mount_point, "ballast");
    FILE *file = fopen(ballast, "w");
    assert_non_null(file);
    for (int i = 0; i < 1024; i++) {
        assert_int_equal(fwrite("x", 1, 1, file), 1);
        assert_int_equal(fseek(file, 1023, SEEK_CUR), 0);
    }
    assert_int_equal(fclose(file), 0);
    uint64_t last = 0;
    enum status status;
    while ((status = append_rows(journal, last + 1, 200)) == STATUS_OK) {
        last += 200;
    }
    assert_string_equal(status_code(status), "no_space");
    assert_true(last > 1000);
    assert_int_equal(last_seq(journal), last);
    assert_int_equal(append_rows(journal, last + 1, 200), STATUS_NO_SPACE);
    assert_int_equal(unlink(ballast), 0);
    for (int i = 0; i < 3; i++) {
        ok(append_rows(journal, last + 1, 200));
        last += 200;
    }
    ops->close(journal);
    journal = open_journal(mount_point);
    assert_int_equal(last_seq(journal), last);
    ops->close(journal);
    assert_int_equal(umount(mount_point), 0);
    free(ballast);
    free(mount_point);
}

/* ---- while others work ---- */

struct reader {
    struct journal *journal;
    atomic_bool stop;
    uint64_t rows_seen;
};

static bool count_in_order(void *context, const struct journal_row *row) {
    uint64_t *at = context;
    require(row->seq == *at + 1);
    *at = row->seq;
    return true;
}

static void *read_all_the_time(void *context) {
    struct reader *reader = context;
    uint64_t before = 0;
    while (!atomic_load(&reader->stop)) {
        uint64_t at = 0;
        require(ops->scan_rows(reader->journal, 0, count_in_order, &at, NULL) == STATUS_OK);
        require(at >= before && at % 100 == 0); /* whole commits, and none is taken back */
        before = at;
    }
    reader->rows_seen = before;
    return NULL;
}

static void test_reading_while_writing(void **state) {
    struct fixture *fixture = *state;
    struct reader readers[3] = {0};
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) {
        readers[i].journal = fixture->journal;
        assert_int_equal(pthread_create(&threads[i], NULL, read_all_the_time, &readers[i]), 0);
    }
    for (uint64_t i = 0; i < 200; i++) {
        ok(append_rows(fixture->journal, 1 + 100 * i, 100));
    }
    for (size_t i = 0; i < 3; i++) {
        atomic_store(&readers[i].stop, true);
        pthread_join(threads[i], NULL);
    }
    uint64_t at = 0;
    ok(ops->scan_rows(fixture->journal, 0, count_in_order, &at, NULL));
    assert_int_equal(at, 20000);
}

/* 160 MB go through the log without a pause; its limit is 16 MB, four times that when overdue. */
static void test_log_stays_short_under_load(void **state) {
    struct fixture *fixture = *state;
    uint64_t disk_bytes, wal_bytes, longest = 0;
    char reason[300];
    memset(reason, 'r', sizeof reason);
    for (uint64_t i = 0; i < 1000; i++) {
        ok(ops->begin(fixture->journal, NULL));
        for (uint64_t k = 0; k < 400; k++) {
            struct journal_row row = {.seq = i * 400 + k + 1,
                                      .event = {.reason = {reason, sizeof reason}}};
            ok(ops->append_row(fixture->journal, &row, NULL));
        }
        ok(ops->commit(fixture->journal, NULL));
        ops->sizes(fixture->journal, &disk_bytes, &wal_bytes);
        longest = wal_bytes > longest ? wal_bytes : longest;
    }
    assert_true(disk_bytes > 120000000);
    assert_true(longest < 80000000);
}

struct backup {
    struct journal *journal;
    char *path;
    enum status status;
    atomic_bool done;
};

static void *back_up(void *context) {
    struct backup *backup = context;
    backup->status = ops->backup(backup->journal, backup->path, NULL);
    atomic_store(&backup->done, true);
    return NULL;
}

static void test_backup_while_writing(void **state) {
    struct fixture *fixture = *state;
    ok(append_rows(fixture->journal, 1, 100));
    uint64_t next = 101;
    for (; next <= 100000; next += 100) {
        ok(append_rows(fixture->journal, next, 100));
    }
    char *restored = scratch_path(fixture->directory, "restored");
    assert_int_equal(mkdir(restored, 0700), 0);
    struct backup backup = {.journal = fixture->journal,
                            .path = scratch_path(restored, "onhand.db")};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, back_up, &backup), 0);
    do {
        ok(append_rows(fixture->journal, next, 100));
        next += 100;
    } while (!atomic_load(&backup.done));
    pthread_join(thread, NULL);
    ok(backup.status);
    struct stat information;
    assert_int_equal(stat(backup.path, &information), 0);
    assert_int_equal(information.st_mode & 0777, 0600);
    struct journal *copy = open_journal(restored);
    assert_string_not_equal(copy->ledger_id, fixture->journal->ledger_id);
    uint64_t at = 0;
    ok(ops->scan_rows(copy, 0, count_in_order, &at, NULL));
    assert_true(at >= 100000 && at < next && at % 100 == 0);
    ops->close(copy);
    free(backup.path);
    free(restored);
}

static void test_backup_refuses_the_live_file(void **state) {
    struct fixture *fixture = *state;
    struct error error;
    assert_int_equal(ops->backup(fixture->journal, fixture->journal->path, &error),
                     STATUS_CONFLICT);
    assert_int_equal(ops->backup(fixture->journal, fixture->directory, &error), STATUS_CONFLICT);
    assert_int_equal(ops->backup(fixture->journal, "/nonexistent/x", &error), STATUS_IO);
    ok(append_rows(fixture->journal, 1, 1));
}

/* ---- checkpoints ---- */

static bool collect(void *context, uint32_t kind, uint64_t key, uint64_t through_seq,
                    struct text blob) {
    buffer_append_format(context, "%u/%llu@%llu=%.*s ", kind, (unsigned long long)key,
                         (unsigned long long)through_seq, TEXT_ARG(blob));
    return true;
}

static void expect_checkpoints(struct journal *journal, const char *expected) {
    struct buffer seen = {0};
    buffer_reserve(&seen, 1);
    ok(ops->checkpoint_scan(journal, 1, collect, &seen, NULL));
    assert_int_equal(seen.length, strlen(expected));
    assert_memory_equal(seen.data, expected, seen.length);
    buffer_deinit(&seen);
}

static void put(struct journal *journal, uint64_t key, uint64_t through, struct text blob) {
    ok(ops->checkpoint_put(journal, 1, key, through, blob, NULL));
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

/* Keys come in the order of signed numbers: the order means nothing. */
#define SAVED "1/18446744073709551615@10=last 1/3@9=three "

static void save_two(struct fixture *fixture) {
    ok(append_rows(fixture->journal, 1, 10));
    put(fixture->journal, 3, 7, TEXT("old"));
    put(fixture->journal, 5, 7, TEXT("gone"));
    ok(ops->checkpoint_sync(fixture->journal, NULL));
    put(fixture->journal, 3, 9, TEXT("three"));
    put(fixture->journal, UINT64_MAX, 10, TEXT("last"));
    ok(ops->checkpoint_put(fixture->journal, 2, 3, 10, TEXT("another kind"), NULL));
    ok(ops->checkpoint_delete(fixture->journal, 1, 5, NULL));
    ok(ops->checkpoint_sync(fixture->journal, NULL));
    expect_checkpoints(fixture->journal, SAVED);
}

static void test_checkpoints(void **state) {
    struct fixture *fixture = *state;
    save_two(fixture);
    put(fixture->journal, 3, 10, TEXT("never synced"));
    reopen(fixture);
    expect_checkpoints(fixture->journal, SAVED);
    ok(ops->checkpoint_sync(fixture->journal, NULL)); /* with nothing to do */
}

static void test_unfit_checkpoints_are_dropped(void **state) {
    struct fixture *fixture = *state;
    static const char *const spoilers[] = {
        "UPDATE meta SET ledger_id = 'ffffffffffffffffffffffffffffffff'",
        "UPDATE meta SET through_seq = 11", /* the ledger ends at 10 */
        "PRAGMA user_version = 77",
        "PRAGMA application_id = 77",
        "DROP TABLE meta",
    };
    for (size_t i = 0; i < sizeof spoilers / sizeof spoilers[0]; i++) {
        if (last_seq(fixture->journal) == 0) {
            save_two(fixture);
        } else {
            put(fixture->journal, 3, 9, TEXT("three"));
            put(fixture->journal, UINT64_MAX, 10, TEXT("last"));
            ok(ops->checkpoint_sync(fixture->journal, NULL));
        }
        reopen(fixture);
        expect_checkpoints(fixture->journal, SAVED);
        ops->close(fixture->journal);
        run_sql(fixture->directory, "onhand-cells.db", spoilers[i]);
        fixture->journal = open_journal(fixture->directory);
        expect_checkpoints(fixture->journal, "");
        assert_int_equal(last_seq(fixture->journal), 10);
    }
}

static void test_torn_checkpoints_are_dropped(void **state) {
    struct fixture *fixture = *state;
    save_two(fixture);
    ops->close(fixture->journal);
    run_sql(fixture->directory, "onhand-cells.db",
            "UPDATE checkpoint SET blob = CAST('thrEe' AS BLOB) WHERE key = 3");
    fixture->journal = open_journal(fixture->directory);
    expect_checkpoints(fixture->journal, "1/18446744073709551615@10=last "); /* what is before it */
    expect_checkpoints(fixture->journal, "");
    put(fixture->journal, 3, 9, TEXT("again"));
    ok(ops->checkpoint_sync(fixture->journal, NULL));
    expect_checkpoints(fixture->journal, "1/3@9=again ");
    ops->close(fixture->journal);
    char *path = scratch_path(fixture->directory, "onhand-cells.db");
    assert_int_equal(truncate(path, 5000), 0);
    fixture->journal = open_journal(fixture->directory);
    ops->close(fixture->journal);
    assert_int_equal(truncate(path, 10), 0);
    fixture->journal = open_journal(fixture->directory);
    expect_checkpoints(fixture->journal, "");
    ops->close(fixture->journal);
    assert_int_equal(unlink(path), 0);
    fixture->journal = open_journal(fixture->directory);
    expect_checkpoints(fixture->journal, "");
    free(path);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_one_sync_per_commit),
        T(test_control_without_sync),
        T(test_failed_sync_is_uncertain_for_good),
        T(test_failing_writes),
        T(test_no_space_for_the_index),
        T(test_failing_copy_does_not_stop_writing),
        T(test_full_disk),
        T(test_reading_while_writing),
        T(test_log_stays_short_under_load),
        T(test_backup_while_writing),
        T(test_backup_refuses_the_live_file),
        T(test_checkpoints),
        T(test_unfit_checkpoints_are_dropped),
        T(test_torn_checkpoints_are_dropped),
    };
    return cmocka_run_group_tests_name("journal_sqlite_faults", tests, NULL, NULL);
}
