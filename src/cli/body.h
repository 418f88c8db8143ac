/* Request bodies: one JSON object of texts and exact numbers, written piece by piece. Kept apart
 * from what reads answers, which uses another JSON library of similar names. */
#ifndef ONHAND_CLI_BODY_H
#define ONHAND_CLI_BODY_H

#include "base/status.h"
#include "base/text.h"

void body_begin(struct buffer *body);                                    /* { */
void body_text(struct buffer *body, const char *key, const char *value); /* NULL: left out */
void body_list(struct buffer *body, const char *key, const char *comma_separated);
/* STATUS_BAD_QUANTITY, STATUS_OUT_OF_RANGE */
must_check enum status body_quantity(struct buffer *body, const char *key, const char *value);
void body_integer(struct buffer *body, const char *key, int64_t value);
void body_end(struct buffer *body); /* } */

#endif
