/* The terminal by ANSI sequences, termios and a signalfd. */
#include "cli/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/status.h"

#define ENTER "\033[?1049h\033[?25l\033[?7l" /* alternate screen, no cursor, no wrapping */
#define LEAVE "\033[?7h\033[?25h\033[?1049l"
#define CTRL_L '\f'
#define WIDTH_MAX 1000u

struct screen {
    struct termios before;
    sigset_t mask_before;
    int signals_fd;
    bool taken;
    struct buffer *lines; /* as they stand on the terminal */
    size_t line_count;
    bool whole; /* the terminal may show anything: draw all of it */
};

static void put(const struct buffer *out) {
    for (size_t done = 0; done < out->length;) {
        ssize_t n = write(STDOUT_FILENO, out->data + done, out->length - done);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return; /* the terminal is gone; a signal or the end of the keys tells */
        done += n > 0 ? (size_t)n : 0;
    }
}

static void put_string(const char *string) {
    struct buffer out = {0};
    buffer_append_string(&out, string);
    put(&out);
    buffer_deinit(&out);
}

static void take(struct screen *screen) {
    struct termios raw = screen->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    put_string(ENTER);
    screen->taken = screen->whole = true;
}

static void give_back(struct screen *screen) {
    if (!screen->taken)
        return;
    put_string(LEAVE);
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &screen->before);
    screen->taken = false;
}

struct screen *screen_open(void) {
    static const int wanted[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
    const char *type = getenv("TERM");
    struct termios before;
    bool dumb = type == NULL || type[0] == '\0' || strcmp(type, "dumb") == 0;
    if (dumb || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0)
        return NULL;
    struct screen *screen = memory_alloc_zero(1, sizeof *screen);
    screen->before = before;
    sigset_t signals;
    (void)sigemptyset(&signals);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        (void)sigaddset(&signals, wanted[i]);
    require(sigprocmask(SIG_BLOCK, &signals, &screen->mask_before) == 0);
    screen->signals_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    require(screen->signals_fd >= 0);
    take(screen);
    return screen;
}

static void forget_lines(struct screen *screen) {
    for (size_t i = 0; i < screen->line_count; i++)
        buffer_deinit(&screen->lines[i]);
    free(screen->lines);
    screen->lines = NULL;
    screen->line_count = 0;
}

void screen_close(struct screen *screen) {
    if (screen == NULL)
        return;
    give_back(screen);
    (void)close(screen->signals_fd);
    (void)sigprocmask(SIG_SETMASK, &screen->mask_before, NULL);
    forget_lines(screen);
    free(screen);
}

int screen_keys_fd(const struct screen *screen) {
    (void)screen;
    return STDIN_FILENO;
}

int screen_signals_fd(const struct screen *screen) {
    return screen->signals_fd;
}

/* Ctrl-Z: the shell gets its terminal back until `fg`. */
static void go_to_background(struct screen *screen) {
    give_back(screen);
    (void)raise(SIGSTOP);
    take(screen);
}

static bool read_signals(struct screen *screen) {
    struct signalfd_siginfo info;
    bool end = false;
    while (read(screen->signals_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGWINCH)
            screen->whole = true;
        else if (info.ssi_signo == SIGTSTP)
            go_to_background(screen);
        else
            end = true;
    }
    return end;
}

/* A terminal that hung up is ready to be read for ever. */
static bool is_gone(void) {
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

bool screen_should_end(struct screen *screen) {
    char keys[64];
    bool end = read_signals(screen) || is_gone();
    ssize_t n = read(STDIN_FILENO, keys, sizeof keys);
    if (n < 0)
        return end || (errno != EINTR && errno != EAGAIN);
    for (ssize_t i = 0; i < n; i++) {
        end = end || keys[i] == 'q' || keys[i] == 'Q';
        screen->whole = screen->whole || keys[i] == CTRL_L;
    }
    return end;
}

bool screen_is_stale(const struct screen *screen) {
    return screen->whole;
}

static unsigned within(unsigned long value, unsigned otherwise) {
    return value == 0 || value > WIDTH_MAX ? otherwise : (unsigned)value;
}

void screen_size(const struct screen *screen, unsigned *width_out, unsigned *height_out) {
    struct winsize size = {0};
    (void)screen;
    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    *width_out = within(size.ws_col, 80);
    *height_out = within(size.ws_row, 24);
}

void screen_show(struct screen *screen, const struct picture *picture) {
    unsigned width, height;
    screen_size(screen, &width, &height);
    struct buffer out = {0};
    if (screen->whole || screen->line_count != height) {
        forget_lines(screen);
        screen->lines = memory_alloc_zero(height, sizeof *screen->lines);
        screen->line_count = height;
        buffer_append_string(&out, "\033[2J");
        screen->whole = false;
    }
    for (size_t i = 0; i < height; i++) {
        const char *line = i < picture->count ? picture_line(picture, i) : "";
        struct buffer *shown = &screen->lines[i];
        if (text_equal_string(buffer_text(shown), line))
            continue;
        buffer_append_format(&out, "\033[%zu;1H", i + 1);
        buffer_append_string(&out, line);
        buffer_append_string(&out, "\033[K");
        buffer_clear(shown);
        buffer_append_string(shown, line);
    }
    put(&out);
    buffer_deinit(&out);
}

unsigned terminal_width(unsigned otherwise) {
    struct winsize size = {0};
    const char *columns = getenv("COLUMNS");
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return within(size.ws_col, otherwise);
    return columns != NULL ? within(strtoul(columns, NULL, 10), otherwise) : otherwise;
}

bool terminal_has_colours(void) {
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}
