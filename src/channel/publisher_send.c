/* One batch: chosen, put on disk, sent, and what the answer makes of each item.
 *
 * A figure is worked out anew at the moment it is put into a batch, so what leaves is the newest
 * there is. A batch that certainly was not applied, or that may be said twice, goes out again under
 * its old key as long as every figure in it is still the wanted one. */
#include <stdio.h>

#include "channel/publisher_internal.h"

#define WAIT_MOST_US (900 * US_PER_SECOND) /* whatever a shop says */
#define BACKOFF_FIRST_US US_PER_SECOND
#define BACKOFF_MOST_US (60 * US_PER_SECOND)
#define STALE_FIRST_US (15 * US_PER_SECOND) /* for the web sale that may explain it to arrive */
#define UNMAPPED_AGAIN_US US_PER_DAY
#define ATTEMPTS_MAX 12u
#define REFUSED_ALONE_MAX 3u /* beyond, it is not the items that are at fault */
#define CLAIMED_US (120 * US_PER_SECOND)

/* ---- how the calls go ---- */

/* Twice as long each time, up to a minute, a quarter more or less. */
int64_t publisher_backoff_us(struct publisher *p, unsigned attempts) {
    int64_t us = BACKOFF_FIRST_US;
    for (unsigned i = 1; i < attempts && us < BACKOFF_MOST_US; i++) {
        us *= 2;
    }
    us = us < BACKOFF_MOST_US ? us : BACKOFF_MOST_US;
    p->pace.jitter = p->pace.jitter * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return us * 3 / 4 + (int64_t)(p->pace.jitter >> 33) % (us / 2);
}

static int64_t bounded(int64_t next_us, int64_t now_us) {
    if (next_us <= now_us) {
        return now_us;
    }
    return next_us < now_us + WAIT_MOST_US ? next_us : now_us + WAIT_MOST_US;
}

static void tell(struct publisher *p, const char *type, const char *words) {
    struct buffer data = {0};
    struct json_writer w = {.out = &data};
    json_begin_object(&w);
    json_key(&w, "channel");
    json_text(&w, p->config->name);
    json_key(&w, "error");
    json_text_or_null(&w, text_from(words));
    json_end_object(&w);
    hub_notify(p->hub, type, p->config->name, buffer_text(&data));
    buffer_deinit(&data);
}

static bool is_serious(const struct publisher *p) {
    return p->pace.failures == FAILURES_OPEN || p->pace.verdict == CHANNEL_CALL_UNAUTHORIZED ||
           p->pace.verdict == CHANNEL_CALL_STOPPED;
}

void publisher_failed(struct publisher *p, const struct channel_call *call, int64_t now_us) {
    pthread_mutex_lock(&p->lock);
    bool was_throttled = call->verdict == CHANNEL_CALL_THROTTLED;
    bool first = p->pace.verdict != call->verdict;
    int64_t wait_us = 0;
    if (was_throttled) {
        wait_us = call->next_us > now_us ? 0 : publisher_backoff_us(p, ++p->pace.throttled);
    } else {
        wait_us = publisher_backoff_us(p, ++p->pace.failures);
        p->counters.calls_failed++;
    }
    p->pace.next_us = bounded(call->next_us, now_us) + wait_us;
    p->pace.most = call->next_items > 0 ? call->next_items : p->pace.most;
    p->pace.verdict = call->verdict;
    if (call->verdict == CHANNEL_CALL_STOPPED) {
        p->stopped = true;
        p->record.head_changed = true;
    }
    bool serious = !was_throttled && is_serious(p) && (first || p->pace.failures == FAILURES_OPEN);
    pthread_mutex_unlock(&p->lock);
    publisher_note_error(p, call->words, now_us);
    if (!was_throttled && (p->pace.failures == 1 || serious)) {
        log_warn("channel failed", "channel=%.*s error=%s", TEXT_ARG(p->config->name),
                 log_quote(text_from(call->words)));
    }
    if (serious) {
        tell(p, "onhand.channel.failed", call->words);
    }
}

void publisher_heed(struct publisher *p, const struct channel_call *call, int64_t now_us) {
    pthread_mutex_lock(&p->lock);
    if (call->tend_us != 0 && call->tend_us < p->tend_us) {
        p->tend_us = call->tend_us;
    }
    if (call->doubt_since_us != 0) {
        uint64_t count = outbox_doubt_since(p->outbox, call->doubt_since_us, now_us);
        log_info("channel applied late what was queued; figures are read back",
                 "channel=%.*s figures=%llu", TEXT_ARG(p->config->name), (unsigned long long)count);
    }
    pthread_mutex_unlock(&p->lock);
}

void publisher_succeeded(struct publisher *p, const struct channel_call *call, int64_t now_us) {
    pthread_mutex_lock(&p->lock);
    bool was_out = p->pace.failures >= FAILURES_OPEN;
    bool was_failing = p->pace.failures > 0;
    p->pace.failures = p->pace.throttled = 0;
    p->pace.verdict = CHANNEL_CALL_OK;
    p->pace.next_us = bounded(call->next_us, now_us);
    p->pace.most = call->next_items;
    if (was_failing) {
        outbox_retry_at(p->outbox, now_us);
    }
    pthread_mutex_unlock(&p->lock);
    if (was_out) {
        log_info("channel works again", "channel=%.*s", TEXT_ARG(p->config->name));
        tell(p, "onhand.channel.recovered", "");
    }
}

/* ---- choosing ---- */

static size_t batch_limit(const struct publisher *p) {
    size_t most =
        p->platform->batch_for != NULL ? p->platform->batch_for(p->config) : p->platform->batch_max;
    most = most < BATCH_MAX ? most : BATCH_MAX;
    size_t asked = (size_t)p->config->batch_items;
    most = asked > 0 && asked < most ? asked : most;
    most = p->pace.most > 0 && p->pace.most < most ? p->pace.most : most;
    return p->pace.failures >= FAILURES_OPEN ? 1 : most;
}

/* With the newest figure; false: there is nothing to send of it any more, or not yet. */
static bool still_wanted(struct publisher *p, struct outbox_ref ref, int64_t now_us,
                         struct outbox_view *view_out) {
    if (places_at(p->places, ref.place)->count == 0) {
        outbox_drop(p->outbox, ref); /* its location is no longer configured */
        return false;
    }
    publisher_want(p, ref.place, ref.product, false, now_us);
    return outbox_look(p->outbox, ref, view_out) && view_out->state == OUTBOX_WANTING;
}

static void choose(struct publisher *p, struct outbox_ref ref, int64_t now_us) {
    struct outbox_view view;
    if (still_wanted(p, ref, now_us, &view)) {
        outbox_send(p->outbox, ref, p->requests, now_us);
        p->batch[p->batch_count++] = ref;
    }
}

static bool choose_repeat(struct publisher *p, int64_t now_us) {
    bool is_too_large = p->pace.most > 0 && p->repeat.count > p->pace.most;
    bool same = p->repeat.count > 0 && !is_too_large;
    for (size_t i = 0; i < p->repeat.count && same; i++) {
        struct outbox_view view;
        same = still_wanted(p, p->repeat.refs[i], now_us, &view) &&
               view.sent_request == p->repeat.request && view.sent_milli == view.wanted_milli &&
               view.sent_version == view.wanted_version;
    }
    if (same) {
        for (size_t i = 0; i < p->repeat.count; i++) {
            outbox_send(p->outbox, p->repeat.refs[i], p->repeat.request, now_us);
            p->batch[p->batch_count++] = p->repeat.refs[i];
        }
    }
    p->repeat.count = 0;
    return same;
}

static void choose_suspects(struct publisher *p, int64_t now_us) {
    while (p->suspects.depth > 0 && p->batch_count == 0) {
        unsigned top = --p->suspects.depth;
        p->suspects.first = p->suspects.stack[top].first;
        p->suspects.count = p->suspects.stack[top].count;
        for (size_t i = 0; i < p->suspects.count; i++) {
            choose(p, p->suspects.refs[p->suspects.first + i], now_us);
        }
    }
}

static void choose_batch(struct publisher *p, int64_t now_us) {
    size_t most = batch_limit(p);
    struct outbox_ref ref;
    p->batch_count = 0;
    p->suspects.count = 0;
    if (choose_repeat(p, now_us)) {
        return;
    }
    p->requests++;
    choose_suspects(p, now_us);
    while (p->batch_count < most && p->suspects.count == 0 && outbox_peek(p->outbox, &ref)) {
        choose(p, ref, now_us);
    }
    p->requests -= p->batch_count == 0;
}

void publisher_fill_item(struct publisher *p, struct outbox_ref ref, struct channel_item *item,
                         struct arena *arena) {
    struct catalog *catalog = hub_catalog(p->hub);
    const struct place *place = places_at(p->places, ref.place);
    struct wanted_figure figure = publisher_figure(p, ref.place, ref.product);
    struct outbox_view view = {.told_milli = CHANNEL_UNKNOWN_MILLI};
    (void)outbox_look(p->outbox, ref, &view);
    struct identifier *identifiers =
        arena_alloc(arena, CHANNEL_IDENTIFIERS_MAX * sizeof(*identifiers));
    *item = (struct channel_item){.location = place->count > 0 ? place->codes[0] : place->name,
                                  .theirs = place->theirs,
                                  .sku = catalog_product_sku(catalog, ref.product),
                                  .identifiers = identifiers,
                                  .identifier_count = catalog_identifiers(
                                      catalog, ref.product, identifiers, CHANNEL_IDENTIFIERS_MAX),
                                  .quantity_milli = view.sent_milli,
                                  .told_milli = view.told_milli,
                                  .version = view.sent_version,
                                  .on_hand_milli = figure.on_hand_milli,
                                  .reserved_milli = figure.reserved_milli,
                                  .available_milli = figure.available_milli,
                                  .changed_at_us = figure.changed_at_us,
                                  .place = ref.place,
                                  .product = ref.product,
                                  .actual_milli = CHANNEL_UNKNOWN_MILLI};
    if (item->identifier_count > CHANNEL_IDENTIFIERS_MAX) {
        item->identifier_count = CHANNEL_IDENTIFIERS_MAX;
    }
}

/* ---- what became of it ---- */

static enum channel_outcome outcome_of(const struct publisher *p, const struct channel_item *item) {
    enum channel_outcome outcome =
        item->outcome == CHANNEL_UNANSWERED ? CHANNEL_UNCERTAIN : item->outcome;
    /* A listener knows a message by its id: saying it again is harmless. */
    return outcome == CHANNEL_UNCERTAIN && p->platform->tells_each_change ? CHANNEL_RETRY : outcome;
}

static void settle_item(struct publisher *p, struct channel_item *item, struct arena *arena,
                        int64_t now_us) {
    struct outbox_ref ref = {item->place, item->product};
    struct outbox_view view;
    enum channel_outcome outcome = outcome_of(p, item);
    int64_t again_us = now_us;
    require(outbox_look(p->outbox, ref, &view));
    if (outcome == CHANNEL_RETRY && view.attempts + 1 >= ATTEMPTS_MAX) {
        outcome = CHANNEL_PARKED;
        item->words =
            arena_format(arena, "tried %u times: %.*s", view.attempts + 1, TEXT_ARG(item->words));
    }
    if (outcome == CHANNEL_RETRY || outcome == CHANNEL_UNCERTAIN) {
        again_us += publisher_backoff_us(p, view.attempts + 1);
    } else if (outcome == CHANNEL_STALE) {
        again_us += STALE_FIRST_US + publisher_backoff_us(p, view.attempts + 1);
    } else if (outcome == CHANNEL_UNMAPPED) {
        again_us += UNMAPPED_AGAIN_US;
    }
    publisher_confirmed(p, outcome == CHANNEL_CONFIRMED, now_us);
    p->counters.items_stale += outcome == CHANNEL_STALE;
    outbox_sent(p->outbox, ref, outcome, item->actual_milli, item->words, now_us, again_us);
}

/* The verdict speaks for all items. Those that were certainly not applied are wanted again at once:
 * the pace holds them back, together. */
static void settle_all(struct publisher *p, const struct channel_call *call, int64_t now_us) {
    bool uncertain = call->verdict == CHANNEL_CALL_UNCERTAIN && !p->platform->tells_each_change;
    for (size_t i = 0; i < p->batch_count; i++) {
        outbox_sent(p->outbox, p->batch[i], uncertain ? CHANNEL_UNCERTAIN : CHANNEL_RETRY,
                    CHANNEL_UNKNOWN_MILLI, text_from(call->words), now_us, now_us);
    }
    if (p->suspects.count > 0 && p->suspects.depth < HALVINGS_MAX && !uncertain) {
        p->suspects.stack[p->suspects.depth].first = p->suspects.first;
        p->suspects.stack[p->suspects.depth++].count = p->suspects.count;
    }
}

static void remember_repeat(struct publisher *p, uint64_t request) {
    if (p->suspects.count == 0) {
        memcpy(p->repeat.refs, p->batch, p->batch_count * sizeof(*p->batch));
        p->repeat.count = p->batch_count;
        p->repeat.request = request;
    }
}

static bool refuses_all(const struct publisher *p) {
    return p->suspects.alone >= REFUSED_ALONE_MAX;
}

/* One item is refused alone: it is parked. Where one after the other is, the shop refuses whatever
 * comes: each waits for its turn then, and the calls become fewer. */
static void settle_alone(struct publisher *p, struct channel_batch *batch,
                         const struct channel_call *call, int64_t now_us) {
    struct channel_item *item = &batch->items[0];
    bool all = refuses_all(p);
    item->outcome = all ? CHANNEL_RETRY : CHANNEL_PARKED;
    item->words = text_from(call->words);
    settle_item(p, item, batch->arena, now_us);
    p->suspects.alone++;
}

/* Somebody in it is at fault: one half, then the other. */
static void settle_refused(struct publisher *p, const struct channel_call *call, int64_t now_us) {
    for (size_t i = 0; i < p->batch_count; i++) {
        outbox_sent(p->outbox, p->batch[i], CHANNEL_RETRY, CHANNEL_UNKNOWN_MILLI,
                    text_from(call->words), now_us, now_us);
    }
    if (p->suspects.count == 0) {
        memcpy(p->suspects.refs, p->batch, p->batch_count * sizeof(*p->batch));
        p->suspects.first = 0;
        p->suspects.count = p->batch_count;
    }
    size_t half = p->suspects.count / 2;
    require(half > 0 && p->suspects.depth + 2 <= HALVINGS_MAX);
    p->suspects.stack[p->suspects.depth].first = p->suspects.first + half;
    p->suspects.stack[p->suspects.depth++].count = p->suspects.count - half;
    p->suspects.stack[p->suspects.depth].first = p->suspects.first;
    p->suspects.stack[p->suspects.depth++].count = half;
}

static void settle(struct publisher *p, struct channel_batch *batch, struct channel_call *call,
                   uint64_t request, int64_t now_us) {
    pthread_mutex_lock(&p->lock);
    p->counters.calls++;
    p->counters.items_sent += batch->count;
    switch (call->verdict) {
    case CHANNEL_CALL_OK:
        for (size_t i = 0; i < batch->count; i++) {
            settle_item(p, &batch->items[i], batch->arena, now_us);
        }
        p->suspects.alone = 0;
        break;
    case CHANNEL_CALL_REFUSED:
        if (batch->count == 1) {
            settle_alone(p, batch, call, now_us);
        } else {
            settle_refused(p, call, now_us);
        }
        call->verdict = refuses_all(p) ? CHANNEL_CALL_NOT_SENT : call->verdict;
        break;
    case CHANNEL_CALL_UNCERTAIN:
    case CHANNEL_CALL_THROTTLED:
    case CHANNEL_CALL_NOT_SENT:
    case CHANNEL_CALL_UNAUTHORIZED:
    case CHANNEL_CALL_STOPPED:
        settle_all(p, call, now_us);
        if (call->verdict != CHANNEL_CALL_UNCERTAIN || p->platform->tells_each_change) {
            remember_repeat(p, request);
        }
        break;
    }
    pthread_mutex_unlock(&p->lock);
    if (call->verdict == CHANNEL_CALL_OK || call->verdict == CHANNEL_CALL_REFUSED) {
        publisher_succeeded(p, call, now_us);
    } else {
        publisher_failed(p, call, now_us);
    }
}

static void unsend(struct publisher *p, const struct error *error, int64_t now_us) {
    pthread_mutex_lock(&p->lock);
    struct channel_call call = {.verdict = CHANNEL_CALL_NOT_SENT};
    settle_all(p, &call, now_us);
    p->pace.next_us = now_us + 5 * US_PER_SECOND;
    pthread_mutex_unlock(&p->lock);
    publisher_note_error(p, error->detail, now_us);
}

bool publisher_send(struct publisher *p, int64_t now_us) {
    struct channel_batch batch = {.now_us = now_us, .arena = &p->arena};
    struct channel_call call = {0};
    struct error error = {0};
    pthread_mutex_lock(&p->lock);
    choose_batch(p, now_us);
    batch.count = p->batch_count;
    batch.items = arena_alloc(&p->arena, (batch.count + 1) * sizeof(*batch.items));
    struct outbox_view view = {0};
    for (size_t i = 0; i < batch.count; i++) {
        publisher_fill_item(p, p->batch[i], &batch.items[i], &p->arena);
        (void)outbox_look(p->outbox, p->batch[i], &view);
    }
    pthread_mutex_unlock(&p->lock);
    if (batch.count == 0) {
        return false;
    }
    publisher_key(p, view.sent_request, batch.key);
    enum status status = publisher_flush(p, &error);
    if (status == STATUS_OK && !publisher_holds(p)) {
        status = error_set(&error, STATUS_FENCED, "the lease ran out before it could be sent");
    }
    if (status != STATUS_OK) {
        unsend(p, &error, now_us);
        return false;
    }
    p->platform->send(p->platform_state, &batch, &call);
    publisher_heed(p, &call, now_us);
    settle(p, &batch, &call, view.sent_request, hub_now_us(p->hub));
    return true;
}

/* ---- doubts ---- */

static void settle_reading(struct publisher *p, const struct channel_batch *batch,
                           const struct channel_call *call, int64_t now_us) {
    pthread_mutex_lock(&p->lock);
    p->counters.calls++;
    for (size_t i = 0; i < batch->count; i++) {
        const struct channel_item *item = &batch->items[i];
        struct outbox_ref ref = {item->place, item->product};
        struct outbox_view view;
        require(outbox_look(p->outbox, ref, &view));
        enum channel_outcome outcome =
            call->verdict == CHANNEL_CALL_OK ? item->outcome : CHANNEL_RETRY;
        int64_t again_us =
            now_us + (outcome == CHANNEL_UNMAPPED ? UNMAPPED_AGAIN_US
                                                  : publisher_backoff_us(p, view.attempts + 1));
        /* The pace holds all of them back when the call failed. */
        again_us = call->verdict == CHANNEL_CALL_OK ? again_us : now_us;
        again_us += view.hinted ? STALE_FIRST_US : 0;
        bool was_sent = view.state == OUTBOX_UNCERTAIN && view.sent_request != 0;
        publisher_confirmed(
            p, outcome == CHANNEL_CONFIRMED && was_sent && item->actual_milli == view.sent_milli,
            now_us);
        outbox_was_read(p->outbox, ref, outcome, item->actual_milli, now_us, again_us);
    }
    pthread_mutex_unlock(&p->lock);
}

bool publisher_read_back(struct publisher *p, int64_t now_us) {
    struct channel_batch batch = {.now_us = now_us, .arena = &p->arena};
    struct channel_call call = {0};
    struct outbox_ref ref;
    pthread_mutex_lock(&p->lock);
    size_t most = batch_limit(p), most_read = p->platform->read_max;
    most = most_read > 0 && most_read < most ? most_read : most;
    batch.items = arena_alloc(&p->arena, most * sizeof(*batch.items));
    while (batch.count < most && outbox_peek_doubt(p->outbox, now_us, &ref)) {
        if (places_at(p->places, ref.place)->count == 0) {
            outbox_drop(p->outbox, ref);
            continue;
        }
        publisher_fill_item(p, ref, &batch.items[batch.count++], &p->arena);
        /* Out of the way while it is asked about. */
        outbox_was_read(p->outbox, ref, CHANNEL_RETRY, 0, now_us, now_us + CLAIMED_US);
    }
    pthread_mutex_unlock(&p->lock);
    if (batch.count == 0) {
        return false;
    }
    publisher_key(p, p->requests, batch.key);
    p->platform->read_back(p->platform_state, &batch, &call);
    publisher_heed(p, &call, now_us);
    now_us = hub_now_us(p->hub);
    settle_reading(p, &batch, &call, now_us);
    if (call.verdict == CHANNEL_CALL_OK) {
        publisher_succeeded(p, &call, now_us);
    } else {
        publisher_failed(p, &call, now_us);
    }
    return true;
}
