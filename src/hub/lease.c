/* Beating, taking, giving back: one hub's side of the leases.
 *
 * What is known of each lease and each other hub is kept under the lock, which is never held over
 * a read or a write of the store. Each decision that counts is taken inside a transaction of the
 * writer, from the items as they stand there. */
#include "hub/lease.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "hub/lease_internal.h"
#include "store/store.h"

#define LOOK_US US_PER_SECOND

static int64_t monotonic_now(void *context) {
    (void)context;
    return monotonic_us();
}

void leases_lock(struct leases *leases) {
    require(pthread_mutex_lock(&leases->lock) == 0);
}

void leases_unlock(struct leases *leases) {
    require(pthread_mutex_unlock(&leases->lock) == 0);
}

struct leases *leases_new(const struct leases_options *options) {
    struct leases *leases = memory_alloc_zero(1, sizeof *leases);
    pthread_condattr_t attributes;
    unsigned char drawn[(INCARNATION_SIZE - 1) / 2];
    require(options->id.length > 0 && options->id.length <= LEASE_HUB_ID_MAX);
    leases->hub = options->hub;
    leases->monotonic = options->monotonic;
    if (leases->monotonic.now_us == NULL)
        leases->monotonic = (struct clock){monotonic_now, NULL};
    leases->id = arena_copy(&leases->arena, options->id);
    random_bytes(drawn, sizeof drawn);
    hex_encode(drawn, sizeof drawn, leases->incarnation);
    leases->duration_us = options->duration_us > 0 ? options->duration_us : LEASE_DEFAULT_US;
    leases->look_us = leases->duration_us / 5 < LOOK_US ? leases->duration_us / 5 : LOOK_US;
    leases->started_at_us = hub_now_us(options->hub);
    leases->good_until_us = INT64_MIN;
    leases->beat_us = leases->read_us = NEVER_US;
    require(pthread_mutex_init(&leases->lock, NULL) == 0);
    require(pthread_condattr_init(&attributes) == 0);
    require(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    require(pthread_cond_init(&leases->ending, &attributes) == 0);
    (void)pthread_condattr_destroy(&attributes);
    return leases;
}

void leases_free(struct leases *leases) {
    if (leases == NULL)
        return;
    require(!leases->started);
    while (leases->rows != NULL) {
        struct lease_row *row = leases->rows;
        leases->rows = row->next;
        free(row);
    }
    while (leases->peers != NULL) {
        struct peer *peer = leases->peers;
        leases->peers = peer->next;
        free(peer);
    }
    (void)pthread_cond_destroy(&leases->ending);
    (void)pthread_mutex_destroy(&leases->lock);
    arena_deinit(&leases->arena);
    free(leases);
}

/* ---- what is known (the lock is held) ---- */

struct lease_row *lease_row_of(struct leases *leases, struct text name) {
    struct lease_row **at = &leases->rows;
    while (*at != NULL && !text_equal((*at)->name, name))
        at = &(*at)->next;
    if (*at == NULL) {
        *at = memory_alloc_zero(1, sizeof **at);
        (*at)->name = arena_copy(&leases->arena, name);
    }
    return *at;
}

struct peer *peer_of(struct leases *leases, struct text id) {
    struct peer **at = &leases->peers;
    while (*at != NULL && !text_equal((*at)->id, id))
        at = &(*at)->next;
    if (*at == NULL) {
        *at = memory_alloc_zero(1, sizeof **at);
        (*at)->id = arena_copy(&leases->arena, id);
    }
    return *at;
}

bool leases_are_good(const struct leases *leases) {
    return clock_now_us(&leases->monotonic) < leases->good_until_us && !leases->displaced;
}

static bool is_silent(const struct peer *peer) {
    return !peer->present || peer->silent_us >= peer->duration_us;
}

/* Whether the hub that has it is to be waited for: it runs, as far as is known here. */
static bool is_taken(struct leases *leases, struct text holder, struct text incarnation) {
    if (holder.length == 0 || text_equal(holder, leases->id))
        return false; /* also our own, of before we were killed */
    const struct peer *peer = peer_of(leases, holder);
    return !is_silent(peer) && text_equal_string(incarnation, peer->incarnation);
}

void leases_forget_all(struct leases *leases) {
    for (struct lease_row *row = leases->rows; row != NULL; row = row->next)
        row->token = 0;
}

/* ---- holding ---- */

struct take {
    struct leases *leases;
    struct text name;
    struct arena arena;
    uint64_t token; /* out */
};

/* The holder may have beaten since we looked: then it is alive after all. */
static bool beats_still(struct leases *leases, const struct lease_item *item,
                        const struct beat_item *beat) {
    if (!text_equal(item->incarnation, beat->incarnation))
        return false; /* gone, or another start of it: that has taken nothing yet */
    leases_lock(leases);
    const struct peer *peer = peer_of(leases, item->holder);
    bool seen = peer->present && peer->number == beat->number &&
                text_equal_string(beat->incarnation, peer->incarnation);
    bool alive = !seen || !is_silent(peer);
    leases_unlock(leases);
    return alive;
}

static enum status write_take(struct store *store, void *context, struct error *error) {
    struct take *take = context;
    struct leases *leases = take->leases;
    struct lease_item item;
    struct beat_item beat = {0};
    enum status status = lease_item_get(store, take->name, &take->arena, &item, error);
    bool other = item.holder.length > 0 && !text_equal(item.holder, leases->id);
    if (status == STATUS_OK && other)
        status = beat_item_get(store, item.holder, &take->arena, &beat, error);
    if (status != STATUS_OK)
        return status;
    if (other && beats_still(leases, &item, &beat))
        return error_set(error, STATUS_CONFLICT, "hub %.*s does it", TEXT_ARG(item.holder));
    bool ours = !other && text_equal_string(item.incarnation, leases->incarnation);
    take->token = item.token + !ours;
    if (ours)
        return STATUS_OK;
    item = (struct lease_item){.token = take->token,
                               .since_us = hub_now_us(leases->hub),
                               .holder = leases->id,
                               .incarnation = text_from(leases->incarnation)};
    return lease_item_put(store, take->name, &item, error);
}

/* What can be said without asking the store; STATUS_NOT_FOUND: it is to be asked. */
static enum status take_known(struct leases *leases, struct text name, uint64_t *token_out,
                              struct error *error) {
    enum status status = STATUS_NOT_FOUND;
    leases_lock(leases);
    const struct lease_row *row = lease_row_of(leases, name);
    struct text holder = text_from(row->holder);
    if (leases->stopping)
        status = error_set(error, STATUS_STOPPING, "the hub is shutting down");
    else if (!leases_are_good(leases))
        status = error_set(error, STATUS_RETRY,
                           leases->displaced ? "another hub has the name of this one"
                                             : "the store has been out of reach");
    else if (row->token != 0)
        status = STATUS_OK;
    else if (is_taken(leases, holder, text_from(row->incarnation)))
        status = error_set(error, STATUS_CONFLICT, "hub %s does it", row->holder);
    *token_out = row->token;
    leases_unlock(leases);
    return status;
}

enum status lease_take(struct leases *leases, struct text name, uint64_t *token_out,
                       struct error *error) {
    *token_out = 0;
    if (leases == NULL)
        return STATUS_OK;
    enum status status = take_known(leases, name, token_out, error);
    if (status != STATUS_NOT_FOUND)
        return status;
    struct take take = {.leases = leases, .name = name};
    status = hub_write(leases->hub, write_take, &take, error);
    if (status == STATUS_OK) {
        leases_lock(leases);
        struct lease_row *row = lease_row_of(leases, name);
        row->token = *token_out = take.token;
        (void)snprintf(row->holder, sizeof row->holder, "%.*s", TEXT_ARG(leases->id));
        (void)snprintf(row->incarnation, sizeof row->incarnation, "%s", leases->incarnation);
        row->since_us = hub_now_us(leases->hub);
        row->seen_token = take.token;
        leases_unlock(leases);
        log_info("lease taken", "lease=%s token=%llu", log_quote(name),
                 (unsigned long long)take.token);
    }
    arena_deinit(&take.arena);
    return status;
}

bool lease_holds(struct leases *leases, struct text name, uint64_t token) {
    if (leases == NULL)
        return true;
    leases_lock(leases);
    bool holds =
        token != 0 && lease_row_of(leases, name)->token == token && leases_are_good(leases);
    leases_unlock(leases);
    return holds;
}

void lease_lost(struct leases *leases, const struct lease_claim *claim) {
    if (leases == NULL)
        return;
    leases_lock(leases);
    struct lease_row *row = lease_row_of(leases, claim->name);
    if (row->token == claim->token)
        row->token = 0;
    leases_unlock(leases);
}

/* ---- asking the holder ---- */

enum status lease_ask(struct leases *leases, struct text name, struct text what,
                      struct error *error) {
    struct arena arena = {0};
    uint64_t random = 0;
    require(leases != NULL);
    random_bytes(&random, sizeof random);
    struct text key = arena_format(&arena, "%.*s %020lld-%016llx", TEXT_ARG(name),
                                   (long long)hub_now_us(leases->hub), (unsigned long long)random);
    enum status status = hub_item_put(leases->hub, ASK_KIND, key, what, error);
    arena_deinit(&arena);
    return status;
}

void leases_answer(struct leases *leases,
                   void (*answer)(void *context, struct text name, struct text what),
                   void *context) {
    if (leases == NULL)
        return;
    require(!leases->started && leases->answerer_count < WATCHERS_MAX);
    leases->answerers[leases->answerer_count].answer = answer;
    leases->answerers[leases->answerer_count++].context = context;
}

void leases_watch(struct leases *leases, void (*look)(void *context), void *context) {
    if (leases == NULL)
        return;
    require(!leases->started && leases->watcher_count < WATCHERS_MAX);
    leases->watchers[leases->watcher_count].look = look;
    leases->watchers[leases->watcher_count++].context = context;
}

/* ---- telling ---- */

size_t leases_peers(struct leases *leases, struct arena *arena, struct hub_peer **peers_out) {
    size_t count = 0, room = 1;
    *peers_out = NULL;
    if (leases == NULL)
        return 0;
    leases_lock(leases);
    for (const struct peer *peer = leases->peers; peer != NULL; peer = peer->next)
        room++;
    struct hub_peer *peers = arena_alloc_zero(arena, room * sizeof *peers);
    for (const struct peer *peer = leases->peers; peer != NULL; peer = peer->next) {
        if (!peer->present)
            continue;
        bool self = text_equal(peer->id, leases->id);
        peers[count++] =
            (struct hub_peer){.id = arena_copy(arena, peer->id),
                              .version = arena_copy(arena, text_from(peer->version)),
                              .self = self,
                              .alive = self ? leases_are_good(leases) : !is_silent(peer),
                              .started_at_us = peer->started_at_us,
                              .beat_at_us = peer->at_us,
                              .silent_us = peer->silent_us};
    }
    leases_unlock(leases);
    *peers_out = peers;
    return count;
}

size_t leases_list(struct leases *leases, struct arena *arena, struct held_lease **held_out) {
    size_t count = 0, room = 1;
    *held_out = NULL;
    if (leases == NULL)
        return 0;
    leases_lock(leases);
    for (const struct lease_row *row = leases->rows; row != NULL; row = row->next)
        room++;
    struct held_lease *held = arena_alloc_zero(arena, room * sizeof *held);
    for (const struct lease_row *row = leases->rows; row != NULL; row = row->next)
        if (row->seen_token != 0)
            held[count++] = (struct held_lease){.name = arena_copy(arena, row->name),
                                                .holder = arena_copy(arena, text_from(row->holder)),
                                                .token = row->seen_token,
                                                .since_us = row->since_us};
    leases_unlock(leases);
    *held_out = held;
    return count;
}

struct text lease_holder(struct leases *leases, struct text name, struct arena *arena) {
    struct text holder = {NULL, 0};
    if (leases != NULL) {
        leases_lock(leases);
        holder = arena_copy(arena, text_from(lease_row_of(leases, name)->holder));
        leases_unlock(leases);
    }
    return holder;
}

struct text leases_hub_id(const struct leases *leases) {
    return leases != NULL ? leases->id : (struct text){NULL, 0};
}
