/* A load generator for the HTTP bench: keep-alive connections in one epoll loop, no pipelining.
 *
 * It must cost less than what it measures. So every request is made beforehand and only the digits
 * of its id, location and SKU are written anew before each sending; an answer is looked at where it
 * lies. Every answer is checked: a figure made of wrong answers is worth nothing. */
#ifndef ONHAND_BENCH_HTTP_CLIENT_H
#define ONHAND_BENCH_HTTP_CLIENT_H

#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define HTTP_CONNECTIONS_MAX 64u
#define HTTP_TIMEOUT_SECONDS 30
#define HTTP_ANSWERS_MAX ((size_t)1 << 22)

/* In a line of a shape these stand for digits that are written before each sending. */
#define MARK_ID "id-0000000000"
#define MARK_LOCATION "S0000"
#define MARK_SKU "SKU-00000000"
#define MARK_TIME "yyyy-mm-ddThh:mm:ss-05:00" /* a minute ago, in New York */

/* What is sent: `count` times `line` between `before` and `after`, all lines equally long. */
struct http_shape {
    const char *method, *path; /* the path may hold marks too */
    const char *content_type;  /* NULL: no body */
    const char *before, *line, *after;
    unsigned count;
    unsigned applied; /* how many results of each answer must say "applied" */
};

struct http_target {
    int port;
    char token[200];
    uint32_t locations, products; /* the cells that calls go to */
};

struct http_connection {
    int fd;
    char *request, *answer;
    size_t request_length, sent;
    size_t id_at, location_at, sku_at, stride; /* of the marks in the first line; 0: none */
    size_t answer_capacity, received, head_length, body_length;
    int64_t started_us;
    bool waits_for_room;
};

struct http_load {
    const struct http_target *target;
    const struct http_shape *shape;
    struct http_connection connections[HTTP_CONNECTIONS_MAX];
    unsigned connection_count, busy;
    int epoll;
    uint64_t random;
    uint64_t *next_id; /* goes on from load to load, so that no id comes twice */
    uint32_t *answer_us;
    size_t answer_count;
    double seconds;
};

/* ---- requests ---- */

static inline void http_write_digits(char *mark, const char *form, uint64_t value) {
    for (size_t i = strlen(form); i-- > 0 && form[i] == '0'; value /= 10)
        mark[i] = (char)('0' + value % 10);
}

static inline size_t http_mark_at(const char *request, const char *mark) {
    const char *found = strstr(request, mark);
    return found != NULL ? (size_t)(found - request) : 0;
}

/* Within the window of remembered ids, as what comes from a store is; older events go a slow way.
 */
static inline void http_write_times(char *request) {
    time_t then = time(NULL) - 60 - 5 * 3600;
    char text[sizeof MARK_TIME];
    struct tm parts;
    if (strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S-05:00", gmtime_r(&then, &parts)) == 0)
        bench_fail("strftime", NULL);
    for (char *at = request; (at = strstr(at, MARK_TIME)) != NULL;)
        memcpy(at, text, sizeof text - 1);
}

static inline void http_build(struct http_connection *c, const struct http_target *target,
                              const struct http_shape *shape) {
    struct buffer body = {0}, request = {0};
    buffer_append_string(&body, shape->before);
    for (unsigned i = 0; i < shape->count; i++)
        buffer_append_string(&body, shape->line);
    if (body.length > 0 && body.data[body.length - 1] == ',')
        body.length--; /* a list has no comma after its last */
    buffer_append_string(&body, shape->after);
    buffer_append_format(&request,
                         "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n",
                         shape->method, shape->path, target->token);
    if (shape->content_type != NULL)
        buffer_append_format(&request, "Content-Type: %s\r\nContent-Length: %zu\r\n",
                             shape->content_type, body.length);
    buffer_append_string(&request, "\r\n");
    buffer_append_text(&request, buffer_text(&body));
    buffer_deinit(&body);
    c->request_length = request.length;
    buffer_append(&request, "", 1);
    c->request = request.data;
    http_write_times(c->request);
    c->id_at = http_mark_at(c->request, MARK_ID);
    c->location_at = http_mark_at(c->request, MARK_LOCATION);
    c->sku_at = http_mark_at(c->request, MARK_SKU);
    c->stride = strlen(shape->line);
}

static inline void http_renew(struct http_load *load, struct http_connection *c) {
    unsigned lines = load->shape->count > 0 ? load->shape->count : 1;
    for (unsigned i = 0; i < lines && c->sku_at > 0; i++) {
        uint64_t r = bench_random(&load->random);
        char *at = c->request + i * c->stride;
        http_write_digits(at + c->location_at, MARK_LOCATION, r % load->target->locations);
        http_write_digits(at + c->sku_at, MARK_SKU, (r >> 32) % load->target->products);
        if (c->id_at > 0)
            http_write_digits(at + c->id_at, MARK_ID, ++*load->next_id);
    }
    c->sent = c->received = c->head_length = c->body_length = 0;
}

/* ---- answers ---- */

static inline _Noreturn void http_fail(const struct http_connection *c, const char *what) {
    size_t shown = c->received < 600 ? c->received : 600;
    fprintf(stderr, "bench: http: %s\n%.300s\n-> %.*s\n", what, c->request, (int)shown, c->answer);
    exit(1);
}

static inline void http_read_head(struct http_connection *c) {
    static const char name[] = "Content-Length: ";
    c->answer[c->received] = '\0';
    char *end = memmem(c->answer, c->received, "\r\n\r\n", 4);
    if (end == NULL)
        return;
    char *length = strstr(c->answer, name);
    if (length == NULL || length > end)
        http_fail(c, "an answer without Content-Length");
    c->head_length = (size_t)(end - c->answer) + 4;
    c->body_length = strtoull(length + sizeof name - 1, NULL, 10);
    size_t needed = c->head_length + c->body_length + 1;
    if (needed > c->answer_capacity) {
        c->answer = memory_grow(c->answer, needed);
        c->answer_capacity = needed;
    }
}

static inline void http_check(const struct http_connection *c, unsigned applied) {
    static const char word[] = "\"status\":\"applied\"", status[] = "HTTP/1.1 200";
    if (memcmp(c->answer, status, sizeof status - 1) != 0)
        http_fail(c, "not answered with 200");
    const char *at = c->answer + c->head_length, *end = at + c->body_length;
    unsigned found = 0;
    while ((at = memmem(at, (size_t)(end - at), word, sizeof word - 1)) != NULL) {
        at += sizeof word - 1;
        found++;
    }
    if (found < applied)
        http_fail(c, "not everything was applied");
}

/* True when the answer is whole. */
static inline bool http_receive(struct http_connection *c) {
    ssize_t n = recv(c->fd, c->answer + c->received, c->answer_capacity - c->received - 1, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0)
        http_fail(c, "the connection was closed");
    c->received += (size_t)n;
    if (c->head_length == 0)
        http_read_head(c);
    return c->head_length > 0 && c->received >= c->head_length + c->body_length;
}

/* ---- connections ---- */

static inline void http_connect(struct http_connection *c, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval timeout = {.tv_sec = HTTP_TIMEOUT_SECONDS};
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0)
        bench_fail("connect", NULL);
    c->answer_capacity = 4096;
    c->answer = memory_alloc(c->answer_capacity);
}

static inline void http_close(struct http_connection *c) {
    close(c->fd);
    free(c->answer);
}

static inline void http_watch(struct http_load *load, struct http_connection *c, int operation) {
    struct epoll_event event = {.events = c->waits_for_room ? EPOLLIN | EPOLLOUT : EPOLLIN,
                                .data.ptr = c};
    if (epoll_ctl(load->epoll, operation, c->fd, &event) != 0)
        bench_fail("epoll_ctl", NULL);
}

static inline void http_send(struct http_load *load, struct http_connection *c) {
    while (c->sent < c->request_length) {
        ssize_t n = send(c->fd, c->request + c->sent, c->request_length - c->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            http_fail(c, "the request could not be sent");
        c->sent += (size_t)n;
    }
    bool waits = c->sent < c->request_length;
    if (waits != c->waits_for_room) {
        c->waits_for_room = waits;
        http_watch(load, c, EPOLL_CTL_MOD);
    }
}

static inline void http_start(struct http_load *load, struct http_connection *c) {
    http_renew(load, c);
    c->started_us = monotonic_us();
    http_send(load, c);
}

/* ---- the load ---- */

static inline void http_turn(struct http_load *load, bool go_on) {
    struct epoll_event events[HTTP_CONNECTIONS_MAX];
    int count =
        epoll_wait(load->epoll, events, (int)load->connection_count, HTTP_TIMEOUT_SECONDS * 1000);
    if (count == 0)
        bench_fail("http: no answer for 30 seconds", NULL);
    for (int i = 0; i < count; i++) {
        struct http_connection *c = events[i].data.ptr;
        if ((events[i].events & EPOLLOUT) != 0)
            http_send(load, c);
        if ((events[i].events & ~(uint32_t)EPOLLOUT) == 0 || !http_receive(c))
            continue;
        http_check(c, load->shape->applied);
        if (load->answer_count < HTTP_ANSWERS_MAX)
            load->answer_us[load->answer_count++] = (uint32_t)(monotonic_us() - c->started_us);
        if (go_on)
            http_start(load, c);
        else
            load->busy--;
    }
}

static inline int http_compare_us(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Runs for `us`, or until `done` is set where that is given; answers what is on its way; then
 * answer_us is in ascending order. */
static inline void http_run(struct http_load *load, unsigned connections, int64_t us,
                            const _Atomic bool *done) {
    load->connection_count = load->busy = connections;
    load->random = 0x9e3779b97f4a7c15u + *load->next_id;
    load->answer_us = memory_alloc(HTTP_ANSWERS_MAX * sizeof *load->answer_us);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < connections; i++) {
        struct http_connection *c = &load->connections[i];
        http_build(c, load->target, load->shape);
        http_connect(c, load->target->port);
        http_watch(load, c, EPOLL_CTL_ADD);
    }
    int64_t start_us = monotonic_us();
    for (unsigned i = 0; i < connections; i++)
        http_start(load, &load->connections[i]);
    while (load->busy > 0) {
        bool ended = done != NULL && *done;
        http_turn(load, !ended && monotonic_us() - start_us < us);
    }
    load->seconds = bench_seconds_since(start_us);
    for (unsigned i = 0; i < connections; i++) {
        http_close(&load->connections[i]);
        free(load->connections[i].request);
    }
    close(load->epoll);
    qsort(load->answer_us, load->answer_count, sizeof *load->answer_us, http_compare_us);
}

static inline void http_load_deinit(struct http_load *load) {
    free(load->answer_us);
}

static inline double http_percentile_ms(const struct http_load *load, unsigned per_thousand) {
    if (load->answer_count == 0)
        return 0;
    return load->answer_us[(load->answer_count - 1) * per_thousand / 1000] / 1000.0;
}

static inline double http_rate(const struct http_load *load) {
    return (double)load->answer_count / load->seconds;
}

/* One request on a connection of its own, that waits; the answer's body, ended by a NUL, lives
 * until http_close. */
static inline const char *http_exchange(struct http_connection *c, int port) {
    c->sent = c->received = c->head_length = c->body_length = 0;
    http_connect(c, port);
    while (c->sent < c->request_length) {
        ssize_t n = send(c->fd, c->request + c->sent, c->request_length - c->sent, MSG_NOSIGNAL);
        if (n < 0)
            http_fail(c, "the request could not be sent");
        c->sent += (size_t)n;
    }
    while (!http_receive(c))
        continue;
    c->answer[c->received] = '\0';
    return c->answer + c->head_length;
}

#endif
