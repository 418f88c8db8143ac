/* See engines.h. */
#include "lib/engines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "lib/scratch.h"

bool engine_on_disk;
struct postgres *engine_server;

/* The same one for every test: to make one takes longer than to empty it. */
static char *empty_database(void) {
    char *url = postgres_url(engine_server);
    PGconn *connection = PQconnectdb(url);
    PQclear(PQexec(connection, "SET client_min_messages = 'error'"));
    PGresult *result = PQexec(connection, "DROP SCHEMA IF EXISTS onhand CASCADE");
    require(PQresultStatus(result) == PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(connection);
    return url;
}

int engine_set_up(void **state) {
    struct engine_fixture *f = memory_alloc_zero(1, sizeof *f);
    char uri[512];
    char *database = engine_server != NULL ? empty_database() : NULL;
    f->directory = scratch_new();
    if (database != NULL)
        snprintf(uri, sizeof uri, "%s", database);
    else
        snprintf(uri, sizeof uri, "%s%s", engine_on_disk ? "sqlite:" : "memory:", f->directory);
    free(database);
    f->keeper = keeper_new(uri);
    if (engine_server != NULL) {
        f->keeper->options.directory = f->directory;
        keeper_reopen(f->keeper);
    }
    *state = f;
    return 0;
}

int engine_tear_down(void **state) {
    struct engine_fixture *f = *state;
    keeper_free(f->keeper);
    arena_deinit(&f->arena);
    store_forget_memory(f->directory);
    scratch_free(f->directory);
    free(f);
    return 0;
}

struct event engine_sale(const struct keeper *k, const char *id) {
    struct event event = keeper_event(k);
    event.id = text_from(id);
    return event;
}

struct event engine_shipment(const struct keeper *k, const char *id, const char *document) {
    struct event event = keeper_event(k);
    event.type = EVENT_SHIPMENT;
    event.source = 2;
    event.id = text_from(id);
    event.document = text_from(document);
    event.standing = event_default_standing(EVENT_SHIPMENT);
    return event;
}

struct statement engine_statement(int64_t as_of_us) {
    return (struct statement){.location = 1, .source = 1, .as_of_us = as_of_us};
}
