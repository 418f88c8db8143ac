/* Reads a source's documents from Prism's API, again and again, so that none is missed.
 *
 * The job "source:NAME" runs every `poll`. It reads several streams, each from its own durable
 * cursor less the overlap: documents by when they were changed and by when they were posted,
 * vouchers, slips, and memos. A cursor moves on only once what was read is on disk in the hub. One
 * stream that fails does not stop the others; it is tried again after a growing pause. Stores that
 * have been silent are asked for by name in turn, since what they come back with is older than any
 * overlap. While one page is taken, the next one is under way. */
#ifndef ONHAND_POS_PRISM_POLL_H
#define ONHAND_POS_PRISM_POLL_H

#include "base/json.h"
#include "pos/prism_session.h"
#include "schedule/jobs.h"

struct prism_poll;
struct source;

/* Adds the jobs "source:NAME" and "snapshot:NAME"; `jobs` must not have been started. */
must_check enum status prism_poll_new(struct source *source, struct jobs *jobs,
                                      struct prism_poll **poll_out, struct error *error);
void prism_poll_free(struct prism_poll *poll); /* after jobs_stop; NULL is fine */

/* Shared with the snapshot: one user has one session. */
struct prism_session *prism_poll_session(struct prism_poll *poll);

/* One object: last poll, last success, lag, failures, next try, and each stream. Any thread. */
void prism_poll_write_json(struct prism_poll *poll, struct json_writer *writer);

#endif
