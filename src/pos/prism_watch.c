/* A thread with a gate. */
#include "pos/prism_watch.h"

#define LOOK_EVERY_US 100000

static void *look(void *context) {
    struct prism_watch *watch = context;
    while (!gate_wait(&watch->over, LOOK_EVERY_US))
        if (job_should_stop(watch->report))
            __atomic_store_n(watch->give_up, true, __ATOMIC_RELAXED);
    return NULL;
}

void prism_watch_start(struct prism_watch *watch, const struct job_report *report, bool *give_up) {
    *watch = (struct prism_watch){.report = report};
    watch->give_up = give_up;
    gate_init(&watch->over);
    watch->running = pthread_create(&watch->thread, NULL, look, watch) == 0;
}

void prism_watch_stop(struct prism_watch *watch) {
    gate_open(&watch->over);
    if (watch->running)
        (void)pthread_join(watch->thread, NULL);
    gate_deinit(&watch->over);
}
