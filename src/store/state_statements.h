/* Heads of all statements, in memory as long as the store: what cells' grounds are looked up in. */
#ifndef ONHAND_STORE_STATE_STATEMENTS_H
#define ONHAND_STORE_STATE_STATEMENTS_H

#include "base/arena.h"
#include "store/journal_internal.h"

struct statement_record {
    struct statement head;
    struct text reset;
    enum statement_state state;
    uint32_t row_count;
    uint64_t applied_seq;
    int64_t applied_at_us, rolled_back_at_us; /* NEVER_US */
    /* Products a names_absent statement does not name; read when first asked for, by the writer. */
    uint32_t *excluded;
    size_t excluded_count;
    bool excluded_known;
};

struct statements {
    const struct statement **heads; /* by id; [0] is NULL */
    struct statement_record **records;
    uint32_t limit, capacity; /* 1 + highest id */
    struct arena arena;       /* what the records hold */
};

void statements_init(struct statements *statements);
void statements_deinit(struct statements *statements);
/* Copies all it holds. The id must be free. */
struct statement_record *statements_add(struct statements *statements,
                                        const struct journal_statement *from);

static inline struct statement_record *statements_find(const struct statements *statements,
                                                       uint32_t id) {
    return id < statements->limit ? statements->records[id] : NULL;
}

/* It was applied and not taken out again: it may be a cell's ground. */
static inline bool statement_stands(const struct statement_record *record) {
    return record->applied_at_us != NEVER_US && record->rolled_back_at_us == NEVER_US;
}

#endif
