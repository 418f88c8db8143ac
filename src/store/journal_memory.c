/* The journal in vectors, for tests and simulations: the same truth as on disk, gone with the
 * process. A transaction is undone by cutting the vectors back; items are put aside until commit.
 * One lock, since readers are any thread. */
#include "store/journal_internal.h"

#include <pthread.h>
#include <stdlib.h>

/* A growing array of pointers into the arena of the journal. */
struct vector {
    void **items;
    size_t count, capacity, committed;
};

struct statement_entry {
    struct journal_statement statement, committed;
    struct text packed;
};

struct catalog_entry {
    enum { ENTRY_NAME, ENTRY_PRODUCT, ENTRY_IDENTIFIER, ENTRY_LOCATION } entry;
    enum name_kind kind;
    uint32_t number;
    struct text type, value;
};

/* A document or a checkpoint's blob; sorted by kind and key. */
struct item {
    struct text kind, key, value;
};

struct item_change {
    struct item item;
    bool deleted;
};

struct blob {
    uint32_t kind;
    uint64_t key, through_seq;
    char *data;
    size_t length;
};

struct journal {
    struct journal *next; /* in the list of named ones */
    char *name;
    pthread_mutex_t lock;
    struct arena arena;
    struct vector rows, statements, corrections, catalog, item_changes, blobs;
    struct item *items;
    size_t item_count, item_capacity;
};

static void vector_add(struct vector *vector, void *item) {
    if (vector->count == vector->capacity) {
        vector->capacity = 2 * vector->capacity + 64;
        vector->items = memory_grow(vector->items, vector->capacity * sizeof *vector->items);
    }
    vector->items[vector->count++] = item;
}

static void lock(struct journal *journal) {
    require(pthread_mutex_lock(&journal->lock) == 0);
}

static void unlock(struct journal *journal) {
    require(pthread_mutex_unlock(&journal->lock) == 0);
}

/* ---- life ---- */

/* Those with a name outlive their store, as a disk would: a simulation opens them again. */
static struct {
    pthread_mutex_t lock;
    struct journal *first;
} named = {PTHREAD_MUTEX_INITIALIZER, NULL};

static void journal_free(struct journal *journal) {
    struct vector *vectors[] = {&journal->rows,    &journal->statements,   &journal->corrections,
                                &journal->catalog, &journal->item_changes, &journal->blobs};
    for (size_t i = 0; i < journal->blobs.count; i++)
        free(((struct blob *)journal->blobs.items[i])->data);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        free(vectors[i]->items);
    free(journal->items);
    free(journal->name);
    arena_deinit(&journal->arena);
    pthread_mutex_destroy(&journal->lock);
    free(journal);
}

static struct journal *journal_new(const char *name) {
    struct journal *journal = memory_alloc_zero(1, sizeof *journal);
    size_t size = strlen(name) + 1;
    require(pthread_mutex_init(&journal->lock, NULL) == 0);
    journal->name = memory_alloc(size);
    memcpy(journal->name, name, size);
    return journal;
}

static enum status memory_open(const char *location, const struct store_options *options,
                               struct journal **journal_out, struct error *error) {
    (void)options, (void)error;
    if (location[0] == '\0') {
        *journal_out = journal_new(location);
        return STATUS_OK;
    }
    require(pthread_mutex_lock(&named.lock) == 0);
    struct journal *journal = named.first;
    while (journal != NULL && strcmp(journal->name, location) != 0)
        journal = journal->next;
    if (journal == NULL) {
        journal = journal_new(location);
        journal->next = named.first;
        named.first = journal;
    }
    require(pthread_mutex_unlock(&named.lock) == 0);
    *journal_out = journal;
    return STATUS_OK;
}

void journal_memory_forget(const char *name) {
    require(pthread_mutex_lock(&named.lock) == 0);
    for (struct journal **at = &named.first; *at != NULL; at = &(*at)->next) {
        struct journal *journal = *at;
        if (strcmp(journal->name, name) == 0) {
            *at = journal->next;
            journal_free(journal);
            break;
        }
    }
    require(pthread_mutex_unlock(&named.lock) == 0);
}

static void memory_abort(struct journal *journal);

static void memory_close(struct journal *journal) {
    if (journal->name[0] == '\0')
        journal_free(journal);
    else
        memory_abort(journal);
}

static uint64_t last_seq(const struct journal *journal) {
    uint64_t last = 0;
    if (journal->rows.count > 0)
        last = ((struct journal_row *)journal->rows.items[journal->rows.count - 1])->seq;
    if (journal->corrections.count > 0) {
        const struct journal_correction *correction =
            journal->corrections.items[journal->corrections.count - 1];
        uint64_t end = correction->first_seq + correction->corrected_count;
        last = end > last ? end : last;
    }
    return last;
}

static enum status memory_last_numbers(struct journal *journal, uint64_t *last_seq_out,
                                       uint32_t *last_statement_out, struct error *error) {
    (void)error;
    lock(journal);
    *last_seq_out = last_seq(journal);
    *last_statement_out = (uint32_t)journal->statements.count;
    unlock(journal);
    return STATUS_OK;
}

static enum status memory_begin(struct journal *journal, struct error *error) {
    (void)journal, (void)error;
    return STATUS_OK;
}

/* ---- items ---- */

static int item_compare(const struct item *item, struct text kind, struct text key) {
    int order = text_compare(item->kind, kind);
    return order != 0 ? order : text_compare(item->key, key);
}

/* The first item not before (kind, key). */
static size_t item_place(const struct journal *journal, struct text kind, struct text key) {
    size_t low = 0, high = journal->item_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (item_compare(&journal->items[middle], kind, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool item_is(const struct journal *journal, size_t at, struct text kind, struct text key) {
    return at < journal->item_count && item_compare(&journal->items[at], kind, key) == 0;
}

static void item_apply(struct journal *journal, const struct item_change *change) {
    size_t at = item_place(journal, change->item.kind, change->item.key);
    bool there = item_is(journal, at, change->item.kind, change->item.key);
    if (change->deleted) {
        if (there) {
            journal->item_count--;
            memmove(&journal->items[at], &journal->items[at + 1],
                    (journal->item_count - at) * sizeof *journal->items);
        }
        return;
    }
    if (!there) {
        if (journal->item_count == journal->item_capacity) {
            journal->item_capacity = 2 * journal->item_capacity + 64;
            journal->items =
                memory_grow(journal->items, journal->item_capacity * sizeof *journal->items);
        }
        memmove(&journal->items[at + 1], &journal->items[at],
                (journal->item_count++ - at) * sizeof *journal->items);
    }
    journal->items[at] = change->item;
}

static enum status item_change(struct journal *journal, struct text kind, struct text key,
                               const struct text *value) {
    lock(journal);
    struct item_change *change = arena_alloc_zero(&journal->arena, sizeof *change);
    change->item.kind = arena_copy(&journal->arena, kind);
    change->item.key = arena_copy(&journal->arena, key);
    change->deleted = value == NULL;
    if (value != NULL)
        change->item.value = arena_copy(&journal->arena, *value);
    vector_add(&journal->item_changes, change);
    unlock(journal);
    return STATUS_OK;
}

static enum status memory_item_put(struct journal *journal, struct text kind, struct text key,
                                   struct text value, struct error *error) {
    (void)error;
    return item_change(journal, kind, key, &value);
}

static enum status memory_item_delete(struct journal *journal, struct text kind, struct text key,
                                      struct error *error) {
    (void)error;
    return item_change(journal, kind, key, NULL);
}

static enum status memory_item_get(struct journal *journal, struct text kind, struct text key,
                                   struct buffer *value, struct error *error) {
    lock(journal);
    size_t at = item_place(journal, kind, key);
    bool there = item_is(journal, at, kind, key);
    if (there)
        buffer_append_text(value, journal->items[at].value);
    unlock(journal);
    return there ? STATUS_OK
                 : error_set(error, STATUS_NOT_FOUND, "no %.*s '%.*s'", TEXT_ARG(kind),
                             TEXT_ARG(key));
}

static enum status memory_item_scan(struct journal *journal, struct text kind, struct text after,
                                    bool newest_first, store_item_visitor *visitor, void *context,
                                    struct error *error) {
    (void)error;
    lock(journal);
    size_t at = item_place(journal, kind, after);
    if (!newest_first && after.length > 0 && item_is(journal, at, kind, after))
        at++;
    if (newest_first && after.length == 0) {
        for (; at < journal->item_count && text_equal(journal->items[at].kind, kind); at++) {
        }
    }
    while (newest_first ? at > 0 : at < journal->item_count) {
        const struct item *item = &journal->items[newest_first ? --at : at++];
        if (!text_equal(item->kind, kind) || !visitor(context, item->key, item->value))
            break;
    }
    unlock(journal);
    return STATUS_OK;
}

/* ---- commit ---- */

static enum status memory_commit(struct journal *journal, struct error *error) {
    (void)error;
    lock(journal);
    journal->rows.committed = journal->rows.count;
    journal->corrections.committed = journal->corrections.count;
    journal->catalog.committed = journal->catalog.count;
    for (size_t i = 0; i < journal->statements.count; i++) {
        struct statement_entry *entry = journal->statements.items[i];
        entry->committed = entry->statement;
    }
    journal->statements.committed = journal->statements.count;
    for (size_t i = 0; i < journal->item_changes.count; i++)
        item_apply(journal, journal->item_changes.items[i]);
    journal->item_changes.count = 0;
    unlock(journal);
    return STATUS_OK;
}

static void memory_abort(struct journal *journal) {
    lock(journal);
    journal->rows.count = journal->rows.committed;
    journal->corrections.count = journal->corrections.committed;
    journal->catalog.count = journal->catalog.committed;
    journal->statements.count = journal->statements.committed;
    for (size_t i = 0; i < journal->statements.count; i++) {
        struct statement_entry *entry = journal->statements.items[i];
        entry->statement = entry->committed;
    }
    journal->item_changes.count = 0;
    unlock(journal);
}

/* ---- the ledger ---- */

static struct journal_row *row_copy(struct arena *arena, const struct journal_row *row) {
    struct journal_row *copy = arena_alloc(arena, sizeof *copy);
    *copy = *row;
    copy->event.id = arena_copy(arena, row->event.id);
    copy->event.document = arena_copy(arena, row->event.document);
    copy->event.order = arena_copy(arena, row->event.order);
    copy->event.reason = arena_copy(arena, row->event.reason);
    copy->event.acknowledges = arena_copy(arena, row->event.acknowledges);
    return copy;
}

static enum status memory_append_row(struct journal *journal, const struct journal_row *row,
                                     struct error *error) {
    (void)error;
    lock(journal);
    require(row->seq > last_seq(journal));
    vector_add(&journal->rows, row_copy(&journal->arena, row));
    unlock(journal);
    return STATUS_OK;
}

static void head_copy(struct arena *arena, struct journal_statement *statement) {
    size_t size = statement->head.through_count * sizeof *statement->head.through;
    struct watermark *through = arena_alloc(arena, size + 1);
    if (size > 0)
        memcpy(through, statement->head.through, size);
    statement->head.through = through;
    statement->reset = arena_copy(arena, statement->reset);
}

static enum status memory_append_statement(struct journal *journal,
                                           const struct journal_statement *statement,
                                           struct text packed_rows, struct error *error) {
    (void)error;
    lock(journal);
    require(statement->head.id == journal->statements.count + 1);
    struct statement_entry *entry = arena_alloc_zero(&journal->arena, sizeof *entry);
    entry->statement = *statement;
    head_copy(&journal->arena, &entry->statement);
    entry->committed = entry->statement;
    entry->packed = arena_copy(&journal->arena, packed_rows);
    vector_add(&journal->statements, entry);
    unlock(journal);
    return STATUS_OK;
}

static struct statement_entry *find_statement(struct journal *journal, uint32_t id) {
    return id != 0 && id <= journal->statements.count ? journal->statements.items[id - 1] : NULL;
}

static enum status memory_update_statement(struct journal *journal,
                                           const struct journal_statement *statement,
                                           struct error *error) {
    (void)error;
    lock(journal);
    struct statement_entry *entry = find_statement(journal, statement->head.id);
    require(entry != NULL);
    entry->statement.state = statement->state;
    entry->statement.applied_seq = statement->applied_seq;
    entry->statement.applied_at_us = statement->applied_at_us;
    entry->statement.rolled_back_at_us = statement->rolled_back_at_us;
    unlock(journal);
    return STATUS_OK;
}

static enum status memory_append_correction(struct journal *journal,
                                            const struct journal_correction *correction,
                                            struct error *error) {
    (void)error;
    lock(journal);
    require(correction->first_seq > last_seq(journal));
    struct journal_correction *copy = arena_alloc(&journal->arena, sizeof *copy);
    *copy = *correction;
    copy->packed = arena_copy(&journal->arena, correction->packed);
    vector_add(&journal->corrections, copy);
    unlock(journal);
    return STATUS_OK;
}

/* ---- the catalog ---- */

static enum status append_entry(struct journal *journal, struct catalog_entry entry) {
    lock(journal);
    struct catalog_entry *copy = arena_alloc(&journal->arena, sizeof *copy);
    *copy = entry;
    copy->type = arena_copy(&journal->arena, entry.type);
    copy->value = arena_copy(&journal->arena, entry.value);
    vector_add(&journal->catalog, copy);
    unlock(journal);
    return STATUS_OK;
}

static enum status memory_append_name(struct journal *journal, enum name_kind kind, uint32_t number,
                                      struct text name, struct error *error) {
    (void)error;
    return append_entry(
        journal,
        (struct catalog_entry){.entry = ENTRY_NAME, .kind = kind, .number = number, .value = name});
}

static enum status memory_append_location(struct journal *journal, uint32_t number,
                                          struct text code, struct error *error) {
    (void)error;
    return append_entry(
        journal, (struct catalog_entry){.entry = ENTRY_LOCATION, .number = number, .value = code});
}

static enum status memory_append_product(struct journal *journal, uint32_t number,
                                         struct error *error) {
    (void)error;
    return append_entry(journal, (struct catalog_entry){.entry = ENTRY_PRODUCT, .number = number});
}

static enum status memory_append_identifier(struct journal *journal, uint32_t product,
                                            const struct identifier *identifier,
                                            struct error *error) {
    (void)error;
    return append_entry(journal, (struct catalog_entry){.entry = ENTRY_IDENTIFIER,
                                                        .number = product,
                                                        .type = identifier->type,
                                                        .value = identifier->value});
}

static void visit_entry(const struct catalog_visitor *visitor, const struct catalog_entry *entry) {
    void *context = visitor->context;
    switch (entry->entry) {
    case ENTRY_NAME:
        if (visitor->name != NULL)
            visitor->name(context, entry->kind, entry->number, entry->value);
        break;
    case ENTRY_PRODUCT:
        if (visitor->product != NULL)
            visitor->product(context, entry->number);
        break;
    case ENTRY_IDENTIFIER:
        if (visitor->identifier != NULL)
            visitor->identifier(context, entry->number,
                                &(struct identifier){entry->type, entry->value});
        break;
    case ENTRY_LOCATION:
        if (visitor->location != NULL)
            visitor->location(context, entry->number, entry->value);
        break;
    }
}

static enum status memory_scan_catalog(struct journal *journal,
                                       const struct catalog_visitor *visitor, struct error *error) {
    (void)error;
    lock(journal);
    for (size_t i = 0; i < journal->catalog.committed; i++)
        visit_entry(visitor, journal->catalog.items[i]);
    unlock(journal);
    return STATUS_OK;
}

/* ---- reading the ledger ---- */

/* The first row with a number above `after`. */
static size_t row_place(const struct journal *journal, uint64_t after) {
    size_t low = 0, high = journal->rows.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (((const struct journal_row *)journal->rows.items[middle])->seq <= after)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum status memory_read_row(struct journal *journal, bool writer, uint64_t seq,
                                   struct arena *arena, struct journal_row *row_out,
                                   struct error *error) {
    lock(journal);
    size_t at = row_place(journal, seq - 1);
    size_t end = writer ? journal->rows.count : journal->rows.committed;
    const struct journal_row *row = at < end ? journal->rows.items[at] : NULL;
    bool found = seq != 0 && row != NULL && row->seq == seq;
    if (found)
        *row_out = *row_copy(arena, row);
    unlock(journal);
    return found
               ? STATUS_OK
               : error_set(error, STATUS_NOT_FOUND, "no ledger row %llu", (unsigned long long)seq);
}

/* Visitors are called without the lock: what is committed neither moves nor changes. */
static enum status memory_scan_rows(struct journal *journal, uint64_t after,
                                    journal_row_visitor *visitor, void *context,
                                    struct error *error) {
    (void)error;
    lock(journal);
    for (size_t i = row_place(journal, after); i < journal->rows.committed; i++) {
        const struct journal_row *row = journal->rows.items[i];
        unlock(journal);
        bool more = visitor(context, row);
        lock(journal);
        if (!more)
            break;
    }
    unlock(journal);
    return STATUS_OK;
}

static enum status memory_scan_statements(struct journal *journal, uint32_t after,
                                          journal_statement_visitor *visitor, void *context,
                                          struct error *error) {
    (void)error;
    lock(journal);
    for (size_t i = after; i < journal->statements.committed; i++) {
        struct journal_statement statement =
            ((const struct statement_entry *)journal->statements.items[i])->committed;
        unlock(journal);
        bool more = visitor(context, &statement);
        lock(journal);
        if (!more)
            break;
    }
    unlock(journal);
    return STATUS_OK;
}

static enum status memory_read_packed_rows(struct journal *journal, uint32_t statement,
                                           struct arena *arena, struct text *packed_out,
                                           struct error *error) {
    lock(journal);
    const struct statement_entry *entry = find_statement(journal, statement);
    if (entry != NULL)
        *packed_out = arena_copy(arena, entry->packed);
    unlock(journal);
    return entry != NULL
               ? STATUS_OK
               : error_set(error, STATUS_NOT_FOUND, "no statement %u", (unsigned)statement);
}

static enum status memory_scan_corrections(struct journal *journal, uint64_t after,
                                           journal_correction_visitor *visitor, void *context,
                                           struct error *error) {
    (void)error;
    lock(journal);
    for (size_t i = 0; i < journal->corrections.committed; i++) {
        const struct journal_correction *correction = journal->corrections.items[i];
        if (correction->first_seq <= after)
            continue;
        unlock(journal);
        bool more = visitor(context, correction);
        lock(journal);
        if (!more)
            break;
    }
    unlock(journal);
    return STATUS_OK;
}

static enum status memory_find_correction(struct journal *journal, bool writer, uint64_t seq,
                                          struct arena *arena,
                                          struct journal_correction *correction_out,
                                          struct error *error) {
    lock(journal);
    size_t end = writer ? journal->corrections.count : journal->corrections.committed;
    size_t low = 0, high = end;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct journal_correction *correction = journal->corrections.items[middle];
        if (correction->first_seq + correction->corrected_count < seq)
            low = middle + 1;
        else
            high = middle;
    }
    const struct journal_correction *found = low < end ? journal->corrections.items[low] : NULL;
    if (found != NULL && found->first_seq > seq)
        found = NULL;
    if (found != NULL) {
        *correction_out = *found;
        correction_out->packed = arena_copy(arena, found->packed);
    }
    unlock(journal);
    return found != NULL
               ? STATUS_OK
               : error_set(error, STATUS_NOT_FOUND, "no ledger row %llu", (unsigned long long)seq);
}

static enum status memory_statement_corrections(struct journal *journal, uint32_t statement,
                                                journal_correction_visitor *visitor, void *context,
                                                struct error *error) {
    (void)error;
    lock(journal);
    for (size_t i = 0; i < journal->corrections.count; i++) {
        const struct journal_correction *correction = journal->corrections.items[i];
        if (correction->statement == statement && !visitor(context, correction))
            break;
    }
    unlock(journal);
    return STATUS_OK;
}

/* ---- checkpoints ---- */

static size_t blob_find(const struct journal *journal, uint32_t kind, uint64_t key) {
    size_t i = 0;
    for (; i < journal->blobs.count; i++) {
        const struct blob *blob = journal->blobs.items[i];
        if (blob->kind == kind && blob->key == key)
            break;
    }
    return i;
}

static enum status memory_checkpoint_delete(struct journal *journal, uint32_t kind, uint64_t key,
                                            struct error *error) {
    (void)error;
    lock(journal);
    size_t at = blob_find(journal, kind, key);
    if (at < journal->blobs.count) {
        struct blob *blob = journal->blobs.items[at];
        free(blob->data);
        journal->blobs.items[at] = journal->blobs.items[--journal->blobs.count];
    }
    unlock(journal);
    return STATUS_OK;
}

static enum status memory_checkpoint_put(struct journal *journal, uint32_t kind, uint64_t key,
                                         uint64_t through_seq, struct text data,
                                         struct error *error) {
    (void)error;
    lock(journal);
    size_t at = blob_find(journal, kind, key);
    struct blob *blob;
    void *replaced = NULL;
    if (at < journal->blobs.count) {
        blob = journal->blobs.items[at];
        replaced = blob->data;
    } else {
        blob = arena_alloc(&journal->arena, sizeof *blob);
        vector_add(&journal->blobs, blob);
    }
    *blob = (struct blob){kind, key, through_seq, memory_alloc(data.length + 1), data.length};
    memcpy(blob->data, data.data, data.length);
    free(replaced);
    unlock(journal);
    return STATUS_OK;
}

static enum status memory_checkpoint_sync(struct journal *journal, struct error *error) {
    (void)journal, (void)error;
    return STATUS_OK;
}

static enum status memory_checkpoint_scan(struct journal *journal, uint32_t kind,
                                          journal_checkpoint_visitor *visitor, void *context,
                                          struct error *error) {
    (void)error;
    lock(journal);
    for (size_t i = 0; i < journal->blobs.count; i++) {
        const struct blob *blob = journal->blobs.items[i];
        if (blob->kind == kind && !visitor(context, kind, blob->key, blob->through_seq,
                                           (struct text){blob->data, blob->length}))
            break;
    }
    unlock(journal);
    return STATUS_OK;
}

static enum status memory_backup(struct journal *journal, const char *path, struct error *error) {
    (void)journal;
    return error_set(error, STATUS_CONFLICT, "%.100s: a store in memory cannot be backed up", path);
}

static void memory_sizes(struct journal *journal, uint64_t *disk_bytes_out,
                         uint64_t *wal_bytes_out) {
    (void)journal;
    *disk_bytes_out = *wal_bytes_out = 0;
}

const struct journal_ops journal_memory = {
    .open = memory_open,
    .close = memory_close,
    .last_numbers = memory_last_numbers,
    .begin = memory_begin,
    .commit = memory_commit,
    .abort = memory_abort,
    .append_row = memory_append_row,
    .append_statement = memory_append_statement,
    .update_statement = memory_update_statement,
    .append_correction = memory_append_correction,
    .append_name = memory_append_name,
    .append_location = memory_append_location,
    .append_product = memory_append_product,
    .append_identifier = memory_append_identifier,
    .item_put = memory_item_put,
    .item_delete = memory_item_delete,
    .scan_catalog = memory_scan_catalog,
    .item_get = memory_item_get,
    .item_scan = memory_item_scan,
    .read_row = memory_read_row,
    .scan_rows = memory_scan_rows,
    .scan_statements = memory_scan_statements,
    .read_packed_rows = memory_read_packed_rows,
    .scan_corrections = memory_scan_corrections,
    .find_correction = memory_find_correction,
    .statement_corrections = memory_statement_corrections,
    .checkpoint_put = memory_checkpoint_put,
    .checkpoint_delete = memory_checkpoint_delete,
    .checkpoint_sync = memory_checkpoint_sync,
    .checkpoint_scan = memory_checkpoint_scan,
    .backup = memory_backup,
    .sizes = memory_sizes,
};
