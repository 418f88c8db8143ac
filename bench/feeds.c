/* Feeds: what unpacking costs a reset, and how fast each format is read.
 *
 * The gzip's limit is the same file plain (the reset bound by zlib alone is the other excuse, and
 * both are printed); XML, JSON and NDJSON are read by their reader and nothing is done with the
 * rows. Sizes are those of the text, unpacked. */
#include "bench.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "feed/upload.h"

#define STORES 500u

static uint32_t products;
static struct hub *hub;

/* ---- files ---- */

enum shape { SHAPE_CSV, SHAPE_NDJSON, SHAPE_JSON, SHAPE_XML };

static void write_row(FILE *file, enum shape shape, uint32_t store, uint32_t product,
                      unsigned quantity, bool first) {
    switch (shape) {
    case SHAPE_CSV:
        fprintf(file, "STORE_%04u,SKU,SKU-%08u,%u\n", store, product, quantity);
        return;
    case SHAPE_JSON:
    case SHAPE_NDJSON:
        fprintf(file,
                "%s{\"facilityId\":\"STORE_%04u\",\"idType\":\"SKU\",\"idValue\":\"SKU-%08u\","
                "\"availableQty\":%u}%s",
                shape == SHAPE_JSON && !first ? ",\n" : "", store, product, quantity,
                shape == SHAPE_NDJSON ? "\n" : "");
        return;
    case SHAPE_XML:
        if (store == 0)
            fprintf(file,
                    "<INVENTORY><INVN item_sid=\"-%09u\" upc=\"%012u\" active=\"1\"/>"
                    "<INVN_SBS sbs_no=\"1\" alu=\"SKU-%08u\" active=\"1\"><INVN_SBS_QTYS>\n",
                    product, product, product);
        fprintf(file,
                "<INVN_SBS_QTY store_no=\"%u\" qty=\"%u\" min_qty=\"0\" max_qty=\"0\" "
                "sold_qty=\"3\" rcvd_qty=\"9\"/>\n",
                store, quantity);
        if (store == STORES - 1)
            fputs("</INVN_SBS_QTYS></INVN_SBS></INVENTORY>\n", file);
        return;
    }
}

static void write_file(const char *path, enum shape shape, uint64_t seed) {
    static const char *const heads[] = {"facilityId,idType,idValue,availableQty\n", "",
                                        "{\"inventory\":[", "<DOCUMENT><INVENTORYS>\n"};
    static const char *const tails[] = {"", "", "]}\n", "</INVENTORYS></DOCUMENT>\n"};
    FILE *file = fopen(path, "w");
    uint64_t random = 99;
    if (file == NULL)
        bench_fail(path, NULL);
    fputs(heads[shape], file);
    for (uint64_t i = 0; i < (uint64_t)STORES * products; i++) {
        uint64_t r = bench_random(&random);
        unsigned quantity = (unsigned)(r % 60);
        if (seed != 0 && (r >> 20) % 100 == 0)
            quantity += 1 + (unsigned)(seed % 3);
        bool by_store = shape != SHAPE_XML;
        write_row(file, shape, (uint32_t)(by_store ? i / products : i % STORES),
                  (uint32_t)(by_store ? i % products : i / STORES), quantity, i == 0);
    }
    fputs(tails[shape], file);
    fclose(file);
}

static void pack_file(const char *from, const char *to) {
    static char piece[1 << 18];
    FILE *in = fopen(from, "r");
    gzFile out = gzopen(to, "wb6");
    size_t got;
    if (in == NULL || out == NULL)
        bench_fail(to, NULL);
    while ((got = fread(piece, 1, sizeof piece, in)) > 0)
        if (gzwrite(out, piece, (unsigned)got) != (int)got)
            bench_fail(to, NULL);
    fclose(in);
    if (gzclose(out) != Z_OK)
        bench_fail(to, NULL);
}

static double size_of(const char *path) {
    struct stat stat_of;
    if (stat(path, &stat_of) != 0)
        bench_fail(path, NULL);
    return (double)stat_of.st_size;
}

/* ---- gzip ---- */

static double unpack_only(const char *path) {
    static char piece[1 << 18];
    int64_t start_us = monotonic_us();
    gzFile in = gzopen(path, "rb");
    if (in == NULL)
        bench_fail(path, NULL);
    while (gzread(in, piece, sizeof piece) > 0)
        continue;
    gzclose(in);
    return bench_seconds_since(start_us);
}

static double reset_from(const char *path, int64_t as_of_us) {
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
        bench_fail(summary.data, NULL);
    buffer_deinit(&summary);
    return seconds;
}

static void measure_gzip(const char *directory) {
    char paths[3][300];
    for (unsigned i = 0; i < 3; i++) {
        char plain[300];
        snprintf(plain, sizeof plain, "%s/plain%u.csv", directory, i);
        snprintf(paths[i], sizeof paths[i], "%s/day%u.csv%s", directory, i, i == 2 ? ".gz" : "");
        write_file(i == 2 ? plain : paths[i], SHAPE_CSV, i);
        if (i == 2) {
            pack_file(plain, paths[i]);
            unlink(plain);
        }
    }
    int64_t now_us = clock_now_us(&clock_system);
    reset_from(paths[0], now_us - US_PER_DAY);
    double plain_seconds = reset_from(paths[1], now_us - 2 * US_PER_SECOND);
    double zlib_seconds = unpack_only(paths[2]);
    double packed_seconds = reset_from(paths[2], now_us - US_PER_SECOND);
    bench_report("reset_gzip", packed_seconds, "seconds", plain_seconds,
                 "ratio <= 1.5 of the plain file, or bound by zlib");
    bench_report("reset_gzip_zlib", packed_seconds, "seconds", zlib_seconds,
                 "the same against unpacking alone");
    for (unsigned i = 0; i < 3; i++)
        unlink(paths[i]);
}

/* ---- formats ---- */

static _Atomic uint64_t rows_seen;

static void count_rows(void *context, const struct stated_row *rows, size_t count) {
    (void)context;
    (void)rows;
    atomic_fetch_add(&rows_seen, count);
}

static void measure_format(const char *directory, const char *name, enum shape shape,
                           const char *goal) {
    char path[300], figure[64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    write_file(path, shape, 0);
    struct reader_options options = {0};
    struct reader_parts parts = {{count_rows, NULL}, NULL, NULL, NULL, NULL};
    struct reader_report report;
    struct arena arena = {0};
    struct error error = {0};
    double best = 0;
    for (int i = 0; i < 3; i++) {
        int fd = open(path, O_RDONLY);
        int64_t start_us = monotonic_us();
        if (fd < 0 || reader_read_file(fd, &options, &parts, &arena, &report, &error) != STATUS_OK)
            bench_fail(name, &error);
        double rate = size_of(path) / 1e6 / bench_seconds_since(start_us);
        best = rate > best ? rate : best;
        close(fd);
        if (report.rejected_rows > 0 || report.rows != (uint64_t)STORES * products)
            bench_fail(name, NULL);
    }
    arena_deinit(&arena);
    unlink(path);
    snprintf(figure, sizeof figure, "read_%s", name);
    bench_report(figure, best, "MB per second", 150, goal);
}

int main(void) {
    const char *directory = bench_make_directory();
    char uri[300];
    struct store_options options;
    struct store *store = NULL;
    struct error error = {0};
    products = (uint32_t)bench_scaled(20000);
    snprintf(uri, sizeof uri, "sqlite:%s/data", directory);
    store_options_default(&options);
    struct config *config = config_default();
    if (store_open(uri, &options, &store, &error) != STATUS_OK)
        bench_fail("open", &error);
    struct hub_options hub_options = {store, config, clock_system};
    if (hub_new(&hub_options, &hub, &error) != STATUS_OK)
        bench_fail("hub", &error);
    hub_start(hub);
    measure_gzip(directory);
    hub_stop(hub);
    hub_free(hub);
    store_close(store);
    config_free(config);
    products = (uint32_t)bench_scaled(4000);
    measure_format(directory, "xml", SHAPE_XML, ">= 150 MB/s, one thread");
    measure_format(directory, "json", SHAPE_JSON, "for comparison, one thread");
    measure_format(directory, "ndjson", SHAPE_NDJSON, "for comparison, one thread");
    return 0;
}
