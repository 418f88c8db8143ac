/* Pages cut into documents, and errors put into words. */
#include "pos/prism_page.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"

#define WORDS_MAX 200u

int64_t prism_nonce_response(int64_t nonce) {
    return nonce / 13 % 99999 * 17;
}

/* ---- names of both dialects ---- */

static bool is_name(struct text key, const char *name) {
    for (size_t i = 0; i < key.length; i++) {
        char c = key.data[i];
        if (c == '_')
            continue;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != *name)
            return false;
        name++;
    }
    return *name == '\0';
}

static bool is_blank_value(struct text raw) {
    return raw.length == 0 || text_equal_string(raw, "null");
}

/* The next value: a scalar's text, or the JSON of what is nested. */
static enum status read_any(struct json_reader *r, struct text *text_out) {
    struct json_reader at_value = *r;
    struct text raw;
    enum status status = json_read_raw(r, &raw);
    if (status != STATUS_OK)
        return status;
    raw = text_trim(raw);
    *text_out = raw;
    if (is_blank_value(raw)) {
        *text_out = (struct text){NULL, 0};
    } else if (raw.data[0] == '"') {
        struct json_value value;
        status = json_read(&at_value, &value);
        if (status == STATUS_OK)
            *text_out = value.text;
    }
    return status;
}

bool prism_pick(struct text object, const char *const *names, size_t count, struct arena *arena,
                struct text *values_out) {
    struct json_reader r;
    struct json_value value;
    struct text key, text;
    for (size_t i = 0; i < count; i++)
        values_out[i] = (struct text){NULL, 0};
    json_reader_init(&r, object, arena, NULL);
    if (json_read(&r, &value) != STATUS_OK || value.kind != JSON_OBJECT)
        return false;
    enum status status;
    while ((status = json_next_key(&r, &key)) == STATUS_OK) {
        size_t i = 0;
        while (i < count && !is_name(key, names[i]))
            i++;
        status = i < count ? read_any(&r, &text) : json_skip(&r);
        if (status != STATUS_OK)
            return false;
        if (i < count && values_out[i].length == 0)
            values_out[i] = text;
    }
    return status == STATUS_END;
}

struct text prism_with_field(struct text object, const char *name, struct text value,
                             struct arena *arena) {
    object = text_trim(object);
    require(object.length >= 2 && object.data[object.length - 1] == '}');
    struct text open = text_trim((struct text){object.data, object.length - 1});
    return arena_format(arena, "%.*s%s\"%s\":%.*s}", TEXT_ARG(open), open.length > 1 ? "," : "",
                        name, TEXT_ARG(value));
}

/* ---- errors in words ---- */

/* Bounded, on one line. */
static struct text shorten(struct text words, struct arena *arena) {
    words = text_trim(words);
    if (words.length > WORDS_MAX)
        words.length = WORDS_MAX;
    char *copy = arena_alloc(arena, words.length + 1);
    for (size_t i = 0; i < words.length; i++) {
        char c = words.data[i];
        copy[i] = (unsigned char)c < ' ' || c == 127 ? ' ' : c;
    }
    copy[words.length] = '\0';
    return (struct text){copy, words.length};
}

static struct text error_of_object(struct text object, struct arena *arena);

/* Of an array of errors: the first. */
static struct text error_of_array(struct text array, struct arena *arena) {
    struct json_reader r;
    struct json_value value;
    struct text raw = {NULL, 0};
    json_reader_init(&r, array, arena, NULL);
    if (json_read(&r, &value) == STATUS_OK && value.kind == JSON_ARRAY &&
        json_next_item(&r) == STATUS_OK && read_any(&r, &raw) == STATUS_OK && raw.length > 0)
        return raw.data[0] == '{' ? error_of_object(raw, arena) : raw;
    return (struct text){NULL, 0};
}

/* Empty where there is none of the fields in which Prism says what is wrong. */
static struct text error_of_object(struct text object, struct arena *arena) {
    static const char *const names[] = {"errormsg", "errors", "errorcode", "error", "message"};
    struct text found[5];
    if (!prism_pick(object, names, 5, arena, found))
        return (struct text){NULL, 0};
    if (found[0].length > 0)
        return found[2].length > 0 ? arena_format(arena, "%.*s (errorcode %.*s)",
                                                  TEXT_ARG(found[0]), TEXT_ARG(found[2]))
                                   : found[0];
    if (found[1].length > 0)
        return found[1].data[0] == '[' ? error_of_array(found[1], arena) : found[1];
    if (found[2].length > 0)
        return arena_format(arena, "errorcode %.*s", TEXT_ARG(found[2]));
    return found[3].length > 0 ? found[3] : found[4];
}

static struct text html_title(struct text body) {
    const char *at = memmem(body.data, body.length, "<title>", 7);
    if (at == NULL)
        return (struct text){NULL, 0};
    at += 7;
    size_t left = body.length - (size_t)(at - body.data);
    const char *end = memchr(at, '<', left);
    return (struct text){at, end != NULL ? (size_t)(end - at) : left};
}

struct text prism_error_text(struct text body, struct arena *arena) {
    struct text words = {NULL, 0};
    body = text_trim(body);
    if (body.length == 0)
        return TEXT("an empty answer");
    if (body.data[0] == '[')
        words = error_of_array(body, arena);
    if (body.data[0] == '{')
        words = error_of_object(body, arena);
    words = shorten(words, arena);
    if (words.length > 0)
        return words;
    if (body.data[0] != '<')
        return shorten(body, arena);
    words = shorten(html_title(body), arena);
    return words.length > 0 ? arena_format(arena, "an HTML page, '%.*s'", TEXT_ARG(words))
                            : TEXT("an HTML page");
}

/* ---- pages ---- */

static void add_item(struct prism_page *page, size_t *room, struct text raw, struct arena *arena) {
    if (page->count == *room) {
        size_t more = *room > 0 ? *room * 2 : 256;
        struct text *items = arena_alloc(arena, more * sizeof *items);
        if (page->count > 0)
            memcpy(items, page->items, page->count * sizeof *items);
        page->items = items;
        *room = more;
    }
    page->items[page->count++] = raw;
}

/* The reader stands behind the opening bracket. */
static enum status cut_array(struct json_reader *r, struct arena *arena, struct prism_page *page) {
    size_t room = 0;
    enum status status;
    while ((status = json_next_item(r)) == STATUS_OK) {
        struct text raw;
        status = json_read_raw(r, &raw);
        if (status != STATUS_OK)
            return status;
        add_item(page, &room, text_trim(raw), arena);
    }
    return status == STATUS_END ? STATUS_OK : status;
}

/* The reader stands behind the opening brace. *enveloped_out: there was an array called data. */
static enum status cut_envelope(struct json_reader *r, struct arena *arena, struct prism_page *page,
                                bool *enveloped_out) {
    struct text key;
    enum status status;
    while ((status = json_next_key(r, &key)) == STATUS_OK) {
        struct json_reader at_value = *r;
        struct json_value value = {.kind = JSON_OBJECT};
        if (is_name(key, "data") && !*enveloped_out && json_read(&at_value, &value) == STATUS_OK &&
            value.kind == JSON_ARRAY) {
            *r = at_value;
            *enveloped_out = true;
            status = cut_array(r, arena, page);
        } else {
            *enveloped_out = *enveloped_out || (is_name(key, "data") && value.kind == JSON_NULL);
            status = json_skip(r);
        }
        if (status != STATUS_OK)
            return status;
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static bool is_error(struct text object, struct arena *arena) {
    static const char *const names[] = {"errorcode", "errormsg", "errors", "sid"};
    struct text found[4];
    return prism_pick(object, names, 4, arena, found) && found[3].length == 0 &&
           (found[0].length > 0 || found[1].length > 0 || found[2].length > 0) &&
           !text_equal_string(found[2], "[]");
}

enum status prism_page_cut(struct text body, struct arena *arena, struct prism_page *page_out,
                           struct error *error) {
    struct json_reader r;
    struct json_value value = {.kind = JSON_NULL};
    struct error why = {0};
    struct prism_page page = {0};
    bool enveloped = false;
    body = text_trim(body);
    if (body.length == 0 || (body.data[0] != '[' && body.data[0] != '{'))
        return error_set(error, STATUS_UNREADABLE, "Prism answered no JSON but %.*s",
                         TEXT_ARG(prism_error_text(body, arena)));
    json_reader_init(&r, body, arena, &why);
    enum status status = json_read(&r, &value);
    if (status == STATUS_OK)
        status = value.kind == JSON_ARRAY ? cut_array(&r, arena, &page)
                                          : cut_envelope(&r, arena, &page, &enveloped);
    if (status == STATUS_OK)
        status = json_finish(&r);
    if (status != STATUS_OK)
        return error_set(error, STATUS_UNREADABLE, "Prism's answer is cut short or broken: %s",
                         why.detail);
    bool one_object = value.kind == JSON_OBJECT && !enveloped;
    if (is_error(one_object || page.count == 0 ? body : page.items[0], arena))
        return error_set(error, STATUS_REFUSED, "%.*s", TEXT_ARG(prism_error_text(body, arena)));
    if (one_object) {
        page.items = arena_alloc(arena, sizeof *page.items);
        page.items[0] = body;
        page.count = 1;
    }
    *page_out = page;
    return STATUS_OK;
}

int64_t prism_total(struct text content_range) {
    const char *slash =
        content_range.length > 0 ? memrchr(content_range.data, '/', content_range.length) : NULL;
    if (slash == NULL)
        return -1;
    const char *end = content_range.data + content_range.length;
    int64_t total = 0;
    const char *at = slash + 1;
    for (; at < end && *at >= '0' && *at <= '9' && total < INT64_C(1000000000000); at++)
        total = total * 10 + (*at - '0');
    return at > slash + 1 && at == end ? total : -1;
}
