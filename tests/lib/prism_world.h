/* A hub in memory with one source called "prism", for tests of what its documents do. */
#ifndef ONHAND_TESTS_LIB_PRISM_WORLD_H
#define ONHAND_TESTS_LIB_PRISM_WORLD_H

#include "hub/hub.h"
#include "pos/prism_take.h"
#include "pos/sources_view.h"
#include "schedule/jobs.h"

struct prism_world {
    struct store *store;
    struct config *config;
    struct hub *hub;
    struct jobs *jobs;
    struct sources *sources;
    struct source *source;
    struct arena arena;
    struct prism_taken taken; /* of the last call, in the arena */
    struct error error;
};

extern int64_t prism_world_now_us; /* the clock of all of them */

/* `more` are lines of the source's configuration, "stores: {...}, opening: ..."; `top` whole lines
 * of the configuration. Either may be "". With a name ("memory:NAME") it can be opened again. */
void prism_world_open(struct prism_world *world, const char *uri, const char *top,
                      const char *more);
void prism_world_close(struct prism_world *world);

/* Fails the test unless all of it was taken. Apostrophes in the text are quotes. */
void prism_world_take(struct prism_world *world, enum prism_way way, const char *json);
void prism_world_take_as(struct prism_world *world, const struct access *access, enum prism_way way,
                         const char *json);
/* "applied -1; parked unknown_location" of the last call; in the arena. */
const char *prism_world_told(struct prism_world *world);
/* In thousandths; by any identifier. Fails the test where the product is not known. */
int64_t prism_world_on_hand(struct prism_world *world, const char *location, const char *type,
                            const char *value);
size_t prism_world_parked(struct prism_world *world);

#endif
