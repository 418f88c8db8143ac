/* A ring of pieces between one giver and one taker. */
#include "feed/handover.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define PIECES 4
#define PIECE ((size_t)256 * 1024)

struct handover {
    enum status (*take)(void *context, const void *data, size_t length);
    void *context;
    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool closed;
    bool is_open; /* a piece is begun; only the giver asks */
    enum status status;
    unsigned first, count; /* of the filled pieces */
    struct {
        char *data;
        size_t length;
    } pieces[PIECES];
};

static void *take_all(void *context) {
    struct handover *handover = context;
    pthread_mutex_lock(&handover->lock);
    for (;;) {
        while (handover->count == 0 && !handover->closed) {
            pthread_cond_wait(&handover->changed, &handover->lock);
        }
        if (handover->count == 0) {
            break;
        }
        unsigned at = handover->first;
        enum status status = handover->status;
        pthread_mutex_unlock(&handover->lock);
        if (status == STATUS_OK) {
            status = handover->take(handover->context, handover->pieces[at].data,
                                    handover->pieces[at].length);
        }
        pthread_mutex_lock(&handover->lock);
        handover->status = status;
        handover->first = (at + 1) % PIECES;
        handover->count--;
        pthread_cond_signal(&handover->changed);
    }
    pthread_mutex_unlock(&handover->lock);
    return NULL;
}

struct handover *handover_new(enum status (*take)(void *context, const void *data, size_t length),
                              void *context) {
    struct handover *handover = memory_alloc_zero(1, sizeof(*handover));
    handover->take = take;
    handover->context = context;
    pthread_mutex_init(&handover->lock, NULL);
    pthread_cond_init(&handover->changed, NULL);
    for (unsigned i = 0; i < PIECES; i++) {
        handover->pieces[i].data = memory_alloc(PIECE);
    }
    handover->threaded = pthread_create(&handover->thread, NULL, take_all, handover) == 0;
    return handover;
}

/* The piece being filled, the giver's alone until it is handed over. */
static unsigned open_piece(const struct handover *handover) {
    return (handover->first + handover->count) % PIECES;
}

static void hand_over(struct handover *handover) {
    handover->count++;
    handover->is_open = false;
    pthread_cond_signal(&handover->changed);
}

/* What comes in small lots waits until a piece is full: each piece wakes the taker, which costs
 * both as much as the work on some thousand bytes. */
static enum status give_piece(struct handover *handover, const char *data, size_t length) {
    pthread_mutex_lock(&handover->lock);
    if (handover->is_open && handover->pieces[open_piece(handover)].length + length > PIECE) {
        hand_over(handover);
    }
    while (handover->count == PIECES && handover->status == STATUS_OK) {
        pthread_cond_wait(&handover->changed, &handover->lock);
    }
    enum status status = handover->status;
    unsigned at = open_piece(handover);
    pthread_mutex_unlock(&handover->lock);
    if (status != STATUS_OK) {
        return status;
    }
    size_t begin = handover->is_open ? handover->pieces[at].length : 0;
    memcpy(handover->pieces[at].data + begin, data, length);
    handover->pieces[at].length = begin + length;
    handover->is_open = true;
    return STATUS_OK;
}

enum status handover_give(struct handover *handover, const void *data, size_t length) {
    const char *bytes = data;
    if (!handover->threaded) {
        if (handover->status == STATUS_OK) {
            handover->status = handover->take(handover->context, data, length);
        }
        return handover->status;
    }
    for (size_t at = 0; at < length; at += PIECE) {
        enum status status =
            give_piece(handover, bytes + at, length - at < PIECE ? length - at : PIECE);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status handover_finish(struct handover *handover) {
    if (handover == NULL) {
        return STATUS_OK;
    }
    if (handover->threaded) {
        pthread_mutex_lock(&handover->lock);
        if (handover->is_open) {
            hand_over(handover);
        }
        handover->closed = true;
        pthread_cond_signal(&handover->changed);
        pthread_mutex_unlock(&handover->lock);
        pthread_join(handover->thread, NULL);
    }
    enum status status = handover->status;
    for (unsigned i = 0; i < PIECES; i++) {
        free(handover->pieces[i].data);
    }
    pthread_cond_destroy(&handover->changed);
    pthread_mutex_destroy(&handover->lock);
    free(handover);
    return status;
}
