/* Verification: every cell once more from the ledger, by the slow and simple rule of core/books.
 *
 * Nothing derived is believed: grounds are found from the packed statements, acknowledgements from
 * the rows. Rows are grouped by cell by their numbers only, so a large ledger fits. While others
 * write, what has changed since the start is passed over. */
#include "store/embedded_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct row_place {
    uint32_t location, product;
    uint64_t seq;
};

/* What the ledger says of one product of the location at hand. */
struct expected {
    struct stated stated;
    uint32_t statement; /* its ground; 0: none */
    uint64_t head;
};

struct verifier {
    struct embedded *embedded;
    struct verify_report *report;
    struct arena *words; /* the caller's: words about the first difference */
    struct error *error;
    uint64_t through;
    struct row_place *rows; /* by location, product, seq */
    size_t row_count, row_capacity, next_row;
    struct documents documents; /* acknowledgements, from the rows */
    struct expected *expected;  /* by product */
    uint32_t limit;
    struct located_cell *cells;
    struct arena scratch;
    enum status status;
};

__attribute__((format(printf, 4, 5))) static void
differ(struct verifier *verifier, uint32_t location, uint32_t product, const char *format, ...) {
    if (verifier->report->differences++ > 0)
        return;
    char what[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    verifier->report->first = arena_format(verifier->words, "location %u, product %u: %s",
                                           (unsigned)location, (unsigned)product, what);
}

/* ---- rows ---- */

static bool note_row(void *context, const struct journal_row *row) {
    struct verifier *verifier = context;
    const struct state *state = &verifier->embedded->state;
    const struct event *event = &row->event;
    if (row->seq > verifier->through)
        return false;
    verifier->report->rows++;
    if (row->type == ROW_ACKNOWLEDGEMENT)
        documents_acknowledge(&verifier->documents, event->source,
                              state_document_key(state, event->document), event->occurred_at_us,
                              event->received_at_us);
    if (row->type < EVENT_TYPE_COUNT && event->acknowledges.length > 0)
        documents_acknowledge(&verifier->documents, event->source,
                              state_document_key(state, event->acknowledges),
                              event_effective_at_us(event), event->received_at_us);
    if (event->location == 0)
        return true;
    if (verifier->row_count == verifier->row_capacity) {
        verifier->row_capacity = 2 * verifier->row_capacity + 1024;
        verifier->rows =
            memory_grow(verifier->rows, verifier->row_capacity * sizeof *verifier->rows);
    }
    verifier->rows[verifier->row_count++] =
        (struct row_place){event->location, event->product, row->seq};
    return true;
}

static int by_cell(const void *a, const void *b) {
    const struct row_place *x = a, *y = b;
    if (x->location != y->location)
        return x->location < y->location ? -1 : 1;
    if (x->product != y->product)
        return x->product < y->product ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int64_t find_acknowledged(void *context, uint32_t source, struct text document,
                                 int64_t known_at_us) {
    struct verifier *verifier = context;
    return documents_acknowledged_at(&verifier->documents, source,
                                     state_document_key(&verifier->embedded->state, document),
                                     known_at_us);
}

/* ---- a location's statements ---- */

static void make_room(struct verifier *verifier, uint32_t product) {
    if (product < verifier->limit)
        return;
    uint32_t limit = product + CELLS_PER_PAGE;
    verifier->expected = memory_grow(verifier->expected, limit * sizeof *verifier->expected);
    memset(&verifier->expected[verifier->limit], 0,
           (limit - verifier->limit) * sizeof *verifier->expected);
    verifier->limit = limit;
}

static bool note_correction(void *context, const struct journal_correction *correction) {
    struct verifier *verifier = context;
    struct packed_changes changes;
    if (correction->first_seq > verifier->through)
        return true;
    arena_reset(&verifier->scratch);
    verifier->status =
        packed_read_changes(correction->packed, &verifier->scratch, &changes, verifier->error);
    if (verifier->status != STATUS_OK)
        return false;
    uint64_t seq = correction->first_seq;
    for (size_t i = 0; i < changes.corrected_count; i++) {
        uint32_t product = changes.corrected[i].product;
        make_room(verifier, product);
        seq++;
        if (seq > verifier->expected[product].head)
            verifier->expected[product].head = seq;
    }
    return true;
}

static void name_cell(struct verifier *verifier, uint32_t statement, struct stated stated) {
    struct expected *expected = &verifier->expected[stated.product];
    if (expected->statement == 0) {
        expected->statement = statement;
        expected->stated = stated;
    }
}

/* Absence names every product that any statement names: there must be room for all of them first.
 */
static enum status make_room_for(struct verifier *verifier, const struct statement *statement) {
    struct stated *rows;
    uint32_t *excluded;
    size_t row_count, excluded_count;
    arena_reset(&verifier->scratch);
    enum status status =
        embedded_read_rows(verifier->embedded, statement->id, &verifier->scratch, &rows, &row_count,
                           &excluded, &excluded_count, verifier->error);
    if (status == STATUS_OK && row_count > 0)
        make_room(verifier, rows[row_count - 1].product);
    return status;
}

/* Newest first: the first to name a product is its ground. */
static enum status note_words(struct verifier *verifier, const struct statement *statement) {
    struct stated *rows;
    uint32_t *excluded;
    size_t row_count, excluded_count;
    arena_reset(&verifier->scratch);
    enum status status =
        embedded_read_rows(verifier->embedded, statement->id, &verifier->scratch, &rows, &row_count,
                           &excluded, &excluded_count, verifier->error);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < row_count; i++) {
        make_room(verifier, rows[i].product);
        name_cell(verifier, statement->id, rows[i]);
    }
    for (uint32_t product = 0; statement->names_absent && product < verifier->limit; product++) {
        if (!product_in(excluded, excluded_count, product))
            name_cell(verifier, statement->id, (struct stated){.product = product});
    }
    return STATUS_OK;
}

static enum status note_statements(struct verifier *verifier, uint32_t location) {
    struct embedded *embedded = verifier->embedded;
    struct arena arena = {0};
    require(pthread_rwlock_rdlock(&embedded->lock) == 0);
    const struct location *at = locations_find(&embedded->state.locations, location);
    uint32_t count = at != NULL ? at->statement_count : 0;
    const struct statement_record **records = arena_alloc(&arena, count * sizeof *records + 1);
    bool *stands = arena_alloc(&arena, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        records[i] = statements_find(&embedded->state.statements, at->statements[i]);
        stands[i] = statement_stands(records[i]);
    }
    require(pthread_rwlock_unlock(&embedded->lock) == 0);
    verifier->report->statements += count;
    enum status status = STATUS_OK;
    bool absence = false;
    for (uint32_t i = 0; i < count; i++)
        absence = absence || (stands[i] && records[i]->head.names_absent);
    for (uint32_t i = 0; absence && i < count && status == STATUS_OK; i++)
        status = make_room_for(verifier, &records[i]->head);
    for (uint32_t i = count; i-- > 0 && status == STATUS_OK;) {
        status = embedded->ops->statement_corrections(embedded->journal, records[i]->head.id,
                                                      note_correction, verifier, verifier->error);
        if (status == STATUS_OK)
            status = verifier->status;
        if (status == STATUS_OK && stands[i])
            status = note_words(verifier, &records[i]->head);
    }
    arena_deinit(&arena);
    return status;
}

/* ---- a cell ---- */

static enum status read_entries(struct verifier *verifier, size_t first, size_t count,
                                struct ledger_entry *entries) {
    const struct embedded *embedded = verifier->embedded;
    for (size_t i = 0; i < count; i++) {
        struct journal_row row;
        enum status status =
            embedded->ops->read_row(embedded->journal, false, verifier->rows[first + i].seq,
                                    &verifier->scratch, &row, verifier->error);
        if (status != STATUS_OK)
            return status;
        entries[i] = entry_from_row(&row);
    }
    return STATUS_OK;
}

/* The figures by the rule, from the rows of the cell (first, count) and its ground. */
static enum status rebuild(struct verifier *verifier, const struct expected *expected, size_t first,
                           size_t count, struct cell_figures *figures_out) {
    struct statement_word word = {.stated = expected->stated, .rolled_back_at_us = NEVER_US};
    if (count == 0) {
        *figures_out = (struct cell_figures){.on_hand_milli = expected->stated.quantity_milli};
        return STATUS_OK;
    }
    arena_reset(&verifier->scratch);
    struct ledger_entry *entries = arena_alloc(&verifier->scratch, count * sizeof *entries);
    uint32_t *scratch = arena_alloc(&verifier->scratch, count * sizeof *scratch);
    enum status status = read_entries(verifier, first, count, entries);
    if (status != STATUS_OK)
        return status;
    if (expected->statement != 0)
        word.statement = embedded_statement(&verifier->embedded->store, expected->statement);
    struct cell_history history = {
        .entries = entries,
        .entry_count = count,
        .words = &word,
        .word_count = expected->statement != 0,
        .acknowledged = {.find = find_acknowledged, .context = verifier},
    };
    return books_figures(&history, NEVER_US, NEVER_US, scratch, figures_out);
}

static enum status check_cell(struct verifier *verifier, uint32_t location, uint32_t product,
                              const struct cell *cell, bool busy) {
    struct expected *expected = &verifier->expected[product];
    size_t first = verifier->next_row;
    while (verifier->next_row < verifier->row_count &&
           verifier->rows[verifier->next_row].location == location &&
           verifier->rows[verifier->next_row].product == product)
        verifier->next_row++;
    size_t count = verifier->next_row - first;
    if (count > 0 && verifier->rows[first + count - 1].seq > expected->head)
        expected->head = verifier->rows[first + count - 1].seq;
    if (cell->head > verifier->through || (busy && cell->statement != expected->statement))
        return STATUS_OK;
    struct cell_figures figures;
    enum status status = rebuild(verifier, expected, first, count, &figures);
    if (status != STATUS_OK)
        return status;
    verifier->report->cells++;
    if (cell->statement != expected->statement)
        differ(verifier, location, product, "stands on statement %u instead of %u",
               (unsigned)cell->statement, (unsigned)expected->statement);
    else if (cell->on_hand_milli != figures.on_hand_milli)
        differ(verifier, location, product, "on_hand is %lld and should be %lld thousandths",
               (long long)cell->on_hand_milli, (long long)figures.on_hand_milli);
    else if (cell->reserved_milli != figures.reserved_milli)
        differ(verifier, location, product, "reserved is %lld and should be %lld thousandths",
               (long long)cell->reserved_milli, (long long)figures.reserved_milli);
    else if (cell->head != expected->head)
        differ(verifier, location, product, "its last row is %llu and should be %llu",
               (unsigned long long)cell->head, (unsigned long long)expected->head);
    return STATUS_OK;
}

/* ---- a location ---- */

/* What the ledger speaks of and memory does not have. */
static void check_missing(struct verifier *verifier, uint32_t location, uint32_t product,
                          bool busy) {
    bool rows = verifier->next_row < verifier->row_count &&
                verifier->rows[verifier->next_row].location == location &&
                verifier->rows[verifier->next_row].product == product;
    bool named = product < verifier->limit && verifier->expected[product].stated.line != 0;
    if (rows || (named && !busy))
        differ(verifier, location, product, "the ledger speaks of it and it is not there");
    while (rows && verifier->next_row < verifier->row_count &&
           verifier->rows[verifier->next_row].location == location &&
           verifier->rows[verifier->next_row].product == product)
        verifier->next_row++;
}

static bool changed_since(struct embedded *embedded, uint32_t location, uint64_t through) {
    require(pthread_rwlock_rdlock(&embedded->lock) == 0);
    const struct location *at = locations_find(&embedded->state.locations, location);
    bool changed = at != NULL && at->changed_seq > through;
    require(pthread_rwlock_unlock(&embedded->lock) == 0);
    return changed;
}

static enum status check_location(struct verifier *verifier, uint32_t location) {
    struct store *store = &verifier->embedded->store;
    uint32_t limit = embedded_product_limit(store, location), next;
    if (verifier->limit > 0)
        memset(verifier->expected, 0, verifier->limit * sizeof *verifier->expected);
    if (limit > 0)
        make_room(verifier, limit - 1);
    for (size_t i = verifier->next_row;
         i < verifier->row_count && verifier->rows[i].location == location; i++)
        make_room(verifier, verifier->rows[i].product);
    enum status status = note_statements(verifier, location);
    if (status != STATUS_OK)
        return status;
    verifier->cells = memory_grow(verifier->cells, (limit + 1) * sizeof *verifier->cells);
    size_t count = embedded_cells(store, location, 0, verifier->cells, limit, &next);
    bool busy = changed_since(verifier->embedded, location, verifier->through);
    size_t at = 0;
    for (uint32_t product = 0; product < verifier->limit && status == STATUS_OK; product++) {
        if (at < count && verifier->cells[at].product == product)
            status = check_cell(verifier, location, product, &verifier->cells[at++].cell, busy);
        else
            check_missing(verifier, location, product, busy);
    }
    return status;
}

enum status embedded_verify(struct store *store, struct arena *arena,
                            struct verify_report *report_out, struct error *error) {
    struct verifier verifier = {.embedded = embedded_of(store),
                                .report = report_out,
                                .words = arena,
                                .error = error,
                                .through = embedded_last_seq(store)};
    *report_out = (struct verify_report){0};
    documents_init(&verifier.documents);
    const struct embedded *embedded = verifier.embedded;
    enum status status = embedded->ops->scan_rows(embedded->journal, 0, note_row, &verifier, error);
    if (status == STATUS_OK && verifier.row_count > 1)
        qsort(verifier.rows, verifier.row_count, sizeof *verifier.rows, by_cell);
    uint32_t limit = embedded_location_limit(store);
    for (uint32_t location = 1; location < limit && status == STATUS_OK; location++)
        status = check_location(&verifier, location);
    documents_deinit(&verifier.documents);
    arena_deinit(&verifier.scratch);
    free(verifier.rows);
    free(verifier.expected);
    free(verifier.cells);
    return status;
}
