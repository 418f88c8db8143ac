/* DIR/admin.token: written under another name, synced, then linked into place, so that whoever
 * waits for it never reads half of it. */
#include "api/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4200

static bool is_secret(const char *text, size_t length) {
    if (length != TOKEN_SECRET_SIZE - 1 || memcmp(text, "oh_", 3) != 0) {
        return false;
    }
    return strspn(text + 3, "0123456789abcdef") == length - 3;
}

/* STATUS_NOT_FOUND when there is none. */
static enum status read_file(const char *path, char secret[TOKEN_SECRET_SIZE],
                             struct error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? STATUS_NOT_FOUND : error_set_errno(error, "cannot read %s", path);
    }
    char text[TOKEN_SECRET_SIZE + 2] = {0};
    ssize_t got = read(fd, text, sizeof text - 1);
    struct stat facts;
    bool ours = fstat(fd, &facts) == 0 && (facts.st_mode & 077) == 0;
    (void)close(fd);
    size_t length = got > 0 ? strcspn(text, "\n") : 0;
    text[length] = '\0';
    if (!ours || !is_secret(text, length)) {
        return error_set(error, STATUS_CONFLICT,
                         "%s is there but is no token of this hub with mode 0600: move it away",
                         path);
    }
    memcpy(secret, text, TOKEN_SECRET_SIZE);
    return STATUS_OK;
}

static enum status write_file(const char *path, const char *secret, struct error *error) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return error_set_errno(error, "cannot create %s", path);
    }
    char line[TOKEN_SECRET_SIZE + 1];
    int length = snprintf(line, sizeof line, "%s\n", secret);
    enum status status = STATUS_OK;
    if (fchmod(fd, 0600) != 0 || write(fd, line, (size_t)length) != length || fsync(fd) != 0) {
        status = error_set_errno(error, "cannot write %s", path);
    }
    (void)close(fd);
    return status;
}

enum status token_file_make(struct text directory, char secret[TOKEN_SECRET_SIZE],
                            struct error *error) {
    char path[PATH_SIZE], partial[PATH_SIZE];
    int length = snprintf(partial, sizeof partial, "%.*s/admin.token.partial", TEXT_ARG(directory));
    if (length < 0 || (size_t)length >= sizeof partial) {
        return error_set(error, STATUS_BAD_VALUE, "the data directory's name is too long");
    }
    (void)snprintf(path, sizeof path, "%.*s/admin.token", TEXT_ARG(directory));
    enum status status = read_file(path, secret, error);
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    (void)unlink(partial); /* of a start that died: its token was never registered */
    status = write_file(partial, secret, error);
    if (status == STATUS_OK && link(partial, path) != 0) {
        status = error_set_errno(error, "cannot create %s", path);
    }
    (void)unlink(partial);
    return status;
}
