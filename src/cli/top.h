/* What `onhand top` knows, and how it says it: pure, so that every picture can be tested.
 *
 * All times are the hub's: an age is told against the hub's clock, not against this machine's. */
#ifndef ONHAND_CLI_TOP_H
#define ONHAND_CLI_TOP_H

#include <jansson.h>

#include "cli/picture.h"

#define TOP_LATEST 16u

/* BEHIND: it answers, its stream is not there; ONCE: nobody goes on asking */
enum top_link { TOP_LIVE, TOP_BEHIND, TOP_AWAY, TOP_ONCE };

struct top_model {
    const char *url;
    const json_t *now; /* the last answer of /v1/now */
    int64_t now_us;    /* the hub's time at this moment */
    enum top_link link;
    int64_t away_since_us;            /* TOP_AWAY */
    const char *trouble;              /* why; "": not known */
    const json_t *latest[TOP_LATEST]; /* events, the newest first; NULL: no more */
};

/* ---- words ---- */

struct need {
    enum style style;
    const char *state;
    struct buffer text;
};

#define NEEDS_MAX 64u
struct needs {
    struct need items[NEEDS_MAX]; /* the worst first */
    size_t count;
    size_t more; /* that found no room */
};

void needs_find(const json_t *now, int64_t now_us, struct needs *needs_out);
void needs_deinit(struct needs *needs);
/* "All 50 stores in sync; BOS02 silent for 41 min" */
enum style top_sentence(const struct top_model *model, const struct needs *needs,
                        struct buffer *out);

/* "41 min", "3 h 20 min", "2 days"; below zero is zero. */
void append_duration(struct buffer *out, int64_t us);
void append_count(struct buffer *out, int64_t count); /* 1,234,567 */
void append_plural(struct buffer *out, int64_t count, const char *one, const char *many);
/* False: there is none, or it is no time. */
bool time_of(const json_t *object, const char *key, int64_t *us_out);

/* ---- the picture ---- */

/* `height` 0: as many lines as it takes. */
void top_draw(const struct top_model *model, unsigned height, struct picture *picture);

#endif
