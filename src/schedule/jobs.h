/* The job runner: starts what is due, two at a time, never the same job twice at once.
 *
 * One thread sleeps until the next due time; two workers run jobs, so that a slow one does not hold
 * up the others. What is durable (when a job last ran, and how it ended) goes through callbacks. A
 * run is recorded when it has ended: one cut short by a crash counts as missed and is made up for
 * once at the next start. All functions may be called from any thread, except that jobs are added
 * before jobs_start, and jobs_stop and jobs_free are called by one thread that is not a job. */
#ifndef ONHAND_SCHEDULE_JOBS_H
#define ONHAND_SCHEDULE_JOBS_H

#include "base/arena.h"
#include "base/timestamp.h"
#include "schedule/schedule.h"

#define JOB_DETAIL_SIZE 256

struct jobs;

/* What a run tells about itself: one line for people, shown by the API. */
struct job_report {
    char detail[JOB_DETAIL_SIZE];
    const struct jobs *jobs;
    struct text lease; /* under which it runs; with its token */
    uint64_t token;
};

/* True once jobs_stop was called, or the lease was lost: a long run should come to an end soon. */
bool job_should_stop(const struct job_report *report);

/* What is remembered of the last run that ended. */
struct job_state {
    int64_t started_us, finished_us;
    enum status status;
    char detail[JOB_DETAIL_SIZE];
};

/* load answers STATUS_NOT_FOUND for a job that never ran. Called from the runner's threads, never
 * two at once for the same job. */
struct job_state_store {
    enum status (*load)(void *context, struct text name, struct job_state *state_out);
    enum status (*save)(void *context, struct text name, const struct job_state *state);
    void *context;
};

/* Where several runners share one memory: who runs what. A job runs where its lease is held, with
 * its state read anew whenever it is taken. Called from the runner's threads. */
struct job_leases {
    /* STATUS_OK: it is ours. Another token than before: in between it was not. */
    enum status (*take)(void *context, struct text lease, uint64_t *token_out);
    bool (*holds)(void *context, struct text lease, uint64_t token);
    /* Around a run and the saving of its state, on the same thread. */
    void (*begin)(void *context, struct text lease, uint64_t token);
    void (*end)(void *context);
    /* Leaves word for whoever holds the lease to run the job. */
    enum status (*ask)(void *context, struct text lease, struct text job, struct error *error);
    void *context;
};

struct job_definition {
    struct text name;          /* copied */
    struct text lease;         /* empty: its name; copied */
    struct text schedule_text; /* as configured, for people; copied */
    struct schedule schedule;
    const struct zone *zone; /* borrowed until jobs_free; NULL is UTC */
    enum status (*run)(void *context, struct job_report *report);
    /* Before the first run under a new token: what is kept in memory is read anew. May be NULL. */
    void (*taken_over)(void *context);
    void *context;
};

struct job_info {
    struct text name, schedule_text, lease;
    bool ours; /* else another runner has it, and this is what it last said */
    bool running, has_run;
    int64_t running_since_us; /* while running */
    struct job_state last;    /* if has_run */
    int64_t next_us;          /* SCHEDULE_NEVER: only when asked */
};

/* Both are copied; what their contexts point to must outlive the runner. */
struct jobs *jobs_new(const struct clock *clock, const struct job_state_store *store);
void jobs_free(struct jobs *jobs); /* stopped, or never started; NULL is fine */

/* Shares the jobs with other runners; before jobs_start. Copied. */
void jobs_share(struct jobs *jobs, const struct job_leases *leases);

/* STATUS_CONFLICT when the name is taken. */
must_check enum status jobs_add(struct jobs *jobs, const struct job_definition *definition,
                                struct error *error);

/* Loads the states (a failure is returned, and nothing is started), then starts the threads. */
must_check enum status jobs_start(struct jobs *jobs, struct error *error);
/* Starts nothing more, waits for the runs going on. */
void jobs_stop(struct jobs *jobs);

/* Starts the job as soon as a worker is free, here or where its lease is. STATUS_NOT_FOUND,
 * STATUS_CONFLICT (it runs or waits for a worker), STATUS_STOPPING. */
must_check enum status jobs_run_now(struct jobs *jobs, struct text name, struct error *error);

/* Looks at the clock at once; for clocks that are turned by hand. */
void jobs_wake(struct jobs *jobs);

/* In order of registration; everything in the arena. Returns how many. */
size_t jobs_list(struct jobs *jobs, struct arena *arena, struct job_info **infos_out);

#endif
