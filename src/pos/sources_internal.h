/* A source between its runs: what the taking of documents, the poller and the snapshot share.
 *
 * Every part has a lock of its own and may be used from any thread; nothing here calls the hub with
 * a lock held. */
#ifndef ONHAND_POS_SOURCES_INTERNAL_H
#define ONHAND_POS_SOURCES_INTERNAL_H

#include <stdatomic.h>

#include "pos/prism_health.h"
#include "pos/prism_parked.h"
#include "pos/prism_stores.h"
#include "pos/prism_take.h"
#include "pos/sources_view.h"
#include "schedule/zone.h"

struct prism_poll;
struct prism_snapshot;

/* Since the start. */
struct source_counters {
    _Atomic uint64_t documents[PRISM_WAY_COUNT], ignored, parked, failed;
    _Atomic uint64_t events[OUTCOME_REJECTED + 1];
};

enum source_identifier { SOURCE_UPC, SOURCE_ALU, SOURCE_SID, SOURCE_IDENTIFIERS };

struct source {
    struct hub *hub;
    const struct config_source *config;
    struct zone *zone; /* of the source, for times without an offset */
    struct prism_name web_order_field;
    struct text id_types[SOURCE_IDENTIFIERS]; /* "upc@SBS1": with the namespace of the source */
    struct text job;                          /* "source:NAME" */
    struct prism_stores *stores;
    struct prism_health *health;
    struct prism_parked *parked;
    struct source_counters counters;
    struct catalog_marks {
        uint64_t stores_learned;
        uint32_t locations, products;
        int64_t at_us; /* when those that miss a product were */
    } tried; /* what was known when parked documents were last tried again; the job's own */
    struct prism_poll *poll; /* the poller's own (prism_poll.h) */
    struct prism_snapshot *snapshot;
};

/* ---- stores ---- */
/* Our location of one of their stores, alive as long as the source: by the configured `stores`
 * (their code, number or sid), else by a location's code or alias. Whatever was seen together once
 * (a sid with its number and code) is remembered, so any one of the three is enough later. Empty:
 * not known. */
struct text source_location(struct source *source, const struct prism_store *store);
/* What belongs together, from a list of stores or a document. */
void source_learn_store(struct source *source, const struct prism_store *store);

/* The register under which a document is numbered and statements carry their watermarks: "NY01-2"
 * for sales of workstation 2 ("NY01" without one, or where the source numbers by store), and
 * "NY01-receiving" and so on for the other kinds, which have their own counts. */
struct text source_register(const struct source *source, enum prism_kind kind, struct text location,
                            const struct prism_document *document, struct arena *arena);

/* The instant of a time as written; NEVER_US where there is none. */
int64_t source_instant_us(const struct source *source, struct prism_time time);

/* ---- parked documents, taken once more ---- */
/* Tries those that miss a location or a product once more, if any became known since. */
must_check enum status source_retry_parked(struct source *source, struct error *error);

#endif
