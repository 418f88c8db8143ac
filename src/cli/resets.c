/* `onhand resets`: the resets on record, and the decisions about those that were held. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/reset_view.h"
#include "cli/variance_view.h"
#include "cli/view.h"

static const struct usage usage = {
    "resets [show ID]\n"
    "resets approve|reject|rollback ID\n"
    "resets variances ID [--order units] [--limit N]\n"
    "resets rejects ID",
    "Lists the resets, newest first, or shows one. approve applies what was held, reject\n"
    "drops it, rollback takes an applied one out again and keeps every event since.\n"
    "variances: where it differed from the books, and what has explained it since.\n"
    "rejects: the rows that were not taken, as CSV.",
    "  onhand resets\n"
    "  onhand resets approve r-0199-4\n"
    "  onhand resets variances r-0199-4 --order units --limit 20",
};

struct resets_options {
    struct client_options client;
    const char *order;
    int64_t limit;
};

static void print_list(const json_t *answer) {
    static const char *const heads[] = {"reset",    "status",    "as of",    "source", ">rows",
                                        ">changed", ">variance", ">seconds", "file"};
    const json_t *items = json_object_get(answer, "items");
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        table_text(&table, view_string(item, "id"));
        table_text(&table, view_string(item, "status"));
        table_time(&table, json_object_get(item, "as_of"));
        table_text(&table, view_string(item, "source"));
        table_number(&table, json_object_get(item, "rows"));
        table_number(&table, json_object_get(item, "changed"));
        table_number(&table, json_object_get(item, "variance_units"));
        table_number(&table, json_object_get(item, "seconds"));
        table_text(&table, view_string(item, "file"));
    }
    if (table.count == 0)
        (void)puts("no resets yet: onhand reset FILE");
    table_print(&table, stdout);
    table_deinit(&table);
}

enum view { VIEW_LIST, VIEW_RESET, VIEW_VARIANCES, VIEW_RAW };

static const struct action {
    const char *word, *method, *tail;
    enum view view;
} actions[] = {
    {"list", "GET", NULL, VIEW_LIST},
    {"show", "GET", "", VIEW_RESET},
    {"approve", "POST", "/approve", VIEW_RESET},
    {"reject", "POST", "/reject", VIEW_RESET},
    {"rollback", "POST", "/rollback", VIEW_RESET},
    {"variances", "GET", "/variances", VIEW_VARIANCES},
    {"rejects", "GET", "/rejects", VIEW_RAW},
};

static int print(const struct action *action, const struct answer *answer, bool as_json) {
    if (as_json || action->view == VIEW_RAW)
        view_print_raw(&answer->body);
    else if (action->view == VIEW_LIST)
        print_list(answer->json);
    else if (action->view == VIEW_VARIANCES)
        variance_view_print(answer->json);
    else
        reset_view_print(answer->json);
    bool decision = strcmp(action->method, "POST") == 0 && strcmp(action->word, "reject") != 0;
    return decision ? reset_view_code(answer->json) : EXIT_DONE;
}

static int run(const struct resets_options *options, const struct action *action, const char *id) {
    struct buffer path = {0};
    char limit[32];
    (void)snprintf(limit, sizeof limit, "%lld", (long long)options->limit);
    buffer_append_string(&path, "/v1/resets");
    if (action->tail != NULL) {
        buffer_append_string(&path, "/");
        append_escaped(&path, id);
        buffer_append_string(&path, action->tail);
    }
    if (action->view == VIEW_VARIANCES)
        append_query(&path, "order", options->order);
    if (action->view == VIEW_VARIANCES || action->view == VIEW_LIST)
        append_query(&path, "limit", options->limit > 0 ? limit : NULL);
    struct client *client = NULL;
    struct answer answer = {0};
    int code = client_open(&options->client, &client);
    if (code == PARSED_RUN)
        code = client_ask(client, action->method, buffer_text(&path), &answer);
    if (code == PARSED_RUN)
        code = print(action, &answer, options->client.json);
    answer_deinit(&answer);
    client_close(client);
    buffer_deinit(&path);
    return code;
}

int command_resets(int argc, char **argv) {
    struct resets_options options = {0};
    const struct option_row rows[] = {
        {"--order", "units", OPTION_TEXT, &options.order, "variances: largest first"},
        {"--limit", "N", OPTION_COUNT, &options.limit, "at most so many lines"},
        CLIENT_ROWS(options.client),
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 2, &operands);
    if (code != PARSED_RUN)
        return code;
    const char *word = operands.count > 0 ? operands.words[0] : "list";
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(actions[i].word, word) != 0)
            continue;
        size_t needed = actions[i].tail != NULL ? 2 : 1;
        if (operands.count > 0 && operands.count != needed)
            return usage_mistake(&usage, needed == 2 ? "which reset? onhand resets lists them"
                                                     : "one word too many");
        return run(&options, &actions[i], operands.words[1]);
    }
    return usage_mistake(&usage, "'%s' is nothing to do with resets", word);
}
