/* Log lines: composed on the stack, written with one write(2).
 *
 * It must work when nothing else does (out of memory, a broken promise), so it allocates nothing
 * and takes no lock. A line is never longer than LINE_SIZE; what does not fit is cut, and a control
 * character that got into it becomes a question mark, so that no value can forge a second line. */
#include "base/log.h"

#include "base/timestamp.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_SIZE 4096
#define QUOTE_SIZE 256
#define QUOTE_RING 4

static _Atomic int least_level = LOG_INFO;
static atomic_bool json_lines;

struct line {
    size_t length;
    char data[LINE_SIZE];
};

void log_configure(enum log_level least, bool as_json) {
    atomic_store(&least_level, (int)least);
    atomic_store(&json_lines, as_json);
}

/* Keeps room for what closes a line: a quote, a brace and the newline. */
static void line_append(struct line *line, const char *data, size_t length) {
    size_t room = LINE_SIZE - 4 - line->length;
    if (length > room) {
        length = room;
    }
    memcpy(line->data + line->length, data, length);
    line->length += length;
}

static void line_append_string(struct line *line, const char *string) {
    line_append(line, string, strlen(string));
}

/* Whole or not at all: half an escape would spoil the line for who parses it. */
static void line_append_whole(struct line *line, const char *data, size_t length) {
    if (length <= LINE_SIZE - 4 - line->length) {
        line_append(line, data, length);
    }
}

static bool is_control(unsigned char c) {
    return c < 0x20 || c == 0x7F;
}

static void append_escaped(struct line *line, struct text text) {
    while (text.length > 0) {
        size_t length = text_utf8_length(text);
        if (length == 1 && (*text.data == '"' || *text.data == '\\')) {
            char escape[2] = {'\\', *text.data};
            line_append_whole(line, escape, 2);
        } else if (length == 0 || is_control((unsigned char)*text.data)) {
            line_append_whole(line, "?", 1);
            length = 1;
        } else {
            line_append_whole(line, text.data, length);
        }
        text.data += length;
        text.length -= length;
    }
}

static void append_json_string(struct line *line, struct text text) {
    line_append(line, "\"", 1);
    append_escaped(line, text);
    line_append(line, "\"", 1);
}

/* ---- pairs ---- */

/* -12, 0.5: what JSON takes as a number, without exponents. */
static bool is_plain_number(struct text t) {
    size_t i = t.length > 0 && t.data[0] == '-' ? 1 : 0;
    size_t whole = i;
    while (i < t.length && t.data[i] >= '0' && t.data[i] <= '9') {
        i++;
    }
    if (i == whole || (t.data[whole] == '0' && i > whole + 1)) {
        return false;
    }
    if (i < t.length && t.data[i] == '.') {
        size_t decimals = ++i;
        while (i < t.length && t.data[i] >= '0' && t.data[i] <= '9') {
            i++;
        }
        if (i == decimals) {
            return false;
        }
    }
    return i == t.length;
}

/* Takes what log_quote put in quotes out of them again; \n, \t and \xNN stay as they are written,
 * which is how a person wants to read them. `p` is behind the opening quote. */
static const char *append_quoted(struct line *line, const char *p, const char *end) {
    line_append(line, "\"", 1);
    while (p < end && *p != '"') {
        if (*p == '\\' && end - p >= 2 && (p[1] == '"' || p[1] == '\\')) {
            p++;
        }
        size_t length = text_utf8_length((struct text){p, (size_t)(end - p)});
        length = length > 0 ? length : 1;
        append_escaped(line, (struct text){p, length});
        p += length;
    }
    line_append(line, "\"", 1);
    return p < end ? p + 1 : p;
}

static const char *until(const char *p, const char *end, char stop) {
    while (p < end && *p != stop && *p != ' ') {
        p++;
    }
    return p;
}

/* ,"key":"value" for each key=value; a word without "=" gets the value true. */
static void append_json_pairs(struct line *line, struct text pairs) {
    const char *p = pairs.data;
    const char *end = p + pairs.length;
    while (p < end) {
        if (*p == ' ') {
            p++;
            continue;
        }
        size_t mark = line->length;
        const char *key = p;
        p = until(p, end, '=');
        line_append(line, ",", 1);
        append_json_string(line, (struct text){key, (size_t)(p - key)});
        line_append(line, ":", 1);
        if (p == end || *p != '=') {
            line_append(line, "true", 4);
        } else if (++p < end && *p == '"') {
            p = append_quoted(line, p + 1, end);
        } else {
            const char *value = p;
            p = until(p, end, ' ');
            struct text text = {value, (size_t)(p - value)};
            if (is_plain_number(text)) {
                line_append(line, text.data, text.length);
            } else {
                append_json_string(line, text);
            }
        }
        if (line->length >= LINE_SIZE - 4) {
            line->length = mark; /* a pair that does not fit is left out whole */
            return;
        }
    }
}

/* ---- lines ---- */

static const char *level_name(enum log_level level) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return (unsigned)level < sizeof names / sizeof *names ? names[level] : "error";
}

static void compose_json(struct line *line, enum log_level level, const char *time,
                         const char *message, struct text pairs) {
    line_append_string(line, "{\"time\":\"");
    line_append_string(line, time);
    line_append_string(line, "\",\"level\":\"");
    line_append_string(line, level_name(level));
    line_append_string(line, "\",\"message\":");
    append_json_string(line, text_from(message));
    append_json_pairs(line, pairs);
    line->data[line->length++] = '}';
}

static void compose_plain(struct line *line, enum log_level level, const char *time,
                          const char *message, struct text pairs) {
    line_append_string(line, time);
    line_append(line, " ", 1);
    line_append_string(line, level_name(level));
    line_append(line, " ", 1);
    append_json_string(line, text_from(message));
    if (pairs.length > 0) {
        line_append(line, " ", 1);
        line_append(line, pairs.data, pairs.length);
    }
    for (size_t i = 0; i < line->length; i++) {
        if (is_control((unsigned char)line->data[i])) {
            line->data[i] = '?';
        }
    }
}

void log_line(enum log_level level, const char *message, const char *format, ...) {
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed)) {
        return;
    }
    int saved_errno = errno;
    char pairs[LINE_SIZE / 2];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(pairs, sizeof pairs, format, arguments);
    va_end(arguments);
    if (length < 0) {
        length = 0;
    } else if ((size_t)length >= sizeof pairs) {
        length = (int)sizeof pairs - 1;
    }
    char time[TIMESTAMP_TEXT_SIZE];
    int64_t now_us = clock_now_us(&clock_system);
    timestamp_format(now_us - now_us % 1000, time);
    struct line line;
    line.length = 0;
    struct text text = {pairs, (size_t)length};
    if (atomic_load_explicit(&json_lines, memory_order_relaxed)) {
        compose_json(&line, level, time, message, text);
    } else {
        compose_plain(&line, level, time, message, text);
    }
    line.data[line.length++] = '\n';
    ssize_t written;
    do {
        written = write(STDERR_FILENO, line.data, line.length);
    } while (written < 0 && errno == EINTR); /* any other failure has nowhere to be told */
    errno = saved_errno;
}

/* ---- quoting ---- */

/* Valid, but able to turn or blind a terminal: C1 controls, line separators, direction marks. */
static bool is_treacherous(const unsigned char *p, size_t length) {
    if (length == 2) {
        return p[0] == 0xC2 && p[1] < 0xA0;
    }
    if (length == 3 && p[0] == 0xE2) {
        return (p[1] == 0x80 &&
                ((p[2] >= 0x8B && p[2] <= 0x8F) || (p[2] >= 0xA8 && p[2] <= 0xAE))) ||
               (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9);
    }
    return false;
}

/* The escaped form of the character that `text` begins with; returns how many bytes it took. */
static size_t escape_one(struct text text, char out[5]) {
    unsigned char c = (unsigned char)*text.data;
    size_t length = text_utf8_length(text);
    if (c == '"' || c == '\\') {
        (void)snprintf(out, 5, "\\%c", c);
    } else if (c == '\n') {
        memcpy(out, "\\n", 3);
    } else if (c == '\r') {
        memcpy(out, "\\r", 3);
    } else if (c == '\t') {
        memcpy(out, "\\t", 3);
    } else if (length == 0 || is_control(c) ||
               is_treacherous((const unsigned char *)text.data, length)) {
        (void)snprintf(out, 5, "\\x%02x", c);
    } else {
        memcpy(out, text.data, length);
        out[length] = '\0';
        return length;
    }
    return 1;
}

const char *log_quote(struct text text) {
    static _Thread_local char ring[QUOTE_RING][QUOTE_SIZE];
    static _Thread_local unsigned turn;
    char *start = ring[turn++ % QUOTE_RING];
    char *p = start;
    char *end = start + QUOTE_SIZE - sizeof "...\"";
    *p++ = '"';
    while (text.length > 0) {
        char one[5];
        size_t taken = escape_one(text, one);
        size_t length = strlen(one);
        if (length > (size_t)(end - p)) {
            memcpy(p, "...", 3);
            p += 3;
            break;
        }
        memcpy(p, one, length);
        p += length;
        text.data += taken;
        text.length -= taken;
    }
    *p++ = '"';
    *p = '\0';
    return start;
}
