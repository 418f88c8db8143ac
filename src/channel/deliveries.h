/* Which of the shops' messages were taken lately, so that one that is delivered again is answered
 * at once and changes nothing.
 *
 * The last DELIVERIES_KEPT are known, in memory only. More is not needed: what a message books has
 * ids of its own in the ledger, which are for ever, so that after a restart, or after a great many
 * others, a repeated one is taken once more and comes out the same. A message is known by its id
 * and its signature together, since the signature covers the body but not the id: nobody can use up
 * the id of a message that is still to come. */
#ifndef ONHAND_CHANNEL_DELIVERIES_H
#define ONHAND_CHANNEL_DELIVERIES_H

#include "base/text.h"

#define DELIVERIES_KEPT 4096u

struct deliveries;

struct deliveries *deliveries_new(void);
void deliveries_free(struct deliveries *deliveries); /* NULL is fine */

struct delivery {
    struct text channel, id, signature;
};
/* False also where the message has no id. Any thread. */
bool deliveries_know(struct deliveries *deliveries, const struct delivery *delivery);
/* It was taken: everything it says is on disk. */
void deliveries_add(struct deliveries *deliveries, const struct delivery *delivery);

#endif
