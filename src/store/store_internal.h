/* What an engine is: one row of functions per engine, each with the contract of its namesake in
 * store.h. store.c finds the engine by the scheme of the URI and passes every call on. */
#ifndef ONHAND_STORE_STORE_INTERNAL_H
#define ONHAND_STORE_STORE_INTERNAL_H

#include "store/store.h"

struct store_ops {
    void (*close)(struct store *store);
    enum status (*begin)(struct store *store, struct error *error);
    enum status (*commit)(struct store *store, struct error *error);
    void (*abort)(struct store *store);
    enum status (*add_name)(struct store *store, enum name_kind kind, struct text name,
                            uint32_t *number_out, struct error *error);
    enum status (*add_product)(struct store *store, const struct identifier *identifiers,
                               size_t count, uint32_t *number_out, struct error *error);
    enum status (*add_identifier)(struct store *store, uint32_t product,
                                  const struct identifier *identifier, struct error *error);
    enum status (*add_location)(struct store *store, struct text code, uint32_t *number_out,
                                struct error *error);
    enum status (*item_put)(struct store *store, struct text kind, struct text key,
                            struct text value, struct error *error);
    enum status (*item_delete)(struct store *store, struct text kind, struct text key,
                               struct error *error);
    enum status (*load_events)(struct store *store, struct event_slot *slots, size_t count,
                               struct error *error);
    enum status (*write_events)(struct store *store, struct event_slot *slots, size_t count,
                                struct error *error);
    enum status (*load_acknowledgement)(struct store *store,
                                        struct acknowledgement *acknowledgement,
                                        struct error *error);
    enum status (*write_acknowledgement)(struct store *store,
                                         struct acknowledgement *acknowledgement,
                                         struct error *error);
    enum status (*add_statement)(struct store *store, struct statement *statement,
                                 struct text reset, enum statement_state state, size_t row_count,
                                 struct text packed, struct error *error);
    enum status (*set_statement_state)(struct store *store, uint32_t statement,
                                       enum statement_state state, struct error *error);
    enum status (*load_books)(struct store *store, const struct statement *statement,
                              struct location_books *books_out, struct error *error);
    enum status (*write_statement)(struct store *store, uint32_t statement,
                                   const struct statement_outcome *outcome, int64_t applied_at_us,
                                   uint64_t *seq_out, struct error *error);
    enum status (*plan_rollback)(struct store *store, uint32_t statement, struct arena *arena,
                                 struct statement_outcome *outcome, struct error *error);
    enum status (*write_rollback)(struct store *store, uint32_t statement,
                                  const struct statement_outcome *outcome, int64_t at_us,
                                  uint64_t *seq_out, struct error *error);
    enum status (*scan_catalog)(struct store *store, const struct catalog_visitor *visitor,
                                struct error *error);
    enum status (*item_get)(struct store *store, struct text kind, struct text key,
                            struct buffer *value, struct error *error);
    enum status (*item_scan)(struct store *store, struct text kind, struct text after,
                             bool newest_first, store_item_visitor *visitor, void *context,
                             struct error *error);
    uint64_t (*last_seq)(struct store *store);
    struct cell (*cell)(struct store *store, uint32_t location, uint32_t product);
    const struct statement *(*statement)(struct store *store, uint32_t id);
    size_t (*cells)(struct store *store, uint32_t location, uint32_t from,
                    struct located_cell *cells_out, size_t room, uint32_t *next_out);
    uint32_t (*location_limit)(struct store *store);
    uint32_t (*product_limit)(struct store *store, uint32_t location);
    enum status (*read_row)(struct store *store, uint64_t seq, struct arena *arena,
                            struct ledger_entry *entry_out, struct error *error);
    enum status (*history)(struct store *store, uint32_t location, uint32_t product,
                           uint64_t before, size_t most, struct arena *arena,
                           struct ledger_entry **entries_out, size_t *count_out,
                           struct error *error);
    enum status (*cell_history)(struct store *store, uint32_t location, uint32_t product,
                                struct arena *arena, struct cell_history *history_out,
                                struct error *error);
    enum status (*statement_info)(struct store *store, uint32_t id, struct statement_info *info_out,
                                  struct error *error);
    enum status (*statement_rows)(struct store *store, uint32_t id, struct arena *arena,
                                  struct stated **rows_out, size_t *row_count_out,
                                  uint32_t **excluded_out, size_t *excluded_count_out,
                                  struct cell_change **changes_out, size_t *change_count_out,
                                  struct error *error);
    enum status (*changes)(struct store *store, uint64_t after, size_t most, struct arena *arena,
                           struct change **changes_out, size_t *count_out, struct error *error);
    enum status (*checkpoint)(struct store *store, struct error *error);
    enum status (*backup)(struct store *store, const char *path, struct error *error);
    enum status (*verify)(struct store *store, struct arena *arena,
                          struct verify_report *report_out, struct error *error);
    void (*stats)(struct store *store, struct store_stats *stats_out);
    enum status (*follow)(struct store *store, struct error *error);
    void (*set_follower)(struct store *store, const struct store_follower *follower);
    int64_t (*age_us)(struct store *store);
};

/* Every engine's store begins with this. */
struct store {
    const struct store_ops *ops;
};

struct journal_ops;
/* By the scheme of the URI; NULL where there is none. */
const struct journal_ops *store_journal_of(const char *uri, const char **location_out);
/* The embedded engine over one of its journals. */
must_check enum status embedded_open(const struct journal_ops *journal_ops, const char *location,
                                     const struct store_options *options, struct store **store_out,
                                     struct error *error);

#endif
