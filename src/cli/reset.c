/* `onhand reset`: sends a full file of quantities and tells what became of it, the locations that
 * need somebody's decision first. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/reset_view.h"
#include "cli/view.h"

static const struct usage usage = {
    "reset FILE|- [options]",
    "Sends a file of quantities (CSV or gzip of it; - is standard input) as a Daily Reset.\n"
    "--as-of is the instant the file was cut: what was sold after it stays sold.\n"
    "--as-of infer finds it by the file's own figures.\n"
    "Exit code 1: something was held, rejected or not read.",
    "  onhand reset inventory_20261123020000.csv --as-of 2026-11-23T02:00:00-05:00 --source prism\n"
    "  onhand reset ny01.csv --location NY01 --mode partial --dry-run\n"
    "  zcat stock.csv.gz | onhand reset - --as-of 2026-11-23T07:00:00Z",
};

struct reset_options {
    struct client_options client;
    const char *as_of, *source, *location, *mode, *absent, *quantity, *format, *manifest, *publish;
    const char *delimiter, *trailer;
    bool dry_run, guard_off, decimal_comma;
};

#define MANIFEST_MAX ((size_t)64 * 1024)

/* The manifest goes in the query, so it must be short. */
static int append_manifest(struct buffer *path, const char *file_name) {
    if (file_name == NULL)
        return PARSED_RUN;
    FILE *file = fopen(file_name, "rbe");
    struct buffer text = {0};
    int code = PARSED_RUN;
    if (file == NULL) {
        (void)fprintf(stderr, "onhand: cannot read %s: %s\n", file_name, strerror(errno));
        return EXIT_REFUSED;
    }
    buffer_reserve(&text, MANIFEST_MAX + 1);
    size_t length = fread(text.data, 1, MANIFEST_MAX + 1, file);
    text.data[length < MANIFEST_MAX ? length : MANIFEST_MAX] = '\0';
    if (length > MANIFEST_MAX || strlen(text.data) != length) {
        (void)fprintf(stderr, "onhand: %s is no manifest (text of at most 64 KiB)\n", file_name);
        code = EXIT_REFUSED;
    } else {
        append_query(path, "manifest", text.data);
    }
    (void)fclose(file);
    buffer_deinit(&text);
    return code;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int make_path(const struct reset_options *options, const char *file_name,
                     struct buffer *path) {
    bool standard_input = strcmp(file_name, "-") == 0;
    buffer_append_string(path, "/v1/resets");
    append_query(path, "as_of", options->as_of);
    append_query(path, "source", options->source);
    append_query(path, "location", options->location);
    append_query(path, "mode", options->mode);
    append_query(path, "absent", options->absent);
    append_query(path, "quantity", options->quantity);
    append_query(path, "publish", options->publish);
    append_query(path, "format", options->format);
    append_query(path, "delimiter", options->delimiter);
    append_query(path, "trailer", options->trailer);
    append_query(path, "decimal_comma", options->decimal_comma ? "true" : NULL);
    append_query(path, "dry_run", options->dry_run ? "true" : NULL);
    append_query(path, "guard", options->guard_off ? "off" : NULL);
    append_query(path, "file", standard_input ? NULL : base_name(file_name));
    return append_manifest(path, options->manifest);
}

static int send_file(const struct reset_options *options, struct text path, FILE *file) {
    struct stat facts;
    struct client *client = NULL;
    struct answer answer = {0};
    bool sized = fstat(fileno(file), &facts) == 0 && S_ISREG(facts.st_mode);
    struct client_request request = {
        .method = "POST",
        .path = path,
        .content_type = "application/octet-stream",
        .upload = file,
        .upload_bytes = sized ? (int64_t)facts.st_size : -1,
        .progress = "sending",
    };
    int code = client_open(&options->client, &client);
    if (code == PARSED_RUN)
        code = client_call(client, &request, &answer);
    if (code == PARSED_RUN) {
        if (options->client.json)
            view_print_raw(&answer.body);
        else
            reset_view_print(answer.json);
        code = reset_view_code(answer.json);
    }
    answer_deinit(&answer);
    client_close(client);
    return code;
}

int command_reset(int argc, char **argv) {
    struct reset_options options = {0};
    const struct option_row rows[] = {
        {"--as-of", "TIME|infer", OPTION_TEXT, &options.as_of,
         "when the file was cut, as 2026-11-23T02:00:00-05:00 (now)"},
        {"--source", "NAME", OPTION_TEXT, &options.source, "whose figures they are"},
        {"--location", "CODE", OPTION_TEXT, &options.location, "of rows that name none"},
        {"--mode", "full|partial", OPTION_TEXT, &options.mode, "whether all locations are in it"},
        {"--absent", "keep|zero", OPTION_TEXT, &options.absent,
         "what happens to products that are not in it (keep)"},
        {"--quantity", "on_hand|available", OPTION_TEXT, &options.quantity,
         "what the figures say (on_hand)"},
        {"--publish", "all|only", OPTION_TEXT, &options.publish,
         "only: products that are not published are just counted"},
        {"--manifest", "FILE", OPTION_TEXT, &options.manifest,
         "rows, sha256, as_of and watermarks, as JSON"},
        {"--dry-run", NULL, OPTION_FLAG, &options.dry_run, "tell what it would do, change nothing"},
        {"--guard-off", NULL, OPTION_FLAG, &options.guard_off,
         "apply whatever the guards say (scope admin)"},
        {"--format", "FORMAT", OPTION_TEXT, &options.format, "csv, ndjson, json, xml (found out)"},
        {"--delimiter", "CHAR", OPTION_TEXT, &options.delimiter, ", ; | or tab (found out)"},
        {"--decimal-comma", NULL, OPTION_FLAG, &options.decimal_comma, "quantities like 1,5"},
        {"--trailer", "WORDS", OPTION_TEXT, &options.trailer,
         "how the last line looks, as \"T|{rows}|{units}\", or none (found out)"},
        CLIENT_ROWS(options.client),
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 1, 1, &operands);
    if (code != PARSED_RUN)
        return code;
    const char *name = operands.words[0];
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rbe");
    if (file == NULL) {
        (void)fprintf(stderr, "onhand: cannot read %s: %s\n", name, strerror(errno));
        return EXIT_REFUSED;
    }
    struct buffer path = {0};
    code = make_path(&options, name, &path);
    if (code == PARSED_RUN)
        code = send_file(&options, buffer_text(&path), file);
    buffer_deinit(&path);
    if (file != stdin)
        (void)fclose(file);
    return code;
}
