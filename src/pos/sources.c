/* The sources of a hub: made from the configuration, looked after by jobs, told about as JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "hub/lease.h"
#include "pos/prism_poll.h"
#include "pos/prism_snapshot.h"
#include "pos/sources_internal.h"

#define HEALTH_EVERY "10s"

struct sources {
    struct arena arena;
    struct source *items;
    size_t count;
};

/* ---- the job that looks after them ---- */

static enum status health_run(void *context, struct job_report *report) {
    struct source *source = context;
    struct error error = {0};
    enum status status = prism_health_check(source->health, false, &error);
    if (status == STATUS_OK) {
        status = prism_stores_save(source->stores, &error);
    }
    if (status == STATUS_OK) {
        status = source_retry_parked(source, &error);
    }
    (void)snprintf(report->detail, sizeof report->detail, "%s", error.detail);
    return status;
}

static void health_taken_over(void *context) {
    struct source *source = context;
    prism_health_taken_over(source->health);
}

static enum status add_health_job(struct sources *sources, struct source *source, struct jobs *jobs,
                                  struct error *error) {
    struct job_definition job = {
        .name = arena_format(&sources->arena, "health:%.*s", TEXT_ARG(source->config->name)),
        .lease = source->job, /* what is known of the stores is in one hub's memory */
        .schedule_text = TEXT("every " HEALTH_EVERY),
        .run = health_run,
        .taken_over = health_taken_over,
        .context = source,
    };
    enum status status = schedule_parse_every(TEXT(HEALTH_EVERY), &job.schedule, error);
    return status == STATUS_OK ? jobs_add(jobs, &job, error) : status;
}

/* ---- beginning and end ---- */

/* As the hub does it for everything that a source sends. */
static struct text namespace_of(const struct config *config, const struct config_source *source) {
    for (size_t i = 0; i < config->namespaces.count; i++) {
        if (text_equal(config->namespaces.items[i].name, source->name)) {
            return config->namespaces.items[i].value;
        }
    }
    return source->name_space;
}

static void name_identifiers(struct sources *sources, struct source *source) {
    static const char *const words[SOURCE_IDENTIFIERS] = {
        [SOURCE_UPC] = "upc", [SOURCE_ALU] = "alu", [SOURCE_SID] = "sid"};
    struct text name_space = namespace_of(hub_config(source->hub), source->config);
    for (int i = 0; i < SOURCE_IDENTIFIERS; i++) {
        char room[ID_TYPE_SIZE];
        source->id_types[i] =
            arena_copy(&sources->arena, id_type_join(text_from(words[i]), name_space, room));
    }
}

static enum status source_init(struct sources *sources, struct source *source, struct hub *hub,
                               struct jobs *jobs, const struct config_source *config,
                               struct error *error) {
    *source = (struct source){.hub = hub, .config = config};
    source->job = arena_format(&sources->arena, "source:%.*s", TEXT_ARG(config->name));
    source->web_order_field = prism_name_of(config->web_order_field);
    name_identifiers(sources, source);
    source->zone = zone_open(config->timezone.length > 0 ? config->timezone : TEXT("UTC"), error);
    if (source->zone == NULL) {
        return error->status;
    }
    enum status status = prism_stores_new(hub, config, &source->stores, error);
    if (status == STATUS_OK) {
        status = prism_health_new(hub, config, &source->health, error);
    }
    if (status == STATUS_OK) {
        status = prism_parked_new(hub, config->name, &source->parked, error);
    }
    if (status == STATUS_OK) {
        status = add_health_job(sources, source, jobs, error);
    }
    if (status == STATUS_OK) {
        status = prism_poll_new(source, jobs, &source->poll, error);
    }
    return status == STATUS_OK ? prism_snapshot_new(source, prism_poll_session(source->poll), jobs,
                                                    &source->snapshot, error)
                               : status;
}

enum status sources_new(struct hub *hub, struct jobs *jobs, struct sources **sources_out,
                        struct error *error) {
    const struct config *config = hub_config(hub);
    struct sources *sources = memory_alloc_zero(1, sizeof(*sources));
    sources->items = memory_alloc_zero(config->source_count + 1, sizeof(*sources->items));
    enum status status = STATUS_OK;
    for (size_t i = 0; i < config->source_count && status == STATUS_OK; i++) {
        struct source *source = &sources->items[sources->count++];
        status = source_init(sources, source, hub, jobs, &config->sources[i], error);
    }
    if (status != STATUS_OK) {
        sources_free(sources);
        return status;
    }
    *sources_out = sources;
    return STATUS_OK;
}

void sources_stop(struct sources *sources) {
    for (size_t i = 0; sources != NULL && i < sources->count; i++) {
        struct error error = {0};
        struct source *source = &sources->items[i];
        uint64_t token = 0;
        if (lease_take(hub_leases(source->hub), source->job, &token, &error) != STATUS_OK) {
            continue; /* another hub keeps it */
        }
        if (prism_health_check(source->health, true, &error) != STATUS_OK ||
            prism_stores_save(source->stores, &error) != STATUS_OK) {
            log_warn("the health of a source could not be saved", "source=%s because=%s",
                     log_quote(sources->items[i].config->name), log_quote(text_from(error.detail)));
        }
    }
}

void sources_free(struct sources *sources) {
    if (sources == NULL) {
        return;
    }
    for (size_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->items[i];
        prism_snapshot_free(source->snapshot);
        prism_poll_free(source->poll);
        prism_stores_free(source->stores);
        prism_health_free(source->health);
        prism_parked_free(source->parked);
        zone_free(source->zone);
    }
    free(sources->items);
    arena_deinit(&sources->arena);
    free(sources);
}

size_t sources_count(const struct sources *sources) {
    return sources->count;
}

struct source *sources_at(struct sources *sources, size_t index) {
    require(index < sources->count);
    return &sources->items[index];
}

struct source *sources_find(struct sources *sources, struct text name) {
    for (size_t i = 0; i < sources->count; i++) {
        if (text_equal(sources->items[i].config->name, name)) {
            return &sources->items[i];
        }
    }
    return NULL;
}

/* ---- what the parts share ---- */

struct text source_location(struct source *source, const struct prism_store *store) {
    return prism_stores_location(source->stores, store);
}

void source_learn_store(struct source *source, const struct prism_store *store) {
    prism_stores_learn(source->stores, store);
}

struct text source_register(const struct source *source, enum prism_kind kind, struct text location,
                            const struct prism_document *document, struct arena *arena) {
    if (kind != PRISM_DOCUMENT) {
        return arena_format(arena, "%.*s-%s", TEXT_ARG(location), prism_kind_words[kind]);
    }
    struct text workstation =
        document->workstation.length > 0 ? document->workstation : document->workstation_number;
    if (workstation.length == 0 || source->config->numbers == CONFIG_NUMBERS_STORE) {
        return location;
    }
    return arena_format(arena, "%.*s-%.*s", TEXT_ARG(location), TEXT_ARG(workstation));
}

int64_t source_instant_us(const struct source *source, struct prism_time time) {
    if (!time.given) {
        return NEVER_US;
    }
    if (time.has_offset) {
        return time.us;
    }
    struct civil_time civil = civil_from_timestamp(time.us);
    return zone_to_utc(source->zone, &civil, NULL, NULL);
}

/* ---- telling ---- */

void source_figures(struct source *source, struct source_figures *f) {
    struct prism_health_figures health;
    struct source_counters *counters = &source->counters;
    prism_health_figures(source->health, &health);
    *f = (struct source_figures){.name = source->config->name,
                                 .ignored = atomic_load(&counters->ignored),
                                 .parked = atomic_load(&counters->parked),
                                 .parked_now = prism_parked_count(source->parked),
                                 .parked_dropped = prism_parked_dropped(source->parked),
                                 .failed = atomic_load(&counters->failed),
                                 .stores = health.stores,
                                 .silent = health.silent,
                                 .gaps_open = health.gaps_open,
                                 .numbers_missing = health.numbers_missing,
                                 .last_document_us = health.last_occurred_us,
                                 .worst_lag_us = health.worst_lag_us};
    for (int i = 0; i < PRISM_WAY_COUNT; i++) {
        f->documents[i] = atomic_load(&counters->documents[i]);
    }
    for (int i = 0; i <= OUTCOME_REJECTED; i++) {
        f->events[i] = atomic_load(&counters->events[i]);
    }
}

static void write_count(struct json_writer *w, const char *key, uint64_t count) {
    json_key(w, key);
    json_uint(w, count);
}

static void write_summary(struct source *source, struct json_writer *w) {
    static const char *const ways[PRISM_WAY_COUNT] = {"pushed", "polled", "replayed"};
    struct source_figures f;
    source_figures(source, &f);
    json_key(w, "name");
    json_text(w, source->config->name);
    json_key(w, "type");
    json_string(w, "prism");
    json_key(w, "job");
    json_text(w, source->job);
    json_key(w, "state");
    json_string(w, f.silent > 0 ? "silent" : f.parked_now > 0 ? "parked" : "ok");
    for (int i = 0; i < PRISM_WAY_COUNT; i++) {
        write_count(w, ways[i], f.documents[i]);
    }
    write_count(w, "ignored", f.ignored);
    write_count(w, "applied", f.events[OUTCOME_APPLIED] + f.events[OUTCOME_COVERED]);
    write_count(w, "duplicates", f.events[OUTCOME_DUPLICATE]);
    write_count(w, "parked", f.parked_now);
    write_count(w, "parked_dropped", f.parked_dropped);
    write_count(w, "stores_known", f.stores);
    write_count(w, "stores_silent", f.silent);
    write_count(w, "gaps", f.gaps_open);
    write_count(w, "numbers_missing", f.numbers_missing);
    json_key(w, "last_document_at");
    if (f.last_document_us == NEVER_US) {
        json_null(w);
    } else {
        json_timestamp(w, f.last_document_us);
    }
    json_key(w, "worst_lag_seconds");
    json_double(w, (double)f.worst_lag_us / (double)US_PER_SECOND, 3);
    json_key(w, "silent");
    prism_health_write_silent(source->health, w);
    json_key(w, "poll");
    prism_poll_write_json(source->poll, w);
}

void source_write_json(struct source *source, struct json_writer *w) {
    json_begin_object(w);
    write_summary(source, w);
    json_key(w, "snapshot");
    prism_snapshot_write_json(source->snapshot, w);
    json_key(w, "stores");
    prism_health_write_json(source->health, w);
    json_end_object(w);
}

void sources_write_json(struct sources *sources, struct json_writer *w) {
    json_begin_array(w);
    for (size_t i = 0; i < sources->count; i++) {
        json_begin_object(w);
        write_summary(&sources->items[i], w);
        json_end_object(w);
    }
    json_end_array(w);
}
