/* How answers look on a terminal: aligned tables, exact quantities, times of the reader's zone.
 *
 * Text from outside never reaches the terminal with its control characters. */
#ifndef ONHAND_CLI_VIEW_H
#define ONHAND_CLI_VIEW_H

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"

/* ---- values ---- */
const char *view_string(const json_t *object, const char *key); /* "" where there is none */
/* A number as people write it: exact, at most three decimals; "-" for null or nothing. */
void view_append_number(struct buffer *out, const json_t *number);
/* "2026-11-23 02:05:00 -05:00" in the zone of the terminal; "-" for null or nothing. */
void view_append_time(struct buffer *out, const json_t *time);
/* Whatever it is, for people. */
void view_append_value(struct buffer *out, const char *key, const json_t *value);
void view_print_safe(FILE *out, const char *text);
/* The answer as it came, ending in one newline. */
void view_print_raw(const struct buffer *body);
/* An object as aligned lines of name and value; nested ones indented. */
void view_print_object(FILE *out, const json_t *object, int indent);

/* ---- tables ---- */
struct table {
    struct buffer cells; /* NUL after each */
    const char *const *heads;
    size_t columns, count; /* count: of cells so far */
    unsigned right;        /* bit per column: aligned to the right */
};

/* heads[i] starting with ">" is a column aligned to the right. */
void table_init(struct table *table, const char *const *heads, size_t columns);
void table_deinit(struct table *table);
void table_text(struct table *table, const char *text);
void table_number(struct table *table, const json_t *number);
void table_time(struct table *table, const json_t *time);
void table_print(const struct table *table, FILE *out); /* with its heads; not when empty */

#endif
