/* A directory of this machine. Everything is done relative to its open descriptor and without
 * following links, so that nobody can swap a name for something else in between. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "feed/source.h"

#define PIECE ((size_t)256 * 1024)

struct local {
    struct file_source base;
    int directory;
};

static struct local *as_local(struct file_source *source) {
    return (struct local *)(void *)source;
}

static void fill(const struct stat *stat, struct text name, struct source_file *file_out) {
    *file_out = (struct source_file){.name = name,
                                     .size = (uint64_t)stat->st_size,
                                     .mtime_us = stat->st_mtim.tv_sec * US_PER_SECOND +
                                                 stat->st_mtim.tv_nsec / 1000};
}

static enum status look_at(struct local *local, struct text name, struct arena *arena,
                           struct source_listing *listing, struct error *error) {
    struct stat stat;
    char path[SOURCE_NAME_MAX + 1];
    snprintf(path, sizeof(path), "%.*s", TEXT_ARG(name));
    if (fstatat(local->directory, path, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
        return STATUS_OK; /* gone already */
    }
    if (!S_ISREG(stat.st_mode)) {
        listing->passed_over++;
        return STATUS_OK;
    }
    struct source_file file;
    fill(&stat, name, &file);
    return source_listing_add(listing, arena, &file, error);
}

static enum status local_list(struct file_source *source,
                              bool (*wanted)(void *context, struct text name), void *context,
                              struct arena *arena, struct source_listing *listing_out,
                              struct error *error) {
    struct local *local = as_local(source);
    *listing_out = (struct source_listing){0};
    int fd = openat(local->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (directory == NULL) {
        enum status status = error_set_errno(error, "the directory cannot be listed");
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    enum status status = STATUS_OK;
    size_t seen = 0;
    const struct dirent *entry;
    /* Safe as long as no two threads share a stream, which they do not. */
    /* cppcheck-suppress readdirCalled */
    while (status == STATUS_OK && (entry = readdir(directory)) != NULL) {
        struct text name = text_from(entry->d_name);
        if (++seen > SOURCE_ENTRIES_MAX) {
            status = error_set(error, STATUS_TOO_LARGE, "more than %d entries in the directory",
                               SOURCE_ENTRIES_MAX);
        } else if (name.data[0] != '.' && wanted(context, name)) {
            if (source_name_is_safe(name)) {
                status = look_at(local, name, arena, listing_out, error);
            } else {
                listing_out->passed_over++;
            }
        }
    }
    closedir(directory);
    return status;
}

static enum status local_stat(struct file_source *source, const char *path,
                              struct source_file *file_out, struct error *error) {
    struct stat stat;
    if (fstatat(as_local(source)->directory, path, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? error_set(error, STATUS_NOT_FOUND, "%s is gone", path)
                               : error_set_errno(error, "%s cannot be looked at", path);
    }
    if (!S_ISREG(stat.st_mode)) {
        return error_set(error, STATUS_CONFLICT, "%s is not a regular file", path);
    }
    fill(&stat, (struct text){NULL, 0}, file_out);
    return STATUS_OK;
}

static enum status local_fetch(struct file_source *source, const char *path,
                               const struct source_sink *sink, struct error *error) {
    /* O_NONBLOCK: opening a pipe must not wait for a writer. */
    int fd =
        openat(as_local(source)->directory, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return error_set_errno(error, "%s cannot be opened", path);
    }
    struct stat stat;
    enum status status = STATUS_OK;
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        status = error_set(error, STATUS_CONFLICT, "%s is not a regular file", path);
    }
    char *piece = memory_alloc(PIECE);
    while (status == STATUS_OK) {
        ssize_t got = read(fd, piece, PIECE);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            status = error_set_errno(error, "%s cannot be read", path);
        } else if (got == 0) {
            break;
        } else {
            status = sink->bytes(sink->context, piece, (size_t)got);
        }
    }
    free(piece);
    close(fd);
    return status;
}

static enum status local_rename(struct file_source *source, const char *from, const char *to,
                                struct error *error) {
    int directory = as_local(source)->directory;
    int result = renameat2(directory, from, directory, to, RENAME_NOREPLACE);
    if (result != 0 && (errno == EINVAL || errno == ENOSYS)) {
        /* The file system does not know how: look first. */
        struct stat stat;
        if (fstatat(directory, to, &stat, AT_SYMLINK_NOFOLLOW) == 0) {
            errno = EEXIST;
        } else {
            result = renameat(directory, from, directory, to);
        }
    }
    if (result != 0 && errno == EEXIST) {
        return error_set(error, STATUS_CONFLICT, "%s exists already", to);
    }
    struct stat there;
    if (result != 0 && errno == ENOENT &&
        fstatat(directory, from, &there, AT_SYMLINK_NOFOLLOW) != 0) {
        return error_set(error, STATUS_NOT_FOUND, "%s is gone", from);
    }
    return result == 0 ? STATUS_OK : error_set_errno(error, "%s cannot be moved to %s", from, to);
}

static enum status local_remove(struct file_source *source, const char *path, struct error *error) {
    if (unlinkat(as_local(source)->directory, path, 0) != 0 && errno != ENOENT) {
        return error_set_errno(error, "%s cannot be deleted", path);
    }
    return STATUS_OK;
}

static enum status write_all(int fd, struct text content) {
    for (size_t at = 0; at < content.length;) {
        ssize_t put = write(fd, content.data + at, content.length - at);
        if (put < 0 && errno != EINTR) {
            return STATUS_IO;
        }
        at += put > 0 ? (size_t)put : 0;
    }
    return STATUS_OK;
}

static enum status local_put(struct file_source *source, const char *path, struct text content,
                             struct error *error) {
    int directory = as_local(source)->directory;
    char partial[SOURCE_NAME_MAX + 64];
    int length = snprintf(partial, sizeof(partial), "%s.tmp", path);
    if (length < 0 || (size_t)length >= sizeof(partial)) {
        return error_set(error, STATUS_TOO_LARGE, "the name is too long");
    }
    int fd =
        openat(directory, partial, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) {
        return error_set_errno(error, "%s cannot be written", path);
    }
    enum status status = write_all(fd, content);
    if (close(fd) != 0 || status != STATUS_OK ||
        renameat(directory, partial, directory, path) != 0) {
        status = error_set_errno(error, "%s cannot be written", path);
        unlinkat(directory, partial, 0);
    }
    return status;
}

static enum status local_make_directory(struct file_source *source, const char *path,
                                        struct error *error) {
    if (mkdirat(as_local(source)->directory, path, 0755) != 0 && errno != EEXIST) {
        return error_set_errno(error, "the directory %s cannot be made", path);
    }
    return STATUS_OK;
}

static void local_close(struct file_source *source) {
    close(as_local(source)->directory);
    free(source);
}

static const struct source_class local_class = {
    .list = local_list,
    .stat = local_stat,
    .fetch = local_fetch,
    .rename = local_rename,
    .remove = local_remove,
    .put = local_put,
    .make_directory = local_make_directory,
    .close = local_close,
};

enum status source_open_local(const struct config_feed *feed, struct file_source **source_out,
                              struct error *error) {
    int directory = open(feed->url.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return error_set_errno(error, "%.*s cannot be opened", TEXT_ARG(feed->url));
    }
    struct local *local = memory_alloc_zero(1, sizeof(*local));
    local->base.class = &local_class;
    local->directory = directory;
    *source_out = &local->base;
    return STATUS_OK;
}
