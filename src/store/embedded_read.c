/* Reading by any thread: committed figures from memory, everything about the past from the journal.
 */
#include "store/embedded_internal.h"

#include <stdlib.h>

static void lock_reading(struct embedded *embedded) {
    require(pthread_rwlock_rdlock(&embedded->lock) == 0);
}

static void unlock(struct embedded *embedded) {
    require(pthread_rwlock_unlock(&embedded->lock) == 0);
}

/* ---- from memory ---- */

uint64_t embedded_last_seq(struct store *store) {
    struct embedded *embedded = embedded_of(store);
    lock_reading(embedded);
    uint64_t seq = embedded->state.last_seq;
    unlock(embedded);
    return seq;
}

struct cell embedded_cell(struct store *store, uint32_t location, uint32_t product) {
    struct embedded *embedded = embedded_of(store);
    lock_reading(embedded);
    const struct cell *cell =
        location_find_cell(locations_find(&embedded->state.locations, location), product);
    struct cell copy = cell != NULL ? *cell : (struct cell){0};
    unlock(embedded);
    return copy;
}

const struct statement *embedded_statement(struct store *store, uint32_t id) {
    struct embedded *embedded = embedded_of(store);
    lock_reading(embedded);
    const struct statement_record *record = statements_find(&embedded->state.statements, id);
    unlock(embedded);
    return record != NULL ? &record->head : NULL;
}

size_t embedded_cells(struct store *store, uint32_t location, uint32_t from,
                      struct located_cell *cells_out, size_t room, uint32_t *next_out) {
    struct embedded *embedded = embedded_of(store);
    size_t count = 0;
    *next_out = 0;
    lock_reading(embedded);
    const struct location *at = locations_find(&embedded->state.locations, location);
    uint32_t limit = at != NULL ? at->product_limit : 0;
    for (uint32_t product = from; product < limit; product++) {
        const struct cell *cell = location_find_cell(at, product);
        if (cell == NULL) {
            product |= CELLS_PER_PAGE - 1;
            continue;
        }
        if (!cell_exists(cell))
            continue;
        if (count == room) {
            *next_out = product;
            break;
        }
        cells_out[count++] = (struct located_cell){product, *cell};
    }
    unlock(embedded);
    return count;
}

uint32_t embedded_location_limit(struct store *store) {
    struct embedded *embedded = embedded_of(store);
    lock_reading(embedded);
    uint32_t limit = embedded->state.locations.limit;
    while (limit > 0) {
        const struct location *at = embedded->state.locations.table[limit - 1];
        if (at != NULL && at->product_limit > 0)
            break;
        limit--;
    }
    unlock(embedded);
    return limit;
}

uint32_t embedded_product_limit(struct store *store, uint32_t location) {
    struct embedded *embedded = embedded_of(store);
    lock_reading(embedded);
    const struct location *at = locations_find(&embedded->state.locations, location);
    uint32_t limit = at != NULL ? at->product_limit : 0;
    unlock(embedded);
    return limit;
}

/* ---- rows and history ---- */

struct ledger_entry entry_from_row(const struct journal_row *row) {
    bool event = row->type < EVENT_TYPE_COUNT;
    return (struct ledger_entry){
        .seq = row->seq,
        .previous = row->previous,
        .kind = event ? LEDGER_EVENT : LEDGER_ACKNOWLEDGEMENT,
        .status = row->status,
        .event = row->event,
        .on_hand_change_milli = row->on_hand_change_milli,
        .on_hand_milli = row->on_hand_milli,
        .reserved_milli = row->reserved_milli,
        .acknowledged_at_us = event ? NEVER_US : row->event.occurred_at_us,
    };
}

enum status embedded_read_row(struct store *store, uint64_t seq, struct arena *arena,
                              struct ledger_entry *entry_out, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct journal_row row;
    enum status status = embedded->ops->read_row(embedded->journal, embedded_is_writing(embedded),
                                                 seq, arena, &row, error);
    if (status == STATUS_OK)
        *entry_out = entry_from_row(&row);
    return status;
}

struct walk {
    struct embedded *embedded;
    uint32_t location, product;
    struct arena scratch;
};

static struct ledger_entry entry_from_change(const struct walk *walk,
                                             const struct journal_correction *correction,
                                             const struct packed_change *change, uint64_t seq) {
    return (struct ledger_entry){
        .seq = seq,
        .previous = change->previous,
        .kind = correction->kind,
        .status = OUTCOME_APPLIED,
        .event = {.location = walk->location,
                  .product = walk->product,
                  .received_at_us = correction->at_us,
                  .occurred_at_us = correction->at_us},
        .statement = correction->statement,
        .on_hand_change_milli = change->correction_milli,
        .on_hand_milli = change->on_hand_milli,
        .reserved_milli = change->reserved_milli,
        .acknowledged_at_us = NEVER_US,
    };
}

/* The last application of a statement at the location up to `seq`; 0: none. */
static uint64_t application_before(struct embedded *embedded, uint32_t location, uint64_t seq) {
    uint64_t last = 0;
    lock_reading(embedded);
    const struct state *state = &embedded->state;
    const struct location *at = locations_find(&state->locations, location);
    for (uint32_t i = 0; at != NULL && i < at->statement_count; i++) {
        uint64_t applied_seq = statements_find(&state->statements, at->statements[i])->applied_seq;
        if (applied_seq <= seq && applied_seq > last)
            last = applied_seq;
    }
    unlock(embedded);
    return last;
}

static bool take_change(const struct walk *walk, const struct unpacked_correction *correction,
                        uint64_t seq, struct ledger_entry *entry_out) {
    const struct packed_change *change =
        packed_change_of(&correction->changes, correction->head.first_seq, seq);
    if (change == NULL || change->product != walk->product ||
        correction->head.location != walk->location)
        return false;
    *entry_out = entry_from_change(walk, &correction->head, change, seq);
    const struct statement *statement =
        embedded_statement(&walk->embedded->store, correction->head.statement);
    entry_out->event.source = statement != NULL ? statement->source : 0;
    return true;
}

/* From an application of a statement, as nearly all are; those stay unpacked for a while. */
static enum status read_application_entry(struct walk *walk, uint64_t seq,
                                          struct ledger_entry *entry_out, bool *found_out,
                                          struct error *error) {
    uint64_t first_seq = application_before(walk->embedded, walk->location, seq);
    struct unpacked *unpacked;
    *found_out = false;
    if (first_seq == 0)
        return STATUS_OK;
    enum status status = embedded_borrow_correction(walk->embedded, first_seq, &unpacked, error);
    if (status != STATUS_OK)
        return status;
    *found_out = take_change(walk, unpacked->content, seq, entry_out);
    unpacked_cache_return(&walk->embedded->unpacked, unpacked);
    return STATUS_OK;
}

/* The entry of a cell within a correction. */
static enum status read_correction(struct walk *walk, uint64_t seq, struct ledger_entry *entry_out,
                                   struct error *error) {
    struct embedded *embedded = walk->embedded;
    struct unpacked_correction correction;
    bool found;
    enum status status = read_application_entry(walk, seq, entry_out, &found, error);
    if (status != STATUS_OK || found)
        return status;
    arena_reset(&walk->scratch);
    status = embedded->ops->find_correction(embedded->journal, embedded_is_writing(embedded), seq,
                                            &walk->scratch, &correction.head, error);
    if (status == STATUS_OK)
        status =
            packed_read_changes(correction.head.packed, &walk->scratch, &correction.changes, error);
    if (status != STATUS_OK || take_change(walk, &correction, seq, entry_out))
        return status;
    return error_set(error, STATUS_CORRUPT, "correction %llu is not of cell %u/%u",
                     (unsigned long long)seq, (unsigned)walk->location, (unsigned)walk->product);
}

static enum status read_entry(struct walk *walk, uint64_t seq, struct arena *arena,
                              struct ledger_entry *entry_out, struct error *error) {
    enum status status = embedded_read_row(&walk->embedded->store, seq, arena, entry_out, error);
    if (status == STATUS_NOT_FOUND)
        status = read_correction(walk, seq, entry_out, error);
    if (status == STATUS_OK && entry_out->previous >= seq)
        return error_set(error, STATUS_CORRUPT, "ledger row %llu points forward",
                         (unsigned long long)seq);
    return status;
}

enum status embedded_history(struct store *store, uint32_t location, uint32_t product,
                             uint64_t before, size_t most, struct arena *arena,
                             struct ledger_entry **entries_out, size_t *count_out,
                             struct error *error) {
    struct walk walk = {.embedded = embedded_of(store), .location = location, .product = product};
    size_t capacity = 16, count = 0;
    struct ledger_entry *entries = memory_alloc(capacity * sizeof *entries);
    enum status status = STATUS_OK;
    uint64_t seq = embedded_cell(store, location, product).head;
    while (seq != 0 && count < most && status == STATUS_OK) {
        if (count == capacity) {
            capacity *= 2;
            entries = memory_grow(entries, capacity * sizeof *entries);
        }
        status = read_entry(&walk, seq, arena, &entries[count], error);
        if (status != STATUS_OK)
            break;
        seq = entries[count].previous;
        count += before == 0 || entries[count].seq < before;
    }
    arena_deinit(&walk.scratch);
    if (status == STATUS_OK) {
        *entries_out = arena_alloc(arena, count * sizeof *entries + 1);
        memcpy(*entries_out, entries, count * sizeof *entries);
        *count_out = count;
    }
    free(entries);
    return status;
}

/* ---- everything about a cell ---- */

static int64_t find_acknowledged(void *context, uint32_t source, struct text document,
                                 int64_t known_at_us) {
    struct embedded *embedded = context;
    lock_reading(embedded);
    int64_t at_us =
        documents_acknowledged_at(&embedded->state.documents, source,
                                  state_document_key(&embedded->state, document), known_at_us);
    unlock(embedded);
    return at_us;
}

/* The statements of a location that were ever applied, as words without their quantity. */
static struct statement_word *copy_words(struct embedded *embedded, uint32_t location,
                                         struct arena *arena, size_t *count_out) {
    lock_reading(embedded);
    const struct state *state = &embedded->state;
    const struct location *at = locations_find(&state->locations, location);
    size_t count = at != NULL ? at->statement_count : 0;
    struct statement_word *words = arena_alloc_zero(arena, (count + 1) * sizeof *words);
    for (size_t i = 0; i < count; i++) {
        const struct statement_record *record =
            statements_find(&state->statements, at->statements[i]);
        words[i] = (struct statement_word){.statement = &record->head,
                                           .applied_at_us = record->applied_at_us,
                                           .rolled_back_at_us = record->rolled_back_at_us,
                                           .applied_seq = record->applied_seq};
    }
    unlock(embedded);
    *count_out = count;
    return words;
}

static bool word_of_product(const struct unpacked_rows *rows, uint32_t product,
                            struct statement_word *word) {
    const struct stated *row = stated_find(rows->rows, rows->row_count, product);
    word->stated = row != NULL ? *row : (struct stated){.product = product};
    return row != NULL || (word->statement->names_absent &&
                           !product_in(rows->excluded, rows->excluded_count, product));
}

static enum status read_words(struct embedded *embedded, uint32_t product,
                              struct statement_word *words, size_t *count, struct error *error) {
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        struct unpacked *unpacked;
        enum status status =
            embedded_borrow_rows(embedded, words[i].statement->id, &unpacked, error);
        if (status != STATUS_OK)
            return status;
        struct statement_word word = words[i];
        if (word_of_product(unpacked->content, product, &word))
            words[kept++] = word;
        unpacked_cache_return(&embedded->unpacked, unpacked);
    }
    *count = kept;
    return STATUS_OK;
}

enum status embedded_cell_history(struct store *store, uint32_t location, uint32_t product,
                                  struct arena *arena, struct cell_history *history_out,
                                  struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct ledger_entry *entries;
    size_t entry_count, word_count;
    struct statement_word *words = copy_words(embedded, location, arena, &word_count);
    enum status status = embedded_history(store, location, product, 0, SIZE_MAX, arena, &entries,
                                          &entry_count, error);
    if (status == STATUS_OK)
        status = read_words(embedded, product, words, &word_count, error);
    if (status != STATUS_OK)
        return status;
    *history_out = (struct cell_history){
        .entries = entries,
        .entry_count = entry_count,
        .words = words,
        .word_count = word_count,
        .acknowledged = {.find = find_acknowledged, .context = embedded},
    };
    return STATUS_OK;
}

/* ---- statements ---- */

enum status embedded_statement_info(struct store *store, uint32_t id,
                                    struct statement_info *info_out, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    lock_reading(embedded);
    const struct statement_record *record = statements_find(&embedded->state.statements, id);
    if (record != NULL)
        *info_out = (struct statement_info){
            .statement = &record->head,
            .reset = record->reset,
            .state = record->state,
            .row_count = record->row_count,
            .applied_seq = record->applied_seq,
            .applied_at_us = record->applied_at_us,
            .rolled_back_at_us = record->rolled_back_at_us,
        };
    unlock(embedded);
    return record != NULL ? STATUS_OK
                          : error_set(error, STATUS_NOT_FOUND, "no statement %u", (unsigned)id);
}

struct application_search {
    struct arena *arena;
    struct text packed;
    bool found;
};

static bool take_application(void *context, const struct journal_correction *correction) {
    struct application_search *search = context;
    if (correction->kind != LEDGER_RESET)
        return true;
    search->packed = arena_copy(search->arena, correction->packed);
    search->found = true;
    return false;
}

static enum status read_application(struct embedded *embedded, uint32_t id, struct arena *arena,
                                    struct cell_change **changes_out, size_t *count_out,
                                    struct error *error) {
    struct application_search search = {.arena = arena};
    *changes_out = arena_alloc(arena, 1);
    *count_out = 0;
    enum status status = embedded->ops->statement_corrections(embedded->journal, id,
                                                              take_application, &search, error);
    if (status != STATUS_OK || !search.found)
        return status;
    struct packed_changes packed;
    status = packed_read_changes(search.packed, arena, &packed, error);
    if (status != STATUS_OK)
        return status;
    struct cell_change *changes = arena_alloc(arena, packed.corrected_count * sizeof *changes + 1);
    for (size_t i = 0; i < packed.corrected_count; i++) {
        const struct packed_change *change = &packed.corrected[i];
        changes[i] =
            (struct cell_change){change->product, change->statement, change->correction_milli};
    }
    *changes_out = changes;
    *count_out = packed.corrected_count;
    return STATUS_OK;
}

enum status embedded_statement_rows(struct store *store, uint32_t id, struct arena *arena,
                                    struct stated **rows_out, size_t *row_count_out,
                                    uint32_t **excluded_out, size_t *excluded_count_out,
                                    struct cell_change **changes_out, size_t *change_count_out,
                                    struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct stated *rows;
    uint32_t *excluded;
    struct cell_change *changes = NULL;
    size_t row_count, excluded_count, change_count = 0;
    enum status status = embedded_read_rows(embedded, id, arena, &rows, &row_count, &excluded,
                                            &excluded_count, error);
    if (status == STATUS_OK && (changes_out != NULL || change_count_out != NULL))
        status = read_application(embedded, id, arena, &changes, &change_count, error);
    if (status != STATUS_OK)
        return status;
    if (rows_out != NULL)
        *rows_out = rows;
    if (row_count_out != NULL)
        *row_count_out = row_count;
    if (excluded_out != NULL)
        *excluded_out = excluded;
    if (excluded_count_out != NULL)
        *excluded_count_out = excluded_count;
    if (changes_out != NULL)
        *changes_out = changes;
    if (change_count_out != NULL)
        *change_count_out = change_count;
    return STATUS_OK;
}

/* ---- changes ---- */

/* Changes gathered from rows or from corrections, at most `most`. */
struct collection {
    struct change *changes;
    size_t count, capacity, most;
    uint64_t after, through;
    enum status status;
    struct error *error;
};

static void collect(struct collection *collection, const struct change *change) {
    if (collection->count == collection->capacity) {
        collection->capacity = 2 * collection->capacity + 64;
        collection->changes =
            memory_grow(collection->changes, collection->capacity * sizeof *collection->changes);
    }
    collection->changes[collection->count++] = *change;
}

static bool collect_row(void *context, const struct journal_row *row) {
    struct collection *collection = context;
    if (row->seq > collection->through)
        return false;
    if (row->event.location == 0)
        return true;
    bool event = row->type < EVENT_TYPE_COUNT;
    collect(collection, &(struct change){.seq = row->seq,
                                         .location = row->event.location,
                                         .product = row->event.product,
                                         .kind = event ? LEDGER_EVENT : LEDGER_ACKNOWLEDGEMENT,
                                         .on_hand_milli = row->on_hand_milli,
                                         .reserved_milli = row->reserved_milli,
                                         .at_us = row->event.received_at_us});
    return collection->count < collection->most;
}

static bool collect_correction(void *context, const struct journal_correction *correction) {
    struct collection *collection = context;
    if (correction->first_seq > collection->through)
        return false;
    struct arena scratch = {0};
    struct packed_changes changes = {0};
    collection->status =
        packed_read_changes(correction->packed, &scratch, &changes, collection->error);
    uint64_t first = correction->first_seq + 1;
    size_t i = collection->after >= first ? (size_t)(collection->after - first) + 1 : 0;
    for (; collection->status == STATUS_OK && i < changes.corrected_count &&
           collection->count < collection->most;
         i++) {
        const struct packed_change *change = &changes.corrected[i];
        collect(collection, &(struct change){.seq = first + i,
                                             .location = correction->location,
                                             .product = change->product,
                                             .kind = correction->kind,
                                             .on_hand_milli = change->on_hand_milli,
                                             .reserved_milli = change->reserved_milli,
                                             .at_us = correction->at_us});
    }
    arena_deinit(&scratch);
    return collection->status == STATUS_OK && collection->count < collection->most;
}

static size_t merge_changes(const struct collection *a, const struct collection *b, size_t most,
                            struct change *out) {
    size_t count = 0, i = 0, k = 0;
    while (count < most && (i < a->count || k < b->count)) {
        bool first = k == b->count || (i < a->count && a->changes[i].seq < b->changes[k].seq);
        out[count++] = first ? a->changes[i++] : b->changes[k++];
    }
    return count;
}

/* The rest of the correction that `after` lies within. */
static enum status collect_rest(struct embedded *embedded, struct collection *collection) {
    struct arena scratch = {0};
    struct journal_correction correction;
    enum status status =
        embedded->ops->find_correction(embedded->journal, embedded_is_writing(embedded),
                                       collection->after, &scratch, &correction, collection->error);
    if (status == STATUS_OK)
        collect_correction(collection, &correction);
    arena_deinit(&scratch);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status embedded_changes(struct store *store, uint64_t after, size_t most, struct arena *arena,
                             struct change **changes_out, size_t *count_out, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    uint64_t through = embedded_last_seq(store);
    struct collection rows = {.most = most, .after = after, .through = through, .error = error};
    struct collection corrections = rows;
    enum status status = STATUS_OK;
    if (most > 0 && after < through)
        status = embedded->ops->scan_rows(embedded->journal, after, collect_row, &rows, error);
    if (status == STATUS_OK && most > 0 && after > 0 && after < through)
        status = collect_rest(embedded, &corrections);
    if (status == STATUS_OK && corrections.count < most && after < through)
        status = embedded->ops->scan_corrections(embedded->journal, after, collect_correction,
                                                 &corrections, error);
    if (status == STATUS_OK)
        status = corrections.status;
    size_t total = rows.count + corrections.count;
    if (status == STATUS_OK) {
        *changes_out = arena_alloc(arena, total * sizeof **changes_out + 1);
        *count_out = merge_changes(&rows, &corrections, most, *changes_out);
    }
    free(rows.changes);
    free(corrections.changes);
    return status;
}
