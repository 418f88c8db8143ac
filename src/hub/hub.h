/* The hub: one writer that joins the two streams.
 *
 * Callers queue work; one thread takes all that is waiting, decides it in core, commits once, and
 * then answers all of it: group commit, so the batch grows while the previous one is being written.
 * No answer is given before the change is on disk. When a commit fails in a way that leaves doubt,
 * the process ends without a further answer.
 * Clock and store are passed in; without hub_start a simulator drives the same code by hub_step.
 * Any thread may call anything here, unless said otherwise. */
#ifndef ONHAND_HUB_HUB_H
#define ONHAND_HUB_HUB_H

#include "base/queue.h"
#include "config/config.h"
#include "hub/access.h"
#include "hub/catalog.h"

struct hub;

struct hub_options {
    struct store *store;         /* stays the caller's; closed after hub_free */
    const struct config *config; /* stays the caller's, as long as the hub */
    struct clock clock;
};

must_check enum status hub_new(const struct hub_options *options, struct hub **hub_out,
                               struct error *error);
void hub_start(struct hub *hub); /* the writer thread */
/* Runs what is queued on the calling thread (hub not started); returns how many jobs were done. */
size_t hub_step(struct hub *hub);
void hub_stop(struct hub *hub); /* finishes what is queued, refuses more; then hub_free */
void hub_free(struct hub *hub);

struct catalog *hub_catalog(struct hub *hub);
struct store *hub_store(struct hub *hub);
const struct config *hub_config(struct hub *hub);
int64_t hub_now_us(struct hub *hub);
int64_t hub_safety_stock_milli(struct hub *hub, uint32_t location);
bool hub_sells_online(struct hub *hub, uint32_t location);

/* ---- under a lease (lease.h) ---- */
struct leases;
/* Other hubs are on the same store, and this is how the work is shared; before hub_start. Without
 * it hub_leases is NULL, and everything is ours. */
void hub_share(struct hub *hub, struct leases *leases);
/* Then: puts on record which resets this hub was applying when it stopped. Alone, hub_new does. */
must_check enum status hub_recover(struct hub *hub, struct error *error);
struct leases *hub_leases(struct hub *hub);

struct lease_claim {
    struct text name;
    uint64_t token; /* 0: none, it always holds */
};
/* What this thread writes from now on counts only as long as the claim holds: else STATUS_FENCED,
 * and nothing was written. `claim` must live until this is called again; NULL: no claim. */
void hub_write_under(const struct lease_claim *claim);

/* ---- adjustments ---- */
enum until { UNTIL_DEFAULT, UNTIL_RESET, UNTIL_ACKNOWLEDGED };

/* One adjustment as sent. A line that could not even be read carries its `problem` and is answered
 * in its place, so results stay in order. Texts must live until the submission is done. */
#define ADJUSTMENT_IDENTIFIERS_MAX 4
struct adjustment {
    struct text id, source, location, document, register_name, order, reason, acknowledges;
    struct identifier identifiers[ADJUSTMENT_IDENTIFIERS_MAX];
    unsigned identifier_count;
    enum event_type type;
    enum until until;
    int64_t delta_milli;
    int64_t sequence; /* of the register; counts only with register_name */
    int64_t occurred_at_us;
    bool occurred_at_given;
    bool may_differ;     /* a repeated id is a duplicate as long as it moves the same: two reports
                            of one document may tell its time or number differently */
    enum status problem; /* STATUS_OK: none */
    struct text problem_detail;
};

struct adjustment_result {
    enum outcome_status status;
    enum status error;  /* when rejected */
    struct text detail; /* when rejected; static, or lives as long as the submission's texts */
    uint32_t location, product; /* 0 when rejected before they were known */
    int64_t on_hand_milli, reserved_milli, available_milli;
    uint64_t sequence;
};

struct submission {
    struct queue_item item; /* the hub's */
    int job;                /* the hub's */
    const struct access *access;
    const struct adjustment *adjustments;
    struct adjustment_result *results; /* filled before done() */
    size_t count;
    uint64_t request;                /* number for tracing, 0: none */
    int64_t received_at_us;          /* set by hub_submit when 0 */
    const struct lease_claim *claim; /* the hub's */
    /* Called once on the writer's thread after the commit, quickly. STATUS_OK: results are filled
     * and durable. STATUS_NO_SPACE, STATUS_STOPPING: nothing was written. */
    void (*done)(struct submission *submission, enum status status);
    void *context;
};

/* STATUS_OK: done() will be called. STATUS_BUSY, STATUS_STOPPING: it will not. */
must_check enum status hub_submit(struct hub *hub, struct submission *submission);
/* The same, waiting. */
must_check enum status hub_submit_wait(struct hub *hub, struct submission *submission);

/* ---- acknowledgements ---- */
enum acknowledgement_status { ACK_ACKNOWLEDGED, ACK_RECORDED, ACK_DUPLICATE, ACK_REJECTED };
/* Waits. `statuses_out` has room for each document. A token limited to locations may not. */
must_check enum status hub_acknowledge(struct hub *hub, const struct access *access,
                                       struct text source, int64_t acknowledged_at_us,
                                       const struct text *documents, size_t count,
                                       enum acknowledgement_status *statuses_out,
                                       uint64_t *sequence_out, struct error *error);

/* ---- anything else that writes ---- */
/* Runs `write` on the writer's thread inside a transaction of its own and waits. */
must_check enum status hub_write(struct hub *hub,
                                 enum status (*write)(struct store *store, void *context,
                                                      struct error *error),
                                 void *context, struct error *error);
must_check enum status hub_item_put(struct hub *hub, struct text kind, struct text key,
                                    struct text value, struct error *error);
must_check enum status hub_item_delete(struct hub *hub, struct text kind, struct text key,
                                       struct error *error);

/* Documents that other hubs on the same store change, for what is kept of them in memory. `changed`
 * is called on the writer's thread, with NULL for a document that was deleted; it must be quick and
 * must not wait for the hub. What this hub writes itself is not told. */
struct item_watch {
    struct item_watch *next;
    const char *kind;
    void (*changed)(void *context, struct text key, const struct text *value);
    void *context;
};
void hub_watch_items(struct hub *hub, struct item_watch *watch);
void hub_unwatch_items(struct hub *hub, struct item_watch *watch);

/* ---- the change feed ---- */
/* Changes after `after`, oldest first, from memory or, further back, from the ledger; in *arena.
 * The reader goes on after *through_out: nothing up to it is missing. Never work that out from
 * another number, since what is committed comes in here piece by piece. */
must_check enum status hub_changes(struct hub *hub, uint64_t after, size_t most,
                                   struct arena *arena, struct change **changes_out,
                                   size_t *count_out, uint64_t *through_out, struct error *error);
uint64_t hub_last_sequence(struct hub *hub); /* every change up to it can be had from hub_changes */

/* What a channel is told may change while no cell does: a product or a location is published, or is
 * no more; a file counts none of what no cell was known of. Whoever works figures out looks again.
 * 0: every location, every product. */
struct revision {
    uint32_t location, product;
};
#define REVISIONS_KEPT 4096u
/* Those after *position, which moves on. False: some are forgotten, look at everything. */
bool hub_revisions(struct hub *hub, uint64_t *position, struct revision *revisions_out, size_t most,
                   size_t *count_out);

/* Something worth telling that is no change of a cell: a reset applied or held, a feed failed. Kept
 * in memory for those who listen; `data` is a JSON object. */
struct notice {
    uint64_t number; /* from 1 */
    int64_t at_us;
    struct text type, subject, data; /* "onhand.reset.held", "r-...", {...} */
};
void hub_notify(struct hub *hub, const char *type, struct text subject, struct text data);
size_t hub_notices(struct hub *hub, uint64_t after, size_t most, struct arena *arena,
                   struct notice **notices_out);

/* `wake` is called after every commit that changed something and after every notice, from the
 * writer's or the notifier's thread; it must be quick and not call the hub. */
struct subscriber {
    void (*wake)(void *context);
    void *context;
    bool notices_only;       /* not after commits */
    struct subscriber *next; /* the hub's */
};
void hub_subscribe(struct hub *hub, struct subscriber *subscriber);
void hub_unsubscribe(struct hub *hub, struct subscriber *subscriber);

/* ---- figures about itself ---- */
#define HUB_LATENCY_BUCKETS 20 /* bucket i: under 2^i * 64 us */
struct hub_stats {
    uint64_t adjustments[5]; /* by enum outcome_status */
    uint64_t acknowledgements, resets_applied, resets_held, statements, batches, batch_events;
    uint64_t queue_depth;
    uint64_t latency_count[HUB_LATENCY_BUCKETS]; /* submit to durable */
    int64_t latency_us_sum;
    bool disk_full;  /* the last commit was refused for lack of room */
    bool store_away; /* the database cannot be reached: what is read is as old as store_age_us */
    int64_t store_age_us; /* -1: nobody else writes to the store, so nothing is old */
    int64_t started_at_us;
};
void hub_stats(struct hub *hub, struct hub_stats *stats_out);

#endif
