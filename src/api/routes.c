/* Every route there is: who may, what it takes, where it runs, and what /openapi.json says of it.
 *
 * The table is all there is to know about a route: /openapi.json is made from it, a parameter that
 * is not named in it is refused, and its scope is asked for before the handler is called. */
#include "api/api_internal.h"

#define RESET_QUERY                                                                                \
    "as_of source location mode absent quantity dry_run format guard manifest file delimiter "     \
    "decimal_comma publish trailer"

const struct route routes[] = {
    {"POST", "/api/service/updateInventoryByIdentification", SCOPE_ADJUST, BODY_JSON, RUN_HERE,
     handle_update_inventory, NULL, NULL, "",
     "UpdateInventory: one movement of stock, in HotWax's form", "UpdateInventory",
     "UpdateInventoryAnswer"},
    {"POST", "/v1/UpdateInventory", SCOPE_ADJUST, BODY_JSON, RUN_HERE, handle_update_inventory,
     NULL, NULL, "", "UpdateInventory: the same call", "UpdateInventory", "UpdateInventoryAnswer"},
    {"GET", "/api/checkInventory", SCOPE_READ, BODY_NONE, RUN_HERE, handle_check_inventory, NULL,
     NULL, "productId facilityId", "What is available of a product at facilities, in HotWax's form",
     NULL, "CheckInventory"},
    {"POST", "/v1/adjustments", SCOPE_ADJUST, BODY_STREAM, RUN_HERE, handle_adjustments,
     adjustments_begin, adjustments_receive, "",
     "Movements of stock, as JSON or NDJSON of any length", "Adjustments", "AdjustmentsAnswer"},
    {"POST", "/v1/acknowledgements", SCOPE_ADJUST, BODY_JSON, RUN_WORKER, handle_acknowledgements,
     NULL, NULL, "", "A source says which documents it knows", "Acknowledgements",
     "AcknowledgementsAnswer"},
    {"POST", "/v1/resets", SCOPE_RESET, BODY_STREAM, RUN_LONG, handle_reset_post, resets_begin,
     resets_receive, RESET_QUERY, "A full or partial file of quantities, as the body or multipart",
     "ResetFile", "Reset"},
    {"GET", "/v1/resets", SCOPE_READ | SCOPE_RESET, BODY_NONE, RUN_WORKER, handle_resets, NULL,
     NULL, "limit cursor", "The resets, newest first", NULL, "Resets"},
    {"GET", "/v1/resets/{id}", SCOPE_READ | SCOPE_RESET, BODY_NONE, RUN_WORKER, handle_reset, NULL,
     NULL, "", "One reset", NULL, "Reset"},
    {"GET", "/v1/resets/{id}/rejects", SCOPE_READ | SCOPE_RESET, BODY_NONE, RUN_WORKER,
     handle_reset_rejects, NULL, NULL, "", "Its rejected and unknown rows", NULL, "text/csv"},
    {"GET", "/v1/resets/{id}/variances", SCOPE_READ | SCOPE_RESET, BODY_NONE, RUN_WORKER,
     handle_reset_variances, NULL, NULL, "order limit cursor format",
     "What it found different (or, held, would find), and what has explained it since; format=csv "
     "for all of it",
     NULL, "Variances"},
    {"GET", "/v1/variances", SCOPE_READ | SCOPE_RESET, BODY_NONE, RUN_WORKER, handle_variances,
     NULL, NULL, "location feed days cursor",
     "Day after day, how far files were from the books and what has explained it since", NULL,
     "VarianceTrend"},
    {"POST", "/v1/resets/{id}/approve", SCOPE_RESET, BODY_NONE, RUN_LONG, handle_reset_approve,
     NULL, NULL, "", "Applies what was held", NULL, "Reset"},
    {"POST", "/v1/resets/{id}/reject", SCOPE_RESET, BODY_NONE, RUN_LONG, handle_reset_reject, NULL,
     NULL, "", "Drops what was held", NULL, "Reset"},
    {"POST", "/v1/resets/{id}/rollback", SCOPE_RESET, BODY_NONE, RUN_LONG, handle_reset_rollback,
     NULL, NULL, "", "Takes it out again, and keeps every event since", NULL, "Reset"},
    {"GET", "/v1/products", SCOPE_READ, BODY_NONE, RUN_WORKER, handle_products, NULL, NULL,
     "sku upc namespace q limit cursor",
     "Products with their identifiers; q finds pieces of these and of names", NULL, "Products"},
    {"POST", "/v1/products", SCOPE_ADMIN, BODY_STREAM, RUN_LONG, handle_products_put,
     described_begin, described_receive, "",
     "Describes products: one, a list, or NDJSON; identifiers are added", "ProductRequest",
     "Described"},
    {"GET", "/v1/locations", SCOPE_READ, BODY_NONE, RUN_WORKER, handle_locations, NULL, NULL,
     "limit cursor", "Locations", NULL, "Locations"},
    {"POST", "/v1/locations", SCOPE_ADMIN, BODY_STREAM, RUN_LONG, handle_locations_put,
     described_begin, described_receive, "", "Describes locations: one, a list, or NDJSON",
     "LocationRequest", "Described"},
    {"GET", "/v1/inventory", SCOPE_READ, BODY_NONE, RUN_WORKER, handle_inventory, NULL, NULL,
     "location sku changed_since limit cursor format",
     "Cells, in pages or (format=csv, ndjson) all", NULL, "Inventory"},
    {"GET", "/v1/inventory/{location}/{sku}", SCOPE_READ, BODY_NONE, RUN_HERE, handle_cell, NULL,
     NULL, "at known_at", "One cell, now or as it was", NULL, "Cell"},
    {"GET", "/v1/inventory/{location}/{sku}/history", SCOPE_READ, BODY_NONE, RUN_WORKER,
     handle_history, NULL, NULL, "limit cursor", "The ledger of one cell, newest first", NULL,
     "History"},
    {"GET", "/v1/inventory/{location}/{sku}/explain", SCOPE_READ, BODY_NONE, RUN_WORKER,
     handle_explain, NULL, NULL, "", "Why the figure is what it is", NULL, "Explanation"},
    {"GET", "/v1/availability", SCOPE_READ, BODY_NONE, RUN_HERE, handle_availability, NULL, NULL,
     "sku channel", "What may be sold online", NULL, "Availability"},
    {"GET", "/v1/events", SCOPE_READ, BODY_NONE, RUN_HERE, handle_events, NULL, NULL, "after",
     "Every change as it happens, as Server-Sent Events", NULL, "text/event-stream"},
    {"GET", "/v1/status", SCOPE_READ, BODY_NONE, RUN_HERE, handle_status, NULL, NULL, "",
     "The hub's own figures", NULL, "Status"},
    {"GET", "/v1/now", SCOPE_READ, BODY_NONE, RUN_WORKER, handle_now, NULL, NULL, "",
     "All that tells at a glance whether stock is true, in one answer", NULL, "Now"},
    {"GET", "/v1/feeds", SCOPE_READ, BODY_NONE, RUN_WORKER, handle_feeds, NULL, NULL, "",
     "The feeds and how they are doing", NULL, "Feeds"},
    {"GET", "/v1/channels", SCOPE_READ, BODY_NONE, RUN_WORKER, handle_channels, NULL, NULL, "",
     "The channels, and how they are doing", NULL, "Channels"},
    {"GET", "/v1/sources", SCOPE_READ, BODY_NONE, RUN_HERE, handle_sources, NULL, NULL, "",
     "The sources, and how they are doing", NULL, "Sources"},
    {"GET", "/v1/sources/{name}", SCOPE_READ, BODY_NONE, RUN_WORKER, handle_source, NULL, NULL, "",
     "One source with its stores and registers: what came last, how late, what is missing", NULL,
     "SourceHealth"},
    {"POST", "/v1/sources/{name}/snapshot", SCOPE_RESET, BODY_NONE, RUN_WORKER,
     handle_source_snapshot, NULL, NULL, "",
     "Starts a Daily Reset from its inventory; /v1/sources/{name} tells what came of it", NULL,
     "JobStarted"},
    {"POST", SOURCE_DOCUMENTS, SCOPE_ADJUST, BODY_JSON, RUN_HERE, handle_source_documents, NULL,
     NULL, "", "Documents of the point of sale, as its web client has them: one or a list",
     "Documents", "DocumentsAnswer"},
    {"GET", "/v1/sources/{name}/parked", SCOPE_READ, BODY_NONE, RUN_WORKER, handle_parked_list,
     NULL, NULL, "limit cursor", "Documents that were not understood, and why", NULL,
     "ParkedDocuments"},
    {"POST", "/v1/sources/{name}/parked/replay", SCOPE_ADMIN, BODY_NONE, RUN_LONG,
     handle_parked_replay_all, NULL, NULL, "", "Takes all of them once more", NULL, "Replayed"},
    {"GET", "/v1/sources/{name}/parked/{id}", SCOPE_ADMIN, BODY_NONE, RUN_WORKER,
     handle_parked_document, NULL, NULL, "", "One of them, as it came", NULL, "Documents"},
    {"POST", "/v1/sources/{name}/parked/{id}/replay", SCOPE_ADMIN, BODY_NONE, RUN_WORKER,
     handle_parked_replay, NULL, NULL, "", "Takes it once more", NULL, "Replayed"},
    {"DELETE", "/v1/sources/{name}/parked/{id}", SCOPE_ADMIN, BODY_NONE, RUN_WORKER,
     handle_parked_delete, NULL, NULL, "", "Throws it away", NULL, NULL},
    {"GET", "/v1/channels/{name}", SCOPE_READ, BODY_NONE, RUN_WORKER, handle_channel, NULL, NULL,
     "", "One channel, with what is parked and its last audit", NULL, "Channel"},
    {"POST", "/v1/channels/{name}/pause", SCOPE_ADMIN, BODY_NONE, RUN_WORKER, handle_channel_pause,
     NULL, NULL, "", "Sends nothing more until resumed", NULL, "ChannelOrder"},
    {"POST", "/v1/channels/{name}/resume", SCOPE_ADMIN, BODY_NONE, RUN_WORKER,
     handle_channel_resume, NULL, NULL, "", "Goes on, at once", NULL, "ChannelOrder"},
    {"POST", "/v1/channels/{name}/resync", SCOPE_ADMIN, BODY_NONE, RUN_WORKER,
     handle_channel_resync, NULL, NULL, "", "Sends every figure anew", NULL, "ChannelOrder"},
    {"POST", "/v1/channels/{name}/retry", SCOPE_ADMIN, BODY_NONE, RUN_WORKER, handle_channel_retry,
     NULL, NULL, "location sku", "Tries what is parked again: one item, or all", NULL,
     "ChannelOrder"},
    {"POST", "/v1/channels/{name}/audit", SCOPE_ADMIN, BODY_NONE, RUN_WORKER, handle_channel_audit,
     NULL, NULL, "", "Reads everything back and compares", NULL, "JobStarted"},
    {"GET", "/v1/channels/{name}/audits", SCOPE_READ, BODY_NONE, RUN_WORKER, handle_channel_audits,
     NULL, NULL, "", "Its audits, the last of each day, newest first", NULL, "ChannelAudits"},
    {"POST", "/v1/channels/{name}/orders", SCOPE_ADJUST, BODY_JSON, RUN_WORKER,
     handle_channel_orders, NULL, NULL, "",
     "Online orders: what is ordered, cancelled and shipped, as far as it is known", "Orders",
     "OrdersAnswer"},
    {"POST", "/v1/channels/{name}/webhooks", OPEN_TO_ALL, BODY_STREAM, RUN_WORKER,
     handle_channel_webhook, channel_webhook_begin, channel_webhook_receive, "",
     "A platform's own webhook of orders or figures, known by its signature", "PlatformWebhook",
     "OrdersAnswer"},
    {"OPTIONS", SOURCE_DOCUMENTS, OPEN_TO_ALL, BODY_NONE, RUN_HERE, handle_preflight, NULL, NULL,
     "", "A browser asks whether a page may send documents", NULL, NULL},
    {"GET", "/v1/jobs", SCOPE_READ, BODY_NONE, RUN_WORKER, handle_jobs, NULL, NULL, "", "The jobs",
     NULL, "Jobs"},
    {"POST", "/v1/jobs/{name}/run", SCOPE_ADMIN, BODY_NONE, RUN_WORKER, handle_job_run, NULL, NULL,
     "", "Runs a job now", NULL, "JobStarted"},
    {"GET", "/", OPEN_TO_ALL, BODY_NONE, RUN_HERE, handle_console, NULL, NULL, "",
     "The web console", NULL, "text/html"},
    {"GET", "/assets/{file}", OPEN_TO_ALL, BODY_NONE, RUN_HERE, handle_console_asset, NULL, NULL,
     "", "A file of the web console", NULL, "application/octet-stream"},
    {"GET", "/v1/audit-log", SCOPE_ADMIN, BODY_NONE, RUN_WORKER, handle_audit_log, NULL, NULL,
     "limit cursor", "Who decided what and when, newest first", NULL, "AuditLog"},
    {"GET", "/v1/me", ANY_TOKEN, BODY_NONE, RUN_HERE, handle_me, NULL, NULL, "",
     "The token that is asking, without its secret", NULL, "Token"},
    {"GET", "/v1/tokens", SCOPE_ADMIN, BODY_NONE, RUN_HERE, handle_tokens, NULL, NULL, "",
     "The tokens, without their secrets", NULL, "Tokens"},
    {"POST", "/v1/tokens", SCOPE_ADMIN, BODY_JSON, RUN_WORKER, handle_token_create, NULL, NULL, "",
     "A new token, shown this once", "TokenRequest", "TokenCreated"},
    {"DELETE", "/v1/tokens/{name}", SCOPE_ADMIN, BODY_NONE, RUN_WORKER, handle_token_revoke, NULL,
     NULL, "", "Revokes a token, at once", NULL, NULL},
    {"POST", "/v1/backup", SCOPE_ADMIN, BODY_NONE, RUN_LONG, handle_backup, NULL, NULL, "",
     "A copy of the whole store, while it is running", NULL, "application/vnd.sqlite3"},
    {"GET", "/healthz", OPEN_TO_ALL, BODY_NONE, RUN_HERE, handle_healthz, NULL, NULL, "",
     "The process is alive", NULL, "Health"},
    {"GET", "/readyz", OPEN_TO_ALL, BODY_NONE, RUN_HERE, handle_readyz, NULL, NULL, "",
     "The hub takes requests", NULL, "Health"},
    {"GET", "/metrics", SCOPE_READ, BODY_NONE, RUN_HERE, handle_metrics, NULL, NULL, "",
     "Figures for Prometheus", NULL, "text/plain"},
    {"GET", "/openapi.json", ANY_TOKEN, BODY_NONE, RUN_HERE, handle_openapi, NULL, NULL, "",
     "This description", NULL, "OpenApi"},
};
const size_t route_count = sizeof routes / sizeof routes[0];

/* The part up to the next slash. */
static struct text segment_at(const char *at) {
    return (struct text){at, strcspn(at, "/")};
}

/* Whether the path has the pattern's shape; parameters as they came. */
static bool matches(const char *pattern, const char *path, struct text params[PARAMS_MAX]) {
    unsigned count = 0;
    while (*pattern != '\0' && *path != '\0') {
        if (*pattern == '/') {
            if (*path != '/') {
                return false;
            }
            pattern++;
            path++;
            continue;
        }
        struct text wanted = segment_at(pattern), given = segment_at(path);
        if (wanted.data[0] == '{') {
            if (given.length == 0) {
                return false;
            }
            require(count < PARAMS_MAX);
            params[count++] = given;
        } else if (!text_equal(wanted, given)) {
            return false;
        }
        pattern += wanted.length;
        path += given.length;
    }
    return *pattern == '\0' && *path == '\0';
}

static bool decode_params(struct request *r) {
    for (unsigned i = 0; i < PARAMS_MAX; i++) {
        struct text copy = arena_copy(&r->arena, r->params[i]);
        if (!url_decode((char *)(uintptr_t)copy.data, &copy.length)) {
            return false;
        }
        r->params[i] = copy;
    }
    return true;
}

const struct route *route_find(struct request *r, const char *method, const char *path,
                               struct buffer *allowed_out) {
    if (strcmp(method, "HEAD") == 0) {
        method = "GET";
    }
    for (size_t i = 0; i < route_count; i++) {
        struct text params[PARAMS_MAX] = {{0}};
        if (!matches(routes[i].pattern, path, params)) {
            continue;
        }
        if (strcmp(routes[i].method, method) == 0) {
            memcpy(r->params, params, sizeof params);
            return decode_params(r) ? &routes[i] : NULL;
        }
        if (allowed_out->length > 0) {
            buffer_append_string(allowed_out, ", ");
        }
        buffer_append_string(allowed_out, routes[i].method);
    }
    return NULL;
}
