/* Bulks of Adobe Commerce: many figures that the shop applies when its queue comes to them. What
 * waits for which is the same for every shop (shop_queue.h); here is how this one is asked. */
#include "channel/magento_internal.h"

#define SYNC_AFTER_FAILURE_US (600 * US_PER_SECOND)

void magento_no_bulks(struct magento *shop, int64_t now_us) {
    shop->sync_until_us = now_us + SYNC_AFTER_FAILURE_US;
}

/* Of its operations: 1 complete, 4 open, all else failed. */
static bool count_open(struct magento *shop, struct text operations, struct arena *arena,
                       uint64_t *open_out) {
    struct shop_rows rows;
    struct text status;
    const struct shop_field fields[] = {{"status", &status}};
    bool failed = false;
    *open_out = 0;
    shop_rows_open(&rows, operations, arena);
    while (shop_rows_next(&rows, fields, 1)) {
        bool is_open = text_equal_string(status, "4");
        *open_out += is_open;
        failed = failed || !(is_open || text_equal_string(status, "1"));
    }
    if (failed) {
        magento_no_bulks(shop, clock_now_us(&shop->context->clock));
    }
    return rows.status == STATUS_OK;
}

bool magento_ask_bulk(void *context, struct shop_work *work, struct arena *arena,
                      uint64_t *left_out, struct channel_call *call) {
    struct magento *shop = context;
    struct http_answer answer;
    struct text operations = {NULL, 0};
    const struct shop_field fields[] = {{"operations_list", &operations}};
    struct text path = arena_format(arena, "V1/bulk/%s/detailed-status", work->id);
    if (!magento_ask(shop, "GET", path, TEXT(""), false, arena, &answer, call)) {
        return false;
    }
    if (answer.code == 404) {
        *left_out = 0; /* done, and cleaned away */
        return true;
    }
    if (shop_fields(answer.body, arena, fields, 1) != STATUS_OK || operations.length == 0 ||
        !count_open(shop, operations, arena, left_out)) {
        channel_garbled(call, &answer, true, "operations_list was expected");
        return false;
    }
    return true;
}
