/* Taking in what other hubs appended: everything between what this hub knows and the row of the
 * turn as it was last read, a bounded part at a time, asked for in one pipeline. What the turn says
 * has not been touched is not asked for: under load that leaves the rows of the ledger. */
#include <stdlib.h>

#include "store/journal_postgres_internal.h"

#define SEQ_PER_PART 32768u
#define NO_LIMIT (INT64_C(1) << 40)

/* From where to where, within one chapter. */
struct part {
    int16_t bucket;
    uint64_t after_seq, limit_seq, end_seq; /* of rows and corrections: this time, in all */
    uint64_t after_batch, end_batch;        /* of names, documents and states */
    uint64_t after_statement, end_statement;
    bool rows, corrections, statements, states, names, items;
};

static struct part next_part(struct journal *journal, uint64_t after_seq) {
    const struct turn *turn = &journal->turn;
    struct known known = journal_known(journal);
    struct part part = {.bucket = chapter_bucket(known.chapter),
                        .after_seq = after_seq,
                        .end_seq = turn->last_seq,
                        .after_batch = journal->others_batch,
                        .end_batch = turn->batch,
                        .after_statement = known.statement,
                        .end_statement = turn->last_statement};
    bool old = known.chapter < turn->chapter;
    if (old) {
        struct chapter next = journal_chapter(journal, known.chapter + 1);
        part.end_seq = next.opened_seq;
        part.end_batch = next.opened_batch;
        part.end_statement = next.opened_statement;
    }
    part.limit_seq =
        part.end_seq - after_seq > SEQ_PER_PART ? after_seq + SEQ_PER_PART : part.end_seq;
    bool batches = part.after_batch < part.end_batch;
    part.rows = after_seq < part.end_seq;
    part.corrections = part.rows && (old || turn->correction_seq > after_seq);
    part.statements = part.after_statement < part.end_statement;
    part.states = batches && (old || turn->statement_batch > part.after_batch);
    part.names = batches && (old || turn->name_batch > part.after_batch);
    part.items = batches && (old || turn->item_batch > part.after_batch);
    return part;
}

static void ask(struct pg_connection *connection, enum sql sql, int16_t bucket, uint64_t after,
                uint64_t end, bool limited) {
    struct parameters p = {.count = 0};
    parameter_i16(&p, bucket);
    parameter_i64(&p, (int64_t)after);
    if (sql == SQL_SCAN_NAMES)
        parameter_i32(&p, INT32_MAX);
    parameter_i64(&p, (int64_t)end);
    if (limited)
        parameter_i64(&p, NO_LIMIT);
    pg_send(connection, sql, &p);
}

/* ---- answers into the delta ---- */

struct collector {
    struct journal_delta *delta;
    size_t row_room;
};

static bool collect_row(void *context, const struct journal_row *row) {
    struct collector *collector = context;
    struct journal_delta *delta = collector->delta;
    require(delta->row_count < collector->row_room);
    delta->rows[delta->row_count++] = *row;
    delta->through_seq = row->seq;
    return true;
}

static struct text keep(struct arena *arena, struct text text) {
    return text.length > 0 ? arena_copy(arena, text) : (struct text){"", 0};
}

/* The texts of rows point into the groups, which therefore are copied. */
static enum status take_rows(const PGresult *result, struct journal_delta *delta,
                             struct error *error) {
    struct collector collector = {.delta = delta};
    enum status status = STATUS_OK;
    bool stopped;
    for (int i = 0; i < PQntuples(result); i++)
        collector.row_room += (size_t)pg_i32(result, i, 1);
    delta->rows = arena_alloc(&delta->arena, (collector.row_room + 1) * sizeof *delta->rows);
    for (int i = 0; i < PQntuples(result) && status == STATUS_OK; i++)
        status = group_rows(result, i, 0, &delta->arena, collect_row, &collector, &stopped, error);
    return status;
}

static void take_corrections(const PGresult *result, struct journal_delta *delta) {
    delta->correction_count = (size_t)PQntuples(result);
    delta->corrections =
        arena_alloc(&delta->arena, (delta->correction_count + 1) * sizeof *delta->corrections);
    for (int i = 0; i < PQntuples(result); i++) {
        struct journal_correction *correction = &delta->corrections[i];
        correction_from(result, i, correction);
        correction->packed = arena_copy(&delta->arena, correction->packed);
        uint64_t last = correction->first_seq + correction->corrected_count;
        if (last > delta->through_seq)
            delta->through_seq = last;
    }
}

static enum status take_statements(const PGresult *result, struct journal_delta *delta,
                                   struct error *error) {
    enum status status = STATUS_OK;
    delta->statement_count = (size_t)PQntuples(result);
    delta->statements =
        arena_alloc(&delta->arena, (delta->statement_count + 1) * sizeof *delta->statements);
    for (int i = 0; i < PQntuples(result) && status == STATUS_OK; i++)
        status = statement_from(result, i, &delta->arena, &delta->statements[i], error);
    return status;
}

static void take_states(const PGresult *result, struct journal_delta *delta) {
    delta->state_count = (size_t)PQntuples(result);
    delta->states =
        arena_alloc_zero(&delta->arena, (delta->state_count + 1) * sizeof *delta->states);
    for (int i = 0; i < PQntuples(result); i++) {
        delta->states[i].head.id = (uint32_t)pg_i64(result, i, 0);
        state_from(result, i, &delta->states[i]);
    }
}

static void take_names(const PGresult *result, struct journal_delta *delta) {
    delta->name_count = (size_t)PQntuples(result);
    delta->names = arena_alloc(&delta->arena, (delta->name_count + 1) * sizeof *delta->names);
    for (int i = 0; i < PQntuples(result); i++)
        delta->names[i] =
            (struct journal_name){.kind = (enum journal_name_kind)pg_i32(result, i, 2),
                                  .number = (uint32_t)pg_i64(result, i, 3),
                                  .type = keep(&delta->arena, pg_bytes(result, i, 4)),
                                  .value = keep(&delta->arena, pg_bytes(result, i, 5))};
}

static void take_items(const PGresult *result, struct journal_delta *delta) {
    delta->item_count = (size_t)PQntuples(result);
    delta->items = arena_alloc(&delta->arena, (delta->item_count + 1) * sizeof *delta->items);
    for (int i = 0; i < PQntuples(result); i++)
        delta->items[i] =
            (struct journal_item){.kind = keep(&delta->arena, pg_bytes(result, i, 0)),
                                  .key = keep(&delta->arena, pg_bytes(result, i, 1)),
                                  .value = keep(&delta->arena, pg_bytes(result, i, 2)),
                                  .deleted = PQgetisnull(result, i, 2) == 1};
}

/* In the order in which they were asked for. */
static enum status take_all(const struct part *part, PGresult *const *results,
                            struct journal_delta *delta, struct error *error) {
    enum status status = STATUS_OK;
    if (part->rows)
        status = take_rows(*results++, delta, error);
    if (part->corrections)
        take_corrections(*results++, delta);
    if (status == STATUS_OK && part->statements)
        status = take_statements(*results, delta, error);
    results += part->statements;
    if (part->states)
        take_states(*results++, delta);
    if (part->names)
        take_names(*results++, delta);
    if (part->items)
        take_items(*results, delta);
    return status;
}

static enum status fetch(struct journal *journal, const struct part *part,
                         struct journal_delta *delta, struct error *error) {
    struct pg_connection *writer = &journal->writer;
    PGresult *results[6] = {NULL};
    size_t count = (size_t)part->rows + part->corrections + part->statements + part->states +
                   part->names + part->items;
    writer->failure = FAILURE_NONE;
    if (part->rows)
        ask(writer, SQL_SCAN_GROUPS, part->bucket, part->after_seq, part->limit_seq, true);
    if (part->corrections)
        ask(writer, SQL_SCAN_CORRECTIONS, part->bucket, part->after_seq, part->limit_seq, true);
    if (part->statements)
        ask(writer, SQL_SCAN_STATEMENTS, part->bucket, part->after_statement, part->end_statement,
            true);
    if (part->states)
        ask(writer, SQL_SCAN_STATES, part->bucket, part->after_batch, part->end_batch, false);
    if (part->names)
        ask(writer, SQL_SCAN_NAMES, part->bucket, part->after_batch, part->end_batch, true);
    if (part->items)
        ask(writer, SQL_CHANGED_ITEMS, part->bucket, part->after_batch, part->end_batch, false);
    enum status status = STATUS_OK;
    if (count > 0)
        status = pg_sync(writer, results, count, error);
    if (status == STATUS_OK)
        status = take_all(part, results, delta, error);
    for (size_t i = 0; i < count; i++)
        PQclear(results[i]);
    return status;
}

/* ---- the operations ---- */

enum status postgres_catch_up(struct journal *journal, uint64_t after_seq,
                              struct journal_delta *delta, struct error *error) {
    if (journal->known.batch == journal->turn.batch &&
        journal->known.chapter == journal->turn.chapter)
        return STATUS_END;
    struct part part = next_part(journal, after_seq);
    require(part.after_seq <= part.end_seq && part.after_batch <= part.end_batch);
    delta->through_seq = part.limit_seq;
    enum status status = fetch(journal, &part, delta, error);
    if (delta->through_seq < part.limit_seq)
        delta->through_seq = part.limit_seq;
    if (status == STATUS_OK && delta->through_seq > part.end_seq)
        status = error_set(error, STATUS_CORRUPT, "the log's rows go further than its turn says");
    delta->more = delta->through_seq < part.end_seq;
    return status;
}

void postgres_caught_up(struct journal *journal, const struct journal_delta *delta) {
    struct part part = next_part(journal, delta->through_seq);
    require(pthread_mutex_lock(&journal->lock) == 0);
    struct known *known = &journal->known;
    known->seq = delta->through_seq;
    known->statement = part.end_statement;
    journal->others_batch = part.end_batch;
    if (!delta->more) {
        known->batch = part.end_batch;
        if (known->chapter < journal->turn.chapter)
            known->chapter++;
    }
    require(pthread_mutex_unlock(&journal->lock) == 0);
}
