/* Bulks of Adobe Commerce: many figures that the shop applies when its queue comes to them. Which
 * are on their way is kept, so that a hub that starts anew waits for them, too. */
#include "channel/magento_internal.h"

#define ASK_AGAIN_US US_PER_SECOND
#define BULK_PATIENCE_US (300 * US_PER_SECOND)
#define SYNC_AFTER_FAILURE_US (600 * US_PER_SECOND)
#define SYNC_AFTER_SILENCE_US (3600 * US_PER_SECOND)

/* ---- bulks, kept as notes ---- */

static struct text bulk_key(struct arena *arena, size_t i) {
    return arena_format(arena, "bulk:%zu", i);
}

static void keep_bulks(struct magento *shop) {
    struct arena arena = {0};
    for (size_t i = 0; i < MAGENTO_BULKS_MAX; i++) {
        const struct magento_bulk *bulk = &shop->bulks[i];
        if (i < shop->bulk_count) {
            channel_note_put(shop->context->notes, bulk_key(&arena, i),
                             arena_format(&arena, "%s %lld", bulk->uuid, (long long)bulk->sent_us));
        } else {
            channel_note_forget(shop->context->notes, bulk_key(&arena, i));
        }
    }
    arena_deinit(&arena);
}

void magento_load_bulks(struct magento *shop) {
    struct arena arena = {0};
    for (size_t i = 0; i < MAGENTO_BULKS_MAX; i++) {
        struct text kept = channel_note_get(shop->context->notes, bulk_key(&arena, i));
        const char *blank = kept.length > 0 ? memchr(kept.data, ' ', kept.length) : NULL;
        size_t length = blank != NULL ? (size_t)(blank - kept.data) : 0;
        uint64_t sent_us;
        if (length == 0 || length >= MAGENTO_UUID_SIZE ||
            !shop_number((struct text){blank + 1, kept.length - length - 1}, &sent_us)) {
            continue;
        }
        struct magento_bulk *bulk = &shop->bulks[shop->bulk_count++];
        memcpy(bulk->uuid, kept.data, length);
        bulk->uuid[length] = '\0';
        bulk->sent_us = (int64_t)sent_us;
    }
    arena_deinit(&arena);
}

void magento_add_bulk(struct magento *shop, struct text uuid, int64_t now_us) {
    require(shop->bulk_count < MAGENTO_BULKS_MAX && uuid.length < MAGENTO_UUID_SIZE);
    struct magento_bulk *bulk = &shop->bulks[shop->bulk_count++];
    *bulk = (struct magento_bulk){.sent_us = now_us};
    memcpy(bulk->uuid, uuid.data, uuid.length);
    keep_bulks(shop);
}

void magento_no_bulks(struct magento *shop, int64_t now_us) {
    shop->sync_until_us = now_us + SYNC_AFTER_FAILURE_US;
}

/* ---- what became of bulks ---- */

/* False: it is open. */
static bool bulk_closed(struct magento *shop, struct text operations, struct arena *arena,
                        int64_t now_us) {
    struct shop_rows rows;
    struct text status;
    const struct shop_field fields[] = {{"status", &status}};
    bool open = false, failed = false;
    shop_rows_open(&rows, operations, arena);
    while (shop_rows_next(&rows, fields, 1)) {
        open = open || text_equal_string(status, "4");
        failed = failed || !(text_equal_string(status, "1") || text_equal_string(status, "4"));
    }
    if (failed) {
        shop->sync_until_us = now_us + SYNC_AFTER_FAILURE_US;
    }
    return !open && rows.status == STATUS_OK;
}

/* True: it need not be waited for any more. */
static bool ask_bulk(struct magento *shop, struct magento_bulk *bulk, int64_t now_us,
                     struct arena *arena, struct channel_call *call) {
    struct http_answer answer;
    struct text operations = {NULL, 0};
    const struct shop_field fields[] = {{"operations_list", &operations}};
    struct text path = arena_format(arena, "V1/bulk/%s/detailed-status", bulk->uuid);
    if (now_us > bulk->sent_us + BULK_PATIENCE_US) {
        shop->sync_until_us = now_us + SYNC_AFTER_SILENCE_US;
        return true;
    }
    bulk->asked_us = now_us;
    if (!magento_ask(shop, "GET", path, TEXT(""), false, arena, &answer, call)) {
        return false;
    }
    if (answer.code == 404) {
        return true;
    }
    if (shop_fields(answer.body, arena, fields, 1) != STATUS_OK || operations.length == 0) {
        channel_garbled(call, &answer, true, "operations_list was expected");
        return false;
    }
    return bulk_closed(shop, operations, arena, now_us);
}

void magento_ask_bulks(struct magento *shop, int64_t now_us, struct arena *arena,
                       struct channel_call *call) {
    size_t left = 0, before = shop->bulk_count;
    for (size_t i = 0; i < before; i++) {
        struct magento_bulk bulk = shop->bulks[i];
        bool asks = call->verdict == CHANNEL_CALL_OK && now_us >= bulk.asked_us + ASK_AGAIN_US;
        if (!asks || !ask_bulk(shop, &bulk, now_us, arena, call)) {
            shop->bulks[left++] = bulk;
        }
    }
    shop->bulk_count = left;
    if (left < before) {
        keep_bulks(shop);
    }
}
