/* Draws the progress line: bytes, share, rate, and how long it may still take. */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/timestamp.h"

#define QUIET_US US_PER_SECOND
#define REDRAW_US (US_PER_SECOND / 5)

void progress_begin(struct progress *progress) {
    *progress = (struct progress){.began_us = monotonic_us(), .terminal = isatty(STDERR_FILENO)};
}

static void format_bytes(double bytes, char out[32]) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    unsigned unit = 0;
    while (bytes >= 1000.0 && unit < 4) {
        bytes /= 1000.0;
        unit++;
    }
    (void)snprintf(out, 32, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

void progress_show(struct progress *progress, const char *verb, int64_t done, int64_t total) {
    int64_t now_us = monotonic_us();
    bool over = total > 0 && done >= total;
    if (over && progress->done_since_us == 0)
        progress->done_since_us = now_us;
    if (!progress->terminal || now_us - progress->began_us < QUIET_US ||
        now_us - progress->shown_us < REDRAW_US)
        return;
    progress->shown_us = now_us;
    progress->visible = true;
    if (over) {
        (void)fprintf(stderr, "\r\033[Kthe hub is working on it  %.1f s",
                      (double)(now_us - progress->done_since_us) / 1e6);
        return;
    }
    char done_text[32], total_text[32], rate_text[32];
    double rate = (double)done / ((double)(now_us - progress->began_us) / 1e6);
    format_bytes((double)done, done_text);
    format_bytes((double)total, total_text);
    format_bytes(rate, rate_text);
    if (total > 0 && rate > 0)
        (void)fprintf(stderr, "\r\033[K%s  %s of %s  %d %%  %s/s  %.0f s left", verb, done_text,
                      total_text, (int)(done * 100 / total), rate_text,
                      (double)(total - done) / rate);
    else
        (void)fprintf(stderr, "\r\033[K%s  %s  %s/s", verb, done_text, rate_text);
}

void progress_end(struct progress *progress) {
    if (progress->visible)
        (void)fputs("\r\033[K", stderr);
    progress->visible = false;
}
