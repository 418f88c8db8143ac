/* The audit log: who changed what by hand, and when.
 *
 * Sales and files are in the ledger with who sent them; this is for what people decide: approving,
 * rejecting and taking back resets, tokens, jobs, channels, and for whatever change says so: with a
 * header Audit-Note, whose words (percent-encoded) are kept with it. A line is written on a worker
 * before the answer goes out, and stays as long as the ledger does. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/api_internal.h"
#include "base/log.h"

#define KIND TEXT("audit")
#define LINES_PER_PAGE 100u
#define LINES_PER_PAGE_MAX 1000u
#define NOTE_MAX 400u

static bool is_decision(const struct request *r) {
    const struct route *route = r->route;
    return route != NULL && strcmp(route->method, "GET") != 0 &&
           (route->scope & (SCOPE_ADMIN | SCOPE_RESET)) != 0 && route->receive == NULL;
}

bool audit_wanted(const struct request *r) {
    return r->headers.audit_note.length > 0 && r->status != 0 && r->status < 400;
}

/* What was said with it, whole characters of it; as it came where it is not encoded as it should
 * be. */
static struct text note_of(struct request *r) {
    struct text note = arena_copy(&r->arena, r->headers.audit_note);
    if (!url_decode((char *)(uintptr_t)note.data, &note.length)) {
        note = arena_copy(&r->arena, r->headers.audit_note);
    }
    if (note.length > NOTE_MAX) {
        note.length = NOTE_MAX;
        while (note.length > 0 && ((unsigned char)note.data[note.length] & 0xC0) == 0x80) {
            note.length--;
        }
    }
    return note;
}

/* "POST /v1/resets/r-1/approve": the route with what stood in its places. */
static struct text action_of(struct request *r) {
    struct buffer action = {0};
    unsigned param = 0;
    buffer_append_string(&action, r->route->method);
    buffer_append_string(&action, " ");
    for (const char *at = r->route->pattern; *at != '\0';) {
        size_t length = strcspn(at, "{");
        buffer_append(&action, at, length);
        at += length;
        if (*at == '{') {
            buffer_append_text(&action, r->params[param++]);
            at += strcspn(at, "}") + 1;
        }
    }
    struct text text = arena_copy(&r->arena, buffer_text(&action));
    buffer_deinit(&action);
    return text;
}

void audit_note(struct request *r) {
    if (r->status == 0 || r->status >= 400 || (!is_decision(r) && !audit_wanted(r))) {
        return;
    }
    int64_t now_us = hub_now_us(r->api->hub);
    char at[TIMESTAMP_TEXT_SIZE];
    (void)timestamp_format(now_us, at);
    struct text key = arena_format(&r->arena, "%s#%016" PRIx64, at, r->number);
    struct buffer value = {0};
    struct json_writer w = {.out = &value};
    json_begin_object(&w);
    json_key(&w, "at");
    json_timestamp(&w, now_us);
    json_key(&w, "by");
    json_text(&w, request_access(r)->name);
    json_key(&w, "action");
    json_text(&w, action_of(r));
    json_key(&w, "status");
    json_uint(&w, r->status);
    if (r->headers.audit_note.length > 0) {
        json_key(&w, "note");
        json_text(&w, note_of(r));
    }
    json_end_object(&w);
    struct error error = {0};
    if (hub_item_put(r->api->hub, KIND, key, buffer_text(&value), &error) != STATUS_OK) {
        log_error("a decision is not in the audit log", "request=%" PRIx64 " because=%s", r->number,
                  log_quote(text_from(error.detail)));
    }
    buffer_deinit(&value);
}

struct page {
    struct json_writer w;
    struct buffer last;
    uint64_t left;
    bool more;
};

static bool write_line(void *context, struct text key, struct text value) {
    struct page *page = context;
    if (page->left == 0) {
        page->more = true;
        return false;
    }
    page->left--;
    json_raw(&page->w, value);
    buffer_clear(&page->last);
    buffer_append_text(&page->last, key);
    return true;
}

void handle_audit_log(struct request *r) {
    struct page page = {.left = LINES_PER_PAGE};
    struct error error = {0};
    if (!request_query_uint(r, "limit", LINES_PER_PAGE_MAX, &page.left)) {
        return;
    }
    page.left = page.left > 0 ? page.left : 1;
    page.w = answer_writer(r);
    json_begin_object(&page.w);
    json_key(&page.w, "items");
    json_begin_array(&page.w);
    error.status = store_item_scan(hub_store(r->api->hub), KIND, request_query(r, "cursor"), true,
                                   write_line, &page, &error);
    json_end_array(&page.w);
    json_key(&page.w, "next");
    json_text_or_null(&page.w, page.more ? buffer_text(&page.last) : (struct text){0});
    json_end_object(&page.w);
    buffer_deinit(&page.last);
    if (error.status != STATUS_OK) {
        problem_from(r, &error);
        return;
    }
    answer_json(r, MHD_HTTP_OK);
}
