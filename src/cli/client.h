/* How a command reaches the running hub: where it is, with which token, and what to tell the person
 * at the keyboard when it does not work. */
#ifndef ONHAND_CLI_CLIENT_H
#define ONHAND_CLI_CLIENT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"
#include "cli/options.h"

struct client_options {
    const char *url, *token, *data;
    bool json; /* the answer as it came */
};

/* For the tables of options of all commands that talk to a hub. */
#define CLIENT_ROWS(o)                                                                             \
    {"--url", "URL", OPTION_TEXT, &(o).url, "the hub (ONHAND_URL, else http://127.0.0.1:8484)"},   \
        {"--token", "TOKEN", OPTION_TEXT, &(o).token,                                              \
         "who asks; better by ONHAND_TOKEN, else DIR/admin.token"},                                \
        {"--data", "DIR", OPTION_TEXT, &(o).data, "the hub's data (./onhand-data)"}, {             \
        "--json", NULL, OPTION_FLAG, &(o).json, "the answer as JSON"                               \
    }

struct client;

/* PARSED_RUN, or the exit code after saying what is missing. */
int client_open(const struct client_options *options, struct client **client_out);
void client_close(struct client *client); /* NULL is fine */
const char *client_url(const struct client *client);
const char *client_token(const struct client *client);

struct client_request {
    const char *method;
    struct text path;         /* with its query */
    struct text body;         /* unless upload */
    const char *content_type; /* of what is sent; NULL: nothing is */
    FILE *upload;             /* streamed to its end */
    int64_t upload_bytes;     /* -1: not known */
    const char *progress;     /* shown on a terminal when it takes longer: "uploading" */
    /* Takes the body of a good answer as it comes; false breaks off. NULL: into answer.body. */
    bool (*sink)(void *context, const char *data, size_t length);
    void *sink_context;
};

struct answer {
    long http_status;
    struct buffer body;
    json_t *json; /* NULL when there is none */
};

/* PARSED_RUN for a good answer (2xx), else EXIT_REFUSED after telling why. *answer_out always needs
 * answer_deinit. */
int client_call(struct client *client, const struct client_request *request,
                struct answer *answer_out);
/* The usual case: no body, a JSON answer. */
int client_ask(struct client *client, const char *method, struct text path,
               struct answer *answer_out);
void answer_deinit(struct answer *answer);

/* Percent-encodes one part of a path or query. */
void append_escaped(struct buffer *out, const char *text);
/* "?name=value", "&name=value" from the second on; nothing for NULL. */
void append_query(struct buffer *path, const char *name, const char *value);

/* The whole of a command that asks once: prints the answer, as it came with --json. */
int client_show(const struct client_options *options, const char *method, const char *path,
                void (*print)(const json_t *answer));

#endif
