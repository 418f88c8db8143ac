/* Tells somebody by webhook what a person has to know: a reset waits for a decision, a feed failed,
 * is late, or works again.
 *
 *   notify_new (threads run) -> ... -> notify_stop -> hub_stop -> notify_free
 *
 * Each target of the configuration has a thread, a bounded queue, and its place in the store: what
 * was not delivered yet outlives a restart, under the same webhook-id, and a reset that is still
 * held when the hub starts is told if it was not told before. */
#ifndef ONHAND_CHANNEL_NOTIFY_H
#define ONHAND_CHANNEL_NOTIFY_H

#include "base/json.h"
#include "hub/hub.h"

struct notify;

/* The hub must be started. */
must_check enum status notify_new(struct hub *hub, struct notify **notify_out, struct error *error);
/* Ends the threads; what waits stays in the store. What is told of them may still be read. */
void notify_stop(struct notify *notify); /* NULL is fine, here and below */
void notify_free(struct notify *notify);

struct notify_info {
    struct text name;
    const char *state; /* new, ok, failing, stopped */
    uint64_t waiting, sent, failures, dropped;
    char last_error[256];                /* empty: none so far */
    int64_t last_sent_us, last_error_us; /* 0: never */
};

/* From any thread. */
size_t notify_count(const struct notify *notify);
void notify_info(struct notify *notify, size_t index, struct notify_info *info_out);
/* An array, as in GET /v1/status. */
void notify_write_json(struct notify *notify, struct json_writer *writer);

#endif
