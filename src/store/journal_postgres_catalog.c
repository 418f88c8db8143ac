/* Names, products, locations and documents, in PostgreSQL. Names are rows in the order in which
 * they were given. A document has at most one row in each bucket, the one with the newest batch
 * counts, and a row without value says that it was deleted. */
#include <inttypes.h>
#include <stdlib.h>

#include "store/journal_postgres_internal.h"

#define NAMES_PER_SCAN 8192
#define ITEMS_FIRST_SCAN 32
#define ITEMS_PER_SCAN 512

_Static_assert((int)JOURNAL_SOURCE == (int)NAME_SOURCE, "kinds of names");
_Static_assert((int)JOURNAL_REGISTER == (int)NAME_REGISTER, "kinds of names");

/* ---- writing ---- */

static enum status append(struct journal *journal, enum journal_name_kind kind, uint32_t number,
                          struct text type, struct text value) {
    struct pending *pending = &journal->pending;
    require(journal->in_transaction && number > 0);
    array_add_i32(&pending->name_places, (int32_t)pending->name_places.count);
    array_add_i32(&pending->name_kinds, (int32_t)kind);
    array_add_i64(&pending->name_numbers, number);
    array_add_bytes(&pending->name_words, &type);
    array_add_bytes(&pending->name_values, &value);
    return STATUS_OK;
}

enum status postgres_append_name(struct journal *journal, enum name_kind kind, uint32_t number,
                                 struct text name, struct error *error) {
    (void)error;
    return append(journal, (enum journal_name_kind)kind, number, TEXT(""), name);
}

enum status postgres_append_location(struct journal *journal, uint32_t number, struct text code,
                                     struct error *error) {
    (void)error;
    return append(journal, JOURNAL_LOCATION, number, TEXT(""), code);
}

enum status postgres_append_product(struct journal *journal, uint32_t number, struct error *error) {
    (void)error;
    return append(journal, JOURNAL_PRODUCT, number, TEXT(""), TEXT(""));
}

enum status postgres_append_identifier(struct journal *journal, uint32_t product,
                                       const struct identifier *identifier, struct error *error) {
    (void)error;
    return append(journal, JOURNAL_IDENTIFIER, product, identifier->type, identifier->value);
}

/* One row of a batch per document: an insert may not meet the same row twice. */
static void note_item(struct journal *journal, struct text kind, struct text key, struct text value,
                      bool deleted) {
    struct pending *pending = &journal->pending;
    require(journal->in_transaction);
    for (struct pending_item *item = pending->items; item != NULL; item = item->next)
        if (text_equal(item->key, key) && text_equal(item->kind, kind))
            item->replaced = true;
    struct pending_item *made = arena_alloc_zero(&pending->arena, sizeof *made);
    made->kind = arena_copy(&pending->arena, kind);
    made->key = arena_copy(&pending->arena, key);
    made->value = arena_copy(&pending->arena, value);
    made->deleted = deleted;
    *pending->items_tail = made;
    pending->items_tail = &made->next;
}

enum status postgres_item_put(struct journal *journal, struct text kind, struct text key,
                              struct text value, struct error *error) {
    (void)error;
    note_item(journal, kind, key, value, false);
    return STATUS_OK;
}

enum status postgres_item_delete(struct journal *journal, struct text kind, struct text key,
                                 struct error *error) {
    (void)error;
    note_item(journal, kind, key, TEXT(""), true);
    return STATUS_OK;
}

/* ---- names ---- */

enum status postgres_scan_names(struct journal *journal, uint32_t chapter, uint64_t after,
                                uint64_t through,
                                void (*visit)(void *context, const struct journal_name *name),
                                void *context, struct error *error) {
    int64_t batch = (int64_t)after;
    int32_t place = INT32_MAX;
    for (int count = NAMES_PER_SCAN; count == NAMES_PER_SCAN;) {
        struct parameters p = {.count = 0};
        parameter_i16(&p, chapter_bucket(chapter));
        parameter_i64(&p, batch);
        parameter_i32(&p, place);
        parameter_i64(&p, (int64_t)through);
        parameter_i64(&p, NAMES_PER_SCAN);
        PGresult *result;
        enum status status = pg_reader_query(journal, SQL_SCAN_NAMES, &p, &result, error);
        if (status != STATUS_OK)
            return status;
        count = PQntuples(result);
        for (int i = 0; i < count; i++) {
            batch = pg_i64(result, i, 0);
            place = pg_i32(result, i, 1);
            visit(context, &(struct journal_name){
                               .kind = (enum journal_name_kind)pg_i32(result, i, 2),
                               .number = (uint32_t)pg_i64(result, i, 3),
                               .type = pg_bytes(result, i, 4),
                               .value = pg_bytes(result, i, 5),
                           });
        }
        PQclear(result);
    }
    return STATUS_OK;
}

static void visit_name(void *context, const struct journal_name *name) {
    journal_name_visit(context, name);
}

enum status postgres_scan_catalog(struct journal *journal, const struct catalog_visitor *visitor,
                                  struct error *error) {
    struct known known = journal_known(journal);
    struct catalog_visitor copy = *visitor;
    enum status status = STATUS_OK;
    for (uint32_t chapter = 0; chapter <= known.chapter && status == STATUS_OK; chapter++) {
        uint64_t end = chapter < known.chapter ? journal_chapter(journal, chapter + 1).opened_batch
                                               : known.batch;
        status =
            postgres_scan_names(journal, chapter, journal_chapter(journal, chapter).opened_batch,
                                end, visit_name, &copy, error);
    }
    return status;
}

/* ---- documents ---- */

enum status postgres_item_get(struct journal *journal, struct text kind, struct text key,
                              struct buffer *value, struct error *error) {
    struct parameters p = {.count = 0};
    parameter_bytes(&p, kind);
    parameter_bytes(&p, key);
    PGresult *result;
    enum status status = pg_reader_query(journal, SQL_GET_ITEM, &p, &result, error);
    if (status != STATUS_OK)
        return status;
    if (PQntuples(result) == 0 || PQgetisnull(result, 0, 0) == 1) {
        status =
            error_set(error, STATUS_NOT_FOUND, "no %.*s \"%.*s\"", TEXT_ARG(kind), TEXT_ARG(key));
    } else {
        buffer_clear(value);
        buffer_append_text(value, pg_bytes(result, 0, 0));
    }
    PQclear(result);
    return status;
}

struct item_scan {
    struct text kind;
    bool newest_first, stopped, begun;
    int64_t most;
    struct buffer last; /* the key visited last */
    store_item_visitor *visitor;
    void *context;
};

static enum status scan_some(struct journal *journal, struct item_scan *scan, bool *done_out,
                             struct error *error) {
    struct parameters p = {.count = 0};
    parameter_bytes(&p, scan->kind);
    if (!scan->begun && scan->newest_first && scan->last.length == 0)
        parameter_null(&p);
    else
        parameter_bytes(&p, buffer_text(&scan->last));
    parameter_i64(&p, scan->most);
    PGresult *result;
    enum status status = pg_reader_query(
        journal, scan->newest_first ? SQL_SCAN_ITEMS_DOWN : SQL_SCAN_ITEMS_UP, &p, &result, error);
    if (status != STATUS_OK)
        return status;
    int count = PQntuples(result);
    for (int i = 0; i < count && !scan->stopped; i++) {
        struct text key = pg_bytes(result, i, 0);
        if (scan->begun && text_equal(key, buffer_text(&scan->last)))
            continue; /* an older version */
        scan->begun = true;
        buffer_clear(&scan->last);
        buffer_append_text(&scan->last, key);
        if (PQgetisnull(result, i, 1) == 0)
            scan->stopped = !scan->visitor(scan->context, key, pg_bytes(result, i, 1));
    }
    *done_out = count < scan->most;
    scan->most = ITEMS_PER_SCAN;
    PQclear(result);
    return status;
}

enum status postgres_item_scan(struct journal *journal, struct text kind, struct text after,
                               bool newest_first, store_item_visitor *visitor, void *context,
                               struct error *error) {
    struct item_scan scan = {.kind = kind,
                             .newest_first = newest_first,
                             .most = ITEMS_FIRST_SCAN,
                             .visitor = visitor,
                             .context = context};
    buffer_append_text(&scan.last, after);
    enum status status = STATUS_OK;
    bool done = false;
    while (status == STATUS_OK && !done && !scan.stopped)
        status = scan_some(journal, &scan, &done, error);
    buffer_deinit(&scan.last);
    return status;
}

enum status postgres_item_kinds(struct journal *journal, journal_kind_visitor *visitor,
                                void *context, struct error *error) {
    struct parameters p = {.count = 0};
    PGresult *result;
    enum status status = pg_reader_query(journal, SQL_ITEM_KINDS, &p, &result, error);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < PQntuples(result) && visitor(context, pg_bytes(result, i, 0)); i++) {
    }
    PQclear(result);
    return STATUS_OK;
}
