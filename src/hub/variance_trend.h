/* The trend of variances: day after day, how far each location's files were from the books, how
 * much of that has been explained since, and what stays unexplained.
 *
 * A day is that of as_of in the hub's time zone. All from the records of applied resets; a page is
 * a number of days, so its cost is bounded by what came in on them. */
#ifndef ONHAND_HUB_VARIANCE_TREND_H
#define ONHAND_HUB_VARIANCE_TREND_H

#include "hub/hub.h"

#define TREND_DAYS_MAX 92u

struct trend_query {
    struct text location, feed; /* empty: all */
    uint32_t days;              /* at most TREND_DAYS_MAX */
    struct text before;         /* "2026-11-23": only days before it; empty: up to now */
};

/* {"items":[{date,location,source,feed,resets,cells,units,explained,unexplained}],"next":date};
 * newest day first, by location within it. units: of all cells, each without its sign. explained
 * and unexplained are null where too many cells have moved since to look at them all at once. A
 * file that comes more than 31 days after its as_of is not in the trend. STATUS_BAD_VALUE: `before`
 * is no date. */
must_check enum status variance_trend(struct hub *hub, const struct access *access,
                                      const struct trend_query *query, struct buffer *json,
                                      struct error *error);

#endif
