/* GET .../explain: why the figure is what it is, as one waterfall.
 *
 * What the newest statement said, with its file and row; the events it does not cover, each with
 * the reason in words; what is reserved, order by order; the safety stock; and what remains. It is
 * worked out from the cell's whole history by the plain rule, not read from the cell, so it can be
 * wrong only where the books are. */
#include <stdio.h>
#include <stdlib.h>

#include "api/entries.h"
#include "base/intern.h"
#include "hub/reset_record.h"

#define EVENTS_SHOWN 1000u

struct explanation {
    struct request *r;
    struct hub *hub;
    uint32_t location, product;
    struct cell cell;
    struct cell_history history;
    const struct statement_word *word; /* NULL: no statement names the cell */
    struct json_writer w;
};

static const struct statement_word *find_word(const struct explanation *x) {
    for (size_t i = 0; i < x->history.word_count; i++) {
        if (x->history.words[i].statement->id == x->cell.statement) {
            return &x->history.words[i];
        }
    }
    return NULL;
}

static bool is_covered(const struct explanation *x, const struct event *event) {
    return x->word != NULL && books_covers(&x->history, x->word, event);
}

static const struct watermark *watermark_of(const struct statement *s, uint32_t register_id) {
    for (uint32_t i = 0; i < s->through_count; i++) {
        if (register_id != 0 && s->through[i].register_id == register_id) {
            return &s->through[i];
        }
    }
    return NULL;
}

/* Why the statement does, or does not, include the event. */
static struct text reason(const struct explanation *x, const struct event *e, bool covered) {
    struct arena *arena = &x->r->arena;
    if (x->word == NULL) {
        return TEXT("no reset has named this cell yet");
    }
    const struct statement *s = x->word->statement;
    struct catalog *catalog = hub_catalog(x->hub);
    struct text author = catalog_name(catalog, NAME_SOURCE, s->source);
    bool by_acknowledgement =
        e->standing == STANDS_UNTIL_ACKNOWLEDGED ||
        (e->standing == STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS && e->source != s->source);
    if (by_acknowledgement) {
        return arena_format(arena,
                            covered ? "%.*s had acknowledged %.*s by then"
                                    : "%.*s had not acknowledged %.*s by then",
                            TEXT_ARG(author), TEXT_ARG(e->document));
    }
    const struct watermark *mark = watermark_of(s, e->register_id);
    if (mark != NULL) {
        return arena_format(arena, "number %lld of register %.*s is %s %lld, the last one included",
                            (long long)e->register_sequence,
                            TEXT_ARG(catalog_name(catalog, NAME_REGISTER, e->register_id)),
                            covered ? "not after" : "after", (long long)mark->through);
    }
    char as_of[TIMESTAMP_TEXT_SIZE];
    (void)timestamp_format(s->as_of_us, as_of);
    return arena_format(arena, "it took effect %s %s, the statement's instant",
                        covered ? "at or before" : "after", as_of);
}

static void write_event(struct explanation *x, const struct ledger_entry *entry, bool covered) {
    json_begin_object(&x->w);
    json_key(&x->w, "sequence");
    json_uint(&x->w, entry->seq);
    event_write_members(&x->w, x->hub, &entry->event);
    json_key(&x->w, "change");
    json_quantity(&x->w, covered ? 0 : event_on_hand_delta_milli(&entry->event));
    json_key(&x->w, "why");
    json_text(&x->w, reason(x, &entry->event, covered));
    json_end_object(&x->w);
}

/* Events that count, or late ones that do not because the statement knew them. Returns their sum.
 */
static int64_t write_events(struct explanation *x, bool covered, uint64_t *count_out) {
    int64_t sum_milli = 0;
    uint64_t count = 0;
    json_begin_array(&x->w);
    for (size_t i = 0; i < x->history.entry_count; i++) {
        const struct ledger_entry *entry = &x->history.entries[i];
        if (entry->kind != LEDGER_EVENT || event_on_hand_delta_milli(&entry->event) == 0 ||
            is_covered(x, &entry->event) != covered) {
            continue;
        }
        if (covered && entry->event.received_at_us <= x->word->applied_at_us) {
            continue; /* known before the reset: nothing about it is late */
        }
        sum_milli += event_on_hand_delta_milli(&entry->event);
        if (count++ < EVENTS_SHOWN) {
            write_event(x, entry, covered);
        }
    }
    json_end_array(&x->w);
    *count_out = count;
    return sum_milli;
}

/* How as_of came about: of the location, where its reset says so of each. */
static void write_origin(struct json_writer *w, const struct reset_record *record,
                         uint32_t statement) {
    struct text origin = record->as_of_origin;
    bool assumed = record->as_of_assumed;
    for (size_t i = 0; i < record->location_count; i++) {
        const struct reset_location_record *location = &record->locations[i];
        if (location->statement == statement && location->as_of_origin.length > 0) {
            origin = location->as_of_origin;
            assumed = location->as_of_assumed;
        }
    }
    json_key(w, "as_of_origin");
    json_text_or_null(w, origin);
    json_key(w, "as_of_assumed");
    json_bool(w, assumed);
}

static void write_statement(struct explanation *x) {
    struct json_writer *w = &x->w;
    struct statement_info info;
    struct reset_record record = {0};
    struct error error;
    if (x->word == NULL || store_statement_info(hub_store(x->hub), x->word->statement->id, &info,
                                                &error) != STATUS_OK) {
        json_null(w);
        return;
    }
    if (reset_record_load(x->hub, info.reset, &x->r->arena, &record, &error) != STATUS_OK) {
        record = (struct reset_record){0};
    }
    const struct statement *s = info.statement;
    json_begin_object(w);
    json_key(w, "reset");
    json_text(w, info.reset);
    json_key(w, "file");
    json_text_or_null(w, record.file);
    json_key(w, "feed");
    json_text_or_null(w, record.feed);
    json_key(w, "line"); /* null: named by its absence */
    if (x->word->stated.line != 0) {
        json_uint(w, x->word->stated.line);
    } else {
        json_null(w);
    }
    json_key(w, "source");
    json_text(w, catalog_name(hub_catalog(x->hub), NAME_SOURCE, s->source));
    json_key(w, "as_of");
    json_timestamp(w, s->as_of_us);
    write_origin(w, &record, s->id);
    json_key(w, "applied_at");
    if (x->word->applied_at_us != NEVER_US) {
        json_timestamp(w, x->word->applied_at_us);
    } else {
        json_null(w);
    }
    json_key(w, "stated");
    json_quantity(w, x->word->stated.quantity_milli);
    json_end_object(w);
}

/* What is still open of each order. */
static void write_reservations(struct explanation *x) {
    struct intern *orders = intern_new();
    size_t room = x->history.entry_count + 1;
    int64_t *net_milli = memory_alloc_zero(room, sizeof *net_milli);
    for (size_t i = 0; i < x->history.entry_count; i++) {
        const struct ledger_entry *entry = &x->history.entries[i];
        if (entry->kind == LEDGER_EVENT && event_order_delta_milli(&entry->event) != 0) {
            /* Without an order's name they are one order. */
            struct text order = entry->event.order.length > 0 ? entry->event.order : TEXT(" ");
            net_milli[intern_add(orders, order) - 1] += event_order_delta_milli(&entry->event);
        }
    }
    json_begin_array(&x->w);
    for (uint32_t i = 0; i < intern_count(orders); i++) {
        if (net_milli[i] <= 0) {
            continue;
        }
        struct text order = intern_text(orders, i + 1);
        json_begin_object(&x->w);
        json_key(&x->w, "order");
        json_text_or_null(&x->w, text_equal_string(order, " ") ? TEXT("") : order);
        json_key(&x->w, "reserved");
        json_quantity(&x->w, net_milli[i]);
        json_end_object(&x->w);
    }
    json_end_array(&x->w);
    free(net_milli);
    intern_free(orders);
}

/* What each channel that sells it wants, has sent, and has confirmed. */
static void write_channels(struct explanation *x) {
    struct channels *channels = x->r->api->options.channels;
    struct publisher *publisher = NULL;
    for (size_t i = 0; channels != NULL && (publisher = channels_at(channels, i)) != NULL; i++) {
        (void)publisher_explain(publisher, x->location, x->product, &x->w);
    }
}

static void write_figures(struct explanation *x, int64_t standing_milli) {
    struct json_writer *w = &x->w;
    int64_t safety_milli = hub_safety_stock_milli(x->hub, x->location);
    int64_t stated_milli = x->word != NULL ? x->word->stated.quantity_milli : 0;
    json_key(w, "on_hand");
    json_quantity(w, stated_milli + standing_milli);
    json_key(w, "reservations");
    write_reservations(x);
    json_key(w, "reserved");
    json_quantity(w, x->cell.reserved_milli);
    json_key(w, "safety_stock");
    json_quantity(w, safety_milli);
    json_key(w, "available");
    json_quantity(w, stated_milli + standing_milli - x->cell.reserved_milli - safety_milli);
    json_key(w, "channels");
    json_begin_array(w);
    write_channels(x);
    json_end_array(w);
    json_key(w, "version");
    json_uint(w, x->cell.head);
}

static void write_explanation(struct explanation *x) {
    struct catalog *catalog = hub_catalog(x->hub);
    struct json_writer *w = &x->w;
    uint64_t count = 0, late = 0;
    *w = answer_writer(x->r);
    json_begin_object(w);
    json_key(w, "location");
    json_text(w, catalog_location_code(catalog, x->location));
    json_key(w, "sku");
    json_text(w, catalog_product_sku(catalog, x->product));
    json_key(w, "statement");
    write_statement(x);
    json_key(w, "events");
    int64_t standing_milli = write_events(x, false, &count);
    json_key(w, "event_count");
    json_uint(w, count);
    json_key(w, "events_change");
    json_quantity(w, standing_milli);
    json_key(w, "covered_late");
    if (x->word != NULL) {
        (void)write_events(x, true, &late);
    } else {
        json_begin_array(w);
        json_end_array(w);
    }
    write_figures(x, standing_milli);
    json_end_object(w);
    answer_json(x->r, MHD_HTTP_OK);
}

void handle_explain(struct request *r) {
    struct explanation x = {.r = r, .hub = r->api->hub};
    struct store *store = hub_store(x.hub);
    struct error error = {0};
    if (!find_cell(r, &x.location, &x.product)) {
        return;
    }
    x.cell = store_cell(store, x.location, x.product);
    enum status status =
        store_cell_history(store, x.location, x.product, &r->arena, &x.history, &error);
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
        return;
    }
    x.word = find_word(&x);
    write_explanation(&x);
}
