/* What a migration asks of PostgreSQL: whether a hub is connected, and that Citus spreads the
 * tables. Each on a connection of its own, which is not kept. */
#include "store/journal_postgres_migrate.h"

#include <poll.h>
#include <stdlib.h>

#include "store/journal_postgres_internal.h"

#define ENDING_TRIES 20
#define ENDING_PAUSE_MS 100

bool postgres_uri_has_password(const char *uri) {
    char *words = NULL;
    bool has = false;
    PQconninfoOption *given = PQconninfoParse(uri, &words);
    PQfreemem(words);
    for (const PQconninfoOption *o = given; o != NULL && o->keyword != NULL; o++)
        has |= (strcmp(o->keyword, "password") == 0 || strcmp(o->keyword, "sslpassword") == 0) &&
               o->val != NULL;
    PQconninfoFree(given);
    return has;
}

/* The one number that a text without arguments answers; 0 where it answers none. */
static enum status ask_number(struct pg_connection *connection, const char *text, long *number_out,
                              struct error *error) {
    PGresult *result = NULL;
    enum status status = pg_ask(connection, text, &result, error);
    *number_out = status == STATUS_OK && PQntuples(result) > 0
                      ? strtol(PQgetvalue(result, 0, 0), NULL, 10)
                      : 0;
    PQclear(result);
    return status;
}

enum status postgres_hubs_connected(const char *uri, unsigned *count_out, struct error *error) {
    struct pg_connection connection = {0};
    struct pg_server *server = NULL;
    long count = 0;
    enum status status = pg_server_new(uri, false, &server, error);
    if (status == STATUS_OK)
        status = pg_connect(&connection, server, error);
    for (int i = 0; status == STATUS_OK && i < ENDING_TRIES && (i == 0 || count > 0); i++) {
        if (i > 0)
            (void)poll(NULL, 0, ENDING_PAUSE_MS);
        status = ask_number(&connection, SQL_HUBS_CONNECTED, &count, error);
    }
    *count_out = (unsigned)count;
    pg_close(&connection);
    pg_server_free(server);
    return status;
}

/* ---- Citus ---- */

/* The first is what the others lie beside: all that has one `bkt` is on one node. */
static const struct {
    const char *is_distributed, *distribute;
} tables[] = {
#define X(name) {SQL_IS_DISTRIBUTED(name), SQL_DISTRIBUTE_BESIDE(name)},
    {SQL_IS_DISTRIBUTED("turn"), SQL_DISTRIBUTE_FIRST},
    X("schema_version") X("writer") X("ledger") X("statement") X("statement_state") X("correction")
        X("name") X("item")
#undef X
};

static enum status distribute_tables(struct pg_connection *connection, unsigned *tables_out,
                                     struct error *error) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && status == STATUS_OK; i++) {
        PGresult *result = NULL;
        long there = 0;
        status = ask_number(connection, tables[i].is_distributed, &there, error);
        if (status == STATUS_OK && there == 0) {
            status = pg_ask(connection, tables[i].distribute, &result, error);
            *tables_out += status == STATUS_OK;
        }
        PQclear(result);
    }
    return status;
}

enum status postgres_distribute(const char *uri, unsigned *tables_out, struct error *error) {
    struct pg_connection connection = {0};
    struct pg_server *server = NULL;
    PGresult *result = NULL;
    long citus = 0;
    enum status status = pg_server_new(uri, false, &server, error);
    if (status == STATUS_OK)
        status = pg_connect(&connection, server, error);
    if (status == STATUS_OK)
        status = ask_number(&connection, SQL_HAS_CITUS, &citus, error);
    if (status == STATUS_OK && citus == 0)
        status = error_set(error, STATUS_NOT_FOUND,
                           "%s has no Citus: install it on every node (postgresql-15-citus of "
                           "citusdata.com), put citus into shared_preload_libraries, restart, and "
                           "say CREATE EXTENSION citus in this database",
                           pg_server_name(server));
    if (status == STATUS_OK)
        status = pg_server_prepare_schema(server, false, error);
    /* Moving what is there takes as long as it takes. */
    if (status == STATUS_OK)
        status = pg_ask(&connection, SQL_NO_TIMEOUT, &result, error);
    PQclear(result);
    if (status == STATUS_OK)
        status = distribute_tables(&connection, tables_out, error);
    pg_close(&connection);
    pg_server_free(server);
    return status;
}
