/* Documents of Prism in any order, pushed and polled, once or many times, early or late, cut into
 * any batches: the cells end where a naive sum of what each document moves says, and whatever order
 * they came in.
 *
 * Documents are sales, returns, exchanges and send-sales, held, deposits, cancelled before or after
 * they were completed; a cancelled one is told of as it was and as it is, in any order.
 * ONHAND_TEST_SCALE=percent scales the number of worlds; ONHAND_SEED=N replays one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/prism_world.h"

#define WORLDS 150u
#define ORDERS 3u
#define STORES 3u
#define PRODUCTS 4u
#define DOCUMENTS_MAX 24u
#define LINES_MAX 4u
#define TELLINGS_MAX (DOCUMENTS_MAX * 5u)

struct line {
    unsigned product, target, item_type, kit_flag;
    int quantity_milli;
};

enum fate { COMPLETED, HELD, CANCELLED_FIRST, CANCELLED_LATER, DEPOSIT, FATES };

struct document {
    unsigned store, line_count;
    enum fate fate;
    struct line lines[LINES_MAX];
};

/* One time that a document is told of: as it is, or (cancelled later) as it was before. */
struct telling {
    unsigned document;
    bool is_before, is_backoffice, is_pushed;
};

static uint64_t seed_state;

static unsigned pick(unsigned count) {
    seed_state ^= seed_state << 13;
    seed_state ^= seed_state >> 7;
    seed_state ^= seed_state << 17;
    return (unsigned)((seed_state >> 33) % count);
}

static struct document documents[DOCUMENTS_MAX];
static unsigned document_count;
static struct telling tellings[TELLINGS_MAX];
static unsigned telling_count;

static void make_world(void) {
    document_count = 1 + pick(DOCUMENTS_MAX);
    telling_count = 0;
    for (unsigned i = 0; i < document_count; i++) {
        struct document *d = &documents[i];
        *d = (struct document){.store = pick(STORES), .line_count = 1 + pick(LINES_MAX)};
        d->fate = pick(2) == 0 ? COMPLETED : (enum fate)pick(FATES);
        for (unsigned k = 0; k < d->line_count; k++)
            d->lines[k] = (struct line){.product = pick(PRODUCTS),
                                        .target = pick(4) == 0 ? pick(STORES) : d->store,
                                        .item_type = 1 + pick(3),
                                        .kit_flag = pick(5) == 0 ? 1 + pick(3) : 0,
                                        .quantity_milli = (int)pick(9) * 250 - 250};
        for (unsigned n = 1 + pick(4); n > 0; n--)
            tellings[telling_count++] =
                (struct telling){.document = i,
                                 .is_before = d->fate == CANCELLED_LATER && n > 1 && pick(2) == 0,
                                 .is_backoffice = pick(2) == 0,
                                 .is_pushed = pick(2) == 0};
    }
}

/* ---- as Prism writes it ---- */

static void write_line(struct buffer *out, const struct line *line, unsigned document, unsigned k,
                       bool short_names) {
    buffer_append_format(
        out,
        short_names ? "%s{'sid':'6%05u%02u','itemtype':%u,'kitflag':%u,'quantity':%.3f,"
                      "'fulfillstoresid':'80%u','invnsbsitemsid':'90%u','alu':'A%u'}"
                    : "%s{'sid':6%05u%02u,'item_type':%u,'kit_flag':%u,'quantity':%.3f,"
                      "'fulfill_store_sid':80%u,'invn_sbs_item_sid':90%u,'scan_upc':'777%u'}",
        k > 0 ? "," : "", document, k, line->item_type, line->kit_flag,
        (double)line->quantity_milli / 1000, line->target, line->product, line->product);
}

static void write_document(struct buffer *out, const struct telling *t) {
    const struct document *d = &documents[t->document];
    bool is_cancelled = d->fate == CANCELLED_FIRST || (d->fate == CANCELLED_LATER && !t->is_before);
    bool is_posted = d->fate != HELD && d->fate != CANCELLED_FIRST;
    buffer_append_format(
        out,
        t->is_backoffice ? "{'sid':'5%05u','documentnumber':'%u','status':%d,'isheld':%s,"
                           "'receipttype':%d,'storesid':'80%u','storecode':'S%u',"
                           "'modifieddatetime':'2026-07-2%uT12:00:00+02:00',"
                         : "{'sid':5%05u,'document_number':%u,'status':%d,'is_held':%s,"
                           "'receipt_type':%d,'store_uid':80%u,'store_code':'S%u',"
                           "'modified_datetime':'2026-07-2%uT10:00:00.000Z',",
        t->document, t->document + 1, is_cancelled ? 2 : 4, d->fate == HELD ? "true" : "false",
        d->fate == DEPOSIT ? 2 : 0, d->store, d->store, t->document % 9);
    if (is_posted)
        buffer_append_format(out, "'%s':'2026-07-2%uT0%u:00:00Z',",
                             t->is_backoffice ? "invoiceposteddate" : "invoice_posted_date",
                             t->document % 9, t->document % 10);
    buffer_append_format(out, "'%s':[", t->is_backoffice ? "docitem" : "items");
    for (unsigned k = 0; k < d->line_count; k++)
        write_line(out, &d->lines[k], t->document, k, t->is_backoffice);
    buffer_append_string(out, "]}");
}

/* ---- what must come of it ---- */

static void expect(int64_t cells[STORES][PRODUCTS]) {
    memset(cells, 0, sizeof(int64_t) * STORES * PRODUCTS);
    for (unsigned i = 0; i < document_count; i++) {
        const struct document *d = &documents[i];
        for (unsigned k = 0; k < d->line_count && d->fate == COMPLETED; k++) {
            const struct line *line = &d->lines[k];
            int sign = line->item_type == 1 ? -1 : line->item_type == 2 ? 1 : 0;
            if (line->kit_flag != 2 && line->kit_flag != 3)
                cells[line->target][line->product] += sign * line->quantity_milli;
        }
    }
}

/* Cancelled later, and told only as it was before: then it is a sale as far as anybody knows. */
static void settle_untold(void) {
    for (unsigned i = 0; i < document_count; i++) {
        bool told_after = documents[i].fate != CANCELLED_LATER;
        for (unsigned t = 0; t < telling_count; t++)
            told_after |= tellings[t].document == i && !tellings[t].is_before;
        assert_true(told_after); /* the last telling is never of before */
    }
}

static void shuffle(void) {
    for (unsigned i = telling_count; i > 1; i--) {
        unsigned k = pick(i);
        struct telling swap = tellings[i - 1];
        tellings[i - 1] = tellings[k];
        tellings[k] = swap;
    }
}

/* The stores and products are known beforehand: which name came first is another test's. */
static void introduce(struct prism_world *w) {
    struct buffer out = {0};
    for (unsigned i = 0; i < (STORES > PRODUCTS ? STORES : PRODUCTS); i++)
        buffer_append_format(&out,
                             "%s{'sid':'4%u','status':4,'receipt_type':0,'store_uid':'80%u',"
                             "'store_code':'S%u','invoice_posted_date':'2026-07-01T00:00:00Z',"
                             "'items':[{'sid':'3%u','item_type':1,'quantity':1,"
                             "'invn_sbs_item_sid':'90%u','scan_upc':'777%u','alu':'A%u'}]}",
                             i > 0 ? "," : "[", i, i % STORES, i % STORES, i, i % PRODUCTS,
                             i % PRODUCTS, i % PRODUCTS);
    buffer_append_string(&out, "]");
    prism_world_take(w, PRISM_POLLED, out.data);
    buffer_deinit(&out);
}

static void tell_all(struct prism_world *w) {
    for (unsigned from = 0; from < telling_count;) {
        unsigned count = 1 + pick(5);
        struct buffer out = {0};
        enum prism_way way = tellings[from].is_pushed ? PRISM_PUSHED : PRISM_POLLED;
        for (unsigned i = from; i < from + count && i < telling_count; i++) {
            buffer_append_string(&out, i > from ? "," : "[");
            write_document(&out, &tellings[i]);
        }
        buffer_append_string(&out, "]");
        prism_world_take(w, way, out.data);
        for (size_t i = 0; i < w->taken.count; i++)
            if (strcmp(w->taken.results[i].status, "parked") == 0 ||
                strcmp(w->taken.results[i].status, "rejected") == 0)
                fail_msg("%s: %.*s", out.data, TEXT_ARG(w->taken.results[i].detail));
        buffer_deinit(&out);
        arena_reset(&w->arena);
        from += count;
    }
}

static void read_cells(struct prism_world *w, int64_t cells[STORES][PRODUCTS]) {
    for (unsigned s = 0; s < STORES; s++)
        for (unsigned p = 0; p < PRODUCTS; p++) {
            char store[8], sid[8];
            (void)snprintf(store, sizeof store, "S%u", s);
            (void)snprintf(sid, sizeof sid, "90%u", p);
            cells[s][p] = prism_world_on_hand(w, store, "sid", sid);
        }
}

static void any_order_gives_the_same_cells(void **state) {
    const char *scale = getenv("ONHAND_TEST_SCALE"), *only = getenv("ONHAND_SEED");
    unsigned worlds = scale != NULL ? WORLDS * (unsigned)atoi(scale) / 100 : WORLDS;
    (void)state;
    for (unsigned n = 0; n < (worlds > 0 ? worlds : 1); n++) {
        uint64_t seed = only != NULL ? strtoull(only, NULL, 10) : n + 1;
        int64_t expected[STORES][PRODUCTS], before[STORES][PRODUCTS], after[STORES][PRODUCTS];
        seed_state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
        make_world();
        settle_untold();
        expect(expected);
        for (unsigned order = 0; order < ORDERS; order++) {
            struct prism_world w;
            prism_world_open(&w, "memory:", "", "");
            introduce(&w);
            read_cells(&w, before);
            shuffle();
            tell_all(&w);
            read_cells(&w, after);
            for (unsigned s = 0; s < STORES; s++)
                for (unsigned p = 0; p < PRODUCTS; p++)
                    if (after[s][p] - before[s][p] != expected[s][p])
                        fail_msg("seed %llu, order %u: S%u, product %u is %lld and not %lld",
                                 (unsigned long long)seed, order, s, p,
                                 (long long)(after[s][p] - before[s][p]),
                                 (long long)expected[s][p]);
            prism_world_close(&w);
        }
        if (only != NULL)
            return;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_gives_the_same_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
