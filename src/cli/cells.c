/* `onhand show`, `history` and `explain`: one product's stock, how it came about, and why. */
#include <stdlib.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/view.h"

/* Asks and prints; *print shows a good answer to people. */
static int ask(const struct client_options *options, const struct buffer *path,
               void (*print)(const json_t *answer)) {
    struct client *client = NULL;
    struct answer answer = {0};
    int code = client_open(options, &client);
    if (code == PARSED_RUN)
        code = client_ask(client, "GET", buffer_text(path), &answer);
    if (code == PARSED_RUN) {
        if (options->json)
            view_print_raw(&answer.body);
        else
            print(answer.json);
        code = EXIT_DONE;
    }
    answer_deinit(&answer);
    client_close(client);
    return code;
}

static void append_cell_path(struct buffer *path, const struct operands *operands) {
    buffer_append_string(path, "/v1/inventory/");
    append_escaped(path, operands->words[0]);
    buffer_append_string(path, "/");
    append_escaped(path, operands->words[1]);
}

/* ---- show ---- */

static void add_cell(struct table *table, const json_t *cell) {
    table_text(table, view_string(cell, "location"));
    table_text(table, view_string(cell, "sku"));
    table_number(table, json_object_get(cell, "on_hand"));
    table_number(table, json_object_get(cell, "reserved"));
    table_number(table, json_object_get(cell, "available"));
    table_time(table, json_object_get(cell, "as_of"));
}

static const char *const cell_heads[] = {"location",  "sku",        ">on hand",
                                         ">reserved", ">available", "reset as of"};

static void print_cell(const json_t *cell) {
    struct table table;
    table_init(&table, cell_heads, 6);
    add_cell(&table, cell);
    table_print(&table, stdout);
    table_deinit(&table);
}

static void print_cells(const json_t *answer) {
    static const char *const sums[] = {"on_hand", "reserved", "available"};
    const json_t *items = json_object_get(answer, "items");
    size_t count = json_array_size(items);
    struct table table;
    table_init(&table, cell_heads, 6);
    for (size_t i = 0; i < count; i++)
        add_cell(&table, json_array_get(items, i));
    if (count > 1) {
        table_text(&table, "all");
        table_text(&table, view_string(json_array_get(items, 0), "sku"));
        for (size_t k = 0; k < 3; k++) {
            double sum = 0;
            for (size_t i = 0; i < count; i++)
                sum += json_number_value(json_object_get(json_array_get(items, i), sums[k]));
            json_t *number = json_real(sum);
            table_number(&table, number);
            json_decref(number);
        }
        table_text(&table, "");
    }
    if (count == 0)
        (void)puts("nothing is known of it at any location");
    table_print(&table, stdout);
    table_deinit(&table);
    if (json_is_string(json_object_get(answer, "next")))
        (void)puts("... there are more: onhand export gives all");
}

static const struct usage show_usage = {
    "show SKU [--location L]\n"
    "show LOCATION SKU [--at TIME] [--known-at TIME]",
    "Shows what there is of a product, at every location or at one. --at: what stood then,\n"
    "as known now; with --known-at, as it was known at that time.",
    "  onhand show WH09-XL\n"
    "  onhand show NY01 WH09-XL --at 2026-11-23T02:00:00-05:00",
};

int command_show(int argc, char **argv) {
    struct client_options client = {0};
    const char *location = NULL, *at = NULL, *known_at = NULL;
    const struct option_row rows[] = {
        {"--location", "CODE", OPTION_TEXT, &location, "only there"},
        {"--at", "TIME", OPTION_TEXT, &at, "what stood then"},
        {"--known-at", "TIME", OPTION_TEXT, &known_at, "what was known then"},
        CLIENT_ROWS(client),
    };
    struct operands operands;
    int code = options_parse(&show_usage, ROWS(rows), argc, argv, 1, 2, &operands);
    if (code != PARSED_RUN)
        return code;
    if (operands.count == 1 && location != NULL && (at != NULL || known_at != NULL)) {
        operands = (struct operands){{location, operands.words[0]}, 2};
        location = NULL;
    }
    if (operands.count == 2 && location != NULL)
        return usage_mistake(&show_usage, "the location is said twice");
    if (operands.count == 1 && (at != NULL || known_at != NULL))
        return usage_mistake(&show_usage, "--at and --known-at need a location too");
    struct buffer path = {0};
    if (operands.count == 1) {
        buffer_append_string(&path, "/v1/inventory");
        append_query(&path, "sku", operands.words[0]);
        append_query(&path, "location", location);
        append_query(&path, "limit", "10000");
    } else {
        append_cell_path(&path, &operands);
        append_query(&path, "at", at);
        append_query(&path, "known_at", known_at);
    }
    code = ask(&client, &path, operands.count == 1 ? print_cells : print_cell);
    buffer_deinit(&path);
    return code;
}

/* ---- history ---- */

static void append_signed(struct buffer *out, const json_t *number) {
    if (json_number_value(number) > 0)
        buffer_append_string(out, "+");
    view_append_number(out, number);
}

/* What it was, in a few words. */
static void append_what(struct buffer *out, const json_t *entry) {
    const char *kind = view_string(entry, "kind");
    const char *more = view_string(entry, "document");
    buffer_append_string(out, strcmp(kind, "event") == 0 ? view_string(entry, "type") : kind);
    if (strcmp(view_string(entry, "status"), "covered") == 0)
        buffer_append_string(out, ", covered");
    if (strcmp(kind, "reset") == 0 || strcmp(kind, "rollback") == 0)
        more = view_string(entry, "reset");
    if (more[0] != '\0')
        buffer_append_format(out, " %s", more);
}

static void print_history(const json_t *answer) {
    static const char *const heads[] = {">sequence", "received", "took place", "what",
                                        "source",    ">change",  ">on hand",   ">reserved"};
    const json_t *items = json_object_get(answer, "items");
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *entry = json_array_get(items, i);
        struct buffer what = {0}, change = {0};
        append_what(&what, entry);
        append_signed(&change, json_object_get(entry, "change"));
        const json_t *when = json_object_get(entry, "occurred_at");
        table_number(&table, json_object_get(entry, "sequence"));
        table_time(&table, json_object_get(entry, "received_at"));
        table_time(&table, when != NULL ? when : json_object_get(entry, "as_of"));
        table_text(&table, what.data);
        table_text(&table, view_string(entry, "source"));
        table_text(&table, change.data);
        table_number(&table, json_object_get(entry, "on_hand"));
        table_number(&table, json_object_get(entry, "reserved"));
        buffer_deinit(&what);
        buffer_deinit(&change);
    }
    if (table.count == 0)
        (void)puts("nothing has happened to it yet");
    table_print(&table, stdout);
    table_deinit(&table);
    if (json_is_string(json_object_get(answer, "next")))
        (void)printf("... further back: --cursor %s\n", view_string(answer, "next"));
}

static const struct usage history_usage = {
    "history LOCATION SKU [--limit N] [--cursor C]",
    "Shows the ledger of one product at one location, newest first: every movement and every\n"
    "correction by a reset, with the balance after it.",
    "  onhand history NY01 WH09-XL --limit 20",
};

int command_history(int argc, char **argv) {
    struct client_options client = {0};
    const char *limit = NULL, *cursor = NULL;
    const struct option_row rows[] = {
        {"--limit", "N", OPTION_TEXT, &limit, "at most so many lines (100)"},
        {"--cursor", "C", OPTION_TEXT, &cursor, "go on from there"},
        CLIENT_ROWS(client),
    };
    struct operands operands;
    int code = options_parse(&history_usage, ROWS(rows), argc, argv, 2, 2, &operands);
    if (code != PARSED_RUN)
        return code;
    struct buffer path = {0};
    append_cell_path(&path, &operands);
    buffer_append_string(&path, "/history");
    append_query(&path, "limit", limit);
    append_query(&path, "cursor", cursor);
    code = ask(&client, &path, print_history);
    buffer_deinit(&path);
    return code;
}

/* ---- explain: one waterfall, a figure a line ---- */

#define EVENTS_SHOWN 40u

static void step(struct table *table, const char *what, const json_t *number, bool is_change,
                 const char *why) {
    struct buffer figure = {0};
    if (is_change)
        append_signed(&figure, number);
    else
        view_append_number(&figure, number);
    table_text(table, what);
    table_text(table, figure.data);
    table_text(table, why);
    buffer_deinit(&figure);
}

static void step_statement(struct table *table, const json_t *statement) {
    struct buffer why = {0};
    if (!json_is_object(statement)) {
        json_t *zero = json_integer(0);
        step(table, "no reset yet", zero, false, "");
        json_decref(zero);
        return;
    }
    buffer_append_format(&why, "%s, as of ", view_string(statement, "source"));
    view_append_time(&why, json_object_get(statement, "as_of"));
    const char *origin = view_string(statement, "as_of_origin");
    if (origin[0] != '\0')
        buffer_append_format(&why, " (by %s)",
                             json_is_true(json_object_get(statement, "as_of_assumed"))
                                 ? "arrival: nobody said"
                             : strcmp(origin, "inferred") == 0 ? "its own figures"
                                                               : origin);
    buffer_append_format(&why, ", %s", view_string(statement, "reset"));
    const char *file = view_string(statement, "file");
    if (file[0] != '\0')
        buffer_append_format(&why, ", %s", file);
    if (json_is_integer(json_object_get(statement, "line")))
        buffer_append_format(&why, " line %lld",
                             (long long)json_integer_value(json_object_get(statement, "line")));
    else
        buffer_append_string(&why, " (not in the file: zero)");
    step(table, "stated", json_object_get(statement, "stated"), false, why.data);
    buffer_deinit(&why);
}

static void step_events(struct table *table, const json_t *events, bool counted) {
    size_t count = json_array_size(events);
    for (size_t i = 0; i < count && i < EVENTS_SHOWN; i++) {
        const json_t *event = json_array_get(events, i);
        struct buffer what = {0}, why = {0};
        buffer_append_string(&what, counted ? "" : "(");
        buffer_append_string(&what, view_string(event, "type"));
        if (view_string(event, "document")[0] != '\0')
            buffer_append_format(&what, " %s", view_string(event, "document"));
        buffer_append_string(&what, counted ? "" : ")");
        view_append_time(&why, json_object_get(event, "occurred_at"));
        buffer_append_format(&why, "  %s", view_string(event, "why"));
        step(table, what.data, json_object_get(event, counted ? "change" : "delta"), true,
             why.data);
        buffer_deinit(&what);
        buffer_deinit(&why);
    }
    if (count > EVENTS_SHOWN) {
        char more[64];
        (void)snprintf(more, sizeof more, "... and %zu more", count - EVENTS_SHOWN);
        step(table, more, NULL, false, "");
    }
}

static void step_taken(struct table *table, const char *what, const json_t *number,
                       const char *why) {
    json_t *taken = json_real(-json_number_value(number));
    if (json_number_value(number) != 0)
        step(table, what, taken, true, why);
    json_decref(taken);
}

static void step_reservations(struct table *table, const json_t *answer) {
    const json_t *orders = json_object_get(answer, "reservations");
    for (size_t i = 0; i < json_array_size(orders); i++) {
        const json_t *order = json_array_get(orders, i);
        step_taken(table, "reserved", json_object_get(order, "reserved"),
                   view_string(order, "order"));
    }
}

static void print_explanation(const json_t *answer) {
    static const char *const heads[] = {"", ">units", ""};
    struct table table;
    view_print_safe(stdout, view_string(answer, "sku"));
    (void)printf(" at ");
    view_print_safe(stdout, view_string(answer, "location"));
    (void)printf("\n\n");
    table_init(&table, heads, 3);
    step_statement(&table, json_object_get(answer, "statement"));
    step_events(&table, json_object_get(answer, "events"), true);
    step(&table, "= on hand", json_object_get(answer, "on_hand"), false, "");
    step_reservations(&table, answer);
    step_taken(&table, "safety stock", json_object_get(answer, "safety_stock"), "");
    step(&table, "= available", json_object_get(answer, "available"), false, "");
    table_print(&table, stdout);
    table_deinit(&table);
    const json_t *late = json_object_get(answer, "covered_late");
    if (json_array_size(late) > 0) {
        (void)puts("\ncame after the reset that already included them, so they change nothing:");
        table_init(&table, heads, 3);
        step_events(&table, late, false);
        table_print(&table, stdout);
        table_deinit(&table);
    }
}

static const struct usage explain_usage = {
    "explain LOCATION SKU",
    "Tells why the figure is what it is: what the last reset said, every movement it does\n"
    "not include, what is reserved, the safety stock, and what remains.",
    "  onhand explain NY01 WH09-XL",
};

int command_explain(int argc, char **argv) {
    struct client_options client = {0};
    const struct option_row rows[] = {CLIENT_ROWS(client)};
    struct operands operands;
    int code = options_parse(&explain_usage, ROWS(rows), argc, argv, 2, 2, &operands);
    if (code != PARSED_RUN)
        return code;
    struct buffer path = {0};
    append_cell_path(&path, &operands);
    buffer_append_string(&path, "/explain");
    code = ask(&client, &path, print_explanation);
    buffer_deinit(&path);
    return code;
}
