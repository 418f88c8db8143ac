/* Documents to events, events to the hub, and what came of each.
 *
 * Everything of a batch is decided before the hub is asked (what it says, where, which product) and
 * settled after it (results, health, what is parked); in between one submission books all of it. */
#include "pos/prism_take.h"

#include "pos/prism_batch_internal.h"

/* ---- before: words to an adjustment ---- */

static struct text number_of(const struct prism_document *document) {
    struct text number = prism_document_number(document);
    return number.length > 0 ? number : document->sid;
}

static int64_t sequence_of(const struct prism_document *document) {
    struct text number = prism_document_number(document);
    int64_t sequence = 0;
    for (size_t i = 0; i < number.length; i++) {
        if (number.data[i] < '0' || number.data[i] > '9') {
            return PRISM_NO_NUMBER;
        }
        sequence = sequence * 10 + (number.data[i] - '0');
    }
    return number.length > 0 && number.length <= 18 ? sequence : PRISM_NO_NUMBER;
}

static bool is_identifier(struct text value) {
    return value.length > 0 && !text_equal_string(value, "0");
}

/* The identifiers that the catalog can take; a UPC that cannot be one is left out where the line
 * says more. `known` and `news` count those with and without a product. */
static void fill_identifiers(struct source *source, const struct prism_item *item,
                             struct adjustment *line, struct taken_line *taken) {
    struct catalog *catalog = hub_catalog(source->hub);
    const struct text values[SOURCE_IDENTIFIERS] = {
        [SOURCE_UPC] = is_identifier(item->scan_upc) ? item->scan_upc : item->upc,
        [SOURCE_ALU] = item->alu,
        [SOURCE_SID] = item->product_sid,
    };
    catalog_lock(catalog);
    for (int i = 0; i < SOURCE_IDENTIFIERS; i++) {
        struct identifier given = {source->id_types[i], values[i]}, own;
        struct identifier_room room;
        const char *why = NULL;
        if (!is_identifier(values[i]) ||
            catalog_canonical(catalog, &given, &room, &own, &why) != STATUS_OK) {
            continue;
        }
        uint32_t type = catalog_find_type_locked(catalog, own.type);
        uint32_t product = catalog_find_value_locked(catalog, type, own.value);
        line->identifiers[line->identifier_count++] = given;
        taken->known += product != 0;
        taken->news += product == 0;
        taken->only_sid = i == SOURCE_SID && line->identifier_count == 1;
    }
    catalog_unlock(catalog);
}

static struct text store_words(const struct prism_store *store, struct arena *arena) {
    return arena_format(
        arena,
        "store %.*s (number %.*s, sid %.*s) is none of our locations: name it under "
        "`stores` of the source",
        TEXT_ARG(store->code), TEXT_ARG(store->number), TEXT_ARG(store->sid));
}

static void park(struct taken_document *taken, enum status code, struct text reason) {
    if (!taken->is_parked) {
        taken->is_parked = true;
        taken->code = code;
        taken->reason = reason;
    }
}

/* True: the line may go to the hub. */
static bool fill_line(struct prism_batch *batch, struct taken_document *taken,
                      const struct prism_movement *movement, struct adjustment *line,
                      struct taken_line *extra) {
    struct source *source = batch->source;
    *line = (struct adjustment){
        .id = movement->id,
        .source = source->config->name,
        .location = prism_stores_location(source->stores, &movement->store),
        .document = number_of(&taken->document),
        .register_name = movement->is_undoing ? (struct text){NULL, 0} : taken->register_name,
        .sequence = movement->is_undoing ? 0 : taken->sequence,
        .reason = text_from(movement->reason),
        .acknowledges = movement->acknowledges,
        .type = movement->type,
        .delta_milli = movement->delta_milli,
        .occurred_at_us = source_instant_us(source, movement->at),
        .occurred_at_given = movement->at.given,
        .may_differ = true,
    };
    *extra = (struct taken_line){.item = movement->item};
    if (line->location.length == 0) {
        park(taken, STATUS_UNKNOWN_LOCATION, store_words(&movement->store, batch->arena));
        return false;
    }
    fill_identifiers(source, movement->item, line, extra);
    if (line->identifier_count == 0) {
        park(taken, STATUS_UNKNOWN_PRODUCT,
             arena_format(batch->arena, "item %.*s: none of its identifiers can be one",
                          TEXT_ARG(movement->item->sid)));
        return false;
    }
    bool may_wait = hub_config(source->hub)->unknown_products != CONFIG_IGNORE;
    if (extra->only_sid && extra->known == 0 && may_wait) {
        park(taken, STATUS_UNKNOWN_PRODUCT,
             arena_format(batch->arena,
                          "the product with the sid %.*s is not known, and nothing else is said of "
                          "it",
                          TEXT_ARG(movement->item->product_sid)));
        return false;
    }
    return true;
}

static void place(struct prism_batch *batch, struct taken_document *taken) {
    struct source *source = batch->source;
    const struct prism_document *document = &taken->document;
    const struct prism_store *store =
        document->kind == PRISM_TRANSFER ? &document->from_store : &document->store;
    prism_stores_learn(source->stores, store);
    taken->location = prism_stores_location(source->stores, store);
    taken->number = sequence_of(document);
    if (taken->location.length > 0 && taken->number != PRISM_NO_NUMBER) {
        taken->sequence = taken->number;
        taken->register_name =
            source_register(source, document->kind, taken->location, document, batch->arena);
    }
}

static void begin_document(struct prism_batch *batch, struct taken_document *taken) {
    struct error error = {0};
    struct prism_translation translation;
    struct prism_document *document = &taken->document;
    taken->first_line = batch->line_count;
    enum status status =
        prism_document_read(taken->raw->json, taken->raw->kind, &batch->source->web_order_field,
                            batch->arena, document, &error);
    if (status != STATUS_OK) {
        document->sid = (struct text){NULL, 0};
        park(taken, status, arena_copy(batch->arena, text_from(error.detail)));
        return;
    }
    place(batch, taken);
    prism_translate(document, batch->arena, &translation);
    taken->why = translation.why;
    if (translation.is_parked) {
        park(taken, STATUS_BAD_VALUE, translation.why);
    }
    batch_reserve(batch, translation.count);
    for (size_t i = 0; i < translation.count; i++) {
        size_t at = batch->line_count;
        if (fill_line(batch, taken, &translation.movements[i], &batch->lines[at],
                      &batch->extras[at])) {
            batch->line_count++;
        }
    }
    taken->line_count = batch->line_count - taken->first_line;
}

void batch_reserve(struct prism_batch *batch, size_t more) {
    if (batch->line_count + more <= batch->line_room) {
        return;
    }
    size_t room = 2 * (batch->line_count + more) + 16;
    struct adjustment *lines = arena_alloc(batch->arena, room * sizeof *lines);
    struct taken_line *extras = arena_alloc(batch->arena, room * sizeof *extras);
    if (batch->line_count > 0) {
        memcpy(lines, batch->lines, batch->line_count * sizeof *lines);
        memcpy(extras, batch->extras, batch->line_count * sizeof *extras);
    }
    batch->lines = lines;
    batch->extras = extras;
    batch->line_room = room;
}

struct prism_batch *prism_batch_begin(struct source *source, const struct access *access,
                                      const struct prism_raw *raw, size_t count,
                                      struct arena *arena) {
    require(count <= PRISM_BATCH_DOCUMENTS);
    struct prism_batch *batch = arena_alloc_zero(arena, sizeof *batch);
    *batch = (struct prism_batch){.source = source, .access = access, .arena = arena};
    batch->documents = arena_alloc_zero(arena, (count + 1) * sizeof *batch->documents);
    batch->document_count = count;
    for (size_t i = 0; i < count; i++) {
        batch->documents[i].raw = &raw[i];
        begin_document(batch, &batch->documents[i]);
    }
    batch->answers = arena_alloc_zero(arena, (batch->line_count + 1) * sizeof *batch->answers);
    batch->submission = (struct submission){.access = access,
                                            .adjustments = batch->lines,
                                            .results = batch->answers,
                                            .count = batch->line_count};
    return batch;
}

struct submission *prism_batch_submission(struct prism_batch *batch) {
    return batch->line_count > 0 ? &batch->submission : NULL;
}

/* ---- all of it, waiting ---- */

/* `room`: how many results *all has place for; it grows by half, for nothing of an arena is given
 * back. */
static void append(struct arena *arena, struct prism_taken *all, size_t *room,
                   const struct prism_taken *part) {
    if (all->count + part->count > *room) {
        *room = all->count + part->count + all->count / 2;
        struct prism_result *results = arena_alloc(arena, *room * sizeof *results);
        if (all->count > 0) {
            memcpy(results, all->results, all->count * sizeof *results);
        }
        all->results = results;
    }
    if (part->count > 0) {
        memcpy(all->results + all->count, part->results, part->count * sizeof *part->results);
    }
    all->count += part->count;
    all->documents += part->documents;
    all->events += part->events;
    all->parked += part->parked;
    bool later = all->modified_us == NEVER_US ||
                 (part->modified_us != NEVER_US && part->modified_us > all->modified_us);
    all->modified_us = later ? part->modified_us : all->modified_us;
    later = all->posted_us == NEVER_US ||
            (part->posted_us != NEVER_US && part->posted_us > all->posted_us);
    all->posted_us = later ? part->posted_us : all->posted_us;
}

enum status prism_take(struct source *source, const struct access *access,
                       const struct prism_raw *raw, size_t count, struct arena *arena,
                       struct prism_taken *taken_out, struct error *error) {
    enum status status = STATUS_OK;
    size_t room = 0;
    *taken_out = (struct prism_taken){.modified_us = NEVER_US, .posted_us = NEVER_US};
    for (size_t from = 0; from < count && status == STATUS_OK; from += PRISM_BATCH_DOCUMENTS) {
        size_t most = count - from < PRISM_BATCH_DOCUMENTS ? count - from : PRISM_BATCH_DOCUMENTS;
        struct prism_taken part;
        struct prism_batch *batch = prism_batch_begin(source, access, raw + from, most, arena);
        struct submission *submission = prism_batch_submission(batch);
        if (submission != NULL) {
            status = hub_submit_wait(source->hub, submission);
        }
        status = prism_batch_finish(batch, status, &part, error);
        if (status == STATUS_OK) {
            append(arena, taken_out, &room, &part);
        }
    }
    return status;
}

/* ---- bodies ---- */

static void push_raw(struct arena *arena, struct prism_raw **list, size_t *count, size_t *room,
                     struct prism_raw raw) {
    if (*count == *room) {
        *room = *room == 0 ? 16 : *room * 2;
        struct prism_raw *grown = arena_alloc(arena, *room * sizeof *grown);
        if (*count > 0) {
            memcpy(grown, *list, *count * sizeof *grown);
        }
        *list = grown;
    }
    (*list)[(*count)++] = raw;
}

/* The list under "data" of an object that is no document itself; NULL data: there is none. */
static enum status find_data(struct text object, struct arena *arena, struct text *data_out) {
    struct json_reader reader;
    struct json_value value;
    struct text key, raw;
    json_reader_init(&reader, object, arena, NULL);
    enum status status = json_read(&reader, &value);
    *data_out = (struct text){NULL, 0};
    if (status == STATUS_OK && value.kind != JSON_OBJECT) {
        return STATUS_OK;
    }
    while (status == STATUS_OK && (status = json_next_key(&reader, &key)) == STATUS_OK) {
        if (text_equal_ignore_case(key, TEXT("sid"))) {
            *data_out = (struct text){NULL, 0};
            return STATUS_OK;
        }
        status = json_read_raw(&reader, &raw);
        if (status == STATUS_OK && text_equal_string(key, "data") && raw.data[0] == '[') {
            *data_out = raw;
        }
    }
    return status == STATUS_END ? STATUS_OK : status;
}

enum status prism_split(struct text body, enum prism_kind kind, enum prism_way way,
                        struct arena *arena, struct prism_raw **raw_out, size_t *count_out,
                        struct error *error) {
    struct text list = text_trim(body), data, raw;
    struct json_reader reader;
    struct json_value value;
    size_t room = 0;
    *raw_out = NULL;
    *count_out = 0;
    json_reader_init(&reader, list, arena, error);
    enum status status = json_read_raw(&reader, &raw);
    if (status == STATUS_OK) {
        status = json_finish(&reader);
    }
    if (status == STATUS_OK) {
        status = find_data(raw, arena, &data);
    }
    if (status != STATUS_OK) {
        return status;
    }
    list = data.data != NULL ? data : raw;
    if (list.data[0] != '[') {
        push_raw(arena, raw_out, count_out, &room, (struct prism_raw){kind, way, list});
        return STATUS_OK;
    }
    json_reader_init(&reader, list, arena, error);
    status = json_read(&reader, &value);
    while (status == STATUS_OK && (status = json_next_item(&reader)) == STATUS_OK) {
        status = json_read_raw(&reader, &raw);
        if (status == STATUS_OK) {
            push_raw(arena, raw_out, count_out, &room, (struct prism_raw){kind, way, raw});
        }
    }
    return status == STATUS_END ? STATUS_OK : status;
}
