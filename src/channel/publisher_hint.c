/* What a shop says of its own accord about a figure. A message may be late, or be said twice, and a
 * later change may be on its way already: so it never changes what we believe. It makes the
 * publisher ask, once however often it is said, and not at all where it says what the shop was
 * told. */
#include "channel/publisher_internal.h"

/* The lock is held. */
static bool take(struct publisher *p, const struct channel_hint *hint) {
    uint32_t product = catalog_find_product(hub_catalog(p->hub), TEXT("sku"), hint->sku);
    uint32_t place = places_find(p->places, p->platform->one_location ? TEXT("") : hint->theirs);
    struct outbox_ref ref = {place, product};
    struct outbox_view view;
    if (product == 0 || place == PLACE_NONE || !outbox_look(p->outbox, ref, &view) ||
        view.told_milli == hint->actual_milli) {
        return false;
    }
    return outbox_doubt(p->outbox, ref, true, hub_now_us(p->hub));
}

enum status publisher_hint(struct publisher *p, struct text topic, struct text body,
                           struct arena *arena, bool *read_out, struct error *error) {
    struct channel_hint hint = {.actual_milli = CHANNEL_UNKNOWN_MILLI};
    *read_out = false;
    if (p->platform->hint == NULL) {
        return STATUS_END;
    }
    enum status status = p->platform->hint(&p->context, topic, body, arena, &hint, error);
    if (status != STATUS_OK || hint.sku.length == 0) {
        return status;
    }
    pthread_mutex_lock(&p->lock);
    *read_out = take(p, &hint);
    pthread_mutex_unlock(&p->lock);
    if (*read_out) {
        publisher_wake(p);
    }
    return STATUS_OK;
}
