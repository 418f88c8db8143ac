/* Walking by time. */
#include "pos/prism_walk.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "core/statement.h"

#define PAGES_MOST 1000000u
#define ITEM_PAGES_MOST 1000u
#define MS INT64_C(1000)
#define EVER "1990-01-01T00:00:00.000Z" /* whatever was posted, cancelled since or not */

/* How each kind is asked for. */
static const struct prism_source_of {
    enum prism_dialect dialect;
    const char *path, *cols;
    const char *times[PRISM_ORDER_COUNT];
    const char *store;             /* the field of its store's sid */
    const char *list, *list_plain; /* its items: as written in a document, and as compared */
    const char *item_path;         /* behind /{sid} */
} kinds[PRISM_KIND_COUNT] = {
    [PRISM_DOCUMENT] = {PRISM_V1,
                        "/v1/rest/document",
                        "*,items.*",
                        {"modified_datetime", "invoice_posted_date"},
                        "store_uid",
                        "items",
                        "items",
                        "/item"},
    [PRISM_RECEIVING] = {PRISM_BACKOFFICE,
                         "/api/backoffice/receiving",
                         "*,recvitem.*",
                         {"modifieddatetime", "modifieddatetime"},
                         "storesid",
                         "recvitem",
                         "recvitem",
                         "/recvitem"},
    [PRISM_TRANSFER] = {PRISM_BACKOFFICE,
                        "/api/backoffice/transferslip",
                        "*,slipitem.*",
                        {"modifieddatetime", "modifieddatetime"},
                        "outstoresid",
                        "slipitem",
                        "slipitem",
                        "/slipitem"},
    [PRISM_ADJUSTMENT] = {PRISM_BACKOFFICE,
                          "/api/backoffice/adjustment",
                          "*,adjitem.*",
                          {"modifieddatetime", "modifieddatetime"},
                          "storesid",
                          "adjitem",
                          "adjitem",
                          "/adjitem"},
};

/* ---- one document ---- */

static int64_t time_of(struct text text) {
    int64_t us;
    bool has_offset;
    if (text.length == 0)
        return NEVER_US;
    if (timestamp_parse(text, &us) == STATUS_OK ||
        timestamp_parse_local(text, &us, &has_offset) == STATUS_OK)
        return us;
    return NEVER_US;
}

/* Links in place of items ([{"link": "..."}]) are none. */
static bool are_items(struct text list, struct arena *arena) {
    static const char *const names[] = {"sid", "link"};
    struct text found[2];
    struct prism_page page;
    if (list.length == 0 || list.data[0] != '[' ||
        prism_page_cut(list, arena, &page, NULL) != STATUS_OK)
        return false;
    return page.count == 0 || !prism_pick(page.items[0], names, 2, arena, found) ||
           found[0].length > 0 || found[1].length == 0;
}

static void look_at(enum prism_kind kind, struct text json, struct arena *arena,
                    struct prism_found *found) {
    enum { SID, MODIFIED, POSTED, STORE_UID, STORE_SID, OUT_STORE_SID, LIST, FIELDS };
    const char *names[FIELDS] = {"sid",      "modifieddatetime", "invoiceposteddate",
                                 "storeuid", "storesid",         "outstoresid",
                                 NULL};
    struct text values[FIELDS];
    names[LIST] = kinds[kind].list_plain;
    *found = (struct prism_found){.json = json, .mark = hash_text(json)};
    (void)prism_pick(json, names, FIELDS, arena, values);
    found->sid = values[SID];
    found->modified_us = time_of(values[MODIFIED]);
    found->posted_us = time_of(values[POSTED]);
    found->store_sid = values[STORE_UID].length > 0   ? values[STORE_UID]
                       : values[STORE_SID].length > 0 ? values[STORE_SID]
                                                      : values[OUT_STORE_SID];
    found->has_items = found->sid.length == 0 || are_items(values[LIST], arena);
}

enum status prism_walk_complete(struct prism_client *client, enum prism_kind kind,
                                int64_t page_size, struct prism_found *found, struct arena *arena,
                                struct error *error) {
    struct buffer list = {0}, path = {0};
    enum status status = STATUS_OK;
    buffer_append_string(&list, "[");
    for (unsigned page_no = 1; page_no <= ITEM_PAGES_MOST && !found->has_items; page_no++) {
        struct prism_answer answer;
        buffer_clear(&path);
        buffer_append_format(&path, "%s/", kinds[kind].path);
        http_append_escaped(&path, found->sid);
        buffer_append_format(&path, "%s?cols=*&page_no=%u&page_size=%lld", kinds[kind].item_path,
                             page_no, (long long)page_size);
        status = prism_get(client, kinds[kind].dialect, buffer_text(&path), arena, &answer, error);
        if (status != STATUS_OK)
            break;
        for (size_t i = 0; i < answer.page.count; i++) {
            if (list.length > 1)
                buffer_append_string(&list, ",");
            buffer_append_text(&list, answer.page.items[i]);
        }
        if ((int64_t)answer.page.count < page_size)
            found->has_items = true;
    }
    buffer_append_string(&list, "]");
    if (status == STATUS_OK)
        found->json = prism_with_field(found->json, kinds[kind].list, buffer_text(&list), arena);
    buffer_deinit(&list);
    buffer_deinit(&path);
    return status;
}

/* ---- the walk ---- */

void prism_walk_begin(struct prism_walk *walk, int64_t from_us) {
    walk->at_us = from_us > 0 ? from_us : 0;
    walk->page_no = 1;
    walk->pages = 0;
    walk->last_mark = 0;
    walk->unsorted = walk->done = false;
    if (walk->kind != PRISM_DOCUMENT)
        walk->order = PRISM_BY_MODIFIED;
}

/* With milliseconds, as Prism writes them, rounded down. */
static void append_time(struct buffer *path, int64_t us) {
    struct civil_time t = civil_from_timestamp(us);
    buffer_append_format(path, "%04lld-%02u-%02uT%02u:%02u:%02u.%03uZ", (long long)t.year, t.month,
                         t.day, t.hour, t.minute, t.second, t.microsecond / 1000);
}

static void append_store(struct buffer *path, enum prism_kind kind, struct text store_sid) {
    buffer_append_format(path, "(%s,eq,", kinds[kind].store);
    http_append_escaped(path, store_sid);
    buffer_append_string(path, ")");
}

static void make_path(const struct prism_walk *walk, struct buffer *path) {
    const struct prism_source_of *kind = &kinds[walk->kind];
    const char *time = kind->times[walk->order];
    buffer_append_format(path, "%s?cols=%s&filter=(%s,ge,", kind->path, kind->cols, time);
    append_time(path, walk->at_us);
    buffer_append_string(path, ")");
    if (walk->order == PRISM_BY_POSTED)
        buffer_append_string(path, "AND(status,eq,4)");
    if (walk->store_sid.length > 0) {
        buffer_append_string(path, "AND");
        append_store(path, walk->kind, walk->store_sid);
    }
    buffer_append_format(path, "&sort=%s,asc&page_no=%u&page_size=%lld&count=true", time,
                         walk->page_no, (long long)walk->page_size);
}

static int64_t ordered_by(const struct prism_walk *walk, const struct prism_found *found) {
    return walk->order == PRISM_BY_POSTED ? found->posted_us : found->modified_us;
}

/* Fills the page, and whether it is in order. */
static void look_at_all(struct prism_walk *walk, const struct prism_answer *answer,
                        struct arena *arena, struct prism_found_page *page, uint64_t *mark_out) {
    int64_t before_us = walk->at_us / MS;
    *mark_out = 0;
    *page = (struct prism_found_page){.newest_us = NEVER_US, .date_us = answer->date_us};
    page->items = arena_alloc(arena, (answer->page.count + 1) * sizeof *page->items);
    for (; page->count < answer->page.count; page->count++) {
        struct prism_found *found = &page->items[page->count];
        look_at(walk->kind, answer->page.items[page->count], arena, found);
        *mark_out = hash_u64(*mark_out ^ found->mark);
        int64_t us = ordered_by(walk, found);
        if (us == NEVER_US || us / MS < before_us) {
            walk->unsorted = true;
            continue;
        }
        before_us = us / MS;
        if (page->newest_us == NEVER_US || us > page->newest_us)
            page->newest_us = us;
    }
    page->sorted = !walk->unsorted;
}

/* Where to go on; whether this was the last page. */
static void go_on(struct prism_walk *walk, const struct prism_found_page *page, int64_t total,
                  uint64_t mark) {
    int64_t before = (int64_t)(walk->page_no - 1) * walk->page_size;
    bool is_short = (int64_t)page->count < walk->page_size;
    bool more_said = total > before + (int64_t)page->count;
    bool repeats = walk->page_no > 1 && mark == walk->last_mark;
    if (page->count == 0 || repeats || walk->pages >= PAGES_MOST ||
        (is_short && !more_said && page->count != walk->usual)) {
        walk->done = true;
    }
    if (is_short && page->count > 1)
        walk->usual = page->count;
    walk->last_mark = mark;
    if (!walk->unsorted && page->newest_us != NEVER_US && page->newest_us / MS > walk->at_us / MS) {
        walk->at_us = page->newest_us;
        walk->page_no = 1;
    } else {
        walk->page_no++;
    }
}

enum status prism_walk_next(struct prism_walk *walk, struct arena *arena,
                            struct prism_found_page *page_out, struct error *error) {
    struct buffer path = {0};
    struct prism_answer answer;
    uint64_t mark;
    if (walk->done)
        return STATUS_END;
    make_path(walk, &path);
    enum status status = prism_get(walk->client, kinds[walk->kind].dialect, buffer_text(&path),
                                   arena, &answer, error);
    buffer_deinit(&path);
    if (status != STATUS_OK)
        return status;
    walk->pages++;
    look_at_all(walk, &answer, arena, page_out, &mark);
    go_on(walk, page_out, answer.total, mark);
    return page_out->count > 0 ? STATUS_OK : STATUS_END;
}

/* ---- the newest of a store ---- */

static void append_newest(struct buffer *path, const struct prism_newest *what) {
    const char *before = "&filter=";
    if (what->store_sid.length > 0) {
        buffer_append_string(path, before);
        append_store(path, what->kind, what->store_sid);
        before = "AND";
    }
    if (what->workstation.length > 0) {
        buffer_append_format(path, "%s(workstation,eq,", before);
        http_append_escaped(path, what->workstation);
        buffer_append_string(path, ")");
        before = "AND";
    }
    if (what->kind == PRISM_DOCUMENT)
        buffer_append_format(path, "%s(%s,ge," EVER ")", before,
                             kinds[what->kind].times[PRISM_BY_POSTED]);
}

enum status prism_newest(struct prism_client *client, const struct prism_newest *what,
                         struct arena *arena, struct prism_found_page *page_out,
                         struct error *error) {
    const struct prism_source_of *row = &kinds[what->kind];
    enum prism_order order = what->kind == PRISM_DOCUMENT ? PRISM_BY_POSTED : PRISM_BY_MODIFIED;
    struct prism_walk walk = {.kind = what->kind, .order = order};
    struct prism_answer answer;
    struct buffer path = {0};
    uint64_t mark;
    buffer_append_format(&path, "%s?cols=%s", row->path, row->cols);
    append_newest(&path, what);
    buffer_append_format(&path, "&sort=%s,desc&page_no=%u&page_size=%lld", row->times[order],
                         what->page_no, (long long)what->page_size);
    enum status status = prism_get(client, row->dialect, buffer_text(&path), arena, &answer, error);
    buffer_deinit(&path);
    if (status == STATUS_OK)
        look_at_all(&walk, &answer, arena, page_out, &mark);
    return status;
}
