/* Old events looked for along their cell's rows: what is older than the window has no key in
 * memory.
 *
 * A morning's reset corrects many cells at once, and its corrections are packed together. A store
 * that replays weeks asks for thousands of cells of one location, whose rows all lead through the
 * same few corrections: so a transaction keeps, of each it unpacked, where the cells' rows go on.
 */
#include "store/embedded_internal.h"

#include <stdlib.h>

/* Beyond this the kept ones are forgotten, and keeping begins again. */
#define KEPT_BYTES_MOST ((size_t)16 << 20)

/* The numbers first_seq + 1 ... first_seq + count, and what each cell's row before it is. */
struct passage {
    uint64_t first_seq;
    uint32_t count;
    uint64_t *previous;
};

void passages_reset(struct passages *passages) {
    for (size_t i = 0; i < passages->count; i++)
        free(passages->items[i].previous);
    free(passages->items);
    *passages = (struct passages){0};
}

/* Where the passage with this or the next lower first_seq is: behind it. */
static size_t place_after(const struct passages *passages, uint64_t first_seq) {
    size_t low = 0, high = passages->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (passages->items[middle].first_seq <= first_seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool pass_known(const struct passages *passages, uint64_t seq, uint64_t *previous_out) {
    size_t after = place_after(passages, seq);
    if (after == 0)
        return false;
    const struct passage *passage = &passages->items[after - 1];
    uint64_t index = seq - passage->first_seq - 1;
    if (index >= passage->count)
        return false;
    *previous_out = passage->previous[index];
    return true;
}

static void keep_passage(struct passages *passages, uint64_t first_seq,
                         const struct packed_changes *changes) {
    size_t bytes = changes->corrected_count * sizeof(uint64_t) + sizeof(struct passage);
    if (passages->bytes + bytes > KEPT_BYTES_MOST)
        passages_reset(passages);
    if (passages->count == passages->capacity) {
        passages->capacity = 2 * passages->capacity + 8;
        passages->items =
            memory_grow(passages->items, passages->capacity * sizeof *passages->items);
    }
    struct passage passage = {.first_seq = first_seq,
                              .count = (uint32_t)changes->corrected_count,
                              .previous = memory_alloc(bytes)};
    for (uint32_t i = 0; i < passage.count; i++)
        passage.previous[i] = changes->corrected[i].previous;
    size_t at = place_after(passages, first_seq);
    require(at == 0 || passages->items[at - 1].first_seq < first_seq);
    memmove(&passages->items[at + 1], &passages->items[at],
            (passages->count - at) * sizeof passage);
    passages->items[at] = passage;
    passages->count++;
    passages->bytes += bytes;
}

/* The cell's row before the correction `seq`, which is kept from now on. */
static enum status pass_correction(struct embedded *embedded, uint64_t seq, uint64_t *previous_out,
                                   struct error *error) {
    struct arena scratch = {0};
    struct journal_correction correction;
    struct packed_changes changes;
    enum status status =
        embedded->ops->find_correction(embedded->journal, true, seq, &scratch, &correction, error);
    if (status == STATUS_OK)
        status = packed_read_changes(correction.packed, &scratch, &changes, error);
    if (status == STATUS_OK) {
        const struct packed_change *change = packed_change_of(&changes, correction.first_seq, seq);
        embedded->corrections_unpacked++;
        if (change != NULL) {
            *previous_out = change->previous;
            keep_passage(&embedded->transaction.passages, correction.first_seq, &changes);
        } else {
            status = error_set(error, STATUS_CORRUPT, "correction %llu lacks its change",
                               (unsigned long long)seq);
        }
    }
    arena_deinit(&scratch);
    return status;
}

enum status embedded_find_in_chain(struct embedded *embedded, const struct event *event,
                                   uint64_t head, uint64_t *seq_out, struct error *error) {
    /* Nothing is received longer than a window before it takes effect, so the walk ends there. */
    int64_t earliest_us = event_effective_at_us(event) - embedded->options.dedup_window_us;
    struct arena scratch = {0};
    enum status status = STATUS_OK;
    *seq_out = 0;
    for (uint64_t seq = head, previous = 0; seq != 0 && status == STATUS_OK; seq = previous) {
        struct journal_row row;
        if (!pass_known(&embedded->transaction.passages, seq, &previous)) {
            arena_reset(&scratch);
            status = embedded->ops->read_row(embedded->journal, true, seq, &scratch, &row, error);
            if (status == STATUS_OK && row.event.received_at_us < earliest_us)
                break;
            if (status == STATUS_OK && row_is_event(&row, event)) {
                *seq_out = seq;
                break;
            }
            if (status == STATUS_OK)
                previous = row.previous;
            else if (status == STATUS_NOT_FOUND)
                status = pass_correction(embedded, seq, &previous, error);
        }
        if (status == STATUS_OK && previous >= seq)
            status = error_set(error, STATUS_CORRUPT, "ledger row %llu points forward",
                               (unsigned long long)seq);
    }
    arena_deinit(&scratch);
    return status;
}
