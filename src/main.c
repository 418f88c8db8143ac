/* onhand: finds the command and hands over to it.
 *
 * `serve`, `verify` and `migrate` work on the store and stand beside this file; every other command
 * talks HTTP to a running hub and lives in cli. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "serve.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct command commands[] = {
    {"serve", command_serve, "run the hub"},
    {"adjust", command_adjust, "send a movement of stock, or a file of them"},
    {"reset", command_reset, "send a full file of quantities"},
    {"show", command_show, "what there is of a product"},
    {"history", command_history, "everything that happened to a product at a location"},
    {"explain", command_explain, "why its figure is what it is"},
    {"status", command_status, "how the hub is doing"},
    {"top", command_top, "whether the stock is in sync, live in the terminal"},
    {"resets", command_resets, "the resets on record: approve, reject, rollback, variances"},
    {"variances", command_variances, "how far files were from the books, day after day"},
    {"feeds", command_feeds, "where files come from, and how that went"},
    {"channels", command_channels, "where stock is sent, and what is still to be sent"},
    {"sources", command_sources, "points of sale: how late, what is missing, what is parked"},
    {"jobs", command_jobs, "what runs on a schedule; run one now"},
    {"token", command_token, "who may do what: create, list, revoke"},
    {"export", command_export, "every figure, as CSV or NDJSON"},
    {"verify", command_verify, "rebuild every figure from the ledger and compare (offline)"},
    {"migrate", command_migrate, "move the store to PostgreSQL, or back (offline)"},
    {"backup", command_backup, "copy the store of a running hub"},
    {"bench", command_bench, "put a load on a running hub and measure"},
    {"catalog", command_catalog, "describe products and locations from a file"},
    {"config", command_config, "check a configuration (offline)"},
};

static void print_help(FILE *out) {
    (void)fputs("Onhand keeps one retailer's stock figures true, everywhere, all the time.\n\n"
                "usage: onhand COMMAND [...]\n\n",
                out);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        (void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    (void)fputs("\nonhand COMMAND --help tells the rest; onhand --version the version.\n"
                "To begin: onhand serve\n",
                out);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (strcmp(name, "--version") == 0) {
        (void)puts("onhand " ONHAND_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    (void)fprintf(stderr, "onhand: no such command: %s\ntry: onhand --help\n", name);
    return EXIT_USAGE;
}
