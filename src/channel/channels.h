/* The channels: each configured one of type file is a job that writes our figures where others
 * fetch them, each other one a publisher with a thread of its own, and a job for its audit.
 *
 *   channels_new (adds its jobs) -> channels_start -> jobs_start -> ...
 *     -> channels_quiesce -> jobs_stop -> channels_stop -> hub_stop -> channels_free
 *
 * Reading what is known of them may be done from any thread. */
#ifndef ONHAND_CHANNEL_CHANNELS_H
#define ONHAND_CHANNEL_CHANNELS_H

#include "base/json.h"
#include "channel/deliveries.h"
#include "channel/publisher.h"
#include "hub/hub.h"
#include "schedule/jobs.h"

struct channels;

/* Adds a job "channel:NAME" for every channel of type file, and "audit:NAME" for every other that
 * can be read back; `jobs` must not have been started. */
must_check enum status channels_new(struct hub *hub, struct jobs *jobs,
                                    struct channels **channels_out, struct error *error);
void channels_start(struct channels *channels);   /* after hub_start */
void channels_quiesce(struct channels *channels); /* gives audits up; NULL is fine */
void channels_stop(struct channels *channels);    /* drains, then ends; NULL is fine */
void channels_free(struct channels *channels);    /* after jobs_stop; NULL is fine */

/* The array of GET /v1/channels, as one value. */
void channels_write_json(struct channels *channels, struct json_writer *writer);
/* One of them, whole; STATUS_NOT_FOUND and nothing written. */
must_check enum status channels_write_one(struct channels *channels, struct text name,
                                          struct json_writer *writer);
/* Which messages of shops were taken lately. */
struct deliveries *channels_deliveries(struct channels *channels);
/* The publishers, for orders and figures: NULL where there is none of this name, or no more. */
struct publisher *channels_find(struct channels *channels, struct text name);
struct publisher *channels_at(struct channels *channels, size_t index);

#endif
