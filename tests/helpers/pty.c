/* Runs a program in a terminal of its own and passes on what goes in and out, so that a test can be
 * the person in front of it: pty COLUMNS ROWS PROGRAM [ARGUMENT...].
 *
 * What it reads from stdin is typed, but for ESC R COLUMNS ';' ROWS CR, which gives the terminal
 * another size. It ends as the program does, and the program ends with it. At the end it says on
 * stderr whether the terminal was given back as it was. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    exit(125);
}

static void set_size(int terminal, unsigned columns, unsigned rows) {
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    if (ioctl(terminal, TIOCSWINSZ, &size) != 0)
        fail("TIOCSWINSZ");
}

static void become(int slave, char **argv) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) != 0)
        fail("the terminal cannot be taken");
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(slave, fd);
    (void)execvp(argv[0], argv);
    fail(argv[0]);
}

static void write_all(int fd, const char *data, size_t length) {
    while (length > 0) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno != EINTR)
            return;
        data += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
}

/* One read of the test's: a resize or keys, never both at once. */
static bool pass_in(int terminal) {
    char text[256];
    unsigned columns, rows;
    ssize_t n = read(STDIN_FILENO, text, sizeof text - 1);
    if (n <= 0)
        return false;
    text[n] = '\0';
    if (sscanf(text, "\033R%u;%u\r", &columns, &rows) == 2)
        set_size(terminal, columns, rows);
    else
        write_all(terminal, text, (size_t)n);
    return true;
}

static bool pass_out(int terminal) {
    char text[4096];
    ssize_t n = read(terminal, text, sizeof text);
    if (n > 0)
        write_all(STDOUT_FILENO, text, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

int main(int argc, char **argv) {
    if (argc < 4) {
        (void)fprintf(stderr, "usage: pty COLUMNS ROWS PROGRAM [ARGUMENT...]\n");
        return 125;
    }
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0)
        fail("posix_openpt");
    int slave = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    struct termios before, after;
    if (slave < 0 || tcgetattr(slave, &before) != 0)
        fail("open");
    set_size(terminal, (unsigned)atoi(argv[1]), (unsigned)atoi(argv[2]));
    pid_t child = fork();
    if (child == 0)
        become(slave, argv + 3);
    int status = 0;
    bool in = true;
    while (waitpid(child, &status, WNOHANG) == 0) {
        struct pollfd fds[2] = {{.fd = terminal, .events = POLLIN},
                                {.fd = in ? STDIN_FILENO : -1, .events = POLLIN}};
        (void)poll(fds, 2, 50);
        if ((fds[0].revents & POLLIN) != 0)
            (void)pass_out(terminal);
        if (fds[1].revents != 0)
            in = pass_in(terminal);
    }
    struct pollfd rest = {.fd = terminal, .events = POLLIN};
    while (poll(&rest, 1, 0) > 0 && (rest.revents & POLLIN) != 0 && pass_out(terminal)) {
    }
    bool same = tcgetattr(slave, &after) == 0 && before.c_lflag == after.c_lflag &&
                before.c_iflag == after.c_iflag && before.c_oflag == after.c_oflag;
    (void)fprintf(stderr, "terminal %s\n", same ? "restored" : "left changed");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
