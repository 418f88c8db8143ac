/* Requests with a session, and answers told apart. */
#include "pos/prism_client.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "core/statement.h"

#define ANSWER_MAX ((size_t)256 << 20)
#define LEAVE_MS 2000 /* the hub is ending: nobody waits long for a logout */

struct prism_client {
    const struct config_source *config;
    struct prism_session *session;
    struct http_client *http;
};

/* Paths begin with a slash of their own. */
static struct text base_of(const struct config_source *config) {
    struct text url = config->url;
    while (url.length > 0 && url.data[url.length - 1] == '/')
        url.length--;
    return url;
}

static const char *ca_of(const struct config_source *config) {
    return config->ca.length > 0 ? config->ca.data : NULL;
}

enum status prism_client_new(const struct config_source *config, struct prism_session *session,
                             const bool *give_up, struct prism_client **client_out,
                             struct error *error) {
    struct http_client_options options = {.base_url = base_of(config),
                                          .ca_file = ca_of(config),
                                          .timeout_ms = config->timeout_us / 1000,
                                          .answer_max = ANSWER_MAX,
                                          .give_up = give_up};
    struct http_client *http = NULL;
    enum status status = http_client_new(&options, &http, error);
    if (status != STATUS_OK)
        return status;
    struct prism_client *client = memory_alloc_zero(1, sizeof *client);
    *client = (struct prism_client){.config = config, .session = session, .http = http};
    *client_out = client;
    return STATUS_OK;
}

void prism_client_free(struct prism_client *client) {
    if (client == NULL)
        return;
    http_client_free(client->http);
    free(client);
}

void prism_client_leave(struct prism_client *client) {
    struct http_client_options options = {.base_url = base_of(client->config),
                                          .ca_file = ca_of(client->config),
                                          .connect_ms = LEAVE_MS,
                                          .timeout_ms = LEAVE_MS};
    struct http_client *http = NULL;
    if (http_client_new(&options, &http, NULL) == STATUS_OK)
        prism_session_leave(client->session, http);
    http_client_free(http);
}

/* ---- what an answer means ---- */

static bool contains(struct text words, const char *part) {
    return memmem(words.data, words.length, part, strlen(part)) != NULL;
}

/* STATUS_RETRY: a seat is wanted. */
static enum status judge(const struct prism_client *client, const struct http_answer *answer,
                         struct text path, struct arena *arena, struct error *error) {
    if (answer->code >= 200 && answer->code < 300)
        return STATUS_OK;
    struct text words = prism_error_text(answer->body, arena);
    log_info("prism: an error", "source=%.*s code=%d path=%s answer=%s",
             TEXT_ARG(client->config->name), answer->code,
             log_quote((struct text){path.data, strcspn(path.data, "?")}), log_quote(words));
    bool full = contains(words, "Max number of seated sessions");
    if (!full && (contains(words, "seat") || contains(words, "Seat")))
        return error_set(error, STATUS_RETRY, "Prism wants a seat to be taken: %.*s",
                         TEXT_ARG(words));
    if (full || answer->code == 429 || answer->code == 503)
        return error_set(error, STATUS_BUSY, "Prism is busy (%d): %.*s", answer->code,
                         TEXT_ARG(words));
    if (answer->code == 401 || answer->code == 403)
        return error_set(error, answer->code == 401 ? STATUS_UNAUTHORIZED : STATUS_FORBIDDEN,
                         "Prism answers %d: %.*s", answer->code, TEXT_ARG(words));
    if (answer->code >= 300 && answer->code < 400)
        return error_set(error, STATUS_REFUSED,
                         "Prism sends the hub elsewhere (%d): write the address it really has "
                         "into url",
                         answer->code);
    return error_set(error, answer->code == 404 ? STATUS_NOT_FOUND : STATUS_REFUSED,
                     "Prism answers %d: %.*s", answer->code, TEXT_ARG(words));
}

/* Digits up to the first other character; *at moves behind it. */
static unsigned number_at(const char **at) {
    unsigned number = 0;
    while (**at >= '0' && **at <= '9' && number < 100000)
        number = 10 * number + (unsigned)(*(*at)++ - '0');
    *at += **at != '\0';
    return number;
}

/* "Mon, 23 Nov 2026 21:06:06 GMT" */
static int64_t date_of(const struct http_answer *answer) {
    static const char *const months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct text date = http_answer_header(answer, "date");
    if (date.length < 29 || date.data[3] != ',' || date.data[4] != ' ')
        return NEVER_US;
    const char *at = date.data + 5;
    struct civil_time civil = {.day = number_at(&at)};
    char month[4] = {at[0], at[1], at[2], '\0'};
    const char *found = strstr(months, month);
    at += 4;
    civil.year = number_at(&at);
    civil.hour = number_at(&at);
    civil.minute = number_at(&at);
    civil.second = number_at(&at);
    if (found == NULL || (found - months) % 3 != 0 || civil.year < 1970 || civil.year > 9999 ||
        civil.hour > 23 || civil.minute > 59 || civil.second > 59)
        return NEVER_US;
    civil.month = (unsigned)(found - months) / 3 + 1;
    if (civil.day < 1 || civil.day > civil_days_in_month(civil.year, civil.month))
        return NEVER_US;
    return timestamp_from_civil(&civil);
}

static struct text range_of(const struct http_answer *answer) {
    struct text range = http_answer_header(answer, "content-range");
    return range.length > 0 ? range : http_answer_header(answer, "contentrange");
}

/* ---- asking ---- */

static enum status ask(struct prism_client *client, enum prism_dialect dialect, struct text path,
                       struct text token, struct arena *arena, struct http_answer *answer_out,
                       struct error *error) {
    struct http_header headers[2];
    size_t count = 0;
    headers[count++] = (struct http_header){
        TEXT("Accept"),
        dialect == PRISM_V1 ? TEXT("application/json") : TEXT("application/json, version=2")};
    if (token.length > 0)
        headers[count++] = (struct http_header){TEXT("Auth-Session"), token};
    struct http_request request = {
        .method = "GET", .path = path, .headers = headers, .header_count = count};
    enum status status = http_send(client->http, &request, arena, answer_out, error);
    return status == STATUS_OK ? judge(client, answer_out, path, arena, error) : status;
}

static enum status ask_with_session(struct prism_client *client, enum prism_dialect dialect,
                                    struct text path, struct arena *arena,
                                    struct http_answer *answer_out, struct error *error) {
    struct text token;
    uint64_t generation;
    bool logged_in_anew = false, sat = false;
    for (;;) {
        enum status status =
            prism_session_token(client->session, client->http, arena, &token, &generation, error);
        if (status != STATUS_OK)
            return status;
        status = ask(client, dialect, path, token, arena, answer_out, error);
        if (status == STATUS_RETRY) {
            status = error->status = STATUS_REFUSED;
            if (token.length == 0 || sat)
                return status;
            sat = true;
            status = prism_session_sit(client->session, client->http, arena, generation, error);
            if (status != STATUS_OK)
                return status;
            continue;
        }
        if ((status != STATUS_UNAUTHORIZED && status != STATUS_FORBIDDEN) || token.length == 0)
            return status;
        if (logged_in_anew) {
            prism_session_refused(client->session, generation, status);
            return status;
        }
        prism_session_lost(client->session, generation);
        logged_in_anew = true;
    }
}

enum status prism_get(struct prism_client *client, enum prism_dialect dialect, struct text path,
                      struct arena *arena, struct prism_answer *answer_out, struct error *error) {
    struct http_answer answer;
    struct prism_answer out = {.total = -1, .date_us = NEVER_US, .asked_us = monotonic_us()};
    enum status status = ask_with_session(client, dialect, path, arena, &answer, error);
    if (status != STATUS_OK)
        return status;
    status = prism_page_cut(answer.body, arena, &out.page, error);
    if (status != STATUS_OK) {
        log_warn("prism: an answer that cannot be used", "source=%.*s path=%s error=%s answer=%s",
                 TEXT_ARG(client->config->name),
                 log_quote((struct text){path.data, strcspn(path.data, "?")}),
                 log_quote(text_from(error->detail)), log_quote(answer.body));
        return status;
    }
    out.total = prism_total(range_of(&answer));
    out.date_us = date_of(&answer);
    out.answered_us = monotonic_us();
    out.bytes = answer.body.length;
    *answer_out = out;
    return STATUS_OK;
}
