/* POST /v1/backup: the whole store as one file, sent to the caller while the hub goes on.
 *
 * The copy is made beside the store, under a name of our own, and has no name any more by the time
 * it is sent: no path comes from outside, and nothing is left behind. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api_internal.h"

#define PATH_SIZE 4200

static enum status open_copy(struct request *r, const char *path, int *fd_out, uint64_t *size_out,
                             struct error *error) {
    enum status status = store_backup(hub_store(r->api->hub), path, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct stat facts;
    *fd_out = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd_out < 0 || fstat(*fd_out, &facts) != 0) {
        status = error_set_errno(error, "cannot read the copy");
        if (*fd_out >= 0) {
            (void)close(*fd_out);
        }
        return status;
    }
    *size_out = (uint64_t)facts.st_size;
    return STATUS_OK;
}

void handle_backup(struct request *r) {
    char path[PATH_SIZE];
    struct error error = {0};
    int fd = -1;
    uint64_t size = 0;
    int length = snprintf(path, sizeof path, "%.*s/backup-%" PRIx64 ".partial",
                          TEXT_ARG(r->api->config->data), r->number);
    enum status status =
        length > 0 && (size_t)length < sizeof path
            ? open_copy(r, path, &fd, &size, &error)
            : error_set(&error, STATUS_BAD_VALUE, "the data directory's name is too long");
    (void)unlink(path);
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
        return;
    }
    answer_file(r, "application/vnd.sqlite3", fd, size);
}
