/* Where files come from: a directory, here or behind SFTP.
 *
 * A source is one directory and the plain files in it; `archive/NAME` and `failed/NAME` are the
 * only paths that lead further down. Names come from the other side and are checked before anybody
 * uses them: see source_name_is_safe. A source is used by one thread and kept for one run of a
 * feed. */
#ifndef ONHAND_FEED_SOURCE_H
#define ONHAND_FEED_SOURCE_H

#include "base/arena.h"
#include "config/config.h"

#define SOURCE_NAME_MAX 255
#define SOURCE_ENTRIES_MAX 1000000 /* looked at in one directory */
#define SOURCE_FILES_MAX 100000    /* of which may match */

struct source_file {
    struct text name;
    uint64_t size;
    int64_t mtime_us;
};

struct source_listing {
    struct source_file *files;
    size_t count, capacity;
    size_t passed_over; /* links, pipes, and names that nobody should use */
};

struct file_source;

/* Takes bytes of a file; any status but STATUS_OK ends the fetch and is handed on. */
struct source_sink {
    enum status (*bytes)(void *context, const void *data, size_t length);
    void *context;
};

/* Every function but close: STATUS_OK, or *error filled. Paths are relative to the directory. */
struct source_class {
    /* Regular files whose name `wanted` likes; everything in *arena. */
    enum status (*list)(struct file_source *source, bool (*wanted)(void *context, struct text name),
                        void *context, struct arena *arena, struct source_listing *listing_out,
                        struct error *error);
    enum status (*stat)(struct file_source *source, const char *path, struct source_file *file_out,
                        struct error *error); /* STATUS_NOT_FOUND; links are not followed */
    enum status (*fetch)(struct file_source *source, const char *path,
                         const struct source_sink *sink, struct error *error);
    /* STATUS_CONFLICT when `to` exists. */
    enum status (*rename)(struct file_source *source, const char *from, const char *to,
                          struct error *error);
    enum status (*remove)(struct file_source *source, const char *path, struct error *error);
    /* A new file with this content, under its name only when complete; replaces an old one. */
    enum status (*put)(struct file_source *source, const char *path, struct text content,
                       struct error *error);
    enum status (*make_directory)(struct file_source *source, const char *path,
                                  struct error *error); /* fine when it is there already */
    void (*close)(struct file_source *source);
};

struct file_source {
    const struct source_class *class;
};

/* Opens the directory, or connects and opens it there. STATUS_REFUSED: login or host key. */
must_check enum status source_open(const struct config_feed *feed, struct file_source **source_out,
                                   struct error *error);
must_check enum status source_open_local(const struct config_feed *feed,
                                         struct file_source **source_out, struct error *error);
must_check enum status source_open_sftp(const struct config_feed *feed,
                                        struct file_source **source_out, struct error *error);
void source_close(struct file_source *source); /* NULL is fine */

/* UTF-8, at most SOURCE_NAME_MAX bytes, no path, no control characters, not hidden. */
bool source_name_is_safe(struct text name);

/* Adds a file to a listing; STATUS_TOO_LARGE beyond SOURCE_FILES_MAX. */
must_check enum status source_listing_add(struct source_listing *listing, struct arena *arena,
                                          const struct source_file *file, struct error *error);

#endif
