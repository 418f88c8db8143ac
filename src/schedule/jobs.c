/* The job runner's threads: one that decides (the plans of schedule/plan.h), two that run.
 *
 * Everything shared is under one lock, held only for moments: runs, loads and saves happen outside
 * it. A job goes idle -> waiting (in the list `ready`) -> running -> idle; its plan counts waiting
 * as running, so a job can never be started twice. The clock is asked again at least once a second,
 * because it may be set, or turned by hand, while we sleep. */
#include "schedule/jobs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "schedule/plan.h"

#define WORKER_COUNT 2
#define LONGEST_SLEEP_US US_PER_SECOND
#define READ_ELSEWHERE_US (2 * US_PER_SECOND) /* how old what is told of others' jobs may be */

struct job {
    struct job *next;       /* in order of registration */
    struct job *next_ready; /* in the list of those waiting for a worker */
    struct job_definition definition;
    struct job_plan plan;
    struct job_state last;
    bool has_run;
    uint64_t token; /* of its lease; 0: not ours, or there are no leases */
    bool ours;
    int64_t read_us; /* monotonic: when the state was last read; the planner's */
};

struct jobs {
    struct clock clock;
    struct job_state_store store;
    struct job_leases leases;
    bool shared;
    struct arena arena; /* names and texts */
    struct zone *utc;
    struct job *first, **last;
    size_t count;

    pthread_mutex_t lock;
    pthread_cond_t planner_wakes, workers_wake;
    struct job *ready_first, **ready_last;
    bool woken, started;
    atomic_bool stopping; /* written under the lock; read without it by job_should_stop */
    pthread_t planner, workers[WORKER_COUNT];
};

bool job_should_stop(const struct job_report *report) {
    const struct jobs *jobs = report->jobs;
    if (jobs == NULL) {
        return false;
    }
    return atomic_load(&jobs->stopping) ||
           (jobs->shared &&
            !jobs->leases.holds(jobs->leases.context, report->lease, report->token));
}

struct jobs *jobs_new(const struct clock *clock, const struct job_state_store *store) {
    struct jobs *jobs = memory_alloc_zero(1, sizeof *jobs);
    jobs->clock = *clock;
    jobs->store = *store;
    jobs->last = &jobs->first;
    jobs->ready_last = &jobs->ready_first;
    jobs->utc = zone_open(TEXT("UTC"), NULL);
    require(jobs->utc != NULL);
    require(pthread_mutex_init(&jobs->lock, NULL) == 0);
    pthread_condattr_t monotonic;
    require(pthread_condattr_init(&monotonic) == 0);
    require(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    require(pthread_cond_init(&jobs->planner_wakes, &monotonic) == 0);
    require(pthread_cond_init(&jobs->workers_wake, NULL) == 0);
    (void)pthread_condattr_destroy(&monotonic);
    return jobs;
}

void jobs_free(struct jobs *jobs) {
    if (jobs == NULL) {
        return;
    }
    require(!jobs->started);
    while (jobs->first != NULL) {
        struct job *job = jobs->first;
        jobs->first = job->next;
        free(job);
    }
    (void)pthread_cond_destroy(&jobs->workers_wake);
    (void)pthread_cond_destroy(&jobs->planner_wakes);
    (void)pthread_mutex_destroy(&jobs->lock);
    zone_free(jobs->utc);
    arena_deinit(&jobs->arena);
    free(jobs);
}

static struct job *find(struct jobs *jobs, struct text name) {
    struct job *job = jobs->first;
    while (job != NULL && !text_equal(job->definition.name, name)) {
        job = job->next;
    }
    return job;
}

enum status jobs_add(struct jobs *jobs, const struct job_definition *definition,
                     struct error *error) {
    require(!jobs->started && definition->run != NULL);
    if (find(jobs, definition->name) != NULL) {
        return error_set(error, STATUS_CONFLICT, "there is a job '%.*s' already",
                         TEXT_ARG(definition->name));
    }
    struct job *job = memory_alloc_zero(1, sizeof *job);
    job->definition = *definition;
    job->definition.name = arena_copy(&jobs->arena, definition->name);
    job->definition.schedule_text = arena_copy(&jobs->arena, definition->schedule_text);
    job->definition.lease = definition->lease.length > 0
                                ? arena_copy(&jobs->arena, definition->lease)
                                : job->definition.name;
    if (definition->zone == NULL) {
        job->definition.zone = jobs->utc;
    }
    *jobs->last = job;
    jobs->last = &job->next;
    jobs->count++;
    return STATUS_OK;
}

void jobs_share(struct jobs *jobs, const struct job_leases *leases) {
    require(!jobs->started);
    jobs->leases = *leases;
    jobs->shared = true;
}

/* ---- whose jobs ---- */

/* What is on record of a job, into its plan: at the start, and when it came from elsewhere. */
static enum status load_state(struct jobs *jobs, struct job *job) {
    struct job_state state = {0};
    enum status status = jobs->store.load(jobs->store.context, job->definition.name, &state);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    require(pthread_mutex_lock(&jobs->lock) == 0);
    job->has_run = status == STATUS_OK;
    job->last = state;
    job->last.detail[JOB_DETAIL_SIZE - 1] = '\0';
    job_plan_init(&job->plan, &job->definition.schedule, job->definition.zone,
                  job->has_run ? job->last.started_us : SCHEDULE_NEVER_RAN,
                  clock_now_us(&jobs->clock));
    require(pthread_mutex_unlock(&jobs->lock) == 0);
    return STATUS_OK;
}

static void settle_lease(struct jobs *jobs, struct job *job) {
    uint64_t token = 0;
    struct text lease = job->definition.lease;
    enum status status = jobs->leases.take(jobs->leases.context, lease, &token);
    if (status == STATUS_OK && token != job->token) {
        status = load_state(jobs, job);
        if (status == STATUS_OK && job->definition.taken_over != NULL) {
            job->definition.taken_over(job->definition.context);
        }
    } else if (status == STATUS_CONFLICT && monotonic_us() - job->read_us > READ_ELSEWHERE_US) {
        job->read_us = monotonic_us();
        (void)load_state(jobs, job);
    }
    require(pthread_mutex_lock(&jobs->lock) == 0);
    job->ours = status == STATUS_OK;
    job->token = status == STATUS_OK ? token : job->token;
    require(pthread_mutex_unlock(&jobs->lock) == 0);
}

/* Only the planner begins runs, so a job that rests now stays at rest meanwhile. */
static void settle_leases(struct jobs *jobs) {
    for (struct job *job = jobs->first; jobs->shared && job != NULL; job = job->next) {
        require(pthread_mutex_lock(&jobs->lock) == 0);
        bool running = job->plan.running;
        require(pthread_mutex_unlock(&jobs->lock) == 0);
        if (!running && !atomic_load(&jobs->stopping)) {
            settle_lease(jobs, job);
        }
    }
}

/* ---- the planner ---- */

static void hand_to_workers(struct jobs *jobs, struct job *job, int64_t now_us) {
    job_plan_begin(&job->plan, now_us);
    job->next_ready = NULL;
    *jobs->ready_last = job;
    jobs->ready_last = &job->next_ready;
    require(pthread_cond_signal(&jobs->workers_wake) == 0);
}

/* Hands over what is due; returns how long to sleep. */
static int64_t plan_all(struct jobs *jobs) {
    int64_t now_us = clock_now_us(&jobs->clock);
    int64_t sleep_us = LONGEST_SLEEP_US;
    for (struct job *job = jobs->first; job != NULL; job = job->next) {
        if (jobs->shared && !job->ours) {
            continue;
        }
        if (job_plan_is_due(&job->plan, now_us)) {
            hand_to_workers(jobs, job, now_us);
        }
        int64_t wake_us = job_plan_wake_us(&job->plan);
        if (wake_us != SCHEDULE_NEVER && wake_us - now_us < sleep_us) {
            sleep_us = wake_us - now_us;
        }
    }
    return sleep_us > 0 ? sleep_us : 0;
}

static void sleep_for(struct jobs *jobs, int64_t sleep_us) {
    struct timespec until;
    require(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    int64_t ns = until.tv_nsec + sleep_us % US_PER_SECOND * 1000;
    until.tv_sec += sleep_us / US_PER_SECOND + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    (void)pthread_cond_timedwait(&jobs->planner_wakes, &jobs->lock, &until);
}

static void *planner_main(void *argument) {
    struct jobs *jobs = argument;
    require(pthread_mutex_lock(&jobs->lock) == 0);
    while (!atomic_load(&jobs->stopping)) {
        require(pthread_mutex_unlock(&jobs->lock) == 0);
        settle_leases(jobs);
        require(pthread_mutex_lock(&jobs->lock) == 0);
        int64_t sleep_us = plan_all(jobs);
        if (!jobs->woken) {
            sleep_for(jobs, sleep_us);
        }
        jobs->woken = false;
    }
    require(pthread_mutex_unlock(&jobs->lock) == 0);
    return NULL;
}

static void wake_planner(struct jobs *jobs) {
    jobs->woken = true;
    require(pthread_cond_signal(&jobs->planner_wakes) == 0);
}

/* ---- the workers ---- */

/* Runs one job without the lock and remembers how it went. */
static struct job_state run_job(struct jobs *jobs, const struct job *job, int64_t started_us) {
    const struct job_definition *definition = &job->definition;
    struct job_report report = {.jobs = jobs, .lease = definition->lease, .token = job->token};
    struct job_state state = {.started_us = started_us};
    if (jobs->shared) {
        jobs->leases.begin(jobs->leases.context, definition->lease, job->token);
    }
    state.status = definition->run(definition->context, &report);
    state.finished_us = clock_now_us(&jobs->clock);
    report.detail[JOB_DETAIL_SIZE - 1] = '\0';
    memcpy(state.detail, report.detail, sizeof state.detail);
    if (state.status != STATUS_OK) {
        log_warn("job failed", "job=%s status=%s detail=%s", log_quote(definition->name),
                 status_code(state.status), log_quote(text_from(state.detail)));
    }
    enum status saved = jobs->store.save(jobs->store.context, definition->name, &state);
    if (saved != STATUS_OK) {
        /* The work is done; at worst it is done once more after a restart. */
        log_warn("job state not saved", "job=%s status=%s", log_quote(definition->name),
                 status_code(saved));
    }
    if (jobs->shared) {
        jobs->leases.end(jobs->leases.context);
    }
    return state;
}

static struct job *take_ready(struct jobs *jobs) {
    struct job *job = jobs->ready_first;
    if (job != NULL) {
        jobs->ready_first = job->next_ready;
        if (jobs->ready_first == NULL) {
            jobs->ready_last = &jobs->ready_first;
        }
    }
    return job;
}

static void *worker_main(void *argument) {
    struct jobs *jobs = argument;
    require(pthread_mutex_lock(&jobs->lock) == 0);
    while (!atomic_load(&jobs->stopping)) {
        struct job *job = take_ready(jobs);
        if (job == NULL) {
            require(pthread_cond_wait(&jobs->workers_wake, &jobs->lock) == 0);
            continue;
        }
        /* It may have waited for a worker: it starts now. */
        job->plan.started_us = clock_now_us(&jobs->clock);
        int64_t started_us = job->plan.started_us;
        require(pthread_mutex_unlock(&jobs->lock) == 0);
        struct job_state state = run_job(jobs, job, started_us);
        require(pthread_mutex_lock(&jobs->lock) == 0);
        job->last = state;
        job->has_run = true;
        job_plan_finish(&job->plan, state.finished_us);
        wake_planner(jobs);
    }
    require(pthread_mutex_unlock(&jobs->lock) == 0);
    return NULL;
}

/* ---- start and stop ---- */

static enum status load_states(struct jobs *jobs, struct error *error) {
    for (struct job *job = jobs->first; job != NULL; job = job->next) {
        enum status status = load_state(jobs, job);
        if (status != STATUS_OK) {
            return error_set(error, status, "the state of job '%.*s' cannot be loaded: %s",
                             TEXT_ARG(job->definition.name), status_meaning(status));
        }
    }
    return STATUS_OK;
}

enum status jobs_start(struct jobs *jobs, struct error *error) {
    require(!jobs->started && !atomic_load(&jobs->stopping));
    enum status status = load_states(jobs, error);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < WORKER_COUNT; i++) {
        require(pthread_create(&jobs->workers[i], NULL, worker_main, jobs) == 0);
    }
    require(pthread_create(&jobs->planner, NULL, planner_main, jobs) == 0);
    require(pthread_mutex_lock(&jobs->lock) == 0);
    jobs->started = true;
    require(pthread_mutex_unlock(&jobs->lock) == 0);
    return STATUS_OK;
}

void jobs_stop(struct jobs *jobs) {
    require(pthread_mutex_lock(&jobs->lock) == 0);
    bool was_started = jobs->started;
    atomic_store(&jobs->stopping, true);
    wake_planner(jobs);
    require(pthread_cond_broadcast(&jobs->workers_wake) == 0);
    require(pthread_mutex_unlock(&jobs->lock) == 0);
    if (!was_started) {
        return;
    }
    require(pthread_join(jobs->planner, NULL) == 0);
    for (size_t i = 0; i < WORKER_COUNT; i++) {
        require(pthread_join(jobs->workers[i], NULL) == 0);
    }
    for (struct job *job; (job = take_ready(jobs)) != NULL;) {
        job->plan.running = false; /* it never got a worker */
    }
    jobs->started = false;
}

/* ---- from outside ---- */

enum status jobs_run_now(struct jobs *jobs, struct text name, struct error *error) {
    enum status status = STATUS_OK;
    struct text elsewhere = {NULL, 0}; /* the lease */
    require(pthread_mutex_lock(&jobs->lock) == 0);
    struct job *job = find(jobs, name);
    if (job == NULL) {
        status = error_set(error, STATUS_NOT_FOUND, "there is no job '%.*s'", TEXT_ARG(name));
    } else if (!jobs->started || atomic_load(&jobs->stopping)) {
        status = error_set(error, STATUS_STOPPING, "the job runner is not running");
    } else if (jobs->shared && !job->ours) {
        elsewhere = job->definition.lease;
    } else if (job_plan_ask(&job->plan, clock_now_us(&jobs->clock)) != STATUS_OK) {
        status = error_set(error, STATUS_CONFLICT, "job '%.*s' is running already", TEXT_ARG(name));
    } else {
        wake_planner(jobs);
    }
    require(pthread_mutex_unlock(&jobs->lock) == 0);
    if (elsewhere.length > 0) {
        status = jobs->leases.ask(jobs->leases.context, elsewhere, name, error);
    }
    return status;
}

void jobs_wake(struct jobs *jobs) {
    require(pthread_mutex_lock(&jobs->lock) == 0);
    wake_planner(jobs);
    require(pthread_mutex_unlock(&jobs->lock) == 0);
}

static struct job_info info_of(const struct jobs *jobs, const struct job *job,
                               struct arena *arena) {
    bool ours = job->ours || !jobs->shared;
    struct job_info info = {
        .name = arena_copy(arena, job->definition.name),
        .schedule_text = arena_copy(arena, job->definition.schedule_text),
        .lease = arena_copy(arena, job->definition.lease),
        .ours = ours,
        .running = job->plan.running,
        .has_run = job->has_run,
        .running_since_us = job->plan.running ? job->plan.started_us : 0,
        .last = job->last,
        .next_us = jobs->started ? job_plan_wake_us(&job->plan) : SCHEDULE_NEVER,
    };
    return info;
}

size_t jobs_list(struct jobs *jobs, struct arena *arena, struct job_info **infos_out) {
    require(pthread_mutex_lock(&jobs->lock) == 0);
    size_t count = jobs->count, i = 0;
    struct job_info *infos = arena_alloc_zero(arena, (count + 1) * sizeof *infos);
    for (const struct job *job = jobs->first; job != NULL; job = job->next) {
        infos[i++] = info_of(jobs, job, arena);
    }
    require(pthread_mutex_unlock(&jobs->lock) == 0);
    require(i == count);
    *infos_out = infos;
    return count;
}
