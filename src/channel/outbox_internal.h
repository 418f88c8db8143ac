/* Inside the outbox: its table of cells, its works, and the heaps they wait in. */
#ifndef ONHAND_CHANNEL_OUTBOX_INTERNAL_H
#define ONHAND_CHANNEL_OUTBOX_INTERNAL_H

#include "channel/outbox.h"

#define PAGE_PRODUCTS 256u
#define VERIFY_AFTER_US (30 * US_PER_SECOND) /* a late application shows within this time */

/* What the shop was told of a cell. Invariant: `version` never goes down but by forgetting. */
struct slot {
    int64_t told_milli; /* CHANNEL_UNKNOWN_MILLI */
    uint64_t version, request;
    uint32_t told_at_s;
    uint32_t work; /* index; 0: none */
};

struct slot_page {
    struct slot slots[PAGE_PRODUCTS];
    bool dirty; /* changed since it was written */
};

struct outbox_place {
    struct slot_page **pages; /* by product / PAGE_PRODUCTS; may be NULL */
    uint32_t page_count;
};

enum heap_kind { HEAP_NONE, HEAP_READY, HEAP_TIMED, HEAP_DOUBT, HEAP_COUNT };

/* What is to be done about a cell. Invariant: it is in the heap of its state, or in none. */
struct work {
    uint32_t place, product;
    int64_t wanted_milli, sent_milli;
    uint64_t wanted_version, sent_version;
    uint64_t request;
    int64_t since_us;      /* the oldest change that is not told */
    int64_t since_next_us; /* the oldest change since it was sent; 0: none */
    int64_t sent_at_us, due_us;
    int64_t raised_at_us; /* since when it is an increase; 0: it is none */
    int64_t verify_at_us; /* after a doubt; 0: none */
    int64_t as_of_us;
    char *words;
    uint32_t heap_index, next_free;
    uint16_t attempts;
    uint8_t state, heap, rank; /* rank 0 goes before 1 */
    bool released;             /* the increase was confirmed */
    bool doubtful;             /* something of it may still be applied late */
    bool hinted;               /* the shop says that it changed */
};

struct heap {
    uint32_t *items;
    size_t count, capacity;
};

struct outbox {
    struct outbox_rules rules;
    struct outbox_place *places;
    uint32_t place_count;
    struct work *works; /* [0] is not used */
    uint32_t work_count, work_capacity, free_work, works_used;
    struct heap heaps[HEAP_COUNT];
    uint64_t counts[OUTBOX_STATE_COUNT];
    uint64_t told_count, page_count, baseline, requests;
    uint32_t written_place, written_page; /* where outbox_take_page goes on */
    struct buffer journal;
};

/* ---- outbox_table.c ---- */
struct slot *table_find(const struct outbox *outbox, uint32_t place, uint32_t product); /* NULL */
struct slot *table_add(struct outbox *outbox, uint32_t place, uint32_t product);
void table_touch(struct outbox *outbox, const struct work *work); /* its page is to be written */
struct work *work_of(const struct outbox *outbox, const struct slot *slot); /* NULL */
struct work *work_add(struct outbox *outbox, uint32_t place, uint32_t product, int64_t now_us);
void work_drop(struct outbox *outbox, struct work *work);
/* The one way a work changes its state, and with it its heap. */
void work_set_state(struct outbox *outbox, struct work *work, enum outbox_state state,
                    int64_t due_us);
void work_set_words(struct work *work, struct text words);
struct work *heap_first(const struct outbox *outbox, enum heap_kind kind); /* NULL */

/* ---- outbox_journal.c ---- */
void journal_sent(struct outbox *outbox, const struct work *work);
void journal_told(struct outbox *outbox, const struct work *work, const struct slot *slot);
void journal_observed(struct outbox *outbox, const struct work *work, const struct slot *slot);
void journal_unsent(struct outbox *outbox, const struct work *work);
void journal_parked(struct outbox *outbox, const struct work *work);
void journal_unmapped(struct outbox *outbox, const struct work *work);
void journal_doubted(struct outbox *outbox, const struct work *work);
void journal_forgotten(struct outbox *outbox);

/* outbox.c: what the shop was told becomes unknown. */
void outbox_wipe_told(struct outbox *outbox);

#endif
