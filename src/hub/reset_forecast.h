/* What applying a statement would do to a location, for whoever has to decide about it: the answer
 * of a dry run, and part of a held reset's record. */
#ifndef ONHAND_HUB_RESET_FORECAST_H
#define ONHAND_HUB_RESET_FORECAST_H

#include "core/cell.h"
#include "hub/hub.h"

#define FORECAST_EXAMPLES 20u

struct forecast {
    uint64_t to_zero, from_zero; /* cells */
    int64_t units_before_milli, units_after_milli;
    struct forecast_example {
        uint32_t product;
        int64_t before_milli;
    } examples[FORECAST_EXAMPLES]; /* going to zero, those with most stock first */
    uint32_t example_count;
};

/* Compares the outcome with the cells as they are; the outcome is not applied yet. */
void forecast_make(struct hub *hub, uint32_t location, const struct statement_outcome *outcome,
                   struct forecast *forecast_out);
/* {"to_zero","from_zero","units_before","units_after","zeroed_skus":[...]} */
void forecast_write(const struct forecast *forecast, struct catalog *catalog, struct buffer *json);

#endif
