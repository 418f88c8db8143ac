/* The job "snapshot:NAME": look, read, look again until every store is at rest, then the reset. */
#include "pos/prism_snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "core/statement.h"
#include "pos/prism_snapshot_internal.h"
#include "pos/prism_watch.h"

#define LOOKS_MOST 12u /* for stores that go on selling */
#define LEFT_OUT_SHOWN 200u

struct prism_snapshot {
    struct source *source;
    struct prism_session *session;
    bool give_up;
    pthread_mutex_t lock; /* what follows */
    bool running;
    int64_t started_us, finished_us;
    enum status status;
    uint64_t products, cells, left_out;
    unsigned looks;
    char left_out_codes[LEFT_OUT_SHOWN];
    char reset_id[64], reset_status[32];
    char error[256];
};

/* ---- taking it ---- */

static void taking_init(struct taking *taking, struct prism_snapshot *snapshot,
                        const struct job_report *report) {
    *taking = (struct taking){.source = snapshot->source,
                              .report = report,
                              .server_ahead_us = NEVER_US,
                              .looked_us = NEVER_US};
    taking->store_names = intern_new();
    taking->item_sids = intern_new();
    taking->register_names = intern_new();
    taking->seen = prism_marks_new();
}

static void taking_deinit(struct taking *taking) {
    prism_client_free(taking->client);
    intern_free(taking->store_names);
    intern_free(taking->item_sids);
    intern_free(taking->register_names);
    prism_marks_free(taking->seen);
    free(taking->locations);
    free(taking->stores);
    free(taking->store_locations);
    free(taking->items);
    free(taking->registers);
    free(taking->cells);
    arena_deinit(&taking->arena);
    arena_deinit(&taking->page);
}

static size_t unsettled(const struct taking *taking) {
    size_t count = 0;
    for (size_t i = 0; i < taking->location_count; i++)
        count += !taking->locations[i].settled && !taking->locations[i].doubtful;
    return count;
}

static enum status take(struct taking *taking, struct error *error) {
    enum status status = taking_find_stores(taking, error);
    if (status == STATUS_OK)
        status = taking_look(taking, false, error);
    if (status == STATUS_OK)
        status = taking_read_inventory(taking, error);
    if (status == STATUS_OK)
        status = taking_look(taking, true, error);
    while (status == STATUS_OK && unsettled(taking) > 0 && taking->looks < LOOKS_MOST) {
        status = taking_read_touched(taking, error);
        if (status == STATUS_OK)
            status = taking_look(taking, true, error);
    }
    if (status == STATUS_OK)
        status = taking_describe_products(taking, error);
    return status;
}

/* ---- what came of it ---- */

/* Under the lock. */
static void note_left_out(struct prism_snapshot *snapshot, const struct taking *taking) {
    size_t used = 0;
    snapshot->left_out = 0;
    snapshot->left_out_codes[0] = '\0';
    for (size_t i = 0; i < taking->location_count; i++) {
        const struct taking_location *location = &taking->locations[i];
        if (location->settled)
            continue;
        snapshot->left_out++;
        int length =
            snprintf(snapshot->left_out_codes + used, sizeof snapshot->left_out_codes - used,
                     "%s%.*s", used > 0 ? ", " : "", TEXT_ARG(location->code));
        if (length > 0 && (size_t)length < sizeof snapshot->left_out_codes - used)
            used += (size_t)length;
        else
            snapshot->left_out_codes[used] = '\0';
    }
}

static void note_reset(struct prism_snapshot *snapshot, struct text summary_json) {
    static const char *const names[] = {"id", "status"};
    struct text v[2];
    struct arena arena = {0};
    if (prism_pick(summary_json, names, 2, &arena, v)) {
        (void)snprintf(snapshot->reset_id, sizeof snapshot->reset_id, "%.*s", TEXT_ARG(v[0]));
        (void)snprintf(snapshot->reset_status, sizeof snapshot->reset_status, "%.*s",
                       TEXT_ARG(v[1]));
    }
    arena_deinit(&arena);
}

static void note_end(struct prism_snapshot *snapshot, const struct taking *taking,
                     enum status status, struct text summary_json, const struct error *error) {
    pthread_mutex_lock(&snapshot->lock);
    snapshot->running = false;
    snapshot->finished_us = hub_now_us(snapshot->source->hub);
    snapshot->status = status;
    snapshot->products = intern_count(taking->item_sids);
    snapshot->cells = 0;
    for (uint32_t i = 1; i <= intern_count(taking->item_sids); i++)
        snapshot->cells += taking->items[i].cell_count;
    snapshot->looks = taking->looks;
    note_left_out(snapshot, taking);
    snapshot->reset_id[0] = snapshot->reset_status[0] = '\0';
    if (status == STATUS_OK)
        note_reset(snapshot, summary_json);
    (void)snprintf(snapshot->error, sizeof snapshot->error, "%s",
                   status == STATUS_OK ? "" : error->detail);
    pthread_mutex_unlock(&snapshot->lock);
}

/* The line of the job, and of the log. */
static void report_end(struct prism_snapshot *snapshot, struct job_report *report,
                       enum status status) {
    struct text name = snapshot->source->config->name;
    if (status == STATUS_STOPPING) {
        (void)snprintf(report->detail, sizeof report->detail, "stopped");
    } else if (status != STATUS_OK) {
        (void)snprintf(report->detail, sizeof report->detail, "%.200s", snapshot->error);
        log_warn("prism: no snapshot", "source=%.*s error=%s", TEXT_ARG(name),
                 log_quote(text_from(snapshot->error)));
    } else {
        (void)snprintf(
            report->detail, sizeof report->detail,
            "%s %s: %" PRIu64 " products, %" PRIu64 " cells, %" PRIu64 " stores left out%s%.100s",
            snapshot->reset_status, snapshot->reset_id, snapshot->products, snapshot->cells,
            snapshot->left_out, snapshot->left_out > 0 ? ": " : "", snapshot->left_out_codes);
        log_info("prism: a snapshot",
                 "source=%.*s reset=%s status=%s products=%" PRIu64 " cells=%" PRIu64
                 " looks=%u left_out=%" PRIu64,
                 TEXT_ARG(name), snapshot->reset_id, snapshot->reset_status, snapshot->products,
                 snapshot->cells, snapshot->looks, snapshot->left_out);
    }
    if (snapshot->left_out > 0 && status == STATUS_OK)
        log_warn("prism: stores that did not come to rest have no statement",
                 "source=%.*s stores=%s", TEXT_ARG(name),
                 log_quote(text_from(snapshot->left_out_codes)));
}

static enum status run(void *context, struct job_report *report) {
    struct prism_snapshot *snapshot = context;
    struct prism_watch watch;
    struct taking taking;
    struct error error = {0};
    struct buffer summary = {0};
    taking_init(&taking, snapshot, report);
    pthread_mutex_lock(&snapshot->lock);
    snapshot->running = true;
    snapshot->started_us = hub_now_us(snapshot->source->hub);
    pthread_mutex_unlock(&snapshot->lock);
    prism_watch_start(&watch, report, &snapshot->give_up);
    enum status status = prism_client_new(snapshot->source->config, snapshot->session,
                                          &snapshot->give_up, &taking.client, &error);
    if (status == STATUS_OK)
        status = take(&taking, &error);
    prism_watch_stop(&watch);
    if (status == STATUS_OK)
        status = taking_reset(&taking, &summary, &error);
    if (status != STATUS_OK && job_should_stop(report))
        status = STATUS_STOPPING;
    note_end(snapshot, &taking, status, buffer_text(&summary), &error);
    report_end(snapshot, report, status);
    taking_deinit(&taking);
    buffer_deinit(&summary);
    return status;
}

/* ---- from start to end ---- */

enum status prism_snapshot_new(struct source *source, struct prism_session *session,
                               struct jobs *jobs, struct prism_snapshot **snapshot_out,
                               struct error *error) {
    struct prism_snapshot *snapshot = memory_alloc_zero(1, sizeof *snapshot);
    *snapshot = (struct prism_snapshot){
        .source = source, .session = session, .started_us = NEVER_US, .finished_us = NEVER_US};
    pthread_mutex_init(&snapshot->lock, NULL);
    struct buffer name = {0};
    buffer_append_format(&name, "snapshot:%.*s", TEXT_ARG(source->config->name));
    struct job_definition job = {.name = buffer_text(&name),
                                 .lease = source->job,
                                 .schedule_text = source->config->snapshot.text,
                                 .schedule = source->config->snapshot.schedule,
                                 .zone = source->zone,
                                 .run = run,
                                 .context = snapshot};
    enum status status = jobs_add(jobs, &job, error);
    buffer_deinit(&name);
    if (status != STATUS_OK) {
        prism_snapshot_free(snapshot);
        return status;
    }
    *snapshot_out = snapshot;
    return STATUS_OK;
}

void prism_snapshot_free(struct prism_snapshot *snapshot) {
    if (snapshot == NULL)
        return;
    pthread_mutex_destroy(&snapshot->lock);
    free(snapshot);
}

/* ---- telling ---- */

static void write_time(struct json_writer *w, const char *key, int64_t us) {
    json_key(w, key);
    if (us == NEVER_US)
        json_null(w);
    else
        json_timestamp(w, us);
}

static void write_text(struct json_writer *w, const char *key, const char *text) {
    json_key(w, key);
    json_text_or_null(w, text_from(text));
}

void prism_snapshot_write_json(struct prism_snapshot *snapshot, struct json_writer *w) {
    pthread_mutex_lock(&snapshot->lock);
    json_begin_object(w);
    json_key(w, "running");
    json_bool(w, snapshot->running);
    write_time(w, "started", snapshot->started_us);
    write_time(w, "finished", snapshot->finished_us);
    write_text(w, "reset", snapshot->reset_id);
    write_text(w, "status", snapshot->reset_status);
    write_text(w, "error", snapshot->error);
    json_key(w, "products");
    json_uint(w, snapshot->products);
    json_key(w, "cells");
    json_uint(w, snapshot->cells);
    json_key(w, "looks");
    json_uint(w, snapshot->looks);
    json_key(w, "left_out");
    json_uint(w, snapshot->left_out);
    write_text(w, "left_out_locations", snapshot->left_out_codes);
    json_end_object(w);
    pthread_mutex_unlock(&snapshot->lock);
}
