/* What the server knows: the newest documents of every store's registers, and what is new since the
 * look before. Whatever a new document touched is to be read again. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "core/statement.h"
#include "pos/prism_snapshot_internal.h"

#define STORES_MOST 20000u
#define STORE_PAGES_MOST 100u
#define NEWEST_PAGES_MOST 200u
#define SMALL_PAGE 100
#define ALL_PAGES_LEAST 20u /* of the newest of all stores together */
/* Changes of the last minute before the look before: for clocks that differ a little. */
#define MARGIN_US (60 * US_PER_SECOND)

/* ---- locations and stores ---- */

static uint32_t find_location(struct taking *taking, const struct prism_store *store) {
    struct text code = source_location(taking->source, store);
    if (code.length == 0)
        return UINT32_MAX;
    for (uint32_t i = 0; i < taking->location_count; i++)
        if (text_equal(taking->locations[i].code, code))
            return i;
    if (taking->location_count == taking->location_room) {
        size_t room = taking->location_room == 0 ? 64 : 2 * taking->location_room;
        taking->locations = memory_grow(taking->locations, room * sizeof *taking->locations);
        taking->location_room = room;
    }
    taking->locations[taking->location_count] =
        (struct taking_location){.code = code, .as_of_us = NEVER_US};
    return (uint32_t)taking->location_count++;
}

/* Every figure names its store, and there are few of them: what was found once is kept. */
uint32_t taking_location_of(struct taking *taking, const struct prism_store *store) {
    char room[128];
    const char *kind = store->sid.length > 0 ? "sid" : store->code.length > 0 ? "code" : "number";
    struct text name = store->sid.length > 0    ? store->sid
                       : store->code.length > 0 ? store->code
                                                : store->number;
    if (name.length == 0 || name.length > sizeof room - 16)
        return UINT32_MAX;
    int length = snprintf(room, sizeof room, "%s %.*s", kind, TEXT_ARG(name));
    struct text key = {room, (size_t)length};
    uint32_t number = intern_find(taking->store_names, key);
    if (number != 0)
        return taking->store_locations[number];
    uint32_t location = find_location(taking, store);
    if (location == UINT32_MAX)
        return location;
    number = intern_add(taking->store_names, key);
    if (number >= taking->store_name_room) {
        taking->store_name_room = taking->store_name_room == 0 ? 64 : 2 * taking->store_name_room;
        taking->store_locations = memory_grow(
            taking->store_locations, taking->store_name_room * sizeof *taking->store_locations);
    }
    taking->store_locations[number] = location;
    return location;
}

static void add_store(struct taking *taking, const struct prism_store *store) {
    source_learn_store(taking->source, store);
    uint32_t location = taking_location_of(taking, store);
    if (location == UINT32_MAX || store->sid.length == 0)
        return;
    for (size_t i = 0; i < taking->store_count; i++)
        if (text_equal(taking->stores[i].sid, store->sid))
            return;
    if (taking->store_count == taking->store_room) {
        taking->store_room = taking->store_room == 0 ? 64 : 2 * taking->store_room;
        taking->stores = memory_grow(taking->stores, taking->store_room * sizeof *taking->stores);
    }
    taking->stores[taking->store_count++] =
        (struct taking_store){arena_copy(&taking->arena, store->sid), location};
}

static enum status ask(struct taking *taking, enum prism_dialect dialect, struct text path,
                       struct prism_answer *answer_out, struct error *error) {
    struct taking_try tried = {0};
    for (;;) {
        arena_reset(&taking->page);
        enum status status =
            prism_get(taking->client, dialect, path, &taking->page, answer_out, error);
        if (status == STATUS_OK || !taking_try_again(taking, &tried, status, error))
            return status;
    }
}

static void note_clock(struct taking *taking, int64_t date_us) {
    if (date_us != NEVER_US)
        taking->server_ahead_us = date_us - hub_now_us(taking->source->hub);
}

/* From the list of stores. */
static enum status stores_from_list(struct taking *taking, struct error *error) {
    static const char *const names[] = {"sid", "storeno", "storenumber", "storecode"};
    struct prism_answer answer;
    size_t before;
    unsigned page_no = 1;
    do {
        char path[160];
        before = taking->store_count;
        (void)snprintf(path, sizeof path,
                       "/v1/rest/store?cols=*&sort=sid,asc&page_no=%u&page_size=%d", page_no++,
                       SMALL_PAGE);
        enum status status = ask(taking, PRISM_V1, text_from(path), &answer, error);
        if (status != STATUS_OK)
            return status;
        note_clock(taking, answer.date_us);
        for (size_t i = 0; i < answer.page.count; i++) {
            struct text v[4];
            if (!prism_pick(answer.page.items[i], names, 4, &taking->page, v))
                continue;
            struct prism_store store = {
                .sid = v[0], .number = v[1].length > 0 ? v[1] : v[2], .code = v[3]};
            add_store(taking, &store);
        }
    } while (answer.page.count >= SMALL_PAGE && page_no <= STORE_PAGES_MOST &&
             (taking->store_count > before || taking->store_count == 0));
    return STATUS_OK;
}

/* From the figures of the first items, where there is no list. */
static enum status stores_from_inventory(struct taking *taking, struct error *error) {
    static const char *const list[] = {"invnquantity"};
    static const char *const names[] = {"storesid", "storeno", "storecode"};
    struct prism_answer answer;
    enum status status =
        ask(taking, PRISM_BACKOFFICE,
            TEXT("/api/backoffice/inventory?cols=sid,invnquantity.storesid,invnquantity.storeno,"
                 "invnquantity.storecode&page_no=1&page_size=50"),
            &answer, error);
    for (size_t i = 0; status == STATUS_OK && i < answer.page.count; i++) {
        struct text raw, v[3];
        struct prism_page figures;
        if (!prism_pick(answer.page.items[i], list, 1, &taking->page, &raw) ||
            prism_page_cut(raw, &taking->page, &figures, NULL) != STATUS_OK)
            continue;
        for (size_t k = 0; k < figures.count; k++)
            if (prism_pick(figures.items[k], names, 3, &taking->page, v))
                add_store(taking, &(struct prism_store){.sid = v[0], .number = v[1], .code = v[2]});
    }
    if (status == STATUS_OK)
        note_clock(taking, answer.date_us);
    return status;
}

enum status taking_find_stores(struct taking *taking, struct error *error) {
    enum status status = stores_from_list(taking, error);
    if (status == STATUS_NOT_FOUND || status == STATUS_FORBIDDEN ||
        (status == STATUS_OK && taking->store_count == 0))
        status = stores_from_inventory(taking, error);
    if (status == STATUS_OK && taking->store_count == 0)
        return error_set(error, STATUS_UNKNOWN_LOCATION,
                         "none of Prism's stores is one of our locations: name them under `stores` "
                         "of the source");
    return status;
}

/* ---- documents ---- */

static int64_t sequence_of(struct text number) {
    int64_t sequence = 0;
    for (size_t i = 0; i < number.length; i++) {
        if (number.data[i] < '0' || number.data[i] > '9')
            return -1;
        sequence = sequence * 10 + (number.data[i] - '0');
    }
    return number.length > 0 && number.length <= 18 ? sequence : -1;
}

static void know_register(struct taking *taking, uint32_t location, struct text name,
                          int64_t through) {
    uint32_t before = intern_count(taking->register_names);
    uint32_t number = intern_add(taking->register_names, name);
    if (number >= taking->register_room) {
        taking->register_room = taking->register_room == 0 ? 256 : 2 * taking->register_room;
        taking->registers =
            memory_grow(taking->registers, taking->register_room * sizeof *taking->registers);
    }
    if (number > before)
        taking->registers[number] = (struct taking_register){location, through};
    else if (through > taking->registers[number].through)
        taking->registers[number].through = through;
}

static void note_register(struct taking *taking, uint32_t location,
                          const struct prism_document *document) {
    int64_t sequence = sequence_of(prism_document_number(document));
    if (sequence >= 0)
        know_register(taking, location,
                      source_register(taking->source, document->kind,
                                      taking->locations[location].code, document, &taking->page),
                      sequence);
}

static void touch(struct taking *taking, const struct prism_item *item, uint32_t location) {
    struct taking_location *place = &taking->locations[location];
    uint32_t number = intern_find(taking->item_sids, item->product_sid);
    place->noisy = true;
    if (item->product_sid.length == 0) {
        place->doubtful = true;
    } else if (number != 0 && !taking->items[number].touched) {
        taking->items[number].touched = true;
        taking->touched++;
    }
}

/* Whatever it may have moved, anywhere: rather one cell too many. */
static void touch_all(struct taking *taking, const struct prism_document *document) {
    const struct prism_store *places[] = {&document->store, &document->from_store, NULL};
    for (size_t i = 0; i < document->item_count; i++) {
        places[2] = &document->items[i].fulfilled_by;
        for (size_t k = 0; k < 3; k++) {
            uint32_t location = taking_location_of(taking, places[k]);
            if (location != UINT32_MAX)
                touch(taking, &document->items[i], location);
        }
    }
}

static enum status note_document(struct taking *taking, enum prism_kind kind,
                                 struct prism_found *found, struct error *error) {
    static const struct prism_name no_field = {""};
    struct prism_document document;
    if (!found->has_items && taking->looks > 0) {
        enum status status = prism_walk_complete(
            taking->client, kind, taking->source->config->page_size, found, &taking->page, error);
        if (status != STATUS_OK)
            return status;
    }
    if (prism_document_read(found->json, kind, &no_field, &taking->page, &document, NULL) !=
        STATUS_OK)
        return STATUS_OK; /* the poller parks it */
    const struct prism_store *store =
        kind == PRISM_TRANSFER ? &document.from_store : &document.store;
    source_learn_store(taking->source, store);
    uint32_t location = taking_location_of(taking, store);
    if (location != UINT32_MAX)
        note_register(taking, location, &document);
    if (taking->looks > 0)
        touch_all(taking, &document);
    return STATUS_OK;
}

/* Of a page: what was not seen yet. *known_out: something on it was. */
static enum status note_page(struct taking *taking, enum prism_kind kind,
                             const struct prism_found_page *page, bool *known_out,
                             struct error *error) {
    for (size_t i = 0; i < page->count; i++) {
        if (prism_marks_has(taking->seen, page->items[i].mark)) {
            *known_out = true;
            continue;
        }
        uint64_t mark = page->items[i].mark;
        enum status status = note_document(taking, kind, &page->items[i], error);
        if (status != STATUS_OK)
            return status;
        prism_marks_add(taking->seen, mark);
    }
    return STATUS_OK;
}

/* ---- one store, newest first ---- */

static enum status newest_page(struct taking *taking, const struct prism_newest *what,
                               struct prism_found_page *page_out, struct error *error) {
    struct taking_try tried = {0};
    for (;;) {
        arena_reset(&taking->page);
        enum status status = prism_newest(taking->client, what, &taking->page, page_out, error);
        if (status == STATUS_OK || !taking_try_again(taking, &tried, status, error))
            return status;
    }
}

/* The first look needs the newest of each register; a later one all that came on top. */
static enum status look_at_store(struct taking *taking, enum prism_kind kind, struct text sid,
                                 unsigned pages_least, struct error *error) {
    for (unsigned page_no = 1; page_no <= NEWEST_PAGES_MOST; page_no++) {
        struct prism_found_page page;
        bool known = false;
        struct prism_newest what = {
            .kind = kind, .store_sid = sid, .page_no = page_no, .page_size = SMALL_PAGE};
        enum status status = newest_page(taking, &what, &page, error);
        if (status == STATUS_OK)
            status = note_page(taking, kind, &page, &known, error);
        if (status != STATUS_OK)
            return status;
        note_clock(taking, page.date_us);
        if (page.count < SMALL_PAGE || known || (taking->looks == 0 && page_no >= pages_least))
            break;
    }
    return STATUS_OK;
}

/* ---- registers of which nothing was shown ---- */

struct quiet_register {
    uint32_t location;
    struct text name, workstation;
};
struct quiet_registers {
    struct taking *taking;
    struct quiet_register *items;
    size_t count, room;
};

/* "NY01-2" is workstation 2 of NY01. */
static void note_quiet(void *context, struct text code, struct text name) {
    struct quiet_registers *quiet = context;
    struct taking *taking = quiet->taking;
    uint32_t location = 0;
    while (location < taking->location_count && !text_equal(taking->locations[location].code, code))
        location++;
    if (location == taking->location_count || name.length < code.length + 2 ||
        name.data[code.length] != '-' || intern_find(taking->register_names, name) != 0)
        return;
    if (quiet->count == quiet->room) {
        quiet->room = quiet->room == 0 ? 16 : 2 * quiet->room;
        quiet->items = memory_grow(quiet->items, quiet->room * sizeof *quiet->items);
    }
    quiet->items[quiet->count++] = (struct quiet_register){
        location, name, {name.data + code.length + 1, name.length - code.length - 1}};
}

/* Its newest document, however old; none at all: the server knows nothing of it. Where the server
 * cannot be asked so, its documents go by their time. */
static enum status ask_for_quiet(struct taking *taking, const struct quiet_register *quiet,
                                 struct error *error) {
    for (size_t i = 0; i < taking->store_count; i++) {
        struct prism_found_page page;
        bool known = false;
        if (taking->stores[i].location != quiet->location)
            continue;
        struct prism_newest what = {.kind = PRISM_DOCUMENT,
                                    .store_sid = taking->stores[i].sid,
                                    .workstation = quiet->workstation,
                                    .page_no = 1,
                                    .page_size = 1};
        enum status status = newest_page(taking, &what, &page, error);
        if (status == STATUS_REFUSED)
            return STATUS_OK;
        if (status == STATUS_OK)
            status = note_page(taking, PRISM_DOCUMENT, &page, &known, error);
        if (status != STATUS_OK)
            return status;
    }
    know_register(taking, quiet->location, quiet->name, 0);
    return STATUS_OK;
}

/* What the hub was told of by registers and kinds that the server shows nothing of, it does not
 * know: their watermark is nought. */
static enum status look_for_quiet(struct taking *taking, struct error *error) {
    struct quiet_registers quiet = {.taking = taking};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < taking->location_count; i++)
        for (int kind = 0; kind < PRISM_KIND_COUNT; kind++)
            if (kind != PRISM_DOCUMENT && !taking->no_kind[kind] && !taking->no_store_filter[kind])
                know_register(taking, i,
                              source_register(taking->source, (enum prism_kind)kind,
                                              taking->locations[i].code, NULL, &taking->page),
                              0);
    prism_health_registers(taking->source->health, note_quiet, &quiet);
    for (size_t i = 0; i < quiet.count && status == STATUS_OK; i++)
        status = ask_for_quiet(taking, &quiet.items[i], error);
    free(quiet.items);
    return status;
}

/* What changed anywhere since the look before began: also documents of other stores that move stock
 * here, and old ones that were cancelled. */
static enum status look_everywhere(struct taking *taking, enum prism_kind kind,
                                   struct error *error) {
    struct prism_walk walk = {.client = taking->client,
                              .kind = kind,
                              .order = PRISM_BY_MODIFIED,
                              .page_size = taking->source->config->page_size};
    struct taking_try tried = {0};
    prism_walk_begin(&walk, taking->looked_us - MARGIN_US);
    for (;;) {
        struct prism_found_page page;
        bool known = false;
        arena_reset(&taking->page);
        enum status status = prism_walk_next(&walk, &taking->page, &page, error);
        if (status == STATUS_END)
            return STATUS_OK;
        if (status != STATUS_OK && taking_try_again(taking, &tried, status, error))
            continue;
        if (status == STATUS_OK)
            status = note_page(taking, kind, &page, &known, error);
        if (status != STATUS_OK)
            return status;
        if (job_should_stop(taking->report))
            return STATUS_STOPPING;
    }
}

/* ---- a look ---- */

static bool settled(const struct taking *taking, const struct taking_store *store) {
    return taking->locations[store->location].settled;
}

/* Store by store; all in one where the server refuses to tell them apart. */
static enum status look_at_stores(struct taking *taking, enum prism_kind kind,
                                  struct error *error) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < taking->store_count && status == STATUS_OK; i++) {
        if (job_should_stop(taking->report))
            return STATUS_STOPPING;
        if (taking->no_store_filter[kind] || settled(taking, &taking->stores[i]))
            continue;
        status = look_at_store(taking, kind, taking->stores[i].sid, 1, error);
        if (status == STATUS_REFUSED && kind != PRISM_DOCUMENT && i == 0 && taking->looks == 0) {
            taking->no_store_filter[kind] = true;
            status = STATUS_OK;
        }
    }
    if (status == STATUS_OK && taking->no_store_filter[kind])
        status = look_at_store(taking, kind, (struct text){NULL, 0}, ALL_PAGES_LEAST, error);
    return status;
}

static enum status look_at_kind(struct taking *taking, enum prism_kind kind, struct error *error) {
    enum status status = look_at_stores(taking, kind, error);
    if (status == STATUS_OK && taking->looks > 0)
        status = look_everywhere(taking, kind, error);
    return status;
}

/* The watermarks of what the location's figures hold: of its own registers, and, as long as that is
 * little, of all others, which may have sold from here. */
#define WATERMARKS_EVERYWHERE_MOST 50000u
static void settle(struct taking *taking, uint32_t number, int64_t as_of_us) {
    struct taking_location *location = &taking->locations[number];
    uint32_t count = intern_count(taking->register_names);
    bool all = (uint64_t)count * taking->location_count <= WATERMARKS_EVERYWHERE_MOST;
    location->through =
        arena_alloc(&taking->arena, ((size_t)count + 1) * sizeof *location->through);
    for (uint32_t i = 1; i <= count; i++)
        if (all || taking->registers[i].location == number)
            location->through[location->through_count++] = (struct manifest_watermark){
                intern_text(taking->register_names, i), taking->registers[i].through};
    location->as_of_us = as_of_us;
    location->settled = true;
}

/* Of the hub's clock and the server's the one that is behind: what is posted after the look must
 * never seem to be before it. A second's difference is how Date is rounded. */
static int64_t as_of_from(const struct taking *taking, int64_t began_us) {
    int64_t ahead_us = taking->server_ahead_us;
    return ahead_us != NEVER_US && ahead_us < -2 * US_PER_SECOND ? began_us + ahead_us : began_us;
}

enum status taking_look(struct taking *taking, bool may_settle, struct error *error) {
    int64_t began_us = hub_now_us(taking->source->hub);
    for (uint32_t i = 0; i < taking->location_count; i++)
        taking->locations[i].noisy = false;
    for (int kind = 0; kind < PRISM_KIND_COUNT; kind++) {
        if (taking->no_kind[kind])
            continue;
        enum status status = look_at_kind(taking, (enum prism_kind)kind, error);
        if ((status == STATUS_NOT_FOUND || status == STATUS_FORBIDDEN) && kind != PRISM_DOCUMENT &&
            taking->looks == 0) {
            taking->no_kind[kind] = true;
            log_warn("prism: a snapshot goes without some movements", "source=%.*s error=%s",
                     TEXT_ARG(taking->source->config->name), log_quote(text_from(error->detail)));
            status = STATUS_OK;
        }
        if (status != STATUS_OK)
            return status;
    }
    if (taking->looks == 0) {
        enum status status = look_for_quiet(taking, error);
        if (status != STATUS_OK)
            return status;
    }
    int64_t ahead_us = taking->server_ahead_us == NEVER_US ? 0 : taking->server_ahead_us;
    taking->looked_us = began_us + ahead_us;
    taking->looks++;
    for (uint32_t i = 0; may_settle && i < taking->location_count; i++) {
        const struct taking_location *location = &taking->locations[i];
        if (!location->settled && !location->noisy && !location->doubtful)
            settle(taking, i, as_of_from(taking, began_us));
    }
    return STATUS_OK;
}
