/* Documents to events, events to the hub, and what came of each. */
#include "pos/prism_take.h"

enum status prism_take(struct source *source, const struct access *access,
                       const struct prism_raw *raw, size_t count, struct arena *arena,
                       struct prism_taken *taken_out, struct error *error) {
    (void)source;
    (void)access;
    (void)raw;
    (void)count;
    (void)arena;
    *taken_out = (struct prism_taken){.modified_us = NEVER_US, .posted_us = NEVER_US};
    return error_set(error, STATUS_BUSY, "documents are not taken yet");
}
