/* GET .../history: the ledger of one cell, newest change first. */
#include "api/entries.h"

#define ENTRIES_PER_PAGE 100u
#define ENTRIES_PER_PAGE_MAX 10000u

static const char *kind_word(enum ledger_kind kind) {
    static const char *const words[] = {
        [LEDGER_EVENT] = "event",
        [LEDGER_ACKNOWLEDGEMENT] = "acknowledgement",
        [LEDGER_RESET] = "reset",
        [LEDGER_ROLLBACK] = "rollback",
    };
    return words[kind];
}

void event_write_members(struct json_writer *w, struct hub *hub, const struct event *event) {
    struct catalog *catalog = hub_catalog(hub);
    json_key(w, "id");
    json_text_or_null(w, event->id);
    json_key(w, "source");
    json_text_or_null(w, catalog_name(catalog, NAME_SOURCE, event->source));
    json_key(w, "type");
    json_string(w, event_type_word(event->type));
    json_key(w, "delta");
    json_quantity(w, event->delta_milli);
    json_key(w, "occurred_at");
    json_timestamp(w, event->occurred_at_us);
    json_key(w, "received_at");
    json_timestamp(w, event->received_at_us);
    json_key(w, "document");
    json_text_or_null(w, event->document);
    json_key(w, "register");
    json_text_or_null(w, catalog_name(catalog, NAME_REGISTER, event->register_id));
    json_key(w, "register_sequence");
    if (event->register_id != 0) {
        json_int(w, event->register_sequence);
    } else {
        json_null(w);
    }
    json_key(w, "order");
    json_text_or_null(w, event->order);
    json_key(w, "reason");
    json_text_or_null(w, event->reason);
    json_key(w, "acknowledges");
    json_text_or_null(w, event->acknowledges);
}

static void write_statement(struct json_writer *w, struct hub *hub, uint32_t statement) {
    struct statement_info info;
    struct error error;
    if (store_statement_info(hub_store(hub), statement, &info, &error) != STATUS_OK) {
        return;
    }
    json_key(w, "reset");
    json_text(w, info.reset);
    json_key(w, "as_of");
    json_timestamp(w, info.statement->as_of_us);
}

static void write_entry(struct json_writer *w, struct hub *hub, const struct ledger_entry *entry) {
    json_begin_object(w);
    json_key(w, "sequence");
    json_uint(w, entry->seq);
    json_key(w, "kind");
    json_string(w, kind_word(entry->kind));
    json_key(w, "change");
    json_quantity(w, entry->on_hand_change_milli);
    json_key(w, "on_hand");
    json_quantity(w, entry->on_hand_milli);
    json_key(w, "reserved");
    json_quantity(w, entry->reserved_milli);
    if (entry->kind == LEDGER_EVENT) {
        json_key(w, "status");
        json_string(w, outcome_word(entry->status));
        event_write_members(w, hub, &entry->event);
    } else {
        json_key(w, "source");
        json_text_or_null(w, catalog_name(hub_catalog(hub), NAME_SOURCE, entry->event.source));
        json_key(w, "received_at");
        json_timestamp(w, entry->event.received_at_us);
        if (entry->kind == LEDGER_ACKNOWLEDGEMENT) {
            json_key(w, "document");
            json_text_or_null(w, entry->event.document);
        } else {
            write_statement(w, hub, entry->statement);
        }
    }
    json_end_object(w);
}

void handle_history(struct request *r) {
    struct hub *hub = r->api->hub;
    struct error error = {0};
    struct ledger_entry *entries = NULL;
    uint32_t location = 0, product = 0;
    uint64_t limit = ENTRIES_PER_PAGE, before = 0;
    size_t count = 0;
    if (!request_query_uint(r, "limit", ENTRIES_PER_PAGE_MAX, &limit) ||
        !request_query_uint(r, "cursor", INT64_MAX, &before) ||
        !find_cell(r, &location, &product)) {
        return;
    }
    limit = limit > 0 ? limit : 1;
    enum status status = store_history(hub_store(hub), location, product, before, (size_t)limit,
                                       &r->arena, &entries, &count, &error);
    if (status != STATUS_OK) {
        error.status = status;
        problem_from(r, &error);
        return;
    }
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "items");
    json_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        write_entry(&w, hub, &entries[i]);
    }
    json_end_array(&w);
    json_key(&w, "next");
    if (count == limit && entries[count - 1].previous != 0) {
        char next[U64_TEXT_SIZE];
        (void)text_format_u64(entries[count - 1].seq, next);
        json_string(&w, next);
    } else {
        json_null(&w);
    }
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}
