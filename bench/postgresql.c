/* Hubs on PostgreSQL beside the same work written by hand (by_hand.h), in turns in the same run, on
 * the same server with the same settings: a million cells, adjustments in batches of 1,000 by one
 * hub and by two, single adjustments, and the Daily Reset of every cell with 1 % different. The
 * server is Debian's, started for the bench, with fsync. The hubs are in this process, so that no
 * HTTP is between; what is answered is committed in both halves. */
#include "bench.h"

#include <pthread.h>
#include <string.h>

#include "by_hand.h"
#include "feed/upload.h"
#include "lib/postgres.h"

enum { LOCATIONS = 500, BATCH = 1000, CLIENTS_MAX = 64, ROUNDS = 4, CALLERS = 4 };

static uint32_t products;

static const char *const settings[] = {"shared_buffers = 512MB", "max_wal_size = 4GB",
                                       "checkpoint_timeout = 30min", "max_connections = 200", NULL};

/* ---- a hub ---- */

struct side {
    struct config *config;
    struct store *store;
    struct hub *hub;
};

static void open_side(struct side *side, const char *uri) {
    struct store_options options;
    struct error error = {0};
    store_options_default(&options);
    side->config = config_default();
    if (store_open(uri, &options, &side->store, &error) != STATUS_OK)
        bench_fail("open", &error);
    struct hub_options hub_options = {side->store, side->config, clock_system};
    if (hub_new(&hub_options, &side->hub, &error) != STATUS_OK)
        bench_fail("hub", &error);
    hub_start(side->hub);
}

static void close_side(struct side *side) {
    hub_stop(side->hub);
    hub_free(side->hub);
    store_close(side->store);
    config_free(side->config);
}

/* ---- who calls it ---- */

struct caller {
    struct hub *hub;
    unsigned number;
    uint64_t random, next_id, total, batch;
    struct adjustment *adjustments;
    struct adjustment_result *results;
    char (*texts)[3][32];
};

static void open_caller(struct caller *caller, struct hub *hub, unsigned number, uint64_t batch) {
    *caller = (struct caller){
        .hub = hub,
        .number = number,
        .random = number + 1,
        .batch = batch,
        .adjustments = memory_alloc_zero(batch, sizeof *caller->adjustments),
        .results = memory_alloc_zero(batch, sizeof *caller->results),
        .texts = memory_alloc_zero(batch, sizeof *caller->texts),
    };
}

static void close_caller(struct caller *caller) {
    free(caller->adjustments);
    free(caller->results);
    free(caller->texts);
}

static void make_adjustments(struct caller *caller) {
    for (uint64_t i = 0; i < caller->batch; i++) {
        uint64_t r = bench_random(&caller->random);
        char(*texts)[32] = caller->texts[i];
        int id = snprintf(texts[0], sizeof texts[0], "%u-%llu", caller->number,
                          (unsigned long long)caller->next_id++);
        int location = snprintf(texts[1], sizeof texts[1], "STORE_%04u", (unsigned)(r % LOCATIONS));
        int sku = snprintf(texts[2], sizeof texts[2], "SKU-%08u", (unsigned)(r >> 32) % products);
        caller->adjustments[i] = (struct adjustment){
            .id = {texts[0], (size_t)id},
            .source = TEXT("prism"),
            .location = {texts[1], (size_t)location},
            .identifiers = {{TEXT("sku"), {texts[2], (size_t)sku}}},
            .identifier_count = 1,
            .type = EVENT_SALE,
            .delta_milli = -1000,
        };
    }
}

static void submit(struct caller *caller) {
    make_adjustments(caller);
    struct submission submission = {.access = &access_internal,
                                    .adjustments = caller->adjustments,
                                    .results = caller->results,
                                    .count = caller->batch};
    if (hub_submit_wait(caller->hub, &submission) != STATUS_OK)
        bench_fail("adjustments were not taken", NULL);
    for (uint64_t i = 0; i < caller->batch; i++)
        if (caller->results[i].status != OUTCOME_APPLIED)
            bench_fail("an adjustment was not applied", NULL);
}

static void *run_caller(void *context) {
    struct caller *caller = context;
    for (uint64_t done = 0; done < caller->total; done += caller->batch)
        submit(caller);
    return NULL;
}

/* ---- threads ---- */

/* Seconds that `count` threads take, each with its own element of an array. */
static double run_all(void *(*run)(void *context), void *first, size_t size, unsigned count) {
    pthread_t threads[CLIENTS_MAX];
    int64_t start_us = monotonic_us();
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, run, (char *)first + i * size) != 0)
            bench_fail("thread", NULL);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return bench_seconds_since(start_us);
}

static unsigned next_number = 1; /* so that no two have the same ids */

struct figures {
    double hub_seconds, by_hand_seconds;
    double done;
};

/* ---- batches ---- */

/* In turns: `hubs` hubs with four callers each; by hand on as many times two connections, each with
 * two batches on their way. */
static void batches(struct side *sides, unsigned hubs, const char *by_hand_url,
                    struct figures *figures) {
    struct caller callers[2 * CALLERS];
    struct by_hand_feeder feeders[4];
    uint64_t total = bench_scaled(160000);
    unsigned caller_count = hubs * CALLERS, feeder_count = hubs * 2;
    for (unsigned i = 0; i < caller_count; i++)
        open_caller(&callers[i], sides[i % hubs].hub, next_number++, BATCH);
    for (unsigned i = 0; i < feeder_count; i++)
        by_hand_feeder_open(&feeders[i], by_hand_url, next_number++);
    *figures = (struct figures){0};
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < caller_count; i++)
            callers[i].total = total / caller_count;
        for (unsigned i = 0; i < feeder_count; i++)
            feeders[i].total = total / feeder_count;
        figures->hub_seconds += run_all(run_caller, callers, sizeof callers[0], caller_count);
        figures->by_hand_seconds +=
            run_all(by_hand_run_batches, feeders, sizeof feeders[0], feeder_count);
        figures->done += (double)total;
    }
    for (unsigned i = 0; i < caller_count; i++)
        close_caller(&callers[i]);
    for (unsigned i = 0; i < feeder_count; i++)
        by_hand_feeder_close(&feeders[i]);
}

static void report_batches(struct side *sides, const char *by_hand_url) {
    struct figures one, two;
    batches(sides, 1, by_hand_url, &one);
    bench_report("postgresql_batches", one.done / one.hub_seconds, "per second",
                 one.done / one.by_hand_seconds, "ratio >= 1.0 of by hand, 1,000 a batch");
    batches(sides, 2, by_hand_url, &two);
    bench_report("postgresql_batches_two_hubs", two.done / two.hub_seconds, "per second",
                 two.done / two.by_hand_seconds, ">= 30000 with two hubs; ratio to by hand, twice");
    bench_report("postgresql_second_hub", two.done / two.hub_seconds, "per second",
                 one.done / one.hub_seconds, "ratio to one hub; > 1 until the database is full");
}

/* ---- single adjustments ---- */

static _Atomic bool calling;
static _Atomic uint64_t answered;

static void *call_hub(void *context) {
    while (calling) {
        submit(context);
        answered++;
    }
    return NULL;
}

static void *call_by_hand(void *context) {
    while (calling) {
        by_hand_one(context);
        answered++;
    }
    return NULL;
}

static double rate_of(void *(*run)(void *context), void *first, size_t size, unsigned count) {
    pthread_t threads[CLIENTS_MAX];
    int64_t start_us = monotonic_us();
    answered = 0;
    calling = true;
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, run, (char *)first + i * size) != 0)
            bench_fail("thread", NULL);
    usleep((useconds_t)bench_scaled(1000000));
    calling = false;
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return (double)answered / bench_seconds_since(start_us);
}

static void report_singles(struct side *side, const char *by_hand_url, unsigned clients,
                           const char *name) {
    static struct caller callers[CLIENTS_MAX];
    static struct by_hand_feeder feeders[CLIENTS_MAX];
    double hub = 0, by_hand = 0;
    for (unsigned i = 0; i < clients; i++) {
        open_caller(&callers[i], side->hub, next_number++, 1);
        by_hand_feeder_open(&feeders[i], by_hand_url, next_number++);
        if (PQexitPipelineMode(feeders[i].conn) != 1)
            by_hand_fail("pipeline", feeders[i].conn);
    }
    for (int round = 0; round < ROUNDS; round++) {
        hub += rate_of(call_hub, callers, sizeof callers[0], clients) / ROUNDS;
        by_hand += rate_of(call_by_hand, feeders, sizeof feeders[0], clients) / ROUNDS;
    }
    for (unsigned i = 0; i < clients; i++) {
        close_caller(&callers[i]);
        by_hand_feeder_close(&feeders[i]);
    }
    bench_report(name, hub, "per second", by_hand, "ratio to by hand, one connection a client");
}

/* ---- the reset ---- */

static void write_file(const char *path, uint64_t day) {
    FILE *file = fopen(path, "w");
    uint64_t random = 99;
    if (file == NULL)
        bench_fail(path, NULL);
    fputs("facilityId,idType,idValue,availableQty\n", file);
    for (uint32_t location = 0; location < LOCATIONS; location++)
        for (uint32_t p = 0; p < products; p++) {
            uint64_t r = bench_random(&random);
            unsigned quantity = (unsigned)(r % 60);
            if ((r >> 20) % 100 == 0)
                quantity += (unsigned)day;
            fprintf(file, "STORE_%04u,SKU,SKU-%08u,%u\n", location, p, quantity);
        }
    fclose(file);
}

static double reset_hub(struct hub *hub, const char *path, int64_t as_of_us) {
    struct reset_params params = {
        .source = TEXT("prism"), .as_of_us = as_of_us, .full = true, .guard_off = true};
    struct reader_options options = {0};
    struct buffer summary = {0};
    struct error error = {0};
    int64_t start_us = monotonic_us();
    if (upload_file(hub, &access_internal, path, &params, &options, NULL, &summary, NULL, &error) !=
        STATUS_OK)
        bench_fail("reset", &error);
    double seconds = bench_seconds_since(start_us);
    if (strstr(summary.data, "\"status\":\"applied\"") == NULL)
        bench_fail("the reset was not applied", NULL);
    buffer_deinit(&summary);
    return seconds;
}

/* In turns; the best of each counts. Everything since the day's instant is joined in both. */
static void report_resets(struct side *side, const char *by_hand_url, char paths[3][300]) {
    double hub = 0, by_hand = 0, rows = (double)LOCATIONS * products;
    int64_t now_us = clock_now_us(&clock_system);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t as_of_us = now_us - (ROUNDS - round) * US_PER_SECOND;
        double seconds = reset_hub(side->hub, paths[round % 3], as_of_us);
        if (hub == 0 || seconds < hub)
            hub = seconds;
        seconds = by_hand_reset(by_hand_url, paths[round % 3], as_of_us);
        if (by_hand == 0 || (round > 0 && seconds < by_hand))
            by_hand = seconds;
    }
    bench_report("postgresql_reset_rows", rows / hub, "rows per second", rows / by_hand,
                 ">= 200000, 1 M rows with 1 % different; ratio to by hand");
}

/* ---- sizes ---- */

static double database_bytes(const char *url) {
    PGconn *conn = by_hand_connect(url);
    PGresult *result = PQexec(conn, "select sum(pg_total_relation_size(c.oid)) from pg_class c"
                                    " join pg_namespace n on n.oid = c.relnamespace"
                                    " where nspname in ('onhand', 'by_hand') and relkind = 'r'");
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        by_hand_fail("size", conn);
    double bytes = strtod(PQgetvalue(result, 0, 0), NULL);
    PQclear(result);
    PQfinish(conn);
    return bytes;
}

/* What a hundred thousand events, and what a statement of every cell, add to the disk. */
static void report_sizes(struct side *side, const char *hub_url, const char *by_hand_url,
                         const char *path) {
    struct caller caller;
    struct by_hand_feeder feeder;
    open_caller(&caller, side->hub, next_number++, BATCH);
    by_hand_feeder_open(&feeder, by_hand_url, next_number++);
    caller.total = feeder.total = bench_scaled(200000) / BATCH * BATCH + BATCH;
    double hub = database_bytes(hub_url), by_hand = database_bytes(by_hand_url);
    run_caller(&caller);
    by_hand_run_batches(&feeder);
    double events = (double)caller.total;
    bench_report("postgresql_bytes_per_event", (database_bytes(hub_url) - hub) / events, "bytes",
                 (database_bytes(by_hand_url) - by_hand) / events, "on disk; ratio to by hand");
    close_caller(&caller);
    by_hand_feeder_close(&feeder);
    hub = database_bytes(hub_url);
    (void)reset_hub(side->hub, path, clock_now_us(&clock_system) - US_PER_SECOND);
    bench_report("postgresql_bytes_per_stated_row",
                 (database_bytes(hub_url) - hub) / ((double)LOCATIONS * products), "bytes", 0,
                 "on disk, 1 % different");
}

int main(void) {
    const char *directory = bench_make_directory();
    struct side sides[2] = {{NULL, NULL, NULL}, {NULL, NULL, NULL}};
    char paths[3][300];
    products = (uint32_t)bench_scaled(2000);
    struct postgres *server = postgres_start(settings);
    if (server == NULL)
        return 0; /* it has said what to install */
    char *by_hand_url = postgres_url(server), *hub_url = postgres_new_database(server);
    for (uint64_t day = 0; day < 3; day++) {
        snprintf(paths[day], sizeof paths[day], "%s/day%llu.csv", directory,
                 (unsigned long long)day);
        write_file(paths[day], day);
    }
    by_hand_create(by_hand_url, LOCATIONS, products);
    open_side(&sides[0], hub_url);
    bench_report("postgresql_first_load",
                 reset_hub(sides[0].hub, paths[0], clock_now_us(&clock_system) - US_PER_DAY),
                 "seconds", 0, "a million cells, every one new");
    int64_t start_us = monotonic_us();
    open_side(&sides[1], hub_url);
    bench_report("postgresql_open", bench_seconds_since(start_us), "seconds", 0,
                 "a second hub starts, a million cells");
    report_batches(sides, by_hand_url);
    report_singles(&sides[0], by_hand_url, 1, "postgresql_single_1_client");
    report_singles(&sides[0], by_hand_url, CLIENTS_MAX, "postgresql_single_64_clients");
    report_resets(&sides[0], by_hand_url, paths);
    report_sizes(&sides[0], hub_url, by_hand_url, paths[2]);
    close_side(&sides[1]);
    close_side(&sides[0]);
    free(by_hand_url);
    free(hub_url);
    postgres_free(server);
    return 0;
}
