/* The poller between its runs: what its files share. */
#ifndef ONHAND_POS_PRISM_POLL_INTERNAL_H
#define ONHAND_POS_PRISM_POLL_INTERNAL_H

#include <pthread.h>

#include "pos/prism_marks.h"
#include "pos/prism_poll.h"
#include "pos/prism_silent.h"
#include "pos/prism_walk.h"
#include "pos/sources_internal.h"

/* Each is read from its own cursor. */
enum prism_stream {
    STREAM_MODIFIED,
    STREAM_POSTED,
    STREAM_RECEIVING,
    STREAM_TRANSFER,
    STREAM_ADJUSTMENT,
    STREAM_COUNT
};

struct prism_stream_state {
    int64_t cursor_us;     /* everything up to here was taken; NEVER_US: nothing yet */
    size_t usual;          /* see prism_walk.h; the run's only */
    unsigned failures;     /* in a row */
    int64_t not_before_us; /* monotonic */
    int64_t success_us;    /* NEVER_US */
    uint64_t documents;    /* taken since the start */
    char error[256];       /* of the last failure, while failures > 0 */
};

struct prism_poll {
    struct source *source;
    struct prism_session *session;
    bool give_up;                /* atomically: a request going on is given up */
    struct prism_client *client; /* the run's; made when first needed */
    struct prism_marks *marks;
    struct prism_silent *silent;
    bool loaded;
    size_t stores_saved;     /* how many stores are on disk */
    int64_t not_before_us;   /* monotonic: all of it is tried again then; the run\'s only */
    struct error rest_error; /* why */
    bool no_store_filter[PRISM_KIND_COUNT]; /* silent stores cannot be asked for it by name */
    pthread_mutex_t lock;
    struct prism_stream_state streams[STREAM_COUNT]; /* written by the run, under the lock */
    int64_t poll_us, success_us, lag_us;             /* under the lock; NEVER_US: not yet */
    int64_t server_ahead_us; /* the server's clock less ours; NEVER_US: not known */
    uint64_t documents, parked, runs;
    unsigned failures; /* runs in a row in which something failed */
    bool reading;
};

/* ---- prism_poll_cursors.c ---- */
/* From disk, once. */
must_check enum status prism_poll_load(struct prism_poll *poll, struct error *error);
must_check enum status prism_poll_save(struct prism_poll *poll, struct error *error);
/* Before a cursor passes the first document of a store, and at the end of a run: lost in between,
 * one looks further back, which is harmless. */
must_check enum status prism_poll_save_stores(struct prism_poll *poll, struct error *error);

/* ---- prism_poll_stream.c: one stream, page by page ---- */
struct prism_reading {
    struct prism_poll *poll;
    const struct job_report *report;
    struct prism_walk walk;
    int64_t newest_us; /* of what was taken; NEVER_US: nothing */
    int64_t date_us;   /* the server's clock, NEVER_US */
    uint64_t documents, parked, pages;
    /* After each page that is on disk; may be NULL. */
    enum status (*taken)(struct prism_reading *reading, const struct prism_found_page *page,
                         struct error *error);
    enum prism_stream stream;
};
/* STATUS_STOPPING: told to end in between. */
must_check enum status prism_read_all(struct prism_reading *reading, int64_t from_us,
                                      struct error *error);

#endif
