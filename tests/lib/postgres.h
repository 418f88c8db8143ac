/* A real PostgreSQL server for a test program: started once, empty, gone when the program ends,
 * even when it is killed (tests/helpers/postgres.c holds the server and watches for that).
 *
 *     int main(void) {
 *         struct postgres *server = postgres_start(NULL);
 *         if (server == NULL)
 *             return POSTGRES_SKIP; // says why on stderr; Meson counts it as skipped
 *
 * Every test takes a database of its own from postgres_new_database(). */
#ifndef ONHAND_TESTS_LIB_POSTGRES_H
#define ONHAND_TESTS_LIB_POSTGRES_H

enum { POSTGRES_SKIP = 77 };

struct postgres;

/* NULL where PostgreSQL is not installed; ends the program when it does not start. `settings`:
 * NULL, or lines for postgresql.conf ("max_connections=10"), NULL-terminated, up to 30. */
struct postgres *postgres_start(const char *const *settings);
void postgres_free(struct postgres *server);

/* "postgresql://onhand:PASSWORD@127.0.0.1:PORT/DATABASE"; for the superuser, replace the first
 * onhand by postgres. To be freed. The first database is there from the start. */
char *postgres_url(const struct postgres *server);
char *postgres_new_database(struct postgres *server);

/* "stop" in good order, "crash" as in a power cut, "start" again with the same URLs. */
void postgres_order(struct postgres *server, const char *order);

#endif
