/* See naive.h. Every function here is one sentence of the rule; slow loops are welcome, shortcuts
 * are not. */
#include "naive.h"

#include <stdlib.h>

#include "base/arena.h"

struct word {
    const struct statement *statement;
    const struct stated *rows;
    const uint32_t *excluded;
    size_t row_count, excluded_count;
    int64_t applied_at_us, rolled_back_at_us;
};

struct acknowledgement {
    uint32_t source;
    struct text document;
    int64_t acknowledged_at_us, received_at_us;
};

struct naive {
    struct event *events;
    struct word *words;
    struct acknowledgement *acknowledgements;
    size_t event_count, word_count, acknowledgement_count;
};

struct naive *naive_new(void) {
    return memory_alloc_zero(1, sizeof(struct naive));
}

void naive_clear(struct naive *model) {
    model->event_count = model->word_count = model->acknowledgement_count = 0;
}

void naive_free(struct naive *model) {
    if (model == NULL)
        return;
    free(model->events);
    free(model->words);
    free(model->acknowledgements);
    free(model);
}

/* Room for one more; capacities are the powers of two, so they need not be kept. */
static void *grow(void *items, size_t count, size_t size) {
    if ((count & (count - 1)) != 0)
        return items;
    return memory_grow(items, (count == 0 ? 1 : 2 * count) * size);
}

/* "no event takes effect in the future" */
static int64_t effective_at(const struct event *event) {
    return event->occurred_at_us > event->received_at_us ? event->received_at_us
                                                         : event->occurred_at_us;
}

bool naive_add_event(struct naive *model, const struct event *event) {
    for (size_t i = 0; i < model->event_count; i++) {
        const struct event *heard = &model->events[i];
        if (event->id.length > 0 && heard->source == event->source &&
            text_equal(heard->id, event->id))
            return false;
    }
    model->events = grow(model->events, model->event_count, sizeof *model->events);
    model->events[model->event_count++] = *event;
    if (event->acknowledges.length > 0)
        naive_acknowledge(model, event->source, event->acknowledges, effective_at(event),
                          event->received_at_us);
    return true;
}

void naive_acknowledge(struct naive *model, uint32_t source, struct text document,
                       int64_t acknowledged_at_us, int64_t received_at_us) {
    model->acknowledgements = grow(model->acknowledgements, model->acknowledgement_count,
                                   sizeof *model->acknowledgements);
    model->acknowledgements[model->acknowledgement_count++] = (struct acknowledgement){
        .source = source,
        .document = document,
        .acknowledged_at_us = acknowledged_at_us,
        .received_at_us = received_at_us,
    };
}

void naive_add_statement(struct naive *model, const struct statement *statement,
                         const struct stated *rows, size_t row_count, const uint32_t *excluded,
                         size_t excluded_count, int64_t applied_at_us) {
    model->words = grow(model->words, model->word_count, sizeof *model->words);
    model->words[model->word_count++] = (struct word){
        .statement = statement,
        .rows = rows,
        .excluded = excluded,
        .row_count = row_count,
        .excluded_count = excluded_count,
        .applied_at_us = applied_at_us,
        .rolled_back_at_us = NEVER_US,
    };
}

void naive_roll_back(struct naive *model, uint32_t statement, int64_t rolled_back_at_us) {
    for (size_t i = 0; i < model->word_count; i++) {
        if (model->words[i].statement->id == statement)
            model->words[i].rolled_back_at_us = rolled_back_at_us;
    }
}

/* Whether the statement names the product, and with what quantity. */
static bool names(const struct word *word, uint32_t product, int64_t *quantity_out) {
    for (size_t i = 0; i < word->row_count; i++) {
        if (word->rows[i].product == product) {
            *quantity_out = word->rows[i].quantity_milli;
            return true;
        }
    }
    for (size_t i = 0; i < word->excluded_count; i++) {
        if (word->excluded[i] == product)
            return false;
    }
    *quantity_out = 0;
    return word->statement->names_absent;
}

/* "the newest statement (by as_of) that names the cell" */
static const struct word *newest_word(const struct naive *model, uint32_t location,
                                      uint32_t product, int64_t at_us, int64_t known_at_us) {
    const struct word *newest = NULL;
    for (size_t i = 0; i < model->word_count; i++) {
        const struct word *word = &model->words[i];
        int64_t quantity_milli;
        bool known = word->applied_at_us <= known_at_us;
        bool taken_out =
            word->rolled_back_at_us != NEVER_US && word->rolled_back_at_us <= known_at_us;
        if (word->statement->location != location || word->statement->as_of_us > at_us || !known ||
            taken_out || !names(word, product, &quantity_milli))
            continue;
        if (newest == NULL || word->statement->as_of_us > newest->statement->as_of_us)
            newest = word;
        else if (word->statement->as_of_us == newest->statement->as_of_us &&
                 word->statement->id > newest->statement->id)
            newest = word;
    }
    return newest;
}

/* "covered iff it was acknowledged with acknowledged_at <= S.as_of" */
static bool was_acknowledged(const struct naive *model, const struct statement *s,
                             struct text document, int64_t known_at_us) {
    for (size_t i = 0; i < model->acknowledgement_count; i++) {
        const struct acknowledgement *a = &model->acknowledgements[i];
        if (a->source == s->source && text_equal(a->document, document) &&
            a->received_at_us <= known_at_us && a->acknowledged_at_us <= s->as_of_us)
            return document.length > 0;
    }
    return false;
}

/* "An event is covered by a statement S if S's author already knew it." */
static bool knew(const struct naive *model, const struct statement *s, const struct event *event,
                 int64_t known_at_us) {
    switch (event->standing) {
    case STANDS_UNTIL_ACKNOWLEDGED:
        return was_acknowledged(model, s, event->document, known_at_us);
    case STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS:
        if (event->source != s->source)
            return was_acknowledged(model, s, event->document, known_at_us);
        break;
    case STANDS_UNTIL_RESET:
        break;
    }
    if (event->register_id != 0) {
        for (uint32_t i = 0; i < s->through_count; i++) {
            if (s->through[i].register_id == event->register_id)
                return s->through[i].through >= event->register_sequence;
        }
    }
    return s->as_of_us >= effective_at(event);
}

/* The table of types: what each moves of on-hand. */
static int64_t moves_on_hand(const struct event *event) {
    if (event->acknowledges.length > 0)
        return 0;
    int64_t q = llabs(event->delta_milli);
    switch (event->type) {
    case EVENT_SALE:
    case EVENT_TRANSFER_OUT:
    case EVENT_DAMAGE:
    case EVENT_SHIPMENT:
        return -q;
    case EVENT_RETURN:
    case EVENT_RECEIPT:
    case EVENT_TRANSFER_IN:
        return q;
    case EVENT_ADJUSTMENT:
        return event->delta_milli;
    default:
        return 0;
    }
}

/* ... and of its order. */
static int64_t moves_order(const struct event *event) {
    if (event->acknowledges.length > 0)
        return 0;
    int64_t q = llabs(event->delta_milli);
    if (event->type == EVENT_RESERVATION)
        return q;
    return event->type == EVENT_RELEASE || event->type == EVENT_SHIPMENT ? -q : 0;
}

static bool is_of(const struct event *event, uint32_t location, uint32_t product, int64_t at_us,
                  int64_t known_at_us) {
    return event->location == location && event->product == product &&
           event->received_at_us <= known_at_us && effective_at(event) <= at_us;
}

/* max(0, reserved - released - shipped) of the order of event `first`, counted once: at the first
 * event of that order. */
static int64_t order_holds(const struct naive *model, size_t first, int64_t at_us,
                           int64_t known_at_us) {
    const struct event *event = &model->events[first];
    int64_t net_milli = 0;
    for (size_t i = 0; i < model->event_count; i++) {
        const struct event *other = &model->events[i];
        if (!is_of(other, event->location, event->product, at_us, known_at_us) ||
            !text_equal(other->order, event->order))
            continue;
        if (i < first)
            return 0;
        net_milli += moves_order(other);
    }
    return net_milli > 0 ? net_milli : 0;
}

struct naive_figures naive_cell(const struct naive *model, uint32_t location, uint32_t product,
                                int64_t at_us, int64_t known_at_us) {
    const struct word *word = newest_word(model, location, product, at_us, known_at_us);
    struct naive_figures figures = {0};
    if (word != NULL) {
        figures.statement = word->statement->id;
        (void)names(word, product, &figures.on_hand_milli);
    }
    for (size_t i = 0; i < model->event_count; i++) {
        const struct event *event = &model->events[i];
        if (!is_of(event, location, product, at_us, known_at_us))
            continue;
        if (word == NULL || !knew(model, word->statement, event, known_at_us))
            figures.on_hand_milli += moves_on_hand(event);
        figures.reserved_milli += order_holds(model, i, at_us, known_at_us);
    }
    return figures;
}
