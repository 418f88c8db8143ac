/* Drives the load: each connection sends, waits for the whole answer, notes how long it took, and
 * sends the next one until the time is over. */
#include "cli/load.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/timestamp.h"

#define HOST_SIZE 256
#define PATIENCE_US (30 * US_PER_SECOND) /* for answers still under way at the end */
#define READ_AT_ONCE ((size_t)64 * 1024)

struct link {
    int fd;
    struct buffer out, in;
    size_t sent;
    int64_t began_us;
    uint64_t adjustments;
    bool busy;
};

struct run {
    const struct load *load;
    struct load_report *report;
    struct link *links;
    struct pollfd *polls;
    char host[HOST_SIZE], port[8];
    uint64_t next_number;
    struct buffer body;
    struct error *error;
};

/* ---- where to ---- */

static enum status split_url(struct run *run) {
    const char *rest = run->load->url;
    if (strncmp(rest, "http://", 7) != 0)
        return error_set(run->error, STATUS_BAD_VALUE, "the bench speaks plain http:// only");
    rest += 7;
    bool bracket = rest[0] == '[';
    size_t length = strcspn(rest + bracket, bracket ? "]" : ":/");
    if (length == 0 || length >= HOST_SIZE)
        return error_set(run->error, STATUS_BAD_VALUE, "no host in %s", run->load->url);
    memcpy(run->host, rest + bracket, length);
    rest += length + (bracket ? 2 : 0);
    (void)snprintf(run->port, sizeof run->port, "80");
    if (rest[0] == ':')
        (void)snprintf(run->port, sizeof run->port, "%.*s", (int)strcspn(rest + 1, "/"), rest + 1);
    return STATUS_OK;
}

static enum status connect_link(struct run *run, struct link *link) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    link->fd = -1;
    int code = getaddrinfo(run->host, run->port, &hints, &found);
    if (code != 0)
        return error_set(run->error, STATUS_BAD_VALUE, "%s: %s", run->host, gai_strerror(code));
    for (const struct addrinfo *a = found; a != NULL && link->fd < 0; a = a->ai_next) {
        link->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (link->fd >= 0 && connect(link->fd, a->ai_addr, a->ai_addrlen) != 0) {
            int saved = errno;
            (void)close(link->fd);
            link->fd = -1;
            errno = saved;
        }
    }
    freeaddrinfo(found);
    if (link->fd < 0)
        return error_set_errno(run->error, "cannot connect to %s:%s", run->host, run->port);
    int on = 1;
    (void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fcntl(link->fd, F_SETFL, O_NONBLOCK) != 0)
        return error_set_errno(run->error, "cannot prepare a connection");
    return STATUS_OK;
}

/* ---- one request and its answer ---- */

static void begin_request(struct run *run, struct link *link) {
    const struct load *load = run->load;
    buffer_clear(&run->body);
    buffer_clear(&link->out);
    buffer_clear(&link->in);
    link->adjustments = load->write_body(load->context, run->next_number++, &run->body);
    buffer_append_format(&link->out,
                         "POST %s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\n"
                         "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                         load->path, run->host, run->port, load->token, load->content_type,
                         run->body.length);
    buffer_append_text(&link->out, buffer_text(&run->body));
    link->sent = 0;
    link->busy = true;
    link->began_us = monotonic_us();
}

static enum status send_some(struct run *run, struct link *link) {
    while (link->sent < link->out.length) {
        ssize_t written = send(link->fd, link->out.data + link->sent, link->out.length - link->sent,
                               MSG_NOSIGNAL);
        if (written < 0 && errno == EAGAIN)
            return STATUS_OK;
        if (written < 0 && errno != EINTR)
            return error_set_errno(run->error, "the hub closed a connection");
        link->sent += written > 0 ? (size_t)written : 0;
    }
    return STATUS_OK;
}

/* The whole answer's length once it is known; 0 until then. SIZE_MAX: not to be understood. */
static size_t answer_length(const struct buffer *in, size_t *body_out) {
    const char *end = memmem(in->data, in->length, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    const char *header = strcasestr(in->data, "\r\nContent-Length:");
    if (header == NULL || header > end)
        return SIZE_MAX;
    *body_out = (size_t)(end - in->data) + 4;
    return *body_out + (size_t)strtoull(header + 17, NULL, 10);
}

static void note(struct run *run, struct link *link, size_t body) {
    struct load_report *report = run->report;
    int64_t took_us = monotonic_us() - link->began_us;
    size_t slot = (size_t)(took_us / LOAD_RESOLUTION_US);
    report->latency_counts[slot < LOAD_SLOTS ? slot : LOAD_SLOTS - 1]++;
    report->requests++;
    long status = link->in.length > 12 ? strtol(link->in.data + 9, NULL, 10) : 0;
    if (status >= 200 && status < 300) {
        report->adjustments += link->adjustments;
    } else if (report->refused++ == 0) {
        size_t length = link->in.length - body;
        if (length > sizeof report->first_answer_data)
            length = sizeof report->first_answer_data;
        memcpy(report->first_answer_data, link->in.data + body, length);
        report->first_answer = (struct text){report->first_answer_data, length};
        report->first_refusal = status;
    }
    link->busy = false;
}

static enum status receive_some(struct run *run, struct link *link) {
    buffer_reserve(&link->in, READ_AT_ONCE + 1);
    ssize_t length = recv(link->fd, link->in.data + link->in.length, READ_AT_ONCE, 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return STATUS_OK;
    if (length < 0)
        return error_set_errno(run->error, "a connection broke");
    if (length == 0)
        return error_set(run->error, STATUS_IO, "the hub closed a connection");
    link->in.length += (size_t)length;
    link->in.data[link->in.length] = '\0';
    size_t body = 0, whole = answer_length(&link->in, &body);
    if (whole == SIZE_MAX)
        return error_set(run->error, STATUS_IO, "an answer without a Content-Length");
    if (whole > 0 && link->in.length >= whole)
        note(run, link, body);
    return STATUS_OK;
}

/* ---- all of them ---- */

/* One round; *under_way_out: requests that wait for their answer. */
static enum status turn(struct run *run, bool more, unsigned *under_way_out) {
    unsigned count = run->load->connections;
    *under_way_out = 0;
    for (unsigned i = 0; i < count; i++) {
        struct link *link = &run->links[i];
        if (!link->busy && more) {
            begin_request(run, link);
            enum status status = send_some(run, link);
            if (status != STATUS_OK)
                return status;
        }
        *under_way_out += link->busy;
        run->polls[i] = (struct pollfd){.fd = link->fd, .events = POLLIN};
        if (link->busy && link->sent < link->out.length)
            run->polls[i].events |= POLLOUT;
    }
    if (*under_way_out == 0)
        return STATUS_OK;
    if (poll(run->polls, count, 100) < 0 && errno != EINTR)
        return error_set_errno(run->error, "poll");
    for (unsigned i = 0; i < count; i++) {
        enum status status = STATUS_OK;
        if (run->polls[i].revents & POLLOUT)
            status = send_some(run, &run->links[i]);
        if (status == STATUS_OK && (run->polls[i].revents & (POLLIN | POLLHUP | POLLERR)))
            status = receive_some(run, &run->links[i]);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status drive(struct run *run) {
    int64_t began_us = monotonic_us(), now_us;
    unsigned under_way = 0;
    enum status status = STATUS_OK;
    do {
        now_us = monotonic_us();
        bool more = now_us - began_us < run->load->duration_us;
        if (now_us - began_us > run->load->duration_us + PATIENCE_US)
            return error_set(run->error, STATUS_TIMEOUT, "the hub stopped answering");
        status = turn(run, more, &under_way);
    } while (status == STATUS_OK && (under_way > 0 || now_us - began_us < run->load->duration_us));
    run->report->elapsed_us = monotonic_us() - began_us;
    return status;
}

enum status load_run(const struct load *load, struct load_report *report, struct error *error) {
    require(load->connections > 0);
    struct run run = {.load = load, .report = report, .error = error};
    *report = (struct load_report){
        .latency_counts = memory_alloc_zero(LOAD_SLOTS, sizeof *report->latency_counts)};
    run.links = memory_alloc_zero(load->connections, sizeof *run.links);
    run.polls = memory_alloc_zero(load->connections, sizeof *run.polls);
    enum status status = split_url(&run);
    unsigned connected = 0;
    while (status == STATUS_OK && connected < load->connections)
        status = connect_link(&run, &run.links[connected++]);
    if (status == STATUS_OK)
        status = drive(&run);
    for (unsigned i = 0; i < connected; i++) {
        if (run.links[i].fd >= 0)
            (void)close(run.links[i].fd);
        buffer_deinit(&run.links[i].out);
        buffer_deinit(&run.links[i].in);
    }
    buffer_deinit(&run.body);
    free(run.links);
    free(run.polls);
    return status;
}

void load_report_deinit(struct load_report *report) {
    free(report->latency_counts);
    *report = (struct load_report){0};
}

double load_percentile_ms(const struct load_report *report, double share) {
    uint64_t wanted = (uint64_t)((double)report->requests * share), seen = 0;
    for (uint32_t i = 0; i < LOAD_SLOTS; i++) {
        seen += report->latency_counts[i];
        if (seen > wanted || (seen == report->requests && seen > 0))
            return (double)(i + 1) * LOAD_RESOLUTION_US / 1000.0;
    }
    return 0.0;
}
