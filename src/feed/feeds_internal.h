/* A feed between its runs, and what a run hands to the taking of one file. */
#ifndef ONHAND_FEED_FEEDS_INTERNAL_H
#define ONHAND_FEED_FEEDS_INTERNAL_H

#include "feed/feeds.h"
#include "feed/source.h"

/* Whose a file is: see feed_claim.h. */
enum claim { CLAIM_FREE, CLAIM_OURS, CLAIM_THEIRS };
#define CLAIM_TAG_SIZE 17

/* What is remembered of a file that was seen, so long as it is there and unchanged. */
struct look {
    char *path; /* what it is called in the directory now */
    char *name; /* the same without a claim */
    enum claim claim;
    uint64_t size;
    int64_t mtime_us;
    int64_t since_us; /* on the monotonic clock: unchanged since */
    unsigned looks;   /* how often it was seen like this */
    bool present;     /* in the present listing */
    bool troubled;    /* it could not be taken in this run */
    bool taken;       /* the rest is bookkeeping: */
    bool refused;     /* it belongs to ./failed */
    bool finished;    /* nothing is left to do: kept, or moved */
    bool complained;  /* that it cannot be moved or deleted has been said */
    char reset[64];   /* whose rejected rows go beside it; empty: none to write */
    char reason[256]; /* why it was refused */
    char sha256[65];
};

struct feed_words {
    char file[SOURCE_NAME_MAX + 1], result[32], reset[64], error[320];
    int64_t file_us, error_us, late_us; /* late: since its time came and no file did */
    uint64_t files, waiting;            /* waiting: not kept, the next run counts */
    bool failing;                       /* the last run failed, for the reason in error */
};

struct feed {
    struct hub *hub;
    const struct config_feed *config;
    struct zone *zone; /* NULL: UTC */
    struct text job;
    char claim_tag[CLAIM_TAG_SIZE]; /* the run's thread only */
    char *spool;                    /* the file that is being fetched */
    struct look *looks;             /* the run's thread only */
    size_t look_count, look_capacity;
    uint32_t *look_slots; /* finds them by path: feed_look.c */
    size_t look_slot_count;
    pthread_mutex_t lock;
    struct feed_words words; /* under the lock */
};

/* One run, as the job runner wants it; context is the feed. */
enum status feed_run(void *context, struct job_report *report);

/* Takes one complete file: fetches, applies, remembers. Fills what the look then knows; moving it
 * away is feed_put_away. `manifest`: its name, empty where there is none. STATUS_RETRY: it changed
 * meanwhile, look at it again. Anything else but STATUS_OK: as if it had not been tried. */
must_check enum status feed_take(struct feed *feed, struct file_source *source, struct look *look,
                                 struct text manifest, const struct job_report *report,
                                 struct error *error);
/* Archives, deletes or moves to ./failed a file that was taken; can be tried again. */
must_check enum status feed_put_away(struct feed *feed, struct file_source *source,
                                     struct look *look, struct text manifest, struct error *error);

/* feed_words.c: what is told of the feed, kept for the hub's next start. */
void feed_words_load(struct feed *feed);
void feed_words_save(struct feed *feed);
void feed_taken_over(void *context); /* from another hub */

#define MANIFEST_SUFFIX ".manifest.json"
#define REJECTS_SUFFIX ".rejects.csv"

#endif
