/* What is due when: the job runner's decisions, without its threads.
 *
 * Pure: the runner tells a plan what happens and when; the plan answers whether to start. A plan
 * is owned by whoever embeds it; schedule and zone are borrowed. */
#ifndef ONHAND_SCHEDULE_PLAN_H
#define ONHAND_SCHEDULE_PLAN_H

#include "schedule/schedule.h"

struct job_plan {
    const struct schedule *schedule;
    const struct zone *zone;
    int64_t last_run_us;   /* start of the last run that finished, or SCHEDULE_NEVER_RAN */
    int64_t due_us;        /* SCHEDULE_NEVER: only when asked */
    int64_t planned_at_us; /* when due_us was worked out */
    int64_t started_us;    /* of the run going on */
    bool running;          /* invariant: a plan that is running is never due */
};

/* At start of the program: what was missed while it was away is due now, once. */
void job_plan_init(struct job_plan *plan, const struct schedule *schedule, const struct zone *zone,
                   int64_t last_run_us, int64_t now_us);

/* Whether a run must start now. Plans anew if the clock was set back since. */
bool job_plan_is_due(struct job_plan *plan, int64_t now_us);

/* Makes an idle job due at once. STATUS_CONFLICT while it runs. */
must_check enum status job_plan_ask(struct job_plan *plan, int64_t now_us);

void job_plan_begin(struct job_plan *plan, int64_t now_us); /* must not be running */
/* Runs that fell due during a slow run are not made up for: the next is after now_us. */
void job_plan_finish(struct job_plan *plan, int64_t now_us);

/* The instant to look again: due_us, or SCHEDULE_NEVER while running or only when asked. */
int64_t job_plan_wake_us(const struct job_plan *plan);

#endif
