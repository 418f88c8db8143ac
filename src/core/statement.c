/* Coverage: did the author of a statement already know a movement? Everything Onhand does about
 * lateness, offline stores and online orders follows from the few lines here. */
#include "core/statement.h"

bool statement_is_newer(const struct statement *a, const struct statement *b) {
    require(a != NULL);
    if (b == NULL)
        return true;
    return a->as_of_us != b->as_of_us ? a->as_of_us > b->as_of_us : a->id > b->id;
}

/* NULL: the statement says nothing about this register. */
static const struct watermark *find_watermark(const struct statement *s, uint32_t register_id) {
    uint32_t low = 0, high = s->through_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->through[middle].register_id < register_id)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < s->through_count && s->through[low].register_id == register_id;
    return found ? &s->through[low] : NULL;
}

/* A register's own numbering is better evidence than any clock, so it wins where it is known. */
static bool covers_by_number_or_time(const struct statement *s, uint32_t register_id,
                                     int64_t register_sequence, int64_t effective_at_us) {
    if (register_id != 0 && s->through_count != 0) {
        const struct watermark *watermark = find_watermark(s, register_id);
        if (watermark != NULL)
            return register_sequence <= watermark->through;
    }
    return effective_at_us <= s->as_of_us;
}

static bool covers_by_acknowledgement(const struct statement *s, int64_t acknowledged_at_us) {
    return acknowledged_at_us != NEVER_US && acknowledged_at_us <= s->as_of_us;
}

/* Whether only an acknowledgement tells this statement's author about the movement. */
static bool waits_for_acknowledgement(const struct statement *s, enum event_standing standing,
                                      uint32_t source) {
    return standing == STANDS_UNTIL_ACKNOWLEDGED ||
           (standing == STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS && source != s->source);
}

bool statement_covers_movement(const struct statement *s, const struct movement *m) {
    require(s != NULL && m != NULL);
    return covers_by_number_or_time(s, m->register_id, m->register_sequence, m->effective_at_us);
}

bool statement_covers_pending(const struct statement *s, const struct pending_movement *p) {
    require(s != NULL && p != NULL);
    if (waits_for_acknowledgement(s, p->standing, p->source))
        return covers_by_acknowledgement(s, p->acknowledged_at_us);
    return statement_covers_movement(s, &p->movement);
}

bool statement_covers(const struct statement *s, const struct event *event,
                      int64_t acknowledged_at_us) {
    require(s != NULL && event != NULL);
    if (waits_for_acknowledgement(s, event->standing, event->source))
        return covers_by_acknowledgement(s, acknowledged_at_us);
    return covers_by_number_or_time(s, event->register_id, event->register_sequence,
                                    event_effective_at_us(event));
}
