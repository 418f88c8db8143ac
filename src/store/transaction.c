/* What a transaction changes, apart from the state until it is durable. Slots live in an arena, so
 * that forgetting them costs nothing; tables shrink back after a large one. */
#include "store/embedded_internal.h"

#include <stdlib.h>

#define FIRST_SLOTS 256u
#define KEPT_SLOTS 8192u

static void table_init(struct slot_table *table, size_t slots) {
    *table = (struct slot_table){.slots = memory_alloc_zero(slots, sizeof *table->slots),
                                 .mask = slots - 1};
}

static void table_reset(struct slot_table *table) {
    table->first = table->last = NULL;
    if (table->count == 0)
        return;
    if (table->mask >= KEPT_SLOTS) {
        free(table->slots);
        table_init(table, FIRST_SLOTS);
        return;
    }
    memset(table->slots, 0, (table->mask + 1) * sizeof *table->slots);
    table->count = 0;
}

static struct slot_table *const *all_tables(struct transaction *t, struct slot_table *tables[6]) {
    tables[0] = &t->cells;
    tables[1] = &t->orders;
    tables[2] = &t->keys;
    tables[3] = &t->acknowledged;
    tables[4] = &t->pendings;
    tables[5] = &t->statements;
    return tables;
}

void transaction_init(struct transaction *transaction) {
    struct slot_table *tables[6];
    all_tables(transaction, tables);
    for (int i = 0; i < 6; i++)
        table_init(tables[i], FIRST_SLOTS);
    transaction_reset(transaction);
}

void transaction_deinit(struct transaction *transaction) {
    struct slot_table *tables[6];
    all_tables(transaction, tables);
    for (int i = 0; i < 6; i++)
        free(tables[i]->slots);
    passages_reset(&transaction->passages);
    arena_deinit(&transaction->arena);
}

void transaction_reset(struct transaction *transaction) {
    struct slot_table *tables[6];
    all_tables(transaction, tables);
    for (int i = 0; i < 6; i++)
        table_reset(tables[i]);
    transaction->movements = (struct slot_table){0};
    transaction->applications = NULL;
    transaction->applications_tail = &transaction->applications;
    passages_reset(&transaction->passages);
    transaction->group_slots = NULL;
    transaction->group_count = 0;
    transaction->kind = TRANSACTION_ANY;
    transaction->open = false;
    arena_reset(&transaction->arena);
}

void transaction_enter(struct transaction *transaction, enum transaction_kind kind) {
    require(transaction->open);
    require(transaction->kind == kind || transaction->kind == TRANSACTION_ANY);
    transaction->kind = kind;
}

/* ---- slots ---- */

struct slot *slot_first(const struct slot_table *table, uint64_t hash, size_t *at) {
    *at = (hash ^ hash >> 32) & table->mask;
    for (; table->slots[*at] != NULL; *at = (*at + 1) & table->mask) {
        if (table->slots[*at]->hash == hash)
            return table->slots[*at];
    }
    return NULL;
}

struct slot *slot_after(const struct slot_table *table, uint64_t hash, size_t *at) {
    for (*at = (*at + 1) & table->mask; table->slots[*at] != NULL; *at = (*at + 1) & table->mask) {
        if (table->slots[*at]->hash == hash)
            return table->slots[*at];
    }
    return NULL;
}

static void table_put(struct slot_table *table, struct slot *slot) {
    size_t i = (slot->hash ^ slot->hash >> 32) & table->mask;
    while (table->slots[i] != NULL)
        i = (i + 1) & table->mask;
    table->slots[i] = slot;
    table->count++;
}

static void table_grow(struct slot_table *table) {
    struct slot_table old = *table;
    table_init(table, 4 * (old.mask + 1));
    for (struct slot *slot = old.first; slot != NULL; slot = slot->next)
        table_put(table, slot);
    table->first = old.first;
    table->last = old.last;
    require(table->count == old.count);
    free(old.slots);
}

void *slot_add(struct transaction *transaction, struct slot_table *table, uint64_t hash,
               size_t size) {
    struct slot *slot = arena_alloc_zero(&transaction->arena, size);
    slot->hash = hash;
    if (table->slots != NULL) {
        if ((table->count + 1) * 2 > table->mask + 1)
            table_grow(table);
        table_put(table, slot);
    }
    if (table->last != NULL)
        table->last->next = slot;
    else
        table->first = slot;
    table->last = slot;
    return slot;
}

static uint64_t mix(uint32_t a, uint32_t b) {
    uint64_t mixed = ((uint64_t)a << 32 | b) * UINT64_C(0x9e3779b97f4a7c15);
    return mixed ^ mixed >> 29;
}

struct cell_slot *transaction_cell(struct embedded *embedded, uint32_t location, uint32_t product) {
    struct transaction *t = &embedded->transaction;
    uint64_t hash = mix(location, product);
    size_t at;
    for (struct slot *slot = slot_first(&t->cells, hash, &at); slot != NULL;
         slot = slot_after(&t->cells, hash, &at)) {
        struct cell_slot *found = (struct cell_slot *)(void *)slot;
        if (found->location == location && found->product == product)
            return found;
    }
    struct cell_slot *made = slot_add(t, &t->cells, hash, sizeof *made);
    made->location = location;
    made->product = product;
    made->home = location_find_cell(locations_find(&embedded->state.locations, location), product);
    if (made->home != NULL)
        made->cell = *made->home;
    return made;
}

struct order_slot *transaction_order(struct embedded *embedded, const struct order_key *key) {
    struct transaction *t = &embedded->transaction;
    uint64_t hash = order_key_hash(key);
    size_t at;
    for (struct slot *slot = slot_first(&t->orders, hash, &at); slot != NULL;
         slot = slot_after(&t->orders, hash, &at)) {
        struct order_slot *found = (struct order_slot *)(void *)slot;
        if (order_key_equal(&found->key, key))
            return found;
    }
    struct order_slot *made = slot_add(t, &t->orders, hash, sizeof *made);
    made->key = *key;
    made->net_milli = orders_get(&embedded->state.orders, key);
    return made;
}

struct statement_slot *transaction_statement(struct embedded *embedded, uint32_t id) {
    struct transaction *t = &embedded->transaction;
    uint64_t hash = mix(0, id);
    size_t at;
    for (struct slot *slot = slot_first(&t->statements, hash, &at); slot != NULL;
         slot = slot_after(&t->statements, hash, &at)) {
        struct statement_slot *found = (struct statement_slot *)(void *)slot;
        if (found->statement.head.id == id)
            return found;
    }
    const struct statement_record *record = statements_find(&embedded->state.statements, id);
    bool next = id == t->last_statement + 1;
    if (record == NULL && !next)
        return NULL;
    struct statement_slot *made = slot_add(t, &t->statements, hash, sizeof *made);
    made->statement.head.id = id;
    if (record != NULL)
        made->statement = (struct journal_statement){
            .head = record->head,
            .reset = record->reset,
            .state = record->state,
            .row_count = record->row_count,
            .applied_seq = record->applied_seq,
            .applied_at_us = record->applied_at_us,
            .rolled_back_at_us = record->rolled_back_at_us,
        };
    return made;
}

/* ---- publishing ---- */

static void publish_cells(struct state *state, const struct slot_table *cells) {
    struct locations *locations = &state->locations;
    for (struct slot *slot = cells->first; slot != NULL; slot = slot->next) {
        struct cell_slot *from = (struct cell_slot *)(void *)slot;
        if (!from->dirty)
            continue;
        struct location *location = locations_add(locations, from->location);
        if (from->home == NULL || !cell_exists(from->home)) /* raises the product limit */
            from->home = location_add_cell(locations, location, from->product);
        locations->cell_count += !cell_exists(from->home);
        *from->home = from->cell;
        if (from->cell.head > location->changed_seq)
            location->changed_seq = from->cell.head;
    }
}

/* Where keys and movements go lies all over memory: asked for all at once, the misses are shared.
 */
static void prefetch_events(const struct state *state, const struct transaction *t) {
    for (const struct slot *slot = t->keys.first; slot != NULL; slot = slot->next)
        keys_prefetch(&state->keys, slot->hash);
    for (const struct slot *slot = t->movements.first; slot != NULL; slot = slot->next) {
        const struct movement_slot *movement = (const struct movement_slot *)(const void *)slot;
        const struct location *location =
            locations_find(&state->locations, movement->pending.location);
        if (location != NULL)
            __builtin_prefetch(&location->movements[location->movement_count], 1);
    }
}

static void publish_events(struct state *state, const struct transaction *t) {
    prefetch_events(state, t);
    for (struct slot *slot = t->orders.first; slot != NULL; slot = slot->next) {
        const struct order_slot *order = (const struct order_slot *)(const void *)slot;
        orders_set(&state->orders, &order->key, order->net_milli);
    }
    for (struct slot *slot = t->keys.first; slot != NULL; slot = slot->next) {
        const struct key_slot *key = (const struct key_slot *)(const void *)slot;
        if (key->seq != 0)
            keys_add(&state->keys, key->slot.hash, key->seq, key_hour(key->effective_at_us));
    }
    for (struct slot *slot = t->movements.first; slot != NULL; slot = slot->next)
        state_add_movement(state, &((const struct movement_slot *)(const void *)slot)->pending);
    for (struct slot *slot = t->acknowledged.first; slot != NULL; slot = slot->next) {
        const struct acknowledged_slot *a = (const struct acknowledged_slot *)(const void *)slot;
        documents_acknowledge(&state->documents, a->source, a->document, a->at_us,
                              a->received_at_us);
    }
}

static void publish_statements(struct state *state, const struct slot_table *table) {
    for (struct slot *slot = table->first; slot != NULL; slot = slot->next) {
        const struct statement_slot *from = (const struct statement_slot *)(const void *)slot;
        const struct journal_statement *statement = &from->statement;
        struct statement_record *record = statements_find(&state->statements, statement->head.id);
        if (record == NULL) {
            record = statements_add(&state->statements, statement);
            location_add_statement(&state->locations,
                                   locations_add(&state->locations, statement->head.location),
                                   state->statements.heads, statement->head.id);
        }
        record->state = statement->state;
        record->applied_seq = statement->applied_seq;
        record->applied_at_us = statement->applied_at_us;
        record->rolled_back_at_us = statement->rolled_back_at_us;
    }
}

void transaction_publish(struct embedded *embedded) {
    struct transaction *t = &embedded->transaction;
    struct state *state = &embedded->state;
    require(t->open && t->last_seq >= state->last_seq);
    publish_cells(state, &t->cells);
    publish_events(state, t);
    publish_statements(state, &t->statements);
    for (const struct application *application = t->applications; application != NULL;
         application = application->next)
        state_apply_changes(state, application->location, &application->changes,
                            application->first_seq, application->at_us);
    state->last_seq = t->last_seq;
}
