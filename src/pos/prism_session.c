/* One login for one user, made anew with patience. */
#include "pos/prism_session.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "pos/prism_page.h"

#define PAUSE_LEAST_US US_PER_SECOND
#define PAUSE_FIRST_MOST_US (60 * US_PER_SECOND)
#define PAUSE_MOST_US (900 * US_PER_SECOND)
/* Lost sooner than this after its login, a session did not expire: somebody ended it. */
#define SHORT_LIFE_US (60 * US_PER_SECOND)
#define SHORT_LIVES_MOST 2u

struct prism_session {
    const struct config_source *config;
    pthread_mutex_t lock; /* also held while logging in: the others wait for its outcome */
    struct buffer token;  /* empty: none */
    uint64_t generation;
    int64_t since_us; /* of this login, on the monotonic clock */
    unsigned short_lives;
    bool seated;
    int64_t pause_us, not_before_us; /* monotonic */
    char why[192];                   /* of the pause */
};

struct prism_session *prism_session_new(const struct config_source *config) {
    struct prism_session *session = memory_alloc_zero(1, sizeof *session);
    session->config = config;
    pthread_mutex_init(&session->lock, NULL);
    return session;
}

void prism_session_free(struct prism_session *session) {
    if (session == NULL)
        return;
    config_secret_wipe(&session->token);
    pthread_mutex_destroy(&session->lock);
    free(session);
}

/* ---- pauses ---- */

static int64_t first_pause_us(const struct prism_session *session) {
    int64_t pause_us = 4 * session->config->poll_us;
    if (pause_us < PAUSE_LEAST_US)
        return PAUSE_LEAST_US;
    return pause_us > PAUSE_FIRST_MOST_US ? PAUSE_FIRST_MOST_US : pause_us;
}

static void begin_pause(struct prism_session *session, const char *why) {
    session->pause_us = session->pause_us == 0 ? first_pause_us(session) : 2 * session->pause_us;
    if (session->pause_us > PAUSE_MOST_US)
        session->pause_us = PAUSE_MOST_US;
    session->not_before_us = monotonic_us() + session->pause_us;
    if (why != session->why)
        (void)snprintf(session->why, sizeof session->why, "%s", why);
    buffer_clear(&session->token);
    log_warn("prism: no more logins for a while", "source=%.*s seconds=%" PRId64 " because=%s",
             TEXT_ARG(session->config->name), session->pause_us / US_PER_SECOND,
             log_quote(text_from(session->why)));
}

static const char *const taken_over =
    "the login is ended again and again: another program or person uses the same account, or it "
    "may not read; give the hub a user of its own";

void prism_session_lost(struct prism_session *session, uint64_t generation) {
    pthread_mutex_lock(&session->lock);
    if (session->generation == generation && session->token.length > 0) {
        bool lived_short = monotonic_us() - session->since_us < SHORT_LIFE_US;
        session->short_lives = lived_short ? session->short_lives + 1 : 0;
        if (!lived_short)
            session->pause_us = 0;
        log_info("prism: the login is no longer known there", "source=%.*s",
                 TEXT_ARG(session->config->name));
        buffer_clear(&session->token);
        if (session->short_lives > SHORT_LIVES_MOST)
            begin_pause(session, taken_over);
    }
    pthread_mutex_unlock(&session->lock);
}

void prism_session_refused(struct prism_session *session, uint64_t generation, enum status how) {
    pthread_mutex_lock(&session->lock);
    if (how == STATUS_FORBIDDEN)
        session->short_lives = 0;
    else if (session->generation == generation && session->token.length > 0)
        begin_pause(session, taken_over);
    pthread_mutex_unlock(&session->lock);
}

/* ---- logging in ---- */

/* STATUS_OK only for a 200; what else the server says is put into words. */
static enum status ask(struct prism_session *session, struct http_client *client,
                       const struct http_request *request, struct arena *arena,
                       struct http_answer *answer_out, struct error *error) {
    enum status status = http_send(client, request, arena, answer_out, error);
    if (status != STATUS_OK)
        return status;
    if (answer_out->code == 200)
        return STATUS_OK;
    struct text words = prism_error_text(answer_out->body, arena);
    if (memmem(words.data, words.length, "seated", 6) != NULL)
        return error_set(error, STATUS_BUSY, "no seat is free in Prism: %.*s", TEXT_ARG(words));
    if (answer_out->code == 401 || answer_out->code == 403)
        return error_set(error, STATUS_UNAUTHORIZED,
                         "Prism refuses the login of user '%.*s': %.*s (look at user and password "
                         "of the source)",
                         TEXT_ARG(session->config->user), TEXT_ARG(words));
    return error_set(error, STATUS_REFUSED, "Prism answers the login with %d: %.*s",
                     answer_out->code, TEXT_ARG(words));
}

/* "PATH?usr=U&pwd=P" and what else; wiped by the caller. */
static enum status credentials(const struct prism_session *session, const char *path,
                               struct buffer *out, struct error *error) {
    struct buffer secret = {0};
    enum status status = config_secret(&session->config->password, &secret, error);
    if (status == STATUS_OK) {
        buffer_append_string(out, path);
        buffer_append_string(out, "?usr=");
        http_append_escaped(out, session->config->user);
        buffer_append_string(out, "&pwd=");
        http_append_escaped(out, buffer_text(&secret));
    }
    config_secret_wipe(&secret);
    return status;
}

static void keep_token(struct prism_session *session, struct text token) {
    buffer_clear(&session->token);
    buffer_append_text(&session->token, token);
    session->generation++;
    session->since_us = monotonic_us();
    session->seated = false;
    log_info("prism: logged in", "source=%.*s user=%s", TEXT_ARG(session->config->name),
             log_quote(session->config->user));
}

static enum status login_classic(struct prism_session *session, struct http_client *client,
                                 struct arena *arena, struct error *error) {
    struct http_answer answer;
    struct http_request request = {.method = "GET", .path = TEXT("/v1/rest/auth")};
    enum status status = ask(session, client, &request, arena, &answer, error);
    if (status != STATUS_OK)
        return status;
    struct text nonce = text_trim(http_answer_header(&answer, "auth-nonce"));
    char *end = NULL;
    long long number = nonce.length > 0 ? strtoll(nonce.data, &end, 10) : 0;
    if (nonce.length == 0 || nonce.length > 18 || end != nonce.data + nonce.length || number < 0)
        return error_set(error, STATUS_UNREADABLE,
                         "no Auth-Nonce where Prism's login should be: is the url right, and is "
                         "login: token meant?");
    struct text response = arena_format(arena, "%" PRId64, prism_nonce_response(number));
    struct http_header headers[] = {{TEXT("Auth-Nonce"), nonce},
                                    {TEXT("Auth-Nonce-Response"), response}};
    struct buffer path = {0};
    status = credentials(session, "/v1/rest/auth", &path, error);
    if (status == STATUS_OK) {
        request = (struct http_request){
            .method = "GET", .path = buffer_text(&path), .headers = headers, .header_count = 2};
        status = ask(session, client, &request, arena, &answer, error);
    }
    config_secret_wipe(&path);
    if (status != STATUS_OK)
        return status;
    struct text token = text_trim(http_answer_header(&answer, "auth-session"));
    if (token.length == 0)
        return error_set(error, STATUS_UNREADABLE, "Prism's login gave no Auth-Session");
    keep_token(session, token);
    return STATUS_OK;
}

static enum status login_token(struct prism_session *session, struct http_client *client,
                               struct arena *arena, struct error *error) {
    struct http_answer answer;
    struct buffer path = {0};
    enum status status = credentials(session, "/api/security/login", &path, error);
    if (status == STATUS_OK) {
        buffer_append_string(&path, "&ws=");
        http_append_escaped(&path, session->config->workstation);
        struct http_request request = {.method = "GET", .path = buffer_text(&path)};
        status = ask(session, client, &request, arena, &answer, error);
    }
    config_secret_wipe(&path);
    if (status != STATUS_OK)
        return status;
    static const char *const names[] = {"token"};
    struct prism_page page;
    struct text token = {NULL, 0};
    status = prism_page_cut(answer.body, arena, &page, error);
    if (status == STATUS_OK && page.count > 0)
        (void)prism_pick(page.items[0], names, 1, arena, &token);
    if (status == STATUS_OK && token.length == 0)
        return error_set(error, STATUS_UNREADABLE, "Prism's login gave no token");
    if (status == STATUS_OK)
        keep_token(session, token);
    return status;
}

static enum status sit(struct prism_session *session, struct http_client *client,
                       struct arena *arena, struct error *error) {
    struct buffer path = {0};
    buffer_append_string(&path, "/v1/rest/sit?ws=");
    http_append_escaped(&path, session->config->workstation);
    struct http_header header = {TEXT("Auth-Session"), buffer_text(&session->token)};
    struct http_request request = {
        .method = "GET", .path = buffer_text(&path), .headers = &header, .header_count = 1};
    struct http_answer answer;
    enum status status = ask(session, client, &request, arena, &answer, error);
    buffer_deinit(&path);
    session->seated = status == STATUS_OK;
    return status;
}

/* Under the lock. */
static enum status login(struct prism_session *session, struct http_client *client,
                         struct arena *arena, struct error *error) {
    int64_t left_us = session->not_before_us - monotonic_us();
    if (left_us > 0)
        return error_set(error, STATUS_UNAUTHORIZED, "%s; next login in %" PRId64 " s",
                         session->why, left_us / US_PER_SECOND + 1);
    enum status status = session->config->login == CONFIG_LOGIN_TOKEN
                             ? login_token(session, client, arena, error)
                             : login_classic(session, client, arena, error);
    if (status == STATUS_OK && session->config->seat == CONFIG_SEAT_ALWAYS)
        status = sit(session, client, arena, error);
    if (status == STATUS_UNAUTHORIZED || status == STATUS_BUSY)
        begin_pause(session, error->detail);
    return status;
}

enum status prism_session_token(struct prism_session *session, struct http_client *client,
                                struct arena *arena, struct text *token_out,
                                uint64_t *generation_out, struct error *error) {
    enum status status = STATUS_OK;
    *token_out = (struct text){NULL, 0};
    *generation_out = 0;
    if (session->config->user.length == 0)
        return STATUS_OK;
    pthread_mutex_lock(&session->lock);
    if (session->token.length == 0)
        status = login(session, client, arena, error);
    if (status == STATUS_OK) {
        *token_out = arena_copy(arena, buffer_text(&session->token));
        *generation_out = session->generation;
    }
    pthread_mutex_unlock(&session->lock);
    return status;
}

enum status prism_session_sit(struct prism_session *session, struct http_client *client,
                              struct arena *arena, uint64_t generation, struct error *error) {
    enum status status = STATUS_OK;
    pthread_mutex_lock(&session->lock);
    if (session->config->seat == CONFIG_SEAT_NEVER || session->token.length == 0)
        status = error_set(error, STATUS_REFUSED,
                           "Prism wants a seat to be taken, and the source says seat: never");
    else if (session->generation == generation && session->seated)
        status = error_set(error, STATUS_REFUSED, "Prism wants a seat, and one was taken already");
    else if (session->generation == generation)
        status = sit(session, client, arena, error);
    pthread_mutex_unlock(&session->lock);
    return status;
}

void prism_session_leave(struct prism_session *session, struct http_client *client) {
    pthread_mutex_lock(&session->lock);
    if (session->token.length > 0 && session->config->login == CONFIG_LOGIN_TOKEN) {
        struct arena arena = {0};
        struct http_answer answer;
        struct error error = {0};
        struct http_header header = {TEXT("Auth-Session"), buffer_text(&session->token)};
        struct http_request request = {.method = "GET",
                                       .path = TEXT("/api/security/logout"),
                                       .headers = &header,
                                       .header_count = 1};
        if (http_send(client, &request, &arena, &answer, &error) != STATUS_OK)
            log_debug("prism: not logged out", "source=%.*s error=%s",
                      TEXT_ARG(session->config->name), log_quote(text_from(error.detail)));
        arena_deinit(&arena);
    }
    config_secret_wipe(&session->token);
    pthread_mutex_unlock(&session->lock);
}
