/* The one door through which everything comes from Prism: raw documents of a kind, as JSON of
 * either dialect, pushed by its web client or polled from its API.
 *
 * Each is translated into events (prism_document.h), submitted as one batch, and counted in the
 * health of its store and register. What cannot be understood is parked with its raw text, visible
 * and replayable. Push and poll of one document give the same events with the same ids, so whoever
 * comes second changes nothing. Any thread may call it. */
#ifndef ONHAND_POS_PRISM_TAKE_H
#define ONHAND_POS_PRISM_TAKE_H

#include "pos/prism_document.h"
#include "pos/sources.h"

enum prism_way { PRISM_PUSHED, PRISM_POLLED, PRISM_REPLAYED, PRISM_WAY_COUNT };

struct prism_raw {
    enum prism_kind kind;
    enum prism_way way;
    struct text json; /* one document with its items */
};

/* One result per event, in order; a document without events (held, cancelled, a deposit) has one
 * result that says so. */
struct prism_result {
    struct text sid;    /* of the document; empty when even that could not be read */
    struct text id;     /* of the event: "sid/item sid"; empty for a document as a whole */
    enum status code;   /* of one rejected or parked: why */
    const char *status; /* "applied", "duplicate", "covered", "acknowledged", "rejected", "ignored",
                           "parked" */
    struct text detail; /* why it was rejected, ignored or parked */
    struct text location, sku;
    int64_t on_hand_milli; /* of the cell afterwards; meaningless unless `moved` */
    uint64_t sequence;
    bool moved;
};

struct prism_taken {
    struct prism_result *results; /* in *arena */
    size_t count;
    size_t documents, events, parked;
    /* Of what was taken: the greatest times, for the cursors of polling; NEVER_US: none. */
    int64_t modified_us, posted_us;
};

/* STATUS_OK: everything is on disk (parked documents too). Otherwise nothing may be taken as done:
 * STATUS_BUSY, STATUS_STOPPING, STATUS_NO_SPACE; send the same again later. */
must_check enum status prism_take(struct source *source, const struct access *access,
                                  const struct prism_raw *raw, size_t count, struct arena *arena,
                                  struct prism_taken *taken_out, struct error *error);

/* ---- the same in steps, for whoever must not wait on this thread ----
 *
 *   prism_batch_begin -> hub_submit of its submission, if it has one -> (done) -> finish
 *
 * Begin never waits. Finish waits for the disk unless prism_batch_is_plain. */
#define PRISM_BATCH_DOCUMENTS 256u /* at most so many at once, so that sales get their turn */

struct prism_batch;
struct prism_batch *prism_batch_begin(struct source *source, const struct access *access,
                                      const struct prism_raw *raw, size_t count,
                                      struct arena *arena);
/* NULL: there is nothing to book. The caller sets request, done and context. */
struct submission *prism_batch_submission(struct prism_batch *batch);
/* After the submission: nothing is left that must be written. */
bool prism_batch_is_plain(const struct prism_batch *batch);
/* What came of it, in the arena. `submitted`: how the submission ended, STATUS_OK where there was
 * none. */
must_check enum status prism_batch_finish(struct prism_batch *batch, enum status submitted,
                                          struct prism_taken *taken_out, struct error *error);

/* The documents of a body: one, a list of them, or {"data": [...]} of either; in *arena. */
must_check enum status prism_split(struct text body, enum prism_kind kind, enum prism_way way,
                                   struct arena *arena, struct prism_raw **raw_out,
                                   size_t *count_out, struct error *error);

#endif
