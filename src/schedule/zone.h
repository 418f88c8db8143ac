/* IANA time zones: instants to wall-clock times and back, with the odd hours named.
 *
 * A zone is immutable once opened and may be shared between threads. Opening one reads the
 * system's zone files (tzdata); "UTC" needs no file and always works. */
#ifndef ONHAND_SCHEDULE_ZONE_H
#define ONHAND_SCHEDULE_ZONE_H

#include "base/status.h"
#include "base/text.h"
#include "base/timestamp.h"

struct zone;

/* NULL with *error filled (STATUS_BAD_VALUE) when there is no such zone. Only IANA names: no
 * offsets, POSIX rules or paths. Free with zone_free. */
struct zone *zone_open(struct text iana_name, struct error *error);
void zone_free(struct zone *zone);
struct text zone_name(const struct zone *zone); /* lives as long as the zone */

/* Seconds east of Greenwich at that instant. */
int64_t zone_offset_seconds(const struct zone *zone, int64_t us);

/* The wall clock at `us`; offset_seconds_out may be NULL. */
struct civil_time zone_to_local(const struct zone *zone, int64_t us, int64_t *offset_seconds_out);

enum zone_kind {
    ZONE_UNIQUE,  /* the wall clock shows this time once */
    ZONE_GAP,     /* never: clocks went forward over it */
    ZONE_OVERLAP, /* twice: clocks went back over it */
};

/* The instant a wall clock shows `civil` (fields in range; weekday ignored):
 *   unique:   that instant;
 *   gap:      as if the offset from before the gap still applied (02:30 becomes 03:30 summer time);
 *   overlap:  the first, earlier one.
 * *second_us_out (may be NULL): unique: the same; gap: the first instant after the gap; overlap:
 * the second, later instant. kind_out may be NULL. */
int64_t zone_to_utc(const struct zone *zone, const struct civil_time *civil,
                    enum zone_kind *kind_out, int64_t *second_us_out);

#define ZONE_NO_CHANGE INT64_MAX
/* The first instant in (after_us, until_us] from which another rule applies (nearly always another
 * offset), else ZONE_NO_CHANGE. */
int64_t zone_next_change(const struct zone *zone, int64_t after_us, int64_t until_us);

#endif
