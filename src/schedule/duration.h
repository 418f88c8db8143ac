/* Durations as people write them in a configuration: 15m, 30s, 1h30m, 2d, 500ms. */
#ifndef ONHAND_SCHEDULE_DURATION_H
#define ONHAND_SCHEDULE_DURATION_H

#include "base/status.h"
#include "base/text.h"

/* A century: far beyond any sensible setting, far from overflow when added to an instant. */
#define DURATION_MAX_US (INT64_C(36525) * 86400 * 1000000)
#define DURATION_TEXT_SIZE 48

/* One or more of NUMBER UNIT, largest unit first, each at most once; units ms, s, m, h, d, w. A
 * unit is always needed ("0s"). STATUS_BAD_VALUE, or STATUS_OUT_OF_RANGE beyond DURATION_MAX_US. */
must_check enum status duration_parse(struct text text, int64_t *us_out);

/* The shortest such text: 5400000000 is "1h30m". `us` not negative; what is below a millisecond is
 * dropped. */
void duration_format(int64_t us, char out[DURATION_TEXT_SIZE]);

#endif
