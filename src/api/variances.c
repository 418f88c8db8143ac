/* Variances over HTTP: of one reset, in pages or whole as CSV, and their trend over days. */
#include "api/api_internal.h"
#include "api/spool.h"
#include "hub/reset.h"
#include "hub/variance_trend.h"

#define VARIANCES_PER_PAGE 1000u
#define VARIANCES_PER_PAGE_MAX 100000u
#define TREND_DAYS 14u

static void refuse(struct request *r, enum status status, struct error *error) {
    error->status = status;
    problem_from(r, error);
}

/* ---- of one reset ---- */

static enum status settle(void *context, struct error *error) {
    return spool_settle(context, error);
}

static void answer_csv(struct request *r, bool by_units) {
    struct spool spool;
    struct error error = {0};
    int fd = -1;
    spool_init(&spool, r->api->config->data);
    enum status status = reset_variances_csv(r->api->hub, request_access(r), r->params[0], by_units,
                                             &spool.buffer, settle, &spool, &error);
    if (status == STATUS_OK) {
        status = spool_finish(&spool, &fd, &error);
    }
    if (status != STATUS_OK) {
        refuse(r, status, &error);
    } else if (fd >= 0) {
        answer_file(r, "text/csv; charset=utf-8", fd, spool.written);
    } else {
        buffer_clear(&r->out);
        buffer_append_text(&r->out, buffer_text(&spool.buffer));
        answer(r, MHD_HTTP_OK, "text/csv; charset=utf-8");
    }
    spool_deinit(&spool);
}

static void answer_page(struct request *r, bool by_units) {
    uint64_t limit = VARIANCES_PER_PAGE, offset = 0;
    struct error error = {0};
    if (!request_query_uint(r, "limit", VARIANCES_PER_PAGE_MAX, &limit) ||
        !request_query_uint(r, "cursor", UINT32_MAX, &offset)) {
        return;
    }
    buffer_clear(&r->out);
    enum status status =
        reset_variances(r->api->hub, request_access(r), r->params[0], by_units, (size_t)offset,
                        (size_t)(limit > 0 ? limit : 1), &r->out, &error);
    if (status != STATUS_OK) {
        refuse(r, status, &error);
    } else {
        answer_json(r, MHD_HTTP_OK);
    }
}

void handle_reset_variances(struct request *r) {
    struct text order = request_query(r, "order"), format = request_query(r, "format");
    bool by_units = text_equal_string(order, "units"), csv = text_equal_string(format, "csv");
    if (request_query_given(r, "order") && !by_units && !text_equal_string(order, "location")) {
        problem(r, STATUS_BAD_VALUE, "order", "order: units or location");
    } else if (request_query_given(r, "format") && !csv && !text_equal_string(format, "json")) {
        problem(r, STATUS_BAD_VALUE, "format", "format: json or csv");
    } else if (csv && (request_query_given(r, "limit") || request_query_given(r, "cursor"))) {
        problem(r, STATUS_BAD_VALUE, "limit", "limit and cursor are for pages of JSON");
    } else if (csv) {
        answer_csv(r, by_units);
    } else {
        answer_page(r, by_units);
    }
}

/* ---- over days ---- */

void handle_variances(struct request *r) {
    uint64_t days = TREND_DAYS;
    struct error error = {0};
    if (!request_query_uint(r, "days", TREND_DAYS_MAX, &days)) {
        return;
    }
    struct trend_query query = {.location = request_query(r, "location"),
                                .feed = request_query(r, "feed"),
                                .days = days > 0 ? (uint32_t)days : 1,
                                .before = request_query(r, "cursor")};
    uint32_t number = catalog_find_location(hub_catalog(r->api->hub), query.location);
    if (query.location.length > 0 && number == 0) {
        problem(r, STATUS_UNKNOWN_LOCATION, "location", "no location is called '%.*s'",
                TEXT_ARG(query.location));
        return;
    }
    if (number != 0) {
        query.location = catalog_location_code(hub_catalog(r->api->hub), number);
    }
    buffer_clear(&r->out);
    enum status status = variance_trend(r->api->hub, request_access(r), &query, &r->out, &error);
    if (status != STATUS_OK) {
        refuse(r, status, &error);
    } else {
        answer_json(r, MHD_HTTP_OK);
    }
}
