/* What gathering a file takes: ten million rows, a location after the other and a product after the
 * other, with the default bound and with a small one. A dry run, so that the cells it would make
 * are not counted; each in a process of its own, so that its peak is its own.
 *
 * Limit: what the bound leaves, plus the rows of one location, plus what a hub takes that does
 * nothing. */
#include "bench.h"

#include <string.h>
#include <sys/wait.h>

#include "feed/upload.h"

#define PRODUCTS 20000u

static uint32_t stores;

static void write_file(const char *path, bool by_product) {
    FILE *file = fopen(path, "w");
    if (file == NULL)
        bench_fail(path, NULL);
    fputs("facilityId,idType,idValue,availableQty\n", file);
    const uint32_t outer = by_product ? PRODUCTS : stores, inner = by_product ? stores : PRODUCTS;
    for (uint32_t i = 0; i < outer; i++)
        for (uint32_t k = 0; k < inner; k++)
            fprintf(file, "STORE_%04u,SKU,SKU-%08u,%u\n", by_product ? k : i, by_product ? i : k,
                    (i + k) % 60);
    fclose(file);
}

static double peak_mb(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        bench_fail("getrusage", NULL);
    return (double)usage.ru_maxrss / 1024;
}

static void gather(const char *directory, const char *path, int64_t bytes, double *peak_out,
                   double *seconds_out) {
    char uri[300];
    struct store_options options;
    struct store *store = NULL;
    struct hub *hub = NULL;
    struct error error = {0};
    struct buffer summary = {0};
    snprintf(uri, sizeof uri, "sqlite:%s/data", directory);
    store_options_default(&options);
    struct config *config = config_default();
    config->data = text_from(directory);
    config->limits.reset_bytes = bytes;
    if (store_open(uri, &options, &store, &error) != STATUS_OK)
        bench_fail("open", &error);
    struct hub_options hub_options = {store, config, clock_system};
    if (hub_new(&hub_options, &hub, &error) != STATUS_OK)
        bench_fail("hub", &error);
    hub_start(hub);
    struct reset_params params = {
        .source = TEXT("prism"), .as_of_us = clock_now_us(&clock_system), .dry_run = true};
    struct reader_options reading = {0};
    int64_t start_us = monotonic_us();
    if (upload_file(hub, &access_internal, path, &params, &reading, NULL, &summary, NULL, &error) !=
        STATUS_OK)
        bench_fail("reset", &error);
    *seconds_out = bench_seconds_since(start_us);
    if (strstr(summary.data, "\"status\":\"dry_run\"") == NULL)
        bench_fail("no dry run", NULL);
    *peak_out = peak_mb();
}

/* In a process of its own. */
static void measure(const char *directory, const char *path, const char *name, int64_t bytes) {
    int ends[2];
    double figures[3] = {0, 0, peak_mb()};
    if (pipe(ends) != 0)
        bench_fail("pipe", NULL);
    pid_t child = fork();
    if (child == 0) {
        gather(directory, path, bytes, &figures[0], &figures[1]);
        _exit(write(ends[1], figures, sizeof figures) == (ssize_t)sizeof figures ? 0 : 1);
    }
    int how = 0;
    close(ends[1]);
    if (child < 0 || read(ends[0], figures, sizeof figures) != (ssize_t)sizeof figures ||
        waitpid(child, &how, 0) < 0 || how != 0)
        bench_fail(name, NULL);
    close(ends[0]);
    char label[100];
    snprintf(label, sizeof label, "reset_memory_%s_%lld_mb", name, (long long)(bytes >> 20));
    bench_report(label, figures[0], "MB at most", 0, "the bound, and some 60 MB");
    snprintf(label, sizeof label, "reset_dry_run_%s_%lld_mb", name, (long long)(bytes >> 20));
    bench_report(label, figures[1], "seconds", 0, "for comparison");
}

int main(void) {
    const char *directory = bench_make_directory();
    char path[300];
    stores = (uint32_t)bench_scaled(500);
    snprintf(path, sizeof path, "%s/file.csv", directory);
    for (unsigned by_product = 0; by_product < 2; by_product++) {
        const char *name = by_product ? "by_product" : "by_location";
        write_file(path, by_product);
        measure(directory, path, name, INT64_C(256) << 20);
        measure(directory, path, name, INT64_C(16) << 20);
    }
    return 0;
}
