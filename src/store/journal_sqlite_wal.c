/* Keeping the write-ahead log short without making a batch wait for it.
 *
 * A thread of its own copies the log into the database every few hundred pages. SQLite starts the
 * log again from its front when a transaction begins and every page of it has been copied: in a
 * quiet moment that happens by itself. Under load without a pause the keeper is always a few pages
 * behind; so when the log is beyond its limit and the keeper almost through, the writer copies the
 * last pages itself before it begins (a few milliseconds, once in 16 MB). A failed copy loses
 * nothing: the log keeps all, and it is tried again. A full disk is such a case. */
#include <time.h>

#include "base/log.h"
#include "store/journal_sqlite_internal.h"

#define KEEPER_FRAMES 250      /* the keeper copies when there are so many new pages */
#define FINISH_FRAMES 4000     /* beyond this the writer looks for a chance to start again */
#define FINISH_LEFT_FRAMES 500 /* and takes it when no more than this is left to copy */
#define QUIET_SECONDS 1        /* without a commit for so long: copy what is left */
#define SHARED_REGION_BYTES 32768
#define SHARED_REGION_FRAMES 4096

/* After each commit of the writer, with the number of pages in the log. */
static int after_commit(void *context, sqlite3 *db, const char *name, int frames) {
    (void)db;
    (void)name;
    struct wal_keeper *keeper = context;
    pthread_mutex_lock(&keeper->lock);
    if (frames < keeper->frames) { /* it started again from its front */
        keeper->copied = 0;
        keeper->attempted = 0;
        keeper->finish_tried = 0;
    }
    keeper->frames = frames;
    if (frames - keeper->attempted >= KEEPER_FRAMES) {
        pthread_cond_signal(&keeper->wake);
    }
    pthread_mutex_unlock(&keeper->lock);
    return SQLITE_OK;
}

/* With the lock held. Sleeps until there is something to copy; false when it is time to stop. */
static bool wait_for_work(struct wal_keeper *keeper) {
    while (!keeper->stopping && keeper->frames - keeper->attempted < KEEPER_FRAMES) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += QUIET_SECONDS;
        int before = keeper->frames;
        pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until);
        if (keeper->frames == before && keeper->copied < keeper->frames) {
            break;
        }
    }
    return !keeper->stopping;
}

/* Copies what can be copied without waiting for anyone. */
static int copy_pages(struct wal_keeper *keeper, sqlite3 *db) {
    int frames = 0, copied = 0;
    int result = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
    if (result == SQLITE_OK) {
        pthread_mutex_lock(&keeper->lock);
        if (copied <= keeper->frames) { /* else it started again in between */
            keeper->copied = copied;
        }
        pthread_mutex_unlock(&keeper->lock);
    }
    return result;
}

static void *keep(void *context) {
    struct wal_keeper *keeper = context;
    bool told = false;
    pthread_mutex_lock(&keeper->lock);
    while (wait_for_work(keeper)) {
        keeper->attempted = keeper->frames;
        pthread_mutex_unlock(&keeper->lock);
        int result = copy_pages(keeper, keeper->connection.db);
        bool failed = result != SQLITE_OK && result != SQLITE_BUSY;
        if (failed && !told) {
            struct error error;
            (void)connection_error(&keeper->connection, result, &error);
            log_warn("the write-ahead log grows", "detail=%s", log_quote(text_from(error.detail)));
        }
        told = failed;
        pthread_mutex_lock(&keeper->lock);
    }
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

enum status wal_start(struct journal *journal, struct error *error) {
    struct wal_keeper *keeper = &journal->keeper;
    enum status status =
        connection_open(&keeper->connection, journal->path, SQLITE_OPEN_READWRITE, error);
    if (status == STATUS_OK) {
        status = connection_run(
            &keeper->connection,
            journal->no_sync ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = FULL", error);
    }
    if (status != STATUS_OK) {
        connection_close(&keeper->connection);
        return status;
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_cond_init(&keeper->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    sqlite3_wal_hook(journal->writer.db, after_commit, keeper);
    int result = pthread_create(&keeper->thread, NULL, keep, keeper);
    require(result == 0);
    keeper->running = true;
    return STATUS_OK;
}

void wal_stop(struct journal *journal) {
    struct wal_keeper *keeper = &journal->keeper;
    if (!keeper->running) {
        return;
    }
    pthread_mutex_lock(&keeper->lock);
    keeper->stopping = true;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
    sqlite3_wal_hook(journal->writer.db, NULL, NULL);
    connection_close(&keeper->connection);
    pthread_cond_destroy(&keeper->wake);
    pthread_mutex_destroy(&keeper->lock);
    keeper->running = false;
}

void wal_before_begin(struct journal *journal) {
    struct wal_keeper *keeper = &journal->keeper;
    pthread_mutex_lock(&keeper->lock);
    int frames = keeper->frames;
    int left = frames - keeper->copied;
    pthread_mutex_unlock(&keeper->lock);
    bool almost = left > 0 && left <= FINISH_LEFT_FRAMES && frames >= FINISH_FRAMES;
    /* A long reader, or a keeper that is never near the end: try now and then all the same. */
    bool overdue = frames - keeper->finish_tried >= 4 * FINISH_FRAMES;
    if ((almost && frames - keeper->finish_tried >= KEEPER_FRAMES) || overdue) {
        keeper->finish_tried = frames;
        (void)copy_pages(keeper, journal->writer.db); /* the keeper says what goes wrong */
    }
}

/* SQLite appends to the shared-memory index of the log after it has synced the log: were there no
 * disk space for the index then, the commit would be on disk and yet have failed. So the space is
 * taken before, for as many pages as the transaction can have. */
enum status wal_before_commit(struct journal *journal, struct error *error) {
    struct wal_keeper *keeper = &journal->keeper;
    sqlite3 *db = journal->writer.db;
    int spilled = 0, cached_bytes = 0, high;
    sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_SPILL, &spilled, &high, 1);
    sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_USED, &cached_bytes, &high, 0);
    pthread_mutex_lock(&keeper->lock);
    int frames = keeper->frames;
    pthread_mutex_unlock(&keeper->lock);
    int regions = (frames + spilled + cached_bytes / 4096) / SHARED_REGION_FRAMES + 2;
    sqlite3_file *file = NULL;
    int result = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    require(result == SQLITE_OK && file != NULL && file->pMethods->iVersion >= 2);
    while (keeper->shared_regions < regions) {
        void volatile *region;
        result =
            file->pMethods->xShmMap(file, keeper->shared_regions, SHARED_REGION_BYTES, 1, &region);
        if (result != SQLITE_OK) {
            return error_set(error, STATUS_NO_SPACE,
                             "%s: the index of the write-ahead log cannot grow (code %d): the "
                             "disk is full: make room and send it again",
                             journal->path, result);
        }
        keeper->shared_regions++;
    }
    return STATUS_OK;
}
