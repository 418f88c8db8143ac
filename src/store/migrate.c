/* A migration from its beginning to its end: who may be moved where, and that nobody takes a half
 * of it for the whole.
 *
 * The target carries a mark from the first transaction on; no hub opens a store that has it
 * (embedded.c). It goes when the comparison has found no difference, and only then. */
#include "store/migrate.h"

#include <stdio.h>
#include <unistd.h>

#include "store/journal_postgres_migrate.h"
#include "store/migrate_internal.h"

const char *migration_part_word(enum migration_part part) {
    static const char *const words[] = {"names", "statements", "ledger rows", "corrections",
                                        "documents"};
    _Static_assert(sizeof words / sizeof words[0] == MIGRATION_PART_COUNT, "a word for each part");
    return words[part];
}

/* ---- who may be moved where ---- */

static bool is_postgres(const struct journal_ops *ops) {
    return ops == &journal_postgres;
}

/* With the end's name before what went wrong. */
static enum status at_end(const char *end, enum status status, struct error *error) {
    char detail[sizeof error->detail];
    if (status == STATUS_OK)
        return status;
    (void)snprintf(detail, sizeof detail, "%s", error->detail);
    return error_set(error, status, "%s: %s", end,
                     detail[0] != '\0' ? detail : status_meaning(status));
}

static enum status find_engine(const char *uri, const struct journal_ops **ops_out,
                               const char **location_out, struct error *error) {
    *ops_out = store_journal_of(uri, location_out);
    if (*ops_out == &journal_sqlite || is_postgres(*ops_out))
        return STATUS_OK;
    return error_set(error, STATUS_BAD_VALUE, "say sqlite:DIR or postgresql://USER@HOST/DATABASE");
}

static enum status nobody_connected(const char *uri, struct error *error) {
    unsigned count = 0;
    enum status status = postgres_hubs_connected(uri, &count, error);
    if (status == STATUS_OK && count > 0)
        status =
            error_set(error, STATUS_CONFLICT,
                      "a hub is connected to it (%u connections): stop every hub first", count);
    return status;
}

static enum status open_source(const char *uri, const struct store_options *options,
                               struct store **store_out, struct error *error) {
    const struct journal_ops *ops;
    const char *location;
    struct store_options source_options = *options;
    enum status status = find_engine(uri, &ops, &location, error);
    if (status == STATUS_OK && is_postgres(ops)) {
        source_options.read_only = true;
        status = nobody_connected(uri, error);
    } else if (status == STATUS_OK) {
        /* for writing: its lock keeps hubs away while it is read */
        struct buffer path = {0};
        buffer_append_format(&path, "%s/onhand.db", location);
        if (access(path.data, F_OK) != 0)
            status = error_set(error, STATUS_NOT_FOUND, "there is no %s", path.data);
        buffer_deinit(&path);
    }
    if (status == STATUS_OK)
        status = store_open(uri, &source_options, store_out, error);
    return at_end("the source", status, error);
}

struct emptiness {
    bool any;
};

static void any_name(void *context, enum name_kind kind, uint32_t number, struct text name) {
    (void)kind, (void)number, (void)name;
    ((struct emptiness *)context)->any = true;
}

static void any_product(void *context, uint32_t number) {
    (void)number;
    ((struct emptiness *)context)->any = true;
}

static void any_identifier(void *context, uint32_t product, const struct identifier *identifier) {
    (void)product, (void)identifier;
    ((struct emptiness *)context)->any = true;
}

static void any_location(void *context, uint32_t number, struct text code) {
    (void)number, (void)code;
    ((struct emptiness *)context)->any = true;
}

static bool any_item(void *context, struct text kind, struct text key, struct text value) {
    (void)kind, (void)key, (void)value;
    ((struct emptiness *)context)->any = true;
    return false;
}

static enum status refuse_target(const struct journal_place *to, bool marked, struct error *error) {
    const char *how = is_postgres(to->ops)
                          ? "psql -c 'DROP SCHEMA onhand CASCADE' in that database"
                          : "take onhand.db* and onhand-cells.db* out of that directory";
    if (marked)
        return error_set(error, STATUS_CONFLICT,
                         "an earlier migration to it did not come to its end: empty it (%s) and "
                         "begin again",
                         how);
    return error_set(error, STATUS_CONFLICT,
                     "it is not empty, and nothing is ever mixed: give a new one, or, if nobody "
                     "needs what is in it, empty it (%s)",
                     how);
}

static enum status must_be_empty(const struct journal_place *to, struct error *error) {
    struct emptiness found = {false};
    struct catalog_visitor visitor = {any_name, any_product, any_identifier, any_location, &found};
    struct buffer mark = {0};
    uint64_t last_seq = 0;
    uint32_t last_statement = 0;
    enum status status =
        to->ops->item_get(to->journal, TEXT(MARK_KIND), TEXT(MARK_KEY), &mark, error);
    buffer_deinit(&mark);
    if (status == STATUS_OK)
        return refuse_target(to, true, error);
    if (status != STATUS_NOT_FOUND)
        return status;
    status = to->ops->last_numbers(to->journal, &last_seq, &last_statement, error);
    if (status == STATUS_OK)
        status = to->ops->scan_catalog(to->journal, &visitor, error);
    if (status == STATUS_OK)
        status = migration_items(to, any_item, &found, error);
    if (status == STATUS_OK && (found.any || last_seq > 0 || last_statement > 0))
        status = refuse_target(to, false, error);
    return status;
}

/* ---- the steps ---- */

/* Into a target that nobody has open, and closes it again. */
static enum status fill(const char *to, const struct store_options *options,
                        const struct embedded *from, const struct migration_watcher *watcher,
                        struct error *error) {
    const struct journal_place source = {from->ops, from->journal};
    struct journal_place target = {.journal = NULL};
    const char *location;
    enum status status = find_engine(to, &target.ops, &location, error);
    if (status == STATUS_OK && is_postgres(target.ops))
        status = nobody_connected(to, error);
    if (status == STATUS_OK)
        status = target.ops->open(location, options, &target.journal, error);
    if (status == STATUS_OK)
        status = must_be_empty(&target, error);
    if (status == STATUS_OK)
        status = migration_mark(&target, true, error);
    status = at_end("the target", status, error);
    if (status == STATUS_OK)
        status = migration_copy(&source, &target, watcher, error);
    if (target.journal != NULL)
        target.ops->close(target.journal);
    return status;
}

/* A hub that was away from PostgreSQL while we asked may have come back. */
static enum status still_the_same(const struct embedded *from, struct error *error) {
    struct journal_delta delta = {0};
    if (from->ops->look == NULL)
        return STATUS_OK;
    enum status status = from->ops->look(from->journal, error);
    if (status == STATUS_OK)
        status = from->ops->catch_up(from->journal, store_last_seq((struct store *)(uintptr_t)from),
                                     &delta, error);
    arena_deinit(&delta.arena);
    if (status == STATUS_OK)
        return error_set(error, STATUS_CONFLICT,
                         "the source: a hub wrote to it while it was copied: stop every hub, empty "
                         "the target and begin again");
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status check(const char *to, const struct store_options *options, struct embedded *from,
                         const struct migration_watcher *watcher, struct arena *arena,
                         struct migration_report *report, struct error *error) {
    struct store_options target_options = *options;
    struct store *store = NULL;
    target_options.unfinished = true;
    enum status status =
        at_end("the target", store_open(to, &target_options, &store, error), error);
    if (status != STATUS_OK)
        return status;
    struct embedded *target = embedded_of(store);
    status = migration_compare(from, target, watcher, arena, report, error);
    if (status == STATUS_OK)
        status = still_the_same(from, error);
    if (status == STATUS_OK && report->differences == 0) {
        const struct journal_place place = {target->ops, target->journal};
        status = at_end("the target", migration_mark(&place, false, error), error);
    }
    store_close(store);
    return status;
}

enum status store_migrate(const char *from, const char *to, const struct store_options *options,
                          const struct migration_watcher *watcher, struct arena *arena,
                          struct migration_report *report_out, struct error *error) {
    struct store *store = NULL;
    *report_out = (struct migration_report){.differences = 0};
    enum status status = open_source(from, options, &store, error);
    if (status == STATUS_OK)
        status = fill(to, options, embedded_of(store), watcher, error);
    if (status == STATUS_OK)
        status = check(to, options, embedded_of(store), watcher, arena, report_out, error);
    store_close(store);
    return status;
}

bool store_uri_has_password(const char *uri) {
    const char *location;
    return is_postgres(store_journal_of(uri, &location)) && postgres_uri_has_password(uri);
}

enum status store_distribute(const char *uri, unsigned *tables_out, struct error *error) {
    const char *location;
    *tables_out = 0;
    if (!is_postgres(store_journal_of(uri, &location)))
        return error_set(error, STATUS_BAD_VALUE,
                         "only a store on PostgreSQL can be distributed: say --to "
                         "postgresql://USER@HOST/DATABASE");
    enum status status = nobody_connected(uri, error);
    return status == STATUS_OK ? postgres_distribute(uri, tables_out, error) : status;
}
