/* GET /metrics: figures for Prometheus, each with what it means; and the counting of requests. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api_internal.h"
#include "hub/lease.h"

static const unsigned short codes[CODES_COUNTED] = {
    0,   200, 201, 202, 204, 206, 400, 401, 403, 404, 405, 406,
    408, 409, 411, 413, 415, 422, 431, 500, 502, 503, 504, 507,
};

void counters_init(struct api_counters *counters) {
    counters->requests = memory_alloc_zero(route_count + 1, sizeof *counters->requests);
}

void counters_deinit(struct api_counters *counters) {
    free((void *)counters->requests);
    counters->requests = NULL;
}

void counters_add(struct api_counters *counters, const struct route *route, unsigned status,
                  int64_t us) {
    size_t row = route != NULL ? (size_t)(route - routes) : route_count;
    size_t column = 0; /* 0: went away without an answer, or a code that is never sent */
    for (size_t i = 1; i < CODES_COUNTED; i++) {
        if (codes[i] == status) {
            column = i;
            break;
        }
    }
    atomic_fetch_add(&counters->requests[row][column], 1);
    atomic_fetch_add(&counters->request_us_sum, (uint64_t)us);
}

static void head(struct buffer *out, const char *name, const char *type, const char *help) {
    buffer_append_format(out, "# HELP onhand_%s %s\n# TYPE onhand_%s %s\n", name, help, name, type);
}

static void one(struct buffer *out, const char *name, const char *type, const char *help,
                uint64_t value) {
    head(out, name, type, help);
    buffer_append_format(out, "onhand_%s %" PRIu64 "\n", name, value);
}

static void seconds(struct buffer *out, const char *name, const char *type, const char *help,
                    int64_t us) {
    head(out, name, type, help);
    buffer_append_format(out, "onhand_%s %.6f\n", name, (double)us / 1e6);
}

static void write_adjustments(struct buffer *out, const struct hub_stats *hub) {
    static const char *const outcomes[] = {"applied", "covered", "acknowledged", "duplicate",
                                           "rejected"};
    head(out, "adjustments_total", "counter", "Adjustments by outcome.");
    for (size_t i = 0; i < 5; i++) {
        buffer_append_format(out, "onhand_adjustments_total{outcome=\"%s\"} %" PRIu64 "\n",
                             outcomes[i], hub->adjustments[i]);
    }
    head(out, "submission_seconds", "histogram", "From being queued to being on disk.");
    uint64_t sum = 0;
    for (unsigned i = 0; i + 1 < HUB_LATENCY_BUCKETS; i++) {
        sum += hub->latency_count[i];
        buffer_append_format(out, "onhand_submission_seconds_bucket{le=\"%.6f\"} %" PRIu64 "\n",
                             (double)(UINT64_C(64) << i) / 1e6, sum);
    }
    sum += hub->latency_count[HUB_LATENCY_BUCKETS - 1];
    buffer_append_format(out, "onhand_submission_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", sum);
    buffer_append_format(out, "onhand_submission_seconds_sum %.6f\n",
                         (double)hub->latency_us_sum / 1e6);
    buffer_append_format(out, "onhand_submission_seconds_count %" PRIu64 "\n", sum);
}

static void write_hub(struct buffer *out, struct api *api) {
    struct hub_stats hub;
    hub_stats(api->hub, &hub);
    write_adjustments(out, &hub);
    one(out, "batches_total", "counter", "Group commits.", hub.batches);
    one(out, "batch_events_total", "counter", "Events in them.", hub.batch_events);
    one(out, "acknowledgements_total", "counter", "Documents acknowledged.", hub.acknowledgements);
    one(out, "statements_total", "counter", "Locations that were reset.", hub.statements);
    one(out, "resets_applied_total", "counter", "Resets that were applied.", hub.resets_applied);
    one(out, "resets_held_total", "counter", "Resets that a guard held.", hub.resets_held);
    one(out, "queue_depth", "gauge", "Submissions that wait for the writer.", hub.queue_depth);
    one(out, "disk_full", "gauge", "1 while the disk takes nothing more.", hub.disk_full);
    one(out, "store_away", "gauge", "1 while the database cannot be reached.", hub.store_away);
    if (hub.store_age_us >= 0)
        seconds(out, "store_age_seconds", "gauge",
                "How old what is read may be, where other hubs write too.", hub.store_age_us);
    seconds(out, "start_time_seconds", "gauge", "When the hub started, since 1970.",
            hub.started_at_us);
}

static void write_store(struct buffer *out, struct api *api) {
    struct store_stats store;
    store_stats(hub_store(api->hub), &store);
    one(out, "sequence", "gauge", "The last change of the ledger.", store.last_seq);
    one(out, "checkpoint_sequence", "gauge", "What a restart need not read again.",
        store.checkpoint_seq);
    one(out, "cells", "gauge", "Products at locations.", store.cells);
    one(out, "store_memory_bytes", "gauge", "Memory of the store.", store.memory_bytes);
    one(out, "store_disk_bytes", "gauge", "Size of the store on disk.", store.disk_bytes);
    one(out, "store_wal_bytes", "gauge", "Size of its write-ahead log.", store.wal_bytes);
    one(out, "dedup_keys", "gauge", "Keys of events in memory.", store.keys_in_memory);
    one(out, "pending_movements", "gauge", "Movements not yet acknowledged.",
        store.pending_movements);
    one(out, "commits_total", "counter", "Commits to disk.", store.commits);
    seconds(out, "commit_seconds_total", "counter", "Time spent in them.", store.commit_us_sum);
    one(out, "catalog_memory_bytes", "gauge", "Memory of the catalog.",
        catalog_memory(hub_catalog(api->hub)));
}

/* Only where several hubs may be on the store. */
static void write_leases(struct buffer *out, struct leases *leases, struct arena *arena) {
    struct hub_peer *peers = NULL;
    struct held_lease *held = NULL;
    uint64_t alive = 0;
    size_t count = leases_peers(leases, arena, &peers);
    for (size_t i = 0; i < count; i++) {
        alive += peers[i].alive;
    }
    one(out, "hubs_alive", "gauge", "Hubs on this store that are alive.", alive);
    head(out, "lease_held", "gauge", "1 where this hub does what only one may do.");
    count = leases_list(leases, arena, &held);
    for (size_t i = 0; i < count; i++) {
        buffer_append_format(out, "onhand_lease_held{lease=\"%.*s\"} %d\n", TEXT_ARG(held[i].name),
                             text_equal(held[i].holder, leases_hub_id(leases)));
    }
}

/* A family of figures, one per target; only where there are any. */
static void write_notify(struct buffer *out, struct api *api) {
    static const char *const names[][3] = {
        {"notify_sent_total", "counter", "Notices delivered by webhook."},
        {"notify_failures_total", "counter", "Tries that failed."},
        {"notify_dropped_total", "counter", "Notices that were never delivered."},
        {"notify_waiting", "gauge", "Notices that wait to be delivered."},
        {"notify_failing", "gauge", "1 while a target does not take them."},
    };
    size_t count = notify_count(api->options.notify);
    for (size_t row = 0; row < sizeof names / sizeof names[0] && count > 0; row++) {
        head(out, names[row][0], names[row][1], names[row][2]);
        for (size_t i = 0; i < count; i++) {
            struct notify_info info;
            notify_info(api->options.notify, i, &info);
            bool failing = strcmp(info.state, "failing") == 0 || strcmp(info.state, "stopped") == 0;
            const uint64_t figures[] = {info.sent, info.failures, info.dropped, info.waiting,
                                        failing};
            buffer_append_format(out, "onhand_%s{target=\"%.*s\"} %" PRIu64 "\n", names[row][0],
                                 TEXT_ARG(info.name), figures[row]);
        }
    }
}

/* One family: a figure of each channel. */
static void channel_family(struct buffer *out, struct api *api, const char *name, const char *type,
                           const char *help,
                           double (*figure)(const struct publisher_stats *stats, int64_t now_us)) {
    struct channels *channels = api->options.channels;
    struct publisher *publisher = NULL;
    head(out, name, type, help);
    for (size_t i = 0; (publisher = channels_at(channels, i)) != NULL; i++) {
        struct publisher_stats stats;
        publisher_stats(publisher, &stats);
        buffer_append_format(out, "onhand_%s{channel=\"%.*s\"} %.15g\n", name,
                             TEXT_ARG(publisher_name(publisher)),
                             figure(&stats, hub_now_us(api->hub)));
    }
}

#define CHANNEL_FIGURE(name, expression)                                                           \
    static double channel_##name(const struct publisher_stats *s, int64_t now_us) {                \
        (void)now_us;                                                                              \
        return (double)(expression);                                                               \
    }
CHANNEL_FIGURE(pending, s->pending)
CHANNEL_FIGURE(lag, s->oldest_us != 0 ? (double)(now_us - s->oldest_us) / 1e6 : 0)
CHANNEL_FIGURE(parked, s->parked)
CHANNEL_FIGURE(unmapped, s->unmapped)
CHANNEL_FIGURE(confirmed, s->confirmed)
CHANNEL_FIGURE(drift, s->drift)
CHANNEL_FIGURE(calls, s->calls)
CHANNEL_FIGURE(failed, s->calls_failed)
CHANNEL_FIGURE(sent, s->items_sent)
CHANNEL_FIGURE(told, s->items_confirmed)
CHANNEL_FIGURE(rate, s->confirmed_per_second)
CHANNEL_FIGURE(healthy, s->healthy)
CHANNEL_FIGURE(memory, s->memory_bytes)

static void write_channels(struct buffer *out, struct api *api) {
    static const struct {
        const char *name, *type, *help;
        double (*figure)(const struct publisher_stats *stats, int64_t now_us);
    } families[] = {
        {"channel_pending", "gauge", "Changes the shop does not have yet.", channel_pending},
        {"channel_lag_seconds", "gauge", "Age of the oldest of them.", channel_lag},
        {"channel_parked", "gauge", "Items the shop refuses.", channel_parked},
        {"channel_unmapped", "gauge", "Items the shop does not know.", channel_unmapped},
        {"channel_confirmed", "gauge", "Figures the shop has.", channel_confirmed},
        {"channel_drift", "gauge", "Differences the last audit found.", channel_drift},
        {"channel_calls_total", "counter", "Requests to the shop.", channel_calls},
        {"channel_calls_failed_total", "counter", "Those that failed.", channel_failed},
        {"channel_items_sent_total", "counter", "Figures sent.", channel_sent},
        {"channel_confirmed_per_second", "gauge", "Figures confirmed, over the last minute.",
         channel_rate},
        {"channel_items_confirmed_total", "counter", "Figures confirmed.", channel_told},
        {"channel_healthy", "gauge", "1 while the last call worked.", channel_healthy},
        {"channel_memory_bytes", "gauge", "Memory of its outbox.", channel_memory},
    };
    if (api->options.channels == NULL || channels_at(api->options.channels, 0) == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        channel_family(out, api, families[i].name, families[i].type, families[i].help,
                       families[i].figure);
    }
}

static void write_requests(struct buffer *out, struct api *api) {
    head(out, "http_requests_total", "counter", "Requests by route and code; 0: gone away.");
    for (size_t row = 0; row <= route_count; row++) {
        const char *method = row < route_count ? routes[row].method : "-";
        const char *pattern = row < route_count ? routes[row].pattern : "-";
        for (size_t i = 0; i < CODES_COUNTED; i++) {
            uint64_t count = atomic_load(&api->counters.requests[row][i]);
            if (count > 0) {
                buffer_append_format(out,
                                     "onhand_http_requests_total{method=\"%s\",route=\"%s\","
                                     "code=\"%u\"} %" PRIu64 "\n",
                                     method, pattern, (unsigned)codes[i], count);
            }
        }
    }
    seconds(out, "http_request_seconds_total", "counter", "Time from head to answer, summed.",
            (int64_t)atomic_load(&api->counters.request_us_sum));
    one(out, "http_requests_in_flight", "gauge", "Requests being answered.",
        atomic_load(&api->counters.in_flight));
    one(out, "http_connections", "gauge", "Open connections.", connections_count(api->connections));
    one(out, "event_listeners", "gauge", "Open event streams.", events_listeners(api->events));
}

#define FIGURE(member) offsetof(struct source_figures, member)
static void write_sources(struct buffer *out, struct sources *sources, struct arena *arena) {
    static const struct {
        const char *name, *type, *help;
        size_t figure;
    } rows[] = {
        {"source_pushed_total", "counter", "Documents that were pushed.", FIGURE(documents[0])},
        {"source_polled_total", "counter", "Documents that were polled.", FIGURE(documents[1])},
        {"source_events_applied_total", "counter", "Events of documents that changed stock.",
         FIGURE(events[OUTCOME_APPLIED])},
        {"source_events_duplicate_total", "counter", "Events that were known already.",
         FIGURE(events[OUTCOME_DUPLICATE])},
        {"source_parked", "gauge", "Documents that were not understood and wait for somebody.",
         FIGURE(parked_now)},
        {"source_parked_dropped_total", "counter", "Parked documents dropped for lack of room.",
         FIGURE(parked_dropped)},
        {"source_failed_total", "counter", "Batches that could not be written.", FIGURE(failed)},
        {"source_stores", "gauge", "Stores that have sent something.", FIGURE(stores)},
        {"source_stores_silent", "gauge", "Stores silent in opening hours.", FIGURE(silent)},
        {"source_gaps", "gauge", "Gaps in the numbers of documents.", FIGURE(gaps_open)},
        {"source_numbers_missing", "gauge", "Numbers in those gaps.", FIGURE(numbers_missing)},
    };
    size_t count = sources_count(sources);
    struct source_figures *figures = arena_alloc(arena, count * sizeof *figures);
    for (size_t k = 0; k < count; k++) {
        source_figures(sources_at(sources, k), &figures[k]);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        head(out, rows[i].name, rows[i].type, rows[i].help);
        for (size_t k = 0; k < count; k++) {
            uint64_t value;
            memcpy(&value, (const char *)&figures[k] + rows[i].figure, sizeof value);
            buffer_append_format(out, "onhand_%s{source=\"%.*s\"} %" PRIu64 "\n", rows[i].name,
                                 TEXT_ARG(figures[k].name), value);
        }
    }
    head(out, "source_lag_seconds", "gauge",
         "The longest that the newest document of a store took to come.");
    for (size_t k = 0; k < count; k++) {
        buffer_append_format(out, "onhand_source_lag_seconds{source=\"%.*s\"} %.3f\n",
                             TEXT_ARG(figures[k].name), (double)figures[k].worst_lag_us / 1e6);
    }
}
#undef FIGURE

static int64_t time_us(const struct timeval *time) {
    return (int64_t)time->tv_sec * US_PER_SECOND + time->tv_usec;
}

static void write_process(struct buffer *out) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        seconds(out, "process_cpu_seconds_total", "counter", "Processor time.",
                time_us(&usage.ru_utime) + time_us(&usage.ru_stime));
    }
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL) {
        char line[128], *second = NULL;
        if (fgets(line, sizeof line, file) != NULL && (second = strchr(line, ' ')) != NULL) {
            uint64_t pages = strtoull(second, NULL, 10);
            one(out, "process_resident_bytes", "gauge", "Resident memory.",
                pages * (uint64_t)sysconf(_SC_PAGESIZE));
        }
        (void)fclose(file);
    }
}

void handle_metrics(struct request *r) {
    buffer_clear(&r->out);
    head(&r->out, "info", "gauge", "The version of this program.");
    buffer_append_string(&r->out, "onhand_info{version=\"" ONHAND_VERSION "\"} 1\n");
    write_hub(&r->out, r->api);
    write_store(&r->out, r->api);
    write_notify(&r->out, r->api);
    if (hub_leases(r->api->hub) != NULL) {
        write_leases(&r->out, hub_leases(r->api->hub), &r->arena);
    }
    write_channels(&r->out, r->api);
    write_requests(&r->out, r->api);
    if (r->api->options.sources != NULL && sources_count(r->api->options.sources) > 0) {
        write_sources(&r->out, r->api->options.sources, &r->arena);
    }
    write_process(&r->out);
    answer(r, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8");
}
