/* GET /v1/events: every change as it happens, as Server-Sent Events.
 *
 * A stream keeps a position and nothing else: it reads on from the change feed whenever its socket
 * has room, and is suspended when it has read all there is. So a slow reader costs no memory. One
 * that falls too far behind the present is let go: it comes back with Last-Event-ID.
 * One thread wakes the sleepers, a few hundred times a second at most, and sees to heartbeats. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/api_internal.h"
#include "api/rates.h"

#define HEARTBEAT_US (15 * US_PER_SECOND)
#define LOOK_US US_PER_SECOND
#define REST_BETWEEN_WAKES_US 2000
#define CHANGES_AT_ONCE 256u
#define ROUNDS_UNSEEN 32u /* of changes that the token may not see, before others have a turn */
#define NOTICES_AT_ONCE 64u
#define BEHIND_MAX UINT64_C(1000000)

struct listener {
    struct request *r;
    struct events *events;
    struct listener *next, *previous;
    uint64_t position, notice; /* the last ones that were sent */
    int64_t sent_at_us;
    struct arena arena;
    size_t sent; /* of r->out */
    bool was_live;
    bool paused, woken; /* under events->lock */
};

struct events {
    struct api *api;
    struct subscriber subscriber;
    pthread_t thread;
    pthread_mutex_t lock;
    struct listener *first;
    uint64_t count;
    bool stopping;
    struct queue calls; /* nothing is ever in it: it is there to be woken */
    struct rates rates; /* noted by the thread, each time it looks */
};

static void lock(struct events *events) {
    require(pthread_mutex_lock(&events->lock) == 0);
}

static void unlock(struct events *events) {
    require(pthread_mutex_unlock(&events->lock) == 0);
}

/* ---- waking ---- */

static void wake(void *context) {
    struct events *events = context;
    queue_wake(&events->calls);
}

/* `everybody`, or only those whose heartbeat is due. */
static void resume_listeners(struct events *events, bool everybody) {
    int64_t now_us = monotonic_us();
    lock(events);
    for (struct listener *l = events->first; l != NULL; l = l->next) {
        if (!everybody && now_us - l->sent_at_us < HEARTBEAT_US) {
            continue;
        }
        l->woken = true;
        if (l->paused) {
            l->paused = false;
            MHD_resume_connection(l->r->connection);
        }
    }
    unlock(events);
}

static bool is_stopping(struct events *events) {
    lock(events);
    bool stopping = events->stopping;
    unlock(events);
    return stopping;
}

static void note_rate(struct events *events) {
    struct hub_stats hub;
    hub_stats(events->api->hub, &hub);
    rates_note(&events->rates, monotonic_us(), hub.adjustments[OUTCOME_APPLIED]);
}

static void *wake_for_ever(void *context) {
    struct events *events = context;
    while (!is_stopping(events)) {
        int64_t before_us = monotonic_us();
        (void)queue_take(&events->calls, 1, LOOK_US);
        bool called = monotonic_us() - before_us < LOOK_US;
        note_rate(events);
        resume_listeners(events, called);
        (void)usleep(REST_BETWEEN_WAKES_US);
    }
    return NULL;
}

struct events *events_new(struct api *api) {
    struct events *events = memory_alloc_zero(1, sizeof *events);
    events->api = api;
    require(pthread_mutex_init(&events->lock, NULL) == 0);
    queue_init(&events->calls);
    rates_init(&events->rates, monotonic_us());
    events->subscriber = (struct subscriber){.wake = wake, .context = events};
    hub_subscribe(api->hub, &events->subscriber);
    require(pthread_create(&events->thread, NULL, wake_for_ever, events) == 0);
    (void)pthread_setname_np(events->thread, "api-events");
    return events;
}

void events_stop(struct events *events) {
    hub_unsubscribe(events->api->hub, &events->subscriber);
    lock(events);
    events->stopping = true;
    unlock(events);
    queue_wake(&events->calls);
    (void)pthread_join(events->thread, NULL);
    resume_listeners(events, true);
}

void events_free(struct events *events) {
    if (events == NULL) {
        return;
    }
    require(events->first == NULL);
    queue_deinit(&events->calls);
    rates_deinit(&events->rates);
    (void)pthread_mutex_destroy(&events->lock);
    free(events);
}

uint64_t events_listeners(struct events *events) {
    lock(events);
    uint64_t count = events->count;
    unlock(events);
    return count;
}

struct rates *events_rates(struct events *events) {
    return &events->rates;
}

/* ---- writing ---- */

static void begin_event(struct json_writer *w, const char *type, struct text id,
                        struct text subject, int64_t at_us) {
    json_begin_object(w);
    json_key(w, "specversion");
    json_string(w, "1.0");
    json_key(w, "type");
    json_string(w, type);
    json_key(w, "id");
    json_text(w, id);
    json_key(w, "source");
    json_string(w, "/onhand");
    json_key(w, "subject");
    json_text(w, subject);
    json_key(w, "time");
    json_timestamp(w, at_us);
    json_key(w, "data");
}

static void write_change(struct listener *l, const struct change *change, struct text code) {
    struct hub *hub = l->events->api->hub;
    struct text sku = catalog_product_sku(hub_catalog(hub), change->product);
    struct text subject = arena_format(&l->arena, "%.*s/%.*s", TEXT_ARG(code), TEXT_ARG(sku));
    char id[U64_TEXT_SIZE];
    size_t length = text_format_u64(change->seq, id);
    struct buffer *out = &l->r->out;
    buffer_append_format(out, "id: %s\ndata: ", id);
    struct json_writer w = {.out = out};
    begin_event(&w, "onhand.inventory.changed", (struct text){id, length}, subject, change->at_us);
    json_begin_object(&w);
    json_key(&w, "location");
    json_text(&w, code);
    json_key(&w, "sku");
    json_text(&w, sku);
    json_key(&w, "on_hand");
    json_quantity(&w, change->on_hand_milli);
    json_key(&w, "reserved");
    json_quantity(&w, change->reserved_milli);
    json_key(&w, "available");
    json_quantity(&w, change->on_hand_milli - change->reserved_milli -
                          hub_safety_stock_milli(hub, change->location));
    json_key(&w, "version");
    json_uint(&w, change->seq);
    json_end_object(&w);
    json_end_object(&w);
    buffer_append_string(out, "\n\n");
}

/* Changes after the position, as far as one look goes. False: there are none, or no reading. */
static bool add_changes(struct listener *l) {
    struct hub *hub = l->events->api->hub;
    struct change *changes = NULL;
    struct error error;
    size_t count = 0;
    uint64_t through = l->position;
    if (hub_changes(hub, l->position, CHANGES_AT_ONCE, &l->arena, &changes, &count, &through,
                    &error) != STATUS_OK ||
        count == 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct text code = catalog_location_code(hub_catalog(hub), changes[i].location);
        if (access_allows_location(request_access(l->r), code)) {
            write_change(l, &changes[i], code);
        }
    }
    l->position = through;
    return true;
}

/* What is told besides changes concerns the whole hub: not for tokens of a few locations. */
static void add_notices(struct listener *l) {
    struct notice *notices = NULL;
    if (request_access(l->r)->location_count > 0) {
        return;
    }
    size_t count =
        hub_notices(l->events->api->hub, l->notice, NOTICES_AT_ONCE, &l->arena, &notices);
    for (size_t i = 0; i < count; i++) {
        const struct notice *notice = &notices[i];
        struct text id = arena_format(&l->arena, "notice-%llu", (unsigned long long)notice->number);
        struct text type = arena_copy(&l->arena, notice->type);
        buffer_append_string(&l->r->out, "data: ");
        struct json_writer w = {.out = &l->r->out};
        begin_event(&w, type.data, id, notice->subject, notice->at_us);
        json_raw(&w, notice->data.length > 0 ? notice->data : TEXT("{}"));
        json_end_object(&w);
        buffer_append_string(&l->r->out, "\n\n");
        l->notice = notice->number;
    }
}

static void fill(struct listener *l) {
    struct request *r = l->r;
    buffer_clear(&r->out);
    l->sent = 0;
    arena_reset(&l->arena);
    add_notices(l);
    bool more = true;
    for (unsigned i = 0; i < ROUNDS_UNSEEN && more && r->out.length == 0; i++) {
        more = add_changes(l);
    }
    l->was_live = l->was_live || !more;
    if (r->out.length == 0 && more) { /* nothing for this token in all that: remember how far */
        buffer_append_format(&r->out, "id: %llu\n\n", (unsigned long long)l->position);
    }
    if (r->out.length == 0 && monotonic_us() - l->sent_at_us >= HEARTBEAT_US) {
        buffer_append_string(&r->out, ": heartbeat\n\n");
    }
}

/* Sleeps unless somebody called meanwhile. False: do not, look again. */
static bool pause_listener(struct listener *l) {
    struct events *events = l->events;
    lock(events);
    bool pause = !l->woken && !events->stopping;
    l->woken = false;
    if (pause) {
        MHD_suspend_connection(l->r->connection);
        l->paused = true;
    }
    unlock(events);
    return pause;
}

static bool must_end(struct listener *l) {
    uint64_t last = hub_last_sequence(l->events->api->hub);
    bool behind = l->was_live && last > l->position && last - l->position > BEHIND_MAX;
    return behind || is_stopping(l->events) || token_is_revoked(l->r->token);
}

static ssize_t events_read(void *context, uint64_t position, char *out, size_t most) {
    struct request *r = context;
    struct listener *l = r->state;
    (void)position;
    while (l->sent == r->out.length) {
        if (must_end(l)) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        fill(l);
        if (r->out.length == 0 && pause_listener(l)) {
            return 0;
        }
    }
    size_t length = r->out.length - l->sent;
    length = length < most ? length : most;
    memcpy(out, r->out.data + l->sent, length);
    l->sent += length;
    lock(l->events);
    l->sent_at_us = monotonic_us();
    unlock(l->events);
    return (ssize_t)length;
}

/* ---- coming and going ---- */

static void listener_free(struct request *r) {
    struct listener *l = r->state;
    struct events *events = l->events;
    lock(events);
    *(l->previous != NULL ? &l->previous->next : &events->first) = l->next;
    if (l->next != NULL) {
        l->next->previous = l->previous;
    }
    events->count--;
    unlock(events);
    arena_deinit(&l->arena);
    free(l);
}

/* Notices of the past are not told again. */
static uint64_t last_notice(struct request *r) {
    struct notice *notices = NULL;
    uint64_t last = 0;
    size_t count;
    while ((count = hub_notices(r->api->hub, last, NOTICES_AT_ONCE, &r->arena, &notices)) > 0) {
        last = notices[count - 1].number;
    }
    return last;
}

static bool read_position(struct request *r, uint64_t *position_out) {
    uint64_t last = hub_last_sequence(r->api->hub);
    *position_out = last;
    struct text id = r->headers.last_event_id;
    if (id.length > 0) {
        uint64_t value = 0;
        for (size_t i = 0; i < id.length; i++) {
            if (id.data[i] < '0' || id.data[i] > '9' || i == 19) {
                problem(r, STATUS_BAD_VALUE, "Last-Event-ID", "Last-Event-ID: a sequence number");
                return false;
            }
            value = value * 10 + (uint64_t)(id.data[i] - '0');
        }
        *position_out = value;
    } else if (!request_query_uint(r, "after", INT64_MAX, position_out)) {
        return false;
    }
    if (*position_out > last) { /* of another life of the store: only what is new can be told */
        *position_out = last;
    }
    return true;
}

void handle_events(struct request *r) {
    struct events *events = r->api->events;
    uint64_t position = 0;
    if (!read_position(r, &position)) {
        return;
    }
    if (events_listeners(events) >= (uint64_t)r->api->config->limits.connections / 2) {
        problem(r, STATUS_BUSY, "", "too many listen already");
        return;
    }
    struct listener *l = memory_alloc_zero(1, sizeof *l);
    l->r = r;
    l->events = events;
    l->position = position;
    l->notice = last_notice(r);
    l->sent_at_us = monotonic_us();
    lock(events);
    l->next = events->first;
    if (l->next != NULL) {
        l->next->previous = l;
    }
    events->first = l;
    events->count++;
    unlock(events);
    r->state = l;
    r->state_free = listener_free;
    buffer_clear(&r->out);
    /* Sent at once: it tells that we listen, and from where, so that who loses the stream before
     * the first change comes misses nothing either. */
    buffer_append_format(&r->out, "id: %llu\nretry: 2000\n\n", (unsigned long long)position);
    answer_stream(r, "text/event-stream", events_read);
}
