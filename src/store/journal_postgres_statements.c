/* Statements and what they corrected, in PostgreSQL. A statement's head never changes; the states
 * it goes through are rows of their own in the bucket of whoever wrote them, and the newest counts.
 * Watermarks are kept as text, "register:through register:through", for whoever looks. */
#include <inttypes.h>
#include <stdlib.h>

#include "store/journal_postgres_internal.h"

#define HEADS_PER_SCAN 2048
#define CORRECTIONS_PER_SCAN 64

/* ---- watermarks ---- */

void write_through(const struct statement *head, struct buffer *out) {
    for (uint32_t i = 0; i < head->through_count; i++)
        buffer_append_format(out, "%s%" PRIu32 ":%" PRId64, i > 0 ? " " : "",
                             head->through[i].register_id, head->through[i].through);
}

/* libpq ends every value with a NUL. False when the text is not of that form. */
static bool read_through(struct text text, struct arena *arena, struct statement *head) {
    size_t count = text.length > 0 ? 1 : 0;
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == ' ';
    struct watermark *marks = arena_alloc(arena, (count + 1) * sizeof *marks);
    const char *at = text.data;
    for (size_t i = 0; i < count; i++) {
        char *end;
        marks[i].register_id = (uint32_t)strtoul(at, &end, 10);
        if (end == at || *end != ':')
            return false;
        at = end + 1;
        marks[i].through = strtoll(at, &end, 10);
        if (end == at || *end != (i + 1 < count ? ' ' : '\0'))
            return false;
        at = end + 1;
    }
    head->through = marks;
    head->through_count = (uint32_t)count;
    return true;
}

/* ---- writing ---- */

static void note_state(struct journal *journal, const struct journal_statement *statement) {
    struct pending *pending = &journal->pending;
    struct pending_state *state = pending->states;
    while (state != NULL && state->statement != statement->head.id)
        state = state->next;
    if (state == NULL) {
        state = arena_alloc_zero(&pending->arena, sizeof *state);
        *pending->states_tail = state;
        pending->states_tail = &state->next;
    }
    state->statement = statement->head.id;
    state->state = statement->state;
    state->applied_seq = statement->applied_seq;
    state->applied_at_us = statement->applied_at_us;
    state->rolled_back_at_us = statement->rolled_back_at_us;
}

enum status postgres_append_statement(struct journal *journal,
                                      const struct journal_statement *statement,
                                      struct text packed_rows, struct error *error) {
    struct pending *pending = &journal->pending;
    (void)error;
    require(journal->in_transaction && statement->head.id > 0);
    struct pending_statement *made = arena_alloc_zero(&pending->arena, sizeof *made);
    made->statement = *statement;
    made->statement.reset = arena_copy(&pending->arena, statement->reset);
    size_t size = statement->head.through_count * sizeof *statement->head.through;
    struct watermark *through = arena_alloc(&pending->arena, size + 1);
    if (size > 0)
        memcpy(through, statement->head.through, size);
    made->statement.head.through = through;
    made->packed = arena_copy(&pending->arena, packed_rows);
    *pending->statements_tail = made;
    pending->statements_tail = &made->next;
    note_state(journal, statement);
    return STATUS_OK;
}

enum status postgres_update_statement(struct journal *journal,
                                      const struct journal_statement *statement,
                                      struct error *error) {
    (void)error;
    require(journal->in_transaction);
    note_state(journal, statement);
    return STATUS_OK;
}

enum status postgres_append_correction(struct journal *journal,
                                       const struct journal_correction *correction,
                                       struct error *error) {
    struct pending *pending = &journal->pending;
    (void)error;
    require(journal->in_transaction && correction->first_seq > 0);
    struct pending_correction *made = arena_alloc_zero(&pending->arena, sizeof *made);
    made->correction = *correction;
    made->correction.packed = arena_copy(&pending->arena, correction->packed);
    *pending->corrections_tail = made;
    pending->corrections_tail = &made->next;
    return STATUS_OK;
}

/* ---- rows of answers ---- */

enum status statement_from(const PGresult *result, int row, struct arena *arena,
                           struct journal_statement *out, struct error *error) {
    *out = (struct journal_statement){
        .head = {.id = (uint32_t)pg_i64(result, row, 0),
                 .location = (uint32_t)pg_i64(result, row, 1),
                 .source = (uint32_t)pg_i64(result, row, 2),
                 .as_of_us = pg_i64(result, row, 3),
                 .names_absent = pg_bool(result, row, 4)},
        .reset = arena_copy(arena, pg_bytes(result, row, 6)),
        .row_count = (uint32_t)pg_i64(result, row, 7),
        .applied_at_us = NEVER_US,
        .rolled_back_at_us = NEVER_US,
    };
    if (!read_through(pg_bytes(result, row, 5), arena, &out->head))
        return error_set(error, STATUS_CORRUPT, "statement %" PRIu32 " has unreadable watermarks",
                         out->head.id);
    return STATUS_OK;
}

void state_from(const PGresult *result, int row, struct journal_statement *statement) {
    statement->state = (enum statement_state)pg_i32(result, row, 1);
    statement->applied_seq = (uint64_t)pg_i64(result, row, 2);
    statement->applied_at_us = pg_time(result, row, 3);
    statement->rolled_back_at_us = pg_time(result, row, 4);
}

void correction_from(const PGresult *result, int row, struct journal_correction *out) {
    *out = (struct journal_correction){
        .first_seq = (uint64_t)pg_i64(result, row, 0),
        .corrected_count = (uint32_t)pg_i64(result, row, 1),
        .statement = (uint32_t)pg_i64(result, row, 2),
        .location = (uint32_t)pg_i64(result, row, 3),
        .kind = (enum ledger_kind)pg_i32(result, row, 4),
        .at_us = pg_i64(result, row, 5),
        .packed = pg_bytes(result, row, 6),
    };
}

/* ---- statements ---- */

/* The newest state of every statement, by number. */
static enum status read_states(struct journal *journal, const struct known *known,
                               struct journal_statement *states, struct error *error) {
    for (uint32_t chapter = 0; chapter <= known->chapter; chapter++) {
        struct parameters p = {.count = 0};
        uint64_t end = chapter < known->chapter ? journal_chapter(journal, chapter + 1).opened_batch
                                                : known->batch;
        parameter_i16(&p, chapter_bucket(chapter));
        parameter_i64(&p, (int64_t)journal_chapter(journal, chapter).opened_batch);
        parameter_i64(&p, (int64_t)end);
        PGresult *result;
        enum status status = pg_reader_query(journal, SQL_SCAN_STATES, &p, &result, error);
        if (status != STATUS_OK)
            return status;
        for (int i = 0; i < PQntuples(result); i++) {
            uint64_t id = (uint64_t)pg_i64(result, i, 0);
            if (id <= known->statement)
                state_from(result, i, &states[id]);
        }
        PQclear(result);
    }
    return STATUS_OK;
}

static enum status visit_head(const PGresult *result, int row,
                              const struct journal_statement *states, struct arena *arena,
                              journal_statement_visitor *visitor, void *context, bool *stopped,
                              struct error *error) {
    struct journal_statement statement;
    enum status status = statement_from(result, row, arena, &statement, error);
    if (status != STATUS_OK)
        return status;
    const struct journal_statement *state = &states[statement.head.id];
    statement.state = state->state;
    statement.applied_seq = state->applied_seq;
    statement.applied_at_us = state->applied_at_us;
    statement.rolled_back_at_us = state->rolled_back_at_us;
    *stopped = !visitor(context, &statement);
    return STATUS_OK;
}

enum status postgres_scan_statements(struct journal *journal, uint32_t after,
                                     journal_statement_visitor *visitor, void *context,
                                     struct error *error) {
    struct known known = journal_known(journal);
    if (after >= known.statement)
        return STATUS_OK;
    struct journal_statement *states = memory_alloc_zero(known.statement + 1, sizeof *states);
    struct arena arena = {0};
    bool stopped = false;
    enum status status = read_states(journal, &known, states, error);
    for (uint64_t at = after; at < known.statement && status == STATUS_OK && !stopped;) {
        uint32_t chapter = chapter_of_statement(journal, (uint32_t)at + 1);
        struct parameters p = {.count = 0};
        parameter_i16(&p, chapter_bucket(chapter));
        parameter_i64(&p, (int64_t)at);
        parameter_i64(&p, (int64_t)known.statement);
        parameter_i64(&p, HEADS_PER_SCAN);
        PGresult *result;
        status = pg_reader_query(journal, SQL_SCAN_STATEMENTS, &p, &result, error);
        int count = status == STATUS_OK ? PQntuples(result) : 0;
        if (status == STATUS_OK && (count == 0 || (uint64_t)pg_i64(result, 0, 0) != at + 1))
            status = error_set(error, STATUS_CORRUPT, "statement %" PRIu64 " is missing", at + 1);
        for (int i = 0; i < count && status == STATUS_OK && !stopped; i++) {
            uint64_t id = (uint64_t)pg_i64(result, i, 0);
            if (id !=
                at + 1) /* the rest lies in the next chapter, or in a later round of buckets */
                break;
            at = id;
            arena_reset(&arena);
            status = visit_head(result, i, states, &arena, visitor, context, &stopped, error);
        }
        PQclear(result);
    }
    arena_deinit(&arena);
    free(states);
    return status;
}

enum status postgres_read_packed_rows(struct journal *journal, uint32_t statement,
                                      struct arena *arena, struct text *packed_out,
                                      struct error *error) {
    if (journal_is_mine(journal))
        for (const struct pending_statement *s = journal->pending.statements; s != NULL;
             s = s->next)
            if (s->statement.head.id == statement) {
                *packed_out = arena_copy(arena, s->packed);
                return STATUS_OK;
            }
    struct parameters p = {.count = 0};
    parameter_i16(&p, chapter_bucket(chapter_of_statement(journal, statement)));
    parameter_i64(&p, statement);
    PGresult *result;
    enum status status = pg_reader_query(journal, SQL_READ_PACKED, &p, &result, error);
    if (status != STATUS_OK)
        return status;
    if (PQntuples(result) == 0)
        status = error_set(error, STATUS_NOT_FOUND, "there is no statement %" PRIu32, statement);
    else
        *packed_out = arena_copy(arena, pg_bytes(result, 0, 0));
    PQclear(result);
    return status;
}

/* ---- corrections ---- */

enum status postgres_scan_corrections(struct journal *journal, uint64_t after,
                                      journal_correction_visitor *visitor, void *context,
                                      struct error *error) {
    struct known known = journal_known(journal);
    enum status status = STATUS_OK;
    bool stopped = false;
    if (after >= known.seq)
        return STATUS_OK;
    uint32_t chapter = chapter_of_seq(journal, after + 1);
    uint64_t position = after;
    while (chapter <= known.chapter && status == STATUS_OK && !stopped) {
        uint64_t end =
            chapter < known.chapter ? journal_chapter(journal, chapter + 1).opened_seq : known.seq;
        struct parameters p = {.count = 0};
        parameter_i16(&p, chapter_bucket(chapter));
        parameter_i64(&p, (int64_t)position);
        parameter_i64(&p, (int64_t)end);
        parameter_i64(&p, CORRECTIONS_PER_SCAN);
        PGresult *result;
        status = pg_reader_query(journal, SQL_SCAN_CORRECTIONS, &p, &result, error);
        int count = status == STATUS_OK ? PQntuples(result) : 0;
        for (int i = 0; i < count && !stopped; i++) {
            struct journal_correction correction;
            correction_from(result, i, &correction);
            position = correction.first_seq;
            stopped = !visitor(context, &correction);
        }
        if (count < CORRECTIONS_PER_SCAN)
            chapter++;
        PQclear(result);
    }
    return status;
}

static bool holds(const struct journal_correction *correction, uint64_t seq) {
    return correction->first_seq <= seq &&
           seq <= correction->first_seq + correction->corrected_count;
}

enum status postgres_find_correction(struct journal *journal, bool writer, uint64_t seq,
                                     struct arena *arena, struct journal_correction *correction_out,
                                     struct error *error) {
    if (writer && journal->in_transaction)
        for (const struct pending_correction *c = journal->pending.corrections; c != NULL;
             c = c->next)
            if (holds(&c->correction, seq)) {
                *correction_out = c->correction;
                correction_out->packed = arena_copy(arena, c->correction.packed);
                return STATUS_OK;
            }
    struct parameters p = {.count = 0};
    parameter_i16(&p, chapter_bucket(chapter_of_seq(journal, seq)));
    parameter_i64(&p, seq <= INT64_MAX ? (int64_t)seq : INT64_MAX);
    PGresult *result;
    enum status status = pg_reader_query(journal, SQL_FIND_CORRECTION, &p, &result, error);
    if (status != STATUS_OK)
        return status;
    bool found = PQntuples(result) > 0;
    if (found) {
        correction_from(result, 0, correction_out);
        correction_out->packed = arena_copy(arena, correction_out->packed);
        found = holds(correction_out, seq);
    }
    PQclear(result);
    return found ? STATUS_OK
                 : error_set(error, STATUS_NOT_FOUND, "there is no ledger row %" PRIu64, seq);
}

enum status postgres_statement_corrections(struct journal *journal, uint32_t statement,
                                           journal_correction_visitor *visitor, void *context,
                                           struct error *error) {
    struct known known = journal_known(journal);
    struct parameters p = {.count = 0};
    parameter_i64(&p, statement);
    PGresult *result;
    enum status status = pg_reader_query(journal, SQL_CORRECTIONS_OF, &p, &result, error);
    if (status != STATUS_OK)
        return status;
    bool more = true;
    for (int i = 0; i < PQntuples(result) && more; i++) {
        struct journal_correction correction;
        correction_from(result, i, &correction);
        more = correction.first_seq > known.seq || visitor(context, &correction);
    }
    PQclear(result);
    if (more && journal_is_mine(journal))
        for (const struct pending_correction *c = journal->pending.corrections; c != NULL && more;
             c = c->next)
            more = c->correction.statement != statement || visitor(context, &c->correction);
    return STATUS_OK;
}
