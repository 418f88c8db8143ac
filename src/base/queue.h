/* Where threads meet: a queue of many producers and one consumer, and a gate to wait at.
 *
 * Items are intrusive: embed a struct queue_item first in what is queued. The consumer takes
 * everything at once, in order of arrival, so a batch grows while the previous one is written. */
#ifndef ONHAND_BASE_QUEUE_H
#define ONHAND_BASE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue_item {
    struct queue_item *next;
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct queue_item *head, **tail;
    size_t count;
    bool closed;
    bool woken; /* a queue_wake that no queue_take has answered yet */
};

void queue_init(struct queue *queue);
void queue_deinit(struct queue *queue); /* must be empty */
/* False when closed: the item stays the caller's. */
bool queue_push(struct queue *queue, struct queue_item *item);
/* Takes up to `most` items as a linked list; waits up to timeout_us (negative: for ever) for the
 * first. NULL on timeout, or when closed and empty. */
struct queue_item *queue_take(struct queue *queue, size_t most, int64_t timeout_us);
void queue_close(struct queue *queue); /* lets what is queued be taken, refuses more */
void queue_wake(struct queue *queue);  /* makes a waiting queue_take return early, or the next one
                                          where none waits: a wake is never lost */
bool queue_is_closed(struct queue *queue);
size_t queue_count(struct queue *queue);

/* A gate opens once; whoever waits is let through then. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool open;
};

void gate_init(struct gate *gate);
void gate_deinit(struct gate *gate);
void gate_open(struct gate *gate);
bool gate_wait(struct gate *gate, int64_t timeout_us); /* false on timeout; negative: for ever */

#endif
