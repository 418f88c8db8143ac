/* The job runner's leases, by those of the hub. */
#ifndef ONHAND_JOB_LEASES_H
#define ONHAND_JOB_LEASES_H

#include "hub/lease.h"
#include "schedule/jobs.h"

/* Shares the runner's jobs with the hubs on the same store; before leases_start and
 * jobs_start. Nothing where `leases` is NULL. */
void job_leases_share(struct leases *leases, struct jobs *jobs);

#endif
