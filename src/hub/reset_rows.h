/* The rows of a file while they are gathered: a list for each location, in order of the file.
 *
 * Rows are kept in segments: neighbours in a list mostly come from lines as far apart as those
 * before, so a row takes eight bytes (product, quantity), and sixteen at worst. What goes beyond
 * the budget is written to a file without a name in the data directory, and comes back one location
 * at a time: memory is bounded by one location's rows, whatever the file's size.
 *
 * A list is used by one thread at a time, and so is writing and reading the spool; the store's
 * memory may be shared by lists of several threads. */
#ifndef ONHAND_HUB_RESET_ROWS_H
#define ONHAND_HUB_RESET_ROWS_H

#include "base/text.h"
#include "core/statement.h"

struct row_store;
struct row_block;

/* Zero-initialised: empty. */
struct row_list {
    struct row_block *first, *last;
    struct row_extent { /* of the spool, before what is in memory */
        int64_t offset;
        uint64_t bytes;
    } * extents;
    uint32_t extent_count, extent_room;
    uint64_t count; /* rows and marks */
    uint32_t marks;
    size_t in_memory; /* bytes of blocks */
};

/* `budget` bytes of rows stay in memory; the spool is made in `directory` when it is needed. */
struct row_store *row_store_new(struct text directory, size_t budget);
void row_store_free(struct row_store *store); /* and all lists' rows; not their extents */

/* Lines count up to UINT32_MAX, where they stay. */
void row_list_append(struct row_store *store, struct row_list *list, uint32_t product,
                     uint64_t line, int64_t quantity_milli);
/* The product was named by a row that counts for nothing: it is not absent. */
void row_list_mark(struct row_store *store, struct row_list *list, uint32_t product, uint64_t line);

/* Moves all rows of `from`, which is in memory, behind those of `to`. Lines are counted on from
 * `lines_before`; a product with the bit `renumber` becomes products[what is left of it]. */
void row_list_join(struct row_store *store, struct row_list *to, struct row_list *from,
                   uint64_t lines_before, uint32_t renumber, const uint32_t *products);

/* More is in memory than there should be. */
bool row_store_is_over(const struct row_store *store);
/* Writes the list's rows to the spool. What could not be written is lost: the store is broken from
 * then on, and says why. */
void row_list_spill(struct row_store *store, struct row_list *list);
/* Once several lists have been spilled: the last of it is written. */
void row_store_flush(struct row_store *store);
bool row_store_is_broken(const struct row_store *store); /* from any thread */
must_check enum status row_store_status(const struct row_store *store, struct error *error);
uint64_t row_store_spooled(const struct row_store *store); /* bytes written so far */

/* Takes the rows out, in order of the file, list->count of them at most, and list->marks products.
 * The list is empty then. */
must_check enum status row_list_take(struct row_store *store, struct row_list *list,
                                     struct stated *rows, size_t *row_count_out, uint32_t *marked,
                                     size_t *marked_count_out, struct error *error);
/* Forgets them. */
void row_list_drop(struct row_store *store, struct row_list *list);

#endif
