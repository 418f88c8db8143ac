/* `onhand token`: who may do what at which locations. */
#include "cli/body.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/view.h"

static const struct usage usage = {
    "token create --name N --scope adjust|reset|read|admin[,..] [--location CODE,..]\n"
    "token list\n"
    "token revoke NAME",
    "Makes, lists and revokes tokens. A new one is shown once and kept only as a hash.\n"
    "A token with locations works only there.",
    "  onhand token create --name pos-ny01 --scope adjust --location NY01\n"
    "  onhand token create --name erp --scope reset,read\n"
    "  onhand token revoke pos-ny01",
};

struct token_options {
    struct client_options client;
    const char *name, *scopes, *locations;
};

static void append_words(struct buffer *out, const json_t *list, const char *none) {
    for (size_t i = 0; i < json_array_size(list); i++)
        buffer_append_format(out, "%s%s", i > 0 ? ", " : "",
                             json_string_value(json_array_get(list, i)));
    if (out->length == 0)
        buffer_append_string(out, none);
}

static void print_list(const json_t *answer) {
    static const char *const heads[] = {"name", "scopes", "locations", "made"};
    const json_t *items = json_object_get(answer, "items");
    struct table table;
    table_init(&table, heads, 4);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        struct buffer scopes = {0}, locations = {0};
        append_words(&scopes, json_object_get(item, "scopes"), "-");
        append_words(&locations, json_object_get(item, "locations"), "all");
        table_text(&table, view_string(item, "name"));
        table_text(&table, scopes.data);
        table_text(&table, locations.data);
        table_time(&table, json_object_get(item, "created_at"));
        buffer_deinit(&scopes);
        buffer_deinit(&locations);
    }
    table_print(&table, stdout);
    table_deinit(&table);
}

/* The token alone on stdout, so that a script can take it. */
static void print_created(const json_t *answer) {
    (void)puts(view_string(answer, "token"));
    (void)fflush(stdout);
    (void)fputs("shown this once: keep it where only its user can read it\n", stderr);
}

static int call(const struct token_options *options, const struct client_request *request,
                void (*print)(const json_t *answer)) {
    struct client *client = NULL;
    struct answer answer = {0};
    int code = client_open(&options->client, &client);
    if (code == PARSED_RUN)
        code = client_call(client, request, &answer);
    if (code == PARSED_RUN) {
        if (options->client.json && answer.json != NULL)
            view_print_raw(&answer.body);
        else if (print != NULL)
            print(answer.json);
        code = EXIT_DONE;
    }
    if (answer.body.data != NULL)
        explicit_bzero(answer.body.data, answer.body.length);
    answer_deinit(&answer);
    client_close(client);
    return code;
}

static int create(const struct token_options *options) {
    if (options->name == NULL || options->scopes == NULL)
        return usage_mistake(&usage, "a new token needs --name and --scope");
    struct buffer body = {0};
    body_begin(&body);
    body_text(&body, "name", options->name);
    body_list(&body, "scopes", options->scopes);
    body_list(&body, "locations", options->locations);
    body_end(&body);
    struct client_request request = {.method = "POST",
                                     .path = TEXT("/v1/tokens"),
                                     .body = buffer_text(&body),
                                     .content_type = "application/json"};
    int code = call(options, &request, print_created);
    buffer_deinit(&body);
    return code;
}

static int revoke(const struct token_options *options, const char *name) {
    struct buffer path = {0};
    buffer_append_string(&path, "/v1/tokens/");
    append_escaped(&path, name);
    struct client_request request = {.method = "DELETE", .path = buffer_text(&path)};
    int code = call(options, &request, NULL);
    buffer_deinit(&path);
    return code;
}

int command_token(int argc, char **argv) {
    struct token_options options = {0};
    const struct option_row rows[] = {
        {"--name", "NAME", OPTION_TEXT, &options.name, "what it is called; the default source"},
        {"--scope", "SCOPE,..", OPTION_TEXT, &options.scopes, "adjust, reset, read, admin"},
        {"--location", "CODE,..", OPTION_TEXT, &options.locations, "only these (all)"},
        CLIENT_ROWS(options.client),
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 2, &operands);
    if (code != PARSED_RUN)
        return code;
    const char *word = operands.count > 0 ? operands.words[0] : "list";
    struct client_request list = {.method = "GET", .path = TEXT("/v1/tokens")};
    if (strcmp(word, "list") == 0 && operands.count <= 1)
        return call(&options, &list, print_list);
    if (strcmp(word, "create") == 0 && operands.count == 1)
        return create(&options);
    if (strcmp(word, "revoke") == 0 && operands.count == 2)
        return revoke(&options, operands.words[1]);
    return usage_mistake(&usage, "token create, list or revoke NAME");
}
