/* Connections, and the end of those that only take up room.
 *
 * The server library ends a connection on which nothing moves. That does not help against one that
 * sends a byte every ten seconds: here a request's head must be there in time, and a body must move
 * faster than that. The fewer places are left, the less patience there is. */
#include "api/api_internal.h"

#include <stdlib.h>
#include <sys/socket.h>

#define SWEEP_US (US_PER_SECOND / 2)
#define PRESSED_HEAD_US (3 * US_PER_SECOND)
#define BODY_WINDOW_US (30 * US_PER_SECOND)
#define BODY_WINDOW_BYTES 1024u

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_ANSWER };

struct connection {
    struct connections *owner;
    struct connection *next, *previous;
    int fd;
    enum phase phase;
    bool ended;
    bool endless;      /* the body may go on for ever, as long as it moves */
    int64_t since_us;  /* in this phase */
    int64_t window_us; /* when the present look at its speed began */
    uint64_t window_bytes;
};

struct connections {
    pthread_mutex_t lock;
    struct connection *first;
    uint64_t count, limit;
    int64_t timeout_us;
    pthread_t sweeper;
    struct gate stop;
};

static void lock(struct connections *c) {
    require(pthread_mutex_lock(&c->lock) == 0);
}

static void unlock(struct connections *c) {
    require(pthread_mutex_unlock(&c->lock) == 0);
}

/* Whether it has had its time; `pressed`: most places are taken. */
static bool is_overdue(const struct connection *connection, int64_t now_us, bool pressed) {
    int64_t timeout_us = connection->owner->timeout_us;
    if (connection->phase == PHASE_HEAD) {
        int64_t patience_us = pressed ? PRESSED_HEAD_US : timeout_us;
        return now_us - connection->since_us > patience_us;
    }
    if (connection->phase != PHASE_BODY) {
        return false;
    }
    if (!connection->endless && now_us - connection->since_us > timeout_us) {
        return true;
    }
    return now_us - connection->window_us > BODY_WINDOW_US &&
           connection->window_bytes < BODY_WINDOW_BYTES;
}

static void sweep(struct connections *connections) {
    int64_t now_us = monotonic_us();
    lock(connections);
    bool pressed = connections->count > connections->limit / 4 * 3;
    for (struct connection *c = connections->first; c != NULL; c = c->next) {
        if (!c->ended && is_overdue(c, now_us, pressed)) {
            c->ended = true; /* its thread sees the end of the stream, and closes */
            (void)shutdown(c->fd, SHUT_RDWR);
        } else if (now_us - c->window_us > BODY_WINDOW_US) {
            c->window_us = now_us;
            c->window_bytes = 0;
        }
    }
    unlock(connections);
}

static void *sweep_for_ever(void *context) {
    struct connections *connections = context;
    while (!gate_wait(&connections->stop, SWEEP_US)) {
        sweep(connections);
    }
    return NULL;
}

struct connections *connections_new(const struct config_limits *limits) {
    struct connections *connections = memory_alloc_zero(1, sizeof *connections);
    require(pthread_mutex_init(&connections->lock, NULL) == 0);
    gate_init(&connections->stop);
    connections->limit = (uint64_t)limits->connections;
    connections->timeout_us = limits->request_timeout_us;
    require(pthread_create(&connections->sweeper, NULL, sweep_for_ever, connections) == 0);
    (void)pthread_setname_np(connections->sweeper, "api-sweeper");
    return connections;
}

void connections_free(struct connections *connections) {
    if (connections == NULL) {
        return;
    }
    require(connections->first == NULL);
    gate_open(&connections->stop);
    (void)pthread_join(connections->sweeper, NULL);
    gate_deinit(&connections->stop);
    (void)pthread_mutex_destroy(&connections->lock);
    free(connections);
}

void connections_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
                        enum MHD_ConnectionNotificationCode code) {
    struct connections *connections = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct connection *c = memory_alloc_zero(1, sizeof *c);
        c->owner = connections;
        c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        c->since_us = c->window_us = monotonic_us();
        lock(connections);
        c->next = connections->first;
        if (c->next != NULL) {
            c->next->previous = c;
        }
        connections->first = c;
        connections->count++;
        unlock(connections);
        *socket_context = c;
        return;
    }
    struct connection *c = *socket_context;
    lock(connections);
    *(c->previous != NULL ? &c->previous->next : &connections->first) = c->next;
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    connections->count--;
    unlock(connections);
    free(c);
}

struct connection *connection_of(struct MHD_Connection *mhd) {
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void enter(struct connection *c, enum phase phase, bool endless) {
    int64_t now_us = monotonic_us();
    lock(c->owner);
    c->phase = phase;
    c->endless = endless;
    c->since_us = c->window_us = now_us;
    c->window_bytes = 0;
    unlock(c->owner);
}

void connection_begin(struct connection *connection, bool endless) {
    enter(connection, PHASE_BODY, endless);
}

void connection_progress(struct connection *connection, uint64_t bytes) {
    lock(connection->owner);
    connection->window_bytes += bytes;
    unlock(connection->owner);
}

void connection_body_done(struct connection *connection) {
    enter(connection, PHASE_ANSWER, false);
}

void connection_idle(struct connection *connection) {
    enter(connection, PHASE_HEAD, false);
}

uint64_t connections_count(struct connections *connections) {
    lock(connections);
    uint64_t count = connections->count;
    unlock(connections);
    return count;
}
