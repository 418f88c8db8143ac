/* A source between its runs: what the taking of documents, the poller and the snapshot share.
 *
 * Every part has a lock of its own and may be used from any thread; nothing here calls the hub with
 * a lock held. */
#ifndef ONHAND_POS_SOURCES_INTERNAL_H
#define ONHAND_POS_SOURCES_INTERNAL_H

#include <pthread.h>

#include "pos/prism_document.h"
#include "pos/sources.h"
#include "schedule/zone.h"

struct prism_stores;
struct prism_health;
struct prism_parked;
struct prism_poll;

struct source {
    struct hub *hub;
    const struct config_source *config;
    struct zone *zone; /* of the source, for times without an offset; NULL: UTC */
    struct text job;   /* "source:NAME" */
    struct prism_stores *stores;
    struct prism_health *health;
    struct prism_parked *parked;
    struct prism_poll *poll; /* the poller's own (prism_poll.h); NULL: none */
};

/* ---- stores ---- */
/* Our location of one of their stores, alive as long as the source: by the configured `stores`
 * (their code, number or sid), else by a location's code or alias. Whatever was seen together once
 * (a sid with its number and code) is remembered, so any one of the three is enough later. Empty:
 * not known. */
struct text source_location(struct source *source, const struct prism_store *store);
/* What belongs together, from a list of stores or a document. */
void source_learn_store(struct source *source, const struct prism_store *store);

/* "NY01-2": the register under which the documents of a workstation are numbered and statements
 * carry their watermarks. Without a workstation, or where the source numbers by store, "NY01". */
struct text source_register(const struct source *source, struct text location,
                            struct text workstation, struct arena *arena);

#endif
