/* libarchive knows the formats; unpacking stays ours, because libarchive does not look at gzip's
 * checksum. One pass lists the names, and then each pass hands on what comes in their order: one
 * more is enough where the names are in order, as they nearly always are. */
#include "feed/bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"

#define RAW_PIECE ((size_t)16 * 1024)
#define TAR_MARK_AT 257
#define TAR_SNIFF 512
#define TAR_END 1024 /* a tar ends in so many zero bytes at least */

struct bundle {
    int fd;
    enum bundle_kind kind;
    struct decompress_limits limits;
    const struct bundle_sink *sink;
    struct error *error;
    uint64_t file_size, bytes_out;
    struct arena arena;
    struct bundle_file {
        struct text name;
        unsigned place; /* among the entries that count, as they lie in the file */
    } * files;
    unsigned count;

    /* A pass over a tar: the file, unpacked as libarchive asks for more. */
    struct decompressor *decompressor;
    struct buffer unpacked;
    off_t offset;
    bool drained;
    uint64_t zeros; /* bytes that the tar ends in so far */
    enum status status;
};

/* ---- what it is ---- */

static bool is_tar(const char *data, size_t length) {
    return length >= TAR_MARK_AT + 5 && memcmp(data + TAR_MARK_AT, "ustar", 5) == 0;
}

static bool is_zip(struct text begin) {
    return begin.length >= 4 &&
           (memcmp(begin.data, "PK\3\4", 4) == 0 || memcmp(begin.data, "PK\5\6", 4) == 0);
}

static enum status collect_begin(void *context, const void *data, size_t length) {
    struct buffer *out = context;
    size_t room = TAR_SNIFF - out->length;
    buffer_append(out, data, length < room ? length : room);
    return out->length < TAR_SNIFF ? STATUS_OK : STATUS_END;
}

enum bundle_kind bundle_sniff(struct text begin, bool whole) {
    whole |= begin.length >= BUNDLE_SNIFF;
    if (is_zip(begin)) {
        return BUNDLE_ZIP;
    }
    struct buffer head = {0};
    struct decompress_sink sink = {collect_begin, &head};
    struct decompressor *decompressor = decompress_new(NULL, &sink);
    enum status fed = decompress_feed(decompressor, begin.data, begin.length);
    decompress_free(decompressor);
    bool enough = whole || fed != STATUS_OK || begin.length == 0;
    enum bundle_kind kind = is_tar(head.data, head.length)          ? BUNDLE_TAR
                            : enough && (begin.length > 0 || whole) ? BUNDLE_NONE
                                                                    : BUNDLE_UNDECIDED;
    buffer_deinit(&head);
    return kind;
}

/* ---- the bytes of a tar ---- */

static enum status keep_unpacked(void *context, const void *data, size_t length) {
    struct bundle *bundle = context;
    buffer_append(&bundle->unpacked, data, length);
    return STATUS_OK;
}

static void count_zeros(struct bundle *bundle) {
    const struct buffer *unpacked = &bundle->unpacked;
    size_t zeros = 0;
    while (zeros < unpacked->length && unpacked->data[unpacked->length - 1 - zeros] == '\0') {
        zeros++;
    }
    bundle->zeros = zeros == unpacked->length ? bundle->zeros + zeros : zeros;
}

/* Unpacks a piece more into `unpacked`, which is empty at the end of the file. */
static enum status pull(struct bundle *bundle) {
    char piece[RAW_PIECE];
    buffer_clear(&bundle->unpacked);
    while (bundle->status == STATUS_OK && bundle->unpacked.length == 0 && !bundle->drained) {
        ssize_t got = pread(bundle->fd, piece, sizeof(piece), bundle->offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            bundle->status = error_set_errno(bundle->error, "the file cannot be read");
        } else if (got == 0) {
            bundle->drained = true;
            bundle->status = decompress_finish(bundle->decompressor, bundle->error);
        } else if (decompress_feed(bundle->decompressor, piece, (size_t)got) != STATUS_OK) {
            bundle->status = decompress_finish(bundle->decompressor, bundle->error);
        }
        bundle->offset += got > 0 ? got : 0;
    }
    count_zeros(bundle);
    return bundle->status;
}

static la_ssize_t give_unpacked(struct archive *archive, void *context, const void **data_out) {
    struct bundle *bundle = context;
    if (pull(bundle) != STATUS_OK) {
        archive_set_error(archive, EIO, "unpacking failed");
        return ARCHIVE_FATAL;
    }
    *data_out = bundle->unpacked.data;
    return (la_ssize_t)bundle->unpacked.length;
}

/* ---- one pass ---- */

/* libarchive's words, unless it was ours that stopped it. */
static enum status refuse(struct bundle *bundle, struct archive *archive) {
    if (bundle->status != STATUS_OK) {
        return bundle->status;
    }
    const char *words = archive_error_string(archive);
    return error_set(bundle->error, STATUS_UNREADABLE, "the archive cannot be read: %s",
                     words != NULL ? words : "damaged");
}

static enum status open_pass(struct bundle *bundle, struct archive **archive_out) {
    struct archive *archive = archive_read_new();
    require(archive != NULL);
    *archive_out = archive;
    int opened;
    if (bundle->kind == BUNDLE_ZIP) {
        archive_read_support_format_zip_seekable(archive);
        if (lseek(bundle->fd, 0, SEEK_SET) != 0) {
            return error_set_errno(bundle->error, "the file cannot be read");
        }
        opened = archive_read_open_fd(archive, bundle->fd, 64 * 1024);
    } else {
        struct decompress_sink sink = {keep_unpacked, bundle};
        decompress_free(bundle->decompressor);
        bundle->decompressor = decompress_new(&bundle->limits, &sink);
        bundle->offset = 0;
        bundle->drained = false;
        bundle->zeros = 0;
        archive_read_support_format_tar(archive);
        opened = archive_read_open(archive, bundle, NULL, give_unpacked, NULL);
    }
    return opened == ARCHIVE_OK ? STATUS_OK : refuse(bundle, archive);
}

/* Directories, and what systems put beside people's files, are passed over. */
static bool counts(struct archive_entry *entry, struct text name) {
    const char *slash = memrchr(name.data, '/', name.length);
    const char *last = slash != NULL ? slash + 1 : name.data;
    return archive_entry_filetype(entry) != AE_IFDIR && *last != '.' && *last != '\0' &&
           strncmp(name.data, "__MACOSX/", 9) != 0;
}

static enum status check_entry(struct bundle *bundle, struct archive_entry *entry,
                               struct text name) {
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != NULL) {
        return error_set(bundle->error, STATUS_UNREADABLE, "%.*s in the archive is no plain file",
                         TEXT_ARG(name));
    }
    if (archive_entry_is_encrypted(entry)) {
        return error_set(bundle->error, STATUS_UNREADABLE, "%.*s in the archive is encrypted",
                         TEXT_ARG(name));
    }
    return STATUS_OK;
}

/* The next entry that counts; STATUS_END behind the last one. */
static enum status next_entry(struct bundle *bundle, struct archive *archive,
                              struct archive_entry **entry_out, struct text *name_out) {
    for (;;) {
        int result = archive_read_next_header(archive, entry_out);
        if (result == ARCHIVE_EOF) {
            return STATUS_END;
        }
        if (result != ARCHIVE_OK) {
            return refuse(bundle, archive);
        }
        *name_out = text_from(archive_entry_pathname(*entry_out));
        bool fine =
            name_out->length > 0 && name_out->length <= BUNDLE_NAME_MAX && text_is_utf8(*name_out);
        for (size_t i = 0; fine && i < name_out->length; i++) {
            fine = (unsigned char)name_out->data[i] >= 0x20;
        }
        if (!fine) {
            return error_set(bundle->error, STATUS_UNREADABLE,
                             "a name in the archive is too long, or no text");
        }
        if (counts(*entry_out, *name_out)) {
            return check_entry(bundle, *entry_out, *name_out);
        }
    }
}

/* ---- the names ---- */

static int by_name(const void *a, const void *b) {
    const struct bundle_file *x = a, *y = b;
    int order = text_compare(x->name, y->name);
    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

static enum status list_names(struct bundle *bundle, struct archive *archive) {
    struct archive_entry *entry = NULL;
    struct text name = {NULL, 0};
    enum status status;
    bundle->files = arena_alloc(&bundle->arena, BUNDLE_FILES_MAX * sizeof(*bundle->files));
    while ((status = next_entry(bundle, archive, &entry, &name)) == STATUS_OK) {
        if (bundle->count == BUNDLE_FILES_MAX) {
            return error_set(bundle->error, STATUS_TOO_LARGE, "more than %d files in the archive",
                             BUNDLE_FILES_MAX);
        }
        bundle->files[bundle->count] =
            (struct bundle_file){arena_copy(&bundle->arena, name), bundle->count};
        bundle->count++;
    }
    if (status != STATUS_END) {
        return status;
    }
    if (bundle->count == 0) {
        return error_set(bundle->error, STATUS_UNREADABLE, "there is no file in the archive");
    }
    qsort(bundle->files, bundle->count, sizeof(*bundle->files), by_name);
    return STATUS_OK;
}

/* A tar that has been read is read to its end: for the checksum behind it, and the zeros. */
static enum status check_end(struct bundle *bundle) {
    while (bundle->kind == BUNDLE_TAR && bundle->status == STATUS_OK && !bundle->drained) {
        bundle->status = pull(bundle);
    }
    if (bundle->status == STATUS_OK && bundle->kind == BUNDLE_TAR && bundle->zeros < TAR_END) {
        bundle->status = error_set(bundle->error, STATUS_UNREADABLE, "the archive has broken off");
    }
    return bundle->status;
}

/* ---- the files ---- */

static enum status measure(struct bundle *bundle, size_t length) {
    bundle->bytes_out += length;
    uint64_t size = bundle->file_size > 0 ? bundle->file_size : 1;
    if (bundle->kind == BUNDLE_ZIP && (bundle->bytes_out > bundle->limits.bytes ||
                                       (bundle->bytes_out > bundle->limits.ratio_after &&
                                        bundle->bytes_out / bundle->limits.ratio > size))) {
        return error_set(bundle->error, STATUS_TOO_LARGE, "the file unpacks beyond all measure");
    }
    return STATUS_OK;
}

static enum status hand_on(struct bundle *bundle, struct archive *archive, struct text name) {
    const struct bundle_sink *sink = bundle->sink;
    enum status status = sink->begin(sink->context, name, bundle->error);
    for (bool first = true; status == STATUS_OK; first = false) {
        const void *data;
        size_t length;
        la_int64_t offset;
        int result = archive_read_data_block(archive, &data, &length, &offset);
        if (result == ARCHIVE_EOF) {
            return sink->end(sink->context, bundle->error);
        }
        if (result != ARCHIVE_OK) {
            return refuse(bundle, archive);
        }
        struct text begin = {data, length};
        if (first && (packing_sniff(data, length) != PACKING_NONE || is_zip(begin) ||
                      is_tar(data, length))) {
            return error_set(bundle->error, STATUS_UNREADABLE,
                             "%.*s in the archive is packed once more", TEXT_ARG(name));
        }
        status = measure(bundle, length);
        if (status == STATUS_OK && sink->bytes(sink->context, data, length) != STATUS_OK) {
            status = sink->end(sink->context, bundle->error); /* it says why */
            require(status != STATUS_OK);
        }
    }
    return status;
}

/* Hands on what comes in order from *next on. */
static enum status hand_on_some(struct bundle *bundle, struct archive *archive, unsigned *next) {
    struct archive_entry *entry = NULL;
    struct text name = {NULL, 0};
    enum status status;
    for (unsigned place = 0; (status = next_entry(bundle, archive, &entry, &name)) == STATUS_OK;
         place++) {
        if (*next < bundle->count && bundle->files[*next].place == place) {
            status = hand_on(bundle, archive, bundle->files[(*next)++].name);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status run_passes(struct bundle *bundle) {
    unsigned next = 0;
    enum status status = STATUS_OK;
    for (bool listed = false; status == STATUS_OK && (!listed || next < bundle->count);) {
        struct archive *archive = NULL;
        unsigned before = next;
        status = open_pass(bundle, &archive);
        if (status == STATUS_OK) {
            status = listed ? hand_on_some(bundle, archive, &next) : list_names(bundle, archive);
        }
        if (status == STATUS_OK && !listed) {
            status = check_end(bundle);
        } else if (status == STATUS_OK && next == before) {
            status = error_set(bundle->error, STATUS_IO, "the file changed while it was read");
        }
        listed = true;
        archive_read_free(archive);
    }
    return status;
}

enum status bundle_read(int fd, enum bundle_kind kind, const struct decompress_limits *limits,
                        const struct bundle_sink *sink, struct error *error) {
    require(kind == BUNDLE_ZIP || kind == BUNDLE_TAR);
    struct error own = {STATUS_OK, 0, "", ""};
    off_t size = lseek(fd, 0, SEEK_END);
    struct bundle bundle = {.fd = fd,
                            .kind = kind,
                            .limits = limits != NULL ? *limits : decompress_limits_default,
                            .sink = sink,
                            .error = error != NULL ? error : &own,
                            .file_size = size > 0 ? (uint64_t)size : 0};
    enum status status = run_passes(&bundle);
    decompress_free(bundle.decompressor);
    buffer_deinit(&bundle.unpacked);
    arena_deinit(&bundle.arena);
    return status;
}
