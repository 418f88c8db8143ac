/* The job runner's decisions. A plan is in one of three states: waiting (due_us lies ahead or has
 * come), running, or resting until asked (due_us is SCHEDULE_NEVER). */
#include "schedule/plan.h"

static void plan_next(struct job_plan *plan, int64_t now_us) {
    plan->due_us = schedule_next(plan->schedule, plan->zone, now_us, plan->last_run_us);
    plan->planned_at_us = now_us;
}

void job_plan_init(struct job_plan *plan, const struct schedule *schedule, const struct zone *zone,
                   int64_t last_run_us, int64_t now_us) {
    require(zone != NULL || schedule->kind != SCHEDULE_CRON);
    *plan = (struct job_plan){.schedule = schedule, .zone = zone, .last_run_us = last_run_us};
    plan_next(plan, now_us);
    if (schedule_missed(schedule, zone, last_run_us, now_us)) {
        plan->due_us = now_us;
    }
}

bool job_plan_is_due(struct job_plan *plan, int64_t now_us) {
    if (plan->running) {
        return false;
    }
    bool already_due = plan->due_us <= plan->planned_at_us;
    if (now_us < plan->planned_at_us && !already_due) {
        plan_next(plan, now_us);
    }
    return already_due || plan->due_us <= now_us;
}

enum status job_plan_ask(struct job_plan *plan, int64_t now_us) {
    if (plan->running) {
        return STATUS_CONFLICT;
    }
    plan->due_us = plan->planned_at_us = now_us;
    return STATUS_OK;
}

void job_plan_begin(struct job_plan *plan, int64_t now_us) {
    require(!plan->running);
    plan->running = true;
    plan->started_us = now_us;
}

void job_plan_finish(struct job_plan *plan, int64_t now_us) {
    require(plan->running);
    plan->running = false;
    plan->last_run_us = plan->started_us;
    plan_next(plan, now_us);
}

int64_t job_plan_wake_us(const struct job_plan *plan) {
    return plan->running ? SCHEDULE_NEVER : plan->due_us;
}
