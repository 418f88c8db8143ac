/* Works that a shop takes down and carries out in its own time: bulks of Adobe Commerce, files of
 * HotWax. While one may still be carried out, no newer figure is sent of what is in it: it would be
 * overwritten. So it is asked after until it is closed; then figures are read back.
 *
 * A shop that works nothing off (a job that does not run) must not keep its figures for ever: after
 * five minutes a work is late, and figures go in another way. A late one is asked after all the
 * same; when the shop does come to it, what was told since is read back at once, and mended. A work
 * whose name nobody knows, as its answer got lost, is taken for done after the same time.
 * Which there are is kept among the notes, so that a hub that starts anew asks after them, too. */
#ifndef ONHAND_CHANNEL_SHOP_QUEUE_H
#define ONHAND_CHANNEL_SHOP_QUEUE_H

#include "channel/channel.h"

#define SHOP_QUEUE_MOST 4u
#define SHOP_WORK_ID_SIZE 64
#define SHOP_QUEUE_AGAIN_US US_PER_SECOND

struct shop_work {
    char id[SHOP_WORK_ID_SIZE]; /* theirs; empty: not known */
    int64_t sent_us, asked_us;
    uint64_t left; /* parts that are not done, as last told */
};

struct shop_queue {
    const char *kind; /* of its notes: "bulk" */
    struct channel_notes *notes;
    struct shop_work works[SHOP_QUEUE_MOST];
    size_t count;
};

void shop_queue_load(struct shop_queue *queue, const char *kind, struct channel_notes *notes);
/* Fit to go into an address and a note. */
bool shop_queue_takes_id(struct text id);
bool shop_queue_is_full(const struct shop_queue *queue);
/* The shop took it down at now_us, under this name; empty: it may have. There is room. */
void shop_queue_add(struct shop_queue *queue, struct text id, int64_t now_us);
size_t shop_queue_waiting(const struct shop_queue *queue, int64_t now_us);
size_t shop_queue_late(const struct shop_queue *queue, int64_t now_us);

/* True: *left_out parts of it are not done yet, 0: it is closed. False: nobody knows; *call may say
 * why. May empty work->id where the shop can not be asked. */
typedef bool shop_queue_asker(void *shop, struct shop_work *work, struct arena *arena,
                              uint64_t *left_out, struct channel_call *call);
/* Asks after those whose time it is, late ones only where `late`; says in *call what is in doubt,
 * and when to look again. */
void shop_queue_look(struct shop_queue *queue, int64_t now_us, bool late, shop_queue_asker *ask,
                     void *shop, struct arena *arena, struct channel_call *call);

#endif
