/* The sources over HTTP: documents in, how the stores are doing, and what was not understood.
 *
 * A document that a till sends is booked like an adjustment: translated on the socket's thread,
 * given to the hub, answered when it is on disk; no thread waits for it. What takes longer (many
 * documents, or one that has to be parked) goes to a worker. */
#include "api/api_internal.h"
#include "pos/prism_parked.h"
#include "pos/prism_take.h"
#include "pos/sources_view.h"

#define HERE_DOCUMENTS 32u
#define HERE_BYTES ((size_t)256 * 1024)

/* NULL: answered with a problem. */
static struct source *find_source(struct request *r) {
    struct sources *sources = r->api->options.sources;
    struct source *source = sources != NULL ? sources_find(sources, r->params[0]) : NULL;
    if (source == NULL) {
        problem(r, STATUS_NOT_FOUND, "", "no source is called '%.*s'; `sources` lists them",
                r->params[0].length > 100 ? 100 : (int)r->params[0].length, r->params[0].data);
    }
    return source;
}

/* ---- results ---- */

static void write_error(struct json_writer *w, enum status code, struct text detail) {
    json_key(w, "error");
    json_begin_object(w);
    json_key(w, "code");
    json_string(w, status_code(code));
    json_key(w, "detail");
    json_text(w, detail);
    json_end_object(w);
}

static void write_result(struct json_writer *w, const struct prism_result *result) {
    json_begin_object(w);
    json_key(w, "sid");
    json_text_or_null(w, result->sid);
    json_key(w, "id");
    json_text_or_null(w, result->id);
    json_key(w, "status");
    json_string(w, result->status);
    json_key(w, "location");
    json_text_or_null(w, result->location);
    json_key(w, "sku");
    json_text_or_null(w, result->sku);
    if (result->moved) {
        json_key(w, "on_hand");
        json_quantity(w, result->on_hand_milli);
        json_key(w, "sequence");
        json_uint(w, result->sequence);
    } else if (result->code != STATUS_OK) {
        write_error(w, result->code, result->detail);
    } else {
        json_key(w, "detail");
        json_text(w, result->detail);
    }
    json_end_object(w);
}

static void write_taken(struct json_writer *w, const struct prism_taken *taken) {
    uint64_t sequence = 0;
    json_key(w, "results");
    json_begin_array(w);
    for (size_t i = 0; i < taken->count; i++) {
        write_result(w, &taken->results[i]);
        bool later = taken->results[i].moved && taken->results[i].sequence > sequence;
        sequence = later ? taken->results[i].sequence : sequence;
    }
    json_end_array(w);
    json_key(w, "documents");
    json_uint(w, taken->documents);
    json_key(w, "parked");
    json_uint(w, taken->parked);
    json_key(w, "sequence");
    json_uint(w, sequence);
}

/* ---- documents in ---- */

struct pushing {
    struct source *source;
    struct prism_raw *raw;
    size_t count;
    struct prism_batch *batch;
    enum status submitted;
};

static void answer_taken(struct request *r, enum status status, const struct prism_taken *taken,
                         struct error *error) {
    if (status != STATUS_OK) {
        error->status = status;
        problem_from(r, error);
        return;
    }
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    write_taken(&w, taken);
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}

static void finish_push(struct request *r) {
    struct pushing *p = r->state;
    struct prism_taken taken;
    struct error error = {0};
    enum status status = prism_batch_finish(p->batch, p->submitted, &taken, &error);
    answer_taken(r, status, &taken, &error);
}

static void push_came_back(struct request *r) {
    struct pushing *p = r->state;
    if (p->submitted != STATUS_OK || prism_batch_is_plain(p->batch)) {
        finish_push(r);
    } else {
        request_run(r, RUN_WORKER, finish_push);
    }
}

static void push_done(struct submission *submission, enum status status) {
    struct request *r = submission->context;
    ((struct pushing *)r->state)->submitted = status;
    request_arrived(r);
}

static void push_here(struct request *r) {
    struct pushing *p = r->state;
    p->batch = prism_batch_begin(p->source, request_access(r), p->raw, p->count, &r->arena);
    struct submission *submission = prism_batch_submission(p->batch);
    if (submission == NULL) {
        push_came_back(r);
        return;
    }
    submission->request = r->number;
    submission->done = push_done;
    submission->context = r;
    request_expect(r);
    enum status status = hub_submit(r->api->hub, submission);
    if (status != STATUS_OK) {
        request_unexpect(r);
        problem(r, status, "", "%s", status_meaning(status));
        return;
    }
    r->resume = push_came_back;
}

static void push_all(struct request *r) {
    struct pushing *p = r->state;
    struct prism_taken taken;
    struct error error = {0};
    enum status status =
        prism_take(p->source, request_access(r), p->raw, p->count, &r->arena, &taken, &error);
    answer_taken(r, status, &taken, &error);
}

void handle_source_documents(struct request *r) {
    struct pushing *p = arena_alloc_zero(&r->arena, sizeof *p);
    struct error error = {0};
    r->state = p;
    p->source = find_source(r);
    if (p->source == NULL) {
        return;
    }
    enum status status = prism_split(buffer_text(&r->body), PRISM_DOCUMENT, PRISM_PUSHED, &r->arena,
                                     &p->raw, &p->count, &error);
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
    } else if (p->count <= HERE_DOCUMENTS && r->body.length <= HERE_BYTES) {
        push_here(r);
    } else {
        request_run(r, RUN_LONG, push_all);
    }
}

/* ---- how they are doing ---- */

void tell_sources(struct request *r, struct json_writer *w) {
    if (r->api->options.sources != NULL) {
        sources_write_json(r->api->options.sources, w);
    } else {
        json_raw(w, TEXT("[]"));
    }
}

void handle_sources(struct request *r) {
    answer_items(r, tell_sources);
}

void handle_source(struct request *r) {
    struct source *source = find_source(r);
    if (source != NULL) {
        struct json_writer w = answer_writer(r);
        source_write_json(source, &w);
        answer_json(r, MHD_HTTP_OK);
    }
}

void handle_source_snapshot(struct request *r) {
    struct source *source = find_source(r);
    if (source != NULL) {
        run_job(r, arena_format(&r->arena, "snapshot:%.*s", TEXT_ARG(r->params[0])));
    }
}

/* ---- what was not understood ---- */

#define PARKED_PAGE 100u
#define PARKED_PAGE_MAX 1000u

void handle_parked_list(struct request *r) {
    struct source *source = find_source(r);
    uint64_t limit = PARKED_PAGE;
    if (source == NULL || !request_query_uint(r, "limit", PARKED_PAGE_MAX, &limit)) {
        return;
    }
    struct json_writer w = answer_writer(r);
    source_write_parked(source, request_query(r, "cursor"), limit, &r->arena, &w);
    answer_json(r, MHD_HTTP_OK);
}

void handle_parked_document(struct request *r) {
    struct source *source = find_source(r);
    struct error error = {0};
    struct text json = {NULL, 0};
    if (source == NULL) {
        return;
    }
    enum status status = source_parked_text(source, r->params[1], &r->arena, &json, &error);
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
        return;
    }
    buffer_clear(&r->out);
    buffer_append_text(&r->out, json);
    answer_json(r, MHD_HTTP_OK);
}

static void replay(struct request *r, struct text id) {
    struct source *source = find_source(r);
    struct error error = {0};
    struct prism_taken taken;
    struct source_replay what;
    if (source == NULL) {
        return;
    }
    enum status status =
        source_replay(source, request_access(r), id, &r->arena, &taken, &what, &error);
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
        return;
    }
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "replayed");
    json_uint(&w, what.documents);
    json_key(&w, "settled");
    json_uint(&w, what.settled);
    json_key(&w, "still_parked");
    json_uint(&w, what.parked);
    if (id.length > 0) {
        write_taken(&w, &taken);
    }
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}

void handle_parked_replay(struct request *r) {
    replay(r, r->params[1]);
}

void handle_parked_replay_all(struct request *r) {
    replay(r, (struct text){NULL, 0});
}

void handle_parked_delete(struct request *r) {
    struct source *source = find_source(r);
    struct error error = {0};
    if (source == NULL) {
        return;
    }
    enum status status = source_parked_delete(source, r->params[1], &error);
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
    } else {
        answer_empty(r, MHD_HTTP_NO_CONTENT);
    }
}
