/* Tokens over HTTP: made, listed and revoked by those who may do everything. */
#include "api/api_internal.h"
#include "api/token_item.h"

void handle_tokens(struct request *r) {
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "items");
    auth_write_json(r->api->auth, &w);
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}

void handle_me(struct request *r) {
    struct json_writer w = answer_writer(r);
    token_write_json(r->token, &w);
    answer_json(r, MHD_HTTP_OK);
}

/* Aliases become the location's own code; a code that is not known yet stays as it is. */
static void canonical_locations(struct request *r, struct token_request *request) {
    struct catalog *catalog = hub_catalog(r->api->hub);
    struct text *codes = arena_alloc(&r->arena, (request->location_count + 1) * sizeof *codes);
    for (size_t i = 0; i < request->location_count; i++) {
        uint32_t location = catalog_find_location(catalog, request->locations[i]);
        codes[i] = location != 0 ? catalog_location_code(catalog, location) : request->locations[i];
    }
    request->locations = codes;
}

void handle_token_create(struct request *r) {
    struct token_request request;
    struct error error = {0};
    char secret[TOKEN_SECRET_SIZE];
    enum status status = token_request_parse(buffer_text(&r->body), &r->arena, &request, &error);
    if (status == STATUS_OK && request_access(r)->location_count > 0) {
        status = error_set(&error, STATUS_FORBIDDEN,
                           "a token that is limited to locations makes no others");
    }
    if (status == STATUS_OK) {
        canonical_locations(r, &request);
        status = auth_create(r->api->auth, &request, secret, &error);
    }
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
        return;
    }
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "name");
    json_text(&w, request.name);
    json_key(&w, "token");
    json_string(&w, secret);
    json_end_object(&w);
    answer_json(r, MHD_HTTP_CREATED);
    answer_header(r, "Cache-Control", "no-store");
}

void handle_token_revoke(struct request *r) {
    struct error error = {0};
    enum status status = STATUS_OK;
    if (request_access(r)->location_count > 0) {
        status = error_set(&error, STATUS_FORBIDDEN,
                           "a token that is limited to locations revokes no others");
    }
    if (status == STATUS_OK) {
        status = auth_revoke(r->api->auth, r->params[0], &error);
    }
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
        return;
    }
    answer_empty(r, MHD_HTTP_NO_CONTENT);
}
