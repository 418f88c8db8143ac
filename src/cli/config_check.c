/* `onhand config check`: every mistake of a configuration, with its line and key, before the hub
 * finds it at four in the morning. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "config/config.h"

static const struct usage usage = {
    "config check [--config FILE]",
    "Reads a configuration and names file, line and key of every mistake. Needs no hub.\n"
    "Exit code 1: there are mistakes.",
    "  onhand config check --config /etc/onhand/onhand.yaml",
};

static void print_good(const struct config *config, const char *path) {
    (void)printf("%s is good: %zu locations, %zu feeds, %zu sources, %zu channels\n", path,
                 config->location_count, config->feed_count, config->source_count,
                 config->channel_count);
}

int command_config(int argc, char **argv) {
    const char *path = NULL;
    bool as_json = false;
    const struct option_row rows[] = {
        {"--config", "FILE", OPTION_TEXT, &path, "the configuration (onhand.yaml)"},
        {"--json", NULL, OPTION_FLAG, &as_json, "the answer as JSON"},
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 1, 2, &operands);
    if (code != PARSED_RUN)
        return code;
    if (strcmp(operands.words[0], "check") != 0)
        return usage_mistake(&usage, "config can only check");
    if (path == NULL)
        path = operands.count == 2 ? operands.words[1] : "onhand.yaml";
    struct config *config = NULL;
    struct config_report report = {0};
    struct buffer text = {0};
    enum status status = config_load(path, &config, &report);
    if (as_json) {
        (void)printf("{\"valid\":%s,\"mistakes\":%zu}\n", status == STATUS_OK ? "true" : "false",
                     report.count);
    } else if (status == STATUS_OK) {
        print_good(config, path);
    }
    if (status != STATUS_OK) {
        config_report_format(&report, &text);
        (void)fwrite(text.data, 1, text.length, stderr);
    }
    buffer_deinit(&text);
    config_report_deinit(&report);
    config_free(config);
    return status == STATUS_OK ? EXIT_DONE : EXIT_REFUSED;
}
