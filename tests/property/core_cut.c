/* The search for the cut, held against the rule itself: random books of a few cells, and for every
 * instant there is the statement is decided as of it by statement_decide, and the cells counted
 * that it would not correct. The best instants, the scores and the flags must come out the same.
 *
 * ONHAND_TEST_SCALE=percent scales the number of histories, ONHAND_SEED=N replays one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/cut.h"

#define HISTORIES 40000
#define PRODUCTS 6
#define INSTANTS 30 /* the last is now */
#define EVENTS_MAX 14

static uint64_t dice;

static unsigned below(unsigned limit) {
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((dice >> 33) % limit);
}

static struct cell page[CELLS_PER_PAGE];
static struct cell *pages[] = {page};
static struct statement grounds[3];
static const struct statement *statements[] = {NULL, &grounds[0], &grounds[1], &grounds[2]};
static struct movement movements[EVENTS_MAX];
static struct pending_movement pending[EVENTS_MAX];
static struct stated rows[PRODUCTS];
static size_t row_count;
static struct location_books books;
static struct watermark through;
static struct statement asked;
static struct cut_question question;
static struct cut_cell cells[CELLS_PER_PAGE];
static struct cut_event events[2 * EVENTS_MAX], spare[2 * EVENTS_MAX];
static uint32_t open_products[2 * EVENTS_MAX];
static struct cut cut;

/* How often the generator reached what the search is about. */
static struct {
    unsigned long found, ambiguous, sure, given, watermarked, acknowledged, nothing;
} reached;

static struct movement random_movement(void) {
    struct movement m = {.effective_at_us = below(INSTANTS),
                         .delta_milli = (int64_t)below(4) - 2,
                         .product = below(PRODUCTS)};
    if (m.delta_milli == 0)
        m.delta_milli = 1;
    if (below(6) == 0) {
        m.register_id = 1;
        m.register_sequence = below(4);
        reached.watermarked++;
    }
    return m;
}

static void random_books(void) {
    books = (struct location_books){.pages = pages,
                                    .page_count = 1,
                                    .movements = movements,
                                    .pending = pending,
                                    .statements = statements,
                                    .statement_count = 4};
    for (uint32_t i = 0; i < 3; i++)
        grounds[i] = (struct statement){
            .id = i + 1, .location = 1, .source = 1, .as_of_us = i == 0 ? 5 : below(12)};
    unsigned odd = below(3) == 0 ? 3 : 20; /* how often a cell stands on another ground */
    for (uint32_t p = 0; p < PRODUCTS; p++)
        page[p] = (struct cell){.on_hand_milli = (int64_t)below(5),
                                .head = 1,
                                .statement = below(odd) == 0 ? below(4) : 1};
    unsigned count = below(EVENTS_MAX + 1);
    for (unsigned i = 0; i < count; i++) {
        if (below(5) != 0) {
            movements[books.movement_count++] = random_movement();
            continue;
        }
        reached.acknowledged++;
        pending[books.pending_count++] = (struct pending_movement){
            .movement = random_movement(),
            .source = 1 + below(2),
            .standing = below(2) ? STANDS_UNTIL_ACKNOWLEDGED : STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS,
            .acknowledged_at_us = below(3) == 0 ? NEVER_US : (int64_t)below(INSTANTS + 5)};
    }
}

static void random_question(void) {
    row_count = 0;
    for (uint32_t p = 0; p < PRODUCTS; p++)
        if (below(8) != 0)
            rows[row_count++] = (struct stated){p, p + 1, (int64_t)below(5)};
    through = (struct watermark){1, below(4)};
    asked = (struct statement){
        .id = 4, .location = 1, .source = 1, .through = &through, .through_count = below(2)};
    question = (struct cut_question){.statement = &asked,
                                     .rows = rows,
                                     .row_count = row_count,
                                     .books = &books,
                                     .oldest_us = below(4) == 0 ? (int64_t)below(15) : INT64_MIN,
                                     .now_us = INSTANTS - 1,
                                     .given_us = below(2) ? NEVER_US : (int64_t)below(INSTANTS),
                                     .near_us = below(4)};
}

/* Of the compared cells those that the statement, as of `at_us`, would leave as they are. */
static void decide(int64_t at_us, bool agrees[PRODUCTS]) {
    static int64_t open_milli[CELLS_PER_PAGE];
    static struct cell_change changes[PRODUCTS + CELLS_PER_PAGE];
    struct statement_outcome outcome = {.changes = changes};
    struct statement at = asked;
    at.as_of_us = at_us;
    assert_int_equal(statement_decide(&at, rows, row_count, NULL, 0, &books, open_milli, &outcome),
                     STATUS_OK);
    memset(agrees, 0, PRODUCTS * sizeof *agrees);
    for (size_t i = 0; i < outcome.change_count; i++)
        agrees[changes[i].product] = changes[i].correction_milli == 0;
}

/* Stands on a ground that is not newer than the floor. */
static bool is_compared(uint32_t product, int64_t floor_us) {
    bool stated = false;
    for (size_t i = 0; i < row_count; i++)
        stated |= rows[i].product == product;
    uint32_t ground = page[product].statement;
    return stated && ground != 0 && statements[ground]->as_of_us <= floor_us;
}

static int64_t naive_floor(void) {
    int64_t newest_us = NEVER_US;
    size_t standing = 0, votes[4] = {0};
    for (size_t i = 0; i < row_count; i++) {
        uint32_t ground = page[rows[i].product].statement;
        if (ground == 0)
            continue;
        standing++;
        votes[ground]++;
        int64_t us = statements[ground]->as_of_us;
        newest_us = newest_us == NEVER_US || us > newest_us ? us : newest_us;
    }
    for (unsigned g = 1; g < 4; g++)
        if (2 * votes[g] > standing)
            newest_us = statements[g]->as_of_us;
    if (newest_us == NEVER_US)
        return NEVER_US;
    return newest_us > question.oldest_us ? newest_us : question.oldest_us;
}

/* Whether what the statement covers of the cell is not the same at all instants. */
static bool is_moved(uint32_t product, int64_t floor_us) {
    struct statement first = asked, last = asked;
    first.as_of_us = floor_us;
    last.as_of_us = question.now_us;
    bool moved = false;
    for (size_t i = 0; i < books.movement_count; i++)
        if (movements[i].product == product)
            moved |= statement_covers_movement(&first, &movements[i]) !=
                     statement_covers_movement(&last, &movements[i]);
    for (size_t i = 0; i < books.pending_count; i++)
        if (pending[i].movement.product == product)
            moved |= statement_covers_pending(&first, &pending[i]) !=
                     statement_covers_pending(&last, &pending[i]);
    return moved;
}

static void compare(uint64_t seed) {
    int64_t floor_us = naive_floor();
    size_t score[INSTANTS] = {0}, total[INSTANTS] = {0}, best = 0, moved = 0, runner_up = 0;
    for (uint32_t p = 0; floor_us != NEVER_US && p < PRODUCTS; p++)
        moved += is_compared(p, floor_us) && is_moved(p, floor_us);
    if (moved == 0) {
        reached.nothing++;
        if (cut.events != 0)
            fail_msg("seed %llu: events where nothing moved", (unsigned long long)seed);
        return;
    }
    for (int64_t at = floor_us; at < INSTANTS; at++) {
        bool agrees[PRODUCTS];
        decide(at, agrees);
        for (uint32_t p = 0; p < PRODUCTS; p++) {
            bool good = agrees[p] && is_compared(p, floor_us);
            total[at] += good;
            score[at] += good && is_moved(p, floor_us);
        }
        best = score[at] > best ? score[at] : best;
    }
    size_t longest = 0;
    bool given_is_best = question.given_us != NEVER_US && question.given_us >= floor_us &&
                         score[question.given_us] == best;
    for (int64_t at = floor_us, run = floor_us; at < INSTANTS; at++) {
        run = score[at] == best ? run : at + 1;
        longest = score[at] == best && (size_t)(at + 1 - run) > longest ? (size_t)(at + 1 - run)
                                                                        : longest;
    }
    bool fine = cut.floor_us == floor_us && cut.moved == moved && cut.moved_agreeing == best &&
                cut.from_us <= cut.at_us && cut.at_us < cut.to_us && cut.to_us <= INSTANTS;
    for (int64_t at = floor_us; at < INSTANTS && fine; at++) {
        bool inside = at >= cut.from_us && at < cut.to_us;
        bool beside = at == cut.from_us - 1 || at == cut.to_us;
        fine &= !inside || (score[at] == best && total[at] == cut.agreeing);
        fine &= !beside || score[at] < best; /* the run is whole */
        if (at < cut.from_us - question.near_us || at >= cut.to_us + question.near_us)
            runner_up = score[at] > runner_up ? score[at] : runner_up;
    }
    fine &= cut.holds_given == given_is_best;
    fine &= given_is_best ? question.given_us >= cut.from_us && question.given_us < cut.to_us
                          : (size_t)(cut.to_us - cut.from_us) == longest;
    fine &= cut.runner_up == runner_up && cut.ambiguous == (runner_up == best);
    fine &= cut.thin == (best < 3 || 2 * best < moved);
    if (!fine)
        fail_msg("seed %llu: floor %lld best %zu runner-up %zu of %zu: found [%lld, %lld) %zu %zu",
                 (unsigned long long)seed, (long long)floor_us, best, runner_up, moved,
                 (long long)cut.from_us, (long long)cut.to_us, cut.moved_agreeing, cut.runner_up);
    reached.found++;
    reached.ambiguous += cut.ambiguous;
    reached.sure += !cut.ambiguous && !cut.thin;
    reached.given += cut.holds_given;
}

static void run(uint64_t seed) {
    dice = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    random_books();
    random_question();
    cut_find(&question, &(struct cut_room){cells, events, spare, open_products}, &cut);
    compare(seed);
    for (size_t i = 0; i < CELLS_PER_PAGE; i++)
        assert_true(cells[i].rest_milli == 0 && !cells[i].compared && !cells[i].moved);
}

static void test_against_the_rule(void **state) {
    (void)state;
    const char *one = getenv("ONHAND_SEED"), *scale = getenv("ONHAND_TEST_SCALE");
    if (one != NULL) {
        run(strtoull(one, NULL, 10));
        return;
    }
    uint64_t count = HISTORIES * (scale != NULL ? strtoull(scale, NULL, 10) : 100) / 100;
    for (uint64_t seed = 1; seed <= count + 1000; seed++)
        run(seed);
    assert_true(reached.found > 500 && reached.ambiguous > 10 && reached.sure > 10);
    assert_true(reached.given > 10 && reached.nothing > 10);
    assert_true(reached.watermarked > 10 && reached.acknowledged > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_the_rule)};
    return cmocka_run_group_tests_name("property/core_cut", tests, NULL, NULL);
}
