/* What was read lately, so that the overlap of each poll costs the hub nothing: a table of the
 * marks (hashes of the whole text) of documents that are on disk. It forgets; that is harmless.
 * One thread adds while another looks. */
#ifndef ONHAND_POS_PRISM_MARKS_H
#define ONHAND_POS_PRISM_MARKS_H

#include <stdbool.h>
#include <stdint.h>

struct prism_marks;
struct prism_marks *prism_marks_new(void);
void prism_marks_free(struct prism_marks *marks); /* NULL is fine */
bool prism_marks_has(const struct prism_marks *marks, uint64_t mark);
void prism_marks_add(struct prism_marks *marks, uint64_t mark);

#endif
