/* The words behind each status, and how a failure's story is put down.
 *
 * A story is formatted aside before it is stored, so that a caller may wrap the story it got
 * ("feed a: %s", error->detail) into the very same struct error. */
#include "base/status.h"

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const codes[STATUS_COUNT] = {
#define X(name, code, meaning) [STATUS_##name] = code,
    STATUS_LIST(X)
#undef X
};

static const char *const meanings[STATUS_COUNT] = {
#define X(name, code, meaning) [STATUS_##name] = meaning,
    STATUS_LIST(X)
#undef X
};

const char *status_code(enum status status) {
    require((unsigned)status < STATUS_COUNT);
    return codes[status];
}

const char *status_meaning(enum status status) {
    require((unsigned)status < STATUS_COUNT);
    return meanings[status];
}

static void error_fill(struct error *error, enum status status, const char *detail) {
    error->status = status;
    error->line = 0;
    error->pointer[0] = '\0';
    size_t length = strlen(detail);
    if (length >= sizeof error->detail) {
        length = sizeof error->detail - 1;
        while (length > 0 && ((unsigned char)detail[length] & 0xC0) == 0x80) {
            length--; /* never cut inside a character */
        }
    }
    memcpy(error->detail, detail, length);
    error->detail[length] = '\0';
}

enum status error_set(struct error *error, enum status status, const char *format, ...) {
    require(status != STATUS_OK && (unsigned)status < STATUS_COUNT);
    if (error == NULL) {
        return status;
    }
    char detail[2 * sizeof error->detail];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    error_fill(error, status, detail);
    return status;
}

enum status error_set_errno(struct error *error, const char *format, ...) {
    int number = errno;
    enum status status = number == ENOSPC || number == EDQUOT ? STATUS_NO_SPACE : STATUS_IO;
    if (error == NULL) {
        return status;
    }
    char detail[2 * sizeof error->detail];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    char reason_space[128];
    const char *reason = strerror_r(number, reason_space, sizeof reason_space);
    size_t used = strlen(detail);
    /* A long story (a path of 4 KB) must not push the reason out. */
    size_t room = sizeof error->detail - 1;
    size_t needed = strlen(reason) + 2;
    if (used + needed > room) {
        used = room > needed ? room - needed : 0;
    }
    (void)snprintf(detail + used, sizeof detail - used, ": %s", reason);
    error_fill(error, status, detail);
    errno = number;
    return status;
}

_Noreturn void require_failed(const char *condition, const char *file, int line) {
    log_error("broken promise", "condition=%s file=%s line=%d", log_quote(text_from(condition)),
              file, line);
    abort();
}
