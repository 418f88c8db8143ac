/* Results of adjustments: one line of JSON for each, in the order sent. */
#include "api/adjustments_internal.h"

const char *outcome_word(enum outcome_status status) {
    static const char *const words[] = {
        [OUTCOME_APPLIED] = "applied",           [OUTCOME_COVERED] = "covered",
        [OUTCOME_ACKNOWLEDGED] = "acknowledged", [OUTCOME_DUPLICATE] = "duplicate",
        [OUTCOME_REJECTED] = "rejected",
    };
    return words[status];
}

/* The SKU as it was sent, if one was. */
static struct text sent_sku(const struct adjustment *line) {
    for (unsigned i = 0; i < line->identifier_count; i++) {
        if (text_equal_string(line->identifiers[i].type, "sku")) {
            return line->identifiers[i].value;
        }
    }
    return (struct text){0};
}

/* Text that is JSON already, commas included: half the time of a result is in its keys. */
static void put(struct json_writer *w, struct text json) {
    buffer_append_text(w->out, json);
    w->need_comma = false;
}

static void write_rejected(struct json_writer *w, const struct adjustment *line,
                           const struct adjustment_result *result) {
    put(w, TEXT("rejected\",\"location\":"));
    json_text_or_null(w, line->location);
    put(w, TEXT(",\"sku\":"));
    json_text_or_null(w, sent_sku(line));
    put(w, TEXT(",\"error\":{\"code\":"));
    json_string(w, status_code(result->error));
    put(w, TEXT(",\"detail\":"));
    json_text(w, result->detail);
    put(w, TEXT("}}"));
}

static void write_figure(struct json_writer *w, struct text key, int64_t milli) {
    put(w, key);
    json_quantity(w, milli);
}

static void write_taken(struct json_writer *w, struct catalog *catalog,
                        const struct adjustment *line, const struct adjustment_result *result) {
    struct text sku = sent_sku(line);
    put(w, text_from(outcome_word(result->status)));
    put(w, TEXT("\",\"location\":"));
    json_text(w, catalog_location_code(catalog, result->location));
    put(w, TEXT(",\"sku\":"));
    json_text(w, sku.length > 0 ? sku : catalog_product_sku(catalog, result->product));
    write_figure(w, TEXT(",\"on_hand\":"), result->on_hand_milli);
    write_figure(w, TEXT(",\"reserved\":"), result->reserved_milli);
    write_figure(w, TEXT(",\"available\":"), result->available_milli);
    put(w, TEXT(",\"sequence\":"));
    json_uint(w, result->sequence);
    put(w, TEXT("}"));
}

uint64_t results_write(struct json_writer *w, struct catalog *catalog,
                       const struct adjustment *lines, const struct adjustment_result *results,
                       size_t count) {
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        const struct adjustment_result *result = &results[i];
        put(w, w->need_comma ? TEXT(",{\"id\":") : TEXT("{\"id\":"));
        json_text_or_null(w, lines[i].id);
        put(w, TEXT(",\"status\":\""));
        if (result->status == OUTCOME_REJECTED) {
            write_rejected(w, &lines[i], result);
        } else {
            write_taken(w, catalog, &lines[i], result);
            last = result->sequence > last ? result->sequence : last;
        }
        w->need_comma = true;
    }
    return last;
}
