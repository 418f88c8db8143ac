/* What a channel is to be told: our cells in, its figure out. Pure.
 *
 * In this order: what each location can sell (nothing where it does not sell online, never below
 * zero), summed over the locations that are one place over there, the threshold, the channel's
 * share, its cap, whole units. Every step only lowers the figure. */
#ifndef ONHAND_CHANNEL_WANTED_H
#define ONHAND_CHANNEL_WANTED_H

#include "config/config.h"
#include "core/cell.h"

#define WANTED_NO_CAP CONFIG_NO_CAP

struct wanted_policy {
    int64_t threshold_milli; /* less than this in all is told as zero */
    int64_t share_percent;   /* 0 to 100 */
    int64_t cap_milli;       /* WANTED_NO_CAP: none */
    bool whole_units;
};

/* One location's cell as the hub has it. */
struct wanted_cell {
    struct cell cell;
    int64_t safety_milli;
    bool sells;       /* the location does, and the product is published */
    int64_t as_of_us; /* of the statement it stands on; 0: none */
};

/* What one place should show of one product. */
struct wanted_figure {
    int64_t milli;    /* what to tell */
    uint64_t version; /* the newest change of any of the cells */
    int64_t on_hand_milli, reserved_milli, available_milli; /* sums, as they are */
    int64_t changed_at_us;
    int64_t as_of_us; /* everything before it is vouched for by resets; 0: not everywhere */
};

struct wanted_figure wanted_figure_of(const struct wanted_policy *policy,
                                      const struct wanted_cell *cells, size_t count);

/* When an increase that stands since `raised_at_us` may be told: an instant, NEVER_US while a
 * reset has to confirm it first. `as_of_us`: as in wanted_figure. */
int64_t wanted_increase_at_us(const struct config_increases *increases, int64_t raised_at_us,
                              int64_t as_of_us);

#endif
