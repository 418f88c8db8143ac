/* `onhand variances`: how far files were from the books, day after day, or cell by cell of one. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/variance_view.h"
#include "cli/view.h"

static const struct usage usage = {
    "variances [--location CODE] [--feed NAME] [--days N]\n"
    "variances --reset ID [--limit N] [--csv]",
    "Shows, day after day, how far each location's files were from the books, what late sales\n"
    "and receipts have explained of that since, and what stays unexplained. With --reset the\n"
    "same of one reset, cell by cell, largest first; of a held one what approving it would do.",
    "  onhand variances --location NY01 --days 30\n"
    "  onhand variances --reset r-20261123T100000000-00002a --csv > variances.csv",
};

struct variances_options {
    struct client_options client;
    const char *location, *feed, *reset;
    int64_t days, limit;
    bool csv;
};

void variance_view_print(const json_t *answer) {
    static const char *const heads[] = {"location", "sku",       ">line",      ">stated",
                                        ">books",   ">variance", ">explained", ">unexplained"};
    static const char *const numbers[] = {"line",     "stated",    "expected",
                                          "variance", "explained", "unexplained"};
    const json_t *items = json_object_get(answer, "items");
    bool held = false;
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        held |= json_is_true(json_object_get(item, "held"));
        table_text(&table, view_string(item, "location"));
        table_text(&table, view_string(item, "sku"));
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
            table_number(&table, json_object_get(item, numbers[k]));
    }
    if (table.count == 0)
        (void)puts("no variances: what it says is what the books said");
    table_print(&table, stdout);
    table_deinit(&table);
    if (held)
        (void)puts("some are held: this is what approving them now would correct");
    if (json_is_integer(json_object_get(answer, "next")))
        (void)puts("... there are more: --limit N");
}

static void print_trend(const json_t *answer) {
    static const char *const heads[] = {"date",   "location", "feed",       ">resets",
                                        ">cells", ">units",   ">explained", ">unexplained"};
    static const char *const numbers[] = {"resets", "cells", "units", "explained", "unexplained"};
    const json_t *items = json_object_get(answer, "items");
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        const char *feed = view_string(item, "feed");
        table_text(&table, view_string(item, "date"));
        table_text(&table, view_string(item, "location"));
        table_text(&table, feed[0] != '\0' ? feed : view_string(item, "source"));
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
            table_number(&table, json_object_get(item, numbers[k]));
    }
    if (table.count == 0)
        (void)puts("no file was applied on these days");
    table_print(&table, stdout);
    table_deinit(&table);
    if (json_is_string(json_object_get(answer, "next")))
        (void)puts("... there are earlier days: --days N");
}

static void append_path(const struct variances_options *options, struct buffer *path) {
    char number[32];
    if (options->reset == NULL) {
        (void)snprintf(number, sizeof number, "%lld", (long long)options->days);
        buffer_append_string(path, "/v1/variances");
        append_query(path, "location", options->location);
        append_query(path, "feed", options->feed);
        append_query(path, "days", options->days > 0 ? number : NULL);
        return;
    }
    (void)snprintf(number, sizeof number, "%lld", (long long)options->limit);
    buffer_append_string(path, "/v1/resets/");
    append_escaped(path, options->reset);
    buffer_append_string(path, "/variances");
    append_query(path, "order", "units");
    append_query(path, "format", options->csv ? "csv" : NULL);
    append_query(path, "limit", options->limit > 0 && !options->csv ? number : NULL);
}

static int run(const struct variances_options *options) {
    struct buffer path = {0};
    struct client *client = NULL;
    struct answer answer = {0};
    append_path(options, &path);
    int code = client_open(&options->client, &client);
    if (code == PARSED_RUN)
        code = client_ask(client, "GET", buffer_text(&path), &answer);
    if (code == PARSED_RUN) {
        if (options->client.json || options->csv)
            view_print_raw(&answer.body);
        else if (options->reset != NULL)
            variance_view_print(answer.json);
        else
            print_trend(answer.json);
        code = EXIT_DONE;
    }
    answer_deinit(&answer);
    client_close(client);
    buffer_deinit(&path);
    return code;
}

int command_variances(int argc, char **argv) {
    struct variances_options options = {0};
    const struct option_row rows[] = {
        {"--location", "CODE", OPTION_TEXT, &options.location, "only this location"},
        {"--feed", "NAME", OPTION_TEXT, &options.feed, "only this feed's files"},
        {"--days", "N", OPTION_COUNT, &options.days, "how many days back (14)"},
        {"--reset", "ID", OPTION_TEXT, &options.reset, "of one reset, cell by cell"},
        {"--limit", "N", OPTION_COUNT, &options.limit, "with --reset: at most so many lines"},
        {"--csv", NULL, OPTION_FLAG, &options.csv, "with --reset: all of it as CSV"},
        CLIENT_ROWS(options.client),
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 0, &operands);
    if (code != PARSED_RUN)
        return code;
    if (options.reset == NULL && (options.csv || options.limit > 0))
        return usage_mistake(&usage, "--csv and --limit go with --reset ID");
    if (options.reset != NULL &&
        (options.days > 0 || options.location != NULL || options.feed != NULL))
        return usage_mistake(&usage, "--reset ID goes without --location, --feed and --days");
    return run(&options);
}
