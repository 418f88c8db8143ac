/* Leases: which of the hubs on one store does what only one may do.
 *
 *   leases_new -> hub_share -> leases_start -> ... -> leases_stop -> (hub_stop) -> leases_free
 *
 * A hub shows that it is alive by a beat, an item of the store that it writes anew every third of
 * the lease's time. A lease is an item too: a token that grows with each new holder, and who that
 * is. It is good as long as its holder's heart beats, so a hundred leases cost no more than one.
 * Another hub takes it over once it has seen the same beat for the whole time, on its own clock:
 * two machines' clocks are never compared, and time in which the store could not be read does not
 * count. The holder itself stops as soon as its last beat is older than the time.
 *
 * What is sent elsewhere is guarded by lease_holds, right before; what is written to the store by
 * the token: under hub_write_under the writer looks at the lease once more inside its transaction
 * and refuses with STATUS_FENCED whoever has lost it. A hub that was killed and comes back under
 * its name takes its own leases up at once. All functions may be called from any thread. */
#ifndef ONHAND_HUB_LEASE_H
#define ONHAND_HUB_LEASE_H

#include "hub/hub.h"

#define LEASE_HUB_ID_MAX 64u /* letters, digits, '.', '_' and '-' */
#define LEASE_DEFAULT_US (15 * US_PER_SECOND)

struct leases;

struct leases_options {
    struct hub *hub;
    struct text id;         /* of this hub among all on the store; the same at each start; copied */
    int64_t duration_us;    /* 0: LEASE_DEFAULT_US */
    struct clock monotonic; /* now_us NULL: the system's */
};

struct leases *leases_new(const struct leases_options *options);
void leases_free(struct leases *leases); /* after hub_stop; NULL is fine */

/* Looks once (so that the caller holds what nobody else does), then goes on in a thread. */
must_check enum status leases_start(struct leases *leases, struct error *error);
/* Gives everything back, so that others need not wait. Before hub_stop; NULL is fine. */
void leases_stop(struct leases *leases);
/* One look: beats if it is time, reads what the others say. For tests; else the thread's. */
must_check enum status leases_look(struct leases *leases, struct error *error);

/* ---- holding ---- */
/* `leases` NULL, here and below: we are alone, everything is ours, with token 0. */

/* Takes the lease, or says that it is held already. STATUS_CONFLICT: another hub's, whose name is
 * in *error; STATUS_RETRY: this hub does not know how things stand, for the store was out of reach.
 * A token other than before: what is kept in memory under this lease is to be loaded anew. */
must_check enum status lease_take(struct leases *leases, struct text name, uint64_t *token_out,
                                  struct error *error);
/* Whether it is ours at this moment; asks nobody. */
bool lease_holds(struct leases *leases, struct text name, uint64_t token);

/* It turned out to be lost: a write was refused with STATUS_FENCED. */
void lease_lost(struct leases *leases, const struct lease_claim *claim);

/* ---- asking the holder ---- */
/* What a person asks this hub to do although another one does it (pause a channel, run a job): kept
 * in the store until the holder's next look. */
must_check enum status lease_ask(struct leases *leases, struct text name, struct text what,
                                 struct error *error);
/* `answer` is called on the thread of the looks, for whatever is asked of a lease that is held
 * here; what it does not know it leaves to the others. Before leases_start. */
void leases_answer(struct leases *leases,
                   void (*answer)(void *context, struct text name, struct text what),
                   void *context);
/* Called after every look, a second apart: for what has to be read again now and then because
 * another hub may have changed it. Before leases_start. */
void leases_watch(struct leases *leases, void (*look)(void *context), void *context);

/* ---- telling ---- */
struct hub_peer {
    struct text id, version;
    bool self, alive;
    int64_t started_at_us, beat_at_us; /* by its own clock */
    int64_t silent_us;                 /* for how long it has not been heard of */
};
struct held_lease {
    struct text name;
    struct text holder; /* empty: nobody */
    uint64_t token;
    int64_t since_us;
};
/* As of the last look; in *arena. Returns how many. */
size_t leases_peers(struct leases *leases, struct arena *arena, struct hub_peer **peers_out);
size_t leases_list(struct leases *leases, struct arena *arena, struct held_lease **held_out);
/* The hub that holds it; empty: nobody, or we are alone. */
struct text lease_holder(struct leases *leases, struct text name, struct arena *arena);
struct text leases_hub_id(const struct leases *leases); /* empty: we are alone */

/* ---- the hub's ---- */
/* Whether the claim still holds, inside the writer's transaction. STATUS_FENCED. */
must_check enum status lease_check(struct store *store, const struct lease_claim *claim,
                                   struct error *error);

#endif
