/* What waits for a target: in memory in order, and each as an item "NAME/ID" of kind "notify".
 *
 * The item of a delivered notice is deleted. That of a held reset stays, marked as told, until the
 * reset is decided, so that no restart tells it a second time. */
#include <stdlib.h>

#include "base/log.h"
#include "channel/notify_internal.h"
#include "hub/reset_record.h"
#include "store/store.h"

#define KIND TEXT("notify")
#define RESETS_LOOKED_AT 200 /* the newest, for those that are held */
#define NOTICES_AT_A_TIME 64
#define LATE_AGAIN_US                                                                              \
    (20 * 3600 * US_PER_SECOND) /* a feed that is late every day is told daily                     \
                                 */

/* ---- items ---- */

static void key_of(const struct target *target, const char *id, struct buffer *key) {
    buffer_append_text(key, target->config->name);
    buffer_append_string(key, "/");
    buffer_append_string(key, id);
}

/* A notice that cannot be kept is still sent; only a restart would lose it. */
static void put_item(const struct target *target, const struct notify_message *message, bool told) {
    struct buffer key = {0}, value = {0};
    struct error error = {0};
    key_of(target, message->id, &key);
    notify_message_write(message, told, &value);
    enum status status =
        hub_item_put(target->hub, KIND, buffer_text(&key), buffer_text(&value), &error);
    if (status != STATUS_OK && status != STATUS_STOPPING)
        log_warn("notice not kept", "target=%s error=%s", log_quote(target->config->name),
                 log_quote(text_from(error.detail)));
    buffer_deinit(&key);
    buffer_deinit(&value);
}

static void delete_key(const struct target *target, struct text key) {
    struct error error = {0};
    enum status status = hub_item_delete(target->hub, KIND, key, &error);
    if (status != STATUS_OK && status != STATUS_STOPPING && status != STATUS_NOT_FOUND)
        log_warn("notice not removed", "target=%s error=%s", log_quote(target->config->name),
                 log_quote(text_from(error.detail)));
}

static void delete_item(const struct target *target, const char *id) {
    struct buffer key = {0};
    key_of(target, id, &key);
    delete_key(target, buffer_text(&key));
    buffer_deinit(&key);
}

static bool has_item(const struct target *target, const char *id) {
    struct buffer key = {0}, value = {0};
    struct error error;
    key_of(target, id, &key);
    enum status status =
        store_item_get(hub_store(target->hub), KIND, buffer_text(&key), &value, &error);
    buffer_deinit(&key);
    buffer_deinit(&value);
    return status == STATUS_OK;
}

static bool is_held_still(const struct target *target, struct text id) {
    struct arena arena = {0};
    struct reset_record record;
    struct error error;
    bool held = reset_record_load(target->hub, id, &arena, &record, &error) == STATUS_OK &&
                reset_record_is_held(&record);
    arena_deinit(&arena);
    return held;
}

/* ---- the queue ---- */

static void count_waiting(struct target *target, int change, uint64_t dropped) {
    pthread_mutex_lock(&target->lock);
    target->info.waiting = (uint64_t)((int64_t)target->info.waiting + change);
    target->info.dropped += dropped;
    pthread_mutex_unlock(&target->lock);
    target->dropped_untold += dropped;
}

static struct notify_message *unlink_first(struct target *target) {
    struct notify_message *message = target->head;
    require(message != NULL);
    target->head = message->next;
    if (target->head == NULL)
        target->tail = &target->head;
    message->next = NULL;
    return message;
}

static int64_t next_instant(struct target *target) {
    int64_t now_us = hub_now_us(target->hub);
    if (now_us <= target->last_queued_us)
        now_us = target->last_queued_us + 1;
    target->last_queued_us = now_us;
    return now_us;
}

static void append(struct target *target, struct notify_message *message) {
    *target->tail = message;
    target->tail = &message->next;
}

static void drop_first(struct target *target, const char *why) {
    struct notify_message *message = unlink_first(target);
    log_warn("notice dropped", "target=%s notice=%s because=%s", log_quote(target->config->name),
             message->id, log_quote(text_from(why)));
    delete_item(target, message->id);
    notify_message_free(message);
    count_waiting(target, -1, 1);
}

static void enqueue(struct target *target, const struct notice *notice) {
    /* The newest are worth more than the oldest. */
    if (target->info.waiting >= NOTIFY_WAITING_MAX)
        drop_first(target, "too many are waiting");
    struct notify_message *message =
        notify_message_new(notice, next_instant(target), target->dropped_untold);
    if (message->held.length > 0 && has_item(target, message->id)) {
        notify_message_free(message);
        return;
    }
    put_item(target, message, false);
    append(target, message);
    count_waiting(target, 1, 0);
}

void notify_queue_rotate(struct target *target) {
    append(target, unlink_first(target));
}

void notify_queue_done(struct target *target, bool delivered) {
    if (!delivered) {
        drop_first(target, "it could not be delivered");
        return;
    }
    struct notify_message *message = unlink_first(target);
    if (message->held.length > 0 && is_held_still(target, buffer_text(&message->held)))
        put_item(target, message, true);
    else
        delete_item(target, message->id);
    notify_message_free(message);
    count_waiting(target, -1, 0);
    target->dropped_untold = 0;
}

/* ---- news ---- */

static uint32_t bit_of(struct text type) {
    static const struct {
        const char *type;
        enum config_notice notice;
    } rows[] = {
        {"onhand.reset.held", CONFIG_NOTICE_HELD},
        {"onhand.reset.approval", CONFIG_NOTICE_APPROVAL},
        {"onhand.reset.decided", CONFIG_NOTICE_DECIDED},
        {"onhand.reset.done", CONFIG_NOTICE_DONE},
        {"onhand.feed.failed", CONFIG_NOTICE_FAILED},
        {"onhand.channel.failed", CONFIG_NOTICE_FAILED},
        {"onhand.feed.late", CONFIG_NOTICE_LATE},
        {"onhand.feed.recovered", CONFIG_NOTICE_RECOVERED},
        {"onhand.channel.recovered", CONFIG_NOTICE_RECOVERED},
        {"onhand.source.parked", CONFIG_NOTICE_FAILED},
        {"onhand.source.parked_dropped", CONFIG_NOTICE_FAILED},
        {"onhand.source.silent", CONFIG_NOTICE_LATE},
        {"onhand.source.gap", CONFIG_NOTICE_LATE},
        {"onhand.source.recovered", CONFIG_NOTICE_RECOVERED},
        {"onhand.source.gap_filled", CONFIG_NOTICE_RECOVERED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (text_equal_string(type, rows[i].type))
            return 1U << rows[i].notice;
    return 0;
}

/* False where this feed was told to be late already, and neither recovered nor a day went by. */
static bool is_news(struct target *target, const struct notice *notice) {
    bool late = text_equal_string(notice->type, "onhand.feed.late");
    struct notify_late **link = &target->late;
    if (!late && !text_equal_string(notice->type, "onhand.feed.recovered"))
        return true;
    while (*link != NULL && !text_equal(buffer_text(&(*link)->feed), notice->subject))
        link = &(*link)->next;
    struct notify_late *known = *link;
    if (late && known == NULL) {
        known = memory_alloc_zero(1, sizeof *known);
        buffer_append_text(&known->feed, notice->subject);
        *link = known;
    } else if (late && notice->at_us - known->at_us < LATE_AGAIN_US) {
        return false;
    } else if (!late && known != NULL) {
        *link = known->next;
        buffer_deinit(&known->feed);
        free(known);
        return true;
    }
    if (late)
        known->at_us = notice->at_us;
    return true;
}

/* A decided reset need not be remembered as told; one that still waits is told all the same. */
static void forget_decided(const struct target *target, const struct notice *notice) {
    struct notice held = {
        .type = TEXT("onhand.reset.held"), .subject = notice->subject, .data = TEXT("{}")};
    struct notify_message *told = notify_message_new(&held, 0, 0);
    const struct notify_message *waiting = target->head;
    while (waiting != NULL && strcmp(waiting->id, told->id) != 0)
        waiting = waiting->next;
    if (waiting == NULL && has_item(target, told->id) && !is_held_still(target, notice->subject))
        delete_item(target, told->id);
    notify_message_free(told);
}

struct held_scan {
    struct target *target;
    struct arena arena;
    struct buffer data;
    struct notice *found;
    size_t count, looked_at;
};

static bool look_at_reset(void *context, struct text key, struct text value) {
    struct held_scan *scan = context;
    struct reset_record record;
    (void)key;
    if (reset_record_read(value, &scan->arena, &record, NULL) == STATUS_OK &&
        reset_record_is_held(&record)) {
        buffer_clear(&scan->data);
        reset_record_write(&record, false, &scan->data);
        scan->found[scan->count++] =
            (struct notice){.type = TEXT("onhand.reset.held"),
                            .at_us = record.received_at_us,
                            .subject = arena_copy(&scan->arena, record.id),
                            .data = arena_copy(&scan->arena, buffer_text(&scan->data))};
    }
    return ++scan->looked_at < RESETS_LOOKED_AT;
}

/* What is held and has no item was never told: the hub ended before it could be. */
void notify_queue_find_untold(struct target *target) {
    struct held_scan scan = {.target = target};
    struct error error = {0};
    if ((target->config->events & 1U << CONFIG_NOTICE_HELD) == 0)
        return;
    scan.found = memory_alloc(RESETS_LOOKED_AT * sizeof *scan.found);
    if (store_item_scan(hub_store(target->hub), TEXT("reset"), (struct text){0}, true,
                        look_at_reset, &scan, &error) != STATUS_OK)
        log_warn("held resets not read", "error=%s", log_quote(text_from(error.detail)));
    for (size_t i = scan.count; i > 0; i--) /* oldest first */
        enqueue(target, &scan.found[i - 1]);
    free(scan.found);
    buffer_deinit(&scan.data);
    arena_deinit(&scan.arena);
}

void notify_queue_take(struct target *target) {
    struct arena arena = {0};
    struct notice *notices;
    size_t count;
    while ((count = hub_notices(target->hub, target->cursor, NOTICES_AT_A_TIME, &arena, &notices)) >
           0) {
        if (notices[0].number > target->cursor + 1) { /* the ring went round meanwhile */
            log_warn("notices missed", "target=%s count=%llu", log_quote(target->config->name),
                     (unsigned long long)(notices[0].number - target->cursor - 1));
            count_waiting(target, 0, notices[0].number - target->cursor - 1);
            notify_queue_find_untold(target);
        }
        for (size_t i = 0; i < count; i++) {
            if (text_equal_string(notices[i].type, "onhand.reset.decided"))
                forget_decided(target, &notices[i]);
            if ((bit_of(notices[i].type) & target->config->events) != 0 &&
                is_news(target, &notices[i]))
                enqueue(target, &notices[i]);
        }
        target->cursor = notices[count - 1].number;
        arena_reset(&arena);
    }
    arena_deinit(&arena);
}

/* ---- from the store, and back into it ---- */

struct load {
    struct target *target;
    struct buffer prefix;
    struct arena arena;
    struct text obsolete[NOTIFY_WAITING_MAX]; /* keys; what is more goes at the next start */
    struct notify_message *told[NOTIFY_WAITING_MAX];
    size_t obsolete_count, told_count, waiting;
};

static bool load_one(void *context, struct text key, struct text value) {
    struct load *load = context;
    struct text prefix = buffer_text(&load->prefix);
    struct notify_message *message;
    bool told;
    if (key.length <= prefix.length || memcmp(key.data, prefix.data, prefix.length) != 0)
        return text_compare(key, prefix) < 0; /* sorted: nothing of ours comes any more */
    struct text id = {key.data + prefix.length, key.length - prefix.length};
    if (notify_message_read(id, value, &message, &told) != STATUS_OK) {
        if (load->obsolete_count < NOTIFY_WAITING_MAX)
            load->obsolete[load->obsolete_count++] = arena_copy(&load->arena, key);
    } else if (told && load->told_count < NOTIFY_WAITING_MAX) {
        load->told[load->told_count++] = message;
    } else if (told || load->waiting == NOTIFY_WAITING_MAX) {
        notify_message_free(message);
    } else {
        struct notify_message **link = &load->target->head; /* ids are no order, times are */
        while (*link != NULL && (*link)->queued_us <= message->queued_us)
            link = &(*link)->next;
        message->next = *link;
        *link = message;
        if (message->next == NULL)
            load->target->tail = &message->next;
        load->waiting++;
        if (message->queued_us > load->target->last_queued_us)
            load->target->last_queued_us = message->queued_us;
    }
    return true;
}

void notify_queue_load(struct target *target) {
    struct load *load = memory_alloc_zero(1, sizeof *load);
    struct error error = {0};
    load->target = target;
    target->tail = &target->head;
    buffer_append_text(&load->prefix, target->config->name);
    buffer_append_string(&load->prefix, "/");
    if (store_item_scan(hub_store(target->hub), KIND, buffer_text(&load->prefix), false, load_one,
                        load, &error) != STATUS_OK)
        log_warn("waiting notices not read", "error=%s", log_quote(text_from(error.detail)));
    for (size_t i = 0; i < load->obsolete_count; i++)
        delete_key(target, load->obsolete[i]);
    for (size_t i = 0; i < load->told_count; i++) {
        if (!is_held_still(target, buffer_text(&load->told[i]->held)))
            delete_item(target, load->told[i]->id);
        notify_message_free(load->told[i]);
    }
    count_waiting(target, (int)load->waiting, 0);
    buffer_deinit(&load->prefix);
    arena_deinit(&load->arena);
    free(load);
}

void notify_queue_forget(struct target *target) {
    int count = 0;
    for (; target->head != NULL; count++)
        notify_message_free(unlink_first(target));
    count_waiting(target, -count, 0);
}

void notify_queue_free(struct target *target) {
    while (target->head != NULL)
        notify_message_free(unlink_first(target));
    while (target->late != NULL) {
        struct notify_late *late = target->late;
        target->late = late->next;
        buffer_deinit(&late->feed);
        free(late);
    }
}
