/* The thread sleeps for the whole patience and looks whether there was a sign meanwhile; so it may
 * take up to twice as long, and signs cost next to nothing. */
#include "feed/watchdog.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>

static struct timespec after(int64_t us) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += us / 1000000;
    t.tv_nsec += (us % 1000000) * 1000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

static void *watch(void *context) {
    struct watchdog *w = context;
    pthread_mutex_lock(&w->lock);
    while (!w->ending && !w->bitten) {
        uint64_t before = w->signs;
        struct timespec until = after(w->patience_us);
        int waited = 0;
        while (!w->ending && waited != ETIMEDOUT) {
            waited = pthread_cond_timedwait(&w->changed, &w->lock, &until);
        }
        if (!w->ending && w->signs == before) {
            w->bitten = true;
            shutdown(w->socket, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

void watchdog_start(struct watchdog *w, int socket, int64_t patience_us) {
    pthread_condattr_t attributes;
    *w = (struct watchdog){.socket = socket, .patience_us = patience_us};
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    w->started = pthread_create(&w->thread, NULL, watch, w) == 0;
}

void watchdog_alive(struct watchdog *w) {
    pthread_mutex_lock(&w->lock);
    w->signs++;
    pthread_mutex_unlock(&w->lock);
}

bool watchdog_has_bitten(struct watchdog *w) {
    pthread_mutex_lock(&w->lock);
    bool bitten = w->bitten;
    pthread_mutex_unlock(&w->lock);
    return bitten;
}

void watchdog_stop(struct watchdog *w) {
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (w->started) {
        pthread_join(w->thread, NULL);
    }
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
}
