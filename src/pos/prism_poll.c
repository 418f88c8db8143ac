/* The job "source:NAME": every stream once, then the stores that have been silent. */
#include "pos/prism_poll.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "core/statement.h"
#include "pos/prism_poll_internal.h"
#include "pos/prism_watch.h"

#define RETRY_MOST_US (60 * US_PER_SECOND)      /* what may pass by itself */
#define FORBIDDEN_MOST_US (900 * US_PER_SECOND) /* what somebody must mend */
#define UNANSWERED_MOST 2u
/* Silent stores asked for by name in one run: a round through 500 stores takes 25 runs. */
#define LOOKS_A_RUN 20u

static const struct stream_row {
    const char *name;
    enum prism_kind kind;
    enum prism_order order;
} stream_rows[STREAM_COUNT] = {
    [STREAM_MODIFIED] = {"documents by change", PRISM_DOCUMENT, PRISM_BY_MODIFIED},
    [STREAM_POSTED] = {"documents by posting", PRISM_DOCUMENT, PRISM_BY_POSTED},
    [STREAM_RECEIVING] = {"vouchers", PRISM_RECEIVING, PRISM_BY_MODIFIED},
    [STREAM_TRANSFER] = {"transfer slips", PRISM_TRANSFER, PRISM_BY_MODIFIED},
    [STREAM_ADJUSTMENT] = {"memos", PRISM_ADJUSTMENT, PRISM_BY_MODIFIED},
};

/* ---- one stream ---- */

static int64_t server_now_us(const struct prism_poll *poll, int64_t date_us) {
    return date_us != NEVER_US ? date_us + US_PER_SECOND : hub_now_us(poll->source->hub);
}

/* Never beyond the server's clock: a register whose clock is ahead must not hide the others. */
static enum status move_cursor(struct prism_reading *reading, int64_t newest_us,
                               struct error *error) {
    struct prism_poll *poll = reading->poll;
    struct prism_stream_state *state = &poll->streams[reading->stream];
    int64_t now_us = server_now_us(poll, reading->date_us);
    if (newest_us == NEVER_US)
        return STATUS_OK;
    newest_us = newest_us < now_us ? newest_us : now_us;
    if (state->cursor_us != NEVER_US && newest_us <= state->cursor_us)
        return STATUS_OK;
    /* A store that nobody remembers would never be asked for: first it, then the cursor. */
    if (prism_silent_count(poll->silent) > poll->stores_saved) {
        enum status status = prism_poll_save_stores(poll, error);
        if (status != STATUS_OK)
            return status;
    }
    pthread_mutex_lock(&poll->lock);
    state->cursor_us = newest_us;
    pthread_mutex_unlock(&poll->lock);
    return prism_poll_save(poll, error);
}

static enum status page_taken(struct prism_reading *reading, const struct prism_found_page *page,
                              struct error *error) {
    struct prism_poll *poll = reading->poll;
    if (page->date_us != NEVER_US) {
        pthread_mutex_lock(&poll->lock);
        poll->server_ahead_us = page->date_us - hub_now_us(poll->source->hub);
        pthread_mutex_unlock(&poll->lock);
    }
    return page->sorted ? move_cursor(reading, page->newest_us, error) : STATUS_OK;
}

static int64_t stream_from_us(const struct prism_poll *poll, enum prism_stream stream) {
    const struct config_source *config = poll->source->config;
    int64_t cursor_us = poll->streams[stream].cursor_us;
    return cursor_us != NEVER_US ? cursor_us - config->overlap_us
                                 : hub_now_us(poll->source->hub) - config->lookback_us;
}

static enum status read_stream(struct prism_poll *poll, enum prism_stream stream,
                               const struct job_report *report, struct error *error) {
    const struct stream_row *row = &stream_rows[stream];
    struct prism_stream_state *state = &poll->streams[stream];
    struct prism_reading reading = {.poll = poll,
                                    .report = report,
                                    .stream = stream,
                                    .taken = page_taken,
                                    .walk = {.client = poll->client,
                                             .kind = row->kind,
                                             .order = row->order,
                                             .page_size = poll->source->config->page_size,
                                             .usual = state->usual}};
    enum status status = prism_read_all(&reading, stream_from_us(poll, stream), error);
    if (status == STATUS_OK)
        status = move_cursor(&reading, reading.newest_us, error);
    state->usual = reading.walk.usual;
    pthread_mutex_lock(&poll->lock);
    poll->documents += reading.documents;
    poll->parked += reading.parked;
    state->documents += reading.documents;
    pthread_mutex_unlock(&poll->lock);
    return status;
}

/* ---- what became of it ---- */

static int64_t pause_us(const struct prism_poll *poll, unsigned failures, enum status status) {
    int64_t most_us = status == STATUS_FORBIDDEN ? FORBIDDEN_MOST_US : RETRY_MOST_US;
    int64_t us = poll->source->config->poll_us;
    for (unsigned i = 1; i < failures && us < most_us; i++)
        us *= 2;
    return us < most_us ? us : most_us;
}

static void note_stream(struct prism_poll *poll, enum prism_stream stream, enum status status,
                        const struct error *error) {
    struct prism_stream_state *state = &poll->streams[stream];
    bool news = false;
    pthread_mutex_lock(&poll->lock);
    if (status == STATUS_OK) {
        news = state->failures > 0;
        state->failures = 0;
        state->error[0] = '\0';
        state->success_us = hub_now_us(poll->source->hub);
    } else {
        state->failures++;
        news = strcmp(state->error, error->detail) != 0;
        (void)snprintf(state->error, sizeof state->error, "%s", error->detail);
        /* A little early, since the job does not come to the microsecond. */
        state->not_before_us =
            monotonic_us() + pause_us(poll, state->failures, status) - US_PER_SECOND / 10;
    }
    pthread_mutex_unlock(&poll->lock);
    if (news && status == STATUS_OK)
        log_info("prism: can be read again", "source=%.*s what=\"%s\"",
                 TEXT_ARG(poll->source->config->name), stream_rows[stream].name);
    else if (news)
        log_warn("prism: cannot be read", "source=%.*s what=\"%s\" error=%s",
                 TEXT_ARG(poll->source->config->name), stream_rows[stream].name,
                 log_quote(text_from(error->detail)));
}

/* Whether the next stream would fare no better. */
static bool concerns_all(enum status status) {
    return status == STATUS_UNREACHABLE || status == STATUS_UNAUTHORIZED ||
           status == STATUS_STOPPING || status == STATUS_NO_SPACE || status == STATUS_MISSING ||
           status == STATUS_CORRUPT || status == STATUS_UNAVAILABLE;
}

/* ---- stores that have been silent ---- */

static enum status look_at_store(struct prism_poll *poll, struct text store_sid, int64_t from_us,
                                 const struct job_report *report, struct error *error) {
    static const enum prism_kind kinds[] = {PRISM_DOCUMENT, PRISM_RECEIVING, PRISM_TRANSFER,
                                            PRISM_ADJUSTMENT};
    static const enum prism_stream streams[] = {STREAM_POSTED, STREAM_RECEIVING, STREAM_TRANSFER,
                                                STREAM_ADJUSTMENT};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (poll->streams[streams[i]].failures > 0 || poll->no_store_filter[kinds[i]])
            continue;
        struct prism_reading reading = {.poll = poll,
                                        .report = report,
                                        .stream = streams[i],
                                        .walk = {.client = poll->client,
                                                 .kind = kinds[i],
                                                 .order = PRISM_BY_POSTED,
                                                 .store_sid = store_sid,
                                                 .page_size = poll->source->config->page_size}};
        enum status status = prism_read_all(&reading, from_us, error);
        pthread_mutex_lock(&poll->lock);
        poll->documents += reading.documents;
        poll->parked += reading.parked;
        pthread_mutex_unlock(&poll->lock);
        if (reading.documents > 0)
            log_info("prism: a store came back", "source=%.*s store=%s kind=%s documents=%" PRIu64,
                     TEXT_ARG(poll->source->config->name), log_quote(store_sid),
                     prism_kind_words[kinds[i]], reading.documents);
        if (status == STATUS_REFUSED && kinds[i] != PRISM_DOCUMENT) {
            poll->no_store_filter[kinds[i]] = true;
            log_warn("prism: a store cannot be asked for by name", "source=%.*s kind=%s error=%s",
                     TEXT_ARG(poll->source->config->name), prism_kind_words[kinds[i]],
                     log_quote(text_from(error->detail)));
            status = STATUS_OK;
        }
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status look_at_silent(struct prism_poll *poll, const struct job_report *report,
                                  struct error *error) {
    int64_t ahead_us = poll->server_ahead_us != NEVER_US ? poll->server_ahead_us : 0;
    int64_t now_us = hub_now_us(poll->source->hub) + ahead_us;
    int64_t overlap_us = poll->source->config->overlap_us;
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < LOOKS_A_RUN && status == STATUS_OK && !job_should_stop(report); i++) {
        struct text store_sid;
        int64_t from_us;
        if (!prism_silent_next(poll->silent, poll->runs, overlap_us, now_us, &store_sid, &from_us))
            break;
        status = look_at_store(poll, store_sid, from_us, report, error);
    }
    return status;
}

/* ---- the run ---- */

static enum status get_ready(struct prism_poll *poll, struct error *error) {
    enum status status = prism_poll_load(poll, error);
    if (status == STATUS_OK && poll->client == NULL)
        status = prism_client_new(poll->source->config, poll->session, &poll->give_up,
                                  &poll->client, error);
    return status;
}

static enum status read_everything(struct prism_poll *poll, const struct job_report *report,
                                   struct error *error) {
    enum status worst = STATUS_OK;
    unsigned unanswered = 0;
    if (poll->not_before_us > monotonic_us()) {
        *error = poll->rest_error;
        return poll->rest_error.status;
    }
    for (int i = 0; i < STREAM_COUNT; i++) {
        struct error now = {0};
        if (poll->streams[i].failures > 0 && poll->streams[i].not_before_us > monotonic_us()) {
            worst = worst == STATUS_OK ? STATUS_BUSY : worst;
            continue;
        }
        enum status status = read_stream(poll, (enum prism_stream)i, report, &now);
        if (status == STATUS_STOPPING || job_should_stop(report))
            return STATUS_STOPPING;
        note_stream(poll, (enum prism_stream)i, status, &now);
        if (status != STATUS_OK) {
            *error = now;
            worst = status;
        }
        unanswered += status == STATUS_UNCERTAIN;
        /* A server that does not answer must not keep a worker from other jobs. */
        if (concerns_all(status) || unanswered >= UNANSWERED_MOST) {
            poll->not_before_us = poll->streams[i].not_before_us;
            poll->rest_error = now;
            poll->rest_error.status = status;
            return status;
        }
    }
    struct error now = {0};
    enum status status = look_at_silent(poll, report, &now);
    if (status == STATUS_OK)
        return worst;
    *error = now;
    return status;
}

static int64_t lag_us(const struct prism_poll *poll) {
    int64_t oldest_us = NEVER_US;
    for (int i = 0; i < STREAM_COUNT; i++)
        if (poll->streams[i].failures > 0 && poll->streams[i].success_us < oldest_us)
            oldest_us = poll->streams[i].success_us;
    return oldest_us == NEVER_US ? 0 : hub_now_us(poll->source->hub) - oldest_us;
}

static void note_run(struct prism_poll *poll, enum status status) {
    pthread_mutex_lock(&poll->lock);
    poll->reading = false;
    if (status == STATUS_OK) {
        poll->success_us = hub_now_us(poll->source->hub);
        poll->failures = 0;
    } else if (status != STATUS_STOPPING) {
        poll->failures++;
    }
    poll->lag_us = lag_us(poll);
    pthread_mutex_unlock(&poll->lock);
}

static enum status run(void *context, struct job_report *report) {
    struct prism_poll *poll = context;
    struct prism_watch watch;
    struct error error = {0};
    uint64_t before = poll->documents;
    pthread_mutex_lock(&poll->lock);
    poll->poll_us = hub_now_us(poll->source->hub);
    poll->reading = true;
    poll->runs++;
    pthread_mutex_unlock(&poll->lock);
    prism_watch_start(&watch, report, &poll->give_up);
    enum status status = get_ready(poll, &error);
    if (status == STATUS_OK)
        status = read_everything(poll, report, &error);
    if (poll->documents > before && prism_poll_save_stores(poll, &error) != STATUS_OK)
        log_warn("prism: what stores were heard of is not on disk", "source=%.*s error=%s",
                 TEXT_ARG(poll->source->config->name), log_quote(text_from(error.detail)));
    prism_watch_stop(&watch);
    note_run(poll, status);
    if (status == STATUS_OK)
        (void)snprintf(report->detail, sizeof report->detail, "%" PRIu64 " documents",
                       poll->documents - before);
    else
        (void)snprintf(report->detail, sizeof report->detail, "%s",
                       status == STATUS_STOPPING ? "stopped"
                       : error.detail[0] != '\0' ? error.detail
                                                 : "waiting before the next try");
    return status;
}

/* Another hub may have come further: from the cursors on record, which the next run reads. */
static void taken_over(void *context) {
    struct prism_poll *poll = context;
    poll->loaded = false;
}

/* ---- from start to end ---- */

enum status prism_poll_new(struct source *source, struct jobs *jobs, struct prism_poll **poll_out,
                           struct error *error) {
    struct prism_poll *poll = memory_alloc_zero(1, sizeof *poll);
    poll->source = source;
    poll->session = prism_session_new(source->config);
    poll->marks = prism_marks_new();
    poll->silent = prism_silent_new();
    poll->poll_us = poll->success_us = poll->server_ahead_us = NEVER_US;
    for (int i = 0; i < STREAM_COUNT; i++)
        poll->streams[i].cursor_us = poll->streams[i].success_us = NEVER_US;
    pthread_mutex_init(&poll->lock, NULL);
    struct buffer every = {0};
    buffer_append_format(&every, "every %" PRId64 " s", source->config->poll_us / US_PER_SECOND);
    struct job_definition job = {
        .name = source->job,
        .schedule_text = buffer_text(&every),
        .schedule = {.kind = SCHEDULE_EVERY, .every_us = source->config->poll_us},
        .zone = source->zone,
        .run = run,
        .taken_over = taken_over,
        .context = poll};
    enum status status = jobs_add(jobs, &job, error);
    buffer_deinit(&every);
    if (status != STATUS_OK) {
        prism_poll_free(poll);
        return status;
    }
    *poll_out = poll;
    return STATUS_OK;
}

void prism_poll_free(struct prism_poll *poll) {
    if (poll == NULL)
        return;
    if (poll->client != NULL) {
        __atomic_store_n(&poll->give_up, false, __ATOMIC_RELAXED);
        prism_client_leave(poll->client);
    }
    prism_client_free(poll->client);
    prism_session_free(poll->session);
    prism_marks_free(poll->marks);
    prism_silent_free(poll->silent);
    pthread_mutex_destroy(&poll->lock);
    free(poll);
}

struct prism_session *prism_poll_session(struct prism_poll *poll) {
    return poll->session;
}

/* ---- telling ---- */

static void write_time(struct json_writer *w, const char *key, int64_t us) {
    json_key(w, key);
    if (us == NEVER_US)
        json_null(w);
    else
        json_timestamp(w, us);
}

static void write_stream(const struct prism_poll *poll, int stream, struct json_writer *w) {
    const struct prism_stream_state *state = &poll->streams[stream];
    int64_t left_us = state->failures > 0 ? state->not_before_us - monotonic_us() : 0;
    json_begin_object(w);
    json_key(w, "what");
    json_string(w, stream_rows[stream].name);
    write_time(w, "cursor", state->cursor_us);
    write_time(w, "last_success", state->success_us);
    json_key(w, "documents");
    json_uint(w, state->documents);
    json_key(w, "failures");
    json_uint(w, state->failures);
    json_key(w, "error");
    json_text_or_null(w, text_from(state->error));
    write_time(w, "next_try",
               state->failures > 0 ? hub_now_us(poll->source->hub) + (left_us > 0 ? left_us : 0)
                                   : NEVER_US);
    json_end_object(w);
}

void prism_poll_write_json(struct prism_poll *poll, struct json_writer *w) {
    pthread_mutex_lock(&poll->lock);
    json_begin_object(w);
    json_key(w, "running");
    json_bool(w, poll->reading);
    write_time(w, "last_poll", poll->poll_us);
    write_time(w, "last_success", poll->success_us);
    json_key(w, "failures");
    json_uint(w, poll->failures);
    json_key(w, "lag_seconds");
    json_double(w, (double)poll->lag_us / 1e6, 1);
    json_key(w, "clock_offset_seconds");
    if (poll->server_ahead_us == NEVER_US)
        json_null(w);
    else
        json_double(w, (double)poll->server_ahead_us / 1e6, 1);
    json_key(w, "documents");
    json_uint(w, poll->documents);
    json_key(w, "parked");
    json_uint(w, poll->parked);
    json_key(w, "streams");
    json_begin_array(w);
    for (int i = 0; i < STREAM_COUNT; i++)
        write_stream(poll, i, w);
    json_end_array(w);
    json_end_object(w);
    pthread_mutex_unlock(&poll->lock);
}
