/* `onhand channels`: where stock is sent, what is still to be sent, and telling one what to do. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/view.h"

static const struct usage usage = {
    "channels\n"
    "channels NAME [pause|resume|resync|audit|audits]\n"
    "channels NAME retry [--location CODE --sku SKU]",
    "Shows the channels the hub sends stock to and how far each is, or one of them whole.\n"
    "resume goes on at once, also after a failure; resync sends every figure anew; audit reads\n"
    "everything back and compares; retry tries what the shop refused again. A channel of type\n"
    "file is a job: onhand jobs run channel:NAME writes now.",
    "  onhand channels\n"
    "  onhand channels web\n"
    "  onhand channels web audit",
};

struct channels_options {
    struct client_options client;
    const char *location, *sku;
};

static const json_t *seconds_of(const json_t *channel) {
    return json_object_get(channel, "oldest_pending_seconds");
}

static void print_list(const json_t *answer) {
    static const char *const heads[] = {"channel",   "type",      "state",      ">pending",
                                        ">lag s",    ">per s",    ">confirmed", ">parked",
                                        "last file", "last error"};
    const json_t *items = json_object_get(answer, "items");
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *channel = json_array_get(items, i);
        const json_t *confirmed = json_object_get(channel, "confirmed");
        table_text(&table, view_string(channel, "name"));
        table_text(&table, view_string(channel, "type"));
        table_text(&table, view_string(channel, "state"));
        table_number(&table, json_object_get(channel, "pending"));
        table_number(&table, seconds_of(channel));
        table_number(&table, json_object_get(channel, "confirmed_per_second"));
        table_number(&table, confirmed != NULL ? confirmed : json_object_get(channel, "rows"));
        table_number(&table, json_object_get(channel, "parked_count"));
        table_text(&table, view_string(channel, "last_file"));
        table_text(&table, view_string(channel, "last_error"));
    }
    if (table.count == 0)
        (void)puts("no channels are running on this hub");
    table_print(&table, stdout);
    table_deinit(&table);
}

static void print_parked(const json_t *parked) {
    static const char *const heads[] = {"location", "sku", ">wanted", ">confirmed", "why"};
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(parked); i++) {
        const json_t *item = json_array_get(parked, i);
        table_text(&table, view_string(item, "location"));
        table_text(&table, view_string(item, "sku"));
        table_number(&table, json_object_get(item, "wanted"));
        table_number(&table, json_object_get(item, "confirmed"));
        table_text(&table, view_string(item, "detail"));
    }
    if (table.count > 0)
        (void)puts("\nparked:");
    table_print(&table, stdout);
    table_deinit(&table);
}

static void print_one(const json_t *answer) {
    json_t *fields = json_copy((json_t *)(uintptr_t)answer);
    (void)json_object_del(fields, "parked");
    view_print_object(stdout, fields, 0);
    json_decref(fields);
    print_parked(json_object_get(answer, "parked"));
}

static void print_audits(const json_t *answer) {
    static const char *const heads[] = {"audited", ">read",   ">agreed", ">drift",
                                        ">mended", ">in way", "error"};
    const json_t *items = json_object_get(answer, "items");
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *audit = json_array_get(items, i);
        table_time(&table, json_object_get(audit, "started_at"));
        table_number(&table, json_object_get(audit, "read"));
        table_number(&table, json_object_get(audit, "agreed"));
        table_number(&table, json_object_get(audit, "drift"));
        table_number(&table, json_object_get(audit, "mended"));
        table_number(&table, json_object_get(audit, "in_flight"));
        table_text(&table, view_string(audit, "error"));
    }
    if (table.count == 0)
        (void)puts("no audit has run yet: onhand channels NAME audit starts one");
    table_print(&table, stdout);
    table_deinit(&table);
}

static void print_order(const json_t *answer) {
    view_print_safe(stdout, view_string(answer, "name"));
    (void)printf(": ");
    view_print_safe(stdout, view_string(answer, "status"));
    (void)puts("");
}

static const struct action {
    const char *word, *method, *tail;
    void (*print)(const json_t *answer);
} actions[] = {
    {"show", "GET", "", print_one},
    {"pause", "POST", "/pause", print_order},
    {"resume", "POST", "/resume", print_order},
    {"resync", "POST", "/resync", print_order},
    {"retry", "POST", "/retry", print_order},
    {"audit", "POST", "/audit", print_order},
    {"audits", "GET", "/audits", print_audits},
};

static int run(const struct channels_options *options, const struct action *action,
               const char *name) {
    struct buffer path = {0};
    struct client *client = NULL;
    struct answer answer = {0};
    buffer_append_string(&path, "/v1/channels");
    if (name != NULL) {
        buffer_append_string(&path, "/");
        append_escaped(&path, name);
        buffer_append_string(&path, action->tail);
        append_query(&path, "location", options->location);
        append_query(&path, "sku", options->sku);
    }
    int code = client_open(&options->client, &client);
    if (code == PARSED_RUN)
        code = client_ask(client, action->method, buffer_text(&path), &answer);
    if (code == PARSED_RUN) {
        if (options->client.json)
            view_print_raw(&answer.body);
        else if (name == NULL)
            print_list(answer.json);
        else
            action->print(answer.json);
        code = EXIT_DONE;
    }
    answer_deinit(&answer);
    client_close(client);
    buffer_deinit(&path);
    return code;
}

int command_channels(int argc, char **argv) {
    struct channels_options options = {0};
    const struct option_row rows[] = {
        {"--location", "CODE", OPTION_TEXT, &options.location, "retry: this item only"},
        {"--sku", "SKU", OPTION_TEXT, &options.sku, "retry: this item only"},
        CLIENT_ROWS(options.client),
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 2, &operands);
    if (code != PARSED_RUN)
        return code;
    if (operands.count == 0)
        return run(&options, &actions[0], NULL);
    const char *word = operands.count > 1 ? operands.words[1] : "show";
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(actions[i].word, word) == 0)
            return run(&options, &actions[i], operands.words[0]);
    }
    return usage_mistake(&usage, "'%s' is nothing to do with a channel", word);
}
