/* What a publisher keeps on disk: a log of the outbox's lines, pages that replace it, and a head.
 *
 * All of it are items of the store, kind "outbox:NAME": "log-N" holds the lines of one commit,
 * "page-P-G" the cells of 256 products of one place, "head" the rest. A batch costs one commit of a
 * few kilobytes. When the log has grown longer than a quarter of the pages (and a few megabytes),
 * the pages that changed are written anew, in slices between the sales, and the log goes: so what
 * is kept is bounded by the cells, and each figure is written about five times in all.
 * docs/decisions.md says why it is not a row per cell. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "channel/publisher_internal.h"

#define LOG_LEAST_BYTES (UINT64_C(4) << 20)
#define PAGES_AT_ONCE 64u
#define PIECES_AT_ONCE 256u
#define NOTES_AT_ONCE 1000u

/* ---- names ---- */

static struct text kind_of(const struct publisher *p, const char *prefix, struct arena *arena) {
    return arena_format(arena, "%s:%.*s", prefix, TEXT_ARG(p->config->name));
}

void publisher_key(const struct publisher *p, uint64_t request, char key[CHANNEL_KEY_SIZE]) {
    /* A UUID of version 8: the channel's own number, then the request's. */
    uint64_t high = (p->record.seed & ~UINT64_C(0xf000)) | UINT64_C(0x8000);
    uint64_t low = (request & (UINT64_MAX >> 2)) | (UINT64_C(1) << 63);
    (void)snprintf(key, CHANNEL_KEY_SIZE, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
                   (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff),
                   (unsigned)(low >> 48), (unsigned long long)(low & UINT64_C(0xffffffffffff)));
}

/* ---- the head ---- */

static void write_head(const struct publisher *p, struct buffer *out) {
    buffer_append_format(out, "K %llu\nB %llu\nN %llu\n", (unsigned long long)p->record.seed,
                         (unsigned long long)p->record.baseline, (unsigned long long)p->requests);
    buffer_append_string(out, p->paused ? "Z paused\n" : "");
    buffer_append_string(out, p->stopped ? "Z stopped\n" : "");
    for (size_t i = 0; i < places_count(p->places); i++) {
        buffer_append_string(out, "L ");
        buffer_append_text(out, places_at(p->places, (uint32_t)i)->name);
        buffer_append_string(out, "\n");
    }
}

static uint64_t number_of(struct text digits) {
    uint64_t number = 0;
    for (size_t i = 0; i < digits.length && digits.data[i] >= '0' && digits.data[i] <= '9'; i++) {
        number = number * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return number;
}

static bool read_head_line(struct publisher *p, char kind, struct text value) {
    switch (kind) {
    case 'K':
        p->record.seed = number_of(value);
        return true;
    case 'B':
        p->record.baseline = number_of(value);
        return true;
    case 'N':
        p->requests = number_of(value);
        return true;
    case 'Z':
        p->paused = p->paused || text_equal_string(value, "paused");
        p->stopped = p->stopped || text_equal_string(value, "stopped");
        return true;
    case 'L':
        places_restore(p->places, value);
        return true;
    default:
        return false;
    }
}

static enum status read_head(struct publisher *p, struct text head, struct error *error) {
    size_t at = 0;
    while (at < head.length) {
        const char *end = memchr(head.data + at, '\n', head.length - at);
        size_t length = end != NULL ? (size_t)(end - (head.data + at)) : 0;
        if (length < 2 || head.data[at + 1] != ' ' ||
            !read_head_line(p, head.data[at], (struct text){head.data + at + 2, length - 2})) {
            return error_set(error, STATUS_CORRUPT,
                             "what is on record of channel %.*s cannot be read",
                             TEXT_ARG(p->config->name));
        }
        at += length + 1;
    }
    p->record.places_kept = places_count(p->places);
    return STATUS_OK;
}

/* ---- loading ---- */

struct loading {
    struct publisher *p;
    const char *prefix;
    enum status status;
    struct error *error;
};

static bool load_piece(void *context, struct text key, struct text value) {
    struct loading *loading = context;
    struct publisher *p = loading->p;
    size_t length = strlen(loading->prefix);
    if (key.length < length || memcmp(key.data, loading->prefix, length) != 0) {
        return false;
    }
    loading->status = outbox_replay(p->outbox, value, loading->error);
    if (key.data[0] == 'l') {
        uint64_t number = number_of((struct text){key.data + length, key.length - length});
        p->record.log_first = p->record.log_bytes == 0 ? number : p->record.log_first;
        p->record.log_next = number + 1;
        p->record.log_bytes += value.length;
    }
    return loading->status == STATUS_OK;
}

static enum status load_pieces(struct publisher *p, struct text kind, const char *prefix,
                               struct error *error) {
    struct loading loading = {p, prefix, STATUS_OK, error};
    enum status status = store_item_scan(hub_store(p->hub), kind, text_from(prefix), false,
                                         load_piece, &loading, error);
    return status == STATUS_OK ? loading.status : status;
}

static bool load_note(void *context, struct text key, struct text value) {
    notes_restore(context, key, value);
    return true;
}

static enum status load_all(struct publisher *p, struct arena *arena, struct error *error) {
    struct store *store = hub_store(p->hub);
    struct text kind = kind_of(p, "outbox", arena);
    struct buffer head = {0};
    enum status status = store_item_get(store, kind, TEXT("head"), &head, error);
    if (status == STATUS_OK) {
        status = read_head(p, buffer_text(&head), error);
    } else if (status == STATUS_NOT_FOUND) {
        random_bytes(&p->record.seed, sizeof(p->record.seed));
        p->record.baseline = p->platform->tells_each_change ? hub_last_sequence(p->hub) : 0;
        p->record.head_changed = true;
        status = STATUS_OK;
    }
    buffer_deinit(&head);
    if (status == STATUS_OK) {
        status = load_pieces(p, kind, "page-", error);
    }
    if (status == STATUS_OK) {
        status = load_pieces(p, kind, "log-", error);
    }
    if (status == STATUS_OK) {
        status = store_item_scan(store, kind_of(p, "channel.note", arena), TEXT(""), false,
                                 load_note, p->notes, error);
    }
    return status;
}

enum status publisher_load(struct publisher *p, struct error *error) {
    struct arena arena = {0};
    uint64_t requests = 0;
    p->record.log_next = 1;
    p->record.log_first = 1;
    enum status status = load_all(p, &arena, error);
    arena_deinit(&arena);
    if (status != STATUS_OK) {
        return status;
    }
    outbox_set_baseline(p->outbox, p->record.baseline);
    outbox_replayed(p->outbox, hub_now_us(p->hub), &requests);
    /* A store that was restored from a backup has forgotten some requests, and a key that stood for
     * other figures would have the shop answer for those: each life's numbers begin elsewhere. */
    uint32_t apart = 0;
    random_bytes(&apart, sizeof(apart));
    p->requests = (requests > p->requests ? requests : p->requests) + apart;
    return audit_load(p, error);
}

/* ---- writing ---- */

struct flush {
    struct publisher *p;
    struct text kind, notes_kind;
    struct text lines;
    struct buffer head; /* empty: unchanged */
    struct arena arena;
};

static enum status write_notes(struct store *store, struct flush *flush, struct error *error) {
    struct text key, value;
    enum status status = STATUS_OK;
    for (unsigned i = 0;
         i < NOTES_AT_ONCE && status == STATUS_OK && notes_take(flush->p->notes, &key, &value);
         i++) {
        status = value.length > 0 ? store_item_put(store, flush->notes_kind, key, value, error)
                                  : store_item_delete(store, flush->notes_kind, key, error);
    }
    return status;
}

static enum status write_flush(struct store *store, void *context, struct error *error) {
    struct flush *flush = context;
    struct publisher *p = flush->p;
    enum status status = STATUS_OK;
    if (flush->head.length > 0) {
        status = store_item_put(store, flush->kind, TEXT("head"), buffer_text(&flush->head), error);
    }
    if (status == STATUS_OK && flush->lines.length > 0) {
        struct text key =
            arena_format(&flush->arena, "log-%020llu", (unsigned long long)p->record.log_next);
        status = store_item_put(store, flush->kind, key, flush->lines, error);
    }
    return status == STATUS_OK ? write_notes(store, flush, error) : status;
}

/* Takes what is to be written; the lines are copied, since others may add some meanwhile. */
static void begin_flush(struct publisher *p, struct flush *flush) {
    pthread_mutex_lock(&p->lock);
    flush->lines = arena_copy(&flush->arena, buffer_text(outbox_journal(p->outbox)));
    if (p->record.head_changed || places_count(p->places) != p->record.places_kept) {
        write_head(p, &flush->head);
        p->record.head_changed = false;
    }
    pthread_mutex_unlock(&p->lock);
    flush->kind = kind_of(p, "outbox", &flush->arena);
    flush->notes_kind = kind_of(p, "channel.note", &flush->arena);
}

enum status publisher_flush(struct publisher *p, struct error *error) {
    struct flush flush = {.p = p};
    begin_flush(p, &flush);
    p->record.flush_by_us = 0;
    bool nothing = flush.lines.length == 0 && flush.head.length == 0 && !notes_waiting(p->notes);
    enum status status = nothing ? STATUS_OK : hub_write(p->hub, write_flush, &flush, error);
    if (status == STATUS_FENCED) {
        lease_lost(p->leases, &p->claim);
    }
    pthread_mutex_lock(&p->lock);
    if (status != STATUS_OK) {
        notes_return(p->notes);
        p->record.head_changed = p->record.head_changed || flush.head.length > 0;
        p->ours = p->ours && status != STATUS_FENCED;
    } else if (!nothing) {
        notes_written(p->notes);
        buffer_consume(outbox_journal(p->outbox), flush.lines.length);
        p->record.log_next += flush.lines.length > 0;
        p->record.log_bytes += flush.lines.length;
        p->record.places_kept =
            flush.head.length > 0 ? places_count(p->places) : p->record.places_kept;
    }
    pthread_mutex_unlock(&p->lock);
    buffer_deinit(&flush.head);
    arena_deinit(&flush.arena);
    return status;
}

/* ---- pages in place of the log ---- */

struct page {
    struct text key;
    struct text lines;
};

struct compaction {
    struct publisher *p;
    struct text kind;
    struct page pages[PAGES_AT_ONCE];
    size_t page_count;
    uint64_t delete_from, delete_to; /* log-N, without the last */
    struct arena arena;
};

static enum status write_compaction(struct store *store, void *context, struct error *error) {
    struct compaction *compaction = context;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < compaction->page_count && status == STATUS_OK; i++) {
        status = store_item_put(store, compaction->kind, compaction->pages[i].key,
                                compaction->pages[i].lines, error);
    }
    for (uint64_t n = compaction->delete_from; n < compaction->delete_to && status == STATUS_OK;
         n++) {
        struct text key = arena_format(&compaction->arena, "log-%020llu", (unsigned long long)n);
        status = store_item_delete(store, compaction->kind, key, error);
    }
    return status;
}

static bool take_pages(struct publisher *p, struct compaction *compaction) {
    struct buffer lines = {0};
    uint32_t place, page;
    compaction->page_count = 0;
    pthread_mutex_lock(&p->lock);
    while (compaction->page_count < PAGES_AT_ONCE &&
           outbox_take_page(p->outbox, &place, &page, &lines)) {
        compaction->pages[compaction->page_count++] =
            (struct page){arena_format(&compaction->arena, "page-%08u-%08u", place, page),
                          arena_copy(&compaction->arena, buffer_text(&lines))};
    }
    pthread_mutex_unlock(&p->lock);
    buffer_deinit(&lines);
    return compaction->page_count > 0;
}

/* Every page as it stands, then the log up to where it stood: whatever a page holds, the rest of
 * the log brings it to the same end. After a failure all pages are to be written again. */
static enum status compact(struct publisher *p, struct compaction *compaction,
                           struct error *error) {
    pthread_mutex_lock(&p->lock);
    p->record.head_changed = true;
    pthread_mutex_unlock(&p->lock);
    enum status status = publisher_flush(p, error);
    uint64_t until = p->record.log_next;
    while (status == STATUS_OK && take_pages(p, compaction)) {
        status = hub_write(p->hub, write_compaction, compaction, error);
        arena_reset(&compaction->arena);
        compaction->kind = kind_of(p, "outbox", &compaction->arena);
    }
    if (status != STATUS_OK) {
        pthread_mutex_lock(&p->lock);
        outbox_touch_all(p->outbox);
        pthread_mutex_unlock(&p->lock);
    }
    compaction->page_count = 0;
    while (status == STATUS_OK && p->record.log_first < until) {
        compaction->delete_from = p->record.log_first;
        compaction->delete_to = p->record.log_first + PIECES_AT_ONCE;
        compaction->delete_to = compaction->delete_to < until ? compaction->delete_to : until;
        status = hub_write(p->hub, write_compaction, compaction, error);
        p->record.log_first = status == STATUS_OK ? compaction->delete_to : p->record.log_first;
    }
    if (status == STATUS_OK) {
        p->record.log_bytes = 0;
    }
    return status;
}

enum status publisher_compact(struct publisher *p, struct error *error) {
    uint64_t most = outbox_page_bytes(p->outbox) / 4;
    most = most > LOG_LEAST_BYTES ? most : LOG_LEAST_BYTES;
    if (p->record.log_bytes < most) {
        return STATUS_OK;
    }
    struct compaction *compaction = memory_alloc_zero(1, sizeof(*compaction));
    compaction->p = p;
    compaction->kind = kind_of(p, "outbox", &compaction->arena);
    enum status status = compact(p, compaction, error);
    arena_deinit(&compaction->arena);
    free(compaction);
    return status;
}
