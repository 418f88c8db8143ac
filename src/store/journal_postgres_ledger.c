/* The ledger's rows in PostgreSQL: groups of text as in SQLite (ledger_text.h), a few dozen rows of
 * a batch to a row of the database, which must stay below the 2 KB from which PostgreSQL would put
 * it aside. Rows of the open transaction are read from the groups that wait. */
#include <inttypes.h>
#include <stdlib.h>

#include "store/journal_postgres_internal.h"
#include "store/ledger_text.h"

#define GROUP_BYTES 1900
#define SCAN_FIRST_GROUPS 16
#define SCAN_MOST_GROUPS 1024

/* ---- writing ---- */

static void close_group(struct pending *pending) {
    require(pending->group_count > 0);
    struct pending_group *group = &pending->groups[pending->group_count - 1];
    ledger_text_end(&pending->text);
    group->length = pending->text.length - group->from;
    pending->group_open = false;
}

static struct pending_group *open_group(struct pending *pending, const struct journal_row *row) {
    if (pending->group_count == pending->group_room) {
        pending->group_room = 2 * pending->group_room + 64;
        pending->groups =
            memory_grow(pending->groups, pending->group_room * sizeof *pending->groups);
    }
    require(pending->groups != NULL);
    struct pending_group *group = &pending->groups[pending->group_count++];
    int64_t base_us = row->event.received_at_us;
    *group = (struct pending_group){.first_seq = row->seq,
                                    .base_us = ledger_text_fits(row, base_us) ? base_us : 0,
                                    .from = pending->text.length};
    pending->group_open = true;
    return group;
}

enum status postgres_append_row(struct journal *journal, const struct journal_row *row,
                                struct error *error) {
    struct pending *pending = &journal->pending;
    (void)error;
    require(journal->in_transaction && row->seq > 0 && row->seq <= INT64_MAX);
    struct pending_group *group =
        pending->group_open ? &pending->groups[pending->group_count - 1] : NULL;
    if (group != NULL &&
        (row->seq != group->first_seq + group->count || !ledger_text_fits(row, group->base_us))) {
        close_group(pending);
        group = NULL;
    }
    if (group == NULL)
        group = open_group(pending, row);
    size_t before = pending->text.length;
    /* The group's text begins where the others end: an empty buffer means a new group. */
    struct buffer text = {.data = NULL};
    if (group->count == 0) {
        ledger_text_append(&text, row, group->base_us);
        buffer_append_text(&pending->text, buffer_text(&text));
        buffer_deinit(&text);
    } else {
        ledger_text_append(&pending->text, row, group->base_us);
    }
    group->count++;
    /* The next one will be about as long: rows of a batch are alike. */
    size_t expected = 2 * pending->text.length - before - group->from;
    if (expected > GROUP_BYTES)
        close_group(pending);
    return STATUS_OK;
}

/* ---- reading ---- */

static enum status short_group(uint64_t seq, struct error *error) {
    return error_set(error, STATUS_CORRUPT, "ledger row %" PRIu64 " is missing from its group",
                     seq);
}

static void keep_text(struct arena *arena, struct text *text) {
    *text = text->length > 0 ? arena_copy(arena, *text) : (struct text){NULL, 0};
}

static enum status row_of_group(struct text entries, uint64_t first_seq, int64_t base_us,
                                uint64_t seq, struct arena *arena, struct journal_row *row_out,
                                struct error *error) {
    struct ledger_text_reader reader;
    ledger_text_read(&reader, entries, first_seq, base_us, arena);
    enum status status = ledger_text_skip(&reader, seq - first_seq, error);
    if (status == STATUS_OK)
        status = ledger_text_next(&reader, row_out, error);
    if (status != STATUS_OK)
        return status == STATUS_END ? short_group(seq, error) : status;
    struct event *event = &row_out->event;
    keep_text(arena, &event->id);
    keep_text(arena, &event->document);
    keep_text(arena, &event->order);
    keep_text(arena, &event->reason);
    keep_text(arena, &event->acknowledges);
    return STATUS_OK;
}

static const struct pending_group *pending_group_of(const struct pending *pending, uint64_t seq) {
    size_t low = 0, high = pending->group_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pending->groups[middle].first_seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    const struct pending_group *group = low > 0 ? &pending->groups[low - 1] : NULL;
    return group != NULL && seq - group->first_seq < group->count ? group : NULL;
}

static enum status no_row(uint64_t seq, struct error *error) {
    return error_set(error, STATUS_NOT_FOUND, "there is no ledger row %" PRIu64, seq);
}

enum status postgres_read_row(struct journal *journal, bool writer, uint64_t seq,
                              struct arena *arena, struct journal_row *row_out,
                              struct error *error) {
    struct pending *pending = &journal->pending;
    const struct pending_group *group =
        writer && journal->in_transaction ? pending_group_of(pending, seq) : NULL;
    if (group != NULL) {
        if (pending->group_open)
            close_group(pending);
        struct text text = {pending->text.data + group->from, group->length};
        return row_of_group(text, group->first_seq, group->base_us, seq, arena, row_out, error);
    }
    if (seq == 0 || seq > INT64_MAX)
        return no_row(seq, error);
    struct parameters p = {.count = 0};
    parameter_i16(&p, chapter_bucket(chapter_of_seq(journal, seq)));
    parameter_i64(&p, (int64_t)seq);
    PGresult *result;
    enum status status = pg_reader_query(journal, SQL_READ_GROUP, &p, &result, error);
    if (status != STATUS_OK)
        return status;
    uint64_t first_seq = PQntuples(result) > 0 ? (uint64_t)pg_i64(result, 0, 0) : 0;
    if (first_seq == 0 || seq - first_seq >= (uint64_t)pg_i32(result, 0, 1))
        status = no_row(seq, error);
    else
        status = row_of_group(pg_bytes(result, 0, 3), first_seq, pg_i64(result, 0, 2), seq, arena,
                              row_out, error);
    PQclear(result);
    return status;
}

enum status group_rows(const PGresult *result, int row, uint64_t after, struct arena *arena,
                       journal_row_visitor *visitor, void *context, bool *stopped_out,
                       struct error *error) {
    struct ledger_text_reader reader;
    struct journal_row ledger_row;
    uint64_t first_seq = (uint64_t)pg_i64(result, row, 0);
    uint64_t end_seq = first_seq + (uint64_t)pg_i32(result, row, 1);
    enum status status = STATUS_OK;
    *stopped_out = false;
    if (end_seq <= after + 1)
        return STATUS_OK;
    /* The rows' texts point into the group's, which must outlive the answer. */
    struct text entries = arena_copy(arena, pg_bytes(result, row, 3));
    ledger_text_read(&reader, entries, first_seq, pg_i64(result, row, 2), arena);
    if (first_seq <= after)
        status = ledger_text_skip(&reader, after + 1 - first_seq, error);
    while (status == STATUS_OK && !*stopped_out) {
        status = ledger_text_next(&reader, &ledger_row, error);
        *stopped_out = status == STATUS_OK && !visitor(context, &ledger_row);
    }
    if (status == STATUS_END)
        status = reader.next_seq == end_seq ? STATUS_OK : short_group(reader.next_seq, error);
    return status;
}

/* ---- scanning ---- */

struct row_scan {
    struct journal *journal;
    uint64_t after, through;
    int64_t most_groups;
    journal_row_visitor *visitor;
    void *context;
    bool stopped;
    struct arena arena;
};

/* The first number of the group that `after` + 1 may lie within. */
static enum status find_start(struct row_scan *scan, int16_t bucket, uint64_t *first_seq_out,
                              struct error *error) {
    struct parameters p = {.count = 0};
    parameter_i16(&p, bucket);
    parameter_i64(&p, (int64_t)scan->after + 1);
    PGresult *result;
    enum status status = pg_reader_query(scan->journal, SQL_READ_GROUP, &p, &result, error);
    if (status == STATUS_OK) {
        *first_seq_out = PQntuples(result) > 0 ? (uint64_t)pg_i64(result, 0, 0) : scan->after + 1;
        PQclear(result);
    }
    return status;
}

static enum status scan_part(struct row_scan *scan, int16_t bucket, uint64_t *position,
                             uint64_t end, bool *done_out, struct error *error) {
    struct parameters p = {.count = 0};
    parameter_i16(&p, bucket);
    parameter_i64(&p, (int64_t)*position);
    parameter_i64(&p, (int64_t)end);
    parameter_i64(&p, scan->most_groups);
    PGresult *result;
    enum status status = pg_reader_query(scan->journal, SQL_SCAN_GROUPS, &p, &result, error);
    if (status != STATUS_OK)
        return status;
    int count = PQntuples(result);
    for (int i = 0; i < count && status == STATUS_OK && !scan->stopped; i++) {
        arena_reset(&scan->arena);
        status = group_rows(result, i, scan->after, &scan->arena, scan->visitor, scan->context,
                            &scan->stopped, error);
        *position = (uint64_t)pg_i64(result, i, 0);
    }
    *done_out = count < scan->most_groups;
    if (scan->most_groups < SCAN_MOST_GROUPS)
        scan->most_groups *= 4;
    PQclear(result);
    return status;
}

static enum status scan_chapter(struct row_scan *scan, uint32_t chapter, uint64_t end,
                                struct error *error) {
    int16_t bucket = chapter_bucket(chapter);
    uint64_t opened_seq = journal_chapter(scan->journal, chapter).opened_seq;
    uint64_t position = opened_seq;
    enum status status = STATUS_OK;
    if (scan->after > opened_seq) {
        status = find_start(scan, bucket, &position, error);
        position = position > 0 ? position - 1 : 0;
    }
    bool done = false;
    while (status == STATUS_OK && !done && !scan->stopped)
        status = scan_part(scan, bucket, &position, end, &done, error);
    return status;
}

enum status postgres_scan_rows(struct journal *journal, uint64_t after,
                               journal_row_visitor *visitor, void *context, struct error *error) {
    struct known known = journal_known(journal);
    struct row_scan scan = {.journal = journal,
                            .after = after,
                            .through = known.seq,
                            .most_groups = SCAN_FIRST_GROUPS,
                            .visitor = visitor,
                            .context = context};
    enum status status = STATUS_OK;
    if (after >= known.seq)
        return STATUS_OK;
    uint32_t chapter = chapter_of_seq(journal, after + 1);
    for (; chapter <= known.chapter && status == STATUS_OK && !scan.stopped; chapter++) {
        uint64_t end =
            chapter < known.chapter ? journal_chapter(journal, chapter + 1).opened_seq : known.seq;
        status = scan_chapter(&scan, chapter, end, error);
    }
    arena_deinit(&scan.arena);
    return status;
}
