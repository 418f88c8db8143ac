/* A PostgreSQL server of a test's own: real, from the system's packages, and gone with the test.
 *
 *     postgres [--directory DIR] [--set NAME=VALUE]...
 *
 * The URL of an empty database is the first line on stdout; the server lives until stdin closes,
 * which also happens when whoever started it is killed. Lines on stdin are orders, each answered by
 * a line: `database` (a new empty one: its URL), `stop` (in good order), `crash` (at once, as from
 * a power cut), `start` (again, on the same port). Exits 77 where PostgreSQL is not installed.
 *
 * It listens on the loopback below port 32768 and in a directory of its own, asks everybody for the
 * password in the URL, and syncs as in production. The role `onhand` owns the databases; the role
 * `postgres`, with the same password, may do everything. PostgreSQL refuses to run as root, so root
 * runs it as the user postgres. No other server of the machine is touched. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOT_INSTALLED = 77, PATH_SIZE = 512, SETTING_COUNT = 32, PATIENCE_MS = 120000 };

struct server {
    char programs[PATH_SIZE];  /* where initdb, postgres and psql are */
    char directory[PATH_SIZE]; /* data, sockets and the log */
    char password[33];
    const char *settings[SETTING_COUNT];
    int setting_count;
    uid_t user;
    gid_t group;
    bool change_user;
    int port;
    pid_t pid; /* 0: not running */
    unsigned databases;
};

static void remove_directory(const char *directory);

__attribute__((format(printf, 2, 3))) _Noreturn static void give_up(struct server *server,
                                                                    const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("postgres: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    if (server->directory[0] != '\0') {
        char command[PATH_SIZE + 64];
        (void)snprintf(command, sizeof command, "tail -n 20 '%s/log' >&2", server->directory);
        (void)!system(command);
        if (server->pid > 0) {
            (void)kill(server->pid, SIGQUIT);
            (void)waitpid(server->pid, NULL, 0);
        }
        remove_directory(server->directory);
    }
    exit(1);
}

static void sleep_ms(long ms) {
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

/* DIRECTORY/NAME, in one of a few buffers that take turns. */
static const char *in(const char *directory, const char *name) {
    static char paths[4][2 * PATH_SIZE];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where) {
    (void)about, (void)type, (void)where;
    return remove(path);
}

static void remove_directory(const char *directory) {
    (void)nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- running programs ---- */

/* Starts a program as the server's user, with its words in the log; it ends when we do. */
static pid_t launch(struct server *server, const char **line) {
    char password[64], program[PATH_SIZE + 32];
    (void)snprintf(password, sizeof password, "PGPASSWORD=%s", server->password);
    (void)snprintf(program, sizeof program, "%s/%s", server->programs, line[0]);
    char *environment[] = {password, "LC_ALL=C.UTF-8", "TZ=UTC", "PATH=/usr/bin:/bin", NULL};
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    int nothing = open("/dev/null", O_RDONLY);
    int log = open(in(server->directory, "log"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (nothing < 0 || log < 0 || dup2(nothing, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 ||
        close_range(3, ~0U, 0) != 0 || chdir(server->directory) != 0) {
        _exit(1);
    }
    if (server->change_user && (setgid(server->group) != 0 || setuid(server->user) != 0)) {
        _exit(1);
    }
    /* After the change of user, which would undo it. */
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (getppid() != parent) {
        _exit(1);
    }
    line[0] = program; /* with its path: that is how initdb finds postgres */
    (void)execve(program, (char *const *)(uintptr_t)line, environment);
    _exit(1);
}

static bool succeeds(struct server *server, const char **line) {
    int status;
    pid_t pid = launch(server, line);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* Runs SQL as the superuser; from a file, as it may hold the password. */
__attribute__((format(printf, 2, 3))) static void run_sql(struct server *server, const char *format,
                                                          ...) {
    const char *path = in(server->directory, "orders.sql");
    char port[16], file[2 * PATH_SIZE], sockets[2 * PATH_SIZE];
    va_list arguments;
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        give_up(server, "writing %s: %s", path, strerror(errno));
    }
    va_start(arguments, format);
    (void)vfprintf(out, format, arguments);
    va_end(arguments);
    bool changed = fchmod(fileno(out), 0600) == 0 &&
                   (!server->change_user || fchown(fileno(out), server->user, server->group) == 0);
    if (fclose(out) != 0 || !changed) {
        give_up(server, "writing %s: %s", path, strerror(errno));
    }
    (void)snprintf(port, sizeof port, "%d", server->port);
    (void)snprintf(file, sizeof file, "%s", path);
    (void)snprintf(sockets, sizeof sockets, "%s", in(server->directory, "sockets"));
    const char *line[] = {"psql", "-X", "-q",       "-v", "ON_ERROR_STOP=1", "-h", sockets, "-p",
                          port,   "-U", "postgres", "-d", "postgres",        "-f", file,    NULL};
    if (!succeeds(server, line)) {
        give_up(server, "psql refused what it was told");
    }
}

/* ---- the server ---- */

static void find_programs(struct server *server) {
    const char *wanted = getenv("ONHAND_POSTGRES"); /* the directory of another installation */
    glob_t found = {0};
    if (wanted != NULL) {
        (void)snprintf(server->programs, sizeof server->programs, "%s", wanted);
    } else if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0) {
        (void)snprintf(server->programs, sizeof server->programs, "%s",
                       found.gl_pathv[found.gl_pathc - 1]);
    }
    globfree(&found);
    if (server->programs[0] == '\0' || access(in(server->programs, "postgres"), X_OK) != 0) {
        (void)fputs("postgres: PostgreSQL is not installed here (apt-get install postgresql-15): "
                    "what needs it is skipped\n",
                    stderr);
        exit(NOT_INSTALLED);
    }
}

static void find_user(struct server *server) {
    if (geteuid() != 0) {
        return;
    }
    /* There is but one thread here. */
    const struct passwd *user = getpwnam("postgres"); // cppcheck-suppress getpwnamCalled
    if (user == NULL) {
        user = getpwnam("nobody"); // cppcheck-suppress getpwnamCalled
    }
    if (user == NULL) {
        give_up(server, "PostgreSQL refuses to run as root, and there is no user postgres");
    }
    server->user = user->pw_uid;
    server->group = user->pw_gid;
    server->change_user = true;
}

/* Whether the server's user can get into `directory`: a parent may be closed to it. */
static bool can_enter(struct server *server, const char *directory) {
    int status = 1;
    pid_t pid = fork();
    if (pid == 0) {
        if (server->change_user && (setgid(server->group) != 0 || setuid(server->user) != 0)) {
            _exit(1);
        }
        _exit(chdir(directory) == 0 ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static bool make_directory_in(struct server *server, const char *parent) {
    (void)snprintf(server->directory, sizeof server->directory, "%s/onhand-postgres.XXXXXX",
                   parent);
    if (mkdtemp(server->directory) == NULL) {
        server->directory[0] = '\0';
        return false;
    }
    if (server->change_user && chown(server->directory, server->user, server->group) != 0) {
        give_up(server, "%s: %s", server->directory, strerror(errno));
    }
    if (can_enter(server, server->directory)) {
        return true;
    }
    (void)rmdir(server->directory);
    server->directory[0] = '\0';
    return false;
}

static void make_directory(struct server *server, const char *wanted) {
    const char *parents[] = {wanted, getenv("TMPDIR"), "/tmp"};
    for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
        if (parents[i] != NULL && make_directory_in(server, parents[i])) {
            return;
        }
    }
    give_up(server, "no directory can be made in $TMPDIR or /tmp");
}

static bool port_is_free(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_free = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_free;
}

/* Below 32768 the system hands out no ports by itself, so that it is free after a crash too. */
static int pick_port(struct server *server) {
    for (int i = 0; i < 200; i++) {
        uint32_t random = 0;
        (void)!getrandom(&random, sizeof random, 0);
        int port = 12000 + (int)(random % 20000);
        if (port_is_free(port)) {
            return port;
        }
    }
    give_up(server, "no port is free below 32768");
}

static void write_password(struct server *server) {
    unsigned char random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        give_up(server, "no random numbers");
    }
    for (size_t i = 0; i < sizeof random; i++) {
        (void)snprintf(server->password + 2 * i, 3, "%02x", random[i]);
    }
    const char *path = in(server->directory, "password");
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, server->password, 32) != 32 ||
        (server->change_user && fchown(fd, server->user, server->group) != 0) || close(fd) != 0) {
        give_up(server, "writing %s: %s", path, strerror(errno));
    }
}

static void create_cluster(struct server *server) {
    const char *line[] = {"initdb",
                          "-D",
                          "data",
                          "--no-sync",
                          "--no-instructions",
                          "--username=postgres",
                          "--pwfile=password",
                          "--auth=scram-sha-256",
                          "--encoding=UTF8",
                          "--locale=C.UTF-8",
                          NULL};
    if (!succeeds(server, line)) {
        give_up(server, "initdb failed");
    }
    if (mkdir(in(server->directory, "sockets"), 0700) != 0 ||
        (server->change_user &&
         chown(in(server->directory, "sockets"), server->user, server->group) != 0)) {
        give_up(server, "making a directory for sockets: %s", strerror(errno));
    }
    FILE *out = fopen(in(server->directory, "data/postgresql.conf"), "a");
    if (out == NULL) {
        give_up(server, "configuring: %s", strerror(errno));
    }
    (void)fprintf(out,
                  "listen_addresses = '127.0.0.1'\nunix_socket_directories = '%s'\n"
                  "jit = off\nautovacuum_naptime = 10s\nrecovery_init_sync_method = syncfs\n",
                  in(server->directory, "sockets"));
    for (int i = 0; i < server->setting_count; i++) {
        (void)fprintf(out, "%s\n", server->settings[i]);
    }
    if (fclose(out) != 0) {
        give_up(server, "configuring: %s", strerror(errno));
    }
}

/* The last line of postmaster.pid says how far it has come, and the first whose it is. */
static bool is_ready(struct server *server) {
    char text[1024];
    FILE *file = fopen(in(server->directory, "data/postmaster.pid"), "r");
    if (file == NULL) {
        return false;
    }
    size_t length = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    return strtol(text, NULL, 10) == server->pid && strstr(text, "\nready") != NULL;
}

/* Starts it; false when it ended instead, as when another program took the port. */
static bool try_start(struct server *server) {
    char port[16];
    (void)snprintf(port, sizeof port, "%d", server->port);
    const char *line[] = {"postgres", "-D", "data", "-p", port, NULL};
    server->pid = launch(server, line);
    for (int ms = 0; server->pid > 0 && ms < PATIENCE_MS; ms += 10) {
        if (is_ready(server)) {
            return true;
        }
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            server->pid = 0;
            return false;
        }
        sleep_ms(10);
    }
    give_up(server, "the server does not become ready");
}

static void start(struct server *server) {
    /* What a crashed server leaves of its memory may take a moment to go. */
    for (int i = 0; server->pid == 0 && !try_start(server); i++) {
        if (i == 20) {
            give_up(server, "the server does not start");
        }
        sleep_ms(100);
    }
}

static void end(struct server *server, int signal) {
    if (server->pid == 0) {
        return;
    }
    (void)kill(server->pid, signal);
    for (int ms = 0; ms < PATIENCE_MS; ms += 5) {
        if (waitpid(server->pid, NULL, WNOHANG) != 0) {
            server->pid = 0;
            return;
        }
        sleep_ms(5);
    }
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

static void say_url(struct server *server) {
    (void)printf("postgresql://onhand:%s@127.0.0.1:%d/onhand%u\n", server->password, server->port,
                 server->databases);
}

static void make_database(struct server *server) {
    server->databases++;
    run_sql(server, "create database onhand%u owner onhand;\n", server->databases);
    say_url(server);
}

static void first_start(struct server *server) {
    server->port = pick_port(server);
    for (int i = 0; !try_start(server); i++) {
        if (i == 10) {
            give_up(server, "the server does not start");
        }
        server->port = pick_port(server);
    }
    run_sql(server, "create role onhand login password '%s';\n", server->password);
    make_database(server);
}

/* ---- orders ---- */

static void obey(struct server *server, const char *order) {
    if (strcmp(order, "database") == 0 && server->pid != 0) {
        make_database(server);
    } else if (strcmp(order, "stop") == 0) {
        end(server, SIGINT);
        (void)puts("stopped");
    } else if (strcmp(order, "crash") == 0) {
        end(server, SIGQUIT);
        (void)puts("crashed");
    } else if (strcmp(order, "start") == 0) {
        start(server);
        (void)puts("started");
    } else {
        (void)printf("no such order, or not now: %s\n", order);
    }
    (void)fflush(stdout);
}

/* Until stdin closes or we are told to end. */
static void obey_all(struct server *server, int signals) {
    char text[256];
    size_t length = 0;
    struct pollfd watched[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = signals, .events = POLLIN}};
    for (;;) {
        if (poll(watched, 2, -1) < 0 && errno != EINTR) {
            return;
        }
        if (watched[1].revents != 0) {
            return;
        }
        ssize_t got = read(STDIN_FILENO, text + length, sizeof text - 1 - length);
        if (got <= 0) {
            return;
        }
        length += (size_t)got;
        text[length] = '\0';
        char *line_end;
        while ((line_end = strchr(text, '\n')) != NULL) {
            *line_end = '\0';
            obey(server, text);
            length -= (size_t)(line_end + 1 - text);
            memmove(text, line_end + 1, length + 1);
        }
    }
}

static const char *parse_options(struct server *server, int argc, char **argv) {
    const char *directory = NULL;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--directory") == 0) {
            directory = argv[i + 1];
        } else if (i + 1 < argc && strcmp(argv[i], "--set") == 0 &&
                   server->setting_count < SETTING_COUNT) {
            server->settings[server->setting_count++] = argv[i + 1];
        } else {
            (void)fputs("usage: postgres [--directory DIR] [--set NAME=VALUE]...\n", stderr);
            exit(2);
        }
    }
    return directory;
}

int main(int argc, char **argv) {
    struct server server = {0};
    sigset_t ending;
    const char *directory = parse_options(&server, argc, argv);
    find_programs(&server);
    find_user(&server);
    /* Whoever kills a test's whole group must not leave the server and its directory behind. */
    (void)setsid();
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&ending);
    (void)sigaddset(&ending, SIGTERM);
    (void)sigaddset(&ending, SIGINT);
    (void)sigaddset(&ending, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &ending, NULL);
    int signals = signalfd(-1, &ending, SFD_CLOEXEC);
    make_directory(&server, directory);
    write_password(&server);
    create_cluster(&server);
    first_start(&server);
    (void)fflush(stdout);
    obey_all(&server, signals);
    end(&server, SIGQUIT);
    remove_directory(server.directory);
    return 0;
}
