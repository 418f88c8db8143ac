/* Adjustments into the engine, memory per cell, restart and reads, with ten million cells.
 *
 * Limit A: the same records appended to a bare file, one fdatasync per batch of 1,000. Engine and
 * limit take turns in slices of the same run, so a noisy minute hits both. */
#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "store/store.h"

#define LOCATIONS 500u
#define BATCH 1000u

static uint32_t products;

static void must(enum status status, const char *what, const struct error *error) {
    if (status != STATUS_OK)
        bench_fail(what, error);
}

static struct store *open_store(const char *directory) {
    char uri[300];
    struct store_options options;
    struct store *store = NULL;
    struct error error = {0};
    store_options_default(&options);
    options.checkpoint_interval_us = 0;
    snprintf(uri, sizeof uri, "sqlite:%s", directory);
    must(store_open(uri, &options, &store, &error), "open", &error);
    return store;
}

static void load_catalog(struct store *store) {
    struct error error = {0};
    char text[32];
    uint32_t number;
    must(store_begin(store, &error), "begin", &error);
    must(store_add_name(store, NAME_SOURCE, TEXT("prism"), &number, &error), "name", &error);
    for (uint32_t i = 0; i < LOCATIONS; i++) {
        int length = snprintf(text, sizeof text, "S%04u", i);
        must(store_add_location(store, (struct text){text, (size_t)length}, &number, &error),
             "location", &error);
    }
    for (uint32_t i = 0; i < products; i++) {
        int length = snprintf(text, sizeof text, "SKU-%08u", i);
        struct identifier id = {TEXT("sku"), {text, (size_t)length}};
        must(store_add_product(store, &id, 1, &number, &error), "product", &error);
    }
    must(store_commit(store, &error), "commit", &error);
}

static void load_cells(struct store *store) {
    struct error error = {0};
    struct stated *rows = memory_alloc(products * sizeof *rows);
    int64_t *open_milli = memory_alloc_zero(products + 512, sizeof *open_milli);
    struct cell_change *changes = memory_alloc((products + 512) * sizeof *changes);
    struct buffer packed = {0};
    for (uint32_t location = 1; location <= LOCATIONS; location++) {
        for (uint32_t p = 0; p < products; p++)
            rows[p] = (struct stated){p + 1, p + 2, (int64_t)(p % 40) * 1000};
        struct statement s = {.location = location, .source = 1, .as_of_us = US_PER_DAY};
        struct location_books books;
        struct statement_outcome outcome = {.changes = changes};
        uint64_t seq;
        must(store_begin(store, &error), "begin", &error);
        buffer_clear(&packed);
        store_pack_rows(rows, products, NULL, 0, &packed);
        must(store_add_statement(store, &s, TEXT("r-bench"), STATEMENT_HELD, products,
                                 buffer_text(&packed), &error),
             "statement", &error);
        must(store_load_books(store, &s, &books, &error), "books", &error);
        must(statement_decide(&s, rows, products, NULL, 0, &books, open_milli, &outcome), "decide",
             NULL);
        must(store_write_statement(store, s.id, &outcome, US_PER_DAY, &seq, &error), "write",
             &error);
        must(store_commit(store, &error), "commit", &error);
    }
    buffer_deinit(&packed);
    free(rows);
    free(open_milli);
    free(changes);
}

/* ---- the engine and its limit ---- */

struct feeder {
    uint64_t random, next_id;
    int64_t now_us;
    struct event events[BATCH];
    struct event_slot slots[BATCH];
    char ids[BATCH][24];
};

static void make_batch(struct feeder *f) {
    for (uint32_t i = 0; i < BATCH; i++) {
        uint64_t r = bench_random(&f->random);
        int length =
            snprintf(f->ids[i], sizeof f->ids[i], "%llu-1", (unsigned long long)f->next_id++);
        f->now_us += 100;
        f->events[i] = (struct event){.location = 1 + (uint32_t)(r % LOCATIONS),
                                      .product = 1 + (uint32_t)((r >> 32) % products),
                                      .source = 1,
                                      .delta_milli = -1000,
                                      .occurred_at_us = f->now_us,
                                      .received_at_us = f->now_us,
                                      .type = EVENT_SALE,
                                      .occurred_at_given = true,
                                      .id = {f->ids[i], (size_t)length}};
        f->slots[i] = (struct event_slot){.event = &f->events[i]};
    }
}

static void run_engine(struct store *store, struct feeder *f) {
    struct error error = {0};
    make_batch(f);
    must(store_begin(store, &error), "begin", &error);
    must(store_load_events(store, f->slots, BATCH, &error), "load", &error);
    for (uint32_t i = 0; i < BATCH; i++)
        event_decide(f->slots[i].event, &f->slots[i].ground, &f->slots[i].outcome);
    must(store_write_events(store, f->slots, BATCH, &error), "write", &error);
    must(store_commit(store, &error), "commit", &error);
}

/* The same records, as wide as a ledger row, into a bare file. */
static void run_limit(int fd, struct feeder *f) {
    static char block[BATCH * 72];
    make_batch(f);
    for (uint32_t i = 0; i < BATCH; i++) {
        memcpy(block + i * 72u, &f->events[i], 48);
        memcpy(block + i * 72u + 48, f->ids[i], 24);
    }
    if (write(fd, block, sizeof block) != (ssize_t)sizeof block || fdatasync(fd) != 0)
        bench_fail("limit A", NULL);
}

static struct feeder engine_feeder = {.random = 1}, limit_feeder = {.random = 1};

static void adjust(struct store *store, const char *directory, uint64_t total) {
    char path[300];
    snprintf(path, sizeof path, "%s/limit", directory);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    int64_t engine_us = 0, limit_us = 0;
    engine_feeder.now_us = limit_feeder.now_us = clock_now_us(&clock_system);
    for (uint64_t done = 0; done < total; done += 50 * BATCH) {
        int64_t start_us = monotonic_us();
        for (int i = 0; i < 50; i++)
            run_engine(store, &engine_feeder);
        engine_us += monotonic_us() - start_us;
        start_us = monotonic_us();
        for (int i = 0; i < 50; i++)
            run_limit(fd, &limit_feeder);
        limit_us += monotonic_us() - start_us;
    }
    close(fd);
    unlink(path);
    bench_report("engine_adjustments", (double)total * 1e6 / (double)engine_us, "per second",
                 (double)total * 1e6 / (double)limit_us, ">= 500000 and ratio >= 0.30 of limit A");
}

/* A store that was offline for weeks: events older than any key in memory, of cells whose rows lead
 * through the reset. How long the writer is theirs. */
static void hear_old_events(struct store *store) {
    enum { OLD_EVENTS = 4096 };
    static struct event events[OLD_EVENTS];
    static struct event_slot slots[OLD_EVENTS];
    static char ids[OLD_EVENTS][24];
    struct error error = {0};
    int64_t now_us = clock_now_us(&clock_system);
    for (uint32_t i = 0; i < OLD_EVENTS; i++) {
        int length = snprintf(ids[i], sizeof ids[i], "old-%u", i);
        events[i] = (struct event){.location = 1,
                                   .product = 1 + i % products,
                                   .source = 1,
                                   .delta_milli = -1000,
                                   .occurred_at_us = now_us - 40 * US_PER_DAY,
                                   .received_at_us = now_us,
                                   .type = EVENT_SALE,
                                   .occurred_at_given = true,
                                   .id = {ids[i], (size_t)length}};
        slots[i] = (struct event_slot){.event = &events[i]};
    }
    int64_t start_us = monotonic_us();
    must(store_begin(store, &error), "begin", &error);
    must(store_load_events(store, slots, OLD_EVENTS, &error), "load", &error);
    double load_ms = bench_seconds_since(start_us) * 1000;
    for (uint32_t i = 0; i < OLD_EVENTS; i++)
        event_decide(slots[i].event, &slots[i].ground, &slots[i].outcome);
    must(store_write_events(store, slots, OLD_EVENTS, &error), "write", &error);
    must(store_commit(store, &error), "commit", &error);
    bench_report("old_events_load", load_ms, "ms", 20,
                 "< 20 for 4,096 events older than the window, over one location");
    bench_report("old_events", bench_seconds_since(start_us) * 1000, "ms", 0,
                 "the same with writing and fsync, for comparison");
}

static void report_memory(struct store *store) {
    struct store_stats stats;
    store_stats(store, &stats);
    bench_report("memory_per_cell", (double)stats.memory_bytes / (double)stats.cells, "bytes", 64,
                 "<= 64, ratio <= 1 (engine, keys of the last events included)");
}

static void read_cells(struct store *store) {
    uint64_t random = 7, sum = 0, reads = bench_scaled(5000000);
    int64_t start_us = monotonic_us();
    for (uint64_t i = 0; i < reads; i++) {
        uint64_t r = bench_random(&random);
        struct cell cell =
            store_cell(store, 1 + (uint32_t)(r % LOCATIONS), 1 + (uint32_t)((r >> 32) % products));
        sum += cell.head;
    }
    bench_report("cell_reads", (double)reads / bench_seconds_since(start_us), "per second", 100000,
                 sum != 0 ? ">= 100000" : "nothing was read");
}

int main(void) {
    const char *directory = bench_make_directory();
    uint64_t rows = bench_scaled(1000000);
    products = (uint32_t)bench_scaled(20000);
    pid_t child = fork();
    if (child == 0) { /* ends like a crash: no checkpoint after the rows */
        struct error error = {0};
        struct store *store = open_store(directory);
        load_catalog(store);
        load_cells(store);
        must(store_checkpoint(store, &error), "checkpoint", &error);
        adjust(store, directory, rows);
        hear_old_events(store);
        report_memory(store);
        read_cells(store);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        bench_fail("the engine's run failed", NULL);
    int64_t start_us = monotonic_us();
    struct store *store = open_store(directory);
    bench_report("restart", bench_seconds_since(start_us), "seconds", 3,
                 "< 3 with 10 M cells and 1 M rows after the checkpoint");
    store_close(store);
    return 0;
}
