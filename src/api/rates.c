/* The last seconds in a ring; seconds in which nobody noted anything are zeros. */
#include "api/rates.h"

#include <string.h>

#include "base/status.h"
#include "base/timestamp.h"

#define SIZE (RATES_SECONDS + 1)

void rates_init(struct rates *rates, int64_t now_us) {
    *rates = (struct rates){.first_s = now_us / US_PER_SECOND, .now_s = now_us / US_PER_SECOND};
    require(pthread_mutex_init(&rates->lock, NULL) == 0);
}

void rates_deinit(struct rates *rates) {
    (void)pthread_mutex_destroy(&rates->lock);
}

/* The seconds up to this one begin at zero. Under the lock. */
static void advance(struct rates *rates, int64_t now_s) {
    if (now_s - rates->now_s >= SIZE) {
        memset(rates->counts, 0, sizeof rates->counts);
        rates->now_s = now_s;
    }
    while (rates->now_s < now_s) {
        rates->now_s++;
        rates->counts[rates->now_s % SIZE] = 0;
    }
}

void rates_note(struct rates *rates, int64_t now_us, uint64_t total) {
    require(pthread_mutex_lock(&rates->lock) == 0);
    advance(rates, now_us / US_PER_SECOND);
    if (total > rates->total) {
        rates->counts[rates->now_s % SIZE] += total - rates->total;
        rates->total = total;
    }
    require(pthread_mutex_unlock(&rates->lock) == 0);
}

void rates_write_json(struct rates *rates, int64_t now_us, struct json_writer *w) {
    json_begin_array(w);
    require(pthread_mutex_lock(&rates->lock) == 0);
    advance(rates, now_us / US_PER_SECOND);
    int64_t oldest_s = rates->now_s - RATES_SECONDS;
    for (int64_t s = oldest_s > rates->first_s ? oldest_s : rates->first_s; s < rates->now_s; s++) {
        json_uint(w, rates->counts[s % SIZE]);
    }
    require(pthread_mutex_unlock(&rates->lock) == 0);
    json_end_array(w);
}
