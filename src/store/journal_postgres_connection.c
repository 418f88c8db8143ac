/* Connections to PostgreSQL: statements prepared once, always in pipeline mode, never waited for
 * without a limit, and every failure sorted into what has to be done about it. */
#include "store/journal_postgres_internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/timestamp.h"

/* Longer than the server's own limits below, so that it is the server that gives up first. */
#define ANSWER_TIMEOUT_US (20 * US_PER_SECOND)
#define CONNECTION_SETTINGS 24

static const char *const sql_texts[SQL_COUNT] = {
#define X(name, text) [SQL_##name] = (text),
    SQL_LIST(X)
#undef X
};

/* Said to each connection. A hub that hangs must not keep the turn from the others. */
static const char session_settings[] = "SET statement_timeout = '10s'; SET lock_timeout = '6s'; "
                                       "SET idle_in_transaction_session_timeout = '6s'; "
                                       "SET client_min_messages = 'error'; "
                                       "SET default_transaction_isolation = 'read committed'";

/* What is answered must be on disk, whatever the database's default; stronger ones stay. */
static const char session_durable[] =
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') IN ('off', 'local')";
static const char session_not_durable[] = "SET synchronous_commit = 'off'";

/* ---- where the server is ---- */

struct pg_server {
    char *uri;
    bool unsafe_no_sync;
    const char *keywords[CONNECTION_SETTINGS], *values[CONNECTION_SETTINGS];
    char name[160];
};

/* What the URI leaves open. */
static const struct {
    const char *keyword, *value;
} connection_defaults[] = {
    {"target_session_attrs", "read-write"}, {"connect_timeout", "4"},
    {"tcp_user_timeout", "10000"},          {"keepalives_idle", "15"},
    {"keepalives_interval", "5"},           {"keepalives_count", "3"},
    {"application_name", "onhand"},         {"client_encoding", "SQL_ASCII"},
};

static const char *option_value(const PQconninfoOption *options, const char *keyword) {
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val;
    return NULL;
}

static void fill_settings(struct pg_server *server, const PQconninfoOption *given) {
    size_t count = 0;
    server->keywords[count] = "dbname";
    server->values[count++] = server->uri;
    for (size_t i = 0; i < sizeof connection_defaults / sizeof connection_defaults[0]; i++) {
        if (option_value(given, connection_defaults[i].keyword) != NULL)
            continue;
        server->keywords[count] = connection_defaults[i].keyword;
        server->values[count++] = connection_defaults[i].value;
    }
    require(count < CONNECTION_SETTINGS);
    const char *host = option_value(given, "host"), *port = option_value(given, "port");
    const char *database = option_value(given, "dbname");
    (void)snprintf(server->name, sizeof server->name, "%s%s%s/%s",
                   host != NULL ? host : "the local socket", port != NULL ? ":" : "",
                   port != NULL ? port : "", database != NULL ? database : "");
}

enum status pg_server_new(const char *uri, bool unsafe_no_sync, struct pg_server **server_out,
                          struct error *error) {
    char *words = NULL;
    PQconninfoOption *given = PQconninfoParse(uri, &words);
    PQfreemem(words); /* they may quote the password */
    if (given == NULL)
        return error_set(error, STATUS_BAD_VALUE,
                         "store: not a URI that PostgreSQL's own programs take: say "
                         "postgresql://user@host:5432/database?sslmode=require");
    struct pg_server *server = memory_alloc_zero(1, sizeof *server);
    size_t size = strlen(uri) + 1;
    server->uri = memory_alloc(size);
    memcpy(server->uri, uri, size);
    server->unsafe_no_sync = unsafe_no_sync;
    fill_settings(server, given);
    PQconninfoFree(given);
    *server_out = server;
    return STATUS_OK;
}

void pg_server_free(struct pg_server *server) {
    if (server == NULL)
        return;
    free(server->uri);
    free(server);
}

const char *pg_server_name(const struct pg_server *server) {
    return server->name;
}

/* ---- failures ---- */

/* By class or whole code of SQLSTATE; what is not here would fail again. */
static const struct {
    const char *sqlstate;
    enum failure failure;
} failures[] = {
    {"40001", FAILURE_AGAIN}, {"40P01", FAILURE_AGAIN}, {"40003", FAILURE_AGAIN},
    {"55P03", FAILURE_AGAIN}, {"57014", FAILURE_AGAIN}, {"25006", FAILURE_LOST},
    {"23505", FAILURE_AGAIN}, {"XX000", FAILURE_AGAIN}, {"08", FAILURE_AGAIN},
    {"57P", FAILURE_LOST},    {"25P03", FAILURE_LOST},  {"53100", FAILURE_FULL},
    {"53", FAILURE_AGAIN},    {"58030", FAILURE_AGAIN},
};

static enum failure failure_of(const char *sqlstate) {
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (strncmp(sqlstate, failures[i].sqlstate, strlen(failures[i].sqlstate)) == 0)
            return failures[i].failure;
    return FAILURE_PERMANENT;
}

enum status failure_status(const struct pg_connection *connection) {
    switch (connection->failure) {
    case FAILURE_FULL:
        return STATUS_NO_SPACE;
    case FAILURE_PERMANENT:
        return STATUS_REFUSED;
    default:
        return STATUS_UNAVAILABLE;
    }
}

/* The first line of libpq's words: the rest repeats addresses. */
static int first_line(const char *words) {
    size_t length = strcspn(words, "\n");
    return (int)(length < 180 ? length : 180);
}

static enum status lost(struct pg_connection *connection, const char *why, struct error *error) {
    connection->failure = FAILURE_LOST;
    connection->sqlstate[0] = '\0';
    return error_set(error, STATUS_UNAVAILABLE, "PostgreSQL: %.*s", first_line(why), why);
}

static enum status refused(struct pg_connection *connection, const PGresult *result,
                           struct error *error) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate == NULL)
        return lost(connection, PQerrorMessage(connection->conn), error);
    (void)snprintf(connection->sqlstate, sizeof connection->sqlstate, "%s", sqlstate);
    connection->failure = failure_of(sqlstate);
    words = words != NULL ? words : "refused";
    return error_set(error, failure_status(connection), "PostgreSQL: %.*s (SQLSTATE %s)",
                     first_line(words), words, connection->sqlstate);
}

/* ---- opening ---- */

enum status pg_ask(struct pg_connection *connection, const char *text, PGresult **result_out,
                   struct error *error) {
    *result_out = PQexec(connection->conn, text);
    ExecStatusType outcome = PQresultStatus(*result_out);
    if (outcome == PGRES_COMMAND_OK || outcome == PGRES_TUPLES_OK)
        return STATUS_OK;
    return refused(connection, *result_out, error);
}

static enum status run(struct pg_connection *connection, const char *command, struct error *error) {
    PGresult *result;
    enum status status = pg_ask(connection, command, &result, error);
    PQclear(result);
    return status;
}

static enum status prepare_all(struct pg_connection *connection, struct error *error) {
    PGresult *results[SQL_COUNT] = {NULL};
    for (int i = 0; i < SQL_COUNT; i++) {
        char name[12];
        (void)snprintf(name, sizeof name, "s%d", i);
        if (PQsendPrepare(connection->conn, name, sql_texts[i], 0, NULL) != 1)
            return lost(connection, PQerrorMessage(connection->conn), error);
    }
    enum status status = pg_sync(connection, results, SQL_COUNT, error);
    for (int i = 0; i < SQL_COUNT; i++)
        PQclear(results[i]);
    return status;
}

enum status pg_connect(struct pg_connection *connection, const struct pg_server *server,
                       struct error *error) {
    connection->failure = FAILURE_NONE;
    connection->conn = PQconnectdbParams(server->keywords, server->values, 1);
    if (PQstatus(connection->conn) != CONNECTION_OK)
        return lost(connection, PQerrorMessage(connection->conn), error);
    enum status status = run(connection, session_settings, error);
    if (status == STATUS_OK)
        status =
            run(connection, server->unsafe_no_sync ? session_not_durable : session_durable, error);
    return status;
}

enum status pg_open(struct pg_connection *connection, const struct pg_server *server,
                    struct error *error) {
    if (connection->conn != NULL)
        return STATUS_OK;
    enum status status = pg_connect(connection, server, error);
    if (status == STATUS_OK &&
        (PQsetnonblocking(connection->conn, 1) != 0 || PQenterPipelineMode(connection->conn) != 1))
        status = lost(connection, PQerrorMessage(connection->conn), error);
    if (status == STATUS_OK)
        status = prepare_all(connection, error);
    if (status != STATUS_OK)
        pg_close(connection);
    return status;
}

void pg_close(struct pg_connection *connection) {
    if (connection->conn != NULL)
        PQfinish(connection->conn);
    connection->conn = NULL;
}

/* ---- asking ---- */

void pg_send(struct pg_connection *connection, enum sql sql, const struct parameters *parameters) {
    static const int binary[PARAMETERS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                               1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    char name[12];
    (void)snprintf(name, sizeof name, "s%d", (int)sql);
    if (connection->conn != NULL &&
        PQsendQueryPrepared(connection->conn, name, parameters->count, parameters->values,
                            parameters->lengths, binary, 1) != 1)
        connection->failure = FAILURE_LOST;
}

void pg_send_command(struct pg_connection *connection, const char *command) {
    if (connection->conn != NULL &&
        PQsendQueryParams(connection->conn, command, 0, NULL, NULL, NULL, NULL, 1) != 1)
        connection->failure = FAILURE_LOST;
}

/* Sends and receives until an answer is whole. */
static enum status wait_answer(struct pg_connection *connection, int64_t until_us,
                               struct error *error) {
    PGconn *conn = connection->conn;
    for (;;) {
        int unsent = PQflush(conn);
        if (unsent < 0)
            return lost(connection, PQerrorMessage(conn), error);
        if (unsent == 0 && PQisBusy(conn) == 0)
            return STATUS_OK;
        int64_t left_us = until_us - monotonic_us();
        if (left_us <= 0)
            return lost(connection, "no answer in time", error);
        struct pollfd wait = {.fd = PQsocket(conn),
                              .events = (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN)};
        (void)poll(&wait, 1, (int)(left_us / 1000) + 1);
        if ((wait.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && PQconsumeInput(conn) != 1)
            return lost(connection, PQerrorMessage(conn), error);
    }
}

static bool succeeded(const PGresult *result) {
    ExecStatusType outcome = PQresultStatus(result);
    return outcome == PGRES_COMMAND_OK || outcome == PGRES_TUPLES_OK;
}

/* One statement's answer; *result_out stays NULL where it failed. */
static enum status take_answer(struct pg_connection *connection, int64_t until_us,
                               PGresult **result_out, bool *at_end, struct error *error) {
    enum status status = STATUS_OK;
    for (bool any = false;; any = true) {
        status = wait_answer(connection, until_us, error);
        if (status != STATUS_OK)
            return status;
        PGresult *result = PQgetResult(connection->conn);
        if (result == NULL && any)
            return STATUS_OK;
        if (result == NULL && PQstatus(connection->conn) != CONNECTION_OK)
            return lost(connection, PQerrorMessage(connection->conn), error);
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            *at_end = true;
            return STATUS_OK;
        }
        if (succeeded(result) && *result_out == NULL) {
            *result_out = result;
            continue;
        }
        if (result != NULL && PQresultStatus(result) == PGRES_FATAL_ERROR &&
            connection->failure == FAILURE_NONE)
            (void)refused(connection, result, error);
        PQclear(result);
        if (PQstatus(connection->conn) != CONNECTION_OK) {
            if (connection->failure == FAILURE_NONE)
                return lost(connection, PQerrorMessage(connection->conn), error);
            connection->failure = FAILURE_LOST;
            return STATUS_UNAVAILABLE;
        }
    }
}

enum status pg_sync(struct pg_connection *connection, PGresult **results, size_t count,
                    struct error *error) {
    for (size_t i = 0; i < count; i++)
        results[i] = NULL;
    if (connection->conn == NULL || connection->failure == FAILURE_LOST ||
        PQpipelineSync(connection->conn) != 1) {
        const char *why = connection->conn != NULL ? PQerrorMessage(connection->conn) : "";
        enum status status = lost(connection, why[0] != '\0' ? why : "no connection", error);
        pg_close(connection);
        return status;
    }
    connection->failure = FAILURE_NONE;
    int64_t until_us = monotonic_us() + ANSWER_TIMEOUT_US;
    enum status status = STATUS_OK;
    bool at_end = false;
    for (size_t i = 0; !at_end && status == STATUS_OK; i++) {
        PGresult *surplus = NULL;
        status =
            take_answer(connection, until_us, i < count ? &results[i] : &surplus, &at_end, error);
        PQclear(surplus);
    }
    if (status == STATUS_OK && connection->failure != FAILURE_NONE)
        status = failure_status(connection);
    if (connection->failure == FAILURE_LOST)
        pg_close(connection);
    return status;
}

enum status pg_query(struct pg_connection *connection, enum sql sql,
                     const struct parameters *parameters, PGresult **result_out,
                     struct error *error) {
    connection->failure = FAILURE_NONE;
    pg_send(connection, sql, parameters);
    enum status status = pg_sync(connection, result_out, 1, error);
    if (status != STATUS_OK) {
        PQclear(*result_out);
        *result_out = NULL;
    }
    return status;
}

/* ---- tables ---- */

#define SCHEMA_VERSION 1
#define SCHEMA_ATTEMPTS 10

static enum status read_schema(struct pg_connection *connection, bool *there_out,
                               struct error *error) {
    PGresult *result = PQexec(connection->conn, SQL_SCHEMA);
    enum status status = STATUS_OK;
    *there_out = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    if (*there_out) {
        long version = strtol(PQgetvalue(result, 0, 0), NULL, 10);
        long from = strtol(PQgetvalue(result, 0, 1), NULL, 10);
        if (from > SCHEMA_VERSION)
            status = error_set(error, STATUS_NEWER,
                               "the database is of version %ld, which needs a hub that knows "
                               "version %ld; this one knows %d: install the newer onhand",
                               version, from, SCHEMA_VERSION);
    } else if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        bool missing =
            sqlstate != NULL && (strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "3F000") == 0);
        if (!missing)
            status = refused(connection, result, error);
    }
    PQclear(result);
    return status;
}

static enum status make_schema(struct pg_connection *connection, struct error *error) {
    enum status status = run(connection, "BEGIN", error);
    if (status == STATUS_OK)
        status = run(connection, SQL_SCHEMA_1 SQL_NOTE_SCHEMA ";" SQL_FIRST_CHAPTER, error);
    if (status == STATUS_OK)
        return run(connection, "COMMIT", error);
    struct error ignored;
    enum failure failure = connection->failure;
    char sqlstate[sizeof connection->sqlstate];
    memcpy(sqlstate, connection->sqlstate, sizeof sqlstate);
    (void)!run(connection, "ROLLBACK", &ignored);
    connection->failure = failure;
    memcpy(connection->sqlstate, sqlstate, sizeof sqlstate);
    return status;
}

/* Two hubs that start on an empty database make the same tables: one of them is told that they
 * exist, and looks again. */
static bool made_by_another(const struct pg_connection *connection) {
    return connection->failure == FAILURE_AGAIN || strcmp(connection->sqlstate, "42P07") == 0 ||
           strcmp(connection->sqlstate, "42P06") == 0 || strcmp(connection->sqlstate, "XX000") == 0;
}

enum status pg_server_prepare_schema(struct pg_server *server, bool read_only,
                                     struct error *error) {
    struct pg_connection connection = {0};
    enum status status = pg_connect(&connection, server, error);
    for (int attempt = 0; status == STATUS_OK; attempt++) {
        bool there;
        status = read_schema(&connection, &there, error);
        if (status != STATUS_OK || there)
            break;
        if (read_only)
            status = error_set(error, STATUS_NOT_FOUND, "%s has no tables of onhand",
                               pg_server_name(server));
        else
            status = make_schema(&connection, error);
        if (status != STATUS_OK && attempt < SCHEMA_ATTEMPTS && made_by_another(&connection)) {
            (void)poll(NULL, 0, 50);
            status = STATUS_OK;
        }
    }
    pg_close(&connection);
    return status;
}
