/* A disk that says no on demand, for the real program: loaded before libc (LD_PRELOAD), it refuses
 * the Nth sync or write of the hub's own database files with a chosen error.
 *
 * Orders come through a small file that both sides map or write (its name in FAULTY_IO): a test
 * fills it in while the hub runs, and reads from it how many calls were refused. Everything else
 * passes through untouched. */
#undef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum call { CALL_NONE, CALL_SYNC, CALL_WRITE };
enum target { TARGET_LOG, TARGET_DATABASE };

/* The file, in the machine's own byte order. */
struct orders {
    _Atomic int32_t call;      /* enum call */
    _Atomic int32_t target;    /* enum target */
    _Atomic int32_t countdown; /* the call that brings it to 0 is refused */
    _Atomic int32_t error;     /* errno */
    _Atomic int32_t forever;   /* 1: and all after it */
    _Atomic int32_t refused;   /* filled in here */
};

static struct orders *orders;

__attribute__((constructor)) static void map_orders(void) {
    const char *name = getenv("FAULTY_IO");
    int fd = name != NULL ? open(name, O_RDWR | O_CLOEXEC) : -1;
    void *mapped = fd >= 0 ? mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                           : MAP_FAILED;
    if (mapped == MAP_FAILED) {
        (void)fputs("faulty_io: FAULTY_IO names no file of orders\n", stderr);
        abort();
    }
    close(fd);
    orders = mapped;
}

static int is_target(int fd) {
    char link[64], name[PATH_MAX];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 0) {
        return 0;
    }
    name[length] = '\0';
    const char *wanted =
        atomic_load(&orders->target) == TARGET_LOG ? "/onhand.db-wal" : "/onhand.db";
    size_t end = strlen(wanted);
    return (size_t)length >= end && strcmp(name + length - end, wanted) == 0;
}

/* The thread that wrote the log last. Another one syncs it too, before it copies it into the
 * database: that sync belongs to no commit, so refusing it would show nothing. */
static _Atomic pid_t log_writer;

static int is_of_a_commit(enum call call) {
    return call != CALL_SYNC || atomic_load(&orders->target) != TARGET_LOG ||
           atomic_load(&log_writer) == gettid();
}

/* 0: let it through; else the errno to refuse it with. */
static int refusal(enum call call, int fd) {
    enum call ordered = orders != NULL ? (enum call)atomic_load(&orders->call) : CALL_NONE;
    if (ordered == CALL_NONE || !is_target(fd)) {
        return 0;
    }
    if (call == CALL_WRITE) {
        atomic_store(&log_writer, gettid());
    }
    if (ordered != call || !is_of_a_commit(call)) {
        return 0;
    }
    int32_t left = atomic_fetch_sub(&orders->countdown, 1) - 1;
    if (left != 0 && (left > 0 || atomic_load(&orders->forever) == 0)) {
        return 0;
    }
    atomic_fetch_add(&orders->refused, 1);
    return atomic_load(&orders->error);
}

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        abort();
    }
    return found;
}

typedef int sync_call(int fd);
typedef ssize_t write_call(int fd, const void *data, size_t length, off_t offset);

static int sync_through(const char *name, int fd) {
    int error = refusal(CALL_SYNC, fd);
    if (error != 0) {
        errno = error;
        return -1;
    }
    sync_call *real = (sync_call *)(uintptr_t)next(name);
    return real(fd);
}

static ssize_t write_through(int fd, const void *data, size_t length, off_t offset) {
    int error = refusal(CALL_WRITE, fd);
    if (error != 0) {
        errno = error;
        return -1;
    }
    write_call *real = (write_call *)(uintptr_t)next("pwrite64");
    return real(fd, data, length, offset);
}

int fsync(int fd) {
    return sync_through("fsync", fd);
}

int fdatasync(int fd) {
    return sync_through("fdatasync", fd);
}

/* Under the name that programs with 64-bit offsets call it by. */
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return write_through(fd, data, length, offset);
}
