/* The stores and registers of a source, as health.c notes and health_keep.c saves them. */
#ifndef ONHAND_POS_PRISM_HEALTH_INTERNAL_H
#define ONHAND_POS_PRISM_HEALTH_INTERNAL_H

#include <pthread.h>

#include "base/intern.h"
#include "pos/prism_gaps.h"
#include "pos/prism_health.h"
#include "schedule/opening.h"

struct register_health {
    struct text name; /* in the intern table */
    struct gaps gaps;
    int64_t occurred_us, received_us; /* of its newest document; NEVER_US */
    /* The smallest delay of what was pushed, now and in the window before: below zero, or nearly so
     * for a short way, it is the clock. INT64_MAX: nothing. */
    int64_t least_us, least_before_us, window_us;
    struct register_health *next; /* of the same store */
};

struct store_health {
    struct text location;             /* in the intern table */
    int64_t occurred_us, received_us; /* of its newest document; NEVER_US */
    int64_t heard_us;                 /* when anything last came; of a new one, when it was made */
    int64_t silent_us;                /* silent since then; NEVER_US: it is not */
    uint64_t documents;               /* since it is known */
    bool is_dirty;
    struct zone *zone; /* borrowed from `zones`; NULL: not looked for yet */
    struct register_health *registers;
};

struct prism_health {
    struct hub *hub;
    const struct config_source *config;
    struct opening opening;
    bool has_opening;
    struct text item_kind; /* "health:NAME" */
    struct arena arena;
    pthread_mutex_t lock;
    struct intern *locations; /* number of a location = index in stores */
    struct store_health *stores;
    size_t store_room;
    struct intern *registers; /* their names, with a location each: "NY01/NY01-2" */
    struct register_health **register_list;
    size_t register_room;
    struct intern *zone_names;
    struct zone **zones;
    size_t zone_room;
    int64_t saved_us;
};

/* NULL: there are too many already. */
struct store_health *health_store(struct prism_health *health, struct text location);
struct register_health *health_register(struct prism_health *health, struct store_health *store,
                                        struct text name);

/* As the API shows it and as it is saved. Under the lock. */
void health_write_store(struct json_writer *w, const struct store_health *store);

must_check enum status health_load(struct prism_health *health, struct error *error);
must_check enum status health_save(struct prism_health *health, struct error *error);

#endif
