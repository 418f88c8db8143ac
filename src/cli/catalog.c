/* `onhand catalog import`: products from a file (CSV or NDJSON), sent in parts as they are read.
 *
 * A column is a field of the API under its own name; only sku, name, active, published and
 * namespace are looked at here. Every part is durable when it is answered, and sending all of it
 * again changes nothing, so an import that broke off is simply begun again. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/csv_record.h"
#include "cli/product_body.h"
#include "cli/progress.h"
#include "cli/view.h"

#define PART_BYTES ((size_t)1 << 20)
#define ERRORS_SHOWN 20

static const struct usage usage = {
    "catalog import FILE|- [options]",
    "Describes products to the hub: which identifiers belong together, names, and what\n"
    "is active and published. FILE is CSV with a header (sku, upc, ean, gtin, alu,\n"
    "product, name, active, published, namespace, or any other kind of identifier) or\n"
    "NDJSON with the same names; - is standard input. What is not said stays as it is;\n"
    "identifiers are added. Sending it again changes nothing.\n"
    "Exit code 1: something was rejected, or the hub did not answer.",
    "  onhand catalog import products.csv\n"
    "  onhand catalog import products.ndjson --json\n"
    "  zcat products.csv.gz | onhand catalog import - --csv",
};

struct import_options {
    struct client_options client;
    bool csv, ndjson, locations;
};

struct import {
    struct client *client;
    struct progress progress;
    struct buffer part;
    uint64_t items, part_items; /* sent before, and in this part */
    uint64_t counts[4];
    int64_t read_bytes, total_bytes;
    json_t *errors;
    const char *path;
};

static const char *const count_words[] = {"created", "updated", "unchanged", "rejected"};

/* ---- parts ---- */

static void take_answer(struct import *import, const json_t *answer) {
    for (size_t i = 0; i < sizeof count_words / sizeof count_words[0]; i++)
        import->counts[i] += (uint64_t)json_integer_value(json_object_get(answer, count_words[i]));
    const json_t *errors = json_object_get(answer, "errors");
    for (size_t i = 0; i < json_array_size(errors) && json_array_size(import->errors) < 1000; i++) {
        json_t *error = json_deep_copy(json_array_get(errors, i));
        json_int_t number = json_integer_value(json_object_get(error, "number"));
        (void)json_object_set_new(error, "number",
                                  json_integer(number + (json_int_t)import->items));
        (void)json_array_append_new(import->errors, error);
    }
}

static int send_part(struct import *import) {
    if (import->part.length == 0)
        return PARSED_RUN;
    struct client_request request = {.method = "POST",
                                     .path = text_from(import->path),
                                     .body = buffer_text(&import->part),
                                     .content_type = "application/x-ndjson"};
    struct answer answer = {0};
    int code = client_call(import->client, &request, &answer);
    if (code == PARSED_RUN)
        take_answer(import, answer.json);
    answer_deinit(&answer);
    import->items += import->part_items;
    import->part_items = 0;
    buffer_clear(&import->part);
    progress_show(&import->progress, "importing", import->read_bytes, import->total_bytes);
    return code;
}

static int end_item(struct import *import) {
    buffer_append_string(&import->part, "\n");
    import->part_items++;
    return import->part.length >= PART_BYTES ? send_part(import) : PARSED_RUN;
}

/* ---- files ---- */

static int import_lines(struct import *import, FILE *file, const char *first, size_t first_length) {
    char *line = NULL;
    size_t room = 0;
    ssize_t length = 0;
    int code = PARSED_RUN;
    buffer_append(&import->part, first, first_length);
    while (code == PARSED_RUN && (length = getline(&line, &room, file)) > 0) {
        import->read_bytes += length;
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            length--;
        buffer_append(&import->part, line, (size_t)length);
        if (import->part.length > 0 && import->part.data[import->part.length - 1] != '\n')
            code = end_item(import);
    }
    free(line);
    return code;
}

static int import_csv(struct import *import, FILE *file, const char *first, size_t first_length) {
    struct csv_records records = {.file = file, .ahead = {first, first_length}};
    struct product_columns columns = {0};
    int code = PARSED_RUN;
    if (!csv_record_next(&records)) {
        (void)fprintf(stderr, "onhand: the file is empty\n");
        code = EXIT_REFUSED;
    } else if (!product_columns_init(&columns, records.fields, records.count)) {
        (void)fprintf(stderr, "onhand: line 1: no column is called sku, upc or the like: the first "
                              "line must name the columns\n");
        code = EXIT_REFUSED;
    }
    while (code == PARSED_RUN && csv_record_next(&records)) {
        import->read_bytes = records.read_bytes;
        if (records.count == 1 && records.fields[0].length == 0)
            continue;
        if (records.count != columns.count) {
            (void)fprintf(stderr, "onhand: line %llu: %zu columns, and the header has %zu\n",
                          (unsigned long long)records.line, records.count, columns.count);
            code = EXIT_REFUSED;
            break;
        }
        product_body_append(&import->part, &columns, records.fields);
        code = end_item(import);
    }
    product_columns_deinit(&columns);
    csv_records_deinit(&records);
    return code;
}

/* NDJSON begins with a brace (perhaps behind a mark or white space); CSV never does. */
static int import_file(struct import *import, const struct import_options *options, FILE *file) {
    char first[4];
    size_t length = fread(first, 1, sizeof first, file);
    size_t mark = length >= 3 && memcmp(first, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    struct text start = text_trim((struct text){first + mark, length - mark});
    bool is_lines = options->ndjson || (!options->csv && start.length > 0 && start.data[0] == '{');
    int code = is_lines ? import_lines(import, file, first + mark, length - mark)
                        : import_csv(import, file, first + mark, length - mark);
    if (code == PARSED_RUN && ferror(file) != 0) {
        (void)fprintf(stderr, "onhand: the file cannot be read to its end: %s\n", strerror(errno));
        code = EXIT_REFUSED;
    }
    return code == PARSED_RUN ? send_part(import) : code;
}

/* ---- the end ---- */

static void print_json(const struct import *import) {
    json_t *answer = json_object();
    for (size_t i = 0; i < sizeof count_words / sizeof count_words[0]; i++)
        (void)json_object_set_new(answer, count_words[i],
                                  json_integer((json_int_t)import->counts[i]));
    (void)json_object_set(answer, "errors", import->errors);
    (void)json_dumpf(answer, stdout, JSON_COMPACT);
    (void)printf("\n");
    json_decref(answer);
}

static void print_people(const struct import *import) {
    for (size_t i = 0; i < sizeof count_words / sizeof count_words[0]; i++)
        (void)printf("%-10s %llu\n", count_words[i], (unsigned long long)import->counts[i]);
    size_t count = json_array_size(import->errors);
    for (size_t i = 0; i < count && i < ERRORS_SHOWN; i++) {
        const json_t *error = json_array_get(import->errors, i);
        (void)printf("  item %lld: ",
                     (long long)json_integer_value(json_object_get(error, "number")));
        view_print_safe(stdout, view_string(error, "detail"));
        (void)printf("\n");
    }
    if (count > ERRORS_SHOWN)
        (void)printf("  ... (--json shows the first thousand)\n");
}

static int run(const struct import_options *options, const char *name) {
    bool standard_input = strcmp(name, "-") == 0;
    FILE *file = standard_input ? stdin : fopen(name, "rbe");
    struct stat facts;
    if (file == NULL) {
        (void)fprintf(stderr, "onhand: cannot read %s: %s\n", name, strerror(errno));
        return EXIT_REFUSED;
    }
    struct import import = {.errors = json_array(),
                            .path = options->locations ? "/v1/locations" : "/v1/products"};
    if (fstat(fileno(file), &facts) == 0 && S_ISREG(facts.st_mode))
        import.total_bytes = (int64_t)facts.st_size;
    int code = client_open(&options->client, &import.client);
    if (code == PARSED_RUN) {
        progress_begin(&import.progress);
        code = import_file(&import, options, file);
        progress_end(&import.progress);
        if (options->client.json)
            print_json(&import);
        else
            print_people(&import);
    }
    if (code == PARSED_RUN)
        code = import.counts[3] > 0 ? EXIT_REFUSED : EXIT_DONE;
    client_close(import.client);
    buffer_deinit(&import.part);
    json_decref(import.errors);
    if (!standard_input)
        (void)fclose(file);
    return code;
}

int command_catalog(int argc, char **argv) {
    struct import_options options = {0};
    const struct option_row rows[] = {
        {"--csv", NULL, OPTION_FLAG, &options.csv, "the file is CSV (found out)"},
        {"--ndjson", NULL, OPTION_FLAG, &options.ndjson, "the file is NDJSON (found out)"},
        {"--locations", NULL, OPTION_FLAG, &options.locations,
         "the file describes locations: location, name, active, published"},
        CLIENT_ROWS(options.client),
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 1, 2, &operands);
    if (code != PARSED_RUN)
        return code;
    if (strcmp(operands.words[0], "import") != 0 || operands.count != 2)
        return usage_mistake(&usage, "import and a file are needed");
    if (options.csv && options.ndjson)
        return usage_mistake(&usage, "either --csv or --ndjson, not both");
    return run(&options, operands.words[1]);
}
