/* The engine's frame: opening, transactions, names, items and figures about itself. */
#include "store/embedded_internal.h"

#include <stdlib.h>

#include "store/migrate_internal.h"

/* The store whose transaction this thread is in; tells the writer from readers. */
static _Thread_local const struct embedded *writing_here;

bool embedded_is_writing(const struct embedded *embedded) {
    return writing_here == embedded;
}

uint32_t seconds_from_us(int64_t us) {
    int64_t seconds = us / US_PER_SECOND;
    return seconds < 0 ? 0 : seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

/* ---- opening ---- */

static void count_name(void *context, enum name_kind kind, uint32_t number, struct text name) {
    struct embedded *embedded = context;
    (void)name;
    if (number > embedded->names[kind])
        embedded->names[kind] = number;
}

static void count_product(void *context, uint32_t number) {
    struct embedded *embedded = context;
    if (number > embedded->products)
        embedded->products = number;
}

static void count_location(void *context, uint32_t number, struct text code) {
    struct embedded *embedded = context;
    (void)code;
    if (number > embedded->locations)
        embedded->locations = number;
}

static void pass_identifier(void *context, uint32_t product, const struct identifier *identifier) {
    (void)context;
    (void)product;
    (void)identifier;
}

static enum status load_numbers(struct embedded *embedded, struct error *error) {
    struct catalog_visitor visitor = {.name = count_name,
                                      .product = count_product,
                                      .identifier = pass_identifier,
                                      .location = count_location,
                                      .context = embedded};
    enum status status = embedded->ops->scan_catalog(embedded->journal, &visitor, error);
    if (status == STATUS_OK)
        status = embedded->ops->last_numbers(embedded->journal, &embedded->state.last_seq,
                                             &embedded->last_statement, error);
    return status;
}

static bool keeps_checkpoints(const struct embedded *embedded) {
    const struct journal_ops *ops = embedded->ops;
    return ops->keeps_checkpoints == NULL || ops->keeps_checkpoints(embedded->journal);
}

static enum status load_state(struct embedded *embedded, struct error *error) {
    struct restored restored = {0};
    enum status status = load_numbers(embedded, error);
    if (status == STATUS_OK && embedded->checkpoints)
        status = checkpoint_restore(embedded, checkpointer_meta(embedded->checkpointer), &restored,
                                    error);
    if (status == STATUS_OK)
        status = replay(embedded, &restored, error);
    free(restored.locations_through);
    return status;
}

/* Writers go first: a reader that scans must not hold a sale back, and neither may many of them. */
static void lock_init(pthread_rwlock_t *lock) {
    pthread_rwlockattr_t attributes;
    require(pthread_rwlockattr_init(&attributes) == 0);
    require(pthread_rwlockattr_setkind_np(&attributes,
                                          PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0);
    require(pthread_rwlock_init(lock, &attributes) == 0);
    pthread_rwlockattr_destroy(&attributes);
}

static void embedded_free(struct embedded *embedded) {
    if (embedded->journal != NULL)
        embedded->ops->close(embedded->journal);
    checkpointer_free(embedded->checkpointer);
    transaction_deinit(&embedded->transaction);
    state_deinit(&embedded->state);
    arena_deinit(&embedded->books_arena);
    unpacked_cache_deinit(&embedded->unpacked);
    pthread_rwlock_destroy(&embedded->lock);
    free(embedded);
}

static void embedded_close(struct store *store) {
    struct embedded *embedded = embedded_of(store);
    require(!embedded->transaction.open);
    if (!embedded->options.read_only && embedded->checkpoints)
        checkpointer_finish(embedded);
    embedded_free(embedded);
}

/* ---- transactions ---- */

static enum status embedded_begin(struct store *store, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct transaction *t = &embedded->transaction;
    require(!t->open && !embedded->options.read_only);
    enum status status = embedded->ops->begin(embedded->journal, error);
    if (status != STATUS_OK)
        return status;
    if (embedded->ops->catch_up != NULL)
        status = embedded_take_in(embedded, error);
    if (status != STATUS_OK) {
        embedded->ops->abort(embedded->journal);
        return status;
    }
    t->open = true;
    t->last_seq = embedded->state.last_seq;
    t->last_statement = embedded->last_statement;
    memcpy(t->names, embedded->names, sizeof t->names);
    t->products = embedded->products;
    t->locations = embedded->locations;
    writing_here = embedded;
    return STATUS_OK;
}

static enum status embedded_commit(struct store *store, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct transaction *t = &embedded->transaction;
    require(t->open);
    int64_t started_us = monotonic_us();
    enum status status = embedded->ops->commit(embedded->journal, error);
    if (status == STATUS_OK) {
        require(pthread_rwlock_wrlock(&embedded->lock) == 0);
        transaction_publish(embedded);
        embedded_sweep(embedded);
        if (t->applications != NULL)
            embedded->applied_monotonic_us = monotonic_us();
        embedded->commits++;
        embedded->commit_us_sum += monotonic_us() - started_us;
        require(pthread_rwlock_unlock(&embedded->lock) == 0);
        embedded->last_statement = t->last_statement;
        memcpy(embedded->names, t->names, sizeof t->names);
        embedded->products = t->products;
        embedded->locations = t->locations;
        if (embedded->ops->look != NULL)
            atomic_store(&embedded->looked_monotonic_us, monotonic_us());
    }
    transaction_reset(t);
    writing_here = NULL;
    return status;
}

static void embedded_abort(struct store *store) {
    struct embedded *embedded = embedded_of(store);
    if (!embedded->transaction.open)
        return; /* a commit that failed has ended it */
    embedded->ops->abort(embedded->journal);
    transaction_reset(&embedded->transaction);
    writing_here = NULL;
}

/* ---- names, items ---- */

static enum status embedded_add_name(struct store *store, enum name_kind kind, struct text name,
                                     uint32_t *number_out, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct transaction *t = &embedded->transaction;
    require(t->open && kind < NAME_KIND_COUNT);
    uint32_t number = t->names[kind] + 1;
    enum status status = embedded->ops->append_name(embedded->journal, kind, number, name, error);
    if (status == STATUS_OK)
        *number_out = t->names[kind] = number;
    return status;
}

static enum status embedded_add_product(struct store *store, const struct identifier *identifiers,
                                        size_t count, uint32_t *number_out, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct transaction *t = &embedded->transaction;
    require(t->open && count > 0);
    uint32_t number = t->products + 1;
    enum status status = embedded->ops->append_product(embedded->journal, number, error);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status =
            embedded->ops->append_identifier(embedded->journal, number, &identifiers[i], error);
    if (status == STATUS_OK)
        *number_out = t->products = number;
    return status;
}

static enum status embedded_add_identifier(struct store *store, uint32_t product,
                                           const struct identifier *identifier,
                                           struct error *error) {
    struct embedded *embedded = embedded_of(store);
    require(embedded->transaction.open);
    require(product != 0 && product <= embedded->transaction.products);
    return embedded->ops->append_identifier(embedded->journal, product, identifier, error);
}

static enum status embedded_add_location(struct store *store, struct text code,
                                         uint32_t *number_out, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    struct transaction *t = &embedded->transaction;
    require(t->open);
    uint32_t number = t->locations + 1;
    enum status status = embedded->ops->append_location(embedded->journal, number, code, error);
    if (status == STATUS_OK)
        *number_out = t->locations = number;
    return status;
}

static enum status embedded_item_put(struct store *store, struct text kind, struct text key,
                                     struct text value, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    require(embedded->transaction.open);
    return embedded->ops->item_put(embedded->journal, kind, key, value, error);
}

static enum status embedded_item_delete(struct store *store, struct text kind, struct text key,
                                        struct error *error) {
    struct embedded *embedded = embedded_of(store);
    require(embedded->transaction.open);
    return embedded->ops->item_delete(embedded->journal, kind, key, error);
}

static enum status embedded_scan_catalog(struct store *store, const struct catalog_visitor *visitor,
                                         struct error *error) {
    struct embedded *embedded = embedded_of(store);
    return embedded->ops->scan_catalog(embedded->journal, visitor, error);
}

static enum status embedded_item_get(struct store *store, struct text kind, struct text key,
                                     struct buffer *value, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    return embedded->ops->item_get(embedded->journal, kind, key, value, error);
}

static enum status embedded_item_scan(struct store *store, struct text kind, struct text after,
                                      bool newest_first, store_item_visitor *visitor, void *context,
                                      struct error *error) {
    struct embedded *embedded = embedded_of(store);
    return embedded->ops->item_scan(embedded->journal, kind, after, newest_first, visitor, context,
                                    error);
}

/* ---- about itself ---- */

static enum status embedded_backup(struct store *store, const char *path, struct error *error) {
    struct embedded *embedded = embedded_of(store);
    return embedded->ops->backup(embedded->journal, path, error);
}

static void embedded_stats(struct store *store, struct store_stats *stats_out) {
    struct embedded *embedded = embedded_of(store);
    *stats_out = (struct store_stats){0};
    embedded->ops->sizes(embedded->journal, &stats_out->disk_bytes, &stats_out->wal_bytes);
    require(pthread_rwlock_rdlock(&embedded->lock) == 0);
    const struct state *state = &embedded->state;
    stats_out->last_seq = state->last_seq;
    stats_out->checkpoint_seq = embedded->checkpoint_seq;
    stats_out->cells = state->locations.cell_count;
    stats_out->memory_bytes = state_memory(state) + unpacked_cache_memory(&embedded->unpacked);
    stats_out->keys_in_memory = state->keys.count;
    stats_out->pending_movements = state->documents.pending_count;
    stats_out->commits = embedded->commits;
    stats_out->commit_us_sum = embedded->commit_us_sum;
    require(pthread_rwlock_unlock(&embedded->lock) == 0);
}

static const struct store_ops embedded_ops = {
    .close = embedded_close,
    .begin = embedded_begin,
    .commit = embedded_commit,
    .abort = embedded_abort,
    .add_name = embedded_add_name,
    .add_product = embedded_add_product,
    .add_identifier = embedded_add_identifier,
    .add_location = embedded_add_location,
    .item_put = embedded_item_put,
    .item_delete = embedded_item_delete,
    .load_events = embedded_load_events,
    .write_events = embedded_write_events,
    .load_acknowledgement = embedded_load_acknowledgement,
    .write_acknowledgement = embedded_write_acknowledgement,
    .add_statement = embedded_add_statement,
    .set_statement_state = embedded_set_statement_state,
    .load_books = embedded_load_books,
    .write_statement = embedded_write_statement,
    .plan_rollback = embedded_plan_rollback,
    .write_rollback = embedded_write_rollback,
    .scan_catalog = embedded_scan_catalog,
    .item_get = embedded_item_get,
    .item_scan = embedded_item_scan,
    .last_seq = embedded_last_seq,
    .cell = embedded_cell,
    .statement = embedded_statement,
    .cells = embedded_cells,
    .location_limit = embedded_location_limit,
    .product_limit = embedded_product_limit,
    .read_row = embedded_read_row,
    .history = embedded_history,
    .cell_history = embedded_cell_history,
    .statement_info = embedded_statement_info,
    .statement_rows = embedded_statement_rows,
    .changes = embedded_changes,
    .checkpoint = embedded_checkpoint,
    .backup = embedded_backup,
    .verify = embedded_verify,
    .stats = embedded_stats,
    .follow = embedded_follow,
    .set_follower = embedded_set_follower,
    .age_us = embedded_age_us,
};

/* What a migration has begun and not ended is not the whole truth. */
static enum status must_be_whole(const struct embedded *embedded, struct error *error) {
    struct buffer mark = {0};
    if (embedded->options.unfinished)
        return STATUS_OK;
    enum status status =
        embedded->ops->item_get(embedded->journal, TEXT(MARK_KIND), TEXT(MARK_KEY), &mark, error);
    buffer_deinit(&mark);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    return error_set(error, STATUS_CONFLICT,
                     "a migration to this store did not come to its end: empty it and run onhand "
                     "migrate again; the store it came from is as it was");
}

enum status embedded_open(const struct journal_ops *journal_ops, const char *location,
                          const struct store_options *options, struct store **store_out,
                          struct error *error) {
    struct embedded *embedded = memory_alloc_zero(1, sizeof *embedded);
    embedded->store.ops = &embedded_ops;
    embedded->ops = journal_ops;
    embedded->options = *options;
    embedded->sweep_before_us = embedded->swept_before_us = 0;
    lock_init(&embedded->lock);
    state_init(&embedded->state);
    transaction_init(&embedded->transaction);
    embedded_unpacked_init(embedded);
    embedded->checkpointer = checkpointer_new(embedded);
    enum status status = journal_ops->open(location, options, &embedded->journal, error);
    if (status == STATUS_OK)
        status = must_be_whole(embedded, error);
    if (status == STATUS_OK) {
        embedded->checkpoints = keeps_checkpoints(embedded);
        status = load_state(embedded, error);
    }
    atomic_store(&embedded->looked_monotonic_us, monotonic_us());
    if (status == STATUS_OK && !options->read_only && embedded->checkpoints)
        status = checkpointer_start(embedded, error);
    if (status != STATUS_OK) {
        embedded_free(embedded);
        return status;
    }
    *store_out = &embedded->store;
    return STATUS_OK;
}
