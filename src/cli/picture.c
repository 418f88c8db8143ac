/* Measures, cuts and styles text for a terminal. */
#include "cli/picture.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/status.h"

#define FORMATTED_MAX 512

static const char *const codes[] = {"", "\033[2m", "\033[1m", "\033[32m", "\033[33m", "\033[1;31m"};

void picture_begin(struct picture *picture, unsigned width, bool colours, bool plain_ascii) {
    *picture = (struct picture){.width = width, .colours = colours, .plain_ascii = plain_ascii};
}

void picture_deinit(struct picture *picture) {
    buffer_deinit(&picture->text);
}

/* ---- characters ---- */

struct range {
    unsigned first, last;
};

static bool is_in(const struct range *ranges, size_t count, unsigned point) {
    for (size_t i = 0; i < count; i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    return false;
}

/* Controls, and what turns the direction of the text around it. */
static bool is_unsafe(unsigned point) {
    static const struct range ranges[] = {
        {0, 0x1F}, {0x7F, 0x9F}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}};
    return is_in(ranges, sizeof ranges / sizeof ranges[0], point);
}

static unsigned columns_of(unsigned point) {
    static const struct range none[] = {{0x300, 0x36F},   {0x483, 0x489},   {0x591, 0x5BD},
                                        {0x610, 0x61A},   {0x64B, 0x65F},   {0x200B, 0x200D},
                                        {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}};
    static const struct range two[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},
                                       {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
                                       {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
    if (is_in(none, sizeof none / sizeof none[0], point))
        return 0;
    return is_in(two, sizeof two / sizeof two[0], point) ? 2 : 1;
}

static unsigned point_of(struct text t, size_t length) {
    const unsigned char *b = (const unsigned char *)t.data;
    switch (length) {
    case 1:
        return b[0];
    case 2:
        return (b[0] & 0x1Fu) << 6 | (b[1] & 0x3Fu);
    case 3:
        return (b[0] & 0x0Fu) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu);
    default:
        return (b[0] & 0x07u) << 18 | (b[1] & 0x3Fu) << 12 | (b[2] & 0x3Fu) << 6 | (b[3] & 0x3Fu);
    }
}

/* The next character, as it may be shown, and what it takes; the rest of the text. */
static struct text next_shown(struct text *rest, bool plain_ascii, unsigned *columns_out) {
    size_t length = text_utf8_length(*rest);
    struct text shown = {rest->data, length > 0 ? length : 1};
    unsigned point = length > 0 ? point_of(*rest, length) : 0;
    rest->data += shown.length;
    rest->length -= shown.length;
    *columns_out = columns_of(point);
    if (length == 0 || is_unsafe(point) || (plain_ascii && point > 0x7E)) {
        *columns_out = 1;
        return TEXT("?");
    }
    return shown;
}

unsigned text_columns(const char *text) {
    unsigned sum = 0, columns;
    for (struct text rest = text_from(text); rest.length > 0; sum += columns)
        (void)next_shown(&rest, false, &columns);
    return sum;
}

/* ---- lines ---- */

/* How much of the text fits into `room`, in bytes. */
static size_t fitting(struct text text, bool plain_ascii, unsigned room, bool *whole_out) {
    struct text rest = text;
    unsigned used = 0, columns;
    while (rest.length > 0) {
        struct text before = rest;
        (void)next_shown(&rest, plain_ascii, &columns);
        if (used + columns > room) {
            *whole_out = false;
            return (size_t)(before.data - text.data);
        }
        used += columns;
    }
    *whole_out = true;
    return text.length;
}

void picture_add(struct picture *p, enum style style, const char *text) {
    struct text given = text_from(text);
    bool whole = true;
    if (p->cut || given.length == 0)
        return;
    require(p->column <= p->width);
    unsigned room = p->width - p->column, columns;
    size_t length = fitting(given, p->plain_ascii, room, &whole);
    if (!whole && room > 0) { /* leave a column for the mark */
        length = fitting(given, p->plain_ascii, room - 1, &whole);
        whole = false;
    }
    bool styled = p->colours && style != STYLE_PLAIN;
    if (styled)
        buffer_append_string(&p->text, codes[style]);
    for (struct text rest = {given.data, length}; rest.length > 0; p->column += columns)
        buffer_append_text(&p->text, next_shown(&rest, p->plain_ascii, &columns));
    if (!whole) {
        buffer_append_string(&p->text, room == 0 ? "" : p->plain_ascii ? "~" : "\u2026");
        p->cut = true;
    }
    if (styled)
        buffer_append_string(&p->text, "\033[0m");
}

void picture_format(struct picture *p, enum style style, const char *format, ...) {
    char text[FORMATTED_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    picture_add(p, style, text);
}

void picture_tab(struct picture *p, unsigned column) {
    unsigned wanted = p->column > 0 && p->column >= column ? p->column + 1 : column;
    while (!p->cut && p->column < wanted && p->column < p->width) {
        buffer_append(&p->text, " ", 1);
        p->column++;
    }
}

void picture_add_right(struct picture *p, enum style style, const char *text, unsigned end_column) {
    unsigned columns = text_columns(text);
    picture_tab(p, end_column > columns ? end_column - columns : 0);
    picture_add(p, style, text);
}

void picture_end_line(struct picture *p) {
    buffer_append(&p->text, "", 1);
    p->count++;
    p->column = 0;
    p->cut = false;
}

void picture_bars(struct picture *p, enum style style, const uint64_t *values, size_t count,
                  unsigned width) {
    static const char *const bars[] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                       "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char *const ascii[] = {"_", ".", ".", ":", "-", "=", "+", "#"};
    struct buffer line = {0};
    uint64_t most = 1;
    size_t first = count > width ? count - width : 0;
    for (size_t i = first; i < count; i++)
        most = values[i] > most ? values[i] : most;
    for (size_t i = first; i < count; i++) {
        /* Something is never drawn as nothing. */
        size_t level = values[i] == 0 ? 0 : 1 + (size_t)(values[i] * 6 / most);
        buffer_append_string(&line, p->plain_ascii ? ascii[level] : bars[level]);
    }
    if (line.length > 0)
        picture_add(p, style, line.data);
    buffer_deinit(&line);
}

const char *picture_line(const struct picture *p, size_t index) {
    require(index < p->count);
    const char *line = p->text.data;
    for (; index > 0; index--)
        line += strlen(line) + 1;
    return line;
}
