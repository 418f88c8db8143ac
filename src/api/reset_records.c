/* Resets on record: what became of them, and the decisions of people about them.
 *
 * A token that is limited to locations sees a reset only when all locations in it are its own. */
#include <stdio.h>

#include "api/api_internal.h"
#include "hub/reset.h"
#include "hub/reset_record.h"

#define RESETS_PER_PAGE 50u
#define RESETS_PER_PAGE_MAX 500u

static void refuse(struct request *r, enum status status, struct error *error) {
    error->status = status;
    problem_from(r, error);
}

static bool sees(const struct access *access, const struct reset_record *record) {
    for (size_t i = 0; i < record->location_count; i++) {
        if (!access_allows_location(access, record->locations[i].code)) {
            return false;
        }
    }
    return access->location_count == 0 || record->location_count > 0;
}

/* False: answered with a problem. */
static bool check_sees(struct request *r) {
    if (request_access(r)->location_count == 0) {
        return true;
    }
    struct reset_record record;
    struct error error = {0};
    enum status status = reset_record_load(r->api->hub, r->params[0], &r->arena, &record, &error);
    if (status == STATUS_OK && !sees(request_access(r), &record)) {
        status = error_set(&error, STATUS_FORBIDDEN_LOCATION,
                           "the reset has locations that the token may not use");
    }
    if (status != STATUS_OK) {
        refuse(r, status, &error);
        return false;
    }
    return true;
}

struct seen_page {
    struct request *r;
    struct json_writer w;
    struct buffer one;
    struct arena arena;
    uint64_t left;
    struct text last; /* in the request's arena; empty: there is no next page */
};

static bool write_if_seen(void *context, struct text key, struct text value) {
    struct seen_page *page = context;
    struct reset_record record;
    struct error error;
    arena_reset(&page->arena);
    if (reset_record_read(value, &page->arena, &record, &error) != STATUS_OK ||
        !sees(request_access(page->r), &record)) {
        return true;
    }
    buffer_clear(&page->one);
    reset_record_write(&record, false, &page->one);
    json_raw(&page->w, buffer_text(&page->one));
    if (--page->left > 0) {
        return true;
    }
    page->last = arena_copy(&page->r->arena, key);
    return false;
}

/* The page of a token that does not see everything: record by record. */
static enum status write_seen(struct request *r, struct text cursor, uint64_t limit,
                              struct buffer *out, struct error *error) {
    struct seen_page page = {.r = r, .w = {.out = out}, .left = limit};
    json_begin_object(&page.w);
    json_key(&page.w, "items");
    json_begin_array(&page.w);
    enum status status = store_item_scan(hub_store(r->api->hub), TEXT("reset"), cursor, true,
                                         write_if_seen, &page, error);
    json_end_array(&page.w);
    json_key(&page.w, "next");
    json_text_or_null(&page.w, page.last);
    json_end_object(&page.w);
    buffer_deinit(&page.one);
    arena_deinit(&page.arena);
    return status;
}

enum status list_resets(struct request *r, struct text cursor, uint64_t limit, struct buffer *out,
                        struct error *error) {
    buffer_clear(out);
    return request_access(r)->location_count > 0
               ? write_seen(r, cursor, limit, out, error)
               : reset_list(r->api->hub, cursor, (size_t)limit, out, error);
}

void handle_resets(struct request *r) {
    uint64_t limit = RESETS_PER_PAGE;
    struct error error = {0};
    if (!request_query_uint(r, "limit", RESETS_PER_PAGE_MAX, &limit)) {
        return;
    }
    limit = limit > 0 ? limit : 1;
    enum status status = list_resets(r, request_query(r, "cursor"), limit, &r->out, &error);
    if (status != STATUS_OK) {
        refuse(r, status, &error);
    } else {
        answer_json(r, MHD_HTTP_OK);
    }
}

void handle_reset(struct request *r) {
    struct error error = {0};
    if (!check_sees(r)) {
        return;
    }
    buffer_clear(&r->out);
    enum status status = reset_get(r->api->hub, r->params[0], &r->out, &error);
    if (status != STATUS_OK) {
        refuse(r, status, &error);
    } else {
        answer_json(r, MHD_HTTP_OK);
    }
}

void handle_reset_rejects(struct request *r) {
    struct error error = {0};
    if (!check_sees(r)) {
        return;
    }
    buffer_clear(&r->out);
    enum status status = reset_rejects(r->api->hub, r->params[0], &r->out, &error);
    if (status != STATUS_OK) {
        refuse(r, status, &error);
    } else {
        answer(r, MHD_HTTP_OK, "text/csv; charset=utf-8");
    }
}

static void decide(struct request *r, enum reset_decision decision) {
    struct error error = {0};
    buffer_clear(&r->out);
    enum status status =
        reset_decide(r->api->hub, request_access(r), r->params[0], decision, &r->out, &error);
    if (status != STATUS_OK) {
        refuse(r, status, &error);
    } else {
        answer_json(r, MHD_HTTP_OK);
    }
}

void handle_reset_approve(struct request *r) {
    decide(r, RESET_APPROVE);
}

void handle_reset_reject(struct request *r) {
    decide(r, RESET_REJECT);
}

void handle_reset_rollback(struct request *r) {
    decide(r, RESET_ROLLBACK);
}
