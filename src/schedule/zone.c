/* Time zones over GLib's GTimeZone, which reads the system's zone files, rules for the far future
 * included, and is immutable and so free of locks.
 *
 * GLib alone is too generous about names (it takes offsets, POSIX rules and paths, which would turn
 * a typing mistake into some other time), so names are checked here first. */
#include "schedule/zone.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"

#define ZONE_NAME_MAX 64

struct zone {
    GTimeZone *glib;
    char name[ZONE_NAME_MAX + 1];
};

static int64_t floor_seconds(int64_t us) {
    int64_t seconds = us / US_PER_SECOND;
    return us % US_PER_SECOND < 0 ? seconds - 1 : seconds;
}

static bool name_is_plausible(struct text name) {
    if (name.length == 0 || name.length > ZONE_NAME_MAX || name.data[0] == '/') {
        return false;
    }
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool other = (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+';
        if (!letter && !(other && i > 0) && c != '/') {
            return false;
        }
    }
    return true;
}

static bool zone_file_exists(const char *name) {
    const char *folder = getenv("TZDIR");
    char path[1024];
    int n =
        snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "/usr/share/zoneinfo", name);
    struct stat info;
    return n > 0 && (size_t)n < sizeof path && stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

struct zone *zone_open(struct text iana_name, struct error *error) {
    GTimeZone *glib = NULL;
    char name[ZONE_NAME_MAX + 1] = "";
    if (name_is_plausible(iana_name)) {
        memcpy(name, iana_name.data, iana_name.length);
        name[iana_name.length] = '\0';
        if (text_equal(iana_name, TEXT("UTC"))) {
            glib = g_time_zone_new_utc();
        } else if (zone_file_exists(name)) {
            glib = g_time_zone_new_identifier(name);
        }
    }
    if (glib == NULL) {
        (void)error_set(error, STATUS_BAD_VALUE,
                        "'%.*s' is no time zone known here (an IANA name is expected, such as "
                        "Europe/Berlin or UTC)",
                        (int)(iana_name.length < 80 ? iana_name.length : 80),
                        iana_name.length > 0 ? iana_name.data : "");
        return NULL;
    }
    struct zone *zone = memory_alloc(sizeof *zone);
    zone->glib = glib;
    memcpy(zone->name, name, sizeof name);
    return zone;
}

void zone_free(struct zone *zone) {
    if (zone != NULL) {
        g_time_zone_unref(zone->glib);
        free(zone);
    }
}

struct text zone_name(const struct zone *zone) {
    return text_from(zone->name);
}

static int interval_at(const struct zone *zone, int64_t seconds) {
    return g_time_zone_find_interval(zone->glib, G_TIME_TYPE_UNIVERSAL, seconds);
}

static int64_t offset_at(const struct zone *zone, int64_t seconds) {
    return g_time_zone_get_offset(zone->glib, interval_at(zone, seconds));
}

int64_t zone_offset_seconds(const struct zone *zone, int64_t us) {
    return offset_at(zone, floor_seconds(us));
}

struct civil_time zone_to_local(const struct zone *zone, int64_t us, int64_t *offset_seconds_out) {
    int64_t offset = zone_offset_seconds(zone, us);
    if (offset_seconds_out != NULL) {
        *offset_seconds_out = offset;
    }
    return civil_from_timestamp(us + offset * US_PER_SECOND);
}

int64_t zone_next_change(const struct zone *zone, int64_t after_us, int64_t until_us) {
    if (until_us <= after_us) {
        return ZONE_NO_CHANGE;
    }
    int64_t same = floor_seconds(after_us), changed = floor_seconds(until_us);
    int interval = interval_at(zone, same);
    if (interval_at(zone, changed) == interval) {
        return ZONE_NO_CHANGE;
    }
    /* Invariant: the interval at `same` is the one we started in, at `changed` it is not. */
    while (changed - same > 1) {
        int64_t middle = same + (changed - same) / 2;
        if (interval_at(zone, middle) == interval) {
            same = middle;
        } else {
            changed = middle;
        }
    }
    return changed * US_PER_SECOND;
}

int64_t zone_to_utc(const struct zone *zone, const struct civil_time *civil,
                    enum zone_kind *kind_out, int64_t *second_us_out) {
    int64_t wall_us = timestamp_from_civil(civil);
    /* Offsets stay within 14 hours, so a day to either side lies safely before and after. */
    int64_t before = zone_offset_seconds(zone, wall_us - US_PER_DAY) * US_PER_SECOND;
    int64_t after = zone_offset_seconds(zone, wall_us + US_PER_DAY) * US_PER_SECOND;
    int64_t first = wall_us - before, second = wall_us - after;
    bool first_holds = zone_offset_seconds(zone, first) * US_PER_SECOND == before;
    bool second_holds = zone_offset_seconds(zone, second) * US_PER_SECOND == after;
    enum zone_kind kind = ZONE_UNIQUE;
    if (before == after || (first_holds && !second_holds)) {
        second = first;
    } else if (second_holds && !first_holds) {
        first = second;
    } else if (first_holds) {
        kind = ZONE_OVERLAP;
    } else {
        kind = ZONE_GAP;
        second = zone_next_change(zone, wall_us - after, first);
        require(second != ZONE_NO_CHANGE);
    }
    if (kind_out != NULL) {
        *kind_out = kind;
    }
    if (second_us_out != NULL) {
        *second_us_out = second;
    }
    return first;
}
