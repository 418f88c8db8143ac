/* The hub over HTTP, the program itself and not its parts: single UpdateInventory calls, bulk
 * bodies, reads, and calls while a Daily Reset comes in. All on this machine's loopback.
 *
 * Two limits are measured in the same run: what the hub's HTTP server does when there is nothing to
 * do (GET /healthz over the same connections), and what the disk takes with one fdatasync a batch.
 * Where a goal is meant for one core, the hub is held on one, and the load comes from another. */
#include "http_hub.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define LOCATIONS 50u
#define CONNECTIONS 64u

static uint64_t next_id;

static int64_t section_us(void) {
    return (int64_t)bench_scaled(6 * US_PER_SECOND);
}

/* ---- cores ---- */

static cpu_set_t cores; /* that we were given */

static void use_cores(pid_t thread, bool first, bool others) {
    cpu_set_t set;
    bool is_first = true;
    CPU_ZERO(&set);
    for (unsigned i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &cores))
            continue;
        if (is_first ? first : others)
            CPU_SET(i, &set);
        is_first = false;
    }
    if (CPU_COUNT(&cores) > 1 && sched_setaffinity(thread, sizeof set, &set) != 0)
        bench_fail("sched_setaffinity", NULL);
}

/* The hub on one core and the load on the others, or both wherever there is room. */
static void hold_hub(bool on_one_core) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)hub_pid);
    DIR *threads = opendir(path);
    struct dirent *entry;
    /* Safe: no other thread has this stream. */
    /* cppcheck-suppress readdirCalled */
    while (threads != NULL && (entry = readdir(threads)) != NULL)
        if (entry->d_name[0] != '.')
            use_cores((pid_t)strtol(entry->d_name, NULL, 10), true, !on_one_core);
    if (threads != NULL)
        closedir(threads);
    use_cores(0, !on_one_core, true);
}

/* ---- what is sent ---- */

static const struct http_shape health = {"GET", "/healthz", NULL, "", "", "", 0, 0};
static const struct http_shape update = {
    .method = "POST",
    .path = "/api/service/updateInventoryByIdentification",
    .content_type = "application/json",
    .before = "",
    .line = "{\"facilityId\":\"" MARK_LOCATION "\",\"idType\":\"SKU\",\"idValue\":\"" MARK_SKU
            "\",\"availableDelta\":-1,\"locationSeqId\":\"TLTLTLLL01\",\"varianceReasonId\":"
            "\"POS_SALE\",\"transactionId\":\"" MARK_ID "\"}",
    .after = "",
    .count = 1,
    .applied = 1,
};
#define SALE                                                                                       \
    "{\"id\":\"" MARK_ID "\",\"source\":\"prism\",\"type\":\"sale\",\"location\":\"" MARK_LOCATION \
    "\",\"sku\":\"" MARK_SKU "\",\"delta\":-1,\"occurred_at\":\"" MARK_TIME "\"}"
static const struct http_shape lines = {
    .method = "POST",
    .path = "/v1/adjustments",
    .content_type = "application/x-ndjson",
    .before = "",
    .line = SALE "\n",
    .after = "",
    .count = 10000,
    .applied = 10000,
};
static const struct http_shape batch = {
    .method = "POST",
    .path = "/v1/adjustments",
    .content_type = "application/json",
    .before = "{\"adjustments\":[",
    .line = SALE ",",
    .after = "]}",
    .count = 200,
    .applied = 200,
};
static const struct http_shape cell = {
    "GET", "/v1/inventory/" MARK_LOCATION "/" MARK_SKU, NULL, "", "", "", 0, 0};

/* ---- resets ---- */

/* Two files that take turns, each sent with a later as_of than the one before. */
struct resets {
    struct http_connection files[2];
    size_t as_of_at;
    unsigned count;
    int64_t until_us; /* none is begun after that */
    double seconds;
    _Atomic bool done;
};

#define MARK_AS_OF "yyyy-mm-ddThh:mm:ssZ"

/* Every product of every location; one in a hundred has `more`. */
static void reset_build(struct resets *resets, unsigned file, uint32_t products, unsigned more) {
    struct buffer body = {0}, request = {0};
    uint64_t random = 99;
    buffer_append_string(&body, "location,sku,quantity\n");
    for (uint32_t location = 0; location < LOCATIONS; location++)
        for (uint32_t p = 0; p < products; p++) {
            char line[] = MARK_LOCATION "," MARK_SKU ",00\n";
            uint64_t r = bench_random(&random);
            http_write_digits(line, MARK_LOCATION, location);
            http_write_digits(line + sizeof MARK_LOCATION, MARK_SKU, p);
            http_write_digits(line + sizeof line - 4, "00",
                              10 + r % 60 + ((r >> 20) % 100 == 0 ? more : 0));
            buffer_append(&body, line, sizeof line - 1);
        }
    buffer_append_format(&request,
                         "POST /v1/resets?source=prism&guard=off&as_of=" MARK_AS_OF " HTTP/1.1\r\n"
                         "Host: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                         "Content-Type: text/csv\r\nContent-Length: %zu\r\n\r\n",
                         target.token, body.length);
    buffer_append_text(&request, buffer_text(&body));
    buffer_deinit(&body);
    struct http_connection *c = &resets->files[file];
    c->request_length = request.length;
    buffer_append(&request, "", 1);
    c->request = request.data;
    resets->as_of_at = http_mark_at(c->request, MARK_AS_OF);
}

static void reset_send(struct http_connection *c, size_t as_of_at) {
    static time_t as_of;
    struct tm parts;
    char text[sizeof MARK_AS_OF];
    as_of = as_of == 0 ? time(NULL) - 3600 : as_of + 1;
    if (strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&as_of, &parts)) == 0)
        bench_fail("strftime", NULL);
    memcpy(c->request + as_of_at, text, sizeof text - 1);
    const char *answer = http_exchange(c, target.port);
    const char *status = strstr(answer, "\"status\":");
    http_check(c, 1);
    if (status == NULL || strncmp(status, "\"status\":\"applied\"", 18) != 0)
        http_fail(c, "the reset was not applied");
    http_close(c);
}

static void *resets_send(void *context) {
    struct resets *resets = context;
    int64_t start_us = monotonic_us();
    do
        reset_send(&resets->files[resets->count++ % 2], resets->as_of_at);
    while (monotonic_us() < resets->until_us);
    resets->seconds = bench_seconds_since(start_us) / resets->count;
    atomic_store(&resets->done, true);
    return NULL;
}

static double reset_once(uint32_t products) {
    struct resets resets = {0};
    reset_build(&resets, 0, products, 0);
    resets_send(&resets);
    free(resets.files[0].request);
    return resets.seconds;
}

/* ---- sections ---- */

static void run(struct http_load *load, const struct http_shape *shape, unsigned connections,
                int64_t us, const _Atomic bool *done) {
    *load = (struct http_load){.target = &target, .shape = shape, .next_id = &next_id};
    http_run(load, connections, us, done);
}

static double rate_of(const struct http_shape *shape, int64_t us) {
    struct http_load load;
    run(&load, shape, CONNECTIONS, us, NULL);
    double rate = http_rate(&load);
    http_load_deinit(&load);
    return rate;
}

/* How many writes of so many bytes a bare file takes in a second, each on disk before the next. */
static double disk_rate(size_t bytes) {
    static char block[128 * 1024];
    char path[330];
    uint64_t count = 0;
    snprintf(path, sizeof path, "%s/limit", bench_directory);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    int64_t start_us = monotonic_us();
    while (monotonic_us() - start_us < section_us() / 6) {
        if (write(fd, block, bytes) != (ssize_t)bytes || fdatasync(fd) != 0)
            bench_fail("fdatasync", NULL);
        count++;
    }
    double rate = (double)count / bench_seconds_since(start_us);
    close(fd);
    unlink(path);
    return rate;
}

static void report_times(const char *name, const struct http_load *load, const char *goal) {
    static const struct {
        const char *name;
        unsigned per_thousand;
    } points[] = {{"p50", 500}, {"p99", 990}, {"max", 1000}};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        char full[64];
        snprintf(full, sizeof full, "%s_%s", name, points[i].name);
        bench_report(full, http_percentile_ms(load, points[i].per_thousand), "ms", 0,
                     points[i].per_thousand == 990 ? goal : "for comparison");
    }
}

/* What the hub took of the machine; the second figure stays the same on a busy one. */
static void report_cpu(const char *name, double cpu_seconds, double count, double seconds) {
    char full[64];
    snprintf(full, sizeof full, "%s_hub_cpu", name);
    bench_report(full, cpu_seconds / seconds, "cores", 0, "for comparison");
    snprintf(full, sizeof full, "%s_per_cpu_second", name);
    bench_report(full, count / cpu_seconds, "per second of the hub's CPU time", 0,
                 "for comparison");
}

/* The limit before and after, so that a noisy minute hits both. */
static void measure_updates(void) {
    struct http_load load;
    hold_hub(true);
    double limit_cpu_seconds = hub_cpu_seconds();
    run(&load, &health, CONNECTIONS, section_us() / 6, NULL);
    limit_cpu_seconds = hub_cpu_seconds() - limit_cpu_seconds;
    double limit = http_rate(&load), limit_count = (double)load.answer_count;
    double limit_seconds = load.seconds;
    http_load_deinit(&load);
    double cpu_seconds = hub_cpu_seconds();
    run(&load, &update, CONNECTIONS, section_us(), NULL);
    cpu_seconds = hub_cpu_seconds() - cpu_seconds;
    limit = (limit + rate_of(&health, section_us() / 6)) / 2;
    bench_report("http_nothing", limit, "per second", 0, "GET /healthz: the server alone");
    report_cpu("http_nothing", limit_cpu_seconds, limit_count, limit_seconds);
    bench_report("http_updates", http_rate(&load), "per second", limit,
                 ">= 30000 single durable calls, the hub on one core");
    report_times("http_updates", &load, "< 10");
    report_cpu("http_updates", cpu_seconds, (double)load.answer_count, load.seconds);
    http_load_deinit(&load);
    run(&load, &update, 1, section_us() / 6, NULL);
    bench_report("http_update_alone", http_percentile_ms(&load, 500), "ms", 0,
                 "one caller alone: a commit each");
    http_load_deinit(&load);
}

static void measure_batches(const char *name, const struct http_shape *shape, const char *goal) {
    struct http_load load;
    hold_hub(false);
    double limit = 1000 * disk_rate(1000 * 72);
    double cpu_seconds = hub_cpu_seconds();
    run(&load, shape, 4, section_us(), NULL);
    cpu_seconds = hub_cpu_seconds() - cpu_seconds;
    bench_report(name, http_rate(&load) * shape->count, "lines per second", limit, goal);
    report_cpu(name, cpu_seconds, (double)load.answer_count * shape->count, load.seconds);
    http_load_deinit(&load);
}

static void measure_reads(void) {
    struct http_load load;
    hold_hub(true);
    double limit = rate_of(&health, section_us() / 6);
    double cpu_seconds = hub_cpu_seconds();
    run(&load, &cell, CONNECTIONS, section_us() / 2, NULL);
    cpu_seconds = hub_cpu_seconds() - cpu_seconds;
    bench_report("http_reads", http_rate(&load), "per second", limit,
                 "one cell each, the hub on one core; reads in the process: cell_reads of ledger");
    report_cpu("http_reads", cpu_seconds, (double)load.answer_count, load.seconds);
    http_load_deinit(&load);
}

static void measure_updates_during_resets(void) {
    struct http_load load;
    struct resets resets = {0};
    pthread_t sender;
    uint32_t products = (uint32_t)bench_scaled(20000);
    hold_hub(false);
    bench_report("http_reset_first_load", reset_once(products), "seconds", 0,
                 "1 M rows, most of them new cells");
    reset_build(&resets, 0, products, 0);
    reset_build(&resets, 1, products, 3);
    resets.until_us = monotonic_us() + section_us() / 2;
    if (pthread_create(&sender, NULL, resets_send, &resets) != 0)
        bench_fail("thread", NULL);
    run(&load, &update, CONNECTIONS, section_us(), &resets.done);
    pthread_join(sender, NULL);
    bench_report("http_reset", resets.seconds, "seconds", 0,
                 "1 M rows uploaded, 1 % different, one after another, while calls come in");
    bench_report("http_updates_during_reset", http_rate(&load), "per second", 0, "for comparison");
    report_times("http_updates_during_reset", &load, "< 20");
    http_load_deinit(&load);
    free(resets.files[0].request);
    free(resets.files[1].request);
}

int main(void) {
    target.locations = LOCATIONS;
    static char section_list[100];
    if (sched_getaffinity(0, sizeof cores, &cores) != 0)
        bench_fail("sched_getaffinity", NULL);
    start_hub(bench_make_directory());
    target.products = (uint32_t)bench_scaled(2000);
    reset_once(target.products);
    snprintf(section_list, sizeof section_list, ",%s,",
             getenv("ONHAND_BENCH_HTTP") != NULL ? getenv("ONHAND_BENCH_HTTP")
                                                 : "updates,lines,batches,reads,reset");
    bench_report("http_fdatasync", disk_rate(4096), "per second", 0, "4 KiB each: the disk alone");
    if (strstr(section_list, ",updates,") != NULL)
        measure_updates();
    if (strstr(section_list, ",lines,") != NULL)
        measure_batches("http_ndjson", &lines, ">= 300000, 4 bodies of 10,000 lines at a time");
    if (strstr(section_list, ",batches,") != NULL)
        measure_batches("http_json", &batch, "4 bodies of 200 at a time: for comparison");
    if (strstr(section_list, ",reads,") != NULL)
        measure_reads();
    if (strstr(section_list, ",reset,") != NULL)
        measure_updates_during_resets();
    stop_hub();
    return 0;
}
