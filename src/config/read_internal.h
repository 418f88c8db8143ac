/* Reading a YAML tree by the tables of schema_internal.h, noting every mistake with its place. */
#ifndef ONHAND_CONFIG_READ_INTERNAL_H
#define ONHAND_CONFIG_READ_INTERNAL_H

#include <yaml.h>

#include "config/schema_internal.h"

/* Texts that must differ, each with the line it was first seen on. */
struct uniqueness {
    struct intern *known;
    unsigned long *lines; /* by the number in `known` */
    size_t capacity;
};

/* One pass over one document. */
struct reading {
    yaml_document_t *document;
    struct config *config; /* being filled; its arena takes what is kept */
    struct config_report *report;
    struct text file;
    struct buffer path; /* the key being read, as in feeds[0].schedule */
    bool *seen;         /* per node: a second visit is an alias */
    size_t seen_count;
    struct uniqueness locations, sources, feeds, channels, notify;
};

/* ---- report.c ---- */
void report_add(struct config_report *report, struct text file, unsigned long line,
                unsigned long column, struct text key, const char *format, va_list arguments)
    __attribute__((format(printf, 6, 0)));
void report_plain(struct config_report *report, struct text file, unsigned long line,
                  unsigned long column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void report_sort(struct config_report *report);

/* ---- read.c ---- */
/* A mistake at `node`, under the present path. */
void reading_mistake(struct reading *reading, const yaml_node_t *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void reading_mistake_list(struct reading *reading, const yaml_node_t *node, const char *format,
                          va_list arguments) __attribute__((format(printf, 3, 0)));
/* The node, or NULL after noting that it is an alias. */
const yaml_node_t *reading_visit(struct reading *reading, int index);
/* Goes one key down; returns what reading_leave needs to come back. */
size_t reading_enter(struct reading *reading, struct text key);
size_t reading_enter_item(struct reading *reading, size_t number);
void reading_leave(struct reading *reading, size_t before);
/* Fills the struct at `target` from `node` (a mapping; NULL: only defaults). Returns a bit per row
 * whose key is there; that of a type only if it is a known one. */
uint64_t reading_table(struct reading *reading, const struct schema *schema,
                       const yaml_node_t *node, void *target);

/* ---- value.c, list.c ---- */
struct text node_text(const yaml_node_t *node); /* of a scalar */
bool node_is_null(const yaml_node_t *node);     /* nothing, ~ or null, not in quotes */
const char *node_kind(const yaml_node_t *node); /* "a list" */
/* A printable, shortened copy in the arena of the report, for messages. */
const char *shown(struct reading *reading, struct text value);
/* Reads a scalar; `node` is NULL for a fallback, which must be right. */
void value_read(struct reading *reading, const struct setting *row, const yaml_node_t *node,
                struct text text, void *target);
void texts_read(struct reading *reading, const yaml_node_t *node, struct config_texts *texts_out);
void pairs_read(struct reading *reading, const yaml_node_t *node, bool list_is_fine,
                struct config_pairs *pairs_out);
void secrets_read(struct reading *reading, const yaml_node_t *node,
                  struct config_secrets *secrets_out);
void increases_read(struct reading *reading, const yaml_node_t *node,
                    struct config_increases *increases_out);
bool increases_parse(struct text value, struct config_increases *increases_out);

/* ---- check.c: what a single key cannot tell ---- */
void uniqueness_deinit(struct uniqueness *unique);
void check_item(struct reading *reading, const struct schema *schema, const yaml_node_t *node,
                uint64_t named, void *item);

/* ---- nearest.c ---- */
/* The key of the table most like `word`, or NULL when none is near. */
const char *nearest_key(const struct schema *schema, struct text word);
const char *nearest_word(const char *const *words, struct text word);

/* ---- url.c: NULL when fine, else what is wrong ---- */
const char *url_check_http(struct text url);
const char *url_check_feed(struct text url);   /* a directory, or sftp: */
const char *url_check_origin(struct text url); /* of a page, as browsers write it */
const char *url_check_postgresql(struct text url);
bool url_has_scheme(struct text url);

#endif
