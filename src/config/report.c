/* The list of mistakes: all of them, in the order of the file, so that one round of corrections is
 * enough. It is bounded, because a wrong file can be wrong everywhere. */
#include "config/read_internal.h"

#include <stdio.h>
#include <stdlib.h>

void report_add(struct config_report *report, struct text file, unsigned long line,
                unsigned long column, struct text key, const char *format, va_list arguments) {
    if (report->count == CONFIG_MISTAKES_MAX) {
        return;
    }
    char message[512];
    (void)vsnprintf(message, sizeof message, format, arguments);
    if (report->count == CONFIG_MISTAKES_MAX - 1) {
        (void)snprintf(message, sizeof message, "too many mistakes: the rest is not shown");
    }
    if (report->count == report->capacity) {
        report->capacity = report->capacity == 0 ? 8 : report->capacity * 2;
        report->items = memory_grow(report->items, report->capacity * sizeof *report->items);
    }
    report->items[report->count++] = (struct config_mistake){
        .file = arena_copy(&report->arena, file),
        .line = line,
        .column = column,
        .key = arena_copy(&report->arena, key),
        .message = arena_copy(&report->arena, text_from(message)),
    };
}

void report_plain(struct config_report *report, struct text file, unsigned long line,
                  unsigned long column, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    report_add(report, file, line, column, (struct text){NULL, 0}, format, arguments);
    va_end(arguments);
}

static bool comes_before(const struct config_mistake *a, const struct config_mistake *b) {
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* By insertion: stable, and there are few. */
void report_sort(struct config_report *report) {
    for (size_t i = 1; i < report->count; i++) {
        struct config_mistake mistake = report->items[i];
        size_t at = i;
        for (; at > 0 && comes_before(&mistake, &report->items[at - 1]); at--) {
            report->items[at] = report->items[at - 1];
        }
        report->items[at] = mistake;
    }
}

void config_report_format(const struct config_report *report, struct buffer *out) {
    for (size_t i = 0; i < report->count; i++) {
        const struct config_mistake *mistake = &report->items[i];
        buffer_append_text(out, mistake->file);
        if (mistake->line > 0) {
            buffer_append_format(out, ":%lu:%lu", mistake->line, mistake->column);
        }
        buffer_append_string(out, ": ");
        if (mistake->key.length > 0) {
            buffer_append_text(out, mistake->key);
            buffer_append_string(out, ": ");
        }
        buffer_append_text(out, mistake->message);
        buffer_append_string(out, "\n");
    }
}

void config_report_deinit(struct config_report *report) {
    arena_deinit(&report->arena);
    free(report->items);
    *report = (struct config_report){0};
}
