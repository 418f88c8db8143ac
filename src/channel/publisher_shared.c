/* A publisher among those of other hubs on the same store: whose turn it is, what is read anew when
 * it becomes ours, and how the others are told and heard. */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "channel/publisher_internal.h"
#include "store/store.h"

#define TELL_EVERY_US (5 * US_PER_SECOND)
#define TOLD_KIND TEXT("channel.told")

struct text publisher_lease_name(const struct publisher *p) {
    return text_from(p->lease_name);
}

bool publisher_holds(struct publisher *p) {
    return lease_holds(p->leases, text_from(p->lease_name), p->claim.token);
}

/* ---- taken over ---- */

/* What was in memory is of another time. The lock is held. */
static void forget(struct publisher *p) {
    outbox_free(p->outbox);
    places_free(p->places);
    p->outbox = publisher_new_outbox(p);
    p->places = places_new(p->config, p->platform);
    buffer_clear(&p->audit_json);
    p->record = (struct record){0};
    p->pace = (struct pace){.jitter = p->pace.jitter};
    p->paused = p->stopped = false;
    p->suspects.depth = 0;
    p->suspects.count = p->repeat.count = p->batch_count = 0;
    p->repeat.request = p->requests = p->drift = 0;
    p->recount_count = 0;
    p->sweep.next_us = 0; /* at once */
}

/* The lock is held over reads here, once: nobody may see half of an outbox. */
static enum status take_over(struct publisher *p, uint64_t token, struct error *error) {
    void *state = p->platform_state;
    pthread_mutex_lock(&p->lock);
    p->platform_state = NULL;
    p->ours = false;
    forget(p);
    enum status status = publisher_load(p, error);
    if (status == STATUS_OK) {
        publisher_find_repeats(p);
        p->ours = true;
        p->claim = (struct lease_claim){text_from(p->lease_name), token};
    }
    pthread_mutex_unlock(&p->lock);
    if (state != NULL) {
        p->platform->close(state);
    }
    if (status == STATUS_OK) {
        log_info("channel is published by this hub now", "channel=%.*s token=%llu",
                 TEXT_ARG(p->config->name), (unsigned long long)token);
    }
    return status;
}

enum status publisher_lease(struct publisher *p, struct error *error) {
    uint64_t token = 0;
    if (p->leases == NULL) {
        pthread_mutex_lock(&p->lock);
        p->ours = true;
        pthread_mutex_unlock(&p->lock);
        return STATUS_OK;
    }
    enum status status = lease_take(p->leases, text_from(p->lease_name), &token, error);
    if (status == STATUS_OK && (token != p->claim.token || !p->ours)) {
        return take_over(p, token, error);
    }
    if (status == STATUS_CONFLICT) {
        pthread_mutex_lock(&p->lock);
        p->ours = false;
        pthread_mutex_unlock(&p->lock);
    }
    return status;
}

/* ---- orders ---- */

static bool is_elsewhere(struct publisher *p) {
    pthread_mutex_lock(&p->lock);
    bool elsewhere = p->leases != NULL && !p->ours;
    pthread_mutex_unlock(&p->lock);
    return elsewhere;
}

bool publisher_pass_on(struct publisher *p, const char *what) {
    struct error error;
    if (!is_elsewhere(p)) {
        return false;
    }
    if (lease_ask(p->leases, text_from(p->lease_name), text_from(what), &error) != STATUS_OK) {
        log_warn("an order cannot be passed on to the hub that publishes",
                 "channel=%.*s order=%s error=%s", TEXT_ARG(p->config->name), what,
                 log_quote(text_from(error.detail)));
    }
    return true;
}

void publisher_answer(struct publisher *p, struct text what) {
    static const struct {
        const char *word;
        void (*order)(struct publisher *p);
    } orders[] = {
        {"pause", publisher_pause}, {"resume", publisher_resume}, {"resync", publisher_resync}};
    char words[48];
    unsigned location = 0, product = 0;
    (void)snprintf(words, sizeof(words), "%.*s", TEXT_ARG(what));
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (strcmp(words, orders[i].word) == 0) {
            orders[i].order(p);
        }
    }
    if (sscanf(words, "retry %u %u", &location, &product) == 2) { // NOLINT(cert-err34-c)
        (void)publisher_retry(p, location, product);
    }
}

/* ---- telling each other ---- */

void publisher_tell_others(struct publisher *p, int64_t now_us) {
    struct buffer json = {0};
    struct error error;
    struct json_writer w = {.out = &json};
    if (p->leases == NULL) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    bool due = now_us >= p->told_us + TELL_EVERY_US;
    p->told_us = due ? now_us : p->told_us;
    pthread_mutex_unlock(&p->lock);
    if (!due) {
        return;
    }
    json_begin_object(&w);
    publisher_write_members(p, &w, false);
    json_end_object(&w);
    if (hub_item_put(p->hub, TOLD_KIND, p->config->name, buffer_text(&json), &error) != STATUS_OK) {
        publisher_note_error(p, error.detail, now_us);
    }
    buffer_deinit(&json);
}

/* Members as they were written. False: nothing of it was. */
static bool copy_members(struct text object, struct arena *arena, struct json_writer *w) {
    struct json_reader r;
    struct json_value value;
    struct text key, raw;
    bool any = false;
    json_reader_init(&r, object, arena, NULL);
    if (json_read(&r, &value) != STATUS_OK || value.kind != JSON_OBJECT) {
        return false;
    }
    while (json_next_key(&r, &key) == STATUS_OK && json_read_raw(&r, &raw) == STATUS_OK) {
        json_key(w, arena_copy(arena, key).data);
        json_raw(w, raw);
        any = true;
    }
    return any;
}

bool publisher_write_theirs(struct publisher *p, struct json_writer *w) {
    struct arena arena = {0};
    struct buffer json = {0};
    struct error error;
    bool written =
        is_elsewhere(p) &&
        store_item_get(hub_store(p->hub), TOLD_KIND, p->config->name, &json, &error) == STATUS_OK &&
        copy_members(buffer_text(&json), &arena, w);
    buffer_deinit(&json);
    arena_deinit(&arena);
    return written;
}
