/* What is remembered of the jobs, kept in the store as items of kind "job" under the job's name. */
#ifndef ONHAND_JOB_STATES_H
#define ONHAND_JOB_STATES_H

#include "hub/hub.h"
#include "schedule/jobs.h"

/* The hub must have been started and outlive the jobs. */
struct job_state_store job_states(struct hub *hub);

#endif
