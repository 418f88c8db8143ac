/* The outbox of one channel: of each cell the newest wanted figure, and what the shop was told.
 *
 * No queue: a cell that changes a thousand times while the shop is away is still one entry. A cell
 * the shop agrees with costs 32 bytes; only what is to be done about one (its work) costs more.
 * A cell here is a place (theirs, perhaps several locations of ours) and a product.
 *
 * What must outlive a crash goes as lines into outbox_journal(): the caller puts them on disk
 * before the request leaves, and gives them back with outbox_replay. What is wanted is not in
 * there: it is worked out from the hub's cells again. Not thread-safe; time comes as an argument.
 *
 *             +-> HELD (an increase that waits) <-+
 *   CLEAN -> WANTING -> SENDING -> CLEAN | LATER | UNCERTAIN | PARKED | UNMAPPED
 *                        UNCERTAIN -> (read back) -> CLEAN | WANTING | VERIFYING -> CLEAN */
#ifndef ONHAND_CHANNEL_OUTBOX_H
#define ONHAND_CHANNEL_OUTBOX_H

#include "channel/channel.h"
#include "channel/wanted.h"

enum outbox_state {
    OUTBOX_CLEAN,     /* nothing to do; there is no work */
    OUTBOX_WANTING,   /* to be sent as soon as it can be */
    OUTBOX_HELD,      /* an increase that the policy holds back */
    OUTBOX_SENDING,   /* a request is on its way */
    OUTBOX_LATER,     /* to be sent again after a while */
    OUTBOX_UNCERTAIN, /* it may have been applied: to be read back */
    OUTBOX_VERIFYING, /* agreed, after a doubt: read back once more, for a late application */
    OUTBOX_PARKED,
    OUTBOX_UNMAPPED,
    OUTBOX_STATE_COUNT
};
const char *outbox_state_word(enum outbox_state state);

struct outbox;

struct outbox_rules {
    struct config_increases increases;
    bool tells_each_change; /* agreed means: of the same version, and not: of the same figure */
};

struct outbox *outbox_new(const struct outbox_rules *rules);
void outbox_free(struct outbox *outbox); /* NULL is fine */

/* ---- what is wanted ---- */

/* The newest figure of a cell. `by_reset`: a reset made the change, which confirms an increase. */
void outbox_want(struct outbox *outbox, uint32_t place, uint32_t product,
                 const struct wanted_figure *figure, bool by_reset, int64_t now_us);
/* Everything with a due time that has come goes where it belongs. */
void outbox_advance(struct outbox *outbox, int64_t now_us);
/* A reset was applied: HELD works are judged again by what outbox_want is told next. Calls `visit`
 * for each, which may call outbox_want. */
typedef void outbox_visitor(void *context, uint32_t place, uint32_t product);
void outbox_each(struct outbox *outbox, enum outbox_state state, outbox_visitor *visit,
                 void *context);

/* ---- what is done about it ---- */

struct outbox_ref {
    uint32_t place, product;
};

/* The next to be sent: decreases first, then the oldest. False: none. It stays where it is. */
bool outbox_peek(const struct outbox *outbox, struct outbox_ref *ref_out);
/* The next to be read back that is due. */
bool outbox_peek_doubt(const struct outbox *outbox, int64_t now_us, struct outbox_ref *ref_out);

/* From WANTING to SENDING, with the wanted figure as it is now. `request` is the batch's number. */
void outbox_send(struct outbox *outbox, struct outbox_ref ref, uint64_t request, int64_t now_us);
/* How a SENDING one ended. For LATER and UNCERTAIN `again_at_us` says when to go on. STALE:
 * `actual_milli` is known. `words` are copied. */
void outbox_sent(struct outbox *outbox, struct outbox_ref ref, enum channel_outcome outcome,
                 int64_t actual_milli, struct text words, int64_t now_us, int64_t again_at_us);
/* An UNCERTAIN or VERIFYING one was read: CONFIRMED with what the shop shows, UNMAPPED, or another
 * outcome: to be read again at again_at_us. */
void outbox_was_read(struct outbox *outbox, struct outbox_ref ref, enum channel_outcome outcome,
                     int64_t actual_milli, int64_t now_us, int64_t again_at_us);
/* An audit read it: a CLEAN one that differs is WANTING if `mend`. */
void outbox_observed(struct outbox *outbox, struct outbox_ref ref, int64_t actual_milli, bool mend,
                     int64_t now_us);
/* The shop may show something else by now. One that agreed is read back at once, and what is found
 * lower is not raised before `again_at_us` of outbox_was_read where `hinted`: a web sale may
 * explain it. False: nothing was told of it, or it is being looked after anyway. */
bool outbox_doubt(struct outbox *outbox, struct outbox_ref ref, bool hinted, int64_t now_us);
/* The same, not hinted, for all that was told at `since_us` or later; how many. */
uint64_t outbox_doubt_since(struct outbox *outbox, int64_t since_us, int64_t now_us);
/* Moves the time of all that waits to be sent or read again to `at_us` (a shop came back). */
void outbox_retry_at(struct outbox *outbox, int64_t at_us);
/* Parked and unmapped ones are tried again; true when there was one. */
bool outbox_unpark(struct outbox *outbox, struct outbox_ref ref, int64_t now_us);
/* Nothing is to be done about it any more, whatever it was (its place is no longer configured). */
void outbox_drop(struct outbox *outbox, struct outbox_ref ref);
void outbox_unpark_all(struct outbox *outbox, bool unmapped, int64_t now_us);
/* Forgets what the shop was told: everything is wanted again (resync). What is on its way is to be
 * read back. The caller tells every cell's figure anew. */
void outbox_forget_told(struct outbox *outbox, int64_t now_us);
/* tells_each_change: changes up to this version are known to whoever listens. */
void outbox_set_baseline(struct outbox *outbox, uint64_t version);

/* ---- looking at it ---- */

struct outbox_view {
    enum outbox_state state;
    int64_t wanted_milli, told_milli, sent_milli; /* CHANNEL_UNKNOWN_MILLI where there is none */
    uint64_t wanted_version, told_version, sent_version;
    uint64_t told_request, sent_request; /* 0: none */
    int64_t told_at_us, sent_at_us;      /* 0: never */
    int64_t since_us;                    /* of the oldest change that is not told; 0: none */
    int64_t due_us;
    unsigned attempts;
    bool hinted;       /* outbox_doubt */
    struct text words; /* lives until the next call that changes the outbox */
};
/* False: the outbox knows nothing of this cell. */
bool outbox_look(const struct outbox *outbox, struct outbox_ref ref, struct outbox_view *view_out);
uint64_t outbox_count(const struct outbox *outbox, enum outbox_state state);
uint64_t outbox_pending(const struct outbox *outbox); /* changes the shop does not have yet */
uint64_t outbox_told_count(const struct outbox *outbox);
int64_t outbox_oldest_us(const struct outbox *outbox);   /* of the pending ones; 0: none */
int64_t outbox_next_due_us(const struct outbox *outbox); /* of what waits; NEVER_US */
int64_t outbox_next_doubt_us(const struct outbox *outbox);
size_t outbox_memory(const struct outbox *outbox);
/* Each cell the shop was told of, in order of product. */
void outbox_each_told(const struct outbox *outbox, uint32_t place, outbox_visitor *visit,
                      void *context);

/* ---- on disk ---- */

/* Lines that are not on disk yet; the caller empties the buffer once they are. */
struct buffer *outbox_journal(struct outbox *outbox);
/* Lines as they were written, the oldest first; then outbox_replayed: what was on its way is
 * UNCERTAIN. `requests_out`: the highest number of a request among them. */
must_check enum status outbox_replay(struct outbox *outbox, struct text lines, struct error *error);
void outbox_replayed(struct outbox *outbox, int64_t now_us, uint64_t *requests_out);
/* The next page of 256 products that was changed since it was last asked for, as lines; false:
 * none. */
bool outbox_take_page(struct outbox *outbox, uint32_t *place_out, uint32_t *page_out,
                      struct buffer *lines);
void outbox_touch_all(struct outbox *outbox);            /* every page is to be taken again */
uint64_t outbox_page_bytes(const struct outbox *outbox); /* of all pages, about */

void outbox_check(const struct outbox *outbox); /* the invariants; slow */

#endif
