/* Any bytes as an archive: zip or tar, plain or packed. The kind is the same from any part of the
 * bytes that tells it, unless the packing is found damaged before it tells; and reading ends in
 * rows or in words, the same each time. The first byte says where the bytes are cut for the
 * sniffing. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "feed/entries.h"
#include "reader_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status read_once(int fd, enum bundle_kind kind, struct buffer *out,
                             struct reader_report *report) {
    struct reader_options options = {0};
    struct reader_sink rows = {reader_rows_render, out};
    struct error error = {STATUS_OK, 0, "", ""};
    enum status status = entries_read(fd, kind, &options, &rows, report, &error);
    require(status == STATUS_OK || status == STATUS_UNREADABLE || status == STATUS_TOO_LARGE);
    require(status == STATUS_OK || error.detail[0] != '\0');
    return status;
}

static enum status ignore(void *context, const void *data, size_t length) {
    (void)context;
    (void)data;
    (void)length;
    return STATUS_OK;
}

static bool unpacks(struct text file) {
    struct decompress_sink sink = {ignore, NULL};
    struct decompressor *decompressor = decompress_new(NULL, &sink);
    enum status fed = decompress_feed(decompressor, file.data, file.length);
    enum status ended = decompress_finish(decompressor, NULL);
    decompress_free(decompressor);
    return fed == STATUS_OK && ended == STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    struct text file = {(const char *)data + 1, size - 1};
    enum bundle_kind kind = bundle_sniff(file, true);
    require(kind != BUNDLE_UNDECIDED);
    enum bundle_kind early =
        bundle_sniff((struct text){file.data, file.length * data[0] / 256}, false);
    require(early == kind || early == BUNDLE_UNDECIDED || !unpacks(file));
    if (kind == BUNDLE_NONE) {
        return 0;
    }
    int fd = memfd_create("bundle", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, file.data, file.length) == (ssize_t)file.length);
    struct buffer first = {0}, second = {0};
    struct reader_report a, b;
    enum status one = read_once(fd, kind, &first, &a);
    enum status two = read_once(fd, kind, &second, &b);
    require(one == two && text_equal(buffer_text(&first), buffer_text(&second)));
    require(a.rows == b.rows && a.lines == b.lines && a.rejected_rows == b.rejected_rows);
    buffer_deinit(&first);
    buffer_deinit(&second);
    close(fd);
    return 0;
}
