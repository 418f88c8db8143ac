/* A load on a running hub: connections kept alive, one request under way on each, bounded in time.
 *
 * Plain sockets and one poll loop, so that on a shared machine the measured hub and not the one who
 * measures has the processor. Only http:// and a numeric or known host. */
#ifndef ONHAND_CLI_LOAD_H
#define ONHAND_CLI_LOAD_H

#include "base/status.h"
#include "base/text.h"

struct load {
    const char *url, *token;
    unsigned connections;
    int64_t duration_us;
    /* Appends the body of request `number` and returns how many adjustments are in it. */
    uint64_t (*write_body)(void *context, uint64_t number, struct buffer *body);
    void *context;
    const char *path, *content_type;
};

#define LOAD_RESOLUTION_US 10
#define LOAD_SLOTS 200000u /* up to two seconds; beyond: in the last one */

struct load_report {
    uint64_t requests, adjustments, refused; /* refused: answers other than 2xx */
    long first_refusal;                      /* its HTTP status; 0: none */
    struct text first_answer;                /* its body, in first_answer_data */
    char first_answer_data[400];
    int64_t elapsed_us;
    uint32_t *latency_counts; /* LOAD_SLOTS; free with load_report_deinit */
};

must_check enum status load_run(const struct load *load, struct load_report *report_out,
                                struct error *error);
void load_report_deinit(struct load_report *report);
double load_percentile_ms(const struct load_report *report, double share); /* 0.99 */

#endif
