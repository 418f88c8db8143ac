/* Column names in lower case, blanks as "_". A word that is neither yes nor no goes as it is, and
 * the hub says what is wrong with it. */
#include "cli/product_body.h"

#include <stdlib.h>

#include "base/json.h"

static bool is_word(struct text text, const char *const *words) {
    for (size_t i = 0; words[i] != NULL; i++)
        if (text_equal_ignore_case(text, text_from(words[i])))
            return true;
    return false;
}

static char *api_name(struct text name) {
    char *own = memory_alloc(name.length + 1);
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        own[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c == ' ' ? '_' : c;
    }
    own[name.length] = '\0';
    return own;
}

bool product_columns_init(struct product_columns *columns, const struct text *names, size_t count) {
    static const char *const truths[] = {"active", "published", NULL};
    static const char *const plain[] = {"name", "namespace", "active", "published", "", NULL};
    bool any = false;
    columns->items = memory_alloc_zero(count + 1, sizeof *columns->items);
    columns->count = count;
    for (size_t i = 0; i < count; i++) {
        columns->items[i].name = api_name(names[i]);
        columns->items[i].is_truth = is_word(names[i], truths);
        any |= !is_word(names[i], plain);
    }
    return any;
}

void product_columns_deinit(struct product_columns *columns) {
    for (size_t i = 0; i < columns->count; i++)
        free(columns->items[i].name);
    free(columns->items);
}

static void append_truth(struct json_writer *w, struct text field) {
    static const char *const yes[] = {"true", "yes", "y", "1", "t", NULL};
    static const char *const no[] = {"false", "no", "n", "0", "f", NULL};
    if (is_word(field, yes) || is_word(field, no))
        json_bool(w, is_word(field, yes));
    else
        json_text(w, field);
}

void product_body_append(struct buffer *out, const struct product_columns *columns,
                         const struct text *fields) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    for (size_t i = 0; i < columns->count; i++) {
        if (fields[i].length == 0 || columns->items[i].name[0] == '\0')
            continue;
        json_key(&w, columns->items[i].name);
        if (columns->items[i].is_truth)
            append_truth(&w, fields[i]);
        else
            json_text(&w, fields[i]);
    }
    json_end_object(&w);
}
