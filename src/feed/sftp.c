/* A directory behind SFTP.
 *
 * Reading keeps several requests on their way, since a line to the other side of the world is slow
 * only for those who wait for each answer. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/timestamp.h"
#include "feed/sftp_connect.h"
#include "feed/source.h"

#define PIECE ((uint32_t)32768) /* what every server gives at once */
#define REQUESTS 16u            /* on their way */
#define PATH_SIZE 4096

struct remote {
    struct file_source base;
    struct arena arena;
    struct sftp_address address;
    struct sftp_session session;
};

static struct remote *as_remote(struct file_source *source) {
    struct remote *remote = (struct remote *)(void *)source;
    watchdog_alive(&remote->session.watchdog);
    return remote;
}

static enum status fail(struct remote *remote, struct error *error, const char *what,
                        const char *path) {
    if (watchdog_has_bitten(&remote->session.watchdog)) {
        return error_set(error, STATUS_TIMEOUT, "%s %s: no answer for %d seconds", what, path,
                         SFTP_TIMEOUT_SECONDS);
    }
    switch (sftp_get_error(remote->session.sftp)) {
    case SSH_FX_NO_SUCH_FILE:
    case SSH_FX_NO_SUCH_PATH:
        return error_set(error, STATUS_NOT_FOUND, "%s %s: there is no such file", what, path);
    case SSH_FX_PERMISSION_DENIED:
    case SSH_FX_WRITE_PROTECT:
        return error_set(error, STATUS_REFUSED, "%s %s: permission denied", what, path);
    case SSH_FX_OK:
    case SSH_FX_CONNECTION_LOST:
    case SSH_FX_NO_CONNECTION:
        return error_set(error, STATUS_IO, "%s %s: the connection was lost", what, path);
    default:
        return error_set(error, STATUS_IO, "%s %s: %s", what, path,
                         ssh_get_error(remote->session.ssh));
    }
}

/* The directory's path and the file's; false when that is too long. */
static bool full_path(const struct remote *remote, const char *path, char out[PATH_SIZE],
                      struct error *error) {
    int length = snprintf(out, PATH_SIZE, "%s/%s", remote->address.path.data, path);
    if (length < 0 || length >= PATH_SIZE) {
        error_set(error, STATUS_TOO_LARGE, "the path is too long");
        return false;
    }
    return true;
}

static void fill(const struct sftp_attributes_struct *attributes, struct text name,
                 struct source_file *file_out) {
    *file_out = (struct source_file){.name = name,
                                     .size = attributes->size,
                                     .mtime_us = (int64_t)attributes->mtime * US_PER_SECOND};
}

static enum status look_at(const struct sftp_attributes_struct *attributes,
                           bool (*wanted)(void *context, struct text name), void *context,
                           struct arena *arena, struct source_listing *listing,
                           struct error *error) {
    struct text name = text_from(attributes->name);
    if (name.length == 0 || name.data[0] == '.' || !wanted(context, name)) {
        return STATUS_OK;
    }
    if (attributes->type != SSH_FILEXFER_TYPE_REGULAR || !source_name_is_safe(name)) {
        listing->passed_over++;
        return STATUS_OK;
    }
    struct source_file file;
    fill(attributes, name, &file);
    return source_listing_add(listing, arena, &file, error);
}

static enum status remote_list(struct file_source *source,
                               bool (*wanted)(void *context, struct text name), void *context,
                               struct arena *arena, struct source_listing *listing_out,
                               struct error *error) {
    struct remote *remote = as_remote(source);
    const char *path = remote->address.path.data;
    *listing_out = (struct source_listing){0};
    sftp_dir directory = sftp_opendir(remote->session.sftp, path);
    if (directory == NULL) {
        return fail(remote, error, "listing", path);
    }
    enum status status = STATUS_OK;
    size_t seen = 0;
    sftp_attributes attributes = NULL;
    while (status == STATUS_OK &&
           (attributes = sftp_readdir(remote->session.sftp, directory)) != NULL) {
        watchdog_alive(&remote->session.watchdog);
        if (++seen > SOURCE_ENTRIES_MAX) {
            status = error_set(error, STATUS_TOO_LARGE, "more than %d entries in the directory",
                               SOURCE_ENTRIES_MAX);
        } else {
            status = look_at(attributes, wanted, context, arena, listing_out, error);
        }
        sftp_attributes_free(attributes);
    }
    if (status == STATUS_OK && !sftp_dir_eof(directory)) {
        status = fail(remote, error, "listing", path);
    }
    sftp_closedir(directory);
    return status;
}

static enum status remote_stat(struct file_source *source, const char *path,
                               struct source_file *file_out, struct error *error) {
    struct remote *remote = as_remote(source);
    char full[PATH_SIZE];
    if (!full_path(remote, path, full, error)) {
        return STATUS_TOO_LARGE;
    }
    sftp_attributes attributes = sftp_lstat(remote->session.sftp, full);
    if (attributes == NULL) {
        return fail(remote, error, "looking at", path);
    }
    enum status status = STATUS_OK;
    if (attributes->type == SSH_FILEXFER_TYPE_REGULAR) {
        fill(attributes, (struct text){NULL, 0}, file_out);
    } else {
        status = error_set(error, STATUS_CONFLICT, "%s is not a regular file", path);
    }
    sftp_attributes_free(attributes);
    return status;
}

/* ---- fetching ---- */

struct fetch {
    struct remote *remote;
    sftp_file file;
    const char *path;
    const struct source_sink *sink;
    struct error *error;
    uint64_t offset; /* taken so far */
    uint32_t ids[REQUESTS];
    unsigned first, count; /* requests on their way, a ring */
    char piece[PIECE];
};

static enum status ask_ahead(struct fetch *fetch) {
    while (fetch->count < REQUESTS) {
        int id = sftp_async_read_begin(fetch->file, PIECE);
        if (id < 0) {
            return fail(fetch->remote, fetch->error, "reading", fetch->path);
        }
        fetch->ids[(fetch->first + fetch->count++) % REQUESTS] = (uint32_t)id;
    }
    return STATUS_OK;
}

/* The answer to the oldest request; its length, 0 at the end, below 0 on failure. */
static int next_answer(struct fetch *fetch) {
    uint32_t id = fetch->ids[fetch->first];
    fetch->first = (fetch->first + 1) % REQUESTS;
    fetch->count--;
    fetch->file->eof = 0; /* else the answer is not taken */
    int got = sftp_async_read(fetch->file, fetch->piece, PIECE, id);
    watchdog_alive(&fetch->remote->session.watchdog);
    return got;
}

static enum status fetch_all(struct fetch *fetch) {
    for (;;) {
        enum status status = ask_ahead(fetch);
        if (status != STATUS_OK) {
            return status;
        }
        int got = next_answer(fetch);
        if (got == 0) {
            return STATUS_OK; /* what else is on its way ends with the file */
        }
        if (got < 0) {
            return fail(fetch->remote, fetch->error, "reading", fetch->path);
        }
        status = fetch->sink->bytes(fetch->sink->context, fetch->piece, (size_t)got);
        if (status != STATUS_OK) {
            return status;
        }
        fetch->offset += (uint64_t)got;
        if ((uint32_t)got == PIECE) {
            continue;
        }
        /* Short: the requests behind it begin too far on. Their answers are of no use. */
        while (fetch->count > 0) {
            if (next_answer(fetch) < 0) {
                return fail(fetch->remote, fetch->error, "reading", fetch->path);
            }
        }
        if (sftp_seek64(fetch->file, fetch->offset) != 0) {
            return fail(fetch->remote, fetch->error, "reading", fetch->path);
        }
    }
}

static enum status remote_fetch(struct file_source *source, const char *path,
                                const struct source_sink *sink, struct error *error) {
    struct remote *remote = as_remote(source);
    char full[PATH_SIZE];
    struct source_file file;
    if (!full_path(remote, path, full, error)) {
        return STATUS_TOO_LARGE;
    }
    /* A link or a pipe that took the file's place would be opened like it. */
    enum status status = remote_stat(source, path, &file, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct fetch *fetch = memory_alloc_zero(1, sizeof(*fetch));
    fetch->remote = remote;
    fetch->path = path;
    fetch->sink = sink;
    fetch->error = error;
    fetch->file = sftp_open(remote->session.sftp, full, O_RDONLY, 0);
    status = fetch->file != NULL ? fetch_all(fetch) : fail(remote, error, "opening", path);
    /* Answers nobody takes would stay in libssh's memory as long as the session. */
    while (fetch->file != NULL && fetch->count > 0 &&
           !watchdog_has_bitten(&remote->session.watchdog)) {
        next_answer(fetch);
    }
    if (fetch->file != NULL) {
        sftp_close(fetch->file);
    }
    free(fetch);
    return status;
}

/* ---- the rest ---- */

static enum status remote_rename(struct file_source *source, const char *from, const char *to,
                                 struct error *error) {
    struct remote *remote = as_remote(source);
    char full_from[PATH_SIZE], full_to[PATH_SIZE];
    if (!full_path(remote, from, full_from, error) || !full_path(remote, to, full_to, error)) {
        return STATUS_TOO_LARGE;
    }
    /* Servers differ in what they do when it exists: some replace it. */
    sftp_attributes there = sftp_lstat(remote->session.sftp, full_to);
    if (there != NULL) {
        sftp_attributes_free(there);
        return error_set(error, STATUS_CONFLICT, "%s exists already", to);
    }
    if (sftp_rename(remote->session.sftp, full_from, full_to) != 0) {
        return fail(remote, error, "moving", from);
    }
    return STATUS_OK;
}

static enum status remote_remove(struct file_source *source, const char *path,
                                 struct error *error) {
    struct remote *remote = as_remote(source);
    char full[PATH_SIZE];
    if (!full_path(remote, path, full, error)) {
        return STATUS_TOO_LARGE;
    }
    if (sftp_unlink(remote->session.sftp, full) != 0 &&
        sftp_get_error(remote->session.sftp) != SSH_FX_NO_SUCH_FILE) {
        return fail(remote, error, "deleting", path);
    }
    return STATUS_OK;
}

static enum status write_all(struct remote *remote, sftp_file file, struct text content,
                             const char *path, struct error *error) {
    for (size_t at = 0; at < content.length;) {
        size_t piece = content.length - at < PIECE ? content.length - at : PIECE;
        ssize_t put = sftp_write(file, content.data + at, piece);
        watchdog_alive(&remote->session.watchdog);
        if (put <= 0) {
            return fail(remote, error, "writing", path);
        }
        at += (size_t)put;
    }
    return STATUS_OK;
}

static enum status remote_put(struct file_source *source, const char *path, struct text content,
                              struct error *error) {
    struct remote *remote = as_remote(source);
    char full[PATH_SIZE], partial[PATH_SIZE];
    char name[SOURCE_NAME_MAX + 64];
    snprintf(name, sizeof(name), "%s.tmp", path);
    if (!full_path(remote, path, full, error) || !full_path(remote, name, partial, error)) {
        return STATUS_TOO_LARGE;
    }
    sftp_file file = sftp_open(remote->session.sftp, partial, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file == NULL) {
        return fail(remote, error, "writing", path);
    }
    enum status status = write_all(remote, file, content, path, error);
    if (sftp_close(file) != SSH_OK && status == STATUS_OK) {
        status = fail(remote, error, "writing", path);
    }
    if (status == STATUS_OK) {
        sftp_unlink(remote->session.sftp, full);
        if (sftp_rename(remote->session.sftp, partial, full) != 0) {
            status = fail(remote, error, "writing", path);
        }
    }
    return status;
}

static enum status remote_make_directory(struct file_source *source, const char *path,
                                         struct error *error) {
    struct remote *remote = as_remote(source);
    char full[PATH_SIZE];
    if (!full_path(remote, path, full, error)) {
        return STATUS_TOO_LARGE;
    }
    sftp_attributes there = sftp_stat(remote->session.sftp, full);
    if (there != NULL) {
        sftp_attributes_free(there);
        return STATUS_OK;
    }
    if (sftp_mkdir(remote->session.sftp, full, 0755) != 0) {
        return fail(remote, error, "making the directory", path);
    }
    return STATUS_OK;
}

static void remote_close(struct file_source *source) {
    struct remote *remote = as_remote(source);
    sftp_session_deinit(&remote->session);
    arena_deinit(&remote->arena);
    free(remote);
}

static const struct source_class remote_class = {
    .list = remote_list,
    .stat = remote_stat,
    .fetch = remote_fetch,
    .rename = remote_rename,
    .remove = remote_remove,
    .put = remote_put,
    .make_directory = remote_make_directory,
    .close = remote_close,
};

enum status source_open_sftp(const struct config_feed *feed, struct file_source **source_out,
                             struct error *error) {
    struct remote *remote = memory_alloc_zero(1, sizeof(*remote));
    remote->base.class = &remote_class;
    enum status status = sftp_address_parse(feed->url, &remote->arena, &remote->address, error);
    if (status == STATUS_OK) {
        status = sftp_session_open(feed, &remote->address, &remote->session, error);
    }
    if (status != STATUS_OK) {
        sftp_session_deinit(&remote->session);
        arena_deinit(&remote->arena);
        free(remote);
        return status;
    }
    *source_out = &remote->base;
    return STATUS_OK;
}
