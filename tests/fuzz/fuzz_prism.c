/* Documents of Prism from whatever bytes come: what is booked of them keeps the promises that the
 * hub relies on, and the same bytes always say the same. The first byte chooses the kind. */
#include <stddef.h>
#include <stdint.h>

#include "base/quantity.h"
#include "base/timestamp.h"
#include "pos/prism_document.h"
#include "pos/prism_take.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct text text) {
    require(text.length <= 200 && text_is_utf8(text));
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        require(c >= 0x20 && c != 0x7F);
    }
}

static void check_movement(const struct prism_document *document,
                           const struct prism_movement *movement) {
    struct error error;
    struct event event = {.location = 1,
                          .product = 1,
                          .source = 1,
                          .type = movement->type,
                          .delta_milli = movement->delta_milli,
                          .id = movement->id,
                          .acknowledges = movement->acknowledges};
    enum status status = event_validate(&event, &error);
    require(status == STATUS_OK || status == STATUS_OUT_OF_RANGE);
    check_text(movement->id);
    check_text(movement->acknowledges);
    check_text(movement->store.sid);
    check_text(movement->store.number);
    check_text(movement->store.code);
    require(movement->id.length > 2 && document->sid.length > 0);
    require(movement->item >= document->items &&
            movement->item < document->items + document->item_count);
    check_text(movement->item->product_sid);
    check_text(movement->item->scan_upc);
    check_text(movement->item->upc);
    check_text(movement->item->alu);
    require(!movement->at.given || (movement->at.us >= -2 * US_PER_DAY &&
                                    movement->at.us <= TIMESTAMP_MAX_US + 2 * US_PER_DAY));
}

static void check_document(struct text json, enum prism_kind kind) {
    struct arena arena = {0};
    struct error error = {0};
    struct prism_name field = prism_name_of(TEXT("order_tracking_number"));
    struct prism_document document;
    struct prism_translation one, other;
    if (prism_document_read(json, kind, &field, &arena, &document, &error) == STATUS_OK) {
        prism_translate(&document, &arena, &one);
        prism_translate(&document, &arena, &other);
        require(one.count == other.count && one.is_parked == other.is_parked);
        require(one.count <= 2 * document.item_count);
        require((one.count > 0 && !one.is_parked) || one.why.length > 0);
        for (size_t i = 0; i < one.count; i++) {
            check_movement(&document, &one.movements[i]);
            require(text_equal(one.movements[i].id, other.movements[i].id));
        }
    } else {
        require(error.detail[0] != '\0');
    }
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    enum prism_kind kind = (enum prism_kind)(data[0] % PRISM_KIND_COUNT);
    struct text body = {(const char *)data + 1, size - 1};
    struct arena arena = {0};
    struct error error = {0};
    struct prism_raw *raw = NULL;
    size_t count = 0;
    check_document(body, kind);
    if (prism_split(body, kind, PRISM_PUSHED, &arena, &raw, &count, &error) == STATUS_OK) {
        for (size_t i = 0; i < count; i++) {
            check_document(raw[i].json, raw[i].kind);
        }
    }
    arena_deinit(&arena);
    return 0;
}
