/* Following: what other hubs appended to a shared journal becomes state of this one.
 *
 * The writer thread does it, in every transaction before it decides and between transactions when
 * asked. New names reach the hub before figures that use them are to be seen; changes and documents
 * after. A part that fails half way is taken in again from where it stopped. */
#include "store/embedded_internal.h"

#include <stdlib.h>

#define CHANGES_AT_ONCE 4096u

/* ---- names ---- */

static bool is_new(struct embedded *embedded, const struct journal_name *name) {
    uint32_t *highest = NULL;
    switch (name->kind) {
    case JOURNAL_SOURCE:
    case JOURNAL_REGISTER:
        highest = &embedded->names[(enum name_kind)name->kind];
        break;
    case JOURNAL_LOCATION:
        highest = &embedded->locations;
        break;
    case JOURNAL_PRODUCT:
        highest = &embedded->products;
        break;
    case JOURNAL_IDENTIFIER:
        return true; /* adding one again changes nothing */
    }
    if (name->number <= *highest)
        return false;
    *highest = name->number;
    return true;
}

static void take_names(struct embedded *embedded, const struct journal_delta *delta) {
    const struct store_follower *follower = &embedded->follower;
    for (size_t i = 0; i < delta->name_count; i++)
        if (is_new(embedded, &delta->names[i]) && follower->catalog.name != NULL)
            journal_name_visit(&follower->catalog, &delta->names[i]);
}

void journal_name_visit(const struct catalog_visitor *visitor, const struct journal_name *name) {
    switch (name->kind) {
    case JOURNAL_SOURCE:
    case JOURNAL_REGISTER:
        visitor->name(visitor->context, (enum name_kind)name->kind, name->number, name->value);
        break;
    case JOURNAL_LOCATION:
        visitor->location(visitor->context, name->number, name->value);
        break;
    case JOURNAL_PRODUCT:
        visitor->product(visitor->context, name->number);
        break;
    case JOURNAL_IDENTIFIER:
        visitor->identifier(visitor->context, name->number,
                            &(struct identifier){name->type, name->value});
        break;
    }
}

/* ---- changes, for whoever listens ---- */

struct telling {
    const struct store_follower *follower;
    struct change *changes;
    size_t count;
};

static void flush(struct telling *telling) {
    if (telling->count > 0)
        telling->follower->changes(telling->follower->context, telling->changes, telling->count);
    telling->count = 0;
}

static void tell(struct telling *telling, const struct change *change) {
    telling->changes[telling->count++] = *change;
    if (telling->count == CHANGES_AT_ONCE)
        flush(telling);
}

static void tell_row(struct telling *telling, const struct journal_row *row) {
    if (row->event.location == 0 ||
        (row->on_hand_change_milli == 0 && row->reserved_change_milli == 0))
        return;
    bool event = row->type < EVENT_TYPE_COUNT;
    tell(telling, &(struct change){.seq = row->seq,
                                   .location = row->event.location,
                                   .product = row->event.product,
                                   .kind = event ? LEDGER_EVENT : LEDGER_ACKNOWLEDGEMENT,
                                   .on_hand_milli = row->on_hand_milli,
                                   .reserved_milli = row->reserved_milli,
                                   .at_us = row->event.received_at_us});
}

static enum status tell_correction(struct telling *telling,
                                   const struct journal_correction *correction,
                                   struct error *error) {
    struct arena scratch = {0};
    struct packed_changes changes;
    enum status status = packed_read_changes(correction->packed, &scratch, &changes, error);
    for (size_t i = 0; status == STATUS_OK && i < changes.corrected_count; i++) {
        const struct packed_change *change = &changes.corrected[i];
        tell(telling, &(struct change){.seq = correction->first_seq + 1 + i,
                                       .location = correction->location,
                                       .product = change->product,
                                       .kind = correction->kind,
                                       .on_hand_milli = change->on_hand_milli,
                                       .reserved_milli = change->reserved_milli,
                                       .at_us = correction->at_us});
    }
    arena_deinit(&scratch);
    return status;
}

static enum status tell_changes(struct embedded *embedded, const struct journal_delta *delta,
                                struct error *error) {
    struct telling telling = {.follower = &embedded->follower};
    size_t row = 0, correction = 0;
    enum status status = STATUS_OK;
    if (embedded->follower.changes == NULL || delta->row_count + delta->correction_count == 0)
        return STATUS_OK;
    telling.changes = memory_alloc(CHANGES_AT_ONCE * sizeof *telling.changes);
    while (status == STATUS_OK &&
           (row < delta->row_count || correction < delta->correction_count)) {
        bool is_row = correction == delta->correction_count ||
                      (row < delta->row_count &&
                       delta->rows[row].seq < delta->corrections[correction].first_seq);
        if (is_row)
            tell_row(&telling, &delta->rows[row++]);
        else
            status = tell_correction(&telling, &delta->corrections[correction++], error);
    }
    flush(&telling);
    free(telling.changes);
    return status;
}

static void tell_items(struct embedded *embedded, const struct journal_delta *delta) {
    const struct store_follower *follower = &embedded->follower;
    for (size_t i = 0; follower->item != NULL && i < delta->item_count; i++) {
        const struct journal_item *item = &delta->items[i];
        follower->item(follower->context, item->kind, item->key,
                       item->deleted ? NULL : &item->value);
    }
}

/* ---- taking in ---- */

static const struct statement *head_of(struct embedded *embedded, const struct journal_delta *delta,
                                       uint32_t id) {
    for (size_t i = 0; i < delta->statement_count; i++)
        if (delta->statements[i].head.id == id)
            return &delta->statements[i].head;
    const struct statement_record *record = statements_find(&embedded->state.statements, id);
    return record != NULL ? &record->head : NULL;
}

static enum status restore_pendings(struct embedded *embedded, const struct journal_delta *delta,
                                    struct error *error) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < delta->correction_count && status == STATUS_OK; i++) {
        const struct journal_correction *correction = &delta->corrections[i];
        const struct statement *statement = NULL;
        if (correction->kind == LEDGER_RESET)
            statement = head_of(embedded, delta, correction->statement);
        status = embedded_restore_pendings(embedded, correction->location, statement, error);
    }
    return status;
}

static enum status take_part(struct embedded *embedded, const struct journal_delta *delta,
                             struct error *error) {
    enum status status = restore_pendings(embedded, delta, error);
    if (status != STATUS_OK)
        return status;
    take_names(embedded, delta);
    require(pthread_rwlock_wrlock(&embedded->lock) == 0);
    status = replay_delta(embedded, delta, error);
    if (status == STATUS_OK)
        embedded_sweep(embedded);
    require(pthread_rwlock_unlock(&embedded->lock) == 0);
    if (status != STATUS_OK)
        return status;
    if (delta->statement_count > 0)
        embedded->last_statement = delta->statements[delta->statement_count - 1].head.id;
    embedded->ops->caught_up(embedded->journal, delta);
    status = tell_changes(embedded, delta, error);
    tell_items(embedded, delta);
    return status;
}

enum status embedded_take_in(struct embedded *embedded, struct error *error) {
    enum status status = STATUS_OK;
    for (bool more = true; more && status == STATUS_OK;) {
        struct journal_delta delta = {.more = false};
        status =
            embedded->ops->catch_up(embedded->journal, embedded->state.last_seq, &delta, error);
        more = status == STATUS_OK;
        if (more)
            status = take_part(embedded, &delta, error);
        arena_deinit(&delta.arena);
    }
    if (status != STATUS_END)
        return status;
    atomic_store(&embedded->looked_monotonic_us, monotonic_us());
    return STATUS_OK;
}

/* ---- of store.h ---- */

enum status embedded_follow(struct store *store, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    require(!embedded->transaction.open);
    if (embedded->ops->look == NULL)
        return STATUS_OK;
    enum status status = embedded->ops->look(embedded->journal, error);
    return status == STATUS_OK ? embedded_take_in(embedded, error) : status;
}

void embedded_set_follower(struct store *store, const struct store_follower *follower) {
    embedded_of(store)->follower = *follower;
}

int64_t embedded_age_us(struct store *store) {
    struct embedded *embedded = embedded_of(store);
    if (embedded->ops->look == NULL)
        return -1;
    int64_t age_us = monotonic_us() - atomic_load(&embedded->looked_monotonic_us);
    return age_us > 0 ? age_us : 0;
}
