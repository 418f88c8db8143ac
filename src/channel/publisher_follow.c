/* From the hub's changes to wanted figures.
 *
 * The publisher walks behind the hub's change feed, and behind its revisions (a product that is
 * published, or no longer, is no change of a cell). At the start, and when it has fallen far
 * behind, it compares all cells instead: a sweep, in slices, while sending goes on. So no position
 * needs to be kept on disk. A sweep every ten minutes is only for what nobody has thought of: every
 * change reaches the outbox at once without it. */
#include <stdlib.h>

#include "channel/publisher_internal.h"

#define CHANGES_AT_ONCE 4096u
#define SWEEP_CELLS 16384u
#define SWEEP_WORKS_MAX 1000000u /* a sweep rests while so much waits to be sent */
#define FAR_BEHIND 200000u
#define SWEEP_EVERY_US (600 * US_PER_SECOND)
#define CELLS_ON_STACK 16u

/* ---- one figure ---- */

static struct wanted_cell cell_of(struct publisher *p, uint32_t location, uint32_t product,
                                  bool published) {
    struct store *store = hub_store(p->hub);
    struct wanted_cell cell = {.cell = store_cell(store, location, product),
                               .safety_milli = hub_safety_stock_milli(p->hub, location),
                               .sells = published && hub_sells_online(p->hub, location)};
    const struct statement *statement = store_statement(store, cell.cell.statement);
    cell.as_of_us = statement != NULL ? statement->as_of_us : 0;
    return cell;
}

struct wanted_figure publisher_figure(struct publisher *p, uint32_t place, uint32_t product) {
    const struct place *at = places_at(p->places, place);
    struct attributes attributes = catalog_product_attributes(hub_catalog(p->hub), product);
    struct wanted_cell few[CELLS_ON_STACK], *cells = few;
    size_t count = 0;
    if (at->count > CELLS_ON_STACK) {
        cells = memory_alloc(at->count * sizeof(*cells));
    }
    for (size_t i = 0; i < at->count; i++) {
        if (at->locations[i] != 0) {
            cells[count++] = cell_of(p, at->locations[i], product, !attributes.unpublished);
        }
    }
    struct wanted_figure figure = wanted_figure_of(&p->policy, cells, count);
    if (cells != few) {
        free(cells);
    }
    return figure;
}

void publisher_want(struct publisher *p, uint32_t place, uint32_t product, bool by_reset,
                    int64_t now_us) {
    struct outbox_view view;
    struct outbox_ref ref = {place, product};
    struct wanted_figure figure = publisher_figure(p, place, product);
    if (catalog_product_attributes(hub_catalog(p->hub), product).unpublished &&
        !outbox_look(p->outbox, ref, &view)) {
        return; /* not sold, and the shop was never told of it */
    }
    outbox_want(p->outbox, place, product, &figure, by_reset, now_us);
}

/* ---- the change feed ---- */

static void take_changes(struct publisher *p, const struct change *changes, size_t count,
                         int64_t now_us) {
    for (size_t i = 0; i < count; i++) {
        uint32_t place = places_of_location(p->places, changes[i].location);
        if (place != PLACE_NONE) {
            publisher_want(p, place, changes[i].product, changes[i].kind == LEDGER_RESET, now_us);
        }
    }
}

/* The changes may be of locations that nobody had heard of a moment ago: the places are looked at
 * after they were read, so that each finds its own. */
static bool follow_changes(struct publisher *p, int64_t now_us) {
    uint64_t last = hub_last_sequence(p->hub), through = p->position;
    struct arena arena = {0};
    struct change *changes = NULL;
    size_t count = 0;
    struct error error;
    bool behind = last > p->position && last - p->position > FAR_BEHIND;
    if (last > p->position && !behind &&
        hub_changes(p->hub, p->position, CHANGES_AT_ONCE, &arena, &changes, &count, &through,
                    &error) != STATUS_OK) {
        log_warn("the hub's changes cannot be read; all cells are compared instead",
                 "channel=%.*s error=%s", TEXT_ARG(p->config->name),
                 log_quote(text_from(error.detail)));
        behind = true;
    }
    if (places_refresh(p->places, p->hub) || behind || now_us >= p->sweep.next_us) {
        p->sweep.next_us = NEVER_US;
        publisher_sweep_again(p);
    } else {
        take_changes(p, changes, count, now_us);
        p->position = through;
    }
    arena_deinit(&arena);
    return !behind && count < CHANGES_AT_ONCE;
}

/* ---- revisions ---- */

static void recount(struct publisher *p, uint32_t location) {
    for (size_t i = 0; i < p->recount_count; i++) {
        if (p->recounts[i] == location) {
            return;
        }
    }
    if (p->recount_count == RECOUNTS_MAX) {
        publisher_sweep_again(p);
        return;
    }
    p->recounts[p->recount_count++] = location;
}

/* Whether the place has, or was told, anything of the product. */
static bool is_told(struct publisher *p, uint32_t place, uint32_t product) {
    const struct place *at = places_at(p->places, place);
    struct outbox_view view;
    bool told = outbox_look(p->outbox, (struct outbox_ref){place, product}, &view);
    for (size_t i = 0; i < at->count && !told; i++) {
        struct cell cell = {0};
        if (at->locations[i] != 0) {
            cell = store_cell(hub_store(p->hub), at->locations[i], product);
        }
        told = cell_exists(&cell);
    }
    return told;
}

static void follow_revisions(struct publisher *p, int64_t now_us) {
    struct revision revisions[256];
    size_t count = 0;
    do {
        if (!hub_revisions(p->hub, &p->revision, revisions, 256, &count)) {
            publisher_sweep_again(p);
        }
        for (size_t i = 0; i < count; i++) {
            if (revisions[i].location != 0) {
                recount(p, revisions[i].location);
                continue;
            }
            for (uint32_t place = 0; place < places_count(p->places); place++) {
                if (is_told(p, place, revisions[i].product)) {
                    publisher_want(p, place, revisions[i].product, false, now_us);
                }
            }
        }
    } while (count > 0);
}

/* ---- sweeps ---- */

void publisher_sweep_again(struct publisher *p) {
    p->position = hub_last_sequence(p->hub);
    p->recount_count = 0; /* they are among all */
    p->sweep.going = true;
    p->sweep.place = 0;
    p->sweep.location_index = 0;
    p->sweep.product = 1;
}

/* A change that a sweep finds was made by a reset if its ledger row is not one of its own. */
static bool made_by_reset(struct publisher *p, const struct cell *cell) {
    struct ledger_entry entry;
    struct arena arena = {0};
    struct error error;
    if (p->config->increases.kind != CONFIG_INCREASES_CONFIRMED || cell->head == 0) {
        return false;
    }
    enum status status = store_read_row(hub_store(p->hub), cell->head, &arena, &entry, &error);
    arena_deinit(&arena);
    return status == STATUS_NOT_FOUND;
}

/* Cells of one location of the place that the sweep is at; false: that location is done. */
static bool sweep_location(struct publisher *p, uint32_t location, int64_t now_us) {
    uint32_t next = 0;
    size_t count =
        store_cells(hub_store(p->hub), location, p->sweep.product, p->cells, SWEEP_CELLS, &next);
    for (size_t i = 0; i < count; i++) {
        struct outbox_view view;
        struct outbox_ref ref = {p->sweep.place, p->cells[i].product};
        bool raised = p->config->increases.kind == CONFIG_INCREASES_CONFIRMED &&
                      outbox_look(p->outbox, ref, &view) &&
                      view.told_version < p->cells[i].cell.head &&
                      made_by_reset(p, &p->cells[i].cell);
        publisher_want(p, p->sweep.place, p->cells[i].product, raised, now_us);
    }
    p->sweep.product = next;
    return next != 0;
}

/* One slice of the location that waits for longest. */
static void sweep_recounts(struct publisher *p, int64_t now_us) {
    uint32_t location = p->recounts[0];
    p->sweep.place = places_of_location(p->places, location);
    if (p->sweep.place != PLACE_NONE && sweep_location(p, location, now_us)) {
        return;
    }
    p->sweep.product = 1;
    memmove(p->recounts, p->recounts + 1, --p->recount_count * sizeof(*p->recounts));
}

/* One slice of all. */
static void sweep(struct publisher *p, int64_t now_us) {
    while (p->sweep.place < places_count(p->places)) {
        const struct place *place = places_at(p->places, p->sweep.place);
        while (p->sweep.location_index < place->count) {
            uint32_t location = place->locations[p->sweep.location_index];
            if (location != 0 && sweep_location(p, location, now_us)) {
                return;
            }
            p->sweep.location_index++;
            p->sweep.product = 1;
            if (location != 0) {
                return;
            }
        }
        p->sweep.place++;
        p->sweep.location_index = 0;
    }
    p->sweep.going = false;
    p->sweep.next_us = now_us + SWEEP_EVERY_US;
}

/* ---- increases that wait for a reset ---- */

struct held {
    struct publisher *p;
    int64_t now_us;
};

static void want_again(void *context, uint32_t place, uint32_t product) {
    const struct held *held = context;
    publisher_want(held->p, place, product, false, held->now_us);
}

static void reconsider_held(struct publisher *p, int64_t now_us) {
    struct hub_stats stats;
    if (outbox_count(p->outbox, OUTBOX_HELD) == 0 || now_us < p->reconsider_us) {
        return;
    }
    hub_stats(p->hub, &stats);
    uint64_t resets = stats.resets_applied + stats.statements;
    if (resets == p->resets_seen) {
        return;
    }
    p->resets_seen = resets;
    p->reconsider_us = now_us + US_PER_SECOND;
    struct held held = {p, now_us};
    outbox_each(p->outbox, OUTBOX_HELD, want_again, &held);
}

bool publisher_follow(struct publisher *p, int64_t now_us) {
    if (p->cells == NULL) {
        p->cells = memory_alloc(SWEEP_CELLS * sizeof(*p->cells));
    }
    bool caught_up = follow_changes(p, now_us);
    follow_revisions(p, now_us);
    bool full = outbox_pending(p->outbox) > SWEEP_WORKS_MAX;
    if (!full && p->sweep.going) {
        sweep(p, now_us);
    } else if (!full && p->recount_count > 0) {
        sweep_recounts(p, now_us);
    }
    reconsider_held(p, now_us);
    outbox_advance(p->outbox, now_us);
    return caught_up && (full || (!p->sweep.going && p->recount_count == 0));
}
