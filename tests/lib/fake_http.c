/* Threads and blocking sockets: a test that hangs shows where. Every connection's socket is known
 * to the server, so that closing it ends whatever the thread waits for. */
#include "lib/fake_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/status.h"

#define CONNECTIONS_MAX 256
#define REQUESTS_MAX 4096
#define ANSWERS_MAX 256
#define REQUEST_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct connection {
    struct fake_http *server;
    pthread_t thread;
    int fd;
    SSL *tls; /* NULL: plain */
    unsigned number;
};

struct fake_http {
    struct fake_http_options options;
    char url[64];
    unsigned port;
    int listener;
    SSL_CTX *tls;
    pthread_t thread;
    pthread_mutex_t lock; /* all that follows */
    bool stopping;
    struct connection connections[CONNECTIONS_MAX];
    unsigned connection_count;
    struct fake_request *requests[REQUESTS_MAX];
    size_t request_count;
    struct fake_answer answers[ANSWERS_MAX];
    size_t answer_count, answers_used;
};

static bool is_stopping(struct fake_http *server) {
    (void)pthread_mutex_lock(&server->lock);
    bool stopping = server->stopping;
    (void)pthread_mutex_unlock(&server->lock);
    return stopping;
}

/* ---- bytes in and out ---- */

static bool send_all(struct connection *connection, const char *data, size_t length) {
    while (length > 0) {
        ssize_t sent = connection->tls != NULL
                           ? SSL_write(connection->tls, data, length > 16384 ? 16384 : (int)length)
                           : send(connection->fd, data, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool receive(struct connection *connection, struct buffer *in) {
    char block[16384];
    ssize_t got = connection->tls != NULL ? SSL_read(connection->tls, block, sizeof block)
                                          : recv(connection->fd, block, sizeof block, 0);
    if (got <= 0 || in->length > REQUEST_BYTES_MAX)
        return false;
    buffer_append(in, block, (size_t)got);
    return true;
}

/* ---- a request ---- */

struct text fake_request_header(const struct fake_request *request, const char *name) {
    const char *line = strstr(request->raw, "\r\n");
    size_t length = strlen(name);
    while (line != NULL && strncmp(line, "\r\n\r\n", 4) != 0) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *end = strstr(line, "\r\n");
            struct text value = {line + length + 1, (size_t)(end - line) - length - 1};
            return text_trim(value);
        }
        line = strstr(line, "\r\n");
    }
    return (struct text){NULL, 0};
}

static void split_request(struct fake_request *request) {
    const char *blank = strchr(request->raw, ' ');
    const char *second = blank != NULL ? strchr(blank + 1, ' ') : NULL;
    const char *end = strstr(request->raw, "\r\n\r\n");
    if (second != NULL) {
        request->method = (struct text){request->raw, (size_t)(blank - request->raw)};
        request->target = (struct text){blank + 1, (size_t)(second - blank) - 1};
    }
    if (end != NULL) {
        size_t head = (size_t)(end - request->raw) + 4;
        request->body = (struct text){request->raw + head, request->length - head};
    }
}

/* Takes one whole request from *in (which may hold the next one's beginning). */
static struct fake_request *read_request(struct connection *connection, struct buffer *in) {
    size_t whole = 0;
    for (;;) {
        const char *end = in->length > 0 ? strstr(in->data, "\r\n\r\n") : NULL;
        if (end != NULL) {
            struct fake_request head = {.raw = in->data};
            struct text length = fake_request_header(&head, "content-length");
            whole = (size_t)(end - in->data) + 4;
            whole += length.length > 0 ? strtoul(length.data, NULL, 10) : 0;
            if (in->length >= whole)
                break;
        }
        if (!receive(connection, in))
            return NULL;
    }
    struct fake_request *request = memory_alloc_zero(1, sizeof *request);
    request->raw = memory_alloc(whole + 1);
    memcpy(request->raw, in->data, whole);
    request->raw[whole] = '\0';
    request->length = whole;
    request->connection = connection->number;
    split_request(request);
    buffer_consume(in, whole);
    if (in->data != NULL)
        in->data[in->length] = '\0';
    return request;
}

/* ---- an answer ---- */

static void wait_for_end(struct connection *connection) {
    struct buffer ignored = {0};
    while (receive(connection, &ignored))
        buffer_clear(&ignored);
    buffer_deinit(&ignored);
}

static bool act(struct connection *connection, const struct fake_answer *answer) {
    size_t length = answer->length;
    if (length == 0 && answer->raw != NULL)
        length = strlen(answer->raw);
    if (!send_all(connection, answer->raw, length))
        return false;
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    size_t at = 0;
    switch (answer->then) {
    case FAKE_KEEP:
        return true;
    case FAKE_CLOSE:
        return false;
    case FAKE_RESET:
        (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        return false;
    case FAKE_STALL:
        wait_for_end(connection);
        return false;
    case FAKE_ENDLESS:
        while (send_all(connection, answer->more, strlen(answer->more)))
            continue;
        return false;
    case FAKE_DRIP:
        while (!is_stopping(connection->server) &&
               send_all(connection, answer->more + at++ % strlen(answer->more), 1))
            (void)usleep(100000);
        return false;
    }
    return false;
}

static bool answer_request(struct connection *connection, const struct fake_request *request) {
    struct fake_http *server = connection->server;
    static const struct fake_answer plain = {.raw =
                                                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
    struct fake_answer answer = plain;
    (void)pthread_mutex_lock(&server->lock);
    bool scripted = server->answers_used < server->answer_count;
    if (scripted)
        answer = server->answers[server->answers_used++];
    (void)pthread_mutex_unlock(&server->lock);
    if (scripted || server->options.handle == NULL)
        return act(connection, &answer);
    struct buffer raw = {0};
    bool keep = server->options.handle(server->options.context, request, &raw);
    keep = send_all(connection, raw.data, raw.length) && keep;
    buffer_deinit(&raw);
    return keep;
}

/* ---- connections ---- */

static void keep_request(struct fake_http *server, struct fake_request *request) {
    (void)pthread_mutex_lock(&server->lock);
    require(server->request_count < REQUESTS_MAX);
    server->requests[server->request_count++] = request;
    (void)pthread_mutex_unlock(&server->lock);
}

static void *serve_connection(void *context) {
    struct connection *connection = context;
    struct buffer in = {0};
    bool going_on = connection->tls == NULL || SSL_accept(connection->tls) == 1;
    while (going_on) {
        struct fake_request *request = read_request(connection, &in);
        if (request == NULL)
            break;
        keep_request(connection->server, request);
        going_on = answer_request(connection, request);
    }
    if (connection->tls != NULL)
        (void)SSL_shutdown(connection->tls);
    (void)pthread_mutex_lock(&connection->server->lock);
    (void)close(connection->fd);
    connection->fd = -1;
    (void)pthread_mutex_unlock(&connection->server->lock);
    SSL_free(connection->tls);
    buffer_deinit(&in);
    return NULL;
}

static void *accept_connections(void *context) {
    struct fake_http *server = context;
    for (;;) {
        struct pollfd ready = {server->listener, POLLIN, 0};
        (void)poll(&ready, 1, 20);
        (void)pthread_mutex_lock(&server->lock);
        bool stopping = server->stopping;
        int fd =
            !stopping && (ready.revents & POLLIN) != 0 ? accept(server->listener, NULL, NULL) : -1;
        if (fd >= 0) {
            require(server->connection_count < CONNECTIONS_MAX);
            struct connection *connection = &server->connections[server->connection_count++];
            *connection =
                (struct connection){.server = server, .fd = fd, .number = server->connection_count};
            if (server->tls != NULL) {
                connection->tls = SSL_new(server->tls);
                require(connection->tls != NULL && SSL_set_fd(connection->tls, fd) == 1);
            }
            require(pthread_create(&connection->thread, NULL, serve_connection, connection) == 0);
        }
        (void)pthread_mutex_unlock(&server->lock);
        if (stopping)
            return NULL;
    }
}

/* ---- TLS ---- */

static void add_extension(X509 *certificate, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    require(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static SSL_CTX *make_tls(const struct fake_http_options *options) {
    int64_t expires_s = options->certificate_expires_s;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    require(key != NULL && certificate != NULL);
    X509_NAME *name = X509_get_subject_name(certificate);
    require(X509_set_version(certificate, X509_VERSION_3) == 1 &&
            ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
            X509_gmtime_adj(X509_getm_notBefore(certificate), -172800) != NULL &&
            X509_gmtime_adj(X509_getm_notAfter(certificate),
                            (long)(expires_s != 0 ? expires_s : 86400)) != NULL &&
            X509_set_pubkey(certificate, key) == 1 &&
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                       (const unsigned char *)"onhand test", -1, -1, 0) == 1 &&
            X509_set_issuer_name(certificate, name) == 1);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    require(X509_sign(certificate, key, EVP_sha256()) > 0);
    FILE *file = fopen(options->certificate_file, "w");
    require(file != NULL && PEM_write_X509(file, certificate) == 1 && fclose(file) == 0);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    require(tls != NULL && SSL_CTX_use_certificate(tls, certificate) == 1 &&
            SSL_CTX_use_PrivateKey(tls, key) == 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls;
}

/* ---- the server ---- */

struct fake_http *fake_http_new(const struct fake_http_options *options) {
    struct fake_http *server = memory_alloc_zero(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    (void)signal(SIGPIPE, SIG_IGN); /* TLS writes without MSG_NOSIGNAL */
    if (options != NULL)
        server->options = *options;
    if (server->options.certificate_file != NULL)
        server->tls = make_tls(&server->options);
    (void)pthread_mutex_init(&server->lock, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(server->listener >= 0 &&
            bind(server->listener, (const struct sockaddr *)&address, sizeof address) == 0 &&
            listen(server->listener, 64) == 0 &&
            getsockname(server->listener, (struct sockaddr *)&address, &length) == 0);
    server->port = ntohs(address.sin_port);
    (void)snprintf(server->url, sizeof server->url, "%s://127.0.0.1:%u",
                   server->tls != NULL ? "https" : "http", server->port);
    require(pthread_create(&server->thread, NULL, accept_connections, server) == 0);
    return server;
}

void fake_http_free(struct fake_http *server) {
    if (server == NULL)
        return;
    (void)pthread_mutex_lock(&server->lock);
    server->stopping = true;
    for (unsigned i = 0; i < server->connection_count; i++) {
        if (server->connections[i].fd >= 0)
            (void)shutdown(server->connections[i].fd, SHUT_RDWR);
    }
    (void)pthread_mutex_unlock(&server->lock);
    (void)pthread_join(server->thread, NULL);
    for (unsigned i = 0; i < server->connection_count; i++)
        (void)pthread_join(server->connections[i].thread, NULL);
    for (size_t i = 0; i < server->request_count; i++) {
        free(server->requests[i]->raw);
        free(server->requests[i]);
    }
    (void)close(server->listener);
    SSL_CTX_free(server->tls);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
}

const char *fake_http_url(const struct fake_http *server) {
    return server->url;
}

unsigned fake_http_port(const struct fake_http *server) {
    return server->port;
}

void fake_http_script(struct fake_http *server, const struct fake_answer *answers, size_t count) {
    (void)pthread_mutex_lock(&server->lock);
    require(server->answer_count + count <= ANSWERS_MAX);
    memcpy(server->answers + server->answer_count, answers, count * sizeof *answers);
    server->answer_count += count;
    (void)pthread_mutex_unlock(&server->lock);
}

size_t fake_http_request_count(struct fake_http *server) {
    (void)pthread_mutex_lock(&server->lock);
    size_t count = server->request_count;
    (void)pthread_mutex_unlock(&server->lock);
    return count;
}

unsigned fake_http_connection_count(struct fake_http *server) {
    (void)pthread_mutex_lock(&server->lock);
    unsigned count = server->connection_count;
    (void)pthread_mutex_unlock(&server->lock);
    return count;
}

unsigned fake_http_open_connections(struct fake_http *server) {
    unsigned open = 0;
    (void)pthread_mutex_lock(&server->lock);
    for (unsigned i = 0; i < server->connection_count; i++)
        open += server->connections[i].fd >= 0;
    (void)pthread_mutex_unlock(&server->lock);
    return open;
}

const struct fake_request *fake_http_request(struct fake_http *server, size_t index) {
    (void)pthread_mutex_lock(&server->lock);
    const struct fake_request *request =
        index < server->request_count ? server->requests[index] : NULL;
    (void)pthread_mutex_unlock(&server->lock);
    return request;
}
