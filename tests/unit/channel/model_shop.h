/* What the tests of this folder share: a hub in memory under a clock that is turned by hand, and a
 * shop that remembers what it was told and goes wrong on demand. */
#ifndef ONHAND_TESTS_UNIT_CHANNEL_MODEL_SHOP_H
#define ONHAND_TESTS_UNIT_CHANNEL_MODEL_SHOP_H

#include "unit/hub/support.h"

#include "channel/publisher_internal.h"

#define SHOP_PLACES 8u
#define SHOP_PRODUCTS 512u
#define SHOP_LATE_MAX 256u

enum shop_fault {
    SHOP_FINE,
    SHOP_NOT_REACHED,
    SHOP_LOST,         /* no answer, not applied */
    SHOP_APPLIED,      /* no answer, but applied */
    SHOP_APPLIED_LATE, /* no answer, and applied a while later */
    SHOP_THROTTLED,
    SHOP_PARTIAL, /* some applied, some not, some without a word */
    SHOP_UNAUTHORIZED,
    SHOP_GONE,
    SHOP_FAULTS
};

struct shop_cell {
    int64_t milli;
    uint64_t version; /* of the newest that was applied at once */
    bool in_doubt;    /* whoever sent it has no answer: it must be read before it is sent again */
};

struct shop_late {
    uint32_t place, product;
    int64_t milli, told_milli, at_us;
};

struct model_shop {
    struct shop_cell cells[SHOP_PLACES][SHOP_PRODUCTS];
    struct shop_late late[SHOP_LATE_MAX];
    size_t late_count;
    bool compares; /* sets only what it shows as we believe it does */
    bool refuses_whole_batches, refuses_all;
    uint32_t poison;  /* a product it refuses; 0: none */
    uint32_t unknown; /* a product it does not know; 0: none */
    enum shop_fault (*next_fault)(struct model_shop *shop);
    enum shop_fault script[16]; /* used up from the front before next_fault is asked */
    size_t script_count;
    uint64_t random;
    int64_t now_us;
    unsigned sends, reads, items; /* how often, how many */
    size_t batch_largest;
    char last_key[CHANNEL_KEY_SIZE], key_before[CHANNEL_KEY_SIZE];
    int64_t next_us;       /* what its answers ask for */
    int64_t skus_sent[16]; /* figures of the last batch */
    uint32_t products_sent[16];
    size_t sent_count;
    jmp_buf *crash; /* in the middle of the next send */
};

static struct model_shop the_shop;

static inline uint64_t shop_random(struct model_shop *shop, uint64_t below) {
    shop->random ^= shop->random << 13;
    shop->random ^= shop->random >> 7;
    shop->random ^= shop->random << 17;
    return shop->random % below;
}

static inline enum status shop_open(const struct channel_context *context, void **state_out,
                                    struct error *error) {
    (void)context;
    (void)error;
    *state_out = &the_shop;
    return STATUS_OK;
}

static inline void shop_close(void *state) {
    (void)state;
}

static inline struct shop_cell *shop_cell(struct model_shop *shop, uint32_t place,
                                          uint32_t product) {
    assert_true(place < SHOP_PLACES && product < SHOP_PRODUCTS);
    return &shop->cells[place][product];
}

/* What came late is in place by now. */
static inline void shop_settle_late(struct model_shop *shop, int64_t now_us) {
    size_t kept = 0;
    for (size_t i = 0; i < shop->late_count; i++) {
        struct shop_late *late = &shop->late[i];
        struct shop_cell *cell = shop_cell(shop, late->place, late->product);
        if (late->at_us > now_us) {
            shop->late[kept++] = *late;
        } else if (!shop->compares || late->told_milli == cell->milli) {
            cell->milli = late->milli;
        }
    }
    shop->late_count = kept;
}

static inline void shop_apply(struct model_shop *shop, struct channel_item *item) {
    struct shop_cell *cell = shop_cell(shop, item->place, item->product);
    if (shop->compares && item->told_milli != CHANNEL_UNKNOWN_MILLI &&
        item->told_milli != cell->milli) {
        item->outcome = CHANNEL_STALE;
        item->actual_milli = cell->milli;
        return;
    }
    if (item->version < cell->version)
        fail_msg("an older figure was sent: version %llu after %llu",
                 (unsigned long long)item->version, (unsigned long long)cell->version);
    cell->milli = item->quantity_milli;
    cell->version = item->version;
    item->outcome = CHANNEL_CONFIRMED;
}

static inline void shop_apply_late(struct model_shop *shop, const struct channel_item *item) {
    if (shop->late_count < SHOP_LATE_MAX) {
        int64_t at_us = shop->now_us + (int64_t)shop_random(shop, 20) * US_PER_SECOND;
        shop->late[shop->late_count++] = (struct shop_late){
            item->place, item->product, item->quantity_milli, item->told_milli, at_us};
    }
}

static inline enum shop_fault shop_fault(struct model_shop *shop) {
    if (shop->script_count > 0) {
        enum shop_fault fault = shop->script[0];
        memmove(shop->script, shop->script + 1, --shop->script_count * sizeof *shop->script);
        return fault;
    }
    return shop->next_fault != NULL ? shop->next_fault(shop) : SHOP_FINE;
}

/* True: the call is at its end. */
static inline bool shop_fails(struct model_shop *shop, enum shop_fault fault,
                              struct channel_call *call) {
    static const enum channel_verdict verdicts[SHOP_FAULTS] = {
        [SHOP_NOT_REACHED] = CHANNEL_CALL_NOT_SENT, [SHOP_LOST] = CHANNEL_CALL_UNCERTAIN,
        [SHOP_APPLIED] = CHANNEL_CALL_UNCERTAIN,    [SHOP_APPLIED_LATE] = CHANNEL_CALL_UNCERTAIN,
        [SHOP_THROTTLED] = CHANNEL_CALL_THROTTLED,  [SHOP_UNAUTHORIZED] = CHANNEL_CALL_UNAUTHORIZED,
        [SHOP_GONE] = CHANNEL_CALL_STOPPED,
    };
    call->next_us = shop->next_us;
    if (fault == SHOP_FINE || fault == SHOP_PARTIAL)
        return false;
    call->verdict = verdicts[fault];
    snprintf(call->words, sizeof call->words, "fault %d", (int)fault);
    return true;
}

static inline bool shop_refuses(const struct model_shop *shop, struct channel_batch *batch,
                                struct channel_call *call) {
    for (size_t i = 0; i < batch->count; i++) {
        bool poison = batch->items[i].product == shop->poison || shop->refuses_all;
        if (poison && shop->refuses_whole_batches) {
            call->verdict = CHANNEL_CALL_REFUSED;
            snprintf(call->words, sizeof call->words, "somebody is poison");
            return true;
        }
    }
    return false;
}

static inline void shop_take(struct model_shop *shop, struct channel_item *item, bool partial) {
    uint64_t luck = partial ? shop_random(shop, 4) : 0;
    if (item->product == shop->poison) {
        item->outcome = CHANNEL_PARKED;
        item->words = TEXT("it is poison");
    } else if (item->product == shop->unknown) {
        item->outcome = CHANNEL_UNMAPPED;
    } else if (luck == 1) {
        item->outcome = CHANNEL_RETRY;
    } else if (luck == 2) {
        item->outcome = CHANNEL_UNANSWERED;
    } else {
        shop_apply(shop, item);
        item->outcome = luck == 3 ? CHANNEL_UNCERTAIN : item->outcome;
    }
}

static inline void shop_note_batch(struct model_shop *shop, const struct channel_batch *batch) {
    shop->now_us = batch->now_us;
    shop->sends++;
    shop->items += (unsigned)batch->count;
    shop->batch_largest = batch->count > shop->batch_largest ? batch->count : shop->batch_largest;
    memcpy(shop->key_before, shop->last_key, sizeof shop->last_key);
    memcpy(shop->last_key, batch->key, sizeof shop->last_key);
    shop->sent_count = batch->count < 16 ? batch->count : 16;
    for (size_t i = 0; i < batch->count; i++) {
        struct shop_cell *cell = shop_cell(shop, batch->items[i].place, batch->items[i].product);
        if (cell->in_doubt)
            fail_msg("sent again without being read: %.*s", TEXT_ARG(batch->items[i].sku));
    }
    for (size_t i = 0; i < shop->sent_count; i++) {
        shop->skus_sent[i] = batch->items[i].quantity_milli;
        shop->products_sent[i] = batch->items[i].product;
    }
}

/* Who is left without a word must come and read. */
static inline void shop_note_doubts(struct model_shop *shop, const struct channel_batch *batch,
                                    bool all) {
    for (size_t i = 0; i < batch->count; i++) {
        const struct channel_item *item = &batch->items[i];
        if (all || item->outcome == CHANNEL_UNANSWERED || item->outcome == CHANNEL_UNCERTAIN)
            shop_cell(shop, item->place, item->product)->in_doubt = true;
    }
}

static inline void shop_answer(struct model_shop *shop, struct channel_batch *batch,
                               struct channel_call *call) {
    enum shop_fault fault = shop_fault(shop);
    bool fails = shop_fails(shop, fault, call);
    if (fails && fault != SHOP_APPLIED && fault != SHOP_APPLIED_LATE)
        return;
    if (shop_refuses(shop, batch, call))
        return;
    for (size_t i = 0; i < batch->count; i++) {
        if (fault == SHOP_APPLIED_LATE)
            shop_apply_late(shop, &batch->items[i]);
        else
            shop_take(shop, &batch->items[i], fault == SHOP_PARTIAL);
    }
}

static inline void shop_send(void *state, struct channel_batch *batch, struct channel_call *call) {
    struct model_shop *shop = state;
    jmp_buf *crash = shop->crash;
    shop_note_batch(shop, batch);
    shop_settle_late(shop, batch->now_us);
    shop_answer(shop, batch, call);
    shop->crash = NULL;
    if (crash != NULL || call->verdict == CHANNEL_CALL_UNCERTAIN)
        shop_note_doubts(shop, batch, true);
    else if (call->verdict == CHANNEL_CALL_OK)
        shop_note_doubts(shop, batch, false);
    if (crash != NULL)
        longjmp(*crash, 1);
}

static inline void shop_read_back(void *state, struct channel_batch *batch,
                                  struct channel_call *call) {
    struct model_shop *shop = state;
    enum shop_fault fault = shop_fault(shop);
    shop->reads++;
    shop->now_us = batch->now_us;
    shop_settle_late(shop, batch->now_us);
    if (fault == SHOP_LOST || fault == SHOP_APPLIED || fault == SHOP_APPLIED_LATE)
        fault = SHOP_NOT_REACHED; /* a reading is never uncertain */
    if (shop_fails(shop, fault, call))
        return;
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *item = &batch->items[i];
        shop_cell(shop, item->place, item->product)->in_doubt = false;
        item->outcome = CHANNEL_CONFIRMED;
        item->actual_milli = shop_cell(shop, item->place, item->product)->milli;
        if (item->product == shop->unknown)
            item->outcome = CHANNEL_UNMAPPED;
    }
}

static const struct channel_platform platform_model = {
    .name = "model",
    .batch_max = 10,
    .open = shop_open,
    .close = shop_close,
    .send = shop_send,
    .read_back = shop_read_back,
};

/* ---- a world with a shop ---- */

struct shop_world {
    struct world *w;
    struct publisher *p;
    const struct channel_platform *platform;
    struct leases *leases; /* NULL: alone */
    unsigned sold;         /* events so far */
};

#define SHOP_YAML(more)                                                                            \
    "channels:\n"                                                                                  \
    "  - {name: shop, type: hotwax, url: 'https://shop.example', token: 'env:X', "                 \
    "locations: {L1: A, L2: B, L3: C}" more "}\n"

static inline void shop_world_publish(struct shop_world *s) {
    struct publisher_options options = {.hub = s->w->hub,
                                        .config = &s->w->config->channels[0],
                                        .platform = s->platform,
                                        .leases = s->leases,
                                        .jitter_seed = 7};
    ok(s->w, publisher_new(&options, &s->p, &s->w->error));
}

static inline struct shop_world shop_world_open(const char *yaml,
                                                const struct channel_platform *platform) {
    struct shop_world s = {.w = world_with(yaml), .platform = platform};
    log_configure(LOG_ERROR, false);
    memset(&the_shop, 0, sizeof the_shop);
    the_shop.random = 88172645463325252u;
    shop_world_publish(&s);
    return s;
}

static inline void shop_world_close(struct shop_world *s) {
    publisher_free(s->p);
    world_free(s->w);
}

/* The process ends without a word and begins again. */
static inline void shop_world_crash(struct shop_world *s) {
    publisher_free(s->p);
    world_restart(s->w);
    shop_world_publish(s);
}

static inline void shop_sell(struct shop_world *s, const char *location, const char *sku,
                             int64_t units) {
    char id[32];
    snprintf(id, sizeof id, "e%u", ++s->sold);
    struct adjustment_result result = post(s->w, line_of(id, location, sku, units));
    assert_int_equal(result.status, OUTCOME_APPLIED);
}

/* Steps for `us`, jumping from one thing to do to the next. */
static inline void shop_run(struct shop_world *s, int64_t us) {
    int64_t end_us = s->w->now_us + us;
    for (;;) {
        int64_t next_us = publisher_step(s->p);
        outbox_check(s->p->outbox);
        if (next_us >= end_us)
            break;
        if (next_us > s->w->now_us)
            s->w->now_us = next_us;
    }
    s->w->now_us = end_us;
}

static inline uint32_t shop_product(struct shop_world *s, const char *sku) {
    return catalog_find_product(hub_catalog(s->w->hub), TEXT("sku"), text_from(sku));
}

static inline uint32_t shop_place(struct shop_world *s, const char *location) {
    return places_of_location(s->p->places,
                              catalog_find_location(hub_catalog(s->w->hub), text_from(location)));
}

/* Units the shop shows. */
static inline int64_t shop_shows(struct shop_world *s, const char *location, const char *sku) {
    return shop_cell(&the_shop, shop_place(s, location), shop_product(s, sku))->milli / UNITS;
}

static inline struct outbox_view shop_view(struct shop_world *s, const char *location,
                                           const char *sku) {
    struct outbox_view view = {.told_milli = CHANNEL_UNKNOWN_MILLI};
    struct outbox_ref ref = {shop_place(s, location), shop_product(s, sku)};
    (void)outbox_look(s->p->outbox, ref, &view);
    return view;
}

#endif
