/* What came from a source and was not understood: kept with its raw text until somebody acts.
 *
 * An entry is a document of a kind; when the same one comes again it is the same entry, with its
 * newest text. On disk before prism_parked_put returns; the first of an empty list is told as a
 * notice. Bounded: when the bounds are reached the oldest are dropped, counted, and cried about.
 * Any thread. */
#ifndef ONHAND_POS_PRISM_PARKED_H
#define ONHAND_POS_PRISM_PARKED_H

#include "hub/hub.h"
#include "pos/prism_document.h"

struct prism_parked;

#define PARKED_MAX 10000u
#define PARKED_BYTES_MAX ((size_t)64 << 20)
#define PARKED_TEXT_MAX ((size_t)1 << 20) /* of one document; a longer one is kept cut off */
#define PARKED_ID_SIZE 17

struct parked_document {
    enum prism_kind kind;
    struct text sid;  /* of the document; empty: not readable */
    struct text json; /* raw */
    enum status code; /* STATUS_UNKNOWN_LOCATION and _PRODUCT are tried again by themselves */
    struct text reason;
};

struct parked_info {
    char id[PARKED_ID_SIZE];
    enum prism_kind kind;
    enum status code;
    int64_t first_us, last_us;
    uint64_t times; /* how often it came */
    size_t bytes;
    bool is_cut;
    struct text sid, reason; /* in the arena of whoever asked */
};

must_check enum status prism_parked_new(struct hub *hub, struct text source,
                                        struct prism_parked **parked_out, struct error *error);
void prism_parked_free(struct prism_parked *parked); /* NULL is fine */

/* Waits for the disk. */
must_check enum status prism_parked_put(struct prism_parked *parked,
                                        const struct parked_document *documents, size_t count,
                                        struct error *error);
/* True when it is parked: then prism_parked_settle takes it out (and waits for the disk). Cheap. */
bool prism_parked_has(struct prism_parked *parked, enum prism_kind kind, struct text sid);
must_check enum status prism_parked_settle(struct prism_parked *parked, enum prism_kind kind,
                                           struct text sid, struct error *error);
must_check enum status prism_parked_delete(struct prism_parked *parked, struct text id,
                                           struct error *error);

size_t prism_parked_count(struct prism_parked *parked);
uint64_t prism_parked_dropped(struct prism_parked *parked);
/* Oldest first, in *arena; those after `after` (empty: from the beginning), at most `most`. */
size_t prism_parked_list(struct prism_parked *parked, struct text after, size_t most,
                         struct arena *arena, struct parked_info **infos_out);
/* The raw text, in *arena. STATUS_NOT_FOUND. */
must_check enum status prism_parked_text(struct prism_parked *parked, struct text id,
                                         struct arena *arena, struct text *json_out,
                                         struct error *error);

#endif
