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
};

/* True once jobs_stop was called: a long run should come to an end soon. */
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

struct job_definition {
    struct text name;          /* copied */
    struct text schedule_text; /* as configured, for people; copied */
    struct schedule schedule;
    const struct zone *zone; /* borrowed until jobs_free; NULL is UTC */
    enum status (*run)(void *context, struct job_report *report);
    void *context;
};

struct job_info {
    struct text name, schedule_text;
    bool running, has_run;
    int64_t running_since_us; /* while running */
    struct job_state last;    /* if has_run */
    int64_t next_us;          /* SCHEDULE_NEVER: only when asked */
};

/* Both are copied; what their contexts point to must outlive the runner. */
struct jobs *jobs_new(const struct clock *clock, const struct job_state_store *store);
void jobs_free(struct jobs *jobs); /* stopped, or never started; NULL is fine */

/* STATUS_CONFLICT when the name is taken. */
must_check enum status jobs_add(struct jobs *jobs, const struct job_definition *definition,
                                struct error *error);

/* Loads the states (a failure is returned, and nothing is started), then starts the threads. */
must_check enum status jobs_start(struct jobs *jobs, struct error *error);
/* Starts nothing more, waits for the runs going on. */
void jobs_stop(struct jobs *jobs);

/* Starts the job as soon as a worker is free. STATUS_NOT_FOUND, STATUS_CONFLICT (it runs or waits
 * for a worker), STATUS_STOPPING. */
must_check enum status jobs_run_now(struct jobs *jobs, struct text name, struct error *error);

/* Looks at the clock at once; for clocks that are turned by hand. */
void jobs_wake(struct jobs *jobs);

/* In order of registration; everything in the arena. Returns how many. */
size_t jobs_list(struct jobs *jobs, struct arena *arena, struct job_info **infos_out);

#endif
