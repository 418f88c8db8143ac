/* Every SQL text that is said to PostgreSQL, by name: one place for people and for tools to check.
 *
 * The shapes allowed: every table begins its primary key with `bkt`; every statement that writes
 * names one bucket, `bkt = $1` or a first value of $1, and a transaction names no second one; no
 * sequences, no advisory locks, no clock of the server. So the same texts run on one PostgreSQL,
 * on Citus (all tables distributed by `bkt`), and on what else speaks the protocol. Reads that do
 * not know their bucket fan out, and are those of names, documents and starts. */
#ifndef ONHAND_STORE_JOURNAL_POSTGRES_SQL_H
#define ONHAND_STORE_JOURNAL_POSTGRES_SQL_H

#define TURN_COLUMNS                                                                               \
    "chapter, opened_batch, opened_seq, opened_statement, closed, hub, batch, last_seq, "          \
    "last_statement, name_batch, item_batch, statement_batch, correction_seq"

#define SQL_LIST(X)                                                                                \
    /* ---- turns ---- */                                                                          \
    X(TURNS, "SELECT " TURN_COLUMNS " FROM onhand.turn WHERE chapter >= $1 ORDER BY chapter")      \
    X(LOOK, "SELECT " TURN_COLUMNS " FROM onhand.turn WHERE bkt = $1 AND chapter = $2")            \
    X(TAKE_TURN,                                                                                   \
      "SELECT " TURN_COLUMNS " FROM onhand.turn WHERE bkt = $1 AND chapter = $2 FOR UPDATE")       \
    X(OPEN_CHAPTER,                                                                                \
      "INSERT INTO onhand.turn (bkt, " TURN_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "   \
      "$9, $10, $11, $12, $13, $14) ON CONFLICT (bkt, chapter) DO NOTHING")                        \
    X(END_TURN, "UPDATE onhand.turn SET closed = $3, hub = $4, batch = $5, last_seq = $6, "        \
                "last_statement = $7, name_batch = $8, item_batch = $9, statement_batch = $10, "   \
                "correction_seq = $11 "                                                            \
                "WHERE bkt = $1 AND chapter = $2")                                                 \
    X(SIGN_BATCH, "INSERT INTO onhand.writer (bkt, hub, batch) VALUES ($1, $2, $3) "               \
                  "ON CONFLICT (bkt, hub) DO UPDATE SET batch = EXCLUDED.batch")                   \
    X(LAST_SIGNED, "SELECT batch FROM onhand.writer WHERE bkt = $1 AND hub = $2")                  \
    /* ---- the ledger ---- */                                                                     \
    X(ADD_GROUPS, "INSERT INTO onhand.ledger (bkt, first_seq, row_count, base_us, entries) "       \
                  "SELECT $1::smallint, * FROM unnest($2::bigint[], $3::integer[], $4::bigint[], " \
                  "$5::bytea[])")                                                                  \
    X(READ_GROUP, "SELECT first_seq, row_count, base_us, entries FROM onhand.ledger "              \
                  "WHERE bkt = $1 AND first_seq <= $2 ORDER BY first_seq DESC LIMIT 1")            \
    X(SCAN_GROUPS,                                                                                 \
      "SELECT first_seq, row_count, base_us, entries FROM onhand.ledger "                          \
      "WHERE bkt = $1 AND first_seq > $2 AND first_seq <= $3 ORDER BY first_seq LIMIT $4")         \
    /* ---- statements and corrections ---- */                                                     \
    X(ADD_STATEMENT,                                                                               \
      "INSERT INTO onhand.statement (bkt, id, location, source, as_of_us, names_absent, through, " \
      "reset, row_count, packed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")                \
    X(SCAN_STATEMENTS,                                                                             \
      "SELECT id, location, source, as_of_us, names_absent, through, reset, row_count "            \
      "FROM onhand.statement WHERE bkt = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4")        \
    X(READ_PACKED, "SELECT packed FROM onhand.statement WHERE bkt = $1 AND id = $2")               \
    X(ADD_STATE, "INSERT INTO onhand.statement_state (bkt, statement, batch, state, applied_seq, " \
                 "applied_at_us, rolled_back_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7)")          \
    X(SCAN_STATES,                                                                                 \
      "SELECT statement, state, applied_seq, applied_at_us, rolled_back_at_us "                    \
      "FROM onhand.statement_state WHERE bkt = $1 AND batch > $2 AND batch <= $3 ORDER BY batch")  \
    X(ADD_CORRECTION,                                                                              \
      "INSERT INTO onhand.correction (bkt, first_seq, corrected_count, statement, location, "      \
      "kind, at_us, packed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")                              \
    X(SCAN_CORRECTIONS,                                                                            \
      "SELECT first_seq, corrected_count, statement, location, kind, at_us, packed "               \
      "FROM onhand.correction WHERE bkt = $1 AND first_seq > $2 AND first_seq <= $3 "              \
      "ORDER BY first_seq LIMIT $4")                                                               \
    X(FIND_CORRECTION,                                                                             \
      "SELECT first_seq, corrected_count, statement, location, kind, at_us, packed "               \
      "FROM onhand.correction WHERE bkt = $1 AND first_seq <= $2 "                                 \
      "ORDER BY first_seq DESC LIMIT 1")                                                           \
    X(CORRECTIONS_OF,                                                                              \
      "SELECT first_seq, corrected_count, statement, location, kind, at_us, packed "               \
      "FROM onhand.correction WHERE statement = $1 ORDER BY first_seq")                            \
    /* ---- names and documents ---- */                                                            \
    X(ADD_NAMES, "INSERT INTO onhand.name (bkt, batch, place, kind, number, word, value) "         \
                 "SELECT $1::smallint, $2::bigint, * FROM unnest($3::integer[], $4::integer[], "   \
                 "$5::bigint[], $6::bytea[], "                                                     \
                 "$7::bytea[])")                                                                   \
    X(SCAN_NAMES, "SELECT batch, place, kind, number, word, value FROM onhand.name "               \
                  "WHERE bkt = $1 AND (batch, place) > ($2, $3) AND batch <= $4 "                  \
                  "ORDER BY batch, place LIMIT $5")                                                \
    X(PUT_ITEMS,                                                                                   \
      "INSERT INTO onhand.item (bkt, batch, kind, key, value) "                                    \
      "SELECT $1::smallint, $2::bigint, * FROM unnest($3::bytea[], $4::bytea[], $5::bytea[]) "     \
      "ON CONFLICT (bkt, kind, key) DO UPDATE SET batch = EXCLUDED.batch, value = EXCLUDED.value") \
    X(CHANGED_ITEMS,                                                                               \
      "SELECT kind, key, value FROM onhand.item WHERE bkt = $1 AND batch > $2 AND batch <= $3 "    \
      "ORDER BY batch")                                                                            \
    X(GET_ITEM,                                                                                    \
      "SELECT value FROM onhand.item WHERE kind = $1 AND key = $2 ORDER BY batch DESC LIMIT 1")    \
    /* the ledger's id is of one database and goes nowhere with what is moved */                   \
    X(ITEM_KINDS, "SELECT DISTINCT kind FROM onhand.item WHERE kind <> 'ledger' ORDER BY kind")    \
    X(SCAN_ITEMS_UP, "SELECT key, value FROM onhand.item WHERE kind = $1 AND key > $2 "            \
                     "ORDER BY key, batch DESC LIMIT $3")                                          \
    X(SCAN_ITEMS_DOWN,                                                                             \
      "SELECT key, value FROM onhand.item WHERE kind = $1 AND ($2::bytea IS NULL OR key < $2) "    \
      "ORDER BY key DESC, batch DESC LIMIT $3")                                                    \
    X(ADD_LEDGER_ID, "INSERT INTO onhand.item (bkt, batch, kind, key, value) "                     \
                     "VALUES ($1, 0, $2, $3, $4) ON CONFLICT (bkt, kind, key) DO NOTHING")         \
    /* ---- about the store ---- */                                                                \
    X(SIZE, "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c "                   \
            "JOIN pg_namespace n ON n.oid = c.relnamespace "                                       \
            "WHERE n.nspname = 'onhand' AND c.relkind = 'r'")

/* Not prepared: said once, when a connection or a store opens. */
#define SQL_SCHEMA "SELECT version, compatible_from FROM onhand.schema_version WHERE bkt = 0"
#define SQL_NOTE_SCHEMA                                                                            \
    "INSERT INTO onhand.schema_version (bkt, version, compatible_from) VALUES (0, 1, 1) "          \
    "ON CONFLICT (bkt) DO NOTHING"
/* Of `onhand migrate`: other hubs on this database; their names are not hidden from each other. */
#define SQL_HUBS_CONNECTED                                                                         \
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "                    \
    "AND application_name = 'onhand' AND pid <> pg_backend_pid()"
#define SQL_NO_TIMEOUT "SET statement_timeout = 0"
#define SQL_HAS_CITUS "SELECT count(*) FROM pg_extension WHERE extname = 'citus'"
#define SQL_IS_DISTRIBUTED(table)                                                                  \
    "SELECT count(*) FROM pg_dist_partition WHERE logicalrel = 'onhand." table "'::regclass"
#define SQL_DISTRIBUTE_FIRST "SELECT create_distributed_table('onhand.turn', 'bkt')"
#define SQL_DISTRIBUTE_BESIDE(table)                                                               \
    "SELECT create_distributed_table('onhand." table "', 'bkt', colocate_with => 'onhand.turn')"
#define SQL_FIRST_CHAPTER                                                                          \
    "INSERT INTO onhand.turn (bkt, chapter) VALUES (0, 0) ON CONFLICT (bkt, chapter) DO NOTHING"

/* Migrations add: what an older hub says keeps its meaning while a newer one runs beside it. */
#define SQL_SCHEMA_1                                                                               \
    "CREATE SCHEMA IF NOT EXISTS onhand;"                                                          \
    "CREATE TABLE IF NOT EXISTS onhand.schema_version (bkt smallint NOT NULL, "                    \
    "version integer NOT NULL, compatible_from integer NOT NULL, PRIMARY KEY (bkt));"              \
    "CREATE TABLE IF NOT EXISTS onhand.turn (bkt smallint NOT NULL, chapter integer NOT NULL, "    \
    "opened_batch bigint NOT NULL DEFAULT 0, opened_seq bigint NOT NULL DEFAULT 0, "               \
    "opened_statement bigint NOT NULL DEFAULT 0, closed boolean NOT NULL DEFAULT false, "          \
    "hub bytea NOT NULL DEFAULT ''::bytea, batch bigint NOT NULL DEFAULT 0, "                      \
    "last_seq bigint NOT NULL DEFAULT 0, last_statement bigint NOT NULL DEFAULT 0, "               \
    "name_batch bigint NOT NULL DEFAULT 0, item_batch bigint NOT NULL DEFAULT 0, "                 \
    "statement_batch bigint NOT NULL DEFAULT 0, correction_seq bigint NOT NULL DEFAULT 0, "        \
    "PRIMARY KEY (bkt, chapter)) WITH (fillfactor = 20);"                                          \
    "CREATE TABLE IF NOT EXISTS onhand.writer (bkt smallint NOT NULL, hub bytea NOT NULL, "        \
    "batch bigint NOT NULL, PRIMARY KEY (bkt, hub)) WITH (fillfactor = 20);"                       \
    "CREATE TABLE IF NOT EXISTS onhand.ledger (bkt smallint NOT NULL, first_seq bigint NOT NULL, " \
    "row_count integer NOT NULL, base_us bigint NOT NULL, entries bytea NOT NULL, "                \
    "PRIMARY KEY (bkt, first_seq));"                                                               \
    "ALTER TABLE onhand.ledger ALTER COLUMN entries SET STORAGE EXTERNAL;"                         \
    "CREATE TABLE IF NOT EXISTS onhand.statement (bkt smallint NOT NULL, id bigint NOT NULL, "     \
    "location bigint NOT NULL, source bigint NOT NULL, as_of_us bigint NOT NULL, "                 \
    "names_absent boolean NOT NULL, through text NOT NULL, reset bytea NOT NULL, "                 \
    "row_count bigint NOT NULL, packed bytea NOT NULL, PRIMARY KEY (bkt, id));"                    \
    "ALTER TABLE onhand.statement ALTER COLUMN packed SET STORAGE EXTERNAL;"                       \
    "CREATE TABLE IF NOT EXISTS onhand.statement_state (bkt smallint NOT NULL, "                   \
    "statement bigint NOT NULL, batch bigint NOT NULL, state integer NOT NULL, "                   \
    "applied_seq bigint NOT NULL, applied_at_us bigint, rolled_back_at_us bigint, "                \
    "PRIMARY KEY (bkt, batch, statement));"                                                        \
    "CREATE TABLE IF NOT EXISTS onhand.correction (bkt smallint NOT NULL, "                        \
    "first_seq bigint NOT NULL, corrected_count bigint NOT NULL, statement bigint NOT NULL, "      \
    "location bigint NOT NULL, kind integer NOT NULL, at_us bigint NOT NULL, "                     \
    "packed bytea NOT NULL, PRIMARY KEY (bkt, first_seq));"                                        \
    "ALTER TABLE onhand.correction ALTER COLUMN packed SET STORAGE EXTERNAL;"                      \
    "CREATE INDEX IF NOT EXISTS correction_statement ON onhand.correction (statement);"            \
    "CREATE TABLE IF NOT EXISTS onhand.name (bkt smallint NOT NULL, batch bigint NOT NULL, "       \
    "place integer NOT NULL, kind integer NOT NULL, number bigint NOT NULL, "                      \
    "word bytea NOT NULL, value bytea NOT NULL, PRIMARY KEY (bkt, batch, place));"                 \
    "CREATE TABLE IF NOT EXISTS onhand.item (bkt smallint NOT NULL, kind bytea NOT NULL, "         \
    "key bytea NOT NULL, batch bigint NOT NULL, value bytea, PRIMARY KEY (bkt, kind, key));"       \
    "CREATE INDEX IF NOT EXISTS item_key ON onhand.item (kind, key);"                              \
    "CREATE INDEX IF NOT EXISTS item_batch ON onhand.item (bkt, batch);"

#endif
