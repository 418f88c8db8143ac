/* Opening hours: "09:00-21:00", or "mon-fri 09:00-21:00, sat 10:00-18:00" with the rest closed.
 *
 * Pure: wall-clock minutes of each day of the week; hours that go past midnight belong to the day
 * they begin on. */
#ifndef ONHAND_SCHEDULE_OPENING_H
#define ONHAND_SCHEDULE_OPENING_H

#include "base/status.h"
#include "base/text.h"
#include "schedule/zone.h"

struct opening {
    struct {
        int from, to; /* minutes of the day; to may be beyond 24 h; both 0: closed */
    } days[7];        /* 0 is Sunday */
};

must_check enum status opening_parse(struct text text, struct opening *opening_out,
                                     struct error *error);

/* Since when it has been open at `us`, by the clocks of `zone`; OPENING_CLOSED when it is not. */
#define OPENING_CLOSED INT64_MIN
int64_t opening_since(const struct opening *opening, const struct zone *zone, int64_t us);

#endif
