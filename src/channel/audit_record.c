/* What an audit found, on record: figures of each day, so that drift can be seen over time, and of
 * the last one the items, each with what it probably comes from.
 *
 * The likely cause is looked for in the ledger: what the shop shows may be what it should have
 * shown a while ago. */
#include <stdio.h>

#include "channel/audit_internal.h"

#define SHOWN_IN_LISTS 20u
#define DAYS_KEPT 400
#define HISTORY_MOST 64u /* changes of a cell among which the figure is looked for */

static const char *const cause_words[CAUSE_COUNT] = {
    "", "in_flight", "changed_at_the_shop", "never_sent", "parked", "not_at_the_shop",
};

uint64_t audit_drift(const struct audit *audit) {
    return audit->causes[CAUSE_CHANGED_THERE] + audit->causes[CAUSE_MISSING];
}

/* ---- where it may come from ---- */

/* When the cell last had the figure that the shop shows; 0: not lately. Only where the place is one
 * location: of sums nobody knows which of them is the old one. */
static int64_t stood_at_us(struct publisher *p, const struct difference *difference,
                           struct arena *arena) {
    pthread_mutex_lock(&p->lock);
    const struct place *place = places_at(p->places, difference->ref.place);
    uint32_t location = place->count == 1 ? place->locations[0] : 0;
    pthread_mutex_unlock(&p->lock);
    struct ledger_entry *entries = NULL;
    size_t count = 0;
    struct error error = {0};
    if (location == 0 ||
        store_history(hub_store(p->hub), location, difference->ref.product, 0, HISTORY_MOST, arena,
                      &entries, &count, &error) != STATUS_OK) {
        return 0;
    }
    for (size_t i = 1; i < count; i++) { /* [0] is what stands */
        struct wanted_cell then = {
            .cell = {.on_hand_milli = entries[i].on_hand_milli,
                     .reserved_milli = entries[i].reserved_milli,
                     .head = entries[i].seq},
            .safety_milli = hub_safety_stock_milli(p->hub, location),
            .sells = true,
        };
        if (wanted_figure_of(&p->policy, &then, 1).milli == difference->actual_milli) {
            return entries[i - 1].event.received_at_us;
        }
    }
    return 0;
}

static struct text likely_cause(struct publisher *p, const struct difference *difference,
                                struct arena *arena) {
    switch (difference->cause) {
    case CAUSE_CHANGED_THERE:
        break;
    case CAUSE_MISSING:
        return TEXT("taken off sale or deleted there");
    case CAUSE_NEVER_SENT:
        return TEXT("not told yet: it waits, or the shop did not know it");
    case CAUSE_PARKED:
        return TEXT("the shop refuses our figure: see what is parked");
    case CAUSE_NONE:
    case CAUSE_IN_FLIGHT:
    case CAUSE_COUNT:
        return TEXT("");
    }
    int64_t until_us = stood_at_us(p, difference, arena);
    if (until_us > 0) {
        char at[TIMESTAMP_TEXT_SIZE];
        (void)timestamp_format(until_us, at);
        return arena_format(arena,
                            "an older figure of ours, right until %s: applied late there, or "
                            "the shop was restored",
                            at);
    }
    return difference->actual_milli < difference->told_milli
               ? TEXT("an order there that the hub was not told of, or somebody lowered it")
               : TEXT("somebody raised it there, or an order that the hub knows of was cancelled");
}

/* ---- as JSON ---- */

static void write_figure(struct json_writer *w, const char *key, int64_t milli) {
    json_key(w, key);
    if (milli == CHANNEL_UNKNOWN_MILLI) {
        json_null(w);
    } else {
        json_quantity(w, milli);
    }
}

static void write_difference(struct json_writer *w, struct publisher *p,
                             const struct difference *difference, struct text likely) {
    const struct place *place = places_at(p->places, difference->ref.place);
    require(difference->cause < CAUSE_COUNT);
    json_begin_object(w);
    json_key(w, "location");
    json_text(w, place->count > 0 ? place->codes[0] : place->name);
    json_key(w, "sku");
    json_text(w, catalog_product_sku(hub_catalog(p->hub), difference->ref.product));
    write_figure(w, "wanted", difference->wanted_milli);
    write_figure(w, "actual", difference->actual_milli);
    json_key(w, "cause");
    json_string(w, cause_words[difference->cause]);
    json_key(w, "likely");
    json_text(w, likely);
    json_end_object(w);
}

static void write_counts(struct json_writer *w, const struct audit *audit) {
    const struct {
        const char *key;
        uint64_t count;
    } counts[] = {
        {"read", audit->read},     {"agreed", audit->agreed},    {"drift", audit_drift(audit)},
        {"mended", audit->mended}, {"not_ours", audit->unknown},
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        json_key(w, counts[i].key);
        json_uint(w, counts[i].count);
    }
    for (unsigned i = 1; i < CAUSE_COUNT; i++) {
        json_key(w, cause_words[i]);
        json_uint(w, audit->causes[i]);
    }
}

static void write_audit(struct buffer *json, const struct audit *audit, const struct text *likely,
                        size_t most, enum status status, const struct error *error) {
    struct json_writer w = {.out = json};
    json_begin_object(&w);
    json_key(&w, "started_at");
    json_timestamp(&w, audit->started_us);
    json_key(&w, "finished_at");
    json_timestamp(&w, hub_now_us(audit->p->hub));
    write_counts(&w, audit);
    json_key(&w, "error");
    json_text_or_null(&w, status == STATUS_OK ? TEXT("") : text_from(error->detail));
    json_key(&w, "differences");
    json_begin_array(&w);
    for (size_t i = 0; i < audit->shown_count && i < most; i++) {
        write_difference(&w, audit->p, &audit->shown[i], likely[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
}

/* ---- on record ---- */

static struct text kind_of(const struct publisher *p, const char *what, struct arena *arena) {
    return arena_format(arena, "channel.%s:%.*s", what, TEXT_ARG(p->config->name));
}

static struct text day_of(int64_t us, struct arena *arena) {
    struct civil_time t = civil_from_timestamp(us);
    return arena_format(arena, "%04d-%02u-%02u", (int)t.year, t.month, t.day);
}

/* The last one of each day, and the items of the last one of all. */
static void put(struct audit *audit, struct text few, struct text whole, struct arena *arena) {
    struct hub *hub = audit->p->hub;
    struct error error = {0};
    struct text kind = kind_of(audit->p, "audit", arena);
    enum status status = hub_item_put(hub, kind, day_of(audit->started_us, arena), few, &error);
    if (status == STATUS_OK) {
        status =
            hub_item_put(hub, kind_of(audit->p, "audited", arena), TEXT("last"), whole, &error);
    }
    if (status == STATUS_OK) {
        struct text old = day_of(audit->started_us - DAYS_KEPT * US_PER_DAY, arena);
        status = hub_item_delete(hub, kind, old, &error);
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        publisher_note_error(audit->p, error.detail, hub_now_us(hub));
    }
}

void audit_keep(struct audit *audit, enum status status, const struct error *error) {
    struct publisher *p = audit->p;
    struct buffer few = {0}, whole = {0};
    struct arena arena = {0};
    struct text *likely = arena_alloc_zero(&arena, (audit->shown_count + 1) * sizeof(*likely));
    for (size_t i = 0; i < audit->shown_count; i++) {
        likely[i] = likely_cause(p, &audit->shown[i], &arena);
    }
    pthread_mutex_lock(&p->lock);
    write_audit(&few, audit, likely, SHOWN_IN_LISTS, status, error);
    write_audit(&whole, audit, likely, AUDIT_SHOWN_MAX, status, error);
    buffer_clear(&p->audit_json);
    buffer_append_text(&p->audit_json, buffer_text(&few));
    buffer_clear(&p->audit_whole);
    buffer_append_text(&p->audit_whole, buffer_text(&whole));
    p->drift = status == STATUS_OK ? audit_drift(audit) : p->drift;
    pthread_mutex_unlock(&p->lock);
    put(audit, buffer_text(&few), buffer_text(&whole), &arena);
    if (audit_drift(audit) > 0) {
        hub_notify(p->hub, "onhand.channel.drift", p->config->name, buffer_text(&few));
    }
    buffer_deinit(&few);
    buffer_deinit(&whole);
    arena_deinit(&arena);
}

static bool last_one(void *context, struct text key, struct text value) {
    struct buffer *json = context;
    (void)key;
    buffer_append_text(json, value);
    return false;
}

enum status audit_load(struct publisher *p, struct error *error) {
    struct store *store = hub_store(p->hub);
    struct arena arena = {0};
    buffer_clear(&p->audit_json); /* it may be loaded anew, after another hub published */
    buffer_clear(&p->audit_whole);
    enum status status = store_item_scan(store, kind_of(p, "audit", &arena), TEXT(""), true,
                                         last_one, &p->audit_json, error);
    if (status == STATUS_OK) {
        status = store_item_scan(store, kind_of(p, "audited", &arena), TEXT(""), true, last_one,
                                 &p->audit_whole, error);
    }
    arena_deinit(&arena);
    return status;
}

static bool write_one(void *context, struct text key, struct text value) {
    (void)key;
    json_raw(context, value);
    return true;
}

enum status publisher_write_audits(struct publisher *p, struct json_writer *w,
                                   struct error *error) {
    struct arena arena = {0};
    json_begin_array(w);
    enum status status = store_item_scan(hub_store(p->hub), kind_of(p, "audit", &arena), TEXT(""),
                                         true, write_one, w, error);
    json_end_array(w);
    arena_deinit(&arena);
    return status;
}
