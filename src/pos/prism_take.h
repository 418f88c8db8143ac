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

enum prism_way { PRISM_PUSHED, PRISM_POLLED, PRISM_REPLAYED };

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

#endif
