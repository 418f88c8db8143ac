/* What shops say of orders, read: Shopify's and WooCommerce's webhooks, and a form of our own. */
#include "base/timestamp.h"
#include "channel/orders.h"
#include "channel/tree.h"

#define ID_MAX 60u

struct reading {
    const struct config_channel *config;
    struct arena *arena;
    struct error *error;
};

/* ---- pieces ---- */

static size_t length_of(const struct tree *array) {
    size_t count = 0;
    for (const struct tree *at = tree_first(array); at != NULL; at = at->next) {
        count++;
    }
    return count;
}

/* Part of the ids of events, so short and without what would blur them. */
static bool is_plain(struct text text) {
    bool plain = text.length > 0 && text.length <= ID_MAX && text_is_utf8(text);
    for (size_t i = 0; i < text.length && plain; i++) {
        unsigned char c = (unsigned char)text.data[i];
        plain = c > ' ' && c != 0x7f && c != '/';
    }
    return plain;
}

static enum status read_id(struct reading *r, const struct tree *object, const char *key,
                           struct text *id_out) {
    *id_out = tree_text(tree_get(object, key));
    return is_plain(*id_out)
               ? STATUS_OK
               : error_set(r->error, STATUS_BAD_VALUE,
                           "%s: a word of 1 to %u characters without a slash is needed", key,
                           ID_MAX);
}

static enum status read_units(struct reading *r, const struct tree *object, const char *key,
                              uint64_t otherwise, uint64_t *units_out) {
    const struct tree *value = tree_get(object, key);
    *units_out = otherwise;
    if (value == NULL && otherwise != UINT64_MAX) {
        return STATUS_OK;
    }
    if (!tree_count(value, units_out) || *units_out > ORDER_UNITS_MAX) {
        return error_set(r->error, STATUS_BAD_QUANTITY, "%s: whole units, from 0 to %u", key,
                         ORDER_UNITS_MAX);
    }
    return STATUS_OK;
}

/* NEVER_US where there is none. WooCommerce leaves the offset out of its times in GMT. */
static int64_t time_of(struct reading *r, const struct tree *object, const char *key, bool is_gmt) {
    struct text text = tree_text(tree_get(object, key));
    int64_t us = NEVER_US;
    if (is_gmt && text.length > 0) {
        text = arena_format(r->arena, "%.*sZ", TEXT_ARG(text));
    }
    return text.length > 0 && timestamp_parse(text, &us) == STATUS_OK ? us : NEVER_US;
}

/* Ours for one of theirs: "gid://shopify/Location/1" and 1 are the same. */
static struct text our_location(const struct config_channel *config, struct text theirs) {
    for (size_t i = 0; i < config->locations.count && theirs.length > 0; i++) {
        const struct config_pair *pair = &config->locations.items[i];
        struct text value = pair->value;
        bool ends_so =
            value.length > theirs.length && value.data[value.length - theirs.length - 1] == '/' &&
            memcmp(value.data + value.length - theirs.length, theirs.data, theirs.length) == 0;
        if (text_equal(value, theirs) || ends_so) {
            return pair->name;
        }
    }
    return config->orders_location;
}

static struct orders *one_order(struct reading *r, struct orders *orders) {
    orders->items = arena_alloc_zero(r->arena, sizeof(*orders->items));
    orders->count = 1;
    orders->items[0].at_us = orders->items[0].ended_at_us = NEVER_US;
    return orders;
}

/* Lines without a SKU (gift cards, fees) are no stock of ours. `current`: the key of what is left
 * of the quantity, NULL: there is none. */
static enum status read_lines(struct reading *r, const struct tree *array, const char *current,
                              struct text location, struct order_line **lines_out,
                              size_t *count_out) {
    enum status status = STATUS_OK;
    if (!tree_is_array(array)) {
        return error_set(r->error, STATUS_MISSING, "line_items: a list of lines is needed");
    }
    *lines_out = arena_alloc_zero(r->arena, (length_of(array) + 1) * sizeof(**lines_out));
    for (const struct tree *at = tree_first(array); at != NULL && status == STATUS_OK;
         at = at->next) {
        struct order_line *line = &(*lines_out)[*count_out];
        uint64_t left = 0;
        *line = (struct order_line){.sku = tree_text(tree_get(at, "sku")), .location = location};
        if (line->sku.length == 0) {
            continue;
        }
        status = read_id(r, at, "id", &line->id);
        if (status == STATUS_OK) {
            status = read_units(r, at, "quantity", UINT64_MAX, &line->units);
        }
        if (status == STATUS_OK && current != NULL) {
            status = read_units(r, at, current, line->units, &left);
            line->released = left < line->units ? line->units - left : 0;
        }
        *count_out += line->units > 0;
    }
    return status;
}

/* ---- Shopify ---- */

/* "#1001", and of a shipment "#1001.1" or "#1001-F1": the number of the order. */
static struct text document_of(struct text name) {
    size_t length = name.length;
    if (name.length > 0 && name.data[0] == '#') {
        name.data++;
        length--;
    }
    for (size_t i = length; i-- > 1;) {
        bool is_suffix = name.data[i] == '.' || (name.data[i] == 'F' && name.data[i - 1] == '-');
        if (is_suffix) {
            length = i - (name.data[i] == 'F');
            break;
        }
    }
    return (struct text){name.data, length};
}

static enum status read_fulfillment(struct reading *r, const struct tree *tree,
                                    struct text reserved_at, struct order_shipment *shipment) {
    struct text status_word = tree_text(tree_get(tree, "status"));
    shipment->location = our_location(r->config, tree_text(tree_get(tree, "location_id")));
    shipment->at_us = time_of(r, tree, "created_at", false);
    shipment->undone = text_equal_string(status_word, "cancelled");
    enum status status = read_id(r, tree, "id", &shipment->id);
    return status == STATUS_OK ? read_lines(r, tree_get(tree, "line_items"), NULL, reserved_at,
                                            &shipment->lines, &shipment->count)
                               : status;
}

/* Not yet, or never: nothing has left. */
static bool has_left(const struct tree *fulfillment) {
    struct text word = tree_text(tree_get(fulfillment, "status"));
    return word.length == 0 || text_equal_string(word, "success") ||
           text_equal_string(word, "cancelled");
}

static enum status read_shopify_order(struct reading *r, const struct tree *tree,
                                      struct orders *orders) {
    struct order *order = one_order(r, orders)->items;
    struct text location = our_location(r->config, tree_text(tree_get(tree, "location_id")));
    order->document = document_of(tree_text(tree_get(tree, "name")));
    order->at_us = time_of(r, tree, "created_at", false);
    order->ended_at_us = time_of(r, tree, "cancelled_at", false);
    order->cancelled = tree_get(tree, "cancelled_at") != NULL;
    enum status status = read_id(r, tree, "id", &order->id);
    if (status == STATUS_OK) {
        status = read_lines(r, tree_get(tree, "line_items"), "current_quantity", location,
                            &order->lines, &order->count);
    }
    const struct tree *fulfillments = tree_get(tree, "fulfillments");
    order->shipments =
        arena_alloc_zero(r->arena, (length_of(fulfillments) + 1) * sizeof(*order->shipments));
    for (const struct tree *at = tree_first(fulfillments); at != NULL && status == STATUS_OK;
         at = at->next) {
        if (has_left(at)) {
            status = read_fulfillment(r, at, location, &order->shipments[order->shipment_count++]);
        }
    }
    return status;
}

static enum status read_shopify_fulfillment(struct reading *r, const struct tree *tree,
                                            struct orders *orders) {
    struct order *order = one_order(r, orders)->items;
    if (!has_left(tree)) {
        return STATUS_END;
    }
    order->document = document_of(tree_text(tree_get(tree, "name")));
    order->shipments = arena_alloc_zero(r->arena, sizeof(*order->shipments));
    order->shipment_count = 1;
    enum status status = read_id(r, tree, "order_id", &order->id);
    return status == STATUS_OK
               ? read_fulfillment(r, tree, r->config->orders_location, order->shipments)
               : status;
}

static enum status read_shopify(struct reading *r, struct text topic, const struct tree *tree,
                                struct orders *orders) {
    static const char *const of_orders[] = {
        "orders/create", "orders/updated",   "orders/cancelled",          "orders/edited",
        "orders/paid",   "orders/fulfilled", "orders/partially_fulfilled"};
    for (size_t i = 0; i < sizeof(of_orders) / sizeof(of_orders[0]); i++) {
        if (text_equal_string(topic, of_orders[i])) {
            return read_shopify_order(r, tree, orders);
        }
    }
    bool is_fulfillment = text_equal_string(topic, "fulfillments/create") ||
                          text_equal_string(topic, "fulfillments/update");
    return is_fulfillment ? read_shopify_fulfillment(r, tree, orders) : STATUS_END;
}

/* ---- WooCommerce ---- */

static enum status read_woo(struct reading *r, struct text topic, const struct tree *tree,
                            struct orders *orders) {
    static const char *const ending[] = {"cancelled", "refunded", "trash"};
    static const char *const holding[] = {"processing", "on-hold", "completed"};
    struct order *order = one_order(r, orders)->items;
    struct text word = tree_text(tree_get(tree, "status"));
    bool holds = false;
    orders->may_be_deleted = true;
    if (text_equal_string(topic, "order.deleted")) {
        order->deleted = true; /* and that is all it tells */
        return read_id(r, tree, "id", &order->id);
    }
    if (!text_equal_string(topic, "order.created") && !text_equal_string(topic, "order.updated") &&
        !text_equal_string(topic, "order.restored")) {
        return STATUS_END;
    }
    if (word.length == 0) {
        return error_set(r->error, STATUS_MISSING, "status: an order has one");
    }
    for (size_t i = 0; i < 3; i++) {
        order->cancelled |= text_equal_string(word, ending[i]);
        holds |= text_equal_string(word, holding[i]);
    }
    if (!holds && !order->cancelled) {
        return STATUS_END; /* a draft, or not paid: the shop has taken no stock for it either */
    }
    order->document = tree_text(tree_get(tree, "number"));
    order->at_us = time_of(r, tree, "date_created_gmt", true);
    order->ended_at_us = time_of(r, tree, "date_modified_gmt", true);
    enum status status = read_id(r, tree, "id", &order->id);
    if (status == STATUS_OK) {
        status = read_lines(r, tree_get(tree, "line_items"), NULL, r->config->orders_location,
                            &order->lines, &order->count);
    }
    if (status == STATUS_OK && text_equal_string(word, "completed")) {
        order->shipments = arena_alloc_zero(r->arena, sizeof(*order->shipments));
        order->shipment_count = 1;
        order->shipments[0] = (struct order_shipment){.id = TEXT("completed"),
                                                      .location = r->config->orders_location,
                                                      .at_us = order->ended_at_us,
                                                      .lines = order->lines,
                                                      .count = order->count};
    }
    return status;
}

/* ---- a form of our own ---- */

static enum status check_fields(struct reading *r, const struct tree *object, const char *known) {
    for (const struct tree *at = tree_first(object); at != NULL; at = at->next) {
        struct text key = at->key;
        const char *found =
            key.length > 0 ? memmem(known, strlen(known), key.data, key.length) : NULL;
        bool is_whole = found != NULL && (found == known || found[-1] == ' ') &&
                        (found[key.length] == ' ' || found[key.length] == '\0');
        if (!is_whole) {
            return error_set(r->error, STATUS_UNKNOWN_FIELD,
                             "'%.*s': no field of this name is known here (%s)",
                             key.length > 60 ? 60 : (int)key.length, key.data, known);
        }
    }
    return object != NULL && object->kind == JSON_OBJECT
               ? STATUS_OK
               : error_set(r->error, STATUS_BAD_JSON, "an object is needed here");
}

static enum status read_our_line(struct reading *r, const struct tree *tree, const char *known,
                                 struct text location, struct order_line *line) {
    uint64_t released = 0;
    enum status status = check_fields(r, tree, known);
    *line = (struct order_line){.sku = tree_text(tree_get(tree, "sku")), .location = location};
    struct text own = tree_text(tree_get(tree, "location"));
    line->location = own.length > 0 ? own : location;
    if (status == STATUS_OK && line->sku.length == 0) {
        return error_set(r->error, STATUS_MISSING, "sku: a line names its product");
    }
    if (status == STATUS_OK && line->location.length == 0) {
        return error_set(r->error, STATUS_MISSING,
                         "location: of the line, the order, or orders_location of the channel");
    }
    status = status == STATUS_OK ? read_id(r, tree, "id", &line->id) : status;
    if (status == STATUS_OK) {
        status = read_units(r, tree, "quantity", UINT64_MAX, &line->units);
    }
    if (status == STATUS_OK) {
        status = read_units(r, tree, "cancelled", 0, &released);
        line->released = released < line->units ? released : line->units;
    }
    return status;
}

static const struct order_line *line_of(const struct order *order, struct text id) {
    for (size_t i = 0; i < order->count; i++) {
        if (text_equal(order->lines[i].id, id)) {
            return &order->lines[i];
        }
    }
    return NULL;
}

static enum status read_our_shipment(struct reading *r, const struct tree *tree,
                                     const struct order *order, struct text location,
                                     struct order_shipment *shipment) {
    const struct tree *lines = tree_get(tree, "lines");
    enum status status = check_fields(r, tree, "id location shipped_at undone lines");
    struct text own = tree_text(tree_get(tree, "location"));
    shipment->location = own.length > 0 ? own : location;
    shipment->at_us = time_of(r, tree, "shipped_at", false);
    shipment->undone = tree_true(tree_get(tree, "undone"));
    shipment->lines =
        arena_alloc_zero(r->arena, (length_of(lines) + 1) * sizeof(struct order_line));
    status = status == STATUS_OK ? read_id(r, tree, "id", &shipment->id) : status;
    for (const struct tree *at = tree_first(lines); at != NULL && status == STATUS_OK;
         at = at->next) {
        struct text id = tree_text(tree_get(at, "line"));
        const struct order_line *line = line_of(order, id);
        status = check_fields(r, at, "line quantity");
        if (status == STATUS_OK && line == NULL) {
            status = error_set(r->error, STATUS_BAD_VALUE,
                               "line: a shipment names a line that is among the order's lines");
        }
        if (status == STATUS_OK) {
            struct order_line *shipped = &shipment->lines[shipment->count++];
            *shipped = *line;
            status = read_units(r, at, "quantity", UINT64_MAX, &shipped->units);
        }
    }
    return status;
}

static enum status read_our_order(struct reading *r, const struct tree *tree, struct order *order) {
    const struct tree *lines = tree_get(tree, "lines"), *shipments = tree_get(tree, "shipments");
    enum status status = check_fields(
        r, tree, "id document location placed_at cancelled cancelled_at lines shipments");
    struct text location = tree_text(tree_get(tree, "location"));
    location = location.length > 0 ? location : r->config->orders_location;
    order->document = tree_text(tree_get(tree, "document"));
    order->at_us = time_of(r, tree, "placed_at", false);
    order->ended_at_us = time_of(r, tree, "cancelled_at", false);
    order->cancelled = tree_true(tree_get(tree, "cancelled"));
    order->lines = arena_alloc_zero(r->arena, (length_of(lines) + 1) * sizeof(*order->lines));
    order->shipments =
        arena_alloc_zero(r->arena, (length_of(shipments) + 1) * sizeof(*order->shipments));
    status = status == STATUS_OK ? read_id(r, tree, "id", &order->id) : status;
    for (const struct tree *at = tree_first(lines); at != NULL && status == STATUS_OK;
         at = at->next) {
        status = read_our_line(r, at, "id sku quantity cancelled location", location,
                               &order->lines[order->count]);
        if (status == STATUS_OK && line_of(order, order->lines[order->count].id) != NULL) {
            status = error_set(r->error, STATUS_BAD_VALUE, "id: two lines have the same");
        }
        order->count++;
    }
    for (const struct tree *at = tree_first(shipments); at != NULL && status == STATUS_OK;
         at = at->next) {
        status =
            read_our_shipment(r, at, order, location, &order->shipments[order->shipment_count++]);
    }
    order->deleted = order->cancelled && order->count == 0 && order->shipment_count == 0;
    if (status == STATUS_OK && order->document.length == 0) {
        order->document = order->id;
    }
    return status;
}

static enum status read_ours(struct reading *r, const struct tree *tree, struct orders *orders) {
    const struct tree *list = tree_get(tree, "orders");
    enum status status = check_fields(r, tree, "orders");
    if (status == STATUS_OK && !tree_is_array(list)) {
        return error_set(r->error, STATUS_MISSING, "orders: a list of orders is needed");
    }
    orders->may_be_deleted = true;
    orders->items = arena_alloc_zero(r->arena, (length_of(list) + 1) * sizeof(*orders->items));
    for (const struct tree *at = tree_first(list); at != NULL && status == STATUS_OK;
         at = at->next) {
        status = read_our_order(r, at, &orders->items[orders->count++]);
    }
    return status;
}

/* ---- all of them ---- */

enum status orders_read(const struct orders_message *message, struct arena *arena,
                        struct orders *orders_out, struct error *error) {
    struct reading reading = {message->config, arena, error};
    const struct tree *tree = NULL;
    bool is_shopify = message->config->type == CONFIG_CHANNEL_SHOPIFY;
    *orders_out = (struct orders){.items = NULL};
    enum status status = tree_read(message->body, arena, &tree, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (tree->kind != JSON_OBJECT) {
        return error_set(error, STATUS_BAD_JSON, "an object is needed");
    }
    if (message->topic.length == 0) {
        return read_ours(&reading, tree, orders_out);
    }
    return is_shopify ? read_shopify(&reading, message->topic, tree, orders_out)
                      : read_woo(&reading, message->topic, tree, orders_out);
}
