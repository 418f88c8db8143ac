/* The client against a server that misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "http/client.h"
#include "lib/fake_http.h"
#include "lib/scratch.h"

struct world {
    struct fake_http *server;
    struct http_client *client;
    struct arena arena;
    struct http_answer answer;
    struct error error;
};

static void begin_with(struct world *w, struct http_client_options options) {
    *w = (struct world){.server = fake_http_new(NULL)};
    options.base_url = text_from(fake_http_url(w->server));
    if (options.timeout_ms == 0)
        options.timeout_ms = 20000;
    assert_int_equal(http_client_new(&options, &w->client, &w->error), STATUS_OK);
}

static void begin(struct world *w) {
    begin_with(w, (struct http_client_options){0});
}

static void end(struct world *w) {
    http_client_free(w->client);
    fake_http_free(w->server);
    arena_deinit(&w->arena);
}

static void script(struct world *w, const char *raw, enum fake_then then) {
    fake_http_script(w->server, &(struct fake_answer){.raw = raw, .then = then}, 1);
}

static enum status ask(struct world *w, const char *method, const char *path, const char *body) {
    struct http_request request = {
        .method = method, .path = text_from(path), .body = text_from(body)};
    return http_send(w->client, &request, &w->arena, &w->answer, &w->error);
}

static enum status get(struct world *w) {
    return ask(w, "GET", "/", "");
}

#define assert_text(text, expected)                                                                \
    do {                                                                                           \
        assert_int_equal((text).length, strlen(expected));                                         \
        assert_memory_equal((text).data, expected, strlen(expected));                              \
    } while (0)
#define assert_has(string, part) assert_non_null(strstr(string, part))

/* ---- sending ---- */

static void sends_what_it_is_told_and_no_more(void **state) {
    struct world w;
    (void)state;
    begin(&w);
    struct http_header headers[] = {{TEXT("X-Key"), TEXT("abc: d")}, {TEXT("X-Empty"), TEXT("")}};
    struct http_request request = {.method = "PUT",
                                   .path = TEXT("/a/../b?c=d%2F"),
                                   .headers = headers,
                                   .header_count = 2,
                                   .body = TEXT("{\"x\":1}")};
    assert_int_equal(http_send(w.client, &request, &w.arena, &w.answer, &w.error), STATUS_OK);
    assert_int_equal(w.answer.code, 200);
    assert_string_equal(w.answer.body.data, "ok");
    assert_true(w.answer.elapsed_us > 0);
    const struct fake_request *sent = fake_http_request(w.server, 0);
    assert_text(sent->method, "PUT");
    assert_text(sent->target, "/a/../b?c=d%2F");
    assert_text(sent->body, "{\"x\":1}");
    assert_text(fake_request_header(sent, "x-key"), "abc: d");
    assert_has(sent->raw, "X-Empty:");
    assert_text(fake_request_header(sent, "content-length"), "7");
    assert_null(fake_request_header(sent, "content-type").data);
    assert_null(fake_request_header(sent, "expect").data);
    assert_int_equal(ask(&w, "POST", "/empty", ""), STATUS_OK);
    assert_text(fake_request_header(fake_http_request(w.server, 1), "content-length"), "0");
    assert_int_equal(ask(&w, "GET", "?q", ""), STATUS_OK);
    assert_text(fake_http_request(w.server, 2)->target, "/?q");
    assert_null(fake_request_header(fake_http_request(w.server, 2), "content-length").data);
    /* What was asked before leaves nothing behind. */
    assert_null(fake_request_header(fake_http_request(w.server, 2), "x-key").data);
    end(&w);
}

static void sends_large_bodies_whole(void **state) {
    struct world w;
    (void)state;
    begin(&w);
    struct buffer body = {0};
    while (body.length < 3000000)
        buffer_append_format(&body, "%zu,", body.length);
    assert_int_equal(ask(&w, "POST", "/", body.data), STATUS_OK);
    const struct fake_request *sent = fake_http_request(w.server, 0);
    assert_int_equal(sent->body.length, body.length);
    assert_memory_equal(sent->body.data, body.data, body.length);
    buffer_deinit(&body);
    end(&w);
}

static void refuses_what_breaks_out_of_its_line(void **state) {
    struct world w;
    (void)state;
    begin(&w);
    const struct http_header bad[] = {
        {TEXT("X"), TEXT("a\r\nY: b")},
        {TEXT("X"), TEXT("a\nY: b")},
        {TEXT("X"), TEXT("a\0b")},
        {TEXT("X"), TEXT("a\rb")},
        {TEXT("X: a\r\nY"), TEXT("b")},
        {TEXT(""), TEXT("b")},
        {TEXT("X Y"), TEXT("b")},
        {TEXT("Host"), TEXT("b")},
        {TEXT("content-LENGTH"), TEXT("0")},
        {TEXT("Transfer-Encoding"), TEXT("chunked")},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct http_request request = {
            .method = "GET", .path = TEXT("/"), .headers = &bad[i], .header_count = 1};
        assert_int_equal(http_send(w.client, &request, &w.arena, &w.answer, &w.error),
                         STATUS_BAD_VALUE);
    }
    const struct text paths[] = {TEXT("/a b"),   TEXT("/a\r\nX: y"), TEXT("/\0"),
                                 TEXT("@evil/"), TEXT(".evil/"),     TEXT(":81/"),
                                 TEXT("/#x"),    TEXT("/\xc3\xa4"),  TEXT("a")};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct http_request request = {.method = "GET", .path = paths[i]};
        assert_int_equal(http_send(w.client, &request, &w.arena, &w.answer, &w.error),
                         STATUS_BAD_VALUE);
    }
    assert_int_equal(ask(&w, "GET / HTTP/1.1\r\nX:", "/", ""), STATUS_BAD_VALUE);
    assert_int_equal(fake_http_request_count(w.server), 0);
    end(&w);
}

static void refuses_base_urls_that_are_none(void **state) {
    (void)state;
    static const char *const urls[] = {"",           "ftp://x/",       "file:///etc/passwd",
                                       "http://",    "https:///x",     "//host/",
                                       "http://a b", "http://u:p@h/",  "http://u@h/",
                                       "http://h/#", "http://h/\r\nX", "gopher://x"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct http_client_options options = {.base_url = text_from(urls[i])};
        struct http_client *client;
        struct error error;
        assert_int_equal(http_client_new(&options, &client, &error), STATUS_BAD_VALUE);
        assert_null(client);
    }
}

static void escapes(void **state) {
    (void)state;
    struct buffer out = {0};
    http_append_escaped(&out, TEXT("aZ09-._~ /?&=%#+\"\xc3\xa4\0\r\n"));
    assert_string_equal(out.data, "aZ09-._~%20%2F%3F%26%3D%25%23%2B%22%C3%A4%00%0D%0A");
    buffer_deinit(&out);
}

/* ---- answers ---- */

static void takes_answers_in_chunks_with_headers_in_order(void **state) {
    struct world w;
    (void)state;
    begin(&w);
    script(&w,
           "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
           "HTTP/1.1 201 Created\r\nSet-Cookie: a=1\r\nSET-cookie:b=2  \r\nX-Empty:\r\n"
           "Transfer-Encoding: chunked\r\n\r\n"
           "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
           FAKE_KEEP);
    assert_int_equal(get(&w), STATUS_OK);
    assert_int_equal(w.answer.code, 201);
    assert_text(w.answer.body, "abcde");
    assert_int_equal(w.answer.header_count, 4);
    assert_text(w.answer.headers[0].name, "set-cookie");
    assert_text(w.answer.headers[1].name, "set-cookie");
    assert_text(w.answer.headers[1].value, "b=2");
    assert_text(http_answer_header(&w.answer, "set-cookie"), "a=1");
    assert_text(http_answer_header(&w.answer, "x-empty"), "");
    assert_null(http_answer_header(&w.answer, "link").data);
    assert_null(http_answer_header(&w.answer, "trailer").data);
    /* No cookie comes back. */
    assert_int_equal(get(&w), STATUS_OK);
    assert_null(fake_request_header(fake_http_request(w.server, 1), "cookie").data);
    end(&w);
}

static void a_redirect_is_an_answer(void **state) {
    struct world w;
    (void)state;
    begin(&w);
    script(&w, "HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
           FAKE_KEEP);
    script(&w, "HTTP/1.1 500 X\r\nContent-Length: 3\r\n\r\nno!", FAKE_KEEP);
    assert_int_equal(ask(&w, "POST", "/", "x"), STATUS_OK);
    assert_int_equal(w.answer.code, 307);
    assert_text(http_answer_header(&w.answer, "location"), "http://127.0.0.1:1/");
    assert_int_equal(get(&w), STATUS_OK);
    assert_int_equal(w.answer.code, 500);
    assert_text(w.answer.body, "no!");
    assert_int_equal(fake_http_request_count(w.server), 2);
    assert_int_equal(fake_http_connection_count(w.server), 1);
    end(&w);
}

/* What is sent and not answered whole is uncertain; each with a word of the reason. */
static void broken_answers_are_uncertain(void **state) {
    (void)state;
    static const struct {
        struct fake_answer answer;
        const char *said;
    } rows[] = {
        {{.raw = NULL, .then = FAKE_CLOSE}, "without an answer"},
        {{.raw = NULL, .then = FAKE_RESET}, "broke"},
        {{.raw = "HTTP/1.1 200 OK\r\nContent-Le", .then = FAKE_CLOSE}, ""},
        {{.raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", .then = FAKE_CLOSE}, "middle"},
        {{.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
          .then = FAKE_CLOSE},
         "answer"},
        {{.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab",
          .then = FAKE_CLOSE},
         ""},
        {{.raw = "HTTP/1.1 200 OK\r\n", .then = FAKE_ENDLESS, .more = "X: y\r\n"},
         "more headers than allowed"},
        {{.raw = "HTTP/1.1 200 OK\r\nX: ", .then = FAKE_ENDLESS, .more = "yyyyyyyyyyyyyyyyyyyy"},
         ""},
        {{.raw = NULL, .then = FAKE_ENDLESS, .more = "HTTP/1.1 100 Continue\r\n\r\n"},
         "more headers than allowed"},
        {{.raw = "HTTP/1.1 200 OK\r\n\r\n", .then = FAKE_ENDLESS, .more = "yyyyyyyyyyyyyyyyyyyy"},
         "larger than allowed"},
        {{.raw = "HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n", .then = FAKE_STALL},
         "larger than allowed"},
        {{.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
          .then = FAKE_ENDLESS,
          .more = "5\r\nabcde\r\n"},
         "larger than allowed"},
        {{.raw = "SSH-2.0-OpenSSH_9.2\r\n", .then = FAKE_CLOSE}, "HTTP"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        begin_with(&w, (struct http_client_options){.answer_max = 1000000});
        fake_http_script(w.server, &rows[i].answer, 1);
        enum status status = ask(&w, "POST", "/secret?key=hunter2", "x");
        if (status != STATUS_UNCERTAIN || strstr(w.error.detail, rows[i].said) == NULL)
            fail_msg("row %zu: %s %s", i, status_code(status), w.error.detail);
        assert_has(w.error.detail, fake_http_url(w.server));
        assert_null(strstr(w.error.detail, "hunter2"));
        assert_int_equal(fake_http_request_count(w.server), 1);
        assert_int_equal(w.answer.code, 0);
        /* And the client is none the worse for it. */
        assert_int_equal(get(&w), STATUS_OK);
        end(&w);
    }
}

static void a_body_of_just_the_limit_is_taken(void **state) {
    struct world w;
    (void)state;
    begin_with(&w, (struct http_client_options){.answer_max = 5});
    script(&w, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", FAKE_KEEP);
    script(&w, "HTTP/1.1 200 OK\r\n\r\nabcdef", FAKE_CLOSE);
    assert_int_equal(get(&w), STATUS_OK);
    assert_text(w.answer.body, "abcde");
    assert_int_equal(get(&w), STATUS_UNCERTAIN);
    end(&w);
}

struct taken {
    struct buffer body;
    size_t most;
};

static bool take(void *context, struct text piece) {
    struct taken *taken = context;
    buffer_append_text(&taken->body, piece);
    return taken->body.length < taken->most;
}

/* However long it is: what is taken piece by piece has no limit, and only of an answer that is
 * one. */
static void gives_a_body_piece_by_piece(void **state) {
    static const struct {
        const char *raw;
        size_t most;
        enum status status;
        const char *taken, *body;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefghi", 99, STATUS_OK, "abcdefghi", ""},
        {"HTTP/1.1 200 OK\r\n\r\nabcdefghi", 99, STATUS_OK, "abcdefghi", ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 99, STATUS_UNCERTAIN, "abc", ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefghi", 2, STATUS_UNCERTAIN, NULL, ""},
        {"HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nnope", 99, STATUS_OK, "", "nope"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        struct taken taken = {.most = rows[i].most};
        struct http_request request = {
            .method = "GET", .path = TEXT("/"), .take = take, .take_context = &taken};
        begin_with(&w, (struct http_client_options){.answer_max = 5});
        script(&w, rows[i].raw, FAKE_CLOSE);
        assert_int_equal(http_send(w.client, &request, &w.arena, &w.answer, &w.error),
                         rows[i].status);
        if (rows[i].taken != NULL)
            assert_text(buffer_text(&taken.body), rows[i].taken);
        if (rows[i].status == STATUS_OK)
            assert_text(w.answer.body, rows[i].body);
        buffer_deinit(&taken.body);
        end(&w);
    }
}

/* ---- time ---- */

static void gives_up_on_silence(void **state) {
    struct world w;
    (void)state;
    begin_with(&w, (struct http_client_options){.timeout_ms = 300});
    script(&w, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", FAKE_STALL);
    int64_t begun_us = monotonic_us();
    assert_int_equal(get(&w), STATUS_UNCERTAIN);
    assert_has(w.error.detail, "in time");
    assert_true(monotonic_us() - begun_us < 15 * US_PER_SECOND);
    end(&w);
}

/* A drop now and then is no answer either, however long the whole may take. */
static void gives_up_on_drops(void **state) {
    struct world w;
    (void)state;
    begin_with(&w, (struct http_client_options){.timeout_ms = 3000});
    fake_http_script(
        w.server,
        &(struct fake_answer){.raw = "HTTP/1.1 200 OK\r\n\r\n", .then = FAKE_DRIP, .more = "x"}, 1);
    assert_int_equal(get(&w), STATUS_UNCERTAIN);
    assert_has(w.error.detail, "in time");
    assert_has(w.error.detail, "too slow");
    end(&w);
}

static void gives_up_when_told(void **state) {
    struct world w;
    static bool told = true;
    (void)state;
    begin_with(&w, (struct http_client_options){.give_up = &told});
    script(&w, NULL, FAKE_STALL);
    int64_t begun_us = monotonic_us();
    enum status status = get(&w);
    assert_true(status == STATUS_UNCERTAIN || status == STATUS_UNREACHABLE);
    assert_has(w.error.detail, "given up");
    assert_true(monotonic_us() - begun_us < 15 * US_PER_SECOND);
    end(&w);
}

/* ---- connections ---- */

static void keeps_its_connection(void **state) {
    struct world w;
    (void)state;
    begin(&w);
    for (int i = 0; i < 20; i++)
        assert_int_equal(i % 2 == 0 ? get(&w) : ask(&w, "POST", "/", "x"), STATUS_OK);
    assert_int_equal(fake_http_request_count(w.server), 20);
    assert_int_equal(fake_http_connection_count(w.server), 1);
    end(&w);
}

static void connects_again_when_an_idle_connection_was_closed(void **state) {
    struct world w;
    (void)state;
    begin(&w);
    script(&w, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", FAKE_CLOSE);
    assert_int_equal(ask(&w, "POST", "/", "1"), STATUS_OK);
    while (fake_http_open_connections(w.server) > 0)
        (void)usleep(1000); /* later it would be a race, which is tested below */
    assert_int_equal(ask(&w, "POST", "/", "2"), STATUS_OK);
    assert_int_equal(fake_http_request_count(w.server), 2);
    assert_int_equal(fake_http_connection_count(w.server), 2);
    end(&w);
}

/* The other side reads the request on a kept connection and dies before a byte of its answer: left
 * alone, curl would send it again. */
static void never_sends_twice_what_may_have_been_carried_out(void **state) {
    (void)state;
    static const struct {
        const char *method, *body;
        enum fake_then then;
        size_t requests;
        enum status status;
    } rows[] = {
        {"POST", "pay", FAKE_CLOSE, 2, STATUS_UNCERTAIN},
        {"POST", "", FAKE_CLOSE, 2, STATUS_UNCERTAIN},
        {"POST", "pay", FAKE_RESET, 2, STATUS_UNCERTAIN},
        {"PATCH", "pay", FAKE_CLOSE, 2, STATUS_UNCERTAIN},
        {"DELETE", "", FAKE_CLOSE, 2, STATUS_UNCERTAIN},
        {"GET", "", FAKE_CLOSE, 3, STATUS_OK}, /* reading again does no harm */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        begin(&w);
        assert_int_equal(get(&w), STATUS_OK);
        script(&w, NULL, rows[i].then);
        assert_int_equal(ask(&w, rows[i].method, "/", rows[i].body), rows[i].status);
        assert_int_equal(fake_http_request_count(w.server), rows[i].requests);
        assert_int_equal(fake_http_request(w.server, 1)->connection, 1);
        end(&w);
    }
}

/* ---- unreachable ---- */

static enum status try_url(const char *url, struct http_client_options options,
                           struct error *error) {
    struct http_client *client;
    struct arena arena = {0};
    struct http_answer answer;
    struct http_request request = {.method = "POST", .path = TEXT("/x"), .body = TEXT("y")};
    options.base_url = text_from(url);
    options.timeout_ms = 10000;
    assert_int_equal(http_client_new(&options, &client, error), STATUS_OK);
    enum status status = http_send(client, &request, &arena, &answer, error);
    http_client_free(client);
    arena_deinit(&arena);
    return status;
}

static void says_when_nobody_is_there(void **state) {
    (void)state;
    struct error error;
    struct fake_http *server = fake_http_new(NULL);
    char url[64];
    (void)snprintf(url, sizeof url, "%s", fake_http_url(server));
    fake_http_free(server);
    assert_int_equal(try_url(url, (struct http_client_options){0}, &error), STATUS_UNREACHABLE);
    assert_has(error.detail, "nobody answers there");
    assert_int_equal(
        try_url("http://no-such-host.invalid", (struct http_client_options){0}, &error),
        STATUS_UNREACHABLE);
}

static void private_addresses_are_refused_where_forbidden(void **state) {
    struct world w;
    (void)state;
    begin(&w);
    char urls[8][96];
    unsigned port = fake_http_port(w.server);
    (void)snprintf(urls[0], sizeof urls[0], "http://127.0.0.1:%u", port);
    (void)snprintf(urls[1], sizeof urls[1], "http://localhost:%u", port);
    (void)snprintf(urls[2], sizeof urls[2], "http://2130706433:%u", port);
    (void)snprintf(urls[3], sizeof urls[3], "http://0x7f.1:%u", port);
    (void)snprintf(urls[4], sizeof urls[4], "http://[::ffff:127.0.0.1]:%u", port);
    (void)snprintf(urls[5], sizeof urls[5], "http://169.254.169.254");
    (void)snprintf(urls[6], sizeof urls[6], "http://0:%u", port);
    (void)snprintf(urls[7], sizeof urls[7], "http://[::1]:%u", port);
    /* A proxy would go around the judgement. */
    assert_int_equal(setenv("http_proxy", fake_http_url(w.server), 1), 0);
    for (size_t i = 0; i < 8; i++) {
        struct http_client_options options = {.forbid_private = true};
        assert_int_equal(try_url(urls[i], options, &w.error), STATUS_UNREACHABLE);
        assert_has(w.error.detail, "private");
    }
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(fake_http_connection_count(w.server), 0);
    assert_int_equal(try_url(urls[4], (struct http_client_options){0}, &w.error), STATUS_OK);
    end(&w);
}

static void trusts_only_the_right_certificate(void **state) {
    (void)state;
    char *folder = scratch_new(), *good_file = scratch_path(folder, "good.pem"),
         *old_file = scratch_path(folder, "old.pem");
    struct fake_http *good =
        fake_http_new(&(struct fake_http_options){.certificate_file = good_file});
    struct fake_http *old = fake_http_new(
        &(struct fake_http_options){.certificate_file = old_file, .certificate_expires_s = -86400});
    struct error error;
    struct http_client_options with_good = {.ca_file = good_file}, with_old = {.ca_file = old_file};
    assert_int_equal(try_url(fake_http_url(good), with_good, &error), STATUS_OK);
    assert_int_equal(try_url(fake_http_url(good), (struct http_client_options){0}, &error),
                     STATUS_UNREACHABLE);
    assert_has(error.detail, "not trusted");
    assert_int_equal(try_url(fake_http_url(good), with_old, &error), STATUS_UNREACHABLE);
    assert_int_equal(try_url(fake_http_url(old), with_old, &error), STATUS_UNREACHABLE);
    assert_has(error.detail, "expired");
    char other_name[64]; /* 127.0.0.2 reaches it not; another name for the address does */
    (void)snprintf(other_name, sizeof other_name, "https://ip6-localhost:%u", fake_http_port(good));
    assert_int_equal(try_url(other_name, with_good, &error), STATUS_UNREACHABLE);
    assert_int_equal(fake_http_request_count(good), 1);
    assert_int_equal(fake_http_request_count(old), 0);
    /* A server without TLS where TLS is expected. */
    struct fake_http *plain = fake_http_new(NULL);
    (void)snprintf(other_name, sizeof other_name, "https://127.0.0.1:%u", fake_http_port(plain));
    fake_http_script(plain, &(struct fake_answer){.raw = "HTTP/1.0 400 X\r\n\r\n"}, 1);
    struct http_client *client;
    struct http_client_options missing = {.base_url = TEXT("https://x"), .ca_file = "/nowhere.pem"};
    assert_int_equal(http_client_new(&missing, &client, &error), STATUS_IO);
    assert_has(error.detail, "/nowhere.pem");
    fake_http_free(plain);
    fake_http_free(good);
    fake_http_free(old);
    free(good_file);
    free(old_file);
    scratch_free(folder);
}

/* ---- Retry-After ---- */

static void reads_retry_after(void **state) {
    (void)state;
    static const struct {
        const char *value;
        int64_t seconds;
    } rows[] = {
        {"0", 0},
        {"7", 7},
        {"3600", 3600},
        {"3601", 3600},
        {"99999999999999999999999999999999", 3600},
        {"-5", 42},
        {"+5", 42},
        {"1.5", 42},
        {"soon", 42},
        {"", 42},
        {"7 s", 42},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Thu, 01 Jan 2026 00:01:00 GMT", 60},
        {"Thursday, 01-Jan-26 00:01:00 GMT", 60},
        {"Thu, 01 Jan 2026 10:00:00 GMT", 3600},
        {"Thu, 01 Jan 9999 00:00:00 GMT", 3600},
        {"Thu, 99 Jan 2026 00:00:00 GMT", 42},
        {"Thu, 01 Jan 2026 00:00:00 GMT and then some, and more and more of it", 42},
    };
    int64_t now_us;
    assert_int_equal(timestamp_parse(TEXT("2026-01-01T00:00:00Z"), &now_us), STATUS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_header header = {TEXT("retry-after"), text_from(rows[i].value)};
        struct http_answer answer = {.headers = &header, .header_count = 1};
        int64_t seconds = http_retry_after_s(&answer, now_us, 3600, 42);
        if (seconds != rows[i].seconds)
            fail_msg("%s: %lld", rows[i].value, (long long)seconds);
    }
    struct http_answer none = {0};
    assert_int_equal(http_retry_after_s(&none, now_us, 3600, 42), 42);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_what_it_is_told_and_no_more),
        cmocka_unit_test(sends_large_bodies_whole),
        cmocka_unit_test(refuses_what_breaks_out_of_its_line),
        cmocka_unit_test(refuses_base_urls_that_are_none),
        cmocka_unit_test(escapes),
        cmocka_unit_test(takes_answers_in_chunks_with_headers_in_order),
        cmocka_unit_test(a_redirect_is_an_answer),
        cmocka_unit_test(broken_answers_are_uncertain),
        cmocka_unit_test(a_body_of_just_the_limit_is_taken),
        cmocka_unit_test(gives_a_body_piece_by_piece),
        cmocka_unit_test(gives_up_on_silence),
        cmocka_unit_test(gives_up_on_drops),
        cmocka_unit_test(gives_up_when_told),
        cmocka_unit_test(keeps_its_connection),
        cmocka_unit_test(connects_again_when_an_idle_connection_was_closed),
        cmocka_unit_test(never_sends_twice_what_may_have_been_carried_out),
        cmocka_unit_test(says_when_nobody_is_there),
        cmocka_unit_test(private_addresses_are_refused_where_forbidden),
        cmocka_unit_test(trusts_only_the_right_certificate),
        cmocka_unit_test(reads_retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
