/* The places where threads meet; every other file above hands work over through these.
 *
 * Waiting is on the monotonic clock: setting the hub's time must not stall its writer. A wake is
 * remembered until a taker has seen it, so that "stop" said just before the taker begins to wait
 * is not lost. */
#include "base/queue.h"

#include "base/status.h"

#include <errno.h>
#include <time.h>

static void condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    require(pthread_condattr_init(&attributes) == 0);
    require(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    require(pthread_cond_init(condition, &attributes) == 0);
    (void)pthread_condattr_destroy(&attributes);
}

static void lock(pthread_mutex_t *mutex) {
    require(pthread_mutex_lock(mutex) == 0);
}

static void unlock(pthread_mutex_t *mutex) {
    require(pthread_mutex_unlock(mutex) == 0);
}

static struct timespec deadline_after(int64_t timeout_us) {
    struct timespec now;
    require(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    int64_t ns = now.tv_nsec + timeout_us % 1000000 * 1000;
    now.tv_sec += timeout_us / 1000000 + ns / 1000000000;
    now.tv_nsec = ns % 1000000000;
    return now;
}

/* False once the deadline has passed; NULL waits for ever. May return early for no reason. */
static bool wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex,
                       const struct timespec *deadline) {
    if (deadline == NULL) {
        require(pthread_cond_wait(condition, mutex) == 0);
        return true;
    }
    int result = pthread_cond_timedwait(condition, mutex, deadline);
    require(result == 0 || result == ETIMEDOUT);
    return result == 0;
}

void queue_init(struct queue *queue) {
    *queue = (struct queue){0};
    queue->tail = &queue->head;
    require(pthread_mutex_init(&queue->lock, NULL) == 0);
    condition_init(&queue->filled);
}

void queue_deinit(struct queue *queue) {
    require(queue->head == NULL && queue->count == 0);
    (void)pthread_cond_destroy(&queue->filled);
    (void)pthread_mutex_destroy(&queue->lock);
}

bool queue_push(struct queue *queue, struct queue_item *item) {
    item->next = NULL;
    lock(&queue->lock);
    bool taken = !queue->closed;
    bool was_empty = queue->head == NULL;
    if (taken) {
        *queue->tail = item;
        queue->tail = &item->next;
        queue->count++;
    }
    unlock(&queue->lock);
    if (taken && was_empty) { /* the one consumer sleeps only while the queue is empty */
        require(pthread_cond_signal(&queue->filled) == 0);
    }
    return taken;
}

/* Cuts up to `most` items from the front; the lock is held. */
static struct queue_item *queue_cut(struct queue *queue, size_t most) {
    struct queue_item *first = queue->head;
    if (queue->count <= most) {
        queue->head = NULL;
        queue->tail = &queue->head;
        queue->count = 0;
        return first;
    }
    struct queue_item *last = first;
    for (size_t i = 1; i < most; i++) {
        last = last->next;
    }
    queue->head = last->next;
    last->next = NULL;
    queue->count -= most;
    return first;
}

struct queue_item *queue_take(struct queue *queue, size_t most, int64_t timeout_us) {
    require(most > 0);
    struct timespec deadline = {0};
    if (timeout_us > 0) {
        deadline = deadline_after(timeout_us);
    }
    lock(&queue->lock);
    bool in_time = timeout_us != 0;
    while (queue->head == NULL && !queue->closed && !queue->woken && in_time) {
        in_time = wait_until(&queue->filled, &queue->lock, timeout_us < 0 ? NULL : &deadline);
    }
    queue->woken = false;
    struct queue_item *items = queue->head != NULL ? queue_cut(queue, most) : NULL;
    unlock(&queue->lock);
    return items;
}

void queue_close(struct queue *queue) {
    lock(&queue->lock);
    queue->closed = true;
    require(pthread_cond_broadcast(&queue->filled) == 0);
    unlock(&queue->lock);
}

bool queue_is_closed(struct queue *queue) {
    lock(&queue->lock);
    bool closed = queue->closed;
    unlock(&queue->lock);
    return closed;
}

void queue_wake(struct queue *queue) {
    lock(&queue->lock);
    queue->woken = true;
    require(pthread_cond_broadcast(&queue->filled) == 0);
    unlock(&queue->lock);
}

size_t queue_count(struct queue *queue) {
    lock(&queue->lock);
    size_t count = queue->count;
    unlock(&queue->lock);
    return count;
}

void gate_init(struct gate *gate) {
    *gate = (struct gate){0};
    require(pthread_mutex_init(&gate->lock, NULL) == 0);
    condition_init(&gate->opened);
}

void gate_deinit(struct gate *gate) {
    (void)pthread_cond_destroy(&gate->opened);
    (void)pthread_mutex_destroy(&gate->lock);
}

/* Signals while the lock is held: whoever waited may deinit the gate as soon as it is let through,
 * and nothing here touches the gate after the unlock. */
void gate_open(struct gate *gate) {
    lock(&gate->lock);
    gate->open = true;
    require(pthread_cond_broadcast(&gate->opened) == 0);
    unlock(&gate->lock);
}

bool gate_wait(struct gate *gate, int64_t timeout_us) {
    struct timespec deadline = {0};
    if (timeout_us > 0) {
        deadline = deadline_after(timeout_us);
    }
    lock(&gate->lock);
    bool in_time = timeout_us != 0;
    while (!gate->open && in_time) {
        in_time = wait_until(&gate->opened, &gate->lock, timeout_us < 0 ? NULL : &deadline);
    }
    bool open = gate->open;
    unlock(&gate->lock);
    return open;
}
