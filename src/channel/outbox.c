/* The outbox's rules: what becomes of a cell when something is wanted, sent, answered or read.
 *
 * A figure that is told never takes its version back: the version only grows, and a reading without
 * a version (an answer to "what do you show?") changes the figure alone. */
#include "channel/outbox.h"

#include <stdlib.h>

#include "channel/outbox_internal.h"

const char *outbox_state_word(enum outbox_state state) {
    static const char *const words[OUTBOX_STATE_COUNT] = {
        "confirmed", "wanting",   "held",   "sending",  "later",
        "uncertain", "verifying", "parked", "unmapped",
    };
    require(state < OUTBOX_STATE_COUNT);
    return words[state];
}

struct outbox *outbox_new(const struct outbox_rules *rules) {
    struct outbox *outbox = memory_alloc_zero(1, sizeof(*outbox));
    outbox->rules = *rules;
    return outbox;
}

void outbox_free(struct outbox *outbox) {
    if (outbox == NULL) {
        return;
    }
    for (uint32_t i = 0; i < outbox->place_count; i++) {
        for (uint32_t k = 0; k < outbox->places[i].page_count; k++) {
            free(outbox->places[i].pages[k]);
        }
        free(outbox->places[i].pages);
    }
    for (uint32_t i = 1; i <= outbox->work_count; i++) {
        free(outbox->works[i].words);
    }
    for (unsigned i = 0; i < HEAP_COUNT; i++) {
        free(outbox->heaps[i].items);
    }
    free(outbox->places);
    free(outbox->works);
    buffer_deinit(&outbox->journal);
    free(outbox);
}

/* ---- what is wanted ---- */

static bool is_agreed(const struct outbox *outbox, const struct slot *slot, int64_t wanted_milli,
                      uint64_t version) {
    if (!outbox->rules.tells_each_change) {
        return slot != NULL && slot->told_milli == wanted_milli;
    }
    uint64_t known =
        slot != NULL && slot->version > outbox->baseline ? slot->version : outbox->baseline;
    return version <= known;
}

/* It agrees with the shop: gone, unless something old may still be applied there. */
static void settle(struct outbox *outbox, struct work *work) {
    if (work->verify_at_us == 0 || outbox->rules.tells_each_change) {
        work_drop(outbox, work);
        return;
    }
    work->attempts = 0;
    work->raised_at_us = 0;
    work->since_us = 0;
    work_set_state(outbox, work, OUTBOX_VERIFYING, work->verify_at_us);
}

/* Something is wanted that the shop does not have: now, or when the policy lets it. */
static void line_up(struct outbox *outbox, struct work *work, const struct slot *slot,
                    int64_t now_us) {
    bool raises = slot->told_milli != CHANNEL_UNKNOWN_MILLI &&
                  work->wanted_milli > slot->told_milli && !outbox->rules.tells_each_change;
    if (!raises) {
        work->raised_at_us = 0;
        work->released = false;
    } else if (work->raised_at_us == 0) {
        work->raised_at_us = now_us;
    }
    work->rank =
        slot->told_milli != CHANNEL_UNKNOWN_MILLI && work->wanted_milli < slot->told_milli ? 0 : 1;
    if (raises && !work->released) {
        int64_t at_us =
            wanted_increase_at_us(&outbox->rules.increases, work->raised_at_us, work->as_of_us);
        if (at_us > now_us) {
            work_set_state(outbox, work, OUTBOX_HELD, at_us);
            return;
        }
    }
    work_set_state(outbox, work, OUTBOX_WANTING, now_us);
}

static void reconsider(struct outbox *outbox, struct work *work, int64_t now_us) {
    const struct slot *slot = table_find(outbox, work->place, work->product);
    if (is_agreed(outbox, slot, work->wanted_milli, work->wanted_version)) {
        settle(outbox, work);
    } else {
        line_up(outbox, work, slot, now_us);
    }
}

/* A new figure for a cell that has work already. */
static void want_other(struct outbox *outbox, struct work *work, bool differs, int64_t now_us) {
    const struct slot *slot = table_find(outbox, work->place, work->product);
    bool agreed = is_agreed(outbox, slot, work->wanted_milli, work->wanted_version);
    switch ((enum outbox_state)work->state) {
    case OUTBOX_SENDING:
    case OUTBOX_UNCERTAIN:
        if (differs && work->since_next_us == 0) {
            work->since_next_us = now_us;
        }
        return;
    case OUTBOX_VERIFYING:
        if (!agreed) {
            work->since_us = now_us;
            line_up(outbox, work, slot, now_us);
        }
        return;
    case OUTBOX_PARKED:
        if (agreed) {
            settle(outbox, work);
        } else if (differs) {
            work->attempts = 0;
            line_up(outbox, work, slot, now_us);
        }
        return;
    case OUTBOX_UNMAPPED:
        return;
    case OUTBOX_LATER:
        if (!agreed && (!differs || work->wanted_milli > slot->told_milli)) {
            return; /* its time will come */
        }
        break;
    case OUTBOX_CLEAN:
    case OUTBOX_WANTING:
    case OUTBOX_HELD:
    case OUTBOX_STATE_COUNT:
        break;
    }
    reconsider(outbox, work, now_us);
}

void outbox_want(struct outbox *outbox, uint32_t place, uint32_t product,
                 const struct wanted_figure *figure, bool by_reset, int64_t now_us) {
    struct slot *slot = table_find(outbox, place, product);
    struct work *work = work_of(outbox, slot);
    require(figure->milli >= 0);
    if (work == NULL) {
        if (is_agreed(outbox, slot, figure->milli, figure->version)) {
            return;
        }
        work = work_add(outbox, place, product, now_us);
    }
    bool differs = outbox->rules.tells_each_change ? figure->version != work->wanted_version
                                                   : figure->milli != work->wanted_milli;
    work->wanted_milli = figure->milli;
    work->wanted_version = figure->version;
    work->as_of_us = figure->as_of_us;
    work->released = work->released || by_reset;
    want_other(outbox, work, differs, now_us);
}

void outbox_advance(struct outbox *outbox, int64_t now_us) {
    struct work *work = heap_first(outbox, HEAP_TIMED);
    while (work != NULL && work->due_us <= now_us) {
        work->released = work->released || work->state == OUTBOX_HELD;
        reconsider(outbox, work, now_us);
        work = heap_first(outbox, HEAP_TIMED);
    }
}

void outbox_each(struct outbox *outbox, enum outbox_state state, outbox_visitor *visit,
                 void *context) {
    if (outbox->counts[state] == 0) {
        return;
    }
    for (uint32_t i = 1; i <= outbox->work_count; i++) {
        if (outbox->works[i].state == state) {
            visit(context, outbox->works[i].place, outbox->works[i].product);
        }
    }
}

/* ---- what is done about it ---- */

bool outbox_peek(const struct outbox *outbox, struct outbox_ref *ref_out) {
    const struct work *work = heap_first(outbox, HEAP_READY);
    if (work == NULL) {
        return false;
    }
    *ref_out = (struct outbox_ref){work->place, work->product};
    return true;
}

bool outbox_peek_doubt(const struct outbox *outbox, int64_t now_us, struct outbox_ref *ref_out) {
    const struct work *work = heap_first(outbox, HEAP_DOUBT);
    if (work == NULL || work->due_us > now_us) {
        return false;
    }
    *ref_out = (struct outbox_ref){work->place, work->product};
    return true;
}

static struct work *work_at(const struct outbox *outbox, struct outbox_ref ref) {
    return work_of(outbox, table_find(outbox, ref.place, ref.product));
}

void outbox_send(struct outbox *outbox, struct outbox_ref ref, uint64_t request, int64_t now_us) {
    struct work *work = work_at(outbox, ref);
    require(work != NULL && work->state == OUTBOX_WANTING);
    work->sent_milli = work->wanted_milli;
    work->sent_version = work->wanted_version;
    work->request = request;
    work->sent_at_us = now_us;
    work->since_next_us = 0;
    work_set_words(work, TEXT(""));
    work_set_state(outbox, work, OUTBOX_SENDING, now_us);
    journal_sent(outbox, work);
}

static void know(struct outbox *outbox, struct slot *slot, int64_t told_milli) {
    require(told_milli != CHANNEL_UNKNOWN_MILLI);
    outbox->told_count += slot->told_milli == CHANNEL_UNKNOWN_MILLI;
    slot->told_milli = told_milli;
}

/* The shop has what was sent. */
static void tell(struct outbox *outbox, struct work *work, int64_t now_us) {
    struct slot *slot = table_find(outbox, work->place, work->product);
    know(outbox, slot, work->sent_milli);
    slot->version = work->sent_version > slot->version ? work->sent_version : slot->version;
    slot->request = work->request;
    slot->told_at_s = (uint32_t)(now_us / US_PER_SECOND);
    journal_told(outbox, work, slot);
    work->attempts = 0;
    work->released = false;
    work->raised_at_us = 0;
    work->since_us = work->since_next_us != 0 ? work->since_next_us : now_us;
}

static void doubt(struct work *work, int64_t now_us) {
    if (work->doubtful) {
        work->verify_at_us = now_us + VERIFY_AFTER_US;
        work->doubtful = false;
    }
}

static void later(struct outbox *outbox, struct work *work, int64_t now_us, int64_t again_at_us) {
    if (again_at_us > now_us) {
        work->attempts++;
        work_set_state(outbox, work, OUTBOX_LATER, again_at_us);
    } else {
        reconsider(outbox, work, now_us);
    }
}

static void was_stale(struct outbox *outbox, struct work *work, int64_t actual_milli,
                      int64_t now_us, int64_t again_at_us) {
    struct slot *slot = table_find(outbox, work->place, work->product);
    know(outbox, slot, actual_milli);
    journal_observed(outbox, work, slot);
    work->released = true; /* what raises it now is no increase of ours */
    if (work->wanted_milli > actual_milli) {
        later(outbox, work, now_us, again_at_us);
    } else {
        work->attempts++;
        reconsider(outbox, work, now_us);
    }
}

void outbox_sent(struct outbox *outbox, struct outbox_ref ref, enum channel_outcome outcome,
                 int64_t actual_milli, struct text words, int64_t now_us, int64_t again_at_us) {
    struct work *work = work_at(outbox, ref);
    require(work != NULL && work->state == OUTBOX_SENDING);
    work_set_words(work, words);
    if (outcome == CHANNEL_STALE && actual_milli == CHANNEL_UNKNOWN_MILLI) {
        outcome = CHANNEL_UNCERTAIN;
    }
    switch (outcome) {
    case CHANNEL_CONFIRMED:
        tell(outbox, work, now_us);
        doubt(work, now_us);
        reconsider(outbox, work, now_us);
        return;
    case CHANNEL_RETRY:
        journal_unsent(outbox, work);
        later(outbox, work, now_us, again_at_us);
        return;
    case CHANNEL_STALE:
        was_stale(outbox, work, actual_milli, now_us, again_at_us);
        return;
    case CHANNEL_PARKED:
        work_set_state(outbox, work, OUTBOX_PARKED, NEVER_US);
        journal_parked(outbox, work);
        return;
    case CHANNEL_UNMAPPED:
        work_set_state(outbox, work, OUTBOX_UNMAPPED, again_at_us);
        journal_unmapped(outbox, work);
        return;
    case CHANNEL_UNANSWERED:
    case CHANNEL_UNCERTAIN:
        break;
    }
    work->doubtful = true;
    work->attempts++;
    work_set_state(outbox, work, OUTBOX_UNCERTAIN, again_at_us);
}

void outbox_was_read(struct outbox *outbox, struct outbox_ref ref, enum channel_outcome outcome,
                     int64_t actual_milli, int64_t now_us, int64_t again_at_us) {
    struct work *work = work_at(outbox, ref);
    require(work != NULL && (work->state == OUTBOX_UNCERTAIN || work->state == OUTBOX_VERIFYING));
    struct slot *slot = table_find(outbox, work->place, work->product);
    if (outcome == CHANNEL_UNMAPPED) {
        work_set_state(outbox, work, OUTBOX_UNMAPPED, again_at_us);
        journal_unmapped(outbox, work);
        return;
    }
    if (outcome != CHANNEL_CONFIRMED) {
        work_set_state(outbox, work, (enum outbox_state)work->state, again_at_us);
        return;
    }
    bool may_be_sold = work->hinted && actual_milli < work->wanted_milli;
    work->hinted = false;
    if (work->state == OUTBOX_UNCERTAIN && actual_milli == work->sent_milli) {
        tell(outbox, work, now_us);
        doubt(work, now_us);
    } else {
        know(outbox, slot, actual_milli);
        if (work->state == OUTBOX_VERIFYING && now_us >= work->verify_at_us) {
            work->verify_at_us = 0;
            work->doubtful = !is_agreed(outbox, slot, work->wanted_milli, work->wanted_version);
        }
        journal_observed(outbox, work, slot);
        work->released = true;
        work->since_us = work->since_us != 0 ? work->since_us : now_us;
    }
    if (may_be_sold) {
        later(outbox, work, now_us, again_at_us);
    } else {
        reconsider(outbox, work, now_us);
    }
}

bool outbox_doubt(struct outbox *outbox, struct outbox_ref ref, bool hinted, int64_t now_us) {
    const struct slot *slot = table_find(outbox, ref.place, ref.product);
    struct work *known = work_of(outbox, slot);
    if (known != NULL && known->state == OUTBOX_VERIFYING && known->due_us > now_us) {
        known->hinted = known->hinted || hinted;
        work_set_state(outbox, known, OUTBOX_VERIFYING, now_us); /* and once more at its time */
        return true;
    }
    bool agreed = slot != NULL && slot->work == 0 && slot->told_milli != CHANNEL_UNKNOWN_MILLI;
    if (!agreed || outbox->rules.tells_each_change) {
        return false;
    }
    struct work *work = work_add(outbox, ref.place, ref.product, now_us);
    work->wanted_milli = work->sent_milli = slot->told_milli;
    work->wanted_version = work->sent_version = slot->version;
    work->request = slot->request;
    work->since_us = 0;
    work->verify_at_us = now_us;
    work->hinted = hinted;
    work_set_state(outbox, work, OUTBOX_VERIFYING, now_us);
    journal_doubted(outbox, work);
    return true;
}

uint64_t outbox_doubt_since(struct outbox *outbox, int64_t since_us, int64_t now_us) {
    uint64_t count = 0;
    for (uint32_t place = 0; place < outbox->place_count; place++) {
        for (uint32_t k = 0; k < outbox->places[place].page_count; k++) {
            const struct slot_page *page = outbox->places[place].pages[k];
            for (uint32_t i = 0; page != NULL && i < PAGE_PRODUCTS; i++) {
                struct outbox_ref ref = {place, k * PAGE_PRODUCTS + i};
                bool is_later = ((int64_t)page->slots[i].told_at_s + 1) * US_PER_SECOND > since_us;
                count += is_later && outbox_doubt(outbox, ref, false, now_us);
            }
        }
    }
    return count;
}

void outbox_observed(struct outbox *outbox, struct outbox_ref ref, int64_t actual_milli, bool mend,
                     int64_t now_us) {
    struct slot *slot = table_find(outbox, ref.place, ref.product);
    if (!mend || slot == NULL || slot->told_milli == CHANNEL_UNKNOWN_MILLI ||
        slot->told_milli == actual_milli) {
        return;
    }
    if (slot->work != 0) {
        if (work_of(outbox, slot)->state == OUTBOX_VERIFYING) {
            /* It would have been read back anyway, a little later. */
            outbox_was_read(outbox, ref, CHANNEL_CONFIRMED, actual_milli, now_us, now_us);
        }
        return;
    }
    int64_t wanted_milli = slot->told_milli;
    struct work *work = work_add(outbox, ref.place, ref.product, now_us);
    work->wanted_milli = wanted_milli;
    work->wanted_version = slot->version;
    work->released = true;
    know(outbox, slot, actual_milli);
    journal_observed(outbox, work, slot);
    line_up(outbox, work, slot, now_us);
}

static void make_due(struct outbox *outbox, enum outbox_state state, int64_t at_us) {
    for (uint32_t i = 1; i <= outbox->work_count && outbox->counts[state] > 0; i++) {
        struct work *work = &outbox->works[i];
        if (work->state == state && work->due_us > at_us) {
            work_set_state(outbox, work, state, at_us);
        }
    }
}

void outbox_retry_at(struct outbox *outbox, int64_t at_us) {
    make_due(outbox, OUTBOX_LATER, at_us);
    make_due(outbox, OUTBOX_UNCERTAIN, at_us);
}

bool outbox_unpark(struct outbox *outbox, struct outbox_ref ref, int64_t now_us) {
    struct work *work = work_at(outbox, ref);
    if (work == NULL || (work->state != OUTBOX_PARKED && work->state != OUTBOX_UNMAPPED)) {
        return false;
    }
    work->attempts = 0;
    reconsider(outbox, work, now_us);
    return true;
}

void outbox_drop(struct outbox *outbox, struct outbox_ref ref) {
    struct work *work = work_at(outbox, ref);
    if (work != NULL) {
        journal_unsent(outbox, work);
        work_drop(outbox, work);
    }
}

void outbox_unpark_all(struct outbox *outbox, bool unmapped, int64_t now_us) {
    for (uint32_t i = 1; i <= outbox->work_count; i++) {
        struct work *work = &outbox->works[i];
        if (work->state == OUTBOX_PARKED || (unmapped && work->state == OUTBOX_UNMAPPED)) {
            work->attempts = 0;
            reconsider(outbox, work, now_us);
        }
    }
}

void outbox_wipe_told(struct outbox *outbox) {
    for (uint32_t i = 0; i < outbox->place_count; i++) {
        for (uint32_t k = 0; k < outbox->places[i].page_count; k++) {
            struct slot_page *page = outbox->places[i].pages[k];
            for (uint32_t p = 0; page != NULL && p < PAGE_PRODUCTS; p++) {
                page->slots[p].told_milli = CHANNEL_UNKNOWN_MILLI;
                page->slots[p].version =
                    outbox->rules.tells_each_change ? 0 : page->slots[p].version;
                page->dirty = true;
            }
        }
    }
    outbox->told_count = 0;
    outbox->baseline = 0;
}

void outbox_forget_told(struct outbox *outbox, int64_t now_us) {
    outbox_wipe_told(outbox);
    journal_forgotten(outbox);
    for (uint32_t i = 1; i <= outbox->work_count; i++) {
        struct work *work = &outbox->works[i];
        switch ((enum outbox_state)work->state) {
        case OUTBOX_SENDING:
            journal_sent(outbox, work); /* still on its way, whatever is forgotten */
            break;
        case OUTBOX_UNCERTAIN:
            journal_sent(outbox, work);
            break;
        case OUTBOX_HELD:
        case OUTBOX_LATER:
        case OUTBOX_VERIFYING:
        case OUTBOX_PARKED:
        case OUTBOX_UNMAPPED:
            work->attempts = 0;
            work->since_us = work->since_us != 0 ? work->since_us : now_us;
            reconsider(outbox, work, now_us);
            break;
        case OUTBOX_CLEAN:
        case OUTBOX_WANTING:
        case OUTBOX_STATE_COUNT:
            break;
        }
    }
}

void outbox_set_baseline(struct outbox *outbox, uint64_t version) {
    outbox->baseline = version;
}
