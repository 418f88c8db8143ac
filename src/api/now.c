/* GET /v1/now: what the first page of the console and `onhand top` show, in one answer, so that
 * whoever looks asks once and sees one instant. */
#include "api/api_internal.h"
#include "api/rates.h"

#define RESETS_SHOWN 20u

static bool makes_resets(struct text job) {
    return (job.length > 5 && memcmp(job.data, "feed:", 5) == 0) ||
           (job.length > 9 && memcmp(job.data, "snapshot:", 9) == 0);
}

/* The first of all feeds and snapshots; null where none is planned. */
static void write_next_reset(struct request *r, struct json_writer *w) {
    struct job_info *jobs = NULL;
    const struct job_info *next = NULL;
    size_t count =
        r->api->options.jobs != NULL ? jobs_list(r->api->options.jobs, &r->arena, &jobs) : 0;
    for (size_t i = 0; i < count; i++) {
        bool planned = makes_resets(jobs[i].name) && jobs[i].next_us != SCHEDULE_NEVER;
        if (planned && (next == NULL || jobs[i].next_us < next->next_us)) {
            next = &jobs[i];
        }
    }
    json_key(w, "next_reset");
    if (next == NULL) {
        json_null(w);
        return;
    }
    json_begin_object(w);
    json_key(w, "at");
    json_timestamp(w, next->next_us);
    json_key(w, "job");
    json_text(w, next->name);
    json_end_object(w);
}

void handle_now(struct request *r) {
    struct buffer resets = {0};
    struct error error = {0};
    enum status status = list_resets(r, (struct text){NULL, 0}, RESETS_SHOWN, &resets, &error);
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
        buffer_deinit(&resets);
        return;
    }
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "status");
    tell_status(r, &w);
    json_key(&w, "adjustments_per_second");
    rates_write_json(events_rates(r->api->events), monotonic_us(), &w);
    json_key(&w, "sources");
    tell_sources(r, &w);
    json_key(&w, "channels");
    tell_channels(r, &w);
    json_key(&w, "feeds");
    tell_feeds(r, &w);
    json_key(&w, "resets");
    json_raw(&w, buffer_text(&resets));
    write_next_reset(r, &w);
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
    buffer_deinit(&resets);
}
