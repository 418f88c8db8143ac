/* Inside the leases: the two kinds of items as words, and what a hub knows of its neighbours. */
#ifndef ONHAND_HUB_LEASE_INTERNAL_H
#define ONHAND_HUB_LEASE_INTERNAL_H

#include <pthread.h>

#include "base/arena.h"
#include "hub/lease.h"

#define INCARNATION_SIZE 17u

/* Kind "hub", by its id: "INCARNATION BEAT DURATION STARTED AT VERSION". */
struct beat_item {
    struct text incarnation, version; /* of one start of the program */
    uint64_t number;
    int64_t duration_us, started_at_us, at_us;
};
/* Kind "lease", by its name: "TOKEN SINCE HOLDER INCARNATION"; holder "-": nobody. */
struct lease_item {
    uint64_t token;
    int64_t since_us;
    struct text holder, incarnation; /* empty: nobody */
};

struct beat_item beat_item_read(struct text value);
void beat_item_write(const struct beat_item *item, struct buffer *value);
struct lease_item lease_item_read(struct text value);
void lease_item_write(const struct lease_item *item, struct buffer *value);
/* From the store, texts in *arena; all zeros where there is none. */
must_check enum status beat_item_get(struct store *store, struct text id, struct arena *arena,
                                     struct beat_item *item_out, struct error *error);
must_check enum status lease_item_get(struct store *store, struct text name, struct arena *arena,
                                      struct lease_item *item_out, struct error *error);
must_check enum status lease_item_put(struct store *store, struct text name,
                                      const struct lease_item *item, struct error *error);

#define HUB_KIND TEXT("hub")
#define LEASE_KIND TEXT("lease")
#define ASK_KIND TEXT("ask") /* by "NAME TIME-RANDOM": what is asked of whoever holds it */
#define WATCHERS_MAX 8u

/* What is known of one lease. */
struct lease_row {
    struct lease_row *next;
    struct text name;
    uint64_t token; /* ours; 0: it is not */
    /* as of the last look */
    char holder[LEASE_HUB_ID_MAX + 1], incarnation[INCARNATION_SIZE];
    uint64_t seen_token;
    int64_t since_us;
};

/* A hub of which there is a beat. `silent_us` is what this hub waited for another one. */
struct peer {
    struct peer *next;
    struct text id;
    char incarnation[INCARNATION_SIZE], version[32];
    uint64_t number;
    int64_t duration_us, started_at_us, at_us, silent_us;
    bool present, seen;
};

/* The lock is never held over a read or a write of the store. */
struct leases {
    struct hub *hub;
    struct clock monotonic;
    struct text id;
    char incarnation[INCARNATION_SIZE];
    int64_t duration_us, look_us, started_at_us;
    struct {
        void (*look)(void *context);
        void *context;
    } watchers[WATCHERS_MAX];
    struct {
        void (*answer)(void *context, struct text name, struct text what);
        void *context;
    } answerers[WATCHERS_MAX];
    size_t watcher_count, answerer_count;

    pthread_mutex_t lock; /* what follows */
    pthread_cond_t ending;
    struct arena arena; /* names and ids: as many as are configured */
    struct lease_row *rows;
    struct peer *peers;
    int64_t good_until_us; /* our last beat's, by our clock */
    bool stopping, displaced;

    /* of whoever looks */
    pthread_t thread;
    bool started;
    uint64_t beat_number;
    int64_t beat_us, read_us; /* NEVER_US: not yet */
};

void leases_lock(struct leases *leases);
void leases_unlock(struct leases *leases);
/* With the lock held: what is known, made if nothing is. */
struct lease_row *lease_row_of(struct leases *leases, struct text name);
struct peer *peer_of(struct leases *leases, struct text id);
bool leases_are_good(const struct leases *leases); /* our beat is young enough */
void leases_forget_all(struct leases *leases);

#endif
