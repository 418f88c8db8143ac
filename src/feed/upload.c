/* The chain: bytes as they came -> hash -> unpacking -> reader -> rows of the reset. What is packed
 * or large is read by a thread of its own while the next piece is received, hashed and unpacked. A
 * body that holds several files is written to the spool first, for its list of contents is at its
 * end.
 *
 * A plain file on disk takes a shorter one: two threads read it (feed/reader.h), and work out its
 * hash, too, where nobody has done so before. */
#include "feed/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "feed/entries.h"
#include "feed/handover.h"
#include "hub/hub.h"

#define PIECE ((size_t)256 * 1024)
#define READ_APART_FROM ((uint64_t)1 << 20) /* bytes; smaller bodies are not worth a thread */

struct upload {
    struct hub *hub;
    struct reset *reset;
    struct reader *reader;
    struct decompressor *decompressor;
    bool is_packed;
    struct handover
        *handover;       /* from the hashing and unpacking to the reader, unless it is small */
    struct buffer begin; /* of the bytes, until it is known whether they hold several files */
    size_t sniff_at;     /* look again once there are so many */
    enum bundle_kind kind;
    int spool; /* -1: none */
    enum status spool_status;
    struct error spool_error;
    struct sha256 *sha;
    struct reader_options options;
    struct upload_summary summary;
    bool reader_refused; /* it is the reader that made the unpacking stop */
    struct error why;
};

static void add_rows(void *context, const struct stated_row *rows, size_t count) {
    reset_add_rows(context, rows, count);
}

static enum status read_bytes(void *context, const void *data, size_t length) {
    struct upload *upload = context;
    return reader_feed(upload->reader, data, length);
}

static enum status unpacked(void *context, const void *data, size_t length) {
    struct upload *upload = context;
    if (upload->handover == NULL && upload->summary.bytes > READ_APART_FROM) {
        upload->handover = handover_new(read_bytes, upload);
    }
    enum status status = upload->handover != NULL ? handover_give(upload->handover, data, length)
                                                  : read_bytes(upload, data, length);
    upload->reader_refused |= status != STATUS_OK;
    return status;
}

static enum status upload_make(struct hub *hub, const struct access *access,
                               const struct reset_params *params,
                               const struct reader_options *options, struct upload **upload_out,
                               struct error *error) {
    struct upload *upload = memory_alloc_zero(1, sizeof(*upload));
    upload->hub = hub;
    upload->kind = BUNDLE_UNDECIDED;
    upload->spool = -1;
    upload->options = *options;
    upload->options.location_given |= params->location.length > 0;
    enum status status = reset_new(hub, access, params, &upload->reset, error);
    if (status != STATUS_OK) {
        upload_free(upload);
        return status;
    }
    *upload_out = upload;
    return STATUS_OK;
}

/* Everything that a stream needs. */
static enum status upload_stream(struct upload *upload, struct error *error) {
    struct reader_sink rows = {add_rows, upload->reset};
    struct decompress_sink bytes = {unpacked, upload};
    enum status status = reader_new(&upload->options, &rows, &upload->reader, error);
    if (status == STATUS_OK) {
        upload->decompressor = decompress_new(NULL, &bytes);
        upload->sha = sha256_new();
    }
    return status;
}

enum status upload_new(struct hub *hub, const struct access *access,
                       const struct reset_params *params, const struct reader_options *options,
                       struct upload **upload_out, struct error *error) {
    struct upload *upload = NULL;
    enum status status = upload_make(hub, access, params, options, &upload, error);
    if (status == STATUS_OK) {
        status = upload_stream(upload, error);
    }
    if (status != STATUS_OK) {
        upload_free(upload);
        return status;
    }
    *upload_out = upload;
    return STATUS_OK;
}

void upload_free(struct upload *upload) {
    if (upload == NULL) {
        return;
    }
    (void)handover_finish(upload->handover);
    if (upload->spool >= 0) {
        close(upload->spool);
    }
    buffer_deinit(&upload->begin);
    reset_free(upload->reset);
    reader_free(upload->reader);
    decompress_free(upload->decompressor);
    sha256_free(upload->sha);
    free(upload);
}

/* ---- a stream ---- */

static void unpack(struct upload *upload, const void *data, size_t length) {
    if (upload->summary.unreadable == STATUS_OK) {
        upload->summary.unreadable = decompress_feed(upload->decompressor, data, length);
    }
}

static void write_spool(struct upload *upload, const char *data, size_t length) {
    for (size_t at = 0; at < length && upload->spool_status == STATUS_OK;) {
        ssize_t wrote = write(upload->spool, data + at, length - at);
        if (wrote < 0 && errno != EINTR) {
            upload->spool_status =
                error_set_errno(&upload->spool_error, "the spool cannot be written");
        }
        at += wrote > 0 ? (size_t)wrote : 0;
    }
}

/* A file without a name in the data directory: it goes with the process, whatever happens. */
static void open_spool(struct upload *upload) {
    struct text data = hub_config(upload->hub)->data;
    char path[4096];
    snprintf(path, sizeof(path), "%.*s", TEXT_ARG(data));
    upload->spool = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (upload->spool < 0) {
        upload->spool_status = error_set_errno(&upload->spool_error, "%s cannot be written", path);
    }
}

/* The first bytes say what it is; they are still to be used. */
static void decide(struct upload *upload, bool whole) {
    struct text begin = buffer_text(&upload->begin);
    upload->kind = bundle_sniff(begin, whole);
    upload->sniff_at = 2 * begin.length;
    if (upload->kind == BUNDLE_UNDECIDED) {
        return;
    }
    if (upload->kind != BUNDLE_NONE) {
        open_spool(upload);
        write_spool(upload, begin.data, begin.length);
    } else {
        upload->is_packed = packing_sniff(begin.data, begin.length) != PACKING_NONE;
        if (upload->is_packed) {
            upload->handover = handover_new(read_bytes, upload);
        }
        unpack(upload, begin.data, begin.length);
    }
    buffer_deinit(&upload->begin);
}

bool upload_is_plain(const struct upload *upload) {
    return upload->kind == BUNDLE_NONE && !upload->is_packed;
}

enum status upload_feed(struct upload *upload, const void *data, size_t length) {
    upload->summary.bytes += length;
    sha256_update(upload->sha, data, length);
    if (upload->kind == BUNDLE_UNDECIDED) {
        buffer_append(&upload->begin, data, length);
        if (upload->begin.length >= upload->sniff_at) {
            decide(upload, false);
        }
    } else if (upload->kind != BUNDLE_NONE) {
        write_spool(upload, data, length);
    } else {
        unpack(upload, data, length);
    }
    return upload->summary.unreadable == STATUS_OK && upload->spool_status == STATUS_OK &&
                   !reset_is_broken(upload->reset)
               ? STATUS_OK
               : STATUS_UNREADABLE;
}

/* Hands the reset its end. */
static enum status upload_close(struct upload *upload, struct buffer *summary_json,
                                struct error *error) {
    struct text why = {NULL, 0};
    char words[sizeof(upload->why.detail) + 40];
    const struct reader_report *report = &upload->summary.report;
    if (upload->summary.unreadable == STATUS_OK) {
        upload->why.line = 0;
        upload->summary.unreadable = reset_note_origin(upload->reset, text_from(report->source),
                                                       text_from(report->location), &upload->why);
    }
    if (upload->summary.unreadable != STATUS_OK) {
        int length = upload->why.line > 0
                         ? snprintf(words, sizeof(words), "line %lu: %s", upload->why.line,
                                    upload->why.detail)
                         : snprintf(words, sizeof(words), "%s", upload->why.detail);
        require(length >= 0 && (size_t)length < sizeof(words));
        why = (struct text){words, (size_t)length};
    } else {
        reset_note_as_of(upload->reset, upload->summary.report.as_of_us);
        if (strcmp(upload->summary.report.format, "csv") == 0) {
            reset_note_ending(upload->reset, !upload->summary.report.open_end);
            reset_note_trailer(upload->reset, &upload->summary.report.trailer);
        }
    }
    return reset_finish(upload->reset, upload->summary.content_sha256, upload->summary.unreadable,
                        why, summary_json, error);
}

/* Fails only where the disk did. */
static enum status read_bundle(struct upload *upload, int fd, struct error *error) {
    struct reader_sink rows = {add_rows, upload->reset};
    enum status status = entries_read(fd, upload->kind, &upload->options, &rows,
                                      &upload->summary.report, &upload->why);
    if (status == STATUS_OK || status == STATUS_UNREADABLE || status == STATUS_TOO_LARGE) {
        upload->summary.unreadable = status;
        return STATUS_OK;
    }
    if (error != NULL) {
        *error = upload->why;
    }
    return status;
}

static void finish_reading(struct upload *upload) {
    enum status unpacking = decompress_finish(upload->decompressor, &upload->why);
    enum status reading = handover_finish(upload->handover);
    upload->handover = NULL;
    if (unpacking == STATUS_OK || upload->reader_refused || reading != STATUS_OK) {
        unpacking = reader_finish(upload->reader, &upload->why);
    }
    upload->summary.unreadable = unpacking;
    reader_report(upload->reader, &upload->summary.report);
    upload->summary.report.header = TEXT("");
}

/* What the chain says at the end of the bytes. */
static enum status finish_stream(struct upload *upload, bool broken_off, struct error *error) {
    enum status status = STATUS_OK;
    if (upload->kind == BUNDLE_UNDECIDED) {
        decide(upload, true);
    }
    if (upload->spool_status != STATUS_OK) {
        status = upload->spool_status;
        if (error != NULL) {
            *error = upload->spool_error;
        }
    } else if (upload->kind == BUNDLE_NONE) {
        finish_reading(upload);
    } else if (!broken_off) {
        status = read_bundle(upload, upload->spool, error);
    }
    if (broken_off) {
        upload->summary.unreadable =
            error_set(&upload->why, STATUS_UNREADABLE, "the sender broke off");
    }
    unsigned char digest[SHA256_SIZE];
    sha256_finish(upload->sha, digest);
    hex_encode(digest, sizeof(digest), upload->summary.content_sha256);
    return status;
}

enum status upload_finish(struct upload *upload, bool broken_off, struct buffer *summary_json,
                          struct error *error) {
    enum status status = finish_stream(upload, broken_off, error);
    return status == STATUS_OK ? upload_close(upload, summary_json, error) : status;
}

void upload_summary(const struct upload *upload, struct upload_summary *summary_out) {
    *summary_out = upload->summary;
}

/* ---- files ---- */

/* Reads the whole file in pieces; `take` answers other than STATUS_OK to stop. */
static enum status read_all(int fd, void (*take)(void *context, const void *data, size_t length),
                            void *context, struct error *error) {
    char *piece = memory_alloc(PIECE);
    enum status status = STATUS_OK;
    for (off_t at = 0;;) {
        ssize_t got = pread(fd, piece, PIECE, at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            status = error_set_errno(error, "the file cannot be read");
        }
        if (got <= 0) {
            break;
        }
        take(context, piece, (size_t)got);
        at += got;
    }
    free(piece);
    return status;
}

static void take_stream(void *context, const void *data, size_t length) {
    enum status ignored = upload_feed(context, data, length); /* upload_finish tells */
    (void)ignored;
}

struct hashing {
    int fd;
    struct sha256 *sha; /* NULL: it is known */
    uint64_t bytes;
    enum status status;
    struct error error;
};

/* A file on its way through two threads. */
struct file_reading {
    struct upload *upload;
    struct hashing hashing;
};

static void take_hash(void *context, const void *data, size_t length) {
    struct hashing *hashing = context;
    sha256_update(hashing->sha, data, length);
    hashing->bytes += length;
}

static void hash_file(void *context) {
    struct hashing *hashing = &((struct file_reading *)context)->hashing;
    hashing->status = read_all(hashing->fd, take_hash, hashing, &hashing->error);
}

static void *hash_thread(void *context) {
    hash_file(context);
    return NULL;
}

static struct reader_sink part_begin(void *context) {
    struct upload *upload = ((struct file_reading *)context)->upload;
    return (struct reader_sink){add_rows, reset_fork(upload->reset)};
}

static void part_end(void *context, void *part, bool join, uint64_t lines_before) {
    struct upload *upload = ((struct file_reading *)context)->upload;
    if (join) {
        reset_join(upload->reset, part, lines_before);
    } else {
        reset_free(part);
    }
}

static enum status read_plain(struct file_reading *reading, int fd, struct error *error) {
    struct upload *upload = reading->upload;
    struct reader_parts parts = {{add_rows, upload->reset},
                                 part_begin,
                                 part_end,
                                 reading->hashing.sha != NULL ? hash_file : NULL,
                                 reading};
    struct arena arena = {0};
    enum status status = reader_read_file(fd, &upload->options, &parts, &arena,
                                          &upload->summary.report, &upload->why);
    upload->summary.report.header = TEXT("");
    arena_deinit(&arena);
    if (status == STATUS_UNREADABLE) {
        upload->summary.unreadable = status;
        status = STATUS_OK;
    }
    if (status != STATUS_OK && error != NULL) {
        *error = upload->why;
    }
    return status;
}

static enum status read_and_hash(struct upload *upload, int fd, struct error *error) {
    struct file_reading reading = {upload, {.fd = fd, .sha = sha256_new()}};
    struct hashing *hashing = &reading.hashing;
    enum status status = STATUS_OK;
    if (upload->kind == BUNDLE_NONE) {
        status = read_plain(&reading, fd, error);
    } else {
        pthread_t thread;
        bool started = pthread_create(&thread, NULL, hash_thread, &reading) == 0;
        status = read_bundle(upload, fd, error);
        if (started) {
            pthread_join(thread, NULL);
        } else {
            hash_file(&reading);
        }
    }
    unsigned char digest[SHA256_SIZE];
    sha256_finish(hashing->sha, digest);
    sha256_free(hashing->sha);
    hex_encode(digest, sizeof(digest), upload->summary.content_sha256);
    upload->summary.bytes = hashing->bytes;
    if (status == STATUS_OK && hashing->status != STATUS_OK && error != NULL) {
        *error = hashing->error;
    }
    return status == STATUS_OK ? hashing->status : status;
}

/* What the file is, from its begin. */
static enum status sniff_file(struct upload *upload, int fd, enum packing *packing_out,
                              struct error *error) {
    char *begin = memory_alloc(BUNDLE_SNIFF);
    ssize_t got = pread(fd, begin, BUNDLE_SNIFF, 0);
    enum status status = STATUS_OK;
    if (got < 0) {
        status = error_set_errno(error, "the file cannot be read");
    } else {
        struct text text = {begin, (size_t)got};
        *packing_out = packing_sniff(begin, (size_t)got);
        upload->kind = bundle_sniff(text, true);
    }
    free(begin);
    return status;
}

static enum status read_file(struct upload *upload, int fd, const char *content_sha256_hex,
                             struct error *error) {
    enum packing packing = PACKING_NONE;
    enum status sniffed = sniff_file(upload, fd, &packing, error);
    if (sniffed != STATUS_OK) {
        return sniffed;
    }
    if (packing != PACKING_NONE && upload->kind == BUNDLE_NONE) {
        upload->kind = BUNDLE_UNDECIDED; /* the stream finds out again, and starts its thread */
        enum status status = upload_stream(upload, error);
        if (status == STATUS_OK) {
            status = read_all(fd, take_stream, upload, error);
        }
        return status == STATUS_OK ? finish_stream(upload, false, error) : status;
    }
    if (content_sha256_hex == NULL) {
        return read_and_hash(upload, fd, error);
    }
    snprintf(upload->summary.content_sha256, sizeof(upload->summary.content_sha256), "%s",
             content_sha256_hex);
    off_t size = lseek(fd, 0, SEEK_END);
    upload->summary.bytes = size > 0 ? (uint64_t)size : 0;
    struct file_reading reading = {.upload = upload};
    return upload->kind == BUNDLE_NONE ? read_plain(&reading, fd, error)
                                       : read_bundle(upload, fd, error);
}

enum status upload_file(struct hub *hub, const struct access *access, const char *path,
                        const struct reset_params *params, const struct reader_options *options,
                        const char *content_sha256_hex, struct buffer *summary_json,
                        struct upload_summary *summary_out, struct error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return error_set_errno(error, "%s cannot be opened", path);
    }
    struct upload *upload = NULL;
    enum status status = upload_make(hub, access, params, options, &upload, error);
    if (status == STATUS_OK) {
        status = read_file(upload, fd, content_sha256_hex, error);
    }
    if (status == STATUS_OK) {
        status = upload_close(upload, summary_json, error);
    }
    if (status == STATUS_OK && summary_out != NULL) {
        upload_summary(upload, summary_out);
    }
    upload_free(upload);
    close(fd);
    return status;
}
