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
 * and there is no such date. */
must_check enum status as_of_from_name(struct text pattern, struct text name,
                                       const struct zone *zone, int64_t *us_out,
                                       struct error *error);

#endif
