/* `onhand sources`: the points of sale, their stores and registers, and what was not understood. */
#include <stdlib.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/view.h"

static const struct usage usage = {
    "sources\n"
    "sources NAME\n"
    "sources parked NAME [ID]\n"
    "sources replay NAME [ID]\n"
    "sources drop NAME ID\n"
    "sources snapshot NAME",
    "Shows the points of sale; with a name, its stores and registers: what came last, how\n"
    "late, whose clock is wrong, which document numbers are missing. What was not understood\n"
    "is parked: parked lists it (with an ID: the document as it came), replay takes it once\n"
    "more (all of it without an ID), drop throws one away. snapshot starts a Daily Reset from\n"
    "its inventory; `sources NAME --json` tells what came of it.",
    "  onhand sources\n"
    "  onhand sources prism\n"
    "  onhand sources parked prism\n"
    "  onhand sources replay prism\n"
    "  onhand sources snapshot prism",
};

static void print_sources(const json_t *answer) {
    static const char *const heads[] = {"source",  "state",   "last document", ">pushed", ">polled",
                                        ">stores", ">silent", ">missing",      ">parked"};
    const json_t *items = json_object_get(answer, "items");
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *source = json_array_get(items, i);
        table_text(&table, view_string(source, "name"));
        table_text(&table, view_string(source, "state"));
        table_time(&table, json_object_get(source, "last_document_at"));
        table_number(&table, json_object_get(source, "pushed"));
        table_number(&table, json_object_get(source, "polled"));
        table_number(&table, json_object_get(source, "stores_known"));
        table_number(&table, json_object_get(source, "stores_silent"));
        table_number(&table, json_object_get(source, "numbers_missing"));
        table_number(&table, json_object_get(source, "parked"));
    }
    if (table.count == 0)
        (void)puts("no sources are configured (sources: in the configuration; see docs/prism.md)");
    table_print(&table, stdout);
    table_deinit(&table);
}

/* "40-42, 47": the numbers that are missing. */
static void add_gaps(struct table *table, const json_t *gaps) {
    struct buffer text = {0};
    for (size_t i = 0; i < json_array_size(gaps); i++) {
        const json_t *gap = json_array_get(gaps, i);
        if (i > 0)
            buffer_append_string(&text, ", ");
        if (i == 4) {
            buffer_append_string(&text, "...");
            break;
        }
        long long from = json_integer_value(json_object_get(gap, "from"));
        long long to = json_integer_value(json_object_get(gap, "to"));
        if (from == to)
            buffer_append_format(&text, "%lld", from);
        else
            buffer_append_format(&text, "%lld-%lld", from, to);
    }
    table_text(table, text.length > 0 ? text.data : "");
    buffer_deinit(&text);
}

static void add_register(struct table *table, const json_t *store, const json_t *r) {
    bool silent = json_is_string(json_object_get(store, "silent_since"));
    table_text(table, view_string(store, "location"));
    table_text(table, r != NULL ? view_string(r, "register") : "");
    table_time(table, json_object_get(r != NULL ? r : store, "last_document_at"));
    table_number(table, json_object_get(r != NULL ? r : store, "lag_seconds"));
    table_number(table, json_object_get(r, "clock_offset_seconds"));
    table_number(table, json_object_get(r, "last_number"));
    add_gaps(table, json_object_get(r, "gaps"));
    table_text(table, silent ? "silent" : "");
}

static void print_source(const json_t *answer) {
    static const char *const heads[] = {"location",       "register",     "last document", ">lag s",
                                        ">clock ahead s", ">last number", "missing",       ""};
    const json_t *stores = json_object_get(answer, "stores");
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(stores); i++) {
        const json_t *store = json_array_get(stores, i);
        const json_t *registers = json_object_get(store, "registers");
        for (size_t k = 0; k < json_array_size(registers); k++)
            add_register(&table, store, json_array_get(registers, k));
        if (json_array_size(registers) == 0)
            add_register(&table, store, NULL);
    }
    if (table.count == 0)
        (void)puts("nothing has come from any store yet");
    table_print(&table, stdout);
    table_deinit(&table);
}

static void print_parked(const json_t *answer) {
    static const char *const heads[] = {"id", "kind", "document sid", "since", ">times", "why"};
    const json_t *items = json_object_get(answer, "items");
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *parked = json_array_get(items, i);
        table_text(&table, view_string(parked, "id"));
        table_text(&table, view_string(parked, "kind"));
        table_text(&table, view_string(parked, "sid"));
        table_time(&table, json_object_get(parked, "first_at"));
        table_number(&table, json_object_get(parked, "times"));
        table_text(&table, view_string(parked, "reason"));
    }
    if (table.count == 0)
        (void)puts("nothing is parked: every document was understood");
    table_print(&table, stdout);
    table_deinit(&table);
    if (json_is_string(json_object_get(answer, "next")))
        (void)puts("\nthere are more; these are the oldest");
}

static void print_document(const json_t *answer) {
    char *text = json_dumps(answer, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    if (text != NULL) {
        view_print_safe(stdout, text);
        (void)puts("");
    }
    free(text);
}

static void print_replayed(const json_t *answer) {
    (void)printf("%lld taken once more: %lld understood, %lld still parked\n",
                 (long long)json_integer_value(json_object_get(answer, "replayed")),
                 (long long)json_integer_value(json_object_get(answer, "settled")),
                 (long long)json_integer_value(json_object_get(answer, "still_parked")));
}

static void print_nothing(const json_t *answer) {
    (void)answer;
    (void)puts("it is gone");
}

/* What is done with parked documents: a word, where it goes, how its answer looks. */
static const struct verb {
    const char *word, *method, *ending;
    size_t least, most; /* operands, the word included */
    void (*print)(const json_t *answer);
    void (*print_one)(const json_t *answer);
} verbs[] = {
    {"parked", "GET", "", 2, 3, print_parked, print_document},
    {"replay", "POST", "/replay", 2, 3, print_replayed, print_replayed},
    {"drop", "DELETE", "", 3, 3, print_nothing, print_nothing},
};

static void print_started(const json_t *answer) {
    (void)printf("%s was started; `onhand resets` will show the reset that comes of it\n",
                 view_string(answer, "name"));
}

static int start_snapshot(const struct client_options *client, const char *name) {
    struct buffer path = {0};
    buffer_append_string(&path, "/v1/sources/");
    append_escaped(&path, name);
    buffer_append_string(&path, "/snapshot");
    int code = client_show(client, "POST", path.data, print_started);
    buffer_deinit(&path);
    return code;
}

static int run_verb(const struct client_options *client, const struct verb *verb,
                    const struct operands *operands) {
    struct buffer path = {0};
    bool one = operands->count == 3;
    buffer_append_string(&path, "/v1/sources/");
    append_escaped(&path, operands->words[1]);
    buffer_append_string(&path, "/parked");
    if (one) {
        buffer_append_string(&path, "/");
        append_escaped(&path, operands->words[2]);
    }
    buffer_append_string(&path, verb->ending);
    int code = client_show(client, verb->method, path.data, one ? verb->print_one : verb->print);
    buffer_deinit(&path);
    return code;
}

int command_sources(int argc, char **argv) {
    struct client_options client = {0};
    const struct option_row rows[] = {CLIENT_ROWS(client)};
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 3, &operands);
    if (code != PARSED_RUN)
        return code;
    if (operands.count == 0)
        return client_show(&client, "GET", "/v1/sources", print_sources);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (operands.count > 1 && strcmp(operands.words[0], verbs[i].word) == 0)
            return operands.count >= verbs[i].least && operands.count <= verbs[i].most
                       ? run_verb(&client, &verbs[i], &operands)
                       : usage_mistake(&usage, "onhand sources %s: an ID is missing",
                                       verbs[i].word);
    if (operands.count == 2 && strcmp(operands.words[0], "snapshot") == 0)
        return start_snapshot(&client, operands.words[1]);
    if (operands.count > 1)
        return usage_mistake(&usage, "'%s': parked, replay, drop or snapshot", operands.words[0]);
    struct buffer path = {0};
    buffer_append_string(&path, "/v1/sources/");
    append_escaped(&path, operands.words[0]);
    code = client_show(&client, "GET", path.data, print_source);
    buffer_deinit(&path);
    return code;
}
