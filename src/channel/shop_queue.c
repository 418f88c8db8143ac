/* Works in a shop's queue: kept, asked after, let go. */
#include "channel/shop_queue.h"

#include "channel/shop_call.h"

#define PATIENCE_US (300 * US_PER_SECOND)
#define LATE_AGAIN_US (5 * US_PER_SECOND)
#define FORGOTTEN_US (7 * US_PER_DAY)

/* ---- kept ---- */

static struct text key_of(const struct shop_queue *queue, struct arena *arena, size_t i) {
    return arena_format(arena, "%s:%zu", queue->kind, i);
}

static void keep(const struct shop_queue *queue) {
    struct arena arena = {0};
    for (size_t i = 0; i < SHOP_QUEUE_MOST; i++) {
        const struct shop_work *work = &queue->works[i];
        if (i < queue->count) {
            channel_note_put(queue->notes, key_of(queue, &arena, i),
                             arena_format(&arena, "%s %lld", work->id, (long long)work->sent_us));
        } else {
            channel_note_forget(queue->notes, key_of(queue, &arena, i));
        }
    }
    arena_deinit(&arena);
}

void shop_queue_load(struct shop_queue *queue, const char *kind, struct channel_notes *notes) {
    struct arena arena = {0};
    *queue = (struct shop_queue){.kind = kind, .notes = notes};
    for (size_t i = 0; i < SHOP_QUEUE_MOST; i++) {
        struct text kept = channel_note_get(notes, key_of(queue, &arena, i));
        const char *blank = kept.length > 0 ? memchr(kept.data, ' ', kept.length) : NULL;
        size_t length = blank != NULL ? (size_t)(blank - kept.data) : SHOP_WORK_ID_SIZE;
        uint64_t sent_us;
        if (length >= SHOP_WORK_ID_SIZE ||
            !shop_number((struct text){blank + 1, kept.length - length - 1}, &sent_us)) {
            continue;
        }
        struct shop_work *work = &queue->works[queue->count++];
        *work = (struct shop_work){.sent_us = (int64_t)sent_us, .left = UINT64_MAX};
        memcpy(work->id, kept.data, length);
    }
    arena_deinit(&arena);
}

bool shop_queue_takes_id(struct text id) {
    for (size_t i = 0; i < id.length; i++) {
        char c = id.data[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '-' || c == '_';
        if (!fine) {
            return false;
        }
    }
    return id.length > 0 && id.length < SHOP_WORK_ID_SIZE;
}

bool shop_queue_is_full(const struct shop_queue *queue) {
    return queue->count >= SHOP_QUEUE_MOST;
}

void shop_queue_add(struct shop_queue *queue, struct text id, int64_t now_us) {
    require(!shop_queue_is_full(queue) && (id.length == 0 || shop_queue_takes_id(id)));
    struct shop_work *work = &queue->works[queue->count++];
    *work = (struct shop_work){.sent_us = now_us, .left = UINT64_MAX};
    if (id.length > 0) {
        memcpy(work->id, id.data, id.length);
    }
    keep(queue);
}

/* ---- asked after ---- */

static bool is_late(const struct shop_work *work, int64_t now_us) {
    return work->id[0] == '\0' || now_us > work->sent_us + PATIENCE_US;
}

size_t shop_queue_late(const struct shop_queue *queue, int64_t now_us) {
    size_t late = 0;
    for (size_t i = 0; i < queue->count; i++) {
        late += is_late(&queue->works[i], now_us);
    }
    return late;
}

size_t shop_queue_waiting(const struct shop_queue *queue, int64_t now_us) {
    return queue->count - shop_queue_late(queue, now_us);
}

static int64_t next_us(const struct shop_work *work, int64_t now_us) {
    if (work->id[0] == '\0') {
        return work->sent_us + PATIENCE_US;
    }
    return work->asked_us + (is_late(work, now_us) ? LATE_AGAIN_US : SHOP_QUEUE_AGAIN_US);
}

static void doubt(const struct shop_work *work, struct channel_call *call) {
    if (call->doubt_since_us == 0 || work->sent_us < call->doubt_since_us) {
        call->doubt_since_us = work->sent_us;
    }
}

/* True: it need not be asked after any more. */
static bool look_at(struct shop_work *work, int64_t now_us, shop_queue_asker *ask, void *shop,
                    struct arena *arena, struct channel_call *call) {
    bool late = is_late(work, now_us);
    bool is_over = work->id[0] == '\0' || now_us > work->sent_us + FORGOTTEN_US;
    uint64_t left = 1, before = work->left;
    if (!is_over) {
        work->asked_us = now_us;
        if (!ask(shop, work, arena, &left, call)) {
            return false;
        }
        work->left = left;
    }
    bool is_closed = is_over || left == 0;
    if (late && (is_closed || (before != UINT64_MAX && left != before))) {
        doubt(work, call); /* it did something, after others were told */
    }
    return is_closed;
}

void shop_queue_look(struct shop_queue *queue, int64_t now_us, bool late, shop_queue_asker *ask,
                     void *shop, struct arena *arena, struct channel_call *call) {
    size_t kept = 0, before = queue->count;
    for (size_t i = 0; i < before; i++) {
        struct shop_work work = queue->works[i];
        bool looks = call->verdict == CHANNEL_CALL_OK && now_us >= next_us(&work, now_us) &&
                     (late || !is_late(&work, now_us));
        if (!looks || !look_at(&work, now_us, ask, shop, arena, call)) {
            int64_t at_us = next_us(&work, now_us);
            at_us = at_us > now_us ? at_us : now_us + SHOP_QUEUE_AGAIN_US;
            call->tend_us = call->tend_us == 0 || at_us < call->tend_us ? at_us : call->tend_us;
            queue->works[kept++] = work;
        }
    }
    queue->count = kept;
    if (kept < before) {
        keep(queue);
    }
}
