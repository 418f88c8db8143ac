/* `onhand status`, `feeds`, `sources` and `jobs`: how the hub is doing. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/view.h"

/* ---- status ---- */

static void print_status(const json_t *answer) {
    view_print_object(stdout, answer, 0);
}

int command_status(int argc, char **argv) {
    static const struct usage usage = {
        "status",
        "Shows the hub's own figures. Exit code 1 when no hub answers.",
        "  onhand status\n"
        "  onhand status --url https://stock.example --json",
    };
    struct client_options client = {0};
    const struct option_row rows[] = {CLIENT_ROWS(client)};
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 0, &operands);
    return code == PARSED_RUN ? client_show(&client, "GET", "/v1/status", print_status) : code;
}

/* ---- feeds ---- */

static void print_feeds(const json_t *answer) {
    static const char *const heads[] = {"feed",   "schedule", "next",   "last file",
                                        "result", "reset",    ">files", ">waiting"};
    const json_t *items = json_object_get(answer, "items");
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *feed = json_array_get(items, i);
        table_text(&table, view_string(feed, "name"));
        table_text(&table, view_string(feed, "schedule"));
        table_time(&table, json_object_get(feed, "next_due"));
        table_text(&table, view_string(feed, "last_file"));
        table_text(&table, view_string(feed, "last_result"));
        table_text(&table, view_string(feed, "last_reset"));
        table_number(&table, json_object_get(feed, "files"));
        table_number(&table, json_object_get(feed, "waiting_files"));
    }
    if (table.count == 0)
        (void)puts("no feeds are configured (feeds: in the configuration; see docs/feeds.md)");
    table_print(&table, stdout);
    table_deinit(&table);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *feed = json_array_get(items, i);
        struct buffer when = {0};
        if (view_string(feed, "last_error")[0] == '\0')
            continue;
        view_append_time(&when, json_object_get(feed, "last_error_at"));
        (void)printf("\n%s  ", when.data);
        view_print_safe(stdout, view_string(feed, "name"));
        (void)printf(": ");
        view_print_safe(stdout, view_string(feed, "last_error"));
        (void)printf("\n");
        buffer_deinit(&when);
    }
}

int command_feeds(int argc, char **argv) {
    static const struct usage usage = {
        "feeds",
        "Shows the feeds: what each last took, when it looks again, and what went wrong.\n"
        "onhand jobs run feed:NAME makes one look now.",
        "  onhand feeds",
    };
    struct client_options client = {0};
    const struct option_row rows[] = {CLIENT_ROWS(client)};
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 0, &operands);
    return code == PARSED_RUN ? client_show(&client, "GET", "/v1/feeds", print_feeds) : code;
}

/* ---- jobs ---- */

static void print_jobs(const json_t *answer) {
    static const char *const heads[] = {"job", "schedule", "next", "last ended", "status", "what"};
    const json_t *items = json_object_get(answer, "items");
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *job = json_array_get(items, i);
        bool running = json_is_true(json_object_get(job, "running"));
        table_text(&table, view_string(job, "name"));
        table_text(&table, view_string(job, "schedule"));
        table_time(&table, json_object_get(job, "next_at"));
        table_time(&table, json_object_get(job, "last_finished_at"));
        table_text(&table, running ? "running" : view_string(job, "last_status"));
        table_text(&table, view_string(job, "last_detail"));
    }
    if (table.count == 0)
        (void)puts("there are no jobs: each configured feed is one");
    table_print(&table, stdout);
    table_deinit(&table);
}

static void print_started(const json_t *answer) {
    view_print_safe(stdout, view_string(answer, "name"));
    (void)puts(" is started; onhand jobs shows how it ends");
}

int command_jobs(int argc, char **argv) {
    static const struct usage usage = {
        "jobs\n"
        "jobs run NAME",
        "Shows what runs on a schedule and how it went last, or runs one now.",
        "  onhand jobs\n"
        "  onhand jobs run feed:daily-reset",
    };
    struct client_options client = {0};
    const struct option_row rows[] = {CLIENT_ROWS(client)};
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 2, &operands);
    if (code != PARSED_RUN)
        return code;
    if (operands.count == 0)
        return client_show(&client, "GET", "/v1/jobs", print_jobs);
    if (strcmp(operands.words[0], "run") != 0 || operands.count != 2)
        return usage_mistake(&usage, "onhand jobs run NAME");
    struct buffer path = {0};
    buffer_append_string(&path, "/v1/jobs/");
    append_escaped(&path, operands.words[1]);
    buffer_append_string(&path, "/run");
    code = client_show(&client, "POST", path.data, print_started);
    buffer_deinit(&path);
    return code;
}
