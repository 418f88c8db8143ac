/* Which hub a file belongs to, where several look into one directory.
 *
 * Hubs with data of their own know nothing of each other: the directory is all they share. There a
 * rename is the one thing that only one of them can do. So a file is claimed by a name of its own,
 * NAME.onhand-claim-TAG, before a byte of it is read. */
#ifndef ONHAND_FEED_FEED_CLAIM_H
#define ONHAND_FEED_FEED_CLAIM_H

#include "feed/feeds_internal.h"

/* Cuts the claim off a name; false: there is none, and both are as for a free file. */
bool claim_split(struct text path, struct text *name_out, struct text *tag_out);

/* Draws this hub's tag, or reads the one that was drawn before; once a run. */
must_check enum status claim_tag_load(struct feed *feed, struct error *error);

/* Whether the name is a file's without a claim, or with one that this feed may look at. *name_out:
 * without its claim. */
bool claim_is_looked_at(const struct feed *feed, struct text path, struct text *name_out);

/* What the name tells of a file's owner. */
enum claim claim_of(const struct feed *feed, struct text path);

/* Makes the file this hub's own. STATUS_RETRY: another hub was quicker. */
must_check enum status claim_take(struct feed *feed, struct file_source *source, struct look *look,
                                  struct error *error);

/* Brings a file that was moved away by mistake back, claimed. STATUS_RETRY when that is done. */
must_check enum status claim_back(struct feed *feed, struct file_source *source,
                                  const struct look *look, const char *from, struct error *error);

#endif
