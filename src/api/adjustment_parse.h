/* From JSON text to struct adjustment: the hot path of the bulk bodies. */
#ifndef ONHAND_API_ADJUSTMENT_PARSE_H
#define ONHAND_API_ADJUSTMENT_PARSE_H

#include "base/json.h"
#include "hub/hub.h"

#define ADJUSTMENT_TEXT_MAX 200

/* Reads one adjustment, an object that comes next. STATUS_OK: it was consumed whole; what is wrong
 * with it, if anything, is in out->problem, and the rest of it was read all the same, so that the
 * answer can name its id. Anything else: the text is not JSON, and *out holds that as its problem.
 * Texts point into the input or into the reader's arena. `catalog` knows further types of
 * identifiers; NULL: only the usual ones. */
must_check enum status adjustment_read(struct json_reader *reader, struct catalog *catalog,
                                       struct adjustment *out);

/* A line of its own: never fails, the problem tells. */
void adjustment_read_line(struct text line, struct arena *arena, struct catalog *catalog,
                          struct adjustment *out);

/* 1 to ADJUSTMENT_TEXT_MAX bytes of UTF-8 without control characters. */
bool adjustment_text_is_fine(struct text text);

/* Notes the first thing that is wrong. `field` NULL: the whole. */
void adjustment_refuse(struct adjustment *out, struct arena *arena, enum status problem,
                       const char *field, const char *why);

#endif
