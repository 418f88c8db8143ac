/* Available stock to a channel's figure. */
#include "channel/wanted.h"

#include "base/quantity.h"

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Sums stay within what a balance may be: a channel that is told less is still safe. */
static int64_t add(int64_t a_milli, int64_t b_milli) {
    int64_t sum_milli;
    if (balance_add(a_milli, b_milli, &sum_milli) != STATUS_OK) {
        return a_milli > 0 ? BALANCE_MAX_MILLI : -BALANCE_MAX_MILLI;
    }
    return sum_milli;
}

static int64_t percent_of(int64_t milli, int64_t percent) {
    /* milli <= 10^18: the quotient first, so that nothing overflows. */
    return milli / 100 * percent + milli % 100 * percent / 100;
}

static int64_t apply_policy(const struct wanted_policy *policy, int64_t milli) {
    if (milli < policy->threshold_milli) {
        return 0;
    }
    milli = percent_of(milli, policy->share_percent);
    if (policy->cap_milli != WANTED_NO_CAP) {
        milli = smaller(milli, policy->cap_milli);
    }
    return policy->whole_units ? milli - milli % 1000 : milli;
}

struct wanted_figure wanted_figure_of(const struct wanted_policy *policy,
                                      const struct wanted_cell *cells, size_t count) {
    require(policy->share_percent >= 0 && policy->share_percent <= 100);
    struct wanted_figure figure = {.as_of_us = count > 0 ? INT64_MAX : 0};
    int64_t sellable_milli = 0;
    uint32_t changed_at_s = 0;
    for (size_t i = 0; i < count; i++) {
        const struct cell *cell = &cells[i].cell;
        int64_t available_milli = cell_available_milli(cell, cells[i].safety_milli);
        if (!cell_exists(cell)) {
            continue;
        }
        figure.on_hand_milli = add(figure.on_hand_milli, cell->on_hand_milli);
        figure.reserved_milli = add(figure.reserved_milli, cell->reserved_milli);
        figure.available_milli = add(figure.available_milli, available_milli);
        if (cells[i].sells && available_milli > 0) {
            sellable_milli = add(sellable_milli, available_milli);
        }
        figure.version = cell->head > figure.version ? cell->head : figure.version;
        changed_at_s = cell->updated_at_s > changed_at_s ? cell->updated_at_s : changed_at_s;
        figure.as_of_us = smaller(figure.as_of_us, cells[i].as_of_us);
    }
    if (figure.as_of_us == INT64_MAX) {
        figure.as_of_us = 0;
    }
    figure.changed_at_us = (int64_t)changed_at_s * US_PER_SECOND;
    figure.milli = apply_policy(policy, sellable_milli);
    require(figure.milli >= 0);
    return figure;
}

int64_t wanted_increase_at_us(const struct config_increases *increases, int64_t raised_at_us,
                              int64_t as_of_us) {
    require(increases->kind <= CONFIG_INCREASES_CONFIRMED);
    switch (increases->kind) {
    case CONFIG_INCREASES_NOW:
        return raised_at_us;
    case CONFIG_INCREASES_AFTER:
        return raised_at_us + increases->after_us;
    case CONFIG_INCREASES_CONFIRMED:
        return as_of_us >= raised_at_us ? raised_at_us : NEVER_US;
    }
    return NEVER_US;
}
