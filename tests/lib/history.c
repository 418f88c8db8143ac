/* See history.h. Whatever is drawn is valid: each event passes event_validate, and only a statement
 * that was said is taken out. Impossible things are the business of the unit tests. */
#include "history.h"

#include <stdio.h>

const uint32_t history_products[HISTORY_PRODUCTS] = {1, 2, 255, 256, 700};
const char *const history_documents[HISTORY_DOCUMENTS] = {"", "D1", "D2", "D3"};
const char *const history_orders[HISTORY_ORDERS] = {"", "O1", "O2"};

static uint64_t random_state;

static uint64_t random_next(void) {
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned random_below(unsigned limit) {
    return (unsigned)(random_next() % limit);
}

bool random_chance(unsigned percent) {
    return random_below(100) < percent;
}

static bool must_be_positive(enum event_type type) {
    return type == EVENT_RETURN || type == EVENT_RECEIPT || type == EVENT_TRANSFER_IN ||
           type == EVENT_RESERVATION;
}

static int64_t random_delta(enum event_type type) {
    int64_t size_milli =
        random_chance(50) ? 1000 * (1 + (int64_t)random_below(9)) : 1 + (int64_t)random_below(5000);
    bool either = type == EVENT_ADJUSTMENT || type == EVENT_RELEASE;
    bool positive = either ? random_chance(50) : must_be_positive(type);
    return positive ? size_milli : -size_milli;
}

static void random_event(struct step *step, unsigned index) {
    static const enum event_type frequent[] = {EVENT_SALE, EVENT_SHIPMENT, EVENT_RESERVATION};
    struct event *e = &step->event;
    step->kind = STEP_EVENT;
    snprintf(step->id, sizeof step->id, "e%u", index);
    e->type = random_chance(40) ? frequent[random_below(3)]
                                : (enum event_type)random_below(EVENT_TYPE_COUNT);
    e->location = 1 + random_below(HISTORY_LOCATIONS);
    e->product = history_products[random_below(HISTORY_PRODUCTS)];
    e->source = 1 + random_below(HISTORY_SOURCES);
    e->register_id = random_chance(50) ? 0 : 1 + random_below(HISTORY_REGISTERS);
    e->register_sequence = (int64_t)random_below(12);
    e->delta_milli = random_delta(e->type);
    e->received_at_us = (int64_t)random_below(HISTORY_INSTANTS);
    e->occurred_at_given = random_chance(85);
    e->occurred_at_us =
        e->occurred_at_given ? (int64_t)random_below(HISTORY_INSTANTS) : e->received_at_us;
    e->standing =
        random_chance(60) ? event_default_standing(e->type) : (enum event_standing)random_below(3);
    e->id = random_chance(90) ? text_from(step->id) : TEXT("");
    e->document = text_from(history_documents[random_below(HISTORY_DOCUMENTS)]);
    e->order = text_from(history_orders[random_below(HISTORY_ORDERS)]);
    if (random_chance(15)) {
        e->acknowledges = text_from(history_documents[1 + random_below(HISTORY_DOCUMENTS - 1)]);
        if (random_chance(30))
            e->delta_milli = 0;
    }
}

/* The same id again; received at another time it may take effect at another, if it comes first. */
static void repeat_event(struct history *history, struct step *step) {
    const struct step *old = &history->steps[random_below(history->count)];
    if (old->kind != STEP_EVENT || old->event.id.length == 0) {
        random_event(step, history->count);
        return;
    }
    step->kind = STEP_EVENT;
    step->event = old->event;
    if (random_chance(50)) {
        step->event.received_at_us = (int64_t)random_below(HISTORY_INSTANTS);
        if (!step->event.occurred_at_given)
            step->event.occurred_at_us = step->event.received_at_us;
        history->order_matters = true;
    }
}

static void random_acknowledgement(struct step *step) {
    step->kind = STEP_ACKNOWLEDGE;
    step->event.source = 1 + random_below(HISTORY_SOURCES);
    step->event.document = text_from(history_documents[1 + random_below(HISTORY_DOCUMENTS - 1)]);
    step->event.occurred_at_us = (int64_t)random_below(HISTORY_INSTANTS);
    step->event.received_at_us = (int64_t)random_below(HISTORY_INSTANTS);
}

static void random_statement(struct history *history, struct step *step) {
    struct statement *s = &step->statement;
    step->kind = STEP_STATE;
    s->location = 1 + random_below(HISTORY_LOCATIONS);
    s->source = 1 + random_below(HISTORY_SOURCES);
    s->as_of_us = (int64_t)random_below(HISTORY_INSTANTS + 4);
    s->names_absent = random_chance(40);
    for (unsigned i = 0; i < history->count; i++) {
        const struct statement *other = &history->steps[i].statement;
        if (history->steps[i].kind == STEP_STATE && other->location == s->location &&
            other->as_of_us == s->as_of_us)
            history->order_matters = true;
    }
    for (uint32_t i = 1; i <= HISTORY_REGISTERS; i++) {
        if (random_chance(40))
            step->through[s->through_count++] = (struct watermark){i, (int64_t)random_below(12)};
    }
    for (unsigned i = 0; i < HISTORY_PRODUCTS; i++) {
        if (random_chance(60))
            step->rows[step->row_count++] = (struct stated){
                .product = history_products[i],
                .line = i + 1,
                .quantity_milli = random_chance(20) ? 0 : 500 * ((int64_t)random_below(30) - 4)};
        else if (random_chance(30) && s->names_absent)
            step->excluded[step->excluded_count++] = history_products[i];
    }
}

static void random_rollback(struct history *history, struct step *step) {
    unsigned target = random_below(history->count);
    bool possible = history->steps[target].kind == STEP_STATE;
    for (unsigned i = 0; i < history->count; i++)
        possible &= history->steps[i].kind != STEP_ROLL_BACK || history->steps[i].target != target;
    if (!possible) {
        random_event(step, history->count);
        return;
    }
    step->kind = STEP_ROLL_BACK;
    step->target = target;
}

void history_random(struct history *history, uint64_t seed) {
    *history = (struct history){.seed = seed};
    random_state = seed;
    unsigned count = 4 + random_below(HISTORY_STEPS - 3);
    while (history->count < count) {
        struct step *step = &history->steps[history->count];
        unsigned dice = history->count == 0 ? 0 : random_below(100);
        if (dice < 58)
            random_event(step, history->count);
        else if (dice < 66)
            repeat_event(history, step);
        else if (dice < 75)
            random_acknowledgement(step);
        else if (dice < 94)
            random_statement(history, step);
        else
            random_rollback(history, step);
        history->count++;
    }
}

void history_print(const struct history *history) {
    for (unsigned i = 0; i < history->count; i++) {
        const struct step *step = &history->steps[i];
        const struct event *e = &step->event;
        const struct statement *s = &step->statement;
        fprintf(stderr, "%2u ", i);
        if (step->kind == STEP_EVENT)
            fprintf(stderr,
                    "%s id=%.*s cell=%u/%u source=%u delta=%lld occurred=%lld received=%lld "
                    "register=%u/%lld standing=%d document=%.*s order=%.*s acknowledges=%.*s\n",
                    event_type_word(e->type), TEXT_ARG(e->id), e->location, e->product, e->source,
                    (long long)e->delta_milli, (long long)e->occurred_at_us,
                    (long long)e->received_at_us, e->register_id, (long long)e->register_sequence,
                    (int)e->standing, TEXT_ARG(e->document), TEXT_ARG(e->order),
                    TEXT_ARG(e->acknowledges));
        else if (step->kind == STEP_ACKNOWLEDGE)
            fprintf(stderr, "acknowledge source=%u document=%.*s at=%lld received=%lld\n",
                    e->source, TEXT_ARG(e->document), (long long)e->occurred_at_us,
                    (long long)e->received_at_us);
        else if (step->kind == STEP_ROLL_BACK)
            fprintf(stderr, "roll back step %u\n", step->target);
        else {
            fprintf(stderr, "state location=%u source=%u as_of=%lld absent=%d rows", s->location,
                    s->source, (long long)s->as_of_us, s->names_absent);
            for (size_t k = 0; k < step->row_count; k++)
                fprintf(stderr, " %u=%lld", step->rows[k].product,
                        (long long)step->rows[k].quantity_milli);
            for (size_t k = 0; k < step->excluded_count; k++)
                fprintf(stderr, " !%u", step->excluded[k]);
            for (size_t k = 0; k < s->through_count; k++)
                fprintf(stderr, " %u<=%lld", step->through[k].register_id,
                        (long long)step->through[k].through);
            fprintf(stderr, "\n");
        }
    }
}
