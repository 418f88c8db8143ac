/* Lets the hook in a point of sale's web client send documents: a page of another origin, with a
 * token. Browsers ask first (a preflight), and show a page only answers that name its origin.
 *
 * Only the path for a source's documents is open to them, only to the origins that the source's
 * configuration lists, and each is named as it is: there is no wildcard and there are no cookies.
 */
#include "api/api_internal.h"

/* NULL: no such source. */
static const struct config_source *source_of(const struct request *r) {
    const struct config *config = r->api->config;
    for (size_t i = 0; i < config->source_count; i++) {
        if (text_equal(config->sources[i].name, r->params[0])) {
            return &config->sources[i];
        }
    }
    return NULL;
}

static bool is_for_documents(const struct request *r) {
    return r->route != NULL && strcmp(r->route->pattern, SOURCE_DOCUMENTS) == 0;
}

/* The listed origin that the request comes from; NULL: none. */
static const struct text *origin_of(const struct request *r) {
    const struct config_source *source = source_of(r);
    for (size_t i = 0; source != NULL && i < source->origins.count; i++) {
        if (text_equal(source->origins.items[i], r->headers.origin)) {
            return &source->origins.items[i];
        }
    }
    return NULL;
}

/* Refusals too: the page has to tell a wrong token from a hub that is down. */
void cors_allow(struct request *r) {
    if (!is_for_documents(r)) {
        return;
    }
    answer_header(r, "Vary", "Origin");
    const struct text *origin = origin_of(r);
    if (origin != NULL) {
        answer_header(r, "Access-Control-Allow-Origin", origin->data);
        answer_header(r, "Access-Control-Expose-Headers",
                      "Retry-After, X-Onhand-Age-Ms, X-Request-Id");
    }
}

void handle_preflight(struct request *r) {
    if (origin_of(r) == NULL) {
        problem(r, STATUS_FORBIDDEN, "Origin",
                "pages of '%.*s' may not send documents here; 'origins' of the source '%.*s' lists "
                "those that may",
                r->headers.origin.length > 200 ? 200 : (int)r->headers.origin.length,
                r->headers.origin.length > 0 ? r->headers.origin.data : "",
                r->params[0].length > 100 ? 100 : (int)r->params[0].length, r->params[0].data);
        return;
    }
    answer_empty(r, MHD_HTTP_NO_CONTENT);
    answer_header(r, "Access-Control-Allow-Methods", "POST");
    answer_header(r, "Access-Control-Allow-Headers", "Authorization, Content-Type");
    answer_header(r, "Access-Control-Allow-Private-Network", "true");
    answer_header(r, "Access-Control-Max-Age", "600");
}
