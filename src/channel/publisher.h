/* The publisher of one channel: keeps what the shop shows equal to what it should show.
 *
 *   publisher_new -> publisher_start -> ... -> publisher_drain -> publisher_stop -> publisher_free
 *
 * One thread per channel does everything that talks to the shop. It follows the hub's changes, asks
 * wanted.h for the figures, keeps them in an outbox, and sends batches through the platform, with
 * the intent on disk before each. Without publisher_start a simulator drives the same code by
 * publisher_step. Everything else here may be called from any thread and never waits for the shop.
 *
 * Where several hubs share a store, the one with the lease "channel:NAME" publishes. The others
 * stand by, tell what it last put on record, and pass on what they are ordered. */
#ifndef ONHAND_CHANNEL_PUBLISHER_H
#define ONHAND_CHANNEL_PUBLISHER_H

#include "base/json.h"
#include "channel/channel.h"
#include "schedule/jobs.h"

struct publisher;

struct publisher_options {
    struct hub *hub;
    const struct config_channel *config;     /* lives as long as the hub */
    const struct channel_platform *platform; /* the tests bring their own */
    struct leases *leases;                   /* NULL: those of the hub */
    uint64_t jitter_seed;                    /* 0: a random one */
};

/* Reads what is on record. A platform that cannot be opened (a secret that is missing) is no
 * failure here: the channel says so, and tries again. */
must_check enum status publisher_new(const struct publisher_options *options,
                                     struct publisher **publisher_out, struct error *error);
void publisher_start(struct publisher *publisher);
void publisher_quiesce(struct publisher *publisher); /* gives an audit up; before jobs_stop */
/* From now on it sends what waits while the shop takes it, for `drain_us` at most, and ends. Does
 * not wait. */
void publisher_drain(struct publisher *publisher, int64_t drain_us);
/* Waits for that end, then gives up what is going on. Before the hub stops. */
void publisher_stop(struct publisher *publisher);
void publisher_free(struct publisher *publisher); /* NULL is fine */

/* Does what there is to do now, one request at most; returns when to look again, NEVER_US: when the
 * hub has something new. */
int64_t publisher_step(struct publisher *publisher);

/* ---- orders ---- */
void publisher_pause(struct publisher *publisher);
void publisher_resume(struct publisher *publisher); /* also after 410; looks at once */
void publisher_resync(struct publisher *publisher); /* everything is sent anew */
/* Reads everything back, compares, and mends by policy, on the calling thread: a job's function;
 * context is the publisher. */
enum status publisher_audit_run(void *context, struct job_report *report);
/* Parked items (and those the shop did not know) are tried again: one product at one location, or
 * all where `location` is 0. Returns how many. */
uint64_t publisher_retry(struct publisher *publisher, uint32_t location, uint32_t product);

/* A message that the shop sent of its own accord: what it says of a figure is read back, unless it
 * is what we told. STATUS_END: it is not about figures. *read_out: whether it will be. */
must_check enum status publisher_hint(struct publisher *publisher, struct text topic,
                                      struct text body, struct arena *arena, bool *read_out,
                                      struct error *error);

/* What another hub was ordered and passed on: "pause", "retry 3 17". */
void publisher_answer(struct publisher *publisher, struct text what);
struct text publisher_lease_name(const struct publisher *publisher); /* "channel:NAME" */

/* ---- telling ---- */
struct text publisher_name(const struct publisher *publisher);
/* Fields of an open object; of the parked items the first few, with `whole` a few hundred. */
void publisher_write_json(struct publisher *publisher, struct json_writer *writer, bool whole);
/* An object about one cell for explain; false and nothing where the channel does not sell it. */
bool publisher_explain(struct publisher *publisher, uint32_t location, uint32_t product,
                       struct json_writer *writer);
/* What the channel should show of a product in all; and at a location of ours, where it is a place
 * of its own over there (false: it is summed up with others, or not sold at all). */
int64_t publisher_total_milli(struct publisher *publisher, uint32_t product);
bool publisher_place_milli(struct publisher *publisher, uint32_t location, uint32_t product,
                           int64_t *milli_out);

struct publisher_stats {
    uint64_t pending, held, parked, unmapped, uncertain, confirmed;         /* cells now */
    uint64_t calls, calls_failed, items_sent, items_confirmed, items_stale; /* since the start */
    double confirmed_per_second; /* over the last minute */
    uint64_t drift;              /* items that differed in the last audit */
    int64_t oldest_us;           /* of the oldest change the shop does not have; 0: none */
    size_t memory_bytes;
    bool healthy;
};
bool publisher_can_audit(const struct publisher *publisher);
/* The audits on record, newest first, as an array: the drift over time. */
must_check enum status publisher_write_audits(struct publisher *publisher,
                                              struct json_writer *writer, struct error *error);
void publisher_stats(struct publisher *publisher, struct publisher_stats *stats_out);

#endif
