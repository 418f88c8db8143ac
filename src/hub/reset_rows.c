/* Segments in blocks, blocks in chunks of memory, and the file behind them.
 *
 * A block is bytes: one segment after the other, each a head and its rows. That is what the spool
 * holds, too, so a list is written as it is. Blocks grow with their list, from 512 bytes for the
 * thousands of locations that have few rows to 16 KiB for the others. */
#include "hub/reset_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"

#define CHUNK ((size_t)2 << 20) /* what is asked of the system */
#define BLOCK_MIN ((size_t)512)
#define CLASSES 6u /* 512 bytes to 16 KiB */
#define BLOCK_MAX (BLOCK_MIN << (CLASSES - 1))
#define SPOOL_BUFFER ((size_t)1 << 20)

/* No file can state the one, and what is the other goes wide. */
#define WIDE_MARK INT64_MIN
#define NARROW_MARK INT32_MIN

struct segment {
    int64_t line; /* of the first row */
    int32_t step; /* from one to the next */
    uint32_t count : 31, wide : 1;
};
_Static_assert(sizeof(struct segment) == 16, "rows behind it are aligned");
struct narrow_row {
    uint32_t product;
    int32_t quantity_milli;
};
struct wide_row {
    uint32_t product, unused;
    int64_t quantity_milli;
};

struct row_block {
    struct row_block *next;
    uint32_t used, size; /* bytes of the data; of the whole block */
    uint32_t segment;    /* where the last segment begins */
    int64_t next_line;   /* that continues it */
    _Alignas(16) char data[];
};

struct row_store {
    pthread_mutex_t lock; /* of what follows, up to the budget */
    struct row_block *free[CLASSES];
    char **chunks;
    size_t chunk_count, chunk_room, chunk_used;
    size_t budget;
    _Atomic size_t in_use;

    struct text directory;
    int spool; /* -1: none yet */
    int64_t spool_end;
    struct buffer unwritten;
    _Atomic bool broken;
    struct error error;
};

struct row_store *row_store_new(struct text directory, size_t budget) {
    struct row_store *store = memory_alloc_zero(1, sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
    store->directory = directory;
    store->budget = budget;
    store->spool = -1;
    return store;
}

void row_store_free(struct row_store *store) {
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->chunk_count; i++)
        munmap(store->chunks[i], CHUNK);
    free(store->chunks);
    if (store->spool >= 0)
        close(store->spool);
    buffer_deinit(&store->unwritten);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* ---- blocks ---- */

static char *map_chunk(void) {
    /* cppcheck-suppress invalidFunctionArg ; -1 is what an anonymous mapping takes */
    char *chunk = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED) {
        log_error("out of memory", "bytes=%zu", CHUNK); /* as any other allocation */
        abort();
    }
    return chunk;
}

static unsigned class_of(size_t size) {
    unsigned class = 0;
    while (class + 1 < CLASSES && BLOCK_MIN << class < size)
        class ++;
    return class;
}

static struct row_block *carve(struct row_store *store) {
    if (store->chunk_count == 0 || store->chunk_used == CHUNK) {
        if (store->chunk_count == store->chunk_room) {
            store->chunk_room = 2 * store->chunk_room + 16;
            store->chunks = memory_grow(store->chunks, store->chunk_room * sizeof *store->chunks);
        }
        store->chunks[store->chunk_count++] = map_chunk();
        store->chunk_used = 0;
    }
    char *block = store->chunks[store->chunk_count - 1] + store->chunk_used;
    store->chunk_used += BLOCK_MAX;
    return (struct row_block *)(void *)block;
}

/* From the free ones of its size, else the half of a larger one. */
static struct row_block *take_block(struct row_store *store, unsigned class) {
    struct row_block *block = store->free[class];
    if (block != NULL) {
        store->free[class] = block->next;
        return block;
    }
    if (class + 1 == CLASSES)
        return carve(store);
    block = take_block(store, class + 1);
    struct row_block *half = (struct row_block *)(void *)((char *)block + (BLOCK_MIN << class));
    half->next = NULL;
    store->free[class] = half;
    return block;
}

static struct row_block *new_block(struct row_store *store, struct row_list *list) {
    unsigned class = class_of(list->in_memory / 4); /* so that a quarter is empty at most */
    pthread_mutex_lock(&store->lock);
    struct row_block *block = take_block(store, class);
    pthread_mutex_unlock(&store->lock);
    *block = (struct row_block){.size = (uint32_t)(BLOCK_MIN << class)};
    atomic_fetch_add_explicit(&store->in_use, block->size, memory_order_relaxed);
    list->in_memory += block->size;
    if (list->last != NULL)
        list->last->next = block;
    else
        list->first = block;
    list->last = block;
    return block;
}

static void free_blocks(struct row_store *store, struct row_list *list) {
    pthread_mutex_lock(&store->lock);
    for (struct row_block *block = list->first, *next; block != NULL; block = next) {
        unsigned class = class_of(block->size);
        next = block->next;
        block->next = store->free[class];
        store->free[class] = block;
    }
    pthread_mutex_unlock(&store->lock);
    atomic_fetch_sub_explicit(&store->in_use, list->in_memory, memory_order_relaxed);
    list->first = list->last = NULL;
    list->in_memory = 0;
}

static size_t capacity(const struct row_block *block) {
    return block->size - sizeof *block;
}

static struct segment *segment_at(const struct row_block *block, size_t at) {
    return (struct segment *)(void *)((char *)(uintptr_t)block->data + at);
}

/* Where a segment may begin. */
static size_t aligned(size_t at) {
    return (at + 15) & ~(size_t)15;
}

static size_t row_size(const struct segment *segment) {
    return segment->wide ? sizeof(struct wide_row) : sizeof(struct narrow_row);
}

/* ---- rows ---- */

static bool is_narrow(int64_t quantity_milli) {
    return (quantity_milli == (int32_t)quantity_milli && quantity_milli != NARROW_MARK) ||
           quantity_milli == WIDE_MARK;
}

static void put_row(struct row_block *block, struct segment *segment, uint32_t product,
                    int64_t quantity_milli) {
    char *at = block->data + block->used;
    if (segment->wide) {
        struct wide_row row = {product, 0, quantity_milli};
        memcpy(at, &row, sizeof row);
    } else {
        struct narrow_row row = {product, quantity_milli == WIDE_MARK ? NARROW_MARK
                                                                      : (int32_t)quantity_milli};
        memcpy(at, &row, sizeof row);
    }
    block->used += (uint32_t)row_size(segment);
    segment->count++;
    block->next_line = segment->line + (int64_t)segment->count * segment->step;
}

/* The row before did not foretell this one. */
static void put_slow(struct row_store *store, struct row_list *list, uint32_t product,
                     uint32_t line, int64_t quantity_milli) {
    struct row_block *block = list->last;
    struct segment *segment = block != NULL ? segment_at(block, block->segment) : NULL;
    int64_t step = segment != NULL ? (int64_t)line - segment->line : 0;
    if (segment != NULL && segment->count == 1 && step == (int32_t)step &&
        (segment->wide || is_narrow(quantity_milli)) &&
        block->used + row_size(segment) <= capacity(block)) {
        segment->step = (int32_t)step; /* the second row tells */
        put_row(block, segment, product, quantity_milli);
        return;
    }
    size_t needed = sizeof *segment + sizeof(struct wide_row);
    if (block == NULL || aligned(block->used) + needed > capacity(block))
        block = new_block(store, list);
    block->used = block->segment = (uint32_t)aligned(block->used);
    segment = segment_at(block, block->used);
    *segment = (struct segment){.line = line, .wide = !is_narrow(quantity_milli)};
    block->used += (uint32_t)sizeof *segment;
    put_row(block, segment, product, quantity_milli);
}

static inline void put(struct row_store *store, struct row_list *list, uint32_t product,
                       uint64_t file_line, int64_t quantity_milli) {
    struct row_block *block = list->last;
    uint32_t line = file_line < UINT32_MAX ? (uint32_t)file_line : UINT32_MAX;
    list->count++;
    list->marks += quantity_milli == WIDE_MARK;
    if (block != NULL && block->next_line == line) {
        struct segment *segment = segment_at(block, block->segment);
        if (!segment->wide && segment->count > 1 && quantity_milli == (int32_t)quantity_milli &&
            quantity_milli != NARROW_MARK &&
            block->used + sizeof(struct narrow_row) <= capacity(block)) {
            struct narrow_row row = {product, (int32_t)quantity_milli};
            memcpy(block->data + block->used, &row, sizeof row);
            block->used += (uint32_t)sizeof row;
            block->next_line += segment->step;
            segment->count++;
            return;
        }
        if ((segment->wide || is_narrow(quantity_milli)) && segment->count > 1 &&
            block->used + row_size(segment) <= capacity(block)) {
            put_row(block, segment, product, quantity_milli);
            return;
        }
    }
    put_slow(store, list, product, line, quantity_milli);
}

void row_list_append(struct row_store *store, struct row_list *list, uint32_t product,
                     uint64_t line, int64_t quantity_milli) {
    require(quantity_milli != WIDE_MARK);
    put(store, list, product, line, quantity_milli);
}

void row_list_mark(struct row_store *store, struct row_list *list, uint32_t product,
                   uint64_t line) {
    put(store, list, product, line, WIDE_MARK);
}

/* ---- walking ---- */

struct walk {
    char *at, *end;
    const char *begin;
};

static struct walk walk_block(struct row_block *block) {
    return (struct walk){block->data, block->data + block->used, block->data};
}

/* NULL: there is no more. */
static struct segment *next_segment(struct walk *walk) {
    walk->at += aligned((size_t)(walk->at - walk->begin)) - (size_t)(walk->at - walk->begin);
    if (walk->at >= walk->end)
        return NULL;
    struct segment *segment = (struct segment *)(void *)walk->at;
    walk->at += sizeof *segment + segment->count * row_size(segment);
    require(walk->at <= walk->end && segment->count > 0);
    return segment;
}

static uint32_t line_of(const struct segment *segment, uint32_t i) {
    int64_t line = segment->line + (int64_t)i * segment->step;
    return line < (int64_t)UINT32_MAX ? (uint32_t)line : UINT32_MAX;
}

static struct wide_row row_of(const struct segment *segment, uint32_t i) {
    struct wide_row wide;
    if (segment->wide) {
        memcpy(&wide, (const char *)(segment + 1) + i * sizeof wide, sizeof wide);
        return wide;
    }
    struct narrow_row row;
    memcpy(&row, (const char *)(segment + 1) + i * sizeof row, sizeof row);
    return (struct wide_row){row.product, 0,
                             row.quantity_milli == NARROW_MARK ? WIDE_MARK : row.quantity_milli};
}

/* ---- joining ---- */

/* In place; both kinds of row begin with their product. */
static void renumber_block(struct row_block *block, uint64_t lines_before, uint32_t renumber,
                           const uint32_t *products) {
    struct walk walk = walk_block(block);
    for (struct segment *s; (s = next_segment(&walk)) != NULL;) {
        s->line += (int64_t)lines_before;
        char *row = (char *)(s + 1);
        for (uint32_t i = 0; products != NULL && i < s->count; i++, row += row_size(s)) {
            uint32_t product;
            memcpy(&product, row, sizeof product);
            if ((product & renumber) == 0)
                continue;
            product = products[product & ~renumber];
            memcpy(row, &product, sizeof product);
        }
    }
    block->next_line += (int64_t)lines_before;
}

static void copy_block(struct row_store *store, struct row_list *to, struct row_block *block) {
    struct walk walk = walk_block(block);
    for (struct segment *s; (s = next_segment(&walk)) != NULL;)
        for (uint32_t i = 0; i < s->count; i++) {
            struct wide_row row = row_of(s, i);
            put(store, to, row.product, line_of(s, i), row.quantity_milli);
        }
}

static void link_block(struct row_list *list, struct row_block *block) {
    if (list->last != NULL)
        list->last->next = block;
    else
        list->first = block;
    list->last = block;
    list->in_memory += block->size;
}

/* Whole blocks change hands, small ones are copied: else every part would leave one behind. */
void row_list_join(struct row_store *store, struct row_list *to, struct row_list *from,
                   uint64_t lines_before, uint32_t renumber, const uint32_t *products) {
    struct row_list copied = {0};
    const uint64_t count = to->count + from->count;
    const uint32_t marks = to->marks + from->marks;
    require(from->extent_count == 0);
    for (struct row_block *block = from->first, *next; block != NULL; block = next) {
        next = block->next;
        block->next = NULL;
        renumber_block(block, lines_before, renumber, products);
        if (block->size == BLOCK_MAX && block->used >= BLOCK_MAX / 2) {
            link_block(to, block);
        } else {
            copy_block(store, to, block);
            link_block(&copied, block);
        }
    }
    free_blocks(store, &copied);
    to->count = count;
    to->marks = marks;
    *from = (struct row_list){0};
}

/* ---- the spool ---- */

bool row_store_is_over(const struct row_store *store) {
    return atomic_load_explicit(&store->in_use, memory_order_relaxed) > store->budget;
}

bool row_store_is_broken(const struct row_store *store) {
    return atomic_load(&store->broken);
}

enum status row_store_status(const struct row_store *store, struct error *error) {
    if (!row_store_is_broken(store))
        return STATUS_OK;
    if (error != NULL)
        *error = store->error;
    return store->error.status;
}

uint64_t row_store_spooled(const struct row_store *store) {
    return (uint64_t)store->spool_end;
}

/* errno says why. */
static void break_down(struct row_store *store) {
    const char *full = errno == ENOSPC || errno == EDQUOT ? "the disk is full: " : "";
    (void)error_set_errno(&store->error,
                          "%snothing was applied, send the file again when there is room; its rows "
                          "exceed limits.reset_mb, and %.*s cannot be written",
                          full, TEXT_ARG(store->directory));
    atomic_store(&store->broken, true);
    buffer_deinit(&store->unwritten);
}

/* A file without a name: it goes with the process, whatever happens. */
static void open_spool(struct row_store *store) {
    char path[4096];
    snprintf(path, sizeof path, "%.*s", TEXT_ARG(store->directory));
    store->spool = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (store->spool < 0)
        break_down(store);
}

void row_store_flush(struct row_store *store) {
    const char *at = store->unwritten.data;
    size_t left = store->unwritten.length;
    if (left > 0 && store->spool < 0)
        open_spool(store);
    int64_t offset = store->spool_end - (int64_t)left;
    while (left > 0 && !row_store_is_broken(store)) {
        ssize_t wrote = pwrite(store->spool, at, left, offset);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0) {
            break_down(store);
            return;
        }
        at += wrote;
        left -= (size_t)wrote;
        offset += wrote;
    }
    buffer_clear(&store->unwritten);
}

static void add_extent(struct row_list *list, int64_t offset, uint64_t bytes) {
    struct row_extent *last =
        list->extent_count > 0 ? &list->extents[list->extent_count - 1] : NULL;
    if (last != NULL && last->offset + (int64_t)last->bytes == offset) {
        last->bytes += bytes;
        return;
    }
    if (list->extent_count == list->extent_room) {
        list->extent_room = 2 * list->extent_room + 4;
        list->extents = memory_grow(list->extents, list->extent_room * sizeof *list->extents);
    }
    require(list->extents != NULL);
    list->extents[list->extent_count++] = (struct row_extent){offset, bytes};
}

void row_list_spill(struct row_store *store, struct row_list *list) {
    static const char zeros[16];
    for (struct row_block *block = list->first; block != NULL; block = block->next) {
        if (row_store_is_broken(store))
            break;
        size_t length = aligned(block->used);
        buffer_append(&store->unwritten, block->data, block->used);
        buffer_append(&store->unwritten, zeros, length - block->used);
        add_extent(list, store->spool_end, length);
        store->spool_end += (int64_t)length;
        if (store->unwritten.length >= SPOOL_BUFFER)
            row_store_flush(store);
    }
    free_blocks(store, list);
}

/* ---- back ---- */

struct taking {
    struct stated *rows;
    size_t row_count;
    uint32_t *marked;
    size_t marked_count;
};

/* Nearly all rows are narrow, and no marks. */
static void take_narrow(struct taking *taking, const struct segment *segment) {
    const struct narrow_row *row = (const struct narrow_row *)(const void *)(segment + 1);
    struct stated *out = taking->rows + taking->row_count;
    int64_t line = segment->line;
    for (uint32_t i = 0; i < segment->count; i++, row++, line += segment->step) {
        if (row->quantity_milli == NARROW_MARK) {
            taking->marked[taking->marked_count++] = row->product;
            continue;
        }
        uint32_t shown = line < (int64_t)UINT32_MAX ? (uint32_t)line : UINT32_MAX;
        *out++ = (struct stated){row->product, shown, row->quantity_milli};
    }
    taking->row_count = (size_t)(out - taking->rows);
}

static void take_segments(struct taking *taking, struct walk walk) {
    for (struct segment *s; (s = next_segment(&walk)) != NULL;) {
        if (!s->wide) {
            take_narrow(taking, s);
            continue;
        }
        for (uint32_t i = 0; i < s->count; i++) {
            struct wide_row row = row_of(s, i);
            if (row.quantity_milli == WIDE_MARK)
                taking->marked[taking->marked_count++] = row.product;
            else
                taking->rows[taking->row_count++] =
                    (struct stated){row.product, line_of(s, i), row.quantity_milli};
        }
    }
}

static enum status read_extent(struct row_store *store, const struct row_extent *extent,
                               char *bytes, struct error *error) {
    for (uint64_t at = 0; at < extent->bytes;) {
        ssize_t got =
            pread(store->spool, bytes + at, extent->bytes - at, extent->offset + (int64_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO;
        if (got <= 0)
            return error_set_errno(error, "rows that were put by cannot be read back");
        at += (uint64_t)got;
    }
    return STATUS_OK;
}

enum status row_list_take(struct row_store *store, struct row_list *list, struct stated *rows,
                          size_t *row_count_out, uint32_t *marked, size_t *marked_count_out,
                          struct error *error) {
    struct taking taking = {0};
    taking.rows = rows;
    taking.marked = marked;
    enum status status = row_store_status(store, error);
    for (uint32_t i = 0; i < list->extent_count && status == STATUS_OK; i++) {
        char *bytes = memory_alloc(list->extents[i].bytes);
        status = read_extent(store, &list->extents[i], bytes, error);
        if (status == STATUS_OK)
            take_segments(&taking, (struct walk){bytes, bytes + list->extents[i].bytes, bytes});
        free(bytes);
    }
    for (struct row_block *block = list->first; block != NULL && status == STATUS_OK;
         block = block->next)
        take_segments(&taking, walk_block(block));
    require(status != STATUS_OK || taking.row_count + taking.marked_count == list->count);
    *row_count_out = taking.row_count;
    *marked_count_out = taking.marked_count;
    row_list_drop(store, list);
    return status;
}

void row_list_drop(struct row_store *store, struct row_list *list) {
    free_blocks(store, list);
    free(list->extents);
    *list = (struct row_list){0};
}
