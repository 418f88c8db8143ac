/* The header of a CSV file: which column is what (field_names.h says by which names). Columns that
 * nobody needs are ignored; a needed one that is there twice is refused. */
#ifndef ONHAND_FEED_CSV_HEADER_H
#define ONHAND_FEED_CSV_HEADER_H

#include "feed/reader.h"

#define CSV_LOCATIONS 2   /* columns that may name the location: the first that is filled counts */
#define CSV_IDENTIFIERS 8 /* the same for plain identifiers (sku, upc, ...) */

/* The slots that a row's needed fields are put into. */
enum csv_slot {
    CSV_SLOT_LOCATION,
    CSV_SLOT_ID_TYPE = CSV_SLOT_LOCATION + CSV_LOCATIONS,
    CSV_SLOT_ID_VALUE,
    CSV_SLOT_QUANTITY,
    CSV_SLOT_AS_OF,
    CSV_SLOT_NAMESPACE,
    CSV_SLOT_ACTIVE,
    CSV_SLOT_IDENTIFIER,
    CSV_SLOT_COUNT = CSV_SLOT_IDENTIFIER + CSV_IDENTIFIERS
};

struct csv_pick {
    uint32_t column; /* from 0 */
    enum csv_slot slot;
};

/* Everything in the arena given to csv_layout_make. */
struct csv_layout {
    char delimiter;
    uint32_t columns;
    struct csv_pick picks[CSV_SLOT_COUNT];
    unsigned pick_count;
    struct text names[CSV_SLOT_COUNT];     /* of the picked columns, as in the header */
    struct text id_types[CSV_IDENTIFIERS]; /* of the identifier slots */
    struct text header;                    /* all names found, joined by ", " */
};

/* STATUS_UNREADABLE with what is missing, what was found and what is needed. */
must_check enum status csv_layout_make(const struct reader_options *options,
                                       const struct text *names, size_t count, struct arena *arena,
                                       struct csv_layout *layout_out, struct error *error);

#endif
