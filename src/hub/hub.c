/* The hub's thread and what everybody asks it for.
 *
 * The writer takes everything that waits, gathers adjustments into one batch, runs tasks in their
 * place between batches, and goes back for what came in meanwhile. */
#include "hub/hub.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "hub/hub_internal.h"
#include "hub/lease.h"

#define JOBS_PER_ROUND 1024u
#define EVENTS_PER_BATCH 4096u
#define QUEUE_LIMIT 65536u

/* ---- locations ---- */

void hub_location_grow(struct hub *hub) {
    uint32_t need = catalog_location_count(hub->catalog) + 1;
    pthread_mutex_lock(&hub->location_lock);
    if (need > hub->location_room) {
        uint32_t room = need * 2;
        hub->memory = memory_grow(hub->memory, room * sizeof *hub->memory);
        hub->settings = memory_grow(hub->settings, room * sizeof *hub->settings);
        for (uint32_t i = hub->location_room; i < room; i++) {
            hub->memory[i] = (struct location_memory){0};
            hub->settings[i] = NULL;
        }
        hub->location_room = room;
    }
    pthread_mutex_unlock(&hub->location_lock);
}

struct location_memory hub_location_memory(struct hub *hub, uint32_t location) {
    pthread_mutex_lock(&hub->location_lock);
    struct location_memory memory = {0};
    if (location < hub->location_room)
        memory = hub->memory[location];
    pthread_mutex_unlock(&hub->location_lock);
    return memory;
}

void hub_location_remember(struct hub *hub, uint32_t location, struct location_memory memory) {
    pthread_mutex_lock(&hub->location_lock);
    require(location < hub->location_room);
    hub->memory[location] = memory;
    pthread_mutex_unlock(&hub->location_lock);
}

const struct config_location *hub_location_settings(struct hub *hub, uint32_t location) {
    pthread_mutex_lock(&hub->location_lock);
    const struct config_location *settings =
        location < hub->location_room ? hub->settings[location] : NULL;
    pthread_mutex_unlock(&hub->location_lock);
    return settings;
}

int64_t hub_safety_stock_milli(struct hub *hub, uint32_t location) {
    const struct config_location *settings = hub_location_settings(hub, location);
    return settings != NULL ? settings->safety_stock_milli : 0;
}

bool hub_sells_online(struct hub *hub, uint32_t location) {
    const struct config_location *settings = hub_location_settings(hub, location);
    return (settings == NULL || settings->sell_online) &&
           !catalog_location_attributes(hub->catalog, location).unpublished;
}

/* Configured locations exist from the start, with their aliases. */
static enum status settle_locations(struct hub *hub, struct error *error) {
    const struct config *config = hub->config;
    struct wanted *wanted = wanted_new();
    for (size_t i = 0; i < config->location_count; i++)
        if (catalog_find_location(hub->catalog, config->locations[i].code) == 0)
            wanted_location(wanted, config->locations[i].code);
    enum status status = wanted_any(wanted) ? wanted_create(hub, wanted, error) : STATUS_OK;
    wanted_free(wanted);
    if (status != STATUS_OK)
        return status;
    hub_location_grow(hub);
    for (size_t i = 0; i < config->location_count; i++) {
        const struct config_location *settings = &config->locations[i];
        uint32_t location = catalog_find_location(hub->catalog, settings->code);
        hub->settings[location] = settings;
        for (size_t k = 0; k < settings->aliases.count; k++)
            catalog_put_alias(hub->catalog, location, settings->aliases.items[k]);
    }
    return STATUS_OK;
}

/* ---- namespaces ---- */

static bool any_namespace(const struct config *config) {
    bool any = config->namespaces.count > 0;
    for (size_t i = 0; i < config->source_count; i++)
        any |= config->sources[i].name_space.length > 0;
    for (size_t i = 0; i < config->feed_count; i++)
        any |= config->feeds[i].name_space.length > 0;
    return any;
}

struct text hub_namespace(const struct hub *hub, struct text source) {
    const struct config *config = hub->config;
    for (size_t i = 0; hub->has_namespaces && i < config->namespaces.count; i++)
        if (text_equal(source, config->namespaces.items[i].name))
            return config->namespaces.items[i].value;
    for (size_t i = 0; hub->has_namespaces && i < config->source_count; i++)
        if (text_equal(source, config->sources[i].name))
            return config->sources[i].name_space;
    for (size_t i = 0; hub->has_namespaces && i < config->feed_count; i++)
        if (text_equal(source, config->feeds[i].source))
            return config->feeds[i].name_space;
    return (struct text){NULL, 0};
}

/* ---- beginning and end ---- */

enum status hub_new(const struct hub_options *options, struct hub **hub_out, struct error *error) {
    struct hub *hub = memory_alloc_zero(1, sizeof *hub);
    hub->store = options->store;
    hub->config = options->config;
    hub->clock = options->clock;
    hub->catalog = catalog_new();
    queue_init(&hub->queue);
    pthread_mutex_init(&hub->location_lock, NULL);
    pthread_mutex_init(&hub->decide_lock, NULL);
    pthread_mutex_init(&hub->live_lock, NULL);
    pthread_mutex_init(&hub->watch_lock, NULL);
    hub_follow_begin(hub);
    hub->started_at_us = clock_now_us(&hub->clock);
    unsigned start = 0;
    random_bytes(&start, sizeof start);
    atomic_store(&hub->reset_count, start);
    hub->reject_unknown_locations = options->config->unknown_locations != CONFIG_CREATE;
    hub->reject_unknown_products = options->config->unknown_products != CONFIG_CREATE;
    hub->has_namespaces = any_namespace(options->config);
    catalog_configure(hub->catalog, &options->config->id_types);
    enum status status = catalog_load(hub->catalog, hub->store, error);
    if (status == STATUS_OK) {
        hub_location_grow(hub);
        status = settle_locations(hub, error);
    }
    if (status == STATUS_OK)
        status = store_item_scan(hub->store, TEXT("last_reset"), (struct text){0}, false,
                                 hub_load_location_memory, hub, error);
    change_feed_init(&hub->feed, store_last_seq(hub->store));
    if (status == STATUS_OK && !hub->shared) /* else it may be another hub that applies it */
        status = reset_recover(hub, error);
    if (status != STATUS_OK) {
        hub_free(hub);
        return status;
    }
    *hub_out = hub;
    return STATUS_OK;
}

void hub_free(struct hub *hub) {
    if (hub == NULL)
        return;
    require(!hub->started);
    change_feed_deinit(&hub->feed);
    catalog_free(hub->catalog);
    queue_deinit(&hub->queue);
    pthread_mutex_destroy(&hub->location_lock);
    pthread_mutex_destroy(&hub->decide_lock);
    pthread_mutex_destroy(&hub->live_lock);
    pthread_mutex_destroy(&hub->watch_lock);
    free(hub->memory);
    free(hub->settings);
    arena_deinit(&hub->batch);
    free(hub);
}

/* ---- the writer ---- */

_Noreturn void hub_fatal(enum status status, const struct error *error) {
    log_error("the store failed; stopping without a further answer", "status=%s detail=%s",
              status_code(status), log_quote(text_from(error->detail)));
    _exit(70);
}

enum status hub_abort_or_die(struct hub *hub, enum status status, const struct error *error) {
    if (status == STATUS_UNCERTAIN || status == STATUS_IO || status == STATUS_CORRUPT ||
        status == STATUS_INTERNAL)
        hub_fatal(status, error);
    store_abort(hub->store);
    bool full = status == STATUS_NO_SPACE;
    if (full && !atomic_exchange(&hub->counters.disk_full, true))
        log_error("the disk is full; refusing writes until there is room", "detail=%s",
                  log_quote(text_from(error->detail)));
    return status;
}

/* One that counts only while a lease holds stands alone: it must not fail others. */
static void run_claimed(struct hub *hub, struct submission *submission,
                        struct submission **gathered, size_t gathered_count) {
    if (gathered_count > 0) {
        intake_run(hub, gathered, gathered_count);
        arena_reset(&hub->batch);
    }
    hub->claim = submission->claim;
    intake_run(hub, &submission, 1);
    hub->claim = NULL;
}

/* Another hub may have been quicker: then all of it once more. */
static void run_task(struct hub *hub, struct task *task) {
    task->status = STATUS_RETRY;
    for (int attempt = 0; task->status == STATUS_RETRY && attempt < HUB_ATTEMPTS; attempt++)
        task->run(hub, task);
}

/* Runs one list of jobs, adjustments gathered. Returns how many there were. */
static size_t run_jobs(struct hub *hub, struct queue_item *list) {
    struct submission *gathered[JOBS_PER_ROUND];
    size_t gathered_count = 0, events = 0, done = 0;
    while (list != NULL) {
        struct job *job = (struct job *)list;
        const int kind = job->job; /* once answered, the job is gone */
        list = list->next;
        done++;
        if (kind == JOB_SUBMISSION && ((struct submission *)job)->claim != NULL) {
            run_claimed(hub, (struct submission *)job, gathered, gathered_count);
            gathered_count = events = 0;
            arena_reset(&hub->batch);
            continue;
        }
        if (kind == JOB_SUBMISSION) {
            struct submission *submission = (struct submission *)job;
            gathered[gathered_count++] = submission;
            events += submission->count;
        }
        bool flush = kind != JOB_SUBMISSION || events >= EVENTS_PER_BATCH || list == NULL ||
                     gathered_count == JOBS_PER_ROUND;
        if (flush && gathered_count > 0) {
            intake_run(hub, gathered, gathered_count);
            gathered_count = events = 0;
        }
        if (kind == JOB_TASK) {
            struct task *task = (struct task *)job;
            hub->claim = task->claim;
            run_task(hub, task);
            hub->claim = NULL;
            gate_open(&task->done);
        }
        arena_reset(&hub->batch);
    }
    return done;
}

size_t hub_step(struct hub *hub) {
    struct queue_item *list = queue_take(&hub->queue, JOBS_PER_ROUND, 0);
    hub_follow(hub);
    return list != NULL ? run_jobs(hub, list) : 0;
}

static void *writer_main(void *context) {
    struct hub *hub = context;
    for (;;) {
        struct queue_item *list =
            queue_take(&hub->queue, JOBS_PER_ROUND, hub->shared ? FOLLOW_US : -1);
        if (list != NULL)
            (void)run_jobs(hub, list);
        else if (!hub->shared || queue_is_closed(&hub->queue))
            return NULL;
        hub_follow(hub);
    }
}

void hub_start(struct hub *hub) {
    require(!hub->started);
    int failed = pthread_create(&hub->writer, NULL, writer_main, hub);
    require(failed == 0);
    hub->started = true;
}

void hub_stop(struct hub *hub) {
    queue_close(&hub->queue);
    if (hub->started)
        pthread_join(hub->writer, NULL);
    else
        while (hub_step(hub) > 0)
            continue;
    hub->started = false;
}

/* ---- under a lease ---- */

static _Thread_local const struct lease_claim *thread_claim;

void hub_write_under(const struct lease_claim *claim) {
    thread_claim = claim != NULL && claim->token != 0 ? claim : NULL;
}

enum status hub_begin(struct hub *hub, struct error *error) {
    enum status status = store_begin(hub->store, error);
    if (status == STATUS_CORRUPT)
        hub_fatal(status, error);
    if (status == STATUS_OK && hub->claim != NULL) {
        status = lease_check(hub->store, hub->claim, error);
        if (status == STATUS_FENCED)
            lease_lost(hub->leases, hub->claim);
        if (status != STATUS_OK)
            status = hub_abort_or_die(hub, status, error);
    }
    return status;
}

void hub_share(struct hub *hub, struct leases *leases) {
    require(!hub->started);
    hub->leases = leases;
}

enum status hub_recover(struct hub *hub, struct error *error) {
    return reset_recover(hub, error);
}

struct leases *hub_leases(struct hub *hub) {
    return hub->leases;
}

/* ---- asking the writer ---- */

enum status hub_submit(struct hub *hub, struct submission *submission) {
    require(submission->done != NULL && submission->access != NULL);
    if (queue_count(&hub->queue) >= QUEUE_LIMIT)
        return STATUS_BUSY;
    submission->job = JOB_SUBMISSION;
    submission->claim = thread_claim;
    if (submission->received_at_us == 0)
        submission->received_at_us = clock_now_us(&hub->clock);
    return queue_push(&hub->queue, &submission->item) ? STATUS_OK : STATUS_STOPPING;
}

struct waiter {
    struct gate gate;
    enum status status;
};

static void wake_waiter(struct submission *submission, enum status status) {
    struct waiter *waiter = submission->context;
    waiter->status = status;
    gate_open(&waiter->gate);
}

enum status hub_submit_wait(struct hub *hub, struct submission *submission) {
    struct waiter waiter = {.status = STATUS_INTERNAL};
    gate_init(&waiter.gate);
    submission->done = wake_waiter;
    submission->context = &waiter;
    enum status status = hub_submit(hub, submission);
    if (status == STATUS_OK) {
        if (!hub->started)
            while (hub_step(hub) > 0)
                continue;
        (void)gate_wait(&waiter.gate, -1);
        status = waiter.status;
    }
    gate_deinit(&waiter.gate);
    return status;
}

void hub_begin_task(struct hub *hub, struct task *task) {
    task->job = JOB_TASK;
    task->claim = thread_claim;
    task->status = STATUS_INTERNAL;
    gate_init(&task->done);
    task->queued = queue_push(&hub->queue, &task->item);
}

enum status hub_end_task(struct hub *hub, struct task *task, struct error *error) {
    enum status status = STATUS_STOPPING;
    if (task->queued) {
        if (!hub->started)
            while (hub_step(hub) > 0)
                continue;
        (void)gate_wait(&task->done, -1);
        status = task->status;
        if (status != STATUS_OK && error != NULL)
            *error = task->error;
    } else {
        (void)error_set(error, status, "the hub is shutting down");
    }
    gate_deinit(&task->done);
    return status;
}

enum status hub_run_task(struct hub *hub, struct task *task, struct error *error) {
    hub_begin_task(hub, task);
    return hub_end_task(hub, task, error);
}

struct write_task {
    struct task task;
    enum status (*write)(struct store *store, void *context, struct error *error);
    void *context;
};

static void run_write(struct hub *hub, struct task *task) {
    struct write_task *write = (struct write_task *)task;
    struct error *error = &task->error;
    enum status status = hub_begin(hub, error);
    if (status == STATUS_OK) {
        status = write->write(hub->store, write->context, error);
        if (status == STATUS_OK)
            status = store_commit(hub->store, error);
        if (status != STATUS_OK)
            status = hub_abort_or_die(hub, status, error);
    }
    task->status = status;
}

enum status hub_write(struct hub *hub,
                      enum status (*write)(struct store *store, void *context, struct error *error),
                      void *context, struct error *error) {
    struct write_task task = {.task.run = run_write, .write = write, .context = context};
    return hub_run_task(hub, &task.task, error);
}

struct item_write {
    struct text kind, key, value;
    bool put;
};

static enum status write_item(struct store *store, void *context, struct error *error) {
    const struct item_write *item = context;
    return item->put ? store_item_put(store, item->kind, item->key, item->value, error)
                     : store_item_delete(store, item->kind, item->key, error);
}

enum status hub_item_put(struct hub *hub, struct text kind, struct text key, struct text value,
                         struct error *error) {
    struct item_write item = {kind, key, value, true};
    return hub_write(hub, write_item, &item, error);
}

enum status hub_item_delete(struct hub *hub, struct text kind, struct text key,
                            struct error *error) {
    struct item_write item = {kind, key, {0}, false};
    return hub_write(hub, write_item, &item, error);
}

/* ---- plain answers ---- */

struct catalog *hub_catalog(struct hub *hub) {
    return hub->catalog;
}

struct store *hub_store(struct hub *hub) {
    return hub->store;
}

const struct config *hub_config(struct hub *hub) {
    return hub->config;
}

int64_t hub_now_us(struct hub *hub) {
    return clock_now_us(&hub->clock);
}

void hub_stats(struct hub *hub, struct hub_stats *out) {
    struct hub_counters *counters = &hub->counters;
    *out = (struct hub_stats){
        .acknowledgements = atomic_load(&counters->acknowledgements),
        .resets_applied = atomic_load(&counters->resets_applied),
        .resets_held = atomic_load(&counters->resets_held),
        .statements = atomic_load(&counters->statements),
        .batches = atomic_load(&counters->batches),
        .batch_events = atomic_load(&counters->batch_events),
        .queue_depth = queue_count(&hub->queue),
        .latency_us_sum = atomic_load(&counters->latency_us_sum),
        .disk_full = atomic_load(&counters->disk_full),
        .store_away = atomic_load(&counters->store_away),
        .store_age_us = store_age_us(hub->store),
        .started_at_us = hub->started_at_us,
    };
    for (int i = 0; i < 5; i++)
        out->adjustments[i] = atomic_load(&counters->adjustments[i]);
    for (int i = 0; i < HUB_LATENCY_BUCKETS; i++)
        out->latency_count[i] = atomic_load(&counters->latency_count[i]);
}
