/* How much happened in each of the last seconds, from a total that only grows.
 *
 * Whoever watches the total notes it at least once a second, and whenever something happens; what
 * came between two notes counts for the second of the later one. Any thread. */
#ifndef ONHAND_API_RATES_H
#define ONHAND_API_RATES_H

#include <pthread.h>

#include "base/json.h"

#define RATES_SECONDS 120u

struct rates {
    pthread_mutex_t lock;
    uint64_t counts[RATES_SECONDS + 1]; /* of second s: counts[s % size]; the present one too */
    uint64_t total;                     /* as noted last */
    int64_t first_s, now_s;             /* the second of the beginning, and of the last note */
};

void rates_init(struct rates *rates, int64_t now_us);
void rates_deinit(struct rates *rates);
void rates_note(struct rates *rates, int64_t now_us, uint64_t total);
/* An array of the whole seconds before the present one, oldest first; only those since the
 * beginning. */
void rates_write_json(struct rates *rates, int64_t now_us, struct json_writer *w);

#endif
