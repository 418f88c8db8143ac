/* One stream from its cursor to its end: a page is taken while the next one is under way. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "core/statement.h"
#include "pos/prism_poll_internal.h"
#include "pos/prism_take.h"

#define TAKE_MOST 1000u                       /* documents to the hub at once */
#define BUSY_PATIENCE_US (30 * US_PER_SECOND) /* with a hub that has too much to do */
#define BUSY_NAP_US 20000

/* A page being fetched, by a thread of its own or by the run's. */
struct fetch {
    struct prism_reading *reading;
    struct arena arena;
    struct prism_found_page page;
    enum status status;
    struct error error;
    size_t fresh; /* documents that are not on disk for certain */
};

/* What is on disk already need not be completed. */
static enum status complete(struct fetch *fetch) {
    struct prism_poll *poll = fetch->reading->poll;
    const struct prism_walk *walk = &fetch->reading->walk;
    fetch->fresh = 0;
    for (size_t i = 0; i < fetch->page.count; i++) {
        struct prism_found *found = &fetch->page.items[i];
        if (prism_marks_has(poll->marks, found->mark))
            continue;
        fetch->fresh++;
        if (found->has_items)
            continue;
        enum status status = prism_walk_complete(walk->client, walk->kind, walk->page_size, found,
                                                 &fetch->arena, &fetch->error);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static void *fetch_page(void *context) {
    struct fetch *fetch = context;
    struct prism_walk *walk = &fetch->reading->walk;
    arena_reset(&fetch->arena);
    fetch->page = (struct prism_found_page){.newest_us = NEVER_US, .date_us = NEVER_US};
    fetch->status = prism_walk_next(walk, &fetch->arena, &fetch->page, &fetch->error);
    if (fetch->status == STATUS_OK)
        fetch->status = complete(fetch);
    /* A short page of what is known is the end, however many the server says there are. */
    if (fetch->status == STATUS_OK && fetch->fresh == 0 &&
        (int64_t)fetch->page.count < walk->page_size)
        walk->done = true;
    return NULL;
}

/* ---- taking ---- */

static bool should_stop(const struct prism_reading *reading) {
    return reading->report != NULL && job_should_stop(reading->report);
}

/* A hub that has too much to do gets some time. */
static enum status take_patiently(struct prism_reading *reading, const struct prism_raw *raw,
                                  size_t count, struct arena *arena, struct prism_taken *taken,
                                  struct error *error) {
    int64_t until_us = monotonic_us() + BUSY_PATIENCE_US;
    for (;;) {
        enum status status =
            prism_take(reading->poll->source, &access_internal, raw, count, arena, taken, error);
        if (status != STATUS_BUSY || monotonic_us() > until_us)
            return status;
        if (should_stop(reading))
            return STATUS_STOPPING;
        (void)usleep(BUSY_NAP_US);
    }
}

static void note_heard(struct prism_reading *reading, const struct prism_found *found) {
    struct prism_poll *poll = reading->poll;
    int64_t at_us = found->posted_us != NEVER_US ? found->posted_us : found->modified_us;
    int64_t now_us = reading->date_us != NEVER_US ? reading->date_us + US_PER_SECOND
                                                  : hub_now_us(poll->source->hub);
    prism_silent_heard(poll->silent, found->store_sid, at_us, poll->source->config->overlap_us,
                       now_us);
}

static enum status take_part(struct prism_reading *reading, const struct prism_found *found,
                             size_t count, struct arena *arena, size_t *done_out,
                             struct error *error) {
    struct prism_raw *raw = arena_alloc(arena, TAKE_MOST * sizeof *raw);
    struct prism_taken taken;
    size_t used = 0, i = 0;
    for (; i < count && used < TAKE_MOST; i++) {
        if (prism_marks_has(reading->poll->marks, found[i].mark))
            continue;
        raw[used++] = (struct prism_raw){
            .kind = reading->walk.kind, .way = PRISM_POLLED, .json = found[i].json};
    }
    *done_out = i;
    if (used == 0)
        return STATUS_OK;
    enum status status = take_patiently(reading, raw, used, arena, &taken, error);
    if (status != STATUS_OK)
        return status;
    reading->documents += used;
    reading->parked += taken.parked;
    for (size_t k = 0; k < i; k++) {
        prism_marks_add(reading->poll->marks, found[k].mark);
        note_heard(reading, &found[k]);
    }
    return STATUS_OK;
}

static enum status take_page(struct fetch *fetch, struct error *error) {
    struct prism_reading *reading = fetch->reading;
    const struct prism_found_page *page = &fetch->page;
    reading->pages++;
    if (page->date_us != NEVER_US)
        reading->date_us = page->date_us;
    for (size_t at = 0; at < page->count;) {
        size_t done = 0;
        enum status status =
            take_part(reading, page->items + at, page->count - at, &fetch->arena, &done, error);
        if (status != STATUS_OK)
            return status;
        at += done;
    }
    if (page->newest_us != NEVER_US &&
        (reading->newest_us == NEVER_US || page->newest_us > reading->newest_us))
        reading->newest_us = page->newest_us;
    return reading->taken != NULL ? reading->taken(reading, page, error) : STATUS_OK;
}

/* ---- both at once ---- */

/* Takes *now while *next is fetched. */
static enum status take_and_fetch(struct fetch *now, struct fetch *next, struct error *error) {
    pthread_t thread;
    bool more = !now->reading->walk.done;
    bool beside = more && pthread_create(&thread, NULL, fetch_page, next) == 0;
    enum status status = take_page(now, error);
    if (beside)
        (void)pthread_join(thread, NULL);
    else if (more && status == STATUS_OK)
        (void)fetch_page(next);
    if (!more)
        next->status = STATUS_END;
    return status;
}

enum status prism_read_all(struct prism_reading *reading, int64_t from_us, struct error *error) {
    struct fetch fetches[2] = {{.reading = reading}, {.reading = reading}};
    unsigned now = 0;
    reading->newest_us = reading->date_us = NEVER_US;
    prism_walk_begin(&reading->walk, from_us);
    (void)fetch_page(&fetches[now]);
    enum status status = fetches[now].status;
    while (status == STATUS_OK) {
        if (should_stop(reading)) {
            status = STATUS_STOPPING;
            break;
        }
        status = take_and_fetch(&fetches[now], &fetches[1 - now], error);
        if (status == STATUS_OK) {
            now = 1 - now;
            status = fetches[now].status;
        }
    }
    if (status != STATUS_OK && status != STATUS_END && fetches[now].status == status &&
        error != NULL && fetches[now].error.detail[0] != '\0')
        *error = fetches[now].error;
    arena_deinit(&fetches[0].arena);
    arena_deinit(&fetches[1].arena);
    return status == STATUS_END ? STATUS_OK : status;
}
