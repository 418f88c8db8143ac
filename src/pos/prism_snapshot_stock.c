/* The inventory, page by page, into cells. */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/quantity.h"
#include "base/timestamp.h"
#include "core/statement.h"
#include "pos/prism_snapshot_internal.h"

#define PAGES_MOST 100000u
#define ITEMS_MOST 20000000u
#define TRIES_MOST 6u
#define FIRST_NAP_US 200000
#define NAP_SLICE_US 50000

/* Two ways to the same figures. */
static const struct inventory_of {
    enum prism_dialect dialect;
    const char *path, *cols, *list;
} inventories[] = {
    {PRISM_BACKOFFICE, "/api/backoffice/inventory",
     "sid,upc,alu,active,invnquantity.storesid,invnquantity.storeno,invnquantity.storecode,"
     "invnquantity.qty",
     "invnquantity"},
    {PRISM_V1, "/v1/rest/inventory", "sid,upc,alu,active,sbsinventorystoreqtys.*",
     "sbsinventorystoreqtys"},
};

static const struct inventory_of *inventory(const struct taking *taking) {
    return &inventories[taking->plain_inventory ? 1 : 0];
}

/* ---- patience ---- */

static void nap(const struct taking *taking, int64_t us) {
    for (int64_t until_us = monotonic_us() + us;
         monotonic_us() < until_us && !job_should_stop(taking->report);)
        (void)usleep(NAP_SLICE_US);
}

bool taking_try_again(struct taking *taking, struct taking_try *tried, enum status status,
                      const struct error *error) {
    require(error != NULL);
    bool not_understood = status == STATUS_REFUSED && (strstr(error->detail, "attribute") != NULL ||
                                                       strstr(error->detail, "filter") != NULL);
    bool passes = status == STATUS_UNCERTAIN || status == STATUS_UNREACHABLE ||
                  status == STATUS_BUSY || status == STATUS_REFUSED || status == STATUS_UNREADABLE;
    if (!passes || not_understood || ++tried->tries >= TRIES_MOST ||
        job_should_stop(taking->report))
        return false;
    log_info("prism: asks once more for its snapshot", "source=%.*s try=%u error=%s",
             TEXT_ARG(taking->source->config->name), tried->tries + 1,
             log_quote(text_from(error->detail)));
    nap(taking, (int64_t)FIRST_NAP_US << tried->tries);
    return true;
}

/* ---- cells ---- */

static void add_cell(struct taking *taking, struct taking_item *item, uint32_t location,
                     int64_t milli) {
    for (uint32_t i = 0; i < item->cell_count; i++) {
        struct taking_cell *cell = &taking->cells[item->first_cell + i];
        if (cell->location == location) {
            cell->milli += milli; /* two of their stores are one of our locations */
            return;
        }
    }
    if (taking->cell_count == taking->cell_room) {
        taking->cell_room = taking->cell_room == 0 ? 4096 : 2 * taking->cell_room;
        taking->cells = memory_grow(taking->cells, taking->cell_room * sizeof *taking->cells);
    }
    require(item->first_cell + item->cell_count == taking->cell_count);
    taking->cells[taking->cell_count++] = (struct taking_cell){location, milli};
    item->cell_count++;
}

static struct taking_item *item_of(struct taking *taking, struct text sid, bool *new_out) {
    uint32_t before = intern_count(taking->item_sids);
    uint32_t number = intern_add(taking->item_sids, sid);
    *new_out = number > before;
    if (number >= taking->item_room) {
        taking->item_room = taking->item_room == 0 ? 1024 : 2 * taking->item_room;
        taking->items = memory_grow(taking->items, taking->item_room * sizeof *taking->items);
    }
    if (*new_out)
        taking->items[number] = (struct taking_item){.sid = intern_text(taking->item_sids, number)};
    return &taking->items[number];
}

/* One store's figure of an item. */
static enum status take_figure(struct taking *taking, struct taking_item *item, struct text raw,
                               struct error *error) {
    static const char *const names[] = {"storesid", "storeno", "storecode", "qty", "quantity"};
    struct text v[5];
    int64_t milli = 0;
    if (!prism_pick(raw, names, 5, &taking->page, v))
        return error_set(error, STATUS_UNREADABLE, "a figure of item %.*s is no object",
                         TEXT_ARG(item->sid));
    struct text quantity = v[3].length > 0 ? v[3] : v[4];
    if (quantity.length > 0 && quantity_parse_json(quantity, &milli) != STATUS_OK)
        return error_set(error, STATUS_UNREADABLE, "item %.*s has the quantity '%.40s'",
                         TEXT_ARG(item->sid), quantity.data);
    struct prism_store store = {.sid = v[0], .number = v[1], .code = v[2]};
    uint32_t location = taking_location_of(taking, &store);
    if (location != UINT32_MAX)
        add_cell(taking, item, location, milli);
    else
        taking->unknown_stores++;
    return STATUS_OK;
}

/* What was stated for settled locations before stays. */
static void keep_settled(struct taking *taking, struct taking_item *item,
                         const struct taking_item *old) {
    for (uint32_t i = 0; i < item->cell_count;) {
        struct taking_cell *cell = &taking->cells[item->first_cell + i];
        if (taking->locations[cell->location].settled) {
            *cell = taking->cells[item->first_cell + item->cell_count - 1];
            item->cell_count--;
            taking->cell_count--;
        } else {
            i++;
        }
    }
    for (uint32_t i = 0; i < old->cell_count; i++) {
        struct taking_cell cell = taking->cells[old->first_cell + i];
        if (taking->locations[cell.location].settled)
            add_cell(taking, item, cell.location, cell.milli);
    }
}

static enum status take_item(struct taking *taking, struct text raw, struct error *error) {
    const char *names[] = {"sid", "upc", "alu", inventory(taking)->list};
    struct text v[4];
    struct prism_page figures = {0};
    bool is_new;
    if (!prism_pick(raw, names, 4, &taking->page, v) || v[0].length == 0)
        return error_set(error, STATUS_UNREADABLE, "an item of the inventory has no sid");
    if (v[3].length > 0 && v[3].data[0] != '[')
        return error_set(error, STATUS_UNREADABLE, "item %.*s has no list of figures",
                         TEXT_ARG(v[0]));
    struct taking_item *item = item_of(taking, v[0], &is_new);
    struct taking_item old = *item;
    item->upc = text_equal(old.upc, v[1]) ? old.upc : arena_copy(&taking->arena, v[1]);
    item->alu = text_equal(old.alu, v[2]) ? old.alu : arena_copy(&taking->arena, v[2]);
    item->first_cell = taking->cell_count;
    item->cell_count = 0;
    enum status status =
        v[3].length > 0 ? prism_page_cut(v[3], &taking->page, &figures, error) : STATUS_OK;
    for (size_t i = 0; i < figures.count && status == STATUS_OK; i++)
        status = take_figure(taking, item, figures.items[i], error);
    if (status == STATUS_OK && !is_new)
        keep_settled(taking, item, &old);
    return status;
}

/* ---- pages ---- */

static enum status ask(struct taking *taking, struct text path, struct prism_answer *answer_out,
                       struct error *error) {
    struct taking_try tried = {0};
    for (;;) {
        arena_reset(&taking->page);
        enum status status = prism_get(taking->client, inventory(taking)->dialect, path,
                                       &taking->page, answer_out, error);
        if (status == STATUS_OK || !taking_try_again(taking, &tried, status, error))
            return status;
    }
}

static enum status ask_page(struct taking *taking, unsigned page_no,
                            struct prism_answer *answer_out, struct error *error) {
    struct buffer path = {0};
    buffer_append_format(&path,
                         "%s?cols=%s&sort=sid,asc&page_no=%u&page_size=%" PRId64 "&count=true",
                         inventory(taking)->path, inventory(taking)->cols, page_no,
                         taking->source->config->page_size);
    enum status status = ask(taking, buffer_text(&path), answer_out, error);
    buffer_deinit(&path);
    return status;
}

struct reading_of_all {
    int64_t total;     /* as last said; -1 */
    uint64_t received; /* with repetitions */
    size_t usual;      /* items of the first page */
};

/* Whether there may be more after this page. */
static bool is_more(const struct taking *taking, const struct reading_of_all *all,
                    const struct prism_answer *answer, uint32_t known_before) {
    size_t count = answer->page.count;
    if (count == 0)
        return false;
    if (intern_count(taking->item_sids) == known_before && all->received > all->usual)
        return (int64_t)all->received < all->total && count == all->usual;
    return (int64_t)count >= taking->source->config->page_size || count >= all->usual ||
           all->total > (int64_t)all->received;
}

static enum status read_pages(struct taking *taking, struct reading_of_all *all,
                              struct error *error) {
    *all = (struct reading_of_all){.total = -1};
    for (unsigned page_no = 1; page_no <= PAGES_MOST; page_no++) {
        struct prism_answer answer;
        uint32_t known_before = intern_count(taking->item_sids);
        if (job_should_stop(taking->report))
            return STATUS_STOPPING;
        enum status status = ask_page(taking, page_no, &answer, error);
        for (size_t i = 0; status == STATUS_OK && i < answer.page.count; i++)
            status = take_item(taking, answer.page.items[i], error);
        if (status != STATUS_OK)
            return status;
        all->received += answer.page.count;
        all->usual = page_no == 1 ? answer.page.count : all->usual;
        all->total = answer.total >= 0 ? answer.total : all->total;
        if (!is_more(taking, all, &answer, known_before))
            return STATUS_OK;
        if (intern_count(taking->item_sids) > ITEMS_MOST)
            break;
    }
    return error_set(error, STATUS_TOO_LARGE, "the inventory has no end");
}

/* Pages shift when items come and go while they are read: one that slipped through is found when
 * all of it is read once more. */
enum status taking_read_inventory(struct taking *taking, struct error *error) {
    struct reading_of_all all;
    enum status status = read_pages(taking, &all, error);
    if (status == STATUS_NOT_FOUND || status == STATUS_FORBIDDEN) {
        taking->plain_inventory = true;
        status = read_pages(taking, &all, error);
    }
    for (unsigned round = 1; status == STATUS_OK && all.total >= 0 && round <= 2 &&
                             (int64_t)intern_count(taking->item_sids) != all.total;
         round++) {
        uint32_t before = intern_count(taking->item_sids);
        log_info("prism: the inventory is read once more, its total does not match",
                 "source=%.*s items=%u total=%" PRId64, TEXT_ARG(taking->source->config->name),
                 before, all.total);
        status = read_pages(taking, &all, error);
        if (intern_count(taking->item_sids) == before)
            break; /* twice the same: it is the total that is wrong */
    }
    return status;
}

static enum status read_one(struct taking *taking, const struct taking_item *item,
                            struct error *error) {
    struct prism_answer answer;
    struct buffer path = {0};
    buffer_append_format(&path, "%s?cols=%s&filter=(sid,eq,", inventory(taking)->path,
                         inventory(taking)->cols);
    http_append_escaped(&path, item->sid);
    buffer_append_string(&path, ")&page_no=1&page_size=1");
    enum status status = ask(taking, buffer_text(&path), &answer, error);
    buffer_deinit(&path);
    for (size_t i = 0; status == STATUS_OK && i < answer.page.count; i++)
        status = take_item(taking, answer.page.items[i], error);
    return status;
}

enum status taking_read_touched(struct taking *taking, struct error *error) {
    for (uint32_t i = 1; i <= intern_count(taking->item_sids); i++) {
        if (!taking->items[i].touched)
            continue;
        if (job_should_stop(taking->report))
            return STATUS_STOPPING;
        taking->items[i].touched = false;
        enum status status = read_one(taking, &taking->items[i], error);
        if (status != STATUS_OK)
            return status;
    }
    taking->touched = 0;
    return STATUS_OK;
}
