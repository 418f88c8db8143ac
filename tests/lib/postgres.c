/* See postgres.h. */
#include "lib/postgres.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

struct postgres {
    pid_t pid;
    FILE *orders, *answers;
    char url[256]; /* of the first database */
};

/* The next line; false when there will be none. */
static bool read_answer(struct postgres *server, char *line, size_t size) {
    if (fgets(line, (int)size, server->answers) == NULL) {
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    return true;
}

_Noreturn static void become_helper(const char *const *settings) {
    const char *helpers = getenv("ONHAND_HELPERS");
    struct buffer program = {0};
    char *line[64] = {"postgres"};
    size_t count = 1;
    buffer_append_format(&program, "%s/postgres", helpers != NULL ? helpers : "build/tests");
    for (; settings != NULL && *settings != NULL && count < 61; settings++) {
        struct buffer setting = {0};
        buffer_append_string(&setting, *settings);
        line[count++] = "--set";
        line[count++] = setting.data;
    }
    (void)execv(program.data, line);
    perror(program.data);
    _exit(1);
}

struct postgres *postgres_start(const char *const *settings) {
    struct postgres *server = memory_alloc_zero(1, sizeof *server);
    int orders[2], answers[2], status = 0;
    require(pipe2(orders, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0);
    (void)fflush(NULL);
    server->pid = fork();
    require(server->pid >= 0);
    if (server->pid == 0) {
        (void)dup2(orders[0], STDIN_FILENO);
        (void)dup2(answers[1], STDOUT_FILENO);
        become_helper(settings);
    }
    (void)close(orders[0]);
    (void)close(answers[1]);
    server->orders = fdopen(orders[1], "w");
    server->answers = fdopen(answers[0], "r");
    require(server->orders != NULL && server->answers != NULL);
    if (read_answer(server, server->url, sizeof server->url)) {
        return server;
    }
    (void)waitpid(server->pid, &status, 0);
    require(WIFEXITED(status) && WEXITSTATUS(status) == POSTGRES_SKIP);
    (void)fclose(server->orders);
    (void)fclose(server->answers);
    free(server);
    return NULL;
}

void postgres_free(struct postgres *server) {
    if (server == NULL) {
        return;
    }
    (void)fclose(server->orders);
    (void)waitpid(server->pid, NULL, 0);
    (void)fclose(server->answers);
    free(server);
}

static void give_order(struct postgres *server, const char *order, char *answer, size_t size) {
    (void)fprintf(server->orders, "%s\n", order);
    require(fflush(server->orders) == 0);
    require(read_answer(server, answer, size));
}

char *postgres_url(const struct postgres *server) {
    struct buffer url = {0};
    buffer_append_string(&url, server->url);
    return url.data;
}

char *postgres_new_database(struct postgres *server) {
    char url[256];
    struct buffer copy = {0};
    give_order(server, "database", url, sizeof url);
    require(strncmp(url, "postgresql://", 13) == 0);
    buffer_append_string(&copy, url);
    return copy.data;
}

void postgres_order(struct postgres *server, const char *order) {
    char answer[256];
    give_order(server, order, answer, sizeof answer);
    require(strncmp(answer, order, 4) == 0); /* stopped, crashed, started */
}
