/* The limit of the bench of PostgreSQL: the same work as a good engineer writes it by hand, without
 * any program in between. A ledger with a unique id and a table of cells; a batch is one prepared
 * statement (unnest, insert what is new, sum up, upsert the cells in order of their key), in
 * binary, several on their way at a time. A reset is copied into a temporary table, joined with the
 * catalog and with what happened since, and updates what differs. It keeps no balances, covers
 * nothing by register, explains nothing, and knows numbers where a hub is told texts. */
#ifndef ONHAND_BENCH_BY_HAND_H
#define ONHAND_BENCH_BY_HAND_H

#include <arpa/inet.h>
#include <endian.h>
#include <libpq-fe.h>
#include <string.h>

#include "bench.h"

static uint32_t by_hand_locations, by_hand_products;

static _Noreturn void by_hand_fail(const char *what, PGconn *conn) {
    fprintf(stderr, "bench: by hand: %s: %s\n", what, PQerrorMessage(conn));
    exit(1);
}

static void by_hand_do(PGconn *conn, const char *sql) {
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        by_hand_fail(sql, conn);
    PQclear(result);
}

/* ---- tables ---- */

static const char by_hand_schema[] =
    "create schema by_hand;"
    "create table by_hand.location (id int primary key, code text not null unique);"
    "create table by_hand.product (id int primary key, sku text not null unique);"
    "create table by_hand.ledger (id text not null, source int not null, location int not null,"
    "  product int not null, delta bigint not null, occurred_at timestamptz not null,"
    "  received_at timestamptz not null default now(), primary key (source, id));"
    "create index on by_hand.ledger using brin (occurred_at);"
    "create table by_hand.cell (location int not null, product int not null,"
    "  on_hand bigint not null, version bigint not null default 0,"
    "  primary key (location, product)) with (fillfactor = 70);";

static const char by_hand_batch[] =
    "with fresh as ("
    "  insert into by_hand.ledger (source, id, location, product, delta, occurred_at)"
    "  select 1, id, location, product, delta, 'epoch'::timestamptz + at * interval '1 us'"
    "  from unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bigint[])"
    "    as e (id, location, product, delta, at)"
    "  on conflict do nothing returning location, product, delta)"
    "insert into by_hand.cell as c (location, product, on_hand)"
    "  select location, product, sum(delta) from fresh group by 1, 2 order by 1, 2"
    "  on conflict (location, product) do update"
    "  set on_hand = c.on_hand + excluded.on_hand, version = c.version + 1";

static const char by_hand_single[] =
    "with fresh as ("
    "  insert into by_hand.ledger (source, id, location, product, delta, occurred_at)"
    "  values (1, $1, $2, $3, $4, 'epoch'::timestamptz + $5::bigint * interval '1 us')"
    "  on conflict do nothing returning location, product, delta)"
    "insert into by_hand.cell as c (location, product, on_hand)"
    "  select location, product, delta from fresh"
    "  on conflict (location, product) do update"
    "  set on_hand = c.on_hand + excluded.on_hand, version = c.version + 1"
    "  returning on_hand";

static PGconn *by_hand_connect(const char *url) {
    PGconn *conn = PQconnectdb(url);
    if (PQstatus(conn) != CONNECTION_OK)
        by_hand_fail("connecting", conn);
    by_hand_do(conn, "set client_min_messages = warning");
    return conn;
}

static void by_hand_prepare(PGconn *conn, const char *name, const char *sql) {
    PGresult *result = PQprepare(conn, name, sql, 0, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        by_hand_fail("preparing", conn);
    PQclear(result);
}

static void by_hand_create(const char *url, uint32_t locations, uint32_t products) {
    char sql[500];
    PGconn *conn = by_hand_connect(url);
    by_hand_locations = locations;
    by_hand_products = products;
    by_hand_do(conn, by_hand_schema);
    snprintf(sql, sizeof sql,
             "insert into by_hand.location select n, 'STORE_' || to_char(n - 1, 'FM0000')"
             "  from generate_series(1, %u) n;"
             "insert into by_hand.product select n, 'SKU-' || to_char(n - 1, 'FM00000000')"
             "  from generate_series(1, %u) n;",
             locations, products);
    by_hand_do(conn, sql);
    snprintf(sql, sizeof sql,
             "insert into by_hand.cell select l, p, (l + p) %% 60 * 1000"
             "  from generate_series(1, %u) l, generate_series(1, %u) p",
             locations, products);
    by_hand_do(conn, sql);
    by_hand_do(conn, "vacuum analyze by_hand.cell");
    by_hand_do(conn, "analyze by_hand.location, by_hand.product");
    PQfinish(conn);
}

/* ---- arrays in binary ---- */

enum { BY_HAND_INT = 23, BY_HAND_BIGINT = 20, BY_HAND_TEXT = 25 };

static void by_hand_array(struct buffer *array, uint32_t type, uint32_t count) {
    const uint32_t head[5] = {htonl(1), 0, htonl(type), htonl(count), htonl(1)};
    buffer_clear(array);
    buffer_append(array, head, sizeof head);
}

static void by_hand_element(struct buffer *array, const void *data, uint32_t length) {
    uint32_t size = htonl(length);
    buffer_append(array, &size, sizeof size);
    buffer_append(array, data, length);
}

/* ---- batches ---- */

#define BY_HAND_BATCH 1000u
#define BY_HAND_ON_THEIR_WAY 2u

struct by_hand_feeder {
    const char *url;
    PGconn *conn;
    uint64_t random, next_id, total;
    unsigned number;
    int64_t now_us;
    struct buffer ids, locations, products, deltas, times;
};

static void by_hand_make_batch(struct by_hand_feeder *f) {
    by_hand_array(&f->ids, BY_HAND_TEXT, BY_HAND_BATCH);
    by_hand_array(&f->locations, BY_HAND_INT, BY_HAND_BATCH);
    by_hand_array(&f->products, BY_HAND_INT, BY_HAND_BATCH);
    by_hand_array(&f->deltas, BY_HAND_BIGINT, BY_HAND_BATCH);
    by_hand_array(&f->times, BY_HAND_BIGINT, BY_HAND_BATCH);
    for (uint32_t i = 0; i < BY_HAND_BATCH; i++) {
        char id[32];
        uint64_t r = bench_random(&f->random);
        int length =
            snprintf(id, sizeof id, "%u-%llu", f->number, (unsigned long long)f->next_id++);
        uint32_t location = htonl(1 + (uint32_t)(r % by_hand_locations));
        uint32_t product = htonl(1 + (uint32_t)((r >> 32) % by_hand_products));
        uint64_t delta = htobe64((uint64_t)INT64_C(-1000));
        uint64_t at_us = htobe64((uint64_t)(f->now_us += 100));
        by_hand_element(&f->ids, id, (uint32_t)length);
        by_hand_element(&f->locations, &location, sizeof location);
        by_hand_element(&f->products, &product, sizeof product);
        by_hand_element(&f->deltas, &delta, sizeof delta);
        by_hand_element(&f->times, &at_us, sizeof at_us);
    }
}

static void by_hand_send_batch(struct by_hand_feeder *f) {
    by_hand_make_batch(f);
    const char *values[] = {f->ids.data, f->locations.data, f->products.data, f->deltas.data,
                            f->times.data};
    const int lengths[] = {(int)f->ids.length, (int)f->locations.length, (int)f->products.length,
                           (int)f->deltas.length, (int)f->times.length};
    const int formats[] = {1, 1, 1, 1, 1};
    if (PQsendQueryPrepared(f->conn, "batch", 5, values, lengths, formats, 1) != 1 ||
        PQpipelineSync(f->conn) != 1)
        by_hand_fail("sending a batch", f->conn);
}

static void by_hand_await_batch(struct by_hand_feeder *f) {
    bool in_sync = false;
    while (!in_sync) {
        PGresult *result = PQgetResult(f->conn);
        ExecStatusType status = result != NULL ? PQresultStatus(result) : PGRES_COMMAND_OK;
        if (status != PGRES_COMMAND_OK && status != PGRES_PIPELINE_SYNC)
            by_hand_fail("a batch", f->conn);
        in_sync = status == PGRES_PIPELINE_SYNC;
        PQclear(result);
    }
}

static void *by_hand_run_batches(void *context) {
    struct by_hand_feeder *f = context;
    uint64_t batches = f->total / BY_HAND_BATCH, sent = 0;
    for (uint64_t done = 0; done < batches; done++) {
        while (sent < batches && sent < done + BY_HAND_ON_THEIR_WAY) {
            by_hand_send_batch(f);
            sent++;
        }
        by_hand_await_batch(f);
    }
    return NULL;
}

static void by_hand_feeder_open(struct by_hand_feeder *f, const char *url, unsigned number) {
    *f = (struct by_hand_feeder){.url = url,
                                 .conn = by_hand_connect(url),
                                 .random = number + 1,
                                 .number = number,
                                 .now_us = clock_now_us(&clock_system)};
    by_hand_prepare(f->conn, "batch", by_hand_batch);
    by_hand_prepare(f->conn, "single", by_hand_single);
    if (PQenterPipelineMode(f->conn) != 1)
        by_hand_fail("pipeline", f->conn);
}

static void by_hand_feeder_close(struct by_hand_feeder *f) {
    PQfinish(f->conn);
    buffer_deinit(&f->ids);
    buffer_deinit(&f->locations);
    buffer_deinit(&f->products);
    buffer_deinit(&f->deltas);
    buffer_deinit(&f->times);
}

/* ---- single adjustments ---- */

/* One, and its answer: the new balance. */
static void by_hand_one(struct by_hand_feeder *f) {
    char id[32];
    uint64_t r = bench_random(&f->random);
    int length = snprintf(id, sizeof id, "%u-%llu", f->number, (unsigned long long)f->next_id++);
    uint32_t location = htonl(1 + (uint32_t)(r % by_hand_locations));
    uint32_t product = htonl(1 + (uint32_t)((r >> 32) % by_hand_products));
    uint64_t delta = htobe64((uint64_t)INT64_C(-1000));
    uint64_t at_us = htobe64((uint64_t)clock_now_us(&clock_system));
    const char *values[] = {id, (const char *)&location, (const char *)&product,
                            (const char *)&delta, (const char *)&at_us};
    const int lengths[] = {length, 4, 4, 8, 8}, formats[] = {1, 1, 1, 1, 1};
    PGresult *result = PQexecPrepared(f->conn, "single", 5, values, lengths, formats, 1);
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        by_hand_fail("a single adjustment", f->conn);
    PQclear(result);
}

/* ---- the reset ---- */

static void by_hand_copy(PGconn *conn, const char *path) {
    static char block[1 << 16];
    FILE *file = fopen(path, "r");
    size_t length;
    PGresult *result = PQexec(conn, "copy stated from stdin (format csv, header)");
    if (file == NULL || PQresultStatus(result) != PGRES_COPY_IN)
        by_hand_fail("copy", conn);
    PQclear(result);
    while ((length = fread(block, 1, sizeof block, file)) > 0)
        if (PQputCopyData(conn, block, (int)length) != 1)
            by_hand_fail("copy", conn);
    fclose(file);
    if (PQputCopyEnd(conn, NULL) != 1)
        by_hand_fail("copy", conn);
    while ((result = PQgetResult(conn)) != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            by_hand_fail("copy", conn);
        PQclear(result);
    }
}

/* Seconds, to the commit. No sale that came since `as_of_us` is lost. */
static double by_hand_reset(const char *url, const char *path, int64_t as_of_us) {
    char sql[1200];
    PGconn *conn = by_hand_connect(url);
    int64_t start_us = monotonic_us();
    by_hand_do(conn, "begin; set local work_mem = '256MB';"
                     "create temp table stated (location text, type text, sku text,"
                     "  quantity numeric) on commit drop");
    by_hand_copy(conn, path);
    by_hand_do(conn, "analyze stated");
    snprintf(sql, sizeof sql,
             "with since as ("
             "  select location, product, sum(delta) as delta from by_hand.ledger"
             "  where occurred_at > 'epoch'::timestamptz + %lld * interval '1 us' group by 1, 2),"
             "wanted as ("
             "  select l.id as location, p.id as product,"
             "    (s.quantity * 1000)::bigint + coalesce(e.delta, 0) as on_hand"
             "  from stated s join by_hand.location l on l.code = s.location"
             "  join by_hand.product p on p.sku = s.sku"
             "  left join since e on e.location = l.id and e.product = p.id),"
             "changed as ("
             "  update by_hand.cell c set on_hand = w.on_hand, version = c.version + 1"
             "  from wanted w where c.location = w.location and c.product = w.product"
             "  and c.on_hand <> w.on_hand returning c.location, c.product, c.on_hand)"
             "insert into by_hand.ledger (source, id, location, product, delta, occurred_at)"
             "  select 2, %lld || '-' || location || '-' || product, location, product, 0,"
             "    'epoch'::timestamptz + %lld * interval '1 us' from changed",
             (long long)as_of_us, (long long)as_of_us, (long long)as_of_us);
    by_hand_do(conn, sql);
    by_hand_do(conn, "commit");
    double seconds = bench_seconds_since(start_us);
    PQfinish(conn);
    return seconds;
}

#endif
