/* What the sources share: which one it is, and which names may be used. */
#include "feed/source.h"

bool source_name_is_safe(struct text name) {
    if (name.length == 0 || name.length > SOURCE_NAME_MAX || name.data[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\') {
            return false;
        }
    }
    return text_is_utf8(name);
}

enum status source_listing_add(struct source_listing *listing, struct arena *arena,
                               const struct source_file *file, struct error *error) {
    if (listing->count == SOURCE_FILES_MAX) {
        return error_set(error, STATUS_TOO_LARGE, "more than %d files match the pattern",
                         SOURCE_FILES_MAX);
    }
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity > 0 ? 2 * listing->capacity : 64;
        struct source_file *files = arena_alloc(arena, capacity * sizeof(*files));
        if (listing->count > 0) {
            memcpy(files, listing->files, listing->count * sizeof(*files));
        }
        listing->files = files;
        listing->capacity = capacity;
    }
    listing->files[listing->count] = *file;
    listing->files[listing->count].name = arena_copy(arena, file->name);
    listing->count++;
    return STATUS_OK;
}

enum status source_open(const struct config_feed *feed, struct file_source **source_out,
                        struct error *error) {
    struct text scheme = {feed->url.data, feed->url.length < 7 ? feed->url.length : 7};
    if (text_equal_ignore_case(scheme, TEXT("sftp://"))) {
        return source_open_sftp(feed, source_out, error);
    }
    return source_open_local(feed, source_out, error);
}

void source_close(struct file_source *source) {
    if (source != NULL) {
        source->class->close(source);
    }
}
