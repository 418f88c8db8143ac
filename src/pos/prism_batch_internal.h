/* A batch of documents on its way through the hub: what begin decides and finish settles. */
#ifndef ONHAND_POS_PRISM_BATCH_INTERNAL_H
#define ONHAND_POS_PRISM_BATCH_INTERNAL_H

#include "pos/sources_internal.h"

struct taken_document {
    const struct prism_raw *raw;
    struct prism_document document;
    struct text location, register_name; /* of its own store; empty: not known */
    int64_t number, sequence;            /* PRISM_NO_NUMBER; 0 */
    size_t first_line, line_count;
    struct text why; /* it moves no stock */
    bool is_parked;
    bool is_refused; /* the token may not speak for its store: nothing is kept of it */
    enum status code;
    struct text reason;
};

struct taken_line {
    const struct prism_item *item;
    unsigned known, news; /* identifiers with and without a product */
    bool only_sid;
};

struct prism_batch {
    struct source *source;
    const struct access *access;
    struct arena *arena;
    struct taken_document *documents;
    size_t document_count;
    struct adjustment *lines;
    struct taken_line *extras;
    struct adjustment_result *answers;
    size_t line_count, line_room;
    struct submission submission;
};

void batch_reserve(struct prism_batch *batch, size_t more);

#endif
