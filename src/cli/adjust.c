/* `onhand adjust`: one movement of stock by hand, or many from a file of NDJSON. */
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "cli/body.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/view.h"

static const struct usage usage = {
    "adjust LOCATION SKU DELTA [options]\n"
    "adjust --file FILE|-",
    "Sends one movement of stock, or many of them from a file of NDJSON (one JSON object\n"
    "a line, - is standard input). With --id, sending it twice counts once.\n"
    "Exit code 1: a line was rejected.",
    "  onhand adjust NY01 WH09-XL -1 --type sale --id 10045-1\n"
    "  onhand adjust NY01 WH09-XL 12 --type receipt --document PO-7\n"
    "  onhand adjust --file sales.ndjson",
};

struct adjust_options {
    struct client_options client;
    const char *file, *type, *id, *source, *occurred_at, *document, *order, *reason;
    const char *until, *acknowledges, *register_name;
    int64_t sequence;
};

/* ---- the answer ---- */

static void add_rejected(struct table *table, size_t index, const json_t *result) {
    char line[32];
    json_t *error = json_object_get(result, "error");
    (void)snprintf(line, sizeof line, "%zu", index + 1);
    table_text(table, line);
    table_text(table, view_string(result, "id"));
    table_text(table, view_string(error, "code"));
    table_text(table, view_string(error, "detail"));
}

static size_t print_many(const json_t *results) {
    static const char *const words[] = {"applied", "covered", "acknowledged", "duplicate",
                                        "rejected"};
    static const char *const heads[] = {">line", "id", "code", "detail"};
    size_t counts[5] = {0}, count = json_array_size(results);
    struct table rejected;
    table_init(&rejected, heads, 4);
    for (size_t i = 0; i < count; i++) {
        const json_t *result = json_array_get(results, i);
        for (size_t k = 0; k < 5; k++)
            counts[k] += strcmp(view_string(result, "status"), words[k]) == 0;
        if (strcmp(view_string(result, "status"), "rejected") == 0)
            add_rejected(&rejected, i, result);
    }
    for (size_t k = 0; k < 5; k++)
        if (counts[k] > 0)
            (void)printf("%-14s%10zu\n", words[k], counts[k]);
    (void)fflush(stdout);
    table_print(&rejected, stderr);
    table_deinit(&rejected);
    return counts[4];
}

static size_t print_one(const json_t *result) {
    static const char *const heads[] = {"status",   "location",  "sku",
                                        ">on hand", ">reserved", ">available"};
    json_t *error = json_object_get(result, "error");
    if (error != NULL) {
        (void)fputs("onhand: rejected: ", stderr);
        view_print_safe(stderr, view_string(error, "detail"));
        (void)fprintf(stderr, " (%s)\n", view_string(error, "code"));
        return 1;
    }
    struct table table;
    table_init(&table, heads, 6);
    table_text(&table, view_string(result, "status"));
    table_text(&table, view_string(result, "location"));
    table_text(&table, view_string(result, "sku"));
    table_number(&table, json_object_get(result, "on_hand"));
    table_number(&table, json_object_get(result, "reserved"));
    table_number(&table, json_object_get(result, "available"));
    table_print(&table, stdout);
    table_deinit(&table);
    return 0;
}

static size_t count_rejected(const json_t *results) {
    size_t rejected = 0;
    for (size_t i = 0; i < json_array_size(results); i++)
        rejected += strcmp(view_string(json_array_get(results, i), "status"), "rejected") == 0;
    return rejected;
}

static int send_request(const struct adjust_options *options,
                        const struct client_request *request) {
    struct client *client = NULL;
    struct answer answer = {0};
    int code = client_open(&options->client, &client);
    if (code == PARSED_RUN)
        code = client_call(client, request, &answer);
    if (code == PARSED_RUN) {
        const json_t *results = json_object_get(answer.json, "results");
        size_t rejected = count_rejected(results);
        if (options->client.json)
            view_print_raw(&answer.body);
        else if (request->upload == NULL && json_array_size(results) == 1)
            (void)print_one(json_array_get(results, 0));
        else
            (void)print_many(results);
        code = rejected > 0 ? EXIT_REFUSED : EXIT_DONE;
    }
    answer_deinit(&answer);
    client_close(client);
    return code;
}

/* ---- what is sent ---- */

static int send_one(const struct adjust_options *options, const struct operands *operands) {
    struct buffer body = {0};
    body_begin(&body);
    body_text(&body, "location", operands->words[0]);
    body_text(&body, "sku", operands->words[1]);
    if (body_quantity(&body, "delta", operands->words[2]) != STATUS_OK) {
        buffer_deinit(&body);
        return usage_mistake(&usage, "'%s' is no quantity: digits, at most three decimals",
                             operands->words[2]);
    }
    const struct {
        const char *key, *value;
    } texts[] = {
        {"type", options->type},
        {"id", options->id},
        {"source", options->source},
        {"occurred_at", options->occurred_at},
        {"document", options->document},
        {"order", options->order},
        {"reason", options->reason},
        {"until", options->until},
        {"acknowledges", options->acknowledges},
        {"register", options->register_name},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        body_text(&body, texts[i].key, texts[i].value);
    if (options->sequence >= 0)
        body_integer(&body, "sequence", options->sequence);
    body_end(&body);
    struct buffer whole = {0};
    buffer_append_format(&whole, "{\"adjustments\":[%s]}", body.data);
    struct client_request request = {.method = "POST",
                                     .path = TEXT("/v1/adjustments"),
                                     .body = buffer_text(&whole),
                                     .content_type = "application/json"};
    int code = send_request(options, &request);
    buffer_deinit(&whole);
    buffer_deinit(&body);
    return code;
}

static int send_file(const struct adjust_options *options) {
    bool standard_input = strcmp(options->file, "-") == 0;
    FILE *file = standard_input ? stdin : fopen(options->file, "rbe");
    if (file == NULL) {
        (void)fprintf(stderr, "onhand: cannot read %s: %s\n", options->file, strerror(errno));
        return EXIT_REFUSED;
    }
    struct stat facts;
    bool sized = fstat(fileno(file), &facts) == 0 && S_ISREG(facts.st_mode);
    struct client_request request = {
        .method = "POST",
        .path = TEXT("/v1/adjustments"),
        .content_type = "application/x-ndjson",
        .upload = file,
        .upload_bytes = sized ? (int64_t)facts.st_size : -1,
        .progress = "sending",
    };
    int code = send_request(options, &request);
    if (!standard_input)
        (void)fclose(file);
    return code;
}

int command_adjust(int argc, char **argv) {
    struct adjust_options options = {.sequence = -1};
    const struct option_row rows[] = {
        {"--type", "TYPE", OPTION_TEXT, &options.type,
         "sale, return, receipt, transfer_in, transfer_out, damage,\n"
         "adjustment (the default), reservation, release, shipment"},
        {"--id", "ID", OPTION_TEXT, &options.id, "unique within the source: counts once"},
        {"--source", "NAME", OPTION_TEXT, &options.source, "who knows of it (the token's name)"},
        {"--occurred-at", "TIME", OPTION_TEXT, &options.occurred_at,
         "when, as 2026-11-23T02:05:00-05:00 (now)"},
        {"--document", "DOC", OPTION_TEXT, &options.document, "the receipt, slip or invoice"},
        {"--order", "ORDER", OPTION_TEXT, &options.order, "the online order"},
        {"--reason", "TEXT", OPTION_TEXT, &options.reason, "kept with it"},
        {"--register", "REG", OPTION_TEXT, &options.register_name, "the register, with --sequence"},
        {"--sequence", "N", OPTION_COUNT, &options.sequence, "the register's own number of it"},
        {"--until", "reset|acknowledged", OPTION_TEXT, &options.until, "what ends its effect"},
        {"--acknowledges", "DOC", OPTION_TEXT, &options.acknowledges,
         "the document that this one books; moves no stock"},
        {"--file", "FILE|-", OPTION_TEXT, &options.file, "NDJSON, a line each"},
        CLIENT_ROWS(options.client),
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 3, &operands);
    if (code != PARSED_RUN)
        return code;
    if (options.file != NULL && operands.count > 0)
        return usage_mistake(&usage, "either a file or one movement, not both");
    if (options.file != NULL)
        return send_file(&options);
    if (operands.count != 3)
        return usage_mistake(&usage, "a location, a SKU and a quantity are needed");
    return send_one(&options, &operands);
}
