/* `onhand verify`: the ledger is the truth, so every cell can be worked out again from it. This
 * does so for a hub that is not running (or for a backup of one) and compares, bit for bit. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/options.h"
#include "serve.h"
#include "store/store.h"

static const struct usage usage = {
    "verify [--data DIR] [--json]",
    "Rebuilds every cell from the ledger and compares it with what is kept. Reads only.\n"
    "The hub must not be running on DIR; a restored backup will do as well.\n"
    "Exit code 1: they differ, or the data cannot be read.",
    "  onhand verify --data /var/lib/onhand",
};

static void print_report(const struct verify_report *report, double seconds, bool as_json) {
    if (as_json) {
        (void)printf("{\"cells\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"statements\":%" PRIu64
                     ",\"differences\":%" PRIu64 ",\"seconds\":%.3f}\n",
                     report->cells, report->rows, report->statements, report->differences, seconds);
        return;
    }
    (void)printf("cells         %12" PRIu64 "\n"
                 "ledger rows   %12" PRIu64 "\n"
                 "statements    %12" PRIu64 "\n"
                 "differences   %12" PRIu64 "\n"
                 "seconds       %12.3f\n",
                 report->cells, report->rows, report->statements, report->differences, seconds);
    if (report->differences == 0)
        (void)puts("every figure is what the ledger says");
    else
        (void)printf("first difference: %.*s\n", TEXT_ARG(report->first));
}

static enum status verify(const char *data, bool as_json, uint64_t *differences_out,
                          struct error *error) {
    struct store_options options;
    store_options_default(&options);
    options.read_only = true;
    struct buffer uri = {0};
    struct arena arena = {0};
    struct store *store = NULL;
    struct verify_report report = {0};
    int64_t began_us = monotonic_us();
    buffer_append_format(&uri, "sqlite:%s", data);
    enum status status = store_open(uri.data, &options, &store, error);
    if (status == STATUS_OK)
        status = store_verify(store, &arena, &report, error);
    if (status == STATUS_OK) {
        print_report(&report, (double)(monotonic_us() - began_us) / 1e6, as_json);
        *differences_out = report.differences;
    }
    store_close(store);
    arena_deinit(&arena);
    buffer_deinit(&uri);
    return status;
}

int command_verify(int argc, char **argv) {
    const char *data = "./onhand-data";
    bool as_json = false;
    const struct option_row rows[] = {
        {"--data", "DIR", OPTION_TEXT, &data, "the hub's data (./onhand-data)"},
        {"--json", NULL, OPTION_FLAG, &as_json, "the answer as JSON"},
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 0, &operands);
    if (code != PARSED_RUN)
        return code;
    log_configure(LOG_WARN, false);
    struct error error = {0};
    uint64_t differences = 0;
    if (access(data, R_OK | X_OK) != 0) {
        (void)fprintf(stderr,
                      "onhand: there is no data to verify in %s\n"
                      "say where it is: onhand verify --data DIR\n",
                      data);
        return EXIT_REFUSED;
    }
    if (verify(data, as_json, &differences, &error) != STATUS_OK) {
        (void)fprintf(stderr, "onhand: cannot verify %s: %s\n", data,
                      error.detail[0] != '\0' ? error.detail : status_meaning(error.status));
        return EXIT_REFUSED;
    }
    return differences == 0 ? EXIT_DONE : EXIT_REFUSED;
}
