/* The hub that a bench puts a load on: the program itself, on a directory and a port of its own. */
#ifndef ONHAND_BENCH_HTTP_HUB_H
#define ONHAND_BENCH_HTTP_HUB_H

#include "http_client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define READY_TIMEOUT_MS 30000

static struct http_target target;
static pid_t hub_pid;
static char data_directory[300], log_path[320];
static char config_path[320]; /* "": none */

/* ---- the hub ---- */

static inline void print_log(void) {
    FILE *log = fopen(log_path, "r");
    char line[500];
    while (log != NULL && fgets(line, sizeof line, log) != NULL)
        fputs(line, stderr);
    if (log != NULL)
        fclose(log);
}

/* Also after a bench that failed: then what the hub had to say is worth reading. */
static inline void end_hub(void) {
    if (hub_pid <= 0)
        return;
    kill(hub_pid, SIGKILL);
    waitpid(hub_pid, NULL, 0);
    print_log();
}

static inline void stop_hub(void) {
    int status = 0;
    kill(hub_pid, SIGTERM);
    if (waitpid(hub_pid, &status, 0) != hub_pid || status != 0)
        bench_fail("the hub did not end well", NULL);
    hub_pid = 0;
}

static inline int free_port(void) {
    uint64_t random = (uint64_t)monotonic_us() | 1;
    for (int attempt = 0; attempt < 100; attempt++) {
        int port = 20000 + (int)(bench_random(&random) % 12000);
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
        if (is_free)
            return port;
    }
    bench_fail("no free port", NULL);
}

static inline _Noreturn void become_hub(int out) {
    const char *binary = getenv("ONHAND_BINARY");
    char listen[32];
    int log = open(log_path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    snprintf(listen, sizeof listen, "127.0.0.1:%d", target.port);
    dup2(out, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    binary = binary != NULL ? binary : "build/onhand";
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not outlive a bench that is interrupted */
    if (config_path[0] != '\0')
        execl(binary, binary, "serve", "--data", data_directory, "--listen", listen, "--config",
              config_path, (char *)NULL);
    else
        execl(binary, binary, "serve", "--data", data_directory, "--listen", listen, (char *)NULL);
    dprintf(STDERR_FILENO, "%s: %s\n", binary, strerror(errno));
    _exit(127);
}

static inline void read_token(void) {
    char path[330];
    snprintf(path, sizeof path, "%s/admin.token", data_directory);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%199s", target.token) != 1)
        bench_fail(path, NULL);
    fclose(file);
}

static inline void start_hub(const char *directory) {
    int ends[2];
    char line[200] = "";
    snprintf(data_directory, sizeof data_directory, "%s/data", directory);
    snprintf(log_path, sizeof log_path, "%s/hub.log", directory);
    target.port = free_port();
    if (pipe2(ends, O_CLOEXEC) != 0)
        bench_fail("pipe", NULL);
    hub_pid = fork();
    if (hub_pid == 0)
        become_hub(ends[1]);
    atexit(end_hub);
    close(ends[1]);
    struct pollfd ready = {.fd = ends[0], .events = POLLIN};
    if (hub_pid < 0 || poll(&ready, 1, READY_TIMEOUT_MS) != 1 ||
        read(ends[0], line, sizeof line - 1) <= 0 || strncmp(line, "onhand: ready ", 14) != 0)
        bench_fail("the hub did not get ready", NULL);
    close(ends[0]);
    read_token();
}

/* utime and stime are the 12th and 13th words after the name, which is in brackets. */
static inline double hub_cpu_seconds(void) {
    char path[64], line[1000] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)hub_pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL)
        bench_fail(path, NULL);
    fclose(file);
    char *word = strrchr(line, ')');
    for (int i = 0; i < 12 && word != NULL; i++)
        word = strchr(word + 1, ' ');
    if (word == NULL)
        bench_fail(path, NULL);
    unsigned long user = strtoul(word, &word, 10), system = strtoul(word, NULL, 10);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

#endif
