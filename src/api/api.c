/* Starts and ends the HTTP side: the socket, the threads, and what they share. */
#include "api/api.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/server_internal.h"
#include "base/log.h"

#define DEFAULT_THREADS 2u
#define WORKERS 4u
#define LONG_WORKERS 2u
#define BACKLOG 1024
/* Beside the header. The library clears all of it after each request: no more than pays. */
#define CONNECTION_MEMORY_LEAST ((size_t)16 * 1024)
#define STOP_PATIENCE_US (5 * US_PER_SECOND)

static void raise_file_limit(int64_t connections) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < (rlim_t)connections + 64) {
        log_warn("few open files allowed", "limit=%" PRIu64 " connections=%" PRId64,
                 (uint64_t)limit.rlim_cur, connections);
    }
}

/* A listening socket on the first address that takes it; -1. */
static int listen_on(const struct addrinfo *addresses) {
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int on = 1;
        if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
            bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
            return fd;
        }
        int saved = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        errno = saved;
    }
    return -1;
}

static enum status open_socket(struct api *api, struct error *error) {
    const struct config *config = api->config;
    char host[256], port[8];
    (void)snprintf(host, sizeof host, "%.*s", TEXT_ARG(config->listen_host));
    (void)snprintf(port, sizeof port, "%u", config->listen_port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    int code = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &addresses);
    if (code != 0) {
        return error_set(error, STATUS_BAD_VALUE, "listen: %s: %s", host, gai_strerror(code));
    }
    api->listen_fd = listen_on(addresses);
    int saved = errno;
    freeaddrinfo(addresses);
    errno = saved;
    if (api->listen_fd < 0) {
        return error_set_errno(error, "cannot listen on %s:%s", host, port);
    }
    struct sockaddr_storage taken;
    socklen_t size = sizeof taken;
    require(getsockname(api->listen_fd, (struct sockaddr *)&taken, &size) == 0);
    require(getnameinfo((struct sockaddr *)&taken, size, NULL, 0, port, sizeof port,
                        NI_NUMERICSERV) == 0);
    bool colons = strchr(host, ':') != NULL;
    (void)snprintf(api->url, sizeof api->url, colons ? "http://[%.90s]:%s" : "http://%.90s:%s",
                   host, port);
    return STATUS_OK;
}

/* Escapes in the path and the query are undone by us. */
static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text) {
    (void)cls;
    (void)connection;
    return strlen(text);
}

static void log_from_library(void *cls, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void log_from_library(void *cls, const char *format, va_list arguments) {
    char text[256];
    (void)cls;
    (void)vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http server", "says=%s", log_quote(text_from(text)));
}

static enum status start_daemon(struct api *api, struct error *error) {
    const struct config_limits *limits = &api->config->limits;
    unsigned threads = api->options.threads > 0 ? api->options.threads : DEFAULT_THREADS;
    size_t memory = (size_t)limits->header_bytes + CONNECTION_MEMORY_LEAST;
    /* Ours is the limit that counts (connections.c): the library's only leaves room to keep it. */
    unsigned connections = 2 * (unsigned)limits->connections + 64;
    unsigned timeout_s = (unsigned)(limits->request_timeout_us / US_PER_SECOND);
    api->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
            MHD_USE_TURBO,
        0, NULL, NULL, server_serve, api, MHD_OPTION_EXTERNAL_LOGGER, log_from_library, NULL,
        MHD_OPTION_LISTEN_SOCKET, api->listen_fd, MHD_OPTION_THREAD_POOL_SIZE,
        threads > 1 ? threads : 0, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, CONNECTION_MEMORY_LEAST / 2,
        MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_TIMEOUT,
        timeout_s > 0 ? timeout_s : 1, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, server_completed, api, MHD_OPTION_NOTIFY_CONNECTION,
        connections_notify, api->connections, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (api->daemon == NULL) {
        return error_set(error, STATUS_INTERNAL, "the HTTP server could not be started");
    }
    api->listen_fd = -1; /* the library's now */
    return STATUS_OK;
}

static void api_free(struct api *api) {
    if (api->listen_fd >= 0) {
        (void)close(api->listen_fd);
    }
    workers_free(api->workers);
    workers_free(api->long_workers);
    events_free(api->events);
    connections_free(api->connections);
    auth_free(api->auth);
    counters_deinit(&api->counters);
    while (api->free_requests != NULL) {
        struct request *r = api->free_requests;
        api->free_requests = r->next_free;
        arena_deinit(&r->arena);
        buffer_deinit(&r->out);
        buffer_deinit(&r->body);
        (void)pthread_mutex_destroy(&r->lock);
        free(r);
    }
    (void)pthread_mutex_destroy(&api->free_lock);
    free(api);
}

enum status api_start(const struct api_options *options, struct api **api_out,
                      struct error *error) {
    struct api *api = memory_alloc_zero(1, sizeof *api);
    api->options = *options;
    api->hub = options->hub;
    api->config = options->config;
    api->listen_fd = -1;
    /* Microseconds outrun the number of requests, so a number never comes again. */
    atomic_init(&api->next_request, (uint64_t)hub_now_us(api->hub));
    require(pthread_mutex_init(&api->free_lock, NULL) == 0);
    counters_init(&api->counters);
    raise_file_limit(2 * api->config->limits.connections);
    enum status status = auth_new(api->hub, api->config->data, &api->auth, error);
    if (status == STATUS_OK) {
        status = open_socket(api, error);
    }
    if (status == STATUS_OK) {
        api->workers = workers_new(WORKERS, "api-worker");
        api->long_workers = workers_new(LONG_WORKERS, "api-long");
        api->connections = connections_new(&api->config->limits);
        api->events = events_new(api);
        status = start_daemon(api, error);
    }
    if (status != STATUS_OK) {
        if (api->events != NULL) {
            events_stop(api->events);
        }
        api_free(api);
        return status;
    }
    *api_out = api;
    return STATUS_OK;
}

const char *api_url(const struct api *api) {
    return api->url;
}

void api_quiesce(struct api *api) {
    if (!atomic_exchange(&api->quiesced, true)) {
        events_stop(api->events);
    }
}

/* What is being worked on is answered first; what only takes long is cut off. */
void api_stop(struct api *api) {
    if (api == NULL) {
        return;
    }
    api_quiesce(api);
    int64_t until_us = monotonic_us() + STOP_PATIENCE_US;
    while (atomic_load(&api->counters.in_flight) > 0 && monotonic_us() < until_us) {
        (void)usleep(2000);
    }
    int fd = MHD_quiesce_daemon(api->daemon);
    workers_stop(api->workers); /* and turn away what a request still sends them */
    workers_stop(api->long_workers);
    atomic_store(&api->stopping, true);
    MHD_stop_daemon(api->daemon);
    if (fd >= 0) {
        (void)close(fd);
    }
    api_free(api);
}
