/* When a file was cut: what the setting `as_of` of a feed makes of its name.
 *
 * Patterns are the fixed parts of a name with %Y %m %d %H %M %S (%y: two digits, 20yy; %% a percent
 * sign; * any characters): "inventory_%Y%m%d%H%M%S". A name matches when it begins so; what follows
 * (".csv.gz") does not matter. Without a time of day it is midnight; without a day of the month or
 * a month or a year there is no time. */
#ifndef ONHAND_FEED_ASOF_H
#define ONHAND_FEED_ASOF_H

#include "schedule/zone.h"

/* The wall clock of `zone` (NULL: UTC), by its rule for gaps and overlaps. STATUS_BAD_VALUE: the
 * pattern is no pattern; STATUS_NOT_FOUND: the name does not match; STATUS_BAD_TIME: it matches,
 * and there is no such date. *kind_out (may be NULL): whether that rule was needed. */
must_check enum status as_of_from_name(struct text pattern, struct text name,
                                       const struct zone *zone, int64_t *us_out,
                                       enum zone_kind *kind_out, struct error *error);

/* The same from a name that nobody described: a date with a time to the second in one of the usual
 * ways, not after `latest_us` and not more than 400 days before it, since a number that is a time
 * only by chance is far from now. STATUS_NOT_FOUND. */
must_check enum status as_of_from_any_name(struct text name, const struct zone *zone,
                                           int64_t latest_us, int64_t *us_out,
                                           enum zone_kind *kind_out);

/* "name", and whether the clock showed that time never or twice. */
const char *as_of_name_origin(enum zone_kind kind);

#endif
