/* One object of a JSON file becomes one row, whatever the file puts around its objects. */
#ifndef ONHAND_FEED_JSON_ITEM_H
#define ONHAND_FEED_JSON_ITEM_H

#include "feed/encoding.h"
#include "feed/reader_internal.h"
#include "feed/row_values.h"

#define JSON_ITEM_REMEMBERED 64

struct json_items {
    struct row_output *output;
    struct row_maker maker;
    struct text_encoding encoding;
    /* The fields of the first item, in order: nearly always those of all others. */
    struct arena arena;
    struct json_remembered {
        struct text name;
        unsigned wanted;
    } remembered[JSON_ITEM_REMEMBERED];
    unsigned remembered_count;
    struct buffer header; /* their names, joined by ", " */
};

void json_items_init(struct json_items *items, const struct reader_options *options,
                     struct row_output *output);
void json_items_deinit(struct json_items *items);
/* `raw`: the value as it came; it must live until the output is flushed. */
void json_items_take(struct json_items *items, struct text raw, uint64_t line);
/* One that was passed by: what was kept of it. */
void json_items_take_long(struct json_items *items, struct text raw, uint64_t line);

#endif
