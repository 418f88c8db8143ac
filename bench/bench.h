/* What the benches share: a scratch directory on a real disk, and one JSON line per figure.
 *
 * A figure is judged against a limit measured in the same run, because machines are noisy and
 * differ; `ratio` is value / limit. Sizes scale with ONHAND_BENCH_SCALE (percent, default 100). */
#ifndef ONHAND_BENCH_BENCH_H
#define ONHAND_BENCH_BENCH_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/timestamp.h"

static inline uint64_t bench_scaled(uint64_t full) {
    const char *percent = getenv("ONHAND_BENCH_SCALE");
    uint64_t scale = percent != NULL ? strtoull(percent, NULL, 10) : 100;
    return full * scale / 100 > 0 ? full * scale / 100 : 1;
}

static inline double bench_seconds_since(int64_t start_us) {
    return (double)(monotonic_us() - start_us) / 1e6;
}

/* limit 0: a figure without one. `goal`: what the figure is to reach, for the reader. */
static inline void bench_report(const char *name, double value, const char *unit, double limit,
                                const char *goal) {
    printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"", name, value, unit);
    if (limit > 0)
        printf(",\"limit\":%.6g,\"ratio\":%.3f", limit, value / limit);
    printf(",\"goal\":\"%s\"}\n", goal);
    fflush(stdout);
}

static inline _Noreturn void bench_fail(const char *what, const struct error *error) {
    fprintf(stderr, "bench: %s: %s\n", what, error != NULL ? error->detail : "failed");
    exit(1);
}

/* A directory that goes when the program ends; under TMPDIR, or /var/tmp, which is a disk. */
static char bench_directory[256];

static inline void bench_remove_directory(void) {
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", bench_directory);
    if (system(command) != 0)
        fprintf(stderr, "bench: cannot remove %s\n", bench_directory);
}

static inline const char *bench_make_directory(void) {
    const char *parent = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/var/tmp";
    snprintf(bench_directory, sizeof bench_directory, "%s/onhand-bench-XXXXXX", parent);
    if (mkdtemp(bench_directory) == NULL)
        bench_fail("mkdtemp", NULL);
    atexit(bench_remove_directory);
    return bench_directory;
}

/* A small, fast, repeatable generator (xorshift64*). */
static inline uint64_t bench_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(2685821657736338717);
}

#endif
