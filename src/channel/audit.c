/* An audit: everything the shop shows is read back and held against what it was told.
 *
 * It has a state of the platform for itself and runs on a job's thread, so publishing goes on
 * meanwhile. Whatever is on its way, or was told after the audit began, is no difference. What
 * differs was changed at the shop, or an answer of its lied: mended by policy, told in any case,
 * and the figures of each day are kept, so that drift can be seen over time. */
#include <stdio.h>
#include <stdlib.h>

#include "channel/audit_internal.h"

/* ---- what was seen ---- */

static bool mark_seen(struct audit *audit, struct outbox_ref ref) {
    if (ref.place >= audit->place_count || ref.product > audit->product_count) {
        return false; /* there since the audit began */
    }
    if (audit->seen[ref.place] == NULL) {
        audit->seen[ref.place] = memory_alloc_zero(audit->product_count / 8 + 1, 1);
    }
    unsigned char *byte = &audit->seen[ref.place][ref.product / 8];
    unsigned char bit = (unsigned char)(1u << (ref.product % 8));
    bool again = (*byte & bit) != 0;
    *byte |= bit;
    return !again;
}

static bool was_seen(const struct audit *audit, struct outbox_ref ref) {
    return ref.place >= audit->place_count || ref.product > audit->product_count ||
           (audit->seen[ref.place] != NULL &&
            (audit->seen[ref.place][ref.product / 8] >> (ref.product % 8) & 1) != 0);
}

/* ---- judging ---- */

static void note(struct audit *audit, struct outbox_ref ref, enum audit_cause cause,
                 const struct outbox_view *view, int64_t actual_milli) {
    audit->causes[cause]++;
    if (cause != CAUSE_IN_FLIGHT && audit->shown_count < AUDIT_SHOWN_MAX) {
        audit->shown[audit->shown_count++] =
            (struct difference){ref, cause, view->wanted_milli, view->told_milli, actual_milli};
    }
}

static enum audit_cause cause_of(const struct audit *audit, const struct outbox_view *view) {
    switch (view->state) {
    case OUTBOX_PARKED:
        return CAUSE_PARKED;
    case OUTBOX_CLEAN:
    case OUTBOX_VERIFYING:
        if (view->told_milli == CHANNEL_UNKNOWN_MILLI) {
            return CAUSE_NEVER_SENT;
        }
        return view->told_at_us + US_PER_SECOND >= audit->started_us ? CAUSE_IN_FLIGHT
                                                                     : CAUSE_CHANGED_THERE;
    case OUTBOX_UNMAPPED:
        return CAUSE_NEVER_SENT;
    case OUTBOX_WANTING:
    case OUTBOX_HELD:
    case OUTBOX_SENDING:
    case OUTBOX_LATER:
    case OUTBOX_UNCERTAIN:
    case OUTBOX_STATE_COUNT:
        break;
    }
    return view->told_milli == CHANNEL_UNKNOWN_MILLI ? CAUSE_NEVER_SENT : CAUSE_IN_FLIGHT;
}

/* The lock is held. */
static void compare(struct audit *audit, struct outbox_ref ref, int64_t actual_milli) {
    struct publisher *p = audit->p;
    struct outbox_view view;
    int64_t now_us = hub_now_us(p->hub);
    if (!outbox_look(p->outbox, ref, &view)) {
        audit->unknown++;
        return;
    }
    if (view.state == OUTBOX_UNMAPPED) {
        (void)outbox_unpark(p->outbox, ref, now_us); /* the shop has it after all */
    }
    int64_t should_milli = view.state == OUTBOX_CLEAN ? view.told_milli : view.wanted_milli;
    if (actual_milli == should_milli || actual_milli == view.told_milli) {
        audit->agreed++;
        return;
    }
    enum audit_cause cause = cause_of(audit, &view);
    note(audit, ref, cause, &view, actual_milli);
    if (cause == CAUSE_CHANGED_THERE && p->config->audit_mend) {
        outbox_observed(p->outbox, ref, actual_milli, true, now_us);
        audit->mended++;
    }
}

static bool take(void *context, struct text theirs, const struct identifier *identifier,
                 int64_t actual_milli) {
    struct audit *audit = context;
    struct publisher *p = audit->p;
    uint32_t product =
        catalog_find_product(hub_catalog(p->hub), identifier->type, identifier->value);
    audit->read++;
    pthread_mutex_lock(&p->lock);
    uint32_t place = places_find(p->places, p->platform->one_location ? TEXT("") : theirs);
    struct outbox_ref ref = {place, product};
    if (product == 0 || place == PLACE_NONE) {
        audit->unknown++;
    } else if (mark_seen(audit, ref)) {
        compare(audit, ref, actual_milli);
    }
    pthread_mutex_unlock(&p->lock);
    return !__atomic_load_n(&p->audit_stopping, __ATOMIC_RELAXED) &&
           !job_should_stop(audit->report);
}

/* ---- reading ---- */

struct listed {
    struct audit *audit;
    struct outbox_ref *refs;
    size_t count, capacity;
};

static void list_told(void *context, uint32_t place, uint32_t product) {
    struct listed *listed = context;
    struct outbox_ref ref = {place, product};
    if (was_seen(listed->audit, ref)) {
        return;
    }
    if (listed->count == listed->capacity) {
        listed->capacity = listed->capacity == 0 ? 1024 : listed->capacity * 2;
        listed->refs = memory_grow(listed->refs, listed->capacity * sizeof(*listed->refs));
    }
    listed->refs[listed->count++] = ref;
}

/* What the shop was told of and the audit has not seen. */
static void list_unseen(struct audit *audit, struct listed *listed) {
    struct publisher *p = audit->p;
    *listed = (struct listed){.audit = audit};
    for (uint32_t place = 0; place < audit->place_count; place++) {
        pthread_mutex_lock(&p->lock);
        if (places_at(p->places, place)->count > 0) {
            outbox_each_told(p->outbox, place, list_told, listed);
        }
        pthread_mutex_unlock(&p->lock);
    }
}

static void take_batch(struct audit *audit, const struct channel_batch *batch) {
    struct publisher *p = audit->p;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < batch->count; i++) {
        const struct channel_item *item = &batch->items[i];
        struct outbox_ref ref = {item->place, item->product};
        audit->read++;
        if (item->outcome == CHANNEL_CONFIRMED && mark_seen(audit, ref)) {
            compare(audit, ref, item->actual_milli);
        }
    }
    pthread_mutex_unlock(&p->lock);
}

/* Where the platform has no way to read everything: what it was told of, batch by batch. */
static void read_in_batches(struct audit *audit, void *state,
                            const struct channel_context *context) {
    struct publisher *p = audit->p;
    struct arena arena = {0};
    struct listed listed;
    size_t at = 0;
    list_unseen(audit, &listed);
    while (at < listed.count && audit->call.verdict == CHANNEL_CALL_OK) {
        size_t left = listed.count - at, most = p->platform->read_max;
        most = most > 0 ? most : p->platform->batch_max;
        struct channel_batch batch = {.now_us = hub_now_us(p->hub), .arena = &arena};
        batch.count = left < most ? left : most;
        batch.items = arena_alloc(&arena, batch.count * sizeof(*batch.items));
        pthread_mutex_lock(&p->lock);
        for (size_t i = 0; i < batch.count; i++) {
            publisher_fill_item(p, listed.refs[at + i], &batch.items[i], &arena);
        }
        pthread_mutex_unlock(&p->lock);
        audit->call = (struct channel_call){0};
        p->platform->read_back(state, &batch, &audit->call);
        bool throttled = audit->call.verdict == CHANNEL_CALL_THROTTLED;
        if (audit->call.verdict == CHANNEL_CALL_OK) {
            take_batch(audit, &batch);
            at += batch.count;
        }
        int64_t until_us = audit->call.next_us;
        until_us = throttled && until_us == 0 ? batch.now_us + US_PER_SECOND : until_us;
        audit->call.verdict = throttled ? CHANNEL_CALL_OK : audit->call.verdict;
        if (!channel_rest(context, until_us)) {
            break;
        }
        arena_reset(&arena);
    }
    free(listed.refs);
    arena_deinit(&arena);
}

static void judge_missing(struct audit *audit) {
    struct publisher *p = audit->p;
    struct listed listed;
    list_unseen(audit, &listed);
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < listed.count; i++) {
        struct outbox_view view;
        if (outbox_look(p->outbox, listed.refs[i], &view) &&
            cause_of(audit, &view) == CAUSE_CHANGED_THERE) {
            note(audit, listed.refs[i], CAUSE_MISSING, &view, CHANNEL_UNKNOWN_MILLI);
        }
    }
    pthread_mutex_unlock(&p->lock);
    free(listed.refs);
}

static enum status read_shop(struct audit *audit, struct error *error) {
    struct publisher *p = audit->p;
    struct channel_context context = p->context;
    const struct channel_sink sink = {take, audit};
    void *state = NULL;
    context.stopping = &p->audit_stopping;
    enum status status = p->platform->open(&context, &state, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (p->platform->read_all != NULL) {
        p->platform->read_all(state, &sink, &audit->call);
    } else {
        read_in_batches(audit, state, &context);
    }
    p->platform->close(state);
    if (__atomic_load_n(&p->audit_stopping, __ATOMIC_RELAXED)) {
        return error_set(error, STATUS_STOPPING, "broken off, the hub is ending");
    }
    if (audit->call.verdict != CHANNEL_CALL_OK) {
        return error_set(error, STATUS_UNREACHABLE, "%.200s", audit->call.words);
    }
    if (p->platform->read_all != NULL) {
        judge_missing(audit);
    }
    return STATUS_OK;
}

/* ---- the job ---- */

bool publisher_can_audit(const struct publisher *p) {
    return p->platform->read_all != NULL || p->platform->read_back != NULL;
}

enum status publisher_audit_run(void *context, struct job_report *report) {
    struct publisher *p = context;
    struct audit audit = {.p = p, .report = report, .started_us = hub_now_us(p->hub)};
    struct error error = {0};
    require(publisher_can_audit(p));
    pthread_mutex_lock(&p->lock);
    audit.place_count = (uint32_t)places_count(p->places);
    audit.product_count = catalog_product_count(hub_catalog(p->hub));
    pthread_mutex_unlock(&p->lock);
    audit.seen = memory_alloc_zero(audit.place_count + 1, sizeof(*audit.seen));
    audit.shown = memory_alloc(AUDIT_SHOWN_MAX * sizeof(*audit.shown));
    enum status status = read_shop(&audit, &error);
    audit_keep(&audit, status, &error);
    for (uint32_t i = 0; i < audit.place_count; i++) {
        free(audit.seen[i]);
    }
    free(audit.seen);
    free(audit.shown);
    if (status != STATUS_OK) {
        (void)snprintf(report->detail, sizeof(report->detail), "%s", error.detail);
    } else {
        (void)snprintf(report->detail, sizeof(report->detail),
                       "%llu read, %llu differ, %llu mended", (unsigned long long)audit.read,
                       (unsigned long long)audit_drift(&audit), (unsigned long long)audit.mended);
    }
    publisher_wake(p); /* for what is to be mended */
    return status;
}
