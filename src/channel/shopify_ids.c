/* From SKUs to Shopify's inventory items: asked for several at a time, kept among the notes.
 *
 * Shopify does not hold SKUs apart: several variants may share one. All of them are then kept at
 * the same figure; what each was last known to show is noted, since a sale of one moves only it. */
#include "channel/shopify_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/quantity.h"

#define PAGES_MAX 20u

static const char variants_query[] =
    "query($q:String!,$after:String){productVariants(first:250,query:$q,after:$after)"
    "{nodes{sku inventoryItem{id}} pageInfo{hasNextPage endCursor}}}";

/* ---- notes ---- */

static struct text key_of(struct text sku, char *room, size_t size) {
    int length = snprintf(room, size, "sku:%.*s", TEXT_ARG(sku));
    return (struct text){room, length > 0 && (size_t)length < size ? (size_t)length : 0};
}

#define KEY_ROOM 300

struct shopify_ids shopify_ids_of(struct shopify *shopify, struct text sku) {
    char room[KEY_ROOM];
    struct shopify_ids ids = {.count = 0};
    struct text rest = channel_note_get(shopify->context->notes, key_of(sku, room, sizeof(room)));
    while (rest.length > 0 && ids.count < SHOPIFY_VARIANTS_MAX) {
        const char *blank = memchr(rest.data, ' ', rest.length);
        size_t length = blank != NULL ? (size_t)(blank - rest.data) : rest.length;
        ids.items[ids.count++] = (struct text){rest.data, length};
        length += blank != NULL;
        rest = (struct text){rest.data + length, rest.length - length};
    }
    return ids;
}

/* The number at its end is what webhooks call an item by. */
static struct text item_key(struct arena *arena, struct text id) {
    size_t from = id.length;
    while (from > 0 && id.data[from - 1] != '/') {
        from--;
    }
    return arena_format(arena, "item:%.*s", (int)(id.length - from), id.data + from);
}

struct text shopify_sku_of(struct channel_notes *notes, struct arena *arena, struct text item) {
    return channel_note_get(notes, item_key(arena, item));
}

void shopify_ids_forget(struct shopify *shopify, struct text sku) {
    char room[KEY_ROOM];
    channel_note_forget(shopify->context->notes, key_of(sku, room, sizeof(room)));
}

struct text shopify_location_id(struct arena *arena, struct text theirs) {
    bool is_number = theirs.length > 0;
    for (size_t i = 0; i < theirs.length; i++) {
        is_number = is_number && theirs.data[i] >= '0' && theirs.data[i] <= '9';
    }
    return is_number ? arena_format(arena, "gid://shopify/Location/%.*s", TEXT_ARG(theirs))
                     : theirs;
}

int64_t shopify_twin_milli(struct shopify *shopify, struct text item, struct text location,
                           struct arena *arena, int64_t otherwise_milli) {
    struct text key = arena_format(arena, "at:%.*s %.*s", TEXT_ARG(item), TEXT_ARG(location));
    int64_t milli = 0;
    struct text value = channel_note_get(shopify->context->notes, key);
    return value.length > 0 && quantity_parse(value, false, &milli) == STATUS_OK ? milli
                                                                                 : otherwise_milli;
}

void shopify_twin_put(struct shopify *shopify, struct text item, struct text location,
                      struct arena *arena, int64_t milli) {
    struct text key = arena_format(arena, "at:%.*s %.*s", TEXT_ARG(item), TEXT_ARG(location));
    channel_note_put(shopify->context->notes, key, channel_quantity(arena, milli));
}

/* ---- looking up ---- */

struct found {
    struct text sku, id;
    struct found *next;
};

struct asked {
    struct text skus[SHOPIFY_SKUS_AT_ONCE];
    size_t count;
    struct found *found;
};

/* sku:"A" OR sku:"B" */
static void write_search(const struct asked *asked, struct text after, struct buffer *out) {
    struct buffer search = {0};
    for (size_t i = 0; i < asked->count; i++) {
        buffer_append_string(&search, i > 0 ? " OR sku:\"" : "sku:\"");
        for (size_t j = 0; j < asked->skus[i].length; j++) {
            char c = asked->skus[i].data[j];
            if (c == '"' || c == '\\') {
                buffer_append(&search, "\\", 1);
            }
            buffer_append(&search, &c, 1);
        }
        buffer_append_string(&search, "\"");
    }
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_key(&w, "q");
    json_text(&w, buffer_text(&search));
    json_key(&w, "after");
    json_text_or_null(&w, after);
    json_end_object(&w);
    buffer_deinit(&search);
}

static void take_variants(const struct tree *nodes, struct asked *asked, struct arena *arena) {
    for (const struct tree *node = tree_first(nodes); node != NULL; node = node->next) {
        struct found *found = arena_alloc_zero(arena, sizeof(*found));
        found->sku = tree_text(tree_get(node, "sku"));
        found->id = tree_text(tree_at(node, "inventoryItem.id"));
        if (found->id.length > 0 && memchr(found->id.data, ' ', found->id.length) == NULL) {
            found->next = asked->found;
            asked->found = found;
        }
    }
}

static bool ask(struct shopify *shopify, struct asked *asked, struct arena *arena,
                struct channel_call *call) {
    struct text after = {NULL, 0};
    bool ok = true;
    for (unsigned page = 0; ok && page < PAGES_MAX && (page == 0 || after.length > 0); page++) {
        struct buffer variables = {0};
        const struct tree *data = NULL;
        write_search(asked, after, &variables);
        struct shopify_query query = {SHOPIFY_LOOK_UP, variants_query, buffer_text(&variables)};
        ok = shopify_call(shopify, &query, NULL, arena, &data, call);
        buffer_deinit(&variables);
        if (ok && !tree_is_array(tree_at(data, "productVariants.nodes"))) {
            shop_judge(call, CHANNEL_CALL_NOT_SENT,
                       "not an answer as this platform gives it: no productVariants.nodes");
            ok = false;
        }
        after = TEXT("");
        if (ok) {
            take_variants(tree_at(data, "productVariants.nodes"), asked, arena);
            const struct tree *info = tree_at(data, "productVariants.pageInfo");
            after = tree_true(tree_get(info, "hasNextPage"))
                        ? tree_text(tree_get(info, "endCursor"))
                        : TEXT("");
        }
    }
    return ok;
}

/* The search is not exact: only what is the SKU to the letter counts, or, failing that, but for
 * case. */
static size_t ids_of(const struct asked *asked, struct text sku, struct buffer *out) {
    for (int exact = 1; exact >= 0; exact--) {
        size_t count = 0;
        for (const struct found *found = asked->found; found != NULL; found = found->next) {
            if (exact ? text_equal(found->sku, sku) : text_equal_ignore_case(found->sku, sku)) {
                buffer_append_string(out, count > 0 ? " " : "");
                buffer_append_text(out, found->id);
                count++;
            }
        }
        if (count > 0) {
            return count;
        }
    }
    return 0;
}

static void note_found(struct shopify *shopify, const struct asked *asked,
                       struct channel_batch *batch) {
    char room[KEY_ROOM];
    for (size_t i = 0; i < asked->count; i++) {
        struct buffer ids = {0};
        size_t count = ids_of(asked, asked->skus[i], &ids);
        struct text key = key_of(asked->skus[i], room, sizeof(room));
        if (count > 0 && count <= SHOPIFY_VARIANTS_MAX && key.length > 0) {
            channel_note_put(shopify->context->notes, key, buffer_text(&ids));
            struct shopify_ids known = shopify_ids_of(shopify, asked->skus[i]);
            for (size_t j = 0; j < known.count; j++) {
                channel_note_put(shopify->context->notes, item_key(batch->arena, known.items[j]),
                                 asked->skus[i]);
            }
        }
        for (size_t j = 0; j < batch->count; j++) {
            struct channel_item *item = &batch->items[j];
            if (!text_equal(item->sku, asked->skus[i])) {
                continue;
            }
            if (count == 0) {
                item->outcome = CHANNEL_UNMAPPED;
                item->words = TEXT("no variant of the shop has this SKU");
            } else if (count > SHOPIFY_VARIANTS_MAX) {
                item->outcome = CHANNEL_PARKED;
                item->words = arena_format(batch->arena,
                                           "%zu variants of the shop have this SKU; at most %u are "
                                           "kept alike",
                                           count, SHOPIFY_VARIANTS_MAX);
            }
        }
        buffer_deinit(&ids);
    }
}

static bool was_asked(const struct asked *asked, struct text sku) {
    for (size_t i = 0; i < asked->count; i++) {
        if (text_equal(asked->skus[i], sku)) {
            return true;
        }
    }
    return false;
}

bool shopify_look_up(struct shopify *shopify, struct channel_batch *batch,
                     struct channel_call *call) {
    struct asked asked = {.count = 0};
    for (size_t i = 0; i <= batch->count; i++) {
        bool full = asked.count >= shopify->skus_at_once || i == batch->count;
        if (full && asked.count > 0) {
            if (!ask(shopify, &asked, batch->arena, call)) {
                return false;
            }
            note_found(shopify, &asked, batch);
            asked = (struct asked){.count = 0};
        }
        if (i < batch->count && batch->items[i].outcome == CHANNEL_UNANSWERED &&
            shopify_ids_of(shopify, batch->items[i].sku).count == 0 &&
            !was_asked(&asked, batch->items[i].sku)) {
            asked.skus[asked.count++] = batch->items[i].sku;
        }
    }
    return true;
}
