/* What the api asks of a source beside its documents: the parked list. Any thread. */
#ifndef ONHAND_POS_SOURCES_VIEW_H
#define ONHAND_POS_SOURCES_VIEW_H

#include "pos/prism_take.h"

/* {"items":[...],"next":...}: without the documents themselves, oldest first. */
void source_write_parked(struct source *source, struct text cursor, size_t limit,
                         struct arena *arena, struct json_writer *writer);
/* The raw document, as it came; STATUS_NOT_FOUND. */
must_check enum status source_parked_text(struct source *source, struct text id,
                                          struct arena *arena, struct text *json_out,
                                          struct error *error);
must_check enum status source_parked_delete(struct source *source, struct text id,
                                            struct error *error);

struct source_replay {
    size_t documents, settled, parked; /* tried; understood now; still not */
};
/* Takes the one with this id once more, or all with an empty id; what came of one is in
 * *taken_out. STATUS_NOT_FOUND. Waits. */
must_check enum status source_replay(struct source *source, const struct access *access,
                                     struct text id, struct arena *arena,
                                     struct prism_taken *taken_out,
                                     struct source_replay *replay_out, struct error *error);

#endif
