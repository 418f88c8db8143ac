/* Acknowledgements: the movements a document speaks of, and the rows by which they stop counting.
 *
 * A document may be acknowledged before it is known, by several sources, and again at an earlier
 * time: what counts is the earliest of each source. */
#include "store/embedded_internal.h"

static struct acknowledged_slot *own_acknowledged(struct transaction *t, uint32_t source,
                                                  struct document_key document) {
    uint64_t hash = document.hash[0] + source;
    size_t at;
    for (struct slot *slot = slot_first(&t->acknowledged, hash, &at); slot != NULL;
         slot = slot_after(&t->acknowledged, hash, &at)) {
        struct acknowledged_slot *found = (struct acknowledged_slot *)(void *)slot;
        if (found->source == source && document_key_equal(found->document, document))
            return found;
    }
    return NULL;
}

int64_t embedded_acknowledged_at(struct embedded *embedded, uint32_t source,
                                 struct document_key document) {
    if (document_key_empty(document))
        return NEVER_US;
    int64_t at_us =
        documents_acknowledged_at(&embedded->state.documents, source, document, NEVER_US);
    const struct acknowledged_slot *own =
        own_acknowledged(&embedded->transaction, source, document);
    return own != NULL && own->at_us < at_us ? own->at_us : at_us;
}

static void add_acknowledged_cell(struct embedded *embedded,
                                  struct acknowledgement *acknowledgement,
                                  const struct pending *pending) {
    struct cell_slot *cell =
        transaction_cell(embedded, pending->location, pending->movement.product);
    acknowledgement->cells[acknowledgement->cell_count++] = (struct acknowledged_cell){
        .pending = {.movement = pending->movement,
                    .source = pending->source,
                    .standing = pending->standing,
                    .acknowledged_at_us = acknowledgement->known_at_us},
        .location = pending->location,
        .cell = &cell->cell,
        .statement = embedded->state.statements.heads[cell->cell.statement],
    };
}

static size_t count_pendings(struct embedded *embedded, struct document_key document) {
    const struct documents *documents = &embedded->state.documents;
    const struct slot_table *own = &embedded->transaction.pendings;
    size_t count = 0, at;
    for (uint32_t n = documents_first_pending(documents, document); n != 0;
         n = documents->pendings[n - 1].next)
        count++;
    for (struct slot *slot = slot_first(own, document.hash[0], &at); slot != NULL;
         slot = slot_after(own, document.hash[0], &at))
        count++;
    return count;
}

enum status embedded_load_acknowledgement(struct store *store,
                                          struct acknowledgement *acknowledgement,
                                          struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct transaction *t = &embedded->transaction;
    (void)error;
    transaction_enter(t, TRANSACTION_EVENTS);
    require(acknowledgement->source != 0 && acknowledgement->document.length > 0);
    struct document_key document = state_document_key(&embedded->state, acknowledgement->document);
    if (acknowledgement->by_event &&
        acknowledgement->acknowledged_at_us > acknowledgement->received_at_us)
        acknowledgement->acknowledged_at_us = acknowledgement->received_at_us;
    acknowledgement->known_at_us =
        embedded_acknowledged_at(embedded, acknowledgement->source, document);
    acknowledgement->known = acknowledgement->known_at_us != NEVER_US;
    size_t count = count_pendings(embedded, document);
    acknowledgement->cells = arena_alloc(&t->arena, (count + 1) * sizeof *acknowledgement->cells);
    acknowledgement->cell_count = 0;
    const struct documents *documents = &embedded->state.documents;
    for (uint32_t n = documents_first_pending(documents, document); n != 0;
         n = documents->pendings[n - 1].next)
        add_acknowledged_cell(embedded, acknowledgement, &documents->pendings[n - 1]);
    size_t at;
    for (struct slot *slot = slot_first(&t->pendings, document.hash[0], &at); slot != NULL;
         slot = slot_after(&t->pendings, document.hash[0], &at)) {
        const struct pending *pending =
            &((const struct pending_slot *)(const void *)slot)->movement->pending;
        if (document_key_equal(pending->document, document))
            add_acknowledged_cell(embedded, acknowledgement, pending);
    }
    require(acknowledgement->cell_count <= count);
    return STATUS_OK;
}

static enum status append_acknowledgement(struct embedded *embedded,
                                          struct acknowledgement *acknowledgement,
                                          struct error *error) {
    struct transaction *t = &embedded->transaction;
    struct journal_row row = {
        .seq = t->last_seq + 1,
        .type = ROW_ACKNOWLEDGEMENT,
        .status = OUTCOME_ACKNOWLEDGED,
        .event = {.source = acknowledgement->source,
                  .occurred_at_us = acknowledgement->acknowledged_at_us,
                  .received_at_us = acknowledgement->received_at_us,
                  .occurred_at_given = true,
                  .document = acknowledgement->document},
    };
    enum status status = embedded->ops->append_row(embedded->journal, &row, error);
    if (status == STATUS_OK)
        acknowledgement->seq = ++t->last_seq;
    return status;
}

static struct cell_slot *slot_of(const struct acknowledged_cell *acknowledged) {
    char *cell = (char *)acknowledged->cell;
    return (struct cell_slot *)(void *)(cell - offsetof(struct cell_slot, cell));
}

/* The row by which a cell's on-hand moved. Several movements of one cell move it one after the
 * other, while the caller changed it at once: what is unwritten yet is not in its balance. */
static enum status append_effect(struct embedded *embedded,
                                 const struct acknowledgement *acknowledgement,
                                 const struct acknowledged_cell *acknowledged,
                                 struct error *error) {
    struct transaction *t = &embedded->transaction;
    struct cell_slot *slot = slot_of(acknowledged);
    struct cell *cell = &slot->cell;
    slot->unwritten_milli -= acknowledged->change_milli;
    struct journal_row row = {
        .seq = t->last_seq + 1,
        .previous = cell->head,
        .type = ROW_ACKNOWLEDGEMENT_EFFECT,
        .status = OUTCOME_APPLIED,
        .event = {.location = acknowledged->location,
                  .product = acknowledged->pending.movement.product,
                  .source = acknowledgement->source,
                  .occurred_at_us = acknowledgement->acknowledged_at_us,
                  .received_at_us = acknowledgement->received_at_us,
                  .occurred_at_given = true,
                  .document = acknowledgement->document},
        .on_hand_change_milli = acknowledged->change_milli,
        .on_hand_milli = cell->on_hand_milli - slot->unwritten_milli,
        .reserved_milli = cell->reserved_milli,
    };
    enum status status = embedded->ops->append_row(embedded->journal, &row, error);
    if (status != STATUS_OK)
        return status;
    cell->head = ++t->last_seq;
    cell->updated_at_s = seconds_from_us(acknowledgement->received_at_us);
    slot->dirty = true;
    return STATUS_OK;
}

static void remember_acknowledgement(struct embedded *embedded,
                                     const struct acknowledgement *acknowledgement) {
    struct transaction *t = &embedded->transaction;
    struct document_key document = state_document_key(&embedded->state, acknowledgement->document);
    if (acknowledgement->acknowledged_at_us >=
        embedded_acknowledged_at(embedded, acknowledgement->source, document))
        return;
    struct acknowledged_slot *own = own_acknowledged(t, acknowledgement->source, document);
    if (own == NULL)
        own =
            slot_add(t, &t->acknowledged, document.hash[0] + acknowledgement->source, sizeof *own);
    own->document = document;
    own->source = acknowledgement->source;
    own->at_us = acknowledgement->acknowledged_at_us;
    own->received_at_us = acknowledgement->received_at_us;
}

enum status embedded_write_acknowledgement(struct store *store,
                                           struct acknowledgement *acknowledgement,
                                           struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct transaction *t = &embedded->transaction;
    transaction_enter(t, TRANSACTION_EVENTS);
    enum status status = STATUS_OK;
    acknowledgement->seq = t->last_seq;
    for (size_t i = 0; i < acknowledgement->cell_count; i++)
        slot_of(&acknowledgement->cells[i])->unwritten_milli +=
            acknowledgement->cells[i].change_milli;
    if (!acknowledgement->by_event)
        status = append_acknowledgement(embedded, acknowledgement, error);
    for (size_t i = 0; i < acknowledgement->cell_count && status == STATUS_OK; i++) {
        const struct acknowledged_cell *cell = &acknowledgement->cells[i];
        if (cell->change_milli != 0)
            status = append_effect(embedded, acknowledgement, cell, error);
    }
    if (status == STATUS_OK)
        remember_acknowledgement(embedded, acknowledgement);
    return status;
}
