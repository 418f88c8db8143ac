/* GET /v1/inventory: pages of cells, or all of them as they are read; and one cell, now or as it
 * was. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/cells.h"

#define CELLS_PER_PAGE_DEFAULT 1000u
#define CELLS_PER_PAGE_MAX 10000u
#define EXPORT_AT_ONCE ((size_t)64 * 1024)

/* Takes up to nine digits off the front; false if there is none. */
static bool take_number(struct text *text, uint32_t *number_out) {
    size_t length = 0;
    uint32_t number = 0;
    while (length < text->length && length < 9 && isdigit((unsigned char)text->data[length])) {
        number = number * 10 + (uint32_t)(text->data[length++] - '0');
    }
    if (length == 0) {
        return false;
    }
    *text = (struct text){text->data + length, text->length - length};
    *number_out = number;
    return true;
}

/* "LOCATION.PRODUCT", both numbers. */
static bool read_cursor(struct request *r, struct cell_walk *walk) {
    struct text cursor = request_query(r, "cursor");
    uint32_t location = 0, product = 0;
    if (!request_query_given(r, "cursor")) {
        return true;
    }
    bool whole = take_number(&cursor, &location) && cursor.length > 0 && cursor.data[0] == '.';
    if (whole) {
        cursor = (struct text){cursor.data + 1, cursor.length - 1};
        whole = take_number(&cursor, &product) && cursor.length == 0;
    }
    if (!whole || location == 0 || (walk->only_location != 0 && location != walk->only_location)) {
        problem(r, STATUS_BAD_VALUE, "cursor", "cursor: only what an answer's next gave");
        return false;
    }
    walk->location = location;
    walk->product = product;
    return true;
}

static void write_page(struct request *r, struct cell_walk *walk, uint64_t limit) {
    struct hub *hub = r->api->hub;
    uint64_t sequence = hub_last_sequence(hub);
    struct json_writer w = answer_writer(r);
    struct located_cell cell;
    uint32_t location = 0;
    char next[32] = "";
    json_begin_object(&w);
    json_key(&w, "items");
    json_begin_array(&w);
    for (uint64_t i = 0; cell_walk_next(walk, &location, &cell); i++) {
        if (i == limit) {
            (void)snprintf(next, sizeof next, "%u.%u", location, cell.product);
            break;
        }
        cell_write_json(&w, hub, location, cell.product, &cell.cell);
    }
    json_end_array(&w);
    json_key(&w, "next");
    json_text_or_null(&w, text_from(next));
    json_key(&w, "sequence");
    json_uint(&w, sequence);
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}

/* Where other hubs write too, what is read here may be older than what they have answered. */
static void tell_age(struct request *r) {
    int64_t age_us = store_age_us(hub_store(r->api->hub));
    char age[24];
    if (age_us < 0) {
        return;
    }
    (void)snprintf(age, sizeof age, "%" PRId64, (age_us + 999) / 1000);
    answer_header(r, "X-Onhand-Age-Ms", age);
}

void handle_inventory(struct request *r) {
    struct text format = request_query(r, "format");
    bool csv = text_equal_string(format, "csv");
    if (csv || text_equal_string(format, "ndjson")) {
        inventory_export(r, csv);
        return;
    }
    if (request_query_given(r, "format") && !text_equal_string(format, "json")) {
        problem(r, STATUS_BAD_VALUE, "format", "format: json, csv or ndjson");
        return;
    }
    struct cell_walk walk;
    uint64_t limit = CELLS_PER_PAGE_DEFAULT;
    if (!request_query_uint(r, "limit", CELLS_PER_PAGE_MAX, &limit) || !cell_walk_init(&walk, r) ||
        !read_cursor(r, &walk)) {
        return;
    }
    write_page(r, &walk, limit > 0 ? limit : 1);
    tell_age(r);
    cell_walk_deinit(&walk);
}

/* ---- everything ---- */

struct export {
    struct cell_walk walk;
    bool csv, ended;
    size_t sent; /* of r->out */
};

static void export_free(struct request *r) {
    struct export *export = r->state;
    cell_walk_deinit(&export->walk);
}

static void export_more(struct request *r, struct export *export) {
    struct hub *hub = r->api->hub;
    struct located_cell cell;
    uint32_t location = 0;
    buffer_clear(&r->out);
    export->sent = 0;
    while (r->out.length < EXPORT_AT_ONCE) {
        if (!cell_walk_next(&export->walk, &location, &cell)) {
            export->ended = true;
            return;
        }
        if (export->csv) {
            cell_write_csv(&r->out, hub, location, cell.product, &cell.cell);
        } else {
            struct json_writer w = {.out = &r->out};
            cell_write_json(&w, hub, location, cell.product, &cell.cell);
            buffer_append_string(&r->out, "\n");
        }
    }
}

static ssize_t export_read(void *context, uint64_t position, char *out, size_t most) {
    struct request *r = context;
    struct export *export = r->state;
    (void)position;
    if (export->sent == r->out.length && !export->ended) {
        export_more(r, export);
    }
    size_t length = r->out.length - export->sent;
    if (length == 0) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    length = length < most ? length : most;
    memcpy(out, r->out.data + export->sent, length);
    export->sent += length;
    return (ssize_t)length;
}

void inventory_export(struct request *r, bool csv) {
    struct export *export = arena_alloc_zero(&r->arena, sizeof *export);
    if (request_query_given(r, "limit") || request_query_given(r, "cursor")) {
        problem(r, STATUS_BAD_VALUE, "limit", "limit and cursor are for pages of JSON");
        return;
    }
    if (!cell_walk_init(&export->walk, r)) {
        return;
    }
    export->walk.whole_locations = true;
    export->csv = csv;
    r->state = export;
    r->state_free = export_free;
    buffer_clear(&r->out);
    if (csv) {
        buffer_append_string(&r->out, CELL_CSV_HEADER);
    }
    answer_stream(r, csv ? "text/csv; charset=utf-8" : "application/x-ndjson", export_read);
}

/* ---- one cell ---- */

struct past {
    uint32_t location, product;
    int64_t at_us, known_at_us; /* NEVER_US: no limit */
};

static void write_past(struct request *r, const struct past *past,
                       const struct cell_figures *figures) {
    struct hub *hub = r->api->hub;
    struct catalog *catalog = hub_catalog(hub);
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "location");
    json_text(&w, catalog_location_code(catalog, past->location));
    json_key(&w, "sku");
    json_text(&w, catalog_product_sku(catalog, past->product));
    json_key(&w, "on_hand");
    json_quantity(&w, figures->on_hand_milli);
    json_key(&w, "reserved");
    json_quantity(&w, figures->reserved_milli);
    json_key(&w, "available");
    json_quantity(&w, figures->on_hand_milli - figures->reserved_milli -
                          hub_safety_stock_milli(hub, past->location));
    json_key(&w, "as_of");
    if (figures->word != NULL) {
        json_timestamp(&w, figures->word->statement->as_of_us);
    } else {
        json_null(&w);
    }
    int64_t times[] = {past->at_us, past->known_at_us};
    for (int i = 0; i < 2; i++) {
        json_key(&w, i == 0 ? "at" : "known_at");
        if (times[i] != NEVER_US) {
            json_timestamp(&w, times[i]);
        } else {
            json_null(&w);
        }
    }
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}

static void answer_past(struct request *r) {
    const struct past *past = r->state;
    struct cell_history history;
    struct cell_figures figures;
    struct error error = {0};
    enum status status = store_cell_history(hub_store(r->api->hub), past->location, past->product,
                                            &r->arena, &history, &error);
    if (status == STATUS_OK) {
        uint32_t *scratch = arena_alloc(&r->arena, (history.entry_count + 1) * sizeof *scratch);
        status = books_figures(&history, past->at_us, past->known_at_us, scratch, &figures);
    }
    if (status != STATUS_OK) {
        problem(r, status, "", "%s",
                error.detail[0] != '\0' ? error.detail : status_meaning(status));
        return;
    }
    write_past(r, past, &figures);
}

void handle_cell(struct request *r) {
    struct past *past = arena_alloc_zero(&r->arena, sizeof *past);
    past->at_us = past->known_at_us = NEVER_US;
    if (!request_query_time(r, "at", &past->at_us) ||
        !request_query_time(r, "known_at", &past->known_at_us) ||
        !find_cell(r, &past->location, &past->product)) {
        return;
    }
    if (past->at_us != NEVER_US || past->known_at_us != NEVER_US) {
        r->state = past;
        if (!request_run(r, RUN_WORKER, answer_past)) {
            problem(r, STATUS_STOPPING, NULL, "the hub is shutting down");
        }
        return;
    }
    struct cell cell = store_cell(hub_store(r->api->hub), past->location, past->product);
    struct json_writer w = answer_writer(r);
    cell_write_json(&w, r->api->hub, past->location, past->product, &cell);
    answer_json(r, MHD_HTTP_OK);
    tell_age(r);
}
