/* A target, what waits for it, and what became of it. */
#ifndef ONHAND_CHANNEL_NOTIFY_INTERNAL_H
#define ONHAND_CHANNEL_NOTIFY_INTERNAL_H

#include <pthread.h>

#include "channel/notify.h"
#include "http/client.h"

#define NOTIFY_ID_SIZE 32 /* "msg_" and 24 hexadecimal digits, NUL */
#define NOTIFY_WAITING_MAX 256
#define NOTIFY_GIVE_UP_US US_PER_DAY

/* One CloudEvent on its way. Its item in the store is written before it is sent first. */
struct notify_message {
    struct notify_message *next;
    char id[NOTIFY_ID_SIZE];
    struct buffer body; /* as it is signed and sent, each time the same */
    struct buffer held; /* the id of the reset it tells of as held; empty: another notice */
    int64_t queued_us;
};

/* A late feed that was told, so that it is not told at every look. */
struct notify_late {
    struct notify_late *next;
    struct buffer feed;
    int64_t at_us;
};

struct target {
    struct hub *hub;
    const struct config_notify *config;
    struct subscriber subscriber;
    pthread_t thread;
    bool started, subscribed;

    struct item_watch watch; /* what other hubs leave for it */
    char lease_name[96];     /* the hub that has it delivers */

    /* The thread's own. */
    uint64_t token; /* of the lease under which the queue was loaded; 0: it is not ours */
    struct http_client *client;          /* NULL: not yet, or its settings do not do */
    struct notify_message *head, **tail; /* oldest first */
    struct notify_late *late;
    int64_t last_queued_us;  /* so that no two are of one instant, and their order is on disk */
    uint64_t cursor;         /* the last notice seen */
    uint64_t dropped_untold; /* since something was delivered */
    unsigned failures_in_row;
    int64_t next_try_us; /* monotonic */

    pthread_mutex_t lock; /* all that follows */
    pthread_cond_t changed;
    bool woken;
    bool is_news;  /* another hub left something */
    bool stopping; /* also read atomically, by a request going on */
    struct notify_info info;
};

/* ---- notify_message.c ---- */
/* `dropped`: how many notices were lost since something was delivered. */
struct notify_message *notify_message_new(const struct notice *notice, int64_t now_us,
                                          uint64_t dropped);
void notify_message_free(struct notify_message *message);
/* The item of the store and back. `told`: kept only so that a held reset is not told again. */
void notify_message_write(const struct notify_message *message, bool told, struct buffer *json);
must_check enum status notify_message_read(struct text id, struct text json,
                                           struct notify_message **message_out, bool *told_out);

/* ---- notify_queue.c ---- */
/* What waits according to the store. */
void notify_queue_load(struct target *target);
/* Forgets what waits; the store still has it. */
void notify_queue_forget(struct target *target);
/* What is held and was never told. */
void notify_queue_find_untold(struct target *target);
void notify_queue_free(struct target *target);
/* Takes the news since the last time. */
void notify_queue_take(struct target *target);
/* Puts the first at the end, so that those behind it get their turn. */
void notify_queue_rotate(struct target *target);
/* The first is done with: delivered, or not to be sent any more. */
void notify_queue_done(struct target *target, bool delivered);

/* ---- notify_send.c ---- */
/* Tries to deliver the first; afterwards it is gone, or next_try_us says when to try again. */
void notify_send(struct target *target);

#endif
