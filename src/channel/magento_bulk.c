/* Bulks of Adobe Commerce: many figures that the shop applies when its queue comes to them. What
 * waits for which is the same for every shop (shop_queue.h); here is how this one is asked. */
#include "channel/magento_internal.h"

#define SYNC_AFTER_FAILURE_US (600 * US_PER_SECOND)

void magento_no_bulks(struct magento *shop, int64_t now_us) {
    shop->sync_until_us = now_us + SYNC_AFTER_FAILURE_US;
}

/* Of its operations: 1 complete, 4 open, all else failed. */
static uint64_t count_open(struct magento *shop, const struct tree *operations) {
    uint64_t open = 0;
    bool failed = false;
    for (const struct tree *at = tree_first(operations); at != NULL; at = at->next) {
        struct text status = tree_text(tree_get(at, "status"));
        bool is_open = text_equal_string(status, "4");
        open += is_open;
        failed = failed || !(is_open || text_equal_string(status, "1"));
    }
    if (failed) {
        magento_no_bulks(shop, clock_now_us(&shop->context->clock));
    }
    return open;
}

bool magento_ask_bulk(void *context, struct shop_work *work, struct arena *arena,
                      uint64_t *left_out, struct channel_call *call) {
    struct magento *shop = context;
    struct http_answer answer;
    const struct tree *tree = NULL;
    struct text path = arena_format(arena, "V1/bulk/%s/detailed-status", work->id);
    if (!magento_ask(shop, "GET", path, TEXT(""), false, arena, &answer, call)) {
        return false;
    }
    if (answer.code == 404) {
        *left_out = 0; /* done, and cleaned away */
        return true;
    }
    if (tree_read(answer.body, arena, &tree, NULL) != STATUS_OK ||
        !tree_is_array(tree_get(tree, "operations_list"))) {
        channel_garbled(call, &answer, true, "operations_list was expected");
        return false;
    }
    *left_out = count_open(shop, tree_get(tree, "operations_list"));
    return true;
}
