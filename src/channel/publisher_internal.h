/* Inside the publisher. What is under `lock` may be looked at and asked for by any thread; all the
 * rest is the channel's own thread's. The lock is never held over a call or a commit. */
#ifndef ONHAND_CHANNEL_PUBLISHER_INTERNAL_H
#define ONHAND_CHANNEL_PUBLISHER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "channel/notes.h"
#include "channel/outbox.h"
#include "channel/places.h"
#include "channel/publisher.h"
#include "channel/wanted.h"
#include "hub/lease.h"

#define BATCH_MAX 2000u
#define HALVINGS_MAX 24u
#define RECOUNTS_MAX 64u
#define FAILURES_OPEN 5u /* after so many in a row one item at a time is tried */

/* How the last calls went, and so when and how much the next may be. */
struct pace {
    int64_t next_us;   /* not before */
    size_t most;       /* items, by the shop's own word; 0: no limit */
    unsigned failures; /* in a row */
    unsigned throttled;
    enum channel_verdict verdict; /* of the last call */
    uint64_t jitter;              /* the state of a small generator */
};

/* Items of a batch that was refused because of one of them, being halved. */
struct suspects {
    struct outbox_ref refs[BATCH_MAX];
    struct {
        size_t first, count;
    } stack[HALVINGS_MAX];
    unsigned depth;
    size_t first, count; /* of the part that is being sent */
    unsigned alone;      /* items refused alone since anything was taken */
};

/* A batch that failed as a whole and may be sent again under the same key. */
struct repeat {
    struct outbox_ref refs[BATCH_MAX];
    size_t count;
    uint64_t request;
};

struct record {
    uint64_t seed;                /* of idempotency keys */
    uint64_t log_first, log_next; /* numbers of the log's pieces on disk */
    uint64_t log_bytes;
    uint64_t baseline;
    size_t places_kept;
    bool head_changed;
    int64_t flush_by_us; /* of lines that wait; 0: none do */
};

/* Figures confirmed in the last minute, by slots of five seconds; all of the minute before it ends
 * somewhere within the oldest. */
#define THROUGHPUT_SLOTS 12u
#define THROUGHPUT_SLOT_US (5 * US_PER_SECOND)
struct throughput {
    uint32_t slots[THROUGHPUT_SLOTS];
    int64_t slot; /* the newest: time / THROUGHPUT_SLOT_US */
};

struct publisher {
    struct hub *hub;
    const struct config_channel *config;
    const struct channel_platform *platform;
    struct publisher_options options;
    struct channel_context context;
    void *platform_state;  /* NULL: not open */
    struct leases *leases; /* NULL: we are alone */
    struct lease_claim claim;
    char lease_name[96];
    char agent[96];

    pthread_mutex_t lock;
    pthread_cond_t at_end; /* for who waits for the end */
    struct outbox *outbox;
    struct places *places;
    struct pace pace;
    /* The last audit, with a few of its differences, and with many; empty: none yet. */
    struct buffer audit_json, audit_whole;
    uint64_t drift;
    bool paused, stopped, resync;
    char error[320];
    int64_t error_at_us;
    struct publisher_stats counters;
    struct throughput throughput;
    bool draining, ended, started;
    bool ours;       /* what is in memory is what is on record, and goes on from there */
    int64_t told_us; /* when the other hubs were last told how it goes */
    int64_t drain_until_us;
    bool stopping, audit_stopping; /* atomically: calls are to be given up */

    /* Apart from the other lock, since the hub wakes us while it holds its own. */
    pthread_mutex_t wake_lock;
    pthread_cond_t wake;
    bool woken;

    pthread_t thread;
    struct subscriber subscriber;
    struct wanted_policy policy;
    struct channel_notes *notes;
    struct record record;
    uint64_t position, revision; /* of the hub's changes, and of its revisions */
    uint64_t requests;           /* the last number */
    struct {
        bool going;
        uint32_t place, location_index, product;
        int64_t next_us;
    } sweep;
    uint32_t recounts[RECOUNTS_MAX]; /* locations that are to be compared as a whole */
    size_t recount_count;
    uint64_t resets_seen;
    int64_t tend_us; /* when the platform's `tend` is due; 0: as soon as it is open */
    int64_t reconsider_us;
    struct arena arena; /* of one step */
    struct located_cell *cells;
    struct outbox_ref batch[BATCH_MAX];
    size_t batch_count;
    struct suspects suspects;
    struct repeat repeat;
};

/* ---- publisher_follow.c ---- */
/* What the place should show of the product now. The lock is held. */
struct wanted_figure publisher_figure(struct publisher *p, uint32_t place, uint32_t product);
void publisher_want(struct publisher *p, uint32_t place, uint32_t product, bool by_reset,
                    int64_t now_us);
/* Takes in what the hub has new, within bounds; false: there is more. */
bool publisher_follow(struct publisher *p, int64_t now_us);
void publisher_sweep_again(struct publisher *p);

/* ---- publisher_send.c ---- */
/* One batch at most; true when a call was made. */
bool publisher_send(struct publisher *p, int64_t now_us);
bool publisher_read_back(struct publisher *p, int64_t now_us);
void publisher_failed(struct publisher *p, const struct channel_call *call, int64_t now_us);
/* What a call says besides its verdict: when to tend, what is in doubt. */
void publisher_heed(struct publisher *p, const struct channel_call *call, int64_t now_us);
void publisher_succeeded(struct publisher *p, const struct channel_call *call, int64_t now_us);
int64_t publisher_backoff_us(struct publisher *p, unsigned attempts);
/* Fills what is the same for every call. The lock is held. */
void publisher_fill_item(struct publisher *p, struct outbox_ref ref, struct channel_item *item,
                         struct arena *arena);

/* ---- publisher_record.c ---- */
must_check enum status publisher_load(struct publisher *p, struct error *error);
/* Every line that is not on disk yet. STATUS_FENCED: another hub publishes. */
must_check enum status publisher_flush(struct publisher *p, struct error *error);
/* Writes pages in place of a log that has grown long; a slice at a time. */
must_check enum status publisher_compact(struct publisher *p, struct error *error);
void publisher_key(const struct publisher *p, uint64_t request, char key[CHANNEL_KEY_SIZE]);

/* ---- publisher_shared.c: where other hubs are on the same store ---- */
#define LEASE_LOOK_US US_PER_SECOND
/* Whether it is ours to publish; reads anew what is on record when it has become ours. */
must_check enum status publisher_lease(struct publisher *p, struct error *error);
/* Right before a call leaves. */
bool publisher_holds(struct publisher *p);
/* Leaves the order to the hub that publishes; false: that is this one. */
bool publisher_pass_on(struct publisher *p, const char *what);
/* Puts how it goes where the other hubs find it, now and then. */
void publisher_tell_others(struct publisher *p, int64_t now_us);
/* The members that the publishing hub put there; false: it is this one, or there are none. */
bool publisher_write_theirs(struct publisher *p, struct json_writer *w);

/* ---- publisher.c ---- */
struct outbox *publisher_new_outbox(const struct publisher *p);
void publisher_find_repeats(struct publisher *p);

/* ---- publisher_tell.c ---- */
void publisher_write_members(struct publisher *p, struct json_writer *w, bool whole);

/* ---- audit_record.c ---- */
must_check enum status audit_load(struct publisher *p, struct error *error);

/* Counts what is confirmed; the lock is held. */
void publisher_confirmed(struct publisher *p, uint64_t count, int64_t now_us);

void publisher_wake(void *context);
void publisher_note_error(struct publisher *p, const char *words, int64_t now_us);

#endif
