/* A table by number: numbers are dense and nothing is ever removed. */
#include "store/state_statements.h"

#include <stdlib.h>

static void make_room(struct statements *statements, uint32_t id) {
    if (id >= statements->capacity) {
        uint32_t capacity = 2 * id + 64;
        require(capacity > id);
        statements->heads = memory_grow(statements->heads, capacity * sizeof *statements->heads);
        statements->records =
            memory_grow(statements->records, capacity * sizeof *statements->records);
        statements->capacity = capacity;
    }
    for (; statements->limit <= id; statements->limit++) {
        statements->heads[statements->limit] = NULL;
        statements->records[statements->limit] = NULL;
    }
}

void statements_init(struct statements *statements) {
    *statements = (struct statements){0};
    make_room(statements, 0);
}

void statements_deinit(struct statements *statements) {
    for (uint32_t id = 0; id < statements->limit; id++) {
        if (statements->records[id] != NULL)
            free(statements->records[id]->excluded);
    }
    free(statements->heads);
    free(statements->records);
    arena_deinit(&statements->arena);
    *statements = (struct statements){0};
}

struct statement_record *statements_add(struct statements *statements,
                                        const struct journal_statement *from) {
    uint32_t id = from->head.id;
    require(id != 0 && statements_find(statements, id) == NULL);
    make_room(statements, id);
    struct statement_record *record = arena_alloc_zero(&statements->arena, sizeof *record);
    record->head = from->head;
    size_t size = from->head.through_count * sizeof *from->head.through;
    struct watermark *through = arena_alloc(&statements->arena, size + 1);
    if (size > 0)
        memcpy(through, from->head.through, size);
    record->head.through = through;
    record->reset = arena_copy(&statements->arena, from->reset);
    record->state = from->state;
    record->row_count = from->row_count;
    record->applied_seq = from->applied_seq;
    record->applied_at_us = from->applied_at_us;
    record->rolled_back_at_us = from->rolled_back_at_us;
    statements->records[id] = record;
    statements->heads[id] = &record->head;
    return record;
}
