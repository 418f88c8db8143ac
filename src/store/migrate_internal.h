/* The parts of a migration: copying one journal into another, and comparing what came of it. */
#ifndef ONHAND_STORE_MIGRATE_INTERNAL_H
#define ONHAND_STORE_MIGRATE_INTERNAL_H

#include "store/embedded_internal.h"
#include "store/journal_internal.h"
#include "store/migrate.h"

/* A document that a target has as long as it may not be whole. */
#define MARK_KIND "migration"
#define MARK_KEY "unfinished"

struct journal_place {
    const struct journal_ops *ops;
    struct journal *journal;
};

/* All of the source behind each other, a few thousand things a commit. */
must_check enum status migration_copy(const struct journal_place *from,
                                      const struct journal_place *to,
                                      const struct migration_watcher *watcher, struct error *error);
/* In a transaction of its own. */
must_check enum status migration_mark(const struct journal_place *to, bool unfinished,
                                      struct error *error);
/* Begins a transaction; STATUS_CONFLICT where another wrote since the journal was opened. */
must_check enum status migration_begin(const struct journal_place *place, struct error *error);

/* Visits every document but the mark. */
typedef bool migration_item_visitor(void *context, struct text kind, struct text key,
                                    struct text value);
must_check enum status migration_items(const struct journal_place *place,
                                       migration_item_visitor *visitor, void *context,
                                       struct error *error);

/* Part by part, then cell by cell. */
must_check enum status migration_compare(struct embedded *from, struct embedded *to,
                                         const struct migration_watcher *watcher,
                                         struct arena *arena, struct migration_report *report,
                                         struct error *error);

#endif
