/* What packs here is zlib, libzstd and libarchive; what unpacks in the product is partly the same.
 * So nothing here is a test by itself, only what goes in and out. */
#include "packed_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>
#include <zlib.h>
#include <zstd.h>

#include "base/arena.h"
#include "base/status.h"

#define ARCHIVE_ROOM ((size_t)1 << 20)

struct buffer packed_gzip(struct text content) {
    struct buffer out = {0};
    z_stream z = {0};
    require(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    buffer_reserve(&out, deflateBound(&z, content.length));
    z.next_in = (unsigned char *)(uintptr_t)content.data;
    z.avail_in = (unsigned)content.length;
    z.next_out = (unsigned char *)out.data;
    z.avail_out = (unsigned)out.capacity;
    require(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.length = z.total_out;
    deflateEnd(&z);
    return out;
}

struct buffer packed_zstd(struct text content) {
    struct buffer out = {0};
    buffer_reserve(&out, ZSTD_compressBound(content.length));
    out.length = ZSTD_compress(out.data, out.capacity, content.data, content.length, 3);
    require(!ZSTD_isError(out.length));
    return out;
}

static void add_file(struct archive *archive, const struct packed_file *file) {
    struct archive_entry *entry = archive_entry_new();
    size_t length = file->content != NULL ? strlen(file->content) : 0;
    archive_entry_set_pathname(entry, file->name);
    archive_entry_set_filetype(entry, file->link != NULL      ? AE_IFLNK
                                      : file->content == NULL ? AE_IFDIR
                                                              : AE_IFREG);
    if (file->link != NULL) {
        archive_entry_set_symlink(entry, file->link);
    }
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (int64_t)length);
    require(archive_write_header(archive, entry) == ARCHIVE_OK);
    require(length == 0 ||
            archive_write_data(archive, file->content, length) == (la_ssize_t)length);
    archive_entry_free(entry);
}

/* Finishes the archive whose format is set. */
static struct buffer archive_of(struct archive *archive, const struct packed_file *files,
                                size_t count) {
    struct buffer out = {0};
    size_t used = 0;
    buffer_reserve(&out, ARCHIVE_ROOM);
    require(archive_write_open_memory(archive, out.data, out.capacity, &used) == ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        add_file(archive, &files[i]);
    }
    require(archive_write_close(archive) == ARCHIVE_OK);
    archive_write_free(archive);
    out.length = used;
    return out;
}

struct buffer packed_tar(const struct packed_file *files, size_t count) {
    struct archive *archive = archive_write_new();
    archive_write_set_format_pax_restricted(archive);
    return archive_of(archive, files, count);
}

struct buffer packed_zip(const struct packed_file *files, size_t count) {
    struct archive *archive = archive_write_new();
    archive_write_set_format_zip(archive);
    return archive_of(archive, files, count);
}
