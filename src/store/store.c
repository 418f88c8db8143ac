/* The front of the store: finds the engine and hands every call to it.
 *
 * Nothing is decided here, so that what an engine must do is written in one place, store.h. */
#include "store/journal_internal.h"
#include "store/packed.h"
#include "store/store_internal.h"

#define DEDUP_WINDOW_US (35 * US_PER_DAY)
#define CHECKPOINT_INTERVAL_US (600 * US_PER_SECOND)

void store_options_default(struct store_options *options) {
    *options = (struct store_options){
        .dedup_window_us = DEDUP_WINDOW_US,
        .checkpoint_interval_us = CHECKPOINT_INTERVAL_US,
        .clock = clock_system,
    };
}

/* Scheme of the URI, and what is behind it. */
static const struct engine {
    const char *scheme;
    const struct journal_ops *journal;
    bool whole; /* the journal wants the scheme too */
} engines[] = {
    {"sqlite:", &journal_sqlite, false},
    {"memory:", &journal_memory, false},
    {"postgresql:", &journal_postgres, true},
    {"postgres:", &journal_postgres, true},
};

const struct journal_ops *store_journal_of(const char *uri, const char **location_out) {
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        size_t length = strlen(engines[i].scheme);
        if (strncmp(uri, engines[i].scheme, length) == 0) {
            *location_out = uri + (engines[i].whole ? 0 : length);
            return engines[i].journal;
        }
    }
    return NULL;
}

enum status store_open(const char *uri, const struct store_options *options,
                       struct store **store_out, struct error *error) {
    require(uri != NULL && options != NULL);
    *store_out = NULL;
    const char *location;
    const struct journal_ops *journal = store_journal_of(uri, &location);
    if (journal != NULL)
        return embedded_open(journal, location, options, store_out, error);
    return error_set(
        error, STATUS_BAD_VALUE,
        "store: '%.10s...' is none of sqlite:DIR, postgresql://HOST/DATABASE, memory:", uri);
}

void store_forget_memory(const char *name) {
    journal_memory_forget(name);
}

void store_close(struct store *store) {
    if (store != NULL)
        store->ops->close(store);
}

enum status store_begin(struct store *store, struct error *error) {
    return store->ops->begin(store, error);
}

enum status store_commit(struct store *store, struct error *error) {
    return store->ops->commit(store, error);
}

void store_abort(struct store *store) {
    store->ops->abort(store);
}

enum status store_add_name(struct store *store, enum name_kind kind, struct text name,
                           uint32_t *number_out, struct error *error) {
    return store->ops->add_name(store, kind, name, number_out, error);
}

enum status store_add_product(struct store *store, const struct identifier *identifiers,
                              size_t count, uint32_t *number_out, struct error *error) {
    return store->ops->add_product(store, identifiers, count, number_out, error);
}

enum status store_add_identifier(struct store *store, uint32_t product,
                                 const struct identifier *identifier, struct error *error) {
    return store->ops->add_identifier(store, product, identifier, error);
}

enum status store_add_location(struct store *store, struct text code, uint32_t *number_out,
                               struct error *error) {
    return store->ops->add_location(store, code, number_out, error);
}

enum status store_item_put(struct store *store, struct text kind, struct text key,
                           struct text value, struct error *error) {
    return store->ops->item_put(store, kind, key, value, error);
}

enum status store_item_delete(struct store *store, struct text kind, struct text key,
                              struct error *error) {
    return store->ops->item_delete(store, kind, key, error);
}

enum status store_load_events(struct store *store, struct event_slot *slots, size_t count,
                              struct error *error) {
    return store->ops->load_events(store, slots, count, error);
}

enum status store_write_events(struct store *store, struct event_slot *slots, size_t count,
                               struct error *error) {
    return store->ops->write_events(store, slots, count, error);
}

enum status store_load_acknowledgement(struct store *store, struct acknowledgement *acknowledgement,
                                       struct error *error) {
    return store->ops->load_acknowledgement(store, acknowledgement, error);
}

enum status store_write_acknowledgement(struct store *store,
                                        struct acknowledgement *acknowledgement,
                                        struct error *error) {
    return store->ops->write_acknowledgement(store, acknowledgement, error);
}

void store_pack_rows(const struct stated *rows, size_t row_count, const uint32_t *excluded,
                     size_t excluded_count, struct buffer *packed) {
    packed_write_rows(rows, row_count, excluded, excluded_count, packed);
}

enum status store_add_statement(struct store *store, struct statement *statement, struct text reset,
                                enum statement_state state, size_t row_count, struct text packed,
                                struct error *error) {
    return store->ops->add_statement(store, statement, reset, state, row_count, packed, error);
}

enum status store_set_statement_state(struct store *store, uint32_t statement,
                                      enum statement_state state, struct error *error) {
    return store->ops->set_statement_state(store, statement, state, error);
}

enum status store_load_books(struct store *store, const struct statement *statement,
                             struct location_books *books_out, struct error *error) {
    return store->ops->load_books(store, statement, books_out, error);
}

enum status store_write_statement(struct store *store, uint32_t statement,
                                  const struct statement_outcome *outcome, int64_t applied_at_us,
                                  uint64_t *seq_out, struct error *error) {
    return store->ops->write_statement(store, statement, outcome, applied_at_us, seq_out, error);
}

enum status store_plan_rollback(struct store *store, uint32_t statement, struct arena *arena,
                                struct statement_outcome *outcome, struct error *error) {
    return store->ops->plan_rollback(store, statement, arena, outcome, error);
}

enum status store_write_rollback(struct store *store, uint32_t statement,
                                 const struct statement_outcome *outcome, int64_t at_us,
                                 uint64_t *seq_out, struct error *error) {
    return store->ops->write_rollback(store, statement, outcome, at_us, seq_out, error);
}

enum status store_scan_catalog(struct store *store, const struct catalog_visitor *visitor,
                               struct error *error) {
    return store->ops->scan_catalog(store, visitor, error);
}

enum status store_item_get(struct store *store, struct text kind, struct text key,
                           struct buffer *value, struct error *error) {
    return store->ops->item_get(store, kind, key, value, error);
}

enum status store_item_scan(struct store *store, struct text kind, struct text after,
                            bool newest_first, store_item_visitor *visitor, void *context,
                            struct error *error) {
    return store->ops->item_scan(store, kind, after, newest_first, visitor, context, error);
}

uint64_t store_last_seq(struct store *store) {
    return store->ops->last_seq(store);
}

struct cell store_cell(struct store *store, uint32_t location, uint32_t product) {
    return store->ops->cell(store, location, product);
}

const struct statement *store_statement(struct store *store, uint32_t id) {
    return store->ops->statement(store, id);
}

size_t store_cells(struct store *store, uint32_t location, uint32_t from,
                   struct located_cell *cells_out, size_t room, uint32_t *next_out) {
    return store->ops->cells(store, location, from, cells_out, room, next_out);
}

uint32_t store_location_limit(struct store *store) {
    return store->ops->location_limit(store);
}

uint32_t store_product_limit(struct store *store, uint32_t location) {
    return store->ops->product_limit(store, location);
}

enum status store_read_row(struct store *store, uint64_t seq, struct arena *arena,
                           struct ledger_entry *entry_out, struct error *error) {
    return store->ops->read_row(store, seq, arena, entry_out, error);
}

enum status store_history(struct store *store, uint32_t location, uint32_t product, uint64_t before,
                          size_t most, struct arena *arena, struct ledger_entry **entries_out,
                          size_t *count_out, struct error *error) {
    return store->ops->history(store, location, product, before, most, arena, entries_out,
                               count_out, error);
}

enum status store_cell_history(struct store *store, uint32_t location, uint32_t product,
                               struct arena *arena, struct cell_history *history_out,
                               struct error *error) {
    return store->ops->cell_history(store, location, product, arena, history_out, error);
}

enum status store_statement_info(struct store *store, uint32_t id, struct statement_info *info_out,
                                 struct error *error) {
    return store->ops->statement_info(store, id, info_out, error);
}

enum status store_statement_rows(struct store *store, uint32_t id, struct arena *arena,
                                 struct stated **rows_out, size_t *row_count_out,
                                 uint32_t **excluded_out, size_t *excluded_count_out,
                                 struct cell_change **changes_out, size_t *change_count_out,
                                 struct error *error) {
    return store->ops->statement_rows(store, id, arena, rows_out, row_count_out, excluded_out,
                                      excluded_count_out, changes_out, change_count_out, error);
}

enum status store_changes(struct store *store, uint64_t after, size_t most, struct arena *arena,
                          struct change **changes_out, size_t *count_out, struct error *error) {
    return store->ops->changes(store, after, most, arena, changes_out, count_out, error);
}

enum status store_checkpoint(struct store *store, struct error *error) {
    return store->ops->checkpoint(store, error);
}

enum status store_backup(struct store *store, const char *path, struct error *error) {
    return store->ops->backup(store, path, error);
}

enum status store_verify(struct store *store, struct arena *arena, struct verify_report *report_out,
                         struct error *error) {
    return store->ops->verify(store, arena, report_out, error);
}

void store_stats(struct store *store, struct store_stats *stats_out) {
    store->ops->stats(store, stats_out);
}

enum status store_follow(struct store *store, struct error *error) {
    return store->ops->follow(store, error);
}

void store_set_follower(struct store *store, const struct store_follower *follower) {
    store->ops->set_follower(store, follower);
}

int64_t store_age_us(struct store *store) {
    return store->ops->age_us(store);
}
