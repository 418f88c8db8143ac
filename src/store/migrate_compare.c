/* Compares two stores: what their journals hold, by a keyed hash of each thing, and every cell that
 * each has worked out from its own. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/ledger_text.h"
#include "store/migrate_internal.h"

struct digest {
    uint64_t count, sum;
};

struct digests {
    const struct journal_place *place;
    struct digest parts[MIGRATION_PART_COUNT];
    struct buffer text;
    struct arena arena;
    struct error *error;
    enum status status;
};

static void add(struct digests *digests, enum migration_part part, uint64_t hash) {
    digests->parts[part].count++;
    digests->parts[part].sum += hash; /* whatever the order */
}

/* ---- names ---- */

static uint64_t hash_name(unsigned kind, uint32_t number, struct text value) {
    return hash_text_more(hash_u64((uint64_t)kind << 32 | number), value);
}

static void digest_name(void *context, enum name_kind kind, uint32_t number, struct text name) {
    add(context, MIGRATION_NAMES, hash_name(kind, number, name));
}

static void digest_product(void *context, uint32_t number) {
    add(context, MIGRATION_NAMES, hash_name(JOURNAL_PRODUCT, number, TEXT("")));
}

static void digest_identifier(void *context, uint32_t product,
                              const struct identifier *identifier) {
    uint64_t hash = hash_name(JOURNAL_IDENTIFIER, product, identifier->type);
    add(context, MIGRATION_NAMES, hash_text_more(hash, identifier->value));
}

static void digest_location(void *context, uint32_t number, struct text code) {
    add(context, MIGRATION_NAMES, hash_name(JOURNAL_LOCATION, number, code));
}

/* ---- the ledger ---- */

static bool digest_row(void *context, const struct journal_row *row) {
    struct digests *digests = context;
    buffer_clear(&digests->text);
    ledger_text_append(&digests->text, row, 0);
    add(digests, MIGRATION_ROWS, hash_text_more(hash_u64(row->seq), buffer_text(&digests->text)));
    return true;
}

static bool digest_correction(void *context, const struct journal_correction *correction) {
    struct digests *digests = context;
    buffer_clear(&digests->text);
    buffer_append_format(&digests->text, "%" PRIu64 " %u %u %u %d %" PRId64, correction->first_seq,
                         (unsigned)correction->corrected_count, (unsigned)correction->statement,
                         (unsigned)correction->location, (int)correction->kind, correction->at_us);
    add(digests, MIGRATION_CORRECTIONS,
        hash_text_more(hash_text(buffer_text(&digests->text)), correction->packed));
    return true;
}

static bool digest_statement(void *context, const struct journal_statement *statement) {
    struct digests *digests = context;
    const struct statement *head = &statement->head;
    struct text packed;
    arena_reset(&digests->arena);
    digests->status = digests->place->ops->read_packed_rows(
        digests->place->journal, head->id, &digests->arena, &packed, digests->error);
    if (digests->status != STATUS_OK)
        return false;
    buffer_clear(&digests->text);
    buffer_append_format(
        &digests->text, "%u %u %u %" PRId64 " %d %d %u %" PRIu64 " %" PRId64 " %" PRId64,
        (unsigned)head->id, (unsigned)head->location, (unsigned)head->source, head->as_of_us,
        head->names_absent, (int)statement->state, (unsigned)statement->row_count,
        statement->applied_seq, statement->applied_at_us, statement->rolled_back_at_us);
    for (uint32_t i = 0; i < head->through_count; i++)
        buffer_append_format(&digests->text, " %u:%" PRId64, (unsigned)head->through[i].register_id,
                             head->through[i].through);
    uint64_t hash = hash_text_more(hash_text(buffer_text(&digests->text)), statement->reset);
    add(digests, MIGRATION_STATEMENTS, hash_text_more(hash, packed));
    return true;
}

static bool digest_item(void *context, struct text kind, struct text key, struct text value) {
    uint64_t hash = hash_text_more(hash_text(kind), key);
    add(context, MIGRATION_ITEMS, hash_text_more(hash, value));
    return true;
}

static enum status digest_all(struct digests *digests, struct error *error) {
    const struct journal_place *place = digests->place;
    struct catalog_visitor visitor = {.name = digest_name,
                                      .product = digest_product,
                                      .identifier = digest_identifier,
                                      .location = digest_location,
                                      .context = digests};
    digests->error = error;
    enum status status = place->ops->scan_catalog(place->journal, &visitor, error);
    if (status == STATUS_OK)
        status = place->ops->scan_statements(place->journal, 0, digest_statement, digests, error);
    if (status == STATUS_OK)
        status = digests->status;
    if (status == STATUS_OK)
        status = place->ops->scan_rows(place->journal, 0, digest_row, digests, error);
    if (status == STATUS_OK)
        status = place->ops->scan_corrections(place->journal, 0, digest_correction, digests, error);
    if (status == STATUS_OK)
        status = migration_items(place, digest_item, digests, error);
    buffer_deinit(&digests->text);
    arena_deinit(&digests->arena);
    return status;
}

/* ---- differences ---- */

static void differ(struct migration_report *report, struct arena *arena, struct text words) {
    if (report->differences++ == 0)
        report->first = arena_copy(arena, words);
}

static void compare_parts(const struct digests *from, const struct digests *to,
                          struct migration_report *report, struct arena *arena) {
    for (int part = 0; part < MIGRATION_PART_COUNT; part++) {
        const struct digest *a = &from->parts[part], *b = &to->parts[part];
        report->counts[part] = a->count;
        if (a->count == b->count && a->sum == b->sum)
            continue;
        char words[160];
        (void)snprintf(words, sizeof words, "%s: %" PRIu64 " here, %" PRIu64 " there%s",
                       migration_part_word((enum migration_part)part), a->count, b->count,
                       a->count == b->count ? ", and not the same" : "");
        differ(report, arena, text_from(words));
    }
}

static bool same_cell(const struct cell *a, const struct cell *b) {
    return a->on_hand_milli == b->on_hand_milli && a->reserved_milli == b->reserved_milli &&
           a->head == b->head && a->statement == b->statement;
}

static void compare_location(struct store *from, struct store *to, uint32_t location,
                             struct migration_report *report, struct arena *arena) {
    uint32_t limit = store_product_limit(from, location);
    if (store_product_limit(to, location) > limit)
        limit = store_product_limit(to, location);
    for (uint32_t product = 1; product < limit; product++) {
        struct cell a = store_cell(from, location, product), b = store_cell(to, location, product);
        report->cells += cell_exists(&a);
        if (same_cell(&a, &b))
            continue;
        char words[160];
        (void)snprintf(words, sizeof words,
                       "location %u, product %u: on_hand %" PRId64 " here, %" PRId64
                       " there (thousandths), version %" PRIu64 " and %" PRIu64,
                       (unsigned)location, (unsigned)product, a.on_hand_milli, b.on_hand_milli,
                       a.head, b.head);
        differ(report, arena, text_from(words));
    }
}

enum status migration_compare(struct embedded *from, struct embedded *to,
                              const struct migration_watcher *watcher, struct arena *arena,
                              struct migration_report *report, struct error *error) {
    const struct journal_place from_place = {from->ops, from->journal};
    const struct journal_place to_place = {to->ops, to->journal};
    struct digests a = {.place = &from_place}, b = {.place = &to_place};
    if (watcher->progress != NULL)
        watcher->progress(watcher->context, "comparing", 0);
    enum status status = digest_all(&a, error);
    if (status == STATUS_OK)
        status = digest_all(&b, error);
    if (status != STATUS_OK)
        return status;
    compare_parts(&a, &b, report, arena);
    report->last_seq = store_last_seq(&from->store);
    if (report->last_seq != store_last_seq(&to->store))
        differ(report, arena, TEXT("the last number of the ledger"));
    uint32_t limit = store_location_limit(&from->store);
    if (store_location_limit(&to->store) > limit)
        limit = store_location_limit(&to->store);
    for (uint32_t location = 1; location < limit; location++) {
        compare_location(&from->store, &to->store, location, report, arena);
        if (watcher->progress != NULL)
            watcher->progress(watcher->context, "comparing cells", report->cells);
    }
    return STATUS_OK;
}
