/* Connections, and the end of those that only take up room.
 *
 * The server library ends a connection on which nothing moves. That does not help against one that
 * sends a byte every ten seconds: here a request's head must be there in time, and a body must move
 * faster than that. When all places are taken, a newcomer gets the place of the oldest one that has
 * never sent a request, else of the one idle for longest: whoever asks at once is always heard.
 * There is no limit for an address: behind a proxy everybody has the same. */
#include "api/api_internal.h"

#include <stdlib.h>
#include <sys/socket.h>

#define SWEEP_US (US_PER_SECOND / 2)
#define PRESSED_HEAD_US (3 * US_PER_SECOND)
#define BODY_WINDOW_US (30 * US_PER_SECOND)
#define BODY_WINDOW_BYTES 1024u

/* Before its first request; between two; its body; its answer. */
enum phase { PHASE_FRESH, PHASE_IDLE, PHASE_BODY, PHASE_ANSWER, PHASE_COUNT };

struct connection {
    struct connections *owner;
    struct connection *next, *previous;
    int fd;
    enum phase phase;
    bool ended;
    bool endless;      /* the body may go on for ever, as long as it moves */
    bool our_turn;     /* what it sent is being worked on: if nothing moves, it is not its fault */
    int64_t turn_us;   /* since when */
    int64_t since_us;  /* in this phase */
    int64_t window_us; /* when the present look at its speed began */
    uint64_t window_bytes;
};

struct connections {
    pthread_mutex_t lock;
    struct list {
        struct connection *first, *last; /* in order of since_us */
    } lists[PHASE_COUNT];
    uint64_t count; /* all of them */
    uint64_t alive; /* those that are not on their way out */
    uint64_t limit;
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

static void list_add(struct connection *c) {
    struct list *list = &c->owner->lists[c->phase];
    c->next = NULL;
    c->previous = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = c;
    list->last = c;
}

static void list_remove(struct connection *c) {
    struct list *list = &c->owner->lists[c->phase];
    *(c->previous != NULL ? &c->previous->next : &list->first) = c->next;
    *(c->next != NULL ? &c->next->previous : &list->last) = c->previous;
}

/* Its thread sees the end of the stream, and closes it. */
static void hang_up(struct connection *c) {
    if (!c->ended) {
        c->ended = true;
        c->owner->alive--;
        (void)shutdown(c->fd, SHUT_RDWR);
    }
}

/* ---- those that had their time ---- */

static void sweep_heads(struct connections *connections, enum phase phase, int64_t before_us) {
    struct connection *c = connections->lists[phase].first;
    for (; c != NULL && c->since_us < before_us; c = c->next) {
        hang_up(c);
    }
}

static void sweep_bodies(struct connections *connections, int64_t now_us) {
    for (struct connection *c = connections->lists[PHASE_BODY].first; c != NULL; c = c->next) {
        bool late = !c->endless && now_us - c->since_us > connections->timeout_us;
        bool window_over = !c->our_turn && now_us - c->window_us > BODY_WINDOW_US;
        if (late || (window_over && c->window_bytes < BODY_WINDOW_BYTES)) {
            hang_up(c);
        } else if (window_over) {
            c->window_us = now_us;
            c->window_bytes = 0;
        }
    }
}

static void sweep(struct connections *connections) {
    int64_t now_us = monotonic_us();
    lock(connections);
    bool pressed = connections->alive > connections->limit / 4 * 3;
    int64_t patience_us = pressed ? PRESSED_HEAD_US : connections->timeout_us;
    sweep_heads(connections, PHASE_FRESH, now_us - patience_us);
    sweep_heads(connections, PHASE_IDLE, now_us - connections->timeout_us);
    sweep_bodies(connections, now_us);
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
    require(connections->count == 0);
    gate_open(&connections->stop);
    (void)pthread_join(connections->sweeper, NULL);
    gate_deinit(&connections->stop);
    (void)pthread_mutex_destroy(&connections->lock);
    free(connections);
}

/* ---- coming and going ---- */

/* The oldest that can be spared makes room. The lock is held. */
static void evict(struct connections *connections) {
    for (enum phase phase = PHASE_FRESH; phase <= PHASE_IDLE; phase++) {
        struct connection *c = connections->lists[phase].first;
        while (c != NULL && c->ended) {
            c = c->next;
        }
        if (c != NULL) {
            hang_up(c);
            return;
        }
    }
}

static struct connection *connection_new(struct connections *connections, int fd) {
    struct connection *c = memory_alloc_zero(1, sizeof *c);
    c->owner = connections;
    c->fd = fd;
    c->phase = PHASE_FRESH;
    c->since_us = c->window_us = monotonic_us();
    lock(connections);
    if (connections->alive >= connections->limit) {
        evict(connections);
    }
    list_add(c);
    connections->count++;
    connections->alive++;
    unlock(connections);
    return c;
}

static void connection_free(struct connection *c) {
    struct connections *connections = c->owner;
    lock(connections);
    list_remove(c);
    connections->count--;
    connections->alive -= !c->ended;
    unlock(connections);
    free(c);
}

void connections_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
                        enum MHD_ConnectionNotificationCode code) {
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *socket_context = connection_new(cls, fd);
    } else {
        connection_free(*socket_context);
    }
}

struct connection *connection_of(struct MHD_Connection *mhd) {
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void enter(struct connection *c, enum phase phase, bool endless) {
    int64_t now_us = monotonic_us();
    lock(c->owner);
    list_remove(c);
    c->phase = phase;
    c->endless = endless;
    c->our_turn = false;
    c->since_us = c->window_us = now_us;
    c->window_bytes = 0;
    list_add(c);
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

void connection_our_turn(struct connection *connection, bool our_turn) {
    int64_t now_us = monotonic_us();
    lock(connection->owner);
    if (connection->our_turn) {
        connection->window_us += now_us - connection->turn_us;
    }
    connection->our_turn = our_turn;
    connection->turn_us = now_us;
    unlock(connection->owner);
}

void connection_body_done(struct connection *connection) {
    enter(connection, PHASE_ANSWER, false);
}

void connection_idle(struct connection *connection) {
    enter(connection, PHASE_IDLE, false);
}

uint64_t connections_count(struct connections *connections) {
    lock(connections);
    uint64_t count = connections->count;
    unlock(connections);
    return count;
}
