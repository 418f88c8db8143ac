/* A hub that is watched: its /v1/now every second, and its stream of events, over restarts of the
 * hub and of the network. One thread; nothing here ever waits but watch_wait. */
#ifndef ONHAND_CLI_WATCH_H
#define ONHAND_CLI_WATCH_H

#include "cli/top.h"

struct watch;

/* Both are copied. */
struct watch *watch_new(const char *url, const char *token);
void watch_free(struct watch *watch); /* NULL is fine */

/* Waits until the network or one of the descriptors has something, at most so long, and does what
 * there is to do. True: there is something new to show. */
bool watch_wait(struct watch *watch, const int *fds, size_t fd_count, int64_t most_us);

/* The hub does not take the token (any longer). */
bool watch_is_refused(const struct watch *watch);

/* What is known now; it lasts until the next call of anything here. The answer given is taken for
 * the first one of the hub, as if it came just now. */
void watch_begin(struct watch *watch, const json_t *now);
void watch_model(struct watch *watch, struct top_model *model_out);

#endif
