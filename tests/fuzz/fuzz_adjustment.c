/* Adjustments from whatever bytes come, line by line: whatever is not refused keeps the promises
 * that the hub relies on. */
#include <stddef.h>
#include <stdint.h>

#include "api/adjustment_parse.h"
#include "base/quantity.h"
#include "base/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct text text) {
    require(text.length == 0 || adjustment_text_is_fine(text));
    require(text_is_utf8(text));
}

static void check(const struct adjustment *a) {
    if (a->problem != STATUS_OK) {
        require(a->problem_detail.length > 0);
        require(text_is_utf8(a->problem_detail) || a->problem == STATUS_UNKNOWN_FIELD);
        return;
    }
    const struct text texts[] = {a->id,    a->source, a->location,    a->document, a->register_name,
                                 a->order, a->reason, a->acknowledges};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        check_text(texts[i]);
    }
    require(a->location.length > 0 && a->identifier_count > 0);
    require(a->identifier_count <= ADJUSTMENT_IDENTIFIERS_MAX);
    for (unsigned i = 0; i < a->identifier_count; i++) {
        check_text(a->identifiers[i].value);
        require(a->identifiers[i].value.length > 0);
    }
    require(a->delta_milli >= -QUANTITY_MAX_MILLI && a->delta_milli <= QUANTITY_MAX_MILLI);
    require(a->sequence >= 0);
    require(a->type < EVENT_TYPE_COUNT);
    require(!a->occurred_at_given ||
            (a->occurred_at_us >= 0 && a->occurred_at_us <= TIMESTAMP_MAX_US));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = {0};
    struct adjustment adjustment;
    adjustment_read_line((struct text){(const char *)data, size}, &arena, NULL, &adjustment);
    check(&adjustment);
    arena_deinit(&arena);
    return 0;
}
