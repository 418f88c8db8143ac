/* Orders as events, and into the hub. */
#include "channel/orders_internal.h"

#include "base/log.h"
#include "http/webhook_signature.h"

/* ---- events ---- */

struct making {
    const struct config_channel *config;
    const struct order *order;
    struct arena *arena;
    struct text source, order_name;
    struct adjustment *items;
    size_t count;
};

static void add(struct making *m, enum event_type type, const struct order_line *line,
                struct text location, int64_t units, int64_t at_us, struct text id) {
    require(m->count < ORDER_EVENTS_MAX);
    struct adjustment *a = &m->items[m->count++];
    *a = (struct adjustment){.id = id,
                             .source = m->source,
                             .location = location,
                             .document = type == EVENT_SHIPMENT ? m->order->document
                                                                : (struct text){NULL, 0},
                             .order = m->order_name,
                             .identifier_count = 1,
                             .type = type,
                             .delta_milli = units * 1000,
                             .occurred_at_us = at_us,
                             .occurred_at_given = at_us != NEVER_US,
                             .may_differ = true};
    a->identifiers[0] = (struct identifier){.type = TEXT("sku"), .value = line->sku};
}

/* One event per unit: whoever tells of more later adds only what is more. */
static void add_units(struct making *m, enum event_type type, char mark,
                      const struct order_line *line, uint64_t units, int64_t at_us) {
    for (uint64_t i = 1; i <= units; i++) {
        add(m, type, line, line->location, type == EVENT_RELEASE ? -1 : 1, at_us,
            arena_format(m->arena, "%.*s/%.*s/%c%llu", TEXT_ARG(m->order->id), TEXT_ARG(line->id),
                         mark, (unsigned long long)i));
    }
}

static void add_shipped(struct making *m, const struct order_shipment *shipment,
                        const struct order_line *line) {
    int64_t units = (int64_t)line->units;
    struct text id = arena_format(m->arena, "%.*s/%.*s/s%.*s", TEXT_ARG(m->order->id),
                                  TEXT_ARG(line->id), TEXT_ARG(shipment->id));
    add(m, EVENT_SHIPMENT, line, shipment->location, -units, shipment->at_us, id);
    if (!text_equal(line->location, shipment->location)) {
        add(m, EVENT_RELEASE, line, line->location, -units, shipment->at_us,
            arena_format(m->arena, "%.*s/moved", TEXT_ARG(id)));
    }
    if (shipment->undone) {
        add(m, EVENT_RETURN, line, shipment->location, units, shipment->at_us,
            arena_format(m->arena, "%.*s/back", TEXT_ARG(id)));
        add(m, EVENT_RESERVATION, line, line->location, units, shipment->at_us,
            arena_format(m->arena, "%.*s/again", TEXT_ARG(id)));
    }
}

static uint64_t count_events(const struct order *order) {
    uint64_t count = 0;
    for (size_t i = 0; i < order->count; i++) {
        count += 2 * order->lines[i].units;
    }
    for (size_t i = 0; i < order->shipment_count; i++) {
        count += 4 * order->shipments[i].count;
    }
    return count;
}

static void add_order(struct making *m) {
    const struct order *order = m->order;
    m->order_name =
        arena_format(m->arena, "%.*s/%.*s", TEXT_ARG(m->config->name), TEXT_ARG(order->id));
    for (size_t i = 0; i < order->count; i++) {
        const struct order_line *line = &order->lines[i];
        uint64_t released = order->cancelled ? line->units : line->released;
        add_units(m, EVENT_RESERVATION, 'r', line, line->units, order->at_us);
        add_units(m, EVENT_RELEASE, 'x', line, released, order->ended_at_us);
    }
    for (size_t i = 0; i < order->shipment_count; i++) {
        for (size_t j = 0; j < order->shipments[i].count; j++) {
            add_shipped(m, &order->shipments[i], &order->shipments[i].lines[j]);
        }
    }
}

enum status orders_events(const struct config_channel *config, const struct orders *orders,
                          struct arena *arena, struct adjustment **adjustments_out,
                          size_t *count_out, struct error *error) {
    uint64_t most = 0;
    for (size_t i = 0; i < orders->count; i++) {
        most += count_events(&orders->items[i]);
    }
    if (most > ORDER_EVENTS_MAX) {
        return error_set(error, STATUS_TOO_LARGE, "more than %u units in one message",
                         ORDER_EVENTS_MAX / 2);
    }
    struct making making = {.config = config, .arena = arena};
    making.source = arena_format(arena, "channel:%.*s", TEXT_ARG(config->name));
    making.items = arena_alloc(arena, (most + 1) * sizeof(*making.items));
    for (size_t i = 0; i < orders->count; i++) {
        making.order = &orders->items[i];
        add_order(&making);
    }
    require(making.count <= most);
    *adjustments_out = making.items;
    *count_out = making.count;
    return STATUS_OK;
}

/* ---- booking ---- */

static void write_rejected(struct json_writer *w, const struct submission *submission) {
    json_key(w, "errors");
    json_begin_array(w);
    for (size_t i = 0; i < submission->count; i++) {
        const struct adjustment_result *result = &submission->results[i];
        if (result->status != OUTCOME_REJECTED) {
            continue;
        }
        json_begin_object(w);
        json_key(w, "id");
        json_text(w, submission->adjustments[i].id);
        json_key(w, "code");
        json_string(w, status_code(result->error));
        json_key(w, "detail");
        json_text(w, result->detail);
        json_end_object(w);
    }
    json_end_array(w);
}

/* Returns how many were rejected. */
static uint64_t write_counts(struct json_writer *w, const struct submission *submission,
                             const struct config_channel *config) {
    uint64_t rejected = 0, duplicates = 0, sequence = 0;
    for (size_t i = 0; i < submission->count; i++) {
        const struct adjustment_result *result = &submission->results[i];
        rejected += result->status == OUTCOME_REJECTED;
        duplicates += result->status == OUTCOME_DUPLICATE;
        sequence = result->sequence > sequence ? result->sequence : sequence;
        if (result->status == OUTCOME_REJECTED && rejected == 1) {
            log_warn("part of an online order was not booked",
                     "channel=%.*s order=%s code=%s detail=%s", TEXT_ARG(config->name),
                     log_quote(submission->adjustments[i].order), status_code(result->error),
                     log_quote(result->detail));
        }
    }
    json_key(w, "applied");
    json_uint(w, submission->count - rejected - duplicates);
    json_key(w, "duplicates");
    json_uint(w, duplicates);
    json_key(w, "rejected");
    json_uint(w, rejected);
    json_key(w, "sequence");
    json_uint(w, sequence);
    return rejected;
}

enum status orders_take(struct hub *hub, const struct access *access,
                        const struct config_channel *config, struct orders *orders,
                        uint64_t request, struct arena *arena, struct json_writer *w,
                        struct error *error) {
    struct adjustment *adjustments = NULL;
    struct submission submission = {.access = access, .request = request};
    enum status status =
        orders->may_be_deleted ? orders_recall(hub, config, orders, arena, error) : STATUS_OK;
    if (status == STATUS_OK) {
        status = orders_events(config, orders, arena, &adjustments, &submission.count, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    submission.adjustments = adjustments;
    submission.results =
        arena_alloc_zero(arena, (submission.count + 1) * sizeof(*submission.results));
    if (submission.count > 0) {
        status = hub_submit_wait(hub, &submission);
    }
    if (status != STATUS_OK) {
        return error_set(error, status, "%s", status_meaning(status));
    }
    json_key(w, "orders");
    json_uint(w, orders->count);
    orders->rejected = write_counts(w, &submission, config);
    write_rejected(w, &submission);
    return STATUS_OK;
}

/* ---- who says so ---- */

enum status orders_check(const struct config_channel *config, struct text body,
                         struct text signature, struct error *error) {
    const struct config_secrets *secrets =
        config->webhook_secrets.count > 0 ? &config->webhook_secrets : &config->secrets;
    bool fits = false;
    if (secrets->count == 0) {
        return error_set(error, STATUS_MISSING,
                         "the channel has no webhook_secret to check the signature with");
    }
    for (size_t i = 0; i < secrets->count; i++) {
        struct buffer secret = {0};
        if (config_secret(&secrets->items[i], &secret, error) == STATUS_OK) {
            fits |= webhook_body_is_signed(buffer_text(&secret), body, signature);
        }
        config_secret_wipe(&secret);
    }
    return fits ? STATUS_OK
                : error_set(error, STATUS_UNAUTHORIZED,
                            "the signature is not by a secret of this channel (webhook_secret)");
}
