/* A row of an imported file as an object of the API: a column is a field of the same name. */
#ifndef ONHAND_CLI_PRODUCT_BODY_H
#define ONHAND_CLI_PRODUCT_BODY_H

#include "base/text.h"

struct product_columns {
    struct product_column {
        char *name; /* as the API calls it */
        bool is_truth;
    } * items;
    size_t count;
};

/* False: no column can be an identifier. */
bool product_columns_init(struct product_columns *columns, const struct text *names, size_t count);
void product_columns_deinit(struct product_columns *columns);

/* Appends an object; what is empty is not said. */
void product_body_append(struct buffer *out, const struct product_columns *columns,
                         const struct text *fields);

#endif
