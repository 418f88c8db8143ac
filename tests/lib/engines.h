/* What the suites that run against every engine share: an engine with a directory of its own. */
#ifndef ONHAND_TESTS_LIB_ENGINES_H
#define ONHAND_TESTS_LIB_ENGINES_H

#include "lib/keeper.h"
#include "lib/postgres.h"

struct engine_fixture {
    struct keeper *keeper;
    struct arena arena;
    char *directory;
};

extern bool engine_on_disk;            /* which engine the group runs against: SQLite or memory */
extern struct postgres *engine_server; /* instead of both: PostgreSQL, a database for each test */

/* cmocka's, with a struct engine_fixture; the store can be closed and opened again. */
int engine_set_up(void **state);
int engine_tear_down(void **state);

/* Events as keeper_event: a sale; a shipment by source 2 that stands until others acknowledge it.
 */
struct event engine_sale(const struct keeper *keeper, const char *id);
struct event engine_shipment(const struct keeper *keeper, const char *id, const char *document);
/* Of location 1, by source 1. */
struct statement engine_statement(int64_t as_of_us);

#endif
