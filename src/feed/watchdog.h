/* Ends a connection on which nothing moves any more.
 *
 * libssh waits for ever for an answer inside an SFTP session; so a thread of its own shuts the
 * socket down once nobody has said for a while that things go on, and libssh then reports a
 * failure. */
#ifndef ONHAND_FEED_WATCHDOG_H
#define ONHAND_FEED_WATCHDOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct watchdog {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool started, ending, bitten;
    int socket;
    int64_t patience_us;
    uint64_t signs; /* of life */
};

void watchdog_start(struct watchdog *watchdog, int socket, int64_t patience_us);
void watchdog_alive(struct watchdog *watchdog);
bool watchdog_has_bitten(struct watchdog *watchdog);
void watchdog_stop(struct watchdog *watchdog); /* before the socket is closed */

#endif
