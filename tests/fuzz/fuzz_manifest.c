/* Any bytes as a manifest: read or refused, and what was read keeps its promises. */
#include "feed/manifest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct reset_manifest *m) {
    require(m->rows >= -1);
    require(m->sha256.length == 0 || m->sha256.length == 64);
    for (size_t i = 0; i < m->location_count; i++) {
        const struct manifest_location *location = &m->locations[i];
        require(location->rows >= -1);
        for (size_t k = 0; k < i; k++) {
            require(!text_equal(location->code, m->locations[k].code));
        }
        for (size_t k = 0; k < location->through_count; k++) {
            require(location->through[k].through >= 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = {0};
    struct reset_manifest manifest;
    struct error error = {STATUS_OK, 0, "", ""};
    enum status status =
        manifest_parse((struct text){(const char *)data, size}, &arena, &manifest, &error);
    if (status == STATUS_OK) {
        check(&manifest);
    } else {
        require(error.detail[0] != '\0');
    }
    arena_deinit(&arena);
    return 0;
}
