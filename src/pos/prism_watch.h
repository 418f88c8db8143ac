/* Ends a request that is under way when the hub ends: a thread that looks at the job runner now and
 * then, for as long as a run asks over the network. */
#ifndef ONHAND_POS_PRISM_WATCH_H
#define ONHAND_POS_PRISM_WATCH_H

#include "base/queue.h"
#include "schedule/jobs.h"

struct prism_watch {
    const struct job_report *report;
    bool *give_up; /* set atomically */
    struct gate over;
    pthread_t thread;
    bool running;
};

void prism_watch_start(struct prism_watch *watch, const struct job_report *report, bool *give_up);
void prism_watch_stop(struct prism_watch *watch);

#endif
