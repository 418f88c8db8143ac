/* The publisher's life: made, started, its steps one after the other, drained, ended. */
#include "channel/publisher.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "channel/publisher_internal.h"

#define FLUSH_WITHIN_US (US_PER_SECOND / 5) /* answers wait this long for the next batch */
#define OPEN_AGAIN_US (30 * US_PER_SECOND)
#define LOOK_AGAIN_US (5 * US_PER_SECOND)

/* ---- made ---- */

void publisher_wake(void *context) {
    struct publisher *p = context;
    pthread_mutex_lock(&p->wake_lock);
    p->woken = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->wake_lock);
}

static void init_locks(struct publisher *p) {
    pthread_condattr_t attributes;
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->wake_lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&p->at_end, &attributes);
    pthread_cond_init(&p->wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

static int64_t hub_clock(void *context) {
    return hub_now_us(context);
}

struct outbox *publisher_new_outbox(const struct publisher *p) {
    struct outbox_rules rules = {p->config->increases, p->platform->tells_each_change};
    return outbox_new(&rules);
}

static void init(struct publisher *p, const struct publisher_options *options) {
    const struct config_channel *config = options->config;
    p->hub = options->hub;
    p->config = config;
    p->platform = options->platform;
    p->options = *options;
    p->leases = options->leases != NULL ? options->leases : hub_leases(options->hub);
    (void)snprintf(p->lease_name, sizeof(p->lease_name), "channel:%.*s", TEXT_ARG(config->name));
    init_locks(p);
    p->outbox = publisher_new_outbox(p);
    p->places = places_new(config, p->platform);
    p->notes = notes_new();
    p->policy = (struct wanted_policy){config->threshold_milli, config->share_percent,
                                       config->cap_milli, p->platform->whole_units};
    p->pace.jitter = options->jitter_seed;
    if (p->pace.jitter == 0) {
        random_bytes(&p->pace.jitter, sizeof(p->pace.jitter));
    }
    (void)snprintf(p->agent, sizeof(p->agent), "onhand/%s", ONHAND_VERSION);
    p->context = (struct channel_context){.config = config,
                                          .user_agent_instance = p->agent,
                                          .source = TEXT("onhand"),
                                          .notes = p->notes,
                                          .stopping = &p->stopping,
                                          .clock = {hub_clock, p->hub}};
    p->subscriber = (struct subscriber){.wake = publisher_wake, .context = p};
    require(p->platform->tells_each_change || p->platform->read_back != NULL);
    require(p->platform->batch_max > 0);
}

/* A batch that was on its way when the hub ended, to be said again as it was. */
static void find_repeat(void *context, uint32_t place, uint32_t product) {
    struct publisher *p = context;
    struct outbox_view view;
    struct outbox_ref ref = {place, product};
    if (!outbox_look(p->outbox, ref, &view) || view.sent_request < p->repeat.request ||
        view.sent_request == view.told_request) {
        return;
    }
    if (view.sent_request > p->repeat.request) {
        p->repeat.request = view.sent_request;
        p->repeat.count = 0;
    }
    if (p->repeat.count < BATCH_MAX) {
        p->repeat.refs[p->repeat.count++] = ref;
    }
}

void publisher_find_repeats(struct publisher *p) {
    outbox_each(p->outbox, OUTBOX_WANTING, find_repeat, p);
}

enum status publisher_new(const struct publisher_options *options, struct publisher **publisher_out,
                          struct error *error) {
    struct publisher *p = memory_alloc_zero(1, sizeof(*p));
    init(p, options);
    enum status status = publisher_load(p, error);
    if (status != STATUS_OK) {
        publisher_free(p);
        return status;
    }
    publisher_find_repeats(p);
    hub_subscribe(p->hub, &p->subscriber);
    *publisher_out = p;
    return STATUS_OK;
}

void publisher_free(struct publisher *p) {
    if (p == NULL) {
        return;
    }
    require(!p->started || p->ended);
    hub_unsubscribe(p->hub, &p->subscriber);
    if (p->platform_state != NULL) {
        p->platform->close(p->platform_state);
    }
    outbox_free(p->outbox);
    places_free(p->places);
    notes_free(p->notes);
    buffer_deinit(&p->audit_json);
    buffer_deinit(&p->audit_whole);
    free(p->cells);
    arena_deinit(&p->arena);
    pthread_cond_destroy(&p->at_end);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->wake_lock);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void publisher_note_error(struct publisher *p, const char *words, int64_t now_us) {
    pthread_mutex_lock(&p->lock);
    (void)snprintf(p->error, sizeof(p->error), "%s", words[0] != '\0' ? words : "it failed");
    p->error_at_us = now_us;
    pthread_mutex_unlock(&p->lock);
}

/* ---- a step ---- */

static bool is_due(struct publisher *p, int64_t now_us) {
    pthread_mutex_lock(&p->lock);
    bool due = now_us >= p->pace.next_us;
    pthread_mutex_unlock(&p->lock);
    return due;
}

static bool is_open(struct publisher *p, int64_t now_us) {
    struct error error = {0};
    if (p->platform_state != NULL) {
        return true;
    }
    if (!is_due(p, now_us)) {
        return false;
    }
    void *state = NULL;
    if (p->platform->open(&p->context, &state, &error) == STATUS_OK) {
        pthread_mutex_lock(&p->lock);
        p->platform_state = state;
        p->tend_us = 0;
        pthread_mutex_unlock(&p->lock);
        return true;
    }
    struct channel_call call = {.verdict = CHANNEL_CALL_UNAUTHORIZED,
                                .next_us = now_us + OPEN_AGAIN_US};
    (void)snprintf(call.words, sizeof(call.words), "%s", error.detail);
    publisher_failed(p, &call, now_us);
    return false;
}

/* Whether it is ours to publish: by the lease. */
static bool may_publish(struct publisher *p, int64_t now_us) {
    struct error error = {0};
    enum status status = publisher_lease(p, &error);
    if (status != STATUS_OK && status != STATUS_CONFLICT) {
        publisher_note_error(p, error.detail, now_us);
    }
    return status == STATUS_OK;
}

static void keep_record(struct publisher *p, int64_t now_us) {
    struct error error = {0};
    pthread_mutex_lock(&p->lock);
    bool lines = outbox_journal(p->outbox)->length > 0;
    bool head = p->record.head_changed;
    bool last = p->draining;
    pthread_mutex_unlock(&p->lock);
    if (!lines && !head && !notes_waiting(p->notes)) {
        return;
    }
    if (p->record.flush_by_us == 0) {
        p->record.flush_by_us = now_us + FLUSH_WITHIN_US;
    }
    if (!last && !head && now_us < p->record.flush_by_us) {
        return;
    }
    enum status status = publisher_flush(p, &error);
    if (status == STATUS_OK) {
        status = publisher_compact(p, &error);
    }
    if (status != STATUS_OK) {
        publisher_note_error(p, error.detail, now_us);
        p->record.flush_by_us = now_us + LOOK_AGAIN_US;
    }
}

/* What the shop does in its own time. A failure is no reason to send nothing. */
static void tend(struct publisher *p, int64_t now_us) {
    struct channel_call call = {0};
    if (p->platform->tend == NULL || now_us < p->tend_us) {
        return;
    }
    p->tend_us = NEVER_US;
    p->platform->tend(p->platform_state, &p->arena, &call);
    publisher_heed(p, &call, now_us);
    if (call.verdict != CHANNEL_CALL_OK) {
        publisher_note_error(p, call.words, now_us);
    }
}

static bool work(struct publisher *p, int64_t now_us) {
    pthread_mutex_lock(&p->lock);
    bool idle = p->paused || p->stopped || now_us < p->pace.next_us;
    pthread_mutex_unlock(&p->lock);
    if (!is_open(p, now_us)) {
        return false;
    }
    if (!idle) {
        tend(p, now_us);
    }
    return !idle && (publisher_read_back(p, now_us) || publisher_send(p, now_us));
}

static int64_t sooner(int64_t a_us, int64_t b_us) {
    return a_us < b_us ? a_us : b_us;
}

static int64_t next_look(struct publisher *p, int64_t now_us) {
    struct outbox_ref ref;
    int64_t next_us = p->sweep.next_us;
    if (p->record.flush_by_us != 0) {
        next_us = sooner(next_us, p->record.flush_by_us);
    }
    if (p->leases != NULL) {
        next_us = sooner(next_us, now_us + LEASE_LOOK_US);
    }
    if (p->paused || p->stopped) {
        return next_us;
    }
    next_us = sooner(next_us, outbox_next_due_us(p->outbox));
    if (p->platform->tend != NULL && p->platform_state != NULL) {
        next_us = sooner(next_us, p->tend_us < p->pace.next_us ? p->pace.next_us : p->tend_us);
    }
    bool ready = outbox_peek(p->outbox, &ref) || p->platform_state == NULL;
    int64_t call_us = ready ? now_us : outbox_next_doubt_us(p->outbox);
    call_us = call_us < p->pace.next_us ? p->pace.next_us : call_us;
    next_us = sooner(next_us, call_us);
    if (outbox_count(p->outbox, OUTBOX_HELD) > 0) {
        next_us = sooner(next_us, now_us + LOOK_AGAIN_US);
    }
    return next_us;
}

/* What there is to do now; returns when to look again. */
static int64_t step(struct publisher *p, int64_t now_us) {
    pthread_mutex_lock(&p->lock);
    if (p->resync) {
        p->resync = false;
        outbox_forget_told(p->outbox, now_us);
        p->record.baseline = 0;
        p->record.head_changed = true;
        publisher_sweep_again(p);
    }
    bool caught_up = publisher_follow(p, now_us);
    pthread_mutex_unlock(&p->lock);
    bool worked = work(p, now_us);
    keep_record(p, hub_now_us(p->hub));
    publisher_tell_others(p, now_us);
    arena_reset(&p->arena);
    pthread_mutex_lock(&p->lock);
    int64_t next_us = worked || !caught_up ? now_us : next_look(p, now_us);
    pthread_mutex_unlock(&p->lock);
    return next_us;
}

int64_t publisher_step(struct publisher *p) {
    int64_t now_us = hub_now_us(p->hub);
    pthread_mutex_lock(&p->wake_lock);
    p->woken = false;
    pthread_mutex_unlock(&p->wake_lock);
    if (!may_publish(p, now_us)) {
        return now_us + LEASE_LOOK_US;
    }
    hub_write_under(&p->claim);
    int64_t next_us = step(p, now_us);
    hub_write_under(NULL);
    return next_us;
}

/* ---- the thread ---- */

/* Whether more can be sent before the end. */
static bool can_drain(struct publisher *p) {
    struct outbox_ref ref;
    return !p->paused && !p->stopped && p->pace.failures == 0 && p->platform_state != NULL &&
           hub_now_us(p->hub) < p->drain_until_us && outbox_peek(p->outbox, &ref);
}

static struct timespec monotonic_after(int64_t wait_us) {
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t us = (wait_us < US_PER_DAY ? wait_us : US_PER_DAY) + at.tv_nsec / 1000;
    at.tv_sec += (time_t)(us / US_PER_SECOND);
    at.tv_nsec = (long)(us % US_PER_SECOND * 1000);
    return at;
}

/* False: it is time to end. */
static bool wait_until(struct publisher *p, int64_t next_us) {
    int64_t wait_us = next_us - hub_now_us(p->hub);
    struct timespec until = monotonic_after(wait_us > 0 ? wait_us : 0);
    int waited = wait_us > 0 ? 0 : 1;
    pthread_mutex_lock(&p->wake_lock);
    while (!p->woken && waited == 0) {
        waited = pthread_cond_timedwait(&p->wake, &p->wake_lock, &until);
    }
    pthread_mutex_unlock(&p->wake_lock);
    pthread_mutex_lock(&p->lock);
    bool go_on = !p->draining || can_drain(p);
    pthread_mutex_unlock(&p->lock);
    return go_on;
}

static void *run(void *context) {
    struct publisher *p = context;
    int64_t next_us = publisher_step(p);
    while (wait_until(p, next_us)) {
        next_us = publisher_step(p);
    }
    struct error error = {0};
    hub_write_under(&p->claim);
    if (p->ours && publisher_flush(p, &error) != STATUS_OK) {
        log_warn("channel's record is not complete; it reads back what is in doubt at the start",
                 "channel=%.*s error=%s", TEXT_ARG(p->config->name),
                 log_quote(text_from(error.detail)));
    }
    pthread_mutex_lock(&p->lock);
    p->ended = true;
    pthread_cond_broadcast(&p->at_end);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

void publisher_start(struct publisher *p) {
    require(!p->started);
    p->started = true;
    require(pthread_create(&p->thread, NULL, run, p) == 0);
}

void publisher_quiesce(struct publisher *p) {
    __atomic_store_n(&p->audit_stopping, true, __ATOMIC_RELAXED);
}

void publisher_drain(struct publisher *p, int64_t drain_us) {
    pthread_mutex_lock(&p->lock);
    p->drain_until_us = hub_now_us(p->hub) + drain_us;
    p->draining = true;
    pthread_mutex_unlock(&p->lock);
    publisher_wake(p);
}

void publisher_stop(struct publisher *p) {
    if (!p->started) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    require(p->draining);
    struct timespec until = monotonic_after(p->drain_until_us - hub_now_us(p->hub));
    int waited = 0;
    while (!p->ended && waited == 0) {
        waited = pthread_cond_timedwait(&p->at_end, &p->lock, &until);
    }
    pthread_mutex_unlock(&p->lock);
    __atomic_store_n(&p->stopping, true, __ATOMIC_RELAXED);
    pthread_join(p->thread, NULL);
}

/* ---- orders ---- */

struct text publisher_name(const struct publisher *p) {
    return p->config->name;
}

/* The end of an order: it is taken up at once. */
static void order(struct publisher *p) {
    p->record.head_changed = true;
    p->told_us = 0;
    pthread_mutex_unlock(&p->lock);
    publisher_wake(p);
}

void publisher_pause(struct publisher *p) {
    if (publisher_pass_on(p, "pause")) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->paused = true;
    order(p);
}

void publisher_resume(struct publisher *p) {
    if (publisher_pass_on(p, "resume")) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->paused = p->stopped = false;
    p->pace.next_us = 0;
    p->pace.failures = 0;
    outbox_retry_at(p->outbox, hub_now_us(p->hub));
    order(p);
}

void publisher_resync(struct publisher *p) {
    if (publisher_pass_on(p, "resync")) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->resync = true;
    order(p);
}

uint64_t publisher_retry(struct publisher *p, uint32_t location, uint32_t product) {
    uint64_t count = 0;
    char passed_on[48];
    (void)snprintf(passed_on, sizeof(passed_on), "retry %u %u", location, product);
    if (publisher_pass_on(p, passed_on)) {
        return 1; /* how many is known over there */
    }
    pthread_mutex_lock(&p->lock);
    int64_t now_us = hub_now_us(p->hub);
    if (places_refresh(p->places, p->hub)) { /* the first step may still be to come */
        publisher_sweep_again(p);
    }
    if (location == 0) {
        count = outbox_count(p->outbox, OUTBOX_PARKED) + outbox_count(p->outbox, OUTBOX_UNMAPPED);
        outbox_unpark_all(p->outbox, true, now_us);
    } else {
        uint32_t place = places_of_location(p->places, location);
        struct outbox_ref ref = {place, product};
        count = place != PLACE_NONE && outbox_unpark(p->outbox, ref, now_us);
    }
    order(p);
    return count;
}
