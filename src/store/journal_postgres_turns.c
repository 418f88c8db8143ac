/* Turns: taking the log's lock, writing a batch as one pipeline, and what to do when that fails.
 *
 * Nothing is answered before the server confirmed the commit. Where it did not, the hub takes the
 * turn again and looks at its own signature in `writer`: the batch is there, then it is done; it is
 * not and nobody else has written since, then it is said again; somebody has, then STATUS_RETRY
 * lets the hub decide anew. Where the server stays away it is STATUS_UNAVAILABLE: the caller sends
 * the same again later, and the keys in the ledger keep that from counting twice. */
#include "store/journal_postgres_internal.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"

#define BEGIN_PATIENCE_US (4 * US_PER_SECOND)
#define COMMIT_PATIENCE_US (6 * US_PER_SECOND)
#define FIRST_PAUSE_MS 10u
#define LONGEST_PAUSE_MS 500u
#define SIZE_AGE_US (60 * US_PER_SECOND)
#define AWAY_US (US_PER_SECOND / 2) /* between tries while the server is away */

unsigned journal_chapter_batches = 65536;

static _Thread_local const struct journal *writing_here;

bool journal_is_mine(const struct journal *journal) {
    return writing_here == journal && journal->in_transaction;
}

/* ---- a transaction's writing ---- */

static void clear_names(struct pending *pending) {
    array_clear(&pending->name_places, ELEMENT_I32);
    array_clear(&pending->name_kinds, ELEMENT_I32);
    array_clear(&pending->name_numbers, ELEMENT_I64);
    array_clear(&pending->name_words, ELEMENT_BYTES);
    array_clear(&pending->name_values, ELEMENT_BYTES);
}

void pending_clear(struct pending *pending) {
    arena_reset(&pending->arena);
    buffer_clear(&pending->text);
    pending->group_count = 0;
    pending->group_open = false;
    pending->statements = NULL;
    pending->statements_tail = &pending->statements;
    pending->states = NULL;
    pending->states_tail = &pending->states;
    pending->corrections = NULL;
    pending->corrections_tail = &pending->corrections;
    pending->items = NULL;
    pending->items_tail = &pending->items;
    if (pending->name_places.count > 0)
        clear_names(pending);
}

void pending_init(struct pending *pending) {
    clear_names(pending);
    pending_clear(pending);
}

void pending_deinit(struct pending *pending) {
    struct array *arrays[] = {&pending->name_places, &pending->name_kinds,  &pending->name_numbers,
                              &pending->name_words,  &pending->name_values, &pending->first_seqs,
                              &pending->row_counts,  &pending->bases,       &pending->entries,
                              &pending->item_kinds,  &pending->item_keys,   &pending->item_values};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        buffer_deinit(&arrays[i]->bytes);
    buffer_deinit(&pending->text);
    free(pending->groups);
    arena_deinit(&pending->arena);
}

/* What has been queued for one pipeline. */
struct sending {
    struct pg_connection *connection;
    int16_t bucket;
    struct turn turn; /* as it will be */
    size_t count;
};

static void send(struct sending *sending, enum sql sql, const struct parameters *parameters) {
    pg_send(sending->connection, sql, parameters);
    sending->count++;
}

static void send_groups(struct sending *sending, struct pending *pending) {
    if (pending->group_count == 0)
        return;
    if (pending->group_open) {
        struct pending_group *last = &pending->groups[pending->group_count - 1];
        buffer_append(&pending->text, "]", 1);
        last->length = pending->text.length - last->from;
        pending->group_open = false;
    }
    array_clear(&pending->first_seqs, ELEMENT_I64);
    array_clear(&pending->row_counts, ELEMENT_I32);
    array_clear(&pending->bases, ELEMENT_I64);
    array_clear(&pending->entries, ELEMENT_BYTES);
    for (size_t i = 0; i < pending->group_count; i++) {
        const struct pending_group *group = &pending->groups[i];
        struct text text = {pending->text.data + group->from, group->length};
        array_add_i64(&pending->first_seqs, (int64_t)group->first_seq);
        array_add_i32(&pending->row_counts, (int32_t)group->count);
        array_add_i64(&pending->bases, group->base_us);
        array_add_bytes(&pending->entries, &text);
        sending->turn.last_seq = group->first_seq + group->count - 1;
    }
    struct parameters p = {.count = 0};
    parameter_i16(&p, sending->bucket);
    parameter_array(&p, &pending->first_seqs);
    parameter_array(&p, &pending->row_counts);
    parameter_array(&p, &pending->bases);
    parameter_array(&p, &pending->entries);
    send(sending, SQL_ADD_GROUPS, &p);
}

static void send_statement(struct sending *sending, const struct pending_statement *pending) {
    const struct statement *head = &pending->statement.head;
    struct buffer through = {0};
    struct parameters p = {.count = 0};
    write_through(head, &through);
    parameter_i16(&p, sending->bucket);
    parameter_i64(&p, head->id);
    parameter_i64(&p, head->location);
    parameter_i64(&p, head->source);
    parameter_i64(&p, head->as_of_us);
    parameter_bool(&p, head->names_absent);
    parameter_bytes(&p, buffer_text(&through));
    parameter_bytes(&p, pending->statement.reset);
    parameter_i64(&p, pending->statement.row_count);
    parameter_bytes(&p, pending->packed);
    send(sending, SQL_ADD_STATEMENT, &p);
    buffer_deinit(&through);
    sending->turn.last_statement = head->id;
}

static void send_states(struct sending *sending, const struct pending *pending) {
    for (const struct pending_state *s = pending->states; s != NULL; s = s->next) {
        struct parameters p = {.count = 0};
        parameter_i16(&p, sending->bucket);
        parameter_i64(&p, s->statement);
        parameter_i64(&p, (int64_t)sending->turn.batch);
        parameter_i32(&p, (int32_t)s->state);
        parameter_i64(&p, (int64_t)s->applied_seq);
        parameter_time(&p, s->applied_at_us);
        parameter_time(&p, s->rolled_back_at_us);
        send(sending, SQL_ADD_STATE, &p);
        sending->turn.statement_batch = sending->turn.batch;
    }
}

static void send_corrections(struct sending *sending, const struct pending *pending) {
    for (const struct pending_correction *c = pending->corrections; c != NULL; c = c->next) {
        const struct journal_correction *correction = &c->correction;
        uint64_t last = correction->first_seq + correction->corrected_count;
        struct parameters p = {.count = 0};
        parameter_i16(&p, sending->bucket);
        parameter_i64(&p, (int64_t)correction->first_seq);
        parameter_i64(&p, correction->corrected_count);
        parameter_i64(&p, correction->statement);
        parameter_i64(&p, correction->location);
        parameter_i32(&p, (int32_t)correction->kind);
        parameter_i64(&p, correction->at_us);
        parameter_bytes(&p, correction->packed);
        send(sending, SQL_ADD_CORRECTION, &p);
        sending->turn.correction_seq = correction->first_seq;
        if (last > sending->turn.last_seq)
            sending->turn.last_seq = last;
    }
}

static void send_names(struct sending *sending, struct pending *pending) {
    if (pending->name_places.count == 0)
        return;
    struct parameters p = {.count = 0};
    parameter_i16(&p, sending->bucket);
    parameter_i64(&p, (int64_t)sending->turn.batch);
    parameter_array(&p, &pending->name_places);
    parameter_array(&p, &pending->name_kinds);
    parameter_array(&p, &pending->name_numbers);
    parameter_array(&p, &pending->name_words);
    parameter_array(&p, &pending->name_values);
    send(sending, SQL_ADD_NAMES, &p);
    sending->turn.name_batch = sending->turn.batch;
}

static void send_items(struct sending *sending, struct pending *pending) {
    if (pending->items == NULL)
        return;
    array_clear(&pending->item_kinds, ELEMENT_BYTES);
    array_clear(&pending->item_keys, ELEMENT_BYTES);
    array_clear(&pending->item_values, ELEMENT_BYTES);
    for (const struct pending_item *item = pending->items; item != NULL; item = item->next) {
        if (item->replaced)
            continue;
        array_add_bytes(&pending->item_kinds, &item->kind);
        array_add_bytes(&pending->item_keys, &item->key);
        array_add_bytes(&pending->item_values, item->deleted ? NULL : &item->value);
    }
    struct parameters p = {.count = 0};
    parameter_i16(&p, sending->bucket);
    parameter_i64(&p, (int64_t)sending->turn.batch);
    parameter_array(&p, &pending->item_kinds);
    parameter_array(&p, &pending->item_keys);
    parameter_array(&p, &pending->item_values);
    send(sending, SQL_PUT_ITEMS, &p);
    sending->turn.item_batch = sending->turn.batch;
}

static void turn_parameters(struct parameters *p, const struct turn *turn) {
    parameter_bool(p, turn->closed);
    parameter_bytes(p, (struct text){(const char *)turn->hub, HUB_ID_SIZE});
    const uint64_t numbers[] = {turn->batch,         turn->last_seq,   turn->last_statement,
                                turn->name_batch,    turn->item_batch, turn->statement_batch,
                                turn->correction_seq};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        parameter_i64(p, (int64_t)numbers[i]);
}

static void send_end(struct sending *sending, struct journal *journal) {
    struct turn *turn = &sending->turn;
    struct parameters p = {.count = 0};
    memcpy(turn->hub, journal->hub, HUB_ID_SIZE);
    turn->closed = turn->batch - turn->opened_batch >= journal_chapter_batches;
    parameter_i16(&p, sending->bucket);
    parameter_i32(&p, (int32_t)turn->chapter);
    turn_parameters(&p, turn);
    send(sending, SQL_END_TURN, &p);
    p.count = 0;
    parameter_i16(&p, sending->bucket);
    parameter_bytes(&p, (struct text){(const char *)journal->hub, HUB_ID_SIZE});
    parameter_i64(&p, (int64_t)turn->batch);
    send(sending, SQL_SIGN_BATCH, &p);
    pg_send_command(sending->connection, "COMMIT");
    sending->count++;
}

static enum status finish(struct sending *sending, struct error *error) {
    PGresult **results = memory_alloc_zero(sending->count, sizeof *results);
    enum status status = pg_sync(sending->connection, results, sending->count, error);
    /* A server that had given the transaction up answers COMMIT with ROLLBACK. */
    const PGresult *commit = results[sending->count - 1];
    if (status == STATUS_OK &&
        (commit == NULL || strcmp(PQcmdStatus((PGresult *)(uintptr_t)commit), "COMMIT") != 0))
        status = error_set(error, STATUS_UNAVAILABLE, "PostgreSQL: the transaction was given up");
    for (size_t i = 0; i < sending->count; i++)
        PQclear(results[i]);
    free(results);
    return status;
}

/* All of it in one go, COMMIT included. */
static enum status write_batch(struct journal *journal, struct error *error) {
    struct pending *pending = &journal->pending;
    struct sending sending = {.connection = &journal->writer,
                              .bucket = chapter_bucket(journal->turn.chapter),
                              .turn = journal->turn};
    sending.turn.batch++;
    journal->writer.failure = FAILURE_NONE;
    send_groups(&sending, pending);
    for (const struct pending_statement *s = pending->statements; s != NULL; s = s->next)
        send_statement(&sending, s);
    send_states(&sending, pending);
    send_corrections(&sending, pending);
    send_names(&sending, pending);
    send_items(&sending, pending);
    send_end(&sending, journal);
    enum status status = finish(&sending, error);
    if (status == STATUS_OK)
        journal->turn = sending.turn;
    return status;
}

/* ---- taking the turn ---- */

bool turn_from(const PGresult *result, int row, struct turn *turn) {
    struct text hub = pg_bytes(result, row, 5);
    *turn = (struct turn){
        .chapter = (uint32_t)pg_i32(result, row, 0),
        .opened_batch = (uint64_t)pg_i64(result, row, 1),
        .opened_seq = (uint64_t)pg_i64(result, row, 2),
        .opened_statement = (uint64_t)pg_i64(result, row, 3),
        .closed = pg_bool(result, row, 4),
        .batch = (uint64_t)pg_i64(result, row, 6),
        .last_seq = (uint64_t)pg_i64(result, row, 7),
        .last_statement = (uint64_t)pg_i64(result, row, 8),
        .name_batch = (uint64_t)pg_i64(result, row, 9),
        .item_batch = (uint64_t)pg_i64(result, row, 10),
        .statement_batch = (uint64_t)pg_i64(result, row, 11),
        .correction_seq = (uint64_t)pg_i64(result, row, 12),
    };
    if (hub.length == HUB_ID_SIZE)
        memcpy(turn->hub, hub.data, HUB_ID_SIZE);
    return PQnfields(result) == 13;
}

static void roll_back(struct journal *journal) {
    struct error ignored;
    PGresult *result = NULL;
    if (journal->writer.conn == NULL)
        return;
    journal->writer.failure = FAILURE_NONE;
    pg_send_command(&journal->writer, "ROLLBACK");
    if (pg_sync(&journal->writer, &result, 1, &ignored) != STATUS_OK)
        pg_close(&journal->writer);
    PQclear(result);
}

/* Ends a turn that wrote nothing, with what it read now safe to be told. A server that lost a
 * connection or crashed while COMMIT waited for its standby shows that batch to everybody, though
 * the standby may not have it. Locking the turn's row was a write of its own, after all of that in
 * the log, so that this COMMIT waits until the standby has it too. */
static enum status end_surely(struct journal *journal, struct error *error) {
    PGresult *result = NULL;
    journal->writer.failure = FAILURE_NONE;
    pg_send_command(&journal->writer, "COMMIT");
    enum status status = pg_sync(&journal->writer, &result, 1, error);
    if (status == STATUS_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        status = error_set(error, STATUS_UNAVAILABLE, "PostgreSQL: the transaction was given up");
    PQclear(result);
    if (status != STATUS_OK)
        roll_back(journal);
    return status;
}

static enum status went_back(struct journal *journal, struct error *error) {
    atomic_store(&journal->went_back, true);
    return error_set(error, STATUS_CORRUPT,
                     "the database at %s has lost batches that were confirmed (it is at %" PRIu64
                     ", this hub at %" PRIu64 "): a standby without them took over, or a backup "
                     "was restored; the hub starts again from what is there",
                     pg_server_name(journal->server), journal->turn.batch, journal->known.batch);
}

/* Locks the row of the chapter and reads it, and this hub's last signature. */
static enum status take_turn(struct journal *journal, uint32_t chapter, uint64_t *signed_out,
                             struct error *error) {
    struct pg_connection *writer = &journal->writer;
    enum status status = pg_open(writer, journal->server, error);
    if (status != STATUS_OK)
        return status;
    PGresult *results[3];
    struct parameters p = {.count = 0}, q = {.count = 0};
    parameter_i16(&p, chapter_bucket(chapter));
    parameter_i16(&q, chapter_bucket(chapter));
    parameter_i32(&p, (int32_t)chapter);
    parameter_bytes(&q, (struct text){(const char *)journal->hub, HUB_ID_SIZE});
    writer->failure = FAILURE_NONE;
    pg_send_command(writer, "BEGIN");
    pg_send(writer, SQL_TAKE_TURN, &p);
    pg_send(writer, SQL_LAST_SIGNED, &q);
    status = pg_sync(writer, results, 3, error);
    if (status == STATUS_OK && PQntuples(results[1]) != 1)
        status =
            error_set(error, STATUS_CORRUPT, "chapter %" PRIu32 " of the log is missing", chapter);
    if (status == STATUS_OK)
        (void)turn_from(results[1], 0, &journal->turn);
    if (status == STATUS_OK && signed_out != NULL)
        *signed_out = PQntuples(results[2]) == 1 ? (uint64_t)pg_i64(results[2], 0, 0) : 0;
    for (size_t i = 0; i < 3; i++)
        PQclear(results[i]);
    if (status != STATUS_OK && writer->conn != NULL)
        roll_back(journal);
    return status;
}

/* The chapter is full: whoever comes first opens the next, in that one's bucket. */
static enum status open_next(struct journal *journal, struct error *error) {
    struct turn next = journal->turn;
    roll_back(journal);
    struct parameters p = {.count = 0};
    next.chapter++;
    next.opened_batch = next.batch;
    next.opened_seq = next.last_seq;
    next.opened_statement = next.last_statement;
    next.closed = false;
    parameter_i16(&p, chapter_bucket(next.chapter));
    parameter_i32(&p, (int32_t)next.chapter);
    parameter_i64(&p, (int64_t)next.opened_batch);
    parameter_i64(&p, (int64_t)next.opened_seq);
    parameter_i64(&p, (int64_t)next.opened_statement);
    turn_parameters(&p, &next);
    PGresult *result;
    enum status status = pg_query(&journal->writer, SQL_OPEN_CHAPTER, &p, &result, error);
    PQclear(result);
    if (status == STATUS_OK)
        journal_note_chapter(journal, &next);
    return status;
}

static enum status take_newest(struct journal *journal, uint64_t *signed_out, struct error *error) {
    uint32_t chapter = journal->turn.chapter;
    enum status status = take_turn(journal, chapter, signed_out, error);
    while (status == STATUS_OK && journal->turn.closed && signed_out == NULL) {
        status = open_next(journal, error);
        if (status == STATUS_OK)
            status = take_turn(journal, ++chapter, NULL, error);
    }
    return status;
}

/* ---- failures ---- */

/* Longer each time, and never the same on two hubs. */
static void pause_before(unsigned attempt) {
    unsigned most = FIRST_PAUSE_MS << (attempt < 6 ? attempt : 6), some = 0;
    most = most < LONGEST_PAUSE_MS ? most : LONGEST_PAUSE_MS;
    random_bytes(&some, sizeof some);
    (void)poll(NULL, 0, (int)(most / 2 + some % (most / 2 + 1)));
}

static bool may_try_again(enum status status) {
    return status == STATUS_UNAVAILABLE;
}

static void note_away(struct journal *journal, const struct error *error) {
    journal->away_until_us = monotonic_us() + AWAY_US;
    (void)snprintf(journal->away, sizeof journal->away, "%s", error->detail);
    if (journal->failures++ == 0)
        log_error("PostgreSQL is away; refusing writes until it is back", "at=%s detail=%s",
                  log_quote(text_from(pg_server_name(journal->server))),
                  log_quote(text_from(error->detail)));
}

static void note_back(struct journal *journal) {
    if (journal->failures > 0)
        log_info("PostgreSQL is back", "at=%s tries=%u",
                 log_quote(text_from(pg_server_name(journal->server))), journal->failures);
    journal->failures = 0;
    journal->away_until_us = 0;
}

static enum status still_away(const struct journal *journal, struct error *error) {
    return error_set(error, STATUS_UNAVAILABLE, "%s", journal->away);
}

/* ---- the operations ---- */

enum status postgres_begin(struct journal *journal, struct error *error) {
    struct error here = {0};
    require(!journal->in_transaction && !journal->read_only);
    if (monotonic_us() < journal->away_until_us)
        return still_away(journal, error);
    int64_t until_us = monotonic_us() + (journal->failures > 0 ? 0 : BEGIN_PATIENCE_US);
    enum status status = take_newest(journal, NULL, &here);
    for (unsigned attempt = 0; may_try_again(status) && monotonic_us() < until_us; attempt++) {
        pause_before(attempt);
        status = take_newest(journal, NULL, &here);
    }
    if (status == STATUS_UNAVAILABLE)
        note_away(journal, &here);
    if (status == STATUS_OK && journal->turn.batch < journal->known.batch) {
        roll_back(journal);
        status = went_back(journal, &here);
    }
    if (status != STATUS_OK) {
        if (error != NULL)
            *error = here;
        return status;
    }
    note_back(journal);
    journal->in_transaction = true;
    writing_here = journal;
    return STATUS_OK;
}

static void end(struct journal *journal) {
    pending_clear(&journal->pending);
    journal->in_transaction = false;
    writing_here = NULL;
}

/* After a commit that was not confirmed: takes the turn and finds out. STATUS_OK: it is there, or
 * (*again_out) it is not and may be said again. */
static enum status find_out(struct journal *journal, const struct turn *before, bool *again_out,
                            struct error *error) {
    uint64_t signed_batch;
    *again_out = false;
    enum status status = take_newest(journal, &signed_batch, error);
    if (status != STATUS_OK)
        return status;
    if (journal->turn.batch < before->batch) {
        roll_back(journal);
        return went_back(journal, error);
    }
    if (signed_batch == before->batch + 1)
        return end_surely(journal, error);
    *again_out = journal->turn.batch == before->batch;
    if (*again_out)
        return STATUS_OK;
    roll_back(journal);
    return error_set(error, STATUS_RETRY, "another hub had its turn in between");
}

/* What this hub wrote, it knows. */
static void note_own(struct journal *journal, uint64_t last_seq, uint64_t last_statement) {
    require(pthread_mutex_lock(&journal->lock) == 0);
    journal->known.batch++;
    journal->known.seq = last_seq;
    journal->known.statement = last_statement;
    journal->known.chapter = journal->turn.chapter;
    require(pthread_mutex_unlock(&journal->lock) == 0);
    journal->others_batch = journal->known.batch;
}

/* What the turn will be, once the batch is in. */
static void own_numbers(const struct journal *journal, uint64_t *last_seq,
                        uint64_t *last_statement) {
    const struct pending *pending = &journal->pending;
    *last_seq = journal->turn.last_seq;
    *last_statement = journal->turn.last_statement;
    if (pending->group_count > 0) {
        const struct pending_group *group = &pending->groups[pending->group_count - 1];
        *last_seq = group->first_seq + group->count - 1;
    }
    for (const struct pending_correction *c = pending->corrections; c != NULL; c = c->next) {
        uint64_t last = c->correction.first_seq + c->correction.corrected_count;
        *last_seq = last > *last_seq ? last : *last_seq;
    }
    for (const struct pending_statement *s = pending->statements; s != NULL; s = s->next)
        *last_statement = s->statement.head.id;
}

static bool writes_anything(const struct pending *pending) {
    return pending->group_count > 0 || pending->statements != NULL || pending->states != NULL ||
           pending->corrections != NULL || pending->items != NULL || pending->name_places.count > 0;
}

static enum status commit_surely(struct journal *journal, struct error *error) {
    const struct turn before = journal->turn;
    int64_t until_us = monotonic_us() + COMMIT_PATIENCE_US;
    enum status status = write_batch(journal, error);
    bool doubt = false;
    for (unsigned attempt = 0; may_try_again(status) && monotonic_us() < until_us; attempt++) {
        bool again = false;
        doubt |= journal->writer.conn == NULL;
        if (journal->writer.conn != NULL)
            roll_back(journal);
        if (attempt > 0)
            pause_before(attempt);
        journal->turn = before;
        status = find_out(journal, &before, &again, error);
        if (status == STATUS_OK && again)
            status = write_batch(journal, error);
    }
    if (status == STATUS_OK)
        return status;
    if (journal->writer.conn != NULL && status != STATUS_RETRY)
        roll_back(journal);
    journal->turn = before;
    if (status == STATUS_UNAVAILABLE) {
        note_away(journal, error);
        if (doubt)
            log_warn("a batch may or may not be in the database: senders send it again", "at=%s",
                     log_quote(text_from(pg_server_name(journal->server))));
    }
    return status;
}

enum status postgres_commit(struct journal *journal, struct error *error) {
    struct error here = {0};
    uint64_t last_seq, last_statement;
    require(journal->in_transaction);
    require(journal->turn.batch == journal->known.batch);
    enum status status = STATUS_OK;
    if (!writes_anything(&journal->pending)) {
        /* What it found is answered now, `duplicate` say. */
        status = end_surely(journal, &here);
        if (status == STATUS_UNAVAILABLE)
            note_away(journal, &here);
        if (status != STATUS_OK && error != NULL)
            *error = here;
    } else {
        own_numbers(journal, &last_seq, &last_statement);
        status = commit_surely(journal, &here);
        if (status == STATUS_OK)
            note_own(journal, last_seq, last_statement);
        else if (error != NULL)
            *error = here;
    }
    end(journal);
    return status;
}

void postgres_abort(struct journal *journal) {
    if (!journal->in_transaction)
        return;
    roll_back(journal);
    end(journal);
}

/* Reads the chapter's row without locking it; NOT_FOUND where it is not there. */
static enum status look_at(struct journal *journal, uint32_t chapter, struct error *error) {
    struct parameters p = {.count = 0};
    PGresult *result;
    parameter_i16(&p, chapter_bucket(chapter));
    parameter_i32(&p, (int32_t)chapter);
    enum status status = pg_query(&journal->writer, SQL_LOOK, &p, &result, error);
    if (status != STATUS_OK)
        return status;
    if (PQntuples(result) == 1)
        (void)turn_from(result, 0, &journal->turn);
    else
        status = STATUS_NOT_FOUND;
    PQclear(result);
    return status;
}

static enum status look_newest(struct journal *journal, struct error *error) {
    enum status status = pg_open(&journal->writer, journal->server, error);
    if (status == STATUS_OK)
        status = look_at(journal, journal->turn.chapter, error);
    if (status == STATUS_NOT_FOUND)
        return error_set(error, STATUS_CORRUPT, "chapter %" PRIu32 " of the log is missing",
                         journal->turn.chapter);
    while (status == STATUS_OK && journal->turn.closed) {
        status = look_at(journal, journal->turn.chapter + 1, error);
        if (status == STATUS_OK)
            journal_note_chapter(journal, &journal->turn);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Now and then; whoever asks for the size is told what it was. */
static void look_at_size(struct journal *journal) {
    struct parameters p = {.count = 0};
    PGresult *result;
    int64_t now_us = monotonic_us();
    if (journal->sized_at_us != 0 && now_us - journal->sized_at_us < SIZE_AGE_US)
        return;
    journal->sized_at_us = now_us;
    if (pg_query(&journal->writer, SQL_SIZE, &p, &result, NULL) == STATUS_OK &&
        PQntuples(result) == 1)
        atomic_store(&journal->disk_bytes, (uint64_t)pg_i64(result, 0, 0));
    PQclear(result);
}

enum status postgres_look(struct journal *journal, struct error *error) {
    struct error here = {0};
    require(!journal->in_transaction);
    if (monotonic_us() < journal->away_until_us)
        return still_away(journal, error);
    enum status status = look_newest(journal, &here);
    if (status == STATUS_OK && journal->turn.batch < journal->known.batch)
        status = went_back(journal, &here);
    if (status == STATUS_OK)
        look_at_size(journal);
    if (status == STATUS_UNAVAILABLE)
        note_away(journal, &here);
    else if (status == STATUS_OK)
        note_back(journal);
    if (status != STATUS_OK && error != NULL)
        *error = here;
    return status;
}
