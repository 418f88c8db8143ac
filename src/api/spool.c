/* An answer that may grow beyond memory. */
#include "api/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void spool_init(struct spool *spool, struct text directory) {
    *spool = (struct spool){.directory = directory, .fd = -1};
}

void spool_deinit(struct spool *spool) {
    buffer_deinit(&spool->buffer);
    if (spool->fd >= 0) {
        (void)close(spool->fd);
    }
    spool->fd = -1;
}

static enum status open_file(struct spool *spool, struct error *error) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%.*s", TEXT_ARG(spool->directory));
    if (length < 0 || (size_t)length >= sizeof path) {
        return error_set(error, STATUS_BAD_VALUE, "the data directory's name is too long");
    }
    spool->fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spool->fd < 0) {
        return error_set_errno(error, "cannot keep a long answer in %s", path);
    }
    return STATUS_OK;
}

static enum status write_out(struct spool *spool, struct error *error) {
    const char *data = spool->buffer.data;
    size_t left = spool->buffer.length;
    while (left > 0) {
        ssize_t done = write(spool->fd, data, left);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return error_set_errno(error, "cannot keep a long answer");
        }
        data += done;
        left -= (size_t)done;
        spool->written += (uint64_t)done;
    }
    buffer_clear(&spool->buffer);
    return STATUS_OK;
}

enum status spool_settle(struct spool *spool, struct error *error) {
    if (spool->buffer.length < SPOOL_MEMORY) {
        return STATUS_OK;
    }
    if (spool->fd < 0) {
        enum status status = open_file(spool, error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return write_out(spool, error);
}

enum status spool_finish(struct spool *spool, int *fd_out, struct error *error) {
    *fd_out = -1;
    if (spool->fd < 0) {
        return STATUS_OK;
    }
    enum status status = write_out(spool, error);
    if (status == STATUS_OK) {
        *fd_out = spool->fd;
        spool->fd = -1;
    }
    return status;
}
