/* The naive model: everything that was ever said, kept in lists, and every figure recomputed from
 * them by the sentences of the rule. It knows nothing of how Onhand does it and shares no code with
 * it (only its plain data types), so what the two agree on is right or wrong for two reasons.
 *
 * Texts, rows and watermarks are borrowed: they must live as long as the model. */
#ifndef TESTS_LIB_NAIVE_H
#define TESTS_LIB_NAIVE_H

#include "core/statement.h"

struct naive;

struct naive *naive_new(void);
void naive_free(struct naive *model);
void naive_clear(struct naive *model); /* forgets everything */

/* Returns false when the same (source, id) was heard before: then nothing was added. An event with
 * `acknowledges` is an acknowledgement too, as of when it takes effect. */
bool naive_add_event(struct naive *model, const struct event *event);
void naive_acknowledge(struct naive *model, uint32_t source, struct text document,
                       int64_t acknowledged_at_us, int64_t received_at_us);
void naive_add_statement(struct naive *model, const struct statement *statement,
                         const struct stated *rows, size_t row_count, const uint32_t *excluded,
                         size_t excluded_count, int64_t applied_at_us);
void naive_roll_back(struct naive *model, uint32_t statement, int64_t rolled_back_at_us);

struct naive_figures {
    int64_t on_hand_milli, reserved_milli;
    uint32_t statement; /* the ground; 0: none */
};

/* What stood at `at_us` as known at `known_at_us`; NEVER_US: no limit. */
struct naive_figures naive_cell(const struct naive *model, uint32_t location, uint32_t product,
                                int64_t at_us, int64_t known_at_us);

#endif
