/* A file on disk, read by two threads: the second begins at a line in the middle, on the guess that
 * a record begins there. The guess is checked when the first one gets there, and where it was wrong
 * (a line end inside quotes) the second half is read again, behind the first, by one thread.
 *
 * Plain reads into a small buffer, not a mapping: a file that somebody cuts short while it is being
 * read must be an error, and not a signal. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feed/reader_internal.h"

#define PIECE ((size_t)256 * 1024)
#define SHARED_FROM ((off_t)4 * 1024 * 1024) /* smaller files are not worth a thread */

struct part {
    int fd;
    off_t begin, end;
    struct reader *reader;
    enum status status;     /* of the reading: STATUS_IO */
    enum status unreadable; /* what the reader said */
    struct error error;
};

/* Feeds [begin, end) of the file, or as much as the reader wants. */
static void read_part(struct part *part) {
    char *buffer = memory_alloc(PIECE);
    for (off_t at = part->begin; at < part->end && part->unreadable == STATUS_OK;) {
        size_t want = part->end - at < (off_t)PIECE ? (size_t)(part->end - at) : PIECE;
        ssize_t got = pread(part->fd, buffer, want, at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            part->status = error_set_errno(&part->error, "the file cannot be read");
            break;
        }
        if (got == 0) {
            part->status =
                error_set(&part->error, STATUS_IO, "the file became shorter while it was read");
            break;
        }
        part->unreadable = reader_feed(part->reader, buffer, (size_t)got);
        at += got;
    }
    free(buffer);
}

static void *read_part_thread(void *context) {
    read_part(context);
    return NULL;
}

/* The offset behind the first line feed from `from` on; 0 where none is near. */
static off_t line_behind(int fd, off_t from) {
    char *buffer = memory_alloc(READER_RECORD_MAX);
    ssize_t got = pread(fd, buffer, READER_RECORD_MAX, from);
    const char *feed = got > 0 ? memchr(buffer, '\n', (size_t)got) : NULL;
    off_t behind = feed != NULL ? from + (feed - buffer) + 1 : 0;
    free(buffer);
    return behind;
}

/* Both halves at once. The first one's reader has its header. False: the second half is still to be
 * read. */
static bool read_halves(struct part *first, struct part *second, const struct reader_parts *parts,
                        struct reader_report *second_report) {
    pthread_t thread;
    struct reader_sink sink = parts->part_begin(parts->context);
    second->reader = reader_fork(first->reader, &sink);
    bool started =
        second->reader != NULL && pthread_create(&thread, NULL, read_part_thread, second) == 0;
    read_part(first);
    if (started) {
        pthread_join(thread, NULL);
    }
    struct reader_report report;
    reader_report(first->reader, &report);
    bool sound = started && first->status == STATUS_OK && first->unreadable == STATUS_OK &&
                 reader_part_is_sound(first->reader, second->reader);
    if (sound && second->status == STATUS_OK) {
        second->unreadable = reader_finish(second->reader, &second->error);
        second->error.line += second->error.line > 0 ? (unsigned long)report.lines : 0;
        reader_report(second->reader, second_report);
    }
    parts->part_end(parts->context, sound, report.lines);
    reader_free(second->reader);
    second->reader = NULL;
    return sound;
}

static void add_report(struct reader_report *report, const struct reader_report *more) {
    report->lines += more->lines;
    report->rows += more->rows;
    report->rejected_rows += more->rejected_rows;
    report->open_end |= more->open_end;
    if (strcmp(more->encoding, "windows-1252") == 0) {
        report->encoding = more->encoding;
    }
}

/* Reads all of it; the statuses end up in *whole. */
static void read_shared(struct part *whole, off_t size, const struct reader_parts *parts,
                        struct reader_report *report_out) {
    struct part head = *whole, second = *whole;
    off_t middle = size >= SHARED_FROM ? line_behind(whole->fd, size / 2) : 0;
    bool done = false;
    if (middle > (off_t)PIECE && parts->part_begin != NULL) {
        head.end = (off_t)PIECE; /* the header is in there */
        read_part(&head);
        whole->status = head.status;
        whole->unreadable = head.unreadable;
        whole->error = head.error;
        if (head.status != STATUS_OK || head.unreadable != STATUS_OK) {
            return;
        }
        whole->begin = head.end;
        whole->end = second.begin = middle;
        second.end = size;
        done = read_halves(whole, &second, parts, report_out);
        if (!done && whole->status == STATUS_OK && whole->unreadable == STATUS_OK) {
            whole->begin = middle;
            whole->end = size;
            read_part(whole);
        }
    } else {
        read_part(whole);
    }
    if (done) {
        whole->status = second.status;
        whole->unreadable = second.unreadable;
        whole->error = second.error;
    }
}

enum status reader_read_file(int fd, const struct reader_options *options,
                             const struct reader_parts *parts, struct arena *arena,
                             struct reader_report *report_out, struct error *error) {
    struct stat stat;
    *report_out = (struct reader_report){0};
    if (fstat(fd, &stat) != 0) {
        return error_set_errno(error, "the file cannot be looked at");
    }
    if (!S_ISREG(stat.st_mode)) {
        return error_set(error, STATUS_IO, "not a regular file");
    }
    struct part whole = {.fd = fd, .end = stat.st_size};
    enum status status = reader_new(options, &parts->first, &whole.reader, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct reader_report second = {.encoding = ""};
    read_shared(&whole, stat.st_size, parts, &second);
    bool joined = second.format != NULL; /* then the second part has been finished */
    if (whole.status == STATUS_OK && !joined) {
        whole.unreadable = reader_finish(whole.reader, &whole.error);
    }
    reader_report(whole.reader, report_out);
    report_out->header = arena_copy(arena, report_out->header);
    add_report(report_out, &second);
    reader_free(whole.reader);
    status = whole.status != STATUS_OK ? whole.status : whole.unreadable;
    if (status != STATUS_OK && error != NULL) {
        *error = whole.error;
    }
    return status;
}
