/* The queue keeps order, loses nothing under several producers, and always lets its taker go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/queue.h"
#include "base/timestamp.h"

#include <unistd.h>

#define PRODUCERS 4
#define PER_PRODUCER 20000

struct piece {
    struct queue_item item;
    int producer, number;
};

static void test_order_and_limit(void **state) {
    (void)state;
    struct queue queue;
    struct piece pieces[5] = {0};
    queue_init(&queue);
    for (int i = 0; i < 5; i++) {
        pieces[i].number = i;
        assert_true(queue_push(&queue, &pieces[i].item));
    }
    assert_int_equal(queue_count(&queue), 5);
    int next = 0;
    for (int take = 0; take < 3; take++) {
        size_t taken = 0;
        for (struct queue_item *item = queue_take(&queue, 2, 0); item; item = item->next) {
            assert_int_equal(((struct piece *)item)->number, next++);
            taken++;
        }
        assert_int_equal(taken, take < 2 ? 2 : 1);
    }
    assert_null(queue_take(&queue, 2, 0));
    assert_true(queue_push(&queue, &pieces[0].item)); /* the tail was mended */
    assert_ptr_equal(queue_take(&queue, SIZE_MAX, -1), &pieces[0].item);
    queue_deinit(&queue);
}

static void test_timeout(void **state) {
    (void)state;
    struct queue queue;
    queue_init(&queue);
    int64_t start_us = monotonic_us();
    assert_null(queue_take(&queue, 1, 30000));
    int64_t waited_us = monotonic_us() - start_us;
    assert_true(waited_us >= 30000 && waited_us < 5000000);
    queue_deinit(&queue);
}

static void test_close_drains_then_refuses(void **state) {
    (void)state;
    struct queue queue;
    struct piece a = {0}, b = {0};
    queue_init(&queue);
    assert_true(queue_push(&queue, &a.item));
    queue_close(&queue);
    assert_false(queue_push(&queue, &b.item));
    assert_ptr_equal(queue_take(&queue, 10, -1), &a.item);
    assert_null(queue_take(&queue, 10, -1));
    queue_deinit(&queue);
}

static void test_a_wake_before_the_wait_is_not_lost(void **state) {
    (void)state;
    struct queue queue;
    queue_init(&queue);
    queue_wake(&queue);
    assert_null(queue_take(&queue, 1, -1));
    int64_t start_us = monotonic_us();
    assert_null(queue_take(&queue, 1, 5000));
    assert_true(monotonic_us() - start_us >= 5000); /* it counted once */
    queue_deinit(&queue);
}

struct producer {
    struct queue *queue;
    struct piece pieces[PER_PRODUCER];
};

static void *push_all(void *context) {
    struct producer *producer = context;
    for (int i = 0; i < PER_PRODUCER; i++) {
        if (!queue_push(producer->queue, &producer->pieces[i].item)) {
            return NULL;
        }
    }
    return context;
}

static struct producer producers[PRODUCERS];

static void test_many_producers(void **state) {
    (void)state;
    struct queue queue;
    pthread_t threads[PRODUCERS];
    int next[PRODUCERS] = {0};
    queue_init(&queue);
    for (int p = 0; p < PRODUCERS; p++) {
        producers[p].queue = &queue;
        for (int i = 0; i < PER_PRODUCER; i++) {
            producers[p].pieces[i] = (struct piece){.producer = p, .number = i};
        }
        assert_int_equal(pthread_create(&threads[p], NULL, push_all, &producers[p]), 0);
    }
    int total = 0;
    while (total < PRODUCERS * PER_PRODUCER) {
        struct queue_item *item = queue_take(&queue, 1000, -1);
        assert_non_null(item);
        for (; item != NULL; item = item->next) {
            struct piece *piece = (struct piece *)item;
            assert_int_equal(piece->number, next[piece->producer]++);
            total++;
        }
    }
    for (int p = 0; p < PRODUCERS; p++) {
        assert_int_equal(pthread_join(threads[p], NULL), 0);
    }
    assert_int_equal(queue_count(&queue), 0);
    queue_deinit(&queue);
}

struct late_push {
    struct queue *queue;
    struct piece piece;
};

static void *push_later(void *context) {
    struct late_push *late = context;
    (void)usleep(20000);
    (void)queue_push(late->queue, &late->piece.item);
    return NULL;
}

static void test_a_single_push_ends_a_wait(void **state) {
    (void)state;
    struct queue queue;
    pthread_t thread;
    queue_init(&queue);
    struct late_push late = {.queue = &queue};
    int64_t start_us = monotonic_us();
    assert_int_equal(pthread_create(&thread, NULL, push_later, &late), 0);
    assert_ptr_equal(queue_take(&queue, 1, 20000000), &late.piece.item);
    assert_true(monotonic_us() - start_us < 10000000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    queue_deinit(&queue);
}

static void *wake_later(void *context) {
    (void)usleep(20000);
    queue_wake(context);
    return NULL;
}

static void *close_later(void *context) {
    (void)usleep(20000);
    queue_close(context);
    return NULL;
}

static void test_wake_and_close_end_a_wait(void **state) {
    (void)state;
    struct queue queue;
    pthread_t thread;
    queue_init(&queue);
    assert_int_equal(pthread_create(&thread, NULL, wake_later, &queue), 0);
    assert_null(queue_take(&queue, 1, -1));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, close_later, &queue), 0);
    assert_null(queue_take(&queue, 1, -1));
    assert_int_equal(pthread_join(thread, NULL), 0);
    queue_deinit(&queue);
}

static void *open_later(void *context) {
    (void)usleep(20000);
    gate_open(context);
    return NULL;
}

static void test_gate(void **state) {
    (void)state;
    struct gate gate;
    pthread_t thread;
    gate_init(&gate);
    assert_false(gate_wait(&gate, 0));
    assert_false(gate_wait(&gate, 2000));
    assert_int_equal(pthread_create(&thread, NULL, open_later, &gate), 0);
    assert_true(gate_wait(&gate, -1));
    assert_true(gate_wait(&gate, 0));
    assert_int_equal(pthread_join(thread, NULL), 0);
    gate_deinit(&gate);
}

int main(void) {
    const struct CMUnitTest queue[] = {
        cmocka_unit_test(test_order_and_limit),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_close_drains_then_refuses),
        cmocka_unit_test(test_a_wake_before_the_wait_is_not_lost),
        cmocka_unit_test(test_many_producers),
        cmocka_unit_test(test_a_single_push_ends_a_wait),
        cmocka_unit_test(test_wake_and_close_end_a_wait),
        cmocka_unit_test(test_gate),
    };
    return cmocka_run_group_tests(queue, NULL, NULL);
}
