/* Writes answers for people. */
#include "cli/view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/quantity.h"
#include "base/timestamp.h"

#define COLUMN_GAP 2
#define NAME_WIDTH_MAX 64

/* ---- values ---- */

const char *view_string(const json_t *object, const char *key) {
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

void view_append_number(struct buffer *out, const json_t *number) {
    if (json_is_integer(number)) {
        buffer_append_int(out, json_integer_value(number));
    } else if (json_is_real(number)) {
        char text[64];
        int length = snprintf(text, sizeof text, "%.3f", json_real_value(number));
        while (text[length - 1] == '0')
            length--;
        if (text[length - 1] == '.')
            length--;
        buffer_append(out, text, (size_t)length);
    } else {
        buffer_append_string(out, "-");
    }
}

void view_append_time(struct buffer *out, const json_t *time) {
    int64_t us = 0;
    struct tm local;
    if (!json_is_string(time) ||
        timestamp_parse(text_from(json_string_value(time)), &us) != STATUS_OK) {
        buffer_append_string(out, "-");
        return;
    }
    time_t seconds = (time_t)(us / US_PER_SECOND);
    char text[40];
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z", &local) == 0) {
        buffer_append_string(out, json_string_value(time));
        return;
    }
    size_t length = strlen(text); /* +hhmm becomes +hh:mm */
    buffer_append(out, text, length - 2);
    buffer_append_format(out, ":%s", text + length - 2);
}

static bool ends_in(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

void view_append_value(struct buffer *out, const char *key, const json_t *value) {
    if (json_is_string(value) && (ends_in(key, "_at") || ends_in(key, "as_of") ||
                                  ends_in(key, "_run") || strcmp(key, "now") == 0))
        view_append_time(out, value);
    else if (json_is_string(value))
        buffer_append_string(out, json_string_value(value));
    else if (json_is_boolean(value))
        buffer_append_string(out, json_is_true(value) ? "yes" : "no");
    else if (json_is_number(value) || json_is_null(value) || value == NULL)
        view_append_number(out, value);
    else {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        buffer_append_string(out, text);
        free(text);
    }
}

static bool is_control(unsigned char c) {
    return c < 0x20 || c == 0x7F;
}

void view_print_safe(FILE *out, const char *text) {
    struct text rest = text_from(text);
    while (rest.length > 0) {
        size_t length = text_utf8_length(rest);
        bool c1 = length == 2 && (unsigned char)rest.data[0] == 0xC2 &&
                  (unsigned char)rest.data[1] < 0xA0;
        if (length == 0 || c1 || (length == 1 && is_control((unsigned char)rest.data[0])))
            (void)fputc('?', out);
        else
            (void)fwrite(rest.data, 1, length, out);
        length = length > 0 ? length : 1;
        rest = (struct text){rest.data + length, rest.length - length};
    }
}

void view_print_raw(const struct buffer *body) {
    const char *data = body->data;
    if (data == NULL || body->length == 0)
        return;
    (void)fwrite(data, 1, body->length, stdout);
    if (data[body->length - 1] != '\n')
        (void)fputc('\n', stdout);
}

/* "oldest_unsent" reads as "oldest unsent". */
static void print_name(FILE *out, const char *key, int indent, int width) {
    char name[NAME_WIDTH_MAX];
    size_t length = 0;
    for (; key[length] != '\0' && length + 1 < sizeof name; length++)
        name[length] = key[length] == '_' ? ' ' : key[length];
    name[length] = '\0';
    (void)fprintf(out, "%*s", indent, "");
    view_print_safe(out, name);
    (void)fprintf(out, "%*s", width > (int)length ? width - (int)length : 0, "");
}

void view_print_object(FILE *out, const json_t *object, int indent) {
    const char *key;
    json_t *value;
    int width = 0;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        int length = (int)strlen(key) + COLUMN_GAP;
        if (!json_is_object(value) && length > width && length < NAME_WIDTH_MAX)
            width = length;
    }
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (json_is_object(value)) {
            print_name(out, key, indent, 0);
            (void)fputs("\n", out);
            view_print_object(out, value, indent + 2);
            continue;
        }
        struct buffer text = {0};
        view_append_value(&text, key, value);
        print_name(out, key, indent, width);
        view_print_safe(out, text.data);
        (void)fputs("\n", out);
        buffer_deinit(&text);
    }
}

/* ---- tables ---- */

void table_init(struct table *table, const char *const *heads, size_t columns) {
    *table = (struct table){.heads = heads, .columns = columns};
    for (size_t i = 0; i < columns; i++)
        if (heads[i][0] == '>')
            table->right |= 1u << i;
}

void table_deinit(struct table *table) {
    buffer_deinit(&table->cells);
}

void table_text(struct table *table, const char *text) {
    buffer_append(&table->cells, text, strlen(text) + 1);
    table->count++;
}

void table_number(struct table *table, const json_t *number) {
    struct buffer text = {0};
    view_append_number(&text, number);
    table_text(table, text.data);
    buffer_deinit(&text);
}

void table_time(struct table *table, const json_t *time) {
    struct buffer text = {0};
    view_append_time(&text, time);
    table_text(table, text.data);
    buffer_deinit(&text);
}

/* Characters, not bytes. */
static size_t width_of(const char *text) {
    size_t width = 0;
    for (const char *c = text; *c != '\0'; c++)
        width += ((unsigned char)*c & 0xC0) != 0x80;
    return width;
}

/* A row without blanks at its end. */
static void print_row(const struct table *table, const size_t *widths, const char *const *texts,
                      FILE *out) {
    size_t last = table->columns;
    while (last > 0 && texts[last - 1][0] == '\0')
        last--;
    for (size_t i = 0; i < last; i++) {
        size_t width = width_of(texts[i]);
        int gap = widths[i] > width ? (int)(widths[i] - width) : 0;
        bool right = (table->right >> i) & 1u;
        (void)fprintf(out, "%*s", right ? gap : 0, "");
        view_print_safe(out, texts[i]);
        if (i + 1 < last)
            (void)fprintf(out, "%*s", (right ? 0 : gap) + COLUMN_GAP, "");
    }
    (void)fputs("\n", out);
}

void table_print(const struct table *table, FILE *out) {
    if (table->count == 0)
        return;
    size_t columns = table->columns;
    require(columns > 0);
    size_t *widths = memory_alloc(columns * sizeof *widths);
    const char **row = memory_alloc(columns * sizeof *row);
    for (size_t i = 0; i < columns; i++) {
        row[i] = table->heads[i] + ((table->right >> i) & 1u);
        widths[i] = width_of(row[i]);
    }
    const char *at = table->cells.data;
    for (size_t i = 0; i < table->count; i++, at += strlen(at) + 1)
        if (width_of(at) > widths[i % columns])
            widths[i % columns] = width_of(at);
    print_row(table, widths, row, out);
    at = table->cells.data;
    for (size_t i = 0; i < table->count; i++, at += strlen(at) + 1) {
        row[i % columns] = at;
        if ((i + 1) % columns == 0)
            print_row(table, widths, row, out);
    }
    free(row);
    free(widths);
}
