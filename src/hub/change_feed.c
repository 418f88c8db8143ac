/* The change feed: the last changes and notices in memory, and who wants to be woken for more.
 *
 * Whoever falls further behind than the ring reads the ledger instead, so nothing is lost; notices
 * are news, not stock, and the oldest simply go. */
#include <stdlib.h>

#include "hub/hub_internal.h"

void change_feed_init(struct change_feed *feed, uint64_t last_seq) {
    pthread_mutex_init(&feed->lock, NULL);
    feed->ring = memory_alloc(CHANGE_RING_SIZE * sizeof *feed->ring);
    feed->complete_after = feed->last_seq = last_seq;
}

static void free_notice(struct notice *notice) {
    free((char *)(uintptr_t)notice->type.data);
    free((char *)(uintptr_t)notice->subject.data);
    free((char *)(uintptr_t)notice->data.data);
    *notice = (struct notice){0};
}

void change_feed_deinit(struct change_feed *feed) {
    for (size_t i = 0; i < NOTICE_RING_SIZE; i++)
        free_notice(&feed->notices[i]);
    free(feed->ring);
    pthread_mutex_destroy(&feed->lock);
}

static void wake_all(struct change_feed *feed, bool by_notice) {
    for (struct subscriber *s = feed->subscribers; s != NULL; s = s->next)
        if (by_notice || !s->notices_only)
            s->wake(s->context);
}

void change_feed_publish(struct hub *hub, const struct change *changes, size_t count,
                         uint64_t through) {
    struct change_feed *feed = &hub->feed;
    require(count == 0 || changes[count - 1].seq <= through);
    atomic_store(&hub->counters.disk_full, false); /* this commit found room */
    pthread_mutex_lock(&feed->lock);
    for (size_t i = 0; i < count; i++) {
        struct change *place = &feed->ring[feed->pushed % CHANGE_RING_SIZE];
        if (feed->pushed >= CHANGE_RING_SIZE)
            feed->complete_after = place->seq;
        *place = changes[i];
        feed->pushed++;
    }
    require(through >= feed->last_seq);
    feed->last_seq = through;
    if (count > 0)
        wake_all(feed, false);
    pthread_mutex_unlock(&feed->lock);
}

void change_feed_revise(struct hub *hub, struct revision revision) {
    struct change_feed *feed = &hub->feed;
    pthread_mutex_lock(&feed->lock);
    feed->revisions[feed->revisions_pushed++ % REVISIONS_KEPT] = revision;
    wake_all(feed, false);
    pthread_mutex_unlock(&feed->lock);
}

bool hub_revisions(struct hub *hub, uint64_t *position, struct revision *revisions_out, size_t most,
                   size_t *count_out) {
    struct change_feed *feed = &hub->feed;
    pthread_mutex_lock(&feed->lock);
    bool known = *position + REVISIONS_KEPT >= feed->revisions_pushed;
    *position = known ? *position : feed->revisions_pushed;
    *count_out = 0;
    while (*position < feed->revisions_pushed && *count_out < most)
        revisions_out[(*count_out)++] = feed->revisions[(*position)++ % REVISIONS_KEPT];
    pthread_mutex_unlock(&feed->lock);
    return known;
}

uint64_t hub_last_sequence(struct hub *hub) {
    pthread_mutex_lock(&hub->feed.lock);
    uint64_t last = hub->feed.last_seq;
    pthread_mutex_unlock(&hub->feed.lock);
    return last;
}

/* The position in the ring of the first change after `after`: the ring is sorted by sequence. */
static uint64_t first_after(const struct change_feed *feed, uint64_t after) {
    uint64_t low = feed->pushed > CHANGE_RING_SIZE ? feed->pushed - CHANGE_RING_SIZE : 0;
    uint64_t high = feed->pushed;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (feed->ring[middle % CHANGE_RING_SIZE].seq > after)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

enum status hub_changes(struct hub *hub, uint64_t after, size_t most, struct arena *arena,
                        struct change **changes_out, size_t *count_out, uint64_t *through_out,
                        struct error *error) {
    struct change_feed *feed = &hub->feed;
    pthread_mutex_lock(&feed->lock);
    uint64_t through = feed->last_seq;
    bool in_memory = after >= feed->complete_after;
    if (in_memory) {
        uint64_t first = first_after(feed, after);
        size_t count = (size_t)(feed->pushed - first);
        count = count < most ? count : most;
        struct change *changes = arena_alloc(arena, (count + 1) * sizeof *changes);
        for (size_t i = 0; i < count; i++)
            changes[i] = feed->ring[(first + i) % CHANGE_RING_SIZE];
        *changes_out = changes;
        *count_out = count;
    }
    pthread_mutex_unlock(&feed->lock);
    enum status status = STATUS_OK;
    if (!in_memory)
        status = store_changes(hub->store, after, most, arena, changes_out, count_out, error);
    if (status != STATUS_OK)
        return status;
    /* There may be more than asked for; and the ledger knows of some before this feed does. */
    uint64_t last = *count_out > 0 ? (*changes_out)[*count_out - 1].seq : after;
    *through_out = *count_out == most || last > through ? last : through;
    return STATUS_OK;
}

static struct text heap_copy(struct text text) {
    char *copy = memory_alloc(text.length + 1);
    if (text.length > 0)
        memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    return (struct text){copy, text.length};
}

void hub_notify(struct hub *hub, const char *type, struct text subject, struct text data) {
    struct change_feed *feed = &hub->feed;
    struct notice notice = {.at_us = hub_now_us(hub),
                            .type = heap_copy(text_from(type)),
                            .subject = heap_copy(subject),
                            .data = heap_copy(data)};
    pthread_mutex_lock(&feed->lock);
    struct notice *place = &feed->notices[feed->notices_pushed % NOTICE_RING_SIZE];
    free_notice(place);
    notice.number = ++feed->notices_pushed;
    *place = notice;
    wake_all(feed, true);
    pthread_mutex_unlock(&feed->lock);
}

size_t hub_notices(struct hub *hub, uint64_t after, size_t most, struct arena *arena,
                   struct notice **notices_out) {
    struct change_feed *feed = &hub->feed;
    pthread_mutex_lock(&feed->lock);
    uint64_t oldest =
        feed->notices_pushed > NOTICE_RING_SIZE ? feed->notices_pushed - NOTICE_RING_SIZE : 0;
    uint64_t first = after > oldest ? after : oldest;
    size_t count = first < feed->notices_pushed ? (size_t)(feed->notices_pushed - first) : 0;
    count = count < most ? count : most;
    struct notice *notices = arena_alloc(arena, (count + 1) * sizeof *notices);
    for (size_t i = 0; i < count; i++) {
        notices[i] = feed->notices[(first + i) % NOTICE_RING_SIZE];
        notices[i].type = arena_copy(arena, notices[i].type);
        notices[i].subject = arena_copy(arena, notices[i].subject);
        notices[i].data = arena_copy(arena, notices[i].data);
    }
    pthread_mutex_unlock(&feed->lock);
    *notices_out = notices;
    return count;
}

void hub_subscribe(struct hub *hub, struct subscriber *subscriber) {
    pthread_mutex_lock(&hub->feed.lock);
    subscriber->next = hub->feed.subscribers;
    hub->feed.subscribers = subscriber;
    pthread_mutex_unlock(&hub->feed.lock);
}

void hub_unsubscribe(struct hub *hub, struct subscriber *subscriber) {
    pthread_mutex_lock(&hub->feed.lock);
    struct subscriber **link = &hub->feed.subscribers;
    while (*link != NULL && *link != subscriber)
        link = &(*link)->next;
    if (*link != NULL)
        *link = subscriber->next;
    pthread_mutex_unlock(&hub->feed.lock);
}
