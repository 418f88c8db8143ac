/* Which stores have not been heard of lately, and from when on they are to be asked for by name.
 *
 * A store that was off line comes back with documents that carry the times they had: older than
 * what the streams read again. So each store's newest document is remembered, and a store whose
 * newest one is older than the overlap is looked at in turn, from there on. So is, for a while, one
 * that spoke again after a silence, since what it said first may not have been the oldest. Pure
 * memory: filled from what is read, kept across restarts by the poller. One thread at a time. */
#ifndef ONHAND_POS_PRISM_SILENT_H
#define ONHAND_POS_PRISM_SILENT_H

#include "base/json.h"

struct prism_silent;
struct prism_silent *prism_silent_new(void);
void prism_silent_free(struct prism_silent *silent); /* NULL is fine */

/* A document of this store was there, of this time on the server's clock. */
void prism_silent_heard(struct prism_silent *silent, struct text store_sid, int64_t at_us,
                        int64_t overlap_us, int64_t now_us);

/* The store that has waited longest to be looked at, and from when on to read; false: none now. The
 * text lives as long as the table. `run` numbers the poll: each store once in one. */
bool prism_silent_next(struct prism_silent *silent, uint64_t run, int64_t overlap_us,
                       int64_t now_us, struct text *store_sid_out, int64_t *from_us_out);

size_t prism_silent_count(const struct prism_silent *silent);
/* {"sid": time, ...}, and back. */
void prism_silent_write(const struct prism_silent *silent, struct json_writer *writer);
void prism_silent_read(struct prism_silent *silent, struct text json, struct arena *arena);

#endif
