/* A keeper of books: the smallest hub there can be, for tests of stores. It decides with the real
 * core, asserts that the store accepts it, and tells the naive model the same. One thread. */
#ifndef ONHAND_TESTS_LIB_KEEPER_H
#define ONHAND_TESTS_LIB_KEEPER_H

#include "lib/naive.h"
#include "store/store.h"

struct keeper {
    char *uri;
    struct store_options options;
    struct store *store;
    struct naive *model;
    int64_t now_us;     /* the store's clock too */
    struct arena arena; /* what the model borrows */
};

struct keeper *keeper_new(const char *uri);
void keeper_free(struct keeper *keeper); /* closes */
void keeper_reopen(struct keeper *keeper);
void keeper_set_window(struct keeper *keeper, int64_t window_us); /* from the next opening on */

/* An event at now_us: a sale of one unit of product 1 at location 1 by source 1, standing until
 * reset, without id; change what matters. */
struct event keeper_event(const struct keeper *keeper);

struct kept {
    struct event_outcome outcome; /* DUPLICATE too */
    uint64_t seq;                 /* of the first, for a duplicate */
};

/* Within an open transaction. An acknowledging event must be the last of its group. */
void keeper_write(struct keeper *keeper, const struct event *events, size_t count,
                  struct kept *kept_out);
void keeper_begin(struct keeper *keeper);
void keeper_commit(struct keeper *keeper);
/* Begins, writes one, commits. */
struct kept keeper_post(struct keeper *keeper, const struct event *event);
/* In a transaction of its own unless one is open. */
void keeper_acknowledge(struct keeper *keeper, uint32_t source, const char *document,
                        int64_t at_us);
/* Keeps and applies; returns its number. Rows and excluded are copied. */
uint32_t keeper_state(struct keeper *keeper, const struct statement *statement,
                      const struct stated *rows, size_t row_count, const uint32_t *excluded,
                      size_t excluded_count, struct statement_outcome *outcome_out);
void keeper_roll_back(struct keeper *keeper, uint32_t statement);

/* Fails the test where a cell, its existence aside, is not what the model says. */
void keeper_check(struct keeper *keeper, uint32_t location, uint32_t product);
/* Fails when verify finds a difference. */
void keeper_verify(struct keeper *keeper);
/* Fails unless the status is OK. */
void keeper_expect_ok(enum status status, const struct error *error);

#endif
