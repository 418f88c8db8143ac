/* Moves a store from one engine to another: an embedded one that has outgrown its machine to
 * PostgreSQL, and back. The truth is copied to the letter, with every number as it was, so that
 * senders' keys, positions in the feed of changes and histories go on; what is derived is made
 * anew by the target and compared with the source. */
#ifndef ONHAND_STORE_MIGRATE_H
#define ONHAND_STORE_MIGRATE_H

#include "store/store.h"

enum migration_part {
    MIGRATION_NAMES, /* products, locations, identifiers, sources, registers */
    MIGRATION_STATEMENTS,
    MIGRATION_ROWS,
    MIGRATION_CORRECTIONS,
    MIGRATION_ITEMS, /* named documents: tokens, resets, jobs' states ... */
    MIGRATION_PART_COUNT
};

const char *migration_part_word(enum migration_part part);

struct migration_report {
    uint64_t counts[MIGRATION_PART_COUNT];
    uint64_t last_seq, cells, differences;
    struct text first; /* words about the first difference, in the caller's arena */
};

struct migration_watcher {
    /* So many of the part are copied; `word` is what is being done now. */
    void (*progress)(void *context, const char *word, uint64_t done);
    void *context;
};

/* Both as for store_open. No hub may run on either; the target must be new. STATUS_OK also where
 * the comparison found differences: the target is then kept from being opened by a hub. */
must_check enum status store_migrate(const char *from, const char *to,
                                     const struct store_options *options,
                                     const struct migration_watcher *watcher, struct arena *arena,
                                     struct migration_report *report_out, struct error *error);

/* A URI with a password in it, which does not belong where others can read it. */
bool store_uri_has_password(const char *uri);

/* Spreads the tables of a store on PostgreSQL over the nodes of Citus; how many were not yet spread
 * is told. STATUS_NOT_FOUND: the database has no Citus. */
must_check enum status store_distribute(const char *uri, unsigned *tables_out, struct error *error);

#endif
