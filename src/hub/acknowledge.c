/* Acknowledgements: the point of sale says that it now knows a document.
 *
 * From then on its statements include what that document moved; where one of them is already the
 * ground of a cell, the cell's on-hand follows at once. */
#include "base/quantity.h"
#include "hub/hub_internal.h"

void change_list_push(struct hub *hub, struct change_list *list, const struct change *change) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 256 : list->capacity * 2;
        struct change *items = arena_alloc(&hub->batch, capacity * sizeof *items);
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *change;
}

/* The earliest counts: one that is known to be as early says nothing new. */
static bool is_news(const struct acknowledgement *ack) {
    return !ack->known || ack->acknowledged_at_us < ack->known_at_us;
}

static void take_back(struct acknowledgement *ack) {
    for (size_t i = 0; i < ack->cell_count; i++)
        ack->cells[i].cell->on_hand_milli -= ack->cells[i].change_milli;
}

/* Changes the cells in place; where one would leave the range, none is changed. */
static enum status change_cells(struct acknowledgement *ack, struct error *error) {
    int64_t before_us = ack->known ? ack->known_at_us : NEVER_US;
    for (size_t i = 0; i < ack->cell_count; i++) {
        struct acknowledged_cell *cell = &ack->cells[i];
        if (cell->statement != NULL && cell->statement->source != ack->source)
            continue; /* only its own source's word tells a statement's author */
        int64_t change_milli = acknowledgement_change_milli(cell->statement, &cell->pending,
                                                            before_us, ack->acknowledged_at_us);
        enum status status =
            balance_add(cell->cell->on_hand_milli, change_milli, &cell->cell->on_hand_milli);
        if (status != STATUS_OK) {
            take_back(ack);
            return error_set(error, status, "acknowledging '%.*s' would leave the range of stock",
                             TEXT_ARG(ack->document));
        }
        cell->change_milli = change_milli;
    }
    return STATUS_OK;
}

enum status acknowledge_try(struct hub *hub, struct acknowledgement *ack, struct error *error) {
    enum status status = store_load_acknowledgement(hub->store, ack, error);
    if (status == STATUS_OK && is_news(ack)) {
        status = change_cells(ack, error);
        if (status == STATUS_OK)
            take_back(ack);
    }
    return status;
}

enum status acknowledge_in_transaction(struct hub *hub, struct acknowledgement *ack,
                                       struct change_list *changes, struct error *error) {
    enum status status = store_load_acknowledgement(hub->store, ack, error);
    if (status != STATUS_OK || !is_news(ack))
        return status;
    status = change_cells(ack, error);
    if (status == STATUS_OK)
        status = store_write_acknowledgement(hub->store, ack, error);
    for (size_t i = 0; status == STATUS_OK && i < ack->cell_count; i++) {
        const struct acknowledged_cell *cell = &ack->cells[i];
        if (cell->change_milli != 0)
            change_list_push(hub, changes,
                             &(struct change){.seq = cell->cell->head,
                                              .location = cell->location,
                                              .product = cell->pending.movement.product,
                                              .kind = LEDGER_ACKNOWLEDGEMENT,
                                              .on_hand_milli = cell->cell->on_hand_milli,
                                              .reserved_milli = cell->cell->reserved_milli,
                                              .at_us = ack->received_at_us});
    }
    return status;
}

struct acknowledge_task {
    struct task task;
    struct text source;
    int64_t acknowledged_at_us;
    const struct text *documents;
    size_t count;
    enum acknowledgement_status *statuses;
};

static enum status acknowledge_all(struct hub *hub, struct acknowledge_task *task, uint32_t source,
                                   struct change_list *changes, struct error *error) {
    enum status status = hub_begin(hub, error);
    if (status != STATUS_OK)
        return status;
    int64_t now_us = hub_now_us(hub);
    for (size_t i = 0; i < task->count && status == STATUS_OK; i++) {
        struct acknowledgement ack = {.source = source,
                                      .document = task->documents[i],
                                      .acknowledged_at_us = task->acknowledged_at_us < now_us
                                                                ? task->acknowledged_at_us
                                                                : now_us,
                                      .received_at_us = now_us};
        status = acknowledge_in_transaction(hub, &ack, changes, error);
        bool duplicate = ack.known && ack.known_at_us <= ack.acknowledged_at_us;
        task->statuses[i] = duplicate             ? ACK_DUPLICATE
                            : ack.cell_count == 0 ? ACK_RECORDED
                                                  : ACK_ACKNOWLEDGED;
    }
    if (status == STATUS_OK)
        status = store_commit(hub->store, error);
    return status == STATUS_OK ? status : hub_abort_or_die(hub, status, error);
}

static void run_acknowledge(struct hub *hub, struct task *base) {
    struct acknowledge_task *task = (struct acknowledge_task *)base;
    struct change_list changes = {0};
    uint32_t source = catalog_find_name(hub->catalog, NAME_SOURCE, task->source);
    enum status status = STATUS_OK;
    if (source == 0) {
        struct wanted *wanted = wanted_new();
        wanted_name(wanted, NAME_SOURCE, task->source);
        status = wanted_create(hub, wanted, &base->error);
        wanted_free(wanted);
        source = catalog_find_name(hub->catalog, NAME_SOURCE, task->source);
    }
    if (status == STATUS_OK)
        status = acknowledge_all(hub, task, source, &changes, &base->error);
    if (status == STATUS_OK) {
        atomic_fetch_add(&hub->counters.acknowledgements, task->count);
        change_feed_publish(hub, changes.items, changes.count, store_last_seq(hub->store));
    }
    base->status = status;
}

enum status hub_acknowledge(struct hub *hub, const struct access *access, struct text source,
                            int64_t acknowledged_at_us, const struct text *documents, size_t count,
                            enum acknowledgement_status *statuses_out, uint64_t *sequence_out,
                            struct error *error) {
    if (!access_allows(access, SCOPE_ADJUST))
        return error_set(error, STATUS_FORBIDDEN, "acknowledging needs the scope adjust");
    if (access->location_count != 0)
        return error_set(error, STATUS_FORBIDDEN_LOCATION,
                         "an acknowledgement may touch any location; this token may not");
    struct acknowledge_task task = {.task.run = run_acknowledge,
                                    .source = source.length > 0 ? source : access->name,
                                    .acknowledged_at_us = acknowledged_at_us,
                                    .documents = documents,
                                    .count = count};
    task.statuses = statuses_out;
    enum status status = hub_run_task(hub, &task.task, error);
    if (status == STATUS_OK && sequence_out != NULL)
        *sequence_out = hub_last_sequence(hub);
    return status;
}
