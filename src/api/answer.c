/* Answers: what a handler has written becomes a response of the server library, with the headers
 * that every answer has. */
#include "api/api_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define STREAM_BLOCK ((size_t)32 * 1024)

struct json_writer answer_writer(struct request *r) {
    buffer_clear(&r->out);
    return (struct json_writer){.out = &r->out};
}

void answer_items(struct request *r, void (*write)(struct request *r, struct json_writer *w)) {
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "items");
    write(r, &w);
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}

void answer_header(struct request *r, const char *name, const char *value) {
    require(MHD_add_response_header(r->response, name, value) == MHD_YES);
}

static void answer_set(struct request *r, unsigned status, const char *content_type,
                       struct MHD_Response *response) {
    require(response != NULL);
    if (r->response != NULL) {
        MHD_destroy_response(r->response);
    }
    r->response = response;
    r->status = status;
    if (content_type != NULL) {
        answer_header(r, "Content-Type", content_type);
    }
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRIx64, r->number);
    answer_header(r, "X-Request-Id", number);
}

void answer(struct request *r, unsigned status, const char *content_type) {
    struct MHD_Response *response = MHD_create_response_from_buffer(
        r->out.length, r->out.length > 0 ? r->out.data : "", MHD_RESPMEM_PERSISTENT);
    answer_set(r, status, content_type, response);
}

void answer_json(struct request *r, unsigned status) {
    answer(r, status, "application/json");
}

void answer_empty(struct request *r, unsigned status) {
    buffer_clear(&r->out);
    answer(r, status, NULL);
}

void answer_stream(struct request *r, const char *content_type, MHD_ContentReaderCallback read) {
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read, r, NULL);
    answer_set(r, MHD_HTTP_OK, content_type, response);
    answer_header(r, "Cache-Control", "no-store");
}

void answer_file(struct request *r, const char *content_type, int fd, uint64_t size) {
    answer_set(r, MHD_HTTP_OK, content_type, MHD_create_response_from_fd64(size, fd));
}

enum MHD_Result answer_queue(struct request *r) {
    require(r->response != NULL && !r->queued);
    cors_allow(r);
    r->queued = true;
    return MHD_queue_response(r->connection, r->status, r->response);
}
