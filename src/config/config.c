/* Loading a configuration: the file, the YAML, the tables, the report.
 *
 * libyaml gives the tree with the place of every node; everything that depends on what the keys
 * mean is ours (read.c). A document that is not YAML yields its one mistake, since after it nothing
 * can be told; anything else yields all of them. */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/read_internal.h"

#define FILE_SIZE_MAX ((size_t)4 << 20)
#define DEPTH_MAX 500

static struct config *config_new(void) {
    return memory_alloc_zero(1, sizeof(struct config));
}

void config_free(struct config *config) {
    if (config != NULL) {
        arena_deinit(&config->arena);
        free(config);
    }
}

/* ---- filling in ---- */

static void fill(struct reading *reading, const yaml_node_t *root) {
    struct config *config = reading->config;
    uint64_t named = reading_table(reading, &schema_config, root, config);
    bool said = named >> schema_index(&schema_config, "unknown_locations") & 1;
    if (!said && config->location_count > 0) {
        config->unknown_locations = CONFIG_REJECT; /* the list is meant to be complete */
    }
}

static void reading_deinit(struct reading *reading) {
    uniqueness_deinit(&reading->locations);
    uniqueness_deinit(&reading->sources);
    uniqueness_deinit(&reading->feeds);
    uniqueness_deinit(&reading->channels);
    uniqueness_deinit(&reading->notify);
    buffer_deinit(&reading->path);
    free(reading->seen);
}

struct config *config_default(void) {
    struct config_report report = {0};
    struct reading reading = {.config = config_new(), .report = &report};
    fill(&reading, NULL);
    require(report.count == 0);
    reading_deinit(&reading);
    config_report_deinit(&report);
    return reading.config;
}

static void report_syntax(const yaml_parser_t *parser, struct text yaml, struct text file,
                          struct config_report *report) {
    unsigned long line = parser->problem_mark.line + 1, column = parser->problem_mark.column + 1;
    if (parser->error == YAML_READER_ERROR) {
        /* Bytes that are no text: libyaml gives their offset only. */
        line = column = 1;
        for (size_t i = 0; i < yaml.length && i < parser->problem_offset; i++) {
            column = yaml.data[i] == '\n' ? 1 : column + 1;
            line += yaml.data[i] == '\n';
        }
    }
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
    if (parser->context != NULL) {
        report_plain(report, file, line, column, "not valid YAML: %s (%s)", problem,
                     parser->context);
    } else {
        report_plain(report, file, line, column, "not valid YAML: %s", problem);
    }
}

static void read_document(struct config *config, yaml_document_t *document, struct text file,
                          struct config_report *report) {
    size_t count = (size_t)(document->nodes.top - document->nodes.start);
    struct reading reading = {
        .document = document,
        .config = config,
        .report = report,
        .file = file,
        .seen = memory_alloc_zero(count + 1, sizeof(bool)),
        .seen_count = count,
    };
    const yaml_node_t *root = yaml_document_get_root_node(document);
    fill(&reading, root == NULL || node_is_null(root) ? NULL : root);
    reading_deinit(&reading);
}

/* libyaml takes time that grows with the square of the depth of brackets, so that is bounded first.
 * Brackets inside of texts are counted too: what people write does not come near the bound. */
static bool is_too_deep(struct text yaml, struct text file, struct config_report *report) {
    size_t depth = 0;
    unsigned long line = 1;
    for (size_t i = 0; i < yaml.length; i++) {
        char c = yaml.data[i];
        line += c == '\n';
        if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
        if (depth > DEPTH_MAX) {
            report_plain(report, file, line, 0, "nested too deep");
            return true;
        }
    }
    return false;
}

static void read_yaml(struct config *config, struct text yaml, struct text file,
                      struct config_report *report) {
    yaml_parser_t parser;
    yaml_document_t document;
    if (is_too_deep(yaml, file, report)) {
        return;
    }
    require(yaml_parser_initialize(&parser) == 1);
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.data, yaml.length);
    if (!yaml_parser_load(&parser, &document)) {
        report_syntax(&parser, yaml, file, report);
        yaml_parser_delete(&parser);
        return;
    }
    read_document(config, &document, file, report);
    bool was_empty = yaml_document_get_root_node(&document) == NULL;
    yaml_document_delete(&document);
    if (!was_empty && !yaml_parser_load(&parser, &document)) {
        report_syntax(&parser, yaml, file, report);
    } else if (!was_empty) {
        const yaml_node_t *second = yaml_document_get_root_node(&document);
        if (second != NULL) {
            report_plain(report, file, second->start_mark.line + 1, 1,
                         "a second document (---): only one is read");
        }
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
}

enum status config_load_text(struct text yaml, const char *path, struct config **config_out,
                             struct config_report *report) {
    struct config *config = config_new();
    size_t mistakes = report->count;
    config->path = arena_copy(&config->arena, text_from(path));
    if (yaml.length > FILE_SIZE_MAX) {
        report_plain(report, config->path, 0, 0, "larger than 4 MiB");
        config_free(config);
        return STATUS_TOO_LARGE;
    }
    read_yaml(config, yaml, config->path, report);
    if (report->count > mistakes) {
        report_sort(report);
        config_free(config);
        return STATUS_BAD_VALUE;
    }
    *config_out = config;
    return STATUS_OK;
}

/* ---- the file ---- */

static enum status read_all(int fd, struct buffer *out) {
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return STATUS_IO;
    }
    if (S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        return STATUS_IO;
    }
    for (;;) {
        buffer_reserve(out, 65536);
        ssize_t n = read(fd, out->data + out->length, 65536);
        if (n < 0 && errno != EINTR) {
            return STATUS_IO;
        }
        if (n == 0 || out->length > FILE_SIZE_MAX) {
            return STATUS_OK;
        }
        out->length += n > 0 ? (size_t)n : 0;
    }
}

enum status config_load(const char *path, struct config **config_out,
                        struct config_report *report) {
    struct buffer yaml = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum status status = fd < 0 ? STATUS_IO : read_all(fd, &yaml);
    if (status == STATUS_OK) {
        status = config_load_text(buffer_text(&yaml), path, config_out, report);
    } else {
        char why[128];
        report_plain(report, text_from(path), 0, 0, "cannot be read: %s",
                     strerror_r(errno, why, sizeof why));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    buffer_deinit(&yaml);
    return status;
}

/* ---- what the command line may override ---- */

static bool parse_port(struct text text, unsigned *port_out) {
    unsigned port = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || text.length > 5) {
            return false;
        }
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    *port_out = port;
    return text.length > 0 && port <= 65535;
}

static bool host_is_plausible(struct text host) {
    for (size_t i = 0; i < host.length; i++) {
        char c = host.data[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                    c == '.' || c == '-' || c == ':' || c == '%' || c == '_';
        if (!fine) {
            return false;
        }
    }
    return host.length > 0 && host.length < 256;
}

enum status config_set_listen(struct config *config, struct text listen, struct error *error) {
    size_t colon = listen.length;
    while (colon > 0 && listen.data[colon - 1] != ':') {
        colon--;
    }
    unsigned port = 0;
    bool fine =
        colon > 1 && parse_port((struct text){listen.data + colon, listen.length - colon}, &port);
    struct text host = {listen.data, colon > 0 ? colon - 1 : 0};
    bool bracketed = host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']';
    if (bracketed) {
        host = (struct text){host.data + 1, host.length - 2};
    }
    bool has_colon = host.length > 0 && memchr(host.data, ':', host.length) != NULL;
    if (!fine || !host_is_plausible(host) || has_colon != bracketed) {
        return error_set(error, STATUS_BAD_VALUE,
                         "expected ADDRESS:PORT, as in 127.0.0.1:8484 or [::1]:8484");
    }
    config->listen = arena_copy(&config->arena, listen);
    config->listen_host = arena_copy(&config->arena, host);
    config->listen_port = port;
    return STATUS_OK;
}

void config_set_data(struct config *config, struct text data) {
    require(data.length > 0);
    config->data = arena_copy(&config->arena, data);
}

/* ---- guards ---- */

static void guards_override(struct config_guards *guards, const struct config_guards *with) {
    for (size_t i = 0; i < schema_guards.count; i++) {
        const struct setting *row = &schema_guards.rows[i];
        size_t size = row->kind == SETTING_BOOL     ? sizeof(bool)
                      : row->kind == SETTING_CHOICE ? sizeof(int)
                                                    : sizeof(int64_t);
        if (with->named >> i & 1) {
            memcpy((char *)guards + row->offset, (const char *)with + row->offset, size);
        }
    }
}

struct config_guards config_guards_for(const struct config *config, const struct config_feed *feed,
                                       const struct config_location *location) {
    struct config_guards guards = config->guards;
    if (feed != NULL) {
        guards_override(&guards, &feed->guards);
    }
    if (location != NULL) {
        guards_override(&guards, &location->guards);
    }
    return guards;
}
