/* What the fields of a row are called, in every format.
 *
 * Names are compared by their letters and digits, in any case: FacilityId, facility_id and
 * "Facility ID" are one. A mapping of the configuration takes the place of the standard names for
 * what it maps (location, identifier or quantity). Formats that name each value (JSON, XML) make a
 * plan of what they look for; CSV has its header for that (csv_header.h). */
#ifndef ONHAND_FEED_FIELD_NAMES_H
#define ONHAND_FEED_FIELD_NAMES_H

#include "feed/reader.h"

enum field_kind {
    FIELD_LOCATION,
    FIELD_ID_TYPE,
    FIELD_ID_VALUE,
    FIELD_QUANTITY,
    FIELD_AS_OF,
    FIELD_NAMESPACE,
    FIELD_ACTIVE,
    FIELD_IDENTIFIER,
    FIELD_KIND_COUNT
};

/* Its name by its letters and digits in lower case; the preferred ones of a kind come first. */
struct field_standard {
    const char *name;
    enum field_kind kind;
    const char *id_type;
};
extern const struct field_standard field_standards[]; /* HotWax's and ours */
extern const size_t field_standard_count;

#define FIELD_NAME_MAX 64
/* Letters and digits in lower case; false for what is no name that we could know. */
bool field_plain_name(struct text name, char out[FIELD_NAME_MAX]);
/* What a mapping means by `ours`; anything that is none of ours is a type of identifier. */
enum field_kind field_kind_of_mapping(struct text ours);

/* ---- formats that name each value ---- */
#define FIELD_WANTED_MAX 48
#define FIELD_NOT_WANTED FIELD_WANTED_MAX

struct field_plan {
    struct field_wanted {
        struct text name; /* theirs where mapped, else plain */
        bool mapped;
        enum field_kind kind;
        struct text id_type;
    } wanted[FIELD_WANTED_MAX];
    unsigned count;
};

/* The texts stay those of the options and the table. More than there is room for is passed over. */
void field_plan_make(const struct reader_options *options, const struct field_standard *standards,
                     size_t standard_count, struct field_plan *plan_out);
/* Its place in plan->wanted, or FIELD_NOT_WANTED. */
unsigned field_plan_find(const struct field_plan *plan, struct text name);

#endif
