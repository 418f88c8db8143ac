/* Copies one journal into another, with every number as it was.
 *
 * Rows and corrections share one sequence and are written in its order, since PostgreSQL's log is
 * cut into chapters by it. Statements come before, in the state they are in, so that a correction
 * never speaks of one that is not there. Nothing but two heads is kept in memory. */
#include <stdlib.h>

#include "store/migrate_internal.h"

#define COMMIT_THINGS 4000u
#define COMMIT_BYTES (8u << 20)
#define COMMIT_ITEMS 500u /* PostgreSQL looks for each among those that wait */

struct copier {
    const struct journal_place *from, *to;
    const struct migration_watcher *watcher;
    enum status status; /* of what a visitor could not answer */
    struct error *error;
    bool open;
    const char *word;
    uint64_t done;
    size_t things, bytes, most_things; /* of the open transaction */
    struct arena arena;
    uint64_t *corrections; /* their first numbers, in order */
    size_t correction_count, correction_room, next_correction;
};

/* ---- transactions ---- */

/* Nobody else may write while we do; a hub that tried would have been kept out by the mark. */
static enum status nobody_else(const struct journal_place *place, struct error *error) {
    bool any = false;
    enum status status = STATUS_OK;
    while (place->ops->catch_up != NULL && status == STATUS_OK && !any) {
        struct journal_delta delta = {0};
        uint64_t last_seq;
        uint32_t last_statement;
        status = place->ops->last_numbers(place->journal, &last_seq, &last_statement, error);
        if (status == STATUS_OK)
            status = place->ops->catch_up(place->journal, last_seq, &delta, error);
        any = status == STATUS_OK && delta.row_count + delta.correction_count +
                                             delta.statement_count + delta.state_count +
                                             delta.name_count + delta.item_count >
                                         0;
        if (status == STATUS_OK && !any)
            place->ops->caught_up(place->journal, &delta);
        arena_deinit(&delta.arena);
    }
    if (any)
        return error_set(error, STATUS_CONFLICT,
                         "another program wrote to it meanwhile: stop every hub first");
    return status == STATUS_END ? STATUS_OK : status;
}

enum status migration_begin(const struct journal_place *place, struct error *error) {
    enum status status = place->ops->begin(place->journal, error);
    if (status != STATUS_OK)
        return status;
    status = nobody_else(place, error);
    if (status != STATUS_OK)
        place->ops->abort(place->journal);
    return status;
}

static enum status commit(struct copier *copier) {
    if (!copier->open)
        return STATUS_OK;
    copier->open = false;
    copier->things = copier->bytes = 0;
    if (copier->watcher->progress != NULL)
        copier->watcher->progress(copier->watcher->context, copier->word, copier->done);
    return copier->to->ops->commit(copier->to->journal, copier->error);
}

static bool begin(struct copier *copier) {
    if (copier->status == STATUS_OK && !copier->open) {
        copier->status = migration_begin(copier->to, copier->error);
        copier->open = copier->status == STATUS_OK;
    }
    return copier->status == STATUS_OK;
}

/* One more is written, with so many bytes. False: stop. */
static bool wrote(struct copier *copier, enum status status, size_t bytes) {
    copier->status = status;
    copier->done++;
    copier->things++;
    copier->bytes += bytes;
    if (status == STATUS_OK &&
        (copier->things >= copier->most_things || copier->bytes >= COMMIT_BYTES))
        copier->status = commit(copier);
    return copier->status == STATUS_OK;
}

enum status migration_mark(const struct journal_place *to, bool unfinished, struct error *error) {
    const struct text kind = TEXT(MARK_KIND), key = TEXT(MARK_KEY);
    enum status status = migration_begin(to, error);
    if (status != STATUS_OK)
        return status;
    status = unfinished ? to->ops->item_put(to->journal, kind, key, TEXT("{}"), error)
                        : to->ops->item_delete(to->journal, kind, key, error);
    if (status != STATUS_OK) {
        to->ops->abort(to->journal);
        return status;
    }
    return to->ops->commit(to->journal, error);
}

/* ---- names ---- */

static void copy_name(void *context, enum name_kind kind, uint32_t number, struct text name) {
    struct copier *copier = context;
    if (begin(copier))
        (void)wrote(
            copier,
            copier->to->ops->append_name(copier->to->journal, kind, number, name, copier->error),
            name.length);
}

static void copy_product(void *context, uint32_t number) {
    struct copier *copier = context;
    if (begin(copier))
        (void)wrote(copier,
                    copier->to->ops->append_product(copier->to->journal, number, copier->error), 0);
}

static void copy_identifier(void *context, uint32_t product, const struct identifier *identifier) {
    struct copier *copier = context;
    if (begin(copier))
        (void)wrote(copier,
                    copier->to->ops->append_identifier(copier->to->journal, product, identifier,
                                                       copier->error),
                    identifier->value.length);
}

static void copy_location(void *context, uint32_t number, struct text code) {
    struct copier *copier = context;
    if (begin(copier))
        (void)wrote(
            copier,
            copier->to->ops->append_location(copier->to->journal, number, code, copier->error),
            code.length);
}

static enum status copy_names(struct copier *copier) {
    struct catalog_visitor visitor = {.name = copy_name,
                                      .product = copy_product,
                                      .identifier = copy_identifier,
                                      .location = copy_location,
                                      .context = copier};
    return copier->from->ops->scan_catalog(copier->from->journal, &visitor, copier->error);
}

/* ---- statements ---- */

static bool copy_statement(void *context, const struct journal_statement *statement) {
    struct copier *copier = context;
    struct text packed;
    if (!begin(copier))
        return false;
    arena_reset(&copier->arena);
    enum status status = copier->from->ops->read_packed_rows(
        copier->from->journal, statement->head.id, &copier->arena, &packed, copier->error);
    if (status != STATUS_OK)
        return wrote(copier, status, 0);
    status =
        copier->to->ops->append_statement(copier->to->journal, statement, packed, copier->error);
    return wrote(copier, status, packed.length);
}

static enum status copy_statements(struct copier *copier) {
    return copier->from->ops->scan_statements(copier->from->journal, 0, copy_statement, copier,
                                              copier->error);
}

/* ---- rows and corrections ---- */

static bool note_correction(void *context, const struct journal_correction *correction) {
    struct copier *copier = context;
    if (copier->correction_count == copier->correction_room) {
        copier->correction_room = 2 * copier->correction_room + 64;
        copier->corrections =
            memory_grow(copier->corrections, copier->correction_room * sizeof *copier->corrections);
    }
    copier->corrections[copier->correction_count++] = correction->first_seq;
    return true;
}

static bool copy_corrections_before(struct copier *copier, uint64_t seq) {
    while (copier->next_correction < copier->correction_count &&
           copier->corrections[copier->next_correction] < seq) {
        struct journal_correction correction;
        if (!begin(copier))
            return false;
        arena_reset(&copier->arena);
        enum status status = copier->from->ops->find_correction(
            copier->from->journal, false, copier->corrections[copier->next_correction++],
            &copier->arena, &correction, copier->error);
        if (status == STATUS_OK)
            status =
                copier->to->ops->append_correction(copier->to->journal, &correction, copier->error);
        if (!wrote(copier, status, status == STATUS_OK ? correction.packed.length : 0))
            return false;
    }
    return true;
}

static bool copy_row(void *context, const struct journal_row *row) {
    struct copier *copier = context;
    if (!copy_corrections_before(copier, row->seq) || !begin(copier))
        return false;
    return wrote(copier, copier->to->ops->append_row(copier->to->journal, row, copier->error), 0);
}

static enum status copy_ledger(struct copier *copier) {
    const struct journal_place *from = copier->from;
    enum status status =
        from->ops->scan_corrections(from->journal, 0, note_correction, copier, copier->error);
    if (status == STATUS_OK)
        status = from->ops->scan_rows(from->journal, 0, copy_row, copier, copier->error);
    if (status == STATUS_OK && copier->status == STATUS_OK)
        (void)copy_corrections_before(copier, UINT64_MAX);
    return status;
}

/* ---- documents ---- */

struct kinds {
    struct arena arena;
    struct text *kinds;
    size_t count, room;
};

static bool note_kind(void *context, struct text kind) {
    struct kinds *kinds = context;
    if (kinds->count == kinds->room) {
        kinds->room = 2 * kinds->room + 16;
        kinds->kinds = memory_grow(kinds->kinds, kinds->room * sizeof *kinds->kinds);
    }
    kinds->kinds[kinds->count++] = arena_copy(&kinds->arena, kind);
    return true;
}

struct item_walk {
    struct text kind;
    migration_item_visitor *visitor;
    void *context;
    bool stopped;
};

static bool walk_item(void *context, struct text key, struct text value) {
    struct item_walk *walk = context;
    walk->stopped = !walk->visitor(walk->context, walk->kind, key, value);
    return !walk->stopped;
}

enum status migration_items(const struct journal_place *place, migration_item_visitor *visitor,
                            void *context, struct error *error) {
    struct kinds kinds = {.kinds = NULL};
    struct item_walk walk = {.visitor = visitor, .context = context};
    enum status status = place->ops->item_kinds(place->journal, note_kind, &kinds, error);
    for (size_t i = 0; i < kinds.count && status == STATUS_OK && !walk.stopped; i++) {
        walk.kind = kinds.kinds[i];
        if (!text_equal_string(walk.kind, MARK_KIND))
            status = place->ops->item_scan(place->journal, walk.kind, TEXT(""), false, walk_item,
                                           &walk, error);
    }
    arena_deinit(&kinds.arena);
    free(kinds.kinds);
    return status;
}

static bool copy_item(void *context, struct text kind, struct text key, struct text value) {
    struct copier *copier = context;
    if (!begin(copier))
        return false;
    return wrote(copier,
                 copier->to->ops->item_put(copier->to->journal, kind, key, value, copier->error),
                 value.length);
}

static enum status copy_items(struct copier *copier) {
    return migration_items(copier->from, copy_item, copier, copier->error);
}

/* ---- all of it ---- */

enum status migration_copy(const struct journal_place *from, const struct journal_place *to,
                           const struct migration_watcher *watcher, struct error *error) {
    static const struct {
        const char *word;
        enum status (*copy)(struct copier *copier);
        size_t most_things;
    } steps[] = {
        {"copying names", copy_names, COMMIT_THINGS},
        {"copying statements", copy_statements, COMMIT_THINGS},
        {"copying the ledger", copy_ledger, COMMIT_THINGS},
        {"copying documents", copy_items, COMMIT_ITEMS},
    };
    struct copier copier = {.from = from, .to = to, .watcher = watcher, .error = error};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && status == STATUS_OK; i++) {
        copier.word = steps[i].word;
        copier.most_things = steps[i].most_things;
        copier.done = 0;
        status = steps[i].copy(&copier);
        if (status == STATUS_OK)
            status = copier.status;
        if (status == STATUS_OK)
            status = commit(&copier);
    }
    if (copier.open)
        to->ops->abort(to->journal);
    arena_deinit(&copier.arena);
    free(copier.corrections);
    return status;
}
