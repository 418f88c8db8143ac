/* The hub's own state: status, feeds, jobs, and whether it is alive and ready. */

#include "api/api_internal.h"
#include "hub/lease.h"

static void write_stats(struct json_writer *w, struct api *api) {
    struct hub_stats hub;
    struct store_stats store;
    hub_stats(api->hub, &hub);
    store_stats(hub_store(api->hub), &store);
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {
        {"sequence", hub_last_sequence(api->hub)},
        {"checkpoint_sequence", store.checkpoint_seq},
        {"cells", store.cells},
        {"locations", catalog_location_count(hub_catalog(api->hub))},
        {"products", catalog_product_count(hub_catalog(api->hub))},
        {"pending_movements", store.pending_movements},
        {"queue_depth", hub.queue_depth},
        {"batches", hub.batches},
        {"resets_applied", hub.resets_applied},
        {"resets_held", hub.resets_held},
        {"acknowledgements", hub.acknowledgements},
        {"memory_bytes", store.memory_bytes},
        {"disk_bytes", store.disk_bytes},
        {"wal_bytes", store.wal_bytes},
        {"connections", connections_count(api->connections)},
        {"listeners", events_listeners(api->events)},
    };
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        json_key(w, figures[i].name);
        json_uint(w, figures[i].value);
    }
    static const char *const outcomes[] = {"applied", "covered", "acknowledged", "duplicate",
                                           "rejected"};
    json_key(w, "adjustments");
    json_begin_object(w);
    for (size_t i = 0; i < 5; i++) {
        json_key(w, outcomes[i]);
        json_uint(w, hub.adjustments[i]);
    }
    json_end_object(w);
    json_key(w, "started_at");
    json_timestamp(w, hub.started_at_us);
    json_key(w, "disk_full");
    json_bool(w, hub.disk_full);
    json_key(w, "store_age_ms");
    if (hub.store_age_us >= 0) {
        json_int(w, hub.store_age_us / 1000);
    } else {
        json_null(w);
    }
}

/* The feeds whose time came and no file did. */
static void write_late(struct json_writer *w, struct request *r) {
    struct feed_info *infos = NULL;
    size_t count = 0;
    if (r->api->options.feeds != NULL) {
        count = feeds_list(r->api->options.feeds, &r->arena, &infos);
    }
    json_key(w, "late");
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        if (infos[i].late_us != NEVER_US) {
            json_text(w, infos[i].name);
        }
    }
    json_end_array(w);
}

/* Who is on this store, and who does what only one may do; empty where this hub is alone. */
static void write_hubs(struct json_writer *w, struct request *r) {
    struct leases *leases = hub_leases(r->api->hub);
    struct hub_peer *peers = NULL;
    struct held_lease *held = NULL;
    size_t count = leases_peers(leases, &r->arena, &peers);
    json_key(w, "hub");
    json_text_or_null(w, leases_hub_id(leases));
    json_key(w, "hubs");
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(w);
        json_key(w, "name");
        json_text(w, peers[i].id);
        json_key(w, "alive");
        json_bool(w, peers[i].alive);
        json_key(w, "silent_seconds");
        json_double(w, (double)peers[i].silent_us / 1e6, 1);
        json_key(w, "version");
        json_text(w, peers[i].version);
        json_key(w, "started_at");
        json_timestamp(w, peers[i].started_at_us);
        json_end_object(w);
    }
    json_end_array(w);
    count = leases_list(leases, &r->arena, &held);
    json_key(w, "leases");
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(w);
        json_key(w, "name");
        json_text(w, held[i].name);
        json_key(w, "held_by");
        json_text_or_null(w, held[i].holder);
        json_key(w, "since");
        json_timestamp(w, held[i].since_us);
        json_key(w, "token");
        json_uint(w, held[i].token);
        json_end_object(w);
    }
    json_end_array(w);
}

void tell_status(struct request *r, struct json_writer *w) {
    struct api *api = r->api;
    struct hub_stats hub;
    hub_stats(api->hub, &hub);
    json_begin_object(w);
    json_key(w, "status");
    json_string(w, hub.disk_full ? "disk_full" : hub.store_away ? "store_away" : "ok");
    json_key(w, "version");
    json_string(w, ONHAND_VERSION);
    json_key(w, "now");
    json_timestamp(w, hub_now_us(api->hub));
    write_stats(w, api);
    write_late(w, r);
    json_key(w, "notify");
    notify_write_json(api->options.notify, w);
    write_hubs(w, r);
    json_end_object(w);
}

void handle_status(struct request *r) {
    struct json_writer w = answer_writer(r);
    tell_status(r, &w);
    answer_json(r, MHD_HTTP_OK);
}

void tell_feeds(struct request *r, struct json_writer *w) {
    if (r->api->options.feeds != NULL) {
        feeds_write_json(r->api->options.feeds, w);
    } else {
        json_raw(w, TEXT("[]"));
    }
}

void handle_feeds(struct request *r) {
    answer_items(r, tell_feeds);
}

/* ---- jobs ---- */

static void write_time(struct json_writer *w, const char *key, bool known, int64_t us) {
    json_key(w, key);
    if (known) {
        json_timestamp(w, us);
    } else {
        json_null(w);
    }
}

static void write_job(struct json_writer *w, const struct job_info *job) {
    json_begin_object(w);
    json_key(w, "name");
    json_text(w, job->name);
    json_key(w, "schedule");
    json_text_or_null(w, job->schedule_text);
    json_key(w, "running");
    json_bool(w, job->running);
    write_time(w, "running_since", job->running, job->running_since_us);
    write_time(w, "next_at", job->next_us != SCHEDULE_NEVER, job->next_us);
    write_time(w, "last_started_at", job->has_run, job->last.started_us);
    write_time(w, "last_finished_at", job->has_run, job->last.finished_us);
    json_key(w, "last_status");
    if (job->has_run) {
        json_string(w, status_code(job->last.status));
    } else {
        json_null(w);
    }
    json_key(w, "last_detail");
    json_text_or_null(w, job->has_run ? text_from(job->last.detail) : (struct text){0});
    json_end_object(w);
}

void handle_jobs(struct request *r) {
    struct job_info *infos = NULL;
    size_t count =
        r->api->options.jobs != NULL ? jobs_list(r->api->options.jobs, &r->arena, &infos) : 0;
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "items");
    json_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        write_job(&w, &infos[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}

void run_job(struct request *r, struct text name) {
    struct error error = {0};
    enum status status =
        r->api->options.jobs != NULL
            ? jobs_run_now(r->api->options.jobs, name, &error)
            : error_set(&error, STATUS_NOT_FOUND, "no job is called '%.*s'", TEXT_ARG(name));
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
        return;
    }
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "name");
    json_text(&w, name);
    json_key(&w, "status");
    json_string(&w, "started");
    json_end_object(&w);
    answer_json(r, MHD_HTTP_ACCEPTED);
}

void handle_job_run(struct request *r) {
    run_job(r, r->params[0]);
}

/* ---- health ---- */

static void write_health(struct request *r, const char *status, const char *detail) {
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "status");
    json_string(&w, status);
    if (detail != NULL) {
        json_key(&w, "detail");
        json_string(&w, detail);
    }
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}

void handle_healthz(struct request *r) {
    write_health(r, "ok", NULL);
}

/* With a full disk it is still ready: a hub that nobody asks any more would refuse reads too, and
 * could not find out that there is room again. */
void handle_readyz(struct request *r) {
    struct hub_stats hub;
    hub_stats(r->api->hub, &hub);
    if (atomic_load(&r->api->quiesced)) {
        problem(r, STATUS_STOPPING, "", "the hub is shutting down");
    } else if (hub.disk_full) {
        write_health(r, "disk_full",
                     "the disk is full: reads are answered, writes are refused (507) until there "
                     "is room in the data directory");
    } else if (hub.store_away) {
        write_health(r, "store_away",
                     "the database cannot be reached: reads are answered as of before, writes are "
                     "refused (503) until it is back");
    } else {
        write_health(r, "ready", NULL);
    }
}
