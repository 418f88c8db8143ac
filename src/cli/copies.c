/* `onhand export` and `backup`: everything the hub knows, into a file that is whole or not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/status.h"
#include "cli/client.h"
#include "cli/commands.h"

/* A file written under another name and put into place when it is whole; or standard output. */
struct output {
    const char *path; /* NULL: standard output */
    struct buffer partial;
    int fd;
    uint64_t bytes;
};

static bool output_write(void *context, const char *data, size_t length) {
    struct output *output = context;
    while (length > 0) {
        ssize_t written = write(output->fd, data, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        data += written;
        length -= (size_t)written;
        output->bytes += (uint64_t)written;
    }
    return true;
}

static int output_open(struct output *output, const char *path, bool replace) {
    *output = (struct output){.path = path, .fd = path == NULL ? STDOUT_FILENO : -1};
    if (path == NULL)
        return PARSED_RUN;
    if (!replace && access(path, F_OK) == 0) {
        (void)fprintf(stderr, "onhand: %s is there already; another name, or --replace\n", path);
        return EXIT_REFUSED;
    }
    buffer_append_format(&output->partial, "%s.partial", path);
    output->fd = open(output->partial.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (output->fd >= 0)
        return PARSED_RUN;
    (void)fprintf(stderr, "onhand: cannot write %s: %s\n", output->partial.data, strerror(errno));
    return EXIT_REFUSED;
}

/* good: into place; else away with it. */
static int output_close(struct output *output, int code) {
    if (output->path != NULL && output->fd >= 0) {
        require(output->partial.data != NULL);
        bool synced = code != PARSED_RUN || fsync(output->fd) == 0;
        (void)close(output->fd);
        if (code == PARSED_RUN && (!synced || rename(output->partial.data, output->path) != 0)) {
            (void)fprintf(stderr, "onhand: cannot keep %s: %s\n", output->path, strerror(errno));
            code = EXIT_REFUSED;
        }
        if (code != PARSED_RUN)
            (void)unlink(output->partial.data);
    }
    buffer_deinit(&output->partial);
    return code;
}

static int fetch(const struct client_options *options, const char *method, const char *path,
                 const char *progress, struct output *output) {
    struct client *client = NULL;
    struct answer answer = {0};
    struct client_request request = {
        .method = method,
        .path = text_from(path),
        .content_type = strcmp(method, "POST") == 0 ? "application/json" : NULL,
        .progress = output->path != NULL ? progress : NULL,
        .sink = output_write,
        .sink_context = output,
    };
    int code = client_open(options, &client);
    if (code == PARSED_RUN)
        code = client_call(client, &request, &answer);
    answer_deinit(&answer);
    client_close(client);
    return code;
}

/* ---- export ---- */

static const struct usage export_usage = {
    "export [--format csv|ndjson] [--location L] [--sku S] [--output FILE]",
    "Writes every figure: location, sku, on hand, reserved, available, as of.",
    "  onhand export > stock.csv\n"
    "  onhand export --format ndjson --location NY01 --output ny01.ndjson",
};

int command_export(int argc, char **argv) {
    struct client_options client = {0};
    const char *format = NULL, *location = NULL, *sku = NULL, *path = NULL;
    bool replace = false;
    const struct option_row rows[] = {
        {"--format", "csv|ndjson", OPTION_TEXT, &format, "csv unless said otherwise"},
        {"--location", "CODE", OPTION_TEXT, &location, "only there"},
        {"--sku", "SKU", OPTION_TEXT, &sku, "only this product"},
        {"--output", "FILE", OPTION_TEXT, &path, "into a file (standard output)"},
        {"--replace", NULL, OPTION_FLAG, &replace, "even if the file is there"},
        CLIENT_ROWS(client),
    };
    struct operands operands;
    int code = options_parse(&export_usage, ROWS(rows), argc, argv, 0, 0, &operands);
    if (code != PARSED_RUN)
        return code;
    if (format == NULL)
        format = client.json ? "ndjson" : "csv";
    if (strcmp(format, "csv") != 0 && strcmp(format, "ndjson") != 0)
        return usage_mistake(&export_usage, "--format is csv or ndjson, not '%s'", format);
    struct buffer query = {0};
    struct output output;
    buffer_append_string(&query, "/v1/inventory");
    append_query(&query, "format", format);
    append_query(&query, "location", location);
    append_query(&query, "sku", sku);
    code = output_open(&output, path, replace);
    if (code == PARSED_RUN)
        code = fetch(&client, "GET", query.data, "receiving", &output);
    code = output_close(&output, code);
    buffer_deinit(&query);
    return code == PARSED_RUN ? EXIT_DONE : code;
}

/* ---- backup ---- */

static const struct usage backup_usage = {
    "backup FILE",
    "Copies the whole store of a running hub into one file, as it stood at one instant.\n"
    "To restore: put it as onhand.db into an empty data directory (docs/operations.md).",
    "  onhand backup /var/backups/onhand-$(date +%F).db",
};

int command_backup(int argc, char **argv) {
    struct client_options client = {0};
    bool replace = false;
    const struct option_row rows[] = {
        {"--replace", NULL, OPTION_FLAG, &replace, "even if the file is there"},
        CLIENT_ROWS(client),
    };
    struct operands operands;
    struct output output;
    int code = options_parse(&backup_usage, ROWS(rows), argc, argv, 1, 1, &operands);
    if (code != PARSED_RUN)
        return code;
    code = output_open(&output, operands.words[0], replace);
    if (code == PARSED_RUN)
        code = fetch(&client, "POST", "/v1/backup", "receiving", &output);
    code = output_close(&output, code);
    if (code != PARSED_RUN)
        return code;
    if (client.json)
        (void)printf("{\"bytes\":%llu}\n", (unsigned long long)output.bytes);
    else
        (void)printf("%s: %llu bytes\n", operands.words[0], (unsigned long long)output.bytes);
    return EXIT_DONE;
}
