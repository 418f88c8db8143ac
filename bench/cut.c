/* Telling when a file was cut from its own figures: one location of 20,000 products, 5,000
 * movements since its last reset and 30,000 older ones that memory still holds. The work it is held
 * against is what a reset does with the same location anyway: packing its rows and deciding it. */
#include "bench.h"

#include "core/cut.h"
#include "store/store.h"

#define PRODUCTS 20000u
#define EVENTS 5000u
#define OLDER 30000u
#define ROUNDS 200u

static struct cell *pages[PRODUCTS / CELLS_PER_PAGE + 1];
static struct movement movements[OLDER + EVENTS];
static struct stated rows[PRODUCTS];
static struct statement ground = {.id = 1, .location = 1, .source = 1, .as_of_us = 1000000};
static const struct statement *statements[] = {NULL, &ground};

static uint64_t draw(void) {
    static uint64_t state = 7;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return state >> 33;
}

static void sell(size_t at, int64_t at_us, bool in_file) {
    uint32_t product = 1 + (uint32_t)(draw() % PRODUCTS);
    movements[at] = (struct movement){
        .effective_at_us = at_us, .delta_milli = -1000, .seq = at + 1, .product = product};
    if (at_us <= ground.as_of_us)
        return;
    pages[product / CELLS_PER_PAGE][product % CELLS_PER_PAGE].on_hand_milli -= 1000;
    rows[product - 1].quantity_milli -= in_file ? 1000 : 0;
}

static struct location_books make_books(void) {
    uint32_t page_count = PRODUCTS / CELLS_PER_PAGE + 1;
    for (uint32_t i = 0; i < page_count; i++)
        pages[i] = memory_alloc_zero(CELLS_PER_PAGE, sizeof **pages);
    for (uint32_t p = 1; p <= PRODUCTS; p++) {
        pages[p / CELLS_PER_PAGE][p % CELLS_PER_PAGE] =
            (struct cell){.on_hand_milli = 50000, .head = 1, .statement = 1};
        rows[p - 1] = (struct stated){p, p + 1, 50000};
    }
    for (size_t i = 0; i < OLDER; i++)
        sell(i, (int64_t)i, false);
    for (size_t i = 0; i < EVENTS; i++)
        sell(OLDER + i, ground.as_of_us + 1 + (int64_t)i, i < EVENTS / 2);
    return (struct location_books){.pages = pages,
                                   .page_count = page_count,
                                   .movements = movements,
                                   .movement_count = OLDER + EVENTS,
                                   .statements = statements,
                                   .statement_count = 2};
}

/* Microseconds of one search. */
static double time_search(const struct location_books *books, const struct statement *asked) {
    size_t count = books->movement_count;
    struct cut_room room = {
        .cells = memory_alloc_zero((size_t)books->page_count * CELLS_PER_PAGE, sizeof *room.cells),
        .events = memory_alloc(count * sizeof *room.events),
        .spare = memory_alloc(count * sizeof *room.spare),
        .open = memory_alloc(count * sizeof *room.open)};
    struct cut_question question = {.statement = asked,
                                    .rows = rows,
                                    .row_count = PRODUCTS,
                                    .books = books,
                                    .oldest_us = 0,
                                    .now_us = ground.as_of_us + EVENTS + 10,
                                    .given_us = NEVER_US};
    struct cut cut;
    int64_t start_us = monotonic_us();
    for (unsigned i = 0; i < ROUNDS; i++)
        cut_find(&question, &room, &cut);
    double us = (double)(monotonic_us() - start_us) / ROUNDS;
    if (cut.from_us != ground.as_of_us + EVENTS / 2)
        bench_fail("the wrong instant", NULL);
    free(room.cells);
    free(room.events);
    free(room.spare);
    free(room.open);
    return us;
}

static double time_reset(const struct location_books *books, const struct statement *asked) {
    size_t cells = (size_t)books->page_count * CELLS_PER_PAGE;
    int64_t *open_milli = memory_alloc_zero(cells, sizeof *open_milli);
    struct statement_outcome outcome = {.changes = memory_alloc(cells * sizeof *outcome.changes)};
    int64_t start_us = monotonic_us();
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct buffer packed = {0};
        store_pack_rows(rows, PRODUCTS, NULL, 0, &packed);
        if (statement_decide(asked, rows, PRODUCTS, NULL, 0, books, open_milli, &outcome) !=
            STATUS_OK)
            bench_fail("deciding", NULL);
        buffer_deinit(&packed);
    }
    double us = (double)(monotonic_us() - start_us) / ROUNDS;
    free(open_milli);
    free(outcome.changes);
    return us;
}

int main(void) {
    struct location_books books = make_books();
    struct statement asked = {
        .id = 2, .location = 1, .source = 1, .as_of_us = ground.as_of_us + EVENTS / 2};
    (void)time_search(&books, &asked);
    double reset_us = time_reset(&books, &asked);
    double search_us = time_search(&books, &asked);
    bench_report("cut_20000_rows_5000_events", search_us, "us", reset_us,
                 "ratio <= 1: no slower than packing and deciding the location");
    for (uint32_t i = 0; i < books.page_count; i++)
        free(pages[i]);
    return 0;
}
