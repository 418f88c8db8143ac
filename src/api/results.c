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

/* The SKU as it was sent: all there is to say of a product that is not known. */
static struct text sent_sku(const struct adjustment *line) {
    for (unsigned i = 0; i < line->identifier_count; i++) {
        if (text_equal_string(line->identifiers[i].type, "sku")) {
            return line->identifiers[i].value;
        }
    }
    return (struct text){0};
}

static void write_rejected(struct json_writer *w, const struct adjustment *line,
                           const struct adjustment_result *result) {
    json_key(w, "location");
    json_text_or_null(w, line->location);
    json_key(w, "sku");
    json_text_or_null(w, sent_sku(line));
    json_key(w, "error");
    json_begin_object(w);
    json_key(w, "code");
    json_string(w, status_code(result->error));
    json_key(w, "detail");
    json_text(w, result->detail);
    json_end_object(w);
}

uint64_t results_write(struct json_writer *w, struct catalog *catalog,
                       const struct adjustment *lines, const struct adjustment_result *results,
                       size_t count) {
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        const struct adjustment_result *result = &results[i];
        json_begin_object(w);
        json_key(w, "id");
        json_text_or_null(w, lines[i].id);
        json_key(w, "status");
        json_string(w, outcome_word(result->status));
        if (result->status == OUTCOME_REJECTED) {
            write_rejected(w, &lines[i], result);
        } else {
            json_key(w, "location");
            json_text(w, catalog_location_code(catalog, result->location));
            json_key(w, "sku");
            json_text(w, catalog_product_sku(catalog, result->product));
            json_key(w, "on_hand");
            json_quantity(w, result->on_hand_milli);
            json_key(w, "reserved");
            json_quantity(w, result->reserved_milli);
            json_key(w, "available");
            json_quantity(w, result->available_milli);
            json_key(w, "sequence");
            json_uint(w, result->sequence);
            last = result->sequence > last ? result->sequence : last;
        }
        json_end_object(w);
    }
    return last;
}
