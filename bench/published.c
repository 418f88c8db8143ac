/* A file of every product ever created (10 M rows, 300 MB, one store, 2 % published), applied with
 * publish only, from a local file to the last fsync.
 *
 * Limit B: the same file read and split into fields by the same reader, and nothing done with it.
 */
#include "bench.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "feed/upload.h"
#include "hub/products.h"
#include "read_only.h"

#define ONE_IN 50u /* is published */
#define LOT 2000u

static uint32_t row_count;
static struct hub *hub;

static void write_file(const char *path) {
    FILE *file = fopen(path, "w");
    uint64_t random = 7;
    if (file == NULL)
        bench_fail(path, NULL);
    fputs("facilityId,idType,idValue,availableQty\n", file);
    for (uint32_t i = 0; i < row_count; i++)
        fprintf(file, "STORE_%04u,SKU,SKU-%08u,%u\n", i * 10 / row_count, i,
                (unsigned)(bench_random(&random) % 60));
    fclose(file);
}

/* Products that are published, and as many that once were. */
static void describe(void) {
    static char skus[LOT][16];
    static struct identifier identifiers[LOT];
    static struct product_change changes[LOT];
    struct arena arena = {0};
    struct error error = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < row_count; i++) {
        bool is_published = i % ONE_IN == 0, was_published = i % ONE_IN == 7;
        if (is_published || was_published) {
            int length = snprintf(skus[count], sizeof skus[0], "SKU-%08u", i);
            identifiers[count] = (struct identifier){TEXT("sku"), {skus[count], (size_t)length}};
            changes[count] = (struct product_change){
                .identifiers = &identifiers[count],
                .identifier_count = 1,
                .attributes = {.published_given = true, .published = is_published}};
            count++;
        }
        if (count == LOT || i + 1 == row_count) {
            if (hub_put_products(hub, changes, count, &arena, &error) != STATUS_OK)
                bench_fail("products", &error);
            arena_reset(&arena);
            count = 0;
        }
    }
    arena_deinit(&arena);
}

/* ---- the file ---- */

static double apply(const char *path, int64_t as_of_us) {
    struct reset_params params = {.source = TEXT("prism"),
                                  .as_of_us = as_of_us,
                                  .full = true,
                                  .guard_off = true,
                                  .publish_only = true};
    struct reader_options options = {0};
    struct buffer summary = {0};
    struct error error = {0};
    char expected[64];
    int64_t start_us = monotonic_us();
    if (upload_file(hub, &access_internal, path, &params, &options, NULL, &summary, NULL, &error) !=
        STATUS_OK)
        bench_fail("reset", &error);
    double seconds = bench_seconds_since(start_us);
    snprintf(expected, sizeof expected, "\"unpublished_rows\":%u",
             row_count - (row_count + ONE_IN - 1) / ONE_IN);
    if (strstr(summary.data, "\"status\":\"applied\"") == NULL ||
        strstr(summary.data, expected) == NULL)
        bench_fail(summary.data, NULL);
    buffer_deinit(&summary);
    return seconds;
}

int main(void) {
    const char *directory = bench_make_directory();
    char uri[300], path[300];
    struct store_options options;
    struct store *store = NULL;
    struct error error = {0};
    row_count = (uint32_t)bench_scaled(10000000);
    snprintf(uri, sizeof uri, "sqlite:%s/data", directory);
    snprintf(path, sizeof path, "%s/everything.csv", directory);
    write_file(path);
    store_options_default(&options);
    struct config *config = config_default();
    if (store_open(uri, &options, &store, &error) != STATUS_OK)
        bench_fail("open", &error);
    struct hub_options hub_options = {store, config, clock_system};
    if (hub_new(&hub_options, &hub, &error) != STATUS_OK)
        bench_fail("hub", &error);
    hub_start(hub);
    int64_t start_us = monotonic_us();
    describe();
    bench_report("catalog_import", row_count / (double)ONE_IN * 2 / bench_seconds_since(start_us),
                 "products per second", 0, "all durable");
    int64_t now_us = clock_now_us(&clock_system);
    (void)apply(path, now_us - 2 * US_PER_DAY); /* the cells are made */
    double limit_seconds = read_only(path), seconds = apply(path, now_us - US_PER_DAY);
    double again = apply(path, now_us - US_PER_DAY / 2);
    seconds = again < seconds ? again : seconds;
    bench_report("published_seconds", seconds, "seconds", 1, "<= 1 for 10 M rows, 2 % published");
    bench_report("published_rows", row_count / seconds, "rows per second",
                 row_count / limit_seconds, "limit B: read and split, nothing else");
    hub_stop(hub);
    hub_free(hub);
    store_close(store);
    config_free(config);
    return 0;
}
