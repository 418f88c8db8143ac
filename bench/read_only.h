/* Limit B: a file read and split into fields by the product's own reader, and nothing done with it.
 */
#ifndef ONHAND_BENCH_READ_ONLY_H
#define ONHAND_BENCH_READ_ONLY_H

#include <fcntl.h>

#include "bench.h"
#include "feed/reader.h"

static void pass_by(void *context, const struct stated_row *rows, size_t count) {
    (void)context;
    (void)rows;
    (void)count;
}

static struct reader_sink begin_part(void *context) {
    (void)context;
    return (struct reader_sink){pass_by, NULL};
}

static void end_part(void *context, void *part, bool join, uint64_t lines_before) {
    (void)context;
    (void)part;
    (void)join;
    (void)lines_before;
}

/* Seconds it took. */
static double read_only(const char *path) {
    struct reader_options options = {0};
    struct reader_parts parts = {{pass_by, NULL}, begin_part, end_part, NULL, NULL};
    struct reader_report report;
    struct arena arena = {0};
    struct error error = {0};
    int fd = open(path, O_RDONLY);
    int64_t start_us = monotonic_us();
    if (fd < 0 || reader_read_file(fd, &options, &parts, &arena, &report, &error) != STATUS_OK)
        bench_fail("limit B", &error);
    double seconds = bench_seconds_since(start_us);
    close(fd);
    arena_deinit(&arena);
    return seconds;
}

#endif
