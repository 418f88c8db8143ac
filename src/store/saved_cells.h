/* The file onhand-cells.db: what was derived from a ledger and saved, for a start that reads only
 * the ledger's tail.
 *
 * It lies apart from the ledger, so that the truth stays small and its commits never wait for
 * derived data: beside an embedded store's file, or, where the ledger is in PostgreSQL, in the
 * hub's own directory, so that the shared database carries nothing of it. One process writes it.
 * The operations are those of checkpoints in struct journal_ops. */
#ifndef ONHAND_STORE_SAVED_CELLS_H
#define ONHAND_STORE_SAVED_CELLS_H

#include "store/journal_internal.h"

struct saved_cells;

/* What is of another ledger, or goes beyond last_seq, is thrown away. Read-only: nothing is made,
 * and where nothing is there nothing is found. */
must_check enum status saved_cells_open(const char *directory, const char *ledger_id,
                                        uint64_t last_seq, bool read_only,
                                        struct saved_cells **cells_out, struct error *error);
void saved_cells_close(struct saved_cells *cells); /* NULL is fine */
const char *saved_cells_path(const struct saved_cells *cells);

must_check enum status saved_cells_put(struct saved_cells *cells, uint32_t kind, uint64_t key,
                                       uint64_t through_seq, struct text blob, struct error *error);
must_check enum status saved_cells_delete(struct saved_cells *cells, uint32_t kind, uint64_t key,
                                          struct error *error);
must_check enum status saved_cells_sync(struct saved_cells *cells, struct error *error);
must_check enum status saved_cells_scan(struct saved_cells *cells, uint32_t kind,
                                        journal_checkpoint_visitor *visitor, void *context,
                                        struct error *error);

#endif
