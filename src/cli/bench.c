/* `onhand bench`: what the running hub takes here and now, over HTTP, every answer durable. */
#include <inttypes.h>

#include "base/timestamp.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/load.h"
#include "cli/view.h"

#define PRODUCTS 1000u
#define CONNECTIONS_MAX 4096
#define BATCH_MAX 100000
#define SECONDS_MAX 3600

static const struct usage usage = {
    "bench [--seconds N] [--connections N] [--batch N] [--location CODE]",
    "Puts a load on a running hub and tells how much it took and how long answers took.\n"
    "Each answer is durable. The movements (+1 and -1 in turn) are real: they go to a\n"
    "location and products of their own, and stay in the ledger.",
    "  onhand bench                          single calls of UpdateInventory\n"
    "  onhand bench --batch 1000 --connections 4",
};

struct bench_options {
    struct client_options client;
    int64_t seconds, connections, batch;
    const char *location;
};

static uint64_t write_single(void *context, uint64_t number, struct buffer *body) {
    const struct bench_options *options = context;
    buffer_append_format(body,
                         "{\"facilityId\":\"%s\",\"idType\":\"SKU\",\"idValue\":\"BENCH-%u\","
                         "\"availableDelta\":%d,\"varianceReasonId\":\"BENCH\"}",
                         options->location, (unsigned)(number % PRODUCTS),
                         number / PRODUCTS % 2 == 0 ? 1 : -1);
    return 1;
}

static uint64_t write_batch(void *context, uint64_t number, struct buffer *body) {
    const struct bench_options *options = context;
    for (int64_t i = 0; i < options->batch; i++)
        buffer_append_format(
            body, "{\"location\":\"%s\",\"sku\":\"BENCH-%u\",\"delta\":%d}\n", options->location,
            (unsigned)((number * (uint64_t)options->batch + (uint64_t)i) % PRODUCTS),
            number % 2 == 0 ? 1 : -1);
    return (uint64_t)options->batch;
}

static void print_report(const struct bench_options *options, const struct load_report *report) {
    static const struct {
        const char *name;
        double share;
    } percentiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}};
    double seconds = (double)report->elapsed_us / 1e6;
    double rate = (double)report->adjustments / seconds;
    if (options->client.json) {
        (void)printf("{\"adjustments\":%" PRIu64 ",\"requests\":%" PRIu64 ",\"refused\":%" PRIu64
                     ",\"seconds\":%.3f,\"adjustments_per_second\":%.0f,\"connections\":%" PRId64
                     ",\"batch\":%" PRId64,
                     report->adjustments, report->requests, report->refused, seconds, rate,
                     options->connections, options->batch);
        for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++)
            (void)printf(",\"%s_ms\":%.2f", percentiles[i].name,
                         load_percentile_ms(report, percentiles[i].share));
        (void)puts("}");
        return;
    }
    (void)printf("adjustments/s %12.0f\n"
                 "adjustments   %12" PRIu64 "\n"
                 "requests      %12" PRIu64 "\n"
                 "seconds       %12.1f\n",
                 rate, report->adjustments, report->requests, seconds);
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++)
        (void)printf("%-14s%9.2f ms\n", percentiles[i].name,
                     load_percentile_ms(report, percentiles[i].share));
}

static int tell_refusals(const struct load_report *report) {
    if (report->refused == 0)
        return report->adjustments > 0 ? EXIT_DONE : EXIT_REFUSED;
    (void)fprintf(stderr, "onhand: %" PRIu64 " requests were refused, the first with %ld: ",
                  report->refused, report->first_refusal);
    char text[sizeof report->first_answer_data + 1];
    (void)snprintf(text, sizeof text, "%.*s", TEXT_ARG(report->first_answer));
    view_print_safe(stderr, text);
    (void)fputs("\n", stderr);
    return EXIT_REFUSED;
}

static int run(struct bench_options *options, struct client *client) {
    struct load load = {
        .url = client_url(client),
        .token = client_token(client),
        .connections = (unsigned)options->connections,
        .duration_us = options->seconds * US_PER_SECOND,
        .write_body = options->batch == 1 ? write_single : write_batch,
        .context = options,
        .path = options->batch == 1 ? "/v1/UpdateInventory" : "/v1/adjustments",
        .content_type = options->batch == 1 ? "application/json" : "application/x-ndjson",
    };
    struct load_report report;
    struct error error = {0};
    int code = EXIT_REFUSED;
    if (load_run(&load, &report, &error) != STATUS_OK) {
        (void)fprintf(stderr, "onhand: %s\n", error.detail);
    } else {
        print_report(options, &report);
        code = tell_refusals(&report);
    }
    load_report_deinit(&report);
    return code;
}

static bool in_range(int64_t value, int64_t most) {
    return value >= 1 && value <= most;
}

int command_bench(int argc, char **argv) {
    struct bench_options options = {
        .seconds = 10, .connections = 64, .batch = 1, .location = "ONHAND-BENCH"};
    const struct option_row rows[] = {
        {"--seconds", "N", OPTION_COUNT, &options.seconds, "how long (10)"},
        {"--connections", "N", OPTION_COUNT, &options.connections, "kept alive (64)"},
        {"--batch", "N", OPTION_COUNT, &options.batch, "adjustments a request (1)"},
        {"--location", "CODE", OPTION_TEXT, &options.location, "where (ONHAND-BENCH)"},
        CLIENT_ROWS(options.client),
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 0, &operands);
    if (code != PARSED_RUN)
        return code;
    if (!in_range(options.seconds, SECONDS_MAX) || !in_range(options.batch, BATCH_MAX) ||
        !in_range(options.connections, CONNECTIONS_MAX))
        return usage_mistake(&usage, "out of range: --seconds up to 3600, --connections up to "
                                     "4096, --batch up to 100000");
    if (strpbrk(options.location, "\"\\") != NULL)
        return usage_mistake(&usage, "--location: a code without quotes");
    struct client *client = NULL;
    struct answer answer = {0};
    code = client_open(&options.client, &client);
    if (code == PARSED_RUN) /* tells in words what a load would only see as a refusal */
        code = client_ask(client, "GET", TEXT("/openapi.json"), &answer);
    if (code == PARSED_RUN)
        code = run(&options, client);
    answer_deinit(&answer);
    client_close(client);
    return code;
}
