/* Prints resets for people: what happened, to how many, and what there is to decide. */
#include "cli/reset_view.h"

#include <stdlib.h>

#include "base/arena.h"
#include "cli/options.h"
#include "cli/view.h"

#define LOCATIONS_SHOWN 60u

int reset_view_code(const json_t *reset) {
    static const char *const good[] = {"applied", "duplicate", "stale", "dry_run", "rolled_back"};
    const char *status = view_string(reset, "status");
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (strcmp(status, good[i]) == 0)
            return EXIT_DONE;
    return EXIT_REFUSED;
}

static const char *status_sentence(const char *status) {
    static const struct {
        const char *status, *sentence;
    } sentences[] = {
        {"applied", "applied"},
        {"held", "held: nothing was applied, somebody must decide"},
        {"partial", "partly applied: some locations are held, somebody must decide"},
        {"stale", "stale: newer statements stand already; kept for history, nothing changed"},
        {"duplicate", "duplicate: this content came before; nothing changed"},
        {"dry_run", "dry run: nothing was changed"},
        {"rejected", "rejected: nothing was applied"},
        {"rolled_back", "rolled back: every event since is kept"},
        {"interrupted", "interrupted by a stop of the hub: send it again"},
        {"applying", "being applied"},
    };
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
        if (strcmp(sentences[i].status, status) == 0)
            return sentences[i].sentence;
    return status;
}

static void print_line(const char *name, const struct buffer *value) {
    (void)printf("%-14s", name);
    view_print_safe(stdout, value->data != NULL ? value->data : "-");
    (void)printf("\n");
}

static void print_head(const json_t *reset) {
    static const char *const texts[] = {"source", "feed", "file", "trailer"};
    struct buffer value = {0};
    (void)printf("%-14s", "reset");
    view_print_safe(stdout, view_string(reset, "id"));
    (void)printf("\n%-14s", "status");
    view_print_safe(stdout, status_sentence(view_string(reset, "status")));
    (void)printf("\n");
    if (view_string(reset, "detail")[0] != '\0') {
        buffer_append_string(&value, view_string(reset, "detail"));
        print_line("because", &value);
        buffer_clear(&value);
    }
    view_append_time(&value, json_object_get(reset, "as_of"));
    if (json_is_true(json_object_get(reset, "as_of_assumed")))
        buffer_append_string(&value, "  (assumed: the file does not say when it was cut)");
    else if (strncmp(view_string(reset, "as_of_origin"), "inferred", 8) == 0)
        buffer_append_format(&value, "  (%s: by the figures)", view_string(reset, "as_of_origin"));
    print_line("as of", &value);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = view_string(reset, texts[i]);
        buffer_clear(&value);
        buffer_append_string(&value, text);
        if (text[0] != '\0')
            print_line(texts[i], &value);
    }
    buffer_deinit(&value);
}

static void print_counts(const json_t *reset) {
    static const struct {
        const char *key, *name;
        bool always;
    } rows[] = {
        {"rows", "rows", true},
        {"changed", "changed", true},
        {"unchanged", "unchanged", true},
        {"zeroed", "zeroed", false},
        {"duplicate_rows", "said twice", false},
        {"rejected_rows", "rejected", false},
        {"unknown_products", "no product", false},
        {"unpublished_rows", "not published", false},
        {"unknown_locations", "no location", false},
        {"variance_units", "variance", true},
        {"seconds", "seconds", true},
    };
    struct buffer value = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const json_t *number = json_object_get(reset, rows[i].key);
        if (!json_is_number(number) || (!rows[i].always && json_number_value(number) == 0.0))
            continue;
        buffer_clear(&value);
        view_append_number(&value, number);
        (void)printf("%-14s%12s%s\n", rows[i].name, value.data,
                     strcmp(rows[i].key, "variance_units") == 0 ? " units" : "");
    }
    buffer_deinit(&value);
}

/* ---- locations ---- */

static bool needs_decision(const json_t *location) {
    return strcmp(view_string(location, "status"), "held") == 0;
}

static void append_reasons(struct buffer *out, const json_t *of) {
    const json_t *reasons = json_object_get(of, "reasons");
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const json_t *reason = json_array_get(reasons, i);
        buffer_append_string(out, i > 0 ? "; " : "");
        buffer_append_string(out, view_string(reason, "detail"));
    }
    if (out->length == 0)
        buffer_append_string(out, "");
}

static void add_location(struct table *table, const json_t *location) {
    static const char *const counts[] = {"rows", "changed", "zeroed", "variance_units"};
    struct buffer reasons = {0};
    table_text(table, view_string(location, "location"));
    table_text(table, view_string(location, "status"));
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        table_number(table, json_object_get(location, counts[i]));
    append_reasons(&reasons, location);
    table_text(table, reasons.data);
    buffer_deinit(&reasons);
}

static size_t print_locations(const json_t *reset) {
    static const char *const heads[] = {"location", "status",    ">rows", ">changed",
                                        ">zeroed",  ">variance", ""};
    const json_t *locations = json_object_get(reset, "locations");
    size_t count = json_array_size(locations), shown = 0, held = 0;
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < count; i++) {
            const json_t *location = json_array_get(locations, i);
            if (needs_decision(location) != (pass == 0))
                continue;
            held += pass == 0;
            if (pass == 0 || shown < LOCATIONS_SHOWN) {
                add_location(&table, location);
                shown++;
            }
        }
    if (count > 0)
        (void)printf("\n");
    table_print(&table, stdout);
    table_deinit(&table);
    if (shown < count)
        (void)printf("... and %zu locations more (--json shows all)\n", count - shown);
    return held;
}

/* What would happen, of those locations where something goes to zero or comes back. */
static void print_forecasts(const json_t *reset) {
    static const char *const heads[] = {"forecast",      ">to zero",     ">from zero",
                                        ">units before", ">units after", "going to zero"};
    static const char *const numbers[] = {"to_zero", "from_zero", "units_before", "units_after"};
    const json_t *locations = json_object_get(reset, "locations");
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < json_array_size(locations) && i < LOCATIONS_SHOWN; i++) {
        const json_t *location = json_array_get(locations, i);
        const json_t *forecast = json_object_get(location, "forecast");
        const json_t *skus = json_object_get(forecast, "zeroed_skus");
        if (forecast == NULL)
            continue;
        struct buffer some = {0};
        for (size_t k = 0; k < json_array_size(skus) && k < 3; k++) {
            buffer_append_string(&some, k > 0 ? ", " : "");
            buffer_append_string(&some, json_string_value(json_array_get(skus, k)));
        }
        buffer_append_string(&some, json_array_size(skus) > 3 ? ", ..." : "");
        table_text(&table, view_string(location, "location"));
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
            table_number(&table, json_object_get(forecast, numbers[k]));
        table_text(&table, some.data);
        buffer_deinit(&some);
    }
    if (table.count > 0)
        (void)printf("\n");
    table_print(&table, stdout);
    table_deinit(&table);
}

static void print_approvals(const json_t *reset) {
    const json_t *approvals = json_object_get(reset, "approvals");
    for (size_t i = 0; i < json_array_size(approvals); i++) {
        const json_t *approval = json_array_get(approvals, i);
        struct buffer line = {0};
        buffer_append_string(&line, view_string(approval, "by"));
        buffer_append_string(&line, ", ");
        view_append_time(&line, json_object_get(approval, "at"));
        print_line("approved by", &line);
        buffer_deinit(&line);
    }
}

/* Figures that are those of another time than as_of; what is held for it says so already. */
static void print_as_of_warnings(const json_t *reset) {
    const json_t *locations = json_object_get(reset, "locations");
    size_t warnings = 0;
    for (size_t i = 0; i < json_array_size(locations); i++) {
        const json_t *location = json_array_get(locations, i);
        const json_t *check = json_object_get(location, "as_of_check");
        if (!json_is_object(check) || strcmp(view_string(check, "verdict"), "differs") != 0 ||
            needs_decision(location) || warnings++ >= LOCATIONS_SHOWN)
            continue;
        (void)printf("%sas_of looks wrong at ", warnings == 1 ? "\n" : "");
        view_print_safe(stdout, view_string(location, "location"));
        (void)printf(": ");
        view_print_safe(stdout, view_string(check, "detail"));
        (void)printf("\n");
    }
}

static void print_advice(const json_t *reset, size_t held) {
    const char *id = view_string(reset, "id");
    const json_t *rejected = json_object_get(reset, "rejected_rows");
    const json_t *products = json_object_get(reset, "unknown_products");
    const json_t *locations = json_object_get(reset, "unknown_locations");
    bool dry = json_is_true(json_object_get(reset, "dry_run"));
    const json_t *unwanted = json_object_get(reset, "unpublished_rows");
    bool rejects = json_integer_value(rejected) + json_integer_value(products) +
                       json_integer_value(locations) - json_integer_value(unwanted) >
                   0;
    if (!dry && (held > 0 || strcmp(view_string(reset, "status"), "held") == 0))
        (void)printf("\nto decide about what is held:\n"
                     "  onhand resets approve %s\n"
                     "  onhand resets reject %s\n",
                     id, id);
    if (rejects && id[0] != '\0')
        (void)printf("\nthe rows that were not taken, with line and reason:\n"
                     "  onhand resets rejects %s\n",
                     id);
}

void reset_view_print(const json_t *reset) {
    struct buffer reasons = {0};
    print_head(reset);
    append_reasons(&reasons, reset);
    if (reasons.length > 0)
        print_line("reasons", &reasons);
    buffer_deinit(&reasons);
    print_approvals(reset);
    print_counts(reset);
    size_t held = print_locations(reset);
    print_forecasts(reset);
    print_as_of_warnings(reset);
    print_advice(reset, held);
}
