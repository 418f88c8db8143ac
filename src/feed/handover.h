/* Bytes handed from one thread to another: who unpacks goes on while who reads is busy.
 *
 * Small lots wait until they are a piece, or the end. At most a few pieces wait; then the giver
 * does. The taker runs in a thread of its own, and where none can be had it runs in the giver's. */
#ifndef ONHAND_FEED_HANDOVER_H
#define ONHAND_FEED_HANDOVER_H

#include <stddef.h>

#include "base/status.h"

struct handover;

/* `take` is called for the bytes in order, from one thread; its first status other than STATUS_OK
 * ends the work and is given to the giver. */
struct handover *handover_new(enum status (*take)(void *context, const void *data, size_t length),
                              void *context);
/* Copies the bytes. What `take` has said so far. */
must_check enum status handover_give(struct handover *handover, const void *data, size_t length);
/* Waits until all is taken; what `take` said in the end. Frees it. NULL is fine. */
enum status handover_finish(struct handover *handover);

#endif
