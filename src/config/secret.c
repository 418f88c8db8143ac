/* References to secrets, and reading what they point to.
 *
 * Nothing here ever repeats a value in an error: what stands where a reference belongs is most
 * likely the secret itself. */
#include "config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool starts_with(struct text text, const char *prefix, struct text *rest_out) {
    size_t length = strlen(prefix);
    if (text.length < length || memcmp(text.data, prefix, length) != 0) {
        return false;
    }
    *rest_out = (struct text){text.data + length, text.length - length};
    return true;
}

static bool is_variable_name(struct text name) {
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!letter && !(c >= '0' && c <= '9' && i > 0)) {
            return false;
        }
    }
    return name.length > 0;
}

enum status config_secret_parse(struct text text, struct config_secret_ref *ref_out,
                                struct error *error) {
    struct config_secret_ref ref = {CONFIG_SECRET_NONE, {NULL, 0}};
    if (starts_with(text, "env:", &ref.name)) {
        ref.kind = CONFIG_SECRET_ENV;
        if (!is_variable_name(ref.name)) {
            return error_set(error, STATUS_BAD_VALUE,
                             "after env: the name of an environment variable is expected");
        }
    } else if (starts_with(text, "file:", &ref.name)) {
        ref.kind = CONFIG_SECRET_FILE;
        if (ref.name.length == 0 || memchr(ref.name.data, '\0', ref.name.length) != NULL) {
            return error_set(error, STATUS_BAD_VALUE, "after file: a path is expected");
        }
    } else {
        return error_set(error, STATUS_BAD_VALUE,
                         "a secret does not belong into the configuration: write env:NAME (an "
                         "environment variable) or file:PATH");
    }
    *ref_out = ref;
    return STATUS_OK;
}

static enum status read_variable(const char *name, struct buffer *out, struct error *error) {
    const char *value = getenv(name);
    if (value == NULL) {
        return error_set(error, STATUS_MISSING, "the environment variable %s is not set", name);
    }
    size_t length = strlen(value);
    if (length > CONFIG_SECRET_MAX) {
        return error_set(error, STATUS_TOO_LARGE, "the environment variable %s is too long", name);
    }
    buffer_append(out, value, length);
    return STATUS_OK;
}

static enum status read_open_file(int fd, const char *path, struct buffer *out,
                                  struct error *error) {
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return error_set_errno(error, "%s", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return error_set(error, STATUS_IO, "%s is not a file", path);
    }
    if ((info.st_mode & S_IRWXO) != 0) {
        return error_set(error, STATUS_FORBIDDEN,
                         "%s holds a secret and is open to everybody: chmod o-rwx it", path);
    }
    for (;;) {
        buffer_reserve(out, 4096);
        ssize_t n = read(fd, out->data + out->length, 4096);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return error_set_errno(error, "%s", path);
        }
        if (n == 0) {
            return STATUS_OK;
        }
        out->length += (size_t)n;
        if (out->length > CONFIG_SECRET_MAX) {
            return error_set(error, STATUS_TOO_LARGE, "%s is too long for a secret", path);
        }
    }
}

static enum status read_file(const char *path, struct buffer *out, struct error *error) {
    /* Not blocking, so that a FIFO in its place is refused instead of waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return error_set_errno(error, "%s", path);
    }
    /* All the room at once: a buffer that moves would leave copies of the secret behind. */
    buffer_reserve(out, CONFIG_SECRET_MAX + 2 * 4096);
    enum status status = read_open_file(fd, path, out, error);
    (void)close(fd);
    return status;
}

enum status config_secret(const struct config_secret_ref *ref, struct buffer *out,
                          struct error *error) {
    enum status status = STATUS_OK;
    buffer_clear(out);
    switch (ref->kind) {
    case CONFIG_SECRET_NONE:
        return error_set(error, STATUS_MISSING, "no secret is configured");
    case CONFIG_SECRET_ENV:
        status = read_variable(ref->name.data, out, error);
        break;
    case CONFIG_SECRET_FILE:
        status = read_file(ref->name.data, out, error);
        break;
    }
    while (status == STATUS_OK && out->length > 0 &&
           (out->data[out->length - 1] == '\n' || out->data[out->length - 1] == '\r')) {
        out->length--;
    }
    if (status == STATUS_OK && out->length == 0) {
        status = error_set(error, STATUS_MISSING, "%s%s is empty",
                           ref->kind == CONFIG_SECRET_ENV ? "the environment variable " : "",
                           ref->name.data);
    }
    if (status != STATUS_OK) {
        config_secret_wipe(out);
        return status;
    }
    buffer_append(out, "", 0); /* so that it is NUL-terminated at its new end */
    return STATUS_OK;
}

void config_secret_wipe(struct buffer *secret) {
    if (secret->data != NULL) {
        explicit_bzero(secret->data, secret->capacity);
    }
    buffer_deinit(secret);
}
