/* A file on disk, read by two threads, chunk by chunk: each begins at a line, on the guess that a
 * record begins there. The guess is checked when everything before it has been read, and where it
 * was wrong (a line end inside quotes) the rest of the file is read again by one thread. Chunks are
 * taken as threads come free, so one of them may have something else to do first, and they are
 * handed on in order of the file.
 *
 * Plain reads into a small buffer, not a mapping: a file that somebody cuts short while it is being
 * read must be an error, and not a signal. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feed/reader_internal.h"

#define PIECE ((size_t)256 * 1024)
#define SHARED_FROM ((off_t)4 * 1024 * 1024) /* smaller files are not worth a thread */
#define CHUNK_MIN ((off_t)2 * 1024 * 1024)
#define CHUNK_MAX ((off_t)16 * 1024 * 1024)
#define CHUNKS_WANTED 16
#define AHEAD_MAX 4u /* chunks begun that are not handed on: what they gathered takes memory */

struct part {
    int fd;
    off_t begin, end;
    struct reader *reader;
    struct reader_sink sink;
    bool is_done;
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

/* The offset behind the first line feed from `from` on; 0 where none is near. */
static off_t line_behind(int fd, off_t from) {
    char *buffer = memory_alloc(READER_RECORD_MAX);
    ssize_t got = pread(fd, buffer, READER_RECORD_MAX, from);
    const char *feed = got > 0 ? memchr(buffer, '\n', (size_t)got) : NULL;
    off_t behind = feed != NULL ? from + (feed - buffer) + 1 : 0;
    free(buffer);
    return behind;
}

/* ---- chunks ---- */

struct sharing {
    const struct reader_parts *parts;
    struct part head; /* the first piece, with the header; the whole file where it is not shared */
    struct part *chunks;
    size_t count;
    pthread_mutex_t lock; /* of what follows, and of the chunks that no thread reads */
    pthread_cond_t changed;
    size_t next;       /* to be begun */
    size_t settled;    /* chunks found sound */
    struct part *last; /* of what is sound: the head or a chunk, not handed on yet */
    bool stopped;
    struct reader_report report; /* of what has been handed on */
};

/* Where chunks begin, none of them long and each at a line. The file's head is not among them. */
static void cut(struct sharing *sharing, off_t size) {
    off_t length = size / CHUNKS_WANTED;
    length = length < CHUNK_MIN ? CHUNK_MIN : length > CHUNK_MAX ? CHUNK_MAX : length;
    sharing->chunks = memory_alloc_zero((size_t)(size / length) + 1, sizeof(*sharing->chunks));
    const int fd = sharing->head.fd;
    for (off_t at = (off_t)PIECE; at < size; at += length) {
        off_t begin = line_behind(fd, at);
        if (begin == 0 || begin >= size) {
            continue; /* it goes on with the chunk before */
        }
        struct part *before =
            sharing->count > 0 ? &sharing->chunks[sharing->count - 1] : &sharing->head;
        before->end = begin;
        sharing->chunks[sharing->count++] = (struct part){.fd = fd, .begin = begin, .end = size};
    }
}

/* What came of the last sound part goes to the sinks' owner, its lines behind those before. */
static void hand_on(struct sharing *sharing) {
    struct part *part = sharing->last;
    struct reader_report report;
    reader_report(part->reader, &report);
    if (part != &sharing->head) {
        part->error.line += part->error.line > 0 ? (unsigned long)sharing->report.lines : 0;
        sharing->parts->part_end(sharing->parts->context, part->sink.context, true,
                                 sharing->report.lines);
    }
    sharing->report.trailer = report.trailer;
    sharing->report.trailer.line += report.trailer.found ? sharing->report.lines : 0;
    sharing->report.lines += report.lines;
    sharing->report.rows += report.rows;
    sharing->report.rejected_rows += report.rejected_rows;
    sharing->report.open_end |= report.open_end;
    if (sharing->report.encoding == NULL || strcmp(report.encoding, "windows-1252") == 0) {
        sharing->report.encoding = report.encoding;
    }
    if (part != &sharing->head) { /* the head's texts serve them all */
        reader_free(part->reader);
        part->reader = NULL;
    }
}

/* Takes what has been read, in order of the file. */
static void settle(struct sharing *sharing) {
    while (!sharing->stopped && sharing->settled < sharing->count &&
           sharing->chunks[sharing->settled].is_done) {
        struct part *part = &sharing->chunks[sharing->settled];
        if (part->reader == NULL || !reader_part_is_sound(sharing->last->reader, part->reader)) {
            sharing->stopped = true;
            break;
        }
        hand_on(sharing);
        sharing->last = part;
        sharing->settled++;
        sharing->stopped = part->status != STATUS_OK || part->unreadable != STATUS_OK;
    }
    pthread_cond_broadcast(&sharing->changed);
}

static void read_chunks(struct sharing *sharing) {
    pthread_mutex_lock(&sharing->lock);
    for (;;) {
        while (!sharing->stopped && sharing->next < sharing->count &&
               sharing->next - sharing->settled >= AHEAD_MAX) {
            pthread_cond_wait(&sharing->changed, &sharing->lock);
        }
        if (sharing->stopped || sharing->next == sharing->count) {
            break;
        }
        struct part *part = &sharing->chunks[sharing->next++];
        part->sink = sharing->parts->part_begin(sharing->parts->context);
        part->reader = reader_fork(sharing->head.reader, &part->sink);
        pthread_mutex_unlock(&sharing->lock);
        if (part->reader != NULL) {
            read_part(part);
        }
        pthread_mutex_lock(&sharing->lock);
        part->is_done = true;
        settle(sharing);
    }
    pthread_mutex_unlock(&sharing->lock);
}

/* Both threads are done: what was read in vain goes, and where a guess was wrong the rest is read
 * behind what is sound. */
static void read_rest(struct sharing *sharing, off_t size) {
    for (size_t i = sharing->settled; i < sharing->next; i++) {
        struct part *part = &sharing->chunks[i];
        sharing->parts->part_end(sharing->parts->context, part->sink.context, false, 0);
        reader_free(part->reader);
    }
    struct part *last = sharing->last;
    if (sharing->settled < sharing->count && last->status == STATUS_OK &&
        last->unreadable == STATUS_OK) {
        last->begin = last->end;
        last->end = size;
        read_part(last);
    }
    if (last->status == STATUS_OK) {
        last->unreadable = reader_finish(last->reader, &last->error);
    }
    hand_on(sharing);
}

/* ---- threads ---- */

static void *meanwhile_thread(void *context) {
    const struct sharing *sharing = context;
    sharing->parts->meanwhile(sharing->parts->context);
    return NULL;
}

static void *chunks_thread(void *context) {
    read_chunks(context);
    return NULL;
}

static void *both_thread(void *context) {
    meanwhile_thread(context);
    return chunks_thread(context);
}

/* Where there is a processor for it, what is to be done meanwhile gets a thread of its own. */
static void read_shared(struct sharing *sharing) {
    const bool meanwhile = sharing->parts->meanwhile != NULL;
    const bool apart = meanwhile && sysconf(_SC_NPROCESSORS_ONLN) > 2;
    pthread_t second, third;
    bool second_started = false, third_started = false;
    if (apart) {
        third_started = pthread_create(&third, NULL, meanwhile_thread, sharing) == 0;
    }
    if (sharing->count > 0 || (meanwhile && !third_started)) {
        void *(*work)(void *) = meanwhile && !third_started ? both_thread : chunks_thread;
        second_started = pthread_create(&second, NULL, work, sharing) == 0;
    }
    if (sharing->count > 0) {
        read_chunks(sharing);
    } else if (!sharing->stopped) {
        read_part(&sharing->head);
    }
    if (second_started) {
        pthread_join(second, NULL);
    }
    if (third_started) {
        pthread_join(third, NULL);
    }
    if (meanwhile && !second_started && !third_started) {
        meanwhile_thread(sharing);
    }
}

/* The head, and with it what the file is: not every format can be cut. */
static void read_head(struct sharing *sharing, off_t size) {
    struct part *head = &sharing->head;
    read_part(head);
    sharing->stopped = head->status != STATUS_OK || head->unreadable != STATUS_OK;
    struct reader *trial = reader_fork(head->reader, &sharing->parts->first);
    if (trial == NULL) {
        sharing->count = 0;
        head->begin = head->end;
        head->end = size;
    }
    reader_free(trial);
}

static enum status read_all(struct sharing *sharing, off_t size, struct error *error) {
    if (size >= SHARED_FROM && sharing->parts->part_begin != NULL) {
        cut(sharing, size);
    }
    if (sharing->count > 0) {
        read_head(sharing, size);
    }
    pthread_mutex_init(&sharing->lock, NULL);
    pthread_cond_init(&sharing->changed, NULL);
    read_shared(sharing);
    pthread_cond_destroy(&sharing->changed);
    pthread_mutex_destroy(&sharing->lock);
    read_rest(sharing, size);
    const struct part *last = sharing->last;
    enum status status = last->status != STATUS_OK ? last->status : last->unreadable;
    if (status != STATUS_OK && error != NULL) {
        *error = last->error;
    }
    free(sharing->chunks);
    return status;
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
    struct sharing sharing = {.parts = parts, .head = {.fd = fd, .end = stat.st_size}};
    enum status status = reader_new(options, &parts->first, &sharing.head.reader, error);
    if (status != STATUS_OK) {
        return status;
    }
    sharing.last = &sharing.head;
    status = read_all(&sharing, stat.st_size, error);
    reader_report(sharing.head.reader, report_out);
    report_out->header = arena_copy(arena, report_out->header);
    report_out->lines = sharing.report.lines;
    report_out->rows = sharing.report.rows;
    report_out->rejected_rows = sharing.report.rejected_rows;
    report_out->open_end = sharing.report.open_end;
    report_out->trailer = sharing.report.trailer;
    report_out->encoding = sharing.report.encoding;
    reader_free(sharing.head.reader);
    return status;
}
