/* The channels: each configured one of type file is a job that writes our figures where others
 * fetch them.
 *
 *   channels_new (adds its jobs) -> jobs_start -> ... -> jobs_stop -> channels_free
 *
 * Reading what is known of them may be done from any thread. */
#ifndef ONHAND_CHANNEL_CHANNELS_H
#define ONHAND_CHANNEL_CHANNELS_H

#include "base/json.h"
#include "hub/hub.h"
#include "schedule/jobs.h"

struct channels;

/* Adds a job "channel:NAME" for every channel of type file; `jobs` must not have been started. */
must_check enum status channels_new(struct hub *hub, struct jobs *jobs,
                                    struct channels **channels_out, struct error *error);
void channels_free(struct channels *channels); /* after jobs_stop; NULL is fine */

/* The array of GET /v1/channels, as one value. */
void channels_write_json(struct channels *channels, struct json_writer *writer);

#endif
