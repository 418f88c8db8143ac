/* Inside the hub: what its files share. The writer's thread owns everything here that has no lock
 * beside it. */
#ifndef ONHAND_HUB_HUB_INTERNAL_H
#define ONHAND_HUB_HUB_INTERNAL_H

#include <stdatomic.h>

#include "hub/hub.h"

enum job_kind { JOB_SUBMISSION, JOB_TASK };

/* Work on the writer's thread other than adjustments: it opens its own transactions. */
struct task {
    struct queue_item item;
    int job;                         /* JOB_TASK; same place as in struct submission */
    const struct lease_claim *claim; /* of the thread that asked; NULL */
    void (*run)(struct hub *hub, struct task *task);
    struct gate done;
    bool queued; /* false: the hub takes no more */
    enum status status;
    struct error error;
};

/* Everything queued begins with this. */
struct job {
    struct queue_item item;
    int job;
};

/* What is remembered of a location for the guards: its last applied full reset. */
struct location_memory {
    bool had_reset;
    uint64_t last_rows;
};

#define HUB_ATTEMPTS 20 /* where other hubs keep being quicker */

#define CHANGE_RING_SIZE 65536u
#define NOTICE_RING_SIZE 1024u

struct change_feed {
    pthread_mutex_t lock;
    struct change *ring;     /* CHANGE_RING_SIZE, oldest overwritten */
    uint64_t pushed;         /* how many ever were */
    uint64_t complete_after; /* every change after this sequence is in the ring */
    uint64_t last_seq;       /* every change up to it was pushed */
    struct revision revisions[REVISIONS_KEPT];
    uint64_t revisions_pushed;
    struct notice notices[NOTICE_RING_SIZE];
    uint64_t notices_pushed;
    struct subscriber *subscribers;
};

struct hub_counters {
    _Atomic uint64_t adjustments[5];
    _Atomic uint64_t acknowledgements, resets_applied, resets_held, statements, batches,
        batch_events;
    _Atomic uint64_t latency_count[HUB_LATENCY_BUCKETS];
    _Atomic int64_t latency_us_sum;
    _Atomic bool disk_full, store_away;
};

struct hub {
    struct store *store;
    const struct config *config;
    struct clock clock;
    struct catalog *catalog;
    struct queue queue;
    pthread_t writer;
    _Atomic bool started;            /* read by callers that wait */
    struct arena batch;              /* the writer's, emptied after each batch */
    const struct lease_claim *claim; /* the writer's: under which it writes just now; NULL */
    struct leases *leases;           /* NULL: we are alone */
    struct change_feed feed;
    struct hub_counters counters;
    int64_t started_at_us;
    bool reject_unknown_locations, reject_unknown_products;
    bool has_namespaces; /* any is configured */
    /* Per location, by number; grown by the writer under location_lock. */
    pthread_mutex_t location_lock;
    struct location_memory *memory;
    const struct config_location **settings; /* NULL: not configured */
    uint32_t location_room;
    _Atomic unsigned reset_count; /* from a random start */
    pthread_mutex_t decide_lock;  /* one decision about resets at a time */
    pthread_mutex_t live_lock;
    bool shared; /* other hubs may be on the same store */
    pthread_mutex_t watch_lock;
    struct item_watch *watches;
    struct reset *live; /* resets between the first word on record and the last */
};

/* Ends the process: what is on disk is not known any more, so nothing may be answered. */
_Noreturn void hub_fatal(enum status status, const struct error *error);
/* For errors of the store inside a transaction: NO_SPACE and RETRY come back (aborted), all others
 * end the process. */
enum status hub_abort_or_die(struct hub *hub, enum status status, const struct error *error);

/* hub_follow.c: other hubs on the same store. The first before anything is loaded from it; the
 * second takes in what they changed, unless it looked a moment ago. Writer's thread only. */
#define FOLLOW_US (US_PER_SECOND / 50)
void hub_follow_begin(struct hub *hub);
void hub_follow(struct hub *hub);
bool hub_load_location_memory(void *context, struct text key, struct text value);

/* store_begin, and a look at the claim under which is written. Not begun unless STATUS_OK. */
must_check enum status hub_begin(struct hub *hub, struct error *error);

/* Queues the task, and waits for it; between the two the caller may do something else. */
void hub_begin_task(struct hub *hub, struct task *task);
enum status hub_end_task(struct hub *hub, struct task *task, struct error *error);
enum status hub_run_task(struct hub *hub, struct task *task, struct error *error); /* both */

/* intake.c: decides and commits the submissions of one batch, answers all of them. */
void intake_run(struct hub *hub, struct submission **submissions, size_t count);

/* acknowledge.c: load, decide, write within the open transaction; on-hand changes are pushed to
 * *changes. */
struct change_list {
    struct change *items; /* in the batch's arena */
    size_t count, capacity;
};
void change_list_push(struct hub *hub, struct change_list *list, const struct change *change);
enum status acknowledge_in_transaction(struct hub *hub, struct acknowledgement *acknowledgement,
                                       struct change_list *changes, struct error *error);
/* Whether it could be done: changes and writes nothing. */
enum status acknowledge_try(struct hub *hub, struct acknowledgement *acknowledgement,
                            struct error *error);

/* change_feed.c */
void change_feed_init(struct change_feed *feed, uint64_t last_seq);
void change_feed_deinit(struct change_feed *feed);
/* After a commit: changes in order of sequence. `through`: no other change up to it is to come. */
void change_feed_publish(struct hub *hub, const struct change *changes, size_t count,
                         uint64_t through);
void change_feed_revise(struct hub *hub, struct revision revision);

/* naming.c: numbers for words that the catalog does not know yet, each set in a transaction of its
 * own. Writer's thread only. */
struct wanted; /* a set of words to be named */
struct wanted *wanted_new(void);
void wanted_free(struct wanted *wanted);
void wanted_location(struct wanted *wanted, struct text code);
void wanted_name(struct wanted *wanted, enum name_kind kind, struct text name);
void wanted_product(struct wanted *wanted, const struct catalog *catalog,
                    const struct identifier *identifiers, size_t count);
bool wanted_any(const struct wanted *wanted);
enum status wanted_create(struct hub *hub, struct wanted *wanted, struct error *error);

/* reset_decide.c: resets that were being applied when the hub stopped. */
enum status reset_recover(struct hub *hub, struct error *error);

/* The namespace in which a source's identifiers live; empty: the common one. */
struct text hub_namespace(const struct hub *hub, struct text source);

void hub_location_grow(struct hub *hub); /* after locations were added */
struct location_memory hub_location_memory(struct hub *hub, uint32_t location);
void hub_location_remember(struct hub *hub, uint32_t location, struct location_memory memory);
const struct config_location *hub_location_settings(struct hub *hub, uint32_t location);

#endif
