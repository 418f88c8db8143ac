/* Workers: threads for what may block, so that no socket waits for a disk. */
#include "api/api_internal.h"

#include <stdlib.h>

struct workers {
    struct queue queue;
    unsigned count;
    pthread_t threads[];
};

/* The queue wakes one sleeper per filling: whoever takes one of several passes the call on. */
static void *work(void *context) {
    struct workers *workers = context;
    for (;;) {
        struct queue_item *item = queue_take(&workers->queue, 1, -1);
        if (item == NULL) {
            require(pthread_mutex_lock(&workers->queue.lock) == 0);
            bool ended = workers->queue.closed && workers->queue.head == NULL;
            require(pthread_mutex_unlock(&workers->queue.lock) == 0);
            if (ended) {
                return NULL;
            }
            continue;
        }
        if (queue_count(&workers->queue) > 0) {
            queue_wake(&workers->queue);
        }
        struct request *r = (struct request *)item;
        r->work_function(r);
        audit_note(r);
        request_arrived(r);
    }
}

struct workers *workers_new(unsigned count, const char *name) {
    struct workers *workers = memory_alloc_zero(1, sizeof *workers + count * sizeof(pthread_t));
    queue_init(&workers->queue);
    for (unsigned i = 0; i < count; i++) {
        require(pthread_create(&workers->threads[i], NULL, work, workers) == 0);
        (void)pthread_setname_np(workers->threads[i], name);
    }
    workers->count = count;
    return workers;
}

bool workers_run(struct workers *workers, struct request *r) {
    return queue_push(&workers->queue, &r->work);
}

void workers_stop(struct workers *workers) {
    queue_close(&workers->queue);
    for (unsigned i = 0; i < workers->count; i++) {
        (void)pthread_join(workers->threads[i], NULL);
    }
    workers->count = 0;
}

void workers_free(struct workers *workers) {
    if (workers == NULL) {
        return;
    }
    workers_stop(workers);
    queue_deinit(&workers->queue);
    free(workers);
}
