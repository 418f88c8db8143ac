/* One snapshot while it is made: what its files share. Everything lives in its arena. */
#ifndef ONHAND_POS_PRISM_SNAPSHOT_INTERNAL_H
#define ONHAND_POS_PRISM_SNAPSHOT_INTERNAL_H

#include "base/intern.h"
#include "hub/reset.h"
#include "pos/prism_marks.h"
#include "pos/prism_snapshot.h"
#include "pos/prism_walk.h"
#include "pos/sources_internal.h"

/* A location of ours, and the stores of Prism that are it (nearly always one). */
struct taking_location {
    struct text code;
    bool settled;     /* its cells are final, and what follows is theirs */
    bool noisy;       /* something new was found for it in the present look */
    bool doubtful;    /* a document whose products could not be told was among it */
    int64_t as_of_us; /* of the look that settled it */
    struct manifest_watermark *through;
    size_t through_count;
};

struct taking_store {
    struct text sid;
    uint32_t location;
};

/* A product as the inventory has it, and where its cells are. */
struct taking_item {
    struct text sid, upc, alu;
    size_t first_cell;
    uint32_t cell_count;
    bool touched; /* to be read again */
};
struct taking_cell {
    uint32_t location;
    int64_t milli;
};

/* What the server has shown of a register. */
struct taking_register {
    uint32_t location; /* whose it is */
    int64_t through;
};

struct taking {
    struct source *source;
    struct prism_client *client;
    const struct job_report *report;
    struct arena arena;
    struct arena page;                 /* of one answer */
    struct taking_location *locations; /* from 0 */
    size_t location_count, location_room;
    struct taking_store *stores;
    size_t store_count, store_room;
    struct intern *store_names; /* numbers from 1, as those below */
    uint32_t *store_locations;  /* by number */
    size_t store_name_room;
    struct intern *item_sids, *register_names;
    struct taking_item *items; /* by number; [0] is none */
    size_t item_room;
    struct taking_register *registers; /* by number */
    size_t register_room;
    struct taking_cell *cells;
    size_t cell_count, cell_room;
    struct prism_marks *seen;
    bool no_kind[PRISM_KIND_COUNT];         /* the server or our user's rights do not have it */
    bool no_store_filter[PRISM_KIND_COUNT]; /* the server cannot tell a store's own apart */
    bool plain_inventory;                   /* of the v1 dialect */
    int64_t server_ahead_us;                /* NEVER_US: not known */
    int64_t looked_us; /* the server's clock when the last look began, NEVER_US: no look yet */
    size_t touched;    /* items to be read again */
    uint64_t unknown_stores; /* figures of stores that are none of our locations */
    unsigned looks;
};

/* A request that failed in passing is tried again. Runs `ask` until it fails for good. */
struct taking_try {
    unsigned tries;
};
bool taking_try_again(struct taking *taking, struct taking_try *tried, enum status status,
                      const struct error *error);

/* Found or new; UINT32_MAX: none of ours. */
uint32_t taking_location_of(struct taking *taking, const struct prism_store *store);

/* ---- prism_snapshot_look.c: what the server knows ---- */
must_check enum status taking_find_stores(struct taking *taking, struct error *error);
/* Notes what is new since the look before: registers, touched items, noisy locations. Locations
 * that are not noisy are settled as of its beginning (`may_settle`). */
must_check enum status taking_look(struct taking *taking, bool may_settle, struct error *error);

/* ---- prism_snapshot_stock.c: the inventory ---- */
must_check enum status taking_read_inventory(struct taking *taking, struct error *error);
/* The touched items once more; cells of settled locations stay what they are. */
must_check enum status taking_read_touched(struct taking *taking, struct error *error);

/* ---- prism_snapshot_state.c: the statement ---- */
must_check enum status taking_describe_products(struct taking *taking, struct error *error);
must_check enum status taking_reset(struct taking *taking, struct buffer *summary_json,
                                    struct error *error);

#endif
