/* The feeds: each configured one is a job that looks for files, takes those that are complete, and
 * resets from them, each content exactly once, oldest first.
 *
 *   feeds_new (adds its jobs) -> jobs_start -> ... -> jobs_stop -> feeds_free
 *
 * Reading what is known of them may be done from any thread. */
#ifndef ONHAND_FEED_FEEDS_H
#define ONHAND_FEED_FEEDS_H

#include "base/json.h"
#include "hub/hub.h"
#include "schedule/jobs.h"

struct feeds;

/* Adds a job "feed:NAME" for every configured feed; `jobs` must not have been started. Times and
 * schedules are in the feed's zone, else the hub's. Files on their way lie in DIR/spool, `data`
 * being the hub's directory. */
must_check enum status feeds_new(struct hub *hub, struct jobs *jobs, struct text data,
                                 struct feeds **feeds_out, struct error *error);
void feeds_free(struct feeds *feeds); /* after jobs_stop; NULL is fine */

/* Of one feed; NEVER_US where there is nothing to say. */
struct feed_info {
    struct text name, url; /* without credentials */
    struct text schedule;
    struct text job; /* to ask for a run: "feed:NAME" */
    bool running;
    int64_t last_run_us, next_due_us;
    struct text last_file, last_result, last_reset; /* "applied", "held", ...; "r-..." */
    int64_t last_file_us;                           /* when it was taken */
    struct text last_error;
    int64_t last_error_us;
    int64_t late_us; /* its time came and no file did, since; NEVER_US: it is not late */
    uint64_t files, waiting_files; /* taken since the start; seen and not yet complete */
};
/* In order of the configuration; everything in *arena. */
size_t feeds_list(struct feeds *feeds, struct arena *arena, struct feed_info **infos_out);

/* The array of GET /v1/feeds, as one value. */
void feeds_write_json(struct feeds *feeds, struct json_writer *writer);

#endif
