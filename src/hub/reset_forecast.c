/* The forecast of a statement: what goes to zero, what comes back from it, and units in all. */
#include "hub/reset_forecast.h"

#include "base/json.h"

/* Kept in order of stock; what falls off the end is the least. */
static void offer_example(struct forecast *forecast, uint32_t product, int64_t before_milli) {
    uint32_t at = forecast->example_count;
    if (at == FORECAST_EXAMPLES) {
        if (forecast->examples[at - 1].before_milli >= before_milli)
            return;
        at--;
    } else
        forecast->example_count++;
    for (; at > 0 && forecast->examples[at - 1].before_milli < before_milli; at--)
        forecast->examples[at] = forecast->examples[at - 1];
    forecast->examples[at] = (struct forecast_example){product, before_milli};
}

void forecast_make(struct hub *hub, uint32_t location, const struct statement_outcome *outcome,
                   struct forecast *forecast_out) {
    *forecast_out = (struct forecast){.units_before_milli = outcome->units_before_milli,
                                      .units_after_milli = outcome->units_after_milli};
    for (size_t i = 0; i < outcome->change_count; i++) {
        const struct cell_change *change = &outcome->changes[i];
        if (change->correction_milli == 0)
            continue;
        int64_t before_milli = 0; /* a location that is new has nothing yet */
        if (location != 0)
            before_milli = store_cell(hub_store(hub), location, change->product).on_hand_milli;
        if (before_milli == 0)
            forecast_out->from_zero++;
        else if (before_milli + change->correction_milli == 0) {
            forecast_out->to_zero++;
            offer_example(forecast_out, change->product, before_milli);
        }
    }
}

void forecast_write(const struct forecast *forecast, struct catalog *catalog, struct buffer *json) {
    struct json_writer w = {.out = json};
    json_begin_object(&w);
    json_key(&w, "to_zero");
    json_uint(&w, forecast->to_zero);
    json_key(&w, "from_zero");
    json_uint(&w, forecast->from_zero);
    json_key(&w, "units_before");
    json_quantity(&w, forecast->units_before_milli);
    json_key(&w, "units_after");
    json_quantity(&w, forecast->units_after_milli);
    json_key(&w, "zeroed_skus");
    json_begin_array(&w);
    for (uint32_t i = 0; i < forecast->example_count; i++)
        json_text(&w, catalog_product_sku(catalog, forecast->examples[i].product));
    json_end_array(&w);
    json_end_object(&w);
}
