/* Log lines on stderr: key=value (or JSON with --log json), few verbs, never a secret.
 *
 *     log_info("reset applied", "reset=%s rows=%" PRIu64 " seconds=%.3f", id, rows, seconds);
 *
 * writes  2026-11-23T07:05:00Z info "reset applied" reset=r-... rows=10000000 seconds=1.2
 * The format must be key=value pairs separated by one space; values that may hold spaces or come
 * from outside go through %s of log_quote(). Thread-safe: a line is one write. */
#ifndef ONHAND_BASE_LOG_H
#define ONHAND_BASE_LOG_H

#include "base/text.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_configure(enum log_level least, bool as_json);
void log_line(enum log_level level, const char *message, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(message, ...) log_line(LOG_DEBUG, message, __VA_ARGS__)
#define log_info(message, ...) log_line(LOG_INFO, message, __VA_ARGS__)
#define log_warn(message, ...) log_line(LOG_WARN, message, __VA_ARGS__)
#define log_error(message, ...) log_line(LOG_ERROR, message, __VA_ARGS__)

/* A printable, quoted, shortened copy of untrusted text; the result lives until the same thread's
 * fourth call after this one. */
const char *log_quote(struct text text);

#endif
