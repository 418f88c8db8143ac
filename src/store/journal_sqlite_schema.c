/* The schema of onhand.db, and the steps that lead to it from every earlier version.
 *
 * A step, once released, never changes: a change is a new step at the end of the table. All steps
 * that a file needs run in one transaction, so a file has one version or the other. Quantities are
 * in thousandths, times in microseconds since 1970; the views say both in words, for a person with
 * nothing but the sqlite3 command at hand. */
#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "store/journal_sqlite_internal.h"
#include "store/ledger_text.h"

/* No index on the ledger but its sequence: keys in random order would cost it twenty times its
 * speed. A row names the previous row of its cell instead. */
static const char step_tables[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE ledger(seq INTEGER PRIMARY KEY, location INTEGER, product INTEGER,"
    " previous INTEGER, type INTEGER, status INTEGER, source INTEGER, id TEXT, delta INTEGER,"
    " on_hand INTEGER, reserved INTEGER, on_hand_change INTEGER, reserved_change INTEGER,"
    " occurred_at INTEGER, received_at INTEGER, register INTEGER, sequence INTEGER,"
    " document TEXT, \"order\" TEXT, reason TEXT, acknowledges TEXT, flags INTEGER,"
    " request INTEGER);"
    "CREATE TABLE statement(id INTEGER PRIMARY KEY, location INTEGER, source INTEGER,"
    " as_of INTEGER, names_absent INTEGER, through TEXT, reset TEXT, state INTEGER,"
    " row_count INTEGER, applied_seq INTEGER, applied_at INTEGER, rolled_back_at INTEGER);"
    "CREATE TABLE statement_rows(statement INTEGER PRIMARY KEY, packed BLOB);"
    "CREATE TABLE correction(first_seq INTEGER PRIMARY KEY, corrected INTEGER, statement INTEGER,"
    " location INTEGER, kind INTEGER, at INTEGER, packed BLOB);"
    "CREATE INDEX correction_by_statement ON correction(statement);"
    "CREATE TABLE name(kind TEXT, number INTEGER, name TEXT, PRIMARY KEY(kind, number))"
    " WITHOUT ROWID;"
    "CREATE TABLE location(number INTEGER PRIMARY KEY, code TEXT);"
    "CREATE TABLE product(number INTEGER PRIMARY KEY);"
    "CREATE TABLE identifier(rowid INTEGER PRIMARY KEY, product INTEGER, type TEXT, value TEXT);"
    "CREATE INDEX identifier_by_product ON identifier(product);"
    "CREATE TABLE item(kind TEXT, key, value, PRIMARY KEY(kind, key)) WITHOUT ROWID;";

#define TIME_WORDS(column)                                                                         \
    "strftime('%Y-%m-%dT%H:%M:%S', " column " / 1000000, 'unixepoch') || "                         \
    "printf('.%06dZ', " column " % 1000000)"
#define NAME_OF(kind, number)                                                                      \
    "(SELECT n.name FROM name n WHERE n.kind = '" kind "' AND n.number = " number ")"
#define PRODUCT_WORDS(number)                                                                      \
    "(SELECT i.value FROM identifier i WHERE i.product = " number " ORDER BY i.rowid LIMIT 1)"

/* For people with sqlite3 in their hands: words for numbers, units for milli-units, times as text.
 * Kept by hand: the formatter would put every piece of a sentence under the one before. */
/* clang-format off */
#define LEDGER_READABLE \
    "CREATE VIEW ledger_readable AS SELECT l.seq, p.code AS location, " \
    PRODUCT_WORDS("l.product") " AS product," \
    " CASE l.type WHEN 0 THEN 'sale' WHEN 1 THEN 'return' WHEN 2 THEN 'receipt'" \
    " WHEN 3 THEN 'transfer_in' WHEN 4 THEN 'transfer_out' WHEN 5 THEN 'damage'" \
    " WHEN 6 THEN 'adjustment' WHEN 7 THEN 'reservation' WHEN 8 THEN 'release'" \
    " WHEN 9 THEN 'shipment' WHEN 100 THEN 'acknowledgement'" \
    " WHEN 101 THEN 'acknowledgement_effect' ELSE l.type END AS type," \
    " CASE l.status WHEN 0 THEN 'applied' WHEN 1 THEN 'covered' WHEN 2 THEN 'acknowledged'" \
    " ELSE l.status END AS status, " \
    NAME_OF("source", "l.source") " AS source, l.id," \
    " l.delta / 1000.0 AS delta, l.on_hand_change / 1000.0 AS on_hand_change," \
    " l.reserved_change / 1000.0 AS reserved_change," \
    " l.on_hand / 1000.0 AS on_hand, l.reserved / 1000.0 AS reserved, " \
    TIME_WORDS("l.occurred_at") " AS occurred_at, " \
    TIME_WORDS("l.received_at") " AS received_at, " \
    NAME_OF("register", "l.register") " AS register, l.sequence," \
    " l.document, l.\"order\", l.reason, l.acknowledges, l.previous, l.request" \
    " FROM ledger l LEFT JOIN location p ON p.number = l.location;"

static const char step_views[] =
    LEDGER_READABLE
    "CREATE VIEW statement_readable AS SELECT s.id, p.code AS location, "
    NAME_OF("source", "s.source") " AS source, "
    TIME_WORDS("s.as_of") " AS as_of, s.reset,"
    " CASE s.state WHEN 0 THEN 'held' WHEN 1 THEN 'applied' WHEN 2 THEN 'stale'"
    " WHEN 3 THEN 'rejected' WHEN 4 THEN 'rolled_back' ELSE s.state END AS state,"
    " s.row_count, s.names_absent, s.through, s.applied_seq, "
    TIME_WORDS("s.applied_at") " AS applied_at, "
    TIME_WORDS("s.rolled_back_at") " AS rolled_back_at"
    " FROM statement s LEFT JOIN location p ON p.number = s.location;"
    "CREATE VIEW correction_readable AS SELECT c.first_seq, c.corrected, c.statement,"
    " p.code AS location, CASE c.kind WHEN 2 THEN 'reset' WHEN 3 THEN 'rollback'"
    " ELSE c.kind END AS kind, " TIME_WORDS("c.at") " AS at"
    " FROM correction c LEFT JOIN location p ON p.number = c.location;"
    "CREATE VIEW product_readable AS SELECT i.product AS number, i.type, i.value"
    " FROM identifier i ORDER BY i.product, i.rowid;";

#define FIELD(number) "json_extract(r.value, '$[" #number "]')"

/* Groups of rows, by the numbers of enum ledger_field. The rows from before have a table of their
 * own; the name of the whole stays what it was. */
static const char step_groups[] =
    "DROP VIEW ledger_readable;"
    "ALTER TABLE ledger RENAME TO ledger_single;"
    "CREATE TABLE ledger_group(first_seq INTEGER PRIMARY KEY, row_count INTEGER,"
    " base_at INTEGER, rows TEXT);"
    "CREATE VIEW ledger(" LEDGER_COLUMNS ") AS SELECT " LEDGER_COLUMNS " FROM ledger_single"
    " UNION ALL SELECT g.first_seq + r.key, nullif(" FIELD(0) ", 0), nullif(" FIELD(1) ", 0),"
    " nullif(" FIELD(2) ", 0), " FIELD(3) ", " FIELD(4) ", nullif(" FIELD(5) ", 0), " FIELD(6) ", "
    FIELD(7) ", " FIELD(8) ", " FIELD(9) ", " FIELD(10) ", " FIELD(11) ","
    " g.base_at + " FIELD(12) ", g.base_at + " FIELD(13) ", nullif(" FIELD(16) ", 0),"
    " nullif(" FIELD(17) ", iif(" FIELD(16) " <> 0, NULL, 0)), " FIELD(18) ", " FIELD(19) ", "
    FIELD(20) ", " FIELD(21) ", " FIELD(14) ", nullif(" FIELD(15) ", 0)"
    " FROM ledger_group g, json_each(g.rows) r;"
    LEDGER_READABLE;
/* clang-format on */
_Static_assert(FIELD_FLAGS == 14 && FIELD_REGISTER == 16 && FIELD_COUNT == 22, "the view ledger");

/* Step i leads from version i to i + 1. */
static const char *const steps[] = {step_tables, step_views, step_groups};
const int schema_version = sizeof steps / sizeof steps[0];

enum status schema_new_ledger_id(struct connection *connection, struct error *error) {
    unsigned char random[16];
    char hex[sizeof random * 2 + 1], sql[128];
    random_bytes(random, sizeof random);
    hex_encode(random, sizeof random, hex);
    snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO meta(key, value) VALUES ('ledger_id', '%s')",
             hex);
    return connection_run(connection, sql, error);
}

enum status schema_read_ledger_id(struct connection *connection, char ledger_id[33],
                                  struct error *error) {
    sqlite3_stmt *statement;
    int result = sqlite3_prepare_v2(
        connection->db, "SELECT value FROM meta WHERE key = 'ledger_id'", -1, &statement, NULL);
    if (result != SQLITE_OK) {
        return connection_error(connection, result, error);
    }
    bool row;
    enum status status = statement_next(connection, statement, &row, error);
    struct text id = status == STATUS_OK && row ? column_text(statement, 0) : TEXT("");
    if (status == STATUS_OK && id.length != 32) {
        status =
            error_set(error, STATUS_CORRUPT, "%s: the ledger has no identity", connection->path);
    } else if (status == STATUS_OK) {
        memcpy(ledger_id, id.data, 32);
        ledger_id[32] = '\0';
    }
    sqlite3_finalize(statement);
    return status;
}

static enum status migrate_steps(struct connection *connection, int version, struct error *error) {
    enum status status = STATUS_OK;
    for (int i = version; status == STATUS_OK && i < schema_version; i++) {
        status = connection_run(connection, steps[i], error);
    }
    if (status == STATUS_OK && version == 0) {
        status = schema_new_ledger_id(connection, error);
    }
    if (status == STATUS_OK) {
        char sql[96];
        snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                 SCHEMA_APPLICATION_ID, schema_version);
        status = connection_run(connection, sql, error);
    }
    return status;
}

static enum status migrate(struct connection *connection, int version, struct error *error) {
    enum status status = connection_run(connection, "BEGIN IMMEDIATE", error);
    if (status != STATUS_OK) {
        return status;
    }
    status = migrate_steps(connection, version, error);
    if (status == STATUS_OK) {
        status = connection_run(connection, "COMMIT", error);
    }
    if (status != STATUS_OK && !sqlite3_get_autocommit(connection->db)) {
        (void)sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

enum status schema_prepare(struct connection *connection, bool read_only, struct error *error) {
    int64_t application, version, tables;
    enum status status =
        connection_number(connection, "SELECT count(*) FROM sqlite_schema", &tables, error);
    if (status == STATUS_OK) {
        status = connection_number(connection, "PRAGMA application_id", &application, error);
    }
    if (status == STATUS_OK) {
        status = connection_number(connection, "PRAGMA user_version", &version, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    bool empty = tables == 0 && application == 0 && version == 0;
    if (!empty && application != SCHEMA_APPLICATION_ID) {
        return error_set(error, STATUS_CORRUPT,
                         "%s is a database of another program: give onhand a directory of its own",
                         connection->path);
    }
    if (version > schema_version) {
        return error_set(error, STATUS_NEWER,
                         "%s has schema version %" PRId64 ", this onhand knows versions up to %d: "
                         "start the newer onhand, or restore a backup made before the upgrade",
                         connection->path, version, schema_version);
    }
    if (version == schema_version) {
        return STATUS_OK;
    }
    if (read_only) {
        return error_set(error, STATUS_CONFLICT,
                         "%s has schema version %" PRId64 ", this onhand needs %d: start the hub "
                         "once, which migrates it",
                         connection->path, version, schema_version);
    }
    require(version >= 0);
    return migrate(connection, (int)version, error);
}
