/* Random histories of a few cells: what stores, shops and files may say about them, in every
 * mixture and order. From a seed, so that what failed once can be looked at again. Small on
 * purpose: with few cells, instants and numbers, everything meets everything. */
#ifndef TESTS_LIB_HISTORY_H
#define TESTS_LIB_HISTORY_H

#include "core/statement.h"

#define HISTORY_STEPS 28 /* at most */
#define HISTORY_LOCATIONS 2
#define HISTORY_PRODUCTS 5
#define HISTORY_SOURCES 3
#define HISTORY_DOCUMENTS 4
#define HISTORY_ORDERS 3
#define HISTORY_REGISTERS 2
#define HISTORY_INSTANTS 40 /* times of arrival and effect: 0 to 39 us */

/* The last of a page, the first of the next, and one whose page does not exist at first. */
extern const uint32_t history_products[HISTORY_PRODUCTS];
/* The first of each is the empty text. */
extern const char *const history_documents[HISTORY_DOCUMENTS];
extern const char *const history_orders[HISTORY_ORDERS];

enum step_kind { STEP_EVENT, STEP_ACKNOWLEDGE, STEP_STATE, STEP_ROLL_BACK };

struct step {
    enum step_kind kind;
    struct event event; /* STEP_ACKNOWLEDGE: source, document, occurred_at (of it), received_at */
    char id[8];
    unsigned target;            /* STEP_ROLL_BACK: the step it takes out */
    struct statement statement; /* without id and through */
    struct watermark through[HISTORY_REGISTERS];
    struct stated rows[HISTORY_PRODUCTS];
    uint32_t excluded[HISTORY_PRODUCTS];
    size_t row_count, excluded_count;
};

/* Not to be copied: the events' ids are texts in their own steps. */
struct history {
    uint64_t seed;
    struct step steps[HISTORY_STEPS];
    unsigned count;
    bool order_matters; /* says the same thing twice in different words */
};

void history_random(struct history *history_out, uint64_t seed);
void history_print(const struct history *history); /* on stderr */

/* The dice, which history_random leaves in a state that the seed decides. */
unsigned random_below(unsigned limit);
bool random_chance(unsigned percent);

#endif
