/* What a feed remembers of the files it sees in its directory, from look to look and from run to
 * run. Used by the run's thread only. */
#ifndef ONHAND_FEED_FEED_LOOK_H
#define ONHAND_FEED_FEED_LOOK_H

#include "feed/feeds_internal.h"

/* Takes a listing in: new files are added, what is unchanged is seen once more, what is gone is
 * forgotten. The looks are then in order of age. */
void feed_look_at(struct feed *feed, const struct source_listing *listing, int64_t now_us);

/* By what it was called in the last listing; NULL: there is none. */
struct look *feed_find_look(struct feed *feed, struct text path);

void feed_looks_deinit(struct feed *feed);

#endif
