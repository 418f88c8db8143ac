/* The sources of a hub: points of sale that tell of every sale, made from the configuration.
 *
 *   sources_new (adds its jobs) -> jobs_start -> ... -> jobs_stop -> sources_stop -> sources_free
 *
 * Each source has a job "source:NAME" that polls and, where configured or asked for, a job
 * "snapshot:NAME" that does a Daily Reset straight from the source's API; a job "health:NAME" looks
 * after silence, gaps and what is parked. What is told of them may be read from any thread. */
#ifndef ONHAND_POS_SOURCES_H
#define ONHAND_POS_SOURCES_H

#include "base/json.h"
#include "hub/hub.h"
#include "schedule/jobs.h"

struct sources;
struct source;

/* `jobs` must not have been started. */
must_check enum status sources_new(struct hub *hub, struct jobs *jobs, struct sources **sources_out,
                                   struct error *error);
void sources_stop(struct sources *sources); /* saves their health; before hub_stop; NULL is fine */
void sources_free(struct sources *sources); /* after jobs_stop; NULL is fine */

size_t sources_count(const struct sources *sources);
struct source *sources_at(struct sources *sources, size_t index);
struct source *sources_find(struct sources *sources, struct text name); /* NULL: none */

/* The array of GET /v1/sources, as one value; the object of GET /v1/sources/NAME. */
void sources_write_json(struct sources *sources, struct json_writer *writer);
void source_write_json(struct source *source, struct json_writer *writer);

/* For metrics. */
struct source_figures {
    struct text name;
    uint64_t documents[3]; /* pushed, polled, replayed */
    uint64_t events[5];    /* by enum outcome_status */
    uint64_t ignored, parked, parked_now, parked_dropped, failed;
    uint64_t stores, silent, gaps_open, numbers_missing;
    int64_t last_document_us; /* NEVER_US */
    int64_t worst_lag_us;
};
void source_figures(struct source *source, struct source_figures *figures_out);

#endif
