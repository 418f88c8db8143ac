/* A look, once a second: our own beat if it is time, then what the other hubs say, then what was
 * asked of us. */
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "hub/lease_internal.h"
#include "store/store.h"

#define FORGET_US US_PER_DAY /* a hub that has been silent for so long is told of no more */

/* ---- the beat ---- */

struct held {
    struct text name;
    uint64_t token;
    bool lost;
};

struct beat {
    struct leases *leases;
    struct arena arena;
    struct held *held;
    size_t count;
    struct text *forgotten; /* hubs that are gone for good */
    size_t forgotten_count;
};

static void gather_held(struct leases *leases, struct beat *beat) {
    size_t rows = 0, peers = 0;
    leases_lock(leases);
    for (const struct lease_row *row = leases->rows; row != NULL; row = row->next)
        rows += row->token != 0;
    for (const struct peer *peer = leases->peers; peer != NULL; peer = peer->next)
        peers++;
    beat->held = arena_alloc_zero(&beat->arena, (rows + 1) * sizeof *beat->held);
    beat->forgotten = arena_alloc_zero(&beat->arena, (peers + 1) * sizeof *beat->forgotten);
    for (const struct lease_row *row = leases->rows; row != NULL; row = row->next)
        if (row->token != 0)
            beat->held[beat->count++] = (struct held){row->name, row->token, false};
    for (const struct peer *peer = leases->peers; peer != NULL; peer = peer->next)
        if (peer->present && peer->silent_us > FORGET_US)
            beat->forgotten[beat->forgotten_count++] = peer->id;
    leases_unlock(leases);
}

static enum status put_beat(struct store *store, struct leases *leases, struct error *error) {
    struct buffer value = {0};
    struct beat_item item = {.incarnation = text_from(leases->incarnation),
                             .number = leases->beat_number + 1,
                             .duration_us = leases->duration_us,
                             .started_at_us = leases->started_at_us,
                             .at_us = hub_now_us(leases->hub),
                             .version = TEXT(ONHAND_VERSION)};
    beat_item_write(&item, &value);
    enum status status = store_item_put(store, HUB_KIND, leases->id, buffer_text(&value), error);
    buffer_deinit(&value);
    return status;
}

/* On the writer's thread: the item, and whether what is held still is. */
static enum status write_beat(struct store *store, void *context, struct error *error) {
    struct beat *beat = context;
    struct leases *leases = beat->leases;
    struct beat_item before;
    enum status status = beat_item_get(store, leases->id, &beat->arena, &before, error);
    if (status != STATUS_OK)
        return status;
    if (leases->beat_number > 0 && before.incarnation.length > 0 &&
        !text_equal_string(before.incarnation, leases->incarnation))
        return error_set(error, STATUS_CONFLICT, "another hub on this store is called %.*s, too",
                         TEXT_ARG(leases->id));
    status = put_beat(store, leases, error);
    for (size_t i = 0; i < beat->count && status == STATUS_OK; i++) {
        struct lease_item item;
        status = lease_item_get(store, beat->held[i].name, &beat->arena, &item, error);
        beat->held[i].lost = item.token != beat->held[i].token;
    }
    for (size_t i = 0; i < beat->forgotten_count && status == STATUS_OK; i++) {
        status = store_item_delete(store, HUB_KIND, beat->forgotten[i], error);
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    return status;
}

/* Two hubs of one name would take everything from each other for ever: the older one rests. */
static void be_displaced(struct leases *leases, const struct error *error) {
    leases_lock(leases);
    bool news = !leases->displaced;
    leases->displaced = true;
    leases_forget_all(leases);
    leases_unlock(leases);
    if (news)
        log_error("this hub takes part in nothing that only one may do: give each hub a name of "
                  "its own (hub: NAME) and start it again",
                  "because=%s", log_quote(text_from(error->detail)));
}

static enum status beat_once(struct leases *leases, int64_t now_us, struct error *error) {
    struct beat beat = {.leases = leases};
    gather_held(leases, &beat);
    enum status status = hub_write(leases->hub, write_beat, &beat, error);
    if (status == STATUS_OK) {
        leases->beat_number++;
        leases->beat_us = now_us;
        leases_lock(leases);
        leases->good_until_us = now_us + leases->duration_us;
        for (size_t i = 0; i < beat.count; i++) {
            struct lease_row *row = lease_row_of(leases, beat.held[i].name);
            if (beat.held[i].lost && row->token == beat.held[i].token)
                row->token = 0;
        }
        leases_unlock(leases);
    } else if (status == STATUS_CONFLICT) {
        be_displaced(leases, error);
    }
    arena_deinit(&beat.arena);
    return status;
}

/* ---- reading what the others say ---- */

static void keep_text(char *out, size_t size, struct text text) {
    size_t length = text.length < size ? text.length : size - 1;
    if (length > 0)
        memcpy(out, text.data, length);
    out[length] = '\0';
}

struct look {
    struct leases *leases;
    int64_t elapsed_us; /* that count as silence */
};

static void see_peer(const struct look *look, struct text key, struct text value) {
    struct beat_item item = beat_item_read(value);
    struct peer *peer = peer_of(look->leases, key);
    bool news = !peer->present || item.number != peer->number ||
                !text_equal_string(item.incarnation, peer->incarnation);
    peer->present = peer->seen = true;
    peer->silent_us = news ? 0 : peer->silent_us + look->elapsed_us;
    keep_text(peer->incarnation, sizeof peer->incarnation, item.incarnation);
    keep_text(peer->version, sizeof peer->version, item.version);
    peer->number = item.number;
    peer->duration_us = item.duration_us;
    peer->started_at_us = item.started_at_us;
    peer->at_us = item.at_us;
}

static void see_lease(const struct look *look, struct text key, struct text value) {
    struct lease_item item = lease_item_read(value);
    struct lease_row *row = lease_row_of(look->leases, key);
    keep_text(row->holder, sizeof row->holder, item.holder);
    keep_text(row->incarnation, sizeof row->incarnation, item.incarnation);
    row->seen_token = item.token;
    row->since_us = item.since_us;
}

struct pair {
    struct pair *next;
    struct text key, value;
};

struct gathering {
    struct arena *arena;
    struct pair *first, **last;
};

static bool gather_pair(void *context, struct text key, struct text value) {
    struct gathering *gathering = context;
    struct pair *pair = arena_alloc_zero(gathering->arena, sizeof *pair);
    pair->key = arena_copy(gathering->arena, key);
    pair->value = arena_copy(gathering->arena, value);
    *gathering->last = pair;
    gathering->last = &pair->next;
    return true;
}

static enum status gather(struct leases *leases, struct text kind, struct arena *arena,
                          struct pair **first_out, struct error *error) {
    struct gathering gathering = {.arena = arena};
    gathering.last = &gathering.first;
    enum status status = store_item_scan(hub_store(leases->hub), kind, (struct text){NULL, 0},
                                         false, gather_pair, &gathering, error);
    *first_out = gathering.first;
    return status;
}

static void see(struct leases *leases, const struct pair *beats, const struct pair *held,
                int64_t now_us) {
    int64_t elapsed_us = leases->read_us == NEVER_US ? 0 : now_us - leases->read_us;
    int64_t most_us = 2 * leases->look_us; /* while the store is out of reach nobody can beat */
    struct look look = {leases, elapsed_us < most_us ? elapsed_us : most_us};
    leases->read_us = now_us;
    leases_lock(leases);
    for (struct peer *peer = leases->peers; peer != NULL; peer = peer->next)
        peer->seen = false;
    for (; beats != NULL; beats = beats->next)
        see_peer(&look, beats->key, beats->value);
    for (struct peer *peer = leases->peers; peer != NULL; peer = peer->next)
        peer->present = peer->seen;
    for (; held != NULL; held = held->next)
        see_lease(&look, held->key, held->value);
    leases_unlock(leases);
}

static enum status read_others(struct leases *leases, struct error *error) {
    struct arena arena = {0};
    struct pair *beats = NULL, *held = NULL;
    int64_t now_us = clock_now_us(&leases->monotonic);
    enum status status = gather(leases, HUB_KIND, &arena, &beats, error);
    if (status == STATUS_OK)
        status = gather(leases, LEASE_KIND, &arena, &held, error);
    if (status == STATUS_OK)
        see(leases, beats, held, now_us);
    arena_deinit(&arena);
    return status;
}

/* ---- what is asked of us ---- */

static void answer_one(struct leases *leases, const struct pair *ask) {
    const char *blank = memchr(ask->key.data, ' ', ask->key.length);
    struct text name = {ask->key.data, blank != NULL ? (size_t)(blank - ask->key.data) : 0};
    struct error error;
    leases_lock(leases);
    bool ours = lease_row_of(leases, name)->token != 0 && leases_are_good(leases);
    leases_unlock(leases);
    if (!ours)
        return;
    for (size_t i = 0; i < leases->answerer_count; i++)
        leases->answerers[i].answer(leases->answerers[i].context, name, ask->value);
    if (hub_item_delete(leases->hub, ASK_KIND, ask->key, &error) != STATUS_OK)
        log_warn("what was asked by another hub may be done once more", "lease=%s error=%s",
                 log_quote(name), log_quote(text_from(error.detail)));
}

static enum status answer_all(struct leases *leases, struct error *error) {
    struct arena arena = {0};
    struct pair *asks = NULL;
    enum status status = gather(leases, ASK_KIND, &arena, &asks, error);
    for (; status == STATUS_OK && asks != NULL; asks = asks->next)
        answer_one(leases, asks);
    arena_deinit(&arena);
    return status;
}

enum status leases_look(struct leases *leases, struct error *error) {
    int64_t now_us = clock_now_us(&leases->monotonic);
    enum status status = STATUS_OK;
    bool due = leases->beat_us == NEVER_US || now_us - leases->beat_us >= leases->duration_us / 3;
    if (due && !leases->displaced)
        status = beat_once(leases, now_us, error);
    if (status == STATUS_OK || status == STATUS_CONFLICT)
        status = read_others(leases, error);
    if (status == STATUS_OK)
        status = answer_all(leases, error);
    for (size_t i = 0; i < leases->watcher_count && status == STATUS_OK; i++)
        leases->watchers[i].look(leases->watchers[i].context);
    return status;
}

/* ---- the thread ---- */

static struct timespec monotonic_after(int64_t wait_us) {
    struct timespec at;
    require(clock_gettime(CLOCK_MONOTONIC, &at) == 0);
    int64_t us = wait_us + at.tv_nsec / 1000;
    at.tv_sec += (time_t)(us / US_PER_SECOND);
    at.tv_nsec = (long)(us % US_PER_SECOND * 1000);
    return at;
}

static bool rest(struct leases *leases) {
    struct timespec until = monotonic_after(leases->look_us);
    leases_lock(leases);
    if (!leases->stopping)
        (void)pthread_cond_timedwait(&leases->ending, &leases->lock, &until);
    bool going_on = !leases->stopping;
    leases_unlock(leases);
    return going_on;
}

static void *look_for_ever(void *context) {
    struct leases *leases = context;
    bool failing = false;
    while (rest(leases)) {
        struct error error = {0};
        enum status status = leases_look(leases, &error);
        bool fails = status != STATUS_OK && status != STATUS_STOPPING;
        if (fails && !failing)
            log_warn("cannot look at the leases; what only one hub may do rests here meanwhile",
                     "error=%s", log_quote(text_from(error.detail)));
        else if (!fails && failing)
            log_info("can look at the leases again", "%s", "");
        failing = fails;
    }
    return NULL;
}

enum status leases_start(struct leases *leases, struct error *error) {
    require(!leases->started);
    enum status status = leases_look(leases, error);
    if (status != STATUS_OK)
        return status;
    require(pthread_create(&leases->thread, NULL, look_for_ever, leases) == 0);
    (void)pthread_setname_np(leases->thread, "leases");
    leases->started = true;
    return STATUS_OK;
}

/* ---- the end ---- */

static enum status write_end(struct store *store, void *context, struct error *error) {
    struct beat *beat = context;
    enum status status = store_item_delete(store, HUB_KIND, beat->leases->id, error);
    status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    for (size_t i = 0; i < beat->count && status == STATUS_OK; i++) {
        struct lease_item item;
        status = lease_item_get(store, beat->held[i].name, &beat->arena, &item, error);
        if (status == STATUS_OK && item.token == beat->held[i].token) {
            item.holder = item.incarnation = (struct text){NULL, 0};
            status = lease_item_put(store, beat->held[i].name, &item, error);
        }
    }
    return status;
}

void leases_stop(struct leases *leases) {
    struct error error = {0};
    if (leases == NULL || !leases->started)
        return;
    leases_lock(leases);
    leases->stopping = true;
    (void)pthread_cond_signal(&leases->ending);
    bool displaced = leases->displaced;
    leases_unlock(leases);
    (void)pthread_join(leases->thread, NULL);
    leases->started = false;
    struct beat beat = {.leases = leases};
    gather_held(leases, &beat);
    if (!displaced && hub_write(leases->hub, write_end, &beat, &error) != STATUS_OK)
        log_warn("leases are not given back; other hubs wait until they run out", "error=%s",
                 log_quote(text_from(error.detail)));
    leases_lock(leases);
    leases_forget_all(leases);
    leases_unlock(leases);
    arena_deinit(&beat.arena);
}
