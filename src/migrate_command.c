/* `onhand migrate`: moves a store that has outgrown its machine to PostgreSQL, or back, and spreads
 * one on PostgreSQL over Citus. It works on the stores themselves, so no hub may run on either. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "cli/options.h"
#include "config/config.h"
#include "serve.h"
#include "store/migrate.h"

static const struct usage usage = {
    "migrate --from STORE --to STORE [--config FILE] [--data DIR] [--json]\n"
    "migrate --distribute [--to STORE] [--config FILE]",
    "Copies one store into another that is empty, compares both cell by cell, and leaves\n"
    "the source as it was. Stop every hub before. A STORE is sqlite (the data directory),\n"
    "sqlite:DIR, postgresql://USER@HOST/DATABASE, or postgresql: what ONHAND_STORE or the\n"
    "configuration says, which is also what an end that is not given stands for. Passwords\n"
    "belong into PGPASSWORD, a password file or ONHAND_STORE, never into the command line.\n"
    "--distribute spreads the tables of a store on PostgreSQL over the nodes of Citus.\n"
    "Exit code 1: nothing was moved, or a figure differs.",
    "  onhand migrate --from sqlite --to postgresql://onhand@db1/onhand --data /srv/onhand\n"
    "  onhand migrate --from sqlite --config /etc/onhand/onhand.yaml   (to its `store:`)\n"
    "  onhand migrate --from postgresql://onhand@db1/onhand --to sqlite:/srv/onhand",
};

struct migrate_options {
    const char *from, *to, *config, *data;
    bool distribute, json;
};

#define REDRAW_US (US_PER_SECOND / 5)

/* ---- which store ---- */

static int load_config(const struct migrate_options *options, struct config **config_out) {
    if (options->config == NULL) {
        *config_out = config_default();
    } else {
        struct config_report report = {0};
        struct buffer text = {0};
        enum status status = config_load(options->config, config_out, &report);
        if (status != STATUS_OK) {
            config_report_format(&report, &text);
            (void)fprintf(stderr, "%.*sonhand: the configuration has mistakes; nothing was moved\n",
                          TEXT_ARG(buffer_text(&text)));
        }
        buffer_deinit(&text);
        config_report_deinit(&report);
        if (status != STATUS_OK)
            return EXIT_REFUSED;
    }
    if (options->data != NULL)
        config_set_data(*config_out, text_from(options->data));
    return PARSED_RUN;
}

static void configured_store(const struct config *config, struct buffer *uri) {
    const char *from_environment = getenv("ONHAND_STORE");
    if (from_environment != NULL && from_environment[0] != '\0') {
        buffer_append_string(uri, from_environment);
    } else if (config->store == CONFIG_STORE_POSTGRESQL) {
        buffer_append_text(uri, config->store_url);
    } else {
        buffer_append_string(uri, "sqlite:");
        buffer_append_text(uri, config->data);
    }
}

/* `word`: as said on the command line; NULL: not said. */
static int find_store(const char *end, const char *word, const struct config *config,
                      struct buffer *uri) {
    if (word == NULL || strcmp(word, "postgresql") == 0) {
        configured_store(config, uri);
        if (word != NULL && strncmp(uri->data, "postgres", 8) != 0)
            return usage_mistake(&usage,
                                 "%s postgresql: neither ONHAND_STORE nor the "
                                 "configuration says where that is",
                                 end);
        return PARSED_RUN;
    }
    if (strcmp(word, "sqlite") == 0) {
        buffer_append_string(uri, "sqlite:");
        buffer_append_text(uri, config->data);
        return PARSED_RUN;
    }
    if (store_uri_has_password(word))
        return usage_mistake(&usage,
                             "%s: everybody on this machine can read a command line, so no "
                             "password may be in it (and this one is known now): use "
                             "PGPASSWORD, a password file, or ONHAND_STORE",
                             end);
    buffer_append_string(uri, word);
    return PARSED_RUN;
}

/* ---- what is told ---- */

struct watch {
    bool terminal, visible;
    int64_t shown_us;
};

static void show(void *context, const char *word, uint64_t done) {
    struct watch *watch = context;
    int64_t now_us = monotonic_us();
    if (!watch->terminal || now_us - watch->shown_us < REDRAW_US)
        return;
    watch->shown_us = now_us;
    watch->visible = true;
    (void)fprintf(stderr, "\r\033[K%s  %" PRIu64, word, done);
}

static void print_report(const struct migration_report *report, double seconds, bool as_json) {
    if (as_json) {
        (void)printf("{\"cells\":%" PRIu64 ",\"last_seq\":%" PRIu64, report->cells,
                     report->last_seq);
        for (int part = 0; part < MIGRATION_PART_COUNT; part++)
            (void)printf(",\"%s\":%" PRIu64, migration_part_word((enum migration_part)part),
                         report->counts[part]);
        (void)printf(",\"differences\":%" PRIu64 ",\"seconds\":%.3f}\n", report->differences,
                     seconds);
        return;
    }
    for (int part = 0; part < MIGRATION_PART_COUNT; part++)
        (void)printf("%-13s %12" PRIu64 "\n", migration_part_word((enum migration_part)part),
                     report->counts[part]);
    (void)printf("cells         %12" PRIu64 "\n"
                 "last number   %12" PRIu64 "\n"
                 "differences   %12" PRIu64 "\n"
                 "seconds       %12.3f\n",
                 report->cells, report->last_seq, report->differences, seconds);
    if (report->differences == 0)
        (void)puts("all of it is there, cell by cell; no hub may write to the old store any more: "
                   "put it aside");
}

static int fail(const struct error *error) {
    (void)fprintf(stderr, "onhand: cannot migrate: %s\n",
                  error->detail[0] != '\0' ? error->detail : status_meaning(error->status));
    return EXIT_REFUSED;
}

static int migrate(const char *from, const char *to, const struct config *config, bool as_json) {
    struct store_options options;
    struct watch watch = {.terminal = isatty(STDERR_FILENO) == 1};
    const struct migration_watcher watcher = {show, &watch};
    struct migration_report report;
    struct arena arena = {0};
    struct error error = {0};
    int64_t began_us = monotonic_us();
    store_options_default(&options);
    options.dedup_window_us = config->dedup_window_us;
    enum status status = store_migrate(from, to, &options, &watcher, &arena, &report, &error);
    if (watch.visible)
        (void)fputs("\r\033[K", stderr);
    int code = status == STATUS_OK ? EXIT_DONE : fail(&error);
    if (status == STATUS_OK)
        print_report(&report, (double)(monotonic_us() - began_us) / 1e6, as_json);
    if (status == STATUS_OK && report.differences > 0) {
        (void)fprintf(stderr,
                      "onhand: the copy differs, and no hub will open it; stay on the old store\n"
                      "first difference: %.*s\n",
                      TEXT_ARG(report.first));
        code = EXIT_REFUSED;
    }
    arena_deinit(&arena);
    return code;
}

static int distribute(const char *uri) {
    struct error error = {0};
    unsigned tables = 0;
    if (store_distribute(uri, &tables, &error) != STATUS_OK)
        return fail(&error);
    if (tables == 0)
        (void)puts("the tables are distributed already");
    else
        (void)printf("%u tables distributed by bkt\n", tables);
    return EXIT_DONE;
}

static int run(const struct migrate_options *options, const struct config *config) {
    struct buffer from = {0}, to = {0};
    int code = find_store("--to", options->to, config, &to);
    if (code == PARSED_RUN && options->distribute) {
        code = distribute(to.data);
    } else if (code == PARSED_RUN) {
        code = find_store("--from", options->from, config, &from);
        if (code == PARSED_RUN && text_equal(buffer_text(&from), buffer_text(&to)))
            code = usage_mistake(&usage, "both ends are the same store: say --from and --to");
        if (code == PARSED_RUN)
            code = migrate(from.data, to.data, config, options->json);
    }
    buffer_deinit(&from);
    buffer_deinit(&to);
    return code;
}

int command_migrate(int argc, char **argv) {
    struct migrate_options options = {.from = NULL};
    const struct option_row rows[] = {
        {"--from", "STORE", OPTION_TEXT, &options.from, "what is moved"},
        {"--to", "STORE", OPTION_TEXT, &options.to, "where to; it must be empty"},
        {"--config", "FILE", OPTION_TEXT, &options.config, "the configuration (YAML)"},
        {"--data", "DIR", OPTION_TEXT, &options.data, "the hub's data (./onhand-data)"},
        {"--distribute", NULL, OPTION_FLAG, &options.distribute, "spread the tables over Citus"},
        {"--json", NULL, OPTION_FLAG, &options.json, "the answer as JSON"},
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 0, &operands);
    if (code != PARSED_RUN)
        return code;
    if (options.distribute && options.from != NULL)
        return usage_mistake(&usage, "--distribute stays where it is: leave --from out");
    if (!options.distribute && options.from == NULL && options.to == NULL)
        return usage_mistake(&usage, "say --from or --to");
    log_configure(LOG_WARN, false);
    struct config *config = NULL;
    code = load_config(&options, &config);
    if (code == PARSED_RUN)
        code = run(&options, config);
    config_free(config);
    return code;
}
