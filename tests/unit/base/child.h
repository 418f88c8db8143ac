/* Runs a function in a child process and keeps what it says on stderr: for what ends the process
 * and for what is written out. */
#ifndef ONHAND_TESTS_UNIT_BASE_CHILD_H
#define ONHAND_TESTS_UNIT_BASE_CHILD_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    int wait_status;
    size_t length;
    char said[16384]; /* NUL-terminated */
};

static inline void child_run(struct child *child, void (*body)(void *), void *context) {
    int ends[2];
    if (pipe(ends) != 0) {
        abort();
    }
    (void)fflush(NULL); /* or the child's exit would say it again */
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        body(context);
        exit(0); /* not _exit: where coverage is measured, a child's lines count too */
    }
    (void)close(ends[1]);
    child->length = 0;
    ssize_t got;
    while ((got = read(ends[0], child->said + child->length,
                       sizeof child->said - 1 - child->length)) > 0) {
        child->length += (size_t)got;
    }
    child->said[child->length] = '\0';
    (void)close(ends[0]);
    (void)waitpid(pid, &child->wait_status, 0);
}

#endif
