/* The channels over HTTP: how they are doing, and what an operator may tell them to do. */
#include "api/cells.h"

static struct channels *channels_of(struct request *r) {
    return r->api->options.channels;
}

void tell_channels(struct request *r, struct json_writer *w) {
    if (channels_of(r) != NULL) {
        channels_write_json(channels_of(r), w);
    } else {
        json_raw(w, TEXT("[]"));
    }
}

void handle_channels(struct request *r) {
    answer_items(r, tell_channels);
}

static void unknown_channel(struct request *r) {
    struct text name = r->params[0];
    problem(r, STATUS_NOT_FOUND, "", "no channel is called '%.*s'",
            name.length > 200 ? 200 : (int)name.length, name.data);
}

void handle_channel(struct request *r) {
    struct json_writer w = answer_writer(r);
    if (channels_of(r) == NULL ||
        channels_write_one(channels_of(r), r->params[0], &w) != STATUS_OK) {
        unknown_channel(r);
        return;
    }
    answer_json(r, MHD_HTTP_OK);
}

/* ---- orders ---- */

/* NULL: answered. */
static struct publisher *publisher_asked(struct request *r) {
    struct buffer ignored = {0};
    struct json_writer w = {.out = &ignored};
    struct publisher *publisher =
        channels_of(r) != NULL ? channels_find(channels_of(r), r->params[0]) : NULL;
    if (publisher == NULL && channels_of(r) != NULL &&
        channels_write_one(channels_of(r), r->params[0], &w) == STATUS_OK) {
        problem(r, STATUS_CONFLICT, "",
                "a channel of type file is a job: POST /v1/jobs/channel:%.*s/run",
                TEXT_ARG(r->params[0]));
    } else if (publisher == NULL) {
        unknown_channel(r);
    }
    buffer_deinit(&ignored);
    return publisher;
}

static void answer_order(struct request *r, unsigned http, const char *status) {
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "name");
    json_text(&w, r->params[0]);
    json_key(&w, "status");
    json_string(&w, status);
    json_end_object(&w);
    answer_json(r, http);
}

static void give_order(struct request *r, void (*give)(struct publisher *publisher),
                       const char *status) {
    struct publisher *publisher = publisher_asked(r);
    if (publisher != NULL) {
        give(publisher);
        answer_order(r, MHD_HTTP_OK, status);
    }
}

void handle_channel_pause(struct request *r) {
    give_order(r, publisher_pause, "paused");
}

void handle_channel_resume(struct request *r) {
    give_order(r, publisher_resume, "resumed");
}

void handle_channel_resync(struct request *r) {
    give_order(r, publisher_resync, "resyncing");
}

void handle_channel_retry(struct request *r) {
    struct publisher *publisher = publisher_asked(r);
    struct text code = request_query(r, "location"), sku = request_query(r, "sku");
    uint32_t location = 0, product = 0;
    if (publisher == NULL) {
        return;
    }
    if ((code.length > 0) != (sku.length > 0)) {
        problem(r, STATUS_MISSING, code.length > 0 ? "sku" : "location",
                "location and sku belong together; without both everything is tried again");
        return;
    }
    if (code.length > 0) {
        location = find_location(r, code, "location");
        if (location == 0) {
            return;
        }
        product = find_product(hub_catalog(r->api->hub), sku);
        if (product == 0) {
            problem_http(r, 404, STATUS_UNKNOWN_PRODUCT, "sku", "no product is called '%.*s'",
                         sku.length > 200 ? 200 : (int)sku.length, sku.data);
            return;
        }
    }
    uint64_t retried = publisher_retry(publisher, location, product);
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "name");
    json_text(&w, r->params[0]);
    json_key(&w, "status");
    json_string(&w, retried > 0 ? "retrying" : "nothing_parked");
    json_key(&w, "retried");
    json_uint(&w, retried);
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}

/* ---- audits ---- */

void handle_channel_audit(struct request *r) {
    struct publisher *publisher = publisher_asked(r);
    struct error error = {0};
    if (publisher == NULL) {
        return;
    }
    if (!publisher_can_audit(publisher)) {
        problem(r, STATUS_CONFLICT, "", "a channel of this type cannot be read back");
        return;
    }
    struct text job = arena_format(&r->arena, "audit:%.*s", TEXT_ARG(r->params[0]));
    enum status status = jobs_run_now(r->api->options.jobs, job, &error);
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
        return;
    }
    answer_order(r, MHD_HTTP_ACCEPTED, "started");
}

void handle_channel_audits(struct request *r) {
    struct publisher *publisher = publisher_asked(r);
    struct error error = {0};
    if (publisher == NULL) {
        return;
    }
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "items");
    enum status status = publisher_write_audits(publisher, &w, &error);
    json_end_object(&w);
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
        return;
    }
    answer_json(r, MHD_HTTP_OK);
}
