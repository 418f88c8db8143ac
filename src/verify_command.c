/* `onhand verify`: the ledger is the truth, so every cell can be worked out again from it. This
 * does so for a hub that is not running (or for a backup of one), or for what hubs share on
 * PostgreSQL, running or not, and compares, bit for bit. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/options.h"
#include "serve.h"
#include "store/store.h"

static const struct usage usage = {
    "verify [--data DIR | --store URL] [--json]",
    "Rebuilds every cell from the ledger and compares it with what is kept. Reads only.\n"
    "The hub must not be running on DIR; a restored backup will do as well.\n"
    "Hubs on PostgreSQL may go on. Its password comes from PGPASSWORD or PGPASSFILE.\n"
    "Exit code 1: they differ, or the data cannot be read.",
    "  onhand verify --data /var/lib/onhand\n"
    "  onhand verify --store postgresql://onhand@db1,db2/onhand",
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

/* Everybody on the machine may read a command line. */
static bool holds_password(const char *url) {
    const char *user = strstr(url, "://");
    user = user != NULL ? user + 3 : url;
    size_t length = strcspn(user, "/?");
    const char *at = memchr(user, '@', length);
    return strstr(url, "password=") != NULL ||
           (at != NULL && memchr(user, ':', (size_t)(at - user)) != NULL);
}

static enum status verify(const char *uri, bool as_json, uint64_t *differences_out,
                          struct error *error) {
    struct store_options options;
    store_options_default(&options);
    options.read_only = true;
    struct arena arena = {0};
    struct store *store = NULL;
    struct verify_report report = {0};
    int64_t began_us = monotonic_us();
    enum status status = store_open(uri, &options, &store, error);
    if (status == STATUS_OK)
        status = store_verify(store, &arena, &report, error);
    if (status == STATUS_OK) {
        print_report(&report, (double)(monotonic_us() - began_us) / 1e6, as_json);
        *differences_out = report.differences;
    }
    store_close(store);
    arena_deinit(&arena);
    return status;
}

/* What --store may be; EXIT_DONE: it is. */
static int check_store(const char *store, const char *data) {
    const char *wrong = NULL;
    if (data != NULL)
        wrong = "say --data DIR or --store URL, not both";
    else if (strncmp(store, "postgresql://", 13) != 0 && strncmp(store, "postgres://", 11) != 0)
        wrong = "--store is for postgresql://USER@HOST/DATABASE; say --data DIR for files";
    else if (holds_password(store))
        wrong = "leave the password out of the command line, where others can read it: "
                "set PGPASSWORD or PGPASSFILE";
    if (wrong == NULL)
        return EXIT_DONE;
    (void)fprintf(stderr, "onhand: %s\n", wrong);
    return EXIT_USAGE;
}

static int check_data(const char *data) {
    if (access(data, R_OK | X_OK) == 0)
        return EXIT_DONE;
    (void)fprintf(stderr,
                  "onhand: there is no data to verify in %s\n"
                  "say where it is: onhand verify --data DIR\n",
                  data);
    return EXIT_REFUSED;
}

int command_verify(int argc, char **argv) {
    const char *data = NULL, *store = NULL;
    bool as_json = false;
    const struct option_row rows[] = {
        {"--data", "DIR", OPTION_TEXT, &data, "the hub's data (./onhand-data)"},
        {"--store", "URL", OPTION_TEXT, &store, "what hubs share on PostgreSQL"},
        {"--json", NULL, OPTION_FLAG, &as_json, "the answer as JSON"},
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 0, &operands);
    if (code != PARSED_RUN)
        return code;
    log_configure(LOG_WARN, false);
    const char *where = data != NULL ? data : "./onhand-data";
    code = store != NULL ? check_store(store, data) : check_data(where);
    if (code != EXIT_DONE)
        return code;
    struct error error = {0};
    struct buffer uri = {0};
    uint64_t differences = 0;
    buffer_append_format(&uri, "%s%s",
                         store != NULL ? "" : "sqlite:", store != NULL ? store : where);
    if (verify(uri.data, as_json, &differences, &error) != STATUS_OK) {
        (void)fprintf(stderr, "onhand: cannot verify %s: %s\n", store != NULL ? "the store" : where,
                      error.detail[0] != '\0' ? error.detail : status_meaning(error.status));
        code = EXIT_REFUSED;
    } else if (differences > 0) {
        code = EXIT_REFUSED;
    }
    buffer_deinit(&uri);
    return code;
}
