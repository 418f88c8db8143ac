/* Checkpoints: the state saved now and then, so that a start reads the ledger's tail only.
 *
 * Runs beside the writer. What it copies it copies under the lock for reading, a location at a
 * time, and packs it outside; parts may be of different moments, each says through which row. */
#include "store/checkpoint_internal.h"

#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define STEP_ASIDE_FROM_US 100
#define STEP_ASIDE_MOST_US 100000
#define RESET_PAUSE_US (2 * US_PER_SECOND) /* without an application for so long: it is over */
#define WAIT_MOST_US (600 * US_PER_SECOND)

static void lock_reading(struct embedded *embedded) {
    require(pthread_rwlock_rdlock(&embedded->lock) == 0);
}

static void unlock(struct embedded *embedded) {
    require(pthread_rwlock_unlock(&embedded->lock) == 0);
}

static enum status save(struct checkpointer *checkpointer, enum blob_kind kind, uint64_t key,
                        uint64_t through, char mark, const struct buffer *raw,
                        struct error *error) {
    const struct embedded *embedded = checkpointer->embedded;
    struct buffer blob = {0};
    packed_frame_write(mark, buffer_text(raw), &blob);
    enum status status = embedded->ops->checkpoint_put(embedded->journal, kind, key, through,
                                                       buffer_text(&blob), error);
    buffer_deinit(&blob);
    return status;
}

/* False when it is time to stop. */
static bool wait_for(struct checkpointer *checkpointer, int64_t wait_us) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_us / US_PER_SECOND;
    until.tv_nsec += wait_us % US_PER_SECOND * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    require(pthread_mutex_lock(&checkpointer->lock) == 0);
    int result = 0;
    while (!checkpointer->stop && result == 0)
        result = pthread_cond_timedwait(&checkpointer->wake, &checkpointer->lock, &until);
    bool stop = checkpointer->stop;
    require(pthread_mutex_unlock(&checkpointer->lock) == 0);
    return !stop;
}

/* As long as the work took: never more than half of a core. Not by a lower priority: that could
 * take it off the processor with the lock in its hands, and sales would wait for it. */
static void step_aside(struct checkpointer *checkpointer, int64_t took_us) {
    if (checkpointer->gentle && took_us > STEP_ASIDE_FROM_US)
        (void)wait_for(checkpointer, took_us < STEP_ASIDE_MOST_US ? took_us : STEP_ASIDE_MOST_US);
}

/* ---- cells ---- */

static enum status save_cells(struct checkpointer *checkpointer, uint32_t number,
                              struct buffer *raw, struct error *error) {
    struct embedded *embedded = checkpointer->embedded;
    struct checkpoint_meta *meta = &checkpointer->meta;
    lock_reading(embedded);
    const struct location *location = locations_find(&embedded->state.locations, number);
    uint64_t through = embedded->state.last_seq;
    bool changed = location != NULL && location->changed_seq > meta->saved[number];
    if (changed) {
        buffer_clear(raw);
        blob_write_cells(location, raw);
    }
    unlock(embedded);
    if (!changed)
        return STATUS_OK;
    enum status status = save(checkpointer, BLOB_CELLS, number, through, 'L', raw, error);
    if (status == STATUS_OK)
        meta->saved[number] = through;
    return status;
}

static enum status save_all_cells(struct checkpointer *checkpointer, struct error *error) {
    struct embedded *embedded = checkpointer->embedded;
    struct checkpoint_meta *meta = &checkpointer->meta;
    lock_reading(embedded);
    uint32_t limit = embedded->state.locations.limit;
    unlock(embedded);
    if (limit > meta->saved_limit) {
        meta->saved = memory_grow(meta->saved, limit * sizeof *meta->saved);
        memset(&meta->saved[meta->saved_limit], 0,
               (limit - meta->saved_limit) * sizeof *meta->saved);
        meta->saved_limit = limit;
    }
    struct buffer raw = {0};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < limit && status == STATUS_OK; i++) {
        int64_t began_us = monotonic_us();
        status = save_cells(checkpointer, i, &raw, error);
        step_aside(checkpointer, monotonic_us() - began_us);
    }
    buffer_deinit(&raw);
    return status;
}

/* ---- orders, documents ---- */

static enum status save_orders(struct checkpointer *checkpointer, struct error *error) {
    struct embedded *embedded = checkpointer->embedded;
    struct buffer raw = {0};
    lock_reading(embedded);
    uint64_t through = embedded->state.last_seq;
    blob_write_orders(&embedded->state.orders, &raw);
    unlock(embedded);
    enum status status = save(checkpointer, BLOB_ORDERS, 0, through, 'O', &raw, error);
    buffer_deinit(&raw);
    return status;
}

/* Pending movements and acknowledgements are of one moment. Full chunks are never written again. */
static enum status save_documents(struct checkpointer *checkpointer, struct error *error) {
    struct embedded *embedded = checkpointer->embedded;
    struct checkpoint_meta *meta = &checkpointer->meta;
    struct buffer pendings = {0}, acknowledged = {0};
    lock_reading(embedded);
    const struct documents *documents = &embedded->state.documents;
    uint64_t through = embedded->state.last_seq;
    uint64_t count = documents->acknowledged_count;
    uint64_t chunk = meta->acknowledged_count / ACKNOWLEDGED_PER_BLOB;
    uint64_t from = chunk * ACKNOWLEDGED_PER_BLOB;
    blob_write_pendings(documents, &pendings);
    if (count > meta->acknowledged_count)
        blob_write_acknowledged(documents, from, count - from, &acknowledged);
    unlock(embedded);
    enum status status = save(checkpointer, BLOB_PENDINGS, 0, through, 'P', &pendings, error);
    size_t each = ACKNOWLEDGED_PER_BLOB * sizeof(struct acknowledged);
    for (size_t at = 0; at < acknowledged.length && status == STATUS_OK; at += each) {
        size_t left = acknowledged.length - at;
        struct buffer part = {.data = acknowledged.data + at, .length = left < each ? left : each};
        status = save(checkpointer, BLOB_ACKNOWLEDGED, chunk++, through, 'A', &part, error);
    }
    if (status == STATUS_OK)
        meta->acknowledged_count = count;
    buffer_deinit(&pendings);
    buffer_deinit(&acknowledged);
    return status;
}

/* ---- one checkpoint ---- */

static enum status save_meta(struct checkpointer *checkpointer, uint64_t through,
                             struct error *error) {
    struct embedded *embedded = checkpointer->embedded;
    struct checkpoint_meta *meta = &checkpointer->meta;
    struct buffer raw = {0};
    meta->through = through;
    lock_reading(embedded);
    meta->latest = embedded->state.last_seq; /* no part knows more */
    unlock(embedded);
    enum status status = checkpoint_fingerprint(embedded, meta->latest, &meta->fingerprint, error);
    if (status == STATUS_OK) {
        lock_reading(embedded);
        blob_write_meta(meta, &embedded->state, &raw);
        unlock(embedded);
        status = save(checkpointer, BLOB_META, 0, through, 'M', &raw, error);
    }
    buffer_deinit(&raw);
    return status;
}

/* After a failure nobody knows what is there: the next checkpoint writes everything. */
static void forget(struct checkpoint_meta *meta) {
    for (uint32_t i = 0; i < meta->saved_limit; i++)
        meta->saved[i] = 0;
    meta->segment_count = 0;
    meta->acknowledged_count = 0;
}

/* What both the state and the journal have: while another hub's rows are taken in, the state is
 * ahead of what the journal gives to read. */
static enum status find_through(struct embedded *embedded, uint64_t *through_out,
                                struct error *error) {
    uint64_t readable;
    uint32_t unused;
    enum status status = embedded->ops->last_numbers(embedded->journal, &readable, &unused, error);
    lock_reading(embedded);
    uint64_t known = embedded->state.last_seq;
    unlock(embedded);
    *through_out = known < readable ? known : readable;
    return status;
}

static enum status run(struct checkpointer *checkpointer, struct error *error) {
    struct embedded *embedded = checkpointer->embedded;
    uint64_t through;
    enum status status = find_through(embedded, &through, error);
    if (status != STATUS_OK)
        return status;
    lock_reading(embedded);
    uint64_t done = embedded->checkpoint_seq;
    unlock(embedded);
    if (through == done)
        return STATUS_OK;
    status = save_all_cells(checkpointer, error);
    if (status == STATUS_OK)
        status = rows_save(checkpointer, through, error);
    if (status == STATUS_OK)
        status = save_orders(checkpointer, error);
    if (status == STATUS_OK)
        status = save_documents(checkpointer, error);
    if (status == STATUS_OK)
        status = save_meta(checkpointer, through, error);
    if (status == STATUS_OK)
        status = embedded->ops->checkpoint_sync(embedded->journal, error);
    if (status != STATUS_OK) {
        forget(&checkpointer->meta);
        return status;
    }
    require(pthread_rwlock_wrlock(&embedded->lock) == 0);
    embedded->checkpoint_seq = through;
    unlock(embedded);
    return STATUS_OK;
}

static enum status run_alone(struct checkpointer *checkpointer, bool gentle, struct error *error) {
    require(pthread_mutex_lock(&checkpointer->running) == 0);
    checkpointer->gentle = gentle;
    enum status status = run(checkpointer, error);
    require(pthread_mutex_unlock(&checkpointer->running) == 0);
    return status;
}

enum status embedded_checkpoint(struct store *store, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    if (!embedded->checkpoints)
        return STATUS_OK; /* every start takes the ledger in */
    if (embedded->options.read_only)
        return error_set(error, STATUS_CONFLICT, "the store is open for reading only");
    return run_alone(embedded->checkpointer, false, error);
}

/* ---- now and then ---- */

/* A checkpoint that fails costs a longer start, no more. */
static void checkpoint_or_warn(struct checkpointer *checkpointer, bool gentle) {
    struct error error = {0};
    if (run_alone(checkpointer, gentle, &error) != STATUS_OK)
        log_warn("no checkpoint was made; the next start reads more of the ledger",
                 "status=%s detail=%s", status_code(error.status),
                 log_quote(text_from(error.detail)));
}

/* A reset goes on as long as location after location is applied. */
static bool reset_goes_on(struct embedded *embedded) {
    lock_reading(embedded);
    int64_t applied_us = embedded->applied_monotonic_us;
    unlock(embedded);
    return applied_us != 0 && monotonic_us() - applied_us < RESET_PAUSE_US;
}

/* The interval, and then until no reset is being applied: what it changes would have to be saved
 * again, and it wants the processor. But not for ever. */
static bool wait_for_turn(struct checkpointer *checkpointer) {
    struct embedded *embedded = checkpointer->embedded;
    int64_t began_us = monotonic_us();
    bool go_on = wait_for(checkpointer, embedded->options.checkpoint_interval_us);
    while (go_on && reset_goes_on(embedded) && monotonic_us() - began_us < WAIT_MOST_US)
        go_on = wait_for(checkpointer, RESET_PAUSE_US);
    return go_on;
}

static void *run_thread(void *context) {
    struct checkpointer *checkpointer = context;
    while (wait_for_turn(checkpointer))
        checkpoint_or_warn(checkpointer, true);
    return NULL;
}

struct checkpointer *checkpointer_new(struct embedded *embedded) {
    struct checkpointer *checkpointer = memory_alloc_zero(1, sizeof *checkpointer);
    pthread_condattr_t attributes;
    checkpointer->embedded = embedded;
    require(pthread_mutex_init(&checkpointer->running, NULL) == 0);
    require(pthread_mutex_init(&checkpointer->lock, NULL) == 0);
    require(pthread_condattr_init(&attributes) == 0);
    require(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    require(pthread_cond_init(&checkpointer->wake, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    return checkpointer;
}

struct checkpoint_meta *checkpointer_meta(struct checkpointer *checkpointer) {
    return &checkpointer->meta;
}

enum status checkpointer_start(struct embedded *embedded, struct error *error) {
    struct checkpointer *checkpointer = embedded->checkpointer;
    if (embedded->options.checkpoint_interval_us <= 0)
        return STATUS_OK;
    int result = pthread_create(&checkpointer->thread, NULL, run_thread, checkpointer);
    if (result != 0) {
        errno = result;
        return error_set_errno(error, "starting the thread of checkpoints");
    }
    checkpointer->has_thread = true;
    return STATUS_OK;
}

void checkpointer_finish(struct embedded *embedded) {
    struct checkpointer *checkpointer = embedded->checkpointer;
    require(pthread_mutex_lock(&checkpointer->lock) == 0);
    checkpointer->stop = true;
    pthread_cond_signal(&checkpointer->wake);
    require(pthread_mutex_unlock(&checkpointer->lock) == 0);
    if (checkpointer->has_thread)
        require(pthread_join(checkpointer->thread, NULL) == 0);
    checkpointer->has_thread = false;
    checkpoint_or_warn(checkpointer, false);
}

void checkpointer_free(struct checkpointer *checkpointer) {
    if (checkpointer == NULL)
        return;
    require(!checkpointer->has_thread);
    free(checkpointer->meta.saved);
    free(checkpointer->meta.segments);
    pthread_cond_destroy(&checkpointer->wake);
    pthread_mutex_destroy(&checkpointer->lock);
    pthread_mutex_destroy(&checkpointer->running);
    free(checkpointer);
}
