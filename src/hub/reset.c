/* Gathering the rows of a reset.
 *
 * The hot path of a file of ten million rows: a row's location is nearly always that of the row
 * before, and its product nearly always the one that followed the last product at the location
 * before; both guesses are checked by comparing the text itself, and a wrong one costs a look-up.
 */
#include "hub/reset.h"

#include <stdlib.h>

#include "base/log.h"
#include "hub/reset_internal.h"

#define IDENTIFIER_MAX 200u
#define ASKED_TOGETHER 32u /* rows whose products are looked up together */

static struct reset *reset_make(struct hub *hub, const struct access *access) {
    struct reset *reset = memory_alloc_zero(1, sizeof *reset);
    reset->hub = hub;
    reset->access = access;
    reset->file_as_of_us = NEVER_US;
    reset->location_texts = intern_new();
    reset->new_products = intern_new();
    reset->activity = intern_new();
    return reset;
}

enum status reset_new(struct hub *hub, const struct access *access,
                      const struct reset_params *params, struct reset **reset_out,
                      struct error *error) {
    if (!access_allows(access, SCOPE_RESET))
        return error_set(error, STATUS_FORBIDDEN, "a reset needs a token with the scope reset");
    if (params->guard_off && !access_allows(access, SCOPE_ADMIN))
        return error_set(error, STATUS_FORBIDDEN, "guard=off needs a token with the scope admin");
    if (params->guard_off && hub->config->approvals > 1)
        return error_set(error, STATUS_FORBIDDEN,
                         "guard=off would go round the %lld approvals that are configured: let it "
                         "be held",
                         (long long)hub->config->approvals);
    uint32_t only = catalog_find_location(hub->catalog, params->location);
    struct text code = only != 0 ? catalog_location_code(hub->catalog, only) : params->location;
    if (params->location.length > 0 && !access_allows_location(access, code))
        return error_set(error, STATUS_FORBIDDEN_LOCATION, "the token may not reset this location");
    struct reset *reset = reset_make(hub, access);
    reset->params = *params;
    reset->params.source = arena_copy(&reset->arena, params->source);
    reset->params.location = arena_copy(&reset->arena, params->location);
    reset->params.file = arena_copy(&reset->arena, params->file);
    reset->params.feed = arena_copy(&reset->arena, params->feed);
    reset->params.as_of_origin = arena_copy(&reset->arena, params->as_of_origin);
    struct text source = params->source;
    if (source.length == 0 && params->manifest != NULL)
        source = params->manifest->source;
    reset->name_space_given = params->name_space.length > 0;
    if (!reset->name_space_given)
        reset->params.name_space = hub_namespace(hub, source.length > 0 ? source : access->name);
    reset->params.name_space = arena_copy(&reset->arena, reset->params.name_space);
    reset->store = row_store_new(hub->config->data, (size_t)hub->config->limits.reset_bytes);
    if (params->publish_only)
        reset->published = catalog_published_new(hub->catalog);
    reset->record.received_at_us = hub_now_us(hub);
    reset->started_us = monotonic_us();
    *reset_out = reset;
    return STATUS_OK;
}

void reset_free(struct reset *reset) {
    if (reset == NULL)
        return;
    for (uint32_t i = 0; i < reset->location_count; i++) {
        row_list_drop(reset->store, &reset->locations[i].list);
        free(reset->locations[i].rejected_products);
        buffer_deinit(&reset->locations[i].packed);
        free(reset->locations[i].forecast);
    }
    free(reset->locations);
    free(reset->text_location);
    free(reset->successor);
    decision_room_deinit(&reset->decision_room);
    as_of_room_deinit(&reset->as_of_room);
    free(reset->rejects);
    if (!reset->is_part) {
        catalog_published_free(reset->published);
        row_store_free(reset->store);
    }
    intern_free(reset->location_texts);
    intern_free(reset->new_products);
    intern_free(reset->activity);
    free(reset->says);
    arena_deinit(&reset->arena);
    free(reset);
}

void reset_reject_row(struct reset *reset, uint64_t line, enum status problem, const char *detail,
                      struct text raw) {
    reset->reject_total++;
    if (reset->reject_count >= REJECTS_KEPT_MAX)
        return;
    if (reset->reject_count == reset->reject_room) {
        reset->reject_room = reset->reject_room == 0 ? 64 : reset->reject_room * 2;
        reset->rejects = memory_grow(reset->rejects, reset->reject_room * sizeof *reset->rejects);
    }
    size_t most = reset->reject_bytes < REJECT_TEXTS_MAX ? REJECT_TEXT_MAX : REJECT_TEXT_SHORT;
    if (raw.length > most)
        raw.length = most;
    reset->reject_bytes += raw.length;
    reset->rejects[reset->reject_count++] =
        (struct rejected_row){line, problem, detail != NULL ? detail : status_meaning(problem),
                              arena_copy(&reset->arena, raw)};
}

/* ---- locations ---- */

static uint32_t add_location(struct reset *reset, struct text code, uint32_t number) {
    for (uint32_t i = 0; number != 0 && i < reset->location_count; i++)
        if (reset->locations[i].number == number)
            return i;
    if (reset->location_count == reset->location_room) {
        reset->location_room = reset->location_room == 0 ? 16 : reset->location_room * 2;
        reset->locations =
            memory_grow(reset->locations, reset->location_room * sizeof *reset->locations);
    }
    reset->locations[reset->location_count] = (struct reset_location){
        .code = arena_copy(&reset->arena, code), .number = number, .as_of_us = NEVER_US};
    return reset->location_count++;
}

/* Index + 1, or 0 when rows of such a location are not taken; *problem_out says why. */
static uint32_t resolve_location(struct reset *reset, struct text text, enum status *problem_out) {
    uint32_t number = catalog_find_location_locked(reset->hub->catalog, text);
    struct text code =
        number != 0 ? catalog_location_code_locked(reset->hub->catalog, number) : text;
    *problem_out = STATUS_OK;
    if (text.length == 0 || text.length > IDENTIFIER_MAX)
        *problem_out = text.length == 0 ? STATUS_MISSING : STATUS_BAD_VALUE;
    else if (number == 0 && reset->hub->reject_unknown_locations)
        *problem_out = STATUS_UNKNOWN_LOCATION;
    else if (!access_allows_location(reset->access, code))
        *problem_out = STATUS_FORBIDDEN_LOCATION;
    else if (reset->location_count >= LOCATIONS_MAX)
        *problem_out = STATUS_TOO_LARGE;
    return *problem_out == STATUS_OK ? add_location(reset, code, number) + 1 : 0;
}

/* The text's number; 0: there are too many of them. */
static uint32_t known_text(struct reset *reset, struct text text) {
    if (text.length > IDENTIFIER_MAX)
        text = TEXT(""); /* all that are too long are the same: none */
    if (intern_count(reset->location_texts) >= LOCATION_TEXTS_MAX)
        return intern_find(reset->location_texts, text);
    uint32_t number = intern_add(reset->location_texts, text);
    if (number >= reset->text_room) {
        size_t room = 2 * (size_t)number + 64;
        reset->text_location =
            memory_grow(reset->text_location, room * sizeof *reset->text_location);
        memset(reset->text_location + reset->text_room, 0,
               (room - reset->text_room) * sizeof *reset->text_location);
        reset->text_room = room;
    }
    return number;
}

static struct reset_location *find_location(struct reset *reset, struct text text,
                                            enum status *problem_out) {
    if (reset->last_location != NULL && text_equal(text, reset->last_text))
        return reset->last_location;
    uint32_t number = known_text(reset, text);
    if (number == 0) {
        *problem_out = STATUS_TOO_LARGE;
        return NULL;
    }
    if (reset->text_location[number] == 0)
        reset->text_location[number] = resolve_location(reset, text, problem_out);
    if (reset->text_location[number] == 0)
        return NULL;
    struct reset_location *location = &reset->locations[reset->text_location[number] - 1];
    if (text.length <= sizeof reset->last_text_bytes) {
        memcpy(reset->last_text_bytes, text.data, text.length);
        reset->last_text = (struct text){reset->last_text_bytes, text.length};
        reset->last_location = location;
    } else
        reset->last_location = NULL;
    return location;
}

/* ---- products ---- */

static uint32_t type_number(struct reset *reset, struct text type) {
    if (type.length == 0 && reset->params.name_space.length == 0)
        return ID_TYPE_SKU;
    if (type.length == 0)
        type = TEXT("sku");
    if (reset->last_type.length == 0 || !text_equal(type, reset->last_type)) {
        char room[ID_TYPE_SIZE];
        reset->last_type_number = catalog_find_type_locked(
            reset->hub->catalog, id_type_join(type, reset->params.name_space, room));
        if (type.length > sizeof reset->last_type_bytes || reset->last_type_number == 0)
            return reset->last_type.length = 0, reset->last_type_number;
        memcpy(reset->last_type_bytes, type.data, type.length);
        reset->last_type = (struct text){reset->last_type_bytes, type.length};
    }
    return reset->last_type_number;
}

/* 0: not known, and not to be made; with *why_out when it cannot be one. */
static uint32_t new_product(struct reset *reset, const struct stated_row *row,
                            const char **why_out) {
    char key[ID_TYPE_SIZE + 1 + IDENTIFIER_MAX], joined[ID_TYPE_SIZE];
    struct text word = row->id_type.length > 0 ? row->id_type : TEXT("sku");
    struct identifier given = {id_type_join(word, reset->params.name_space, joined),
                               row->identifier};
    struct identifier_room room;
    struct identifier own;
    const char *why = NULL;
    if (word.length > 64)
        return 0;
    if (catalog_canonical(reset->hub->catalog, &given, &room, &own, &why) != STATUS_OK)
        return *why_out = why, 0;
    if (reset->hub->reject_unknown_products)
        return 0;
    memcpy(key, own.type.data, own.type.length);
    key[own.type.length] = '\0';
    memcpy(key + own.type.length + 1, own.value.data, own.value.length);
    struct text text = {key, own.type.length + 1 + own.value.length};
    return NEW_PRODUCT | intern_add(reset->new_products, text);
}

static void learn_successor(struct reset *reset, uint32_t product) {
    uint32_t last = reset->last_product;
    if (last != 0) {
        if (last >= reset->successor_room) {
            uint32_t room = last * 2 + 1024;
            reset->successor = memory_grow(reset->successor, room * sizeof *reset->successor);
            memset(reset->successor + reset->successor_room, 0,
                   (room - reset->successor_room) * sizeof *reset->successor);
            reset->successor_room = room;
        }
        reset->successor[last] = product;
    }
    reset->last_product = product;
}

/* The product that followed the last one when it came before, if this is it; else 0. */
static inline uint32_t foretold_product(struct reset *reset, uint32_t type, struct text value) {
    uint32_t last = reset->last_product;
    uint32_t guess = last < reset->successor_room ? reset->successor[last] : 0;
    guess = guess != 0 ? guess : last + 1;
    if (!catalog_product_is_locked(reset->hub->catalog, guess, type, value))
        return 0;
    reset->last_product = guess;
    return guess;
}

static uint32_t find_product(struct reset *reset, const struct stated_row *row,
                             const char **why_out) {
    const struct catalog *catalog = reset->hub->catalog;
    char room[GTIN_SIZE];
    uint32_t type = type_number(reset, row->id_type);
    struct text value = row->identifier;
    if (type != ID_TYPE_SKU)
        (void)catalog_value_locked(catalog, type, value, room, &value);
    uint32_t product = foretold_product(reset, type, value);
    if (product != 0)
        return product;
    product = catalog_find_value_locked(catalog, type, value);
    if (product == 0)
        return new_product(reset, row, why_out);
    learn_successor(reset, product);
    return product;
}

/* With publish_only, the first question about a row, and for most rows the last. */
static uint32_t find_published(struct reset *reset, const struct stated_row *row) {
    const struct catalog *catalog = reset->hub->catalog;
    char room[GTIN_SIZE];
    uint32_t type = type_number(reset, row->id_type);
    struct text value = row->identifier;
    if (type != ID_TYPE_SKU)
        (void)catalog_value_locked(catalog, type, value, room, &value);
    if (type == 0)
        return 0;
    uint32_t product = foretold_product(reset, type, value);
    if (product != 0)
        return catalog_is_published_locked(catalog, product) ? product : 0;
    product = catalog_find_published_locked(catalog, reset->published, type, value);
    if (product != 0)
        learn_successor(reset, product);
    return product;
}

/* ---- rows ---- */

void reset_note_rejected(struct reset_location *location, uint32_t product) {
    if (location->rejected_count == location->rejected_room) {
        location->rejected_room = location->rejected_room == 0 ? 16 : location->rejected_room * 2;
        location->rejected_products =
            memory_grow(location->rejected_products,
                        location->rejected_room * sizeof *location->rejected_products);
    }
    location->rejected_products[location->rejected_count++] = product;
}

static void add_rejected(struct reset *reset, struct reset_location *location,
                         const struct stated_row *row, enum status problem, const char *detail) {
    reset_reject_row(reset, row->line, problem, detail, row->raw);
    if (location == NULL) {
        if (problem == STATUS_UNKNOWN_LOCATION)
            reset->unknown_locations++;
        else
            reset->unlocated_rejects++;
        return;
    }
    location->record.counts.rows++;
    if (problem == STATUS_UNKNOWN_PRODUCT) {
        location->record.counts.unknown_products++;
        return;
    }
    location->record.counts.rejected_rows++;
    if (reset->params.absent_zero && row->identifier.length > 0 &&
        row->identifier.length <= IDENTIFIER_MAX) {
        const char *why = NULL;
        uint32_t product = find_product(reset, row, &why);
        if (product != 0)
            row_list_mark(reset->store, &location->list, product, row->line);
    }
}

/* Counted, not stored, not listed; what is there of it is not absent either. */
static void add_unpublished(struct reset *reset, struct reset_location *location,
                            const struct stated_row *row) {
    location->record.counts.rows++;
    location->record.counts.unknown_products++;
    location->record.counts.unpublished_rows++;
    if (reset->params.absent_zero || row->active == ROW_ACTIVE) {
        uint32_t type = type_number(reset, row->id_type);
        uint32_t product = catalog_find_product_locked(reset->hub->catalog, type, row->identifier);
        if (product != 0 && row->active == ROW_ACTIVE)
            reset_note_activity(reset, row, product);
        if (product != 0 && reset->params.absent_zero)
            row_list_mark(reset->store, &location->list, product, row->line);
    }
}

/* The reset is for one location only, and the row names another. */
static bool is_elsewhere(const struct reset *reset, struct text location) {
    struct text only = reset->params.location;
    if (only.length == 0 || location.length == 0 || text_equal(location, only))
        return false;
    uint32_t number = catalog_find_location_locked(reset->hub->catalog, location);
    return number == 0 || number != catalog_find_location_locked(reset->hub->catalog, only);
}

static void add_row(struct reset *reset, const struct stated_row *row) {
    enum status problem = row->problem;
    const char *detail = row->problem_detail;
    enum status location_problem = STATUS_OK;
    struct text text = row->location.length > 0 ? row->location : reset->params.location;
    struct reset_location *location = NULL;
    if (is_elsewhere(reset, row->location)) {
        add_rejected(reset, NULL, row, STATUS_FORBIDDEN_LOCATION,
                     "the reset is for another location");
        return;
    }
    if (text.length > 0 || problem == STATUS_OK)
        location = find_location(reset, text, &location_problem);
    if (location == NULL) {
        if (location_problem == STATUS_TOO_LARGE)
            detail = "the file names too many locations";
        add_rejected(reset, NULL, row, location_problem != STATUS_OK ? location_problem : problem,
                     detail);
        return;
    }
    if (problem == STATUS_OK &&
        (row->identifier.length == 0 || row->identifier.length > IDENTIFIER_MAX)) {
        problem = row->identifier.length == 0 ? STATUS_MISSING : STATUS_BAD_VALUE;
        detail = "the product's identifier is missing or longer than 200 bytes";
    }
    uint32_t product = 0;
    const char *why = NULL;
    bool is_named = row->identifier.length > 0 && row->identifier.length <= IDENTIFIER_MAX;
    if (reset->published != NULL && is_named) {
        product = find_published(reset, row);
        if (product == 0) {
            add_unpublished(reset, location, row);
            return;
        }
    } else if (problem == STATUS_OK)
        product = find_product(reset, row, &why);
    if (problem == STATUS_OK && product == 0) {
        problem = why != NULL ? STATUS_BAD_VALUE : STATUS_UNKNOWN_PRODUCT;
        detail = why != NULL ? why : detail;
    }
    if (problem != STATUS_OK) {
        add_rejected(reset, location, row, problem, detail);
        return;
    }
    if (row->as_of_us < location->as_of_us)
        location->as_of_us = row->as_of_us;
    if (row->active != ROW_ACTIVE_UNSAID)
        reset_note_activity(reset, row, (product & NEW_PRODUCT) != 0 ? 0 : product);
    location->record.counts.rows++;
    row_list_append(reset->store, &location->list, product, row->line, row->quantity_milli);
}

/* Everything goes: what is written next mostly belongs to other locations, or to all of them. Parts
 * keep their rows until they are joined, for they may have to be renumbered. */
static void spill_what_is_over(struct reset *reset) {
    if (!row_store_is_over(reset->store))
        return;
    for (uint32_t i = 0; i < reset->location_count; i++)
        row_list_spill(reset->store, &reset->locations[i].list);
    row_store_flush(reset->store);
}

bool reset_is_broken(const struct reset *reset) {
    return row_store_is_broken(reset->store);
}

/* A row like the one before it: the same location, the same kind of identifier, and the product
 * that was to be expected. Nearly all are; what is not takes the long way. */
static inline bool add_row_quick(struct reset *reset, const struct stated_row *row) {
    if (row->problem != STATUS_OK || row->as_of_us != NEVER_US || reset->last_location == NULL ||
        reset->last_type.length == 0 || reset->last_type_number != ID_TYPE_SKU ||
        !text_equal(row->location, reset->last_text) ||
        !text_equal(row->id_type, reset->last_type) || row->identifier.length > IDENTIFIER_MAX)
        return false;
    uint32_t product = foretold_product(reset, ID_TYPE_SKU, row->identifier);
    if (product == 0)
        return false;
    struct reset_location *location = reset->last_location;
    location->record.counts.rows++;
    row_list_append(reset->store, &location->list, product, row->line, row->quantity_milli);
    return true;
}

/* A row with the location of the one before it, of a product that is not published: one more, and
 * nothing else is to be done about it. */
static inline bool count_unpublished(struct reset *reset, const struct stated_row *row,
                                     uint64_t asked) {
    if (reset->last_location == NULL || row->active == ROW_ACTIVE ||
        catalog_may_be_published(reset->published, asked) ||
        !text_equal(row->location, reset->last_text))
        return false;
    struct reset_counts *counts = &reset->last_location->record.counts;
    counts->rows++;
    counts->unknown_products++;
    counts->unpublished_rows++;
    return true;
}

/* With publish_only a row is a look into memory that is rarely at hand: several at a time are
 * waited for together. */
static void add_published_rows(struct reset *reset, const struct stated_row *rows, size_t count) {
    uint64_t asked[ASKED_TOGETHER];
    bool is_asked[ASKED_TOGETHER];
    require(count <= ASKED_TOGETHER);
    for (size_t i = 0; i < count; i++) {
        const struct text value = rows[i].identifier;
        is_asked[i] = value.length > 0 && value.length <= IDENTIFIER_MAX &&
                      type_number(reset, rows[i].id_type) == ID_TYPE_SKU;
        asked[i] = is_asked[i] ? catalog_ask_published(reset->published, ID_TYPE_SKU, value) : 0;
    }
    const bool quick = reset->params.location.length == 0 && !reset->params.absent_zero;
    for (size_t i = 0; i < count; i++)
        if (!quick || !is_asked[i] || !count_unpublished(reset, &rows[i], asked[i]))
            add_row(reset, &rows[i]);
}

void reset_add_rows(struct reset *reset, const struct stated_row *rows, size_t count) {
    const bool plain = reset->params.location.length == 0;
    catalog_lock(reset->hub->catalog);
    for (size_t i = 0; i < count && reset->published == NULL; i++)
        if (!plain || !add_row_quick(reset, &rows[i]))
            add_row(reset, &rows[i]);
    for (size_t i = 0; i < count && reset->published != NULL; i += ASKED_TOGETHER)
        add_published_rows(reset, rows + i,
                           count - i < ASKED_TOGETHER ? count - i : ASKED_TOGETHER);
    catalog_unlock(reset->hub->catalog);
    reset->rows += count;
    if (!reset->is_part)
        spill_what_is_over(reset);
}

/* ---- parts of a file read side by side ---- */

struct reset *reset_fork(struct reset *reset) {
    struct reset *part = reset_make(reset->hub, reset->access);
    part->params = reset->params;
    part->published = reset->published;
    part->store = reset->store;
    part->successor = reset->successor; /* what was learned so far; back with the join */
    part->successor_room = reset->successor_room;
    reset->successor = NULL;
    reset->successor_room = 0;
    part->is_part = true;
    return part;
}

static void join_location(struct reset *reset, struct reset_location *from,
                          const uint32_t *products, uint64_t lines_before) {
    enum status problem;
    catalog_lock(reset->hub->catalog);
    struct reset_location *to = find_location(reset, from->code, &problem);
    catalog_unlock(reset->hub->catalog);
    if (to == NULL) { /* there are too many, now that the parts come together */
        reset->unlocated_rejects += from->record.counts.rows;
        reset->reject_total += from->record.counts.rows;
        return;
    }
    row_list_join(reset->store, &to->list, &from->list, lines_before, NEW_PRODUCT, products);
    if (from->as_of_us < to->as_of_us)
        to->as_of_us = from->as_of_us;
    reset_counts_add(&to->record.counts, &from->record.counts);
}

void reset_join(struct reset *reset, struct reset *part, uint64_t lines_before) {
    uint32_t new_count = intern_count(part->new_products);
    uint32_t *products = new_count > 0 ? memory_alloc((new_count + 1) * sizeof *products) : NULL;
    for (uint32_t i = 1; i <= new_count; i++)
        products[i] =
            NEW_PRODUCT | intern_add(reset->new_products, intern_text(part->new_products, i));
    for (uint32_t i = 0; i < part->location_count; i++)
        join_location(reset, &part->locations[i], products, lines_before);
    for (size_t i = 0; i < part->reject_count; i++)
        reset_reject_row(reset, part->rejects[i].line + lines_before, part->rejects[i].problem,
                         part->rejects[i].detail, part->rejects[i].raw);
    reset_join_activity(reset, part);
    reset->reject_total += part->reject_total - part->reject_count;
    reset->rows += part->rows;
    reset->unlocated_rejects += part->unlocated_rejects;
    reset->unknown_locations += part->unknown_locations;
    if (reset->successor == NULL) {
        reset->successor = part->successor;
        reset->successor_room = part->successor_room;
        part->successor = NULL;
    }
    free(products);
    reset_free(part);
    if (!reset->is_part)
        spill_what_is_over(reset);
}
