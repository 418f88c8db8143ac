/* The end of a batch: what came of each document is told, counted, learned from, and parked where
 * it was not understood. */
#include "hub/products.h"
#include "pos/prism_batch_internal.h"

#define STATUS_COMPLETED 4

/* A limited token speaks for its locations only: what it sends of others is refused and leaves no
 * trace, neither in the parked list nor in anybody's health. */
static void refuse_strangers(struct prism_batch *batch) {
    for (size_t i = 0; batch->access->location_count > 0 && i < batch->document_count; i++) {
        struct taken_document *taken = &batch->documents[i];
        bool is_own =
            taken->location.length > 0 && access_allows_location(batch->access, taken->location);
        if (!is_own) {
            taken->is_refused = true;
            taken->code = STATUS_FORBIDDEN_LOCATION;
            taken->reason = TEXT("the token may not speak for the store of this document");
        }
    }
}

/* Not for a person to look at: the token's fault, or a product that is meant to be passed by. */
static bool is_meant(const struct prism_batch *batch, size_t at) {
    const struct adjustment_result *answer = &batch->answers[at];
    bool ignores = hub_config(batch->source->hub)->unknown_products == CONFIG_IGNORE;
    return answer->error == STATUS_FORBIDDEN_LOCATION ||
           (ignores && answer->error == STATUS_UNKNOWN_PRODUCT && batch->extras[at].known == 0);
}

/* A line that the hub refused parks its document. */
static void judge(struct prism_batch *batch) {
    for (size_t i = 0; i < batch->document_count; i++) {
        struct taken_document *taken = &batch->documents[i];
        for (size_t k = 0; k < taken->line_count && !taken->is_parked; k++) {
            const struct adjustment_result *answer = &batch->answers[taken->first_line + k];
            if (answer->status == OUTCOME_REJECTED && !is_meant(batch, taken->first_line + k)) {
                taken->is_parked = true;
                taken->code = answer->error;
                taken->reason = arena_format(batch->arena, "%.*s: %.*s",
                                             TEXT_ARG(batch->lines[taken->first_line + k].id),
                                             TEXT_ARG(answer->detail));
            }
        }
    }
}

/* ---- results ---- */

static const char *word_of(const struct adjustment_result *answer) {
    static const char *const words[] = {
        [OUTCOME_APPLIED] = "applied",           [OUTCOME_COVERED] = "covered",
        [OUTCOME_ACKNOWLEDGED] = "acknowledged", [OUTCOME_DUPLICATE] = "duplicate",
        [OUTCOME_REJECTED] = "rejected",
    };
    return words[answer->status];
}

static struct prism_result line_result(struct prism_batch *batch,
                                       const struct taken_document *taken, size_t at) {
    struct catalog *catalog = hub_catalog(batch->source->hub);
    const struct adjustment_result *answer = &batch->answers[at];
    struct prism_result result = {
        .sid = taken->document.sid,
        .id = batch->lines[at].id,
        .status = word_of(answer),
        .location = batch->lines[at].location,
    };
    if (answer->status == OUTCOME_REJECTED) {
        result.code = answer->error;
        result.detail = answer->detail;
        return result;
    }
    result.location = catalog_location_code(catalog, answer->location);
    result.sku = catalog_product_sku(catalog, answer->product);
    result.on_hand_milli = answer->on_hand_milli;
    result.sequence = answer->sequence;
    result.moved = true;
    return result;
}

static void write_results(struct prism_batch *batch, struct prism_taken *taken_out) {
    taken_out->results = arena_alloc(batch->arena, (batch->line_count + batch->document_count + 1) *
                                                       sizeof(struct prism_result));
    for (size_t i = 0; i < batch->document_count; i++) {
        const struct taken_document *taken = &batch->documents[i];
        for (size_t k = 0; k < taken->line_count; k++) {
            taken_out->results[taken_out->count++] =
                line_result(batch, taken, taken->first_line + k);
        }
        struct prism_result whole = {.sid = taken->document.sid, .location = taken->location};
        if (taken->is_refused || taken->is_parked) {
            whole.status = taken->is_refused ? "rejected" : "parked";
            whole.code = taken->code;
            whole.detail = taken->reason;
        } else if (taken->line_count == 0) {
            whole.status = "ignored";
            whole.detail = taken->why;
        } else {
            continue;
        }
        bool is_told = taken->is_refused && taken->line_count > 0; /* by its lines */
        if (!is_told) {
            taken_out->results[taken_out->count++] = whole;
        }
    }
}

/* ---- health, cursors, counts ---- */

static int64_t later(int64_t a_us, int64_t b_us) {
    return a_us == NEVER_US || (b_us != NEVER_US && b_us > a_us) ? b_us : a_us;
}

static bool says_something(const struct taken_document *taken) {
    const struct prism_document *document = &taken->document;
    bool is_done = document->status == STATUS_COMPLETED ||
                   (document->kind == PRISM_ADJUSTMENT && document->status == PRISM_ABSENT);
    return taken->location.length > 0 && !taken->is_refused && is_done;
}

static void note_health(struct prism_batch *batch) {
    struct source *source = batch->source;
    struct prism_seen *seen = arena_alloc(batch->arena, (batch->document_count + 1) * sizeof *seen);
    size_t count = 0;
    int64_t now_us = hub_now_us(source->hub);
    for (size_t i = 0; i < batch->document_count; i++) {
        const struct taken_document *taken = &batch->documents[i];
        if (says_something(taken) && taken->raw->way != PRISM_REPLAYED) {
            seen[count++] = (struct prism_seen){
                .location = taken->location,
                .register_name = taken->register_name,
                .number = taken->number,
                .occurred_us = source_instant_us(source, prism_document_time(&taken->document)),
                .received_us = now_us,
                .pushed = taken->raw->way == PRISM_PUSHED,
            };
        }
    }
    prism_health_note(source->health, seen, count);
}

static void count_all(struct prism_batch *batch, struct prism_taken *taken_out) {
    struct source *source = batch->source;
    struct source_counters *counters = &source->counters;
    uint64_t events[OUTCOME_REJECTED + 1] = {0};
    for (size_t i = 0; i < batch->line_count; i++) {
        events[batch->answers[i].status]++;
    }
    for (int i = 0; i <= OUTCOME_REJECTED; i++) {
        atomic_fetch_add(&counters->events[i], events[i]);
    }
    for (size_t i = 0; i < batch->document_count; i++) {
        const struct taken_document *taken = &batch->documents[i];
        atomic_fetch_add(&counters->documents[taken->raw->way], 1);
        atomic_fetch_add(&counters->ignored, taken->line_count == 0 && !taken->is_parked);
        atomic_fetch_add(&counters->parked, taken->is_parked);
        taken_out->parked += taken->is_parked;
        taken_out->modified_us =
            later(taken_out->modified_us, source_instant_us(source, taken->document.modified));
        taken_out->posted_us =
            later(taken_out->posted_us, source_instant_us(source, taken->document.posted));
    }
    taken_out->documents = batch->document_count;
    taken_out->events = batch->line_count;
}

/* ---- what must be written ---- */

static bool teaches(const struct prism_batch *batch, size_t at) {
    const struct taken_line *extra = &batch->extras[at];
    return extra->known > 0 && extra->news > 0 && batch->answers[at].status != OUTCOME_REJECTED;
}

static bool was_parked(const struct prism_batch *batch, const struct taken_document *taken) {
    bool is_fine = !taken->is_parked && !taken->is_refused;
    for (size_t k = 0; k < taken->line_count; k++) {
        is_fine &= batch->answers[taken->first_line + k].status != OUTCOME_REJECTED;
    }
    return is_fine &&
           prism_parked_has(batch->source->parked, taken->document.kind, taken->document.sid);
}

bool prism_batch_is_plain(const struct prism_batch *batch) {
    for (size_t i = 0; i < batch->line_count; i++) {
        if (teaches(batch, i) || batch->answers[i].status == OUTCOME_REJECTED) {
            return false;
        }
    }
    for (size_t i = 0; i < batch->document_count; i++) {
        if (batch->documents[i].is_parked || was_parked(batch, &batch->documents[i])) {
            return false;
        }
    }
    return true;
}

/* A product that was found by one of its identifiers gets the others, so that a voucher that knows
 * nothing but the sid finds it too. What belongs to another product is left alone. */
static enum status learn_identifiers(struct prism_batch *batch, struct error *error) {
    struct product_change *changes =
        arena_alloc_zero(batch->arena, (batch->line_count + 1) * sizeof *changes);
    size_t count = 0;
    for (size_t i = 0; i < batch->line_count; i++) {
        if (teaches(batch, i)) {
            changes[count++] =
                (struct product_change){.identifiers = batch->lines[i].identifiers,
                                        .identifier_count = batch->lines[i].identifier_count};
        }
    }
    if (count == 0) {
        return STATUS_OK;
    }
    return hub_put_products(batch->source->hub, changes, count, batch->arena, error);
}

static enum status keep_parked(struct prism_batch *batch, struct error *error) {
    struct parked_document *list =
        arena_alloc(batch->arena, (batch->document_count + 1) * sizeof *list);
    size_t count = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < batch->document_count && status == STATUS_OK; i++) {
        const struct taken_document *taken = &batch->documents[i];
        if (taken->is_parked && !taken->is_refused) {
            list[count++] = (struct parked_document){.kind = taken->document.kind,
                                                     .sid = taken->document.sid,
                                                     .json = taken->raw->json,
                                                     .code = taken->code,
                                                     .reason = taken->reason};
        } else if (was_parked(batch, taken)) {
            status = prism_parked_settle(batch->source->parked, taken->document.kind,
                                         taken->document.sid, error);
        }
    }
    if (status == STATUS_OK && count > 0) {
        status = prism_parked_put(batch->source->parked, list, count, error);
    }
    return status;
}

enum status prism_batch_finish(struct prism_batch *batch, enum status submitted,
                               struct prism_taken *taken_out, struct error *error) {
    *taken_out = (struct prism_taken){.modified_us = NEVER_US, .posted_us = NEVER_US};
    if (submitted != STATUS_OK) {
        atomic_fetch_add(&batch->source->counters.failed, 1);
        return error_set(error, submitted, "%s", status_meaning(submitted));
    }
    refuse_strangers(batch);
    judge(batch);
    enum status status = learn_identifiers(batch, error);
    if (status == STATUS_OK) {
        status = keep_parked(batch, error);
    }
    if (status != STATUS_OK) {
        atomic_fetch_add(&batch->source->counters.failed, 1);
        return status;
    }
    note_health(batch);
    write_results(batch, taken_out);
    count_all(batch, taken_out);
    return STATUS_OK;
}
