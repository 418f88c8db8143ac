/* Inside the api: a request from its first header to its answer, and the table of routes.
 *
 * A request lives on the thread of its socket. What takes time leaves it: work goes to a worker or
 * to the hub's writer, the connection is suspended meanwhile, and request_arrived brings it back.
 *   request_expect -> hand the work out -> request_wait -> ... request_arrived -> request->resume
 * Everything of a request is in its arena and goes with it. */
#ifndef ONHAND_API_API_INTERNAL_H
#define ONHAND_API_API_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "api/api.h"
#include "api/auth.h"
#include "base/json.h"
#include "base/queue.h"
#include "channel/channels.h"
#include "channel/notify.h"
#include "feed/feeds.h"
#include "hub/hub.h"
#include "pos/sources.h"
#include "schedule/jobs.h"

#define PARAMS_MAX 2
#define QUERY_MAX 24
#define DRAIN_MAX ((size_t)1 << 20) /* a refused body up to this is read away, then answered */

struct request;

enum body_kind {
    BODY_NONE,
    BODY_JSON,  /* collected whole, up to limits.body_bytes */
    BODY_STREAM /* given to route->receive as it comes, without limit of length */
};
/* Where the handler runs: at once on the socket's thread (it must not block), on a worker, or on
 * one of the few workers kept for what takes seconds. */
enum run_on { RUN_HERE, RUN_WORKER, RUN_LONG };

#define OPEN_TO_ALL 0x100u /* in route.scope: no token needed */
#define ANY_TOKEN 0u

struct route {
    const char *method;
    const char *pattern; /* "/v1/inventory/{location}/{sku}" */
    unsigned scope;      /* enum scope bits, one of which is needed */
    enum body_kind body;
    enum run_on run_on;
    void (*handle)(struct request *r);
    /* BODY_STREAM: called once before the body; false: the request was refused */
    bool (*begin)(struct request *r);
    size_t (*receive)(struct request *r, const char *data,
                      size_t length); /* returns what it took */
    const char *query;   /* names of parameters, separated by blanks; others are refused */
    const char *summary; /* what follows is for /openapi.json */
    const char *request_schema, *response_schema; /* NULL: none; "text/csv" and the like: no JSON */
};
extern const struct route routes[];
extern const size_t route_count;

/* Headers that matter; empty when absent. */
struct request_headers {
    struct text authorization, content_type, content_length, transfer_encoding, accept;
    struct text idempotency_key, last_event_id, expect, origin, audit_note;
    unsigned content_lengths, transfer_encodings, authorizations;
    bool bad; /* not UTF-8 where it matters */
};

struct request {
    struct queue_item work; /* while queued for a worker */
    pthread_mutex_t lock;
    /* Kept for the next request. */
    struct arena arena;
    struct buffer body, out; /* out: the answer */
    /* From here on every request starts with zeros. */
    struct api *api;
    struct MHD_Connection *connection;
    const struct route *route;
    struct connection *socket;
    uint64_t number; /* X-Request-Id, and with the ledger's rows */
    int64_t started_us;
    struct request_headers headers;
    struct text params[PARAMS_MAX];
    struct text query_names[QUERY_MAX], query_values[QUERY_MAX];
    unsigned query_count;
    struct token *token; /* held until the request ends */
    uint64_t received;   /* bytes of body */
    unsigned status;     /* HTTP; 0: not answered yet */
    struct MHD_Response *response;
    bool refused;         /* answered before its body was read: the rest is read away */
    bool handled;         /* the handler has been called */
    bool queued;          /* the answer is with MHD */
    bool pending, paused; /* under lock */
    void (*work_function)(struct request *r); /* on a worker */
    void (*resume)(struct request *r); /* on the socket's thread, when what was expected came */
    void *state;                       /* the handler's own */
    void (*state_free)(struct request *r);
    struct request *next_free;
};

/* ---- request.c ---- */
struct request *request_new(struct api *api, struct MHD_Connection *connection);
void request_free(struct request *r);
/* Reads headers and query; STATUS_BAD_VALUE with the reason. */
must_check enum status request_read_head(struct request *r, struct error *error);
bool request_has_body(const struct request *r);
/* Empty when it is not there. */
struct text request_query(const struct request *r, const char *name);
bool request_query_given(const struct request *r, const char *name);
/* The next value of a repeated parameter; *position starts at 0. */
bool request_query_next(const struct request *r, const char *name, unsigned *position,
                        struct text *value_out);
/* True with *value_out left alone when it was not given; false: answered with a problem. */
bool request_query_time(struct request *r, const char *name, int64_t *value_out);
bool request_query_uint(struct request *r, const char *name, uint64_t most, uint64_t *value_out);
bool request_query_bool(struct request *r, const char *name, bool *value_out);
/* Percent-decodes in place; false: a broken escape, NUL, or not UTF-8. */
bool url_decode(char *data, size_t *length);
const struct access *request_access(const struct request *r);

void request_expect(struct request *r);   /* on the socket's thread, before handing work out */
void request_unexpect(struct request *r); /* it could not be handed out */
void request_arrived(struct request *r);  /* any thread; r may be gone afterwards */
bool request_wait(struct request *r);     /* true: suspended; false: it is here already */
bool request_is_pending(struct request *r);
/* Runs `function` on a worker; request_wait may follow. False: they have stopped. */
bool request_run(struct request *r, enum run_on where, void (*function)(struct request *r));

/* ---- answer.c ---- */
/* The answer is r->out. */
void answer(struct request *r, unsigned status, const char *content_type);
void answer_json(struct request *r, unsigned status);
void answer_empty(struct request *r, unsigned status);
/* Pulled from a callback, or from a file of known size (closed by MHD). */
void answer_stream(struct request *r, const char *content_type, MHD_ContentReaderCallback read);
void answer_file(struct request *r, const char *content_type, int fd, uint64_t size);
void answer_header(struct request *r, const char *name, const char *value);
enum MHD_Result answer_queue(struct request *r);
struct json_writer answer_writer(struct request *r); /* into an emptied r->out */
/* {"items":[...]} */
void answer_items(struct request *r, void (*write)(struct request *r, struct json_writer *w));

/* ---- problem.c: RFC 9457 ---- */
unsigned problem_http_status(enum status status);
void problem(struct request *r, enum status status, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void problem_http(struct request *r, unsigned http, enum status status, const char *pointer,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
void problem_from(struct request *r, const struct error *error);

/* ---- routes.c ---- */
/* Fills r->params. NULL: none; *allowed_out lists the methods of the path, empty: no such path. */
const struct route *route_find(struct request *r, const char *method, const char *path,
                               struct buffer *allowed_out);

/* ---- cors.c: the one path that pages in browsers may call ---- */
#define SOURCE_DOCUMENTS "/v1/sources/{name}/documents"
void cors_allow(struct request *r); /* before an answer goes out */
void handle_preflight(struct request *r);

/* ---- workers.c ---- */
struct workers;
struct workers *workers_new(unsigned count, const char *name);
bool workers_run(struct workers *workers, struct request *r); /* false: they have stopped */
void workers_stop(struct workers *workers);                   /* after what is queued is done */
void workers_free(struct workers *workers);                   /* NULL is fine */

/* ---- connections.c ---- */
struct connections;
struct connections *connections_new(const struct config_limits *limits);
void connections_free(struct connections *connections);
void connections_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
                        enum MHD_ConnectionNotificationCode code);
struct connection *connection_of(struct MHD_Connection *mhd);
void connection_begin(struct connection *connection, bool endless); /* a request's head is here */
void connection_progress(struct connection *connection, uint64_t bytes);
/* The hub works on what was sent, or keeps the sender waiting: time that does not count. */
void connection_our_turn(struct connection *connection, bool our_turn);
void connection_body_done(struct connection *connection);
void connection_idle(struct connection *connection); /* the answer is out */
uint64_t connections_count(struct connections *connections);

/* ---- counters: requests by route and code ---- */
#define CODES_COUNTED 24
struct api_counters {
    _Atomic uint64_t (*requests)[CODES_COUNTED]; /* by route (the last row: none) and code */
    _Atomic uint64_t request_us_sum, in_flight;
};
void counters_init(struct api_counters *counters);
void counters_deinit(struct api_counters *counters);
void counters_add(struct api_counters *counters, const struct route *route, unsigned status,
                  int64_t us);

struct events;
struct api {
    struct api_options options;
    struct hub *hub;
    const struct config *config;
    struct MHD_Daemon *daemon;
    struct auth *auth;
    struct workers *workers, *long_workers;
    struct connections *connections;
    struct events *events;
    struct api_counters counters;
    _Atomic uint64_t next_request;
    _Atomic bool quiesced, stopping;
    pthread_mutex_t free_lock;
    struct request *free_requests;
    unsigned free_count;
    int listen_fd;
    char url[128];
};

/* ---- what /v1/now puts together: each one value, as its own route shows it ---- */
void tell_status(struct request *r, struct json_writer *w);
void tell_feeds(struct request *r, struct json_writer *w);
void tell_channels(struct request *r, struct json_writer *w);
void tell_sources(struct request *r, struct json_writer *w);
/* A page of GET /v1/resets into r->out as it is; not those that the token may not see. */
must_check enum status list_resets(struct request *r, struct text cursor, uint64_t limit,
                                   struct buffer *out, struct error *error);

/* ---- handlers, by file ---- */
void handle_update_inventory(struct request *r);
void handle_check_inventory(struct request *r);
bool adjustments_begin(struct request *r);
size_t adjustments_receive(struct request *r, const char *data, size_t length);
void handle_adjustments(struct request *r);
void handle_acknowledgements(struct request *r);
bool resets_begin(struct request *r);
size_t resets_receive(struct request *r, const char *data, size_t length);
void handle_reset_post(struct request *r);
void handle_resets(struct request *r);
void handle_reset(struct request *r);
void handle_reset_rejects(struct request *r);
void handle_reset_variances(struct request *r);
void handle_variances(struct request *r);
void handle_reset_approve(struct request *r);
void handle_reset_reject(struct request *r);
void handle_reset_rollback(struct request *r);
bool described_begin(struct request *r);
size_t described_receive(struct request *r, const char *data, size_t length);
void handle_products(struct request *r);
void handle_products_put(struct request *r);
void handle_locations(struct request *r);
void handle_locations_put(struct request *r);
void handle_inventory(struct request *r);
void handle_cell(struct request *r);
void handle_history(struct request *r);
void handle_explain(struct request *r);
void handle_availability(struct request *r);
void handle_events(struct request *r);
void handle_status(struct request *r);
void handle_now(struct request *r);
void handle_feeds(struct request *r);
void handle_channels(struct request *r);
void handle_sources(struct request *r);
void handle_source_snapshot(struct request *r);
/* Answers 202, or why the job cannot be run. */
void run_job(struct request *r, struct text name);
void handle_source(struct request *r);
void handle_source_documents(struct request *r);
void handle_parked_list(struct request *r);
void handle_parked_document(struct request *r);
void handle_parked_replay(struct request *r);
void handle_parked_replay_all(struct request *r);
void handle_parked_delete(struct request *r);
void handle_channel(struct request *r);
void handle_channel_pause(struct request *r);
void handle_channel_resume(struct request *r);
void handle_channel_resync(struct request *r);
void handle_channel_retry(struct request *r);
void handle_channel_audit(struct request *r);
void handle_channel_audits(struct request *r);
void handle_channel_orders(struct request *r);
bool channel_webhook_begin(struct request *r);
size_t channel_webhook_receive(struct request *r, const char *data, size_t length);
void handle_channel_webhook(struct request *r);
void handle_jobs(struct request *r);
void handle_job_run(struct request *r);
/* On a worker, after the handler: what somebody decided goes on record. */
void audit_note(struct request *r);
/* Whether somebody gave words for the audit log with a change that is none by its route. */
bool audit_wanted(const struct request *r);
void handle_audit_log(struct request *r);
void handle_console(struct request *r);
void handle_console_asset(struct request *r);
void handle_me(struct request *r);
void handle_tokens(struct request *r);
void handle_token_create(struct request *r);
void handle_token_revoke(struct request *r);
void handle_backup(struct request *r);
void handle_healthz(struct request *r);
void handle_readyz(struct request *r);
void handle_metrics(struct request *r);
void handle_openapi(struct request *r);

/* ---- events.c ---- */
struct events *events_new(struct api *api);
void events_stop(struct events *events); /* ends every stream; before the daemon stops */
void events_free(struct events *events);
uint64_t events_listeners(struct events *events);
struct rates *events_rates(struct events *events);

/* server.c: the body may be taken for JSON. */
bool content_type_suits_json(struct text type);

#endif
