/* A Daily Reset straight from Prism's inventory API, without any file.
 *
 * The inventory is read in pages while stores go on selling, and the server tells of no common
 * instant. What makes the statement honest all the same (docs/decisions.md has the reasoning):
 * before the first page and after the last one the server is asked what it knows of each store's
 * registers, and which documents appeared in between; whatever those touched is read again, until a
 * look finds nothing new for a store. Its figures then hold exactly the documents up to the numbers
 * of that look, and these are the statement's watermarks. A store that never comes to rest is left
 * out, which is said; nothing is guessed. */
#ifndef ONHAND_POS_PRISM_SNAPSHOT_H
#define ONHAND_POS_PRISM_SNAPSHOT_H

#include "base/json.h"
#include "pos/prism_session.h"
#include "schedule/jobs.h"

struct prism_snapshot;
struct source;

/* Adds the job "snapshot:NAME". */
must_check enum status prism_snapshot_new(struct source *source, struct prism_session *session,
                                          struct jobs *jobs, struct prism_snapshot **snapshot_out,
                                          struct error *error);
void prism_snapshot_free(struct prism_snapshot *snapshot); /* after jobs_stop; NULL is fine */

/* One object: when the last one was, what came of it, which stores were left out. Any thread. */
void prism_snapshot_write_json(struct prism_snapshot *snapshot, struct json_writer *writer);

#endif
