/* What is told of a publisher: in lists, in explain, in metrics. */
#include "base/quantity.h"
#include "channel/publisher_internal.h"

#define PARKED_SHOWN 20u /* in a list of channels; of one channel: */
#define PARKED_SHOWN_WHOLE 200u

static const char *state_word(const struct publisher *p) {
    if (p->paused) {
        return "paused";
    }
    if (p->stopped) {
        return "stopped";
    }
    if (p->platform_state == NULL && p->pace.failures > 0) {
        return "failing";
    }
    if (!p->ours) {
        return p->leases != NULL ? "standby" : "starting";
    }
    switch (p->pace.verdict) {
    case CHANNEL_CALL_UNAUTHORIZED:
        return "unauthorized";
    case CHANNEL_CALL_THROTTLED:
        return "throttled";
    case CHANNEL_CALL_OK:
    case CHANNEL_CALL_REFUSED:
        return "ok";
    case CHANNEL_CALL_NOT_SENT:
    case CHANNEL_CALL_UNCERTAIN:
    case CHANNEL_CALL_STOPPED:
        break;
    }
    return p->pace.failures >= FAILURES_OPEN ? "failing" : "retrying";
}

static void write_time(struct json_writer *w, const char *key, int64_t us) {
    json_key(w, key);
    if (us == 0 || us == NEVER_US) {
        json_null(w);
    } else {
        json_timestamp(w, us);
    }
}

static void write_figure(struct json_writer *w, const char *key, int64_t milli) {
    json_key(w, key);
    if (milli == CHANNEL_UNKNOWN_MILLI) {
        json_null(w);
    } else {
        json_quantity(w, milli);
    }
}

static void write_count(struct json_writer *w, const char *key, uint64_t count) {
    json_key(w, key);
    json_uint(w, count);
}

/* ---- parked items ---- */

struct parked {
    struct publisher *p;
    struct json_writer *w;
    unsigned count, most;
};

static void write_parked(void *context, uint32_t place, uint32_t product) {
    struct parked *parked = context;
    struct outbox_view view;
    const struct place *at = places_at(parked->p->places, place);
    if (parked->count++ >= parked->most ||
        !outbox_look(parked->p->outbox, (struct outbox_ref){place, product}, &view)) {
        return;
    }
    struct json_writer *w = parked->w;
    json_begin_object(w);
    json_key(w, "location");
    json_text(w, at->count > 0 ? at->codes[0] : at->name);
    json_key(w, "sku");
    json_text(w, catalog_product_sku(hub_catalog(parked->p->hub), product));
    write_figure(w, "wanted", view.wanted_milli);
    write_figure(w, "confirmed", view.told_milli);
    json_key(w, "detail");
    json_text(w, view.words);
    json_end_object(w);
}

/* ---- throughput ---- */

/* Forgets the slots that are older than a minute. */
static void turn(struct throughput *t, int64_t now_us) {
    int64_t slot = now_us / THROUGHPUT_SLOT_US;
    if (slot < t->slot || slot - t->slot >= (int64_t)THROUGHPUT_SLOTS) {
        *t = (struct throughput){.slot = slot};
    }
    while (t->slot < slot) {
        t->slots[++t->slot % THROUGHPUT_SLOTS] = 0;
    }
}

void publisher_confirmed(struct publisher *p, uint64_t count, int64_t now_us) {
    turn(&p->throughput, now_us);
    p->throughput.slots[p->throughput.slot % THROUGHPUT_SLOTS] += (uint32_t)count;
    p->counters.items_confirmed += count;
}

static double per_second(struct publisher *p, int64_t now_us) {
    uint64_t sum = 0;
    turn(&p->throughput, now_us);
    for (unsigned i = 0; i < THROUGHPUT_SLOTS; i++) {
        sum += p->throughput.slots[i];
    }
    return (double)sum * (double)US_PER_SECOND / (double)(THROUGHPUT_SLOTS * THROUGHPUT_SLOT_US);
}

/* ---- the channel ---- */

void publisher_write_json(struct publisher *p, struct json_writer *w, bool whole) {
    struct arena arena = {0};
    struct text holder = lease_holder(p->leases, publisher_lease_name(p), &arena);
    if (!publisher_write_theirs(p, w)) {
        publisher_write_members(p, w, whole);
    }
    if (p->leases != NULL) {
        json_key(w, "held_by");
        json_text_or_null(w, holder);
    }
    arena_deinit(&arena);
}

void publisher_write_members(struct publisher *p, struct json_writer *w, bool whole) {
    pthread_mutex_lock(&p->lock);
    int64_t now_us = hub_now_us(p->hub), oldest_us = outbox_oldest_us(p->outbox);
    json_key(w, "state");
    json_string(w, state_word(p));
    write_count(w, "pending", outbox_pending(p->outbox));
    write_count(w, "held", outbox_count(p->outbox, OUTBOX_HELD));
    json_key(w, "oldest_pending_seconds");
    json_double(w, oldest_us != 0 ? (double)(now_us - oldest_us) / 1e6 : 0, 3);
    write_count(w, "confirmed", outbox_told_count(p->outbox));
    json_key(w, "confirmed_per_second");
    json_double(w, per_second(p, now_us), 3);
    write_count(w, "uncertain",
                outbox_count(p->outbox, OUTBOX_UNCERTAIN) +
                    outbox_count(p->outbox, OUTBOX_SENDING));
    write_count(w, "parked_count", outbox_count(p->outbox, OUTBOX_PARKED));
    write_count(w, "unmapped", outbox_count(p->outbox, OUTBOX_UNMAPPED));
    write_count(w, "calls", p->counters.calls);
    write_count(w, "calls_failed", p->counters.calls_failed);
    write_count(w, "items_sent", p->counters.items_sent);
    write_count(w, "items_confirmed", p->counters.items_confirmed);
    write_time(w, "next_call_at", p->pace.next_us > now_us ? p->pace.next_us : 0);
    json_key(w, "last_error");
    json_text_or_null(w, text_from(p->error));
    write_time(w, "last_error_at", p->error_at_us);
    json_key(w, "last_audit");
    const struct buffer *audit =
        whole && p->audit_whole.length > 0 ? &p->audit_whole : &p->audit_json;
    if (audit->length > 0) {
        json_raw(w, buffer_text(audit));
    } else {
        json_null(w);
    }
    struct parked parked = {p, w, 0, whole ? PARKED_SHOWN_WHOLE : PARKED_SHOWN};
    json_key(w, "parked");
    json_begin_array(w);
    outbox_each(p->outbox, OUTBOX_PARKED, write_parked, &parked);
    json_end_array(w);
    write_count(w, "notes", notes_count(p->notes));
    write_count(w, "memory_bytes", outbox_memory(p->outbox));
    pthread_mutex_unlock(&p->lock);
}

/* ---- one cell ---- */

static void write_cell(struct publisher *p, struct outbox_ref ref, const struct place *place,
                       struct json_writer *w) {
    struct outbox_view view;
    struct wanted_figure figure = publisher_figure(p, ref.place, ref.product);
    char key[CHANNEL_KEY_SIZE];
    if (!outbox_look(p->outbox, ref, &view)) {
        view = (struct outbox_view){.told_milli = CHANNEL_UNKNOWN_MILLI,
                                    .sent_milli = CHANNEL_UNKNOWN_MILLI};
    }
    json_key(w, "place");
    json_text_or_null(w, place->theirs);
    json_key(w, "state");
    bool never = view.state == OUTBOX_CLEAN && view.told_milli == CHANNEL_UNKNOWN_MILLI;
    json_string(w, never ? "new" : outbox_state_word(view.state));
    write_figure(w, "wanted", figure.milli);
    write_figure(w, "sent", view.sent_milli);
    write_time(w, "sent_at", view.sent_at_us);
    write_figure(w, "confirmed", view.told_milli);
    write_count(w, "confirmed_version", view.told_version);
    write_time(w, "confirmed_at", view.told_at_us);
    json_key(w, "request");
    if (view.sent_request != 0) {
        publisher_key(p, view.sent_request, key);
        json_string(w, key);
    } else {
        json_null(w);
    }
    write_time(w, "next_try_at",
               view.state == OUTBOX_LATER || view.state == OUTBOX_HELD ? view.due_us : 0);
    json_key(w, "why");
    json_text_or_null(w, view.words);
}

bool publisher_explain(struct publisher *p, uint32_t location, uint32_t product,
                       struct json_writer *w) {
    pthread_mutex_lock(&p->lock);
    uint32_t number = places_of_location(p->places, location);
    bool sells = number != PLACE_NONE;
    if (sells) {
        struct outbox_ref ref = {number, product};
        json_begin_object(w);
        json_key(w, "channel");
        json_text(w, p->config->name);
        json_key(w, "type");
        json_string(w, p->platform->name);
        write_cell(p, ref, places_at(p->places, number), w);
        json_end_object(w);
    }
    pthread_mutex_unlock(&p->lock);
    return sells;
}

int64_t publisher_total_milli(struct publisher *p, uint32_t product) {
    int64_t total_milli = 0;
    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < places_count(p->places); i++) {
        if (balance_add(total_milli, publisher_figure(p, i, product).milli, &total_milli) !=
            STATUS_OK) {
            total_milli = BALANCE_MAX_MILLI;
        }
    }
    pthread_mutex_unlock(&p->lock);
    return total_milli;
}

bool publisher_place_milli(struct publisher *p, uint32_t location, uint32_t product,
                           int64_t *milli_out) {
    pthread_mutex_lock(&p->lock);
    uint32_t place = places_of_location(p->places, location);
    bool alone = place != PLACE_NONE && places_at(p->places, place)->count == 1;
    if (alone) {
        *milli_out = publisher_figure(p, place, product).milli;
    }
    pthread_mutex_unlock(&p->lock);
    return alone;
}

void publisher_stats(struct publisher *p, struct publisher_stats *stats_out) {
    pthread_mutex_lock(&p->lock);
    *stats_out = p->counters;
    stats_out->pending = outbox_pending(p->outbox);
    stats_out->held = outbox_count(p->outbox, OUTBOX_HELD);
    stats_out->parked = outbox_count(p->outbox, OUTBOX_PARKED);
    stats_out->unmapped = outbox_count(p->outbox, OUTBOX_UNMAPPED);
    stats_out->uncertain = outbox_count(p->outbox, OUTBOX_UNCERTAIN);
    stats_out->confirmed = outbox_told_count(p->outbox);
    stats_out->oldest_us = outbox_oldest_us(p->outbox);
    stats_out->confirmed_per_second = per_second(p, hub_now_us(p->hub));
    stats_out->drift = p->drift;
    stats_out->memory_bytes = outbox_memory(p->outbox);
    stats_out->healthy = !p->stopped && p->pace.failures == 0;
    pthread_mutex_unlock(&p->lock);
}
