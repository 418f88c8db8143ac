/* Intake: many callers' adjustments, one batch, one commit.
 *
 * resolve (words to numbers, what is wrong with a line) -> name what is new -> load, decide, write
 * group by group -> commit -> answer everybody. A line that cannot be taken is answered rejected
 * and never blocks the others. */
#include <stdlib.h>

#include "base/log.h"
#include "hub/hub_internal.h"

/* One line on its way: the event made of it, and where its answer goes. */
struct line {
    const struct adjustment *adjustment;
    struct adjustment_result *result;
    struct submission *submission;
    struct event event;
    bool unresolved; /* names something new */
};

struct intake {
    struct hub *hub;
    struct submission **submissions;
    size_t submission_count;
    struct line *lines; /* of all submissions, in order */
    size_t line_count;
    struct event_slot *slots; /* of the lines that are events */
    struct line **slot_lines;
    size_t slot_count; /* 0: nothing is written */
    struct change_list changes;
};

static void reject(struct line *line, enum status error, struct text detail) {
    line->result->status = OUTCOME_REJECTED;
    line->result->error = error;
    line->result->detail = detail.length > 0 ? detail : text_from(status_meaning(error));
    line->event.location = line->event.product = 0;
}

static bool is_rejected(const struct line *line) {
    return line->result->status == OUTCOME_REJECTED;
}

/* ---- resolve ---- */

static void resolve_location(struct intake *in, struct line *line, struct wanted *wanted) {
    struct hub *hub = in->hub;
    const struct access *access = line->submission->access;
    struct text code = line->adjustment->location;
    uint32_t location = catalog_find_location_locked(hub->catalog, code);
    if (access->location_count != 0) {
        struct text canonical =
            location != 0 ? catalog_location_code_locked(hub->catalog, location) : code;
        if (!access_allows_location(access, canonical)) {
            reject(line, STATUS_FORBIDDEN_LOCATION, (struct text){0});
            return;
        }
    }
    line->event.location = location;
    if (location != 0)
        return;
    if (hub->reject_unknown_locations) {
        reject(line, STATUS_UNKNOWN_LOCATION, (struct text){0});
        return;
    }
    wanted_location(wanted, code);
    line->unresolved = true;
}

/* The line's identifiers, in the namespace of its source where that has one. */
static const struct identifier *own_identifiers(struct intake *in, const struct line *line) {
    const struct adjustment *a = line->adjustment;
    struct text source = a->source.length > 0 ? a->source : line->submission->access->name;
    struct text name_space =
        in->hub->has_namespaces ? hub_namespace(in->hub, source) : (struct text){NULL, 0};
    if (name_space.length == 0)
        return a->identifiers;
    struct identifier *own = arena_alloc(&in->hub->batch, sizeof a->identifiers);
    for (unsigned i = 0; i < a->identifier_count; i++) {
        char room[ID_TYPE_SIZE];
        struct text type = id_type_join(a->identifiers[i].type, name_space, room);
        own[i] = (struct identifier){arena_copy(&in->hub->batch, type), a->identifiers[i].value};
    }
    return own;
}

/* The product that any of the identifiers names; two that name different products contradict. */
static void resolve_product(struct intake *in, struct line *line, struct wanted *wanted) {
    struct hub *hub = in->hub;
    const struct adjustment *a = line->adjustment;
    const struct identifier *identifiers = own_identifiers(in, line);
    uint32_t product = 0;
    for (unsigned i = 0; i < a->identifier_count; i++) {
        struct identifier_room room;
        struct identifier own;
        const char *why = NULL;
        if (catalog_canonical(hub->catalog, &identifiers[i], &room, &own, &why) != STATUS_OK) {
            reject(line, STATUS_BAD_VALUE, text_from(why));
            return;
        }
        uint32_t type = catalog_find_type_locked(hub->catalog, own.type);
        uint32_t found = catalog_find_value_locked(hub->catalog, type, own.value);
        if (found != 0 && product != 0 && found != product) {
            reject(line, STATUS_UNKNOWN_PRODUCT,
                   TEXT("the identifiers belong to different products"));
            return;
        }
        if (found != 0)
            product = found;
    }
    line->event.product = product;
    if (product != 0)
        return;
    if (hub->reject_unknown_products || a->identifier_count == 0) {
        reject(line, STATUS_UNKNOWN_PRODUCT, (struct text){0});
        return;
    }
    wanted_product(wanted, hub->catalog, identifiers, a->identifier_count);
    line->unresolved = true;
}

static uint32_t resolve_name(struct intake *in, struct line *line, enum name_kind kind,
                             struct text name, struct wanted *wanted) {
    uint32_t number = catalog_find_name_locked(in->hub->catalog, kind, name);
    if (number == 0) {
        wanted_name(wanted, kind, name);
        line->unresolved = true;
    }
    return number;
}

static void fill_event(struct line *line) {
    const struct adjustment *a = line->adjustment;
    struct event *e = &line->event;
    e->delta_milli = a->delta_milli;
    e->received_at_us = line->submission->received_at_us;
    e->occurred_at_given = a->occurred_at_given;
    e->occurred_at_us = a->occurred_at_given ? a->occurred_at_us : e->received_at_us;
    e->type = a->type;
    e->standing = a->until == UNTIL_RESET          ? STANDS_UNTIL_RESET
                  : a->until == UNTIL_ACKNOWLEDGED ? STANDS_UNTIL_ACKNOWLEDGED
                                                   : event_default_standing(a->type);
    e->register_sequence = a->sequence;
    e->id = a->id;
    e->document = a->document;
    e->order = a->order;
    e->reason = a->reason;
    e->acknowledges = a->acknowledges;
}

static void resolve(struct intake *in, struct line *line, struct wanted *wanted) {
    const struct adjustment *a = line->adjustment;
    line->unresolved = false;
    line->result->status = OUTCOME_APPLIED;
    if (a->problem != STATUS_OK) {
        reject(line, a->problem, a->problem_detail);
        return;
    }
    fill_event(line);
    struct error error;
    enum status status = event_validate(&line->event, &error);
    if (status != STATUS_OK) {
        /* The detail must outlive the batch: the meaning of the status is static. */
        reject(line, status, (struct text){0});
        return;
    }
    resolve_location(in, line, wanted);
    if (!is_rejected(line))
        resolve_product(in, line, wanted);
    if (is_rejected(line))
        return;
    struct text source = a->source.length > 0 ? a->source : line->submission->access->name;
    line->event.source = resolve_name(in, line, NAME_SOURCE, source, wanted);
    line->event.register_id = a->register_name.length > 0
                                  ? resolve_name(in, line, NAME_REGISTER, a->register_name, wanted)
                                  : 0;
}

static enum status resolve_all(struct intake *in, struct error *error) {
    struct hub *hub = in->hub;
    struct wanted *wanted = wanted_new();
    for (size_t i = 0; i < in->line_count; i++)
        resolve(in, &in->lines[i], wanted);
    enum status status = STATUS_OK;
    if (wanted_any(wanted)) {
        status = wanted_create(hub, wanted, error);
        for (size_t i = 0; status == STATUS_OK && i < in->line_count; i++)
            if (in->lines[i].unresolved && !is_rejected(&in->lines[i])) {
                resolve(in, &in->lines[i], wanted);
                if (in->lines[i].unresolved) /* one identifier of the product is another's */
                    reject(&in->lines[i], STATUS_UNKNOWN_PRODUCT, (struct text){0});
            }
    }
    wanted_free(wanted);
    return status;
}

/* ---- decide ---- */

static void answer(struct hub *hub, struct line *line, const struct event_outcome *outcome,
                   uint64_t seq) {
    struct adjustment_result *r = line->result;
    r->status = outcome->status;
    r->location = line->event.location;
    r->product = line->event.product;
    r->on_hand_milli = outcome->on_hand_milli;
    r->reserved_milli = outcome->reserved_milli;
    r->available_milli = outcome->on_hand_milli - outcome->reserved_milli -
                         hub_safety_stock_milli(hub, line->event.location);
    r->sequence = seq;
    if (outcome->status == OUTCOME_REJECTED)
        reject(line, outcome->error, (struct text){0});
}

/* The same (source, id) again: the first answer once more, or a misuse of the id. */
static void answer_repeated(struct intake *in, size_t index, const struct event *first,
                            struct event_outcome outcome, uint64_t seq) {
    struct event_slot *slot = &in->slots[index];
    bool same = in->slot_lines[index]->adjustment->may_differ
                    ? event_same_movement(slot->event, first)
                    : event_same_content(slot->event, first);
    slot->outcome = (struct event_outcome){.status = same ? OUTCOME_DUPLICATE : OUTCOME_REJECTED,
                                           .error = STATUS_ID_REUSED,
                                           .on_hand_milli = outcome.on_hand_milli,
                                           .reserved_milli = outcome.reserved_milli};
    answer(in->hub, in->slot_lines[index], &slot->outcome, seq);
}

/* The row that was seen may have been written by an earlier group of this very transaction. */
static enum status decide_seen(struct intake *in, size_t index, struct error *error) {
    struct event_slot *slot = &in->slots[index];
    for (size_t i = index; i-- > 0;)
        if (in->slots[i].seq == slot->seen_seq) {
            answer_repeated(in, index, in->slots[i].event, in->slots[i].outcome, slot->seen_seq);
            return STATUS_OK;
        }
    struct ledger_entry row;
    enum status status =
        store_read_row(in->hub->store, slot->seen_seq, &in->hub->batch, &row, error);
    if (status != STATUS_OK)
        return error_set(error, STATUS_CORRUPT, "ledger row %llu cannot be read again",
                         (unsigned long long)slot->seen_seq);
    struct event_outcome outcome = {.on_hand_milli = row.on_hand_milli,
                                    .reserved_milli = row.reserved_milli};
    answer_repeated(in, index, &row.event, outcome, slot->seen_seq);
    return STATUS_OK;
}

static struct acknowledgement acknowledgement_by(const struct event *event) {
    return (struct acknowledgement){.source = event->source,
                                    .document = event->acknowledges,
                                    .acknowledged_at_us = event_effective_at_us(event),
                                    .received_at_us = event->received_at_us,
                                    .by_event = true};
}

/* An acknowledgement that cannot be booked is refused with its line, before anything of it is
 * written: other callers share the transaction. */
static enum status decide_new(struct intake *in, struct event_slot *slot, struct error *error) {
    if (slot->event->acknowledges.length > 0) {
        struct acknowledgement ack = acknowledgement_by(slot->event);
        enum status status = acknowledge_try(in->hub, &ack, error);
        if (status == STATUS_OUT_OF_RANGE) {
            slot->outcome = (struct event_outcome){.status = OUTCOME_REJECTED, .error = status};
            return STATUS_OK;
        }
        if (status != STATUS_OK)
            return status;
    }
    event_decide(slot->event, &slot->ground, &slot->outcome);
    return STATUS_OK;
}

/* The slot of the group that gets a row for the id of slot `index`: the first that was not
 * rejected. `index` itself when there is none before it. */
static size_t find_standing(const struct intake *in, size_t from, size_t index) {
    uint32_t first = in->slots[index].seen_index;
    if (first == 0)
        return index;
    for (size_t i = from + first - 1; i < index; i++) {
        const struct event_slot *slot = &in->slots[i];
        bool same_id = i == from + first - 1 || slot->seen_index == first;
        if (same_id && slot->seen_seq == 0 && slot->outcome.status != OUTCOME_REJECTED &&
            slot->outcome.status != OUTCOME_DUPLICATE)
            return i;
    }
    return index;
}

static enum status decide_group(struct intake *in, size_t from, size_t count, struct error *error) {
    for (size_t i = from; i < from + count; i++) {
        struct event_slot *slot = &in->slots[i];
        enum status status = STATUS_OK;
        if (slot->seen_seq != 0)
            status = decide_seen(in, i, error);
        else if (find_standing(in, from, i) == i)
            status = decide_new(in, slot, error);
        else
            slot->outcome.status = OUTCOME_DUPLICATE; /* answered when the first has its row */
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static void answer_group(struct intake *in, size_t from, size_t count) {
    for (size_t i = from; i < from + count; i++) {
        struct event_slot *slot = &in->slots[i];
        if (slot->seen_seq != 0)
            continue;
        if (slot->outcome.status == OUTCOME_DUPLICATE) {
            const struct event_slot *first = &in->slots[find_standing(in, from, i)];
            answer_repeated(in, i, first->event, first->outcome, first->seq);
            continue;
        }
        answer(in->hub, in->slot_lines[i], &slot->outcome, slot->seq);
        if (slot->outcome.on_hand_change_milli != 0 || slot->outcome.reserved_change_milli != 0)
            change_list_push(in->hub, &in->changes,
                             &(struct change){.seq = slot->seq,
                                              .location = slot->event->location,
                                              .product = slot->event->product,
                                              .kind = LEDGER_EVENT,
                                              .on_hand_milli = slot->outcome.on_hand_milli,
                                              .reserved_milli = slot->outcome.reserved_milli,
                                              .at_us = slot->event->received_at_us});
    }
}

static enum status acknowledge_by(struct intake *in, const struct event_slot *slot,
                                  struct error *error) {
    if (slot->event->acknowledges.length == 0 || slot->outcome.status == OUTCOME_REJECTED ||
        slot->outcome.status == OUTCOME_DUPLICATE)
        return STATUS_OK;
    struct acknowledgement ack = acknowledgement_by(slot->event);
    return acknowledge_in_transaction(in->hub, &ack, &in->changes, error);
}

/* An event that acknowledges is a group of its own: it sees what came before, and what follows sees
 * it. */
static size_t group_length(const struct intake *in, size_t from) {
    size_t i = from;
    while (i < in->slot_count && in->slots[i].event->acknowledges.length == 0)
        i++;
    return i > from ? i - from : 1;
}

static enum status run_groups(struct intake *in, struct error *error) {
    struct store *store = in->hub->store;
    for (size_t from = 0; from < in->slot_count;) {
        size_t count = group_length(in, from);
        enum status status = store_load_events(store, &in->slots[from], count, error);
        if (status == STATUS_OK)
            status = decide_group(in, from, count, error);
        if (status == STATUS_OK)
            status = store_write_events(store, &in->slots[from], count, error);
        if (status == STATUS_OK) {
            answer_group(in, from, count);
            status = acknowledge_by(in, &in->slots[from + count - 1], error);
        }
        if (status != STATUS_OK)
            return status;
        from += count;
    }
    return STATUS_OK;
}

/* ---- the whole batch ---- */

static void gather_slots(struct intake *in) {
    struct arena *arena = &in->hub->batch;
    in->slots = arena_alloc(arena, (in->line_count + 1) * sizeof *in->slots);
    in->slot_lines = arena_alloc(arena, (in->line_count + 1) * sizeof(struct line *));
    in->slot_count = 0;
    in->changes.count = 0;
    for (size_t i = 0; i < in->line_count; i++) {
        struct line *line = &in->lines[i];
        if (is_rejected(line))
            continue;
        in->slots[in->slot_count] =
            (struct event_slot){.event = &line->event, .request = line->submission->request};
        in->slot_lines[in->slot_count++] = line;
    }
}

static enum status commit_batch(struct intake *in, struct error *error) {
    enum status status = STATUS_RETRY;
    for (int attempt = 0; status == STATUS_RETRY && attempt < HUB_ATTEMPTS; attempt++) {
        gather_slots(in);
        if (in->slot_count == 0)
            return STATUS_OK;
        status = hub_begin(in->hub, error);
        if (status == STATUS_OK) {
            status = run_groups(in, error);
            if (status == STATUS_OK)
                status = store_commit(in->hub->store, error);
            if (status != STATUS_OK)
                status = hub_abort_or_die(in->hub, status, error);
        }
    }
    return status;
}

static void gather_lines(struct intake *in) {
    for (size_t s = 0; s < in->submission_count; s++)
        in->line_count += in->submissions[s]->count;
    in->lines = arena_alloc_zero(&in->hub->batch, (in->line_count + 1) * sizeof *in->lines);
    struct line *line = in->lines;
    for (size_t s = 0; s < in->submission_count; s++) {
        struct submission *submission = in->submissions[s];
        for (size_t i = 0; i < submission->count; i++, line++) {
            submission->results[i] = (struct adjustment_result){0};
            line->adjustment = &submission->adjustments[i];
            line->result = &submission->results[i];
            line->submission = submission;
        }
    }
}

static unsigned latency_bucket(int64_t us) {
    unsigned bucket = 0;
    while (bucket + 1 < HUB_LATENCY_BUCKETS && us >= (INT64_C(64) << bucket))
        bucket++;
    return bucket;
}

static void count_batch(struct intake *in, enum status status) {
    struct hub_counters *counters = &in->hub->counters;
    uint64_t by_status[5] = {0};
    if (status == STATUS_OK) {
        for (size_t i = 0; i < in->line_count; i++)
            by_status[in->lines[i].result->status]++;
        if (in->slot_count > 0)
            atomic_store(&counters->disk_full, false);
    }
    for (int i = 0; i < 5; i++)
        if (by_status[i] != 0)
            atomic_fetch_add(&counters->adjustments[i], by_status[i]);
    atomic_fetch_add(&counters->batches, 1);
    atomic_fetch_add(&counters->batch_events, in->slot_count);
    int64_t now_us = hub_now_us(in->hub);
    for (size_t s = 0; s < in->submission_count; s++) {
        int64_t us = now_us - in->submissions[s]->received_at_us;
        atomic_fetch_add(&counters->latency_count[latency_bucket(us)], 1);
        atomic_fetch_add(&counters->latency_us_sum, us);
    }
}

void intake_run(struct hub *hub, struct submission **submissions, size_t count) {
    struct intake in = {.hub = hub, .submissions = submissions, .submission_count = count};
    struct error error = {0};
    gather_lines(&in);
    enum status status = resolve_all(&in, &error);
    if (status == STATUS_OK)
        status = commit_batch(&in, &error);
    if (status == STATUS_OK && in.slot_count > 0) /* else nothing was committed */
        change_feed_publish(hub, in.changes.items, in.changes.count, store_last_seq(hub->store));
    count_batch(&in, status);
    for (size_t s = 0; s < count; s++)
        submissions[s]->done(submissions[s], status);
}
