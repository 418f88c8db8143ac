/* Any bytes as an answer of Prism: what is cut out of a page lies in it and is JSON, and whatever
 * is no page can be said in a few words on one line. */
#include "base/json.h"
#include "pos/prism_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_item(struct text item, struct text body, struct arena *arena) {
    static const char *const names[] = {"sid", "modifieddatetime", "items"};
    struct text values[3];
    struct json_reader r;
    require(item.data >= body.data && item.data + item.length <= body.data + body.length);
    json_reader_init(&r, item, arena, NULL);
    require(json_skip(&r) == STATUS_OK && json_finish(&r) == STATUS_OK);
    if (!prism_pick(item, names, 3, arena, values))
        return;
    struct text more = prism_with_field(item, "added", TEXT("[1]"), arena);
    static const char *const added[] = {"added"};
    struct text value;
    require(prism_pick(more, added, 1, arena, &value) && value.length > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = {0};
    struct text body = arena_copy(&arena, (struct text){(const char *)data, size});
    struct prism_page page;
    struct error error = {0};
    if (prism_page_cut(body, &arena, &page, &error) == STATUS_OK)
        for (size_t i = 0; i < page.count; i++)
            check_item(page.items[i], body, &arena);
    else
        require(error.detail[0] != '\0');
    struct text words = prism_error_text(body, &arena);
    require(words.length > 0 && words.length < 256);
    require(memchr(words.data, '\n', words.length) == NULL);
    (void)prism_total(body);
    arena_deinit(&arena);
    return 0;
}
